// SPDX-License-Identifier: EUPL-1.2

package process

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/job"
	"mercator/core/store"
	"mercator/lang/bpmn"
)

// IncidentGroup are the open incidents of one service, at one element, with one cause.
type IncidentGroup struct {
	Service, Element, Cause string
}

// GroupCount is a group and how many there are in it, the oldest since First.
type GroupCount struct {
	IncidentGroup
	N           int
	First, Last time.Time
}

// OpenIncident is an incident with what an operator has to know of its case.
type OpenIncident struct {
	Incident
	CaseRef, Version, Office string
	Cause                    string
	ResolvedAt               time.Time // zero: it's open
	ResolvedBy, ResolvedName string
}

// Group is the group that an incident is in.
func (i OpenIncident) Group() IncidentGroup { return IncidentGroup{i.Service, i.Element, i.Cause} }

// RetryState is how a retry of many incidents stands.
type RetryState string

// The states of a retry.
const (
	Retrying RetryState = "running"
	Retried  RetryState = "done"
)

// BulkRetry is many incidents tried again at once.
type BulkRetry struct {
	ID string
	IncidentGroup
	Chosen []string // the incidents that were chosen; none: all of the group
	Total  int
	// Resolved went on, Again came back with an incident at once, Gone were no longer
	// open, Failed couldn't be tried and are open as they were. Work that is done
	// outside the step and fails later is a new incident, and isn't counted here.
	Resolved, Again, Gone, Failed int
	State                         RetryState
	By                            access.Actor
	At, Changed                   time.Time

	office, last, upto string
}

// Tried is how many have had their turn.
func (b BulkRetry) Tried() int { return b.Resolved + b.Again + b.Gone + b.Failed }

// Bounds of incidents.
const (
	incidentGroupsMax = 200
	maxCause          = 200
	maxChosen         = 1000
	maxBulk           = 1_000_000
	retryTogether     = 50 // incidents of one run of the job; the others come with the next
	retryKind         = "process.retry"
	// IncidentCountLimit is how far a group is counted; a number above it means "more than".
	IncidentCountLimit = 10_000
)

// cause is the reason without what differs from case to case: words with digits, what
// stands in quotation marks, addresses. It groups, and shows nobody's data.
func cause(reason string) string {
	var out []string
	const mark = "…"
	add := func(w string) {
		if w != mark || len(out) == 0 || out[len(out)-1] != mark {
			out = append(out, w)
		}
	}
	closing := map[rune]string{'"': `"`, '„': `“”"`, '“': `”“`, '«': "»", '‘': "’"}
	quoted := ""
	var b strings.Builder
	for _, r := range reason {
		switch {
		case quoted != "":
			if strings.ContainsRune(quoted, r) {
				quoted = ""
				b.WriteString(mark)
			}
		case closing[r] != "":
			quoted = closing[r]
		default:
			b.WriteRune(r)
		}
	}
	if quoted != "" {
		b.WriteString(mark)
	}
	for _, w := range strings.Fields(b.String()) {
		if strings.ContainsFunc(w, unicode.IsDigit) || strings.ContainsAny(w, "@") || strings.Contains(w, mark) {
			end := strings.TrimRightFunc(w, func(r rune) bool { return strings.ContainsRune(".,;:!?)", r) })
			add(mark)
			if rest := w[len(end):]; rest != "" && !strings.HasSuffix(out[len(out)-1], rest) {
				out[len(out)-1] += rest
			}
			continue
		}
		add(w)
	}
	s := []rune(strings.Join(out, " "))
	return string(s[:min(len(s), maxCause)])
}

// operator is whose grant it is, and the office that it is bound to, or "".
func operator(op string, g access.Grant, actions ...string) (access.Actor, string, error) {
	r := g.Request()
	if g.Zero() || r.Resource != "incident" || !slices.Contains(actions, r.Action) {
		return access.Actor{}, "", fault.Internalf(op, "needs a grant for incidents to %v", actions)
	}
	return g.Actor(), r.Office, nil
}

