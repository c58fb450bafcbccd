// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/core/store/storetest"
)

// member is a file of a backup.
type member struct {
	name string
	data []byte
}

func readBackup(t *testing.T, path string) (list []member) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, member{h.Name, b})
	}
}

// writeBackup writes one; honest: the manifest fits what is in it, as a forger would have it.
func writeBackup(t *testing.T, path string, list []member, honest bool) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	sums := map[string]string{}
	for _, m := range list {
		sum := sha256.Sum256(m.data)
		if m.name == backupManifest && honest {
			var x manifest
			if err := json.Unmarshal(m.data, &x); err != nil {
				t.Fatal(err)
			}
			x.Files = sums
			m.data, _ = json.Marshal(x)
		} else {
			sums[m.name] = hex.EncodeToString(sum[:])
		}
		err := w.WriteHeader(&tar.Header{Name: m.name, Size: int64(len(m.data)), Mode: 0o600})
		if _, err2 := w.Write(m.data); errors.Join(err, err2) != nil {
			t.Fatal(err, err2)
		}
	}
	if err := errors.Join(w.Close(), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// A drill says of a sound backup that it can be restored, finds every kind of damage, and leaves nothing behind.
func TestDrill(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			dsn := ""
			if engine == "postgres" {
				dsn = storetest.PostgresDSN(t)
			}
			testDrill(t, dsn)
		})
	}
}

