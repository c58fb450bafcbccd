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
	"mercator/domain/service"
	"mercator/lang/form"
)

// A service may let people begin before they sign in (start = "anonymous"). Such a draft belongs to a browser, by a token that
// only its cookie has; the database knows a hash. It has no data notice and no registers, few and small files, and can't be handed
// over: that comes with the person, at whose sign-in it becomes theirs, once, and nobody's else. A life event whose services allow it
// is begun in the same way, and becomes theirs as a whole; what of it needs a signed-in person is chosen before and filled in after.

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

// GuestFiles bounds the files of people who aren't signed in, as long as they aren't. 0: what is said there.
type GuestFiles struct {
	File    int64 // bytes of one; 6 MB
	Files   int   // of a browser; 10
	Browser int64 // bytes of a browser; 20 MB
	Network int64 // bytes of one network; 100 MB
	All     int64 // bytes of all together; 2 GB
}

func (g GuestFiles) withDefaults() GuestFiles {
	g.File, g.Files, g.Browser = min(cmp.Or(g.File, 6e6), MaxFile), cmp.Or(g.Files, 10), cmp.Or(g.Browser, 20e6)
	g.Network, g.All = cmp.Or(g.Network, 100e6), cmp.Or(g.All, 2e9)
	return g
}

const (
	maxGuestFiles = 5_000         // of all together, however small
	receiveGuest  = 2 * time.Hour // how long an upload of a guest that broke off can be gone on with: what is announced counts
	guestLooks    = 1             // files of guests that are looked at at one time: a place is left for who has signed in
)

// GuestFiles are the bounds that hold.
func (in *Intake) GuestFiles() GuestFiles { return in.c.GuestFiles }

// maxFile is how large a file of somebody may be.
func (in *Intake) maxFile(a access.Actor) int64 {
	if a.Kind == Guest {
		return in.c.GuestFiles.File
	}
	return MaxFile
}

// boundGuest refuses a file that was just announced in a browser's draft, if with it there are too many.
func (in *Intake) boundGuest(ctx context.Context, tx *store.Tx, d Draft) error {
	const op = "intake.boundGuest"
	g := in.c.GuestFiles
	var mine, all int
	var sizeMine, sizeNetwork, sizeAll int64
	if err := tx.QueryRow(ctx, countGuestUploads, d.Owner, d.ID).Scan(&mine, &all, &sizeMine, &sizeNetwork, &sizeAll); err != nil {
		return err
	}
	switch {
	case mine > g.Files, sizeMine > g.Browser:
		return fault.New(fault.Invalid, op, "intake.guest.filesFull", "files", g.Files, "max", g.Browser/1_000_000)
	case sizeNetwork > g.Network, sizeAll > g.All, all > maxGuestFiles:
		return fault.New(fault.Invalid, op, "intake.guest.filesClosed")
	}
	return nil
}

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
	claimed, err := anew(op, func() (string, error) { return in.claim(ctx, a, guest, id) })
	if err != nil {
		return Draft{}, err
	}
	return in.claimed(ctx, a, claimed)
}

func (in *Intake) claim(ctx context.Context, a, guest access.Actor, id string) (claimed string, err error) {
	const op = "intake.claim"
	err = in.c.DB.Write(ctx, func(tx *store.Tx) error {
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
			err = errMeanwhile
		}
		if err != nil {
			return err
		}
		claimed = mine.ID
		return in.dropKey(ctx, tx, guest.ID)
	})
	return claimed, err
}

// claimed is a draft that was a browser's, as it is its owner's now. What has come whole of its files and wasn't taken, because it became
// theirs while the file was looked at, is taken for them.
func (in *Intake) claimed(ctx context.Context, a access.Actor, id string) (Draft, error) {
	if err := in.clearUploads(ctx); err != nil { // that both had
		return Draft{}, err
	}
	d, err := in.Draft(ctx, a, id)
	if err != nil {
		return d, err
	}
	list, err := in.Uploads(ctx, a, d)
	if err != nil {
		return d, err
	}
	again := false
	for _, u := range list {
		if u.Whole() || u.Received < u.Size {
			continue
		}
		again = true
		if _, err := in.ReadUpload(ctx, a, id, u.ID); err != nil { // it is the person's either way, and shown as what has come of it
			in.c.Log.Warn("a file that has come isn't taken at the sign-in", "upload", u.ID, "err", err)
		}
	}
	if again {
		return in.Draft(ctx, a, id)
	}
	return d, nil
}

// claimDraft makes a browser's draft a person's, in a bundle of theirs or "".
func (in *Intake) claimDraft(ctx context.Context, tx *store.Tx, a access.Actor, d Draft, bundle string) (Draft, error) {
	n, err := tx.Exec(ctx, claimDraft, d.ID, d.Owner, d.rev, a.ID, bundle)
	if err == nil && n == 0 {
		err = errMeanwhile
	}
	if err != nil {
		return d, err
	}
	d.Owner, d.Bundle = a.ID, bundle
	d.rev++
	return d, in.claimUploads(ctx, tx, d, d.ID)
}

