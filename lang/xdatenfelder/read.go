// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The namespaces of the two versions.
const (
	Namespace2 = "urn:xoev-de:fim:standard:xdatenfelder_2"
	Namespace3 = "urn:xoev-de:fim:standard:xdatenfelder_3.0.0"
)

// often says how often a child element may be there.
type often byte

const (
	once   often = '1' // exactly once, with a text or children
	maybe  often = '?'
	filled often = 'f' // like maybe; an empty one doesn't count (both stand in a test of version 3)
	any_   often = '*'
)

// grammar are the elements that may stand below an element, for each version.
type grammar map[string]map[string]often

func with(sets ...map[string]often) map[string]often {
	out := map[string]often{}
	for _, s := range sets {
		maps.Copy(out, s)
	}
	return out
}

var identification = map[string]often{"id": once, "version": maybe}

func grammar2() grammar {
	all := map[string]often{
		"identifikation": once, "name": once, "bezeichnungEingabe": maybe, "bezeichnungAusgabe": maybe, "beschreibung": maybe,
		"definition": maybe, "bezug": maybe, "status": once, "gueltigAb": maybe, "gueltigBis": maybe, "fachlicherErsteller": maybe,
		"versionshinweis": maybe, "freigabedatum": maybe, "veroeffentlichungsdatum": maybe,
	}
	part := map[string]often{"schemaelementart": once, "hilfetextEingabe": maybe, "hilfetextAusgabe": maybe, "regel": any_}
	return grammar{
		"identifikation": identification,
		"stammdatenschema": with(all, map[string]often{"hilfetext": maybe, "ableitungsmodifikationenStruktur": maybe,
			"ableitungsmodifikationenRepraesentation": maybe, "regel": any_, "struktur": any_}),
		"datenfeldgruppe": with(all, part, map[string]often{"struktur": any_}),
		"datenfeld": with(all, part, map[string]often{"feldart": once, "datentyp": once, "praezisierung": maybe, "inhalt": maybe,
			"codelisteReferenz": maybe}),
		"regel":                    with(all, map[string]often{"script": maybe}),
		"struktur":                 {"anzahl": once, "bezug": maybe, "enthaelt": once},
		"codelisteReferenz":        {"identifikation": maybe, "genericodeIdentification": maybe},
		"genericodeIdentification": {"canonicalIdentification": maybe, "version": maybe, "canonicalVersionUri": maybe},
	}
}

func grammar3() grammar {
	all := map[string]often{
		"identifikation": once, "name": once, "beschreibung": maybe, "definition": maybe, "bezug": any_, "freigabestatus": once,
		"statusGesetztAm": maybe, "statusGesetztDurch": maybe, "gueltigAb": maybe, "gueltigBis": maybe, "versionshinweis": maybe,
		"veroeffentlichungsdatum": maybe, "letzteAenderung": once, "relation": any_, "stichwort": any_,
	}
	part := map[string]often{"bezeichnungEingabe": once, "bezeichnungAusgabe": maybe, "schemaelementart": once,
		"hilfetextEingabe": maybe, "hilfetextAusgabe": maybe, "regel": any_}
	return grammar{
		"identifikation": identification, "objekt": identification, "dokumentsteckbrief": identification,
		"stammdatenschema": with(all, map[string]often{"bezeichnung": once, "hilfetext": maybe, "ableitungsmodifikationenStruktur": maybe,
			"ableitungsmodifikationenRepraesentation": maybe, "dokumentsteckbrief": maybe, "regel": any_, "struktur": any_}),
		"datenfeldgruppe": with(all, part, map[string]often{"art": maybe, "struktur": any_}),
		"datenfeld": with(all, part, map[string]often{"feldart": once, "datentyp": once, "praezisierung": maybe, "inhalt": filled,
			"vorbefuellung": maybe, "werte": maybe, "codelisteReferenz": maybe, "codeKey": maybe, "nameKey": maybe, "helpKey": maybe,
			"maxSize": maybe, "mediaType": any_}),
		"regel": {"identifikation": once, "name": once, "beschreibung": maybe, "freitextRegel": maybe, "bezug": any_,
			"fachlicherErsteller": maybe, "letzteAenderung": maybe, "typ": maybe, "param": any_, "ziel": any_, "skript": maybe,
			"fehler": any_, "stichwort": any_},
		"struktur":          {"anzahl": once, "bezug": any_, "enthaelt": once},
		"codelisteReferenz": {"canonicalIdentification": maybe, "version": maybe, "canonicalVersionUri": maybe},
		"relation":          {"praedikat": once, "objekt": once},
		"werte":             {"wert": any_},
		"wert":              {"code": once, "name": once, "hilfe": maybe},
	}
}

