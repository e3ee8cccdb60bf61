package goproxy

import (
	"context"
	"crypto/x509"
	"net"
	"net/url"
	pathpkg "path"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/module"
)

// DefaultTimeout is how long all requests to one entry may take together. The
// go command itself has no such limit: it waits for a silent proxy for ever.
const DefaultTimeout = 5 * time.Second

// userAgent names us to the servers.
const userAgent = "gopreflight"

// A Prober asks module proxies. Only Now is required.
type Prober struct {
	// Timeout bounds the probe of one entry; 0 means DefaultTimeout.
	Timeout time.Duration
	// Now is the clock: for durations and for certificates.
	Now func() time.Time
	// Getenv finds HTTPS_PROXY, HTTP_PROXY and NO_PROXY (both cases); nil
	// means that there is no HTTP proxy.
	Getenv func(string) string
	// Credentials finds what to log in with for an entry whose URL has no
	// user; nil means nothing.
	Credentials Credentials
	// Roots are the trusted authorities; nil means those of the system, or of
	// SSL_CERT_FILE and SSL_CERT_DIR, as crypto/x509 finds them by itself.
	Roots *x509.CertPool
	// Resolver finds addresses; nil means the system's.
	Resolver *net.Resolver
}

// Probe asks every entry of the chain for one module version, all entries at
// once, and returns one result per entry in the chain's order. It asks what
// the go command asks (info, mod, zip, list), reads no more of a zip than its
// first bytes, and never returns an error: what went wrong is in the results.
func (p *Prober) Probe(ctx context.Context, chain Chain, m module.Version) []Result {
	results := make([]Result, len(chain))
	var wg sync.WaitGroup
	for i, e := range chain {
		results[i] = Result{Entry: e, Module: m, Probed: e.URL != nil}
		if e.URL != nil {
			results[i].LoggedIn = e.URL.User != nil && e.URL.Scheme == "https"
			wg.Go(func() { p.probe(ctx, &results[i]) })
		}
	}
	wg.Wait()
	return results
}

// probe fills in the result of one proxy.
func (p *Prober) probe(ctx context.Context, r *Result) {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	v := newVisit(p, r, timeout)
	defer v.close()
	var lost *Fault // the way to the server does not work: more requests would fail alike
	for _, e := range Endpoints {
		a := Answer{Endpoint: e}
		target, err := endpointURL(r.Entry.URL, r.Module, e)
		switch {
		case err != nil:
			a.Fault = &Fault{Phase: Protocol, Kind: Other, Text: err.Error()}
		case lost != nil:
			a.URL, a.Assumed, a.Fault = Redact(target), true, lost
		default:
			a.URL = Redact(target)
			start := p.Now()
			v.ask(ctx, target, &a)
			a.Duration = p.Now().Sub(start)
			if a.Fault != nil && (ctx.Err() != nil || v.isLost(a.Fault)) {
				lost = a.Fault
			}
		}
		r.Answers = append(r.Answers, a)
	}
}

// isLost reports whether a fault is on the way to the entry's own host, so that
// every request would meet it.
func (v *visit) isLost(f *Fault) bool {
	switch f.Phase {
	case HTTPProxy:
		return true
	case DNS, Connect, TLS:
		return f.Host == hostPort(v.r.Entry.URL)
	}
	return false
}

// endpointURL is the URL that the go command asks: newProxyRepo and getBody of
// cmd/go/internal/modfetch/proxy.go.
func endpointURL(base *url.URL, m module.Version, e Endpoint) (*url.URL, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return nil, err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return nil, err
	}
	file := "@v/list"
	if e != List {
		file = "@v/" + version + "." + string(e)
	}
	u := *base
	u.Path = pathpkg.Join(strings.TrimSuffix(base.Path, "/")+"/"+path, file)
	u.RawPath = pathpkg.Join(strings.TrimSuffix(base.RawPath, "/")+"/"+pathEscape(path), pathEscape(file))
	return &u, nil
}

// pathEscape escapes all but the slashes.
func pathEscape(s string) string {
	return strings.ReplaceAll(url.PathEscape(s), "%2F", "/")
}
