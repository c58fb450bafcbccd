// SPDX-License-Identifier: EUPL-1.2

package oversightweb

import (
	"strings"
	"time"

	"mercator/base/i18n"
	"mercator/domain/oversight"
)

// Mail is what the data protection officer is written about what is new: which rules found something, when, and where to look.
// A mail lies on servers of others, so it says nothing about a person.
func Mail(loc *i18n.Localizer, n oversight.News, rule func(id string) (oversight.Rule, bool), zone *time.Location, base string) (subject, text string) {
	kind := func(f oversight.Told) string {
		if r, ok := rule(f.Rule); ok {
			return r.Title.For(loc.Lang())
		}
		return f.Rule
	}
	if len(n.Findings) == 0 {
		return "", ""
	}
	parts := []string{loc.T("oversightweb.mail.intro")}
	for _, f := range n.Findings {
		parts = append(parts, kind(f)+"\n"+loc.DateTime(f.At.In(zone))+"\n"+base+"/desk/oversight/"+f.ID)
	}
	if n.More {
		parts = append(parts, loc.T("oversightweb.mail.more", "url", base+"/desk/oversight"))
	}
	return loc.T("oversightweb.mail.subject", "kind", kind(n.Findings[0])), strings.Join(parts, "\n\n") + "\n"
}
