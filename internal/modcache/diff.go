package modcache

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Diff is where an extracted folder differs from its zip. Names are slash
// paths inside the module, sorted, MaxListed at most of each kind.
type Diff struct {
	// Changed files have other content in the folder than in the zip, Added
	// ones are not in the zip, Missing ones not in the folder.
	Changed, Added, Missing []string
	// Count is how many files differ in all.
	Count int
}

// diff compares an extracted folder with its zip, file by file; in the zip,
// names begin with "path@version/". It is called only when their hashes differ.
func (m *meter) diff(zipfile, dir string, w Want) (*Diff, error) {
	m.reset()
	inZip, err := m.zipSums(zipfile)
	if err != nil {
		return nil, err
	}
	m.reset()
	names, err := m.list(dir, w.Path, func(string, fs.FileMode) {})
	if err != nil {
		return nil, err
	}
	d, prefix := &Diff{}, w.Path+"@"+w.Version+"/"
	slices.Sort(names)
	for _, name := range names {
		want, ok := inZip[prefix+name]
		delete(inZip, prefix+name)
		if !ok {
			d.add(&d.Added, name)
			continue
		}
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		got, err := m.sum(f)
		if err != nil {
			return nil, err
		}
		if got != want {
			d.add(&d.Changed, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(inZip)) {
		d.add(&d.Missing, strings.TrimPrefix(name, prefix))
	}
	return d, nil
}

func (d *Diff) add(list *[]string, name string) {
	d.Count++
	if len(*list) < MaxListed {
		*list = append(*list, name)
	}
}

// zipSums returns the SHA-256 of every file in a zip, by its name there.
func (m *meter) zipSums(path string) (map[string][sha256.Size]byte, error) {
	z, err := openArchive(path)
	if err != nil {
		return nil, err
	}
	defer z.close()
	sums := make(map[string][sha256.Size]byte, len(z.entries))
	for _, f := range z.entries {
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		if sums[f.Name], err = m.sum(r); err != nil {
			return nil, err
		}
	}
	return sums, nil
}

// sum hashes one file through the meter, and closes it.
func (m *meter) sum(r io.ReadCloser) (sum [sha256.Size]byte, err error) {
	defer r.Close()
	h := sha256.New()
	if _, err := (metered{r, m}).WriteTo(h); err != nil {
		return sum, err
	}
	return [sha256.Size]byte(h.Sum(nil)), nil
}
