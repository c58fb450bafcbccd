// SPDX-License-Identifier: EUPL-1.2

package oidclogin_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mercator/adapter/oidcdemo"
	"mercator/adapter/oidclogin"
	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

const password = "duisburg"

// keys is a data folder that all providers of this test share: making an RSA key takes half a second.
var keys string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "oidclogin")
	if err != nil {
		panic(err)
	}
	keys = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func accounts() []oidcdemo.Account {
	return []oidcdemo.Account{
		{Login: "anna-schmidt", GivenName: "Anna", FamilyName: "Schmidt", BirthDate: "1990-04-01",
			Address: oidcdemo.Address{Street: "Königstraße 1", PostalCode: "47051", Locality: "Duisburg", Country: "DE"}},
		{Login: "bora-yilmaz", GivenName: "Bora", FamilyName: "Yılmaz", BirthDate: "1985-12-24"},
		{Login: "clerk-parking", GivenName: "Petra", FamilyName: "Amtmann", Roles: []string{"clerk"}, Office: "32"},
	}
}

// town is a portal and an identity provider, each on its own socket.
type town struct {
	t          *testing.T
	portal     string
	issuer     string
	provider   *oidcdemo.Provider
	demo       oidcdemo.Config
	directory  *identity.Directory
	stop       func() // the provider
	lastErr    atomic.Value
	shift      atomic.Int64 // seconds that the provider's and the portal's clock are ahead
	providerAt string
}

func (tn *town) now() time.Time { return time.Now().Add(time.Duration(tn.shift.Load()) * time.Second) }

// newTown starts both. change may spoil the provider's configuration.
func newTown(t *testing.T, change func(*oidcdemo.Config)) *town {
	t.Helper()
	tn := &town{t: t}
	portal, idp := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	tn.portal, tn.issuer, tn.providerAt = "http://"+portal.Addr().String(), "http://"+idp.Addr().String(), idp.Addr().String()
	tn.demo = oidcdemo.Config{
		Issuer: tn.issuer, DataDir: keys, Password: password, Lookup: oidcdemo.Accounts(accounts()), Samples: accounts(),
		APIAudience: "mercator-api", Now: tn.now,
		Clients: []oidcdemo.Client{
			{ID: "portal", Secret: "portal-secret", RedirectURIs: []string{tn.portal + "/signin/callback"}, PostLogoutURIs: []string{tn.portal + "/"}},
			{ID: "other", Secret: "other-secret", RedirectURIs: []string{tn.portal + "/signin/callback"}},
			{ID: "erp", Secret: "erp-secret", Machine: true, Scopes: []string{"cases:read", "cases:write"}, Office: "32"},
		},
	}
	if change != nil {
		change(&tn.demo)
	}
	tn.startProvider(idp)

	db := storetest.SQLite(t, []store.Migrations{identity.Migrations()})
	sessions, err := identity.NewSessions(identity.Config{DB: db, Now: tn.now})
	if err != nil {
		t.Fatal(err)
	}
	tn.directory = &identity.Directory{DB: db, Match: func(_ context.Context, given, family, born string) (string, error) {
		return "person-" + strings.ToLower(given), nil
	}}
	login, err := oidclogin.New(oidclogin.Config{Issuer: tn.issuer, ClientID: "portal", ClientSecret: "portal-secret", BaseURL: tn.portal,
		Key: []byte(strings.Repeat("k", 32)), Sessions: sessions, Actor: tn.directory.Actor, Now: tn.now,
		Language: func(r *http.Request) string { return "en" }})
	if err != nil {
		t.Fatal(err)
	}
	handle := func(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				tn.lastErr.Store(err)
				key, _ := fault.Message(err)
				http.Error(w, key, http.StatusTeapot)
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /signin", handle(login.SignIn))
	mux.HandleFunc("GET /signin/callback", handle(login.Callback))
	mux.HandleFunc("POST /signout", handle(login.SignOut))
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		a, ok := identity.Current(r)
		fmt.Fprintf(w, "%s|%v|%s|%s|%s|%s|%s|%s", r.URL.RequestURI(), ok, a.Kind, a.ID, a.Name, a.Level, a.Office, strings.Join(a.Roles, ","))
	})
	srv := &http.Server{Handler: sessions.Middleware(mux)}
	go srv.Serve(portal)
	t.Cleanup(func() { srv.Close() })
	return tn
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (tn *town) startProvider(l net.Listener) {
	tn.t.Helper()
	var err error
	if tn.provider, err = oidcdemo.New(tn.demo); err != nil {
		tn.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- tn.provider.Serve(ctx, l) }()
	stopped := false
	tn.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-done; err != nil {
				tn.t.Errorf("the provider stopped with %v", err)
			}
		}
	}
	tn.t.Cleanup(func() { tn.stop() })
}

