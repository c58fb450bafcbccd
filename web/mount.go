// SPDX-License-Identifier: EUPL-1.2

package web

import (
	"net/http"
	"time"
)

// HandlerFunc answers a request, or fails with a fault that the site turns into a
// page or a problem document. Having failed it must not have written anything.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Handle makes an http.Handler of it.
func Handle(h HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			Fail(w, r, err)
		}
	})
}

// Mount is a handler and where it hangs.
type Mount struct {
	Pattern string // of http.ServeMux: "GET /services/{id}"
	Handler http.Handler
	// Class chooses the rate limit (Config.Limits); empty: ClassRead or ClassWrite by method.
	Class string
	// MaxBody bounds the request's body; 0: the site's bound.
	MaxBody int64
	// Timeout bounds the handler; 0: the site's bound; negative: none (a stream).
	Timeout time.Duration
	// Foreign admits requests from other origins: webhooks and the API, which
	// know their callers by signature or token and never by cookie.
	Foreign bool
}

// Mounts are what a room hands to app.
type Mounts []Mount

// The classes of rate limits.
const (
	ClassRead  = "read"
	ClassWrite = "write"
	ClassSign  = "sign" // signing in, verification codes: what one could guess at
	ClassAPI   = "api"
	ClassFree  = "free" // assets, health: never limited
)
