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

// InstanceView is a running instance as an operator's program sees it.
type InstanceView struct {
	ID       string         `json:"id"`
	Case     string         `json:"case"`
	Service  string         `json:"service"`
	Version  string         `json:"version"`
	Status   string         `json:"status" enum:"running,completed,cancelled"`
	Revision int64          `json:"revision" doc:"a change names it: it is refused if the instance has moved since"`
	Active   []string       `json:"active" nullable:"false" doc:"elements with tokens"`
	Tokens   []TokenView    `json:"tokens" nullable:"false"`
	Scopes   []ScopeView    `json:"scopes" nullable:"false"`
	Changes  []ChangeRecord `json:"modifications" nullable:"false" doc:"what was changed by hand"`
}

// TokenView is a token.
type TokenView struct {
	ID      string `json:"id"`
	Element string `json:"element"`
	Scope   int    `json:"scope"`
	Wait    string `json:"wait" doc:"what it waits for: job, task, timer, message, signal, join, scope, incident, watch …"`
	Item    int    `json:"item,omitempty" doc:"which item or round it runs for"`
}

// ScopeView is a scope; the values of variables aren't shown.
type ScopeView struct {
	ID      int      `json:"id"`
	Parent  int      `json:"parent"`
	Element string   `json:"element,omitempty" doc:"the sub-process; missing: the process"`
	Names   []string `json:"variables" nullable:"false" doc:"names of its variables"`
}

// ChangeRecord is a modification on record.
type ChangeRecord struct {
	At           string        `json:"at" format:"date-time"`
	By           string        `json:"by"`
	Reason       string        `json:"reason"`
	Instructions []Instruction `json:"instructions" nullable:"false"`
}

// Instruction is a part of a modification.
type Instruction struct {
	Do      string         `json:"do" enum:"add,move,cancel,set" doc:"add a token at element; move or cancel token; set variables of scope or token"`
	Token   string         `json:"token,omitempty" maxLength:"40"`
	Element string         `json:"element,omitempty" maxLength:"500"`
	Flow    string         `json:"flow,omitempty" maxLength:"500" doc:"at a join: the flow over which the token comes"`
	Scope   int            `json:"scope,omitempty" minimum:"0" doc:"0: the process"`
	Vars    map[string]any `json:"vars,omitempty"`
}

// ModificationWish is a change of an instance by hand.
type ModificationWish struct {
	Revision     int64         `json:"revision"`
	Reason       string        `json:"reason" minLength:"1" maxLength:"500"`
	Instructions []Instruction `json:"instructions" minItems:"1" maxItems:"200"`
	Preview      bool          `json:"preview,omitempty" doc:"only say what would happen"`
}

// ModificationResult is what a modification does, or would do.
type ModificationResult struct {
	Done   bool          `json:"done"`
	Before []string      `json:"before" nullable:"false"`
	After  []string      `json:"after" nullable:"false" doc:"what service tasks and decisions bring about isn't foreseen"`
	Asks   []process.Ask `json:"asks" nullable:"false"`
	Ends   bool          `json:"ends" doc:"the instance is complete with it"`
}

// MigrationWish is a plan to take instances over into another version.
type MigrationWish struct {
	Service   string            `json:"service" maxLength:"100"`
	Version   string            `json:"version,omitempty" maxLength:"100" doc:"only instances of this version"`
	Model     string            `json:"model,omitempty" maxLength:"100" doc:"only instances of the model with this hash"`
	Process   string            `json:"process,omitempty" maxLength:"500" doc:"only instances of this process"`
	ToVersion string            `json:"toVersion,omitempty" maxLength:"100" doc:"missing: the one that is in force"`
	Map       map[string]string `json:"map,omitempty" doc:"elements and flows with their new ids; the others keep theirs"`
	Rearm     bool              `json:"rearm,omitempty" doc:"begin timers anew whose definition has changed"`
	Reason    string            `json:"reason" minLength:"1" maxLength:"500"`
}

// MigrationView is a migration.
type MigrationView struct {
	ID        string         `json:"id"`
	Service   string         `json:"service"`
	Version   string         `json:"version,omitempty"`
	ToVersion string         `json:"toVersion"`
	State     string         `json:"state" enum:"rehearsing,rehearsed,running,done,undoing,undone"`
	Reason    string         `json:"reason"`
	Seen      int            `json:"seen" doc:"instances looked at in the rehearsal"`
	Done      int            `json:"done"`
	Problems  int            `json:"problems"`
	Undone    int            `json:"undone"`
	Report    process.Report `json:"report"`
}

// MigratedView is what became of an instance.
type MigratedView struct {
	Instance string            `json:"instance"`
	State    string            `json:"state" enum:"migrated,problem,undone,kept"`
	Problems []process.Problem `json:"problems,omitempty"`
}

// ByInstance names an instance or a migration.
type ByInstance struct {
	ID string `path:"id" maxLength:"36"`
}

