// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

const (
	ptPerMM = 72 / 25.4
	paperW  = 210.0
	paperH  = 297.0
)

// elem is a node of the structure tree.
type elem struct {
	kind   string // P, H1, Table, …
	parent *elem
	kids   []kid
	alt    string
	attr   string // attribute dictionary, ready to write
	num    int
}

// kid is a child: an element, or marked content of a page.
type kid struct {
	elem *elem
	page *page
	mcid int
}

func (e *elem) add(kind string) *elem {
	c := &elem{kind: kind, parent: e}
	e.kids = append(e.kids, kid{elem: c})
	return c
}

type page struct {
	buf   bytes.Buffer
	marks []*elem // owner of each marked content id
	wide  bool    // on its side
	image *image
}

// size is the size of a page in points.
func (p *page) size() (w, h float64) {
	if p.wide {
		return paperH * ptPerMM, paperW * ptPerMM
	}
	return paperW * ptPerMM, paperH * ptPerMM
}

// document collects pages and structure; bytes writes the file.
type document struct {
	faces [2]face // regular, bold
	used  map[*Font]map[uint16]bool
	says  map[*Font]map[uint16]string
	pages []*page
	root  *elem
	cur   *page
	title string
	lang  string
	by    string
	at    time.Time
}

func newDocument(faces [2]face, title, lang, by string, at time.Time) *document {
	return &document{faces: faces, used: map[*Font]map[uint16]bool{}, says: map[*Font]map[uint16]string{}, root: &elem{kind: "Document"},
		title: title, lang: lang, by: by, at: at.UTC().Truncate(time.Second)}
}

func (d *document) newPage() {
	d.cur = &page{}
	d.pages = append(d.pages, d.cur)
}

func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}

// in draws content that belongs to an element of the structure.
func (d *document) in(e *elem, draw func()) {
	id := len(d.cur.marks)
	d.cur.marks = append(d.cur.marks, e)
	e.kids = append(e.kids, kid{page: d.cur, mcid: id})
	fmt.Fprintf(&d.cur.buf, "/%s <</MCID %d>> BDC\n", e.kind, id)
	draw()
	d.cur.buf.WriteString("EMC\n")
}

// artifact draws what isn't content: marks, lines, footers.
func (d *document) artifact(draw func()) {
	d.cur.buf.WriteString("/Artifact BMC\n")
	draw()
	d.cur.buf.WriteString("EMC\n")
}

type style struct {
	bold  bool
	size  float64 // points
	color [3]float64
}

func (d *document) face(bold bool) face {
	if bold {
		return d.faces[1]
	}
	return d.faces[0]
}

// fontName is the resource name of a face's font.
func fontName(bold bool, i int) string {
	if bold {
		return "B" + strconv.Itoa(i)
	}
	return "R" + strconv.Itoa(i)
}

// text draws one line with its baseline at y mm from the top of the page.
func (d *document) text(x, y float64, s string, st style) {
	fc := d.face(st.bold)
	cs := fc.shape(s)
	b := &d.cur.buf
	fmt.Fprintf(b, "%s %s %s rg\n", num(st.color[0]), num(st.color[1]), num(st.color[2]))
	px, py := x*ptPerMM, (paperH-y)*ptPerMM
	for i := 0; i < len(cs); {
		j := i
		for j < len(cs) && cs[j].exact && cs[i].exact && cs[j].font == cs[i].font {
			j++
		}
		if j == i {
			j++
		}
		run := cs[i:j]
		if run[0].gid == 0 { // no font has even a question mark
			i = j
			continue
		}
		if !run[0].exact {
			fmt.Fprintf(b, "/Span <</ActualText %s>> BDC\n", textString(run[0].text))
		}
		f := fc[run[0].font]
		if k := run[0].turn; k > 0 {
			_, y0, _, y1 := f.box(run[0].gid)
			fmt.Fprintf(b, "BT /%s %s Tf -1 0 0 -1 %s %s Tm <", fontName(st.bold, run[0].font), num(st.size*k),
				num(px+run[0].adv/1000*st.size), num(py+(y0+y1)*k/1000*st.size))
		} else {
			fmt.Fprintf(b, "BT /%s %s Tf %s %s Td <", fontName(st.bold, run[0].font), num(st.size), num(px), num(py))
		}
		for _, c := range run {
			fmt.Fprintf(b, "%04X", c.gid)
			d.use(f, c)
		}
		b.WriteString("> Tj ET\n")
		if !run[0].exact {
			d.marks(f, run[0], px, py, st)
			b.WriteString("EMC\n")
		}
		px += width(run) / 1000 * st.size
		i = j
	}
}

