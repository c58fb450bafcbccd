// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"slices"
	"time"
)

// The outcomes of a request for access.
const (
	Permitted = "permitted"
	Refused   = "refused"
)

// Resident is the kind of an actor who is a person: what stands for them in the log is a commitment.
const Resident = "resident"

// Entry is one line of the ledger.
type Entry struct {
	ID        string
	At        time.Time
	ActorKind string // resident, clerk, machine, system
	ActorID   string
	ActorName string
	Office    string // the actor's office
	Action    string // read, list, change, decide, submit
	Resource  string // case, document, register:residents …
	Purpose   string // a service id or a purpose's key
	Basis     string // the legal basis as cited
	Service   string
	Case      string
	Outcome   string
	Rule      string   // the policies that decided, by their @id; empty when none did
	Fields    []string // names only
	Mandate   string   // the mandate or deputyship under which the actor acted for somebody else; empty: in their own right
	Door      string   // where the actor came in: portal, desk, api, command, house; empty: on record before doors were
	Client    string   // the program that they came with; empty: a browser, or none
}

// The kinds of record that the log has.
const (
	Access = "access" // an entry, with the persons that it named
	Seen   = "seen"   // persons that were added to an entry: a list has shown them
	Act    = "act"    // what the ledger did itself
)

// The kinds of act.
const (
	Began  = "began"  // the log began, with the verifier key that its note holds
	Day    = "day"    // a day began; the note is the checkpoint of before
	Erased = "erased" // everything before the leaf Upto has reached the end of its retention, and goes
	Forgot = "forgot" // the key of a person was destroyed
)

// Record is what one leaf of the log stands for.
type Record struct {
	ID, Kind string
	At       time.Time
	Salt     string
	// Of an access: the entry; of a seen: its ID only.
	Entry Entry
	// Actor is the commitment of a resident who acted and was forgotten.
	Actor    string
	ActorKey string // of a resident who acted
	Subjects []Subject
	// Of an act.
	Act  string
	Upto int64
	N    int64
	Note string
}

// Subject is a person of a record, or what is left of one that was forgotten.
type Subject struct {
	Person, Key string
	Commitment  string
}

// Disclosure is what a person is shown of an entry about them. When it was and what for is always shown (Art. 15 (1) a
// GDPR), unless the entry itself would give away what must not be.
type Disclosure struct {
	Hidden bool     // the entry isn't shown, for now
	Fields []string // what is shown beside time and purpose, by the names in the log (docs/ledger.md)
}

// Shows tells whether a field is shown.
func (d Disclosure) Shows(field string) bool {
	return field == "at" || field == "purpose" || slices.Contains(d.Fields, field)
}

// Apply takes out of an entry what isn't shown.
func (d Disclosure) Apply(e Entry) Entry {
	for field, value := range map[string]*string{"actor_kind": &e.ActorKind, "actor": &e.ActorID, "actor_name": &e.ActorName, "office": &e.Office,
		"action": &e.Action, "resource": &e.Resource, "basis": &e.Basis, "service": &e.Service, "case": &e.Case, "outcome": &e.Outcome, "rule": &e.Rule, "mandate": &e.Mandate,
		"door": &e.Door, "client": &e.Client} {
		if !d.Shows(field) {
			*value = ""
		}
	}
	if !d.Shows("fields") {
		e.Fields = nil
	}
	return e
}
