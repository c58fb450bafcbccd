// SPDX-License-Identifier: EUPL-1.2

package model

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pos is a place in the file, 1-based, Col in characters; zero: unknown.
type Pos struct{ Line, Col int }

func (p Pos) before(q Pos) bool { return p.Line < q.Line || p.Line == q.Line && p.Col < q.Col }

// after is the place that follows s, if s begins at p.
func (p Pos) after(s string) Pos {
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		return Pos{p.Line + strings.Count(s, "\n"), 1 + utf8.RuneCountInString(s[i+1:])}
	}
	return Pos{p.Line, p.Col + utf8.RuneCountInString(s)}
}

// Text is a text of the file without the white space around it, and the place of its
// first character. A line break of the file is a line break in S (always "\n").
type Text struct {
	Pos
	S     string
	marks *[]mark // places where S and the file drift apart on a line: after an entity
}

// mark says where a byte of a text stands in the file.
type mark struct {
	at  int
	pos Pos
}

// At is the place in the file of the byte S[offset]; entities, CDATA sections and
// comments between are accounted for.
func (t Text) At(offset int) Pos {
	offset = max(0, min(offset, len(t.S)))
	if t.Line == 0 {
		return Pos{}
	}
	from, pos := 0, t.Pos
	if t.marks != nil {
		from, pos = nearest(*t.marks, offset, from, pos)
	}
	return pos.after(t.S[from:offset])
}

// nearest is the last mark that isn't behind offset, or what is given.
func nearest(marks []mark, offset, from int, pos Pos) (int, Pos) {
	lo, hi := 0, len(marks)
	for lo < hi {
		if mid := (lo + hi) / 2; marks[mid].at <= offset {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo > 0 {
		return marks[lo-1].at, marks[lo-1].pos
	}
	return from, pos
}

// Definitions is a DMN file.
type Definitions struct {
	File, ID, Name, Namespace        string
	ExpressionLanguage, TypeLanguage string // as in the file; empty: FEEL
	Version                          string // of DMN, by the file's namespace: "1.5"
	Imports                          []*Import
	Types                            []*ItemDefinition
	Inputs                           []*InputData
	Decisions                        []*Decision
	BKMs                             []*BKM
	Services                         []*Service
	KnowledgeSources                 []string // their ids
}

// Import brings the elements of another model into reach, under a name.
type Import struct {
	Pos
	Name        string // may be empty: the names are merged into this model
	Namespace   string
	LocationURI string
	Type        string // importType: the namespace of DMN, or of another language
}

// ItemDefinition is a type: an alias with constraints (TypeRef), a structure
// (Components) or a function type (Function).
type ItemDefinition struct {
	Pos
	ID, Name, TypeRef, TypeLanguage string
	Collection                      bool // isCollection: a list of it
	AllowedValues                   *Text
	TypeConstraint                  *Text
	Components                      []*ItemDefinition
	Function                        *FunctionItem
}

// FunctionItem is the signature of a function type.
type FunctionItem struct {
	OutputTypeRef string
	Params        []Variable
}

// Variable is an information item: a name and a type.
type Variable struct {
	Pos
	ID, Name, TypeRef string
}

// InputData is a fact that the caller supplies.
type InputData struct {
	Pos
	ID, Name string
	Variable Variable // that of the file, or one with the name of the element
}

// Ref is a reference to another element.
type Ref struct {
	Pos
	Href string // "#id" or "namespace#id", as in the file
	Kind string // "input", "decision" or "knowledge"
}

// Split is the namespace (empty: this file) and the id of a reference.
func (r Ref) Split() (namespace, id string) {
	if i := strings.LastIndexByte(r.Href, '#'); i >= 0 {
		return r.Href[:i], r.Href[i+1:]
	}
	return r.Href, ""
}

// Decision is an answer that is found from inputs and other decisions.
type Decision struct {
	Pos
	ID, Name, Question, AllowedAnswers, Description string
	Variable                                        Variable // that of the file, or one with the name of the element
	Needs                                           []Ref    // information and knowledge requirements
	Logic                                           *Expr    // nil: none stands in the file
}

// BKM is a business knowledge model: a named function.
type BKM struct {
	Pos
	ID, Name string
	Variable Variable // that of the file, or one with the name of the element
	Needs    []Ref
	Logic    *Expr // of kind Function; nil: none stands in the file
}

// Service is a decision service: a part of the model that can be called as a whole.
type Service struct {
	Pos
	ID, Name                                        string
	Variable                                        Variable // that of the file, or one with the name of the element
	Output, Encapsulated, InputDecisions, InputData []Ref
}

// Kind tells the boxed expressions apart.
type Kind int

// The boxed expressions of DMN 1.5, chapters 8 and 10.
const (
	Literal       Kind = iota // Text
	Context                   // Entries
	Invocation                // Callee, Bindings
	Function                  // FunctionKind, Params, Body
	Relation                  // Columns, Rows
	List                      // Items
	Conditional               // If, Then, Else
	For                       // Iterator, In, Body
	Some                      // Iterator, In, Body
	Every                     // Iterator, In, Body
	Filter                    // In, Match
	DecisionTable             // Table
)

var kindNames = [...]string{"literalExpression", "context", "invocation", "functionDefinition", "relation",
	"list", "conditional", "for", "some", "every", "filter", "decisionTable"}

// String is the name of the element in the file.
func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return "unknown"
	}
	return kindNames[k]
}

