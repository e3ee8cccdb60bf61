package e2e

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver is who is notified: over TLS, with a certificate of its own.
type receiver struct {
	mu     sync.Mutex
	bodies []string
	status int
}

func theReceiver(ts *testscript.TestScript) *receiver { return ts.Value("receiver").(*receiver) }

// startReceiver starts a script's receiver: startreceiver. HOOK is its address,
// and SSL_CERT_FILE makes its certificate known.
func startReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: startreceiver")
	}
	h := theReceiver(ts)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		if h.status != http.StatusOK {
			http.Error(w, "told to fail", h.status)
			return
		}
		h.bodies = append(h.bodies, r.URL.Path+" "+string(body))
		io.WriteString(w, "ok")
	}))
	ts.Defer(server.Close)
	file := ts.MkAbs("receiver.pem")
	ts.Check(os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	ts.Setenv("SSL_CERT_FILE", file)
	ts.Setenv("HOOK", server.URL+"/secret-path")
}

// receive says with which status the receiver answers from now on: receive 500.
func receive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: receive STATUS")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	h := theReceiver(ts)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

// received asserts what the receiver got since the last time: one regular
// expression for each, in their order; received without one asserts nothing.
func received(ts *testscript.TestScript, neg bool, args []string) {
	h := theReceiver(ts)
	h.mu.Lock()
	defer h.mu.Unlock()
	if neg || len(h.bodies) != len(args) {
		ts.Fatalf("received %d, want %d: %q", len(h.bodies), len(args), h.bodies)
	}
	for i, body := range h.bodies {
		if !regexp.MustCompile(args[i]).MatchString(body) {
			ts.Fatalf("received nothing like %s: %s", args[i], body)
		}
	}
	h.bodies = nil
}
