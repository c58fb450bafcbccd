// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"mercator/adapter/oidcdemo"
	"mercator/core/access"
	"mercator/domain/register/sample"
)

// sampleSeed makes the same city on every machine.
const sampleSeed = 2018

// keepCity is the grant under which the house keeps the city's own registers.
func (h *House) keepCity(ctx context.Context, purpose string) (access.Grant, error) {
	return h.access.Permit(ctx, access.Request{
		Actor: access.SystemActor("register"), Action: access.Change, Resource: "register", Purpose: purpose, Basis: "§ 3 EGovG NRW",
	})
}

// installCity brings offices, staff, districts, streets and zones up to the files.
func (h *House) installCity(ctx context.Context) error {
	g, err := h.keepCity(ctx, "registers of the city")
	if err != nil {
		return err
	}
	return sample.InstallCity(ctx, h.city, h.registers, g)
}

// loadSample fills the registers of a demo and says who lives there. began is the
// day of the first start: what was loaded then is not made anew.
func (h *House) loadSample(ctx context.Context, residents int, began time.Time, progress io.Writer) (*demoPeople, error) {
	generator, err := sample.NewGenerator(h.city, sampleSeed, began)
	if err != nil {
		return nil, err
	}
	residents = max(residents, len(generator.Named()))
	grant, err := h.keepCity(ctx, "demo data")
	if err != nil {
		return nil, err
	}
	bar := &progressBar{w: progress, began: time.Now()}
	err = sample.Load(ctx, sample.Loading{City: h.city, Generator: generator, Registers: h.registers, Grant: grant,
		Residents: residents, Progress: bar.show})
	bar.end()
	if err != nil {
		return nil, err
	}
	people := &demoPeople{generator: generator, residents: residents, staff: map[string]oidcdemo.Account{}}
	for _, n := range generator.Named() {
		people.samples = append(people.samples, residentAccount(n.Login, n.Language, n.Resident))
		people.stories = append(people.stories, fmt.Sprintf("%-18s resident: %s", n.Login, n.Story))
	}
	for _, s := range h.city.Staff {
		a := oidcdemo.Account{Login: s.ID, GivenName: s.GivenName, FamilyName: s.FamilyName, Roles: s.Roles, Office: s.Office, Language: "de"}
		people.staff[s.ID] = a
		if s.Office == "32" {
			people.samples = append(people.samples, a)
		}
		people.stories = append(people.stories, fmt.Sprintf("%-18s office %s: %s", s.ID, s.Office, strings.Join(s.Roles, ", ")))
	}
	return people, nil
}

// progressBar shows how far a long load is; a short one shows nothing.
type progressBar struct {
	w     io.Writer
	began time.Time
	last  time.Time
	shown bool
	what  string // empty: residents
}

func (b *progressBar) show(done, total int) {
	now := time.Now()
	if now.Sub(b.began) < time.Second || (now.Sub(b.last) < 100*time.Millisecond && (done < total || total == 0)) {
		return
	}
	b.last, b.shown = now, true
	const width = 40
	what := b.what
	if what == "" {
		what = "residents"
	}
	if total == 0 { // nobody knows how many there are
		fmt.Fprintf(b.w, "\r%d %s, %.0f s ", done, what, now.Sub(b.began).Seconds())
		return
	}
	full := width * done / total
	fmt.Fprintf(b.w, "\r%s [%s%s] %d of %d, %.0f s ", what, strings.Repeat("#", full), strings.Repeat(".", width-full), done, total, now.Sub(b.began).Seconds())
}

func (b *progressBar) end() {
	if b.shown {
		fmt.Fprintln(b.w)
	}
}
