// SPDX-License-Identifier: EUPL-1.2

// Package studioweb are the pages of the studio: the drafts, a form's text with what is wrong with it and what is different
// from the form in force, and the form tried out beside the reasons of each field.
//
// With a script the editor of form-js stands in the place of the text. Trying keeps nothing at the server: what was filled in
// goes along in the page.
package studioweb
