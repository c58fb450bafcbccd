// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"mercator/lang/feel"
)

// Parse reads a file. What is wrong with it comes back as Findings, all at once.
func Parse(file string, data []byte) (*Definitions, error) {
	root, idle, bad := readXML(data)
	if bad != nil {
		return nil, Findings{{File: file, Line: bad.pos.Line, Col: bad.pos.Col, Severity: Error, Rule: bad.rule, Text: bad.text}}
	}
	sum := sha256.Sum256(data)
	b := &builder{
		d:        &Definitions{File: file, Source: data, Hash: hex.EncodeToString(sum[:]), shapes: map[string]shape{}, edges: map[string][]point{}},
		messages: map[string]*node{}, signals: map[string]*node{}, codes: map[string]string{}, ids: map[string]Pos{},
		warned: map[string]bool{},
	}
	for _, w := range idle {
		b.warn(w.pos, "", w.rule, "%s", w.text)
	}
	if !root.is(nsBPMN, "definitions") {
		b.bad(root.pos, "", "not-bpmn", "the first element is <%s> of %q, not <definitions> of BPMN 2.0 (%s)", root.name, root.space, nsBPMN)
		return nil, b.findings
	}
	b.definitions(root)
	if len(b.findings) > 0 {
		slices.SortStableFunc(b.findings, func(x, y Finding) int {
			if x.Line != y.Line {
				return x.Line - y.Line
			}
			return x.Col - y.Col
		})
		return nil, b.findings
	}
	return b.d, nil
}

// Bounds of what is told about one file, and of what stands in it.
const (
	maxFindings = 200
	maxID       = 500
	maxExprs    = 5_000     // FEEL expressions
	maxFEEL     = 256 << 10 // bytes in all of them
)

// say is a text for a finding: what it quotes of a file is cut where it grows long.
func say(format string, args ...any) string {
	for i, a := range args {
		if s, ok := a.(string); ok && len(s) > maxID {
			args[i] = strings.ToValidUTF8(s[:maxID], "") + "…"
		}
	}
	s := fmt.Sprintf(format, args...)
	if len(s) > 4*maxID {
		s = strings.ToValidUTF8(s[:4*maxID], "") + "…"
	}
	return s
}

type builder struct {
	d          *Definitions
	p          *Process
	findings   Findings
	messages   map[string]*node
	signals    map[string]*node
	codes      map[string]string // errors and escalations by id
	links      [][2]string       // associations: from, to
	undoes     []undo            // compensation throw and end events that name an activity
	ids        map[string]Pos
	warned     map[string]bool
	feelGlobal bool
	camunda    bool            // the file has something of Camunda 7
	all        map[string]bool // every id of the file
	pairs      map[string]int  // flows without an id, by what they connect
	exprs      int             // FEEL expressions
	feelBytes  int             // in all of them
	juel       bool            // expressions may be JUEL
}

// undo is a compensation event that names an activity.
type undo struct {
	e  *Element
	n  *node
	of string
}

// bad is a mistake that no file may have.
func (b *builder) bad(at Pos, element, rule, format string, args ...any) {
	if len(b.findings) < maxFindings {
		b.findings = append(b.findings, Finding{b.d.File, at.Line, at.Col, Error, rule, element, say(format, args...)})
	}
}

// refuse is a mistake, or something not executed, in a process that is to be executed.
func (b *builder) refuse(at Pos, e *Element, rule, format string, args ...any) {
	if len(b.findings) >= maxFindings {
		return // the file isn't loaded, and enough is told
	}
	text := say(format, args...)
	id := ""
	if e != nil {
		id = e.ID
		if e.Unchecked == "" {
			e.Unchecked = text
		}
	}
	if b.p != nil && b.p.Executable {
		b.bad(at, id, rule, "%s", text)
	}
}

func (b *builder) warn(at Pos, element, rule, format string, args ...any) {
	if len(b.d.Warnings) >= maxFindings {
		return
	}
	text := say(format, args...)
	if b.warned[text] {
		return
	}
	b.warned[text] = true
	b.d.Warnings = append(b.d.Warnings, Finding{b.d.File, at.Line, at.Col, Warning, rule, element, text})
}

// lost is a reference that leads nowhere: a mistake in what is to be executed, and a
// warning in what is only drawn.
func (b *builder) lost(at Pos, element, format string, args ...any) {
	if b.p != nil && !b.p.Executable {
		b.warn(at, element, "reference", format, args...)
		return
	}
	b.bad(at, element, "reference", format, args...)
}

// lost marks an element whose reference leads nowhere, so that nothing more is told of it.
func (e *Element) lost() {
	if e.Unchecked == "" {
		e.Unchecked = "it refers to what is not there"
	}
}

// claim takes an id for its first bearer.
func (b *builder) claim(n *node) string {
	id := n.attr("id")
	if id == "" {
		return ""
	}
	if len(id) > maxID {
		b.bad(n.pos, short(id), "too-large", "an id of %d bytes: at most %d are read", len(id), maxID)
		return ""
	}
	if first, ok := b.ids[id]; ok {
		b.bad(n.pos, id, "duplicate-id", "the id %q is already in line %d", id, first.Line)
	}
	b.ids[id] = n.pos
	return id
}

func (b *builder) definitions(root *node) {
	b.d.ID, b.d.Name, b.d.Exporter = root.attr("id"), root.attr("name"), root.attr("exporter")
	b.dialect(root)
	b.feelGlobal = strings.Contains(strings.ToUpper(root.attr("expressionLanguage")), "FEEL")
	for _, n := range root.kids {
		if n.space != nsBPMN {
			continue
		}
		switch n.name {
		case "message", "signal", "error", "escalation":
			b.claim(n)
		}
		switch n.name {
		case "message":
			b.messages[n.attr("id")] = n
		case "signal":
			b.signals[n.attr("id")] = n
		case "error":
			b.codes[n.attr("id")] = n.attr("errorCode")
		case "escalation":
			b.codes[n.attr("id")] = n.attr("escalationCode")
		}
	}
	var messageFlows []*node
	for _, n := range root.kids {
		switch {
		case n.is(nsBPMN, "process"):
			b.process(n)
		case n.is(nsBPMN, "collaboration"):
			for _, k := range n.all(nsBPMN, "participant") {
				b.d.pools = append(b.d.pools, pool{k.attr("id"), k.attr("name"), local(k.attr("processRef"))})
			}
			b.artifacts(n)
			messageFlows = append(messageFlows, n.all(nsBPMN, "messageFlow")...)
		case n.is(nsBPMN, "choreography"), n.is(nsBPMN, "globalChoreographyTask"):
			b.warn(n.pos, n.attr("id"), "not-executed", "a choreography is not executed")
		case n.is(nsBPMNDI, "BPMNDiagram"):
			b.diagram(n)
		}
	}
	b.messageFlows(messageFlows)
	b.oneName(root)
	if len(b.d.Processes) == 0 && len(b.d.pools) == 0 && len(b.findings) == 0 {
		b.bad(root.pos, "", "no-process", "the file holds no process")
	}
}

