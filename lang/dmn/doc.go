// SPDX-License-Identifier: EUPL-1.2

// Package dmn makes decisions by DMN models (OMG DMN 1.5; files of 1.1 to 1.6 load):
// decision tables with every hit policy, boxed expressions, knowledge, decision
// services, imports and types, all in FEEL (lang/feel).
//
//	d, err := dmn.Parse("fee.dmn", data)          // all mistakes at once, with their places
//	r, err := d.Decide("fee", map[string]any{…})  // the value, and how it came about
//	r.Explain("de")                               // in words: the rules that decided, and their law
//	d.Counterfactuals("fee", input, options)      // the smallest change that changes the answer
//	d.Check(dmn.CheckOptions{})                   // gaps, overlaps, what can't be reached
//
// How it is built: lang/dmn/model reads the file as it stands; compile.go makes FEEL
// nodes of its boxes (table.go of tables) and plans them; decide.go walks the graph of
// requirements and evaluates what is asked for, once. Definitions don't change and are
// safe to share between goroutines. It is pure: no clock (the caller says what time it
// is), no input or output.
//
// What the standard leaves open, and where the official suite and it differ, stands in
// divergences.md. lang/dmn/tck runs the suite.
package dmn
