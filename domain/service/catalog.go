// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"archive/zip"
	"bytes"
	"context"
	"embed"
	"errors"
	"io/fs"
	"sort"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/core/store"
)

//go:embed migrate/*.sql
var migrations embed.FS

// Migrations are the tables of the room.
func Migrations() store.Migrations { return store.Migrations{Room: "service", FS: migrations} }

const keepVersion = `-- service.keepVersion
INSERT INTO service_version (service, version, files, loaded_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (service, version) DO UPDATE SET loaded_at = excluded.loaded_at`

const lastVersion = `-- service.lastVersion
SELECT version FROM service_version WHERE service = $1 ORDER BY loaded_at DESC, version DESC LIMIT 1`

const readVersion = `-- service.readVersion
SELECT files FROM service_version WHERE service = $1 AND version = $2`

const knownVersions = `-- service.knownVersions
SELECT service, version FROM service_version ORDER BY loaded_at DESC, service, version LIMIT 5000`

// Catalog holds the services in force, and on demand every version that was.
type Catalog struct {
	db  *store.DB
	now func() time.Time

	mu       sync.RWMutex
	current  map[string]*Service
	versions map[[2]string]*Service
	events   map[string]*Event
	changed  []func()
}

// NewCatalog makes an empty catalog; Load fills it.
func NewCatalog(db *store.DB, now func() time.Time) *Catalog {
	return &Catalog{db: db, now: now, current: map[string]*Service{}, versions: map[[2]string]*Service{}}
}

// Load reads every package in a folder and puts those that are without mistakes
// into force, together. A package with a mistake is named in the error, with
// everything that is wrong, and the version before it stays in force, or is put into
// force again after a start (see StaysOpen). A service whose folder is gone is withdrawn:
// it isn't in force any more, and its cases end by their version. checks are further checks that need more
// than the package (registers, offices).
func (c *Catalog) Load(ctx context.Context, root fs.FS, checks ...func(*Service) []Problem) error {
	const op = "service.load"
	dirs, err := fs.ReadDir(root, ".")
	if err != nil {
		return fault.Wrap(op, err)
	}
	var bad []*ParseError
	fresh := map[string]*Service{}
	there := map[string]bool{}
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		there[d.Name()] = true
		sub, err := fs.Sub(root, d.Name())
		if err != nil {
			return fault.Wrap(op, err)
		}
		s, err := Parse(d.Name(), sub)
		if err != nil {
			var p *ParseError
			if !errors.As(err, &p) {
				return fault.Wrap(op, err)
			}
			bad = append(bad, p)
			continue
		}
		var problems []Problem
		for _, check := range checks {
			problems = append(problems, check(s)...)
		}
		if len(problems) > 0 {
			bad = append(bad, &ParseError{Service: s.ID, Problems: problems})
			continue
		}
		fresh[s.ID] = s
	}
	for _, s := range fresh {
		if have, ok := c.Current(s.ID); ok && have.Version == s.Version {
			continue
		}
		packed, err := pack(s.Files)
		if err != nil {
			return fault.Wrap(op, err)
		}
		// Files of the kept version, not of the folder, which may change under it.
		if s.Files, err = unpack(packed); err != nil {
			return fault.Wrap(op, err)
		}
		if err := c.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, keepVersion, s.ID, s.Version, packed, store.Micros(c.now()))
			return err
		}); err != nil {
			return fault.Wrap(op, err)
		}
	}
	for _, p := range bad {
		if have, ok := c.Current(p.Service); ok {
			p.InForce = have.Version
			continue
		}
		s, err := c.last(ctx, p.Service, checks)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if s != nil {
			fresh[s.ID], p.InForce = s, s.Version
		}
	}
	c.mu.Lock()
	differs := false
	for id, s := range fresh {
		if have := c.current[id]; have == nil || have.Version != s.Version {
			c.current[id], differs = s, true
			c.versions[[2]string{id, s.Version}] = s
		}
	}
	for id := range c.current {
		if !there[id] {
			delete(c.current, id)
			differs = true
		}
	}
	notify := c.changed
	c.mu.Unlock()
	if differs {
		for _, f := range notify {
			f()
		}
	}
	all := make([]error, len(bad))
	for i, p := range bad {
		all[i] = p
	}
	return errors.Join(all...)
}

// last is the version of a service that was in force last, if it still holds together;
// nil: there is none.
func (c *Catalog) last(ctx context.Context, id string, checks []func(*Service) []Problem) (*Service, error) {
	version, err := store.One(ctx, c.db, func(sc store.Scanner) (string, error) {
		var v string
		return v, sc.Scan(&v)
	}, lastVersion, id)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := c.Version(ctx, id, version)
	var p *ParseError
	if errors.As(err, &p) { // written for an older kernel
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, check := range checks {
		if len(check(s)) > 0 {
			return nil, nil
		}
	}
	return s, nil
}

// Last is the version of a service that was put into force last, whether or not this
// catalog has loaded any: for who only reads beside a house that runs.
func (c *Catalog) Last(ctx context.Context, id string) (*Service, error) {
	if s, ok := c.Current(id); ok {
		return s, nil
	}
	version, err := store.One(ctx, c.db, func(sc store.Scanner) (string, error) {
		var v string
		return v, sc.Scan(&v)
	}, lastVersion, id)
	if err != nil {
		return nil, fault.Wrap("service.last", err)
	}
	return c.Version(ctx, id, version)
}

// StaysOpen says whether, in spite of an error of Load, every service is in force in some
// version: a package with a mistake must not close the town.
func StaysOpen(err error) bool {
	many, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err == nil
	}
	for _, e := range many.Unwrap() {
		if p, ok := e.(*ParseError); !ok || p.InForce == "" {
			return false
		}
	}
	return true
}

// OnChange asks to be told when a service was put into force or withdrawn, and when events were read.
func (c *Catalog) OnChange(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed = append(c.changed, f)
}

// Current is the version in force.
func (c *Catalog) Current(id string) (*Service, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, ok := c.current[id]
	return s, ok
}

// All lists the services in force by id.
func (c *Catalog) All() []*Service {
	c.mu.RLock()
	defer c.mu.RUnlock()
	out := make([]*Service, 0, len(c.current))
	for _, s := range c.current {
		out = append(out, s)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Known are the services with their versions that were ever in force, the last ones first; at most 5000.
func (c *Catalog) Known(ctx context.Context) ([][2]string, error) {
	out, err := store.All(ctx, c.db, func(s store.Scanner) (v [2]string, err error) { return v, s.Scan(&v[0], &v[1]) }, knownVersions)
	return out, fault.Wrap("service.known", err)
}

// Version is the version that a case began with. Versions stay in memory once
// they were asked for: there are as many as changes of packages, not as cases.
func (c *Catalog) Version(ctx context.Context, id, version string) (*Service, error) {
	const op = "service.version"
	key := [2]string{id, version}
	c.mu.RLock()
	s, ok := c.versions[key]
	c.mu.RUnlock()
	if ok {
		return s, nil
	}
	files, err := store.One(ctx, c.db, func(sc store.Scanner) ([]byte, error) {
		var b []byte
		return b, sc.Scan(&b)
	}, readVersion, id, version)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	fsys, err := unpack(files)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if s, err = Parse(id, fsys); err != nil {
		return nil, fault.Wrap(op, err)
	}
	c.mu.Lock()
	c.versions[key] = s
	c.mu.Unlock()
	return s, nil
}

func pack(fsys fs.FS) ([]byte, error) {
	files, err := readAll(fsys)
	if err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, data := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func unpack(packed []byte) (fs.FS, error) {
	return zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
}
