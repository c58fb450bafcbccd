// SPDX-License-Identifier: EUPL-1.2

package registerweb

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/register"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	DB        *store.DB
	Registers *register.Service
	Access    *access.Checker
	Now       func() time.Time
	Zone      *time.Location // the city's clock; nil: UTC
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Office is the name of an office.
	Office func(id string) i18n.Text
	// Case finds a case by its file number: its id, its office and whose it is.
	Case func(ctx context.Context, ref string) (id, office, person string, err error)
}

type pages struct {
	Config
	view *web.View[web.Sheet]
}

const home = "/desk/registers"

// Mounts are the pages and where they hang.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.DB == nil || c.Registers == nil || c.Access == nil || c.Actor == nil || c.Case == nil {
		return nil, errors.New("registerweb: templates, database, registers, access, actor and case are needed")
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
	p := &pages{Config: c}
	var err error
	if p.view, err = web.NewSheet(c.Templates); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET " + home, Handler: web.Handle(p.showAll)},
		{Pattern: "GET " + home + "/{register}", Handler: web.Handle(p.showSearch)},
		{Pattern: "GET " + home + "/{register}/new", Handler: web.Handle(p.showNew)},
		{Pattern: "POST " + home + "/{register}/new", Handler: web.Handle(p.makeNew)},
		{Pattern: "GET " + home + "/{register}/records/{key}", Handler: web.Handle(p.showRecord)},
		{Pattern: "GET " + home + "/{register}/records/{key}/versions", Handler: web.Handle(p.showVersions)},
		{Pattern: "GET " + home + "/{register}/records/{key}/known", Handler: web.Handle(p.showKnown)},
		{Pattern: "GET " + home + "/{register}/records/{key}/readers", Handler: web.Handle(p.showReaders)},
		{Pattern: "GET " + home + "/{register}/records/{key}/edit", Handler: web.Handle(p.showEdit)},
		{Pattern: "POST " + home + "/{register}/records/{key}/edit", Handler: web.Handle(p.edit)},
		{Pattern: "GET " + home + "/{register}/records/{key}/end", Handler: web.Handle(p.showEnd)},
		{Pattern: "POST " + home + "/{register}/records/{key}/end", Handler: web.Handle(p.end)},
	}, nil
}

// visit is a request of a clerk to a register.
type visit struct {
	*pages
	w   http.ResponseWriter
	r   *http.Request
	loc *i18n.Localizer
	a   access.Actor
	d   *register.Definition
	key string // of the record
	why reason
}

// reason is why a register is read: it is asked for first, and every link carries it on.
type reason struct {
	Purpose, Basis, Ref string // Ref: the file number of the case
	caseID, person      string
	wrong               map[string]string
}

func (p *pages) visit(w http.ResponseWriter, r *http.Request) (*visit, error) {
	const op = "registerweb.visit"
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return nil, err
	}
	if a.Kind != access.Clerk {
		return nil, fault.New(fault.Denied, op, "")
	}
	v := &visit{pages: p, w: w, r: r, loc: web.Localizer(r), a: a, key: r.PathValue("key")}
	if id := r.PathValue("register"); id != "" {
		var ok bool
		if v.d, ok = p.Registers.Registers().Get(id); !ok {
			return nil, fault.New(fault.NotFound, op, "")
		}
	}
	if !clean(v.key) {
		return nil, fault.New(fault.NotFound, op, "")
	}
	q := r.URL.Query()
	v.why = reason{Purpose: strings.TrimSpace(q.Get("purpose")), Basis: strings.TrimSpace(q.Get("basis")), Ref: strings.TrimSpace(q.Get("case")), wrong: map[string]string{}}
	if v.d == nil || v.d.Public {
		return v, nil
	}
	for name, text := range map[string]string{"purpose": v.why.Purpose, "basis": v.why.Basis, "case": v.why.Ref} {
		if !clean(text) {
			v.why.wrong[name] = v.loc.T("registerweb.badText")
		}
	}
	if v.why.Ref != "" && v.why.wrong["case"] == "" {
		id, office, person, err := p.Case(r.Context(), v.why.Ref)
		switch {
		case err != nil && !fault.Is(err, fault.NotFound):
			return nil, err
		case err != nil || office != a.Office: // another office's case isn't told from none
			v.why.wrong["case"] = v.loc.T("registerweb.noCase")
		default:
			v.why.caseID, v.why.person = id, person
		}
	}
	return v, nil
}

