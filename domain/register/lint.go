// SPDX-License-Identifier: EUPL-1.2

package register

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Lint names all mistakes of a folder of packages, or of one package in such a folder.
func Lint(dir string) ([]string, error) {
	dir = filepath.Clean(dir)
	only := ""
	if _, err := os.Stat(filepath.Join(dir, "register.toml")); err == nil {
		abs, err := filepath.Abs(dir) // "." has a name too
		if err != nil {
			return nil, err
		}
		dir, only = filepath.Dir(abs), filepath.Base(abs)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	_, err := Load(os.DirFS(dir))
	var out []string
	for _, line := range flatten(err) {
		if only == "" || strings.HasPrefix(line, only+"/") || !strings.Contains(line, "/") {
			out = append(out, strings.TrimSuffix(dir, "/")+"/"+line) // not Join, which would clean what the line quotes
		}
	}
	return out, nil
}

// flatten are the single errors of a joined one.
func flatten(err error) []string {
	if err == nil {
		return nil
	}
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range list.Unwrap() {
			out = append(out, flatten(e)...)
		}
		return out
	}
	if inner := errors.Unwrap(err); inner != nil {
		if _, ok := inner.(interface{ Unwrap() []error }); ok {
			return flatten(inner)
		}
	}
	return []string{err.Error()}
}
