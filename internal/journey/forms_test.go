// SPDX-License-Identifier: EUPL-1.2

package journey

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"mercator/domain/service"
)

// form is what forms.mjs has to know of a service. A new service is covered as soon as it is there.
type form struct {
	ID       string         `json:"id"`
	About    string         `json:"about"`
	Answers  map[string]any `json:"answers"`  // of its first scenario
	Keyboard bool           `json:"keyboard"` // also by keyboard alone, up to the end
}

// residentForms are the forms of content/ that a resident can begin.
func residentForms(t *testing.T) []form {
	dirs, err := filepath.Glob(filepath.Join(root, "content", "services", "*", "application.form"))
	if err != nil {
		t.Fatal(err)
	}
	var out []form
	for _, file := range dirs {
		dir := filepath.Dir(file)
		s, err := service.Parse(filepath.Base(dir), os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		if s.Internal {
			continue
		}
		scenarios, problems := service.Scenarios(s)
		if len(problems) > 0 || len(scenarios) == 0 {
			t.Fatalf("%s: %d scenarios, %v", s.ID, len(scenarios), problems)
		}
		out = append(out, form{ID: s.ID, About: s.About, Answers: scenarios[0].Answers, Keyboard: s.ID == "change-of-address" || s.Form.TaskList()})
	}
	if len(out) < 9 {
		t.Fatalf("only %d forms found in content/services", len(out))
	}
	return out
}

// TestForms looks at every page of every form that a resident can begin: on a narrow screen, at 400 %, in forced colours, and a short and a long one
// by keyboard alone.
func TestForms(t *testing.T) {
	if os.Getenv("MERCATOR_BROWSER") == "" {
		t.Skip("MERCATOR_BROWSER is not set: the forms were not looked at (./check browser looks at them)")
	}
	t.Parallel()
	list, err := json.Marshal(residentForms(t))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "forms.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	if keep := os.Getenv("MERCATOR_FORMS"); keep != "" { // to run forms.mjs by hand
		if err := os.WriteFile(keep, list, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	portal := demo(t, build(t))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "forms.mjs", portal, file)
	cmd.Env = append(os.Environ(), patience())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
