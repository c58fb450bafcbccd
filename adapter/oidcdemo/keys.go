// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"mercator/core/blob"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// keySize is the smallest RSA key that BSI TR-02102-1 still accepts for short-lived signatures.
const keySize = 3072

// keyFile is what the data folder keeps. Whoever reads it can sign in as anybody: it's written for the owner only.
type keyFile struct {
	Signing string `json:"signing"` // PKCS #8, PEM
	Master  string `json:"master"`  // 32 bytes, hex: the pairwise pseudonyms and the seals derive from it
}

type keyring struct {
	id       string
	rsa      *rsa.PrivateKey
	pairwise []byte
	seal     cipher.AEAD
	opCrypto [32]byte
}

// openKeys reads the keys of the data folder, or makes them.
func openKeys(dir string) (*keyring, error) {
	path := filepath.Join(dir, "identity-provider.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = makeKeys(dir, path)
	}
	if err != nil {
		return nil, fmt.Errorf("keys of the identity provider: %w", err)
	}
	var f keyFile
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("keys of the identity provider: %s: %w", path, err)
	}
	return f.open()
}

func makeKeys(dir, path string) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keySize)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	master := make([]byte, 32)
	rand.Read(master)
	text, err := json.Marshal(keyFile{
		Signing: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		Master:  hex.EncodeToString(master),
	})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return text, blob.ReplaceBytes(path, text)
}

func (f keyFile) open() (*keyring, error) {
	block, _ := pem.Decode([]byte(f.Signing))
	if block == nil {
		return nil, errors.New("keys of the identity provider: no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("keys of the identity provider: %w", err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("keys of the identity provider: not an RSA key")
	}
	master, err := hex.DecodeString(f.Master)
	if err != nil || len(master) != 32 {
		return nil, errors.New("keys of the identity provider: the master key is not 32 bytes in hex")
	}
	k := &keyring{rsa: key}
	public := sha256.Sum256(x509.MarshalPKCS1PublicKey(&key.PublicKey))
	k.id = hex.EncodeToString(public[:8])
	if k.pairwise, err = hkdf.Expand(sha256.New, master, "pairwise", 32); err != nil {
		return nil, err
	}
	sealKey, err := hkdf.Expand(sha256.New, master, "seal", 32)
	if err != nil {
		return nil, err
	}
	block2, err := aes.NewCipher(sealKey)
	if err != nil {
		return nil, err
	}
	if k.seal, err = cipher.NewGCMWithRandomNonce(block2); err != nil {
		return nil, err
	}
	opKey, err := hkdf.Expand(sha256.New, master, "op", 32)
	if err != nil {
		return nil, err
	}
	copy(k.opCrypto[:], opKey)
	return k, nil
}

// sealed packs a value so that only this provider can read or change it. The use keeps a seal of one kind from
// passing for one of another kind.
func (k *keyring) sealed(use string, value any) (string, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(k.seal.Seal(nil, nil, text, []byte(use))), nil
}

func (k *keyring) unsealed(use, text string, into any) error {
	const limit = 4096
	if len(text) > limit {
		return errors.New("seal too long")
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	plain, err := k.seal.Open(nil, nil, raw, []byte(use))
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, into)
}

// signingKey and publicKey are the two views of the key that the library asks for.
type signingKey struct{ *keyring }

func (k signingKey) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k signingKey) Key() any                                    { return k.rsa }
func (k signingKey) ID() string                                  { return k.id }

type publicKey struct{ *keyring }

func (k publicKey) ID() string                         { return k.id }
func (k publicKey) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return &k.rsa.PublicKey }

var (
	_ op.SigningKey = signingKey{}
	_ op.Key        = publicKey{}
)

// secret is a fresh random name: 256 bits, in letters that need no escaping.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