// local is a QName without its prefix.
func local(q string) string {
	if i := strings.LastIndexByte(q, ':'); i >= 0 {
		return q[i+1:]
	}
	return q
}

func (b *builder) process(n *node) {
	p := &Process{
		ID: b.claim(n), Name: n.attr("name"), Pos: n.pos, Executable: n.yes("isExecutable"),
		byID: map[string]*Element{}, flowByID: map[string]*Flow{}, file: b.d.File,
	}
	b.p = p
	defer func() { b.p = nil }()
	if p.ID == "" {
		if n.attr("id") == "" {
			b.bad(n.pos, "", "no-id", "a process without an id")
		}
		return
	}
	b.vendor(n, nil)
	b.d.Processes = append(b.d.Processes, p)
	b.undoes, b.pairs = nil, map[string]int{}
	var flows []*node
	var attached []*node
	b.scope(n, nil, &flows, &attached)
	for _, a := range attached {
		e := p.byID[a.attr("id")]
		host := p.byID[a.attr("attachedToRef")]
		switch {
		case e == nil:
		case host == nil && a.attr("attachedToRef") == "":
			b.refuse(a.pos, e, "reference", "boundary event %q is attached to nothing", e.ID)
		case host == nil:
			b.refuse(a.pos, e, "reference", "boundary event %q is attached to %q, which is not an element of this process", e.ID, a.attr("attachedToRef"))
		case !host.Activity():
			b.refuse(a.pos, e, "reference", "boundary event %q is attached to %q, which is not an activity", e.ID, host.ID)
		case host.Parent != e.Parent:
			b.refuse(a.pos, e, "reference", "boundary event %q is attached to %q of another scope", e.ID, host.ID)
		default:
			e.Host = host
			host.Boundary = append(host.Boundary, e)
		}
	}
	for _, f := range flows {
		b.flow(f)
	}
	b.compensation()
	b.defaults(n) // a gateway names its default flow before the flow itself is there
	b.executable(p)
}

// compensation finds the handler of each compensation boundary event, which an
// association points to, and the activities that compensation events name.
func (b *builder) compensation() {
	for _, l := range b.links {
		from, to := b.p.byID[l[0]], b.p.byID[l[1]]
		if to != nil && to.Kind == BoundaryEvent {
			from, to = to, from
		}
		if from == nil || to == nil || from.Kind != BoundaryEvent || from.Trigger != Compensate || !to.ForCompensation {
			continue
		}
		switch {
		case to.Parent != from.Parent:
			b.refuse(from.Pos, from, "reference", "the compensation handler %q of %q is in another scope", to.ID, from.ID)
		case from.Handler != nil && from.Handler != to:
			b.refuse(from.Pos, from, "unsupported", "%q has two compensation handlers: %q and %q", from.ID, from.Handler.ID, to.ID)
		default:
			from.Handler = to
		}
	}
	for _, u := range b.undoes {
		e, n, of := u.e, u.n, b.p.byID[u.of]
		scope := e.Parent
		if scope != nil && scope.ByEvent { // it speaks for the scope around it
			scope = scope.Parent
		}
		switch {
		case of == nil:
			b.lost(n.pos, e.ID, "%q refers to the activity %q, which is not an element of this process", e.ID, u.of)
		case of.Parent != e.Parent && of.Parent != scope:
			b.refuse(n.pos, e, "reference", "%q compensates %q, which is in another scope", e.ID, of.ID)
		default:
			e.Compensated = of
		}
	}
}

// Elements that may stand in a process and don't take part in the execution.
var drawnOnly = []string{
	"documentation", "extensionElements", "incoming", "outgoing", "laneSet", "textAnnotation", "association", "group",
	"dataObject", "dataObjectReference", "dataStoreReference", "ioSpecification", "property", "dataInputAssociation",
	"dataOutputAssociation", "supportedInterfaceRef", "auditing", "monitoring", "category", "artifact",
	"correlationSubscription", "supports", "categoryValueRef", "resourceRole", "dataInput", "dataOutput", "inputSet", "outputSet",
}

func (b *builder) scope(n *node, parent *Element, flows, attached *[]*node) {
	var sets []*node
	for _, k := range n.kids {
		if k.space != nsBPMN {
			continue
		}
		kind := Kind(k.name)
		switch kind {
		case StartEvent, EndEvent, ThrowEvent, CatchEvent, BoundaryEvent, Task, UserTask, ServiceTask, SendTask, ReceiveTask,
			BusinessRuleTask, ScriptTask, ManualTask, CallActivity, SubProcess, Transaction, AdHoc,
			ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway:
			id := b.claim(k)
			if id == "" {
				if k.attr("id") == "" {
					b.bad(k.pos, "", "no-id", "<%s> without an id", k.name)
				}
				continue
			}
			e := &Element{ID: id, Name: strings.Join(strings.Fields(k.attr("name")), " "), Kind: kind, Pos: k.pos, Parent: parent}
			if doc := k.first(nsBPMN, "documentation"); doc != nil {
				e.Doc = doc.content()
			}
			b.p.Elements = append(b.p.Elements, e)
			b.p.byID[id] = e
			if parent != nil {
				parent.Children = append(parent.Children, e)
			}
			if kind == BoundaryEvent {
				*attached = append(*attached, k)
			}
			b.vendor(k, e)
			b.element(k, e)
			if e.Scope() {
				b.scope(k, e, flows, attached)
			}
		case "dataObject", "dataObjectReference", "dataStoreReference":
			d := DataObject{ID: k.attr("id"), Name: k.attr("name")}
			if st := k.first(nsBPMN, "dataState"); st != nil {
				d.State = st.attr("name")
			}
			if d.ID != "" {
				b.p.Data = append(b.p.Data, d)
			}
		case "sequenceFlow":
			*flows = append(*flows, k)
		case "laneSet":
			b.lanes(k)
			sets = append(sets, k)
		case "extensionElements":
		default:
			if parent != nil && (k.name == "multiInstanceLoopCharacteristics" || k.name == "standardLoopCharacteristics" ||
				k.name == "completionCondition") {
				continue
			}
			if strings.HasSuffix(k.name, "EventDefinition") || slices.Contains(drawnOnly, k.name) {
				continue
			}
			b.refuse(k.pos, parent, "unsupported", "<%s> is not known in a process", k.name)
		}
	}
	for _, k := range sets {
		b.lanesApart(k)
	}
	b.artifacts(n)
}

