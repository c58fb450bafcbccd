// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/intake"
	"mercator/domain/mandate"
	"mercator/domain/mandate/mandateweb"
	"mercator/domain/mydata"
	"mercator/domain/mydata/mydataweb"
	"mercator/domain/postbox"
	"mercator/domain/register"
	"mercator/domain/service"
	"mercator/lang/form"
	"mercator/web"
)

// rightsTopic is the topic of the services by which people use their rights over their data.
const rightsTopic = "data"

// myDataPages plugs what the rooms hold about people into "my data".
func (h *House) myDataPages(t *web.Templates, words *i18n.Catalogue) mydataweb.Config {
	c := mydataweb.Config{
		Templates: t, Access: h.access, Renderer: h.renderer, Holders: h.holders(words), Now: h.now, Zone: h.zone, City: h.city.Info.Name,
		Actor: identity.Require, Acting: identity.RequireActing, Office: h.officeName, Proof: "/my-data/ledger.json",
		Register: func(id, lang string) (mydataweb.Register, bool) {
			d, ok := h.definitions.Get(id)
			if !ok {
				return mydataweb.Register{}, false
			}
			r := mydataweb.Register{Title: d.Title.For(lang), Fields: map[string]string{}}
			for _, f := range d.Fields {
				r.Fields[f.Name] = f.Title.For(lang)
			}
			return r, true
		},
		Service: func(id, lang string) string {
			s, ok := h.services.Current(id)
			if !ok {
				return ""
			}
			return s.Title.For(lang)
		},
		Case: func(ctx context.Context, person, id, lang string) (mydataweb.Case, bool, error) {
			c, err := h.cases.Peek(ctx, h.db, id)
			if fault.Is(err, fault.NotFound) || err == nil && c.Person != person {
				return mydataweb.Case{}, false, nil
			}
			return mydataweb.Case{Ref: c.Ref, Service: h.serviceName(c.Service, lang)}, err == nil, err
		},
		History: h.ownHistory,
		Rights: func(lang string) []mydataweb.Service {
			var out []mydataweb.Service
			for _, s := range h.services.All() {
				if s.About == "" && !s.Internal && slices.Contains(s.Topics, rightsTopic) {
					out = append(out, mydataweb.Service{ID: s.ID, Title: s.Title.For(lang), Summary: s.Summary.For(lang)})
				}
			}
			return out
		},
		About: func(kind, lang string) (mydataweb.Service, bool) {
			s := h.serviceAbout(kind)
			if s == nil {
				return mydataweb.Service{}, false
			}
			return mydataweb.Service{ID: s.ID, Title: s.Title.For(lang), Summary: s.Summary.For(lang)}, true
		},
		BeginEntry: func(ctx context.Context, a access.Actor, e audit.Entry, told string) (string, error) {
			return h.beginAbout(ctx, a, "entry", h.aboutEntry(e, told))
		},
		BeginField: func(ctx context.Context, a access.Actor, reg, id, field, lang string) (string, error) {
			about, err := h.aboutRecord(ctx, a, reg, id, field, lang)
			if err != nil {
				return "", err
			}
			return h.beginAbout(ctx, a, "field", about)
		},
		BeginRecord: func(ctx context.Context, a access.Actor, reg, id, lang string) (string, error) {
			about, err := h.aboutRecord(ctx, a, reg, id, "", lang)
			if err != nil {
				return "", err
			}
			return h.beginAbout(ctx, a, "record", about)
		},
		Consents: h.ownConsents,
		Withdraw: h.intake.Withdraw,
	}
	for _, o := range h.city.Offices {
		c.Offices = append(c.Offices, o.ID)
	}
	c.Registers = func() (out []string) {
		for _, d := range h.definitions.All() {
			if d.Person != "" {
				out = append(out, d.ID)
			}
		}
		return out
	}
	return c
}

func (h *House) serviceName(id, lang string) string {
	if s, ok := h.services.Current(id); ok {
		return s.Title.For(lang)
	}
	return id
}

