// SPDX-License-Identifier: EUPL-1.2

package webhook

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/bus"
	"mercator/core/job"
	"mercator/core/store"
)

// Kind is the kind of the jobs that deliver.
const Kind = "webhook.deliver"

const (
	attempts     = 18 // with the pauses of core/job some eight hours
	callTimeout  = 10 * time.Second
	restMax      = 2 * time.Minute
	suspendAfter = 20 // deliveries given up in a row
	keep         = 30 * 24 * time.Hour
	atOnce       = 2
)

// Config is what webhooks need.
type Config struct {
	DB   *store.DB
	Jobs *job.Queue
	// Key seals the secrets of subscriptions: 32 bytes that aren't in the database.
	Key []byte
	// Loopback admits addresses of this machine: for the demo and for tests.
	Loopback bool
	// OfficeOf finds the office of a case, for events whose data doesn't name it;
	// "" is none. nil: such events are of no office.
	OfficeOf func(ctx context.Context, q store.Q, subject string) (string, error)
	Log      *slog.Logger
	Now      func() time.Time
}

// Service keeps subscriptions and delivers.
type Service struct {
	c      Config
	seal   cipher.AEAD
	client *http.Client
	mu     sync.Mutex
	rests  map[string]rest
}

// rest is how long an address that failed is left alone.
type rest struct {
	until time.Time
	pause time.Duration
}

// NewService makes webhooks. Its worker is registered with the queue; app registers
// Handler with the bus.
func NewService(c Config) (*Service, error) {
	const op = "webhook.new"
	if len(c.Key) != 32 {
		return nil, fault.Internalf(op, "the key has %d bytes, not 32", len(c.Key))
	}
	block, err := aes.NewCipher(c.Key)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	seal, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{c: c, seal: seal, rests: map[string]rest{}}
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: s.admit}
	s.client = &http.Client{
		Timeout:       callTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: callTimeout,
			MaxIdleConns: 20, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
	}
	return s, c.Jobs.Register(job.Worker{Kind: Kind, Work: s.work, OnDead: s.onDead, Timeout: 30 * time.Second, Limit: atOnce})
}

// admit looks at the address that is about to be dialled, after the name was resolved.
func (s *Service) admit(network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if a := ap.Addr().Unmap(); !Public(a) && (!s.c.Loopback || !a.IsLoopback()) {
		return fmt.Errorf("the address of the host is not public")
	}
	return nil
}

func (s *Service) close(secret string) string {
	nonce := make([]byte, s.seal.NonceSize())
	rand.Read(nonce) // never fails since Go 1.24
	return base64.RawStdEncoding.EncodeToString(s.seal.Seal(nonce, nonce, []byte(secret), nil))
}

func (s *Service) open(sealed string) (string, error) {
	b, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(b) < s.seal.NonceSize() {
		return "", fault.Internalf("webhook.open", "a secret is damaged")
	}
	text, err := s.seal.Open(nil, b[:s.seal.NonceSize()], b[s.seal.NonceSize():], nil)
	if err != nil {
		return "", fault.Internalf("webhook.open", "a secret was sealed with another key: %w", err)
	}
	return string(text), nil
}

// Subscribe makes a subscription of the client and gives its secret, this once.
func (s *Service) Subscribe(ctx context.Context, a access.Actor, n New) (sub Subscription, secret string, err error) {
	const op = "webhook.subscribe"
	if err := errors.Join(checkURL(op, n.URL, s.c.Loopback), checkTypes(op, n.Types)); err != nil {
		return Subscription{}, "", fault.Wrap(op, err)
	}
	if len(n.Description) > maxDescription {
		return Subscription{}, "", fault.New(fault.Invalid, op, "webhook.description", "max", maxDescription)
	}
	id := ident.New()
	secret = newSecret()
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		var has int
		if err := tx.QueryRow(ctx, countSubscriptions, a.ID).Scan(&has); err != nil {
			return err
		}
		if has >= maxSubscriptions {
			return fault.New(fault.Conflict, op, "webhook.tooMany", "max", maxSubscriptions)
		}
		_, err := tx.Exec(ctx, addSubscription, id, a.ID, a.Office, n.URL, strings.Join(n.Types, " "), n.Description, s.close(secret), store.Micros(s.c.Now()))
		if err != nil {
			return err
		}
		sub, err = store.One(ctx, tx, scanSubscription, subscriptionOf, a.ID, id)
		return err
	})
	return sub, secret, fault.Wrap(op, err)
}

// List lists the subscriptions of the client.
func (s *Service) List(ctx context.Context, a access.Actor) ([]Subscription, error) {
	out, err := store.All(ctx, s.c.DB, scanSubscription, subscriptionsOf, a.ID)
	return out, fault.Wrap("webhook.list", err)
}

// Get reads a subscription of the client.
func (s *Service) Get(ctx context.Context, a access.Actor, id string) (Subscription, error) {
	out, err := store.One(ctx, s.c.DB, scanSubscription, subscriptionOf, a.ID, id)
	return out, fault.Wrap("webhook.get", err)
}

