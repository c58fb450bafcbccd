// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"reflect"
	"testing"
)

// Every case of the benchmark has an answer, and the same one in each of our ways.
func TestCases(t *testing.T) {
	for _, c := range cases() {
		mine, err := ours(c)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		var first any
		for i, w := range mine {
			v, err := w.value()
			if v = plain(v); v == nil || err != nil {
				t.Errorf("%s, way %d: %v %v", c.Name, i, v, err)
			}
			if i == 0 {
				first = v
			} else if !reflect.DeepEqual(first, v) {
				t.Errorf("%s, way %d: %v, not %v", c.Name, i, v, first)
			}
		}
	}
}

// Numbers are held against each other by 12 digits, and a text is no number.
func TestPlain(t *testing.T) {
	if !reflect.DeepEqual(plain([]any{0.1 + 0.2}), plain([]any{0.3})) {
		t.Error("0.1 + 0.2 and 0.3 differ")
	}
	if reflect.DeepEqual(plain("1"), plain(1.0)) || reflect.DeepEqual(plain(1.0), plain(1.001)) {
		t.Error("what differs doesn't")
	}
}

func TestMedian(t *testing.T) {
	v := []float64{3, 1, 2}
	if median(v) != 2 || median([]float64{1, 2, 3, 10}) != 2.5 || v[0] != 3 {
		t.Error(median(v), v)
	}
	if got := ratio([]float64{10, 40, 90}, []float64{1, 2, 3}); got != "20.0× (10.0 to 30.0)" {
		t.Error(got)
	}
	if got := rate(1234567); got != "1,234,567" {
		t.Error(got)
	}
}