// browser follows redirects and fills in forms, without script.
type browser struct {
	t      *testing.T
	client *http.Client
	at     *url.URL
	body   string
	status int
	hops   []string // addresses of the last request, in order
	stopAt string   // don't follow a redirect to an address with this prefix; it's the last of hops
}

func newBrowser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, client: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
	b.client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		b.hops = append(b.hops, r.URL.String())
		if b.stopAt != "" && strings.HasPrefix(r.URL.String(), b.stopAt) {
			return http.ErrUseLastResponse
		}
		if len(via) > 12 {
			return fmt.Errorf("too many redirects: %v", b.hops)
		}
		return nil
	}
	return b
}

func (b *browser) do(r *http.Request) *browser {
	b.t.Helper()
	b.hops = []string{r.URL.String()}
	resp, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.body, b.status = resp.Request.URL, string(body), resp.StatusCode
	return b
}

func (b *browser) get(address string) *browser {
	b.t.Helper()
	r, err := http.NewRequest("GET", address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", "en")
	return b.do(r)
}

var (
	inputs = regexp.MustCompile(`<input[^>]*name="([^"]*)"[^>]*>`)
	valued = regexp.MustCompile(`value="([^"]*)"`)
	action = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	proof  = regexp.MustCompile(`<strong>(\d{6})</strong>`)
)

// send fills in the page's form with the given values over what it holds, and sends it.
func (b *browser) send(values map[string]string) *browser {
	b.t.Helper()
	m := action.FindStringSubmatch(b.body)
	if m == nil {
		b.t.Fatalf("no form at %s (%d):\n%s", b.at, b.status, b.body)
	}
	form := url.Values{}
	for _, in := range inputs.FindAllStringSubmatch(b.body, -1) {
		v := valued.FindStringSubmatch(in[0])
		if strings.Contains(in[0], `type="radio"`) && !strings.Contains(in[0], "checked") || v == nil {
			continue
		}
		form.Set(in[1], html.UnescapeString(v[1]))
	}
	for k, v := range values {
		form.Set(k, v)
	}
	target, err := b.at.Parse(html.UnescapeString(m[1]))
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequest("POST", target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Accept-Language", "en")
	return b.do(r)
}

// signIn answers the provider's pages.
func (b *browser) signIn(login, way string) *browser {
	b.t.Helper()
	b.send(map[string]string{"login": login, "password": password, "way": way, "step": "password"})
	if way != "normal" {
		b.prove()
	}
	return b
}

func (b *browser) prove() *browser {
	b.t.Helper()
	m := proof.FindStringSubmatch(b.body)
	if m == nil {
		b.t.Fatalf("no proof shown at %s:\n%s", b.at, b.body)
	}
	return b.send(map[string]string{"proof": m[1], "step": "proof"})
}

func (b *browser) want(text string) *browser {
	b.t.Helper()
	if !strings.Contains(b.body, text) {
		b.t.Fatalf("%s (%d) lacks %q:\n%s", b.at, b.status, text, b.body)
	}
	return b
}

func TestSignIn(t *testing.T) {
	tn := newTown(t, nil)
	b := newBrowser(t)
	b.get(tn.portal + "/cases?page=2").want("/cases?page=2|false")
	b.get(tn.portal + "/signin?level=basic&back=" + url.QueryEscape("/cases?page=2")).want("This is a demonstration.")
	b.signIn("anna-schmidt", "normal").want("/cases?page=2|true|resident|")
	b.want("|Anna Schmidt|basic||")

	// Somebody who is signed in goes straight back; a higher level is proven without the password.
	b.get(tn.portal + "/signin?level=basic&back=/a").want("/a|true")
	if len(b.hops) != 2 {
		t.Errorf("went to the provider for nothing: %v", b.hops)
	}
	b.get(tn.portal + "/signin?level=substantial&back=/apply").want("You are signed in as anna-schmidt")
	if strings.Contains(b.body, `name="password"`) || strings.Contains(b.body, `value="normal"`) {
		t.Error("step-up asks for the password or offers less than is needed")
	}
	b.send(map[string]string{"step": "password"}).want("Enter the code").prove().want("/apply|true|resident|person-anna|Anna Schmidt|substantial")

	b.get(tn.portal + "/signin?level=high&back=/x").send(map[string]string{"step": "password"}).want("Online identity card").prove().want("|high|")

	// Signing out ends both sessions.
	r, err := http.NewRequest("POST", tn.portal+"/signout", nil)
	if err != nil {
		t.Fatal(err)
	}
	b.do(r).want("/|false")
	if len(b.hops) != 3 || !strings.HasPrefix(b.hops[1], tn.issuer+"/end_session") {
		t.Errorf("signed out by %v", b.hops)
	}
	b.get(tn.portal + "/signin?level=basic&back=/").want(`name="password"`)
	b.signIn("clerk-parking", "substantial").want("|clerk|").want("|Petra Amtmann|substantial|32|clerk")
}

// TestPseudonyms: another client knows the same person by another name.
func TestPseudonyms(t *testing.T) {
	tn := newTown(t, nil)
	a, b := tn.provider.Pairwise("portal", "anna-schmidt"), tn.provider.Pairwise("other", "anna-schmidt")
	if a == b || a == "" || a == tn.provider.Pairwise("portal", "bora-yilmaz") || strings.Contains(a, "anna") {
		t.Errorf("pseudonyms %q, %q", a, b)
	}
}

// TestSingleSignOn: the provider remembers the person, even after a restart, unless a fresh password is asked for.
func TestSingleSignOn(t *testing.T) {
	tn := newTown(t, nil)
	b := newBrowser(t)
	b.get(tn.portal+"/signin?level=substantial&back=/1").signIn("anna-schmidt", "substantial").want("/1|true")
	forget := func() {
		u, _ := url.Parse(tn.portal)
		b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "mercator", Path: "/", MaxAge: -1}})
	}
	forget()
	b.get(tn.portal + "/signin?level=substantial&back=/2").want("/2|true|resident|person-anna|Anna Schmidt|substantial")

	tn.stop()
	tn.startProvider(listen(t, tn.providerAt))
	forget()
	b.get(tn.portal + "/signin?level=substantial&back=/3").want("/3|true|resident|person-anna")

	b.get(tn.portal + "/signin?level=basic&back=/4&fresh=1").want(`name="password"`)
	b.signIn("anna-schmidt", "normal").want("/4|true")
	if !strings.Contains(b.body, "|basic|") {
		t.Errorf("the new session has the level of the old one: %s", b.body)
	}
	tn.shift.Add(2 * 3600)
	forget()
	b.get(tn.portal + "/signin?level=basic&back=/5").want(`name="password"`)
}

