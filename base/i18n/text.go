// SPDX-License-Identifier: EUPL-1.2

package i18n

// Text is a text in several languages, by language tag ("de", "en", "tr",
// "de-simple"): content, where a Catalogue holds what the program itself says.
type Text map[string]string

// For is the text in a language, else the German one.
func (t Text) For(lang string) string {
	if s := t[lang]; s != "" {
		return s
	}
	return t["de"]
}

// Plain is a text that is the same in every language: a name, a number, somebody's own words.
func Plain(s string) Text { return Text{"de": s} }
