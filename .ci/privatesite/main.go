// Command privatesite is a company's own host for .ci/container-test: one module in
// a git repository, over https, with a certificate of an authority that nobody
// knows, for one user with a password.
//
//	privatesite serve HOST ROOT CA     the repositories below ROOT, on port 443; the
//	                                   authority's certificate goes into the file CA
//	privatesite sum DIR MODULE VERSION the module's lines of go.sum
//
// The password is in PRIVATE_PASSWORD, the user's name is ci. It has to run where
// git's http-backend is.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/cgi"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/dirhash"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 5 && os.Args[1] == "serve":
		err = serve(os.Args[2], os.Args[3], os.Args[4])
	case len(os.Args) == 5 && os.Args[1] == "sum":
		err = sum(os.Args[2], os.Args[3], os.Args[4])
	default:
		log.Fatal("usage: privatesite serve HOST ROOT CA, or sum DIR MODULE VERSION")
	}
	if err != nil {
		log.Fatal(err)
	}
}

func sum(dir, module, version string) error {
	tree, err := dirhash.HashDir(dir, module+"@"+version, dirhash.Hash1)
	if err != nil {
		return err
	}
	gomod, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, "go.mod")) })
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", module, version, tree, gomod)
	return err
}

func serve(host, root, caFile string) error {
	certificate, ca, err := issue(host)
	if err != nil {
		return err
	}
	if err := os.WriteFile(caFile, ca, 0o644); err != nil {
		return err
	}
	git := &cgi.Handler{
		Path: "/usr/lib/git-core/git-http-backend",
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := &http.Server{
		Addr:      ":443",
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, password, _ := r.BasicAuth()
			known := user == "ci" && password == os.Getenv("PRIVATE_PASSWORD")
			log.Printf("%s %s known=%t", r.Method, r.URL, known)
			name := strings.TrimPrefix(r.URL.Path, "/")
			switch {
			case !known:
				w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
				http.Error(w, "who are you?", http.StatusUnauthorized)
			case r.URL.Query().Get("go-get") == "1":
				fmt.Fprintf(w, "<html><head><meta name=\"go-import\" content=\"%s/%s git https://%[1]s/%[2]s.git\"></head></html>\n", host, name)
			default:
				git.ServeHTTP(w, r)
			}
		}),
	}
	return server.ListenAndServeTLS("", "")
}

// issue makes an authority, and a certificate for the host by it.
func issue(host string) (tls.Certificate, []byte, error) {
	var none tls.Certificate
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Private CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, nil, err
	}
	ca, err := x509.CreateCertificate(rand.Reader, authority, authority, caKey.Public(), caKey)
	if err != nil {
		return none, nil, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), caKey)
	if err != nil {
		return none, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{cert}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}), nil
}
