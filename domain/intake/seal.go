// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/lang/form"
)

// What a draft holds is sealed under a key of its owner's drafts, which is destroyed when they are erased: then nobody reads them
// any more, in a backup neither (Art. 17 and 32 GDPR). It's another key than the one of the person's records, so that drafts can
// go and the records stay. Whoever has begun without signing in has a key like anybody else, under the name of their browser.

// content is what is sealed of a draft.
type content struct {
	Answers   form.Answers      `json:"answers"`
	Raw       map[string]string `json:"raw"`
	Registers map[string]any    `json:"registers"`
	Rivals    map[string]Rival  `json:"rivals,omitempty"`
	Filled    map[string]string `json:"filled,omitempty"`
	Sent      []string          `json:"sent,omitempty"`

	Since string               `json:"since,omitempty"`
	Kept  map[string]form.Held `json:"kept,omitempty"`
	Gone  rowsGone             `json:"gone,omitzero"`
}

func keyOf(owner string) string { return "drafts/" + owner }

func draftPlace(id string) string { return "intake_draft/" + id }

// errErased: the key of a draft is destroyed, so there is no draft.
var errErased = errors.New("the draft is erased")

// seal makes the bytes that are stored of a draft.
func (in *Intake) seal(ctx context.Context, tx *store.Tx, d Draft) ([]byte, error) {
	k, err := in.c.Vault.KeyFor(ctx, tx, keyOf(d.Owner))
	if err != nil {
		return nil, err
	}
	text, err := encode(content{d.Answers, d.Raw, d.Registers, d.Rivals, d.Filled, d.Sent, d.Since, d.Kept, d.gone})
	if err != nil {
		return nil, err
	}
	return k.Seal(draftPlace(d.ID), []byte(text))
}

// unseal puts what is sealed into a draft. Drafts of before there were seals are read as they are.
func (in *Intake) unseal(ctx context.Context, q store.Q, d *Draft) error {
	if len(d.sealed) == 0 {
		return nil
	}
	k, err := in.c.Vault.Key(ctx, q, keyOf(d.Owner))
	return in.unsealWith(k, err, d)
}

// unsealWith is unseal with the key of the draft's owner, or why there is none.
func (in *Intake) unsealWith(k vault.Key, err error, d *Draft) error {
	if errors.Is(err, vault.ErrDestroyed) {
		return errErased
	}
	if err != nil {
		return err
	}
	plain, err := k.Open(draftPlace(d.ID), d.sealed)
	if err != nil {
		// Sealed under a key that is destroyed (a backup has brought the row back, and the person has another key by now), or
		// changed by somebody: nobody can tell which, and there is nothing to show either way.
		in.c.Log.Warn("a draft doesn't open: it was erased before a backup brought it back, or was changed", "draft", d.ID)
		return errErased
	}
	var c content
	if err := decodeJSON(string(plain), &c); err != nil {
		return err
	}
	d.Answers, d.Raw, d.Registers, d.Rivals, d.Filled, d.sealed = c.Answers, c.Raw, c.Registers, c.Rivals, c.Filled, nil
	d.Sent, d.Since, d.Kept, d.gone = c.Sent, c.Since, c.Kept, c.Gone
	return nil
}

// oneDraft reads a draft with what it holds.
func (in *Intake) oneDraft(ctx context.Context, q store.Q, statement string, args ...any) (Draft, error) {
	d, err := store.One(ctx, q, scanDraft, statement, args...)
	if err == nil {
		err = in.unseal(ctx, q, &d)
	}
	if fault.Is(err, fault.NotFound) || errors.Is(err, errErased) {
		return Draft{}, fault.Because(fault.NotFound, "intake.draft", "intake.noDraft", err)
	}
	return d, err
}

