// SPDX-License-Identifier: EUPL-1.2

package bpmn

// Event is something that happened to an instance: what Step is asked to take.
type Event interface{ event() }

// The events.
type (
	// Start begins an instance at its none start event, or at the one that is named.
	Start struct {
		Element string
		Vars    map[string]any
		Brought map[string]any // by the message or signal: variables, unless the start event maps them
	}
	// JobDone says that the work of a job is done.
	JobDone struct {
		Token string
		Vars  map[string]any
	}
	// JobFailed says that a job will not be done: an incident.
	JobFailed struct{ Token, Reason string }
	// BpmnError says that a job or a user task ended in an error that the model may handle.
	BpmnError struct {
		Token, Code string
		Vars        map[string]any
	}
	// Decided brings the result of a decision.
	Decided struct {
		Token string
		Value any
	}
	// TaskDone says that a user task is done.
	TaskDone struct {
		Token string
		Vars  map[string]any
	}
	// TimerFired says that a timer is due.
	TimerFired struct{ Token string }
	// MessageReceived brings the message that a token is subscribed to.
	MessageReceived struct {
		Token string
		Vars  map[string]any
	}
	// SignalReceived brings the signal that a token waits for.
	SignalReceived struct {
		Token string
		Vars  map[string]any
	}
	// Activate begins activities of the ad-hoc sub-process at the token, as whoever leads it chooses.
	Activate struct {
		Token    string
		Elements []string
		Vars     map[string]any // local to the sub-process
	}
	// Conclude completes the ad-hoc sub-process at the token; what still runs in it is cancelled.
	Conclude struct{ Token string }
	// Cancel ends the instance where it stands.
	Cancel struct{}
	// SetVars changes variables of the process.
	SetVars struct{ Vars map[string]any }
	// Retry tries again what led to an incident.
	Retry struct{ Token string }
)

func (Start) event()           {}
func (JobDone) event()         {}
func (JobFailed) event()       {}
func (BpmnError) event()       {}
func (Decided) event()         {}
func (TaskDone) event()        {}
func (TimerFired) event()      {}
func (MessageReceived) event() {}
func (SignalReceived) event()  {}
func (Activate) event()        {}
func (Conclude) event()        {}
func (Cancel) event()          {}
func (SetVars) event()         {}
func (Retry) event()           {}

// Command is something that the caller has to do, in the order given.
type Command interface{ command() }

// The commands.
type (
	// Entered says that a token has come to an element.
	Entered struct{ Token, Element string }
	// Left says that a token has left an element, done or cancelled.
	Left struct {
		Token, Element string
		Cancelled      bool
	}
	// CreateJob wants work done; JobDone, JobFailed or BpmnError answers.
	CreateJob struct {
		Token, Element, Type string
		Retries              int // how often it is tried; 0: as the caller likes
		Headers              []Property
		Vars                 map[string]any // all that the element sees
		Mapped               map[string]any // what its input mappings give; nil: it has none
	}
	// Decide wants a decision; Decided or JobFailed answers.
	Decide struct {
		Token, Element, Decision, ResultVar string
		Vars                                map[string]any
	}
	// CreateUserTask wants a person's work; TaskDone or BpmnError answers.
	CreateUserTask struct {
		Token, Element, Name, Form string
		Assignee                   string
		Groups, Users              []string
		Due, FollowUp              string // ISO 8601 instant, day or duration from now, or ""
		Business                   bool   // … in business days
		Priority                   int    // 0 to 100, 50 unless the model says otherwise
		Properties, Headers        []Property
		Vars                       map[string]any
	}
	// SetTimer wants TimerFired when it is due (see DueAt).
	SetTimer struct {
		Token, Element string
		Kind           TimerKind
		Value          string
		Business       bool // BusinessDueAt says when it is due, else DueAt
		Again          bool // the next time of a cycle: counts from the time before
	}
	// Subscribe wants the next message of the name with the key, once.
	Subscribe struct{ Token, Element, Message, Key string }
	// AwaitSignal wants the next signal of the name, once; ForgetSignal takes it back.
	AwaitSignal  struct{ Token, Element, Signal string }
	ForgetSignal struct{ Token string }
	// Broadcast sends a signal to everybody who waits for it now.
	Broadcast struct {
		Element, Signal string
		Vars            map[string]any
	}
	// Unsubscribe, CancelTimer, CancelJob and CancelTask take back what a token waited for.
	Unsubscribe struct{ Token string }
	CancelTimer struct{ Token string }
	CancelJob   struct{ Token string }
	CancelTask  struct{ Token string }
	// Milestone says that a none throw event was passed: where the case stands.
	Milestone struct {
		Element, Name string
		Properties    []Property
	}
	// Incident says that a token can't go on without an operator; Retry answers.
	Incident struct{ Token, Element, Reason string }
	// Finished says that the instance is complete.
	Finished struct{ Vars map[string]any }
)

func (Entered) command()        {}
func (Left) command()           {}
func (CreateJob) command()      {}
func (Decide) command()         {}
func (CreateUserTask) command() {}
func (SetTimer) command()       {}
func (Subscribe) command()      {}
func (AwaitSignal) command()    {}
func (ForgetSignal) command()   {}
func (Broadcast) command()      {}
func (Unsubscribe) command()    {}
func (CancelTimer) command()    {}
func (CancelJob) command()      {}
func (CancelTask) command()     {}
func (Milestone) command()      {}
func (Incident) command()       {}
func (Finished) command()       {}
