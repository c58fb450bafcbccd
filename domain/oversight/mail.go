// SPDX-License-Identifier: EUPL-1.2

package oversight

import (
	"context"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
)

// The data protection officer has a mail about what is new, at once: who has no page open hears of it all the same. What is
// found within a minute of a mail goes with the next one, so that nobody can bury the officer in mails; an emergency doesn't
// wait. A mail is a job in the transaction of the finding, so a mail server that is down loses nothing.

// pause is how long the officer has peace after a mail.
const pause = time.Minute

// Told is what a mail says of a finding: nothing about a person, neither who read nor who was read.
type Told struct {
	ID, Rule string
	At       time.Time
}

// maxTold is how many findings one mail names; there are more at the desk.
const maxTold = 20

// tell asks for a mail about findings that are new. A finding that can't wait is named.
func (s *Service) tell(ctx context.Context, tx *store.Tx, urgent string) error {
	if s.c.Mail == nil {
		return nil
	}
	now := s.c.Now()
	if urgent != "" {
		return s.c.Mail(ctx, tx, now, urgent)
	}
	var last int64
	if err := tx.QueryRow(ctx, stateTold).Scan(&last); err != nil {
		return err
	}
	due := now
	if next := store.Time(last).Add(pause); next.After(now) {
		due = now.Add(min(pause, next.Sub(now))) // a clock that was set back makes nobody wait for longer
	}
	return s.c.Mail(ctx, tx, due, "")
}

// News is what the officer hasn't had a mail about and nobody has looked at.
type News struct {
	Findings []Told // emergencies first, then the newest
	More     bool   // there are others
	upTo     string
}

// News gives it.
func (s *Service) News(ctx context.Context) (n News, err error) {
	n.Findings, err = store.All(ctx, s.c.DB, func(r store.Scanner) (f Told, err error) {
		var at int64
		err = r.Scan(&f.ID, &f.Rule, &at, &n.upTo)
		f.At = store.Time(at)
		return f, err
	}, untold, s.glassRule(), maxTold+1)
	if len(n.Findings) > maxTold {
		n.Findings, n.More = n.Findings[:maxTold], true
	}
	return n, fault.Wrap("oversight.news", err)
}

// Sent notes that the officer's mail server has the mail, in the transaction that ends its job. What came meanwhile goes with
// another one.
func (s *Service) Sent(ctx context.Context, tx *store.Tx, n News) error {
	const op = "oversight.sent"
	now := store.Micros(s.c.Now())
	if _, err := tx.Exec(ctx, markTold, now, n.upTo); err != nil {
		return fault.Wrap(op, err)
	}
	if _, err := tx.Exec(ctx, setTold, now); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.tellRest(ctx, tx))
}

// tellRest asks for a mail if there is something that the officer hasn't heard of.
func (s *Service) tellRest(ctx context.Context, tx *store.Tx) error {
	var n int
	if err := tx.QueryRow(ctx, anyUntold).Scan(&n); err != nil || n == 0 {
		return err
	}
	return s.tell(ctx, tx, "")
}

// glassRule is the rule under which emergencies are found.
func (s *Service) glassRule() string {
	for _, r := range s.c.Rules {
		if r.Looks == GlassRule {
			return r.ID
		}
	}
	return GlassRule
}
