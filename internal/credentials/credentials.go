// Package credentials turns secrets that a job has in hand (a netrc, certificates,
// an ssh key) into files of one folder and into the environment by which go, git
// and ssh use these and no others.
//
// It writes into the folder that it is given and nowhere else, in particular not
// into HOME, runs nothing, asks nobody, and repeats no secret in an error. To take
// the folder away again is the caller's work.
package credentials

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// maxInput is the largest of the inputs, in bytes. GitHub itself ends a secret at
// 48 KB.
const maxInput = 1 << 20

// Inputs is what a job has been given; what is empty was not.
type Inputs struct {
	// Netrc is the text of a netrc file: "machine HOST login NAME password WORD".
	Netrc string
	// Certificates are certificates of authorities in PEM form, to be trusted
	// beside the system's.
	Certificates string
	// SSHKey is a private key without a passphrase, KnownHosts the known_hosts
	// lines of the hosts that it is for. One needs the other.
	SSHKey, KnownHosts string
}

// Empty reports whether nothing was given.
func (in Inputs) Empty() bool { return in == Inputs{} }

// minKeyLine is the shortest line of a key that is a secret by itself: the last
// one may have a few letters, and to mask these would blot out any log.
const minKeyLine = 16

// Secrets are the parts of the inputs that no log may show, each in one line.
func (in Inputs) Secrets() []string {
	var secrets []string
	for _, m := range goproxy.ParseNetrc(in.Netrc) {
		// The password, and both as an HTTP header has them (RFC 7617).
		secrets = append(secrets, m.Password, base64.StdEncoding.EncodeToString([]byte(m.Login+":"+m.Password)))
	}
	for line := range strings.Lines(in.SSHKey) {
		if line = strings.TrimSpace(line); len(line) >= minKeyLine && !strings.HasPrefix(line, "-----") {
			secrets = append(secrets, line)
		}
	}
	return secrets
}

// Machine is what has to be known of where the files are used.
type Machine struct {
	// Getenv reads the environment that the result is put on top of.
	Getenv func(string) string
	// Bundles are the places of the system's own certificates, of which the first
	// that can be read counts. Empty: this system's programs cannot be told of
	// other certificates by a file.
	Bundles []string
}

// Bundles are where Linux systems keep their certificates (crypto/x509,
// root_linux.go).
var Bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// Write writes the files into dir, an absolute path to an empty folder of this
// user's alone, and returns the variables that make go and git use them. Its error
// says which input is wrong.
func Write(dir string, in Inputs, m Machine) ([]string, error) {
	w := writer{dir: dir, machine: m}
	for _, part := range []struct {
		name, value string
		write       func(string) error
	}{
		{"netrc", in.Netrc, w.netrc},
		{"ca-certificates", in.Certificates, w.certificates},
		{"ssh-known-hosts", in.KnownHosts, func(hosts string) error {
			if in.SSHKey == "" {
				return errors.New("there is no ssh-key to use for these hosts")
			}
			return w.file("known_hosts", hosts)
		}},
		{"ssh-key", in.SSHKey, func(key string) error {
			if in.KnownHosts == "" {
				return errors.New("it needs ssh-known-hosts: without them anybody could answer in a host's place")
			}
			return w.sshKey(key)
		}},
	} {
		if part.value == "" {
			continue
		}
		if len(part.value) > maxInput {
			return nil, fmt.Errorf("%s: more than %d bytes", part.name, maxInput)
		}
		if err := part.write(part.value); err != nil {
			return nil, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return w.env, nil
}

type writer struct {
	dir     string
	machine Machine
	env     []string
}

func (w *writer) path(name string) string { return filepath.Join(w.dir, name) }

// file writes text with one line break at its end, which ssh insists on, and none
// of Windows'.
func (w *writer) file(name, text string) error {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) + "\n"
	return os.WriteFile(w.path(name), []byte(text), 0o600)
}

func (w *writer) set(name, value string) { w.env = append(w.env, name+"="+value) }

// netrc is for the go command by NETRC. git reads no netrc but HOME's, and so gets
// the same as what its own helper "store" reads, by one more entry of the
// configuration that the environment may hold already (git-config(1),
// GIT_CONFIG_COUNT).
func (w *writer) netrc(text string) error {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	machines := goproxy.ParseNetrc(text)
	if len(machines) == 0 {
		return errors.New(`no machine has a login and a password: want "machine HOST login NAME password WORD"`)
	}
	var store strings.Builder
	for _, m := range machines {
		host, path, _ := strings.Cut(strings.TrimPrefix(m.Name, "https://"), "/")
		u := url.URL{Scheme: "https", User: url.UserPassword(m.Login, m.Password), Host: host}
		if path != "" {
			u.Path = "/" + path
		}
		store.WriteString(u.String() + "\n")
	}
	if err := w.file("git-credentials", store.String()); err != nil {
		return err
	}
	n := 0
	if count := w.machine.Getenv("GIT_CONFIG_COUNT"); count != "" {
		var err error
		if n, err = strconv.Atoi(count); err != nil || n < 0 {
			return fmt.Errorf("GIT_CONFIG_COUNT is %.20q, which is no number", count)
		}
	}
	w.set("NETRC", w.path("netrc"))
	w.set(fmt.Sprintf("GIT_CONFIG_KEY_%d", n), "credential.helper")
	w.set(fmt.Sprintf("GIT_CONFIG_VALUE_%d", n), "store --file="+quote(w.path("git-credentials")))
	w.set("GIT_CONFIG_COUNT", strconv.Itoa(n+1))
	return w.file("netrc", text)
}

// certificates go into a bundle behind the system's own, because both variables
// that name one replace the system's.
func (w *writer) certificates(text string) error {
	if len(w.machine.Bundles) == 0 {
		return errors.New("programs of this system trust its own store alone: add the certificates there")
	}
	n := 0
	for rest := []byte(text); len(bytes.TrimSpace(rest)) > 0; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return fmt.Errorf("what follows certificate %d is not in PEM form", n)
		}
		if block.Type != "CERTIFICATE" {
			return fmt.Errorf("block %d is of the type %.40q, not CERTIFICATE", n+1, block.Type)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return fmt.Errorf("certificate %d: %w", n+1, err)
		}
	}
	if n == 0 {
		return errors.New("there is no certificate in it")
	}
	bundles := w.machine.Bundles
	if own := w.machine.Getenv("SSL_CERT_FILE"); own != "" {
		bundles = []string{own}
	}
	var system []byte
	for _, name := range bundles {
		var err error
		if system, err = os.ReadFile(name); err == nil {
			system = append(system, '\n')
			break
		}
	}
	bundle := w.path("certificates.pem")
	w.set("SSL_CERT_FILE", bundle)
	w.set("GIT_SSL_CAINFO", bundle)
	return w.file("certificates.pem", string(system)+text)
}

// sshKey makes ssh use this key and no other, for these hosts and no others. It
// asks nobody anything.
func (w *writer) sshKey(key string) error {
	if block, _ := pem.Decode([]byte(strings.TrimSpace(key) + "\n")); block == nil || !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return errors.New("it is no private key in PEM or OpenSSH form")
	}
	w.set("GIT_SSH_COMMAND", strings.Join([]string{
		"ssh", "-F", "none", "-i", quote(w.path("key")),
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", quote(`UserKnownHostsFile="` + w.path("known_hosts") + `"`), "-o", "GlobalKnownHostsFile=none",
	}, " "))
	return w.file("key", key)
}

// quote is a word for sh, which git has both commands run by.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
