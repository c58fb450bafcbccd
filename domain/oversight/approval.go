// SPDX-License-Identifier: EUPL-1.2

package oversight

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// The states of an approval.
const (
	Waiting  = "waiting"
	Approved = "approved"
	Turned   = "refused"
	Used     = "used"
	Lapsed   = "lapsed"
)

// How long a request waits for the second person, and an approved one for being done.
const (
	waits  = 7 * 24 * time.Hour
	usable = 24 * time.Hour
)

// Asked is a request without who asks: what two people agree on.
type Asked struct {
	Action   string   `json:"action"`
	Resource string   `json:"resource"`
	Purpose  string   `json:"purpose"`
	Basis    string   `json:"basis,omitempty"`
	Service  string   `json:"service,omitempty"`
	Case     string   `json:"case,omitempty"`
	Office   string   `json:"office,omitempty"`
	Owner    string   `json:"owner,omitempty"`
	Subjects []string `json:"subjects,omitempty"`
	Fields   []string `json:"fields,omitempty"`
}

func asked(r access.Request) Asked {
	return Asked{r.Action, r.Resource, r.Purpose, r.Basis, r.Service, r.Case, r.Office, r.Owner, r.Subjects, r.Fields}
}

// By is the request as somebody's.
func (a Asked) By(actor access.Actor) access.Request {
	return access.Request{Actor: actor, Action: a.Action, Resource: a.Resource, Purpose: a.Purpose, Basis: a.Basis, Service: a.Service, Case: a.Case, Office: a.Office, Owner: a.Owner, Subjects: a.Subjects, Fields: a.Fields}
}

// digest names a request and who asks: an approval is for exactly this.
func digest(r access.Request) (string, error) {
	a := asked(r)
	a.Subjects, a.Fields = slices.Sorted(slices.Values(a.Subjects)), slices.Sorted(slices.Values(a.Fields))
	text, err := json.Marshal(struct {
		Kind access.Kind
		ID   string
		Asked
	}{r.Actor.Kind, r.Actor.ID, a})
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), err
}

// Approval is a request that takes two people.
type Approval struct {
	ID, State                  string
	At, Until                  time.Time
	Actor, ActorName           string
	Office                     string // whose heads may approve it
	Request                    Asked
	Entry                      string
	RuledAt                    time.Time
	RuledBy, RuledName, Reason string
	UsedAt                     time.Time
}

// Ask keeps a request for a second person (access.Config.Ask), in the transaction of the entry that refuses it until then.
func (s *Service) Ask(ctx context.Context, tx *store.Tx, r access.Request, entry string) error {
	const op = "oversight.ask"
	d, err := digest(r)
	if err != nil {
		return fault.Wrap(op, err)
	}
	text, err := json.Marshal(asked(r))
	if err != nil {
		return fault.Wrap(op, err)
	}
	now := s.c.Now()
	if _, err := tx.Exec(ctx, lapse, store.Micros(now)); err != nil {
		return fault.Wrap(op, err)
	}
	_, err = tx.Exec(ctx, addApproval, ident.New(), d, store.Micros(now), store.Micros(now.Add(waits)), r.Actor.ID, r.Actor.Name, r.Actor.Office, string(text), entry)
	return fault.Wrap(op, err)
}

// Approved tells under which id a second person has approved a request (access.Config.Approved).
func (s *Service) Approved(ctx context.Context, q store.Q, r access.Request) (string, bool, error) {
	const op = "oversight.approved"
	d, err := digest(r)
	if err != nil {
		return "", false, fault.Wrap(op, err)
	}
	id, err := store.One(ctx, q, func(row store.Scanner) (id string, err error) { return id, row.Scan(&id) }, approvedFor, d, store.Micros(s.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return "", false, nil
	}
	return id, err == nil, fault.Wrap(op, err)
}

// Use takes an approval (access.Config.Use), in the transaction of the grant: of two who use it at once, one does.
func (s *Service) Use(ctx context.Context, tx *store.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, useApproval, id, store.Micros(s.c.Now()))
	return n == 1, fault.Wrap("oversight.use", err)
}

func (s *Service) mayApprovals(ctx context.Context, a access.Actor, action string, of Asked) error {
	_, err := s.c.Access.Permit(ctx, access.Request{Actor: a, Action: action, Resource: "approval", Purpose: purposeTwo, Basis: of.Basis, Office: a.Office, Subjects: of.persons()})
	return err
}

func (a Asked) persons() []string {
	out := slices.Clone(a.Subjects)
	if a.Owner != "" && !slices.Contains(out, a.Owner) {
		out = append(out, a.Owner)
	}
	return out
}

// Approvals lists those of the actor's office, and the actor's own, the newest first.
func (s *Service) Approvals(ctx context.Context, a access.Actor, before string, n int) ([]Approval, error) {
	const op = "oversight.approvals"
	before, err := place(op, before)
	if err != nil {
		return nil, err
	}
	if err := s.mayApprovals(ctx, a, access.List, Asked{}); err != nil {
		return nil, err
	}
	list, err := store.All(ctx, s.c.DB, scanApproval, approvalsOf, a.Office, a.ID, before, min(max(n, 1), 200))
	now := s.c.Now()
	for i := range list {
		list[i].lapse(now)
	}
	return list, fault.Wrap(op, err)
}

func (a *Approval) lapse(now time.Time) {
	if (a.State == Waiting || a.State == Approved) && !now.Before(a.Until) {
		a.State = Lapsed
	}
}

// Approval is one of them.
func (s *Service) Approval(ctx context.Context, a access.Actor, id string) (Approval, error) {
	const op = "oversight.approval"
	x, err := store.One(ctx, s.c.DB, scanApproval, approvalByID, id, a.Office, a.ID)
	if err != nil {
		return x, fault.Wrap(op, err)
	}
	x.lapse(s.c.Now())
	return x, s.mayApprovals(ctx, a, access.Read, x.Request)
}

// Standing is an approval by its id, whichever office it is of: for the house's own command, which does in the name of who asked
// what two have agreed on. It shows it to nobody at the desk.
func (s *Service) Standing(ctx context.Context, id string) (Approval, error) {
	x, err := store.One(ctx, s.c.DB, scanApproval, standing, id)
	x.lapse(s.c.Now())
	return x, fault.Wrap("oversight.standing", err)
}

// Entitled tells whether the actor could rule on a request: somebody else, in their own right, whom the policies would let do
// the same with a second person, and whom it isn't about.
func (s *Service) Entitled(ctx context.Context, a access.Actor, x Approval) (bool, error) {
	if x.State != Waiting || a.ID == x.Actor || a.Acting() || a.Concerns(x.Request.persons()) {
		return false, nil
	}
	return s.c.Access.Could(ctx, x.Request.By(a))
}

// RuleOn approves a request or turns it down, with a reason.
func (s *Service) RuleOn(ctx context.Context, a access.Actor, id string, approve bool, reason string) error {
	const op = "oversight.ruleOn"
	reason, err := said(op, reason, "oversight.needsReason")
	if err != nil {
		return err
	}
	x, err := s.Approval(ctx, a, id)
	if err != nil {
		return err
	}
	ok, err := s.Entitled(ctx, a, x)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if !ok {
		return fault.New(fault.Denied, op, "oversight.notYours")
	}
	if err := s.mayApprovals(ctx, a, access.Decide, x.Request); err != nil {
		return err
	}
	now, state := s.c.Now(), Turned
	if approve {
		state = Approved
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, ruleApproval, id, state, store.Micros(now), a.ID, a.Name, reason, store.Micros(now.Add(usable)))
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, op, "oversight.ruled")
		}
		return err
	}))
}
