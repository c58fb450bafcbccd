// SPDX-License-Identifier: EUPL-1.2

package notice

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/blob"
	"mercator/core/bus"
	"mercator/core/pdf"
	"mercator/core/pdf/lettertext"
	"mercator/core/store"
	"mercator/domain/service"
)

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the words of the letters' frame.
func Messages() fs.FS { return messageFS }

// maxPDF bounds a document.
const maxPDF = 8 << 20

// City is who writes.
type City struct {
	Name       string // "Stadt Duisburg"
	ReturnLine string // "Stadt Duisburg · Burgplatz 19 · 47051 Duisburg"
	Website    string
	Footer     []string // up to four columns, lines separated by \n
}

// Office is the office that writes.
type Office struct {
	Name  string // in German
	Phone string
	Email string
}

// Delivery is what goes to the person's postbox.
type Delivery struct {
	Person, CaseID, Office string
	Subject, Body          i18n.Text
	Documents              []Attached
}

// Attached is a document that a message brings.
type Attached struct{ ID, Title string }

// Config is what the office works with.
type Config struct {
	DB        *store.DB
	Blobs     blob.Store
	Renderer  *pdf.Renderer
	Outbox    *bus.Outbox
	Catalogue *i18n.Catalogue
	Now       func() time.Time
	Zone      *time.Location // the city's clock; nil: UTC
	BaseURL   string         // of the public portal, for QR codes: "https://portal.example"
	City      City
	Office    func(id string) Office
	// Service is the version of a package that a case began with.
	Service func(ctx context.Context, id, version string) (*service.Service, error)
	// Deliver puts a message into a postbox; nil: none is sent.
	Deliver func(ctx context.Context, tx *store.Tx, d Delivery) error
	// Record writes the document into the file of its case; nil: it isn't.
	Record func(ctx context.Context, tx *store.Tx, d Document) error
}

// Desk is the writing office.
type Desk struct{ c Config }

