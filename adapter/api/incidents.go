// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/process"

	"github.com/danielgtaylor/huma/v2"
)

// IncidentGroupView are the open incidents of one service, at one element, with one cause.
type IncidentGroupView struct {
	Service string    `json:"service"`
	Element string    `json:"element" doc:"of the process"`
	Cause   string    `json:"cause" doc:"the reason without what differs from case to case"`
	Count   int       `json:"count" doc:"counted up to 10,000; 10,001 means more"`
	First   time.Time `json:"firstAt"`
	Last    time.Time `json:"lastAt"`
}

// IncidentView is a process that can't go on.
type IncidentView struct {
	ID         string     `json:"id"`
	Case       string     `json:"caseId"`
	Ref        string     `json:"ref" doc:"file number that people see"`
	Instance   string     `json:"instanceId"`
	Service    string     `json:"service"`
	Version    string     `json:"version"`
	Office     string     `json:"office"`
	Element    string     `json:"element"`
	Cause      string     `json:"cause"`
	Reason     string     `json:"reason" doc:"for operators; it may quote data of the case"`
	At         time.Time  `json:"at"`
	ResolvedAt *time.Time `json:"resolvedAt,omitempty"`
	ResolvedBy string     `json:"resolvedBy,omitempty"`
}

// IncidentRetried is what became of one that was tried again.
type IncidentRetried struct {
	Again string `json:"again,omitempty" doc:"the incident that came of it at once; missing: the process went on"`
}

// IncidentRetryWish says which incidents are tried again: some, or all of a group.
type IncidentRetryWish struct {
	Incidents []string `json:"incidents,omitempty" maxItems:"1000" nullable:"false" doc:"ids; then no group"`
	Service   string   `json:"service,omitempty" maxLength:"100"`
	Element   string   `json:"element,omitempty" maxLength:"500"`
	Cause     string   `json:"cause,omitempty" maxLength:"1000"`
}

