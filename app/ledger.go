// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"mercator/base/fault"
	"mercator/base/ident"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/identity"
	"mercator/core/job"
	"mercator/core/ledger"
	"mercator/core/store"
	"mercator/lang/dmn"
	"mercator/web"
)

func ledgerDir(c config.Config) string { return filepath.Join(c.Data.Shared, "ledger") }

// ledgerKey is the key that checkpoints are signed with, made at the first start.
func ledgerKey(c config.Config) (string, error) {
	key, err := ledger.NewKey(c.Server.PublicURL)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(c.Data.Shared, 0o700); err != nil {
		return "", err
	}
	b, err := blob.WriteOnce(filepath.Join(c.Data.Shared, backupKey), []byte(key+"\n"))
	return strings.TrimSpace(string(b)), err
}

// openLedger opens the transparency log, and reads the rules of what is disclosed from it.
func (h *House) openLedger() (err error) {
	key, err := ledgerKey(h.config)
	if err != nil {
		return err
	}
	h.ledger, err = ledger.Open(ledger.Config{Dir: ledgerDir(h.config), Key: key, Audit: &audit.Ledger{DB: h.db, Keys: ledger.Keys(h.vault)}, Now: h.now, Log: h.log, Retention: h.config.Ledger.Retention})
	return err
}

// openAudit is the ledger of a database with the keys of persons, which are moved to where they belong.
func openAudit(ctx context.Context, c config.Config, db *store.DB) (*audit.Ledger, error) {
	v, err := openVault(ctx, c, db)
	if err != nil {
		return nil, err
	}
	a := &audit.Ledger{DB: db, Keys: ledger.Keys(v)}
	_, err = a.MoveKeys(ctx)
	return a, err
}

// loadDisclosure reads what a person is shown of an entry about them. Rules that can't be read mustn't be left out.
func loadDisclosure(policies fs.FS, log *slog.Logger) (func(audit.Entry) audit.Disclosure, error) {
	const file, decision = "disclosure.dmn", "disclosure"
	b, err := fs.ReadFile(policies, file)
	if err != nil {
		return nil, fmt.Errorf("policies/%s, which says what people are shown of the ledger: %w", file, err)
	}
	d, err := dmn.Parse(file, b)
	if err != nil {
		return nil, err
	}
	decide := func(purpose, kind, action string) (audit.Disclosure, error) {
		r, err := d.Decide(decision, map[string]any{"entry": map[string]any{"purpose": purpose, "actor_kind": kind, "action": action}})
		if err != nil {
			return audit.Disclosure{}, err
		}
		answer, _ := r.Value.(map[string]any)
		fields, ok := answer["fields"].([]any)
		entry, _ := answer["entry"].(string)
		if !ok || entry != "show" && entry != "hide" {
			return audit.Disclosure{}, fmt.Errorf("%s: the answer for the purpose %q is %v: want entry \"show\" or \"hide\", and fields", file, purpose, r.Value)
		}
		out := audit.Disclosure{Hidden: entry == "hide"}
		for _, f := range fields {
			out.Fields = append(out.Fields, fmt.Sprint(f))
		}
		return out, nil
	}
	if _, err := decide("case work", "clerk", "read"); err != nil {
		return nil, err
	}
	var mu sync.Mutex
	known := map[[3]string]audit.Disclosure{}
	return func(e audit.Entry) audit.Disclosure {
		key := [3]string{e.Purpose, e.ActorKind, e.Action}
		if e.Mandate != "" && e.ActorKind == audit.Resident {
			key[1] = "delegate" // whom the person knows: they act in their name
		}
		mu.Lock()
		defer mu.Unlock()
		out, ok := known[key]
		if !ok {
			if out, err = decide(key[0], key[1], key[2]); err != nil {
				log.Error("what is disclosed of an entry can't be decided; it isn't shown", "err", err)
				out = audit.Disclosure{Hidden: true}
			}
			if len(known) > 10_000 {
				clear(known)
			}
			known[key] = out
		}
		return out
	}, nil
}

// The jobs of the ledger. One key each: one node at a time.
const (
	jobAppend = "ledger.append"
	jobRetain = "ledger.retain"
)

