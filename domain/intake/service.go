// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/blob"
	"mercator/core/inspect"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/domain/service"
	"mercator/lang/form"
)

// Config is what the counter needs. The functions are other rooms' doors.
type Config struct {
	DB       *store.DB
	Vault    *vault.Vault
	Log      *slog.Logger
	Services *service.Catalog
	Access   *access.Checker
	// Fetch reads what a register knows of a person; register.Fetch.
	Fetch func(ctx context.Context, g access.Grant, use service.RegisterUse, person string) (any, error)
	// List reads a public register, for the options of a form; register.List.
	List func(ctx context.Context, register string) ([]map[string]any, error)
	// OpenCase opens the case and starts its process in the transaction.
	OpenCase func(ctx context.Context, tx *store.Tx, g access.Grant, o Opening) (caseID string, err error)
	// Case is what a case was opened with, corrections included.
	Case func(ctx context.Context, q store.Q, caseID string) (CaseData, error)
	// Withdrawn tells the file of a case that its consent doesn't hold any more; may be nil.
	Withdrawn func(ctx context.Context, tx *store.Tx, c Consent) error
	// Corrected puts the corrected application into the case and lets its process go on.
	// v is the form as it is filled in now, in the language of who corrects it.
	Corrected func(ctx context.Context, tx *store.Tx, c Correction, application json.RawMessage, v *form.View) error
	// Match finds a person by names and birth date; register.MatchPerson.
	Match func(ctx context.Context, givenNames, familyName, birthDate string) (person string, err error)
	// Received is the receipt of a case.
	Received func(ctx context.Context, q store.Q, caseID string) (Receipt, error)
	// Files keeps uploads, Pictures makes PDF/A of photos. nil: forms take no files.
	Files    *blob.Drawer
	Pictures *pdf.Renderer
	HEIC     inspect.HEIC // nil: pictures in HEIC are refused in words
	// Scan looks for malware in a file and names what it found; fault.Unavailable: it can't look now. nil: nobody looks, and files stay in quarantine.
	Scan func(ctx context.Context, r io.Reader) (found string, err error)
	// Found tells the people of a case that something was found in one of its files; may be nil.
	Found func(ctx context.Context, tx *store.Tx, u Upload) error
	Now   func() time.Time
	Zone  *time.Location // whose days count; nil: UTC
	// Tell tells a person what has become of a draft that they have a part in; may be nil.
	Tell func(ctx context.Context, tx *store.Tx, n News) error
	// Fading tells a person that a draft of theirs will go soon; may be nil.
	Fading func(ctx context.Context, tx *store.Tx, d Draft) error
	// Keep is how long a draft lives after its last change; 0: 60 days. KeepGuest is the same for one that nobody has signed in
	// for; 0: a day. Warn is how long before its end its owner is told; 0: a week.
	Keep, KeepGuest, Warn time.Duration
	// GuestFiles bounds the files of who hasn't signed in.
	GuestFiles GuestFiles
	// Fresh is how old register data may be when it is submitted; 0: a day.
	Fresh time.Duration
}

// Intake is the counter.
type Intake struct {
	c     Config
	looks chan struct{} // places to look at a file
	// guestLooks are those of them that guests can have.
	guestLooks chan struct{}
}

