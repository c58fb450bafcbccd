// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"mercator/adapter/api"
	"mercator/adapter/oidclogin"
	"mercator/adapter/webhook"
	"mercator/adapter/xbezahl"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/casefile/casefileweb"
	"mercator/domain/catalogue"
	"mercator/domain/catalogue/catalogueweb"
	"mercator/domain/citymap"
	"mercator/domain/intake"
	"mercator/domain/intake/intakeweb"
	"mercator/domain/intake/sheet"
	"mercator/domain/mandate"
	"mercator/domain/mandate/mandateweb"
	"mercator/domain/mydata/mydataweb"
	"mercator/domain/notice"
	"mercator/domain/notice/noticeweb"
	"mercator/domain/oversight"
	"mercator/domain/oversight/oversightweb"
	"mercator/domain/payment/paymentweb"
	"mercator/domain/postbox"
	"mercator/domain/postbox/postboxweb"
	"mercator/domain/process"
	"mercator/domain/process/incidentweb"
	"mercator/domain/process/processweb"
	"mercator/domain/register"
	"mercator/domain/register/registerweb"
	"mercator/domain/service"
	"mercator/domain/studio"
	"mercator/domain/studio/studioweb"
	"mercator/domain/watch"
	"mercator/domain/watch/watchweb"
	"mercator/lang/bpmn"
	"mercator/lang/feel"
	"mercator/lang/form"
	"mercator/web"
	"mercator/web/ui"

	"github.com/paulmach/orb"
)

// rooms are the writing office, the postbox, and the counters for programs.
type rooms struct {
	notice   *notice.Desk
	postbox  *postbox.Box
	renderer *pdf.Renderer
	webhooks *webhook.Service
	api      *api.API
	watches  *watch.Office
	words    *i18n.Catalogue
}

func roomMigrations() []store.Migrations {
	return []store.Migrations{postbox.Migrations(), notice.Migrations(), webhook.Migrations(), api.Migrations(), mandate.Migrations(), oversight.Migrations(), watch.Migrations(), studio.Migrations()}
}

func roomMessages() []fs.FS {
	return []fs.FS{
		catalogueweb.Messages(), intakeweb.Messages(), sheet.Messages(), casefileweb.Messages(), mydataweb.Messages(), paymentweb.Messages(),
		notice.Messages(), noticeweb.Messages(), process.Messages, processweb.Messages(), incidentweb.Messages(), postbox.Messages(), postboxweb.Messages(),
		webhook.Messages(), api.Messages(), mandateweb.Messages(), register.Messages(), registerweb.Messages(), oversightweb.Messages(), watchweb.Messages(), studio.Messages(), studioweb.Messages(),
	}
}

// buildRooms builds the writing office and the postbox.
func (h *House) buildRooms(context.Context) (err error) {
	words, err := h.catalogue()
	if err != nil {
		return err
	}
	h.words = words
	if err := h.buildWebhooks(); err != nil {
		return err
	}
	if h.renderer, err = pdf.New(pdf.Config{}); err != nil {
		return err
	}
	if h.postbox, err = postbox.New(postbox.Config{DB: h.db, Outbox: h.outbox, Now: h.now}); err != nil {
		return err
	}
	city := h.city.Info
	h.notice, err = notice.New(notice.Config{
		DB: h.db, Blobs: h.blobs, Renderer: h.renderer, Outbox: h.outbox, Catalogue: words, Now: h.now, Zone: h.zone,
		BaseURL: h.config.Server.PublicURL,
		City: notice.City{Name: city.Name, Website: city.Website,
			ReturnLine: fmt.Sprintf("%s · %s %s · %s %s", city.Name, city.Street, city.HouseNumber, city.Postcode, city.Place),
			Footer: []string{
				fmt.Sprintf("%s\n%s %s\n%s %s", city.Name, city.Street, city.HouseNumber, city.Postcode, city.Place),
				fmt.Sprintf("Telefon %s\n%s", city.Phone, city.Email), city.Website,
			}},
		Office: func(id string) notice.Office {
			o, _ := h.office(id)
			return notice.Office{Name: o.Name["de"], Phone: o.Phone, Email: o.Email}
		},
		Service: h.services.Version, Deliver: h.deliver, Record: h.record,
	})
	return err
}

