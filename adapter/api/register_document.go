// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/domain/register"

	"github.com/danielgtaylor/huma/v2"
)

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

// answers says in the document which forms an answer has.
func (a *API) answers(path, method string, forms map[string]*huma.Schema) {
	op := a.operation(path, method)
	if op.Responses["200"] == nil {
		op.Responses["200"] = &huma.Response{Description: "OK"}
	}
	op.Responses["200"].Content = map[string]*huma.MediaType{}
	for kind, schema := range forms {
		op.Responses["200"].Content[kind] = &huma.MediaType{Schema: schema}
	}
	if not := op.Responses["304"]; not != nil {
		not.Content = nil
	}
}

// takes says in the document that an operation takes an object.
func (a *API) takes(path, method, kind string) {
	op := a.operation(path, method)
	op.RequestBody.Content = map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: "object", AdditionalProperties: true}}}
}

func (a *API) operation(path, method string) *huma.Operation {
	p := a.huma.OpenAPI().Paths[path]
	switch method {
	case http.MethodPut:
		return p.Put
	case http.MethodPatch:
		return p.Patch
	case http.MethodPost:
		return p.Post
	}
	return p.Get
}

// describeRegisters are the operations that tell what registers there are.
func (a *API) describeRegisters(tags []string) {
	summary := func(d *register.Definition, lang string) RegisterSummary {
		return RegisterSummary{ID: d.ID, Title: d.Title.For(lang), Purpose: d.Purpose.For(lang), Office: d.Office, Public: d.Public}
	}
	add(a, huma.Operation{OperationID: "list-registers", Method: http.MethodGet, Path: "/registers", Tags: tags, Summary: "Registers of the city", Errors: []int{429}},
		func(_ context.Context, c caller, _ *struct{}) (*Body[Page[RegisterSummary]], error) {
			out := &Body[Page[RegisterSummary]]{Page[RegisterSummary]{Items: []RegisterSummary{}}}
			for _, d := range a.c.Registers.Registers().All() {
				out.Body.Items = append(out.Body.Items, summary(d, c.lang))
			}
			return out, nil
		})
	add(a, huma.Operation{OperationID: "get-register", Method: http.MethodGet, Path: "/registers/{register}", Tags: tags,
		Summary: "What a register is: its fields and their classes, its schema and context, in the language of Accept-Language", Errors: []int{404, 429}},
		func(_ context.Context, c caller, in *struct {
			Register string `path:"register" maxLength:"40"`
		}) (*Body[RegisterDetail], error) {
			d, err := a.register(in.Register)
			if err != nil {
				return nil, err
			}
			at := a.registerURL(d.ID)
			v := RegisterDetail{RegisterSummary: summary(d, c.lang), Description: d.Description.For(c.lang), Basis: d.Basis, Retention: d.Retention.For(c.lang), Key: d.Key, Person: d.Person,
				Fields: []RegisterFieldView{}, Schema: at + "/schema.json", Context: at + "/context.jsonld", Records: at + "/records", Changes: at + "/changes"}
			for _, f := range d.Fields {
				x := RegisterFieldView{Name: f.Name, Title: f.Title.For(c.lang), Class: string(f.Class), Source: f.Source, Link: f.Link, Unit: f.Unit, Geometry: f.Geometry}
				for _, w := range f.Ways {
					x.Search = append(x.Search, string(w))
				}
				if d.CodeList(f.Name) != nil {
					x.Codes = at + "/codes/" + f.Name
				}
				if link, _ := d.Field(f.Through); f.View() {
					x.Shows = link.Link + "." + f.Shows
				}
				v.Fields = append(v.Fields, x)
			}
			return &Body[RegisterDetail]{v}, nil
		})
	add(a, huma.Operation{OperationID: "get-register-codes", Method: http.MethodGet, Path: "/registers/{register}/codes/{field}", Tags: tags,
		Summary: "The code list that the values of a field are from, in the language of Accept-Language", Errors: []int{404, 429}},
		func(_ context.Context, c caller, in *struct {
			Register string `path:"register" maxLength:"40"`
			Field    string `path:"field" maxLength:"40"`
		}) (*Body[CodeListView], error) {
			d, err := a.register(in.Register)
			if err != nil {
				return nil, err
			}
			l := d.CodeList(in.Field)
			if l == nil {
				return nil, notThere()
			}
			v := CodeListView{URN: l.URN, Version: l.Version, Title: l.Title.For(c.lang), Codes: []CodeView{}}
			for _, x := range l.Codes {
				v.Codes = append(v.Codes, CodeView{Code: x.Code, Title: x.Title.For(c.lang), From: x.From, Until: x.Until})
			}
			return &Body[CodeListView]{v}, nil
		})
	file := func(id, name, kind, what string, text func(d *register.Definition) ([]byte, error)) {
		path := "/registers/{register}/" + name
		add(a, huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: tags, Summary: what, Errors: []int{404, 429}},
			func(_ context.Context, _ caller, in *struct {
				Register string `path:"register" maxLength:"40"`
			}) (*Raw, error) {
				d, err := a.register(in.Register)
				if err != nil {
					return nil, err
				}
				b, err := text(d)
				return &Raw{Status: http.StatusOK, ContentType: kind, CacheControl: "public, max-age=300", Body: b}, err
			})
		a.answers(path, http.MethodGet, map[string]*huma.Schema{kind: {Type: "object"}})
	}
	file("get-register-schema", "schema.json", "application/schema+json", "The JSON Schema of a register's records", func(d *register.Definition) ([]byte, error) { return d.Schema(), nil })
	file("get-register-context", "context.jsonld", typeLD, "The JSON-LD context of a register's records", a.contextOf)
}

