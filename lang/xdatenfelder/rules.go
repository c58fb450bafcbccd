// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"regexp"
	"strings"
)

// Rules of FIM are German sentences. Some are always written in the same words; those become
// conditions and checks of the form. Every other one stays a note: a guess would change the law.

const (
	// ref is how a sentence names a field or group: das Feld F60000231 "Tag". Some have a quotation mark too many.
	ref = `(?:(?:das|die|im|dem) )?(?:Feldgruppe |Datenfeldgruppe |Feld |Datenfeld )?"?([FG]\d{8}(?:\d{3})?)(?: ?"[^"]*")?`
	// code is a value, and what it is called.
	code        = `"?([A-Za-z0-9._-]+)"?(?: ?"[^"]*")?`
	filledWords = `(?:befüllt (?:werden|sein)|gefüllt (?:werden|sein))`
)

func sentence(s string) *regexp.Regexp {
	s = strings.NewReplacer("REF", ref, "CODE", code, "FILLED", filledWords).Replace(s)
	return regexp.MustCompile("^" + s + `\.?$`)
}

var (
	// Exactly when a field has a value another one is there.
	ruleWhen = sentence(`Wenn REF ?= ?CODE,? dann muss REF FILLED\. Wenn REF ?<> ?CODE,? dann darf REF nicht FILLED`)
	// Exactly when a field is filled in another one is there.
	ruleWith = sentence(`Wenn REF (?:befüllt (?:wurde|ist)|nicht leer),? dann muss REF FILLED\. Wenn REF (?:nicht befüllt (?:wurde|ist)|leer),? dann darf REF nicht FILLED`)
	// One of two groups or fields.
	ruleEither = sentence(`Es muss entweder REF oder REF FILLED`)
	// A field needs another one.
	ruleNeeds  = sentence(`Wenn REF (?:befüllt (?:wurde|ist)|nicht leer),? dann (?:muss REF FILLED|darf REF nicht leer sein)`)
	ruleNeeds2 = sentence(`Wenn REF nicht der Wert "" angegeben wurde, dann soll REF zum Pflichtfeld werden`)
	// A field with a value needs another one.
	ruleValue = sentence(`Wenn REF der Wert CODE angegeben wurde, dann soll REF zum Pflichtfeld werden`)
)

var space = regexp.MustCompile(`\s+`)

// find is the one place of an id below a place.
func (p *place) find(id string) (found *place, why string) {
	n := 0
	p.walk(func(q *place) {
		if ShortID(q.el.ID) == ShortID(id) {
			found = q
			n++
		}
	})
	switch n {
	case 0:
		return nil, id + " isn't below " + p.el.ID
	case 1:
		return found, ""
	}
	return nil, id + " is there more than once below " + p.el.ID
}

// rules translates what can be translated surely; the others are noted with the reason.
func (im *importer) rules(p *place) {
	for i, r := range p.el.Rules {
		why := im.rule(p, i, space.ReplaceAllString(strings.TrimSpace(r.Text), " "))
		if why == "" {
			p.states[r.ID] = "translated"
			continue
		}
		im.noted(p, r, why)
	}
}

func (im *importer) noted(p *place, r Rule, why string) {
	p.states[r.ID] = "noted: " + why
	im.sayAt(r.Line, r.Col, "rule %s of %s is kept as a note: %s", r.ID, p.el.ID, why)
}

