package goproxy

import (
	"net/http"
	"slices"
	"time"

	"golang.org/x/mod/module"
)

// A Phase is a step on the way to an answer.
type Phase string

// The phases, in order. HTTPProxy is the way through the proxy that HTTPS_PROXY
// or HTTP_PROXY names: finding it, connecting to it, and its CONNECT. Protocol
// is what the answer contains.
const (
	DNS       Phase = "dns"
	Connect   Phase = "connect"
	HTTPProxy Phase = "http-proxy"
	TLS       Phase = "tls"
	HTTP      Phase = "http"
	Protocol  Phase = "protocol"
)

// A Kind says what went wrong.
type Kind string

// The kinds.
const (
	NXDomain     Kind = "nxdomain"    // the name does not exist
	DNSTimeout   Kind = "dns-timeout" // the resolver does not answer
	DNSOther     Kind = "dns-other"   // the resolver answers with an error
	Refused      Kind = "refused"     // nothing listens on the port
	Unreachable  Kind = "unreachable" // no route to the host
	Reset        Kind = "reset"       // the connection was closed or reset
	Timeout      Kind = "timeout"     // nothing came in time; see Phase
	ProxyConnect Kind = "proxy-connect"
	ProxyAuth    Kind = "proxy-auth" // status 407

	TLSExpired          Kind = "tls-expired"
	TLSNotYetValid      Kind = "tls-not-yet-valid"
	TLSUnknownAuthority Kind = "tls-unknown-authority"
	TLSName             Kind = "tls-name"
	TLSVersion          Kind = "tls-version" // older than TLS 1.2, which is the oldest that the go command speaks
	TLSOther            Kind = "tls-other"
	HTTPOnHTTPS         Kind = "http-on-https" // plain HTTP where https was asked

	RedirectLoop        Kind = "redirect-loop"        // more than 10 redirects
	InsecureRedirect    Kind = "insecure-redirect"    // from https to http
	LocalRedirect       Kind = "local-redirect"       // to a local address: not followed by this package, not judged
	InsecureCredentials Kind = "insecure-credentials" // credentials in an http URL: the go command refuses

	Status    Kind = "status"    // neither 200 nor "not found"; see Fault.Status
	NotFound  Kind = "not-found" // status 404 or 410, no such file
	Content   Kind = "content"   // an answer that is not what was asked for
	Truncated Kind = "truncated" // the answer ends before its length
	TooLarge  Kind = "too-large" // a zip that is larger than the go command takes
	Unread    Kind = "unread"    // an answer that is longer than this package reads: not judged
	File      Kind = "file"      // a file entry that cannot be read
	Other     Kind = "other"
	Canceled  Kind = "canceled" // the caller gave up
)

// A Fault is why a request got no good answer.
type Fault struct {
	Phase Phase
	Kind  Kind
	// Host is the host:port that was being talked to: the entry's, or that of
	// a redirect's target, or the HTTP proxy's.
	Host string
	// Status is the HTTP status of kinds Status, NotFound and ProxyAuth; 0 otherwise.
	Status int
	// NameServer is the one that was asked last, for the DNS kinds; empty where
	// the system does not say.
	NameServer string
	// Text says what happened, in one line, without credentials.
	Text string
	// Detail is the first lines of a text that the server sent; bounded.
	Detail []string
	// Certificate is the one that was not accepted, for the TLS kinds; nil
	// where it is not known.
	Certificate *Certificate
	// Chain is what the server sent with it, its own certificate first; bounded.
	Chain []Certificate
}

// Transient reports whether the same request may succeed later, with nobody
// mending anything.
func (f *Fault) Transient() bool {
	switch f.Kind {
	case DNSTimeout, DNSOther, Refused, Unreachable, Reset, Timeout, Truncated:
		return true
	case Status, ProxyConnect:
		return f.Status >= http.StatusInternalServerError || f.Status == http.StatusTooManyRequests
	}
	return false
}

// A Certificate is what matters of an X.509 certificate.
type Certificate struct {
	Subject   string
	Issuer    string
	NotBefore time.Time
	NotAfter  time.Time
	// Names are the DNS names and addresses that it is valid for; bounded.
	Names []string
	// SelfSigned says that subject and issuer are the same.
	SelfSigned bool
}

// A Timing is one phase of the first request.
type Timing struct {
	Phase Phase
	// Host is the host:port; it changes with a redirect.
	Host     string
	Duration time.Duration
	// Failed says that the phase did not end well.
	Failed bool
}

// An Endpoint is a request of the module proxy protocol.
type Endpoint string

// The endpoints, in the order in which they are asked. A download needs the
// first three, a query the fourth; the others tell more about an entry that
// serves, and are asked for only when there is time left.
const (
	Info Endpoint = "info"
	Mod  Endpoint = "mod"
	Zip  Endpoint = "zip"
	List Endpoint = "list"
	// Latest is asked by the go command only when the list has no usable version.
	Latest Endpoint = "latest"
	// Missing is the info of a version that no module has: UnknownVersion.
	Missing Endpoint = "missing"
	// Escaped is the info of a module whose path has a capital, "!" and a small
	// letter in the URL; Unescaped is that of the same with the capital as it is,
	// and asked for only if Escaped was refused.
	Escaped   Endpoint = "escaped"
	Unescaped Endpoint = "unescaped"
	// SumDB asks whether the entry leads to the checksum database.
	SumDB Endpoint = "sumdb"
)

