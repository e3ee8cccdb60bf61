package notify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gopreflight/gopreflight/internal/localnet"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// Limits of sending.
const (
	sendTimeout = 10 * time.Second // one attempt
	maxWait     = 10 * time.Second // the longest Retry-After that is waited for, once
	maxAnswer   = 64 << 10         // bytes of a body that are read
	maxHeader   = 64 << 10         // bytes of its header
	maxQuoted   = 200              // bytes of it that an error repeats
)

// errLocal refuses a receiver that the policy file names.
var errLocal = errors.New("a loopback, link-local or private address: one that the policy file names is not connected to")

// send posts a message. Its error names the host and nothing else of the URL.
func (o *Options) send(ctx context.Context, d destination, m *message) error {
	body, err := json.Marshal(payload(d.kind, m))
	if err != nil {
		return err
	}
	transport, err := o.transport(d)
	if err != nil {
		return o.clean(d, err)
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: sendTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	wait, err := o.post(ctx, client, d, m.ID, body)
	if wait > 0 {
		o.Logf("notify: %s asks to wait %v", d.url.Host, wait)
		select {
		case <-time.After(wait):
			_, err = o.post(ctx, client, d, m.ID, body)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return o.clean(d, err)
}

// payload is a message in a receiver's own format.
func payload(kind string, m *message) any {
	switch kind {
	case slackKind:
		return slackOf(m)
	case wecomKind:
		return wecomOf(m)
	}
	return m
}

// post is one attempt. Beside an error, wait is how long the receiver asks to
// wait before another; 0 for no other.
func (o *Options) post(ctx context.Context, client *http.Client, d destination, id string, body []byte) (wait time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url.String(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "gopreflight")
	if d.key != nil {
		sign(req.Header, d.key, id, o.Now(), body)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	// What cannot be read of it is not needed: the status says enough, and of
	// WeCom's answer a part is no answer.
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return 0, fmt.Errorf("answers %s, a redirect, which is not followed", status(resp))
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
			wait = retryAfter(resp.Header.Get("Retry-After"), o.Now())
		}
		return wait, fmt.Errorf("answers %s: %s", status(resp), cmp.Or(string(answer), "(an empty body)"))
	case d.kind == wecomKind:
		return 0, wecomRefusal(answer)
	}
	return 0, nil
}

// status is an answer's status in standard words, not in the server's.
func status(resp *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
}

// retryAfter is how long to wait by that header (RFC 9110, 10.2.3: seconds or a
// date); 0 where it says nothing, or more than maxWait.
func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if n, err := strconv.Atoi(value); err == nil && n > 0 && n <= int(maxWait/time.Second) {
		wait = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	if wait < 0 || wait > maxWait {
		return 0
	}
	return wait
}

// clean is an error as it may be shown: one line, bounded, of the URL the host
// alone.
func (o *Options) clean(d destination, err error) error {
	if err == nil {
		return nil
	}
	// net/http's own wrapper repeats the URL.
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		if wrapped.Timeout() {
			return fmt.Errorf("%s: no answer within %v", d.url.Host, sendTimeout)
		}
		err = wrapped.Err
	}
	// Masked before anything is cut, since a part of a secret would stay, and again
	// after cleaning: what that takes out may have kept a secret apart.
	text := d.secrets.Replace(plain.Line(d.secrets.Replace(err.Error())))
	return fmt.Errorf("%s: %s", d.url.Host, plain.Cut(text, maxQuoted))
}

// transport connects to a receiver, through the HTTP proxy where there is one.
// The proxy resolves names itself: then only a host that is local by its very
// name is refused.
func (o *Options) transport(d destination) (*http.Transport, error) {
	if d.named && localnet.Host(d.url.Hostname()) {
		return nil, errLocal
	}
	t := &http.Transport{
		TLSClientConfig:        &tls.Config{RootCAs: o.Roots},
		MaxResponseHeaderBytes: maxHeader,
		ForceAttemptHTTP2:      true,
	}
	var proxy *url.URL
	if o.Proxy != nil {
		var err error
		if proxy, err = o.Proxy(d.url); err != nil {
			return nil, errors.New("the HTTP proxy's URL is invalid") // err repeats it
		}
	}
	dialer := &net.Dialer{}
	switch {
	case proxy != nil:
		t.Proxy = http.ProxyURL(proxy)
	case d.named:
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if localnet.Dialled(address) {
				return errLocal
			}
			return nil
		}
	}
	t.DialContext = dialer.DialContext
	return t, nil
}
