// Package checksumdb asks the Go checksum database that GOSUMDB names, the way
// the go command does (cmd/go/internal/modfetch/sumdb.go: dbDial, initBase,
// useSumDB), and believes nothing that it cannot prove: every answer is checked
// against the signed tree by golang.org/x/mod/sumdb, and every tree against the
// newest one that was ever seen.
//
//	c, err := checksumdb.New(checksumdb.Options{DB: db, Chain: chain, GONOSUMDB: "..."})
//	defer c.Close()
//	hashes, err := c.Lookup(ctx, module.Version{Path: "rsc.io/quote", Version: "v1.5.2"})
//	hashes, err = c.Lookup(ctx, module.Version{Path: "rsc.io/quote", Version: "v1.5.2/go.mod"})
//	hashes, err = c.Lookup(ctx, module.Version{Path: checksumdb.Toolchain, Version: "v0.0.1-go1.26.0.linux-amd64"})
//
// Lookup returns the proven hashes ("h1:..."), none where the database has a
// record without such a line. Its errors are ErrOff (GOSUMDB=off), ErrPrivate
// (GONOSUMDB matches; never for [Toolchain]) and a *Fault, whose Kind tells "does
// not know this version" from "could not be asked" and from "serves what it did
// not sign". Both lines of a version, and every caller of one Client, share one
// request. Endpoint says who serves the database, Head what its newest signed
// tree is, CheckHead whether another tree head (the go command's own) is of the
// same database, Stats what it all cost.
//
// Requests go only where the go command's would: through the first entry of
// GOPROXY that supports the database, else to its own host, or to the URL that
// GOSUMDB names. Each has a timeout and a bounded answer; so many at once and no
// more; none is repeated. Only tiles and the newest tree head are kept between
// runs, in CacheDir: no answer to a lookup, and so no proof. It never writes the
// go command's own state, never reads the environment, and a credential goes to no
// host but the one that it belongs to, over https only.
package checksumdb

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/note"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// Toolchain is the module of Go releases. The go command always looks it up,
// whatever GONOSUMDB says (useSumDB).
const Toolchain = "golang.org/toolchain"

const (
	// DefaultTimeout is how long one request may take. The go command itself has
	// no such limit.
	DefaultTimeout = 10 * time.Second
	// maxAtOnce bounds how many requests are under way together.
	maxAtOnce = 16
)

var (
	// ErrOff is the error with GOSUMDB=off: there is nobody to ask.
	ErrOff = errors.New("checksum database disabled by GOSUMDB=off")
	// ErrPrivate is the error for a module that GONOSUMDB matches: the go command
	// would not ask.
	ErrPrivate = errors.New("GONOSUMDB matches the module")
)

// Options is how a database is asked. DB and Chain are required.
type Options struct {
	// DB is what GOSUMDB says.
	DB goenv.SumDB
	// Chain is what GOPROXY and GONOPROXY say.
	Chain goproxy.Chain
	// GONOSUMDB are the patterns of modules that are never asked for.
	GONOSUMDB string
	// Timeout bounds one request with its answer; 0 means DefaultTimeout.
	Timeout time.Duration
	// Getenv finds HTTPS_PROXY, HTTP_PROXY and NO_PROXY (both cases); nil means
	// that there is no HTTP proxy.
	Getenv func(string) string
	// Credentials finds what to log in with at a URL without a user; nil means
	// nothing.
	Credentials goproxy.Credentials
	// Now is the clock for certificates; nil means the system's.
	Now func() time.Time
	// Roots are the trusted authorities; nil means those of the system.
	Roots *x509.CertPool
	// Resolver finds addresses; nil means the system's.
	Resolver *net.Resolver
	// CacheDir is the folder for tiles and tree heads of all databases; empty: none
	// are kept. What lies in it is checked like what the network brings.
	CacheDir string
}

// Client asks one database. It is safe for concurrent use.
type Client struct {
	o         Options
	verifiers note.Verifiers
	cache     cache
	http      *http.Client
	wayOut    *wayOut
	slots     chan struct{}
	life      context.Context // of all requests: x/mod's client hands none on
	end       context.CancelFunc

	requests, cached, bytes atomic.Int64

	base endpointOnce
	// seen says that this run was shown a tree head by the database's key, and look
	// asks for one where that is in doubt.
	seen atomic.Bool
	look sync.Once

	mu     sync.Mutex
	head   Head     // the newest verified tree head
	faults []*Fault // what ops reported, by number
	lost   *Fault   // the way to the endpoint does not work
	talk   *talk
}

