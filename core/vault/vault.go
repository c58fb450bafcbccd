// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"os"
	"slices"
	"sync/atomic"

	"mercator/base/fault"
	"mercator/core/store"

	"github.com/tink-crypto/tink-go/v2/aead"
	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrDestroyed: the key of a subject isn't there, so what was sealed under it is erased.
var ErrDestroyed = errors.New("the key is destroyed")

// Vault seals, opens and blinds.
type Vault struct {
	db     *store.DB
	master tink.AEAD
	index  *prf.Set
	wraps  atomic.Pointer[wraps]
	// again reads the keyset anew; nil: it never changes.
	again func() ([]byte, error)
}

// wraps are the keys that wrap, as the keyset had them when it was read.
type wraps struct {
	text    []byte
	aead    tink.AEAD
	primary uint32
}

// New opens a keyset with its master key.
func New(db *store.DB, master tink.AEAD, keyset []byte) (*Vault, error) {
	const op = "vault.new"
	wrap, index, err := read(master, keyset)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	v := &Vault{db: db, master: master}
	if v.index, err = prf.NewPRFSet(index); err != nil {
		return nil, fault.Wrap(op, err)
	}
	return v, fault.Wrap(op, v.use(keyset, wrap))
}

// Open opens a keyset in a file. It is read again when a key doesn't open: a rotation at one node is known to all that
// run, without a restart.
func Open(db *store.DB, master tink.AEAD, path string) (*Vault, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap("vault.open", err)
	}
	v, err := New(db, master, text)
	if err == nil {
		v.again = func() ([]byte, error) { return os.ReadFile(path) }
	}
	return v, err
}

func (v *Vault) use(text []byte, wrap *keyset.Handle) error {
	a, err := aead.New(wrap)
	if err == nil {
		v.wraps.Store(&wraps{text, a, wrap.KeysetInfo().PrimaryKeyId})
	}
	return err
}

// encrypt wraps.
func (v *Vault) encrypt(raw []byte, subject string) ([]byte, error) {
	return v.wraps.Load().aead.Encrypt(raw, []byte(subject))
}

// decrypt unwraps, if need be with the keyset as it is by now.
func (v *Vault) decrypt(wrapped []byte, subject string) ([]byte, error) {
	w := v.wraps.Load()
	raw, err := w.aead.Decrypt(wrapped, []byte(subject))
	if err == nil || v.again == nil {
		return raw, err
	}
	text, err2 := v.again()
	if err2 != nil || bytes.Equal(text, w.text) {
		return nil, err
	}
	wrap, _, err2 := read(v.master, text)
	if err2 != nil {
		return nil, err2
	}
	if err := v.use(text, wrap); err != nil {
		return nil, err
	}
	return v.wraps.Load().aead.Decrypt(wrapped, []byte(subject))
}

// Key is the key of one subject. The zero value is of nobody.
type Key struct {
	Subject string
	aead    tink.AEAD
}

// Seal encrypts what is at a place.
func (k Key) Seal(place string, plain []byte) ([]byte, error) {
	b, err := k.aead.Encrypt(plain, []byte(place))
	return b, fault.Wrap("vault.seal", err)
}

// Open decrypts what was sealed at a place.
func (k Key) Open(place string, sealed []byte) ([]byte, error) {
	b, err := k.aead.Decrypt(sealed, []byte(place))
	if err != nil {
		return nil, fault.Internalf("vault.open", "what is sealed at %s doesn't open: it was changed, or moved here from elsewhere", place)
	}
	return b, nil
}

// Wrapped is a new key as it is stored.
type Wrapped struct {
	Subject string
	Wrapped []byte
}

// Fresh is a new key, which isn't stored yet.
func (v *Vault) Fresh(subject string) (Key, Wrapped, error) {
	const op = "vault.fresh"
	raw := make([]byte, 32)
	rand.Read(raw)
	wrapped, err := v.encrypt(raw, subject)
	if err != nil {
		return Key{}, Wrapped{}, fault.Wrap(op, err)
	}
	a, err := aeadsubtle.NewAESGCM(raw)
	return Key{subject, a}, Wrapped{subject, wrapped}, fault.Wrap(op, err)
}

