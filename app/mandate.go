// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"io/fs"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/domain/mandate"
	"mercator/domain/mandate/mandateweb"
	"mercator/domain/postbox"
	"mercator/web"
	"mercator/web/ui"
)

// openMandates opens the room of mandates. The checker and the sessions ask it, and were there first.
func (h *House) openMandates(ctx context.Context, city fs.FS) error {
	rules, err := mandate.LoadRules(city)
	if err != nil {
		return err
	}
	h.mandates, err = mandate.New(mandate.Config{DB: h.db, Vault: h.vault, Access: h.access, Rules: rules, Now: h.now, Zone: h.zone,
		Services: h.servicesOf, Known: h.knownScope, Match: h.registers.MatchPerson, Tell: h.tellOfMandate})
	if err != nil {
		return err
	}
	if err := h.mandates.Upgrade(ctx); err != nil {
		return err
	}
	for _, k := range rules.Kinds {
		for _, o := range k.Offices {
			if _, ok := h.office(o); !ok {
				return fault.Internalf("app.mandates", "mandates.toml: %s: the city has no office %q", k.ID, o)
			}
		}
		for _, t := range k.Topics {
			if _, ok := h.directory.Topic(t); !ok {
				return fault.Internalf("app.mandates", "mandates.toml: %s: there is no topic %q", k.ID, t)
			}
		}
	}
	return nil
}

// mandateFacts, mandatePrincipal and acting are what the checker and the sessions ask; before the room is there, nobody acts for anybody.
func (h *House) mandateFacts(ctx context.Context, tx *store.Tx, a access.Actor) (access.Mandate, error) {
	if h.mandates == nil {
		return access.Mandate{}, fault.New(fault.Denied, "app.mandates", access.MandateEnded)
	}
	return h.mandates.Facts(ctx, tx, a)
}

func (h *House) mandatePrincipal(ctx context.Context, id string) (string, error) {
	if h.mandates == nil {
		return "", nil
	}
	return h.mandates.Principal(ctx, id)
}

func (h *House) acting(ctx context.Context, a access.Actor) (access.Actor, error) {
	if h.mandates == nil {
		return a, fault.New(fault.Denied, "app.mandates", access.MandateEnded)
	}
	return h.mandates.Acting(ctx, a)
}

// actingOf is what the frame of a page shows of it.
func actingOf(a access.Actor) *web.Acting {
	if !a.Acting() {
		return nil
	}
	name := a.ForName
	if name == "" && a.For != "" { // it is gone, and the mandate isn't over
		name = "–"
	}
	return &web.Acting{Name: name, Desk: a.Kind == access.Clerk}
}

func (h *House) servicesOf(topic string) []string {
	var out []string
	for _, s := range h.directory.All(topic) {
		out = append(out, s.ID)
	}
	return out
}

func (h *House) knownScope(kind, id string) bool {
	if kind == "topic" {
		_, ok := h.directory.Topic(id)
		return ok
	}
	_, ok := h.directory.Get(id)
	return ok
}

// tellOfMandate puts what has become of a mandate into a person's postbox.
func (h *House) tellOfMandate(ctx context.Context, tx *store.Tx, person string, n mandate.News) error {
	subject, body := mandateweb.Letter(h.words, n, person, h.zone)
	_, err := h.postbox.Deliver(ctx, tx, postbox.Message{Person: person, Subject: subject, Body: body})
	return err
}

// mandatePages plugs the names of services and offices into the pages of mandates.
func (h *House) mandatePages(t *web.Templates) mandateweb.Config {
	return mandateweb.Config{Templates: t, Mandates: h.mandates, Access: h.access, Zone: h.zone, Now: h.now,
		Self: identity.RequireSelf, Actor: identity.Require, Office: h.officeName,
		Act: func(ctx context.Context, s identity.Session, id string) error { return h.sessions.Act(ctx, s, id) },
		Services: func(lang string) []ui.Option {
			var out []ui.Option
			for _, s := range h.directory.All("") {
				out = append(out, ui.Option{Value: s.ID, Label: s.Title.For(lang)})
			}
			return out
		},
		Topics: func(lang string) []ui.Option {
			var out []ui.Option
			for _, x := range h.directory.Topics() {
				out = append(out, ui.Option{Value: x.ID, Label: x.Title.For(lang)})
			}
			return out
		},
	}
}

// mayMessages tells whether somebody sees the messages of a case: the person does, and who acts for them if the mandate covers
// it, on record.
func (h *House) mayMessages(ctx context.Context, g access.Grant, caseID string) (bool, error) {
	a := g.Actor()
	if !a.Acting() || a.Kind != access.Resident {
		return true, nil
	}
	if !g.Allows(mandate.Messages) {
		return false, nil
	}
	c, err := h.cases.Peek(ctx, h.db, caseID)
	if err != nil {
		return false, err
	}
	_, err = h.access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "message", Purpose: "own data", Service: c.Service, Case: caseID, Owner: a.Person()})
	return err == nil, err
}

// nextActing leads who has handed over for somebody else to the case, if they may read it.
func (h *House) nextActing(ctx context.Context, a access.Actor, caseID string) string {
	if m, err := h.mandates.Usable(ctx, a, a.Mandate); err == nil {
		for _, x := range h.mandates.Offers(m).Actions {
			if x == mandate.Read {
				return "/cases/" + caseID + "/receipt"
			}
		}
	}
	return "/mandates?done=submitted"
}

// filedBy is what the file says of who has handed over for somebody else.
func (h *House) filedBy(g access.Grant) i18n.Text {
	a := g.Actor()
	if !a.Acting() || a.Kind != access.Resident || h.words == nil {
		return nil
	}
	k, ok := h.mandates.Rules().Kind(g.MandateKind())
	if !ok {
		return nil
	}
	out := i18n.Text{}
	for _, lang := range h.words.Languages() {
		out[lang] = h.words.Localizer(lang).T("mandate.filedBy", "name", a.Name, "for", a.ForName, "kind", k.Title.For(lang), "basis", k.Basis)
	}
	return out
}
