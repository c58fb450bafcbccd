// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"strings"

	"pgregory.net/rapid"
)

// RandomProcess draws a block-structured process, with what it calls.
func RandomProcess(t *rapid.T) *Process {
	g := &gen{t: t, called: &[]string{}, joins: &[][2]string{}}
	a, b := g.block(rapid.IntRange(1, 4).Draw(t, "depth"))
	g.flow("start", a, "")
	g.flow(b, "end", "")
	body := `<bpmn:startEvent id="start"/>` + g.nodes.String() + `<bpmn:endEvent id="end"/>` + g.flows.String()
	if len(*g.called) > 0 { // the file ends with the end of a process
		body += "</bpmn:process>" + strings.TrimSuffix(strings.Join(*g.called, ""), "</bpmn:process>")
	}
	d, err := Parse("random.bpmn", model(body))
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Processes[0].Link(func(id string) *Process {
		p, _ := d.Process(id)
		return p
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
