// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"mercator/base/i18n"
	"mercator/lang/dmn"
	"mercator/lang/dmn/tck"
	"mercator/lang/feel"
)

// language is mercator feel, dmn and bpmn: an author tries out what a package is made of.
func language(name string, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("mercator "+name, flag.ContinueOnError)
	f.SetOutput(stderr)
	context := f.String("context", "", "JSON file of variables (feel, bpmn simulate)")
	process := f.String("process", "", "id of the process (bpmn simulate); default: the one that no other of the file calls")
	answers := f.String("answers", "", "JSON file of what comes back, by the id of the element (bpmn simulate); see lang/bpmn/play")
	warnings := f.Bool("warnings", false, "also what is no mistake, but probably not meant (bpmn check)")
	state := f.String("state", "NW", "whose holidays count for business days (bpmn simulate)")
	at := f.String("at", "", "when it begins (bpmn simulate); default: now")
	input := f.String("input", "", "JSON file of input data (dmn eval)")
	decision := f.String("decision", "", "name or id of the decision or service (dmn eval); default: what no other decision needs")
	explain := f.Bool("explain", false, "also say which rules decided and what would change the answer (dmn eval), or where a null came from (feel)")
	annotations := f.String("annotations", "", "names of the annotations that every rule must have, such as law,de,en (dmn check)")
	lang := f.String("lang", "de", "language of the explanation: de, en or tr")
	// Flags may stand before and after the other arguments; what follows "--" is none.
	var rest []string
	for len(args) > 0 {
		if args[0] == "--" {
			rest = append(rest, args[1:]...)
			break
		}
		if name == "feel" && len(rest) == 0 && strings.HasPrefix(args[0], "-") && !isFlag(f, args[0]) {
			rest, args = append(rest, args[0]), args[1:] // "-1 + 2" is an expression
			continue
		}
		if err := f.Parse(args); err != nil {
			return flag.ErrHelp
		}
		if args = f.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	switch {
	case name == "feel" && len(rest) == 1:
		return evalFEEL(rest[0], *context, *explain, stdout, stderr)
	case name == "dmn" && len(rest) == 2 && rest[0] == "eval":
		return evalDMN(rest[1], *decision, *input, *explain, *lang, stdout, stderr)
	case name == "dmn" && len(rest) > 1 && rest[0] == "check":
		var o dmn.CheckOptions
		for name := range strings.SplitSeq(*annotations, ",") {
			if name = strings.TrimSpace(name); name != "" {
				o.Annotations = append(o.Annotations, name)
			}
		}
		return checkEach(rest[1:], stdout, func(file string, data []byte) (errs, warnings []string) { return checkDMN(file, data, o) })
	case name == "dmn" && len(rest) == 2 && rest[0] == "tck":
		return runTCK(rest[1], stdout)
	case name == "bpmn" && len(rest) > 1 && rest[0] == "check":
		return checkModels(rest[1:], *warnings, stdout)
	case name == "bpmn" && len(rest) == 2 && rest[0] == "simulate":
		return simulateBPMN(rest[1], *process, *context, *answers, *at, *state, stdout)
	}
	return errors.New("usage: feel EXPRESSION [--context FILE] [--explain] | dmn eval FILE [--input FILE] [--decision NAME] [--explain] [--lang de|en|tr] | dmn check FILE… [--annotations NAME,NAME] | dmn tck FOLDER | bpmn check [--warnings] FILE|FOLDER… | bpmn simulate FILE [--process ID] [--context FILE] [--answers FILE] [--at INSTANT] [--state NW]")
}

func isFlag(f *flag.FlagSet, arg string) bool {
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return name == "h" || name == "help" || f.Lookup(name) != nil
}

// readJSON reads an object with its numbers as they are written.
func readJSON(file string) (map[string]any, error) {
	vars := map[string]any{}
	if file == "" {
		return vars, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b = bytes.TrimPrefix(b, []byte("\ufeff")) // some editors write it
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%s: the text isn't UTF-8", file)
	}
	if t := bytes.TrimSpace(b); len(t) == 0 || t[0] != '{' {
		return nil, fmt.Errorf("%s: want a JSON object of variables, such as {\"age\": 30}", file)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&vars); err != nil {
		return nil, fmt.Errorf("%s: want a JSON object: %w", file, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: something follows the JSON object", file)
	}
	d = json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := plainJSON(d); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return vars, nil
}

// plainJSON refuses what JSON can say and a variable can't hold, which would otherwise
// be another value than the one that is written: a name that is there twice, a number
// that is too large. The text is JSON.
func plainJSON(d *json.Decoder) error {
	var objects []map[string]bool // the names of each object that is open; nil: a list
	name := false                 // what comes next in an object is a name
	for {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{':
				objects = append(objects, map[string]bool{})
			case '[':
				objects = append(objects, nil)
			default:
				objects = objects[:len(objects)-1]
			}
			name = len(objects) > 0 && objects[len(objects)-1] != nil
			continue
		case string:
			if name {
				if o := objects[len(objects)-1]; o[t] {
					return fmt.Errorf("the name %q is there twice in one object", t)
				} else {
					o[t] = true
				}
				name = false
				continue
			}
		case json.Number:
			if feel.FromJSON(t) == nil {
				return fmt.Errorf("the number %.40s doesn't fit: at most 34 digits and an exponent up to 6144", t)
			}
		}
		name = len(objects) > 0 && objects[len(objects)-1] != nil
	}
}

// evalFEEL prints a value as JSON. As the standard has it, what goes wrong while an
// expression is evaluated is null; only what can't be read is an error.
func evalFEEL(src, context string, explain bool, w, stderr io.Writer) error {
	vars, err := readJSON(context)
	if err != nil {
		return err
	}
	c := feel.Config{File: "expression", Lenient: true, Vars: map[string]*feel.Type{}}
	in := make(map[string]feel.Value, len(vars))
	for n, v := range vars {
		in[n] = feel.FromJSON(v)
		c.Names, c.Vars[n] = append(c.Names, n), feel.TypeOf(in[n])
	}
	p, err := feel.Compile(src, c)
	if err != nil {
		return showErrors(err)
	}
	r := feel.NewRun(feel.RunOptions{Now: time.Now(), Trace: explain})
	v, err := p.EvalIn(r, func(n string) feel.Value { return in[n] })
	if err != nil {
		return err
	}
	if explain {
		for _, e := range p.Problems() {
			fmt.Fprintln(stderr, e.Show())
		}
		for _, n := range r.Notes() {
			fmt.Fprintf(stderr, "%d:%d: null: %s\n    %s\n", n.Line, n.Col, n.Msg, n.Expr)
		}
	}
	_, err = fmt.Fprintf(w, "%s\n", feel.AppendJSON(nil, v))
	return err
}

// showErrors writes mistakes with the expression and a caret under the place.
func showErrors(err error) error {
	var lines []string
	for _, e := range feel.Each(err) {
		lines = append(lines, e.Show())
	}
	return errors.New(strings.Join(lines, "\n"))
}

// evalDMN makes a decision. Where the file has several that no other needs, and none
// is chosen, it makes all of them.
func evalDMN(file, decision, input string, explain bool, lang string, w, stderr io.Writer) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := dmn.ParseWith(file, b, dmn.Options{Lenient: true, Import: tck.Beside(file)})
	if err != nil {
		return showErrors(err)
	}
	for _, f := range d.Check(dmn.CheckOptions{}) {
		if f.Rule == "expression" {
			fmt.Fprintln(stderr, f.Show())
		}
	}
	in, err := readJSON(input)
	if err != nil {
		return err
	}
	names := []string{decision}
	if decision == "" {
		if names = d.Roots(); len(names) == 0 {
			return fmt.Errorf("%s has no decision", file)
		}
	}
	now := time.Now()
	results := make([]*dmn.Result, len(names))
	for i, n := range names {
		if results[i], err = d.Evaluate(n, in, dmn.EvalOptions{Now: now, Trace: explain}); err != nil {
			return err
		}
	}
	out := feel.AppendJSON(nil, results[0].FEEL)
	if len(names) > 1 {
		vals := make([]feel.Value, len(names))
		for i, r := range results {
			vals[i] = r.FEEL
		}
		out = feel.AppendJSON(nil, feel.NewContext(names, vals))
	}
	if _, err := fmt.Fprintf(w, "%s\n", out); err != nil || !explain {
		return err
	}
	cat, err := i18n.Load(dmn.Messages)
	if err != nil {
		return err
	}
	l := cat.Match(lang)
	for i, r := range results {
		fmt.Fprintln(w)
		for _, line := range r.Explain(l) {
			fmt.Fprintln(w, line)
		}
		c, err := d.Counterfactuals(names[i], in, dmn.CounterOptions{Now: now})
		if err != nil {
			return err
		}
		for _, line := range c.Explain(l) {
			fmt.Fprintln(w, line)
		}
	}
	return nil
}

