// SPDX-License-Identifier: EUPL-1.2

// Package xpath compiles the regular expressions of XPath and XQuery Functions and
// Operators 3.1 (section 5.6, on top of XML Schema 1.1 part 2, appendix G), which FEEL's
// matches, replace and split take, to those of Go, which run in linear time.
//
//	re, err := xpath.Compile(`[A-Z-[IO]]{1,3} \d+`, "i")
//	re.Match("b 4711")                    // fn:matches: anywhere in the text
//	re.Replace("b 4711", `<$0>`)          // fn:replace
//	re.Split(text)                        // fn:tokenize
//
// It is pure and knows nothing of FEEL. Every error is an *Error with the place in the
// pattern; where a thing can't be mapped, Construct names it.
//
// # How
//
// The pattern is parsed by the grammar of the standard into a tree. Character classes,
// categories, blocks, subtractions and case-variants are worked out as sets of
// characters, so that package regexp sees only groups, repetitions and plain classes.
// Flag m in a text that ends with a newline runs on a small matcher of our own
// (vm.go), because package regexp sees a further, empty line there and XPath doesn't.
//
// # Refused by name
//
// XPath has them, linear time hasn't:
//   - back-references, unless the group can match no more than 64 texts, each of up to
//     100 characters, and is always passed before the reference: (['"]).*?\1 and (a)\1 work,
//     (\w+)\1, (a)?\1 and (?:(a)|b)\1 don't;
//   - reluctant repetitions {n,m}? of a group, where m-n is more than 1000;
//   - what becomes more than 20,000 instructions with its repetitions written out.
//
// Other dialects have them, XPath hasn't: look-ahead and look-behind, atomic, named and
// conditional groups, comments, inline flags, possessive quantifiers, \b \B \A \z \Z \G
// \x \u \Q \E \k \g \h \v \R \f \a \e, POSIX classes.
//
// # Where the standard leaves room
//
//   - An unescaped hyphen in a class is itself wherever it can't be a range or a
//     subtraction ([0-9-.], as XML Schema 1.1 has it); as the end of a range it is refused.
//   - Case-variants are those of simple case folding, and what only the full upper
//     case joins, as the standard defines them: I, i and ı are variants of each other.
//   - Categories and \w \d follow the Unicode version of the Go release, blocks
//     that of Unicode 14 and the additions named in blocks.go. \p{Cs} is refused, as in XML Schema.
//     Blocks of surrogates are empty.
//   - A group in a repetition keeps what it captured last, even if a later round passed it by.
//   - In a replacement, digits belong to $N as long as so many groups exist: $01 is
//     group 1, or $0 and a 1 if there is no group.
//   - fn:tokenize gives no piece for the empty text and refuses an expression that
//     matches the empty text. Split gives one empty piece, and splits between characters; a caller that
//     wants the refusal asks MatchesEmpty. Replace refuses, as fn:replace does.
package xpath
