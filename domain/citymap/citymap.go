// SPDX-License-Identifier: EUPL-1.2

package citymap

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"mercator/base/fault"

	"github.com/BurntSushi/toml"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/clip"
	"github.com/paulmach/orb/planar"
	"github.com/paulmach/orb/simplify"
)

// file is where a city says what its map shows.
const file = "city/map.toml"

// maxLayers bounds the work for a picture.
const maxLayers = 8

// Feature is what a record says of the map.
type Feature struct {
	Shape orb.Geometry // WGS 84; nil: it isn't drawn
	Label string
}

// Find gives what a public register knows in a part of the city: of its field geometry, and
// of its field label unless that is empty. It may give a part of it, if that is too much.
type Find func(ctx context.Context, in orb.Bound, register, geometry, label string) ([]Feature, error)

// Map is the map of the city.
type Map struct {
	Start       View
	Attribution string // who must be named beside the picture; empty: nobody
	layers      []layer
	find        Find
}

// layer is a field with geometry of a register, drawn from a zoom on.
type layer struct {
	Register, Field string
	Label           string // the field whose value is written beside it; empty: none
	From            int    // the least zoom at which it is drawn
	LabelFrom       int    `toml:"label_from"`
}

// Load reads what the map shows. A city without that file has no map: nil, and no error.
// Check refuses a register, or a field of it, that isn't there or isn't public.
func Load(content fs.FS, check func(register, geometry, label string) error, find Find) (*Map, error) {
	text, err := fs.ReadFile(content, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c struct {
		Start       View
		Attribution string
		Layer       []layer
	}
	meta, err := toml.Decode(string(text), &c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if u := meta.Undecoded(); len(u) > 0 {
		return nil, fmt.Errorf("%s: unknown key %s", file, u[0])
	}
	start, ok := ParseView(c.Start.String())
	if !ok {
		return nil, fmt.Errorf("%s: start needs lat, lon and a zoom from %d to %d", file, minZoom, maxZoom)
	}
	if len(c.Layer) == 0 || len(c.Layer) > maxLayers {
		return nil, fmt.Errorf("%s: one to %d layers", file, maxLayers)
	}
	for i, l := range c.Layer {
		if err := check(l.Register, l.Field, l.Label); err != nil {
			return nil, fmt.Errorf("%s: layer %d: %w", file, i+1, err)
		}
	}
	return &Map{Start: start, Attribution: c.Attribution, layers: c.Layer, find: find}, nil
}

// SVG draws a view. The picture holds no mark: it is the same for everybody, and its
// address says nothing but which part of the city it shows.
func (m *Map) SVG(ctx context.Context, v View) ([]byte, error) {
	d := drawing{view: v, bound: v.bound()}
	fmt.Fprintf(&d.shapes, `<rect width="%d" height="%d" fill="#eef1f3"/>`, Size, Size)
	var named [][]Feature // by layers
	for _, l := range m.layers {
		if v.Zoom < l.From {
			continue
		}
		label := l.Label
		if v.Zoom < l.LabelFrom {
			label = ""
		}
		found, err := m.find(ctx, d.bound, l.Register, l.Field, label)
		if err != nil {
			return nil, fault.Wrap("citymap.svg", err)
		}
		var labels []Feature
		for _, f := range found {
			if f.Shape = d.add(f.Shape); f.Shape != nil && f.Label != "" {
				labels = append(labels, f)
			}
		}
		named = append(named, labels)
	}
	for _, labels := range slices.Backward(named) { // where there is room for one, the upper layer has it
		for _, f := range labels {
			d.label(f.Shape, f.Label)
		}
	}
	return d.svg(), nil
}

// drawing is a picture that grows.
type drawing struct {
	view           View
	bound          orb.Bound
	shapes, labels bytes.Buffer
	taken          []orb.Bound // where labels stand, in pixels
}

// add draws what of a shape is in the picture, and gives it; nil: nothing is.
func (d *drawing) add(shape orb.Geometry) orb.Geometry {
	if shape == nil {
		return nil
	}
	pixel := 360 / (tile * math.Exp2(float64(d.view.Zoom)))
	shape = simplify.DouglasPeucker(pixel).Simplify(clip.Geometry(d.bound, orb.Clone(shape)))
	d.draw(shape)
	return shape
}

func (d *drawing) draw(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Point:
		x, y := d.view.Pixel(g[1], g[0])
		fmt.Fprintf(&d.shapes, `<circle cx="%.1f" cy="%.1f" r="3" fill="#3d5a73"/>`, x, y)
	case orb.MultiPoint:
		for _, p := range g {
			d.draw(p)
		}
	case orb.LineString:
		d.path(`fill="none" stroke="#5f6b76" stroke-width="1.5"`, []orb.LineString{g}, "")
	case orb.MultiLineString:
		for _, l := range g {
			d.draw(l)
		}
	case orb.Polygon:
		rings := make([]orb.LineString, len(g))
		for i, r := range g {
			rings[i] = orb.LineString(r)
		}
		d.path(`fill="#fbfaf6" fill-opacity=".6" fill-rule="evenodd" stroke="#7a8794"`, rings, "Z")
	case orb.MultiPolygon:
		for _, p := range g {
			d.draw(p)
		}
	case orb.Collection:
		for _, x := range g {
			d.draw(x)
		}
	}
}

func (d *drawing) path(attributes string, lines []orb.LineString, end string) {
	fmt.Fprintf(&d.shapes, `<path %s d="`, attributes)
	for _, l := range lines {
		for i, p := range l {
			x, y := d.view.Pixel(p[1], p[0])
			fmt.Fprintf(&d.shapes, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
		}
		d.shapes.WriteString(end)
	}
	d.shapes.WriteString(`"/>`)
}

// letter is about how wide a letter is, and line how high.
const letter, line = 5.6, 11

// label writes a text in the middle of a shape, above a point, if there is room for it.
func (d *drawing) label(shape orb.Geometry, text string) {
	if n := utf8.RuneCountInString(text); n > 40 {
		return
	}
	middle, area := planar.CentroidArea(shape)
	x, y := d.view.Pixel(middle[1], middle[0])
	width := letter * float64(utf8.RuneCountInString(text))
	if area == 0 {
		y -= 6
	} else {
		left, _ := d.view.Pixel(middle[1], shape.Bound().Min[0])
		right, _ := d.view.Pixel(middle[1], shape.Bound().Max[0])
		if right-left < width {
			return
		}
	}
	box := orb.Bound{Min: orb.Point{x - width/2, y - line}, Max: orb.Point{x + width/2, y + 2}}
	if box.Min[0] < 0 || box.Max[0] > Size || box.Min[1] < 0 || box.Max[1] > Size-line {
		return
	}
	for _, t := range d.taken {
		if t.Intersects(box) {
			return
		}
	}
	d.taken = append(d.taken, box)
	fmt.Fprintf(&d.labels, `<text x="%.1f" y="%.1f">`, x, y)
	_ = xml.EscapeText(&d.labels, []byte(text)) // into memory: can't fail
	d.labels.WriteString(`</text>`)
}

// scale is a round length that fits into a third of the picture, in metres.
func (v View) scale() float64 {
	longest := v.metres() * Size / 3
	step := math.Pow(10, math.Floor(math.Log10(longest)))
	for _, k := range []float64{5, 2} {
		if k*step <= longest {
			return k * step
		}
	}
	return step
}

func (d *drawing) svg() []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[1]d" viewBox="0 0 %[1]d %[1]d">`, Size)
	_, _ = d.shapes.WriteTo(&out)
	// The light edge keeps letters readable on lines.
	out.WriteString(`<g font-family="sans-serif" font-size="10" text-anchor="middle" fill="#1d2b38" stroke="#ffffff" stroke-width="2.5" paint-order="stroke">`)
	_, _ = d.labels.WriteTo(&out)
	length := d.view.scale()
	value, unit := length, " m"
	if length >= 1000 {
		value, unit = length/1000, " km"
	}
	right := 8 + length/d.view.metres()
	fmt.Fprintf(&out, `<text x="%.1f" y="%d">%s</text></g><path fill="none" stroke="#1d2b38" stroke-width="1.5" d="M8 %dV%dH%.1fV%d"/></svg>`,
		(8+right)/2, Size-10, strconv.FormatFloat(value, 'f', -1, 64)+unit, Size-10, Size-6, right, Size-10)
	return out.Bytes()
}
