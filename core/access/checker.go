// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/audit"
	"mercator/core/store"
)

// Config says where rules come from and where the record goes. What other rooms know is plugged in as functions.
type Config struct {
	Policies fs.FS // *.cedar, brakes.toml, tests/*.toml
	// Untested: a policy needn't be in a test. For tests that draw or write policies of their own.
	Untested bool
	DB       *store.DB
	Now      func() time.Time
	Log      *slog.Logger
	// Disclose says what a person is shown of an entry about them; nil: no names.
	Disclose func(audit.Entry) audit.Disclosure
	// Principal tells whose matters a mandate is about, whatever has become of it; "": there is none such. Nil: nobody acts for anybody.
	Principal func(ctx context.Context, mandate string) (string, error)
	// Mandate tells what is true of a mandate that somebody acts under; nil: nobody acts for anybody.
	Mandate Mandates
	// Restricted tells whether a purpose asks for a restricted record of a person (Art. 18 GDPR); nil: nothing is restricted.
	Restricted func(ctx context.Context, q store.Q, resource, person, purpose string) (bool, error)
	// Classify gives the classes of fields of a register, of all its fields for none; what it doesn't know is Unclassified.
	Classify func(resource string, fields []string) []string
	// Keeper is the office that keeps a register; nil: it is who the request says.
	Keeper func(resource string) string
	// Case gives what is known of a case; nil: no case is known.
	Case func(ctx context.Context, q store.Q, id string) (CaseFacts, bool, error)
	// Glass tells whether the actor has broken the glass for just this request, and why; nil: there is none to break.
	Glass func(ctx context.Context, q store.Q, r Request) (Glass, bool, error)
	// Approved gives the id under which a second person has approved this request; nil: nobody ever has.
	Approved func(ctx context.Context, q store.Q, r Request) (string, bool, error)
	// Use takes an approval, which serves once, in the transaction of the grant; false: somebody was faster.
	Use func(ctx context.Context, tx *store.Tx, id string) (bool, error)
	// Ask puts a request before a second person, in the transaction of the entry that refuses it until then; may be nil.
	Ask func(ctx context.Context, tx *store.Tx, r Request, entry string) error
}

// Glass is an emergency access that an actor has declared.
type Glass struct {
	ID     string
	Reason string
}

// Checker decides requests.
type Checker struct {
	db         *store.DB
	ledger     *audit.Ledger
	now        func() time.Time
	log        *slog.Logger
	untested   bool
	rules      atomic.Pointer[rules]
	meters     meters
	late       sync.WaitGroup
	waiting    chan struct{}
	disclose   func(audit.Entry) audit.Disclosure
	classify   func(string, []string) []string
	keeper     func(string) string
	caseOf     func(context.Context, store.Q, string) (CaseFacts, bool, error)
	glass      func(context.Context, store.Q, Request) (Glass, bool, error)
	approved   func(context.Context, store.Q, Request) (string, bool, error)
	use        func(context.Context, *store.Tx, string) (bool, error)
	ask        func(context.Context, *store.Tx, Request, string) error
	mandates   Mandates
	principal  func(context.Context, string) (string, error)
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
	c := &Checker{db: cfg.DB, ledger: &audit.Ledger{DB: cfg.DB}, now: cfg.Now, log: cfg.Log, untested: cfg.Untested, disclose: cfg.Disclose, mandates: cfg.Mandate, principal: cfg.Principal, restricted: cfg.Restricted, waiting: make(chan struct{}, 1024),
		classify: cfg.Classify, keeper: cfg.Keeper, caseOf: cfg.Case, glass: cfg.Glass, approved: cfg.Approved, use: cfg.Use, ask: cfg.Ask}
	return c, c.Load(cfg.Policies)
}

// answer is a decision as it goes on record.
type answer struct {
	r          Request
	entry      audit.Entry
	mandate    *Mandate // that it's asked under; nil: one's own right
	allowed    bool
	restricted bool          // it's for a restricted record
	freely     bool          // approved by a second person: no brake
	approval   string        // … under this id
	ask        bool          // a second person is to be asked
	brake      string        // the brake that stops it
	wait       time.Duration // … and for how long
}

// judgeActing is judge for somebody who may act for somebody else.
func (c *Checker) judgeActing(ctx context.Context, tx *store.Tx, r Request) (answer, error) {
	m, err := c.mandateOf(ctx, tx, &r)
	if fault.Is(err, fault.Denied) {
		return answer{r: r, entry: c.entry(r, false, noMandate)}, nil
	}
	if err != nil {
		return answer{}, err
	}
	return c.judge(ctx, tx, r, m)
}

