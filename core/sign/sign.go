// SPDX-License-Identifier: EUPL-1.2

// Package sign signs what the house hands out as data, so that anybody can tell later that it is the house's and wasn't
// changed: JSON Web Signatures (RFC 7515) with ECDSA over P-256 (ES256, as BSI TR-02102-1 recommends it).
//
// The key is made at the first start and kept in the vault, wrapped like the keys of persons: it is in the file of keys of
// a backup, and all nodes have the same. Its public half is published as a JSON Web Key Set (RFC 7517).
//
// It is a seal of the house over a file, not a qualified electronic signature or seal (Art. 3 Nr. 12, 27 eIDAS).
package sign

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"mercator/base/fault"
	"mercator/core/store"
	"mercator/core/vault"

	jose "github.com/go-jose/go-jose/v4"
)

// subject names the key in the vault.
const subject = "house:signature"

// MaxFile bounds a signed file that is read.
const MaxFile = 32 << 20

// Signer signs with the key of the house. It is safe for concurrent use.
type Signer struct {
	signer func(typ string) (jose.Signer, error)
	keys   []byte
}

// Open finds the key of the house, or makes it.
func Open(ctx context.Context, db *store.DB, v *vault.Vault) (*Signer, error) {
	const op = "sign.open"
	found, err := v.Secrets(ctx, db, []string{subject})
	if err == nil && found[subject] == nil {
		var der []byte
		if der, err = newKey(); err != nil {
			return nil, fault.Wrap(op, err)
		}
		if err = db.Write(ctx, func(tx *store.Tx) error { return v.Keep(ctx, tx, subject, der) }); err != nil {
			return nil, fault.Wrap(op, err)
		}
		found, err = v.Secrets(ctx, db, []string{subject}) // another node may have been first
	}
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	s, err := fromKey(found[subject])
	return s, fault.Wrap(op, err)
}

func newKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func fromKey(der []byte) (*Signer, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key of the house isn't an ECDSA key")
	}
	key := jose.JSONWebKey{Key: private, Algorithm: string(jose.ES256), Use: "sig"}
	print, err := key.Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return nil, err
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(print)
	keys, err := json.MarshalIndent(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}}, "", "  ")
	if err != nil {
		return nil, err
	}
	return &Signer{keys: keys, signer: func(typ string) (jose.Signer, error) {
		return jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	}}, nil
}

// Keys is the public key as a JSON Web Key Set.
func (s *Signer) Keys() []byte { return s.keys }

// Sign makes a signed file of a payload: a JWS in the flattened JSON serialization. typ says what the payload is, so that
// a file of one kind can't be taken for one of another.
func (s *Signer) Sign(typ string, payload []byte) ([]byte, error) {
	const op = "sign.sign"
	signer, err := s.signer(typ)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return []byte(signed.FullSerialize()), nil
}

// Verify gives what is in a signed file of that type, if one of the keys has signed it. Keys in the file itself count for
// nothing.
func Verify(typ string, file, keys []byte) (payload []byte, keyID string, err error) {
	if len(file) > MaxFile || len(keys) > 1<<20 {
		return nil, "", fmt.Errorf("the file is larger than %d MiB", MaxFile>>20)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(keys, &set); err != nil || len(set.Keys) == 0 {
		return nil, "", errors.New("the keys aren't a JSON Web Key Set")
	}
	signed, err := jose.ParseSignedJSON(string(file), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, "", errors.New("the file is no signed JSON (JWS, ES256, one signature)")
	}
	head := signed.Signatures[0].Protected
	if got, _ := head.ExtraHeaders[jose.HeaderType].(string); got != typ {
		return nil, "", fmt.Errorf("the file says that it is %q, not %q", got, typ)
	}
	for _, k := range set.Key(head.KeyID) {
		if k.IsPublic() && k.Valid() {
			if payload, err := signed.Verify(k); err == nil {
				return payload, k.KeyID, nil
			}
			return nil, "", errors.New("the signature doesn't fit: the file was changed, or somebody else has made it")
		}
	}
	return nil, "", fmt.Errorf("the file is signed with the key %q, which isn't among the keys given", head.KeyID)
}
