// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"mercator/adapter/transit"
	"mercator/core/blob"
	"mercator/core/config"
	"mercator/core/store"
	"mercator/core/vault"
)

func keysetFile(c config.Config) string { return filepath.Join(c.Data.Shared, "vault.keyset") }
func masterFile(c config.Config) string { return filepath.Join(c.Data.Shared, "vault.key") }

// masterPlace is where the master key is, in words.
func masterPlace(c config.Config) string {
	switch {
	case c.Vault.KMS != "":
		return "vault.kms " + c.Vault.KMS
	case c.Vault.Key.File != "":
		return "vault.key, the file " + c.Vault.Key.File
	case c.Vault.Key.Env != "":
		return "vault.key, the environment variable " + c.Vault.Key.Env
	case c.Vault.Elsewhere():
		return "vault.key"
	}
	return masterFile(c)
}

// openVault opens the keys of persons. At the first start of a house it makes keyset and master key; where there are keys
// already it makes neither, since a new one would open nothing.
func openVault(ctx context.Context, c config.Config, db *store.DB) (*vault.Vault, error) {
	_, err := os.Stat(keysetFile(c))
	if errors.Is(err, fs.ErrNotExist) {
		if err = newKeyset(ctx, c, db); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, err
	}
	master, err := masterKey(c, false)
	if err != nil {
		return nil, err
	}
	v, err := vault.Open(db, master, keysetFile(c))
	if err != nil {
		return nil, fmt.Errorf("%s doesn't open with the master key of %s: %w. Nothing was changed: set the master key that it had (mercator vault rekey gives it another)", keysetFile(c), masterPlace(c), err)
	}
	return v, nil
}

func newKeyset(ctx context.Context, c config.Config, db *store.DB) error {
	empty, err := vault.Empty(ctx, db)
	if err != nil {
		return err
	}
	if _, err := os.Stat(keysetFile(c)); !empty && err != nil { // looked for again: another node may have made it meanwhile
		return fmt.Errorf("%s is missing, and the database holds keys that only this keyset opens. Nothing was changed: bring the file back, or restore with the file of keys beside the backups, which has it", keysetFile(c))
	}
	if err := os.MkdirAll(c.Data.Shared, 0o700); err != nil {
		return err
	}
	master, err := masterKey(c, true)
	if err != nil {
		return err
	}
	text, err := vault.NewKeyset(master)
	if err != nil {
		return err
	}
	_, err = blob.WriteOnce(keysetFile(c), text)
	return err
}

// masterKey is the one of the configuration, else of a file beside the keyset, which protects copies of the database and
// nothing more.
func masterKey(c config.Config, fresh bool) (vault.MasterKey, error) {
	if c.Vault.KMS != "" {
		client, err := transit.New(transit.Config{Token: c.Vault.KMSToken.Read, Namespace: c.Vault.KMSNamespace, CA: c.Vault.KMSCA})
		if err != nil {
			return nil, fmt.Errorf("vault.kms_ca: %w", err)
		}
		master, err := client.GetAEAD(c.Vault.KMS)
		if err != nil {
			return nil, fmt.Errorf("vault.kms: %q: %w", c.Vault.KMS, err)
		}
		return master, nil
	}
	if !c.Vault.Elsewhere() {
		if _, err := os.Stat(masterFile(c)); err != nil && !fresh {
			return nil, fmt.Errorf("%s, the master key, is missing, and %s was sealed with one. Nothing was changed: bring the file back, or set vault.key in the configuration", masterFile(c), keysetFile(c))
		}
		key, err := secretFile(masterFile(c))
		if err != nil {
			return nil, err
		}
		return vault.Master(key)
	}
	text, err := c.Vault.Key.Read()
	if err != nil {
		return nil, fmt.Errorf("vault.key: %w", err)
	}
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != 32 {
		return nil, errors.New("vault.key: want 32 bytes as 64 hexadecimal digits, as openssl rand -hex 32 makes them")
	}
	return vault.Master(key)
}

const vaultUsage = `usage:
  mercator vault status --config FILE              where the master key is; opens every key
  mercator vault rotate --config FILE              a new key in the keyset wraps the keys of persons from now on
  mercator vault rewrap --config FILE              wraps the keys of before with it; while the platform runs, may be broken off
  mercator vault rekey  --config FILE --to FILE    puts the keyset under the master key of another configuration`

