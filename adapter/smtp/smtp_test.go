// SPDX-License-Identifier: EUPL-1.2

package smtp

import (
	"context"
	"mime"
	"strings"
	"testing"
	"time"

	"mercator/adapter/smtp/smtptest"
	"mercator/base/fault"
)

var letter = Message{To: "officer@city.example", Subject: "Aufsicht über Zugriffe", Text: "Größe: äöü\n.\nein sehr " + strings.Repeat("langer ", 40) + "Satz\n"}

func sender(t *testing.T, server *smtptest.Server, change func(*Config)) *Sender {
	t.Helper()
	c := Config{Server: server.Addr, From: "house@city.example", User: smtptest.User, Password: smtptest.Password, CA: server.CA}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAMailArrivesAsItWasWritten(t *testing.T) {
	server := smtptest.Start(t, smtptest.Manner{})
	if err := sender(t, server, nil).Send(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	mails := server.Mails()
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	m := mails[0]
	subject, err := (&mime.WordDecoder{}).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != letter.Subject || m.Text != letter.Text || m.To != letter.To || m.From != "house@city.example" || !m.TLS {
		t.Errorf("%q %+v %v", subject, m, err)
	}
	if m.Header.Get("Auto-Submitted") != "auto-generated" || !strings.HasSuffix(m.Header.Get("Message-ID"), "@city.example>") {
		t.Errorf("header %v", m.Header)
	}
	if _, err := m.Header.Date(); err != nil {
		t.Error(err)
	}
}

// What can't be sent safely isn't sent, and says nothing of what the server has said.
func TestWhatIsntSent(t *testing.T) {
	for name, c := range map[string]struct {
		server smtptest.Manner
		change func(*Config)
		want   string
	}{
		"somebody has taken STARTTLS away":  {smtptest.Manner{NoTLS: true}, nil, "no STARTTLS"},
		"a certificate that nobody signed":  {smtptest.Manner{}, func(c *Config) { c.CA = "" }, "certificate"},
		"another password":                  {smtptest.Manner{}, func(c *Config) { c.Password = "x" }, "answered 535"},
		"a recipient whom it doesn't know":  {smtptest.Manner{Refuse: "550 no officer@city.example here"}, nil, "answered 550"},
		"a server that is busy":             {smtptest.Manner{Refuse: "451 greylisted, officer@city.example"}, nil, "answered 451"},
		"a server that isn't there":         {smtptest.Manner{}, func(c *Config) { c.Server = "127.0.0.1:1" }, "refused"},
		"a port where TLS begins by asking": {smtptest.Manner{}, func(c *Config) { c.Security = TLS }, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			server := smtptest.Start(t, c.server)
			err := sender(t, server, c.change).Send(t.Context(), letter)
			if !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "officer") {
				t.Errorf("an address in the error: %v", err)
			}
			if n := len(server.Mails()); n != 0 {
				t.Errorf("%d mails", n)
			}
		})
	}
}

func TestAServerThatSaysNothingHoldsNobodyUp(t *testing.T) {
	server := smtptest.Start(t, smtptest.Manner{Silent: true})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := sender(t, server, nil).Send(ctx, letter); !fault.Is(err, fault.Unavailable) || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

func TestUnencryptedOnThisMachineOnly(t *testing.T) {
	server := smtptest.Start(t, smtptest.Manner{NoTLS: true})
	plain := func(c *Config) { c.Security, c.User = Plain, "" }
	if err := sender(t, server, plain).Send(t.Context(), letter); err != nil || len(server.Mails()) != 1 {
		t.Errorf("%v, %d mails", err, len(server.Mails()))
	}
}

func TestAddressesThatArentOne(t *testing.T) {
	for _, a := range []string{"", "officer", "Fatma <officer@city.example>", "a@city.example, b@city.example", "a@city.example\r\nBcc: b@city.example"} {
		if _, err := New(Config{Server: "127.0.0.1:25", From: a}); err == nil {
			t.Errorf("%q is taken", a)
		}
	}
}
