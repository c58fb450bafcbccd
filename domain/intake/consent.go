// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"reflect"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"
)

// Consent is what a person has agreed to: that an office reads registers for one
// application of theirs.
type Consent struct {
	ID, Owner, Service, Version string
	Draft, CaseID               string // CaseID: once submitted
	Uses                        []Use  // as the notice said then; of before consents were kept: none
	GivenAt, WithdrawnAt        time.Time
	Mandate, By                 string // under which somebody gave it in the owner's name, and who; empty: the owner
}

// Withdrawn reports that it doesn't hold any more.
func (c Consent) Withdrawn() bool { return !c.WithdrawnAt.IsZero() }

// Use is a register that a consent is about.
type Use struct {
	Register string   `json:"register"`
	Fields   []string `json:"fields"`
	Basis    string   `json:"basis"`
}

func usesOf(s *service.Service) []Use {
	out := make([]Use, 0, len(s.Data))
	for _, d := range s.Data {
		out = append(out, Use{d.Register, d.Fields, d.Basis})
	}
	return out
}

// keepConsents is how long a consent is provable after it has ended (Art. 7 (1) GDPR);
// claims from it lapse within three years (§ 195 BGB).
const keepConsents = 3 * 366 * 24 * time.Hour

// give puts a consent on record, in the place of the one before. It's the owner's, whoever gave it: what a delegate
// declares within their mandate works for and against the person (§ 164 (1) BGB), who takes it back like any other.
func (in *Intake) give(ctx context.Context, tx *store.Tx, a access.Actor, d Draft, s *service.Service, yes bool) error {
	now := store.Micros(in.c.Now())
	if _, err := tx.Exec(ctx, withdrawOfDraft, d.ID, d.Owner, now); err != nil || !yes {
		return err
	}
	uses, err := encode(usesOf(s))
	if err != nil {
		return err
	}
	by := ""
	if a.Acting() {
		by = a.Name
	}
	_, err = tx.Exec(ctx, insertConsent, ident.New(), d.Owner, d.Service, s.Version, d.ID, uses, now, a.Mandate, by)
	return err
}

// Consents lists what a person has consented to, the newest first; before is the last of
// the page before.
func (in *Intake) Consents(ctx context.Context, a access.Actor, before string, n int) ([]Consent, error) {
	const op = "intake.consents"
	if err := needSelf(op, a); err != nil {
		return nil, err
	}
	if !ident.Valid(before) {
		before = "g" // behind every id
	}
	list, err := store.All(ctx, in.c.DB, scanConsent, listConsents, a.ID, before, min(max(n, 1), 200))
	return list, fault.Wrap(op, err)
}

// Withdraw takes a consent back, for the future (Art. 7 (3) GDPR): what a draft has
// fetched is forgotten, and neither it nor its case reads again. What was done before
// stays lawful. Taking it back twice does nothing more.
func (in *Intake) Withdraw(ctx context.Context, a access.Actor, id string) error {
	const op = "intake.withdraw"
	if err := needSelf(op, a); err != nil {
		return err
	}
	if !ident.Valid(id) {
		return fault.New(fault.NotFound, op, "intake.noConsent")
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		c, err := store.One(ctx, tx, scanConsent, readConsent, id, a.ID)
		if fault.Is(err, fault.NotFound) {
			return fault.Because(fault.NotFound, op, "intake.noConsent", err)
		}
		if err != nil || c.Withdrawn() {
			return err
		}
		n, err := tx.Exec(ctx, withdrawConsent, id, a.ID, store.Micros(in.c.Now()))
		if err != nil || n == 0 {
			return err
		}
		if err := in.forgetFetched(ctx, tx, c); err != nil {
			return err
		}
		if c.CaseID != "" && in.c.Withdrawn != nil {
			return in.c.Withdrawn(ctx, tx, c)
		}
		return nil
	}))
}

// forgetFetched takes what was fetched out of the draft that a consent was given for; answers that the person gave stay.
func (in *Intake) forgetFetched(ctx context.Context, tx *store.Tx, c Consent) error {
	d, err := in.oneDraft(ctx, tx, draftOfConsent, c.Draft, c.Owner)
	if fault.Is(err, fault.NotFound) { // submitted or gone
		return nil
	}
	if err != nil {
		return err
	}
	if err := in.hold(ctx, tx, d); err != nil {
		return err
	}
	d.Consent, d.Registers, d.FetchedAt = No, nil, time.Time{}
	done, err := in.save(ctx, tx, d, in.c.Now())
	if err == nil && !done { // saved on another device at this moment
		err = fault.New(fault.Conflict, "intake.forgetFetched", "intake.busy")
	}
	return err
}

