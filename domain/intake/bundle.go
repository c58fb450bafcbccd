// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"
)

// A life event (Lebenslage) is applied for in one go: "I have moved" is a change of address, a parking permit, a dog that has moved
// along. Such an application is a bundle of ordinary drafts, one for each service, so each keeps its own form, version, registers,
// consent, files and kept submission, and becomes a case of its own (each office decides on its own, § 9 VwVfG NRW).
//
// A question that several of the services ask is asked once: in the first form that asks it. The answer is stored in each draft, in
// the transaction that changes it, and counts in the later forms as it stands in the first; a file likewise, whose content lies in
// the drawer once. All are handed over in one transaction, or none.
//
// Which services belong to it can be changed until then. A draft of one that isn't wanted any more rests in the bundle with what was
// typed; what registers said is forgotten, as is the consent: there is no purpose for it now.
//
// Whoever changes a draft of a bundle changes the bundle first (hold). So two devices wait for each other, and expiry is one.

// Bundle is a life event that somebody has begun.
type Bundle struct {
	ID, Owner, Event, State         string
	Choices                         map[string]bool // by service: wanted or not; not there: not said yet
	Mandate, By                     string
	CreatedAt, ChangedAt, ExpiresAt time.Time
	rev                             int64
	origin                          string // of a browser's whose person hasn't signed in
	// Helper is who reads it, if that is somebody whom the owner, whose name is here then, has asked for help.
	Helper, OwnerName string
	invitation, kind  string
}

// rests tells whether a draft of the bundle isn't wanted now.
func (b Bundle) rests(e *service.Event, d Draft) bool {
	p, there := e.Part(d.Service)
	return !there || p.Asked() && !b.Choices[d.Service]
}

// Offered is a service that a life event offers by a question.
type Offered struct {
	Part            service.Part
	Service         *service.Service
	Wanted, Decided bool
}

// Bundled is a bundle with its forms, as the person meets them now.
type Bundled struct {
	Bundle Bundle
	Event  *service.Event
	Parts  []*Filling // what belongs to it, in the event's order
	Offers []Offered
	Held   map[string]bool // by service with a condition: whether that holds
	// Waiting are services that belong to it and are filled in after the sign-in, as they don't let anybody begin before.
	Waiting []*service.Service

	shared  []service.Shared
	first   []asker                               // by shared question: who asks it
	missing []*service.Service                    // services that belong to it and have no draft yet
	adrift  bool                                  // a shared answer isn't the same in all drafts
	later   map[string]map[string]form.FieldError // by draft and field: what a later form says of a shared answer
	drafts  []Draft                               // all, those that rest included
}

// asker is who asks a shared question, if anybody does.
type asker struct {
	part  *Filling
	field string
	value any
	known bool // by a register, so nobody is asked
}

// errMeanwhile: somebody else has changed a draft since it was read.
var errMeanwhile = errors.New("changed meanwhile")

// anew does something again as long as somebody else has changed what it read meanwhile.
func anew[T any](op string, do func() (T, error)) (T, error) {
	for range 8 {
		x, err := do()
		if !errors.Is(err, errMeanwhile) {
			return x, fault.Wrap(op, err)
		}
	}
	var none T
	return none, fault.New(fault.Conflict, op, "intake.busy")
}

// StartEvent gives the person's open bundle of a life event, or begins one.
func (in *Intake) StartEvent(ctx context.Context, a access.Actor, event string) (Bundle, error) {
	const op = "intake.startEvent"
	if err := needResident(op, a); err != nil {
		return Bundle{}, err
	}
	e, ok := in.c.Services.Event(event)
	if !ok {
		return Bundle{}, fault.New(fault.NotFound, op, "")
	}
	return in.startEvent(ctx, op, a, e, "")
}

func (in *Intake) startEvent(ctx context.Context, op string, a access.Actor, e *service.Event, origin string) (b Bundle, err error) {
	err = in.c.DB.Write(ctx, func(tx *store.Tx) (err error) {
		for _, p := range e.Parts { // who acts for somebody begins nothing that they couldn't go on with
			if p.Asked() {
				continue
			}
			if _, err := in.may(ctx, tx, a, access.Change, p.Service); err != nil {
				return err
			}
		}
		now, by := in.c.Now(), ""
		if a.Acting() {
			by = a.Name
		}
		if _, err := tx.Exec(ctx, expireBundle, a.Person(), e.ID, a.Mandate, store.Micros(now)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertBundle, ident.New(), a.Person(), e.ID, a.Mandate, by, store.Micros(now), store.Micros(now.Add(in.keep(a.Person()))), origin); err != nil {
			return err
		}
		b, err = store.One(ctx, tx, scanBundle, openBundle, a.Person(), e.ID, a.Mandate)
		return err
	})
	return b, fault.Wrap(op, err)
}

