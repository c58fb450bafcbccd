// SPDX-License-Identifier: EUPL-1.2

package xbezahl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"mercator/base/fault"
	"mercator/domain/payment"
)

// Config says where the provider is and who we are there.
type Config struct {
	BaseURL    string // without a slash at its end
	Originator string // the online service: often its LeiKa key
	EndPoint   string // the authority: often its AGS
	Client     *http.Client
	// Authorize proves to the provider who asks: Basic, Bearer, or nil where the client's certificate does.
	Authorize func(*http.Request) error
}

// Client asks a provider. It is the Provider of domain/payment.
type Client struct{ cfg Config }

var _ payment.Provider = (*Client)(nil)

// New checks the configuration.
func New(cfg Config) (*Client, error) {
	const op = "xbezahl.new"
	if u, err := url.Parse(cfg.BaseURL); err != nil || u.Host == "" {
		return nil, fault.Internalf(op, "%q is no address", cfg.BaseURL)
	}
	if !ValidID(cfg.Originator) || !ValidID(cfg.EndPoint) {
		return nil, fault.Internalf(op, "originator %q or end point %q is no id of the standard", cfg.Originator, cfg.EndPoint)
	}
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &Client{cfg}, nil
}

// Basic authorizes by user and password (epay21).
func Basic(user, password string) func(*http.Request) error {
	return func(r *http.Request) error {
		r.SetBasicAuth(user, password)
		return nil
	}
}

// Token authorizes by a bearer token that doesn't change.
func Token(token string) func(*http.Request) error {
	return func(r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
}

// Bearer authorizes by OAuth2 client credentials (pmPayment); the token is kept until it ends.
func Bearer(tokenURL, id, secret string, client *http.Client) func(*http.Request) error {
	ctx := context.Background()
	if client != nil {
		ctx = context.WithValue(ctx, oauth2.HTTPClient, client)
	}
	source := (&clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: tokenURL}).TokenSource(ctx)
	return func(r *http.Request) error {
		t, err := source.Token()
		if err != nil {
			return err
		}
		t.SetAuthHeader(r)
		return nil
	}
}

// Create opens a checkout.
func (c *Client) Create(ctx context.Context, k payment.Checkout) (payment.Status, error) {
	const op = "xbezahl.create"
	if !ValidID(k.RequestID) || k.Cents <= 0 || len(k.ReturnURL) > 2082 {
		return payment.Status{}, fault.Internalf(op, "no request of the standard")
	}
	amount, none := Euros(k.Cents), Euros(0)
	text := k.Text
	for len(text) > 250 {
		text = text[:len(text)-1]
	}
	body, err := json.Marshal(PaymentRequest{
		RequestID: k.RequestID, RequestTimestamp: k.At.UTC().Format(time.RFC3339), Currency: "EUR", GrosAmount: amount,
		Purpose: Purpose(k.Purpose), Description: strings.ToValidUTF8(text, ""), RedirectURL: k.ReturnURL,
		Items: []Item{{ID: k.RequestID, Reference: k.Reference, Description: strings.ToValidUTF8(text, ""), TaxRate: "0", Quantity: 1,
			TotalNetAmount: amount, TotalTaxAmount: none, SingleNetAmount: amount, SingleTaxAmount: none}},
	})
	if err != nil {
		return payment.Status{}, fault.Wrap(op, err)
	}
	return c.ask(ctx, op, http.MethodPost, "/paymenttransaction/"+c.cfg.Originator+"/"+c.cfg.EndPoint, body)
}

// Status asks about a transaction.
func (c *Client) Status(ctx context.Context, transaction string) (payment.Status, error) {
	const op = "xbezahl.status"
	if transaction == "" || len(transaction) > 44 {
		return payment.Status{}, fault.New(fault.Invalid, op, "")
	}
	return c.ask(ctx, op, http.MethodGet, "/paymenttransaction/"+c.cfg.Originator+"/"+c.cfg.EndPoint+"/"+url.PathEscape(transaction), nil)
}

