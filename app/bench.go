// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"flag"
	"fmt"
	"io"
)

// BenchCommand is mercator bench: it fills a demo that is stopped with cases, or measures one that runs.
func BenchCommand(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "seed" {
		f := flag.NewFlagSet("mercator bench seed", flag.ContinueOnError)
		f.SetOutput(stderr)
		dir := f.String("data", "mercator-data", "folder of a demo that is stopped")
		cases := f.Int("cases", 1_000_000, "how many cases")
		if err := f.Parse(args[1:]); err != nil {
			return flag.ErrHelp
		}
		return benchSeed(ctx, *dir, *cases, stderr)
	}
	return fmt.Errorf("bench: not yet")
}
