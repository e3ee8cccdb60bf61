//go:build linux

package checks

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// noHTTPProxy takes the origin off the way, where names have to resolve here.
var noHTTPProxy = []string{"HTTPS_PROXY=", "HTTP_PROXY="}

// named is a server under the name goproxy.example.
func named(address string) string {
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(address, "http://"))
	return "http://goproxy.example:" + port
}

// hangUp waits for the start of a request, and closes in good order.
func hangUp(c net.Conn) {
	io.CopyN(io.Discard, c, 40)
	c.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, c)
	c.Close()
}

// httpProxy is a case behind an HTTP proxy.
func httpProxy(via, goproxy string) proxyCase {
	return proxyCase{goproxy: goproxy, env: []string{"HTTPS_PROXY=" + via, "HTTP_PROXY=" + via}}
}

var proxyNetworkFaults = []proxyFault{
	{"the name does not exist", "proxy/dns", "dns", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "https://goproxy.example", resolver: l.names("nxdomain"), env: noHTTPProxy, dns: "nxdomain"}
	}},
	{"the name server fails", "proxy/dns", "dns", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "https://goproxy.example", resolver: l.names("servfail"), env: noHTTPProxy, dns: "servfail"}
	}},
	{"the name server never answers", "proxy/dns", "dns", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "https://goproxy.example", resolver: l.names("silent"), env: noHTTPProxy, dns: "silent", timeout: silence}
	}},
	{"nobody listens", "proxy/connect", "connect", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: proxyClosedPort(l.T)}
	}},
	{"packets are dropped", "proxy/timeout", "connect", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "http://" + l.deaf(), timeout: silence, hangs: true}
	}},
	{"accepts and stays silent", "proxy/timeout", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: proxyBlackHole(l.T), timeout: silence, hangs: true}
	}},
	{"accepts and resets", "proxy/connect", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "http://" + l.accepting(func(c net.Conn) {
			c.Read(make([]byte, 1)) // so that the request is under way
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		})}
	}},
	{"accepts and closes", "proxy/connect", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "http://" + l.accepting(hangUp)}
	}},
	{"speaks no HTTP", "proxy/content", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "http://" + l.accepting(func(c net.Conn) {
			io.CopyN(io.Discard, c, 40) // the request
			io.WriteString(c, "220 mail.example ESMTP\r\n")
			io.Copy(io.Discard, c)
		})}
	}},
	{"a dead IPv6 address beside a live IPv4 one", "proxy/address", "connect", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: named(l.good()), resolver: l.names("", net.IPv4(127, 0, 0, 1), net.IPv6loopback), env: noHTTPProxy,
			hosts: "127.0.0.1 goproxy.example\n::1 goproxy.example\n"}
	}},
	{"one of two IPv4 addresses is dead", "proxy/address", "connect", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: named(l.good()), resolver: l.names("", net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 9)), env: noHTTPProxy,
			hosts: "127.0.0.1 goproxy.example\n127.0.0.9 goproxy.example\n"}
	}},
	{"every address is dead", "proxy/connect", "connect", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: named(proxyClosedPort(l.T)), resolver: l.names("", net.IPv4(127, 0, 0, 1), net.IPv6loopback), env: noHTTPProxy,
			hosts: "127.0.0.1 goproxy.example\n"}
	}},

	{"HTTP proxy: 407 to CONNECT", "proxy/credentials", "http-proxy", func(l *proxyLab) proxyCase {
		return httpProxy(l.http(proxyStatus(407)), "https://goproxy.example")
	}},
	{"HTTP proxy: 407 to GET", "proxy/credentials", "http-proxy", func(l *proxyLab) proxyCase {
		return httpProxy(l.http(proxyStatus(407)), "http://goproxy.example")
	}},
	{"HTTP proxy: 403 to CONNECT", "proxy/http-proxy", "http-proxy", func(l *proxyLab) proxyCase {
		return httpProxy(l.http(proxyStatus(403)), "https://goproxy.example")
	}},
	{"HTTP proxy: 502 to CONNECT", "proxy/http-proxy", "http-proxy", func(l *proxyLab) proxyCase {
		return httpProxy(l.http(proxyStatus(502)), "https://goproxy.example")
	}},
	{"HTTP proxy: nobody listens", "proxy/http-proxy", "http-proxy", func(l *proxyLab) proxyCase {
		return httpProxy(proxyClosedPort(l.T), "https://goproxy.example")
	}},
	{"HTTP proxy: stays silent", "proxy/http-proxy", "http-proxy", func(l *proxyLab) proxyCase {
		c := httpProxy(proxyBlackHole(l.T), "https://goproxy.example")
		c.timeout, c.hangs = silence, true
		return c
	}},
	{"HTTP proxy: closes after CONNECT", "proxy/http-proxy", "http-proxy", func(l *proxyLab) proxyCase {
		return httpProxy("http://"+l.accepting(hangUp), "https://goproxy.example")
	}},
	{"HTTP proxy: leads, and the server behind it is not trusted", "proxy/tls-untrusted", "tls", func(l *proxyLab) proxyCase {
		other := l.start(proxyServing(), l.with(newTestCA(l.T, "Firewall CA").leaf(l.T, testLeaf{names: []string{"goproxy.example"}})))
		return httpProxy(l.http(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			tunnel(w, strings.TrimPrefix(other, "https://"))
		})), "https://goproxy.example")
	}},
}

