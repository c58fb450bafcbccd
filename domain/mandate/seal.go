// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"context"
	"errors"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/vault"
)

// The names of both sides are sealed under the key of the person they name. When that key is destroyed the name is gone here
// and in every copy; that there was a mandate stays provable by the ids.

const (
	principalSide = "principal"
	delegateSide  = "delegate"
)

func place(id, side string) string { return "mandate/" + id + "/" + side }

// seal seals the name of a side; nobody's is empty.
func (s *Service) seal(ctx context.Context, tx *store.Tx, id, side, person, name string) ([]byte, error) {
	if person == "" || name == "" {
		return []byte{}, nil
	}
	k, err := s.c.Vault.KeyFor(ctx, tx, person)
	if err != nil {
		return nil, err
	}
	return k.Seal(place(id, side), []byte(name))
}

// one reads a mandate with its names.
func (s *Service) one(ctx context.Context, q store.Q, sql string, args ...any) (Mandate, error) {
	m, err := store.One(ctx, q, scan, sql, args...)
	if err != nil {
		return m, err
	}
	err = s.open(ctx, q, &m, map[string]*vault.Key{})
	return m, err
}

// all reads mandates with their names.
func (s *Service) all(ctx context.Context, q store.Q, sql string, args ...any) ([]Mandate, error) {
	list, err := store.All(ctx, q, scan, sql, args...)
	if err != nil {
		return nil, err
	}
	keys := map[string]*vault.Key{}
	for i := range list {
		if err := s.open(ctx, q, &list[i], keys); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// open puts the names into a mandate. Keys are those that this reading has met already.
func (s *Service) open(ctx context.Context, q store.Q, m *Mandate, keys map[string]*vault.Key) error {
	for _, x := range []struct {
		side, person string
		sealed       []byte
		into         *string
	}{{principalSide, m.Principal, m.principalSealed, &m.PrincipalName}, {delegateSide, m.Delegate, m.delegateSealed, &m.DelegateName}} {
		if len(x.sealed) == 0 { // there is nobody yet, or it's of before there were seals
			continue
		}
		k, err := s.key(ctx, q, x.person, keys)
		if err != nil {
			return err
		}
		if k == nil {
			continue
		}
		// What doesn't open was sealed under a key that is destroyed: the person has come back and has another one now.
		if name, err := k.Open(place(m.ID, x.side), x.sealed); err == nil {
			*x.into = string(name)
		}
	}
	return nil
}

// key is the key of a person; nil: it was destroyed.
func (s *Service) key(ctx context.Context, q store.Q, person string, keys map[string]*vault.Key) (*vault.Key, error) {
	if k, ok := keys[person]; ok {
		return k, nil
	}
	k, err := s.c.Vault.Key(ctx, q, person)
	switch {
	case errors.Is(err, vault.ErrDestroyed):
		keys[person] = nil
	case err != nil:
		return nil, err
	default:
		keys[person] = &k
	}
	return keys[person], nil
}

// upgradeBatch is how many mandates are sealed in one transaction.
const upgradeBatch = 200

// Upgrade seals the names of before there were seals. It can be stopped and begun again, and finds nothing the next time.
func (s *Service) Upgrade(ctx context.Context) error {
	const op = "mandate.upgrade"
	for last, more := "", true; more; {
		list, err := store.All(ctx, s.c.DB, scan, unsealed, last, upgradeBatch)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if more = len(list) == upgradeBatch; more {
			last = list[len(list)-1].ID
		}
		if err := s.c.DB.Write(ctx, func(tx *store.Tx) error {
			for _, m := range list {
				if err := s.sealOld(ctx, tx, m); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

// sealOld seals the names of a mandate that stand in clear. A side that is sealed already, by a node of this version, stays.
func (s *Service) sealOld(ctx context.Context, tx *store.Tx, m Mandate) error {
	principal, delegate := m.principalSealed, m.delegateSealed
	var err error
	if len(principal) == 0 {
		if principal, err = s.seal(ctx, tx, m.ID, principalSide, m.Principal, m.PrincipalName); err != nil {
			return err
		}
	}
	if len(delegate) == 0 {
		if delegate, err = s.seal(ctx, tx, m.ID, delegateSide, m.Delegate, m.DelegateName); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, setSealed, m.ID, principal, delegate)
	return err
}
