// SPDX-License-Identifier: EUPL-1.2

package studio_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/access/accesstest"
	"mercator/core/audit"
	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/service"
	"mercator/domain/studio"
	"mercator/lang/form"
)

// A draft is begun of a form in force, saved by whoever has seen what is there, held against its package, and nobody's but
// authors'.
func TestAFormIsDrawn(t *testing.T) {
	storetest.Each(t, []store.Migrations{audit.Migrations(), service.Migrations(), studio.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		services := service.NewCatalog(db, time.Now)
		if err := services.Load(ctx, os.DirFS("../../content/services")); err != nil {
			t.Fatal(err)
		}
		s, err := studio.New(studio.Config{DB: db, Services: services, Access: accesstest.House(t, db), Lint: func(s *service.Service) []service.Problem { return service.Lint(s, nil) }})
		if err != nil {
			t.Fatal(err)
		}
		author := access.Actor{Kind: access.Clerk, ID: "author", Name: "Ada", Office: "12", Roles: []string{"author"}, Level: access.Substantial}
		for _, a := range []access.Actor{accesstest.Anna(), accesstest.Clerk("32")} {
			if _, err := s.Begin(ctx, a, "resident-parking-permit", "application.form"); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", a.Kind, err)
			}
			if _, err := s.Drafts(ctx, a); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", a.Kind, err)
			}
		}
		for _, file := range []string{"service.toml", "../identity-card/application.form", "none.form", ""} {
			if _, err := s.Begin(ctx, author, "resident-parking-permit", file); !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %v", file, err)
			}
		}
		d, err := s.Begin(ctx, author, "resident-parking-permit", "application.form")
		if err != nil {
			t.Fatal(err)
		}
		with, problems, err := s.Package(d)
		if err != nil || with == nil || len(problems) > 0 || len(s.Check(with, d)) > 0 || s.Changed(d) {
			t.Fatalf("as it is in force: %v %v %v", problems, err, s.Changed(d))
		}

		// Somebody else has saved meanwhile: nothing happens.
		better := strings.Replace(d.Text, `"label": "Vornamen"`, `"label": "Rufname"`, 1)
		if err := s.Save(ctx, author, d.ID, d.Rev, strings.ReplaceAll(better, "\n", "\r\n")); err != nil {
			t.Fatal(err)
		}
		if err := s.Save(ctx, author, d.ID, d.Rev, "{}"); !fault.Is(err, fault.Conflict) {
			t.Errorf("an old text over a new one: %v", err)
		}
		d, err = s.Draft(ctx, author, d.ID)
		if err != nil || d.Text != better || d.Rev != 2 || better == "" {
			t.Fatalf("%d %v", d.Rev, err)
		}
		if _, err := s.Draft(ctx, accesstest.Clerk("32"), d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("a clerk reads it: %v", err)
		}

		// What is wrong with it is said, and where; the rest of the package isn't blamed.
		for text, want := range map[string]string{
			`{"type": "default"`: "application.form: 1:19",
			strings.Replace(d.Text, `"type": "textfield"`, `"type": "crystalball"`, 1): "crystalball",
		} {
			if err := s.Save(ctx, author, d.ID, d.Rev, text); err != nil {
				t.Fatal(err)
			}
			wrong, err := s.Draft(ctx, author, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			d.Rev = wrong.Rev
			with, problems, err := s.Package(wrong)
			if err != nil || with != nil || len(problems) == 0 || !strings.Contains(problems[0].String(), want) {
				t.Errorf("%.40q: %v %v", text, problems, err)
			}
		}
		if err := s.Save(ctx, author, d.ID, d.Rev, strings.Repeat("x", form.MaxSource+1)); !fault.Is(err, fault.TooLarge) {
			t.Errorf("too much: %v", err)
		}
		if err := s.Save(ctx, author, d.ID, d.Rev, "\xff"); !fault.Is(err, fault.Invalid) {
			t.Errorf("no text: %v", err)
		}
		// What was tried is kept beside it, and played with what the draft is by now.
		const text = "title = \"Nothing known\"\nform = \"application\"\ntoday = \"2026-12-01\"\n[[page]]\nid = \"person\"\nasked = [\"given_names\", \"family_name\", \"birth_date\"]\nanswers = { given_names = \"Ada\", family_name = \"Yıldız\", birth_date = \"1.2.1990\" }\n"
		if err := s.Save(ctx, author, d.ID, d.Rev, better); err != nil {
			t.Fatal(err)
		}
		d, err = s.Draft(ctx, author, d.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.KeepScenario(ctx, accesstest.Clerk("32"), d.ID, text); !fault.Is(err, fault.Denied) {
			t.Errorf("a clerk keeps one: %v", err)
		}
		if _, err := s.Scenarios(ctx, accesstest.Anna(), d.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("a resident reads them: %v", err)
		}
		if _, err := s.KeepScenario(ctx, author, d.ID, strings.Repeat("x", 1<<20)); !fault.Is(err, fault.TooLarge) {
			t.Errorf("too much: %v", err)
		}
		kept, err := s.KeepScenario(ctx, author, d.ID, text)
		if err != nil {
			t.Fatal(err)
		}
		run := func() (studio.Played, studio.Run) {
			t.Helper()
			own, err := s.Scenarios(ctx, author, d.ID)
			if err != nil {
				t.Fatal(err)
			}
			with, problems, err := s.Package(d)
			if err != nil || with == nil {
				t.Fatal(problems, err)
			}
			r := s.Play(with, d, own)
			return r.Played[len(r.Played)-1], r
		}
		if p, r := run(); p.ID != kept.ID || len(p.Wrong) > 0 || r.Seen == 0 || r.Seen+len(r.Untouched) != r.All {
			t.Errorf("%+v, %d of %d, %d untouched", p, r.Seen, r.All, len(r.Untouched))
		}
		d.Text = strings.Replace(better, `"key": "family_name"`, `"key": "surname"`, 1)
		if p, _ := run(); len(p.Wrong) == 0 {
			t.Error("a question has another name, and the scenario hasn't noticed")
		}
		for range 60 {
			if _, err = s.KeepScenario(ctx, author, d.ID, text); err != nil {
				break
			}
		}
		if !fault.Is(err, fault.TooMany) {
			t.Errorf("as many as one likes: %v", err)
		}
		if err := s.DropScenario(ctx, author, d.ID, kept.ID); err != nil {
			t.Fatal(err)
		}
		if own, err := s.Scenarios(ctx, author, d.ID); err != nil || len(own) != 49 {
			t.Errorf("%d are left: %v", len(own), err)
		}
		if err := s.Discard(ctx, author, d.ID); err != nil {
			t.Fatal(err)
		}
		if own, err := s.Scenarios(ctx, author, d.ID); err != nil || len(own) != 0 {
			t.Errorf("the draft is gone, %d scenarios are left: %v", len(own), err)
		}
		if _, err := s.Draft(ctx, author, d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("thrown away, and there: %v", err)
		}
	})
}
