// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"mercator/lang/form"
)

// formTranslated is mercator form translated: an author says that translations are those
// of today's German texts. The form files are changed in place.
func formTranslated(args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("mercator form translated", flag.ContinueOnError)
	f.SetOutput(stderr)
	langs := f.String("lang", "", "only these languages, such as en,tr,de-simple; default: all")
	fields := f.String("field", "", "only these fields, by key or id; default: all")
	if err := f.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if f.NArg() == 0 {
		return errors.New(formUsage)
	}
	for _, name := range f.Args() {
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		out, n, err := form.Translated(name, src, list(*langs), list(*fields))
		if err != nil {
			return err
		}
		if n > 0 {
			if err := os.WriteFile(name, out, 0o644); err != nil { // as every file of a package
				return err
			}
		}
		fmt.Fprintf(stdout, "%s: %d marks are new\n", name, n)
	}
	return nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