// rule is why a rule isn't translated, "" if it is.
func (im *importer) rule(p *place, index int, text string) string {
	pair := func(from, to string) (a, b *place, why string) {
		if a, why = p.find(from); why == "" {
			b, why = p.find(to)
		}
		switch {
		case why != "":
		case a.el.Kind != Field || a.list || a.copies > 1 || a.asks() == 0:
			why = from + " is no single field"
		case b.list || b.copies > 1 || b.asks() == 0:
			why = to + " is shown as a list"
		}
		return
	}
	switch m := []string(nil); {
	case text == "":
		return "it has no text"
	case match(ruleWhen, text, &m):
		if ShortID(m[1]) != ShortID(m[4]) || m[2] != m[5] || ShortID(m[3]) != ShortID(m[6]) {
			return "its sentences speak of different fields or values"
		}
		a, b, why := pair(m[1], m[3])
		if why != "" {
			return why
		}
		if why := im.hasCode(a, m[2]); why != "" {
			return why
		}
		name, why := im.shows(a, b)
		if why != "" {
			return why
		}
		b.hides, b.required = append(b.hides, name+" != "+quote(m[2])), true
	case match(ruleWith, text, &m):
		if ShortID(m[1]) != ShortID(m[3]) || ShortID(m[2]) != ShortID(m[4]) {
			return "its sentences speak of different fields"
		}
		a, b, why := pair(m[1], m[2])
		if why != "" {
			return why
		}
		name, why := im.shows(a, b)
		if why != "" {
			return why
		}
		empty := name + " = null"
		if a.el.Type == "text" || a.el.Type == "text_latin" {
			empty += " or " + name + ` = ""` // what a renderer of form-js gives for an empty text
		}
		b.hides, b.required = append(b.hides, empty), true
	case match(ruleEither, text, &m):
		a, why := p.find(m[1])
		if why != "" {
			return why
		}
		b, why := p.find(m[2])
		switch {
		case why != "":
			return why
		case a.parent != b.parent || a == b:
			return "the two don't stand side by side"
		case a.count != (Count{0, 1}) || b.count != (Count{0, 1}):
			return "the two aren't both optional"
		case len(a.hides)+len(b.hides) > 0 || a.pick != nil || b.pick != nil:
			return "another rule shows one of them"
		}
		if b.order < a.order {
			a, b = b, a
		}
		im.pickOne(a.parent, []*place{a, b}, true)
	case match(ruleNeeds, text, &m) || match(ruleNeeds2, text, &m):
		if len(m) > 3 && m[2] == "" {
			m[2] = m[3]
		}
		return im.needs(p, index, m[1], m[2], "")
	case match(ruleValue, text, &m):
		return im.needs(p, index, m[1], m[3], m[2])
	default:
		return "its words aren't among those that are translated"
	}
	return ""
}

func match(re *regexp.Regexp, text string, m *[]string) bool {
	*m = re.FindStringSubmatch(text)
	return *m != nil
}

func (im *importer) hasCode(a *place, code string) string {
	if a.el.Input != "select" {
		return a.el.ID + " has no code list"
	}
	for _, o := range im.codes(a) {
		if o.Value == code {
			return ""
		}
	}
	if len(im.codes(a)) == 0 {
		return "the code list of " + a.el.ID + " isn't at hand"
	}
	return "the code " + code + " isn't in the code list of " + a.el.ID
}

// shows is the name by which what is shown reads what shows it.
func (im *importer) shows(a, b *place) (name, why string) {
	switch {
	case a.count.Max != 1:
		return "", a.el.ID + " takes several values"
	case a.order > b.order:
		return "", b.el.ID + " is asked before " + a.el.ID
	case a == b:
		return "", "it speaks of one field only"
	case b.count.Min > 0:
		return "", b.el.ID + " is always required"
	}
	name, ok := b.read(a, a.key)
	if !ok {
		return "", a.el.ID + " can't be read from " + b.el.ID
	}
	return name, ""
}

// needs lets a field that is filled in (with a value) ask for another one.
func (im *importer) needs(p *place, index int, from, to, value string) string {
	a, why := p.find(from)
	if why != "" {
		return why
	}
	b, why := p.find(to)
	switch {
	case why != "":
		return why
	case a == b || a.el.Kind != Field || b.el.Kind != Field || a.list || a.copies > 1 || a.count.Max != 1 || a.asks() == 0 || b.asks() == 0 ||
		a.el.Input == "locked" || b.el.Input == "locked":
		return "it isn't about two single fields"
	}
	name, ok := a.read(b, b.key)
	if !ok {
		return b.el.ID + " can't be read from " + a.el.ID
	}
	expr := name + " != null"
	if value != "" {
		if why := im.hasCode(a, value); why != "" {
			return why
		}
		own, ok := a.read(a, a.key)
		if !ok {
			return a.el.ID + " can't be read"
		}
		expr = own + " != " + quote(value) + " or " + expr
	}
	label := short(b.el.Label, 120)
	a.checks = append(a.checks, check{rule: index, at: p, target: b, expr: expr, msg: [3]string{
		"Bitte füllen Sie auch „" + label + "“ aus.", "Please fill in “" + label + "” too.", "Lütfen “" + label + "” alanını da doldurun."}})
	return ""
}

// check takes back what asks for an answer that comes on a later page only.
func (im *importer) check(p *place) {
	kept := p.checks[:0]
	for _, c := range p.checks {
		if c.target.page > p.page {
			im.noted(c.at, c.at.el.Rules[c.rule], c.target.el.ID+" is asked on a later page")
			continue
		}
		kept = append(kept, c)
	}
	p.checks = kept
}