// New makes the office.
func New(c Config) (*Desk, error) {
	if c.DB == nil || c.Blobs == nil || c.Renderer == nil || c.Outbox == nil || c.Catalogue == nil || c.Service == nil {
		return nil, fault.Internalf("notice.new", "database, blobs, renderer, outbox, catalogue and services are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Office == nil {
		c.Office = func(id string) Office { return Office{Name: id} }
	}
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	return &Desk{c}, nil
}

func (d *Desk) today() string { return d.c.Now().In(d.c.Zone).Format(time.DateOnly) }

// Order asks for a document in a case.
type Order struct {
	CaseID, CaseRef          string
	Service, Version, Office string
	Person, PersonName       string
	Lang                     string         // of the person: the message is in it, the document in German
	Clerk                    string         // who decided; "" : nobody, the decision is automatic
	Template                 string         // NAME of letters/NAME.LANG.letter
	Verify, Card             bool           // with a code; with the cut-out card
	ValidFrom, ValidUntil    string         // legal dates
	Vars                     map[string]any // of the process: JSON data
	Reasons                  []string       // the rules that decided, with their law
}

// WithTask fills in what a service task of the type document.issue says: headers
// template, verify and card, variables valid_from and valid_until.
func (o Order) WithTask(headers map[string]string, vars map[string]any) Order {
	o.Template, o.Vars = headers["template"], vars
	o.Verify, o.Card = headers["verify"] == "true", headers["card"] == "true"
	o.ValidFrom, _ = vars["valid_from"].(string)
	o.ValidUntil, _ = vars["valid_until"].(string)
	return o
}

// Prepared is a document that is rendered and kept, but not issued.
type Prepared struct {
	doc      Document
	delivery Delivery
}

// Variables are what templates read besides the variables of the process.
var Variables = []string{"city", "office", "document", "today", "clerk", "remedy"}

// texts reads the order's template in a language.
func (d *Desk) texts(s *service.Service, o Order, lang string, doc Document) (lettertext.Letter, error) {
	const op = "notice.texts"
	file, src, err := lettertext.Find(s.Letters, o.Template, lang)
	if err != nil {
		return lettertext.Letter{}, fault.Because(fault.Invalid, op, "", err)
	}
	t, problems := lettertext.Parse(file, src)
	if t == nil {
		return lettertext.Letter{}, fault.Because(fault.Invalid, op, "", problems[0])
	}
	loc := d.c.Catalogue.Localizer(lang)
	data := map[string]any{}
	for k, v := range o.Vars {
		data[k] = v
	}
	office := d.c.Office(o.Office)
	data["city"] = map[string]any{"name": d.c.City.Name, "website": d.c.City.Website}
	data["office"] = map[string]any{"id": o.Office, "name": office.Name, "phone": office.Phone, "email": office.Email}
	data["document"] = map[string]any{"code": ShowCode(doc.Code), "url": d.url(doc.Code), "valid_from": doc.ValidFrom, "valid_until": doc.ValidUntil}
	data["today"], data["clerk"], data["remedy"] = d.today(), o.Clerk, s.Remedy.For(lang)
	data["service"] = map[string]any{"id": s.ID, "title": s.Title.For(lang)}
	l, err := t.Execute(loc, data, lettertext.Parts{Reasons: o.Reasons, ReasonsTitle: loc.T("notice.reasons"), RemedyTitle: loc.T("notice.remedy"), Remedy: s.Remedy.For(lang)})
	if err != nil {
		return l, fault.Because(fault.Invalid, op, "", err)
	}
	return l, nil
}

func (d *Desk) url(code string) string {
	if code == "" {
		return ""
	}
	return d.c.BaseURL + "/v/" + code
}

// Prepare renders a document and keeps its bytes. It runs outside any transaction,
// perhaps more than once; nothing is issued by it.
func (d *Desk) Prepare(ctx context.Context, o Order) (Prepared, error) {
	const op = "notice.prepare"
	s, err := d.c.Service(ctx, o.Service, o.Version)
	if err != nil {
		return Prepared{}, fault.Wrap(op, err)
	}
	doc := Document{ID: ident.New(), CaseID: o.CaseID, Person: o.Person, Office: o.Office, Service: o.Service, Template: o.Template,
		Kind: s.Title, ValidFrom: o.ValidFrom, ValidUntil: o.ValidUntil, IssuedAt: d.c.Now().UTC().Truncate(time.Microsecond)}
	for _, day := range []string{o.ValidFrom, o.ValidUntil} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return Prepared{}, fault.Because(fault.Invalid, op, "", err)
		}
	}
	if o.Verify {
		doc.Code = newCode()
	}
	text, err := d.texts(s, o, "de", doc)
	if err != nil {
		return Prepared{}, err
	}
	letter := d.letter(o, doc, text)
	data, err := d.c.Renderer.Letter(letter)
	if err != nil {
		return Prepared{}, fault.Because(fault.Invalid, op, "", err)
	}
	ref, err := d.c.Blobs.Put(ctx, bytes.NewReader(data), maxPDF)
	if err != nil {
		return Prepared{}, fault.Wrap(op, err)
	}
	doc.Blob, doc.Size, doc.Title = ref.Hash, ref.Size, letter.Title
	del, err := d.message(s, o, doc)
	if err != nil {
		return Prepared{}, err
	}
	del.Documents = []Attached{{doc.ID, doc.Title}}
	return Prepared{doc, del}, nil
}

// message is what the postbox says, in every language that the template has.
func (d *Desk) message(s *service.Service, o Order, doc Document) (Delivery, error) {
	del := Delivery{Person: o.Person, CaseID: o.CaseID, Office: o.Office, Subject: i18n.Text{}, Body: i18n.Text{}}
	for _, lang := range d.c.Catalogue.Languages() {
		if s.Letters[lettertext.Name(o.Template, lang)] == nil {
			continue
		}
		t, err := d.texts(s, o, lang, doc)
		if err != nil {
			return del, err
		}
		del.Subject[lang], del.Body[lang] = t.MessageSubject, t.MessageBody
		if t.MessageBody == "" {
			del.Body[lang] = plainText(t)
		}
	}
	return del, nil
}

