// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/domain/casefile"
	"mercator/domain/intake"
	"mercator/domain/notice"
	"mercator/domain/payment"
	"mercator/domain/postbox"
	"mercator/domain/process"
	"mercator/domain/register"
	"mercator/domain/service"
	"mercator/lang/feel"
	"mercator/lang/form"
)

// publish is how rooms that don't know the bus tell a fact.
func (h *House) publish(ctx context.Context, tx *store.Tx, kind, subject string, data any) error {
	b, err := json.Marshal(data)
	if err != nil {
		return fault.Wrap("app.publish", err)
	}
	return h.outbox.Publish(ctx, tx, bus.Event{Type: kind, Subject: subject, Time: h.now(), Data: b})
}

// --- from the counter to the file and its process

// openCase opens the case and begins its process, in one transaction with the end
// of the draft.
func (h *House) openCase(ctx context.Context, tx *store.Tx, g access.Grant, o intake.Opening) (string, error) {
	client := ""
	if a := g.Actor(); a.Kind == access.Machine {
		client = a.ID
	}
	c, fresh, err := h.open(ctx, tx, g, casefile.Opening{
		Service: o.Service, Version: o.Version, Office: o.Office, Person: o.Person, PersonName: o.PersonName,
		Client: client, Channel: o.Channel, Lang: o.Lang, Origin: o.Draft, Application: o.Application, Registers: o.Registers,
		By: h.filedBy(g),
	})
	if err != nil || !fresh {
		return c.ID, err
	}
	s, err := h.services.Version(ctx, o.Service, o.Version)
	if err != nil {
		return "", fault.Wrap("app.openCase", err)
	}
	for _, x := range o.Signatures { // the desk and the person see them in the file
		body := i18n.Text{}
		for _, lang := range h.words.Languages() {
			body[lang] = h.signedText(h.words.Localizer(lang), x)
		}
		if err := h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.ID, Kind: casefile.Application, ActorKind: string(access.Resident), ActorName: x.Name, Title: x.Title, Body: body}); err != nil {
			return "", err
		}
	}
	sub, err := h.keepSubmission(ctx, tx, c, s, o.View, o.Application, c.OpenedAt, o.Signatures...)
	if err != nil {
		return "", err
	}
	return c.ID, h.receipt(ctx, tx, c, s, sub)
}

// open is what every channel ends in.
func (h *House) open(ctx context.Context, tx *store.Tx, g access.Grant, o casefile.Opening) (c casefile.Case, fresh bool, err error) {
	const op = "app.open"
	s, err := h.services.Version(ctx, o.Service, o.Version)
	if err != nil {
		return casefile.Case{}, false, fault.Wrap(op, err)
	}
	if c, fresh, err = h.cases.Open(ctx, tx, g, o); err != nil || !fresh {
		return c, fresh, err
	}
	var application, registers map[string]any
	if err := unmarshal(o.Application, &application); err != nil {
		return c, fresh, fault.Wrap(op, err)
	}
	if err := unmarshal(o.Registers, &registers); err != nil {
		return c, fresh, fault.Wrap(op, err)
	}
	person := map[string]any{"id": c.Person, "name": c.PersonName, "given_names": application["given_names"], "family_name": application["family_name"]}
	vars := h.beginsWith(s, c, application, person)
	if registers != nil {
		vars["registers"] = registers
	}
	_, err = h.engine.Start(ctx, tx, s.Process, process.StartParams{
		CaseID: c.ID, CaseRef: c.Ref, Label: c.PersonName, Service: c.Service, Version: c.Version, Office: c.Office,
		Process: s.ProcessID, Called: s.Called, Vars: vars, Actor: g.Actor(),
	})
	return c, fresh, fault.Wrap(op, err)
}

// beginsWith are the variables that every process begins with (service.Variables).
func (h *House) beginsWith(s *service.Service, c casefile.Case, application, person map[string]any) map[string]any {
	return map[string]any{
		"application": application, "registers": nil, "lang": c.Lang, "person": person,
		"case":    map[string]any{"id": c.ID, "ref": c.Ref, "opened_on": h.now().In(h.zone).Format("2006-01-02"), "channel": c.Channel},
		"service": map[string]any{"id": s.ID, "title": s.Title.For("de")},
	}
}

