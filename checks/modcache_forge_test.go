package checks

import (
	archive "archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
)

// forgeZip writes, in the place of a module's zip, one whose directory is the
// same as before in names, sizes and CRC-32, and in which one file says something
// else: its last four bytes make up for the rest.
func (l *cacheLab) forgeZip(t *testing.T, id, name string) {
	t.Helper()
	l.repack(t, id, func(file string, data []byte) []byte {
		if file != name {
			return data
		}
		forged := bytes.Repeat([]byte("X"), len(data))
		binary.LittleEndian.PutUint32(forged[len(data)-4:], forgeCRC(forged[:len(data)-4], crc32.ChecksumIEEE(data)))
		if bytes.Equal(forged, data) || crc32.ChecksumIEEE(forged) != crc32.ChecksumIEEE(data) {
			t.Fatalf("%q is no forgery of %q", forged, data)
		}
		return forged
	})
}

// forgeCRC are the four bytes that give data the CRC-32 that is wanted, in the
// order in which the checksum takes them.
func forgeCRC(data []byte, want uint32) uint32 {
	register := ^want
	for range 4 {
		for i, entry := range crc32.IEEETable {
			if entry>>24 == register>>24 {
				register = (register^entry)<<8 | uint32(i)
				break
			}
		}
	}
	return register ^ ^crc32.ChecksumIEEE(data)
}

// repack writes a module's zip anew, with what change makes of each file.
func (l *cacheLab) repack(t *testing.T, id string, change func(name string, data []byte) []byte) {
	t.Helper()
	old, err := archive.OpenReader(l.file(id, "zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	for _, f := range old.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(change(strings.TrimPrefix(f.Name, id+"/"), data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	labWrite(t, l.file(id, "zip"), b.String())
}

// flip changes one byte of a module's zip, behind the first or the last place
// where text stands: the packed content of a file, or its entry in the directory.
func (l *cacheLab) flip(t *testing.T, id, text string, last bool, offset int) {
	t.Helper()
	data := []byte(labRead(t, l.file(id, "zip")))
	i := bytes.Index(data, []byte(text))
	if last {
		i = bytes.LastIndex(data, []byte(text))
	}
	data[i+offset] ^= 1
	labWrite(t, l.file(id, "zip"), string(data))
}

// labToolchain is a Go release as the go command leaves it in the cache, though one
// of three files.
const labToolchain = gomodcache.Toolchain + "@v0.0.1-go1.99.0.linux-amd64"

// addToolchain puts it there: zip, recorded hash, the database's answer, the folder,
// and the copies of go.mod files that its first use makes.
func (l *cacheLab) addToolchain(t *testing.T) {
	t.Helper()
	served := t.TempDir()
	serveModule(t, served, labToolchain, map[string]string{"bin/go": "the go command", "src/_go.mod": "module std\n", "src/fmt/print.go": "package fmt\n"})
	labCopy(t, filepath.Join(served, escapeID(labToolchain, "%s/@v/%s.zip")), l.file(labToolchain, "zip"))
	hash := labHashZip(t, l.file(labToolchain, "zip"))
	labWrite(t, l.file(labToolchain, "ziphash"), hash)
	labWrite(t, l.lookup(), "1\n"+strings.Replace(labToolchain, "@", " ", 1)+" "+hash+"\n"+strings.Replace(labToolchain, "@", " ", 1)+"/go.mod h1:8wlg68NqwW7eMnI1aABk/C2pDYXj8mrMY4TyRfiLeS0=\n\ngo.sum database tree\n1\n=\n")
	l.unzip(t, labToolchain)
	labCopy(t, filepath.Join(l.dir(labToolchain), "src", "_go.mod"), filepath.Join(l.dir(labToolchain), "src", "go.mod"))
}

// lookup is the file with the database's answer about it.
func (l *cacheLab) lookup() string {
	return filepath.Join(l.cache, "cache", "download", "sumdb", "sum.example", "lookup", filepath.FromSlash(labToolchain))
}

// move puts the cache somewhere else.
func (l *cacheLab) move(t *testing.T, to string) {
	t.Helper()
	if err := os.Rename(l.cache, to); err != nil {
		t.Fatal(err)
	}
	l.cache = to
}

// freeze takes the right to write from every file and folder of the cache, as the
// go command does with folders where GOFLAGS has no -modcacherw.
func (l *cacheLab) freeze(t *testing.T) {
	t.Helper()
	if out, err := l.run("off", "chmod", "-R", "a-w", l.cache); err != nil {
		t.Fatal(out)
	}
	t.Cleanup(func() {
		if out, err := l.run("off", "chmod", "-R", "u+w", l.cache); err != nil {
			t.Error(out)
		}
	})
}
