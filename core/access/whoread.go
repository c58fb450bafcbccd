// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"context"
	"errors"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/audit"
)

// WhoReadWhere is WhoRead with only the entries that fit. An entry fits by what the person is shown of it: what the
// rules withhold can't be found out by narrowing the list.
func (c *Checker) WhoReadWhere(ctx context.Context, g Grant, before string, w audit.Narrow, n int) ([]audit.Entry, error) {
	const op = "access.whoReadWhere"
	if err := ofOwner(op, g); err != nil {
		return nil, err
	}
	if before != "" && !ident.Valid(before) {
		return nil, fault.Because(fault.Invalid, op, "", errors.New("the place in the list is no id"))
	}
	n = min(max(n, 1), audit.MaxPage)
	out := make([]audit.Entry, 0, n)
	for {
		entries, err := c.ledger.ForPersonWhere(ctx, g.request.Owner, before, w, n)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		for _, e := range entries {
			d := c.DisclosedTo(ctx, g.request.Owner, e)
			if d.Hidden || len(out) == n {
				continue
			}
			if e = d.Apply(e); (w.Office == "" || e.Office == w.Office) && (w.Resource == "" || e.Resource == w.Resource) {
				out = append(out, e)
			}
		}
		if len(entries) < n || len(out) == n {
			return out, nil
		}
		before = entries[len(entries)-1].ID
	}
}

// WhoReadOne is one entry of WhoRead. One about somebody else, one that isn't disclosed and one that isn't there are
// the same: fault.NotFound.
func (c *Checker) WhoReadOne(ctx context.Context, g Grant, id string) (audit.Entry, error) {
	const op = "access.whoReadOne"
	if err := ofOwner(op, g); err != nil {
		return audit.Entry{}, err
	}
	if !ident.Valid(id) {
		return audit.Entry{}, fault.New(fault.NotFound, op, "")
	}
	e, err := c.ledger.OneForPerson(ctx, g.request.Owner, id)
	if err != nil {
		return audit.Entry{}, fault.Wrap(op, err)
	}
	d := c.DisclosedTo(ctx, g.request.Owner, e)
	if d.Hidden {
		return audit.Entry{}, fault.New(fault.NotFound, op, "")
	}
	return d.Apply(e), nil
}

func ofOwner(op string, g Grant) error {
	if err := g.Must(Read, "ledger"); err != nil {
		return err
	}
	if g.request.Owner == "" {
		return fault.Internalf(op, "the grant names no owner")
	}
	return nil
}