// Change changes a subscription of the client. Making it active forgives its failures.
func (s *Service) Change(ctx context.Context, a access.Actor, id string, c Change) (sub Subscription, err error) {
	const op = "webhook.change"
	if c.URL != nil {
		if err := checkURL(op, *c.URL, s.c.Loopback); err != nil {
			return sub, err
		}
	}
	if c.Types != nil {
		if err := checkTypes(op, c.Types); err != nil {
			return sub, err
		}
	}
	if c.Description != nil && len(*c.Description) > maxDescription {
		return sub, fault.New(fault.Invalid, op, "webhook.description", "max", maxDescription)
	}
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		if sub, err = store.One(ctx, tx, scanSubscription, subscriptionOf, a.ID, id); err != nil {
			return err
		}
		if c.URL != nil {
			sub.URL = *c.URL
		}
		if c.Types != nil {
			sub.Types = slices.Clone(c.Types)
		}
		if c.Description != nil {
			sub.Description = *c.Description
		}
		if c.Active != nil {
			if sub.State = Paused; *c.Active {
				sub.State, sub.givenUp = Active, 0
			}
		}
		tx.AfterCommit(func() { s.awake(id) })
		_, err := tx.Exec(ctx, changeSubscription, a.ID, id, sub.URL, strings.Join(sub.Types, " "), sub.Description, string(sub.State), sub.givenUp)
		return err
	})
	return sub, fault.Wrap(op, err)
}

// Rotate gives a new secret. For a day every message is signed with both.
func (s *Service) Rotate(ctx context.Context, a access.Actor, id string) (secret string, err error) {
	const op = "webhook.rotate"
	secret = newSecret()
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, rotateSecret, a.ID, id, store.Micros(s.c.Now().Add(rotationTime)), s.close(secret))
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, op, "")
		}
		return err
	})
	return secret, fault.Wrap(op, err)
}

// Delete ends a subscription with its deliveries.
func (s *Service) Delete(ctx context.Context, a access.Actor, id string) error {
	const op = "webhook.delete"
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, deleteSubscription, a.ID, id)
		if err == nil && n == 0 {
			return fault.New(fault.NotFound, op, "")
		}
		return err
	}))
}

// Deliveries lists what went to an address of the client, the newest first; before is
// the id of the last one of the page before.
func (s *Service) Deliveries(ctx context.Context, a access.Actor, id, before string, n int) ([]Delivery, error) {
	const op = "webhook.deliveries"
	if _, err := s.Get(ctx, a, id); err != nil {
		return nil, fault.Wrap(op, err)
	}
	if before == "" {
		before = "g" // after every hexadecimal digit
	}
	out, err := store.All(ctx, s.c.DB, scanDelivery, deliveriesOf, id, before, max(1, min(n, 100)))
	return out, fault.Wrap(op, err)
}

// Redeliver sends an event again: the same id, the same body.
func (s *Service) Redeliver(ctx context.Context, a access.Actor, id, delivery string) error {
	const op = "webhook.redeliver"
	if _, err := s.Get(ctx, a, id); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, sendAgain, delivery, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, op, "")
		}
		return s.enqueue(ctx, tx, delivery)
	}))
}

// Handler turns events into deliveries; app registers it with the bus.
func (s *Service) Handler() bus.Handler {
	return bus.Handler{Name: "webhook", Types: []string{"eu.mercator."}, Handle: s.hear}
}