func unmarshal(raw json.RawMessage, v any) error {
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	return d.Decode(v)
}

// caseData is what the counter has to know to have a field corrected.
func (h *House) caseData(ctx context.Context, q store.Q, caseID string) (intake.CaseData, error) {
	c, err := h.cases.Peek(ctx, q, caseID)
	return intake.CaseData{Service: c.Service, Version: c.Version, Application: c.Application, Registers: c.Registers}, err
}

var textCorrected = i18n.Text{"de": "Angabe berichtigt", "en": "Detail corrected", "tr": "Bilgi düzeltildi"}

// corrected puts a corrected application into the file and the process.
func (h *House) corrected(ctx context.Context, tx *store.Tx, c intake.Correction, application json.RawMessage, v *form.View) error {
	if err := h.cases.SetApplication(ctx, tx, c.CaseID, application); err != nil {
		return err
	}
	x, err := h.cases.Peek(ctx, tx, c.CaseID)
	if err != nil {
		return err
	}
	s, err := h.services.Version(ctx, c.Service, c.Version)
	if err != nil {
		return fault.Wrap("app.corrected", err)
	}
	if _, err := h.keepSubmission(ctx, tx, x, s, v, application, h.now()); err != nil {
		return err
	}
	if err := h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.CaseID, Kind: casefile.Correction, ActorKind: string(access.Resident), Title: textCorrected, Body: i18n.Plain(h.fieldLabel(ctx, c.Service, c.Version, c.Field))}); err != nil {
		return err
	}
	var answers map[string]any
	if err := unmarshal(application, &answers); err != nil {
		return fault.Wrap("app.corrected", err)
	}
	return h.engine.SetVars(ctx, tx, c.CaseID, access.Actor{Kind: access.Resident, ID: c.Owner, Door: access.DoorHouse}, map[string]any{"application": answers})
}

// fieldLabel is what a question of a form is called, with the row that it stands in.
func (h *House) fieldLabel(ctx context.Context, id, version, field string) string {
	s, err := h.services.Version(ctx, id, version)
	if err != nil {
		return field
	}
	if at, ok := s.Form.Place(field); ok {
		return cmp.Or(at.Title(h.words.Localizer(i18n.Fallback)), field)
	}
	return field
}

// --- what a process has done

// processHooks are what the file learns from the process, in the step's transaction.
func (h *House) processHooks() process.Hooks {
	return process.Hooks{
		Decide: h.decide,
		Open:   h.openByEvent,
		Milestone: func(ctx context.Context, tx *store.Tx, c process.Ref, name string, properties map[string]string) error {
			status := i18n.Text{}
			for key, text := range properties {
				if lang, ok := strings.CutPrefix(key, "text."); ok {
					status[lang] = text
				}
			}
			if len(status) == 0 {
				status = i18n.Plain(name)
			}
			return h.cases.SetStatus(ctx, tx, c.CaseID, status)
		},
		Completed: func(ctx context.Context, tx *store.Tx, c process.Ref, _ map[string]any) error {
			return h.closeCase(ctx, tx, c)
		},
		Cancelled: h.closeCase,
		TaskDone: func(ctx context.Context, tx *store.Tx, c process.Ref, t process.UserTask, who access.Actor, _ map[string]any) error {
			return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.CaseID, Kind: casefile.Task, ActorKind: string(who.Kind), ActorName: who.Name, Title: i18n.Plain(t.Name), Internal: true})
		},
		Incident: func(ctx context.Context, tx *store.Tx, c process.Ref, i process.Incident) error {
			h.log.Error("a process can't go on: see the incident", "case", c.CaseID, "element", i.Element) // its reason may quote data
			return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: c.CaseID, Kind: casefile.Note, ActorKind: string(access.System), Title: textIncident, Body: i18n.Plain(i.Element + ": " + i.Reason), Internal: true})
		},
	}
}

