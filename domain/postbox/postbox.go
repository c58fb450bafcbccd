// SPDX-License-Identifier: EUPL-1.2

package postbox

import (
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
)

// Message is a message of an office to a person.
type Message struct {
	ID, Person, CaseID, Office string
	Subject, Body              i18n.Text
	Documents                  []Attached
	SentAt                     time.Time
	ReadAt                     time.Time // zero: not yet
	// Link is where the message leads in the portal, "/apply/…"; "": nowhere.
	Link string
}

// Attached is a document that a message brings.
type Attached struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// Bounds of a message.
const (
	maxSubject   = 300
	maxBody      = 100_000
	maxDocuments = 20
)

func (m Message) check() error {
	const op = "postbox.check"
	if m.Person == "" {
		return fault.Internalf(op, "a message to nobody")
	}
	if m.Subject.For("de") == "" {
		return fault.Internalf(op, "a message without a German subject")
	}
	for _, s := range m.Subject {
		if len(s) > maxSubject {
			return fault.New(fault.TooLarge, op, "postbox.longSubject")
		}
	}
	for _, s := range m.Body {
		if len(s) > maxBody {
			return fault.New(fault.TooLarge, op, "postbox.longBody")
		}
	}
	if m.Link != "" && (!strings.HasPrefix(m.Link, "/") || strings.HasPrefix(m.Link, "//") || strings.ContainsAny(m.Link, "\\\r\n") || len(m.Link) > 200) {
		return fault.Internalf(op, "a message leads to a page of the portal and nowhere else")
	}
	if len(m.Documents) > maxDocuments {
		return fault.Internalf(op, "%d documents in a message", len(m.Documents))
	}
	return nil
}