// serviceAbout is the service that is about an entry, a field or a record; nil: the city offers none.
func (h *House) serviceAbout(kind string) *service.Service {
	for _, s := range h.services.All() {
		if s.About == kind && !s.Internal {
			return s
		}
	}
	return nil
}

func (h *House) beginAbout(ctx context.Context, a access.Actor, kind string, about map[string]any) (string, error) {
	s := h.serviceAbout(kind)
	if s == nil {
		return "", fault.New(fault.NotFound, "app.beginAbout", "")
	}
	if a.Level < s.Trust {
		return "", fault.New(fault.StepUp, "app.beginAbout", "", "level", s.Trust.String())
	}
	d, err := h.intake.StartAbout(ctx, a, s.ID, about)
	return "/apply/" + d.ID, err
}

// aboutEntry is an entry of the ledger, as far as it is disclosed, as a service is told of it.
func (h *House) aboutEntry(e audit.Entry, told string) map[string]any {
	about := map[string]any{
		"entry": e.ID, "told": told, "at": e.At.In(h.zone).Format("2006-01-02"), "time": e.At.In(h.zone).Format("15:04"),
		"purpose": cmp.Or(h.serviceName(e.Purpose, "de"), "–"), "basis": cmp.Or(e.Basis, "–"), "case": e.Case, "resource": e.Resource, "action": e.Action,
		"fields": strings.Join(e.Fields, ", "), "office": "", "office_name": "",
	}
	if _, ok := h.office(e.Office); ok {
		about["office"], about["office_name"] = e.Office, h.officeName(e.Office).For("de")
	}
	return about
}

// aboutRecord is a person's own record, or a field of it, as a service is told of it.
func (h *House) aboutRecord(ctx context.Context, a access.Actor, reg, id, field, lang string) (map[string]any, error) {
	const op = "app.aboutRecord"
	d, ok := h.definitions.Get(reg)
	if !ok || d.Person == "" {
		return nil, fault.New(fault.NotFound, op, "")
	}
	list, err := h.registers.Own(ctx, h.access.Permit, a, reg)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r register.Record) bool { return r.ID == id })
	if i < 0 {
		return nil, fault.New(fault.NotFound, op, "")
	}
	all, err := list[i].All()
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	about := map[string]any{
		"register": reg, "register_title": d.Title.For(lang), "record": id, "record_title": recordTitle(d, all, lang), "office": d.Office,
		"office_name": h.officeName(d.Office).For(lang), "basis": d.Basis, "lang": lang,
	}
	if field == "" {
		return about, nil
	}
	for _, f := range h.definitions.Given(d) {
		if f.Name != field {
			continue
		}
		from := h.definitions.Source(d, f)
		about["field"], about["field_label"], about["current"] = f.Name, f.Title.For(lang), cmp.Or(valueText(all[f.Name]), "–")
		about["own"] = from.Own && f.Name != d.Key
		about["source"], about["source_office"] = d.Title.For(lang), about["office_name"]
		switch {
		case from.Register != nil:
			about["source"], about["source_office"] = from.Register.Title.For(lang), h.officeName(from.Register.Office).For(lang)
		case !from.Own:
			about["source"] = cmp.Or(from.Title.For(lang), from.Name)
			about["source_office"] = about["source"]
		}
		return about, nil
	}
	return nil, fault.New(fault.NotFound, op, "")
}

// recordTitle tells records of one register apart: by the key, where it says something to people.
func recordTitle(d *register.Definition, all map[string]any, lang string) string {
	if f, ok := d.Field(d.Key); ok && f.Name != d.Person && f.Class != register.Internal {
		if v := valueText(all[d.Key]); v != "" {
			return v
		}
	}
	return d.Title.For(lang)
}

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatInt(int64(v), 10)
		}
	}
	if b, err := json.Marshal(v); err == nil {
		return string(b)
	}
	return fmt.Sprint(v)
}

