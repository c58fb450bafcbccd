// SPDX-License-Identifier: EUPL-1.2

// Package journey walks the journeys of residents and clerks in a real browser
// against the real program: a phone and a desk, with and without scripts, every page
// checked with axe.
package journey

import (
	"bufio"
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// TestJourneys needs Chromium, Node and the built interface: ./check browser.
func TestJourneys(t *testing.T) {
	if os.Getenv("MERCATOR_BROWSER") == "" {
		t.Skip("MERCATOR_BROWSER is not set: the journeys did not run (./check browser runs them)")
	}
	t.Parallel()
	binary := build(t)
	// All of them on a phone with scripts; those that meet every kind of page in the other ways, too.
	const some = "resident,business,topics,byHand,registers,paper,defect,representation,myData,moving,oversight,cosign,together,moved,movedGuest,movedHelped,rows,guestFiles"
	for _, c := range []struct{ name, width, scripting, journeys string }{
		{"phone", "360", "js", ""}, {"desk", "1280", "js", "resident,business,topics,studio,registers,oversight"},
		{"phone without scripts", "360", "nojs", some}, {"desk without scripts", "1280", "nojs", "resident,wrongZone,business,paper,mandate,deputy,moving,proactive"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // with another: each has a city of its own, and a browser waits much
			portal := demo(t, binary)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, "node", "journey.mjs", portal, c.width, c.scripting, os.Getenv("MERCATOR_SHOTS"))
			if cmd.Env = append(os.Environ(), patience()); c.journeys != "" {
				cmd.Env = append(cmd.Env, "JOURNEY="+c.journeys)
			}
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// patience is how long a browser waits for something: two of them share the machine.
func patience() string { return "JOURNEY_TIMEOUT=" + cmp.Or(os.Getenv("JOURNEY_TIMEOUT"), "45000") }

// build makes the program.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "mercator")
	cmd := exec.Command("go", "build", "-o", binary, "./cmd/mercator")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// demo starts the program with a fresh city and gives the portal's address.
func demo(t *testing.T, binary string) string {
	t.Helper()
	cmd := exec.Command(binary, "demo", "--listen", "127.0.0.1:0", "--data", t.TempDir())
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
	})
	ready := make(chan string, 1)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if url, ok := strings.CutPrefix(s.Text(), "ready "); ok {
				ready <- url
			}
		}
	}()
	select {
	case url := <-ready:
		return url
	case <-time.After(time.Minute):
		t.Fatal("the demo isn't ready after a minute")
		return ""
	}
}
