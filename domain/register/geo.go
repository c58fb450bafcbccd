// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"mercator/lang/cql2"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geo"
	"github.com/paulmach/orb/planar"
)

// Geometries are GeoJSON in WGS 84 (RFC 7946): longitude, latitude. They are found by the
// cells of a grid (quadtree over the world) that their box touches, and then held against
// the question exactly. Between positions a line is straight in degrees, which over a city
// is off by less than a metre.

// maxCorners bounds a geometry of a record, and maxAsked one of a filter.
const (
	maxCorners = 50000
	maxAsked   = 200
)

// GeometryOf reads the value of a field with geometry (GeoJSON, WGS 84); nil is none.
func GeometryOf(v any) (orb.Geometry, error) {
	m, ok := v.(map[string]any)
	if !ok {
		if v == nil {
			return nil, nil
		}
		return nil, errors.New("a geometry is an object")
	}
	left := maxCorners
	kind, _ := m["type"].(string)
	c := m["coordinates"]
	switch kind {
	case "Point":
		return positionOf(c, &left)
	case "MultiPoint", "LineString":
		l, err := manyOf(c, &left, positionOf)
		if kind == "LineString" {
			return orb.LineString(l), err
		}
		return orb.MultiPoint(l), err
	case "MultiLineString":
		l, err := manyOf(c, &left, lineOf)
		return orb.MultiLineString(l), err
	case "Polygon":
		return polygonOf(c, &left)
	case "MultiPolygon":
		p, err := manyOf(c, &left, polygonOf)
		return orb.MultiPolygon(p), err
	}
	return nil, fmt.Errorf("no geometry of the type %.20q", kind)
}

func positionOf(v any, left *int) (orb.Point, error) {
	l, ok := v.([]any)
	if *left--; *left < 0 || !ok || len(l) < 2 {
		return orb.Point{}, errors.New("a position is two numbers, and there aren't too many")
	}
	x, ok1 := numberOf(l[0])
	y, ok2 := numberOf(l[1])
	if !ok1 || !ok2 || !(math.Abs(x) <= 180) || !(math.Abs(y) <= 90) {
		return orb.Point{}, errors.New("a position is longitude and latitude")
	}
	return orb.Point{x, y}, nil
}

func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case json.Number:
		x, err := v.Float64()
		return x, err == nil
	}
	return 0, false
}

