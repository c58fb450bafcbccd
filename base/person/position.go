// SPDX-License-Identifier: EUPL-1.2

package person

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Position is where something is: a point in WGS 84, or, if nobody knows the point, an
// address in words.
type Position struct {
	Lat, Lon float64 // degrees, rounded to a millionth (10 cm)
	Address  string  // "": the point is known
}

// ParsePosition takes a point as maps and phones write it ("51.4321, 6.7623", "51,4321
// 6,7623", "51° 25' 55.6\" N 6° 45' 44\" E", "geo:51.4321,6.7623"), or an address
// ("Königstraße 12"). Points are in Germany, so latitude and longitude that have
// changed places are put right.
func ParsePosition(s string) (p Position, ok bool, err error) {
	if len(s) > 1000 {
		return p, false, problem("person.tooLong", "max", 200)
	}
	if !utf8.ValidString(s) {
		return p, false, problem("person.encoding")
	}
	t := tidy(norm.NFC.String(s))
	if t == "" {
		return p, false, nil
	}
	t, geo := strings.CutPrefix(t, "geo:")
	if geo { // RFC 5870: parameters follow
		t, _, _ = strings.Cut(t, ";")
		t, _, _ = strings.Cut(t, "?")
	}
	if lat, lon, isPoint := degrees(t); isPoint {
		if lat >= 5 && lat <= 16 && lon >= 47 && lon <= 56 {
			lat, lon = lon, lat
		}
		if lat < 47 || lat > 56 || lon < 5 || lon > 16 {
			return p, false, problem("person.position.outside")
		}
		return Position{Lat: math.Round(lat*1e6) / 1e6, Lon: math.Round(lon*1e6) / 1e6}, true, nil
	}
	a, err := ParseText(s, 200)
	if err != nil {
		return p, false, err
	}
	if strings.IndexFunc(a, unicode.IsLetter) < 0 || len([]rune(a)) < 3 {
		return p, false, problem("person.position.form")
	}
	return Position{Address: a}, true, nil
}

// String writes a position the way ParsePosition reads it.
func (p Position) String() string {
	if p.Address != "" {
		return p.Address
	}
	return strconv.FormatFloat(p.Lat, 'f', -1, 64) + ", " + strconv.FormatFloat(p.Lon, 'f', -1, 64)
}

// degrees reads two angles, each a decimal number or degrees, minutes, seconds. What has
// letters besides N, E, S, W and O (Ost) is no point.
func degrees(s string) (lat, lon float64, ok bool) {
	s = strings.ToUpper(strings.NewReplacer("′", "'", "’", "'", "″", "\"", "”", "\"", "''", "\"", "−", "-").Replace(s))
	if strings.Count(s, ".") == 0 && strings.Count(s, ",") >= 2 { // "51,43 6,76", "51,43, 6,76": decimal commas
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			if s[i] == ',' && i > 0 && i+1 < len(s) && digit(s[i-1]) && digit(s[i+1]) {
				b.WriteByte('.')
			} else {
				b.WriteByte(s[i])
			}
		}
		s = b.String()
	}
	type angle struct {
		parts []float64
		side  byte
	}
	var all []angle
	var cur angle
	flush := func() {
		if len(cur.parts) > 0 {
			all = append(all, cur)
		}
		cur = angle{}
	}
	dms := strings.ContainsAny(s, "°'")
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case digit(c) || c == '-' || c == '+':
			j := i + 1
			for j < len(s) && (digit(s[j]) || s[j] == '.') {
				j++
			}
			n, err := strconv.ParseFloat(s[i:j], 64)
			if err != nil || len(cur.parts) == 3 {
				return 0, 0, false
			}
			if len(cur.parts) > 0 && !dms { // decimal numbers: one an angle
				flush()
			}
			cur.parts = append(cur.parts, n)
			i = j
			continue
		case c == 'N' || c == 'S' || c == 'E' || c == 'O' || c == 'W':
			switch before := cur.side != 0; { // "N 51.43 E 6.76" or "51.43 N 6.76 E"
			case len(cur.parts) == 0:
				cur.side = c
			case before:
				flush()
				cur.side = c
			default:
				cur.side = c
				flush()
			}
		case c == ',' || c == ';' || c == '/':
			flush()
		case c == ' ' || c == '\t' || c == '"' || c == '\'':
		case strings.HasPrefix(s[i:], "°"):
			i += len("°")
			continue
		default:
			return 0, 0, false
		}
		i++
	}
	flush()
	if len(all) != 2 {
		return 0, 0, false
	}
	var val [2]float64
	for i, a := range all {
		for j, p := range a.parts {
			if j > 0 && (p < 0 || p >= 60) {
				return 0, 0, false
			}
			val[i] += p / math.Pow(60, float64(j))
		}
		if a.side == 'S' || a.side == 'W' {
			val[i] = -val[i]
		}
	}
	if s := all[0].side; s == 'E' || s == 'O' || s == 'W' {
		val[0], val[1] = val[1], val[0]
	}
	return val[0], val[1], true
}

func digit(c byte) bool { return c >= '0' && c <= '9' }
