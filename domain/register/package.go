// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"sync/atomic"

	"mercator/base/fault"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	maxPackageFile = 1 << 20
	maxRegisters   = 500
	maxFields      = 200
)

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// Registers are the declared registers of a house. Everybody in it holds the same value: when packages
// change, what it holds is replaced as a whole, so that nobody sees half of a change.
type Registers struct {
	held atomic.Pointer[edition]
}

// edition is what Registers hold at one time. It is immutable.
type edition struct {
	byID   map[string]*Definition
	ids    []string
	people *Definition // the register that signed-in persons are matched with; nil: none
	n      int64       // how many editions came before
}

func holding(e *edition) *Registers {
	rs := &Registers{}
	rs.held.Store(e)
	return rs
}

// replace takes what others hold.
func (rs *Registers) replace(by *Registers) {
	next := *by.held.Load()
	next.n = rs.held.Load().n + 1
	rs.held.Store(&next)
}

// Edition counts how often what is held was replaced, for who derives something from it.
func (rs *Registers) Edition() int64 { return rs.held.Load().n }

// Load reads every folder with a register.toml in fsys. It tells all mistakes at once.
func Load(fsys fs.FS) (*Registers, error) {
	const op = "register.load"
	names, err := fs.Glob(fsys, "*/register.toml")
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if len(names) == 0 {
		return nil, fault.Internalf(op, "no */register.toml: the folder declares no register")
	}
	return load(fsys, names)
}

// load reads the registers whose register.toml are named.
func load(fsys fs.FS, names []string) (*Registers, error) {
	const op = "register.load"
	if len(names) > maxRegisters {
		return nil, fault.Internalf(op, "more than %d registers", maxRegisters)
	}
	sort.Strings(names)
	e := &edition{byID: map[string]*Definition{}}
	rs := holding(e)
	broken := map[string]bool{} // what leads to one of these is no mistake of its own
	var errs []error
	for _, name := range names {
		folder := path.Dir(name)
		d, err := loadOne(fsys, folder)
		if err != nil {
			errs = append(errs, err)
			broken[folder] = true
			continue
		}
		e.byID[d.ID] = d
		e.ids = append(e.ids, d.ID)
		if len(d.Match) > 0 && e.people != nil {
			errs = append(errs, fmt.Errorf("%s/register.toml: match: %s declares how a person is matched already", d.ID, e.people.ID))
		} else if len(d.Match) > 0 {
			e.people = d
		}
	}
	for _, id := range e.ids {
		for _, f := range e.byID[id].Fields {
			if f.Link != "" && e.byID[f.Link] == nil && !broken[f.Link] {
				errs = append(errs, fmt.Errorf("%s/register.toml: field %s links to register %q, which isn't declared", id, f.Name, f.Link))
			}
			if !broken[f.Source] {
				errs = append(errs, rs.checkSource(e.byID[id], f))
			}
		}
	}
	errs = append(errs, rs.checkViews()...)
	if err := errors.Join(errs...); err != nil {
		return nil, fault.Because(fault.Internal, op, "", err)
	}
	return rs, nil
}

// Get is a register by its id.
func (rs *Registers) Get(id string) (*Definition, bool) {
	d, ok := rs.held.Load().byID[id]
	return d, ok
}

// All lists the registers by id.
func (rs *Registers) All() []*Definition {
	e := rs.held.Load()
	out := make([]*Definition, len(e.ids))
	for i, id := range e.ids {
		out[i] = e.byID[id]
	}
	return out
}