// Endpoints is the order in which the endpoints are asked that decide.
var Endpoints = []Endpoint{Info, Mod, Zip, List}

// UnknownVersion is a version that nobody gives to a module.
const UnknownVersion = "v0.0.0-no.such.version"

// An Answer is what one endpoint answered.
type Answer struct {
	Endpoint Endpoint
	// URL is what was asked, without credentials.
	URL string
	// Status is the HTTP status; 0 for none.
	Status   int
	Duration time.Duration
	// Assumed says that it was not asked, because the way to the server
	// failed for an earlier endpoint; Fault is that one's.
	Assumed bool
	// Fault is nil when all is well.
	Fault *Fault
	// First is the transient fault of a first attempt, after which there was a
	// second one: Fault tells how that ended. Nil when one attempt was all.
	First *Fault
	// Hops are the redirects that were followed; bounded by the go command's 10.
	Hops []Hop
	// Bytes is how much of the body was read, and Reading how long that took
	// after its first byte.
	Bytes   int64
	Reading time.Duration
	// FirstByte is the time from the request to the first byte of the answer,
	// without what it took to connect; 0 where nothing came.
	FirstByte time.Duration
}

// A Hop is a redirect.
type Hop struct {
	Status int
	// To is where it leads, without credentials and query.
	To string
}

// Outcome is the answer in the terms of the go command's fallback.
func (a *Answer) Outcome() Outcome {
	switch {
	case a.Fault == nil:
		return OK
	case a.Broken():
		return Bad
	case a.Fault.Kind == NotFound:
		return NotExist
	case a.Fault.Kind == LocalRedirect || a.Fault.Kind == Canceled || a.Fault.Kind == Unread:
		return Unknown
	}
	return Failed
}

// Broken reports whether the go command takes this answer, so that no later
// entry is asked, and is led astray by it: a mod, zip or list with other
// content (not a truncated one, which is an error of the request).
func (a *Answer) Broken() bool {
	return a.Fault != nil && a.Fault.Kind == Content && a.Endpoint != Info
}

// A Result is how one entry answered.
type Result struct {
	Entry Entry
	// Module is what was asked for.
	Module module.Version
	// Probed is false for a keyword, which is nobody to ask.
	Probed bool
	// HTTPProxy is the proxy of HTTPS_PROXY or HTTP_PROXY that the entry is
	// reached through, without credentials; empty for none.
	HTTPProxy string
	// Timings is the phases of the first request, in order.
	Timings []Timing
	// Answers is one per endpoint, in the order of Endpoints; nil for a keyword.
	Answers []Answer
	// Extras are the answers of the endpoints that decide nothing; as many as
	// there was time for.
	Extras []Answer
	// Addresses are those of the entry's host, each connected to once; nil where
	// an HTTP proxy or nobody resolves the name.
	Addresses []Address
	// TLS is what the handshake with the entry's own host agreed on; nil when
	// there was none that went well.
	TLS *TLSState
	// Headers are those of the first good answer that tell who answers: Server,
	// Via, Age, X-Cache; bounded.
	Headers map[string]string
	// Skew is how much later it is by the server's Date (and Age) than here, by
	// the answer whose Date is the latest; HasDate says that there was one.
	Skew    time.Duration
	HasDate bool
	// LoggedIn says that credentials were sent: the URL's, or those found.
	LoggedIn bool
	// CredentialsKept is the host of a redirect to which the entry's
	// credentials were not sent on; empty for none.
	CredentialsKept string
}

// Answer is the answer of an endpoint; nil when there is none.
func (r *Result) Answer(e Endpoint) *Answer {
	for _, answers := range [][]Answer{r.Answers, r.Extras} {
		if i := slices.IndexFunc(answers, func(a Answer) bool { return a.Endpoint == e }); i >= 0 {
			return &answers[i]
		}
	}
	return nil
}

// Certificate is that of the entry's own host; nil when no handshake went well.
func (r *Result) Certificate() *Certificate {
	if r.TLS == nil || len(r.TLS.Chain) == 0 {
		return nil
	}
	return &r.TLS.Chain[0]
}

// Throughput is the bytes a second with which the zip's body came; 0 where too
// little was read to say.
func (r *Result) Throughput() float64 {
	a := r.Answer(Zip)
	if a == nil || a.Bytes < minMeasured || a.Reading <= 0 {
		return 0
	}
	return float64(a.Bytes) / a.Reading.Seconds()
}

// Outcomes is the outcome of an endpoint at every entry, for Chain.Decide.
// Direct is Unknown, NoProxy passes on: the module is not one of GONOPROXY's.
func Outcomes(results []Result, e Endpoint) []Outcome {
	outcomes := make([]Outcome, len(results))
	for i := range results {
		switch r := &results[i]; {
		case r.Entry.Keyword == NoProxy:
			outcomes[i] = UseProxy
		case r.Entry.Keyword == Off:
			outcomes[i] = NotExist
		case r.Probed:
			outcomes[i] = r.Answer(e).Outcome()
		}
	}
	return outcomes
}
