// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/lang/form"
)

// A service may let people begin before they sign in (start = "anonymous"). Such a draft belongs to a browser, by a token that
// only its cookie has; the database knows a hash. It has no data notice, no registers and no files, and can't be handed over: that
// comes with the person, at whose sign-in it becomes theirs, once, and nobody's else. A life event whose services allow it is begun
// in the same way, and becomes theirs as a whole; what of it needs a signed-in person is chosen before and filled in after.

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
	origin, err := in.mayBegin(ctx, op, network)
	if err != nil {
		return Draft{}, err
	}
	return in.begin(ctx, a, s, origin, nil)
}

// StartEventGuest begins a life event in a browser whose person hasn't signed in, or gives the one begun. Its drafts come with what is
// chosen: they aren't refused for the bound, which keeps the next from beginning.
func (in *Intake) StartEventGuest(ctx context.Context, a access.Actor, event, network string) (Bundle, error) {
	const op = "intake.startEventGuest"
	e, ok := in.c.Services.Event(event)
	if !ok || a.Kind != Guest || !e.Anonymous(in.c.Services.Current) {
		return Bundle{}, fault.New(fault.NotFound, op, "")
	}
	origin, err := in.mayBegin(ctx, op, network)
	if err != nil {
		return Bundle{}, err
	}
	return in.startEvent(ctx, op, a, e, origin)
}

// mayBegin gives the origin of what is begun without signing in, unless too much is.
func (in *Intake) mayBegin(ctx context.Context, op, network string) (origin string, err error) {
	if origin, err = in.origin(network); err != nil {
		return "", fault.Wrap(op, err)
	}
	full, err := in.full(ctx, guestDrafts, origin, maxGuestOf, maxGuests)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	if full {
		return "", fault.New(fault.TooMany, op, "intake.guest.full")
	}
	return origin, nil
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
		if e, err := in.EventOf(ctx, tx, d); err != nil || e != nil {
			return cmp.Or(err, error(fault.New(fault.Conflict, op, "intake.bundle.together")))
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
			if mine, err = in.claimDraft(ctx, tx, a, d, ""); err != nil {
				return err
			}
		} else {
			// Both as the form in force has them.
			if err := errors.Join(in.migrate(ctx, &d), in.migrate(ctx, &mine)); err != nil {
				return err
			}
			if err := in.takeDraft(ctx, tx, &mine, d); err != nil {
				return err
			}
		}
		done, err := in.save(ctx, tx, mine, now)
		if err == nil && !done {
			err = fault.New(fault.Conflict, op, "intake.busy")
		}
		if err != nil {
			return err
		}
		claimed = mine.ID
		return in.dropKey(ctx, tx, guest.ID)
	})
	if err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	return in.Draft(ctx, a, claimed)
}

// claimDraft makes a browser's draft a person's, in a bundle of theirs or "".
func (in *Intake) claimDraft(ctx context.Context, tx *store.Tx, a access.Actor, d Draft, bundle string) (Draft, error) {
	n, err := tx.Exec(ctx, claimDraft, d.ID, d.Owner, d.rev, a.ID, bundle)
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "intake.claimDraft", "intake.noDraft")
	}
	d.Owner, d.Bundle = a.ID, bundle
	d.rev++
	return d, err
}

// takeDraft puts a browser's draft into one of a person's.
func (in *Intake) takeDraft(ctx context.Context, tx *store.Tx, mine *Draft, d Draft) error {
	n, err := tx.Exec(ctx, takeDraft, d.ID, d.Owner, d.rev)
	if err == nil && n == 0 {
		err = fault.New(fault.NotFound, "intake.takeDraft", "intake.noDraft")
	}
	if err != nil {
		return err
	}
	s, err := in.Service(*mine)
	if err == nil {
		join(s.Form, mine, d)
	}
	return err
}

// dropKey destroys the key of a browser that has no draft any more: what it had is sealed under the person's.
func (in *Intake) dropKey(ctx context.Context, tx *store.Tx, guest string) error {
	left, err := store.All(ctx, tx, scanDraft, draftsOfOwner, guest)
	if err == nil && len(left) == 0 {
		_, err = in.c.Vault.Destroy(ctx, tx, keyOf(guest))
	}
	return err
}

