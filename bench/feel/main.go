// SPDX-License-Identifier: EUPL-1.2

// Command feel measures lang/feel beside feelin, the JavaScript engine that the tools
// of bpmn.io use: the same expressions over the same data, in one run, by turns. Start
// it with bench/feel/run.
//
// feelin's evaluate reads the expression and copies the data each time; it has no call
// that plans. What it can do is evaluate "function(a, b) …" once and keep the function,
// which neither reads nor copies again: that is its best, and it is measured too.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/lang/feel"
)

// The ways to evaluate an expression many times. The last two are feelin's.
const (
	planned   = iota // planned once, over FEEL values made once
	fromJSON         // planned once, data from JSON and the result to JSON each time
	parsed           // parsed, planned and evaluated each time
	whole            // parsed and planned, data from JSON, the result to JSON each time
	evaluated        // evaluate(expression, context)
	kept             // function(…) evaluated once, invoked many times
	ways
)

// ratios are what is held against what.
var ratios = []struct {
	name         string
	mine, theirs int
}{
	{"planned once : `evaluate`", planned, evaluated},
	{"parsed each time : `evaluate`", parsed, evaluated},
	{"all each time : `evaluate`", whole, evaluated},
	{"planned once : kept function", planned, kept},
	{"planned once, JSON data : kept function", fromJSON, kept},
}

// target is how many times as fast as feelin the issue wants us to be.
const target = 20

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 7, "rounds, of which the median counts")
	seconds := flag.Float64("seconds", 0.5, "seconds that each way has for a case in a round")
	only := flag.String("only", "", "only cases with this text in their names")
	dir := flag.String("peer", ".", "folder of peer.mjs with its node_modules")
	flag.Parse()
	if err := run(*rounds, *seconds, *only, *dir); err != nil {
		log.Fatal(err)
	}
}

// peer is feelin in its own process.
type peer struct {
	in  *json.Encoder
	out *bufio.Scanner
}

type answer struct {
	N        int     `json:"n"`
	NS       float64 `json:"ns"`
	Value    any     `json:"value"`
	Warnings int     `json:"warnings"`
}

func (p *peer) measure(i, way int, seconds float64) (a answer, err error) {
	if err = p.in.Encode(map[string]any{"case": i, "kept": way == kept, "seconds": seconds}); err != nil {
		return
	}
	if !p.out.Scan() {
		return a, fmt.Errorf("the peer ended: %v", p.out.Err())
	}
	return a, json.Unmarshal(p.out.Bytes(), &a)
}

