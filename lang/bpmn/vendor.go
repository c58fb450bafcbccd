// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Models of Camunda 7 and its kin (Activiti, Flowable, Operaton) say in attributes and
// elements of their own what zeebe: says in others. What means the same is put into the
// zeebe form before an element is read, so the reader knows one dialect; what means
// nothing here is a warning; what would change the meaning is refused by name.

// Attributes of Camunda 7 that change nothing here.
var harmless = []string{
	"asyncBefore", "asyncAfter", "async", "exclusive", "historyTimeToLive", "versionTag", "jobPriority", "taskPriority",
	"candidateStarterGroups", "candidateStarterUsers", "isStartableInTasklist", "modelerTemplate", "modelerTemplateVersion",
	"modelerTemplateIcon", "diagramRelationId", "errorMessage",
}

// Elements of Camunda 7 that change nothing here.
var harmlessExt = []string{"formData", "failedJobRetryTimeCycle", "field", "validation", "potentialStarter"}

const nsDrools = "http://www.jboss.org/drools"

// dialect finds out what a file is written in.
func (b *builder) dialect(root *node) {
	var zeebe bool
	all := map[string]bool{}
	todo := []*node{root}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], n.kids...)
		zeebe = zeebe || n.space == nsZeebe
		b.camunda = b.camunda || n.space == nsCamunda
		if id := n.attr("id"); id != "" {
			all[id] = true
		}
		for _, a := range n.attrs {
			b.camunda = b.camunda || a.Name.Space == nsCamunda || a.Name.Space == "xmlns" && space(a.Value, nil) == nsCamunda
		}
	}
	b.juel, b.all = !zeebe, all
}

// translate is the FEEL of an expression in JUEL; what can't be translated is refused.
func (b *builder) translate(e *Element, src string, at Pos) (string, bool) {
	if !b.juel {
		b.refuse(at, e, "expression", "%q is an expression of another language; beside zeebe: elements expressions are FEEL and begin with \"=\"", short(src))
		return "", false
	}
	if b.exprs > maxExprs {
		return "", false // and that is told already
	}
	out, err := fromJUEL(src)
	if err != nil {
		b.refuse(advance(at, src[:err.off]), e, "expression", "the expression %q can't be read: %s", short(src), err.text)
		return "", false
	}
	return out, true
}

// advance is the place behind a text that begins at a place.
func advance(at Pos, text string) Pos {
	for _, c := range text {
		if c == '\n' {
			at.Line, at.Col = at.Line+1, 1
		} else {
			at.Col++
		}
	}
	return at
}

// notFEEL says why a condition can't be read; src isn't JUEL.
func notFEEL(language string) string {
	if language != "" {
		return fmt.Sprintf("is written in %q: here it has to be FEEL and begin with \"=\"", short(language))
	}
	return "is not FEEL: it has to begin with \"=\""
}

// juelLanguage reports whether an expression that names its language may be JUEL.
func juelLanguage(s string) bool {
	return s == "" || strings.Contains(strings.ToLower(s), "juel")
}

// lower makes the FEEL form of an expression that stands as text in an element.
func (b *builder) lower(n *node, e *Element) {
	if n == nil || !isJUEL(n.content()) || !juelLanguage(n.attr("language")) {
		return
	}
	at := n.contentPos()
	if f, ok := b.translate(e, n.content(), at); ok {
		n.text.Reset()
		n.text.WriteString("=" + f)
		n.textPos = at
	}
}

// extend is a new zeebe element among the extensions of n; what it says stands at a place.
func (n *node) extend(at Pos, name string, attrs ...string) *node {
	ext := n.first(nsBPMN, "extensionElements")
	if ext == nil {
		ext = &node{space: nsBPMN, name: "extensionElements", pos: n.pos}
		n.kids = append(n.kids, ext)
	}
	return ext.add(at, name, attrs...)
}

func (n *node) add(at Pos, name string, attrs ...string) *node {
	x := &node{space: nsZeebe, name: name, pos: at}
	for i := 0; i < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			x.attrs = append(x.attrs, xml.Attr{Name: xml.Name{Local: attrs[i]}, Value: attrs[i+1]})
		}
	}
	n.kids = append(n.kids, x)
	return x
}

// mapping is the zeebe:ioMapping of n, made if need be.
func (n *node) mapping(at Pos) *node {
	if x := n.ext("ioMapping"); x != nil {
		return x
	}
	return n.extend(at, "ioMapping")
}

