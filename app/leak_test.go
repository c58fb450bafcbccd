// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/adapter/api"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/pdf/pdfacheck"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/casefile"
	"mercator/domain/notice"
	"mercator/domain/postbox"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
	"mercator/domain/service"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

// The test below writes every value of two registers and of some cases as a word that stands nowhere else, draws policies and
// an actor, goes every way by which the house gives out what it keeps, and looks for the words in what comes out: bytes of
// JSON, CSV, HTML and PDF. What the drawn policies don't allow mustn't be among them. The oracle is written by hand over the
// drawn rules, so it shares nothing with the policies' language or with the queries.

// word is a value in the house: whose, of which class, and where it is kept.
type word struct {
	text, register, person, class string
}

// drawnRule is a policy that the test has drawn; cedar and allows say it twice.
type drawnRule struct {
	Kind      access.Kind
	Office    string // of the actor; empty: any
	Actions   []string
	Registers []string
	Classes   []string
	Scope     string // all, case, own
}

func (r drawnRule) cedar(i int) string {
	quoted := func(list []string, before string) string {
		var out []string
		for _, s := range list {
			out = append(out, before+`"`+s+`"`)
		}
		return "[" + strings.Join(out, ", ") + "]"
	}
	when := []string{quoted(r.Registers, "") + ".contains(resource.id)", quoted(r.Classes, "") + ".containsAll(context.classes)"}
	if r.Office != "" {
		when = append(when, `principal.office == "`+r.Office+`"`)
	}
	switch r.Scope {
	case "case":
		when = append(when, "!context.all && context.caseOpen && context.caseOwners.containsAll(context.subjects)")
	case "own":
		who := "principal.id"
		if r.Kind == "delegate" {
			who = "principal.person"
		}
		when = append(when, "resource has owner && resource.owner == "+who+" && ["+who+"].containsAll(context.subjects)")
	}
	kind := strings.ToUpper(string(r.Kind[:1])) + string(r.Kind[1:])
	return fmt.Sprintf("@id(\"drawn-%d\")\npermit (principal is %s, action in %s, resource)\nwhen { %s };\n", i, kind, quoted(r.Actions, "Action::"), strings.Join(when, " && "))
}

// asking is what the oracle knows of a request.
type asking struct {
	actor   access.Actor
	rules   []drawnRule
	purpose string
	about   string // the person of the case that is named, if it's open
	actions []string
	power   *power // under which they act for somebody else; nil: in their own right
	named   bool   // the request names the service of the cases
}

// allows is the oracle.
func (a asking) allows(w word, restricted map[string]bool) bool {
	if a.power != nil {
		return a.allowsActing(w, restricted)
	}
	switch w.register {
	case "mandate": // both sides see both names
		return a.actor.Kind == access.Resident && (a.actor.ID == w.person || a.actor.ID == w.class)
	case "case", "document", "message": // the policies of cases stay as the city has them
		return a.actor.Kind == access.Resident && a.actor.ID == w.person || a.actor.Kind == access.Clerk && a.actor.Office == "32"
	}
	if restricted[w.register+" "+w.person] && a.purpose != register.OwnDataPurpose && a.purpose != leakReaches {
		return false
	}
	return a.drawn(w, a.actor.Kind, a.actor.Office)
}

// drawn tells whether one of the drawn rules allows a kind of actor to see a word.
func (a asking) drawn(w word, kind access.Kind, office string) bool {
	for _, r := range a.rules {
		if r.Kind != kind || r.Office != "" && r.Office != office || !slices.Contains(r.Registers, register.Resource(w.register)) ||
			!slices.Contains(r.Classes, w.class) || !slices.ContainsFunc(a.actions, func(s string) bool { return slices.Contains(r.Actions, s) }) {
			continue
		}
		owner := a.actor.ID
		if a.power != nil {
			owner = a.power.person
		}
		if r.Scope == "all" || r.Scope == "case" && a.about == w.person || r.Scope == "own" && owner == w.person {
			return true
		}
	}
	return false
}

// leakHouse is a house with two registers more, whose values are words.
type leakHouse struct {
	*House
	t          *testing.T
	api        http.Handler
	pagesOf    http.Handler
	fixed      fstest.MapFS // the policies that aren't drawn
	words      []word
	persons    []string
	cases      map[string]string // id to person, if open
	refs       map[string]string // id to file number
	restricted map[string]bool
	caller     access.Actor
	gave       map[string]int // how many words each way has given
	powers     []*power
	documents  map[string]string // id to person
	owners     map[string]string // of the cases, open or not
	walked     int               // pages
}

const leakDossiers = `id = "dossiers"
office = "32"
basis = "§ 1"
key = "id"
person = "id"
title = { de = "Akten", en = "Dossiers", tr = "Dosyalar" }
purpose = { de = "Probe", en = "Test", tr = "Deneme" }
retention = { de = "ohne", en = "none", tr = "yok" }
`

