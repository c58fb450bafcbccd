// SPDX-License-Identifier: EUPL-1.2

// Package watchweb is the page on which a person sees which services begin by themselves,
// what they look at, and says whether they may.
package watchweb

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strings"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/domain/watch"
	"mercator/web"
	"mercator/web/ui"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of the page.
func Messages() fs.FS { return messageFS }

// Config is what the page needs.
type Config struct {
	Templates *web.Templates
	Office    *watch.Office
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Register names a register and its fields.
	Register func(id, lang string) (title string, fields map[string]string)
}

type pages struct {
	Config
	list *web.View[listPage]
}

// Mounts builds the page.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Office == nil || c.Actor == nil || c.Register == nil {
		return nil, errors.New("watchweb: templates, office, actor and register are needed")
	}
	p := &pages{Config: c}
	var err error
	if p.list, err = web.NewView[listPage](c.Templates, templateFS, "templates/list.html"); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /proactive", Handler: web.Handle(p.show)},
		{Pattern: "POST /proactive/{service}", Handler: web.Handle(p.choose)},
	}, nil
}

type listPage struct{ Services []choice }

type choice struct {
	Title  string
	State  ui.Badge
	Looks  []look
	Button ui.Form
}

// look is what a service looks at.
type look struct{ Register, Fields, Purpose, Basis string }

func (p *pages) resident(r *http.Request) (access.Actor, error) {
	a, err := p.Actor(r, access.Substantial)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "watchweb.resident", "watchweb.residentsOnly")
	}
	return a, nil
}

func (p *pages) show(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	list, err := p.Office.Choices(r.Context(), a)
	if err != nil {
		return err
	}
	loc := web.Localizer(r)
	lang := loc.Lang()
	var page listPage
	for _, x := range list {
		c := choice{Title: x.Service.Title.For(lang), State: ui.Badge{Tone: ui.Success, Text: loc.T("watchweb.on")}}
		button := ui.Button{Text: loc.T("watchweb.switchOff"), Kind: "secondary", Name: "out", Value: "true", Hidden: c.Title}
		if x.Out {
			c.State = ui.Badge{Tone: ui.Info, Text: loc.T("watchweb.off")}
			button.Text, button.Value = loc.T("watchweb.switchOn"), "false"
		}
		for _, wt := range x.Service.Watches {
			title, fields := p.Register(wt.Register, lang)
			names := make([]string, len(wt.Fields))
			for i, f := range wt.Fields {
				if names[i] = fields[f]; names[i] == "" {
					names[i] = f
				}
			}
			c.Looks = append(c.Looks, look{title, strings.Join(names, ", "), wt.Purpose.For(lang), wt.Basis})
		}
		c.Button = ui.Form{Action: "/proactive/" + x.Service.ID, Buttons: []ui.Button{button}}
		page.Services = append(page.Services, c)
	}
	return p.list.Render(w, r, http.StatusOK, web.Page[listPage]{Title: loc.T("watchweb.title"), Shell: web.Portal("my-data").WithBack(loc.T("watchweb.back"), "/my-data"), Data: page})
}

func (p *pages) choose(w http.ResponseWriter, r *http.Request) error {
	a, err := p.resident(r)
	if err != nil {
		return err
	}
	var out bool
	switch r.PostFormValue("out") {
	case "true":
		out = true
	case "false":
	default:
		return fault.New(fault.Invalid, "watchweb.choose", "watchweb.choose")
	}
	if err := p.Office.Choose(r.Context(), a, r.PathValue("service"), out); err != nil {
		return err
	}
	web.SeeOther(w, "/proactive")
	return nil
}
