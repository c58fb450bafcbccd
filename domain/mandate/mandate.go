// SPDX-License-Identifier: EUPL-1.2

package mandate

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/BurntSushi/toml"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
)

// The actions that a mandate can cover.
const (
	Read      = "read"      // cases and their documents
	Fill      = "fill"      // applications
	Submit    = "submit"    // applications and what the office asks to be put right
	Messages  = "messages"  // of the office
	Registers = "registers" // what registers hold of the person, for an application
	Rights    = "rights"    // over the person's data: what is held, who read it, correction, restriction (Art. 15 to 22 GDPR)
)

// Actions are all of them, in the order of the pages.
func Actions() []string { return []string{Read, Fill, Submit, Messages, Registers, Rights} }

// The states of a mandate. Whether it is in force is a matter of its term, too.
const (
	Invited     = "invited"     // the code hasn't been redeemed
	Unconfirmed = "unconfirmed" // an office has to confirm it
	Active      = "active"
	Ended       = "ended"
)

// Who ended a mandate, and who gives one.
const (
	ByPrincipal = "principal"
	ByDelegate  = "delegate"
	ByOffice    = "office"
)

// Kind is a kind of mandate.
type Kind struct {
	ID           string    `toml:"id"`
	Basis        string    `toml:"basis"`
	Given        string    `toml:"given"`   // person, office
	Confirm      string    `toml:"confirm"` // delegate, office
	Offices      []string  `toml:"offices"`
	Proof        bool      `toml:"proof"`
	Organisation bool      `toml:"organisation"`
	Actions      []string  `toml:"actions"`
	All          bool      `toml:"all"`
	Topics       []string  `toml:"topics"` // empty: any
	Longest      int       `toml:"longest"`
	Until        string    `toml:"until"` // "18"
	Title        i18n.Text `toml:"title"`
	Text         i18n.Text `toml:"text"`
}

// ByOffice tells whether an office enters mandates of the kind.
func (k Kind) ByOffice() bool { return k.Given == "office" }

// Rules are the kinds, and what holds for deputies at the desk.
type Rules struct {
	Kinds    []Kind   `toml:"kind"`
	Deputies Deputies `toml:"deputies"`
}

// Deputies are the rules of deputyships.
type Deputies struct {
	Longest  int      `toml:"longest"`  // days
	Reserved []string `toml:"reserved"` // roles that a deputy has only where it's said
}

// Kind finds one.
func (r *Rules) Kind(id string) (Kind, bool) {
	i := slices.IndexFunc(r.Kinds, func(k Kind) bool { return k.ID == id })
	if i < 0 {
		return Kind{}, false
	}
	return r.Kinds[i], true
}

const maxRules = 1 << 18

// LoadRules reads mandates.toml of the city's folder. What it can't mean is an error.
func LoadRules(city fs.FS) (*Rules, error) {
	const op, file = "mandate.loadRules", "mandates.toml"
	text, err := fs.ReadFile(city, file)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	if len(text) > maxRules {
		return nil, fault.Internalf(op, "%s is larger than %d bytes", file, maxRules)
	}
	var r Rules
	meta, err := toml.Decode(string(text), &r)
	if err != nil {
		return nil, fault.Because(fault.Internal, op, "", fmt.Errorf("%s: %w", file, err))
	}
	var bad []string
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	for _, k := range meta.Undecoded() {
		say("unknown key %s", k)
	}
	seen := map[string]bool{}
	for _, k := range r.Kinds {
		switch {
		case k.ID == "" || seen[k.ID]:
			say("the kind %q is without an id or there twice", k.ID)
		case k.Basis == "":
			say("%s: a legal basis is needed", k.ID)
		case k.Given != "person" && k.Given != "office":
			say("%s: given is person or office", k.ID)
		case k.Confirm != "delegate" && k.Confirm != "office":
			say("%s: confirm is delegate or office", k.ID)
		case (k.ByOffice() || k.Confirm == "office") && len(k.Offices) == 0:
			say("%s: offices are needed", k.ID)
		case k.ByOffice() && k.Confirm != "office":
			say("%s: what an office enters it has confirmed", k.ID)
		case k.Until != "" && (k.Until != "18" || !k.ByOffice()):
			say("%s: until is 18, of a kind that an office enters", k.ID)
		case k.Longest < 0 || k.Longest == 0 && k.Until == "":
			say("%s: longest is needed: nobody acts for anybody for ever", k.ID)
		case len(k.Actions) == 0:
			say("%s: actions are needed", k.ID)
		}
		for _, a := range k.Actions {
			if !slices.Contains(Actions(), a) {
				say("%s: there is no action %q", k.ID, a)
			}
		}
		for _, lang := range i18n.Required {
			if k.Title[lang] == "" || k.Text[lang] == "" {
				say("%s: a text is missing in %s", k.ID, lang)
			}
		}
		seen[k.ID] = true
	}
	if r.Deputies.Longest <= 0 {
		say("[deputies]: longest is needed")
	}
	if len(bad) > 0 {
		return nil, fault.Internalf(op, "%s: %s", file, strings.Join(bad, "; "))
	}
	return &r, nil
}

