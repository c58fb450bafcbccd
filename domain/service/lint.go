// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"mercator/base/i18n"
	"mercator/lang/bpmn"
	"mercator/lang/dmn"
	"mercator/lang/form"
)

// TaskType is a type of service task that the kernel does for every service.
type TaskType struct {
	Headers []string // that the task must have
	Inputs  []string // variables that its input mapping must set
	Results []string // variables that it brings back
}

// TaskTypes are the work that a process can have done (zeebe:taskDefinition type).
// There is nothing else: what a service needs beyond it is missing in the kernel.
var taskTypes = map[string]TaskType{
	"register.lookup": {Headers: []string{"register", "field"}, Inputs: []string{"value"}, Results: []string{"record"}},
	"record.write":    {Headers: []string{"register"}, Inputs: []string{"key", "record"}, Results: []string{"record"}},
	"payment.request": {Inputs: []string{"amount", "purpose"}, Results: []string{"payment"}},
	"document.issue":  {Headers: []string{"template"}, Results: []string{"document"}},
	"message.send":    {Headers: []string{"template"}, Results: []string{"message"}},
	"case.outcome":    {Headers: []string{"outcome"}},

	"record.correct":    {Inputs: []string{"register", "record", "field", "value"}, Results: []string{"corrected"}},
	"record.restrict":   {Inputs: []string{"register", "record"}, Results: []string{"restricted"}},
	"record.unrestrict": {Inputs: []string{"register", "record"}, Results: []string{"restricted"}},
	"data.inventory":    {Results: []string{"inventory"}},
	"data.erase":        {Inputs: []string{"item"}, Results: []string{"erased"}},
	"data.summary":      {Results: []string{"summary"}},
}

// rightOf is the right that a type of task exercises; the package names it in rights.
var rightOf = map[string]string{"record.correct": "correct", "record.restrict": "restrict", "record.unrestrict": "restrict",
	"data.inventory": "erase", "data.erase": "erase", "data.summary": "access"}

// TaskTypeOf is the type with that name.
func TaskTypeOf(name string) (TaskType, bool) {
	t, ok := taskTypes[name]
	return t, ok
}

// Variables are those that every process begins with.
var Variables = []string{"application", "registers", "person", "case", "service", "lang"}

// translations are the languages that forms are written in besides German. What
// residents fill in is in plain language too (§ 11 BGG).
var translations = []string{"en", "tr"}

