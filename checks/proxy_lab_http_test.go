//go:build linux

package checks

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// only is a good proxy but for one file, which a function answers.
func only(name string, h http.HandlerFunc) http.HandlerFunc {
	good := proxyServing()
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/"+name) {
			h(w, r)
			return
		}
		good(w, r)
	}
}

// cut promises more than it sends.
func cut(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		io.WriteString(w, text[:len(text)/2])
	}
}

// drip sends half, and then nothing more until the client is gone.
func drip(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(text)))
		io.WriteString(w, text[:len(text)/2])
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// needsLogin is a proxy for one user.
func needsLogin(w http.ResponseWriter, r *http.Request) {
	if login, password, _ := r.BasicAuth(); login != "user" || password != "s3cr3t" {
		http.Error(w, "log in", http.StatusUnauthorized)
		return
	}
	proxyServing()(w, r)
}

// netrc is the environment of a netrc file with a line for a machine.
func (l *proxyLab) netrc(machine, password string) []string {
	l.Helper()
	name := filepath.Join(l.TempDir(), "netrc")
	if err := os.WriteFile(name, []byte("machine "+machine+" login user password "+password+"\n"), 0o600); err != nil {
		l.Fatal(err)
	}
	return []string{"NETRC=" + name}
}

// once fails the first request of every file of the module, and then no more.
func once(fail http.HandlerFunc) http.HandlerFunc {
	var failed atomic.Bool
	good := proxyServing()
	return func(w http.ResponseWriter, r *http.Request) {
		if failed.CompareAndSwap(false, true) {
			fail(w, r)
			return
		}
		good(w, r)
	}
}

// often fails as long as the go command asks, and once for us: each client is
// told apart by its name.
func often(fail http.HandlerFunc) http.HandlerFunc {
	ours := once(fail)
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "Go-http-client") {
			fail(w, r)
			return
		}
		ours(w, r)
	}
}

var proxyHTTPFaults = []proxyFault{
	statusFault(204, "proxy/status"), statusFault(300, "proxy/status"), statusFault(304, "proxy/status"),
	statusFault(400, "proxy/status"), statusFault(401, "proxy/credentials"), statusFault(402, "proxy/status"), statusFault(403, "proxy/status"),
	statusFault(407, "proxy/status"), statusFault(429, "proxy/status"), statusFault(451, "proxy/status"),
	statusFault(500, "proxy/status"), statusFault(502, "proxy/status"), statusFault(503, "proxy/status"), statusFault(504, "proxy/status"),
	{"status 404", "proxy/not-found", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyStatus(404)), module: "example.com/lib@v1.0.0"}
	}},
	{"status 410", "proxy/not-found", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyStatus(410)), module: "example.com/lib@v1.0.0"}
	}},
	{"redirect loop", "proxy/redirect", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
		}))}
	}},
	{"redirect from https to http", "proxy/redirect", "http", func(l *proxyLab) proxyCase {
		good := l.good()
		return proxyCase{goproxy: l.https(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, good+r.URL.Path, http.StatusFound)
		}))}
	}},
	{"redirect to a server that refuses", "proxy/status", "http", func(l *proxyLab) proxyCase {
		storage := l.http(proxyStatus(403))
		return proxyCase{goproxy: l.http(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, storage+r.URL.Path, http.StatusFound)
		}))}
	}},
	{"redirect to a closed port", "proxy/connect", "connect", func(l *proxyLab) proxyCase {
		closed := proxyClosedPort(l.T)
		return proxyCase{goproxy: l.http(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, closed+r.URL.Path, http.StatusFound)
		}))}
	}},
	{"credentials in an http address", "proxy/credentials", "http", func(l *proxyLab) proxyCase {
		good := l.good()
		return proxyCase{goproxy: strings.Replace(good, "http://", "http://user:s3cr3t@", 1), key: strings.Replace(good, "http://", "http://xxxxx@", 1)}
	}},
	{"credentials absent", "proxy/credentials", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.https(http.HandlerFunc(needsLogin))}
	}},
	{"credentials wrong", "proxy/credentials", "http", func(l *proxyLab) proxyCase {
		url := l.https(http.HandlerFunc(needsLogin))
		return proxyCase{goproxy: url, env: l.netrc(strings.TrimPrefix(url, "https://"), "wrong")}
	}},
	{"credentials for another port", "proxy/credentials", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.https(http.HandlerFunc(needsLogin)), env: l.netrc("127.0.0.1", "s3cr3t")}
	}},
	{"credentials for http", "proxy/credentials", "http", func(l *proxyLab) proxyCase {
		url := l.http(http.HandlerFunc(needsLogin))
		return proxyCase{goproxy: url, env: l.netrc(strings.TrimPrefix(url, "http://"), "s3cr3t")}
	}},
	{"refused in spite of credentials", "proxy/credentials", "http", func(l *proxyLab) proxyCase {
		url := l.https(proxyStatus(403))
		return proxyCase{goproxy: url, env: l.netrc(strings.TrimPrefix(url, "https://"), "s3cr3t")}
	}},
	{"fails once, then answers", "proxy/flaky", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(often(proxyStatus(503)))}
	}},
	{"resets once, then answers", "proxy/flaky", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(often(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))}
	}},
	{"this machine's clock is two hours ahead", "proxy/clock", "clock", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.good(), now: func() time.Time { return time.Now().Add(2 * time.Hour) }}
	}},
}

