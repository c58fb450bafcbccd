// SPDX-License-Identifier: EUPL-1.2

package service

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mercator/lang/feel"
	"mercator/lang/form"

	"github.com/BurntSushi/toml"
)

// migrationFile says what becomes of the answers of drafts that were begun with an older version of the package.
const migrationFile = "migrate.toml"

// MigrationStep is what a version of the package has changed about the questions of application.form.
type MigrationStep struct {
	// From are the versions before the change. A draft of one of them goes through this step and those behind it; one of a
	// version that no step names goes through the steps without From.
	From  []string
	Rules []form.MigrationRule

	line  int
	lines []int // of the rules
}

type tomlMigration struct {
	Step []struct {
		From []string `toml:"from"`
		Rule []struct {
			Old    string         `toml:"old"`
			New    string         `toml:"new"`
			Values map[string]any `toml:"values"`
			Value  string         `toml:"value"`
		} `toml:"rule"`
	} `toml:"step"`
}

// MigrationRules are those for the drafts of a version, in the order in which they apply.
func (s *Service) MigrationRules(version string) []form.MigrationRule {
	var out []form.MigrationRule
	start := slices.IndexFunc(s.Migration, func(m MigrationStep) bool { return slices.Contains(m.From, version) })
	for i, m := range s.Migration {
		if start >= 0 && i >= start || start < 0 && len(m.From) == 0 {
			out = append(out, m.Rules...)
		}
	}
	return out
}

func (p *parser) migration(data []byte) {
	var t tomlMigration
	meta, err := toml.Decode(string(data), &t)
	var pe toml.ParseError
	switch {
	case errors.As(err, &pe):
		p.problem(migrationFile, pe.Position.Line, "%s", pe.Message)
		return
	case err != nil:
		p.problem(migrationFile, 0, "%v", err)
		return
	}
	for _, k := range meta.Undecoded() {
		p.problem(migrationFile, lineOf(data, k[len(k)-1]), "unknown key %q", k.String())
	}
	rules := 0
	for i, step := range t.Step {
		m := MigrationStep{From: step.From, line: lineOfBlock(data, "step", i)}
		for _, r := range step.Rule {
			line := lineOfBlock(data, "step.rule", rules)
			rules++
			rule := form.MigrationRule{Old: r.Old, New: r.New}
			switch {
			case r.New == "":
				p.problem(migrationFile, line, "a rule says in new where the answer goes")
				continue
			case (r.Old == "") == (r.Value == ""):
				p.problem(migrationFile, line, "%q: a rule has either old, the name that the answer had, or value, an expression", r.New)
				continue
			case r.Value != "" && len(r.Values) > 0:
				p.problem(migrationFile, line, "%q: values go with old: an expression can say them itself", r.New)
				continue
			case r.Old == r.New && len(r.Values) == 0:
				p.problem(migrationFile, line, "%q: old and new are the same: say in values what is called otherwise, or leave the rule out", r.New)
				continue
			case r.Value != "":
				if rule, err = form.MigrationRuleOf(r.New, r.Value); err != nil {
					var fe *feel.Error
					msg := err.Error()
					if errors.As(err, &fe) {
						msg = fe.Msg
					}
					p.problem(migrationFile, line, "%q: value: %s", r.New, msg)
					continue
				}
			}
			if len(r.Values) > 0 {
				if rule.Values, err = plain(r.Values); err != nil {
					p.problem(migrationFile, line, "%q: values: %v", r.New, err)
					continue
				}
			}
			m.Rules, m.lines = append(m.Rules, rule), append(m.lines, line)
		}
		p.s.Migration = append(p.s.Migration, m)
	}
}

var versionPattern = regexp.MustCompile(`^[0-9a-f]{16}$`)