// claimUploads puts the files of a draft into another, or leaves them there: what is still coming has the time of a person's.
func (in *Intake) claimUploads(ctx context.Context, tx *store.Tx, d Draft, to string) error {
	_, err := tx.Exec(ctx, claimUploads, d.Owner, d.ID, to, store.Micros(in.c.Now().Add(receiveFor)))
	return err
}

// takeDraft puts a browser's draft into one of a person's, with its files; one that both have stays once.
func (in *Intake) takeDraft(ctx context.Context, tx *store.Tx, mine *Draft, d Draft) error {
	// Held before its files move: one that is being announced comes along, or finds no draft.
	n, err := tx.Exec(ctx, holdDraft, d.ID, d.Owner, d.rev)
	if err == nil && n == 0 {
		err = errMeanwhile
	}
	if err != nil {
		return err
	}
	now := store.Micros(in.c.Now())
	had, err := store.All(ctx, tx, scanUpload, uploadsOfDraft, mine.Owner, mine.ID, now)
	if err != nil {
		return err
	}
	brought, err := store.All(ctx, tx, scanUpload, uploadsOfDraft, d.Owner, d.ID, now)
	if err != nil {
		return err
	}
	if err := in.claimUploads(ctx, tx, d, mine.ID); err != nil {
		return err
	}
	for _, u := range brought {
		if !u.Whole() || !slices.ContainsFunc(had, func(o Upload) bool { return o.Whole() && o.Field == u.Field && o.Hash == u.Hash }) {
			continue
		}
		if _, err := tx.Exec(ctx, dropFromDraft, mine.Owner, u.ID, mine.ID); err != nil {
			return err
		}
	}
	if n, err = tx.Exec(ctx, takeDraft, d.ID, d.Owner, d.rev); err == nil && n == 0 {
		err = errMeanwhile
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
	b, err := anew(op, func() (Bundle, error) { return in.claimBundle(ctx, a, guest, id) })
	if err != nil {
		return Bundle{}, err
	}
	return in.claimedBundle(ctx, a, b.ID)
}

// claimedBundle is claimed for all of a life event.
func (in *Intake) claimedBundle(ctx context.Context, a access.Actor, id string) (Bundle, error) {
	list, err := store.All(ctx, in.c.DB, scanDraft, bundleDrafts, id, a.ID)
	for _, d := range list {
		if err == nil && d.State == Open {
			_, err = in.claimed(ctx, a, d.ID)
		}
	}
	if err != nil {
		return Bundle{}, err
	}
	return in.bundle(ctx, a, id)
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
		if err := in.gather(ctx, tx, e, drafts, changed); err != nil {
			return err
		}
		if err := in.align(ctx, tx, e, drafts, func(j int, field string, was any) {
			if changed[j] = true; was != nil && len(Files(was)) == 0 { // the person decides where it is asked
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

// gather puts the files that several drafts have at one question into the first that has any, before that counts for all.
func (in *Intake) gather(ctx context.Context, tx *store.Tx, e *service.Event, drafts []Draft, changed map[int]bool) error {
	for _, g := range e.Shared(in.c.Services.Current) {
		first, as := -1, ""
		for j, d := range drafts {
			i := slices.IndexFunc(g.Questions, func(q service.Question) bool { return q.Service == d.Service })
			if i < 0 || len(Files(d.Answers[g.Questions[i].Field])) == 0 {
				continue
			}
			if first < 0 {
				first, as = j, g.Questions[i].Field
				continue
			}
			to := &drafts[first]
			list, _ := to.Answers[as].([]any)
			for _, f := range Files(d.Answers[g.Questions[i].Field]) {
				if slices.ContainsFunc(Files(list), func(o FileRef) bool { return o.Hash == f.Hash }) {
					continue
				}
				shared, err := in.share(ctx, tx, d, f, *to, as)
				if err != nil {
					return err
				}
				list, changed[first] = append(slices.Clone(list), shared...), true
			}
			to.Answers = maps.Clone(to.Answers)
			to.Answers[as] = list
		}
	}
	return nil
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

// both are the files of two drafts at one question, one that is in both once. Where one file is asked for, the form says so until the
// person has taken out those that aren't to be sent.
func both(was, is any) any {
	list, _ := was.([]any)
	brought, _ := is.([]any)
	for i, f := range Files(brought) {
		if !slices.ContainsFunc(Files(list), func(o FileRef) bool { return o.Hash == f.Hash }) {
			list = append(slices.Clone(list), brought[i])
		}
	}
	if len(list) == 0 {
		return nil
	}
	return list
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
	if fd := f.Field(name); fd != nil && fd.Type == "filepicker" {
		return both(was, is)
	}
	if is == nil && newer.Raw[name] == "" && !inRow {
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
