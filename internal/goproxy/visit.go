package goproxy

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/net/http/httpproxy"

	"github.com/gopreflight/gopreflight/internal/localnet"
)

// Limits of a visit.
const (
	maxRedirects      = 10       // net/http's, and so the go command's
	maxResponseHeader = 64 << 10 // bytes
	maxText           = 300      // characters of an error's text
)

// errLocal refuses a redirect from a public server to a local address.
var errLocal = errors.New("redirected to a loopback, link-local or private address, which is not followed")

// A visit is the probe of one entry: its connections and what it may send
// where. Its requests follow one another.
type visit struct {
	p        *Prober
	r        *Result
	timeout  time.Duration
	client   *http.Client
	proxyFor func(*url.URL) (*url.URL, error)
	secrets  *strings.Replacer
	trace    *trace         // of the request that is under way; hooks take theirs from the context
	hops     *[]Hop         // of the same
	module   module.Version // what it asks for
	files    bool           // a file entry
	// ownLocal says that the entry's own host has a local address.
	ownLocal atomic.Bool
	// nobodyLocal says that no local address may be connected to, the own host's
	// neither: the repository names it.
	nobodyLocal bool
}

func newVisit(p *Prober, r *Result, timeout time.Duration) *visit {
	v := &visit{p: p, r: r, timeout: timeout, module: r.Module, files: r.Entry.URL.Scheme == "file"}
	getenv := p.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	v.proxyFor = HTTPProxies(getenv)
	v.secrets = secretsOf(r.Entry.URL)
	v.ownLocal.Store(localnet.Host(r.Entry.URL.Hostname()))
	v.client = &http.Client{
		CheckRedirect: v.checkRedirect,
		Transport: &http.Transport{
			Proxy:                  v.proxy,
			DialContext:            v.dial,
			OnProxyConnectResponse: v.connected,
			TLSClientConfig:        &tls.Config{RootCAs: p.Roots, Time: p.Now},
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxResponseHeader,
		},
	}
	return v
}

func (v *visit) close() { v.client.CloseIdleConnections() }

// HTTPProxies reads HTTPS_PROXY, HTTP_PROXY and NO_PROXY as
// http.ProxyFromEnvironment does, from an injected environment.
func HTTPProxies(getenv func(string) string) func(*url.URL) (*url.URL, error) {
	either := func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return getenv(strings.ToLower(name))
	}
	c := httpproxy.Config{
		HTTPProxy:  either("HTTP_PROXY"),
		HTTPSProxy: either("HTTPS_PROXY"),
		NoProxy:    either("NO_PROXY"),
		CGI:        getenv("REQUEST_METHOD") != "",
	}
	return c.ProxyFunc()
}

