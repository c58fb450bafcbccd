// SPDX-License-Identifier: EUPL-1.2

package oversightweb

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/oversight"
	"mercator/web"
	"mercator/web/ui"
)

func stateOf(loc *i18n.Localizer, x oversight.Approval) ui.Badge {
	tone := ui.Info
	switch x.State {
	case oversight.Waiting:
		tone = ui.Warning
	case oversight.Approved:
		tone = ui.Success
	case oversight.Turned:
		tone = ui.Danger
	}
	return ui.Badge{Tone: tone, Text: loc.T("oversightweb.state." + x.State)}
}

func (p *pages) act(loc *i18n.Localizer, x oversight.Asked) string {
	key := "oversightweb.act." + x.Action
	if !loc.Has(key) {
		return x.Action + ": " + p.register(loc.Lang(), x.Resource)
	}
	return loc.T(key, "register", p.register(loc.Lang(), x.Resource))
}

func (p *pages) showApprovals(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	list, err := p.Oversight.Approvals(r.Context(), a, place(r), pageSize)
	if err != nil {
		return err
	}
	t := ui.Table{Caption: loc.T("oversightweb.approvals"), CaptionHidden: true, Empty: loc.T("oversightweb.nothing"), Columns: []ui.Column{{Label: loc.T("oversightweb.what")}, {Label: loc.T("oversightweb.askedBy")}, {Label: loc.T("oversightweb.when")}, {Label: loc.T("oversightweb.stateKey")}}}
	for _, x := range list {
		t.Rows = append(t.Rows, ui.Row{ID: x.ID, Cells: []ui.Cell{{Text: p.act(loc, x.Request), Href: "/desk/approvals/" + x.ID}, {Text: x.ActorName}, {Text: p.at(loc, x.At)}, {Badge: stateOf(loc, x)}}})
	}
	items := []ui.Component{t}
	if len(list) == pageSize {
		items = append(items, ui.Pagination{Next: "/desk/approvals?" + url.Values{"before": {list[pageSize-1].ID}}.Encode()})
	}
	items = append(items, ui.Buttons{Items: []ui.Button{{Text: loc.T("oversightweb.newAsk"), Href: "/desk/approvals/new"}}})
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("oversightweb.approvals"), Shell: web.Desk("approvals"), Data: web.Sheet{Alerts: done(r, loc), Intro: []string{loc.T("oversightweb.approvalsIntro")}, Sections: []web.Section{{Items: items}}}})
}

func (p *pages) showAsk(w http.ResponseWriter, r *http.Request) error {
	return p.asking(w, r, url.Values{}, "", nil)
}

func (p *pages) asking(w http.ResponseWriter, r *http.Request, in url.Values, at string, failed error) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	if _, err := p.Oversight.Approvals(r.Context(), a, "", 1); err != nil {
		return err
	}
	data, status, errs := web.Sheet{Intro: []string{loc.T("oversightweb.askIntro")}}, http.StatusOK, map[string]string{}
	if failed != nil {
		sum, text, ok := wrong(loc, failed, at)
		if !ok {
			return failed
		}
		data.Errors, errs[at], status = sum, text, http.StatusUnprocessableEntity
	}
	var options []ui.Option
	for _, x := range p.Registers(loc.Lang()) {
		if x.Person && x.Office == a.Office {
			options = append(options, ui.Option{Value: x.ID, Label: x.Title})
		}
	}
	action := in.Get("action")
	if action == "" {
		action = access.Export
	}
	items := []ui.Component{
		ui.Radios{Field: ui.Field{Name: "action", Label: loc.T("oversightweb.what")}, Value: action, Options: []ui.Option{{Value: access.Export, Label: loc.T("oversightweb.askExport")}, {Value: access.Erase, Label: loc.T("oversightweb.askErase")}}},
		ui.Select{Field: ui.Field{Name: "register", Label: loc.T("oversightweb.register"), Error: errs["register"]}, Value: in.Get("register"), Options: options},
		ui.Input{Field: ui.Field{Name: "purpose", Label: loc.T("oversightweb.purpose"), Hint: loc.T("oversightweb.purposeHint"), Error: errs["purpose"]}, Value: in.Get("purpose"), MaxLength: oversight.MaxText},
		ui.Input{Field: ui.Field{Name: "basis", Label: loc.T("oversightweb.basis"), Hint: loc.T("oversightweb.basisHint"), Error: errs["basis"]}, Value: in.Get("basis"), MaxLength: oversight.MaxText},
		ui.Fieldset{Legend: loc.T("oversightweb.erasePerson"), Hint: loc.T("oversightweb.erasePersonHint"), Items: personFields(loc, in, errs["given"])},
	}
	data.Sections = []web.Section{{Items: []ui.Component{ui.Form{Action: "/desk/approvals/new", Items: items, Buttons: []ui.Button{{Text: loc.T("oversightweb.askIt")}}}}}}
	return p.view.Render(w, r, status, web.Page[web.Sheet]{Title: loc.T("oversightweb.newAsk"), Shell: web.Desk("approvals").WithBack(loc.T("oversightweb.approvals"), "/desk/approvals").WithErrors(failed != nil), Data: data})
}

