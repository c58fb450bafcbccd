// SPDX-License-Identifier: EUPL-1.2

package payment

import (
	"context"
	"errors"
	"hash/fnv"
	"log/slog"
	"strings"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// Config of the cash desk.
type Config struct {
	DB       *store.DB
	Provider Provider
	BaseURL  string // our own address, without a slash at its end: where the provider sends the person back to
	// OnPaid tells the process, in the transaction that books the money.
	OnPaid func(ctx context.Context, tx *store.Tx, p Payment) error
	// OnChange tells the file of the case about every change of state; may be nil.
	OnChange func(ctx context.Context, tx *store.Tx, p Payment) error
	// OnRefund tells it that money is owed back; may be nil.
	OnRefund func(ctx context.Context, tx *store.Tx, p Payment, cents int64, reason Reason) error
	// Publish puts an event into the outbox; may be nil.
	Publish func(ctx context.Context, tx *store.Tx, kind, subject string, data any) error
	Now     func() time.Time
	Log     *slog.Logger
}

// Service is the cash desk.
type Service struct {
	cfg   Config
	begin [64]sync.Mutex // by payment: two tabs begin one checkout, not two
}

// New checks the configuration.
func New(cfg Config) (*Service, error) {
	if cfg.DB == nil || cfg.Provider == nil || cfg.OnPaid == nil || cfg.BaseURL == "" {
		return nil, fault.Internalf("payment.new", "database, provider, OnPaid and our address are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: cfg}, nil
}

// Request asks for a fee, in the transaction of the process step. Asked again for the same case and key it gives the
// payment that is there. A fee of nothing is paid at once.
func (s *Service) Request(ctx context.Context, tx *store.Tx, o Order) (id string, err error) {
	const op = "payment.request"
	if err := o.check(); err != nil {
		return "", err
	}
	now := s.cfg.Now().UTC()
	p := Payment{ID: ident.New(), Case: o.CaseID, Key: o.Key, Person: o.Person, Office: o.Office, Service: o.Service, Cents: o.Cents,
		Purpose: o.Purpose, Lang: o.Lang, State: Open, Created: now, Changed: now}
	if o.Cents == 0 {
		p.State, p.PaidAt = Paid, now
	}
	n, err := tx.Exec(ctx, insertPayment, p.ID, p.Case, p.Key, p.Person, p.Office, p.Service, p.Cents, p.Purpose, p.Lang, string(p.State),
		store.Micros(now), store.Micros(p.PaidAt))
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if n == 0 {
		old, err := store.One(ctx, tx, scanPayment, byOrder, o.CaseID, o.Key)
		if err != nil {
			return "", fault.Wrap(op, err)
		}
		if old.Cents != o.Cents {
			return "", fault.Internalf(op, "the case has a payment of another amount already")
		}
		return old.ID, nil
	}
	if err := s.tell(ctx, tx, EventRequested, p, 0, ""); err != nil {
		return "", fault.Wrap(op, err)
	}
	if p.State == Paid {
		if err := s.paid(ctx, tx, p); err != nil {
			return "", fault.Wrap(op, err)
		}
	}
	return p.ID, nil
}

func (s *Service) publish(ctx context.Context, tx *store.Tx, kind string, p Payment, cents int64, reason Reason) error {
	if s.cfg.Publish == nil {
		return nil
	}
	return s.cfg.Publish(ctx, tx, kind, p.Case, Fact{Payment: p.ID, Case: p.Case, Service: p.Service, Cents: cents, Reason: reason})
}

func (s *Service) tell(ctx context.Context, tx *store.Tx, kind string, p Payment, refund int64, reason Reason) error {
	cents := p.Cents
	if reason != "" {
		cents = refund
	}
	if err := s.publish(ctx, tx, kind, p, cents, reason); err != nil {
		return err
	}
	switch {
	case reason != "" && s.cfg.OnRefund != nil:
		return s.cfg.OnRefund(ctx, tx, p, refund, reason)
	case reason == "" && s.cfg.OnChange != nil:
		return s.cfg.OnChange(ctx, tx, p)
	}
	return nil
}

func (s *Service) paid(ctx context.Context, tx *store.Tx, p Payment) error {
	if err := s.tell(ctx, tx, EventPaid, p, 0, ""); err != nil {
		return err
	}
	return s.cfg.OnPaid(ctx, tx, p)
}

// Withdraw ends what is still owed for a case that has ended. Money that comes later is owed back.
func (s *Service) Withdraw(ctx context.Context, tx *store.Tx, caseID string) error {
	const op = "payment.withdraw"
	list, err := store.All(ctx, tx, scanPayment, listOfCase, caseID)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for _, p := range list {
		if p, err = store.One(ctx, tx, scanPayment, lockPayment, p.ID); err != nil {
			return fault.Wrap(op, err)
		}
		if !p.State.Payable() {
			continue
		}
		p.State = Withdrawn
		if err := savePayment(ctx, tx, p, s.cfg.Now()); err != nil {
			return fault.Wrap(op, err)
		}
		if err := s.tell(ctx, tx, EventWithdrawn, p, 0, ""); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

// OpenFor is what is still to be paid for a case. Who asks has a grant for the case.
func (s *Service) OpenFor(ctx context.Context, caseID string) (Payment, bool, error) {
	p, err := store.One(ctx, s.cfg.DB, scanPayment, openOfCase, caseID)
	if fault.Is(err, fault.NotFound) {
		return Payment{}, false, nil
	}
	return p, err == nil, fault.Wrap("payment.openFor", err)
}

// ForCase lists the payments of a case. Who asks has a grant for the case.
func (s *Service) ForCase(ctx context.Context, caseID string) ([]Payment, error) {
	list, err := store.All(ctx, s.cfg.DB, scanPayment, listOfCase, caseID)
	return list, fault.Wrap("payment.forCase", err)
}

// Mine lists the payments of the resident who asks, the newest first; before is the last of the page before.
func (s *Service) Mine(ctx context.Context, g access.Grant, before string, n int) ([]Payment, error) {
	const op = "payment.mine"
	if err := g.Must(access.List, "payment"); err != nil {
		return nil, err
	}
	if a := g.Actor(); a.Kind != access.Resident || a.Acting() { // nobody pays by a mandate
		return nil, fault.New(fault.Denied, op, "")
	}
	if before == "" {
		before = "g" // behind every id
	}
	list, err := store.All(ctx, s.cfg.DB, scanPayment, pageOfPerson, g.Actor().ID, before, min(max(n, 1), 200))
	return list, fault.Wrap(op, err)
}

// Get finds a payment that the grant's actor may see: a resident's own, a clerk's office's.
func (s *Service) Get(ctx context.Context, g access.Grant, id string) (Payment, error) {
	const op = "payment.get"
	if err := g.Must(access.Read, "payment"); err != nil {
		return Payment{}, err
	}
	return s.get(ctx, op, g, id)
}

func (s *Service) get(ctx context.Context, op string, g access.Grant, id string) (Payment, error) {
	if !ident.Valid(id) {
		return Payment{}, fault.New(fault.NotFound, op, "payment.notFound")
	}
	var p Payment
	var err error
	switch a := g.Actor(); a.Kind {
	case access.Resident:
		if a.Acting() { // nobody pays by a mandate, and neither do they see their own payments as another's
			return Payment{}, fault.New(fault.Denied, op, "")
		}
		p, err = store.One(ctx, s.cfg.DB, scanPayment, ofPerson, id, a.ID)
	case access.Clerk, access.Machine:
		p, err = store.One(ctx, s.cfg.DB, scanPayment, ofOffice, id, a.Office)
	default:
		p, err = store.One(ctx, s.cfg.DB, scanPayment, byID, id)
	}
	if fault.Is(err, fault.NotFound) {
		return Payment{}, fault.Because(fault.NotFound, op, "payment.notFound", err)
	}
	return p, fault.Wrap(op, err)
}

// Begin gives the address of the provider's checkout, where the person pays. An open checkout is used again: two tabs
// lead to the same one. Whether the last attempt has ended meanwhile is asked first, so nobody is led to pay twice.
func (s *Service) Begin(ctx context.Context, g access.Grant, id string) (checkout string, err error) {
	const op = "payment.begin"
	if err := g.Must(access.Change, "payment"); err != nil {
		return "", err
	}
	p, err := s.get(ctx, op, g, id)
	if err != nil {
		return "", err
	}
	lock := &s.begin[slot(p.ID)]
	lock.Lock()
	defer lock.Unlock()
	fresh, err := s.refresh(ctx, p.ID)
	// A transaction that the provider doesn't know any more leads nowhere; the person needs a new checkout. We go on
	// asking about the old one all the same.
	forgotten := fault.Is(err, fault.NotFound)
	switch {
	case err == nil:
		p = fresh
	case !forgotten:
		return "", fault.Wrap(op, err)
	}
	if !p.State.Payable() {
		return "", fault.New(fault.Conflict, op, "payment.notPayable")
	}
	if p.State == Initiated && !forgotten {
		a, err := store.One(ctx, s.cfg.DB, scanAttempt, attemptByID, p.Attempt)
		if err != nil {
			return "", fault.Wrap(op, err)
		}
		if a.State == Initial && a.Redirect != "" {
			return a.Redirect, nil
		}
	}
	return s.create(ctx, p)
}

func slot(id string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(id))
	return h.Sum32() % 64
}

// create opens a new checkout. The attempt is stored before the provider hears of it: whatever happens in between, money
// that comes for it finds its payment.
func (s *Service) create(ctx context.Context, p Payment) (string, error) {
	const op = "payment.create"
	a := Attempt{ID: ident.New(), Payment: p.ID, State: Preparing, Created: s.cfg.Now().UTC()}
	old := p.Attempt
	if err := s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		now, err := store.One(ctx, tx, scanPayment, lockPayment, p.ID)
		if err != nil {
			return err
		}
		if now.Attempt != old || !now.State.Payable() {
			return fault.New(fault.Conflict, op, "payment.inProgress")
		}
		if old != "" {
			last, err := store.One(ctx, tx, scanAttempt, attemptByID, old)
			if err != nil {
				return err
			}
			if last.State == Preparing {
				last.State = Abandoned
				if err := saveAttempt(ctx, tx, last, a.Created, time.Time{}); err != nil {
					return err
				}
			}
		}
		if err := addAttempt(ctx, tx, a, time.Time{}); err != nil {
			return err
		}
		now.Attempt, now.State = a.ID, Initiated
		p = now
		return savePayment(ctx, tx, now, a.Created)
	}); err != nil {
		return "", fault.Wrap(op, err)
	}
	st, err := s.cfg.Provider.Create(ctx, Checkout{RequestID: a.ID, At: a.Created, Cents: p.Cents, Purpose: p.Purpose, Text: p.Purpose,
		Reference: reference(p), ReturnURL: s.cfg.BaseURL + "/pay/" + p.ID + "/return"})
	if err == nil && (st.Transaction == "" || st.Redirect == "" || st.RequestID != a.ID || st.Cents != p.Cents) {
		err = fault.Internalf(op, "the provider opened a checkout for something else")
	}
	if err != nil {
		// The person may try again: the payment is where it was, and the attempt leads nowhere.
		if back := s.cfg.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
			now, err := store.One(ctx, tx, scanPayment, lockPayment, p.ID)
			if err != nil {
				return err
			}
			a.State, a.Detail = Abandoned, "no checkout"
			if err := saveAttempt(ctx, tx, a, s.cfg.Now(), time.Time{}); err != nil {
				return err
			}
			if now.Attempt != a.ID || now.State != Initiated {
				return nil
			}
			now.State = Open
			return savePayment(ctx, tx, now, s.cfg.Now())
		}); back != nil {
			err = errors.Join(err, back)
		}
		if fault.Is(err, fault.Internal) {
			s.cfg.Log.Error("payment: the provider opened no checkout", "payment", p.ID, "err", err)
		}
		return "", fault.Because(fault.Unavailable, op, "payment.unavailable", err)
	}
	if err := s.cfg.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if _, err := store.One(ctx, tx, scanPayment, lockPayment, p.ID); err != nil {
			return err
		}
		a.State, a.Transaction, a.Redirect, a.Reference = Initial, st.Transaction, st.Redirect, st.Reference
		return saveAttempt(ctx, tx, a, s.cfg.Now(), nextCheck(0, s.cfg.Now()))
	}); err != nil {
		return "", fault.Wrap(op, err)
	}
	return st.Redirect, nil
}

