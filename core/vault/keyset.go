// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"mercator/base/fault"
	"mercator/core/blob"

	"github.com/tink-crypto/tink-go/v2/aead"
	aeadsubtle "github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// The keyset of a house, as it lies in its file: two keysets of Tink, each encrypted
// by the master key and bound to its use.
type file struct {
	Wrap  json.RawMessage `json:"wrap"`  // AES-256-GCM: wraps the keys of subjects
	Index json.RawMessage `json:"index"` // HMAC-SHA-256: blind indexes
}

const (
	wrapUse  = "mercator vault wrap"
	indexUse = "mercator vault index"
)

// MasterKey opens the keyset.
type MasterKey = tink.AEAD

// Master is a master key of 32 bytes.
func Master(key []byte) (MasterKey, error) {
	if len(key) != 32 {
		return nil, fault.Internalf("vault.master", "the master key has %d bytes, not 32", len(key))
	}
	return aeadsubtle.NewAESGCM(key)
}

// NewKeyset is the text of a new keyset under a master key.
func NewKeyset(master MasterKey) ([]byte, error) {
	wrap, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, err
	}
	index, err := keyset.NewHandle(prf.HMACSHA256PRFKeyTemplate())
	if err != nil {
		return nil, err
	}
	return write(master, wrap, index)
}

func write(master MasterKey, wrap, index *keyset.Handle) ([]byte, error) {
	one := func(h *keyset.Handle, use string) (json.RawMessage, error) {
		var b bytes.Buffer
		err := h.WriteWithAssociatedData(keyset.NewJSONWriter(&b), master, []byte(use))
		return b.Bytes(), err
	}
	var f file
	var err1, err2 error
	f.Wrap, err1 = one(wrap, wrapUse)
	f.Index, err2 = one(index, indexUse)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	return json.MarshalIndent(f, "", "\t")
}

func read(master MasterKey, text []byte) (wrap, index *keyset.Handle, err error) {
	var f file
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, nil, fmt.Errorf("the keyset is damaged: %w", err)
	}
	one := func(text json.RawMessage, use string) (*keyset.Handle, error) {
		h, err := keyset.ReadWithAssociatedData(keyset.NewJSONReader(bytes.NewReader(text)), master, []byte(use))
		if err != nil {
			return nil, fmt.Errorf("the keyset doesn't open: it is damaged, or the master key is another one (%w)", err)
		}
		return h, nil
	}
	if wrap, err = one(f.Wrap, wrapUse); err != nil {
		return nil, nil, err
	}
	index, err = one(f.Index, indexUse)
	return wrap, index, err
}

// Rotate gives the keyset in a file a new key, under which keys of subjects are wrapped
// from now on. What was wrapped before still opens; Rewrap wraps it anew. The key of the
// blind index stays: a new one would mean to build all indexes anew.
func Rotate(master MasterKey, path string) error {
	const op = "vault.rotate"
	text, err := os.ReadFile(path)
	if err != nil {
		return fault.Wrap(op, err)
	}
	wrap, index, err := read(master, text)
	if err != nil {
		return fault.Wrap(op, err)
	}
	m := keyset.NewManagerFromHandle(wrap)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err == nil {
		err = m.SetPrimary(id)
	}
	if err == nil {
		wrap, err = m.Handle()
	}
	if err != nil {
		return fault.Wrap(op, err)
	}
	return replace(path, master, wrap, index)
}

// Rekey puts the keyset in a file under another master key.
func Rekey(old, master MasterKey, path string) error {
	const op = "vault.rekey"
	text, err := os.ReadFile(path)
	if err != nil {
		return fault.Wrap(op, err)
	}
	wrap, index, err := read(old, text)
	if err != nil {
		return fault.Wrap(op, err)
	}
	return replace(path, master, wrap, index)
}

// replace writes a keyset file as a whole or not at all.
func replace(path string, master MasterKey, wrap, index *keyset.Handle) error {
	const op = "vault.replace"
	text, err := write(master, wrap, index)
	if err != nil {
		return fault.Wrap(op, err)
	}
	// A key system may allow to seal and not to open: better found out while the old text is there.
	if _, _, err := read(master, text); err != nil {
		return fault.Wrap(op, err)
	}
	return fault.Wrap(op, blob.ReplaceBytes(path, text))
}
