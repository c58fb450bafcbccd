// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
)

type point struct{ x, y float64 }
type box struct{ x, y, w, h float64 }
type shape struct {
	box        box
	label      *box
	horizontal bool
	expanded   bool
}
type pool struct{ id, name, process string }
type note struct{ id, kind, text string }

// Drawing says how a process is drawn.
type Drawing struct {
	Active, Done []string // element ids
	Title, Desc  string   // what a screen reader says; Title "": the name of the process
	Marks        map[string]Mark
}

// Mark is what stands at an element of a heat map: a text, and how dark it is shaded
// (0 to 4); the text says what the shade shows.
type Mark struct {
	Level int
	Text  string
}

var heat = [5]string{"#fff", "#eaf2fb", "#cfe2f5", "#a9cbeb", "#7fb1de"}

// SVG draws a process with its tokens: from the diagram in the file, or from left to
// right when it has none. The result stands alone, has no script and no style
// attribute, and every text in it is escaped. Elements carry the classes
// "bpmn-active" and "bpmn-done", so that a page may colour them as it likes.
func SVG(d *Definitions, processID string, o Drawing) []byte {
	p, ok := d.Process(processID)
	if !ok {
		for _, x := range d.Processes {
			if x.ID == processID || processID == "" {
				p, ok = x, true
				break
			}
		}
	}
	if !ok {
		return []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>`)
	}
	shapes, edges := d.shapes, d.edges
	if !drawn(p, shapes) {
		shapes, edges = layout(p)
	}
	s := &svg{p: p, shapes: shapes, active: set(o.Active), done: set(o.Done), marks: o.Marks,
		min: point{math.Inf(1), math.Inf(1)}, max: point{math.Inf(-1), math.Inf(-1)}}
	for _, pl := range d.pools {
		if pl.process == p.ID {
			if sh, ok := shapes[pl.id]; ok {
				s.lane(sh, pl.name)
			}
		}
	}
	for _, l := range p.Lanes {
		if sh, ok := shapes[l.ID]; ok {
			s.lane(sh, l.Name)
		}
	}
	for _, e := range p.Elements {
		if e.Scope() && !s.hidden(e) {
			s.element(e)
		}
	}
	for _, f := range p.Flows {
		if line, ok := edges[f.ID]; ok && !s.hidden(f.From) {
			s.flow(f, line)
		}
	}
	for _, n := range d.notes {
		if sh, ok := shapes[n.id]; ok && n.kind == "textAnnotation" {
			s.note(sh, n)
		}
	}
	for _, e := range p.Elements {
		if !e.Scope() && !s.hidden(e) {
			s.element(e)
		}
	}
	title, desc := o.Title, o.Desc
	if title == "" {
		title = p.Name
	}
	if title == "" {
		title = p.ID
	}
	if math.IsInf(s.min.x, 0) {
		s.min, s.max = point{0, 0}, point{1, 1}
	}
	const pad = 12
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" class="bpmn" role="img" aria-labelledby="bpmn-title bpmn-desc" viewBox="%s %s %s %s" width="%s" height="%s" font-family="sans-serif" font-size="11" fill="none" stroke="#333" stroke-width="1.5">`,
		num(s.min.x-pad), num(s.min.y-pad), num(s.max.x-s.min.x+2*pad), num(s.max.y-s.min.y+2*pad), num(s.max.x-s.min.x+2*pad), num(s.max.y-s.min.y+2*pad))
	fmt.Fprintf(&out, `<title id="bpmn-title">%s</title><desc id="bpmn-desc">%s</desc>`, esc(title), esc(desc))
	out.WriteString(`<defs><marker id="bpmn-arrow" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="#333" stroke="none"/></marker></defs>`)
	out.Write(s.out.Bytes())
	out.WriteString("</svg>")
	return out.Bytes()
}

func set(ids []string) map[string]bool {
	m := make(map[string]bool, len(ids))
	for _, id := range ids {
		m[id] = true
	}
	return m
}

