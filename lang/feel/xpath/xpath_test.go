// SPDX-License-Identifier: EUPL-1.2

package xpath

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func mustCompile(t testing.TB, pattern, flags string) *Regexp {
	t.Helper()
	r, err := Compile(pattern, flags)
	if err != nil {
		t.Fatalf("Compile(%q, %q): %v", pattern, flags, err)
	}
	return r
}

// tck holds the cases 1111-feel-matches-function of the DMN TCK that reach the
// expression: "yes", "no", or "error".
var tck = []struct{ id, input, pattern, flags, want string }{
	{"fn-null-flags", "abracadabra", "bra", "", "yes"},
	{"fn-matches2args-1", "This is a characte", "This is a characte", "", "yes"},
	{"fn-matchesErr-1", "abracadabra", "bra", "p", "error"},
	{"fn-matches-27", "\nabcd\ndefg\n", "^$", "m", "yes"},
	{"fn-matches-28", "abcd\n\ndefg\n ", "^$", "m", "yes"},
	{"fn-matches-32", "abracadabra", "(?:abra(?:cad)?)*", "q", "no"},
	{"fn-matches-33", "x[y-z]", "x[y-z]", "q", "yes"},
	{"fn-matches-34", "x[Y-z]", "X[y-Z]", "qi", "yes"},
	{"fn-matches-45", "Mary\rJones", "Mary.Jones", "", "no"},
	{"caselessmatch01", "abc", "ABC", "i", "yes"},
	{"caselessmatch02", "abZ", "[A-Z]*", "i", "yes"},
	{"caselessmatch03", "abZ", "[a-z]*", "i", "yes"},
	{"caselessmatch07", "\u212A", "k", "i", "yes"},
	{"caselessmatch08", "x", "[A-Z-[OI]]", "i", "yes"},
	{"caselessmatch09", "X", "[A-Z-[OI]]", "i", "yes"},
	{"caselessmatch10", "O", "[A-Z-[OI]]", "i", "no"},
	{"caselessmatch11", "i", "[A-Z-[OI]]", "i", "no"},
	{"caselessmatch12", "Q", "[^Q]", "i", "no"},
	{"caselessmatch13", "q", "[^Q]", "i", "no"},
	{"K-MatchesFunc-5", "input", "pattern", " ", "error"},
	{"K-MatchesFunc-6", "input", "pattern", "X", "error"},
	{"K2-MatchesFunc-1", "hello world", `hello\ sworld`, "x", "yes"},
	{"K2-MatchesFunc-2", "hello world", ` hello[ ]world`, "x", "yes"},
	{"K2-MatchesFunc-3", "hello world", `hello[ ]world `, "x", "yes"},
	{"K2-MatchesFunc-4", "hello world", `he ll o[ ]worl d`, "x", "yes"},
	{"K2-MatchesFunc-5", "hello world", `\p{ IsBasicLatin}+`, "x", "yes"},
	{"K2-MatchesFunc-6", "hello world", `\p{ I s B a s i c L a t i n }+`, "x", "yes"},
	{"K2-MatchesFunc-7", "hello world", `\p{ IsBasicLatin}+`, "", "error"},
	{"K2-MatchesFunc-8", "h", `(.)\3`, "", "error"},
	{"K2-MatchesFunc-9", "h", `(.)\2`, "", "error"},
	{"K2-MatchesFunc-10", "input", `\3`, "", "error"},
	{"K2-MatchesFunc-11", "abcd", `(asd)[\1]`, "", "error"},
	{"K2-MatchesFunc-12", "abcd", `(asd)[asd\1]`, "", "error"},
	{"K2-MatchesFunc-13", "abcd", `(asd)[asd\0]`, "", "error"},
	{"K2-MatchesFunc-14", "abcd", `1[asd\0]`, "", "error"},
	{"K2-MatchesFunc-15a", "a", `a[^b]`, "", "no"},
	{"K2-MatchesFunc-15b", "a ", `a[^b]`, "", "yes"},
	{"K2-MatchesFunc-16", "input", `[0-9-.]*/`, "", "no"},
	{"K2-MatchesFunc-17", "aA", `(a)\1`, "i", "yes"},
}

func TestSuiteCases(t *testing.T) {
	for _, c := range tck {
		t.Run(c.id, func(t *testing.T) { check(t, c.input, c.pattern, c.flags, c.want) })
	}
}

