package checks

import (
	"context"
	"net"

	"golang.org/x/net/dns/dnsmessage"
)

// fakeNames is the Dial of a resolver that reaches no server: each question is
// answered in memory, with one IPv4 address.
func fakeNames(ip net.IP) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			answerStream(server, ip)
		}()
		return client, nil
	}
}

// answerStream speaks DNS over a stream, where a length comes first (RFC 1035, 4.2.2).
func answerStream(conn net.Conn, ip net.IP) {
	buf := make([]byte, 1500)
	for {
		n, err := conn.Read(buf[:2])
		if err != nil || n < 2 {
			return
		}
		length := int(buf[0])<<8 | int(buf[1])
		for n = 0; n < length; {
			k, err := conn.Read(buf[n:length])
			if err != nil {
				return
			}
			n += k
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:length]) != nil || len(m.Questions) == 0 {
			return
		}
		m.Response, m.Additionals = true, nil
		if m.Questions[0].Type == dnsmessage.TypeA {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1},
				Body:   &dnsmessage.AResource{A: [4]byte(ip.To4())},
			}}
		}
		out, err := m.Pack()
		if err != nil {
			return
		}
		if _, err := conn.Write(append([]byte{byte(len(out) >> 8), byte(len(out))}, out...)); err != nil {
			return
		}
	}
}
