// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"mercator/base/person"
	"mercator/lang/form"
)

// Once only: what a register knows isn't asked again (§ 5 EGovG, Art. 14 Regulation (EU)
// 2018/1724), what is read is needed for something, and people see both before it happens.

// Ask says why a form asks for what a register knows.
type Ask struct {
	Field  string `toml:"field"`
	Reason Text   `toml:"reason"`
	Basis  string `toml:"basis"`
}

// What a register's data is for in a service.
type For string

// It fills in the form, is read by a rule, or is what people and letters need to see.
const (
	Prefill     For = "prefill"
	Eligibility For = "eligibility"
	Evidence    For = "evidence"
)

// UsedFor tells what each field is for, as the package itself shows it: so the notice can't
// promise anything else than what happens.
func (u RegisterUse) UsedFor(field string) []For { return u.uses[field] }

// Known is a field that a register holds about the person who applies.
type Known struct {
	Register, Field string
	Title           Text
	Synonyms        []string // what else people call it, in any language
	Thing           bool     // it is of something that the person has, such as a vehicle, not of the person
}

// ofAPerson are kinds of fields whose answer is always about a person: what is called "name" there is no restaurant's.
var ofAPerson = []string{"name", "birthdate", "nationality", "tax_id"}

// Once finds what a package asks though a register knows it: a field of the form that is
// bound to nothing and is called like a field of a register about persons, by its key (or the
// last part of it, if that is a path), by what the browser is told that it is, by its label in any language, or by
// what the register says that it is called, too. A register that the package only writes knows nothing yet,
// and none knows of the applicant what is asked of somebody else.
func Once(s *Service, known []Known) []Problem {
	var out []Problem
	say := func(file string, line, col int, format string, args ...any) {
		out = append(out, Problem{File: file, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)})
	}
	asks := map[string]bool{}
	for i, a := range s.Asks {
		line := s.lineOfBlock("ask_anyway", i)
		f := s.Form.Field(a.Field)
		switch {
		case f == nil:
			say("service.toml", line, 0, "[[ask_anyway]]: application.form has no field %q", a.Field)
		case f.Register != "":
			say("service.toml", line, 0, "[[ask_anyway]] %q: the field is filled in from the register: take it out", a.Field)
		case len(s.knownAs(f, known)) == 0:
			say("service.toml", line, 0, "[[ask_anyway]] %q: no register knows this: take it out", a.Field)
		}
		asks[a.Field] = true
	}
	for _, name := range s.Form.Names() {
		f := s.Form.Field(name)
		if f == nil || !f.Input() || f.Register != "" || f.Kind == "consent" || f.Type == "filepicker" || asks[name] {
			continue
		}
		if k := s.knownAs(f, known); len(k) > 0 {
			say("application.form", f.Line, f.Col, "%q asks for what the register %s knows (%s): fill it in with \"register\", or say why it is asked anyway ([[ask_anyway]] with field, reason and basis), or that it is asked of somebody else (autocomplete \"section-child bday\")", name, k[0].Register, k[0].Field)
		}
	}
	return out
}

// knownAs are the fields of registers that a field of the form asks for.
func (s *Service) knownAs(f *form.Field, known []Known) []Known {
	var out []Known
	if f.Others() {
		return nil
	}
	rows := false // of those many the applicant is one at most
	for p := f.Parent; p != nil; p = p.Parent {
		rows = rows || p.Type == "dynamiclist"
	}
	for _, k := range known {
		if k.Thing && slices.Contains(ofAPerson, f.Kind) || !k.Thing && rows {
			continue
		}
		reads := slices.ContainsFunc(s.Data, func(u RegisterUse) bool { return u.Register == k.Register })
		writes := slices.ContainsFunc(s.Write, func(w Write) bool { return w.Register == k.Register })
		if writes && !reads {
			continue
		}
		same := slices.Contains(f.Means(), foldName(k.Field))
		last := f.Key[strings.LastIndexByte(f.Key, '.')+1:]
		for _, name := range append([]string{k.Field}, k.Synonyms...) {
			same = same || foldName(f.Key) == foldName(name) || foldName(last) == foldName(name)
		}
		for _, lang := range Languages {
			label := foldTitle(f.Label[lang])
			same = same || label != "" && (label == foldTitle(k.Title[lang]) || slices.ContainsFunc(k.Synonyms, func(y string) bool { return label == foldTitle(y) }))
		}
		if same {
			out = append(out, k)
		}
	}
	return out
}

