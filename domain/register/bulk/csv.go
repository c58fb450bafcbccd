// SPDX-License-Identifier: EUPL-1.2

package bulk

import "strings"

// A spreadsheet takes a cell that begins with one of these for a formula, which may call
// programs or send the sheet away (CSV injection). It may split at another separator than
// the one that was written, so what follows any separator counts as a beginning.
const (
	formulas   = "=+-@"
	separators = ",;\t|\r\n"
)

// escape puts an apostrophe before what a spreadsheet would take for a formula. unescape
// takes it away again; of a text that escape hasn't touched it takes nothing that it would
// have had to touch.
func escape(s string) string {
	return segments(s, func(b *strings.Builder, part string) {
		if risky(part) {
			b.WriteByte('\'')
		}
		b.WriteString(part)
	})
}

func unescape(s string) string {
	return segments(s, func(b *strings.Builder, part string) {
		if part != "" && part[0] == '\'' && risky(part[1:]) {
			part = part[1:]
		}
		b.WriteString(part)
	})
}

// risky reports whether a spreadsheet may take it for a formula, or unescape would change it.
func risky(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.IndexByte(formulas, s[0]) >= 0
}

func segments(s string, each func(b *strings.Builder, part string)) string {
	if !strings.ContainsAny(s, formulas) {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexAny(s, separators)
		if i < 0 {
			each(&b, s)
			return b.String()
		}
		each(&b, s[:i])
		b.WriteByte(s[i])
		s = s[i+1:]
	}
}

// quoted writes a cell of a CSV.
func quoted(b []byte, s string) []byte {
	if s == "" {
		return b
	}
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}
