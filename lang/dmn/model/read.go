// SPDX-License-Identifier: EUPL-1.2

package model

import (
	"fmt"
	"sort"
	"strings"
)

// spaces are the namespaces of the DMN versions and of their FEEL.
var spaces = []struct{ version, model, feel string }{
	{"1.1", "http://www.omg.org/spec/DMN/20151101/dmn.xsd", "http://www.omg.org/spec/FEEL/20140401"},
	{"1.2", "http://www.omg.org/spec/DMN/20180521/MODEL/", "http://www.omg.org/spec/DMN/20180521/FEEL/"},
	{"1.3", "https://www.omg.org/spec/DMN/20191111/MODEL/", "https://www.omg.org/spec/DMN/20191111/FEEL/"},
	{"1.4", "https://www.omg.org/spec/DMN/20211108/MODEL/", "https://www.omg.org/spec/DMN/20211108/FEEL/"},
	{"1.5", "https://www.omg.org/spec/DMN/20230324/MODEL/", "https://www.omg.org/spec/DMN/20230324/FEEL/"},
	{"1.6", "https://www.omg.org/spec/DMN/20240513/MODEL/", "https://www.omg.org/spec/DMN/20240513/FEEL/"},
}

var versions, feelSpaces = func() (map[string]string, map[string]bool) {
	v, f := map[string]string{}, map[string]bool{}
	for _, s := range spaces {
		v[s.model], f[s.feel] = s.version, true
	}
	return v, f
}()

func knownSpaces() string {
	var b strings.Builder
	for i, s := range spaces {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s (DMN %s)", s.model, s.version)
	}
	return b.String()
}

const (
	maxErrors = 50
	// maxNoted bounds the work for a file that is all mistakes; the first 50 by place are told.
	maxNoted = 1000
)

// Read reads a DMN file. It finds all mistakes at once (up to 50, in order of place).
// The model is never nil: it holds what could be read, and all of it if there are no mistakes.
func Read(file string, data []byte, l Limits) (*Definitions, []*Error) {
	r := &reader{limits: l.filled(), defs: &Definitions{File: file}, names: map[sorted]Pos{}, ids: map[string]*target{}}
	root, ok := r.tree(data)
	if root != nil {
		// What a broken file lacks is not a mistake of its own.
		r.mute = !ok
		r.definitions(root)
	}
	sort.SliceStable(r.errs, func(i, j int) bool { return r.errs[i].before(r.errs[j].Pos) })
	if len(r.errs) > maxErrors {
		r.errs = r.errs[:maxErrors]
	}
	return r.defs, r.errs
}

type reader struct {
	limits Limits
	space  string // the namespace of the file's DMN elements
	defs   *Definitions
	errs   []*Error
	mute   bool
	names  map[sorted]Pos
	ids    map[string]*target
	loose  map[sorted]bool // sort and name of the elements without id
}

// sorted is a name among those of its sort.
type sorted struct{ sort, name string }

// target is what an id belongs to.
type target struct {
	name string // of the element
	pos  Pos
}

func (r *reader) add(p Pos, msg, expected string) {
	if r.mute || len(r.errs) >= maxNoted {
		return
	}
	r.errs = append(r.errs, &Error{File: r.defs.File, Pos: p, Msg: msg, Expected: expected, Soft: true})
}

// broken notes a mistake after which the model isn't what stands in the file.
func (r *reader) broken(p Pos, msg, expected string) {
	r.add(p, msg, expected)
	if n := len(r.errs); n > 0 && r.errs[n-1].Msg == msg {
		r.errs[n-1].Soft = false
	}
}

func (r *reader) definitions(n *node) {
	d := r.defs
	d.ID, d.Name, d.Namespace = n.attr("id"), r.name(n), n.attr("namespace")
	d.ExpressionLanguage, d.TypeLanguage = n.attr("expressionLanguage"), n.attr("typeLanguage")
	if d.Namespace == "" {
		r.add(n.pos, "<definitions> has no namespace of its own", `an attribute namespace="…"`)
	}
	r.index(n)
	for _, k := range n.kids {
		if k.name == "import" { // before the types, which may name them
			r.readImport(k)
		}
	}
	for _, k := range n.kids {
		switch k.name {
		case "itemDefinition":
			t := r.itemDefinition(k)
			r.once(k, "item definition", t.Name)
			d.Types = append(d.Types, t)
		case "inputData":
			i := &InputData{Pos: k.pos, ID: k.attr("id"), Name: r.named(k, "input data")}
			i.Variable = r.ownVariable(k, i.Name)
			d.Inputs = append(d.Inputs, i)
		case "decision":
			d.Decisions = append(d.Decisions, r.decision(k))
		case "businessKnowledgeModel":
			d.BKMs = append(d.BKMs, r.bkm(k))
		case "decisionService":
			d.Services = append(d.Services, r.service(k))
		case "knowledgeSource":
			d.KnowledgeSources = append(d.KnowledgeSources, k.attr("id"))
		}
	}
	r.references()
}