// IncidentGroups are the groups of open incidents, those with most of them first.
func (e *Engine) IncidentGroups(ctx context.Context, g access.Grant) ([]GroupCount, error) {
	const op = "process.incidentGroups"
	_, office, err := operator(op, g, access.List)
	if err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, scanGroup, incidentGroups, office, incidentGroupsMax, IncidentCountLimit+1)
	slices.SortStableFunc(out, func(a, b GroupCount) int { return b.N - a.N })
	return out, fault.Wrap(op, err)
}

// GroupIncidents are the open incidents of a group, oldest first; after is the id of the last one
// of the page before. Who shows them puts on record whose cases they are: a reason may quote data.
func (e *Engine) GroupIncidents(ctx context.Context, g access.Grant, of IncidentGroup, after string, n int) ([]OpenIncident, error) {
	const op = "process.groupIncidents"
	_, office, err := operator(op, g, access.List)
	if err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, scanOpenIncident, groupIncidents, of.Service, of.Element, of.Cause, after, office, min(max(n, 1), maxPage))
	return out, fault.Wrap(op, err)
}

// CaseOfIncident is the case that an incident is about, to ask for a grant with. It shows nothing of it.
func (e *Engine) CaseOfIncident(ctx context.Context, id string) (Ref, error) {
	const op = "process.caseOfIncident"
	i, err := store.One(ctx, e.db, scanOpenIncident, oneIncident, id, "")
	if err != nil {
		return Ref{}, fault.Wrap(op, err)
	}
	return Ref{InstanceID: i.InstanceID, CaseID: i.CaseID, Service: i.Service, Version: i.Version, Office: i.Office}, nil
}

// Incident is one incident, open or resolved.
func (e *Engine) Incident(ctx context.Context, g access.Grant, id string) (OpenIncident, error) {
	const op = "process.incident"
	_, office, err := operator(op, g, access.Read, access.Change)
	if err != nil {
		return OpenIncident{}, err
	}
	i, err := store.One(ctx, e.db, scanOpenIncident, oneIncident, id, office)
	return i, fault.Wrap(op, err)
}

// IncidentPlace is where an incident stands: its instance, for the diagram and what happened before.
func (e *Engine) IncidentPlace(ctx context.Context, g access.Grant, id string) (Instance, error) {
	const op = "process.incidentPlace"
	i, err := e.Incident(ctx, g, id)
	if err != nil {
		return Instance{}, err
	}
	v, err := e.View(ctx, i.CaseID)
	return v, fault.Wrap(op, err)
}

// RetryIncident tries again what an incident stopped. It tells the incident that came of it at
// once, if one did; one that isn't open any more is a Conflict.
func (e *Engine) RetryIncident(ctx context.Context, g access.Grant, id string) (again string, err error) {
	const op = "process.retryIncident"
	a, office, err := operator(op, g, access.Change)
	if err != nil {
		return "", err
	}
	i, err := store.One(ctx, e.db, scanOpenIncident, oneIncident, id, office)
	if err != nil {
		return "", fault.Wrap(op, err)
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		if err := e.Retry(ctx, tx, a, id); err != nil {
			return err
		}
		again, err = e.cameBack(ctx, tx, i)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		return "", fault.New(fault.Conflict, op, "process.incidentGone")
	}
	return again, fault.Wrap(op, err)
}

func (e *Engine) cameBack(ctx context.Context, q store.Q, i OpenIncident) (string, error) {
	var id string
	return id, ignoreNoRow(q.QueryRow(ctx, incidentAt, i.InstanceID, i.Token, i.ID).Scan(&id))
}

