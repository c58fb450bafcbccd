// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// formBench measures one page of a form with many people on it at a time, each signed in and with a draft of their own. All of
// it goes through HTTP: the time that counts is what the server's own metric says about each request, from the first byte read
// to the last one written, so that the load generator, which shares the processor, isn't part of it.
type formBench struct {
	*bench
	service string
	people  []*formVisitor
}

// formVisitor is somebody on the page: where it is, and what they send of it.
type formVisitor struct {
	*visitor
	page, action string
	answers      url.Values
	fields       int
}

func (b *bench) form(ctx context.Context, service string, sessions, rate, seconds int) error {
	f := &formBench{bench: b, service: service, people: make([]*formVisitor, sessions)}
	began := time.Now()
	if _, _, err := b.each(ctx, sessions, 4, func(i int) (time.Duration, error) {
		v, err := f.enter(ctx, fmt.Sprintf("resident-%d", i))
		f.people[i] = v
		return 0, err
	}); err != nil {
		return err
	}
	fmt.Fprintf(b.out, "form  %d people are on a page of %d fields after %.0f s\n", sessions, f.people[0].fields, time.Since(began).Seconds())
	if err := f.measure(ctx, "one at a time", 200, 1, 0); err != nil { // warm-up, and what the work is without waiting
		return err
	}
	if err := f.measure(ctx, "one at a time", 400, 1, 0); err != nil {
		return err
	}
	if err := f.measure(ctx, fmt.Sprintf("arriving at %d a second", rate), rate*seconds, sessions, rate); err != nil {
		return err
	}
	return f.measure(ctx, fmt.Sprintf("%d at a time", sessions), 10*sessions, sessions, 0)
}

// enter signs somebody in, opens the form's first page and fills in all of it.
func (f *formBench) enter(ctx context.Context, login string) (*formVisitor, error) {
	v, err := f.visitor()
	if err != nil {
		return nil, err
	}
	at, err := v.signIn(ctx, "/services/"+f.service+"/start", login)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(at.Path, "/page/") {
		return nil, fmt.Errorf("bench: no form page at %s: the service must begin with its form", at)
	}
	body, _, err := v.get(ctx, at.String())
	if err != nil {
		return nil, err
	}
	p := &formVisitor{visitor: v, page: at.String()}
	if err := p.fill(body); err != nil {
		return nil, err
	}
	// What isn't asked for again after an answer would be another page: nobody is sent on.
	v.c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p, nil
}

// fill answers the questions of a page: the first choice, today's year, a few words.
func (p *formVisitor) fill(page []byte) error {
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		return err
	}
	p.answers = url.Values{}
	in := false
	for n := range root.Descendants() {
		a := map[string]string{}
		for _, x := range n.Attr {
			a[x.Key] = x.Val
		}
		if n.Type == html.ElementNode && n.Data == "form" {
			if in = strings.Contains(a["class"], "m-form"); in {
				p.action = a["action"]
			}
		}
		name := a["name"]
		if n.Type != html.ElementNode || !in || name == "" {
			continue
		}
		switch {
		case n.Data == "textarea":
			p.answers.Set(name, "Ein paar Worte, wie jemand sie schreibt.")
		case n.Data == "select":
			for o := range n.Descendants() {
				if o.Type == html.ElementNode && o.Data == "option" && len(o.Attr) > 0 && o.Attr[0].Val != "" && !p.answers.Has(name) {
					p.answers.Set(name, o.Attr[0].Val)
				}
			}
		case n.Data != "input" || a["type"] == "submit" || a["type"] == "file":
			continue
		case a["type"] == "hidden":
			p.answers.Add(name, a["value"])
			continue
		case a["type"] == "radio" || a["type"] == "checkbox":
			if p.answers.Has(name) {
				continue // the first choice is taken
			}
			p.answers.Set(name, a["value"])
		case strings.HasSuffix(name, ".day"), strings.HasSuffix(name, ".month"):
			p.answers.Set(name, "1")
			if strings.HasSuffix(name, ".month") {
				continue
			}
		case strings.HasSuffix(name, ".year"):
			p.answers.Set(name, strconv.Itoa(time.Now().Year()+1))
			continue
		default:
			p.answers.Set(name, "12345")
		}
		p.fields++
	}
	if p.action == "" || p.fields == 0 {
		return errors.New("bench: no form on the page")
	}
	return nil
}

// show loads the page; save sends all of it.
func (p *formVisitor) show(ctx context.Context) error {
	_, _, err := p.get(ctx, p.page)
	return err
}

