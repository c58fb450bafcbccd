// SPDX-License-Identifier: EUPL-1.2

package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The stream and its subjects: mercator.events.<event type>. Who connects from
// outside does so as Reader.
const (
	Reader        = "reader"
	inside        = "mercator"
	StreamName    = "MERCATOR"
	SubjectPrefix = "mercator.events."
	// JobPrefix begins the subjects at which a worker asks: mercator.jobs.WORKER.…; it is answered at InboxPrefix + WORKER.
	JobPrefix = "mercator.jobs."
	// Queue is the group of nodes of which one answers.
	Queue = "mercator"
	// SendPrefix begins those at which it sends messages, signals and data: mercator.send.WORKER.messages.
	SendPrefix  = "mercator.send."
	InboxPrefix = "_INBOX_"
)

// NATS is the stream of events, with the embedded server or at one outside.
type NATS struct {
	server   *server.Server // nil: outside
	conn     *nats.Conn
	js       jetstream.JetStream
	keep     time.Duration
	replicas int
}

// Outside is a NATS server, or a cluster of them, that several nodes share. It needs
// JetStream. The users and what each may do are its own: the nodes may do all at
// mercator.> and JobPrefix, a worker and a reader what StartNATS allows them.
type Outside struct {
	URL            string // nats:// or tls://; several with commas
	User, Password string
	Credentials    string        // a .creds file, in the place of both
	Replicas       int           // of the stream, where it isn't there yet; 0: 1
	Keep           time.Duration // how long the stream keeps events, where it isn't there yet; 0: 14 days
}

// Connect connects to a server outside. It needn't be up: events wait in SQL until it is.
func Connect(c Outside) (*NATS, error) {
	const op = "bus.connect"
	options := []nats.Option{nats.Name("mercator"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second)}
	switch {
	case c.Credentials != "":
		options = append(options, nats.UserCredentials(c.Credentials))
	case c.User != "":
		options = append(options, nats.UserInfo(c.User, c.Password))
	}
	n := &NATS{keep: c.Keep, replicas: c.Replicas}
	if err := n.connect(c.URL, options...); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return n, nil
}

// NATSConfig is what the embedded server needs.
type NATSConfig struct {
	Dir    string // of the JetStream store; may be deleted between two starts
	Listen string // "" : reachable only inside this process
	Token  string // password of the user Reader at Listen
	// Workers are programs that do service tasks, with their passwords. Each speaks at its
	// own subjects and hears at its own inbox: none reads what another is given.
	Workers map[string]string
	Keep    time.Duration // how long the stream keeps events; 0: 14 days
}

// StartNATS starts the embedded server.
func StartNATS(c NATSConfig) (*NATS, error) {
	const op = "bus.startNATS"
	secret := ident.Secret(16)
	o := &server.Options{
		ServerName: "mercator", JetStream: true, StoreDir: c.Dir, NoSigs: true, NoLog: true,
		DontListen: c.Listen == "", JetStreamMaxMemory: 16 << 20, JetStreamMaxStore: 8 << 30, MaxPayload: 1 << 20,
	}
	if c.Listen != "" {
		host, port, err := net.SplitHostPort(c.Listen)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if o.Host = host; port != "" {
			if o.Port, err = strconv.Atoi(port); err != nil {
				return nil, fault.Wrap(op, err)
			}
		}
		if o.Port == 0 {
			o.Port = server.RANDOM_PORT
		}
		if c.Token == "" {
			return nil, fault.Internalf(op, "a bus that listens needs a token")
		}
		// Outside one may listen and read the stream, not speak: an event that the
		// outbox didn't publish is no event.
		o.Users = []*server.User{
			{Username: inside, Password: secret},
			{Username: Reader, Password: c.Token, Permissions: &server.Permissions{
				Subscribe: &server.SubjectPermission{Allow: []string{SubjectPrefix + ">", "_INBOX.>"}},
				Publish: &server.SubjectPermission{Allow: []string{
					"$JS.API.INFO", "$JS.API.STREAM.INFO." + StreamName, "$JS.API.CONSUMER.*." + StreamName, "$JS.API.CONSUMER.*." + StreamName + ".>",
					"$JS.API.CONSUMER.MSG.NEXT." + StreamName + ".>", "$JS.ACK." + StreamName + ".>", "$JS.FC." + StreamName + ".>",
				}},
			}},
		}
	}
	for name, password := range c.Workers {
		if c.Listen == "" || password == "" || name == Reader || name == inside || strings.ContainsAny(name, ".*> ") {
			return nil, fault.Internalf(op, "worker %q: the bus has to listen, and a worker has a name without dots or spaces and a password", name)
		}
		o.Users = append(o.Users, &server.User{Username: name, Password: password, Permissions: &server.Permissions{
			Publish:   &server.SubjectPermission{Allow: []string{JobPrefix + name + ".>", SendPrefix + name + ".*"}},
			Subscribe: &server.SubjectPermission{Allow: []string{InboxPrefix + name + ".>"}},
		}})
	}
	s, err := server.NewServer(o)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	go s.Start()
	n := &NATS{server: s, keep: c.Keep}
	if !s.ReadyForConnections(10 * time.Second) {
		n.Close()
		return nil, fault.New(fault.Unavailable, op, "")
	}
	options := []nats.Option{nats.InProcessServer(n.server), nats.Name("mercator")}
	if c.Listen != "" {
		options = append(options, nats.UserInfo(inside, secret))
	}
	if err := n.connect("", options...); err != nil {
		n.Close()
		return nil, fault.Wrap(op, err)
	}
	return n, nil
}