// reference names the fee to the city's accounts: at most 36 characters.
func reference(p Payment) string {
	ref := strings.ReplaceAll(p.Case, "/", "-")
	if len(ref) > 36 {
		ref = ref[:36]
	}
	return ref
}

// Refresh asks the provider about a payment that is under way: the person came back from the checkout. What the address
// of the way back says is of no account.
func (s *Service) Refresh(ctx context.Context, g access.Grant, id string) (Payment, error) {
	const op = "payment.refresh"
	if err := g.Must(access.Read, "payment"); err != nil {
		return Payment{}, err
	}
	p, err := s.get(ctx, op, g, id)
	if err != nil || p.State != Initiated {
		return p, err
	}
	fresh, err := s.refresh(ctx, p.ID)
	if err != nil {
		// The provider doesn't answer now; what we know is still true, and we will ask again.
		s.cfg.Log.Warn("payment: the provider doesn't answer", "payment", p.ID, "err", err)
		return p, nil
	}
	return fresh, nil
}

func (s *Service) refresh(ctx context.Context, id string) (Payment, error) {
	p, err := store.One(ctx, s.cfg.DB, scanPayment, byID, id)
	if err != nil || p.Attempt == "" {
		return p, err
	}
	a, err := store.One(ctx, s.cfg.DB, scanAttempt, attemptByID, p.Attempt)
	if err != nil {
		return p, err
	}
	if a.State != Initial {
		return p, nil
	}
	if err := s.check(ctx, a.Transaction); err != nil {
		return p, err
	}
	return store.One(ctx, s.cfg.DB, scanPayment, byID, id)
}