var proxyTLSFaults = []proxyFault{
	{"certificate expired", "proxy/tls-expired", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(l.ca.leaf(l.T, testLeaf{notAfter: time.Now().AddDate(0, 0, -3)})))}
	}},
	{"certificate not yet valid", "proxy/tls", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(l.ca.leaf(l.T, testLeaf{notBefore: time.Now().Add(time.Hour), notAfter: time.Now().AddDate(1, 0, 0)})))}
	}},
	{"certificate signed by itself", "proxy/tls-untrusted", "tls", func(l *proxyLab) proxyCase {
		url, _ := proxyTLSServer(l.T, time.Now().AddDate(1, 0, 0))
		return proxyCase{goproxy: url}
	}},
	{"certificate of an unknown authority", "proxy/tls-untrusted", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(newTestCA(l.T, "Firewall CA").leaf(l.T, testLeaf{})))}
	}},
	{"intermediate certificate missing", "proxy/tls-untrusted", "tls", func(l *proxyLab) proxyCase {
		leaf := signTestCA(l.T, "Lab CA 2", l.ca, time.Now().AddDate(1, 0, 0)).leaf(l.T, testLeaf{})
		leaf.Certificate = leaf.Certificate[:1]
		return proxyCase{goproxy: l.start(proxyServing(), l.with(leaf))}
	}},
	{"intermediate certificate expired", "proxy/tls-expired", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(signTestCA(l.T, "Lab CA 2", l.ca, time.Now().AddDate(0, 0, -2)).leaf(l.T, testLeaf{})))}
	}},
	{"certificate for another name", "proxy/tls-name", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(l.ca.leaf(l.T, testLeaf{names: []string{"other.example"}})))}
	}},
	{"TLS 1.1", "proxy/tls", "tls", func(l *proxyLab) proxyCase {
		config := l.with(l.ca.leaf(l.T, testLeaf{}))
		config.MinVersion, config.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		return proxyCase{goproxy: l.start(proxyServing(), config)}
	}},
	{"wants a certificate from the client", "proxy/tls", "tls", func(l *proxyLab) proxyCase {
		config := l.with(l.ca.leaf(l.T, testLeaf{}))
		config.ClientAuth, config.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		return proxyCase{goproxy: l.start(proxyServing(), config)}
	}},
	{"plain HTTP where GOPROXY says https", "proxy/tls", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: strings.Replace(l.good(), "http:", "https:", 1)}
	}},
	{"no scheme, and plain HTTP", "proxy/tls", "tls", func(l *proxyLab) proxyCase {
		address := strings.TrimPrefix(l.good(), "http://")
		return proxyCase{goproxy: address, key: "https://" + address}
	}},
	{"no TLS handshake", "proxy/timeout", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: strings.Replace(proxyBlackHole(l.T), "http:", "https:", 1), timeout: silence, hangs: true}
	}},
	{"closes during the handshake", "proxy/connect", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "https://" + l.accepting(hangUp)}
	}},
	{"certificate expires in 5 days", "proxy/tls-expiring", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(l.ca.leaf(l.T, testLeaf{notAfter: time.Now().AddDate(0, 0, 5)})))}
	}},
	{"intermediate certificate expires in 5 days", "proxy/tls-expiring", "tls", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.start(proxyServing(), l.with(signTestCA(l.T, "Lab CA 2", l.ca, time.Now().AddDate(0, 0, 5)).leaf(l.T, testLeaf{})))}
	}},
}

// statusFault is a server that answers everything with one status.
func statusFault(status int, rule string) proxyFault {
	return proxyFault{fmt.Sprint("status ", status), rule, "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyStatus(status))}
	}}
}
