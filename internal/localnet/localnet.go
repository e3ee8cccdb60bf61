// Package localnet tells the addresses of this machine and of private networks
// from those of the internet, so that nobody who is not trusted can have the
// program connect to one of them. It resolves no name and connects to nothing.
package localnet

import (
	"net/netip"
	"slices"
	"strings"
)

// special are further networks that are nobody's on the internet.
var special = []netip.Prefix{
	netip.MustParsePrefix("100.64.0.0/10"),  // behind a carrier's NAT (RFC 6598), where some clouds have their metadata
	netip.MustParsePrefix("192.0.0.0/24"),   // protocol assignments (RFC 6890), where another one has them
	netip.MustParsePrefix("64:ff9b:1::/48"), // an operator's own NAT64 (RFC 8215)
}

// carriers are networks whose addresses have an IPv4 address inside, from that
// byte on, to which a gateway translates them.
var carriers = map[netip.Prefix]int{
	netip.MustParsePrefix("64:ff9b::/96"): 12, // NAT64 (RFC 6052)
	netip.MustParsePrefix("2002::/16"):    2,  // 6to4 (RFC 3056)
}

// Addr reports whether an address is one of this machine, of its link or of a
// private network, or none that a single host can have: so is the zero value.
func Addr(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for network, at := range carriers {
		if bytes := a.As16(); network.Contains(a) && Addr(netip.AddrFrom4([4]byte(bytes[at:at+4]))) {
			return true
		}
	}
	return !a.IsGlobalUnicast() || a.IsPrivate() ||
		slices.ContainsFunc(special, func(network netip.Prefix) bool { return network.Contains(a) })
}

// Dialled is Addr for "address:port", as net.Dialer.Control is told it. It is
// true for anything else.
func Dialled(address string) bool {
	ap, err := netip.ParseAddrPort(address)
	return err != nil || Addr(ap.Addr())
}

// Host is Addr for a host as a URL has it, without brackets. A name other than
// localhost may still resolve to such an address. A name that ends in a number is
// none: programs older than RFC 3986 take 127.1, 2130706433 and 0x7f000001 for
// addresses (WHATWG, URL Standard, "ends in a number checker").
func Host(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return Addr(a)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndexByte(host, '.')+1:]
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasPrefix(last, "0x") ||
		last != "" && strings.Trim(last, "0123456789") == ""
}
