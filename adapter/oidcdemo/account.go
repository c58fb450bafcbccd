// SPDX-License-Identifier: EUPL-1.2

package oidcdemo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Level is a trust level (Vertrauensniveau); a higher one includes the lower ones.
type Level int

// The trust levels.
const (
	Normal Level = iota + 1
	Substantial
	High
)

// levels in rising order; the order in which the page offers them.
func levels() []Level { return []Level{Normal, Substantial, High} }

// String is the name that forms and message keys use.
func (l Level) String() string {
	switch l {
	case Normal:
		return "normal"
	case Substantial:
		return "substantial"
	case High:
		return "high"
	}
	return "none"
}

func levelNamed(name string) Level {
	for _, l := range levels() {
		if l.String() == name {
			return l
		}
	}
	return 0
}

// amr are the authentication methods of RFC 8176 that a level stands for.
func (l Level) amr() []string {
	switch l {
	case Substantial:
		return []string{"pwd", "otp", "mfa"}
	case High:
		return []string{"pwd", "pin", "hwk", "mfa"}
	}
	return []string{"pwd"}
}

// StorkLevels are the acr values that BundID and the German service accounts use. STORK level 2 does not occur there.
func StorkLevels() map[Level]string {
	return map[Level]string{
		Normal:      "STORK-QAA-Level-1",
		Substantial: "STORK-QAA-Level-3",
		High:        "STORK-QAA-Level-4",
	}
}

// Account is a person who can sign in: a resident, or somebody who works for the city.
type Account struct {
	Login      string // of staff: claim mercator_staff, too
	GivenName  string
	FamilyName string
	BirthDate  string // 2006-01-02; empty for staff
	Address    Address
	Roles      []string // staff: claim mercator_roles
	Office     string   // staff: claim mercator_office
	Language   string   // de, en, tr
}

// Address is where a resident is registered.
type Address struct {
	Street     string // with house number
	PostalCode string
	Locality   string
	Country    string // ISO 3166-1 alpha-2
}

// Lookup finds the account of a login. It must answer quickly: it's asked at each sign-in and each token.
type Lookup func(ctx context.Context, login string) (Account, bool)

// Accounts is a Lookup in a fixed list.
func Accounts(list []Account) Lookup {
	byLogin := make(map[string]Account, len(list))
	for _, a := range list {
		byLogin[a.Login] = a
	}
	return func(_ context.Context, login string) (Account, bool) {
		a, ok := byLogin[login]
		return a, ok
	}
}

// Pairwise is the pseudonym under which a client knows a login. Two clients can't find out that they serve the same person.
func (p *Provider) Pairwise(clientID, login string) string {
	mac := hmac.New(sha256.New, p.keys.pairwise)
	mac.Write([]byte(clientID))
	mac.Write([]byte{0})
	mac.Write([]byte(login))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
