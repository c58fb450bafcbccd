// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mercator/core/access"
	"mercator/core/config"
	"mercator/domain/intake"
	"mercator/domain/service"
	"mercator/lang/form"
)

// readEvent reads a life event and its scenarios, with the services that lie beside it, and tells what is wrong; nil: too much.
func readEvent(dir string, w io.Writer) (e *service.Event, list []service.EventScenario, ok bool) {
	root := contentOf(dir)
	if root == "" {
		fmt.Fprintf(w, "%s: a life event is checked inside its content folder (content/events/ID), with services beside it\n", dir)
		return nil, nil, false
	}
	read := map[string]*service.Service{}
	current := func(id string) (*service.Service, bool) {
		s, done := read[id]
		if folder := filepath.Join(root, "services", filepath.Base(id)); !done && id != "" {
			s, _ = service.Parse(id, os.DirFS(folder)) // what is wrong with a service is told when that is checked
			read[id] = s
		}
		return s, s != nil
	}
	e, err := service.ParseEvent(filepath.Base(filepath.Clean(dir)), os.DirFS(dir), current)
	var problems []service.Problem
	var pe *service.ParseError
	switch {
	case errors.As(err, &pe):
		problems = pe.Problems
	case err != nil:
		problems = []service.Problem{{File: service.EventFile, Msg: err.Error()}}
	default:
		list, problems = service.EventScenarios(e, os.DirFS(dir), current)
	}
	for _, p := range problems {
		p.File = filepath.Join(dir, p.File)
		fmt.Fprintln(w, p)
	}
	return e, list, len(problems) == 0
}

// lintEvent holds a life event against the services that lie beside it.
func lintEvent(dir string, w io.Writer) bool {
	_, _, ok := readEvent(dir, w)
	if ok {
		fmt.Fprintf(w, "%s: ok\n", dir)
	}
	return ok
}

// testEvent plays the scenarios of a life event through and tells what none of them has brought about.
func testEvent(ctx context.Context, dir string, w io.Writer) bool {
	e, list, ok := readEvent(dir, w)
	if e == nil {
		return false
	}
	cover := service.NewEventCoverage(e)
	for _, sc := range list {
		began := time.Now()
		if err := playEvent(ctx, contentOf(dir), e.ID, sc, config.Database{}, cover); err != nil {
			ok = false
			fmt.Fprintf(w, "FAIL %s %s: %s\n     %s\n", e.ID, sc.File, sc.Title, strings.ReplaceAll(err.Error(), "\n", "\n     "))
			continue
		}
		fmt.Fprintf(w, "ok   %s %s: %s (%d ms)\n", e.ID, sc.File, sc.Title, time.Since(began).Milliseconds())
	}
	untouched, all := cover.Untouched()
	fmt.Fprintf(w, "     %s %s: %d of %d outcomes of its conditions and questions are touched\n", e.ID, service.EventFile, all-len(untouched), all)
	for _, o := range untouched {
		fmt.Fprintf(w, "     untouched: %s\n", o)
	}
	return ok
}

// playEvent plays one scenario of a life event in a house of its own.
func playEvent(ctx context.Context, root, event string, sc service.EventScenario, db config.Database, cover *service.EventCoverage) error {
	st, err := openStage(ctx, root, sc.Today, db)
	if err != nil {
		return err
	}
	defer st.close()
	a, err := st.resident(sc.Person)
	if err != nil {
		return err
	}
	in := st.h.intake
	b, err := in.StartEvent(ctx, a, event)
	if err != nil {
		return err
	}
	w, err := fillEvent(ctx, in, a, b.ID, sc, cover)
	if err != nil {
		return err
	}
	got := service.EventRun{Once: map[string][]string{}, Cases: map[string]map[string]any{}}
	for _, f := range w.Parts {
		got.Services = append(got.Services, f.Service.ID)
		for _, pg := range f.View.Pages() {
			form.Each(f.View.Page(pg.ID), func(it *form.Item) {
				if by, page, name, elsewhere := f.AskedBy(it.Name); elsewhere && page != "" && it.Elsewhere {
					asked := by.Service.ID + "." + name
					got.Once[asked] = append(got.Once[asked], f.Service.ID+"."+it.Name)
				}
			})
		}
	}
	wrong, err := in.SubmitAll(ctx, a, b.ID, "de")
	if err != nil {
		return err
	}
	for _, e := range wrong {
		return fmt.Errorf("it is not complete: %s.%s: %s", e.Part.Service.ID, e.Error.Key, e.Error.Msg)
	}
	if err := st.settle(ctx); err != nil {
		return err
	}
	if w, err = in.Bundled(ctx, a, b.ID, "de"); err != nil {
		return err
	}
	handed, err := in.Handed(ctx, w)
	if err != nil {
		return err
	}
	for _, h := range handed {
		c, err := st.h.cases.Peek(ctx, st.h.db, h.CaseID)
		if err != nil {
			return err
		}
		var application map[string]any
		if err := json.Unmarshal(c.Application, &application); err != nil {
			return err
		}
		got.Cases[c.Service] = application
	}
	return errors.Join(sc.Compare(got)...)
}

// fillEvent chooses services, answers the data notice and fills in page by page, as the person would.
func fillEvent(ctx context.Context, in *intake.Intake, a access.Actor, id string, sc service.EventScenario, cover *service.EventCoverage) (*intake.Bundled, error) {
	for range 100 {
		w, err := in.Bundled(ctx, a, id, "de")
		if err != nil {
			return nil, err
		}
		for service, holds := range w.Held {
			cover.Held(service, holds)
		}
		if w.Undecided() {
			wanted := map[string]bool{}
			for _, o := range w.Offers {
				wanted[o.Service.ID] = slices.Contains(sc.Wanted, o.Service.ID)
				cover.Answered(o.Service.ID, wanted[o.Service.ID])
			}
			if err := in.Choose(ctx, a, id, wanted); err != nil {
				return nil, err
			}
			continue
		}
		if w.Unasked() {
			if err := in.ConsentAll(ctx, a, id, sc.Consent); err != nil {
				return nil, err
			}
			continue
		}
		place, more := w.Resume()
		if !more {
			return w, nil
		}
		f := place.Part
		if _, err := in.Save(ctx, a, f.Draft.ID, place.Page, postOf(f, place.Page, sc.Answers[f.Service.ID]), "de"); err != nil {
			return nil, err
		}
		d, err := in.Draft(ctx, a, f.Draft.ID)
		if err != nil {
			return nil, err
		}
		if f, err = in.Fill(ctx, a, d, "de"); err != nil {
			return nil, err
		}
		for _, e := range f.Validate(place.Page) {
			// What an answer has just brought up comes with the page once more.
			if _, said := sc.Answers[f.Service.ID][e.Key]; !said || d.Answers[e.Key] != nil || d.Raw[e.Key] != "" {
				return nil, fmt.Errorf("%s, page %s: %s: %s %v", f.Service.ID, place.Page, e.Key, e.Msg, e.Args)
			}
		}
	}
	return nil, errors.New("there is always something left to ask")
}
