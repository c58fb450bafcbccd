// SPDX-License-Identifier: EUPL-1.2

package oidclogin

import (
	"net/url"
	"strings"
	"testing"
)

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/cases?a=b#c", "//evil.example", `/\evil.example`, "https://evil.example", "/%2f/evil", "/\t/evil", "javascript:x", "/signin"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := localPath(s)
		base, _ := url.Parse("http://city.example/signin/callback")
		to, err := base.Parse(got)
		if err != nil || to.Host != "city.example" || to.Scheme != "http" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n") {
			t.Errorf("%q leads to %q (%v, %v)", s, got, to, err)
		}
	})
}
