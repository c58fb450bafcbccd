// SPDX-License-Identifier: EUPL-1.2

package mandateweb

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/domain/mandate"
	"mercator/web"
	"mercator/web/ui"
)

const pageSize = 50

func after(r *http.Request, name string) string {
	if id := r.URL.Query().Get(name); ident.Valid(id) {
		return id
	}
	return ""
}

// showList is whom one acts for, and who acts for oneself.
func (p *pages) showList(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r, access.Basic)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	received, err := p.Mandates.Received(ctx, a, after(r, "r"), pageSize)
	if err != nil {
		return err
	}
	given, err := p.Mandates.Given(ctx, a, after(r, "g"), pageSize)
	if err != nil {
		return err
	}
	data := web.Sheet{Intro: []string{loc.T("mandateweb.intro")}}
	if done := r.URL.Query().Get("done"); done != "" && loc.Has("mandateweb.done."+done) {
		data.Alerts = append(data.Alerts, ui.Alert{Tone: ui.Success, Title: loc.T("mandateweb.done." + done), Live: true})
	}
	var in, out []ui.Component
	var cards, own ui.Cards
	for _, m := range received {
		name := NameOf(loc, m.Principal, m.PrincipalName)
		c := p.card(loc, m, name)
		if m.InForce(p.Now()) {
			c.Items = append(c.Items, ui.Form{Action: "/mandates/" + m.ID + "/act", Buttons: []ui.Button{{Text: loc.T("mandateweb.actFor", "name", name)}}})
		}
		c.Items = append(c.Items, ui.Link{Text: loc.T("mandateweb.show"), Hidden: name, Href: "/mandates/" + m.ID})
		cards.Items = append(cards.Items, c)
	}
	for _, m := range given {
		name := NameOf(loc, m.Delegate, m.DelegateName)
		c := p.card(loc, m, name)
		c.Items = append(c.Items, ui.Link{Text: loc.T("mandateweb.show"), Hidden: name, Href: "/mandates/" + m.ID})
		own.Items = append(own.Items, c)
	}
	if len(cards.Items) == 0 {
		in = append(in, ui.Text{Text: loc.T("mandateweb.noneReceived")})
	} else {
		in = append(in, cards)
	}
	if len(received) == pageSize {
		in = append(in, ui.Link{Text: loc.T("mandateweb.older"), Href: "/mandates?r=" + received[pageSize-1].ID})
	}
	in = append(in, ui.Buttons{Items: []ui.Button{{Text: loc.T("mandateweb.redeem"), Kind: "secondary", Href: "/mandates/redeem"}}})
	if len(own.Items) == 0 {
		out = append(out, ui.Text{Text: loc.T("mandateweb.noneGiven")})
	} else {
		out = append(out, own)
	}
	if len(given) == pageSize {
		out = append(out, ui.Link{Text: loc.T("mandateweb.older"), Href: "/mandates?g=" + given[pageSize-1].ID})
	}
	out = append(out, ui.Buttons{Items: []ui.Button{{Text: loc.T("mandateweb.give"), Href: "/mandates/new"}}})
	data.Sections = []web.Section{{Title: loc.T("mandateweb.received"), Items: in}, {Title: loc.T("mandateweb.given"), Items: out}}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mandateweb.title"), Shell: web.Portal("mandates"), Data: data})
}

func (p *pages) card(loc *i18n.Localizer, m mandate.Mandate, name string) ui.Card {
	return ui.Card{Title: name, Level: 3, Preline: p.kind(loc, m.Kind), Text: p.scope(loc, m) + " · " + p.term(loc, m.From, m.Until), Badge: p.state(loc, m)}
}

// showNew asks for the kind first: it says what a mandate can be for.
func (p *pages) showNew(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.resident(r, access.Substantial); err != nil {
		return err
	}
	loc := web.Localizer(r)
	if k, ok := p.Mandates.Rules().Kind(r.URL.Query().Get("kind")); ok && !k.ByOffice() {
		today := p.Mandates.Today()
		last := today.AddDate(1, 0, -1)
		if longest := today.AddDate(0, 0, k.Longest-1); longest.Before(last) {
			last = longest
		}
		g := mandate.Gift{Kind: k.ID, Actions: []string{mandate.Read, mandate.Fill}, From: today.Format(time.DateOnly), Until: last.Format(time.DateOnly)}
		return p.renderNew(w, r, k, g, nil)
	}
	choice := ui.Radios{Field: ui.Field{Name: "kind", Label: loc.T("mandateweb.whichKind")}}
	for _, k := range p.Mandates.Rules().Kinds {
		if !k.ByOffice() {
			choice.Options = append(choice.Options, ui.Option{Value: k.ID, Label: k.Title.For(loc.Lang()), Hint: k.Text.For(loc.Lang())})
		}
	}
	if len(choice.Options) > 0 {
		choice.Value = choice.Options[0].Value
	}
	data := web.Sheet{Intro: []string{loc.T("mandateweb.newIntro")}, Sections: []web.Section{{Items: []ui.Component{
		ui.Form{Action: "/mandates/new", Method: "get", Items: []ui.Component{choice}, Buttons: []ui.Button{{Text: loc.T("mandateweb.next"), Icon: "arrow-forward"}}}}}}}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mandateweb.give"), Shell: p.back(loc), Data: data})
}

