package checksumdb

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/localnet"
)

const (
	maxRedirects      = 10       // net/http's, and so the go command's
	maxResponseHeader = 64 << 10 // bytes
	// userAgent names us to the servers.
	userAgent = "gopreflight"
	// hidden stands for every credential, as in net/url.
	hidden = "xxxxx"
)

// ask asks the endpoint for a path.
func (c *Client) ask(path string, limit int) ([]byte, *Fault) {
	base, fault := c.findBase()
	if fault != nil {
		return nil, copyFault(fault)
	}
	c.mu.Lock()
	lost := c.lost
	c.mu.Unlock()
	if lost != nil {
		return nil, copyFault(lost)
	}
	data, fault := c.get(join(base, path), limit, false)
	if fault != nil && fault.isLost() && c.life.Err() == nil {
		c.mu.Lock()
		c.lost = fault
		c.mu.Unlock()
		fault = copyFault(fault)
	}
	return data, fault
}

// copyFault keeps callers from changing each other's.
func copyFault(f *Fault) *Fault {
	dup := *f
	return &dup
}

// place says which request a fault is about.
func (c *Client) place(f *Fault, path string) {
	if base := c.base.base; base != nil {
		f.URL, f.Host = goproxy.Redact(join(base, path)), hostOf(base)
	}
}

func isNotFound(f *Fault) bool {
	return f.Kind == Refused && (f.Status == http.StatusNotFound || f.Status == http.StatusGone)
}

// get sends one GET and reads at most limit bytes; head says that no more than
// that matter, else a longer answer is a fault.
func (c *Client) get(target *url.URL, limit int, head bool) ([]byte, *Fault) {
	select {
	case c.slots <- struct{}{}:
	case <-c.life.Done():
		return nil, &Fault{Kind: Unreachable, Phase: goproxy.HTTP, Text: "not asked any more"}
	}
	defer func() { <-c.slots }()
	c.requests.Add(1)

	var data []byte
	var fault *Fault
	if target.Scheme == "file" {
		data, fault = getFile(target, limit+1)
	} else {
		data, fault = c.getHTTP(target, limit+1)
	}
	c.bytes.Add(int64(len(data)))
	if fault == nil && !head && len(data) > limit {
		fault = &Fault{Kind: Malformed, Phase: goproxy.Protocol, Text: fmt.Sprintf("answers with more than %d bytes", limit)}
		if isHTML(data) {
			fault.Text = "answers with a web page"
		}
	}
	if fault != nil {
		fault.URL, fault.Host = goproxy.Redact(target), hostOf(target)
		return nil, fault
	}
	return data, nil
}

func (c *Client) getHTTP(target *url.URL, limit int) ([]byte, *Fault) {
	if target.Scheme == "" {
		secure := *target
		secure.Scheme = "https"
		target = &secure
	}
	switch {
	case target.Scheme != "https" && target.Scheme != "http":
		return nil, &Fault{Kind: Unreachable, Phase: goproxy.HTTP, Text: "unsupported scheme: " + line(target.Scheme)}
	case target.Scheme == "http" && target.User != nil:
		return nil, &Fault{Kind: Unreachable, Phase: goproxy.HTTP, Text: "refusing to pass credentials to insecure URL"}
	}
	ctx, cancel := context.WithTimeout(context.WithValue(c.life, originKey{}, target.Hostname()), c.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, networkFault(ctx, err)
	}
	req.Header.Set("User-Agent", userAgent)
	secrets := target.User
	if c.o.Credentials != nil && target.User == nil && target.Scheme == "https" {
		if login, password, ok := c.o.Credentials(target); ok {
			req.SetBasicAuth(login, password)
			secrets = url.UserPassword(login, password)
		}
	}
	clean := redactor(secrets, target.RawQuery)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.explain(ctx, networkFault(ctx, err), clean)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		f := &Fault{Kind: Refused, Phase: goproxy.HTTP, Status: resp.StatusCode, Text: line(clean.Replace("status " + resp.Status))}
		if resp.StatusCode == http.StatusProxyAuthRequired {
			f.Phase = goproxy.HTTPProxy
		}
		// What cannot be read is not shown; the status says enough.
		text, _ := io.ReadAll(io.LimitReader(resp.Body, maxDetail))
		if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			f.Detail = lines(clean.Replace(string(text)))
		}
		return nil, f
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, int64(limit)))
	if err != nil {
		return nil, c.explain(ctx, bodyFault(ctx, err), clean)
	}
	return data, nil
}

