// SPDX-License-Identifier: EUPL-1.2

// Package mydata is where a person meets what the city holds about them
// (Datenschutzcockpit, § 10 OZG in spirit; Art. 15 to 20 GDPR).
//
// What it does: asks every room that holds something about people (a Holder) what it
// holds about the person who asks, from where, why and for how long; puts all of it
// into one copy (Art. 15 (3)) and what the person gave themselves into another that
// machines read (Art. 20).
//
// What it does not: keep anything itself, or decide a request. Rectification, erasure
// and restriction are services (content/services/data-*), whose process decides; the
// copies are made when they are fetched and are stored nowhere, because a second store
// of all that is known about a person would be the worst to lose.
//
// Terms: a holder (Stelle, die speichert), an item (Eintrag), a fact (Angabe); given
// (von der Person selbst bereitgestellt, Art. 20 (1)).
//
// Law: Art. 12, 15 to 20 GDPR; §§ 34, 35 BDSG; § 10 BMG.
package mydata
