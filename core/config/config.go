// SPDX-License-Identifier: EUPL-1.2

package config

import (
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Config is everything that an operator sets.
type Config struct {
	Server    Server    `toml:"server"`
	Data      Data      `toml:"data"`
	Database  Database  `toml:"database"`
	Content   Content   `toml:"content"`
	Vault     Vault     `toml:"vault"`
	Identity  Identity  `toml:"identity"`
	API       API       `toml:"api"`
	Payment   Payment   `toml:"payment"`
	Bus       Bus       `toml:"bus"`
	Ledger    Ledger    `toml:"ledger"`
	Registers Registers `toml:"registers"`
	Log       Log       `toml:"log"`

	Mail      Mail      `toml:"mail"`
	Malware   Malware   `toml:"malware"`
	Uploads   Uploads   `toml:"uploads"`
	Oversight Oversight `toml:"oversight"`
}

// Server is the front door.
type Server struct {
	Listen    string `toml:"listen"`     // default 127.0.0.1:8080; port 0: any
	PublicURL string `toml:"public_url"` // as residents type it, without a path; empty: http://LISTEN
	// TrustedProxies are the addresses (CIDR) whose X-Forwarded-For is believed.
	TrustedProxies []string `toml:"trusted_proxies"`
	// MetricsListen serves /metrics on an address of its own; empty: on Listen, to loopback only.
	MetricsListen string        `toml:"metrics_listen"`
	Drain         time.Duration `toml:"drain"` // how long SIGTERM waits for what is under way; default 30s
}

// Data is the folder of everything that isn't in the database.
type Data struct {
	Dir string `toml:"dir"` // of this node: the embedded NATS store, locks; default mercator-data
	// Shared is what all nodes on one database see: documents and keys; empty: Dir.
	Shared string `toml:"shared"`
}

// Database is one of the two engines.
type Database struct {
	Engine   string `toml:"engine"` // sqlite (default) or postgres
	Path     string `toml:"path"`   // sqlite; default DIR/mercator.db
	DSN      Secret `toml:"dsn"`    // postgres
	MaxConns int    `toml:"max_conns"`
}

// Vault is where personal data are sealed.
type Vault struct {
	// Key is the master key, 64 hexadecimal digits; empty: the file SHARED/vault.key, made at the first start.
	Key Secret `toml:"key"`
	// KMS is a key in a key system outside that takes the place of the master key (adapter/transit):
	// hcvault://HOST:PORT/MOUNT/keys/KEY.
	KMS          string `toml:"kms"`
	KMSToken     Secret `toml:"kms_token"`
	KMSNamespace string `toml:"kms_namespace"`
	KMSCA        string `toml:"kms_ca"` // a PEM file of who has signed its certificate; empty: whom the system trusts
}

// Elsewhere reports whether the master key is kept apart from the data.
func (v Vault) Elsewhere() bool { return v.KMS != "" || v.keyed() }

func (v Vault) keyed() bool { return v.Key.File != "" || v.Key.Env != "" || v.Key.value != "" }

// Content is where packages are read from.
type Content struct {
	Dir    string        `toml:"dir"`    // empty: the content that the program was built with
	Reload time.Duration `toml:"reload"` // how often a changed package is looked for; 0: only at the start
}

// Identity is the OpenID provider.
type Identity struct {
	Issuer       string            `toml:"issuer"`
	ClientID     string            `toml:"client_id"`
	ClientSecret Secret            `toml:"client_secret"`
	Levels       map[string]string `toml:"levels"` // acr value → basic, substantial, high
	SessionIdle  time.Duration     `toml:"session_idle"`
	SessionMax   time.Duration     `toml:"session_max"`
}

// API is what machines need.
type API struct {
	Audience string `toml:"audience"` // of access tokens; empty: the public URL
	// AllowLoopbackWebhooks lets webhooks go to this machine: only for the demo and tests.
	AllowLoopbackWebhooks bool `toml:"allow_loopback_webhooks"`
	// CertificateHeader is where a proxy of server.trusted_proxies says with which certificate a client has made its connection
	// (RFC 9440, or PEM escaped for an address); empty: no certificate is taken.
	CertificateHeader string `toml:"certificate_header"`
	// Certificates are the clients that come with a certificate only, and the thumbprints (x5t#S256) of theirs.
	Certificates map[string][]string `toml:"certificates"`
}

// Payment is the payment provider (XBezahldienste).
type Payment struct {
	Endpoint       string `toml:"endpoint"` // base URL of the provider's API
	Checkout       string `toml:"checkout"` // where its checkout page is; empty: the host of Endpoint
	EndpointID     string `toml:"endpoint_id"`
	Originator     string `toml:"originator"`
	Token          Secret `toml:"token"`           // for calls to the provider
	CallbackSecret Secret `toml:"callback_secret"` // with which it signs its callbacks
}

// Bus is the NATS server: the embedded one, or one outside that several nodes share.
type Bus struct {
	Listen  string   `toml:"listen"`  // of the embedded one; empty: in-process only
	Workers []string `toml:"workers"` // programs that do service tasks over NATS: names of their users

	URL         string `toml:"url"` // of one outside (nats://, tls://; several with commas); empty: the embedded one
	User        string `toml:"user"`
	Password    Secret `toml:"password"`
	Credentials string `toml:"credentials"` // a .creds file, in the place of user and password
	Replicas    int    `toml:"replicas"`    // of the stream, where it is made; 0: 1
}

// Ledger is the record of access to personal data.
type Ledger struct {
	Retention time.Duration `toml:"retention"` // of its entries; default 17520h, two years
}

// Mail is the city's mail server.
type Mail struct {
	Server   string `toml:"server"`   // HOST:PORT; empty: the house sends no mails
	Security string `toml:"security"` // starttls (default), tls (from the beginning), none (a server on this machine)
	From     string `toml:"from"`     // the address of the house
	User     string `toml:"user"`     // empty: without signing in
	Password Secret `toml:"password"`
	CA       string `toml:"ca"` // a PEM file of who has signed its certificate; empty: whom the system trusts
}

// Malware is who looks for it in uploaded files.
type Malware struct {
	// Socket is where ClamAV's clamd listens: the path of its socket, or tcp://HOST:PORT; empty: nobody looks, and uploaded files stay in quarantine.
	Socket string `toml:"socket"`
}

// Uploads is what becomes of files that people send.
type Uploads struct {
	// HEIC is the program mercator-heic, which reads pictures of telephones; empty: the one beside the program, if it is there.
	HEIC   string     `toml:"heic"`
	Guests GuestFiles `toml:"guests"`
}

// GuestFiles bounds the files of people who haven't signed in, in MB (1,000,000 bytes); 0: the default. 1 MB of all keeps nearly all of them away.
type GuestFiles struct {
	Files   int   `toml:"files"`   // of one browser; default 10
	File    int64 `toml:"file"`    // of one; default 6, at most 10
	Browser int64 `toml:"browser"` // of one browser; default 20
	Network int64 `toml:"network"` // of one network; default 100
	All     int64 `toml:"all"`     // of all together; default 2000
}

// Oversight is who keeps watch over access to personal data.
type Oversight struct {
	Mail     string `toml:"mail"`     // of the data protection officer; empty: findings are told at the desk and by events only
	Language string `toml:"language"` // of these mails; default de
}

// Registers is what the registers keep beside their records, for which each register has a rule of its own.
type Registers struct {
	Feed time.Duration `toml:"feed"` // how long the feed tells of a change; default 9600h, 400 days
}

// Log says what is written to standard error.
type Log struct {
	Level  string `toml:"level"`  // debug, info (default), warn, error
	Format string `toml:"format"` // json (default) or text
}

// Secret names where a secret is: exactly one of the two. It never holds it.
type Secret struct {
	File string `toml:"file"`
	Env  string `toml:"env"`
	// value is set by programs (the demo, tests), never by a file.
	value string
}

// Literal is a secret that a program made itself.
func Literal(s string) Secret { return Secret{value: s} }

// Read gives the secret, without the white space around it.
func (s Secret) Read() (string, error) {
	switch {
	case s.value != "":
		return s.value, nil
	case s.File != "" && s.Env != "":
		return "", errors.New("names a file and an environment variable: name one of them")
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", err
		}
		if v := strings.TrimSpace(string(b)); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the file %s is empty", s.File)
	case s.Env != "":
		if v := strings.TrimSpace(os.Getenv(s.Env)); v != "" {
			return v, nil
		}
		return "", fmt.Errorf("the environment variable %s is not set", s.Env)
	}
	return "", errors.New("is missing: { file = \"…\" } or { env = \"…\" }")
}

