// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/core/access"
	"mercator/core/store"
	"mercator/domain/intake"
)

// What people send stands in no file of the house as it is: not in the database, its journals, the log, the stream of events, nor in
// the folder of the files, before and after it is handed over, nor in a backup; and it is read back out of one.
func TestNothingThatIsSentLiesReadable(t *testing.T) {
	ctx := context.Background()
	const marker = "GEHEIMNIS-4711"
	var photo bytes.Buffer
	if err := jpeg.Encode(&photo, image.NewGray(image.Rect(0, 0, 64, 48)), nil); err != nil {
		t.Fatal(err)
	}
	// With a comment, as cameras write them.
	sent := "\xff\xd8\xff\xfe\x00\x10" + marker + photo.String()[2:]
	eachOnceHouse(t, contentDir, func(t *testing.T, o *onceHouse) {
		looked := func(where, dir string) {
			t.Helper()
			n := 0
			err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				n++
				b, err := os.ReadFile(path)
				if bytes.Contains(b, []byte(marker)) {
					t.Errorf("%s: %s has it as it is", where, path)
				}
				return err
			})
			if err != nil || n == 0 {
				t.Errorf("%s: %d files, %v", where, n, err)
			}
		}
		anna, _ := o.resident("anna-schmidt")
		d, err := o.intake.Start(ctx, anna, "report-defect")
		if err != nil {
			t.Fatal(err)
		}
		for page, post := range map[string]url.Values{
			"place": {"_f": {"spot"}, "spot": {"51.4344, 6.7623"}},
			"what":  {"_f": {"concern", "text"}, "concern": {"road"}, "text": {"Ein Schlagloch"}},
		} {
			if errs, err := o.intake.Save(ctx, anna, d.ID, page, post, "de"); err != nil || len(errs) > 0 {
				t.Fatal(page, errs, err)
			}
		}
		half := int64(len(sent) / 2)
		u, err := o.intake.BeginUpload(ctx, anna, d.ID, intake.NewUpload{Field: "photos", Name: "loch.jpg", Size: int64(len(sent))})
		if err == nil {
			_, err = o.intake.Receive(ctx, anna, d.ID, u.ID, 0, strings.NewReader(sent[:half]), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		looked("while it is coming", o.c.Data.Dir)
		o.restart()
		if u, err = o.intake.ReadUpload(ctx, anna, d.ID, u.ID); err != nil || u.Received != half {
			t.Fatalf("after a restart: %d bytes, %v", u.Received, err)
		}
		if _, err = o.intake.Receive(ctx, anna, d.ID, u.ID, half, strings.NewReader(sent[half:]), nil); err != nil {
			t.Fatal(err)
		}
		looked("in a draft", o.c.Data.Dir)
		caseID, errs, err := o.intake.Submit(ctx, anna, d.ID, "de")
		if err != nil || len(errs) > 0 {
			t.Fatal(errs, err)
		}
		o.settle()
		looked("in a case", o.c.Data.Dir)

		backup := t.TempDir()
		if err := Backup(ctx, o.c, filepath.Join(backup, "town.tar"), "", io.Discard); err != nil {
			t.Fatal(err)
		}
		looked("in a backup", backup)
		if o.c.Database.Engine == "postgres" {
			return // its database is there already
		}
		c := o.c
		c.Data.Dir, c.Data.Shared = t.TempDir(), ""
		c.Database.Path = ""
		c = c.WithDefaults()
		if err := Restore(ctx, c, filepath.Join(backup, "town.tar"), "", io.Discard); err != nil {
			t.Fatal(err)
		}
		was := o.c
		o.Close()
		o.c = c
		o.open()
		defer func() { o.c = was }()
		g, err := o.access.Permit(ctx, access.Request{Actor: anna, Action: access.Read, Resource: "case", Purpose: "own data", Case: caseID, Owner: anna.ID})
		if err != nil {
			t.Fatal(err)
		}
		// There is no scanner, so this test says that it has looked.
		if err := o.db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE intake_upload SET checked_at = 1")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		_, r, err := o.intake.OpenCaseFile(ctx, g, caseID, u.ID, intake.Original)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if b, err := io.ReadAll(r); err != nil || string(b) != sent {
			t.Errorf("out of the backup come %d bytes, %v", len(b), err)
		}
	})
}