func (n *NATS) connect(url string, options ...nats.Option) error {
	if n.keep == 0 {
		n.keep = 14 * 24 * time.Hour
	}
	var err error
	if n.conn, err = nats.Connect(url, options...); err != nil {
		return err
	}
	n.js, err = jetstream.New(n.conn, jetstream.WithPublishAsyncMaxPending(4000))
	return err
}

// Open implements Stream. A stream that is there stays as it is: outside it is its
// operator's to size.
func (n *NATS) Open(ctx context.Context) (fresh bool, err error) {
	const op = "bus.open"
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := n.js.Stream(ctx, StreamName); !errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, fault.Wrap(op, err)
	}
	_, err = n.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: StreamName, Subjects: []string{SubjectPrefix + ">"}, Storage: jetstream.FileStorage, Replicas: max(n.replicas, 1),
		MaxAge: n.keep, Duplicates: time.Hour, Description: "CloudEvents of Mercator; SQL is the truth",
	})
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another node was first
		return false, nil
	}
	return err == nil, fault.Wrap(op, err)
}

// Addr is where the embedded server listens, or nil.
func (n *NATS) Addr() net.Addr { return n.server.Addr() }

// Conn is the connection.
func (n *NATS) Conn() *nats.Conn { return n.conn }

// Publish sends events and waits until the stream has acknowledged each.
func (n *NATS) Publish(ctx context.Context, events []Event) error {
	acks := make([]jetstream.PubAckFuture, 0, len(events))
	for _, e := range events {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		ack, err := n.js.PublishMsgAsync(&nats.Msg{
			Subject: SubjectPrefix + e.Type, Data: body,
			Header: nats.Header{jetstream.MsgIDHeader: {e.ID}, "Content-Type": {"application/cloudevents+json"}},
		})
		if err != nil {
			return err
		}
		acks = append(acks, ack)
	}
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for _, a := range acks {
		select {
		case <-a.Ok():
		case err := <-a.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-timeout.C:
			return fmt.Errorf("the stream doesn't acknowledge")
		}
	}
	return nil
}

// Holds reads the ids of the events that the stream has got since then.
func (n *NATS) Holds(ctx context.Context, since time.Time) (map[string]bool, error) {
	const op = "bus.holds"
	ids := map[string]bool{}
	c, err := n.js.CreateConsumer(ctx, StreamName, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since,
		AckPolicy: jetstream.AckNonePolicy, HeadersOnly: true, MemoryStorage: true, InactiveThreshold: time.Minute,
	})
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	for left := int(c.CachedInfo().NumPending); left > 0; {
		got, err := c.Fetch(min(left, 1000), jetstream.FetchMaxWait(10*time.Second))
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		before := left
		for m := range got.Messages() {
			ids[m.Headers().Get(jetstream.MsgIDHeader)] = true
			left--
		}
		if err := got.Error(); err != nil {
			return nil, fault.Wrap(op, err)
		}
		if left == before {
			return nil, fault.New(fault.Unavailable, op, "")
		}
	}
	return ids, fault.Wrap(op, n.js.DeleteConsumer(ctx, StreamName, c.CachedInfo().Name))
}

// Close ends the connection and stops the embedded server; what it has not synced to
// disk is in SQL.
func (n *NATS) Close() {
	if n.conn != nil {
		n.conn.Close()
	}
	if n.server != nil {
		n.server.Shutdown()
		n.server.WaitForShutdown()
	}
}
