// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"testing"

	"mercator/lang/feel"
)

// Every case of the benchmark means something.
func TestCases(t *testing.T) {
	for _, c := range cases() {
		vars := map[string]feel.Value{}
		for n, v := range c.Context {
			vars[n] = feel.FromJSON(v)
		}
		compile := feel.Compile
		if c.Unary {
			compile = feel.CompileUnary
		}
		p, err := compile(c.Expression, feel.Config{})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if c.Unary {
			if ok, err := p.Test(vars["?"], vars); !ok || err != nil {
				t.Errorf("%s: %v %v", c.Name, ok, err)
			}
		} else if v, err := p.Eval(vars); v == nil || err != nil {
			t.Errorf("%s: %v %v", c.Name, v, err)
		}
	}
}