func (p *pages) ask(w http.ResponseWriter, r *http.Request) error {
	const op = "oversightweb.ask"
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	if _, err := p.Oversight.Approvals(r.Context(), a, "", 1); err != nil {
		return err
	}
	x := oversight.Asked{Action: in.Get("action"), Purpose: strings.TrimSpace(in.Get("purpose")), Basis: strings.TrimSpace(in.Get("basis"))}
	reg, ok := p.one("de", in.Get("register"))
	if !ok || !reg.Person {
		return p.asking(w, r, in, "register", fault.New(fault.Invalid, op, "oversightweb.noRegister"))
	}
	for field, text := range map[string]string{"purpose": x.Purpose, "basis": x.Basis} {
		if text == "" || len(text) > oversight.MaxText {
			return p.asking(w, r, in, field, fault.New(fault.Invalid, op, "oversightweb.needs."+field))
		}
	}
	x.Resource, x.Office = "register:"+reg.ID, reg.Office
	switch x.Action {
	case access.Export:
		x.Fields = reg.Fields
	case access.Erase:
		if x.Owner, err = p.person(r, in); err != nil {
			return p.asking(w, r, in, "given", err)
		}
	default:
		return fault.New(fault.Invalid, op, "web.malformed")
	}
	// It is refused, with the question to a second person; allowed already it could only be by one that is approved.
	_, err = p.Access.Permit(r.Context(), x.By(a))
	if key, _ := fault.Message(err); err != nil && key != access.ApprovalNeeded {
		return err
	}
	web.SeeOther(w, "/desk/approvals?done=asked")
	return nil
}

func (p *pages) showApproval(w http.ResponseWriter, r *http.Request) error {
	return p.approval(w, r, "", nil)
}

func (p *pages) approval(w http.ResponseWriter, r *http.Request, reason string, failed error) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	x, err := p.Oversight.Approval(ctx, a, r.PathValue("id"))
	if err != nil {
		return err
	}
	entitled, err := p.Oversight.Entitled(ctx, a, x)
	if err != nil {
		return err
	}
	row := func(key, value string) ui.SummaryRow {
		return ui.SummaryRow{Key: loc.T("oversightweb." + key), Value: value}
	}
	rows := []ui.SummaryRow{row("askedBy", x.ActorName), row("when", p.at(loc, x.At)), row("register", p.register(loc.Lang(), x.Request.Resource)), row("purpose", x.Request.Purpose), row("basis", x.Request.Basis)}
	if x.Request.Owner != "" {
		rows = append(rows, row("person", x.Request.Owner))
	}
	if len(x.Request.Fields) > 0 {
		rows = append(rows, row("fields", strings.Join(x.Request.Fields, ", ")))
	}
	rows = append(rows, ui.SummaryRow{Key: loc.T("oversightweb.stateKey"), Item: stateOf(loc, x)})
	if !x.RuledAt.IsZero() {
		rows = append(rows, row("by", x.RuledName), row("reason", x.Reason))
	}
	if x.State == oversight.Waiting || x.State == oversight.Approved {
		rows = append(rows, row("until", p.at(loc, x.Until)))
	}
	if x.State == oversight.Approved && x.Request.Action == access.Export {
		rows = append(rows, row("approvalID", x.ID))
	}
	data, status := web.Sheet{Alerts: done(r, loc), Sections: []web.Section{{Items: []ui.Component{ui.SummaryList{Rows: rows}}}}}, http.StatusOK
	at := "/desk/approvals/" + x.ID
	switch {
	case x.State == oversight.Approved && x.Actor == a.ID && !doneHere(x.Request.Action):
		data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.doTitle"), Items: []ui.Component{ui.Text{Text: loc.T("oversightweb.doThere")}}})
	case x.State == oversight.Approved && x.Actor == a.ID:
		data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.doTitle"), Items: []ui.Component{ui.Text{Text: loc.T("oversightweb.doText")}, ui.Form{Action: at + "/do", Buttons: []ui.Button{{Text: p.act(loc, x.Request), Danger: x.Request.Action == access.Erase}}}}})
	case entitled:
		field := ui.Field{Name: "reason", Label: loc.T("oversightweb.reason")}
		if failed != nil {
			sum, text, ok := wrong(loc, failed, "reason")
			if !ok {
				return failed
			}
			data.Errors, field.Error, status = sum, text, http.StatusUnprocessableEntity
		}
		data.Sections = append(data.Sections, web.Section{Title: loc.T("oversightweb.rule"), Items: []ui.Component{ui.Form{Action: at, Items: []ui.Component{ui.TextArea{Field: field, Value: reason, Rows: 3, MaxLength: oversight.MaxText}},
			Buttons: []ui.Button{{Text: loc.T("oversightweb.approve"), Name: "rule", Value: "approve"}, {Text: loc.T("oversightweb.refuse"), Name: "rule", Value: "refuse", Kind: "secondary"}}}}})
	case failed != nil:
		return failed
	case x.State == oversight.Waiting && x.Actor == a.ID:
		data.Sections = append(data.Sections, web.Section{Items: []ui.Component{ui.Text{Text: loc.T("oversightweb.waitsForOther")}}})
	}
	return p.view.Render(w, r, status, web.Page[web.Sheet]{Title: p.act(loc, x.Request), Shell: web.Desk("approvals").WithBack(loc.T("oversightweb.approvals"), "/desk/approvals").WithErrors(failed != nil), Data: data})
}