// Bundles lists the person's open bundles, the last changed first, of events that the city still has.
func (in *Intake) Bundles(ctx context.Context, a access.Actor) ([]Bundle, error) {
	const op = "intake.bundles"
	if a.Kind != access.Resident {
		return nil, nil
	}
	if _, err := in.may(ctx, nil, a, access.List, ""); err != nil {
		return nil, err
	}
	list, err := store.All(ctx, in.c.DB, scanBundle, listBundles, a.Person(), store.Micros(in.c.Now()), a.Mandate)
	return slices.DeleteFunc(list, func(b Bundle) bool {
		_, ok := in.c.Services.Event(b.Event)
		return !ok
	}), fault.Wrap(op, err)
}

// standing are those among drafts that stand for themselves: also those of events that the city has no more.
func (in *Intake) standing(ctx context.Context, a access.Actor, drafts []Draft) ([]Draft, error) {
	if !slices.ContainsFunc(drafts, func(d Draft) bool { return d.Bundle != "" }) {
		return drafts, nil
	}
	bundles, err := in.Bundles(ctx, a)
	return slices.DeleteFunc(drafts, func(d Draft) bool {
		return slices.ContainsFunc(bundles, func(b Bundle) bool { return b.ID == d.Bundle })
	}), err
}

// bundle finds a person's own bundle. Anybody else's is not found.
func (in *Intake) bundle(ctx context.Context, a access.Actor, id string) (Bundle, error) {
	const op = "intake.bundle"
	if !ident.Valid(id) || a.Kind != access.Resident && a.Kind != Guest || a.Person() == "" {
		return Bundle{}, fault.New(fault.NotFound, op, "intake.noDraft")
	}
	if _, err := in.may(ctx, nil, a, access.List, ""); err != nil {
		return Bundle{}, err
	}
	b, err := store.One(ctx, in.c.DB, scanBundle, readBundle, id, a.Person(), store.Micros(in.c.Now()), a.Mandate)
	if fault.Is(err, fault.NotFound) {
		return b, fault.Because(fault.NotFound, op, "intake.noDraft", err)
	}
	return b, fault.Wrap(op, err)
}

