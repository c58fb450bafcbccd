// SPDX-License-Identifier: EUPL-1.2

package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// The example of the Standard Webhooks specification.
func TestTheSignatureIsThatOfStandardWebhooks(t *testing.T) {
	const secret, id, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", `{"test": 2432232314}`
	at := time.Unix(1614265330, 0)
	got, err := sign(secret, id, at, []byte(body))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Fatalf("%s %v", got, err)
	}
	header := func(id, at, sig string) http.Header {
		h := http.Header{}
		h.Set("webhook-id", id)
		h.Set("webhook-timestamp", at)
		h.Set("webhook-signature", sig)
		return h
	}
	for _, c := range []struct {
		name   string
		header http.Header
		body   string
		now    time.Time
		ok     bool
	}{
		{"as sent", header(id, "1614265330", got), body, at, true},
		{"with the old secret's signature before it", header(id, "1614265330", "v1,AAAA "+got), body, at, true},
		{"another body", header(id, "1614265330", got), `{"test": 1}`, at, false},
		{"another id", header("msg_x", "1614265330", got), body, at, false},
		{"another time", header(id, "1614265331", got), body, at, false},
		{"sent again an hour later", header(id, "1614265330", got), body, at.Add(time.Hour), false},
		{"no signature", header(id, "1614265330", ""), body, at, false},
		{"no time", header(id, "", got), body, at, false},
	} {
		if err := Verify(secret, c.header, []byte(c.body), c.now); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestOnlyPublicAddressesAreCalled(t *testing.T) {
	for addr, public := range map[string]bool{
		"93.184.215.14": true, "2606:2800:21f:cb07:6820:80da:af6b:8b2c": true, "8.8.8.8": true,
		"127.0.0.1": false, "127.255.0.9": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "255.255.255.255": false, "224.0.0.1": false,
		"198.18.0.1": false, "192.0.2.7": false, "240.0.0.1": false, "::1": false, "::": false, "fe80::1": false, "fc00::1": false,
		"fd12:3456::1": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::127.0.0.1": false, "64:ff9b::7f00:1": false,
		"2002:7f00:1::": false, "ff02::1": false, "2001:db8::1": false, "2001:0:1::1": false,
	} {
		if Public(netip.MustParseAddr(addr)) != public {
			t.Errorf("%s: public is not %v", addr, public)
		}
	}
	for u, want := range map[string][2]bool{ // in production, in the demo
		"https://example.org/hook":                   {true, true},
		"https://example.org:8443/hook?a=b":          {true, true},
		"http://example.org/hook":                    {false, false},
		"https://example.org:22/":                    {false, false},
		"https://user:pass@example.org/":             {false, false},
		"https://127.0.0.1/":                         {false, true},
		"http://127.0.0.1:9000/hook":                 {false, true},
		"http://[::1]:9000/hook":                     {false, true},
		"http://localhost:9000/":                     {false, true},
		"https://169.254.169.254/latest":             {false, false},
		"https://[::ffff:10.0.0.1]/":                 {false, false},
		"https://intranet/":                          {false, false},
		"file:///etc/passwd":                         {false, false},
		"gopher://example.org/":                      {false, false},
		"https:example.org":                          {false, false},
		"https://":                                   {false, false},
		"":                                           {false, false},
		"https://example.org/#x":                     {false, false},
		"https://e.org/" + strings.Repeat("a", 2000): {false, false},
	} {
		for i, loopback := range []bool{false, true} {
			if err := checkURL("test", u, loopback); (err == nil) != want[i] {
				t.Errorf("%.40s, loopback %v: %v", u, loopback, err)
			}
		}
	}
	// A name that resolves to such an address is refused when it is dialled.
	db := storetest.SQLite(t, rooms())
	for _, loopback := range []bool{false, true} {
		s, _, _ := house(t, db, loopback, nil)
		for addr, ok := range map[string]bool{"93.184.215.14:443": true, "10.0.0.1:443": false, "[::ffff:192.168.0.1]:443": false, "127.0.0.1:80": loopback, "[fe80::1%eth0]:443": false} {
			if err := s.admit("tcp", addr, nil); (err == nil) != ok {
				t.Errorf("%s, loopback %v: %v", addr, loopback, err)
			}
		}
	}
}

// FuzzURL: whatever is taken as an address is https, or on this machine in the demo,
// and names no other address that isn't public.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"https://example.org/hook", "http://127.0.0.1:8080/", "https://[::ffff:10.0.0.1]/", "https://0x7f.1/", "https://[fe80::1%25eth0]/", "https://user@example.org"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, loopback := range []bool{false, true} {
			if checkURL("test", s, loopback) != nil {
				continue
			}
			u, err := url.Parse(s)
			if err != nil || u.User != nil || u.Host == "" || u.Scheme != "https" && !loopback {
				t.Fatalf("%q was taken", s)
			}
			if a, err := netip.ParseAddr(u.Hostname()); err == nil && !Public(a) && (!loopback || !a.Unmap().IsLoopback()) {
				t.Fatalf("%q was taken", s)
			}
		}
	})
}

