// SPDX-License-Identifier: EUPL-1.2

// Package registertest gives other rooms' tests the city's registers, filled with
// the people of the demo. Nothing but tests imports it.
package registertest

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
	"mercator/domain/register"
	"mercator/domain/register/sample"
)

// Today is the day on which the demo city of tests begins.
var Today = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// Rooms are the migrations that the registers need.
func Rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), vault.Migrations(), register.Migrations()}
}

func content(folder string) string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "content", folder)
}

// Open is the office with the registers of content/registers, empty.
func Open(t testing.TB, db *store.DB) *register.Service {
	t.Helper()
	regs, err := register.Load(os.DirFS(content("registers")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := register.New(register.Config{DB: db, Vault: vaulttest.Open(t, db), Registers: regs})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// City is the city of content/city and the maker of its people.
func City(t testing.TB) (*sample.City, *sample.Generator) {
	t.Helper()
	c, err := sample.LoadCity(os.DirFS(content("city")))
	if err != nil {
		t.Fatal(err)
	}
	g, err := sample.NewGenerator(c, 1, Today)
	if err != nil {
		t.Fatal(err)
	}
	return c, g
}

// Demo is the office with the city's registers and n residents, the named ones first.
func Demo(t testing.TB, db *store.DB, n int) (*register.Service, *sample.Generator) {
	t.Helper()
	s := Open(t, db)
	c, g := City(t)
	grant := accesstest.Grant(t, accesstest.AllowAll(t, db), access.Request{
		Actor: access.SystemActor("demo"), Action: access.Change, Resource: "register", Purpose: "demo data", Basis: "demo",
	})
	if err := sample.Load(t.Context(), sample.Loading{City: c, Generator: g, Registers: s, Grant: grant, Residents: n}); err != nil {
		t.Fatal(err)
	}
	return s, g
}
