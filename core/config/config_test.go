// SPDX-License-Identifier: EUPL-1.2

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func load(t *testing.T, text string) (Config, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "mercator.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(name)
}

const good = `
[server]
public_url = "https://service.example/"
[identity]
issuer = "https://id.example"
client_id = "mercator"
client_secret = { env = "TEST_CLIENT_SECRET" }
levels = { "STORK-QAA-Level-3" = "substantial" }
[payment]
endpoint = "https://pay.example"
callback_secret = { env = "TEST_CLIENT_SECRET" }
`

func TestLoad(t *testing.T) {
	t.Setenv("TEST_CLIENT_SECRET", "s3cret")
	c, err := load(t, good)
	if err != nil {
		t.Fatal(err)
	}
	if c.Server.PublicURL != "https://service.example" || c.Database.Path != filepath.Join("mercator-data", "mercator.db") || c.Database.Engine != "sqlite" {
		t.Errorf("defaults: %+v", c)
	}
	if s, err := c.Identity.ClientSecret.Read(); s != "s3cret" || err != nil {
		t.Errorf("secret %q %v", s, err)
	}
}

// Everything that is wrong is said at once, in words that say what to do.
func TestLoadNamesEveryMistake(t *testing.T) {
	_, err := load(t, `
[server]
listen = "nowhere"
public_url = "https://service.example"
colour = "blue"
[database]
engine = "oracle"
[identity]
levels = { "x" = "enormous" }
[log]
level = "loud"
[mail]
server = "mail.example:25"
security = "none"
from = "The House <house@city.example>"
user = "house"
[oversight]
mail = "officer"
[uploads.guests]
file = 11
`)
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"server.colour", "server.listen", "database.engine", "identity.issuer", "identity.client_id", "identity.client_secret", "enormous", "payment.endpoint", "payment.callback_secret", "log.level",
		"mail.security", "mail.from", "mail.password", "oversight.mail", "uploads.guests"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not named in:\n%v", want, err)
		}
	}
}

func TestLoadMail(t *testing.T) {
	t.Setenv("TEST_CLIENT_SECRET", "s3cret")
	c, err := load(t, good+"[mail]\nserver = \"mail.example:587\"\nfrom = \"house@city.example\"\n[oversight]\nmail = \"officer@city.example\"\n")
	if err != nil || c.Mail.Security != "starttls" || c.Oversight.Language != "de" {
		t.Errorf("%+v %+v %v", c.Mail, c.Oversight, err)
	}
	if _, err := load(t, good+"[oversight]\nmail = \"officer@city.example\"\n"); err == nil || !strings.Contains(err.Error(), "mail.server is missing") {
		t.Errorf("an officer without a mail server: %v", err)
	}
}

func TestLoadNamesTheLineOfASyntaxError(t *testing.T) {
	if _, err := load(t, "[server]\nlisten = nope\n"); err == nil || !strings.Contains(err.Error(), ":2:") {
		t.Fatalf("%v", err)
	}
}

// A certificate of a client is taken from a header that somebody may set, and from nobody else.
func TestLoadCertificates(t *testing.T) {
	t.Setenv("TEST_CLIENT_SECRET", "s3cret")
	const print = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"
	proxies := strings.Replace(good, "[server]", "[server]\ntrusted_proxies = [\"127.0.0.1/32\"]", 1)
	const header, client = "[api]\ncertificate_header = \"Client-Cert\"\n", "[api.certificates]\nerp = [\"" + print + "\"]\n"
	for name, c := range map[string]struct{ text, want string }{
		"all of it":       {proxies + header + client, ""},
		"tokens alone":    {proxies + header, ""},
		"nobody may":      {good + header, "server.trusted_proxies"},
		"no header":       {proxies + client, "api.certificate_header"},
		"no thumbprint":   {proxies + header + strings.Replace(client, print, "erp.pem", 1), "erp.pem"},
		"a byte too much": {proxies + header + strings.Replace(client, print, print+"AA", 1), "isn't a thumbprint"},
	} {
		got, err := load(t, c.text)
		switch {
		case c.want == "" && (err != nil || got.API.CertificateHeader != "Client-Cert"):
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
}
