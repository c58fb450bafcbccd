// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"mercator/base/ident"
	"mercator/core/audit"
	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/ledger"
	"mercator/core/store"
	"mercator/core/vault"
	"mercator/domain/register"
)

// manifest is what a backup says of itself. It is its last file: whose end is missing has none.
type manifest struct {
	Format    string            `json:"format"`
	Engine    string            `json:"engine"`
	At        time.Time         `json:"at"`
	Tables    map[string]int64  `json:"tables"`    // rows
	Registers map[string]int64  `json:"registers"` // records
	Files     map[string]string `json:"files"`     // SHA-256
}

const manifestFormat = "mercator-backup/1"

// summed is a backup that is written, with the sums of its files.
type summed struct {
	*tar.Writer
	sums map[string]string
}

// count counts in the state of the database that is copied.
func (m *manifest) count(ctx context.Context, q store.Q, e store.Engine) (err error) {
	if m.Tables, err = store.Counts(ctx, q, e); err != nil {
		return err
	}
	m.Tables[vault.KeyTable] = 0 // has a copy of its own
	m.Registers, err = register.Counts(ctx, q)
	return err
}

func (m *manifest) add(w *tar.Writer) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: backupManifest, Size: int64(len(b)), Mode: 0o600, ModTime: m.At}); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// drill is a restore that is tried.
type drill struct {
	config   config.Config // of the scratch folder and database
	manifest manifest
	out      io.Writer
	found    []string
	began    time.Time
}

func (d *drill) differs(format string, args ...any) {
	d.found = append(d.found, fmt.Sprintf(format, args...))
	fmt.Fprintf(d.out, "DIFFERS  "+format+"\n", args...)
}

func (d *drill) ok(format string, args ...any) {
	fmt.Fprintf(d.out, "ok       "+format+" (%s)\n", append(args, time.Since(d.began).Round(time.Millisecond))...)
	d.began = time.Now()
}

// Drill restores a backup into a scratch folder, for PostgreSQL into a scratch database too, holds everything in it against
// what the backup says of itself, and removes it again. A difference is an error. keys: the file of keys; "": beside the
// backup, if it is there.
func Drill(ctx context.Context, c config.Config, from, keys string, stdout io.Writer) (err error) {
	if from == "" {
		return errors.New("restore: --from FILE is missing")
	}
	if keys == "" {
		if keys = keysBeside(from, ""); !isFile(keys) {
			keys = ""
		}
	} else if !isFile(keys) {
		return fmt.Errorf("restore: there is no file of keys at %s", keys)
	}
	dir, err := os.MkdirTemp("", "mercator-drill-*") // 0700
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if e := os.RemoveAll(dir); e != nil && err == nil {
			err = fmt.Errorf("restore: the scratch folder is left behind: %w", e)
		}
	}()
	began := time.Now()
	d := &drill{config: c, out: stdout, began: began}
	d.config.Data = config.Data{Dir: dir, Shared: dir}
	d.config.Database.Path = filepath.Join(dir, "mercator.db")
	run := func() error { return d.run(ctx, from, keys) }
	if c.Database.Engine == "postgres" {
		dsn, err := c.Database.DSN.Read()
		if err != nil {
			return fmt.Errorf("restore: database.dsn: %w", err)
		}
		err = store.ScratchPostgres(ctx, dsn, "mercator_drill_"+strings.ReplaceAll(ident.New(), "-", ""), func(scratch string) error {
			d.config.Database.DSN = config.Literal(scratch)
			return run()
		})
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	} else if err := run(); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	if len(d.found) > 0 {
		return fmt.Errorf("restore: the drill found %d differences in %s", len(d.found), time.Since(began).Round(time.Millisecond))
	}
	fmt.Fprintf(stdout, "the backup of %s can be restored; the drill took %s and left nothing behind\n", d.manifest.At.Format(time.RFC3339), time.Since(began).Round(time.Millisecond))
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (d *drill) run(ctx context.Context, from, keys string) error {
	if !d.unpack(ctx, from) {
		return nil // what there is can't be read any further
	}
	c := d.config
	db, err := openStore(ctx, c)
	if err != nil {
		d.differs("the database can't be opened: %v", err)
		return nil
	}
	defer db.Close()
	if err := d.counts(ctx, db); err != nil {
		d.differs("the database can't be read: %v", err)
		return nil
	}
	if err := store.Migrate(ctx, db, Migrations()); err != nil {
		d.differs("the database can't be brought up to this version: %v", err)
		return nil
	}
	var a *audit.Ledger
	if keys == "" {
		fmt.Fprintln(d.out, "skipped  no file of keys (--keys FILE): nothing sealed is opened, and the ledger is checked without the database")
	} else if n, err := restoreKeys(ctx, c, db, keys); err != nil {
		d.differs("the file of keys %s: %v", keys, err)
	} else {
		d.ok("%d keys of persons and records", n)
		a = d.sample(ctx, db)
	}
	return d.ledger(ctx, a)
}

