// SPDX-License-Identifier: EUPL-1.2

package paymentweb

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
	"mercator/web"
	"mercator/web/webtest"
)

// till is a provider on the counter: the test says how its one transaction ends.
type till struct {
	status atomic.Value // payment.Status
	down   atomic.Bool
}

func (t *till) Create(_ context.Context, c payment.Checkout) (payment.Status, error) {
	if t.down.Load() {
		return payment.Status{}, fault.New(fault.Unavailable, "test", "")
	}
	s := payment.Status{Transaction: "t-" + c.RequestID, RequestID: c.RequestID, State: payment.Initial, Cents: c.Cents, Currency: "EUR",
		Redirect: "https://pay.example/checkout/1"}
	t.status.Store(s)
	return s, nil
}

func (t *till) Status(context.Context, string) (payment.Status, error) {
	if t.down.Load() {
		return payment.Status{}, fault.New(fault.Unavailable, "test", "")
	}
	return t.status.Load().(payment.Status), nil
}

func (t *till) end(state payment.AttemptState, more int64) {
	s := t.status.Load().(payment.Status)
	s.State, s.Cents = state, s.Cents+more
	t.status.Store(s)
}

type counter struct {
	t     *testing.T
	site  *web.Site
	till  *till
	desk  *payment.Service
	db    *store.DB
	actor access.Actor
}

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{t: t, till: &till{}, actor: accesstest.Anna()}
	c.db = storetest.SQLite(t, []store.Migrations{audit.Migrations(), payment.Migrations()})
	var err error
	c.desk, err = payment.New(payment.Config{DB: c.db, Provider: c.till, BaseURL: "http://city.example",
		OnPaid: func(context.Context, *store.Tx, payment.Payment) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cat.Missing() {
		if strings.Contains(m, "payment.") {
			t.Error(m)
		}
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := Mounts(Config{Templates: tmpl, Payments: c.desk, Access: accesstest.House(t, c.db), Actor: identity.Require,
		Webhook: func(w http.ResponseWriter, r *http.Request) error {
			return fault.New(fault.Denied, "test", "payment.badCall")
		}})
	if err != nil {
		t.Fatal(err)
	}
	c.site, err = web.New(web.Config{Catalogue: cat, Templates: tmpl, Middleware: []func(http.Handler) http.Handler{
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.actor.ID != "" {
					r = identity.With(r, identity.Session{Actor: c.actor})
				}
				next.ServeHTTP(w, r)
			})
		},
	}}, mounts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *counter) request() (id string) {
	c.t.Helper()
	if err := c.db.Write(c.t.Context(), func(tx *store.Tx) (err error) {
		id, err = c.desk.Request(c.t.Context(), tx, payment.Order{CaseID: "case-1", Person: accesstest.Anna().ID, Office: "32", Service: "x", Cents: 3070, Purpose: "Bewohnerparkausweis"})
		return err
	}); err != nil {
		c.t.Fatal(err)
	}
	return id
}

func (c *counter) do(method, path, lang string) (int, string, http.Header) {
	c.t.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	c.site.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Body)
	return w.Code, string(body), w.Header()
}

func (c *counter) want(path, text string) {
	c.t.Helper()
	if status, body, _ := c.do("GET", path, "en"); status != 200 || !strings.Contains(body, text) {
		c.t.Errorf("%s (%d) lacks %q:\n%s", path, status, text, body)
	}
}

func TestPay(t *testing.T) {
	c := newCounter(t)
	path := "/pay/" + c.request()
	c.want(path, "Pay €30.70 now")
	for lang, want := range map[string]string{"de": "jetzt bezahlen", "tr": "şimdi öde"} {
		if _, body, _ := c.do("GET", path, lang); !strings.Contains(body, want) {
			t.Errorf("%s lacks %q:\n%s", lang, want, body)
		}
	}

	c.till.down.Store(true)
	if status, body, _ := c.do("POST", path, "en"); status != 503 || !strings.Contains(body, "Nothing has been charged") || !strings.Contains(body, "Pay €30.70 now") {
		t.Errorf("the provider is down: %d\n%s", status, body)
	}
	c.till.down.Store(false)

	status, _, h := c.do("POST", path, "en")
	if status != 303 || h.Get("Location") != "https://pay.example/checkout/1" {
		t.Fatalf("to the checkout: %d %s", status, h.Get("Location"))
	}
	c.want(path, "No confirmation yet")
	// The address of the way back may say what it likes.
	if status, _, h := c.do("GET", path+"/return?status=PAYED", "en"); status != 303 || h.Get("Location") != path {
		t.Errorf("back: %d %s", status, h.Get("Location"))
	}
	c.want(path, "No confirmation yet")
	c.till.end(payment.Canceled, 0)
	c.want(path, "You cancelled the payment")
	c.want(path, "Try again: pay €30.70")
	c.do("POST", path, "en")
	c.till.end(payment.Declined, 0)
	c.want(path, "The payment failed")
	c.do("POST", path, "en")
	c.till.end(payment.Payed, 100)
	c.want(path, "We will refund €31.70")
	c.do("POST", path, "en")
	c.till.end(payment.Payed, 0)
	c.want(path, "Your payment has arrived")
	if _, body, _ := c.do("GET", path, "en"); strings.Contains(body, `method="post" action="`+path) {
		t.Error("a paid fee can be paid again")
	}
	if status, _, h := c.do("POST", path, "en"); status != 303 || h.Get("Location") != path {
		t.Errorf("paying again: %d %s", status, h.Get("Location"))
	}
}

