package checksumdb

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/mod/sumdb"
	"golang.org/x/mod/sumdb/note"

	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// Kind says in which way the database failed.
type Kind string

// The kinds.
const (
	// Unreachable: no answer came; Phase says how far the request got.
	Unreachable Kind = "unreachable"
	// Refused: an answer with another status than 200.
	Refused Kind = "status"
	// Unknown: 404 or 410 for a lookup, where a tree head shows that the database is
	// there: it does not know the version.
	Unknown Kind = "unknown-version"
	// Malformed: an answer, or a tree head, that is not what it should be: a web
	// page, too long, cut off.
	Malformed Kind = "malformed"
	// Unsigned: a tree head without a signature by the database's key.
	Unsigned Kind = "unsigned"
	// Fork: two signed trees that are not of one history. The database, or who
	// answers for it, shows different trees to different people.
	Fork Kind = "fork"
	// Inconsistent: a record or a tile that is not in the signed tree.
	Inconsistent Kind = "inconsistent"
)

// A Fault is why there is no proven answer.
type Fault struct {
	Kind Kind
	// Phase is how far the request got, for Unreachable; goproxy.HTTP or
	// goproxy.Protocol for the others.
	Phase goproxy.Phase
	// Timeout says that time was up.
	Timeout bool
	// URL is what was asked, without credentials; empty when it is about no
	// single request.
	URL string
	// Host is the host of URL, with a port where one is written; the path of a
	// file.
	Host string
	// Status is the HTTP status; 0 for none.
	Status int
	// Text says what happened in one line, without credentials.
	Text string
	// Detail are further lines: what the server sent as text, or the two tree
	// heads of a Fork; bounded.
	Detail []string
}

func (f *Fault) Error() string {
	if f.URL == "" {
		return f.Text
	}
	return f.URL + ": " + f.Text
}

// Transient reports whether the same request may succeed later with nobody
// mending anything.
func (f *Fault) Transient() bool {
	switch f.Kind {
	case Unreachable:
		return f.Phase != goproxy.TLS && f.Phase != goproxy.HTTPProxy || f.Timeout
	case Refused:
		return f.Status >= 500 || f.Status == http.StatusTooManyRequests
	}
	return false
}

// isLost reports whether every request to the same host would fail alike.
func (f *Fault) isLost() bool {
	return f.Kind == Unreachable && f.Phase != goproxy.HTTP && f.Phase != goproxy.Protocol
}

// What is kept of a text from outside.
const (
	maxText        = 300 // characters
	maxDetail      = 4 << 10
	maxDetailLines = 8
)

// networkFault is the fault of a request that got no answer. Its text is that of
// err without the URL, which may hold credentials.
func networkFault(ctx context.Context, err error) *Fault {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	f := &Fault{Kind: Unreachable, Phase: goproxy.HTTP, Text: err.Error()}
	var dns *net.DNSError
	var op *net.OpError
	var connect *connectError
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var unknown x509.UnknownAuthorityError
	var netErr net.Error
	f.Timeout = errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) ||
		errors.As(err, &netErr) && netErr.Timeout()
	isOp := errors.As(err, &op)
	switch {
	case errors.As(err, &connect), isOp && op.Op == "proxyconnect":
		f.Phase = goproxy.HTTPProxy
	case errors.As(err, &dns):
		f.Phase = goproxy.DNS
	case isOp && op.Op == "dial":
		f.Phase = goproxy.Connect
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &unknown),
		errors.Is(err, http.ErrSchemeMismatch), strings.Contains(err.Error(), "TLS handshake"):
		f.Phase = goproxy.TLS
	}
	return f
}

// bodyFault is the fault of an answer that does not end as it should.
func bodyFault(ctx context.Context, err error) *Fault {
	f := networkFault(ctx, err)
	f.Phase = goproxy.Protocol
	if errors.Is(err, io.ErrUnexpectedEOF) {
		f.Kind, f.Text = Malformed, "the answer is cut off"
	}
	return f
}

// faultOf is the fault behind an error of x/mod's client, which keeps only the
// text of errors: what ops reported ends in its number.
func (c *Client) faultOf(t *talk, err error) *Fault {
	text := err.Error()
	if i := strings.LastIndex(text, faultMark); i >= 0 {
		var n int
		if _, scanErr := fmt.Sscanf(text[i+len(faultMark):], "%d", &n); scanErr == nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			if n < len(c.faults) {
				return c.faults[n]
			}
		}
	}
	f := &Fault{Kind: Inconsistent, Phase: goproxy.Protocol}
	if strings.HasSuffix(text, sumdb.ErrSecurity.Error()) {
		f.Kind, f.Text = Fork, "two signed tree heads are not of one history"
		f.Detail = t.misbehaviour()
		return f
	}
	// "M@V: cannot authenticate record data in server response" and the like.
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	f.Text = line(text)
	return f
}

// faultMark begins the text of every error that ops hands to x/mod's client.
const faultMark = "checksumdb fault #"

// numbered keeps a fault and returns the error that faultOf finds it by.
func (c *Client) numbered(f *Fault) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
	return fmt.Errorf("%s%d", faultMark, len(c.faults)-1)
}

// noteFault says why a signed note is not believed.
func noteFault(err error) *Fault {
	f := &Fault{Kind: Malformed, Phase: goproxy.Protocol, Text: line(err.Error())}
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unverified) || errors.As(err, &invalid) {
		f.Kind = Unsigned
	}
	return f
}

// line makes hostile text fit for a message.
func line(s string) string {
	s = plain.Line(s)
	if r := []rune(s); len(r) > maxText {
		return string(r[:maxText]) + "…"
	}
	return s
}

// lines are the first lines of a text.
func lines(text string) []string {
	var out []string
	for l := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, line(l))
		}
		if len(out) == maxDetailLines {
			break
		}
	}
	return out
}
