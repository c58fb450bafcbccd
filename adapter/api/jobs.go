// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/process"

	"github.com/danielgtaylor/huma/v2"
)

// JobView is work that a program has taken.
type JobView struct {
	ID          string            `json:"id"`
	Lock        string            `json:"lock" doc:"a secret of this taking: it ends the work, or gives it back"`
	LockedUntil time.Time         `json:"lockedUntil" doc:"after this somebody else may have it"`
	Type        string            `json:"type"`
	Element     string            `json:"element" doc:"of the process"`
	Case        string            `json:"caseId"`
	Ref         string            `json:"ref"`
	Service     string            `json:"service"`
	Version     string            `json:"version"`
	Attempt     int               `json:"attempt"`
	Retries     int               `json:"retries" doc:"how often it may be tried yet, this time included"`
	Headers     map[string]string `json:"headers"`
	Variables   map[string]any    `json:"variables" doc:"what the model's input mappings give; without any, all that the element sees"`
}

// JobTypeView is how the work of a type stands.
type JobTypeView struct {
	Type    string          `json:"type"`
	Waiting int             `json:"waiting"`
	Oldest  *time.Time      `json:"oldest,omitempty" doc:"since when the oldest of it waits"`
	Locked  int             `json:"locked" doc:"taken and not done yet"`
	Failed  int             `json:"failed" doc:"has failed at least once"`
	More    bool            `json:"more" doc:"a number stops at 1,000 of an office: there is more"`
	Holders []JobHolderView `json:"holders,omitempty" doc:"which programs have how much of it; for operators"`
	Clients []JobClientView `json:"clients,omitempty" doc:"programs that have come with the grant, for operators; none: nobody takes this work"`
}

// JobHolderView is a program that has work.
type JobHolderView struct {
	Client string `json:"client"`
	Jobs   int    `json:"jobs"`
}

// JobClientView is a program that has come with the grant.
type JobClientView struct {
	Client string    `json:"client"`
	Office string    `json:"office,omitempty" doc:"the only one it works for"`
	Seen   time.Time `json:"seen" doc:"to five minutes"`
}

// JobsWanted asks for work.
type JobsWanted struct {
	Types       []string `json:"types,omitempty" maxItems:"20" nullable:"false" doc:"none: all that the client was granted"`
	Max         int      `json:"max,omitempty" minimum:"1" maximum:"100" default:"1"`
	LockSeconds int      `json:"lockSeconds,omitempty" minimum:"1" maximum:"3600" default:"60"`
	WaitSeconds int      `json:"waitSeconds,omitempty" minimum:"0" maximum:"15" default:"0" doc:"how long to wait for work when there is none (long polling)"`
}

// JobLock names work that was taken.
type JobLock struct {
	Lock string `json:"lock" minLength:"1" maxLength:"100"`
}

// JobExtension keeps a lock.
type JobExtension struct {
	JobLock
	LockSeconds int `json:"lockSeconds" minimum:"1" maximum:"3600"`
}

// JobExtended says until when.
type JobExtended struct {
	LockedUntil time.Time `json:"lockedUntil"`
}

// JobResult is what work brings.
type JobResult struct {
	JobLock
	Variables map[string]any `json:"variables,omitempty"`
}

// JobFailure is why work failed this time.
type JobFailure struct {
	JobLock
	Reason       string `json:"reason" minLength:"1" maxLength:"2000" doc:"for the operator; without personal data"`
	Retries      *int   `json:"retries,omitempty" minimum:"0" maximum:"100" doc:"how often it may be tried yet; default: once less. 0: an operator has to look at it"`
	PauseSeconds int    `json:"pauseSeconds,omitempty" minimum:"0" maximum:"86400" doc:"before it is tried again; 0: longer each time"`
}

// JobError is an error that the process may handle with an error event.
type JobError struct {
	JobLock
	Code      string         `json:"code" minLength:"1" maxLength:"200"`
	Variables map[string]any `json:"variables,omitempty"`
}

