// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"mercator/core/access"
	"mercator/lang/bpmn"
	"mercator/lang/dmn"
	"mercator/lang/feel"
	"mercator/lang/form"

	"github.com/BurntSushi/toml"
)

// The limits of a package.
const (
	maxFile  = 2 << 20
	maxFiles = 500
)

type tomlService struct {
	ID        string   `toml:"id"`
	LeiKa     string   `toml:"leika"`
	Office    string   `toml:"office"`
	Trust     string   `toml:"trust"`
	Audience  []string `toml:"audience"`
	Topics    []string `toml:"topics"`
	Process   string   `toml:"process"`
	About     string   `toml:"about"`
	Start     string   `toml:"start"`
	Rights    []string `toml:"rights"`
	Synonyms  []string `toml:"synonyms"`
	Title     Text     `toml:"title"`
	Summary   Text     `toml:"summary"`
	Eligible  Text     `toml:"eligible"`
	Duration  Text     `toml:"duration"`
	Purpose   Text     `toml:"purpose"`
	Retention Text     `toml:"retention"`
	Remedy    Text     `toml:"remedy"`
	Law       []Law    `toml:"law"`
	Need      []Text   `toml:"need"`
	Fee       struct {
		Decision string `toml:"decision"`
		Example  []struct {
			Label   Text           `toml:"label"`
			Answers map[string]any `toml:"answers"`
			Today   string         `toml:"today"` // for a rule that asks what day it is
		} `toml:"example"`
	} `toml:"fee"`
	Data []struct {
		Register string   `toml:"register"`
		As       string   `toml:"as"`
		One      bool     `toml:"one"`
		Fields   []string `toml:"fields"`
		Evidence []string `toml:"evidence"`
		Purpose  Text     `toml:"purpose"`
		Basis    string   `toml:"basis"`
	} `toml:"data"`
	Ask   []Ask       `toml:"ask_anyway"`
	List  []List      `toml:"list"`
	Write []tomlWrite `toml:"write"`
	Watch []tomlWatch `toml:"watch"`

	Cosign []tomlCosign `toml:"cosign"`
}

// Abouts are what a service can be about: an entry of the ledger about the person, a field
// of a record of theirs, a record of theirs.
var Abouts = []string{"entry", "field", "record"}

// Rights are what a package can do with the data of whose case it is.
var Rights = []string{"access", "correct", "restrict", "erase"}

// AboutFields are what a form is told of what it is about (registers.about).
var AboutFields = map[string][]string{
	"entry":  {"entry", "told", "at", "time", "purpose", "basis", "case", "resource", "action", "fields", "office", "office_name"},
	"field":  {"register", "register_title", "record", "record_title", "office", "office_name", "basis", "field", "field_label", "current", "own", "source", "source_office", "lang"},
	"record": {"register", "register_title", "record", "record_title", "office", "office_name", "basis", "lang"},
}

// Languages are those that every text of a package is written in.
var Languages = []string{"de", "en", "tr", "de-simple"}

// ParseError is everything that is wrong with a package.
type ParseError struct {
	Service  string
	Problems []Problem
	InForce  string // the version that stays in force; "": none
}

// Error lists the problems, one a line.
func (e *ParseError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return fmt.Sprintf("service package %s:\n%s", e.Service, strings.Join(lines, "\n"))
}

// String is the problem as compilers print it.
func (p Problem) String() string {
	switch {
	case p.Line == 0:
		return p.File + ": " + p.Msg
	case p.Col == 0:
		return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Msg)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Col, p.Msg)
}

type parser struct {
	fsys     fs.FS
	s        *Service
	problems []Problem
}