func TestAttacksOnTheCallback(t *testing.T) {
	t.Run("forged state", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.stopAt = tn.portal + "/signin/callback"
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal")
		answer, _ := url.Parse(b.hops[len(b.hops)-1])
		q := answer.Query()
		q.Set("state", "forged")
		b.stopAt = ""
		b.get(tn.portal + "/signin/callback?" + q.Encode()).want("oidclogin.attempt")
		b.get(tn.portal + "/").want("|false|")
	})
	t.Run("answer in another browser", func(t *testing.T) {
		tn, b, victim := newTown(t, nil), newBrowser(t), newBrowser(t)
		b.stopAt = tn.portal + "/signin/callback"
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal")
		victim.get(b.hops[len(b.hops)-1]).want("oidclogin.attempt")
		victim.get(tn.portal + "/").want("|false|")
	})
	t.Run("replayed answer", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal").want("/|true")
		var answer string
		for _, h := range b.hops {
			if strings.HasPrefix(h, tn.portal+"/signin/callback") {
				answer = h
			}
		}
		b.get(answer).want("oidclogin.attempt")
		newBrowser(t).get(answer).want("oidclogin.attempt")
	})
	t.Run("code of another attempt", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.stopAt = tn.portal + "/signin/callback"
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal")
		first, _ := url.Parse(b.hops[len(b.hops)-1])
		b.get(tn.portal + "/signin?back=/") // the provider remembers: answers at once
		second, _ := url.Parse(b.hops[len(b.hops)-1])
		if first.Query().Get("state") == second.Query().Get("state") || second.Query().Get("code") == "" {
			t.Fatal("not two attempts")
		}
		b.stopAt = ""
		b.get(tn.portal + "/signin/callback?" + url.Values{"state": first.Query()["state"], "code": second.Query()["code"]}.Encode()).want("oidclogin.token")
	})
	t.Run("wrong nonce", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.stopAt = tn.issuer + "/authorize"
		b.get(tn.portal + "/signin?back=/")
		ask, _ := url.Parse(b.hops[len(b.hops)-1])
		q := ask.Query()
		q.Set("nonce", "evil")
		b.stopAt = ""
		b.get(tn.issuer+"/authorize?"+q.Encode()).signIn("anna-schmidt", "normal").want("oidclogin.token")
		b.get(tn.portal + "/").want("|false|")
	})
	t.Run("expired token", func(t *testing.T) {
		tn, b := newTown(t, func(c *oidcdemo.Config) { c.IDTokenLife = -time.Minute }), newBrowser(t)
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal").want("oidclogin.token")
	})
	t.Run("late answer", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.stopAt = tn.portal + "/signin/callback"
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal")
		b.stopAt = ""
		tn.shift.Add(11 * 60)
		b.get(b.hops[len(b.hops)-1]).want("oidclogin.attempt")
	})
	t.Run("lower level than asked for", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.stopAt = tn.issuer + "/authorize"
		b.get(tn.portal + "/signin?level=high&back=/")
		ask, _ := url.Parse(b.hops[len(b.hops)-1])
		q := ask.Query()
		q.Set("acr_values", "STORK-QAA-Level-1")
		b.stopAt = ""
		b.get(tn.issuer+"/authorize?"+q.Encode()).signIn("anna-schmidt", "normal").want("oidclogin.level")
		b.get(tn.portal + "/").want("|false|")
	})
	t.Run("cancelled", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		b.get(tn.portal + "/signin?back=/").send(map[string]string{"step": "cancel"}).want("oidclogin.cancelled")
	})
	t.Run("provider is down", func(t *testing.T) {
		tn, b := newTown(t, nil), newBrowser(t)
		tn.stop()
		b.get(tn.portal + "/signin?back=/").want("oidclogin.unavailable")
		tn.startProvider(listen(t, tn.providerAt))
		b.get(tn.portal+"/signin?back=/").signIn("anna-schmidt", "normal").want("/|true")
	})
	for back, want := range map[string]string{
		"https://evil.example/": "/|true", "//evil.example": "/|true", `/\evil.example`: "/|true", "javascript:alert(1)": "/|true",
		"": "/|true", "/signin?level=high": "/|true", "/cases?a=b": "/cases?a=b|true", "/signin/done": "/signin/done|true",
	} {
		t.Run("back to "+back, func(t *testing.T) {
			tn, b := newTown(t, nil), newBrowser(t)
			b.get(tn.portal+"/signin?back="+url.QueryEscape(back)).signIn("anna-schmidt", "normal").want(want)
		})
	}
}

