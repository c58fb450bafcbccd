// SPDX-License-Identifier: EUPL-1.2

package paydemo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mercator/adapter/paydemo"
	"mercator/adapter/xbezahl"
	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
)

const secret = "the secret that signs the calls"

// town is a cash desk and a provider, each on its own socket.
type town struct {
	t        *testing.T
	desk     *payment.Service
	checker  *access.Checker
	db       *store.DB
	provider *paydemo.Provider
	config   paydemo.Config
	stop     func()
	webhook  string
	shift    atomic.Int64 // seconds that both clocks are ahead
	failPaid atomic.Bool  // the process refuses the message
	lose     atomic.Bool  // the provider's answer to a new checkout is lost
	die      atomic.Bool  // we are killed before we have stored that answer

	mu      sync.Mutex
	paid    []string // cases that the process has heard of
	events  []string
	states  []payment.State // as the file of the case hears of them
	refunds []string
	calls   []int         // how we answered the provider's calls
	last    *http.Request // the last call
	body    []byte
}

func (tn *town) now() time.Time { return time.Now().Add(time.Duration(tn.shift.Load()) * time.Second) }

// losing loses the answer to Create when it is told to: the provider has heard us, we haven't heard it.
type losing struct {
	payment.Provider
	tn *town
}

func (l losing) Create(ctx context.Context, c payment.Checkout) (payment.Status, error) {
	s, err := l.Provider.Create(ctx, c)
	if l.tn.die.Load() {
		panic("killed")
	}
	if l.tn.lose.Load() {
		return payment.Status{}, fault.New(fault.Unavailable, "test", "")
	}
	return s, err
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func newTown(t *testing.T, db *store.DB) *town {
	t.Helper()
	tn := &town{t: t, db: db, checker: accesstest.House(t, db)}
	portal, provider := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	base := "http://" + portal.Addr().String()
	tn.webhook = base + "/webhooks/payment"
	tn.config = paydemo.Config{BaseURL: "http://" + provider.Addr().String(), DataDir: t.TempDir(), Payee: "Stadt Duisburg",
		Originator: "99108001", EndPoint: "05112000", User: "mercator", Password: "pw", CallbackURL: tn.webhook, Secret: []byte(secret), Now: tn.now}
	tn.start(provider)
	client, err := xbezahl.New(xbezahl.Config{BaseURL: tn.provider.APIBase(), Originator: "99108001", EndPoint: "05112000", Authorize: xbezahl.Basic("mercator", "pw")})
	if err != nil {
		t.Fatal(err)
	}
	tn.desk, err = payment.New(payment.Config{DB: db, Provider: losing{client, tn}, BaseURL: base, Now: tn.now,
		OnPaid: func(ctx context.Context, tx *store.Tx, p payment.Payment) error {
			if tn.failPaid.Load() {
				return errors.New("the process isn't ready")
			}
			tx.AfterCommit(func() {
				tn.mu.Lock()
				defer tn.mu.Unlock()
				tn.paid = append(tn.paid, p.Case)
			})
			return nil
		},
		OnChange: func(ctx context.Context, tx *store.Tx, p payment.Payment) error {
			tx.AfterCommit(func() {
				tn.mu.Lock()
				defer tn.mu.Unlock()
				tn.states = append(tn.states, p.State)
			})
			return nil
		},
		OnRefund: func(ctx context.Context, tx *store.Tx, p payment.Payment, cents int64, reason payment.Reason) error {
			tx.AfterCommit(func() {
				tn.mu.Lock()
				defer tn.mu.Unlock()
				tn.refunds = append(tn.refunds, fmt.Sprint(reason, " ", cents))
			})
			return nil
		},
		Publish: func(ctx context.Context, tx *store.Tx, kind, subject string, data any) error {
			text, err := json.Marshal(data)
			if err != nil || strings.Contains(string(text), "person-") {
				return fmt.Errorf("the event says %s, %v", text, err)
			}
			tx.AfterCommit(func() {
				tn.mu.Lock()
				defer tn.mu.Unlock()
				tn.events = append(tn.events, strings.TrimPrefix(kind, "eu.mercator.payment."))
			})
			return nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	hook := &xbezahl.Webhook{Secret: []byte(secret), Take: tn.desk.Call, Now: tn.now}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/webhooks/payment" {
			io.WriteString(w, "back at the city")
			return
		}
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		status := http.StatusNoContent
		if err := hook.Handle(w, r); err != nil {
			status = map[fault.Kind]int{fault.Denied: 403, fault.Conflict: 409, fault.Invalid: 422, fault.NotFound: 404}[fault.KindOf(err)]
			if status == 0 {
				status = 500
			}
			w.WriteHeader(status)
		}
		tn.mu.Lock()
		defer tn.mu.Unlock()
		tn.calls, tn.last, tn.body = append(tn.calls, status), r, body
	})}
	go srv.Serve(portal)
	t.Cleanup(func() { srv.Close() })
	return tn
}