var textIncident = i18n.Text{"de": "Der Vorgang kommt nicht weiter", "en": "The case can't go on", "tr": "Dosya ilerleyemiyor"}

// closeCase ends a case and what is still owed for it.
func (h *House) closeCase(ctx context.Context, tx *store.Tx, c process.Ref) error {
	if err := h.payments.Withdraw(ctx, tx, c.CaseID); err != nil {
		return err
	}
	return h.cases.Close(ctx, tx, c.CaseID)
}

// decide has the rules decide and puts on file which of them did, and why.
func (h *House) decide(ctx context.Context, tx *store.Tx, c process.Ref, decision string, vars map[string]any) (any, error) {
	const op = "app.decide"
	s, err := h.services.Version(ctx, c.Service, c.Version)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	d := s.Decisions[decision]
	if d == nil {
		return nil, fault.Because(fault.NotFound, op, "", fmt.Errorf("the package has no decision %q", decision))
	}
	vars = maps.Clone(vars)
	vars[feel.Now] = h.now().In(h.zone)
	r, err := d.Decide(decision, vars)
	if err != nil {
		return nil, fault.Because(fault.Invalid, op, "", err)
	}
	for _, t := range r.Trace {
		outcome, err := json.Marshal(r.Value)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		ruling := casefile.Ruling{CaseID: c.CaseID, Decision: t.ID, Name: t.Name, Outcome: outcome}
		for _, hit := range t.Rules {
			rule := casefile.Rule{ID: hit.ID, Text: i18n.Text{}}
			for _, a := range hit.Annotations {
				if a.Name == "law" {
					rule.Law = a.Text
				} else if a.Text != "" {
					rule.Text[a.Name] = a.Text
				}
			}
			ruling.Rules = append(ruling.Rules, rule)
		}
		if err := h.cases.AddRuling(ctx, tx, ruling); err != nil {
			return nil, err
		}
	}
	return r.Value, nil
}

// plugTasks gives the engine the work that the kernel does for every service.
func (h *House) plugTasks(context.Context, Options) error {
	return errors.Join(h.engine.Handle(h.handlers()...), h.jobs.Register(append(append(h.engine.Workers(), h.ledgerWorkers()...), h.oversightWorker(), h.mailWorker(), h.forgetWorker(), h.indexWorker(), job.Worker{Kind: refreshKind, Work: h.refresh})...))
}

func (h *House) handlers() []process.Handler {
	return append(h.rightsHandlers(), []process.Handler{
		{Type: "register.lookup", Inline: h.taskLookup},
		{Type: "record.write", Inline: h.taskWrite, Presume: h.presumeRecord},
		{Type: "payment.request", Inline: h.taskPayment, Presume: presumePayment},
		{Type: "case.outcome", Inline: h.taskOutcome, Presume: presumeNothing, Outcome: outcomeOf},
		{Type: "document.issue", Async: h.taskDocument, Presume: presumeDocument},
		{Type: "message.send", Async: h.taskMessage, Presume: presumeMessage},
	}...)
}

// taskLookup finds a record of a public register; nothing found is null.
func (h *House) taskLookup(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	value, _ := w.Vars["value"].(string)
	if value == "" {
		return map[string]any{"record": nil}, nil
	}
	record, ok, err := h.registers.Lookup(ctx, tx, w.Header("register"), w.Header("field"), value)
	if fault.Is(err, fault.Conflict) { // two streets of that name: a person has to look
		return map[string]any{"record": nil}, nil
	}
	if err != nil || !ok {
		return map[string]any{"record": nil}, err
	}
	return map[string]any{"record": record}, nil
}

