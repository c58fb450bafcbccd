// SPDX-License-Identifier: EUPL-1.2

// Package form is the language of forms: it reads form-js JSON (the schema of
// the bpmn.io editor), says what a person sees of a form, takes what they
// type, and checks it.
//
// A Form is immutable and pure: no clock, no database, no HTML. Eval looks at the
// answers so far and gives a View: which pages and fields there are for this
// person, what a register already knows, what is computed, what is wrong, and
// what will be submitted. Decode takes one posted page.
//
// Mercator's own vocabulary stands in "properties", which the editor keeps:
//
//	page          the page that the field is on; a text component with a page
//	              before the page's first field is its title
//	type          kind of field: name, company, birthdate, date, plate, iban, tax_id,
//	              phone, email, money, street, house_number, postcode, nationality,
//	              register_number, position, signature, consent; testdata/fields.toml
//	              shows what each takes
//	register      "resident.street": what registers.resident.street knows is not asked
//	ask           why it is asked although a register knows it
//	autocomplete  token of the HTML standard
//	xdf           id of the XDatenfeld
//	help          a hint
//	why, use, keep  why this is asked, what happens with it, how long it is kept; each question
//	              of an application says why, itself or by its group, the others the service may say
//	section       at the first component of a page: what the pages from there on are about,
//	              in the list of a long form
//	row           what one row of a dynamic list is called ("Person"); it is numbered
//	after         at the first component of a page: pages that have to be done before it
//	suggest       FEEL: what a text field suggests ("=lists.streets")
//	listed        "true": only what is suggested
//	column.K.en   translation of a table's column
//	sensitive     "true": never in lists or logs
//	home          codes of number plates tried first ("DU")
//	partial       "true": a birth date may be known in part
//	min, max      bounds of a date, FEEL
//	check         FEEL that must not be false, with message.check
//	message.X     own text of an error: required, check, form
//	label.en …    translations of any text; value.V.en of the option V; languages are
//	              en, tr and de-simple (plain language)
//	source.en …   of which German text each is a translation; see Translated
//
// The form itself has one property, tasks: "list" if it is filled in from a list of its
// topics, to which each page leads back, "pages" if one page follows the other; without it
// a long form has a list.
//
// All components of form-js 1.x are read (testdata/components has each as the editor writes
// it). A button does nothing, as the page has its own; an iframe is a link; a picture is
// part of the form. A select that is searchable can be typed for. Refused with their place are: expressions in labels and in readonly,
// {{#if}} and {{#loop}} in texts. A dynamic list may stand in the rows of another: an expression
// in a row means by a name what its own row has, then what the rows around it have, then what the
// form has. See Place for how what stands in a row is called.
//
// Values are JSON: text, true, json.Number (money in cents), legal days
// "2006-01-02", lists and rows of them; a position is {"lat", "lon"} or {"address"}, a
// signature {"name", "confirmed", "drawing"}. What was typed and couldn't be read is no
// answer; it stays beside the answers, word for word, until it is put right.
//
// Everything is bounded: see the constants Max….
package form

import "embed"

// Messages are the texts of this room's errors (base/i18n); those of values are person.Messages.
//
//go:embed messages.*.toml
var Messages embed.FS

// Bounds. A form or an input beyond them is refused, never cut.
const (
	MaxSource  = 1 << 20 // bytes of a form's JSON
	MaxDepth   = 40      // nesting of its JSON
	MaxFields  = 2000
	MaxRows    = 100    // rows of a dynamic list, of one within another in all rows around it together
	MaxLists   = 3      // dynamic lists within one another
	maxName    = 1000   // bytes of a field's name with its rows
	MaxText    = 20_000 // characters of one answer, unless maxLength says less
	MaxOptions = 5000   // options of a list that an expression gives
	MaxPosted  = 600    // fields of one post
	maxAsked   = 500    // fields of a page up to which its lists take more rows, so that it can be posted
)
