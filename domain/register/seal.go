// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/vault"
)

// sealed reports whether a field is kept sealed: what is personal, but for the field by
// which the register knows whom a record is about, which is an id without a meaning.
func (d *Definition) sealed(f Field) bool {
	return (f.Class == Personal || f.Class == Special) && f.Name != d.Person && !f.View()
}

// needsSeal reports whether a field can be told only when a record is opened: it is sealed,
// or the link is that it goes through.
func (d *Definition) needsSeal(name string) bool {
	f, ok := d.Field(name)
	if ok && f.View() {
		f, ok = d.Field(f.Through)
	}
	return ok && d.sealed(f)
}

// idOf is how a record is called: its key, or, where the key tells something about a
// person (a number plate), its blind form. It stands in rows, events and addresses.
func (s *Service) idOf(d *Definition, key string) (string, error) {
	if f, _ := d.Field(d.Key); key == "" || !d.sealed(f) {
		return key, nil
	}
	return s.vault.Blind(d.ID+"/=key", key)
}

// subject is under whose key a record is sealed: the person it is about, else its own.
func (d *Definition) subject(r row) string {
	if p := d.personOf(r); p != "" {
		return p
	}
	return d.ID + ":" + r.ID
}

func (r row) place() string { return fmt.Sprintf("%s/%s/%d", r.Register, r.ID, r.Version) }

// seal takes the personal fields out of the data of an assertion and seals them.
func (d *Definition) seal(k vault.Key, r row) (row, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(r.Data, &all); err != nil {
		return r, fault.Wrap("register.seal", err)
	}
	secret := map[string]json.RawMessage{}
	for _, f := range d.Fields {
		if v, ok := all[f.Name]; ok && d.sealed(f) {
			secret[f.Name] = v
			delete(all, f.Name)
		}
	}
	if len(secret) == 0 {
		return r, nil
	}
	plain, err := json.Marshal(secret)
	if err != nil {
		return r, fault.Wrap("register.seal", err)
	}
	if r.Data, err = json.Marshal(all); err != nil {
		return r, fault.Wrap("register.seal", err)
	}
	r.sealed, err = k.Seal(r.place(), plain)
	return r, err
}

// open puts what is sealed into the data of an assertion again, if a field that is
// sealed is asked for (nil: all are). Whose key is destroyed has no such fields any more.
func (s *Service) open(ctx context.Context, q store.Q, d *Definition, r row, fields []string) (row, error) {
	if len(r.sealed) == 0 || fields != nil && !slices.ContainsFunc(fields, d.needsSeal) {
		return r, nil
	}
	k, err := s.vault.Key(ctx, q, d.subject(r))
	if errors.Is(err, vault.ErrDestroyed) {
		r.sealed = nil
		return r, nil
	}
	if err != nil {
		return r, err
	}
	return unseal(k, r)
}

// unseal puts what is sealed under a key into the data of an assertion.
func unseal(k vault.Key, r row) (row, error) {
	plain, err := k.Open(r.place(), r.sealed)
	if err != nil {
		return r, err
	}
	// Two objects without a name in common, as seal has written them: they are put together unread, for this is most of the
	// work of a search.
	open, secret := bytes.TrimSpace(r.Data), bytes.TrimSpace(plain)
	if len(open) < 2 || open[0] != '{' || len(secret) < 2 || secret[0] != '{' {
		return r, fault.Internalf("register.open", "what is stored of %s is no object", r.place())
	}
	all := append(make([]byte, 0, len(open)+len(secret)), open[:len(open)-1]...)
	if len(open) > 2 && len(secret) > 2 {
		all = append(all, ',')
	}
	r.Data, r.sealed = append(all, secret[1:]...), nil
	return r, nil
}

// openAll opens each.
func (s *Service) openAll(ctx context.Context, q store.Q, d *Definition, rows []row, fields []string) ([]row, error) {
	for i, r := range rows {
		var err error
		if rows[i], err = s.open(ctx, q, d, r, fields); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
