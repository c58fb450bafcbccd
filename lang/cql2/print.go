// SPDX-License-Identifier: EUPL-1.2

package cql2

import (
	"math"
	"strconv"
	"strings"
)

// Print is a filter as text: read again it is the same filter.
func Print(n *Node) string {
	var b strings.Builder
	write(&b, n)
	return b.String()
}

// rank is how tightly a node holds its parts together.
func rank(n *Node) int {
	switch n.Op {
	case Or:
		return 1
	case And:
		return 2
	case Not:
		return 3
	case Eq, Ne, Lt, Gt, Le, Ge, Like, Between, In, IsNull:
		return 4
	case Add, Subtract:
		return 5
	case Multiply, Divide, Modulo, Div:
		return 6
	case Power:
		return 7
	case Negate:
		return 8
	}
	return 9
}

// part writes a part of a node, in parentheses if it holds less tightly than it must.
func part(b *strings.Builder, n *Node, least int) {
	if rank(n) >= least {
		write(b, n)
		return
	}
	b.WriteByte('(')
	write(b, n)
	b.WriteByte(')')
}

func write(b *strings.Builder, n *Node) {
	switch n.Op {
	case And, Or, Add, Subtract, Multiply, Divide, Modulo, Div:
		part(b, n.Args[0], rank(n))
		b.WriteString(" " + string(n.Op) + " ")
		part(b, n.Args[1], rank(n)+1)
	case Not:
		b.WriteString("NOT ")
		part(b, n.Args[0], 4)
	case Eq, Ne, Lt, Gt, Le, Ge, Like, Power:
		part(b, n.Args[0], rank(n)+1)
		b.WriteString(" " + string(n.Op) + " ")
		part(b, n.Args[1], rank(n)+1)
	case Between:
		part(b, n.Args[0], 5)
		b.WriteString(" BETWEEN ")
		part(b, n.Args[1], 5)
		b.WriteString(" AND ")
		part(b, n.Args[2], 5)
	case In:
		part(b, n.Args[0], 5)
		b.WriteString(" IN (")
		for i, a := range n.Args[1:] {
			if i > 0 {
				b.WriteString(", ")
			}
			part(b, a, 5)
		}
		b.WriteByte(')')
	case IsNull:
		part(b, n.Args[0], 5)
		b.WriteString(" IS NULL")
	case Negate:
		b.WriteByte('-')
		if a := n.Args[0]; a.Op == Number && !math.Signbit(a.Number) {
			b.WriteByte('+') // without it the sign would be the number's own
		}
		part(b, n.Args[0], 8)
	case Call:
		b.WriteString(n.Text)
		list(b, n.Args)
	case Array:
		list(b, n.Args)
	case Property:
		b.WriteString(Name(n.Text))
	case String:
		b.WriteString(quote(n.Text))
	case Number:
		b.WriteString(number(n.Number))
	case Bool:
		b.WriteString(strings.ToUpper(strconv.FormatBool(n.Bool)))
	case Date:
		b.WriteString("DATE(" + quote(n.Text) + ")")
	case Timestamp:
		b.WriteString("TIMESTAMP(" + quote(n.Text) + ")")
	case Interval:
		b.WriteString("INTERVAL(")
		for i, a := range n.Args {
			if i > 0 {
				b.WriteString(", ")
			}
			switch a.Op {
			case Open:
				b.WriteString("'..'")
			case Date, Timestamp:
				b.WriteString(quote(a.Text))
			default:
				write(b, a)
			}
		}
		b.WriteByte(')')
	case Geometry:
		geometry(b, n.Geom)
	}
}

func list(b *strings.Builder, args []*Node) {
	b.WriteByte('(')
	for i, a := range args {
		if i > 0 {
			b.WriteString(", ")
		}
		write(b, a)
	}
	b.WriteByte(')')
}

// Quote is a text as a filter writes it, for who makes a filter of what somebody typed. It
// is false for one that no filter can hold: a backslash at its end would take the quotation
// mark that closes it.
func Quote(s string) (string, bool) {
	return quote(s), !strings.HasSuffix(s, `\`)
}

// Name is a property as a filter writes it: in quotation marks if it is a word of the language.
func Name(s string) string {
	if reserved[strings.ToUpper(s)] {
		return `"` + s + `"`
	}
	return s
}

// quote doubles quotation marks. One after a backslash gets a backslash: two marks there
// would be read as an escaped one and the end.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for i := range len(s) {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i > 0 && s[i-1] == '\\':
			b.WriteString(`\'`)
		default:
			b.WriteString("''")
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func number(f float64) string { return strconv.FormatFloat(f, 'g', -1, 64) }

func geometry(b *strings.Builder, g *Geom) {
	b.WriteString(g.Kind)
	if g.Kind == "BBOX" {
		b.WriteByte('(')
		for i, f := range g.Box {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(number(f))
		}
		b.WriteByte(')')
		return
	}
	if g.Z {
		b.WriteString(" Z ")
	}
	switch g.Kind {
	case "GEOMETRYCOLLECTION":
		b.WriteByte('(')
		for i, m := range g.Members {
			if i > 0 {
				b.WriteString(", ")
			}
			geometry(b, m)
		}
		b.WriteByte(')')
	case "POINT", "LINESTRING":
		line(b, g.Parts[0][0])
	case "MULTIPOINT":
		b.WriteByte('(')
		for i, p := range g.Parts[0][0] {
			if i > 0 {
				b.WriteString(", ")
			}
			line(b, [][]float64{p})
		}
		b.WriteByte(')')
	case "MULTIPOLYGON":
		b.WriteByte('(')
		for i, p := range g.Parts {
			if i > 0 {
				b.WriteString(", ")
			}
			lines(b, p)
		}
		b.WriteByte(')')
	default:
		lines(b, g.Parts[0])
	}
}

func lines(b *strings.Builder, all [][][]float64) {
	b.WriteByte('(')
	for i, l := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		line(b, l)
	}
	b.WriteByte(')')
}

func line(b *strings.Builder, l [][]float64) {
	b.WriteByte('(')
	for i, p := range l {
		if i > 0 {
			b.WriteString(", ")
		}
		for k, f := range p {
			if k > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(number(f))
		}
	}
	b.WriteByte(')')
}
