// SPDX-License-Identifier: EUPL-1.2

package identity_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/identity"
	"mercator/core/store"
)

// selfSigned is a certificate that anybody could make, as a proxy tells it, and its thumbprint.
func selfSigned(t *testing.T, from, to time.Time) (header, pemHeader, print string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(der)
	return ":" + base64.StdEncoding.EncodeToString(der) + ":", url.PathEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		base64.RawURLEncoding.EncodeToString(sum[:])
}

// A token or a client that is bound to a certificate is worth nothing without it, and only the proxy says which one there is.
func TestBoundToACertificate(t *testing.T) {
	p, clock := newProvider(t), newClock()
	year := func(n int) time.Time { return clock.now().AddDate(n, 0, 0) }
	mine, minePEM, print := selfSigned(t, year(-1), year(1))
	other, _, _ := selfSigned(t, year(-1), year(1))
	old, _, oldPrint := selfSigned(t, year(-2), year(-1))
	with := func(c identity.Certificates) *identity.Bearer {
		b, err := identity.NewBearer(identity.BearerConfig{Issuer: p.URL, Audience: "mercator-api", Now: clock.now, Certificates: c})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	on := with(identity.Certificates{Header: "Client-Cert", Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Clients: map[string][]string{"pinned": {print, oldPrint}}})
	off := with(identity.Certificates{})
	cnf := func(v string) map[string]any { return map[string]any{"x5t#S256": v} }
	const proxy, stranger = "10.1.2.3:4711", "192.0.2.1:4711"
	for name, c := range map[string]struct {
		bearer  *identity.Bearer
		client  string
		cnf     any
		from    string
		headers []string
		want    string // the certificate that the policies see
		refused bool
	}{
		"nothing is bound":                          {on, "erp", nil, proxy, nil, "", false},
		"a certificate that nothing is bound to":    {on, "erp", nil, proxy, []string{mine}, "", false},
		"the token's own":                           {on, "erp", cnf(print), proxy, []string{mine}, print, false},
		"… as PEM":                                  {on, "erp", cnf(print), proxy, []string{minePEM}, print, false},
		"the token's, by a proxy with IPv4 in IPv6": {on, "erp", cnf(print), "[::ffff:10.1.2.3]:1", []string{mine}, print, false},
		"a stolen token without a certificate":      {on, "erp", cnf(print), proxy, nil, "", true},
		"a stolen token with the thief's":           {on, "erp", cnf(print), proxy, []string{other}, "", true},
		"the proxy has seen none":                   {on, "erp", cnf(print), proxy, []string{""}, "", true},
		"the header from a stranger":                {on, "erp", cnf(print), stranger, []string{mine}, "", true},
		"… to whom nothing is bound":                {on, "erp", nil, stranger, []string{mine}, "", true},
		"… whose address can't be read":             {on, "erp", cnf(print), "pipe", []string{mine}, "", true},
		"two":                                       {on, "erp", cnf(print), proxy, []string{mine, other}, "", true},
		"rubbish":                                   {on, "erp", nil, proxy, []string{":AAAA:"}, "", true},
		"not even base64":                           {on, "erp", nil, proxy, []string{":%:"}, "", true},
		"endless":                                   {on, "erp", nil, proxy, []string{":" + strings.Repeat("A", 17<<10) + ":"}, "", true},
		"one whose time is over":                    {on, "erp", cnf(oldPrint), proxy, []string{old}, "", true},
		"a client's own":                            {on, "pinned", nil, proxy, []string{mine}, print, false},
		"a client that must have one, without":      {on, "pinned", nil, proxy, nil, "", true},
		"a client with another one":                 {on, "pinned", nil, proxy, []string{other}, "", true},
		"a client whose token is another's":         {on, "pinned", cnf("AAAA"), proxy, []string{mine}, "", true},
		"bound to a key of its own":                 {on, "erp", map[string]any{"jkt": "x"}, proxy, []string{mine}, "", true},
		"bound to both":                             {on, "erp", map[string]any{"jkt": "x", "x5t#S256": print}, proxy, []string{mine}, "", true},
		"off: the header says nothing":              {off, "erp", nil, proxy, []string{mine}, "", false},
		"off: a bound token":                        {off, "erp", cnf(print), proxy, []string{mine}, "", true},
	} {
		claims := map[string]any{"iss": p.URL, "aud": []string{"mercator-api"}, "client_id": c.client, "exp": clock.now().Add(5 * time.Minute).Unix()}
		if c.cnf != nil {
			claims["cnf"] = c.cnf
		}
		r := httptest.NewRequest("GET", "/api/v1/cases", nil)
		r.RemoteAddr = c.from
		r.Header.Set("Authorization", "Bearer "+p.token(t, p.key, jose.ES256, "k1", claims))
		for _, h := range c.headers {
			r.Header.Add("Client-Cert", h)
		}
		a, err := c.bearer.Actor(r)
		switch {
		case c.refused && !fault.Is(err, fault.Unauthenticated):
			t.Errorf("%s: %+v, %v", name, a, err)
		case !c.refused && (err != nil || a.Certificate != c.want || a.Door != access.DoorAPI || a.Client != c.client):
			t.Errorf("%s: %+v, %v; want the certificate %q", name, a, err, c.want)
		}
	}
}

// Who works for the city comes in at the desk, others at the portal.
func TestSessionsHaveADoor(t *testing.T) {
	each(t, func(t *testing.T, h *house, _ *store.DB) {
		clerk := access.Actor{Kind: access.Clerk, ID: "c1", Name: "Petra", Office: "32", Roles: []string{"clerk"}, Level: access.Basic}
		for want, a := range map[access.Door]access.Actor{access.DoorPortal: anna, access.DoorDesk: clerk} {
			a.Door = access.DoorAPI // whoever says so
			if s := h.signIn(a); s.Actor.Door != want {
				t.Errorf("signing in: %q, want %q", s.Actor.Door, want)
			}
			if a, _, err := h.visit(access.Basic); err != nil || a.Door != want || a.Client != "" {
				t.Errorf("at the next page: %+v, %v; want %q", a, err, want)
			}
		}
	})
}
