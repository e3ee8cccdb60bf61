package credentials

import (
	"bytes"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const knownHosts = "private.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIcqWqhKx3cS6tzD5mPJWmeSDkbmJvbsV0cyn0fBP8MK"

var testKey = string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: bytes.Repeat([]byte("key"), 40)}))

// authority is a certificate in PEM form.
func authority(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func machine(env map[string]string, bundles ...string) Machine {
	return Machine{Getenv: func(name string) string { return env[name] }, Bundles: bundles}
}

func write(t *testing.T, dir string, in Inputs, m Machine) []string {
	t.Helper()
	env, err := Write(dir, in, m)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 && os.PathSeparator == '/' {
			t.Errorf("%s has the mode %o, want 600", e.Name(), got)
		}
	}
	return env
}

func value(env []string, name string) string {
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// Real git finds the password, also behind configuration that the environment
// holds already, in a folder with a name that a shell would take apart.
func TestNetrcByGit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "it's a folder")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	in := Inputs{Netrc: "machine private.example login ci password s3:cr@t/%41\r\nmachine other.example:8443\n login me\n password word\n"}
	env := write(t, dir, in, machine(map[string]string{"GIT_CONFIG_COUNT": "1"}))
	if got, want := value(env, "NETRC"), filepath.Join(dir, "netrc"); got != want {
		t.Errorf("NETRC is %s, want %s", got, want)
	}
	for _, test := range []struct{ name, host, want string }{
		{"a password with characters of URLs", "private.example", "username=ci\npassword=s3:cr@t/%41\n"},
		{"a port", "other.example:8443", "username=me\npassword=word\n"},
		{"another host", "unknown.example", ""},
	} {
		cmd := exec.Command("git", "credential", "fill")
		cmd.Dir = dir
		cmd.Stdin = strings.NewReader("protocol=https\nhost=" + test.host + "\n\n")
		cmd.Env = append([]string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
			"GIT_CONFIG_KEY_0=core.abbrev", "GIT_CONFIG_VALUE_0=12",
		}, env...)
		out, _ := cmd.Output() // without a password git fails
		_, got, _ := strings.Cut(string(out), "host="+test.host+"\n")
		if got != test.want {
			t.Errorf("%s: git says %q, want %q", test.name, got, test.want)
		}
	}
}

// The system's certificates stay trusted.
func TestCertificates(t *testing.T) {
	t.Parallel()
	system, mine := filepath.Join(t.TempDir(), "system.pem"), authority(t)
	if err := os.WriteFile(system, []byte("# the system's\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		machine Machine
		want    string
	}{
		{"behind the first bundle that is there", machine(nil, system+".none", system), "# the system's\n\n" + mine},
		{"behind the job's own bundle", machine(map[string]string{"SSL_CERT_FILE": system}, "/none"), "# the system's\n\n" + mine},
		{"no bundle at all", machine(nil, system+".none"), mine},
	} {
		dir := t.TempDir()
		env := write(t, dir, Inputs{Certificates: mine}, test.machine)
		bundle := filepath.Join(dir, "certificates.pem")
		if want := []string{"SSL_CERT_FILE=" + bundle, "GIT_SSL_CAINFO=" + bundle}; !slices.Equal(env, want) {
			t.Errorf("%s: environment %q, want %q", test.name, env, want)
		}
		got, err := os.ReadFile(bundle)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: bundle %q, %v, want %q", test.name, got, err, test.want)
		}
	}
}

func TestSSHKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := write(t, dir, Inputs{SSHKey: strings.TrimSpace(testKey), KnownHosts: knownHosts}, machine(nil))
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil || string(key) != testKey {
		t.Errorf("key %q, %v, want it with a line break at its end", key, err)
	}
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("no ssh: ", err)
	}
	// What ssh makes of it, by the shell that git runs it with.
	out, err := exec.Command("sh", "-c", strings.Replace(value(env, "GIT_SSH_COMMAND"), "ssh", ssh+" -G", 1)+" private.example").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{
		"batchmode yes", "stricthostkeychecking true", "identitiesonly yes", "identityagent none",
		"identityfile " + filepath.Join(dir, "key"), "userknownhostsfile " + filepath.Join(dir, "known_hosts"), "globalknownhostsfile none",
	} {
		if !slices.Contains(strings.Split(string(out), "\n"), want) {
			t.Errorf("ssh lacks %q; it has\n%s", want, out)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	in := Inputs{Netrc: "machine a login ci password word\n", SSHKey: "-----BEGIN X-----\nYSBsb25nIGxpbmU=\n\nbGluZQ==\n-----END X-----\n", KnownHosts: knownHosts, Certificates: "public"}
	if got, want := in.Secrets(), []string{"word", "Y2k6d29yZA==", "YSBsb25nIGxpbmU="}; !slices.Equal(got, want) {
		t.Errorf("secrets %q, want %q", got, want)
	}
	if got := (Inputs{}).Secrets(); len(got) != 0 {
		t.Errorf("secrets of nothing: %q", got)
	}
}

// An error names the input, and shows nothing of it.
func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	mine := authority(t)
	for _, test := range []struct {
		name string
		in   Inputs
		m    Machine
		want string
	}{
		{"a netrc without a password", Inputs{Netrc: "machine a login s3cret"}, machine(nil), "netrc: no machine has a login and a password"},
		{"a token alone", Inputs{Netrc: "s3cret"}, machine(nil), "netrc: no machine has"},
		{"too long", Inputs{Netrc: strings.Repeat("s3cret", maxInput)}, machine(nil), "netrc: more than"},
		{"a broken environment", Inputs{Netrc: "machine a login b password s3cret"}, machine(map[string]string{"GIT_CONFIG_COUNT": "many"}), `netrc: GIT_CONFIG_COUNT is "many"`},
		{"no PEM", Inputs{Certificates: "s3cret"}, machine(nil, "/none"), "ca-certificates: what follows certificate 0 is not in PEM form"},
		{"text behind a certificate", Inputs{Certificates: mine + "s3cret"}, machine(nil, "/none"), "ca-certificates: what follows certificate 1"},
		{"a key among certificates", Inputs{Certificates: mine + testKey}, machine(nil, "/none"), `ca-certificates: block 2 is of the type "OPENSSH PRIVATE KEY"`},
		{"a certificate that is none", Inputs{Certificates: "-----BEGIN CERTIFICATE-----\nczNjcmV0\n-----END CERTIFICATE-----\n"}, machine(nil, "/none"), "ca-certificates: certificate 1: x509"},
		{"only a blank", Inputs{Certificates: " "}, machine(nil, "/none"), "ca-certificates: there is no certificate in it"},
		{"a system with a store", Inputs{Certificates: mine}, machine(nil), "ca-certificates: programs of this system trust its own store alone"},
		{"a key without hosts", Inputs{SSHKey: testKey}, machine(nil), "ssh-key: it needs ssh-known-hosts"},
		{"hosts without a key", Inputs{KnownHosts: knownHosts}, machine(nil), "ssh-known-hosts: there is no ssh-key"},
		{"a public key", Inputs{SSHKey: "ssh-ed25519 s3cret", KnownHosts: knownHosts}, machine(nil), "ssh-key: it is no private key"},
	} {
		_, err := Write(t.TempDir(), test.in, test.m)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: error %v, want %s", test.name, err, test.want)
		}
	}
}
