package config

import (
	"errors"
	"fmt"
	"go/version"
	"strings"
)

// GoVersions is a set of Go releases: constraints joined by commas, all of which
// must hold, such as ">=1.25.3,<1.28". An operator is one of >=, >, <=, <, =
// and !=; versions are compared as package go/version does, so "<1.28" leaves
// out 1.28rc1 too. Empty means any release.
type GoVersions string

// Allows reports whether a release is in the set. The release may be written
// "1.26.8", "go1.26.8" or as runtime.Version does ("go1.26.8 X:nocoverageredesign",
// "devel go1.27-…"). What is no Go version is in no set but the empty one.
func (g GoVersions) Allows(goVersion string) bool {
	if g == "" {
		return true
	}
	constraints, err := g.parse()
	if err != nil {
		return false
	}
	v := strings.TrimPrefix(goVersion, "devel ")
	v, _, _ = strings.Cut(v, " ")
	v = "go" + strings.TrimPrefix(v, "go")
	if !version.IsValid(v) {
		return false
	}
	for _, c := range constraints {
		if !c.holds(v) {
			return false
		}
	}
	return true
}

// A constraint is an operator and a version ("go1.25.3").
type constraint struct{ op, version string }

// operators are tried in this order: the longer before their prefixes.
var operators = []string{">=", "<=", "!=", ">", "<", "="}

func (c constraint) holds(v string) bool {
	n := version.Compare(v, c.version)
	switch c.op {
	case ">=":
		return n >= 0
	case ">":
		return n > 0
	case "<=":
		return n <= 0
	case "<":
		return n < 0
	case "=":
		return n == 0
	}
	return n != 0
}

// parse returns the constraints of a set that is not empty.
func (g GoVersions) parse() ([]constraint, error) {
	var list []constraint
	for text := range strings.SplitSeq(string(g), ",") {
		c, err := parseConstraint(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func parseConstraint(text string) (constraint, error) {
	if text == "" {
		return constraint{}, errors.New(`empty constraint: write for example ">=1.25.3,<1.28"`)
	}
	for _, op := range operators {
		number, ok := strings.CutPrefix(text, op)
		if !ok {
			continue
		}
		number = strings.TrimPrefix(strings.TrimSpace(number), "go")
		c := constraint{op, "go" + number}
		if !version.IsValid(c.version) || strings.Contains(number, "-") {
			return constraint{}, fmt.Errorf("%q is not a Go version", number)
		}
		return c, c.check(number)
	}
	return constraint{}, fmt.Errorf(`%q does not begin with one of >=, >, <=, <, =, !=: write for example ">=1.25.3,<1.28"`, text)
}

// check refuses a language version where only a release makes sense. Since Go
// 1.21 "1.26" comes before 1.26rc1 and 1.26.0 (go.dev/doc/toolchain#version), so
// "<=1.26" would leave out every 1.26 release, and "=1.26" would match none.
func (c constraint) check(number string) error {
	if c.op == ">=" || c.op == "<" || c.version != version.Lang(c.version) || version.Compare(c.version, "go1.21") < 0 {
		return nil
	}
	return fmt.Errorf("%q names no release: write %s%s.0, or use >= or < with %s", c.op+number, c.op, number, number)
}
