// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/bus"

	"github.com/nats-io/nats.go"
)

// maxAtNATS bounds the requests of workers that are under way; long polls are among them.
const maxAtNATS = 256

// ServeNATS answers the requests of workers at NATS: a request to mercator.jobs.WORKER.PATH
// with the dots of PATH for slashes is a POST to /api/v1/jobs/PATH, with the same headers,
// body, checks and answer, whose status is the header Status. One to
// mercator.send.WORKER.messages (.signals, .conditions) is a POST to /api/v1/messages.
func (a *API) ServeNATS(conn *nats.Conn, workers []string) error {
	slots := make(chan struct{}, maxAtNATS)
	serve := func(name, prefix string, path func(rest string) string) error {
		subject := prefix + name + "."
		_, err := conn.QueueSubscribe(subject+">", bus.Queue, func(m *nats.Msg) {
			// Who asks is answered at its own inbox and nowhere else: not in somebody
			// else's name, and not where somebody else listens.
			if !strings.HasPrefix(m.Reply, bus.InboxPrefix+name+".") {
				return
			}
			select {
			case slots <- struct{}{}:
			default:
				m.RespondMsg(&nats.Msg{Header: nats.Header{"Status": {strconv.Itoa(http.StatusServiceUnavailable)}}})
				return
			}
			go func() {
				defer func() { <-slots }()
				a.answerNATS(m, path(strings.TrimPrefix(m.Subject, subject)))
			}()
		})
		return err
	}
	for _, name := range workers {
		err := serve(name, bus.JobPrefix, func(rest string) string { return "/jobs/" + strings.ReplaceAll(rest, ".", "/") })
		if err == nil {
			err = serve(name, bus.SendPrefix, func(rest string) string {
				switch rest {
				case "messages", "signals", "conditions":
					return "/" + rest
				}
				return "/nowhere"
			})
		}
		if err != nil {
			return fault.Wrap("api.serveNATS", err)
		}
	}
	if !conn.IsConnected() {
		return nil // a server outside that isn't up: it's told when it is
	}
	return fault.Wrap("api.serveNATS", conn.Flush())
}

func (a *API) answerNATS(m *nats.Msg, path string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, prefix+path, bytes.NewReader(m.Data))
	if err != nil {
		m.RespondMsg(&nats.Msg{Header: nats.Header{"Status": {strconv.Itoa(http.StatusBadRequest)}}})
		return
	}
	r.Header.Set("Content-Type", "application/json")
	for _, name := range []string{"Authorization", "Idempotency-Key", "Accept-Language"} {
		if v := m.Header.Get(name); v != "" {
			r.Header.Set(name, v)
		}
	}
	w := &reply{header: http.Header{}, status: http.StatusOK}
	a.ServeHTTP(w, r)
	m.RespondMsg(&nats.Msg{Data: w.body.Bytes(), Header: nats.Header{"Status": {strconv.Itoa(w.status)}, "Content-Type": {w.header.Get("Content-Type")}}})
}

// reply collects an answer.
type reply struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *reply) Header() http.Header         { return w.header }
func (w *reply) WriteHeader(status int)      { w.status = status }
func (w *reply) Write(b []byte) (int, error) { return w.body.Write(b) }
