package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
	"github.com/gopreflight/gopreflight/internal/plain"
	"github.com/gopreflight/gopreflight/internal/shard"
	"github.com/gopreflight/gopreflight/report"
)

// maxSaved bounds all saved reports that are read together, in bytes: what they
// take in memory is a small multiple.
const maxSaved = 4 * report.MaxReport

// readSaved reads what --from names, and joins shards into one report.
func (sys *system) readSaved(o *savedOptions, p place) (*checks.Report, error) {
	files, err := sys.sources(o.from)
	if err != nil {
		return nil, err
	}
	read := report.ReadJSON
	if o.untrusted {
		if read, err = sys.untrustedReader(o.config, p); err != nil {
			return nil, err
		}
	}
	left := int64(maxSaved)
	reports := make([]*checks.Report, len(files))
	for i, name := range files {
		counted := &io.LimitedReader{N: left + 1}
		reports[i], err = sys.readFrom(name, counted, read)
		if left = counted.N - 1; left < 0 {
			return nil, fmt.Errorf("the reports are together larger than %d MiB", maxSaved>>20)
		}
		if err != nil {
			return nil, err
		}
	}
	r, err := checks.Join(reports)
	if err != nil {
		return nil, fmt.Errorf("joining reports: %w", err)
	}
	return r, nil
}

// sources are the files that --from names, each once: a folder stands for what
// jsonFiles finds in it, a pattern for what matches it, "-" for standard input.
func (sys *system) sources(names []string) ([]string, error) {
	var files []string
	for _, name := range trimmed(names) {
		found := []string{name}
		info, err := os.Stat(sys.absolute(name))
		switch {
		case name == "-":
		case err == nil && info.IsDir():
			if found, err = jsonFiles(sys.absolute(name), 1); err != nil {
				return nil, err
			}
			if len(found) == 0 {
				return nil, fmt.Errorf("%s: the folder has no *.json file", plain.Line(name))
			}
		case err != nil && strings.ContainsAny(name, "*?["):
			if found, err = filepath.Glob(sys.absolutePattern(name)); err != nil {
				return nil, fmt.Errorf("%s: %w", plain.Line(name), err)
			}
			if len(found) == 0 {
				return nil, fmt.Errorf("%s: no file matches", plain.Line(name))
			}
		}
		for _, f := range found {
			if slices.Contains(files, f) {
				continue
			}
			if len(files) == shard.Max {
				return nil, fmt.Errorf("%s: more than %s", plain.Line(name), plain.Count(shard.Max, "report"))
			}
			files = append(files, f)
		}
	}
	return files, nil
}

// jsonFiles are the *.json files in a folder and in its folders, depth levels
// down: download-artifact makes one for each artifact. Links are passed over, since
// what an untrusted run packed must not name files from elsewhere.
func jsonFiles(dir string, depth int) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular() && filepath.Ext(path) == ".json":
			files = append(files, path)
		case e.IsDir() && depth > 0:
			inside, err := jsonFiles(path, depth-1)
			if err != nil {
				return nil, err
			}
			files = append(files, inside...)
		}
	}
	return files, nil
}

// absolutePattern is a pattern that the user named; the current directory stands
// for itself alone. Windows has no escapes, and no names with these signs but for
// brackets.
func (sys *system) absolutePattern(pattern string) string {
	if filepath.IsAbs(pattern) {
		return pattern
	}
	dir := sys.dir
	if filepath.Separator != '\\' {
		dir = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
	}
	return filepath.Join(dir, pattern)
}

// untrustedReader reads saved reports of which nothing is believed but what
// checks.Distrust lets through. Where they come from is said by the CI alone.
func (sys *system) untrustedReader(policy string, p place) (func(io.Reader) (*checks.Report, error), error) {
	cfg, err := sys.policyHere(policy)
	if err != nil {
		return nil, err
	}
	return func(in io.Reader) (*checks.Report, error) {
		claimed, err := report.ReadUntrusted(in)
		if err != nil {
			return nil, err
		}
		r := checks.Distrust(claimed, checks.All, cfg, sys.now())
		c := p.ci
		r.Repository.URL, r.Repository.Commit = c.RepositoryURL, c.HeadSHA
		r.CI = checks.CI{
			Provider: string(c.Provider), Event: c.Event, RunURL: c.RunURL, PullRequest: c.PullRequest,
			HeadSHA: c.HeadSHA, Fork: c.Fork, Conclusion: c.Triggering,
		}
		return r, nil
	}, nil
}

// readFrom reads a regular file or, as "-", standard input, as far as counted goes.
func (sys *system) readFrom(name string, counted *io.LimitedReader, read func(io.Reader) (*checks.Report, error)) (*checks.Report, error) {
	if name == "-" {
		counted.R = sys.stdin
		return read(counted)
	}
	f, err := openRegular(sys.absolute(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	counted.R = f
	r, err := read(counted)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", plain.Line(name), err)
	}
	return r, nil
}