func (d *document) use(f *Font, c cluster) {
	if d.used[f] == nil {
		d.used[f], d.says[f] = map[uint16]bool{}, map[uint16]string{}
	}
	d.used[f][c.gid] = true
	if have, ok := d.says[f][c.gid]; c.exact && (!ok || c.text < have) {
		d.says[f][c.gid] = c.text
	} else if !ok {
		for r, g := range f.cmap { // the smallest rune, so that the file is the same each time
			if g == c.gid && (d.says[f][c.gid] == "" || string(r) < d.says[f][c.gid]) {
				d.says[f][c.gid] = string(r)
			}
		}
	}
}

func (d *document) marks(f *Font, c cluster, px, py float64, st style) {
	x0, y0, x1, y1 := f.box(c.gid)
	stem := 75.0
	if st.bold {
		stem = 110
	}
	above, below := 0.0, 0.0
	k := st.size / 1000
	for _, m := range c.marks {
		used := above
		if markPlace(m) == placeBelow {
			used = below
		}
		paths, h := outlineMark(m, x0, y0, x1, y1, c.adv, used, stem)
		switch markPlace(m) {
		case placeAbove:
			above += h
		case placeBelow:
			below += h
		}
		for _, p := range paths {
			for i, pt := range p {
				op := "l"
				if i == 0 {
					op = "m"
				}
				fmt.Fprintf(&d.cur.buf, "%s %s %s ", num(px+pt[0]*k), num(py+pt[1]*k), op)
			}
			d.cur.buf.WriteString("h\n")
		}
		if len(paths) > 0 {
			d.cur.buf.WriteString("f\n")
		}
	}
}

// line draws a stroke; dash is the dash pattern in mm, empty for a whole line.
func (d *document) line(x1, y1, x2, y2, w float64, dash ...float64) {
	b := &d.cur.buf
	b.WriteString("0 0 0 RG [")
	for _, v := range dash {
		b.WriteString(num(v*ptPerMM) + " ")
	}
	fmt.Fprintf(b, "] 0 d %s w %s %s m %s %s l S\n", num(w*ptPerMM), num(x1*ptPerMM), num((paperH-y1)*ptPerMM), num(x2*ptPerMM), num((paperH-y2)*ptPerMM))
}

// fill fills a rectangle.
func (d *document) fill(x, y, w, h float64, color [3]float64) {
	fmt.Fprintf(&d.cur.buf, "%s %s %s rg %s %s %s %s re f\n", num(color[0]), num(color[1]), num(color[2]),
		num(x*ptPerMM), num((paperH-y-h)*ptPerMM), num(w*ptPerMM), num(h*ptPerMM))
}

// textString is a text string object: UTF-16 with a byte order mark, in hex.
func textString(s string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	b.WriteString(">")
	return b.String()
}

// file numbers and writes objects.
type file struct {
	buf     bytes.Buffer
	offsets []int // by object number
	z       *zlib.Writer
}

func (f *file) reserve() int {
	f.offsets = append(f.offsets, 0)
	return len(f.offsets) - 1
}

func (f *file) put(n int, body string) {
	f.offsets[n] = f.buf.Len()
	fmt.Fprintf(&f.buf, "%d 0 obj\n%s\nendobj\n", n, body)
}

func (f *file) stream(n int, dict string, data []byte, squeeze bool) error {
	if squeeze {
		var z bytes.Buffer
		if f.z == nil {
			f.z = zlib.NewWriter(&z)
		} else {
			f.z.Reset(&z) // a new one would cost a megabyte for each stream
		}
		if _, err := f.z.Write(data); err != nil {
			return err
		}
		if err := f.z.Close(); err != nil {
			return err
		}
		dict += " /Filter /FlateDecode"
		data = z.Bytes()
	}
	f.offsets[n] = f.buf.Len()
	fmt.Fprintf(&f.buf, "%d 0 obj\n<<%s /Length %d>>\nstream\n", n, dict, len(data))
	f.buf.Write(data)
	f.buf.WriteString("\nendstream\nendobj\n")
	return nil
}

const producer = "Mercator"

