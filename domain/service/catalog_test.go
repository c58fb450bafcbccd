// SPDX-License-Identifier: EUPL-1.2

package service_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mercator/core/store"
	"mercator/core/store/storetest"
	"mercator/domain/service"
)

// A package with a rule that doesn't check is refused with everything that is wrong,
// and the version before it stays in force.
func TestARuleThatDoesntCheckStaysOutside(t *testing.T) {
	storetest.Each(t, []store.Migrations{service.Migrations()}, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		const id = "resident-parking-permit"
		folder := func(change ...string) fs.FS {
			out := fstest.MapFS{}
			for name, f := range broken(t, "fee.dmn", "<text>3070</text>", "<text>3070</text>").(fstest.MapFS) {
				text := string(f.Data)
				if name == "fee.dmn" {
					text = strings.NewReplacer(change...).Replace(text)
				}
				out[id+"/"+name] = &fstest.MapFile{Data: []byte(text)}
			}
			return out
		}
		c := service.NewCatalog(db, time.Now)
		if err := c.Load(ctx, folder()); err != nil {
			t.Fatal(err)
		}
		first, ok := c.Current(id)
		if !ok {
			t.Fatal("the package isn't in force")
		}
		err := c.Load(ctx, folder("<text>3070</text>", `<text>"thirty"</text>`, "number(application.months)", "nummer(aplication.months)", "<text>6140</text>", "<text>6140 +</text>"))
		if err == nil {
			t.Fatal("a package with mistakes was let in")
		}
		if !strings.Contains(err.Error(), "the expression ends too early") {
			t.Errorf("not everything is named: %v", err)
		}
		if now, _ := c.Current(id); now.Version != first.Version {
			t.Errorf("version %s is in force, not %s", now.Version, first.Version)
		}
		err = c.Load(ctx, folder("<text>3070</text>", `<text>"thirty"</text>`, "number(application.months)", "nummer(aplication.months)"))
		for _, want := range []string{"the column “cents” wants a number", "there is no function “nummer”", "nothing here is called “aplication”"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not named in %v", want, err)
			}
		}
		if err := c.Load(ctx, folder("<text>3070</text>", "<text>3080</text>")); err != nil {
			t.Fatal(err)
		}
		corrected, _ := c.Current(id)
		if corrected.Version == first.Version {
			t.Error("the corrected package isn't in force")
		}
		// Back to the first; then a start with a package that has mistakes: the version that
		// was in force last is in force again, and the error says so.
		if err := c.Load(ctx, folder()); err != nil {
			t.Fatal(err)
		}
		later := func() time.Time { return time.Now().Add(time.Hour) }
		c = service.NewCatalog(db, later)
		err = c.Load(ctx, folder("<text>3070</text>", `<text>"thirty"</text>`))
		if now, ok := c.Current(id); err == nil || !ok || now.Version != first.Version || now.Files == nil {
			t.Errorf("after a start %v is in force, not %s: %v", now, first.Version, err)
		}
		if !service.StaysOpen(err) {
			t.Errorf("the town closes for %v", err)
		}
		// The version that was in force doesn't help where the house no longer fits it.
		c = service.NewCatalog(db, later)
		err = c.Load(ctx, folder("<text>3070</text>", `<text>"thirty"</text>`), func(*service.Service) []service.Problem {
			return []service.Problem{{File: "service.toml", Msg: "there is no such office"}}
		})
		if _, ok := c.Current(id); ok || service.StaysOpen(err) {
			t.Errorf("a version that the house doesn't fit is in force: %v", err)
		}
	})
}
