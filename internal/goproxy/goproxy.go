// Package goproxy knows the chain of module proxies that GOPROXY names: its
// grammar (Parse), what the go command does with it for one request given each
// entry's outcome (Chain.Decide), and how each entry answers right now, phase
// by phase (Prober).
//
// The grammar and the decision are those of cmd/go (internal/modfetch/proxy.go:
// proxyList, newProxyRepo, TryProxies; internal/web/http.go for transport), and
// tests hold them against the real go command.
//
// It never reads the environment, never runs a command, never writes a file,
// and never prints. A credential goes to no host but the entry's own, over
// https only, and appears in no string that this package makes.
package goproxy

import (
	"net/url"
	"strings"
)

// The keywords of GOPROXY. NoProxy is the go command's own: it stands before
// the entries that the user wrote when GONOPROXY is set.
const (
	Direct  = "direct"
	Off     = "off"
	NoProxy = "noproxy"
)

// hidden stands for every credential. cmd/go and net/url use the same word.
const hidden = "xxxxx"

// A Chain is the entries of GOPROXY in the order in which they are asked.
type Chain []Entry

// An Entry is one entry of GOPROXY: a module proxy or a keyword.
type Entry struct {
	// URL is the proxy's base URL, with its credentials; nil for a keyword.
	URL *url.URL
	// Keyword is Direct, Off or NoProxy; empty for a proxy.
	Keyword string
	// FallBackOnError says that "|" follows: any error goes on to the next
	// entry, not only "not found".
	FallBackOnError bool
}

// String is the entry without credentials: see Redact.
func (e Entry) String() string {
	if e.URL == nil {
		return e.Keyword
	}
	return Redact(e.URL)
}

// Host is the host to name in a message, with a port only where one is
// written; the path for a file entry; the keyword for a keyword.
func (e Entry) Host() string {
	switch {
	case e.URL == nil:
		return e.Keyword
	case e.URL.Scheme == "file":
		return e.URL.Path
	}
	return e.URL.Host
}

// HasSecret reports whether the entry as written holds what String hides.
func (e Entry) HasSecret() bool {
	return e.URL != nil && (e.URL.User != nil || e.URL.RawQuery != "")
}

// String is the chain as it could stand in GOPROXY, without credentials and
// without NoProxy.
func (c Chain) String() string {
	var b strings.Builder
	for i, e := range c {
		if e.Keyword == NoProxy {
			continue
		}
		b.WriteString(e.String())
		if i < len(c)-1 {
			b.WriteString(e.Separator())
		}
	}
	return b.String()
}

// Separator is the separator that follows the entry: "|" or ",".
func (e Entry) Separator() string {
	if e.FallBackOnError {
		return "|"
	}
	return ","
}

// Redact is u as text without its user information, its query and its
// fragment. It hides more than [url.URL.Redacted]: a token is often written as
// the user name, and the query of a proxy's URL is sent with every request.
func Redact(u *url.URL) string {
	r := *u
	if r.User != nil {
		r.User = url.User(hidden)
	}
	if r.RawQuery != "" {
		r.RawQuery = hidden
	}
	r.Fragment, r.RawFragment = "", ""
	return r.String()
}
