package goproxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxNames bounds the names of a certificate that are kept.
const maxNames = 8

// How crypto/tls says that the server speaks only versions that are too old: by
// its own error, or by the server's alert. Neither has a type.
const (
	serverVersion = "tls: server selected unsupported protocol version"
	alertVersion  = "tls: protocol version not supported"
)

// classify says what a failed request means. stage is the phase that it was
// in. The text is that of err without the URL, which may hold credentials; the
// caller bounds it.
func classify(ctx context.Context, err error, stage Phase, now time.Time) *Fault {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err
	}
	f := &Fault{Phase: stage, Kind: Other, Text: err.Error()}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		f.NameServer = oneLine(dns.Server, maxText)
	}
	var connect *connectError
	var redirect *redirectError
	switch {
	case errors.Is(err, context.Canceled) && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		f.Kind = Canceled
	case errors.As(err, &redirect):
		f.Phase, f.Kind = HTTP, redirect.kind
	case errors.Is(err, errLocal):
		f.Phase, f.Kind, f.Text = HTTP, LocalRedirect, errLocal.Error()
	case errors.As(err, &connect):
		f.Phase, f.Kind, f.Status = HTTPProxy, ProxyConnect, connect.status
		if connect.status == http.StatusProxyAuthRequired {
			f.Kind = ProxyAuth
		}
	case isTimeout(ctx, err):
		f.Kind = Timeout
		if stage == DNS {
			f.Kind = DNSTimeout
		}
	case stage == HTTPProxy:
		f.Kind = ProxyConnect
	case dns != nil:
		f.Phase = DNS
		f.Kind = DNSOther
		if dns.IsNotFound {
			f.Kind = NXDomain
		}
	case errors.Is(err, http.ErrSchemeMismatch):
		f.Phase, f.Kind = TLS, HTTPOnHTTPS
	case classifyTLS(f, err, now):
	case errors.Is(err, errnoRefused):
		f.Kind = Refused
	case isAny(err, errnoUnreachable):
		f.Kind = Unreachable
	case isAny(err, errnoReset) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		f.Kind = Reset
	case stage == TLS:
		f.Kind = TLSOther
	}
	return f
}

// classifyTLS recognises a certificate or a handshake that is not accepted.
func classifyTLS(f *Fault, err error, now time.Time) bool {
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0 {
		f.Certificate = certificate(verify.UnverifiedCertificates[0])
		f.Chain = certificates(verify.UnverifiedCertificates)
	}
	var invalid x509.CertificateInvalidError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		f.Kind = TLSExpired
		if invalid.Cert != nil {
			f.Certificate = certificate(invalid.Cert) // perhaps not the leaf
			if now.Before(invalid.Cert.NotBefore) {
				f.Kind = TLSNotYetValid
			}
		}
	case errors.As(err, &unknown):
		f.Kind = TLSUnknownAuthority
	case errors.As(err, &name):
		f.Kind = TLSName
	case strings.HasPrefix(err.Error(), serverVersion), strings.HasSuffix(err.Error(), alertVersion):
		f.Kind = TLSVersion
	case verify != nil, errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert):
		f.Kind = TLSOther
	default:
		return false
	}
	f.Phase = TLS
	return true
}

// isTimeout reports whether time was up, by our own limit or by the system's.
func isTimeout(ctx context.Context, err error) bool {
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return true
	}
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

func isAny(err error, targets []error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}