// vendor reads the extensions of an element, or of the process when e is nil.
func (b *builder) vendor(n *node, e *Element) {
	b.vendorAttrs(n, e)
	b.vendorExt(n, n, e)
	if e == nil {
		if n.attrNS(nsDrools, "adHoc") == "true" {
			b.refuse(n.pos, nil, "vendor", "drools:adHoc: the process is an ad-hoc case of jBPM, which is not executed")
		}
		return
	}
	if e.operation = n.attr("operationRef"); n.attrNS(nsDrools, "serviceoperation") != "" {
		e.operation = n.attrNS(nsDrools, "serviceinterface") + "." + n.attrNS(nsDrools, "serviceoperation")
	} else if e.operation == "" && n.attrNS(nsDrools, "taskName") != "" {
		e.operation = n.attrNS(nsDrools, "taskName")
	} else if e.Kind == BusinessRuleTask && n.attrNS(nsDrools, "ruleFlowGroup") != "" {
		e.operation = n.attrNS(nsDrools, "ruleFlowGroup")
	}
	for _, k := range n.kids {
		switch {
		case k.space != nsBPMN:
		case strings.HasSuffix(k.name, "EventDefinition"):
			b.vendorEvent(n, k, e)
		case k.name == "multiInstanceLoopCharacteristics":
			b.vendorMulti(n, k, e)
		case k.name == "potentialOwner", k.name == "humanPerformer", k.name == "performer":
			b.performer(k, e)
		}
	}
	if e.Kind == CallActivity {
		b.vendorCall(n, e)
	}
	if e.Kind == ScriptTask && strings.EqualFold(n.attr("scriptFormat"), "juel") {
		if x := n.first(nsBPMN, "script"); x != nil {
			if f, ok := b.translate(e, x.content(), x.contentPos()); ok {
				e.Script, e.ResultVar = b.formula(e, f, x.contentPos()), n.attrNS(nsCamunda, "resultVariable")
				if e.ResultVar == "" && n.ext("ioMapping") == nil {
					e.Kind, e.Script = Task, nil
					b.warn(x.pos, e.ID, "ignored", "%q calculates %q and keeps no result: nothing happens there", e.ID, short(x.content()))
				}
			}
		}
	}
}

// sameNothing are the spaces of attributes that are read or mean nothing.
var sameNothing = []string{"", nsBPMN, nsCamunda, nsXSI, nsZeebe, "xmlns", "http://www.w3.org/XML/1998/namespace"}

func (b *builder) vendorAttrs(n *node, e *Element) {
	id := ""
	if e != nil {
		id = e.ID
	}
	lit := func(name string) *Expr {
		if v := n.attrNS(nsCamunda, name); v != "" {
			return b.expr(e, v, n.attrPos(name))
		}
		return nil
	}
	for _, a := range n.attrs {
		if a.Name.Space != nsCamunda {
			continue
		}
		at := n.attrPos(a.Name.Local)
		switch name := a.Name.Local; {
		case slices.Contains(harmless, name):
			b.warn(at, id, "ignored", "camunda:%s has no effect here", name)
		case e == nil:
			b.refuse(at, e, "vendor", "camunda:%s is not read and would change the meaning", name)
		case name == "type" && a.Value == "external", name == "topic":
			e.JobType = lit("topic")
		case name == "decisionRef":
			e.Decision = lit(name)
			b.decisionResult(n, e)
		case name == "mapDecisionResult" && n.attrNS(nsCamunda, "decisionRef") != "":
		case name == "decisionRefBinding" && (a.Value == "latest" || a.Value == "deployment"):
			b.warn(at, id, "ignored", "camunda:%s has no effect here", name)
		case name == "resultVariable":
			e.ResultVar = a.Value
		case name == "assignee":
			e.Assignee = lit(name)
		case name == "candidateGroups":
			e.Groups = lit(name)
		case name == "candidateUsers":
			e.Users = lit(name)
		case name == "dueDate":
			e.Due = lit(name)
		case name == "followUpDate":
			e.FollowUp = lit(name)
		case name == "priority":
			e.Priority = lit(name)
		case name == "formKey" && n.attrNS(nsCamunda, "formRef") != "":
			b.refuse(at, e, "vendor", "%q has a camunda:formKey and a camunda:formRef: which form is it?", e.ID)
		case name == "formKey", name == "formRef":
			e.Form = a.Value
		case name == "formRefBinding" && (a.Value == "latest" || a.Value == "deployment"):
			b.warn(at, id, "ignored", "camunda:%s has no effect here", name)
		case name == "formRefBinding" && a.Value == "version":
			b.refuse(at, e, "vendor", "%q shows a fixed version of a form: versions are numbered otherwise here", e.ID)
		case name == "formRefVersion" && n.attrNS(nsCamunda, "formRefBinding") != "":
		case a.Value == "":
		case name == "calledElementType" && a.Value == "BPMN":
		case name == "variableMappingClass", name == "variableMappingDelegateExpression":
			b.refuse(at, e, "vendor", "camunda:%s=%q is a Java class or bean: nothing says which variables it passes; name them in a zeebe:ioMapping", name, short(a.Value))
		case name == "class", name == "delegateExpression":
			b.refuse(at, e, "vendor", "camunda:%s=%q is a Java class or bean: nothing says what it does; make it a job with zeebe:taskDefinition type=\"…\"", name, short(a.Value))
		case name == "expression" && (e.Kind == ServiceTask || e.Kind == SendTask || e.Kind == BusinessRuleTask):
			b.calculates(n, e, a.Value, at)
		case name == "initiator":
			b.refuse(at, e, "vendor", "camunda:initiator=%q would set a variable to who has started the process: here that is given with the start", short(a.Value))
		case e.Kind == CallActivity && slices.Contains(callAttrs, name):
		default:
			b.refuse(at, e, "vendor", "camunda:%s=%q is not read and would change the meaning", name, short(a.Value))
		}
	}
	for _, a := range n.attrs {
		if !slices.Contains(sameNothing, a.Name.Space) {
			b.warn(n.pos, id, "ignored", "attributes of %s have no effect here", a.Name.Space)
		}
	}
}