func foldName(s string) string { return strings.ReplaceAll(foldTitle(s), " ", "") }

// foldTitle is a label as it is compared: whose it is doesn't count, nor how it is written.
func foldTitle(s string) string {
	s = person.Fold(strings.NewReplacer("_", " ", "-", " ", ":", " ", "?", " ", "*", " ").Replace(s))
	words := strings.Fields(s)
	for len(words) > 1 && slices.Contains([]string{"ihr", "ihre", "ihren", "ihrem", "ihrer", "der", "die", "das", "your", "the"}, words[0]) {
		words = words[1:]
	}
	return strings.Join(words, " ")
}

// lineOfBlock is the line of the n-th [[key]] of service.toml.
func (s *Service) lineOfBlock(key string, n int) int {
	b, err := fs.ReadFile(s.Files, "service.toml")
	if err != nil {
		return 0
	}
	return lineOfBlock(b, key, n)
}

func lineOfBlock(data []byte, key string, n int) int {
	all := regexp.MustCompile(`(?m)^[ \t]*\[\[[ \t]*`+regexp.QuoteMeta(key)+`[ \t]*\]\]`).FindAllIndex(data, n+1)
	if n >= len(all) {
		return lineOf(data, key)
	}
	return 1 + strings.Count(string(data[:all[n][0]]), "\n")
}

// chunk is a place of a package where data can be read: an expression or a letter.
type chunk struct {
	file string
	line int
	text string
	use  For
}

var (
	registerPath = regexp.MustCompile(`\bregisters\s*\.\s*([a-z][a-z0-9_]*)(?:\s*\.\s*([a-z][a-z0-9_]*))?`)
	dmnText      = regexp.MustCompile(`(?s)<(?:\w+:)?text>(.*?)</(?:\w+:)?text>`)
	// What is written into registers, and when something begins by itself.
	tomlExpression = regexp.MustCompile(`= *(?:'=[^'\n]*'|"=(?:[^"\\\n]|\\.)*")`)
	bpmnText       = regexp.MustCompile(`(?s)"[^"]*"|'[^']*'|>[^<]+<`)
)

// chunks are all places where a package can read registers. A package has at most 2 MB a
// file, and this is done once for each version.
func chunks(files map[string][]byte) []chunk {
	var out []chunk
	for _, name := range sortedKeys(files) {
		data := string(files[name])
		find := func(re *regexp.Regexp, use For) {
			line, last := 1, 0
			for _, at := range re.FindAllStringIndex(data, -1) {
				line += strings.Count(data[last:at[0]], "\n")
				last = at[0]
				out = append(out, chunk{name, line, data[at[0]:at[1]], use})
			}
		}
		switch {
		case path.Dir(name) == "letters":
			out = append(out, chunk{name, 1, data, Evidence})
		case path.Dir(name) != ".":
		case path.Ext(name) == ".dmn":
			find(dmnText, Eligibility)
		case path.Ext(name) == ".bpmn":
			find(bpmnText, Evidence)
		case name == "application.form":
			find(formExpression, Prefill)
		case path.Ext(name) == ".form":
			find(formExpression, Evidence)
		case name == "service.toml":
			find(tomlExpression, Evidence)
		}
	}
	return out
}