// IncidentRetryView is how far a retry of many is.
type IncidentRetryView struct {
	ID       string    `json:"id"`
	State    string    `json:"state" enum:"running,done"`
	Service  string    `json:"service,omitempty" doc:"of the group; missing: a choice"`
	Element  string    `json:"element,omitempty"`
	Cause    string    `json:"cause,omitempty"`
	Total    int       `json:"total"`
	Resolved int       `json:"resolved" doc:"the process went on"`
	Again    int       `json:"again" doc:"an incident came of it at once"`
	Gone     int       `json:"gone" doc:"were no longer open"`
	Failed   int       `json:"failed" doc:"couldn't be tried; they are open as they were"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Changed  time.Time `json:"changedAt"`
}

func viewIncident(i process.OpenIncident) IncidentView {
	v := IncidentView{ID: i.ID, Case: i.CaseID, Ref: i.CaseRef, Instance: i.InstanceID, Service: i.Service, Version: i.Version, Office: i.Office,
		Element: i.Element, Cause: i.Cause, Reason: i.Reason, At: i.At, ResolvedBy: i.ResolvedBy}
	if !i.ResolvedAt.IsZero() {
		v.ResolvedAt = &i.ResolvedAt
	}
	return v
}

func viewIncidentRetry(b process.BulkRetry) IncidentRetryView {
	return IncidentRetryView{ID: b.ID, State: string(b.State), Service: b.Service, Element: b.Element, Cause: b.Cause, Total: b.Total, Resolved: b.Resolved,
		Again: b.Again, Gone: b.Gone, Failed: b.Failed, By: b.By.ID, At: b.At, Changed: b.Changed}
}

// ownOffice is the office that a program is bound to; an operator works for the whole city.
func ownOffice(a access.Actor) string {
	if a.Kind == access.Machine {
		return a.Office
	}
	return ""
}

// person is whose case it is, for the record.
func (a *API) person(ctx context.Context, q store.Q, caseID string) ([]string, error) {
	if a.c.Cases == nil {
		return nil, nil
	}
	c, err := a.c.Cases.Peek(ctx, q, caseID)
	if fault.Is(err, fault.NotFound) || err == nil && c.Person == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{c.Person}, nil
}

// incident is a grant for one incident; the person whose case it is can see who looked.
func (a *API) incident(ctx context.Context, c caller, action, id string) (access.Grant, error) {
	const op = "api.incident"
	if !ident.Valid(id) {
		return access.Grant{}, fault.New(fault.NotFound, op, "")
	}
	ref, err := a.c.Tasks.CaseOfIncident(ctx, id)
	if err != nil {
		return access.Grant{}, err
	}
	office := ownOffice(c.actor)
	if office != "" && office != ref.Office {
		return access.Grant{}, fault.New(fault.NotFound, op, "")
	}
	persons, err := a.person(ctx, a.c.DB, ref.CaseID)
	if err != nil {
		return access.Grant{}, err
	}
	return a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: action, Resource: "incident", Purpose: purpose, Service: ref.Service, Case: ref.CaseID, Office: office, Subjects: persons})
}

// incidentOperations are for programs of the operators.
func (a *API) incidentOperations() {
	read, write := needs("incidents:read", "incidents:write"), needs("incidents:write")
	tags := []string{"incidents"}
	permit := func(ctx context.Context, c caller, action string) (access.Grant, error) {
		return a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: action, Resource: "incident", Purpose: purpose, Office: ownOffice(c.actor)})
	}
	add(a, huma.Operation{OperationID: "list-incident-groups", Method: http.MethodGet, Path: "/incident-groups", Tags: tags, Security: read,
		Summary: "Processes that can't go on, by service, element and cause; at most 200 groups", Errors: []int{401, 403, 429}},
		func(ctx context.Context, c caller, _ *struct{}) (*Body[Page[IncidentGroupView]], error) {
			g, err := permit(ctx, c, access.List)
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.IncidentGroups(ctx, g)
			out := &Body[Page[IncidentGroupView]]{Page[IncidentGroupView]{Items: []IncidentGroupView{}}}
			for _, x := range list {
				out.Body.Items = append(out.Body.Items, IncidentGroupView{Service: x.Service, Element: x.Element, Cause: x.Cause, Count: x.N, First: x.First, Last: x.Last})
			}
			return out, err
		})
	add(a, huma.Operation{OperationID: "list-incidents", Method: http.MethodGet, Path: "/incidents", Tags: tags, Security: read,
		Summary: "The open incidents of a group, oldest first", Errors: []int{401, 403, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			Paging
			Service string `query:"service" required:"true" maxLength:"100"`
			Element string `query:"element" required:"true" maxLength:"500"`
			Cause   string `query:"cause" maxLength:"1000"`
		}) (*Body[Page[IncidentView]], error) {
			if in.After != "" && !ident.Valid(in.After) {
				return nil, fault.New(fault.Invalid, "api.incidents", "api.badCursor")
			}
			g, err := permit(ctx, c, access.List)
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.GroupIncidents(ctx, g, process.IncidentGroup{Service: in.Service, Element: in.Element, Cause: in.Cause}, in.After, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &Body[Page[IncidentView]]{Page[IncidentView]{Items: []IncidentView{}}}
			var persons []string
			for _, x := range list {
				p, err := a.person(ctx, a.c.DB, x.CaseID)
				if err != nil {
					return nil, err
				}
				persons = append(persons, p...)
				out.Body.Items = append(out.Body.Items, viewIncident(x))
			}
			if len(list) == in.Limit {
				out.Body.Next = list[len(list)-1].ID
			}
			return out, a.c.Access.Seen(ctx, g, persons)
		})
	add(a, huma.Operation{OperationID: "get-incident", Method: http.MethodGet, Path: "/incidents/{id}", Tags: tags, Security: read,
		Summary: "An incident with its reason and its place", Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"36"`
		}) (*Body[IncidentView], error) {
			g, err := a.incident(ctx, c, access.Read, in.ID)
			if err != nil {
				return nil, err
			}
			i, err := a.c.Tasks.Incident(ctx, g, in.ID)
			return &Body[IncidentView]{viewIncident(i)}, err
		})
	add(a, huma.Operation{OperationID: "retry-incident", Method: http.MethodPost, Path: "/incidents/{id}/retry", Tags: tags, Security: write,
		Summary: "Try again what an incident stopped", Errors: []int{401, 403, 404, 409, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			ID string `path:"id" maxLength:"36"`
		}) (*Body[IncidentRetried], error) {
			g, err := a.incident(ctx, c, access.Change, in.ID)
			if err != nil {
				return nil, err
			}
			again, err := a.c.Tasks.RetryIncident(ctx, g, in.ID)
			return &Body[IncidentRetried]{IncidentRetried{Again: again}}, err
		})
	add(a, huma.Operation{OperationID: "retry-incidents", Method: http.MethodPost, Path: "/incident-retries", Tags: tags, Security: write, DefaultStatus: http.StatusAccepted,
		Summary: "Try many incidents again, in the background: some, or all of a group that are open now", Errors: []int{401, 403, 409, 413, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			Body IncidentRetryWish
		}) (*Created[IncidentRetryView], error) {
			g, err := permit(ctx, c, access.Change)
			if err != nil {
				return nil, err
			}
			w := in.Body
			if len(w.Incidents) == 0 == (w.Service == "" || w.Element == "") {
				return nil, fault.New(fault.Invalid, "api.retryIncidents", "api.incidentsOrGroup")
			}
			b, err := a.c.Tasks.RetryIncidents(ctx, g, process.IncidentGroup{Service: w.Service, Element: w.Element, Cause: w.Cause}, w.Incidents)
			if err != nil {
				return nil, err
			}
			return &Created[IncidentRetryView]{Location: prefix + "/incident-retries/" + b.ID, Body: viewIncidentRetry(b)}, nil
		})
	add(a, huma.Operation{OperationID: "get-incident-retry", Method: http.MethodGet, Path: "/incident-retries/{id}", Tags: tags, Security: read,
		Summary: "How far a retry of many incidents is", Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"36"`
		}) (*Body[IncidentRetryView], error) {
			if !ident.Valid(in.ID) {
				return nil, fault.New(fault.NotFound, "api.incidentRetry", "")
			}
			g, err := permit(ctx, c, access.List)
			if err != nil {
				return nil, err
			}
			b, err := a.c.Tasks.BulkRetryOf(ctx, g, in.ID)
			return &Body[IncidentRetryView]{viewIncidentRetry(b)}, err
		})
}
