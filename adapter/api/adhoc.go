// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"net/http"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/process"

	"github.com/danielgtaylor/huma/v2"
)

// AdHocView is an ad-hoc sub-process that runs and that the client's office leads.
type AdHocView struct {
	Token      string              `json:"token"`
	Element    string              `json:"element"`
	Name       string              `json:"name"`
	Item       int                 `json:"item,omitempty" doc:"which item or round it runs for"`
	Revision   int64               `json:"revision" doc:"of the process: who acts names it"`
	Ends       bool                `json:"ends" doc:"a condition of the model ends it: it can't be concluded"`
	Sequential bool                `json:"sequential" doc:"one activity at a time; the others wait for their turn"`
	Activities []AdHocActivityView `json:"activities" nullable:"false"`
}

// AdHocActivityView can begin in it.
type AdHocActivityView struct {
	Element string `json:"element"`
	Name    string `json:"name"`
	Running int    `json:"running"`
	Waiting int    `json:"waiting"`
}

// AdHocBegin names what is to begin.
type AdHocBegin struct {
	Revision int64    `json:"revision" doc:"of the process as it was read"`
	Elements []string `json:"elements" minItems:"1" maxItems:"100" nullable:"false"`
}

// AdHocEnd concludes.
type AdHocEnd struct {
	Revision int64 `json:"revision" doc:"of the process as it was read"`
}

// ByToken names an ad-hoc sub-process.
type ByToken struct {
	ID    string `path:"id" maxLength:"36"`
	Token string `path:"token" maxLength:"40"`
}

// adHocOperations are for programmes of an office, in its name: they do what its clerks do with tasks.
func (a *API) adHocOperations() {
	read, write := needs("tasks:read", "tasks:write"), needs("tasks:write")
	tags := []string{"tasks"}
	permit := func(ctx context.Context, c caller, action, id string) (access.Grant, error) {
		if !ident.Valid(id) {
			return access.Grant{}, fault.New(fault.NotFound, "api.adHoc", "")
		}
		ref, err := a.c.Tasks.CaseOf(ctx, id)
		if err != nil {
			return access.Grant{}, err
		}
		persons, err := a.person(ctx, a.c.DB, ref.CaseID)
		if err != nil {
			return access.Grant{}, err
		}
		r := access.Request{Actor: c.actor, Action: action, Resource: "task", Purpose: purpose, Service: ref.Service, Case: ref.CaseID, Office: c.actor.Office}
		if len(persons) > 0 { // nobody leads their own matter
			r.Owner = persons[0]
		}
		return a.c.Access.Permit(ctx, r)
	}
	turn := func(ctx context.Context, c caller, t process.AdHocTurn, do func(context.Context, *store.Tx, access.Grant, process.AdHocTurn) error) (*struct{}, error) {
		g, err := permit(ctx, c, access.Change, t.Instance)
		if err != nil {
			return nil, err
		}
		return nil, a.c.DB.Write(ctx, func(tx *store.Tx) error { return do(ctx, tx, g, t) })
	}
	add(a, huma.Operation{OperationID: "list-ad-hoc", Method: http.MethodGet, Path: "/instances/{id}/ad-hoc", Summary: "Ad-hoc sub-processes of a process that the client's office leads, and what can begin in them", Tags: tags, Security: read,
		Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *ByInstance) (*Body[Page[AdHocView]], error) {
			g, err := permit(ctx, c, access.Read, in.ID)
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.AdHocs(ctx, g, in.ID)
			out := &Body[Page[AdHocView]]{Page[AdHocView]{Items: []AdHocView{}}}
			for _, x := range list {
				v := AdHocView{Token: x.Token, Element: x.Element, Name: x.Name, Item: x.Item, Revision: x.Revision, Ends: x.Ends, Sequential: x.Sequential, Activities: []AdHocActivityView{}}
				for _, s := range x.Activities {
					v.Activities = append(v.Activities, AdHocActivityView(s))
				}
				out.Body.Items = append(out.Body.Items, v)
			}
			return out, err
		})
	add(a, huma.Operation{OperationID: "begin-ad-hoc", Method: http.MethodPost, Path: "/instances/{id}/ad-hoc/{token}/activations", Summary: "Begin activities of an ad-hoc sub-process", Tags: tags, Security: write,
		Description: "409: the process has moved on since revision, or the sub-process has ended.", DefaultStatus: http.StatusNoContent, Errors: []int{401, 403, 404, 409, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			ByToken
			Body AdHocBegin
		}) (*struct{}, error) {
			return turn(ctx, c, process.AdHocTurn{Instance: in.ID, Token: in.Token, Revision: in.Body.Revision, Elements: in.Body.Elements}, a.c.Tasks.BeginAdHoc)
		})
	add(a, huma.Operation{OperationID: "conclude-ad-hoc", Method: http.MethodPost, Path: "/instances/{id}/ad-hoc/{token}/conclusion", Summary: "Conclude an ad-hoc sub-process; what still runs in it is cancelled", Tags: tags, Security: write,
		Description: "409: the process has moved on since revision, the sub-process has ended, or a condition of the model ends it.", DefaultStatus: http.StatusNoContent, Errors: []int{401, 403, 404, 409, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			ByToken
			Body AdHocEnd
		}) (*struct{}, error) {
			return turn(ctx, c, process.AdHocTurn{Instance: in.ID, Token: in.Token, Revision: in.Body.Revision}, a.c.Tasks.ConcludeAdHoc)
		})
}
