// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"mercator/adapter/smtp"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/config"
	"mercator/core/identity"
	"mercator/core/job"
	"mercator/core/ledger"
	"mercator/core/store"
	"mercator/domain/oversight"
	"mercator/domain/oversight/oversightweb"
	"mercator/domain/register"
	"mercator/domain/register/bulk"
	"mercator/web"
	"mercator/web/ui"
)

// openOversight opens the room that the checker asks for emergencies and second persons, before there is a checker.
func (h *House) openOversight(policies fs.FS) error {
	rules, err := oversight.LoadRules(policies)
	if err != nil {
		return err
	}
	if h.staff, err = loadStaff(policies); err != nil {
		return err
	}
	if h.mail, err = openMail(h.config.Mail, h.now); err != nil {
		return err
	}
	a := &audit.Ledger{DB: h.db, Keys: ledger.Keys(h.vault)}
	c := oversight.Config{DB: h.db, Rules: rules, Now: h.now, Leaves: a.Leaves, Entry: a.EntryByID, Case: h.caseFacts, Publish: h.publish,
		Colleague: h.colleague, Self: identity.PersonOfStaff}
	if h.config.Oversight.Mail != "" {
		c.Mail = h.mailOfficer
	}
	h.oversight, err = oversight.New(c)
	return err
}

// openMail prepares the way to the city's mail server; nil: there is none.
func openMail(c config.Mail, now func() time.Time) (*smtp.Sender, error) {
	if c.Server == "" {
		return nil, nil
	}
	out := smtp.Config{Server: c.Server, Security: c.Security, From: c.From, User: c.User, CA: c.CA, Now: now}
	if c.User != "" {
		var err error
		if out.Password, err = c.Password.Read(); err != nil {
			return nil, fmt.Errorf("mail.password: %w", err)
		}
	}
	return smtp.New(out)
}

// jobMail is a mail to the data protection officer. It tries for as long as it takes: what isn't told is as good as not found.
const (
	jobMail   = "oversight.mail"
	mailTries = 1 << 20
)

// mailOfficer has a mail sent about what is new.
func (h *House) mailOfficer(ctx context.Context, tx *store.Tx, due time.Time, urgent string) error {
	key := jobMail
	if urgent != "" { // a try of its own, however long the others have been waiting for the server
		key += "/" + urgent
	}
	return h.jobs.Add(ctx, tx, job.New{Kind: jobMail, Key: key, RunAt: due, MaxAttempts: mailTries})
}

func (h *House) mailWorker() job.Worker {
	return job.Worker{Kind: jobMail, Limit: 1, Timeout: 2 * time.Minute, Work: func(ctx context.Context, j *job.Job) error {
		news, err := h.oversight.News(ctx)
		if err != nil || len(news.Findings) == 0 || h.mail == nil || h.config.Oversight.Mail == "" {
			return err // a mail before this one has told it, or nobody has an address any more: it stays untold
		}
		m := smtp.Message{To: h.config.Oversight.Mail}
		m.Subject, m.Text = oversightweb.Mail(h.words.Localizer(h.config.Oversight.Language), news, h.oversight.Rule, h.zone, h.config.Server.PublicURL)
		if err := h.mail.Send(ctx, m); err != nil {
			return err
		}
		return h.db.Write(ctx, func(tx *store.Tx) error {
			if err := j.Done(ctx, tx); err != nil {
				return err
			}
			return h.oversight.Sent(ctx, tx, news)
		})
	}}
}

// caseFacts are what is known of a case, for the policies and the detector.
func (h *House) caseFacts(ctx context.Context, q store.Q, id string) (access.CaseFacts, bool, error) {
	office, person, closed, err := h.cases.Facts(ctx, q, id)
	if notThere(err) {
		return access.CaseFacts{}, false, nil
	}
	f := access.CaseFacts{Open: closed.IsZero(), Office: office, ClosedAt: closed}
	if person != "" {
		f.Persons = []string{person}
	}
	return f, err == nil, err
}

// jobDetect is the detector's work. One key: one node at a time.
const jobDetect = "oversight.detect"

func (h *House) oversightWorker() job.Worker {
	return job.Worker{Kind: jobDetect, Limit: 1, Timeout: 10 * time.Minute, Work: func(ctx context.Context, _ *job.Job) error {
		for {
			if more, err := h.oversight.Detect(ctx); err != nil || !more {
				return err
			}
		}
	}}
}

// oversightPages plugs the registers into the pages of those who keep watch.
func (h *House) oversightPages(t *web.Templates) oversightweb.Config {
	return oversightweb.Config{Templates: t, Oversight: h.oversight, Access: h.access, Zone: h.zone, Actor: identity.Require, Office: h.officeName, Match: h.registers.MatchPerson,
		Registers: func(lang string) []oversightweb.Register {
			var out []oversightweb.Register
			for _, d := range h.definitions.All() {
				x := oversightweb.Register{ID: d.ID, Title: d.Title.For(lang), Office: d.Office, Person: d.Person != ""}
				for _, f := range d.Fields {
					if f.Class != register.Special {
						x.Fields = append(x.Fields, f.Name)
					}
				}
				out = append(out, x)
			}
			return out
		},
		Show: h.showRecords,
		Export: func(ctx context.Context, g access.Grant, id string, w io.Writer) error {
			_, err := bulk.Export(ctx, bulk.Giving{Registers: h.registers, Register: id, Format: "csv", Separator: ';', Grant: g, Seen: h.access.Seen}, w)
			return err
		},
		Scratch: h.config.Data.Dir,
		Erase: func(ctx context.Context, r access.Request, id, rule string) (n int, err error) {
			err = h.db.Write(ctx, func(tx *store.Tx) error {
				g, err := h.access.PermitTx(ctx, tx, r)
				if err != nil {
					return err
				}
				n, err = h.registers.EraseIn(ctx, tx, g, id, register.Erasure{Rule: rule})
				return err
			})
			return n, err
		},
	}
}

// showRecords are a person's records in a register, field by field.
func (h *House) showRecords(ctx context.Context, g access.Grant, id, person, lang string) ([]ui.SummaryRow, error) {
	d, ok := h.definitions.Get(id)
	if !ok {
		return nil, nil
	}
	v, err := h.registers.Fetch(ctx, g, register.Use{Register: id, Person: person, Fields: g.Request().Fields})
	if err != nil {
		return nil, err
	}
	list, _ := v.([]any)
	var out []ui.SummaryRow
	for _, one := range list {
		m, _ := one.(map[string]any)
		for _, f := range d.Fields {
			x, ok := m[f.Name]
			if !ok || x == nil {
				continue
			}
			out = append(out, ui.SummaryRow{Key: i18n.Text(f.Title).For(lang), Value: strings.TrimSpace(valueText(x))})
		}
	}
	return slices.Clip(out), nil
}
