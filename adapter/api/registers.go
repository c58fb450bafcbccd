// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/register"

	"github.com/danielgtaylor/huma/v2"
)

// The registers are one set of operations for all of them: a new package under
// content/registers has its addresses without a line here. What is public anybody may
// read; for the rest a program says purpose and legal basis with each request, policy
// decides, and who may not see a record can't tell it from one that isn't there.

const (
	typeLD    = "application/ld+json"
	typePatch = "application/merge-patch+json"
	maxEdits  = 200
	publicAge = "public, max-age=60"
)

// RegisterSummary is a register in a list.
type RegisterSummary struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Purpose string `json:"purpose"`
	Office  string `json:"office" doc:"the office that keeps it"`
	Public  bool   `json:"public" doc:"anybody may read it, without purpose and legal basis"`
}

// RegisterDetail is what a register is.
type RegisterDetail struct {
	RegisterSummary
	Description string              `json:"description,omitempty"`
	Basis       string              `json:"basis" doc:"the law under which it is kept"`
	Retention   string              `json:"retention"`
	Key         string              `json:"key" doc:"the field that names a record"`
	Person      string              `json:"person,omitempty" doc:"the field that says whom a record is about"`
	Fields      []RegisterFieldView `json:"fields" nullable:"false"`
	Schema      string              `json:"schema" doc:"address of the JSON Schema of a record"`
	Context     string              `json:"context" doc:"address of the JSON-LD context"`
	Records     string              `json:"records" doc:"address of the records"`
	Changes     string              `json:"changes" doc:"address of what changes"`
}

// RegisterFieldView is a field of a register.
type RegisterFieldView struct {
	Name     string   `json:"name"`
	Title    string   `json:"title"`
	Class    string   `json:"class" enum:"public,internal,personal,special" doc:"special: Art. 9 GDPR; given only if it is asked for by name"`
	Source   string   `json:"source,omitempty" doc:"where the city has it from: own, or a register"`
	Link     string   `json:"link,omitempty" doc:"the register whose key it holds"`
	Search   []string `json:"search,omitempty" doc:"how records are found by it"`
	Unit     string   `json:"unit,omitempty" doc:"of a number, as UCUM writes it"`
	Codes    string   `json:"codes,omitempty" doc:"address of the code list that its values are from"`
	Geometry bool     `json:"geometry,omitempty" doc:"a GeoJSON geometry in WGS 84"`
	Shows    string   `json:"shows,omitempty" doc:"it isn't stored here: the register and field that it shows, as that says it at the moment of reading; changed there"`
}

// RecordView is a record.
type RecordView struct {
	Register   string          `json:"register"`
	ID         string          `json:"id" doc:"names the record in addresses; the key, or ~ and an id where the key tells something about a person"`
	Version    int64           `json:"version"`
	Data       json.RawMessage `json:"data" doc:"fields by their names, as the register's schema says; null: it holds no longer"`
	ValidFrom  *time.Time      `json:"validFrom,omitempty" doc:"since when it is so"`
	ValidTo    *time.Time      `json:"validTo,omitempty" doc:"until when"`
	RecordedAt time.Time       `json:"recordedAt" doc:"when the city came to know it"`
	ETag       string          `json:"etag,omitempty" doc:"for If-Match"`
	Reason     string          `json:"reason,omitempty" doc:"of a version: why"`
	By         string          `json:"by,omitempty" doc:"of a version: resident, clerk, machine or system"`
	Case       string          `json:"caseId,omitempty" doc:"of a version: in which case"`
}

// ChangeView is an entry of the feed.
type ChangeView struct {
	Position int64       `json:"position"`
	ID       string      `json:"id,omitempty" doc:"of the record, as in addresses"`
	Version  int64       `json:"version,omitempty"`
	Kind     string      `json:"kind" enum:"put,ended,turned,restricted,released,erased,loaded" doc:"turned: a version that was known before is in force now; restricted: keep your copy and use it no more, until released; erased: erase your copy; loaded: many new records came in one go, read the list"`
	At       time.Time   `json:"at"`
	Case     string      `json:"caseId,omitempty"`
	Record   *RecordView `json:"record,omitempty" doc:"the version, if fields are asked for"`
}

// ChangePage is a part of the feed.
type ChangePage struct {
	Items []ChangeView `json:"items" nullable:"false"`
	Next  int64        `json:"next" doc:"since of the next request; the same again: nothing new yet"`
}

// Said is why a register is read or changed.
type Said struct {
	Purpose string `query:"purpose" maxLength:"500" doc:"why, in words (Zweckbindung, Art. 5 (1) b GDPR); needed unless the register is public. It is on record; no personal data"`
	Basis   string `query:"basis" maxLength:"500" doc:"the legal basis as cited, such as § 34 BMG; needed unless the register is public"`
	Case    string `query:"case" maxLength:"36" doc:"id of the case for which it is; who doesn't keep the register reads for a case"`
}

