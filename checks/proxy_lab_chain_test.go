//go:build linux

package checks

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

var proxyChainFaults = []proxyFault{
	{"500, a comma, a good proxy", "proxy/status", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyStatus(500)) + "," + l.good()}
	}},
	{"500, a bar, a good proxy", "proxy/fallback", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyStatus(500)) + "|" + l.good()}
	}},
	{"a closed port, a bar, a good proxy", "proxy/fallback", "connect", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: proxyClosedPort(l.T) + "|" + l.good()}
	}},
	{"a bad mod, a bar, a good proxy", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.mod", proxyPage)) + "|" + l.good()}
	}},
	{"a bad zip, a bar, a good proxy", "proxy/content", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.zip", proxyPage)) + "|" + l.good()}
	}},
	{"a bad info, a bar, a good proxy", "proxy/fallback", "protocol", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyServing("v1.0.0.info", proxyPage)) + "|" + l.good()}
	}},
	{"a good proxy, a comma, 403", "proxy/standby", "http", func(l *proxyLab) proxyCase {
		bad := l.http(proxyStatus(403))
		return proxyCase{goproxy: l.good() + "," + bad, key: bad}
	}},
	{"404, a comma, 403", "proxy/status", "http", func(l *proxyLab) proxyCase {
		bad := l.http(proxyStatus(403))
		return proxyCase{goproxy: l.http(proxyStatus(404)) + "," + bad, key: bad}
	}},
	{"404, a comma, 404", "proxy/not-found", "http", func(l *proxyLab) proxyCase {
		chain := l.http(proxyStatus(404)) + "," + l.http(proxyStatus(404))
		return proxyCase{goproxy: chain, key: chain, module: "example.com/lib@v1.0.0"}
	}},
	{"404, a comma, off", "proxy/not-found", "http", func(l *proxyLab) proxyCase {
		chain := l.http(proxyStatus(404)) + ",off"
		return proxyCase{goproxy: chain, key: chain, module: "example.com/lib@v1.0.0"}
	}},
	{"a bar at the very end", "proxy/status", "http", func(l *proxyLab) proxyCase {
		return proxyCase{goproxy: l.http(proxyStatus(500)) + "|"}
	}},
}

// leadsToDirect is a chain that leads to the module's own host.
func leadsToDirect(l *proxyLab, o *origin) proxyCase {
	l.origin = o
	return proxyCase{goproxy: l.http(proxyStatus(404)) + ",direct", key: "example.com", module: "example.com/lib@v1.0.0"}
}

// pageOf is an origin with one page.
func pageOf(l *proxyLab, status int, text string) *origin {
	return newOrigin(l.T, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}))
}

var proxyDirectFaults = []proxyFault{
	{"direct: the module's host cannot be reached", "proxy/direct-host", "direct", func(l *proxyLab) proxyCase {
		o := proxyOrigin(l.T)
		o.connect.Store(http.StatusForbidden)
		return leadsToDirect(l, o)
	}},
	{"direct: the module's host does not resolve", "proxy/direct-host", "direct", func(l *proxyLab) proxyCase {
		c := leadsToDirect(l, l.origin)
		c.goproxy, c.env, c.resolver, c.dns = "direct", noHTTPProxy, l.names("nxdomain"), "nxdomain"
		return c
	}},
	{"direct: no go-import tag", "proxy/direct-meta", "direct", func(l *proxyLab) proxyCase {
		return leadsToDirect(l, pageOf(l, 200, proxyPage))
	}},
	{"direct: a tag for another path", "proxy/direct-meta", "direct", func(l *proxyLab) proxyCase {
		return leadsToDirect(l, pageOf(l, 200, `<html><head><meta name="go-import" content="example.com/li git https://example.com/li"></head></html>`))
	}},
	{"direct: 404", "proxy/direct-meta", "direct", func(l *proxyLab) proxyCase {
		return leadsToDirect(l, pageOf(l, 404, "none"))
	}},
	{"direct: 500", "proxy/direct-meta", "direct", func(l *proxyLab) proxyCase {
		return leadsToDirect(l, pageOf(l, 500, "broken"))
	}},
	{"direct: GOVCS forbids svn", "proxy/direct-vcs", "direct", func(l *proxyLab) proxyCase {
		return leadsToDirect(l, pageOf(l, 200, `<html><head><meta name="go-import" content="example.com svn https://example.com/repo"></head></html>`))
	}},
	{"direct: GOVCS forbids everything", "proxy/direct-vcs", "direct", func(l *proxyLab) proxyCase {
		c := leadsToDirect(l, l.origin)
		c.settings = map[string]string{"GOVCS": "*:off"}
		return c
	}},
	{"direct: no git", "proxy/direct-git", "direct", func(l *proxyLab) proxyCase {
		c := leadsToDirect(l, l.origin)
		dir := l.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
			l.Fatal(err)
		}
		c.env = []string{"PATH=" + filepath.Join(dir, "bin")}
		return c
	}},
}