// plainText is a letter as text for a screen.
func plainText(t lettertext.Letter) string {
	out := []string{}
	if t.Salutation != "" {
		out = append(out, t.Salutation)
	}
	for _, b := range t.Body {
		switch b.Kind {
		case pdf.List:
			out = append(out, "– "+strings.Join(b.Items, "\n– "))
		case pdf.Table:
			lines := make([]string, len(b.Facts))
			for i, f := range b.Facts {
				lines[i] = f.Label + ": " + f.Value
			}
			out = append(out, strings.Join(lines, "\n"))
		default:
			out = append(out, b.Text)
		}
	}
	return strings.Join(append(out, strings.Join(t.Closing, "\n")), "\n\n")
}

// letter puts the frame around the texts.
func (d *Desk) letter(o Order, doc Document, t lettertext.Letter) pdf.Letter {
	loc := d.c.Catalogue.Localizer("de")
	office := d.c.Office(o.Office)
	l := pdf.Letter{
		Lang: "de", Title: t.Title, Created: doc.IssuedAt,
		Sender:  pdf.Sender{Name: d.c.City.Name, Office: office.Name, ReturnLine: d.c.City.ReturnLine, Footer: d.c.City.Footer},
		To:      recipient(o),
		Subject: t.Subject, Salutation: t.Salutation, Body: t.Body, Closing: t.Closing,
		PageOf: loc.T("notice.pageOf", "page", "{page}", "pages", "{pages}"),
	}
	if l.Title == "" {
		l.Title = t.Subject
	}
	for _, p := range []pdf.Pair{
		{Label: loc.T("notice.ref"), Value: o.CaseRef}, {Label: loc.T("notice.office"), Value: office.Name}, {Label: loc.T("notice.clerk"), Value: o.Clerk},
		{Label: loc.T("notice.phone"), Value: office.Phone}, {Label: loc.T("notice.email"), Value: office.Email}, {Label: loc.T("notice.date"), Value: loc.Date(d.today())},
	} {
		if p.Value != "" {
			l.Info = append(l.Info, p)
		}
	}
	if o.Clerk == "" {
		l.Closing = append(l.Closing, loc.T("notice.automatic"))
	} else {
		l.Closing = append(l.Closing, loc.T("notice.unsigned"))
	}
	if o.Card && t.Card != nil {
		c := t.Card
		l.Card = &pdf.Card{Title: c.Title, Issuer: d.c.City.Name + " · " + office.Name, Large: c.Large, Facts: c.Facts, Cut: c.Cut}
		if doc.Code != "" {
			host := strings.TrimPrefix(strings.TrimPrefix(d.c.BaseURL, "https://"), "http://")
			l.Card.QR, l.Card.QRAlt, l.Card.QRText = d.url(doc.Code), c.Alt, []string{c.Check, host + "/v", ShowCode(doc.Code)}
		}
	} else if doc.Code != "" {
		l.Body = append(l.Body, pdf.Block{Kind: pdf.Small, Text: loc.T("notice.checkAt", "url", d.c.BaseURL+"/v", "code", ShowCode(doc.Code))})
	}
	return l
}

// recipient is the address: from the application, which asks for it or has it from
// the register.
func recipient(o Order) []string {
	app, _ := o.Vars["application"].(map[string]any)
	get := func(keys ...string) string {
		var out []string
		for _, k := range keys {
			if s, _ := app[k].(string); s != "" {
				out = append(out, s)
			}
		}
		return strings.Join(out, " ")
	}
	name := get("given_names", "family_name")
	if name == "" {
		name = o.PersonName
	}
	var to []string
	for _, line := range []string{name, get("street", "house_number"), get("postcode", "city")} {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			to = append(to, line)
		}
	}
	return to
}

// Issue issues what was prepared: document, postbox, file and event are one transaction.
func (d *Desk) Issue(ctx context.Context, tx *store.Tx, p Prepared) (Document, error) {
	const op = "notice.issue"
	x := p.doc
	kind, err := json.Marshal(x.Kind)
	if err != nil {
		return x, fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, insert, x.ID, x.CaseID, x.Person, x.Office, x.Service, x.Template, string(kind), x.Title, x.Blob, x.Size, x.Code,
		x.ValidFrom, x.ValidUntil, store.Micros(x.IssuedAt)); err != nil {
		return x, fault.Wrap(op, err)
	}
	if d.c.Deliver != nil && x.Person != "" {
		if err := d.c.Deliver(ctx, tx, p.delivery); err != nil {
			return x, fault.Wrap(op, err)
		}
	}
	if d.c.Record != nil {
		if err := d.c.Record(ctx, tx, x); err != nil {
			return x, fault.Wrap(op, err)
		}
	}
	return x, d.publish(ctx, tx, EventIssued, x)
}