// New opens the counter.
func New(c Config) (*Intake, error) {
	if c.DB == nil || c.Vault == nil || c.Services == nil || c.Access == nil || c.Fetch == nil || c.List == nil || c.OpenCase == nil {
		return nil, fault.Internalf("intake.new", "database, vault, services, access, fetch, list and openCase are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Keep == 0 {
		c.Keep = 60 * 24 * time.Hour
	}
	if c.KeepGuest == 0 {
		c.KeepGuest = 24 * time.Hour
	}
	if c.Warn == 0 {
		c.Warn = 7 * 24 * time.Hour
	}
	if c.Fresh == 0 {
		c.Fresh = 24 * time.Hour
	}
	c.GuestFiles = c.GuestFiles.withDefaults()
	return &Intake{c: c, looks: make(chan struct{}, looksAtOnce), guestLooks: make(chan struct{}, guestLooks)}, nil
}

// today is the legal day in the town.
func (in *Intake) today() time.Time {
	y, m, d := in.c.Now().In(in.c.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

func needResident(op string, a access.Actor) error {
	if a.Kind != access.Resident || a.ID == "" {
		return fault.New(fault.Denied, op, "intake.residentsOnly")
	}
	return nil
}

// needSelf is needResident for what nobody does for anybody else: while somebody acts under a mandate it's refused, lest
// their own matters are taken for those of the person they act for.
func needSelf(op string, a access.Actor) error {
	if a.Acting() {
		return fault.New(fault.Denied, op, access.OutsideMandate)
	}
	return needResident(op, a)
}

// Start gives the person's open draft of a service, or begins one.
func (in *Intake) Start(ctx context.Context, a access.Actor, serviceID string) (Draft, error) {
	const op = "intake.start"
	s, ok := in.c.Services.Current(serviceID)
	if !ok || s.Internal {
		return Draft{}, fault.New(fault.NotFound, op, "")
	}
	if s.About != "" {
		return Draft{}, fault.New(fault.Conflict, op, "intake.beginsElsewhere")
	}
	return in.open(ctx, a, s, nil)
}

// keep is how long a draft lives after its last change.
func (in *Intake) keep(owner string) time.Duration {
	if strings.HasPrefix(owner, string(Guest)+":") {
		return in.c.KeepGuest
	}
	return in.c.Keep
}

// open gives the person's open draft of a service, or a new one.
func (in *Intake) open(ctx context.Context, a access.Actor, s *service.Service, also func(*store.Tx, Draft) error) (Draft, error) {
	if err := needResident("intake.start", a); err != nil {
		return Draft{}, err
	}
	return in.begin(ctx, a, s, "", also)
}

func (in *Intake) begin(ctx context.Context, a access.Actor, s *service.Service, origin string, also func(*store.Tx, Draft) error) (Draft, error) {
	const op = "intake.start"
	var d Draft
	err := in.c.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if d, err = in.beginIn(ctx, tx, a, s, origin); err != nil || also == nil {
			return err
		}
		return also(tx, d)
	})
	return d, fault.Wrap(op, err)
}

// beginIn is begin in a transaction.
func (in *Intake) beginIn(ctx context.Context, tx *store.Tx, a access.Actor, s *service.Service, origin string) (d Draft, err error) {
	if _, err := in.may(ctx, tx, a, access.Change, s.ID); err != nil {
		return d, err
	}
	now, by := in.c.Now(), ""
	if a.Acting() {
		by = a.Name
	}
	if _, err := tx.Exec(ctx, expireOne, a.Person(), s.ID, store.Micros(now), a.Mandate); err != nil {
		return d, err
	}
	add := func() (err error) {
		if _, err := tx.Exec(ctx, insertDraft, ident.New(), a.Person(), s.ID, s.Version, store.Micros(now), store.Micros(now.Add(in.keep(a.Person()))), a.Mandate, by, []byte{}, origin); err != nil {
			return err
		}
		d, err = in.oneDraft(ctx, tx, openDraft, a.Person(), s.ID, a.Mandate)
		return err
	}
	if err = add(); errors.Is(err, errErased) {
		if _, err := tx.Exec(ctx, dropErased, a.Person(), s.ID, a.Mandate); err != nil {
			return d, err
		}
		err = add()
	}
	return d, err
}

// Drafts lists the person's open drafts, the last changed first; to who acts for them, those of the mandate. Those of life events
// aren't among them; see Bundles.
func (in *Intake) Drafts(ctx context.Context, a access.Actor) ([]Draft, error) {
	if _, err := in.may(ctx, nil, a, access.List, ""); err != nil {
		return nil, err
	}
	l, err := in.allDrafts(ctx, in.c.DB, listDrafts, a.Person(), store.Micros(in.c.Now()), a.Mandate)
	if err == nil {
		l, err = in.standing(ctx, a, l)
	}
	return l, fault.Wrap("intake.drafts", err)
}

// Draft reads a person's own draft. Anybody else's is not found.
func (in *Intake) Draft(ctx context.Context, a access.Actor, id string) (Draft, error) {
	const op = "intake.draft"
	d, err := in.find(ctx, a, id)
	if err != nil {
		return d, err
	}
	g, err := in.may(ctx, nil, a, access.Read, d.Service)
	if err == nil {
		err = covered(op, g, a, d)
	}
	if err == nil {
		err = in.mayHelp(ctx, nil, a, access.Read, d)
	}
	if err != nil {
		return Draft{}, err
	}
	return d, nil
}

// find is Draft for what asks itself whether the actor may.
func (in *Intake) find(ctx context.Context, a access.Actor, id string) (Draft, error) {
	const op = "intake.draft"
	if a.Kind == access.Clerk {
		d, err := in.atCounter(ctx, a, id)
		if err == nil {
			err = in.migrate(ctx, &d)
		}
		return d, fault.Wrap(op, err)
	}
	if !ident.Valid(id) || a.Kind != access.Resident && a.Kind != Guest || a.Person() == "" {
		return Draft{}, fault.New(fault.NotFound, op, "intake.noDraft")
	}
	d, err := in.oneDraft(ctx, in.c.DB, readDraft, id, a.Person(), store.Micros(in.c.Now()), a.Mandate)
	if fault.Is(err, fault.NotFound) {
		d, err = in.helped(ctx, a, id)
	}
	if err == nil {
		err = in.migrate(ctx, &d)
	}
	return d, fault.Wrap(op, err)
}

// Service is the service of a draft in its version in force: a draft follows the
// form; a case stays with the version that it was submitted under.
func (in *Intake) Service(d Draft) (*service.Service, error) {
	s, ok := in.c.Services.Current(d.Service)
	if !ok {
		return nil, fault.New(fault.NotFound, "intake.service", "intake.serviceGone")
	}
	return s, nil
}

// Fill shows the form to the person: draft, registers, lists.
func (in *Intake) Fill(ctx context.Context, a access.Actor, d Draft, lang string) (*Filling, error) {
	return in.fill(ctx, a, d, false, lang)
}

// FillAlone is Fill for what looks at this form only: of a life event, Whole has the forms that it depends on, and no others.
func (in *Intake) FillAlone(ctx context.Context, a access.Actor, d Draft, lang string) (*Filling, error) {
	return in.fill(ctx, a, d, true, lang)
}

func (in *Intake) fill(ctx context.Context, a access.Actor, d Draft, alone bool, lang string) (*Filling, error) {
	if f, err := in.inBundle(ctx, a, d, alone, lang); f != nil || err != nil {
		return f, err
	}
	s, err := in.Service(d)
	if err != nil {
		return nil, err
	}
	fctx, err := in.context(ctx, a, s, d, lang)
	if err != nil {
		return nil, err
	}
	f := &Filling{Draft: d, Service: s, View: s.Form.Eval(d.Answers, fctx), Context: fctx}
	return f, in.changes(ctx, f)
}

func (in *Intake) context(ctx context.Context, a access.Actor, s *service.Service, d Draft, lang string) (form.Context, error) {
	lists, err := in.Lists(ctx, s)
	if err != nil {
		return form.Context{}, err
	}
	vars := map[string]any{
		"lists": lists, "registers": nil,
		"person":  map[string]any{"id": a.Person(), "name": a.PersonName()},
		"service": map[string]any{"id": s.ID, "title": s.Title.For(lang)},
	}
	if d.Helper != "" {
		vars["person"] = map[string]any{"id": d.Owner, "name": d.OwnerName}
	}
	if a.Kind == Guest { // nobody is known yet
		vars["person"] = map[string]any{"id": "", "name": ""}
	}
	if d.Registers != nil {
		vars["registers"] = d.Registers
	}
	return form.Context{Vars: vars, Raw: d.Raw, Lang: lang, Today: in.today(), Prefill: true}, nil
}

// Lists are the public lists that a service's forms offer, as options: for the
// application, and for the desk's task forms ("lists").
func (in *Intake) Lists(ctx context.Context, s *service.Service) (map[string]any, error) {
	out := map[string]any{}
	for _, l := range s.Lists {
		rows, err := in.c.List(ctx, l.Register)
		if err != nil {
			return nil, fault.Wrap("intake.lists", err)
		}
		opts := make([]any, 0, len(rows))
		for _, r := range rows {
			opts = append(opts, map[string]any{"value": r[l.Value], "label": r[l.Label]})
		}
		out[l.As] = opts
	}
	return out, nil
}

// Consent keeps the answer to the data notice. Yes fetches the data, each register
// with its own grant; no forgets what was fetched before.
func (in *Intake) Consent(ctx context.Context, a access.Actor, id string, yes bool) error {
	const op = "intake.consent"
	if a.Kind == Guest {
		return fault.New(fault.Unauthenticated, op, "")
	}
	d, err := in.Draft(ctx, a, id)
	if err != nil {
		return err
	}
	if err := ownersOnly(op, d); err != nil {
		return err
	}
	if d.State != Open {
		return fault.New(fault.Conflict, op, "intake.submitted")
	}
	s, err := in.Service(d)
	if err != nil {
		return err
	}
	var registers map[string]any
	if yes {
		if registers, err = in.fetch(ctx, a, s); err != nil {
			return err
		}
	}
	return in.changeWith(ctx, op, a, id, func(d *Draft) error {
		d.Consent, d.Registers, d.FetchedAt = No, nil, time.Time{}
		if yes {
			d.Consent, d.Registers, d.FetchedAt = Yes, registers, in.c.Now()
		}
		return nil
	}, func(tx *store.Tx, d Draft) error { return in.give(ctx, tx, a, d, s, yes) })
}

func (in *Intake) fetch(ctx context.Context, a access.Actor, s *service.Service) (map[string]any, error) {
	const op = "intake.fetch"
	// The person agrees; it is the office that reads. So the ledger shows it to the
	// person among what others did with their data.
	least := max(s.Trust, access.Substantial)
	if a.Level < least {
		return nil, fault.New(fault.StepUp, op, "", "level", least.String())
	}
	reader := access.SystemActor("intake")
	reader.Name, reader.Office = s.Title.For("de"), s.Office
	registers := map[string]any{}
	grants := make([]access.Grant, len(s.Data))
	// On record, all of them in one commit, before anything is read.
	err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
		for i, use := range s.Data {
			err := in.mayFetch(ctx, tx, a, s, use)
			if err != nil {
				return err
			}
			if grants[i], err = in.c.Access.PermitTx(ctx, tx, access.Request{
				Actor: reader, Action: access.Read, Resource: "register:" + use.Register, Purpose: s.ID, Basis: use.Basis,
				Service: s.ID, Owner: a.Person(), Subjects: []string{a.Person()}, Fields: use.Fields,
			}); access.Restricted(err) {
				continue // what is restricted is asked of the person, as if no register knew it
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	for i, use := range s.Data {
		if grants[i].Zero() {
			registers[use.As] = nil
			continue
		}
		val, err := in.c.Fetch(ctx, grants[i], use, a.Person())
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		// As it will be read back from the draft: plain JSON.
		b, err := json.Marshal(val)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		var plain any
		if err := decodeJSON(string(b), &plain); err != nil {
			return nil, fault.Wrap(op, err)
		}
		registers[use.As] = plain
	}
	return registers, nil
}

// Refresh fetches again what is older than a day, under the consent that was
// given. It tells whether anything is different now.
func (in *Intake) Refresh(ctx context.Context, a access.Actor, d Draft) (Draft, bool, error) {
	const op = "intake.refresh"
	if d.Helper != "" || d.Consent != Yes || d.State != Open || in.c.Now().Sub(d.FetchedAt) < in.c.Fresh {
		return d, false, nil
	}
	s, err := in.Service(d)
	if err != nil {
		return d, false, err
	}
	registers, err := in.fetch(ctx, a, s)
	if err != nil {
		return d, false, err
	}
	old, _ := encode(d.Registers)
	fresh, _ := encode(registers)
	if err := in.change(ctx, op, a, d.ID, func(x *Draft) error {
		x.Registers, x.FetchedAt = registers, in.c.Now()
		return nil
	}); err != nil {
		return d, false, err
	}
	d, err = in.Draft(ctx, a, d.ID)
	return d, old != fresh, err
}

// change reads a draft, lets f change it and writes it if nobody else has in the
// meantime; else it begins again, so that two devices that save different fields
// both keep theirs.
func (in *Intake) change(ctx context.Context, op string, a access.Actor, id string, f func(d *Draft) error) error {
	return in.changeWith(ctx, op, a, id, f, nil)
}

// changeWith is change with something more in its transaction.
func (in *Intake) changeWith(ctx context.Context, op string, a access.Actor, id string, f func(d *Draft) error, also func(*store.Tx, Draft) error) error {
	for range 8 {
		d, err := in.find(ctx, a, id)
		if err != nil {
			return err
		}
		if d.State != Open {
			return fault.New(fault.Conflict, op, "intake.submitted")
		}
		before := d
		before.Answers, before.Raw = maps.Clone(d.Answers), maps.Clone(d.Raw) // f may change the maps
		if err := f(&d); err != nil {
			return err
		}
		if err := in.mayFill(op, before, d); err != nil {
			return err
		}
		if b, err := encode(d.Answers); err != nil || len(b) > maxAnswers {
			return fault.Because(fault.TooLarge, op, "intake.tooLarge", err)
		}
		if b, err := encode(d.Raw); err != nil || len(b) > maxAnswers {
			return fault.Because(fault.TooLarge, op, "intake.tooLarge", err)
		}
		if b, err := encode(d.Kept); err != nil || len(b) > maxAnswers {
			return fault.Because(fault.TooLarge, op, "intake.tooLarge", err)
		}
		done := false
		err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
			g, err := in.may(ctx, tx, a, access.Change, d.Service)
			if err == nil {
				err = covered(op, g, a, d)
			}
			if err == nil {
				err = in.mayHelp(ctx, tx, a, access.Change, d)
			}
			if err != nil {
				return err
			}
			if err := in.hold(ctx, tx, d); err != nil {
				return err
			}
			if done, err = in.save(ctx, tx, d, in.c.Now()); err != nil {
				return err
			}
			if !done { // changed meanwhile: nothing of this stays
				return errMeanwhile
			}
			if also != nil {
				if err := also(tx, d); err != nil {
					return err
				}
			}
			return in.spread(ctx, tx, before, d)
		})
		if errors.Is(err, errMeanwhile) {
			continue
		}
		if err != nil {
			return fault.Wrap(op, err)
		}
		if done {
			return nil
		}
	}
	return fault.New(fault.Conflict, op, "intake.busy")
}

// Save keeps what was posted of a page, right or wrong, and says what is wrong with it.
func (in *Intake) Save(ctx context.Context, a access.Actor, id, page string, post url.Values, lang string) ([]form.FieldError, error) {
	const op = "intake.save"
	var errs []form.FieldError
	gone := false
	err := in.changeWith(ctx, op, a, id, func(d *Draft) error {
		s, err := in.Service(*d)
		if err != nil {
			return err
		}
		fctx, err := in.context(ctx, a, s, *d, lang)
		if f, e := in.inBundle(ctx, a, *d, true, lang); f != nil && err == nil {
			fctx.Elsewhere, fctx.Afresh = f.Context.Elsewhere, f.Context.Afresh
		} else {
			err = errors.Join(err, e)
		}
		if err != nil {
			return err
		}
		d.Version = s.Version
		errs = nil
		// The form may have changed since the page was shown: a field is taken
		// wherever it stands now, so that nothing typed is lost.
		post, held, err := in.stale(ctx, s, d, post)
		if err != nil {
			return err
		}
		pages := postedPages(s.Form, page, post[form.PostedField])
		if len(pages) == 0 && !held {
			return fault.New(fault.NotFound, op, "")
		}
		before := *d
		errs = form.Told(merge(s, d, pages, post, fctx))
		note(s.Form, a, &before, d, pages, fctx)
		return nil
	}, func(tx *store.Tx, d Draft) (err error) {
		gone, err = in.moveFiles(ctx, tx, d, d.pressed)
		return err
	})
	if err == nil && gone {
		err = in.clearUploads(ctx)
	}
	return errs, err
}

// postedPages are the pages of a post: the one that it was sent from, and those on
// which the fields are that it names; all, if it was sent from no page but from where all are shown (together.go).
func postedPages(f *form.Form, page string, names []string) []string {
	var out []string
	if page == "" {
		for _, p := range f.Pages() {
			out = append(out, p.ID)
		}
		return out
	}
	if f.Page(page) != nil {
		out = append(out, page)
	}
	for i, n := range names {
		if fd := f.Field(n); fd != nil && i < form.MaxPosted && !slices.Contains(out, fd.Page) {
			out = append(out, fd.Page)
		}
	}
	return out
}

// Discard throws a draft away.
func (in *Intake) Discard(ctx context.Context, a access.Actor, id string) error {
	const op = "intake.discard"
	if d, err := in.find(ctx, a, id); err == nil && d.Bundle != "" {
		return fault.Wrap(op, in.discardBundled(ctx, a, d))
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		if a.Acting() {
			d, err := in.find(ctx, a, id)
			if err == nil {
				_, err = in.may(ctx, tx, a, access.Change, d.Service)
			}
			if err != nil {
				return err
			}
		}
		// Its files first, while it says whose they are; if there is no such draft, nothing of this stays.
		if _, err := tx.Exec(ctx, dropUploads, a.Person(), id); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, discardDraft, id, a.Person(), a.Mandate)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, op, "intake.noDraft")
		}
		if err == nil {
			_, err = tx.Exec(ctx, withdrawOfDraft, id, a.Person(), store.Micros(in.c.Now()))
		}
		if err == nil && a.Kind == Guest {
			err = in.dropKey(ctx, tx, a.ID)
		}
		return err
	}))
}

