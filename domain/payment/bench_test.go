// SPDX-License-Identifier: EUPL-1.2

package payment_test

import (
	"context"
	"sync"
	"testing"

	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
)

// instant is a provider that answers at once and says that everything is paid.
type instant struct{ asked sync.Map }

func (p *instant) Create(_ context.Context, c payment.Checkout) (payment.Status, error) {
	s := payment.Status{Transaction: "t" + c.RequestID, RequestID: c.RequestID, State: payment.Initial, Cents: c.Cents, Currency: "EUR", Redirect: "https://pay.example/"}
	p.asked.Store(s.Transaction, s)
	return s, nil
}

func (p *instant) Status(_ context.Context, transaction string) (payment.Status, error) {
	v, _ := p.asked.Load(transaction)
	s := v.(payment.Status)
	s.State = payment.Payed
	return s, nil
}

// BenchmarkPay is a fee from the order to the money: ordered, begun at the provider, called, booked.
func BenchmarkPay(b *testing.B) {
	db := storetest.SQLite(b, []store.Migrations{audit.Migrations(), payment.Migrations()})
	checker := accesstest.AllowAll(b, db)
	desk, err := payment.New(payment.Config{DB: db, Provider: &instant{}, BaseURL: "http://x",
		OnPaid: func(context.Context, *store.Tx, payment.Payment) error { return nil }})
	if err != nil {
		b.Fatal(err)
	}
	anna := accesstest.Anna()
	g, err := checker.Permit(context.Background(), access.Request{Actor: anna, Action: access.Change, Resource: "payment", Purpose: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		ctx := context.Background()
		for pb.Next() {
			var id string
			if err := db.Write(ctx, func(tx *store.Tx) (err error) {
				id, err = desk.Request(ctx, tx, payment.Order{CaseID: ident.New(), Person: anna.ID, Office: "32", Service: "s", Cents: 3070, Purpose: "p"})
				return err
			}); err != nil {
				b.Error(err)
				return
			}
			if _, err := desk.Begin(ctx, g, id); err != nil {
				b.Error(err)
				return
			}
			if _, err := desk.Begin(ctx, g, id); err == nil { // asks the provider first, which says that it's paid
				b.Error("paid, and still payable")
				return
			}
		}
	})
}
