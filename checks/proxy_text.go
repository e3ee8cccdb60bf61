package checks

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// message says in one line which host did what.
func (p *proxyProbe) message(r *goproxy.Result, a *goproxy.Answer) string {
	f := a.Fault
	host := r.Entry.Host()
	if f.Host != "" && f.Phase != goproxy.HTTPProxy && r.Entry.URL.Scheme != "file" && displayHost(f.Host) != displayHost(host) {
		host = fmt.Sprintf("%s (where %s redirects to)", displayHost(f.Host), host)
	}
	viaProxy := "the HTTP proxy " + r.HTTPProxy
	c := f.Certificate
	switch f.Kind {
	case goproxy.NXDomain:
		return host + ": no such host"
	case goproxy.DNSTimeout:
		return host + ": the name server does not answer (" + f.Text + ")"
	case goproxy.Refused:
		return host + " refuses the connection"
	case goproxy.Unreachable:
		return host + " is unreachable: " + f.Text
	case goproxy.Reset:
		return host + " closes the connection (" + string(f.Phase) + ")"
	case goproxy.Timeout:
		if f.Phase == goproxy.HTTPProxy {
			return fmt.Sprintf("%s does not lead to %s: %s", viaProxy, host, f.Text)
		}
		return fmt.Sprintf("%s: %s (%s)", host, f.Text, f.Phase)
	case goproxy.ProxyConnect:
		return fmt.Sprintf("%s does not lead to %s: %s", viaProxy, host, f.Text)
	case goproxy.ProxyAuth:
		return fmt.Sprintf("%s wants credentials before it leads to %s (status 407)", viaProxy, host)
	case goproxy.TLSExpired:
		if c != nil {
			return fmt.Sprintf("the certificate of %s expired on %s (issuer: %s)", host, c.NotAfter.UTC().Format(time.DateOnly), c.Issuer)
		}
	case goproxy.TLSNotYetValid:
		if c != nil {
			return fmt.Sprintf("the certificate of %s is valid from %s on only (issuer: %s)", host, c.NotBefore.UTC().Format(time.RFC3339), c.Issuer)
		}
	case goproxy.TLSUnknownAuthority:
		if c != nil && c.SelfSigned && len(f.Chain) == 1 {
			return fmt.Sprintf("the certificate of %s is signed by itself and not trusted here (issuer: %s)", host, c.Issuer)
		}
		if c != nil {
			return fmt.Sprintf("the certificate of %s is signed by an authority that is not trusted here (issuer: %s)", host, c.Issuer)
		}
	case goproxy.TLSName:
		if c != nil {
			return fmt.Sprintf("the certificate of %s is for another name: %s", host, strings.Join(c.Names, ", "))
		}
	case goproxy.TLSVersion:
		return host + " speaks no TLS that is new enough: " + f.Text
	case goproxy.HTTPOnHTTPS:
		return host + " speaks plain HTTP where GOPROXY says https"
	case goproxy.Status, goproxy.NotFound:
		return fmt.Sprintf("%s answers with %s (%s of %s)", host, f.Text, a.Endpoint, p.module)
	case goproxy.Content:
		return fmt.Sprintf("%s %s (%s of %s)", host, f.Text, a.Endpoint, p.module)
	case goproxy.Truncated, goproxy.TooLarge, goproxy.File:
		return fmt.Sprintf("%s: %s (%s of %s)", host, f.Text, a.Endpoint, p.module)
	}
	return host + ": " + f.Text
}

// displayHost is host:port without the port of https and http.
func displayHost(hostPort string) string {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil || port != "443" && port != "80" {
		return strings.ToLower(hostPort)
	}
	return strings.ToLower(host)
}

