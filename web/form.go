// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"mercator/base/fault"
)

// maxFields bounds the fields of a form.
const maxFields = 1000

// Form reads a form that was posted: application/x-www-form-urlencoded or
// multipart/form-data (files: Files). Line ends become \n, what is not UTF-8 or
// holds control characters is refused.
func Form(r *http.Request) (url.Values, error) {
	const op = "web.form"
	ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, fault.Because(fault.Unsupported, op, "", err)
	}
	switch ct {
	case "application/x-www-form-urlencoded":
		err = r.ParseForm()
	case "multipart/form-data":
		err = parseMultipart(r)
	default:
		return nil, fault.New(fault.Unsupported, op, "")
	}
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) || errors.Is(err, multipart.ErrMessageTooLarge) {
			return nil, fault.Because(fault.TooLarge, op, "", err)
		}
		if fault.Is(err, fault.Unavailable) { // the disk
			return nil, fault.Wrap(op, err)
		}
		return nil, fault.Because(fault.Invalid, op, "web.malformed", err)
	}
	n := 0
	for name, values := range r.PostForm {
		if n += len(values); n > maxFields || !cleanText(name) {
			return nil, fault.New(fault.Invalid, op, "web.malformed")
		}
		for i, v := range values {
			v = strings.ReplaceAll(strings.ReplaceAll(v, "\r\n", "\n"), "\r", "\n")
			if !cleanText(v) {
				return nil, fault.New(fault.Invalid, op, "web.malformed")
			}
			values[i] = v
		}
	}
	return r.PostForm, nil
}

// cleanText tells whether a text is UTF-8 without control characters but line ends and tabs.
func cleanText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0x7f {
			return false
		}
	}
	return true
}

// ReadJSON reads a JSON body into v: one value, no unknown fields.
func ReadJSON(r *http.Request, v any) error {
	const op = "web.readJSON"
	ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || (ct != "application/json" && !strings.HasSuffix(ct, "+json")) {
		return fault.New(fault.Unsupported, op, "")
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return badJSON(op, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badJSON(op, errors.New("more than one value"))
	}
	return nil
}

func badJSON(op string, err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return fault.Because(fault.TooLarge, op, "", err)
	}
	return fault.Because(fault.Invalid, op, "web.malformed", err)
}
