package checksumdb

import (
	"context"
	"net/url"
	"strings"
	"sync"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// Endpoint is who serves the database to this machine.
type Endpoint struct {
	// URL is the base of every request, without credentials.
	URL string
	// Host is its host, with a port where one is written.
	Host string
	// Entry is the index, in the chain, of the proxy that serves it; -1 where it is
	// asked without one: at its own host or at the URL of GOSUMDB.
	Entry int
	// Named says that GOSUMDB names the URL, so that no proxy was asked.
	Named bool
	// Asked are the entries that were asked whether they serve it, in order.
	Asked []Asked
}

// Asked is what one entry of GOPROXY answers to /supported.
type Asked struct {
	// Index is its place in the chain.
	Index int
	Entry goproxy.Entry
	// Outcome is the answer in the terms of the chain's fallback.
	Outcome goproxy.Outcome
	// Fault is nil when all is well.
	Fault *Fault
}

// endpointOnce finds the endpoint, once.
type endpointOnce struct {
	once     sync.Once
	base     *url.URL
	endpoint Endpoint
	fault    *Fault
}

// Endpoint finds out who serves the database (initBase). With a *Fault as the
// error, Asked says who was asked; the last is the one whose error ends it. A
// database that no proxy serves is not asked by that.
func (c *Client) Endpoint(ctx context.Context) (Endpoint, error) {
	if c.o.DB.Off {
		return Endpoint{Entry: -1}, ErrOff
	}
	return wait(ctx, func() (Endpoint, error) {
		if _, fault := c.findBase(); fault != nil {
			return c.base.endpoint, fault
		}
		return c.base.endpoint, nil
	})
}

// findBase is the base URL of all requests, with its credentials.
func (c *Client) findBase() (*url.URL, *Fault) {
	b := &c.base
	b.once.Do(func() {
		b.endpoint.Entry = -1
		switch {
		case c.o.DB.URL != nil:
			b.base, b.endpoint.Named = c.o.DB.URL, true
		default:
			b.base, b.fault = c.walk(&b.endpoint)
		}
		if b.base != nil {
			b.endpoint.URL, b.endpoint.Host = goproxy.Redact(b.base), hostOf(b.base)
		}
	})
	return b.base, b.fault
}

// walk asks the entries in their order, as far as the go command would. The order
// matters: an entry that serves the database is the only one that hears of it.
func (c *Client) walk(e *Endpoint) (*url.URL, *Fault) {
	outcomes := make([]goproxy.Outcome, len(c.o.Chain))
	faults := make([]*Fault, len(c.o.Chain))
	for i, entry := range c.o.Chain {
		switch {
		case entry.Keyword == goproxy.NoProxy:
			outcomes[i] = goproxy.UseProxy
		case entry.URL == nil:
			outcomes[i] = goproxy.NotExist // direct, off
		default:
			_, faults[i] = c.get(join(entry.URL, "sumdb/"+c.o.DB.Name+"/supported"), maxSupported, true)
			outcomes[i] = outcomeOf(faults[i])
			e.Asked = append(e.Asked, Asked{Index: i, Entry: entry, Outcome: outcomes[i], Fault: faults[i]})
		}
		switch d := c.o.Chain.Decide(outcomes[:i+1]); d.End {
		case goproxy.Served:
			e.Entry = i
			return join(entry.URL, "sumdb/"+c.o.DB.Name), nil
		case goproxy.Stopped:
			return nil, faults[i]
		}
	}
	// The error that the go command would report decides: with "not found" it goes
	// to the database itself, with any other it gives up.
	if d := c.o.Chain.Decide(outcomes); d.Reported >= 0 && outcomes[d.Reported] == goproxy.Failed {
		return nil, faults[d.Reported]
	}
	direct := &url.URL{Scheme: "https"}
	if host, path, ok := strings.Cut(c.o.DB.Name, "/"); ok {
		direct.Host, direct.Path = host, "/"+path
	} else {
		direct.Host = host
	}
	return direct, nil
}

func outcomeOf(f *Fault) goproxy.Outcome {
	switch {
	case f == nil:
		return goproxy.OK
	case isNotFound(f):
		return goproxy.NotExist
	}
	return goproxy.Failed
}

// join is Join of cmd/go/internal/web.
func join(base *url.URL, path string) *url.URL {
	u := *base
	u.Path = strings.TrimSuffix(base.Path, "/") + "/" + strings.TrimPrefix(path, "/")
	u.RawPath = strings.TrimSuffix(base.RawPath, "/") + "/" + strings.TrimPrefix(path, "/")
	return &u
}

// hostOf is the host to name in a message; the path of a file.
func hostOf(u *url.URL) string {
	if u.Scheme == "file" {
		return u.Path
	}
	return u.Host
}