// holders are the registers and rooms that hold something about people. A room that comes to hold something adds itself
// here, and is on "my data", in the copy of Art. 15 and in that of Art. 20 GDPR.
func (h *House) holders(words *i18n.Catalogue) []mydata.Holder {
	var out []mydata.Holder
	for _, d := range h.definitions.All() {
		if d.Person != "" {
			out = append(out, h.registerHolder(d, words))
		}
	}
	own := map[string]bool{"payment": true, "draft": true, "consent": true, "mandate": true} // nobody else's business, whoever acts for them
	room := func(id, basis string, list func(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error)) {
		out = append(out, mydata.Holder{ID: id, Basis: basis, Self: own[id],
			About: func(lang string) mydata.About {
				loc := words.Localizer(lang)
				return mydata.About{Title: loc.T("app.holder." + id + ".title"), Purpose: loc.T("app.holder." + id + ".purpose"), Retention: loc.T("app.holder." + id + ".retention")}
			},
			List: func(ctx context.Context, a access.Actor, lang, after string, n int) (mydata.Part, error) {
				return list(ctx, a, words.Localizer(lang), after, n)
			}})
	}
	room("case", "Art. 6 Abs. 1 Buchst. e DSGVO", h.heldCases)
	room("document", "§ 41 VwVfG NRW", h.heldDocuments)
	room("message", "§ 41 Abs. 2 VwVfG NRW", h.heldMessages)
	room("payment", "§ 31 KomHVO NRW", h.heldPayments)
	room("draft", "Art. 6 Abs. 1 Buchst. a DSGVO", h.heldDrafts)
	room("consent", "Art. 7 Abs. 1 DSGVO", h.heldConsents)
	room("mandate", "§ 14 VwVfG NRW", h.heldMandates)
	return out
}

func (h *House) registerHolder(d *register.Definition, words *i18n.Catalogue) mydata.Holder {
	return mydata.Holder{ID: "register:" + d.ID, Office: d.Office, Basis: d.Basis,
		About: func(lang string) mydata.About {
			return mydata.About{Title: d.Title.For(lang), Purpose: d.Purpose.For(lang), Retention: d.Retention.For(lang)}
		},
		List: func(ctx context.Context, a access.Actor, lang, after string, n int) (mydata.Part, error) {
			list, err := h.registers.Own(ctx, h.access.Permit, a, d.ID)
			if err != nil {
				return mydata.Part{}, err
			}
			var part mydata.Part
			loc := words.Localizer(lang)
			for _, r := range list { // in the order of their ids
				if r.ID <= after {
					continue
				}
				if len(part.Items) == n {
					return part, nil
				}
				all, err := r.All()
				if err != nil {
					return part, fault.Wrap("app.holder", err)
				}
				path := "/my-data/registers/" + d.ID + "/" + r.ID
				part.Items = append(part.Items, mydata.Item{Title: recordTitle(d, all, lang), History: path, Since: r.ValidFrom, Until: r.ValidTo, Changed: r.ChangedAt, Restricted: r.Restricted, Facts: h.facts(d, all, loc)})
				part.Next = r.ID
			}
			part.Next = ""
			return part, nil
		}}
}

// facts are the fields of a record that the person concerned is given, with where they come from.
func (h *House) facts(d *register.Definition, all map[string]any, loc *i18n.Localizer) []mydata.Fact {
	var out []mydata.Fact
	for _, f := range h.definitions.Given(d) {
		v, ok := all[f.Name]
		if !ok || v == nil {
			continue
		}
		x := mydata.Fact{Name: f.Name, Label: f.Title.For(loc.Lang()), Value: valueText(v), Raw: v}
		shown := h.definitions.Shown(d, f)
		switch from := h.definitions.Source(d, f); {
		case shown != nil: // it isn't kept here, and put right there
			x.Source = loc.T("app.holder.shown", "source", shown.Title.For(loc.Lang()))
		case from.Register != nil:
			x.Source = loc.T("app.holder.from", "source", from.Register.Title.For(loc.Lang()))
		case !from.Own:
			x.Source = loc.T("app.holder.from", "source", cmp.Or(from.Title.For(loc.Lang()), from.Name))
		default:
			x.Source = loc.T("app.holder.own", "office", h.officeName(d.Office).For(loc.Lang()))
		}
		out = append(out, x)
	}
	return out
}

