// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"fmt"
	"slices"
	"strings"

	"mercator/base/fault"
)

// Kind is the kind of an actor.
type Kind string

// The kinds of actor.
const (
	Resident Kind = "resident" // a person or business in their own matter
	Clerk    Kind = "clerk"    // a member of an office
	Machine  Kind = "machine"  // another system, by client credentials
	System   Kind = "system"   // the platform itself: a timer, a process step
)

// Level is a trust level (Vertrauensniveau) of a sign-in, as in § 3 OZG and the levels of assurance of eIDAS
// (Regulation (EU) 910/2014, Art. 8). A higher level includes the lower ones.
type Level int

// The levels, in order.
const (
	None        Level = 0
	Basic       Level = 1 // normal / low
	Substantial Level = 2 // substanziell
	High        Level = 3 // hoch
)

// String is the level's name in packages, addresses and configuration.
func (l Level) String() string {
	switch l {
	case Basic:
		return "basic"
	case Substantial:
		return "substantial"
	case High:
		return "high"
	}
	return "none"
}

// ParseLevel reads a level's name; "normal" is the law's word for basic.
func ParseLevel(s string) (Level, error) {
	if s == "normal" {
		return Basic, nil
	}
	for l := None; l <= High; l++ {
		if l.String() == s {
			return l, nil
		}
	}
	return None, fmt.Errorf("unknown trust level %q: want basic, substantial or high", s)
}

// Actor is who acts.
type Actor struct {
	Kind   Kind
	ID     string // resident: person id; clerk: staff id; machine: client id; system: the room
	Name   string // for the screen and the ledger
	Office string // a clerk's or machine's office, "32"
	Roles  []string
	Level  Level
	// Door is where they came in, and Client the program that they came with, as it signed in; empty: a browser, or the house's own.
	Door   Door
	Client string
	// Certificate is the thumbprint (x5t#S256, RFC 8705) of the certificate that a program is bound to and came with; empty: none.
	Certificate string
	// Mandate is what the actor says to act under for somebody else (mandate.go); empty: in their own matter. For and ForName
	// are whom it is for, as the session knows it; a Checker puts For right.
	Mandate, For, ForName string
	// Self is which person a clerk is in the city's registers, where the register of staff says so: nobody decides their own matter.
	Self string
}

// Concerns tells whether a matter of these persons is the actor's own.
func (a Actor) Concerns(persons []string) bool {
	return slices.Contains(persons, a.ID) || a.Self != "" && slices.Contains(persons, a.Self)
}

// Door is the way by which an actor came in: it is on record with all that they do. Who lets an actor in sets it.
type Door string

// The doors.
const (
	DoorPortal  Door = "portal"  // the pages for residents
	DoorDesk    Door = "desk"    // the pages for who works for the city
	DoorAPI     Door = "api"     // the interface for programs
	DoorCommand Door = "command" // the command line on the machine of the house
	DoorHouse   Door = "house"   // nobody came in: the platform acts by itself
)

// Is tells whether the actor has the role.
func (a Actor) Is(role string) bool { return slices.Contains(a.Roles, role) }

// SystemActor is a room that acts by itself, after the request of a person has long been answered.
func SystemActor(room string) Actor {
	return Actor{Kind: System, ID: room, Name: "Mercator", Door: DoorHouse}
}

// The actions that a request can name.
const (
	Read   = "read"
	List   = "list"
	Change = "change"
	Decide = "decide"
	Submit = "submit"
	Export = "export" // take a register out of the house as a whole
	Erase  = "erase"  // destroy records: what two heads decide, what a person asks for, what its retention rule lets go
)

// Request is what an actor wants to do, why and on which legal basis.
type Request struct {
	Actor    Actor
	Action   string   // Read, List, Change, Decide, Submit, Export, Erase
	Resource string   // case, document, draft, task, payment, message, register:residents, ledger
	Purpose  string   // a service id, or "own data"
	Basis    string   // the legal basis as cited
	Service  string   // context, may be empty
	Case     string   // context, may be empty
	Office   string   // the office that owns the resource; empty: not known before, the query holds it
	Owner    string   // the person whom the resource belongs to; empty: not known before, the query holds it
	Subjects []string // whose data, beside the owner's; a list tells afterwards, with Seen
	Fields   []string // names of fields, never values

}

// Bounds of a request: nobody fills the ledger at will.
const (
	maxText     = 500
	maxSubjects = 1000
	maxFields   = 200
)

func (r Request) check() error {
	const op = "access.request"
	switch r.Actor.Kind {
	case Resident, Clerk, Machine, System:
	default:
		return fault.Internalf(op, "actor kind %q", r.Actor.Kind)
	}
	switch r.Actor.Door {
	case "", DoorPortal, DoorDesk, DoorAPI, DoorCommand, DoorHouse:
	default:
		return fault.Internalf(op, "door %q", r.Actor.Door)
	}
	switch r.Action {
	case Read, List, Change, Decide, Submit, Export, Erase:
	default:
		return fault.Internalf(op, "action %q", r.Action)
	}
	if r.Actor.ID == "" || r.Resource == "" {
		return fault.Internalf(op, "an actor's id and a resource are needed")
	}
	if r.Purpose == "" {
		return fault.Internalf(op, "%s %s without a purpose", r.Action, r.Resource)
	}
	for _, s := range []string{r.Actor.ID, r.Actor.Name, r.Resource, r.Purpose, r.Basis, r.Service, r.Case, r.Office, r.Owner, r.Actor.Mandate, r.Actor.Client} {
		if len(s) > maxText {
			return fault.Internalf(op, "a text of the request is longer than %d bytes", maxText)
		}
	}
	if len(r.Subjects) > maxSubjects || len(r.Fields) > maxFields {
		return fault.Internalf(op, "too many subjects or fields")
	}
	for _, s := range r.Subjects {
		if s == "" || len(s) > maxText {
			return fault.Internalf(op, "a subject's id is empty or too long")
		}
	}
	return nil
}

// subjects are the persons to put on record: those named, and the owner.
func (r Request) subjects() []string {
	out := make([]string, 0, len(r.Subjects)+1)
	for _, s := range append(slices.Clone(r.Subjects), r.Owner) {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// Grant is a permission that is on record. Its zero value permits nothing.
type Grant struct {
	request Request
	entry   string
	mandate *Mandate
	freely  bool // a second person has approved it
}

// Actor is who got the grant.
func (g Grant) Actor() Actor { return g.request.Actor }

// Request is what was granted.
func (g Grant) Request() Request { return g.request }

// EntryID is the grant's line in the ledger.
func (g Grant) EntryID() string { return g.entry }

// Zero reports that this is no grant at all.
func (g Grant) Zero() bool { return g.entry == "" }

// Must is what every method asks first that takes a grant: is there one, and is it for this action on this resource?
// "register" takes every register. Anything else is a defect of the caller.
func (g Grant) Must(action, resource string) error {
	if g.Zero() || g.request.Action != action ||
		g.request.Resource != resource && !strings.HasPrefix(g.request.Resource, resource+":") {
		return fault.Internalf("access.must", "needs a grant to %s %s, got one to %q %q",
			action, resource, g.request.Action, g.request.Resource)
	}
	return nil
}
