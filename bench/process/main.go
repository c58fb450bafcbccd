// SPDX-License-Identifier: EUPL-1.2

// Command process measures the durable processes (domain/process): whole lifecycles,
// and what a step costs with many instances and timers in the database. Start it with
// bench/process/run, which brings a PostgreSQL along.
//
//	process [lifecycles] [-rounds 5] [-seconds 5] [-each 64] [-only filter]
//	process scale [-instances 1000000] [-timers 10000000] [-seconds 5]
//
// A lifecycle begins with a call of Engine.Start in a transaction of its own and ends
// when the transaction that completed the instance is on disk. A job is enqueued by one
// transaction, claimed by another and completed by a third, as a worker of its own
// would do it; inline, the handler works within the step and the lifecycle is a single
// transaction.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"mercator/core/store"
)

func main() {
	log.SetFlags(0)
	args := os.Args[1:]
	what := "lifecycles"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		what, args = args[0], args[1:]
	}
	var o options
	f := flag.NewFlagSet("process "+what, flag.ExitOnError)
	f.StringVar(&o.dir, "dir", "", "folder for the SQLite databases, on the disk that counts (a temporary one)")
	f.StringVar(&o.postgres, "postgres", os.Getenv("MERCATOR_BENCH_POSTGRES"), "URL of a PostgreSQL whose user may create databases; none: SQLite only")
	f.StringVar(&o.only, "only", "", "only what has this text in its name")
	f.Float64Var(&o.seconds, "seconds", 5, "seconds of a measurement")
	profile := f.String("profile", "", "write a profile of the processor time to this file")
	switch what {
	case "lifecycles":
		f.IntVar(&o.rounds, "rounds", 5, "rounds, of which the median counts")
		f.IntVar(&o.each, "each", 64, "lifecycles under way at the same time")
		f.IntVar(&o.workers, "workers", 64, "jobs done at the same time")
	case "scale":
		f.IntVar(&o.instances, "instances", 1_000_000, "running instances")
		f.IntVar(&o.timers, "timers", 10_000_000, "waiting timers")
		f.IntVar(&o.each, "each", 16, "steps under way at the same time")
		f.IntVar(&o.workers, "workers", 16, "jobs done at the same time")
	default:
		log.Fatalf("unknown command %q: lifecycles or scale", what)
	}
	f.Parse(args) // ExitOnError
	if f.NArg() > 0 {
		log.Fatalf("what is %q?", f.Arg(0))
	}
	if *profile != "" {
		w, err := os.Create(*profile)
		if err != nil {
			log.Fatal(err)
		}
		if err := pprof.StartCPUProfile(w); err != nil {
			log.Fatal(err)
		}
		defer pprof.StopCPUProfile()
	}
	run := lifecycles
	if what == "scale" {
		run = scale
	}
	if err := run(context.Background(), o); err != nil {
		pprof.StopCPUProfile()
		log.Fatal(err)
	}
}

type options struct {
	dir, postgres, only   string
	seconds               float64
	rounds, each, workers int
	instances, timers     int
}

// engines are the databases to measure.
func (o options) engines() []store.Engine {
	out := []store.Engine{store.SQLite}
	if o.postgres != "" {
		out = append(out, store.Postgres)
	}
	return out
}

func (o options) matches(name string) bool { return strings.Contains(name, o.only) }

// result is what a round measured.
type result struct {
	rate     float64 // a second
	p50, p99 time.Duration
	cpu      time.Duration // processor time of this process for each; a PostgreSQL's own isn't in it
}