// secretsOf hides what a server or an error may echo of an entry's credentials.
func secretsOf(u *url.URL) *strings.Replacer {
	var pairs []string
	hide := func(s string) {
		if s != "" {
			pairs = append(pairs, s, hidden)
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		hide(base64.StdEncoding.EncodeToString([]byte(u.User.Username() + ":" + password)))
		hide(u.User.String())
		hide(password)
		if password == "" {
			hide(u.User.Username())
		}
	}
	hide(u.RawQuery)
	for _, value := range slices.Sorted(maps.Keys(values(u.Query()))) {
		hide(value) // alone, too
	}
	return strings.NewReplacer(pairs...)
}

// values is every value of a query.
func values(q url.Values) map[string]bool {
	all := map[string]bool{}
	for _, vs := range q {
		for _, v := range vs {
			all[v] = true
		}
	}
	return all
}

// ask sends the request for one endpoint and judges the answer.
func (v *visit) ask(ctx context.Context, target *url.URL, a *Answer) {
	if v.files {
		a.Fault = readFile(target, a.Endpoint, v.r)
		return
	}
	if target.Scheme == "http" && target.User != nil {
		a.Fault = &Fault{Phase: HTTP, Kind: InsecureCredentials, Host: target.Host,
			Text: "refusing to pass credentials to insecure URL: " + Redact(target)}
		return
	}
	v.trace = newTrace(v.p.Now)
	v.get(ctx, target, a, a.Endpoint == Zip)
	// A server that cannot do ranges is asked for the whole, as the go
	// command does; no more than its first bytes are read.
	if a.Endpoint == Zip && a.Fault != nil && a.Fault.Kind == Status && ctx.Err() == nil {
		a.Fault = nil
		v.get(ctx, target, a, false)
	}
	if v.r.Timings == nil {
		v.r.Timings = v.trace.timings()
	}
}

// get sends one GET, for the first bytes only if ranged.
func (v *visit) get(ctx context.Context, target *url.URL, a *Answer, ranged bool) {
	a.Hops = nil
	v.hops = &a.Hops
	req, err := v.request(ctx, target)
	if err != nil {
		a.Fault = v.fault(ctx, err)
		return
	}
	if ranged {
		req.Header.Set("Range", fmt.Sprintf("bytes=0-%d", maxZip-1))
	}
	resp, err := v.client.Do(req)
	if err != nil {
		a.Fault = v.fault(ctx, err)
		return
	}
	defer resp.Body.Close()
	a.Status = resp.StatusCode
	a.FirstByte = v.trace.waited()
	v.note(resp, target)
	if resp.StatusCode != http.StatusOK && !(ranged && resp.StatusCode == http.StatusPartialContent) {
		a.Fault = v.statusFault(resp)
		return
	}
	if a.Endpoint == Zip && size(resp) > maxZipFile {
		a.Fault = &Fault{Phase: Protocol, Kind: TooLarge, Host: hostPort(resp.Request.URL),
			Text: fmt.Sprintf("answers with a zip file of %d bytes, more than the %d that the go command takes", size(resp), int64(maxZipFile))}
		return
	}
	v.read(ctx, resp, a)
}

// request is the GET of a URL, with the credentials that are meant for it.
func (v *visit) request(ctx context.Context, target *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(v.trace.context(ctx), http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	if v.p.Credentials != nil && target.Scheme == "https" && target.User == nil {
		if login, password, ok := v.p.Credentials(target); ok {
			req.SetBasicAuth(login, password)
			v.r.LoggedIn = true
			v.secrets = secretsOf(&url.URL{User: url.UserPassword(login, password), RawQuery: target.RawQuery})
		}
	}
	return req, nil
}

// read reads an answer's body as far as its endpoint is read, and judges it.
func (v *visit) read(ctx context.Context, resp *http.Response, a *Answer) {
	limit := a.Endpoint.limit()
	if a.Endpoint != Zip {
		limit++ // one more tells "too long" from "as long as allowed"
	}
	start := v.p.Now()
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	a.Bytes, a.Reading = int64(len(data)), v.p.Now().Sub(start)
	if err != nil {
		a.Fault = v.fault(ctx, err)
		a.Fault.Phase = Protocol
		if errors.Is(err, io.ErrUnexpectedEOF) {
			a.Fault.Kind = Truncated
		}
		return
	}
	if a.Endpoint != Zip && int64(len(data)) > a.Endpoint.limit() {
		a.Fault = &Fault{Phase: Protocol, Kind: Unread, Host: hostPort(resp.Request.URL),
			Text: fmt.Sprintf("answers with more than %d bytes, which were not read to the end", a.Endpoint.limit())}
		return
	}
	if err := checkContent(a.Endpoint, v.module, data); err != nil {
		a.Fault = &Fault{Phase: Protocol, Kind: Content, Host: hostPort(resp.Request.URL),
			Text: v.clean(err.Error()), Detail: v.detail(resp, data[:min(len(data), maxDetail)])}
	}
}

// statusFault is the fault of an answer that is neither 200 nor what a range
// asks for.
func (v *visit) statusFault(resp *http.Response) *Fault {
	f := &Fault{Phase: HTTP, Kind: Status, Status: resp.StatusCode, Host: hostPort(resp.Request.URL),
		Text: v.clean("status " + resp.Status)}
	switch {
	case resp.StatusCode == http.StatusNotFound, resp.StatusCode == http.StatusGone:
		f.Kind = NotFound
	case resp.StatusCode == http.StatusProxyAuthRequired && v.trace.isProxied():
		f.Phase, f.Kind = HTTPProxy, ProxyAuth
	}
	// What cannot be read is not shown; the status says enough.
	data, _ := io.ReadAll(io.LimitReader(resp.Body, maxDetail))
	f.Detail = v.detail(resp, data)
	return f
}

func (v *visit) detail(resp *http.Response, data []byte) []string {
	return firstLines(resp.Header.Get("Content-Type"), []byte(v.secrets.Replace(string(data))))
}

// clean makes an error's text fit to be shown.
func (v *visit) clean(text string) string {
	return oneLine(v.secrets.Replace(text), maxText)
}

// fault is what a failed request came to.
func (v *visit) fault(ctx context.Context, err error) *Fault {
	stage, host := v.trace.fail()
	f := classify(ctx, err, stage, v.p.Now())
	f.Host = host
	switch f.Kind {
	case Timeout, DNSTimeout:
		f.Text = fmt.Sprintf("no answer within %v", v.timeout)
	default:
		f.Text = v.clean(f.Text)
	}
	return f
}

// proxy is the transport's question for the HTTP proxy of a request.
func (v *visit) proxy(req *http.Request) (*url.URL, error) {
	u, err := v.proxyFor(req.URL)
	traceOf(req.Context()).via(u)
	if u != nil && sameHost(req.URL, v.r.Entry.URL) {
		// No path: "http://" goes in front of what does not parse, and
		// then a password may stand there.
		v.r.HTTPProxy = Redact(&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host})
	}
	return u, err
}

// connected is told the answer of an HTTP proxy to CONNECT.
func (v *visit) connected(ctx context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return &connectError{resp.StatusCode}
	}
	traceOf(ctx).tunnelled()
	return nil
}

