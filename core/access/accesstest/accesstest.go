// SPDX-License-Identifier: EUPL-1.2

// Package accesstest builds checkers and grants for the tests of other rooms. Nothing but tests imports it.
package accesstest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"mercator/core/access"
	"mercator/core/store"
)

// AllowAll is a checker that permits everything and records it. The database needs audit.Migrations.
func AllowAll(t testing.TB, db *store.DB) *access.Checker {
	t.Helper()
	return newChecker(t, access.Config{DB: db, Policies: fstest.MapFS{
		"all.cedar": {Data: []byte(`@id("test") permit (principal, action, resource);`)},
	}})
}

// House is a checker with the policies of content/policies. The database needs audit.Migrations.
func House(t testing.TB, db *store.DB) *access.Checker {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	return newChecker(t, access.Config{DB: db, Policies: os.DirFS(filepath.Join(root, "content", "policies"))})
}

func newChecker(t testing.TB, cfg access.Config) *access.Checker {
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
