// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"mercator/base/fault"
	"mercator/core/access"
	"mercator/core/audit"
	"mercator/domain/register"
)

// readPolicyFile reads a file beside the policies, which says something that the house goes by. A mistyped key is a mistake.
func readPolicyFile(policies fs.FS, file, what string, into any) error {
	meta, err := toml.DecodeFS(policies, file, into)
	if err != nil {
		return fmt.Errorf("policies/%s, which says %s: %w", file, what, err)
	}
	if len(meta.Undecoded()) > 0 {
		return fmt.Errorf("policies/%s: unknown key %s", file, meta.Undecoded()[0])
	}
	return nil
}

// accessConfig plugs into the policies what they go by: what registers and cases are is known to their offices, which are
// built later and asked only then.
func (h *House) accessConfig(policies fs.FS, disclose func(audit.Entry) audit.Disclosure, untested bool) access.Config {
	return access.Config{Policies: policies, Untested: untested, DB: h.db, Now: h.now, Log: h.log, Disclose: disclose, Restricted: h.restricted, Mandate: h.mandateFacts, Principal: h.mandatePrincipal,
		Classify: func(resource string, fields []string) []string { return classify(h.definitions, resource, fields) },
		Keeper: func(resource string) string {
			if d, ok := definition(h.definitions, resource); ok {
				return d.Office
			}
			return ""
		},
		Case:  h.caseFacts,
		Glass: h.oversight.Glass, Approved: h.oversight.Approved, Use: h.oversight.Use, Ask: h.oversight.Ask,
	}
}

func notThere(err error) bool { return fault.Is(err, fault.NotFound) }

func definition(all *register.Registers, resource string) (*register.Definition, bool) {
	id, ok := strings.CutPrefix(resource, "register:")
	if !ok || all == nil {
		return nil, false
	}
	return all.Get(id)
}

// classify gives the classes of fields of a register, of all of them for none. A register or a field that isn't declared
// has no class that a policy knows.
func classify(all *register.Registers, resource string, fields []string) []string {
	d, ok := definition(all, resource)
	if !ok {
		return []string{access.Unclassified}
	}
	if len(fields) == 0 {
		fields = d.FieldNames()
	}
	var out []string
	for _, name := range fields {
		class := access.Unclassified
		if f, ok := d.Field(name); ok {
			class = string(f.Class)
		}
		if !slices.Contains(out, class) {
			out = append(out, class)
		}
	}
	return out
}

// PolicyCommand is mercator policy: test runs the tests that lie beside policies. It returns the exit status.
func PolicyCommand(args []string, stdout, stderr io.Writer) int {
	if len(args) != 2 || args[0] != "test" {
		fmt.Fprintln(stderr, "usage: mercator policy test FOLDER (as content/policies)")
		return 2
	}
	dir := args[1]
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		fmt.Fprintf(stderr, "%s: not a folder\n", dir)
		return 2
	}
	policies, tests, err := access.Test(os.DirFS(dir))
	if err != nil {
		var f *fault.Error
		if errors.As(err, &f) && f.Err != nil {
			err = f.Err
		}
		fmt.Fprintln(stdout, err)
		return 1
	}
	fmt.Fprintf(stdout, "%s: %d policies, %d tests: ok\n", dir, policies, tests)
	return 0
}