// RetryIncidents tries many incidents again: those that are chosen, or all of a group that are
// open now. It is done in the background, a few at a time; BulkRetryOf tells how far it is.
func (e *Engine) RetryIncidents(ctx context.Context, g access.Grant, of IncidentGroup, chosen []string) (BulkRetry, error) {
	const op = "process.retryIncidents"
	a, office, err := operator(op, g, access.Change)
	if err != nil {
		return BulkRetry{}, err
	}
	if len(chosen) > maxChosen {
		return BulkRetry{}, fault.New(fault.Invalid, op, "process.tooManyIncidents", "n", maxChosen)
	}
	if !slices.ContainsFunc(chosen, func(id string) bool { return !ident.Valid(id) }) {
		chosen = slices.Compact(slices.Sorted(slices.Values(chosen)))
	} else {
		return BulkRetry{}, fault.New(fault.Invalid, op, "process.noIncident")
	}
	now := e.now()
	b := BulkRetry{ID: ident.New(), IncidentGroup: of, Chosen: chosen, Total: len(chosen), State: Retrying, By: a, At: now.UTC(), Changed: now.UTC(), office: office}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		text := ""
		if len(chosen) > 0 {
			list, err := json.Marshal(chosen)
			if err != nil {
				return err
			}
			text, b.IncidentGroup = string(list), IncidentGroup{}
		} else {
			if err := tx.QueryRow(ctx, groupBounds, of.Service, of.Element, of.Cause, office, maxBulk).Scan(&b.Total, &b.upto); err != nil {
				return err
			}
			if b.Total == 0 {
				return fault.New(fault.Conflict, op, "process.incidentGone")
			}
		}
		if _, err := tx.Exec(ctx, insertRetry, b.ID, b.Service, b.Element, b.Cause, office, text, b.upto, b.Total, string(a.Kind), a.ID, a.Name, store.Micros(now)); err != nil {
			return err
		}
		_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: retryKind, Key: retryKind + "/" + b.ID, Args: retryArgs{b.ID}})
		return err
	})
	return b, fault.Wrap(op, err)
}

// BulkRetryOf tells how far a retry is.
func (e *Engine) BulkRetryOf(ctx context.Context, g access.Grant, id string) (BulkRetry, error) {
	const op = "process.bulkRetryOf"
	_, office, err := operator(op, g, access.List, access.Read)
	if err != nil {
		return BulkRetry{}, err
	}
	b, err := store.One(ctx, e.db, scanRetry, oneRetry, id, office)
	return b, fault.Wrap(op, err)
}

// BulkRetries are the last retries, the newest first.
func (e *Engine) BulkRetries(ctx context.Context, g access.Grant, n int) ([]BulkRetry, error) {
	const op = "process.bulkRetries"
	_, office, err := operator(op, g, access.List)
	if err != nil {
		return nil, err
	}
	out, err := store.All(ctx, e.db, scanRetry, recentRetries, office, min(max(n, 1), maxPage))
	return out, fault.Wrap(op, err)
}

type retryArgs struct {
	Retry string `json:"retry"`
}

// retryOn tries the next incidents of a retry again, each in a transaction of its own with the
// place in the list, so that none has two turns; then it plans its next run.
func (e *Engine) retryOn(ctx context.Context, j *job.Job) error {
	const op = "process.retryOn"
	var a retryArgs
	if err := j.Read(&a); err != nil {
		return err
	}
	for range retryTogether {
		b, err := store.One(ctx, e.db, scanRetry, oneRetry, a.Retry, "")
		if err != nil {
			return fault.Wrap(op, err)
		}
		if b.State != Retrying {
			return nil
		}
		next, err := e.nextOf(ctx, b)
		if err != nil {
			return fault.Wrap(op, err)
		}
		if next == "" {
			return fault.Wrap(op, e.db.Write(ctx, func(tx *store.Tx) error {
				if err := j.Done(ctx, tx); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, endRetry, b.ID, store.Micros(e.now()))
				return err
			}))
		}
		if err := e.retryOne(ctx, b, next); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return fault.Wrap(op, e.db.Write(ctx, func(tx *store.Tx) error {
		if err := j.Done(ctx, tx); err != nil {
			return err
		}
		_, err := e.jobs.Enqueue(ctx, tx, job.New{Kind: retryKind, Key: retryKind + "/" + a.Retry, Args: a})
		return err
	}))
}

// nextOf is the next incident that a retry has not had, or "".
func (e *Engine) nextOf(ctx context.Context, b BulkRetry) (string, error) {
	if len(b.Chosen) > 0 {
		for _, id := range b.Chosen { // in order
			if id > b.last {
				return id, nil
			}
		}
		return "", nil
	}
	var id string
	return id, ignoreNoRow(e.db.QueryRow(ctx, nextIncident, b.Service, b.Element, b.Cause, b.last, b.upto, b.office).Scan(&id))
}

