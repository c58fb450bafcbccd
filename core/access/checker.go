// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/audit"
	"mercator/core/store"
)

// Config says where rules come from and where the record goes.
type Config struct {
	Policies fs.FS // *.cedar
	DB       *store.DB
	Now      func() time.Time
	Log      *slog.Logger
	// Disclose says what a person is shown of an entry about them; nil: no names.
	Disclose func(audit.Entry) audit.Disclosure
	// Mandate tells what is true of a mandate that somebody acts under; nil: nobody acts for anybody.
	Mandate Mandates
	// Restricted tells whether a purpose asks for a restricted record of a person (Art. 18 GDPR); nil: nothing is restricted.
	Restricted func(ctx context.Context, q store.Q, resource, person, purpose string) (bool, error)
}

// Checker decides requests.
type Checker struct {
	db       *store.DB
	ledger   *audit.Ledger
	now      func() time.Time
	log      *slog.Logger
	policies atomic.Pointer[cedar.PolicySet]
	late     sync.WaitGroup
	waiting  chan struct{}
	disclose func(audit.Entry) audit.Disclosure
	mandates Mandates

	restricted func(ctx context.Context, q store.Q, resource, person, purpose string) (bool, error)
}

// New reads the policies. A mistake in one of them is an error: rules that can't be read must not be left out.
func New(cfg Config) (*Checker, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Checker{db: cfg.DB, ledger: &audit.Ledger{DB: cfg.DB}, now: cfg.Now, log: cfg.Log, disclose: cfg.Disclose, mandates: cfg.Mandate, restricted: cfg.Restricted, waiting: make(chan struct{}, 1024)}
	return c, c.Load(cfg.Policies)
}

const maxPolicyFile = 1 << 20

// Load replaces the policies by those of the folder, all at once; after an error the old ones stay.
func (c *Checker) Load(folder fs.FS) error {
	const op = "access.load"
	names, err := fs.Glob(folder, "*.cedar")
	if err != nil {
		return fault.Wrap(op, err)
	}
	if len(names) == 0 {
		return fault.Internalf(op, "no *.cedar file: everything would be refused")
	}
	slices.Sort(names)
	set := cedar.NewPolicySet()
	for _, name := range names {
		text, err := fs.ReadFile(folder, name)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if len(text) > maxPolicyFile {
			return fault.Internalf(op, "%s: larger than %d bytes", name, maxPolicyFile)
		}
		list, err := cedar.NewPolicyListFromBytes(name, text)
		if err != nil {
			return fault.Internalf(op, "%s: %w", name, err)
		}
		for _, p := range list {
			id := string(p.Annotations()["id"])
			if id == "" {
				return fault.Internalf(op, "%s:%d: a policy needs an @id, which the ledger names", name, p.Position().Line)
			}
			if !set.Add(cedar.PolicyID(id), p) {
				return fault.Internalf(op, "%s:%d: the policy id %q is used twice", name, p.Position().Line, id)
			}
		}
	}
	c.policies.Store(set)
	return nil
}

// decide asks the policies. It returns the rule that decided, or none.
func (c *Checker) decide(r Request, m *Mandate) (allowed bool, rule string) {
	who, properties := principalOf(r, m)
	principal := types.NewEntityUID(who, types.String(r.Actor.ID))
	kind, name, _ := strings.Cut(r.Resource, ":")
	resource := types.NewEntityUID("Resource", types.String(r.Resource))
	attrs := types.RecordMap{"kind": types.String(kind), "name": types.String(name)}
	if r.Owner != "" {
		attrs["owner"] = types.String(r.Owner)
	}
	if r.Office != "" {
		attrs["office"] = types.String(r.Office)
	}
	entities := types.EntityMap{
		principal: {UID: principal, Attributes: types.NewRecord(properties)},
		resource:  {UID: resource, Attributes: types.NewRecord(attrs)},
	}
	decision, diagnostic := cedar.Authorize(c.policies.Load(), entities, cedar.Request{
		Principal: principal,
		Action:    types.NewEntityUID("Action", types.String(r.Action)),
		Resource:  resource,
		Context: types.NewRecord(types.RecordMap{
			"purpose":    types.String(r.Purpose),
			"basis":      types.String(r.Basis),
			"service":    types.String(r.Service),
			"case":       types.String(r.Case),
			"subjects":   stringSet(r.subjects()),
			"fields":     stringSet(r.Fields),
			"restricted": types.Boolean(r.restricted),
		}),
	})
	for _, e := range diagnostic.Errors {
		c.log.Error("access: a policy can't be evaluated and counts as absent", "policy", string(e.PolicyID), "err", e.Message)
	}
	rules := make([]string, 0, len(diagnostic.Reasons))
	for _, reason := range diagnostic.Reasons {
		rules = append(rules, string(reason.PolicyID))
	}
	slices.Sort(rules)
	// A forbid that fails to evaluate must not turn into a permit.
	return decision == cedar.Allow && len(diagnostic.Errors) == 0, strings.Join(rules, " ")
}

