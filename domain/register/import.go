// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Import is an import into a register, as it stays on record.
type Import struct {
	ID, Register   string
	Source         string // SHA-256 of the file
	Mapping        string // SHA-256 of the mapping; empty: none
	Entry          string // the entry of the ledger that it was done under
	Who, Reason    string
	Began, Ended   time.Time // Ended is zero while it hasn't
	Records        int
	Fresh, Changed int
}

// LoadName is under which name the import's load goes on after a crash: that of the same
// file by the same mapping into the same register.
func (i Import) LoadName() string { return "import:" + i.Register + ":" + i.Source + ":" + i.Mapping }

// BeginImport puts an import on record.
func (s *Service) BeginImport(ctx context.Context, g access.Grant, i Import) (Import, error) {
	const op = "register.beginImport"
	if err := g.Must(access.Change, Resource(i.Register)); err != nil {
		return i, fault.Wrap(op, err)
	}
	i.ID, i.Entry, i.Began = ident.New(), g.EntryID(), s.now().UTC()
	if i.Who == "" {
		i.Who = string(g.Actor().Kind) + ":" + g.Actor().ID
	}
	return i, fault.Wrap(op, s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, beginImport, i.ID, i.Register, i.Source, i.Mapping, i.Entry, i.Who, i.Reason, store.Micros(i.Began), i.Records)
		return err
	}))
}

// EndImport says that all is stored. The same file can be imported again from then on.
func (s *Service) EndImport(ctx context.Context, i Import) error {
	return fault.Wrap("register.endImport", s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, endImport, i.ID, store.Micros(s.now()), i.Fresh, i.Changed); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, dropLoadState, i.LoadName()+firstLoad); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, dropLoadState, i.LoadName())
		return err
	}))
}

// Imports are the last imports into a register, the newest first.
func (s *Service) Imports(ctx context.Context, register string, n int) ([]Import, error) {
	list, err := store.All(ctx, s.db, func(r store.Scanner) (i Import, err error) {
		var began, ended int64
		err = r.Scan(&i.ID, &i.Register, &i.Source, &i.Mapping, &i.Entry, &i.Who, &i.Reason, &began, &ended, &i.Records, &i.Fresh, &i.Changed)
		i.Began, i.Ended = store.Time(began), moment(ended)
		return i, err
	}, importsOf, register, min(max(n, 1), 200))
	return list, fault.Wrap("register.imports", err)
}

// exportPage is how many records are read at once for an export.
const exportPage = 500

// Export gives the records of a register that hold now to write, in the order of their ids,
// a page at a time, under a grant to export the register, or to list it without an owner: all of them. The
// record has the grant's fields. Whose data a page has is on record before write gets it.
func (s *Service) Export(ctx context.Context, g access.Grant, register string, seen func(ctx context.Context, g access.Grant, persons []string) error, write func([]map[string]any) error) error {
	const op = "register.export"
	d, err := s.definition(op, register)
	if err != nil {
		return err
	}
	r := g.Request()
	action := access.List
	if r.Action == access.Export {
		action = access.Export // what two people have agreed to, where a person and not the house asks
	}
	if err := granted(op, g, action, d, r.Fields, ""); err != nil {
		return err
	}
	if r.Owner != "" || len(r.Subjects) > 0 || len(r.Fields) == 0 {
		return fault.Internalf(op, "an export needs a grant to list the whole register, with the fields that it names")
	}
	if seen == nil && d.Person != "" {
		return fault.Internalf(op, "an export of a register about persons says whom it shows")
	}
	for last := ""; ; {
		rows, err := store.All(ctx, s.db, scanRow, readableFrom, d.ID, last, exportPage, s.reaches(r.Purpose))
		if err != nil {
			return fault.Wrap(op, err)
		}
		if len(rows) == 0 {
			return nil
		}
		last = rows[len(rows)-1].ID
		if rows, err = s.ofNow(ctx, s.db, rows); err != nil {
			return fault.Wrap(op, err)
		}
		if d.Person != "" {
			var persons []string
			for _, r := range rows {
				if p := d.personOf(r); p != "" {
					persons = append(persons, p)
				}
			}
			if err := seen(ctx, g, persons); err != nil {
				return fault.Wrap(op, err)
			}
		}
		if rows, err = s.openMany(ctx, d, rows, r.Fields); err != nil {
			return fault.Wrap(op, err)
		}
		out := make([]map[string]any, 0, len(rows))
		for _, x := range rows {
			m, err := x.exact(r.Fields)
			if err != nil {
				return fault.Wrap(op, err)
			}
			out = append(out, m)
		}
		if err := write(out); err != nil {
			return fault.Wrap(op, err)
		}
	}
}

// exact is the record's data with the named fields and its numbers as they are written.
func (r row) exact(names []string) (map[string]any, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(r.Data, &all); err != nil {
		return nil, err
	}
	out := make(map[string]any, len(names))
	for _, n := range names {
		if v, ok := all[n]; ok {
			x, err := decode(v)
			if err != nil {
				return nil, err
			}
			out[n] = x
		}
	}
	return out, nil
}

// MaxRecord is how many bytes a record has at most.
const MaxRecord = maxRecord

// TextOf gives the texts of a record's fields, as they are indexed.
func (d *Definition) TextOf(fields map[string]any) func(field string) string {
	return func(field string) string { return textOf(fields[field]) }
}

func decode(v json.RawMessage) (any, error) { return jsonschema.UnmarshalJSON(bytes.NewReader(v)) }

// openMany is openAll with the keys of a whole page at once.
func (s *Service) openMany(ctx context.Context, d *Definition, rows []row, fields []string) ([]row, error) {
	if !slices.ContainsFunc(fields, func(name string) bool { f, ok := d.Field(name); return ok && d.sealed(f) }) {
		return rows, nil
	}
	var subjects []string
	for _, r := range rows {
		if len(r.sealed) > 0 {
			subjects = append(subjects, d.subject(r))
		}
	}
	slices.Sort(subjects)
	keys, fresh, err := s.vault.Keys(ctx, slices.Compact(subjects))
	if err != nil {
		return nil, err
	}
	for _, w := range fresh {
		delete(keys, w.Subject) // destroyed: there is nothing to open any more
	}
	for i, r := range rows {
		if len(r.sealed) == 0 {
			continue
		}
		k, ok := keys[d.subject(r)]
		if !ok {
			rows[i].sealed = nil
			continue
		}
		if rows[i], err = unseal(k, r); err != nil {
			return nil, err
		}
	}
	return rows, nil
}
