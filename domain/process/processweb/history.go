// SPDX-License-Identifier: EUPL-1.2

package processweb

import (
	"net/url"
	"time"

	"mercator/base/i18n"
	"mercator/core/access"
	"mercator/domain/process"
	"mercator/web/ui"
)

// StepsPage is how many elements a page of a history shows.
const StepsPage = 50

// History is what a process did, as a table that is closed at first: the place of the next
// page comes with the address, as "steps".
func History(loc *i18n.Localizer, zone *time.Location, h process.History, path, after string) ui.Component {
	t := ui.Table{Caption: loc.T("processweb.history.title"), CaptionHidden: true, Empty: loc.T("processweb.history.none"), Columns: []ui.Column{
		{Label: loc.T("processweb.history.element")}, {Label: loc.T("processweb.history.began")}, {Label: loc.T("processweb.history.ended")},
		{Label: loc.T("processweb.history.took")}, {Label: loc.T("processweb.history.who")}, {Label: loc.T("processweb.history.result")}}}
	for _, s := range h.Stays {
		name := ui.Cell{Text: s.Name}
		if s.Within != "" {
			name.Sub = loc.T("processweb.within", "name", s.Within)
		}
		ended, took := ui.Cell{Text: "–"}, ui.Cell{Text: "–"}
		switch {
		case !s.Ended.IsZero():
			ended.Text = loc.DateTime(s.Ended.In(zone))
		case s.State == process.StayRunning || s.State == process.StayIncident:
			ended.Text = loc.T("processweb.history.running")
		}
		if s.State != process.StayLater && (!s.Ended.IsZero() || s.State != process.StayDone) {
			took.Text = words(loc, s.Took(h.At))
		}
		result := ui.Cell{Badge: ui.Badge{Tone: stayTones[s.State], Text: loc.T("processweb.stay." + string(s.State))}}
		if s.Incidents > 0 && s.State != process.StayIncident {
			result.Sub = loc.T("processweb.history.incidents", "n", s.Incidents)
		}
		t.Rows = append(t.Rows, ui.Row{Cells: []ui.Cell{name, {Text: loc.DateTime(s.Began.In(zone))}, ended, took, {Text: by(loc, s)}, result}})
	}
	var pages ui.Pagination
	if after != "" {
		pages.First = path + "?steps"
	}
	if h.Next != "" {
		pages.Next = path + "?steps=" + url.QueryEscape(h.Next)
	}
	items := []ui.Component{t}
	if pages.First != "" || pages.Next != "" {
		items = append(items, pages)
	}
	return ui.Details{Summary: loc.T("processweb.history.title"), Items: items, Open: after != ""}
}

var stayTones = map[process.StayState]ui.Tone{process.StayRunning: ui.Info, process.StayIncident: ui.Danger, process.StayDone: ui.Success, process.StayCancelled: ui.Warning, process.StayLater: ui.Info}

// by says who ended a stay, or has its task.
func by(loc *i18n.Localizer, s process.Stay) string {
	switch s.By {
	case "":
		return "–"
	case access.Clerk, access.Machine:
		if s.ByName != "" {
			return s.ByName
		}
	}
	return loc.T("processweb.by_" + string(s.By))
}

// words is a duration as people say it, to two units.
func words(loc *i18n.Localizer, d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d%(24*time.Hour)/time.Hour), int(d%time.Hour/time.Minute)
	part := func(unit string, n int) string { return loc.T("processweb.took."+unit, "n", n) }
	switch {
	case d < time.Second:
		return loc.T("processweb.took.less")
	case d < time.Minute:
		return part("seconds", int(d/time.Second))
	case d < time.Hour:
		return part("minutes", minutes)
	case days == 0 && minutes == 0:
		return part("hours", hours)
	case days == 0:
		return part("hours", hours) + " " + part("minutes", minutes)
	case hours == 0:
		return part("days", days)
	}
	return part("days", days) + " " + part("hours", hours)
}
