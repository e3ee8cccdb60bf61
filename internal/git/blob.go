package git

import (
	"context"
	"crypto/sha1" // how git names objects; nothing is proven by it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"iter"
	"path"
	"strings"
)

// Blobs are the regular files that a commit has below some folders: their slash
// paths from the top, each with the name that git gives its content (see BlobName).
// dirs are slash paths from the top, "." for the top. submodules are those of them
// that are one, or lie in one, so that another repository has their files.
//
// Nothing is compared with the disk, because git itself would run the filters that
// the repository's attributes and configuration name.
func (g *Git) Blobs(ctx context.Context, commit string, dirs []string) (blobs map[string]string, submodules []string, err error) {
	all := []string{"ls-tree", "-r", "-z", "--full-tree", commit, "--"}
	above := []string{"ls-tree", "-z", "--full-tree", commit, "--"}
	for _, dir := range dirs {
		if dir == "." {
			all = append(all, "./")
		} else {
			all = append(all, dir)
		}
		for up := dir; up != "."; up = path.Dir(up) {
			above = append(above, up)
		}
	}
	out, err := g.run(ctx, above...)
	if err != nil {
		return nil, nil, err
	}
	links := map[string]bool{}
	for mode, entry := range treeEntries(out) {
		if mode == "160000" {
			links[entry.name] = true
		}
	}
	for _, dir := range dirs {
		for up := dir; up != "."; up = path.Dir(up) {
			if links[up] {
				submodules = append(submodules, dir)
				break
			}
		}
	}
	if out, err = g.run(ctx, all...); err != nil {
		return nil, nil, err
	}
	blobs = map[string]string{}
	for mode, entry := range treeEntries(out) {
		if strings.HasPrefix(mode, "100") { // a regular file: 100644 or 100755
			blobs[entry.name] = entry.hash
		}
	}
	return blobs, submodules, nil
}

// A treeEntry is one line of git ls-tree.
type treeEntry struct{ name, hash string }

// treeEntries reads what git ls-tree -z prints, "100644 blob HASH\tNAME\x00", by the
// mode of each entry.
func treeEntries(out []byte) iter.Seq2[string, treeEntry] {
	return func(yield func(string, treeEntry) bool) {
		for entry := range strings.SplitSeq(string(out), "\x00") {
			meta, name, ok := strings.Cut(entry, "\t")
			if f := strings.Fields(meta); ok && len(f) == 3 && !yield(f[0], treeEntry{name, f[2]}) {
				return
			}
		}
	}
}

// BlobName is the name that git gives a file with this content, in the hash of
// the repository that named another one so: SHA-1 or SHA-256.
func BlobName(data []byte, like string) string {
	var h hash.Hash
	if len(like) == hex.EncodedLen(sha256.Size) {
		h = sha256.New()
	} else {
		h = sha1.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}