func (h *House) ledgerWorkers() []job.Worker {
	return []job.Worker{
		{Kind: jobAppend, Limit: 1, Timeout: 30 * time.Minute, Work: func(ctx context.Context, _ *job.Job) error {
			if _, err := h.ledger.Append(ctx); err != nil {
				return err
			}
			return h.db.Write(ctx, func(tx *store.Tx) error { // what has come into the log is looked at
				return h.jobs.Add(ctx, tx, job.New{Kind: jobDetect, Key: jobDetect})
			})
		}},
		{Kind: jobRetain, Limit: 1, Timeout: 30 * time.Minute, Work: func(ctx context.Context, _ *job.Job) error {
			n, err := h.ledger.Retain(ctx)
			if n > 0 {
				h.log.Info("entries of the ledger have reached the end of their retention", "leaves", n)
			}
			return err
		}},
	}
}

// keepLedger has the log brought up to date when there is something to add: the reads that it is about don't pay for it.
func (h *House) keepLedger(ctx context.Context) error {
	a := audit.Ledger{DB: h.db}
	ask := func(kind string) error {
		return h.db.Write(ctx, func(tx *store.Tx) error {
			return h.jobs.Add(ctx, tx, job.New{Kind: kind, Key: kind})
		})
	}
	var retained time.Time
	return h.every(ctx, time.Second, "the log of the ledger can't be brought up to date", func() (bool, error) {
		waits, err := a.Waits(ctx)
		if err == nil && waits {
			err = ask(jobAppend)
		}
		if err == nil && time.Since(retained) > time.Hour {
			retained = time.Now()
			err = ask(jobRetain)
		}
		return false, err
	})
}

// ledgerMounts are the log for everybody, and for a resident their own entries with proofs.
func (h *House) ledgerMounts() web.Mounts {
	return web.Mounts{
		{Pattern: "GET /ledger/", Handler: h.ledger.Handler("/ledger/"), Class: web.ClassAPI},
		{Pattern: "GET /my-data/ledger.json", Handler: web.Handle(h.ledgerProof)},
	}
}

func (h *House) ledgerProof(w http.ResponseWriter, r *http.Request) error {
	const op = "app.ledgerProof"
	a, err := identity.Require(r, access.Substantial)
	if err != nil {
		return err
	}
	if a.Kind != access.Resident {
		return fault.New(fault.Denied, op, "casefileweb.residentsOnly")
	}
	before := r.URL.Query().Get("before")
	if before != "" && !ident.Valid(before) {
		return fault.Because(fault.Invalid, op, "", errors.New("the place in the list is no id"))
	}
	g, err := h.access.Permit(r.Context(), access.Request{Actor: a, Action: access.Read, Resource: "ledger", Purpose: "own data", Basis: "Art. 15 DSGVO", Owner: a.ID})
	if err != nil {
		return err
	}
	p, err := h.ledger.Prove(r.Context(), g, func(e audit.Entry) audit.Disclosure { return h.access.DisclosedTo(r.Context(), g.Request().Owner, e) }, before, ledger.MaxRecords)
	if err != nil {
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fault.Wrap(op, err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="ledger.json"`)
	w.Header().Set("Cache-Control", "no-store")
	_, err = w.Write(b)
	return err
}

const ledgerUsage = `usage:
  mercator ledger verify --config FILE [--checkpoint FILE]…        log and database against each other, and against checkpoints that others kept
  mercator ledger verify --url URL [--key KEY] [--all] [--checkpoint FILE]…
                                                                   a log from outside, URL as https://city.example/ledger
  mercator ledger check FILE [--key KEY] [--checkpoint FILE] [--url URL]
                                                                   the file that a person got from "my data", without the city
  mercator ledger witness --url URL --key KEY --sign-with FILE --last FILE
                                                                   countersign the log for others, if it has grown from what was countersigned last
  mercator ledger witness-key NAME --sign-with FILE                make the key of a witness; prints the public half
  mercator ledger key    --config FILE                             the public key of the log
  mercator ledger forget --config FILE --person ID                 destroy a person's key: nobody can say any more which entries they are in`

type files []string

func (f *files) String() string     { return strings.Join(*f, " ") }
func (f *files) Set(s string) error { *f = append(*f, s); return nil }

func (f files) read() ([]ledger.Kept, error) {
	var out []ledger.Kept
	for _, name := range f {
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, ledger.Kept{Name: name, Raw: b})
	}
	return out, nil
}

// LedgerCommand is mercator ledger. It returns the exit status: 1 if something is found, 2 if it was asked in a wrong way.
func LedgerCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprintln(stderr, ledgerUsage)
		return 2
	}
	f := flag.NewFlagSet("mercator ledger "+args[0], flag.ContinueOnError)
	f.SetOutput(stderr)
	var o ledgerOrder
	var kept files
	f.StringVar(&o.config, "config", "", "the configuration file")
	f.Var(&kept, "checkpoint", "a checkpoint that was kept; may be given several times")
	f.StringVar(&o.url, "url", "", "address of the log")
	f.StringVar(&o.key, "key", "", "the public key of the log, as it was got before")
	f.BoolVar(&o.all, "all", false, "read every leaf (with --url)")
	f.Var((*files)(&o.witnesses), "witness", "the public key of who must have countersigned each checkpoint; may be given several times")
	f.StringVar(&o.signWith, "sign-with", "", "file with the key of the witness")
	f.StringVar(&o.last, "last", "", "file with the checkpoint that was countersigned last, which is replaced; missing at first")
	f.StringVar(&o.person, "person", "", "id of a person")
	rest := args[1:]
	if len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		o.file, rest = rest[0], rest[1:]
	}
	if err := f.Parse(rest); err != nil {
		return 2
	}
	if o.file == "" {
		o.file = f.Arg(0)
	}
	var err error
	if o.kept, err = kept.read(); err == nil {
		switch {
		case args[0] == "verify" && (o.config == "") != (o.url == ""):
			err = o.verify(ctx, stdout)
		case args[0] == "check" && o.file != "":
			err = o.check(ctx, stdout)
		case args[0] == "witness" && o.url != "" && o.key != "" && o.signWith != "" && o.last != "":
			err = o.witness(ctx, stdout)
		case args[0] == "witness-key" && o.file != "" && o.signWith != "":
			err = o.witnessKey(stdout)
		case args[0] == "key" && o.config != "":
			err = o.printKey(stdout)
		case args[0] == "forget" && o.config != "" && o.person != "":
			err = o.forget(ctx, stdout)
		default:
			fmt.Fprintln(stderr, ledgerUsage)
			return 2
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "mercator: ledger:", err)
		return 1
	}
	return 0
}

