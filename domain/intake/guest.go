// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/form"
)

// A service may let people begin before they sign in (start = "anonymous"). Such a draft belongs to a browser, by a token that
// only its cookie has; the database knows a hash. It has no data notice, no registers and no files, and can't be handed over: that
// comes with the person, at whose sign-in it becomes theirs, once, and nobody's else.

// Guest is the kind of an actor who hasn't signed in. No policy knows it, so a guest is granted nothing: all there is for them is
// the drafts of their browser.
const Guest access.Kind = "guest"

// NewGuest gives a browser its token.
func NewGuest() string { return ident.Secret(tokenBytes) }

const (
	tokenBytes = 32
	tokenChars = 43
)

// GuestOf is who has begun in the browser with this token; false if it's none.
func GuestOf(token string) (access.Actor, bool) {
	if len(token) != tokenChars {
		return access.Actor{}, false
	}
	return access.Actor{Kind: Guest, ID: string(Guest) + ":" + hashOf("guest", token), Door: access.DoorPortal}, true
}

// hashOf is a token as the database has it, for one use.
func hashOf(use, token string) string {
	sum := sha256.Sum256([]byte(use + "/" + token))
	return hex.EncodeToString(sum[:])
}

// Bounds of what is kept for people who aren't signed in: of one network, and in all.
const (
	maxGuestOf, maxGuests = 40, 20_000
	maxParkedOf           = 40
	maxParkedAll          = 5_000
	maxParked             = 256 << 10 // bytes of a page
)

// keepParked is enough to sign in, with a step-up, and not for a walk.
const keepParked = 30 * time.Minute

// origin is a network as it is stored, so that it can be counted and not read.
func (in *Intake) origin(network string) (string, error) {
	return in.c.Vault.Blind("intake/origin", network)
}

// StartGuest begins a draft of a service in a browser whose person hasn't signed in, or gives the one begun.
func (in *Intake) StartGuest(ctx context.Context, a access.Actor, serviceID, network string) (Draft, error) {
	const op = "intake.startGuest"
	s, ok := in.c.Services.Current(serviceID)
	if !ok || s.Internal || !s.Anonymous || a.Kind != Guest {
		return Draft{}, fault.New(fault.NotFound, op, "")
	}
	origin, err := in.origin(network)
	if err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	full, err := in.full(ctx, guestDrafts, origin, maxGuestOf, maxGuests)
	if err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	if full {
		return Draft{}, fault.New(fault.TooMany, op, "intake.guest.full")
	}
	return in.begin(ctx, a, s, origin, nil)
}

// full tells whether a network, or all together, have reached their bound.
func (in *Intake) full(ctx context.Context, statement, origin string, of, all int) (bool, error) {
	n, err := store.One(ctx, in.c.DB, func(s store.Scanner) (n [2]int, err error) { return n, s.Scan(&n[0], &n[1]) }, statement, origin, store.Micros(in.c.Now()))
	return n[0] >= of || n[1] >= all, err
}

// Claim makes a browser's draft the person's own, once: whoever comes second doesn't find it. Where they have a draft of the
// service already, both become one; what was answered differently in it stands beside the newer answer until they decide.
func (in *Intake) Claim(ctx context.Context, a, guest access.Actor, id string) (Draft, error) {
	const op = "intake.claim"
	if err := needSelf(op, a); err != nil {
		return Draft{}, err
	}
	if guest.Kind != Guest {
		return Draft{}, fault.New(fault.NotFound, op, "intake.noDraft")
	}
	claimed := ""
	err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
		d, err := in.oneDraft(ctx, tx, readDraft, id, guest.ID, store.Micros(in.c.Now()), "")
		if err != nil {
			return err
		}
		now := in.c.Now()
		if _, err := tx.Exec(ctx, expireOne, a.ID, d.Service, store.Micros(now), ""); err != nil {
			return err
		}
		mine, err := in.oneDraft(ctx, tx, openDraft, a.ID, d.Service, "")
		if errors.Is(err, errErased) {
			_, err = tx.Exec(ctx, dropErased, a.ID, d.Service, "")
			mine = Draft{}
		} else if fault.Is(err, fault.NotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		if mine.ID == "" {
			n, err := tx.Exec(ctx, claimDraft, d.ID, guest.ID, d.rev, a.ID)
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.New(fault.NotFound, op, "intake.noDraft")
			}
			d.Owner = a.ID
			d.rev++
			mine = d
		} else {
			n, err := tx.Exec(ctx, takeDraft, d.ID, guest.ID, d.rev)
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.New(fault.NotFound, op, "intake.noDraft")
			}
			// Both as the form in force has them.
			if err := errors.Join(in.migrate(ctx, &d), in.migrate(ctx, &mine)); err != nil {
				return err
			}
			join(&mine, d)
		}
		done, err := in.save(ctx, tx, mine, now)
		if err == nil && !done {
			err = fault.New(fault.Conflict, op, "intake.busy")
		}
		if err != nil {
			return err
		}
		claimed = mine.ID
		// The last draft of the browser takes its key along: it is sealed under the person's now.
		left, err := store.All(ctx, tx, scanDraft, draftsOfOwner, guest.ID)
		if err == nil && len(left) == 0 {
			_, err = in.c.Vault.Destroy(ctx, tx, keyOf(guest.ID))
		}
		return err
	})
	if err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	return in.Draft(ctx, a, claimed)
}