func check(t *testing.T, input, pattern, flags, want string) {
	t.Helper()
	got := "no"
	r, err := Compile(pattern, flags)
	var e *Error
	switch {
	case errors.As(err, &e):
		if e.Construct == unforeseen {
			t.Errorf("%q: %v", pattern, err)
		}
		got = "error"
	case r.Match(input, nil):
		got = "yes"
	}
	if got != want {
		t.Errorf("matches(%q, %q, %q): %s, want %s (%v)", input, pattern, flags, got, want, err)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct{ input, pattern, flags, want string }{
		// anchors and lines
		{"abracadabra", "bra", "", "yes"},
		{"abracadabra", "^a.*a$", "", "yes"},
		{"abracadabra", "^bra", "", "no"},
		{"a\n", "a$", "", "no"}, // not before a last newline
		{"a\nb", "^b", "", "no"},
		{"a\nb", "^b", "m", "yes"},
		{"a\nb", "a$", "m", "yes"},
		{"a\r\nb", "a$", "m", "no"}, // only the newline ends a line
		{"abcd\ndefg\n", "^$", "m", "no"},
		{"abcd\ndefg\n", "defg$", "m", "yes"},
		{"abcd\ndefg\n", "^defg", "m", "yes"},
		{"abcd\n", "\n^", "m", "no"},
		{"abcd\n", "\n$", "m", "no"},
		{"abcd\n\n", "\n$", "m", "yes"},
		{"\n", "^$", "m", "yes"},
		{"", "^$", "m", "yes"},
		{"", "^$", "", "yes"},
		{"ab", "a^b", "", "no"},
		{"ab", "a$b", "", "no"},
		{"a", "^*a$+", "", "yes"},
		// the dot
		{"a\nb", "a.b", "", "no"},
		{"a\rb", "a.b", "", "no"},
		{"a\nb", "a.b", "s", "yes"},
		{"a\rb", "a.b", "s", "yes"},
		{"a\u2028b", "a.b", "", "yes"},
		{"a😀b", "^a.b$", "", "yes"},
		// flags together
		{"A\nB", "a.b", "si", "yes"},
		{"A\nB", "a . b", "sixsix", "yes"},
		{"a.b", "A.B", "qi", "yes"},
		{"axb", "a.b", "q", "no"},
		{"a b", "a b", "qx", "yes"}, // x has no effect beside q
		{"", "", "q", "yes"},
		// escapes
		{"a\tb\nc\rd", `a\tb\nc\rd`, "", "yes"},
		{`\|.-^?*+{}()[]$`, `\\\|\.\-\^\?\*\+\{\}\(\)\[\]\$`, "", "yes"},
		{"a-b", "a-b", "", "yes"},
		{"a&b,c", "a&b,c", "", "yes"},
		{"\u00a0", `\s`, "", "no"}, // only the four of XML
		{"\f", `\s`, "", "no"},
		{"\u00a0", `\S`, "", "yes"},
		{"٣", `^\d$`, "", "yes"},
		{"Ⅷ", `\d`, "", "no"},
		{"ß", `^\w$`, "", "yes"},
		{"_", `\w`, "", "no"}, // punctuation in XML Schema
		{"+", `^\w$`, "", "yes"},
		{"_", `\W`, "", "yes"},
		{"\u0378", `\w`, "", "no"}, // unassigned
		{"é:x", `^\i\c*$`, "", "yes"},
		{"1", `\i`, "", "no"},
		{"1", `^\c\C?$`, "", "yes"},
		{"ä-1", `^\i[\c]+$`, "", "yes"},
		// categories and blocks
		{"Ä", `^\p{Lu}$`, "", "yes"},
		{"ä", `\p{Lu}`, "", "no"},
		{"ä", `^\P{Lu}$`, "", "yes"},
		{"ä", `\p{Lu}`, "i", "no"}, // flag i leaves categories alone
		{"ä", `[\p{Lu}]`, "i", "no"},
		{"ä", `[\p{Lu}Ä]`, "i", "yes"},
		{"€", `^\p{Sc}$`, "", "yes"},
		{"\u0378", `^\p{Cn}$`, "", "yes"},
		{"\u0378", `^\p{C}$`, "", "yes"},
		{"a", `\p{C}`, "", "no"},
		{"a", `^\p{IsBasicLatin}$`, "", "yes"},
		{"ä", `^\p{IsLatin-1Supplement}\P{IsBasicLatin}?$`, "", "yes"},
		{"ş", `^\p{IsLatinExtended-A}$`, "", "yes"},
		{"α", `^\p{IsGreek}$`, "", "yes"},
		{"α", `^\p{IsGreekandCoptic}$`, "", "yes"},
		{"😀", `^\p{IsEmoticons}$`, "", "yes"},
		{"\ue000", `^\p{IsPrivateUse}$`, "", "yes"},
		// classes
		{"b", "^[a-z-[aeiou]]$", "", "yes"},
		{"e", "[a-z-[aeiou]]", "", "no"},
		{"e", "^[a-z-[a-z-[aeiou]]]$", "", "yes"},
		{"b", "[a-z-[a-z-[aeiou]]]", "", "no"},
		{"e", "^[^a-z-[0-9]]$", "", "no"},
		{"5", "[^a-z-[0-9]]", "", "no"},
		{"E", "^[^a-z-[0-9]]$", "", "yes"},
		{"a", "[a-[a]]", "", "no"},
		{"-", "^[a-]$", "", "yes"},
		{"-", "^[-a]$", "", "yes"},
		{"-", "^[^a-]$", "", "no"},
		{"-", "^[a-z-9]$", "", "yes"},
		{"-", `^[\d-z]$`, "", "yes"},
		{"-", "^[--[a]]$", "", "yes"},
		{"^", "^[a^]$", "", "yes"},
		{"]", `^[\]]$`, "", "yes"},
		{"\\", `^[\\]$`, "", "yes"},
		{"$", `^[$.*+?(){}|]$`, "", "yes"},
		{"x", `^[\s\S]$`, "", "yes"},
		{"]", `[\[-\]]`, "", "yes"},
		{" ", "^[ ]$", "x", "yes"},
		{" ", "^[a-z -[b]]$", "x", "yes"},
		// case
		{"STRASSE", "straße", "i", "no"},
		{"STRAẞE", "straße", "i", "yes"},
		{"Σ", "ς", "i", "yes"},
		{"ſ", "[a-z]", "i", "yes"},
		{"K", "[k-l]", "i", "yes"},
		{"ı", "I", "i", "yes"},
		{"İ", "i", "i", "no"},
		{"ä", "^[À-Ö]$", "i", "yes"},
		{"q", "[^A-Z]", "i", "no"},
		{"e", "[^a-z-[E]]", "i", "no"},
		// repetitions and groups
		{"aaa", "^a{3}$", "", "yes"},
		{"aa", "^a{3,}$", "", "no"},
		{"aaaa", "^a{2,3}$", "", "no"},
		{"", "^a{0}$", "", "yes"},
		{"a", "^a{0}$", "", "no"},
		{"aaa", "^a{1,2}?a$", "", "yes"},
		{"ab", "^(?:a|b)+?$", "", "yes"},
		{"ab", "^(a|b|)*$", "", "yes"},
		{"", "()", "", "yes"},
		{"", "a||b", "", "yes"},
		{"b", "^(|a)b$", "", "yes"},
		{strings.Repeat("a", 2500), "^a{2500}$", "", "yes"},
		{strings.Repeat("a", 2499), "^a{2500}$", "", "no"},
		{strings.Repeat("a", 2499), "^a{2500,}$", "", "no"},
		{strings.Repeat("a", 2501), "^a{1,2500}$", "", "no"},
		{strings.Repeat("a", 2500), "^a{1,2500}$", "", "yes"},
		{strings.Repeat("a", 2500), "^a{1,2500}?$", "", "yes"},
		{strings.Repeat("ab", 1500), "^(?:(?:ab){30}){50}$", "", "yes"},
		{strings.Repeat("ab", 1499), "^(?:(?:ab){30}){50}$", "", "no"},
		// back-references
		{`say "it's"`, `(['"])[^"]*\1`, "", "yes"},
		{`say "its'`, `(['"])[^'"]*\1`, "", "no"},
		{"abcabc", `^(abc)\1$`, "", "yes"},
		{"abxab", `^(a(b|c))x\1$`, "", "yes"},
		{"abxac", `^(a(b|c))x\1$`, "", "no"},
		{"abxabb", `^(a(b|c))x\1\2$`, "", "yes"},
		{"aba", `^(a)(b)\1$`, "", "yes"},
		{"aa1", `^(a)\11$`, "", "yes"},
		{"aabb", `^(?:([ab])\1)+$`, "", "yes"},
		{"aabc", `^(?:([ab])\1)+$`, "", "no"},
		{"aaaa", `^((a)\2)\1$`, "", "yes"},
		{"aaa", `^(a{1,2})\1$`, "", "no"},
		{"aaaa", `^(a{1,2})\1$`, "", "yes"},
		{"ÄäÄ", `^(ä)\1+$`, "i", "yes"},
		{"ab", `([a-[a]])\1`, "", "no"},
	} {
		check(t, c.input, c.pattern, c.flags, c.want)
	}
}

// What is wrong is found before package regexp sees it, at its place and by its name.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		pattern, flags string
		pos            int
		construct      string
	}{
		{"a", "g", 0, `flag 'g'`},
		{"a", "im ", 2, `flag ' '`},
		{"a**", "", 2, ""},
		{"a?*", "", 2, ""},
		{"a{2}{3}", "", 4, ""},
		{"a+??", "", 3, ""},
		{"*a", "", 0, ""},
		{"a|+", "", 2, ""},
		{"(?", "", 0, ""},
		{"({2})", "", 1, ""},
		{"a{", "", 1, ""},
		{"a{,2}", "", 1, ""},
		{"a{2", "", 1, ""},
		{"a{3,2}", "", 1, ""},
		{"a{x}", "", 1, ""},
		{"a{99999999999999999999}", "", 1, "repetition of more than 20000"},
		{"a}", "", 1, ""},
		{"a]", "", 1, ""},
		{"(a", "", 0, ""},
		{"a)", "", 1, ""},
		{"[", "", 0, ""},
		{"[a", "", 0, ""},
		{"[]", "", 0, ""},
		{"[]a]", "", 0, ""},
		{"[^]", "", 0, ""},
		{"[z-a]", "", 1, ""},
		{"[a[b]]", "", 2, ""},
		{"[-[a]]", "", 1, ""},
		{"[a-[b]c]", "", 6, ""},
		{"[a-[b]", "", 0, ""},
		{"[a-", "", 0, ""},
		{"[--a]", "", 1, ""},
		{"[+--]", "", 1, ""},
		{`[a-\d]`, "", 1, ""},
		{"[[:alpha:]]", "", 1, "POSIX class [[:"},
		{`a\`, "", 1, ""},
		{`[a\`, "", 2, ""},
		{`\y`, "", 0, ""},
		{`\ `, "", 0, ""},
		{`\/`, "", 0, ""},
		{`ä\b`, "", 1, `word boundary \b`},
		{`\A`, "", 0, `anchor \A`},
		{`\x41`, "", 0, `character code \x`},
		{`\u0041`, "", 0, `character code \u`},
		{`\Qa\E`, "", 0, `quotation \Q`},
		{`\f`, "", 0, `control character \f`},
		{`\p`, "", 0, ""},
		{`\p{Lu`, "", 0, ""},
		{`\p{Xx}`, "", 0, "category Xx"},
		{`\p{Cs}`, "", 0, "category Cs"},
		{`\p{Greek}`, "", 0, "category Greek"},
		{`\p{BasicLatin}`, "", 0, "category BasicLatin"},
		{`\p{IsNowhere}`, "", 0, "block Nowhere"},
		{`\p{}`, "", 0, "category "},
		{"(?=a)", "", 0, "look-ahead (?="},
		{"(?!a)", "", 0, "negative look-ahead (?!"},
		{"(?<=a)", "", 0, "look-behind (?<="},
		{"(?<!a)", "", 0, "negative look-behind (?<!"},
		{"(?<n>a)", "", 0, "named group (?<"},
		{"(?P<n>a)", "", 0, "named group (?P"},
		{"(?>a)", "", 0, "atomic group (?>"},
		{"a(?i)b", "", 1, "inline flags (?i"},
		{"(?-s:a)", "", 0, "inline flags (?-"},
		{"(?#a)", "", 0, "comment (?#"},
		{"a++", "", 1, "possessive quantifier ++"},
		{"a*+", "", 1, "possessive quantifier *+"},
		{"a{2}+", "", 1, "possessive quantifier {2}+"},
		{"  a  **", "x", 6, ""},
		{`\0`, "", 0, `\0`},
		{`(a)\2`, "", 3, `back-reference \2`},
		{`(a\1)`, "", 2, `back-reference \1`},
		{`\1(a)`, "", 0, `back-reference \1`},
		{`[\1]`, "", 1, `back-reference \1 in a character class`},
		{`(a)?\1`, "", 4, `back-reference \1`},
		{`(?:(a)|b)\1`, "", 9, `back-reference \1`},
		{`(?:(a)|b\1)*`, "", 8, `back-reference \1`},
		{`(.)\1`, "", 3, `back-reference \1`},
		{`(a*)\1`, "", 4, `back-reference \1`},
		{`(?:a{0,2000}b){0,20}`, "", 0, "expression of this size"},
		{`(?:ab){0,2000}?`, "", 0, "reluctant repetition of more than 1000"},
		{strings.Repeat("(", 201) + strings.Repeat(")", 201), "", 200, "nesting deeper than 200"},
		{strings.Repeat("[a-", 201) + "[a]" + strings.Repeat("]", 201), "", 600, "nesting deeper than 200"},
		{strings.Repeat("ä", 10_001), "", 10_000, ""},
		{strings.Repeat(`\c`, 1) + strings.Repeat(`\w`, 4999), "", 0, "expression of this size"},
	} {
		_, err := Compile(c.pattern, c.flags)
		var e *Error
		switch {
		case !errors.As(err, &e):
			t.Errorf("%s: no error", short(c.pattern))
		case e.Pos != c.pos || e.Construct != c.construct:
			t.Errorf("%s: at %d, %q (%s); want %d, %q", short(c.pattern), e.Pos, e.Construct, e.Msg, c.pos, c.construct)
		}
	}
}

func TestReplace(t *testing.T) {
	for _, c := range []struct{ input, pattern, replacement, flags, want string }{
		// the examples of F&O 3.1, 5.6.4
		{"abracadabra", "bra", "*", "", "a*cada*"},
		{"abracadabra", "a.*a", "*", "", "*"},
		{"abracadabra", "a.*?a", "*", "", "*c*bra"},
		{"abracadabra", "a", "", "", "brcdbr"},
		{"abracadabra", "a(.)", "a$1$1", "", "abbraccaddabbra"},
		{"abracadabra", ".*?", "$1", "", "error"},
		{"AAAA", "A+", "b", "", "b"},
		{"AAAA", "A+?", "b", "", "bbbb"},
		{"darted", "^(.*?)d(.*)$", "$1c$2", "", "carted"},
		{"reluctant", "r.*?t", "X", "", "Xant"},
		{"abcd", "(ab)|(a)", "[1=$1][2=$2]", "", "[1=ab][2=]cd"},
		{"abcd", "(a)|(ab)", "[1=$1][2=$2]", "", "[1=a][2=]bcd"},
		// numbers of groups
		{"abc", "b", "[$0]", "", "a[b]c"},
		{"abc", "b", "[$1]", "", "a[]c"},
		{"abc", "(b)", "[$12]", "", "a[b2]c"},
		{"abc", "(b)", "[$23]", "", "a[3]c"},
		{"abc", "(b)", "[$01]", "", "a[b]c"},
		{"abcdefghijkl", "(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)(k)", "$11$1$10$111$12", "", "kajk1a2l"},
		{"ab", "(x)?b", "[$1]", "", "a[]"},
		{"abab", "(?:(a)|(b))+", "$1$2", "", "ab"},
		{"aaa", "(a){2500}|(a){3}", "<$1$2>", "", "<a>"},
		// escapes of the replacement
		{"abc", "b", `\$\\`, "", `a$\c`},
		{"abc", "b", `\`, "", "error"},
		{"abc", "b", `\n`, "", "error"},
		{"abc", "b", `$`, "", "error"},
		{"abc", "b", `$x`, "", "error"},
		{"abc", "x", `$x`, "", "error"}, // also where nothing matches
		{"abc", "b", `a$`, "", "error"},
		{"abc", "b", `$\1`, "", "error"},
		{"a.b", ".", `$1\`, "q", `a$1\b`},
		{"abc", "", "x", "q", "error"},
		// what matches the empty text
		{"abc", "x*", "-", "", "error"},
		{"abc", "^", "-", "", "error"},
		{"abc", "$", "-", "m", "error"},
		{"abc", "b?", "-", "", "error"},
		{"", "a", "-", "", ""},
		// lines
		{"a\nb\n", "^(.)", "<$1>", "m", "<a>\n<b>\n"},
		{"a\nb\n", "(.)$", "<$1>", "m", "<a>\n<b>\n"},
		{"a\nb\n", "(.\n)^", "<$1>", "m", "<a\n>b\n"},
		{"a\nb", "(.)$", "<$1>", "", "a\n<b>"},
		// back-references
		{`a "b'c" 'd'`, `(["'])(.*?)\1`, "<$2>", "", "a <b'c> <d>"},
		{`"a" 'b'`, `(?:(["'])(.)\1 ?)+`, "$1$2", "", "'b"},
		{"xyxy-xzxz", `((x)(y|z))\1`, "[$1,$2,$3]", "", "[xy,x,y]-[xz,x,z]"},
		{"Straße 1a", `(\d+)\s*([a-z])`, "$1 $2", "", "Straße 1 a"},
		{"2024-05-17", `(\d{4})-(\d\d)-(\d\d)`, "$3.$2.$1", "", "17.05.2024"},
		{"hello world", "h e l l o", "bye", "x", "bye world"},
	} {
		got, err := mustCompile(t, c.pattern, c.flags).Replace(c.input, c.replacement, nil)
		if err != nil {
			got = "error"
		}
		if got != c.want {
			t.Errorf("replace(%q, %q, %q, %q): %q, want %q (%v)", c.input, c.pattern, c.replacement, c.flags, got, c.want, err)
		}
	}
}

func TestReplaceIsBounded(t *testing.T) {
	r := mustCompile(t, "a", "")
	_, err := r.Replace(strings.Repeat("a", 5000), strings.Repeat("b", 5000), nil)
	var e *Error
	if !errors.As(err, &e) || e.Construct == "" {
		t.Errorf("25 MB of text: %v", err)
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		input, pattern, flags string
		want                  []string
	}{
		{"John Doe", `\s`, "", []string{"John", "Doe"}},
		{"a;b;c;;", ";", "", []string{"a", "b", "c", "", ""}},
		{"foo,bar", ",", "", []string{"foo", "bar"}},
		{";a", ";", "", []string{"", "a"}},
		{"a", ";", "", []string{"a"}},
		{"", ";", "", []string{""}},
		{"1, 15, 24, 50", `,\s*`, "", []string{"1", "15", "24", "50"}},
		{"Some unparsed <br> HTML <BR> text", `\s*<br>\s*`, "i", []string{"Some unparsed", "HTML", "text"}},
		{"abc", "", "", []string{"a", "b", "c"}},
		{"a1b", `\d*`, "", []string{"a", "b"}},
		{"a\nb\n", "^", "m", []string{"a\n", "b\n"}},
		{"a\nb\n", "$", "m", []string{"a", "\nb", "\n"}},
	} {
		if got := mustCompile(t, c.pattern, c.flags).Split(c.input, nil); !slices.Equal(got, c.want) {
			t.Errorf("split(%q, %q, %q): %q, want %q", c.input, c.pattern, c.flags, got, c.want)
		}
	}
}

// A random expression that the grammar allows must never be refused by package regexp.
func TestGoTakesWhatWeWrite(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var gen func(depth int) string
	atoms := []string{"a", "Ä", "ß", ".", "^", "$", `\d`, `\W`, `\p{Lu}`, `\P{IsGreek}`, "[a-z-[k]]", "[^ab]", `[\w-]`, "[a-[a]]", "()", `\n`, " ", "#", "\x00", "\uFFFD", "\\$"}
	quantifiers := []string{"", "", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{0}", "{0,3}", "{1,}", "{40,}", "{30}?", "{1,50}", "{1,1}", "{0,0}?"}
	gen = func(depth int) string {
		var b strings.Builder
		for range 1 + rnd.IntN(3) {
			switch k := rnd.IntN(6); {
			case k == 0 && depth > 0:
				b.WriteString("(" + gen(depth-1) + ")")
			case k == 1 && depth > 0:
				b.WriteString("(?:" + gen(depth-1) + ")")
			case k == 2 && depth > 0:
				b.WriteString("(?:" + gen(depth-1) + "|" + gen(depth-1) + ")")
			default:
				b.WriteString(atoms[rnd.IntN(len(atoms))])
			}
			b.WriteString(quantifiers[rnd.IntN(len(quantifiers))])
		}
		return b.String()
	}
	compiled := 0
	for i := range 800 {
		pattern, flag := gen(4), []string{"", "i", "m", "s", "ims"}[i%5]
		_, err := Compile(pattern, flag)
		var e *Error
		if errors.As(err, &e) && e.Construct != "expression of this size" && e.Construct != "reluctant repetition of more than 1000" {
			t.Fatalf("%q: %v", pattern, err)
		}
		if err == nil {
			compiled++
		}
	}
	if compiled < 500 {
		t.Errorf("only %d of 800 compiled", compiled)
	}
}

// Expressions at the bounds either compile or are refused by name.
func TestLargeExpressions(t *testing.T) {
	rep := strings.Repeat
	for _, c := range []struct{ pattern, flags string }{
		{rep(`[\w-`, 199) + "[a]" + rep("]", 199), ""},
		{rep("[!-\uFFFF]", 2000), "i"},
		{rep(`[\w\c]`, 1600), "i"},
		{rep(`\w`, 600), ""},
		{"[" + rep(`\p{C}\W`, 1200) + "]", ""},
		{rep(`\w{900}`, 20), ""},
		{rep("(?:", 199) + `(a)\1` + rep(")", 199) + rep("b", 9000), ""},
		{rep(`([ab])\1`, 50), ""},
		{rep("(?:", 150) + rep(`([ab])\1c`, 50) + rep(")", 150), ""},
		{rep("(", 200) + "a" + rep("|b)*c", 200), "im"},
		{rep("(?:", 200) + "a" + rep("|b){0,1}?c", 200), ""},
		{rep("(?:", 13) + "a" + rep("){2}", 13), ""},
		{rep("()", 5000), ""},
		{rep("|", 10_000), "m"},
		{"(?:(?:a{100}){100}b){2}", ""},
		{"(?:(?:a{99}b){99}c)", ""},
		{"(?:(?:(?:[!-\u1000]{7}){11}){13}){17}", "i"},
		{"a{20000}", ""},
		{"a{0,9000}?", ""},
	} {
		_, err := Compile(c.pattern, c.flags)
		var e *Error
		if errors.As(err, &e) && e.Construct != "expression of this size" && !strings.HasPrefix(e.Construct, "back-reference") {
			t.Errorf("%s: %v", short(c.pattern), err)
		}
	}
}

// The matcher for lines and package regexp agree wherever they should.
func TestLinesAgree(t *testing.T) {
	texts := []string{"", "a", "ab", "a\nb", "\n\na", "aab\nabab\nb", "b\n a"}
	for _, pattern := range []string{"^a", "b$", "^", "$", "^$", "^(a|ab)(b*)$", "(a)|(^b)", "(a*?)(b|$)", "(?:(a)|(b)|\n)+$", "(^|a)*b", "(a|){3}$", "[^a]$"} {
		r := mustCompile(t, pattern, "m")
		if !r.lines {
			t.Fatalf("%q has no matcher for lines", pattern)
		}
		for _, text := range texts {
			want := fmt.Sprint(r.re.FindAllStringSubmatchIndex(text, -1))
			var got [][]int
			for from := 0; from <= len(text); {
				m := newMachine(r.prog(), func(int) {}).find(text, from)
				if m == nil {
					break
				}
				if m[1] > m[0] || len(got) == 0 || m[0] > got[len(got)-1][1] {
					got = append(got, m)
				}
				if from = m[1]; m[1] == m[0] {
					from++
				}
			}
			if fmt.Sprint(got) != want {
				t.Errorf("%q in %q: %v, package regexp says %v", pattern, text, got, want)
			}
		}
	}
}

func TestSets(t *testing.T) {
	az, vowels := set{{'a', 'z'}}, chars('a', 'e', 'i', 'o', 'u')
	for _, c := range []struct {
		what string
		got  set
		want set
	}{
		{"touching spans become one", union(set{{'a', 'c'}}, set{{'d', 'f'}}), set{{'a', 'f'}}},
		{"negated twice", vowels.negate().negate(), vowels},
		{"all negated", set{{0, maxRune}}.negate(), nil},
		{"none negated", set{}.negate(), set{{0, maxRune}}},
		{"subtracted", az.subtract(vowels), set{{'b', 'd'}, {'f', 'h'}, {'j', 'n'}, {'p', 't'}, {'v', 'z'}}},
		{"subtracted from itself", az.subtract(az), nil},
		{"folded", (&folder{}).fold(chars('a')), chars('a', 'A')},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	// every letter folded brings both cases, whichever way it is folded
	f := &folder{}
	for _, s := range []set{{{0x100, 0x24F}}, {{'A', 'Z'}, {0x370, 0x4FF}}} {
		want := set{}
		for _, p := range s {
			for r := p.lo; r <= p.hi; r++ {
				want = union(want, f.fold(chars(r)))
			}
		}
		if got := f.fold(s); !slices.Equal(got, want) {
			t.Errorf("%v folded at once: %v, one by one: %v", s, got, want)
		}
	}
	// folding a large set looks only at cased, so that must hold all that has variants
	all := cased()
	for r := rune(0); r <= maxRune; r++ {
		if v := variants(r); len(v) > 1 && !all.has(r) {
			t.Fatalf("%U has the variants %U, but cased misses it", r, v)
		}
	}
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct {
		name   string
		lo, hi rune
	}{
		{"BasicLatin", 0, 0x7F}, {"Latin-1Supplement", 0x80, 0xFF}, {"Cyrillic", 0x400, 0x4FF},
		{"Arabic", 0x600, 0x6FF}, {"GeneralPunctuation", 0x2000, 0x206F}, {"CurrencySymbols", 0x20A0, 0x20CF},
		{"CombiningMarksforSymbols", 0x20D0, 0x20FF}, {"CJKUnifiedIdeographs", 0x4E00, 0x9FFF},
		{"HangulSyllables", 0xAC00, 0xD7AF}, {"Specials", 0xFFF0, 0xFFFF}, {"Gothic", 0x10330, 0x1034F},
		{"Tags", 0xE0000, 0xE007F},
	} {
		if s, ok := block(c.name); !ok || !slices.Equal(s, set{{c.lo, c.hi}}) {
			t.Errorf("block %s: %v %v", c.name, s, ok)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, c := range tck {
		f.Add(c.pattern, c.flags, c.input)
	}
	for _, p := range []string{`(["'])(.*?)\1`, "a{1001}", "(a{40}){40}", "[a-z-[aeiou]]", "(a|b{2})\\1", "^$", `\p{IsGreek}`, "((((a*)*)*)*)*", "(?:a{0,2000}?)b"} {
		f.Add(p, "m", "abc\n")
	}
	f.Fuzz(func(t *testing.T, pattern, flags, sample string) {
		r, err := Compile(pattern, flags)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Construct == unforeseen || e.Pos < 0 || e.Pos > len([]rune(e.Pattern)) {
				t.Fatalf("%q: %v", pattern, err)
			}
			return
		}
		sample = sample[:min(len(sample), 200)]
		matched := r.Match(sample, nil)
		if pieces := r.Split(sample, nil); !matched && (len(pieces) != 1 || pieces[0] != sample) {
			t.Errorf("%q doesn't match %q, but splits it: %q", pattern, sample, pieces)
		}
		if out, err := r.Replace(sample, "$0", nil); err == nil && out != sample && !strings.Contains(flags, "q") {
			t.Errorf("replace(%q, %q, $0): %q", sample, pattern, out)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	for name, pattern := range map[string]string{"plate": `[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{1,4}[EH]?`, "word": `\w+@\w+\.\w+`} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compile(pattern, "i"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	r := mustCompile(b, `^[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \d{1,4}[EH]?$`, "")
	plain := regexp.MustCompile(`^[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} [0-9]{1,4}[EH]?$`)
	b.Run("xpath", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Match("KA-MX 4711E", nil)
		}
	})
	b.Run("regexp", func(b *testing.B) {
		for b.Loop() {
			plain.MatchString("KA-MX 4711E")
		}
	})
}

func BenchmarkReplace(b *testing.B) {
	r := mustCompile(b, `(\d{4})-(\d\d)-(\d\d)`, "")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Replace("from 2024-05-17 to 2024-06-01", "$3.$2.$1", nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLines(b *testing.B) {
	r := mustCompile(b, `^\d+$`, "m")
	text := strings.Repeat("abc\n", 250)
	b.ReportAllocs()
	for b.Loop() {
		r.Match(text, nil)
	}
}

// In a long text every match may look to its end: the machine that counts finds what
// package regexp finds, and says when it is enough.
func TestFarMatches(t *testing.T) {
	for _, c := range []struct {
		pattern string
		far     bool
	}{
		{"a.*b|a", true}, {"(a+b)?a", true}, {"a{0,50}b|a", true}, {"(ab)*a", true}, {"(a.*)b|c", true},
		{"a+", false}, {`,\s*`, false}, {"[^a-z]", false}, {"(a)(b+)", false}, {"a+|b*", false}, {`(\d{3})-(\d{4})`, false},
	} {
		r := mustCompile(t, c.pattern, "")
		if r.far != c.far {
			t.Errorf("%s looks far: %v", c.pattern, r.far)
		}
		for _, text := range []string{strings.Repeat("ab, a 123-4567 ", 60), strings.Repeat("a", 400), "b" + strings.Repeat("äa", 300) + "\n", strings.Repeat("c,  ", 100)} {
			if got, want := fmt.Sprint(r.all(text, nil)), fmt.Sprint(r.re.FindAllStringSubmatchIndex(text, -1)); got != want {
				t.Errorf("%s in %.20q…: %.80s, package regexp says %.80s", c.pattern, text, got, want)
			}
		}
	}
	spent := 0
	defer func() {
		if recover() != "enough" || spent < 100_000 {
			t.Errorf("it ended after %d steps", spent)
		}
	}()
	mustCompile(t, "a.*b|a", "").Split(strings.Repeat("a", 1<<20), func(n int) {
		if spent += n; spent > 1_000_000 {
			panic("enough")
		}
	})
}