func (s *Service) hear(ctx context.Context, tx *store.Tx, e bus.Event) error {
	const op = "webhook.hear"
	subs, err := store.All(ctx, tx, scanSubscription, activeSubscriptions)
	if err != nil || len(subs) == 0 {
		return fault.Wrap(op, err)
	}
	var about struct {
		Office string `json:"office"`
	}
	// An event whose data is no object is about no office.
	_ = json.Unmarshal(e.Data, &about)
	if about.Office == "" && e.Subject != "" && s.c.OfficeOf != nil {
		if about.Office, err = s.c.OfficeOf(ctx, tx, e.Subject); err != nil {
			return fault.Wrap(op, err)
		}
	}
	body, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(op, err)
	}
	for _, sub := range subs {
		if sub.Office != "" && sub.Office != about.Office || !slices.ContainsFunc(sub.Types, func(p string) bool { return strings.HasPrefix(e.Type, p) }) {
			continue
		}
		id := ident.New()
		n, err := tx.Exec(ctx, addDelivery, id, sub.ID, e.ID, e.Type, string(body), store.Micros(s.c.Now()))
		if err != nil {
			return fault.Wrap(op, err)
		}
		if n == 0 {
			continue
		}
		if err := s.enqueue(ctx, tx, id); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

func (s *Service) enqueue(ctx context.Context, tx *store.Tx, delivery string) error {
	_, err := s.c.Jobs.Enqueue(ctx, tx, job.New{Kind: Kind, Args: delivery, MaxAttempts: attempts})
	return err
}

// work sends one delivery once.
func (s *Service) work(ctx context.Context, j *job.Job) error {
	const op = "webhook.work"
	var id string
	if err := j.Read(&id); err != nil {
		return err
	}
	d, err := store.One(ctx, s.c.DB, scanDelivery, deliveryByID, id)
	if fault.Is(err, fault.NotFound) || err == nil && d.State != Waiting {
		return nil // unsubscribed meanwhile, or done
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	sub, err := store.One(ctx, s.c.DB, scanSubscription, subscriptionByID, d.Subscription)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	if sub.State != Active {
		return fault.New(fault.Denied, op, "", "state", string(sub.State))
	}
	if s.resting(sub.ID) {
		return fault.New(fault.Unavailable, op, "")
	}
	status, sendErr := s.send(ctx, sub, d)
	text := ""
	progress := Waiting
	switch {
	case sendErr == nil:
		progress = Delivered
	case status == http.StatusGone:
		progress, text = GivenUp, sendErr.Error()
	default:
		text = sendErr.Error()
	}
	s.note(sub.ID, sendErr == nil)
	err = s.c.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, noteAttempt, d.ID, string(progress), status, text[:min(len(text), 500)], store.Micros(s.c.Now())); err != nil {
			return err
		}
		if progress == Waiting {
			return nil
		}
		state, givenUp := Active, 0
		if progress == GivenUp {
			state, givenUp = Suspended, sub.givenUp+1
		}
		if state != sub.State || givenUp != sub.givenUp {
			if _, err := tx.Exec(ctx, noteOutcome, sub.ID, givenUp, string(state)); err != nil {
				return err
			}
		}
		return j.Done(ctx, tx)
	})
	if err != nil {
		return fault.Wrap(op, err)
	}
	if progress == Waiting {
		return fault.Because(fault.Unavailable, op, "", sendErr)
	}
	return nil
}

func (s *Service) send(ctx context.Context, sub Subscription, d Delivery) (status int, err error) {
	// The rules may have become stricter since the address was taken.
	if err := checkURL("webhook.send", sub.URL, s.c.Loopback); err != nil {
		return 0, err
	}
	now := s.c.Now()
	secret, err := s.open(sub.secret)
	if err != nil {
		return 0, err
	}
	signature, err := sign(secret, d.EventID, now, []byte(d.body))
	if err != nil {
		return 0, err
	}
	if sub.oldSecret != "" && now.Before(sub.oldUntil) {
		old, err := s.open(sub.oldSecret)
		if err != nil {
			return 0, err
		}
		second, err := sign(old, d.EventID, now, []byte(d.body))
		if err != nil {
			return 0, err
		}
		signature += " " + second
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.URL, bytes.NewReader([]byte(d.body)))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/cloudevents+json; charset=utf-8")
	req.Header.Set("User-Agent", "Mercator")
	req.Header.Set("webhook-id", d.EventID)
	req.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("webhook-signature", signature)
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	// Nothing in the answer interests us; a little is read so that the connection can be used again.
	io.Copy(io.Discard, io.LimitReader(resp.Body, 4<<10))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, fmt.Errorf("the address answers %s", resp.Status)
	}
	return resp.StatusCode, nil
}

func (s *Service) resting(sub string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.c.Now().Before(s.rests[sub].until)
}

func (s *Service) awake(sub string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rests, sub)
}

// note lets an address that failed rest, the longer the more often it fails.
func (s *Service) note(sub string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok {
		delete(s.rests, sub)
		return
	}
	pause := min(max(2*s.rests[sub].pause, 250*time.Millisecond), restMax)
	s.rests[sub] = rest{until: s.c.Now().Add(pause), pause: pause}
}

// onDead gives a delivery up, and suspends the address after many of them in a row.
func (s *Service) onDead(ctx context.Context, tx *store.Tx, j *job.Job, last string) error {
	var id string
	if err := j.Read(&id); err != nil {
		return nil // nothing that could be given up
	}
	d, err := store.One(ctx, tx, scanDelivery, deliveryByID, id)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.Error != "" {
		last = d.Error
	}
	if n, err := tx.Exec(ctx, giveUp, id, last[:min(len(last), 500)]); err != nil || n == 0 {
		return err
	}
	sub, err := store.One(ctx, tx, scanSubscription, subscriptionByID, d.Subscription)
	if err != nil || sub.State != Active {
		return err
	}
	state := sub.State
	if sub.givenUp+1 >= suspendAfter {
		state = Suspended
	}
	_, err = tx.Exec(ctx, noteOutcome, sub.ID, sub.givenUp+1, string(state))
	return err
}

// Sweep forgets deliveries that ended a month ago.
func (s *Service) Sweep(ctx context.Context) error {
	return fault.Wrap("webhook.sweep", s.c.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, sweepDeliveries, store.Micros(s.c.Now().Add(-keep)))
		return err
	}))
}