// allDrafts reads drafts with what they hold; one that is erased isn't there.
func (in *Intake) allDrafts(ctx context.Context, q store.Q, statement string, args ...any) ([]Draft, error) {
	list, err := store.All(ctx, q, scanDraft, statement, args...)
	if err != nil {
		return nil, err
	}
	type found struct {
		key vault.Key
		err error
	}
	keys := map[string]found{} // most are of one owner
	out := list[:0]
	for _, d := range list {
		if len(d.sealed) > 0 {
			k, there := keys[d.Owner]
			if !there {
				k.key, k.err = in.c.Vault.Key(ctx, q, keyOf(d.Owner))
				keys[d.Owner] = k
			}
			if err := in.unsealWith(k.key, k.err, &d); errors.Is(err, errErased) {
				continue
			} else if err != nil {
				return nil, err
			}
		}
		out = append(out, d)
	}
	return out, nil
}

// save writes a draft if nobody has changed it since it was read.
func (in *Intake) save(ctx context.Context, tx *store.Tx, d Draft, now time.Time) (bool, error) {
	sealed, err := in.seal(ctx, tx, d)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, saveDraft, d.ID, d.Owner, d.rev, sealed, d.Consent, store.Micros(d.FetchedAt), d.Version, store.Micros(now), store.Micros(now.Add(in.keep(d.Owner))))
	if err == nil && n == 1 {
		err = in.voidSignatures(ctx, tx, d)
	}
	return n == 1, err
}

// Files lie in the drawer, each sealed under a key of its own, as a paper is: the key goes with the file, so that nobody reads it in a
// backup either. It isn't sealed under the key of the owner's drafts: a file that was handed over belongs to its case, and stays when
// the drafts are erased; one that several drafts share stays until the last of them goes.

func fileKey(content string) string { return "file/" + content }

// keyOfFile is the key of an upload's content.
func (in *Intake) keyOfFile(ctx context.Context, u Upload) (vault.Key, error) {
	const op = "intake.keyOfFile"
	if !u.sealed { // put there by a node of before
		if err := in.sealFile(ctx, u); err != nil {
			return vault.Key{}, err
		}
	}
	k, err := in.c.Vault.Key(ctx, in.c.DB, fileKey(u.content))
	if errors.Is(err, vault.ErrDestroyed) {
		return k, fault.Because(fault.NotFound, op, "intake.file.gone", err)
	}
	return k, fault.Wrap(op, err)
}

// openFile is the one door to what is in the drawer.
func (in *Intake) openFile(ctx context.Context, u Upload, ending string) (io.ReadCloser, error) {
	k, err := in.keyOfFile(ctx, u)
	if err != nil {
		return nil, err
	}
	return in.c.Files.Open(k, u.content, ending)
}

// sealFile seals the content of an upload of before there were seals.
func (in *Intake) sealFile(ctx context.Context, u Upload) error {
	const op = "intake.sealFile"
	var k vault.Key
	err := in.c.DB.Write(ctx, func(tx *store.Tx) (err error) {
		k, err = in.c.Vault.KeyFor(ctx, tx, fileKey(u.content))
		return err
	})
	if err != nil {
		return fault.Wrap(op, err)
	}
	// The key is there before anything is sealed under it, and the row says so when all is.
	if err := in.c.Files.SealPlain(k, u.content, u.Size); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, in.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, sealUploads, u.content)
		return err
	}))
}

func (in *Intake) sealFiles(ctx context.Context) (n int, err error) {
	if in.c.Files == nil {
		return 0, nil
	}
	for {
		list, err := store.All(ctx, in.c.DB, scanUpload, plainUploads, 200)
		if err != nil || len(list) == 0 {
			return n, err
		}
		for _, u := range list {
			if err := in.sealFile(ctx, u); err != nil {
				return n, err
			}
		}
		n += len(list)
	}
}

func filePlace(content string) string { return "intake_upload/" + content }

// sealName is what is stored of the name of a file, whose key is made if there is none. Files that are shared have one name.
func (in *Intake) sealName(ctx context.Context, tx *store.Tx, u Upload) ([]byte, error) {
	k, err := in.c.Vault.KeyFor(ctx, tx, fileKey(u.content))
	if err != nil {
		return nil, err
	}
	return k.Seal(filePlace(u.content), []byte(u.Name))
}

