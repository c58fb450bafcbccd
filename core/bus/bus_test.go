// SPDX-License-Identifier: EUPL-1.2

package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"mercator/base/ident"
	"mercator/core/bus"
	"mercator/core/store"
	"mercator/core/store/storetest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func rooms() []store.Migrations {
	return []store.Migrations{bus.Migrations(), {Room: "test", FS: fstest.MapFS{"migrate/0001_effect.sql": {Data: []byte(
		"CREATE TABLE test_effect (n BIGINT NOT NULL, subject TEXT NOT NULL, data TEXT NOT NULL)")}}}}
}

func publish(t testing.TB, db *store.DB, o *bus.Outbox, subject string, n int) {
	t.Helper()
	ctx := context.Background()
	for i := range n {
		if err := db.Write(ctx, func(tx *store.Tx) error {
			return o.Publish(ctx, tx, bus.Event{ID: ident.New(), Type: "eu.mercator.test.happened", Subject: subject, Data: json.RawMessage(fmt.Sprint(i))})
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Two processes on one database, a handler that fails now and then, a restart in
// between: each event has its effect once and in the order of its subject.
func TestEachHandlerSeesEachEventOnceAndInOrder(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		const subjects, each = 5, 20
		var mu sync.Mutex
		calls := 0
		handler := bus.Handler{Name: "test", Types: []string{"eu.mercator.test."}, Handle: func(ctx context.Context, tx *store.Tx, e bus.Event) error {
			mu.Lock()
			calls++
			fails := calls%17 == 0
			mu.Unlock()
			if fails {
				return errors.New("not now")
			}
			_, err := tx.Exec(ctx, "INSERT INTO test_effect (n, subject, data) SELECT COUNT(*), CAST($1 AS TEXT), CAST($2 AS TEXT) FROM test_effect WHERE subject = $1", e.Subject, string(e.Data))
			return err
		}}
		other := bus.Handler{Name: "deaf", Types: []string{"eu.mercator.other."}, Handle: func(context.Context, *store.Tx, bus.Event) error {
			t.Error("an event of another type was delivered")
			return nil
		}}
		newBus := func() *bus.Outbox {
			o, err := bus.New(bus.Config{DB: db, Handlers: []bus.Handler{handler, other}})
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		o := newBus()
		for i := range subjects {
			publish(t, db, o, fmt.Sprint("s", i), each)
		}
		for range 3 { // a restart each time
			ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
			newBus().Run(ctx)
			cancel()
		}
		for range 50 {
			if newBus().Drain(context.Background()) == nil {
				break
			}
		}
		for i := range subjects {
			got, err := store.All(context.Background(), db, func(s store.Scanner) (string, error) {
				var v string
				return v, s.Scan(&v)
			}, "SELECT data FROM test_effect WHERE subject = $1 ORDER BY n", fmt.Sprint("s", i))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != each {
				t.Fatalf("subject %d: %d of %d", i, len(got), each)
			}
			for k, v := range got {
				if v != fmt.Sprint(k) {
					t.Fatalf("subject %d is out of order: %v", i, got)
				}
			}
		}
		if n, err := newBus().Pending(context.Background()); n != 0 || err != nil {
			t.Errorf("%d wait, %v", n, err)
		}
	})
}

// From outside one may listen and read the stream, and neither speak nor delete.
func TestReadersOnlyRead(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	n, err := bus.StartNATS(bus.NATSConfig{Dir: t.TempDir(), Listen: "127.0.0.1:0", Token: "a password"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if fresh, err := n.Open(ctx); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	url := "nats://" + n.Addr().String()
	for _, o := range [][]nats.Option{nil, {nats.UserInfo(bus.Reader, "wrong")}, {nats.UserInfo("mercator", "a password")}, {nats.Token("a password")}} {
		if c, err := nats.Connect(url, o...); err == nil {
			c.Close()
			t.Errorf("connected with %d options", len(o))
		}
	}
	c, err := nats.Connect(url, nats.UserInfo(bus.Reader, "a password"), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	forged, err := n.Conn().SubscribeSync("mercator.events.eu.mercator.forged")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(n.Conn().Flush(), c.Publish("mercator.events.eu.mercator.forged", []byte("{}")), c.Flush()); err != nil {
		t.Fatal(err)
	}
	if m, err := forged.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("a reader spoke: %s", m.Subject)
	}
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	short, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	if err := js.DeleteStream(short, bus.StreamName); err == nil {
		t.Error("a reader deleted the stream")
	}
	if err := n.Publish(ctx, []bus.Event{{ID: "e1", Type: "eu.mercator.test.happened", Time: time.Now(), Data: json.RawMessage("1")}}); err != nil {
		t.Fatal(err)
	}
	durable, err := js.CreateConsumer(ctx, bus.StreamName, jetstream.ConsumerConfig{Durable: "fachverfahren", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	m, err := durable.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil || m.Headers().Get(jetstream.MsgIDHeader) != "e1" {
		t.Fatalf("%v", err)
	}
	if err := m.DoubleAck(ctx); err != nil {
		t.Error(err)
	}
}

// A subject that a handler can't digest doesn't hold up the others, even if more of
// it waits than is read at once.
func TestOneFailingSubjectHoldsUpNoOther(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		seen := make(chan string, 1000)
		o, err := bus.New(bus.Config{DB: db, Handlers: []bus.Handler{{Name: "h", Types: []string{"eu."}, Handle: func(_ context.Context, tx *store.Tx, e bus.Event) error {
			if e.Subject == "poison" {
				return errors.New("can't")
			}
			tx.AfterCommit(func() { seen <- string(e.Data) })
			return nil
		}}}})
		if err != nil {
			t.Fatal(err)
		}
		publish(t, db, o, "poison", 250)
		publish(t, db, o, "good", 30)
		var wg sync.WaitGroup
		wg.Go(func() { o.Run(ctx) })
		for i := range 30 {
			select {
			case got := <-seen:
				if got != fmt.Sprint(i) {
					t.Fatalf("%s came as number %d", got, i)
				}
			case <-ctx.Done():
				t.Fatalf("only %d of 30 came", i)
			}
		}
		publish(t, db, o, "good", 1)
		select {
		case <-seen:
		case <-ctx.Done():
			t.Error("nothing comes any more")
		}
		cancel()
		wg.Wait()
		if n, err := o.Pending(context.Background()); n != 250 || err != nil {
			t.Errorf("%d wait, want the 250 of the failing subject; %v", n, err)
		}
	})
}

func BenchmarkDelivery(b *testing.B) {
	db := storetest.SQLite(b, rooms())
	ctx, cancel := context.WithCancel(context.Background())
	seen := make(chan struct{}, b.N)
	o, err := bus.New(bus.Config{DB: db, Handlers: []bus.Handler{{Name: "h", Types: []string{"eu."}, Handle: func(ctx context.Context, tx *store.Tx, e bus.Event) error {
		_, err := tx.Exec(ctx, "INSERT INTO test_effect (n, subject, data) VALUES (1, $1, $2)", e.Subject, string(e.Data))
		tx.AfterCommit(func() { seen <- struct{}{} })
		return err
	}}}})
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { o.Run(ctx) })
	work := make(chan int, b.N)
	for i := range b.N {
		work <- i
	}
	close(work)
	b.ResetTimer()
	for range 16 {
		wg.Go(func() {
			for i := range work {
				publish(b, db, o, fmt.Sprint(i), 1)
			}
		})
	}
	for range b.N {
		<-seen
	}
	b.StopTimer()
	cancel()
	wg.Wait()
}

// What is rolled back was never said.
func TestAnEventStandsOrFallsWithItsChange(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		o, err := bus.New(bus.Config{DB: db, Handlers: []bus.Handler{{Name: "h", Types: []string{""}, Handle: func(context.Context, *store.Tx, bus.Event) error { t.Error("delivered"); return nil }}}})
		if err != nil {
			t.Fatal(err)
		}
		db.Write(ctx, func(tx *store.Tx) error {
			if err := o.Publish(ctx, tx, bus.Event{Type: "eu.mercator.test.happened"}); err != nil {
				t.Error(err)
			}
			return errors.New("no")
		})
		if err := o.Drain(ctx); err != nil {
			t.Fatal(err)
		}
	})
}

func streamIDs(t *testing.T, n *bus.NATS, want int) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	js, err := jetstream.New(n.Conn())
	if err != nil {
		t.Fatal(err)
	}
	c, err := js.OrderedConsumer(ctx, bus.StreamName, jetstream.OrderedConsumerConfig{})
	for errors.Is(err, jetstream.ErrStreamNotFound) { // the outbox makes it
		time.Sleep(10 * time.Millisecond)
		c, err = js.OrderedConsumer(ctx, bus.StreamName, jetstream.OrderedConsumerConfig{})
	}
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for len(ids) < want {
		m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			t.Fatalf("%d of %d: %v", len(ids), want, err)
		}
		var e struct{ SpecVersion, ID, Type, Subject string }
		if err := json.Unmarshal(m.Data(), &e); err != nil || e.SpecVersion != "1.0" || e.Type != "eu.mercator.test.happened" {
			t.Fatalf("not a CloudEvent: %s %v", m.Data(), err)
		}
		ids[e.ID]++
	}
	return ids
}

