// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/domain/service"
	"mercator/lang/bpmn"
	"mercator/web"
	"mercator/web/ui"
)

// purposeTrial is why recorded cases are run through another version.
const purposeTrial = "trial"

// Bounds of a replay at the desk; the command has none but the engine's.
const (
	maxDraft    = 8 << 20 // bytes of all files
	replayCases = 2000
	replayTime  = 25 * time.Second
	maxProblems = 20
)

// spans are how many days a replay may look back.
var spans = []int{7, 31, 92}

// trial permits a replay: an operator's is for the whole city, that of the head of an
// office for its own cases.
func (p *pages) trial(r *http.Request, id string) (access.Grant, error) {
	a, err := p.Actor(r, access.Basic)
	if err != nil {
		return access.Grant{}, err
	}
	office := a.Office
	if a.Is("operator") {
		office = ""
	}
	return p.Access.Permit(r.Context(), access.Request{Actor: a, Action: access.Read, Resource: "replay", Purpose: purposeTrial, Service: id, Office: office})
}

// replays lists the services whose cases can be run through another version.
func (p *pages) replays(w http.ResponseWriter, r *http.Request) error {
	if _, err := p.trial(r, ""); err != nil {
		return err
	}
	loc := web.Localizer(r)
	t := ui.Table{Caption: loc.T("processweb.services"), Columns: []ui.Column{{Label: loc.T("processweb.service")}}}
	for _, s := range p.Services.All() {
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: s.Title.For(loc.Lang()), Href: "/desk/replays/" + s.ID}}})
	}
	return p.render(w, r, http.StatusOK, loc.T("processweb.replay.title"), web.Desk("replays"), ui.Text{Text: loc.T("processweb.replay.intro")}, t)
}

func (p *pages) replayForm(w http.ResponseWriter, r *http.Request) error {
	s, ok := p.Services.Current(r.PathValue("service"))
	if !ok {
		return fault.New(fault.NotFound, "processweb.replay", "")
	}
	if _, err := p.trial(r, s.ID); err != nil {
		return err
	}
	return p.replayPage(w, r, http.StatusOK, s, "31", "", nil)
}

// runReplay runs what was sent over the cases of the last weeks and shows what would
// change. The files and the result are kept nowhere.
func (p *pages) runReplay(w http.ResponseWriter, r *http.Request) error {
	in, err := web.Form(r)
	if err != nil {
		return err
	}
	s, ok := p.Services.Current(r.PathValue("service"))
	if !ok {
		return fault.New(fault.NotFound, "processweb.replay", "")
	}
	g, err := p.trial(r, s.ID)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	files, key, err := sent(r)
	if err != nil {
		return err
	}
	days, err := strconv.Atoi(in.Get("days"))
	if err != nil || days < 1 || days > spans[len(spans)-1] {
		days = 31
	}
	if key != "" {
		return p.replayPage(w, r, http.StatusUnprocessableEntity, s, in.Get("days"), loc.T(key), nil)
	}
	draft := s
	if len(files) > 0 {
		draft, err = s.With(files)
		var pe *service.ParseError
		if errors.As(err, &pe) {
			var list []string
			for _, x := range pe.Problems[:min(len(pe.Problems), maxProblems)] {
				list = append(list, x.String())
			}
			return p.replayPage(w, r, http.StatusUnprocessableEntity, s, in.Get("days"), loc.T("processweb.replay.mistakes"),
				[]ui.Component{ui.Alert{Tone: ui.Danger, Title: loc.T("processweb.replay.mistakes"), List: list, Live: true}})
		}
		if err != nil {
			return err
		}
	}
	now := p.now()
	out, err := p.Engine.Replay(r.Context(), g, ReplayPlan(draft, now.AddDate(0, 0, -days), now, replayCases, replayTime))
	if text, status, ok := said(loc, err); ok {
		return p.replayPage(w, r, status, s, in.Get("days"), text, nil)
	}
	if err != nil {
		return err
	}
	if p.Owner != nil { // who is listed is on record before the page goes out
		var persons []string
		for _, c := range out.List {
			owner, err := p.Owner(r.Context(), c.CaseID)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			persons = append(persons, owner)
		}
		if err := p.Access.Seen(r.Context(), g, persons); err != nil {
			return err
		}
	}
	return p.replayPage(w, r, http.StatusOK, s, in.Get("days"), "", p.found(loc, out, len(files) > 0, g.Actor()))
}

