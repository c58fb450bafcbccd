// SPDX-License-Identifier: EUPL-1.2

package assets

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed all:dist
var distFS embed.FS

// Set is the built assets. It is immutable.
type Set struct {
	urls  map[string]string // name → URL
	files map[string]file   // fingerprinted name
}

type file struct {
	plain, gzip, brotli []byte
	mime, etag          string
}

// Prefix is the path that the set is served under.
const Prefix = "/assets/"

// Load reads the embedded build. One that was never made gives an empty set.
func Load() (*Set, error) {
	sub, err := fs.Sub(distFS, "dist")
	if err != nil {
		return nil, fmt.Errorf("assets: %w", err)
	}
	return LoadFS(sub)
}

// LoadFS reads a build: manifest.json names each asset's fingerprinted file.
func LoadFS(dist fs.FS) (*Set, error) {
	s := &Set{urls: map[string]string{}, files: map[string]file{}}
	raw, err := fs.ReadFile(dist, "manifest.json")
	if err != nil {
		return s, nil // never built: the pages work unstyled
	}
	var manifest map[string]string
	if err := json.Unmarshal(raw, &manifest); err != nil {
		return nil, fmt.Errorf("assets: manifest.json: %w", err)
	}
	for name, printed := range manifest {
		data, err := fs.ReadFile(dist, printed)
		if err != nil {
			return nil, fmt.Errorf("assets: %s: %w", name, err)
		}
		f := file{plain: data, mime: mimeOf(printed), etag: strconv.Quote(printed)}
		if b, err := fs.ReadFile(dist, printed+".gz"); err == nil {
			f.gzip = b
		}
		if b, err := fs.ReadFile(dist, printed+".br"); err == nil {
			f.brotli = b
		}
		s.files[printed] = f
		s.urls[name] = Prefix + printed
	}
	return s, nil
}

// Built tells whether there is anything.
func (s *Set) Built() bool { return len(s.urls) > 0 }

// URL is the address of an asset by its plain name ("mercator.css"), or "" if it was not built.
func (s *Set) URL(name string) string { return s.urls[name] }

// Text is what is in an asset, or "" if it was not built.
func (s *Set) Text(name string) string {
	return string(s.files[strings.TrimPrefix(s.urls[name], Prefix)].plain)
}

// ServeHTTP serves an asset under Prefix.
func (s *Set) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files[strings.TrimPrefix(r.URL.Path, Prefix)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", f.etag)
	h.Set("Content-Type", f.mime)
	h.Set("Vary", "Accept-Encoding")
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body, accept := f.plain, r.Header.Get("Accept-Encoding")
	switch {
	case f.brotli != nil && strings.Contains(accept, "br"):
		body = f.brotli
		h.Set("Content-Encoding", "br")
	case f.gzip != nil && strings.Contains(accept, "gzip"):
		body = f.gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(body) // the browser is gone if this fails
	}
}

func mimeOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".woff2":
		return "font/woff2"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return "application/octet-stream"
}
