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
	"path/filepath"
	"time"

	"mercator/base/i18n"
	"mercator/lang/form"
)

// explainForm is mercator form trace and diff: why a form is as it is for somebody, and
// what a new version does otherwise.
func explainForm(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("mercator form", flag.ContinueOnError)
	f.SetOutput(stderr)
	answers := f.String("answers", "", "JSON file of answers by name, or a list of them: one after the other (trace)")
	context := f.String("context", "", "JSON file of variables: registers, lists, person (trace)")
	today := f.String("today", "", "the day (trace); default: today")
	field := f.String("field", "", "only this field (trace)")
	asJSON := f.Bool("json", false, "as JSON (trace)")
	lang := f.String("lang", "de", "language of the words: de, en or tr (diff)")
	var rest []string
	for len(args) > 0 {
		if err := f.Parse(args); err != nil {
			return flag.ErrHelp
		}
		if args = f.Args(); len(args) > 0 {
			rest, args = append(rest, args[0]), args[1:]
		}
	}
	switch {
	case len(rest) == 2 && rest[0] == "trace":
		day := time.Now()
		if *today != "" {
			var err error
			if day, err = time.Parse(time.DateOnly, *today); err != nil {
				return fmt.Errorf("--today %q: want a day such as 2026-12-01", *today)
			}
		}
		return traceForm(rest[1], *answers, *context, *field, day, *asJSON, stdout)
	case len(rest) == 3 && rest[0] == "diff":
		return diffForms(rest[1], rest[2], *lang, stdout)
	}
	return errors.New(formUsage)
}

func readForm(file string) (*form.Form, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return form.Parse(filepath.Base(file), b)
}

// traceForm prints of each field why it is as it is with the answers; with several
// answers one after the other also what each changed.
func traceForm(file, answers, context, field string, day time.Time, asJSON bool, w io.Writer) error {
	f, err := readForm(file)
	if err != nil {
		return err
	}
	vars, err := readJSON(context)
	if err != nil {
		return err
	}
	steps, err := readSteps(answers)
	if err != nil {
		return err
	}
	_, prefill := vars["registers"]
	ctx := form.Context{Vars: vars, Lang: "de", Today: day, Prefill: prefill}
	var h *form.History
	for i, in := range steps {
		a, errs := f.Take(in, ctx)
		raw := map[string]string{}
		for _, e := range errs {
			if e.Raw != "" {
				raw[e.Key] = e.Raw
			}
			if e.Msg == "form.error.unknown" {
				fmt.Fprintf(w, "%s: the form has no such field\n", e.Key)
			}
		}
		if h == nil {
			c := ctx
			c.Raw = raw
			h = f.NewHistory(a, c)
			h.View().Validate("")
			continue
		}
		before := h.View().Evaluated()
		changes := h.Add(a, raw)
		fmt.Fprintf(w, "step %d: %d expressions evaluated\n", i+1, h.View().Evaluated()-before)
		for _, c := range changes {
			fmt.Fprintf(w, "    %s\n", c)
		}
	}
	found := false
	for _, t := range h.View().Trace() {
		if field != "" && t.Name != field {
			continue
		}
		found = true
		if asJSON {
			out := json.NewEncoder(w)
			out.SetEscapeHTML(false)
			err = out.Encode(t)
		} else {
			err = t.Print(w)
		}
		if err != nil {
			return err
		}
	}
	if field != "" && !found {
		return fmt.Errorf("%s has no field %q", file, field)
	}
	return nil
}

// readSteps reads answers: an object, or a list of objects that follow each other.
func readSteps(file string) ([]map[string]any, error) {
	if file == "" {
		return []map[string]any{{}}, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if t := bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff"))); len(t) == 0 || t[0] != '[' {
		one, err := readJSON(file)
		return []map[string]any{one}, err
	}
	var steps []map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&steps); err != nil {
		return nil, fmt.Errorf("%s: want answers such as {\"zone\": \"DE1\"}, or a list of them: %w", file, err)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%s: the list of answers is empty", file)
	}
	return steps, nil
}

// diffForms prints what the new version of a form does otherwise, a line each.
func diffForms(old, now, lang string, w io.Writer) error {
	a, err := readForm(old)
	if err != nil {
		return err
	}
	b, err := readForm(now)
	if err != nil {
		return err
	}
	cat, err := i18n.Load(form.Messages)
	if err != nil {
		return err
	}
	l := cat.Match(lang)
	for _, d := range form.Diff(a, b) {
		line := d.Words(l)
		if d.Name != "" {
			line += " (" + d.Name + ")"
		}
		fmt.Fprintln(w, line)
	}
	return nil
}