func manyOf[T any](v any, left *int, one func(any, *int) (T, error)) ([]T, error) {
	l, ok := v.([]any)
	if !ok || len(l) == 0 {
		return nil, errors.New("a list of positions is missing")
	}
	out := make([]T, 0, len(l))
	for _, x := range l {
		t, err := one(x, left)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func lineOf(v any, left *int) (orb.LineString, error) {
	l, err := manyOf(v, left, positionOf)
	return orb.LineString(l), err
}

func polygonOf(v any, left *int) (orb.Polygon, error) {
	l, err := manyOf(v, left, lineOf)
	if err != nil {
		return nil, err
	}
	out := make(orb.Polygon, len(l))
	for i, r := range l {
		if len(r) < 4 {
			return nil, errors.New("a ring has four positions or more")
		}
		out[i] = orb.Ring(r)
	}
	return out, nil
}

// askedFor is a geometry of a filter.
func askedFor(g *cql2.Geom) (orb.Geometry, bool) {
	n := 0
	point := func(p []float64) orb.Point { n++; return orb.Point{p[0], p[1]} }
	line := func(l [][]float64) (out []orb.Point) {
		for _, p := range l {
			out = append(out, point(p))
		}
		return out
	}
	polygon := func(p [][][]float64) (out orb.Polygon) {
		for _, r := range p {
			out = append(out, line(r))
		}
		return out
	}
	var out orb.Geometry
	switch g.Kind {
	case "BBOX":
		b := g.Box
		if len(b) == 6 {
			b = []float64{b[0], b[1], b[3], b[4]}
		}
		if b[0] > b[2] || b[1] > b[3] {
			return nil, false
		}
		out = orb.Bound{Min: orb.Point{b[0], b[1]}, Max: orb.Point{b[2], b[3]}}.ToPolygon()
	case "POINT":
		out = point(g.Parts[0][0][0])
	case "LINESTRING":
		out = orb.LineString(line(g.Parts[0][0]))
	case "MULTIPOINT":
		out = orb.MultiPoint(line(g.Parts[0][0]))
	case "MULTILINESTRING":
		var m orb.MultiLineString
		for _, l := range g.Parts[0] {
			m = append(m, line(l))
		}
		out = m
	case "POLYGON":
		out = polygon(g.Parts[0])
	case "MULTIPOLYGON":
		var m orb.MultiPolygon
		for _, p := range g.Parts {
			m = append(m, polygon(p))
		}
		out = m
	default:
		return nil, false
	}
	b := out.Bound()
	return out, n <= maxAsked && b.Min[0] >= -180 && b.Max[0] <= 180 && b.Min[1] >= -90 && b.Max[1] <= 90
}

// The grid: a cell of level n is a quarter of one of level n-1, named by the digits of its
// quarters, so all that lies in a cell has its name as a beginning.
const (
	finest      = 20 // some forty metres
	cellsStored = 9
	cellsAsked  = 16
)

// cellsOf are the cells that a box touches: of the finest level at which they are few.
func cellsOf(b orb.Bound, most int) []string {
	at := func(p orb.Point, level int) (x, y int) {
		n := float64(int(1) << level)
		clamp := func(v float64) int { return int(math.Max(0, math.Min(n-1, math.Floor(v)))) }
		return clamp((p[0] + 180) / 360 * n), clamp((p[1] + 90) / 180 * n)
	}
	for level := finest; ; level-- {
		x0, y0 := at(b.Min, level)
		x1, y1 := at(b.Max, level)
		if level > 0 && (x1-x0+1)*(y1-y0+1) > most {
			continue
		}
		var out []string
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				name := make([]byte, level)
				for i := range name {
					bit := level - 1 - i
					name[i] = '0' + byte(x>>bit&1) + byte(y>>bit&1)<<1
				}
				out = append(out, "c"+string(name))
			}
		}
		return out
	}
}

// above are the cells that hold the cells.
func above(cells []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, c := range cells {
		for n := len(c) - 1; n >= 1; n-- {
			if seen[c[:n]] {
				break
			}
			seen[c[:n]] = true
			out = append(out, c[:n])
		}
	}
	return out
}

// around is a box with so many metres around it.
func around(b orb.Bound, metres float64) orb.Bound {
	const degree = 111000.0 // of latitude, rather less than more
	lat := metres / degree
	far := math.Min(89, math.Max(math.Abs(b.Min[1]), math.Abs(b.Max[1]))+lat)
	lon := metres / (degree * math.Cos(far*math.Pi/180))
	return orb.Bound{
		Min: orb.Point{math.Max(-180, b.Min[0]-lon), math.Max(-90, b.Min[1]-lat)},
		Max: orb.Point{math.Min(180, b.Max[0]+lon), math.Min(90, b.Max[1]+lat)},
	}
}

// shape is a geometry taken apart.
type shape struct {
	points []orb.Point // that stand alone
	lines  []orb.LineString
	areas  []orb.Polygon
}

func shapeOf(g orb.Geometry) (s shape) {
	switch g := g.(type) {
	case orb.Point:
		s.points = []orb.Point{g}
	case orb.MultiPoint:
		s.points = g
	case orb.LineString:
		s.lines = []orb.LineString{g}
	case orb.MultiLineString:
		s.lines = g
	case orb.Polygon:
		s.areas = []orb.Polygon{g}
	case orb.MultiPolygon:
		s.areas = g
	}
	return s
}

// segments gives every piece of a line or an edge until it is told to stop.
func (s shape) segments(yield func(a, b orb.Point) bool) {
	along := func(l []orb.Point) bool {
		for i := 1; i < len(l); i++ {
			if !yield(l[i-1], l[i]) {
				return false
			}
		}
		return true
	}
	for _, l := range s.lines {
		if !along(l) {
			return
		}
	}
	for _, p := range s.areas {
		for _, r := range p {
			if !along(r) {
				return
			}
		}
	}
}

