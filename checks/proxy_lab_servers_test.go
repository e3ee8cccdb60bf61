//go:build linux

package checks

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// TestProxyLabNameServer is no test: it is the name server of such a namespace.
func TestProxyLabNameServer(t *testing.T) {
	kind := os.Getenv("GOPREFLIGHT_LAB_DNS")
	if kind == "" {
		t.Skip("part of TestProxyLab")
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("READY"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	serveNames(conn, kind, nil)
}

// serveNames answers questions: "nxdomain", "servfail", "silent", or with the
// addresses that it is given.
func serveNames(conn net.PacketConn, kind string, addresses []net.IP) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if kind == "silent" || m.Unpack(buf[:n]) != nil || len(m.Questions) == 0 {
			continue
		}
		m.Response, m.Additionals = true, nil
		m.RCode = map[string]dnsmessage.RCode{"nxdomain": dnsmessage.RCodeNameError, "servfail": dnsmessage.RCodeServerFailure}[kind]
		for _, ip := range addresses {
			header := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1}
			switch v4 := ip.To4(); {
			case v4 != nil && m.Questions[0].Type == dnsmessage.TypeA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: [4]byte(v4)}})
			case v4 == nil && m.Questions[0].Type == dnsmessage.TypeAAAA:
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: [16]byte(ip)}})
			}
		}
		if out, err := m.Pack(); err == nil {
			conn.WriteTo(out, from)
		}
	}
}

// names is a resolver of its own.
func (l *proxyLab) names(kind string, addresses ...net.IP) *net.Resolver {
	l.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { conn.Close() })
	go serveNames(conn, kind, addresses)
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// good is a proxy that works, and http one with a handler.
func (l *proxyLab) good() string               { return l.http(proxyServing()) }
func (l *proxyLab) http(h http.Handler) string { return l.start(h, nil) }
func (l *proxyLab) https(h http.Handler) string {
	return l.start(h, l.with(l.ca.leaf(l.T, testLeaf{})))
}

// with is the TLS settings of a server with a certificate.
func (l *proxyLab) with(c tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{c}}
}

func (l *proxyLab) start(h http.Handler, config *tls.Config) string {
	l.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if config != nil {
		s.TLS = config
		s.StartTLS()
	} else {
		s.Start()
	}
	l.Cleanup(s.Close)
	return s.URL
}

// accepting accepts connections, and hands each to a function.
func (l *proxyLab) accepting(f func(net.Conn)) string {
	l.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go f(c)
		}
	}()
	return listener.Addr().String()
}

// deaf is an address that answers no connection, nor refuses it: its queue is
// full, and the system drops what more comes.
func (l *proxyLab) deaf() string {
	l.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() { syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		l.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		l.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for { // until the queue is full
		c, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		l.Cleanup(func() { c.Close() })
	}
}
