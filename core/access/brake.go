// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// A brake bounds how many persons one consumer reads of a kind of resource in a time. It stops a bulk read that every
// single policy would permit.
type brake struct {
	ID       string   `toml:"id"`
	Who      Kind     `toml:"who"`
	Resource string   `toml:"resource"` // a kind, or one of its resources: register, register:residents
	Persons  int      `toml:"persons"`
	Within   duration `toml:"within"`
}

type duration struct{ time.Duration }

func (d *duration) UnmarshalText(text []byte) (err error) {
	d.Duration, err = time.ParseDuration(string(text))
	return err
}

// brakesFile is where a city says how fast its registers may be read.
const brakesFile = "brakes.toml"

func readBrakes(folder fs.FS) ([]brake, error) {
	var file struct {
		Brakes []brake `toml:"brake"`
	}
	if err := optional(folder, brakesFile, &file); err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, b := range file.Brakes {
		if b.ID == "" || ids[b.ID] || b.Resource == "" || b.Persons < 1 || b.Within.Duration < time.Second ||
			!slices.Contains([]Kind{Resident, Clerk, Machine}, b.Who) {
			return nil, fmt.Errorf("%s: brake %q needs an id of its own, who (resident, clerk or machine), a resource, persons and within of a second at least", brakesFile, b.ID)
		}
		ids[b.ID] = true
	}
	return file.Brakes, nil
}

func (b brake) applies(a Actor, resource string) bool {
	return b.Who == a.Kind && (resource == b.Resource || strings.HasPrefix(resource, b.Resource+":"))
}

// meters count per node: several nodes let through as many times as much, and a node that starts anew begins at nothing. What
// was read stays on record either way, and the detector counts there.
type meters struct {
	mu   sync.Mutex
	left map[meter]level
}

type meter struct{ brake, actor string }

// level is what was left at a time. It rises steadily to the full allowance; a list that shows more than is left makes a debt.
type level struct {
	left     float64
	at, full time.Time // full: when the allowance is whole again
}

const maxMeters = 20_000

// take uses up an allowance for n persons and tells how long to wait where it isn't enough; forced takes it anyway.
func (m *meters) take(b brake, actor string, n int, now time.Time, forced bool) time.Duration {
	full, rate := float64(b.Persons), float64(b.Persons)/b.Within.Seconds()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == nil {
		m.left = map[meter]level{}
	}
	key := meter{b.ID, actor}
	l, ok := m.left[key]
	if !ok {
		if len(m.left) >= maxMeters {
			for k, v := range m.left {
				if !now.Before(v.full) { // as if it had never been here
					delete(m.left, k)
				}
			}
		}
		l = level{left: full, at: now}
	}
	l.left = min(full, l.left+max(now.Sub(l.at).Seconds(), 0)*rate)
	l.at = now
	// A request for more persons than the whole allowance is let through when it is full: else it never could be.
	need := min(float64(n), full)
	if l.left < need && !forced {
		m.left[key] = l
		return time.Duration(math.Ceil((need-l.left)/rate)) * time.Second
	}
	l.left -= float64(n)
	l.full = now.Add(time.Duration((full - l.left) / rate * float64(time.Second)))
	m.left[key] = l
	return 0
}

// braked takes a request from the actor's allowances and tells which brake stops it, and for how long.
func (c *Checker) braked(r Request, n int, forced bool) (id string, wait time.Duration) {
	for _, b := range c.rules.Load().brakes {
		if b.applies(r.Actor, r.Resource) {
			if w := c.meters.take(b, string(r.Actor.Kind)+":"+r.Actor.ID, n, c.now(), forced); w > wait {
				id, wait = b.ID, w
			}
		}
	}
	return id, wait
}
