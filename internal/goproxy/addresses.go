package goproxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Limits of a survey.
const (
	maxAddresses = 8
	// addressWait is how long an address may take: long enough for one packet to
	// be lost, which is sent again after a second. The go command's own dialer
	// goes on to the other family after 300 ms (net.Dialer.FallbackDelay).
	addressWait = 2 * time.Second
)

// An Address is one of those that a host's name resolves to.
type Address struct {
	Addr netip.Addr
	// Took is how long it took to connect or to fail.
	Took time.Duration
	// Fault is nil when the address was connected to.
	Fault *Fault
	// NoRoute says that this machine has no network of that kind, as most have
	// none for IPv6: nothing was sent, and it costs the go command nothing.
	NoRoute bool
}

// survey connects once to each address of the entry's host, all at once, beside
// the requests, which find one that works and tell nothing of the others. It
// returns nil where the host is an address itself, or this machine does not
// connect to it: nothing can be compared.
func (v *visit) survey(ctx context.Context) []Address {
	u := v.r.Entry.URL
	if _, err := netip.ParseAddr(u.Hostname()); err == nil || v.files {
		return nil
	}
	if proxy, err := v.proxyFor(u); err != nil || proxy != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, min(v.timeout, addressWait))
	defer cancel()
	resolver := v.p.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	found, err := resolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return nil // the requests tell why
	}
	_, port, err := net.SplitHostPort(hostPort(u))
	if err != nil {
		return nil
	}
	addresses := make([]Address, min(len(found), maxAddresses))
	var wg sync.WaitGroup
	for i := range addresses {
		wg.Go(func() { addresses[i] = v.knock(ctx, found[i].Unmap(), port) })
	}
	wg.Wait()
	return addresses
}

// knock connects to one address, and hangs up.
func (v *visit) knock(ctx context.Context, addr netip.Addr, port string) Address {
	a := Address{Addr: addr}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		a.Fault = &Fault{Phase: Connect, Kind: Other, Text: "port " + oneLine(port, maxText)}
		return a
	}
	start := v.p.Now()
	address := netip.AddrPortFrom(addr, uint16(n)).String()
	v.p.dialling(address)
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	a.Took = v.p.Now().Sub(start)
	if err != nil {
		a.Fault = classify(ctx, err, Connect, v.p.Now())
		a.Fault.Host, a.Fault.Text = address, oneLine(a.Fault.Text, maxText)
		if a.Fault.Kind == Timeout {
			a.Fault.Text = "no answer within " + min(v.timeout, addressWait).String()
		}
		a.NoRoute = isAny(err, errnoNoRoute) || errors.Is(err, syscall.EAFNOSUPPORT)
		return a
	}
	defer conn.Close()
	return a
}
