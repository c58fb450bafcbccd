// SPDX-License-Identifier: EUPL-1.2

// Package tck runs test cases of the DMN Technology Compatibility Kit
// (https://dmn-tck.github.io/tck/): folders with a model (.dmn) and files of cases
// (*-test-*.xml) that say which inputs lead to which results.
//
//	report, err := tck.Run("TestCases", nil)
//	for _, l := range report.Levels { fmt.Println(l) }
//
// An error that a case expects (errorResult) is null here, as FEEL has it: the standard
// knows no other error at run time.
package tck

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"mercator/lang/dmn"
	"mercator/lang/feel"

	"github.com/cockroachdb/apd/v3"
)

// Case is one test case.
type Case struct {
	Level   string // "2", "3", or the folder that isn't a level
	Folder  string // such as "0001-filter"
	File    string // of the cases
	Model   string // path of the model
	ID      string
	Type    string // "decision", "bkm" or "decisionService"
	Invoked string // the service or knowledge
	Inputs  map[string]any
	Results []Expected
}

// Name names a case among all.
func (c Case) Name() string { return c.Folder + "/" + c.ID }

// Expected is what a case expects of one decision.
type Expected struct {
	Name      string
	Namespace string // of the model it is in, "": the case's own
	Value     feel.Value
	Error     bool
}

type xmlValue struct {
	Value *struct {
		Type string `xml:"http://www.w3.org/2001/XMLSchema-instance type,attr"`
		Nil  string `xml:"http://www.w3.org/2001/XMLSchema-instance nil,attr"`
		Text string `xml:",chardata"`
	} `xml:"value"`
	Components []struct {
		Name string `xml:"name,attr"`
		Nil  string `xml:"http://www.w3.org/2001/XMLSchema-instance nil,attr"`
		xmlValue
	} `xml:"component"`
	List *struct {
		Nil   string     `xml:"http://www.w3.org/2001/XMLSchema-instance nil,attr"`
		Items []xmlValue `xml:"item"`
	} `xml:"list"`
}

type xmlCases struct {
	Namespace string `xml:"namespace,attr"`
	Model     string `xml:"modelName"`
	Cases     []struct {
		ID        string `xml:"id,attr"`
		Type      string `xml:"type,attr"`
		Invoked   string `xml:"invocableName,attr"`
		Namespace string `xml:"namespace,attr"`
		Inputs    []struct {
			Name      string `xml:"name,attr"`
			Namespace string `xml:"namespace,attr"`
			xmlValue
		} `xml:"inputNode"`
		Results []struct {
			Name      string    `xml:"name,attr"`
			Namespace string    `xml:"namespace,attr"`
			Error     string    `xml:"errorResult,attr"`
			Expected  *xmlValue `xml:"expected"`
		} `xml:"resultNode"`
	} `xml:"testCase"`
}

// Read finds the cases below a folder, in order.
func Read(dir string) ([]Case, error) {
	var files []string
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && strings.Contains(e.Name(), "-test-") && strings.HasSuffix(e.Name(), ".xml") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var out []Case
	for _, f := range files {
		cases, err := readFile(f)
		if err != nil {
			return nil, err
		}
		out = append(out, cases...)
	}
	return out, nil
}

var level = regexp.MustCompile(`compliance-level-([0-9]+)`)

func readFile(file string) ([]Case, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var x xmlCases
	if err := xml.Unmarshal(b, &x); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	folder := filepath.Dir(file)
	base := Case{Folder: filepath.Base(folder), File: file, Model: filepath.Join(folder, x.Model), Level: filepath.Base(filepath.Dir(folder))}
	if m := level.FindStringSubmatch(filepath.ToSlash(file)); m != nil {
		base.Level = m[1]
	}
	var out []Case
	for _, c := range x.Cases {
		k := base
		k.ID, k.Type, k.Invoked, k.Inputs = c.ID, c.Type, c.Invoked, map[string]any{}
		for _, in := range c.Inputs {
			// The innermost namespace counts.
			name := in.Name
			if ns := cmp.Or(in.Namespace, c.Namespace, x.Namespace); ns != "" {
				name = ns + "#" + name
			}
			if k.Inputs[name], err = in.value(); err != nil {
				return nil, fmt.Errorf("%s: case %s: input %s: %w", file, c.ID, in.Name, err)
			}
		}
		for _, r := range c.Results {
			e := Expected{Name: r.Name, Namespace: cmp.Or(r.Namespace, c.Namespace, x.Namespace), Error: r.Error == "true" || r.Error == "1"}
			if r.Expected != nil {
				if e.Value, err = r.Expected.value(); err != nil {
					return nil, fmt.Errorf("%s: case %s: result %s: %w", file, c.ID, r.Name, err)
				}
			}
			k.Results = append(k.Results, e)
		}
		out = append(out, k)
	}
	return out, nil
}