// The NATS store is deleted between two starts, and nothing is lost.
func TestTheStreamMayBeDeleted(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		dir := filepath.Join(t.TempDir(), "nats")
		var damage func(*bus.NATS)
		run := func(count int) map[string]int {
			n, err := bus.StartNATS(bus.NATSConfig{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			o, err := bus.New(bus.Config{DB: db, Stream: n})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			wg.Go(func() { o.Run(ctx) })
			defer wg.Wait()
			defer cancel()
			publish(t, db, o, "s", 30)
			ids := streamIDs(t, n, count)
			if damage != nil {
				damage(n)
			}
			return ids
		}
		first := run(30)
		second := run(60) // a plain restart: nothing twice
		for id, n := range second {
			if n != 1 {
				t.Errorf("%s is in the stream %d times after a restart", id, n)
			}
		}
		// What the stream had not yet synced is gone after a power cut.
		damage = func(n *bus.NATS) {
			js, err := jetstream.New(n.Conn())
			if err != nil {
				t.Fatal(err)
			}
			s, err := js.Stream(context.Background(), bus.StreamName)
			if err != nil {
				t.Fatal(err)
			}
			for seq := uint64(40); seq < 50; seq++ {
				if err := s.DeleteMsg(context.Background(), seq); err != nil {
					t.Error(err)
				}
			}
		}
		run(90)
		damage = nil
		for id, n := range run(120) {
			if n != 1 {
				t.Errorf("%s is in the stream %d times after it lost some", id, n)
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		third := run(150)
		for id := range first {
			if third[id] != 1 {
				t.Errorf("%s is in the stream %d times after its store was deleted", id, third[id])
			}
		}
	})
}

// The NATS store is deleted while everything runs: no event is lost, and the next start
// gives the stream all of them.
func TestTheStreamIsDeletedUnderLoad(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		dir := filepath.Join(t.TempDir(), "nats")
		written := 0
		run := func(do func(o *bus.Outbox, n *bus.NATS)) {
			n, err := bus.StartNATS(bus.NATSConfig{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			o, err := bus.New(bus.Config{DB: db, Stream: n})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			wg.Go(func() { o.Run(ctx) })
			defer wg.Wait()
			defer cancel()
			do(o, n)
		}
		for range 3 {
			run(func(o *bus.Outbox, n *bus.NATS) {
				for i := range 60 {
					if i == 30 {
						if err := os.RemoveAll(dir); err != nil {
							t.Fatal(err)
						}
					}
					publish(t, db, o, "s", 1)
					written++
				}
			})
			run(func(_ *bus.Outbox, n *bus.NATS) {
				for id, times := range streamIDs(t, n, written) {
					if times != 1 {
						t.Errorf("%s is in the stream %d times", id, times)
					}
				}
			})
		}
	})
}

// Two nodes share a NATS server outside, which is down when they begin, is stopped while
// they work and comes back, once with an empty store: each event is in the stream once.
func TestNodesShareAServerOutside(t *testing.T) {
	storetest.Each(t, rooms(), func(t *testing.T, db *store.DB) {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := free.Addr().(*net.TCPAddr).Port
		free.Close()
		dir := filepath.Join(t.TempDir(), "jetstream")
		start := func() *server.Server {
			s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
				Users: []*server.User{{Username: "mercator", Password: "a password"}}})
			if err != nil {
				t.Fatal(err)
			}
			go s.Start()
			if !s.ReadyForConnections(10 * time.Second) {
				t.Fatal("the server doesn't start")
			}
			return s
		}
		stop := func(s *server.Server) {
			s.Shutdown()
			s.WaitForShutdown()
		}
		outside := bus.Outside{URL: fmt.Sprintf("nats://127.0.0.1:%d", port), User: "mercator", Password: "a password"}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		var nodes []*bus.Outbox
		var conns []*bus.NATS
		for range 2 {
			n, err := bus.Connect(outside)
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			o, err := bus.New(bus.Config{DB: db, Stream: n})
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() { o.Run(ctx) })
			nodes, conns = append(nodes, o), append(conns, n)
		}
		written := 0
		all := func(what string) {
			t.Helper()
			for range 600 {
				if n, err := nodes[0].Pending(ctx); err == nil && n == 0 {
					break
				}
				time.Sleep(50 * time.Millisecond)
			}
			for id, n := range streamIDs(t, conns[0], written) {
				if n != 1 {
					t.Errorf("%s: %s is in the stream %d times", what, id, n)
				}
			}
		}
		write := func() {
			t.Helper()
			for _, o := range nodes {
				publish(t, db, o, "s", 10)
				written += 10
			}
		}
		write() // nothing listens yet
		s := start()
		all("it was down when they began")
		write()
		all("running")
		stop(s)
		write()
		s = start()
		all("it was stopped")
		stop(s)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		write()
		s = start()
		defer stop(s)
		all("its store was lost")
	})
}
