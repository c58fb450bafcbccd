// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mercator/domain/process"
)

// metrics are what an operator watches. Labels are patterns and kinds, never ids.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mercator_http_requests_total", Help: "Requests answered."}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mercator_http_request_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 10}}, []string{"route"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mercator_http_response_bytes_total", Help: "Bytes of answers."}, []string{"route"}),
	}
	m.registry.MustRegister(m.requests, m.duration, m.bytes, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// workMeter meters the work that programs outside do, when somebody looks: an alarm rings where
// the oldest has waited too long.
type workMeter struct {
	read        func(context.Context) ([]process.ExternalType, error)
	now         func() time.Time
	jobs, since *prometheus.Desc
}

func newWork(read func(context.Context) ([]process.ExternalType, error), now func() time.Time) *workMeter {
	return &workMeter{read: read, now: now,
		jobs:  prometheus.NewDesc("mercator_external_work", "Work for programs outside; a number stops at 1,000 of an office.", []string{"type", "state"}, nil),
		since: prometheus.NewDesc("mercator_external_work_oldest_seconds", "How long the oldest work has waited that nobody has taken.", []string{"type"}, nil)}
}

// Describe implements prometheus.Collector.
func (w *workMeter) Describe(ch chan<- *prometheus.Desc) { ch <- w.jobs; ch <- w.since }

// Collect implements prometheus.Collector.
func (w *workMeter) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	list, err := w.read(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(w.jobs, err)
		return
	}
	for _, x := range list {
		for state, n := range map[string]int{"waiting": x.Waiting, "locked": x.Locked, "failed": x.Failed} {
			ch <- prometheus.MustNewConstMetric(w.jobs, prometheus.GaugeValue, float64(n), x.Type, state)
		}
		age := time.Duration(0)
		if !x.Oldest.IsZero() {
			age = max(w.now().Sub(x.Oldest), 0)
		}
		ch <- prometheus.MustNewConstMetric(w.since, prometheus.GaugeValue, age.Seconds(), x.Type)
	}
}

// observe is web.Config.Observe.
func (m *metrics) observe(route, method string, status int, took time.Duration, bytes int64) {
	if route == "" {
		route = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
	m.bytes.WithLabelValues(route).Add(float64(bytes))
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 3, Timeout: 10 * time.Second})
}