// taskWrite writes a record of the case into a register that the package may write.
func (h *House) taskWrite(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	const op = "app.taskWrite"
	s, err := h.services.Version(ctx, w.Service, w.Version)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	name := w.Header("register")
	write, ok := s.Writes(name)
	if !ok {
		return nil, fault.Because(fault.Denied, op, "", fmt.Errorf("the package has no [[write]] for %s", name))
	}
	c, err := h.cases.Peek(ctx, tx, w.CaseID)
	if err != nil {
		return nil, err
	}
	out, err := h.written(write, w)
	if err != nil {
		return nil, fault.Because(fault.Invalid, op, "", err)
	}
	if write.Amend && c.Person == "" {
		return nil, fault.Because(fault.Invalid, op, "", fmt.Errorf("the case is about nobody whom the registers know: it can't amend a record of %s", name))
	}
	r := access.Request{
		Actor: access.SystemActor("process"), Action: access.Change, Resource: register.Resource(name),
		Purpose: s.ID, Basis: cmp.Or(write.Basis, s.Basis()), Service: s.ID, Case: c.ID, Office: c.Office, Owner: c.Person,
		Fields: slices.Sorted(maps.Keys(out.Fields)),
	}
	if c.Person != "" {
		r.Subjects = []string{c.Person}
	}
	g, err := h.access.PermitTx(ctx, tx, r)
	if err != nil {
		return nil, err
	}
	why := register.Why{Who: "process", Reason: s.Title.For("de"), Case: c.ID, From: out.From, To: out.To}
	if write.Amend {
		err = h.registers.Amend(ctx, tx, g, name, out.Key, out.Fields, why)
	} else {
		err = h.registers.Put(ctx, tx, g, name, out.Key, out.Fields, why)
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"record": out.Fields}, nil
}

// written is what a step writes: as its package says, or as its input mappings do.
func (h *House) written(write service.Write, w process.Work) (service.Written, error) {
	if !write.Declared() {
		key, _ := w.Vars["key"].(string)
		record, ok := w.Vars["record"].(map[string]any)
		if !ok || key == "" {
			return service.Written{}, errors.New("key or record is missing")
		}
		return service.Written{Key: key, Fields: record}, nil
	}
	vars := maps.Clone(w.Vars)
	vars[feel.Now] = h.now().In(h.zone)
	return write.Of(vars, h.zone)
}

// taskPayment asks for the fee.
func (h *House) taskPayment(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	const op = "app.taskPayment"
	cents, ok := service.Cents(w.Vars["amount"])
	if !ok {
		return nil, fault.Because(fault.Invalid, op, "", fmt.Errorf("the amount %v is no number of cents", w.Vars["amount"]))
	}
	purpose, _ := w.Vars["purpose"].(string)
	c, err := h.cases.Peek(ctx, tx, w.CaseID)
	if err != nil {
		return nil, err
	}
	if c.Person == "" {
		return nil, fault.Because(fault.Invalid, op, "", errNobody)
	}
	id, err := h.payments.Request(ctx, tx, payment.Order{CaseID: c.ID, Person: c.Person, Office: c.Office, Service: c.Service, Cents: cents, Purpose: purpose, Lang: c.Lang})
	return map[string]any{"payment": map[string]any{"id": id, "cents": cents}}, err
}

// errNobody is why a case that nobody has applied for can't ask for money or write a message.
var errNobody = errors.New("the case is about nobody whom the registers know: there is no postbox and nobody who pays")

// onPaid lets the process go on, in the transaction that books the money.
func (h *House) onPaid(ctx context.Context, tx *store.Tx, p payment.Payment) error {
	return h.engine.Message(ctx, tx, "payment.paid", p.Case, map[string]any{
		"payment": map[string]any{"id": p.ID, "cents": p.Cents, "paid_on": h.now().In(h.zone).Format("2006-01-02")},
	})
}

var paymentEntries = map[payment.State]i18n.Text{
	payment.Paid:      {"de": "Gebühr bezahlt", "en": "Fee paid", "tr": "Harç ödendi"},
	payment.Cancelled: {"de": "Zahlung abgebrochen", "en": "Payment cancelled", "tr": "Ödeme iptal edildi"},
	payment.Failed:    {"de": "Zahlung fehlgeschlagen", "en": "Payment failed", "tr": "Ödeme başarısız oldu"},
}