// Submit hands the application over: one transaction checks that nothing has
// changed since it was read, opens the case, and closes the draft. A second press
// of the button, a repeated request, a race of two devices all give the same case.
// What is wrong with the answers comes back, and nothing has happened.
func (in *Intake) Submit(ctx context.Context, a access.Actor, id, lang string) (caseID string, errs []form.FieldError, err error) {
	return in.SubmitSeen(ctx, a, id, "", lang)
}

// SubmitSeen is Submit of what the person has seen (Filling.Shown): what a helper, a clerk or another device of theirs has changed since
// isn't handed over before they have seen it, too.
func (in *Intake) SubmitSeen(ctx context.Context, a access.Actor, id, seen, lang string) (caseID string, errs []form.FieldError, err error) {
	const op = "intake.submit"
	if a.Kind == Guest {
		return "", nil, fault.New(fault.Unauthenticated, op, "")
	}
	for range 8 {
		d, err := in.Draft(ctx, a, id)
		if err != nil {
			return "", nil, err
		}
		if err := ownersOnly(op, d); err != nil {
			return "", nil, err
		}
		if d.State == Submitted {
			return d.CaseID, nil, nil
		}
		f, err := in.Fill(ctx, a, d, lang)
		if err != nil {
			return "", nil, err
		}
		if f.Whole != nil {
			return "", nil, fault.New(fault.Conflict, op, "intake.bundle.together")
		}
		if seen != "" && seen != f.Shown() {
			return "", nil, fault.New(fault.Conflict, op, "intake.check.meanwhile")
		}
		h, errs, err := in.ready(ctx, a, f)
		if err != nil || len(errs) > 0 {
			return "", errs, err
		}
		err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
			caseID, err = in.handOver(ctx, tx, a, h, lang)
			return err
		})
		if err == nil {
			return caseID, nil, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return "", nil, fault.Wrap(op, err)
		}
	}
	return "", nil, fault.New(fault.Conflict, op, "intake.busy")
}