// uses finds out what the registers' fields are for.
func (p *parser) uses(files map[string][]byte) {
	s := p.s
	list := chunks(files)
	for i := range s.Data {
		u := &s.Data[i]
		u.uses = map[string][]For{}
		add := func(field string, use For) {
			if slices.Contains(u.Fields, field) && !slices.Contains(u.uses[field], use) {
				u.uses[field] = append(u.uses[field], use)
			}
		}
		if s.Form != nil {
			for _, name := range s.Form.Names() {
				if f := s.Form.Field(name); f != nil && f.Register != "" {
					if as, field, _ := strings.Cut(f.Register, "."); as == u.As {
						add(field, Prefill)
					}
				}
			}
		}
		whole := regexp.MustCompile(`\bregisters\s*\.\s*` + regexp.QuoteMeta(u.As) + `\b`)
		alone := regexp.MustCompile(`^\W*registers\s*\.\s*` + regexp.QuoteMeta(u.As) + `\W*$`)
		for _, f := range u.Fields {
			word := regexp.MustCompile(`\b` + regexp.QuoteMeta(f) + `\b`)
			for _, c := range list {
				if !whole.MatchString(c.text) {
					continue
				}
				if word.MatchString(whole.ReplaceAllString(c.text, "_")) {
					add(f, c.use)
				}
				if !alone.MatchString(c.text) {
					continue
				}
				// Handed on as a whole under another name: any place may read it.
				for _, o := range list {
					if word.MatchString(o.text) {
						add(f, o.use)
					}
				}
			}
		}
		for _, f := range u.Evidence {
			if !slices.Contains(u.Fields, f) {
				p.problem("service.toml", lineOfBlock(files["service.toml"], "data", i), "[[data]] %s: evidence names %q, which isn't among its fields", u.As, f)
			}
			add(f, Evidence)
		}
	}
}

// needless finds what is read from registers and used for nothing (Art. 5 (1) c GDPR).
func (l *linter) needless() {
	for i, u := range l.s.Data {
		for _, f := range u.Fields {
			if len(u.uses[f]) == 0 {
				l.say("service.toml", l.s.lineOfBlock("data", i), 0, "[[data]] %s reads %q, and no form, rule, step or letter uses it: take it out, or name it under evidence if people at the desk need it", u.As, f)
			}
		}
	}
}

// undeclared finds what is read without being declared: then nobody would have said for
// which purpose and on which basis.
func (l *linter) undeclared() {
	files, err := readAll(l.s.Files)
	if err != nil {
		return
	}
	for _, c := range chunks(files) {
		for _, at := range registerPath.FindAllStringSubmatchIndex(c.text, -1) {
			as, field := c.text[at[2]:at[3]], ""
			if at[4] >= 0 {
				field = c.text[at[4]:at[5]]
			}
			i := slices.IndexFunc(l.s.Data, func(u RegisterUse) bool { return u.As == as })
			line := c.line + strings.Count(c.text[:at[0]], "\n")
			switch {
			case as == "about" && l.s.About != "": // the house says it, on the basis of the service itself
				if field != "" && !slices.Contains(AboutFields[l.s.About], field) {
					l.say(c.file, line, 0, "registers.about.%s is read here, and a service about a %s is told %s", field, l.s.About, strings.Join(AboutFields[l.s.About], ", "))
				}
			case i < 0:
				l.say(c.file, line, 0, "registers.%s is read here, and no [[data]] says for which purpose and on which basis", as)
			case field != "" && !slices.Contains(l.s.Data[i].Fields, field):
				l.say(c.file, line, 0, "registers.%s.%s is read here, and [[data]] %s doesn't name the field with its purpose and basis", as, field, as)
			}
		}
	}
	for _, w := range l.s.Write {
		for _, prog := range append(slices.Collect(maps.Values(w.fields)), w.key, w.from, w.to) {
			if prog == nil {
				continue
			}
			for _, at := range prog.FreePaths() {
				if len(at) > 1 && at[0] == "application" && l.s.Form.Field(at[1]) == nil {
					i := slices.IndexFunc(l.s.Write, func(o Write) bool { return o.Register == w.Register })
					l.say("service.toml", l.s.lineOfBlock("write", i), 0, "[[write]] %s: application.form has no field %q", w.Register, at[1])
				}
			}
		}
	}
}
