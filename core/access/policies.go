// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/cedar-policy/cedar-go"

	"mercator/base/fault"
)

const maxPolicyFile = 1 << 20

// rules are the content of a folder of policies, which is in force as a whole or not at all.
type rules struct {
	set    *cedar.PolicySet
	brakes []brake
	reach  reach
}

// Load replaces the policies by those of the folder, all at once; after an error the old ones stay. Policies that fail one
// of their own tests (tests/*.toml), and one that no test speaks of, are refused.
func (c *Checker) Load(folder fs.FS) error {
	r, err := read(folder)
	if err != nil {
		return err
	}
	if _, err := r.test(folder, c.untested); err != nil {
		return err
	}
	c.rules.Store(r)
	return nil
}

// Test reads the policies of a folder and runs their tests, and tells how many there are of each. The error names all that
// is wrong.
func Test(folder fs.FS) (policies, tests int, err error) {
	r, err := read(folder)
	if err != nil {
		return 0, 0, err
	}
	for range r.set.All() {
		policies++
	}
	tests, err = r.test(folder, false)
	return policies, tests, err
}

func read(folder fs.FS) (*rules, error) {
	const op = "access.load"
	names, err := fs.Glob(folder, "*.cedar")
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if len(names) == 0 {
		return nil, fault.Internalf(op, "no *.cedar file: everything would be refused")
	}
	slices.Sort(names)
	out := &rules{set: cedar.NewPolicySet()}
	var wrong []error
	for _, name := range names {
		text, err := readFile(folder, name)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		list, err := cedar.NewPolicyListFromBytes(name, text)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", name, err))
			continue
		}
		for _, p := range list {
			a := p.Annotations()
			id := string(a["id"])
			at := fmt.Sprintf("%s:%d", name, p.Position().Line)
			switch {
			case id == "":
				wrong = append(wrong, fmt.Errorf("%s: a policy needs an @id, which the ledger names", at))
			case strings.ContainsAny(id, " :"):
				wrong = append(wrong, fmt.Errorf("%s: the policy id %q has a space or a colon, which the ledger divides by", at, id))
			case a["approval"] != "" && a["approval"] != "two":
				wrong = append(wrong, fmt.Errorf("%s: @approval(%q): want \"two\"", at, string(a["approval"])))
			case a["approval"] != "" && p.Effect() != cedar.Permit:
				wrong = append(wrong, fmt.Errorf("%s: @approval belongs to a permit", at))
			case !out.set.Add(cedar.PolicyID(id), p):
				wrong = append(wrong, fmt.Errorf("%s: the policy id %q is used twice", at, id))
			}
		}
	}
	if out.brakes, err = readBrakes(folder); err != nil {
		wrong = append(wrong, err)
	}
	if out.reach, err = readReach(folder); err != nil {
		wrong = append(wrong, err)
	}
	if len(wrong) > 0 {
		return nil, fault.Internalf(op, "%w", errors.Join(wrong...))
	}
	return out, nil
}

func readFile(folder fs.FS, name string) ([]byte, error) {
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return nil, err
	}
	if len(text) > maxPolicyFile {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxPolicyFile)
	}
	return text, nil
}

// optional reads a file that a city may leave out; what is read into it stays as it is then.
func optional(folder fs.FS, name string, into any) error {
	if _, err := fs.Stat(folder, name); err != nil {
		return nil
	}
	text, err := readFile(folder, name)
	if err != nil {
		return err
	}
	return decode(name, text, into)
}

// decode reads TOML in which nothing may stand that nobody reads: a mistyped key of a rule would be a rule left out.
func decode(name string, text []byte, into any) error {
	meta, err := toml.NewDecoder(bytes.NewReader(text)).Decode(into)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if keys := meta.Undecoded(); len(keys) > 0 {
		return fmt.Errorf("%s: unknown key %s", name, keys[0])
	}
	return nil
}

// A policyTest is a request with the facts around it, and what the policies must say to it.
type policyTest struct {
	Name     string `toml:"name"`
	Actor    string `toml:"actor"` // one of the file's actors
	Action   string `toml:"action"`
	Resource string `toml:"resource"`
	Purpose  string `toml:"purpose"`
	// NoPurpose leaves the purpose out, which a Checker doesn't even ask the policies about.
	NoPurpose bool     `toml:"no_purpose"`
	Basis     string   `toml:"basis"`
	Service   string   `toml:"service"`
	Case      string   `toml:"case"` // one of the file's cases, or one that nobody knows
	Office    string   `toml:"office"`
	Owner     string   `toml:"owner"`
	Subjects  []string `toml:"subjects"`
	Classes   []string `toml:"classes"` // of the fields asked for
	Keeper    string   `toml:"keeper"`
	Glass     bool     `toml:"break_glass"`
	// Restricted: it's for a restricted record (Art. 18 GDPR), which the purpose doesn't reach.
	Restricted bool   `toml:"restricted"`
	Allow      string `toml:"allow"`    // the rules that allow it
	Approval   bool   `toml:"approval"` // … once a second person has approved
	Refuse     bool   `toml:"refuse"`
	Forbid     string `toml:"forbid"` // the rules that forbid it; refused without: nothing permits it
}