// join puts a newer draft of the same service into an older one: its answers count, what differs stands beside them. Groups and
// lists are taken as a whole.
func join(older *Draft, newer Draft) {
	if older.Answers == nil {
		older.Answers = form.Answers{}
	}
	if older.Raw == nil {
		older.Raw = map[string]string{}
	}
	for name, v := range newer.Answers {
		was, there := older.Answers[name]
		if there && markOf(was, "") != markOf(v, "") {
			if older.Rivals == nil {
				older.Rivals = map[string]Rival{}
			}
			older.Rivals[name] = Rival{Value: was}
		}
		older.Answers[name] = v
		delete(older.Raw, name)
	}
	maps.Copy(older.Raw, newer.Raw)
	older.Sent = append(older.Sent, newer.Sent...)
	slices.Sort(older.Sent)
	older.Sent = slices.Compact(older.Sent)
	if older.Kept == nil {
		older.Kept = map[string]form.Held{}
	}
	maps.Copy(older.Kept, newer.Kept)
}

// Parked is a page that was sent when its session had ended.
type Parked struct {
	Draft string     `json:"draft"`
	Page  string     `json:"page"`
	Post  url.Values `json:"post"`
	Files bool       `json:"files"` // files were sent, too, which aren't kept
}

// Park keeps a page for its browser, for half an hour, and gives the token for the cookie: what is kept opens with it and with
// nothing that the house has. Whoever isn't signed in can have a bounded number kept; then it is fault.TooMany.
func (in *Intake) Park(ctx context.Context, p Parked, network string) (token string, err error) {
	const op = "intake.park"
	plain, err := json.Marshal(p)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if len(plain) > maxParked {
		return "", fault.New(fault.TooLarge, op, "")
	}
	origin, err := in.origin(network)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	full, err := in.full(ctx, parkedPages, origin, maxParkedOf, maxParkedAll)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if full {
		return "", fault.New(fault.TooMany, op, "")
	}
	token = ident.Secret(tokenBytes)
	aead, err := ident.Cipher(token, parkedUse)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	return token, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, insertParked, hashOf("parked", token), origin, aead.Seal(nil, nil, plain, nil), store.Micros(in.c.Now().Add(keepParked)))
		return err
	}))
}

// parkedUse: a page is sealed under the browser's token, which the database doesn't have.
const parkedUse = "mercator parked page"

// Unpark puts the page that is kept for a browser into the draft it was sent for, if that is the draft and it is the actor's, as
// Save does. It tells whether there was one.
func (in *Intake) Unpark(ctx context.Context, a access.Actor, token, draft, lang string) (p Parked, ok bool, err error) {
	const op = "intake.unpark"
	if len(token) != tokenChars {
		return p, false, nil
	}
	id := hashOf("parked", token)
	sealed, err := store.One(ctx, in.c.DB, func(s store.Scanner) (b []byte, err error) { return b, s.Scan(&b) }, readParked, id, store.Micros(in.c.Now()))
	if fault.Is(err, fault.NotFound) {
		return p, false, nil
	}
	if err != nil {
		return p, false, fault.Wrap(op, err)
	}
	aead, err := ident.Cipher(token, parkedUse)
	if err != nil {
		return p, false, fault.Wrap(op, err)
	}
	plain, err := aead.Open(nil, nil, sealed, nil)
	if err != nil {
		return p, false, fault.Internalf(op, "a parked page doesn't open: it was changed")
	}
	if err := json.Unmarshal(plain, &p); err != nil {
		return p, false, fault.Wrap(op, err)
	}
	if p.Draft != draft {
		return Parked{}, false, nil
	}
	if _, err := in.Save(ctx, a, draft, p.Page, p.Post, lang); err != nil && !fault.Is(err, fault.Invalid) {
		return p, false, err
	}
	return p, true, fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, dropParked, id)
		return err
	}))
}
