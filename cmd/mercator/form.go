// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mercator/lang/form"
	"mercator/lang/xdatenfelder"
)

const formUsage = "usage: form import --xdf FILE [--codes FOLDER] [--out FILE] | form export --xdf FORM [--out FILE] | form trace FORM [--answers FILE] [--context FILE] [--today DAY] [--field NAME] [--json] | form diff OLD NEW [--lang de|en|tr] | " +
	"form translated [--lang LANG,…] [--field NAME,…] FORM…"

// maxLists is how many files a folder of code lists may hold.
const maxLists = 500

// formCommand is mercator form: forms from FIM, and back; why they are as they are; what is said of translations.
func formCommand(args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 && args[0] == "translated" {
		return formTranslated(args[1:], stdout, stderr)
	}
	if len(args) > 0 && (args[0] == "trace" || args[0] == "diff") {
		return explainForm(args, stdout, stderr)
	}
	if len(args) == 0 || args[0] != "import" && args[0] != "export" {
		return errors.New(formUsage)
	}
	f := flag.NewFlagSet("mercator form "+args[0], flag.ContinueOnError)
	f.SetOutput(stderr)
	xdf := f.String("xdf", "", "import: file of XDatenfelder 2.0 or 3.0.0; export: the form that becomes XDatenfelder 3.0.0")
	out := f.String("out", "", "file to write; default: standard output")
	codes := ""
	if args[0] == "import" {
		f.StringVar(&codes, "codes", "", "folder of the code lists (genericode); default: the folder of the file")
	}
	if err := f.Parse(args[1:]); err != nil {
		return flag.ErrHelp
	}
	if *xdf == "" || f.NArg() > 0 {
		return errors.New(formUsage)
	}
	data, err := readBounded(*xdf)
	if err != nil {
		return err
	}
	var result []byte
	var findings []xdatenfelder.Finding
	summary := ""
	if args[0] == "export" {
		in, err := form.Parse(*xdf, data)
		if err != nil {
			return err
		}
		var m *xdatenfelder.Message
		m, findings = xdatenfelder.Export(in, time.Now())
		result = xdatenfelder.Write(m)
		summary = counted(m)
	} else {
		m, err := xdatenfelder.Read(*xdf, data)
		if err != nil {
			return err
		}
		lists, err := readLists(codes, filepath.Dir(*xdf))
		if err != nil {
			return err
		}
		result, findings, err = xdatenfelder.Import(m, lists)
		for _, x := range findings {
			fmt.Fprintln(stderr, x)
		}
		findings = nil
		if err != nil {
			return err
		}
		summary = counted(m)
	}
	for _, x := range findings {
		fmt.Fprintln(stderr, x)
	}
	fmt.Fprintf(stderr, "%s: %s\n", *xdf, summary)
	if *out == "" {
		_, err = stdout.Write(result)
		return err
	}
	return os.WriteFile(*out, result, 0o644)
}

func counted(m *xdatenfelder.Message) string {
	groups, fields, rules := m.Counts()
	return fmt.Sprintf("%d fields, %d groups, %d rules", fields, groups, rules)
}

// readBounded reads a file, but not one that is too large for its reader.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, xdatenfelder.MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return data, nil
}

// readLists reads the code lists of a folder. A folder that was named holds lists; of the one
// that the schema happens to lie in only files that are lists are taken.
func readLists(dir, beside string) (xdatenfelder.Lists, error) {
	named := dir != ""
	if !named {
		dir = beside
	}
	var lists xdatenfelder.Lists
	var errs []error
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir:
			return filepath.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		ext := strings.ToLower(filepath.Ext(path))
		if ext != ".xml" && ext != ".gc" {
			return nil
		}
		if len(lists) == maxLists {
			return fmt.Errorf("%s holds more than %d code lists", dir, maxLists)
		}
		data, err := readBounded(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(data[:min(len(data), 4096)]), xdatenfelder.Genericode) {
			return nil
		}
		l, err := xdatenfelder.ReadCodeList(path, data)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		lists = append(lists, l)
		return nil
	})
	if err == nil && named && len(lists) == 0 && len(errs) == 0 {
		err = fmt.Errorf("%s holds no code list: no *.xml or *.gc of genericode 1.0", dir)
	}
	return lists, errors.Join(append(errs, err)...)
}
