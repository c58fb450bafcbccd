// SPDX-License-Identifier: EUPL-1.2

// Package model reads DMN files (OMG DMN 1.1 to 1.6) into Go values: the model as it
// stands in the file, every part and every text with its place, nothing evaluated.
//
//	d, errs := model.Read("fee.dmn", data, model.Limits{})
//	for _, e := range errs {
//		fmt.Println(e) // fee.dmn:12:9: The rule has 2 input entries: expected 3, …
//	}
//	d.Decisions[0].Logic.Table.Rules[0].Inputs[0].S  // the text of an entry
//	d.Decisions[0].Logic.Table.Rules[0].Inputs[0].At(3) // where its 4th byte stands
//
// What it does: decode XML without any DTD or entity of the file's own, within limits
// of size, depth and number of elements; find all mistakes of form in one go (names
// and ids that are missing or stand twice, references that lead nowhere, rules with
// the wrong number of entries, unknown hit policies, expressions that aren't any).
// Hit policies are spelled out, and type names are freed of the XML prefixes that
// DMN 1.1 wrote: "feel:string" becomes "string", and the prefix of an imported
// namespace becomes the name of the import.
//
// What it doesn't do: parse FEEL, resolve names or imports, look for cycles. Diagrams
// (DMNDI), extensionElements and elements of other namespaces are skipped, so are
// artifacts, business context elements and authority requirements.
//
// Terms are those of the standard (OMG DMN 1.5, chapters 6 to 10): DRG
// elements are input data, decisions, business knowledge models, decision services
// and knowledge sources; a boxed expression is what stands in a decision.
package model
