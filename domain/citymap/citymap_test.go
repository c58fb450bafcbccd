// SPDX-License-Identifier: EUPL-1.2

package citymap_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/base/person"
	"mercator/domain/citymap"

	"github.com/paulmach/orb"
	"pgregory.net/rapid"
)

func TestParseView(t *testing.T) {
	v, ok := citymap.ParseView("51.43456,6.762,14")
	if !ok || v.String() != "51.4346,6.762,14" {
		t.Errorf("%v %v", v, ok)
	}
	for _, s := range []string{"", "51,6", "51,6,14,1", "NaN,6,14", "51,Inf,14", "91,6,14", "51,181,14", "51,6,8", "51,6,20", "51,6,1e9", "51,6,14 ", "<b>,6,14", strings.Repeat("5", 60) + ",6,14"} {
		if v, ok := citymap.ParseView(s); ok {
			t.Errorf("%q is %v", s, v)
		}
	}
}

// What a pixel shows is shown at that pixel, and a place that was clicked is found again
// within the width of a pixel.
func TestAClickMeansWhatThePictureShows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := citymap.View{Lat: rapid.Float64Range(-80, 80).Draw(t, "lat"), Lon: rapid.Float64Range(-179, 179).Draw(t, "lon"), Zoom: rapid.IntRange(9, 19).Draw(t, "zoom")}
		x, y := rapid.Float64Range(0, citymap.Size).Draw(t, "x"), rapid.Float64Range(0, citymap.Size).Draw(t, "y")
		p := v.At(x, y)
		gx, gy := v.Pixel(p.Lat, p.Lon)
		// A millionth of a degree is up to two pixels at the nearest zoom, far from the equator.
		if math.Abs(gx-x) > 2.5 || math.Abs(gy-y) > 2.5 {
			t.Errorf("%v: %.2f, %.2f is %v, which is at %.2f, %.2f", v, x, y, p, gx, gy)
		}
	})
}

func TestKnownPlaces(t *testing.T) {
	v := citymap.View{Lat: 51.4346, Lon: 6.7623, Zoom: 17}
	if x, y := v.Pixel(51.4346, 6.7623); math.Abs(x-140) > 1e-6 || math.Abs(y-140) > 1e-6 {
		t.Errorf("the middle is at %f, %f", x, y)
	}
	// A pixel at zoom 17 is 1.194 m at the equator, and cos(latitude) of it elsewhere.
	p := v.At(240, 140)
	metres := (p.Lon - 6.7623) * math.Pi / 180 * 6378137 * math.Cos(51.4346*math.Pi/180)
	if want := 100 * 1.19433 * math.Cos(51.4346*math.Pi/180); math.Abs(metres-want) > 0.2 {
		t.Errorf("100 pixels are %.2f m, want %.2f", metres, want)
	}
	north := v.Moved(citymap.North)
	if north.Lat <= v.Lat || north.Lon != v.Lon || north.Zoom != v.Zoom {
		t.Errorf("north of it is %v", north)
	}
	if back := north.Moved(citymap.South); math.Abs(back.Lat-v.Lat) > 2e-4 {
		t.Errorf("and back is %v", back)
	}
	for range 20 {
		v = v.Moved(citymap.In)
	}
	if _, ok := citymap.ParseView(v.String()); !ok || v.Zoom != 19 {
		t.Errorf("nearest is %v", v)
	}
	for range 20 {
		v = v.Moved(citymap.Out)
	}
	if _, ok := citymap.ParseView(v.String()); !ok || v.Zoom != 9 {
		t.Errorf("farthest is %v", v)
	}
	for range 3000 {
		v = v.Moved(citymap.North).Moved(citymap.East)
	}
	if _, ok := citymap.ParseView(v.String()); !ok {
		t.Errorf("the end of the world is %v", v)
	}
}

const plan = `
attribution = "Somebody"
[start]
lat = 51.43
lon = 6.76
zoom = 14
[[layer]]
register = "districts"
field = "area"
label = "name"
label_from = 12
[[layer]]
register = "addresses"
field = "place"
label = "number"
from = 16
`

func load(t *testing.T, text string, find citymap.Find) (*citymap.Map, error) {
	t.Helper()
	return citymap.Load(fstest.MapFS{"city/map.toml": {Data: []byte(text)}}, func(register, geometry, label string) error {
		if register != "districts" && register != "addresses" {
			return errors.New("no such register")
		}
		return nil
	}, find)
}