// calculates is a task whose whole work is an expression: with a result it is a script,
// without one nothing happens.
func (b *builder) calculates(n *node, e *Element, src string, at Pos) {
	f, ok := quoteFEEL(src), true // a text that stands for itself
	if isJUEL(src) {
		f, ok = b.translate(e, src, at)
	}
	if !ok {
		return
	}
	if result := n.attrNS(nsCamunda, "resultVariable"); result != "" {
		e.Kind, e.Script = ScriptTask, b.formula(e, f, at)
	} else {
		e.Kind = Task
		b.warn(at, e.ID, "ignored", "%q calculates %q and keeps no result: nothing happens there", e.ID, short(src))
	}
}

// decisionResult makes of a decision's result what Camunda 7 makes of it.
func (b *builder) decisionResult(n *node, e *Element) {
	result := n.attrNS(nsCamunda, "resultVariable")
	at := n.attrPos("decisionRef")
	switch kind := n.attrNS(nsCamunda, "mapDecisionResult"); {
	case result == "": // which is refused as such
	case kind == "singleEntry":
	case kind == "collectEntries":
		n.mapping(at).add(at, "output", "target", result, "source",
			fmt.Sprintf("=if %s instance of list<Any> then %s else if %s = null then [] else [%s]", result, result, result, result))
	case kind == "singleResult":
		b.warn(at, e.ID, "ignored", "%q: the result is a context only where the decision has several outputs", e.ID)
	default:
		b.refuse(at, e, "vendor", "%q: the result of its decision is a list of contexts in Camunda 7 (camunda:mapDecisionResult=\"resultList\"), and the value itself here: choose singleEntry, singleResult or collectEntries", e.ID)
	}
}

