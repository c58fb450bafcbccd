// SPDX-License-Identifier: EUPL-1.2

package casefileweb

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/casefile"
	"mercator/web"
	"mercator/web/ui"
)

// FreePart is a part of a case without an order of its own (an ad-hoc sub-process): the
// clerks of the office that leads it choose what begins in it.
type FreePart struct {
	Token    string
	Name     string
	Revision int64 // of the process
	Ends     bool  // it ends by itself
	Choices  []FreeChoice
}

// FreeChoice is a step that can begin in it.
type FreeChoice struct {
	ID, Name         string
	Running, Waiting int
}

// FreeParts is the part of the process engine that leads them. Every call is held to
// the grant's case and its office.
type FreeParts interface {
	Running(ctx context.Context, g access.Grant, caseID string) ([]FreePart, error)
	Begin(ctx context.Context, g access.Grant, caseID, token string, revision int64, steps []string) error
	Conclude(ctx context.Context, g access.Grant, caseID, token string, revision int64) error
}

// free shows what the clerk may begin in a case that they read with the grant.
func (p *pages) free(ctx context.Context, loc *i18n.Localizer, g access.Grant, c casefile.Case, back string) ([]ui.Component, error) {
	if p.Free == nil || c.State != casefile.Open {
		return nil, nil
	}
	parts, err := p.Free.Running(ctx, g, c.ID)
	if err != nil {
		return nil, err
	}
	var out []ui.Component
	for _, x := range parts {
		path := "/desk/cases/" + c.ID + "/free/" + x.Token
		hidden := []ui.Component{ui.Hidden{Name: "revision", Value: strconv.FormatInt(x.Revision, 10)}, ui.Hidden{Name: "back", Value: back}}
		steps := ui.Checkboxes{Field: ui.Field{Name: "step", ID: "step-" + x.Token, Label: loc.T("casefileweb.parts.which"), Hint: loc.T("casefileweb.parts.hint")}}
		var running []string
		for _, s := range x.Choices {
			o := ui.Option{Value: s.ID, Label: s.Name}
			var more []string
			if s.Running > 0 {
				more = append(more, loc.T("casefileweb.parts.running", "n", s.Running))
				running = append(running, s.Name)
			}
			if s.Waiting > 0 {
				more = append(more, loc.T("casefileweb.parts.waiting", "n", s.Waiting))
			}
			if len(more) > 0 {
				o.Label += " (" + strings.Join(more, ", ") + ")"
			}
			steps.Options = append(steps.Options, o)
		}
		out = append(out, ui.Heading{Text: loc.T("casefileweb.parts.title", "name", x.Name)},
			ui.Form{Action: path, Items: append(append([]ui.Component{}, hidden...), steps), Buttons: []ui.Button{{Text: loc.T("casefileweb.parts.begin"), Kind: "secondary", Name: "do", Value: "begin"}}})
		if x.Ends {
			out = append(out, ui.Text{Text: loc.T("casefileweb.parts.ends")})
			continue
		}
		what := loc.T("casefileweb.parts.concludeHint")
		if len(running) > 0 {
			what = loc.T("casefileweb.parts.cancels", "steps", strings.Join(running, ", "))
		}
		out = append(out, ui.Details{Summary: loc.T("casefileweb.parts.concludeTitle", "name", x.Name), Text: what, Items: []ui.Component{
			ui.Form{Action: path, Items: hidden, Buttons: []ui.Button{{Text: loc.T("casefileweb.parts.conclude"), Name: "do", Value: "conclude", Danger: len(running) > 0}}}}})
	}
	return out, nil
}

// turnFree begins steps, or concludes the part.
func (p *pages) turnFree(w http.ResponseWriter, r *http.Request) error {
	in, a, id, err := p.posted(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	_, c, err := p.readCase(ctx, a, id)
	if err != nil {
		return err
	}
	revision, err := strconv.ParseInt(in.Get("revision"), 10, 64)
	if err != nil {
		return fault.Because(fault.Invalid, "casefileweb.parts", "web.malformed", err)
	}
	g, err := p.Access.Permit(ctx, access.Request{Actor: a, Action: access.Change, Resource: "task", Purpose: purposeWork, Service: c.Service, Case: c.ID, Office: a.Office, Owner: c.Person})
	if err != nil {
		return err
	}
	done := "begun"
	if in.Get("do") == "conclude" {
		done = "concluded"
		err = p.Free.Conclude(ctx, g, id, r.PathValue("token"), revision)
	} else {
		err = p.Free.Begin(ctx, g, id, r.PathValue("token"), revision, in["step"])
	}
	if status, ok := map[fault.Kind]int{fault.Invalid: http.StatusUnprocessableEntity, fault.Conflict: http.StatusConflict}[fault.KindOf(err)]; err != nil && ok {
		if key, args := fault.Message(err); loc.Has(key) {
			return p.renderDesk(w, r, status, ui.ErrorSummary{Items: []ui.FieldError{{Text: loc.T(key, args...), Href: "#main"}}})
		}
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, addQuery(withBack("/desk/cases/"+id, backPath(r)), done))
	return nil
}
