// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"mercator/lang/feel"

	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// scope is the scope with the id; scopes are few.
func (r *run) scope(id int) *Scope {
	for _, sc := range r.s.Scopes {
		if sc.ID == id {
			return sc
		}
	}
	return nil
}

// outer is the scope around sc whose variables are seen in it, or nil.
func (r *run) outer(sc *Scope) *Scope {
	if sc.Border == shut {
		return nil
	}
	return r.scope(sc.Parent)
}

// lookup finds a variable from the inside out.
func (r *run) lookup(scope int, local map[string]any, name string) (any, bool) {
	if v, ok := local[name]; ok {
		return v, true
	}
	for sc := r.scope(scope); sc != nil; sc = r.outer(sc) {
		if v, ok := sc.Vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

// visible is everything that an element sees.
func (r *run) visible(scope int, local map[string]any) map[string]any {
	var chain []*Scope
	for sc := r.scope(scope); sc != nil; sc = r.outer(sc) {
		chain = append(chain, sc)
	}
	out := map[string]any{}
	for _, sc := range slices.Backward(chain) {
		maps.Copy(out, sc.Vars)
	}
	maps.Copy(out, local)
	return out
}

// set changes a variable where it lives: in the nearest scope that has it, else in the process.
func (r *run) set(scope int, name string, v any) {
	at := r.scope(scope)
	for sc := at; sc != nil; sc = r.scope(sc.Parent) {
		at = sc
		if _, ok := sc.Vars[name]; ok || sc.Border != passable {
			break
		}
	}
	vars := make(map[string]any, len(at.Vars)+1)
	maps.Copy(vars, at.Vars)
	vars[name] = v
	at.Vars = vars
}

// setAll is set for each, in the order of the names.
func (r *run) setAll(scope int, vars map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		r.set(scope, name, vars[name])
	}
}

// spill sets what isn't local to a token where it lives.
func (r *run) spill(t *Token, vars map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if _, local := t.Vars[name]; !local {
			r.set(t.Scope, name, vars[name])
		}
	}
}

// setPath is old with v at the path; what old has beside it stays.
func setPath(old any, path []string, v any) any {
	if len(path) == 0 {
		return v
	}
	m, _ := old.(map[string]any)
	out := make(map[string]any, len(m)+1)
	maps.Copy(out, m)
	out[path[0]] = setPath(m[path[0]], path[1:], v)
	return out
}

// eval is the value of an expression for a token.
func (r *run) eval(x *Expr, scope int, local map[string]any) (any, error) {
	if x.prog == nil {
		return x.Src, nil
	}
	vars := map[string]any{feel.Now: r.now}
	for _, name := range x.prog.FreeNames() {
		if v, ok := r.lookup(scope, local, name); ok {
			vars[name] = v
		}
	}
	v, err := x.prog.EvalJSON(vars)
	if err != nil {
		return nil, fmt.Errorf("line %d: %w", x.Pos.Line, err)
	}
	if v, err = plain(v); err != nil {
		return nil, fmt.Errorf("line %d: %w", x.Pos.Line, err)
	}
	return v, nil
}

// plain makes a value what encoding/json makes of it when a state is read again, so
// that a step sees the same whether or not the state was stored before it.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("the number %s is too large", short(string(v)))
		}
		return f, nil
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			var err error
			if out[i], err = plain(x); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			var err error
			if out[k], err = plain(x); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// text is the value of an expression that has to be a text; null is "".
func (r *run) text(x *Expr, scope int, local map[string]any) (string, error) {
	if x == nil {
		return "", nil
	}
	v, err := r.eval(x, scope, local)
	if err != nil || v == nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), nil
	case map[string]any, []any:
		return "", fmt.Errorf("line %d: want a text, got a list or a context", x.Pos.Line)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	default:
		return fmt.Sprint(v), nil
	}
}

// texts is a list of texts, or one text with commas.
func (r *run) texts(x *Expr, scope int, local map[string]any) ([]string, error) {
	if x == nil {
		return nil, nil
	}
	v, err := r.eval(x, scope, local)
	if err != nil || v == nil {
		return nil, err
	}
	var out []string
	switch v := v.(type) {
	case string:
		for _, s := range strings.Split(v, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
		return out, nil
	case []any:
		for _, s := range v {
			s, ok := s.(string)
			if !ok {
				return nil, fmt.Errorf("line %d: want a list of texts", x.Pos.Line)
			}
			out = append(out, s)
		}
		return out, nil
	}
	return nil, fmt.Errorf("line %d: want a text or a list of texts", x.Pos.Line)
}

// inputs are the local variables that the input mappings give, on top of local.
func (r *run) inputs(el *Element, scope int, local map[string]any) (map[string]any, error) {
	if len(el.Inputs) == 0 {
		return local, nil
	}
	out := maps.Clone(local)
	if out == nil {
		out = map[string]any{}
	}
	for _, m := range el.Inputs {
		v, err := r.eval(m.Source, scope, out)
		if err != nil {
			return nil, err
		}
		out[m.Target[0]] = setPath(out[m.Target[0]], m.Target[1:], v)
	}
	return out, nil
}

// outputs writes what the output mappings say from local into the scope.
func (r *run) outputs(el *Element, scope int, local map[string]any) error {
	type result struct {
		name string
		v    any
	}
	var results []result
	local = maps.Clone(local)
	if local == nil {
		local = map[string]any{}
	}
	written := map[string]any{}
	for _, m := range el.Outputs {
		v, err := r.eval(m.Source, scope, local)
		if err != nil {
			return err
		}
		name := m.Target[0]
		old, ok := written[name]
		if !ok {
			old, _ = r.lookup(scope, nil, name)
		}
		v = setPath(old, m.Target[1:], v)
		written[name] = v
		results = append(results, result{name, v})
	}
	for _, x := range results {
		r.set(scope, x.name, x.v)
	}
	return nil
}