func (p *pages) back(loc *i18n.Localizer) web.Shell {
	return web.Portal("mandates").WithBack(loc.T("mandateweb.title"), "/mandates")
}

// scopeFields ask what a mandate of a kind is for.
func (p *pages) scopeFields(loc *i18n.Localizer, k mandate.Kind, all bool, services, topics []string, wrong map[string]string) []ui.Component {
	var out []ui.Component
	choose := ui.Radios{Field: ui.Field{Name: "scope", Label: loc.T("mandateweb.scope"), Error: wrong["scope"]}, Value: "some"}
	if k.All {
		choose.Options = []ui.Option{{Value: "all", Label: loc.T("mandateweb.everything")}, {Value: "some", Label: loc.T("mandateweb.some"), Hint: loc.T("mandateweb.someHint")}}
		if all {
			choose.Value = "all"
		}
		out = append(out, choose)
	}
	t := ui.Checkboxes{Field: ui.Field{Name: "topics", Label: loc.T("mandateweb.topics"), Optional: true}, Values: topics}
	for _, o := range p.Topics(loc.Lang()) {
		if len(k.Topics) == 0 || contains(k.Topics, o.Value) {
			t.Options = append(t.Options, o)
		}
	}
	s := ui.Checkboxes{Field: ui.Field{Name: "services", Label: loc.T("mandateweb.services"), Optional: true}, Values: services}
	if !k.All {
		t.Error = wrong["scope"]
		t.ID = ui.FieldID("scope")
	}
	for _, o := range p.Services(loc.Lang()) {
		if p.Mandates.Within(k, o.Value) {
			s.Options = append(s.Options, o)
		}
	}
	return append(out, t, s)
}

func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

func (p *pages) renderNew(w http.ResponseWriter, r *http.Request, k mandate.Kind, g mandate.Gift, problems []mandate.Problem) error {
	loc := web.Localizer(r)
	wrong, sum := errorsOf(loc, problems)
	items := []ui.Component{ui.Hidden{Name: "kind", Value: k.ID}}
	items = append(items, p.scopeFields(loc, k, g.All, g.Services, g.Topics, wrong)...)
	act := ui.Checkboxes{Field: ui.Field{Name: "actions", Label: loc.T("mandateweb.actions"), Hint: loc.T("mandateweb.actionsHint"), Error: wrong["actions"]}, Values: g.Actions}
	for _, a := range mandate.Actions() {
		if contains(k.Actions, a) {
			act.Options = append(act.Options, ui.Option{Value: a, Label: loc.T("mandateweb.action." + a)})
		}
	}
	items = append(items, act,
		ui.DateInput{Field: ui.Field{Name: "from", Label: loc.T("mandateweb.from"), Error: wrong["from"]}, Value: g.From},
		ui.DateInput{Field: ui.Field{Name: "until", Label: loc.T("mandateweb.until"), Hint: loc.T("mandateweb.untilHint", "days", k.Longest), Error: wrong["until"]}, Value: g.Until})
	intro := []string{k.Text.For(loc.Lang()), loc.T("mandateweb.basisIs", "basis", k.Basis)}
	if k.Confirm == mandate.ByOffice {
		intro = append(intro, loc.T("mandateweb.officeConfirms", "office", p.Office(k.Offices[0]).For(loc.Lang())))
	}
	data := web.Sheet{Errors: sum, Intro: intro, Sections: []web.Section{{Items: []ui.Component{
		ui.Form{Action: "/mandates/new", Items: items, Buttons: []ui.Button{{Text: loc.T("mandateweb.makeCode")}}}}}}}
	return p.view.Render(w, r, status(problems), web.Page[web.Sheet]{Title: k.Title.For(loc.Lang()), Shell: p.back(loc).WithErrors(len(problems) > 0), Data: data})
}

