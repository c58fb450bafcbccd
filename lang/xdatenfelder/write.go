// SPDX-License-Identifier: EUPL-1.2

package xdatenfelder

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// Write makes a file of XDatenfelder 3.0.0. Elements stand in the order of the messages
// that FIM publishes. Ids and versions of 2.0 are written as 3.0.0 has them.
func Write(m *Message) []byte {
	w := &writer{changed: m.Created}
	w.b.WriteString(xml.Header)
	root, body := "xdatenfelder.stammdatenschema.0102", "stammdatenschema"
	switch m.Root.Kind {
	case Group:
		root, body = "xdatenfelder.datenfeldgruppe.0103", "datenfeldgruppe"
	case Field:
		root, body = "xdatenfelder.datenfeld.0104", "datenfeld"
	}
	w.open(root, "xmlns:xdf", Namespace3)
	w.open("header")
	w.text("nachrichtID", m.ID)
	w.text("erstellungszeitpunkt", m.Created)
	w.close("header")
	w.element(body, m.Root)
	w.close(root)
	return w.b.Bytes()
}

type writer struct {
	b       bytes.Buffer
	depth   int
	changed string
}

func (w *writer) escape(s string) { _ = xml.EscapeText(&w.b, []byte(s)) } // a buffer takes everything

func (w *writer) start(name string, attrs []string) {
	w.b.WriteString(strings.Repeat(" ", w.depth) + "<xdf:" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			w.b.WriteString(" " + attrs[i] + `="`)
			w.escape(attrs[i+1])
			w.b.WriteByte('"')
		}
	}
}

func (w *writer) open(name string, attrs ...string) {
	w.start(name, attrs)
	w.b.WriteString(">\n")
	w.depth++
}

func (w *writer) close(name string) {
	w.depth--
	w.b.WriteString(strings.Repeat(" ", w.depth) + "</xdf:" + name + ">\n")
}

// text writes an element that isn't empty.
func (w *writer) text(name, s string) {
	if s != "" {
		w.start(name, nil)
		w.b.WriteByte('>')
		w.escape(s)
		w.b.WriteString("</xdf:" + name + ">\n")
	}
}

func (w *writer) texts(name string, all []string) {
	for _, s := range all {
		w.text(name, s)
	}
}

func (w *writer) code(name, list, version, code string) {
	if code != "" {
		w.start(name, []string{"listURI", list, "listVersionID", version})
		w.b.WriteString("><code>")
		w.escape(code)
		w.b.WriteString("</code></xdf:" + name + ">\n")
	}
}

const lists = "urn:xoev-de:fim:codeliste:xdatenfelder."

func (w *writer) id(id, version string) {
	w.open("identifikation")
	w.text("id", longID(id))
	w.text("version", longVersion(version))
	w.close("identifikation")
}

// longVersion is a version as 3.0.0 has it: 1.2 is 1.2.0.
func longVersion(v string) string {
	if v != "" && strings.Count(v, ".") == 1 {
		return v + ".0"
	}
	return v
}

func (w *writer) element(name string, e *Element) {
	w.open(name)
	w.id(e.ID, e.Version)
	w.text("name", e.Name)
	w.text("beschreibung", e.Description)
	w.text("definition", e.Definition)
	w.texts("bezug", e.Basis)
	status := e.Status
	if len(status) != 1 {
		status = "2" // in Bearbeitung
	}
	w.code("freigabestatus", "urn:xoev-de:xprozess:codeliste:status", "2020-03-19", status)
	w.text("statusGesetztDurch", e.Creator)
	w.text("versionshinweis", e.VersionNote)
	w.text("letzteAenderung", w.time(e.Changed))
	if e.Kind == Schema {
		w.text("bezeichnung", e.Label)
		w.text("hilfetext", e.Help)
		w.code("ableitungsmodifikationenStruktur", lists+"ableitungsmodifikationenStruktur", "1.0", "3")
		w.code("ableitungsmodifikationenRepraesentation", lists+"ableitungsmodifikationenRepraesentation", "1.0", "1")
	} else {
		w.text("bezeichnungEingabe", e.Label)
		w.text("bezeichnungAusgabe", e.OutputLabel)
		w.code("schemaelementart", lists+"schemaelementart", "1.0", e.Art)
		w.text("hilfetextEingabe", e.Help)
		w.text("hilfetextAusgabe", e.OutputHelp)
	}
	switch e.Kind {
	case Field:
		w.field(e)
	case Group:
		if e.Choice {
			w.code("art", lists+"gruppenart", "1.0", "X")
		}
		w.rules(e)
	default:
		w.rules(e)
	}
	for _, c := range e.Children {
		w.open("struktur")
		w.text("anzahl", c.Count.String())
		w.texts("bezug", c.Basis)
		w.open("enthaelt")
		if c.Kind == Group {
			w.element("datenfeldgruppe", c.Element)
		} else {
			w.element("datenfeld", c.Element)
		}
		w.close("enthaelt")
		w.close("struktur")
	}
	w.close(name)
}

func (w *writer) time(s string) string {
	if s == "" {
		return w.changed
	}
	return s
}

func (w *writer) field(e *Element) {
	w.code("feldart", lists+"feldart", "2.0", e.Input)
	w.code("datentyp", lists+"datentyp", "2.0", e.Type)
	if l := e.Limits; l != (Limits{}) {
		w.start("praezisierung", []string{"minLength", l.MinLength, "maxLength", l.MaxLength, "minValue", l.MinValue, "maxValue", l.MaxValue, "pattern", l.Pattern})
		w.b.WriteByte('>')
		w.escape(l.Text)
		w.b.WriteString("</xdf:praezisierung>\n")
	}
	w.text("inhalt", e.Content)
	prefill := e.Prefill
	if prefill == "" {
		prefill = "keine"
	}
	w.code("vorbefuellung", lists+"vorbefuellung", "1.0", prefill)
	if len(e.Values) > 0 {
		w.open("werte")
		for _, v := range e.Values {
			w.open("wert")
			w.text("code", v.Code)
			w.text("name", v.Name)
			w.text("hilfe", v.Help)
			w.close("wert")
		}
		w.close("werte")
	}
	if c := e.Codes; c != nil {
		w.open("codelisteReferenz")
		w.text("canonicalIdentification", c.URI)
		w.text("version", c.Version)
		w.text("canonicalVersionUri", c.VersionURI)
		w.close("codelisteReferenz")
	}
	w.text("codeKey", e.CodeKey)
	w.text("nameKey", e.NameKey)
	w.text("helpKey", e.HelpKey)
	w.rules(e)
	w.text("maxSize", e.MaxSize)
	w.texts("mediaType", e.MediaTypes)
}

func (w *writer) rules(e *Element) {
	for _, r := range e.Rules {
		w.open("regel")
		w.id(r.ID, r.Version)
		w.text("name", r.Name)
		w.text("freitextRegel", r.Text)
		w.texts("bezug", r.Basis)
		w.text("fachlicherErsteller", r.Creator)
		w.text("letzteAenderung", w.time(r.Changed))
		typ := r.Type
		if typ == "" {
			typ = "K" // version 2 doesn't say: complex
		}
		w.code("typ", lists+"regeltyp", "1.0", typ)
		w.text("skript", r.Script)
		w.close("regel")
	}
}
