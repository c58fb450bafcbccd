// SPDX-License-Identifier: EUPL-1.2

// Package pdfacheck looks at a PDF file with the eyes of PDF/A-2b (ISO 19005-2), as
// far as its structure tells. It is a help for our own files and for uploads, no
// certificate.
//
// It checks: header and trailer (6.1.2, 6.1.3), strings, streams, filters and
// objects as they are written (6.1.6 to 6.1.9), inline images (6.1.10), limits
// (6.1.13), operators and named resources of content streams (6.2.2), the output
// intent and its ICC profile (6.2.3), device colours against it (6.2.4.3), graphics
// states (6.2.5), rendering intents (6.2.6), images and form XObjects (6.2.8,
// 6.2.9), blend modes and groups (6.2.10), that fonts are embedded and complete in
// their dictionaries (6.2.11), annotations (6.3), forms (6.4), actions (6.5), that
// metadata is there, is XML, names part 2 and its level, and describes the
// properties that it uses (6.6), embedded files and optional content (6.8, 6.9),
// alternate presentations (6.10).
//
// It doesn't check: the bytes of the cross-reference table, glyphs and widths inside
// font programs, .notdef glyphs, JPEG 2000, signatures, whether an embedded file is
// itself PDF/A, and the types of structured metadata values. Of the veraPDF corpus'
// subset for 2b it judges 45 of 47 files right (17 of 17 that conform, 28 of 30 that
// don't); what is clean here is therefore not certified.
package pdfacheck

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Finding is a way in which a file is not PDF/A-2b.
type Finding struct {
	Clause string // of ISO 19005-2
	Msg    string
}

func (f Finding) String() string { return f.Clause + ": " + f.Msg }

// Check lists what is wrong with a file, at most 100 findings. None means: nothing
// that this package looks at.
func Check(data []byte) []Finding {
	c := &checker{seen: map[Finding]bool{}}
	f, err := parse(data, c)
	if err != nil {
		c.add("parse", "%v", err)
		return c.out
	}
	c.f = f
	c.run()
	return c.out
}

type checker struct {
	f        *file
	out      []Finding
	seen     map[Finding]bool
	intent   string // colour space of the output intent: "RGB ", "CMYK", "GRAY"
	contents map[*stream]bool
}

func (c *checker) add(clause, format string, args ...any) {
	x := Finding{clause, fmt.Sprintf(format, args...)}
	if len(c.out) < 100 && !c.seen[x] {
		c.seen[x] = true
		c.out = append(c.out, x)
	}
}

func (c *checker) lexical(at int, rule, msg string) { c.add(rule, "%s", msg) }

func (c *checker) run() {
	f := c.f
	c.contents = map[*stream]bool{}
	c.header()
	if len(f.trailers) == 0 {
		c.add("6.1.3", "there is no trailer")
		return
	}
	var root dict
	for _, t := range f.trailers {
		if t["Encrypt"] != nil {
			c.add("6.1.3", "the file is encrypted")
		}
		if r := f.dict(t["Root"]); r != nil {
			root = r
		}
	}
	if !slices.ContainsFunc(f.trailers, func(t dict) bool { return len(f.array(t["ID"])) == 2 }) {
		c.add("6.1.3", "the trailer has no ID")
	}
	if root == nil {
		c.add("6.1.3", "there is no catalog")
		return
	}
	c.outputIntents(root)
	c.catalog(root)
	c.metadata(root)
	for _, num := range sortedNums(f.objs) {
		c.object(num, f.objs[num], 0)
	}
	c.pages(root["Pages"], nil, 0)
}