func esc(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

func num(f float64) string { return strings.TrimSuffix(fmt.Sprintf("%.1f", f), ".0") }

// drawn reports whether the file's diagram holds the process.
func drawn(p *Process, shapes map[string]shape) bool {
	n, have := 0, 0
	for _, e := range p.Elements {
		if e.Parent == nil {
			n++
			if _, ok := shapes[e.ID]; ok {
				have++
			}
		}
	}
	return n > 0 && have == n
}

type svg struct {
	p            *Process
	shapes       map[string]shape
	active, done map[string]bool
	marks        map[string]Mark
	out          bytes.Buffer
	min, max     point
}

func (s *svg) grow(b box) {
	s.min.x, s.min.y = math.Min(s.min.x, b.x), math.Min(s.min.y, b.y)
	s.max.x, s.max.y = math.Max(s.max.x, b.x+b.w), math.Max(s.max.y, b.y+b.h)
}

// hidden reports whether the element lies in a sub-process that is drawn closed.
func (s *svg) hidden(e *Element) bool {
	for x := e.Parent; x != nil; x = x.Parent {
		if sh, ok := s.shapes[x.ID]; !ok || !sh.expanded && sh.box.w <= 120 {
			return true
		}
	}
	_, ok := s.shapes[e.ID]
	return !ok
}

func (s *svg) lane(sh shape, name string) {
	s.grow(sh.box)
	b := sh.box
	fmt.Fprintf(&s.out, `<rect x="%s" y="%s" width="%s" height="%s" fill="#fff" stroke="#999"/>`, num(b.x), num(b.y), num(b.w), num(b.h))
	if sh.horizontal {
		fmt.Fprintf(&s.out, `<text transform="translate(%s %s) rotate(-90)" text-anchor="middle" fill="#333" stroke="none">%s</text>`, num(b.x+18), num(b.y+b.h/2), esc(name))
	} else {
		fmt.Fprintf(&s.out, `<text x="%s" y="%s" text-anchor="middle" fill="#333" stroke="none">%s</text>`, num(b.x+b.w/2), num(b.y+18), esc(name))
	}
}

func (s *svg) note(sh shape, n note) {
	b := sh.box
	s.grow(b)
	fmt.Fprintf(&s.out, `<path d="M%s %sh-10v%sh10" stroke="#777"/>`, num(b.x+10), num(b.y), num(b.h))
	s.text(n.text, b.x+b.w/2+5, b.y+b.h/2, b.w-8, 6)
}

func (s *svg) flow(f *Flow, line []point) {
	var d strings.Builder
	for i, p := range line {
		c := "L"
		if i == 0 {
			c = "M"
		}
		fmt.Fprintf(&d, "%s%s %s", c, num(p.x), num(p.y))
		s.grow(box{p.x, p.y, 0, 0})
	}
	fmt.Fprintf(&s.out, `<path class="bpmn-flow" d="%s" marker-end="url(#bpmn-arrow)"/>`, d.String())
	if f.From.Default == f && len(line) > 1 {
		a, b := line[0], line[1]
		if l := math.Hypot(b.x-a.x, b.y-a.y); l > 0 {
			x, y := a.x+(b.x-a.x)/l*10, a.y+(b.y-a.y)/l*10
			fmt.Fprintf(&s.out, `<path d="M%s %sl8 -8"/>`, num(x-4), num(y+4))
		}
	}
	if f.Name != "" {
		x, y := (line[0].x+line[1].x)/2, (line[0].y+line[1].y)/2-8
		if sh, ok := s.shapes[f.ID]; ok && sh.label != nil {
			x, y = sh.label.x+sh.label.w/2, sh.label.y+sh.label.h/2
		}
		s.text(f.Name, x, y, 90, 2)
	}
}

// text writes centred lines around a point.
func (s *svg) text(t string, x, y, width float64, most int) {
	limit := max(4, int(width/6))
	var lines []string
	cur := ""
	for _, w := range strings.Fields(t) {
		for r := []rune(w); ; r = []rune(w) {
			if len([]rune(cur))+1+len(r) <= limit {
				if cur != "" {
					cur += " "
				}
				cur += w
				break
			}
			if cur != "" {
				lines = append(lines, cur)
				cur = ""
				continue
			}
			if len(r) <= limit {
				cur = w
				break
			}
			lines = append(lines, string(r[:limit-1])+"-")
			w = string(r[limit-1:])
		}
		if len(lines) > most {
			break
		}
	}
	if cur != "" {
		lines = append(lines, cur)
	}
	if len(lines) > most {
		lines = lines[:most]
		lines[most-1] += " …"
	}
	for i, l := range lines {
		fmt.Fprintf(&s.out, `<text x="%s" y="%s" text-anchor="middle" fill="#111" stroke="none">%s</text>`,
			num(x), num(y+4+13*(float64(i)-float64(len(lines)-1)/2)), esc(l))
	}
	s.grow(box{x - width/2, y - 8, width, 16})
}

func (s *svg) element(e *Element) {
	sh := s.shapes[e.ID]
	b := sh.box
	s.grow(b)
	class, fill, stroke, weight := "bpmn-"+string(e.Kind), "#fff", "#333", 1.5
	if s.done[e.ID] {
		class, fill, stroke = class+" bpmn-done", "#e3f1e6", "#1c6b33"
	}
	if s.active[e.ID] {
		class, fill, stroke, weight = class+" bpmn-active", "#ffe9b8", "#8a4b00", 3.5
	}
	mark, marked := s.marks[e.ID]
	if marked {
		fill = heat[min(max(mark.Level, 0), len(heat)-1)]
	}
	cx, cy := b.x+b.w/2, b.y+b.h/2
	fmt.Fprintf(&s.out, `<g class="%s" data-element="%s" stroke="%s" stroke-width="%s">`, class, esc(e.ID), stroke, num(weight))
	fmt.Fprintf(&s.out, `<title>%s</title>`, esc(first(e.Name, e.ID)))
	below := true
	switch e.Kind {
	case StartEvent, EndEvent, ThrowEvent, CatchEvent, BoundaryEvent:
		r := math.Min(b.w, b.h) / 2
		dash := ""
		if (e.Kind == BoundaryEvent || e.Kind == StartEvent && e.Parent != nil && e.Parent.ByEvent) && !e.Interrupting {
			dash = ` stroke-dasharray="4 3"`
		}
		end := ""
		if e.Kind == EndEvent && !s.active[e.ID] {
			end = ` stroke-width="3.5"`
		}
		fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="%s" fill="%s"%s%s/>`, num(cx), num(cy), num(r), fill, dash, end)
		if e.Kind == ThrowEvent || e.Kind == CatchEvent || e.Kind == BoundaryEvent {
			fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="%s"%s/>`, num(cx), num(cy), num(math.Max(1, r-4)), dash)
		}
		s.trigger(e, cx, cy, r)
	case ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway:
		fmt.Fprintf(&s.out, `<path d="M%s %sL%s %s %s %s %s %sz" fill="%s"/>`, num(cx), num(b.y), num(b.x+b.w), num(cy), num(cx), num(b.y+b.h), num(b.x), num(cy), fill)
		k := math.Min(b.w, b.h) / 5
		switch e.Kind {
		case ExclusiveGateway:
			fmt.Fprintf(&s.out, `<path stroke-width="3" d="M%s %sl%s %sm0 -%sl-%s %s"/>`, num(cx-k), num(cy-k), num(2*k), num(2*k), num(2*k), num(2*k), num(2*k))
		case ParallelGateway:
			fmt.Fprintf(&s.out, `<path stroke-width="3" d="M%s %sh%sM%s %sv%s"/>`, num(cx-k), num(cy), num(2*k), num(cx), num(cy-k), num(2*k))
		case InclusiveGateway:
			fmt.Fprintf(&s.out, `<circle stroke-width="2.5" cx="%s" cy="%s" r="%s"/>`, num(cx), num(cy), num(k*1.2))
		default:
			fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="%s"/><circle cx="%s" cy="%s" r="%s"/>`, num(cx), num(cy), num(k*1.4), num(cx), num(cy), num(k))
		}
	default:
		dash := ""
		if e.ByEvent {
			dash = ` stroke-dasharray="2 3"`
		}
		fmt.Fprintf(&s.out, `<rect x="%s" y="%s" width="%s" height="%s" rx="10" fill="%s"%s/>`, num(b.x), num(b.y), num(b.w), num(b.h), fill, dash)
		s.marker(e, b)
		open := e.Scope() && (sh.expanded || b.w > 120)
		y, most := cy, 5
		if open {
			y, most = b.y+14, 1
		}
		s.text(e.Name, cx, y, b.w-8, most)
		below = false
	}
	if s.active[e.ID] { // not by colour alone
		fmt.Fprintf(&s.out, `<circle class="bpmn-token" cx="%s" cy="%s" r="7" fill="#8a4b00" stroke="#fff"/>`, num(b.x+b.w-2), num(b.y+2))
	}
	if marked && mark.Text != "" {
		w := 6.2*float64(len([]rune(mark.Text))) + 8
		fmt.Fprintf(&s.out, `<rect class="bpmn-mark" x="%s" y="%s" width="%s" height="15" rx="3" fill="#fff" stroke="#333" stroke-width="1"/><text x="%s" y="%s" text-anchor="middle" fill="#111" stroke="none">%s</text>`,
			num(cx-w/2), num(b.y-9), num(w), num(cx), num(b.y+2.5), esc(mark.Text))
		s.grow(box{cx - w/2, b.y - 9, w, 15})
	}
	if below && e.Name != "" {
		x, y, w := cx, b.y+b.h+12, 96.0
		if sh.label != nil {
			x, y, w = sh.label.x+sh.label.w/2, sh.label.y+sh.label.h/2, math.Max(sh.label.w, 60)
		}
		s.text(e.Name, x, y, w, 3)
	}
	s.out.WriteString("</g>")
}

func first(a ...string) string {
	for _, s := range a {
		if s != "" {
			return s
		}
	}
	return ""
}

// trigger draws the sign in an event.
func (s *svg) trigger(e *Element, cx, cy, r float64) {
	k := r / 2
	fill := "none"
	if e.Kind == ThrowEvent || e.Kind == EndEvent {
		fill = "#333"
	}
	path := func(format string, v ...float64) {
		args := make([]any, len(v))
		for i, x := range v {
			args[i] = num(x)
		}
		fmt.Fprintf(&s.out, `<path stroke-width="1.2" fill="%s" d="%s"/>`, fill, fmt.Sprintf(format, args...))
	}
	switch e.Trigger {
	case Message:
		path("M%s %sh%sv%sh-%szl%s %s %s -%s", cx-k, cy-k*.7, 2*k, 1.4*k, 2*k, k, k*.7, k, k*.7)
	case Timer:
		fmt.Fprintf(&s.out, `<circle stroke-width="1.2" cx="%s" cy="%s" r="%s"/>`, num(cx), num(cy), num(k))
		fill = "none"
		path("M%s %sv-%sM%s %sl%s %s", cx, cy, k*.8, cx, cy, k*.5, k*.3)
	case ErrorEvent:
		path("M%s %sl%s -%s %s %s %s -%s -%s %s -%s -%sz", cx-k, cy+k, k*.7, 1.8*k, k*.6, k, k*.7, k*1.1, k*.7, 1.9*k, k*.6, k*.9)
	case Escalation:
		path("M%s %sl%s %s -%s -%s -%s %sz", cx, cy-k, k*.8, 1.9*k, k*.8, k*.8, k*.8, k*.8)
	case Terminate:
		fmt.Fprintf(&s.out, `<circle cx="%s" cy="%s" r="%s" fill="#333"/>`, num(cx), num(cy), num(k*1.1))
	case Link:
		path("M%s %sh%sv-%sl%s %s -%s %sv-%sh-%sz", cx-k, cy-k*.4, k, k*.4, k, k*.8, k, k*.8, k*.4, k)
	case Signal:
		path("M%s %sl%s %sh-%sz", cx, cy-k, k, 1.7*k, 2*k)
	}
}

// marker draws the sign of a task in its corner.
func (s *svg) marker(e *Element, b box) {
	x, y := b.x+7, b.y+7
	switch e.Kind {
	case UserTask:
		fmt.Fprintf(&s.out, `<path stroke-width="1" d="M%s %sa4 4 0 1 1 .1 0zm-5 9c0-10 10-10 10 0z"/>`, num(x+5), num(y+7))
	case ServiceTask:
		fmt.Fprintf(&s.out, `<circle stroke-width="2" stroke-dasharray="2.2 1.6" cx="%s" cy="%s" r="5"/><circle stroke-width="1" cx="%s" cy="%s" r="2"/>`, num(x+6), num(y+6), num(x+6), num(y+6))
	case BusinessRuleTask:
		fmt.Fprintf(&s.out, `<path stroke-width="1" d="M%s %sh14v10h-14zm0 3h14m0 3.500h-14m4 -3.500v7"/>`, num(x), num(y))
	case ScriptTask:
		fmt.Fprintf(&s.out, `<path stroke-width="1" d="M%s %sh9q-4 5 0 11h-9q4 -6 0 -11m2 3h5m-4 3h5"/>`, num(x), num(y))
	case SendTask, ReceiveTask:
		fill := "none"
		if e.Kind == SendTask {
			fill = "#999"
		}
		fmt.Fprintf(&s.out, `<path stroke-width="1" fill="%s" d="M%s %sh14v10h-14zl7 5 7 -5"/>`, fill, num(x), num(y))
	case CallActivity:
		fmt.Fprintf(&s.out, `<rect x="%s" y="%s" width="%s" height="%s" rx="8" stroke-width="2"/>`, num(b.x+2), num(b.y+2), num(math.Max(0, b.w-4)), num(math.Max(0, b.h-4)))
	}
	if e.Multi != nil {
		d := "M%s %sv10m4 -10v10m4 -10v10"
		if e.Multi.Sequential {
			d = "M%s %sh10m0 4h-10m0 4h10"
		}
		fmt.Fprintf(&s.out, `<path stroke-width="2" d="`+d+`"/>`, num(b.x+b.w/2-5), num(b.y+b.h-13))
	}
}

// layout places a process without a diagram: a column for each step from the start,
// sub-processes closed.
func layout(p *Process) (map[string]shape, map[string][]point) {
	const dx, dy = 150, 110
	column := map[*Element]int{}
	var order []*Element
	visit := func(e *Element, c int) {
		todo := []*Element{e}
		column[e] = c
		order = append(order, e)
		for len(todo) > 0 {
			x := todo[0]
			todo = todo[1:]
			next := func(y *Element) {
				if _, ok := column[y]; !ok {
					column[y] = column[x] + 1
					order = append(order, y)
					todo = append(todo, y)
				}
			}
			for _, f := range x.Out {
				next(f.To)
			}
			for _, bo := range x.Boundary {
				if _, ok := column[bo]; !ok {
					column[bo] = column[x]
					order = append(order, bo)
					todo = append(todo, bo)
				}
			}
		}
	}
	top := p.children(nil)
	for _, e := range top {
		if e.Kind == StartEvent {
			if _, ok := column[e]; !ok {
				visit(e, 0)
			}
		}
	}
	for _, e := range top {
		if _, ok := column[e]; !ok && len(e.In) == 0 && e.Host == nil {
			visit(e, 0)
		}
	}
	for _, e := range top {
		if _, ok := column[e]; !ok {
			visit(e, 0)
		}
	}
	rows := map[int]int{}
	shapes, edges := map[string]shape{}, map[string][]point{}
	for _, e := range order {
		if e.Host != nil {
			continue
		}
		c := column[e]
		cx, cy := float64(c*dx+60), float64(rows[c]*dy+60)
		rows[c]++
		w, h := 100.0, 80.0
		switch e.Kind {
		case StartEvent, EndEvent, ThrowEvent, CatchEvent:
			w, h = 36, 36
		case ExclusiveGateway, ParallelGateway, InclusiveGateway, EventBasedGateway, ComplexGateway:
			w, h = 50, 50
		}
		shapes[e.ID] = shape{box: box{cx - w/2, cy - h/2, w, h}}
		for i, bo := range e.Boundary {
			shapes[bo.ID] = shape{box: box{cx + w/2 - 40 - float64(30*i), cy + h/2 - 15, 30, 30}}
		}
	}
	for _, f := range p.Flows {
		a, ok1 := shapes[f.From.ID]
		b, ok2 := shapes[f.To.ID]
		if !ok1 || !ok2 {
			continue
		}
		from, to := point{a.box.x + a.box.w, a.box.y + a.box.h/2}, point{b.box.x, b.box.y + b.box.h/2}
		if f.From.Host != nil {
			from = point{a.box.x + a.box.w/2, a.box.y + a.box.h}
		}
		line := []point{from}
		if to.x < from.x {
			low := math.Max(a.box.y+a.box.h, b.box.y+b.box.h) + 14
			line = append(line, point{from.x + 12, from.y}, point{from.x + 12, low}, point{to.x - 12, low}, point{to.x - 12, to.y})
		} else if from.y != to.y {
			mid := from.x + 14
			line = append(line, point{mid, from.y}, point{mid, to.y})
		}
		edges[f.ID] = slices.Clone(append(line, to))
	}
	return shapes, edges
}