// artifacts keeps what is only drawn.
func (b *builder) artifacts(n *node) {
	for _, k := range n.kids {
		if k.space != nsBPMN {
			continue
		}
		switch k.name {
		case "textAnnotation":
			text := ""
			if t := k.first(nsBPMN, "text"); t != nil {
				text = t.content()
			}
			b.d.notes = append(b.d.notes, note{k.attr("id"), k.name, text})
		case "association":
			b.links = append(b.links, [2]string{local(k.attr("sourceRef")), local(k.attr("targetRef"))})
			fallthrough
		case "dataObjectReference", "dataStoreReference", "group", "messageFlow":
			b.d.notes = append(b.d.notes, note{k.attr("id"), k.name, k.attr("name")})
		}
	}
}

func (b *builder) lanes(n *node) {
	for _, l := range n.all(nsBPMN, "lane") {
		lane := Lane{ID: l.attr("id"), Name: l.attr("name")}
		for _, r := range l.all(nsBPMN, "flowNodeRef") {
			lane.Elements = append(lane.Elements, r.content())
		}
		b.p.Lanes = append(b.p.Lanes, lane)
		for _, c := range l.all(nsBPMN, "childLaneSet") {
			b.lanes(c)
		}
	}
}

func (b *builder) flow(n *node) {
	id := b.claim(n)
	from, to := b.p.byID[n.attr("sourceRef")], b.p.byID[n.attr("targetRef")]
	if from == nil || to == nil {
		end := "sourceRef"
		if from != nil {
			end = "targetRef"
		}
		if ref := n.attr(end); ref == "" {
			b.lost(n.pos, id, "sequence flow %q has no %s", id, end)
		} else {
			b.lost(n.pos, id, "sequence flow %q refers to %q, which is not an element of this process", id, ref)
		}
		return
	}
	if id == "" {
		// The standard doesn't ask for an id, but tokens are told apart by the flow that they
		// came over. ">" is in no id of a file.
		id = from.ID + ">" + to.ID
		if b.pairs[id]++; b.pairs[id] > 1 {
			id += ">" + strconv.Itoa(b.pairs[id])
		}
	}
	f := &Flow{ID: id, Name: n.attr("name"), Pos: n.pos, From: from, To: to}
	if from.Parent != to.Parent {
		b.lost(n.pos, id, "sequence flow %q crosses the border of a sub-process", id)
		b.p.Flows = append(b.p.Flows, f) // it is drawn
		return
	}
	if from.Kind == EndEvent || to.Kind == StartEvent || to.Kind == BoundaryEvent || from.ByEvent || to.ByEvent {
		b.refuse(n.pos, from, "flow", "a sequence flow can't go from <%s> %q to <%s> %q", from.Kind, from.ID, to.Kind, to.ID)
	}
	b.vendorFlow(n, from)
	if c := n.first(nsBPMN, "conditionExpression"); c != nil {
		f.told = true
		b.lower(c, from)
		src := c.content()
		switch {
		case src == "" && c.attrNS(nsCamunda, "resource") != "":
			b.refuse(c.pos, from, "expression", "the condition of sequence flow %q is in %q, which is not in the file", id, short(c.attrNS(nsCamunda, "resource")))
		case src == "":
			b.refuse(c.pos, from, "expression", "sequence flow %q has an empty condition", id)
		case from.Kind == ParallelGateway || from.Kind == EventBasedGateway:
			b.refuse(c.pos, from, "flow", "sequence flow %q out of <%s> %q can't have a condition", id, from.Kind, from.ID)
		case !strings.HasPrefix(src, "=") && !b.feelGlobal && !strings.Contains(strings.ToUpper(c.attr("language")), "FEEL"):
			if !isJUEL(src) || !juelLanguage(c.attr("language")) { // else it is refused already
				b.refuse(c.contentPos(), from, "expression", "the condition of sequence flow %q %s", id, notFEEL(c.attr("language")))
			}
		default:
			f.Condition = b.formula(from, src, c.contentPos())
			if from.Kind == StartEvent {
				b.strict(c.pos, from, "flow", "sequence flow %q out of <%s> %q can't have a condition", id, from.Kind, from.ID)
			}
		}
	}
	from.Out = append(from.Out, f)
	to.In = append(to.In, f)
	b.p.Flows = append(b.p.Flows, f)
	b.p.flowByID[id] = f
}

// defaults links the default flows, now that all flows are there.
func (b *builder) defaults(n *node) {
	for _, k := range n.kids {
		if k.space != nsBPMN {
			continue
		}
		e := b.p.byID[k.attr("id")]
		if e == nil {
			continue
		}
		if id := k.attr("default"); id != "" {
			f := b.p.flowByID[id]
			if !e.Activity() && e.Kind != ExclusiveGateway && e.Kind != InclusiveGateway && e.Kind != ComplexGateway {
				b.refuse(k.attrPos("default"), e, "flow", "<%s> %q can't have a default flow", e.Kind, e.ID)
			} else if f == nil || f.From != e {
				b.lost(k.attrPos("default"), e.ID, "%q names %q as its default flow, which doesn't leave it", e.ID, id)
			} else {
				e.Default = f
				if f.Condition != nil {
					b.refuse(f.Pos, e, "flow", "the default flow %q has a condition", id)
				}
			}
		}
		if e.Scope() {
			b.defaults(k)
		}
	}
}