// handing is an application that is ready to be handed over.
type handing struct {
	*Filling
	submission             form.Answers
	application, registers json.RawMessage
	need                   []Signing // whose signatures it needs
}

// ready makes an application ready to be handed over, if nothing is wrong with it.
func (in *Intake) ready(ctx context.Context, a access.Actor, f *Filling) (h handing, errs []form.FieldError, err error) {
	const op = "intake.ready"
	s, d := f.Service, f.Draft
	if a.Level < s.Trust {
		return h, nil, fault.New(fault.StepUp, op, "", "level", s.Trust.String())
	}
	if len(s.Data) > 0 && d.Consent == Unasked || d.Consent == Yes && in.c.Now().Sub(d.FetchedAt) >= in.c.Fresh {
		return h, nil, fault.New(fault.Conflict, op, "intake.lookAgain")
	}
	if len(f.Changes) > 0 { // nobody hands over what they haven't seen
		return h, nil, fault.New(fault.Conflict, op, "intake.lookAgain")
	}
	if errs, err = in.unfit(ctx, a, f); err != nil {
		return h, nil, err
	}
	if errs = append(errs, f.Validate("")...); len(errs) > 0 {
		return h, errs, nil
	}
	h = handing{Filling: f, submission: f.View.Submission()}
	if h.need, errs, err = in.unsigned(ctx, a, f); err != nil || len(errs) > 0 {
		return h, errs, err
	}
	if h.application, err = json.Marshal(h.submission); err != nil {
		return h, nil, fault.Wrap(op, err)
	}
	h.registers, err = json.Marshal(d.Registers)
	return h, nil, fault.Wrap(op, err)
}

