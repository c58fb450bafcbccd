// SPDX-License-Identifier: EUPL-1.2

package identity

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Certificates are what binds a program to the certificate that its connection was made with (RFC 8705): a token or a client
// that is bound is worth nothing without it. TLS ends at a proxy in front of the house, which says in a header what
// certificate it has seen. The zero value takes none.
type Certificates struct {
	Header  string         // that the proxy sets; empty: no certificate is taken
	Proxies []netip.Prefix // who may set it
	// Clients are the programs that come with a certificate only, whatever their token says, and the thumbprints of theirs.
	Clients map[string][]string
}

// maxCertificate bounds the text of a certificate.
const maxCertificate = 16 << 10

// of is the thumbprint (x5t#S256) of the certificate of a request; empty: it came without one.
func (c Certificates) of(r *http.Request, now time.Time) (string, error) {
	if c.Header == "" {
		return "", nil
	}
	values := r.Header.Values(c.Header)
	switch {
	case len(values) == 0:
		return "", nil
	case !c.trusted(r.RemoteAddr):
		return "", errors.New("the header of the client certificate comes from nobody who may set it")
	case len(values) > 1:
		return "", errors.New("several client certificates")
	case values[0] == "": // the proxy has seen none
		return "", nil
	}
	der, err := certificateIn(values[0])
	if err != nil {
		return "", err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return "", err
	}
	if now.Before(cert.NotBefore) || now.After(cert.NotAfter) {
		return "", errors.New("the client certificate isn't valid at this time")
	}
	sum := sha256.Sum256(cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

func (c Certificates) trusted(remote string) bool {
	a, err := netip.ParseAddrPort(remote)
	return err == nil && slices.ContainsFunc(c.Proxies, func(p netip.Prefix) bool { return p.Contains(a.Addr().Unmap()) })
}

// certificateIn reads a certificate as RFC 9440 writes it, or as PEM escaped for an address, as nginx does.
func certificateIn(text string) ([]byte, error) {
	if len(text) > maxCertificate {
		return nil, errors.New("the client certificate is too long")
	}
	if inner, ok := strings.CutPrefix(text, ":"); ok {
		return base64.StdEncoding.DecodeString(strings.TrimSuffix(inner, ":"))
	}
	text, err := url.PathUnescape(text)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("the client certificate is neither a byte sequence nor PEM")
	}
	return block.Bytes, nil
}

// bind holds the certificate of a request against the one that the token is bound to and those of the client. It returns what
// the client is known by. A certificate that neither names proves nothing: anybody can make one.
func (c Certificates) bind(client, bound, shown string) (string, error) {
	own, pinned := c.Clients[client]
	switch {
	case bound != "" && shown != bound:
		return "", errors.New("the token is bound to another client certificate")
	case pinned && !slices.Contains(own, shown):
		return "", errors.New("the client comes without one of its certificates")
	case bound == "" && !pinned:
		return "", nil
	}
	return shown, nil
}