// Saying is why and from when a record is changed.
type Saying struct {
	Said
	Reason    string `query:"reason" maxLength:"500" doc:"of the change; needed. It is kept with the version; no personal data"`
	ValidFrom string `query:"validFrom" maxLength:"40" doc:"since when it is so (date, or RFC 3339); missing: from now on"`
	ValidTo   string `query:"validTo" maxLength:"40" doc:"until when; missing: for good"`
}

// RecordPath names a record.
type RecordPath struct {
	Register string `path:"register" maxLength:"40"`
	Key      string `path:"key" maxLength:"400" doc:"the key of the record, or ~ and its id"`
}

// Written is an answer to a change.
type Written struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
}

// Raw is an answer in one of several forms.
type Raw struct {
	Status       int
	ContentType  string `header:"Content-Type"`
	ETag         string `header:"ETag"`
	CacheControl string `header:"Cache-Control"`
	Vary         string `header:"Vary"`
	Language     string `header:"Content-Language"`
	Body         []byte
}

func clean(s string) bool {
	return len(s) <= 500 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// special is a problem of a status that no kind of fault has.
func (a *API) special(ctx context.Context, status int, kind, key string) error {
	text := http.StatusText(status)
	if w := callerOf(ctx).words; w != nil && w.Has(key) {
		text = w.T(key)
	}
	return &huma.ErrorModel{Type: "urn:mercator:fault:" + kind, Title: http.StatusText(status), Status: status, Detail: text}
}

func notThere() error { return fault.New(fault.NotFound, "api.register", "api.register.notThere") }

// alike makes of a refusal what there is to say if the record isn't there.
func alike(err error) error {
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		return notThere()
	}
	return err
}

func (a *API) register(id string) (*register.Definition, error) {
	d, ok := a.c.Registers.Registers().Get(id)
	if !ok {
		return nil, fault.New(fault.NotFound, "api.register", "api.register.none")
	}
	return d, nil
}

// may holds that a program has the scopes for a register and says why it asks.
func (a *API) may(ctx context.Context, c caller, d *register.Definition, scope string, s Said) error {
	const op = "api.register"
	switch {
	case !c.known:
		return huma.ErrorWithHeaders(a.fail(ctx, fault.New(fault.Unauthenticated, op, "")), http.Header{"WWW-Authenticate": {"Bearer"}})
	case !c.actor.Is(scope) || !c.actor.Is("register:"+d.ID):
		return huma.ErrorWithHeaders(a.fail(ctx, fault.New(fault.Denied, op, "api.register.scope", "scope", scope, "register", d.ID)),
			http.Header{"WWW-Authenticate": {`Bearer error="insufficient_scope", scope="` + scope + " register:" + d.ID + `"`}})
	case strings.TrimSpace(s.Purpose) == "" || strings.TrimSpace(s.Basis) == "" || !clean(s.Purpose) || !clean(s.Basis):
		return fault.New(fault.Invalid, op, "api.register.why")
	case s.Case != "" && !ident.Valid(s.Case):
		return fault.New(fault.Invalid, op, "api.register.case")
	}
	return nil
}

// open reports whether a register is read without a grant.
func open(d *register.Definition) bool { return d.Public }

func (a *API) request(c caller, d *register.Definition, action string, s Said, fields []string) access.Request {
	return access.Request{Actor: c.actor, Action: action, Resource: register.Resource(d.ID), Purpose: s.Purpose, Basis: s.Basis, Case: s.Case,
		Office: d.Office, Fields: fields}
}

// fieldsOf are the fields that are asked for; without any, all but the special ones, and but
// what another register says that the program has no scope for, and who somebody else is:
// nobody is refused, and none of it is on record, for what they didn't ask for.
func (a *API) fieldsOf(c caller, d *register.Definition, asked string) ([]string, error) {
	var out []string
	if asked == "" {
		for _, f := range d.Fields {
			if f.Class != register.Special && a.seesThrough(c, d, f) && !a.c.Registers.Registers().Concerning(d, f) {
				out = append(out, f.Name)
			}
		}
		return out, nil
	}
	for name := range strings.SplitSeq(asked, ",") {
		name = strings.TrimSpace(name)
		if _, ok := d.Field(name); !ok {
			return nil, fault.New(fault.Invalid, "api.register", "api.register.field", "field", short(name), "register", d.ID)
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out, nil
}

// seesThrough reports whether a program asks for a field without naming it: one of the
// register itself, or one that shows a register that it may ask.
func (a *API) seesThrough(c caller, d *register.Definition, f register.Field) bool {
	if !f.View() {
		return true
	}
	link, _ := d.Field(f.Through)
	to, ok := a.c.Registers.Registers().Get(link.Link)
	return ok && (to.Public || c.actor.Is("register:"+to.ID))
}

func short(s string) string {
	if r := []rune(strings.ToValidUTF8(s, "?")); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return strings.ToValidUTF8(s, "?")
}

// moment reads a date, which begins at midnight in the city, or a moment.
func (a *API) moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, a.c.Zone); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, fault.New(fault.Invalid, "api.register", "api.register.moment")
	}
	return t.UTC(), nil
}