// migration holds the rules to the form as it is now. What older versions called a field the package alone can't tell.
func (l *linter) migration() {
	named := map[string]bool{}
	later := map[string]int{} // where a name is carried on from, the last step that does
	for i, m := range l.s.Migration {
		for _, r := range m.Rules {
			if r.Old != "" && r.Old != r.New {
				later[r.Old] = i
			}
		}
	}
	for i, m := range l.s.Migration {
		say := func(line int, format string, args ...any) { l.say(migrationFile, line, 0, format, args...) }
		for _, v := range m.From {
			if !versionPattern.MatchString(v) {
				say(m.line, "from %q is no version of a package: 16 digits and letters from a to f, as mercator service lint shows it", v)
			}
			if named[v] {
				say(m.line, "from %q stands in two steps: a draft begins at one of them", v)
			}
			named[v] = true
		}
		if len(m.Rules) == 0 {
			say(m.line, "a step has at least one [[step.rule]]")
		}
		for j, r := range m.Rules {
			f := l.s.Form.Field(r.New)
			on, carried := later[r.New]
			switch {
			case carried && on > i:
				continue // a later step carries it on
			case f == nil || !f.Input() && f.Type != "dynamiclist":
				say(m.lines[j], "new %q: application.form has no such question", r.New)
				continue
			case takesFiles(f):
				say(m.lines[j], "new %q: files can't be moved: keep the name of the field", r.New)
			case strings.Contains(r.New, "*"):
				say(m.lines[j], "new %q: say into which row of the list: %q", r.New, strings.ReplaceAll(r.New, "*", "0"))
			}
			if old := l.s.Form.Field(r.Old); r.Old != r.New && old != nil && old.Input() {
				say(m.lines[j], "old %q: application.form still asks this, so its answer stays there", r.Old)
			}
			options := map[string]bool{}
			for _, o := range f.Options {
				options[o.OptionText()] = true
			}
			for _, from := range sortedKeys(r.Values) {
				to := form.Option{Value: r.Values[from]}.OptionText()
				if len(options) > 0 && !options[to] {
					say(m.lines[j], "values: %q isn't an option of %q", to, r.New)
				}
				if options[from] && len(m.From) == 0 {
					say(m.lines[j], "values: %q is an option of %q: say in from which versions meant something else by it", from, r.New)
				}
			}
		}
	}
}

// takesFiles tells whether a field asks for files, or a question in the rows of a list does.
func takesFiles(f *form.Field) bool {
	return f.Type == "filepicker" || slices.ContainsFunc(f.Children, takesFiles)
}

// Since holds the rules of a package to an older version of it, whose drafts they are for: problems are what they say of it that
// isn't so, gone the questions that the form in force has no place for, so that their answers are kept and not handed over.
func Since(before, now *Service) (problems []Problem, gone []string) {
	say := func(line int, format string, args ...any) {
		problems = append(problems, Problem{File: migrationFile, Line: line, Msg: fmt.Sprintf(format, args...)})
	}
	start := slices.IndexFunc(now.Migration, func(m MigrationStep) bool { return slices.Contains(m.From, before.Version) })
	named := slices.ContainsFunc(now.Migration, func(m MigrationStep) bool { return len(m.From) > 0 })
	if named && start < 0 && before.Version != now.Version {
		say(0, "no step names the version %s: its drafts go through the steps without from only", before.Version)
	}
	has := func(f *form.Form, name string) bool {
		x := f.Field(name)
		if x != nil {
			return x.Input() || x.Type == "dynamiclist"
		}
		return slices.ContainsFunc(f.Names(), func(n string) bool { return strings.HasPrefix(n, name+".") }) // a group
	}
	made, read := map[string]bool{}, map[string]bool{}
	for i, m := range now.Migration {
		if start >= 0 && i < start || start < 0 && len(m.From) > 0 {
			continue
		}
		for j, r := range m.Rules {
			if r.Old != "" && !has(before.Form, r.Old) && !made[r.Old] && len(m.From) > 0 {
				say(m.lines[j], "old %q: version %s doesn't ask this", r.Old, before.Version)
			}
			if r.Value != nil {
				for _, name := range r.Value.FreeNames() {
					if read[name] = true; !has(before.Form, name) && !made[name] && name != "registers" {
						say(m.lines[j], "%q: value reads %q, which version %s doesn't ask", r.New, name, before.Version)
					}
				}
			}
			read[r.Old], made[r.New] = true, true
		}
	}
	for _, name := range before.Form.Names() {
		f := before.Form.Field(name)
		around := func(seen map[string]bool) bool {
			for i, c := range name {
				if c == '.' && seen[name[:i]] {
					return true
				}
			}
			return seen[name]
		}
		if f.Input() && !strings.Contains(name, "*") && !has(now.Form, name) && !around(read) {
			gone = append(gone, name)
		}
	}
	return problems, gone
}
