package goproxy

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answerers are the headers that tell who answers: the server, proxies between,
// and caches.
var answerers = []string{"Server", "Via", "Age", "X-Cache"}

// maxHeader bounds a header's text, in characters.
const maxHeader = 100

// note keeps of an answer of the entry's own host what it tells beside its body.
func (v *visit) note(resp *http.Response, target *url.URL) {
	now := v.p.Now()
	if resp.Request.URL.Host == target.Host && resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		v.r.TLS = tlsState(resp.TLS)
	}
	if v.r.Headers == nil {
		v.r.Headers = map[string]string{}
		for _, name := range answerers {
			if value := resp.Header.Get(name); value != "" {
				v.r.Headers[name] = oneLine(v.secrets.Replace(value), maxHeader)
			}
		}
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// A cache's answer has the date at which it was made, and an age (RFC 9111, 5.1).
		age, _ := strconv.ParseUint(resp.Header.Get("Age"), 10, 31)
		skew := date.Add(time.Duration(age) * time.Second).Sub(now)
		if !v.r.HasDate || skew > v.r.Skew {
			v.r.Skew, v.r.HasDate = skew, true
		}
	}
}

// size is how large a file is of which an answer has the first bytes, or the
// whole; -1 where the server does not say.
func size(resp *http.Response) int64 {
	if resp.StatusCode != http.StatusPartialContent {
		return resp.ContentLength
	}
	_, total, _ := strings.Cut(resp.Header.Get("Content-Range"), "/")
	n, err := strconv.ParseInt(total, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// location is a redirect's target without credentials and query, which is often
// a signature.
func location(u *url.URL) string {
	return Redact(&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath})
}