func TestRefunds(t *testing.T) {
	c := newCounter(t)
	id := c.request()
	c.do("POST", "/pay/"+id, "en")
	c.till.end(payment.Payed, 100)
	c.want("/pay/"+id, "We will refund €31.70")
	if status, _, _ := c.do("GET", "/desk/refunds", "en"); status != 403 {
		t.Errorf("a resident at the desk: %d", status)
	}
	c.actor = accesstest.Clerk("21")
	c.want("/desk/refunds", "There is nothing to refund")
	c.actor = accesstest.Clerk("32")
	_, body, _ := c.do("GET", "/desk/refunds", "en")
	m := regexp.MustCompile(`action="(/desk/refunds/[^"]+)"`).FindStringSubmatch(body)
	if m == nil || !strings.Contains(body, "€31.70") || !strings.Contains(body, "wrong amount charged") || !strings.Contains(body, "/desk/cases/case-1") {
		t.Fatalf("the list lacks the refund:\n%s", body)
	}
	c.actor = accesstest.Clerk("21")
	if status, _, _ := c.do("POST", m[1], "en"); status != 404 {
		t.Errorf("another office notes it: %d", status)
	}
	c.actor = accesstest.Clerk("32")
	if status, _, h := c.do("POST", m[1], "en"); status != 303 || h.Get("Location") != "/desk/refunds?done" {
		t.Errorf("noted: %d %s", status, h.Get("Location"))
	}
	c.want("/desk/refunds?done", "The refund has been noted")
	c.want("/desk/refunds", "There is nothing to refund")
	if status, _, _ := c.do("POST", m[1], "en"); status != 404 {
		t.Errorf("noted twice: %d", status)
	}
	c.actor = accesstest.Anna()
	if _, body, _ := c.do("GET", "/pay/"+id, "en"); strings.Contains(body, "31.70") {
		t.Error("the person is still told of a refund to come")
	}
	// Who has looked at the list of refunds has seen whose they are.
	own := accesstest.Grant(t, accesstest.House(t, c.db), access.Request{Actor: accesstest.Anna(), Action: access.Read, Resource: "ledger", Owner: accesstest.Anna().ID})
	entries, err := accesstest.House(t, c.db).WhoRead(t.Context(), own, "", 10)
	if err != nil || len(entries) != 1 || entries[0].Basis != "§ 812 BGB" {
		t.Errorf("on record: %+v, %v", entries, err)
	}
}

func TestForeignAndNobody(t *testing.T) {
	c := newCounter(t)
	path := "/pay/" + c.request()
	c.actor = accesstest.Bora()
	for _, try := range [][2]string{{"GET", path}, {"POST", path}, {"GET", path + "/return"}, {"GET", "/pay/x"}} {
		if status, body, _ := c.do(try[0], try[1], "en"); status != 404 || strings.Contains(body, "30.70") {
			t.Errorf("%s %s: %d", try[0], try[1], status)
		}
	}
	c.actor = access.Actor{}
	if status, _, h := c.do("GET", path, "en"); status != 303 || !strings.HasPrefix(h.Get("Location"), "/signin?") {
		t.Errorf("nobody: %d %s", status, h.Get("Location"))
	}
	if status, body, _ := c.do("POST", "/webhooks/payment", "en"); status != 403 || !strings.HasPrefix(body, "{") {
		t.Errorf("a call: %d %s", status, body)
	}
}

func TestTemplates(t *testing.T) {
	cat, err := i18n.Load(append(web.Messages(), Messages())...)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := web.NewTemplates(web.TemplateConfig{Catalogue: cat})
	if err != nil {
		t.Fatal(err)
	}
	view, err := web.NewView[payPage](tmpl, templateFS, "templates/pay.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "pay.html", view.Template("de"), web.Page[payPage]{})
	list, err := web.NewView[refundsPage](tmpl, templateFS, "templates/refunds.html")
	if err != nil {
		t.Fatal(err)
	}
	webtest.CheckView(t, "refunds.html", list.Template("de"), web.Page[refundsPage]{})
	for _, reason := range []payment.Reason{payment.Twice, payment.Late, payment.WrongAmount} {
		if !cat.Has("payment.reason." + string(reason)) {
			t.Errorf("payment.reason.%s is missing", reason)
		}
	}
	for _, s := range []payment.State{payment.Open, payment.Initiated, payment.Paid, payment.Cancelled, payment.Failed, payment.Withdrawn} {
		for _, key := range []string{"payment.state." + string(s), "payment.alert." + string(s) + ".title", "payment.alert." + string(s) + ".text"} {
			if !cat.Has(key) {
				t.Errorf("%s is missing", key)
			}
		}
	}
}