// mounts are the pages of every room, and where they hang.
func (h *House) mounts(t *web.Templates, login *oidclogin.Login, words *i18n.Catalogue) ([]web.Mounts, error) {
	secret, err := h.config.Payment.CallbackSecret.Read()
	if err != nil {
		return nil, fmt.Errorf("payment.callback_secret: %w", err)
	}
	webhook := &xbezahl.Webhook{Secret: []byte(secret), Take: h.payments.Call, Now: h.now}
	city := h.city.Info
	plan, err := citymap.Load(h.content, h.drawable, h.places)
	if err != nil {
		return nil, err
	}
	applications, err := intakeweb.New(intakeweb.Config{Intake: h.intake, Templates: t, Now: h.now, BaseURL: h.config.Server.PublicURL, Secure: strings.HasPrefix(h.config.Server.PublicURL, "https:"),
		Register: h.registerInfo, Next: h.next, Pay: h.pay, Fee: h.fee, City: city.Name, Office: h.officeName, Renderer: h.renderer, Moment: h.moment, Map: plan})
	if err != nil {
		return nil, err
	}
	build := []func() (web.Mounts, error){
		func() (web.Mounts, error) {
			return catalogueweb.Mounts(catalogueweb.Config{Templates: t, Directory: h.directory,
				City: catalogueweb.City{Phone: city.Phone, PhoneShort: city.PhoneShort, Hours: i18n.Text(city.Hours)},
				Office: func(id string) (catalogue.Office, bool) {
					o, ok := h.office(id)
					return catalogue.Office{ID: o.ID, Name: i18n.Text(o.Name), Phone: o.Phone, Email: o.Email, Hours: i18n.Text(o.Hours),
						Address: fmt.Sprintf("%s %s\n%s %s", o.Street, o.HouseNumber, o.Postcode, city.Place)}, ok
				},
				Register: func(id string) i18n.Text {
					d, ok := h.registers.Registers().Get(id)
					if !ok {
						return i18n.Plain(id)
					}
					return i18n.Text(d.Title)
				}})
		},
		func() (web.Mounts, error) { return applications.Mounts(), nil },
		func() (web.Mounts, error) { return h.studioMounts(t, applications) },
		func() (web.Mounts, error) {
			return paymentweb.Mounts(paymentweb.Config{Templates: t, Payments: h.payments, Access: h.access, Actor: identity.Require, Webhook: webhook.Handle})
		},
		func() (web.Mounts, error) {
			return noticeweb.Mounts(noticeweb.Config{Templates: t, Desk: h.notice, Access: h.access, Actor: identity.RequireActing,
				Application: h.applicationPDF, Renderer: h.renderer})
		},
		func() (web.Mounts, error) {
			return postboxweb.Mounts(postboxweb.Config{Templates: t, Box: h.postbox, Access: h.access, Zone: h.zone, Actor: identity.RequireActing, Office: h.officeName})
		},
		func() (web.Mounts, error) { return mandateweb.Mounts(h.mandatePages(t)) },
		func() (web.Mounts, error) { return oversightweb.Mounts(h.oversightPages(t)) },
		func() (web.Mounts, error) { return casefileweb.Mounts(h.casePages(t)) },
		func() (web.Mounts, error) { return h.watchMounts(t) },

		func() (web.Mounts, error) { return mydataweb.Mounts(h.myDataPages(t, words)) },
		func() (web.Mounts, error) { return processweb.Mounts(h.processPages(t)) },
		func() (web.Mounts, error) { return incidentweb.Mounts(h.incidentPages(t)) },
		func() (web.Mounts, error) { return registerweb.Mounts(h.registerPages(t)) },
		func() (web.Mounts, error) { return h.apiMounts(words) },
	}
	out := []web.Mounts{h.operator(), h.ledgerMounts(), h.keyMounts(), {
		{Pattern: "GET /signin", Handler: web.Handle(login.SignIn), Class: web.ClassSign},
		{Pattern: "GET /signin/callback", Handler: web.Handle(login.Callback), Class: web.ClassSign},
		{Pattern: "POST /signout", Handler: web.Handle(login.SignOut)},
	}}
	for _, b := range build {
		m, err := b()
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

// registerPages plugs the cases into the pages of the registers.
func (h *House) registerPages(t *web.Templates) registerweb.Config {
	return registerweb.Config{Templates: t, DB: h.db, Registers: h.registers, Access: h.access, Now: h.now, Zone: h.zone, Actor: identity.Require, Office: h.officeName,
		Case: func(ctx context.Context, ref string) (id, office, person string, err error) {
			if id, err = h.cases.IDOf(ctx, ref); err != nil {
				return "", "", "", err
			}
			c, err := h.cases.Peek(ctx, h.db, id)
			return id, c.Office, c.Person, err
		}}
}

// registerInfo names a register and its fields.
func (h *House) registerInfo(id, lang string) intakeweb.RegisterInfo {
	info := intakeweb.RegisterInfo{Title: id, Fields: map[string]string{}}
	if d, ok := h.registers.Registers().Get(id); ok {
		info.Title = d.Title.For(lang)
		for _, f := range d.Fields {
			info.Fields[f.Name] = f.Title.For(lang)
		}
	}
	return info
}

// drawable tells whether the map may show a field with geometry of a register, and a label.
func (h *House) drawable(id, geometry, label string) error {
	d, ok := h.registers.Registers().Get(id)
	if !ok || !d.Public {
		return fmt.Errorf("%q is no public register", id)
	}
	if f, ok := d.Field(geometry); !ok || !f.Geometry || !f.By(register.Places) {
		return fmt.Errorf("register %s has no geometry %q that is searched", id, geometry)
	}
	if _, ok := d.Field(label); label != "" && !ok {
		return fmt.Errorf("register %s has no field %q", id, label)
	}
	return nil
}

// places finds what the map shows; public registers need no grant.
func (h *House) places(ctx context.Context, in orb.Bound, id, geometry, label string) ([]citymap.Feature, error) {
	q := register.Query{Fields: []string{geometry}, Limit: register.MaxPage,
		Filter: fmt.Sprintf("S_INTERSECTS(%s, BBOX(%f, %f, %f, %f))", geometry, in.Min[0], in.Min[1], in.Max[0], in.Max[1])}
	if label != "" {
		q.Fields = append(q.Fields, label)
	}
	page, err := h.registers.Search(ctx, access.Grant{}, id, q)
	if err != nil {
		return nil, err
	}
	out := make([]citymap.Feature, len(page.Records))
	for i, r := range page.Records {
		fields, err := r.Fields(q.Fields)
		if err != nil {
			return nil, err
		}
		if out[i].Shape, err = register.GeometryOf(fields[geometry]); err != nil {
			return nil, err
		}
		out[i].Label, _ = fields[label].(string)
	}
	return out, nil
}

// tellOfFading puts into a person's postbox that a draft of theirs will go soon.
func (h *House) tellOfFading(ctx context.Context, tx *store.Tx, d intake.Draft) error {
	s, err := h.intake.Service(d)
	if fault.Is(err, fault.NotFound) { // not offered any more: there is nothing to go on with
		return nil
	}
	if err != nil {
		return err
	}
	title := s.Title
	if e, err := h.intake.EventOf(ctx, tx, d); err != nil {
		return err
	} else if e != nil {
		title = e.Title
	}
	subject, body := i18n.Text{}, i18n.Text{}
	for _, lang := range h.words.Languages() {
		loc := h.words.Localizer(lang)
		subject[lang] = loc.T("intake.fading.subject", "service", title.For(lang))
		body[lang] = loc.T("intake.fading.body", "service", title.For(lang), "date", loc.Date(d.ExpiresAt.In(h.zone)))
	}
	_, err = h.postbox.Deliver(ctx, tx, postbox.Message{Person: d.Owner, Office: s.Office, Subject: subject, Body: body, Link: "/apply/" + d.ID})
	return err
}

// tellOfDraft puts into a person's postbox what has become of a draft that they have a part in.
func (h *House) tellOfDraft(ctx context.Context, tx *store.Tx, n intake.News) error {
	s, err := h.intake.Service(intake.Draft{Service: n.Service})
	if err != nil {
		return err
	}
	subject, body := i18n.Text{}, i18n.Text{}
	for _, lang := range h.words.Languages() {
		loc := h.words.Localizer(lang)
		args := []any{"service", s.Title.For(lang), "name", n.Name}
		subject[lang], body[lang] = loc.T(n.Key+".subject", args...), loc.T(n.Key+".body", args...)
	}
	_, err = h.postbox.Deliver(ctx, tx, postbox.Message{Person: n.Person, Office: s.Office, Subject: subject, Body: body, Link: "/apply/" + n.Draft})
	return err
}

// next leads from the submission to its receipt, which leads on to the cash desk or the case.
func (h *House) next(ctx context.Context, a access.Actor, caseID string) string {
	if a.Acting() {
		return h.nextActing(ctx, a, caseID)
	}
	return "/cases/" + caseID + "/receipt"
}

// pay is what is open for a case now, and the cash desk.
func (h *House) pay(ctx context.Context, caseID string) (int64, string, error) {
	p, ok, err := h.payments.OpenFor(ctx, caseID)
	if err != nil || !ok {
		return 0, "", err
	}
	return p.Cents, "/pay/" + p.ID, nil
}

// fee is what an application costs as it is filled in.
func (h *House) fee(_ context.Context, s *service.Service, application form.Answers) (intakeweb.FeeInfo, bool) {
	d := s.Decisions[s.Fee.Decision]
	if d == nil {
		return intakeweb.FeeInfo{}, false
	}
	r, err := d.Decide(s.Fee.Decision, map[string]any{"application": application, feel.Now: h.now().In(h.zone)})
	if err != nil {
		return intakeweb.FeeInfo{}, false
	}
	cents, ok := service.Cents(r.Value)
	info := intakeweb.FeeInfo{Cents: cents}
	for _, t := range r.Trace {
		for _, rule := range t.Rules {
			for _, a := range rule.Annotations {
				if a.Name == "law" {
					info.Law = a.Text
				}
			}
		}
	}
	return info, ok
}

// casePages plugs what other offices know of a case into its pages.
func (h *House) casePages(t *web.Templates) casefileweb.Config {
	return casefileweb.Config{
		Templates: t, Cases: h.cases, Services: h.services, Access: h.access, Tasks: deskTasks{h}, NoWorklist: noWorklist, Now: h.now, Zone: h.zone,
		Actor: identity.Require, Acting: identity.RequireActing, Office: h.officeName, Moment: h.moment, City: h.city.Info.Name, Renderer: h.renderer,
		Documents: func(ctx context.Context, g access.Grant, caseID string) ([]casefileweb.Document, error) {
			list, err := h.notice.OfCase(ctx, g, caseID)
			out := make([]casefileweb.Document, 0, len(list))
			for _, d := range list {
				x := casefileweb.Document{ID: d.ID, Title: i18n.Plain(d.Title), At: d.IssuedAt, Href: "/documents/" + d.ID, Size: d.Size}
				if g.Actor().Kind == access.Clerk {
					x.Href = "/desk/documents/" + d.ID
				}
				// Only what runs out has a validity that people care about: a permit, not a letter.
				if v := d.On(h.notice.Today()); d.ValidUntil != "" || v == notice.Revoked {
					x.State = string(v)
				}
				out = append(out, x)
			}
			return out, err
		},
		Messages: func(ctx context.Context, g access.Grant, caseID string) ([]casefileweb.Message, error) {
			if ok, err := h.mayMessages(ctx, g, caseID); err != nil || !ok {
				return nil, err
			}
			list, err := h.postbox.OfCase(ctx, g, caseID)
			out := make([]casefileweb.Message, 0, len(list))
			for _, m := range list {
				out = append(out, casefileweb.Message{At: m.SentAt, From: "office", Subject: m.Subject, Body: m.Body})
			}
			return out, err
		},
		Payment: func(ctx context.Context, g access.Grant, caseID string) (casefileweb.Payment, bool, error) {
			if g.Person() != g.Actor().ID { // nobody pays by a mandate
				return casefileweb.Payment{}, false, nil
			}
			p, ok, err := h.payments.OpenFor(ctx, caseID)
			return casefileweb.Payment{Href: "/pay/" + p.ID, Cents: p.Cents}, ok, err
		},
		Corrections: func(ctx context.Context, g access.Grant, caseID string) ([]casefileweb.Correction, error) {
			if g.Actor().Kind != access.Resident || !g.Allows(mandate.Submit) {
				return nil, nil
			}
			list, err := h.intake.Corrections(ctx, g.Actor(), caseID)
			out := make([]casefileweb.Correction, 0, len(list))
			for _, c := range list {
				out = append(out, casefileweb.Correction{Label: i18n.Plain(h.fieldLabel(ctx, c.Service, c.Version, c.Field)), Message: i18n.Plain(c.Message), Href: "/corrections/" + c.ID})
			}
			return out, err
		},
		Files: h.caseFiles, SendFile: h.sendCaseFile,
		Ask: h.ask, Write: h.write, Diagram: h.diagram, Free: freeParts{h},
		Steps: func(ctx context.Context, g access.Grant, c casefile.Case, loc *i18n.Localizer, path, after string) (ui.Component, error) {
			list, err := h.engine.CaseHistory(ctx, g, c.ID, after, processweb.StepsPage)
			if err != nil {
				return nil, err
			}
			return processweb.History(loc, h.zone, list, path, after), nil
		},
		FormVars: func(ctx context.Context, s *service.Service) (map[string]any, error) {
			lists, err := h.intake.Lists(ctx, s)
			return map[string]any{"lists": lists}, err
		},
		ApplicationPDF: func(caseID string) string { return "/desk/cases/" + caseID + "/application.pdf" },
	}
}

var textAsked = i18n.Text{"de": "Bitte um Berichtigung", "en": "Request to correct", "tr": "Düzeltme isteği", "de-simple": "Bitte ändern Sie etwas"}

// ask asks the applicant to correct one field: in the counter, in the postbox and on
// file, together.
func (h *House) ask(ctx context.Context, g access.Grant, c casefile.Case, field, message string) error {
	return h.db.Write(ctx, func(tx *store.Tx) error {
		if err := h.intake.Correction(ctx, tx, c.ID, c.Person, field, message); err != nil {
			return err
		}
		label := h.fieldLabel(ctx, c.Service, c.Version, field)
		return h.tell(ctx, tx, g, c, casefile.Correction, textAsked, i18n.Plain(label+": "+message))
	})
}

// write sends the applicant a message of the clerk's own.
func (h *House) write(ctx context.Context, g access.Grant, c casefile.Case, subject, body string) error {
	return h.db.Write(ctx, func(tx *store.Tx) error {
		return h.tell(ctx, tx, g, c, casefile.Message, i18n.Plain(subject), i18n.Plain(body))
	})
}

func (h *House) tell(ctx context.Context, tx *store.Tx, g access.Grant, c casefile.Case, kind casefile.Kind, subject, body i18n.Text) error {
	if _, err := h.postbox.Deliver(ctx, tx, postbox.Message{Person: c.Person, CaseID: c.ID, Office: c.Office, Subject: subject, Body: body}); err != nil {
		return err
	}
	return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.ID, Kind: kind, ActorKind: string(access.Clerk), ActorName: g.Actor().Name, Title: subject, Body: body})
}

