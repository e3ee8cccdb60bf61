package goproxy

import (
	"context"
	"crypto/tls"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A trace is the phases of one request, redirects included. The hooks of
// net/http may call it from several goroutines, also after the request's end.
type trace struct {
	now func() time.Time

	mu      sync.Mutex
	done    []Timing
	phase   Phase // the one that is under way; empty before the first
	started time.Time
	host    string   // host:port that is wanted
	proxy   *url.URL // the HTTP proxy on the way to it; nil for none
	tunnel  bool     // through the proxy the host itself is reached
}

func newTrace(now func() time.Time) *trace { return &trace{now: now} }

// context makes the hooks heard, and the trace known to traceOf.
func (t *trace) context(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, traceKey{}, t)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      t.want,
		DNSStart:     func(httptrace.DNSStartInfo) { t.begin(DNS) },
		ConnectStart: func(string, string) { t.begin(Connect) },
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				t.end(Connect)
			}
		},
		TLSHandshakeStart: func() { t.begin(TLS) },
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				t.end(TLS)
			}
		},
		GotConn:              func(httptrace.GotConnInfo) { t.begin(HTTP) },
		GotFirstResponseByte: func() { t.end(HTTP) },
	})
}

// traceKey finds the trace in a request's context.
type traceKey struct{}

func traceOf(ctx context.Context) *trace {
	t, _ := ctx.Value(traceKey{}).(*trace)
	return t
}

// via is told, before each connection, which HTTP proxy it takes.
func (t *trace) via(proxy *url.URL) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.proxy, t.tunnel = proxy, false
}

func (t *trace) isProxied() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.proxy != nil
}

// tunnelled is told that the HTTP proxy accepted CONNECT.
func (t *trace) tunnelled() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tunnel = true
	t.close(false)
}

func (t *trace) want(hostPort string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.close(false)
	t.host = hostPort
}

// begin starts a phase, and ends the one before. On the way to an HTTP proxy
// all is HTTPProxy, until the host itself is reached.
func (t *trace) begin(p Phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.proxy != nil && !t.tunnel && p != HTTP && !(p == TLS && strings.HasPrefix(t.proxy.Scheme, "socks5")) {
		p = HTTPProxy
	}
	if p == t.phase {
		return // a second address of the same host
	}
	t.close(false)
	t.phase, t.started = p, t.now()
}

// end ends a phase, if it is the one that is under way.
func (t *trace) end(p Phase) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.phase == p {
		t.close(false)
	}
}

// close ends the phase that is under way; t.mu is held.
func (t *trace) close(failed bool) {
	if t.phase != "" {
		t.done = append(t.done, Timing{Phase: t.phase, Host: t.host, Duration: t.now().Sub(t.started), Failed: failed})
	}
	t.phase = ""
}

// fail ends the request, and says in which phase it was, with which host.
func (t *trace) fail() (Phase, string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	phase := t.phase
	t.close(true)
	if phase == "" && len(t.done) > 0 {
		phase = t.done[len(t.done)-1].Phase
	}
	if phase == "" {
		phase = HTTP
	}
	host := t.host
	if phase == HTTPProxy && t.proxy != nil {
		host = t.proxy.Host
	}
	return phase, host
}

// timings is the phases so far.
func (t *trace) timings() []Timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.close(false)
	return append([]Timing(nil), t.done...)
}

// waited is how long the last answer's first byte took, from when there was a
// connection on.
func (t *trace) waited() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := len(t.done) - 1; i >= 0; i-- {
		if t.done[i].Phase == HTTP {
			return t.done[i].Duration
		}
	}
	return 0
}
