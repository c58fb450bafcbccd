// SPDX-License-Identifier: EUPL-1.2

package postbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/bus"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/postbox"
)

func rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), bus.Migrations(), postbox.Migrations()}
}

func newBox(t testing.TB, db *store.DB) *postbox.Box {
	t.Helper()
	outbox, err := bus.New(bus.Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	b, err := postbox.New(postbox.Config{DB: db, Outbox: outbox, Now: func() time.Time { clock = clock.Add(time.Minute); return clock }})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func deliver(t testing.TB, db *store.DB, b *postbox.Box, m postbox.Message) (id string, err error) {
	t.Helper()
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		id, err = b.Deliver(t.Context(), tx, m)
		return err
	})
	return id, err
}

func TestPostbox(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		b := newBox(t, db)
		checker := accesstest.House(t, db)
		grant := func(a access.Actor, action string) access.Grant {
			r := access.Request{Actor: a, Action: action, Resource: "message"}
			if a.Kind == access.Resident {
				r.Owner = a.ID
			} else {
				r.Office = a.Office
			}
			return accesstest.Grant(t, checker, r)
		}
		var last string
		for i := range 5 {
			var err error
			last, err = deliver(t, db, b, postbox.Message{Person: "person-anna", CaseID: "case-1", Office: "32",
				Subject: i18n.Text{"de": fmt.Sprint("Nachricht ", i), "tr": "İleti"}, Documents: []postbox.Attached{{ID: "d", Title: "Ausweis"}}})
			if err != nil {
				t.Fatal(err)
			}
		}
		var after postbox.After
		var got []string
		for range 3 {
			list, err := b.List(ctx, grant(accesstest.Anna(), access.List), after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range list {
				got = append(got, m.Subject["de"])
				after = postbox.After{SentAt: m.SentAt, ID: m.ID}
			}
		}
		if s := strings.Join(got, ","); s != "Nachricht 4,Nachricht 3,Nachricht 2,Nachricht 1,Nachricht 0" {
			t.Errorf("listed page by page: %s", s)
		}
		if n, err := b.Unread(ctx, "person-anna"); err != nil || n != 5 {
			t.Errorf("%d unread, %v", n, err)
		}
		m, err := b.Read(ctx, grant(accesstest.Anna(), access.Read), last)
		if err != nil || m.Subject.For("tr") != "İleti" || len(m.Documents) != 1 || !m.ReadAt.IsZero() {
			t.Errorf("read: %+v, %v", m, err)
		}
		if m, err = b.Read(ctx, grant(accesstest.Anna(), access.Read), last); err != nil || m.ReadAt.IsZero() {
			t.Errorf("read again: %+v, %v", m, err)
		}
		if n, err := b.Unread(ctx, "person-anna"); err != nil || n != 4 {
			t.Errorf("%d unread after one was read, %v", n, err)
		}

		if _, err := b.Read(ctx, grant(accesstest.Bora(), access.Read), last); !fault.Is(err, fault.NotFound) {
			t.Errorf("another resident: %v", err)
		}
		if list, err := b.List(ctx, grant(accesstest.Bora(), access.List), postbox.After{}, 10); err != nil || len(list) != 0 {
			t.Errorf("another resident sees %d, %v", len(list), err)
		}
		if list, err := b.List(ctx, grant(accesstest.Clerk("32"), access.List), postbox.After{}, 10); err != nil || len(list) != 0 {
			t.Errorf("a clerk has a postbox: %d, %v", len(list), err)
		}
		if list, err := b.OfCase(ctx, grant(accesstest.Clerk("32"), access.Read), "case-1"); err != nil || len(list) != 5 {
			t.Errorf("the office sees %d, %v", len(list), err)
		}
		for _, a := range []access.Actor{accesstest.Clerk("50"), accesstest.Bora()} {
			if list, err := b.OfCase(ctx, grant(a, access.Read), "case-1"); err != nil || len(list) != 0 {
				t.Errorf("%s sees %d, %v", a.ID, len(list), err)
			}
		}
		if _, err := b.Read(ctx, access.Grant{}, last); err == nil {
			t.Error("read without a grant")
		}
	})
}

func TestDeliverRefuses(t *testing.T) {
	db := storetest.SQLite(t, rooms())
	b := newBox(t, db)
	for name, m := range map[string]postbox.Message{
		"to nobody":          {Subject: i18n.Plain("x")},
		"without a subject":  {Person: "p"},
		"only in Turkish":    {Person: "p", Subject: i18n.Text{"tr": "x"}},
		"a long subject":     {Person: "p", Subject: i18n.Plain(strings.Repeat("x", 301))},
		"a long body":        {Person: "p", Subject: i18n.Plain("x"), Body: i18n.Plain(strings.Repeat("x", 100_001))},
		"too many documents": {Person: "p", Subject: i18n.Plain("x"), Documents: make([]postbox.Attached, 21)},
	} {
		if _, err := deliver(t, db, b, m); err == nil {
			t.Errorf("%s was delivered", name)
		}
	}
	if n, err := b.Unread(t.Context(), "p"); err != nil || n != 0 {
		t.Errorf("%d messages, %v", n, err)
	}
}

func BenchmarkList(b *testing.B) {
	db := storetest.SQLite(b, rooms())
	box := newBox(b, db)
	for range 200 {
		if _, err := deliver(b, db, box, postbox.Message{Person: "person-anna", Subject: i18n.Plain("x"), Body: i18n.Plain(strings.Repeat("y", 1000))}); err != nil {
			b.Fatal(err)
		}
	}
	checker := accesstest.AllowAll(b, db)
	g := accesstest.Grant(b, checker, access.Request{Actor: accesstest.Anna(), Action: access.List, Resource: "message", Owner: "person-anna"})
	for b.Loop() {
		if _, err := box.List(b.Context(), g, postbox.After{}, 21); err != nil {
			b.Fatal(err)
		}
	}
}
