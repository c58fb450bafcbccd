// SPDX-License-Identifier: EUPL-1.2

package intake

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/service"
	"mercator/lang/form"
)

// A draft follows the form in force. When that has changed, the answers are carried over by the rules of the package
// (migrate.toml) and by name, as soon as the draft is read; it is written so with the next change. Its owner is told once what
// of it concerns them. What has no place any more stays in the draft until it is submitted, when all of it goes: if the version
// before comes into force again, it is there.

// migrate carries a draft over to the version in force.
func (in *Intake) migrate(ctx context.Context, d *Draft) error {
	s, ok := in.c.Services.Current(d.Service)
	if !ok || d.State != Open || d.Version == s.Version {
		return nil
	}
	old, err := in.version(ctx, d.Service, d.Version)
	if err != nil {
		return err
	}
	rules := s.MigrationRules(d.Version)
	if old != nil && len(rules) == 0 && len(form.Diff(old.Form, s.Form)) == 0 {
		d.Version = s.Version // something else of the package has changed
		return nil
	}
	var was *form.Form
	if old != nil {
		was = old.Form
	}
	vars := map[string]any{"registers": nil}
	if d.Registers != nil {
		vars["registers"] = d.Registers
	}
	now := form.Migrate(was, s.Form, form.Filled{Answers: d.Answers, Raw: d.Raw, Kept: d.Kept}, rules, form.Context{Vars: vars, Lang: "de", Today: in.today()})
	if d.Since == "" && old != nil {
		d.Since = d.Version
	}
	d.Version, d.Answers, d.Raw, d.Kept = s.Version, now.Answers, now.Raw, now.Kept
	d.Rivals, d.Filled = form.Moved(d.Rivals, now.Moves), form.Moved(d.Filled, now.Moves)
	return nil
}

// version is a version of a service; nil if the house doesn't have it, or can't read it any more.
func (in *Intake) version(ctx context.Context, id, version string) (*service.Service, error) {
	s, err := in.c.Services.Version(ctx, id, version)
	var unreadable *service.ParseError
	if fault.Is(err, fault.NotFound) || errors.As(err, &unreadable) {
		return nil, nil
	}
	return s, err
}

// changes puts what the owner of a draft has to be told into what they meet.
func (in *Intake) changes(ctx context.Context, f *Filling) error {
	if f.Draft.Since == "" || f.Draft.Since == f.Service.Version {
		return nil
	}
	old, err := in.version(ctx, f.Service.ID, f.Draft.Since)
	if err != nil || old == nil {
		return err
	}
	f.Changes = form.Concerns(old.Form, f.View, f.Draft.Kept, f.Service.MigrationRules(f.Draft.Since))
	return nil
}

// Told notes that the owner of a draft has seen what has changed since a version. What they have seen of another version says
// nothing.
func (in *Intake) Told(ctx context.Context, a access.Actor, id, since string) error {
	const op = "intake.told"
	return in.change(ctx, op, a, id, func(d *Draft) error {
		if err := ownersOnly(op, *d); err != nil {
			return err
		}
		if d.Since == since {
			d.Since = ""
		}
		return nil
	})
}

// stale is a post of a page of an older version: what has another name now is taken by it, and what isn't asked any more is kept
// in the draft, word for word; held says that something is.
func (in *Intake) stale(ctx context.Context, s *service.Service, d *Draft, post url.Values) (current url.Values, held bool, err error) {
	unknown := slices.DeleteFunc(slices.Clone(post[form.PostedField]), func(name string) bool { return s.Form.Field(name) != nil })
	if len(unknown) == 0 || d.Since == "" {
		return post, false, nil
	}
	old, err := in.version(ctx, s.ID, d.Since)
	if err != nil || old == nil {
		return post, false, err
	}
	var moved []form.Move
	for _, r := range s.MigrationRules(d.Since) {
		if _, there := s.Form.Place(r.Old); !there && r.Old != "" && len(r.Values) == 0 && r.Old != r.New {
			moved = append(moved, form.Move{From: r.Old, To: r.New})
		}
	}
	// now is what the page's name of something is called, where no question has that name any more.
	now := func(name string) string {
		if _, there := s.Form.Place(name); there {
			return name
		}
		for _, m := range moved {
			name = m.Name(name)
		}
		return name
	}
	out := url.Values{}
	for key, values := range post {
		if to := now(key); to == key || !post.Has(to) {
			out[to] = values
		}
	}
	for _, button := range [...]string{form.AddRow, form.RemoveRow, TakeField} {
		if name := post.Get(button); name != "" {
			out.Set(button, now(name))
		}
	}
	var names []string
	for i, name := range post[form.PostedField] {
		if to := now(name); to != name {
			name = to
		} else if f := old.Form.Field(name); f != nil && f.Input() && i < form.MaxPosted && slices.Contains(unknown, name) {
			if msg := notTheirs(s, *d, f); msg != "" {
				return nil, false, fault.New(fault.Denied, "intake.stale", msg)
			}
			if text := strings.Join(post[name], "\n"); text != "" && len(text) <= 4*form.MaxText {
				if d.Kept = maps.Clone(d.Kept); d.Kept == nil {
					d.Kept = map[string]form.Held{}
				}
				d.Kept[name] = form.Held{Raw: form.Storable(text)}
				held = true
			}
		}
		names = append(names, name)
	}
	out[form.PostedField] = names
	// The marks of what the page showed go by the old names.
	marked := func(s string) string {
		name, mark, _ := strings.Cut(s, ":")
		return now(name) + ":" + mark
	}
	seen := strings.Fields(post.Get(SeenField))
	for i, x := range seen {
		seen[i] = marked(x)
	}
	if len(seen) > 0 {
		out.Set(SeenField, strings.Join(seen, " "))
	}
	for i, x := range post[RivalField] {
		if i == 0 {
			out[RivalField] = nil
		}
		out[RivalField] = append(out[RivalField], marked(x))
	}
	return out, held, nil
}
