// SPDX-License-Identifier: EUPL-1.2

package xbezahl

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/domain/payment"
)

func TestCents(t *testing.T) {
	for text, want := range map[string]int64{"30.70": 3070, "30.7": 3070, "30": 3000, "0.01": 1, "0": 0, "999999.99": 99999999, "1.10": 110, "1.100": 110} {
		if got, err := Cents(json.Number(text)); err != nil || got != want {
			t.Errorf("%s: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "1.001", "1e3", "NaN", "99999999", "1,5", "1.-5", "+1", ".5", " 1"} {
		if got, err := Cents(json.Number(text)); err == nil {
			t.Errorf("%q is %d cents", text, got)
		}
	}
	for _, cents := range []int64{0, 1, 99, 100, 3070, 99999999} {
		if got, err := Cents(Euros(cents)); err != nil || got != cents {
			t.Errorf("%d became %d, %v", cents, got, err)
		}
	}
}

func TestPurpose(t *testing.T) {
	for text, want := range map[string]string{
		"Bewohnerparkausweis":                  "Bewohnerparkausweis",
		"Gebühr für Straße 5":                  "Gebuehr fuer Strasse 5",
		"Bewohnerparkausweis für zwölf Monate": "Bewohnerparkausweis fuer zw",
		"a/b (c)":                              "a b c",
		"  ":                                   "Gebuehr",
		"日本":                                   "Gebuehr",
		"İşyeri bildirimi, ücret":              "Isyeri bildirimi uecret",
	} {
		if got := Purpose(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestVerify(t *testing.T) {
	secret, body, now := []byte("sixteen bytes and more"), []byte(`{"transactionId":"t"}`), time.Unix(1_800_000_000, 0)
	good := Sign(secret, now, "nonce-of-16-bytes", body)
	if nonce, err := verify(secret, good, body, now.Add(4*time.Minute)); err != nil || nonce != "nonce-of-16-bytes" {
		t.Fatalf("a good call: %q, %v", nonce, err)
	}
	for name, try := range map[string]func() error{
		"no header":      func() error { _, err := verify(secret, "", body, now); return err },
		"another body":   func() error { _, err := verify(secret, good, []byte(`{}`), now); return err },
		"another secret": func() error { _, err := verify([]byte("another secret of us"), good, body, now); return err },
		"another nonce": func() error {
			_, err := verify(secret, strings.Replace(good, "nonce-of", "NONCE-of", 1), body, now)
			return err
		},
		"another time": func() error {
			_, err := verify(secret, strings.Replace(good, "t=18", "t=19", 1), body, now)
			return err
		},
		"old":             func() error { _, err := verify(secret, good, body, now.Add(6*time.Minute)); return err },
		"from the future": func() error { _, err := verify(secret, good, body, now.Add(-6*time.Minute)); return err },
		"short nonce":     func() error { _, err := verify(secret, Sign(secret, now, "n", body), body, now); return err },
		"twice the same":  func() error { _, err := verify(secret, good+",v1=00", body, now); return err },
	} {
		if try() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// TestAnswers: what a provider may answer, and what we make of it.
func TestAnswers(t *testing.T) {
	transaction := func(change func(*PaymentTransaction)) string {
		tr := PaymentTransaction{
			PaymentInformation: PaymentInformation{TransactionID: "t1", Status: StatusInitial, TransactionRedirectURL: "https://pay.example/c/t1"},
			PaymentRequest:     PaymentRequest{RequestID: "r1", GrosAmount: "30.70", Currency: "EUR"},
		}
		if change != nil {
			change(&tr)
		}
		text, _ := json.Marshal(tr)
		return string(text)
	}
	tests := []struct {
		name   string
		status int
		body   string
		kind   fault.Kind
		state  payment.AttemptState
	}{
		{"open", 200, transaction(nil), "", payment.Initial},
		{"paid", 200, transaction(func(t *PaymentTransaction) { t.PaymentInformation.Status = StatusPayed }), "", payment.Payed},
		{"unknown status", 200, transaction(func(t *PaymentTransaction) { t.PaymentInformation.Status = "BOOKED" }), fault.Internal, ""},
		{"no amount", 200, transaction(func(t *PaymentTransaction) { t.PaymentRequest.GrosAmount = "x" }), fault.Internal, ""},
		{"a script as checkout", 200, transaction(func(t *PaymentTransaction) { t.PaymentInformation.TransactionRedirectURL = "javascript:alert(1)" }), fault.Internal, ""},
		{"no JSON", 200, "<html>", fault.Internal, ""},
		{"unknown", 404, `{"functionalCode":"UNSPECIFIED"}`, fault.NotFound, ""},
		{"exists", 409, `{"functionalCode":"PAYMENT_EXISTS"}`, fault.Conflict, ""},
		{"invalid", 400, `{"functionalCode":"VALIDATION_ERROR"}`, fault.Internal, ""},
		{"forbidden", 403, ``, fault.Internal, ""},
		{"down", 503, `<html>`, fault.Unavailable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if user, _, _ := r.BasicAuth(); user != "u" || r.URL.Path != "/x/paymenttransaction/o/e/t1" {
					t.Errorf("asked %s as %q", r.URL.Path, user)
				}
				w.WriteHeader(tt.status)
				w.Write([]byte(tt.body))
			}))
			defer srv.Close()
			c, err := New(Config{BaseURL: srv.URL + "/x/", Originator: "o", EndPoint: "e", Authorize: Basic("u", "p")})
			if err != nil {
				t.Fatal(err)
			}
			s, err := c.Status(context.Background(), "t1")
			if fault.KindOf(err) != tt.kind || s.State != tt.state {
				t.Errorf("got %+v, %v", s, err)
			}
		})
	}
	if _, err := New(Config{BaseURL: "http://x", Originator: "o/../..", EndPoint: "e"}); err == nil {
		t.Error("an originator that leads elsewhere")
	}
}

func TestBearerAsksForATokenOnce(t *testing.T) {
	asked := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			asked++
			w.Header().Set("Content-Type", "application/json")
			w.Write([]byte(`{"access_token":"abc","token_type":"Bearer","expires_in":3600}`))
			return
		}
		if r.Header.Get("Authorization") != "Bearer abc" {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer srv.Close()
	c, err := New(Config{BaseURL: srv.URL, Originator: "o", EndPoint: "e", Authorize: Bearer(srv.URL+"/token", "id", "secret", nil)})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := c.Ready(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("asked for %d tokens", asked)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"paymentInformation":{"transactionId":"t","status":"INITIAL","transactionRedirectUrl":"https://x"},"paymentRequest":{"requestId":"r","grosAmount":1.50,"currency":"EUR"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := decode(text)
		if err == nil && (s.Transaction == "" || s.RequestID == "" || s.Cents < 0 || s.State == "") {
			t.Errorf("%q became %+v", text, s)
		}
	})
}

func FuzzVerify(f *testing.F) {
	secret, now := []byte("sixteen bytes and more"), time.Unix(1_800_000_000, 0)
	f.Add(Sign([]byte("another secret of us"), now, "nonce-of-16-bytes", []byte("{}")), []byte("{}"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		if nonce, err := verify(secret, header, body, now); err == nil {
			t.Errorf("%q with %q passes as %q", header, body, nonce)
		}
	})
}
