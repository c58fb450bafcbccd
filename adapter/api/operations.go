// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/casefile"
	"mercator/domain/process"
	"mercator/domain/service"

	"github.com/danielgtaylor/huma/v2"
)

// purpose is why a program reads: it says so by the scope that it was given.
const purpose = "api"

// Body is an answer.
type Body[T any] struct{ Body T }

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"after of the next page; missing on the last one"`
}

// Paging asks for a part of a list.
type Paging struct {
	After string `query:"after" maxLength:"200" doc:"next of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
}

// Created is an answer to what has been made.
type Created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// CaseSummary is a case in a list.
type CaseSummary struct {
	ID       string     `json:"id"`
	Ref      string     `json:"ref" doc:"file number that people see"`
	Service  string     `json:"service"`
	Version  string     `json:"version" doc:"version of the service under which the case runs"`
	Office   string     `json:"office"`
	Channel  string     `json:"channel"`
	State    string     `json:"state" enum:"open,closed"`
	Status   string     `json:"status" doc:"what the applicant is told"`
	Outcome  string     `json:"outcome,omitempty"`
	OpenedAt time.Time  `json:"openedAt"`
	Changed  time.Time  `json:"changedAt"`
	ClosedAt *time.Time `json:"closedAt,omitempty"`
}

// CaseDetail is a case.
type CaseDetail struct {
	CaseSummary
	Applicant   string          `json:"applicant"`
	Application json.RawMessage `json:"application" doc:"answers to the form, corrections included"`
	Rulings     []RulingView    `json:"rulings" nullable:"false" doc:"what the rules decided, and on which paragraph"`
}

// RulingView is a decision of the rules.
type RulingView struct {
	Decision string          `json:"decision"`
	At       time.Time       `json:"at"`
	Outcome  json.RawMessage `json:"outcome"`
	Rules    []RuleView      `json:"rules" nullable:"false"`
}

// RuleView is a rule that matched.
type RuleView struct {
	ID   string `json:"id"`
	Law  string `json:"law"`
	Text string `json:"text"`
}

// EventView is an entry of the file.
type EventView struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	By       string    `json:"by" doc:"resident, clerk, machine or system"`
	Title    string    `json:"title"`
	Text     string    `json:"text,omitempty"`
	Document string    `json:"document,omitempty"`
}

func viewCase(c casefile.Case, lang string) CaseSummary {
	v := CaseSummary{ID: c.ID, Ref: c.Ref, Service: c.Service, Version: c.Version, Office: c.Office, Channel: c.Channel,
		State: string(c.State), Status: c.Status.For(lang), Outcome: c.Outcome, OpenedAt: c.OpenedAt, Changed: c.ChangedAt}
	if !c.ClosedAt.IsZero() {
		v.ClosedAt = &c.ClosedAt
	}
	return v
}

func subjects(cases ...casefile.Case) []string {
	var out []string
	for _, c := range cases {
		if c.Person != "" {
			out = append(out, c.Person)
		}
	}
	return out
}

func (a *API) operations() {
	if a.c.Services != nil {
		a.serviceOperations()
	}
	if a.c.Cases != nil {
		a.caseOperations()
	}
	if a.c.Tasks != nil {
		a.taskOperations()
		a.adHocOperations()
		a.jobOperations()
		a.messageOperations()
		a.incidentOperations()
	}
	if a.c.Registers != nil {
		a.registerOperations()
	}
	if a.c.Submit != nil {
		a.submitOperation()
	}
	if a.c.Check != nil {
		a.checkOperation()
	}
}

// IdempotentInput is the header of every POST.
type IdempotentInput struct {
	Key string `header:"Idempotency-Key" maxLength:"200" doc:"the same key with the same request happens once"`
}