// vendorExt reads the extension elements of part, which is the element n or stands in it.
func (b *builder) vendorExt(n, part *node, e *Element) {
	id := ""
	if e != nil {
		id = e.ID
	}
	ext := part.first(nsBPMN, "extensionElements")
	if ext == nil {
		return
	}
	for _, x := range slices.Clone(ext.kids) {
		switch {
		case x.space == nsZeebe:
			switch x.name {
			case "taskDefinition", "taskHeaders", "properties", "ioMapping", "calledDecision", "script", "formDefinition", "userTask",
				"assignmentDefinition", "taskSchedule", "priorityDefinition", "subscription", "versionTag", "loopCharacteristics":
			case "userTaskForm", "calledElement", "adHoc":
				// a form kept in the process, or read with the element
			case "executionListeners", "taskListeners":
				b.refuse(x.pos, e, "unsupported", "zeebe:%s are not executed", x.name)
			default:
				b.warn(x.pos, id, "ignored", "zeebe:%s has no effect here", x.name)
			}
		case x.space == nsCamunda && x.name == "properties":
			if e != nil {
				for _, h := range x.all(nsCamunda, "property") {
					e.Properties = append(e.Properties, Property{h.attr("name"), h.attr("value")})
				}
			}
		case x.space == nsCamunda && x.name == "inputOutput" && e != nil && n == part:
			b.inputOutput(n, x, e)
		case x.space == nsCamunda && (x.name == "in" || x.name == "out") && e != nil && e.Kind == CallActivity:
			b.vendorInOut(n, x, e)
		case x.space == nsCamunda && slices.Contains(harmlessExt, x.name):
			b.warn(x.pos, id, "ignored", "camunda:%s has no effect here", x.name)
		case x.space == nsCamunda && strings.HasSuffix(x.name, "Listener"):
			b.listener(x, e)
		case x.space == nsCamunda:
			b.refuse(x.pos, e, "vendor", "camunda:%s is not read and would change the meaning", x.name)
		case x.space == nsDrools && (x.name == "onEntry-script" || x.name == "onExit-script"):
			b.refuse(x.pos, e, "vendor", "drools:%s is a Java script, which is not executed", x.name)
		case x.space != "" && x.space != nsBPMN:
			b.warn(x.pos, id, "ignored", "extensions of %s have no effect here", x.space)
		}
	}
}

// listener refuses what Camunda 7 runs beside an element.
func (b *builder) listener(x *node, e *Element) {
	switch script := x.first(nsCamunda, "script"); {
	case script != nil:
		b.refuse(x.pos, e, "vendor", "camunda:%s runs a script in %q: listeners are not executed", x.name, short(script.attr("scriptFormat")))
	case x.attr("expression") != "":
		b.refuse(x.pos, e, "vendor", "camunda:%s runs the expression %q: listeners are not executed", x.name, short(x.attr("expression")))
	default:
		b.refuse(x.pos, e, "vendor", "camunda:%s runs the Java class or bean %q: nothing says what it does", x.name, short(x.attr("class")+x.attr("delegateExpression")))
	}
}

// vendorFlow reads what a vendor writes into a sequence flow.
func (b *builder) vendorFlow(n *node, from *Element) {
	for _, a := range n.attrs {
		switch {
		case a.Name.Space == nsCamunda:
			b.refuse(n.attrPos(a.Name.Local), from, "vendor", "camunda:%s=%q of sequence flow %q is not read and would change the meaning", a.Name.Local, short(a.Value), n.attr("id"))
		case a.Name.Space == nsDrools && a.Name.Local == "priority" && from.Kind == ExclusiveGateway:
			b.warn(n.pos, from.ID, "ignored", "drools:priority has no effect here: of several conditions that are true the first in the file counts")
		}
	}
	b.vendorExt(n, n, from)
}

// inputOutput makes camunda:inputOutput a zeebe:ioMapping. The parameters of Camunda 7 see
// what is around the element and not each other; what work brings back is set in the
// process as well, beside the outputs.
func (b *builder) inputOutput(n, x *node, e *Element) {
	where := ""
	switch e.Kind {
	case ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway, StartEvent, BoundaryEvent:
		where = "<" + string(e.Kind) + ">"
	case SubProcess:
		if n.yes("triggeredByEvent") {
			where = "an event sub-process"
		}
	}
	if where != "" && (len(x.all(nsCamunda, "inputParameter")) > 0 || e.Kind != BoundaryEvent && e.Kind != StartEvent) {
		b.refuse(x.pos, e, "vendor", "%q: camunda:inputOutput is not allowed at %s", e.ID, where)
		return
	}
	multi := n.first(nsBPMN, "multiInstanceLoopCharacteristics") != nil
	var targets []string
	for _, k := range x.kids {
		if k.space != nsCamunda || k.name != "inputParameter" && k.name != "outputParameter" {
			continue
		}
		kind := "input"
		name := k.attr("name")
		if k.name == "outputParameter" {
			kind = "output"
			if e.Kind == EndEvent || multi {
				b.refuse(k.pos, e, "vendor", "%q: camunda:outputParameter is not allowed at end events and multi-instance", e.ID)
				continue
			}
			e.Spill = true
		}
		if name == "" || strings.Contains(name, ".") {
			b.refuse(k.pos, e, "mapping", "camunda:%s has the name %q: want a name without a point", k.name, name)
			continue
		}
		src, ok := b.parameter(k, e)
		if !ok {
			continue
		}
		m := n.mapping(x.pos).add(k.pos, kind, "source", src, "target", name)
		if src == "" {
			m.attrs = append(m.attrs, xml.Attr{Name: xml.Name{Local: "source"}, Value: "=null"})
		}
		if kind == "input" {
			if f, isFEEL := strings.CutPrefix(src, "="); isFEEL {
				for _, used := range b.formula(nil, f, k.pos).Names() {
					if slices.Contains(targets, used) {
						b.refuse(k.pos, e, "mapping", "camunda:inputParameter %q reads %q, which another parameter hides here and doesn't in Camunda 7", name, used)
					}
				}
			}
			targets = append(targets, name)
		}
	}
}

