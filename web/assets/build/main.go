// SPDX-License-Identifier: EUPL-1.2

// Command build makes web/assets/dist from the npm packages and from web/assets/src.
// Run it from the root of the repository, after `npm ci`:
//
//	go run ./web/assets/build
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	root := flag.String("root", ".", "root of the repository")
	flag.Parse()
	if err := build(*root); err != nil {
		fmt.Fprintln(os.Stderr, "assets:", err)
		os.Exit(1)
	}
}

// targets are the oldest browsers that get style and script; older ones get plain HTML.
var targets = []api.Engine{{Name: api.EngineChrome, Version: "100"}, {Name: api.EngineFirefox, Version: "100"}, {Name: api.EngineSafari, Version: "15.4"}}

func build(root string) error {
	kern := filepath.Join(root, "node_modules/@kern-ux/native/dist")
	if _, err := os.Stat(kern); err != nil {
		return errors.New("node_modules is missing: run npm ci first")
	}
	src := filepath.Join(root, "web/assets/src")
	dist := filepath.Join(root, "web/assets/dist")
	tmp, err := os.MkdirTemp("", "mercator-assets-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	b := &builder{out: map[string][]byte{}, manifest: map[string]string{}}

	// Fonts first: the style names their fingerprinted files.
	fonts, err := b.fonts(filepath.Join(src, "fonts.mjs"), root, tmp)
	if err != nil {
		return err
	}
	if err := b.style(root, kern, src, fonts); err != nil {
		return err
	}
	if err := b.script(src, "mercator.js", api.LegalCommentsDefault); err != nil {
		return err
	}
	packages := filepath.Join(root, "node_modules")
	if err := b.widget(src, "diagram", "bpmn-js and diagram-js", filepath.Join(packages, "bpmn-js/LICENSE"),
		filepath.Join(packages, "bpmn-js/dist/assets/diagram-js.css"), filepath.Join(packages, "bpmn-js/dist/assets/bpmn-js.css")); err != nil {
		return err
	}
	if err := b.widget(src, "studio", "form-js", filepath.Join(packages, "@bpmn-io/form-js-editor/LICENSE"),
		filepath.Join(packages, "@bpmn-io/form-js-viewer/dist/assets/form-js.css"), filepath.Join(packages, "@bpmn-io/form-js-editor/dist/assets/form-js-editor.css"),
		filepath.Join(packages, "@bpmn-io/form-js-editor/dist/assets/properties-panel.css")); err != nil {
		return err
	}
	return b.write(dist, root, filepath.Join(src, "brotli.mjs"))
}

type builder struct {
	out      map[string][]byte // fingerprinted name
	manifest map[string]string // plain name → fingerprinted name
}

func (b *builder) add(name string, data []byte) string {
	sum := sha256.Sum256(data)
	ext := filepath.Ext(name)
	printed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
	b.out[printed] = data
	b.manifest[name] = printed
	return printed
}

// fonts subsets the weights in use: one file with what German, English and Turkish
// are written in, another with the rest of DIN 91379, fetched only by a page that
// shows such a letter. It returns the style's font faces.
func (b *builder) fonts(script, root, tmp string) (string, error) {
	cmd := exec.Command("node", script, root, tmp)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("subset fonts (needs node 18 or later): %w", err)
	}
	var faces []struct{ Name, Range, Weight string }
	if err := json.Unmarshal(out, &faces); err != nil {
		return "", fmt.Errorf("subset fonts: %w", err)
	}
	var css strings.Builder
	for _, f := range faces {
		data, err := os.ReadFile(filepath.Join(tmp, f.Name))
		if err != nil {
			return "", err
		}
		printed := b.add(f.Name, data)
		fmt.Fprintf(&css, "@font-face{font-family:\"Fira Sans\";font-style:normal;font-weight:%s;font-display:swap;src:url(/assets/%s) format(\"woff2\");unicode-range:%s}\n", f.Weight, printed, f.Range)
	}
	return css.String(), nil
}

func (b *builder) style(root, kern, src, fonts string) error {
	kernCSS, err := os.ReadFile(filepath.Join(kern, "kern.css"))
	if err != nil {
		return err
	}
	own, err := os.ReadFile(filepath.Join(src, "mercator.css"))
	if err != nil {
		return err
	}
	used, err := usedClasses(root)
	if err != nil {
		return err
	}
	pruned, err := prune(string(kernCSS), string(own), used)
	if err != nil {
		return fmt.Errorf("kern.css: %w", err)
	}
	whole, err := minify(fonts + pruned + string(own))
	if err != nil {
		return err
	}
	head := "/* KERN design system and Mercator, EUPL-1.2; Fira Sans, OFL-1.1 */\n"
	b.add("mercator.css", append([]byte(head), whole...))

	names, err := os.ReadFile(filepath.Join(src, "first.txt"))
	if err != nil {
		return err
	}
	first := map[string]bool{}
	for _, c := range strings.Fields(string(names)) {
		first[c] = true
	}
	// In the order of the whole, which comes after it: then nothing moves that both know.
	of, err := firstOf(pruned+string(own), first)
	if err != nil {
		return fmt.Errorf("first.css: %w", err)
	}
	part, err := minify(of)
	if err != nil {
		return err
	}
	b.add("first.css", part)
	return nil
}

