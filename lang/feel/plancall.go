// SPDX-License-Identifier: EUPL-1.2

package feel

import (
	"fmt"
	"slices"
)

// --- functions

func (p *planner) function(n *function, s *scope) (code, *Type) {
	fn := &funcScope{up: s.fn}
	inner := &scope{up: s, fn: fn, item: -1}
	t := &Type{Kind: KindFunction, Params: []*Type{}}
	for _, x := range n.params {
		p.typeName(n.at, x.Type)
		inner.add(x.Name, x.Type)
		t.Params = append(t.Params, x.Type)
	}
	if n.external {
		p.problem(n.at, "a function of another language can't be called here", "a FEEL function")
		params, result := n.params, n.result
		return func(f *frame) Value {
			return NewFunction("external", params, result, func([]Value) (Value, error) { return nil, nil })
		}, t
	}
	body, rt := p.plan(n.body, inner)
	if n.result != nil {
		rt = n.result
	}
	t.Result = rt
	params := n.params
	return func(f *frame) Value {
		// A function keeps the variables as they are now.
		env := &frame{slots: slices.Clone(f.slots), up: f.up, st: f.st, seen: f.seen}
		return &Function{params: params, result: rt, body: body, env: env, slots: fn.n, src: n}
	}, t
}

func (p *planner) call(n *call, s *scope) (code, *Type) {
	args := make([]code, len(n.args))
	types := make([]*Type, len(n.args))
	for i, a := range n.args {
		args[i], types[i] = p.plan(a, s)
	}
	if r, ok := n.fn.(*nameRef); ok {
		if shadowed, maybe := p.shadowed(r.name, s); !shadowed && builtins[r.name] != nil {
			call, t := p.builtin(n, builtins[r.name], args, types)
			if !maybe {
				return call, t
			}
			// A variable of that name may be a function; if it is none, the built-in one is meant.
			v, _ := p.name(r, s)
			names := n.names
			return func(f *frame) Value {
				fn, ok := v(f).(*Function)
				if !ok || fn.builtin != nil {
					return call(f)
				}
				vals := make([]Value, len(args))
				for i, a := range args {
					vals[i] = a(f)
				}
				return fn.call(f.st, n.at, vals, names)
			}, nil
		}
	}
	if r, ok := n.fn.(*nameRef); ok && !p.isName(r.name, s) {
		if len(p.problems) < maxErrors {
			p.problem(r.at, "there is no function "+quote(r.name), nearest(r.name, functionNames))
		}
		return func(f *frame) Value {
			f.st.note(r.at, "there is no function "+quote(r.name))
			return nil
		}, nil
	}
	fn, ft := p.plan(n.fn, s)
	if known(ft.kind()) && ft.kind() != KindFunction {
		p.problem(n.fn.where(), fmt.Sprintf("%s is a %s and can't be called", quote(n.fn.where().text()), ft), "a function")
	}
	if ft.kind() == KindFunction && ft.Params != nil && n.names == nil && len(ft.Params) != len(args) {
		p.problem(n.at, fmt.Sprintf("the function takes %d arguments and gets %d", len(ft.Params), len(args)), "")
	}
	var rt *Type
	if ft.kind() == KindFunction {
		rt = ft.Result
	}
	names := n.names
	return func(f *frame) Value {
		fv, ok := fn(f).(*Function)
		if !ok {
			f.st.note(n.at, "what is called here is no function")
			return nil
		}
		vals := make([]Value, len(args))
		for i, a := range args {
			vals[i] = a(f)
		}
		return fv.call(f.st, n.at, vals, names)
	}, rt
}

// isName says whether a name is a variable here.
func (p *planner) isName(name string, s *scope) bool {
	for x := s; x != nil; x = x.up {
		if _, ok := x.slots[name]; ok || x.item >= 0 {
			return true
		}
	}
	_, ok := p.free[name]
	return ok || slices.Contains(p.c.Names, name)
}

// shadowed says whether a variable stands before the built-in function of a name; maybe:
// nobody knows whether that variable is a function. One that is known to be none leaves
// the function in sight: date("2026-12-31") beside an input called date.
func (p *planner) shadowed(name string, s *scope) (shadowed, maybe bool) {
	look := func(t *Type) (bool, bool) {
		switch k := t.kind(); {
		case k == KindFunction:
			return true, false
		case known(k):
			return false, false
		}
		return false, true
	}
	for x := s; x != nil; x = x.up {
		if v, ok := x.slots[name]; ok {
			return look(v.typ)
		}
	}
	if v, ok := p.free[name]; ok {
		return look(v.typ)
	}
	if p.c.declares(name) {
		return look(p.c.Vars[name])
	}
	return false, false
}

// Call calls a function in a run, with its arguments by position. It is for Go code
// that is itself called in that run.
func (fn *Function) Call(r *Run, args []Value) Value { return fn.call(&r.st, at{}, args, nil) }

// call calls a function with values.
func (fn *Function) call(st *state, a at, args []Value, names []string) Value {
	st.step()
	if fn.builtin != nil {
		return fn.builtin.invoke(&site{st: st, at: a, name: fn.name}, args, names)
	}
	if names != nil {
		ordered := make([]Value, len(fn.params)) // what isn't given is null
		given := 0
		for i, p := range fn.params {
			if k := slices.Index(names, p.Name); k >= 0 {
				ordered[i] = args[k]
				given++
			}
		}
		if given != len(names) {
			st.note(a, "the names of the arguments aren't those of the parameters")
			return nil
		}
		args = ordered
	}
	if len(args) != len(fn.params) {
		st.note(a, fmt.Sprintf("the function takes %d arguments and gets %d", len(fn.params), len(args)))
		return nil
	}
	for i, p := range fn.params {
		if p.Type == nil || args[i] == nil {
			continue
		}
		v, ok := p.Type.Coerce(st.run, args[i])
		if !ok {
			st.note(a, fmt.Sprintf("the argument %s isn't of the type %s", quote(p.Name), p.Type))
			return nil
		}
		args[i] = v
	}
	if st.depth++; st.depth > st.maxDepth {
		panic(overBudget{"functions call each other too deeply"})
	}
	defer func() { st.depth-- }()
	var v Value
	if fn.extern != nil {
		var err error
		if v, err = fn.extern(args); err != nil {
			panic(overBudget{err.Error()})
		}
	} else {
		fr := &frame{slots: make([]Value, fn.slots), up: fn.env, st: st, seen: fn.env.seen}
		copy(fr.slots, args)
		v = fn.body(fr)
	}
	if fn.result != nil && v != nil {
		w, ok := fn.result.Coerce(st.run, v)
		if !ok {
			st.note(a, fmt.Sprintf("the result isn't of the type %s", fn.result))
		}
		return w
	}
	return v
}
