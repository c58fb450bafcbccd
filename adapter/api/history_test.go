// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"testing"
	"time"
)

func TestISO(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "PT0S", -time.Second: "PT0S", 1500 * time.Millisecond: "PT1.5S", 20 * time.Second: "PT20S", time.Minute: "PT1M", 90 * time.Minute: "PT1H30M",
		48 * time.Hour: "P2D", 76*time.Hour + 5*time.Second: "P3DT4H5S", time.Microsecond: "PT0.000001S"} {
		if got := iso(d); got != want {
			t.Errorf("%s: got %s, want %s", d, got, want)
		}
	}
}