// expr is a FEEL expression when it begins with "=", else fixed text.
func (b *builder) expr(e *Element, src string, at Pos) *Expr {
	if strings.HasPrefix(strings.TrimSpace(src), "=") {
		return b.formula(e, src, at)
	}
	if isJUEL(src) {
		if f, ok := b.translate(e, src, at); ok {
			return b.formula(e, f, at)
		}
	}
	return &Expr{Src: src, Pos: at}
}

// formula is a FEEL expression, with or without the "=".
func (b *builder) formula(e *Element, src string, at Pos) *Expr {
	trimmed := strings.TrimLeft(src, " \t\r\n")
	if rest, ok := strings.CutPrefix(trimmed, "="); ok {
		at.Col += 1
		trimmed = rest
	}
	x := &Expr{Src: trimmed, Pos: at}
	if b.exprs++; b.exprs > maxExprs {
		if b.exprs == maxExprs+1 {
			b.bad(at, "", "too-large", "more than %d expressions", maxExprs)
		}
		return x
	}
	if b.feelBytes += len(trimmed); b.feelBytes > maxFEEL {
		b.exprs = maxExprs // the next one is one too many
		b.bad(at, "", "too-large", "more than %d bytes of expressions", maxFEEL)
		return x
	}
	prog, err := feel.Compile(trimmed, feel.Config{File: b.d.File, Line: at.Line, Col: at.Col, Names: bare(trimmed)})
	if err != nil {
		b.refuse(at, e, "feel", "not a FEEL expression: %v", err)
		return x
	}
	x.prog = prog
	return x
}

// functions are the built-in functions of FEEL that have the names of likely variables.
var functions = set([]string{
	"date", "time", "number", "string", "duration", "contains", "matches", "replace", "split", "count", "min", "max", "sum", "mean",
	"all", "any", "append", "concatenate", "remove", "reverse", "union", "flatten", "product", "median", "stddev", "mode", "decimal",
	"floor", "ceiling", "abs", "modulo", "sqrt", "log", "exp", "odd", "even", "before", "after", "meets", "coincides", "starts",
	"finishes", "during", "includes", "overlaps", "range", "now", "today", "sort", "substring",
})

// bare are the words of an expression that name a function and aren't called in it: they
// are variables of the process, which in FEEL hide the functions of their names.
func bare(src string) []string {
	var out []string
	called := map[string]bool{}
	for i := 0; i < len(src); {
		c := src[i]
		if c == '"' {
			for i++; i < len(src) && src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			i++
			continue
		}
		j := i
		for j < len(src) && (src[j] == '_' || src[j] >= 'a' && src[j] <= 'z' || src[j] >= 'A' && src[j] <= 'Z' || src[j] >= '0' && src[j] <= '9' || src[j] >= 0x80) {
			j++
		}
		if j == i {
			i++
			continue
		}
		if word := src[i:j]; functions[word] && !strings.HasSuffix(strings.TrimRight(src[:i], " \t\r\n"), ".") {
			switch rest := strings.TrimLeft(src[j:], " \t\r\n"); {
			case strings.HasPrefix(rest, "("):
				called[word] = true
			case !strings.HasPrefix(rest, ":") && !slices.Contains(out, word):
				out = append(out, word)
			}
		}
		i = j
	}
	return slices.DeleteFunc(out, func(w string) bool { return called[w] })
}

func (b *builder) optional(e *Element, n *node, attr string) *Expr {
	if n == nil || n.attr(attr) == "" {
		return nil
	}
	return b.expr(e, n.attr(attr), n.attrPos(attr))
}