// handOver closes a draft and opens its case.
func (in *Intake) handOver(ctx context.Context, tx *store.Tx, a access.Actor, h handing, lang string) (caseID string, err error) {
	const op = "intake.handOver"
	s, d := h.Service, h.Draft
	office := officeOf(s, d.Registers)
	g, err := in.c.Access.PermitTx(ctx, tx, access.Request{
		Actor: a, Action: access.Submit, Resource: "case", Purpose: s.ID, Basis: s.Basis(), Service: s.ID, Office: office, Owner: a.Person(),
	})
	if err != nil {
		return "", err
	}
	now := in.c.Now()
	// Before the case: what its process does at once may be to erase drafts, and this one is none any more.
	n, err := tx.Exec(ctx, submitDraft, d.ID, a.Person(), d.rev, store.Micros(now), store.Micros(now.Add(in.c.Keep)), []byte{})
	if err != nil {
		return "", err
	}
	if n == 0 { // changed or submitted meanwhile: nothing of this stays
		return "", fault.New(fault.Conflict, op, "intake.busy")
	}
	signatures, err := in.signatures(ctx, tx, d, s, h.need)
	if err != nil {
		return "", err
	}
	if caseID, err = in.c.OpenCase(ctx, tx, g, Opening{
		Draft: d.ID, Service: s.ID, Version: s.Version, Office: office, Person: a.Person(), PersonName: a.PersonName(),
		Channel: "online", Lang: lang, Application: h.application, Registers: h.registers, View: h.View, Signatures: signatures,
	}); err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, caseOfDraft, d.ID, a.Person(), caseID); err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, submitConsent, d.ID, a.Person(), caseID); err != nil {
		return "", err
	}
	return caseID, in.submitUploads(ctx, tx, d, h.View, caseID)
}

