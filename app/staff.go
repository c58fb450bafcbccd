// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/store"
)

// Who works for the city is a person, too: the register of staff says which. The detector takes these persons for colleagues,
// and who signs in as one of them decides nothing of their own.

// staffList is where that is looked up (policies/staff.toml).
type staffList struct {
	Register string `toml:"register"`
	Person   string `toml:"person"` // its field
}

// loadStaff reads it. A city without the file marks colleagues by hand.
func loadStaff(policies fs.FS) (l staffList, err error) {
	const file = "staff.toml"
	err = readPolicyFile(policies, file, "who works for the city", &l)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return l, nil
	case err != nil:
		return l, err
	case l.Register == "" || l.Person == "":
		return l, fmt.Errorf("policies/%s: register and person are needed", file)
	}
	return l, nil
}

// settleStaff holds the list against the registers in force. One that doesn't fit would be a guard that guards nothing, so it
// is said loudly; the house goes on, as with a version of a register that can't come into force.
func (h *House) settleStaff() {
	if h.staff == (staffList{}) {
		return
	}
	if d, ok := h.definitions.Get(h.staff.Register); ok {
		if f, ok := d.Field(h.staff.Person); ok && f.Search != "" {
			return
		}
	}
	h.log.Error("policies/staff.toml names no field that is searched: colleagues aren't known", "register", h.staff.Register, "field", h.staff.Person)
	h.staff = staffList{}
}

// colleague tells whether a person works for the city.
func (h *House) colleague(ctx context.Context, q store.Q, person string) (bool, error) {
	if h.staff == (staffList{}) || h.registers == nil {
		return false, nil
	}
	return h.registers.Names(ctx, q, h.staff.Register, h.staff.Person, person)
}

// knownStaff notes who works at the desk as they sign in, so that they can be named as deputies and their own matters are known
// as theirs.
func (h *House) knownStaff(d *identity.Directory) func(context.Context, identity.Claims) (access.Actor, error) {
	return func(ctx context.Context, c identity.Claims) (access.Actor, error) {
		a, err := d.Actor(ctx, c)
		if err != nil {
			return a, err
		}
		if a.Kind != access.Clerk {
			return a, h.mandates.SignedIn(ctx, a) // whoever has left is represented no more
		}
		if c.Staff != "" && h.staff != (staffList{}) {
			if a.Self, err = h.registers.Named(ctx, h.db, h.staff.Register, c.Staff, h.staff.Person); err != nil {
				return a, err
			}
		}
		if err := d.NoteStaff(ctx, a.ID, a.Self); err != nil {
			return a, err
		}
		return a, h.mandates.SignedIn(ctx, a)
	}
}
