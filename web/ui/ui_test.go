// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/url"
	"testing"
)

func TestReadDate(t *testing.T) {
	tests := []struct {
		form string
		want string
	}{
		{"b.day=4&b.month=3&b.year=1990", "1990-03-04"},
		{"b.day=04&b.month=12&b.year=1990", "1990-12-04"},
		{"b=1990-03-04", "1990-03-04"},
		{"b.day=&b.month=&b.year=", ""},
		{"b.day=4&b.month=x&b.year=", "-0x-04"},
		{"", ""},
	}
	for _, tt := range tests {
		form, err := url.ParseQuery(tt.form)
		if err != nil {
			t.Fatal(err)
		}
		if got := ReadDate(form, "b"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.form, got, tt.want)
		}
	}
	d := DateInput{Value: "1990-03-04"}
	if d.Part("day") != "4" || d.Part("month") != "3" || d.Part("year") != "1990" {
		t.Errorf("%s %s %s", d.Part("day"), d.Part("month"), d.Part("year"))
	}
}
