// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"mercator/domain/service"
	"mercator/lang/form"
)

// The states of a draft.
const (
	Open      = "open"
	Submitted = "submitted"
)

// The answers to the data notice.
const (
	Unasked = ""
	Yes     = "yes"
	No      = "no"
)

// Bounds.
const (
	maxAnswers = 1 << 20 // bytes of a draft's answers, what was typed wrongly included
	maxFiles   = 10      // in one field
)

// MaxFile is how large an uploaded file may be, in bytes.
const MaxFile = 10 << 20

// Draft is an application that is being filled in.
type Draft struct {
	ID, Owner, Service, Version string
	State                       string // Open, Submitted
	Consent                     string // Unasked, Yes, No
	Answers                     form.Answers
	Raw                         map[string]string // typed and not understood, word for word
	Registers                   map[string]any    // what was fetched; nil without consent
	FetchedAt                   time.Time
	CaseID                      string // once submitted
	Bundle                      string // of the life event that it is part of; "": it stands for itself
	CreatedAt, ChangedAt        time.Time
	ExpiresAt                   time.Time
	Mandate, By                 string // under which mandate somebody fills it in for the owner, and their name
	// Helper is who reads it, if that is somebody whom the owner, whose name is here then, has asked for help. Filled says which
	// fields a helper has filled in, by their name.
	// By which Invitation they do, of which Kind, and for which Part of the signatures.
	Helper, OwnerName      string
	Invitation, Kind, Part string
	Filled                 map[string]string
	// Rivals are what was written in another place into fields that were changed here, too, by name, until the person has decided.
	Rivals map[string]Rival
	// Sent are the pages of a long form that were sent without a mistake.
	Sent []string
	// Since is the version of the form that its owner last knew, if that has changed since and they haven't been told; "" otherwise.
	// Kept are answers that the form has no place for any more, until the draft is submitted.
	Since   string
	Kept    map[string]form.Held
	rev     int64
	sealed  []byte
	pressed form.Pressed // the button of a list, if one changes it just now
	gone    rowsGone
}

// Opening is what a case is opened with. The draft's id is its origin: opening
// twice gives the same case.
type Opening struct {
	Draft                    string
	Service, Version, Office string
	Person, PersonName       string
	Channel, Lang            string
	Application, Registers   json.RawMessage
	// View is the form as it was filled in, for what is kept of it.
	View *form.View
	// Signatures are those of others that the application needed.
	Signatures []Signature
}

// Correction is a clerk's request to put one field right.
type Correction struct {
	ID, Owner, CaseID, Service, Version string
	Field, Message                      string
	State                               string // open, done
	Raw                                 string
	CreatedAt, DoneAt                   time.Time
	rev                                 int64
}

// CaseData is what intake has to know of a case in which a field is corrected.
type CaseData struct {
	Service, Version       string
	Application, Registers json.RawMessage
}

// FileRef is an uploaded file as it stands in the answers.
type FileRef struct {
	ID    string // of the upload
	Name  string
	Hash  string
	Type  string // by content
	Size  int64
	Pages int // of a PDF
}

func (f FileRef) value() map[string]any {
	return map[string]any{"id": f.ID, "name": f.Name, "hash": f.Hash, "type": f.Type, "size": f.Size, "pages": f.Pages}
}

// Files are the files in an answer.
func Files(v any) []FileRef {
	l, _ := v.([]any)
	var out []FileRef
	for _, x := range l {
		m, ok := x.(map[string]any)
		if !ok {
			continue
		}
		f := FileRef{}
		f.ID, _ = m["id"].(string)
		f.Name, _ = m["name"].(string)
		f.Hash, _ = m["hash"].(string)
		f.Type, _ = m["type"].(string)
		switch n := m["size"].(type) {
		case json.Number:
			f.Size, _ = n.Int64()
		case int64:
			f.Size = n
		}
		switch n := m["pages"].(type) {
		case json.Number:
			pages, _ := n.Int64()
			f.Pages = int(pages)
		case int:
			f.Pages = n
		}
		out = append(out, f)
	}
	return out
}

// fileName is the last part of a name, without what could be mistaken for a path,
// in at most 120 characters.
func fileName(s string) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || strings.ContainsRune(`"<>|:*?`, r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 120 {
		s = string(r[len(r)-120:])
	}
	if s = strings.Trim(s, ". "); s == "" {
		return "file"
	}
	return s
}

// Filling is a draft with its form, as the person meets it now.
type Filling struct {
	Draft   Draft
	Service *service.Service
	View    *form.View
	Context form.Context
	// Changes are what is different since its owner last saw it, as far as that concerns them.
	Changes []form.Difference
	Whole   *Bundled // the life event that it is part of, or nil
}

// Pages are the pages on which something is asked or shown, in their order; of a life event those on which something is left to ask.
func (f *Filling) Pages() []*form.Page {
	if f.Whole == nil {
		return f.View.Pages()
	}
	return slices.DeleteFunc(f.View.Pages(), func(p *form.Page) bool { return !asks(f.View.Page(p.ID)) })
}

// NextPage is the page after one; "" after the last.
func (f *Filling) NextPage(page string) string {
	pages := f.Pages()
	for i, p := range pages {
		if p.ID == page && i+1 < len(pages) {
			return pages[i+1].ID
		}
	}
	return ""
}

// Resume is where to go on: the first page that isn't right, "" if all are.
func (f *Filling) Resume() string {
	for _, p := range f.Pages() {
		if len(f.Validate(p.ID)) > 0 {
			return p.ID
		}
	}
	return ""
}