// Sweep deletes what has expired and says how much.
func (in *Intake) Sweep(ctx context.Context) (int64, error) {
	var n int64
	if err := in.warn(ctx); err != nil {
		return 0, fault.Wrap("intake.sweep", err)
	}
	err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
		now := in.c.Now()
		gone, err := store.All(ctx, tx, func(s store.Scanner) (x [2]string, err error) { return x, s.Scan(&x[0], &x[1]) }, expireDrafts, store.Micros(now))
		if err != nil {
			return err
		}
		n = int64(len(gone))
		if _, err := tx.Exec(ctx, expireBundles, store.Micros(now)); err != nil {
			return err
		}
		for _, x := range gone {
			if x[1] == "" {
				continue
			}
			// Nobody comes back for a browser's drafts: its key goes with the last of them.
			if left, err := store.All(ctx, tx, scanDraft, draftsOfOwner, x[0]); err != nil || len(left) > 0 {
				if err != nil {
					return err
				}
				continue
			}
			if _, err := in.c.Vault.Destroy(ctx, tx, keyOf(x[0])); err != nil {
				return err
			}
		}
		if _, err = tx.Exec(ctx, expireParked, store.Micros(now)); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, dropInvitations, store.Micros(now)); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, endConsents, store.Micros(now)); err != nil {
			return err
		}
		if _, err = tx.Exec(ctx, dropConsents, store.Micros(now.Add(-keepConsents))); err != nil {
			return err
		}
		if err := in.sweepPapers(ctx, tx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, expireUploads, store.Micros(now))
		return err
	})
	if err == nil {
		err = in.clearUploads(ctx)
	}
	return n, fault.Wrap("intake.sweep", err)
}