// Ready tells whether the provider takes payments for us: for the cockpit.
func (c *Client) Ready(ctx context.Context) error {
	_, _, err := c.send(ctx, "xbezahl.ready", http.MethodGet, "/status/"+c.cfg.Originator+"/"+c.cfg.EndPoint, nil)
	return err
}

const maxAnswer = 1 << 20

func (c *Client) send(ctx context.Context, op, method, path string, body []byte) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.cfg.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, fault.Wrap(op, err)
	}
	r.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.cfg.Authorize != nil {
		if err := c.cfg.Authorize(r); err != nil {
			return 0, nil, fault.Because(fault.Unavailable, op, "", err)
		}
	}
	resp, err := c.cfg.Client.Do(r)
	if err != nil {
		return 0, nil, fault.Because(fault.Unavailable, op, "", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return 0, nil, fault.Because(fault.Unavailable, op, "", err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp.StatusCode, answer, nil
	}
	return resp.StatusCode, nil, refused(op, resp.StatusCode, answer)
}

// refused classifies an error of the provider. Its words go to the operator, not to the citizen.
func refused(op string, status int, answer []byte) error {
	var p Problem
	_ = json.Unmarshal(answer, &p) // what can't be read has no code
	err := fmt.Errorf("the provider answers %d %.40s: %.200s", status, p.FunctionalCode, p.Title)
	switch {
	case status == http.StatusNotFound:
		return fault.Because(fault.NotFound, op, "", err)
	case p.FunctionalCode == CodeExists:
		return fault.Because(fault.Conflict, op, "", err)
	case status >= 500 || status == http.StatusTooManyRequests:
		return fault.Because(fault.Unavailable, op, "", err)
	}
	return fault.Because(fault.Internal, op, "", err)
}

func (c *Client) ask(ctx context.Context, op, method, path string, body []byte) (payment.Status, error) {
	_, answer, err := c.send(ctx, op, method, path, body)
	if err != nil {
		return payment.Status{}, err
	}
	s, err := decode(answer)
	if err != nil {
		return payment.Status{}, fault.Internalf(op, "the provider's answer: %w", err)
	}
	return s, nil
}

// decode reads a transaction and checks what we rely on.
func decode(answer []byte) (payment.Status, error) {
	var t PaymentTransaction
	d := json.NewDecoder(bytes.NewReader(answer))
	if err := d.Decode(&t); err != nil {
		return payment.Status{}, err
	}
	i, r := t.PaymentInformation, t.PaymentRequest
	cents, err := Cents(r.GrosAmount)
	if err != nil {
		return payment.Status{}, err
	}
	states := map[string]payment.AttemptState{StatusInitial: payment.Initial, StatusPayed: payment.Payed,
		StatusFailed: payment.Declined, StatusCanceled: payment.Canceled}
	state, ok := states[i.Status]
	if !ok {
		return payment.Status{}, fmt.Errorf("unknown status %.40q", i.Status)
	}
	if i.TransactionID == "" || len(i.TransactionID) > 44 || !ValidID(r.RequestID) {
		return payment.Status{}, fmt.Errorf("no transaction or request id")
	}
	for _, s := range []string{i.StatusDetail, i.PaymentMethod, i.TransactionReference} {
		if len(s) > 250 {
			return payment.Status{}, fmt.Errorf("a text is too long")
		}
	}
	if state != payment.Initial {
		i.TransactionRedirectURL = ""
	}
	if u, err := url.Parse(i.TransactionRedirectURL); err != nil || i.TransactionRedirectURL != "" && u.Scheme != "https" && u.Scheme != "http" {
		return payment.Status{}, fmt.Errorf("the checkout has no address of the web")
	}
	return payment.Status{Transaction: i.TransactionID, RequestID: r.RequestID, State: state, Cents: cents, Currency: r.Currency,
		Detail: i.StatusDetail, Method: i.PaymentMethod, Reference: i.TransactionReference, Redirect: i.TransactionRedirectURL}, nil
}
