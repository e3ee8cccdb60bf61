package goproxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
)

// maxChain bounds the certificates of a chain that are kept.
const maxChain = 5

// A TLSState is what a handshake came to.
type TLSState struct {
	// Version is "TLS 1.3"; ALPN the protocol that was agreed on, empty for none.
	Version string
	ALPN    string
	// Chain is the certificates from the server's own to the authority that is
	// trusted here; bounded. Of several ways up it is the one that lasts longest,
	// because any that is valid serves.
	Chain []Certificate
}

// tlsState keeps what matters of a connection's handshake.
func tlsState(c *tls.ConnectionState) *TLSState {
	chain := c.PeerCertificates
	for i, other := range c.VerifiedChains {
		if i == 0 || firstEnd(other).NotAfter.After(firstEnd(chain).NotAfter) {
			chain = other
		}
	}
	return &TLSState{Version: tls.VersionName(c.Version), ALPN: oneLine(c.NegotiatedProtocol, maxText), Chain: certificates(chain)}
}

// firstEnd is the certificate of a chain that ends first.
func firstEnd(chain []*x509.Certificate) *x509.Certificate {
	first := chain[0]
	for _, c := range chain {
		if c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first
}

func certificates(chain []*x509.Certificate) []Certificate {
	var out []Certificate
	for _, c := range chain[:min(len(chain), maxChain)] {
		out = append(out, *certificate(c))
	}
	return out
}

// certificate keeps what a message needs.
func certificate(c *x509.Certificate) *Certificate {
	out := &Certificate{
		Subject:    oneLine(nameOf(c.Subject.CommonName, c.Subject.String()), maxText),
		Issuer:     oneLine(nameOf(c.Issuer.CommonName, c.Issuer.String()), maxText),
		NotBefore:  c.NotBefore,
		NotAfter:   c.NotAfter,
		SelfSigned: bytes.Equal(c.RawSubject, c.RawIssuer),
	}
	for _, n := range c.DNSNames {
		out.Names = append(out.Names, oneLine(n, maxText))
	}
	for _, ip := range c.IPAddresses {
		out.Names = append(out.Names, ip.String())
	}
	out.Names = out.Names[:min(len(out.Names), maxNames)]
	return out
}

func nameOf(common, full string) string {
	if common != "" {
		return common
	}
	return full
}