// parameter is the value of an input or output parameter, as zeebe:ioMapping writes it.
func (b *builder) parameter(n *node, e *Element) (string, bool) {
	for _, k := range n.kids {
		if k.space == nsCamunda {
			f, ok := b.compose(k, e)
			return "=" + f, ok
		}
	}
	text := n.content()
	switch {
	case isJUEL(text):
		f, ok := b.translate(e, text, n.contentPos())
		return "=" + f, ok
	case strings.HasPrefix(text, "="):
		return "=" + quoteFEEL(text), true
	}
	return text, true
}

// compose is the FEEL of camunda:script, list and map, and of a text in them.
func (b *builder) compose(n *node, e *Element) (string, bool) {
	switch n.name {
	case "script":
		format := strings.ToLower(n.attr("scriptFormat"))
		switch {
		case n.attr("resource") != "":
			b.refuse(n.pos, e, "vendor", "the script %q is not in the file", short(n.attr("resource")))
		case format == "feel":
			return strings.TrimPrefix(n.content(), "="), true
		case format == "juel":
			return b.translate(e, n.content(), n.contentPos())
		default:
			b.refuse(n.pos, e, "unsupported", "a script is written in %q; scripts here are FEEL", n.attr("scriptFormat"))
		}
		return "", false
	case "list", "map":
		var parts []string
		for _, k := range n.kids {
			if k.space != nsCamunda {
				continue
			}
			f, ok := b.compose(k, e)
			if !ok {
				return "", false
			}
			if n.name == "map" {
				f = quoteFEEL(k.attr("key")) + ": " + f
			}
			parts = append(parts, f)
		}
		if n.name == "map" {
			return "{" + strings.Join(parts, ", ") + "}", true
		}
		return "[" + strings.Join(parts, ", ") + "]", true
	case "value", "entry":
		for _, k := range n.kids {
			if k.space == nsCamunda {
				return b.compose(k, e)
			}
		}
		text := n.content()
		switch {
		case text == "":
			return "null", true
		case isJUEL(text):
			return b.translate(e, text, n.contentPos())
		}
		return quoteFEEL(text), true
	}
	b.refuse(n.pos, e, "vendor", "camunda:%s is not read and would change the meaning", n.name)
	return "", false
}