func testDrill(t *testing.T, dsn string) {
	ctx := t.Context()
	h := testHouseOn(t, t.TempDir(), "", dsn)
	defer h.Close()
	if _, err := h.loadSample(ctx, 30, time.Now(), io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"a document", "another"} {
		if _, err := h.blobs.Put(ctx, strings.NewReader(text), 100); err != nil {
			t.Fatal(err)
		}
	}
	for _, person := range []string{"person-anna", "person-bora", "person-anna"} {
		if _, err := h.access.Permit(ctx, access.Request{Actor: access.SystemActor("process"), Action: access.Read, Resource: "register:residents", Purpose: "parking-permit", Basis: "x", Owner: person}); err != nil && !fault.Is(err, fault.Denied) {
			t.Fatal(err)
		}
	}
	if _, err := h.ledger.Append(ctx); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sound, keys := filepath.Join(dir, "sound.tar"), filepath.Join(dir, keysFile)
	if err := Backup(ctx, h.config, sound, "", io.Discard); err != nil {
		t.Fatal(err)
	}
	list := readBackup(t, sound)
	c := h.config
	c.Vault = config.Vault{}
	scratch := t.TempDir()
	t.Setenv("TMPDIR", scratch)
	drill := func(name, from, keys, words string) {
		t.Helper()
		var out strings.Builder
		err := Drill(ctx, c, from, keys, &out)
		if words == "" && err != nil {
			t.Errorf("%s: %v\n%s", name, err, out.String())
		}
		if words != "" && (err == nil || !strings.Contains(out.String()+err.Error(), words)) {
			t.Errorf("%s: want %q, got %v\n%s", name, words, err, out.String())
		}
		if left, err := os.ReadDir(scratch); err != nil || len(left) > 0 {
			t.Fatalf("%s: left behind: %v %v", name, left, err)
		}
		if dsn != "" {
			var n int
			if err := h.db.QueryRow(ctx, "SELECT COUNT(*) FROM pg_catalog.pg_database WHERE datname LIKE 'mercator_drill%'").Scan(&n); err != nil || n > 0 {
				t.Errorf("%s: %d scratch databases are left behind, %v", name, n, err)
			}
		}
	}
	drill("sound", sound, keys, "")
	drill("without keys", sound, filepath.Join(dir, "none"), "no file of keys")
	alone := filepath.Join(t.TempDir(), "alone.tar")
	if err := os.Link(sound, alone); err != nil {
		t.Fatal(err)
	}
	drill("no keys at hand", alone, "", "")

	damaged := filepath.Join(dir, "damaged.tar")
	change := func(match func(name string) bool, do func(b []byte) []byte) (out []member) {
		t.Helper()
		done := false
		for _, m := range list {
			if !done && match(m.name) {
				done = true
				if m.data = do(bytes.Clone(m.data)); m.data == nil {
					continue
				}
			}
			out = append(out, m)
		}
		if !done {
			t.Fatal("there is no such file in the backup")
		}
		return out
	}
	document := func(name string) bool {
		return strings.HasPrefix(name, backupBlobs+"/") && !strings.HasSuffix(name, "folder.id")
	}
	named := func(want string) func(string) bool {
		return func(name string) bool { return strings.HasPrefix(name, want) }
	}
	flip := func(b []byte) []byte { b[len(b)/2] ^= 1; return b }
	gone := func([]byte) []byte { return nil }
	for name, test := range map[string]struct {
		list   []member
		honest bool
		words  string
	}{
		"a document was changed":             {change(document, flip), false, "was changed: its content"},
		"… and the manifest":                 {change(document, flip), true, "was changed: its content"},
		"a document is missing":              {change(document, gone), false, "is missing"},
		"a document was added":               {append([]member{{backupBlobs + "/ab/" + strings.Repeat("ab", 32), []byte("x")}}, list...), false, "wasn't there"},
		"a file that doesn't belong there":   {append([]member{{"extra", nil}}, list...), false, "which no backup does"},
		"a file that goes elsewhere":         {append([]member{{"../../extra", nil}}, list...), false, "which no backup does"},
		"the manifest is missing":            {change(named(backupManifest), gone), false, "its end is missing"},
		"the manifest isn't one":             {change(named(backupManifest), func([]byte) []byte { return []byte("{}") }), false, "its format"},
		"the database is missing":            {change(named("database."), gone), false, "no database"},
		"the database was changed":           {change(named("database."), flip), false, "was changed: its hash"},
		"the database was cut":               {change(named("database."), func(b []byte) []byte { return b[:len(b)/2] }), true, "DIFFERS"},
		"the database is none":               {change(named("database."), func(b []byte) []byte { return []byte("nothing") }), true, "DIFFERS"},
		"a bundle of the ledger was changed": {change(named(backupLedger+"/tile/entries"), flip), true, "the ledger"},
		"a tile of the ledger was changed":   {change(named(backupLedger+"/tile/0"), flip), true, "the ledger"},
		"the checkpoint of the ledger":       {change(named(backupLedger+"/checkpoint"), flip), true, "the checkpoint of the log"},
		"the key of the ledger is missing":   {change(named(backupKey), gone), true, "has no key"},
		"the tables are others than at the time": {change(named(backupManifest), func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"audit_entry":`), []byte(`"audit_entry":1`), 1)
		}), true, "the table audit_entry has"},
	} {
		if dsn != "" && !strings.Contains(name, "database") {
			continue // what the engine has no part in is tried once
		}
		writeBackup(t, damaged, test.list, test.honest)
		drill(name, damaged, keys, test.words)
	}
	if dsn == "" { // who can write to the backup of SQLite can change rows in it, and the manifest too
		for name, test := range map[string][2]string{
			"a record was deleted":    {"DELETE FROM register_record WHERE id = (SELECT MIN(id) FROM register_record WHERE register = 'residents')", "the register residents has"},
			"an entry was changed":    {"UPDATE audit_entry SET purpose = 'other' WHERE id = (SELECT MIN(id) FROM audit_entry)", "it was changed"},
			"a record was moved":      {"UPDATE register_record SET sealed = (SELECT sealed FROM register_record WHERE register = 'residents' AND id = (SELECT MAX(id) FROM register_record WHERE register = 'residents')) WHERE register = 'residents'", "what is sealed"},
			"a table was dropped":     {"DROP TABLE audit_seen", "audit_seen"},
			"a row was added by hand": {"INSERT INTO audit_act (id, kind, at, upto, n, note, salt) VALUES ('x', 'day', 0, 0, 0, '', '')", "audit_act has"},
		} {
			writeBackup(t, damaged, change(named(backupSQLite), func(b []byte) []byte {
				file := filepath.Join(t.TempDir(), "x.db")
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				db, err := store.Open(ctx, store.Config{Engine: store.SQLite, Path: file})
				if err != nil {
					t.Fatal(err)
				}
				err = db.Write(ctx, func(tx *store.Tx) error {
					n, err := tx.Exec(ctx, test[0])
					if err == nil && n == 0 && !strings.HasPrefix(test[0], "DROP") {
						err = errors.New("nothing was touched")
					}
					return err
				})
				if err == nil {
					err = db.BackupTo(ctx, file+".copy")
				}
				db.Close()
				b, err2 := os.ReadFile(file + ".copy")
				if err := errors.Join(err, err2); err != nil {
					t.Fatal(err)
				}
				return b
			}), true)
			drill(name, damaged, keys, test[1])
		}
	}
	raw, err := os.ReadFile(sound)
	if err == nil {
		err = os.WriteFile(damaged, raw[:len(raw)/2], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	drill("cut in the middle", damaged, keys, "DIFFERS")
	drill("no backup at all", filepath.Join(contentDir, "embed.go"), keys, "can't be read")
	drill("none", filepath.Join(dir, "none.tar"), keys, "no such file")

	if dsn != "" {
		return
	}
	all, err := os.ReadFile(keys)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(all, []byte("\n"))
	for name, test := range map[string]struct {
		text  []byte
		words string
	}{
		"the end of the keys is missing": {bytes.Join(lines[:len(lines)-3], nil), "its end is missing"},
		"the keys are cut":               {all[:len(all)-20], "damaged"},
		"the keys are none":              {[]byte("x"), "no file of keys"},
		"a key was changed":              {nil, "1 of"},
	} {
		file := filepath.Join(dir, "keys")
		if name == "a key was changed" {
			var l map[string]any
			if err := json.Unmarshal(lines[1], &l); err != nil {
				t.Fatal(err)
			}
			k := []byte(l["k"].(string))
			if k[20] == 'A' {
				k[20] = 'B'
			} else {
				k[20] = 'A'
			}
			l["k"] = string(k)
			b, _ := json.Marshal(l)
			test.text = bytes.Join([][]byte{lines[0], append(b, '\n'), bytes.Join(lines[2:], nil)}, nil)
		}
		if err := os.WriteFile(file, test.text, 0o600); err != nil {
			t.Fatal(err)
		}
		drill(name, sound, file, test.words)
	}
}
