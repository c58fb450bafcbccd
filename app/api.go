// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"crypto/sha256"
	"path/filepath"

	"mercator/adapter/api"
	"mercator/adapter/webhook"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/domain/intake"
	"mercator/lang/form"
	"mercator/web"

	"github.com/google/uuid"
)

// buildWebhooks builds what tells other systems what has happened.
func (h *House) buildWebhooks() error {
	key, err := secretFile(filepath.Join(h.config.Data.Shared, "webhook.key"))
	if err != nil {
		return err
	}
	h.webhooks, err = webhook.NewService(webhook.Config{DB: h.db, Jobs: h.jobs, Key: key, Loopback: h.config.API.AllowLoopbackWebhooks, OfficeOf: h.officeOf, Log: h.log, Now: h.now})
	if err != nil {
		return err
	}
	return h.outbox.Register(h.webhooks.Handler())
}

// apiMounts are the counter for programs.
func (h *House) apiMounts(words *i18n.Catalogue) (web.Mounts, error) {
	key, err := secretFile(filepath.Join(h.config.Data.Shared, "api.key"))
	if err != nil {
		return nil, err
	}
	proxies, err := prefixes(h.config.Server.TrustedProxies)
	if err != nil {
		return nil, err
	}
	bearer, err := identity.NewBearer(identity.BearerConfig{Issuer: h.config.Identity.Issuer, Audience: h.config.API.Audience, Now: h.now,
		Certificates: identity.Certificates{Header: h.config.API.CertificateHeader, Proxies: proxies, Clients: h.config.API.Certificates}})
	if err != nil {
		return nil, err
	}
	h.api, err = api.New(api.Config{
		DB: h.db, Key: key, PublicURL: h.config.Server.PublicURL, Contact: h.city.Info.Email, Issuer: h.config.Identity.Issuer, Log: h.log, Now: h.now, Words: words,
		Authenticate: bearer.Actor, Access: h.access, Services: h.services, Cases: h.cases, Tasks: h.engine, Registers: h.registers, Zone: h.zone,
		Check: h.notice.Check, Submit: h.submitFor, Complete: h.completeFor,
		More:      []func(api.Room){func(r api.Room) { h.webhooks.Operations(r.API, r.Caller, r.Fail) }},
		PerMinute: h.apiRate(),
	})
	if err != nil {
		return nil, err
	}
	if h.nats != nil && len(h.config.Bus.Workers) > 0 {
		if err := h.api.ServeNATS(h.nats.Conn(), h.config.Bus.Workers); err != nil {
			return nil, err
		}
	}
	return web.Mounts{{Pattern: "/api/", Handler: h.api, Foreign: true, Class: web.ClassAPI, MaxBody: 2 << 20}}, nil
}

// apiRate is the requests a minute of one client: as many as the demo's benchmark makes, else the API's own bound.
func (h *House) apiRate() int {
	if h.limits() != nil {
		return 1_000_000
	}
	return 0
}

// submitFor takes an application that a program hands in for a person. The person
// is matched with the register; one who isn't there gets an id that stays the same
// for the same submission.
func (h *House) submitFor(ctx context.Context, a access.Actor, s api.Submission) (api.Receipt, []api.FieldProblem, error) {
	person, err := h.registers.MatchPerson(ctx, s.Person.GivenNames, s.Person.FamilyName, s.Person.BirthDate)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		sum := sha256.Sum256([]byte(a.ID + "\x00" + s.Origin))
		person, err = uuid.NewSHA1(uuid.NameSpaceOID, sum[:]).String(), nil
	}
	if err != nil {
		return api.Receipt{}, nil, err
	}
	service, ok := h.services.Current(s.Service)
	if !ok {
		return api.Receipt{}, nil, fault.New(fault.NotFound, "app.submitFor", "")
	}
	answers := map[string]any{}
	for name, v := range map[string]string{"given_names": s.Person.GivenNames, "family_name": s.Person.FamilyName, "birth_date": s.Person.BirthDate} {
		if service.Form.Field(name) != nil {
			answers[name] = v
		}
	}
	for name, v := range s.Answers {
		answers[name] = v
	}
	id, errs, err := h.intake.Apply(ctx, a, intake.Application{Service: s.Service, Key: s.Origin, Person: person,
		PersonName: s.Person.GivenNames + " " + s.Person.FamilyName, Channel: "api", Lang: s.Lang, Answers: answers})
	if err != nil || len(errs) > 0 {
		return api.Receipt{}, h.fieldProblems(service.Form, errs, s.Lang), err
	}
	r, err := h.received(ctx, h.db, id)
	return api.Receipt{CaseID: r.CaseID, Number: r.Number, At: r.At, Hash: r.Hash}, nil, err
}

func (h *House) fieldProblems(f *form.Form, errs []form.FieldError, lang string) []api.FieldProblem {
	loc := h.words.Match(lang)
	var out []api.FieldProblem
	for _, e := range errs {
		out = append(out, api.FieldProblem{Field: e.Key, Detail: f.ErrorText(e, loc)})
	}
	return out
}

// completeFor ends a task. The policies decide who may: a decision that affects a
// person isn't made by a foreign program.
func (h *House) completeFor(ctx context.Context, a access.Actor, id string, revision int64, answers map[string]any, lang string) ([]api.FieldProblem, error) {
	g, err := h.access.Permit(ctx, access.Request{Actor: a, Action: access.Read, Resource: "task", Office: a.Office, Purpose: "case work"})
	if err != nil {
		return nil, err
	}
	t, err := h.engine.Task(ctx, g, id)
	if err != nil {
		return nil, err
	}
	if g, err = h.access.Permit(ctx, access.Request{Actor: a, Action: access.Decide, Resource: "task", Office: a.Office, Service: t.Service, Case: t.CaseID, Purpose: "case work"}); err != nil {
		return nil, err
	}
	s, err := h.services.Version(ctx, t.Service, t.Version)
	if err != nil {
		return nil, err
	}
	results := map[string]any{}
	if f := s.TaskForms[t.Form]; f != nil {
		vars, err := h.engine.Vars(ctx, g, t)
		if err != nil {
			return nil, err
		}
		lists, err := h.intake.Lists(ctx, s)
		if err != nil {
			return nil, err
		}
		vars["lists"] = lists
		fctx := form.Context{Vars: vars, Lang: lang, Today: h.now().In(h.zone)}
		taken, errs := f.Take(answers, fctx)
		if len(errs) > 0 {
			return h.fieldProblems(f, errs, lang), nil
		}
		results = f.Eval(taken, fctx).Submission()
	}
	return nil, h.db.Write(ctx, func(tx *store.Tx) error {
		_, err := h.engine.Complete(ctx, tx, g, id, revision, results)
		return err
	})
}

// officeOf is the office of a case, for webhooks of a client that is tied to one.
func (h *House) officeOf(ctx context.Context, q store.Q, caseID string) (string, error) {
	c, err := h.cases.Peek(ctx, q, caseID)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return c.Office, err
}
