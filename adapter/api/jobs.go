// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
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
				Lock: time.Duration(in.Body.LockSeconds) * time.Second, Wait: time.Duration(in.Body.WaitSeconds) * time.Second})
			if err != nil {
				return nil, err
			}
			out := &Body[Page[JobView]]{Page[JobView]{Items: []JobView{}}}
			for _, j := range list {
				// What a program is given of a case is on record for the case.
				if _, err := a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: access.Read, Resource: "job", Purpose: purpose,
					Service: j.Service, Case: j.CaseID, Office: j.Office}); err != nil {
					return nil, err
				}
				out.Body.Items = append(out.Body.Items, JobView{ID: j.ID, Lock: j.Lock, LockedUntil: j.LockedUntil, Type: j.Type, Element: j.Element, Case: j.CaseID, Ref: j.CaseRef,
					Service: j.Service, Version: j.Version, Attempt: j.Attempt, Retries: j.Retries, Headers: j.Headers, Variables: j.Vars})
			}
			return out, nil
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