// Call is the provider's call: something has changed about a transaction. The nonce has been checked to be the provider's
// (signature and time); here it's taken once. The call says where to look, nothing more.
func (s *Service) Call(ctx context.Context, nonce, transaction string) error {
	const op = "payment.call"
	if nonce == "" || len(nonce) > 200 || transaction == "" || len(transaction) > 44 {
		return fault.New(fault.Invalid, op, "payment.badCall")
	}
	var taken int
	if err := s.cfg.DB.QueryRow(ctx, wasTaken, nonce).Scan(&taken); err != nil {
		return fault.Wrap(op, err)
	}
	if taken > 0 {
		return fault.New(fault.Conflict, op, "payment.badCall")
	}
	// The provider is asked before the nonce is taken: if it doesn't answer, it calls again with the same one.
	if err := s.check(ctx, transaction); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, takeCall, nonce, store.Micros(s.cfg.Now()))
		return err
	}))
}

// check asks the provider about a transaction and books the answer.
func (s *Service) check(ctx context.Context, transaction string) error {
	const op = "payment.check"
	st, err := s.cfg.Provider.Status(ctx, transaction)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if st.Transaction != transaction {
		return fault.Internalf(op, "asked about one transaction, the provider answers about another")
	}
	return fault.Wrap(op, s.cfg.DB.Write(ctx, func(tx *store.Tx) error { return s.book(ctx, tx, st) }))
}

