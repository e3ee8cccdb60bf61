package goenv

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// VCSRule is one entry of GOVCS.
type VCSRule struct {
	// Pattern is "public", "private" or a pattern as GOPRIVATE's.
	Pattern string
	// Allowed are the version control systems: "git", "all", "off".
	Allowed []string
}

// ParseGOVCS parses GOVCS as cmd/go/internal/vcs's parseGOVCS does, with its
// words. The go command appends private:all,public:git|hg to what it returns.
func ParseGOVCS(value string) ([]VCSRule, error) {
	if value = strings.TrimSpace(value); value == "" {
		return nil, nil
	}
	var rules []VCSRule
	have := map[string]string{}
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			return nil, errors.New("empty entry in GOVCS")
		}
		pattern, list, found := strings.Cut(item, ":")
		pattern, list = strings.TrimSpace(pattern), strings.TrimSpace(list)
		old := have[pattern]
		switch {
		case !found:
			return nil, fmt.Errorf("malformed entry in GOVCS (missing colon): %q", item)
		case pattern == "":
			return nil, fmt.Errorf("empty pattern in GOVCS: %q", item)
		case list == "":
			return nil, fmt.Errorf("empty VCS list in GOVCS: %q", item)
		case pattern == "." || pattern == ".." || strings.HasPrefix(pattern, "./") || strings.HasPrefix(pattern, "../"):
			return nil, fmt.Errorf("relative pattern not allowed in GOVCS: %q", pattern)
		case old != "":
			return nil, fmt.Errorf("unreachable pattern in GOVCS: %q after %q", item, old)
		}
		have[pattern] = item
		allowed := strings.Split(list, "|")
		for i := range allowed {
			allowed[i] = strings.TrimSpace(allowed[i])
		}
		if slices.Contains(allowed, "") {
			return nil, fmt.Errorf("empty VCS name in GOVCS: %q", item)
		}
		rules = append(rules, VCSRule{Pattern: pattern, Allowed: allowed})
	}
	return rules, nil
}