// unpack writes the files of a backup into the scratch folder. It reports whether there is a database.
func (d *drill) unpack(ctx context.Context, from string) (database bool) {
	f, err := os.Open(from)
	if err != nil {
		d.differs("%v", err)
		return false
	}
	defer f.Close()
	sums, whole, documents := map[string]string{}, false, 0
	r := tar.NewReader(f)
	for ctx.Err() == nil {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err == nil && (!filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg) {
			err = fmt.Errorf("it holds %q, which no backup does", h.Name)
		}
		if err != nil {
			d.differs("%s can't be read after %d files: %v", from, len(sums), err)
			return false
		}
		if h.Name == backupManifest {
			b, err := io.ReadAll(io.LimitReader(r, 1<<30))
			if err == nil {
				err = json.Unmarshal(b, &d.manifest)
			}
			if err == nil && d.manifest.Format != manifestFormat {
				err = fmt.Errorf("its format is %q; this program reads %s", d.manifest.Format, manifestFormat)
			}
			if err != nil {
				d.differs("%s: %v", backupManifest, err)
				return false
			}
			whole = true
			continue
		}
		var path string
		switch {
		case h.Name == backupSQLite, h.Name == backupPostgres:
			if path = d.config.Database.Path; h.Name == backupPostgres {
				path = filepath.Join(d.config.Data.Dir, ".drill.pgdump")
			}
			if (h.Name == backupPostgres) != (d.config.Database.Engine == "postgres") {
				d.differs("it holds %s, but the configuration says %s", h.Name, d.config.Database.Engine)
				return false
			}
			database = true
		case strings.HasPrefix(h.Name, backupBlobs+"/"):
			path = filepath.Join(blobDir(d.config), strings.TrimPrefix(h.Name, backupBlobs+"/"))
		case strings.HasPrefix(h.Name, backupUploads+"/"):
			path = filepath.Join(uploadsDir(d.config), strings.TrimPrefix(h.Name, backupUploads+"/"))
		case strings.HasPrefix(h.Name, backupLedger+"/"):
			path = filepath.Join(ledgerDir(d.config), strings.TrimPrefix(h.Name, backupLedger+"/"))
		case h.Name == backupKey:
			path = filepath.Join(d.config.Data.Shared, backupKey)
		default:
			d.differs("it holds %s, which no backup does", h.Name)
			continue
		}
		sum := sha256.New()
		if err := writeFile(path, io.TeeReader(r, sum)); err != nil {
			d.differs("%s: %v", h.Name, err)
			return false
		}
		sums[h.Name] = hex.EncodeToString(sum.Sum(nil))
		// A document is named by what is in it.
		if name := filepath.Base(h.Name); strings.HasPrefix(h.Name, backupBlobs+"/") && name != blob.IDFile {
			if documents++; name != sums[h.Name] {
				d.differs("the document %s was changed: its content has the hash %s", name, sums[h.Name])
			}
		}
	}
	if !whole {
		d.differs("%s has no %s: its end is missing, or it was made by a version of before, which can't be checked", from, backupManifest)
	} else {
		for _, name := range slices.Sorted(maps.Keys(d.manifest.Files)) {
			if got, ok := sums[name]; !ok {
				d.differs("%s is missing", name)
			} else if got != d.manifest.Files[name] {
				d.differs("%s was changed: its hash is %s, and %s at the time of the backup", name, got, d.manifest.Files[name])
			}
		}
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			if _, ok := d.manifest.Files[name]; !ok {
				d.differs("%s wasn't there at the time of the backup", name)
			}
		}
	}
	if !database {
		d.differs("%s holds no database", from)
		return false
	}
	d.ok("%d files, of these %d documents whose names are the hashes of their contents", len(sums), documents)
	if d.config.Database.Engine == "postgres" {
		if err := d.pgRestore(ctx); err != nil {
			d.differs("the database can't be restored: %v", err)
			return false
		}
	}
	return true
}