// Bundled is the person's own bundle with its forms, or one that they help with, which is on record with its owner. What its services
// need is there afterwards: a draft each, and shared answers in all of them.
func (in *Intake) Bundled(ctx context.Context, a access.Actor, id, lang string) (*Bundled, error) {
	w, err := in.bundled(ctx, a, id, "", lang)
	if err != nil {
		return nil, err
	}
	for _, f := range w.Parts {
		if err := in.mayHelp(ctx, nil, a, access.Read, f.Draft); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// bundled is Bundled for what puts itself on record what of it a helper sees. With a service it has the form of that one, and those
// that this depends on, and no others.
func (in *Intake) bundled(ctx context.Context, a access.Actor, id, only, lang string) (*Bundled, error) {
	const op = "intake.bundled"
	for try := range 8 {
		b, err := in.bundle(ctx, a, id)
		if fault.Is(err, fault.NotFound) {
			b, err = in.helpedBundle(ctx, a, id)
		}
		if err != nil {
			return nil, err
		}
		w := &Bundled{Bundle: b}
		var ok bool
		if w.Event, ok = in.c.Services.Event(b.Event); !ok && b.State == Open {
			return nil, fault.New(fault.NotFound, op, "intake.bundle.gone")
		}
		if w.drafts, err = in.draftsOf(ctx, in.c.DB, b.ID, b.Owner); err != nil {
			return nil, fault.Wrap(op, err)
		}
		if b.State != Open {
			return w, nil
		}
		if b.Helper != "" {
			for i := range w.drafts {
				d := &w.drafts[i]
				d.Helper, d.OwnerName, d.Kind, d.Invitation = b.Helper, b.OwnerName, b.kind, b.invitation
			}
		}
		if err := in.meet(ctx, a, w, only, lang); err != nil {
			return nil, err
		}
		// A file that is gone can't be shared; whoever sees it missing gives it again. Who helps begins nothing, and takes nothing in
		// that the owner has begun alone.
		if len(w.missing) == 0 && (!w.adrift || try > 2) || a.Mandate != b.Mandate || b.Helper != "" {
			return w, nil
		}
		err = in.settle(ctx, a, w)
		if err != nil && !errors.Is(err, errMeanwhile) && !fault.Is(err, fault.Conflict) { // a conflict: handed over meanwhile
			return nil, fault.Wrap(op, err)
		}
	}
	return nil, fault.New(fault.Conflict, op, "intake.busy")
}

// meet fills the forms of a bundle, one after the other: what one has asked the next don't. only: those that the form of a service
// depends on.
func (in *Intake) meet(ctx context.Context, a access.Actor, w *Bundled, only, lang string) error {
	w.shared = w.Event.Shared(in.c.Services.Current)
	var need map[string]bool
	if only != "" {
		need = w.Event.Before(only, w.shared)
	}
	w.first, w.Held = make([]asker, len(w.shared)), map[string]bool{}
	answers, registers := map[string]any{}, map[string]any{}
	for _, p := range w.Event.Parts {
		s, ok := in.c.Services.Current(p.Service)
		if !ok || need != nil && !need[p.Service] {
			continue
		}
		if p.Conditional() {
			if w.Held[p.Service] = p.Holds(service.KnownOn(answers, registers, in.today())); !w.Held[p.Service] {
				continue
			}
		}
		if p.Asked() {
			wanted, decided := w.Bundle.Choices[p.Service]
			if w.Offers = append(w.Offers, Offered{p, s, wanted, decided}); !wanted {
				continue
			}
		}
		if a.Kind == Guest && !s.Anonymous {
			w.Waiting = append(w.Waiting, s)
			continue
		}
		i := slices.IndexFunc(w.drafts, func(d Draft) bool { return d.Service == p.Service && d.State == Open })
		if i < 0 {
			w.missing = append(w.missing, s)
			continue
		}
		d := w.drafts[i]
		g, err := in.may(ctx, nil, a, access.Read, d.Service)
		if err == nil {
			err = covered("intake.bundled", g, a, d)
		}
		if err != nil {
			return err
		}
		f, err := in.part(ctx, a, w, s, d, lang)
		if err != nil {
			return err
		}
		w.Parts = append(w.Parts, f)
		answers[service.AnswersOf(s.ID)] = f.View.Submission()
		for as, v := range d.Registers {
			if _, there := registers[as]; !there {
				registers[as] = v
			}
		}
	}
	return nil
}

// part fills the form of one draft of a bundle after those before it.
func (in *Intake) part(ctx context.Context, a access.Actor, w *Bundled, s *service.Service, d Draft, lang string) (*Filling, error) {
	fctx, err := in.context(ctx, a, s, d, lang)
	if err != nil {
		return nil, err
	}
	fctx.Elsewhere, fctx.Afresh = map[string]any{}, map[string]bool{}
	mine := map[string]int{} // by field: the shared question
	for i, g := range w.shared {
		for _, q := range g.Questions {
			if q.Service != s.ID {
				continue
			}
			mine[q.Field] = i
			fctx.Afresh[q.Field] = g.Afresh
			// What a register knows for the other form it knows for this one, too: that it says so itself is plainer.
			if by := w.first[i]; by.part != nil && !(by.known && knows(d.Registers, s.Form.Field(q.Field).Register)) {
				fctx.Elsewhere[q.Field] = by.value
				if s.Form.Field(q.Field).Type == "filepicker" { // the same files, each service with its own entry of them
					fctx.Elsewhere[q.Field] = d.Answers[q.Field]
				}
				w.adrift = w.adrift || !by.known && sharedMark(&by.part.Draft, by.field) != sharedMark(&d, q.Field)
			}
		}
	}
	f := &Filling{Draft: d, Service: s, View: s.Form.Eval(d.Answers, fctx), Context: fctx, Whole: w}
	for _, pg := range f.View.Pages() {
		form.Each(f.View.Page(pg.ID), func(it *form.Item) {
			if i, ok := mine[it.Name]; ok && w.first[i].part == nil && it.Input() {
				w.first[i] = asker{f, it.Name, it.Value, it.Known}
			}
		})
	}
	return f, in.changes(ctx, f)
}

// knows tells whether registers have said something about a field ("resident.street").
func knows(registers map[string]any, field string) bool {
	as, name, _ := strings.Cut(field, ".")
	record, _ := registers[as].(map[string]any)
	return record[name] != nil && record[name] != ""
}

// sharedMark is the same for equal answers; files are the same by their content.
func sharedMark(d *Draft, field string) string {
	if files := Files(d.Answers[field]); len(files) > 0 {
		var hashes []any
		for _, f := range files {
			hashes = append(hashes, f.Hash)
		}
		return markOf(hashes, "")
	}
	return markOf(d.Answers[field], d.Raw[field])
}

func answered(d *Draft, field string) bool { return d.Answers[field] != nil || d.Raw[field] != "" }

// inBundle is Fill for a draft that belongs to a life event; nil if it stands for itself. alone: of the others only what it depends on.
func (in *Intake) inBundle(ctx context.Context, a access.Actor, d Draft, alone bool, lang string) (*Filling, error) {
	if d.Bundle == "" || d.State != Open {
		return nil, nil
	}
	only := ""
	if alone {
		only = d.Service
	}
	w, err := in.bundled(ctx, a, d.Bundle, only, lang)
	if fault.Is(err, fault.NotFound) && d.Helper == "" { // the event isn't offered any more
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, f := range w.Parts {
		if f.Draft.ID == d.ID {
			return f, nil
		}
	}
	if d.Helper != "" { // it isn't part of what they help with
		return nil, fault.New(fault.NotFound, "intake.inBundle", "intake.noDraft")
	}
	return nil, nil
}

// hold keeps others from changing a draft's bundle until the transaction has ended, and lets all of it live on.
func (in *Intake) hold(ctx context.Context, tx *store.Tx, d Draft) error {
	if d.Bundle == "" {
		return nil
	}
	now := in.c.Now()
	n, err := tx.Exec(ctx, holdBundle, d.Bundle, d.Owner, store.Micros(now), store.Micros(now.Add(in.keep(d.Owner))))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "intake.hold", "intake.submitted")
	}
	if err == nil {
		_, err = tx.Exec(ctx, renewDrafts, d.Bundle, d.Owner, store.Micros(now.Add(in.keep(d.Owner))))
	}
	return err
}

// spread puts what was changed of shared answers of a draft into the other drafts of its bundle, which is held.
func (in *Intake) spread(ctx context.Context, tx *store.Tx, was, d Draft) error {
	if d.Bundle == "" {
		return nil
	}
	e, b, err := in.eventOf(ctx, tx, d)
	if e == nil || err != nil {
		return err
	}
	var others []Draft
	changed := map[int]bool{}
	for _, g := range e.Shared(in.c.Services.Current) {
		i := slices.IndexFunc(g.Questions, func(q service.Question) bool { return q.Service == d.Service })
		if i < 0 || sharedMark(&was, g.Questions[i].Field) == sharedMark(&d, g.Questions[i].Field) {
			continue
		}
		if others == nil {
			if others, err = in.draftsOf(ctx, tx, d.Bundle, d.Owner); err != nil {
				return err
			}
		}
		for j := range others {
			o := &others[j]
			k := slices.IndexFunc(g.Questions, func(q service.Question) bool { return q.Service == o.Service })
			// What rests has no say and learns nothing; it is made the same when it comes back.
			if k < 0 || k == i || o.State != Open || b.rests(e, *o) {
				continue
			}
			if err := in.copyAnswer(ctx, tx, d, g.Questions[i].Field, o, g.Questions[k].Field); err != nil {
				return err
			}
			changed[j] = true
		}
	}
	return in.saveAll(ctx, tx, others, changed)
}

func (in *Intake) saveAll(ctx context.Context, tx *store.Tx, drafts []Draft, changed map[int]bool) error {
	for j := range drafts {
		if !changed[j] {
			continue
		}
		done, err := in.save(ctx, tx, drafts[j], in.c.Now())
		if err == nil && !done {
			err = errMeanwhile
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// draftsOf are the drafts of a bundle, each as the form in force has it.
func (in *Intake) draftsOf(ctx context.Context, q store.Q, bundle, owner string) ([]Draft, error) {
	list, err := in.allDrafts(ctx, q, bundleDrafts, bundle, owner)
	for i := range list {
		if err == nil {
			err = in.migrate(ctx, &list[i])
		}
	}
	return list, err
}

// eventOf is the life event of a draft, and its bundle; nil if the city has it no more.
func (in *Intake) eventOf(ctx context.Context, q store.Q, d Draft) (*service.Event, Bundle, error) {
	b, err := store.One(ctx, q, scanBundle, readBundle, d.Bundle, d.Owner, store.Micros(in.c.Now()), "")
	if fault.Is(err, fault.NotFound) {
		return nil, b, nil
	}
	e, _ := in.c.Services.Event(b.Event)
	return e, b, err
}

// EventOf is the life event that a draft belongs to, if it does.
func (in *Intake) EventOf(ctx context.Context, q store.Q, d Draft) (*service.Event, error) {
	if d.Bundle == "" {
		return nil, nil
	}
	if q == nil {
		q = in.c.DB
	}
	e, _, err := in.eventOf(ctx, q, d)
	return e, fault.Wrap("intake.eventOf", err)
}

// copyAnswer puts the answer to a question of one draft into another, as it was typed. Of a file the other has an entry of its own,
// and what it had in its place is gone.
func (in *Intake) copyAnswer(ctx context.Context, tx *store.Tx, from Draft, field string, to *Draft, as string) error {
	answers, raw := maps.Clone(to.Answers), maps.Clone(to.Raw)
	if answers == nil {
		answers = form.Answers{}
	}
	if raw == nil {
		raw = map[string]string{}
	}
	delete(to.Rivals, as)
	if by := from.Filled[field]; by != to.Filled[as] { // whoever has filled it in
		to.Filled = maps.Clone(to.Filled)
		if to.Filled == nil {
			to.Filled = map[string]string{}
		}
		if to.Filled[as] = by; by == "" {
			delete(to.Filled, as)
		}
	}
	files, had := Files(from.Answers[field]), Files(answers[as])
	if len(files) > 0 || len(had) > 0 {
		var list []any
		for _, f := range had {
			if slices.ContainsFunc(files, func(o FileRef) bool { return o.Hash == f.Hash }) {
				continue
			}
			if _, err := tx.Exec(ctx, dropFile, to.Owner, to.ID, as, f.Hash); err != nil {
				return err
			}
		}
		for _, f := range files {
			if i := slices.IndexFunc(had, func(o FileRef) bool { return o.Hash == f.Hash }); i >= 0 {
				list = append(list, had[i].value())
				continue
			}
			shared, err := in.share(ctx, tx, from, f, *to, as)
			if err != nil {
				return err
			}
			list = append(list, shared...)
		}
		if delete(answers, as); list != nil {
			answers[as] = list
		}
	} else if v := from.Answers[field]; v != nil {
		answers[as] = v
	} else {
		delete(answers, as)
	}
	if text := from.Raw[field]; text != "" {
		raw[as] = text
	} else {
		delete(raw, as)
	}
	to.Answers, to.Raw = answers, raw
	return nil
}

// share gives a file of a draft to another, where it is one more answer; none: it was taken out meanwhile, which comes here too.
func (in *Intake) share(ctx context.Context, tx *store.Tx, from Draft, f FileRef, to Draft, as string) (answer []any, err error) {
	id := f.ID
	f.ID = ident.New()
	n, err := tx.Exec(ctx, shareUpload, from.Owner, id, from.ID, to.ID, as, f.ID)
	if err != nil || n == 0 {
		return nil, err
	}
	return []any{f.value()}, nil
}

// settle begins the drafts that a bundle lacks, or takes those in that the person has begun alone, and makes shared answers the same.
// What the bundle holds counts before what comes into it.
func (in *Intake) settle(ctx context.Context, a access.Actor, w *Bundled) error {
	return in.c.DB.Write(ctx, func(tx *store.Tx) error {
		b := w.Bundle
		if err := in.hold(ctx, tx, Draft{Bundle: b.ID, Owner: b.Owner}); err != nil {
			return err
		}
		drafts, err := in.draftsOf(ctx, tx, b.ID, b.Owner)
		if err != nil {
			return err
		}
		place := func(d Draft) int {
			return slices.IndexFunc(w.Event.Parts, func(p service.Part) bool { return p.Service == d.Service })
		}
		drafts = slices.DeleteFunc(drafts, func(d Draft) bool { return d.State != Open || b.rests(w.Event, d) }) // those that rest have no say
		slices.SortFunc(drafts, func(x, y Draft) int { return place(x) - place(y) })
		for _, s := range w.missing {
			if slices.ContainsFunc(drafts, func(d Draft) bool { return d.Service == s.ID }) {
				continue
			}
			d, err := in.beginIn(ctx, tx, a, s, b.origin)
			if err != nil {
				return err
			}
			n, err := tx.Exec(ctx, joinBundle, d.ID, d.Owner, d.rev, b.ID)
			if err == nil && n == 0 {
				err = errMeanwhile
			}
			if err != nil {
				return err
			}
			// Whoever was let into it alone was not let into this.
			if _, err := tx.Exec(ctx, endInvitations, d.ID, d.Owner, store.Micros(in.c.Now())); err != nil {
				return err
			}
			d.Bundle, d.rev = b.ID, d.rev+1
			if err := in.migrate(ctx, &d); err != nil {
				return err
			}
			drafts = append(drafts, d)
		}
		changed := map[int]bool{}
		if err := in.align(ctx, tx, w.Event, drafts, func(j int, _ string, _ any) { changed[j] = true }); err != nil {
			return err
		}
		return in.saveAll(ctx, tx, drafts, changed)
	})
}

// align makes shared answers the same in all drafts: as the first has them that has any. It tells which drafts it has changed, in which
// field, and what stood there.
func (in *Intake) align(ctx context.Context, tx *store.Tx, e *service.Event, drafts []Draft, changed func(draft int, field string, was any)) error {
	for _, g := range e.Shared(in.c.Services.Current) {
		fieldOf := func(d Draft) string {
			for _, q := range g.Questions {
				if q.Service == d.Service {
					return q.Field
				}
			}
			return ""
		}
		i := slices.IndexFunc(drafts, func(d Draft) bool { f := fieldOf(d); return f != "" && answered(&d, f) })
		if i < 0 {
			continue
		}
		for j := range drafts {
			f := fieldOf(drafts[j])
			if f == "" || j == i || sharedMark(&drafts[i], fieldOf(drafts[i])) == sharedMark(&drafts[j], f) {
				continue
			}
			was := drafts[j].Answers[f]
			if err := in.copyAnswer(ctx, tx, drafts[i], fieldOf(drafts[i]), &drafts[j], f); err != nil {
				return err
			}
			changed(j, f, was)
		}
	}
	return nil
}

// Choose says which of the services that are offered the person wants. What isn't named stays as it was.
func (in *Intake) Choose(ctx context.Context, a access.Actor, id string, wanted map[string]bool) error {
	const op = "intake.choose"
	for range 8 {
		b, err := in.bundle(ctx, a, id)
		if err != nil {
			return err
		}
		if b.State != Open {
			return fault.New(fault.Conflict, op, "intake.submitted")
		}
		e, ok := in.c.Services.Event(b.Event)
		if !ok {
			return fault.New(fault.NotFound, op, "intake.bundle.gone")
		}
		choices := maps.Clone(b.Choices)
		if choices == nil {
			choices = map[string]bool{}
		}
		var left []string
		for _, p := range e.Parts {
			yes, said := wanted[p.Service]
			if !p.Asked() || !said {
				continue
			}
			if choices[p.Service] && !yes {
				left = append(left, p.Service)
			}
			choices[p.Service] = yes
		}
		text, err := encode(choices)
		if err != nil {
			return fault.Wrap(op, err)
		}
		err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
			for service, yes := range choices {
				if !yes || b.Choices[service] {
					continue
				}
				if _, err := in.may(ctx, tx, a, access.Change, service); err != nil {
					return err
				}
			}
			n, err := tx.Exec(ctx, chooseBundle, b.ID, b.Owner, b.rev, text)
			if err == nil && n == 0 {
				err = errMeanwhile
			}
			if err == nil {
				err = in.hold(ctx, tx, Draft{Bundle: b.ID, Owner: b.Owner})
			}
			if err != nil || len(left) == 0 {
				return err
			}
			drafts, err := in.draftsOf(ctx, tx, b.ID, b.Owner)
			if err != nil {
				return err
			}
			changed := map[int]bool{}
			for j := range drafts {
				d := &drafts[j]
				if !slices.Contains(left, d.Service) || d.State != Open {
					continue
				}
				d.Consent, d.Registers, d.FetchedAt, changed[j] = Unasked, nil, time.Time{}, true
				if _, err := tx.Exec(ctx, withdrawOfDraft, d.ID, d.Owner, store.Micros(in.c.Now())); err != nil {
					return err
				}
			}
			return in.saveAll(ctx, tx, drafts, changed)
		})
		if errors.Is(err, errMeanwhile) {
			continue
		}
		return fault.Wrap(op, err)
	}
	return fault.New(fault.Conflict, op, "intake.busy")
}

// ConsentAll keeps the answer to the data notice for all services of a bundle.
func (in *Intake) ConsentAll(ctx context.Context, a access.Actor, id string, yes bool) error {
	w, err := in.Bundled(ctx, a, id, "de")
	if err != nil {
		return err
	}
	for _, f := range w.Parts {
		if len(f.Service.Data) == 0 {
			continue
		}
		if err := in.Consent(ctx, a, f.Draft.ID, yes); err != nil {
			return err
		}
	}
	return nil
}

// Unasked tells whether there are registers that the person hasn't been asked about.
func (w *Bundled) Unasked() bool {
	return slices.ContainsFunc(w.Parts, func(f *Filling) bool { return len(f.Service.Data) > 0 && f.Draft.Consent == Unasked })
}

// Undecided tells whether there are services that the person hasn't said yes or no to.
func (w *Bundled) Undecided() bool {
	return slices.ContainsFunc(w.Offers, func(o Offered) bool { return !o.Decided })
}

// RefreshAll is Refresh for all of a bundle.
func (in *Intake) RefreshAll(ctx context.Context, a access.Actor, w *Bundled, lang string) (*Bundled, bool, error) {
	changed, again := false, false
	for _, f := range w.Parts {
		d, differs, err := in.Refresh(ctx, a, f.Draft)
		if err != nil {
			return w, false, err
		}
		changed, again = changed || differs, again || !d.FetchedAt.Equal(f.Draft.FetchedAt)
	}
	if !again {
		return w, false, nil
	}
	w, err := in.Bundled(ctx, a, w.Bundle.ID, lang)
	return w, changed, err
}

// BundleError is what is wrong with a field of one of the forms.
type BundleError struct {
	Part  *Filling
	Error form.FieldError
}

// Validate is what is wrong with all forms, each thing where the person can put it right.
func (w *Bundled) Validate() []BundleError {
	var out []BundleError
	for _, f := range w.Parts {
		for _, e := range f.Validate("") {
			out = append(out, BundleError{f, e})
		}
	}
	return out
}

// Wrong is what is wrong with a page, or with all (""), as it can be put right there: what a later form of the life event says of an
// answer that it shares is said where it was asked.
func (f *Filling) Wrong(page string) []form.FieldError {
	errs := f.View.Validate(page)
	if f.Whole == nil {
		return errs
	}
	errs = slices.DeleteFunc(errs, func(e form.FieldError) bool { _, there := f.Context.Elsewhere[e.Key]; return there })
	for _, pg := range f.View.Pages() {
		if page != "" && pg.ID != page {
			continue
		}
		form.Each(f.View.Page(pg.ID), func(it *form.Item) {
			e, there := f.Whole.said()[f.Draft.ID][it.Name]
			if there && !slices.ContainsFunc(errs, func(o form.FieldError) bool { return o.Key == it.Name }) {
				errs = append(errs, e)
			}
		})
	}
	return errs
}

// said is what later forms say of shared answers, by the draft and field that asks.
func (w *Bundled) said() map[string]map[string]form.FieldError {
	if w.later != nil {
		return w.later
	}
	w.later = map[string]map[string]form.FieldError{}
	for _, f := range w.Parts {
		if len(f.Context.Elsewhere) == 0 {
			continue
		}
		for _, e := range f.View.Validate("") {
			by, ok := w.asker(f, e.Key)
			if _, there := f.Context.Elsewhere[e.Key]; !there || !ok || by.known {
				continue
			}
			if w.later[by.part.Draft.ID] == nil {
				w.later[by.part.Draft.ID] = map[string]form.FieldError{}
			}
			w.later[by.part.Draft.ID][by.field] = form.FieldError{Key: by.field, Msg: e.Msg, Args: e.Args}
		}
	}
	return w.later
}

// asker is who asks what this form shares.
func (w *Bundled) asker(f *Filling, field string) (asker, bool) {
	for i, g := range w.shared {
		if slices.Contains(g.Questions, service.Question{Service: f.Service.ID, Field: field}) {
			return w.first[i], w.first[i].part != nil && w.first[i].part != f
		}
	}
	return asker{}, false
}

// AskedBy is the form that asks a question in the place of this one, and the page on which it does; "" where a register answers it.
func (f *Filling) AskedBy(field string) (by *Filling, page, name string, ok bool) {
	if f.Whole == nil {
		return nil, "", "", false
	}
	x, ok := f.Whole.asker(f, field)
	if !ok {
		return nil, "", "", false
	}
	if page = x.part.Service.Form.Field(x.field).Page; x.known {
		page = ""
	}
	return x.part, page, x.field, true
}

// asks tells whether anything on a page is left to ask.
func asks(items []form.Item) bool {
	some := false
	form.Each(items, func(it *form.Item) { some = some || it.Asked() || it.Type == "dynamiclist" })
	return some
}

// Place is a page of a bundle.
type Place struct {
	Part *Filling
	Page string
}

// Places are the pages of all forms, in their order.
func (w *Bundled) Places() []Place {
	var out []Place
	for _, f := range w.Parts {
		for _, pg := range f.Pages() {
			out = append(out, Place{f, pg.ID})
		}
	}
	return out
}

// Resume is where to go on: the first page that isn't right; false if all are.
func (w *Bundled) Resume() (Place, bool) {
	typed := slices.ContainsFunc(w.Parts, func(f *Filling) bool { return len(f.Draft.Answers) > 0 || len(f.Draft.Raw) > 0 })
	for _, p := range w.Places() {
		if !typed || len(p.Part.Validate(p.Page)) > 0 {
			return p, true
		}
	}
	return Place{}, false
}

// Handed is an application of a bundle that was handed over.
type Handed struct {
	Service *service.Service // in force now; nil: not offered any more
	CaseID  string
	Number  string
}

// Handed are the applications that a bundle has become, in the event's order.
func (in *Intake) Handed(ctx context.Context, w *Bundled) ([]Handed, error) {
	var out []Handed
	for _, d := range w.drafts {
		if d.State != Submitted {
			continue
		}
		s, _ := in.c.Services.Current(d.Service)
		h := Handed{Service: s, CaseID: d.CaseID}
		if in.c.Received != nil {
			r, err := in.c.Received(ctx, in.c.DB, d.CaseID)
			if err != nil {
				return nil, fault.Wrap("intake.handed", err)
			}
			h.Number = r.Number
		}
		out = append(out, h)
	}
	if w.Event != nil {
		place := func(h Handed) int {
			return slices.IndexFunc(w.Event.Parts, func(p service.Part) bool { return h.Service != nil && p.Service == h.Service.ID })
		}
		slices.SortStableFunc(out, func(x, y Handed) int { return place(x) - place(y) })
	}
	return out, nil
}

// SubmitAll hands all applications of a bundle over: in one transaction each becomes a case, or none does. Again it does nothing more.
func (in *Intake) SubmitAll(ctx context.Context, a access.Actor, id, lang string) ([]BundleError, error) {
	return in.SubmitAllSeen(ctx, a, id, "", lang)
}

// SubmitAllSeen is SubmitAll of what the person has seen (Bundled.Shown).
func (in *Intake) SubmitAllSeen(ctx context.Context, a access.Actor, id, seen, lang string) ([]BundleError, error) {
	const op = "intake.submitAll"
	if a.Kind == Guest {
		return nil, fault.New(fault.Unauthenticated, op, "")
	}
	for range 8 {
		w, err := in.Bundled(ctx, a, id, lang)
		if err != nil {
			return nil, err
		}
		if w.Bundle.Helper != "" {
			return nil, fault.New(fault.Denied, op, "intake.help.ownerOnly")
		}
		if w.Bundle.State == Submitted {
			return nil, nil
		}
		// What is missing though it was chosen: who acts under another mandate doesn't begin it.
		if w.Undecided() || w.Unasked() || len(w.Parts) == 0 || len(w.missing) > 0 {
			return nil, fault.New(fault.Conflict, op, "intake.lookAgain")
		}
		if seen != "" && seen != w.Shown() {
			return nil, fault.New(fault.Conflict, op, "intake.check.meanwhile")
		}
		var wrong []BundleError
		var list []handing
		for _, f := range w.Parts {
			h, errs, err := in.ready(ctx, a, f)
			if err != nil {
				return nil, err
			}
			for _, e := range errs {
				wrong = append(wrong, BundleError{f, e})
			}
			list = append(list, h)
		}
		if len(wrong) > 0 {
			return wrong, nil
		}
		err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
			b, now := w.Bundle, in.c.Now()
			n, err := tx.Exec(ctx, submitBundle, b.ID, b.Owner, b.rev, store.Micros(now), store.Micros(now.Add(in.c.Keep)))
			if err == nil && n == 0 {
				err = fault.New(fault.Conflict, op, "intake.busy")
			}
			if err != nil {
				return err
			}
			for _, h := range list {
				if _, err := in.handOver(ctx, tx, a, h, lang); err != nil {
					return err
				}
			}
			for _, d := range w.drafts { // what rests in it stands for itself again
				if d.State != Open || slices.ContainsFunc(list, func(h handing) bool { return h.Draft.ID == d.ID }) {
					continue
				}
				if err := in.release(ctx, tx, d); err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			return nil, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return nil, fault.Wrap(op, err)
		}
	}
	return nil, fault.New(fault.Conflict, op, "intake.busy")
}

// release lets a draft out of its bundle. Where the person has begun another one of the service by now, it goes.
func (in *Intake) release(ctx context.Context, tx *store.Tx, d Draft) error {
	n, err := tx.Exec(ctx, leaveBundle, d.ID, d.Owner, d.Bundle)
	if err != nil || n == 1 {
		return err
	}
	return in.dropIn(ctx, tx, d)
}

// dropIn throws a draft of a bundle away; one that was handed over by itself stays, and its consent.
func (in *Intake) dropIn(ctx context.Context, tx *store.Tx, d Draft) error {
	if d.State != Open {
		return nil
	}
	if _, err := tx.Exec(ctx, dropUploads, d.Owner, d.ID); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, withdrawOfDraft, d.ID, d.Owner, store.Micros(in.c.Now())); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, dropBundled, d.ID, d.Owner, d.Bundle)
	return err
}

