// SPDX-License-Identifier: EUPL-1.2

// Package mandateweb are the pages of mandates: a person gives and revokes them, redeems an invitation, chooses for whom they
// act and sees what was done for them; an office enters and confirms them; the desk arranges its deputies.
//
// Who acts for somebody sees a band on each page that says so (web.Acting). It ends by a button there, or with the session.
package mandateweb

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/domain/mandate"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of the room.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Mandates  *mandate.Service
	Access    *access.Checker
	Zone      *time.Location
	Now       func() time.Time
	// Self is who is signed in in their own right, Actor who works at the desk, as a deputy too.
	Self  func(r *http.Request, least access.Level) (access.Actor, error)
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Act makes a session act under a mandate; "" ends that.
	Act    func(ctx context.Context, s identity.Session, mandate string) error
	Office func(id string) i18n.Text
	// Services and Topics are what a mandate can be for, as options.
	Services, Topics func(lang string) []ui.Option
}

type pages struct {
	Config
	view *web.View[web.Sheet]
}

// Mounts are the addresses of the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Mandates == nil || c.Access == nil || c.Self == nil || c.Actor == nil || c.Act == nil {
		return nil, errors.New("mandateweb: templates, mandates, access, self, actor and act are needed")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Office == nil {
		c.Office = i18n.Plain
	}
	none := func(string) []ui.Option { return nil }
	if c.Services == nil {
		c.Services = none
	}
	if c.Topics == nil {
		c.Topics = none
	}
	p := &pages{Config: c}
	var err error
	if p.view, err = web.NewSheet(c.Templates); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /mandates", Handler: web.Handle(p.showList)},
		{Pattern: "GET /mandates/new", Handler: web.Handle(p.showNew)},
		{Pattern: "POST /mandates/new", Handler: web.Handle(p.give)},
		{Pattern: "GET /mandates/redeem", Handler: web.Handle(p.showRedeem)},
		// A code is what one could guess at: the rate of signing in holds, beside the count of tries for each person.
		{Pattern: "POST /mandates/redeem", Handler: web.Handle(p.redeem), Class: web.ClassSign},
		{Pattern: "GET /mandates/{id}", Handler: web.Handle(p.showOne)},
		{Pattern: "POST /mandates/{id}/revoke", Handler: web.Handle(p.revoke)},
		{Pattern: "POST /mandates/{id}/act", Handler: web.Handle(p.act)},
		{Pattern: "POST /mandates/stop", Handler: web.Handle(p.stop)},
		{Pattern: "GET /desk/mandates", Handler: web.Handle(p.showDesk)},
		{Pattern: "GET /desk/mandates/new", Handler: web.Handle(p.showEnter)},
		{Pattern: "POST /desk/mandates/new", Handler: web.Handle(p.enter)},
		{Pattern: "GET /desk/mandates/{id}", Handler: web.Handle(p.showDeskOne)},
		{Pattern: "POST /desk/mandates/{id}", Handler: web.Handle(p.ruleOn)},
		{Pattern: "GET /desk/deputies", Handler: web.Handle(p.showDeputies)},
		{Pattern: "POST /desk/deputies", Handler: web.Handle(p.nameDeputy)},
		{Pattern: "POST /desk/deputies/{id}/end", Handler: web.Handle(p.endDeputy)},
		{Pattern: "POST /desk/deputies/{id}/act", Handler: web.Handle(p.actDeputy)},
	}, nil
}

// resident is who is signed in, in their own right: their mandates aren't a matter of whom they act for.
func (p *pages) resident(r *http.Request, least access.Level) (access.Actor, error) {
	a, err := p.Self(r, least)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "mandateweb.resident", "mandateweb.residentsOnly")
	}
	return a, nil
}

// day is the day of an instant on the city's clock.
func (p *pages) day(loc *i18n.Localizer, t time.Time) string { return loc.Date(t.In(p.Zone)) }

// lastDay is the last day of a term that ends at an instant.
func (p *pages) lastDay(loc *i18n.Localizer, until time.Time) string {
	return loc.Date(until.In(p.Zone).Add(-time.Minute))
}

func (p *pages) term(loc *i18n.Localizer, from, until time.Time) string {
	return loc.T("mandateweb.term", "from", p.day(loc, from), "until", p.lastDay(loc, until))
}

func (p *pages) kind(loc *i18n.Localizer, id string) string {
	if k, ok := p.Mandates.Rules().Kind(id); ok {
		return k.Title.For(loc.Lang())
	}
	return id
}

// state is the state of a mandate in a word.
func (p *pages) state(loc *i18n.Localizer, m mandate.Mandate) ui.Badge {
	now := p.Now()
	switch {
	case m.State == mandate.Ended:
		return ui.Badge{Tone: ui.Info, Text: loc.T("mandateweb.state.ended")}
	case !now.Before(m.Until) || m.State == mandate.Invited && !now.Before(m.CodeUntil):
		return ui.Badge{Tone: ui.Info, Text: loc.T("mandateweb.state.expired")}
	case m.State == mandate.Invited:
		return ui.Badge{Tone: ui.Warning, Text: loc.T("mandateweb.state.invited")}
	case m.State == mandate.Unconfirmed:
		return ui.Badge{Tone: ui.Warning, Text: loc.T("mandateweb.state.unconfirmed")}
	case now.Before(m.From):
		return ui.Badge{Tone: ui.Info, Text: loc.T("mandateweb.state.later")}
	}
	return ui.Badge{Tone: ui.Success, Text: loc.T("mandateweb.state.active")}
}