type testActor struct {
	Kind   Kind     `toml:"kind"`
	Office string   `toml:"office"`
	Roles  []string `toml:"roles"`
	Level  string   `toml:"level"`
	Self   string   `toml:"self"` // which person a clerk is
	// Certificate is the thumbprint of the one that a program is bound to.
	Certificate string `toml:"certificate"`
	// Mandate is what is true of the mandate that the actor acts under; nil: in their own right.
	Mandate *testMandate `toml:"mandate"`
}

type testMandate struct {
	Kind     string   `toml:"kind"`
	Person   string   `toml:"person"`
	Actions  []string `toml:"actions"`
	All      bool     `toml:"all"`
	Services []string `toml:"services"`
}

type testCase struct {
	Open    bool     `toml:"open"`
	Closed  int      `toml:"closed"` // days ago
	Office  string   `toml:"office"`
	Persons []string `toml:"persons"`
}

// test runs tests/*.toml. Each policy must be named by one of them, as what allows or forbids: a rule that nobody has ever
// seen decide is a guess. untested: it needn't.
func (r *rules) test(folder fs.FS, untested bool) (n int, err error) {
	const op = "access.test"
	names, err := fs.Glob(folder, "tests/*.toml")
	if err != nil {
		return 0, fault.Wrap(op, err)
	}
	slices.Sort(names)
	var wrong []error
	named := map[string]bool{}
	for _, name := range names {
		text, err := readFile(folder, name)
		if err != nil {
			return n, fault.Wrap(op, err)
		}
		var file struct {
			Actor map[string]testActor `toml:"actor"`
			Case  map[string]testCase  `toml:"case"`
			Tests []policyTest         `toml:"test"`
		}
		if err := decode(name, text, &file); err != nil {
			wrong = append(wrong, err)
			continue
		}
		for _, t := range file.Tests {
			n++
			for _, id := range strings.Fields(t.Allow + " " + t.Forbid) {
				named[id] = true
			}
			a, ok := file.Actor[t.Actor]
			if !ok {
				wrong = append(wrong, fmt.Errorf("%s: %q: no actor %q in this file", name, t.Name, t.Actor))
				continue
			}
			k, known := file.Case[t.Case]
			if err := r.run(t, a, k, known); err != nil {
				wrong = append(wrong, fmt.Errorf("%s: %q: %w", name, t.Name, err))
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(maps.Collect(r.set.All()))) {
		if !untested && !named[string(id)] {
			wrong = append(wrong, fmt.Errorf("the policy %q is in no test as what allows or forbids", id))
		}
	}
	if len(wrong) > 0 {
		return n, fault.Internalf(op, "%w", errors.Join(wrong...))
	}
	return n, nil
}

func (r *rules) run(t policyTest, a testActor, k testCase, known bool) error {
	level := None
	if a.Level != "" {
		var err error
		if level, err = ParseLevel(a.Level); err != nil {
			return err
		}
	}
	req := Request{
		Actor:  Actor{Kind: a.Kind, ID: t.Actor, Office: a.Office, Roles: a.Roles, Level: level, Self: a.Self, Certificate: a.Certificate},
		Action: t.Action, Resource: t.Resource, Purpose: t.Purpose, Basis: t.Basis, Service: t.Service, Case: t.Case,
		Office: t.Office, Owner: t.Owner, Subjects: t.Subjects,
	}
	if req.Purpose == "" {
		req.Purpose = "test"
	}
	if err := req.check(); err != nil {
		return err
	}
	if t.NoPurpose {
		req.Purpose = ""
	}
	switch {
	case t.Allow == "" && !t.Refuse && t.Forbid == "":
		return errors.New("says neither allow nor refuse nor forbid")
	case t.Allow != "" && (t.Refuse || t.Forbid != ""):
		return errors.New("says both allow and refuse")
	case t.Approval && t.Allow == "":
		return errors.New("says approval of what is refused")
	}
	f := facts{classes: t.Classes, keeper: t.Keeper, closed: never, glass: t.Glass, restricted: t.Restricted}
	if m := a.Mandate; m != nil {
		if m.Kind == "" || m.Person == "" || a.Kind != Resident && a.Kind != Clerk {
			return errors.New("a mandate needs a kind and a person, and a resident or clerk who has it")
		}
		req.Actor.Mandate, req.Actor.For = "test", m.Person
		f.mandate = &Mandate{ID: "test", Kind: m.Kind, Person: m.Person, Actions: m.Actions, All: m.All, Services: m.Services, Office: a.Office, Roles: a.Roles}
	}
	if known {
		f.of, f.closed = CaseFacts{Open: k.Open, Office: k.Office, Persons: k.Persons}, k.Closed
	}
	v := r.decide(req, f)
	switch want := t.Allow + t.Forbid; {
	case len(v.problems) > 0:
		return fmt.Errorf("can't be evaluated: %s", strings.Join(v.problems, "; "))
	case v.allowed != (t.Allow != ""), v.rule != want:
		return fmt.Errorf("is %s; want %s", said(v.allowed, v.rule), said(t.Allow != "", want))
	case v.two != t.Approval:
		return fmt.Errorf("needs a second person: %v; want %v", v.two, t.Approval)
	}
	return nil
}

func said(allowed bool, rule string) string {
	switch {
	case allowed:
		return "allowed by " + rule
	case rule != "":
		return "forbidden by " + rule
	}
	return "refused: no policy permits it"
}
