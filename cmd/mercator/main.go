// SPDX-License-Identifier: EUPL-1.2

// Command mercator is the front door of the platform.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"mercator/app"
	"mercator/core/config"
)

const usage = `mercator is the e-government platform of a city.

  mercator demo    [--listen ADDR] [--data DIR] [--residents N]   a city to try, on this machine
  mercator serve    --config mercator.toml                        the platform
  mercator migrate  --config mercator.toml                        bring the database up
  mercator backup   --config mercator.toml --to FILE              a consistent copy while it runs
  mercator restore  --config mercator.toml --from FILE [--drill]  into an empty place; a drill checks the backup and leaves nothing behind
  mercator process  replay --config mercator.toml --service ID [--package FOLDER | FILE…]
                                                                  whose outcome would a new version change?
  mercator service  lint|test FOLDER…                             check service packages and life events, play services through
  mercator register lint|apply|packages|import|export|imports …  registers: their packages and new versions of them, many records in and out
  mercator policy   test FOLDER                                   run the tests that lie beside policies
  mercator ledger   verify --config mercator.toml|--url URL [--checkpoint FILE]…
                                                                  was anything on record changed, left out or rolled back?
  mercator ledger   check FILE [--url URL]                        the entries that a person got from "my data"
  mercator ledger   witness --url URL …                           countersign the log for others, if it has only grown
  mercator ledger   key|forget --config mercator.toml             the public key; destroy a person's
  mercator vault    status|rotate|rewrap|rekey --config mercator.toml
                                                                  the keys that personal data are sealed with
  mercator bench    [form|seed|start|registers] --data DIR …      measure a demo that is running, or a page of a form; fill one, time its start, or measure registers
  mercator feel     EXPRESSION [--context FILE]                   evaluate FEEL
  mercator dmn      eval|check|tck FILE…                          decisions; the official suite
  mercator bpmn     check FILE|FOLDER…                            processes
  mercator form     import|export --xdf FILE …                    forms from the schemas of FIM (XDatenfelder), and back
  mercator form     trace FILE [--answers FILE] | diff OLD NEW    why each field is as it is; what a new version does otherwise
  mercator form     translated [--lang LANG,…] [--field NAME,…] FORM…
                                                                  the translations say what today's German texts say
  mercator form     schema FILE|SERVICE                           the JSON Schema of what a form submits
  mercator form     verify FILE --url URL|--keys FILE [--pdf FILE] [--data FILE]
                                                                  is a submission what the city has signed?
  mercator version
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	name, args := args[0], args[1:]
	var err error
	switch name {
	case "demo":
		err = demo(ctx, args, stdout, stderr)
	case "serve", "migrate", "backup", "restore":
		err = operate(ctx, name, args, stdout, stderr)
	case "service":
		return app.ServiceCommand(ctx, args, stdout, stderr)
	case "vault":
		return app.VaultCommand(ctx, args, stdout, stderr)
	case "register":
		return app.RegisterCommand(ctx, args, stdout, stderr)
	case "policy":
		return app.PolicyCommand(args, stdout, stderr)
	case "ledger":
		return app.LedgerCommand(ctx, args, stdout, stderr)
	case "process":
		err = app.ProcessCommand(ctx, args, stdout, stderr)
	case "bench":
		err = app.BenchCommand(ctx, args, stdout, stderr)
	case "feel", "dmn", "bpmn":
		err = language(name, args, stdout, stderr)
	case "form":
		if len(args) > 0 && (args[0] == "schema" || args[0] == "verify") { // of the town's forms; the others are of files
			return app.FormCommand(ctx, args, stdout, stderr)
		}
		err = formCommand(args, stdout, stderr)
	case "version", "--version":
		fmt.Fprintln(stdout, app.Version())
	case "help", "--help", "-h":
		fmt.Fprint(stdout, usage)
	default:
		fmt.Fprintf(stderr, "mercator: unknown command %q\n\n%s", name, usage)
		return 2
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "mercator:", err)
		return 1
	}
	return 0
}

func demo(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("mercator demo", flag.ContinueOnError)
	f.SetOutput(stderr)
	var o app.DemoOptions
	f.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "address of the portal; port 0: any")
	f.StringVar(&o.Dir, "data", "mercator-data", "folder of the data; kept between starts")
	f.IntVar(&o.Residents, "residents", 1000, "how many residents the city has")
	f.StringVar(&o.Content, "content", "", "folder of the content (default: ./content if it is there, else what is built in)")
	f.StringVar(&o.Postgres, "postgres", "", "connection string of a PostgreSQL database to use instead of SQLite")
	f.BoolVar(&o.Verbose, "verbose", false, "log every request")
	if err := f.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if f.NArg() > 0 {
		return fmt.Errorf("demo: unexpected %q", f.Arg(0))
	}
	o.Stdout, o.Stderr = stdout, stderr
	return app.Demo(ctx, o)
}

func operate(ctx context.Context, name string, args []string, stdout, stderr io.Writer) error {
	f := flag.NewFlagSet("mercator "+name, flag.ContinueOnError)
	f.SetOutput(stderr)
	file := f.String("config", "mercator.toml", "the configuration file")
	to, from, keys, drill := "", "", "", false
	switch name {
	case "backup":
		f.StringVar(&to, "to", "", "file to write")
		f.StringVar(&keys, "keys", "", "file of the keys of persons, which is replaced (default: mercator.keys beside it)")
	case "restore":
		f.StringVar(&from, "from", "", "file to read")
		f.StringVar(&keys, "keys", "", "file of the keys of persons (default: mercator.keys beside it)")
		f.BoolVar(&drill, "drill", false, "into a scratch folder: check everything, and remove it again")
	}
	if err := f.Parse(args); err != nil {
		return flag.ErrHelp
	}
	c, err := config.Load(*file)
	if err != nil {
		return err
	}
	switch name {
	case "serve":
		return app.Serve(ctx, c, stdout)
	case "migrate":
		return app.Migrate(ctx, c, stdout)
	case "backup":
		return app.Backup(ctx, c, to, keys, stdout)
	default:
		if drill {
			return app.Drill(ctx, c, from, keys, stdout)
		}
		return app.Restore(ctx, c, from, keys, stdout)
	}
}
