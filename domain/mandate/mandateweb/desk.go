// SPDX-License-Identifier: EUPL-1.2

package mandateweb

import (
	"net/http"
	"net/url"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/mandate"
	"mercator/web"
	"mercator/web/ui"
)

func clerkOf(a access.Actor, err error) (access.Actor, error) {
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Clerk {
		return access.Actor{}, fault.New(fault.Denied, "mandateweb.clerk", "mandateweb.clerksOnly")
	}
	return a, nil
}

func (p *pages) clerk(r *http.Request) (access.Actor, error) {
	return clerkOf(p.Actor(r, access.Basic))
}

// showDesk is what waits for the office, and what it has entered.
func (p *pages) showDesk(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	ctx, loc := r.Context(), web.Localizer(r)
	data := web.Sheet{Intro: []string{loc.T("mandateweb.deskIntro")}}
	if done := r.URL.Query().Get("done"); done != "" && loc.Has("mandateweb.done."+done) {
		data.Alerts = append(data.Alerts, ui.Alert{Tone: ui.Success, Title: loc.T("mandateweb.done." + done), Live: true})
	}
	for _, state := range []string{mandate.Unconfirmed, mandate.Active} {
		list, err := p.Mandates.OfOffice(ctx, a, state, after(r, state), pageSize)
		if err != nil {
			return err
		}
		title := loc.T("mandateweb.desk." + state)
		t := ui.Table{Caption: title, CaptionHidden: true, Empty: loc.T("mandateweb.nothing"), Columns: []ui.Column{
			{Label: loc.T("mandateweb.principal")}, {Label: loc.T("mandateweb.delegate")}, {Label: loc.T("mandateweb.kind")}, {Label: loc.T("mandateweb.validity")}, {Label: loc.T("mandateweb.stateKey")}}}
		for _, m := range list {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: NameOf(loc, m.Principal, m.PrincipalName), Href: "/desk/mandates/" + m.ID}, {Text: NameOf(loc, m.Delegate, m.DelegateName), Sub: m.Organisation},
				{Text: p.kind(loc, m.Kind)}, {Text: p.term(loc, m.From, m.Until)}, {Badge: p.state(loc, m)}}})
		}
		items := []ui.Component{t}
		if len(list) == pageSize {
			items = append(items, ui.Link{Text: loc.T("mandateweb.older"), Href: "/desk/mandates?" + url.Values{state: {list[pageSize-1].ID}}.Encode()})
		}
		data.Sections = append(data.Sections, web.Section{Title: title, Items: items})
	}
	data.Sections = append(data.Sections, web.Section{Items: []ui.Component{ui.Buttons{Items: []ui.Button{{Text: loc.T("mandateweb.enter"), Href: "/desk/mandates/new"}}}}})
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mandateweb.deskTitle"), Shell: web.Desk("deskmandates"), Data: data})
}

func (p *pages) deskBack(loc *i18n.Localizer) web.Shell {
	s := web.Desk("deskmandates").WithBack(loc.T("mandateweb.deskTitle"), "/desk/mandates")
	s.Wide = false
	return s
}

// showEnter asks for the kind, then for the rest.
func (p *pages) showEnter(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	if k, ok := p.Mandates.Rules().Kind(r.URL.Query().Get("kind")); ok && k.ByOffice() {
		today := p.Mandates.Today()
		return p.renderEnter(w, r, k, mandate.Legal{Kind: k.ID, All: true, From: today.Format(time.DateOnly), Until: today.AddDate(0, 0, k.Longest-1).Format(time.DateOnly)}, nil)
	}
	choice := ui.Radios{Field: ui.Field{Name: "kind", Label: loc.T("mandateweb.whichKind")}}
	for _, k := range p.Mandates.Rules().Kinds {
		if k.ByOffice() && contains(k.Offices, a.Office) {
			choice.Options = append(choice.Options, ui.Option{Value: k.ID, Label: k.Title.For(loc.Lang()), Hint: k.Text.For(loc.Lang())})
		}
	}
	data := web.Sheet{}
	if len(choice.Options) == 0 {
		data.Intro = []string{loc.T("mandate.otherOffice")}
	} else {
		choice.Value = choice.Options[0].Value
		data.Sections = []web.Section{{Items: []ui.Component{ui.Form{Action: "/desk/mandates/new", Method: "get", Items: []ui.Component{choice},
			Buttons: []ui.Button{{Text: loc.T("mandateweb.next"), Icon: "arrow-forward"}}}}}}
	}
	return p.view.Render(w, r, http.StatusOK, web.Page[web.Sheet]{Title: loc.T("mandateweb.enter"), Shell: p.deskBack(loc), Data: data})
}

