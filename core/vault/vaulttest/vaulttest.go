// SPDX-License-Identifier: EUPL-1.2

// Package vaulttest gives other rooms' tests a vault. Nothing but tests imports it.
package vaulttest

import (
	"bytes"
	"testing"

	"mercator/core/blob"
	"mercator/core/store"
	"mercator/core/vault"
)

// Open is a vault with a keyset of its own on a database with the tables of vault.
func Open(t testing.TB, db *store.DB) *vault.Vault {
	t.Helper()
	master, err := vault.Master(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	text, err := vault.NewKeyset(master)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(db, master, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// At is a vault whose keyset lies in a file: what one process has sealed the next one opens.
func At(t testing.TB, db *store.DB, path string) *vault.Vault {
	t.Helper()
	master, err := vault.Master(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	text, err := vault.NewKeyset(master)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = blob.WriteOnce(path, text); err != nil {
		t.Fatal(err)
	}
	v, err := vault.New(db, master, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
