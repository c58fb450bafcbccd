// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rule is a style rule or an at-rule: a prelude with declarations, or with rules inside.
type rule struct {
	prelude string
	decls   []decl
	rules   []*rule
	block   bool // has {}; @charset, @import have none
}

type decl struct{ name, value string }

const maxDepth = 8

// prune keeps of a style sheet what the pages use: the rules whose classes are
// known, the light theme, and the custom properties that a kept rule (or the own
// style sheet) needs. Colours in OKLCH become sRGB, for older phones.
func prune(css, own string, used map[string]bool) (string, error) {
	rules, rest, err := parseRules(stripComments(css), 0)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(rest) != "" {
		return "", fmt.Errorf("unexpected } before %.40q", rest)
	}
	rules = keepRules(rules, used)
	keepProperties(rules, own)
	var b strings.Builder
	writeRules(&b, rules)
	return oklchToRGB(dropFallbacks(b.String(), rules)), nil
}

// firstOf keeps what a page needs to be seen for the first time: rules of the named classes, without states that come with the hand
// of whoever fills in, without files and without pictures, which the whole sheet brings a moment later.
func firstOf(css string, names map[string]bool) (string, error) {
	rules, _, err := parseRules(stripComments(css), 0)
	if err != nil {
		return "", err
	}
	rules = drop(keepRules(rules, names), func(r *rule) bool {
		return later.MatchString(r.prelude) || slices.ContainsFunc(r.decls, func(d decl) bool { return strings.Contains(d.value, "url(") })
	})
	keepProperties(rules, "")
	var b strings.Builder
	writeRules(&b, rules)
	return dropFallbacks(b.String(), rules), nil
}

var later = regexp.MustCompile(`:hover|:focus|:checked|disabled|readonly|type="?file|@media print|@font-face|forced-colors`)

// drop leaves rules out, those within others too.
func drop(in []*rule, leave func(*rule) bool) []*rule {
	var out []*rule
	for _, r := range in {
		if leave(r) {
			continue
		}
		if r.rules != nil {
			if r.rules = drop(r.rules, leave); len(r.rules) == 0 {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

func stripComments(s string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "/*")
		if i < 0 {
			return b.String() + s
		}
		b.WriteString(s[:i])
		j := strings.Index(s[i+2:], "*/")
		if j < 0 {
			return b.String()
		}
		s = s[i+2+j+2:]
	}
}

// scan finds the next of the stop bytes outside strings and parentheses.
func scan(s, stops string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\'':
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case depth == 0 && strings.IndexByte(stops, c) >= 0:
			return i
		}
	}
	return -1
}

// parseRules reads rules up to the brace that closes them.
func parseRules(s string, depth int) (out []*rule, rest string, err error) {
	if depth > maxDepth {
		return nil, "", errors.New("nested too deep")
	}
	for {
		s = strings.TrimSpace(s)
		if s == "" {
			return out, "", nil
		}
		if s[0] == '}' {
			return out, s, nil
		}
		i := scan(s, "{;}")
		if i < 0 {
			return nil, "", fmt.Errorf("no rule in %.40q", s)
		}
		r := &rule{prelude: strings.Join(strings.Fields(s[:i]), " ")}
		switch s[i] {
		case ';':
			s = s[i+1:]
			out = append(out, r)
			continue
		case '}':
			return nil, "", fmt.Errorf("unexpected } after %.40q", s[:i])
		}
		r.block = true
		body := s[i+1:]
		if strings.HasPrefix(r.prelude, "@media") || strings.HasPrefix(r.prelude, "@supports") || strings.HasPrefix(r.prelude, "@keyframes") {
			r.rules, s, err = parseRules(body, depth+1)
			if err != nil {
				return nil, "", err
			}
		} else {
			for {
				body = strings.TrimSpace(body)
				if body == "" || body[0] == '}' {
					break
				}
				j := scan(body, ";}")
				if j < 0 {
					return nil, "", fmt.Errorf("declaration without end in %.40q", body)
				}
				name, value, ok := strings.Cut(body[:j], ":")
				if !ok {
					return nil, "", fmt.Errorf("no declaration in %.40q", body[:j])
				}
				r.decls = append(r.decls, decl{strings.TrimSpace(name), strings.TrimSpace(value)})
				body = body[j:]
				if body[0] == ';' {
					body = body[1:]
				}
			}
			s = body
		}
		if !strings.HasPrefix(s, "}") {
			return nil, "", fmt.Errorf("%.40q is not closed", r.prelude)
		}
		s = s[1:]
		out = append(out, r)
	}
}

var (
	anyOf      = regexp.MustCompile(`:(not|is|where)\([^()]*(\([^()]*\)[^()]*)*\)`)
	inSelector = regexp.MustCompile(`\.(-?[_a-zA-Z][-_a-zA-Z0-9]*)`)
)

func keepRules(in []*rule, used map[string]bool) []*rule {
	var out []*rule
	for _, r := range in {
		switch {
		case strings.HasPrefix(r.prelude, "@media"):
			// The page says its theme itself.
			if strings.Contains(r.prelude, "prefers-color-scheme") {
				continue
			}
			if r.rules = keepRules(r.rules, used); len(r.rules) == 0 {
				continue
			}
		case strings.HasPrefix(r.prelude, "@charset"):
			continue
		case strings.HasPrefix(r.prelude, "@"):
		default:
			var sel []string
			for _, s := range splitTop(r.prelude) {
				if keepSelector(s, used) {
					sel = append(sel, s)
				}
			}
			if len(sel) == 0 {
				continue
			}
			r.prelude = strings.Join(sel, ",")
		}
		out = append(out, r)
	}
	return out
}

