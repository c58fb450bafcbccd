// SPDX-License-Identifier: EUPL-1.2

// Package noticetest builds a writing office for tests. Nothing but tests imports it.
package noticetest

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/blob"
	"mercator/core/bus"
	"mercator/core/pdf"
	"mercator/core/store"
	"mercator/domain/notice"
	"mercator/domain/service"
)

// Rooms are the tables that an office needs.
func Rooms() []store.Migrations {
	return []store.Migrations{audit.Migrations(), bus.Migrations(), service.Migrations(), notice.Migrations()}
}

// Office is a writing office over the services of content.
type Office struct {
	t         testing.TB
	DB        *store.DB
	Desk      *notice.Desk
	Access    *access.Checker
	Services  *service.Catalog
	Delivered []notice.Delivery
	Recorded  []notice.Document
	now       atomic.Int64
}

// New makes an office. The database needs Rooms.
func New(t testing.TB, db *store.DB) *Office {
	t.Helper()
	o := &Office{t: t, DB: db, Access: accesstest.House(t, db)}
	o.At("2026-12-01T09:00:00Z")
	now := func() time.Time { return time.UnixMicro(o.now.Load()).UTC() }
	_, here, _, _ := runtime.Caller(0)
	o.Services = service.NewCatalog(db, now)
	if err := o.Services.Load(t.Context(), os.DirFS(filepath.Join(filepath.Dir(here), "../../../content/services"))); err != nil {
		t.Fatal(err)
	}
	blobs, err := blob.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	outbox, err := bus.New(bus.Config{DB: db, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	renderer, err := pdf.New(pdf.Config{})
	if err != nil {
		t.Fatal(err)
	}
	cat, err := i18n.Load(notice.Messages())
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o.Desk, err = notice.New(notice.Config{DB: db, Blobs: blobs, Renderer: renderer, Outbox: outbox, Catalogue: cat, Now: now, Zone: berlin,
		BaseURL: "https://portal.example/", Service: o.Services.Version,
		City: notice.City{Name: "Stadt Duisburg", ReturnLine: "Stadt Duisburg · Burgplatz 19 · 47051 Duisburg", Footer: []string{"Stadt Duisburg\nBurgplatz 19"}},
		Office: func(string) notice.Office {
			return notice.Office{Name: "Bürger- und Ordnungsamt", Phone: "0203 94032"}
		},
		Deliver: func(_ context.Context, _ *store.Tx, d notice.Delivery) error {
			o.Delivered = append(o.Delivered, d)
			return nil
		},
		Record: func(_ context.Context, _ *store.Tx, d notice.Document) error {
			o.Recorded = append(o.Recorded, d)
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// At sets the clock.
func (o *Office) At(s string) {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		o.t.Fatal(err)
	}
	o.now.Store(t.UnixMicro())
}

// CaseID is the case of Permit.
const CaseID = "01900000-0000-7000-8000-000000000001"

// Permit orders a permit for Anna.
func (o *Office) Permit() notice.Order {
	o.t.Helper()
	s, ok := o.Services.Current("resident-parking-permit")
	if !ok {
		o.t.Fatal("no such service")
	}
	vars := map[string]any{}
	if err := json.Unmarshal([]byte(`{
		"application": {"given_names": "Anna", "family_name": "Schmidt", "street": "Königstraße", "house_number": "63", "postcode": "47051", "city": "Duisburg", "plate": "DU-AS 1988", "zone": "NN", "months": "12"},
		"person": {"id": "person-anna", "name": "Anna Schmidt"}, "case": {"id": "c", "ref": "2026-ABCD-EFGH", "opened_on": "2026-12-01"},
		"fee": {"cents": 3070}, "permit": {"number": "BP-2026-ABCD-EFGH", "plate": "DU-AS 1988", "zone": "NN", "valid_from": "2026-12-01", "valid_until": "2027-11-30"},
		"valid_from": "2026-12-01", "valid_until": "2027-11-30"}`), &vars); err != nil {
		o.t.Fatal(err)
	}
	return notice.Order{CaseID: CaseID, CaseRef: "2026-ABCD-EFGH", Service: s.ID, Version: s.Version, Office: "32", Person: accesstest.Anna().ID, PersonName: "Anna Schmidt",
		Lang: "tr", Reasons: []string{"Sie wohnen im Parkgebiet (§ 45 Absatz 1b Satz 1 Nummer 2a StVO)."}}.
		WithTask(map[string]string{"template": "permit", "verify": "true", "card": "true"}, vars)
}

// Issue prepares and issues.
func (o *Office) Issue(order notice.Order) notice.Document {
	o.t.Helper()
	p, err := o.Desk.Prepare(o.t.Context(), order)
	if err != nil {
		o.t.Fatal(err)
	}
	var d notice.Document
	if err := o.DB.Write(o.t.Context(), func(tx *store.Tx) error {
		var err error
		d, err = o.Desk.Issue(o.t.Context(), tx, p)
		return err
	}); err != nil {
		o.t.Fatal(err)
	}
	return d
}

// Grant is a grant to do something with a document, as content/policies give it.
func (o *Office) Grant(a access.Actor, action string) access.Grant {
	r := access.Request{Actor: a, Action: action, Resource: "document", Purpose: "test"}
	if a.Kind == access.Resident {
		r.Owner = a.ID
	} else {
		r.Office = a.Office
	}
	return accesstest.Grant(o.t, o.Access, r)
}