const leakTags = `id = "tags"
office = "36"
basis = "§ 1"
key = "tag"
person = "owner"
title = { de = "Marken", en = "Tags", tr = "Etiketler" }
purpose = { de = "Probe", en = "Test", tr = "Deneme" }
retention = { de = "ohne", en = "none", tr = "yok" }
`

func leakField(name, class, more string) string {
	return fmt.Sprintf("\n[[field]]\nname = %q\nclass = %q\n%s\ntitle = { de = %q, en = %q, tr = %q }\n", name, class, more, name, name, name)
}

// leakFields are the fields with words, and their classes.
var leakFields = map[string][][2]string{
	"dossiers": {{"plain", "public"}, {"memo", "internal"}, {"alias", "personal"}, {"note", "special"}},
	"tags":     {{"tag", "personal"}, {"stamp", "public"}, {"mark", "personal"}, {"secret", "special"}},
}

// leakReaches is a purpose that reaches restricted records, for which the city's own policies ask nothing more.
const leakReaches = "reaches the restricted"

func leakContent(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "content")
	copyTree(t, contentDir, dir)
	restriction := filepath.Join(dir, "policies", "restriction.toml")
	text, err := os.ReadFile(restriction)
	if err == nil {
		err = os.WriteFile(restriction, bytes.Replace(text, []byte("own = ["), []byte("own = ["+strconv.Quote(leakReaches)+", "), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	dossiers, tags := leakDossiers+leakField("id", "internal", `source = "own"`), leakTags
	search := map[string]string{"memo": `search = "range"`, "plain": `search = "exact"`, "alias": `search = ["fold", "prefix", "text"]`, "note": `search = "exact"`, "tag": `search = "exact"`, "stamp": `search = "range"`, "mark": `search = "text"`, "secret": ""}
	for _, f := range leakFields["dossiers"] {
		dossiers += leakField(f[0], f[1], "source = \"own\"\n"+search[f[0]])
	}
	for _, f := range leakFields["tags"] {
		tags += leakField(f[0], f[1], "source = \"own\"\n"+search[f[0]])
	}
	tags += leakField("owner", "internal", "source = \"dossiers\"\nlink = \"dossiers\"")
	for _, v := range [][2]string{{"alias", "personal"}, {"note", "special"}, {"plain", "public"}} {
		tags += leakField("owner_"+v[0], v[1], fmt.Sprintf("source = \"dossiers\"\nthrough = \"owner\"\nshows = %q", v[0]))
	}
	for id, text := range map[string]string{"dossiers": dossiers, "tags": tags} {
		props := map[string]any{"id": map[string]any{"type": "string"}, "owner": map[string]any{"type": "string"}}
		key := "id"
		if id == "tags" {
			key = "tag"
			delete(props, "id")
		} else {
			delete(props, "owner")
		}
		for _, f := range leakFields[id] {
			props[f[0]] = map[string]any{"type": "string", "maxLength": 60}
		}
		schema, _ := json.Marshal(map[string]any{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": id, "type": "object", "additionalProperties": false, "required": []string{key}, "properties": props})
		folder := filepath.Join(dir, "registers", id)
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		for name, b := range map[string][]byte{"register.toml": []byte(text), "schema.json": schema} {
			if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func openLeakHouse(t *testing.T, dsn string) *leakHouse {
	t.Helper()
	ctx := context.Background()
	content := leakContent(t)
	l := &leakHouse{House: testHouseOn(t, t.TempDir(), content, dsn), t: t, fixed: fstest.MapFS{}, cases: map[string]string{}, refs: map[string]string{}, restricted: map[string]bool{}, gave: map[string]int{}, documents: map[string]string{}, owners: map[string]string{}}
	t.Cleanup(func() { l.Close() })
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	grant := func(r access.Request) access.Grant {
		t.Helper()
		r.Actor, r.Purpose, r.Basis = access.SystemActor("test"), "test", "test"
		g, err := l.access.Permit(ctx, r)
		must(err)
		return g
	}
	n := 0
	fresh := func(reg, person, class string) string {
		n++
		w := word{text: fmt.Sprintf("quark%dzwo%dx", n, 7919*n%10007), register: reg, person: person, class: class}
		l.words = append(l.words, w)
		return w.text
	}
	values := func(reg, person string) map[string]any {
		out := map[string]any{}
		for _, f := range leakFields[reg] {
			out[f[0]] = fresh(reg, person, f[1])
		}
		return out
	}
	put := func(reg, person, key string, data map[string]any) {
		t.Helper()
		text, _ := json.Marshal(data)
		g := grant(access.Request{Action: access.Change, Resource: register.Resource(reg), Subjects: []string{person}})
		must(l.db.Write(ctx, func(tx *store.Tx) error {
			return l.registers.Put(ctx, tx, g, reg, key, json.RawMessage(text), register.Why{Reason: "test"})
		}))
	}
	s, ok := l.services.Current("resident-parking-permit")
	if !ok {
		t.Fatal("no service")
	}
	for i := range 3 {
		p := fmt.Sprintf("person%d", i+1)
		l.persons = append(l.persons, p)
		for range 2 { // what was known before is data, too
			data := values("dossiers", p)
			data["id"] = p
			put("dossiers", p, p, data)
		}
	}
	for i, p := range l.persons { // a tag that was somebody else's before
		before, tag := l.persons[(i+1)%3], ""
		for _, owner := range []string{before, p} {
			data := values("tags", owner)
			if tag == "" {
				tag = data["tag"].(string)
			}
			data["tag"], data["owner"] = tag, owner
			put("tags", owner, tag, data)
		}
		// The key is the same word in both versions: whoever may see either may see it. The one drawn for the second is in none.
		for k := range l.words {
			if l.words[k].text == tag {
				l.words = append(l.words, word{text: tag, register: "tags", person: p, class: "personal"})
				break
			}
		}
	}
	for i, p := range l.persons {
		g := grant(access.Request{Action: access.Submit, Resource: "case", Owner: p, Subjects: []string{p}})
		var c casefile.Case
		must(l.db.Write(ctx, func(tx *store.Tx) (err error) {
			c, _, err = l.House.cases.Open(ctx, tx, g, casefile.Opening{Service: s.ID, Version: s.Version, Office: "32", Person: p, PersonName: fresh("case", p, ""), Channel: "online", Lang: "de", Origin: "leak" + p,
				Application: json.RawMessage(`{"plate":"` + fresh("case", p, "") + `","given_names":"` + fresh("case", p, "") + `"}`), Registers: json.RawMessage(`{"residents":{"family_name":"` + fresh("case", p, "") + `"}}`)})
			if err == nil && i == 1 {
				err = l.House.cases.Close(ctx, tx, c.ID)
			}
			return err
		}))
		l.issue(c, s, p, fresh)
		l.refs[c.ID], l.owners[c.ID] = c.Ref, p
		if l.cases[c.ID] = p; i == 1 {
			l.cases[c.ID] = ""
		}
	}
	l.giveMandates(fresh)
	l.nameDeputies()
	g := grant(access.Request{Action: access.Change, Resource: register.Resource("dossiers"), Owner: "person3"})
	must(l.db.Write(ctx, func(tx *store.Tx) error { return l.registers.Restrict(ctx, tx, g, "dossiers", "person3") }))
	l.restricted["dossiers person3"] = true

	names, err := filepath.Glob(filepath.Join(content, "policies", "*.cedar"))
	must(err)
	for _, name := range names {
		if filepath.Base(name) == "registers.cedar" {
			continue
		}
		text, err := os.ReadFile(name)
		must(err)
		l.fixed[filepath.Base(name)] = &fstest.MapFile{Data: text}
	}
	l.api, err = api.New(api.Config{DB: l.db, Key: make([]byte, 32), PublicURL: "http://127.0.0.1", Now: l.now, Words: l.House.words, Access: l.access, Services: l.services, Cases: l.House.cases,
		Registers: l.registers, Zone: l.zone, PerMinute: 1_000_000, Authenticate: func(*http.Request) (access.Actor, error) { return l.caller, nil }})
	must(err)
	l.pagesOf = l.site
	return l
}

// issue issues a decision in a case, and sends a message about it.
func (l *leakHouse) issue(c casefile.Case, s *service.Service, person string, fresh func(reg, person, class string) string) {
	l.t.Helper()
	ctx := context.Background()
	p, err := l.notice.Prepare(ctx, notice.Order{CaseID: c.ID, CaseRef: c.Ref, Service: s.ID, Version: s.Version, Office: "32", Person: person, PersonName: fresh("document", person, ""), Lang: "de", Template: "refusal",
		Vars: map[string]any{"person": map[string]any{"name": fresh("document", person, "")}, "case": map[string]any{"ref": c.Ref, "opened_on": "2026-01-02"},
			"application": map[string]any{"zone": fresh("document", person, "")}, "decision": map[string]any{"reason": fresh("document", person, "")}}})
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.db.Write(ctx, func(tx *store.Tx) error {
		d, err := l.notice.Issue(ctx, tx, p)
		if err != nil {
			return err
		}
		l.documents[d.ID] = person
		_, err = l.postbox.Deliver(ctx, tx, postbox.Message{Person: person, CaseID: c.ID, Office: "32", Subject: i18n.Plain(fresh("message", person, "")), Body: i18n.Plain(fresh("message", person, ""))})
		return err
	}); err != nil {
		l.t.Fatal(err)
	}
}

// rule puts drawn policies in force.
func (l *leakHouse) rule(rules []drawnRule) error {
	folder := fstest.MapFS{}
	for name, f := range l.fixed {
		folder[name] = f
	}
	// The registers that aren't drawn for are there for the pages that show all of them.
	text := `@id("others") permit (principal is Resident, action in [Action::"read", Action::"list"], resource)
when { resource.kind == "register" && !["register:dossiers", "register:tags"].contains(resource.id) && resource has owner && resource.owner == principal.id };
`
	for i, r := range rules {
		text += r.cedar(i)
	}
	folder["drawn.cedar"] = &fstest.MapFile{Data: []byte(text)}
	return l.access.Load(folder)
}

// look finds words that mustn't be in what has come out. What the request itself has said isn't news.
func (l *leakHouse) look(way string, a asking, said string, out []byte) error {
	out, err := readable(out)
	if err != nil {
		return fmt.Errorf("%s: %w", way, err)
	}
	all := map[string]bool{}
	for _, w := range l.words {
		if ok, been := all[w.text]; been && ok {
			continue
		}
		all[w.text] = a.allows(w, l.restricted)
	}
	for _, w := range l.words {
		if strings.Contains(said, w.text) || !bytes.Contains(out, []byte(w.text)) {
			continue
		}
		if !all[w.text] {
			return fmt.Errorf("%s gives %s %s %q of %s (%s, %s) to %s %s of office %q for %q, case of %q\nrules: %+v\nasked: %s\ngot: %.2000s",
				way, w.class, w.register, w.text, w.person, w.register, w.class, a.actor.Kind, a.actor.ID, a.actor.Office, a.purpose, a.about, a.rules, said, out)
		}
		l.gave[way]++
	}
	return nil
}

// readable is what comes out as a person reads it: the text of a PDF, the rows of a Parquet file.
func readable(out []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(out, []byte("%PDF")):
		text, err := pdfacheck.Text(out)
		return []byte(text), err
	case bytes.HasPrefix(out, []byte("PAR1")):
		f, err := parquet.OpenFile(bytes.NewReader(out), int64(len(out)))
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		fmt.Fprintln(&text, f.Schema())
		for _, group := range f.RowGroups() {
			rows := group.Rows()
			defer rows.Close()
			for buf := make([]parquet.Row, 16); ; {
				n, err := rows.ReadRows(buf)
				for _, r := range buf[:n] {
					fmt.Fprintln(&text, r)
				}
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					return nil, err
				}
			}
		}
		return text.Bytes(), nil
	}
	return out, nil
}

// ask is a request of the API.
func (l *leakHouse) ask(path string, header ...string) (int, []byte) {
	code, _, out := l.askAll(path, header...)
	return code, out
}

func (l *leakHouse) askAll(path string, header ...string) (int, http.Header, []byte) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Authorization", "Bearer test")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, r)
	return w.Code, w.Header(), w.Body.Bytes()
}

// leakCounts are the names by which counts go.
var leakCounts = []string{"total", "count", "numbermatched", "totalcount", "total_count", "x-total-count"}

// counted finds a count that tells of more records than are shown: who may see some mustn't learn how many there are.
func counted(header http.Header, out []byte) error {
	var list struct{ Items []any }
	var all map[string]any
	if json.Unmarshal(out, &all) != nil || json.Unmarshal(out, &list) != nil {
		return nil // an error page, or another form of the same list
	}
	for name, v := range all {
		if n, ok := v.(float64); ok && slices.Contains(leakCounts, strings.ToLower(name)) && int(n) > len(list.Items) {
			return fmt.Errorf("%q is %v, and %d records are shown", name, n, len(list.Items))
		}
	}
	for name := range header {
		if slices.Contains(leakCounts, strings.ToLower(name)) {
			return fmt.Errorf("the header %s counts", name)
		}
	}
	return nil
}

// turn is one actor who goes every way.
type turn struct {
	*leakHouse
	asking
	caseID string
	fields map[string][]string // asked for, by register; nil: none named
	filter map[string]string
	sort   map[string]string
	pick   word   // a word to look for
	format string // the only one of an export; empty: each
	from   int    // with which of the pages a walk begins
}

func (u turn) query(reg string, more url.Values) string {
	q := url.Values{"purpose": {u.purpose}, "basis": {"§ 1"}}
	if u.caseID != "" {
		q.Set("case", u.caseID)
	}
	if f := u.fields[reg]; f != nil {
		q.Set("fields", strings.Join(f, ","))
	}
	for k, v := range more {
		q[k] = v
	}
	return q.Encode()
}

func (u turn) with(actions ...string) asking {
	a := u.asking
	a.actions = actions
	return a
}

// throughAPI asks the API for everything of a register.
func (u turn) throughAPI(reg string) error {
	base := "/api/v1/registers/" + reg
	lists := []string{access.List}
	if u.caseID != "" {
		lists = append(lists, access.Read)
	}
	more := url.Values{}
	if f := u.filter[reg]; f != "" {
		more.Set("filter", f)
	}
	if s := u.sort[reg]; s != "" {
		more.Set("sort", s)
	}
	for _, x := range []struct {
		way, path string
		actions   []string
		header    []string
	}{
		{"api list", base + "/records?" + u.query(reg, nil), lists, nil},
		{"api graph", base + "/records?" + u.query(reg, nil), lists, []string{"Accept", "application/ld+json"}},
		{"api search", base + "/records?" + u.query(reg, more), lists, nil},
		{"api text", base + "/records?" + u.query(reg, url.Values{"text": {u.pick.text}}), lists, nil},
		{"api page", base + "/records?" + u.query(reg, url.Values{"limit": {"1"}}), lists, nil},
		{"api changes", base + "/changes?" + u.query(reg, nil), []string{access.List}, nil},
	} {
		code, header, out := u.askAll(x.path, x.header...)
		if err := counted(header, out); err != nil {
			return fmt.Errorf("%s counts: %w\nasked: %s", x.way, err, x.path)
		}
		if u.power != nil && code < 400 {
			return fmt.Errorf("%s answers %d to who acts for somebody else", x.path, code)
		}
		if err := u.look(x.way, u.with(x.actions...), x.path, out); err != nil {
			return err
		}
		if code >= 500 {
			return fmt.Errorf("%s: %d %s", x.path, code, out)
		}
		// A record that is found by a field tells what the field says, even if it isn't shown.
		if class, compared := u.compared(reg); x.way == "api search" && compared {
			if !u.mayCompare(reg, class, x.actions, out) {
				return fmt.Errorf("%s compares what the actor may not know\nrules: %+v\n%s\n%s", x.way, u.rules, x.path, out)
			}
			continue
		}
		if strings.Contains(x.path, u.pick.text) && bytes.Contains(out, []byte(`"version":`)) && !u.mayFind(x.actions) {
			return fmt.Errorf("%s finds a record by what the actor may not know (%+v)\nrules: %+v\n%s\n%s", x.way, u.pick, u.rules, x.path, out)
		}
	}
	for _, key := range u.keys(reg) {
		at := base + "/records/" + url.PathEscape(key)
		now := l3339(time.Now().Add(time.Minute))
		for way, path := range map[string]string{
			"api record": at + "?" + u.query(reg, nil), "api versions": at + "/versions?" + u.query(reg, nil),
			"api as of": at + "?" + u.query(reg, url.Values{"valid": {now}, "known": {now}}),
		} {
			code, out := u.ask(path)
			if err := u.look(way, u.with(access.Read), path, out); err != nil {
				return err
			}
			if code >= 500 {
				return fmt.Errorf("%s: %d %s", path, code, out)
			}
		}
	}
	return nil
}

func l3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// mayFind tells whether the word that is looked for may be known; a key stands in the words of two persons.
func (u turn) mayFind(actions []string) bool {
	return slices.ContainsFunc(u.words, func(w word) bool { return w.text == u.pick.text && u.with(actions...).allows(w, u.restricted) })
}

// compared is the class of the field by whose order the filter asks, if it does: who asks so needs no word to find a record.
func (u turn) compared(reg string) (class string, ok bool) {
	name, _, ok := strings.Cut(u.filter[reg], " >= ")
	for _, f := range leakFields[reg] {
		if ok && f[0] == name {
			return f[1], true
		}
	}
	return "", false
}

// mayCompare tells whether the actor may know what was compared of each record that was found. Whose a tag is, its key doesn't
// say: there it is enough that some are theirs to know.
func (u turn) mayCompare(reg, class string, actions []string, out []byte) bool {
	var list struct{ Items []struct{ ID string } }
	if json.Unmarshal(out, &list) != nil {
		return true // an error: there are no records in it
	}
	for _, item := range list.Items {
		if !slices.ContainsFunc(u.words, func(w word) bool {
			return w.register == reg && w.class == class && (reg != "dossiers" || w.person == item.ID) && u.with(actions...).allows(w, u.restricted)
		}) {
			return false
		}
	}
	return true
}

func (u turn) keys(reg string) []string {
	if reg == "dossiers" {
		return append(slices.Clone(u.persons), "nobody")
	}
	var out []string
	for _, w := range u.words {
		if w.register == "tags" && w.class == "personal" && !slices.Contains(out, w.text) {
			out = append(out, w.text)
		}
	}
	return out
}

// exports are the formats in which registers leave the house.
func (u turn) exports() []string {
	if u.format != "" {
		return []string{u.format}
	}
	return []string{"csv", "jsonl", "parquet"}
}

// inside goes the ways of the house's own rooms: with a grant for what a room would ask for.
func (u turn) inside(reg string) error {
	ctx := context.Background()
	r := access.Request{Actor: u.actor, Action: access.List, Resource: register.Resource(reg), Purpose: u.purpose, Basis: "§ 1", Case: u.caseID, Fields: u.fields[reg]}
	if u.named {
		r.Service = leakService
	}
	if d, ok := u.definitions.Get(reg); ok && r.Fields == nil {
		r.Fields = d.FieldNames()
	}
	tell := func(way string, a asking, v any, err error) error {
		if err != nil {
			return nil // refused, or not there
		}
		out, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return u.look(way, a, "", out)
	}
	if g, err := u.access.Permit(ctx, r); err == nil {
		for _, format := range u.exports() {
			var out bytes.Buffer
			if _, err := bulk.Export(ctx, bulk.Giving{Registers: u.registers, Register: reg, Format: format, Grant: g, Seen: u.access.Seen}, &out); err != nil {
				return fmt.Errorf("export: %w", err)
			}
			if err := u.look("export "+format, u.with(access.List), "", out.Bytes()); err != nil {
				return err
			}
		}
		page, err := u.registers.Search(ctx, g, reg, register.Query{})
		if err := tell("search", u.with(access.List), page, err); err != nil {
			return err
		}
		changes, _, err := u.registers.Changes(ctx, g, reg, 0, 100)
		if err := tell("changes", u.with(access.List), changes, err); err != nil {
			return err
		}
	}
	r.Action = access.Read
	for _, p := range u.persons {
		r.Owner = p
		g, err := u.access.Permit(ctx, r)
		if err != nil {
			continue
		}
		a := u.with(access.Read)
		v, err := u.registers.Fetch(ctx, g, register.Use{Register: reg, Person: p, Fields: r.Fields})
		if err := tell("fetch", a, v, err); err != nil {
			return err
		}
		page, err := u.registers.Search(ctx, g, reg, register.Query{})
		if err := tell("search of one", a, page, err); err != nil {
			return err
		}
		for _, key := range u.keys(reg) {
			rec, err := u.registers.Get(ctx, g, reg, key)
			if err := tell("get", a, rec, err); err != nil {
				return err
			}
			list, err := u.registers.History(ctx, g, reg, key)
			if err := tell("history", a, list, err); err != nil {
				return err
			}
			rec, err = u.registers.AsOf(ctx, g, reg, key, u.now(), u.now())
			if err := tell("as of", a, rec, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// leakVerbose tells of each page what it answers.
var leakVerbose = os.Getenv("MERCATOR_TEST_LEAK") != ""

var leakLink = regexp.MustCompile(`href="(/[^"#]*)`)

// pages is a walk through the pages: from where people begin, by every link that leads on.
func (u turn) pages(most int) error {
	if u.actor.Kind == access.Machine {
		return nil
	}
	w := httptest.NewRecorder()
	who := u.actor
	if u.power != nil {
		who = u.power.actor
	}
	session, err := u.sessions.SignIn(context.Background(), w, httptest.NewRequest("GET", "/", nil), who, "")
	if err != nil {
		return err
	}
	if u.power != nil {
		if err := u.sessions.Act(context.Background(), session, u.power.id); err != nil {
			return err
		}
	}
	cookie := w.Result().Cookies()[0]
	todo := []string{"/my-data", "/my-data/copy.json", "/my-data/given.json", "/my-data/given.csv", "/my-data/copy.pdf", "/my-data/reads", "/my-data/ledger.json", "/cases", "/postbox", "/mandates"}
	if u.actor.Kind == access.Clerk {
		todo = []string{"/desk"}
		for _, reg := range []string{"dossiers", "tags"} {
			q := url.Values{"purpose": {u.purpose}, "basis": {"§ 1"}, "go": {"1"}, "special": {"1"}}
			if u.caseID != "" {
				q.Set("case", u.refs[u.caseID])
			}
			todo = append(todo, "/desk/registers/"+reg+"?"+q.Encode())
			for _, key := range u.keys(reg) {
				at := "/desk/registers/" + reg + "/records/" + url.PathEscape(key)
				todo = append(todo, at+"?"+q.Encode(), at+"/versions?"+q.Encode())
			}
		}
	}
	for id := range u.refs {
		todo = append(todo, "/cases/"+id, "/desk/cases/"+id, "/desk/cases/"+id+"/application.pdf")
	}
	for id := range u.documents {
		todo = append(todo, "/documents/"+id, "/desk/documents/"+id)
	}
	slices.Sort(todo) // the ids of a house come in any order
	from := u.from % len(todo)
	todo = append(todo[from:], todo[:from]...)
	been := map[string]bool{}
	a := u.with(access.Read, access.List)
	for len(todo) > 0 && len(been) < most {
		path := todo[0]
		if todo = todo[1:]; been[path] || strings.HasPrefix(path, "/sign") || strings.HasPrefix(path, "/assets") {
			continue
		}
		been[path] = true
		if a.purpose = u.purpose; strings.HasPrefix(path, "/my-data") {
			a.purpose = register.OwnDataPurpose
		}
		r := httptest.NewRequest("GET", "http://127.0.0.1"+path, nil)
		u.walked++ // each page from an address of its own, or most of them would be "too many"
		r.RemoteAddr = fmt.Sprintf("10.%d.%d.%d:1", u.walked>>16&255, u.walked>>8&255, u.walked&255)
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		u.pagesOf.ServeHTTP(w, r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable || w.Code == http.StatusTooManyRequests { // the log has the newest entries a little later
			return fmt.Errorf("%s: %d", path, w.Code)
		}
		if leakVerbose {
			u.t.Logf("%s: %d %d", path, w.Code, w.Body.Len())
		}
		way, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "?")
		way, _, _ = strings.Cut(way, "/")
		kind := "pages "
		if bytes.HasPrefix(w.Body.Bytes(), []byte("%PDF")) {
			kind = "pdf "
		}
		if err := u.look(kind+way, a, path, w.Body.Bytes()); err != nil {
			return err
		}
		if kind == "pdf " {
			continue
		}
		for _, m := range leakLink.FindAllStringSubmatch(w.Body.String(), -1) {
			todo = append(todo, strings.ReplaceAll(m[1], "&amp;", "&"))
		}
	}
	return nil
}

// all goes every way.
func (u turn) all(pages int) error {
	u.leakHouse.caller = u.actor
	if err := u.rule(u.rules); err != nil {
		return err
	}
	for _, reg := range []string{"dossiers", "tags"} {
		if err := u.throughAPI(reg); err != nil {
			return err
		}
		if err := u.inside(reg); err != nil {
			return err
		}
	}
	if u.actor.Kind == access.Resident {
		own, err := u.registers.OwnData(context.Background(), u.access.Permit, u.actor)
		if err == nil {
			out, _ := json.Marshal(own)
			a := u.with(access.Read)
			a.purpose = register.OwnDataPurpose
			if err := u.look("own data", a, "", out); err != nil {
				return err
			}
		}
	}
	return u.pages(pages)
}

// events are what the house has told other systems: no value of a register is among it.
func (l *leakHouse) events() error {
	rows, err := store.All(context.Background(), l.db, func(s store.Scanner) (out [2]string, err error) { return out, s.Scan(&out[0], &out[1]) }, "SELECT subject, data FROM bus_event")
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("there are no events at all")
	}
	for _, e := range rows {
		for _, w := range l.words {
			if strings.Contains(e[0]+e[1], w.text) {
				return fmt.Errorf("an event tells %+v: %v", w, e)
			}
		}
	}
	return nil
}

var leakClasses = []string{"public", "internal", "personal", "special"}

func leakActor(kind access.Kind, id, office string) access.Actor {
	a := access.Actor{Kind: kind, ID: id, Name: "Probe", Office: office, Level: access.High}
	switch kind {
	case access.Clerk:
		a.Roles = []string{"clerk"}
	case access.Machine:
		a.Roles = []string{"registers:read", "register:dossiers", "register:tags"}
	}
	return a
}

func TestNoWayOfReadingGivesMoreThanThePoliciesAllow(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := ""
			if engine == "postgres" {
				dsn = storetest.PostgresDSN(t)
			}
			l := openLeakHouse(t, dsn)
			regs := []string{"register:dossiers", "register:tags"}
			// First everything is allowed: each way gives something, or it would be no way at all.
			for _, a := range []access.Actor{leakActor(access.Machine, "m1", ""), leakActor(access.Clerk, "c1", "32"), leakActor(access.Resident, "person1", "")} {
				u := turn{leakHouse: l, asking: asking{actor: a, purpose: leakReaches, rules: []drawnRule{{Kind: a.Kind, Actions: []string{"read", "list"}, Registers: regs, Classes: leakClasses, Scope: "all"}}}, pick: l.words[2]}
				u.filter = map[string]string{"dossiers": "plain = '" + l.words[0].text + "'"}
				u.fields = map[string][]string{"dossiers": {"plain", "memo", "alias", "note"}} // the feed gives no field that isn't asked for
				if err := u.all(60); err != nil {
					t.Fatal(err)
				}
			}
			for _, way := range []string{"api list", "api graph", "api page", "api changes", "api record", "api versions", "api as of", "export csv", "export jsonl", "export parquet", "search", "changes", "fetch", "search of one", "get", "history", "as of", "own data", "pages my-data", "pages cases", "pages postbox", "pages mandates", "pdf my-data", "pdf documents", "pages desk", "pdf desk"} {
				if l.gave[way] == 0 {
					t.Errorf("%s gives nothing to who may see everything", way)
				}
			}
			l.throughMandates(t, []drawnRule{{Kind: "delegate", Actions: []string{"read", "list"}, Registers: regs, Classes: leakClasses, Scope: "own"},
				{Kind: access.Clerk, Office: "32", Actions: []string{"read", "list"}, Registers: regs, Classes: leakClasses, Scope: "all"}})
			if err := l.events(); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				return
			}
			caseIDs := []string{""}
			for id := range l.cases {
				caseIDs = append(caseIDs, id)
			}
			slices.Sort(caseIDs)
			some := func(rt *rapid.T, name string, list []string) []string {
				return slices.DeleteFunc(slices.Clone(list), func(string) bool { return rapid.IntRange(0, 4).Draw(rt, name) == 4 })
			}
			rapid.Check(t, func(rt *rapid.T) {
				kind := rapid.SampledFrom([]access.Kind{access.Machine, access.Clerk, access.Resident}).Draw(rt, "kind")
				id, office := "m1", rapid.SampledFrom([]string{"", "32", "36"}).Draw(rt, "office")
				if kind == access.Resident {
					id, office = rapid.SampledFrom(l.persons).Draw(rt, "resident"), ""
				}
				u := turn{leakHouse: l, fields: map[string][]string{}, filter: map[string]string{}, sort: map[string]string{}}
				u.actor = leakActor(kind, id, office)
				if kind != access.Machine && rapid.IntRange(0, 2).Draw(rt, "acts for somebody") == 0 {
					u.power = rapid.SampledFrom(slices.DeleteFunc(slices.Clone(l.powers), func(p *power) bool { return p.actor.Kind != kind })).Draw(rt, "power")
					u.actor, u.named = u.power.acts(), rapid.Bool().Draw(rt, "names the service")
				}
				u.purpose = rapid.SampledFrom([]string{"Prüfung", "Prüfung", leakReaches}).Draw(rt, "purpose")
				u.caseID = rapid.SampledFrom(caseIDs).Draw(rt, "case")
				u.about = l.cases[u.caseID]
				for range rapid.IntRange(1, 4).Draw(rt, "rules") {
					of := kind
					if u.power != nil && kind == access.Resident {
						of = "delegate"
					}
					u.rules = append(u.rules, drawnRule{Kind: rapid.SampledFrom([]access.Kind{of, of, of, of, access.Machine, access.Clerk, access.Resident}).Draw(rt, "whose rule"),
						Office: rapid.SampledFrom([]string{"", "", "32"}).Draw(rt, "rule's office"), Actions: append(some(rt, "action", []string{"read", "list"}), "submit"),
						Registers: append(some(rt, "register", regs), "register:none"), Classes: append(some(rt, "class", leakClasses), "none"),
						Scope: rapid.SampledFrom([]string{"all", "all", "case", "own"}).Draw(rt, "scope")})
				}
				u.from = rapid.IntRange(0, 60).Draw(rt, "first page")
				u.pick = rapid.SampledFrom(l.words).Draw(rt, "word")
				for _, reg := range []string{"dossiers", "tags"} {
					var names []string
					for _, f := range leakFields[reg] {
						names = append(names, f[0])
					}
					if reg == "tags" {
						names = append(names, "owner", "owner_alias", "owner_note", "owner_plain")
					}
					if rapid.Bool().Draw(rt, "names fields") {
						u.fields[reg] = append(some(rt, "field", names), rapid.SampledFrom(names).Draw(rt, "one field"))
						slices.Sort(u.fields[reg])
						u.fields[reg] = slices.Compact(u.fields[reg])
					}
					f := rapid.SampledFrom(leakFields[reg]).Draw(rt, "filter")[0]
					u.filter[reg] = fmt.Sprintf(rapid.SampledFrom([]string{"%s = '%s'", "%s LIKE '%s%%'", "NOT (%s <> '%s')", "%s IN ('%s', 'x')", "%s >= '%s'"}).Draw(rt, "form"), f, u.pick.text)
					u.sort[reg] = rapid.SampledFrom([]string{"", "memo", "-memo", "stamp", "note", "alias"}).Draw(rt, "sort")
				}
				if err := u.all(12); err != nil {
					rt.Fatal(err)
				}
			})
			t.Logf("words given, by way: %v", l.gave)
		})
	}
}
