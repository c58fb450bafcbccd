// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"archive/zip"
	"bytes"
	"maps"
	"path"
	"slices"
	"time"

	"mercator/lang/bpmn"
	"mercator/lang/dmn"
)

// With is the version with some files put in or replaced: a draft, which is not in
// force and is kept nowhere. A process or a decision takes the place of the file that has
// one of the same id, whatever the files are called. The error is a *ParseError.
func (s *Service) With(files map[string][]byte) (*Service, error) {
	all, err := readAll(s.Files)
	if err != nil {
		return nil, &ParseError{Service: s.ID, Problems: []Problem{{File: s.ID, Msg: err.Error()}}}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		place := path.Base(name)
		if _, ok := all[place]; !ok {
			for _, other := range slices.Sorted(maps.Keys(all)) {
				if path.Ext(other) == path.Ext(place) && share(ids(place, files[name]), ids(other, all[other])) {
					place = other
					break
				}
			}
		}
		all[place] = files[name]
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(all[name])
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	fsys, err := unpack(buf.Bytes())
	if err != nil {
		return nil, err
	}
	return Parse(s.ID, fsys)
}

// ids are those of the processes or decisions of a file; none if it has mistakes.
func ids(name string, data []byte) []string {
	var out []string
	switch path.Ext(name) {
	case ".bpmn":
		if d, err := bpmn.Parse(name, data); err == nil {
			for _, p := range d.Processes {
				out = append(out, p.ID)
			}
		}
	case ".dmn":
		if d, err := dmn.ParseWith(name, data, dmn.Options{Lenient: true}); err == nil {
			for _, x := range d.Decisions() {
				out = append(out, x.ID)
			}
		}
	}
	return out
}

func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(id string) bool { return slices.Contains(b, id) })
}

// Decide makes a decision of the version as if it were now; not ok: there is none of the id.
func (s *Service) Decide(now time.Time, decision string, vars map[string]any) (value any, ok bool, err error) {
	d := s.Decisions[decision]
	if d == nil {
		return nil, false, nil
	}
	r, err := d.Evaluate(decision, vars, dmn.EvalOptions{Now: now})
	if err != nil {
		return nil, true, err
	}
	return r.Value, true, nil
}
