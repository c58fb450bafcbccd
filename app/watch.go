// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/identity"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/postbox"
	"mercator/domain/register"
	"mercator/domain/service"
	"mercator/domain/watch"
	"mercator/domain/watch/watchweb"
	"mercator/web"
)

// What follows in the house when a register changes: services that watch it, and cases that
// run on what it said.

func (h *House) buildWatch() (err error) {
	h.watches, err = watch.New(watch.Config{
		DB: h.db, Services: h.services, Access: h.access, Now: h.now, Zone: h.zone, Log: h.log,
		Due: func(ctx context.Context, g access.Grant, reg, field, first, last string, after watch.Due, n int) ([]watch.Due, error) {
			list, err := h.registers.DueBetween(ctx, g, reg, field, first, last, register.Due{ID: after.Record, Day: after.Day}, n)
			out := make([]watch.Due, len(list))
			for i, d := range list {
				out[i] = watch.Due{Record: d.ID, Day: d.Day}
			}
			return out, err
		},
		Person: h.registers.PersonOf,
		Read: func(ctx context.Context, tx *store.Tx, g access.Grant, reg, record string) (map[string]any, error) {
			r, err := h.registers.ByID(ctx, tx, g, reg, record)
			if err != nil {
				return nil, err
			}
			return r.All()
		},
		Open: h.openWatched,
	})
	if err != nil {
		return err
	}
	return h.outbox.Register(
		bus.Handler{Name: "watch.registers", Types: []string{register.EventChanged}, Handle: h.watchRecord},
		bus.Handler{Name: "persons.erased", Types: []string{register.EventChanged}, Handle: h.forgetErased},
		bus.Handler{Name: "cases.registers", Types: []string{register.EventChanged}, Handle: h.refreshCases},
	)
}

// watchRecord looks at a changed record for the services that watch its register.
func (h *House) watchRecord(ctx context.Context, tx *store.Tx, e bus.Event) error {
	var c register.Changed
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return fault.Wrap("app.watchRecord", err)
	}
	if c.Erased {
		return h.watches.Forget(ctx, tx, c.Register, c.ID)
	}
	return h.watches.Changed(ctx, tx, c.Register, c.ID)
}

// forgetErased has the rooms forget whoever the register of persons was made to forget: who acts for whom, what they had begun to
// fill in, and what was looked for and found about them.
func (h *House) forgetErased(ctx context.Context, tx *store.Tx, e bus.Event) error {
	var c register.Changed
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return fault.Wrap("app.forgetErased", err)
	}
	if d, ok := h.definitions.Get(c.Register); !ok || !c.Erased || d.Person != d.Key || d.Person == "" {
		return nil
	}
	if err := h.mandates.Forget(ctx, tx, c.ID); err != nil {
		return err
	}
	if err := h.intake.Forget(ctx, tx, c.ID); err != nil {
		return err
	}
	return h.oversight.Forget(ctx, tx, c.ID)
}

// openWatched opens what a watch has seen the occasion for.
func (h *House) openWatched(ctx context.Context, tx *store.Tx, s *service.Service, w service.Watch, person string, record map[string]any, o service.Occasion) error {
	const op = "app.openWatched"
	permit := func(action, resource string) (access.Grant, error) {
		return h.access.PermitTx(ctx, tx, access.Request{Actor: access.SystemActor("watch"), Action: action, Resource: resource,
			Purpose: s.ID, Basis: w.Basis, Service: s.ID, Office: s.Office, Owner: person, Subjects: []string{person}})
	}
	switch w.Opens {
	case service.Offer:
		g, err := permit(access.Change, "draft")
		if err != nil {
			return err
		}
		draft, err := h.intake.Offer(ctx, tx, g, s, o.Answers)
		if err != nil {
			return err
		}
		subject, body := w.Told(record)
		_, err = h.postbox.Deliver(ctx, tx, postbox.Message{Person: person, Office: s.Office, Subject: i18n.Text(subject), Body: i18n.Text(body), Link: "/apply/" + draft})
		return fault.Wrap(op, err)
	case service.Opening:
		g, err := permit(access.Submit, "case")
		if err != nil {
			return err
		}
		application, err := json.Marshal(o.Answers)
		if err != nil {
			return fault.Wrap(op, err)
		}
		_, _, err = h.open(ctx, tx, g, casefile.Opening{Service: s.ID, Version: s.Version, Office: s.Office, Person: person,
			Channel: casefile.Event, Lang: "de", Origin: "watch/" + g.EntryID(), Application: application})
		return fault.Wrap(op, err)
	case service.Begins:
		_, err := h.engine.TellOf(ctx, tx, s.ID, person, map[string]any{"record": record, "register": w.Register})
		return fault.Wrap(op, err)
	}
	return fault.Internalf(op, "nothing is opened by %q", w.Opens)
}

// keepWatch looks every few minutes whether a day's looks are still to be done.
func (h *House) keepWatch(ctx context.Context) error {
	return h.every(ctx, 5*time.Minute, "what becomes due in the registers waits", func() (bool, error) { return h.watches.Pass(ctx) })
}

// --- running cases

const refreshKind = "registers.refresh"