func pointers(list []Upload) []*Upload {
	out := make([]*Upload, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// unsealNamesOf puts their names into uploads. One whose key is destroyed has none: there is no such file.
func (in *Intake) unsealNamesOf(ctx context.Context, list ...*Upload) error {
	var subjects []string
	for _, u := range list {
		if s := fileKey(u.content); len(u.sealedName) > 0 && !slices.Contains(subjects, s) {
			subjects = append(subjects, s)
		}
	}
	keys, _, err := in.c.Vault.Keys(ctx, subjects) // instead of one that is destroyed a fresh one, with which nothing opens
	if err != nil {
		return err
	}
	for _, u := range list {
		if len(u.sealedName) == 0 { // put there by a node of before
			continue
		}
		if name, err := keys[fileKey(u.content)].Open(filePlace(u.content), u.sealedName); err == nil {
			u.Name = string(name)
		}
	}
	return nil
}

// sealNamesOfFiles seals the names of before they were.
func (in *Intake) sealNamesOfFiles(ctx context.Context) (n int, err error) {
	for {
		list, err := store.All(ctx, in.c.DB, scanUpload, plainNames, 200)
		if err != nil || len(list) == 0 {
			return n, err
		}
		if err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
			for _, u := range list {
				name := []byte{} // of a file that was erased nothing is left to be named
				_, err := in.c.Vault.Key(ctx, tx, fileKey(u.content))
				if err == nil || !u.sealed {
					name, err = in.sealName(ctx, tx, u)
				}
				if err != nil && !errors.Is(err, vault.ErrDestroyed) {
					return err
				}
				if _, err := tx.Exec(ctx, sealName, u.ID, name); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, err
		}
		n += len(list)
	}
}

// eraseFiles destroys the keys of the files of a draft that is erased; those that somebody else holds stay. The files themselves go
// when the house is swept.
func (in *Intake) eraseFiles(ctx context.Context, tx *store.Tx, draft string) error {
	contents, err := store.All(ctx, tx, scanText, eraseUploads, draft)
	if err != nil {
		return err
	}
	for _, content := range contents {
		var held int
		if err := tx.QueryRow(ctx, contentHeld, content).Scan(&held); err != nil {
			return err
		}
		if held > 0 {
			continue
		}
		if _, err := in.c.Vault.Destroy(ctx, tx, fileKey(content)); err != nil {
			return err
		}
	}
	return nil
}

// Upgrade seals the drafts and files of before there were seals. It can be broken off and begun again; others may change drafts meanwhile.
func (in *Intake) Upgrade(ctx context.Context) (n int, err error) {
	const op = "intake.upgrade"
	if n, err = in.sealFiles(ctx); err != nil {
		return n, fault.Wrap(op, err)
	}
	names, err := in.sealNamesOfFiles(ctx)
	if n += names; err != nil {
		return n, fault.Wrap(op, err)
	}
	for last := ""; ; {
		list, err := store.All(ctx, in.c.DB, scanDraft, plainDrafts, last, 200)
		if err != nil || len(list) == 0 {
			return n, fault.Wrap(op, err)
		}
		if err := in.c.DB.Write(ctx, func(tx *store.Tx) error {
			for _, d := range list {
				sealed, err := in.seal(ctx, tx, d)
				if err != nil {
					return err
				}
				// One that was saved meanwhile is sealed already.
				if _, err := tx.Exec(ctx, sealDraft, d.ID, d.rev, sealed); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, fault.Wrap(op, err)
		}
		n, last = n+len(list), list[len(list)-1].ID
	}
}

// Forget erases what the counter keeps about a person who is erased, and destroys the key of their drafts.
func (in *Intake) Forget(ctx context.Context, tx *store.Tx, person string) error {
	const op = "intake.forget"
	if _, err := in.EraseDrafts(ctx, tx, person, ""); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, forgetInvitations, person); err != nil {
		return fault.Wrap(op, err)
	}
	_, err := in.EraseConsents(ctx, tx, person)
	return fault.Wrap(op, err)
}
