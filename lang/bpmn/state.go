// SPDX-License-Identifier: EUPL-1.2

package bpmn

// Status is what became of an instance.
type Status string

// The statuses.
const (
	NotStarted Status = ""
	Running    Status = "running"
	Completed  Status = "completed"
	Cancelled  Status = "cancelled"
)

// Wait says what a token waits for.
type Wait string

// What a token may wait for; none of them only while a step is under way.
const (
	Moving      Wait = ""
	ForJob      Wait = "job"
	ForDecision Wait = "decision"
	ForTask     Wait = "task"
	ForMessage  Wait = "message"
	ForTimer    Wait = "timer"
	ForSignal   Wait = "signal"
	ForChange   Wait = "change"   // of variables, until a condition is true
	ForBranch   Wait = "branch"   // at an event-based gateway
	ForJoin     Wait = "join"     // at a parallel or inclusive gateway
	ForScope    Wait = "scope"    // at a sub-process, or an activity that runs several times
	ForUndo     Wait = "undo"     // until what was done is compensated
	Watching    Wait = "watch"    // a watcher
	ForOperator Wait = "incident" // something is wrong here
)

// State is an instance: a value that is serialised as it is.
type State struct {
	Status Status   `json:"status"`
	Seq    int      `json:"seq"` // of the last token
	Scopes []*Scope `json:"scopes,omitempty"`
	Tokens []*Token `json:"tokens,omitempty"` // in the order in which they came into being
}

// Scope is the process (0) or one run of a sub-process, with its variables.
type Scope struct {
	ID     int            `json:"id"`
	Parent int            `json:"parent"` // -1: none
	Token  string         `json:"token,omitempty"`
	Vars   map[string]any `json:"vars,omitempty"`
	Items  []any          `json:"items,omitempty"` // an activity that runs for each item: the items; an ad-hoc sub-process: what is yet to begin
	Next   int            `json:"next,omitempty"`  // … how many of them, or of the rounds of a loop, have begun
	Result []any          `json:"result,omitempty"`
	Border border         `json:"border,omitempty"`
	Done   []Done         `json:"done,omitempty"` // what can be compensated, in the order of its completion
}

// border is how variables pass the border of a scope.
type border string

const (
	passable border = ""
	own      border = "own"  // what is written inside stays inside
	shut     border = "shut" // … and nothing outside is seen
)

// Done is an activity that is complete and can be compensated.
type Done struct {
	Element string         `json:"el"`
	Scope   int            `json:"scope,omitempty"`
	Vars    map[string]any `json:"vars,omitempty"`   // of a sub-process, at its end
	Inner   []Done         `json:"inner,omitempty"`  // … and what in it can be compensated
	Rounds  bool           `json:"rounds,omitempty"` // Inner are the items or rounds of an activity that ran several times
}

// Token is a place where something goes on.
type Token struct {
	ID      string         `json:"id"`
	Element string         `json:"el"`
	Scope   int            `json:"scope,omitempty"`
	Wait    Wait           `json:"wait,omitempty"`
	Owner   string         `json:"owner,omitempty"` // watcher: the token it watches for; "": its scope
	Via     string         `json:"via,omitempty"`   // the flow it came over
	Vars    map[string]any `json:"vars,omitempty"`  // local variables
	Item    int            `json:"item,omitempty"`  // runs for this item or round, from 1
	For     string         `json:"for,omitempty"`   // compensates for this token
	Undo    []Done         `json:"undo,omitempty"`  // what it has yet to compensate; of an activity that is being left: what it leaves to be compensated
	Left    int            `json:"left,omitempty"`  // of a cycle: how often yet, -1: for ever; of a condition: 1 while it is true
	Phase   phase          `json:"phase,omitempty"` // what a retry does
	Reason  string         `json:"reason,omitempty"`
	dead    bool
	moving  bool // it has not entered its element yet
}

type phase string

const (
	entering  phase = "enter"
	working   phase = "work"
	finishing phase = "finish"
	leaving   phase = "leave"
	arming    phase = "arm"
	checking  phase = "check"
)

// Active are the elements where tokens are, once each, in the order of the tokens;
// watchers don't count.
func (s State) Active() []string {
	var out []string
	seen := map[string]bool{}
	for _, t := range s.Tokens {
		if t.Wait != Watching && !seen[t.Element] {
			seen[t.Element] = true
			out = append(out, t.Element)
		}
	}
	return out
}

// Vars are the variables of the process.
func (s State) Vars() map[string]any {
	if len(s.Scopes) == 0 {
		return nil
	}
	return s.Scopes[0].Vars
}

// Token is the token with the id, or nil.
func (s State) Token(id string) *Token {
	for _, t := range s.Tokens {
		if t.ID == id && !t.dead {
			return t
		}
	}
	return nil
}

// clone copies what a step may change; maps and lists inside variables are never
// changed in place, so they are shared.
func (s State) clone() State {
	out := s
	out.Tokens = make([]*Token, len(s.Tokens), len(s.Tokens)+4)
	for i, t := range s.Tokens {
		c := *t
		out.Tokens[i] = &c
	}
	out.Scopes = make([]*Scope, len(s.Scopes), len(s.Scopes)+1)
	for i, sc := range s.Scopes {
		c := *sc
		out.Scopes[i] = &c
	}
	return out
}

// Visible is everything that the element of a token sees.
func (s State) Visible(token string) map[string]any {
	t := s.Token(token)
	if t == nil {
		return nil
	}
	r := run{s: s}
	return r.visible(t.Scope, t.Vars)
}