// Once is a key that is kept nowhere: what is sealed under it is gone with who has it.
func Once() (Key, error) {
	raw := make([]byte, 32)
	rand.Read(raw)
	a, err := aeadsubtle.NewAESGCM(raw)
	return Key{aead: a}, fault.Wrap("vault.once", err)
}

// Key is the key of a subject; one whose key was destroyed, or who never had one, is ErrDestroyed.
func (v *Vault) Key(ctx context.Context, q store.Q, subject string) (Key, error) {
	const op = "vault.key"
	wrapped, err := store.One(ctx, q, scanWrapped, keyOf, subject)
	if fault.Is(err, fault.NotFound) {
		return Key{}, fault.Because(fault.NotFound, op, "", ErrDestroyed)
	}
	if err != nil {
		return Key{}, fault.Wrap(op, err)
	}
	return v.unwrap(Wrapped{subject, wrapped})
}

func (v *Vault) unwrap(w Wrapped) (Key, error) {
	const op = "vault.unwrap"
	raw, err := v.decrypt(w.Wrapped, w.Subject)
	if err != nil {
		return Key{}, fault.Internalf(op, "a key doesn't open: it was changed, or belongs to another keyset")
	}
	a, err := aeadsubtle.NewAESGCM(raw)
	return Key{w.Subject, a}, fault.Wrap(op, err)
}

// KeyFor is the key of a subject, made if there is none.
func (v *Vault) KeyFor(ctx context.Context, tx *store.Tx, subject string) (Key, error) {
	const op = "vault.keyFor"
	if subject == "" {
		return Key{}, fault.Internalf(op, "nobody has no key")
	}
	k, err := v.Key(ctx, tx, subject)
	if !errors.Is(err, ErrDestroyed) {
		return k, err
	}
	k, w, err := v.Fresh(subject)
	if err != nil {
		return Key{}, err
	}
	n, err := tx.Exec(ctx, addKey, w.Subject, w.Wrapped)
	if err != nil {
		return Key{}, fault.Wrap(op, err)
	}
	if n == 0 { // another transaction was first
		return v.Key(ctx, tx, subject)
	}
	return k, nil
}

// keysAtOnce is how many keys are asked for in one statement.
const keysAtOnce = 100

// Keys are those of many subjects, for a bulk load: what is fresh of them is stored by
// Add, in the transaction that stores what is sealed.
func (v *Vault) Keys(ctx context.Context, subjects []string) (keys map[string]Key, fresh []Wrapped, err error) {
	const op = "vault.keys"
	keys = make(map[string]Key, len(subjects))
	for part := range slices.Chunk(subjects, keysAtOnce) {
		there, err := store.All(ctx, v.db, scanKey, keysOf, padded(part)...)
		if err != nil {
			return nil, nil, fault.Wrap(op, err)
		}
		for _, w := range there {
			if keys[w.Subject], err = v.unwrap(w); err != nil {
				return nil, nil, err
			}
		}
	}
	for _, subject := range subjects {
		if _, ok := keys[subject]; ok {
			continue
		}
		k, w, err := v.Fresh(subject)
		if err != nil {
			return nil, nil, err
		}
		keys[subject], fresh = k, append(fresh, w)
	}
	return keys, fresh, nil
}

// Add stores fresh keys, with the statement that the bulk load uses for many rows. One
// that somebody else has made meanwhile is an error: what was sealed must be sealed anew.
func (v *Vault) Add(ctx context.Context, tx *store.Tx, keys []Wrapped, insert func(ctx context.Context, tx *store.Tx, statement string, cols int, args []any) error) error {
	args := make([]any, 0, 2*len(keys))
	for _, w := range keys {
		args = append(args, w.Subject, w.Wrapped)
	}
	return fault.Wrap("vault.add", insert(ctx, tx, addFresh, 2, args))
}

// Destroy destroys the key of a subject, and with it all that was sealed under it, here
// and in every copy. It reports whether there was one.
func (v *Vault) Destroy(ctx context.Context, tx *store.Tx, subject string) (bool, error) {
	n, err := tx.Exec(ctx, destroyKey, subject)
	return n > 0, fault.Wrap("vault.destroy", err)
}