// SubmitInput is an application for a person.
type SubmitInput struct {
	Key  string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"200" doc:"names this submission: sent again, it gives the same case"`
	Body struct {
		Service string         `json:"service" minLength:"1" maxLength:"100"`
		Lang    string         `json:"lang,omitempty" enum:"de,en,tr" default:"de" doc:"in which the applicant wants to be written to"`
		Person  Person         `json:"person"`
		Answers map[string]any `json:"answers" doc:"by the names of the form's fields"`
	}
}

// SubmitOutput names the case, and is the receipt: sent again, it is the same.
type SubmitOutput struct {
	CaseID     string    `json:"caseId"`
	Number     string    `json:"number" doc:"the file number that people see"`
	ReceivedAt time.Time `json:"receivedAt"`
	Hash       string    `json:"hash" doc:"SHA-256 of the signed file that holds the application"`
}

func (a *API) submitOperation() {
	add(a, huma.Operation{OperationID: "submit-application", Method: http.MethodPost, Path: "/cases", Tags: []string{"cases"}, Security: needs("cases:submit", "cases:write"),
		Summary: "Submit an application for a person", DefaultStatus: http.StatusCreated, Errors: []int{401, 403, 404, 409, 413, 422, 429, 503}},
		func(ctx context.Context, c caller, in *SubmitInput) (*Created[SubmitOutput], error) {
			r, problems, err := a.c.Submit(ctx, c.actor, Submission{Service: in.Body.Service, Lang: in.Body.Lang, Person: in.Body.Person,
				Answers: in.Body.Answers, Origin: "api:" + c.actor.ID + ":" + in.Key})
			if err != nil {
				return nil, err
			}
			if len(problems) > 0 {
				return nil, wrongAnswers(problems)
			}
			return &Created[SubmitOutput]{Location: prefix + "/cases/" + r.CaseID, Body: SubmitOutput{CaseID: r.CaseID, Number: r.Number, ReceivedAt: r.At, Hash: r.Hash}}, nil
		})
}

func (a *API) caseOperations() {
	read := needs("cases:read")
	add(a, huma.Operation{OperationID: "list-cases", Method: http.MethodGet, Path: "/cases", Tags: []string{"cases"}, Security: read,
		Summary: "List the client's cases, newest first", Errors: []int{401, 403, 422, 429}},
		func(ctx context.Context, c caller, in *Paging) (*Body[Page[CaseSummary]], error) {
			at, id, err := readCursor(in.After)
			if err != nil {
				return nil, err
			}
			g, err := a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: access.List, Resource: "case", Purpose: purpose, Office: c.actor.Office})
			if err != nil {
				return nil, err
			}
			list, err := a.c.Cases.List(ctx, g, casefile.After{OpenedAt: at, ID: id}, in.Limit)
			if err != nil {
				return nil, err
			}
			if err := a.c.Access.Seen(ctx, g, subjects(list...)); err != nil {
				return nil, err
			}
			out := &Body[Page[CaseSummary]]{Page[CaseSummary]{Items: []CaseSummary{}}}
			for _, x := range list {
				out.Body.Items = append(out.Body.Items, viewCase(x, c.lang))
			}
			if len(list) == in.Limit {
				last := list[len(list)-1]
				out.Body.Next = cursor(last.OpenedAt, last.ID)
			}
			return out, nil
		})
	get := func(ctx context.Context, c caller, id string) (access.Grant, casefile.Case, error) {
		if !ident.Valid(id) {
			return access.Grant{}, casefile.Case{}, fault.New(fault.NotFound, "api.case", "")
		}
		g, err := a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: access.Read, Resource: "case", Purpose: purpose, Case: id})
		if err != nil {
			return g, casefile.Case{}, err
		}
		x, err := a.c.Cases.Get(ctx, g, id)
		if err != nil {
			return g, x, err
		}
		return g, x, a.c.Access.Seen(ctx, g, subjects(x))
	}
	add(a, huma.Operation{OperationID: "get-case", Method: http.MethodGet, Path: "/cases/{id}", Tags: []string{"cases"}, Security: read,
		Summary: "A case with its application and what the rules decided", Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"36"`
		}) (*Body[CaseDetail], error) {
			g, x, err := get(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			rulings, err := a.c.Cases.Rulings(ctx, g, x)
			if err != nil {
				return nil, err
			}
			d := CaseDetail{CaseSummary: viewCase(x, c.lang), Applicant: x.PersonName, Application: x.Application, Rulings: []RulingView{}}
			for _, r := range rulings {
				v := RulingView{Decision: r.Decision, At: r.At, Outcome: r.Outcome, Rules: []RuleView{}}
				for _, rule := range r.Rules {
					v.Rules = append(v.Rules, RuleView{ID: rule.ID, Law: rule.Law, Text: rule.Text.For(c.lang)})
				}
				d.Rulings = append(d.Rulings, v)
			}
			return &Body[CaseDetail]{d}, nil
		})
	add(a, huma.Operation{OperationID: "list-case-events", Method: http.MethodGet, Path: "/cases/{id}/events", Tags: []string{"cases"}, Security: read,
		Summary: "What happened in a case", Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"36"`
		}) (*Body[Page[EventView]], error) {
			g, x, err := get(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			entries, err := a.c.Cases.Entries(ctx, g, x)
			if err != nil {
				return nil, err
			}
			out := &Body[Page[EventView]]{Page[EventView]{Items: []EventView{}}}
			for _, e := range entries {
				out.Body.Items = append(out.Body.Items, EventView{ID: e.ID, At: e.At, Kind: string(e.Kind), By: e.ActorKind,
					Title: e.Title.For(c.lang), Text: e.Body.For(c.lang), Document: e.Document})
			}
			return out, nil
		})
}

// ServiceSummary is a service in a list.
type ServiceSummary struct {
	ID       string   `json:"id"`
	Version  string   `json:"version"`
	LeiKa    string   `json:"leika,omitempty" doc:"key of the Leistungskatalog"`
	Office   string   `json:"office"`
	Title    string   `json:"title"`
	Summary  string   `json:"summary"`
	Audience []string `json:"audience" nullable:"false"`
	Trust    string   `json:"trust" doc:"trust level that residents need"`
}

// ServiceDetail is a service with its form.
type ServiceDetail struct {
	ServiceSummary
	Eligible string          `json:"eligible,omitempty"`
	Duration string          `json:"duration,omitempty"`
	Purpose  string          `json:"purpose,omitempty"`
	Needs    []string        `json:"needs" nullable:"false"`
	Laws     []LawView       `json:"laws" nullable:"false"`
	Fees     []FeeView       `json:"fees" nullable:"false" doc:"examples"`
	Form     json.RawMessage `json:"form" doc:"form-js schema of the application"`
}

// LawView is a provision.
type LawView struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

// FeeQuestion is what the fee is asked for.
type FeeQuestion struct {
	Answers map[string]any `json:"answers" doc:"by the names of the form's fields"`
}

// FeeView is what a service costs in a case.
type FeeView struct {
	Label string `json:"label,omitempty"`
	Cents int64  `json:"cents"`
	Law   string `json:"law,omitempty"`
}

func viewService(s *service.Service, lang string) ServiceSummary {
	return ServiceSummary{ID: s.ID, Version: s.Version, LeiKa: s.LeiKa, Office: s.Office, Title: s.Title.For(lang), Summary: s.Summary.For(lang),
		Audience: append([]string{}, s.Audience...), Trust: s.Trust.String()}
}

func (a *API) serviceOperations() {
	find := func(id string) (*service.Service, error) {
		s, ok := a.c.Services.Current(id)
		if !ok || s.Internal {
			return nil, fault.New(fault.NotFound, "api.service", "")
		}
		return s, nil
	}
	add(a, huma.Operation{OperationID: "list-services", Method: http.MethodGet, Path: "/services", Tags: []string{"services"}, Summary: "Services of the city", Errors: []int{429}},
		func(_ context.Context, c caller, _ *struct{}) (*Body[Page[ServiceSummary]], error) {
			out := &Body[Page[ServiceSummary]]{Page[ServiceSummary]{Items: []ServiceSummary{}}}
			for _, s := range a.c.Services.All() {
				if s.Internal {
					continue
				}
				out.Body.Items = append(out.Body.Items, viewService(s, c.lang))
			}
			return out, nil
		})
	add(a, huma.Operation{OperationID: "get-service", Method: http.MethodGet, Path: "/services/{id}", Tags: []string{"services"}, Summary: "A service with its form", Errors: []int{404, 429}},
		func(_ context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"100"`
		}) (*Body[ServiceDetail], error) {
			s, err := find(in.ID)
			if err != nil {
				return nil, err
			}
			schema, err := fs.ReadFile(s.Files, "application.form")
			if err != nil {
				return nil, fault.Wrap("api.service", err)
			}
			d := ServiceDetail{ServiceSummary: viewService(s, c.lang), Eligible: s.Eligible.For(c.lang), Duration: s.Duration.For(c.lang), Purpose: s.Purpose.For(c.lang),
				Needs: []string{}, Laws: []LawView{}, Fees: []FeeView{}, Form: schema}
			for _, n := range s.Needs {
				d.Needs = append(d.Needs, n.For(c.lang))
			}
			for _, l := range s.Laws {
				d.Laws = append(d.Laws, LawView(l))
			}
			for _, f := range s.Fee.Examples {
				d.Fees = append(d.Fees, FeeView{Label: f.Label.For(c.lang), Cents: f.Cents, Law: f.Law})
			}
			return &Body[ServiceDetail]{d}, nil
		})
	add(a, huma.Operation{OperationID: "evaluate-fee", Method: http.MethodPost, Path: "/services/{id}/fee-evaluations", Tags: []string{"services"},
		Summary: "What a service would cost for these answers; nothing is stored", Errors: []int{404, 413, 422, 429}},
		func(_ context.Context, _ caller, in *struct {
			ID   string `path:"id" maxLength:"100"`
			Body FeeQuestion
		}) (*Body[FeeView], error) {
			s, err := find(in.ID)
			if err != nil {
				return nil, err
			}
			if s.Fee.Decision == "" {
				return &Body[FeeView]{}, nil
			}
			r, err := s.Decisions[s.Fee.Decision].Decide(s.Fee.Decision, map[string]any{"application": in.Body.Answers})
			if err != nil {
				return nil, fault.Because(fault.Invalid, "api.fee", "api.noFee", err)
			}
			cents, ok := service.Cents(r.Value)
			if !ok {
				return nil, fault.New(fault.Invalid, "api.fee", "api.noFee")
			}
			out := &Body[FeeView]{FeeView{Cents: cents}}
			for _, t := range r.Trace {
				for _, rule := range t.Rules {
					for _, note := range rule.Annotations {
						if note.Name == "law" {
							out.Body.Law = note.Text
						}
					}
				}
			}
			return out, nil
		})
}