func (d *Desk) publish(ctx context.Context, tx *store.Tx, typ string, x Document) error {
	data, err := json.Marshal(Fact{x.ID, x.Template, x.Service})
	if err != nil {
		return fault.Wrap("notice.publish", err)
	}
	return fault.Wrap("notice.publish", d.c.Outbox.Publish(ctx, tx, bus.Event{Type: typ, Subject: x.CaseID, Data: data}))
}

// Vars is what the process learns of an issued document: its variable "document".
func (x Document) Vars() map[string]any {
	return map[string]any{"id": x.ID, "title": x.Title, "template": x.Template, "code": x.Code,
		"valid_from": x.ValidFrom, "valid_until": x.ValidUntil}
}

// Compose makes a message without a document out of a template (message.send).
func (d *Desk) Compose(ctx context.Context, o Order) (Delivery, error) {
	s, err := d.c.Service(ctx, o.Service, o.Version)
	if err != nil {
		return Delivery{}, fault.Wrap("notice.compose", err)
	}
	if _, _, err := lettertext.Find(s.Letters, o.Template, "de"); err != nil {
		return Delivery{}, fault.Because(fault.Invalid, "notice.compose", "", err)
	}
	return d.message(s, o, Document{})
}

// Check answers a code. It is public: what it returns holds nothing about a person.
func (d *Desk) Check(ctx context.Context, code string) (v Validity, kind i18n.Text, from, until string, err error) {
	if code = ReadCode(code); code == "" {
		return Unknown, nil, "", "", nil
	}
	x, err := store.One(ctx, d.c.DB, scan, byCode, code)
	if fault.Is(err, fault.NotFound) {
		return Unknown, nil, "", "", nil
	}
	if err != nil {
		return "", nil, "", "", fault.Wrap("notice.check", err)
	}
	return x.On(d.today()), x.Kind, x.ValidFrom, x.ValidUntil, nil
}

// Today is the legal date that validity is asked for.
func (d *Desk) Today() string { return d.today() }

// Get finds a document: a resident their own, a clerk those of their office.
func (d *Desk) Get(ctx context.Context, g access.Grant, id string) (Document, error) {
	const op = "notice.get"
	if err := g.Must(access.Read, "document"); err != nil {
		return Document{}, err
	}
	sql, args := scope(g, id, byIDAndPerson, byIDAndOffice)
	x, err := store.One(ctx, d.c.DB, scan, sql, args...)
	return x, fault.Wrap(op, err)
}

// scope chooses the query that holds the actor to what is theirs.
func scope(g access.Grant, id, person, office string) (sql string, args []any) {
	if a := g.Actor(); a.Kind == access.Resident {
		return person, []any{id, g.Person(), g.Reach()}
	} else if a.Office != "" {
		return office, []any{id, a.Office}
	}
	return person, []any{id, "", ""} // finds nothing
}

// Open reads a document's PDF. The first time that the person does it is kept: the
// day after, a decision counts as notified (§ 41 (2a) VwVfG NRW).
func (d *Desk) Open(ctx context.Context, g access.Grant, id string) (Document, io.ReadCloser, error) {
	const op = "notice.open"
	x, err := d.Get(ctx, g, id)
	if err != nil {
		return x, nil, err
	}
	r, err := d.c.Blobs.Open(ctx, x.Blob)
	if err != nil {
		return x, nil, fault.Wrap(op, err)
	}
	// A delegate receives it for the person if their mandate covers messages (§ 41 (1) VwVfG NRW); else they only look.
	if g.Actor().Kind == access.Resident && g.Allows("messages") && x.FetchedAt.IsZero() {
		err := d.c.DB.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, setFetched, x.ID, store.Micros(d.c.Now()))
			return err
		})
		if err != nil {
			r.Close()
			return x, nil, fault.Wrap(op, err)
		}
	}
	return x, r, nil
}

