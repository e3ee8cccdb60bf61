package goroot

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

const (
	// maxLine bounds a line of a list, and maxList the list.
	maxLine = 4 << 10
	maxList = 64 << 20
)

// ParseList reads the list of a release's files: for each its SHA-256 in
// hexadecimal, two spaces, and its name behind the module's ("golang.org/toolchain@VERSION/").
// That is the text that a module's hash is made of.
func ParseList(r io.Reader, mod module.Version) ([]File, error) {
	prefix := mod.Path + "@" + mod.Version + "/"
	limited := &io.LimitedReader{R: r, N: maxList}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLine)
	var files []File
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		var f File
		n, err := hex.Decode(f.Sum[:min(len(sum)/2, len(f.Sum))], []byte(sum)[:min(len(sum), 2*len(f.Sum))])
		if !ok || err != nil || len(sum) != 2*len(f.Sum) || n != len(f.Sum) {
			return nil, fmt.Errorf("line %d is not a SHA-256 and a name", len(files)+1)
		}
		if f.Name, ok = strings.CutPrefix(name, prefix); !ok || f.Name == "" {
			return nil, fmt.Errorf("line %d is not about %s", len(files)+1, strings.TrimSuffix(prefix, "/"))
		}
		if files = append(files, f); len(files) > maxFiles {
			return nil, fmt.Errorf("more than %d lines", maxFiles)
		}
	}
	switch {
	case lines.Err() != nil:
		return nil, lines.Err()
	case limited.N == 0:
		return nil, fmt.Errorf("more than %d bytes", maxList)
	}
	return files, sorted(files)
}

// sorted sorts files, and refuses a name that stands there twice.
func sorted(files []File) error {
	if len(files) == 0 {
		return errors.New("no files")
	}
	sortFiles(files)
	for i := range files[1:] {
		if files[i].Name == files[i+1].Name {
			return fmt.Errorf("%q stands there twice", files[i].Name)
		}
	}
	return nil
}

// ListZip makes the list of a release from its module's zip.
func ListZip(ctx context.Context, path string, mod module.Version, jobs int) ([]File, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	prefix := mod.Path + "@" + mod.Version + "/"
	var total uint64
	files := make([]File, len(z.File))
	for i, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, prefix)
		if !ok || name == "" || strings.Contains(name, "\n") {
			return nil, fmt.Errorf("%+q in the zip is not about %s", f.Name, strings.TrimSuffix(prefix, "/"))
		}
		files[i].Name = name
		if total += f.UncompressedSize64; total > maxBytes || f.UncompressedSize64 > maxBytes || i == maxFiles {
			return nil, errors.New("the zip holds more than a release")
		}
	}
	err = each(ctx, len(files), jobs, func(h *hasher, i int) error {
		r, err := z.File[i].Open()
		if err != nil {
			return err
		}
		defer r.Close()
		files[i].Sum, err = h.sum(r, int64(z.File[i].UncompressedSize64))
		return err
	})
	if err != nil {
		return nil, err
	}
	return files, sorted(files)
}

// A Diff is how a tree differs from the list of its release.
type Diff struct {
	// Same are the files that are there as released, and Absent those that are not there.
	Same, Absent int
	// Changed are files of the release with other content, or that are no regular
	// files. Added are files that were not released, in folders that builds read.
	Changed, Added []string
	// Settings says that go.env was edited: it holds defaults for whoever installs
	// Go to change, and nothing that runs.
	Settings bool
	// Others are files that were not released where builds read none, such as
	// programs in bin.
	Others []string
}

// Compare compares a tree with the list of its release.
func Compare(t *Tree, list []File) Diff {
	var d Diff
	find := func(files []File, name string) (File, bool) {
		i, ok := slices.BinarySearchFunc(files, name, func(f File, name string) int { return strings.Compare(f.Name, name) })
		if !ok {
			return File{}, false
		}
		return files[i], true
	}
	for _, f := range t.Files {
		released, ok := find(list, f.Name)
		switch {
		case ok && released.Sum == f.Sum:
			d.Same++
		case ok && f.Name == settings:
			d.Settings = true
		case ok:
			d.Changed = append(d.Changed, f.Name)
		case isRead(f.Name):
			d.Added = append(d.Added, f.Name)
		default:
			d.Others = append(d.Others, f.Name)
		}
	}
	irregular := 0
	for _, name := range t.Irregular {
		_, released := find(list, name)
		folder := slices.ContainsFunc(list, func(f File) bool { return strings.HasPrefix(f.Name, name+"/") })
		switch {
		case released:
			irregular++
			d.Changed = append(d.Changed, name)
		case folder:
			d.Changed = append(d.Changed, name)
		case isRead(name):
			d.Added = append(d.Added, name)
		default:
			d.Others = append(d.Others, name)
		}
	}
	d.Absent = len(list) - d.Same - irregular
	for _, name := range d.Changed {
		if _, ok := find(t.Files, name); ok {
			d.Absent--
		}
	}
	if d.Settings {
		d.Absent--
	}
	slices.Sort(d.Changed)
	return d
}

// settings is the file with the defaults of Go's settings (Go 1.21).
const settings = "go.env"

// isRead reports whether a build may read a file of a name that was not released.
func isRead(name string) bool {
	top, rest, _ := strings.Cut(name, "/")
	switch top {
	case "src", "lib":
		return true
	case "pkg":
		return strings.HasPrefix(rest, "include/") || strings.HasPrefix(rest, "tool/")
	}
	return false
}
