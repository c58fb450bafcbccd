// SPDX-License-Identifier: EUPL-1.2

package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/process"

	"github.com/danielgtaylor/huma/v2"
)

// StayView is the time of a process at one of its elements. It names no person.
type StayView struct {
	Element   string     `json:"element"`
	Name      string     `json:"name"`
	Token     string     `json:"token,omitempty"`
	Began     time.Time  `json:"began"`
	Ended     *time.Time `json:"ended,omitempty" doc:"missing: it runs, or ended so many steps later that nobody looked for it"`
	Took      string     `json:"took,omitempty" doc:"ISO 8601 duration, until now while it runs"`
	Seconds   *float64   `json:"seconds,omitempty"`
	State     string     `json:"state" enum:"running,incident,done,cancelled,later"`
	Incidents int        `json:"incidents,omitempty"`
	By        string     `json:"by,omitempty" enum:"clerk,resident,machine,system" doc:"who ended it, or has its task; system: the process itself"`
}

// ElementTimeView is how an element of a process went over its last cases.
type ElementTimeView struct {
	Element        string  `json:"element"`
	Done           int     `json:"done"`
	Cancelled      int     `json:"cancelled"`
	Now            int     `json:"now" doc:"how many are there"`
	Median         string  `json:"median" doc:"ISO 8601 duration"`
	P90            string  `json:"p90"`
	Longest        string  `json:"longest"`
	MedianSeconds  float64 `json:"medianSeconds"`
	P90Seconds     float64 `json:"p90Seconds"`
	LongestSeconds float64 `json:"longestSeconds"`
}

// HeatView is where the time of a process goes.
type HeatView struct {
	Service  string            `json:"service"`
	Version  string            `json:"version"`
	Model    string            `json:"model" doc:"hash of the file"`
	Cases    int               `json:"cases" doc:"the last ones, that were looked at"`
	Elements []ElementTimeView `json:"elements" nullable:"false"`
}

// iso is a duration in ISO 8601, in days of 24 hours.
func iso(d time.Duration) string {
	d = max(d, 0)
	var b strings.Builder
	b.WriteString("P")
	if days := d / (24 * time.Hour); days > 0 {
		fmt.Fprintf(&b, "%dD", days)
		d %= 24 * time.Hour
	}
	if d == 0 && b.Len() > 1 {
		return b.String()
	}
	b.WriteString("T")
	if h := d / time.Hour; h > 0 {
		fmt.Fprintf(&b, "%dH", h)
	}
	if m := d % time.Hour / time.Minute; m > 0 {
		fmt.Fprintf(&b, "%dM", m)
	}
	if s := d % time.Minute; s > 0 || strings.HasSuffix(b.String(), "T") {
		text := fmt.Sprintf("%.6f", s.Seconds())
		b.WriteString(strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "S")
	}
	return b.String()
}

func (a *API) historyOperations() {
	read := needs("processes:read", "processes:write")
	tags := []string{"processes"}
	add(a, huma.Operation{OperationID: "get-instance-history", Method: http.MethodGet, Path: "/instances/{id}/history", Summary: "What a process did, element by element, in the order in which it began", Tags: tags, Security: read,
		Errors: []int{401, 403, 404, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			Paging
			ByInstance
		}) (*Body[Page[StayView]], error) {
			g, err := a.instance(ctx, c, access.Read, in.ID)
			if err != nil {
				return nil, err
			}
			h, err := a.c.Tasks.History(ctx, g, in.ID, in.After, in.Limit)
			if fault.Is(err, fault.Invalid) {
				return nil, fault.Because(fault.Invalid, "api.history", "api.badCursor", err)
			}
			if err != nil {
				return nil, err
			}
			out := &Body[Page[StayView]]{Page[StayView]{Items: []StayView{}, Next: h.Next}}
			for _, s := range h.Stays {
				v := StayView{Element: s.Element, Name: s.Name, Token: s.Token, Began: s.Began, State: string(s.State), Incidents: s.Incidents, By: string(s.By)}
				if !s.Ended.IsZero() {
					v.Ended = &s.Ended
				}
				if !s.Ended.IsZero() || s.State == process.StayRunning || s.State == process.StayIncident {
					d := s.Took(h.At)
					seconds := d.Seconds()
					v.Took, v.Seconds = iso(d), &seconds
				}
				out.Body.Items = append(out.Body.Items, v)
			}
			return out, nil
		})
	add(a, huma.Operation{OperationID: "get-service-heat", Method: http.MethodGet, Path: "/services/{id}/heat", Summary: "Where the time of a service's process goes, over its last cases", Tags: tags, Security: read,
		Errors: []int{401, 403, 404, 422, 429}},
		func(ctx context.Context, c caller, in *struct {
			ID      string `path:"id" maxLength:"100"`
			Version string `query:"version" maxLength:"100" doc:"missing: the one that a case began with last"`
		}) (*Body[HeatView], error) {
			g, err := a.operate(ctx, c, access.Read, process.Ref{Service: in.ID})
			if err != nil {
				return nil, err
			}
			models, err := a.c.Tasks.Models(ctx, g, in.ID)
			if err != nil {
				return nil, err
			}
			for _, m := range models {
				if in.Version != "" && m.Version != in.Version {
					continue
				}
				h, err := a.c.Tasks.Heat(ctx, g, in.ID, m)
				if err != nil {
					return nil, err
				}
				out := HeatView{Service: in.ID, Version: m.Version, Model: m.Hash, Cases: h.Cases, Elements: []ElementTimeView{}}
				for _, e := range h.Elements {
					out.Elements = append(out.Elements, ElementTimeView{Element: e.Element, Done: e.Done, Cancelled: e.Cancelled, Now: e.Now, Median: iso(e.Median), P90: iso(e.P90), Longest: iso(e.Longest),
						MedianSeconds: e.Median.Seconds(), P90Seconds: e.P90.Seconds(), LongestSeconds: e.Longest.Seconds()})
				}
				return &Body[HeatView]{out}, nil
			}
			return nil, fault.New(fault.NotFound, "api.heat", "")
		})
}