// vendorEvent reads the definition of an event.
func (b *builder) vendorEvent(n, k *node, e *Element) {
	if b.camunda && k.name == "errorEventDefinition" {
		// In Camunda 7 a reference to an error that isn't there is itself the code.
		if ref := k.attr("errorRef"); ref != "" {
			if _, ok := b.codes[local(ref)]; !ok {
				b.codes[local(ref)] = ref
				b.warn(k.pos, e.ID, "reference", "there is no error %q: taken for its code", ref)
			}
		}
	}
	if k.name == "conditionalEventDefinition" {
		c := k.first(nsBPMN, "condition")
		b.lower(c, e)
		if b.camunda && c != nil && (n.no("cancelActivity") || n.no("isInterrupting")) {
			b.refuse(k.pos, e, "vendor", "%q doesn't interrupt: in Camunda 7 its condition counts at each change of a variable, here when it becomes true", e.ID)
		}
		b.vendorExt(n, k, e)
		return // its attributes are judged with the condition
	}
	for _, a := range k.attrs {
		if a.Name.Space != nsCamunda {
			continue
		}
		at := k.attrPos(a.Name.Local)
		switch name := a.Name.Local; {
		case slices.Contains(harmless, name):
			b.warn(at, e.ID, "ignored", "camunda:%s has no effect here", name)
		case k.name == "messageEventDefinition" && (name == "type" && a.Value == "external" || name == "topic"):
			if v := k.attrNS(nsCamunda, "topic"); v != "" {
				e.JobType = b.expr(e, v, k.attrPos("topic"))
			}
		case name == "errorCodeVariable", name == "escalationCodeVariable":
			ref := k.attr("errorRef")
			if name == "escalationCodeVariable" {
				ref = k.attr("escalationRef")
			}
			code, ok := b.codes[local(ref)]
			if !ok || code == "" {
				b.refuse(at, e, "vendor", "%q takes every code: which one it was can't be read (camunda:%s)", e.ID, name)
				continue
			}
			n.mapping(at).add(at, "output", "source", "="+quoteFEEL(code), "target", a.Value)
			e.Spill = true
		case name == "class", name == "delegateExpression":
			b.refuse(at, e, "vendor", "camunda:%s=%q is a Java class or bean: nothing says what it does; make it a job with zeebe:taskDefinition type=\"…\"", name, short(a.Value))
		default:
			b.refuse(at, e, "vendor", "camunda:%s=%q is not read and would change the meaning", name, short(a.Value))
		}
	}
	ext := k.first(nsBPMN, "extensionElements")
	if ext == nil {
		return
	}
	if k.name == "signalEventDefinition" && (e.Kind == ThrowEvent || e.Kind == EndEvent) && n.ext("ioMapping") == nil {
		// What a signal carries are the variables of its own event.
		for _, x := range ext.all(nsCamunda, "in") {
			b.vendorInOut(n, x, e)
		}
		ext.kids = slices.DeleteFunc(ext.kids, func(x *node) bool { return x.is(nsCamunda, "in") })
	}
	b.vendorExt(n, k, e)
}

// vendorMulti puts what an activity runs over into zeebe:loopCharacteristics.
func (b *builder) vendorMulti(n, m *node, e *Element) {
	for _, a := range m.attrs {
		if a.Name.Space != nsCamunda || a.Name.Local == "collection" || a.Name.Local == "elementVariable" {
			continue
		}
		at := m.attrPos(a.Name.Local)
		if slices.Contains(harmless, a.Name.Local) {
			b.warn(at, e.ID, "ignored", "camunda:%s has no effect here", a.Name.Local)
		} else {
			b.refuse(at, e, "vendor", "camunda:%s=%q is not read and would change the meaning", a.Name.Local, short(a.Value))
		}
	}
	b.vendorExt(n, m, e)
	if m.ext("loopCharacteristics") != nil {
		return
	}
	item := m.attrNS(nsCamunda, "elementVariable")
	if x := m.first(nsBPMN, "inputDataItem"); x != nil && item == "" && b.camunda {
		item = x.attr("name")
	}
	list, at := m.attrNS(nsCamunda, "collection"), m.attrPos("collection")
	if x := m.first(nsBPMN, "loopDataInputRef"); x != nil && list == "" && b.camunda {
		list, at = x.content(), x.contentPos()
	}
	count := m.first(nsBPMN, "loopCardinality")
	if count != nil && count.content() == "" {
		count = nil
	}
	switch {
	case list != "" && count != nil:
		b.refuse(m.pos, e, "unsupported", "%q: multi-instance with a list and a number: which of them counts?", e.ID)
		return
	case list != "":
		if isJUEL(list) {
			f, ok := b.translate(e, list, at)
			if !ok {
				return
			}
			list = f
		}
		list = "=" + list
	case count != nil:
		src := strings.TrimSpace(count.content())
		at = count.contentPos()
		if _, err := strconv.Atoi(src); err != nil {
			var ok bool
			switch {
			case strings.HasPrefix(src, "="):
				src = src[1:]
			case isJUEL(src) && juelLanguage(count.attr("language")):
				if src, ok = b.translate(e, src, at); !ok {
					return
				}
			default:
				b.refuse(at, e, "expression", "%q: the number of instances %q %s", e.ID, short(src), notFEEL(count.attr("language")))
				return
			}
		}
		list = fmt.Sprintf("=if (%s) < 1 then [] else for i in 1..(%s) return i", src, src)
	default:
		return
	}
	m.extend(at, "loopCharacteristics", "inputCollection", list, "inputElement", item)
	b.lower(m.first(nsBPMN, "completionCondition"), e)
	if b.camunda {
		e.Spill = true
		b.warn(m.pos, e.ID, "ignored", "the variable loopCounter counts from 1 here, in Camunda 7 from 0")
	}
}