// Blind is a value of a scope as a blind index has it: 22 characters, the same for equal
// values and telling nothing else.
func (v *Vault) Blind(scope, value string) (string, error) {
	in := binary.BigEndian.AppendUint32(nil, uint32(len(scope)))
	in = append(append(in, scope...), value...)
	b, err := v.index.ComputePrimaryPRF(in, 16)
	return base64.RawURLEncoding.EncodeToString(b), fault.Wrap("vault.blind", err)
}

// Token is Blind in 64 bits, for large indexes: values may rarely share one, so what is found
// by it must be looked at again.
func (v *Vault) Token(scope, value string) (int64, error) {
	in := binary.BigEndian.AppendUint32(nil, uint32(len(scope)))
	in = append(append(in, scope...), value...)
	b, err := v.index.ComputePrimaryPRF(in, 8)
	if err != nil {
		return 0, fault.Wrap("vault.token", err)
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// rewrapBatch is how many keys are wrapped anew in one transaction.
const rewrapBatch = 500

// Rewrap wraps all keys anew under the newest key of the keyset, after Rotate. It can be
// stopped and begun again.
func (v *Vault) Rewrap(ctx context.Context) (n int, err error) {
	const op = "vault.rewrap"
	for last := ""; ; {
		keys, err := store.All(ctx, v.db, scanKey, keysFrom, last, rewrapBatch)
		if err != nil || len(keys) == 0 {
			return n, fault.Wrap(op, err)
		}
		if err := v.db.Write(ctx, func(tx *store.Tx) error {
			for _, w := range keys {
				// Read again: one that was destroyed meanwhile must not come back.
				wrapped, err := store.One(ctx, tx, scanWrapped, keyOf, w.Subject)
				if fault.Is(err, fault.NotFound) {
					continue
				}
				if err != nil {
					return err
				}
				raw, err := v.decrypt(wrapped, w.Subject)
				if err != nil {
					return fault.Internalf(op, "a key doesn't open")
				}
				if wrapped, err = v.encrypt(raw, w.Subject); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, rewrapKey, w.Subject, wrapped); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return n, fault.Wrap(op, err)
		}
		n += len(keys)
		last = keys[len(keys)-1].Subject
	}
}

// Status is how the keys stand.
type Status struct {
	Wraps   int    // keys of the keyset that wrap
	Primary uint32 // of these the one that wraps new keys
	Keys    int    // of persons and records
	Older   int    // of these, wrapped by another than the primary one
	Bad     int    // of these, that don't open
}

// Status opens every key.
func (v *Vault) Status(ctx context.Context) (Status, error) {
	const op = "vault.status"
	wrap, _, err := read(v.master, v.wraps.Load().text)
	if err != nil {
		return Status{}, fault.Wrap(op, err)
	}
	st := Status{Wraps: wrap.Len(), Primary: v.wraps.Load().primary}
	// What Tink puts before a ciphertext.
	prefix := binary.BigEndian.AppendUint32([]byte{1}, st.Primary)
	for last := ""; ; {
		keys, err := store.All(ctx, v.db, scanKey, keysFrom, last, rewrapBatch)
		if err != nil || len(keys) == 0 {
			return st, fault.Wrap(op, err)
		}
		for _, w := range keys {
			st.Keys++
			if !bytes.HasPrefix(w.Wrapped, prefix) {
				st.Older++
			}
			if _, err := v.decrypt(w.Wrapped, w.Subject); err != nil {
				st.Bad++
			}
		}
		last = keys[len(keys)-1].Subject
	}
}

// Empty reports whether there is no key at all: nothing has ever been sealed, or all is erased.
func Empty(ctx context.Context, db *store.DB) (bool, error) {
	keys, err := store.All(ctx, db, scanKey, keysFrom, "", 1)
	return len(keys) == 0, fault.Wrap("vault.empty", err)
}

func scanKey(s store.Scanner) (w Wrapped, err error) {
	err = s.Scan(&w.Subject, &w.Wrapped)
	return w, err
}

func scanWrapped(s store.Scanner) (wrapped []byte, err error) {
	err = s.Scan(&wrapped)
	return wrapped, err
}