func (p *pages) renderEnter(w http.ResponseWriter, r *http.Request, k mandate.Kind, l mandate.Legal, problems []mandate.Problem) error {
	loc := web.Localizer(r)
	wrong, sum := errorsOf(loc, problems)
	items := []ui.Component{ui.Hidden{Name: "kind", Value: k.ID}}
	for _, side := range []struct {
		name, legend string
		of           mandate.Person
	}{{"principal_", "mandateweb.principal", l.Principal}, {"delegate_", "mandateweb.delegate", l.Delegate}} {
		items = append(items, ui.Fieldset{Legend: loc.T(side.legend), Items: []ui.Component{
			ui.Input{Field: ui.Field{Name: side.name + "given", Label: loc.T("mandateweb.givenNames"), Error: wrong[side.name+"given"]}, Value: side.of.Given, MaxLength: 200, NoSpelling: true, Autocomplete: "off"},
			ui.Input{Field: ui.Field{Name: side.name + "family", Label: loc.T("mandateweb.familyName"), Error: wrong[side.name+"family"]}, Value: side.of.Family, MaxLength: 200, NoSpelling: true, Autocomplete: "off"},
			ui.DateInput{Field: ui.Field{Name: side.name + "birth", Label: loc.T("mandateweb.birthDate"), Error: wrong[side.name+"birth"]}, Value: side.of.Birth}}})
	}
	if k.Until == "18" {
		items = append(items, ui.Hidden{Name: "scope", Value: "all"}, ui.Text{Text: loc.T("mandateweb.until18"), Muted: true})
	} else {
		items = append(items, p.scopeFields(loc, k, l.All, l.Services, l.Topics, wrong)...)
		items = append(items, ui.DateInput{Field: ui.Field{Name: "from", Label: loc.T("mandateweb.from"), Error: wrong["from"]}, Value: l.From},
			ui.DateInput{Field: ui.Field{Name: "until", Label: loc.T("mandateweb.until"), Hint: loc.T("mandateweb.untilHint", "days", k.Longest), Error: wrong["until"]}, Value: l.Until})
	}
	items = append(items, ui.Input{Field: ui.Field{Name: "proof", Label: loc.T("mandateweb.proof"), Hint: loc.T("mandateweb.proofHint"), Error: wrong["proof"]}, Value: l.Proof, MaxLength: 500})
	data := web.Sheet{Errors: sum, Intro: []string{k.Text.For(loc.Lang()), loc.T("mandateweb.basisIs", "basis", k.Basis)},
		Sections: []web.Section{{Items: []ui.Component{ui.Form{Action: "/desk/mandates/new", Items: items, Buttons: []ui.Button{{Text: loc.T("mandateweb.enter")}}}}}}}
	return p.view.Render(w, r, status(problems), web.Page[web.Sheet]{Title: k.Title.For(loc.Lang()), Shell: p.deskBack(loc).WithErrors(len(problems) > 0), Data: data})
}

func personOf(in url.Values, side string) mandate.Person {
	return mandate.Person{Given: in.Get(side + "given"), Family: in.Get(side + "family"), Birth: ui.ReadDate(in, side+"birth")}
}

func (p *pages) enter(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	k, ok := p.Mandates.Rules().Kind(in.Get("kind"))
	if !ok || !k.ByOffice() {
		return fault.New(fault.Invalid, "mandateweb.enter", "mandate.noKind")
	}
	l := mandate.Legal{Kind: k.ID, Principal: personOf(in, "principal_"), Delegate: personOf(in, "delegate_"), All: in.Get("scope") == "all",
		Services: in["services"], Topics: in["topics"], From: ui.ReadDate(in, "from"), Until: ui.ReadDate(in, "until"), Proof: in.Get("proof")}
	m, problems, err := p.Mandates.Enter(r.Context(), a, l)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return p.renderEnter(w, r, k, l, problems)
	}
	web.SeeOther(w, "/desk/mandates/"+m.ID)
	return nil
}

