// SPDX-License-Identifier: EUPL-1.2

package tck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mercator/internal/suites"
)

// Every case of the official suite is a subtest.
func TestSuite(t *testing.T) {
	cases, err := Read(suites.Dir(t, "dmn_tck", "TestCases"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 2500 {
		t.Errorf("only %d cases", len(cases))
	}
	var m Models
	exceptions := Exceptions()
	for _, c := range cases {
		t.Run(c.Level+"/"+c.Name(), func(t *testing.T) {
			err := m.Check(c)
			why := Excepted(c, exceptions)
			switch {
			case err != nil && why != "":
				t.Skip(why)
			case err != nil:
				t.Error(err)
			case exceptions[c.Name()] != "":
				t.Errorf("%s passes: take it from exceptions.txt", c.Name())
			}
		})
	}
}

// Only Java is an exception.
func TestExceptionsHaveTheOneReason(t *testing.T) {
	for name, why := range Exceptions() {
		if !strings.HasPrefix(name, "0076-feel-external-java") || !strings.Contains(why, "Java") {
			t.Errorf("%s: %s", name, why)
		}
	}
}

// A run counts what passes and names what doesn't.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "compliance-level-3", "9000-mine")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"m.dmn": `<definitions xmlns="https://www.omg.org/spec/DMN/20230324/MODEL/" name="m" namespace="urn:m"><decision name="d"><variable name="d"/><literalExpression><text>1 + n</text></literalExpression><informationRequirement><requiredInput href="#n"/></informationRequirement></decision><inputData id="n" name="n"><variable name="n" typeRef="number"/></inputData></definitions>`,
		"m-test-01.xml": `<testCases xmlns="http://www.omg.org/spec/DMN/20160719/testcase" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><modelName>m.dmn</modelName>
			<testCase id="good"><inputNode name="n"><value xsi:type="xsd:decimal">2</value></inputNode><resultNode name="d"><expected><value xsi:type="xsd:decimal">3</value></expected></resultNode></testCase>
			<testCase id="bad"><inputNode name="n"><value xsi:type="xsd:decimal">2</value></inputNode><resultNode name="d"><expected><value xsi:type="xsd:decimal">4</value></expected></resultNode></testCase>
			<testCase id="left"><resultNode name="d" errorResult="true"/></testCase></testCases>`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Run(dir, map[string]string{"9000-mine/bad": "to see it counted"})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Levels) != 1 || r.Levels[0].String() != "level 3: 2 of 3 (1 exception not passed)" || len(r.Failed) != 0 {
		t.Errorf("%+v", r)
	}
	if r, err = Run(dir, nil); err != nil || len(r.Failed) != 1 || r.Levels[0].String() != "level 3: 2 of 3" || !strings.Contains(r.Failed[0].Err.Error(), "d is 3, 4 was expected") {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := Run(t.TempDir(), nil); err == nil {
		t.Error("an empty folder was run")
	}
}