// judge decides a request, made under a mandate or none: the brake, the policies, the glass and the second person, in this order.
func (c *Checker) judge(ctx context.Context, q store.Q, r Request, m *Mandate) (answer, error) {
	a := answer{r: r, mandate: m}
	f, err := c.gather(ctx, q, r)
	f.mandate, a.restricted = m, f.restricted
	if err != nil {
		return a, err
	}
	rules := c.rules.Load()
	say := func() verdict {
		v := rules.decide(r, f)
		if len(v.problems) > 0 {
			c.log.Error("access: policies can't be evaluated and count as absent", "problems", v.problems)
		}
		return v
	}
	v := say()
	purpose := ""
	if !v.allowed && c.glass != nil && r.Actor.Kind == Clerk && r.Action == Read {
		g, ok, err := c.glass(ctx, q, r)
		if err != nil {
			return a, fault.Wrap("access.glass", err)
		}
		if ok {
			f.glass = true
			if broken := say(); broken.allowed {
				v = broken
				v.rule += " glass:" + g.ID
				purpose = GlassPurpose + ": " + g.Reason
			}
		}
	}
	a.allowed = v.allowed
	if v.two {
		id, ok := "", false
		if c.approved != nil {
			if id, ok, err = c.approved(ctx, q, r); err != nil {
				return a, fault.Wrap("access.approved", err)
			}
		}
		if a.allowed, a.freely, a.ask = ok, ok, !ok; ok {
			v.rule += " approval:" + id
			a.approval = id
		}
	}
	// What was refused counts too: whoever tries doors is stopped as well as who goes through.
	if !a.freely {
		if a.brake, a.wait = c.braked(r, max(len(r.subjects()), 1), false); a.wait > 0 {
			a.allowed, a.ask = false, false
			v.rule = "brake:" + a.brake
		}
	}
	a.entry = c.entry(r, a.allowed, v.rule)
	if purpose != "" {
		a.entry.Purpose = cut(purpose)
	}
	return a, nil
}

// GlassPurpose begins the purpose of what is read through broken glass; the reason follows.
const GlassPurpose = "break-glass"

// cut bounds a text at a whole rune.
func cut(s string) string {
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
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
		Door: string(r.Actor.Door), Client: r.Actor.Client,
	}
}

// record writes the answer, and asks the second person with it. An approval that somebody else has used up meanwhile permits
// nothing, and a new one isn't asked for: it has been done.
func (c *Checker) record(ctx context.Context, tx *store.Tx, a *answer) error {
	if a.allowed && a.approval != "" && c.use != nil {
		ok, err := c.use(ctx, tx, a.approval)
		if err != nil {
			return err
		}
		if !ok {
			a.allowed, a.freely = false, false
			a.entry.Outcome = audit.Refused
		}
	}
	if err := c.ledger.Add(ctx, tx, a.entry, a.r.subjects()); err != nil || !a.ask || c.ask == nil {
		return err
	}
	return c.ask(ctx, tx, a.r, a.entry.ID)
}

// Could tells whether the policies would let the actor do something, with a second person where they ask for one. It grants
// nothing and is no access: who approves what another has asked for has to be somebody who could ask for it themselves.
func (c *Checker) Could(ctx context.Context, r Request) (bool, error) {
	const op = "access.could"
	if err := r.check(); err != nil {
		return false, err
	}
	if r.Actor.Acting() {
		return false, nil
	}
	f, err := c.gather(ctx, c.db, r)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	return c.rules.Load().decide(r, f).allowed, nil
}

func (a answer) grant() Grant { return Grant{a.r, a.entry.ID, a.mandate, a.freely} }

// refusal says why not, as far as who asks may know.
func (a answer) refusal(op string) error {
	what := fmt.Errorf("%s %s %s", a.r.Actor.Kind, a.r.Action, a.r.Resource)
	switch {
	case a.wait > 0:
		return fault.Because(fault.TooMany, op, "access.braked", &Braked{Brake: a.brake, Wait: a.wait}, "minutes", int((a.wait+time.Minute-1)/time.Minute))
	case a.ask:
		return fault.Because(fault.Denied, op, ApprovalNeeded, what)
	case a.restricted:
		return fault.Because(fault.Denied, op, restrictedKey, what)
	case a.entry.Rule == noMandate:
		return fault.Because(fault.Denied, op, MandateEnded, what)
	case a.r.Actor.Acting() && a.r.Actor.Kind == Resident:
		return fault.Because(fault.Denied, op, OutsideMandate, what)
	}
	return fault.Because(fault.Denied, op, "", what)
}

// Braked is why a request is refused that goes too fast.
type Braked struct {
	Brake string
	Wait  time.Duration
}

func (b *Braked) Error() string { return fmt.Sprintf("the brake %s holds for %s", b.Brake, b.Wait) }

// RetryAfter is when it may go on.
func (b *Braked) RetryAfter() time.Duration { return b.Wait }

