package goproxy

import (
	"errors"
	"fmt"
	"net/url"
	pathpkg "path"
	"path/filepath"
	"regexp"
	"strings"
)

// errNoEntries is what cmd/go says of a value such as "," or " ".
var errNoEntries = errors.New("GOPROXY list is not the empty string, but contains no entries")

// An EntryError is an entry that the go command refuses. Its text is cmd/go's
// own, without credentials.
type EntryError struct {
	// Entry is the entry as written, trimmed, without credentials.
	Entry string
	// Index is its place among the entries as written, from 0.
	Index int
	// Err says why.
	Err error
}

func (e *EntryError) Error() string { return e.Err.Error() }
func (e *EntryError) Unwrap() error { return e.Err }

// Parse reads the values of GOPROXY and GONOPROXY as the go command does
// (proxyList of cmd/go/internal/modfetch/proxy.go). What follows "direct" or
// "off" is ignored. The first bad entry is returned as an *EntryError; a list
// without entries is an error too.
func Parse(goproxy, gonoproxy string) (Chain, error) {
	var chain Chain
	if gonoproxy != "" && goproxy != Direct {
		chain = append(chain, Entry{Keyword: NoProxy})
	}
	written := 0
	for rest := goproxy; rest != ""; {
		raw, fallBack := rest, false
		if i := strings.IndexAny(rest, ",|"); i >= 0 {
			raw, fallBack, rest = rest[:i], rest[i] == '|', rest[i+1:]
		} else {
			rest = ""
		}
		raw = strings.TrimSpace(raw)
		if raw == "" {
			continue
		}
		if raw == Off || raw == Direct {
			return append(chain, Entry{Keyword: raw}), nil
		}
		u, err := parseURL(raw)
		if err != nil {
			return nil, &EntryError{Entry: redactRaw(raw), Index: written, Err: err}
		}
		chain = append(chain, Entry{URL: u, FallBackOnError: fallBack})
		written++
	}
	if written == 0 {
		return nil, errNoEntries
	}
	return chain, nil
}

// parseURL is the part of proxyList and newProxyRepo about one entry.
func parseURL(raw string) (*url.URL, error) {
	// A single word is reserved for keywords; what has "://" or is an
	// absolute file path must be a complete URL; all else is a host.
	if strings.ContainsAny(raw, ".:/") && !strings.Contains(raw, ":/") && !filepath.IsAbs(raw) && !pathpkg.IsAbs(raw) {
		raw = "https://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, redactParseError(raw, err)
	}
	switch u.Scheme {
	case "http", "https":
		return u, nil
	case "file":
		if *u != (url.URL{Scheme: u.Scheme, Path: u.Path, RawPath: u.RawPath}) {
			return nil, fmt.Errorf("invalid file:// proxy URL with non-path elements: %s", Redact(u))
		}
		return u, nil
	case "":
		return nil, fmt.Errorf("invalid proxy URL missing scheme: %s", Redact(u))
	}
	return nil, fmt.Errorf("invalid proxy URL scheme (must be https, http, file): %s", Redact(u))
}

var (
	// userinfo is what may be credentials in a URL that does not parse: all
	// between "//" (or the start) and the last "@".
	userinfo = regexp.MustCompile(`^([^/@]*//)?.*@`)
	query    = regexp.MustCompile(`\?.*$`)
	quoted   = regexp.MustCompile(`"[^"]*"`)
)

// redactRaw is Redact for what need not be a URL.
func redactRaw(raw string) string {
	raw = userinfo.ReplaceAllString(raw, "${1}"+hidden+"@")
	return query.ReplaceAllString(raw, "?"+hidden)
}

// redactParseError keeps url.Parse's words. It quotes the text that it was
// given, and pieces of it: with credentials in the text, the pieces go.
func redactParseError(raw string, err error) error {
	var e *url.Error
	if !errors.As(err, &e) || redactRaw(raw) == raw {
		return err
	}
	why := quoted.ReplaceAllString(e.Err.Error(), `"`+hidden+`"`)
	return &url.Error{Op: e.Op, URL: redactRaw(raw), Err: errors.New(why)}
}
