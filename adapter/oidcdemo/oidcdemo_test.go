// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mercator/base/i18n"
)

func TestMessages(t *testing.T) {
	c, err := i18n.Load(messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Missing() {
		t.Error(m)
	}
}

// TestKeysLast: a restart keeps keys and seals, and another folder has others.
func TestKeysLast(t *testing.T) {
	dir := t.TempDir()
	a, err := openKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	seal, err := a.sealed("session", session{Login: "anna"})
	if err != nil {
		t.Fatal(err)
	}
	b, err := openKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	var s session
	if err := b.unsealed("session", seal, &s); err != nil || s.Login != "anna" || a.id != b.id {
		t.Errorf("after a restart: %+v, %v, keys %s and %s", s, err, a.id, b.id)
	}
	if err := b.unsealed("token", seal, &s); err == nil {
		t.Error("a session passes for a token")
	}
	if err := b.unsealed("session", seal[:len(seal)-2]+"AA", &s); err == nil {
		t.Error("a changed seal opens")
	}
	info, err := os.Stat(filepath.Join(dir, "identity-provider.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "identity-provider.json"), []byte(`{"signing":"","master":""}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openKeys(dir); err == nil {
		t.Error("a broken key file was taken, or replaced")
	}
}

func TestBounded(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBounded[int](3, time.Minute, func() time.Time { return now })
	for i := range 5 {
		b.put(fmt.Sprint(i), i)
	}
	if _, ok := b.get("1"); ok || b.len() != 3 {
		t.Errorf("holds %d, the oldest too", b.len())
	}
	if v, ok := b.take("4"); !ok || v != 4 {
		t.Errorf("take: %d %v", v, ok)
	}
	if _, ok := b.take("4"); ok {
		t.Error("taken twice")
	}
	if v := b.change("3", func(v int) int { return v + 10 }); v != 13 {
		t.Errorf("changed to %d", v)
	}
	now = now.Add(time.Minute)
	if _, ok := b.get("3"); ok || b.len() != 0 {
		t.Error("outlived its life")
	}
}

func FuzzUnsealed(f *testing.F) {
	k, err := openKeys(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	seal, _ := k.sealed("token", tokenID{Login: "x"})
	f.Add(seal)
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		var v session
		if err := k.unsealed("session", text, &v); err == nil {
			t.Errorf("%q opens as %+v", text, v)
		}
	})
}