func square(side float64) orb.Geometry {
	w, s := 6.76-side/2, 51.43-side/2
	return orb.Bound{Min: orb.Point{w, s}, Max: orb.Point{w + side, s + side}}.ToPolygon()
}

func TestThePictureShowsTheLayersOfItsZoom(t *testing.T) {
	var asked []string
	find := func(_ context.Context, in orb.Bound, register, geometry, label string) ([]citymap.Feature, error) {
		asked = append(asked, register+" "+geometry+" "+label)
		if !in.Contains(orb.Point{6.76, 51.43}) {
			t.Errorf("asked for %v", in)
		}
		if register == "addresses" {
			return []citymap.Feature{{orb.Point{6.76, 51.43}, "12 <script>&\x00"}, {orb.Point{6.76, 51.43}, "14"}, {nil, "nowhere"}, {orb.Point{7, 51}, "far"}}, nil
		}
		return []citymap.Feature{{square(0.01), "Dellviertel"}, {square(3), "Everywhere"}, {orb.MultiPolygon{square(0.001).(orb.Polygon)}, ""}, {orb.LineString{{6.7, 51.4}, {6.8, 51.5}}, ""}}, nil
	}
	m, err := load(t, plan, find)
	if err != nil {
		t.Fatal(err)
	}
	got := func(view string) string {
		t.Helper()
		asked = nil
		v, ok := citymap.ParseView(view)
		if !ok {
			t.Fatal(view)
		}
		svg, err := m.SVG(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%v: %s", err, svg)
			}
		}
		return string(svg)
	}
	far := got("51.43,6.76,14")
	if len(asked) != 1 || asked[0] != "districts area name" {
		t.Errorf("asked %q", asked)
	}
	if !strings.Contains(far, ">Dellviertel</text>") || strings.Contains(far, "<circle") || !strings.Contains(far, " m</text>") {
		t.Error(far)
	}
	near := got("51.43,6.76,18")
	if len(asked) != 2 || strings.Count(near, "<circle") != 2 || strings.Contains(near, "<script>") || !strings.Contains(near, "&lt;script&gt;") {
		t.Error(asked, near)
	}
	if strings.Contains(near, ">14</text>") {
		t.Error("two labels stand on each other")
	}
	if low := got("51.43,6.76,9"); strings.Contains(low, "Dellviertel") || !strings.Contains(low, " km</text>") {
		t.Error(low)
	}
}

func TestAMapThatIsNoneIsRefused(t *testing.T) {
	if m, err := citymap.Load(fstest.MapFS{}, nil, nil); m != nil || err != nil {
		t.Errorf("%v %v", m, err)
	}
	for text, want := range map[string]string{
		"[start":                                 "city/map.toml",
		plan + "colour = 1\n":                    "unknown key layer.colour",
		strings.Replace(plan, "51.43", "151", 1): "start needs",
		strings.Replace(plan, "zoom = 14", "zoom = 3", 1): "start needs",
		"[start]\nlat=51\nlon=6\nzoom=14\n":               "one to 8 layers",
		strings.Replace(plan, "districts", "secrets", 1):  "layer 1: no such register",
	} {
		if _, err := load(t, text, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestWhatCantBeFoundIsAnError(t *testing.T) {
	m, err := load(t, plan, func(context.Context, orb.Bound, string, string, string) ([]citymap.Feature, error) {
		return nil, errors.New("the register is closed")
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.SVG(t.Context(), m.Start); err == nil {
		t.Error("drawn all the same")
	}
}

// The mark is in the picture around it, wherever it is in the city, and the address doesn't tell where.
func TestAround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := person.Position{Lat: rapid.Float64Range(47, 55).Draw(t, "lat"), Lon: rapid.Float64Range(6, 15).Draw(t, "lon")}
		v := citymap.Around(p)
		if x, y := v.Pixel(p.Lat, p.Lon); x < 8 || y < 8 || x > citymap.Size-8 || y > citymap.Size-8 {
			t.Errorf("%v is at %.0f, %.0f of %v", p, x, y, v)
		}
		if back, ok := citymap.ParseView(v.String()); !ok || back != v {
			t.Errorf("%v is read as %v", v, back)
		}
	})
}
