// SPDX-License-Identifier: EUPL-1.2

package person

import "unicode"

// The characters of DIN 91379, part "normative": letters, the characters that
// names of natural persons need (N1), and those that names of streets, places and
// companies need besides (N2). All in normalisation form C.

// letters are the Latin letters that are one code point (group bll).
var letters = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0041, 0x005a, 1}, {0x0061, 0x007a, 1}, {0x00c0, 0x00d6, 1}, {0x00d8, 0x00f6, 1},
		{0x00f8, 0x017e, 1}, {0x0187, 0x0188, 1}, {0x018f, 0x018f, 1}, {0x0197, 0x0197, 1},
		{0x01a0, 0x01a1, 1}, {0x01af, 0x01b0, 1}, {0x01b7, 0x01b7, 1}, {0x01cd, 0x01dc, 1},
		{0x01de, 0x01df, 1}, {0x01e2, 0x01f0, 1}, {0x01f4, 0x01f5, 1}, {0x01f8, 0x01ff, 1},
		{0x0212, 0x0213, 1}, {0x0218, 0x021b, 1}, {0x021e, 0x021f, 1}, {0x0227, 0x0233, 1},
		{0x0259, 0x0259, 1}, {0x0268, 0x0268, 1}, {0x0292, 0x0292, 1}, {0x1e02, 0x1e03, 1},
		{0x1e06, 0x1e07, 1}, {0x1e0a, 0x1e11, 1}, {0x1e1c, 0x1e2b, 1}, {0x1e2f, 0x1e37, 1},
		{0x1e3a, 0x1e3b, 1}, {0x1e40, 0x1e49, 1}, {0x1e52, 0x1e5b, 1}, {0x1e5e, 0x1e63, 1},
		{0x1e6a, 0x1e6f, 1}, {0x1e80, 0x1e87, 1}, {0x1e8c, 0x1e97, 1}, {0x1e9e, 0x1e9e, 1},
		{0x1ea0, 0x1ef9, 1},
	},
	LatinOffset: 4,
}

// nameSigns is group N1: what the names of natural persons need.
var nameSigns = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0020, 0x0020, 1}, {0x0027, 0x0027, 1}, {0x002c, 0x002e, 1}, {0x0060, 0x0060, 1},
		{0x007e, 0x007e, 1}, {0x00a8, 0x00a8, 1}, {0x00b4, 0x00b4, 1}, {0x00b7, 0x00b7, 1},
		{0x02b9, 0x02ba, 1}, {0x02be, 0x02bf, 1}, {0x02c8, 0x02c8, 1}, {0x02cc, 0x02cc, 1},
		{0x2019, 0x2019, 1}, {0x2021, 0x2021, 1},
	},
	LatinOffset: 8,
}

// textSigns is group N2: what the names of streets, places and companies need besides.
var textSigns = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0021, 0x0026, 1}, {0x0028, 0x002b, 1}, {0x002f, 0x0040, 1}, {0x005b, 0x005f, 1},
		{0x007b, 0x007d, 1}, {0x00a1, 0x00a3, 1}, {0x00a5, 0x00a5, 1}, {0x00a7, 0x00a7, 1},
		{0x00a9, 0x00ac, 1}, {0x00ae, 0x00b3, 1}, {0x00b5, 0x00b6, 1}, {0x00b9, 0x00bb, 1},
		{0x00bf, 0x00bf, 1}, {0x00d7, 0x00d7, 1}, {0x00f7, 0x00f7, 1}, {0x20ac, 0x20ac, 1},
	},
	LatinOffset: 15,
}

// sequences are the letters that Unicode writes as a letter with combining marks.
var sequences = [...]string{
	"A\u030b", "C\u0300", "C\u0304", "C\u0306", "C\u0308", "C\u0315", "C\u0323", "C\u0326",
	"C\u0328\u0306", "D\u0302", "F\u0300", "F\u0304", "G\u0300", "H\u0304", "H\u0326", "H\u0331",
	"J\u0301", "J\u030c", "K\u0300", "K\u0302", "K\u0304", "K\u0307", "K\u0315", "K\u031b",
	"K\u0326", "K\u035fH", "K\u035fh", "L\u0302", "L\u0325", "L\u0325\u0304", "L\u0326", "M\u0300",
	"M\u0302", "M\u0306", "M\u0310", "N\u0302", "N\u0304", "N\u0306", "N\u0326", "P\u0300",
	"P\u0304", "P\u0315", "P\u0323", "R\u0306", "R\u0325", "R\u0325\u0304", "S\u0300", "S\u0304",
	"S\u031b\u0304", "S\u0331", "T\u0300", "T\u0304", "T\u0308", "T\u0315", "T\u031b", "U\u0307",
	"Z\u0300", "Z\u0304", "Z\u0306", "Z\u0308", "Z\u0327", "a\u030b", "c\u0300", "c\u0304",
	"c\u0306", "c\u0308", "c\u0315", "c\u0323", "c\u0326", "c\u0328\u0306", "d\u0302", "f\u0300",
	"f\u0304", "g\u0300", "h\u0304", "h\u0326", "j\u0301", "k\u0300", "k\u0302", "k\u0304",
	"k\u0307", "k\u0315", "k\u031b", "k\u0326", "k\u035fh", "l\u0302", "l\u0325", "l\u0325\u0304",
	"l\u0326", "m\u0300", "m\u0302", "m\u0306", "m\u0310", "n\u0302", "n\u0304", "n\u0306",
	"n\u0326", "p\u0300", "p\u0304", "p\u0315", "p\u0323", "r\u0306", "r\u0325", "r\u0325\u0304",
	"s\u0300", "s\u0304", "s\u031b\u0304", "s\u0331", "t\u0300", "t\u0304", "t\u0315", "t\u031b",
	"u\u0307", "z\u0300", "z\u0304", "z\u0306", "z\u0308", "z\u0327", "\u00c7\u0306", "\u00db\u0304",
	"\u00e7\u0306", "\u00fb\u0304", "\u00ff\u0301", "\u010c\u0315", "\u010c\u0323", "\u010d\u0315", "\u010d\u0323", "\u012a\u0301",
	"\u012b\u0301", "\u017d\u0326", "\u017d\u0327", "\u017e\u0326", "\u017e\u0327", "\u1e32\u0304", "\u1e33\u0304", "\u1e62\u0304",
	"\u1e63\u0304", "\u1e6c\u0304", "\u1e6d\u0304", "\u1ea0\u0308", "\u1ea1\u0308", "\u1ecc\u0308", "\u1ecd\u0308", "\u1ee4\u0304",
	"\u1ee4\u0308", "\u1ee5\u0304", "\u1ee5\u0308",
}
