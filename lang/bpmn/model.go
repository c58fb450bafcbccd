// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"fmt"
	"strings"

	"mercator/lang/feel"
)

// Pos is a place in a file; both count from 1.
type Pos struct{ Line, Col int }

// Severity says how bad a finding is.
type Severity string

// The severities. A file with an error isn't loaded, or isn't sound.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Finding is a mistake in a file, for its author.
type Finding struct {
	File      string
	Line, Col int
	Severity  Severity
	Rule      string // a stable word for the kind of mistake: "unsupported", "unreachable" …
	Element   string // the id, or "" outside of any
	Text      string
}

func (f Finding) String() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s [%s]", f.File, f.Line, f.Col, f.Severity, f.Text, f.Rule)
}

// Findings is what is wrong with a file that was refused.
type Findings []Finding

// Error lists all findings, one a line.
func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, x := range f {
		lines[i] = x.String()
	}
	return strings.Join(lines, "\n")
}

// Kind is the kind of an element: its name in the standard's XML.
type Kind string

// The kinds that a process may have.
const (
	StartEvent        Kind = "startEvent"
	EndEvent          Kind = "endEvent"
	ThrowEvent        Kind = "intermediateThrowEvent"
	CatchEvent        Kind = "intermediateCatchEvent"
	BoundaryEvent     Kind = "boundaryEvent"
	Task              Kind = "task"
	UserTask          Kind = "userTask"
	ServiceTask       Kind = "serviceTask"
	SendTask          Kind = "sendTask"
	ReceiveTask       Kind = "receiveTask"
	BusinessRuleTask  Kind = "businessRuleTask"
	ScriptTask        Kind = "scriptTask"
	ManualTask        Kind = "manualTask"
	CallActivity      Kind = "callActivity"
	SubProcess        Kind = "subProcess"
	Transaction       Kind = "transaction"
	AdHoc             Kind = "adHocSubProcess"
	ExclusiveGateway  Kind = "exclusiveGateway"
	ParallelGateway   Kind = "parallelGateway"
	InclusiveGateway  Kind = "inclusiveGateway"
	EventBasedGateway Kind = "eventBasedGateway"
	ComplexGateway    Kind = "complexGateway"
)

// Trigger is what an event waits for or brings about.
type Trigger string

// The triggers.
const (
	NoTrigger   Trigger = ""
	Message     Trigger = "message"
	Timer       Trigger = "timer"
	ErrorEvent  Trigger = "error"
	Escalation  Trigger = "escalation"
	Terminate   Trigger = "terminate"
	Link        Trigger = "link"
	Signal      Trigger = "signal"
	Conditional Trigger = "conditional"
	Compensate  Trigger = "compensate"
	Cancelling  Trigger = "cancel"
)

// Definitions is a file.
type Definitions struct {
	File      string
	ID, Name  string
	Exporter  string
	Processes []*Process
	Warnings  []Finding // what was read but has no effect here
	Source    []byte    // the file as it was read
	Hash      string    // of Source: SHA-256 in hexadecimal digits
	shapes    map[string]shape
	edges     map[string][]point
	pools     []pool
	notes     []note
}

// Process is the process with the id; an empty id means the only executable one.
func (d *Definitions) Process(id string) (*Process, bool) {
	var only *Process
	n := 0
	for _, p := range d.Processes {
		if id != "" && p.ID == id {
			return p, true
		}
		if p.Executable {
			only = p
			n++
		}
	}
	return only, id == "" && n == 1
}

// Process is a process.
type Process struct {
	ID, Name   string
	Pos        Pos
	Executable bool
	Elements   []*Element // all of them, those in sub-processes included, in the order of the file
	Flows      []*Flow
	Lanes      []Lane
	Data       []DataObject
	byID       map[string]*Element
	flowByID   map[string]*Flow
	file       string
}

// Element is the element with the id, or nil.
func (p *Process) Element(id string) *Element { return p.byID[id] }

// Lane is a unit that is responsible for some elements.
type Lane struct {
	ID, Name string
	Elements []string
}

// DataObject is a data object or store that the model names. It is carried: who draws or
// documents the process finds it; the values themselves are variables.
type DataObject struct{ ID, Name, State string }

// Flow is a sequence flow.
type Flow struct {
	ID, Name  string
	Pos       Pos
	From, To  *Element
	Condition *Expr
	told      bool // it has a condition in the file, whether it could be read or not
}

// Expr is a FEEL expression ("=" before it in the file) or a fixed text.
type Expr struct {
	Src  string // without the "="
	Pos  Pos
	prog *feel.Program // nil: fixed text
}

// Static reports that the expression is a fixed text.
func (e *Expr) Static() bool { return e.prog == nil }

// Names are the variables that the expression reads.
func (e *Expr) Names() []string {
	if e.prog == nil {
		return nil
	}
	return e.prog.FreeNames()
}

// Mapping is an input or output of an activity (zeebe:ioMapping).
type Mapping struct {
	Source *Expr
	Target []string // a path: "decision.outcome"
	Pos    Pos
}

// Property is a pair of zeebe:property, or a header of a task.
type Property struct{ Name, Value string }