// codes that an element may hold.
var (
	inputs2   = []string{"input", "select", "label"}
	inputs3   = []string{"input", "select", "label", "hidden", "locked"}
	types2    = []string{"text", "date", "bool", "num", "num_int", "num_currency", "file", "obj"}
	types3    = append(slices.Clone(types2), "text_latin", "time", "datetime")
	arts      = []string{"ABS", "HAR", "RNG"}
	ruleTypes = []string{"K", "M", "V", "B"}
	states3   = []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	prefills  = []string{"keine", "optional", "verpflichtend"}
)

// Read reads a message. It reports every mistake, each with its place.
func Read(file string, data []byte) (*Message, error) {
	root, err := readXML(file, data)
	if err != nil {
		return nil, err
	}
	r := &reader{file: file, space: root.name.Space}
	m := &Message{File: file}
	switch root.name.Space {
	case Namespace2:
		m.Version, r.grammar = 2, grammar2()
	case Namespace3:
		m.Version, r.grammar = 3, grammar3()
	default:
		r.fail(root, "the namespace %q is not known: expected XDatenfelder 2.0 (%s) or 3.0.0 (%s)", root.name.Space, Namespace2, Namespace3)
		return nil, errors.Join(r.errs...)
	}
	r.version = m.Version
	body := map[string]string{
		"xdatenfelder.stammdatenschema.0102": "stammdatenschema",
		"xdatenfelder.datenfeldgruppe.0103":  "datenfeldgruppe",
		"xdatenfelder.datenfeld.0104":        "datenfeld",
	}[root.name.Local]
	if body == "" {
		r.fail(root, "<%s> holds no fields: expected the message stammdatenschema.0102, datenfeldgruppe.0103 or datenfeld.0104", root.name.Local)
		return nil, errors.Join(r.errs...)
	}
	r.grammar["header"] = map[string]often{"nachrichtID": once, "erstellungszeitpunkt": once, "referenzID": maybe}
	r.grammar[root.name.Local] = map[string]often{"header": once, body: once}
	r.children(root, root.name.Local)
	if h := root.kid("header"); h != nil {
		r.children(h, "header")
		m.ID, m.Created = h.str("nachrichtID"), h.str("erstellungszeitpunkt")
	}
	if e := root.kid(body); e != nil {
		m.Root = r.element(e)
	}
	if len(r.errs) > 0 {
		return nil, errors.Join(r.errs...)
	}
	return m, nil
}

type reader struct {
	file    string
	space   string
	version int
	grammar grammar
	errs    []error
}

func (r *reader) fail(e *element, format string, args ...any) {
	if len(r.errs) < 100 {
		r.errs = append(r.errs, Finding{r.file, e.line, e.col, fmt.Sprintf(format, args...)})
	}
}