// bytes writes the file.
func (d *document) bytes() ([]byte, error) {
	f := &file{offsets: []int{0}}
	f.buf.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	catalog, pages, info, meta, icc, tree, parents := f.reserve(), f.reserve(), f.reserve(), f.reserve(), f.reserve(), f.reserve(), f.reserve()

	var fonts strings.Builder
	for w, fc := range d.faces {
		for i, font := range fc {
			if len(d.used[font]) == 0 {
				continue
			}
			n := f.reserve()
			if err := d.putFont(f, n, font); err != nil {
				return nil, err
			}
			fmt.Fprintf(&fonts, "/%s %d 0 R ", fontName(w == 1, i), n)
		}
	}

	pageNums := map[*page]int{}
	var kids strings.Builder
	for _, p := range d.pages {
		pageNums[p] = f.reserve()
		fmt.Fprintf(&kids, "%d 0 R ", pageNums[p])
	}
	for i, p := range d.pages {
		content, images := f.reserve(), ""
		if p.image != nil {
			n := f.reserve()
			if err := p.image.put(f, n); err != nil {
				return nil, err
			}
			images = fmt.Sprintf(" /XObject <</%s %d 0 R>>", imageName, n)
		}
		w, h := p.size()
		f.put(pageNums[p], fmt.Sprintf("<</Type /Page /Parent %d 0 R /MediaBox [0 0 %s %s] /Resources <</Font <<%s>>%s>> /Contents %d 0 R /StructParents %d /Tabs /S>>",
			pages, num(w), num(h), fonts.String(), images, content, i))
		if err := f.stream(content, "", p.buf.Bytes(), true); err != nil {
			return nil, err
		}
	}
	f.put(pages, fmt.Sprintf("<</Type /Pages /Kids [%s] /Count %d>>", kids.String(), len(d.pages)))

	var number func(e *elem)
	number = func(e *elem) {
		e.num = f.reserve()
		for _, k := range e.kids {
			if k.elem != nil {
				number(k.elem)
			}
		}
	}
	number(d.root)
	d.putElem(f, d.root, tree, pageNums)
	f.put(tree, fmt.Sprintf("<</Type /StructTreeRoot /K [%d 0 R] /ParentTree %d 0 R /ParentTreeNextKey %d>>", d.root.num, parents, len(d.pages)))
	var nums strings.Builder
	for i, p := range d.pages {
		fmt.Fprintf(&nums, "%d [", i)
		for _, e := range p.marks {
			fmt.Fprintf(&nums, "%d 0 R ", e.num)
		}
		nums.WriteString("] ")
	}
	f.put(parents, "<</Nums ["+nums.String()+"]>>")

	stamp := d.at.Format("20060102150405")
	f.put(info, fmt.Sprintf("<</Title %s /Author %s /Creator %s /Producer %s /CreationDate (D:%s+00'00') /ModDate (D:%s+00'00')>>",
		textString(d.title), textString(d.by), textString(producer), textString(producer), stamp, stamp))
	if err := f.stream(meta, "/Type /Metadata /Subtype /XML", d.xmp(), false); err != nil {
		return nil, err
	}
	if err := f.stream(icc, "/N 3", sRGBProfile(), true); err != nil {
		return nil, err
	}
	f.put(catalog, fmt.Sprintf("<</Type /Catalog /Pages %d 0 R /Metadata %d 0 R /Lang %s /MarkInfo <</Marked true>> /StructTreeRoot %d 0 R /ViewerPreferences <</DisplayDocTitle true>> "+
		"/OutputIntents [<</Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB IEC61966-2.1) /Info (sRGB IEC61966-2.1) /DestOutputProfile %d 0 R>>]>>",
		pages, meta, textString(d.lang), tree, icc))

	sum := sha256.Sum256(f.buf.Bytes())
	at := f.buf.Len()
	fmt.Fprintf(&f.buf, "xref\n0 %d\n0000000000 65535 f \n", len(f.offsets))
	for _, off := range f.offsets[1:] {
		fmt.Fprintf(&f.buf, "%010d 00000 n \n", off)
	}
	fmt.Fprintf(&f.buf, "trailer\n<</Size %d /Root %d 0 R /Info %d 0 R /ID [<%X> <%X>]>>\nstartxref\n%d\n%%%%EOF\n", len(f.offsets), catalog, info, sum[:16], sum[:16], at)
	return f.buf.Bytes(), nil
}