// ReplayPlan runs a version of a service, which needn't be in force.
func ReplayPlan(s *service.Service, since, until time.Time, most int, limit time.Duration) process.ReplayPlan {
	return process.ReplayPlan{Service: s.ID, Since: since, Until: until, Max: most, Limit: limit, To: s.Process, ToProcess: s.ProcessID, Called: s.Called, Decide: s.Decide}
}

// sent are the files of a form; key says what is wrong with them.
func sent(r *http.Request) (files map[string][]byte, key string, err error) {
	files = map[string][]byte{}
	size := int64(0)
	for _, f := range web.Files(r, "files") {
		name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
		if ext := path.Ext(name); ext != ".bpmn" && ext != ".dmn" {
			return nil, "processweb.replay.kinds", nil
		}
		if size += f.Size(); size > maxDraft || len(files) >= 20 {
			return nil, "processweb.replay.tooLarge", nil
		}
		data, err := io.ReadAll(f.Open())
		if err != nil {
			return nil, "", fault.Wrap("processweb.sent", err)
		}
		files[name] = data
	}
	return files, "", nil
}

// replayPage is the form, below what was found.
func (p *pages) replayPage(w http.ResponseWriter, r *http.Request, status int, s *service.Service, days, wrong string, result []ui.Component) error {
	loc := web.Localizer(r)
	var options []ui.Option
	for _, n := range spans {
		options = append(options, ui.Option{Value: strconv.Itoa(n), Label: loc.T("processweb.replay.days", "n", n)})
	}
	var items []ui.Component
	if wrong != "" {
		items = append(items, ui.ErrorSummary{Items: []ui.FieldError{{Text: wrong, Href: "#f-files"}}})
	}
	items = append(items, result...)
	if len(result) > 0 {
		items = append(items, ui.Heading{Text: loc.T("processweb.replay.again")})
	}
	items = append(items, ui.Text{Text: loc.T("processweb.replay.intro")},
		ui.Form{Action: "/desk/replays/" + s.ID, Multipart: true, Items: []ui.Component{
			ui.FileInput{Field: ui.Field{Name: "files", Label: loc.T("processweb.replay.files"), Hint: loc.T("processweb.replay.filesHint"), Error: wrong, Optional: true}, Accept: ".bpmn,.dmn", Multiple: true},
			ui.Select{Field: ui.Field{Name: "days", Label: loc.T("processweb.replay.since")}, Value: days, Options: options},
		}, Buttons: []ui.Button{{Text: loc.T("processweb.replay.run")}}})
	return p.render(w, r, status, loc.T("processweb.replay.of", "service", s.Title.For(loc.Lang())),
		web.Desk("replays").WithBack(loc.T("processweb.replay.back"), "/desk/replays").WithErrors(status >= 400), items...)
}