func labels(options []ui.Option, ids []string) []string {
	var out []string
	for _, id := range ids {
		label := id
		for _, o := range options {
			if o.Value == id {
				label = o.Label
			}
		}
		out = append(out, label)
	}
	return out
}

// scope is what a mandate covers, in words.
func (p *pages) scope(loc *i18n.Localizer, m mandate.Mandate) string {
	if m.All {
		return loc.T("mandateweb.everything")
	}
	parts := labels(p.Services(loc.Lang()), m.Services)
	for _, t := range labels(p.Topics(loc.Lang()), m.Topics) {
		parts = append(parts, loc.T("mandateweb.topicOf", "topic", t))
	}
	return strings.Join(parts, ", ")
}

func actions(loc *i18n.Localizer, list []string) string {
	var out []string
	for _, a := range mandate.Actions() {
		if slices.Contains(list, a) {
			out = append(out, loc.T("mandateweb.action."+a))
		}
	}
	return strings.Join(out, ", ")
}

// NameOf is the name of a side; where it was erased with the person's key it says so.
func NameOf(loc *i18n.Localizer, person, name string) string {
	switch {
	case name != "":
		return name
	case person == "":
		return loc.T("mandateweb.nobodyYet")
	}
	return loc.T("mandateweb.nameGone")
}

// facts are a mandate in rows.
func (p *pages) facts(loc *i18n.Localizer, m mandate.Mandate) ui.SummaryList {
	k, _ := p.Mandates.Rules().Kind(m.Kind)
	rows := []ui.SummaryRow{
		{Key: loc.T("mandateweb.kind"), Value: p.kind(loc, m.Kind)},
		{Key: loc.T("mandateweb.basis"), Value: k.Basis},
		{Key: loc.T("mandateweb.principal"), Value: NameOf(loc, m.Principal, m.PrincipalName)},
	}
	if m.Delegate != "" {
		rows = append(rows, ui.SummaryRow{Key: loc.T("mandateweb.delegate"), Value: NameOf(loc, m.Delegate, m.DelegateName)})
	}
	if m.Organisation != "" {
		text := m.Organisation
		if m.ConfirmedAt.IsZero() {
			text = loc.T("mandateweb.ownWords", "text", text)
		}
		rows = append(rows, ui.SummaryRow{Key: loc.T("mandateweb.organisation"), Value: text})
	}
	rows = append(rows,
		ui.SummaryRow{Key: loc.T("mandateweb.scope"), Value: p.scope(loc, m)},
		ui.SummaryRow{Key: loc.T("mandateweb.actions"), Value: actions(loc, m.Actions)},
		ui.SummaryRow{Key: loc.T("mandateweb.validity"), Value: p.term(loc, m.From, m.Until)},
		ui.SummaryRow{Key: loc.T("mandateweb.stateKey"), Item: p.state(loc, m)})
	if m.ConfirmedBy != "" && m.State != mandate.Ended {
		rows = append(rows, ui.SummaryRow{Key: loc.T("mandateweb.confirmedBy"), Value: p.Office(m.Office).For(loc.Lang())})
	}
	if m.State == mandate.Ended {
		rows = append(rows, ui.SummaryRow{Key: loc.T("mandateweb.endedOn"), Value: p.day(loc, m.EndedAt) + ", " + loc.T("mandateweb.endedBy."+m.EndedBy)})
	}
	return ui.SummaryList{Rows: rows}
}

// errorsOf puts what is wrong beside its fields.
func errorsOf(loc *i18n.Localizer, problems []mandate.Problem) (map[string]string, ui.ErrorSummary) {
	by := map[string]string{}
	var sum ui.ErrorSummary
	for _, x := range problems {
		text := loc.T(x.Msg, x.Args...)
		if by[x.Field] == "" {
			by[x.Field] = text
			sum.Items = append(sum.Items, ui.FieldError{Field: x.Field, Text: text})
		}
	}
	return by, sum
}

func status(problems []mandate.Problem) int {
	if len(problems) > 0 {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// Letter is what a person reads in their postbox of what has become of a mandate.
func Letter(words *i18n.Catalogue, n mandate.News, person string, zone *time.Location) (subject, text i18n.Text) {
	subject, text = i18n.Text{}, i18n.Text{}
	if words == nil {
		return i18n.Plain("Vollmacht"), text
	}
	m := n.Mandate
	other, who := m.Delegate, m.DelegateName
	if person != m.Principal {
		other, who = m.Principal, m.PrincipalName
	}
	for _, lang := range words.Languages() {
		loc := words.Localizer(lang)
		subject[lang] = loc.T("mandateweb.letter." + n.What)
		text[lang] = loc.T("mandateweb.letter."+n.What+"Text", "name", NameOf(loc, other, who), "until", loc.Date(m.Until.In(zone).Add(-time.Minute)))
	}
	return subject, text
}
