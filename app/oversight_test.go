// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"strings"
	"testing"
	"time"

	"mercator/adapter/smtp/smtptest"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store/storetest"
	"mercator/domain/payment"
)

// eachEngine runs a test on SQLite and on PostgreSQL.
func eachEngine(t *testing.T, test func(t *testing.T, dsn string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "") })
	t.Run("postgres", func(t *testing.T) { test(t, storetest.PostgresDSN(t)) })
}

// mailingHouse is a house whose data protection officer has an address.
func mailingHouse(t *testing.T, dsn string, server *smtptest.Server, now func() time.Time) *House {
	t.Helper()
	c := config.Config{Data: config.Data{Dir: t.TempDir()}, Server: config.Server{PublicURL: "https://service.city.example"},
		Identity:  config.Identity{Issuer: "http://127.0.0.1:1", ClientID: "test", ClientSecret: config.Literal("test")},
		Payment:   config.Payment{Endpoint: "http://127.0.0.1:1", CallbackSecret: config.Literal("test-test-test-test-test-test-test")},
		Mail:      config.Mail{Server: server.Addr, From: "house@city.example", User: smtptest.User, Password: config.Literal(smtptest.Password), CA: server.CA},
		Oversight: config.Oversight{Mail: "officer@city.example"}}
	if dsn != "" {
		c.Database = config.Database{Engine: "postgres", DSN: config.Literal(dsn)}
	}
	h, err := New(t.Context(), Options{Config: c.WithDefaults(), Payments: &tillProvider{open: map[string]payment.Status{}}, NoStream: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// An emergency is in the officer's mail at once; a mail server that is down delays it and loses nothing.
func TestTheOfficerHasAMailOfAnEmergency(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		server := smtptest.Start(t)
		server.SetRefuse("451 try later")
		now := time.Now()
		h := mailingHouse(t, dsn, server, func() time.Time { return now })
		duty := access.Actor{Kind: access.Clerk, ID: "jens.wolter", Name: "Jens Wolter", Office: "32", Roles: []string{"emergency"}, Level: access.High}
		drain := func() {
			t.Helper()
			if err := h.jobs.Drain(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := h.oversight.Break(t.Context(), duty, "register:residents", "00000000-0000-8000-9000-00000000anna", "unconscious in the street"); err != nil {
			t.Fatal(err)
		}
		drain()
		if n := len(server.Mails()); n != 0 {
			t.Fatalf("%d mails of a server that takes none", n)
		}
		server.SetRefuse("")
		now = now.Add(time.Minute)
		drain()
		now = now.Add(time.Hour)
		drain()
		mails := server.Mails()
		if len(mails) != 1 {
			t.Fatalf("%d mails", len(mails))
		}
		m := mails[0]
		for _, want := range []string{"Notfallzugriff", "https://service.city.example/desk/oversight/"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%q isn't in the mail:\n%s", want, m.Text)
			}
		}
		for _, person := range []string{"Jens", "jens", "Wolter", "anna", "unconscious", "residents"} {
			if strings.Contains(m.Text+m.Header.Get("Subject"), person) {
				t.Errorf("%q is in the mail:\n%s", person, m.Text)
			}
		}
		if m.To != "officer@city.example" || !m.TLS {
			t.Errorf("%+v", m)
		}
	})
}
