// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// gzipPool keeps compressors, which are costly to make.
var gzipPool = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, 3)
	if err != nil {
		return gzip.NewWriter(nil)
	}
	return z
}}

// writeBody sends a complete body, compressed if the client takes that and it pays.
func writeBody(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) > 1024 && h.Get("Content-Encoding") == "" && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		buf := bufferPool.Get().(*bytes.Buffer)
		buf.Reset()
		defer bufferPool.Put(buf)
		z := gzipPool.Get().(*gzip.Writer)
		defer gzipPool.Put(z)
		z.Reset(buf)
		// A name of random length in the gzip header blurs the size, from which
		// someone who can make the page echo guesses could read it (BREACH).
		z.Name = strings.Repeat("x", rand.IntN(64)+1)
		if _, err := z.Write(body); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		h.Set("Content-Encoding", "gzip")
		body = buf.Bytes()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		w.Write(body) // the client is gone if this fails
	}
	return nil
}