// give makes the invitation. The code is shown in the answer and never again: it's in no address and in no table.
func (p *pages) give(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r, access.Substantial)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	k, ok := p.Mandates.Rules().Kind(in.Get("kind"))
	if !ok || k.ByOffice() {
		return fault.New(fault.Invalid, "mandateweb.give", "mandate.noKind")
	}
	g := mandate.Gift{Kind: k.ID, All: in.Get("scope") == "all", Services: in["services"], Topics: in["topics"], Actions: in["actions"],
		From: ui.ReadDate(in, "from"), Until: ui.ReadDate(in, "until")}
	m, code, problems, err := p.Mandates.Give(r.Context(), a, g)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return p.renderNew(w, r, k, g, problems)
	}
	data := web.Sheet{Alerts: []ui.Component{ui.Alert{Tone: ui.Success, Title: loc.T("mandateweb.codeMade"), Live: true}},
		Intro: []string{loc.T("mandateweb.codeOnce"), loc.T("mandateweb.codeHow", "until", p.day(loc, m.CodeUntil))},
		Sections: []web.Section{{Items: []ui.Component{
			ui.SummaryList{Rows: []ui.SummaryRow{{Key: loc.T("mandateweb.code"), Value: code}}},
			p.facts(loc, m),
			ui.Buttons{Items: []ui.Button{{Text: loc.T("mandateweb.toMandates"), Href: "/mandates"}}}}}}}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mandateweb.code"), Shell: p.back(loc), Data: data})
}

func (p *pages) showRedeem(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.resident(r, access.Substantial); err != nil {
		return err
	}
	return p.renderRedeem(w, r, "", "")
}

func (p *pages) renderRedeem(w http.ResponseWriter, r *http.Request, code, problem string) error {
	loc := web.Localizer(r)
	data := web.Sheet{Intro: []string{loc.T("mandateweb.redeemIntro")}}
	st := http.StatusOK
	if problem != "" {
		st = http.StatusUnprocessableEntity
		data.Errors = ui.ErrorSummary{Items: []ui.FieldError{{Field: "code", Text: problem}}}
	}
	data.Sections = []web.Section{{Items: []ui.Component{ui.Form{Action: "/mandates/redeem", Items: []ui.Component{
		ui.Input{Field: ui.Field{Name: "code", Label: loc.T("mandateweb.code"), Hint: loc.T("mandateweb.codeHint"), Error: problem}, Value: code, MaxLength: 60, NoSpelling: true, Autocomplete: "off"}},
		Buttons: []ui.Button{{Text: loc.T("mandateweb.next"), Icon: "arrow-forward"}}}}}}
	return p.view.Render(w, r, st, web.Page[web.Sheet]{Title: loc.T("mandateweb.redeem"), Shell: p.back(loc).WithErrors(problem != ""), Data: data})
}

// redeem shows an invitation, and takes it once it's accepted.
func (p *pages) redeem(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r, access.Substantial)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	loc, code := web.Localizer(r), in.Get("code")
	if in.Get("accept") == "" {
		m, err := p.Mandates.Look(r.Context(), a, code)
		if fault.Is(err, fault.Invalid) {
			return p.renderRedeem(w, r, code, loc.T("mandate.noCode"))
		}
		if err != nil {
			return err
		}
		items := []ui.Component{ui.Hidden{Name: "code", Value: code}, ui.Hidden{Name: "accept", Value: "yes"}}
		if k, ok := p.Mandates.Rules().Kind(m.Kind); ok && k.Organisation {
			items = append(items, ui.Input{Field: ui.Field{Name: "organisation", Label: loc.T("mandateweb.organisation"), Hint: loc.T("mandateweb.organisationHint"), Optional: true}, MaxLength: 200})
		}
		data := web.Sheet{Intro: []string{loc.T("mandateweb.acceptIntro", "name", NameOf(loc, m.Principal, m.PrincipalName))}, Sections: []web.Section{{Items: []ui.Component{p.facts(loc, m),
			ui.Form{Action: "/mandates/redeem", Items: items, Buttons: []ui.Button{{Text: loc.T("mandateweb.accept")}, {Text: loc.T("mandateweb.notNow"), Kind: "secondary", Href: "/mandates"}}}}}}}
		return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mandateweb.redeem"), Shell: p.back(loc), Data: data})
	}
	m, err := p.Mandates.Redeem(r.Context(), a, code, in.Get("organisation"))
	if fault.Is(err, fault.Invalid) {
		return p.renderRedeem(w, r, code, loc.T("mandate.noCode"))
	}
	if err != nil {
		return err
	}
	done := "accepted"
	if m.State == mandate.Unconfirmed {
		done = "waiting"
	}
	web.SeeOther(w, "/mandates?done="+done)
	return nil
}

