// SPDX-License-Identifier: EUPL-1.2

// Package postboxweb is the resident's inbox in the portal.
package postboxweb

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mercator/base/fault"
	"mercator/base/i18n"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/domain/postbox"
	"mercator/web"
)

//go:embed templates/*.html
var templateFS embed.FS

//go:embed messages.*.toml
var messageFS embed.FS

// Messages are the catalogues of these pages.
func Messages() fs.FS { return messageFS }

// Config is what the pages need.
type Config struct {
	Templates *web.Templates
	Box       *postbox.Box
	Access    *access.Checker
	Zone      *time.Location // the city's clock; nil: UTC
	// Actor is who is signed in, at that level at least (identity.Require).
	Actor func(r *http.Request, least access.Level) (access.Actor, error)
	// Office is the name of an office; nil: its number.
	Office func(id string) i18n.Text
}

type pages struct {
	Config
	list    *web.View[listPage]
	message *web.View[messagePage]
}

// Mounts builds the pages.
func Mounts(c Config) (web.Mounts, error) {
	if c.Templates == nil || c.Box == nil || c.Access == nil || c.Actor == nil {
		return nil, errors.New("postboxweb: templates, box, access and actor are needed")
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Office == nil {
		c.Office = i18n.Plain
	}
	p := &pages{Config: c}
	var errs [2]error
	p.list, errs[0] = web.NewView[listPage](c.Templates, templateFS, "templates/list.html")
	p.message, errs[1] = web.NewView[messagePage](c.Templates, templateFS, "templates/message.html")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return web.Mounts{
		{Pattern: "GET /postbox", Handler: web.Handle(p.showList)},
		{Pattern: "GET /postbox/{id}", Handler: web.Handle(p.showMessage)},
	}, nil
}

const purposeOwn = "own data"

func (p *pages) resident(r *http.Request) (access.Actor, error) {
	a, err := p.Actor(r, access.Substantial)
	if err != nil {
		return access.Actor{}, err
	}
	if a.Kind != access.Resident {
		return access.Actor{}, fault.New(fault.Denied, "postboxweb.resident", "postboxweb.residentsOnly")
	}
	return a, nil
}

func place(m postbox.Message) string { return strconv.FormatInt(m.SentAt.UnixMicro(), 36) + "_" + m.ID }

func readPlace(s string) postbox.After {
	us, id, ok := strings.Cut(s, "_")
	n, err := strconv.ParseInt(us, 36, 64)
	if !ok || err != nil || !ident.Valid(id) {
		return postbox.After{}
	}
	return postbox.After{SentAt: time.UnixMicro(n).UTC(), ID: id}
}