// etag is strong: it holds for these bytes. What stands before the second dash is the
// state of the record, which If-Match is compared with whatever form was read.
func etag(r register.Record, body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + strconv.FormatInt(r.Version, 10) + "-" + strconv.FormatInt(r.Last, 10) + "-" + hex.EncodeToString(sum[:6]) + `"`
}

// stateOf is the state of a record that an entity tag names; weak ones name none.
func stateOf(tag string) (register.Mark, bool) {
	tag, ok := strings.CutPrefix(strings.TrimSpace(tag), `"`)
	tag, ok2 := strings.CutSuffix(tag, `"`)
	parts := strings.Split(tag, "-")
	if !ok || !ok2 || len(parts) < 2 || len(parts) > 3 {
		return register.Mark{}, false
	}
	v, err1 := strconv.ParseInt(parts[0], 10, 64)
	l, err2 := strconv.ParseInt(parts[1], 10, 64)
	return register.Mark{Version: v, Last: l}, err1 == nil && err2 == nil && v > 0 && l >= v
}

// matches reports whether a list of entity tags (If-None-Match) has this one.
func matches(list, tag string) bool {
	for x := range strings.SplitSeq(list, ",") {
		if x = strings.TrimPrefix(strings.TrimSpace(x), "W/"); x == tag || x == "*" {
			return true
		}
	}
	return false
}

func (a *API) registerURL(id string) string {
	return strings.TrimSuffix(a.c.PublicURL, "/") + prefix + "/registers/" + id
}

func (a *API) recordURL(d *register.Definition, address string) string {
	return a.registerURL(d.ID) + "/records/" + url.PathEscape(address)
}

func view(d *register.Definition, r register.Record) RecordView {
	v := RecordView{Register: d.ID, ID: d.Address(r.ID), Version: r.Version, Data: r.Data, RecordedAt: r.ChangedAt}
	if !r.ValidFrom.IsZero() {
		v.ValidFrom = &r.ValidFrom
	}
	if !r.ValidTo.IsZero() {
		v.ValidTo = &r.ValidTo
	}
	return v
}

// cut leaves the fields that are asked for: of a public register nobody's grant does.
func cut(r register.Record, fields []string) (register.Record, error) {
	if string(r.Data) == "null" {
		return r, nil
	}
	m, err := r.Fields(fields)
	if err != nil {
		return r, err
	}
	r.Data, err = json.Marshal(m)
	return r, err
}

// inForm writes a record as JSON or as JSON-LD.
func (a *API) inForm(d *register.Definition, r register.Record, accept string) (*Raw, error) {
	var out any
	raw := &Raw{Status: http.StatusOK, ContentType: "application/json", Vary: "Accept", CacheControl: "private, no-store"}
	if wantsLD(accept) {
		raw.ContentType = typeLD
		ld, err := a.linked(d, r)
		if err != nil {
			return nil, err
		}
		out = ld
	} else {
		out = view(d, r)
	}
	var err error
	if raw.Body, err = json.Marshal(out); err != nil {
		return nil, err
	}
	if d.Public {
		raw.CacheControl = publicAge
	}
	raw.ETag = etag(r, raw.Body)
	return raw, nil
}

func wantsLD(accept string) bool {
	for x := range strings.SplitSeq(accept, ",") {
		kind, q, _ := strings.Cut(strings.TrimSpace(x), ";")
		if strings.EqualFold(strings.TrimSpace(kind), typeLD) && !strings.HasPrefix(strings.TrimSpace(q), "q=0.0") && strings.TrimSpace(q) != "q=0" {
			return true
		}
	}
	return false
}

// anybody is the security of what may be public: without a token, or with one.
func anybody() []map[string][]string {
	return []map[string][]string{{}, {"oauth2": {"registers:read"}}}
}

