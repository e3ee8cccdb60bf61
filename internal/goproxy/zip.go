package goproxy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/module"
)

// The first header of a zip file (APPNOTE.TXT, 4.3.7): its signature, where the
// length of the name is, and where the name starts.
const (
	zipSignature  = "PK\x03\x04"
	zipNameLength = 26
	zipName       = 30
)

// checkZip looks into a zip file, or its first maxZip bytes: every file in it
// must lie in PATH@VERSION/ (cmd/go/internal/modfetch/fetch.go, downloadZip1). Of
// one that is longer only the first name is known.
func checkZip(m module.Version, data []byte) error {
	prefix := m.Path + "@" + m.Version + "/"
	if !bytes.HasPrefix(data, []byte("PK")) {
		return errors.New("answers with what is not a zip file")
	}
	if len(data) < maxZip {
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return fmt.Errorf("answers with a zip file that is not whole: %w", err)
		}
		for _, f := range r.File {
			if !strings.HasPrefix(f.Name, prefix) {
				return foreignFile(f.Name, prefix)
			}
		}
		return nil
	}
	if !bytes.HasPrefix(data, []byte(zipSignature)) {
		return nil // an empty one, or one in parts: let the go command say
	}
	length := int(binary.LittleEndian.Uint16(data[zipNameLength:]))
	if name := data[zipName : zipName+length]; !bytes.HasPrefix(name, []byte(prefix)) {
		return foreignFile(string(name), prefix)
	}
	return nil
}

func foreignFile(name, prefix string) error {
	return fmt.Errorf("answers with a zip file that has other files: %.100q, which is not in %s", name, prefix)
}