// book stores what the provider's answer changes, all of it in one transaction.
func (s *Service) book(ctx context.Context, tx *store.Tx, st Status) error {
	const op = "payment.book"
	now := s.cfg.Now().UTC()
	a, err := store.One(ctx, tx, scanAttempt, attemptByTransaction, st.Transaction)
	unknown := fault.Is(err, fault.NotFound)
	if unknown {
		// The provider may have charged twice for one request, or we never got its answer to our request: the request
		// is ours all the same.
		if a, err = store.One(ctx, tx, scanAttempt, attemptByID, st.RequestID); fault.Is(err, fault.NotFound) {
			return fault.Because(fault.NotFound, op, "payment.notOurs", err)
		}
	}
	if err != nil {
		return err
	}
	if a.ID != st.RequestID && !strings.HasPrefix(a.Detail, "again:"+st.RequestID) {
		return fault.Internalf(op, "the provider answers about another request")
	}
	p, err := store.One(ctx, tx, scanPayment, lockPayment, a.Payment)
	if err != nil {
		return err
	}
	// Read again under the lock: somebody may have booked the same answer meanwhile.
	if !unknown {
		if a, err = store.One(ctx, tx, scanAttempt, attemptByTransaction, st.Transaction); err != nil {
			return err
		}
	} else if again, err := store.One(ctx, tx, scanAttempt, attemptByTransaction, st.Transaction); err == nil {
		a, unknown = again, false
	} else if !fault.Is(err, fault.NotFound) {
		return err
	}
	if unknown {
		if a.Transaction == "" {
			a.Transaction, a.Redirect = st.Transaction, st.Redirect
		} else {
			a = Attempt{ID: ident.New(), Payment: p.ID, Transaction: st.Transaction, State: Initial, Detail: "again:" + st.RequestID, Created: now}
			if err := addAttempt(ctx, tx, a, nextCheck(0, now)); err != nil {
				return err
			}
		}
	}
	o := settle(p, a, st)
	if o.attempt == a.State && o.payment == p.State {
		return nil
	}
	next := time.Time{}
	if o.attempt == Initial {
		next = nextCheck(a.Checks, now)
	}
	before := p.State
	a.State, a.Cents, a.Method = o.attempt, 0, st.Method
	if st.State == Payed {
		a.Cents = st.Cents
	}
	if !strings.HasPrefix(a.Detail, "again:") {
		a.Detail = st.Detail
	}
	if st.Reference != "" {
		a.Reference = st.Reference
	}
	if err := saveAttempt(ctx, tx, a, now, next); err != nil {
		return err
	}
	p.State = o.payment
	p.RefundDue += o.refund
	if o.paid {
		p.PaidAt = now
	}
	if err := savePayment(ctx, tx, p, now); err != nil {
		return err
	}
	if o.refund > 0 {
		if _, err := tx.Exec(ctx, insertRefund, ident.New(), p.ID, a.ID, o.refund, string(o.reason), store.Micros(now)); err != nil {
			return err
		}
		s.cfg.Log.Warn("payment: money is owed back", "payment", p.ID, "reason", string(o.reason))
		if err := s.tell(ctx, tx, EventRefundDue, p, o.refund, o.reason); err != nil {
			return err
		}
	}
	switch {
	case o.paid:
		return s.paid(ctx, tx, p)
	case p.State == before:
		return nil
	case p.State == Cancelled:
		return s.tell(ctx, tx, EventCancelled, p, 0, "")
	case p.State == Failed:
		return s.tell(ctx, tx, EventFailed, p, 0, "")
	}
	return nil
}

