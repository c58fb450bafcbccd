// SPDX-License-Identifier: EUPL-1.2

package webhook

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed messages.*.toml
var messages embed.FS

// Messages are the texts of the room.
func Messages() fs.FS { return messages }

// View is a subscription at the API.
type View struct {
	ID          string    `json:"id"`
	URL         string    `json:"url"`
	Types       []string  `json:"types" nullable:"false"`
	Description string    `json:"description,omitempty"`
	State       string    `json:"state" enum:"active,paused,suspended"`
	CreatedAt   time.Time `json:"createdAt"`
}

// WithSecret is a subscription with the secret that is shown this once.
type WithSecret struct {
	View
	Secret string `json:"secret" doc:"key of the signatures, as in Standard Webhooks; shown this once"`
}

// Secret is a new secret.
type Secret struct {
	Secret string `json:"secret" doc:"shown this once"`
}

// Wish is a subscription to be.
type Wish struct {
	URL         string   `json:"url" format:"uri" maxLength:"2000"`
	Types       []string `json:"types" minItems:"1" maxItems:"50" doc:"prefixes of event types: eu.mercator.case."`
	Description string   `json:"description,omitempty" maxLength:"500"`
}

// Patch changes what it names.
type Patch struct {
	URL         *string  `json:"url,omitempty" format:"uri" maxLength:"2000"`
	Types       []string `json:"types,omitempty" minItems:"1" maxItems:"50"`
	Description *string  `json:"description,omitempty" maxLength:"500"`
	Active      *bool    `json:"active,omitempty"`
}

// DeliveryView is a delivery at the API.
type DeliveryView struct {
	ID        string     `json:"id"`
	EventID   string     `json:"eventId"`
	Type      string     `json:"type"`
	State     string     `json:"state" enum:"waiting,delivered,given_up"`
	Attempts  int        `json:"attempts"`
	Status    int        `json:"status,omitempty" doc:"the address's last HTTP status"`
	Error     string     `json:"error,omitempty"`
	CreatedAt time.Time  `json:"createdAt"`
	SentAt    *time.Time `json:"sentAt,omitempty"`
}

type body[T any] struct{ Body T }

type list[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"after of the next page; missing on the last one"`
}

type created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// ByID names a subscription.
type ByID struct {
	ID string `path:"id" maxLength:"36"`
}

// Idempotent is the header of every POST.
type Idempotent struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"the same key with the same request happens once"`
}

func view(s Subscription) View {
	return View{ID: s.ID, URL: s.URL, Types: append([]string{}, s.Types...), Description: s.Description, State: string(s.State), CreatedAt: s.CreatedAt}
}

func register[I, O any](api huma.API, op huma.Operation, fail func(context.Context, error) error, h func(context.Context, *I) (*O, error)) {
	op.Tags = []string{"webhooks"}
	op.Security = []map[string][]string{{"oauth2": {"webhooks:write"}}}
	op.MaxBodyBytes = 64 << 10
	op.Errors = append(op.Errors, http.StatusBadRequest)
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, fail(ctx, err)
		}
		return out, nil
	})
}