// lifecycles measures every contender by turns, so that a busy minute meets all of them.
func lifecycles(ctx context.Context, o options) error {
	var list []*contender
	for _, e := range o.engines() {
		for _, m := range mixes {
			if c := (&contender{name: string(e) + ", " + m.name, engine: e, mix: m}); o.matches(c.name) {
				list = append(list, c)
			}
		}
	}
	fmt.Println(header(o))
	fmt.Printf("%d lifecycles under way at a time, %d rounds of %g s; medians, the lowest and highest round in brackets.\n\n", o.each, o.rounds, o.seconds)
	got := make([][]result, len(list))
	for round := range o.rounds {
		for turn := range list {
			i := (turn + round) % len(list)
			r, err := list[i].measure(ctx, o)
			if err != nil {
				return fmt.Errorf("%s: %w", list[i].name, err)
			}
			got[i] = append(got[i], r)
			fmt.Fprintf(os.Stderr, "%-40s %6.0f a second, p50 %5.1f ms, p99 %5.1f ms, processor %.2f ms, load %s\n", list[i].name, r.rate, ms(r.p50), ms(r.p99), ms(r.cpu), load())
		}
	}
	fmt.Println("| lifecycle | a second | p50, ms | p99, ms | processor, ms |\n|---|--:|--:|--:|--:|")
	for i, c := range list {
		fmt.Printf("| %s | %s | %s | %s | %s |\n", c.name,
			spread("%.0f", got[i], func(r result) float64 { return r.rate }),
			spread("%.1f", got[i], func(r result) float64 { return ms(r.p50) }),
			spread("%.1f", got[i], func(r result) float64 { return ms(r.p99) }),
			spread("%.2f", got[i], func(r result) float64 { return ms(r.cpu) }))
	}
	fmt.Printf("\nLoad at the end: %s.\n", load())
	return nil
}

func header(o options) string {
	s := fmt.Sprintf("%s, %s, %d processors, load %s", time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.Version(), runtime.NumCPU(), load())
	if d, err := syncTime(o.dir); err == nil {
		s += fmt.Sprintf(", fsync of 16 kB %.1f ms (p99 %.1f)", ms(d[len(d)/2]), ms(d[len(d)*99/100]))
	}
	return s + "."
}

// syncTime is how long the disk takes to keep 16 kB, a hundred times, sorted.
func syncTime(dir string) ([]time.Duration, error) {
	f, err := os.CreateTemp(dir, "sync")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	out, buf := make([]time.Duration, 100), make([]byte, 16<<10)
	for i := range out {
		began := time.Now()
		if _, err := f.Write(buf); err != nil {
			return nil, err
		}
		if err := f.Sync(); err != nil {
			return nil, err
		}
		out[i] = time.Since(began)
	}
	slices.Sort(out)
	return out, nil
}

func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// spread is the median of the rounds and how far they differ.
func spread(format string, rounds []result, of func(result) float64) string {
	v := make([]float64, len(rounds))
	for i, r := range rounds {
		v[i] = of(r)
	}
	slices.Sort(v)
	n := len(v)
	m := v[n/2]
	if n%2 == 0 {
		m = (v[n/2-1] + v[n/2]) / 2
	}
	return fmt.Sprintf(format+" ("+format+" to "+format+")", m, v[0], v[n-1])
}

// percentiles of the durations; it sorts them.
func percentiles(d []time.Duration) (p50, p99 time.Duration) {
	if len(d) == 0 {
		return
	}
	slices.Sort(d)
	return d[len(d)/2], d[len(d)*99/100]
}

// clock measures for a while: n goroutines do one after the other, and how long each
// took is kept once a warm-up is over.
func clock(n int, warm, span time.Duration, one func(i int) error) (r result, err error) {
	var mu sync.Mutex
	var all []time.Duration
	var done atomic.Int64 // all of them, for the processor time
	used := processorTime()
	from := time.Now().Add(warm)
	until := from.Add(span)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var took []time.Duration
			for {
				began := time.Now()
				if began.After(until) {
					break
				}
				if e := one(i); e != nil {
					mu.Lock()
					err = e
					mu.Unlock()
					break
				}
				done.Add(1)
				// What ends in the time counts, wherever it began: the rate is that of the ends.
				if end := time.Now(); end.After(from) && end.Before(until) {
					took = append(took, end.Sub(began))
				}
			}
			mu.Lock()
			all = append(all, took...)
			mu.Unlock()
		})
	}
	wg.Wait()
	r.cpu = (processorTime() - used) / time.Duration(max(done.Load(), 1))
	r.rate = float64(len(all)) / span.Seconds()
	r.p50, r.p99 = percentiles(all)
	return r, err
}

func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
