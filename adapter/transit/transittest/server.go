// SPDX-License-Identifier: EUPL-1.2

// Package transittest is a key system for tests: what the transit protocol of HashiCorp Vault says of encrypt and decrypt,
// over a socket, in the memory of the test. It is not that product and protects nothing.
package transittest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// Server is one that runs.
type Server struct {
	URI    string // of its key
	Calls  atomic.Int64
	sealed atomic.Bool
}

// Seal stops it from answering, as its operators can.
func (s *Server) Seal() { s.sealed.Store(true) }

// Start starts one with a key of the type aes256-gcm96.
func Start(t testing.TB, key, token string) *Server {
	t.Helper()
	raw := make([]byte, 32)
	rand.Read(raw)
	block, err := aes.NewCipher(raw)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	fail := func(w http.ResponseWriter, status int, msg ...string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"errors": append([]string{}, msg...)})
	}
	type body struct {
		Plaintext  []byte `json:"plaintext"`
		Ciphertext string `json:"ciphertext"`
		Associated []byte `json:"associated_data"`
	}
	mux := http.NewServeMux()
	handle := func(pattern string, do func(w http.ResponseWriter, in body)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			s.Calls.Add(1)
			var in body
			switch {
			case s.sealed.Load():
				fail(w, http.StatusServiceUnavailable, "Vault is sealed")
			case r.Header.Get("X-Vault-Token") != token:
				fail(w, http.StatusForbidden, "permission denied")
			case json.NewDecoder(r.Body).Decode(&in) != nil:
				fail(w, http.StatusBadRequest, "failed to parse JSON input")
			default:
				do(w, in)
			}
		})
	}
	const prefix = "vault:v1:"
	handle("POST /v1/transit/encrypt/"+key, func(w http.ResponseWriter, in body) {
		nonce := make([]byte, gcm.NonceSize())
		rand.Read(nonce)
		sealed := gcm.Seal(nonce, nonce, in.Plaintext, in.Associated)
		json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"ciphertext": prefix + base64.StdEncoding.EncodeToString(sealed), "key_version": 1}})
	})
	handle("POST /v1/transit/decrypt/"+key, func(w http.ResponseWriter, in body) {
		text, ok := strings.CutPrefix(in.Ciphertext, prefix)
		b, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(b) < gcm.NonceSize() {
			fail(w, http.StatusBadRequest, "invalid ciphertext")
			return
		}
		plain, err := gcm.Open(nil, b[:gcm.NonceSize()], b[gcm.NonceSize():], in.Associated)
		if err != nil {
			fail(w, http.StatusBadRequest, "cipher: message authentication failed")
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s.URI = "hcvault+http://" + strings.TrimPrefix(server.URL, "http://") + "/transit/keys/" + key
	return s
}
