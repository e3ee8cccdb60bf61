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

// retryPause is between two attempts.
const retryPause = 200 * time.Millisecond

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
	// Capital is a public module whose path has a capital: an entry is asked for
	// its info beside the module that is probed, because capitals are escaped in
	// URLs. The zero value: none.
	Capital module.Version
	// SumDB is the name of the checksum database to which an entry may lead; empty
	// for none.
	SumDB string
	// Dialling is told of every address:port before it is connected to; nil for
	// nobody. It may be called by several goroutines.
	Dialling func(address string)
}

func (p *Prober) dialling(address string) {
	if p.Dialling != nil {
		p.Dialling(address)
	}
}

// Probe asks every entry of the chain for one module version, all entries at
// once, and returns one result per entry in the chain's order. It asks what
// the go command asks (info, mod, zip, list), reads no more of a zip than its
// first 256 KiB, and never returns an error: what went wrong is in the results.
// A transient fault is tried once more, and both are told.
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
	surveyed := make(chan []Address, 1)
	go func() { surveyed <- v.survey(ctx) }()
	var lost *Fault // the way to the server does not work: more requests would fail alike
	again := true   // one that fails twice would fail a third time
	for _, e := range Endpoints {
		a := Answer{Endpoint: e}
		target, err := endpointURL(r.Entry.URL, r.Module, p.SumDB, e)
		switch {
		case err != nil:
			a.Fault = &Fault{Phase: Protocol, Kind: Other, Text: err.Error()}
		case lost != nil:
			a.URL, a.Assumed, a.Fault = Redact(target), true, lost
		default:
			v.attempt(ctx, target, &a, again)
			again = again && (a.First == nil || a.Fault == nil)
			if a.Fault != nil && (ctx.Err() != nil || v.isLost(a.Fault)) {
				lost = a.Fault
			}
		}
		r.Answers = append(r.Answers, a)
	}
	if lost == nil {
		v.askExtras(ctx)
	}
	r.Addresses = <-surveyed
}

// attempt asks for one endpoint, and once more if that may help.
func (v *visit) attempt(ctx context.Context, target *url.URL, a *Answer, again bool) {
	a.URL = Redact(target)
	start := v.p.Now()
	v.ask(ctx, target, a)
	if f := a.Fault; f != nil && again && f.Transient() && v.pause(ctx) {
		b := Answer{Endpoint: a.Endpoint, URL: a.URL, First: f}
		v.ask(ctx, target, &b)
		if b.Fault != nil && ctx.Err() != nil {
			b.Fault = f // that the time was up tells less
		}
		*a = b
	}
	a.Duration = v.p.Now().Sub(start)
}

// pause waits before a second attempt, and reports whether there is time for one.
func (v *visit) pause(ctx context.Context) bool {
	t := time.NewTimer(retryPause)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
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
// cmd/go/internal/modfetch/proxy.go; initBase of sumdb.go.
func endpointURL(base *url.URL, m module.Version, sumdb string, e Endpoint) (*url.URL, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return nil, err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return nil, err
	}
	var file string
	switch e {
	case List:
		file = "@v/list"
	case Latest:
		file = "@latest"
	case Missing:
		file = "@v/" + UnknownVersion + ".info"
	case Escaped:
		file = "@v/" + version + ".info"
	case SumDB:
		path, file = "sumdb/"+sumdb, "supported"
	case Unescaped:
		path, file = m.Path, "@v/"+version+".info"
	default:
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