func checkDMN(file string, data []byte, o dmn.CheckOptions) (errs, warnings []string) {
	d, err := dmn.ParseWith(file, data, dmn.Options{Lenient: true, Import: tck.Beside(file)})
	if err != nil {
		for _, e := range feel.Each(err) {
			errs = append(errs, e.Show())
		}
		return errs, nil
	}
	for _, f := range d.Check(o) {
		if f.Severity == dmn.Error {
			errs = append(errs, f.Show())
		} else {
			warnings = append(warnings, f.String())
		}
	}
	return errs, warnings
}

// runTCK runs a folder of cases of the DMN Technology Compatibility Kit.
func runTCK(dir string, w io.Writer) error {
	r, err := tck.Run(dir, tck.Exceptions())
	if err != nil {
		return err
	}
	for _, f := range r.Failed {
		fmt.Fprintf(w, "failed: %s: %v\n", f.Case.Name(), f.Err)
	}
	for _, e := range r.Excepted {
		fmt.Fprintf(w, "exception: %s\n", e)
	}
	for _, l := range r.Levels {
		fmt.Fprintln(w, l)
	}
	if len(r.Failed) > 0 {
		return fmt.Errorf("%d cases failed", len(r.Failed))
	}
	return nil
}

func checkEach(files []string, w io.Writer, check func(file string, data []byte) (errs, warnings []string)) error {
	bad := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found, warnings := check(file, b)
		for _, line := range append(found, warnings...) {
			fmt.Fprintln(w, line)
		}
		if len(found) == 0 {
			fmt.Fprintf(w, "%s: ok\n", file)
			continue
		}
		bad++
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files have mistakes", bad, len(files))
	}
	return nil
}