func (d *document) putElem(f *file, e *elem, parent int, pages map[*page]int) {
	var b strings.Builder
	fmt.Fprintf(&b, "<</Type /StructElem /S /%s /P %d 0 R", e.kind, parent)
	if e.alt != "" {
		b.WriteString(" /Alt " + textString(e.alt))
	}
	if e.attr != "" {
		b.WriteString(" /A " + e.attr)
	}
	b.WriteString(" /K [")
	for _, k := range e.kids {
		if k.elem != nil {
			fmt.Fprintf(&b, "%d 0 R ", k.elem.num)
		} else {
			fmt.Fprintf(&b, "<</Type /MCR /Pg %d 0 R /MCID %d>> ", pages[k.page], k.mcid)
		}
	}
	b.WriteString("]>>")
	f.put(e.num, b.String())
	for _, k := range e.kids {
		if k.elem != nil {
			d.putElem(f, k.elem, e.num, pages)
		}
	}
}

func (d *document) putFont(f *file, n int, font *Font) error {
	gids := make([]uint16, 0, len(d.used[font]))
	for g := range d.used[font] {
		gids = append(gids, g)
	}
	slices.Sort(gids)
	data := font.subset(d.used[font])
	sum := sha256.Sum256(data)
	tag := make([]byte, 6)
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	name := string(tag) + "+" + font.name
	cid, desc, prog, uni := f.reserve(), f.reserve(), f.reserve(), f.reserve()
	f.put(n, fmt.Sprintf("<</Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>", name, cid, uni))
	var w strings.Builder
	for _, g := range gids {
		fmt.Fprintf(&w, "%d [%s] ", g, num(font.advance(g)))
	}
	f.put(cid, fmt.Sprintf("<</Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> /FontDescriptor %d 0 R /CIDToGIDMap /Identity /DW %s /W [%s]>>",
		name, desc, num(font.advance(0)), w.String()))
	k := 1000 / float64(font.upem)
	stem, flags := 80, 32 // nonsymbolic
	if font.bold {
		stem = 140
	}
	f.put(desc, fmt.Sprintf("<</Type /FontDescriptor /FontName /%s /Flags %d /FontBBox [%s %s %s %s] /ItalicAngle %s /Ascent %s /Descent %s /CapHeight %s /XHeight %s /StemV %d /FontFile2 %d 0 R>>",
		name, flags, num(float64(font.bbox[0])*k), num(float64(font.bbox[1])*k), num(float64(font.bbox[2])*k), num(float64(font.bbox[3])*k), num(font.italicAngle),
		num(float64(font.ascent)*k), num(float64(font.descent)*k), num(float64(font.capHeight)*k), num(float64(font.xHeight)*k), stem, prog))
	if err := f.stream(prog, fmt.Sprintf("/Length1 %d", len(data)), data, true); err != nil {
		return err
	}
	var m strings.Builder
	m.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	var lines []string
	for _, g := range gids {
		if s := d.says[font][g]; s != "" {
			u := textString(s)
			lines = append(lines, fmt.Sprintf("<%04X> <%s\n", g, strings.TrimPrefix(u, "<FEFF")))
		}
	}
	for part := range slices.Chunk(lines, 100) {
		fmt.Fprintf(&m, "%d beginbfchar\n%sendbfchar\n", len(part), strings.Join(part, ""))
	}
	m.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n")
	return f.stream(uni, "", []byte(m.String()), true)
}

var xmlEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// xmp is the metadata that makes the file say what it is.
func (d *document) xmp() []byte {
	clean := func(s string) string {
		return xmlEscape.Replace(strings.Map(func(r rune) rune {
			if r < 32 || r == 0xfffe || r == 0xffff {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(s, "\ufffd")))
	}
	stamp := d.at.Format("2006-01-02T15:04:05+00:00")
	return []byte("<?xpacket begin=\"\ufeff\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n" +
		`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` + "\n" +
		`<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance></rdf:Description>` + "\n" +
		`<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">` + clean(d.title) +
		`</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq><rdf:li>` + clean(d.by) + `</rdf:li></rdf:Seq></dc:creator><dc:language><rdf:Bag><rdf:li>` + clean(d.lang) + `</rdf:li></rdf:Bag></dc:language></rdf:Description>` + "\n" +
		`<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:CreateDate>` + stamp + `</xmp:CreateDate><xmp:ModifyDate>` + stamp + `</xmp:ModifyDate><xmp:CreatorTool>` + producer + `</xmp:CreatorTool></rdf:Description>` + "\n" +
		`<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"><pdf:Producer>` + producer + `</pdf:Producer></rdf:Description>` + "\n" +
		"</rdf:RDF></x:xmpmeta>\n<?xpacket end=\"r\"?>")
}