// evidence is what was seen of an entry.
func (p *proxyProbe) evidence(i int, a *goproxy.Answer) []string {
	r, f := &p.results[i], a.Fault
	lines := []string{p.entryText(i)}
	if r.HTTPProxy != "" {
		lines = append(lines, "through the HTTP proxy "+r.HTTPProxy)
	}
	if phases := phaseTexts(r); len(phases) > 0 {
		lines = append(lines, strings.Join(phases, ", "))
	}
	lines = append(lines, p.answersText(r))
	for _, h := range a.Hops {
		lines = append(lines, fmt.Sprintf("redirect %d to %s", h.Status, h.To))
	}
	lines = append(lines, "GET "+a.URL+": "+f.Text)
	if a.First != nil {
		lines = append(lines, "this was the second attempt; the first: "+a.First.Text)
	}
	for _, d := range f.Detail {
		lines = append(lines, "server: "+d)
	}
	if r.CredentialsKept != "" {
		lines = append(lines, "credentials are not sent on to "+r.CredentialsKept+", where it redirects to")
	}
	return lines
}

// background is what else is known of an entry, for the end of the evidence.
func background(r *goproxy.Result, f *goproxy.Fault) []string {
	var lines []string
	switch {
	case f.NameServer != "":
		lines = append(lines, "name server: "+f.NameServer)
	case f.Phase == goproxy.DNS && len(nameServers()) > 0:
		lines = append(lines, "name servers: "+strings.Join(nameServers(), ", "))
	}
	if text := addressesText(r); text != "" {
		lines = append(lines, text)
	}
	if t := r.TLS; t != nil {
		lines = append(lines, strings.TrimSpace(t.Version+" "+t.ALPN)+", certificate by "+t.Chain[0].Issuer)
	}
	if len(f.Chain) > 1 {
		lines = append(lines, "certificates: "+chainText(f.Chain))
	}
	if text := headersText(r); text != "" {
		lines = append(lines, text)
	}
	return lines
}

// entryText names an entry by its place among those that the user wrote.
func (p *proxyProbe) entryText(i int) string {
	n, total := 0, 0
	for j := range p.chain {
		if p.chain[j].Keyword == goproxy.NoProxy {
			continue
		}
		total++
		if j <= i {
			n++
		}
	}
	return fmt.Sprintf("entry %d of %d: %s", n, total, p.chain[i])
}

// answersText is what became of each endpoint, in short.
func (p *proxyProbe) answersText(r *goproxy.Result) string {
	var texts []string
	for i := range r.Answers {
		a := &r.Answers[i]
		text := answerText(a)
		switch f := a.Fault; {
		case f == nil || a.Assumed:
		case f.Status != 0:
			text = fmt.Sprint(f.Status)
		default:
			text = "failed"
		}
		texts = append(texts, string(a.Endpoint)+" "+text)
	}
	return strings.Join(texts, ", ")
}

// addressesText is what the host's name resolves to, and which of that answers.
func addressesText(r *goproxy.Result) string {
	var texts []string
	for _, a := range r.Addresses {
		text := a.Addr.String()
		switch {
		case a.NoRoute:
			text += " (no network for it here)"
		case a.Fault != nil:
			text += " (" + string(a.Fault.Kind) + ")"
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	return "addresses: " + strings.Join(texts, ", ")
}

// chainText is the subjects of a chain, from the server's own on.
func chainText(chain []goproxy.Certificate) string {
	var names []string
	for _, c := range chain {
		names = append(names, c.Subject)
	}
	return strings.Join(append(names, chain[len(chain)-1].Issuer), " < ")
}

// headersText is what the answer's headers tell of who answers.
func headersText(r *goproxy.Result) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		texts = append(texts, name+": "+r.Headers[name])
	}
	if len(texts) == 0 {
		return ""
	}
	return "answered by " + strings.Join(texts, ", ")
}

// inDays says when, in whole days.
func inDays(d time.Duration) string {
	switch days := int(d / (24 * time.Hour)); days {
	case 0:
		return "within a day"
	case 1:
		return "in 1 day"
	default:
		return fmt.Sprintf("in %d days", days)
	}
}
