// SPDX-License-Identifier: EUPL-1.2

package oversight

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/store"
)

// The detector reads the log of the ledger, which has every access after it is committed, in one order and without gaps. So no
// read waits for it, none escapes it, and a house that was down goes on where it was.

// What a rule looks for.
const (
	NoCase    = "no-case" // a person was read without an open case of theirs at the reader's office
	Rate      = "rate"    // more persons than so many within a time
	Marked    = "mark"    // a person who is marked, or works for the city
	Own       = "own"     // the reader themself
	Refused   = "refused" // what was refused more often than so many times within a time: somebody tries doors
	GlassRule = "glass"   // an emergency access; found when it is declared, not in the log
)

// Rule is one of curiosity.toml.
type Rule struct {
	ID       string    `toml:"id"`
	Looks    string    `toml:"looks"`
	Who      []string  `toml:"who"`
	Resource string    `toml:"resource"` // a kind, or one of its resources
	Mark     string    `toml:"mark"`
	Persons  int64     `toml:"persons"`
	Within   duration  `toml:"within"`
	Except   []string  `toml:"except_purposes"`
	Title    i18n.Text `toml:"title"`
	Basis    string    `toml:"basis"`
}

type duration struct{ time.Duration }

func (d *duration) UnmarshalText(text []byte) (err error) {
	d.Duration, err = time.ParseDuration(string(text))
	return err
}

// rulesFile is where a city says what it takes for curiosity.
const rulesFile = "curiosity.toml"

// LoadRules reads the rules of a folder of policies.
func LoadRules(folder fs.FS) ([]Rule, error) {
	const op = "oversight.loadRules"
	text, err := fs.ReadFile(folder, rulesFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // a city without a detector
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	var file struct {
		Rules []Rule `toml:"rule"`
	}
	meta, err := toml.NewDecoder(bytes.NewReader(text)).Decode(&file)
	if err != nil {
		return nil, fault.Internalf(op, "%s: %w", rulesFile, err)
	}
	if keys := meta.Undecoded(); len(keys) > 0 { // a mistyped key would be a rule left out
		return nil, fault.Internalf(op, "%s: unknown key %s", rulesFile, keys[0])
	}
	var wrong []error
	seen := map[string]bool{}
	for _, r := range file.Rules {
		say := func(format string, args ...any) {
			wrong = append(wrong, fmt.Errorf("%s: rule %q: "+format, append([]any{rulesFile, r.ID}, args...)...))
		}
		if r.ID == "" || seen[r.ID] {
			say("needs an id of its own")
		}
		seen[r.ID] = true
		if r.Title["de"] == "" {
			say("lacks its title in de")
		}
		for _, w := range r.Who {
			if !slices.Contains([]string{string(access.Resident), string(access.Clerk), string(access.Machine)}, w) {
				say("who %q: want resident, clerk or machine", w)
			}
		}
		switch r.Looks {
		case NoCase, Own:
		case Rate, Refused:
			if r.Persons < 1 || r.Within.Duration < time.Second || r.Within.Duration > 31*24*time.Hour {
				say("needs persons, and within of a second to 31 days")
			}
		case Marked:
			if r.Mark != Colleague && r.Mark != Known {
				say("mark %q: want %s or %s", r.Mark, Colleague, Known)
			}
		case GlassRule:
			continue
		default:
			say("looks %q: want no-case, rate, mark, own, refused or glass", r.Looks)
		}
		if len(r.Who) == 0 || r.Resource == "" {
			say("needs who and a resource")
		}
	}
	if len(wrong) > 0 {
		return nil, fault.Internalf(op, "%w", errors.Join(wrong...))
	}
	return file.Rules, nil
}

// applies tells whether a rule is about an entry.
func (r Rule) applies(e audit.Entry) bool {
	return slices.Contains(r.Who, e.ActorKind) && (e.Resource == r.Resource || strings.HasPrefix(e.Resource, r.Resource+":")) && !slices.Contains(r.Except, e.Purpose) &&
		(e.Outcome == audit.Refused) == (r.Looks == Refused)
}

func (s *Service) longest() time.Duration {
	out := time.Hour
	for _, r := range s.c.Rules {
		out = max(out, r.Within.Duration)
	}
	return out
}

// batch is how many leaves one transaction looks at.
const batch = 200

// Detect looks at what the log has that wasn't looked at, and tells whether there is more.
func (s *Service) Detect(ctx context.Context) (more bool, err error) {
	const op = "oversight.detect"
	var from int64
	if err := s.c.DB.QueryRow(ctx, stateLeaf).Scan(&from); err != nil {
		return false, fault.Wrap(op, err)
	}
	leaves, err := s.c.Leaves(ctx, from, from+batch)
	if err != nil {
		return false, fault.Wrap(op, err)
	}
	if len(leaves) == 0 {
		return false, nil
	}
	type access struct {
		e       audit.Entry
		persons []string
	}
	var list []access
	for _, l := range leaves {
		r := l.Record
		if !l.Found || r.Kind != audit.Access && r.Kind != audit.Seen {
			continue
		}
		x := access{e: r.Entry}
		if r.Kind == audit.Seen {
			if x.e, err = s.c.Entry(ctx, r.Entry.ID); fault.Is(err, fault.NotFound) {
				continue
			} else if err != nil {
				return false, fault.Wrap(op, err)
			}
			x.e.At = r.At
		}
		for _, p := range r.Subjects {
			if p.Person != "" && !(x.e.ActorKind == audit.Resident && p.Person == x.e.ActorID) {
				x.persons = append(x.persons, p.Person)
			}
		}
		list = append(list, x)
	}
	next := leaves[len(leaves)-1].Leaf + 1
	err = s.c.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, moveLeaf, next, from)
		if err != nil {
			return err
		}
		if n == 0 { // another node was faster
			return nil
		}
		for _, x := range list {
			if err := s.look(ctx, tx, x.e, x.persons); err != nil {
				return err
			}
		}
		return nil
	})
	return len(leaves) == batch, fault.Wrap(op, err)
}