func (p *parser) problem(file string, line int, format string, args ...any) {
	p.problems = append(p.problems, Problem{File: file, Line: line, Msg: fmt.Sprintf(format, args...)})
}

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{1,62}$`)

// Parse reads a package. dir is the folder's name, which is the service's id. The
// error is a *ParseError with everything that is wrong.
func Parse(dir string, fsys fs.FS) (*Service, error) {
	p := &parser{fsys: fsys, s: &Service{
		TaskForms: map[string]*form.Form{}, Decisions: map[string]*dmn.Definitions{}, Letters: map[string][]byte{}, Files: fsys,
	}}
	files, err := readAll(fsys)
	if err != nil {
		p.problem(dir, 0, "%v", err)
		return nil, &ParseError{Service: dir, Problems: p.problems}
	}
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	sum := sha256.New()
	for _, name := range names {
		fmt.Fprintf(sum, "%s\x00%d\x00", name, len(files[name]))
		sum.Write(files[name])
	}
	p.s.Version = hex.EncodeToString(sum.Sum(nil))[:16]

	head, ok := p.toml(dir, files["service.toml"])
	for _, name := range names {
		data := files[name]
		switch {
		case path.Dir(name) == "letters":
			p.s.Letters[path.Base(name)] = data
		case path.Dir(name) != ".":
		case name == migrationFile:
			p.migration(data)
		case name == "application.form":
			p.s.Form, err = form.Parse(name, data)
			p.add(name, err)
		case path.Ext(name) == ".form":
			f, err := form.Parse(name, data)
			p.add(name, err)
			if err == nil {
				p.s.TaskForms[strings.TrimSuffix(name, ".form")] = f
			}
		case path.Ext(name) == ".bpmn":
			d, err := bpmn.Parse(name, data)
			p.add(name, err)
			if err == nil {
				p.processes(d)
			}
		case path.Ext(name) == ".dmn":
			p.dmn(name, data)
		}
	}
	if ok {
		p.fees(head)
		p.cosigns(files["service.toml"], head.Cosign)
		if d := p.s.Called(p.s.ProcessID); d != nil {
			p.s.Process = d
			p.s.Internal = begunByItself(d, p.s.ProcessID)
		}
		if !p.s.Internal {
			p.public(head, files["service.toml"])
		}
	}
	if p.s.Form == nil && files["application.form"] == nil {
		if !p.s.Internal {
			p.problem("application.form", 0, "missing: a service has a form, unless its process begins by itself only (by a message, a signal, a time or a condition)")
		} else if p.s.Form, err = form.Parse("application.form", []byte(`{"type": "default", "components": []}`)); err != nil {
			p.add("application.form", err)
		}
	}
	p.uses(files)
	if len(p.problems) > 0 {
		return nil, &ParseError{Service: dir, Problems: p.problems}
	}
	return p.s, nil
}

// begunByItself reports that nobody can begin the process, but events can.
func begunByItself(d *bpmn.Definitions, id string) bool {
	proc, ok := d.Process(id)
	if !ok || !proc.Executable || proc.Plain() {
		return false
	}
	list, err := proc.Begins(time.Unix(0, 0))
	return err == nil && len(list) > 0
}

// public holds a service that people apply for to what they have to know.
func (p *parser) public(t tomlService, data []byte) {
	const file = "service.toml"
	// The catalogue lists what offices do for people, not the rights that everybody has over their data at each of them.
	overOwnData := t.LeiKa == "" && (t.About != "" || len(t.Rights) > 0)
	if !overOwnData && !regexp.MustCompile(`^\d{14}$`).MatchString(t.LeiKa) {
		p.problem(file, lineOf(data, "leika"), "leika %q must have 14 digits", t.LeiKa)
	}
	if len(t.Audience) == 0 {
		p.problem(file, 0, "audience is missing")
	}
	p.text(data, "eligible", t.Eligible)
	p.text(data, "duration", t.Duration)
}

// text holds a text of service.toml to the languages of the house.
func (p *parser) text(data []byte, key string, t Text) {
	for _, lang := range Languages {
		if strings.TrimSpace(t[lang]) == "" {
			p.problem("service.toml", lineOf(data, key), "%s has no text in %s", key, lang)
		}
	}
}

// texts is text for a block of which there may be several.
func (p *parser) texts(line int, what string, t Text) {
	for _, lang := range Languages {
		if strings.TrimSpace(t[lang]) == "" {
			p.problem("service.toml", line, "%s has no text in %s", what, lang)
		}
	}
}

// processes takes the processes of a file; the one that a case begins with is named in service.toml.
func (p *parser) processes(d *bpmn.Definitions) {
	if p.s.Process == nil {
		p.s.Process = d
	}
	for _, x := range d.Processes {
		if first := p.s.Called(x.ID); first != nil {
			p.problem(d.File, x.Pos.Line, "the process %q is already in %s", x.ID, first.File)
		}
	}
	p.s.Processes = append(p.s.Processes, d)
}

func (p *parser) dmn(name string, data []byte) {
	// Read in spite of mistakes, so that all kinds of them are told at once.
	d, err := dmn.ParseWith(name, data, dmn.Options{Lenient: true})
	p.add(name, err)
	if err != nil {
		return
	}
	// A rule that doesn't hold together isn't let in; what is only doubtful is for lint.
	for _, f := range d.Check(dmn.CheckOptions{}) {
		if f.Severity == dmn.Error {
			msg := f.Msg
			if f.Expected != "" {
				msg += ": expected " + f.Expected
			}
			p.problems = append(p.problems, Problem{File: name, Line: f.Line, Col: f.Col, Msg: msg})
		}
	}
	for _, info := range d.Decisions() {
		if p.s.Decisions[info.ID] != nil {
			p.problem(name, 0, "decision %q stands in another file too", info.ID)
		}
		p.s.Decisions[info.ID] = d
	}
}

// add takes over what a language's parser found.
func (p *parser) add(file string, err error) {
	if err == nil {
		return
	}
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			p.add(file, e)
		}
		return
	}
	var fe *feel.Error
	if errors.As(err, &fe) {
		msg := fe.Msg
		if fe.Expected != "" {
			msg += ": expected " + fe.Expected
		}
		p.problems = append(p.problems, Problem{File: file, Line: fe.Line, Col: fe.Col, Msg: msg})
		return
	}
	msg := strings.TrimPrefix(err.Error(), file+":")
	for line := range strings.SplitSeq(strings.TrimSpace(msg), "\n") {
		p.problems = append(p.problems, Problem{File: file, Msg: strings.TrimSpace(strings.TrimPrefix(line, file+":"))})
	}
}

func (p *parser) toml(dir string, data []byte) (tomlService, bool) {
	const file = "service.toml"
	var t tomlService
	if data == nil {
		p.problem(file, 0, "missing")
		return t, false
	}
	meta, err := toml.Decode(string(data), &t)
	if err != nil {
		var pe toml.ParseError
		if errors.As(err, &pe) {
			p.problems = append(p.problems, Problem{File: file, Line: pe.Position.Line, Msg: pe.Message})
		} else {
			p.problem(file, 0, "%v", err)
		}
		return t, false
	}
	for _, k := range meta.Undecoded() {
		p.problem(file, lineOf(data, k[len(k)-1]), "unknown key %q", k.String())
	}
	need := func(key, value string) {
		if value == "" {
			p.problem(file, 0, "%s is missing", key)
		}
	}
	text := func(key string, t Text) { p.text(data, key, t) }
	s := p.s
	if !idPattern.MatchString(t.ID) || t.ID != dir {
		p.problem(file, lineOf(data, "id"), "id %q must be the name of the folder, %q, in lower case with hyphens", t.ID, dir)
	}
	need("office", t.Office)
	need("process", t.Process)
	if s.Trust, err = access.ParseLevel(t.Trust); err != nil {
		p.problem(file, lineOf(data, "trust"), "%v", err)
	}
	if len(t.Law) == 0 {
		p.problem(file, 0, "no [[law]]: a service names the law that it rests on")
	}
	for key, tx := range map[string]Text{"title": t.Title, "summary": t.Summary, "purpose": t.Purpose, "remedy": t.Remedy} {
		text(key, tx)
	}
	if len(t.Retention) > 0 {
		text("retention", t.Retention)
	}
	for _, n := range t.Need {
		text("need", n)
	}
	s.ID, s.LeiKa, s.Office, s.Audience, s.Topics, s.Synonyms = t.ID, t.LeiKa, t.Office, t.Audience, t.Topics, t.Synonyms
	s.Title, s.Summary, s.Eligible, s.Duration, s.Purpose, s.Remedy = t.Title, t.Summary, t.Eligible, t.Duration, t.Purpose, t.Remedy
	s.Retention = t.Retention
	s.Laws, s.Needs, s.Lists, s.ProcessID = t.Law, t.Need, t.List, t.Process
	for _, r := range t.Rights {
		if !slices.Contains(Rights, r) {
			p.problem(file, lineOf(data, "rights"), "rights %q: want some of %s", r, strings.Join(Rights, ", "))
		}
	}
	s.Rights = t.Rights
	if s.About = t.About; s.About != "" {
		if !slices.Contains(Abouts, s.About) {
			p.problem(file, lineOf(data, "about"), "about %q: want one of %s", s.About, strings.Join(Abouts, ", "))
		}
		if len(t.Data) > 0 {
			p.problem(file, lineOf(data, "about"), "a service that is about something reads no registers besides ([[data]])")
		}
	}
	switch t.Start {
	case "", "signed-in":
	case "anonymous":
		s.Anonymous = true
		if s.About != "" {
			p.problem(file, lineOf(data, "start"), "start: what a service is about is known of a person only, so it doesn't begin without one")
		}
	default:
		p.problem(file, lineOf(data, "start"), "start %q: want anonymous (people sign in before they hand over) or signed-in", t.Start)
	}
	seen := map[string]bool{}
	for i, d := range t.Data {
		line := lineOfBlock(data, "data", i)
		p.texts(line, "[[data]] "+d.As+": purpose", d.Purpose)
		if d.Register == "" || d.As == "" || len(d.Fields) == 0 || d.Basis == "" {
			p.problem(file, line, "[[data]] needs register, as, fields and basis")
		}
		if seen[d.As] {
			p.problem(file, line, "two [[data]] are called %q", d.As)
		}
		seen[d.As] = true
		s.Data = append(s.Data, RegisterUse{Register: d.Register, As: d.As, One: d.One, Fields: d.Fields, Evidence: d.Evidence, Purpose: d.Purpose, Basis: d.Basis})
	}
	for i, a := range t.Ask {
		line := lineOfBlock(data, "ask_anyway", i)
		p.texts(line, "[[ask_anyway]] "+a.Field+": reason", a.Reason)
		if a.Field == "" || a.Basis == "" {
			p.problem(file, line, "[[ask_anyway]] needs field, reason and basis")
		}
	}
	s.Asks = t.Ask
	p.writes(data, t.Write)
	p.watches(data, t.Watch)
	return t, true
}

// fees works the examples out by the decision itself.
func (p *parser) fees(t tomlService) {
	const file = "service.toml"
	p.s.Fee.Decision = t.Fee.Decision
	if t.Fee.Decision == "" {
		return
	}
	d := p.s.Decisions[t.Fee.Decision]
	if d == nil {
		p.problem(file, 0, "fee.decision: no .dmn file has the decision %q", t.Fee.Decision)
		return
	}
	for _, e := range t.Fee.Example {
		in := map[string]any{"application": e.Answers}
		if e.Today != "" {
			day, err := time.Parse(time.DateOnly, e.Today)
			if err != nil {
				p.problem(file, 0, "fee.example %q: today %q is not a day like 2026-12-01", e.Label["de"], e.Today)
				continue
			}
			in[feel.Now] = day
		}
		r, err := d.Decide(t.Fee.Decision, in)
		if err != nil {
			p.problem(file, 0, "fee.example %q: %v", e.Label["de"], err)
			continue
		}
		cents, ok := Cents(r.Value)
		if !ok {
			p.problem(file, 0, "fee.example %q: the decision gives no amount in cents", e.Label["de"])
			continue
		}
		ex := FeeExample{Label: e.Label, Cents: cents}
		for _, tr := range r.Trace {
			for _, rule := range tr.Rules {
				for _, a := range rule.Annotations {
					if a.Name == "law" {
						ex.Law = a.Text
					}
				}
			}
		}
		p.s.Fee.Examples = append(p.s.Fee.Examples, ex)
	}
}

// Cents reads the amount of a fee decision: a number of cents, or an object with one under "cents".
func Cents(v any) (int64, bool) {
	if m, ok := v.(map[string]any); ok {
		v = m["cents"]
	}
	var n int64
	if _, err := fmt.Sscanf(fmt.Sprint(v), "%d", &n); err != nil || fmt.Sprint(n) != fmt.Sprint(v) || n < 0 {
		return 0, false
	}
	return n, true
}

// lineOf finds the line on which a key is set, for a message.
func lineOf(data []byte, key string) int {
	re, err := regexp.Compile(`(?m)^\s*(\[\[?)?` + regexp.QuoteMeta(key) + `(\s*=|\.|\])`)
	if err != nil {
		return 0
	}
	at := re.FindIndex(data)
	if at == nil {
		return 0
	}
	return 1 + strings.Count(string(data[:at[0]]), "\n")
}

func readAll(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path.Base(name), ".") {
			return err
		}
		if len(files) >= maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		f, err := fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
		if err != nil {
			return err
		}
		if len(data) > maxFile {
			return fmt.Errorf("%s is larger than %d bytes", name, maxFile)
		}
		files[name] = data
		return nil
	})
	return files, err
}
