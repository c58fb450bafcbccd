// SPDX-License-Identifier: EUPL-1.2

// Package catalogue is the city's signpost: which services there are, found by what
// people call them, and told in plain words before anybody signs in.
//
// What it does: keeps an index of all services in memory (it is rebuilt when a
// package changes), finds them in spite of typing errors, by synonyms of the packages,
// by parts of compound words and in any of the languages; lists them by topic.
//
// What it does not: know a service by name, keep anything in the database, or decide
// who may apply.
//
// Terms: a topic (Thema) groups services; a life event (Lebenslage) is several that are applied for at once; alternatives are the counter
// and the telephone, which lead to the same case.
//
// Law: §§ 1, 3 OZG (all services online, with plain information), § 25 VwVfG (advice).
package catalogue
