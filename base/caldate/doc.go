// SPDX-License-Identifier: EUPL-1.2

// Package caldate knows which days are business days: the public holidays of the German
// states, worked out for any year, and the days on which a town is closed beside them.
//
//	c, err := caldate.New("NW", "12-24", "12-31")
//	c.Business(day)       // not a Saturday, Sunday or holiday, and the town is open
//	c.Add(t, 5)           // five business days later, at the same time of day
//	c.Next(t)             // t, or the next business day at the same time of day
//	c.Holiday(day)        // its name, or ""
//
// A time stands for its day in its own zone. The package has no clock.
//
// Law: the holiday acts of the states (for NW: § 2 Feiertagsgesetz NW), Art. 2
// Einigungsvertrag (3 October); § 193 BGB and § 31 (3) VwVfG: a period that ends on a
// Sunday, a public holiday or a Saturday ends with the next business day. What is only a
// holiday in parts of a state (Fronleichnam in SN and TH, Mariä Himmelfahrt in BY,
// Friedensfest in Augsburg) is given as a day on which the town is closed.
package caldate
