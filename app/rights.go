// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/mydata"
	"mercator/domain/process"
	"mercator/domain/register"
	"mercator/domain/service"
)

// The work of the rights over one's own data (Art. 15 to 18 GDPR). Any package may use it that says so in service.toml
// (rights); it reaches nothing but what is about the person whose case it is.

// rightsHandlers are the service tasks for it.
func (h *House) rightsHandlers() []process.Handler {
	return []process.Handler{
		{Type: "record.correct", Inline: h.taskCorrect, Presume: presumeNothing},
		{Type: "record.restrict", Inline: h.taskRestrict(true), Presume: presumeNothing},
		{Type: "record.unrestrict", Inline: h.taskRestrict(false), Presume: presumeNothing},
		{Type: "data.inventory", Inline: h.taskInventory},
		{Type: "data.erase", Inline: h.taskErase, Presume: presumeNothing},
		{Type: "data.summary", Async: h.taskSummary},
	}
}

// exercised checks that a package may use a right, and gives its case, which is about somebody.
func (h *House) exercised(ctx context.Context, q store.Q, w process.Work, right string) (*service.Service, casefile.Case, error) {
	const op = "app.rights"
	s, err := h.services.Version(ctx, w.Service, w.Version)
	if err != nil {
		return nil, casefile.Case{}, fault.Wrap(op, err)
	}
	if !slices.Contains(s.Rights, right) {
		return nil, casefile.Case{}, fault.Because(fault.Denied, op, "", fmt.Errorf("service.toml doesn't name the right %q", right))
	}
	c, err := h.cases.Peek(ctx, q, w.CaseID)
	if err == nil && c.Person == "" {
		err = fault.Because(fault.Invalid, op, "", errNobody)
	}
	return s, c, err
}

// permitOwn asks for a grant for an action on a record of the person whose case it is.
func (h *House) permitOwn(ctx context.Context, tx *store.Tx, s *service.Service, c casefile.Case, action, reg string, fields ...string) (access.Grant, error) {
	return h.access.PermitTx(ctx, tx, access.Request{Actor: access.SystemActor("process"), Action: action, Resource: register.Resource(reg),
		Purpose: s.ID, Basis: s.Basis(), Service: s.ID, Case: c.ID, Office: c.Office, Owner: c.Person, Subjects: []string{c.Person}, Fields: fields})
}

func inputs(w process.Work, names ...string) ([]string, error) {
	out := make([]string, len(names))
	for i, n := range names {
		v, ok := w.Vars[n].(string)
		if !ok || v == "" {
			return nil, fault.Because(fault.Invalid, "app.rights", "", fmt.Errorf("the input %q is missing", n))
		}
		out[i] = v
	}
	return out, nil
}

// taskCorrect puts a field right (Art. 16 GDPR). A value that the register can't take is the error "invalid" of the model.
func (h *House) taskCorrect(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	s, c, err := h.exercised(ctx, tx, w, "correct")
	if err != nil {
		return nil, err
	}
	in, err := inputs(w, "register", "record", "field", "value")
	if err != nil {
		return nil, err
	}
	g, err := h.permitOwn(ctx, tx, s, c, access.Change, in[0], in[2])
	if err != nil {
		return nil, err
	}
	err = h.registers.Fix(ctx, tx, g, in[0], in[1], in[2], strings.TrimSpace(in[3]), register.Why{Who: "process", Reason: s.Title.For("de") + ", Vorgang " + c.Ref, Case: c.ID})
	if fault.Is(err, fault.Invalid) {
		return nil, &process.ModelError{Code: "invalid"}
	}
	return map[string]any{"corrected": err == nil}, err
}

// taskRestrict restricts a record, or takes the mark off (Art. 18 GDPR).
func (h *House) taskRestrict(on bool) func(context.Context, *store.Tx, process.Work) (map[string]any, error) {
	return func(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
		s, c, err := h.exercised(ctx, tx, w, "restrict")
		if err != nil {
			return nil, err
		}
		in, err := inputs(w, "register", "record")
		if err != nil {
			return nil, err
		}
		g, err := h.permitOwn(ctx, tx, s, c, access.Change, in[0])
		if err != nil {
			return nil, err
		}
		if on {
			err = h.registers.Restrict(ctx, tx, g, in[0], in[1])
		} else {
			err = h.registers.Unrestrict(ctx, tx, g, in[0], in[1])
		}
		return map[string]any{"restricted": on}, err
	}
}