// maxRefreshed is how many open cases of a person are told of a change.
const maxRefreshed = 50

type refreshArgs struct {
	Case     string `json:"case"`
	Register string `json:"register"`
}

// reads reports whether data of a service is of a register, by itself or through a link.
func (h *House) reads(u service.RegisterUse, changed string) bool {
	if u.Register == changed {
		return true
	}
	d, ok := h.definitions.Get(u.Register)
	return ok && slices.ContainsFunc(u.Fields, func(name string) bool {
		f, _ := d.Field(name)
		link, _ := d.Field(f.Through)
		return f.View() && link.Link == changed
	})
}

// refreshCases has the open cases of the person whose record has changed look at it again,
// each in a step of its own: those whose person has agreed that they read it.
func (h *House) refreshCases(ctx context.Context, tx *store.Tx, e bus.Event) error {
	const op = "app.refreshCases"
	var c register.Changed
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return fault.Wrap(op, err)
	}
	if c.Erased {
		return nil
	}
	person, err := h.registers.PersonOf(ctx, tx, c.Register, c.ID)
	if err != nil || person == "" {
		return err
	}
	open, err := h.cases.OpenOf(ctx, tx, person, maxRefreshed)
	if err != nil {
		return err
	}
	for _, x := range open {
		if x.ID == c.Case || len(x.Registers) == 0 || string(x.Registers) == "null" {
			continue
		}
		s, err := h.services.Version(ctx, x.Service, x.Version)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if !slices.ContainsFunc(s.Data, func(u service.RegisterUse) bool { return h.reads(u, c.Register) }) {
			continue
		}
		if err := h.jobs.Add(ctx, tx, job.New{Kind: refreshKind, Args: refreshArgs{x.ID, c.Register}}); err != nil {
			return err
		}
	}
	return nil
}

var textRegisterChanged = i18n.Text{"de": "Ein Register hat sich geändert", "en": "A register has changed", "tr": "Bir sicil değişti"}

// refresh gives a running case what a register says now. What it began with stays in the
// file; the process, with its conditions and rules to come, goes by what is so.
func (h *House) refresh(ctx context.Context, j *job.Job) error {
	const op = "app.refresh"
	var a refreshArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	c, err := h.cases.Peek(ctx, h.db, a.Case)
	if err != nil || c.State != casefile.Open {
		return err
	}
	if yes, err := h.intake.Consented(ctx, h.db, c.ID, c.Person); err != nil || !yes {
		return fault.Wrap(op, err) // taken back (Art. 7 (3) GDPR): nothing more is read on it
	}
	s, err := h.services.Version(ctx, c.Service, c.Version)
	if err != nil {
		return fault.Wrap(op, err)
	}
	fresh := map[string]any{}
	for _, u := range s.Data {
		if !h.reads(u, a.Register) {
			continue
		}
		reader := access.SystemActor("process")
		reader.Name, reader.Office = s.Title.For("de"), s.Office
		g, err := h.access.Permit(ctx, access.Request{Actor: reader, Action: access.Read, Resource: register.Resource(u.Register), Purpose: s.ID, Basis: u.Basis,
			Service: s.ID, Case: c.ID, Owner: c.Person, Subjects: []string{c.Person}, Fields: u.Fields})
		if access.Restricted(err) {
			return nil // it is only kept (Art. 18 GDPR): the case goes on with what it knows
		}
		if err != nil {
			return err
		}
		v, err := h.registers.Fetch(ctx, g, register.Use{Register: u.Register, Person: c.Person, Fields: u.Fields, One: u.One})
		if err != nil {
			return fault.Wrap(op, err)
		}
		fresh[u.As] = v
	}
	title := a.Register
	if d, ok := h.definitions.Get(a.Register); ok {
		title = cmp.Or(d.Title.For("de"), title)
	}
	return h.db.Write(ctx, func(tx *store.Tx) error {
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		if c, err := h.cases.Peek(ctx, tx, a.Case); err != nil || c.State != casefile.Open {
			return err
		}
		vars, err := h.engine.VarsOf(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		now, _ := vars["registers"].(map[string]any)
		if now == nil {
			return nil
		}
		merged := map[string]any{}
		for k, v := range now {
			merged[k] = v
		}
		for k, v := range fresh {
			merged[k] = v
		}
		was, _ := json.Marshal(now)
		if is, _ := json.Marshal(merged); string(is) == string(was) {
			return nil // none of the fields that the service reads
		}
		if err := h.engine.SetVars(ctx, tx, c.ID, access.SystemActor("process"), map[string]any{"registers": merged}); err != nil {
			return err
		}
		return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.ID, Kind: casefile.Note, ActorKind: string(access.System), Title: textRegisterChanged, Body: i18n.Plain(title), Internal: true})
	})
}

// watchMounts are the pages on which people say whether services may begin by themselves.
func (h *House) watchMounts(t *web.Templates) (web.Mounts, error) {
	return watchweb.Mounts(watchweb.Config{Templates: t, Office: h.watches, Actor: identity.Require,
		Register: func(id, lang string) (title string, fields map[string]string) {
			info := h.registerInfo(id, lang)
			return info.Title, info.Fields
		}})
}