// CodeListView is a code list in the manner of XRepository.
type CodeListView struct {
	URN     string     `json:"urn"`
	Version string     `json:"version"`
	Title   string     `json:"title"`
	Codes   []CodeView `json:"codes" nullable:"false"`
}

// CodeView is one code of a list.
type CodeView struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	From  string `json:"validFrom,omitempty" doc:"a day; missing: since ever"`
	Until string `json:"validUntil,omitempty" doc:"the last day; missing: for good"`
}

// declareRegisters puts each declared register into the document: a new package shows up
// there with its schema, and in the list of what may stand for {register}. A program that
// is made from the document so has a type for each.
func (a *API) declareRegisters(document []byte) ([]byte, error) {
	const op = "api.declareRegisters"
	var doc map[string]any
	dec := json.NewDecoder(bytes.NewReader(document))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return nil, fault.Wrap(op, err)
	}
	components, _ := doc["components"].(map[string]any)
	schemas, _ := components["schemas"].(map[string]any)
	paths, _ := doc["paths"].(map[string]any)
	if schemas == nil || paths == nil {
		return nil, fault.Internalf(op, "the document has no schemas or no paths")
	}
	ids, one := []any{}, []any{}
	for _, d := range a.c.Registers.Registers().All() {
		var schema map[string]any
		dec := json.NewDecoder(bytes.NewReader(d.Schema()))
		dec.UseNumber()
		if err := dec.Decode(&schema); err != nil {
			return nil, fault.Wrap(op, err)
		}
		schema["$id"] = a.registerURL(d.ID) + "/schema.json" // so that what it refers to in itself is still found
		schema["title"] = d.Title.For("en")
		schema["description"] = d.Purpose.For("en")
		name := "Register-" + d.ID
		schemas[name] = schema
		ids, one = append(ids, d.ID), append(one, map[string]any{"$ref": "#/components/schemas/" + name})
	}
	schemas["RegisterData"] = map[string]any{"description": "The fields of a record, as its register's schema says; of an answer those that were asked for and granted", "anyOf": one}
	for path, item := range paths {
		operations, _ := item.(map[string]any)
		if !strings.HasPrefix(path, "/registers/{register}") {
			continue
		}
		for method, x := range operations {
			operation, _ := x.(map[string]any)
			list, _ := operation["parameters"].([]any)
			for _, x := range list {
				if p, _ := x.(map[string]any); p["name"] == "register" && p["in"] == "path" {
					p["schema"] = map[string]any{"type": "string", "enum": ids}
				}
			}
			if method != "put" {
				continue
			}
			body, _ := operation["requestBody"].(map[string]any)
			content, _ := body["content"].(map[string]any)
			if x, _ := content["application/json"].(map[string]any); x != nil {
				x["schema"] = map[string]any{"$ref": "#/components/schemas/RegisterData"}
			}
		}
	}
	return json.Marshal(doc)
}

