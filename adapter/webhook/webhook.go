// SPDX-License-Identifier: EUPL-1.2

package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
)

// State is the state of a subscription.
type State string

// The states of a subscription.
const (
	Active    State = "active"
	Paused    State = "paused"    // by its owner
	Suspended State = "suspended" // by us: gone, or failing too often
)

// Subscription is an address that wants to be told.
type Subscription struct {
	ID          string
	Owner       string // the client that made it
	Office      string // of the client; "": events of every office
	URL         string
	Types       []string // prefixes of event types
	Description string
	State       State
	CreatedAt   time.Time

	secret, oldSecret string // sealed
	oldUntil          time.Time
	givenUp           int
}

// New is a subscription to be.
type New struct {
	URL         string
	Types       []string
	Description string
}

// Change changes what isn't nil.
type Change struct {
	URL         *string
	Types       []string
	Description *string
	Active      *bool
}

// Progress is the state of a delivery.
type Progress string

// The states of a delivery.
const (
	Waiting   Progress = "waiting"
	Delivered Progress = "delivered"
	GivenUp   Progress = "given_up"
)

// Delivery is one event on its way to one address.
type Delivery struct {
	ID, Subscription, EventID, Type string
	State                           Progress
	Attempts                        int
	Status                          int    // the last HTTP status, 0: no answer
	Error                           string // why the last attempt failed
	CreatedAt, SentAt               time.Time

	body string
}

const (
	maxURL           = 2000
	maxTypes         = 50
	maxType          = 200
	maxDescription   = 500
	maxSubscriptions = 20
	secretPrefix     = "whsec_"
	rotationTime     = 24 * time.Hour
	tolerance        = 5 * time.Minute
)

var typePattern = regexp.MustCompile(`^[a-z0-9]+(\.[a-z0-9_-]+)*\.?$`)

func checkTypes(op string, types []string) error {
	if len(types) == 0 || len(types) > maxTypes {
		return fault.New(fault.Invalid, op, "webhook.types", "max", maxTypes)
	}
	for _, t := range types {
		if len(t) > maxType || !typePattern.MatchString(t) {
			return fault.New(fault.Invalid, op, "webhook.type")
		}
	}
	return nil
}

// checkURL refuses what will never be called; the address itself is checked when it
// is dialled. Plain HTTP is for loopback only.
func checkURL(op, text string, loopback bool) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return fault.New(fault.Invalid, op, "webhook.url")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 || n < 1024 && n != 443 && n != 80 {
			return fault.New(fault.Invalid, op, "webhook.url")
		}
	}
	host := u.Hostname()
	addr, err := netip.ParseAddr(host)
	literal := err == nil
	local := strings.EqualFold(host, "localhost") || literal && addr.Unmap().IsLoopback()
	switch {
	case local && loopback && (u.Scheme == "http" || u.Scheme == "https"):
		return nil
	case local, u.Scheme != "https", literal && !Public(addr), !literal && !strings.Contains(host, "."):
		return fault.New(fault.Invalid, op, "webhook.url")
	}
	return nil
}

// reserved are the networks that aren't the public internet (RFC 6890 and its
// registries), beside those that netip knows by name. Those that carry an IPv4
// address inside an IPv6 one are closed altogether.
func reserved() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Public reports whether an address is on the public internet.
func Public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	if !a.IsValid() || !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	return !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(a) })
}

// newSecret is a fresh key in the notation of Standard Webhooks.
func newSecret() string {
	raw, _ := base64.RawURLEncoding.DecodeString(ident.Secret(32)) // just made
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

func sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) < 16 {
		return "", fault.Internalf("webhook.sign", "not a secret")
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)), nil
}

// Verify is what a receiver does: is the message from us, whole, and not an old one
// sent again?
func Verify(secret string, header http.Header, body []byte, now time.Time) error {
	const op = "webhook.verify"
	seconds, err := strconv.ParseInt(header.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		return fault.Because(fault.Unauthenticated, op, "", err)
	}
	at := time.Unix(seconds, 0)
	if d := now.Sub(at); d > tolerance || d < -tolerance {
		return fault.New(fault.Unauthenticated, op, "webhook.old")
	}
	want, err := sign(secret, header.Get("webhook-id"), at, body)
	if err != nil {
		return err
	}
	for _, got := range strings.Fields(header.Get("webhook-signature")) {
		if hmac.Equal([]byte(got), []byte(want)) {
			return nil
		}
	}
	return fault.New(fault.Unauthenticated, op, "webhook.signature")
}
