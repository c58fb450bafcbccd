// SPDX-License-Identifier: EUPL-1.2

package dmn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mercator/lang/dmn/model"
	"mercator/lang/feel"
)

// Definitions is a DMN file that was read, checked and planned. It doesn't change and
// is safe to share between goroutines.
type Definitions struct {
	file, name, namespace string
	elements              []*element // in the order of the file
	byID                  map[string]*element
	imports               []*imported
	types                 map[string]*feel.Type
	items                 map[string]*model.ItemDefinition
	problems              []*feel.Error
	source                *model.Definitions
	path                  []string // the names of the imports that lead here
	budget                feel.Budget
}

type imported struct {
	name string
	defs *Definitions
}

type role uint8

const (
	inputData role = iota
	decision
	knowledge
	service
)

// element is an element of the requirements graph.
type element struct {
	sort     role
	id, name string // name: of its variable
	label    string // as it is shown
	typ      *feel.Type
	inferred *feel.Type // where no type is given
	pos      model.Pos
	defs     *Definitions

	needs  []need
	byName map[string]*element   // what its logic may name, without imports
	groups map[string][]*element // and what under the name of an import
	prog   *feel.Program         // nil: there is no logic
	params []feel.Param          // of knowledge and services
	result *feel.Type
	tables []*table // in its logic

	// of a service
	output, encapsulated []*element
	given                []*element // input data and input decisions, in the order of the parameters
}

type need struct {
	ref    model.Ref
	to     *element
	prefix string // the name of the import it comes from
}

// DecisionInfo names a decision.
type DecisionInfo struct{ ID, Name string }

// Options say how a file is read.
type Options struct {
	// Import finds the file of an import by its namespace and location; nil: there
	// are none.
	Import func(namespace, location string) (file string, data []byte, err error)
	Limits model.Limits
	Budget feel.Budget // of an evaluation
	// Lenient reads a file in spite of expressions that can't be read or don't check
	// (unknown names and functions, values that don't go together) and of references
	// that lead nowhere: they are null when they are evaluated, as the standard has it.
	// Without it they are errors, as authors want it.
	Lenient bool
}

// Parse reads a file. The error is Errors: everything that is wrong with it, with its
// places. A file whose decisions need one another in a circle is refused.
func Parse(file string, data []byte) (*Definitions, error) {
	return ParseWith(file, data, Options{})
}

// ParseWith reads a file and what it imports.
func ParseWith(file string, data []byte, o Options) (*Definitions, error) {
	return parse(file, data, o, &family{above: map[string]bool{}})
}

// family bounds the files that a file brings with it.
type family struct {
	above map[string]bool // the namespaces on the way to a file
	path  []string
	files int
}

const maxImports = 200

func parse(file string, data []byte, o Options, in *family) (*Definitions, error) {
	m, bad := model.Read(file, data, o.Limits)
	var found feel.Errors
	whole := true
	for _, e := range bad {
		found = append(found, &feel.Error{File: e.File, Line: e.Line, Col: e.Col, Msg: e.Msg, Expected: e.Expected})
		whole = whole && e.Soft
	}
	if len(found) > 0 && !(whole && o.Lenient) {
		return nil, found
	}
	c := &compiler{o: o, d: &Definitions{file: file, name: m.Name, namespace: m.Namespace, source: m,
		byID: map[string]*element{}, types: map[string]*feel.Type{}, items: map[string]*model.ItemDefinition{}, problems: found, path: slices.Clone(in.path), budget: o.Budget}}
	in.above[m.Namespace] = true
	defer delete(in.above, m.Namespace)
	for _, im := range m.Imports {
		if !strings.Contains(im.Type, "/DMN/") {
			continue // a schema or a PMML file, which nothing here reads
		}
		switch {
		case o.Import == nil:
			c.bad(im.Pos, "nothing says where the import "+quote(im.Name)+" is to be found", "")
			continue
		case in.above[im.Namespace]:
			c.bad(im.Pos, "the import "+quote(im.Name)+" leads back to this file", "files that don't import each other in a circle")
			continue
		case in.files >= maxImports:
			c.bad(im.Pos, "there are too many imports", fmt.Sprintf("at most %d in all", maxImports))
			continue
		}
		f, b, err := o.Import(im.Namespace, im.LocationURI)
		if err != nil {
			c.bad(im.Pos, "the import "+quote(im.Name)+" can't be read: "+err.Error(), "")
			continue
		}
		in.files++
		if im.Name != "" {
			in.path = append(in.path, im.Name)
		}
		d, err := parse(f, b, o, in)
		if im.Name != "" {
			in.path = in.path[:len(in.path)-1]
		}
		if err != nil {
			var es feel.Errors
			var one *feel.Error
			switch {
			case errors.As(err, &es):
				c.errs = append(c.errs, es...)
			case errors.As(err, &one):
				c.errs = append(c.errs, one)
			}
			continue
		}
		if d.namespace != im.Namespace {
			c.bad(im.Pos, fmt.Sprintf("the import %s brings the namespace %s", quote(im.Name), quote(d.namespace)), quote(im.Namespace))
			continue
		}
		c.d.imports = append(c.d.imports, &imported{im.Name, d})
	}
	c.types()
	c.graph()
	if len(c.errs) == 0 {
		c.logic()
	}
	if !o.Lenient {
		c.errs = append(c.errs, c.d.problems...)
	}
	if len(c.errs) > 0 {
		return nil, c.errs.Sorted()
	}
	return c.d, nil
}

// Decisions lists the decisions, in the order of the file.
func (d *Definitions) Decisions() []DecisionInfo {
	var out []DecisionInfo
	for _, e := range d.elements {
		if e.sort == decision {
			out = append(out, DecisionInfo{e.id, e.label})
		}
	}
	return out
}

// Roots are the names of the decisions that no other decision needs, in the order of
// the file: what the model is asked.
func (d *Definitions) Roots() []string {
	needed := map[*element]bool{}
	for _, e := range d.elements {
		if e.sort == decision {
			for _, n := range e.needs {
				needed[n.to] = true
			}
		}
	}
	var out []string
	for _, e := range d.elements {
		if e.sort == decision && !needed[e] {
			out = append(out, e.name)
		}
	}
	return out
}

// Name is the name of the model.
func (d *Definitions) Name() string { return d.name }

// find is an element of some sorts by id, name of its variable or label.
func (d *Definitions) find(name string, sorts ...role) *element {
	ok := func(e *element) bool {
		for _, s := range sorts {
			if e.sort == s {
				return true
			}
		}
		return false
	}
	if e := d.byID[name]; e != nil && ok(e) {
		return e
	}
	for _, e := range d.elements {
		if ok(e) && (e.name == name || e.label == name) {
			return e
		}
	}
	return nil
}

func quote(s string) string { return "“" + s + "”" }

func (e *element) String() string {
	return fmt.Sprintf("%s %s", [...]string{"the input", "the decision", "the knowledge", "the service"}[e.sort], quote(e.label))
}