// operate is a grant to work with processes; of a case, if it is about one.
func (a *API) operate(ctx context.Context, c caller, action string, r process.Ref) (access.Grant, error) {
	return a.c.Access.Permit(ctx, access.Request{Actor: c.actor, Action: action, Resource: "process", Purpose: purpose, Service: r.Service, Case: r.CaseID})
}

func (a *API) instance(ctx context.Context, c caller, action, id string) (access.Grant, error) {
	if !ident.Valid(id) {
		return access.Grant{}, fault.New(fault.NotFound, "api.instance", "")
	}
	r, err := a.c.Tasks.CaseOf(ctx, id)
	if err != nil {
		return access.Grant{}, err
	}
	return a.operate(ctx, c, action, r)
}

func instructions(list []Instruction) []process.Instruction {
	out := make([]process.Instruction, 0, len(list))
	for _, in := range list {
		out = append(out, process.Instruction{Do: process.Verb(in.Do), Token: in.Token, Element: in.Element, Flow: in.Flow, Scope: in.Scope, Vars: in.Vars})
	}
	return out
}

func some[T any](list []T) []T { return append([]T{}, list...) }

func migrationView(m process.Migration) MigrationView {
	m.Report.Groups = some(m.Report.Groups)
	return MigrationView{ID: m.ID, Service: m.Service, Version: m.Version, ToVersion: m.ToVersion, State: string(m.State), Reason: m.Reason,
		Seen: m.Seen, Done: m.Done, Problems: m.Problems, Undone: m.Undone, Report: m.Report}
}

