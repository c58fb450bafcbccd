// SPDX-License-Identifier: EUPL-1.2

package bpmn

import (
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
)

// hostile are files that somebody made to hurt the reader.
func hostile() []struct {
	name string
	data func() []byte
	says string // "": it may load
} {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	full := func(unit string) string { return strings.Repeat(unit, maxBytes/len(unit)-100) }
	body := func(s string) func() []byte { return func() []byte { return model(begin + s) } }
	wide := func(text string, order binary.AppendByteOrder) []byte {
		out := order.AppendUint16(nil, 0xFEFF)
		for _, u := range utf16.Encode([]rune(text)) {
			out = order.AppendUint16(out, u)
		}
		return out
	}
	job := func(inner string) string { return begin + inner + flows("s>a") }
	script := func(src string) func() []byte {
		return func() []byte {
			return model(job(`<bpmn:scriptTask id="a"><bpmn:extensionElements><zeebe:script resultVariable="r" expression="` + src + `"/></bpmn:extensionElements></bpmn:scriptTask>`))
		}
	}
	return []struct {
		name string
		data func() []byte
		says string
	}{
		{"a million elements", func() []byte { return []byte("<x>" + strings.Repeat("<y/>", 1_000_000) + "</x>") }, "more than"},
		{"a million empty tasks", body(strings.Repeat("<bpmn:task/>", 1_000_000)), "more than"},
		{"as many elements as may be", body(many(maxNodes-20, `<bpmn:task id="t%d"/>`)), ""},
		{"as large as may be", body("<!--" + full(" ") + "-->"), ""},
		{"larger", body("<!--" + full(" ") + full(" ") + "-->"), "are not read"},
		{"a bomb of entities", func() []byte {
			s := `<!DOCTYPE x [<!ENTITY a "ha">`
			for i := 'b'; i < 'z'; i++ {
				s += fmt.Sprintf(`<!ENTITY %c "%s">`, i, strings.Repeat(fmt.Sprintf("&%c;", i-1), 10))
			}
			return []byte(s + `]><x>&y;</x>`)
		}, "document type"},
		{"an entity from a file", func() []byte {
			return []byte(`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>`)
		}, "document type"},
		{"an entity that isn't there", body("&a;"), "not well-formed"},
		{"100,000 deep", body(strings.Repeat(`<bpmn:subProcess id="x">`, 100_000)), "deeper than"},
		{"attributes of megabytes", body(`<bpmn:task id="a" name="` + full("n") + `"/>`), ""},
		{"an id of megabytes", body(`<bpmn:exclusiveGateway id="` + full("n")[:maxBytes/3] + `"/><bpmn:sequenceFlow id="f" sourceRef="s" targetRef="` + full("n")[:maxBytes/3] + `"/>`), "an id of"},
		{"a reference of megabytes", body(`<bpmn:task id="a"/><bpmn:boundaryEvent id="b" attachedToRef="` + full("n")[:maxBytes/2] + `"><bpmn:escalationEventDefinition/></bpmn:boundaryEvent>`), "boundary event"},
		{"a condition of megabytes that isn't FEEL", body(`<bpmn:exclusiveGateway id="g"/><bpmn:sequenceFlow id="f" sourceRef="g" targetRef="s"><bpmn:conditionExpression language="` + full("n")[:maxBytes/3] + `">` + full("n")[:maxBytes/3] + `</bpmn:conditionExpression></bpmn:sequenceFlow>`), "is written in"},
		{"ids of kilobytes, each wrong", body(strings.Repeat(`<bpmn:boundaryEvent id="`+strings.Repeat("x", 400)+`" attachedToRef="`+strings.Repeat("y", 1000)+`"/>`, maxBytes/1600)), "already in line"},
		{"a megabyte of attributes", body(`<bpmn:task ` + many(100_000, `a%d="" `) + `/>`), "attributes"},
		{"attributes without end", body(strings.Repeat(`<bpmn:task `+many(99, `a%d="" `)+`/>`, maxBytes/900)), "attributes"},
		{"a million namespaces", body(many(maxNodes-20, `<a xmlns:n%[1]d="u%[1]d"/>`)), ""},
		{"namespaces in every element", body(strings.Repeat(`<a `+many(90, `xmlns:n%d="u" `)+`/>`, maxBytes/1400)), ""},
		{"duplicate ids", body(strings.Repeat(`<bpmn:task id="a"/>`, maxNodes-20)), "already in line"},
		{"a gateway with as many ways as may be", func() []byte {
			return model(begin + `<bpmn:parallelGateway id="g"/><bpmn:endEvent id="e"/>` + flows("s>g") + many(maxNodes-20, `<bpmn:sequenceFlow id="w%d" sourceRef="g" targetRef="e"/>`))
		}, ""},
		{"an exclusive gateway with as many conditions", func() []byte {
			return model(begin + `<bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="e"/>` + flows("s>g") + many(4_900, `<bpmn:sequenceFlow id="w%d" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=a+1 = b</bpmn:conditionExpression></bpmn:sequenceFlow>`))
		}, ""},
		{"more conditions than are read", func() []byte {
			return model(begin + `<bpmn:exclusiveGateway id="g"/><bpmn:endEvent id="e"/>` + flows("s>g") + many(12_000, `<bpmn:sequenceFlow id="w%d" sourceRef="g" targetRef="e"><bpmn:conditionExpression>=a+1 = b</bpmn:conditionExpression></bpmn:sequenceFlow>`))
		}, "expressions"},
		{"a gateway with a million ways", func() []byte {
			return model(begin + `<bpmn:parallelGateway id="g"/><bpmn:endEvent id="e"/>` + flows("s>g") + strings.Repeat(`<bpmn:sequenceFlow sourceRef="g" targetRef="e"/>`, 1_000_000))
		}, "are not read"},
		{"links", body(many(14_000, `<bpmn:intermediateThrowEvent id="t%[1]d"><bpmn:linkEventDefinition name="l%[1]d"/></bpmn:intermediateThrowEvent>`)), "not there"},
		{"data objects", body(many(maxNodes-20, `<bpmn:dataObject id="d%d"/>`)), ""},
		{"a million data objects", body(strings.Repeat(`<bpmn:dataObject id="d"/>`, 1_000_000)), "are not read"},
		{"annotations", body(many(24_900, `<bpmn:textAnnotation id="d%d"><bpmn:text>x</bpmn:text></bpmn:textAnnotation>`)), ""},
		{"lanes", body(`<bpmn:laneSet id="l">` + many(24_900, `<bpmn:lane id="l%d"><bpmn:flowNodeRef>s</bpmn:flowNodeRef></bpmn:lane>`) + `</bpmn:laneSet>`), ""},
		{"shapes", func() []byte {
			return []byte(strings.Replace(string(model(begin)), `</bpmn:definitions>`, `<d:BPMNDiagram xmlns:d="`+nsBPMNDI+`" xmlns:c="`+nsDC+`"><d:BPMNPlane>`+
				many(14_900, `<d:BPMNShape bpmnElement="x%d"><c:Bounds x="1" y="1" width="9" height="9"/></d:BPMNShape>`)+`</d:BPMNPlane></d:BPMNDiagram></bpmn:definitions>`, 1))
		}, ""},
		{"mappings", body(`<bpmn:task id="a"><bpmn:extensionElements><zeebe:ioMapping>` + many(4_900, `<zeebe:input source="=a" target="t%d"/>`) + `</zeebe:ioMapping></bpmn:extensionElements></bpmn:task>`), ""},
		{"FEEL of megabytes", script("=1" + strings.Repeat("+1", 40_000)), "too long"},
		{"FEEL in many expressions", body(`<bpmn:task id="a"><bpmn:extensionElements><zeebe:ioMapping>` + strings.Repeat(`<zeebe:input source="=1`+strings.Repeat("+1", 500)+`" target="t"/>`, maxBytes/1200) + `</zeebe:ioMapping></bpmn:extensionElements></bpmn:task>`), "bytes of expressions"},
		{"FEEL that is deep", script("=" + strings.Repeat("(", 100_000)), "FEEL"},
		{"FEEL that is deep in lists", script("=" + strings.Repeat("[", 100_000)), "FEEL"},
		{"FEEL of ifs", script("=" + strings.Repeat("if a then ", 5_000)), "FEEL"},
		{"JUEL of megabytes", func() []byte {
			return c7(`<startEvent id="s"/><userTask id="a" camunda:assignee="${` + full("a+") + `a}"/>`)
		}, "more than"},
		{"JUEL that is deep", func() []byte {
			return c7(`<startEvent id="s"/><userTask id="a" camunda:assignee="${` + strings.Repeat("(", 4000) + `}"/>`)
		}, "nested"},
		{"JUEL in many attributes", func() []byte {
			return c7(`<startEvent id="s"/>` + many(4_900, `<userTask id="a%d" camunda:assignee="${a.b.c ? d : e}"/>`))
		}, ""},
		{"more JUEL than is read", func() []byte {
			return c7(`<startEvent id="s"/>` + many(30_000, `<userTask id="a%d" camunda:assignee="${a.b.c ? d : e}"/>`))
		}, "more than"},
		{"a list of Camunda 7 in a list", func() []byte {
			return c7(`<startEvent id="s"/><task id="a"><extensionElements><camunda:inputOutput><camunda:inputParameter name="n">` + strings.Repeat(`<camunda:list>`, 50) + strings.Repeat(`</camunda:list>`, 50) + `</camunda:inputParameter></camunda:inputOutput></extensionElements></task>`)
		}, ""},
		{"inclusive gateways, each waiting for all before it", func() []byte {
			var b strings.Builder
			fmt.Fprintf(&b, `<bpmn:parallelGateway id="p"/>%s`, flows("s>p"))
			for i := range 120 {
				fmt.Fprintf(&b, `<bpmn:inclusiveGateway id="g%d"/><bpmn:sequenceFlow id="p%[1]d" sourceRef="p" targetRef="g%[1]d"/><bpmn:sequenceFlow id="n%[1]d" sourceRef="g%[1]d" targetRef="g%d"/>`, i, (i+1)%120)
			}
			return model(begin + b.String())
		}, ""},
		{"scopes with many ways each", body(many(900, `<bpmn:subProcess id="x%[1]d"><bpmn:startEvent id="s%[1]d"/><bpmn:inclusiveGateway id="g%[1]d"/><bpmn:task id="t%[1]d"/>`+
			`<bpmn:sequenceFlow id="a%[1]d" sourceRef="s%[1]d" targetRef="g%[1]d"/>`+strings.Repeat(`<bpmn:sequenceFlow sourceRef="g%[1]d" targetRef="t%[1]d"><bpmn:conditionExpression>=a</bpmn:conditionExpression></bpmn:sequenceFlow>`, 5)+`</bpmn:subProcess>`)), ""},
		{"names that nothing sets", body(many(4_900, `<bpmn:task id="t%[1]d"><bpmn:extensionElements><zeebe:ioMapping><zeebe:output source="=some_name_%[1]d_x" target="other_name_%[1]d_y"/></zeebe:ioMapping></bpmn:extensionElements></bpmn:task>`)), ""},
		{"much of everything", func() []byte {
			return c7(`<startEvent id="s"/>` + many(4_900, `<userTask id="a%d" camunda:assignee="${a.b.c ? d : e}" camunda:candidateGroups="=1+1+1+1+1+1+1+1+1+1+1+1+1"/>`) +
				many(maxNodes-5_000, `<userTask id="b%d" name="`+strings.Repeat("n", 30)+`"/>`))
		}, ""},
		{"texts in pieces", body(`<bpmn:task id="a"><bpmn:documentation>` + full("a<!---->") + `</bpmn:documentation></bpmn:task>`), ""},
		{"lines", body(full("\n")), ""},
		{"Latin-1", func() []byte {
			return []byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>" + full("\xe4") + "</a>")
		}, "<definitions>"},
		{"UTF-16", func() []byte { return wide("<a>"+full("xx")[:maxBytes/2-500]+"</a>", binary.LittleEndian) }, "<definitions>"},
		{"UTF-16, the other way", func() []byte { return wide("<a>"+full("中中")[:maxBytes/2-500]+"</a>", binary.BigEndian) }, "<definitions>"},
		{"UTF-16 cut short", func() []byte { return append(wide("<a></a>", binary.LittleEndian), 'x') }, "UTF-16"},
		{"UTF-16 without a mark", func() []byte { return wide("<a></a>", binary.LittleEndian)[2:] }, "<definitions>"},
		{"UTF-32", func() []byte { return []byte("\xff\xfe\x00\x00<\x00\x00\x00a\x00\x00\x00") }, "zero byte"},
		{"not UTF-8", func() []byte { return []byte("<a>\xff\xfe</a>") }, "UTF-8"},
		{"half a letter at the end", func() []byte { return []byte("<a>\xe4\xb8") }, "UTF-8"},
		{"another encoding", func() []byte { return []byte(`<?xml version="1.0" encoding="EBCDIC-CP-US"?><a/>`) }, "save the file as UTF-8"},
		{"a declaration that lies", func() []byte { return []byte("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>") }, "<definitions>"},
		{"a declaration without an end", func() []byte { return []byte(`<?xml version="1.0"` + full(" ")) }, "declaration"},
		{"a comment without an end", func() []byte { return []byte(`<!--` + full("-")) }, "not well-formed"},
		{"a tag without an end", func() []byte { return []byte(`<` + full("a")) }, "not well-formed"},
		{"instructions", func() []byte { return []byte(full("<?a?>") + "<a/>") }, "<definitions>"},
		{"nothing but zeros", func() []byte { return make([]byte, 100_000) }, "zero byte"},
	}
}