// Element is a node of a process.
type Element struct {
	ID, Name  string
	Kind      Kind
	Pos       Pos
	Doc       string
	Parent    *Element   // the sub-process it is in, or nil
	Children  []*Element // of a sub-process
	In, Out   []*Flow
	Default   *Flow
	Host      *Element   // boundary event: the activity it is attached to
	Boundary  []*Element // of an activity
	Lane      string     // name of the lane
	Unchecked string     // why it can't be executed (only in processes that aren't marked executable)

	// Events
	Trigger      Trigger
	Interrupting bool  // boundary events and starts of event sub-processes
	MessageName  *Expr // message
	Key          *Expr // message: zeebe:subscription correlationKey
	SignalName   *Expr // signal
	Condition    *Expr // conditional
	TimerKind    TimerKind
	TimerValue   *Expr
	Business     bool   // a timer, or the due and follow-up date of a user task, counts in business days
	Code         string // error, escalation; "" catches every code
	LinkName     string
	operation    string   // of another vendor's task: what it calls
	linked       *Element // of the throwing end of a link: the catching one
	ByEvent      bool     // event sub-process
	Handler      *Element // compensation boundary event: the activity that compensates
	Compensated  *Element // compensation throw or end event: only this activity, nil: all of the scope
	Wait         bool     // compensation throw or end event: until what it began is done

	// Tasks
	JobType    *Expr // zeebe:taskDefinition
	Retries    *Expr
	Decision   *Expr // zeebe:calledDecision
	ResultVar  string
	Script     *Expr
	Form       string
	Assignee   *Expr
	Groups     *Expr
	Users      *Expr
	Due        *Expr
	FollowUp   *Expr
	Priority   *Expr
	Headers    []Property
	Properties []Property
	Inputs     []Mapping
	Outputs    []Mapping
	Multi      *Multi
	Loop       *Loop
	AdHoc      *AdHocRules // of an ad-hoc sub-process
	Call       *Call       // of a call activity
	Reads      []string    // data objects and stores, by id
	Writes     []string

	Spill bool // what its work brings back is set in the process, whatever its outputs say (Camunda 7)

	ForCompensation bool // runs only as the handler of a compensation boundary event
}

// Loop says that an activity is repeated (standardLoopCharacteristics).
type Loop struct {
	Before bool  // the condition is looked at before each round, else after it
	Max    int   // rounds, 0: no limit of its own
	While  *Expr // nil: Max rounds
}

// AdHocRules say which activities of an ad-hoc sub-process begin, and when it is complete.
type AdHocRules struct {
	Sequential bool
	Begin      *Expr // ids of the activities to begin, nil: Activate says
	Until      *Expr // completion condition, or nil
	CancelRest bool  // what still runs when the condition is true is cancelled
	Result     string
	Output     *Expr
}

// Call says which process a call activity calls. Link makes its elements the
// children of the activity, so that the version is fixed where the process begins.
type Call struct {
	Process string
	Shut    bool // the called process sees only what the input mappings give
	Keep    bool // what the called process leaves stays there, unless an output mapping takes it
	linked  bool
}

// Multi says that an activity runs once for each item of a list.
type Multi struct {
	Sequential bool
	Collection *Expr // of the items
	Item       string
	Result     string // the variable that collects, or ""
	Output     *Expr
	Until      *Expr // completion condition, or nil
}

// Property is the value of the property, or "".
func (e *Element) Property(name string) string {
	for _, p := range e.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Header is the value of the task header, or "".
func (e *Element) Header(name string) string {
	for _, p := range e.Headers {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// Activity reports whether e is a task or a sub-process.
func (e *Element) Activity() bool {
	switch e.Kind {
	case StartEvent, EndEvent, ThrowEvent, CatchEvent, BoundaryEvent,
		ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway:
		return false
	}
	return true
}

// Scope reports whether e has elements inside.
func (e *Element) Scope() bool {
	return e.Kind == SubProcess || e.Kind == Transaction || e.Kind == AdHoc || e.Kind == CallActivity && e.Call != nil && e.Call.linked
}

// repeats reports whether e runs several times in one token.
func (e *Element) repeats() bool { return e.Multi != nil || e.Loop != nil }

// compensation is the activity that undoes e, or nil.
func (e *Element) compensation() *Element {
	for _, b := range e.Boundary {
		if b.Trigger == Compensate {
			return b.Handler
		}
	}
	return nil
}

// compensationStart is the start event of the event sub-process that undoes e, or nil.
func (e *Element) compensationStart() *Element {
	for _, c := range e.Children {
		if !c.ByEvent {
			continue
		}
		for _, st := range c.Children {
			if st.Kind == StartEvent && st.Trigger == Compensate {
				return st
			}
		}
	}
	return nil
}

// children are the elements directly in a sub-process, or in the process for nil.
func (p *Process) children(of *Element) []*Element {
	if of != nil {
		return of.Children
	}
	var out []*Element
	for _, e := range p.Elements {
		if e.Parent == nil {
			out = append(out, e)
		}
	}
	return out
}

// start is the none start event directly in the scope, or nil.
func (p *Process) start(of *Element) *Element {
	for _, e := range p.children(of) {
		if e.Kind == StartEvent && e.Trigger == NoTrigger {
			return e
		}
	}
	return nil
}
