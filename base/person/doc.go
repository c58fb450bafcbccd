// SPDX-License-Identifier: EUPL-1.2

// Package person holds the values that administration asks people for, as people
// write them: names, birth dates, number plates, bank accounts, money, phone numbers,
// e-mail addresses, postcodes, tax numbers.
//
// Each Parse function forgives: it takes any usual notation ("1.234,50",
// "3.5.90", "du ab 123", "0203 / 283-0") and gives the one form that is stored. What it
// can't take it refuses with a Problem, whose message tells the person what to do.
// Each Format function writes the stored form the way people read it.
//
// What it is not: a check that the plate, the account or the address exists.
//
// Law: names after DIN 91379 (by decision of the IT-Planungsrat binding for all
// registers), plates after the FZV (Fahrzeug-Zulassungsverordnung) § 8 and annex 1,
// accounts after ISO 13616, tax numbers after § 139b AO.
package person

import "embed"

// Messages are the texts of all problems (base/i18n).
//
//go:embed messages.*.toml
var Messages embed.FS

// Problem is a refused input: a message key with its arguments for the person
// who typed it. It never carries what was typed.
type Problem struct {
	Msg  string
	Args []any
}

// Error is the operator's text.
func (p *Problem) Error() string { return p.Msg }

func problem(msg string, args ...any) error { return &Problem{Msg: msg, Args: args} }