type ledgerOrder struct {
	config, url, key, person, file string
	signWith, last                 string
	all                            bool
	kept                           []ledger.Kept
	witnesses                      []string
}

// publicKey is the key of the configuration; it makes none.
func publicKey(c config.Config) (string, error) {
	b, err := os.ReadFile(filepath.Join(c.Data.Shared, backupKey))
	if err != nil {
		return "", fmt.Errorf("the log has no key; it gets one at the first start: %w", err)
	}
	return ledger.VerifierKey(string(b))
}

func (o ledgerOrder) printKey(stdout io.Writer) error {
	c, err := config.Load(o.config)
	if err != nil {
		return err
	}
	key, err := publicKey(c)
	if err == nil {
		fmt.Fprintln(stdout, key)
	}
	return err
}

// existing opens the database of a configuration, if there is one.
func existing(ctx context.Context, c config.Config) (*store.DB, error) {
	if err := hasDatabase(c); err != nil {
		return nil, err
	}
	return openStore(ctx, c)
}

// hasDatabase is the error that there is none, for who only reads: opening SQLite makes one.
func hasDatabase(c config.Config) error {
	if c.Database.Engine == "sqlite" {
		if _, err := os.Stat(c.Database.Path); err != nil {
			return fmt.Errorf("there is no database at %s", c.Database.Path)
		}
	}
	return nil
}

func (o ledgerOrder) forget(ctx context.Context, stdout io.Writer) error {
	c, err := config.Load(o.config)
	if err != nil {
		return err
	}
	key, err := ledgerKey(c)
	if err != nil {
		return err
	}
	db, err := existing(ctx, c)
	if err != nil {
		return err
	}
	defer db.Close()
	a, err := openAudit(ctx, c, db)
	if err != nil {
		return err
	}
	l, err := ledger.Open(ledger.Config{Dir: ledgerDir(c), Key: key, Audit: a})
	if err != nil {
		return err
	}
	if err := l.Forget(ctx, o.person); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "the key is destroyed; that it happened is on record. The file of keys beside the backups has it until the next mercator backup")
	return nil
}