// index notes the ids of the file, and which elements have none.
func (r *reader) index(n *node) {
	if id := n.attr("id"); id != "" {
		if t, taken := r.ids[id]; taken {
			r.add(n.pos, fmt.Sprintf("The id %s stands twice, first at line %d in <%s>", quote(id), t.pos.Line, t.name), "an id of its own")
		} else {
			r.ids[id] = &target{n.name, n.pos}
		}
	} else if name := n.attr("name"); name != "" {
		if r.loose == nil {
			r.loose = map[sorted]bool{}
		}
		r.loose[sorted{n.name, name}] = true
	}
	for _, k := range n.kids {
		r.index(k)
	}
}

// name is the name that the element must have.
func (r *reader) name(n *node) string {
	s := strings.Trim(n.attr("name"), " ")
	if s == "" {
		r.add(n.pos, fmt.Sprintf("<%s> has no name", n.name), `an attribute name="…"`)
	}
	return s
}

// named is a name that must be the only one of its sort.
func (r *reader) named(n *node, sort string) string {
	s := r.name(n)
	r.once(n, sort, s)
	return s
}

func (r *reader) once(n *node, sort, name string) {
	if name == "" {
		return
	}
	key := sorted{sort, name}
	if p, taken := r.names[key]; taken {
		r.add(n.pos, fmt.Sprintf("There are two of the sort %s with the name %s, the first at line %d", sort, quote(name), p.Line), "a name of its own")
		return
	}
	r.names[key] = n.pos
}

func (r *reader) readImport(n *node) {
	i := &Import{Pos: n.pos, Namespace: n.attr("namespace"), LocationURI: n.attr("locationURI"), Type: n.attr("importType")}
	name, has := n.look("name")
	if i.Name = strings.Trim(name, " "); !has && r.defs.Version != "1.1" { // 1.1 had none
		r.add(n.pos, "<import> has no name", `an attribute name="…", which may be empty`)
	}
	if i.Namespace == "" {
		r.add(n.pos, "<import> doesn't say what it imports", `an attribute namespace="…"`)
	}
	r.once(n, "import", i.Name)
	r.defs.Imports = append(r.defs.Imports, i)
}

// typeName frees the name of a type of a prefix that XML gave it.
func (r *reader) typeName(n *node, s string) string {
	s = strings.Trim(s, xmlSpace)
	prefix, rest, ok := strings.Cut(s, ":")
	if !ok || rest == "" {
		return s
	}
	uri, ok := n.scope.lookup(prefix)
	if !ok {
		return s
	}
	if feelSpaces[uri] || uri == r.defs.Namespace || uri == r.space {
		return rest
	}
	for _, i := range r.defs.Imports {
		if i.Namespace == uri {
			if i.Name == "" {
				return rest
			}
			return i.Name + "." + rest
		}
	}
	return s
}

func (r *reader) typeRef(n *node) string { return r.typeName(n, n.attr("typeRef")) }

func (r *reader) itemDefinition(n *node) *ItemDefinition {
	t := &ItemDefinition{Pos: n.pos, ID: n.attr("id"), Name: r.name(n), TypeLanguage: n.attr("typeLanguage")}
	switch s := strings.Trim(n.attr("isCollection"), " "); s {
	case "true", "1":
		t.Collection = true
	case "false", "0", "":
	default:
		r.add(n.pos, fmt.Sprintf("isCollection is %s", quote(s)), "true or false")
	}
	for _, k := range n.kids {
		switch k.name {
		case "typeRef":
			t.TypeRef = r.typeName(k, string(k.text))
		case "allowedValues":
			t.AllowedValues = r.text(k)
		case "typeConstraint":
			t.TypeConstraint = r.text(k)
		case "itemComponent":
			t.Components = append(t.Components, r.itemDefinition(k))
		case "functionItem":
			f := &FunctionItem{OutputTypeRef: r.typeName(k, k.attr("outputTypeRef"))}
			for _, p := range k.kids {
				if p.name == "parameters" {
					f.Params = append(f.Params, r.variable(p))
				}
			}
			t.Function = f
		}
	}
	return t
}

// text is what stands in the <text> of an element, or nil.
func (r *reader) text(n *node) *Text {
	if k := n.kid("text"); k != nil {
		t := k.trimmed()
		return &t
	}
	return nil
}

// entry is the text of an element that may be empty; its place is then that of the element.
func (r *reader) entry(n *node) Text {
	if t := r.text(n); t != nil {
		return *t
	}
	return Text{Pos: n.pos}
}

func (r *reader) variable(n *node) Variable {
	return Variable{Pos: n.pos, ID: n.attr("id"), Name: r.name(n), TypeRef: r.typeRef(n)}
}

// ownVariable is the variable of a DRG element: by the standard it has the element's
// name, so a file that leaves it out means that.
func (r *reader) ownVariable(n *node, name string) Variable {
	if k := n.kid("variable"); k != nil {
		return r.variable(k)
	}
	return Variable{Pos: n.pos, Name: name}
}

