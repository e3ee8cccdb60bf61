package git

import (
	"context"
	"crypto/sha1" // how git names objects; nothing is proven by it
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"path"
	"strings"
)

// Blobs are the regular files that a commit has below a folder: their slash paths
// from the top, each with the name that git gives its content (see BlobName). dir
// is a slash path from the top, "." for the top. submodule says that the folder is
// one, or lies in one, so that another repository has its files.
//
// Nothing is compared with the disk, because git itself would run the filters that
// the repository's attributes and configuration name.
func (g *Git) Blobs(ctx context.Context, commit, dir string) (blobs map[string]string, submodule bool, err error) {
	args := []string{"ls-tree", "-r", "-z", "--full-tree", commit}
	if dir != "." {
		for up := dir; up != "."; up = path.Dir(up) {
			out, err := g.run(ctx, "ls-tree", "-z", "--full-tree", commit, "--", up)
			if err != nil {
				return nil, false, err
			}
			if strings.HasPrefix(string(out), "160000 ") {
				return nil, true, nil
			}
		}
		args = append(args, "--", dir)
	}
	out, err := g.run(ctx, args...)
	if err != nil {
		return nil, false, err
	}
	blobs = map[string]string{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		meta, name, ok := strings.Cut(entry, "\t")
		// "100644 blob HASH": a regular file, that or 100755.
		if f := strings.Fields(meta); ok && len(f) == 3 && strings.HasPrefix(f[0], "100") {
			blobs[name] = f[2]
		}
	}
	return blobs, false, nil
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
