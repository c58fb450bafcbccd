// SPDX-License-Identifier: EUPL-1.2

package bpmn_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"mercator/base/caldate"
	"mercator/lang/bpmn"
)

const begins = `<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0">
<bpmn:message id="m" name="found"/><bpmn:signal id="s" name="=&quot;st&quot; + &quot;orm&quot;"/>
<bpmn:process id="p" isExecutable="true">
 <bpmn:startEvent id="plain"/>
 <bpmn:startEvent id="message"><bpmn:extensionElements><zeebe:ioMapping><zeebe:output source="=thing" target="found"/></zeebe:ioMapping></bpmn:extensionElements><bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>
 <bpmn:startEvent id="signal"><bpmn:signalEventDefinition signalRef="s"/></bpmn:startEvent>
 <bpmn:startEvent id="timer"><bpmn:timerEventDefinition><bpmn:timeCycle>R3/P1D</bpmn:timeCycle></bpmn:timerEventDefinition></bpmn:startEvent>
 <bpmn:startEvent id="condition"><bpmn:conditionalEventDefinition><bpmn:condition>=level &gt; 3</bpmn:condition></bpmn:conditionalEventDefinition></bpmn:startEvent>
 <bpmn:userTask id="work"/>
 <bpmn:sequenceFlow id="f1" sourceRef="plain" targetRef="work"/><bpmn:sequenceFlow id="f2" sourceRef="message" targetRef="work"/>
 <bpmn:sequenceFlow id="f3" sourceRef="signal" targetRef="work"/><bpmn:sequenceFlow id="f4" sourceRef="timer" targetRef="work"/>
 <bpmn:sequenceFlow id="f5" sourceRef="condition" targetRef="work"/>
</bpmn:process></bpmn:definitions>`

func TestBegins(t *testing.T) {
	d, err := bpmn.Parse("p.bpmn", []byte(begins))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := d.Process("p")
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	list, err := p.Begins(now)
	if err != nil || !p.Plain() {
		t.Fatal(err)
	}
	want := "[{message message found    false} {signal signal storm    false} {timer timer  R3/P1D cycle R3/P1D false} {condition conditional  level > 3   false}]"
	if got := fmt.Sprint(list); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for vars, want := range map[any]bool{4: true, 3: false, "x": false, nil: false} {
		if got := p.Holds("condition", map[string]any{"level": vars}, now); got != want {
			t.Errorf("level %v: %v", vars, got)
		}
	}
	if p.Holds("timer", nil, now) {
		t.Error("a timer is no condition")
	}

	// What a start event maps is all that is left of what was brought.
	for element, want := range map[string]string{"message": "map[case:c1 found:bag]", "signal": "map[case:c1 secret:x thing:bag]"} {
		s, _, err := bpmn.Step(p, bpmn.State{}, now, bpmn.Start{Element: element, Vars: map[string]any{"case": "c1"}, Brought: map[string]any{"thing": "bag", "secret": "x"}})
		if err != nil || fmt.Sprint(s.Vars()) != want || fmt.Sprint(s.Active()) != "[work]" {
			t.Errorf("%s: %v %v %v, want %s", element, s.Vars(), s.Active(), err, want)
		}
	}
}

// Start events that can't begin anything are refused, with the reason.
func TestStartsThatAreRefused(t *testing.T) {
	for from, to := range map[string]string{
		`<bpmn:message id="m" name="found"/>`:                            `<bpmn:message id="m"/>|has no message with a name`,
		`<bpmn:timeCycle>R3/P1D</bpmn:timeCycle>`:                        `<bpmn:timeDate>=due</bpmn:timeDate>|reads the variable "due", but nothing has set a variable before the process begins`,
		`name="=&quot;st&quot; + &quot;orm&quot;"`:                       `name="=which"|reads the variable "which"`,
		`<bpmn:startEvent id="plain"/>`:                                  `<bpmn:startEvent id="plain"><bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>|the start events "plain" and "message" wait for the same message "found"`,
		`<bpmn:condition>=level &gt; 3</bpmn:condition>`:                 `|condition`,
		`<bpmn:startEvent id="signal">`:                                  `<bpmn:startEvent id="signal"/><bpmn:startEvent id="x">|2 start events without a trigger`,
		`<bpmn:conditionalEventDefinition>`:                              `<bpmn:terminateEventDefinition/><bpmn:conditionalEventDefinition>|several events at once`,
		`<bpmn:userTask id="work"/>`:                                     `<bpmn:receiveTask id="work" instantiate="true" messageRef="m"/>|use a message start event`,
		`<bpmn:signal id="s" name="=&quot;st&quot; + &quot;orm&quot;"/>`: `<bpmn:signal id="s"/>|has no signal with a name`,
	} {
		with, reason, _ := strings.Cut(to, "|")
		_, err := bpmn.Parse("p.bpmn", []byte(strings.Replace(begins, from, with, 1)))
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v, want %q", with, err, reason)
		}
	}
}

func TestCyclesWithAStart(t *testing.T) {
	calendar, err := caldate.New("NW")
	if err != nil {
		t.Fatal(err)
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value, from string
		business    bool
		want        string
	}{
		{"R/2027-01-31T06:00/P1M", "2026-03-01T00:00", false, "2027-01-31T06:00 2027-02-28T06:00 2027-03-31T06:00"},
		{"R/2020-01-31T06:00/P1M", "2027-02-01T00:00", false, "2027-02-28T06:00 2027-03-31T06:00 2027-04-30T06:00"},
		{"R/2027-03-27T06:00/P1D", "2027-03-27T06:00", false, "2027-03-28T06:00 2027-03-29T06:00 2027-03-30T06:00"}, // summer time begins
		{"R3/1970-01-01/PT1S", "2026-03-01T00:00", false, "2026-03-01T00:00 2026-03-01T00:00 2026-03-01T00:00"},
		{"R/2026-01-01T08:00/P1Y", "2025-06-01T00:00", true, "2026-01-02T08:00 2027-01-04T08:00 2028-01-03T08:00"}, // New Year is a holiday, and then a Sunday
		{"R/2026-05-22T08:00/P2D", "2026-05-01T00:00", true, "2026-05-22T08:00 2026-05-27T08:00 2026-05-29T08:00"}, // over Whitsun
		{"R/2020-01-01/P1000Y", "2026-03-01T00:00", false, "3020-01-01T00:00 4020-01-01T00:00 5020-01-01T00:00"},
	} {
		at, err := time.ParseInLocation("2006-01-02T15:04", c.from, berlin)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range 3 {
			if c.business {
				at, err = bpmn.BusinessDueAt(bpmn.Cycle, c.value, at, calendar)
			} else {
				at, err = bpmn.DueAt(bpmn.Cycle, c.value, at)
			}
			if err != nil {
				t.Fatal(c.value, err)
			}
			got = append(got, at.Format("2006-01-02T15:04"))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s from %s: %v, want %s", c.value, c.from, got, c.want)
		}
	}
	for _, bad := range []string{"R/x/P1D", "R/2026-01-01/", "R/2026-01-01", "R/0001-01-01/PT1S", "R/2026-01-01/-P1D", "R/2026-01-01/PT0S"} {
		if err := bpmn.CheckTimer(bpmn.Cycle, bad); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
	for cycle, want := range map[string]int{"R/P1D": -1, "R3/P1D": 3, "R5/2026-01-01/P1D": 5} {
		if n, err := bpmn.Times(cycle); err != nil || n != want {
			t.Errorf("%s: %d %v", cycle, n, err)
		}
	}
}