// taskInventory lists what could be erased of what is held about the person, for a decision table to decide each
// (Art. 17 GDPR): kind (drafts, consents, record), what in words, whether a record holds, whether its retention has ended.
func (h *House) taskInventory(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	_, c, err := h.exercised(ctx, tx, w, "erase")
	if err != nil {
		return nil, err
	}
	list := []any{}
	drafts, consents, err := h.intake.Spare(ctx, tx, c.Person, c.Service)
	if err != nil {
		return nil, err
	}
	add := func(kind, title string, n int, more map[string]any) {
		x := map[string]any{"kind": kind, "title": title, "count": n, "register": "", "record": "", "holds": false, "past": false, "rule": "", "basis": ""}
		for k, v := range more {
			x[k] = v
		}
		list = append(list, x)
	}
	if drafts > 0 {
		add("drafts", "Entwürfe", drafts, nil)
	}
	if consents > 0 {
		add("consents", "Beendete Einwilligungen", consents, nil)
	}
	kept, err := h.registers.Kept(ctx, tx, c.Person)
	if err != nil {
		return nil, err
	}
	for _, k := range kept {
		more := map[string]any{"register": k.Register.ID, "record": k.ID, "holds": k.Holds, "past": k.Past, "basis": k.Register.Basis}
		if k.Register.Keep != nil {
			more["rule"] = k.Register.Keep.Basis
		}
		if !k.Due.IsZero() {
			more["due"] = k.Due.Format("2006-01-02")
		}
		add("record", k.Register.Title.For("de"), 1, more)
	}
	return map[string]any{"inventory": list}, nil
}

// taskErase erases one thing of the inventory. A record is asked again whether it may go.
func (h *House) taskErase(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	s, c, err := h.exercised(ctx, tx, w, "erase")
	if err != nil {
		return nil, err
	}
	item, _ := w.Vars["item"].(map[string]any)
	kind, _ := item["kind"].(string)
	switch kind {
	case "drafts":
		_, err = h.intake.EraseDrafts(ctx, tx, c.Person, c.Service)
	case "consents":
		_, err = h.intake.EraseConsents(ctx, tx, c.Person)
	case "record":
		reg, _ := item["register"].(string)
		id, _ := item["record"].(string)
		var g access.Grant
		if g, err = h.permitOwn(ctx, tx, s, c, access.Erase, reg); err != nil {
			return nil, err
		}
		err = h.registers.EraseKept(ctx, tx, g, reg, id, register.Erasure{Rule: "Art. 17 DSGVO", Who: "process", Case: c.ID})
		if fault.Is(err, fault.NotFound) { // gone already
			err = nil
		}
	default:
		err = fault.Because(fault.Invalid, "app.taskErase", "", fmt.Errorf("nothing of the kind %q can be erased", kind))
	}
	return map[string]any{"erased": err == nil}, err
}

// taskSummary counts what is held about the person (Art. 15 GDPR), for the letter that says where the copy is. The copy is
// made when it is fetched, so no second store of everything comes to be.
func (h *House) taskSummary(ctx context.Context, w process.Work) (process.Effect, error) {
	_, c, err := h.exercised(ctx, h.db, w, "access")
	if err != nil {
		return nil, err
	}
	words, err := h.catalogue()
	if err != nil {
		return nil, err
	}
	// The person's own request: it is as if they looked themselves.
	a := access.Actor{Kind: access.Resident, ID: c.Person, Name: c.PersonName, Level: access.Substantial, Door: access.DoorHouse}
	given := w.Header("given") == "true"
	all, err := mydata.Collect(ctx, h.holders(words), a, "de", h.now(), given)
	if err != nil {
		return nil, err
	}
	var lines []any
	total := 0
	for _, held := range all.Holders {
		lines = append(lines, fmt.Sprintf("%s: %d", held.About.Title, len(held.Items)))
		total += len(held.Items)
	}
	return func(context.Context, *store.Tx) (map[string]any, error) {
		return map[string]any{"summary": map[string]any{"total": total, "lines": lines, "text": joinLines(lines)}}, nil
	}, nil
}

func joinLines(lines []any) string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = fmt.Sprint(l)
	}
	return strings.Join(out, "; ")
}

// restricted tells the policies whether a request is for a person's restricted record.
func (h *House) restricted(ctx context.Context, q store.Q, resource, person, purpose string) (bool, error) {
	name, ok := strings.CutPrefix(resource, "register:")
	if !ok || h.registers == nil {
		return false, nil
	}
	return h.registers.Restricted(ctx, q, name, person, purpose)
}