// contextOf says what the fields of a register mean to whoever reads linked data: each has
// an address that stays, what links to another register is an address of a record there.
func (a *API) contextOf(d *register.Definition) ([]byte, error) {
	const xsd = "http://www.w3.org/2001/XMLSchema#"
	var schema struct {
		Properties map[string]struct {
			Type   any    `json:"type"`
			Format string `json:"format"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(d.Schema(), &schema); err != nil {
		return nil, fault.Wrap("api.contextOf", err)
	}
	terms := map[string]any{"@version": 1.1, "@protected": true}
	for _, f := range d.Fields {
		term := map[string]any{"@id": a.fieldIRI(d, f.Name)}
		p := schema.Properties[f.Name]
		kind, _ := p.Type.(string)
		switch {
		case f.Link != "":
			term["@type"] = "@id"
		case p.Format == "date":
			term["@type"] = xsd + "date"
		case p.Format == "date-time":
			term["@type"] = xsd + "dateTime"
		case kind == "integer":
			term["@type"] = xsd + "integer"
		case kind == "number":
			term["@type"] = xsd + "decimal"
		case kind == "boolean":
			term["@type"] = xsd + "boolean"
		case kind == "object" || kind == "array":
			term["@type"] = "@json"
		}
		terms[f.Name] = term
	}
	return json.Marshal(map[string]any{"@context": terms})
}

func (a *API) fieldIRI(d *register.Definition, name string) string {
	return a.registerURL(d.ID) + "#" + name
}

// linked is a record as JSON-LD.
func (a *API) linked(d *register.Definition, r register.Record) (map[string]any, error) {
	m := map[string]any{}
	if string(r.Data) != "null" {
		dec := json.NewDecoder(bytes.NewReader(r.Data))
		dec.UseNumber()
		if err := dec.Decode(&m); err != nil {
			return nil, fault.Wrap("api.linked", err)
		}
	}
	for _, f := range d.Fields {
		if f.Link == "" {
			continue
		}
		to, ok := a.c.Registers.Registers().Get(f.Link)
		if v, is := m[f.Name].(string); ok && is && v != "" {
			m[f.Name] = a.registerURL(to.ID) + "/records/" + url.PathEscape(v)
		}
	}
	m["@context"], m["@id"], m["@type"] = a.registerURL(d.ID)+"/context.jsonld", a.recordURL(d, d.Address(r.ID)), a.registerURL(d.ID)
	return m, nil
}

// Bounds of what is sent.
const (
	maxDepth = 20
	maxNames = 20_000
)

// document reads a JSON object of a media type.
func document(body []byte, kind, want string) (map[string]any, error) {
	got, _, err := mime.ParseMediaType(kind)
	if err != nil || got != want {
		return nil, fault.New(fault.Unsupported, "api.document", "api.register.type", "type", want)
	}
	v, err := readJSON(body)
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil, fault.New(fault.Invalid, "api.document", "api.register.json")
	}
	return m, nil
}

var errJSON = errors.New("no JSON that is taken")

// readJSON reads one JSON value strictly: a name stands once in an object (who checks one
// of two and stores the other is fooled), nothing follows, depth and size are bounded, and
// no text holds a character that a database can't keep.
func readJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, errJSON
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	names := 0
	var value func(depth int) (any, error)
	value = func(depth int) (any, error) {
		t, err := dec.Token()
		if err != nil || depth > maxDepth {
			return nil, errJSON
		}
		switch t := t.(type) {
		case json.Delim:
			if t == '[' {
				list := []any{}
				for dec.More() {
					v, err := value(depth + 1)
					if names++; err != nil || names > maxNames {
						return nil, errJSON
					}
					list = append(list, v)
				}
				_, err := dec.Token()
				return list, err
			}
			m := map[string]any{}
			for dec.More() {
				k, err := dec.Token()
				name, ok := k.(string)
				if names++; err != nil || !ok || names > maxNames || strings.ContainsRune(name, 0) {
					return nil, errJSON
				}
				if _, twice := m[name]; twice {
					return nil, errJSON
				}
				if m[name], err = value(depth + 1); err != nil {
					return nil, err
				}
			}
			_, err := dec.Token()
			return m, err
		case string:
			if strings.ContainsRune(t, 0) {
				return nil, errJSON
			}
			return t, nil
		case json.Number:
			if len(t) > 40 {
				return nil, errJSON
			}
			return t, nil
		}
		return t, nil
	}
	v, err := value(0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errJSON
	}
	return v, nil
}

// readBatch reads changes of several records, and all that is wrong with their form.
func readBatch(body []byte, kind string) ([]register.Edit, []mistake, error) {
	const op = "api.readBatch"
	m, err := document(body, kind, "application/json")
	if err != nil {
		return nil, nil, err
	}
	list, ok := m["changes"].([]any)
	if !ok || len(m) != 1 {
		return nil, nil, fault.New(fault.Invalid, op, "api.register.batchForm")
	}
	if len(list) == 0 || len(list) > maxEdits {
		return nil, nil, fault.New(fault.Invalid, op, "api.register.batchSize", "n", maxEdits)
	}
	var edits []register.Edit
	var wrong []mistake
	var keys []string
	for i, x := range list {
		e, mistake := readChange(i, x)
		if mistake == nil && slices.Contains(keys, e.Key) {
			mistake = wrongAt(i, ".key", "api.register.batchTwice")
		}
		if mistake != nil {
			wrong = append(wrong, *mistake)
			continue
		}
		keys, edits = append(keys, e.Key), append(edits, e)
	}
	return edits, wrong, nil
}

func wrongAt(i int, place, key string, args ...any) *mistake { return &mistake{i, place, key, args} }

func readChange(i int, x any) (register.Edit, *mistake) {
	var e register.Edit
	c, ok := x.(map[string]any)
	if !ok {
		return e, wrongAt(i, "", "api.register.batchForm")
	}
	for name := range c {
		if !slices.Contains([]string{"key", "ifMatch", "record", "patch", "end"}, name) {
			return e, wrongAt(i, "", "api.register.batchUnknown", "name", short(name))
		}
	}
	if e.Key, ok = c["key"].(string); !ok || e.Key == "" || len(e.Key) > 400 || !clean(e.Key) {
		return e, wrongAt(i, ".key", "api.register.batchKey")
	}
	kinds := 0
	if v, has := c["record"]; has {
		kinds++
		if e.Data, ok = v.(map[string]any); !ok {
			return e, wrongAt(i, ".record", "api.register.batchForm")
		}
	}
	if v, has := c["patch"]; has {
		kinds++
		if e.Patch, ok = v.(map[string]any); !ok {
			return e, wrongAt(i, ".patch", "api.register.batchForm")
		}
	}
	if v, has := c["end"]; has {
		kinds++
		if e.End, ok = v.(bool); !ok || !e.End {
			return e, wrongAt(i, ".end", "api.register.batchForm")
		}
	}
	if kinds != 1 {
		return e, wrongAt(i, "", "api.register.batchForm")
	}
	if v, has := c["ifMatch"]; has {
		tag, ok := v.(string)
		m, known := stateOf(tag)
		if !ok || !known {
			m = register.Mark{Version: -1, Last: -1}
		}
		e.Only = &m
	} else if e.Data == nil {
		return e, wrongAt(i, ".ifMatch", "api.register.needsMatch")
	}
	return e, nil
}