// TestStolenSignInLink: somebody who sends a link of a sign-in that they began doesn't get the session of who follows it.
func TestStolenSignInLink(t *testing.T) {
	tn, thief, victim := newTown(t, nil), newBrowser(t), newBrowser(t)
	thief.get(tn.portal + "/signin?back=/").want(`name="password"`)
	victim.get(thief.at.String())
	if victim.status != http.StatusBadRequest || strings.Contains(victim.body, `name="password"`) {
		t.Fatalf("the victim is asked for a password: %d", victim.status)
	}
}

func TestProvidersPages(t *testing.T) {
	tn := newTown(t, nil)
	t.Run("wrong password, then locked", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal + "/signin?back=/")
		for range 4 {
			b.send(map[string]string{"login": "bora-yilmaz", "password": "wrong", "step": "password"}).want("Login name and password do not match")
			if b.status != http.StatusUnprocessableEntity {
				t.Errorf("status %d", b.status)
			}
		}
		b.send(map[string]string{"login": "bora-yilmaz", "password": "wrong", "step": "password"}).want("locked for 15 minutes")
		b.send(map[string]string{"login": "bora-yilmaz", "password": password, "step": "password"}).want("locked for 15 minutes")
		// An account that doesn't exist answers the same.
		for range 4 {
			b.send(map[string]string{"login": "nobody", "password": password, "step": "password"}).want("Login name and password do not match")
		}
		b.send(map[string]string{"login": "nobody", "password": password, "step": "password"}).want("locked for 15 minutes")
		tn.shift.Add(15*60 + 1)
		b.get(tn.portal+"/signin?back=/").signIn("bora-yilmaz", "normal").want("Bora Yılmaz")
	})
	t.Run("wrong code", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal + "/signin?level=substantial&back=/")
		b.send(map[string]string{"login": "anna-schmidt", "password": password, "way": "substantial", "step": "password"})
		right := proof.FindStringSubmatch(b.body)[1]
		wrong := "000000"
		if right == wrong {
			wrong = "000001"
		}
		b.send(map[string]string{"proof": wrong, "step": "proof"}).want("You have 4 attempts left")
		for range 2 {
			b.send(map[string]string{"proof": wrong, "step": "proof"})
		}
		b.send(map[string]string{"proof": wrong, "step": "proof"}).want("one attempt left")
		b.send(map[string]string{"proof": wrong, "step": "proof"}).want("Too many wrong attempts")
		b.get(tn.portal + "/").want("|false|")
	})
	t.Run("less than is needed", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal + "/signin?level=substantial&back=/")
		b.send(map[string]string{"login": "anna-schmidt", "password": password, "way": "normal", "step": "password"}).want("choose one of the ways")
	})
	t.Run("another account", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal+"/signin?level=basic&back=/").signIn("anna-schmidt", "normal").want("Anna")
		b.get(tn.portal + "/signin?level=substantial&back=/").send(map[string]string{"step": "other"}).want(`name="password"`)
		b.signIn("bora-yilmaz", "substantial").want("person-bora")
	})
	t.Run("signing out without proof asks", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal+"/signin?level=basic&back=/").signIn("anna-schmidt", "normal").want("Anna")
		b.get(tn.issuer + "/end_session?client_id=portal&post_logout_redirect_uri=" + url.QueryEscape(tn.portal+"/")).want("You are signed in as anna-schmidt")
		b.send(nil).want("You are signed out").want(tn.portal + "/")
		b.get(tn.issuer + "/end_session?client_id=portal&post_logout_redirect_uri=https://evil.example/")
		if b.status != http.StatusBadRequest {
			t.Errorf("a foreign address to go to after signing out: %d at %s", b.status, b.at)
		}
	})
	t.Run("a form of another page", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal + "/signin?back=/")
		r, _ := http.NewRequest("POST", tn.issuer+"/login", strings.NewReader("id="+b.at.Query().Get("id")+"&login=anna-schmidt&password="+password+"&way=normal"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if b.do(r); b.status != http.StatusForbidden {
			t.Errorf("status %d", b.status)
		}
	})
	t.Run("languages", func(t *testing.T) {
		b := newBrowser(t)
		b.get(tn.portal + "/signin?back=/")
		page := b.at.String()
		b.get(page + "&lang=tr").want("Kullanıcı adı").want(`<html lang="tr">`)
		b.get(page + "&lang=de").want("Anmeldename")
	})
	t.Run("headers", func(t *testing.T) {
		resp, err := http.Get(tn.issuer + "/")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		csp := resp.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("headers %v", resp.Header)
		}
	})
}

