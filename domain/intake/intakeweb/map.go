// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"
	"net/url"
	"strconv"

	"mercator/base/fault"
	"mercator/domain/citymap"
	"mercator/lang/form"
	"mercator/web/ui"
)

// A field for a position has a map beside it, which works without a script: the map is a
// button with a picture, so a click on it sends the page and says where it fell; other
// buttons move the map. What was clicked is entered into the field, and the page is shown
// again. Whoever has no pointer moves the map until the place is in its middle, or types.

const (
	mapField  = "_map."  // before the name of a field: a step on its map; with .x and .y behind it: where it was clicked
	viewField = "_view." // what the map showed
	// takeMiddle is the step that enters what is in the middle.
	takeMiddle = "middle"
)

// takeMap does what was pressed on a map: a place is entered into its field among what was
// posted. It gives the part of the address that shows the map as it is then; empty: none
// was pressed.
func (p *Pages) takeMap(f *form.Form, in url.Values) string {
	if p.c.Map == nil {
		return ""
	}
	for _, name := range in[form.PostedField] {
		step, clicked := in.Get(mapField+name), in.Get(mapField+name+".x")
		if step == "" && clicked == "" {
			continue
		}
		if fd := f.Field(name); fd == nil || fd.Kind != "position" {
			continue
		}
		view, ok := citymap.ParseView(in.Get(viewField + name))
		if !ok {
			view = p.c.Map.Start
		}
		switch {
		case step == takeMiddle:
			in.Set(name, view.At(citymap.Size/2, citymap.Size/2).String())
		case step != "":
			view = view.Moved(step)
		default:
			x, errX := strconv.ParseFloat(clicked, 64)
			y, errY := strconv.ParseFloat(in.Get(mapField+name+".y"), 64)
			// Pressed by a key, a picture sends its corner: nobody has pointed at anything.
			if errX == nil && errY == nil && x > 0 && y > 0 && x <= citymap.Size && y <= citymap.Size {
				in.Set(name, view.At(x, y).String())
			}
		}
		return url.Values{"map": {name}, "view": {view.String()}}.Encode() + "#" + ui.FieldID(name)
	}
	return ""
}

// viewOf is what the map of a field showed, as the request says.
func viewOf(r *http.Request, name string) (citymap.View, bool) {
	if s := r.PostForm.Get(viewField + name); s != "" {
		return citymap.ParseView(s)
	}
	q := r.URL.Query()
	if q.Get("map") != name {
		return citymap.View{}, false
	}
	return citymap.ParseView(q.Get("view"))
}

// mapOf is the map beside a field for a position.
func (b *builder) mapOf(it *form.Item) *ui.Map {
	place, marked := form.PositionOf(it.Value)
	view, ok := b.view(it.Name)
	switch {
	case ok:
	case marked:
		view = citymap.Around(place)
	default:
		view = b.city.Start
	}
	m := &ui.Map{Src: mapPath + "?view=" + url.QueryEscape(view.String()), Size: citymap.Size, Step: mapField + it.Name, View: ui.Hidden{Name: viewField + it.Name, Value: view.String()}, Note: b.city.Attribution}
	step := func(value, key string) {
		m.Steps = append(m.Steps, ui.Button{Text: b.loc.T(key), Hidden: it.Label.For(b.loc.Lang()), Kind: "tertiary", Name: m.Step, Value: value})
	}
	step(citymap.In, "intake.map.in")
	step(citymap.Out, "intake.map.out")
	step(citymap.North, "intake.map.north")
	step(citymap.South, "intake.map.south")
	step(citymap.West, "intake.map.west")
	step(citymap.East, "intake.map.east")
	step(takeMiddle, "intake.map.middle")
	m.Alt = b.loc.T("intake.map.alt", "label", it.Label.For(b.loc.Lang()))
	if marked {
		m.X, m.Y = view.Pixel(place.Lat, place.Lon)
		m.Marked = m.X >= 0 && m.Y >= 0 && m.X <= citymap.Size && m.Y <= citymap.Size
	}
	return m
}

const mapPath = "/apply/map.svg"

// mapPicture draws a part of the city. It is the same for everybody.
func (p *Pages) mapPicture(w http.ResponseWriter, r *http.Request) error {
	const op = "intakeweb.map"
	if p.c.Map == nil {
		return fault.New(fault.NotFound, op, "")
	}
	view, ok := citymap.ParseView(r.URL.Query().Get("view"))
	if !ok {
		return fault.New(fault.Invalid, op, "web.malformed")
	}
	picture, err := p.c.Map.SVG(r.Context(), view)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=3600")
	_, err = w.Write(picture)
	return err
}