func (p *formVisitor) save(ctx context.Context, turn int) error {
	answers := make(url.Values, len(p.answers))
	for k, v := range p.answers {
		answers[k] = v
	}
	for k, v := range answers { // something has changed each time, or there would be nothing to write
		if v[0] == "12345" {
			answers.Set(k, strconv.Itoa(12345+turn%1000))
			break
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.b.portal+p.action, strings.NewReader(answers.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := p.c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	// Saved and on to the next page, or saved and shown again with what is wrong.
	if err == nil && resp.StatusCode != http.StatusSeeOther && resp.StatusCode != http.StatusUnprocessableEntity {
		err = fmt.Errorf("bench: saving: %d %.300s", resp.StatusCode, body)
	}
	return err
}

// measure lets people look at the page and save it by turns, half of them each. With a rate requests are sent when they are due,
// whether those before have been answered or not, and their time counts from then; without, as soon as the one before is.
func (f *formBench) measure(ctx context.Context, how string, n, workers, rate int) error {
	before, err := f.routeTimes(ctx)
	if err != nil {
		return err
	}
	cpu, _ := f.metric(ctx, "process_cpu_seconds_total")
	began := time.Now()
	seen, took, err := f.each(ctx, n, workers, func(i int) (time.Duration, error) {
		p, turn := f.people[i%len(f.people)], i/len(f.people)
		at := time.Now()
		if rate > 0 {
			at = began.Add(time.Duration(i) * time.Second / time.Duration(rate))
			time.Sleep(time.Until(at))
		}
		var err error
		if (i+turn)%2 == 0 {
			err = p.show(ctx)
		} else {
			err = p.save(ctx, i)
		}
		return time.Since(at), err
	})
	if err != nil {
		return err
	}
	after, err := f.routeTimes(ctx)
	if err != nil {
		return err
	}
	cpuAfter, _ := f.metric(ctx, "process_cpu_seconds_total")
	fmt.Fprintf(f.out, "form  %s: %d requests, %.0f/s, seen by people p50 %.1f ms, p99 %.1f ms; server CPU %.2f ms each, load %s\n",
		how, n, float64(n)/took.Seconds(), seen.at(.5), seen.at(.99), (cpuAfter-cpu)*1000/float64(n), loadAverage())
	for _, r := range []struct{ name, route string }{{"page", "GET /apply/{draft}/page/{page}"}, {"save", "POST /apply/{draft}/page/{page}"}} {
		h := after[r.route].minus(before[r.route])
		fmt.Fprintf(f.out, "form    %s on the server: p50 %.1f ms, p99 %.1f ms, %.1f %% within 20 ms (%.0f)\n", r.name, h.at(.5), h.at(.99), 100*h.within(.02), h.count())
	}
	return nil
}

// routeTime is a histogram of the server's times: how many took no longer than each bound.
type routeTime struct {
	bounds []float64 // seconds; the last is infinite
	counts []float64
}

func (h routeTime) count() float64 {
	if len(h.counts) == 0 {
		return 0
	}
	return h.counts[len(h.counts)-1]
}

func (h routeTime) minus(o routeTime) routeTime {
	out := routeTime{h.bounds, slices.Clone(h.counts)}
	for i := range o.counts {
		out.counts[i] -= o.counts[i]
	}
	return out
}

// within is which part took no longer than a bound of the histogram.
func (h routeTime) within(bound float64) float64 {
	for i, b := range h.bounds {
		if b >= bound && h.count() > 0 {
			return h.counts[i] / h.count()
		}
	}
	return 0
}

// at is a quantile in milliseconds, in a straight line between the bounds, as Prometheus does it.
func (h routeTime) at(q float64) float64 {
	want, from, below := q*h.count(), 0.0, 0.0
	for i, b := range h.bounds {
		if h.counts[i] >= want && h.counts[i] > below {
			if i == len(h.bounds)-1 {
				return from * 1000
			}
			return 1000 * (from + (b-from)*(want-below)/(h.counts[i]-below))
		}
		from, below = b, h.counts[i]
	}
	return from * 1000
}

// routeTimes reads the server's histograms, by route.
func (b *bench) routeTimes(ctx context.Context) (map[string]routeTime, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.portal+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	body, status, err := fetch(http.DefaultClient, r)
	if err != nil || status != http.StatusOK {
		return nil, fmt.Errorf("bench: metrics: %d %w", status, err)
	}
	out := map[string]routeTime{}
	for line := range strings.Lines(string(body)) {
		labels, ok := strings.CutPrefix(line, `mercator_http_request_seconds_bucket{route="`)
		if !ok {
			continue
		}
		route, rest, ok1 := strings.Cut(labels, `",le="`)
		bound, number, ok2 := strings.Cut(rest, `"} `)
		le, err1 := strconv.ParseFloat(bound, 64)
		n, err2 := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !ok1 || !ok2 || err1 != nil || err2 != nil {
			return nil, fmt.Errorf("bench: metrics: %.200s", line)
		}
		h := out[route]
		h.bounds, h.counts = append(h.bounds, le), append(h.counts, n)
		out[route] = h
	}
	return out, nil
}