func (a *API) registerOperations() {
	tags := []string{"registers"}
	errs := []int{401, 403, 404, 422, 429}
	a.describeRegisters(tags)
	get := func(id, path, summary string, more ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodGet, Path: "/registers/{register}" + path, Tags: tags, Security: anybody(), Summary: summary, Errors: append(more, errs...)}
	}
	add(a, get("list-records", "/records", "Records of a register that fit a filter, page by page; with Accept application/ld+json a JSON-LD graph", 415),
		func(ctx context.Context, c caller, in *struct {
			Said
			Register string `path:"register" maxLength:"40"`
			Filter   string `query:"filter" maxLength:"4000" doc:"CQL2-text over the declared fields"`
			Text     string `query:"text" maxLength:"500" doc:"words in any field that is searched in full"`
			Fields   string `query:"fields" maxLength:"4000" doc:"names of fields, separated by commas; missing: all but those of class special, and but those that show a register that the program has no scope for"`
			Sort     string `query:"sort" maxLength:"100" doc:"a field, with - before it: descending; missing: by key"`
			Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
			After    string `query:"after" maxLength:"2000" doc:"next of the page before"`
			Accept   string `header:"Accept"`
		}) (*Raw, error) {
			return a.listRecords(ctx, c, in.Register, in.Said, in.Accept,
				register.Query{Filter: in.Filter, Text: in.Text, Sort: in.Sort, Limit: in.Limit, After: in.After}, in.Fields)
		})
	a.answers("/registers/{register}/records", http.MethodGet, map[string]*huma.Schema{
		"application/json": huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, typeOf[Page[RecordView]]()), typeLD: {Type: "object"}})
	add(a, get("get-record", "/records/{key}", "A record: as it is now, as it was at a time, and by what was known at a time", 304),
		func(ctx context.Context, c caller, in *struct {
			Said
			RecordPath
			Fields string `query:"fields" maxLength:"4000" doc:"names of fields, separated by commas; missing: all but those of class special, and but those that show a register that the program has no scope for"`
			Valid  string `query:"valid" maxLength:"40" doc:"at which moment it is to hold (date, or RFC 3339); missing: now"`
			Known  string `query:"known" maxLength:"40" doc:"by what the city knew at which moment; missing: now"`
			Accept string `header:"Accept"`
			IfNone string `header:"If-None-Match" maxLength:"1000"`
		}) (*Raw, error) {
			return a.getRecord(ctx, c, in.RecordPath, in.Said, in.Fields, in.Valid, in.Known, in.Accept, in.IfNone)
		})
	a.answers("/registers/{register}/records/{key}", http.MethodGet, map[string]*huma.Schema{
		"application/json": huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, typeOf[RecordView]()), typeLD: {Type: "object"}})
	add(a, get("list-versions", "/records/{key}/versions", "All versions of a record, the newest first"),
		func(ctx context.Context, c caller, in *struct {
			Said
			RecordPath
			Fields string `query:"fields" maxLength:"4000" doc:"names of fields, separated by commas; missing: all but those of class special, and but those that show a register that the program has no scope for"`
		}) (*Body[Page[RecordView]], error) {
			d, g, fields, err := a.grantFor(ctx, c, in.RecordPath, in.Said, in.Fields)
			if err != nil {
				return nil, err
			}
			list, err := a.c.Registers.History(ctx, g, d.ID, in.Key)
			if err != nil {
				return nil, alike(err)
			}
			out := &Body[Page[RecordView]]{Page[RecordView]{Items: []RecordView{}}}
			for _, r := range list {
				if r, err = cut(r, fields); err != nil {
					return nil, err
				}
				v := view(d, r)
				if !open(d) || c.known { // who and why is nobody's business who only looks up a street
					v.Reason, v.Case = r.Reason, r.Case
					v.By, _, _ = strings.Cut(r.ChangedBy, ":")
				}
				out.Body.Items = append(out.Body.Items, v)
			}
			return out, nil
		})
	add(a, get("list-changes", "/changes", "What has changed in a register after a position: resumable, without gaps, in the order of commits", 409),
		func(ctx context.Context, c caller, in *struct {
			Said
			Register string `path:"register" maxLength:"40"`
			Since    int64  `query:"since" minimum:"0" default:"0" doc:"next of the answer before; 0: from the beginning of the feed"`
			Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
			Fields   string `query:"fields" maxLength:"4000" doc:"names of fields that each version is to come with; missing: none, and so no personal data"`
		}) (*Body[ChangePage], error) {
			return a.listChanges(ctx, c, in.Register, in.Said, in.Since, in.Limit, in.Fields)
		})
	a.registerWrites(tags)
}

