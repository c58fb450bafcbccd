// SPDX-License-Identifier: EUPL-1.2

package intakeweb

import (
	"net/http"

	"mercator/domain/intake"
	"mercator/web"
	"mercator/web/ui"
)

// changed tells once what is different about the form since the owner of the draft was last here. Sending a page that shows it
// ends it, and so does a button where there is no page to send.
type changed struct {
	Alert ui.Alert
	Since ui.Hidden
	Form  *ui.Form
}

// toldField says which version somebody has been told the changes since.
const toldField = "_told"

func (v visit) changed(f *intake.Filling, button bool) *changed {
	if len(f.Changes) == 0 {
		return nil
	}
	c := &changed{Alert: ui.Alert{Tone: ui.Warning, Title: v.loc.T("intake.changed.title"), Text: v.loc.T("intake.changed.text")},
		Since: ui.Hidden{Name: toldField, Value: v.draft.Since}}
	for _, d := range f.Changes {
		c.Alert.List = append(c.Alert.List, d.Words(v.loc))
	}
	if button && v.draft.Helper == "" {
		c.Form = &ui.Form{Action: path("apply", v.draft.ID, "told"), Items: []ui.Component{c.Since}, Buttons: []ui.Button{{Text: v.loc.T("intake.changed.seen"), Kind: "secondary"}}}
	}
	return c
}

// saw notes that a page was sent which told of changes.
func (p *Pages) saw(r *http.Request, v visit, since string) error {
	if since == "" || since != v.draft.Since || v.draft.Helper != "" {
		return nil
	}
	return p.c.Intake.Told(r.Context(), v.actor, v.draft.ID, since)
}

func (p *Pages) takeTold(w http.ResponseWriter, r *http.Request, v visit) error {
	in, err := posted(r)
	if err != nil {
		return err
	}
	if err := p.saw(r, v, in.Get(toldField)); err != nil {
		return err
	}
	web.SeeOther(w, path("apply", v.draft.ID))
	return nil
}
