package goproxy

import (
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
	// Text says what happened, in one line, without credentials.
	Text string
	// Detail is the first lines of a text that the server sent; bounded.
	Detail []string
	// Certificate is the one that was not accepted, for the TLS kinds; nil
	// where it is not known.
	Certificate *Certificate
}

// A Certificate is what matters of an X.509 certificate.
type Certificate struct {
	Subject   string
	Issuer    string
	NotBefore time.Time
	NotAfter  time.Time
	// Names are the DNS names and addresses that it is valid for; bounded.
	Names []string
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

// An Endpoint is one of the four requests of the module proxy protocol.
type Endpoint string

// The endpoints, in the order in which they are asked.
const (
	Info Endpoint = "info"
	Mod  Endpoint = "mod"
	Zip  Endpoint = "zip"
	List Endpoint = "list"
)

// Endpoints is the order in which the endpoints are asked.
var Endpoints = []Endpoint{Info, Mod, Zip, List}

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
}

// Outcome is the answer in the terms of the go command's fallback. Content of
// a mod or zip is looked at only after that, so bad content there is OK here:
// see Broken.
func (a *Answer) Outcome() Outcome {
	switch {
	case a.Fault == nil || a.Broken():
		return OK
	case a.Fault.Kind == NotFound:
		return NotExist
	case a.Fault.Kind == LocalRedirect || a.Fault.Kind == Canceled:
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
	// Certificate is the leaf certificate of the entry's own host when its
	// TLS handshake went well; nil otherwise.
	Certificate *Certificate
	// LoggedIn says that credentials were sent: the URL's, or those found.
	LoggedIn bool
	// CredentialsKept is the host of a redirect to which the entry's
	// credentials were not sent on; empty for none.
	CredentialsKept string
}

// Answer is the answer of an endpoint; nil when there is none.
func (r *Result) Answer(e Endpoint) *Answer {
	i := slices.IndexFunc(r.Answers, func(a Answer) bool { return a.Endpoint == e })
	if i < 0 {
		return nil
	}
	return &r.Answers[i]
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