func (a *API) listRecords(ctx context.Context, c caller, id string, said Said, accept string, q register.Query, asked string) (*Raw, error) {
	d, err := a.register(id)
	if err != nil {
		return nil, err
	}
	var g access.Grant
	if !open(d) {
		if err := a.may(ctx, c, d, "registers:read", said); err != nil {
			return nil, err
		}
	}
	if q.Fields, err = a.fieldsOf(c, d, asked); err != nil {
		return nil, err
	}
	for _, s := range []string{q.Filter, q.Text, q.Sort, q.After} {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return nil, fault.New(fault.Invalid, "api.register", "api.register.text")
		}
	}
	if !open(d) {
		r := a.request(c, d, access.List, said, q.Fields)
		if said.Case != "" && c.actor.Office != d.Office && d.Person != "" { // for a case: those whom it is about
			r.Action = access.Read
			if r.Owner, err = a.personOfCase(ctx, said.Case); err != nil {
				return nil, err
			}
		}
		if g, err = a.c.Access.Permit(ctx, r); err != nil {
			return nil, refused(err)
		}
	}
	page, err := a.c.Registers.Search(ctx, g, d.ID, q)
	if err != nil {
		return nil, refused(err)
	}
	raw := &Raw{Status: http.StatusOK, ContentType: "application/json", Vary: "Accept, Accept-Language", CacheControl: "private, no-store"}
	if d.Public {
		raw.CacheControl = publicAge
	}
	var out any
	if wantsLD(accept) {
		raw.ContentType = typeLD
		graph := []any{}
		for _, r := range page.Records {
			x, err := a.linked(d, r)
			if err != nil {
				return nil, err
			}
			delete(x, "@context")
			graph = append(graph, x)
		}
		doc := map[string]any{"@context": a.registerURL(d.ID) + "/context.jsonld", "@graph": graph}
		if page.Next != "" {
			doc["@included"] = map[string]any{"next": page.Next}
		}
		out = doc
	} else {
		list := Page[RecordView]{Items: []RecordView{}, Next: page.Next}
		for _, r := range page.Records {
			v := view(d, r)
			v.ETag = etag(r, r.Data)
			list.Items = append(list.Items, v)
		}
		out = list
	}
	raw.Body, err = json.Marshal(out)
	return raw, err
}

// refused is a refusal that says what may be missing.
func refused(err error) error {
	if fault.Is(err, fault.Denied) {
		return fault.Because(fault.Denied, "api.register", "api.register.refused", err)
	}
	return err
}

func (a *API) personOfCase(ctx context.Context, id string) (string, error) {
	if a.c.Cases == nil {
		return "", refused(fault.New(fault.Denied, "api.register", ""))
	}
	x, err := a.c.Cases.Peek(ctx, a.c.DB, id)
	if fault.Is(err, fault.NotFound) || err == nil && x.Person == "" {
		return "", refused(fault.New(fault.Denied, "api.register", ""))
	}
	return x.Person, err
}

// grantFor is a grant to read one record. Whether it isn't there, is somebody's of whom
// the caller may know nothing, or isn't of the kind that they may read, the answer is one.
func (a *API) grantFor(ctx context.Context, c caller, p RecordPath, said Said, asked string) (*register.Definition, access.Grant, []string, error) {
	var g access.Grant
	d, err := a.register(p.Register)
	if err != nil {
		return nil, g, nil, err
	}
	if !open(d) {
		if err := a.may(ctx, c, d, "registers:read", said); err != nil {
			return nil, g, nil, err
		}
	}
	fields, err := a.fieldsOf(c, d, asked)
	if err != nil {
		return nil, g, nil, err
	}
	if !clean(p.Key) {
		return nil, g, nil, notThere()
	}
	if open(d) {
		return d, g, fields, nil
	}
	r := a.request(c, d, access.Read, said, fields)
	if r.Owner, _, err = a.c.Registers.Whom(ctx, d.ID, p.Key); err != nil {
		return nil, g, nil, err
	}
	// A record that isn't there is asked about, too: it takes as long, and it is on record.
	g, err = a.c.Access.Permit(ctx, r)
	return d, g, fields, alike(err)
}

func (a *API) getRecord(ctx context.Context, c caller, p RecordPath, said Said, asked, valid, known, accept, ifNone string) (*Raw, error) {
	at, err := a.moment(valid)
	if err != nil {
		return nil, err
	}
	by, err := a.moment(known)
	if err != nil {
		return nil, err
	}
	d, g, fields, err := a.grantFor(ctx, c, p, said, asked)
	if err != nil {
		return nil, err
	}
	var r register.Record
	if at.IsZero() && by.IsZero() {
		r, err = a.c.Registers.Get(ctx, g, d.ID, p.Key)
	} else {
		now := a.c.Now()
		if at.IsZero() {
			at = now
		}
		if by.IsZero() {
			by = now
		}
		r, err = a.c.Registers.AsOf(ctx, g, d.ID, p.Key, at, by)
	}
	if err != nil {
		return nil, alike(err)
	}
	if r, err = cut(r, fields); err != nil {
		return nil, err
	}
	raw, err := a.inForm(d, r, accept)
	if err == nil && ifNone != "" && matches(ifNone, raw.ETag) {
		raw.Status, raw.Body = http.StatusNotModified, nil
	}
	return raw, err
}

