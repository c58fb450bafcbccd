// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"fmt"
	"slices"
	"strings"

	"mercator/lang/feel"
	"mercator/lang/form"
)

// Cosign is a signature that an application needs besides its owner's: of a custodial parent, a spouse, a second shareholder.
// Where the package lets them, who signs fills in pages, too: then both apply together.
type Cosign struct {
	ID string
	// Title is what it is called, Declares what is declared by signing.
	Title, Declares Text
	// Pages are those that whoever signs may fill in; All: every one.
	Pages []string
	All   bool
	// Represented are the kinds of mandate of those who sign by applying: a parent who acts for a child needs no second
	// signature of a parent.
	Represented []string

	always bool
	when   form.Condition
}

// Needed tells whether the application needs the signature as it is filled in.
func (c Cosign) Needed(v *form.View) bool { return c.always || v.Holds(c.when) }

// Fills tells whether whoever signs may fill in a page.
func (c Cosign) Fills(page string) bool { return c.All || slices.Contains(c.Pages, page) }

// NeedsAnother tells whether an application as it is filled in needs anybody's signature besides its owner's.
func (s *Service) NeedsAnother(v *form.View) bool {
	return slices.ContainsFunc(s.Cosigns, func(c Cosign) bool { return c.Needed(v) })
}

// Cosign is the signature with that id.
func (s *Service) Cosign(id string) (Cosign, bool) {
	i := slices.IndexFunc(s.Cosigns, func(c Cosign) bool { return c.ID == id })
	if i < 0 {
		return Cosign{}, false
	}
	return s.Cosigns[i], true
}

type tomlCosign struct {
	ID          string   `toml:"id"`
	Title       Text     `toml:"title"`
	Declares    Text     `toml:"declares"`
	When        string   `toml:"when"`
	Fills       any      `toml:"fills"` // true, or pages
	Represented []string `toml:"represented"`
}

// maxCosigns bounds the signatures of one application.
const maxCosigns = 10

// cosigns reads which signatures an application needs, and holds them against its form.
func (p *parser) cosigns(data []byte, list []tomlCosign) {
	if len(list) > maxCosigns {
		p.problem("service.toml", lineOfBlock(data, "cosign", maxCosigns), "more than %d [[cosign]]", maxCosigns)
		return
	}
	for i, t := range list {
		line := lineOfBlock(data, "cosign", i)
		what := "[[cosign]] " + t.ID
		bad := func(format string, args ...any) {
			p.problem("service.toml", line, "%s: %s", what, fmt.Sprintf(format, args...))
		}
		c := Cosign{ID: t.ID, Title: t.Title, Declares: t.Declares, Represented: t.Represented}
		if _, twice := p.s.Cosign(t.ID); twice || !idPattern.MatchString(t.ID) {
			bad("id must be in lower case with hyphens, and one of its own")
		}
		p.texts(line, what+": title", t.Title)
		p.texts(line, what+": declares", t.Declares)
		switch fills := t.Fills.(type) {
		case nil:
		case bool:
			c.All = fills
		case []any:
			for _, x := range fills {
				page, _ := x.(string)
				if p.s.Form != nil && p.s.Form.Page(page) == nil {
					bad("fills: application.form has no page %v", x)
				}
				c.Pages = append(c.Pages, page)
			}
		default:
			bad("fills is true, or a list of pages")
		}
		if c.always = t.When == ""; !c.always && p.s.Form != nil {
			if !strings.HasPrefix(strings.TrimSpace(t.When), "=") {
				bad("when: an expression begins with \"=\": %s", t.When)
			}
			var unknown []string
			var err error
			if c.when, unknown, err = p.s.Form.Condition(t.When); err != nil {
				for _, e := range feel.Each(err) {
					bad("when: %s", e.Msg)
				}
			}
			for _, name := range unknown {
				bad("when reads %s: it knows the answers of application.form, and today()", name)
			}
		}
		p.s.Cosigns = append(p.s.Cosigns, c)
	}
}