// Operations adds the room's operations to the API: who calls is asked of caller,
// faults become answers by fail.
func (s *Service) Operations(api huma.API, caller func(context.Context) access.Actor, fail func(context.Context, error) error) {
	known := func(id string) error {
		if !ident.Valid(id) {
			return fault.New(fault.NotFound, "webhook.id", "")
		}
		return nil
	}
	register(api, huma.Operation{OperationID: "list-webhooks", Method: http.MethodGet, Path: "/webhooks", Summary: "The client's subscriptions", Errors: []int{401, 403, 429}}, fail,
		func(ctx context.Context, _ *struct{}) (*body[list[View]], error) {
			subs, err := s.List(ctx, caller(ctx))
			out := &body[list[View]]{list[View]{Items: []View{}}}
			for _, x := range subs {
				out.Body.Items = append(out.Body.Items, view(x))
			}
			return out, err
		})
	register(api, huma.Operation{OperationID: "create-webhook", Method: http.MethodPost, Path: "/webhooks", Summary: "Subscribe an address to events", DefaultStatus: http.StatusCreated,
		Description: "Events are CloudEvents 1.0 in structured mode, signed as in Standard Webhooks. They arrive at least once and in no order.", Errors: []int{401, 403, 409, 413, 422, 429}}, fail,
		func(ctx context.Context, in *struct {
			Idempotent
			Body Wish
		}) (*created[WithSecret], error) {
			sub, secret, err := s.Subscribe(ctx, caller(ctx), New{URL: in.Body.URL, Types: in.Body.Types, Description: in.Body.Description})
			return &created[WithSecret]{Location: "/api/v1/webhooks/" + sub.ID, Body: WithSecret{view(sub), secret}}, err
		})
	register(api, huma.Operation{OperationID: "get-webhook", Method: http.MethodGet, Path: "/webhooks/{id}", Summary: "A subscription", Errors: []int{401, 403, 404, 429}}, fail,
		func(ctx context.Context, in *ByID) (*body[View], error) {
			if err := known(in.ID); err != nil {
				return nil, err
			}
			sub, err := s.Get(ctx, caller(ctx), in.ID)
			return &body[View]{view(sub)}, err
		})
	register(api, huma.Operation{OperationID: "change-webhook", Method: http.MethodPatch, Path: "/webhooks/{id}", Summary: "Change, pause or resume a subscription", Errors: []int{401, 403, 404, 413, 422, 429}}, fail,
		func(ctx context.Context, in *struct {
			ByID
			Body Patch
		}) (*body[View], error) {
			if err := known(in.ID); err != nil {
				return nil, err
			}
			sub, err := s.Change(ctx, caller(ctx), in.ID, Change{URL: in.Body.URL, Types: in.Body.Types, Description: in.Body.Description, Active: in.Body.Active})
			return &body[View]{view(sub)}, err
		})
	register(api, huma.Operation{OperationID: "delete-webhook", Method: http.MethodDelete, Path: "/webhooks/{id}", Summary: "End a subscription", DefaultStatus: http.StatusNoContent, Errors: []int{401, 403, 404, 429}}, fail,
		func(ctx context.Context, in *ByID) (*struct{}, error) {
			if err := known(in.ID); err != nil {
				return nil, err
			}
			return nil, s.Delete(ctx, caller(ctx), in.ID)
		})
	register(api, huma.Operation{OperationID: "rotate-webhook-secret", Method: http.MethodPost, Path: "/webhooks/{id}/secret", Summary: "A new secret; for a day messages are signed with the old one too", Errors: []int{401, 403, 404, 429}}, fail,
		func(ctx context.Context, in *struct {
			Idempotent
			ByID
		}) (*body[Secret], error) {
			if err := known(in.ID); err != nil {
				return nil, err
			}
			secret, err := s.Rotate(ctx, caller(ctx), in.ID)
			return &body[Secret]{Secret{secret}}, err
		})
	register(api, huma.Operation{OperationID: "list-deliveries", Method: http.MethodGet, Path: "/webhooks/{id}/deliveries", Summary: "What went to an address, the newest first", Errors: []int{401, 403, 404, 422, 429}}, fail,
		func(ctx context.Context, in *struct {
			ByID
			After string `query:"after" maxLength:"36"`
			Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
		}) (*body[list[DeliveryView]], error) {
			if err := known(in.ID); err != nil {
				return nil, err
			}
			got, err := s.Deliveries(ctx, caller(ctx), in.ID, in.After, in.Limit)
			out := &body[list[DeliveryView]]{list[DeliveryView]{Items: []DeliveryView{}}}
			for _, d := range got {
				v := DeliveryView{ID: d.ID, EventID: d.EventID, Type: d.Type, State: string(d.State), Attempts: d.Attempts, Status: d.Status, Error: d.Error, CreatedAt: d.CreatedAt}
				if !d.SentAt.IsZero() {
					v.SentAt = &d.SentAt
				}
				out.Body.Items = append(out.Body.Items, v)
			}
			if len(got) == in.Limit {
				out.Body.Next = got[len(got)-1].ID
			}
			return out, err
		})
	register(api, huma.Operation{OperationID: "redeliver", Method: http.MethodPost, Path: "/webhooks/{id}/deliveries/{delivery}/redelivery", Summary: "Send an event again: the same id, the same body", DefaultStatus: http.StatusAccepted, Errors: []int{401, 403, 404, 429}}, fail,
		func(ctx context.Context, in *struct {
			Idempotent
			ByID
			Delivery string `path:"delivery" maxLength:"36"`
		}) (*struct{}, error) {
			if err := known(in.ID); err != nil {
				return nil, err
			}
			return nil, s.Redeliver(ctx, caller(ctx), in.ID, in.Delivery)
		})
}
