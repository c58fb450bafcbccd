// SPDX-License-Identifier: EUPL-1.2

package feel

// --- contexts (10.3.4.9)

var contextType = argTypes['c']

var contexts = map[string][]signature{
	"get value": {sig("m:c, key:s", nil, func(c *site, a []Value) Value {
		v, ok := a[0].(*Context).Get(a[1].(string))
		if !ok {
			return c.null("there is no entry of that name")
		}
		return v
	})},
	"get entries": {sig("m:c", listAny, func(c *site, a []Value) Value {
		m := a[0].(*Context)
		out := make([]Value, len(m.vals))
		for i, n := range m.shape.names {
			c.st.step()
			out[i] = &Context{entryShape, []Value{n, m.vals[i]}}
		}
		return out
	})},
	"context": {sig("entries:l", contextType, func(c *site, a []Value) Value {
		var names []string
		var vals []Value
		seen := map[string]bool{}
		for _, e := range a[0].([]Value) {
			c.st.step()
			m, ok := e.(*Context)
			if !ok {
				return c.null("an entry is %s, not a context", brief(e))
			}
			k, _ := m.Get("key")
			name, ok := k.(string)
			v, has := m.Get("value")
			if !ok || !has || seen[name] {
				return c.null("an entry has a key of its own and a value")
			}
			seen[name] = true
			names, vals = append(names, name), append(vals, v)
		}
		return NewContext(names, vals)
	})},
	"context put": {
		sig("context:c, key:s, value:a", contextType, func(c *site, a []Value) Value {
			c.st.spend(len(a[0].(*Context).vals))
			return a[0].(*Context).With(a[1].(string), a[2])
		}),
		sig("context:c, keys:l, value:a", contextType, func(c *site, a []Value) Value { return put(c, a[0].(*Context), a[1].([]Value), a[2]) }),
	},
	"context merge": {sig("contexts:l", contextType, func(c *site, a []Value) Value {
		out := NewContext(nil, nil)
		var names []string
		var vals []Value
		at := map[string]int{}
		for _, e := range a[0].([]Value) {
			m, ok := e.(*Context)
			if !ok {
				return c.null("%s is no context", brief(e))
			}
			for i, n := range m.shape.names {
				c.st.step()
				if k, ok := at[n]; ok {
					vals[k] = m.vals[i]
					continue
				}
				at[n] = len(names)
				names, vals = append(names, n), append(vals, m.vals[i])
			}
		}
		if len(names) > 0 {
			out = NewContext(names, vals)
		}
		return out
	})},
}

var entryShape = newShape([]string{"key", "value"})

func put(c *site, m *Context, keys []Value, v Value) Value {
	if len(keys) == 0 {
		return c.null("there is no key")
	}
	k, ok := keys[0].(string)
	if !ok {
		return c.null("a key is a text")
	}
	c.st.spend(len(m.vals))
	if len(keys) > 1 {
		in, _ := m.Get(k)
		inner, ok := in.(*Context)
		if !ok {
			return c.null("there is no context under one of the keys")
		}
		if v = put(c, inner, keys[1:], v); v == nil {
			return nil
		}
	}
	return m.With(k, v)
}