// ClaimBundle makes a browser's life event the person's own, with all its drafts and what was chosen, once. Where they have begun it
// already, both become one: a service wanted in either is wanted, and drafts of one service are joined as Claim does.
func (in *Intake) ClaimBundle(ctx context.Context, a, guest access.Actor, id string) (Bundle, error) {
	const op = "intake.claimBundle"
	if err := needSelf(op, a); err != nil {
		return Bundle{}, err
	}
	if guest.Kind != Guest || !ident.Valid(id) {
		return Bundle{}, fault.New(fault.NotFound, op, "intake.noDraft")
	}
	for range 8 {
		b, err := in.claimBundle(ctx, a, guest, id)
		if err == nil {
			return in.bundle(ctx, a, b.ID)
		}
		if !errors.Is(err, errMeanwhile) {
			return Bundle{}, fault.Wrap(op, err)
		}
	}
	return Bundle{}, fault.New(fault.Conflict, op, "intake.busy")
}

func (in *Intake) claimBundle(ctx context.Context, a, guest access.Actor, id string) (mine Bundle, err error) {
	const op = "intake.claimBundle"
	err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
		b, err := store.One(ctx, tx, scanBundle, readBundle, id, guest.ID, store.Micros(in.c.Now()), "")
		if fault.Is(err, fault.NotFound) {
			return fault.Because(fault.NotFound, op, "intake.noDraft", err)
		}
		if err != nil {
			return err
		}
		e, ok := in.c.Services.Event(b.Event)
		if !ok {
			return fault.New(fault.NotFound, op, "intake.bundle.gone")
		}
		theirs, err := in.draftsOf(ctx, tx, b.ID, guest.ID)
		if err != nil {
			return err
		}
		if mine, err = in.takeBundle(ctx, tx, a, b); err != nil {
			return err
		}
		own, err := in.draftsOf(ctx, tx, mine.ID, a.ID)
		if err != nil {
			return err
		}
		// First those that the browser has brought: its answers are the newer ones. Those that rest have no say.
		var drafts, resting []Draft
		changed := map[int]bool{}
		for _, d := range theirs {
			at := slices.IndexFunc(own, func(o Draft) bool { return o.Service == d.Service && o.State == Open })
			if at < 0 {
				d, err = in.claimDraft(ctx, tx, a, d, mine.ID)
			} else {
				older := own[at]
				own = slices.Delete(own, at, at+1)
				err = in.takeDraft(ctx, tx, &older, d)
				d = older
			}
			if err != nil {
				return err
			}
			if mine.rests(e, d) {
				resting = append(resting, d)
				continue
			}
			changed[len(drafts)] = true
			drafts = append(drafts, d)
		}
		drafts = append(drafts, slices.DeleteFunc(own, func(d Draft) bool {
			return d.State != Open || mine.rests(e, d)
		})...)
		if err := in.align(ctx, tx, e, drafts, func(j int, field string, was any) {
			if changed[j] = true; was != nil { // the person decides where it is asked
				drafts[j].Rivals = maps.Clone(drafts[j].Rivals)
				if drafts[j].Rivals == nil {
					drafts[j].Rivals = map[string]Rival{}
				}
				drafts[j].Rivals[field] = Rival{Value: was}
			}
		}); err != nil {
			return err
		}
		for _, d := range resting { // under the person's key now
			changed[len(drafts)] = true
			drafts = append(drafts, d)
		}
		if err := in.saveAll(ctx, tx, drafts, changed); err != nil {
			return err
		}
		return in.dropKey(ctx, tx, guest.ID)
	})
	return mine, err
}