// OfCase lists the documents of a case, as far as they are the actor's or their
// office's. The grant is one to read the case or the document.
func (d *Desk) OfCase(ctx context.Context, g access.Grant, caseID string) ([]Document, error) {
	if g.Must(access.Read, "case") != nil {
		if err := g.Must(access.Read, "document"); err != nil {
			return nil, err
		}
	}
	sql, args := scope(g, caseID, ofCaseAndPerson, ofCaseAndOffice)
	list, err := store.All(ctx, d.c.DB, scan, sql, args...)
	return list, fault.Wrap("notice.ofCase", err)
}

// Mine lists the documents of the resident who asks, or whom they act for, the newest first; before is the last of the page before.
func (d *Desk) Mine(ctx context.Context, g access.Grant, before string, n int) ([]Document, error) {
	const op = "notice.mine"
	if err := g.Must(access.List, "document"); err != nil {
		return nil, err
	}
	if g.Actor().Kind != access.Resident {
		return nil, fault.New(fault.Denied, op, "")
	}
	if before == "" {
		before = "g" // behind every id
	}
	list, err := store.All(ctx, d.c.DB, scan, pageOfPerson, g.Person(), before, g.Reach(), min(max(n, 1), 200))
	return list, fault.Wrap(op, err)
}

// Revoke takes a document back, from now on. Only its office can.
func (d *Desk) Revoke(ctx context.Context, tx *store.Tx, g access.Grant, id, why string) error {
	const op = "notice.revoke"
	if err := g.Must(access.Change, "document"); err != nil {
		return err
	}
	if why = strings.TrimSpace(why); why == "" || len(why) > 2000 {
		return fault.New(fault.Invalid, op, "notice.whyRevoked")
	}
	a := g.Actor()
	x, err := store.One(ctx, tx, scan, byIDAndOffice, id, a.Office)
	if err != nil {
		return fault.Wrap(op, err)
	}
	n, err := tx.Exec(ctx, revoke, id, a.Office, store.Micros(d.c.Now()), a.ID, why)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, op, "notice.alreadyRevoked")
	}
	return d.publish(ctx, tx, EventRevoked, x)
}

// RevokeNow is Revoke in a transaction of its own.
func (d *Desk) RevokeNow(ctx context.Context, g access.Grant, id, why string) error {
	return d.c.DB.Write(ctx, func(tx *store.Tx) error { return d.Revoke(ctx, tx, g, id, why) })
}

// Lint checks the letters of a package for service.Lint.
func Lint(s *service.Service) func(file string, text []byte, fields []string) []service.Problem {
	roots := append([]string{"decision", "payment", "permit"}, service.Variables...)
	roots = append(roots, Variables...)
	return func(file string, text []byte, fields []string) []service.Problem {
		known := lettertext.Known{
			"application": fields,
			"person":      {"id", "name", "given_names", "family_name"},
			"case":        {"id", "ref", "opened_on", "channel"},
			"service":     {"id", "title"},
			"city":        {"name", "website"},
			"office":      {"id", "name", "phone", "email"},
			"document":    {"code", "url", "valid_from", "valid_until"},
			"decision":    {"outcome", "reason"},
		}
		for _, r := range append(roots, written(s)...) {
			if _, ok := known[r]; !ok {
				known[r] = nil
			}
		}
		var out []service.Problem
		for _, p := range lettertext.Check(file, text, known) {
			out = append(out, service.Problem{File: p.File, Line: p.Line, Col: p.Col, Msg: p.Msg})
		}
		return out
	}
}

// written are the variables that the process sets before or after its tasks.
func written(s *service.Service) []string {
	if s.Process == nil {
		return nil
	}
	var out []string
	if p, ok := s.Process.Process(s.ProcessID); ok {
		for _, e := range p.Elements {
			if e.ResultVar != "" {
				out = append(out, e.ResultVar)
			}
			for _, m := range append(e.Inputs[:len(e.Inputs):len(e.Inputs)], e.Outputs...) {
				out = append(out, m.Target[0])
			}
		}
	}
	return out
}
