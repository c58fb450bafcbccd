// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"mercator/core/audit"
)

// The domains keep a hash of one thing from being taken for one of another. The number is the version of the format.
const (
	recordDomain = "mercator ledger record 1\x00"
	fieldDomain  = "mercator ledger field 1\x00"
	saltDomain   = "mercator ledger salt 1\x00"
	personDomain = "mercator ledger person 1\x00"
)

// Field is one field of a record: with its salt and its value, or with their hash only, where it is withheld.
type Field struct {
	Name  string  `json:"name"`
	Salt  string  `json:"salt,omitempty"` // hexadecimal
	Value *string `json:"value,omitempty"`
	Hash  string  `json:"hash,omitempty"` // hexadecimal
}

// sum is the hash of a field.
func (f Field) sum() (out [sha256.Size]byte, err error) {
	if f.Value == nil {
		b, err := hex.DecodeString(f.Hash)
		if err != nil || len(b) != sha256.Size || f.Salt != "" {
			return out, fmt.Errorf("the field %q has neither a salt and a value nor a hash", f.Name)
		}
		return [sha256.Size]byte(b), nil
	}
	salt, err := hex.DecodeString(f.Salt)
	if err != nil || len(salt) != saltBytes || f.Hash != "" {
		return out, fmt.Errorf("the salt of the field %q isn't %d bytes in hexadecimal", f.Name, saltBytes)
	}
	h := sha256.New()
	h.Write([]byte(fieldDomain))
	h.Write(salt)
	h.Write(sized(f.Name))
	h.Write(sized(*f.Value))
	h.Sum(out[:0])
	return out, nil
}

// withheld is the field without what it says.
func (f Field) withheld() Field {
	sum, err := f.sum()
	if err != nil {
		panic(err) // it was made by fields
	}
	return Field{Name: f.Name, Hash: hex.EncodeToString(sum[:])}
}

const saltBytes = 16

func sized(s string) []byte {
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(s)), uint32(len(s))), s...)
}

// leafOf is the leaf that stands for a record in the log.
func leafOf(fields []Field) ([]byte, error) {
	h := sha256.New()
	h.Write([]byte(recordDomain))
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(fields))))
	for _, f := range fields {
		sum, err := f.sum()
		if err != nil {
			return nil, err
		}
		h.Write(sized(f.Name))
		h.Write(sum[:])
	}
	return h.Sum(nil), nil
}

// Commit is what stands for a person in a record: nobody without the person's key can say who it is. The role is subject or
// actor.
func Commit(role, key, record string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(personDomain))
	h.Write(sized(role))
	h.Write(sized(record))
	return hex.EncodeToString(h.Sum(nil))
}

const timeFormat = "2006-01-02T15:04:05.000000Z"

// fields are the canonical form of a record: names, values and salts, in this order. Persons that a record names come last,
// in the order of their commitments.
func fields(r audit.Record) []Field {
	var out []Field
	add := func(name, value string) {
		// Cut in half, so that nobody can go on from it without the record's salt.
		b := append([]byte(saltDomain), sized(r.Salt)...)
		salt := sha256.Sum256(append(binary.BigEndian.AppendUint32(b, uint32(len(out))), sized(name)...))
		out = append(out, Field{Name: name, Value: &value, Salt: hex.EncodeToString(salt[:saltBytes])})
	}
	add("kind", r.Kind)
	add("id", r.ID)
	add("at", r.At.UTC().Format(timeFormat))
	switch r.Kind {
	case audit.Access:
		e := r.Entry
		actor, name := e.ActorID, e.ActorName
		if e.ActorKind == audit.Resident { // a person
			actor, name = cmp.Or(r.Actor, Commit("actor", r.ActorKey, r.ID)), ""
		}
		for _, f := range [][2]string{{"actor_kind", e.ActorKind}, {"actor", actor}, {"actor_name", name}, {"office", e.Office},
			{"action", e.Action}, {"resource", e.Resource}, {"purpose", e.Purpose}, {"basis", e.Basis}, {"service", e.Service},
			{"case", e.Case}, {"outcome", e.Outcome}, {"rule", e.Rule}, {"fields", list(e.Fields)}} {
			add(f[0], f[1])
		}
		if e.Mandate != "" { // a field of its own where there is one, so that older records keep their leaves
			add("mandate", e.Mandate)
		}
		if e.Door != "" { // the format's version 2
			add("door", e.Door)
		}
		if e.Client != "" {
			add("client", e.Client)
		}
	case audit.Seen:
		add("entry", r.Entry.ID)
	case audit.Act:
		add("act", r.Act)
		add("upto", strconv.FormatInt(r.Upto, 10))
		add("n", strconv.FormatInt(r.N, 10))
		add("note", r.Note)
	}
	persons := make([]string, 0, len(r.Subjects))
	for _, s := range r.Subjects {
		persons = append(persons, cmp.Or(s.Commitment, Commit("subject", s.Key, r.ID)))
	}
	slices.Sort(persons)
	for _, p := range persons {
		add("subject", p)
	}
	return out
}

// list writes names as a JSON array, without spaces and with no more escapes than JSON asks for.
func list(names []string) string {
	if names == nil {
		names = []string{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(names) != nil {
		panic("strings can always be written")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func parseTime(s string) (time.Time, error) { return time.Parse(timeFormat, s) }
