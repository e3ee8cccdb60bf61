package checks

import (
	"net/http"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

var (
	ruleProxyDNS = &Rule{
		ID: "proxy/dns", Severity: Error, Transient: true, Blocks: true,
		Summary: "The name of a module proxy does not resolve.",
		Help: "The go command cannot find the address of a host that GOPROXY names, and a DNS error does not\n" +
			"fall through `,`. Check the spelling in `go env GOPROXY`, and whether this machine or container\n" +
			"has a working name server (`/etc/resolv.conf`, a VPN). Behind an HTTP proxy set `HTTPS_PROXY`:\n" +
			"names are then resolved there.",
	}
	ruleProxyConnect = &Rule{
		ID: "proxy/connect", Severity: Error, Transient: true, Blocks: true,
		Summary: "A module proxy cannot be connected to.",
		Help: "The connection is refused, reset or has no route, and such an error does not fall through `,`.\n" +
			"Check that the proxy runs, the port in GOPROXY, and what a firewall allows from here. Behind an\n" +
			"HTTP proxy set `HTTPS_PROXY`; the go command ignores `ALL_PROXY`.",
	}
	ruleProxyTimeout = &Rule{
		ID: "proxy/timeout", Severity: Error, Transient: true, Blocks: true,
		Summary: "A module proxy does not answer in time.",
		Help: "Nothing came within `proxy.timeout`. The go command has no limit of its own for an answer and\n" +
			"would wait until the job is killed. Often a firewall drops packets silently, or the proxy is\n" +
			"overloaded or waits for its own upstream. Raise `proxy.timeout` if your proxy is known to be\n" +
			"slow with modules that it fetches for the first time.",
	}
	ruleProxyHTTPProxy = &Rule{
		ID: "proxy/http-proxy", Severity: Error, Blocks: true,
		Summary: "The HTTP proxy on the way to a module proxy does not let requests through.",
		Help: "`HTTPS_PROXY` or `HTTP_PROXY` names a proxy that is not there, does not answer, or refuses to\n" +
			"connect to the module proxy. Correct the variable, have the module proxy's host allowed there,\n" +
			"or list the host in `NO_PROXY` if it can be reached directly.",
	}
	ruleProxyTLSExpired = &Rule{
		ID: "proxy/tls-expired", Severity: Error, Blocks: true,
		Summary: "The certificate of a module proxy has expired.",
		Help: "The go command refuses the connection, and GOINSECURE does not help: it is not about module\n" +
			"proxies. A TLS error does not fall through `,`. Renew the certificate, or leave the entry out\n" +
			"of GOPROXY until that is done. If the date looks fine, look at this machine's clock.",
	}
	ruleProxyTLSUntrusted = &Rule{
		ID: "proxy/tls-untrusted", Severity: Error, Blocks: true,
		Summary: "The certificate of a module proxy is signed by an authority that is not trusted here.",
		Help: "Common in containers, which lack the company's own authority or all of them, and behind a\n" +
			"firewall that opens TLS: the issuer that the message names is then the firewall's. Install the\n" +
			"authority's certificate (Debian: into `/usr/local/share/ca-certificates`, then\n" +
			"`update-ca-certificates`), or name a bundle in `SSL_CERT_FILE` (not on macOS and Windows). A\n" +
			"missing intermediate certificate on the server looks the same. GOINSECURE does not help here.",
	}
	ruleProxyTLSName = &Rule{
		ID: "proxy/tls-name", Severity: Error, Blocks: true,
		Summary: "The certificate of a module proxy is for another name.",
		Help: "GOPROXY names the host by an alias or an address that its certificate does not list, or a\n" +
			"different server answers (a captive portal, a default virtual host). Use a name that the\n" +
			"certificate lists, or add this one to it.",
	}
	ruleProxyTLS = &Rule{
		ID: "proxy/tls", Severity: Error, Blocks: true,
		Summary: "No TLS connection to a module proxy comes about.",
		Help: "The server speaks plain HTTP, or no TLS that is new enough (1.2 is the oldest that the go\n" +
			"command speaks), its certificate is not valid yet, or the handshake fails. An entry of GOPROXY\n" +
			"without a scheme means https: write `http://` for a server without TLS. For a certificate that is\n" +
			"not valid yet, look at this machine's clock.",
	}
	ruleProxyCredentials = &Rule{
		ID: "proxy/credentials", Severity: Error, Blocks: true,
		Summary: "A module proxy, or the HTTP proxy on the way to it, does not accept the credentials.",
		Help: "The answer is 401, 403 in spite of credentials, or 407 from the HTTP proxy. The go command\n" +
			"takes credentials from the entry's URL, or by GOAUTH from the netrc file (`~/.netrc` or\n" +
			"`$NETRC`), whose `machine` must equal the host with its port unless that is 443; `default`\n" +
			"lines do not count. It sends them over https only. Inside a container the file must be mounted.",
	}
	ruleProxyStatus = &Rule{
		ID: "proxy/status", Severity: Error, Transient: true, Blocks: true,
		Summary: "A module proxy answers with an error.",
		Help: "Only 404 and 410 mean \"not found\" and fall through `,`; 403, 429 and 5xx end the download at\n" +
			"once. The go command never retries. Proxies that answer 403 or 500 for a module they do not\n" +
			"have break every chain with `,`: have that corrected, or follow the entry by `|`.",
	}
	ruleProxyRedirect = &Rule{
		ID: "proxy/redirect", Severity: Error, Blocks: true,
		Summary: "A module proxy redirects where the go command does not follow.",
		Help: "The go command follows at most 10 redirects and none from https to http. Often the proxy does\n" +
			"not know that it is reached over https: tell it its external URL.",
	}
	ruleProxyContent = &Rule{
		ID: "proxy/content", Severity: Error, Blocks: true,
		Summary: "A module proxy answers with something other than what was asked for.",
		Help: "A login page, a search page or a web application's index answers with status 200 where a\n" +
			"module's file should be. The go command looks into an info at once; a bad mod it stores in the\n" +
			"module cache and a bad zip ends the download, and then not even `|` asks another entry. Check\n" +
			"the path in GOPROXY (Artifactory and Nexus need the repository's own), and whether a portal\n" +
			"answers in the proxy's place. Afterwards delete the `.mod` from `GOMODCACHE/cache/download`.",
	}
	ruleProxyFile = &Rule{
		ID: "proxy/file", Severity: Error, Blocks: true,
		Summary: "A file entry of GOPROXY cannot be read.",
		Help: "A `file://` entry is a folder laid out like `GOMODCACHE/cache/download`. A missing file means\n" +
			"\"not found\"; one that may not be read, or is no regular file, ends the download.",
	}
	ruleProxyFallback = &Rule{
		ID: "proxy/fallback", Severity: Warning,
		Summary: "A module proxy fails, and only a later entry of GOPROXY saves the download.",
		Help: "With `|` any error goes on to the next entry, so builds work. But nothing remembers a dead\n" +
			"proxy: every info, mod and zip of every module asks it first, and one that is silent costs its\n" +
			"whole timeout each time. Mend the proxy or leave it out of GOPROXY.",
	}
	ruleProxyListRefused = &Rule{
		ID: "proxy/list-refused", Severity: Warning,
		Summary: "A module proxy serves a module but not its list of versions.",
		Help: "Builds with a complete go.mod do not need the list, so they work. Queries do not: `go get\n" +
			"M@latest`, `go get -u`, `go list -m -versions`, and `go mod tidy` where an import has no module\n" +
			"yet. Some curated mirrors do so on purpose; then set this rule to `notice` or `off`.",
	}
	ruleProxyNotFound = &Rule{
		ID: "proxy/not-found", Severity: Warning,
		Summary: "No entry of GOPROXY has a module that the repository needs.",
		Help: "Every entry answers \"not found\" for a public module of the build list and `direct` does not\n" +
			"follow, so the go command can only use what is in the module cache already. Let the proxy fetch\n" +
			"from an upstream, or end the list with another proxy or with `direct`.",
	}
	ruleProxyTLSExpiring = &Rule{
		ID: "proxy/tls-expiring", Severity: Warning,
		Summary: "The certificate of a module proxy expires within two weeks.",
		Help: "From that day on the go command refuses the connection, and a TLS error does not fall through\n" +
			"`,`. Renew the certificate in time. One that lives less than 84 days is told of in the last sixth\n" +
			"of its life only.",
	}
	ruleProxyStandby = &Rule{
		ID: "proxy/standby", Severity: Notice,
		Summary: "A later entry of GOPROXY does not work.",
		Help: "The entries before it serve what was asked for, so nothing fails now. But for whatever they do\n" +
			"not have, the go command comes to this entry, and its error is then the end. Mend it or leave it\n" +
			"out of GOPROXY.",
	}
)

// proxyRule is the rule that names the cause of a fault.
func proxyRule(r *goproxy.Result, f *goproxy.Fault) *Rule {
	switch f.Kind {
	case goproxy.NXDomain, goproxy.DNSTimeout, goproxy.DNSOther:
		return ruleProxyDNS
	case goproxy.Refused, goproxy.Unreachable, goproxy.Reset:
		return ruleProxyConnect
	case goproxy.Timeout:
		if f.Phase == goproxy.HTTPProxy {
			return ruleProxyHTTPProxy
		}
		return ruleProxyTimeout
	case goproxy.ProxyConnect:
		return ruleProxyHTTPProxy
	case goproxy.TLSExpired:
		return ruleProxyTLSExpired
	case goproxy.TLSUnknownAuthority:
		return ruleProxyTLSUntrusted
	case goproxy.TLSName:
		return ruleProxyTLSName
	case goproxy.TLSNotYetValid, goproxy.TLSVersion, goproxy.TLSOther, goproxy.HTTPOnHTTPS:
		return ruleProxyTLS
	case goproxy.ProxyAuth, goproxy.InsecureCredentials:
		return ruleProxyCredentials
	case goproxy.Status:
		if f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden && r.LoggedIn {
			return ruleProxyCredentials
		}
		return ruleProxyStatus
	case goproxy.RedirectLoop, goproxy.InsecureRedirect:
		return ruleProxyRedirect
	case goproxy.File:
		return ruleProxyFile
	}
	if f.Phase == goproxy.Connect {
		return ruleProxyConnect
	}
	return ruleProxyContent
}

// proxyAdvice is what mends a fault at its root, in a sentence.
func proxyAdvice(r *goproxy.Result, f *goproxy.Fault) string {
	host := r.Entry.Host()
	switch proxyRule(r, f) {
	case ruleProxyDNS:
		return "Correct the host in GOPROXY, or this machine's name server."
	case ruleProxyConnect, ruleProxyTimeout:
		return "Bring " + host + " up, or open the way to it from here."
	case ruleProxyHTTPProxy:
		return "Correct HTTPS_PROXY or HTTP_PROXY, or list the host in NO_PROXY."
	case ruleProxyTLSExpired:
		return "Renew the certificate of " + displayHost(f.Host) + "."
	case ruleProxyTLSUntrusted:
		return "Install the certificate of the authority here, or name a bundle with it in SSL_CERT_FILE."
	case ruleProxyTLSName:
		return "Use a name in GOPROXY that the certificate lists."
	case ruleProxyTLS:
		if f.Kind == goproxy.HTTPOnHTTPS {
			return "Write http:// before the host in GOPROXY, or switch TLS on at the server."
		}
		if f.Kind == goproxy.TLSVersion {
			return "Switch TLS 1.2 or later on at " + displayHost(f.Host) + "."
		}
		return "Correct the certificate of " + displayHost(f.Host) + ", or this machine's clock."
	case ruleProxyCredentials:
		switch f.Kind {
		case goproxy.ProxyAuth:
			return "Put the user and password of the HTTP proxy into HTTPS_PROXY and HTTP_PROXY."
		case goproxy.InsecureCredentials:
			return "Use https for an entry with credentials."
		}
		return "Add a line \"machine " + host + " login NAME password TOKEN\" to the netrc file, or correct the one that is there."
	case ruleProxyStatus:
		return "Ask who runs " + host + " why it answers so."
	case ruleProxyRedirect:
		return "Correct the external URL that " + host + " believes it has."
	case ruleProxyFile:
		return "Make the file a regular one that can be read."
	}
	return "Correct the path in GOPROXY, or the server that answers at " + host + "."
}
