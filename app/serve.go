// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	runtimedebug "runtime/debug"
	"time"

	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/web"
)

// tuneMemory lets the heap grow to three times what is live before it is collected:
// under load that halves the work of collecting for some memory. GOGC overrides it.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		runtimedebug.SetGCPercent(200)
	}
}

// Serve runs the platform as the configuration says.
func Serve(ctx context.Context, c config.Config, stdout io.Writer) error {
	tuneMemory()
	if err := os.MkdirAll(c.Data.Dir, 0o700); err != nil {
		return err
	}
	unlock, err := lockDir(c.Data.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	h, err := New(ctx, Options{Config: c, Log: c.Log.Logger()})
	if err != nil {
		return err
	}
	defer h.Close()
	l, err := net.Listen("tcp", c.Server.Listen)
	if err != nil {
		return err
	}
	work := []func(context.Context) error{func(ctx context.Context) error {
		return h.Run(ctx, l, func() { fmt.Fprintln(stdout, "ready "+c.Server.PublicURL) })
	}}
	if c.Server.MetricsListen != "" {
		m, err := net.Listen("tcp", c.Server.MetricsListen)
		if err != nil {
			return err
		}
		mux := http.NewServeMux()
		mux.Handle("GET /metrics", h.metrics.handler())
		work = append(work, func(ctx context.Context) error { return serveHTTP(ctx, m, mux, time.Second) })
	}
	return runAll(ctx, work...)
}

// Migrate brings the database up and does nothing else.
func Migrate(ctx context.Context, c config.Config, stdout io.Writer) error {
	db, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := store.Migrate(ctx, db, Migrations()); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "the database is up to date")
	return nil
}

// operator are the pages of the operator: is it alive, is it ready, how is it.
func (h *House) operator() web.Mounts {
	mounts := web.Mounts{
		{Pattern: "GET /healthz", Class: web.ClassFree, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "ok\n")
		})},
		{Pattern: "GET /readyz", Class: web.ClassFree, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
			defer cancel()
			if err := h.db.Ping(ctx); err != nil || !h.running.Load() {
				http.Error(w, "not ready", http.StatusServiceUnavailable)
				return
			}
			io.WriteString(w, "ready\n")
		})},
	}
	if h.config.Server.MetricsListen == "" {
		// Without an address of their own the metrics are for this machine only.
		mounts = append(mounts, web.Mount{Pattern: "GET /metrics", Class: web.ClassFree, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			host, _, err := net.SplitHostPort(r.RemoteAddr)
			if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() || r.Header.Get("X-Forwarded-For") != "" {
				http.NotFound(w, r)
				return
			}
			h.metrics.handler().ServeHTTP(w, r)
		})})
	}
	return mounts
}

// limits are the rates that one client may ask at. A demo on loopback is one client
// for everybody who tries it, and for the benchmark.
func (h *House) limits() map[string]web.Rate {
	if host, _, err := net.SplitHostPort(h.config.Server.Listen); err == nil && h.config.API.AllowLoopbackWebhooks {
		if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
			return map[string]web.Rate{}
		}
	}
	return nil
}

// secretFile reads 32 secret bytes, which are made at the first start.
func secretFile(name string) ([]byte, error) {
	b := make([]byte, 32)
	rand.Read(b)
	b, err := blob.WriteOnce(name, b)
	if err == nil && len(b) != 32 {
		err = fmt.Errorf("%s is damaged: it should hold 32 bytes", name)
	}
	return b, err
}
