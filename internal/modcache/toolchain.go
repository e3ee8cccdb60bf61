package modcache

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// Toolchain is the module as which the go command downloads other Go releases;
// its versions are "v0.0.1-go1.26.1.linux-amd64" (go.dev/doc/toolchain).
const Toolchain = "golang.org/toolchain"

// toolchainVersion begins the version of every toolchain.
const toolchainVersion = "v0.0.1-"

// maxToolchains bounds how many toolchains of a cache are listed.
const maxToolchains = 1000

// ToolchainRelease is the Go release and the system of a version of the toolchain
// module: "go1.26.1", "linux-amd64".
func ToolchainRelease(version string) (release, system string) {
	release = strings.TrimPrefix(version, toolchainVersion)
	if i := strings.LastIndexByte(release, '.'); i >= 0 {
		return release[:i], release[i+1:]
	}
	return release, ""
}

// Toolchains lists the versions of the toolchain module of which the cache has an
// extracted folder or a zip, sorted.
func Toolchains(cache string) ([]string, error) {
	folders, err := names(filepath.Join(cache, "golang.org"), "toolchain@", "")
	if err != nil {
		return nil, err
	}
	zips, err := names(filepath.Join(cache, "cache", "download", "golang.org", "toolchain", "@v"), "", ".zip")
	if err != nil {
		return nil, err
	}
	var versions []string
	for _, escaped := range slices.Concat(folders, zips) {
		version, err := module.UnescapeVersion(escaped)
		if err == nil && strings.HasPrefix(version, toolchainVersion) && len(versions) < maxToolchains {
			versions = append(versions, version)
		}
	}
	slices.Sort(versions)
	return slices.Compact(versions), nil
}

// names are those of a folder's entries with a prefix and a suffix, without
// both; none where there is no folder.
func names(dir, prefix, suffix string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		name, ok := strings.CutPrefix(entry.Name(), prefix)
		if name, ok2 := strings.CutSuffix(name, suffix); ok && ok2 {
			found = append(found, name)
		}
	}
	return found, nil
}

// LookupHashes are the hashes of a toolchain's content that the answers of
// checksum databases name which the cache keeps (cache/download/sumdb), and the
// file of the first. They are notes of the cache like any other: their signatures
// are not verified here. None where there is no such answer.
func LookupHashes(cache, version string) (hashes []string, file string) {
	escaped, err := module.EscapeVersion(version)
	if err != nil {
		return nil, ""
	}
	found, err := filepath.Glob(filepath.Join(globQuote(cache), "cache", "download", "sumdb", "*", "lookup", "golang.org", globQuote("toolchain@"+escaped)))
	if err != nil {
		return nil, ""
	}
	for _, name := range found {
		if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		data, err := readFile(name, maxSmall)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if hash, ok := strings.CutPrefix(strings.TrimSpace(line), Toolchain+" "+version+" "); ok && !slices.Contains(hashes, hash) {
				hashes = append(hashes, hash)
				if file == "" {
					file = name
				}
			}
		}
	}
	return hashes, file
}

// globQuote takes the meaning from what filepath.Glob reads as a pattern.
func globQuote(name string) string {
	if os.PathSeparator == '\\' {
		return name // the backslash does not quote there
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(name)
}

// withoutCopies leaves out the go.mod files that the go command makes beside
// each _go.mod of a toolchain when it first runs it, because no module zip can
// hold another go.mod (cmd/go, toolchain/select.go, raceSafeCopy). One that is not
// the same as its _go.mod stays in the list.
func withoutCopies(dir string, names []string) []string {
	has := map[string]bool{}
	for _, name := range names {
		if path.Base(name) == "_go.mod" {
			has[path.Dir(name)] = true
		}
	}
	return slices.DeleteFunc(names, func(name string) bool {
		if path.Base(name) != "go.mod" || !has[path.Dir(name)] {
			return false
		}
		made := filepath.Join(dir, filepath.FromSlash(name))
		got, err := readFile(made, zip.MaxGoMod)
		if err != nil {
			return false
		}
		want, err := readFile(filepath.Join(filepath.Dir(made), "_go.mod"), zip.MaxGoMod)
		return err == nil && bytes.Equal(got, want)
	})
}