// Reconcile asks the provider about the transactions that are due, at most n: calls get lost. It says how many it asked
// about. An answer that doesn't come is asked for later.
func (s *Service) Reconcile(ctx context.Context, n int) (int, error) {
	const op = "payment.reconcile"
	list, err := store.All(ctx, s.cfg.DB, scanAttempt, due, store.Micros(s.cfg.Now()), n)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	for _, a := range list {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err := s.check(ctx, a.Transaction); err != nil {
			s.cfg.Log.Warn("payment: can't reconcile now", "attempt", a.ID, "err", err)
		}
		if err := s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
			now, err := store.One(ctx, tx, scanAttempt, attemptByID, a.ID)
			if err != nil {
				return err
			}
			next := time.Time{}
			if now.State == Initial {
				next = nextCheck(now.Checks+1, s.cfg.Now())
			}
			_, err = tx.Exec(ctx, postpone, a.ID, store.Micros(next))
			return err
		}); err != nil {
			return 0, fault.Wrap(op, err)
		}
	}
	return len(list), nil
}

// rememberCalls is far longer than a call's signature is valid.
const rememberCalls = 24 * time.Hour

// Forget removes the nonces of calls that nobody could send again any more.
func (s *Service) Forget(ctx context.Context) error {
	return fault.Wrap("payment.forget", s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, forgetCalls, store.Micros(s.cfg.Now().Add(-rememberCalls)))
		return err
	}))
}

