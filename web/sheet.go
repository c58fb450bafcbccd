// SPDX-License-Identifier: EUPL-1.2

package web

import "mercator/web/ui"

// Sheet is the content of a page that is made of components alone: what is wrong, what has happened, a few words, and parts
// with a heading each. A room whose pages need nothing else has no template of its own.
type Sheet struct {
	Errors   ui.ErrorSummary
	Alerts   []ui.Component
	Intro    []string
	Sections []Section
}

// Section is a part of a sheet; without a title it has no heading.
type Section struct {
	Title string
	Items []ui.Component
}

// NewSheet is the view of sheets.
func NewSheet(t *Templates) (*View[Sheet], error) {
	return NewView[Sheet](t, templateFS, "templates/sheet.html")
}
