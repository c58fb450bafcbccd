// SPDX-License-Identifier: EUPL-1.2

// Package dmn reads DMN files and makes their decisions, at the size that the first
// services need: decision tables with the hit policies unique, first, any, collect
// and rule order, literal expressions, required decisions.
//
//	d, err := dmn.Parse("fee.dmn", xml)
//	r, err := d.Decide("fee", map[string]any{"application": answers})
//	r.Value, r.Trace // the answer; which rules gave it, with the paragraph each rests on
//
// It is pure, a Definitions is immutable and safe to share. Files that Camunda
// Modeler writes load; what isn't read here (invocations, contexts, BKMs, decision
// services, item definitions) is not evaluated yet.
package dmn
