package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
)

// secretPath is what no error may hold a part of.
const secretPath = "/services/T00SECRET1/B00SECRET2/xSECRETx3"

// A receiver is a TLS server that keeps what it was sent.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	bodies   [][]byte
}

func newReceiver(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.requests, r.bodies = append(r.requests, req), append(r.bodies, body)
		r.mu.Unlock()
		answer(w, req)
	}))
	r.Config.ErrorLog = quiet()
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.requests)
}

func ok(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }

func wecomOK(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
}

// optionsFor tells one target, whose whole URL is the receiver's.
func optionsFor(r *receiver, t config.Notify) Options {
	return Options{
		Targets: []config.Notify{t}, Event: failedEvent(), Series: []string{"example/shop", "main"},
		Env:   env(map[string]string{"HOOK": r.URL + secretPath + "?key=qSECRETq", "KEY": testKey}),
		Roots: r.roots(), Now: func() time.Time { return started.Add(time.Hour) },
	}
}

var (
	slackTarget   = config.Notify{Slack: "${HOOK}"}
	wecomTarget   = config.Notify{WeCom: "${HOOK}"}
	webhookTarget = config.Notify{Webhook: "${HOOK}", Secret: "${KEY}"}
)

func TestSend(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		target config.Notify
		answer http.HandlerFunc
		holds  string
	}{
		"slack":           {slackTarget, ok, `"rich_text"`},
		"wecom":           {wecomTarget, wecomOK, `"msgtype":"markdown"`},
		"webhook":         {webhookTarget, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, `"gopreflight/notification/v1"`},
		"a huge answer":   {slackTarget, func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("ok "), 1<<20)) }, `"rich_text"`},
		"an empty answer": {slackTarget, func(http.ResponseWriter, *http.Request) {}, `"rich_text"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, test.answer)
			if warnings := Run(t.Context(), optionsFor(r, test.target)); len(warnings) > 0 {
				t.Fatal(warnings)
			}
			if r.count() != 1 {
				t.Fatalf("%d requests", r.count())
			}
			req := r.requests[0]
			if req.Method != http.MethodPost || req.URL.String() != secretPath+"?key=qSECRETq" || req.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s, %s", req.Method, req.URL, req.Header.Get("Content-Type"))
			}
			if !bytes.Contains(r.bodies[0], []byte(test.holds)) || !json.Valid(r.bodies[0]) {
				t.Errorf("sent %s", r.bodies[0])
			}
		})
	}
}

// The receiver's side of Standard Webhooks, written from its specification.
func TestWebhookIsSigned(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, ok)
	o := optionsFor(r, webhookTarget)
	for range 2 { // no state: told again
		if warnings := Run(t.Context(), o); len(warnings) > 0 {
			t.Fatal(warnings)
		}
	}
	key, err := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	for i, req := range r.requests {
		id, stamp := req.Header.Get("webhook-id"), req.Header.Get("webhook-timestamp")
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, stamp, r.bodies[i])
		got, found := strings.CutPrefix(req.Header.Get("webhook-signature"), "v1,")
		signature, err := base64.StdEncoding.DecodeString(got)
		if !found || err != nil || !hmac.Equal(signature, mac.Sum(nil)) {
			t.Errorf("signature %q of %q", got, id)
		}
		var seconds int64
		if _, err := fmt.Sscan(stamp, &seconds); err != nil || seconds != o.Now().Unix() {
			t.Errorf("timestamp %q", stamp)
		}
		var m message
		if err := json.Unmarshal(r.bodies[i], &m); err != nil || m.ID != id || m.Kind != Failed {
			t.Errorf("message %+v, %v, want the ID %s", m, err, id)
		}
	}
	if a, b := r.requests[0].Header.Get("webhook-id"), r.requests[1].Header.Get("webhook-id"); a != b {
		t.Errorf("one run, two IDs: %s, %s", a, b)
	}
}

// Every fault is one warning that names the target and the host, and holds no
// part of the URL, whatever the receiver answers.
func TestFaults(t *testing.T) {
	t.Parallel()
	// echo answers with the request's own path in its body, as some servers do.
	echo := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, req *http.Request) {
			w.WriteHeader(code)
			fmt.Fprintf(w, "<h1>no\x1b[31m such\r\nhook</h1> %s https://%s%s", strings.Split(req.URL.Path, "/")[3], req.Host, req.URL)
		}
	}
	says := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); io.WriteString(w, body) }
	}
	for name, test := range map[string]struct {
		target config.Notify
		answer http.HandlerFunc
		want   string // HOST stands for the receiver's
	}{
		"403":                {slackTarget, says(403, "action_prohibited"), "notify[0] (slack): HOST: answers 403 Forbidden: action_prohibited"},
		"404":                {slackTarget, says(404, "no_service"), "notify[0] (slack): HOST: answers 404 Not Found: no_service"},
		"404, echoing":       {slackTarget, echo(404), "notify[0] (slack): HOST: answers 404 Not Found: <h1>no such hook</h1> xxxxx xxxxx"},
		"410":                {webhookTarget, says(410, ""), "notify[0] (webhook): HOST: answers 410 Gone: (an empty body)"},
		"429 without a time": {slackTarget, says(429, "rate_limited"), "notify[0] (slack): HOST: answers 429 Too Many Requests: rate_limited"},
		"500":                {webhookTarget, says(500, "{}"), "notify[0] (webhook): HOST: answers 500 Internal Server Error: {}"},
		"an odd status":      {webhookTarget, says(599, "x"), "notify[0] (webhook): HOST: answers 599: x"},
		"a huge error":       {slackTarget, says(500, strings.Repeat("long ", 1<<20)), "notify[0] (slack): HOST: answers 500 Internal Server Error: " + strings.Repeat("long ", 31)},
		"errcode 45009":      {wecomTarget, says(200, `{"errcode":45009,"errmsg":"api freq out of limit"}`), "notify[0] (wecom): HOST: answers errcode 45009: api freq out of limit"},
		"errcode, echoing":   {wecomTarget, says(200, `{"errcode":93000,"errmsg":"invalid webhook url qSECRETq"}`), "notify[0] (wecom): HOST: answers errcode 93000: invalid webhook url xxxxx"},
		"no errcode":         {wecomTarget, says(200, `{"ok":true}`), `notify[0] (wecom): HOST: answers without an errcode: {"ok":true}`},
		"HTML of a portal":   {wecomTarget, says(200, "<html>log in</html>"), "notify[0] (wecom): HOST: answers without an errcode: <html>log in</html>"},
		"errcode and too long": {wecomTarget, says(200, `{"errcode":0,"errmsg":"`+strings.Repeat("x", 1<<20)+`"}`),
			`notify[0] (wecom): HOST: answers without an errcode: {"errcode":0,"errmsg":"xxx`},
		"a redirect": {slackTarget, func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "https://evil.example"+req.URL.Path, http.StatusTemporaryRedirect)
		}, "notify[0] (slack): HOST: answers 307 Temporary Redirect, a redirect, which is not followed"},
		"no answer at all": {slackTarget, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "notify[0] (slack): HOST: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, test.answer)
			o := optionsFor(r, test.target)
			o.State = StateFile(t.TempDir(), o.Series)
			warnings := Run(t.Context(), o)
			checkWarning(t, warnings, strings.ReplaceAll(test.want, "HOST", strings.TrimPrefix(r.URL, "https://")))
			if r.count() != 1 {
				t.Errorf("%d requests, want 1", r.count())
			}
			if states, err := readStates(o.State); err != nil || len(states) != 0 {
				t.Errorf("what was not told is remembered: %v, %v", states, err)
			}
		})
	}
}