// VerificationView is what anybody may know of an issued document.
type VerificationView struct {
	Validity   string `json:"validity" enum:"valid,early,expired,revoked,unknown"`
	Kind       string `json:"kind,omitempty"`
	ValidFrom  string `json:"validFrom,omitempty" format:"date"`
	ValidUntil string `json:"validUntil,omitempty" format:"date"`
}

func (a *API) checkOperation() {
	add(a, huma.Operation{OperationID: "verify-document", Method: http.MethodGet, Path: "/verifications/{code}", Tags: []string{"documents"},
		Summary: "Is a document with this code valid?", Errors: []int{429}},
		func(ctx context.Context, c caller, in *struct {
			Code string `path:"code" maxLength:"64"`
		}) (*Body[VerificationView], error) {
			v, kind, from, until, err := a.c.Check(ctx, in.Code)
			if err != nil {
				return nil, err
			}
			return &Body[VerificationView]{VerificationView{Validity: string(v), Kind: kind.For(c.lang), ValidFrom: from, ValidUntil: until}}, nil
		})
}

// TaskView is work for a person or a programme of an office.
type TaskView struct {
	ID       string     `json:"id"`
	Case     string     `json:"caseId"`
	Ref      string     `json:"ref"`
	Label    string     `json:"label" doc:"whose case it is"`
	Service  string     `json:"service"`
	Version  string     `json:"version"`
	Name     string     `json:"name"`
	Form     string     `json:"form,omitempty"`
	State    string     `json:"state"`
	Assignee string     `json:"assignee,omitempty"`
	Due      *time.Time `json:"due,omitempty"`
	Created  time.Time  `json:"createdAt"`
	Revision int64      `json:"revision"`
}

