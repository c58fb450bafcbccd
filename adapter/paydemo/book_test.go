// SPDX-License-Identifier: EUPL-1.2

package paydemo

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/adapter/xbezahl"
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
	for _, end := range ends() {
		if !c.Has("paydemo.end." + end) {
			t.Errorf("paydemo.end.%s is missing", end)
		}
	}
}

// TestBooksAfterEveryCut: wherever the file was cut off, the books open, and what was complete is there.
func TestBooksAfterEveryCut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "payment-provider.jsonl")
	b, err := openBook(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if _, existed, err := b.add(transaction{ID: id, Status: xbezahl.StatusInitial, Request: xbezahl.PaymentRequest{RequestID: id}}); existed || err != nil {
			t.Fatal(existed, err)
		}
	}
	if _, existed, _ := b.add(transaction{ID: "c", Request: xbezahl.PaymentRequest{RequestID: "a"}}); !existed {
		t.Error("one request was billed twice")
	}
	if _, ok, err := b.change("a", func(t *transaction) ([]transaction, bool) {
		t.Status = xbezahl.StatusPayed
		return nil, true
	}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := openBook(dir)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		lines := bytes.Count(whole[:cut], []byte("\n"))
		if want := min(lines, 2); len(b.all) != want {
			t.Fatalf("cut at %d: %d transactions, want %d", cut, len(b.all), want)
		}
		if lines == 3 && b.all["a"].Status != xbezahl.StatusPayed {
			t.Fatalf("cut at %d: the last change is gone", cut)
		}
		if _, _, err := b.add(transaction{ID: "z", Request: xbezahl.PaymentRequest{RequestID: "z"}}); err != nil {
			t.Fatal(err)
		}
		b.close()
		if b, err = openBook(dir); err != nil || b.all["z"].ID != "z" {
			t.Fatalf("cut at %d, then written on: %v", cut, err)
		}
		b.close()
	}
	if err := os.WriteFile(path, append([]byte("rubbish\n"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openBook(dir); err == nil {
		t.Error("damaged books were opened")
	}
}

func TestInterfaceRefuses(t *testing.T) {
	p, err := New(Config{BaseURL: "http://127.0.0.1:1", DataDir: t.TempDir(), Payee: "x", Originator: "o", EndPoint: "e", User: "u", Password: "p"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	const good = `{"requestId":"r1","requestTimestamp":"2026-03-02T08:00:00Z","currency":"EUR","grosAmount":30.70,"purpose":"Parken","redirectUrl":"http://127.0.0.1/x",
		"items":[{"id":"i","reference":"c","quantity":1,"taxRate":0,"totalNetAmount":30.70,"totalTaxAmount":0,"singleNetAmount":30.70,"singleTaxAmount":0}]}`
	ask := func(method, path, user, body string) (int, string) {
		r := httptest.NewRequest(method, "/xbezahldienste/v1"+path, strings.NewReader(body))
		r.SetBasicAuth(user, "p")
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, r)
		text, _ := io.ReadAll(w.Body)
		return w.Code, string(text)
	}
	if s, text := ask("POST", "/paymenttransaction/o/e", "u", good); s != http.StatusCreated || !strings.Contains(text, `"transactionRedirectUrl":"http://127.0.0.1:1/checkout/`) {
		t.Fatalf("%d %s", s, text)
	}
	tests := []struct {
		name, path, user, body, code string
		status                       int
	}{
		{"the same request again", "/paymenttransaction/o/e", "u", good, xbezahl.CodeExists, 409},
		{"a stranger", "/paymenttransaction/o/e", "x", good, xbezahl.CodeForbidden, 401},
		{"another end point", "/paymenttransaction/o/x", "u", good, xbezahl.CodeNoDestination, 404},
		{"wrong sum", "/paymenttransaction/o/e", "u", strings.Replace(good, `"grosAmount":30.70`, `"grosAmount":30.71`, 1), xbezahl.CodeCalculation, 400},
		{"dollars", "/paymenttransaction/o/e", "u", strings.Replace(good, "EUR", "USD", 1), xbezahl.CodeValidation, 400},
		{"a purpose too long", "/paymenttransaction/o/e", "u", strings.Replace(good, "Parken", strings.Repeat("x", 28), 1), xbezahl.CodeValidation, 400},
		{"a script to go back to", "/paymenttransaction/o/e", "u", strings.Replace(good, "http://127.0.0.1/x", "javascript:x", 1), xbezahl.CodeValidation, 400},
		{"nothing", "/paymenttransaction/o/e", "u", "", xbezahl.CodeValidation, 400},
		{"a flood", "/paymenttransaction/o/e", "u", strings.Repeat(" ", 70<<10) + good, xbezahl.CodeValidation, 413},
	}
	for _, tt := range tests {
		if s, text := ask("POST", tt.path, tt.user, tt.body); s != tt.status || !strings.Contains(text, tt.code) {
			t.Errorf("%s: %d %s", tt.name, s, text)
		}
	}
	bearer, err := New(Config{BaseURL: "http://127.0.0.1:1", DataDir: t.TempDir(), Originator: "o", EndPoint: "e", Token: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer bearer.Close()
	for header, want := range map[string]int{"Bearer secret": 200, "Bearer guess": 401, "": 401, "Basic AA==": 401} {
		r, w := httptest.NewRequest("GET", "/xbezahldienste/v1/status/o/e", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", header)
		if bearer.Handler().ServeHTTP(w, r); w.Code != want {
			t.Errorf("%q: %d, want %d", header, w.Code, want)
		}
	}
	if s, _ := ask("GET", "/status/o/e", "u", ""); s != 200 {
		t.Errorf("status %d", s)
	}
	if s, _ := ask("GET", "/paymenttransaction/o/e/nothing", "u", ""); s != 404 {
		t.Errorf("unknown transaction %d", s)
	}
	for _, lang := range []string{"de", "en", "tr"} {
		w := httptest.NewRecorder()
		p.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/checkout/nothing?lang="+lang, nil))
		if w.Code != 404 || !strings.Contains(w.Body.String(), `<html lang="`+lang+`">`) {
			t.Errorf("%s: %d %s", lang, w.Code, w.Body)
		}
	}
}

// FuzzBook: whatever is in the file, the books open or say that they're damaged, and an opened one can be written on.
func FuzzBook(f *testing.F) {
	f.Add([]byte(`{"id":"a","status":"INITIAL","request":{"requestId":"r","grosAmount":1.5}}` + "\n" + `{"id":"b"`))
	f.Add([]byte("\n\n"))
	f.Add([]byte(`{"id":"a","calls":[{"nonce":"n","next":"2026-01-01T00:00:00Z"}]}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "payment-provider.jsonl"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := openBook(dir)
		if err != nil {
			return
		}
		n := len(b.all)
		if _, existed, err := b.add(transaction{ID: "fresh \x00 id", Request: xbezahl.PaymentRequest{RequestID: "fresh", GrosAmount: "1"}}); err != nil {
			t.Fatal(err)
		} else if !existed {
			n++
		}
		b.close()
		again, err := openBook(dir)
		if err != nil {
			t.Fatalf("written on, then unreadable: %v", err)
		}
		defer again.close()
		if len(again.all) != n {
			t.Errorf("%d transactions, then %d", n, len(again.all))
		}
	})
}