// processPages are the operators' pages: a file number leads to the process of its case.
func (h *House) processPages(t *web.Templates) processweb.Config {
	return processweb.Config{Templates: t, DB: h.db, Engine: h.engine, Services: h.services, Access: h.access, Zone: h.zone, Actor: identity.Require, Now: h.now,
		Find: func(ctx context.Context, ref string) (string, error) {
			id, err := h.cases.IDOf(ctx, ref)
			if err != nil {
				return "", err
			}
			return h.engine.InstanceOf(ctx, id)
		},
		Owner: func(ctx context.Context, caseID string) (string, error) {
			c, err := h.cases.Peek(ctx, h.db, caseID)
			return c.Person, err
		}}
}

// diagram draws the process of a case with its token.
func (h *House) diagram(ctx context.Context, _ access.Grant, c casefile.Case, loc *i18n.Localizer) ([]ui.Component, error) {
	v, err := h.engine.View(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	text := loc.T("app.diagram.ended")
	if len(v.Active) > 0 {
		var names []string
		for _, id := range v.Active {
			names = append(names, elementName(v.Linked, id))
		}
		text = loc.T("app.diagram.at", "steps", strings.Join(names, ", "))
	}
	return []ui.Component{processweb.Diagram(v, loc.T("casefileweb.diagram"), text), processweb.Outline(loc, v)}, nil
}

func elementName(p *bpmn.Process, id string) string {
	if e := p.Element(id); e != nil && e.Name != "" {
		return e.Name
	}
	return id
}

// noWorklist is where those who work at the desk go who have no worklist there.
func noWorklist(a access.Actor) string {
	if a.Is("operator") && !a.Is("clerk") && !a.Is("head") && !a.Is("counter") {
		return "/desk/incidents"
	}
	return ""
}

// incidentPages plugs into the operator's pages what other rooms call things.
func (h *House) incidentPages(t *web.Templates) incidentweb.Config {
	return incidentweb.Config{
		Templates: t, Processes: h.engine, Access: h.access, Zone: h.zone, Actor: identity.Require,
		Service: func(id, lang string) string {
			if s, ok := h.services.Current(id); ok {
				return s.Title.For(lang)
			}
			return id
		},
		Element: func(id, element string) string {
			s, ok := h.services.Current(id)
			if !ok {
				return element
			}
			p, ok := s.Process.Process(s.ProcessID)
			if !ok {
				return element
			}
			return elementName(p, element)
		},
		Person: func(ctx context.Context, caseID string) (string, error) {
			c, err := h.cases.Peek(ctx, h.db, caseID)
			if fault.Is(err, fault.NotFound) {
				return "", nil
			}
			return c.Person, err
		},
	}
}

// applicationPDF is the application as the file has it now, on paper.
func (h *House) applicationPDF(ctx context.Context, g access.Grant, caseID string) (pdf.Sheet, string, error) {
	c, err := h.cases.Get(ctx, g, caseID)
	if err != nil {
		return pdf.Sheet{}, "", err
	}
	s, err := h.services.Version(ctx, c.Service, c.Version)
	if err != nil {
		return pdf.Sheet{}, "", err
	}
	var answers, registers map[string]any
	if err := errors.Join(unmarshal(c.Application, &answers), unmarshal(c.Registers, &registers)); err != nil {
		return pdf.Sheet{}, "", fault.Wrap("app.applicationPDF", err)
	}
	lists, err := h.intake.Lists(ctx, s)
	if err != nil {
		return pdf.Sheet{}, "", err
	}
	vars := map[string]any{"lists": lists, "registers": nil}
	if registers != nil {
		vars["registers"] = registers
	}
	view := s.Form.Eval(answers, form.Context{Vars: vars, Lang: "de", Today: c.OpenedAt.In(h.zone)})
	doc, err := h.sheetOf(c, s, view, h.words.Localizer("de"), c.OpenedAt)
	return doc, c.Person, err
}

// deskTasks is the engine as the desk works with it.
type deskTasks struct{ h *House }

func (d deskTasks) task(t process.UserTask) casefileweb.Task {
	return casefileweb.Task{ID: t.ID, CaseID: t.CaseID, CaseRef: t.CaseRef, Label: t.Label, Service: t.Service, Version: t.Version, Office: t.Office,
		Name: i18n.Plain(t.Name), Form: t.Form, Assignee: t.Assignee, AssigneeName: t.AssigneeName, Open: t.State == process.Open,
		Due: t.Due, Done: t.DoneAt, Revision: t.Revision}
}

func (d deskTasks) Worklist(ctx context.Context, g access.Grant, f casefileweb.Filter, after casefileweb.After, n int) ([]casefileweb.Task, error) {
	list, err := d.h.engine.Worklist(ctx, g, process.Filter{Service: f.Service, Mine: f.Which == "mine", Free: f.Which == "free", Overdue: f.Which == "due", Done: f.Which == "done", Search: f.Search},
		process.After{At: after.Due, ID: after.ID}, n)
	out := make([]casefileweb.Task, 0, len(list))
	for _, t := range list {
		out = append(out, d.task(t))
	}
	return out, err
}

func (d deskTasks) Counts(ctx context.Context, g access.Grant) (casefileweb.Counts, error) {
	c, err := d.h.engine.Counts(ctx, g)
	return casefileweb.Counts{All: c.All, Free: c.Free, Mine: c.Mine, Due: c.Overdue, Services: c.Services, Limit: process.CountLimit}, err
}

func (d deskTasks) Task(ctx context.Context, g access.Grant, id string) (casefileweb.Task, error) {
	t, err := d.h.engine.Task(ctx, g, id)
	if err != nil {
		return casefileweb.Task{}, err
	}
	out := d.task(t)
	if out.Open {
		out.Vars, err = d.h.engine.Vars(ctx, g, t)
	}
	return out, err
}

func (d deskTasks) OfCase(ctx context.Context, g access.Grant, caseID string) ([]casefileweb.Task, error) {
	list, err := d.h.engine.CaseTasks(ctx, g, caseID)
	out := make([]casefileweb.Task, 0, len(list))
	for _, t := range list {
		out = append(out, d.task(t))
	}
	return out, err
}

// freeParts are the ad-hoc sub-processes of a case as the desk leads them.
type freeParts struct{ h *House }

func (f freeParts) Running(ctx context.Context, g access.Grant, caseID string) ([]casefileweb.FreePart, error) {
	id, err := f.h.engine.InstanceOf(ctx, caseID)
	if err != nil {
		return nil, err
	}
	list, err := f.h.engine.AdHocs(ctx, g, id)
	var out []casefileweb.FreePart
	for _, x := range list {
		part := casefileweb.FreePart{Token: x.Token, Name: x.Name, Revision: x.Revision, Ends: x.Ends}
		for _, s := range x.Activities {
			part.Choices = append(part.Choices, casefileweb.FreeChoice{ID: s.Element, Name: s.Name, Running: s.Running, Waiting: s.Waiting})
		}
		out = append(out, part)
	}
	return out, err
}

func (f freeParts) turn(ctx context.Context, caseID string, t process.AdHocTurn, do func(*store.Tx, process.AdHocTurn) error) error {
	var err error
	if t.Instance, err = f.h.engine.InstanceOf(ctx, caseID); err != nil {
		return err
	}
	return f.h.db.Write(ctx, func(tx *store.Tx) error { return do(tx, t) })
}

func (f freeParts) Begin(ctx context.Context, g access.Grant, caseID, token string, revision int64, steps []string) error {
	return f.turn(ctx, caseID, process.AdHocTurn{Token: token, Revision: revision, Elements: steps}, func(tx *store.Tx, t process.AdHocTurn) error { return f.h.engine.BeginAdHoc(ctx, tx, g, t) })
}

func (f freeParts) Conclude(ctx context.Context, g access.Grant, caseID, token string, revision int64) error {
	return f.turn(ctx, caseID, process.AdHocTurn{Token: token, Revision: revision}, func(tx *store.Tx, t process.AdHocTurn) error { return f.h.engine.ConcludeAdHoc(ctx, tx, g, t) })
}

func (d deskTasks) Claim(ctx context.Context, g access.Grant, id string) error {
	_, err := d.h.engine.Claim(ctx, g, id)
	return err
}

func (d deskTasks) Release(ctx context.Context, g access.Grant, id string) error {
	return d.h.engine.Release(ctx, g, id)
}

func (d deskTasks) Complete(ctx context.Context, g access.Grant, id string, revision int64, vars map[string]any) error {
	return d.h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := d.h.engine.Complete(ctx, tx, g, id, revision, vars)
		return err
	})
}