// explain makes a fault's text fit to be shown.
func (c *Client) explain(ctx context.Context, f *Fault, clean *strings.Replacer) *Fault {
	f.Text = line(clean.Replace(f.Text))
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		f.Text = "not asked any more"
	case f.Timeout:
		f.Text = fmt.Sprintf("no answer within %v", c.o.Timeout)
	}
	return f
}

// redactor hides what a server or an error may echo of credentials.
func redactor(user *url.Userinfo, query string) *strings.Replacer {
	var pairs []string
	hide := func(s string) {
		if s != "" {
			pairs = append(pairs, s, hidden)
		}
	}
	if user != nil {
		password, _ := user.Password()
		hide(base64.StdEncoding.EncodeToString([]byte(user.Username() + ":" + password)))
		hide(user.String())
		hide(password)
		if password == "" {
			hide(user.Username())
		}
	}
	hide(query)
	return strings.NewReplacer(pairs...)
}

// originKey finds, in a request's context, the host that was asked first.
type originKey struct{}

// errLocal refuses a redirect from a public server to a local address.
var errLocal = errors.New("redirected to a loopback, link-local or private address, which is not followed")

// A wayOut is how requests leave: the HTTP proxy, and who may be connected to.
type wayOut struct {
	o        *Options
	proxyFor func(*url.URL) (*url.URL, error)
	// local has the hosts that were found to have a local address.
	local sync.Map
	// proxies has the host names of HTTP proxies.
	proxies sync.Map
}

func newWayOut(o *Options) *wayOut {
	getenv := o.Getenv
	if getenv == nil {
		getenv = func(string) string { return "" }
	}
	return &wayOut{o: o, proxyFor: goproxy.HTTPProxies(getenv)}
}

func (w *wayOut) client() *http.Client {
	return &http.Client{
		CheckRedirect: w.checkRedirect,
		Transport: &http.Transport{
			Proxy:       w.proxy,
			DialContext: w.dial,
			OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
				if resp.StatusCode != http.StatusOK {
					return &connectError{resp.StatusCode}
				}
				return nil
			},
			TLSClientConfig:        &tls.Config{RootCAs: w.o.Roots, Time: w.o.Now},
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        maxAtOnce,
			MaxIdleConnsPerHost:    maxAtOnce,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: maxResponseHeader,
		},
	}
}

// A connectError is an HTTP proxy that refuses CONNECT.
type connectError struct{ status int }

func (e *connectError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the HTTP proxy answers CONNECT with status %d %s", e.status, http.StatusText(e.status)))
}

func (w *wayOut) proxy(req *http.Request) (*url.URL, error) {
	u, err := w.proxyFor(req.URL)
	if u != nil {
		w.proxies.Store(strings.ToLower(u.Hostname()), true)
	}
	return u, err
}

// checkRedirect has the rules of cmd/go/internal/web/http.go, and two of our own:
// nothing secret goes on to another host, and no public server sends us to a
// local address.
func (w *wayOut) checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	switch {
	case first.Scheme == "https" && req.URL.Scheme != "https":
		return fmt.Errorf("redirected from secure URL %s to insecure URL %s", goproxy.Redact(via[len(via)-1].URL), goproxy.Redact(req.URL))
	case len(via) >= maxRedirects:
		return fmt.Errorf("stopped after %d redirects", maxRedirects)
	}
	if first.Scheme != req.URL.Scheme || !strings.EqualFold(first.Host, req.URL.Host) {
		req.Header.Del("Authorization")
		req.Header.Del("Referer") // it may hold a query
	}
	if proxy, err := w.proxyFor(req.URL); err == nil && proxy != nil {
		// The HTTP proxy will connect, not we; what can be known is what is written.
		if localnet.Host(req.URL.Hostname()) && !w.mayBeLocal(first.Hostname()) {
			return errLocal
		}
	}
	return nil
}

// mayBeLocal reports whether what a host redirects to may be local: its own
// address is.
func (w *wayOut) mayBeLocal(host string) bool {
	_, found := w.local.Load(strings.ToLower(host))
	return found || localnet.Host(host)
}

// dial connects to a host that the settings name, to an HTTP proxy, or to the
// target of a redirect; the last may be local only if who redirects is.
func (w *wayOut) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Resolver: w.o.Resolver}
	origin, _ := ctx.Value(originKey{}).(string)
	if _, isProxy := w.proxies.Load(strings.ToLower(host)); !isProxy {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			switch {
			case !localnet.Dialled(address):
			case strings.EqualFold(host, origin):
				w.local.Store(strings.ToLower(host), true)
			case !w.mayBeLocal(origin):
				return errLocal
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, addr)
}