// processes are the operations of operators.
func (a *API) processes() {
	read, write := needs("processes:read", "processes:write"), needs("processes:write")
	tags := []string{"processes"}
	add(a, huma.Operation{OperationID: "get-instance", Method: http.MethodGet, Path: "/instances/{id}", Summary: "Where a process stands", Tags: tags, Security: read, Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *ByInstance) (*Body[InstanceView], error) {
			g, err := a.instance(ctx, c, access.Read, in.ID)
			if err != nil {
				return nil, err
			}
			d, err := a.c.Tasks.Inspect(ctx, g, in.ID)
			if err != nil {
				return nil, err
			}
			v := InstanceView{ID: d.InstanceID, Case: d.CaseID, Service: d.Service, Version: d.Version, Status: string(d.Status), Revision: d.Revision,
				Active: some(d.Active), Tokens: []TokenView{}, Scopes: []ScopeView{}, Changes: []ChangeRecord{}}
			for _, t := range d.Tokens {
				v.Tokens = append(v.Tokens, TokenView{ID: t.ID, Element: t.Element, Scope: t.Scope, Wait: string(t.Wait), Item: t.Item})
			}
			for _, s := range d.Scopes {
				v.Scopes = append(v.Scopes, ScopeView{ID: s.ID, Parent: s.Parent, Element: s.Element, Names: some(s.Names)})
			}
			for _, m := range d.Modified {
				r := ChangeRecord{At: m.At.Format("2006-01-02T15:04:05Z"), By: m.By, Reason: m.Reason, Instructions: []Instruction{}}
				for _, x := range m.Instructions {
					r.Instructions = append(r.Instructions, Instruction{Do: string(x.Do), Token: x.Token, Element: x.Element, Flow: x.Flow, Scope: x.Scope, Vars: x.Vars})
				}
				v.Changes = append(v.Changes, r)
			}
			return &Body[InstanceView]{v}, nil
		})
	add(a, huma.Operation{OperationID: "modify-instance", Method: http.MethodPost, Path: "/instances/{id}/modifications", Summary: "Change a running process by hand, or say what that would do", Tags: tags, Security: write,
		Description: "All instructions are done, in their order, or none. 409: the process has moved on since revision. 422 says which instruction can't be done and why.", Errors: []int{401, 403, 404, 409, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			ByInstance
			Body ModificationWish
		}) (*Body[ModificationResult], error) {
			m := process.Modification{Instance: in.ID, Revision: in.Body.Revision, Reason: in.Body.Reason, Instructions: instructions(in.Body.Instructions)}
			g, err := a.instance(ctx, c, access.Read, in.ID)
			if err != nil {
				return nil, err
			}
			f, err := a.c.Tasks.Foresee(ctx, g, m)
			if err != nil {
				return nil, err
			}
			out := ModificationResult{Before: some(f.Before), After: some(f.After), Asks: some(f.Asks), Ends: f.Ends}
			if in.Body.Preview {
				return &Body[ModificationResult]{out}, nil
			}
			if g, err = a.instance(ctx, c, access.Change, in.ID); err != nil {
				return nil, err
			}
			out.Done = true
			return &Body[ModificationResult]{out}, a.c.DB.Write(ctx, func(tx *store.Tx) error { return a.c.Tasks.Modify(ctx, tx, g, m) })
		})
	add(a, huma.Operation{OperationID: "list-running-versions", Method: http.MethodGet, Path: "/services/{id}/running", Summary: "The versions that the processes of a service run in", Tags: tags, Security: read,
		Description: "The first 10,000 processes are counted.", Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *struct {
			ID string `path:"id" maxLength:"100"`
		}) (*Body[Page[process.VersionRunning]], error) {
			g, err := a.operate(ctx, c, access.Read, process.Ref{Service: in.ID})
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.VersionsRunning(ctx, g, in.ID)
			return &Body[Page[process.VersionRunning]]{Page[process.VersionRunning]{Items: some(list)}}, err
		})
	add(a, huma.Operation{OperationID: "rehearse-migration", Method: http.MethodPost, Path: "/migrations", Summary: "Rehearse a migration: what would each process become?", Tags: tags, Security: write, DefaultStatus: http.StatusCreated,
		Description: "Nothing is changed. Processes beyond the first hundred are looked at in the background.", Errors: []int{401, 403, 404, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			IdempotentInput
			Body MigrationWish
		}) (*Created[MigrationView], error) {
			w := in.Body
			g, err := a.operate(ctx, c, access.Change, process.Ref{Service: w.Service})
			if err != nil {
				return nil, err
			}
			s, ok := a.c.Services.Current(w.Service)
			if w.ToVersion != "" {
				s, err = a.c.Services.Version(ctx, w.Service, w.ToVersion)
			} else if !ok {
				err = fault.New(fault.NotFound, "api.rehearse", "")
			}
			if err != nil {
				return nil, err
			}
			m, err := a.c.Tasks.Rehearse(ctx, g, process.MigrationPlan{Service: w.Service, Version: w.Version, Model: w.Model, Process: w.Process, To: s.Process, ToVersion: s.Version,
				ToProcess: s.ProcessID, Called: s.Called, Migration: process.Mapping{Map: w.Map, Rearm: w.Rearm}, Reason: w.Reason})
			if err != nil {
				return nil, err
			}
			return &Created[MigrationView]{Location: prefix + "/migrations/" + m.ID, Body: migrationView(m)}, nil
		})
	add(a, huma.Operation{OperationID: "get-migration", Method: http.MethodGet, Path: "/migrations/{id}", Summary: "How far a migration is, and what its rehearsal has found", Tags: tags, Security: read, Errors: []int{401, 403, 404, 429}},
		func(ctx context.Context, c caller, in *ByInstance) (*Body[MigrationView], error) {
			m, err := a.migration(ctx, c, in.ID)
			return &Body[MigrationView]{migrationView(m)}, err
		})
	for name, turn := range map[string]struct {
		summary string
		do      func(context.Context, access.Grant, string) error
	}{
		"run":  {"Run a migration that was rehearsed", a.c.Tasks.RunMigration},
		"stop": {"Stop a migration where it stands", a.c.Tasks.StopMigration},
		"undo": {"Put back what has not moved since the migration", a.c.Tasks.UndoMigration},
	} {
		add(a, huma.Operation{OperationID: name + "-migration", Method: http.MethodPost, Path: "/migrations/{id}/" + name, Summary: turn.summary, Tags: tags, Security: write, Errors: []int{401, 403, 404, 409, 429}},
			func(ctx context.Context, c caller, in *struct {
				IdempotentInput
				ByInstance
			}) (*Body[MigrationView], error) {
				m, err := a.migration(ctx, c, in.ID)
				if err != nil {
					return nil, err
				}
				g, err := a.operate(ctx, c, access.Change, process.Ref{Service: m.Service})
				if err != nil {
					return nil, err
				}
				if err := turn.do(ctx, g, in.ID); err != nil {
					return nil, err
				}
				m, err = a.migration(ctx, c, in.ID)
				return &Body[MigrationView]{migrationView(m)}, err
			})
	}
	add(a, huma.Operation{OperationID: "list-migrated", Method: http.MethodGet, Path: "/migrations/{id}/instances", Summary: "What became of the processes of a migration", Tags: tags, Security: read, Errors: []int{401, 403, 404, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			ByInstance
			Paging
			State string `query:"state" enum:"migrated,problem,undone,kept" default:"problem"`
		}) (*Body[Page[MigratedView]], error) {
			m, err := a.migration(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			g, err := a.operate(ctx, c, access.Read, process.Ref{Service: m.Service})
			if err != nil {
				return nil, err
			}
			list, err := a.c.Tasks.MigratedInstances(ctx, g, in.ID, in.State, in.After, in.Limit)
			page := Page[MigratedView]{Items: []MigratedView{}}
			for _, x := range list {
				page.Items = append(page.Items, MigratedView{Instance: x.Instance, State: x.State, Problems: x.Problems})
			}
			if n := len(list); n > 0 && n == in.Limit {
				page.Next = list[n-1].Instance
			}
			return &Body[Page[MigratedView]]{page}, err
		})
}

// migration reads a migration for a caller who may.
func (a *API) migration(ctx context.Context, c caller, id string) (process.Migration, error) {
	if !ident.Valid(id) {
		return process.Migration{}, fault.New(fault.NotFound, "api.migration", "")
	}
	g, err := a.operate(ctx, c, access.Read, process.Ref{})
	if err != nil {
		return process.Migration{}, err
	}
	return a.c.Tasks.MigrationOf(ctx, g, id)
}