func (b *builder) element(n *node, e *Element) {
	if x := n.ext("taskDefinition"); x != nil {
		e.JobType = b.optional(e, x, "type")
		e.Retries = b.optional(e, x, "retries")
	}
	if x := n.ext("taskHeaders"); x != nil {
		for _, h := range x.all(nsZeebe, "header") {
			e.Headers = append(e.Headers, Property{h.attr("key"), h.attr("value")})
		}
	}
	if x := n.ext("properties"); x != nil {
		for _, h := range x.all(nsZeebe, "property") {
			e.Properties = append(e.Properties, Property{h.attr("name"), h.attr("value")})
		}
	}
	switch e.Property("calendar") {
	case "", "calendar":
	case "business":
		e.Business = true
	default:
		b.refuse(n.pos, e, "timer", "%q: calendar=%q is neither business nor calendar", e.ID, short(e.Property("calendar")))
	}
	if x := n.ext("ioMapping"); x != nil {
		for _, m := range x.kids {
			if m.space != nsZeebe || m.name != "input" && m.name != "output" {
				continue
			}
			target := strings.Split(m.attr("target"), ".")
			if slices.Contains(target, "") || len(target) > 8 {
				b.refuse(m.pos, e, "mapping", "%q can't be the target of a mapping: want a name such as fee or decision.outcome", m.attr("target"))
				continue
			}
			x := Mapping{Source: b.expr(e, m.attr("source"), m.attrPos("source")), Target: target, Pos: m.pos}
			if m.name == "input" {
				e.Inputs = append(e.Inputs, x)
			} else {
				e.Outputs = append(e.Outputs, x)
			}
		}
	}
	for _, name := range []string{"calledDecision", "formDefinition"} {
		if x := n.ext(name); x != nil && (x.attr("bindingType") == "versionTag" || x.attr("versionTag") != "") {
			b.refuse(x.pos, e, "unsupported", "%q names the version %q in zeebe:%s: here the one counts that is in force when the case begins", e.ID, short(x.attr("versionTag")), name)
		}
	}
	if x := n.ext("calledDecision"); x != nil {
		e.Decision = b.optional(e, x, "decisionId")
		e.ResultVar = x.attr("resultVariable")
	}
	if x := n.ext("script"); x != nil {
		if src := x.attr("expression"); src != "" {
			e.Script = b.formula(e, src, x.attrPos("expression"))
		}
		e.ResultVar = x.attr("resultVariable")
	}
	if x := n.first(nsBPMN, "script"); x != nil && e.Script == nil && e.Kind == ScriptTask {
		if f := strings.ToLower(n.attr("scriptFormat")); f == "feel" || f == "text/feel" || f == "application/feel" {
			e.Script = b.formula(e, x.content(), x.contentPos())
			if e.ResultVar == "" {
				e.ResultVar = n.attrNS(nsCamunda, "resultVariable")
			}
		} else {
			b.refuse(x.pos, e, "unsupported", "script task %q is written in %q; scripts here are FEEL", e.ID, n.attr("scriptFormat"))
		}
	}
	if x := n.ext("formDefinition"); x != nil {
		for _, a := range []string{"formId", "formKey", "externalReference"} {
			if e.Form == "" {
				e.Form = x.attr(a)
			}
		}
	}
	if x := n.ext("assignmentDefinition"); x != nil {
		e.Assignee, e.Groups, e.Users = b.optional(e, x, "assignee"), b.optional(e, x, "candidateGroups"), b.optional(e, x, "candidateUsers")
	}
	if x := n.ext("taskSchedule"); x != nil {
		e.Due, e.FollowUp = b.optional(e, x, "dueDate"), b.optional(e, x, "followUpDate")
	}
	if x := n.ext("priorityDefinition"); x != nil {
		e.Priority = b.optional(e, x, "priority")
	}
	switch e.Kind {
	case StartEvent:
		e.Interrupting = !n.no("isInterrupting")
	case BoundaryEvent:
		e.Interrupting = !n.no("cancelActivity")
	case SubProcess, Transaction, AdHoc:
		e.ByEvent = n.yes("triggeredByEvent")
	case ReceiveTask:
		b.message(n, e, n.attr("messageRef"), n.pos)
		if n.yes("instantiate") {
			b.refuse(n.pos, e, "unsupported", "receive task %q starts a process: use a message start event", e.ID)
		}
	case EventBasedGateway:
		if n.yes("instantiate") {
			b.refuse(n.pos, e, "unsupported", "event-based gateway %q starts a process: use message start events", e.ID)
		}
	}
	if !e.Activity() {
		b.trigger(n, e)
	}
	if x := n.first(nsBPMN, "standardLoopCharacteristics"); x != nil {
		b.loop(x, e)
	}
	if x := n.first(nsBPMN, "multiInstanceLoopCharacteristics"); x != nil {
		b.multi(x, e)
	}
	for _, x := range append(n.all(nsBPMN, "dataInputAssociation"), n.all(nsBPMN, "dataOutputAssociation")...) {
		if x.first(nsBPMN, "assignment") != nil || x.first(nsBPMN, "transformation") != nil {
			b.refuse(x.pos, e, "unsupported", "%q: data associations with assignments are not executed: use zeebe:ioMapping", e.ID)
			break
		}
		if ref := x.first(nsBPMN, "sourceRef"); ref != nil && x.name == "dataInputAssociation" {
			e.Reads = append(e.Reads, local(ref.content()))
			b.dataRef(e, ref, ref.content())
		}
		if ref := x.first(nsBPMN, "targetRef"); ref != nil && x.name == "dataOutputAssociation" {
			e.Writes = append(e.Writes, local(ref.content()))
			b.dataRef(e, ref, ref.content())
		}
	}
	e.ForCompensation = n.yes("isForCompensation")
	for _, a := range []string{"startQuantity", "completionQuantity"} {
		if v := n.attr(a); v != "" && v != "1" {
			b.refuse(n.attrPos(a), e, "unsupported", "%q: %s=%q: one token begins an activity and one leaves it", e.ID, a, short(v))
		}
	}
	switch e.Kind {
	case CallActivity:
		b.call(n, e)
	case AdHoc:
		b.adHoc(n, e)
	}
}

// condition is a FEEL expression that is true or false.
func (b *builder) condition(c *node, e *Element, what string) *Expr {
	if c == nil || c.content() == "" {
		return nil
	}
	if !strings.HasPrefix(c.content(), "=") && !b.feelGlobal && !strings.Contains(strings.ToUpper(c.attr("language")), "FEEL") {
		if !isJUEL(c.content()) || !b.juel || !juelLanguage(c.attr("language")) { // else it is refused already
			b.refuse(c.contentPos(), e, "expression", "%q: %s %s", e.ID, what, notFEEL(c.attr("language")))
		}
		return nil
	}
	return b.formula(e, c.content(), c.contentPos())
}

func (b *builder) loop(n *node, e *Element) {
	l := &Loop{Before: n.yes("testBefore"), While: b.condition(n.first(nsBPMN, "loopCondition"), e, "the condition of the loop")}
	if s := n.attr("loopMaximum"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil || v < 1 || v > maxItems {
			b.refuse(n.attrPos("loopMaximum"), e, "loop", "%q: loopMaximum=%q is not a number from 1 to %d", e.ID, short(s), maxItems)
		}
		l.Max = v
	}
	if l.While == nil && l.Max == 0 {
		b.refuse(n.pos, e, "incomplete", "%q: the loop has neither a loopCondition nor a loopMaximum: nothing ends it", e.ID)
	}
	e.Loop = l
}

func (b *builder) call(n *node, e *Element) {
	c := &Call{Process: local(n.attr("calledElement"))}
	if x := n.ext("calledElement"); x != nil {
		c.Process = x.attr("processId")
		c.Shut = x.attr("propagateAllParentVariables") == "false"
		c.Keep = x.attr("propagateAllChildVariables") == "false"
		if tag := x.attr("versionTag"); tag != "" || x.attr("bindingType") == "versionTag" {
			b.refuse(x.pos, e, "unsupported", "%q calls the version %q of a process: here it calls the one that is in force when the case begins", e.ID, short(tag))
		}
		if strings.HasPrefix(c.Process, "=") {
			b.refuse(x.attrPos("processId"), e, "unsupported", "%q: which process is called has to be fixed when it begins: %q is worked out later", e.ID, short(c.Process))
		}
	}
	e.Call = c
}

