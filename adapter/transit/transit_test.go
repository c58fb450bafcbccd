// SPDX-License-Identifier: EUPL-1.2

package transit

import (
	"bytes"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/adapter/transit/transittest"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/core/vault"
)

func client(t *testing.T, c Config) *Client {
	t.Helper()
	out, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func token(s string) func() (string, error) { return func() (string, error) { return s, nil } }

// The keyset of a house opens with a master key that it never sees.
func TestTheMasterKeyStaysOutside(t *testing.T) {
	server := transittest.Start(t, "mercator", "s.token")
	c := client(t, Config{Token: token("s.token")})
	if !c.Supported(server.URI) {
		t.Fatalf("%s isn't supported", server.URI)
	}
	master, err := c.GetAEAD(server.URI)
	if err != nil {
		t.Fatal(err)
	}
	text, err := vault.NewKeyset(master)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("encryptedKeyset")) {
		t.Errorf("the keyset isn't sealed: %s", text)
	}
	db := storetest.SQLite(t, []store.Migrations{vault.Migrations()})
	if _, err := vault.New(db, master, text); err != nil {
		t.Fatal(err)
	}
	// The two halves of it are bound to their use.
	a, err := master.Encrypt([]byte("x"), []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := master.Decrypt(a, []byte("two")); err == nil {
		t.Error("it opens in another place")
	}
	// An own file as master key, then the system outside, then another key there.
	path := filepath.Join(t.TempDir(), "keyset")
	file, err := vault.Master(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	own, err := vault.NewKeyset(file)
	if err == nil {
		err = os.WriteFile(path, own, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := vault.Rekey(file, master, path); err != nil {
		t.Fatal(err)
	}
	if own, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if _, err := vault.New(db, master, own); err != nil {
		t.Error(err)
	}
	if _, err := vault.New(db, file, own); err == nil {
		t.Error("the file still opens it")
	}
}

// What goes wrong is told in words that say what to do, and never with the token.
func TestWhatGoesWrong(t *testing.T) {
	server := transittest.Start(t, "mercator", "s.token")
	for name, test := range map[string]struct {
		uri   string
		token func() (string, error)
		words string
	}{
		"another token": {server.URI, token("s.other-token"), "isn't allowed"},
		"no key":        {strings.Replace(server.URI, "/keys/mercator", "/keys/none", 1), token("s.token"), "no such mount or key"},
		"no mount":      {strings.Replace(server.URI, "/transit/", "/elsewhere/", 1), token("s.token"), "no such mount or key"},
		"nobody there":  {"hcvault+http://127.0.0.1:1/transit/keys/mercator", token("s.token"), "refused"},
		"no token":      {server.URI, func() (string, error) { return "", errors.New("the file is empty") }, "its token: the file is empty"},
	} {
		a, err := client(t, Config{Token: test.token}).GetAEAD(test.uri)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, err = a.Encrypt([]byte("x"), nil)
		if err == nil || !strings.Contains(err.Error(), test.words) || strings.Contains(err.Error(), "s.") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := vault.NewKeyset(a); err == nil {
			t.Errorf("%s: there is a keyset", name)
		}
	}
	a, err := client(t, Config{Token: token("s.token")}).GetAEAD(server.URI)
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range []string{"", "vault:v1:", "vault:v9:AAAA", "vault:v1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		if _, err := a.Decrypt([]byte(sealed), nil); err == nil {
			t.Errorf("%q opens", sealed)
		}
	}
	server.Seal()
	if _, err := a.Encrypt([]byte("x"), nil); err == nil || !strings.Contains(err.Error(), "sealed") {
		t.Errorf("%v", err)
	}
	for _, uri := range []string{"", "hcvault://", "hcvault://h/transit", "hcvault://h/keys/k", "hcvault://u:p@h/transit/keys/k", "hcvault://h/transit/keys/a/b",
		"hcvault://h/../sys/keys/k", "https://h/transit/keys/k", "hcvault+http://vault.example/transit/keys/k", "hcvault://h/transit/keys/k?x=1"} {
		if Check(uri) == nil {
			t.Errorf("%q is an address", uri)
		}
	}
}

// A server whose certificate nobody vouches for gets no token, nor does the place where one sends it.
func TestTheTokenGoesNowhereElse(t *testing.T) {
	got := ""
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got += r.Header.Get("X-Vault-Token") }))
	defer thief.Close()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	uri := "hcvault://" + strings.TrimPrefix(server.URL, "https://") + "/transit/keys/k"
	a, _ := client(t, Config{Token: token("s.token")}).GetAEAD(uri)
	if _, err := a.Encrypt(nil, nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	a, _ = client(t, Config{Token: token("s.token"), CA: ca}).GetAEAD(uri)
	if _, err := a.Encrypt(nil, nil); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("%v", err)
	}
	if got != "" {
		t.Errorf("the token went elsewhere: %s", got)
	}
}
