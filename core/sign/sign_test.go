// SPDX-License-Identifier: EUPL-1.2

package sign

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
	"mercator/core/vault/vaulttest"
)

const kind = "mercator-test+json"

func TestSignedFilesAreKnownAgain(t *testing.T) {
	storetest.Each(t, []store.Migrations{vault.Migrations()}, func(t *testing.T, db *store.DB) {
		v := vaulttest.Open(t, db)
		s, err := Open(t.Context(), db, v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), db, v)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Keys(), again.Keys()) {
			t.Error("the second start has another key")
		}
		if strings.Contains(string(s.Keys()), `"d"`) {
			t.Fatal("the private key is published")
		}
		payload := []byte(`{"number":"2026-ABCD-2345"}`)
		file, err := s.Sign(kind, payload)
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := Verify(kind, file, again.Keys())
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%s %v", got, err)
		}

		der, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		other, err := fromKey(der)
		if err != nil {
			t.Fatal(err)
		}
		var parts map[string]any
		if err := json.Unmarshal(file, &parts); err != nil {
			t.Fatal(err)
		}
		with := func(key string, v any) []byte {
			m := map[string]any{}
			for k, x := range parts {
				m[k] = x
			}
			m[key] = v
			b, _ := json.Marshal(m)
			return b
		}
		head := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		foreign, err := other.Sign(kind, payload)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			file, keys []byte
			kind       string
		}{
			"another payload":             {with("payload", head(`{"number":"2026-XXXX-2345"}`)), s.Keys(), kind},
			"without a signature":         {with("signature", ""), s.Keys(), kind},
			"alg none":                    {with("protected", head(`{"alg":"none","typ":"`+kind+`"}`)), s.Keys(), kind},
			"alg HS256 with a public key": {with("protected", head(`{"alg":"HS256","typ":"`+kind+`"}`)), s.Keys(), kind},
			"of another kind":             {file, s.Keys(), "mercator-other+json"},
			"of another house":            {foreign, s.Keys(), kind},
			"against another house":       {file, other.Keys(), kind},
			"no JSON":                     {[]byte("a.b.c"), s.Keys(), kind},
			"no keys":                     {file, []byte(`{"keys":[]}`), kind},
		} {
			if _, _, err := Verify(x.kind, x.file, x.keys); err == nil {
				t.Errorf("%s: verified", name)
			}
		}
	})
}
