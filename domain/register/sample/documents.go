// SPDX-License-Identifier: EUPL-1.2

package sample

import (
	"fmt"
	"iter"
	"time"

	"mercator/domain/register"
)

// maxDocuments is how many residents of a demo are looked at for documents of identity: the
// demo shows what they are for, and half a million would only make its start slower.
const maxDocuments = 5000

// Document is a document of identity, with the fields of the register identity_documents.
type Document struct {
	Number     string `json:"number"`
	Holder     string `json:"holder"`
	Kind       string `json:"kind"`
	IssuedOn   string `json:"issued_on"`
	ValidUntil string `json:"valid_until"`
}

// Document is the identity card of person number i, if they are German and sixteen or older
// (§ 1 PAuswG). Anna Schmidt's expires forty days after the demo city begins.
func (g *Generator) Document(i int) (Document, bool) {
	r := g.Person(i).Resident
	born, err := time.Parse(time.DateOnly, r.BirthDate)
	if err != nil || r.Nationality != "DE" || born.AddDate(16, 0, 0).After(g.today) {
		return Document{}, false
	}
	years := 10
	ends := g.today.AddDate(0, 0, 60+int(mix(uint64(i))%3500))
	if i == 0 {
		ends = g.today.AddDate(0, 0, 40)
	}
	if born.AddDate(24, 0, 0).After(ends.AddDate(-6, 0, 0)) { // § 6 Absatz 3 PAuswG
		years = 6
		if latest := g.today.AddDate(6, 0, 0); ends.After(latest) {
			ends = latest.AddDate(0, 0, -int(mix(uint64(i))%300))
		}
	}
	issued := ends.AddDate(-years, 0, 0)
	if young := born.AddDate(16, 0, 0); issued.Before(young) {
		issued = young
	}
	return Document{Number: fmt.Sprintf("L%08X", 0x10000000+i), Holder: r.ID, Kind: "identity_card",
		IssuedOn: issued.Format(time.DateOnly), ValidUntil: ends.Format(time.DateOnly)}, true
}

// documents are those of the first n residents.
func (g *Generator) documents(n int) iter.Seq[register.Item] {
	return func(yield func(register.Item) bool) {
		for i := range min(n, maxDocuments) {
			if d, ok := g.Document(i); ok && !yield(register.Item{Register: "identity_documents", Data: marshal(d)}) {
				return
			}
		}
	}
}