// Stats is what a Client cost so far.
type Stats struct {
	// Requests were sent, answered or not, those to find the endpoint included.
	Requests int64
	// Cached are the tiles that came from CacheDir.
	Cached int64
	// Bytes are those of the answers' bodies.
	Bytes int64
}

// New returns a client that has not asked for anything yet. The error is about
// the key of the database.
func New(o Options) (*Client, error) {
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	c := &Client{o: o, slots: make(chan struct{}, maxAtOnce)}
	c.life, c.end = context.WithCancel(context.Background())
	if !o.DB.Off {
		verifier, err := note.NewVerifier(o.DB.Key)
		if err != nil {
			return nil, fmt.Errorf("key of the checksum database: %w", err)
		}
		c.verifiers = note.VerifierList(verifier)
		c.cache = openCache(o.CacheDir, o.DB.Name)
	}
	c.wayOut = newWayOut(&c.o)
	c.http = c.wayOut.client()
	if data := c.cache.readHead(); data != nil {
		// What is not signed by the key is no head of this database: start anew.
		c.head, _ = c.openHead(data)
	}
	c.talk = newTalk(c, true)
	return c, nil
}

// Close ends what is under way. Nothing can be asked any more.
func (c *Client) Close() {
	c.end()
	c.http.CloseIdleConnections()
}

// Name is the database's name; empty for GOSUMDB=off.
func (c *Client) Name() string { return c.o.DB.Name }

// Stats is what was asked so far.
func (c *Client) Stats() Stats {
	return Stats{Requests: c.requests.Load(), Cached: c.cached.Load(), Bytes: c.bytes.Load()}
}

// Asks reports whether the go command would ask the database for a module: nil,
// ErrOff or ErrPrivate (useSumDB).
func (c *Client) Asks(path string) error {
	switch {
	case c.o.DB.Off:
		return ErrOff
	case path != Toolchain && module.MatchPrefixPatterns(c.o.GONOSUMDB, path):
		return ErrPrivate
	}
	return nil
}

// Lookup returns the hashes ("h1:...") that the database proves to have for a
// module version, or for its go.mod alone where the version ends in "/go.mod" as
// in a go.sum line. It is empty where the database's record has no such line: the
// go command stops then ("checksum missing from sumdb response"). ctx ends the
// wait; a request under way goes on to its own timeout.
func (c *Client) Lookup(ctx context.Context, mod module.Version) ([]string, error) {
	if err := c.Asks(mod.Path); err != nil {
		return nil, err
	}
	if err := module.Check(mod.Path, strings.TrimSuffix(mod.Version, "/go.mod")); err != nil {
		return nil, err
	}
	return wait(ctx, func() ([]string, error) {
		lines, err := c.lookup(mod)
		if err != nil {
			return nil, c.unlessNobody(err)
		}
		hashes := make([]string, 0, len(lines))
		for _, l := range lines {
			if f := strings.Fields(l); len(f) == 3 {
				hashes = append(hashes, f[2])
			}
		}
		return hashes, nil
	})
}

// unlessNobody takes "not found" for the database's own word only where the database
// is there: what answers 404 to everything knows no version either.
func (c *Client) unlessNobody(err error) error {
	var f *Fault
	if !errors.As(err, &f) || f.Kind != Unknown || c.seen.Load() {
		return err
	}
	c.look.Do(func() { _, _ = c.readHead() })
	if c.seen.Load() {
		return err
	}
	f = copyFault(f)
	f.Kind = Refused
	return f
}

// lookup asks, and once more without the cache where that may be at fault: tiles
// that this program kept must not pass for those of the database.
func (c *Client) lookup(mod module.Version) ([]string, error) {
	c.mu.Lock()
	t := c.talk
	c.mu.Unlock()
	lines, err := t.client.Lookup(mod.Path, mod.Version)
	if err == nil {
		return lines, nil
	}
	fault := c.faultOf(t, err)
	if fault.Kind != Inconsistent || !t.usedCache.Load() {
		return nil, fault
	}
	t = c.withoutCache(t)
	if lines, err = t.client.Lookup(mod.Path, mod.Version); err != nil {
		return nil, c.faultOf(t, err)
	}
	return lines, nil
}

// withoutCache is a talk that reads no cached tile, in place of one that did.
func (c *Client) withoutCache(t *talk) *talk {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.talk == t {
		c.talk = newTalk(c, false)
	}
	return c.talk
}

// wait returns what fn returns, or ctx's error when that is done first.
func wait[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, context.Cause(ctx)
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- result{err: fmt.Errorf("panic: %v", p)}
			}
		}()
		value, err := fn()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	}
}