// Permit decides a request and puts it on record, in a transaction of its own. A refusal is fault.Denied, or fault.TooMany
// where a brake holds.
func (c *Checker) Permit(ctx context.Context, r Request) (Grant, error) {
	const op = "access.permit"
	if err := r.check(); err != nil {
		return Grant{}, err
	}
	var a answer
	var err error
	if !r.Actor.Acting() {
		if a, err = c.judge(ctx, c.db, r, nil); err != nil {
			return Grant{}, fault.Wrap(op, err)
		}
	}
	write := c.db.Append
	if r.Actor.Acting() || a.ask || a.approval != "" { // it reads what others change
		write = c.db.Write
	}
	if err := write(ctx, func(tx *store.Tx) error {
		if r.Actor.Acting() { // what is true of the mandate and the record are one
			if a, err = c.judgeActing(ctx, tx, r); err != nil {
				return err
			}
		}
		return c.record(ctx, tx, &a)
	}); err != nil {
		return Grant{}, fault.Wrap(op, err)
	}
	if !a.allowed {
		return Grant{}, a.refusal(op)
	}
	return a.grant(), nil
}

// PermitTx is Permit with the record in the caller's transaction: the access and its record happen both or not at all.
// After a refusal the caller's transaction is rolled back, so the refusal is recorded by itself right afterwards.
func (c *Checker) PermitTx(ctx context.Context, tx *store.Tx, r Request) (Grant, error) {
	const op = "access.permit"
	if err := r.check(); err != nil {
		return Grant{}, err
	}
	a, err := c.judgeActing(ctx, tx, r)
	if err != nil {
		return Grant{}, fault.Wrap(op, err)
	}
	if !a.allowed {
		c.recordLater(ctx, a)
		return Grant{}, a.refusal(op)
	}
	if err := c.record(ctx, tx, &a); err != nil {
		return Grant{}, fault.Wrap(op, err)
	}
	if !a.allowed { // somebody else has used the approval up meanwhile
		c.recordLater(ctx, a)
		return Grant{}, a.refusal(op)
	}
	return a.grant(), nil
}

// recordLater can't wait: the caller holds the one writer that the record needs.
func (c *Checker) recordLater(ctx context.Context, a answer) {
	select {
	case c.waiting <- struct{}{}:
	default:
		c.log.Error("access: too many refusals wait for the ledger; one is lost", "resource", a.r.Resource, "action", a.r.Action)
		return
	}
	ctx = context.WithoutCancel(ctx)
	c.late.Go(func() {
		defer func() { <-c.waiting }()
		if err := c.db.Write(ctx, func(tx *store.Tx) error { return c.record(ctx, tx, &a) }); err != nil {
			c.log.Error("access: a refusal isn't on record", "err", err)
		}
	})
}

// Close returns when every refusal is on record. The house calls it before it closes the database.
func (c *Checker) Close() { c.late.Wait() }

// ApprovalNeeded is the message of a refusal until a second person has approved the request.
const ApprovalNeeded = "access.approvalNeeded"

// restrictedKey is the message of a refusal because a record is restricted (Art. 18 GDPR).
const restrictedKey = "access.restricted"

// Restricted reports that a request was refused because it was for a restricted record.
func Restricted(err error) bool {
	key, _ := fault.Message(err)
	return fault.Is(err, fault.Denied) && key == restrictedKey
}

// noMandate is the rule that is on record where a mandate isn't in force.
const noMandate = "no-mandate"

// Seen puts on record whose data a list has shown, before it leaves the house.
func (c *Checker) Seen(ctx context.Context, g Grant, subjects []string) error {
	if len(subjects) == 0 {
		return nil
	}
	return fault.Wrap("access.seen", c.db.Append(ctx, func(tx *store.Tx) error { return c.SeenTx(ctx, tx, g, subjects) }))
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
	// They have been read, so they count, even beyond the allowance: the next request waits the longer.
	if len(subjects) > 0 && !g.freely {
		c.braked(g.request, len(subjects), true)
	}
	return fault.Wrap(op, c.ledger.AddSubjects(ctx, tx, e, c.now().UTC(), subjects))
}

// Disclosure is what the person concerned is shown of an entry.
func (c *Checker) Disclosure(e audit.Entry) audit.Disclosure {
	if c.disclose == nil {
		return audit.Disclosure{Fields: []string{"actor_kind", "office", "action", "resource", "basis", "service", "case", "outcome", "fields", "door"}}
	}
	return c.disclose(e)
}

// DisclosedTo is Disclosure to one of the persons whom an entry is about. Whoever acted in somebody's name is known to that
// person; to anybody else they are another person like any other.
func (c *Checker) DisclosedTo(ctx context.Context, person string, e audit.Entry) audit.Disclosure {
	if e.Mandate != "" && e.ActorKind == audit.Resident && c.principal != nil {
		who, err := c.principal(ctx, e.Mandate)
		if err != nil {
			c.log.Error("access: whose mandate an entry names can't be found out; the entry isn't shown", "err", err)
			return audit.Disclosure{Hidden: true}
		}
		if who != person {
			e.Mandate = ""
		}
	}
	return c.Disclosure(e)
}

// WhoRead lists for a person what others did with their data, newest first, as far as the rules disclose it. The grant is one to read the resource
// "ledger" whose owner is that person; before is the id of the last entry already seen.
func (c *Checker) WhoRead(ctx context.Context, g Grant, before string, n int) ([]audit.Entry, error) {
	return c.WhoReadWhere(ctx, g, before, audit.Narrow{}, n)
}