func rooms() []store.Migrations {
	return []store.Migrations{job.Migrations(), bus.Migrations(), Migrations()}
}

func house(t *testing.T, db *store.DB, loopback bool, now func() time.Time) (*Service, *job.Queue, *bus.Outbox) {
	t.Helper()
	q, err := job.NewQueue(job.Config{DB: db, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewService(Config{DB: db, Jobs: q, Key: make([]byte, 32), Loopback: loopback, Now: now,
		OfficeOf: func(_ context.Context, _ store.Q, subject string) (string, error) {
			return map[string]string{"case of 21": "21"}[subject], nil
		}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := bus.New(bus.Config{DB: db, Handlers: []bus.Handler{s.Handler()}, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s, q, o
}

func client(id, office string) access.Actor {
	return access.Actor{Kind: access.Machine, ID: id, Office: office}
}

// receiver is somebody else's server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	got    []message
}

type message struct {
	header http.Header
	body   string
}

func receive(t *testing.T) *receiver {
	r := &receiver{status: 200}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, message{req.Header, string(b)})
		if r.status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestEventsReachTheirSubscribersWithOneBodyForOneID(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		clock := time.Now()
		now := func() time.Time { return clock }
		s, q, o := house(t, db, true, now)
		r := receive(t)
		sub, secret, err := s.Subscribe(ctx, client("kfz", "32"), New{URL: r.URL + "/hook", Types: []string{"eu.mercator.case."}})
		if err != nil {
			t.Fatal(err)
		}
		publish := func(typ, office string) {
			t.Helper()
			data, _ := json.Marshal(map[string]string{"office": office})
			if err := db.Write(ctx, func(tx *store.Tx) error {
				return o.Publish(ctx, tx, bus.Event{Type: typ, Subject: "c1", Time: clock, Data: data})
			}); err != nil {
				t.Fatal(err)
			}
		}
		work := func(rounds int) {
			t.Helper()
			for range rounds {
				if err := errors.Join(o.Drain(ctx), q.Drain(ctx)); err != nil {
					t.Fatal(err)
				}
				clock = clock.Add(2 * time.Hour)
			}
		}
		publish("eu.mercator.case.opened", "32")
		publish("eu.mercator.case.opened", "21") // another office's
		publish("eu.mercator.payment.paid", "32")
		if err := db.Write(ctx, func(tx *store.Tx) error { // also another office's, without saying so
			return o.Publish(ctx, tx, bus.Event{Type: "eu.mercator.case.closed", Subject: "case of 21", Time: clock})
		}); err != nil {
			t.Fatal(err)
		}
		r.status = http.StatusFound // a redirect is a failure and isn't followed
		work(1)
		r.status = 500
		work(2)
		newSecret, err := s.Rotate(ctx, client("kfz", "32"), sub.ID)
		if err != nil {
			t.Fatal(err)
		}
		r.status = 204
		work(2)
		if len(r.got) != 4 {
			t.Fatalf("%d calls, want 4", len(r.got))
		}
		for _, m := range r.got {
			if m.body != r.got[0].body || m.header.Get("webhook-id") != r.got[0].header.Get("webhook-id") {
				t.Errorf("one id, two bodies: %s", m.body)
			}
		}
		var e struct{ SpecVersion, ID, Type, Subject string }
		last := r.got[3]
		if err := json.Unmarshal([]byte(last.body), &e); err != nil || e.SpecVersion != "1.0" || e.ID != last.header.Get("webhook-id") {
			t.Errorf("not a CloudEvent: %s", last.body)
		}
		at := clock.Add(-4 * time.Hour)
		for _, key := range []string{secret, newSecret} {
			if err := Verify(key, last.header, []byte(last.body), at); err != nil {
				t.Errorf("while a secret is changed both hold: %v", err)
			}
		}
		list, err := s.Deliveries(ctx, client("kfz", "32"), sub.ID, "", 10)
		if err != nil || len(list) != 1 || list[0].State != Delivered || list[0].Attempts != 4 || list[0].Status != 204 {
			t.Errorf("%+v %v", list, err)
		}
		if err := s.Redeliver(ctx, client("kfz", "32"), sub.ID, list[0].ID); err != nil {
			t.Error(err)
		}
		work(1)
		if len(r.got) != 5 || r.got[4].body != last.body {
			t.Errorf("%d calls after sending again", len(r.got))
		}
		// 410 Gone ends it.
		r.status = http.StatusGone
		publish("eu.mercator.case.closed", "32")
		work(2)
		publish("eu.mercator.case.closed", "32")
		work(2)
		if got, err := s.Get(ctx, client("kfz", "32"), sub.ID); err != nil || got.State != Suspended || len(r.got) != 6 {
			t.Errorf("%+v %v, %d calls", got, err, len(r.got))
		}
	})
}

func TestAnAddressThatNeverAnswersIsSuspended(t *testing.T) {
	ctx := context.Background()
	db := storetest.SQLite(t, rooms())
	clock := time.Now()
	s, q, o := house(t, db, true, func() time.Time { return clock })
	r := receive(t)
	r.Close() // nobody is there
	sub, _, err := s.Subscribe(ctx, client("a", ""), New{URL: r.URL, Types: []string{"eu.mercator."}})
	if err != nil {
		t.Fatal(err)
	}
	for range suspendAfter {
		if err := db.Write(ctx, func(tx *store.Tx) error {
			return o.Publish(ctx, tx, bus.Event{Type: "eu.mercator.case.opened", Time: clock})
		}); err != nil {
			t.Fatal(err)
		}
	}
	for range attempts + 1 {
		if err := errors.Join(o.Drain(ctx), q.Drain(ctx)); err != nil {
			t.Fatal(err)
		}
		clock = clock.Add(2 * time.Hour)
	}
	if got, err := s.Get(ctx, client("a", ""), sub.ID); err != nil || got.State != Suspended {
		t.Errorf("%+v %v", got, err)
	}
	list, err := s.Deliveries(ctx, client("a", ""), sub.ID, "", 100)
	if err != nil || len(list) != suspendAfter || list[0].State != GivenUp || list[0].Error == "" {
		t.Errorf("%d deliveries, %v", len(list), err)
	}
	yes := true
	if got, err := s.Change(ctx, client("a", ""), sub.ID, Change{Active: &yes}); err != nil || got.State != Active {
		t.Errorf("%+v %v", got, err)
	}
	clock = clock.Add(2 * keep)
	if err := s.Sweep(ctx); err != nil {
		t.Error(err)
	}
	if list, err := s.Deliveries(ctx, client("a", ""), sub.ID, "", 100); err != nil || len(list) != 0 {
		t.Errorf("%d deliveries after the sweep, %v", len(list), err)
	}
}

func TestASubscriptionIsItsOwners(t *testing.T) {
	ctx := context.Background()
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		s, _, _ := house(t, db, false, nil)
		mine, other := client("a", ""), client("b", "")
		sub, secret, err := s.Subscribe(ctx, mine, New{URL: "https://example.org/", Types: []string{"eu.mercator."}})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := store.One(ctx, db, scanSubscription, subscriptionByID, sub.ID)
		if err != nil || strings.Contains(raw.secret, strings.TrimPrefix(secret, secretPrefix)) {
			t.Errorf("the secret can be read in the database: %v", err)
		}
		_, rotate := s.Rotate(ctx, other, sub.ID)
		_, get := s.Get(ctx, other, sub.ID)
		_, change := s.Change(ctx, other, sub.ID, Change{})
		_, deliveries := s.Deliveries(ctx, other, sub.ID, "", 1)
		for name, err := range map[string]error{"rotate": rotate, "get": get, "change": change, "deliveries": deliveries,
			"delete": s.Delete(ctx, other, sub.ID), "redeliver": s.Redeliver(ctx, other, sub.ID, "x")} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s by somebody else: %v", name, err)
			}
		}
		for _, n := range []New{{URL: "https://10.0.0.1/", Types: []string{"eu."}}, {URL: "https://example.org/"}, {URL: "https://example.org/", Types: []string{"EU *"}},
			{URL: "https://example.org/", Types: []string{"eu."}, Description: strings.Repeat("x", 501)}} {
			if _, _, err := s.Subscribe(ctx, mine, n); !fault.Is(err, fault.Invalid) {
				t.Errorf("%+v: %v", n, err)
			}
		}
		for i := 1; i <= maxSubscriptions; i++ {
			_, _, err := s.Subscribe(ctx, mine, New{URL: "https://example.org/", Types: []string{"eu.mercator."}})
			if (err == nil) != (i < maxSubscriptions) {
				t.Errorf("number %d: %v", i+1, err)
			}
		}
		if err := s.Delete(ctx, mine, sub.ID); err != nil {
			t.Error(err)
		}
		if list, err := s.List(ctx, mine); err != nil || len(list) != maxSubscriptions-1 {
			t.Errorf("%d, %v", len(list), err)
		}
	})
}
