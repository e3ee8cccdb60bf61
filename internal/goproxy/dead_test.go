package goproxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// deadChain is n entries that never answer, in three ways.
func deadChain(t testing.TB, n int) string {
	var entries []string
	for i := range n {
		switch i % 3 {
		case 0:
			entries = append(entries, "http://"+silentPort(t))
		case 1:
			entries = append(entries, "https://"+silentPort(t))
		default:
			entries = append(entries, fmt.Sprintf("http://n%d.example", i))
		}
	}
	return strings.Join(entries, "|")
}

// TestDeadEntries: a chain takes as long as its slowest entry, not the sum, and
// no longer than the limit and a tenth of it.
func TestDeadEntries(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	for _, n := range []int{1, 16} {
		chain, err := Parse(deadChain(t, n), "")
		if err != nil {
			t.Fatal(err)
		}
		p := &Prober{Now: time.Now, Timeout: limit, Resolver: dnsServer(t, dnsmessage.RCodeSuccess, true)}
		start := time.Now()
		results := p.Probe(t.Context(), chain, testModule)
		if d := time.Since(start); d > limit+limit/10 {
			t.Errorf("%d dead entries: %v, with a limit of %v", n, d, limit)
		}
		for i := range results {
			if f := results[i].Answer(Zip).Fault; f == nil || f.Kind != Timeout && f.Kind != DNSTimeout {
				t.Errorf("%s: %+v", chain[i], f)
			}
		}
	}
}

// BenchmarkDeadEntries is the wall time of a chain with so many dead entries.
func BenchmarkDeadEntries(b *testing.B) {
	for _, n := range []int{1, 4, 16} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			chain, err := Parse(deadChain(b, n), "")
			if err != nil {
				b.Fatal(err)
			}
			p := &Prober{Now: time.Now, Timeout: time.Second, Resolver: dnsServer(b, dnsmessage.RCodeSuccess, true)}
			for b.Loop() {
				p.Probe(b.Context(), chain, testModule)
			}
		})
	}
}
