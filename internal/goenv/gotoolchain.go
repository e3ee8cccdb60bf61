package goenv

import (
	"fmt"
	"go/version"
	"strings"
)

// Toolchain is what GOTOOLCHAIN says.
type Toolchain struct {
	// Min is the toolchain to start from: "local" or a name as "go1.26.1".
	Min string
	// Mode is how a newer one may be found: "auto" (PATH, then download),
	// "path" (PATH only), or empty for not at all.
	Mode string
}

// ParseGOTOOLCHAIN parses GOTOOLCHAIN as cmd/go/internal/toolchain's Select
// does, with its words. An empty value, which a file can set, means that
// nothing is selected: the same as "local".
func ParseGOTOOLCHAIN(value string) (Toolchain, error) {
	switch value {
	case "":
		return Toolchain{Min: "local"}, nil
	case "auto", "path":
		return Toolchain{Min: "local", Mode: value}, nil
	}
	name, mode, plus := strings.Cut(value, "+")
	if name != "local" {
		switch valid := isToolchain(name); {
		case !valid && plus:
			return Toolchain{}, fmt.Errorf("invalid GOTOOLCHAIN %q: invalid minimum toolchain %q", value, name)
		case !valid:
			return Toolchain{}, fmt.Errorf("invalid GOTOOLCHAIN %q", value)
		}
	}
	if plus && mode != "auto" && mode != "path" {
		return Toolchain{}, fmt.Errorf("invalid GOTOOLCHAIN %q: only version suffixes are +auto and +path", value)
	}
	return Toolchain{Min: name, Mode: mode}, nil
}

// isToolchain is cmd/go/internal/gover's FromToolchain: "go" and a version,
// then perhaps a suffix of the builder's own.
func isToolchain(name string) bool {
	if strings.ContainsAny(name, `/\`) || !strings.HasPrefix(name, "go") {
		return false
	}
	if i := strings.IndexAny(name, " \t-"); i >= 0 {
		name = name[:i]
	}
	return version.IsValid(name)
}