// String keeps secrets out of logs.
func (s Secret) String() string { return "(secret)" }

// Load reads and checks a file. The error names everything that is wrong.
func Load(name string) (Config, error) {
	var c Config
	meta, err := toml.DecodeFile(name, &c)
	if err != nil {
		var pe toml.ParseError
		if errors.As(err, &pe) {
			return c, fmt.Errorf("%s:%d: %s", name, pe.Position.Line, pe.Message)
		}
		return c, err
	}
	var bad []string
	for _, k := range meta.Undecoded() {
		bad = append(bad, fmt.Sprintf("unknown key %s", k))
	}
	c.defaults()
	bad = append(bad, c.check()...)
	if len(bad) > 0 {
		return c, fmt.Errorf("%s:\n  %s", name, strings.Join(bad, "\n  "))
	}
	return c, nil
}

// WithDefaults fills what a program left empty.
func (c Config) WithDefaults() Config {
	c.defaults()
	return c
}

func (c *Config) defaults() {
	or := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	orD := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&c.Server.Listen, "127.0.0.1:8080")
	or(&c.Server.PublicURL, "http://"+c.Server.Listen)
	c.Server.PublicURL = strings.TrimSuffix(c.Server.PublicURL, "/")
	or(&c.Data.Dir, "mercator-data")
	or(&c.Data.Shared, c.Data.Dir)
	or(&c.Database.Engine, "sqlite")
	or(&c.Database.Path, filepath.Join(c.Data.Dir, "mercator.db"))
	or(&c.Payment.Checkout, c.Payment.Endpoint)
	or(&c.API.Audience, c.Server.PublicURL)
	or(&c.Mail.Security, "starttls")
	or(&c.Oversight.Language, "de")
	or(&c.Log.Level, "info")
	or(&c.Log.Format, "json")
	orD(&c.Server.Drain, 30*time.Second)
	orD(&c.Ledger.Retention, 2*365*24*time.Hour)
	orD(&c.Registers.Feed, 400*24*time.Hour)
	orD(&c.Identity.SessionIdle, 30*time.Minute)
	orD(&c.Identity.SessionMax, 12*time.Hour)
}