// Mandate is that somebody may act for somebody.
type Mandate struct {
	ID, Kind, State          string
	Principal, PrincipalName string // the name is empty once the person's key is destroyed
	Delegate, DelegateName   string // empty until the invitation is redeemed; the name as the other one
	Organisation             string
	Office                   string // that enters or confirms it
	All                      bool
	Services, Topics         []string
	Actions                  []string
	From, Until              time.Time // Until is the first instant at which it isn't in force any more
	CodeUntil                time.Time
	CreatedAt, AcceptedAt    time.Time
	ConfirmedAt              time.Time
	ConfirmedBy, Proof       string
	EndedAt                  time.Time
	EndedBy                  string
	UsedAt                   time.Time
	Uses                     int64

	principalSealed, delegateSealed []byte
}

// InForce tells whether it can be used at an instant. The statement that uses it says the same in SQL.
func (m Mandate) InForce(at time.Time) bool {
	return m.State == Active && !at.Before(m.From) && at.Before(m.Until)
}

// Facts are what the checker is told of a mandate. The kind, as it is now, bounds what was once given.
func (m Mandate) Facts(k Kind, services func(topic string) []string) access.Mandate {
	f := access.Mandate{ID: m.ID, Kind: m.Kind, Person: m.Principal, All: m.All && k.All}
	for _, a := range m.Actions {
		if slices.Contains(k.Actions, a) {
			f.Actions = append(f.Actions, a)
		}
	}
	add := func(id string) {
		if !slices.Contains(f.Services, id) {
			f.Services = append(f.Services, id)
		}
	}
	within := func(string) bool { return true }
	if len(k.Topics) > 0 {
		var of []string
		for _, t := range k.Topics {
			of = append(of, services(t)...)
		}
		within = func(id string) bool { return slices.Contains(of, id) }
	}
	for _, id := range m.Services {
		if within(id) {
			add(id)
		}
	}
	for _, t := range m.Topics {
		for _, id := range services(t) {
			if within(id) {
				add(id)
			}
		}
	}
	slices.Sort(f.Services)
	return f
}

// Gift is a mandate that somebody wants to give. Days are those of the city.
type Gift struct {
	Kind             string
	All              bool
	Services, Topics []string
	Actions          []string
	From, Until      string // 2006-01-02; Until is the last day
}

// Problem is what is wrong with a field of a form; Msg is a key of the catalogue.
type Problem struct {
	Field, Msg string
	Args       []any
}

const (
	maxScope = 60 // services or topics in one mandate
	codeDays = 14
)

