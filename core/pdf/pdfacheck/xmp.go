// SPDX-License-Identifier: EUPL-1.2

package pdfacheck

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
)

const (
	nsRDF    = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	nsID     = "http://www.aiim.org/pdfa/ns/id/"
	nsExt    = "http://www.aiim.org/pdfa/ns/extension/"
	nsSchema = "http://www.aiim.org/pdfa/ns/schema#"
	nsProp   = "http://www.aiim.org/pdfa/ns/property#"
)

// predefined are the schemas of XMP 2005 whose properties need no description.
var predefined = map[string]bool{
	"http://purl.org/dc/elements/1.1/": true, "http://ns.adobe.com/xap/1.0/": true, "http://ns.adobe.com/xap/1.0/rights/": true,
	"http://ns.adobe.com/xap/1.0/mm/": true, "http://ns.adobe.com/xap/1.0/bj/": true, "http://ns.adobe.com/xap/1.0/t/pg/": true,
	"http://ns.adobe.com/xmp/1.0/DynamicMedia/": true, "http://ns.adobe.com/pdf/1.3/": true, "http://ns.adobe.com/photoshop/1.0/": true,
	"http://ns.adobe.com/camera-raw-settings/1.0/": true, "http://ns.adobe.com/tiff/1.0/": true, "http://ns.adobe.com/exif/1.0/": true,
	"http://ns.adobe.com/exif/1.0/aux/": true, nsID: true, nsExt: true, nsRDF: true,
}

type node struct {
	name xml.Name
	attr []xml.Attr
	kids []*node
	text string
}

func (n *node) child(space, local string) *node {
	for _, k := range n.kids {
		if k.name.Space == space && k.name.Local == local {
			return k
		}
	}
	return nil
}

// value is a simple property, written as an element or as an attribute.
func (n *node) value(space, local string) (string, bool) {
	for _, a := range n.attr {
		if a.Name.Space == space && a.Name.Local == local {
			return a.Value, true
		}
	}
	if k := n.child(space, local); k != nil {
		return strings.TrimSpace(k.text), true
	}
	return "", false
}

// items are the members of a bag, sequence or alternative.
func (n *node) items() []*node {
	if n == nil {
		return nil
	}
	var out []*node
	for _, list := range n.kids {
		if list.name.Space != nsRDF {
			continue
		}
		for _, li := range list.kids {
			if d := li.child(nsRDF, "Description"); d != nil && len(li.attr) == 0 {
				li = d
			}
			out = append(out, li)
		}
	}
	return out
}

func readXML(data []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	root := &node{}
	stack := []*node{root}
	for n := 0; ; n++ {
		t, err := d.Token()
		if err == io.EOF {
			return root, nil
		}
		if err != nil || n > 200_000 || len(stack) > maxDepth {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			x := &node{name: t.Name, attr: t.Attr}
			top := stack[len(stack)-1]
			top.kids = append(top.kids, x)
			stack = append(stack, x)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			stack[len(stack)-1].text += string(t)
		}
	}
}

var packetHead = regexp.MustCompile(`<\?xpacket begin=[^?]*\?>`)

func (c *checker) metadata(root dict) {
	f := c.f
	s, ok := f.get(root["Metadata"]).(*stream)
	if !ok {
		c.add("6.6.2.1", "the catalog has no metadata")
		return
	}
	data, err := f.decode(s)
	if err != nil {
		c.add("6.6.2.1", "the metadata can't be read")
		return
	}
	if h := packetHead.Find(data); h != nil && (bytes.Contains(h, []byte("bytes=")) || bytes.Contains(h, []byte("encoding="))) {
		c.add("6.6.2.1", "the head of the metadata packet has bytes or encoding")
	}
	doc, err := readXML(data)
	if err != nil || doc == nil {
		c.add("6.6.2.1", "the metadata is not well-formed XML")
		return
	}
	var rdf *node
	for _, k := range doc.kids {
		if k.name.Local == "RDF" {
			rdf = k
		} else if x := k.child(nsRDF, "RDF"); x != nil {
			rdf = x
		}
	}
	if rdf == nil {
		c.add("6.6.2.1", "the metadata has no rdf:RDF")
		return
	}
	part, level := "", ""
	defined := map[string]map[string]bool{}
	for _, d := range rdf.kids {
		if v, ok := d.value(nsID, "part"); ok {
			part = v
		}
		if v, ok := d.value(nsID, "conformance"); ok {
			level = v
		}
		if ext := d.child(nsExt, "schemas"); ext != nil {
			c.extension(ext, defined)
		}
	}
	if part != "2" || level != "A" && level != "B" && level != "U" {
		c.add("6.6.4", "the metadata says part %q, conformance %q", part, level)
	}
	for _, d := range rdf.kids {
		for _, a := range d.attr {
			if a.Name.Space != "" && a.Name.Space != "xmlns" && a.Name.Space != "http://www.w3.org/XML/1998/namespace" && a.Name.Space != "xml" {
				c.property(a.Name, defined)
			}
		}
		for _, k := range d.kids {
			c.property(k.name, defined)
		}
	}
}

func (c *checker) property(n xml.Name, defined map[string]map[string]bool) {
	if predefined[n.Space] {
		return
	}
	if !defined[n.Space][n.Local] {
		c.add("6.6.2.3.1", "the property %s is described nowhere", n.Local)
	}
}

// extension reads the description of properties that XMP doesn't know.
func (c *checker) extension(ext *node, defined map[string]map[string]bool) {
	if ext.child(nsRDF, "Bag") == nil {
		c.add("6.6.2.3.3", "the extension schemas are no bag")
	}
	for _, s := range ext.items() {
		uri, ok := s.value(nsSchema, "namespaceURI")
		if !ok {
			c.add("6.6.2.3.3", "an extension schema without a namespace")
		}
		if _, ok := s.value(nsSchema, "prefix"); !ok {
			c.add("6.6.2.3.3", "an extension schema without a prefix")
		}
		if _, ok := s.value(nsSchema, "schema"); !ok {
			c.add("6.6.2.3.3", "an extension schema without a description")
		}
		if defined[uri] == nil {
			defined[uri] = map[string]bool{}
		}
		for _, p := range s.child(nsSchema, "property").items() {
			n, _ := p.value(nsProp, "name")
			cat, _ := p.value(nsProp, "category")
			_, hasType := p.value(nsProp, "valueType")
			_, hasText := p.value(nsProp, "description")
			if n == "" || !hasType || !hasText || cat != "internal" && cat != "external" {
				c.add("6.6.2.3.3", "an extension schema with an incomplete property %q", n)
			}
			defined[uri][n] = true
		}
	}
}