// jobOperations are for programs that do service tasks of processes.
func (a *API) jobOperations() {
	security := needs("jobs:work")
	errs := []int{401, 403, 404, 409, 413, 422, 429}
	permit := func(ctx context.Context, c caller) (access.Grant, error) {
		return a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: access.Change, Resource: "job", Purpose: purpose, Office: c.actor.Office})
	}
	add(a, huma.Operation{OperationID: "take-jobs", Method: http.MethodPost, Path: "/jobs/activations", Tags: []string{"jobs"}, Security: security,
		Summary: "Take service tasks to do; each is locked for a while", Errors: errs},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			Body JobsWanted
		}) (*Body[Page[JobView]], error) {
			g, err := permit(ctx, c)
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.TakeJobs(ctx, g, process.Take{Types: in.Body.Types, N: in.Body.Max,
				Lock: time.Duration(in.Body.LockSeconds) * time.Second, Wait: time.Duration(in.Body.WaitSeconds) * time.Second,
				Record: func(ctx context.Context, tx *store.Tx, j process.ExternalJob) error {
					return a.given(ctx, tx, c.actor, j)
				}})
			if err != nil {
				return nil, err
			}
			out := &Body[Page[JobView]]{Page[JobView]{Items: []JobView{}}}
			for _, j := range list {
				out.Body.Items = append(out.Body.Items, JobView{ID: j.ID, Lock: j.Lock, LockedUntil: j.LockedUntil, Type: j.Type, Element: j.Element, Case: j.CaseID, Ref: j.CaseRef,
					Service: j.Service, Version: j.Version, Attempt: j.Attempt, Retries: j.Retries, Headers: j.Headers, Variables: j.Vars})
			}
			return out, nil
		})
	add(a, huma.Operation{OperationID: "list-job-types", Method: http.MethodGet, Path: "/jobs/types", Tags: []string{"jobs"}, Security: needs("incidents:read", "incidents:write", "jobs:work"),
		Summary: "How service tasks for programs stand, by type", Description: "A worker sees the types that it was granted and no other program; an operator's program sees all types, and which programs have come for them.", Errors: []int{401, 403, 429}},
		func(ctx context.Context, c caller, _ *struct{}) (*Body[Page[JobTypeView]], error) {
			r := access.Request{Actor: c.actor, Action: access.List, Resource: "incident", Purpose: purpose, Office: ownOffice(c.actor)}
			if !c.actor.Is("incidents:read") && !c.actor.Is("incidents:write") {
				r.Action, r.Resource, r.Office = access.Read, "job", c.actor.Office
			}
			g, err := a.c.Access.Permit(ctx, r)
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.ExternalTypes(ctx, g)
			out := &Body[Page[JobTypeView]]{Page[JobTypeView]{Items: []JobTypeView{}}}
			for _, x := range list {
				v := JobTypeView{Type: x.Type, Waiting: x.Waiting, Locked: x.Locked, Failed: x.Failed, More: x.More}
				if !x.Oldest.IsZero() {
					v.Oldest = &x.Oldest
				}
				for _, h := range x.Holders {
					v.Holders = append(v.Holders, JobHolderView{Client: h.Client, Jobs: h.N})
				}
				for _, s := range x.Clients {
					v.Clients = append(v.Clients, JobClientView{Client: s.Client, Office: s.Office, Seen: s.Seen})
				}
				out.Body.Items = append(out.Body.Items, v)
			}
			return out, err
		})
	add(a, huma.Operation{OperationID: "extend-job", Method: http.MethodPost, Path: "/jobs/{id}/extension", Tags: []string{"jobs"}, Security: security,
		Summary: "Keep the lock of a job", Errors: errs},
		job(a, permit, func(ctx context.Context, g access.Grant, id string, in JobExtension) (*Body[JobExtended], error) {
			until, err := a.c.Tasks.ExtendJob(ctx, g, id, in.Lock, time.Duration(in.LockSeconds)*time.Second)
			return &Body[JobExtended]{JobExtended{until}}, err
		}))
	add(a, huma.Operation{OperationID: "complete-job", Method: http.MethodPost, Path: "/jobs/{id}/completion", Tags: []string{"jobs"}, Security: security,
		Summary: "End a job with its results; the process moves on", DefaultStatus: http.StatusNoContent, Errors: errs},
		job(a, permit, func(ctx context.Context, g access.Grant, id string, in JobResult) (*struct{}, error) {
			return nil, a.c.Tasks.FinishJob(ctx, g, id, in.Lock, in.Variables)
		}))
	add(a, huma.Operation{OperationID: "fail-job", Method: http.MethodPost, Path: "/jobs/{id}/failure", Tags: []string{"jobs"}, Security: security,
		Summary: "Give a job back that failed; it is tried again, or an operator has to look at it", DefaultStatus: http.StatusNoContent, Errors: errs},
		job(a, permit, func(ctx context.Context, g access.Grant, id string, in JobFailure) (*struct{}, error) {
			return nil, a.c.Tasks.FailJob(ctx, g, id, in.Lock, process.Failure{Reason: in.Reason, Retries: in.Retries, Pause: time.Duration(in.PauseSeconds) * time.Second})
		}))
	add(a, huma.Operation{OperationID: "throw-job-error", Method: http.MethodPost, Path: "/jobs/{id}/error", Tags: []string{"jobs"}, Security: security,
		Summary: "End a job with an error that the process may handle", DefaultStatus: http.StatusNoContent, Errors: errs},
		job(a, permit, func(ctx context.Context, g access.Grant, id string, in JobError) (*struct{}, error) {
			return nil, a.c.Tasks.ThrowJob(ctx, g, id, in.Lock, in.Code, in.Variables)
		}))
}

// given puts on record which variables of a case a program is given, for the case and
// for the person whose it is.
func (a *API) given(ctx context.Context, tx *store.Tx, who access.Actor, j process.ExternalJob) error {
	r := access.Request{Actor: who, Action: access.Read, Resource: "job:" + j.Type, Purpose: purpose, Service: j.Service, Case: j.CaseID, Office: j.Office}
	for _, name := range slices.Sorted(maps.Keys(j.Vars)) {
		if len(r.Fields) < maxFields {
			r.Fields = append(r.Fields, name)
		}
	}
	var err error
	if r.Subjects, err = a.person(ctx, tx, j.CaseID); err != nil {
		return err
	}
	_, err = a.c.Access.PermitTx(ctx, tx, r)
	return err
}

// maxFields bounds the names of variables on record.
const maxFields = 200

// jobInput names a job and says what becomes of it.
type jobInput[In any] struct {
	IdempotentInput
	ID   string `path:"id" maxLength:"36"`
	Body In
}

// job is what the operations on one job have in common.
func job[In, Out any](a *API, permit func(context.Context, caller) (access.Grant, error), do func(context.Context, access.Grant, string, In) (*Out, error)) func(context.Context, caller, *jobInput[In]) (*Out, error) {
	return func(ctx context.Context, c caller, in *jobInput[In]) (*Out, error) {
		if !ident.Valid(in.ID) {
			return nil, fault.New(fault.NotFound, "api.job", "")
		}
		g, err := permit(ctx, c)
		if err != nil {
			return nil, err
		}
		return do(ctx, g, in.ID, in.Body)
	}
}
