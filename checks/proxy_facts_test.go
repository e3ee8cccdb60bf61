package checks

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestProxyFactsDocument: docs/monitoring.md has every field of the facts, so
// that none is renamed or taken away without a word.
func TestProxyFactsDocument(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range []any{proxyValue{}, proxyTiming{}, proxyAddressValue{}, proxyTLS{}, proxyAnswer{}, hostValue{}} {
		for i := range reflect.TypeOf(v).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(v).Field(i).Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	s := proxySession(t, map[string]string{"GOPROXY": proxyServer(t, proxyStatus(404)) + ",direct"})
	facts, _, err := runProxy(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for name := range facts.Values {
		names = append(names, name)
	}
	for _, name := range append(names, "chain", "entries", "walk", "told", "hosts", "direct", "served", "not-found", "failed", "bad", "unknown") {
		if !strings.Contains(string(data), "`"+name+"`") {
			t.Errorf("docs/monitoring.md does not tell of %s", name)
		}
	}
}

func TestNameServers(t *testing.T) {
	t.Parallel()
	got := parseNameServers(strings.NewReader("# a comment\nsearch example.com\nnameserver 192.0.2.1 # first\n nameserver\t2001:db8::1\nnameserver\nnameserver 192.0.2.3\nnameserver 192.0.2.4\n"))
	if want := []string{"192.0.2.1", "2001:db8::1", "192.0.2.3"}; !slices.Equal(got, want) {
		t.Errorf("name servers = %v, want %v", got, want)
	}
}
