// SPDX-License-Identifier: EUPL-1.2

package casefile

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"mercator/base/i18n"
)

// Text is a text in several languages.
type Text = i18n.Text

// State says whether work is left.
type State string

// The states of a case.
const (
	Open   State = "open"
	Closed State = "closed"
)

// The outcomes that the screens know; a service may name others.
const (
	Granted   = "granted"
	Refused   = "refused"
	Withdrawn = "withdrawn"
	Abandoned = "abandoned" // closed without a decision, such as a fee that was never paid
)

// Case is a case.
type Case struct {
	ID, Ref                  string // Ref is the file number (Aktenzeichen) that people see
	Service, Version, Office string
	Person, PersonName       string // "": it is about nobody whom the registers know
	Client                   string // the machine that submitted it, or ""
	Channel                  string // online, api, counter, paper; Event
	Lang                     string // the applicant's language
	State                    State
	Status                   Text // what the applicant is told: the milestone passed last
	Outcome                  string
	Application              json.RawMessage // the answers, corrections included
	Registers                json.RawMessage // what was fetched with consent, or null
	OpenedAt, ChangedAt      time.Time
	ClosedAt                 time.Time // zero while open
}

// Event is the channel of a case that nobody has applied for: a message, a signal, a time
// or a condition has begun it (§ 22 VwVfG: of the office's own motion).
const Event = "event"

// Opening is what a case is opened with.
type Opening struct {
	Service, Version, Office string
	Person, PersonName       string
	Client, Channel, Lang    string
	Origin                   string // a draft's id or an idempotency key; opening twice gives the same case
	Application, Registers   json.RawMessage
	By                       Text // who has filed it for the person, and by which mandate; nil: the person
}

// Kind is the kind of an entry of the file.
type Kind string

// The kinds of entry.
const (
	Application Kind = "application"
	Document    Kind = "document"
	Message     Kind = "message"
	Decision    Kind = "decision"
	Payment     Kind = "payment"
	Correction  Kind = "correction"
	Task        Kind = "task"
	Status      Kind = "status"
	Note        Kind = "note"
)

// Entry is one thing in the file.
type Entry struct {
	ID, CaseID string
	At         time.Time
	Kind       Kind
	ActorKind  string // resident, clerk, machine, system
	ActorName  string // shown to clerks; a resident sees the office
	Title      Text
	Body       Text   // free text, or empty
	Document   string // an issued document's id, or ""
	Internal   bool   // only the office sees it
}

// Ruling is a decision of the rules in a case: which rule, on which paragraph.
type Ruling struct {
	ID, CaseID string
	At         time.Time
	Decision   string // the decision's id in the package, "eligibility"
	Name       string
	Outcome    json.RawMessage
	Rules      []Rule
}

// Rule is a rule that matched, with the law it rests on (§ 39 VwVfG NRW: reasons).
type Rule struct {
	ID   string `json:"id"`
	Law  string `json:"law"`
	Text Text   `json:"text"`
}

// refAlphabet has no letters or digits that are mistaken for one another.
const refAlphabet = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// newRef makes a file number: the year and eight random places (40 bit), so that
// numbers tell nobody how many cases there are and can't be guessed on.
func newRef(now time.Time) string {
	b := make([]byte, 8)
	rand.Read(b)
	for i, x := range b {
		b[i] = refAlphabet[int(x)%len(refAlphabet)]
	}
	return now.Format("2006") + "-" + string(b[:4]) + "-" + string(b[4:])
}