func (a *API) listChanges(ctx context.Context, c caller, id string, said Said, since int64, limit int, asked string) (*Body[ChangePage], error) {
	d, err := a.register(id)
	if err != nil {
		return nil, err
	}
	fields := []string{}
	if asked != "" {
		if fields, err = a.fieldsOf(c, d, asked); err != nil {
			return nil, err
		}
	}
	var g access.Grant
	if !open(d) {
		if err := a.may(ctx, c, d, "registers:read", said); err != nil {
			return nil, err
		}
		if g, err = a.c.Access.Permit(ctx, a.request(c, d, access.List, said, fields)); err != nil {
			return nil, refused(err)
		}
	}
	list, next, err := a.c.Registers.Changes(ctx, g, d.ID, since, limit)
	if err != nil {
		return nil, refused(err)
	}
	out := &Body[ChangePage]{ChangePage{Items: []ChangeView{}, Next: next}}
	for _, x := range list {
		v := ChangeView{Position: x.Position, Version: x.Version, Kind: string(x.Kind), At: x.At}
		if x.ID != "" {
			v.ID = d.Address(x.ID)
		}
		if c.known {
			v.Case = x.Case
		}
		if x.Record != nil && len(fields) > 0 {
			r, err := cut(*x.Record, fields)
			if err != nil {
				return nil, err
			}
			record := view(d, r)
			v.Record = &record
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

// registerWrites are what changes records. Each says how it has seen the record, so that
// nobody overwrites what they haven't seen.
func (a *API) registerWrites(tags []string) {
	errs := []int{401, 403, 404, 409, 412, 413, 415, 422, 428, 429}
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/registers/{register}/records" + path, Tags: tags, Security: needs("registers:write"), Summary: summary,
			DefaultStatus: http.StatusNoContent, SkipValidateBody: true, Errors: errs}
	}
	add(a, op("put-record", http.MethodPut, "/{key}", "Make a record (If-None-Match: *), or replace it as a whole (If-Match)"),
		func(ctx context.Context, c caller, in *struct {
			Saying
			RecordPath
			Type    string `header:"Content-Type"`
			IfNone  string `header:"If-None-Match" maxLength:"10" doc:"*: only if there is none"`
			IfMatch string `header:"If-Match" maxLength:"1000" doc:"ETag under which the record was read"`
			RawBody []byte `contentType:"application/json"`
		}) (*Written, error) {
			only, err := a.seen(ctx, in.IfMatch, in.IfNone, true)
			if err != nil {
				return nil, err
			}
			data, err := document(in.RawBody, in.Type, "application/json")
			if err != nil {
				return nil, err
			}
			return a.editOne(ctx, c, in.RecordPath, in.Saying, register.Edit{Data: data, Only: only})
		})
	a.takes("/registers/{register}/records/{key}", http.MethodPut, "application/json")
	add(a, op("patch-record", http.MethodPatch, "/{key}", "Change some fields of a record (RFC 7396); its key and whom it is about stay"),
		func(ctx context.Context, c caller, in *struct {
			Saying
			RecordPath
			Type    string `header:"Content-Type"`
			IfMatch string `header:"If-Match" maxLength:"1000" doc:"ETag under which the record was read; needed"`
			RawBody []byte `contentType:"application/merge-patch+json"`
		}) (*Written, error) {
			only, err := a.seen(ctx, in.IfMatch, "", false)
			if err != nil {
				return nil, err
			}
			patch, err := document(in.RawBody, in.Type, typePatch)
			if err != nil {
				return nil, err
			}
			return a.editOne(ctx, c, in.RecordPath, in.Saying, register.Edit{Patch: patch, Only: only})
		})
	a.takes("/registers/{register}/records/{key}", http.MethodPatch, typePatch)
	add(a, op("end-record", http.MethodDelete, "/{key}", "Say that a record holds no longer; what it was is still known. This is no erasure"),
		func(ctx context.Context, c caller, in *struct {
			Saying
			RecordPath
			IfMatch string `header:"If-Match" maxLength:"1000" doc:"ETag under which the record was read; needed"`
		}) (*Written, error) {
			only, err := a.seen(ctx, in.IfMatch, "", false)
			if err != nil {
				return nil, err
			}
			return a.editOne(ctx, c, in.RecordPath, in.Saying, register.Edit{End: true, Only: only})
		})
	batch := op("change-records", http.MethodPost, ":batch", "Change many records: all of them or none, and all mistakes are named")
	batch.DefaultStatus = http.StatusOK
	add(a, batch, func(ctx context.Context, c caller, in *struct {
		IdempotentInput
		Saying
		Register string `path:"register" maxLength:"40"`
		Type     string `header:"Content-Type"`
		RawBody  []byte `contentType:"application/json"`
	}) (*Body[BatchResult], error) {
		return a.editMany(ctx, c, in.Register, in.Saying, in.RawBody, in.Type)
	})
	a.takes("/registers/{register}/records:batch", http.MethodPost, "application/json")
	a.huma.OpenAPI().Paths["/registers/{register}/records:batch"].Post.RequestBody.Content["application/json"].Schema =
		huma.SchemaFromType(a.huma.OpenAPI().Components.Schemas, typeOf[Batch]())
}

// seen is the state in which a record was read.
func (a *API) seen(ctx context.Context, ifMatch, ifNone string, mayBeNew bool) (*register.Mark, error) {
	switch {
	case mayBeNew && ifMatch == "" && strings.TrimSpace(ifNone) == "*":
		return nil, nil
	case ifMatch == "" || ifNone != "":
		return nil, a.special(ctx, http.StatusPreconditionRequired, "conflict", "api.register.needsMatch")
	}
	// A tag that the house has never given out is one of another state.
	m, ok := stateOf(ifMatch)
	if !ok {
		m = register.Mark{Version: -1, Last: -1}
	}
	return &m, nil
}

// why is the reason of a change.
func (a *API) why(s Saying) (register.Why, error) {
	w := register.Why{Reason: strings.TrimSpace(s.Reason), Case: s.Case}
	if w.Reason == "" || !clean(w.Reason) {
		return w, fault.New(fault.Invalid, "api.register", "api.register.reason")
	}
	var err error
	if w.From, err = a.moment(s.ValidFrom); err != nil {
		return w, err
	}
	w.To, err = a.moment(s.ValidTo)
	return w, err
}

// change asks for a grant to change records, by what their changes name, and changes them. The change, its event and its
// entry in the ledger are one transaction. A change that can't be done is taken back with its entry; that somebody tried is
// put on record by itself, since the answer may have told them something.
func (a *API) change(ctx context.Context, c caller, d *register.Definition, s Said, edits []register.Edit, do func(tx *store.Tx, g access.Grant) error) error {
	r, err := a.changing(ctx, c, d, s, edits)
	if err != nil {
		return err
	}
	refused := false
	err = a.c.DB.Write(ctx, func(tx *store.Tx) error {
		refused = false
		g, err := a.c.Access.PermitTx(ctx, tx, r)
		if err != nil {
			refused = true
			return err
		}
		return do(tx, g)
	})
	if err == nil || refused {
		return alike(err)
	}
	if _, err2 := a.c.Access.Permit(ctx, r); err2 != nil && fault.KindOf(err) != fault.Internal {
		return alike(err2)
	}
	return err
}

// changing is the request for access of changes.
func (a *API) changing(ctx context.Context, c caller, d *register.Definition, s Said, edits []register.Edit) (access.Request, error) {
	var fields, persons []string
	for _, e := range edits {
		person, there, err := a.c.Registers.Whom(ctx, d.ID, e.Key)
		if err != nil {
			return access.Request{}, err
		}
		if p, ok := e.Data[d.Person].(string); !there && ok && d.Person != "" {
			person = p
		}
		if len(person) > 500 || !clean(person) {
			return access.Request{}, fault.New(fault.Invalid, "api.register", "api.register.text")
		}
		if person != "" && !slices.Contains(persons, person) {
			persons = append(persons, person)
		}
		for _, f := range d.Fields {
			_, named := e.Patch[f.Name]
			if (e.Patch == nil || named) && !slices.Contains(fields, f.Name) {
				fields = append(fields, f.Name)
			}
		}
	}
	r := a.request(c, d, access.Change, s, fields)
	if len(persons) == 1 {
		r.Owner = persons[0]
	} else {
		r.Subjects = persons
	}
	return r, nil
}

func (a *API) editOne(ctx context.Context, c caller, p RecordPath, s Saying, e register.Edit) (*Written, error) {
	d, err := a.register(p.Register)
	if err != nil {
		return nil, err
	}
	if err := a.may(ctx, c, d, "registers:write", s.Said); err != nil {
		return nil, err
	}
	if e.Why, err = a.why(s); err != nil {
		return nil, err
	}
	if !clean(p.Key) {
		return nil, notThere()
	}
	e.Key = p.Key
	var r register.Record
	err = a.change(ctx, c, d, s.Said, []register.Edit{e}, func(tx *store.Tx, g access.Grant) (err error) {
		r, err = a.c.Registers.Edit(ctx, tx, g, d.ID, e)
		return err
	})
	if err != nil {
		return nil, a.editFault(ctx, err)
	}
	out := &Written{Status: http.StatusNoContent, ETag: etag(r, nil)}
	if e.Only == nil {
		out.Status, out.Location = http.StatusCreated, prefix+"/registers/"+d.ID+"/records/"+url.PathEscape(d.Address(r.ID))
	}
	return out, nil
}

// editFault is the answer to an edit that can't be done.
func (a *API) editFault(ctx context.Context, err error) error {
	var broken *register.BrokenError
	switch {
	case errors.Is(err, register.ErrStale), errors.Is(err, register.ErrThere):
		key, _ := fault.Message(err)
		return a.special(ctx, http.StatusPreconditionFailed, "conflict", key)
	case errors.As(err, &broken):
		p := &huma.ErrorModel{Type: "urn:mercator:fault:invalid", Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity,
			Detail: a.text(ctx, "api.register.broken")}
		for _, x := range broken.Places {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: "body" + strings.ReplaceAll(strings.TrimSuffix(x.At, "/"), "/", "."), Message: "schema: " + x.Keyword})
		}
		return p
	}
	return alike(err)
}

