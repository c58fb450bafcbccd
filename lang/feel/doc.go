// SPDX-License-Identifier: EUPL-1.2

// Package feel is FEEL, the expression language of DMN (OMG DMN 1.5, chapter 10), whole:
// the full grammar, all built-in functions, decimal128, dates with zones, functions as
// values. The rules of every service are written in it.
//
//	p, err := feel.Compile(`if months > 6 then 30.70 else 15.35`, feel.Config{File: "fee.dmn"})
//	v, err := p.EvalJSON(map[string]any{"months": 12})        // JSON data in and out
//	v, err := p.Eval(map[string]feel.Value{"months": …})      // FEEL values; FromJSON makes them once
//	u, err := feel.CompileUnary(`[1..6), > 12`, feel.Config{})  // the cell of a decision table
//	ok, err := u.Test(7, nil)
//	p.FreeNames(); p.Type(); p.Problems(); p.String()          // what it reads, gives, gets wrong, says
//	r := feel.NewRun(feel.RunOptions{Now: t, Trace: true})    // a clock, a budget, notes on nulls …
//	v, err := p.EvalIn(r, lookup); r.Notes()                   // … shared by many programs
//
// How it works: lex and parse.go read text into nodes (ast.go) with the names in scope
// at hand; plan.go and its like check them and make closures in which a name is a slot;
// ops.go, builtin.go and temporal.go say what values do; box.go and inspect.go are for
// those who build on FEEL, as package dmn does. A program is immutable and safe to
// share between goroutines; a run belongs to one.
//
// It is pure: no clock (the caller says what time it is), no randomness, no input. What
// has no value is null, as the standard has it, and a note says why; the only error of
// an evaluation is ErrBudget. An author's mistake is an Error with file, line, column,
// the expression with a caret, one sentence, and what was expected.
//
// What the standard leaves open, and where the official suite and it differ, stands in
// divergences.md. Package dmn builds decisions out of this one.
package feel
