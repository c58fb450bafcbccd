// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"strconv"
	"strings"
)

// Kind of an element of a schema.
type Kind int

// The kinds of elements.
const (
	Schema Kind = iota // Stammdatenschema
	Group              // Datenfeldgruppe
	Field              // Datenfeld
)

// Message is what a file holds.
type Message struct {
	File    string
	Version int // 2 or 3
	ID      string
	Created string
	Root    *Element
}

// Element is a schema, a group or a field.
type Element struct {
	Kind                    Kind
	ID, Version             string
	Name                    string
	Label, OutputLabel      string
	Help, OutputHelp        string
	Description, Definition string
	Basis                   []string // Handlungsgrundlagen (Bezug)
	Status                  string   // freigabestatus of version 3; of 2: aktiv, inaktiv
	Creator, VersionNote    string
	Changed                 string
	Art                     string // schemaelementart: ABS, HAR, RNG
	Rules                   []Rule
	Children                []Child
	Choice                  bool // of a group: one of its children (version 3: art X)

	// Of a field.
	Input, Type               string // feldart, datentyp
	Limits                    Limits
	Content                   string
	Prefill                   string
	Codes                     *CodesRef
	Values                    []Code // written into the schema
	CodeKey, NameKey, HelpKey string
	MaxSize                   string
	MediaTypes                []string
	Line, Col                 int
}

// Child is an element in its place.
type Child struct {
	Count Count
	Basis []string
	*Element
}

// Count is how often an element may be there (Anzahl, Multiplizität).
type Count struct{ Min, Max int }

// Many is the Max of what has no bound.
const Many = -1

// String is "0:1", "2:5", "0:*".
func (c Count) String() string {
	if c.Max == Many {
		return strconv.Itoa(c.Min) + ":*"
	}
	return strconv.Itoa(c.Min) + ":" + strconv.Itoa(c.Max)
}

// ParseCount reads "0:1", "2:5", "0:*", also with n for *.
func ParseCount(s string) (Count, bool) {
	lo, hi, ok := strings.Cut(strings.TrimSpace(s), ":")
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 100_000 || strconv.Itoa(n) != s {
			ok = false
		}
		return n
	}
	c := Count{Min: number(lo), Max: Many}
	if hi != "*" && hi != "n" {
		if c.Max = number(hi); c.Max < max(c.Min, 1) {
			ok = false
		}
	}
	return c, ok
}

// Limits are the Präzisierung of a field.
type Limits struct {
	MinLength, MaxLength string
	MinValue, MaxValue   string
	Pattern              string
	Text                 string // what is said in words
}

// CodesRef names a code list outside of the schema.
type CodesRef struct{ ID, URI, Version, VersionURI string }

// Key is the name by which the list is looked up.
func (c CodesRef) Key() string {
	switch {
	case c.VersionURI != "":
		return c.VersionURI
	case c.URI != "" && c.Version != "":
		return c.URI + "_" + c.Version
	case c.URI != "":
		return c.URI
	}
	return c.ID
}

// Code is one entry of a list.
type Code struct{ Code, Name, Help string }

// Rule is a rule as it is written.
type Rule struct {
	ID, Version, Name string
	Text              string // freitextRegel; definition of version 2
	Type              string // version 3: K, M, V, B
	Script            string
	Basis             []string
	Creator, Changed  string
	Line, Col         int
}

// walk visits an element and all below it, in the order of the file.
func (e *Element) walk(visit func(*Element)) {
	visit(e)
	for _, c := range e.Children {
		c.walk(visit)
	}
}

// Counts are how many groups, fields and rules there are, each as often as it is used.
func (m *Message) Counts() (groups, fields, rules int) {
	m.Root.walk(func(e *Element) {
		switch e.Kind {
		case Group:
			groups++
		case Field:
			fields++
		}
		rules += len(e.Rules)
	})
	return
}

// ShortID is an id as version 2 writes it: version 3 has put three digits between the
// two of the number range and the other six (F60000227 is F60000000227).
func ShortID(id string) string {
	if len(id) == 12 && id[3:6] == "000" {
		return id[:3] + id[6:]
	}
	return id
}

// longID is an id as version 3 writes it.
func longID(id string) string {
	if len(id) != 9 {
		return id
	}
	for _, c := range id[1:] {
		if c < '0' || c > '9' {
			return id
		}
	}
	return id[:3] + "000" + id[3:]
}