func (h *House) onPaymentChange(ctx context.Context, tx *store.Tx, p payment.Payment) error {
	title, ok := paymentEntries[p.State]
	if !ok {
		return nil
	}
	return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: p.Case, Kind: casefile.Payment, ActorKind: string(access.System), Title: title})
}

// onRefund puts on file that the city owes money back.
func (h *House) onRefund(ctx context.Context, tx *store.Tx, p payment.Payment, _ int64, _ payment.Reason) error {
	return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: p.Case, Kind: casefile.Payment, ActorKind: string(access.System), Title: textRefund})
}

var textRefund = i18n.Text{"de": "Die Stadt schuldet eine Rückzahlung", "en": "The city owes a refund", "tr": "Şehrin geri ödeme borcu var"}

func (h *House) taskOutcome(ctx context.Context, tx *store.Tx, w process.Work) (map[string]any, error) {
	return nil, h.cases.SetOutcome(ctx, tx, w.CaseID, w.Header("outcome"))
}

// order is what the writing office has to know of a case.
func (h *House) order(ctx context.Context, w process.Work) (notice.Order, error) {
	c, err := h.cases.Peek(ctx, h.db, w.CaseID)
	if err != nil {
		return notice.Order{}, err
	}
	o := notice.Order{CaseID: c.ID, CaseRef: c.Ref, Service: c.Service, Version: c.Version, Office: c.Office,
		Person: c.Person, PersonName: c.PersonName, Lang: c.Lang, Vars: w.Vars}
	rulings, err := h.cases.RulingsOf(ctx, c.ID)
	if err != nil {
		return o, err
	}
	for _, r := range rulings {
		for _, rule := range r.Rules {
			o.Reasons = append(o.Reasons, rule.Text.For("de")+" ("+rule.Law+")")
		}
	}
	tasks, err := h.engine.TasksOf(ctx, h.db, c.ID)
	if err != nil {
		return o, err
	}
	for _, t := range tasks {
		if t.State == process.Done {
			o.Clerk = t.AssigneeName
		}
	}
	return o.WithTask(w.Headers, w.Vars), nil
}

// taskDocument renders outside any transaction and issues inside one.
func (h *House) taskDocument(ctx context.Context, w process.Work) (process.Effect, error) {
	o, err := h.order(ctx, w)
	if err != nil {
		return nil, err
	}
	prepared, err := h.notice.Prepare(ctx, o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *store.Tx) (map[string]any, error) {
		d, err := h.notice.Issue(ctx, tx, prepared)
		if err != nil {
			return nil, err
		}
		return map[string]any{"document": d.Vars()}, nil
	}, nil
}

func (h *House) taskMessage(ctx context.Context, w process.Work) (process.Effect, error) {
	o, err := h.order(ctx, w)
	if err != nil {
		return nil, err
	}
	if o.Person == "" {
		return nil, fault.Because(fault.Invalid, "app.taskMessage", "", errNobody)
	}
	d, err := h.notice.Compose(ctx, o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *store.Tx) (map[string]any, error) {
		return map[string]any{"message": true}, h.deliver(ctx, tx, d)
	}, nil
}

// deliver puts a message into the postbox and into the file.
func (h *House) deliver(ctx context.Context, tx *store.Tx, d notice.Delivery) error {
	m := postbox.Message{Person: d.Person, CaseID: d.CaseID, Office: d.Office, Subject: d.Subject, Body: d.Body}
	for _, a := range d.Documents {
		m.Documents = append(m.Documents, postbox.Attached{ID: a.ID, Title: a.Title})
	}
	_, err := h.postbox.Deliver(ctx, tx, m)
	return err
}

// record puts an issued document on file.
func (h *House) record(ctx context.Context, tx *store.Tx, d notice.Document) error {
	return h.cases.AddEntry(ctx, tx, casefile.Entry{CaseID: d.CaseID, Kind: casefile.Document, ActorKind: string(access.System), Title: i18n.Plain(d.Title), Document: d.ID})
}
