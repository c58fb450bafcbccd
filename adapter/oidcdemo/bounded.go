// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"container/list"
	"sync"
	"time"
)

// bounded is a map that forgets: what is older than its life, and the oldest when it's full. So nobody can fill the
// memory by beginning sign-ins that they never finish.
type bounded[V any] struct {
	mu    sync.Mutex
	max   int
	life  time.Duration
	now   func() time.Time
	items map[string]*list.Element
	order *list.List // oldest first
}

type boundedItem[V any] struct {
	key   string
	value V
	until time.Time
}

func newBounded[V any](max int, life time.Duration, now func() time.Time) *bounded[V] {
	return &bounded[V]{max: max, life: life, now: now, items: map[string]*list.Element{}, order: list.New()}
}

// expire needs the lock.
func (b *bounded[V]) expire() {
	now := b.now()
	for e := b.order.Front(); e != nil; e = b.order.Front() {
		if item := e.Value.(*boundedItem[V]); len(b.items) <= b.max && now.Before(item.until) {
			return
		}
		b.drop(e)
	}
}

func (b *bounded[V]) drop(e *list.Element) {
	b.order.Remove(e)
	delete(b.items, e.Value.(*boundedItem[V]).key)
}

func (b *bounded[V]) put(key string, v V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.items[key]; ok {
		b.drop(e)
	}
	b.items[key] = b.order.PushBack(&boundedItem[V]{key: key, value: v, until: b.now().Add(b.life)})
	b.expire()
}

func (b *bounded[V]) get(key string) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	if e, ok := b.items[key]; ok {
		return e.Value.(*boundedItem[V]).value, true
	}
	var none V
	return none, false
}

// take returns the value and removes it: of two who come at the same time only one gets it.
func (b *bounded[V]) take(key string) (V, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	if e, ok := b.items[key]; ok {
		b.drop(e)
		return e.Value.(*boundedItem[V]).value, true
	}
	var none V
	return none, false
}

// change replaces the value under the lock and returns the new one; a missing key begins with the zero value.
func (b *bounded[V]) change(key string, f func(V) V) V {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	var v V
	if e, ok := b.items[key]; ok {
		item := e.Value.(*boundedItem[V])
		item.value = f(item.value)
		return item.value
	}
	v = f(v)
	b.items[key] = b.order.PushBack(&boundedItem[V]{key: key, value: v, until: b.now().Add(b.life)})
	b.expire()
	return v
}

func (b *bounded[V]) remove(key string) { b.take(key) }

func (b *bounded[V]) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expire()
	return len(b.items)
}