// measure is how often f runs in a second. Neither side is made to collect its garbage
// before: that costs Node what it has compiled, and halved the rate of feelin's evaluate.
func measure(seconds float64, f func() error) (float64, error) {
	n, start := 0, time.Now()
	for batch := 1; time.Since(start).Seconds() < seconds; batch = min(batch*2, 64) {
		for range batch {
			if err := f(); err != nil {
				return 0, err
			}
		}
		n += batch
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func run(rounds int, seconds float64, only, dir string) error {
	if rounds < 1 || seconds <= 0 {
		return errors.New("at least one round, and more than no time")
	}
	all := cases()
	tmp, err := os.MkdirTemp("", "bench-feel")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	file := filepath.Join(tmp, "cases.json")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return err
	}
	cmd := exec.Command("node", "peer.mjs", file)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	defer func() { in.Close(); cmd.Wait() }()
	p := &peer{json.NewEncoder(in), bufio.NewScanner(out)}
	p.out.Buffer(nil, 16<<20)

	fmt.Printf("%s, node %s, feelin %s, %d processors, load %s, %d rounds of %g s. Medians of the rounds.\n\n", runtime.Version(), nodeVersion(), peerVersion(dir), runtime.NumCPU(), load(), rounds, seconds)
	runtime.GOMAXPROCS(1)
	var rates, held strings.Builder
	var refused []error
	for i, c := range all {
		if !strings.Contains(c.Name, only) {
			continue
		}
		fmt.Fprintln(os.Stderr, c.Name)
		got, err := one(i, c, p, rounds, seconds)
		if err != nil {
			refused = append(refused, fmt.Errorf("not reported: %s: %w", c.Name, err))
			continue
		}
		fmt.Fprintf(&rates, "| %s |", c.Name)
		for _, v := range got {
			fmt.Fprintf(&rates, " %s |", rate(median(v)))
		}
		fmt.Fprintf(&held, "| %s |", c.Name)
		for _, r := range ratios {
			fmt.Fprintf(&held, " %s |", ratio(got[r.mine], got[r.theirs]))
		}
		rates.WriteByte('\n')
		held.WriteByte('\n')
	}
	fmt.Println("| evaluations a second | planned once | planned once, JSON data | parsed each time | all each time | feelin `evaluate` | feelin, kept function |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|")
	fmt.Println(rates.String())
	fmt.Printf("How many times feelin's, the lowest and the highest round in brackets; bold: the median is below %d.\n\n| times feelin's |", target)
	for _, r := range ratios {
		fmt.Printf(" %s |", r.name)
	}
	fmt.Println("\n|---|" + strings.Repeat("--:|", len(ratios)))
	fmt.Println(held.String())
	fmt.Printf("Load at the end: %s.\n", load())
	return errors.Join(refused...)
}

// one measures a case in all ways, by turns; every round begins with another way.
func one(i int, c benchCase, p *peer, rounds int, seconds float64) (got [ways][]float64, err error) {
	mine, err := ours(c)
	if err != nil {
		return got, err
	}
	// All ways give one answer, or there is nothing to compare. They warm up at it: the
	// compiler of Node needs a second.
	var first any
	for way := range ways {
		var v any
		if way < evaluated {
			if v, err = mine[way].value(); err != nil {
				return got, err
			}
			if _, err = measure(seconds/2, mine[way].eval); err != nil {
				return got, err
			}
		} else {
			a, err := p.measure(i, way, 2*seconds)
			if err != nil {
				return got, err
			}
			if a.Warnings > 0 {
				return got, fmt.Errorf("feelin warns %d times", a.Warnings)
			}
			v = a.Value
		}
		if v = plain(v); way == 0 {
			first = v
		}
		if v == nil {
			return got, errors.New("the answer is null")
		}
		if !reflect.DeepEqual(first, v) {
			return got, fmt.Errorf("the engines don't agree: %.200s, and way %d %.200s", fmt.Sprintf("%#v", first), way, fmt.Sprintf("%#v", v))
		}
	}
	for round := range rounds {
		for turn := range ways {
			way := (turn + round) % ways
			var r float64
			if way < evaluated {
				if r, err = measure(seconds, mine[way].eval); err != nil {
					return got, err
				}
			} else {
				a, err := p.measure(i, way, seconds)
				if err != nil {
					return got, err
				}
				r = float64(a.N) / a.NS * 1e9
			}
			got[way] = append(got[way], r)
		}
	}
	return got, nil
}

// way is one of our own: once for its value as JSON data, and as often as there is time.
type way struct {
	value func() (any, error)
	eval  func() error
}

func ours(c benchCase) (out [evaluated]way, err error) {
	vars := make(map[string]feel.Value, len(c.Context))
	for n, v := range c.Context {
		vars[n] = feel.FromJSON(v)
	}
	compile := feel.Compile
	if c.Unary {
		compile = feel.CompileUnary
	}
	prog, err := compile(c.Expression, feel.Config{})
	if err != nil {
		return out, err
	}
	over := func(p *feel.Program) (feel.Value, error) {
		if c.Unary {
			return p.Test(vars["?"], vars)
		}
		return p.Eval(vars)
	}
	overJSON := func(p *feel.Program) (any, error) {
		if c.Unary {
			return p.Test(c.Context["?"], c.Context)
		}
		return p.EvalJSON(c.Context)
	}
	again := func(eval func(*feel.Program) (any, error)) func() (any, error) {
		return func() (any, error) {
			p, err := compile(c.Expression, feel.Config{})
			if err != nil {
				return nil, err
			}
			return eval(p)
		}
	}
	for i, f := range [evaluated]func() (any, error){
		planned:  func() (any, error) { return over(prog) },
		fromJSON: func() (any, error) { return overJSON(prog) },
		parsed:   again(over),
		whole:    again(overJSON),
	} {
		out[i].eval = func() error { _, err := f(); return err }
		out[i].value = func() (v any, err error) {
			if v, err = f(); err != nil {
				return nil, err
			}
			var b []byte
			if i == planned || i == parsed {
				b = feel.AppendJSON(nil, v)
			} else if b, err = json.Marshal(v); err != nil {
				return nil, err
			}
			v = nil
			return v, json.Unmarshal(b, &v)
		}
	}
	return out, nil
}

// plain takes numbers down to 12 digits, since feelin's are binary and ours decimal.
func plain(v any) any {
	switch v := v.(type) {
	case float64:
		return json.Number(strconv.FormatFloat(v, 'g', 12, 64))
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	}
	return v
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}

// ratio holds the rounds against each other one by one.
func ratio(mine, theirs []float64) string {
	q := make([]float64, len(mine))
	for i := range q {
		q[i] = mine[i] / theirs[i]
	}
	m := median(q)
	text := short(m) + "×"
	if m < target {
		text = "**" + text + "**"
	}
	return fmt.Sprintf("%s (%s to %s)", text, short(slices.Min(q)), short(slices.Max(q)))
}

func short(v float64) string {
	if v < 100 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return rate(v)
}

// rate is a whole number, with commas.
func rate(v float64) string {
	s := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func nodeVersion() string {
	b, _ := exec.Command("node", "--version").Output()
	return strings.TrimSpace(string(b))
}

func peerVersion(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "node_modules", "feelin", "package.json"))
	var v struct{ Version string }
	if err != nil || json.Unmarshal(b, &v) != nil {
		return "?"
	}
	return v.Version
}

// load is what the machine does besides, where it says so.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
