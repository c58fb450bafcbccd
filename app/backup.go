// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"mercator/core/audit"
	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/ledger"
	"mercator/core/store"
	"mercator/core/vault"

	"github.com/jackc/pgx/v5"
)

// What a backup holds: the database without the keys of persons as one file, then the documents and the log of the ledger with its key. A document
// is written before the row that names it, so a copy of the database that is
// older than the copy of the documents never names one that is missing. So with the log: it
// may have leaves that the database of the backup doesn't, never the other way round, which
// would be a log rolled back.
const (
	backupSQLite   = "database.sqlite"
	backupPostgres = "database.pgdump"
	backupBlobs    = "documents"
	backupUploads  = "uploads"
	backupLedger   = "ledger"
	backupKey      = "ledger.key"
	backupManifest = "manifest.json"
)

// The keys of persons (core/vault) are copied to a file of their own, which each backup
// replaces: an old copy would bring back whom the city has erased.
const keysFile = "mercator.keys"

// keysBeside is where the keys lie, unless it is said.
func keysBeside(backup, keys string) string {
	if keys == "" {
		return filepath.Join(filepath.Dir(backup), keysFile)
	}
	return keys
}

// Backup writes a consistent copy of a running platform to a tar file, and the keys of
// persons to another; "": beside it.
func Backup(ctx context.Context, c config.Config, to, keys string, stdout io.Writer) (err error) {
	if to == "" {
		return errors.New("backup: --to FILE is missing")
	}
	keys = keysBeside(to, keys)
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err != nil {
			out.Close()
			os.Remove(to)
		}
	}()
	tmp, err := os.MkdirTemp(filepath.Dir(to), ".backup-*")
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer os.RemoveAll(tmp)
	m := manifest{Format: manifestFormat, Engine: c.Database.Engine, At: time.Now().UTC(), Files: map[string]string{}}
	name := backupSQLite
	if c.Database.Engine == "postgres" {
		name = backupPostgres
		dsn, err := c.Database.DSN.Read()
		if err != nil {
			return fmt.Errorf("backup: database.dsn: %w", err)
		}
		if err := store.ReadPostgres(ctx, dsn, func(q store.Q, state string) error {
			if err := m.count(ctx, q, store.Postgres); err != nil {
				return err
			}
			return pgTool(ctx, "pg_dump", dsn, "--format=custom", "--no-owner", "--snapshot="+state, "--exclude-table-data="+vault.KeyTable, "--file", filepath.Join(tmp, name))
		}); err != nil {
			return err
		}
	} else {
		db, err := openStore(ctx, c)
		if err != nil {
			return err
		}
		err = db.BackupTo(ctx, filepath.Join(tmp, name), vault.KeyTable)
		db.Close()
		if err == nil {
			err = store.ReadCopy(ctx, filepath.Join(tmp, name), func(q store.Q) error { return m.count(ctx, q, store.SQLite) })
		}
		if err != nil {
			return err
		}
	}
	w := summed{tar.NewWriter(out), m.Files}
	if err := addFile(w, filepath.Join(tmp, name), name); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	n, err := addTree(w, blobDir(c), backupBlobs)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := addUploads(w, uploadsDir(c)); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := addLedger(w, c); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := m.add(w.Writer); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := errors.Join(w.Close(), out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	// After the database: of whom it holds something, the key is there.
	count, err := backupKeys(ctx, c, keys)
	if err != nil {
		return fmt.Errorf("backup: %s: %w", keys, err)
	}
	fmt.Fprintf(stdout, "backup %s: the database and %d documents\nkeys   %s: %d keys of persons and records; it takes the place of the one before, keep no older copy\n", to, n, keys, count)
	return nil
}

// keysHead begins a file of keys.
type keysHead struct {
	Keyset json.RawMessage `json:"keyset"`
	// Master is the master key in hexadecimal digits, if it isn't kept elsewhere.
	Master string `json:"master,omitempty"`
	// Keys is how many there are.
	Keys int `json:"keys"`
	// Forgotten is what the ledger has left of forgotten persons (audit.ExportForgotten): backups of before know them yet.
	Forgotten string `json:"forgotten,omitempty"`
}