func (p *pages) showDeskOne(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	m, err := p.Mandates.ForOffice(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.renderDeskOne(w, r, m, "")
}

func (p *pages) renderDeskOne(w http.ResponseWriter, r *http.Request, m mandate.Mandate, problem string) error {
	loc := web.Localizer(r)
	list := p.facts(loc, m)
	if m.Proof != "" {
		list.Rows = append(list.Rows, ui.SummaryRow{Key: loc.T("mandateweb.proof"), Value: m.Proof + " (" + m.ConfirmedBy + ")"})
	}
	items := []ui.Component{list}
	if m.State != mandate.Ended {
		f := ui.Form{Action: "/desk/mandates/" + m.ID, Items: []ui.Component{
			ui.Input{Field: ui.Field{Name: "proof", Label: loc.T("mandateweb.proofOrWhy"), Hint: loc.T("mandateweb.proofHint"), Error: problem}, MaxLength: 500}}}
		if m.State == mandate.Unconfirmed {
			f.Buttons = append(f.Buttons, ui.Button{Text: loc.T("mandateweb.confirm"), Name: "do", Value: "confirm"})
		}
		f.Buttons = append(f.Buttons, ui.Button{Text: loc.T("mandateweb.endIt"), Name: "do", Value: "end", Kind: "secondary", Danger: true})
		items = append(items, f)
	}
	data := web.Sheet{Sections: []web.Section{{Items: items}}}
	st := http.StatusOK
	if problem != "" {
		st = http.StatusUnprocessableEntity
		data.Errors = ui.ErrorSummary{Items: []ui.FieldError{{Field: "proof", Text: problem}}}
	}
	return p.view.Render(w, r, st, web.Page[web.Sheet]{Title: loc.T("mandateweb.for", "name", NameOf(loc, m.Principal, m.PrincipalName)), Shell: p.deskBack(loc).WithErrors(problem != ""), Data: data})
}

// ruleOn confirms a mandate or ends it.
func (p *pages) ruleOn(w http.ResponseWriter, r *http.Request) error {
	a, err := p.clerk(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	ctx, id := r.Context(), r.PathValue("id")
	done := "confirmed"
	switch in.Get("do") {
	case "confirm":
		err = p.Mandates.Confirm(ctx, a, id, in.Get("proof"))
	case "end":
		done, err = "endedByOffice", p.Mandates.End(ctx, a, id, in.Get("proof"))
	default:
		return fault.New(fault.Invalid, "mandateweb.ruleOn", "web.malformed")
	}
	if fault.Is(err, fault.Invalid) {
		m, err2 := p.Mandates.ForOffice(ctx, a, id)
		if err2 != nil {
			return err2
		}
		return p.renderDeskOne(w, r, m, web.Localizer(r).T("mandate.noProof"))
	}
	if err != nil {
		return err
	}
	web.SeeOther(w, "/desk/mandates?done="+done)
	return nil
}

// --- deputies: in one's own right, because a deputy names no deputies

func (p *pages) staff(r *http.Request) (access.Actor, error) {
	return clerkOf(p.Self(r, access.Basic))
}

func (p *pages) showDeputies(w http.ResponseWriter, r *http.Request) error {
	a, err := p.staff(r)
	if err != nil {
		return err
	}
	today := p.Mandates.Today()
	return p.renderDeputies(w, r, a, mandate.Standing{From: today.Format(time.DateOnly), Until: today.AddDate(0, 0, 13).Format(time.DateOnly)}, nil)
}

func (p *pages) renderDeputies(w http.ResponseWriter, r *http.Request, a access.Actor, n mandate.Standing, problems []mandate.Problem) error {
	ctx, loc := r.Context(), web.Localizer(r)
	list, err := p.Mandates.Deputies(ctx, a)
	if err != nil {
		return err
	}
	staff, err := p.Mandates.Staff(ctx)
	if err != nil {
		return err
	}
	wrong, sum := errorsOf(loc, problems)
	data := web.Sheet{Errors: sum, Intro: []string{loc.T("mandateweb.deputiesIntro")}}
	t := ui.Table{Caption: loc.T("mandateweb.deputies"), CaptionHidden: true, Empty: loc.T("mandateweb.noDeputies"), Columns: []ui.Column{
		{Label: loc.T("mandateweb.represented")}, {Label: loc.T("mandateweb.deputy")}, {Label: loc.T("mandateweb.validity")}, {Label: loc.T("mandateweb.stateKey")}, {Label: loc.T("mandateweb.todo")}}}
	for _, d := range list {
		state := ui.Badge{Tone: ui.Info, Text: loc.T("mandateweb.state.later")}
		var do []ui.Component
		if d.InForce(p.Now()) {
			state = ui.Badge{Tone: ui.Success, Text: loc.T("mandateweb.state.active")}
			if d.Deputy == a.ID {
				do = append(do, ui.Form{Action: "/desk/deputies/" + d.ID + "/act", Buttons: []ui.Button{{Text: loc.T("mandateweb.standIn"), Hidden: d.RepresentedName}}})
			}
		}
		do = append(do, ui.Form{Action: "/desk/deputies/" + d.ID + "/end", Buttons: []ui.Button{{Text: loc.T("mandateweb.endIt"), Hidden: d.RepresentedName + " – " + d.DeputyName, Kind: "secondary"}}})
		sub := ""
		if d.Reserved {
			sub = loc.T("mandateweb.withReserved")
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: d.RepresentedName, Sub: p.Office(d.Office).For(loc.Lang())}, {Text: d.DeputyName, Sub: sub},
			{Text: p.term(loc, d.From, d.Until)}, {Badge: state}, {Item: ui.Stack{Items: do}}}})
	}
	data.Sections = []web.Section{{Items: []ui.Component{t}}}
	var items []ui.Component
	head := a.Is("head")
	who := ui.Select{Field: ui.Field{Name: "represented", Label: loc.T("mandateweb.represented"), Error: wrong["represented"]}, Value: n.Represented}
	if who.Value == "" {
		who.Value = a.ID
	}
	deputy := ui.Select{Field: ui.Field{Name: "deputy", Label: loc.T("mandateweb.deputy"), Hint: loc.T("mandateweb.deputyHint"), Error: wrong["deputy"]}, Value: n.Deputy}
	for _, m := range staff {
		if m.ID == a.ID || head && m.Office == a.Office {
			who.Options = append(who.Options, ui.Option{Value: m.ID, Label: m.Name})
		}
		if m.ID != a.ID || head {
			deputy.Options = append(deputy.Options, ui.Option{Value: m.ID, Label: m.Name + " (" + p.Office(m.Office).For(loc.Lang()) + ")"})
		}
	}
	if head {
		items = append(items, who)
	}
	items = append(items, deputy,
		ui.DateInput{Field: ui.Field{Name: "from", Label: loc.T("mandateweb.from"), Error: wrong["from"]}, Value: n.From},
		ui.DateInput{Field: ui.Field{Name: "until", Label: loc.T("mandateweb.until"), Hint: loc.T("mandateweb.untilHint", "days", p.Mandates.Rules().Deputies.Longest), Error: wrong["until"]}, Value: n.Until})
	for _, role := range p.Mandates.Rules().Deputies.Reserved {
		if a.Is(role) {
			items = append(items, ui.Checkbox{Field: ui.Field{Name: "reserved", Label: loc.T("mandateweb.reserved"), Hint: loc.T("mandateweb.reservedHint"), Optional: true, Error: wrong["reserved"]}, Checked: n.Reserved})
			break
		}
	}
	data.Sections = append(data.Sections, web.Section{Title: loc.T("mandateweb.nameDeputy"), Items: []ui.Component{
		ui.Form{Action: "/desk/deputies", Items: items, Buttons: []ui.Button{{Text: loc.T("mandateweb.nameDeputy")}}}}})
	return p.view.Render(w, r, status(problems), web.Page[web.Sheet]{Title: loc.T("mandateweb.deputies"), Shell: web.Desk("deputies").WithErrors(len(problems) > 0), Data: data})
}