func readBounded(fsys fs.FS, name string) ([]byte, error) {
	b, err := fs.ReadFile(fsys, name)
	if err == nil && len(b) > maxPackageFile {
		err = fmt.Errorf("larger than %d bytes", maxPackageFile)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func loadOne(fsys fs.FS, folder string) (*Definition, error) {
	name := path.Join(folder, "register.toml")
	text, err := readBounded(fsys, name)
	if err != nil {
		return nil, err
	}
	d := &Definition{}
	meta, err := toml.Decode(string(text), d)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
	}
	for _, k := range meta.Undecoded() {
		wrong("unknown key %s", k)
	}
	if d.ID != folder || !identifier.MatchString(d.ID) {
		wrong("id %q must be the folder's name, in small letters, digits and underscores", d.ID)
	}
	if d.Office == "" || d.Basis == "" {
		wrong("office and basis are needed: somebody answers for a register, under a law")
	}
	texts := func(what string, t Text) {
		for _, lang := range [...]string{"de", "en", "tr"} {
			if t[lang] == "" {
				wrong("%s lacks its text in %s", what, lang)
			}
		}
	}
	texts("title", d.Title)
	texts("purpose", d.Purpose)
	texts("retention", d.Retention)
	if len(d.Fields) == 0 || len(d.Fields) > maxFields {
		wrong("has %d fields: want 1 to %d", len(d.Fields), maxFields)
	}
	d.byName = make(map[string]int, len(d.Fields))
	for i, f := range d.Fields {
		if !identifier.MatchString(f.Name) {
			wrong("field name %q", f.Name)
		}
		if _, dup := d.byName[f.Name]; dup {
			wrong("field %s is declared twice", f.Name)
		}
		d.byName[f.Name] = i
		if !slices.Contains([]Class{Public, Internal, Personal, Special}, f.Class) {
			wrong("field %s has class %q: want public, internal, personal or special", f.Name, f.Class)
		}
		if d.Public && f.Class != Public {
			wrong("field %s is %s in a public register", f.Name, f.Class)
		}
		for _, w := range f.Ways {
			switch w {
			case Exact, Folded, Street, Plate:
				if f.Search != NoSearch {
					wrong("field %s is searched as %s and as %s: one of exact, fold, street and plate says when two values are the same", f.Name, f.Search, w)
				}
				f.Search = w
			case Prefix, Phonetic, FullText, Dates:
				if f.Class == Special {
					wrong("field %s is of a special category (Art. 9 GDPR): it takes exact, fold, street or plate, because search = %q tells more about it", f.Name, w)
				}
			case Range, Places:
				if d.sealed(f) {
					wrong("field %s is %s, and search = %q would keep it readable: personal fields take exact, fold, street, plate, prefix, phonetic, text and date", f.Name, f.Class, w)
				}
			default:
				wrong("field %s has search %q", f.Name, w)
			}
		}
		d.Fields[i].Search = f.Search
		if f.By(Prefix) && f.Search == NoSearch {
			wrong("field %s is searched by prefix, and needs exact, fold, street or plate beside it", f.Name)
		}
		texts("field "+f.Name, f.Title)
	}
	if _, ok := d.byName[d.Key]; !ok {
		wrong("key %q is no field", d.Key)
	}
	if _, ok := d.byName[d.Person]; !ok && d.Person != "" {
		wrong("person %q is no field", d.Person)
	}
	if d.Public && d.Person != "" {
		wrong("a public register is about nobody, but this one has a person field")
	}
	for _, m := range d.Match {
		f, ok := d.Field(m)
		if !ok {
			wrong("match %q is no field", m)
			continue
		}
		d.matches = append(d.matches, f)
	}
	if d.schema, err = loadSchema(fsys, folder, d); err != nil {
		errs = append(errs, err)
	}
	for _, f := range d.Fields {
		if f.By(Dates) && d.Format(f.Name) != "date" {
			wrong("field %s is searched as a date, so its schema must have the format date", f.Name)
		}
		if f.By(Places) && !f.Geometry {
			wrong("field %s is searched by place, and isn't declared as a geometry", f.Name)
		}
	}
	errs = append(errs, d.declare(fsys, folder))
	return d, errors.Join(errs...)
}

// loadSchema compiles the schema of a record and holds it against the declared
// fields: neither may know a field that the other doesn't.
func loadSchema(fsys fs.FS, folder string, d *Definition) (*jsonschema.Schema, error) {
	name := path.Join(folder, "schema.json")
	text, err := readBounded(fsys, name)
	if err != nil {
		return nil, err
	}
	d.text = text
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	root, _ := doc.(map[string]any)
	props, _ := root["properties"].(map[string]any)
	d.keepShape(root)
	var errs []error
	for p := range props {
		if _, ok := d.byName[p]; !ok {
			errs = append(errs, fmt.Errorf("%s: property %s is not declared in register.toml", name, p))
		}
	}
	for _, f := range d.Fields {
		_, ok := props[f.Name]
		if f.View() {
			if ok {
				errs = append(errs, fmt.Errorf("%s: field %s shows another record: it isn't stored, so the schema has no such property", name, f.Name))
			}
			continue
		}
		if !ok {
			errs = append(errs, fmt.Errorf("%s: field %s of register.toml is missing", name, f.Name))
		}
	}
	if root["additionalProperties"] != false {
		errs = append(errs, fmt.Errorf("%s: additionalProperties must be false: a record holds what is declared and nothing else", name))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	url := "mercator:///registers/" + d.ID + "/schema.json"
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// noLoader keeps a schema from reading files or the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s", url)
}

// Missing tells what of a register and its fields isn't declared, or that the
// register is about nobody though a person is meant: for the check of service
// packages. An empty text means that all is there.
func (rs *Registers) Missing(register string, fields []string, ofPerson bool) string {
	d, ok := rs.Get(register)
	if !ok {
		return fmt.Sprintf("register %q isn't declared", register)
	}
	if ofPerson && d.Person == "" {
		return fmt.Sprintf("register %q holds nothing about persons", register)
	}
	for _, f := range fields {
		if _, ok := d.Field(f); !ok {
			return fmt.Sprintf("register %q has no field %q", register, f)
		}
	}
	return ""
}
