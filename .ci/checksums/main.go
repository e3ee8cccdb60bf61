// Command checksums is a checksum database for .ci/make-pictures, which must not
// depend on what a machine can reach: of the modules in a folder of downloads (as
// GOMODCACHE/cache/download), and of an installed Go release.
//
//	checksums DOWNLOADS GOROOT GOVERSION
//
// It prints what GOSUMDB has to be, and serves until it is killed. What it says of
// the release is what lies in GOROOT: it proves nothing to anybody.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/sumdb/note"

	"github.com/gopreflight/gopreflight/internal/goroot"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: checksums DOWNLOADS GOROOT GOVERSION")
	}
	release, ok := goroot.Module(os.Args[3], runtime.GOOS, runtime.GOARCH)
	if !ok {
		log.Fatalf("%s is no release", os.Args[3])
	}
	tree, err := goroot.ScanInstalled(context.Background(), os.Args[2], 0)
	if err != nil {
		log.Fatal(err)
	}
	signer, key, err := note.GenerateKey(rand.Reader, "sum.example")
	if err != nil {
		log.Fatal(err)
	}
	records := func(path, version string) ([]byte, error) {
		if (module.Version{Path: path, Version: version}) == release {
			return fmt.Appendf(nil, "%s %s %s\n", path, version, goroot.Hash(release, tree.Files)), nil
		}
		return recordOf(os.Args[1], path, version)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s http://%s\n", key, l.Addr())
	log.Fatal(http.Serve(l, sumdb.NewServer(sumdb.NewTestServer(signer, records))))
}

// recordOf is the go.sum lines of a module version, by its files.
func recordOf(downloads, path, version string) ([]byte, error) {
	escaped, err := module.EscapePath(path)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(downloads, filepath.FromSlash(escaped), "@v", version)
	mod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(file + ".mod") })
	if err != nil {
		return nil, err
	}
	var record string
	if zip, err := dirhash.HashZip(file+".zip", dirhash.Hash1); err == nil {
		record = path + " " + version + " " + strings.TrimSpace(zip) + "\n"
	}
	return []byte(record + path + " " + version + "/go.mod " + mod + "\n"), nil
}