var proxyContentFaults = []proxyFault{
	{"a web page for the info", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.info", proxyPage))}
	}},
	{"a web page for the mod", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.mod", proxyPage))}
	}},
	{"a web page for the zip", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", proxyPage))}
	}},
	{"a web page for the list", "proxy/list-refused", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("list", proxyPage)), args: []string{"list", "-m", "-versions", "example.com/lib"}}
	}},
	{"a web page for everything", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, proxyPage) }))}
	}},
	{"list 403", "proxy/list-refused", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("list", "403")), args: []string{"list", "-m", "-versions", "example.com/lib"}}
	}},
	{"list 404", "proxy/list-refused", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("list", "")), args: []string{"list", "-m", "-versions", "example.com/lib"}}
	}},
	{"empty info", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(only("v1.0.0.info", func(http.ResponseWriter, *http.Request) {}))}
	}},
	{"info of another version", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.info", `{"Version":"v9.9.9"}`))}
	}},
	{"mod 403", "proxy/status", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.mod", "403"))}
	}},
	{"zip 403", "proxy/status", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", "403"))}
	}},
	{"mod without a module line", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.mod", "go 1.21\n"))}
	}},
	{"mod of another module", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.mod", "module example.com/other\n"))}
	}},
	{"zip that is none", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", "hello"))}
	}},
	{"zip of another module", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", zipText("example.com/other@v1.0.0/lib.go")))}
	}},
	{"zip of another version", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", zipText("example.com/lib@v1.1.0/lib.go")))}
	}},
	{"zip with one foreign file", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", zipText("example.com/lib@v1.0.0/lib.go", "lib.go")))}
	}},
	{"zip that lacks its end", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		whole := proxyFiles["v1.0.0.zip"]
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", whole[:len(whole)-30]))}
	}},
	{"zip too large", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(only("v1.0.0.zip", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(500<<20+1))
			zeros := make([]byte, 1<<20)
			for range 500 {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
			w.Write(zeros[:1])
		}))}
	}},
	{"info cut short", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(only("v1.0.0.info", cut(proxyFiles["v1.0.0.info"])))}
	}},
	{"mod cut short", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(only("v1.0.0.mod", cut(proxyFiles["v1.0.0.mod"])))}
	}},
	{"zip cut short", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(only("v1.0.0.zip", cut(proxyFiles["v1.0.0.zip"])))}
	}},
	{"zip that stops in the middle", "proxy/timeout", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(only("v1.0.0.zip", drip(proxyFiles["v1.0.0.zip"]))), timeout: silence, hangs: true}
	}},
	{"capitals are not escaped", "proxy/escaping", "http", func(l *proxyLab) proxyCase {
		return proxyCase{
			goproxy: l.http(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.URL.Path = strings.Replace(r.URL.Path, "/example.com/Lib/", "/example.com/lib/", 1)
				proxyServing()(w, r)
			})),
			lines:  []string{"require example.com/lib v1.0.0", "require example.com/Lib v1.0.0"},
			module: "example.com/Lib@v1.0.0", args: []string{"mod", "download", "example.com/Lib@v1.0.0"},
		}
	}},
	{"403 for a version that does not exist", "proxy/unknown-version", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(refusesMissing(403)) + "," + l.good(), args: []string{"mod", "download", "example.com/lib@v1.9.9"}}
	}},
	{"500 for a version that does not exist", "proxy/unknown-version", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(refusesMissing(500)) + ",direct", args: []string{"mod", "download", "example.com/lib@v1.9.9"}}
	}},
	{"a file entry with a folder for a file", "proxy/file", "protocol", func(l *proxyLab) proxyCase {
		dir := l.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "example.com/lib/@v/v1.0.0.info"), 0o755); err != nil {
			l.Fatal(err)
		}
		return proxyCase{goproxy: "file://" + dir}
	}},
	{"a file entry without the module", "proxy/not-found", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: "file://" + l.TempDir(), module: "example.com/lib@v1.0.0"}
	}},
}

// refusesMissing is a good proxy that answers with a status where it has nothing.
func refusesMissing(status int) http.HandlerFunc {
	good := proxyServing()
	return func(w http.ResponseWriter, r *http.Request) {
		if _, ok := proxyFiles[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]; !ok && !strings.HasSuffix(r.URL.Path, "@latest") {
			http.Error(w, "no such version", status)
			return
		}
		good(w, r)
	}
}