func (p *pages) ruleOn(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	rule := in.Get("rule")
	if rule != "approve" && rule != "refuse" {
		return fault.New(fault.Invalid, "oversightweb.ruleOn", "web.malformed")
	}
	if err := p.Oversight.RuleOn(r.Context(), a, r.PathValue("id"), rule == "approve", in.Get("reason")); err != nil {
		return p.approval(w, r, in.Get("reason"), err)
	}
	web.SeeOther(w, "/desk/approvals?done="+rule)
	return nil
}

// doneHere tells whether the desk has a button for what was approved. Anything else is done where it was refused until then.
func doneHere(action string) bool {
	return action == access.Export || action == access.Erase
}

// do does what was approved, once.
func (p *pages) do(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	ctx := r.Context()
	x, err := p.Oversight.Approval(ctx, a, r.PathValue("id"))
	if err != nil {
		return err
	}
	if x.Actor != a.ID || x.State != oversight.Approved {
		return fault.New(fault.Conflict, "oversightweb.do", "oversight.notApproved")
	}
	if !doneHere(x.Request.Action) {
		return fault.New(fault.Conflict, "oversightweb.do", "oversightweb.doThere")
	}
	reg, ok := p.one("de", strings.TrimPrefix(x.Request.Resource, "register:"))
	if !ok {
		return fault.New(fault.NotFound, "oversightweb.do", "")
	}
	if x.Request.Action == access.Erase {
		if _, err := p.Erase(ctx, x.Request.By(a), reg.ID, x.Request.Basis); err != nil {
			return err
		}
		web.SeeOther(w, "/desk/approvals?done=erased")
		return nil
	}
	g, err := p.Access.Permit(ctx, x.Request.By(a))
	if err != nil {
		return err
	}
	return p.give(w, r, g, reg.ID)
}

// give makes the file as a whole before the first byte leaves: half a register must not look like one. It has no name while it
// is made, so nothing stays of it whatever happens.
func (p *pages) give(w http.ResponseWriter, r *http.Request, g access.Grant, register string) error {
	const op = "oversightweb.give"
	f, err := os.CreateTemp(p.Scratch, ".export-*") // 0600
	if err != nil {
		return fault.Wrap(op, err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return fault.Wrap(op, err)
	}
	if err := p.Export(r.Context(), g, register, f); err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	// As long as it takes: the server's bound is that of a page.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fault.Wrap(op, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+register+`.csv"`)
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	h.Set("Cache-Control", "private, no-store")
	if _, err := io.Copy(w, f); err != nil {
		panic(http.ErrAbortHandler) // the reader learns from the length that it is cut
	}
	return nil
}