// look holds an access against the rules.
func (s *Service) look(ctx context.Context, tx *store.Tx, e audit.Entry, persons []string) error {
	noted := false
	for _, r := range s.c.Rules {
		if r.Looks == GlassRule || !r.applies(e) {
			continue
		}
		f := Finding{Rule: r.ID, At: e.At, ActorKind: e.ActorKind, Actor: e.ActorID, ActorName: e.ActorName, Office: e.Office, Resource: e.Resource, Purpose: e.Purpose, Case: e.Case, Entry: e.ID}
		who := e.ActorKind + ":" + e.ActorID
		once := r.ID + "|" + who + "|" + e.At.UTC().Format(time.DateOnly)
		switch r.Looks {
		case Rate, Refused:
			count := who
			if r.Looks == Refused { // each refusal counts, whomever it was about
				count = "refused:" + who
				if _, err := tx.Exec(ctx, noteRecent, count, e.ID, store.Micros(e.At)); err != nil {
					return err
				}
			} else if !noted {
				noted = true
				for _, p := range persons {
					if _, err := tx.Exec(ctx, noteRecent, who, p, store.Micros(e.At)); err != nil {
						return err
					}
				}
			}
			var n int64
			if err := tx.QueryRow(ctx, countRecent, count, store.Micros(e.At.Add(-r.Within.Duration))).Scan(&n); err != nil {
				return err
			}
			if n <= r.Persons || r.Looks == Rate && len(persons) == 0 {
				continue
			}
			f.Persons = n
			if err := s.report(ctx, tx, f, once); err != nil {
				return err
			}
		case NoCase:
			of, err := s.caseOf(ctx, tx, e)
			if err != nil {
				return err
			}
			without := slices.DeleteFunc(slices.Clone(persons), func(p string) bool { return slices.Contains(of, p) })
			if len(without) > maxEach {
				f.Persons = int64(len(without))
			}
			for _, p := range without {
				f.Person = p
				if err := s.report(ctx, tx, f, once+"|"+p); err != nil {
					return err
				}
				if len(without) > maxEach { // a page full of them is one finding with their number
					break
				}
			}
		case Marked:
			for _, p := range persons {
				tempts, err := s.tempts(ctx, tx, p, r.Mark)
				if err != nil {
					return err
				}
				if !tempts {
					continue
				}
				f.Person = p
				if err := s.report(ctx, tx, f, once+"|"+p); err != nil {
					return err
				}
			}
		case Own:
			self, err := s.self(ctx, tx, e)
			if err != nil {
				return err
			}
			if self == "" || !slices.Contains(persons, self) {
				continue
			}
			f.Person = self
			if err := s.report(ctx, tx, f, once); err != nil {
				return err
			}
		}
	}
	return nil
}

// tempts tells whether a person is marked so, or is a colleague by the register of staff.
func (s *Service) tempts(ctx context.Context, tx *store.Tx, person, mark string) (bool, error) {
	kind, err := store.One(ctx, tx, func(r store.Scanner) (k string, err error) { return k, r.Scan(&k) }, markOf, person)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return false, err
	}
	if kind == mark || mark != Colleague || s.c.Colleague == nil {
		return kind == mark, nil
	}
	return s.c.Colleague(ctx, tx, person)
}

// self is which person the reader is; "": nobody knows, or it is no member of staff.
func (s *Service) self(ctx context.Context, tx *store.Tx, e audit.Entry) (string, error) {
	if e.ActorKind != string(access.Clerk) || s.c.Self == nil {
		return "", nil
	}
	return s.c.Self(ctx, tx, e.ActorID)
}

// maxEach is up to how many persons of one access get a finding each.
const maxEach = 20

// caseOf are the persons of the case that an entry names, if it was open when they were read, at the reader's office.
func (s *Service) caseOf(ctx context.Context, tx *store.Tx, e audit.Entry) ([]string, error) {
	if e.Case == "" {
		return nil, nil
	}
	c, ok, err := s.c.Case(ctx, tx, e.Case)
	if err != nil || !ok || c.Office != e.Office || !c.Open && !c.ClosedAt.After(e.At) {
		return nil, err
	}
	return c.Persons, nil
}
