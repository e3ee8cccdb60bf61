package localnet

import (
	"net/netip"
	"testing"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.1.2.3": true, "0.0.0.0": true, "10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "169.254.169.254": true,
		"100.64.0.1": true, "100.100.100.200": true, "224.0.0.1": true, "255.255.255.255": true,
		"::1": true, "::": true, "fe80::1": true, "fe80::1%eth0": true, "fc00::1": true, "ff02::1": true, "::ffff:127.0.0.1": true, "::ffff:10.0.0.1": true,
		"localhost": true, "LOCALHOST": true, "localhost.": true, "a.localhost": true, "a.Localhost.": true,

		"192.0.0.192": true, "64:ff9b::7f00:1": true, "64:ff9b::a9fe:a9fe": true, "64:ff9b:1::8.8.8.8": true, "2002:7f00:1::1": true, "2002:a00:1::": true,
		"127.1": true, "2130706433": true, "0x7f000001": true, "0x7f.1": true, "0177.0.0.1": true, "8.8.8.8.": true, "example.0x7f": true,

		"64:ff9b::8.8.8.8": false, "2002:808:808::1": false, "1.example.com": false, "0x7f.example": false,
		"192.0.2.1": false, "8.8.8.8": false, "100.63.255.255": false, "100.128.0.1": false, "172.32.0.1": false, "2001:db8::1": false, "::ffff:8.8.8.8": false,
		"example.com": false, "localhost.example.com": false, "notlocalhost": false, "": false,
	} {
		if got := Host(host); got != want {
			t.Errorf("Host(%q) = %t", host, got)
		}
	}
	if !Addr(netip.Addr{}) {
		t.Error("the zero address is no local one")
	}
}

func TestDialled(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:443": true, "[fe80::1%lo]:443": true, "[::ffff:10.0.0.1]:443": true,
		"192.0.2.1:80": false, "[2001:db8::1]:443": false,
		"": true, "example.com:80": true, "192.0.2.1": true, // none that is dialled
	} {
		if got := Dialled(address); got != want {
			t.Errorf("Dialled(%q) = %t", address, got)
		}
	}
}
