// SPDX-License-Identifier: EUPL-1.2

// Command feel measures lang/feel beside feelin, the JavaScript engine that the tools
// of bpmn.io use: the same expressions over the same data, in one run, by turns. Start
// it with bench/feel/run.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"mercator/lang/feel"
)

type benchCase struct {
	Name       string         `json:"name"`
	Expression string         `json:"expression"`
	Unary      bool           `json:"unary"`
	Context    map[string]any `json:"context"`
}

func rows(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = map[string]any{"plate": fmt.Sprintf("DU-AB %d", i), "amount": float64(i%100) + 0.5, "zone": []string{"NN", "AL", "RU"}[i%3]}
	}
	return out
}

func cases() []benchCase {
	chain, table := "", []any{}
	for i := range 12 {
		chain += fmt.Sprintf(`if kind = "K%d" and months <= %d then %d.50 else `, i/3, i%3*6+6, 10+i)
		table = append(table, map[string]any{"kind": fmt.Sprintf("K%d", i/3), "from": i % 3 * 6, "to": i%3*6 + 6, "fee": 10 + i})
	}
	return []benchCase{
		{"fee table of 12 rules, as if and else", chain + "0", false, map[string]any{"kind": "K3", "months": 18}},
		{"fee table of 12 rules, as a filter", `rules[kind = k and months > from and months <= to].fee`, false, map[string]any{"rules": table, "k": "K3", "months": 18}},
		{"expression 60 deep", strings.Repeat("(a + ", 60) + "b" + strings.Repeat(") * 0.5 - c", 60), false, map[string]any{"a": 1.5, "b": 2, "c": 0.25}},
		{"date arithmetic", `date(since) + duration("P1Y6M") - duration("P1D") > date("2024-12-31") and (date("2026-12-31") - date(since)) > duration("P1000D")`, false, map[string]any{"since": "2023-09-15"}},
		{"filter over 10,000 rows", `count(rows[amount > limit and zone = "NN"])`, false, map[string]any{"rows": rows(10_000), "limit": 50}},
		{"sum over 10,000 rows", `sum(rows[zone = "NN"].amount)`, false, map[string]any{"rows": rows(10_000)}},
		{"for over 1,000", `count(for r in rows return r.amount * 2)`, false, map[string]any{"rows": rows(1_000)}},
		{"some of 1,000", `some r in rows satisfies r.plate = "DU-AB 999"`, false, map[string]any{"rows": rows(1_000)}},
		{"texts", `upper case(substring(plate, 1, 2)) + "-77" = "DU-77" and contains(plate, "AB") and matches(plate, "^[A-Z]{1,3}-[A-Z]{1,2} [0-9]+$")`, false, map[string]any{"plate": "DU-AB 77"}},
		{"unary tests", `[0..10), (20..30], 45, > 100`, true, map[string]any{"?": 45}},
		{"context", `{total: a + b, share: a / b, both: [total, share], ok: both[1] = 3}.ok`, false, map[string]any{"a": 1, "b": 2}},
	}
}

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 7, "rounds, of which the median counts")
	seconds := flag.Float64("seconds", 0.5, "seconds an engine has for a case in a round")
	dir := flag.String("peer", ".", "folder of peer.mjs with its node_modules")
	flag.Parse()
	if err := run(*rounds, *seconds, *dir); err != nil {
		log.Fatal(err)
	}
}

// peer is feelin in its own process.
type peer struct {
	in  *json.Encoder
	out *bufio.Scanner
}

type answer struct {
	N     int     `json:"n"`
	NS    float64 `json:"ns"`
	Value any     `json:"value"`
}

func (p *peer) measure(i int, seconds float64) (a answer, err error) {
	if err = p.in.Encode(map[string]any{"case": i, "seconds": seconds}); err != nil {
		return
	}
	if !p.out.Scan() {
		return a, fmt.Errorf("the peer ended: %v", p.out.Err())
	}
	return a, json.Unmarshal(p.out.Bytes(), &a)
}

// measure counts how often f runs in some seconds, as evaluations a second.
func measure(seconds float64, f func()) float64 {
	n, start := 0, time.Now()
	for batch := 1; time.Since(start).Seconds() < seconds; batch = min(batch*2, 64) {
		for range batch {
			f()
		}
		n += batch
	}
	return float64(n) / time.Since(start).Seconds()
}

func run(rounds int, seconds float64, dir string) error {
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

	version, _ := exec.Command("node", "--version").Output()
	fmt.Printf("%s, node %s, feelin %s, %d processors, %d rounds of %g s, medians\n\n", runtime.Version(), strings.TrimSpace(string(version)), peerVersion(dir), runtime.NumCPU(), rounds, seconds)
	fmt.Println("| expression | lang/feel, planned once | with its data from JSON | parsed each time | feelin | planned once | from JSON | parsed each time |")
	fmt.Println("|---|--:|--:|--:|--:|--:|--:|--:|")
	runtime.GOMAXPROCS(1)
	for i, c := range all {
		if err := one(i, c, p, rounds, seconds); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return nil
}

func one(i int, c benchCase, p *peer, rounds int, seconds float64) error {
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
		return err
	}
	eval := func(prog *feel.Program) any {
		if c.Unary {
			v, err := prog.Test(vars["?"], vars)
			if err != nil {
				log.Fatal(err)
			}
			return v
		}
		v, err := prog.Eval(vars)
		if err != nil {
			log.Fatal(err)
		}
		return v
	}
	first, err := p.measure(i, 0.2)
	if err != nil {
		return err
	}
	var mine any
	if err := json.Unmarshal(feel.AppendJSON(nil, eval(prog)), &mine); err != nil {
		return err
	}
	if a, b := fmt.Sprint(mine), fmt.Sprint(first.Value); a != b {
		return fmt.Errorf("the engines don't agree: %s, and feelin %s", a, b)
	}
	var once, data, parsed, theirs []float64
	for range rounds {
		a, err := p.measure(i, seconds)
		if err != nil {
			return err
		}
		theirs = append(theirs, float64(a.N)/a.NS*1e9)
		once = append(once, measure(seconds, func() { eval(prog) }))
		data = append(data, measure(seconds, func() {
			if c.Unary {
				eval(prog)
			} else if _, err := prog.EvalJSON(c.Context); err != nil {
				log.Fatal(err)
			}
		}))
		parsed = append(parsed, measure(seconds, func() {
			again, err := compile(c.Expression, feel.Config{})
			if err != nil {
				log.Fatal(err)
			}
			eval(again)
		}))
	}
	a, d, q, t := median(once), median(data), median(parsed), median(theirs)
	fmt.Printf("| %s | %.0f/s | %.0f/s | %.0f/s | %.0f/s | **%.0f×** | %.0f× | %.0f× |\n", c.Name, a, d, q, t, a/t, d/t, q/t)
	return nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func peerVersion(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "node_modules", "feelin", "package.json"))
	var v struct{ Version string }
	if err != nil || json.Unmarshal(b, &v) != nil {
		return "?"
	}
	return v.Version
}