// checkWarning wants one warning that begins so, is short and hides the URL.
func checkWarning(t *testing.T, warnings []error, want string) {
	t.Helper()
	if len(warnings) != 1 {
		t.Fatalf("warnings %q, want one", warnings)
	}
	got := warnings[0].Error()
	if !strings.HasPrefix(got, want) || len(got) > len("notify[0] (webhook): 127.0.0.1:65535: ")+maxQuoted {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if strings.Contains(got, "SECRET") || strings.ContainsAny(got, "\n\r\x1b") {
		t.Errorf("the warning shows too much: %q", got)
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	r := newReceiver(t, func(http.ResponseWriter, *http.Request) { <-done })
	defer close(done)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // sendTimeout would be too long for a test
	defer cancel()
	checkWarning(t, Run(ctx, optionsFor(r, slackTarget)), "notify[0] (slack): "+strings.TrimPrefix(r.URL, "https://")+": no answer within 10s")
}

func TestWrongCertificate(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, ok)
	o := optionsFor(r, slackTarget)
	o.Roots = x509.NewCertPool()
	checkWarning(t, Run(t.Context(), o), "notify[0] (slack): "+strings.TrimPrefix(r.URL, "https://")+": tls: failed to verify certificate: x509: certificate signed by unknown authority")
	if r.count() != 0 {
		t.Error("it was sent all the same")
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code     int
		after    string
		requests int
	}{
		"once, after a second":    {429, "1", 2},
		"unavailable":             {503, "1", 2},
		"too long":                {429, "3600", 1},
		"another error":           {500, "1", 1},
		"now":                     {429, "0", 1},
		"a number that overflows": {429, "9223372036854775807", 1},
		"negative":                {429, "-1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t, nil)
			r.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				r.mu.Lock()
				r.requests = append(r.requests, req)
				n := len(r.requests)
				r.mu.Unlock()
				if n == 1 {
					w.Header().Set("Retry-After", test.after)
					w.WriteHeader(test.code)
				}
			})
			warnings := Run(t.Context(), optionsFor(r, webhookTarget))
			if r.count() != test.requests || len(warnings) != 2-test.requests {
				t.Fatalf("%d requests, want %d; %v", r.count(), test.requests, warnings)
			}
			if a, b := r.requests[0].Header.Get("webhook-id"), r.requests[test.requests-1].Header.Get("webhook-id"); a != b {
				t.Errorf("the second attempt has another ID: %s, %s", a, b)
			}
		})
	}
	always := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	checkWarning(t, Run(t.Context(), optionsFor(always, slackTarget)), "notify[0] (slack): ")
	if always.count() != 2 {
		t.Errorf("%d requests, want 2", always.count())
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"Fri, 20 Nov 2026 09:00:04 GMT": 4 * time.Second, "Fri, 20 Nov 2026 08:00:00 GMT": 0, "Fri, 20 Nov 2026 10:00:00 GMT": 0, "soon": 0, "": 0, "10": maxWait, "11": 0,
	} {
		if got := retryAfter(value, started); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}

