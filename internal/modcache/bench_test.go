package modcache

import (
	archive "archive/zip"
	"bufio"
	"crypto/sha256"
	"flag"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"golang.org/x/mod/module"
)

// benchWants are the modules of the go.sum that -args GO.SUM GOMODCACHE names.
func benchWants(b *testing.B) (cache string, wants []Want) {
	b.Helper()
	args := flag.Args()
	if len(args) != 2 {
		b.Skip("needs -args GO.SUM GOMODCACHE")
	}
	f, err := os.Open(args[0])
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	index := map[module.Version]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		field := strings.Fields(lines.Text())
		version, isMod := strings.CutSuffix(field[1], "/go.mod")
		v := module.Version{Path: field[0], Version: version}
		i, ok := index[v]
		if !ok {
			i = len(wants)
			index[v] = i
			wants = append(wants, Want{Path: v.Path, Version: v.Version, ModOnly: true})
		}
		if isMod {
			wants[i].Mod = []string{field[2]}
		} else {
			wants[i].Zip, wants[i].ModOnly = []string{field[2]}, false
		}
	}
	return args[1], wants
}

// BenchmarkVerify is Verify over a real cache, beside what cannot be saved: a
// program that opens the same files (or zips), reads (or inflates) them and
// hashes them, and does nothing else.
//
//	go test ./internal/modcache -run - -bench Verify -args $PWD/go.sum $(go env GOMODCACHE)
func BenchmarkVerify(b *testing.B) {
	cache, wants := benchWants(b)
	for _, deep := range []bool{false, true} {
		b.Run(map[bool]string{false: "default", true: "deep"}[deep], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				evidence, err := Verify(b.Context(), Options{Dir: cache, Deep: deep}, wants)
				if err != nil {
					b.Fatal(err)
				}
				var files, bytes, modules int64
				for i, w := range wants {
					outcome, problems := Judge(w, evidence[i])
					if outcome == Broken || outcome == Unknown || len(problems) > 0 {
						b.Fatalf("%s@%s: %d, %v", w.Path, w.Version, outcome, problems)
					}
					if outcome == Proven && !w.ModOnly {
						modules, files, bytes = modules+1, files+int64(evidence[i].Files), bytes+evidence[i].Bytes
					}
				}
				b.ReportMetric(float64(modules), "modules")
				b.ReportMetric(float64(files), "files")
				b.SetBytes(bytes)
			}
		})
	}
	var trees, zips []string
	for _, w := range wants {
		f, err := locate(cache, w.Path, w.Version)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := os.Stat(f.dir); err == nil && !w.ModOnly {
			trees = append(trees, f.dir)
		}
		if _, err := os.Stat(f.with("zip")); err == nil && !w.ModOnly {
			zips = append(zips, f.with("zip"))
		}
	}
	b.Run("plain-folders", func(b *testing.B) {
		for b.Loop() {
			plainly(b, trees, plainFolder)
		}
	})
	b.Run("plain-zips", func(b *testing.B) {
		for b.Loop() {
			plainly(b, zips, func(path string, h hash.Hash, buf []byte) error { return plainZip(path, h, buf, nil) })
		}
	})
	b.Run("plain-zips-fast", func(b *testing.B) {
		for b.Loop() {
			plainly(b, zips, func(path string, h hash.Hash, buf []byte) error { return plainZip(path, h, buf, inflate) })
		}
	})
}

// plainly hashes all paths, by as many workers as there are processors.
func plainly(b *testing.B, paths []string, hashOne func(path string, h hash.Hash, buf []byte) error) {
	next := make(chan string)
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			h, buf := sha256.New(), make([]byte, 64<<10)
			for path := range next {
				if err := hashOne(path, h, buf); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for _, path := range paths {
		next <- path
	}
	close(next)
	wg.Wait()
}

func plainFolder(path string, h hash.Hash, buf []byte) error {
	return filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyBuffer(h, struct{ io.Reader }{f}, buf)
		return err
	})
}

// plainZip inflates with the standard library, or with another inflater.
func plainZip(path string, h hash.Hash, buf []byte, inflate archive.Decompressor) error {
	z, err := archive.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	if inflate != nil {
		z.RegisterDecompressor(archive.Deflate, inflate)
	}
	for _, entry := range z.File {
		r, err := entry.Open()
		if err != nil {
			return err
		}
		if _, err := io.CopyBuffer(h, struct{ io.Reader }{r}, buf); err != nil {
			return err
		}
		r.Close()
	}
	return nil
}
