// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"mercator/lang/bpmn"
	"mercator/lang/dmn"
	"mercator/lang/feel"
)

// language is mercator feel, dmn and bpmn: an author tries out what a package is made of.
func language(name string, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("mercator "+name, flag.ContinueOnError)
	f.SetOutput(stderr)
	context := f.String("context", "", "JSON file of variables (feel)")
	input := f.String("input", "", "JSON file of input data (dmn eval)")
	decision := f.String("decision", "", "id of the decision (dmn eval); default: the last one of the file")
	explain := f.Bool("explain", false, "also print which rules decided (dmn eval)")
	// Flags may stand before and after the other arguments.
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
	case name == "feel" && len(rest) == 1:
		return evalFEEL(rest[0], *context, stdout)
	case name == "dmn" && len(rest) == 2 && rest[0] == "eval":
		return evalDMN(rest[1], *decision, *input, *explain, stdout)
	case name == "dmn" && len(rest) > 1 && rest[0] == "check":
		return checkEach(rest[1:], stdout, func(file string, data []byte) []string {
			d, err := dmn.Parse(file, data)
			if err != nil {
				return strings.Split(err.Error(), "\n")
			}
			var out []string
			for _, x := range d.Check(dmn.CheckOptions{}) {
				out = append(out, fmt.Sprintf("%s:%d: %s", x.File, x.Line, x.Msg))
			}
			return out
		})
	case name == "bpmn" && len(rest) > 1 && rest[0] == "check":
		return checkEach(rest[1:], stdout, func(file string, data []byte) []string {
			d, err := bpmn.Parse(file, data)
			if err != nil {
				return strings.Split(err.Error(), "\n")
			}
			var out []string
			for _, x := range bpmn.Check(d, bpmn.Known{}) {
				if x.Severity == bpmn.Error {
					out = append(out, x.String())
				}
			}
			return out
		})
	}
	return errors.New("usage: feel EXPRESSION [--context FILE] | dmn eval FILE [--input FILE] [--decision ID] [--explain] | dmn check FILE… | bpmn check FILE…")
}

func variables(file string) (map[string]any, error) {
	vars := map[string]any{}
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.UseNumber()
		if err := d.Decode(&vars); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	vars[feel.Now] = time.Now()
	return vars, nil
}

func evalFEEL(src, context string, w io.Writer) error {
	p, err := feel.Compile(src, feel.Config{File: "expression"})
	if err != nil {
		return err
	}
	vars, err := variables(context)
	if err != nil {
		return err
	}
	v, err := p.EvalJSON(vars)
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(v)
}

func evalDMN(file, decision, input string, explain bool, w io.Writer) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	d, err := dmn.Parse(file, b)
	if err != nil {
		return err
	}
	all := d.Decisions()
	if len(all) == 0 {
		return fmt.Errorf("%s has no decision", file)
	}
	if decision == "" {
		decision = all[len(all)-1].ID
	}
	vars, err := variables(input)
	if err != nil {
		return err
	}
	r, err := d.Decide(decision, vars)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	if !explain {
		return e.Encode(r.Value)
	}
	e.SetIndent("", "  ")
	return e.Encode(r)
}

func checkEach(files []string, w io.Writer, check func(file string, data []byte) []string) error {
	bad := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		found := check(file, b)
		if len(found) == 0 {
			fmt.Fprintf(w, "%s: ok\n", file)
			continue
		}
		bad++
		fmt.Fprintln(w, strings.Join(found, "\n"))
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d files have mistakes", bad, len(files))
	}
	return nil
}
