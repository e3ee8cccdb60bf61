package checks

import (
	"os"
	"reflect"
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