// A host that the policy file names is not connected to where it is local; one
// that the environment names is (all other tests).
func TestLocalAddresses(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, ok)
	port := r.Listener.Addr().(*net.TCPAddr).Port
	for _, host := range []string{"127.0.0.1", "localhost", "LocalHost.", "a.localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "10.1.2.3", "192.168.0.1", "169.254.169.254", "100.100.100.200", "[fe80::1]", "[fd00::1]", "[::]", "224.0.0.1"} {
		o := optionsFor(r, config.Notify{Slack: fmt.Sprintf("https://%s:%d/x", host, port)})
		checkWarning(t, Run(t.Context(), o), fmt.Sprintf("notify[0] (slack): %s:%d: a loopback, link-local or private address", host, port))
	}
	if r.count() != 0 {
		t.Errorf("%d requests", r.count())
	}
	// A name that only resolves to one is stopped when it is dialled.
	d := destination{kind: slackKind, url: &url.URL{Scheme: "https", Host: "example.com"}, named: true}
	transport, err := (&Options{}).transport(d)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := transport.DialContext(t.Context(), "tcp", r.Listener.Addr().String()); err == nil || !strings.Contains(err.Error(), errLocal.Error()) {
		t.Errorf("dialled %v, %v", conn, err)
	}
}

// Through an HTTP proxy, which the environment names and which may be local.
func TestHTTPProxy(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, ok)
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.Method+" "+req.Host)
		if req.Host != "example.com:443" { // the name in httptest's certificate
			w.WriteHeader(http.StatusForbidden)
			return
		}
		out, err := net.Dial("tcp", r.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer out.Close()
		w.WriteHeader(http.StatusOK)
		in, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer in.Close()
		go io.Copy(out, buffered)
		io.Copy(in, out)
	}))
	t.Cleanup(proxy.Close)
	via, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := optionsFor(r, config.Notify{Slack: "https://example.com/hooks/${TOKEN}"})
	o.Env = env(map[string]string{"TOKEN": "a/SECRET"})
	o.Proxy = func(*url.URL) (*url.URL, error) { return via, nil }
	if warnings := Run(t.Context(), o); len(warnings) > 0 {
		t.Fatal(warnings)
	}
	if r.count() != 1 || r.requests[0].URL.EscapedPath() != "/hooks/a%2FSECRET" {
		t.Errorf("%d requests, %v", r.count(), r.requests)
	}
	o.Targets = []config.Notify{{Slack: "https://other.example/hooks/${TOKEN}"}}
	checkWarning(t, Run(t.Context(), o), "notify[0] (slack): other.example: Forbidden")
	o.Proxy = func(*url.URL) (*url.URL, error) { return nil, fmt.Errorf("invalid proxy address %q", "u:SECRET@proxy") }
	checkWarning(t, Run(t.Context(), o), "notify[0] (slack): other.example: the HTTP proxy's URL is invalid")
	if got := strings.Join(asked, ", "); got != "CONNECT example.com:443, CONNECT other.example:443" {
		t.Errorf("the proxy was asked for %s", got)
	}
}