// showOne is a mandate, and to whom it's about what was done under it.
func (p *pages) showOne(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r, access.Basic)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	g, m, err := p.Mandates.Get(ctx, a, r.PathValue("id"))
	if err != nil {
		return err
	}
	items := []ui.Component{p.facts(loc, m)}
	k, ok := p.Mandates.Rules().Kind(m.Kind)
	switch {
	case m.State == mandate.Ended:
	case ok && k.ByOffice():
		items = append(items, ui.Text{Text: loc.T("mandate.byLaw"), Muted: true})
	default:
		items = append(items, ui.Form{Action: "/mandates/" + m.ID + "/revoke", Buttons: []ui.Button{{Text: loc.T("mandateweb.revoke"), Danger: true}}},
			ui.Text{Text: loc.T("mandateweb.revokeHint"), Muted: true})
	}
	data := web.Sheet{Sections: []web.Section{{Items: items}}}
	title := loc.T("mandateweb.for", "name", NameOf(loc, m.Principal, m.PrincipalName))
	if m.Principal == a.ID {
		title = p.kind(loc, m.Kind)
		uses, err := p.uses(r, g, m)
		if err != nil {
			return err
		}
		data.Sections = append(data.Sections, web.Section{Title: loc.T("mandateweb.uses"), Items: uses})
	}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: title, Shell: p.back(loc), Data: data})
}

// uses is who did what for the person under a mandate; the same again on one day is one line.
func (p *pages) uses(r *http.Request, g access.Grant, m mandate.Mandate) ([]ui.Component, error) {
	loc := web.Localizer(r)
	entries, err := p.Access.ActedFor(r.Context(), g, m.ID, after(r, "before"), audit.MaxPage)
	if err != nil {
		return nil, err
	}
	t := ui.Table{Caption: loc.T("mandateweb.uses"), CaptionHidden: true, Empty: loc.T("mandateweb.noUses"),
		Columns: []ui.Column{{Label: loc.T("mandateweb.when")}, {Label: loc.T("mandateweb.who")}, {Label: loc.T("mandateweb.what")}}}
	for i := 0; i < len(entries); {
		e, n := entries[i], 1
		day := p.day(loc, e.At)
		for i+n < len(entries) && alike(e, entries[i+n]) && p.day(loc, entries[i+n].At) == day {
			n++
		}
		i += n
		when := ui.Cell{Text: day, Sub: loc.Time(e.At.In(p.Zone))}
		if n > 1 {
			when.Sub = loc.T("mandateweb.times", "count", n)
		}
		what := ui.Cell{Text: p.did(loc, e), Sub: strings.Join(labels(p.Services(loc.Lang()), nonEmpty(e.Service)), "")}
		if e.Outcome == audit.Refused {
			what.Badge = ui.Badge{Tone: ui.Danger, Text: loc.T("mandateweb.refused")}
		}
		if e.Case != "" {
			what.Item = ui.Link{Text: loc.T("mandateweb.toCase"), Href: "/cases/" + e.Case}
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{when, {Text: e.ActorName}, what}})
	}
	out := []ui.Component{t}
	if len(entries) == audit.MaxPage {
		out = append(out, ui.Link{Text: loc.T("mandateweb.older"), Href: "/mandates/" + m.ID + "?" + url.Values{"before": {entries[len(entries)-1].ID}}.Encode()})
	}
	return out, nil
}

func nonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func alike(a, b audit.Entry) bool {
	return a.ActorName == b.ActorName && a.Action == b.Action && a.Resource == b.Resource && a.Service == b.Service && a.Case == b.Case && a.Outcome == b.Outcome
}

func (p *pages) did(loc *i18n.Localizer, e audit.Entry) string {
	kind, _, _ := strings.Cut(e.Resource, ":")
	if key := "mandateweb.did." + kind + "." + e.Action; loc.Has(key) {
		return loc.T(key)
	}
	return e.Resource + ": " + e.Action
}

func (p *pages) revoke(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r, access.Basic)
	if err != nil {
		return err
	}
	if err := p.Mandates.Revoke(r.Context(), a, r.PathValue("id")); err != nil {
		return err
	}
	web.SeeOther(w, "/mandates?done=revoked")
	return nil
}

// act begins to act for somebody: from the next request on, until it's ended or the session is over.
func (p *pages) act(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r, access.Substantial)
	if err != nil {
		return err
	}
	m, err := p.Mandates.Usable(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	session, ok := identity.Of(r)
	if !ok {
		return fault.New(fault.Unauthenticated, "mandateweb.act", "")
	}
	if err := p.Act(r.Context(), session, m.ID); err != nil {
		return err
	}
	target := "/services"
	if contains(p.Mandates.Offers(m).Actions, mandate.Read) {
		target = "/cases"
	}
	web.SeeOther(w, target)
	return nil
}

// stop ends it, at the portal as at the desk.
func (p *pages) stop(w http.ResponseWriter, r *http.Request) error {
	a, err := p.Self(r, access.Basic)
	if err != nil {
		return err
	}
	if session, ok := identity.Of(r); ok {
		if err := p.Act(r.Context(), session, ""); err != nil {
			return err
		}
	}
	if a.Kind == access.Clerk {
		web.SeeOther(w, "/desk/deputies")
		return nil
	}
	web.SeeOther(w, "/mandates?done=stopped")
	return nil
}
