// SPDX-License-Identifier: EUPL-1.2

package catalogue

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"mercator/base/person"
)

// Kind says what a text is to a service, and so how much a match in it counts.
type Kind int

// The kinds of text.
const (
	Title Kind = iota
	Synonym
	Topical
	Body
	kinds
)

// weights of the kinds.
var weights = [kinds]float64{Title: 1, Synonym: 0.95, Topical: 0.45, Body: 0.3}

// Doc is what is searched: a service with its texts in all languages.
type Doc struct {
	ID    string
	Texts []DocText
}

// DocText is one text of a Doc.
type DocText struct {
	Kind Kind
	Text string
}

// Hit is a service that was found; a higher score is better.
type Hit struct {
	ID    string
	Score float64
}

// Bounds. A query is what a person types; the rest is cut off.
const (
	maxQuery  = 200
	maxTokens = 12
	maxText   = 20000
)

// Index finds services by what people call them. It is immutable and safe for
// concurrent use.
type Index struct {
	docs  []string
	units []unit
	terms []term
	byKey map[string]int32   // word to term
	stems map[string][]int32 // stem to terms
	grams map[string][]int32 // trigram to terms
	parts map[string]bool    // words that compounds are made of
	order []int32            // terms by word, for prefixes
}

// unit is one text of a doc.
type unit struct {
	doc    int32
	kind   Kind
	length int // words
}

// term is a word with the units that it occurs in.
type term struct {
	word  string
	stem  string
	grams int
	posts []posting
	docs  int // in how many docs it occurs as it is
}

// posting is an occurrence of a word in a unit. share is 1 for a word as it is
// written, and less for a part of a compound or for two words read as one.
type posting struct {
	unit  int32
	share float32
	words uint8 // how many words of the unit it stands for
}

const (
	sharePart   = 0.75
	shareJoined = 0.95
)

// NewIndex reads the texts of all docs.
func NewIndex(docs []Doc) *Index {
	x := &Index{byKey: map[string]int32{}, stems: map[string][]int32{}, grams: map[string][]int32{}, parts: map[string]bool{}}
	for _, w := range commonParts() {
		x.parts[w] = true
	}
	type read struct {
		unit  int32
		kind  Kind
		words []string
	}
	var all []read
	for _, d := range docs {
		doc := int32(len(x.docs))
		x.docs = append(x.docs, d.ID)
		for _, t := range d.Texts {
			words := wordsOf(cut(t.Text, maxText))
			if len(words) == 0 {
				continue
			}
			all = append(all, read{int32(len(x.units)), t.Kind, words})
			x.units = append(x.units, unit{doc, t.Kind, contentWords(words)})
			for _, w := range words {
				if n := len(w); n >= 5 && n <= 16 && !stopword(w) {
					x.parts[w] = true
				}
			}
		}
	}
	for _, r := range all {
		for i, w := range r.words {
			if stopword(w) {
				continue
			}
			x.post(w, posting{r.unit, 1, 1})
			cuts := x.split(w)
			if len(cuts) == 0 {
				cuts = x.head(w)
			}
			for _, p := range cuts {
				x.post(p, posting{r.unit, sharePart, 1})
				for _, pp := range x.split(p) {
					x.post(pp, posting{r.unit, sharePart * sharePart, 1})
				}
			}
			// "Gewerbe - Anmeldung" is also found as "Gewerbeanmeldung".
			if r.kind <= Synonym && i+1 < len(r.words) && !stopword(r.words[i+1]) && len(w)+len(r.words[i+1]) <= 40 {
				x.post(w+r.words[i+1], posting{r.unit, shareJoined, 2})
			}
		}
	}
	for i := range x.terms {
		t := &x.terms[i]
		seen := int32(-1)
		for _, p := range t.posts {
			if d := x.units[p.unit].doc; d != seen {
				t.docs++
				seen = d
			}
		}
		x.stems[t.stem] = append(x.stems[t.stem], int32(i))
		for _, g := range trigrams(t.word) {
			x.grams[g] = append(x.grams[g], int32(i))
			t.grams++
		}
		x.order = append(x.order, int32(i))
	}
	slices.SortFunc(x.order, func(a, b int32) int { return cmp.Compare(x.terms[a].word, x.terms[b].word) })
	return x
}

