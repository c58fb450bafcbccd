// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"mercator/adapter/oidcdemo"
	"mercator/adapter/paydemo"
	"mercator/base/ident"
	"mercator/content"
	"mercator/core/access"
	"mercator/core/blob"
	"mercator/core/config"
	"mercator/domain/register"
	"mercator/domain/register/sample"
)

// DemoOptions are the flags of mercator demo.
type DemoOptions struct {
	Listen    string
	Dir       string
	Residents int
	Content   string
	Postgres  string
	Verbose   bool
	Stdout    io.Writer
	Stderr    io.Writer
}

const (
	demoPassword = "mercator"
	maxResidents = 5_000_000
)

// demoState is what a demo keeps between starts beside its database: the addresses
// of its neighbours, so that sign-ins and payments under way survive a restart, and
// the secrets that it shares with them.
type demoState struct {
	Portal, Identity, Payment                  string // addresses
	ClientSecret, PaymentToken, CallbackSecret string
	APISecret                                  string
	Began                                      time.Time
}

// Demo runs a city to try: the platform, an OpenID provider and a payment
// provider, each its own HTTP server on loopback.
func Demo(ctx context.Context, o DemoOptions) error {
	tuneMemory()
	if o.Residents < 1 || o.Residents > maxResidents {
		return fmt.Errorf("demo: --residents %d: want 1 to %d", o.Residents, maxResidents)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return fmt.Errorf("demo: --data: %w", err)
	}
	unlock, err := lockDir(o.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	state, err := readDemoState(o.Dir)
	if err != nil {
		return err
	}
	want := o.Listen
	if _, port, err := net.SplitHostPort(o.Listen); err == nil && port == "0" && state.Portal != "" {
		want = state.Portal
	}
	portal, err := listenNear(want, o.Listen)
	if err != nil {
		return fmt.Errorf("demo: --listen %s: %w", o.Listen, err)
	}
	defer portal.Close()
	idp, err := listenNear(state.Identity, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer idp.Close()
	pay, err := listenNear(state.Payment, "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer pay.Close()
	state.Portal, state.Identity, state.Payment = portal.Addr().String(), idp.Addr().String(), pay.Addr().String()
	if err := writeDemoState(o.Dir, state); err != nil {
		return err
	}

	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(o.Stderr, &slog.HandlerOptions{Level: level}))
	portalURL, idpURL, payURL := "http://"+state.Portal, "http://"+state.Identity, "http://"+state.Payment
	c := config.Config{
		Server: config.Server{Listen: state.Portal, PublicURL: portalURL},
		Data:   config.Data{Dir: o.Dir},
		Identity: config.Identity{Issuer: idpURL, ClientID: "mercator", ClientSecret: config.Literal(state.ClientSecret),
			Levels: map[string]string{}},
		API: config.API{AllowLoopbackWebhooks: true},
		Payment: config.Payment{Endpoint: payURL + "/xbezahldienste/v1", Originator: "mercator", EndpointID: "05112000",
			Token: config.Literal(state.PaymentToken), CallbackSecret: config.Literal(state.CallbackSecret)},
	}
	if o.Postgres != "" {
		c.Database = config.Database{Engine: "postgres", DSN: config.Literal(o.Postgres)}
	}
	c.Content.Dir, c.Content.Reload = demoContent(o.Content), 0
	if c.Content.Dir != "" {
		c.Content.Reload = time.Second
	}
	if _, err := os.Stat("/usr/sbin/clamd"); err == nil { // where Debian's clamav-daemon is installed, it is asked
		c.Malware.Socket = "/run/clamav/clamd.ctl"
	}
	for level, acr := range oidcdemo.StorkLevels() {
		c.Identity.Levels[acr] = access.Level(level).String()
	}
	c = c.WithDefaults()

	house, err := New(ctx, Options{Config: c, Log: log})
	if err != nil {
		return err
	}
	defer house.Close()
	people, err := house.loadSample(ctx, o.Residents, state.Began, o.Stderr)
	if err != nil {
		return err
	}

	provider, err := oidcdemo.New(oidcdemo.Config{
		Issuer: idpURL, DataDir: filepath.Join(o.Dir, "identity"), Password: demoPassword,
		Lookup: people.lookup, Samples: people.samples, APIAudience: portalURL, Log: log,
		Clients: []oidcdemo.Client{
			{ID: "mercator", Secret: state.ClientSecret, RedirectURIs: []string{portalURL + "/signin/callback"}, PostLogoutURIs: []string{portalURL + "/"}},
			{ID: "demo-client", Secret: state.APISecret, Machine: true, Scopes: demoScopes, Office: "32"},
			{ID: "demo-registers", Secret: state.APISecret, Machine: true, Scopes: registerScopes(house.definitions)},
		},
	})
	if err != nil {
		return err
	}
	payments, err := paydemo.New(paydemo.Config{
		BaseURL: payURL, DataDir: filepath.Join(o.Dir, "payment"), Payee: house.city.Info.Name,
		Originator: c.Payment.Originator, EndPoint: c.Payment.EndpointID, User: c.Payment.Originator, Password: state.PaymentToken,
		CallbackURL: portalURL + "/webhooks/payment", Secret: []byte(state.CallbackSecret), Log: log,
	})
	if err != nil {
		return err
	}
	defer payments.Close()

	ready := func() {
		people.print(o.Stdout, portalURL, idpURL, payURL, state.APISecret)
		fmt.Fprintln(o.Stdout, "ready "+portalURL)
	}
	return runAll(ctx,
		func(ctx context.Context) error { return serveHTTP(ctx, idp, provider.Handler(), 5*time.Second) },
		func(ctx context.Context) error { return payments.Serve(ctx, pay) },
		func(ctx context.Context) error { return house.Run(ctx, portal, ready) },
	)
}

var demoScopes = []string{"cases:read", "cases:write", "cases:submit", "tasks:read", "tasks:write", "services:read", "webhooks:write"}

// registerScopes are those of a program that reads and changes every register, as a hub between offices would.
func registerScopes(all *register.Registers) []string {
	list := []string{"registers:read", "registers:write"}
	for _, d := range all.All() {
		list = append(list, register.Resource(d.ID))
	}
	return list
}

// demoPeople are the accounts of the demo.
type demoPeople struct {
	generator *sample.Generator
	samples   []oidcdemo.Account
	staff     map[string]oidcdemo.Account
	residents int
	stories   []string
}

func (p *demoPeople) lookup(_ context.Context, login string) (oidcdemo.Account, bool) {
	if a, ok := p.staff[login]; ok {
		return a, true
	}
	if n, ok := p.generator.Find(login); ok {
		return residentAccount(login, n.Language, n.Resident), true
	}
	var i int
	if n, err := fmt.Sscanf(login, "resident-%d", &i); n == 1 && err == nil && i >= 0 && i < p.residents && login == fmt.Sprintf("resident-%d", i) {
		return residentAccount(login, "de", p.generator.Person(i).Resident), true
	}
	return oidcdemo.Account{}, false
}

func residentAccount(login, lang string, r sample.Resident) oidcdemo.Account {
	return oidcdemo.Account{Login: login, GivenName: r.GivenNames, FamilyName: r.FamilyName, BirthDate: r.BirthDate, Language: lang,
		Address: oidcdemo.Address{Street: r.Street + " " + r.HouseNumber, PostalCode: r.Postcode, Locality: r.City, Country: "DE"}}
}

func (p *demoPeople) print(w io.Writer, portal, idp, pay, apiSecret string) {
	fmt.Fprintf(w, "\nMercator demo: %d residents. Every account has the password %q.\n\n", p.residents, demoPassword)
	for _, s := range p.stories {
		fmt.Fprintln(w, "  "+s)
	}
	fmt.Fprintf(w, "  %-18s any other resident, 0 to %d\n\n", "resident-N", p.residents-1)
	fmt.Fprintf(w, "  portal             %s\n  desk               %s/desk\n  API                %s/api/openapi.json\n", portal, portal, portal)
	fmt.Fprintf(w, "  API clients        demo-client (cases), demo-registers (registers), secret %s, token at %s\n", apiSecret, idp)
	fmt.Fprintf(w, "  OpenID provider    %s\n  payment provider   %s\n\n", idp, pay)
}

// demoContent is the folder that is watched for changes, or "" for what is built in.
func demoContent(flag string) string {
	if flag != "" {
		return flag
	}
	if info, err := os.Stat(filepath.Join("content", "services")); err == nil && info.IsDir() {
		return "content"
	}
	return ""
}

func contentFS(dir string) fs.FS {
	if dir == "" {
		return content.FS
	}
	return os.DirFS(dir)
}

// listenNear takes the address that was used last time, if it is free.
func listenNear(last, otherwise string) (net.Listener, error) {
	if last != "" {
		if l, err := net.Listen("tcp", last); err == nil {
			return l, nil
		} else if last == otherwise {
			return nil, err
		}
	}
	return net.Listen("tcp", otherwise)
}

func readDemoState(dir string) (demoState, error) {
	var s demoState
	b, err := os.ReadFile(filepath.Join(dir, "demo.json"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.ClientSecret, s.PaymentToken, s.CallbackSecret, s.APISecret = ident.Secret(24), ident.Secret(24), ident.Secret(32), ident.Secret(18)
		s.Began = time.Now().UTC().Truncate(time.Second)
		return s, nil
	case err != nil:
		return s, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return s, fmt.Errorf("demo: %s is damaged: %w", filepath.Join(dir, "demo.json"), err)
	}
	return s, nil
}

func writeDemoState(dir string, s demoState) error {
	b, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	return blob.ReplaceBytes(filepath.Join(dir, "demo.json"), b)
}

// runAll runs until ctx ends or one of them fails; then all end.
func runAll(ctx context.Context, fs ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make(chan error, len(fs))
	for _, f := range fs {
		go func() {
			errs <- f(ctx)
			cancel()
		}()
	}
	var all error
	for range fs {
		if err := <-errs; err != nil && !errors.Is(err, context.Canceled) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// serveHTTP answers on a listener until ctx ends, then finishes what is under way.
func serveHTTP(ctx context.Context, l net.Listener, h http.Handler, drain time.Duration) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
	return serveServer(ctx, s, l, drain)
}

func serveServer(ctx context.Context, s *http.Server, l net.Listener, drain time.Duration) error {
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.Shutdown(end); err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}