func (b *builder) adHoc(n *node, e *Element) {
	a := &AdHocRules{
		Sequential: n.attr("ordering") == "Sequential",
		CancelRest: !n.no("cancelRemainingInstances"),
		Until:      b.condition(n.first(nsBPMN, "completionCondition"), e, "the completion condition"),
	}
	if x := n.ext("adHoc"); x != nil {
		a.Begin = b.optional(e, x, "activeElementsCollection")
		a.Result, a.Output = x.attr("outputCollection"), b.optional(e, x, "outputElement")
	}
	if e.JobType != nil {
		b.refuse(n.pos, e, "unsupported", "%q: an ad-hoc sub-process that a job leads is not executed: name its activities in activeElementsCollection", e.ID)
	}
	e.AdHoc = a
}

func (b *builder) multi(n *node, e *Element) {
	m := &Multi{Sequential: n.yes("isSequential")}
	x := n.ext("loopCharacteristics")
	if x == nil && e.Unchecked != "" {
		return // what it runs over is refused already
	}
	if x == nil {
		b.refuse(n.pos, e, "unsupported", "%q: multi-instance without zeebe:loopCharacteristics: nothing says over which list", e.ID)
		return
	}
	m.Collection = b.optional(e, x, "inputCollection")
	if m.Collection == nil || m.Collection.Static() {
		b.refuse(x.pos, e, "expression", "%q: multi-instance needs an inputCollection that begins with \"=\"", e.ID)
		return
	}
	m.Item, m.Result = x.attr("inputElement"), x.attr("outputCollection")
	m.Output = b.optional(e, x, "outputElement")
	m.Until = b.condition(n.first(nsBPMN, "completionCondition"), e, "the completion condition")
	e.Multi = m
}

func (b *builder) message(n *node, e *Element, ref string, at Pos) {
	if ref == "" {
		return
	}
	m := b.messages[local(ref)]
	if m == nil {
		m = b.messages[ref]
	}
	if m == nil {
		e.lost()
		b.lost(at, e.ID, "%q refers to the message %q, which is not there", e.ID, ref)
		return
	}
	if m.attr("name") != "" {
		e.MessageName = b.optional(e, m, "name")
	}
	if s := m.ext("subscription"); s != nil {
		e.Key = b.optional(e, s, "correlationKey")
	}
}

func (b *builder) trigger(n *node, e *Element) {
	var defs []*node
	for _, k := range n.kids {
		if k.space == nsBPMN && (strings.HasSuffix(k.name, "EventDefinition") || k.name == "eventDefinitionRef") {
			defs = append(defs, k)
		}
	}
	if len(defs) == 0 {
		return
	}
	if len(defs) > 1 {
		b.refuse(n.pos, e, "unsupported", "%q waits for several events at once: multiple events are not executed", e.ID)
		return
	}
	k := defs[0]
	switch k.name {
	case "messageEventDefinition":
		e.Trigger = Message
		b.message(n, e, k.attr("messageRef"), k.pos)
		if x := k.ext("taskDefinition"); x != nil && e.JobType == nil {
			e.JobType = b.optional(e, x, "type")
		}
	case "timerEventDefinition":
		e.Trigger = Timer
		for _, t := range []struct {
			name string
			kind TimerKind
		}{{"timeDate", Date}, {"timeDuration", Duration}, {"timeCycle", Cycle}} {
			if x := k.first(nsBPMN, t.name); x != nil && x.content() != "" {
				if e.TimerValue != nil {
					b.refuse(x.pos, e, "timer", "the timer of %q has a %s and a %s: it can have one of them", e.ID, e.TimerKind, t.kind)
				}
				e.TimerKind = t.kind
				e.TimerValue = b.expr(e, x.content(), x.contentPos())
				if e.TimerValue.Static() && e.Unchecked == "" {
					if err := CheckTimer(t.kind, e.TimerValue.Src); err != nil {
						b.refuse(x.contentPos(), e, "timer", "%q: %v", e.ID, err)
					}
				}
			}
		}
		if e.TimerValue == nil {
			b.refuse(k.pos, e, "timer", "the timer of %q has no date, duration or cycle", e.ID)
		} else if e.TimerKind == Cycle && e.Kind == CatchEvent {
			b.refuse(k.pos, e, "timer", "%q: an intermediate timer that is a cycle is not executed: it happens once, so write a date or a duration", e.ID)
		} else if e.TimerKind == Cycle && e.Kind == BoundaryEvent && e.Interrupting {
			b.refuse(k.pos, e, "timer", "%q: an interrupting timer that is a cycle is not executed: it happens once, so write a date or a duration", e.ID)
		}
	case "errorEventDefinition":
		e.Trigger = ErrorEvent
		b.code(k, e, "errorRef")
	case "escalationEventDefinition":
		e.Trigger = Escalation
		b.code(k, e, "escalationRef")
	case "terminateEventDefinition":
		e.Trigger = Terminate
	case "linkEventDefinition":
		e.Trigger = Link
		e.LinkName = k.attr("name")
		if e.LinkName == "" {
			e.LinkName = n.attr("name")
		}
	case "signalEventDefinition":
		e.Trigger = Signal
		if ref := k.attr("signalRef"); ref != "" {
			s := b.signals[local(ref)]
			if s == nil {
				e.lost()
				b.lost(k.pos, e.ID, "%q refers to the signal %q, which is not there", e.ID, ref)
				return
			}
			e.SignalName = b.optional(e, s, "name")
		}
	case "conditionalEventDefinition":
		e.Trigger = Conditional
		if c := k.first(nsBPMN, "condition"); c != nil && c.content() != "" {
			e.Condition = b.condition(c, e, "its condition")
		} else {
			b.refuse(k.pos, e, "incomplete", "%q has no condition", e.ID)
		}
		for _, a := range k.attrs {
			if a.Name.Space == nsCamunda {
				b.refuse(k.pos, e, "vendor", "camunda:%s=%q is not read and would change the meaning", a.Name.Local, short(a.Value))
			}
		}
	case "compensateEventDefinition":
		e.Trigger = Compensate
		e.Wait = !k.no("waitForCompletion")
		if k.attr("activityRef") != "" {
			b.undoes = append(b.undoes, undo{e, k, local(k.attr("activityRef"))})
		}
	case "cancelEventDefinition":
		e.Trigger = Cancelling
	default:
		b.refuse(k.pos, e, "unsupported", "%q: <%s> is not executed", e.ID, k.name)
	}
	if e.Trigger == Cancelling {
		b.refuse(k.pos, e, "unsupported", "%q: a %s event is not executed", e.ID, e.Trigger)
	}
}

