// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"mercator/adapter/smtp/smtptest"
	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/identity"
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
		server := smtptest.Start(t, smtptest.Manner{})
		server.Behave(smtptest.Manner{Refuse: "451 try later"})
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
		server.Behave(smtptest.Manner{})
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

// Who signs in at the desk is the person whom the register of staff names: their own record is refused, and a colleague's is
// found, with nobody marked.
func TestAClerkIsAPersonToo(t *testing.T) {
	eachEngine(t, func(t *testing.T, dsn string) {
		ctx := context.Background()
		h := testHouseOn(t, t.TempDir(), "", dsn)
		defer h.Close()
		if _, err := h.loadSample(ctx, 8, time.Now(), io.Discard); err != nil {
			t.Fatal(err)
		}
		person := map[string]string{}
		for _, s := range h.city.Staff {
			person[s.ID] = s.Person
		}
		sign := h.knownStaff(&identity.Directory{DB: h.db, Match: h.registers.MatchPerson, Now: h.now})
		petra, err := sign(ctx, identity.Claims{Issuer: "https://idp", Subject: "x1", GivenName: "Petra", FamilyName: "Lehmann", Level: access.High, Roles: []string{"clerk"}, Office: "32", Staff: "petra.lehmann"})
		if err != nil || petra.Self == "" || petra.Self != person["petra.lehmann"] {
			t.Fatalf("%+v %v", petra, err)
		}
		nobody, err := sign(ctx, identity.Claims{Issuer: "https://idp", Subject: "x2", GivenName: "Petra", FamilyName: "Lehmann", Level: access.High, Roles: []string{"clerk"}, Office: "32", Staff: "no.such"})
		if err != nil || nobody.Self != "" {
			t.Fatalf("%+v %v", nobody, err)
		}
		read := func(who string) error {
			_, err := h.access.Permit(ctx, access.Request{Actor: petra, Action: access.Read, Resource: "register:residents", Purpose: "look", Basis: "§ 3 BMG", Owner: who, Fields: []string{"street"}})
			return err
		}
		if err := read(petra.Self); !fault.Is(err, fault.Denied) {
			t.Errorf("her own record: %v", err)
		}
		if err := read(person["can.oezdemir"]); err != nil {
			t.Errorf("a colleague's: %v", err)
		}
		if _, err := h.ledger.Append(ctx); err != nil {
			t.Fatal(err)
		}
		for more := true; more; {
			var err error
			if more, err = h.oversight.Detect(ctx); err != nil {
				t.Fatal(err)
			}
		}
		officer := access.Actor{Kind: access.Clerk, ID: "fatma", Name: "Fatma", Office: "30", Roles: []string{"auditor"}, Level: access.High}
		list, err := h.oversight.Findings(ctx, officer, false, "", 50)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, f := range list {
			found = found || f.Rule == "colleague" && f.Person == person["can.oezdemir"]
		}
		if !found {
			t.Errorf("findings %+v", list)
		}
		// Which person somebody is, isn't for every office.
		_, err = h.access.Permit(ctx, access.Request{Actor: petra, Action: access.List, Resource: "register:staff", Purpose: "look", Basis: "§ 3 BMG", Fields: []string{"person"}})
		if !fault.Is(err, fault.Denied) {
			t.Errorf("the list of who is whom: %v", err)
		}
	})
}
