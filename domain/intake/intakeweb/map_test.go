// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"context"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"mercator/base/person"
	"mercator/domain/citymap"
	"mercator/lang/form"

	"github.com/paulmach/orb"
)

// plan is a map of a city with one house.
func plan(t testing.TB) *citymap.Map {
	t.Helper()
	m, err := citymap.Load(fstest.MapFS{"city/map.toml": {Data: []byte("attribution = \"Kartenleute\"\n[start]\nlat = 51.43\nlon = 6.76\nzoom = 14\n[[layer]]\nregister = \"addresses\"\nfield = \"place\"\n")}},
		func(string, string, string) error { return nil },
		func(context.Context, orb.Bound, string, string, string) ([]citymap.Feature, error) {
			return []citymap.Feature{{Shape: orb.Point{6.76, 51.43}}}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var (
	viewNow  = regexp.MustCompile(`name="_view.spot" value="([^"]+)"`)
	placeNow = regexp.MustCompile(`name="spot" type="text" value="([^"]*)"`)
)

func (v *visitor) found(what *regexp.Regexp) string {
	v.t.Helper()
	m := what.FindStringSubmatch(v.body)
	if m == nil {
		v.t.Fatalf("no %v in\n%s", what, v.body)
	}
	return m[1]
}

func TestAPlaceIsPointedAtWithoutAScript(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/report-defect/start").at(draftID+"/page/place", 200).
		sees(`<input type="image" src="/apply/map.svg?view=51.43%2C6.76%2C14" name="_map.spot"`, `tabindex="-1"`, "Kartenleute", "Die Mitte der Karte übernehmen")
	if got := v.found(viewNow); got != "51.43,6.76,14" {
		t.Errorf("begins at %s", got)
	}
	at := draftID + `/page/place\?map=spot&view=[-0-9.%C]+`
	// What is typed meanwhile stays, also what isn't understood.
	v.send("spot", "#", "_map.spot", citymap.In).at(at, 200)
	if got := v.found(viewNow); got != "51.43,6.76,15" || v.found(placeNow) != "#" {
		t.Errorf("nearer: %s, %q", got, v.found(placeNow))
	}
	v.send("spot", "", "_map.spot", citymap.East).at(at, 200)
	east, ok := citymap.ParseView(v.found(viewNow))
	if !ok || east.Lon <= 6.76 || strings.Contains(v.body, "m-map__mark") {
		t.Errorf("east: %v", east)
	}
	v.send("spot", "", "_map.spot.x", "200", "_map.spot.y", "90").at(at, 200).sees(`class="m-map__mark" cx="200.`)
	want := east.At(200, 90)
	if got, ok, err := person.ParsePosition(v.found(placeNow)); err != nil || !ok || got != want {
		t.Errorf("clicked at %v, entered %v", want, got)
	}
	if got := v.found(viewNow); got != east.String() {
		t.Errorf("the map has moved to %s under the click", got)
	}
	// A key presses the picture in its corner: nobody has pointed at anything.
	v.send("spot", want.String(), "_map.spot.x", "0", "_map.spot.y", "0").at(at, 200)
	if got := v.found(placeNow); got != want.String() {
		t.Errorf("%s after a key", got)
	}
	v.send("spot", "", "_map.spot", takeMiddle).at(at, 200)
	if got := v.found(placeNow); got != east.At(140, 140).String() {
		t.Errorf("the middle is %s", got)
	}
	v.send("spot", v.found(placeNow)).at(draftID+"/page/what", 200)
	// Whoever comes back sees the place.
	draft := strings.Split(v.url, "/")[2]
	v.get("/apply/"+draft+"/page/place").sees("m-map__mark", ",16\"")
}

func TestHostileStepsOnAMap(t *testing.T) {
	tn := newTown(t)
	v := tn.visitor(t, "anna")
	v.get("/services/report-defect/start").at(draftID+"/page/place", 200)
	path := strings.Split(v.url, "?")[0]
	for _, in := range []url.Values{
		{"_map.spot": {"<script>"}, "_view.spot": {"\"><script>"}},
		{"_map.spot.x": {"NaN"}, "_map.spot.y": {"1e400"}},
		{"_map.spot.x": {"-5"}, "_map.spot.y": {"5"}},
		{"_map.spot.x": {"99999999"}, "_map.spot.y": {"5"}},
		{"_map.spot.x": {"5"}},
	} {
		in[form.PostedField] = []string{"spot"}
		v.post(path, in).at(draftID+"/page/place.*", 200)
		if strings.Contains(v.body, "<script>") || v.found(placeNow) != "" {
			t.Errorf("%v: %s", in, v.body)
		}
	}
	// No map of a field that asks for something else.
	v.post(path, url.Values{form.PostedField: {"concern"}, "_map.concern": {takeMiddle}})
	if strings.Contains(v.url, "map=") {
		t.Error(v.url)
	}
	for query, status := range map[string]int{"view=51.43,6.76,14": 200, "view=51.43,6.76,99": 422, "": 422, "view=%00": 422} {
		if v.get("/apply/map.svg?" + query); v.status != status {
			t.Errorf("%q is answered with %d, want %d", query, v.status, status)
		}
	}
	if v.get("/apply/map.svg?view=51.43,6.76,14"); !strings.HasPrefix(v.body, "<svg ") || !strings.Contains(v.body, "<circle") {
		t.Error(v.body)
	}
}
