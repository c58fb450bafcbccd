// SPDX-License-Identifier: EUPL-1.2

package ident

import (
	"testing"
	"time"
)

func TestBefore(t *testing.T) {
	now := time.Now()
	id := New()
	if Before(now.Add(-2*time.Millisecond)) >= id || Before(now.Add(time.Minute)) <= id {
		t.Errorf("%s isn't between %s and %s", id, Before(now.Add(-2*time.Millisecond)), Before(now.Add(time.Minute)))
	}
	if Before(time.Time{}) >= id {
		t.Error("the beginning of time sorts behind an id")
	}
}
