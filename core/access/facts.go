// SPDX-License-Identifier: EUPL-1.2

package access

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"mercator/base/fault"
	"mercator/core/store"
)

// CaseFacts is what the office of cases knows of one. A request names a case; what a policy believes of it comes from here.
type CaseFacts struct {
	Open     bool
	Office   string
	Persons  []string  // whose case it is
	ClosedAt time.Time // zero while open
}

// Unclassified is the class of a field that nobody has classified: no policy names it, so nobody but who may see every
// class sees it.
const Unclassified = "unclassified"

// never is how many days ago a case was closed that isn't known: longer than any policy waits.
const never = 1 << 30

// facts are what a policy sees beside the request, and none of it is the word of who asks.
type facts struct {
	classes    []string // of the fields
	keeper     string   // the office that keeps the register
	of         CaseFacts
	closed     int      // days since the case was closed
	glass      bool     // the glass is broken for exactly this
	mandate    *Mandate // nil: the actor's own right
	restricted bool     // for a restricted record of a person
}

// gather asks for the facts that policies about registers need. q is the caller's transaction, if there is one: its case may
// not be committed yet, and a second connection could wait for the first.
func (c *Checker) gather(ctx context.Context, q store.Q, r Request) (facts, error) {
	f := facts{closed: never}
	kind, name, _ := strings.Cut(r.Resource, ":")
	if kind != "register" || name == "" {
		return f, nil
	}
	f.classes = c.classes(r)
	if c.keeper != nil {
		f.keeper = c.keeper(r.Resource)
	}
	if c.restricted != nil && (r.Action == Read || r.Action == List) {
		for _, person := range r.subjects() {
			yes, err := c.restricted(ctx, q, r.Resource, person, r.Purpose)
			if err != nil {
				return f, fault.Wrap("access.restricted", err)
			}
			f.restricted = f.restricted || yes
		}
	}
	// What the platform does by itself isn't asked for its case: there is nobody to be curious.
	if r.Case == "" || c.caseOf == nil || r.Actor.Kind == System {
		return f, nil
	}
	of, ok, err := c.caseOf(ctx, q, r.Case)
	if err != nil {
		return f, fault.Wrap("access.case", err)
	}
	if ok {
		f.of, f.closed = of, 0
		if !of.Open {
			f.closed = max(int(c.now().Sub(of.ClosedAt)/(24*time.Hour)), 0)
		}
	}
	return f, nil
}

// classes of the fields that a request names. One to change that names none may change all of them.
func (c *Checker) classes(r Request) []string {
	if len(r.Fields) == 0 && (r.Action == Read || r.Action == List) {
		return nil // none named, none given
	}
	if c.classify == nil {
		return []string{Unclassified}
	}
	return c.classify(r.Resource, r.Fields)
}

// verdict is what the policies say.
type verdict struct {
	allowed  bool
	rule     string // the policies that decided, by their @id
	two      bool   // allowed only if a second person has approved it
	problems []string
}

// decide asks the policies.
func (s *rules) decide(r Request, f facts) verdict {
	who, properties := principalOf(r, f.mandate)
	principal := types.NewEntityUID(who, types.String(r.Actor.ID))
	kind, name, _ := strings.Cut(r.Resource, ":")
	resource := types.NewEntityUID("Resource", types.String(r.Resource))
	attrs := types.RecordMap{"id": types.String(r.Resource), "kind": types.String(kind), "name": types.String(name)}
	if r.Owner != "" {
		attrs["owner"] = types.String(r.Owner)
	}
	office := r.Office
	if f.keeper != "" {
		office = f.keeper
	}
	if office != "" {
		attrs["office"] = types.String(office)
	}
	entities := types.EntityMap{
		principal: {UID: principal, Attributes: types.NewRecord(properties)},
		resource:  {UID: resource, Attributes: types.NewRecord(attrs)},
	}
	subjects := r.subjects()
	decision, diagnostic := cedar.Authorize(s.set, entities, cedar.Request{
		Principal: principal,
		Action:    types.NewEntityUID("Action", types.String(r.Action)),
		Resource:  resource,
		Context: types.NewRecord(types.RecordMap{
			"purpose":    types.String(r.Purpose),
			"basis":      types.String(r.Basis),
			"service":    types.String(r.Service),
			"case":       types.String(r.Case),
			"subjects":   stringSet(subjects),
			"all":        types.Boolean(len(subjects) == 0),
			"fields":     stringSet(r.Fields),
			"classes":    stringSet(f.classes),
			"caseOpen":   types.Boolean(f.of.Open),
			"caseClosed": types.Long(f.closed),
			"caseOffice": types.String(f.of.Office),
			"caseOwners": stringSet(f.of.Persons),
			"breakGlass": types.Boolean(f.glass),
			"restricted": types.Boolean(f.restricted),
			"reaches":    types.Boolean(slices.Contains(s.reach.Case, r.Purpose)),
		}),
	})
	v := verdict{}
	for _, e := range diagnostic.Errors {
		v.problems = append(v.problems, string(e.PolicyID)+": "+e.Message)
	}
	rules := make([]string, 0, len(diagnostic.Reasons))
	v.two = len(diagnostic.Reasons) > 0
	for _, reason := range diagnostic.Reasons {
		rules = append(rules, string(reason.PolicyID))
		if p := s.set.Get(reason.PolicyID); p == nil || p.Annotations()["approval"] != "two" {
			v.two = false // another rule permits it without
		}
	}
	slices.Sort(rules)
	v.rule = strings.Join(rules, " ")
	// A forbid that fails to evaluate must not turn into a permit.
	v.allowed = decision == cedar.Allow && len(diagnostic.Errors) == 0
	v.two = v.two && v.allowed
	return v
}

func entityType(k Kind) types.EntityType {
	return types.EntityType(strings.ToUpper(string(k[:1])) + string(k[1:]))
}

func stringSet(list []string) types.Set {
	values := make([]types.Value, len(list))
	for i, s := range list {
		values[i] = types.String(s)
	}
	return types.NewSet(values...)
}
