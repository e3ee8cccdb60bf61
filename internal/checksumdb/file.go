package checksumdb

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// getFile reads what a file entry of GOPROXY has, of which a missing file is "not
// found" (cmd/go/internal/web/http.go, getFile).
func getFile(u *url.URL, limit int) ([]byte, *Fault) {
	path, err := goproxy.FilePath(u)
	if err == nil {
		var data []byte
		if data, err = goproxy.ReadHead(path, int64(limit)); err == nil {
			return data, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &Fault{Kind: Refused, Phase: goproxy.Protocol, Status: http.StatusNotFound, Text: "no such file"}
	}
	return nil, &Fault{Kind: Refused, Phase: goproxy.Protocol, Text: line(err.Error())}
}