func sortedNums(m map[int]any) []int {
	out := make([]int, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

func (c *checker) header() {
	b := c.f.b
	if len(b) < 9 || !bytes.HasPrefix(b, []byte("%PDF-1.")) || b[7] < '0' || b[7] > '7' || eol(b, 8) == 0 {
		c.add("6.1.2", "the file doesn't begin with %%PDF-1.n and an end of line")
		return
	}
	at := 8 + eol(b, 8)
	ok := at+5 <= len(b) && b[at] == '%'
	for i := 1; ok && i <= 4; i++ {
		ok = b[at+i] > 127
	}
	if !ok {
		c.add("6.1.2", "the header is not followed by a comment of four bytes above 127")
	}
	i := bytes.LastIndex(b, []byte("%%EOF"))
	if i < 0 {
		c.add("6.1.3", "there is no %%%%EOF")
	} else if rest := b[i+5:]; len(rest) > 0 && len(rest) != eol(b, i+5) {
		c.add("6.1.3", "there is data after the last %%%%EOF")
	}
}

func (c *checker) outputIntents(root dict) {
	f := c.f
	var profile any
	for _, o := range f.array(root["OutputIntents"]) {
		d := f.dict(o)
		if d["DestOutputProfileRef"] != nil {
			c.add("6.2.3", "an output intent with DestOutputProfileRef")
		}
		p := d["DestOutputProfile"]
		if p != nil {
			if profile != nil && profile != p {
				c.add("6.2.3", "output intents with different profiles")
			}
			profile = p
		}
		if f.name(d["S"]) != "GTS_PDFA1" {
			continue
		}
		s, ok := f.get(p).(*stream)
		if !ok {
			if p != nil {
				c.add("6.2.3", "the destination profile is no stream")
			}
			continue
		}
		if space, ok := c.profile(s, "6.2.3", []string{"prtr", "mntr"}); ok {
			c.intent = space
		}
	}
}

// profile checks the head of an ICC profile.
func (c *checker) profile(s *stream, clause string, classes []string) (space string, ok bool) {
	data, err := c.f.decode(s)
	if err != nil || len(data) < 132 || string(data[36:40]) != "acsp" {
		c.add(clause, "an ICC profile that can't be read")
		return "", false
	}
	if int(binary.BigEndian.Uint32(data)) > len(data) {
		c.add(clause, "an ICC profile that is cut off")
	}
	if data[8] > 4 || data[8] < 2 {
		c.add(clause, "an ICC profile of version %d", data[8])
	}
	if class := string(data[12:16]); !slices.Contains(classes, class) {
		c.add(clause, "an ICC profile of class %q", class)
	}
	space = string(data[16:20])
	want := map[string]float64{"RGB ": 3, "CMYK": 4, "GRAY": 1, "Lab ": 3}[space]
	if n, _ := c.f.num(s.dict["N"]); want == 0 || n != want {
		c.add(clause, "an ICC profile for %q with N = %v", space, n)
	}
	return space, true
}

func (c *checker) catalog(root dict) {
	f := c.f
	if root["AA"] != nil {
		c.add("6.5.2", "the catalog has additional actions")
	}
	if root["Requirements"] != nil {
		c.add("6.11", "the catalog has Requirements")
	}
	if v := f.dict(root["Perms"]); v != nil {
		for k := range v {
			if k != "UR3" && k != "DocMDP" {
				c.add("6.1.12", "the permissions dictionary has %s", k)
			}
		}
	}
	names := f.dict(root["Names"])
	if names["AlternatePresentations"] != nil {
		c.add("6.10", "the file has alternate presentations")
	}
	if names["JavaScript"] != nil {
		c.add("6.5.1", "the file has scripts")
	}
	if a := f.dict(root["AcroForm"]); a != nil {
		if a["XFA"] != nil {
			c.add("6.4.2", "the form is an XFA form")
		}
		if b, _ := f.get(a["NeedAppearances"]).(bool); b {
			c.add("6.4.1", "the form needs appearances to be made")
		}
	}
	if b, _ := f.get(root["NeedsRendering"]).(bool); b {
		c.add("6.4.2", "the catalog has NeedsRendering")
	}
	c.optional(f.dict(root["OCProperties"]))
}

func (c *checker) optional(oc dict) {
	f := c.f
	if oc == nil {
		return
	}
	all := f.array(oc["OCGs"])
	seen := map[string]bool{}
	for i, v := range append(array{oc["D"]}, f.array(oc["Configs"])...) {
		d := f.dict(v)
		if d == nil {
			continue
		}
		n, ok := f.get(d["Name"]).(text)
		if !ok || len(n.raw) == 0 {
			c.add("6.9", "configuration %d of the optional content has no name", i)
		} else if seen[string(n.raw)] {
			c.add("6.9", "two configurations of the optional content have the same name")
		}
		seen[string(n.raw)] = true
		if d["AS"] != nil {
			c.add("6.9", "a configuration of the optional content has AS")
		}
		if d["Order"] != nil {
			in := map[any]bool{}
			var walk func(v any, depth int)
			walk = func(v any, depth int) {
				in[v] = true
				if depth < 20 {
					for _, x := range f.array(v) {
						walk(x, depth+1)
					}
				}
			}
			for _, x := range f.array(d["Order"]) {
				if _, isArray := x.(array); isArray {
					for _, y := range x.(array) {
						if _, nested := y.(array); !nested {
							in[y] = true
						} else {
							for _, z := range f.array(y) {
								if _, deep := z.(array); !deep {
									in[z] = true
								}
							}
						}
					}
				} else if r, isRef := x.(ref); isRef {
					in[r] = true
					for _, y := range f.array(r) {
						if _, nested := y.(array); !nested {
							in[y] = true
						}
					}
				}
			}
			for _, g := range all {
				if !in[g] {
					c.add("6.9", "the order of the optional content doesn't name every group")
				}
			}
		}
	}
}

var badActions = []string{"Launch", "Sound", "Movie", "ResetForm", "ImportData", "Hide", "SetOCGState", "Rendition", "Trans", "GoTo3DView", "JavaScript"}

// object looks at every dictionary of the file, wherever it hangs.
func (c *checker) object(num int, v any, depth int) {
	if depth > maxDepth {
		return
	}
	switch x := v.(type) {
	case array:
		if len(x) == 5 || len(x) == 4 {
			c.colourArray(x)
		}
		for _, e := range x {
			c.object(num, e, depth+1)
		}
	case *stream:
		c.streamObject(num, x)
		c.object(num, x.dict, depth)
	case dict:
		c.dictionary(num, x)
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			if k != "Parent" {
				c.object(num, x[k], depth+1)
			}
		}
	}
}

func (c *checker) colourArray(a array) {
	n, _ := a[0].(name)
	if n == "DeviceN" {
		if names := c.f.array(a[1]); len(names) > 32 {
			c.add("6.1.13", "DeviceN with %d colourants", len(names))
		}
	}
}

func (c *checker) streamObject(num int, s *stream) {
	f := c.f
	for _, k := range []string{"F", "FFilter", "FDecodeParms"} {
		if s.dict[k] != nil && f.name(s.dict["Type"]) != "EmbeddedFile" {
			c.add("6.1.7.1", "object %d: the data of the stream is in another file", num)
		}
	}
	filters := f.array(s.dict["Filter"])
	if n := f.name(s.dict["Filter"]); n != "" {
		filters = array{name(n)}
	}
	params := f.array(s.dict["DecodeParms"])
	if d := f.dict(s.dict["DecodeParms"]); d != nil {
		params = array{d}
	}
	for i, fl := range filters {
		n := f.name(fl)
		if !slices.Contains([]string{"ASCIIHexDecode", "ASCII85Decode", "FlateDecode", "RunLengthDecode", "CCITTFaxDecode", "JBIG2Decode", "DCTDecode", "JPXDecode", "Crypt"}, n) {
			c.add("6.1.7.2", "object %d: the filter %s", num, n)
		}
		if n == "Crypt" && (i >= len(params) || f.name(f.dict(params[i])["Name"]) != "" && f.name(f.dict(params[i])["Name"]) != "Identity") {
			c.add("6.1.7.2", "object %d: a Crypt filter that encrypts", num)
		}
	}
}

func (c *checker) dictionary(num int, d dict) {
	f := c.f
	typ, sub := f.name(d["Type"]), f.name(d["Subtype"])
	switch s := f.name(d["S"]); {
	case slices.Contains(badActions, s) && (typ == "Action" || d["JS"] != nil || typ == ""):
		c.add("6.5.1", "object %d: an action %s", num, s)
	case s == "Named" && d["N"] != nil && !slices.Contains([]string{"NextPage", "PrevPage", "FirstPage", "LastPage"}, f.name(d["N"])):
		c.add("6.5.1", "object %d: the named action %s", num, f.name(d["N"]))
	}
	if typ == "ExtGState" || (d["TR"] != nil || d["TR2"] != nil || d["HTP"] != nil) && typ == "" {
		if d["TR"] != nil {
			c.add("6.2.5", "object %d: a graphics state with TR", num)
		}
		if d["TR2"] != nil && f.name(d["TR2"]) != "Default" {
			c.add("6.2.5", "object %d: a graphics state with TR2", num)
		}
		if d["HTP"] != nil || d["HTO"] != nil {
			c.add("6.2.5", "object %d: a graphics state with a halftone phase or origin", num)
		}
	}
	if bm := d["BM"]; bm != nil && (typ == "ExtGState" || typ == "") {
		list := f.array(bm)
		if list == nil {
			list = array{bm}
		}
		for _, m := range list {
			if !slices.Contains(blendModes, f.name(m)) {
				c.add("6.2.10", "object %d: the blend mode %q", num, f.name(m))
			}
		}
	}
	if h, ok := f.num(d["HalftoneType"]); ok {
		if h != 1 && h != 5 {
			c.add("6.2.5", "object %d: a halftone of type %v", num, h)
		}
		if d["HalftoneName"] != nil {
			c.add("6.2.5", "object %d: a halftone with a name", num)
		}
	}
	if ri := f.name(d["RI"]); ri != "" && !slices.Contains(intents, ri) {
		c.add("6.2.6", "object %d: the rendering intent %s", num, ri)
	}
	switch {
	case sub == "Image" && d["Width"] != nil:
		if d["Alternates"] != nil {
			c.add("6.2.8", "object %d: an image with alternates", num)
		}
		if d["OPI"] != nil {
			c.add("6.2.8", "object %d: an image with OPI", num)
		}
		if b, _ := f.get(d["Interpolate"]).(bool); b {
			c.add("6.2.8", "object %d: an image that is interpolated", num)
		}
		if in := f.name(d["Intent"]); in != "" && !slices.Contains(intents, in) {
			c.add("6.2.6", "object %d: the rendering intent %s", num, in)
		}
		c.colour(d["ColorSpace"], nil, 0)
	case sub == "Form" && d["BBox"] != nil:
		if d["OPI"] != nil || d["PS"] != nil || d["Subtype2"] != nil {
			c.add("6.2.9.1", "object %d: a form XObject with OPI, PS or Subtype2", num)
		}
		if d["Ref"] != nil {
			c.add("6.2.9.2", "object %d: a reference XObject", num)
		}
	case sub == "PS" && typ == "XObject":
		c.add("6.2.9.3", "object %d: a PostScript XObject", num)
	}
	if typ == "Font" || typ == "" && sub != "" && d["BaseFont"] != nil {
		c.font(num, d)
	}
	if d["Rect"] != nil && sub != "" && (typ == "Annot" || typ == "") {
		c.annotation(num, d, sub)
	}
	if d["FT"] != nil && (d["AA"] != nil || d["A"] != nil && sub == "Widget") {
		c.add("6.4.1", "object %d: a form field with actions", num)
	}
	if typ == "Page" {
		if d["AA"] != nil {
			c.add("6.5.2", "object %d: a page with additional actions", num)
		}
		if d["PresSteps"] != nil {
			c.add("6.10", "object %d: a page with presentation steps", num)
		}
	}
	if (typ == "Filespec" || typ == "F") && d["EF"] != nil && (d["F"] == nil || d["UF"] == nil) {
		c.add("6.8", "object %d: an embedded file without F and UF", num)
	}
}

var (
	blendModes = []string{"Normal", "Compatible", "Multiply", "Screen", "Overlay", "Darken", "Lighten", "ColorDodge", "ColorBurn", "HardLight", "SoftLight", "Difference", "Exclusion", "Hue", "Saturation", "Color", "Luminosity"}
	intents    = []string{"RelativeColorimetric", "AbsoluteColorimetric", "Perceptual", "Saturation"}
	annots     = []string{"Text", "Link", "FreeText", "Line", "Square", "Circle", "Polygon", "PolyLine", "Highlight", "Underline", "Squiggly", "StrikeOut", "Stamp", "Caret", "Ink", "Popup", "FileAttachment", "Widget", "PrinterMark", "TrapNet", "Watermark", "Redact"}
)

func (c *checker) annotation(num int, d dict, sub string) {
	f := c.f
	if !slices.Contains(annots, sub) {
		c.add("6.3.1", "object %d: an annotation of type %s", num, sub)
		return
	}
	flags, ok := f.num(d["F"])
	if sub != "Popup" {
		if !ok {
			c.add("6.3.2", "object %d: an annotation without flags", num)
		} else if n := int(flags); n&4 == 0 || n&(1|2|32|256) != 0 {
			c.add("6.3.2", "object %d: an annotation that is hidden or not printed", num)
		}
	}
	if sub == "Widget" && (d["A"] != nil || d["AA"] != nil) {
		c.add("6.4.1", "object %d: a widget with actions", num)
	}
	ap := f.dict(d["AP"])
	rect := f.array(d["Rect"])
	empty := false
	if len(rect) == 4 {
		var r [4]float64
		for i := range r {
			r[i], _ = f.num(rect[i])
		}
		empty = r[0] == r[2] && r[1] == r[3]
	}
	if ap == nil {
		if !empty && sub != "Popup" && sub != "Link" {
			c.add("6.3.3", "object %d: an annotation without an appearance", num)
		}
		return
	}
	for k := range ap {
		if k != "N" {
			c.add("6.3.3", "object %d: an annotation with the appearance %s", num, k)
		}
	}
	_, isStream := f.get(ap["N"]).(*stream)
	_, isDict := f.get(ap["N"]).(dict)
	button := sub == "Widget" && c.fieldType(d, 0) == "Btn"
	if button && !isDict || !button && !isStream {
		c.add("6.3.3", "object %d: an annotation whose appearance is of the wrong kind", num)
	}
}

func (c *checker) fieldType(d dict, depth int) string {
	if t := c.f.name(d["FT"]); t != "" || depth > 20 || d["Parent"] == nil {
		return t
	}
	return c.fieldType(c.f.dict(d["Parent"]), depth+1)
}

func (c *checker) font(num int, d dict) {
	f := c.f
	sub := f.name(d["Subtype"])
	known := []string{"Type0", "Type1", "MMType1", "Type3", "TrueType", "CIDFontType0", "CIDFontType2"}
	if !slices.Contains(known, sub) {
		c.add("6.2.11.2", "object %d: a font of type %q", num, sub)
		return
	}
	if sub != "Type3" && f.name(d["BaseFont"]) == "" {
		c.add("6.2.11.2", "object %d: a font without a name", num)
	}
	switch sub {
	case "Type0":
		enc := f.get(d["Encoding"])
		if n, ok := enc.(name); ok && n != "Identity-H" && n != "Identity-V" && !slices.Contains(cmaps, string(n)) {
			c.add("6.2.11.3", "object %d: the character map %s is not embedded", num, n)
		}
		return
	case "Type3":
		return
	}
	if sub == "Type1" || sub == "TrueType" || sub == "MMType1" {
		if d["FirstChar"] == nil || d["LastChar"] == nil || d["Widths"] == nil {
			c.add("6.2.11.2", "object %d: a font without its widths", num)
		} else {
			a, _ := f.num(d["FirstChar"])
			b, _ := f.num(d["LastChar"])
			if n := len(f.array(d["Widths"])); float64(n) != b-a+1 {
				c.add("6.2.11.2", "object %d: a font with %d widths for %v characters", num, n, b-a+1)
			}
		}
	}
	if sub == "CIDFontType2" && d["CIDToGIDMap"] == nil {
		c.add("6.2.11.3", "object %d: a CID font without CIDToGIDMap", num)
	}
	desc := f.dict(d["FontDescriptor"])
	if desc == nil || desc["FontFile"] == nil && desc["FontFile2"] == nil && desc["FontFile3"] == nil {
		c.add("6.2.11.4.1", "object %d: the font %s is not embedded", num, f.name(d["BaseFont"]))
		return
	}
	for _, k := range []string{"FontFile", "FontFile2", "FontFile3"} {
		v := desc[k]
		if v == nil {
			continue
		}
		s, ok := f.get(v).(*stream)
		if !ok {
			c.add("6.2.11.4.1", "object %d: the font program is no stream", num)
			continue
		}
		data, err := f.decode(s)
		if err != nil {
			continue // a filter that we can't undo
		}
		st := f.name(s.dict["Subtype"])
		switch {
		case k == "FontFile3" && !slices.Contains([]string{"Type1C", "CIDFontType0C", "OpenType"}, st):
			c.add("6.2.11.4.1", "object %d: a font program of type %q", num, st)
		case k == "FontFile2" && !trueType(data):
			c.add("6.2.11.4.1", "object %d: a TrueType font program that can't be read", num)
		case len(data) < 4:
			c.add("6.2.11.4.1", "object %d: an empty font program", num)
		}
	}
}

// trueType tells whether the tables of a font lie inside of it.
func trueType(b []byte) bool {
	if len(b) < 12 {
		return false
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	if len(b) < 12+16*n {
		return false
	}
	for i := range n {
		r := b[12+16*i:]
		if uint64(binary.BigEndian.Uint32(r[8:]))+uint64(binary.BigEndian.Uint32(r[12:])) > uint64(len(b)) {
			return false
		}
	}
	return n > 0
}

var cmaps = strings.Fields(`GB-EUC-H GB-EUC-V GBpc-EUC-H GBpc-EUC-V GBK-EUC-H GBK-EUC-V GBKp-EUC-H GBKp-EUC-V GBK2K-H GBK2K-V UniGB-UCS2-H UniGB-UCS2-V UniGB-UTF16-H UniGB-UTF16-V
B5pc-H B5pc-V HKscs-B5-H HKscs-B5-V ETen-B5-H ETen-B5-V ETenms-B5-H ETenms-B5-V CNS-EUC-H CNS-EUC-V UniCNS-UCS2-H UniCNS-UCS2-V UniCNS-UTF16-H UniCNS-UTF16-V
83pv-RKSJ-H 90ms-RKSJ-H 90ms-RKSJ-V 90msp-RKSJ-H 90msp-RKSJ-V 90pv-RKSJ-H Add-RKSJ-H Add-RKSJ-V EUC-H EUC-V Ext-RKSJ-H Ext-RKSJ-V H V UniJIS-UCS2-H UniJIS-UCS2-V UniJIS-UCS2-HW-H UniJIS-UCS2-HW-V UniJIS-UTF16-H UniJIS-UTF16-V
KSC-EUC-H KSC-EUC-V KSCms-UHC-H KSCms-UHC-V KSCms-UHC-HW-H KSCms-UHC-HW-V KSCpc-EUC-H UniKS-UCS2-H UniKS-UCS2-V UniKS-UTF16-H UniKS-UTF16-V`)

// pages walks the page tree with what pages inherit.
func (c *checker) pages(v any, inherited dict, depth int) {
	f := c.f
	d := f.dict(v)
	if d == nil || depth > maxDepth {
		return
	}
	res := f.dict(d["Resources"])
	own := res != nil
	if res == nil {
		res = inherited
	}
	if d["Kids"] != nil {
		for _, k := range f.array(d["Kids"]) {
			c.pages(k, res, depth+1)
		}
		return
	}
	if box := f.array(d["MediaBox"]); len(box) == 4 {
		var r [4]float64
		for i := range r {
			r[i], _ = f.num(box[i])
		}
		for _, n := range []float64{r[2] - r[0], r[3] - r[1]} {
			if n < 0 {
				n = -n
			}
			if n < 3 || n > 14400 {
				c.add("6.1.13", "a page of %v units", n)
			}
		}
	}
	g := f.dict(d["Group"])
	if f.name(g["S"]) == "Transparency" {
		c.colour(g["CS"], nil, 0)
	}
	if c.intent == "" && g["CS"] == nil && c.blends(res, 0) {
		c.add("6.2.10", "a page that blends, without an output intent and without a colour space of its group")
	}
	var data []byte
	list := f.array(d["Contents"])
	if list == nil {
		list = array{d["Contents"]}
	}
	for _, s := range list {
		if s, ok := f.get(s).(*stream); ok {
			part, err := f.decode(s)
			if err != nil {
				return // a filter that we can't undo
			}
			data = append(append(data, part...), '\n')
		}
	}
	c.content(data, res, own, d["Group"] != nil, 0)
}

// blends tells whether something in the resources is transparent.
func (c *checker) blends(res dict, depth int) bool {
	f := c.f
	if depth > 8 {
		return false
	}
	for _, v := range f.dict(res["ExtGState"]) {
		d := f.dict(v)
		for _, k := range []string{"ca", "CA"} {
			if n, ok := f.num(d[k]); ok && n < 1 {
				return true
			}
		}
		if s := f.get(d["SMask"]); s != nil && s != name("None") {
			return true
		}
		if n := f.name(d["BM"]); n != "" && n != "Normal" && n != "Compatible" {
			return true
		}
	}
	for _, v := range f.dict(res["XObject"]) {
		d := f.dict(v)
		if d["SMask"] != nil || f.name(f.dict(d["Group"])["S"]) == "Transparency" || c.blends(f.dict(d["Resources"]), depth+1) {
			return true
		}
	}
	for _, v := range f.dict(res["Pattern"]) {
		if c.blends(f.dict(f.dict(v)["Resources"]), depth+1) {
			return true
		}
	}
	return false
}

// operators of content streams.
var operators = strings.Fields(`b B b* B* BDC BI BMC BT BX c cm CS cs d d0 d1 Do DP EI EMC ET EX f F f* G g gs h i ID j J K k l m M MP n q Q re RG rg ri s S SC sc SCN scn sh T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W* y ' "`)

func (c *checker) content(data []byte, res dict, own, group bool, depth int) {
	if depth > 12 {
		return
	}
	f := c.f
	l := &lexer{b: data, content: true, odd: c.lexical}
	var args []any
	nest := 0
	need := func(kind string, v any) any {
		n, _ := v.(name)
		x := f.dict(res[kind])[string(n)]
		if x == nil && !(kind == "ColorSpace" && slices.Contains([]string{"DeviceGray", "DeviceRGB", "DeviceCMYK", "Pattern", "G", "RGB", "CMYK"}, string(n))) {
			c.add("6.2.2", "the content uses %s %q, which its resources don't have", kind, n)
		} else if !own && x != nil {
			c.add("6.2.2", "the content uses %s %q of resources that it inherits", kind, n)
		}
		return x
	}
	last := func() any {
		if len(args) == 0 {
			return nil
		}
		return args[len(args)-1]
	}
	for steps := 0; steps < 5_000_000; steps++ {
		v, err := l.value(0)
		if err != nil {
			return
		}
		w, ok := v.(word)
		if !ok {
			if len(args) < 100 {
				args = append(args, v)
			}
			continue
		}
		if !slices.Contains(operators, string(w)) {
			c.add("6.2.2", "the content has the operator %q", string(w))
		}
		switch w {
		case "q":
			if nest++; nest > 28 {
				c.add("6.1.13", "more than 28 saved graphics states")
			}
		case "Q":
			nest--
		case "rg", "RG":
			c.colour(name("DeviceRGB"), res, 0)
		case "g", "G":
			c.colour(name("DeviceGray"), res, 0)
		case "k", "K":
			c.colour(name("DeviceCMYK"), res, 0)
		case "cs", "CS":
			n, _ := last().(name)
			if x := need("ColorSpace", last()); x != nil {
				c.colour(x, res, 0)
			} else {
				c.colour(n, res, 0)
			}
		case "gs":
			need("ExtGState", last())
		case "sh":
			if d := f.dict(need("Shading", last())); d != nil {
				c.colour(d["ColorSpace"], res, 0)
			}
		case "ri":
			if n, _ := last().(name); !slices.Contains(intents, string(n)) {
				c.add("6.2.6", "the rendering intent %s", n)
			}
		case "Tf":
			if len(args) == 2 {
				need("Font", args[0])
			}
		case "Do":
			if s, ok := f.get(need("XObject", last())).(*stream); ok && f.name(s.dict["Subtype"]) == "Form" && !c.contents[s] {
				c.contents[s] = true
				if part, err := f.decode(s); err == nil {
					r := f.dict(s.dict["Resources"])
					has := r != nil
					if r == nil {
						r = res
					}
					c.content(part, r, has, group, depth+1)
				}
			}
		case "BI":
			if !c.inline(l, res) {
				return
			}
		}
		args = args[:0]
	}
}

// inline checks an inline image and goes behind it.
func (c *checker) inline(l *lexer, res dict) bool {
	d := dict{}
	for {
		k, err := l.value(0)
		if err != nil {
			return false
		}
		if w, ok := k.(word); ok {
			if w != "ID" {
				return false
			}
			break
		}
		v, err := l.value(0)
		if err != nil {
			return false
		}
		if n, ok := k.(name); ok {
			d[string(n)] = v
		}
	}
	for _, key := range []string{"F", "Filter"} {
		list, ok := d[key].(array)
		if !ok && d[key] != nil {
			list = array{d[key]}
		}
		for _, x := range list {
			if n, _ := x.(name); !slices.Contains([]string{"AHx", "A85", "Fl", "RL", "CCF", "DCT", "ASCIIHexDecode", "ASCII85Decode", "FlateDecode", "RunLengthDecode", "CCITTFaxDecode", "DCTDecode"}, string(n)) {
				c.add("6.1.10", "an inline image with the filter %v", x)
			}
		}
	}
	for _, key := range []string{"I", "Interpolate"} {
		if b, _ := d[key].(bool); b {
			c.add("6.2.8", "an inline image that is interpolated")
		}
	}
	for _, key := range []string{"CS", "ColorSpace"} {
		if d[key] != nil {
			c.colour(d[key], res, 0)
		}
	}
	for i := l.at + 1; i+2 <= len(l.b); i++ {
		if l.b[i] == 'E' && l.b[i+1] == 'I' && space(l.b[i-1]) && (i+2 == len(l.b) || space(l.b[i+2])) {
			l.at = i + 2
			return true
		}
	}
	return false
}

// colour checks a colour space against the output intent.
func (c *checker) colour(v any, res dict, depth int) {
	if depth > 8 {
		return
	}
	f := c.f
	def := f.dict(res["ColorSpace"])
	switch x := f.get(v).(type) {
	case name:
		switch x {
		case "DeviceRGB", "RGB":
			if def["DefaultRGB"] == nil && c.intent != "RGB " {
				c.add("6.2.4.3", "DeviceRGB without an RGB output intent")
			}
		case "DeviceCMYK", "CMYK":
			if def["DefaultCMYK"] == nil && c.intent != "CMYK" {
				c.add("6.2.4.3", "DeviceCMYK without a CMYK output intent")
			}
		case "DeviceGray", "G":
			if def["DefaultGray"] == nil && c.intent == "" {
				c.add("6.2.4.3", "DeviceGray without an output intent")
			}
		default:
			if y := def[string(x)]; y != nil {
				c.colour(y, res, depth+1)
			}
		}
	case array:
		if len(x) == 0 {
			return
		}
		n := f.name(x[0])
		switch {
		case n == "ICCBased" && len(x) > 1:
			if s, ok := f.get(x[1]).(*stream); ok {
				c.profile(s, "6.2.4.2", []string{"prtr", "mntr", "scnr", "spac"})
			}
		case n == "Indexed" && len(x) > 1, n == "Pattern" && len(x) > 1:
			c.colour(x[1], res, depth+1)
		case (n == "Separation" || n == "DeviceN") && len(x) > 2:
			c.colour(x[2], res, depth+1)
		case len(x) == 1:
			c.colour(name(n), res, depth+1)
		}
	}
}
