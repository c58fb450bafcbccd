// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"time"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// Ref says which case a step is about.
type Ref struct {
	InstanceID, CaseID string
	CaseRef            string // the file number that people see
	Label              string // whose case it is, for the office that is responsible
	Service, Version   string
	Office             string
}

// StartParams is what an instance begins with.
type StartParams struct {
	CaseID, CaseRef, Label   string
	Service, Version, Office string
	Process                  string // id of the process; "": the only executable one of the file
	// Called finds the file of a process that call activities name; nil: those of the same
	// file. What it gives when the instance begins stays with the instance.
	Called func(process string) *bpmn.Definitions
	Vars   map[string]any
	Actor  access.Actor // who brought it about
}

// Work is a service task for a handler.
type Work struct {
	Ref
	Token, Element, Type string
	Headers              map[string]string
	Vars                 map[string]any // all that the element sees
	mapped               map[string]any // what its input mappings give
}

// Header is a task header.
func (w Work) Header(name string) string { return w.Headers[name] }

// Handler does the service tasks of a type, either way:
//
// Inline works in the transaction of the step. A fault of kind Invalid, NotFound,
// Denied or Unsupported becomes an incident (return it before anything is written);
// any other error undoes the step. A *ModelError goes to the model.
//
// Async works outside any transaction, perhaps more than once; what it returns stores
// the effect in the transaction that completes the task, exactly once.
type Handler struct {
	Type   string
	Inline func(ctx context.Context, tx *store.Tx, w Work) (map[string]any, error)
	Async  func(ctx context.Context, w Work) (Effect, error)

	// Presume says, for replays, what the work would bring, as far as that can be said
	// without doing it; then is what it brought in the recorded case, if it was done (was).
	// nil, or not ok: it's as recorded, or nobody knows.
	Presume func(w Work, then map[string]any, was bool) (vars map[string]any, ok bool)
	// Outcome says, for replays, what the work makes the outcome of its case; nil: nothing.
	Outcome func(w Work) string
}

// Effect stores what a task brought about.
type Effect func(ctx context.Context, tx *store.Tx) (map[string]any, error)

// ModelError is an error that the model may handle with an error event.
type ModelError struct {
	Code string
	Vars map[string]any
}

func (e *ModelError) Error() string { return "the task ended with the error " + e.Code }

// Hooks are what other rooms do in the transaction of a step. Each may be nil.
type Hooks struct {
	Decide    func(ctx context.Context, tx *store.Tx, c Ref, decision string, vars map[string]any) (any, error)
	Milestone func(ctx context.Context, tx *store.Tx, c Ref, name string, properties map[string]string) error
	Completed func(ctx context.Context, tx *store.Tx, c Ref, vars map[string]any) error
	Cancelled func(ctx context.Context, tx *store.Tx, c Ref) error
	Incident  func(ctx context.Context, tx *store.Tx, c Ref, i Incident) error
	// Open opens the case of a process that begins by itself, and gives what it begins with
	// (case, reference, label, variables).
	Open     func(ctx context.Context, tx *store.Tx, o Occasion) (StartParams, error)
	TaskMade func(ctx context.Context, tx *store.Tx, c Ref, t UserTask) error
	TaskDone func(ctx context.Context, tx *store.Tx, c Ref, t UserTask, who access.Actor, vars map[string]any) error
}

// TaskState is the state of a task.
type TaskState string

// The states of a task.
const (
	Open      TaskState = "open"
	Done      TaskState = "done"
	Withdrawn TaskState = "withdrawn" // the process went on without it
)

// UserTask is work for a person.
type UserTask struct {
	ID string
	Ref
	Token, Element, Name string
	Form                 string // id of the form in the package
	Roles                []string
	Properties           map[string]string
	Assignee             string // staff id, "" while it is free
	AssigneeName         string
	State                TaskState
	Priority             int
	Due, Created, DoneAt time.Time // Due: zero when there is none
	Revision             int64
}

// Filter says which tasks of the office a worklist shows; the zero value: all open ones.
type Filter struct {
	Service string
	Mine    bool // claimed by who asks
	Free    bool // claimed by nobody
	Overdue bool
	Done    bool   // done ones, the last first
	Search  string // words of the file number or the label
}

// After is the place in a worklist: Due and ID (of done ones: DoneAt and ID) of the last task of the page before.
type After struct {
	At time.Time
	ID string
}

// Cursor is the place after t.
func (t UserTask) Cursor() After {
	if t.State == Done {
		return After{t.DoneAt, t.ID}
	}
	return After{t.Due, t.ID}
}

// CountLimit is how far the numbers of a worklist count; a number above it means "more than".
const CountLimit = 500

// Counts are the numbers beside the filters of a worklist.
type Counts struct {
	All, Mine, Free, Overdue int
	Services                 map[string]int // open tasks by service
}

// Incident is an instance that can't go on.
type Incident struct {
	ID                          string
	InstanceID, CaseID, Service string
	Token, Element, Reason      string
	At                          time.Time
}

// Instance is where a case stands in its process.
type Instance struct {
	Ref
	Status       bpmn.Status
	Model        *bpmn.Definitions
	Process      string
	Linked       *bpmn.Process // with what it calls: where the ids of Active, Done and Steps are found
	Active, Done []string      // element ids
	Steps        []Step
	Incidents    []Incident
}

// Step is a line of the history.
type Step struct {
	At        time.Time
	Event     string
	ActorKind string
	ActorID   string
	Trace     []Trace
}

// Trace is an element that was entered or left.
type Trace struct {
	Element string `json:"e"`
	What    string `json:"w"` // "in", "out" or "x" (cancelled)
	Token   string `json:"t,omitempty"`
}