// ownHistory are the versions of a record of the person who asks.
func (h *House) ownHistory(ctx context.Context, a access.Actor, reg, id, lang string) ([]mydataweb.Version, error) {
	d, ok := h.definitions.Get(reg)
	if !ok {
		return nil, fault.New(fault.NotFound, "app.ownHistory", "")
	}
	words, err := h.catalogue()
	if err != nil {
		return nil, err
	}
	loc := words.Localizer(lang)
	list, err := h.registers.OwnHistory(ctx, h.access.Permit, a, reg, id)
	if err != nil {
		return nil, err
	}
	var out []mydataweb.Version
	for _, r := range list {
		v := mydataweb.Version{From: r.ValidFrom, To: r.ValidTo, Known: r.ChangedAt, Reason: r.Reason, Case: r.Case}
		all, err := r.All()
		if err != nil {
			return nil, fault.Wrap("app.ownHistory", err)
		}
		v.Ended, v.Facts = all == nil, h.facts(d, all, loc)
		out = append(out, v)
	}
	return out, nil
}

// own asks for a grant for what is a resident's own, or the ward's of who uses their rights for them: a mandate for cases or
// messages isn't one to see all that is held.
func (h *House) own(ctx context.Context, a access.Actor, action, resource string) (access.Grant, error) {
	g, err := h.access.Permit(ctx, access.Request{Actor: a, Action: action, Resource: resource, Purpose: "own data", Basis: "Art. 15 DSGVO", Owner: a.Person()})
	if err == nil && !g.Allows(mandate.Rights) {
		return access.Grant{}, fault.New(fault.Denied, "app.own", access.OutsideMandate)
	}
	return g, err
}

func placeAt(t time.Time, id string) string { return strconv.FormatInt(store.Micros(t), 36) + "_" + id }

func readPlaceAt(s string) (time.Time, string, bool) {
	us, id, ok := strings.Cut(s, "_")
	n, err := strconv.ParseInt(us, 36, 64)
	if !ok || err != nil || !ident.Valid(id) {
		return time.Time{}, "", false
	}
	return store.Time(n), id, true
}

// cut takes a list of one more than asked for to a page and its next place.
func cut[T any](list []T, n int, place func(T) string) ([]T, string) {
	if len(list) <= n {
		return list, ""
	}
	return list[:n], place(list[n-1])
}

func (h *House) heldCases(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	g, err := h.own(ctx, a, access.List, "case")
	if err != nil {
		return mydata.Part{}, err
	}
	var from casefile.After
	if t, id, ok := readPlaceAt(after); ok {
		from = casefile.After{OpenedAt: t, ID: id}
	}
	list, err := h.cases.List(ctx, g, from, min(n, 99)+1)
	if err != nil {
		return mydata.Part{}, err
	}
	list, next := cut(list, min(n, 99), func(c casefile.Case) string { return placeAt(c.OpenedAt, c.ID) })
	part := mydata.Part{Next: next}
	for _, c := range list {
		it := mydata.Item{Title: h.serviceName(c.Service, loc.Lang()) + " · " + c.Ref, Href: "/cases/" + c.ID, Since: c.OpenedAt, Changed: c.ChangedAt}
		it.Facts = append(it.Facts, mydata.Fact{Name: "status", Label: loc.T("app.holder.status"), Value: c.Status.For(loc.Lang())},
			mydata.Fact{Name: "office", Label: loc.T("app.holder.office"), Value: h.officeName(c.Office).For(loc.Lang())})
		facts, err := h.answerFacts(ctx, c.Service, c.Version, c.Application, c.Registers, c.OpenedAt, loc)
		if err != nil {
			return part, err
		}
		it.Facts = append(it.Facts, facts...)
		part.Items = append(part.Items, it)
	}
	return part, nil
}