func (p *pages) nameDeputy(w http.ResponseWriter, r *http.Request) error {
	a, err := p.staff(r)
	if err != nil {
		return err
	}
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	n := mandate.Standing{Represented: in.Get("represented"), Deputy: in.Get("deputy"), Reserved: in.Get("reserved") != "", From: ui.ReadDate(in, "from"), Until: ui.ReadDate(in, "until")}
	_, problems, err := p.Mandates.Name(r.Context(), a, n)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return p.renderDeputies(w, r, a, n, problems)
	}
	web.SeeOther(w, "/desk/deputies")
	return nil
}

func (p *pages) endDeputy(w http.ResponseWriter, r *http.Request) error {
	a, err := p.staff(r)
	if err != nil {
		return err
	}
	if err := p.Mandates.EndDeputy(r.Context(), a, r.PathValue("id")); err != nil {
		return err
	}
	web.SeeOther(w, "/desk/deputies")
	return nil
}

func (p *pages) actDeputy(w http.ResponseWriter, r *http.Request) error {
	a, err := p.staff(r)
	if err != nil {
		return err
	}
	d, err := p.Mandates.UsableDeputy(r.Context(), a, r.PathValue("id"))
	if err != nil {
		return err
	}
	session, ok := identity.Of(r)
	if !ok {
		return fault.New(fault.Unauthenticated, "mandateweb.actDeputy", "")
	}
	if err := p.Act(r.Context(), session, d.ID); err != nil {
		return err
	}
	web.SeeOther(w, "/desk")
	return nil
}
