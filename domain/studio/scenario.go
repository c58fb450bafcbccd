// SPDX-License-Identifier: EUPL-1.2

package studio

import (
	"context"
	"slices"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/service"
	"mercator/lang/form"
)

// Bounds of the scenarios of a draft.
const (
	maxScenarios = 50
	maxScenario  = 256 << 10 // bytes
)

// Scenario is a form filled in, kept with a draft of it until both are put into the package.
type Scenario struct {
	ID, Draft          string
	Text               string // as a file of scenarios/forms
	Author, AuthorName string
	CreatedAt          time.Time
}

// File is its name in a package.
func (s Scenario) File() string { return s.ID + ".toml" }

// Scenarios are those of a draft, in the order in which they were kept.
func (s *Studio) Scenarios(ctx context.Context, a access.Actor, draft string) ([]Scenario, error) {
	const op = "studio.scenarios"
	if err := s.may(ctx, a, access.Read, ""); err != nil {
		return nil, fault.Wrap(op, err)
	}
	list, err := store.All(ctx, s.DB, scanScenario, scenariosOf, draft, maxScenarios)
	return list, fault.Wrap(op, err)
}

// KeepScenario keeps one with a draft.
func (s *Studio) KeepScenario(ctx context.Context, a access.Actor, draft, text string) (Scenario, error) {
	const op = "studio.keepScenario"
	if len(text) > maxScenario {
		return Scenario{}, fault.New(fault.TooLarge, op, "studio.scenarioTooLarge", "max", maxScenario>>10)
	}
	x := Scenario{ID: ident.New(), Draft: draft, Text: text, Author: a.ID, AuthorName: a.Name, CreatedAt: s.Now()}
	return x, s.change(ctx, op, a, draft, func(tx *store.Tx) error {
		n, err := store.One(ctx, tx, scanCount, countScenarios, draft)
		if err != nil {
			return err
		}
		if n >= maxScenarios {
			return fault.New(fault.TooMany, op, "studio.tooManyScenarios", "max", maxScenarios)
		}
		_, err = tx.Exec(ctx, insertScenario, x.ID, x.Draft, x.Text, x.Author, x.AuthorName, store.Micros(x.CreatedAt))
		return err
	})
}

// DropScenario throws one away.
func (s *Studio) DropScenario(ctx context.Context, a access.Actor, draft, id string) error {
	const op = "studio.dropScenario"
	return s.change(ctx, op, a, draft, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, dropScenario, id, draft)
		return err
	})
}

// Played is a scenario played through.
type Played struct {
	Title, File string
	ID          string   // of the studio's own; "": it's part of the package
	Wrong       []string // what came otherwise than it says
}

// Run is what came of all scenarios of a form.
type Run struct {
	Played    []Played
	Seen, All int // outcomes of the form's rules that came about, and all that can
	Untouched []form.Outcome
}

// Play plays the scenarios of the draft's form, the package's and the draft's own, with the draft as it is.
func (s *Studio) Play(with *service.Service, d Draft, own []Scenario) Run {
	cover := form.NewCoverage(with.FormNamed(FormOf(d)))
	var run Run
	play := func(sc service.FormScenario, problems []service.Problem, id string) {
		p := Played{Title: sc.Title, File: sc.File, ID: id}
		for _, x := range problems {
			if !slices.Contains(p.Wrong, x.Msg) {
				p.Wrong = append(p.Wrong, x.Msg)
			}
		}
		if len(p.Wrong) == 0 {
			if err := sc.Play(with, cover); err != nil {
				p.Wrong = strings.Split(err.Error(), "\n")
			}
		}
		run.Played = append(run.Played, p)
	}
	// What is wrong with a file of the package itself, the lint says.
	list, _ := service.FormScenarios(with)
	for _, sc := range list {
		if sc.Form == FormOf(d) {
			play(sc, nil, "")
		}
	}
	for _, x := range own {
		sc, problems := service.ReadFormScenario(with, x.File(), []byte(x.Text))
		play(sc, problems, x.ID)
	}
	run.Seen, run.All = cover.Touched()
	run.Untouched = cover.Untouched()
	return run
}