func (c *Config) check() (bad []string) {
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if _, _, err := net.SplitHostPort(c.Server.Listen); err != nil {
		say("server.listen: %v", err)
	}
	isURL := func(key, s string) {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			say("%s: %q is not a URL", key, s)
		}
	}
	isURL("server.public_url", c.Server.PublicURL)
	switch c.Database.Engine {
	case "sqlite":
	case "postgres":
		if _, err := c.Database.DSN.Read(); err != nil {
			say("database.dsn: %v", err)
		}
	default:
		say("database.engine: %q: want sqlite or postgres", c.Database.Engine)
	}
	if c.Vault.keyed() {
		if _, err := c.Vault.Key.Read(); err != nil {
			say("vault.key: %v", err)
		}
		if c.Vault.KMS != "" {
			say("vault.key and vault.kms: set one of the two")
		}
	}
	if c.Vault.KMS != "" {
		if _, err := c.Vault.KMSToken.Read(); err != nil {
			say("vault.kms_token: %v", err)
		}
	} else if v := c.Vault; v.KMSToken != (Secret{}) || v.KMSNamespace != "" || v.KMSCA != "" {
		say("vault.kms is missing: kms_token, kms_namespace and kms_ca are of a key system outside")
	}
	isURL("identity.issuer", c.Identity.Issuer)
	if c.Identity.ClientID == "" {
		say("identity.client_id is missing")
	}
	if _, err := c.Identity.ClientSecret.Read(); err != nil {
		say("identity.client_secret: %v", err)
	}
	for acr, level := range c.Identity.Levels {
		if level != "basic" && level != "substantial" && level != "high" {
			say("identity.levels: %q = %q: want basic, substantial or high", acr, level)
		}
	}
	isURL("payment.endpoint", c.Payment.Endpoint)
	if _, err := c.Payment.CallbackSecret.Read(); err != nil {
		say("payment.callback_secret: %v", err)
	}
	if b := c.Bus; b.URL != "" {
		for part := range strings.SplitSeq(b.URL, ",") {
			if u, err := url.Parse(strings.TrimSpace(part)); err != nil || u.Host == "" || u.Scheme != "nats" && u.Scheme != "tls" || u.User != nil {
				say("bus.url: want nats://HOST:PORT or tls://HOST:PORT, without a password")
			}
		}
		if b.Listen != "" {
			say("bus.listen is of the embedded server, bus.url of one outside: set one of the two")
		}
		if b.User != "" && b.Credentials != "" {
			say("bus.user and bus.credentials: set one of the two")
		}
		if b.User != "" {
			if _, err := b.Password.Read(); err != nil {
				say("bus.password: %v", err)
			}
		}
		if b.Replicas < 0 || b.Replicas > 5 {
			say("bus.replicas: want 1 to 5")
		}
	} else if b.User != "" || b.Credentials != "" || b.Replicas != 0 {
		say("bus.url is missing: user, credentials and replicas are of a server outside")
	}
	for _, p := range c.Server.TrustedProxies {
		if _, _, err := net.ParseCIDR(p); err != nil {
			say("server.trusted_proxies: %q is not a CIDR", p)
		}
	}
	bad = append(bad, c.checkMail()...)
	if s := c.Malware.Socket; s != "" && !strings.HasPrefix(s, "/") {
		if _, _, err := net.SplitHostPort(strings.TrimPrefix(s, "tcp://")); err != nil || !strings.HasPrefix(s, "tcp://") {
			say("malware.socket: %q: want the path of a socket, from /, or tcp://HOST:PORT", s)
		}
	}
	if h := c.Uploads.HEIC; h != "" && !filepath.IsAbs(h) {
		say("uploads.heic: %q: want a path from /", h)
	}
	if g := c.Uploads.Guests; min(int64(g.Files), g.File, g.Browser, g.Network, g.All) < 0 || g.File > 10 || max(g.Browser, g.Network, g.All) > 1_000_000 {
		say("uploads.guests: want numbers that aren't negative, at most 10 MB of one file and 1000000 MB of others")
	}
	if c.API.CertificateHeader != "" && len(c.Server.TrustedProxies) == 0 {
		say("server.trusted_proxies is missing: nobody may set api.certificate_header")
	}
	if c.API.CertificateHeader == "" && len(c.API.Certificates) > 0 {
		say("api.certificate_header is missing: the clients of api.certificates could never come in")
	}
	for client, prints := range c.API.Certificates {
		for _, p := range prints {
			if b, err := base64.RawURLEncoding.DecodeString(p); err != nil || len(b) != 32 {
				say("api.certificates: %q of %s isn't a thumbprint: want SHA-256 as base64url, 43 characters", p, client)
			}
		}
	}
	if c.Ledger.Retention < 24*time.Hour {
		say("ledger.retention: %s: want at least a day", c.Ledger.Retention)
	}
	if c.Registers.Feed < 24*time.Hour {
		say("registers.feed: %s: want at least a day", c.Registers.Feed)
	}
	if _, err := c.Log.level(); err != nil {
		say("log.level: %v", err)
	}
	if c.Log.Format != "json" && c.Log.Format != "text" {
		say("log.format: %q: want json or text", c.Log.Format)
	}
	return bad
}

