// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"io/fs"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/lang/bpmn"
	"mercator/lang/dmn"
	"mercator/lang/form"
)

// Text is a text in several languages.
type Text = i18n.Text

// Service is one version of a service package. It is immutable and safe to share.
type Service struct {
	ID      string
	Version string // hash of all files

	LeiKa  string // key of the Leistungskatalog, 14 digits; "": a right over one's own data, which the catalogue doesn't list
	Office string // id of the office responsible, content/city
	// Internal says that nobody applies for it: its process begins by itself only, by a
	// message, a signal, a time or a condition. It isn't among the services that people see.
	Internal bool
	// About says what somebody has to be shown before they can apply ("entry", "field",
	// "record" of "my data"): it begins there, about that. "": it is about nothing of the kind.
	About string
	// Anonymous says that people may begin before they sign in (start = "anonymous").
	Anonymous bool
	Trust     access.Level
	Audience  []string
	Topics    []string
	Synonyms  []string // other words that people search with

	Title    Text
	Summary  Text
	Eligible Text
	Duration Text
	Purpose  Text // for which personal data is processed (Art. 5 GDPR)
	// Retention says how long what is entered is kept (Art. 13 Abs. 2 Buchst. a GDPR); empty: not said.
	Retention Text
	Remedy    Text // instructions on legal remedies (§ 37 Absatz 6 VwVfG)
	Laws      []Law
	Needs     []Text
	Fee       Fee

	Data    []RegisterUse // what registers know, in the order of fetching
	Lists   []List        // public lists that the form offers
	Write   []Write       // what a case may write into registers
	Watches []Watch       // what it looks at by itself
	Cosigns []Cosign      // who else has to sign an application
	Asks    []Ask         // what the form asks though a register knows it
	// Rights are what its process may do with the data of whose case it is, of which register
	// ever: "access", "correct", "restrict", "erase" (Art. 15 to 18 GDPR).
	Rights []string

	Form      *form.Form            // application.form; of an internal service without one it has no fields
	TaskForms map[string]*form.Form // the other forms, by their id
	Process   *bpmn.Definitions     // the file of the process that a case begins with
	Processes []*bpmn.Definitions   // all files with processes, those that are called included
	ProcessID string
	Decisions map[string]*dmn.Definitions // by decision id
	Letters   map[string][]byte           // by file name under letters/

	Migration []MigrationStep // migrate.toml

	Files fs.FS // all files of the version
}

// Called is the file with the process, which a call activity or service.toml names, or nil.
func (s *Service) Called(process string) *bpmn.Definitions {
	for _, d := range s.Processes {
		for _, p := range d.Processes {
			if p.ID == process {
				return d
			}
		}
	}
	return nil
}

// Law is a provision that the service rests on.
type Law struct {
	Name string `toml:"name"`
	URL  string `toml:"url"`
}

// Basis is the legal basis as one text.
func (s *Service) Basis() string {
	out := ""
	for i, l := range s.Laws {
		if i > 0 {
			out += "; "
		}
		out += l.Name
	}
	return out
}

// Fee is what the service costs: a decision, and examples for the service page
// whose amounts are worked out by it, so that they are never out of date.
type Fee struct {
	Decision string // id of the decision; "" when the service is free
	Examples []FeeExample
}

// FeeExample is a fee for some answers.
type FeeExample struct {
	Label Text
	Cents int64
	Law   string // the annotation of the rule that gives the amount
}

// RegisterUse is data that the city already has and this service uses: asked for
// once, shown before it is fetched, never asked again.
type RegisterUse struct {
	Register string
	As       string // the name in forms and rules: registers.<As>
	One      bool   // at most one record, given as an object and not as a list
	Fields   []string
	// Evidence are the fields among them that people at the desk look at.
	Evidence []string
	Purpose  Text
	Basis    string

	uses map[string][]For
}

// List is a public register as options of a form: lists.<As>.
type List struct {
	Register string `toml:"register"`
	As       string `toml:"as"`
	Value    string `toml:"value"`
	Label    string `toml:"label"`
}

// Problem is a mistake in a package.
type Problem struct {
	File      string
	Line, Col int
	Msg       string
}
