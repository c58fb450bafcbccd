// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/process"
	"mercator/domain/service"
	"mercator/lang/form"
)

// listen has the processes of the services in force begin by what their models wait for.
// A service that can't be listened to doesn't close the town.
func (h *House) listen(ctx context.Context) {
	var all []process.Deployment
	for _, s := range h.services.All() {
		all = append(all, process.Deployment{Service: s.ID, Version: s.Version, Office: s.Office, Def: s.Process, Process: s.ProcessID, Called: s.Called})
	}
	if err := h.engine.Deploy(ctx, all); err != nil {
		h.log.Error("not everything that begins a process by itself is listened to", "err", err)
	}
}

// openByEvent opens the case of a process that begins by itself. The house does it on the
// legal basis of the service; a person is in it only if the registers know who is named.
func (h *House) openByEvent(ctx context.Context, tx *store.Tx, o process.Occasion) (process.StartParams, error) {
	const op = "app.openByEvent"
	s, err := h.services.Version(ctx, o.Service, o.Version)
	if err != nil {
		return process.StartParams{}, fault.Wrap(op, err)
	}
	who, err := h.named(ctx, o.Vars["person"])
	if err != nil {
		return process.StartParams{}, fault.Wrap(op, err)
	}
	if o.Person != "" {
		who.id = o.Person
	}
	application, err := h.toldAnswers(ctx, s, o.Vars, who.vars())
	if err != nil {
		return process.StartParams{}, fault.Wrap(op, err)
	}
	answers, err := json.Marshal(application)
	if err != nil {
		return process.StartParams{}, fault.Wrap(op, err)
	}
	g, err := h.access.PermitTx(ctx, tx, access.Request{Actor: access.SystemActor("process"), Action: access.Submit, Resource: "case",
		Purpose: s.ID, Basis: s.Basis(), Service: s.ID, Office: o.Office, Owner: who.id})
	if err != nil {
		return process.StartParams{}, fault.Wrap(op, err)
	}
	opening := casefile.Opening{Service: o.Service, Version: o.Version, Office: o.Office, Person: who.id, Client: o.Sender,
		Channel: casefile.Event, Lang: "de", Origin: "event/" + o.Origin, Application: answers}
	label := s.Title.For("de")
	if who.id != "" {
		opening.PersonName = who.name()
		label = opening.PersonName
	}
	c, fresh, err := h.cases.Open(ctx, tx, g, opening)
	if err == nil && !fresh {
		err = fault.Internalf(op, "the case of this occasion is open already")
	}
	if err != nil {
		return process.StartParams{}, fault.Wrap(op, err)
	}
	return process.StartParams{CaseID: c.ID, CaseRef: c.Ref, Label: label, Vars: h.beginsWith(s, c, application, who.vars())}, nil
}

// named is who an event names; id is "" unless the registers know them.
type named struct{ id, given, family, birthDate string }

func (n named) name() string {
	if n.given == "" {
		return n.family
	}
	return n.given + " " + n.family
}

func (n named) vars() map[string]any {
	return map[string]any{"id": n.id, "name": n.name(), "given_names": n.given, "family_name": n.family}
}

// named finds who is named by given names, family name and date of birth.
func (h *House) named(ctx context.Context, v any) (named, error) {
	m, _ := v.(map[string]any)
	text := func(key string) string {
		s, _ := m[key].(string)
		return strings.ToValidUTF8(s[:min(len(s), 200)], "")
	}
	n := named{given: text("given_names"), family: text("family_name"), birthDate: text("birth_date")}
	if n.given == "" || n.family == "" || n.birthDate == "" {
		return n, nil
	}
	id, err := h.registers.MatchPerson(ctx, n.given, n.family, n.birthDate)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Conflict) {
		return n, nil
	}
	n.id = id
	return n, err
}

// toldAnswers are the answers that came with an event, under "application" or by the names
// of the form's fields, if they are a complete and right application; else there is none.
func (h *House) toldAnswers(ctx context.Context, s *service.Service, vars, person map[string]any) (map[string]any, error) {
	given, ok := vars["application"].(map[string]any)
	if len(s.Form.Names()) == 0 && ok {
		return given, nil
	}
	if !ok {
		given = map[string]any{}
		for _, name := range s.Form.Names() {
			if v, ok := vars[name]; ok {
				given[name] = v
			}
		}
	}
	if len(given) == 0 {
		return map[string]any{}, nil
	}
	lists, err := h.intake.Lists(ctx, s)
	if err != nil {
		return nil, err
	}
	c := form.Context{Vars: map[string]any{"lists": lists, "registers": nil, "person": person, "service": map[string]any{"id": s.ID, "title": s.Title.For("de")}},
		Lang: "de", Today: h.now().In(h.zone)}
	answers, errs := s.Form.Take(given, c)
	if len(errs) > 0 {
		return map[string]any{}, nil
	}
	return s.Form.Eval(answers, c).Submission(), nil
}
