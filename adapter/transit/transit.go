// SPDX-License-Identifier: EUPL-1.2

package transit

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tink-crypto/tink-go/v2/core/registry"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The schemes of an address: hcvault://HOST:PORT/MOUNT/keys/KEY. The second is without TLS, for an agent on this machine.
const (
	scheme      = "hcvault"
	schemePlain = "hcvault+http"
)

// Config is what a client needs.
type Config struct {
	Token     func() (string, error) // read for each call: an agent may have renewed it
	Namespace string                 // of the enterprise edition; may be empty
	CA        string                 // a PEM file of who has signed the server's certificate; empty: whom the system trusts
}

// Client is a registry.KMSClient.
type Client struct {
	config Config
	http   *http.Client
}

var _ registry.KMSClient = (*Client)(nil)

// New makes a client. It calls nobody.
func New(c Config) (*Client, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil // the key system is inside
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", c.CA)
		}
		t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &Client{config: c, http: &http.Client{Timeout: 15 * time.Second, Transport: t,
		// A token mustn't go where somebody sends it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// Supported implements registry.KMSClient.
func (c *Client) Supported(keyURI string) bool { return Check(keyURI) == nil }

// Check tells what is wrong with an address.
func Check(keyURI string) error {
	_, _, err := parse(keyURI)
	return err
}

// parse is the address of the server with its mount, and the name of the key.
func parse(keyURI string) (base, key string, err error) {
	bad := errors.New("want hcvault://HOST:PORT/MOUNT/keys/KEY, or hcvault+http:// to an agent on this machine")
	u, err := url.Parse(keyURI)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Path, "..") {
		return "", "", bad
	}
	mount, key, ok := strings.Cut(strings.Trim(u.Path, "/"), "/keys/")
	if !ok || mount == "" || key == "" || strings.Contains(key, "/") {
		return "", "", bad
	}
	over := "https"
	switch u.Scheme {
	case scheme:
	case schemePlain:
		if ip := net.ParseIP(u.Hostname()); ip == nil || !ip.IsLoopback() {
			return "", "", errors.New("hcvault+http:// is without TLS: only to an address of this machine, as 127.0.0.1")
		}
		over = "http"
	default:
		return "", "", bad
	}
	return (&url.URL{Scheme: over, Host: u.Host, Path: "/v1/" + mount}).String(), url.PathEscape(key), nil
}

// GetAEAD implements registry.KMSClient. It calls nobody.
func (c *Client) GetAEAD(keyURI string) (tink.AEAD, error) {
	base, key, err := parse(keyURI)
	if err != nil {
		return nil, err
	}
	return &aead{client: c, base: base, key: key}, nil
}

type aead struct {
	client    *Client
	base, key string
}

type text struct {
	Plaintext  []byte `json:"plaintext,omitempty"` // base64, as the protocol has it and Go writes bytes
	Ciphertext string `json:"ciphertext,omitempty"`
	Associated []byte `json:"associated_data,omitempty"`
}

// Encrypt implements tink.AEAD. The ciphertext is the text "vault:v1:…", which names the version of the key.
func (a *aead) Encrypt(plain, associated []byte) ([]byte, error) {
	out, err := a.call("encrypt", text{Plaintext: plain, Associated: associated})
	if err == nil && out.Ciphertext == "" {
		err = errors.New("the key system gave no ciphertext")
	}
	return []byte(out.Ciphertext), err
}

// Decrypt implements tink.AEAD.
func (a *aead) Decrypt(sealed, associated []byte) ([]byte, error) {
	out, err := a.call("decrypt", text{Ciphertext: string(sealed), Associated: associated})
	return out.Plaintext, err
}

// maxAnswer is more than any answer has.
const maxAnswer = 1 << 20

func (a *aead) call(what string, in text) (text, error) {
	fail := func(err error) (text, error) {
		return text{}, fmt.Errorf("key system %s: %s with the key %s: %w", a.base, what, a.key, err)
	}
	token, err := a.client.config.Token()
	if err != nil {
		return fail(fmt.Errorf("its token: %w", err))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return fail(err)
	}
	r, err := http.NewRequest(http.MethodPost, a.base+"/"+what+"/"+a.key, bytes.NewReader(body))
	if err != nil {
		return fail(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Vault-Token", token)
	r.Header.Set("X-Vault-Request", "true")
	if a.client.config.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", a.client.config.Namespace)
	}
	res, err := a.client.http.Do(r)
	if err != nil {
		return fail(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fail(err)
	}
	var answer struct {
		Data   text     `json:"data"`
		Errors []string `json:"errors"`
	}
	err = json.Unmarshal(b, &answer)
	switch {
	case res.StatusCode == http.StatusForbidden:
		return fail(errors.New("the token isn't allowed to, or has run out"))
	case res.StatusCode == http.StatusNotFound:
		return fail(errors.New("there is no such mount or key"))
	case res.StatusCode == http.StatusServiceUnavailable:
		return fail(errors.New("it is sealed, or not ready"))
	case res.StatusCode != http.StatusOK:
		return fail(fmt.Errorf("%s: %s", res.Status, strings.Join(answer.Errors, "; ")))
	case err != nil:
		return fail(fmt.Errorf("the answer can't be read: %w", err))
	}
	return answer.Data, nil
}
