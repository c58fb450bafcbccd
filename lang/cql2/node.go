// SPDX-License-Identifier: EUPL-1.2

package cql2

// Op is what a node of the tree is.
type Op string

// The nodes. Args holds their parts in the order of the text.
const (
	And Op = "AND" // two
	Or  Op = "OR"  // two
	Not Op = "NOT" // one

	Eq Op = "="
	Ne Op = "<>"
	Lt Op = "<"
	Gt Op = ">"
	Le Op = "<="
	Ge Op = ">="

	Like    Op = "LIKE"    // value, pattern
	Between Op = "BETWEEN" // value, from, to
	In      Op = "IN"      // value, then the list
	IsNull  Op = "IS NULL"

	Add      Op = "+"
	Subtract Op = "-"
	Multiply Op = "*"
	Divide   Op = "/"
	Modulo   Op = "%"
	Div      Op = "div"
	Power    Op = "^"
	Negate   Op = "neg"

	Call      Op = "call"      // Text is the name; those of the standard in capitals: S_WITHIN, T_BEFORE, A_CONTAINS, CASEI, ACCENTI
	Property  Op = "property"  // Text is the name
	String    Op = "string"    // Text
	Number    Op = "number"    // Number
	Bool      Op = "bool"      // Bool
	Date      Op = "date"      // Text: 2026-05-03
	Timestamp Op = "timestamp" // Text: 2026-05-03T12:00:00Z
	Interval  Op = "interval"  // two: Date, Timestamp, Property, Call or Open
	Open      Op = ".."        // an end of an interval that isn't there
	Array     Op = "array"
	Geometry  Op = "geometry" // Geom
)

// Node is a part of a filter.
type Node struct {
	Op     Op
	Pos    int // where it begins, in bytes
	Args   []*Node
	Text   string
	Number float64
	Bool   bool
	Geom   *Geom
}

// Geom is a geometry in WKT. Parts are its polygons, their rings or lines, and those's
// positions; what isn't a polygon has one part, a point one position.
type Geom struct {
	Kind    string // POINT, LINESTRING, POLYGON, MULTIPOINT, MULTILINESTRING, MULTIPOLYGON, GEOMETRYCOLLECTION, BBOX
	Z       bool
	Parts   [][][][]float64
	Box     []float64 // of BBOX: west, south, east, north, or with heights six
	Members []*Geom   // of GEOMETRYCOLLECTION
}

// truth reports whether a node is true or false by itself.
func (n *Node) truth() bool {
	switch n.Op {
	case And, Or, Not, Eq, Ne, Lt, Gt, Le, Ge, Like, Between, In, IsNull, Bool, Call:
		return true
	}
	return false
}

func (n *Node) numeric() bool {
	switch n.Op {
	case Add, Subtract, Multiply, Divide, Modulo, Div, Power, Negate, Number, Property, Call:
		return true
	}
	return false
}

// scalar reports whether a node may stand in a comparison.
func (n *Node) scalar() bool {
	switch n.Op {
	case String, Bool, Date, Timestamp:
		return true
	}
	return n.numeric()
}

func (n *Node) text() bool { return n.Op == String || n.Op == Property || n.Op == Call }

// pattern reports whether a node may stand after LIKE.
func (n *Node) pattern() bool {
	if n.Op == Call && (n.Text == "CASEI" || n.Text == "ACCENTI") && len(n.Args) == 1 {
		return n.Args[0].pattern()
	}
	return n.Op == String
}

func (n *Node) temporal() bool {
	switch n.Op {
	case Date, Timestamp, Interval, Property, Call:
		return true
	}
	return false
}

func (n *Node) spatial() bool { return n.Op == Geometry || n.Op == Property || n.Op == Call }

func (n *Node) list() bool { return n.Op == Array || n.Op == Property || n.Op == Call }

// predicates are the functions of the standard, with what their arguments must be, and how
// many; S_DWITHIN is an extension that the standard names as such.
var predicates = map[string]struct {
	args int
	what string
	ok   func(*Node) bool
}{
	"CASEI": {1, "text", (*Node).text}, "ACCENTI": {1, "text", (*Node).text},
	"S_INTERSECTS": {2, "geometry", (*Node).spatial}, "S_EQUALS": {2, "geometry", (*Node).spatial},
	"S_DISJOINT": {2, "geometry", (*Node).spatial}, "S_TOUCHES": {2, "geometry", (*Node).spatial},
	"S_WITHIN": {2, "geometry", (*Node).spatial}, "S_OVERLAPS": {2, "geometry", (*Node).spatial},
	"S_CROSSES": {2, "geometry", (*Node).spatial}, "S_CONTAINS": {2, "geometry", (*Node).spatial},
	"S_DWITHIN": {3, "", nil}, "S_BEYOND": {3, "", nil},
	"T_AFTER": {2, "time", (*Node).temporal}, "T_BEFORE": {2, "time", (*Node).temporal},
	"T_CONTAINS": {2, "time", (*Node).temporal}, "T_DISJOINT": {2, "time", (*Node).temporal},
	"T_DURING": {2, "time", (*Node).temporal}, "T_EQUALS": {2, "time", (*Node).temporal},
	"T_FINISHEDBY": {2, "time", (*Node).temporal}, "T_FINISHES": {2, "time", (*Node).temporal},
	"T_INTERSECTS": {2, "time", (*Node).temporal}, "T_MEETS": {2, "time", (*Node).temporal},
	"T_METBY": {2, "time", (*Node).temporal}, "T_OVERLAPPEDBY": {2, "time", (*Node).temporal},
	"T_OVERLAPS": {2, "time", (*Node).temporal}, "T_STARTEDBY": {2, "time", (*Node).temporal},
	"T_STARTS": {2, "time", (*Node).temporal},
	"A_EQUALS": {2, "list", (*Node).list}, "A_CONTAINS": {2, "list", (*Node).list},
	"A_CONTAINEDBY": {2, "list", (*Node).list}, "A_OVERLAPS": {2, "list", (*Node).list},
}

// reserved are the words that a property of this name must be quoted beside.
var reserved = map[string]bool{
	"AND": true, "OR": true, "NOT": true, "LIKE": true, "BETWEEN": true, "IN": true, "IS": true, "NULL": true, "DIV": true,
	"TRUE": true, "FALSE": true, "DATE": true, "TIMESTAMP": true, "INTERVAL": true,
	"POINT": true, "LINESTRING": true, "POLYGON": true, "MULTIPOINT": true, "MULTILINESTRING": true, "MULTIPOLYGON": true,
	"GEOMETRYCOLLECTION": true, "BBOX": true, "CASEI": true, "ACCENTI": true, "Z": true,
}