// discardBundled throws a draft away that a bundle has and that isn't part of it any more.
func (in *Intake) discardBundled(ctx context.Context, a access.Actor, d Draft) error {
	f, err := in.inBundle(ctx, a, d, true, "de")
	if err != nil {
		return err
	}
	if f != nil {
		return fault.New(fault.Conflict, "intake.discard", "intake.bundle.together")
	}
	return in.c.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := in.may(ctx, tx, a, access.Change, d.Service); err != nil {
			return err
		}
		return in.dropIn(ctx, tx, d)
	})
}

// DiscardBundle throws a bundle away, with all that was typed for it.
func (in *Intake) DiscardBundle(ctx context.Context, a access.Actor, id string) error {
	const op = "intake.discardBundle"
	b, err := in.bundle(ctx, a, id)
	if err != nil {
		return err
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, discardBundle, b.ID, a.Person(), a.Mandate)
		if err == nil && n == 0 {
			err = fault.New(fault.NotFound, op, "intake.noDraft")
		}
		if err != nil {
			return err
		}
		drafts, err := store.All(ctx, tx, scanDraft, bundleDrafts, b.ID, b.Owner)
		if err != nil {
			return err
		}
		for _, d := range drafts {
			if _, err := in.may(ctx, tx, a, access.Change, d.Service); err != nil {
				return err
			}
			if err := in.dropIn(ctx, tx, d); err != nil {
				return err
			}
		}
		if a.Kind == Guest {
			return in.dropKey(ctx, tx, a.ID)
		}
		return nil
	}))
}

// Trust is the level at which somebody is signed in well enough for all that belongs to it.
func (w *Bundled) Trust() access.Level {
	need := access.Basic
	for _, f := range w.Parts {
		need = max(need, f.Service.Trust)
	}
	for _, s := range w.Waiting {
		need = max(need, s.Trust)
	}
	return need
}

// Anonymous tells whether a life event can be begun before the sign-in.
func (in *Intake) Anonymous(e *service.Event) bool { return e.Anonymous(in.c.Services.Current) }

// Events are the life events that the city has.
func (in *Intake) Events() []*service.Event { return in.c.Services.Events() }

// Event is a life event that the city has.
func (in *Intake) Event(id string) (*service.Event, bool) { return in.c.Services.Event(id) }
