package goenv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// boolFlags are the build flags that stand alone or take a boolean.
var boolFlags = []string{
	"a", "asan", "buildvcs", "cover", "json", "linkshared", "modcacherw", "msan",
	"n", "race", "trimpath", "v", "work", "x",
}

// CheckBuildFlag checks the value of a flag of GOFLAGS as "go build" does
// (cmd/go/internal/base, SetFromGOFLAGS, and cmd/go/internal/work, BuildInit),
// with its words. Flags that "go build" does not have are ignored by it, so
// they are right.
func CheckBuildFlag(f Flag) error {
	switch {
	case !IsBuildFlag(f.Name):
		return nil
	case slices.Contains(boolFlags, f.Name):
		if !f.HasValue || f.Name == "buildvcs" && f.Value == "auto" {
			return nil
		}
		if _, err := strconv.ParseBool(f.Value); err != nil {
			return fmt.Errorf("invalid boolean value %q for flag -%s (from $GOFLAGS)", f.Value, f.Name)
		}
		return nil
	case !f.HasValue:
		return fmt.Errorf("flag needs an argument: -%s (from $GOFLAGS)", f.Name)
	}
	invalid := func(why string) error {
		return fmt.Errorf("invalid value %q for flag -%s (from $GOFLAGS): %s", f.Value, f.Name, why)
	}
	switch f.Name {
	case "C":
		return invalid("-C flag must be first flag on command line")
	case "mod":
		if !slices.Contains([]string{"", "mod", "readonly", "vendor"}, f.Value) {
			return fmt.Errorf("-mod=%s not supported (can be '', 'mod', 'readonly', or 'vendor')", f.Value)
		}
	case "modfile":
		if f.Value != "" && !strings.HasSuffix(f.Value, ".mod") {
			return fmt.Errorf("-modfile=%s: file does not have .mod extension", f.Value)
		}
	case "p":
		if _, err := strconv.ParseInt(f.Value, 0, strconv.IntSize); err != nil {
			return invalid("parse error")
		}
	case "compiler":
		if f.Value != "gc" && f.Value != "gccgo" {
			return invalid(fmt.Sprintf("unknown compiler %q", f.Value))
		}
	case "covermode":
		if !slices.Contains([]string{"set", "count", "atomic"}, f.Value) {
			return invalid(`valid modes are "set", "count", or "atomic"`)
		}
	}
	return nil
}