// Run reconciles until the context ends.
func (s *Service) Run(ctx context.Context) error {
	tick, hour := time.NewTicker(5*time.Second), time.NewTicker(time.Hour)
	defer tick.Stop()
	defer hour.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hour.C:
			if err := s.Forget(ctx); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("payment: forget", "err", err)
			}
		case <-tick.C:
			if _, err := s.Reconcile(ctx, 100); err != nil && ctx.Err() == nil {
				s.cfg.Log.Error("payment: reconcile", "err", err)
			}
		}
	}
}

// Refund is money that the city owes back.
type Refund struct {
	ID      string
	Payment string
	Case    string
	Person  string
	Attempt string
	Cents   int64
	Reason  Reason
	Created time.Time
}

// Refunds lists what the clerk's office owes back, oldest first; after is the last id already seen.
func (s *Service) Refunds(ctx context.Context, g access.Grant, after string, n int) ([]Refund, error) {
	if err := g.Must(access.List, "payment"); err != nil {
		return nil, err
	}
	list, err := store.All(ctx, s.cfg.DB, func(row store.Scanner) (Refund, error) {
		var r Refund
		var reason string
		var at int64
		err := row.Scan(&r.ID, &r.Payment, &r.Case, &r.Person, &r.Attempt, &r.Cents, &reason, &at)
		r.Reason, r.Created = Reason(reason), store.Time(at)
		return r, err
	}, listRefunds, g.Actor().Office, after, min(max(n, 1), 200))
	return list, fault.Wrap("payment.refunds", err)
}

// Refunded notes that a refund of the clerk's office has been paid out. One that is not there, is another office's or has
// been noted before is fault.NotFound.
func (s *Service) Refunded(ctx context.Context, g access.Grant, id string) error {
	const op = "payment.refunded"
	if err := g.Must(access.Change, "payment"); err != nil {
		return err
	}
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, op, "payment.notFound")
	}
	type part struct {
		payment string
		cents   int64
	}
	return fault.Wrap(op, s.cfg.DB.Write(ctx, func(tx *store.Tx) error {
		done, err := store.One(ctx, tx, func(row store.Scanner) (p part, err error) {
			return p, row.Scan(&p.payment, &p.cents)
		}, finishRefund, id, g.Actor().Office)
		if fault.Is(err, fault.NotFound) {
			return fault.Because(fault.NotFound, op, "payment.notFound", err)
		}
		if err != nil {
			return err
		}
		p, err := store.One(ctx, tx, scanPayment, lockPayment, done.payment)
		if err != nil {
			return err
		}
		p.RefundDue -= done.cents
		if err := savePayment(ctx, tx, p, s.cfg.Now()); err != nil {
			return err
		}
		return s.publish(ctx, tx, EventRefunded, p, done.cents, "")
	}))
}

// Attempts lists the transactions of a payment that the actor may see, for the file.
func (s *Service) Attempts(ctx context.Context, g access.Grant, id string) ([]Attempt, error) {
	p, err := s.Get(ctx, g, id)
	if err != nil {
		return nil, err
	}
	list, err := store.All(ctx, s.cfg.DB, scanAttempt, attemptsOf, p.ID)
	return list, fault.Wrap("payment.attempts", err)
}
