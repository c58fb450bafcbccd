// SPDX-License-Identifier: EUPL-1.2

// Package accesstest builds checkers and grants for the tests of other rooms. Nothing but tests imports it.
package accesstest

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/store"
)

// AllowAll is a checker that permits everything and records it. The database needs audit.Migrations.
func AllowAll(t testing.TB, db *store.DB) *access.Checker {
	t.Helper()
	return newChecker(t, access.Config{DB: db, Untested: true, Policies: fstest.MapFS{
		"all.cedar": {Data: []byte(`@id("test") permit (principal, action, resource);`)},
	}})
}

// House is a checker with the policies of content/policies, to which every field is a personal one. The database needs
// audit.Migrations.
func House(t testing.TB, db *store.DB) *access.Checker {
	t.Helper()
	return HouseWith(t, access.Config{DB: db})
}

// HouseWith is House with what other rooms know.
func HouseWith(t testing.TB, cfg access.Config) *access.Checker {
	t.Helper()
	cfg.Policies = Policies()
	if cfg.Classify == nil {
		cfg.Classify = func(string, []string) []string { return []string{"personal"} }
	}
	return newChecker(t, cfg)
}

// Acting is House, where people act for others under the mandates that are told.
func Acting(t testing.TB, db *store.DB, m access.Mandates) *access.Checker {
	t.Helper()
	return HouseWith(t, access.Config{DB: db, Mandate: m})
}

// Discreet is House, with a person shown no more of an entry than they are where a city says nothing.
func Discreet(t testing.TB, db *store.DB) *access.Checker {
	t.Helper()
	return start(t, access.Config{DB: db, Policies: Policies()})
}

// newChecker is one that shows all that is on record, for tests of what is.
func newChecker(t testing.TB, cfg access.Config) *access.Checker {
	t.Helper()
	cfg.Disclose = func(audit.Entry) audit.Disclosure {
		return audit.Disclosure{Fields: []string{"actor_kind", "actor", "actor_name", "office", "action", "resource", "basis", "service", "case", "outcome", "rule", "fields", "door", "client"}}
	}
	return start(t, cfg)
}

// Policies are those of content/policies.
func Policies() fs.FS {
	_, here, _, _ := runtime.Caller(0)
	return os.DirFS(filepath.Join(filepath.Dir(here), "..", "..", "..", "content", "policies"))
}

func start(t testing.TB, cfg access.Config) *access.Checker {
	t.Helper()
	c, err := access.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Grant asks the checker and fails the test when it refuses.
func Grant(t testing.TB, c *access.Checker, r access.Request) access.Grant {
	t.Helper()
	if r.Purpose == "" {
		r.Purpose = "test"
	}
	g, err := c.Permit(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Anna is a resident at trust level substantial.
func Anna() access.Actor {
	return access.Actor{Kind: access.Resident, ID: "person-anna", Name: "Anna Schmidt", Level: access.Substantial}
}

// Bora is another resident.
func Bora() access.Actor {
	return access.Actor{Kind: access.Resident, ID: "person-bora", Name: "Bora Yılmaz", Level: access.Substantial}
}

// Clerk works at an office.
func Clerk(office string) access.Actor {
	return access.Actor{Kind: access.Clerk, ID: "clerk-" + office, Name: "Sachbearbeitung " + office, Office: office,
		Roles: []string{"clerk"}, Level: access.Substantial}
}