func (tn *town) start(l net.Listener) {
	tn.t.Helper()
	p, err := paydemo.New(tn.config)
	if err != nil {
		tn.t.Fatal(err)
	}
	tn.provider = p
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Serve(ctx, l) }()
	var once sync.Once
	tn.stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				tn.t.Errorf("the provider stopped with %v", err)
			}
			p.Close()
		})
	}
	tn.t.Cleanup(func() { tn.stop() })
}

var anna = accesstest.Anna()

func (tn *town) grant(a access.Actor, action string) access.Grant {
	tn.t.Helper()
	return accesstest.Grant(tn.t, tn.checker, access.Request{Actor: a, Action: action, Resource: "payment", Purpose: "own data"})
}

func (tn *town) request(caseID string, cents int64) string {
	tn.t.Helper()
	var id string
	if err := tn.db.Write(tn.t.Context(), func(tx *store.Tx) (err error) {
		id, err = tn.desk.Request(tn.t.Context(), tx, payment.Order{CaseID: caseID, Person: anna.ID, Office: "32", Service: "resident-parking",
			Cents: cents, Purpose: "Bewohnerparkausweis Gebühr für zwölf Monate", Lang: "de"})
		return err
	}); err != nil {
		tn.t.Fatal(err)
	}
	return id
}

func (tn *town) begin(id string) string {
	tn.t.Helper()
	checkout, err := tn.desk.Begin(tn.t.Context(), tn.grant(anna, access.Change), id)
	if err != nil {
		tn.t.Fatal(err)
	}
	return checkout
}

// choose answers the checkout's page as a person does and follows the way back.
func (tn *town) choose(checkout, end string) {
	tn.t.Helper()
	page, err := http.Get(checkout)
	if err != nil {
		tn.t.Fatal(err)
	}
	text, _ := io.ReadAll(page.Body)
	page.Body.Close()
	if !strings.Contains(string(text), "Stadt Duisburg") || !strings.Contains(string(text), "30,70") {
		tn.t.Fatalf("the checkout says\n%s", text)
	}
	form := url.Values{"end": {end}, "step": {"pay"}}
	if end == "cancel" {
		form = url.Values{"end": {"paid"}, "step": {"cancel"}}
	}
	resp, err := http.PostForm(checkout, form)
	if err != nil {
		tn.t.Fatal(err)
	}
	back, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if string(back) != "back at the city" {
		tn.t.Fatalf("after the checkout at %s (%d): %s", resp.Request.URL, resp.StatusCode, back)
	}
}

// called waits until the provider has called n times.
func (tn *town) called(n int) []int {
	tn.t.Helper()
	for range 500 {
		tn.mu.Lock()
		calls := append([]int(nil), tn.calls...)
		tn.mu.Unlock()
		if len(calls) >= n {
			return calls
		}
		time.Sleep(10 * time.Millisecond)
	}
	tn.t.Fatalf("the provider didn't call %d times: %v", n, tn.calls)
	return nil
}

// want checks how a payment stands, what the process and the events have heard, and what is owed back.
func (tn *town) want(id string, state payment.State, refund int64, heard int, events string) {
	tn.t.Helper()
	p, err := tn.desk.Get(tn.t.Context(), tn.grant(anna, access.Read), id)
	if err != nil {
		tn.t.Fatal(err)
	}
	tn.mu.Lock()
	defer tn.mu.Unlock()
	got := strings.Join(tn.events, " ")
	if p.State != state || p.RefundDue != refund || len(tn.paid) != heard || got != events {
		tn.t.Fatalf("payment %s, refund %d, the process heard %d, events %q; want %s, %d, %d, %q",
			p.State, p.RefundDue, len(tn.paid), got, state, refund, heard, events)
	}
}