// theirKey is the public key as a log gives it away itself.
func theirKey(ctx context.Context, address string) (string, error) {
	u, err := url.JoinPath(address, "key")
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return "", err
	}
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1000))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", u, res.Status)
	}
	return strings.TrimSpace(string(b)), err
}

func (o ledgerOrder) verify(ctx context.Context, stdout io.Writer) (err error) {
	v := ledger.Options{Key: o.key, Kept: o.kept, Witnesses: o.witnesses, Leaves: o.all, Now: time.Now()}
	if o.url != "" {
		if v.Source, err = ledger.Remote(o.url); err != nil {
			return err
		}
		if v.Key == "" {
			if v.Key, err = theirKey(ctx, o.url); err != nil {
				return err
			}
			fmt.Fprintf(stdout, "the key is the one that the log gives itself: %s\n", v.Key)
		}
	} else {
		c, err := config.Load(o.config)
		if err != nil {
			return err
		}
		if v.Key == "" {
			if v.Key, err = publicKey(c); err != nil {
				return err
			}
		}
		db, err := existing(ctx, c)
		if err != nil {
			return err
		}
		defer db.Close()
		if v.Audit, err = openAudit(ctx, c, db); err != nil {
			return err
		}
		v.Source, v.Leaves, v.Retention = ledger.Folder(ledgerDir(c)), true, c.Ledger.Retention
	}
	r, err := ledger.Verify(ctx, v)
	if err != nil {
		return err
	}
	for _, f := range r.Findings {
		fmt.Fprintln(stdout, f)
	}
	fmt.Fprintf(stdout, "%d leaves, root %x", r.Size, r.Root)
	if v.Audit != nil {
		fmt.Fprintf(stdout, "; %d records of the database held against them, %d leaves before the end of retention", r.Records, r.Gone)
	}
	fmt.Fprintf(stdout, "; grown from %d of %d checkpoints; %d findings\n", r.Kept, len(o.kept), len(r.Findings))
	if len(r.Findings) > 0 {
		return fmt.Errorf("%d findings", len(r.Findings))
	}
	return nil
}

// witnessKey makes the key of a witness. It replaces none: what was signed with it could be checked by nobody any more.
func (o ledgerOrder) witnessKey(stdout io.Writer) error {
	private, public, err := ledger.NewWitnessKey(o.file)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(o.signWith, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(private + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	fmt.Fprintln(stdout, public)
	return nil
}

func (o ledgerOrder) witness(ctx context.Context, stdout io.Writer) error {
	private, err := os.ReadFile(o.signWith)
	if err != nil {
		return err
	}
	last, err := os.ReadFile(o.last)
	if errors.Is(err, fs.ErrNotExist) {
		last, err = nil, nil
	}
	if err != nil {
		return err
	}
	s, err := ledger.Remote(o.url)
	if err != nil {
		return err
	}
	signed, err := ledger.Countersign(ctx, s, o.key, strings.TrimSpace(string(private)), last)
	if err != nil {
		return err
	}
	// On disk before anybody gets it: after a crash it must not sign another log of the same size.
	if err := blob.ReplaceBytes(o.last, signed); err != nil {
		return err
	}
	_, err = stdout.Write(signed)
	return err
}

func (o ledgerOrder) check(ctx context.Context, stdout io.Writer) error {
	b, err := os.ReadFile(o.file)
	if err != nil {
		return err
	}
	p, err := ledger.ReadProof(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	c, err := p.Check(o.key)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	var source ledger.Source
	if o.url != "" {
		if source, err = ledger.Remote(o.url); err != nil {
			return err
		}
		raw, err := source.ReadCheckpoint(ctx)
		if err != nil {
			return err
		}
		o.kept = append(o.kept, ledger.Kept{Name: o.url, Raw: raw})
	}
	for _, k := range o.kept {
		if err := p.Against(ctx, o.key, k, source); err != nil {
			return fmt.Errorf("%s: %w", o.file, err)
		}
	}
	fmt.Fprintf(stdout, "%s holds: %d entries are in the log of %d leaves, root %x; %d fields are withheld; the same log as %d checkpoints\n", o.file, c.Entries, c.Size, c.Root, c.Withheld, len(o.kept))
	if o.key == "" {
		fmt.Fprintf(stdout, "the key is the one in the file: %s\n", p.Key)
	}
	return nil
}