// Expr is a boxed expression. Only the fields of its kind are set; expressions below
// it are nil where the file has none.
type Expr struct {
	Pos
	Kind                            Kind
	ID, Label, TypeRef, Description string

	Text         Text   // Literal
	Language     string // Literal: expressionLanguage; empty: that of the file
	ImportedText bool   // Literal: the text stands in another file (importedValues)

	Entries []Entry // Context

	Callee   *Expr     // Invocation
	Bindings []Binding // Invocation

	FunctionKind string     // Function: "FEEL", "Java" or "PMML"
	Params       []Variable // Function
	Body         *Expr      // Function; For: return; Some, Every: satisfies

	Columns []Variable // Relation
	Rows    [][]*Expr  // Relation

	Items []*Expr // List

	If, Then, Else *Expr // Conditional

	Iterator string // For, Some, Every: the name of the variable
	In       *Expr  // For, Some, Every, Filter
	Match    *Expr  // Filter

	Table *Table // DecisionTable
}

// Entry is an entry of a context; without a variable it is the context's result.
type Entry struct {
	Pos
	Variable *Variable
	Value    *Expr
}

// Binding gives a parameter of an invocation its value.
type Binding struct {
	Pos
	Param Variable
	Value *Expr // may be nil
}

// Table is a decision table.
type Table struct {
	Pos
	ID          string
	HitPolicy   string // spelled out: "UNIQUE", "FIRST", "PRIORITY", "ANY", "COLLECT", "RULE ORDER", "OUTPUT ORDER"
	Aggregation string // "SUM", "COUNT", "MIN", "MAX" or empty
	Orientation string // preferredOrientation, as in the file
	OutputLabel string
	Inputs      []Input
	Outputs     []Output
	Annotations []string // names of the columns
	Rules       []Rule
}

// Input is an input column of a table.
type Input struct {
	Pos
	ID, Label string
	Expr      Text
	TypeRef   string // of the input expression
	Values    *Text
}

// Output is an output column of a table.
type Output struct {
	Pos
	ID, Name, Label, TypeRef string
	Values                   *Text
	Default                  *Text
}

// Rule is a row of a table. An input entry that is empty means "-"; as many entries
// as there are columns, unless Read reported otherwise.
type Rule struct {
	Pos
	ID, Description string
	Inputs          []Text
	Outputs         []Text
	Annotations     []Text
}

// Limits bound a file; zero fields: the defaults (8 MiB, depth 100, 200000 elements).
type Limits struct{ Bytes, Depth, Elements int }

func (l Limits) filled() Limits {
	if l.Bytes <= 0 {
		l.Bytes = 8 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 100
	}
	if l.Elements <= 0 {
		l.Elements = 200_000
	}
	return l
}

// Error is one mistake in a file.
type Error struct {
	File string
	Pos
	Msg      string // one sentence in plain words, without a full stop
	Expected string // what should stand there; may be empty
	Soft     bool   // the model could be read all the same
}

// Error is "file:line:col: msg: expected …".
func (e *Error) Error() string {
	s := e.File + ": " + e.Msg
	if e.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Msg)
	}
	if e.Expected != "" {
		s += ": expected " + e.Expected
	}
	return s
}
