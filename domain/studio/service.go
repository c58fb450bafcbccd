// SPDX-License-Identifier: EUPL-1.2

package studio

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"
)

// maxDrafts bounds how many drafts there are at once.
const maxDrafts = 500

// Draft is a file of a package that somebody works on.
type Draft struct {
	ID, Service, File  string
	Base               string // the version that it was begun from
	Text               string
	Author, AuthorName string // who saved it last
	Rev                int64  // counts the times it was saved
	CreatedAt          time.Time
	ChangedAt          time.Time
}

// Config is what the studio needs.
type Config struct {
	DB       *store.DB
	Services *service.Catalog
	Access   *access.Checker
	// Lint finds the mistakes of a package that parses; service.Lint with the letters.
	Lint func(*service.Service) []service.Problem
	Now  func() time.Time
}

// Studio keeps drafts.
type Studio struct{ Config }

// New opens the studio.
func New(c Config) (*Studio, error) {
	if c.DB == nil || c.Services == nil || c.Access == nil || c.Lint == nil {
		return nil, fault.Internalf("studio.new", "database, services, access and lint are needed")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Studio{c}, nil
}

// may asks for the right to read or change drafts.
func (s *Studio) may(ctx context.Context, a access.Actor, action, service string) error {
	_, err := s.Access.Permit(ctx, access.Request{Actor: a, Action: action, Resource: "studio", Purpose: "authoring", Service: service})
	return err
}

// Forms are the names of the forms of a package.
func Forms(s *service.Service) []string {
	names, _ := fs.Glob(s.Files, "*.form") // the pattern is well formed
	slices.Sort(names)
	return names
}

// Drafts are the drafts there are, the last changed first, without their texts.
func (s *Studio) Drafts(ctx context.Context, a access.Actor) ([]Draft, error) {
	const op = "studio.drafts"
	if err := s.may(ctx, a, access.List, ""); err != nil {
		return nil, fault.Wrap(op, err)
	}
	list, err := store.All(ctx, s.DB, scanDraft, listDrafts, maxDrafts)
	return list, fault.Wrap(op, err)
}

// Begin makes a draft of a form as it is in force.
func (s *Studio) Begin(ctx context.Context, a access.Actor, serviceID, file string) (Draft, error) {
	const op = "studio.begin"
	if err := s.may(ctx, a, access.Change, serviceID); err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	v, ok := s.Services.Current(serviceID)
	if !ok || !slices.Contains(Forms(v), file) {
		return Draft{}, fault.New(fault.NotFound, op, "studio.noForm")
	}
	text, err := fs.ReadFile(v.Files, file)
	if err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	now := s.Now()
	d := Draft{ID: ident.New(), Service: v.ID, File: file, Base: v.Version, Text: string(text), Author: a.ID, AuthorName: a.Name, Rev: 1, CreatedAt: now, ChangedAt: now}
	return d, fault.Wrap(op, s.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := store.One(ctx, tx, scanCount, countDrafts)
		if err != nil {
			return err
		}
		if n >= maxDrafts {
			return fault.New(fault.TooMany, op, "studio.tooMany", "max", maxDrafts)
		}
		_, err = tx.Exec(ctx, insertDraft, d.ID, d.Service, d.File, d.Base, d.Text, d.Author, d.AuthorName, store.Micros(now))
		return err
	}))
}

// Draft reads one.
func (s *Studio) Draft(ctx context.Context, a access.Actor, id string) (Draft, error) {
	const op = "studio.draft"
	if err := s.may(ctx, a, access.Read, ""); err != nil {
		return Draft{}, fault.Wrap(op, err)
	}
	d, err := store.One(ctx, s.DB, scanDraft, readDraft, id)
	if fault.Is(err, fault.NotFound) {
		return d, fault.Because(fault.NotFound, op, "studio.noDraft", err)
	}
	return d, fault.Wrap(op, err)
}

// Save keeps a text, right or wrong. rev is the one that it was written from: a Conflict says that somebody else has saved
// meanwhile, and nothing has happened.
func (s *Studio) Save(ctx context.Context, a access.Actor, id string, rev int64, text string) error {
	const op = "studio.save"
	if len(text) > form.MaxSource {
		return fault.New(fault.TooLarge, op, "studio.tooLarge", "max", form.MaxSource>>10)
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fault.New(fault.Invalid, op, "studio.notText")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n") // as browsers send lines
	return s.change(ctx, op, a, id, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, saveDraft, id, rev, text, a.ID, a.Name, store.Micros(s.Now()))
		if err == nil && n == 0 {
			return fault.New(fault.Conflict, op, "studio.meanwhile")
		}
		return err
	})
}

// Discard throws a draft away.
func (s *Studio) Discard(ctx context.Context, a access.Actor, id string) error {
	const op = "studio.discard"
	return s.change(ctx, op, a, id, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, dropScenarios, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, dropDraft, id)
		return err
	})
}

// change does something to a draft that the author may change.
func (s *Studio) change(ctx context.Context, op string, a access.Actor, draft string, f func(*store.Tx) error) error {
	d, err := s.Draft(ctx, a, draft)
	if err != nil {
		return err
	}
	if err := s.may(ctx, a, access.Change, d.Service); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, s.DB.Write(ctx, f))
}

// FormOf is the name of a draft's form in its package (service.Service.FormNamed).
func FormOf(d Draft) string { return strings.TrimSuffix(d.File, ".form") }

// Package is the package in force with the draft in it. One that can't be read is nil, with what is wrong.
func (s *Studio) Package(d Draft) (*service.Service, []service.Problem, error) {
	const op = "studio.package"
	v, ok := s.Services.Current(d.Service)
	if !ok {
		return nil, nil, fault.New(fault.NotFound, op, "studio.noService")
	}
	with, err := v.With(map[string][]byte{d.File: []byte(d.Text)})
	var wrong *service.ParseError
	if errors.As(err, &wrong) {
		return nil, wrong.Problems, nil
	}
	return with, nil, fault.Wrap(op, err)
}

// Check is what the lint says of the draft in its package, not of the rest of that.
func (s *Studio) Check(with *service.Service, d Draft) []service.Problem {
	return slices.DeleteFunc(s.Lint(with), func(p service.Problem) bool { return p.File != d.File })
}

// Changed reports whether another version is in force than the one that a draft was begun from.
func (s *Studio) Changed(d Draft) bool {
	v, ok := s.Services.Current(d.Service)
	return ok && v.Version != d.Base
}
