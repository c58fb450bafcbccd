// SPDX-License-Identifier: EUPL-1.2

package bpmn_test

import (
	"encoding/json"
	"flag"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mercator/lang/bpmn"
	"mercator/lang/bpmn/replay"
)

// Whatever the model and the order of events: the log of an instance, replayed over its
// own process by elements and times, gives the instance bit for bit.
func TestReplayIsExact(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		n := "3000"
		if testing.Short() {
			n = "300"
		}
		flag.Set("rapid.checks", n)
		defer flag.Set("rapid.checks", f.DefValue)
	}
	rapid.Check(t, func(t *rapid.T) {
		p := bpmn.RandomProcess(t)
		s, now := bpmn.State{}, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
		due, owed := map[string]time.Time{}, map[string]string{}
		var log []replay.Record
		do := func(ev bpmn.Event, at time.Time) {
			r := replay.Of(s, ev)
			r.At = now
			r.Due = at
			b, err := json.Marshal(r) // as it is stored
			if err != nil {
				t.Fatal(err)
			}
			var stored replay.Record
			if err := json.Unmarshal(b, &stored); err != nil {
				t.Fatal(err)
			}
			stored.At = now
			log = append(log, stored)
			next, cmds, err := bpmn.Step(p, s, now, ev)
			if err != nil {
				t.Fatalf("%T: %v", ev, err)
			}
			s = next
			for _, c := range cmds {
				switch c := c.(type) {
				case bpmn.CreateJob:
					owed[c.Token] = "job"
				case bpmn.CreateUserTask:
					owed[c.Token] = "task"
				case bpmn.Subscribe:
					owed[c.Token] = "message"
				case bpmn.AwaitSignal:
					owed[c.Token] = "signal"
				case bpmn.SetTimer:
					from := now
					if c.Again {
						from = at
					}
					d, err := bpmn.DueAt(c.Kind, c.Value, from)
					if err != nil {
						t.Fatal(err)
					}
					due[c.Token] = d
				case bpmn.CancelTimer:
					delete(due, c.Token)
				case bpmn.CancelJob:
					delete(owed, c.Token)
				case bpmn.CancelTask:
					delete(owed, c.Token)
				case bpmn.Unsubscribe:
					delete(owed, c.Token)
				case bpmn.ForgetSignal:
					delete(owed, c.Token)
				}
			}
		}
		do(bpmn.Start{Vars: map[string]any{"key": "k", "yes": true, "no": false, "list": []any{"a", "b"}}}, time.Time{})
		stop := rapid.IntRange(1, 60).Draw(t, "stop")
		for i := 0; s.Status == bpmn.Running && i < stop; i++ {
			var tokens []string
			first := ""
			for _, tk := range s.Tokens { // in their order
				if owed[tk.ID] != "" {
					tokens = append(tokens, tk.ID)
				}
				if d, ok := due[tk.ID]; ok && (first == "" || d.Before(due[first])) {
					first = tk.ID
				}
			}
			next := now.Add(time.Duration(rapid.IntRange(1, 100_000).Draw(t, "later")) * time.Second)
			if first != "" && (len(tokens) == 0 || !due[first].After(next)) {
				at := due[first]
				delete(due, first)
				now = now.Add(time.Second)
				if late := at.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "late")) * time.Millisecond); late.After(now) {
					now = late
				}
				do(bpmn.TimerFired{Token: first}, at)
				continue
			}
			if len(tokens) == 0 {
				t.Fatalf("nothing is under way at %v", s.Active())
			}
			now = next
			id := rapid.SampledFrom(tokens).Draw(t, "event")
			what := owed[id]
			delete(owed, id)
			switch what {
			case "job":
				do(bpmn.JobDone{Token: id, Vars: map[string]any{"r": "done"}}, time.Time{})
			case "task":
				do(bpmn.TaskDone{Token: id, Vars: map[string]any{"n": float64(i)}}, time.Time{})
			case "message":
				do(bpmn.MessageReceived{Token: id}, time.Time{})
			case "signal":
				do(bpmn.SignalReceived{Token: id}, time.Time{})
			}
		}
		until := now
		for _, d := range due { // what is due and has not fired yet
			if d.Before(until) {
				until = d
			}
		}
		got, err := replay.Run(p, log, replay.Options{Until: until})
		if err != nil {
			t.Fatal(err)
		}
		a, err1 := json.Marshal(s)
		b, err2 := json.Marshal(got.State)
		if err1 != nil || err2 != nil || string(a) != string(b) {
			t.Fatalf("the replay differs: %v %v\n%s\n%s\n%+v", err1, err2, a, b, log)
		}
		if got.Unused != 0 {
			t.Fatalf("%d answers were not asked for", got.Unused)
		}
	})
}
