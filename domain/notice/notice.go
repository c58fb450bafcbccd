// SPDX-License-Identifier: EUPL-1.2

package notice

import (
	"crypto/rand"
	"strings"
	"time"

	"mercator/base/i18n"
)

// Document is something that the city has issued.
type Document struct {
	ID, CaseID, Person, Office, Service, Template string
	Kind                                          i18n.Text // what it is: the service's title
	Title                                         string
	Blob                                          string // hash of the PDF
	Size                                          int64
	Code                                          string // "" : none
	ValidFrom, ValidUntil                         string // legal dates, "" : none
	IssuedAt                                      time.Time
	FetchedAt                                     time.Time // zero: the person has not opened it
	RevokedAt                                     time.Time // zero: not revoked
}

// Validity is what the public page tells of a code.
type Validity string

// The answers to a code.
const (
	Valid   Validity = "valid"
	Early   Validity = "early" // not yet valid
	Expired Validity = "expired"
	Revoked Validity = "revoked"
	Unknown Validity = "unknown"
)

// On is the document's validity on a legal date: both ends are included.
func (d Document) On(today string) Validity {
	switch {
	case !d.RevokedAt.IsZero():
		return Revoked
	case d.ValidUntil != "" && today > d.ValidUntil:
		return Expired
	case d.ValidFrom != "" && today < d.ValidFrom:
		return Early
	}
	return Valid
}

// codeAlphabet is Crockford's base 32: no letter is mistaken for a digit.
const codeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// codeLength makes 130 bits: nobody finds a code by trying.
const codeLength = 26

func newCode() string {
	b := make([]byte, codeLength)
	rand.Read(b) // never fails: it ends the process instead
	for i, x := range b {
		b[i] = codeAlphabet[x%32]
	}
	return string(b)
}

// ReadCode understands a code as people type it: in small letters, with spaces and
// hyphens, O for 0, I or L for 1. What can't be one is "".
func ReadCode(s string) string {
	if len(s) > 200 {
		return ""
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == ' ' || r == '-' || r == '\u2013' || r == '\u00a0':
			return -1
		case r == 'O':
			return '0'
		case r == 'I' || r == 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(s))
	if len(s) != codeLength || strings.Trim(s, codeAlphabet) != "" {
		return ""
	}
	return s
}

// ShowCode writes a code in groups that can be read aloud.
func ShowCode(code string) string {
	var b strings.Builder
	for i, r := range code {
		if i > 0 && i%5 == 0 {
			b.WriteByte('-')
		}
		b.WriteRune(r)
	}
	return b.String()
}