// token asks the token endpoint.
func (tn *town) token(client, secret string, form url.Values) (int, map[string]any) {
	tn.t.Helper()
	r, err := http.NewRequest("POST", tn.issuer+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		tn.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(client, secret)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		tn.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		tn.t.Fatal(err)
	}
	return resp.StatusCode, answer
}

func (tn *town) userinfo(token string) int {
	tn.t.Helper()
	r, _ := http.NewRequest("GET", tn.issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		tn.t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestReplayedCode: a code works once; who comes again makes what the first one got worthless.
func TestReplayedCode(t *testing.T) {
	tn, b := newTown(t, nil), newBrowser(t)
	verifier := strings.Repeat("v", 43)
	digest := sha256.Sum256([]byte(verifier))
	sum := base64.RawURLEncoding.EncodeToString(digest[:])
	ask := func(q url.Values) string {
		for k, v := range map[string]string{"client_id": "portal", "response_type": "code", "scope": "openid profile address mercator",
			"redirect_uri": tn.portal + "/signin/callback", "state": "s"} {
			if !q.Has(k) {
				q.Set(k, v)
			}
		}
		return tn.issuer + "/authorize?" + q.Encode()
	}
	b.stopAt = tn.portal
	b.get(ask(url.Values{"code_challenge": {sum}, "code_challenge_method": {"S256"}})).signIn("anna-schmidt", "substantial")
	answer, _ := url.Parse(b.hops[len(b.hops)-1])
	form := url.Values{"grant_type": {"authorization_code"}, "code": answer.Query()["code"], "redirect_uri": {tn.portal + "/signin/callback"}, "code_verifier": {verifier}}
	status, got := tn.token("portal", "portal-secret", form)
	if status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	access := got["access_token"].(string)
	if s := tn.userinfo(access); s != 200 {
		t.Fatalf("userinfo %d", s)
	}
	claims := payload(t, got["id_token"].(string))
	if claims["acr"] != "STORK-QAA-Level-3" || claims["given_name"] != "Anna" || claims["birthdate"] != "1990-04-01" ||
		claims["sub"] != tn.provider.Pairwise("portal", "anna-schmidt") || claims["address"].(map[string]any)["street_address"] != "Königstraße 1" {
		t.Errorf("claims %v", claims)
	}
	// A person's tokens don't open the API.
	bearer, err := identity.NewBearer(identity.BearerConfig{Issuer: tn.issuer, Audience: "mercator-api"})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{access, got["id_token"].(string)} {
		r, _ := http.NewRequest("GET", "/api", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		if a, err := bearer.Actor(r); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a person's token is the machine %+v, %v", a, err)
		}
	}
	if status, again := tn.token("portal", "portal-secret", form); status != 400 || again["error"] != "invalid_grant" {
		t.Errorf("the code again: %d %v", status, again)
	}
	if s := tn.userinfo(access); s != 403 {
		t.Errorf("after the replay the first token still works: %d", s)
	}

	for name, q := range map[string]url.Values{
		"no PKCE":              {},
		"plain PKCE":           {"code_challenge": {verifier}, "code_challenge_method": {"plain"}},
		"unknown acr":          {"code_challenge": {sum}, "code_challenge_method": {"S256"}, "acr_values": {"gold"}},
		"nobody and no asking": {"code_challenge": {sum}, "code_challenge_method": {"S256"}, "prompt": {"none"}, "max_age": {"1"}},
	} {
		tn.shift.Add(5)
		b.get(ask(q))
		if back, _ := url.Parse(b.hops[len(b.hops)-1]); back.Query().Get("error") == "" {
			t.Errorf("%s: went on to %s", name, back)
		}
	}
	b.stopAt = ""
	if b.get(ask(url.Values{"redirect_uri": {"https://evil.example/"}})); b.status != 400 || strings.Contains(b.at.Host, "evil") {
		t.Errorf("a foreign redirect address: %d at %s", b.status, b.at)
	}
	if b.get(ask(url.Values{"client_id": {"nobody"}})); b.status != 400 {
		t.Errorf("an unknown client: %d", b.status)
	}

	// A stolen code without its verifier, with the wrong secret, by another client.
	for name, spoil := range map[string]func(url.Values) (string, string){
		"no verifier": func(f url.Values) (string, string) { f.Del("code_verifier"); return "portal", "portal-secret" },
		"wrong verifier": func(f url.Values) (string, string) {
			f.Set("code_verifier", strings.Repeat("w", 43))
			return "portal", "portal-secret"
		},
		"wrong secret": func(f url.Values) (string, string) { return "portal", "guess" },
		"other client": func(f url.Values) (string, string) { return "other", "other-secret" },
	} {
		b.stopAt = tn.portal
		b.get(ask(url.Values{"code_challenge": {sum}, "code_challenge_method": {"S256"}}))
		if strings.Contains(b.at.Path, "/login") && b.status == 200 {
			b.signIn("anna-schmidt", "normal")
		}
		answer, _ := url.Parse(b.hops[len(b.hops)-1])
		form.Set("code", answer.Query().Get("code"))
		form.Set("code_verifier", verifier)
		id, secret := spoil(form)
		if status, got := tn.token(id, secret, form); status < 400 || got["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
}

func TestMachines(t *testing.T) {
	tn := newTown(t, nil)
	bearer, err := identity.NewBearer(identity.BearerConfig{Issuer: tn.issuer, Audience: "mercator-api"})
	if err != nil {
		t.Fatal(err)
	}
	grant := url.Values{"grant_type": {"client_credentials"}}
	status, got := tn.token("erp", "erp-secret", url.Values{"grant_type": {"client_credentials"}, "scope": {"cases:read"}})
	if status != 200 {
		t.Fatalf("%d %v", status, got)
	}
	r, _ := http.NewRequest("GET", "/api", nil)
	r.Header.Set("Authorization", "Bearer "+got["access_token"].(string))
	a, err := bearer.Actor(r)
	if err != nil || a.Kind != access.Machine || a.ID != "erp" || a.Office != "32" || strings.Join(a.Roles, " ") != "cases:read" {
		t.Errorf("the machine is %+v, %v", a, err)
	}
	if _, got := tn.token("erp", "erp-secret", grant); got["scope"] != "cases:read cases:write" {
		t.Errorf("without a wish: %v", got)
	}
	for name, try := range map[string]func() (int, map[string]any){
		"wrong secret": func() (int, map[string]any) { return tn.token("erp", "x", grant) },
		"unknown":      func() (int, map[string]any) { return tn.token("nobody", "x", grant) },
		"foreign scope": func() (int, map[string]any) {
			return tn.token("erp", "erp-secret", url.Values{"grant_type": {"client_credentials"}, "scope": {"registers:read"}})
		},
		"a portal": func() (int, map[string]any) { return tn.token("portal", "portal-secret", grant) },
		"password grant": func() (int, map[string]any) {
			return tn.token("erp", "erp-secret", url.Values{"grant_type": {"password"}, "username": {"anna-schmidt"}, "password": {password}})
		},
	} {
		if status, got := try(); status < 400 || status >= 500 || got["access_token"] != nil {
			t.Errorf("%s: %d %v", name, status, got)
		}
	}
}

func TestMessages(t *testing.T) {
	c, err := i18n.Load(oidclogin.Messages())
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Missing() {
		t.Error(m)
	}
	for _, key := range []string{"attempt", "cancelled", "unavailable", "token", "level"} {
		if !c.Has("oidclogin." + key) {
			t.Errorf("oidclogin.%s is missing", key)
		}
	}
}

func payload(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}
