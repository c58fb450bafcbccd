// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/mandate"
	"mercator/domain/register"
)

// power is what the oracle knows of a mandate or a deputyship: what the test itself has arranged, written down by hand.
type power struct {
	name     string // "all of it", "revoked" …
	id       string
	actor    access.Actor // who has it, in their own right
	person   string       // whose matters they are; at the desk nobody's
	office   string       // at the desk: that of the colleague
	inForce  bool
	covers   bool // the service of the cases
	all      bool // services
	can      []string
	ofPerson string // the word for the name of whom they act for
}

func (p *power) may(action string) bool {
	return p.inForce && p.covers && slices.Contains(p.can, action)
}

// acts is who acts under the power, as a request names them.
func (p *power) acts() access.Actor {
	a := p.actor
	a.Mandate, a.For = p.id, p.person
	return a
}

const leakService = "resident-parking-permit" // of the cases

// leakGifts are the mandates that each person gives.
var leakGifts = []struct {
	name     string
	services []string // nil: all
	can      []string
	end      string
}{
	{"all of it", nil, mandate.Actions(), ""},
	{"reading in scope", []string{leakService}, []string{mandate.Read}, ""},
	{"filling in in scope", []string{leakService}, []string{mandate.Fill, mandate.Submit}, ""},
	{"messages and registers in scope", []string{leakService}, []string{mandate.Messages, mandate.Registers}, ""},
	{"out of scope", []string{"change-of-address"}, mandate.Actions(), ""},
	{"rights of the ward", nil, mandate.Actions(), ""}, // as a guardian's
	{"revoked", nil, mandate.Actions(), "revoked"},
	{"expired", nil, mandate.Actions(), "expired"},
	{"not redeemed", nil, mandate.Actions(), "not redeemed"},
}

// mandates gives each person's mandates to delegates of their own. Names of both sides are words.
func (l *leakHouse) giveMandates(fresh func(reg, person, class string) string) {
	l.t.Helper()
	ctx := context.Background()
	must := func(err error, problems ...mandate.Problem) {
		l.t.Helper()
		if err != nil || len(problems) > 0 {
			l.t.Fatal(err, problems)
		}
	}
	today := l.mandates.Today()
	for _, p := range l.persons {
		for i, g := range leakGifts {
			gives := leakActor(access.Resident, p, "")
			gives.Name = fresh("mandate", p, "")
			who := leakActor(access.Resident, fmt.Sprintf("delegate-%s-%d", p, i), "")
			who.Name = fresh("mandate", p, who.ID)
			gift := mandate.Gift{Kind: "authorised", All: g.services == nil, Services: g.services, From: today.Format(time.DateOnly), Until: today.AddDate(0, 6, 0).Format(time.DateOnly)}
			k, _ := l.mandates.Rules().Kind(gift.Kind)
			for _, a := range g.can {
				if slices.Contains(k.Actions, a) {
					gift.Actions = append(gift.Actions, a)
				}
			}
			if g.end == "" && slices.Contains(g.can, mandate.Submit) && !slices.Contains(g.can, mandate.Fill) {
				l.t.Fatal("who submits fills in")
			}
			m, code, problems, err := l.mandates.Give(ctx, gives, gift)
			must(err, problems...)
			if g.end != "not redeemed" {
				_, err = l.mandates.Redeem(ctx, who, code, "")
				must(err)
			}
			switch g.end {
			case "revoked":
				must(l.mandates.Revoke(ctx, gives, m.ID))
			case "expired":
				must(l.db.Write(ctx, func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, "UPDATE mandate_mandate SET until_at = $2 WHERE id = $1", m.ID, store.Micros(l.now().Add(-time.Second)))
					return err
				}))
			}
			if g.name == "rights of the ward" { // what an office would have entered
				gift.Actions = g.can
				must(l.db.Write(ctx, func(tx *store.Tx) error {
					_, err := tx.Exec(ctx, "UPDATE mandate_mandate SET kind = 'guardian', actions = $2 WHERE id = $1", m.ID, `["`+strings.Join(g.can, `","`)+`"]`)
					return err
				}))
			}
			l.powers = append(l.powers, &power{name: g.name, id: m.ID, actor: who, person: p, inForce: g.end == "",
				covers: g.services == nil || slices.Contains(g.services, leakService), all: g.services == nil, can: gift.Actions, ofPerson: gives.Name})
		}
	}
}