func splitTop(s string) []string {
	var out []string
	for {
		i := scan(s, ",")
		if i < 0 {
			return append(out, strings.TrimSpace(s))
		}
		out = append(out, strings.TrimSpace(s[:i]))
		s = s[i+1:]
	}
}

func keepSelector(s string, used map[string]bool) bool {
	s = anyOf.ReplaceAllString(s, "")
	if strings.Contains(s, "data-kern-theme=dark") {
		return false
	}
	for _, m := range inSelector.FindAllStringSubmatch(s, -1) {
		if !used[m[1]] {
			return false
		}
	}
	return true
}

var varUse = regexp.MustCompile(`var\(\s*(--[-_a-zA-Z0-9]+)`)

// keepProperties removes the custom properties that nothing reads.
func keepProperties(rules []*rule, own string) {
	needed := map[string]bool{}
	values := map[string][]string{}
	var queue []string
	need := func(text string) {
		for _, m := range varUse.FindAllStringSubmatch(text, -1) {
			if !needed[m[1]] {
				needed[m[1]] = true
				queue = append(queue, m[1])
			}
		}
	}
	need(own)
	walk(rules, func(r *rule) {
		for _, d := range r.decls {
			if strings.HasPrefix(d.name, "--") {
				values[d.name] = append(values[d.name], d.value)
			} else {
				need(d.value)
			}
		}
	})
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		for _, v := range values[n] {
			need(v)
		}
	}
	walk(rules, func(r *rule) {
		kept := r.decls[:0]
		for _, d := range r.decls {
			if !strings.HasPrefix(d.name, "--") || needed[d.name] {
				kept = append(kept, d)
			}
		}
		r.decls = kept
	})
}

func walk(rules []*rule, f func(*rule)) {
	for _, r := range rules {
		f(r)
		walk(r.rules, f)
	}
}

func writeRules(b *strings.Builder, rules []*rule) {
	for _, r := range rules {
		if !r.block {
			b.WriteString(r.prelude + ";\n")
			continue
		}
		if len(r.decls) == 0 && len(r.rules) == 0 {
			continue
		}
		b.WriteString(r.prelude + "{")
		for _, d := range r.decls {
			b.WriteString(d.name + ":" + d.value + ";")
		}
		writeRules(b, r.rules)
		b.WriteString("}\n")
	}
}

var withFallback = regexp.MustCompile(`var\(\s*(--[-_a-zA-Z0-9]+)\s*,[^()]*\)`)

// dropFallbacks shortens var(--x, 8px) to var(--x) where --x is set for the whole page.
func dropFallbacks(css string, rules []*rule) string {
	global := map[string]bool{}
	for _, r := range rules {
		if r.prelude == ":root" {
			for _, d := range r.decls {
				global[d.name] = true
			}
		}
	}
	return withFallback.ReplaceAllStringFunc(css, func(m string) string {
		name := withFallback.FindStringSubmatch(m)[1]
		if global[name] {
			return "var(" + name + ")"
		}
		return m
	})
}

var oklch = regexp.MustCompile(`oklch\(\s*([0-9.]+)(%?)\s+([0-9.]+)\s+([0-9.]+)(?:deg)?\s*(?:/\s*([0-9.]+)(%?)\s*)?\)`)

// oklchToRGB writes OKLCH colours as sRGB, clipped to the gamut.
func oklchToRGB(css string) string {
	return oklch.ReplaceAllStringFunc(css, func(m string) string {
		p := oklch.FindStringSubmatch(m)
		f := func(s string) float64 {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				return 0
			}
			return v
		}
		l, c, h := f(p[1]), f(p[3]), f(p[4])*math.Pi/180
		if p[2] == "%" {
			l /= 100
		}
		a, b := c*math.Cos(h), c*math.Sin(h)
		l_ := math.Pow(l+0.3963377774*a+0.2158037573*b, 3)
		m_ := math.Pow(l-0.1055613458*a-0.0638541728*b, 3)
		s_ := math.Pow(l-0.0894841775*a-1.2914855480*b, 3)
		rgb := [3]float64{
			4.0767416621*l_ - 3.3077115913*m_ + 0.2309699292*s_,
			-1.2684380046*l_ + 2.6097574011*m_ - 0.3413193965*s_,
			-0.0041960863*l_ - 0.7034186147*m_ + 1.7076147010*s_,
		}
		var n [3]int
		for i, v := range rgb {
			switch {
			case v <= 0:
				v = 0
			case v <= 0.0031308:
				v *= 12.92
			default:
				v = 1.055*math.Pow(v, 1/2.4) - 0.055
			}
			n[i] = int(math.Round(min(v, 1) * 255))
		}
		if p[5] != "" {
			alpha := f(p[5])
			if p[6] == "%" {
				alpha /= 100
			}
			return fmt.Sprintf("rgba(%d,%d,%d,%g)", n[0], n[1], n[2], alpha)
		}
		return fmt.Sprintf("#%02x%02x%02x", n[0], n[1], n[2])
	})
}