func entityType(k Kind) types.EntityType {
	return types.EntityType(strings.ToUpper(string(k[:1])) + string(k[1:]))
}

func stringSet(list []string) types.Set {
	values := make([]types.Value, len(list))
	for i, s := range list {
		values[i] = types.String(s)
	}
	return types.NewSet(values...)
}

func (c *Checker) entry(r Request, allowed bool, rule string) audit.Entry {
	outcome := audit.Refused
	if allowed {
		outcome = audit.Permitted
	}
	return audit.Entry{
		ID: ident.New(), At: c.now().UTC(), ActorKind: string(r.Actor.Kind), ActorID: r.Actor.ID, ActorName: r.Actor.Name,
		Office: r.Actor.Office, Action: r.Action, Resource: r.Resource, Purpose: r.Purpose, Basis: r.Basis,
		Service: r.Service, Case: r.Case, Outcome: outcome, Rule: rule, Fields: r.Fields, Mandate: r.Actor.Mandate,
	}
}

// Permit decides a request and puts it on record, in a transaction of its own. A refusal is fault.Denied.
func (c *Checker) Permit(ctx context.Context, r Request) (Grant, error) {
	const op = "access.permit"
	if err := r.check(); err != nil {
		return Grant{}, err
	}
	var m *Mandate
	var e audit.Entry
	var allowed bool
	if err := c.db.Write(ctx, func(tx *store.Tx) error {
		// A closure can run again: it begins with the request as it came.
		asked := r
		var err error
		if m, err = c.mandateOf(ctx, tx, &asked); err != nil && !fault.Is(err, fault.Denied) {
			return err
		}
		rule := noMandate
		if allowed = err == nil; allowed {
			if err := c.mark(ctx, tx, &asked); err != nil {
				return err
			}
			allowed, rule = c.decide(asked, m)
		}
		e = c.entry(asked, allowed, rule)
		if err := c.ledger.Add(ctx, tx, e, asked.subjects()); err != nil {
			return err
		}
		if allowed {
			r = asked
		}
		return nil
	}); err != nil {
		return Grant{}, fault.Wrap(op, err)
	}
	if !allowed {
		return Grant{}, refusal(op, r, e.Rule)
	}
	return Grant{r, e.ID, m}, nil
}

// PermitTx is Permit with the record in the caller's transaction: the access and its record happen both or not at all.
// After a refusal the caller's transaction is rolled back, so the refusal is recorded by itself right afterwards.
func (c *Checker) PermitTx(ctx context.Context, tx *store.Tx, r Request) (Grant, error) {
	const op = "access.permit"
	if err := r.check(); err != nil {
		return Grant{}, err
	}
	m, err := c.mandateOf(ctx, tx, &r)
	if err != nil && !fault.Is(err, fault.Denied) {
		return Grant{}, fault.Wrap(op, err)
	}
	allowed, rule := err == nil, noMandate
	if allowed {
		if err := c.mark(ctx, tx, &r); err != nil {
			return Grant{}, fault.Wrap(op, err)
		}
		allowed, rule = c.decide(r, m)
	}
	e := c.entry(r, allowed, rule)
	if !allowed {
		c.recordLater(ctx, e, r.subjects())
		return Grant{}, refusal(op, r, rule)
	}
	if err := c.ledger.Add(ctx, tx, e, r.subjects()); err != nil {
		return Grant{}, fault.Wrap(op, err)
	}
	return Grant{r, e.ID, m}, nil
}

// recordLater can't wait: the caller holds the one writer that the record needs.
func (c *Checker) recordLater(ctx context.Context, e audit.Entry, subjects []string) {
	select {
	case c.waiting <- struct{}{}:
	default:
		c.log.Error("access: too many refusals wait for the ledger; one is lost", "resource", e.Resource, "action", e.Action)
		return
	}
	ctx = context.WithoutCancel(ctx)
	c.late.Go(func() {
		defer func() { <-c.waiting }()
		if err := c.db.Write(ctx, func(tx *store.Tx) error { return c.ledger.Add(ctx, tx, e, subjects) }); err != nil {
			c.log.Error("access: a refusal isn't on record", "err", err)
		}
	})
}