// nameDeputies arranges that members of office 36 stand in for some of office 32.
func (l *leakHouse) nameDeputies() {
	l.t.Helper()
	ctx := context.Background()
	must := func(err error) {
		l.t.Helper()
		if err != nil {
			l.t.Fatal(err)
		}
	}
	day := func(n int) string { return l.mandates.Today().AddDate(0, 0, n).Format(time.DateOnly) }
	for i, end := range []string{"", "ended", "expired", "moved"} {
		of, deputy := leakActor(access.Clerk, fmt.Sprintf("colleague%d", i), "32"), leakActor(access.Clerk, fmt.Sprintf("deputy%d", i), "36")
		must(l.mandates.SignedIn(ctx, of))
		must(l.mandates.SignedIn(ctx, deputy))
		d, problems, err := l.mandates.Name(ctx, of, mandate.Standing{Deputy: deputy.ID, From: day(0), Until: day(7)})
		if must(err); len(problems) > 0 {
			l.t.Fatal(problems)
		}
		switch end {
		case "ended":
			must(l.mandates.EndDeputy(ctx, of, d.ID))
		case "expired":
			must(l.db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE mandate_deputy SET until_at = $2 WHERE id = $1", d.ID, store.Micros(l.now().Add(-time.Second)))
				return err
			}))
		case "moved": // to an office that isn't the deputy's
			of.Office = "62"
			must(l.mandates.SignedIn(ctx, of))
		}
		name := end
		if end == "" {
			name = "deputy"
		}
		l.powers = append(l.powers, &power{name: "deputy " + name, id: d.ID, actor: deputy, office: "32", inForce: end == "", covers: true, all: true})
	}
}

// allowsActing is the oracle for who acts for somebody else: a mandate gives what it covers of that person and nothing of
// anybody else; a deputy has what the colleague would have; and what has ended gives nothing.
func (a asking) allowsActing(w word, restricted map[string]bool) bool {
	p := a.power
	if w.register == "mandate" { // their own list of mandates names both sides, whatever has become of it
		// Whoever receives all messages of the person reads what the house has told them of their other mandates.
		return w.text == p.ofPerson && p.name != "not redeemed" || w.class == a.actor.ID || w.person == p.person && p.may(mandate.Messages) && p.all
	}
	if !p.inForce {
		return false
	}
	if p.actor.Kind == access.Clerk {
		own := a
		own.power, own.actor.Mandate, own.actor.Office = nil, "", p.office
		return own.allows(w, restricted)
	}
	theirs := w.person == p.person
	rights := theirs && p.may(mandate.Rights) && p.all // whoever has them sees what is held, as the person would
	switch w.register {
	case "case", "document":
		return rights || theirs && p.may(mandate.Read)
	case "message":
		return rights || theirs && p.may(mandate.Messages)
	}
	if rights && a.purpose == register.OwnDataPurpose {
		return true
	}
	if restricted[w.register+" "+w.person] && a.purpose != leakReaches {
		return false
	}
	return theirs && a.named && p.may(mandate.Registers) && slices.Contains(a.actions, access.Read) || a.drawn(w, "delegate", "")
}

// throughMandates goes every way under each power, with everything of registers that could be allowed to a delegate allowed.
func (l *leakHouse) throughMandates(t *testing.T, rules []drawnRule) {
	for _, p := range l.powers {
		l.gave = map[string]int{}
		u := turn{leakHouse: l, asking: asking{actor: p.acts(), power: p, purpose: leakReaches, rules: rules}, pick: l.words[2]}
		u.fields = map[string][]string{"dossiers": {"plain", "memo", "alias", "note"}}
		for _, named := range []bool{false, true} {
			u.named = named
			if err := u.all(80); err != nil {
				t.Errorf("%s: %v", p.name, err)
			}
		}
		// What is allowed is given by some way, or this test would look at nothing.
		for _, way := range leakWays(p) {
			if l.gave[way] == 0 {
				t.Errorf("%s of %s: nothing by %s (%v)", p.name, p.person, way, l.gave)
			}
		}
	}
}

// leakWays are ways by which who has a power must be given something.
func leakWays(p *power) (out []string) {
	switch {
	case !p.inForce:
	case p.actor.Kind == access.Clerk:
		out = []string{"get", "search", "pages desk", "pdf desk"}
	default:
		out = []string{"get", "fetch"}
		if p.may(mandate.Read) {
			out = append(out, "pages cases", "pdf documents")
		}
		if p.may(mandate.Rights) {
			out = append(out, "own data", "pages my-data", "pdf my-data")
		}
		if p.may(mandate.Messages) && p.all {
			out = append(out, "pages postbox")
		}
	}
	return out
}