// clean reports whether a text from an address may reach a query or the ledger.
func clean(s string) bool {
	return len(s) <= 500 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// keeps reports whether the clerk's office keeps the register.
func (v *visit) keeps() bool { return v.a.Office != "" && v.a.Office == v.d.Office }

// said reports whether the visit has its reason: purpose and basis, and a case where the
// register is another office's and holds persons.
func (v *visit) said() bool {
	if v.d.Public {
		return true
	}
	return v.why.Purpose != "" && v.why.Basis != "" && len(v.why.wrong) == 0 && (v.keeps() || v.d.Person == "" || v.why.caseID != "")
}

// query is the reason as links carry it, with more.
func (v *visit) query(more ...string) string {
	q := url.Values{}
	for name, text := range map[string]string{"purpose": v.why.Purpose, "basis": v.why.Basis, "case": v.why.Ref} {
		if text != "" {
			q.Set(name, text)
		}
	}
	for i := 0; i+1 < len(more); i += 2 {
		if more[i+1] != "" {
			q.Set(more[i], more[i+1])
		}
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func (v *visit) registerPath() string { return home + "/" + v.d.ID }

func recordPath(register, address string) string {
	return home + "/" + register + "/records/" + url.PathEscape(address)
}

func (v *visit) recordPath() string { return recordPath(v.d.ID, v.key) }

// hidden carries the reason through a form that is sent with GET.
func (v *visit) hidden() []ui.Component {
	var out []ui.Component
	for _, x := range []ui.Hidden{{Name: "purpose", Value: v.why.Purpose}, {Name: "basis", Value: v.why.Basis}, {Name: "case", Value: v.why.Ref}} {
		if x.Value != "" {
			out = append(out, x)
		}
	}
	return out
}

// fields are those that a page asks for: the special ones only if somebody says so, who
// somebody else is only at the office that keeps the register, and what another register says only if the clerk may be given it or asks for it, because a
// refusal is on record, too.
func (v *visit) fields() []string {
	var out []string
	for _, f := range v.d.Fields {
		if v.Registers.Registers().Concerning(v.d, f) && v.d.Office != v.a.Office {
			continue
		}
		if (f.Class != register.Special || v.r.URL.Query().Get("special") == "1") && (v.seesThrough(f) || v.r.URL.Query().Get("linked") == "1") {
			out = append(out, f.Name)
		}
	}
	return out
}

func (v *visit) seesThrough(f register.Field) bool {
	if !f.View() {
		return true
	}
	link, _ := v.d.Field(f.Through)
	to, ok := v.Registers.Registers().Get(link.Link)
	return ok && (to.Public || v.why.caseID != "" || to.Office == v.a.Office)
}

func (v *visit) request(action string, fields []string) access.Request {
	return access.Request{Actor: v.a, Action: action, Resource: register.Resource(v.d.ID), Purpose: v.why.Purpose, Basis: v.why.Basis, Case: v.why.caseID,
		Office: v.d.Office, Fields: fields}
}

// grant is one to read the record of the visit. What isn't there is asked about, too.
func (v *visit) grant(action string, fields []string) (access.Grant, error) {
	if v.d.Public && action == access.Read {
		return access.Grant{}, nil
	}
	r := v.request(action, fields)
	var err error
	if r.Owner, _, err = v.Registers.Whom(v.r.Context(), v.d.ID, v.key); err != nil {
		return access.Grant{}, err
	}
	return v.Access.Permit(v.r.Context(), r)
}

func (v *visit) render(status int, title string, back ui.Link, items ...ui.Component) error {
	shell := web.Desk("registers")
	if back.Href != "" {
		shell = shell.WithBack(back.Text, back.Href)
	}
	shell = shell.WithErrors(slices.ContainsFunc(items, func(c ui.Component) bool { _, ok := c.(ui.ErrorSummary); return ok }))
	return v.view.Render(v.w, v.r, status, web.Page[web.Sheet]{Title: title, Shell: shell, Data: web.Sheet{Sections: []web.Section{{Items: items}}}})
}

// refuse answers alike to what is refused and what isn't there, and says what may be missing.
func (v *visit) refuse(err error) error {
	if !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound) {
		return err
	}
	return v.render(http.StatusNotFound, v.loc.T("registerweb.notThere"), v.toRegister(), v.missing(ui.Warning))
}

// missing says what a clerk needs to see a record of the register.
func (v *visit) missing(tone ui.Tone) ui.Alert {
	key := "registerweb.needCase"
	switch {
	case v.keeps():
		key = "registerweb.needKeeper"
	case v.why.caseID != "":
		key = "registerweb.needPerson"
	}
	return ui.Alert{Tone: tone, Title: v.loc.T("registerweb.notOpen"), Text: v.loc.T(key, "office", v.Office(v.d.Office).For(v.loc.Lang())),
		Links: []ui.Link{{Text: v.loc.T("registerweb.changeReason"), Href: v.registerPath() + v.query("ask", "1")}}}
}

func (v *visit) title() string { return v.d.Title.For(v.loc.Lang()) }

func (v *visit) toRegister() ui.Link {
	return ui.Link{Text: v.title(), Href: v.registerPath() + v.query()}
}

func (v *visit) toRecord() ui.Link {
	return ui.Link{Text: v.loc.T("registerweb.toRecord"), Href: v.recordPath() + v.query()}
}

func (v *visit) at(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return v.loc.DateTime(t.In(v.Zone))
}

// showAll are the registers: those that the clerk's office keeps, those that it may read
// for a case, those that are for everybody.
func (p *pages) showAll(w http.ResponseWriter, r *http.Request) error {
	v, err := p.visit(w, r)
	if err != nil {
		return err
	}
	type group struct {
		title string
		cards []ui.Card
	}
	groups := []group{{title: "registerweb.own"}, {title: "registerweb.others"}, {title: "registerweb.public"}}
	for _, d := range p.Registers.Registers().All() {
		i := 1
		switch {
		case d.Office == v.a.Office:
			i = 0
		case d.Public:
			i = 2
		}
		groups[i].cards = append(groups[i].cards, ui.Card{Title: d.Title.For(v.loc.Lang()), Level: 3, Preline: p.Office(d.Office).For(v.loc.Lang()), Text: d.Purpose.For(v.loc.Lang()), Href: home + "/" + d.ID})
	}
	items := []ui.Component{ui.Text{Text: v.loc.T("registerweb.intro")}}
	for _, g := range groups {
		if len(g.cards) > 0 {
			items = append(items, ui.Heading{Text: v.loc.T(g.title)}, ui.Cards{Items: g.cards})
		}
	}
	return v.render(http.StatusOK, v.loc.T("registerweb.title"), ui.Link{}, items...)
}