// children holds what stands below an element against the grammar.
func (r *reader) children(e *element, name string) {
	rule := r.grammar[name]
	seen := map[string]int{}
	for _, k := range e.kids {
		n := k.name.Local
		how, known := rule[n]
		if !known || k.name.Space != r.space {
			r.fail(k, "<%s> is not expected in <%s>: expected %s", n, name, strings.Join(slices.Sorted(maps.Keys(rule)), ", "))
			continue
		}
		if how == filled && strings.TrimSpace(k.text.String()) == "" {
			continue
		}
		if seen[n]++; seen[n] == 2 && how != any_ {
			r.fail(k, "<%s> is there twice in <%s>: expected one", n, name)
		}
		if how == once && len(k.kids) == 0 && strings.TrimSpace(k.text.String()) == "" {
			r.fail(k, "<%s> is empty: expected a text", n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(rule)) {
		if rule[n] == once && seen[n] == 0 {
			r.fail(e, "<%s> is missing in <%s>", n, name)
		}
	}
	if len(rule) > 0 && strings.TrimSpace(e.text.String()) != "" {
		r.fail(e, "a text stands in <%s>: expected elements", name)
	}
}

// code is the value of a child that holds a <code>; allowed: which there are.
func (r *reader) code(e *element, name string, allowed []string) string {
	k := e.kid(name)
	if k == nil {
		return ""
	}
	if len(k.kids) != 1 || k.kids[0].name.Local != "code" {
		r.fail(k, "<%s> holds one <code>", name)
		return ""
	}
	c := k.kids[0]
	s := strings.TrimSpace(c.text.String())
	if allowed != nil && !slices.Contains(allowed, s) {
		r.fail(c, "%q is no %s: expected %s", s, name, strings.Join(allowed, ", "))
	}
	return s
}

func (r *reader) texts(e *element, name string) []string {
	var out []string
	for _, k := range e.kids {
		if s := strings.TrimSpace(k.text.String()); k.name.Local == name && s != "" {
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) id(e *element) (id, version string) {
	k := e.kid("identifikation")
	if k == nil {
		return "", ""
	}
	r.children(k, "identifikation")
	id = k.str("id")
	if len(id) > 40 || strings.ContainsAny(id, " \t\r\n") {
		r.fail(k.kid("id"), "%.60q is no id: expected a letter and digits, such as F60000227", id)
	}
	return id, k.str("version")
}

func (r *reader) element(e *element) *Element {
	name := e.name.Local
	r.children(e, name)
	out := &Element{
		Name: e.str("name"), Label: e.str("bezeichnungEingabe"), OutputLabel: e.str("bezeichnungAusgabe"),
		Help: e.str("hilfetextEingabe"), OutputHelp: e.str("hilfetextAusgabe"),
		Description: e.str("beschreibung"), Definition: e.str("definition"), Basis: r.texts(e, "bezug"),
		VersionNote: e.str("versionshinweis"), Creator: e.str("fachlicherErsteller") + e.str("statusGesetztDurch"),
		Changed: e.str("letzteAenderung"), Line: e.line, Col: e.col,
	}
	out.ID, out.Version = r.id(e)
	if r.version == 2 {
		out.Status = r.code(e, "status", nil)
	} else {
		out.Status = r.code(e, "freigabestatus", states3)
	}
	for _, k := range e.kids {
		if k.name.Local == "regel" {
			out.Rules = append(out.Rules, r.rule(k))
		}
	}
	switch name {
	case "stammdatenschema":
		if out.Help = e.str("hilfetext"); r.version == 3 {
			out.Label = e.str("bezeichnung")
		}
		r.structure(e, out)
	case "datenfeldgruppe":
		out.Kind, out.Art = Group, r.code(e, "schemaelementart", arts)
		out.Choice = r.code(e, "art", []string{"X"}) == "X"
		r.structure(e, out)
	default:
		out.Kind, out.Art = Field, r.code(e, "schemaelementart", arts)
		r.field(e, out)
	}
	if out.Label == "" {
		out.Label = out.Name
	}
	return out
}

func (r *reader) structure(e *element, out *Element) {
	for _, s := range e.kids {
		if s.name.Local != "struktur" {
			continue
		}
		r.children(s, "struktur")
		c := Child{Basis: r.texts(s, "bezug")}
		if n := s.kid("anzahl"); n != nil {
			var ok bool
			if c.Count, ok = ParseCount(n.text.String()); !ok {
				r.fail(n, "%.40q is no count: expected min:max, such as 0:1 or 1:*", strings.TrimSpace(n.text.String()))
			}
		}
		in := s.kid("enthaelt")
		if in == nil {
			continue
		}
		if len(in.kids) != 1 {
			r.fail(in, "<enthaelt> holds one <datenfeld> or one <datenfeldgruppe>, not %d elements", len(in.kids))
		}
		for _, k := range in.kids {
			if n := k.name.Local; k.name.Space != r.space || n != "datenfeld" && n != "datenfeldgruppe" {
				r.fail(k, "<%s> is not expected in <enthaelt>: expected datenfeld, datenfeldgruppe", n)
				continue
			}
			c.Element = r.element(k)
			out.Children = append(out.Children, c)
		}
	}
}

func (r *reader) field(e *element, out *Element) {
	inputs, types := inputs2, types2
	if r.version == 3 {
		inputs, types = inputs3, types3
	}
	out.Input, out.Type = r.code(e, "feldart", inputs), r.code(e, "datentyp", types)
	out.Prefill = r.code(e, "vorbefuellung", prefills)
	for _, k := range e.kids {
		if s := strings.TrimSpace(k.text.String()); k.name.Local == "inhalt" && s != "" {
			out.Content = s
		}
	}
	out.CodeKey, out.NameKey, out.HelpKey = e.str("codeKey"), e.str("nameKey"), e.str("helpKey")
	out.MaxSize, out.MediaTypes = e.str("maxSize"), r.texts(e, "mediaType")
	if p := e.kid("praezisierung"); p != nil {
		out.Limits = r.limits(p)
	}
	if c := e.kid("codelisteReferenz"); c != nil {
		r.children(c, "codelisteReferenz")
		ref := CodesRef{URI: c.str("canonicalIdentification"), Version: c.str("version"), VersionURI: c.str("canonicalVersionUri")}
		if r.version == 2 {
			ref.ID, _ = r.id(c)
			if g := c.kid("genericodeIdentification"); g != nil {
				r.children(g, "genericodeIdentification")
				ref.URI, ref.Version, ref.VersionURI = g.str("canonicalIdentification"), g.str("version"), g.str("canonicalVersionUri")
			}
		}
		if ref != (CodesRef{}) {
			out.Codes = &ref
		}
	}
	if w := e.kid("werte"); w != nil {
		r.children(w, "werte")
		for _, k := range w.kids {
			r.children(k, "wert")
			out.Values = append(out.Values, Code{k.str("code"), k.str("name"), k.str("hilfe")})
		}
		if len(out.Values) > maxCodes {
			r.fail(w, "more than %d values", maxCodes)
		}
	}
}

// limits are attributes in version 3, and JSON in version 2. What is neither is said in words.
func (r *reader) limits(p *element) Limits {
	text := strings.TrimSpace(p.text.String())
	if r.version == 3 {
		return Limits{MinLength: p.attr("minLength"), MaxLength: p.attr("maxLength"), MinValue: p.attr("minValue"),
			MaxValue: p.attr("maxValue"), Pattern: p.attr("pattern"), Text: text}
	}
	var in map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if !strings.HasPrefix(text, "{") || d.Decode(&in) != nil || d.More() {
		return Limits{Text: text}
	}
	var l Limits
	for _, k := range slices.Sorted(maps.Keys(in)) {
		s := fmt.Sprint(in[k])
		switch k {
		case "minLength":
			l.MinLength = s
		case "maxLength":
			l.MaxLength = s
		case "minValue":
			l.MinValue = s
		case "maxValue":
			l.MaxValue = s
		case "pattern":
			l.Pattern = s
		default:
			l.Text = strings.TrimSpace(l.Text + " " + k + ": " + s)
		}
	}
	return l
}

func (r *reader) rule(e *element) Rule {
	r.children(e, "regel")
	out := Rule{Name: e.str("name"), Script: e.str("skript"), Text: e.str("freitextRegel"), Type: r.code(e, "typ", ruleTypes),
		Basis: r.texts(e, "bezug"), Creator: e.str("fachlicherErsteller"), Changed: e.str("letzteAenderung"), Line: e.line, Col: e.col}
	if r.version == 2 {
		out.Text, out.Script = e.str("definition"), e.str("script")
	}
	if out.Text == "" {
		out.Text = e.str("beschreibung")
	}
	out.ID, out.Version = r.id(e)
	return out
}