// takeBundle makes a browser's bundle a person's, or puts what was chosen in it into the one that they have, which is held.
func (in *Intake) takeBundle(ctx context.Context, tx *store.Tx, a access.Actor, b Bundle) (Bundle, error) {
	guest := b.Owner
	if _, err := tx.Exec(ctx, expireBundle, a.ID, b.Event, "", store.Micros(in.c.Now())); err != nil {
		return b, err
	}
	mine, err := store.One(ctx, tx, scanBundle, openBundle, a.ID, b.Event, "")
	statement, args := takeBundle, []any{b.ID, guest, b.rev}
	if fault.Is(err, fault.NotFound) {
		mine, err = b, nil
		mine.Owner = a.ID
		statement, args = claimBundle, append(args, a.ID)
	}
	if err != nil {
		return mine, err
	}
	n, err := tx.Exec(ctx, statement, args...)
	if err == nil && n == 0 {
		err = errMeanwhile
	}
	if err == nil {
		err = in.hold(ctx, tx, Draft{Bundle: mine.ID, Owner: a.ID})
	}
	if err != nil || mine.ID == b.ID {
		return mine, err
	}
	// It is held: nobody else chooses now, and it is read as it is.
	if mine, err = store.One(ctx, tx, scanBundle, openBundle, a.ID, b.Event, ""); err != nil {
		return mine, err
	}
	choices := maps.Clone(b.Choices)
	if choices == nil {
		choices = map[string]bool{}
	}
	for id, yes := range mine.Choices {
		choices[id] = choices[id] || yes
	}
	text, err := encode(choices)
	if err != nil {
		return mine, err
	}
	if n, err = tx.Exec(ctx, chooseBundle, mine.ID, a.ID, mine.rev, text); err == nil && n == 0 {
		err = errMeanwhile
	}
	mine.Choices = choices
	return mine, err
}

// join puts a newer draft of the same service into an older one: its answers count, what differs stands beside them.
func join(f *form.Form, older *Draft, newer Draft) {
	if older.Raw == nil {
		older.Raw = map[string]string{}
	}
	older.Answers, _ = joined(f, older, newer, "", map[string]any(older.Answers), map[string]any(newer.Answers), false).(map[string]any)
	maps.Copy(older.Raw, newer.Raw)
	older.Sent = append(older.Sent, newer.Sent...)
	slices.Sort(older.Sent)
	older.Sent = slices.Compact(older.Sent)
	if older.Kept == nil {
		older.Kept = map[string]form.Held{}
	}
	maps.Copy(older.Kept, newer.Kept)
}

// joined is what two drafts say under a name, the older one was and the newer one is. Groups are joined field by field, lists row by
// row: whether a row is about the same in both nobody knows, so what only the older one says there isn't taken for the newer one's.
func joined(f *form.Form, older *Draft, newer Draft, name string, was, is any, inRow bool) any {
	below := func(part string) string { return strings.TrimPrefix(name+"."+part, ".") }
	if fd := f.Field(name); fd == nil || !fd.Input() {
		o, group := was.(map[string]any)
		n, too := is.(map[string]any)
		if group || too {
			out := map[string]any{}
			for _, m := range [...]map[string]any{o, n} {
				for key := range m {
					if _, there := out[key]; there {
						continue
					}
					if v := joined(f, older, newer, below(key), o[key], n[key], inRow); v != nil {
						out[key] = v
					}
				}
			}
			return out
		}
		rows, list := was.([]any)
		newRows, too := is.([]any)
		if list || too {
			out := make([]any, max(len(rows), len(newRows)))
			for i := range out {
				var o, n any
				if i < len(rows) {
					o = rows[i]
				}
				if i < len(newRows) {
					n = newRows[i]
				}
				out[i] = joined(f, older, newer, below(strconv.Itoa(i)), o, n, inRow || n != nil)
			}
			return out
		}
	}
	if is == nil && newer.Raw[name] == "" && (!inRow || len(Files(was)) > 0) { // who isn't signed in sends no files
		return was
	}
	if raw := older.Raw[name]; (was != nil || raw != "") && markOf(was, raw) != markOf(is, newer.Raw[name]) {
		if older.Rivals == nil {
			older.Rivals = map[string]Rival{}
		}
		older.Rivals[name] = Rival{Value: was, Raw: raw}
	}
	delete(older.Raw, name)
	delete(older.Filled, name)
	return is
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
