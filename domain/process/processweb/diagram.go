// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/web/ui"
)

var modelHash = regexp.MustCompile(`^[0-9a-f]{8,128}$`)

// model is the file of a model, for the script that shows it. It never changes.
func (p *pages) model(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return err
	}
	hash := r.PathValue("hash")
	if !modelHash.MatchString(hash) {
		return fault.New(fault.NotFound, "processweb.model", "")
	}
	source, err := p.Engine.Source(r.Context(), a, hash)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/xml; charset=utf-8")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	w.Write(source) // the browser is gone if this fails
	return nil
}

// Diagram is the process of a case with its tokens: text says where it stands.
func Diagram(v process.Instance, title, text string) ui.Figure {
	// The engine's own drawing: every text in it is escaped.
	return ui.Figure{SVG: template.HTML(v.Drawing(text)), Title: title, Text: text,
		Model: "/desk/models/" + v.Model.Hash, Active: v.Active, Done: v.Done}
}

// Outline is the same as a list, for who reads with a screen reader or a keyboard.
func Outline(loc *i18n.Localizer, v process.Instance) ui.Component {
	d := ui.Details{Summary: loc.T("processweb.outline")}
	var list ui.List
	var above []string // the sub-processes around
	for _, line := range v.Outline() {
		above = append(above[:min(line.Depth, len(above))], line.Name)
		var more []string
		if line.Active {
			more = append(more, loc.T("processweb.here"))
		} else if line.Done {
			more = append(more, loc.T("processweb.passed"))
		}
		if n := len(above); n > 1 {
			more = append(more, loc.T("processweb.within", "name", above[n-2]))
		}
		if len(line.Next) > 0 {
			more = append(more, loc.T("processweb.ways", "ways", strings.Join(line.Next, ", ")))
		}
		text := line.Name
		if len(more) > 0 {
			text += " – " + strings.Join(more, "; ")
		}
		list.Items = append(list.Items, text)
	}
	list.Ordered = true
	d.Items = []ui.Component{list}
	return d
}