func (b *builder) code(k *node, e *Element, attr string) {
	ref := k.attr(attr)
	if ref == "" {
		return
	}
	code, ok := b.codes[local(ref)]
	if !ok {
		e.lost()
		b.lost(k.pos, e.ID, "%q refers to the %s %q, which is not there", e.ID, e.Trigger, ref)
		return
	}
	e.Code = code
}

func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// executable holds a process to what the engine needs.
func (b *builder) executable(p *Process) {
	for _, l := range p.Lanes {
		for _, id := range l.Elements {
			if e := p.byID[id]; e != nil {
				e.Lane = l.Name
			}
		}
	}
	p.link()
	if !p.Executable {
		for _, e := range p.Elements {
			b.needs(e)
		}
		b.valid(p)
		return
	}
	none, starts := 0, 0
	for _, e := range p.children(nil) {
		if e.Kind == StartEvent {
			starts++
			if e.Trigger == NoTrigger {
				none++
			}
		}
	}
	if starts == 0 {
		b.bad(p.Pos, p.ID, "start", "process %q has no start event", p.ID)
	}
	if none > 1 {
		b.bad(p.Pos, p.ID, "start", "process %q has %d start events without a trigger: one is enough", p.ID, none)
	}
	by := map[string]*Element{}
	for _, e := range p.children(nil) {
		if e.Kind != StartEvent || e.Trigger != Message || e.MessageName == nil {
			continue
		}
		if other := by[e.MessageName.Src]; other != nil {
			b.bad(e.Pos, e.ID, "start", "the start events %q and %q wait for the same message %q: a message begins one case", other.ID, e.ID, e.MessageName.Src)
		}
		by[e.MessageName.Src] = e
	}
	for _, e := range p.Elements {
		b.needs(e)
	}
	b.valid(p)
}

