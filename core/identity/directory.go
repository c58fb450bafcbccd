// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"context"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
)

// Claims are what an identity provider says about who has signed in. They're checked (signature, issuer, audience, time)
// before they become Claims.
type Claims struct {
	Issuer     string
	Subject    string // the provider's pseudonym of the person
	GivenName  string
	FamilyName string
	BirthDate  string // 2006-01-02
	Level      access.Level
	Roles      []string // of people who work for the city
	Office     string
	Staff      string // their key in the register of staff; empty: the provider doesn't know it
}

// Directory tells which actor an account is.
type Directory struct {
	DB *store.DB
	// Match finds the person in the register of residents; fault.NotFound if there is none, or more than one.
	Match func(ctx context.Context, given, family, birthDate string) (person string, err error)
	Now   func() time.Time
}

// Actor finds or makes the actor of an account.
//
// A provider vouches for name and date of birth from the level substantial on. Only then is an account linked to the
// register's person, for good: a later change of name doesn't break the link.
func (d *Directory) Actor(ctx context.Context, c Claims) (access.Actor, error) {
	const op = "identity.actor"
	if c.Issuer == "" || c.Subject == "" || len(c.Subject) > 255 || c.Level < access.Basic {
		return access.Actor{}, fault.Internalf(op, "claims without issuer, subject or level")
	}
	a := access.Actor{Kind: access.Resident, Name: strings.TrimSpace(c.GivenName + " " + c.FamilyName), Level: c.Level}
	if len(c.Roles) > 0 {
		a.Kind, a.Roles, a.Office = access.Clerk, c.Roles, c.Office
	}
	a = cameIn(a)
	link, err := findAccount(ctx, d.DB, c.Issuer, c.Subject)
	switch {
	case err == nil && (link.proven || a.Kind == access.Clerk || c.Level < access.Substantial):
		a.ID = link.actor
		return a, nil
	case err != nil && !fault.Is(err, fault.NotFound):
		return access.Actor{}, fault.Wrap(op, err)
	}
	person, proven := link.actor, false
	if person == "" {
		person = ident.New()
	}
	if a.Kind == access.Resident && c.Level >= access.Substantial && d.Match != nil {
		found, err := d.Match(ctx, c.GivenName, c.FamilyName, c.BirthDate)
		switch {
		case err == nil:
			person, proven = found, true
		case !fault.Is(err, fault.NotFound):
			return access.Actor{}, fault.Wrap(op, err)
		}
	}
	if err := d.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, insertAccount, c.Issuer, c.Subject, person, proven, store.Micros(d.now())); err != nil {
			return err
		}
		if proven {
			if _, err := tx.Exec(ctx, proveAccount, c.Issuer, c.Subject, person); err != nil {
				return err
			}
		}
		// Two sign-ins at once: the one that came first has decided.
		link, err := findAccount(ctx, tx, c.Issuer, c.Subject)
		person = link.actor
		return err
	}); err != nil {
		return access.Actor{}, fault.Wrap(op, err)
	}
	a.ID = person
	return a, nil
}

func (d *Directory) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// NoteStaff notes which person of the registers an actor is who works for the city; "": the register of staff doesn't say.
func (d *Directory) NoteStaff(ctx context.Context, actor, person string) error {
	return fault.Wrap("identity.noteStaff", d.DB.Write(ctx, func(tx *store.Tx) error {
		if person == "" {
			_, err := tx.Exec(ctx, dropStaff, actor)
			return err
		}
		_, err := tx.Exec(ctx, setStaff, actor, person)
		return err
	}))
}

// PersonOfStaff is which person an actor is who works for the city; "": nobody knows.
func PersonOfStaff(ctx context.Context, q store.Q, actor string) (string, error) {
	person, err := store.One(ctx, q, func(row store.Scanner) (p string, err error) { return p, row.Scan(&p) }, personOfStaff, actor)
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return person, fault.Wrap("identity.personOfStaff", err)
}