// A connectError is an HTTP proxy that refuses CONNECT.
type connectError struct{ status int }

func (e *connectError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the HTTP proxy answers CONNECT with status %d %s", e.status, http.StatusText(e.status)))
}

// A redirectError is a redirect that the go command does not follow.
type redirectError struct {
	kind Kind
	text string
}

func (e *redirectError) Error() string { return e.text }

// checkRedirect has the rules of cmd/go/internal/web/http.go, and two of our
// own: nothing secret goes on to another host, and no public server sends us to
// a local address.
func (v *visit) checkRedirect(req *http.Request, via []*http.Request) error {
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return &redirectError{InsecureRedirect, fmt.Sprintf("redirected from secure URL %s to insecure URL %s",
			Redact(via[len(via)-1].URL), Redact(req.URL))}
	}
	if len(via) >= maxRedirects {
		return &redirectError{RedirectLoop, fmt.Sprintf("stopped after %d redirects", maxRedirects)}
	}
	if v.hops != nil && req.Response != nil {
		*v.hops = append(*v.hops, Hop{Status: req.Response.StatusCode, To: v.clean(location(req.URL))})
	}
	if !sameHost(req.URL, v.r.Entry.URL) {
		if via[0].Header.Get("Authorization") != "" || via[0].URL.User != nil {
			v.r.CredentialsKept = req.URL.Host
		}
		req.Header.Del("Authorization")
		req.Header.Del("Referer") // it may hold the entry's query
	}
	if proxy, err := v.proxyFor(req.URL); err == nil && proxy != nil {
		// The HTTP proxy will connect, not we; what can be known is what is written.
		if localnet.Host(req.URL.Hostname()) && !v.ownLocal.Load() {
			return errLocal
		}
	}
	return nil
}

// sameHost reports whether two URLs have the same scheme, host and port.
func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && hostPort(a) == hostPort(b) }

// hostPort is the URL's host with its port, written or not.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// dial connects to the entry's host, to its HTTP proxy, or to the target of a
// redirect; the last may be local only if the entry's own host is.
func (v *visit) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	own := strings.EqualFold(host, v.r.Entry.URL.Hostname()) && !v.nobodyLocal
	proxied := traceOf(ctx).isProxied()
	d := net.Dialer{Resolver: v.p.Resolver, Control: func(_, address string, _ syscall.RawConn) error {
		switch {
		case proxied, !localnet.Dialled(address):
		case own:
			v.ownLocal.Store(true)
		case !v.ownLocal.Load() || v.nobodyLocal:
			return errLocal
		}
		v.p.dialling(address)
		return nil
	}}
	return d.DialContext(ctx, network, addr)
}