func minify(css string) ([]byte, error) {
	res := api.Transform(css, api.TransformOptions{
		Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true, Engines: targets, LegalComments: api.LegalCommentsNone,
	})
	for _, w := range res.Warnings {
		fmt.Fprintln(os.Stderr, "style:", w.Text)
	}
	return bytes.TrimSpace(res.Code), messages(res.Errors)
}

// script bundles a module with what it imports.
func (b *builder) script(src, name string, comments api.LegalComments) error {
	res := api.Build(api.BuildOptions{
		EntryPoints: []string{filepath.Join(src, name)}, Bundle: true, Write: false, Format: api.FormatESModule,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Engines: targets, Outdir: "/", LegalComments: comments,
	})
	if err := messages(res.Errors); err != nil {
		return err
	}
	for _, f := range res.OutputFiles {
		b.add(name, f.Contents)
	}
	return nil
}

// widget is a script with a style sheet that few pages load, made of other people's packages: their licence goes with it.
func (b *builder) widget(src, name, of, licence string, sheets ...string) error {
	if err := b.script(src, name+".js", api.LegalCommentsInline); err != nil {
		return err
	}
	text, err := os.ReadFile(licence)
	if err != nil {
		return err
	}
	printed := b.manifest[name+".js"]
	code := b.out[printed]
	delete(b.out, printed)
	b.add(name+".js", fmt.Appendf(nil, "/* Mercator, EUPL-1.2. With %s:\n%s*/\n%s", of, text, code))
	var css []byte
	for _, sheet := range append(sheets, filepath.Join(src, name+".css")) {
		text, err := os.ReadFile(sheet)
		if err != nil {
			return err
		}
		css = append(css, text...)
	}
	res := api.Transform(string(css), api.TransformOptions{Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true, Engines: targets, LegalComments: api.LegalCommentsNone})
	if err := messages(res.Errors); err != nil {
		return err
	}
	b.add(name+".css", append(fmt.Appendf(nil, "/* %s, Camunda Services GmbH, see the script; Mercator, EUPL-1.2 */\n", of), res.Code...))
	return nil
}

func messages(ms []api.Message) error {
	var errs []error
	for _, m := range ms {
		at := ""
		if m.Location != nil {
			at = fmt.Sprintf("%s:%d: ", m.Location.File, m.Location.Line)
		}
		errs = append(errs, errors.New(at+m.Text))
	}
	return errors.Join(errs...)
}

// write replaces dist. What compresses gets a .gz and a .br beside it.
func (b *builder) write(dist, root, brotli string) error {
	old, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	for _, e := range old {
		if e.Name() != "README.md" {
			if err := os.RemoveAll(filepath.Join(dist, e.Name())); err != nil {
				return err
			}
		}
	}
	names := make([]string, 0, len(b.out))
	for n := range b.out {
		names = append(names, n)
	}
	sort.Strings(names)
	var toBrotli []string
	for _, n := range names {
		p := filepath.Join(dist, n)
		if err := os.WriteFile(p, b.out[n], 0o644); err != nil {
			return err
		}
		if strings.HasSuffix(n, ".woff2") {
			continue
		}
		var z bytes.Buffer
		w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(b.out[n]); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(p+".gz", z.Bytes(), 0o644); err != nil {
			return err
		}
		toBrotli = append(toBrotli, p)
	}
	cmd := exec.Command("node", append([]string{brotli}, toBrotli...)...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("brotli: %w", err)
	}
	// The manifest comes last: without it the set counts as not built.
	m, err := json.MarshalIndent(b.manifest, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dist, "manifest.json"), m, 0o644); err != nil {
		return err
	}
	plain := make([]string, 0, len(b.manifest))
	for n := range b.manifest {
		plain = append(plain, n)
	}
	sort.Strings(plain)
	for _, n := range plain {
		size := len(b.out[b.manifest[n]])
		line := fmt.Sprintf("%-28s %7d bytes", n, size)
		if st, err := os.Stat(filepath.Join(dist, b.manifest[n]+".br")); err == nil {
			line += fmt.Sprintf(", %6d over the wire", st.Size())
		}
		fmt.Println(line)
	}
	return nil
}

var classToken = regexp.MustCompile(`kern-[a-zA-Z0-9_-]+`)

// always are classes whose names templates put together: kern-alert--{{tone}}.
var always = strings.Fields(`
	kern-alert--info kern-alert--success kern-alert--warning kern-alert--danger
	kern-badge--info kern-badge--success kern-badge--warning kern-badge--danger
	kern-icon--info kern-icon--success kern-icon--warning kern-icon--danger
	kern-icon--arrow-forward kern-icon--arrow-back kern-icon--download kern-icon--edit kern-icon--search
	kern-icon--check kern-icon--close kern-icon--open-in-new kern-icon--delete kern-icon--mail kern-icon--add
	kern-btn--primary kern-btn--secondary kern-btn--tertiary`)

// usedClasses finds the names of KERN's classes in the templates and Go files of the repository.
func usedClasses(root string) (map[string]bool, error) {
	used := map[string]bool{}
	for _, c := range always {
		used[c] = true
	}
	for _, dir := range []string{"web", "domain", "app", "adapter"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && (d.Name() == "dist" || d.Name() == "build" || d.Name() == "testdata") {
				return filepath.SkipDir
			}
			if ext := filepath.Ext(p); ext != ".html" && ext != ".go" {
				return nil
			}
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			for _, c := range classToken.FindAllString(string(data), -1) {
				used[c] = true
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return used, nil
}