// Close returns when every refusal is on record. The house calls it before it closes the database.
func (c *Checker) Close() { c.late.Wait() }

// mark says in a request to read whether it is for something restricted.
func (c *Checker) mark(ctx context.Context, q store.Q, r *Request) error {
	if c.restricted == nil || r.Action != Read && r.Action != List || !strings.HasPrefix(r.Resource, "register:") {
		return nil
	}
	for _, person := range r.subjects() {
		yes, err := c.restricted(ctx, q, r.Resource, person, r.Purpose)
		if err != nil {
			return err
		}
		r.restricted = r.restricted || yes
	}
	return nil
}

// restrictedKey is the message of a refusal because a record is restricted (Art. 18 GDPR).
const restrictedKey = "access.restricted"

// Restricted reports that a request was refused because it was for a restricted record.
func Restricted(err error) bool {
	key, _ := fault.Message(err)
	return fault.Is(err, fault.Denied) && key == restrictedKey
}

// noMandate is the rule that is on record where a mandate isn't in force.
const noMandate = "no-mandate"

func refusal(op string, r Request, rule string) error {
	msg := ""
	switch {
	case r.restricted:
		msg = restrictedKey
	case rule == noMandate:
		msg = MandateEnded
	case r.Actor.Acting() && r.Actor.Kind == Resident:
		msg = OutsideMandate
	}
	return fault.Because(fault.Denied, op, msg, fmt.Errorf("%s %s %s", r.Actor.Kind, r.Action, r.Resource))
}

// Seen puts on record whose data a list has shown, before it leaves the house.
func (c *Checker) Seen(ctx context.Context, g Grant, subjects []string) error {
	if len(subjects) == 0 {
		return nil
	}
	return fault.Wrap("access.seen", c.db.Write(ctx, func(tx *store.Tx) error { return c.SeenTx(ctx, tx, g, subjects) }))
}

// SeenTx is Seen in the caller's transaction.
func (c *Checker) SeenTx(ctx context.Context, tx *store.Tx, g Grant, subjects []string) error {
	const op = "access.seen"
	if g.Zero() {
		return fault.Internalf(op, "no grant")
	}
	if len(subjects) > maxSubjects {
		return fault.Internalf(op, "more than %d persons on one page", maxSubjects)
	}
	e := audit.Entry{ID: g.entry, ActorKind: string(g.request.Actor.Kind), ActorID: g.request.Actor.ID}
	subjects = slices.Compact(slices.Sorted(slices.Values(subjects)))
	subjects = slices.DeleteFunc(subjects, func(s string) bool { return s == "" })
	return fault.Wrap(op, c.ledger.AddSubjects(ctx, tx, e, c.now().UTC(), subjects))
}

// Disclosure is what the person concerned is shown of an entry.
func (c *Checker) Disclosure(e audit.Entry) audit.Disclosure {
	if c.disclose == nil {
		return audit.Disclosure{Fields: []string{"actor_kind", "office", "action", "resource", "basis", "service", "case", "outcome", "fields"}}
	}
	return c.disclose(e)
}

// WhoRead lists for a person what others did with their data, newest first, as far as the rules disclose it. The grant is one to read the resource
// "ledger" whose owner is that person; before is the id of the last entry already seen.
func (c *Checker) WhoRead(ctx context.Context, g Grant, before string, n int) ([]audit.Entry, error) {
	const op = "access.whoRead"
	if err := g.Must(Read, "ledger"); err != nil {
		return nil, err
	}
	if g.request.Owner == "" {
		return nil, fault.Internalf(op, "the grant names no owner")
	}
	if before != "" && !ident.Valid(before) {
		return nil, fault.Because(fault.Invalid, op, "", errors.New("the place in the list is no id"))
	}
	n = min(max(n, 1), audit.MaxPage)
	out := make([]audit.Entry, 0, n)
	for {
		entries, err := c.ledger.ForPerson(ctx, g.request.Owner, before, n)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		for _, e := range entries {
			if d := c.Disclosure(e); !d.Hidden && len(out) < n {
				out = append(out, d.Apply(e))
			}
		}
		if len(entries) < n || len(out) == n {
			return out, nil
		}
		before = entries[len(entries)-1].ID
	}
}