// needs refuses an element that lacks what its execution needs.
func (b *builder) needs(e *Element) {
	lacks := func(format string, args ...any) {
		b.refuse(e.Pos, e, "incomplete", "<%s> %q %s", e.Kind, e.ID, fmt.Sprintf(format, args...))
	}
	not := func(why string) { b.refuse(e.Pos, e, "unsupported", "<%s> %q is not executed%s", e.Kind, e.ID, why) }
	told := e.Unchecked != "" // what it says about its work is refused already
	hears := func() {
		switch e.Trigger {
		case Message:
			if told {
				return
			}
			if e.MessageName == nil {
				lacks("has no message with a name")
			} else if e.Key == nil {
				lacks("waits for the message %q without zeebe:subscription correlationKey: nothing says whose message", e.MessageName.Src)
			}
		case Terminate:
			lacks("can't wait for %s", e.Trigger)
		}
	}
	if e.Trigger == Signal && e.SignalName == nil && !told {
		lacks("has no signal with a name")
	}
	if e.ForCompensation {
		if len(e.In)+len(e.Out) > 0 {
			lacks("is for compensation: no sequence flow leads to it or away from it")
		}
		if len(e.Boundary) > 0 && e.compensation() != nil {
			lacks("is for compensation and can't be compensated itself")
		}
	}
	if e.Multi != nil && e.Loop != nil {
		lacks("is a loop and multi-instance at once")
	}
	switch e.Kind {
	case ServiceTask, SendTask:
		if op := e.operation; op != "" && e.JobType == nil && e.Decision == nil && !told {
			b.refuse(e.Pos, e, "vendor", "<%s> %q calls the operation %q: which program does it isn't in the file; make it a job with zeebe:taskDefinition type=\"…\"", e.Kind, e.ID, op)
		} else if e.JobType == nil && e.Decision == nil && !told {
			lacks("has no zeebe:taskDefinition with a type: nothing says what is to be done")
		}
	case Task:
		if e.operation != "" && e.JobType == nil && !told {
			b.refuse(e.Pos, e, "vendor", "<%s> %q is the work item %q of jBPM: which program does it isn't in the file; make it a service task with zeebe:taskDefinition type=\"…\"", e.Kind, e.ID, e.operation)
		}
	case BusinessRuleTask:
		if op := e.operation; op != "" && e.Decision == nil && e.JobType == nil && !told {
			b.refuse(e.Pos, e, "vendor", "<%s> %q applies the rules %q, which are not DMN: make them a decision and name it with zeebe:calledDecision", e.Kind, e.ID, op)
		} else if e.Decision == nil && e.JobType == nil && !told {
			lacks("has no zeebe:calledDecision")
		}
		if e.Decision != nil && e.ResultVar == "" {
			lacks("has no resultVariable for its decision")
		}
	case ScriptTask:
		if e.Script == nil && e.JobType == nil && !told {
			lacks("has no zeebe:script")
		}
		if e.Script != nil && e.ResultVar == "" && !told {
			lacks("has no resultVariable for its script")
		}
	case ReceiveTask:
		if told {
			break
		}
		if e.MessageName == nil {
			lacks("has no message with a name")
		} else if e.Key == nil {
			lacks("waits for the message %q without zeebe:subscription correlationKey: nothing says whose message", e.MessageName.Src)
		}
	case CallActivity:
		if e.Call.Process == "" && !told {
			lacks("calls no process: calledElement is missing")
		}
	case AdHoc:
		if e.ByEvent {
			lacks("is ad hoc and an event sub-process at once")
		}
		begins := false
		for _, c := range e.Children {
			if c.Kind == StartEvent || c.Kind == EndEvent {
				lacks("is ad hoc: it can't have the <%s> %q", c.Kind, c.ID)
			}
			begins = begins || len(c.In) == 0 && c.Activity() && !c.ByEvent && !c.ForCompensation
		}
		if !begins {
			lacks("is ad hoc, but has no activity to begin with")
		}
	case Transaction, ComplexGateway:
		not("")
	case SubProcess:
		starts := 0
		for _, c := range e.Children {
			if c.Kind == StartEvent {
				starts++
				if e.ByEvent && c.Trigger == NoTrigger {
					lacks("is an event sub-process, but its start event %q waits for nothing", c.ID)
				}
				if !e.ByEvent && c.Trigger != NoTrigger {
					lacks("starts with the %s event %q: only an event sub-process may", c.Trigger, c.ID)
				}
			}
		}
		if starts != 1 {
			lacks("has %d start events: want one", starts)
		}
	case StartEvent:
		switch {
		case e.Parent != nil && e.Parent.ByEvent:
			hears()
			if e.Trigger == ErrorEvent && !e.Interrupting {
				lacks("waits for an error, which always interrupts")
			}
			if e.Trigger == Compensate && e.Parent.Parent == nil {
				lacks("compensates the process: only a sub-process can be compensated")
			}
		case e.Parent == nil:
			switch e.Trigger {
			case NoTrigger, Timer, Signal, Conditional:
			case Message:
				if e.MessageName == nil && !told {
					lacks("has no message with a name")
				}
			case ErrorEvent, Escalation, Terminate, Link, Compensate:
				lacks("can't wait for %s: that is for event sub-processes", e.Trigger)
			}
			for _, x := range []*Expr{e.MessageName, e.SignalName, e.TimerValue} {
				if x != nil && len(x.Names()) > 0 {
					lacks("reads the variable %q, but nothing has set a variable before the process begins", x.Names()[0])
				}
			}
		}
	case BoundaryEvent:
		switch e.Trigger {
		case Compensate:
			if e.Handler == nil {
				lacks("has no compensation handler: an association has to lead to an activity with isForCompensation=\"true\"")
			}
			if len(e.Out) > 0 {
				lacks("is a compensation event: its handler hangs on an association, no sequence flow leads away")
			}
			return
		case NoTrigger, Link:
			lacks("waits for nothing that can happen")
		case ErrorEvent:
			if !e.Interrupting {
				lacks("waits for an error, which always interrupts")
			}
		}
		hears()
		if len(e.Out) == 0 {
			b.warn(e.Pos, e.ID, "dead-end", "boundary event %q leads nowhere", e.ID)
		}
	case CatchEvent:
		switch e.Trigger {
		case Message:
			hears()
		case Timer, Link, Signal, Conditional:
		default:
			lacks("waits for nothing that can happen")
		}
	case ThrowEvent, EndEvent:
		switch e.Trigger {
		case Message:
			if e.JobType == nil && !told {
				lacks("sends a message, but has no zeebe:taskDefinition: nothing says how")
			}
		case Timer, Conditional:
			lacks("can't bring about a %s event", e.Trigger)
		case Compensate:
			if of := e.Compensated; of != nil && of.compensation() == nil && !of.Scope() && of.Kind != CallActivity {
				lacks("compensates %q, which has no compensation handler", of.ID)
			}
		case ErrorEvent:
			if e.Kind == ThrowEvent {
				lacks("can't throw an error: that is for end events")
			}
		case Terminate:
			if e.Kind == ThrowEvent {
				lacks("can't terminate: that is for end events")
			}
		case Link:
			if e.Kind == EndEvent {
				lacks("can't be a link")
			} else if e.linked == nil {
				lacks("is a link to %q, which is not there", e.LinkName)
			}
		}
	case EventBasedGateway:
		if len(e.Out) == 0 {
			lacks("has no branch")
		}
		for _, f := range e.Out {
			if !(f.To.Kind == ReceiveTask || f.To.Kind == CatchEvent && listens(f.To.Trigger)) {
				lacks("leads to %q, which waits for no message, timer, signal or condition", f.To.ID)
			} else if f.To.Kind == ReceiveTask && (len(f.To.Boundary) > 0 || len(f.To.Inputs) > 0 || f.To.Multi != nil) {
				lacks("leads to the receive task %q with boundary events, inputs or instances of its own: use an intermediate catch event", f.To.ID)
			}
		}
	case ExclusiveGateway, InclusiveGateway:
		if len(e.Out) > 1 {
			for _, f := range e.Out {
				if f.Condition == nil && f != e.Default && !f.told {
					b.refuse(f.Pos, e, "condition", "sequence flow %q out of <%s> %q has no condition and is not the default", f.ID, e.Kind, e.ID)
				}
			}
		}
	}
}

func (b *builder) diagram(n *node) {
	for _, plane := range n.all(nsBPMNDI, "BPMNPlane") {
		for _, s := range plane.kids {
			id := local(s.attr("bpmnElement"))
			switch {
			case s.is(nsBPMNDI, "BPMNShape"):
				box, ok := bounds(s.first(nsDC, "Bounds"))
				if !ok {
					continue
				}
				sh := shape{box: box, horizontal: s.attr("isHorizontal") != "false", expanded: s.attr("isExpanded") == "true"}
				if l := s.first(nsBPMNDI, "BPMNLabel"); l != nil {
					if lb, ok := bounds(l.first(nsDC, "Bounds")); ok {
						sh.label = &lb
					}
				}
				b.d.shapes[id] = sh
			case s.is(nsBPMNDI, "BPMNEdge"):
				var line []point
				for _, w := range s.all(nsDI, "waypoint") {
					x, ok1 := number(w.attr("x"))
					y, ok2 := number(w.attr("y"))
					if ok1 && ok2 {
						line = append(line, point{x, y})
					}
				}
				if len(line) > 1 && len(line) < 200 {
					b.d.edges[id] = line
				}
			}
		}
	}
}

func bounds(n *node) (box, bool) {
	if n == nil {
		return box{}, false
	}
	x, ok1 := number(n.attr("x"))
	y, ok2 := number(n.attr("y"))
	w, ok3 := number(n.attr("width"))
	h, ok4 := number(n.attr("height"))
	return box{x, y, w, h}, ok1 && ok2 && ok3 && ok4 && w >= 0 && h >= 0
}

func number(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && math.Abs(v) < 1e6
}