// VaultCommand is mercator vault. It returns the exit status.
func VaultCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	do := map[string]func(context.Context, config.Config, string, io.Writer) error{"status": vaultStatus, "rotate": vaultRotate, "rewrap": vaultRewrap, "rekey": vaultRekey}
	if len(args) == 0 || do[args[0]] == nil {
		fmt.Fprintln(stderr, vaultUsage)
		return 2
	}
	f := flag.NewFlagSet("mercator vault "+args[0], flag.ContinueOnError)
	f.SetOutput(stderr)
	file := f.String("config", "mercator.toml", "the configuration file")
	to := ""
	if args[0] == "rekey" {
		f.StringVar(&to, "to", "", "a configuration whose [vault] is the new one")
	}
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 {
		return 2
	}
	c, err := config.Load(*file)
	if err == nil {
		// A house that has sealed nothing has nothing to turn, and gets nothing made by a look at it.
		if _, err = os.Stat(keysetFile(c)); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("there is no keyset at %s: it is made at the first start", keysetFile(c))
		}
	}
	if err == nil {
		err = do[args[0]](ctx, c, to, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "mercator: vault:", err)
		return 1
	}
	return 0
}

// existingVault opens what is there, and makes nothing.
func existingVault(ctx context.Context, c config.Config) (*vault.Vault, func(), error) {
	db, err := existing(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if err := store.Migrated(ctx, db, Migrations()); err != nil {
		db.Close()
		return nil, nil, err
	}
	v, err := openVault(ctx, c, db)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	return v, func() { db.Close() }, nil
}

func vaultStatus(ctx context.Context, c config.Config, _ string, stdout io.Writer) error {
	fmt.Fprintf(stdout, "keyset      %s\nmaster key  %s\n", keysetFile(c), masterPlace(c))
	v, end, err := existingVault(ctx, c)
	if err != nil {
		return err
	}
	defer end()
	s, err := v.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "it opens: %d keys that wrap, new keys are wrapped by %08x\n%d keys of persons and records, %d of them wrapped by an older one, %d don't open\n", s.Wraps, s.Primary, s.Keys, s.Older, s.Bad)
	if s.Bad > 0 {
		return fmt.Errorf("%d keys don't open: they were changed, or belong to another keyset", s.Bad)
	}
	return nil
}

func vaultRotate(_ context.Context, c config.Config, _ string, stdout io.Writer) error {
	master, err := masterKey(c, false)
	if err != nil {
		return err
	}
	if err := vault.Rotate(master, keysetFile(c)); err != nil {
		return err
	}
	fmt.Fprintln(stdout, "new keys are wrapped by a new key, by each node from its next start; mercator vault rewrap takes over those of before. Take a backup: the file of keys of before doesn't have it")
	return nil
}

func vaultRewrap(ctx context.Context, c config.Config, _ string, stdout io.Writer) error {
	v, end, err := existingVault(ctx, c)
	if err != nil {
		return err
	}
	defer end()
	n, err := v.Rewrap(ctx)
	fmt.Fprintf(stdout, "%d keys are wrapped by the newest key\n", n)
	return err
}

func vaultRekey(_ context.Context, c config.Config, to string, stdout io.Writer) error {
	if to == "" {
		return errors.New("rekey: --to FILE is missing: a configuration whose [vault] is the new one")
	}
	next, err := config.Load(to)
	if err != nil {
		return err
	}
	if keysetFile(next) != keysetFile(c) {
		return fmt.Errorf("rekey: %s is of another house: its keyset is %s", to, keysetFile(next))
	}
	if masterPlace(next) == masterPlace(c) {
		return fmt.Errorf("rekey: both configurations have the master key at %s", masterPlace(c))
	}
	old, err := masterKey(c, false)
	if err != nil {
		return err
	}
	master, err := masterKey(next, true)
	if err != nil {
		return err
	}
	if err := vault.Rekey(old, master, keysetFile(c)); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s is under the master key of %s: start the platform with that configuration, then take a backup and destroy the old master key\n", keysetFile(c), masterPlace(next))
	return nil
}
