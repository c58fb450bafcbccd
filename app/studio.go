// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"

	"mercator/core/identity"
	"mercator/domain/intake/intakeweb"
	"mercator/domain/notice"
	"mercator/domain/service"
	"mercator/domain/studio"
	"mercator/domain/studio/studioweb"
	"mercator/web"
)

// studioMounts are the pages on which forms are drawn and tried, shown there as residents meet them.
func (h *House) studioMounts(t *web.Templates, applications *intakeweb.Pages) (web.Mounts, error) {
	s, err := studio.New(studio.Config{DB: h.db, Services: h.services, Access: h.access, Now: h.now,
		Lint: func(s *service.Service) []service.Problem { return service.Lint(s, notice.Lint(s)) }})
	if err != nil {
		return nil, err
	}
	return studioweb.Mounts(studioweb.Config{Templates: t, Studio: s, Services: h.services, Actor: identity.Require, Fields: applications.Fields, Now: h.now, Zone: h.zone,
		Vars: func(ctx context.Context, s *service.Service, lang string) (map[string]any, error) {
			lists, err := h.intake.Lists(ctx, s)
			return map[string]any{"lists": lists, "person": map[string]any{"id": "", "name": ""}, "service": map[string]any{"id": s.ID, "title": s.Title.For(lang)}}, err
		}})
}