// found puts a result into words and tables.
func (p *pages) found(loc *i18n.Localizer, r process.Replay, draft bool, who access.Actor) []ui.Component {
	number := func(n int) string { return loc.Number(int64(n)) }
	title, tone := loc.T("processweb.replay.nothing", "n", r.Cases), ui.Success
	if r.Changed+r.Decided > 0 {
		title, tone = loc.T("processweb.replay.differs", "changed", r.Changed, "n", r.Cases), ui.Warning
	}
	var notes []string
	if !draft {
		notes = append(notes, loc.T("processweb.replay.inForce"))
	}
	if r.More {
		notes = append(notes, loc.T("processweb.replay.more", "n", r.Cases))
	}
	if r.Unseen {
		notes = append(notes, loc.T("processweb.replay.unseen"))
	}
	out := []ui.Component{ui.Alert{Tone: tone, Title: title, List: notes, Live: true}}
	counts := ui.SummaryList{Title: loc.T("processweb.replay.counts"), Rows: []ui.SummaryRow{{Key: loc.T("processweb.replay.cases"), Value: number(r.Cases)},
		{Key: loc.T("processweb.replay.same"), Value: number(r.Same)}, {Key: loc.T("processweb.replay.changed"), Value: number(r.Changed)}}}
	for _, x := range []struct {
		key string
		n   int
	}{{"waiting", r.Waiting}, {"stuck", r.Stuck}, {"decided", r.Decided}, {"unrecorded", r.Unrecorded}, {"byHand", r.ByHand}, {"unlike", r.Unlike}} {
		if x.n > 0 {
			counts.Rows = append(counts.Rows, ui.SummaryRow{Key: loc.T("processweb.replay." + x.key), Value: number(x.n)})
		}
	}
	out = append(out, counts)
	was, would, part := ui.Column{Label: loc.T("processweb.replay.was")}, ui.Column{Label: loc.T("processweb.replay.would")}, ui.Column{Label: loc.T("processweb.replay.part")}
	if len(r.Groups) > 0 {
		t := ui.Table{Caption: loc.T("processweb.replay.groups"), Columns: []ui.Column{was, would, part, {Label: loc.T("processweb.replay.number"), Numeric: true}}}
		for _, g := range r.Groups {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: outcomeText(loc, r, g.Old)}, {Text: outcomeText(loc, r, g.New)}, {Text: partText(loc, r, g.Parting)}, {Text: number(g.N)}}})
		}
		out = append(out, t)
	}
	if len(r.Decisions) > 0 {
		t := ui.Table{Caption: loc.T("processweb.replay.decisions"), Columns: []ui.Column{{Label: loc.T("processweb.replay.decision")}, was, would, {Label: loc.T("processweb.replay.number"), Numeric: true}}}
		for _, d := range r.Decisions {
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: r.Name(d.Element), Sub: d.Decision}, {Text: d.Old}, {Text: d.New}, {Text: number(d.N)}}})
		}
		out = append(out, t)
	}
	if len(r.List) > 0 {
		t := ui.Table{Caption: loc.T("processweb.replay.list", "n", len(r.List)), Columns: []ui.Column{{Label: loc.T("processweb.ref")}, was, would, part}}
		for _, c := range r.List {
			var where []string
			if c.Parting.After != "" {
				where = append(where, partText(loc, r, c.Parting))
			}
			for _, d := range c.Decisions {
				where = append(where, loc.T("processweb.replay.decides", "element", r.Name(d.Element), "old", d.Old, "new", d.New))
			}
			if len(where) == 0 {
				where = append(where, "–")
			}
			href := "/desk/cases/" + c.CaseID
			if who.Is("operator") {
				href = "/desk/processes/" + c.InstanceID
			}
			t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{{Text: c.File, Href: href}, {Text: outcomeText(loc, r, c.Old)}, {Text: outcomeText(loc, r, c.New)}, {Text: strings.Join(where, "; ")}}})
		}
		out = append(out, t)
	}
	return out
}

func outcomeText(loc *i18n.Localizer, r process.Replay, o process.Outcome) string {
	names := func(list []string) string {
		out := make([]string, len(list))
		for i, id := range list {
			out[i] = r.Name(id)
		}
		return strings.Join(out, ", ")
	}
	said := o.Outcome
	if key := "processweb.replay.outcome." + said; said != "" && loc.Has(key) {
		said = loc.T(key)
	}
	switch {
	case o.Status == bpmn.Cancelled:
		return loc.T("processweb.status.cancelled")
	case len(o.Stuck) > 0:
		return loc.T("processweb.replay.stuckAt", "steps", names(o.Stuck))
	case o.Status == bpmn.Running:
		return loc.T("processweb.replay.waitsAt", "steps", names(o.Waits))
	case said != "":
		return said
	}
	return names(o.Ends)
}

func partText(loc *i18n.Localizer, r process.Replay, x process.Parting) string {
	to := func(id string) string {
		if id == "" {
			return loc.T("processweb.replay.nowhere")
		}
		return r.Name(id)
	}
	if x.After == "" {
		return "–"
	}
	return loc.T("processweb.replay.after", "element", r.Name(x.After), "old", to(x.Old), "new", to(x.New))
}

// now is the moment, on the clock of the house.
func (p *pages) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}