// answerFacts are the answers of an application, and what was fetched for it.
func (h *House) answerFacts(ctx context.Context, id, version string, application, registers json.RawMessage, day time.Time, loc *i18n.Localizer) ([]mydata.Fact, error) {
	var answers, fetched map[string]any
	if err := unmarshal(application, &answers); err != nil {
		return nil, fault.Wrap("app.answerFacts", err)
	}
	if err := unmarshal(registers, &fetched); err != nil {
		return nil, fault.Wrap("app.answerFacts", err)
	}
	s, err := h.services.Version(ctx, id, version)
	if fault.Is(err, fault.NotFound) { // the package is gone, the answers aren't
		var out []mydata.Fact
		for _, k := range slices.Sorted(maps.Keys(answers)) {
			out = append(out, mydata.Fact{Name: k, Label: k, Value: valueText(answers[k]), Raw: answers[k], Given: true})
		}
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	vars := map[string]any{"lists": map[string]any{}, "registers": nil}
	if fetched != nil {
		vars["registers"] = fetched
	}
	var out []mydata.Fact
	// What registers knew is told from what the person said, as it was when they applied.
	view := s.Form.Eval(answers, form.Context{Vars: vars, Lang: loc.Lang(), Today: day.In(h.zone), Prefill: fetched != nil})
	for _, section := range view.Summary(loc) {
		for _, r := range section.Rows {
			if r.Value == "" {
				continue
			}
			f := mydata.Fact{Name: r.Name, Label: r.Label, Value: r.Value, Raw: answers[r.Name], Given: !r.Known && !r.Computed}
			if r.Known {
				f.Source = loc.T("app.holder.fetched")
			}
			out = append(out, f)
		}
	}
	return out, nil
}

func (h *House) heldDocuments(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	g, err := h.own(ctx, a, access.List, "document")
	if err != nil {
		return mydata.Part{}, err
	}
	list, err := h.notice.Mine(ctx, g, idOr(after), n+1)
	if err != nil {
		return mydata.Part{}, err
	}
	var part mydata.Part
	if len(list) > n {
		list, part.Next = list[:n], list[n-1].ID
	}
	for _, d := range list {
		it := mydata.Item{Title: d.Title, Href: "/documents/" + d.ID, Since: d.IssuedAt, Facts: []mydata.Fact{
			{Name: "office", Label: loc.T("app.holder.office"), Value: h.officeName(d.Office).For(loc.Lang())}}}
		if d.ValidUntil != "" {
			it.Facts = append(it.Facts, mydata.Fact{Name: "valid_until", Label: loc.T("app.holder.validUntil"), Value: d.ValidUntil})
		}
		part.Items = append(part.Items, it)
	}
	return part, nil
}

func idOr(s string) string {
	if ident.Valid(s) {
		return s
	}
	return ""
}

func (h *House) heldMessages(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	g, err := h.own(ctx, a, access.List, "message")
	if err != nil {
		return mydata.Part{}, err
	}
	var from postbox.After
	if t, id, ok := readPlaceAt(after); ok {
		from = postbox.After{SentAt: t, ID: id}
	}
	list, err := h.postbox.List(ctx, g, from, n+1)
	if err != nil {
		return mydata.Part{}, err
	}
	list, next := cut(list, n, func(m postbox.Message) string { return placeAt(m.SentAt, m.ID) })
	part := mydata.Part{Next: next}
	for _, m := range list {
		part.Items = append(part.Items, mydata.Item{Title: m.Subject.For(loc.Lang()), Href: "/postbox/" + m.ID, Since: m.SentAt, Facts: []mydata.Fact{
			{Name: "body", Label: loc.T("app.holder.text"), Value: m.Body.For(loc.Lang())}}})
	}
	return part, nil
}

func (h *House) heldPayments(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	g, err := h.own(ctx, a, access.List, "payment")
	if err != nil {
		return mydata.Part{}, err
	}
	list, err := h.payments.Mine(ctx, g, idOr(after), n+1)
	if err != nil {
		return mydata.Part{}, err
	}
	var part mydata.Part
	if len(list) > n {
		list, part.Next = list[:n], list[n-1].ID
	}
	for _, p := range list {
		it := mydata.Item{Title: p.Purpose, Href: "/pay/" + p.ID, Since: p.Created, Changed: p.Changed, Facts: []mydata.Fact{
			{Name: "amount", Label: loc.T("app.holder.amount"), Value: loc.Money(p.Cents), Raw: p.Cents}}}
		if !p.PaidAt.IsZero() {
			it.Facts = append(it.Facts, mydata.Fact{Name: "paid_at", Label: loc.T("app.holder.paid"), Value: p.PaidAt.In(h.zone).Format(time.DateOnly)})
		}
		part.Items = append(part.Items, it)
	}
	return part, nil
}

func (h *House) heldDrafts(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	if _, err := h.own(ctx, a, access.List, "draft"); err != nil {
		return mydata.Part{}, err
	}
	list, err := h.intake.Drafts(ctx, a) // at most a hundred: one of a service
	if err != nil {
		return mydata.Part{}, err
	}
	slices.SortFunc(list, func(a, b intake.Draft) int { return cmp.Compare(a.ID, b.ID) })
	var part mydata.Part
	for _, d := range list {
		if d.ID <= after {
			continue
		}
		if len(part.Items) == n {
			return part, nil
		}
		answers, err := json.Marshal(d.Answers)
		if err != nil {
			return part, fault.Wrap("app.heldDrafts", err)
		}
		registers, err := json.Marshal(d.Registers)
		if err != nil {
			return part, fault.Wrap("app.heldDrafts", err)
		}
		it := mydata.Item{Title: h.serviceName(d.Service, loc.Lang()), Href: "/apply/" + d.ID, Since: d.CreatedAt, Changed: d.ChangedAt, Until: d.ExpiresAt}
		if it.Facts, err = h.answerFacts(ctx, d.Service, d.Version, answers, registers, d.CreatedAt, loc); err != nil {
			return part, err
		}
		for _, name := range slices.Sorted(maps.Keys(d.Kept)) { // answers that the form has no place for any more
			x := d.Kept[name]
			if x.At == "" {
				it.Facts = append(it.Facts, mydata.Fact{Name: name, Label: cmp.Or(x.Label, name), Value: cmp.Or(x.Raw, form.FormatValue("", x.Value, loc)), Given: true})
			}
		}
		part.Items, part.Next = append(part.Items, it), d.ID
	}
	part.Next = ""
	return part, nil
}

func (h *House) heldConsents(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	list, err := h.ownConsents(ctx, a, loc.Lang(), after, n+1)
	if err != nil {
		return mydata.Part{}, err
	}
	var part mydata.Part
	if len(list) > n {
		list, part.Next = list[:n], list[n-1].ID
	}
	for _, c := range list {
		it := mydata.Item{Title: c.Service, Href: "/my-data/consents", Since: c.Given, Changed: c.WithdrawnAt}
		for _, r := range c.Reads {
			it.Facts = append(it.Facts, mydata.Fact{Name: "reads", Label: loc.T("app.holder.mayRead"), Value: r, Given: true})
		}
		part.Items = append(part.Items, it)
	}
	return part, nil
}

// heldMandates are the mandates that a person has given or has: first the ones, then the others.
func (h *House) heldMandates(ctx context.Context, a access.Actor, loc *i18n.Localizer, after string, n int) (mydata.Part, error) {
	const second = "received:" // the place is in the second list
	var part mydata.Part
	place, later := strings.CutPrefix(after, second)
	lists := []func(context.Context, access.Actor, string, int) ([]mandate.Mandate, error){h.mandates.Given, h.mandates.Received}
	for i, list := range lists {
		if later && i == 0 {
			continue
		}
		room := n - len(part.Items)
		found, err := list(ctx, a, idOr(place), room+1)
		if err != nil {
			return mydata.Part{}, err
		}
		place = ""
		more := len(found) > room
		if more {
			found = found[:room]
		}
		for _, m := range found {
			part.Items = append(part.Items, h.heldMandate(m, loc))
		}
		if more {
			switch {
			case i == 0:
				part.Next = found[room-1].ID
			case room == 0: // the second list has not begun
				part.Next = second
			default:
				part.Next = second + found[room-1].ID
			}
			return part, nil
		}
	}
	return part, nil
}

func (h *House) heldMandate(m mandate.Mandate, loc *i18n.Localizer) mydata.Item {
	title := m.Kind
	if k, ok := h.mandates.Rules().Kind(m.Kind); ok {
		title = k.Title.For(loc.Lang())
	}
	it := mydata.Item{Title: title, Href: "/mandates/" + m.ID, Since: m.CreatedAt, Until: m.Until}
	fact := func(name, value string, given bool) {
		if value != "" {
			it.Facts = append(it.Facts, mydata.Fact{Name: name, Label: loc.T("app.holder.mandate." + name), Value: value, Given: given})
		}
	}
	fact("principal", mandateweb.NameOf(loc, m.Principal, m.PrincipalName), false)
	fact("delegate", mandateweb.NameOf(loc, m.Delegate, m.DelegateName), false)
	fact("organisation", m.Organisation, false)
	fact("from", loc.Date(m.From.In(h.zone)), m.Office == "")
	fact("until", loc.Date(m.Until.In(h.zone).AddDate(0, 0, -1)), m.Office == "")
	return it
}

// ownConsents are what the person who asks has consented to, in words.
func (h *House) ownConsents(ctx context.Context, a access.Actor, lang, before string, n int) ([]mydataweb.Consent, error) {
	list, err := h.intake.Consents(ctx, a, before, n)
	if err != nil {
		return nil, err
	}
	var out []mydataweb.Consent
	for _, c := range list {
		x := mydataweb.Consent{ID: c.ID, Service: h.serviceName(c.Service, lang), CaseID: c.CaseID, Given: c.GivenAt, WithdrawnAt: c.WithdrawnAt, By: c.By}
		for _, u := range c.Uses {
			info := h.registerInfo(u.Register, lang)
			var fields []string
			for _, f := range u.Fields {
				fields = append(fields, cmp.Or(info.Fields[f], f))
			}
			x.Reads = append(x.Reads, info.Title+": "+strings.Join(fields, ", ")+" ("+u.Basis+")")
		}
		out = append(out, x)
	}
	return out, nil
}

var textWithdrawn = i18n.Text{"de": "Einwilligung widerrufen", "en": "Consent withdrawn", "tr": "Onay geri alındı", "de-simple": "Sie haben Nein gesagt"}

var textWithdrawnBody = i18n.Text{"de": "Auf dieser Grundlage darf für den Vorgang nichts mehr aus Registern gelesen werden (Art. 7 Abs. 3 DSGVO). Was schon gelesen wurde, bleibt rechtmäßig gelesen.",
	"en": "On this basis nothing more may be read from registers for this case (Art. 7 (3) GDPR). What has been read was read lawfully.",
	"tr": "Bu dayanakla dosya için sicillerden artık bir şey okunamaz (GDPR madde 7/3). Daha önce okunanlar hukuka uygundur."}

// withdrawn puts on file that nothing more may be read for a case by consent.
func (h *House) withdrawn(ctx context.Context, tx *store.Tx, c intake.Consent) error {
	return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.CaseID, Kind: casefile.Note, ActorKind: string(access.Resident), Title: textWithdrawn, Body: textWithdrawnBody})
}