// Consented reports whether a case may still read registers by the consent that it was
// submitted with: whoever reads for a case on that basis asks first.
func (in *Intake) Consented(ctx context.Context, q store.Q, caseID, person string) (bool, error) {
	_, err := store.One(ctx, q, scanConsent, consentOfCase, caseID, person)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, fault.Wrap("intake.consented", err)
}

// Spare is what the counter keeps about a person without needing it: drafts that were
// never handed over, and consents that have ended. The draft of the asking service isn't
// one: it is being handed over.
func (in *Intake) Spare(ctx context.Context, q store.Q, person, asking string) (drafts, consents int, err error) {
	const op = "intake.spare"
	list, err := store.All(ctx, q, scanDraft, listDrafts, person, store.Micros(in.c.Now()), "") // under whatever mandate
	if err != nil {
		return 0, 0, fault.Wrap(op, err)
	}
	n, err := store.One(ctx, q, func(s store.Scanner) (n int, err error) { return n, s.Scan(&n) }, countWithdrawn, person)
	for _, d := range list {
		if d.Service != asking {
			drafts++
		}
	}
	return drafts, n, fault.Wrap(op, err)
}

// EraseDrafts erases a person's drafts, EraseConsents the consents of theirs that have
// ended (Art. 17 (1) a and b GDPR). They tell how many are gone.
func (in *Intake) EraseDrafts(ctx context.Context, tx *store.Tx, person, asking string) (int64, error) {
	const op = "intake.eraseDrafts"
	gone, err := store.All(ctx, tx, scanText, dropDrafts, person, asking)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	for _, draft := range gone {
		if err := in.eraseFiles(ctx, tx, draft); err != nil {
			return 0, fault.Wrap(op, err)
		}
	}
	if _, err = tx.Exec(ctx, dropBundles, person); err != nil {
		return 0, fault.Wrap(op, err)
	}
	if _, err = tx.Exec(ctx, endConsents, store.Micros(in.c.Now())); err != nil {
		return 0, fault.Wrap(op, err)
	}
	// The key goes, so that copies of the database can't be read there either; what stays is sealed under a new one.
	stay, err := in.allDrafts(ctx, tx, draftsOfOwner, person)
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	if _, err := in.c.Vault.Destroy(ctx, tx, keyOf(person)); err != nil {
		return 0, fault.Wrap(op, err)
	}
	for _, d := range stay {
		sealed, err := in.seal(ctx, tx, d)
		if err != nil {
			return 0, fault.Wrap(op, err)
		}
		if _, err := tx.Exec(ctx, resealDraft, d.ID, d.Owner, sealed); err != nil {
			return 0, fault.Wrap(op, err)
		}
	}
	return int64(len(gone)), nil
}

// EraseConsents is described at EraseDrafts.
func (in *Intake) EraseConsents(ctx context.Context, tx *store.Tx, person string) (int64, error) {
	n, err := tx.Exec(ctx, dropWithdrawn, person)
	return n, fault.Wrap("intake.eraseConsents", err)
}

// StartAbout begins an application of a service that is about something which the person
// was shown (service.Service.About), or goes on with the one that is about the same. What
// it is about comes from the house, not from the person, and they can't change it: forms
// and processes read it as registers.about.
func (in *Intake) StartAbout(ctx context.Context, a access.Actor, serviceID string, about map[string]any) (Draft, error) {
	const op = "intake.startAbout"
	s, ok := in.c.Services.Current(serviceID)
	if !ok || s.Internal || s.About == "" || len(about) == 0 {
		return Draft{}, fault.New(fault.NotFound, op, "")
	}
	text, err := encode(map[string]any{"about": about})
	if err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	d, err := in.open(ctx, a, s, func(tx *store.Tx, d Draft) error {
		if was, err := encode(d.Registers); err != nil || sameJSON(was, text) {
			return err
		}
		if err := decodeJSON(text, &d.Registers); err != nil {
			return err
		}
		d.Answers, d.Raw, d.Rivals, d.Version = form.Answers{}, map[string]string{}, nil, s.Version
		d.Filled, d.Sent, d.Since, d.Kept, d.gone = nil, nil, "", nil, rowsGone{}
		done, err := in.save(ctx, tx, d, in.c.Now())
		if err == nil && !done {
			err = fault.New(fault.Conflict, op, "intake.busy")
		}
		return err
	})
	return d, fault.Wrap(op, err)
}

func sameJSON(a, b string) bool {
	var x, y any
	return decodeJSON(a, &x) == nil && decodeJSON(b, &y) == nil && reflect.DeepEqual(x, y)
}

// officeOf is the office of a case: what it is about may be another's than the service's.
func officeOf(s *service.Service, registers map[string]any) string {
	if s.About != "" {
		about, _ := registers["about"].(map[string]any)
		if office, _ := about["office"].(string); office != "" {
			return office
		}
	}
	return s.Office
}
