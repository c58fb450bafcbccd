// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"hash/maphash"
	"sync"
	"time"
)

// limiter holds a token bucket for each client and class. Its memory is bounded:
// each shard keeps two generations of buckets; when the young one is full the old
// one is forgotten. Who is forgotten starts with a full bucket again.
type limiter struct {
	rates  map[string]Rate
	now    func() time.Time
	seed   maphash.Seed
	shards [16]limitShard
}

type limitShard struct {
	mu         sync.Mutex
	young, old map[limitKey]*bucket
}

type limitKey struct{ class, client string }

type bucket struct {
	tokens float64
	at     time.Time
}

// limitGeneration is how many buckets a generation of a shard holds: 16 shards of
// two generations of 4096 are some 20 MB at the very most.
const limitGeneration = 4096

func newLimiter(rates map[string]Rate, now func() time.Time) *limiter {
	return &limiter{rates: rates, now: now, seed: maphash.MakeSeed()}
}

// allow takes a token, or tells how long to wait for one.
func (l *limiter) allow(class, client string) (time.Duration, bool) {
	rate := l.rates[class]
	if rate.PerMinute <= 0 || class == ClassFree {
		return 0, true
	}
	key := limitKey{class, client}
	s := &l.shards[maphash.String(l.seed, client)%uint64(len(l.shards))]
	now := l.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.young[key]
	if b == nil {
		if b = s.old[key]; b == nil {
			b = &bucket{tokens: float64(rate.Burst), at: now}
		}
		if s.young == nil || len(s.young) >= limitGeneration {
			s.old, s.young = s.young, make(map[limitKey]*bucket)
		}
		s.young[key] = b
	}
	if d := now.Sub(b.at); d > 0 {
		b.tokens = min(float64(rate.Burst), b.tokens+d.Minutes()*rate.PerMinute)
		b.at = now
	}
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / rate.PerMinute * float64(time.Minute)), false
	}
	b.tokens--
	return 0, true
}
