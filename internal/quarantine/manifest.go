package quarantine

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Schema names the form of the manifest.
const Schema = "gopreflight/quarantine/v1"

const (
	manifestName = "manifest.json"
	// maxManifest bounds a manifest that is read, in bytes: some 100,000 files.
	maxManifest = 64 << 20
)

// A Manifest says what one run moved. It is the file manifest.json of the run's
// folder.
type Manifest struct {
	Schema string `json:"schema"`
	// Cache is the folder below which everything was, absolute.
	Cache   string    `json:"cache"`
	Started time.Time `json:"started"`
	// Finished is zero while the run goes on, and when it was interrupted.
	Finished time.Time `json:"finished,omitzero"`
	// Interrupted says that the run was, and a later one has set its end.
	Interrupted bool `json:"interrupted,omitempty"`
	// Undo is how to put everything back by hand.
	Undo   string        `json:"undo"`
	Groups []GroupRecord `json:"groups"`
}

// A GroupRecord is what became of one Group.
type GroupRecord struct {
	Name    string   `json:"name"`
	Why     []string `json:"why"`
	Entries []Entry  `json:"entries"`
}

// State is what became of an entry.
type State string

// The states.
const (
	Planned State = "planned"
	Moved   State = "moved"
	// Stayed: it is where it was, because an error or a signal came first.
	Stayed State = "stayed"
)

// An Entry is one file or folder that was to be moved.
type Entry struct {
	// Path is where it was, absolute; Name is the same with slashes relative to
	// the cache, and in the folder _moved of the run.
	Path string `json:"path"`
	Name string `json:"name"`
	// Kind is "file", "folder", "link" or "other" (a pipe, a socket, a device).
	Kind string `json:"kind"`
	// Mode are its permissions, octal.
	Mode  string `json:"mode"`
	State State  `json:"state"`
	// SHA256 is the hash of a file, in hexadecimal; H1 that of a folder in the
	// form of go.sum, with the group's name before each of its names. Empty where
	// Note says why.
	SHA256 string `json:"sha256,omitempty"`
	H1     string `json:"h1,omitempty"`
	// Files and Bytes count the regular files.
	Files int   `json:"files,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
	// Note is what else there is to say.
	Note string `json:"note,omitempty"`
}

// undo is how to put everything back, for a person with a shell.
func undo(dir, cache string) string {
	return fmt.Sprintf("Each entry lies in %[1]s by its name. To put one back, remove what is at its path now, then: mv %[2]s %[3]s. "+
		"To delete all of this for good: chmod -R u+w %[4]s && rm -r %[4]s",
		filepath.Join(dir, movedName), filepath.Join(dir, movedName, "NAME"), filepath.Join(cache, "NAME"), dir)
}

// Read reads the manifest of a run's folder.
func Read(dir string) (Manifest, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Manifest{}, err
	}
	defer root.Close()
	info, err := root.Lstat(manifestName)
	if err != nil {
		return Manifest{}, err
	}
	if !info.Mode().IsRegular() {
		return Manifest{}, fmt.Errorf("%s is not a regular file", filepath.Join(dir, manifestName))
	}
	f, err := root.Open(manifestName)
	if err != nil {
		return Manifest{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxManifest+1))
	if err != nil {
		return Manifest{}, err
	}
	return parse(data)
}

// parse reads a manifest, and believes no name in it that leads out of the folder.
func parse(data []byte) (Manifest, error) {
	if len(data) > maxManifest {
		return Manifest{}, fmt.Errorf("the manifest is larger than %d bytes", maxManifest)
	}
	var m Manifest
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&m); err != nil {
		return Manifest{}, fmt.Errorf("the manifest does not parse: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Manifest{}, errors.New("the manifest does not parse: there is more behind it")
	}
	if m.Schema != Schema {
		return Manifest{}, fmt.Errorf("the manifest's schema is %.100q, want %q", m.Schema, Schema)
	}
	for _, g := range m.Groups {
		for _, e := range g.Entries {
			if name := filepath.FromSlash(e.Name); !filepath.IsLocal(name) || filepath.Clean(name) == "." {
				return Manifest{}, fmt.Errorf("the manifest names %.100q, which is no name in the cache", e.Name)
			}
			if !slices.Contains([]State{Planned, Moved, Stayed}, e.State) {
				return Manifest{}, fmt.Errorf("the manifest has an entry of state %.100q", e.State)
			}
		}
	}
	return m, nil
}

// write replaces the manifest in the folder as a whole.
func (m *Manifest) write(dir *os.Root) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	const next = manifestName + ".new"
	f, err := dir.OpenFile(next, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = dir.Rename(next, manifestName)
	}
	if err != nil {
		return fmt.Errorf("writing the manifest: %w", err)
	}
	return nil
}

// slashed is a local name as the manifest has it.
func slashed(name string) string { return strings.ToValidUTF8(filepath.ToSlash(name), "\uFFFD") }
