// SPDX-License-Identifier: EUPL-1.2

package archtest

import (
	"bufio"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "mercator/"
)

// below says which storeys a storey may import. Web pages of an office
// (domain/X/Xweb) are a storey of their own: they see the office and the counters.
var below = map[string][]string{
	"base":      {},
	"lang":      {"base"},
	"core":      {"base"},
	"web":       {"base", "core"},
	"domain":    {"base", "lang", "core"},
	"domainweb": {"base", "lang", "core", "web"},
	"adapter":   {"base", "core", "domain"},
}

// storey and room of a package path inside the module: lang/dmn/tck is in the room lang/dmn.
func place(pkg string) (storey, room string) {
	parts := strings.Split(pkg, "/")
	storey, room = parts[0], parts[0]
	if len(parts) > 1 {
		room = parts[0] + "/" + parts[1]
	}
	if storey == "web" {
		room = "web"
	}
	if storey == "domain" && len(parts) > 2 && strings.HasSuffix(parts[2], "web") {
		storey = "domainweb"
	}
	return storey, room
}

func goFiles(t *testing.T, each func(name string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || (strings.HasPrefix(d.Name(), ".") && name != root) || d.Name() == "bench") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			each(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestImportsPointDown holds every import against the storeys and the doors.
func TestImportsPointDown(t *testing.T) {
	doors, used := readDoors(t), map[string]bool{}
	goFiles(t, func(name string) {
		rel, _ := filepath.Rel(root, name)
		pkg := path.Dir(filepath.ToSlash(rel))
		storey, room := place(pkg)
		// Tests, and helpers for tests, may take what they need from wherever.
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(pkg, "test") || below[storey] == nil {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range f.Imports {
			p, _ := strconv.Unquote(imp.Path.Value)
			if !strings.HasPrefix(p, module) {
				continue
			}
			to, toRoom := place(strings.TrimPrefix(p, module))
			if toRoom == room {
				if storey == "domain" && to == "domainweb" {
					t.Errorf("%s imports %s: an office doesn't know its pages", rel, p)
				}
				continue
			}
			door := room + " -> " + toRoom
			switch {
			case contains(below[storey], to):
			case doors[door]:
				used[door] = true
			case doors["* -> "+toRoom]:
				used["* -> "+toRoom] = true
			default:
				t.Errorf("%s imports %s: %s may import %v (or open a door in layers.txt, with its reason)", rel, p, storey, below[storey])
			}
		}
	})
	for d := range doors {
		if !used[d] {
			t.Errorf("layers.txt: nobody uses the door %q any more: take it out", d)
		}
	}
}

func readDoors(t *testing.T) map[string]bool {
	t.Helper()
	f, err := os.Open("layers.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	doors := map[string]bool{}
	for s := bufio.NewScanner(f); s.Scan(); {
		line := strings.TrimSpace(s.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		door, reason, ok := strings.Cut(line, " : ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Errorf("layers.txt: %q gives no reason", line)
		}
		doors[strings.TrimSpace(door)] = true
	}
	return doors
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestEveryRoomSaysWhatItIs: the next engineer reads doc.go first.
func TestEveryRoomSaysWhatItIs(t *testing.T) {
	rooms := map[string]bool{}
	goFiles(t, func(name string) {
		rel, _ := filepath.Rel(root, name)
		pkg := path.Dir(filepath.ToSlash(rel))
		storey, _ := place(pkg)
		if below[storey] != nil && strings.Count(pkg, "/") == 1 && !strings.HasSuffix(name, "_test.go") {
			rooms[pkg] = true
		}
	})
	names := make([]string, 0, len(rooms))
	for r := range rooms {
		names = append(names, r)
	}
	sort.Strings(names)
	for _, r := range names {
		found := false
		files, _ := filepath.Glob(filepath.Join(root, r, "*.go"))
		for _, name := range files {
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly|parser.ParseComments)
			if err == nil && f.Doc != nil {
				found = true
			}
		}
		if !found {
			t.Errorf("%s has no package comment", r)
		}
	}
}

// TestFilesNameTheirLicence: everything of ours is EUPL-1.2 and says so.
func TestFilesNameTheirLicence(t *testing.T) {
	goFiles(t, func(name string) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Error(err)
			return
		}
		if !strings.Contains(string(b[:min(len(b), 300)]), "SPDX-License-Identifier: EUPL-1.2") {
			t.Errorf("%s: the licence header is missing", name)
		}
	})
}