// However a file is made, reading it takes memory in proportion to its size up to a bound
// that a small server has to spare, and so does what is made of it. Counted is all that is
// taken in between, also what is given back at once.
func TestHostile(t *testing.T) {
	const (
		each  = 180       // bytes for each of the file …
		extra = 1 << 20   // … beside some for a start …
		bound = 128 << 20 // … and never more than this
	)
	// taken is what f takes. The runtime counts what it needs itself in the background, a few
	// kilobytes now and then: what is too much once is measured twice more, and the least counts.
	taken := func(limit uint64, f func()) uint64 {
		least := uint64(math.MaxUint64)
		for i := 0; i < 3 && least > limit; i++ {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f()
			runtime.ReadMemStats(&after)
			least = min(least, after.TotalAlloc-before.TotalAlloc)
		}
		return least
	}
	for _, c := range hostile() {
		t.Run(c.name, func(t *testing.T) {
			data := c.data()
			var d *Definitions
			var err error
			limit := uint64(min(bound, extra+each*len(data)))
			if len(data) > maxBytes {
				limit = 4096
			}
			if n := taken(limit, func() { d, err = Parse("x.bpmn", data) }); n > limit {
				t.Errorf("reading %d bytes takes %d, more than %d", len(data), n, limit)
			}
			if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("want %q, got %.300v", c.says, err)
			}
			if err != nil {
				if n := len(err.Error()); n > 1<<20 {
					t.Errorf("%d bytes of reasons", n)
				}
				return
			}
			if n := taken(limit, func() { Check(d, Known{Names: []string{}}) }); n > limit {
				t.Errorf("checking %d bytes takes %d, more than %d", len(data), n, limit)
			}
			for _, p := range d.Processes {
				if n := taken(limit, func() { SVG(d, p.ID, Drawing{}) }); n > limit {
					t.Errorf("drawing %d bytes takes %d, more than %d", len(data), n, limit)
				}
			}
		})
	}
}
