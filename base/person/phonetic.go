// SPDX-License-Identifier: EUPL-1.2

package person

import "strings"

// Phonetic is how a German name sounds: the Kölner Phonetik (Hans Joachim Postel, Die
// Kölner Phonetik, IBM-Nachrichten 19, 1969). Names that sound alike have one code: Meier,
// Maier, Mayr are 67. What has no sound of its own, such as "H", has none.
//
// A letter becomes a digit by its neighbours; then digits that stand beside the same one go,
// and then every 0 (a vowel) that isn't the first.
func Phonetic(name string) string {
	letters := make([]byte, 0, len(name))
	for _, c := range []byte(Fold(name)) {
		if c >= 'a' && c <= 'z' {
			letters = append(letters, c)
		}
	}
	out := make([]byte, 0, len(letters)+1)
	last := byte(0)
	put := func(digits string) {
		for _, d := range []byte(digits) {
			if d != last && (d != '0' || len(out) == 0) {
				out = append(out, d)
			}
			last = d
		}
	}
	for i, c := range letters {
		var before, after byte
		if i > 0 {
			before = letters[i-1]
		}
		if i+1 < len(letters) {
			after = letters[i+1]
		}
		put(sound(c, before, after))
	}
	return string(out)
}

func sound(c, before, after byte) string {
	in := func(b byte, set string) bool { return b != 0 && strings.IndexByte(set, b) >= 0 }
	switch c {
	case 'a', 'e', 'i', 'j', 'o', 'u', 'y':
		return "0"
	case 'b':
		return "1"
	case 'p':
		if after == 'h' {
			return "3"
		}
		return "1"
	case 'd', 't':
		if in(after, "csz") {
			return "8"
		}
		return "2"
	case 'f', 'v', 'w':
		return "3"
	case 'g', 'k', 'q':
		return "4"
	case 'c':
		switch {
		case before == 0 && in(after, "ahkloqrux"):
			return "4"
		case before != 0 && !in(before, "sz") && in(after, "ahkoqux"):
			return "4"
		}
		return "8"
	case 'x':
		if in(before, "ckq") {
			return "8"
		}
		return "48"
	case 'l':
		return "5"
	case 'm', 'n':
		return "6"
	case 'r':
		return "7"
	case 's', 'z':
		return "8"
	}
	return "" // h
}