// errHadTurn says that another node has given an incident its turn.
var errHadTurn = errors.New("process: this incident has had its turn")

// retryOne gives one incident its turn. A step that can't be made stays undone: the incident is
// open as it was, and the others have their turn.
func (e *Engine) retryOne(ctx context.Context, b BulkRetry, id string) error {
	i, err := store.One(ctx, e.db, scanOpenIncident, oneIncident, id, b.office)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	count := func(tx *store.Tx, resolved, again, gone, failed int) error {
		n, err := tx.Exec(ctx, retryHadTurn, b.ID, b.last, id, resolved, again, gone, failed, store.Micros(e.now()))
		if err == nil && n == 0 {
			err = errHadTurn
		}
		return err
	}
	if err != nil || !i.ResolvedAt.IsZero() {
		return e.db.Write(ctx, func(tx *store.Tx) error { return count(tx, 0, 0, 1, 0) })
	}
	err = e.db.Write(ctx, func(tx *store.Tx) error {
		switch err := e.Retry(ctx, tx, b.By, id); {
		case fault.Is(err, fault.NotFound):
			return count(tx, 0, 0, 1, 0)
		case err != nil:
			return err
		}
		again, err := e.cameBack(ctx, tx, i)
		if err != nil {
			return err
		}
		if again != "" {
			return count(tx, 0, 1, 0, 0)
		}
		return count(tx, 1, 0, 0, 0)
	})
	if err == nil || ctx.Err() != nil || errors.Is(err, errHadTurn) {
		return err
	}
	e.log.Warn("an incident can't be tried again", "incident", id, "err", err)
	return e.db.Write(ctx, func(tx *store.Tx) error { return count(tx, 0, 0, 0, 1) })
}

// retryDead ends a retry whose job was given up: what had no turn is open as it was.
func (e *Engine) retryDead(ctx context.Context, tx *store.Tx, j *job.Job, _ string) error {
	var a retryArgs
	if err := j.Read(&a); err != nil {
		return nil
	}
	_, err := tx.Exec(ctx, endRetry, a.Retry, store.Micros(e.now()))
	return err
}

// Retry tries again what an incident stopped.
func (e *Engine) Retry(ctx context.Context, tx *store.Tx, who access.Actor, incidentID string) error {
	const op = "process.retry"
	i, err := store.One(ctx, tx, scanOpenIncident, oneIncident, incidentID, "")
	if err != nil {
		return fault.Wrap(op, err)
	}
	if err := e.hold(ctx, tx, i.InstanceID); err != nil {
		return fault.Wrap(op, err)
	}
	n, err := tx.Exec(ctx, resolveIncident, incidentID, store.Micros(e.now()), who.ID, who.Name)
	if err != nil {
		return fault.Wrap(op, err)
	}
	if n == 0 {
		return fault.New(fault.NotFound, op, "")
	}
	err = e.step(ctx, tx, i.InstanceID, who, bpmn.Retry{Token: i.Token})
	if errors.Is(err, bpmn.ErrNoToken) {
		return nil // the process has found another way on: there is nothing left to try
	}
	return fault.Wrap(op, err)
}

// maskTogether is how many causes are masked in one transaction.
const maskTogether = 500

// MaskCauses masks the causes of incidents from before causes were masked, which may quote
// data; once it's done it finds none. Nobody who looks at groups waits for it.
func (e *Engine) MaskCauses(ctx context.Context) error {
	const op = "process.maskCauses"
	type old struct{ id, reason string }
	for {
		list, err := store.All(ctx, e.db, func(s store.Scanner) (old, error) {
			var o old
			return o, s.Scan(&o.id, &o.reason)
		}, unmasked, maskTogether)
		if err != nil || len(list) == 0 {
			return fault.Wrap(op, err)
		}
		if err := e.db.Write(ctx, func(tx *store.Tx) error {
			for _, o := range list {
				if _, err := tx.Exec(ctx, maskCause, o.id, cause(o.reason)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return fault.Wrap(op, err)
		}
	}
}
