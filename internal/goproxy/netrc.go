package goproxy

import (
	"net/url"
	"path/filepath"
	"strings"
)

// MaxNetrc bounds the size of a netrc file, in bytes, for who reads one.
const MaxNetrc = 1 << 20

// Credentials finds what to log in with for a request; [Netrc.Lookup] is one.
type Credentials func(*url.URL) (login, password string, ok bool)

// Netrc is the machines of a netrc file, in its order.
type Netrc []Machine

// A Machine is one complete entry of a netrc file.
type Machine struct {
	// Name is a host, with its port unless it is the scheme's own, and may go
	// on with a path.
	Name     string
	Login    string
	Password string
}

// NetrcPaths lists where the go command looks for the netrc file of a home
// directory; the first that exists counts (cmd/go/internal/auth/netrc.go,
// netrcPath). The NETRC variable, when not empty, replaces the list.
func NetrcPaths(goos, home string) []string {
	if goos == "windows" {
		return []string{filepath.Join(home, "_netrc"), filepath.Join(home, ".netrc")}
	}
	return []string{filepath.Join(home, ".netrc")}
}

// ParseNetrc reads a netrc file as the go command does (parseNetrc, same file):
// macros and incomplete entries are skipped; a "default" that ends its line
// ends the file, any other is no more than a word.
func ParseNetrc(data string) Netrc {
	var n Netrc
	var m Machine
	inMacro := false
	for line := range strings.SplitSeq(data, "\n") {
		if inMacro {
			inMacro = line != ""
			continue
		}
		f := strings.Fields(line)
		i := 0
		for ; i < len(f)-1; i += 2 {
			switch f[i] {
			case "machine":
				m = Machine{Name: f[i+1]}
			case "login":
				m.Login = f[i+1]
			case "password":
				m.Password = f[i+1]
			case "macdef":
				inMacro = true
			}
			if m.Name != "" && m.Login != "" && m.Password != "" {
				n = append(n, m)
				m = Machine{}
			}
		}
		if i < len(f) && f[i] == "default" {
			break
		}
	}
	return n
}

// Lookup finds the credentials for a request: those of the longest machine
// name that is the URL's host and path or, at a slash, a prefix of it
// (cmd/go/internal/auth/auth.go, loadCredential). Only https has credentials;
// for several of the same name the first counts.
func (n Netrc) Lookup(u *url.URL) (login, password string, ok bool) {
	if u.Scheme != "https" {
		return "", "", false
	}
	for prefix := strings.TrimSuffix(u.Host+u.EscapedPath(), "/"); ; {
		for _, m := range n {
			if strings.TrimSuffix(strings.TrimPrefix(m.Name, "https://"), "/") == prefix {
				return m.Login, m.Password, true
			}
		}
		i := strings.LastIndexByte(prefix, '/')
		if i < 0 {
			return "", "", false
		}
		prefix = prefix[:i]
	}
}
