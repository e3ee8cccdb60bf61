package checks

import (
	"path/filepath"

	"github.com/gopreflight/gopreflight/internal/hostinfo"
)

// relative is name as a slash path relative to dir, both absolute, and whether
// name is dir or lies in it, by the names alone.
func relative(dir, name string) (rel string, inside bool) {
	rel, err := filepath.Rel(dir, name)
	if err != nil || !filepath.IsLocal(rel) {
		return "", false
	}
	return filepath.ToSlash(rel), true
}

// within reports whether name is dir or lies in it; both absolute. Symbolic
// links are followed as far as name exists.
func within(dir, name string) bool {
	if _, inside := relative(dir, name); inside {
		return true
	}
	nearest := hostinfo.LookAt(name).Nearest
	resolved, err := filepath.EvalSymlinks(nearest)
	if err != nil {
		return false
	}
	rest, err := filepath.Rel(nearest, name)
	if err != nil {
		return false
	}
	_, inside := relative(dir, filepath.Join(resolved, rest))
	return inside
}

// localFile is a file's name for a finding: empty for one outside the repository.
func localFile(name string) string {
	if filepath.IsLocal(filepath.FromSlash(name)) {
		return name
	}
	return ""
}
