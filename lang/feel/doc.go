// SPDX-License-Identifier: EUPL-1.2

// Package feel evaluates FEEL, the expression language of DMN (OMG DMN 1.5,
// chapter 10), at the size that the first services need: numbers (decimal128),
// texts, dates, durations, lists, contexts, ranges, unary tests, if, for, some,
// every, filters, paths and the built-in functions of builtins.go.
//
//	p, err := feel.Compile(`if months > 6 then 30.70 else 15.35`, feel.Config{File: "fee.dmn"})
//	v, err := p.EvalJSON(map[string]any{"months": 12})
//
// It is pure: no clock (the caller says what time it is, Now), no randomness, no
// input. A program is immutable and safe to share. What has no value is null, as the
// standard has it; the only error of an evaluation is a budget that is used up.
//
// What it is not yet: complete. Named arguments, user-defined functions, instance of
// and many built-in functions are missing; using one is an error of the author, named
// with its place.
package feel
