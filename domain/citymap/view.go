// SPDX-License-Identifier: EUPL-1.2

package citymap

import (
	"math"
	"strconv"
	"strings"

	"mercator/base/person"

	"github.com/paulmach/orb"
)

// Size is how wide and how high a picture is, in pixels of CSS. It fits the narrowest
// phone, and is never scaled: where a click fell is told in pixels.
const Size = 280

const (
	minZoom, maxZoom = 9, 19
	tile             = 256                   // pixels of the world at zoom 0
	maxLat           = 85.0511               // where the projection ends
	grid             = 10000                 // a middle is rounded to 1/grid degrees, about 10 m
	earth            = 2 * math.Pi * 6378137 // metres
)

// View is a part of the map: its middle in WGS 84 and how near it is. One zoom more is
// twice as near.
type View struct {
	Lat, Lon float64
	Zoom     int
}

// ParseView reads what String wrote; ok is false for anything that is no view.
func ParseView(s string) (v View, ok bool) {
	parts := strings.Split(s, ",")
	if len(s) > 60 || len(parts) != 3 {
		return v, false
	}
	var err [3]error
	v.Lat, err[0] = strconv.ParseFloat(parts[0], 64)
	v.Lon, err[1] = strconv.ParseFloat(parts[1], 64)
	v.Zoom, err[2] = strconv.Atoi(parts[2])
	for _, e := range err {
		if e != nil {
			return View{}, false
		}
	}
	if !(math.Abs(v.Lat) <= maxLat) || !(math.Abs(v.Lon) <= 180) || v.Zoom < minZoom || v.Zoom > maxZoom {
		return View{}, false
	}
	return v.rounded(), true
}

func (v View) rounded() View {
	v.Lat, v.Lon = math.Round(v.Lat*grid)/grid, math.Round(v.Lon*grid)/grid
	return v
}

func (v View) String() string {
	return strconv.FormatFloat(v.Lat, 'f', -1, 64) + "," + strconv.FormatFloat(v.Lon, 'f', -1, 64) + "," + strconv.Itoa(v.Zoom)
}

// around is how exactly the address of a picture says where its mark is: about 200 m.
const around = 500

// Around is a view in which a point is somewhere, and streets can be told apart. Its middle doesn't say where: addresses of pictures
// stand in the logs of what lies between.
func Around(p person.Position) View {
	return View{math.Round(p.Lat*around) / around, math.Round(p.Lon*around) / around, maxZoom - 3}
}

// world is where a point is on the map of the world, in pixels of the view's zoom.
func (v View) world(lat, lon float64) (x, y float64) {
	size := tile * math.Exp2(float64(v.Zoom))
	sin := math.Sin(max(-maxLat, min(maxLat, lat)) * math.Pi / 180)
	return (lon + 180) / 360 * size, (0.5 - math.Log((1+sin)/(1-sin))/(4*math.Pi)) * size
}

// Pixel is where a point is in the picture; it may lie outside of it.
func (v View) Pixel(lat, lon float64) (x, y float64) {
	mx, my := v.world(v.Lat, v.Lon)
	x, y = v.world(lat, lon)
	return x - mx + Size/2, y - my + Size/2
}

// At is the point that a pixel of the picture shows, to a millionth of a degree.
func (v View) At(x, y float64) person.Position {
	mx, my := v.world(v.Lat, v.Lon)
	size := tile * math.Exp2(float64(v.Zoom))
	px, py := (mx+x-Size/2)/size, (my+y-Size/2)/size
	lat := math.Atan(math.Sinh(math.Pi*(1-2*py))) * 180 / math.Pi
	return person.Position{Lat: math.Round(lat*1e6) / 1e6, Lon: math.Round((px*360-180)*1e6) / 1e6}
}

// Steps of Moved.
const (
	North = "north"
	South = "south"
	East  = "east"
	West  = "west"
	In    = "in"
	Out   = "out"
)

// Moved is the view after a step: half a picture aside, or twice as near or far. At an
// edge it stays.
func (v View) Moved(step string) View {
	middle := float64(Size / 2)
	x, y := middle, middle
	switch step {
	case North:
		y = 0
	case South:
		y = Size
	case West:
		x = 0
	case East:
		x = Size
	case In:
		v.Zoom = min(v.Zoom+1, maxZoom)
	case Out:
		v.Zoom = max(v.Zoom-1, minZoom)
	}
	if x != middle || y != middle {
		p := v.At(x, y)
		v.Lat, v.Lon = max(-maxLat, min(maxLat, p.Lat)), max(-180, min(180, p.Lon))
	}
	return v.rounded()
}

// bound is what the picture shows, and a little around it, so that lines don't end inside.
func (v View) bound() orb.Bound {
	nw, se := v.At(-8, -8), v.At(Size+8, Size+8)
	return orb.Bound{Min: orb.Point{max(-180, nw.Lon), max(-90, se.Lat)}, Max: orb.Point{min(180, se.Lon), min(90, nw.Lat)}}
}

// metres is how long a pixel is in the middle of the view.
func (v View) metres() float64 {
	return earth * math.Cos(v.Lat*math.Pi/180) / (tile * math.Exp2(float64(v.Zoom)))
}