func TestEndings(t *testing.T) {
	rooms := []store.Migrations{audit.Migrations(), payment.Migrations()}
	const cents = 3070
	tests := []struct {
		name string
		run  func(t *testing.T, tn *town, id string)
	}{
		{"paid", func(t *testing.T, tn *town, id string) {
			tn.want(id, payment.Open, 0, 0, "requested")
			tn.choose(tn.begin(id), "paid")
			if calls := tn.called(1); calls[0] != 204 {
				t.Errorf("calls %v", calls)
			}
			tn.want(id, payment.Paid, 0, 1, "requested paid")
			if _, err := tn.desk.Begin(t.Context(), tn.grant(anna, access.Change), id); !fault.Is(err, fault.Conflict) {
				t.Errorf("paying again: %v", err)
			}
			if _, open, err := tn.desk.OpenFor(t.Context(), "case-1"); open || err != nil {
				t.Errorf("still owed: %v, %v", open, err)
			}
		}},
		{"cancelled, then paid", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "cancel")
			tn.called(1)
			tn.want(id, payment.Cancelled, 0, 0, "requested cancelled")
			tn.choose(tn.begin(id), "paid")
			tn.called(2)
			tn.want(id, payment.Paid, 0, 1, "requested cancelled paid")
		}},
		{"declined, then paid", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "fails")
			tn.called(1)
			tn.want(id, payment.Failed, 0, 0, "requested failed")
			tn.choose(tn.begin(id), "paid")
			tn.called(2)
			tn.want(id, payment.Paid, 0, 1, "requested failed paid")
		}},
		{"call lost, the person comes back", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "lost")
			tn.want(id, payment.Initiated, 0, 0, "requested")
			p, err := tn.desk.Refresh(t.Context(), tn.grant(anna, access.Read), id)
			if err != nil || p.State != payment.Paid {
				t.Fatalf("back: %+v, %v", p, err)
			}
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"call lost, nobody comes back", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "lost")
			if n, err := tn.desk.Reconcile(t.Context(), 10); n != 0 || err != nil {
				t.Errorf("asked too early: %d, %v", n, err)
			}
			tn.shift.Add(11)
			if n, err := tn.desk.Reconcile(t.Context(), 10); n != 1 || err != nil {
				t.Errorf("asked about %d, %v", n, err)
			}
			tn.want(id, payment.Paid, 0, 1, "requested paid")
			tn.shift.Add(100_000)
			if n, _ := tn.desk.Reconcile(t.Context(), 10); n != 0 {
				t.Errorf("asked again about what is over")
			}
		}},
		{"charged twice", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "twice")
			tn.called(2)
			tn.want(id, payment.Paid, cents, 1, "requested paid refund_due")
			if got := fmt.Sprint(tn.states, tn.refunds); got != "[open paid] [twice 3070]" && got != "[open paid][twice 3070]" {
				t.Errorf("the file of the case heard %s", got)
			}
			clerk := accesstest.Clerk("32")
			refunds, err := tn.desk.Refunds(t.Context(), tn.grant(clerk, access.List), "", 10)
			if err != nil || len(refunds) != 1 || refunds[0].Cents != cents || refunds[0].Reason != payment.Twice {
				t.Errorf("refunds %+v, %v", refunds, err)
			}
			if other, _ := tn.desk.Refunds(t.Context(), tn.grant(accesstest.Clerk("21"), access.List), "", 10); len(other) != 0 {
				t.Errorf("another office sees %+v", other)
			}
		}},
		{"two tabs, one checkout", func(t *testing.T, tn *town, id string) {
			first := tn.begin(id)
			if again := tn.begin(id); again != first {
				t.Errorf("two tabs lead to two checkouts: %s, %s", first, again)
			}
			tn.choose(first, "paid")
			tn.called(1)
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"forged call", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "forged")
			if calls := tn.called(1); calls[0] != 403 {
				t.Errorf("the forged call was answered %v", calls)
			}
			tn.want(id, payment.Initiated, 0, 0, "requested")
		}},
		{"wrong amount", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "wrong")
			tn.called(1)
			tn.want(id, payment.Failed, cents+100, 0, "requested refund_due failed")
			tn.choose(tn.begin(id), "paid")
			tn.called(2)
			tn.want(id, payment.Paid, cents+100, 1, "requested refund_due failed paid")
		}},
		{"late, after the case has ended", func(t *testing.T, tn *town, id string) {
			checkout := tn.begin(id)
			if err := tn.db.Write(t.Context(), func(tx *store.Tx) error { return tn.desk.Withdraw(t.Context(), tx, "case-1") }); err != nil {
				t.Fatal(err)
			}
			tn.want(id, payment.Withdrawn, 0, 0, "requested withdrawn")
			if _, err := tn.desk.Begin(t.Context(), tn.grant(anna, access.Change), id); !fault.Is(err, fault.Conflict) {
				t.Errorf("paying for a case that has ended: %v", err)
			}
			tn.choose(checkout, "paid")
			tn.called(1)
			tn.want(id, payment.Withdrawn, cents, 0, "requested withdrawn refund_due")
		}},
		{"late, after the case has ended, call lost", func(t *testing.T, tn *town, id string) {
			checkout := tn.begin(id)
			if err := tn.db.Write(t.Context(), func(tx *store.Tx) error { return tn.desk.Withdraw(t.Context(), tx, "case-1") }); err != nil {
				t.Fatal(err)
			}
			tn.choose(checkout, "lost")
			tn.shift.Add(11)
			if _, err := tn.desk.Reconcile(t.Context(), 10); err != nil {
				t.Fatal(err)
			}
			tn.want(id, payment.Withdrawn, cents, 0, "requested withdrawn refund_due")
		}},
		{"replayed call", func(t *testing.T, tn *town, id string) {
			tn.choose(tn.begin(id), "paid")
			tn.called(1)
			replay := func() int {
				r, _ := http.NewRequest("POST", tn.webhook, bytes.NewReader(tn.body))
				r.Header = tn.last.Header.Clone()
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				return resp.StatusCode
			}
			if s := replay(); s != 409 {
				t.Errorf("the same call again: %d", s)
			}
			tn.shift.Add(6 * 60)
			if s := replay(); s != 403 {
				t.Errorf("the same call later: %d", s)
			}
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"a call about somebody else's transaction", func(t *testing.T, tn *town, id string) {
			body := []byte(`{"transactionId":"unknown"}`)
			r, _ := http.NewRequest("POST", tn.webhook, bytes.NewReader(body))
			r.Header.Set(xbezahl.SignatureHeader, xbezahl.Sign([]byte(secret), tn.now(), "a-nonce-of-16-bytes", body))
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != 404 {
				t.Errorf("answered %d", resp.StatusCode)
			}
			tn.want(id, payment.Open, 0, 0, "requested")
		}},
		{"the process refuses, later it takes the message", func(t *testing.T, tn *town, id string) {
			tn.failPaid.Store(true)
			tn.choose(tn.begin(id), "paid")
			if calls := tn.called(1); calls[0] != 500 {
				t.Errorf("calls %v", calls)
			}
			tn.want(id, payment.Initiated, 0, 0, "requested") // the money isn't booked without the message
			tn.failPaid.Store(false)
			tn.shift.Add(30)
			tn.called(2)
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"provider killed between payment and call", func(t *testing.T, tn *town, id string) {
			checkout := tn.begin(id)
			tn.stop()
			// Killed: its books are as they are, with half a line at the end.
			books := filepath.Join(tn.config.DataDir, "payment-provider.jsonl")
			f, err := os.OpenFile(books, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			f.WriteString(`{"id":"half`)
			f.Close()
			if _, err := tn.desk.Begin(t.Context(), tn.grant(anna, access.Change), id); !fault.Is(err, fault.Unavailable) {
				t.Errorf("the provider is down: %v", err)
			}
			if p, err := tn.desk.Refresh(t.Context(), tn.grant(anna, access.Read), id); err != nil || p.State != payment.Initiated {
				t.Errorf("back while the provider is down: %+v, %v", p, err)
			}
			tn.start(listen(t, strings.TrimPrefix(tn.config.BaseURL, "http://")))
			tn.choose(checkout, "paid")
			tn.called(1)
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"provider has lost its books", func(t *testing.T, tn *town, id string) {
			first := tn.begin(id)
			tn.stop()
			if err := os.Remove(filepath.Join(tn.config.DataDir, "payment-provider.jsonl")); err != nil {
				t.Fatal(err)
			}
			tn.start(listen(t, strings.TrimPrefix(tn.config.BaseURL, "http://")))
			second := tn.begin(id)
			if second == first {
				t.Error("led to a checkout that isn't there")
			}
			tn.choose(second, "paid")
			tn.called(1)
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"answer to our request lost", func(t *testing.T, tn *town, id string) {
			tn.lose.Store(true)
			if _, err := tn.desk.Begin(t.Context(), tn.grant(anna, access.Change), id); !fault.Is(err, fault.Unavailable) {
				t.Fatalf("got %v", err)
			}
			tn.lose.Store(false)
			tn.want(id, payment.Open, 0, 0, "requested")
			text, err := os.ReadFile(filepath.Join(tn.config.DataDir, "payment-provider.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			var lost struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(bytes.TrimSpace(text), &lost); err != nil {
				t.Fatal(err)
			}
			tn.choose(tn.begin(id), "paid")
			tn.called(1)
			// Nobody knows the way to the lost checkout; if somebody pays there nevertheless, the money isn't lost.
			tn.choose(tn.config.BaseURL+"/checkout/"+lost.ID, "paid")
			tn.called(2)
			tn.want(id, payment.Paid, cents, 1, "requested paid refund_due")
		}},
		{"killed before the provider's answer was stored", func(t *testing.T, tn *town, id string) {
			grant := tn.grant(anna, access.Change)
			tn.die.Store(true)
			func() {
				defer func() { recover() }()
				tn.desk.Begin(t.Context(), grant, id)
				t.Error("not killed")
			}()
			tn.die.Store(false)
			tn.want(id, payment.Initiated, 0, 0, "requested")
			text, err := os.ReadFile(filepath.Join(tn.config.DataDir, "payment-provider.jsonl"))
			if err != nil {
				t.Fatal(err)
			}
			var lost struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(bytes.TrimSpace(text), &lost); err != nil {
				t.Fatal(err)
			}
			// The request is ours: money that comes for it is booked although we never heard of the transaction.
			tn.choose(tn.config.BaseURL+"/checkout/"+lost.ID, "paid")
			tn.called(1)
			tn.want(id, payment.Paid, 0, 1, "requested paid")
		}},
		{"killed before the provider's answer was stored, tried again", func(t *testing.T, tn *town, id string) {
			grant := tn.grant(anna, access.Change)
			tn.die.Store(true)
			func() {
				defer func() { recover() }()
				tn.desk.Begin(t.Context(), grant, id)
			}()
			tn.die.Store(false)
			tn.choose(tn.begin(id), "paid")
			tn.called(1)
			tn.want(id, payment.Paid, 0, 1, "requested paid")
			if err := tn.desk.Forget(t.Context()); err != nil {
				t.Error(err)
			}
		}},
		{"two tabs at once", func(t *testing.T, tn *town, id string) {
			grant := tn.grant(anna, access.Change)
			var wg sync.WaitGroup
			got := make([]string, 8)
			for i := range got {
				wg.Go(func() {
					checkout, err := tn.desk.Begin(t.Context(), grant, id)
					if err != nil {
						t.Error(err)
					}
					got[i] = checkout
				})
			}
			wg.Wait()
			for _, g := range got {
				if g != got[0] || g == "" {
					t.Errorf("checkouts %v", got)
				}
			}
		}},
		{"foreign", func(t *testing.T, tn *town, id string) {
			bora := accesstest.Bora()
			if _, err := tn.desk.Get(t.Context(), tn.grant(bora, access.Read), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("sees it: %v", err)
			}
			if _, err := tn.desk.Begin(t.Context(), tn.grant(bora, access.Change), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("begins it: %v", err)
			}
			if _, err := tn.desk.Refresh(t.Context(), tn.grant(bora, access.Read), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("refreshes it: %v", err)
			}
			if _, err := tn.desk.Begin(t.Context(), tn.grant(anna, access.Read), id); !fault.Is(err, fault.Internal) {
				t.Errorf("a grant to read begins it: %v", err)
			}
			if _, err := tn.desk.Get(t.Context(), tn.grant(accesstest.Clerk("21"), access.Read), id); !fault.Is(err, fault.NotFound) {
				t.Errorf("another office sees it: %v", err)
			}
			if _, err := tn.desk.Get(t.Context(), tn.grant(accesstest.Clerk("32"), access.Read), id); err != nil {
				t.Errorf("its own office doesn't see it: %v", err)
			}
			if _, err := tn.desk.Get(t.Context(), tn.grant(anna, access.Read), "' OR 1=1"); !fault.Is(err, fault.NotFound) {
				t.Errorf("no id: %v", err)
			}
		}},
		{"asked for again", func(t *testing.T, tn *town, id string) {
			if again := tn.request("case-1", cents); again != id {
				t.Errorf("two payments for one case: %s, %s", id, again)
			}
			free := tn.request("case-2", 0)
			tn.want(free, payment.Paid, 0, 1, "requested requested paid")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			storetest.Each(t, rooms, func(t *testing.T, db *store.DB) {
				tn := newTown(t, db)
				tt.run(t, tn, tn.request("case-1", cents))
			})
		})
	}
}