// TaskDetail is a task with its form.
type TaskDetail struct {
	TaskView
	Schema json.RawMessage `json:"formSchema,omitempty" doc:"form-js schema of the task's form"`
}

func viewTask(t process.UserTask) TaskView {
	v := TaskView{ID: t.ID, Case: t.CaseID, Ref: t.CaseRef, Label: t.Label, Service: t.Service, Version: t.Version, Name: t.Name, Form: t.Form,
		State: string(t.State), Assignee: t.AssigneeName, Created: t.Created, Revision: t.Revision}
	if !t.Due.IsZero() {
		v.Due = &t.Due
	}
	return v
}

// Completion is what a task ends with.
type Completion struct {
	Revision int64          `json:"revision" doc:"of the task as it was read"`
	Answers  map[string]any `json:"answers" doc:"by the names of the form's fields"`
}

// TaskList asks for a worklist.
type TaskList struct {
	Paging
	Service string `query:"service" maxLength:"100"`
	Filter  string `query:"filter" enum:"all,mine,free,overdue" default:"all"`
}

func (a *API) taskOperations() {
	read, write := needs("tasks:read", "tasks:write"), needs("tasks:write")
	permit := func(ctx context.Context, c caller, action, caseID string) (access.Grant, error) {
		return a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: action, Resource: "task", Purpose: purpose, Office: c.actor.Office, Case: caseID})
	}
	task := func(ctx context.Context, c caller, action, id string) (access.Grant, process.UserTask, error) {
		g, err := permit(ctx, c, action, "")
		if err != nil || !ident.Valid(id) {
			if err == nil {
				err = fault.New(fault.NotFound, "api.task", "")
			}
			return g, process.UserTask{}, err
		}
		t, err := a.c.Tasks.Task(ctx, g, id)
		return g, t, err
	}
	add(a, huma.Operation{OperationID: "list-tasks", Method: http.MethodGet, Path: "/tasks", Tags: []string{"tasks"}, Security: read,
		Summary: "The worklist of the client's office, what is due first before the others", Errors: []int{401, 403, 422, 429}},
		func(ctx context.Context, c caller, in *TaskList) (*Body[Page[TaskView]], error) {
			at, id, err := readCursor(in.After)
			if err != nil {
				return nil, err
			}
			g, err := permit(ctx, c, access.List, "")
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.Worklist(ctx, g, process.Filter{Service: in.Service, Mine: in.Filter == "mine", Free: in.Filter == "free", Overdue: in.Filter == "overdue"},
				process.After{At: at, ID: id}, in.Limit)
			if err != nil {
				return nil, err
			}
			out := &Body[Page[TaskView]]{Page[TaskView]{Items: []TaskView{}}}
			for _, t := range list {
				out.Body.Items = append(out.Body.Items, viewTask(t))
			}
			if len(list) == in.Limit {
				next := list[len(list)-1].Cursor()
				out.Body.Next = cursor(next.At, next.ID)
			}
			return out, nil
		})
	type byID struct {
		ID string `path:"id" maxLength:"36"`
	}
	type postByID struct {
		IdempotentInput
		ID string `path:"id" maxLength:"36"`
	}
	add(a, huma.Operation{OperationID: "get-task", Method: http.MethodGet, Path: "/tasks/{id}", Tags: []string{"tasks"}, Security: read,
		Summary: "A task with its form", Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *byID) (*Body[TaskDetail], error) {
			_, t, err := task(ctx, c, access.Read, in.ID)
			if err != nil {
				return nil, err
			}
			d := TaskDetail{TaskView: viewTask(t)}
			if t.Form != "" && a.c.Services != nil {
				s, err := a.c.Services.Version(ctx, t.Service, t.Version)
				if err != nil {
					return nil, err
				}
				d.Schema = formSchema(s, t.Form)
			}
			return &Body[TaskDetail]{d}, nil
		})
	add(a, huma.Operation{OperationID: "claim-task", Method: http.MethodPost, Path: "/tasks/{id}/claim", Tags: []string{"tasks"}, Security: write,
		Summary: "Take a free task", Errors: []int{401, 403, 404, 409, 429}},
		func(ctx context.Context, c caller, in *postByID) (*Body[TaskView], error) {
			g, _, err := task(ctx, c, access.Change, in.ID)
			if err != nil {
				return nil, err
			}
			t, err := a.c.Tasks.Claim(ctx, g, in.ID)
			if err != nil {
				return nil, err
			}
			return &Body[TaskView]{viewTask(t)}, nil
		})
	add(a, huma.Operation{OperationID: "release-task", Method: http.MethodPost, Path: "/tasks/{id}/release", Tags: []string{"tasks"}, Security: write,
		Summary: "Give a task back", DefaultStatus: http.StatusNoContent, Errors: []int{401, 403, 404, 409, 429}},
		func(ctx context.Context, c caller, in *postByID) (*struct{}, error) {
			g, _, err := task(ctx, c, access.Change, in.ID)
			if err != nil {
				return nil, err
			}
			return nil, a.c.Tasks.Release(ctx, g, in.ID)
		})
	if a.c.Complete == nil {
		return
	}
	add(a, huma.Operation{OperationID: "complete-task", Method: http.MethodPost, Path: "/tasks/{id}/completion", Tags: []string{"tasks"}, Security: write,
		Summary: "End a task with the answers to its form; the process moves on", DefaultStatus: http.StatusNoContent, Errors: []int{401, 403, 404, 409, 413, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			ID   string `path:"id" maxLength:"36"`
			Body Completion
		}) (*struct{}, error) {
			if _, _, err := task(ctx, c, access.Change, in.ID); err != nil {
				return nil, err
			}
			problems, err := a.c.Complete(ctx, c.actor, in.ID, in.Body.Revision, in.Body.Answers, c.lang)
			if err != nil {
				return nil, err
			}
			if len(problems) > 0 {
				return nil, wrongAnswers(problems)
			}
			return nil, nil
		})
}

// formSchema is the text of a form of a package.
func formSchema(s *service.Service, form string) json.RawMessage {
	names, err := fs.Glob(s.Files, "*.form")
	if err != nil {
		return nil
	}
	for _, name := range names {
		b, err := fs.ReadFile(s.Files, name)
		var head struct {
			ID string `json:"id"`
		}
		if err == nil && json.Unmarshal(b, &head) == nil && (head.ID == form || name == form+".form") {
			return b
		}
	}
	return nil
}