// performer reads who does a task: "user(a), group(b), c" in models of Camunda 7.
func (b *builder) performer(n *node, e *Element) {
	var src string
	at := n.pos
	if x := n.first(nsBPMN, "resourceAssignmentExpression"); x != nil {
		if f := x.first(nsBPMN, "formalExpression"); f != nil {
			src, at = f.content(), f.contentPos()
		}
	}
	if !b.camunda || src == "" || n.name == "performer" {
		b.warn(n.pos, e.ID, "ignored", "<%s> has no effect here: use zeebe:assignmentDefinition", n.name)
		return
	}
	if n.name == "humanPerformer" {
		e.Assignee = b.expr(e, src, at)
		return
	}
	var groups, users []string
	for _, s := range strings.Split(src, ",") {
		s = strings.TrimSpace(s)
		if isJUEL(s) && s != src {
			b.refuse(at, e, "expression", "<%s> %q mixes expressions and names", n.name, short(src))
			return
		}
		if u, ok := strings.CutPrefix(s, "user("); ok {
			users = append(users, strings.TrimSuffix(u, ")"))
		} else {
			groups = append(groups, strings.TrimSuffix(strings.TrimPrefix(s, "group("), ")"))
		}
	}
	add := func(to **Expr, names []string) {
		if len(names) > 0 && *to == nil {
			*to = b.expr(e, strings.Join(names, ","), at)
		}
	}
	add(&e.Groups, groups)
	add(&e.Users, users)
}

// callAttrs are the attributes of a call activity that vendorCall reads.
var callAttrs = []string{"calledElementBinding", "calledElementVersionTag"}

// vendorCall puts what a call activity of another vendor says into zeebe:calledElement. In
// Camunda 7 a called process sees only what camunda:in gives it.
func (b *builder) vendorCall(n *node, e *Element) {
	called := n.attr("calledElement")
	if called == "" || n.ext("calledElement") != nil {
		return
	}
	at := n.attrPos("calledElement")
	if isJUEL(called) {
		f, ok := b.translate(e, called, at)
		if !ok {
			return
		}
		called = "=" + f
	}
	binding := n.attrNS(nsCamunda, "calledElementBinding")
	if binding == "version" {
		b.refuse(n.attrPos("calledElementBinding"), e, "vendor", "%q calls a fixed version of a process: versions are numbered otherwise here", e.ID)
		return
	}
	all := map[string]string{"in": "false", "out": "false"}
	if x := n.first(nsBPMN, "extensionElements"); x != nil {
		for _, k := range x.kids {
			if k.space == nsCamunda && k.attr("variables") == "all" {
				all[k.name] = "true"
			}
		}
	}
	if !b.camunda {
		all["in"], all["out"] = "", ""
	}
	n.extend(at, "calledElement", "processId", called, "propagateAllParentVariables", all["in"], "propagateAllChildVariables", all["out"],
		"bindingType", binding, "versionTag", n.attrNS(nsCamunda, "calledElementVersionTag"))
}

// vendorInOut makes camunda:in and camunda:out a mapping.
func (b *builder) vendorInOut(n, x *node, e *Element) {
	kind := "input"
	if x.name == "out" {
		kind = "output"
	}
	src, target := x.attr("source"), x.attr("target")
	if src != "" {
		src = "=" + src
	}
	if s := x.attr("sourceExpression"); s != "" {
		src = s
		if isJUEL(s) {
			f, ok := b.translate(e, s, x.attrPos("sourceExpression"))
			if !ok {
				return
			}
			src = "=" + f
		}
	}
	switch {
	case x.attr("local") == "true":
		b.refuse(x.pos, e, "vendor", "camunda:%s local=\"true\" is not read and would change the meaning", x.name)
	case x.attr("businessKey") != "":
		b.warn(x.pos, e.ID, "ignored", "camunda:%s businessKey has no effect here: there is no business key", x.name)
	case x.attr("variables") == "all" && e.Kind == CallActivity:
	case x.attr("variables") == "all":
		b.refuse(x.pos, e, "vendor", "camunda:%s variables=\"all\": a signal carries here what is named: name the variables", x.name)
	case src != "" && target != "":
		n.mapping(x.pos).add(x.pos, kind, "source", src, "target", target)
	default:
		b.refuse(x.pos, e, "vendor", "camunda:%s without a source and a target", x.name)
	}
}