func (d *drill) pgRestore(ctx context.Context) error {
	f, err := os.Open(filepath.Join(d.config.Data.Dir, ".drill.pgdump"))
	if err != nil {
		return err
	}
	defer f.Close()
	return restorePostgres(ctx, d.config, f)
}

// counts holds tables and registers against the manifest, before any migration.
func (d *drill) counts(ctx context.Context, db *store.DB) error {
	tables, err := store.Counts(ctx, db, db.Engine())
	if err != nil {
		return err
	}
	registers, err := register.Counts(ctx, db)
	if err != nil {
		return err
	}
	if d.manifest.Format == "" {
		return nil
	}
	rows := int64(0)
	compare := func(what string, was, is map[string]int64) {
		all := maps.Clone(was)
		if all == nil {
			all = map[string]int64{}
		}
		maps.Copy(all, is)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			a, there := was[name]
			b, here := is[name]
			if a != b || there != here {
				d.differs("the %s %s has %d rows, and %d at the time of the backup", what, name, b, a)
			}
			rows += b
		}
	}
	compare("register", d.manifest.Registers, registers)
	rows = 0
	compare("table", d.manifest.Tables, tables)
	d.ok("%d rows in %d tables, of these the records of %d registers, counted", rows, len(tables), len(registers))
	return nil
}

// sampleSize is about how many records of each register are opened.
const sampleSize = 200

// sample opens some of what is sealed, and gives the ledger with its keys.
func (d *drill) sample(ctx context.Context, db *store.DB) *audit.Ledger {
	if !isFile(keysetFile(d.config)) {
		return &audit.Ledger{DB: db} // nothing has ever been sealed
	}
	v, err := openVault(ctx, d.config, db)
	if err != nil {
		d.differs("%v", err)
		return nil
	}
	st, err := v.Status(ctx)
	if err == nil && st.Bad > 0 {
		err = fmt.Errorf("%d of %d keys don't open", st.Bad, st.Keys)
	}
	var s register.Sampled
	if err == nil {
		s, err = d.open(ctx, db, v)
	}
	if err != nil {
		d.differs("what is sealed: %v", err)
	} else {
		d.ok("every key opens, and a sample of %d sealed records; %d more are erased", s.Opened, s.Erased)
	}
	return &audit.Ledger{DB: db, Keys: ledger.Keys(v)}
}

func (d *drill) open(ctx context.Context, db *store.DB, v *vault.Vault) (register.Sampled, error) {
	folder, err := fs.Sub(contentFS(d.config.Content.Dir), "registers")
	if err != nil {
		return register.Sampled{}, err
	}
	shelf := &register.Shelf{DB: db, Vault: v, Now: time.Now}
	definitions, err := shelf.InForce(ctx, folder)
	if err != nil {
		return register.Sampled{}, err
	}
	s, err := register.New(register.Config{DB: db, Vault: v, Registers: definitions})
	if err != nil {
		return register.Sampled{}, err
	}
	return s.Sample(ctx, sampleSize)
}

// ledger verifies the log, and with the keys the records of the database against it.
func (d *drill) ledger(ctx context.Context, a *audit.Ledger) error {
	if !isFile(filepath.Join(ledgerDir(d.config), "checkpoint")) {
		d.ok("there was no log of the ledger yet")
		return nil
	}
	key, err := publicKey(d.config)
	if err != nil {
		d.differs("%v", err)
		return nil
	}
	o := ledger.Options{Source: ledger.Folder(ledgerDir(d.config)), Key: key, Leaves: true, Audit: a, Now: cmp.Or(d.manifest.At, time.Now()), Retention: d.config.Ledger.Retention}
	next := int64(0)
	if a != nil {
		if next, err = a.NextLeaf(ctx); err != nil {
			d.differs("the ledger: %v", err)
			return nil
		}
	}
	r, err := ledger.Verify(ctx, o)
	if err != nil {
		d.differs("the ledger: %v", err)
		return nil
	}
	behind, n := 0, len(d.found)
	for _, f := range r.Findings {
		// The log is copied after the database: what was added between the two has no record in it.
		if f.Leaf >= next && f.Record == "" && f.Missing {
			behind++
			continue
		}
		d.differs("the ledger: %s", f)
	}
	if len(d.found) == n {
		d.ok("the log of the ledger: %d leaves, %d records held against them, %d leaves younger than the copy of the database", r.Size, r.Records, behind)
	}
	return nil
}
