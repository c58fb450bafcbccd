// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"strings"
	"testing"
)

func TestFormTraceAndDiff(t *testing.T) {
	old := file(t, "old.form", `{"type":"default","components":[{"type":"checkbox","key":"on","label":"An"},
		{"type":"textfield","key":"plate","label":"Kennzeichen","conditional":{"hide":"=on != true"},"properties":{"type":"plate","label.en":"number plate"}}]}`)
	now := file(t, "now.form", `{"type":"default","components":[{"type":"checkbox","key":"on","label":"An"},
		{"type":"textfield","key":"plate","label":"Kennzeichen","conditional":{"hide":"=on != true"},"validate":{"required":true},"properties":{"type":"plate","label.en":"number plate"}}]}`)
	steps := file(t, "steps.json", `[{}, {"on": true}, {"on": true, "plate": "du ab 123"}]`)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"form", "diff", old, now}, 0, "„Kennzeichen“ ist jetzt Pflicht (plate)"},
		{[]string{"form", "diff", old, now, "--lang", "en"}, 0, "“number plate” is now required (plate)"},
		{[]string{"form", "trace", now}, 0, "plate: hidden\n    hide: on != true → true  [on = null]"},
		{[]string{"form", "trace", now, "--answers", steps}, 0, "step 2: 1 expressions evaluated\n    on has another value\n    plate appears\n"},
		{[]string{"form", "trace", now, "--answers", steps, "--field", "plate"}, 0, `plate: shown = "DU-AB 123" (typed)`},
		{[]string{"form", "trace", now, "--field", "plate", "--json"}, 0, `"state":"hidden","hiddenBy":"plate"`},
		{[]string{"form", "trace", now, "--field", "no"}, 1, `has no field "no"`},
		{[]string{"form", "trace", now, "--answers", old + "x"}, 1, "no such file"},
		{[]string{"form", "trace", now, "--today", "morgen"}, 1, "want a day such as"},
		{[]string{"form", "trace"}, 1, "usage"},
	} {
		code, out, err := command(t, c.args...)
		if code != c.code || !strings.Contains(out+err, c.want) {
			t.Errorf("%v: %d\n%s%s\nwant %s", c.args, code, out, err, c.want)
		}
	}
}
