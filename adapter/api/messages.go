// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/process"

	"github.com/danielgtaylor/huma/v2"
)

// MessageIn is a message that a program sends.
type MessageIn struct {
	Name              string         `json:"name" minLength:"1" maxLength:"200"`
	Key               string         `json:"key,omitempty" maxLength:"200" doc:"whose it is, as the process has it; without one it can only begin a case"`
	Variables         map[string]any `json:"variables,omitempty" doc:"at most 256 KB"`
	TimeToLiveSeconds *int           `json:"timeToLiveSeconds,omitempty" minimum:"0" maximum:"31536000" doc:"how long it waits for a case that wants it; default: as the house has it, 90 days; 0: not at all"`
	ID                string         `json:"id,omitempty" maxLength:"200" doc:"of the sender: the same again within its life, at least a day, does nothing"`
}

// MessageFate is what became of a message.
type MessageFate struct {
	Outcome  string `json:"outcome" enum:"taken,begun,kept,unwanted" doc:"taken by a case that has waited for it; it has begun a case; kept until a case wants it; unwanted, and not to be kept"`
	Repeated bool   `json:"repeated,omitempty" doc:"it had come before: this is what became of it then"`
	Case     string `json:"caseId,omitempty" doc:"of a case that it has begun, for clients that may read cases"`
	Ref      string `json:"ref,omitempty" doc:"its file number"`
}

// SignalIn is a signal that a program sends.
type SignalIn struct {
	Name      string         `json:"name" minLength:"1" maxLength:"200"`
	Variables map[string]any `json:"variables,omitempty" doc:"at most 256 KB"`
}

// SignalReach is whom a signal reaches.
type SignalReach struct {
	Waited int `json:"waited" doc:"cases that have waited for it"`
	Begins int `json:"begins" doc:"cases that it begins"`
}

// DataIn are data that a program tells.
type DataIn struct {
	Variables map[string]any `json:"variables" doc:"at most 256 KB"`
}

// DataBegins is what data bring about.
type DataBegins struct {
	Begins int `json:"begins" doc:"cases that begin because a condition is true for the data"`
}

const (
	maxName  = 200 // of a message or signal
	maxEvent = maxName + len("event:message:")
)

// messageOperations are for programs that tell the house what has happened.
func (a *API) messageOperations() {
	errs := []int{401, 403, 413, 422, 429}
	post := func(id, path, scope, summary string, more ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodPost, Path: path, Tags: []string{"messages"}, Security: needs(scope), Summary: summary, Errors: append(more, errs...)}
	}
	permit := func(ctx context.Context, c caller, resource string) (access.Grant, error) {
		if err := a.brake(ctx, c); err != nil {
			return access.Grant{}, err
		}
		if len(resource) > maxEvent { // the schema counts letters, the ledger bytes
			return access.Grant{}, fault.New(fault.Invalid, "api.event", "process.longText", "n", maxName)
		}
		if !process.Readable(resource) {
			return access.Grant{}, fault.New(fault.Invalid, "api.event", "process.noText")
		}
		return a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: access.Change, Resource: resource, Purpose: purpose, Office: c.actor.Office})
	}
	add(a, post("send-message", "/messages", "messages:write", "Send a message: a case that waits for it goes on, or a case begins, or it is kept", 404),
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			Body MessageIn
		}) (*Body[MessageFate], error) {
			resource := "event:message:" + in.Body.Name
			g, err := permit(ctx, c, resource)
			if err != nil {
				return nil, err
			}
			n := process.Note{Name: in.Body.Name, Key: in.Body.Key, Vars: in.Body.Variables, ID: in.Body.ID,
				Record: func(ctx context.Context, tx *store.Tx, r process.Ref) error {
					return a.told(ctx, tx, c.actor, resource, r)
				}}
			if s := in.Body.TimeToLiveSeconds; s != nil {
				ttl := time.Duration(*s) * time.Second
				n.TTL = &ttl
			}
			o, err := a.c.Tasks.SendMessage(ctx, g, n)
			if err != nil {
				return nil, err
			}
			out := MessageFate{Outcome: string(o.Fate), Repeated: o.Repeated}
			// Whose case took it is no business of who sent it; the one that it has begun is theirs.
			if o.Fate == process.Begun && c.actor.Is("cases:read") {
				out.Case, out.Ref = o.Case.CaseID, o.Case.CaseRef
			}
			return &Body[MessageFate]{out}, nil
		})
	add(a, post("send-signal", "/signals", "signals:write", "Send a signal: it reaches all who wait for it, and begins a case of each service that begins by it"),
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			Body SignalIn
		}) (*Body[SignalReach], error) {
			g, err := permit(ctx, c, "event:signal:"+in.Body.Name)
			if err != nil {
				return nil, err
			}
			waited, begins, err := a.c.Tasks.SendSignal(ctx, g, in.Body.Name, in.Body.Variables)
			return &Body[SignalReach]{SignalReach{waited, begins}}, err
		})
	add(a, post("tell-data", "/conditions", "conditions:write", "Tell data: each service that begins under a condition which is true for them begins a case"),
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			Body DataIn
		}) (*Body[DataBegins], error) {
			g, err := permit(ctx, c, "event:condition")
			if err != nil {
				return nil, err
			}
			n, err := a.c.Tasks.SendData(ctx, g, in.Body.Variables)
			return &Body[DataBegins]{DataBegins{n}}, err
		})
}

// told puts on record which case a message has reached, for the case and the person whose it is.
func (a *API) told(ctx context.Context, tx *store.Tx, who access.Actor, resource string, c process.Ref) error {
	r := access.Request{Actor: who, Action: access.Change, Resource: resource, Purpose: purpose, Service: c.Service, Case: c.CaseID, Office: c.Office}
	var err error
	if r.Subjects, err = a.person(ctx, tx, c.CaseID); err != nil {
		return err
	}
	_, err = a.c.Access.PermitTx(ctx, tx, r)
	return err
}

// brake holds a program that sends too much: each message may begin a case that people
// have to work on, so it may send a tenth of what it may ask.
func (a *API) brake(ctx context.Context, c caller) error {
	if wait, ok := a.counted("send\x00"+c.actor.ID, max(a.c.PerMinute/10, 1)); !ok {
		return huma.ErrorWithHeaders(a.fail(ctx, fault.New(fault.TooMany, "api.brake", "")), http.Header{"Retry-After": {strconv.Itoa(int(wait/time.Second) + 1)}})
	}
	return nil
}
