// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/notice"
)

// word is the first word of a person's in a register and a class.
func (l *leakHouse) word(reg, person, class string) string {
	for _, w := range l.words {
		if w.register == reg && w.person == person && w.class == class {
			return w.text
		}
	}
	l.t.Fatalf("no word of %s in %s", person, reg)
	return ""
}

// rewrite is a way that gives out more than the house wanted to.
func rewrite(next http.Handler, change func(header http.Header, body []byte) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := httptest.NewRecorder()
		next.ServeHTTP(in, r)
		body := change(w.Header(), in.Body.Bytes())
		w.WriteHeader(in.Code)
		_, _ = w.Write(body)
	})
}

// inList changes the list in an answer of the API.
func inList(change func(list map[string]any)) func(http.Header, []byte) []byte {
	return func(_ http.Header, body []byte) []byte {
		var list map[string]any
		if json.Unmarshal(body, &list) != nil || list["items"] == nil {
			return body
		}
		change(list)
		out, _ := json.Marshal(list)
		return out
	}
}

// The test of reading can fail: each leak that is planted here, in a policy, in an answer, in a letter, in an event, is found by
// the way it goes out, and isn't there before it is planted.
func TestPlantedLeaksAreFound(t *testing.T) {
	l := openLeakHouse(t, "")
	ctx := context.Background()
	write := func(sql string, args ...any) {
		t.Helper()
		if err := l.db.Write(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, sql, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	machine, person := leakActor(access.Machine, "m1", ""), leakActor(access.Resident, "person1", "")
	both := []string{"register:dossiers", "register:tags"}
	public := drawnRule{Kind: access.Machine, Actions: []string{"read", "list"}, Registers: both, Classes: []string{"public"}, Scope: "all"}
	wider := public
	wider.Classes = []string{"public", "internal", "personal"}
	own := drawnRule{Kind: access.Resident, Actions: []string{"read", "list"}, Registers: both, Classes: leakClasses, Scope: "own"}
	everybody := own
	everybody.Scope = "all"
	tags := drawnRule{Kind: access.Machine, Actions: []string{"read", "list"}, Registers: []string{"register:tags"}, Classes: leakClasses, Scope: "all"}
	linked := tags
	linked.Registers = both
	var revoked *power
	for _, p := range l.powers {
		if p.name == "revoked" && p.person == "person1" {
			revoked = p
		}
	}
	list := func(u turn) error { return u.throughAPI("dossiers") }
	inside := func(u turn) error { return u.inside("dossiers") }
	pages := func(u turn) error { return u.pages(60) }
	events := func(turn) error { return l.events() }
	export := func(format string) func(turn) error {
		return func(u turn) error { u.format = format; return u.inside("dossiers") }
	}
	fields := map[string][]string{"dossiers": {"plain", "memo"}}
	site, api := l.pagesOf, l.api

	for _, c := range []struct {
		name    string
		actor   access.Actor
		power   *power
		rule    drawnRule // what the oracle knows of
		ask     map[string][]string
		through func(turn) error
		plant   func(u turn)
		want    string
	}{
		{"a field too many in an export, CSV", machine, nil, public, fields, export("csv"), func(u turn) { u.rule([]drawnRule{wider}) }, "export csv gives internal"},
		{"a field too many in an export, JSON lines", machine, nil, public, fields, export("jsonl"), func(u turn) { u.rule([]drawnRule{wider}) }, "export jsonl gives internal"},
		{"a field too many in an export, Parquet", machine, nil, public, fields, export("parquet"), func(u turn) { u.rule([]drawnRule{wider}) }, "export parquet gives internal"},
		{"a record of somebody else, found", person, nil, own, nil, inside, func(u turn) { u.rule([]drawnRule{everybody}) }, "of person2"},
		{"a record of somebody else in a list of the API", machine, nil, public, map[string][]string{"dossiers": {"plain"}}, list, func(turn) {
			l.api = rewrite(api, inList(func(list map[string]any) {
				list["items"] = append(list["items"].([]any), map[string]any{"id": "person2", "data": map[string]any{"note": l.word("dossiers", "person2", "special")}})
			}))
		}, "api list gives special"},
		{"a link shown without a grant for where it leads", machine, nil, tags, map[string][]string{"tags": {"stamp", "owner_alias"}}, func(u turn) error { return u.throughAPI("tags") },
			func(u turn) { u.rule([]drawnRule{linked}) }, "gives personal dossiers"},
		{"a count over everything", machine, nil, public, nil, list, func(turn) {
			l.api = rewrite(api, inList(func(list map[string]any) { list["total"] = 300_000 }))
		}, "counts"},
		{"a count in a header", machine, nil, public, nil, list, func(turn) {
			l.api = rewrite(api, func(h http.Header, body []byte) []byte { h.Set("X-Total-Count", "300000"); return body })
		}, "counts"},
		{"an event with a field", machine, nil, public, nil, events, func(turn) {
			write("UPDATE bus_event SET data = $1 WHERE id = (SELECT max(id) FROM bus_event)", `{"alias":"`+l.word("dossiers", "person2", "personal")+`"}`)
		}, "an event tells"},
		{"somebody else's value on a page", person, nil, own, nil, pages, func(turn) {
			l.pagesOf = rewrite(site, func(_ http.Header, body []byte) []byte {
				return bytes.Replace(body, []byte("</main>"), []byte(l.word("case", "person3", "")+"</main>"), 1)
			})
		}, "of person3"},
		{"a mandate that was revoked and still serves", access.Actor{}, revoked, drawnRule{Kind: "delegate", Actions: []string{"read", "list"}, Registers: both, Classes: leakClasses, Scope: "own"}, nil, inside, func(turn) {
			write("UPDATE mandate_mandate SET state = 'active' WHERE id = $1", revoked.id)
		}, "to resident delegate-person1-"},
		{"a letter with a foreign value", person, nil, own, nil, pages, func(turn) { l.foreignLetter("person1", l.word("document", "person2", "")) }, "pdf documents gives"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.pagesOf, l.api = site, api
			u := turn{leakHouse: l, asking: asking{actor: c.actor, power: c.power, purpose: "Prüfung", rules: []drawnRule{c.rule}}, fields: c.ask, pick: l.words[2]}
			if c.power != nil {
				u.actor = c.power.acts()
			}
			l.caller = u.actor
			if err := u.rule(u.rules); err != nil {
				t.Fatal(err)
			}
			if err := c.through(u); err != nil {
				t.Fatalf("before anything is planted: %v", err)
			}
			c.plant(u)
			if err := c.through(u); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the planted leak isn't found by what it is: %v", err)
			}
		})
	}
}

// foreignLetter issues a decision to a person that quotes what is about somebody else.
func (l *leakHouse) foreignLetter(person, value string) {
	l.t.Helper()
	ctx := context.Background()
	for id, p := range l.owners {
		if p != person {
			continue
		}
		s, _ := l.services.Current(leakService)
		x, err := l.notice.Prepare(ctx, notice.Order{CaseID: id, CaseRef: l.refs[id], Service: s.ID, Version: s.Version, Office: "32", Person: person, PersonName: "Probe", Lang: "de", Template: "refusal",
			Vars: map[string]any{"person": map[string]any{"name": "Probe"}, "case": map[string]any{"ref": l.refs[id], "opened_on": "2026-01-02"}, "application": map[string]any{"zone": "3"}, "decision": map[string]any{"reason": value}}})
		if err != nil {
			l.t.Fatal(err)
		}
		if err := l.db.Write(ctx, func(tx *store.Tx) error {
			d, err := l.notice.Issue(ctx, tx, x)
			l.documents[d.ID] = person
			return err
		}); err != nil {
			l.t.Fatal(err)
		}
	}
}