func backupKeys(ctx context.Context, c config.Config, to string) (n int, err error) {
	var head keysHead
	if head.Keyset, err = os.ReadFile(keysetFile(c)); errors.Is(err, fs.ErrNotExist) {
		head.Keyset = json.RawMessage("null") // nothing has ever been sealed
	} else if err != nil {
		return 0, err
	}
	if !c.Vault.Elsewhere() {
		key, err := os.ReadFile(masterFile(c))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		head.Master = hex.EncodeToString(key)
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	lines, err := os.CreateTemp(filepath.Dir(to), ".keys-*") // 0600
	if err != nil {
		return 0, err
	}
	defer os.Remove(lines.Name())
	defer lines.Close()
	w := bufio.NewWriter(lines)
	if n, err = vault.Export(ctx, db, w); err != nil {
		return 0, err
	}
	// After the keys: of whoever is forgotten meanwhile there may be both, which ForgetAgain knows how to take, but never neither.
	var forgotten strings.Builder
	if _, err := (&audit.Ledger{DB: db}).ExportForgotten(ctx, &forgotten); err != nil {
		return 0, err
	}
	head.Keys, head.Forgotten = n, forgotten.String()
	if err := w.Flush(); err != nil {
		return 0, err
	}
	if _, err := lines.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return n, blob.Replace(to, func(f io.Writer) error {
		if err := json.NewEncoder(f).Encode(head); err != nil {
			return err
		}
		_, err := io.Copy(f, lines)
		return err
	})
}

// restoreKeys brings the keys back, and the keyset and master key where they aren't there.
func restoreKeys(ctx context.Context, c config.Config, db *store.DB, from string) (n int, err error) {
	f, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	first, err := r.ReadBytes('\n')
	var head keysHead
	if err != nil || json.Unmarshal(first, &head) != nil {
		return 0, errors.New("this is no file of keys")
	}
	if string(head.Keyset) == "null" {
		return 0, nil // nothing had ever been sealed
	}
	if !c.Vault.Elsewhere() {
		key, err := hex.DecodeString(head.Master)
		if err != nil || len(key) != 32 {
			return 0, errors.New("the master key isn't in it: set vault.key in the configuration")
		}
		if there, err := blob.WriteOnce(masterFile(c), key); err != nil || !bytes.Equal(there, key) {
			return 0, errors.Join(err, fmt.Errorf("%s is another key", masterFile(c)))
		}
	}
	if there, err := blob.WriteOnce(keysetFile(c), head.Keyset); err != nil || !bytes.Equal(bytes.TrimSpace(there), bytes.TrimSpace(head.Keyset)) {
		return 0, errors.Join(err, fmt.Errorf("%s is another keyset", keysetFile(c)))
	}
	if n, err = vault.Import(ctx, db, r); err != nil {
		return n, err
	}
	if n < head.Keys { // 0 in files of before it was written
		return n, fmt.Errorf("%d keys are in it and %d should be: its end is missing", n, head.Keys)
	}
	a, err := openAudit(ctx, c, db)
	if err != nil {
		return n, err
	}
	return n, a.ForgetAgain(ctx, strings.NewReader(head.Forgotten), time.Now(), ledger.Commit)
}

// Restore brings a backup back. It refuses a place where there is something.
func Restore(ctx context.Context, c config.Config, from, keys string, stdout io.Writer) error {
	if from == "" {
		return errors.New("restore: --from FILE is missing")
	}
	keys = keysBeside(from, keys)
	if _, err := os.Stat(keys); err != nil {
		return fmt.Errorf("restore: without the keys of persons nothing about them can be read: --keys FILE: %w", err)
	}
	if entries, err := os.ReadDir(blobDir(c)); err == nil && len(entries) > 0 {
		return fmt.Errorf("restore: %s is not empty; restore into an empty data folder", blobDir(c))
	}
	if entries, err := os.ReadDir(ledgerDir(c)); err == nil && len(entries) > 0 {
		return fmt.Errorf("restore: %s is not empty; restore into an empty data folder", ledgerDir(c))
	}
	if c.Database.Engine == "sqlite" {
		if _, err := os.Stat(c.Database.Path); err == nil {
			return fmt.Errorf("restore: %s is there already; move it away first", c.Database.Path)
		}
	}
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	defer in.Close()
	for _, dir := range []string{c.Data.Dir, c.Data.Shared} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	n, database, whole := 0, false, false
	r := tar.NewReader(in)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("restore: %s is not a backup: %w", from, err)
		}
		if !filepath.IsLocal(h.Name) || h.Typeflag != tar.TypeReg {
			return fmt.Errorf("restore: %s holds %q, which no backup does", from, h.Name)
		}
		switch {
		case h.Name == backupSQLite && c.Database.Engine == "sqlite":
			database = true
			err = writeFile(c.Database.Path, r)
		case h.Name == backupPostgres && c.Database.Engine == "postgres":
			database = true
			err = restorePostgres(ctx, c, r)
		case strings.HasPrefix(h.Name, backupBlobs+"/"):
			if h.Name != backupBlobs+"/"+blob.IDFile {
				n++
			}
			err = writeFile(filepath.Join(blobDir(c), strings.TrimPrefix(h.Name, backupBlobs+"/")), r)
		case strings.HasPrefix(h.Name, backupUploads+"/"):
			err = writeFile(filepath.Join(uploadsDir(c), strings.TrimPrefix(h.Name, backupUploads+"/")), r)
		case strings.HasPrefix(h.Name, backupLedger+"/"):
			err = writeFile(filepath.Join(ledgerDir(c), strings.TrimPrefix(h.Name, backupLedger+"/")), r)
		case h.Name == backupKey:
			err = writeFile(filepath.Join(c.Data.Shared, backupKey), r)
		case h.Name == backupManifest:
			whole = true
		default:
			err = fmt.Errorf("it holds %s, but the configuration says %s", h.Name, c.Database.Engine)
		}
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	if !database {
		return fmt.Errorf("restore: %s holds no database", from)
	}
	db, err := openStore(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := store.Migrate(ctx, db, Migrations()); err != nil {
		return err
	}
	count, err := restoreKeys(ctx, c, db, keys)
	if err != nil {
		return fmt.Errorf("restore: %s: %w", keys, err)
	}
	fmt.Fprintf(stdout, "restored %s: the database, %d documents, %d keys of persons and records\n", from, n, count)
	if !whole {
		fmt.Fprintf(stdout, "the backup has no %s: it was made by a version of before, or its end is missing\n", backupManifest)
	}
	return nil
}

func restorePostgres(ctx context.Context, c config.Config, r io.Reader) error {
	f, err := os.CreateTemp(c.Data.Dir, ".restore-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dsn, err := c.Database.DSN.Read()
	if err != nil {
		return err
	}
	return pgTool(ctx, "pg_restore", dsn, "--no-owner", "--exit-on-error", "--single-transaction", f.Name())
}

// pgTool runs a client program of PostgreSQL. The connection string goes by the
// environment, where other users of the machine don't see it.
func pgTool(ctx context.Context, tool, dsn string, args ...string) error {
	if _, err := exec.LookPath(tool); err != nil {
		return fmt.Errorf("%s is not on the PATH: install the client programs of PostgreSQL", tool)
	}
	env, err := pgEnv(dsn)
	if err != nil {
		return err
	}
	if tool == "pg_restore" {
		// pg_restore connects only when it is told a database by name.
		for _, e := range env {
			if name, ok := strings.CutPrefix(e, "PGDATABASE="); ok {
				args = append([]string{"--dbname", name}, args...)
			}
		}
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", tool, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// addLedger adds the log, which doesn't grow meanwhile, and its key.
func addLedger(w summed, c config.Config) error {
	if _, err := os.Stat(ledgerDir(c)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	release, err := ledger.Freeze(ledgerDir(c))
	if err != nil {
		return err
	}
	defer release()
	if _, err := addTree(w, ledgerDir(c), backupLedger); err != nil {
		return err
	}
	return addFile(w, filepath.Join(c.Data.Shared, backupKey), backupKey)
}

func addFile(w summed, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := w.WriteHeader(&tar.Header{Name: name, Size: info.Size(), Mode: 0o600, ModTime: info.ModTime()}); err != nil {
		return err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(w, h), f)
	w.sums[name] = hex.EncodeToString(h.Sum(nil))
	return err
}

// addUploads adds the files that people have sent. They come in parts and go again while they are copied, so each is read at once, and one that
// has just gone isn't missing.
func addUploads(w summed, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name := backupUploads + "/" + filepath.ToSlash(rel)
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(b)), Mode: 0o600, ModTime: time.Now()}); err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		w.sums[name] = hex.EncodeToString(sum[:])
		_, err = w.Write(b)
		return err
	})
}

func addTree(w summed, dir, prefix string) (n int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == dir {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") || strings.Contains(d.Name(), ".tmp") {
			return err
		}
		if d.Name() != blob.IDFile {
			n++
		}
		return addFile(w, path, prefix+"/"+filepath.ToSlash(rel))
	})
	return n, err
}

func writeFile(path string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// pgEnv is a connection string as the environment of PostgreSQL's programs.
func pgEnv(dsn string) ([]string, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("database.dsn can't be read") // its text holds the password
	}
	env := []string{"PGHOST=" + c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGUSER=" + c.User, "PGDATABASE=" + c.Database}
	if c.Password != "" {
		env = append(env, "PGPASSWORD="+c.Password)
	}
	if c.TLSConfig == nil {
		env = append(env, "PGSSLMODE=disable")
	}
	return env, nil
}