// warn tells the owners of drafts that will go soon, each once. A draft that is changed lives on, and is told of anew.
func (in *Intake) warn(ctx context.Context) error {
	if in.c.Fading == nil {
		return nil
	}
	const step = 100
	for {
		now := in.c.Now()
		list, err := store.All(ctx, in.c.DB, scanDraft, fadingDrafts, store.Micros(now), store.Micros(now.Add(in.c.Warn)), step)
		if err != nil || len(list) == 0 {
			return err
		}
		if err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
			for _, d := range list {
				n, err := tx.Exec(ctx, warnedDraft, d.ID, d.rev, store.Micros(now))
				if err != nil {
					return err
				}
				if n == 0 { // changed meanwhile, or told of by another node
					continue
				}
				if err := in.c.Fading(ctx, tx, d); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if len(list) < step {
			return nil
		}
	}
}

// Soon tells whether what expires then will go soon.
func (in *Intake) Soon(expires time.Time) bool { return expires.Sub(in.c.Now()) <= in.c.Warn }

// Correction asks the person to put one field of their application right. It runs
// in the transaction of the clerk's task.
func (in *Intake) Correction(ctx context.Context, tx *store.Tx, caseID, person, field, message string) error {
	const op = "intake.correction"
	if in.c.Case == nil || in.c.Corrected == nil {
		return fault.Internalf(op, "case and corrected are not connected")
	}
	message = strings.TrimSpace(message)
	if len(message) > 4000 {
		return fault.New(fault.Invalid, op, "intake.correction.tooLong")
	}
	c, err := in.c.Case(ctx, tx, caseID)
	if err != nil {
		return fault.Wrap(op, err)
	}
	s, err := in.c.Services.Version(ctx, c.Service, c.Version)
	if err != nil {
		return fault.Wrap(op, err)
	}
	fd := s.Form.Field(field)
	if fd == nil || !fd.Input() || fd.Type == "filepicker" {
		return fault.New(fault.Invalid, op, "intake.correction.noField")
	}
	v, err := in.corrected(ctx, s, c, nil, "de")
	if err != nil {
		return err
	}
	if _, _, ok := v.Item(field); !ok { // the application has no such row, or didn't ask it
		return fault.New(fault.Invalid, op, "intake.correction.noField")
	}
	if s.NeedsAnother(v) {
		// What others have signed isn't changed by one of them. Who represents the person signs by correcting, too (Correct).
		mandate, err := store.One(ctx, tx, func(s store.Scanner) (m string, err error) { return m, s.Scan(&m) }, mandateOfCase, caseID, person)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return fault.Wrap(op, err)
		}
		if mandate == "" {
			return fault.New(fault.Conflict, op, "intake.cosign.noCorrection")
		}
	}
	_, err = tx.Exec(ctx, insertCorrection, ident.New(), person, caseID, c.Service, c.Version, field, message, store.Micros(in.c.Now()))
	if fault.Is(err, fault.Conflict) {
		return fault.Because(fault.Conflict, op, "intake.correction.already", err)
	}
	return fault.Wrap(op, err)
}

// Corrections are the person's open corrections of a case.
func (in *Intake) Corrections(ctx context.Context, a access.Actor, caseID string) ([]Correction, error) {
	l, err := store.All(ctx, in.c.DB, scanCorrection, caseCorrections, caseID, a.Person())
	return l, fault.Wrap("intake.corrections", err)
}