// checkMail looks at the mail server and at whom it is for.
func (c *Config) checkMail() (bad []string) {
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	address := func(key, s string) {
		if a, err := mail.ParseAddress(s); err != nil || a.Address != s {
			say("%s: %q: want an address such as office@city.example", key, s)
		}
	}
	m := c.Mail
	if c.Oversight.Mail != "" {
		address("oversight.mail", c.Oversight.Mail)
		if m.Server == "" {
			say("mail.server is missing: oversight.mail is to have mails")
		}
	}
	if m.Server == "" {
		return bad
	}
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		say("mail.server: %v", err)
	}
	address("mail.from", m.From)
	switch m.Security {
	case "starttls", "tls":
	case "none":
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			say("mail.security: none is for a server on this machine")
		}
	default:
		say("mail.security: %q: want starttls, tls or none", m.Security)
	}
	if m.User != "" {
		if _, err := m.Password.Read(); err != nil {
			say("mail.password: %v", err)
		}
	}
	return bad
}

func (l Log) level() (slog.Level, error) {
	var v slog.Level
	return v, v.UnmarshalText([]byte(l.Level))
}

// Logger is the logger that the operator asked for.
func (l Log) Logger() *slog.Logger {
	level, err := l.level()
	if err != nil {
		level = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "text" {
		return slog.New(slog.NewTextHandler(os.Stderr, o))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, o))
}