func (v xmlValue) value() (feel.Value, error) {
	switch {
	case v.List != nil:
		if v.List.Nil == "true" {
			return nil, nil
		}
		out := []feel.Value{}
		for _, it := range v.List.Items {
			x, err := it.value()
			if err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	case len(v.Components) > 0:
		var names []string
		var vals []feel.Value
		for _, c := range v.Components {
			x, err := c.value()
			if err != nil {
				return nil, err
			}
			names, vals = append(names, c.Name), append(vals, x)
		}
		return feel.NewContext(names, vals), nil
	case v.Value == nil || v.Value.Nil == "true" || v.Value.Type == "" && v.Value.Text == "":
		return nil, nil
	}
	text := v.Value.Text
	_, typ, ok := strings.Cut(v.Value.Type, ":")
	if !ok {
		typ = v.Value.Type
	}
	var x feel.Value
	switch typ {
	case "": // untyped, in the oldest cases: what it looks like
		if d, _, err := apd.NewFromString(strings.TrimSpace(text)); err == nil && d.Form == apd.Finite {
			return d, nil
		}
		if b := strings.TrimSpace(text); b == "true" || b == "false" {
			return b == "true", nil
		}
		return text, nil
	case "string":
		return text, nil
	case "boolean":
		return strings.TrimSpace(text) == "true", nil
	case "decimal", "double", "integer", "int", "long", "float":
		d, _, err := apd.NewFromString(strings.TrimSpace(text))
		return d, err
	case "date":
		x, ok = feel.ParseAs(feel.KindDate, strings.TrimSpace(text))
	case "time":
		x, ok = feel.ParseAs(feel.KindTime, strings.TrimSpace(text))
	case "dateTime":
		x, ok = feel.ParseAs(feel.KindDateTime, strings.TrimSpace(text))
	case "duration", "dayTimeDuration", "yearMonthDuration":
		x, ok = feel.ParseTemporal(strings.TrimSpace(text))
	default:
		return nil, fmt.Errorf("a value of the type %s", v.Value.Type)
	}
	if !ok {
		return nil, fmt.Errorf("%q is no %s", text, typ)
	}
	return x, nil
}

// tolerance is the 0.00000001 of the kit's own runners: many results in it were found
// with binary floating point numbers.
var tolerance = apd.New(1, -8)

// Same says whether a value is the one that a case expects.
func Same(want, got feel.Value) bool {
	switch w := want.(type) {
	case *apd.Decimal:
		g, ok := got.(*apd.Decimal)
		if !ok {
			return false
		}
		if w.Cmp(g) == 0 {
			return true
		}
		var diff apd.Decimal
		_, err := apd.BaseContext.WithPrecision(100).Sub(&diff, w, g)
		return err == nil && diff.Abs(&diff).Cmp(tolerance) < 0
	case string:
		return want == got
	case []feel.Value:
		g, ok := got.([]feel.Value)
		return ok && slices.EqualFunc(w, g, Same)
	case *feel.Context:
		g, ok := got.(*feel.Context)
		if !ok || len(g.Names()) != len(w.Names()) {
			return false
		}
		for _, n := range w.Names() {
			x, _ := w.Get(n)
			y, has := g.Get(n)
			if !has || !Same(x, y) {
				return false
			}
		}
		return true
	case nil:
		return got == nil
	}
	return feel.KindOf(want) == feel.KindOf(got) && feel.Equal(want, got) == true
}

// Models reads models once.
type Models struct{ read map[string]loaded }

type loaded struct {
	d   *dmn.Definitions
	err error
}

func (m *Models) get(file string) (*dmn.Definitions, error) {
	if l, ok := m.read[file]; ok {
		return l.d, l.err
	}
	b, err := os.ReadFile(file)
	var d *dmn.Definitions
	if err == nil {
		d, err = dmn.ParseWith(file, b, dmn.Options{Lenient: true, Import: Beside(file)})
	}
	if m.read == nil {
		m.read = map[string]loaded{}
	}
	m.read[file] = loaded{d, err}
	return d, err
}

// Beside finds imports among the files of a folder: by their location, or by the
// namespace of the model in them.
func Beside(file string) func(namespace, location string) (string, []byte, error) {
	dir := filepath.Dir(file)
	return func(namespace, location string) (string, []byte, error) {
		if location != "" && filepath.IsLocal(location) {
			if b, err := os.ReadFile(filepath.Join(dir, location)); err == nil {
				return filepath.Join(dir, location), b, nil
			}
		}
		files, err := filepath.Glob(filepath.Join(dir, "*.dmn"))
		if err != nil {
			return "", nil, err
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err == nil && bytes.Contains(b, []byte(`namespace="`+namespace+`"`)) && f != file {
				d := xml.NewDecoder(bytes.NewReader(b))
				for {
					t, err := d.Token()
					if err != nil {
						break
					}
					if s, ok := t.(xml.StartElement); ok {
						for _, a := range s.Attr {
							if a.Name.Local == "namespace" && a.Value == namespace {
								return f, b, nil
							}
						}
						break
					}
				}
			}
		}
		return "", nil, fmt.Errorf("no file in %s holds the model of the namespace %s", dir, namespace)
	}
}

// Check runs a case; the error says what is different.
func (m *Models) Check(c Case) error {
	d, err := m.get(c.Model)
	if err != nil {
		return err
	}
	for _, want := range c.Results {
		name := want.Name
		if c.Type == "decisionService" || c.Type == "bkm" {
			name = c.Invoked
		}
		if want.Namespace != "" {
			name = want.Namespace + "#" + name
		}
		r, err := d.Evaluate(name, c.Inputs, dmn.EvalOptions{Now: time.Now(), Trace: true})
		if err != nil && want.Error {
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		got := r.FEEL
		if ctx, ok := got.(*feel.Context); ok && c.Type == "decisionService" && d.Outputs(name) > 1 {
			if v, ok := ctx.Get(want.Name); ok {
				got = v
			}
		}
		switch {
		case want.Error && got != nil:
			return fmt.Errorf("%s is %s, an error was expected", name, feel.Text(got))
		case !want.Error && !Same(want.Value, got):
			why := ""
			for _, n := range r.Nulls {
				why += fmt.Sprintf("\n  null: %s in %s", n.Msg, n.Expr)
			}
			return fmt.Errorf("%s is %s, %s was expected%s", name, feel.Text(got), feel.Text(want.Value), why)
		}
	}
	return nil
}

// Level is how many cases of a level pass.
type Level struct {
	Name             string
	Passed, Of, Left int // Left: exceptions that don't pass
}

// String is the line that a run ends with.
func (l Level) String() string {
	name := "level " + l.Name
	if !('0' <= l.Name[0] && l.Name[0] <= '9') {
		name = l.Name
	}
	s := fmt.Sprintf("%s: %d of %d", name, l.Passed, l.Of)
	if l.Left > 0 {
		word := "exceptions"
		if l.Left == 1 {
			word = "exception"
		}
		s += fmt.Sprintf(" (%d %s not passed)", l.Left, word)
	}
	return s
}

// Report is the outcome of a run.
type Report struct {
	Levels   []Level
	Failed   []Failure
	Excepted []string // the exceptions that don't pass, with their reasons
}

// Failure is a case that failed.
type Failure struct {
	Case Case
	Err  error
}

// Run runs all cases below a folder. The exceptions are names of cases or of folders,
// with their reasons; those that fail are counted apart.
func Run(dir string, exceptions map[string]string) (*Report, error) {
	cases, err := Read(dir)
	if err != nil {
		return nil, err
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("%s holds no test cases (*-test-*.xml)", dir)
	}
	r := &Report{}
	var m Models
	levels := map[string]*Level{}
	for _, c := range cases {
		l := levels[c.Level]
		if l == nil {
			l = &Level{Name: c.Level}
			levels[c.Level] = l
		}
		l.Of++
		if err := m.Check(c); err != nil {
			if why := Excepted(c, exceptions); why != "" {
				l.Left++
				r.Excepted = append(r.Excepted, c.Name()+": "+why)
				continue
			}
			r.Failed = append(r.Failed, Failure{c, err})
			continue
		}
		l.Passed++
	}
	for _, l := range levels {
		r.Levels = append(r.Levels, *l)
	}
	sort.Slice(r.Levels, func(i, j int) bool { return r.Levels[i].Name < r.Levels[j].Name })
	return r, nil
}

// Excepted is the reason why a case isn't run, or "".
func Excepted(c Case, exceptions map[string]string) string {
	if why := exceptions[c.Name()]; why != "" {
		return why
	}
	return exceptions[c.Folder]
}
