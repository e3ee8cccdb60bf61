package forge

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// described judges every request, and every answer of a fake server, by the
// site's own OpenAPI description. It stands where the transport does: below the
// client, above the wire.
type described struct {
	t      testing.TB
	router routers.Router
	server *url.URL // as the description has it
	base   string   // path under which the fake serves it
	next   http.RoundTripper
}

// injected is the header of an answer that a test made wrong on purpose.
const injected = "X-Injected-Fault"

// description loads a description once for all tests.
var description = func() func(file string) (*openapi3.T, routers.Router, error) {
	type loaded struct {
		doc    *openapi3.T
		router routers.Router
		err    error
	}
	var mu sync.Mutex
	seen := map[string]loaded{}
	return func(file string) (*openapi3.T, routers.Router, error) {
		mu.Lock()
		defer mu.Unlock()
		l, ok := seen[file]
		if !ok {
			if l.doc, l.err = openapi3.NewLoader().LoadFromFile(file); l.err == nil {
				l.router, l.err = legacy.NewRouter(l.doc, openapi3.DisableExamplesValidation())
			}
			seen[file] = l
		}
		return l.doc, l.router, l.err
	}
}()

// describe returns the transport for a fake that serves a description's API
// under the path base.
func describe(t testing.TB, file, base string) *described {
	t.Helper()
	doc, router, err := description(file)
	if err != nil {
		t.Fatal(err)
	}
	server, err := url.Parse(doc.Servers[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &described{t: t, router: router, server: server, base: base, next: transport}
}

func (d *described) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	as := req.Clone(req.Context())
	as.URL.Scheme, as.URL.Host, as.Host = d.server.Scheme, d.server.Host, d.server.Host
	as.URL.Path = d.server.Path + strings.TrimPrefix(as.URL.Path, d.base)
	as.URL.RawPath = ""
	as.Body = io.NopCloser(bytes.NewReader(body))
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))

	in := &openapi3filter.RequestValidationInput{
		Request: as,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true},
	}
	var err error
	if in.Route, in.PathParams, err = d.router.FindRoute(as); err != nil {
		if as.URL.Path == d.server.Path+"/version" { // Gitea's own
			return d.next.RoundTrip(req)
		}
		d.t.Errorf("request %s %s: %v", req.Method, as.URL.Path, err)
		return d.next.RoundTrip(req)
	}
	if err := openapi3filter.ValidateRequest(req.Context(), in); err != nil {
		d.t.Errorf("request %s %s: %s", req.Method, as.URL, reason(err))
	}
	resp, err := d.next.RoundTrip(req)
	if err != nil || resp.Header.Get(injected) != "" {
		return resp, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header,
		Body: io.NopCloser(bytes.NewReader(answer)), Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(req.Context(), out); err != nil {
		d.t.Errorf("the fake's answer %d to %s %s: %s", resp.StatusCode, req.Method, as.URL, reason(err))
	}
	return resp, nil
}

// reason is an error of the validator without the schema that it prints.
func reason(err error) string {
	s, _, _ := strings.Cut(err.Error(), "Schema:")
	return strings.TrimSpace(s)
}

// wantRefusal is for options that a New function takes, where want is empty, or
// refuses in these words, of which the token is none.
func wantRefusal(t *testing.T, name string, err error, want, secret string) {
	t.Helper()
	switch {
	case want == "" && err != nil, want != "" && (err == nil || err.Error() != want):
		t.Errorf("%s:\n got %v\nwant %s", name, err, want)
	case err != nil && strings.Contains(err.Error(), secret):
		t.Errorf("%s: the token is in %q", name, err)
	}
}

// fault stands in for what a server does with one request; serve is what it
// would do.
type fault func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc)

// faults are those to come, by operation, first come first served; those of
// forever stay.
type faults struct {
	mu       sync.Mutex
	next     map[string][]fault
	forever  map[string]fault
	requests []string // the operations that were asked for
}

// asked is how often an operation was asked for.
func (f *faults) asked(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if r == op {
			n++
		}
	}
	return n
}

// add queues faults for the next requests of an operation.
func (f *faults) add(op string, list ...fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		f.next = map[string][]fault{}
	}
	f.next[op] = append(f.next[op], list...)
}

// always injects a fault into every request of an operation from now on.
func (f *faults) always(op string, one fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forever == nil {
		f.forever = map[string]fault{}
	}
	f.forever[op] = one
}

// wrap serves a request of an operation, with its fault if one is due.
func (f *faults) wrap(op string, w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	f.mu.Lock()
	f.requests = append(f.requests, op)
	one := f.forever[op]
	if q := f.next[op]; len(q) > 0 {
		one, f.next[op] = q[0], q[1:]
	}
	f.mu.Unlock()
	if one == nil {
		serve(w, r)
		return
	}
	one(w, r, serve)
}

// answers is a fault: the server answers with this.
func answers(status int, body string, header ...string) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set(injected, "1")
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// first is no fault: something happens just before the server acts.
func first(do func()) fault {
	return func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		do()
		serve(w, r)
	}
}

// doneBut is a fault: the server acts, and fails to say so.
func doneBut(then fault) fault {
	return func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		serve(nowhere{}, r)
		then(w, r, serve)
	}
}

// nowhere is a ResponseWriter that nobody reads.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// hangs is a fault: no answer comes until the client gives up.
func hangs(_ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
	io.Copy(io.Discard, r.Body) // a server notices a client that left only when it has read all
	<-r.Context().Done()
}

// hangsUp is a fault: the connection ends without an answer.
func hangsUp(w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
	panic(http.ErrAbortHandler)
}
