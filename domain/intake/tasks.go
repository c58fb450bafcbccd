// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"slices"

	"mercator/core/access"
	"mercator/lang/form"
)

// Topics is the list of a long form's pages, as it stands. What was written in two places isn't done before somebody has decided.
func (f *Filling) Topics() []form.Topic {
	topics := f.View.Topics(f.Draft.Sent)
	for i, t := range topics {
		if t.State == form.Done && len(f.Rivalries(t.Page.ID)) > 0 {
			topics[i].State = form.Begun
		}
	}
	return topics
}

// Finished is how many topics of a list there is nothing to do about any more, and how many there are; those that aren't needed
// don't count.
func Finished(topics []form.Topic) (done, all int) {
	for _, t := range topics {
		if t.State != form.Unneeded {
			all++
		}
		if t.State == form.Done {
			done++
		}
	}
	return done, all
}

// TaskList tells whether it is filled in from a list of its topics. In a life event its pages follow those of the other forms.
func (f *Filling) TaskList() bool { return f.Whole == nil && f.View.Form.TaskList() }

// Sent notes that a page of a long form was sent without a mistake: what it asks besides may be left empty on purpose.
func (in *Intake) Sent(ctx context.Context, a access.Actor, id, page string) error {
	d, err := in.find(ctx, a, id)
	if err != nil {
		return err
	}
	s, err := in.Service(d)
	if err != nil || !s.Form.TaskList() || s.Form.Page(page) == nil || slices.Contains(d.Sent, page) {
		return err
	}
	return in.change(ctx, "intake.sent", a, id, func(d *Draft) error {
		if !slices.Contains(d.Sent, page) {
			d.Sent = append(d.Sent, page)
		}
		// Of pages that the form has: it may have become another.
		d.Sent = slices.DeleteFunc(d.Sent, func(p string) bool { return s.Form.Page(p) == nil })
		return nil
	})
}
