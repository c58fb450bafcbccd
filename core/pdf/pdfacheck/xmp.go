// SPDX-License-Identifier: EUPL-1.2

package pdfacheck

import (
	"bytes"
	"encoding/xml"
	"io"
	"regexp"
	"slices"
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
			c.typed(k)
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

// The types of the properties of XMP 2005 that this package knows (XMP Specification,
// September 2005, chapter 4), by namespace: simple ones with the form of their value.
var (
	anyText = regexp.MustCompile(`(?s)^.*$`)
	integer = regexp.MustCompile(`^[+-]?[0-9]+$`)
	real    = regexp.MustCompile(`^[+-]?[0-9]*\.?[0-9]*$`)
	boolean = regexp.MustCompile(`^(True|False)$`)
	date    = regexp.MustCompile(`^\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$`)
)

var simple = map[string]map[*regexp.Regexp]string{
	"http://ns.adobe.com/pdf/1.3/":        {anyText: "Keywords PDFVersion Producer"},
	"http://ns.adobe.com/xap/1.0/":        {anyText: "BaseURL CreatorTool Label Nickname", date: "CreateDate MetadataDate ModifyDate", integer: "Rating"},
	"http://purl.org/dc/elements/1.1/":    {anyText: "coverage format identifier source"},
	"http://ns.adobe.com/xap/1.0/mm/":     {anyText: "DocumentID InstanceID ManageTo ManageUI Manager ManagerVariant RenditionClass RenditionParams VersionID"},
	"http://ns.adobe.com/xap/1.0/rights/": {anyText: "Certificate WebStatement", boolean: "Marked"},
	"http://ns.adobe.com/xmp/1.0/DynamicMedia/": {
		anyText: "tapeName altTapeName scene shotName shotLocation logComment videoPixelDepth videoColorSpace videoAlphaMode videoFieldOrder pullDown audioSampleType audioChannelType speakerPlacement artist album genre composer engineer instrument key stretchMode scaleType timeSignature copyright",
		date:    "shotDate releaseDate modDate videoModDate audioModDate metadataModDate", integer: "audioSampleRate trackNumber numberOfBeats",
		real: "tempo", boolean: "videoAlphaUnityIsTransparent loop",
	},
	"http://ns.adobe.com/tiff/1.0/": {
		anyText: "Artist Make Model Software", date: "DateTime",
		integer: "ImageWidth ImageLength Compression PhotometricInterpretation Orientation SamplesPerPixel PlanarConfiguration YCbCrPositioning ResolutionUnit",
	},
	"http://ns.adobe.com/exif/1.0/": {
		anyText: "ExifVersion FlashpixVersion RelatedSoundFile SpectralSensitivity ImageUniqueID GPSVersionID GPSLatitude GPSLongitude GPSSatellites GPSStatus GPSMeasureMode GPSSpeedRef GPSTrackRef GPSImgDirectionRef GPSMapDatum GPSDestLatitude GPSDestLongitude GPSDestBearingRef GPSDestDistanceRef GPSProcessingMethod GPSAreaInformation",
		date:    "DateTimeOriginal DateTimeDigitized GPSTimeStamp",
		integer: "ColorSpace PixelXDimension PixelYDimension ExposureProgram MeteringMode LightSource FocalPlaneResolutionUnit SensingMethod FileSource SceneType CustomRendered ExposureMode WhiteBalance FocalLengthIn35mmFilm SceneCaptureType GainControl Contrast Saturation Sharpness SubjectDistanceRange GPSAltitudeRef GPSDifferential",
	},
}

// lists are the properties that are lists, with the kind of list.
var lists = map[string]map[string]string{
	"http://purl.org/dc/elements/1.1/":    {"Seq": "creator date", "Bag": "contributor language publisher relation subject type", "Alt": "title description rights"},
	"http://ns.adobe.com/xap/1.0/rights/": {"Bag": "Owner", "Alt": "UsageTerms"},
	"http://ns.adobe.com/xap/1.0/":        {"Bag": "Advisory Identifier", "Alt": "Thumbnails"},
	"http://ns.adobe.com/xap/1.0/t/pg/":   {"Seq": "Colorants PlateNames", "Bag": "Fonts"},
	"http://ns.adobe.com/xap/1.0/mm/":     {"Seq": "History Versions"},
}

// typed holds a property of a schema that XMP knows against its type.
func (c *checker) typed(n *node) {
	for kind, names := range lists[n.name.Space] {
		if kind == "Seq" && n.name.Local == "PlateNames" {
			continue // written as either in the specification's editions
		}
		if slices.Contains(strings.Fields(names), n.name.Local) && n.child(nsRDF, kind) == nil {
			c.add("6.6.2.3.1", "%s is not written as rdf:%s", n.name.Local, kind)
		}
	}
	for form, names := range simple[n.name.Space] {
		if slices.Contains(strings.Fields(names), n.name.Local) && (len(n.kids) > 0 || !form.MatchString(strings.TrimSpace(n.text))) {
			c.add("6.6.2.3.1", "the value of %s is of another type", n.name.Local)
		}
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