// covers reports whether a point lies in the shape or on it.
func (s shape) covers(p orb.Point) bool {
	for _, a := range s.areas {
		if inside(a, p) {
			return true
		}
	}
	for _, q := range s.points {
		if p == q {
			return true
		}
	}
	on := false
	s.segments(func(a, b orb.Point) bool { on = touches(a, b, p); return !on })
	return on
}

// inside reports whether a point lies in a polygon and in none of its holes; the edges are
// asked for by covers.
func inside(a orb.Polygon, p orb.Point) bool {
	if len(a) == 0 || !a[0].Bound().Contains(p) {
		return false
	}
	return planar.PolygonContains(a, p)
}

func touches(a, b, p orb.Point) bool {
	if cross(a, b, p) != 0 {
		return false
	}
	return math.Min(a[0], b[0]) <= p[0] && p[0] <= math.Max(a[0], b[0]) && math.Min(a[1], b[1]) <= p[1] && p[1] <= math.Max(a[1], b[1])
}

// cross says on which side of the line from a to b a point lies.
func cross(a, b, p orb.Point) int {
	v := (b[0]-a[0])*(p[1]-a[1]) - (b[1]-a[1])*(p[0]-a[0])
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// meet reports whether two pieces have a point in common.
func meet(a, b, c, d orb.Point) bool {
	if math.Max(a[0], b[0]) < math.Min(c[0], d[0]) || math.Max(c[0], d[0]) < math.Min(a[0], b[0]) ||
		math.Max(a[1], b[1]) < math.Min(c[1], d[1]) || math.Max(c[1], d[1]) < math.Min(a[1], b[1]) {
		return false
	}
	return cross(a, b, c)*cross(a, b, d) <= 0 && cross(c, d, a)*cross(c, d, b) <= 0
}

// some are points of which one lies in whatever holds a part of the shape entirely.
func (s shape) some() (out []orb.Point) {
	out = append(out, s.points...)
	for _, l := range s.lines {
		out = append(out, l[0])
	}
	for _, p := range s.areas {
		out = append(out, p[0][0])
	}
	return out
}

// intersects reports whether two shapes have a point in common.
func intersects(a, b shape, box orb.Bound) bool {
	for _, p := range b.some() {
		if a.covers(p) {
			return true
		}
	}
	for _, p := range a.some() {
		if b.covers(p) {
			return true
		}
	}
	hit := false
	a.segments(func(p, q orb.Point) bool {
		if math.Max(p[0], q[0]) < box.Min[0] || math.Min(p[0], q[0]) > box.Max[0] || math.Max(p[1], q[1]) < box.Min[1] || math.Min(p[1], q[1]) > box.Max[1] {
			return true
		}
		b.segments(func(r, t orb.Point) bool { hit = meet(p, q, r, t); return !hit })
		return !hit
	})
	return hit
}

// within reports whether all of a lies in b or on its edge: every corner, every piece between
// its crossings with b's edges, and no hole of b in a.
func within(a, b shape) bool {
	for _, p := range a.points {
		if !b.covers(p) {
			return false
		}
	}
	in := true
	a.segments(func(p, q orb.Point) bool {
		cuts := []float64{0, 1}
		b.segments(func(r, t orb.Point) bool {
			if meet(p, q, r, t) {
				cuts = append(cuts, cutsOf(p, q, r, t)...)
			}
			return true
		})
		in = b.covers(p) && b.covers(q) && b.between(p, q, cuts)
		return in
	})
	if !in || len(a.areas) == 0 {
		return in
	}
	for _, area := range b.areas { // a hole of b that lies in a
		for _, hole := range area[1:] {
			for _, x := range a.areas {
				if inside(x, middle(hole)) && !b.covers(middle(hole)) {
					return false
				}
			}
		}
	}
	return true
}

// between reports whether the shape covers the middles of the pieces of a line.
func (s shape) between(p, q orb.Point, cuts []float64) bool {
	if len(cuts) == 2 {
		return s.near(orb.Point{(p[0] + q[0]) / 2, (p[1] + q[1]) / 2})
	}
	sortFloats(cuts)
	for i := 1; i < len(cuts); i++ {
		if cuts[i]-cuts[i-1] < 1e-9 {
			continue
		}
		m := (cuts[i] + cuts[i-1]) / 2
		if !s.near(orb.Point{p[0] + (q[0]-p[0])*m, p[1] + (q[1]-p[1])*m}) {
			return false
		}
	}
	return true
}

// near is covers with a hair's breadth for what was computed: some millimetres.
func (s shape) near(p orb.Point) bool {
	if s.covers(p) {
		return true
	}
	hit := false
	s.segments(func(a, b orb.Point) bool { hit = planar.DistanceFromSegment(a, b, p) < 1e-9; return !hit })
	return hit
}

func sortFloats(l []float64) {
	for i := 1; i < len(l); i++ {
		for k := i; k > 0 && l[k] < l[k-1]; k-- {
			l[k], l[k-1] = l[k-1], l[k]
		}
	}
}

// cutsOf is where on p–q it meets r–t, as parts of its length.
func cutsOf(p, q, r, t orb.Point) []float64 {
	dx, dy, ex, ey := q[0]-p[0], q[1]-p[1], t[0]-r[0], t[1]-r[1]
	den := dx*ey - dy*ex
	if den == 0 { // along each other
		length := dx*dx + dy*dy
		if length == 0 {
			return nil
		}
		return []float64{((r[0]-p[0])*dx + (r[1]-p[1])*dy) / length, ((t[0]-p[0])*dx + (t[1]-p[1])*dy) / length}
	}
	return []float64{((r[0]-p[0])*ey - (r[1]-p[1])*ex) / den}
}

// middle is a point in a ring: between two crossings of a line through its middle height.
func middle(r orb.Ring) orb.Point {
	b := r.Bound()
	y := (b.Min[1] + b.Max[1]) / 2
	var xs []float64
	for i := 1; i < len(r); i++ {
		p, q := r[i-1], r[i]
		if (p[1] > y) != (q[1] > y) {
			xs = append(xs, p[0]+(y-p[1])/(q[1]-p[1])*(q[0]-p[0]))
		}
	}
	if len(xs) < 2 {
		return r[0]
	}
	sortFloats(xs)
	return orb.Point{(xs[0] + xs[1]) / 2, y}
}

// metres is how far two shapes are from each other; nought if they meet.
func metres(a, b shape, box orb.Bound) float64 {
	if len(a.points) == 1 && len(b.points) == 1 && len(a.lines)+len(a.areas)+len(b.lines)+len(b.areas) == 0 {
		return geo.Distance(a.points[0], b.points[0])
	}
	if intersects(a, b, box) {
		return 0
	}
	// Flat around the middle of what is asked for: over the reach of a search that is exact to
	// a few parts in ten thousand.
	lat := box.Center()[1] * math.Pi / 180
	flat := func(p orb.Point) orb.Point {
		return orb.Point{p[0] * math.Pi / 180 * orb.EarthRadius * math.Cos(lat), p[1] * math.Pi / 180 * orb.EarthRadius}
	}
	best := math.Inf(1)
	ends := func(x, y shape) { // the least distance is from an end or a corner of one to the other
		corner := func(p orb.Point) {
			f := flat(p)
			for _, q := range y.points {
				best = math.Min(best, planar.Distance(f, flat(q)))
			}
			y.segments(func(q, r orb.Point) bool {
				best = math.Min(best, planar.DistanceFromSegment(flat(q), flat(r), f))
				return true
			})
		}
		for _, p := range x.points {
			corner(p)
		}
		x.segments(func(p, q orb.Point) bool { corner(p); corner(q); return true })
	}
	ends(a, b)
	ends(b, a)
	return best
}

// maxMetres is how far "near" may be.
const maxMetres = 100000
