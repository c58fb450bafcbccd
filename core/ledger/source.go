// SPDX-License-Identifier: EUPL-1.2

package ledger

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/transparency-dev/tessera/client"
)

// Source is where a log is read: its checkpoint, the tiles of its hashes, and the bundles of its leaves.
type Source interface {
	ReadCheckpoint(ctx context.Context) ([]byte, error)
	ReadTile(ctx context.Context, level, index uint64, partial uint8) ([]byte, error)
	ReadEntryBundle(ctx context.Context, index uint64, partial uint8) ([]byte, error)
}

// Folder is a log in a folder.
func Folder(dir string) Source { return client.FileFetcher{Root: dir} }

// maxFile is more than any file of a log has.
const maxFile = 1 << 20

// Remote is a log at an address, "https://city.example/ledger/".
func Remote(address string) (Source, error) {
	u, err := url.Parse(strings.TrimSuffix(address, "/") + "/")
	if err != nil {
		return nil, err
	}
	return client.NewHTTPFetcher(u, &http.Client{Timeout: 30 * time.Second, Transport: bounded{http.DefaultTransport}})
}

// bounded keeps a server from answering without end.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxFile), res.Body}
	}
	return res, err
}

var tilePath = regexp.MustCompile(`^tile/(entries|[0-9]{1,2})/(x[0-9]{3}/){0,6}[0-9]{3}(\.p/[0-9]{1,3})?$`)

// Handler serves the log to everybody, below a prefix: checkpoint, tile/…, and key, with which a checkpoint is verified.
func (l *Log) Handler(prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, prefix)
		h := w.Header()
		switch {
		case path == "key":
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("Cache-Control", "no-cache")
			io.WriteString(w, l.public+"\n")
			return
		case path == "checkpoint":
			h.Set("Content-Type", "text/plain; charset=utf-8")
			h.Set("Cache-Control", "no-cache")
		case tilePath.MatchString(path):
			h.Set("Content-Type", "application/octet-stream")
			h.Set("Cache-Control", "public, max-age=31536000, immutable") // a tile never changes
		default:
			http.NotFound(w, r)
			return
		}
		b, err := os.ReadFile(filepath.Join(l.dir, filepath.FromSlash(path)))
		if err != nil {
			h.Del("Cache-Control")
			http.NotFound(w, r)
			return
		}
		w.Write(b)
	})
}
