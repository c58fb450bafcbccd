// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mercator/base/caldate"
	"mercator/lang/bpmn"
	"mercator/lang/bpmn/play"
	"mercator/lang/dmn"
	"mercator/lang/dmn/tck"
)

// checkModels says for each file and for each model in a folder whether it is ok: all
// reasons for files, one line for each model of a folder, and how many there are.
func checkModels(args []string, warnings bool, w io.Writer) error {
	all, refused, folders := 0, 0, false
	one := func(file string, short bool) error {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if short && strings.EqualFold(filepath.Ext(file), ".xml") && !strings.HasSuffix(strings.ToLower(file), ".bpmn20.xml") && !bpmn.Sniff(data) {
			return nil
		}
		all++
		errs, warned := checkBPMN(file, data)
		switch {
		case len(errs) > 0 && short:
			more := ""
			if n := len(errs) - 1; n > 0 {
				more = fmt.Sprintf(" (and %d more)", n)
			}
			fmt.Fprintf(w, "%s%s\n", errs[0], more)
		default:
			for _, line := range errs {
				fmt.Fprintln(w, line)
			}
		}
		if warnings {
			for _, line := range warned {
				fmt.Fprintln(w, line)
			}
		}
		if len(errs) > 0 {
			refused++
		} else {
			fmt.Fprintf(w, "%s: ok\n", file)
		}
		return nil
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case err != nil:
			return err
		case !info.IsDir():
			err = one(arg, false)
		default:
			folders = true
			before := all
			err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				switch strings.ToLower(filepath.Ext(path)) {
				case ".bpmn", ".bpmn2", ".xml":
					return one(path, true)
				}
				return nil
			})
			if err == nil && all == before {
				err = fmt.Errorf("%s holds no model: no file *.bpmn, *.bpmn2, *.bpmn20.xml, and no *.xml of BPMN", arg)
			}
		}
		if err != nil {
			return err
		}
	}
	if folders || all > 1 {
		fmt.Fprintf(w, "%d files: %d ok, %d refused\n", all, all-refused, refused)
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d files have mistakes", refused, all)
	}
	return nil
}

// checkBPMN are the mistakes and warnings of a file.
func checkBPMN(file string, data []byte) (errs, warnings []string) {
	d, err := bpmn.Parse(file, data)
	if err != nil {
		return strings.Split(err.Error(), "\n"), nil
	}
	for _, x := range bpmn.Check(d, bpmn.Known{}) {
		if x.Severity == bpmn.Error {
			errs = append(errs, x.String())
		} else {
			warnings = append(warnings, x.String())
		}
	}
	return errs, warnings
}

// simulateBPMN plays a process in memory and prints each step as a line of JSON, the
// last one how it ended.
func simulateBPMN(file, process, context, answers, at, state string, w io.Writer) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := bpmn.Parse(file, data)
	if err != nil {
		return err
	}
	p, err := chosen(d, process)
	if err != nil {
		return err
	}
	if p, err = p.Link(func(id string) *bpmn.Process {
		called, _ := d.Process(id)
		return called
	}); err != nil {
		return err
	}
	vars, err := readJSON(context)
	if err != nil {
		return err
	}
	calendar, err := caldate.New(state)
	if err != nil {
		return fmt.Errorf("--state: %w", err)
	}
	o := play.Options{Now: time.Now().Truncate(time.Second), Calendar: calendar, Decide: decideBeside(file)}
	if at != "" {
		if o.Now, err = time.Parse(time.RFC3339, at); err != nil {
			return fmt.Errorf("--at %q: want an instant such as 2026-12-01T09:00:00+01:00", at)
		}
	}
	if answers != "" {
		b, err := os.ReadFile(answers)
		if err != nil {
			return err
		}
		if o.Answers, err = play.ReadAnswers(b); err != nil {
			return fmt.Errorf("%s: %w", answers, err)
		}
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	outcome, err := play.Run(p, vars, o, func(s play.Step) error { return out.Encode(s) })
	if err != nil {
		return err
	}
	if err := out.Encode(outcome); err != nil {
		return err
	}
	if outcome.Outcome == "incident" {
		var where []string
		for _, t := range outcome.Waiting {
			if t.Reason != "" {
				where = append(where, t.Element+": "+t.Reason)
			}
		}
		return errors.New(strings.Join(where, "\n"))
	}
	return nil
}

// chosen is the process with the id, or the executable one that no other of the file calls.
func chosen(d *bpmn.Definitions, id string) (*bpmn.Process, error) {
	var called, free []string
	for _, p := range d.Processes {
		called = append(called, p.Calls()...)
	}
	for _, p := range d.Processes {
		if p.Executable && !slices.Contains(called, p.ID) {
			free = append(free, p.ID)
		}
	}
	if id == "" && len(free) == 1 {
		id = free[0]
	}
	switch p, ok := d.Process(id); {
	case ok && p.Executable:
		return p, nil
	case ok:
		return nil, fmt.Errorf("%s: process %q isn't marked executable (isExecutable=\"true\")", d.File, p.ID)
	case id != "":
		return nil, fmt.Errorf("%s has no process %q", d.File, id)
	case len(free) == 0:
		return nil, fmt.Errorf("%s has no process that is marked executable (isExecutable=\"true\")", d.File)
	}
	return nil, fmt.Errorf("%s has several processes: choose one with --process: %s", d.File, strings.Join(free, ", "))
}

// decideBeside makes decisions of the .dmn files in the folder of a process.
func decideBeside(file string) func(time.Time, string, map[string]any) (any, bool, error) {
	files, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.dmn")) // the pattern is well-formed
	var defs []*dmn.Definitions
	read := false
	return func(now time.Time, decision string, vars map[string]any) (any, bool, error) {
		if !read {
			read = true
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					return nil, false, err
				}
				if d, err := dmn.ParseWith(f, b, dmn.Options{Lenient: true, Import: tck.Beside(f)}); err == nil {
					defs = append(defs, d)
				}
			}
		}
		for _, d := range defs {
			for _, x := range d.Decisions() {
				if x.ID == decision || x.Name == decision {
					r, err := d.Evaluate(x.Name, vars, dmn.EvalOptions{Now: now})
					if err != nil {
						return nil, true, err
					}
					return r.Value, true, nil
				}
			}
		}
		return nil, false, nil
	}
}