// Len is how many services can be found.
func (x *Index) Len() int { return len(x.docs) }

func (x *Index) post(w string, p posting) {
	i, ok := x.byKey[w]
	if !ok {
		i = int32(len(x.terms))
		x.byKey[w] = i
		x.terms = append(x.terms, term{word: w, stem: stem(w)})
	}
	t := &x.terms[i]
	if n := len(t.posts); n > 0 && t.posts[n-1].unit == p.unit {
		if p.share > t.posts[n-1].share {
			t.posts[n-1] = p
		}
		return
	}
	t.posts = append(t.posts, p)
}

// Search finds the services that a query may mean, best first, at most n.
func (x *Index) Search(query string, n int) []Hit {
	asked := x.read(query)
	if len(asked) == 0 {
		return nil
	}
	type unitScore struct {
		sims  [maxTokens]float32
		words float64 // of the unit, that were matched
	}
	units := map[int32]*unitScore{}
	var importance [maxTokens]float64
	total := 0.0
	for q, a := range asked {
		df := 1 // a word that nobody knows is as telling as a rare one
		if len(a.matches) > 0 {
			df = 0
			best := a.matches[0].sim
			for _, m := range a.matches {
				if m.sim >= best*0.95 {
					df = max(df, x.terms[m.term].docs)
				}
			}
		}
		importance[q] = math.Log(1 + float64(len(x.docs)+1)/float64(max(df, 1)))
		if a.weak {
			importance[q] *= 0.35
		}
		total += importance[q]
		for _, m := range a.matches {
			for _, p := range x.terms[m.term].posts {
				s := m.sim * p.share
				u := units[p.unit]
				if u == nil {
					u = &unitScore{}
					units[p.unit] = u
				}
				if s > u.sims[q] {
					if u.sims[q] == 0 {
						u.words += float64(p.words)
					}
					u.sims[q] = s
				}
			}
		}
	}
	type docScore struct {
		best float64 // of one text
		sims [maxTokens]float64
	}
	docs := map[int32]*docScore{}
	for id, u := range units {
		meta := x.units[id]
		covered := 0.0
		for q := range asked {
			covered += importance[q] * float64(u.sims[q])
		}
		covered /= total
		exact := 1.0
		if meta.kind <= Synonym {
			exact = 0.7 + 0.3*min(1, u.words/float64(meta.length))
		}
		d := docs[meta.doc]
		if d == nil {
			d = &docScore{}
			docs[meta.doc] = d
		}
		w := weights[meta.kind]
		d.best = max(d.best, w*covered*exact)
		for q := range asked {
			d.sims[q] = max(d.sims[q], float64(u.sims[q])*w)
		}
	}
	var hits []Hit
	for doc, d := range docs {
		spread, covered := 0.0, 0.0
		for q := range asked {
			spread += importance[q] * d.sims[q]
			if d.sims[q] > 0 {
				covered += importance[q]
			}
		}
		if covered < minCovered*total {
			continue
		}
		score := 0.75*d.best + 0.25*spread/total
		if score >= minScore {
			hits = append(hits, Hit{x.docs[doc], score})
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		if c := cmp.Compare(b.Score, a.Score); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	// What is far behind the best is noise.
	for i, h := range hits {
		if h.Score < hits[0].Score*0.4 {
			hits = hits[:i]
			break
		}
	}
	if len(hits) > n {
		hits = hits[:n]
	}
	return hits
}

// A service is not found if it scores less, or if less than this share of the
// query's words (by their importance) has to do with it.
const (
	minScore   = 0.2
	minCovered = 0.4
)

// match is a known word that a word of the query may mean.
type match struct {
	term int32
	sim  float32
}

// asked is a word of the query. A weak one says what is to be done, not about what.
type asked struct {
	matches []match
	weak    bool
}

// read understands a query: its words, each with the known words it may mean.
func (x *Index) read(query string) []asked {
	words := wordsOf(cut(query, maxQuery))
	var kept []string
	for _, w := range words {
		if !stopword(w) && len(w) > 1 {
			kept = append(kept, w)
		}
	}
	if len(kept) > maxTokens {
		kept = kept[:maxTokens]
	}
	var out []asked
	for i := 0; i < len(kept); i++ {
		// "park ausweis" is a word that the index knows as one.
		if i+1 < len(kept) {
			if _, apart := x.byKey[kept[i]]; (!apart || len(kept[i+1]) < 4) && len(kept[i])+len(kept[i+1]) >= 6 {
				if t, ok := x.byKey[kept[i]+kept[i+1]]; ok {
					out = append(out, asked{matches: []match{{t, 1}}})
					i++
					continue
				}
			}
		}
		out = append(out, x.understand(kept[i])...)
	}
	if len(out) > maxTokens {
		out = out[:maxTokens]
	}
	return out
}

// understand gives the known words that one word may mean: itself, its other
// forms, what it begins, what it is misspelt from. An unknown compound is understood
// by its parts.
func (x *Index) understand(w string) []asked {
	sims := map[int32]float32{}
	put := func(t int32, s float32) {
		if s > sims[t] {
			sims[t] = s
		}
	}
	if t, ok := x.byKey[w]; ok {
		put(t, 1)
	}
	for _, t := range x.stems[stem(w)] {
		put(t, 0.93)
	}
	if len(w) >= 3 {
		x.withPrefix(w, func(t int32) {
			put(t, 0.55+0.35*float32(len(w))/float32(len(x.terms[t].word)))
		})
	}
	for _, a := range aliases(w) {
		if t, ok := x.byKey[a]; ok {
			put(t, 0.88)
		}
		for _, t := range x.stems[stem(a)] {
			put(t, 0.85)
		}
		x.withPrefix(a, func(t int32) { put(t, 0.5+0.3*float32(len(a))/float32(len(x.terms[t].word))) })
	}
	known := len(sims) > 0
	if len(w) >= 4 {
		x.similar(w, !known, put)
	}
	// The parts of a compound: each says a bit of what was meant.
	var byParts []asked
	if parts := x.split(w); len(parts) > 1 {
		for _, p := range parts {
			ps := map[int32]float32{}
			if t, ok := x.byKey[p]; ok {
				ps[t] = 0.9
			}
			for _, t := range x.stems[stem(p)] {
				ps[t] = max(ps[t], 0.85)
			}
			x.withPrefix(p, func(t int32) { ps[t] = max(ps[t], 0.5+0.3*float32(len(p))/float32(len(x.terms[t].word))) })
			byParts = append(byParts, asked{matches: sorted(ps), weak: weak(p)})
		}
	}
	if len(byParts) > 0 && !known {
		// The compound as a whole is unknown: its parts are the question.
		best := float32(0)
		for _, s := range sims {
			best = max(best, s)
		}
		if best < 0.7 {
			return byParts
		}
	}
	return []asked{{sorted(sims), weak(w)}}
}

func sorted(sims map[int32]float32) []match {
	out := make([]match, 0, len(sims))
	for t, s := range sims {
		out = append(out, match{t, s})
	}
	slices.SortFunc(out, func(a, b match) int {
		if c := cmp.Compare(b.sim, a.sim); c != 0 {
			return c
		}
		return cmp.Compare(a.term, b.term)
	})
	if len(out) > 60 {
		out = out[:60]
	}
	return out
}

func (x *Index) withPrefix(w string, f func(t int32)) {
	i, _ := slices.BinarySearchFunc(x.order, w, func(t int32, w string) int { return cmp.Compare(x.terms[t].word, w) })
	for n := 0; i < len(x.order) && n < 200; i, n = i+1, n+1 {
		if !strings.HasPrefix(x.terms[x.order[i]].word, w) {
			return
		}
		f(x.order[i])
	}
}

// similar finds words that w is misspelt from. A word that is known as it is may
// still be a slip, but a less likely one.
func (x *Index) similar(w string, unknown bool, put func(t int32, s float32)) {
	allowed := 1
	switch n := utf8.RuneCountInString(w); {
	case n >= 14:
		allowed = 3
	case n >= 8:
		allowed = 2
	}
	grams := trigrams(w)
	counts := map[int32]int{}
	for _, g := range grams {
		for _, t := range x.grams[g] {
			counts[t]++
		}
	}
	for t, c := range counts {
		word := x.terms[t].word
		if d := len(word) - len(w); d > allowed || d < -allowed {
			continue
		}
		// One slip touches at most three trigrams, a transposition four.
		if c < max(1, len(grams)-4*allowed) {
			continue
		}
		if d := distance(w, word, allowed); d <= allowed && d > 0 {
			s := 0.92 - 0.6*float32(d)/float32(len(w)) - 0.04*float32(d)
			if !unknown {
				s *= 0.7
			}
			put(t, s)
		}
	}
}

// split cuts a compound into known words, the fewest that cover it, with the
// letters that German puts between them. A word that isn't one gives nothing.
func (x *Index) split(w string) []string {
	const shortest = 3
	if len(w) < 2*shortest+1 || len(w) > 60 {
		return nil
	}
	type step struct{ from, parts, word int }
	best := make([]step, len(w)+1)
	for i := range best {
		best[i].parts = math.MaxInt32
	}
	best[0] = step{}
	for from := 0; from+shortest <= len(w); from++ {
		if best[from].parts == math.MaxInt32 {
			continue
		}
		for to := from + shortest; to <= len(w); to++ {
			if from == 0 && to == len(w) || !x.isPart(w[from:to]) {
				continue
			}
			for _, link := range [...]string{"", "s", "n", "en", "es"} {
				end := to + len(link)
				if end > len(w) || end == len(w) && link != "" || w[to:end] != link {
					continue
				}
				if p := best[from].parts + 1; p < best[end].parts {
					best[end] = step{from, p, to}
				}
			}
		}
	}
	if best[len(w)].parts == math.MaxInt32 {
		return nil
	}
	var out []string
	for at := len(w); at > 0; at = best[at].from {
		out = append(out, w[best[at].from:best[at].word])
	}
	slices.Reverse(out)
	return out
}

// head is what a compound is at its end, if only that is known: an
// "Ersatzführerschein" is a kind of "Führerschein".
func (x *Index) head(w string) []string {
	for from := 3; from+6 <= len(w); from++ {
		if x.parts[w[from:]] {
			return []string{w[from:]}
		}
	}
	return nil
}

func (x *Index) isPart(w string) bool {
	return x.parts[w] || len(w) >= 5 && x.parts[w+"e"] || len(w) >= 6 && (strings.HasSuffix(w, "en") && x.parts[w[:len(w)-2]] || strings.HasSuffix(w, "e") && x.parts[w[:len(w)-1]])
}

// wordsOf is a text as folded words.
func wordsOf(s string) []string { return strings.Fields(person.Fold(s)) }

func contentWords(words []string) int {
	n := 0
	for _, w := range words {
		if !stopword(w) {
			n++
		}
	}
	return max(1, n)
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func trigrams(w string) []string {
	p := "^" + w + "$"
	out := make([]string, 0, len(p))
	for i := 0; i+3 <= len(p); i++ {
		g := p[i : i+3]
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// stem takes endings off, so that forms of a word meet: "anmelden", "Anmeldung" and
// "Anmeldungen". It follows the idea of CISTEM (Weißweiler and Fraser, 2017) and adds
// the nouns in -ung and the English -ing.
func stem(w string) string {
	for len(w) > 3 {
		switch {
		case len(w) > 5 && (strings.HasSuffix(w, "em") || strings.HasSuffix(w, "er") || strings.HasSuffix(w, "nd")):
			w = w[:len(w)-2]
		case len(w) > 6 && (strings.HasSuffix(w, "ung") || strings.HasSuffix(w, "ing")):
			w = w[:len(w)-3]
		case strings.HasSuffix(w, "t"), strings.HasSuffix(w, "e"), strings.HasSuffix(w, "s"), strings.HasSuffix(w, "n"):
			w = w[:len(w)-1]
		default:
			return w
		}
	}
	return w
}

// distance is the number of slips (a letter too many, too few, another, or two
// swapped) between a and b, or limit+1 if there are more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 60 || len(b) > 60 {
		return limit + 1
	}
	var rows [3][62]int
	prev, cur, last := &rows[0], &rows[1], &rows[2]
	for j := 0; j <= len(b); j++ {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		low := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, last[j-2]+1)
			}
			cur[j] = d
			low = min(low, d)
		}
		if low > limit {
			return limit + 1
		}
		prev, cur, last = cur, last, prev
	}
	return prev[len(b)]
}