// Lint finds the mistakes in a package that parses: everything that would go wrong,
// mislead or ask too much only when people use it. letters checks the letter
// templates, which this room can't read; it may be nil.
func Lint(s *Service, letters func(file string, text []byte, variables []string) []Problem) []Problem {
	l := &linter{s: s}
	l.forms()
	l.process()
	l.rules()
	l.unused()
	l.needless()
	l.watched()
	l.undeclared()
	l.templates(letters)
	l.migration()
	l.retention()
	l.scenarios()
	sort.SliceStable(l.out, func(i, j int) bool {
		a, b := l.out[i], l.out[j]
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
	return slices.Compact(l.out)
}

type linter struct {
	s   *Service
	out []Problem
}

func (l *linter) say(file string, line, col int, format string, args ...any) {
	l.out = append(l.out, Problem{File: file, Line: line, Col: col, Msg: fmt.Sprintf(format, args...)})
}

func (l *linter) registerFields() []string {
	var out []string
	for _, d := range l.s.Data {
		for _, f := range d.Fields {
			out = append(out, d.As+"."+f)
		}
	}
	for _, f := range AboutFields[l.s.About] {
		out = append(out, "about."+f)
	}
	return out
}

func (l *linter) forms() {
	var asked []string
	for _, a := range l.s.Asks {
		asked = append(asked, a.Field)
	}
	check := func(f *form.Form, names, fields []string, resident bool) {
		langs := translations
		if resident {
			langs = append(slices.Clone(langs), i18n.Simple)
		}
		for _, x := range f.Check(form.CheckOptions{KnownNames: names, RegisterFields: fields, Asked: asked, Purposes: true, Reasons: resident, Languages: langs, Marked: resident}) {
			l.say(x.File, x.Line, x.Col, "%s", x.Msg)
		}
	}
	if _, err := fs.Stat(l.s.Files, "application.form"); err == nil {
		check(l.s.Form, []string{"registers", "lists", "person", "service", "lang"}, l.registerFields(), true)
	}
	for _, id := range sortedKeys(l.s.TaskForms) {
		check(l.s.TaskForms[id], append([]string{"lists"}, Variables...), nil, false)
	}
}

func (l *linter) process() {
	var p *bpmn.Process
	file := "process.bpmn"
	if l.s.Process == nil {
		l.say(file, 0, 0, "missing: a service has a process")
		return
	}
	file = l.s.Process.File
	for _, x := range l.s.Process.Processes {
		if x.ID == l.s.ProcessID {
			p = x
		}
	}
	if p == nil {
		l.say("service.toml", l.line("service.toml", "process"), 0, "%s has no process with the id %q", file, l.s.ProcessID)
		return
	}
	known := bpmn.Known{Names: Variables, Results: func(e *bpmn.Element) ([]string, bool) {
		switch {
		case e.Kind == bpmn.UserTask:
			if f := l.s.TaskForms[e.Form]; f != nil {
				return f.Names(), true
			}
			return nil, false
		case e.JobType != nil && e.JobType.Static():
			t, ok := taskTypes[e.JobType.Src]
			return t.Results, ok
		}
		return nil, false
	}}
	for _, d := range l.s.Processes {
		for _, x := range bpmn.Check(d, known) {
			l.say(x.File, x.Line, x.Col, "%s", x.Text)
		}
	}
	_, err := p.Link(func(id string) *bpmn.Process {
		if d := l.s.Called(id); d != nil {
			p, _ := d.Process(id)
			return p
		}
		return nil
	})
	var bad bpmn.Findings
	if errors.As(err, &bad) {
		for _, x := range bad {
			l.say(x.File, x.Line, x.Col, "%s", x.Text)
		}
	}
	for _, d := range l.s.Processes {
		for _, p := range d.Processes {
			if !p.Executable {
				continue
			}
			for _, e := range p.Elements {
				l.element(d.File, e)
			}
		}
	}
}

func (l *linter) element(file string, e *bpmn.Element) {
	say := func(format string, args ...any) {
		l.say(file, e.Pos.Line, e.Pos.Col, "%q: %s", e.ID, fmt.Sprintf(format, args...))
	}
	if e.Kind == bpmn.UserTask {
		switch {
		case e.Form == "":
			say("a user task needs a form (zeebe:formDefinition formId)")
		case l.s.TaskForms[e.Form] == nil:
			say("the package has no form %s.form", e.Form)
		}
		// The case of a service that is about something is with the office that what it is about is at.
		if e.Groups == nil && e.Assignee == nil && l.s.About == "" {
			say("a user task needs an office (zeebe:assignmentDefinition candidateGroups=\"office:…\")")
		}
	}
	if e.Decision != nil && e.Decision.Static() && l.s.Decisions[e.Decision.Src] == nil {
		say("no .dmn file has the decision %q", e.Decision.Src)
	}
	if e.Kind == bpmn.ThrowEvent && e.Trigger == bpmn.NoTrigger {
		for _, lang := range []string{"de", "en", "tr"} {
			if e.Property("text."+lang) == "" {
				say("a milestone tells the applicant where the case stands: the property text.%s is missing", lang)
			}
		}
	}
	if e.JobType == nil || !e.JobType.Static() {
		return
	}
	if strings.HasPrefix(e.JobType.Src, "external.") { // a program outside does it (process.ExternalPrefix)
		if len(e.Inputs) == 0 {
			say("work for a program outside needs input mappings: it is given those and nothing else (Art. 5 (1) c GDPR)")
		}
		return
	}
	t, ok := taskTypes[e.JobType.Src]
	if !ok {
		say("the kernel has no task type %q; it has %s", e.JobType.Src, strings.Join(sortedKeys(taskTypes), ", "))
		return
	}
	for _, h := range t.Headers {
		if e.Header(h) == "" {
			say("%s needs the header %q", e.JobType.Src, h)
		}
	}
	for _, in := range t.Inputs {
		if w, ok := l.s.Writes(e.Header("register")); ok && w.Declared() && e.JobType.Src == "record.write" {
			break // the package says it in [[write]]
		}
		if !slices.ContainsFunc(e.Inputs, func(m bpmn.Mapping) bool { return m.Target[0] == in }) {
			say("%s needs an input mapping for %q", e.JobType.Src, in)
		}
	}
	if right := rightOf[e.JobType.Src]; right != "" && !slices.Contains(l.s.Rights, right) {
		say("service.toml doesn't say rights = [%q]", right)
	}
	switch e.JobType.Src {
	case "record.write":
		w, ok := l.s.Writes(e.Header("register"))
		if !ok {
			say("service.toml has no [[write]] for the register %q", e.Header("register"))
		}
		if mapped := len(e.Inputs) > 0; ok && w.Declared() == mapped {
			say("what is written into %s stands either in its [[write]] (key and fields) or in the input mappings \"key\" and \"record\" of the task", w.Register)
		}
	case "document.issue", "message.send":
		for _, lang := range []string{"de", "en", "tr"} {
			if name := e.Header("template") + "." + lang + ".letter"; l.s.Letters[name] == nil {
				say("letters/%s is missing", name)
			}
		}
	}
}

func (l *linter) rules() {
	seen := map[*dmn.Definitions]bool{}
	for _, id := range sortedKeys(l.s.Decisions) {
		d := l.s.Decisions[id]
		if seen[d] {
			continue
		}
		seen[d] = true
		for _, x := range d.Check(dmn.CheckOptions{Annotations: []string{"law", "de", "en", "tr"}}) {
			msg := x.Msg
			if x.Expected != "" {
				msg += ": expected " + x.Expected
			}
			l.say(x.File, x.Line, x.Col, "%s", msg)
		}
	}
}

// unused finds fields that nothing reads: what is not needed must not be asked
// (Art. 5 (1) c GDPR, data minimisation). A field that people read, and no rule
// does, says so by "why".
func (l *linter) unused() {
	others := ""
	names, _ := fs.Glob(l.s.Files, "*.bpmn")
	for _, pattern := range []string{"*.dmn", "letters/*", "*.form"} {
		more, _ := fs.Glob(l.s.Files, pattern)
		names = append(names, more...)
	}
	for _, name := range names {
		text, err := fs.ReadFile(l.s.Files, name)
		if err != nil {
			continue
		}
		if path.Ext(name) == ".form" {
			// Only the expressions: every key stands in the form itself.
			text = []byte(strings.Join(formExpression.FindAllString(string(text), -1), "\n"))
		}
		others += string(text) + "\n"
	}
	if text, err := fs.ReadFile(l.s.Files, "service.toml"); err == nil {
		others += strings.Join(tomlExpression.FindAllString(string(text), -1), "\n")
	}
	for _, key := range l.s.Form.Names() {
		f := l.s.Form.Field(key)
		if f == nil || f.Kind == "consent" || f.Register != "" || len(f.Why) > 0 || f.Type == "expression" {
			continue
		}
		read := key[strings.LastIndex(key, "*")+1:] // in the rows of a list, by its name in the row
		if !regexp.MustCompile(`\b` + regexp.QuoteMeta(strings.TrimPrefix(read, ".")) + `\b`).MatchString(others) {
			l.say("application.form", f.Line, f.Col, "%q: no rule, step or letter reads this field: take it out, or say in the property \"why\" what people need it for", key)
		}
	}
}

var formExpression = regexp.MustCompile(`"=(?:[^"\\]|\\.)*"|"expression"\s*:\s*"(?:[^"\\]|\\.)*"`)

func (l *linter) templates(check func(string, []byte, []string) []Problem) {
	if check == nil {
		return
	}
	for _, name := range sortedKeys(l.s.Letters) {
		l.out = append(l.out, check("letters/"+name, l.s.Letters[name], l.s.Form.Names())...)
	}
}

// retention asks how long what people enter is kept (Art. 13 (2) a GDPR): each field tells it.
func (l *linter) retention() {
	if !l.s.Internal && len(l.s.Retention) == 0 {
		l.say("service.toml", 0, 0, "retention is missing: say how long what is entered is kept, and by which rule (Art. 13 (2) a GDPR)")
	}
}

func (l *linter) scenarios() {
	list, problems := Scenarios(l.s)
	l.out = append(l.out, problems...)
	_, more := FormScenarios(l.s)
	l.out = append(l.out, more...)
	if len(list) == 0 && len(problems) == 0 {
		l.say("scenarios", 0, 0, "missing: a package plays itself through (mercator service test)")
	}
}

func (l *linter) line(file, key string) int {
	b, err := fs.ReadFile(l.s.Files, file)
	if err != nil {
		return 0
	}
	return lineOf(b, key)
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