func (a *API) text(ctx context.Context, key string, args ...any) string {
	if w := callerOf(ctx).words; w != nil && w.Has(key) {
		return w.T(key, args...)
	}
	return key
}

// Batch are changes of several records.
type Batch struct {
	Changes []BatchChange `json:"changes" minItems:"1" maxItems:"200" nullable:"false"`
}

// BatchChange is a change of one record: just one of record, patch and end.
type BatchChange struct {
	Key     string         `json:"key" minLength:"1" maxLength:"400" doc:"the key of the record, or ~ and its id"`
	IfMatch string         `json:"ifMatch,omitempty" maxLength:"1000" doc:"ETag under which the record was read; missing: there is none, and it is made"`
	Record  map[string]any `json:"record,omitempty" doc:"the record as a whole"`
	Patch   map[string]any `json:"patch,omitempty" doc:"what changes of it (RFC 7396)"`
	End     bool           `json:"end,omitempty" doc:"it holds no longer"`
}

// BatchResult is what became of them, in their order.
type BatchResult struct {
	Records []BatchRecord `json:"records" nullable:"false"`
}

// BatchRecord is one changed record.
type BatchRecord struct {
	ID   string `json:"id"`
	ETag string `json:"etag"`
}

func (a *API) editMany(ctx context.Context, c caller, id string, s Saying, body []byte, kind string) (*Body[BatchResult], error) {
	d, err := a.register(id)
	if err != nil {
		return nil, err
	}
	if err := a.may(ctx, c, d, "registers:write", s.Said); err != nil {
		return nil, err
	}
	why, err := a.why(s)
	if err != nil {
		return nil, err
	}
	edits, wrong, err := readBatch(body, kind)
	if err != nil {
		return nil, err
	}
	problem := func() error {
		p := &huma.ErrorModel{Type: "urn:mercator:fault:invalid", Title: http.StatusText(http.StatusUnprocessableEntity), Status: http.StatusUnprocessableEntity, Detail: a.text(ctx, "api.register.batch")}
		for _, w := range wrong {
			p.Errors = append(p.Errors, &huma.ErrorDetail{Location: "body.changes[" + strconv.Itoa(w.at) + "]" + w.place, Message: a.text(ctx, w.key, w.args...)})
		}
		return p
	}
	if len(wrong) > 0 {
		return nil, problem()
	}
	for i := range edits {
		edits[i].Why = why
	}
	var out *Body[BatchResult]
	err = a.change(ctx, c, d, s.Said, edits, func(tx *store.Tx, g access.Grant) error {
		out, wrong = &Body[BatchResult]{BatchResult{Records: []BatchRecord{}}}, nil
		for i, e := range edits {
			r, err := a.c.Registers.Edit(ctx, tx, g, d.ID, e)
			switch fault.KindOf(err) {
			case "":
				out.Body.Records = append(out.Body.Records, BatchRecord{d.Address(r.ID), etag(r, nil)})
			case fault.Invalid, fault.Conflict, fault.Denied, fault.NotFound, fault.TooLarge:
				wrong = append(wrong, mistakes(i, err)...)
			default:
				return err
			}
		}
		if len(wrong) > 0 {
			return errBatch
		}
		return nil
	})
	if errors.Is(err, errBatch) {
		return nil, problem()
	}
	return out, err
}

// errBatch takes a batch back.
var errBatch = errors.New("a change of the batch can't be done")

// mistake is what is wrong with one change of a batch.
type mistake struct {
	at         int
	place, key string
	args       []any
}

func mistakes(i int, err error) []mistake {
	var broken *register.BrokenError
	if errors.As(err, &broken) {
		var out []mistake
		for _, x := range broken.Places {
			out = append(out, mistake{i, strings.ReplaceAll(strings.TrimSuffix("/"+strings.TrimPrefix(x.At, "/"), "/"), "/", "."), "api.register.brokenAt", []any{"keyword", x.Keyword}})
		}
		return out
	}
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		return []mistake{{i, "", "api.register.notThere", nil}}
	}
	key, args := fault.Message(err)
	return []mistake{{i, "", key, args}}
}