func plain(n *node, name string) string {
	if k := n.kid(name); k != nil {
		return strings.Trim(string(k.text), xmlSpace)
	}
	return ""
}

// aside are the elements of a decision that aren't its logic.
var aside = set("question", "allowedAnswers", "variable", "informationRequirement", "knowledgeRequirement",
	"authorityRequirement", "supportedObjective", "impactedPerformanceIndicator", "decisionMaker",
	"decisionOwner", "usingProcess", "usingTask")

func (r *reader) decision(n *node) *Decision {
	d := &Decision{Pos: n.pos, ID: n.attr("id"), Name: r.named(n, "decision"), Question: plain(n, "question"),
		AllowedAnswers: plain(n, "allowedAnswers"), Description: plain(n, "description")}
	d.Variable = r.ownVariable(n, d.Name)
	d.Needs = r.needs(n)
	d.Logic = r.only(n, "The decision", aside)
	return d
}

func (r *reader) needs(n *node) []Ref {
	var refs []Ref
	for _, k := range n.kids {
		switch k.name {
		case "informationRequirement":
			before := len(refs)
			for _, q := range k.kids {
				switch q.name {
				case "requiredInput":
					refs = append(refs, r.ref(q, "input"))
				case "requiredDecision":
					refs = append(refs, r.ref(q, "decision"))
				}
			}
			if len(refs) == before {
				r.add(k.pos, "The informationRequirement requires nothing", "<requiredInput> or <requiredDecision>")
			}
		case "knowledgeRequirement":
			q := k.kid("requiredKnowledge")
			if q == nil {
				r.add(k.pos, "The knowledgeRequirement requires nothing", "<requiredKnowledge>")
				continue
			}
			refs = append(refs, r.ref(q, "knowledge"))
		}
	}
	return refs
}

func (r *reader) ref(n *node, kind string) Ref {
	f := Ref{Pos: n.pos, Href: strings.Trim(n.attr("href"), " "), Kind: kind}
	if _, id := f.Split(); id == "" {
		if f.Href == "" {
			r.add(n.pos, fmt.Sprintf("<%s> doesn't say what it means", n.name), `an attribute href="#id"`)
		} else {
			r.add(n.pos, fmt.Sprintf("The reference %s has no id", quote(f.Href)), `"#id" or "namespace#id"`)
		}
	}
	return f
}

func (r *reader) bkm(n *node) *BKM {
	b := &BKM{Pos: n.pos, ID: n.attr("id"), Name: r.named(n, "business knowledge model")}
	b.Variable = r.ownVariable(n, b.Name)
	b.Needs = r.needs(n)
	if k := n.kid("encapsulatedLogic"); k != nil {
		b.Logic = r.function(k)
	}
	return b
}

func (r *reader) service(n *node) *Service {
	s := &Service{Pos: n.pos, ID: n.attr("id"), Name: r.named(n, "decision service")}
	s.Variable = r.ownVariable(n, s.Name)
	for _, k := range n.kids {
		switch k.name {
		case "outputDecision", "outputDecisions":
			s.Output = append(s.Output, r.ref(k, "decision"))
		case "encapsulatedDecision", "encapsulatedDecisions":
			s.Encapsulated = append(s.Encapsulated, r.ref(k, "decision"))
		case "inputDecision", "inputDecisions":
			s.InputDecisions = append(s.InputDecisions, r.ref(k, "decision"))
		case "inputData":
			s.InputData = append(s.InputData, r.ref(k, "input"))
		}
	}
	return s
}

// sorts are the elements that a reference of a kind may lead to.
var sorts = map[string][]string{
	"input":     {"inputData"},
	"decision":  {"decision"},
	"knowledge": {"businessKnowledgeModel", "decisionService"},
}

// references checks that what is required stands in the file, and is of the right sort.
func (r *reader) references() {
	check := func(refs []Ref) {
		for _, f := range refs {
			space, id := f.Split()
			if id == "" || space != "" && space != r.defs.Namespace {
				continue
			}
			want := sorts[f.Kind]
			expected := "the id of a <" + strings.Join(want, "> or <") + ">"
			t, ok := r.ids[id]
			if !ok {
				msg := fmt.Sprintf("Nothing in the file has the id %s", quote(id))
				for _, w := range want {
					if r.loose[sorted{w, id}] {
						msg = fmt.Sprintf("The <%s> with the name %s has no id", w, quote(id))
						expected = fmt.Sprintf("id=%s there", quote(id))
					}
				}
				r.add(f.Pos, msg, expected)
				continue
			}
			if t.name != want[0] && t.name != want[len(want)-1] {
				r.add(f.Pos, fmt.Sprintf("The id %s belongs to a <%s>", quote(id), t.name), expected)
			}
		}
	}
	for _, d := range r.defs.Decisions {
		check(d.Needs)
	}
	for _, b := range r.defs.BKMs {
		check(b.Needs)
	}
	for _, s := range r.defs.Services {
		for _, refs := range [][]Ref{s.Output, s.Encapsulated, s.InputDecisions, s.InputData} {
			check(refs)
		}
	}
}
