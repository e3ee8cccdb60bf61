package goenv

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// SumDB is what GOSUMDB says.
type SumDB struct {
	// Off: GOSUMDB=off, new modules are not verified. The rest is then empty.
	Off bool
	// Name is the database's name, host[/path]: "sum.golang.org".
	Name string
	// Key is its verifier key, name+hash+base64.
	Key string
	// URL is where it is asked instead of through GOPROXY or by its name; nil
	// unless GOSUMDB names one.
	URL *url.URL
}

// knownSumDB are the databases whose key the go command knows
// (cmd/go/internal/modfetch/key.go).
var knownSumDB = map[string]string{
	"sum.golang.org": "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
}

// ParseGOSUMDB parses GOSUMDB as cmd/go/internal/modfetch's dbDial does, with
// its words. The go command does this only when a lookup is needed.
func ParseGOSUMDB(value string) (SumDB, error) {
	switch value {
	case "off":
		return SumDB{Off: true}, nil
	case "sum.golang.google.cn":
		value = "sum.golang.org https://sum.golang.google.cn"
	}
	fields := strings.Fields(value)
	switch {
	case len(fields) == 0:
		return SumDB{}, errors.New("missing GOSUMDB")
	case len(fields) > 2:
		return SumDB{}, errors.New("invalid GOSUMDB: too many fields")
	}
	key := fields[0]
	if k := knownSumDB[key]; k != "" {
		key = k
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return SumDB{}, fmt.Errorf("invalid GOSUMDB: %w", err)
	}
	db := SumDB{Name: verifier.Name(), Key: key}
	// The name must be host[/path] and nothing else that a URL can have.
	direct, err := url.Parse("https://" + db.Name)
	if err != nil || direct.Host == "" || direct.RawPath != "" || strings.HasSuffix(db.Name, "/") ||
		*direct != (url.URL{Scheme: "https", Host: direct.Host, Path: direct.Path}) {
		return SumDB{}, fmt.Errorf("invalid sumdb name (must be host[/path]): %s", db.Name)
	}
	if len(fields) == 2 {
		if db.URL, err = url.Parse(fields[1]); err != nil {
			return SumDB{}, fmt.Errorf("invalid GOSUMDB URL: %w", err)
		}
	}
	return db, nil
}
