// SPDX-License-Identifier: EUPL-1.2

// Package i18n holds the words of the interface and the way a language writes
// dates, numbers and money.
//
// Each room carries its own catalogue files beside its code, messages.de.toml,
// messages.en.toml, messages.tr.toml; Load merges those of all rooms. A key is
// the dotted path of its TOML tables, and its first part is the room:
//
//	[casefile]
//	title = "Meine Vorgänge"
//	greeting = "Guten Tag, {name}"
//	[casefile.open]
//	one = "{n} offener Vorgang"
//	other = "{n} offene Vorgänge"
//
// A table whose keys are plural categories (CLDR: zero, one, two, few, many,
// other) is one message; the argument n chooses the form.
//
// German is the language that is always complete: what another language lacks
// is shown in German, and what German lacks is shown as its key. Missing lists
// both, and each room's test holds it to be empty.
//
// A room that residents meet has messages.de-simple.toml too, in plain language (Leichte
// Sprache): every message of the room but those below the keys that its list "desk"
// names, which only the desk says.
//
// Messages are plain text. They hold no markup: a template escapes them.
package i18n
