// SPDX-License-Identifier: EUPL-1.2

package audit

import "time"

// The outcomes of a request for access.
const (
	Permitted = "permitted"
	Refused   = "refused"
)

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
}