// Correcting is a correction with its one field.
type Correcting struct {
	Correction Correction
	Service    *service.Service
	Item       form.Item
	Page       string
	Context    form.Context
	answers    form.Answers
	data       CaseData
}

// Correcting opens a person's own correction.
func (in *Intake) Correcting(ctx context.Context, a access.Actor, id, lang string) (*Correcting, error) {
	const op = "intake.correcting"
	if !ident.Valid(id) || in.c.Case == nil {
		return nil, fault.New(fault.NotFound, op, "")
	}
	c, err := store.One(ctx, in.c.DB, scanCorrection, readCorrection, id, a.Person())
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := in.mayCorrect(ctx, a, c); err != nil {
		return nil, err
	}
	out := &Correcting{Correction: c}
	if out.data, err = in.c.Case(ctx, in.c.DB, c.CaseID); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if out.Service, err = in.c.Services.Version(ctx, c.Service, c.Version); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if err := decodeJSON(string(out.data.Application), &out.answers); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if out.Context, err = in.caseContext(ctx, out.Service, out.data, lang); err != nil {
		return nil, err
	}
	out.Context.Only = c.Field
	if c.Raw != "" {
		out.Context.Raw = map[string]string{c.Field: c.Raw}
	}
	it, page, ok := out.Service.Form.Eval(out.answers, out.Context).Item(c.Field)
	if !ok {
		return nil, fault.New(fault.NotFound, op, "intake.correction.gone")
	}
	out.Item, out.Page = it, page
	return out, nil
}

func (in *Intake) caseContext(ctx context.Context, s *service.Service, c CaseData, lang string) (form.Context, error) {
	lists, err := in.Lists(ctx, s)
	if err != nil {
		return form.Context{}, err
	}
	vars := map[string]any{"lists": lists, "registers": nil, "service": map[string]any{"id": s.ID}}
	if len(c.Registers) > 0 {
		var regs any
		if err := decodeJSON(string(c.Registers), &regs); err != nil {
			return form.Context{}, fault.Wrap("intake.caseContext", err)
		}
		vars["registers"] = regs
	}
	return form.Context{Vars: vars, Lang: lang, Today: in.today()}, nil
}

func (in *Intake) corrected(ctx context.Context, s *service.Service, c CaseData, answers form.Answers, lang string) (*form.View, error) {
	if answers == nil {
		if err := decodeJSON(string(c.Application), &answers); err != nil {
			return nil, fault.Wrap("intake.corrected", err)
		}
	}
	fctx, err := in.caseContext(ctx, s, c, lang)
	if err != nil {
		return nil, err
	}
	return s.Form.Eval(answers, fctx), nil
}

// Correct takes the corrected field. It is the only one taken from the post, and
// what depends on it is worked out again.
func (in *Intake) Correct(ctx context.Context, a access.Actor, id string, post url.Values, lang string) ([]form.FieldError, error) {
	const op = "intake.correct"
	c, err := in.Correcting(ctx, a, id, lang)
	if err != nil {
		return nil, err
	}
	if c.Correction.State != Open {
		return nil, nil // pressed twice
	}
	answers, errs := c.Service.Form.Decode(c.Page, post, c.answers, c.Context)
	errs = form.Told(errs)
	if len(errs) > 0 {
		return errs, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, saveCorrection, id, a.Person(), c.Correction.rev, form.Storable(errs[0].Raw))
			return err
		}))
	}
	v, err := in.corrected(ctx, c.Service, c.data, answers, lang)
	if err != nil {
		return nil, err
	}
	for _, x := range c.Service.Cosigns {
		if !x.Needed(v) {
			continue
		}
		if signs, err := in.represents(ctx, a, Draft{Service: c.Service.ID, Mandate: a.Mandate}, x); err != nil || !signs {
			return nil, fault.Because(fault.Conflict, op, "intake.cosign.noCorrection", err)
		}
	}
	application, err := json.Marshal(v.Submission())
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return nil, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := in.c.Access.PermitTx(ctx, tx, access.Request{
			Actor: a, Action: access.Change, Resource: "case", Purpose: c.Service.ID, Basis: c.Service.Basis(),
			Service: c.Service.ID, Case: c.Correction.CaseID, Office: c.Service.Office, Owner: a.Person(), Fields: []string{c.Correction.Field},
		}); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, finishCorrection, id, a.Person(), store.Micros(in.c.Now()))
		if err != nil || n == 0 {
			return err
		}
		return in.c.Corrected(ctx, tx, c.Correction, application, v)
	}))
}