// check holds a gift against its kind. Services and topics must be there, which known tells.
func (g Gift) check(k Kind, today time.Time, known func(kind, id string) bool, within func(service string) bool) (from, until time.Time, out []Problem) {
	say := func(field, msg string, args ...any) { out = append(out, Problem{field, "mandate." + msg, args}) }
	switch {
	case g.All && !k.All:
		say("scope", "notAll")
	case !g.All && len(g.Services)+len(g.Topics) == 0:
		say("scope", "noScope")
	case len(g.Services)+len(g.Topics) > maxScope:
		say("scope", "wideScope", "max", maxScope)
	}
	for _, id := range g.Services {
		if !known("service", id) || !within(id) {
			say("scope", "foreignScope")
			break
		}
	}
	for _, id := range g.Topics {
		if !known("topic", id) || len(k.Topics) > 0 && !slices.Contains(k.Topics, id) {
			say("scope", "foreignScope")
			break
		}
	}
	if len(g.Actions) == 0 {
		say("actions", "noAction")
	}
	for _, a := range g.Actions {
		if !slices.Contains(k.Actions, a) {
			say("actions", "foreignAction")
			break
		}
	}
	if slices.Contains(g.Actions, Submit) && !slices.Contains(g.Actions, Fill) {
		say("actions", "submitNeedsFill")
	}
	from, until, more := term(g.From, g.Until, today, k.Longest)
	return from, until, append(out, more...)
}

// term reads the first and the last day of something that begins today or later and lasts at most so many days.
func term(first, last string, today time.Time, longest int) (from, until time.Time, out []Problem) {
	say := func(field, msg string, args ...any) { out = append(out, Problem{field, "mandate." + msg, args}) }
	from, err := time.ParseInLocation(time.DateOnly, first, today.Location())
	if err != nil {
		say("from", "noDate")
	}
	until, err2 := time.ParseInLocation(time.DateOnly, last, today.Location())
	if err2 != nil {
		say("until", "noDate")
	}
	if err != nil || err2 != nil {
		return from, until, out
	}
	until = until.AddDate(0, 0, 1)
	switch {
	case from.Before(today):
		say("from", "past")
	case from.After(today.AddDate(1, 0, 0)):
		say("from", "farAway")
	case !until.After(from):
		say("until", "endsBefore")
	case until.After(from.AddDate(0, 0, longest)):
		say("until", "tooLong", "days", longest)
	}
	return from, until, out
}

// adulthood is the instant at which somebody comes of age: the year in which they were born isn't counted to the hour, so it
// is the beginning of the eighteenth birthday (§§ 2, 187 (2), 188 (2) BGB); of those born on 29 February the first of March in
// a year that has no such day.
func adulthood(birthDate string, zone *time.Location) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, birthDate, zone)
	if err != nil {
		return t, err
	}
	return time.Date(t.Year()+18, t.Month(), t.Day(), 0, 0, 0, 0, zone), nil
}

// --- invitation codes

// codeAlphabet has no letters that are mistaken for one another or for a digit (Crockford's base 32).
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const codeLength = 26 // of 5 bit each: 128 bit and two to spare

// newCode makes an invitation code of 128 bit and more, in groups that can be read out.
func newCode() string {
	b := make([]byte, codeLength)
	rand.Read(b)
	var s strings.Builder
	for i, x := range b {
		if i > 0 && i%5 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(codeAlphabet[x%32])
	}
	return s.String()
}

// codeHash is what is kept of a code, and how one that was typed is found: without what people put between the groups, and with
// what they mistake put right. A text that can be no code has none.
func codeHash(code string) string {
	if len(code) > 200 {
		return ""
	}
	plain := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' { // no other letter becomes one of these by being made large
			r -= 'a' - 'A'
		}
		switch {
		case r == 'O':
			return '0'
		case r == 'I' || r == 'L':
			return '1'
		case r == '-' || unicode.IsSpace(r):
			return -1
		}
		return r
	}, code)
	if len(plain) != codeLength || strings.Trim(plain, codeAlphabet) != "" {
		return ""
	}
	h := sha256.Sum256([]byte("mercator mandate " + plain))
	return hex.EncodeToString(h[:])
}
