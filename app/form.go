// SPDX-License-Identifier: EUPL-1.2

package app

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"mercator/core/sign"
	"mercator/lang/form"
)

const formUsage = `usage:
  mercator form schema FILE|SERVICE [--content DIR]                    the JSON Schema of what a form submits
  mercator form verify FILE --url URL|--keys FILE [--pdf FILE] [--data FILE]
                                                                       whether a submission is what the city has signed, and its PDF and data what it names`

// FormCommand is mercator form. It returns the exit status: 1 if something is wrong with what was looked at, 2 if it was asked
// in a wrong way.
func FormCommand(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) < 2 || strings.HasPrefix(args[1], "-") {
		fmt.Fprintln(stderr, formUsage)
		return 2
	}
	f := flag.NewFlagSet("mercator form "+args[0], flag.ContinueOnError)
	f.SetOutput(stderr)
	var o formOrder
	f.StringVar(&o.content, "content", "", "folder of the content (schema; default: what is built in)")
	f.StringVar(&o.url, "url", "", "address of the city's portal, whose keys are fetched (verify)")
	f.StringVar(&o.keys, "keys", "", "file with the city's keys, a JSON Web Key Set that was got before (verify)")
	f.StringVar(&o.pdf, "pdf", "", "the PDF that belongs to it (verify)")
	f.StringVar(&o.data, "data", "", "the data that belong to it (verify)")
	if err := f.Parse(args[2:]); err != nil || f.NArg() > 0 {
		return 2
	}
	var err error
	switch args[0] {
	case "schema":
		err = o.schema(args[1], stdout)
	case "verify":
		if (o.url == "") == (o.keys == "") {
			fmt.Fprintln(stderr, "mercator: form verify: say with --url or --keys whose signature it should be: keys or addresses in the file prove nothing\n"+formUsage)
			return 2
		}
		err = o.verify(ctx, args[1], stdout)
	default:
		fmt.Fprintln(stderr, formUsage)
		return 2
	}
	if err != nil {
		fmt.Fprintln(stderr, "mercator: form:", err)
		return 1
	}
	return 0
}

type formOrder struct{ content, url, keys, pdf, data string }

// readBounded reads a file that isn't larger than what is expected of it.
func readBounded(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return b, err
}

func (o formOrder) schema(name string, w io.Writer) error {
	data, err := readBounded(name, form.MaxSource)
	if errors.Is(err, fs.ErrNotExist) && fs.ValidPath(name) && !strings.Contains(name, "/") {
		file := "services/" + name + "/application.form"
		if data, err = fs.ReadFile(contentFS(o.content), file); err == nil {
			name = file
		}
	}
	if err != nil {
		return err
	}
	f, err := form.Parse(name, data)
	if err != nil {
		return err
	}
	b, err := f.Schema()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", b)
	return err
}

// cityKeys gets the public keys of a city from its portal.
func (o formOrder) cityKeys(ctx context.Context) ([]byte, error) {
	if o.keys != "" {
		return readBounded(o.keys, 1<<20)
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(o.url, "/")+"/.well-known/jwks.json", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", q.URL, resp.Status)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}

func (o formOrder) verify(ctx context.Context, name string, w io.Writer) error {
	file, err := readBounded(name, sign.MaxFile)
	if err != nil {
		return err
	}
	keys, err := o.cityKeys(ctx)
	if err != nil {
		return err
	}
	payload, key, err := sign.Verify(SubmissionType, file, keys)
	if err != nil {
		return err
	}
	var s SignedSubmission
	if err := json.Unmarshal(payload, &s); err != nil || s.Format != "mercator-submission/1" {
		return fmt.Errorf("the signature is right, but this program doesn't know the format %q", s.Format)
	}
	if hashOf(s.Data) != s.DataHash {
		return errors.New("the data in the file aren't those that its hash names")
	}
	fmt.Fprintf(w, "signed by the city with the key %s\nnumber    %s\nreceived  %s\nservice   %s, version %s\nrevision  %d\nhash      %s\n", key, s.Number,
		s.ReceivedAt.Format("2006-01-02 15:04:05 MST (UTC-07:00)"), s.Service.Title, s.Service.Version, s.Revision, hashOf(file))
	for _, x := range []struct{ what, file, want string }{{"PDF", o.pdf, s.PaperHash}, {"data", o.data, s.DataHash}} {
		if x.file == "" {
			continue
		}
		b, err := readBounded(x.file, sign.MaxFile)
		if err != nil {
			return err
		}
		if hashOf(b) != x.want {
			return fmt.Errorf("%s isn't the %s that was signed", x.file, x.what)
		}
		fmt.Fprintf(w, "%-9s %s is what was signed\n", x.what, x.file)
	}
	return nil
}
