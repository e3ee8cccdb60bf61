package checks

import (
	"cmp"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// The facts of the check, documented for monitors in docs/monitoring.md: fields
// are added, and none is renamed or taken away.

// A proxyValue is what became of one entry, asked for one module.
type proxyValue struct {
	Entry  string `json:"entry"`
	Host   string `json:"host"`
	Module string `json:"module"`
	// Outcome is served, not-found, failed, bad or unknown: the worst of info, mod and zip.
	Outcome   string `json:"outcome"`
	HTTPProxy string `json:"httpProxy,omitempty"`
	// Phases is the first request's, for people.
	Phases    []string               `json:"phases"`
	Timings   []proxyTiming          `json:"timings"`
	Addresses []proxyAddressValue    `json:"addresses,omitempty"`
	TLS       *proxyTLS              `json:"tls,omitempty"`
	Headers   map[string]string      `json:"headers,omitempty"`
	Answers   map[string]proxyAnswer `json:"answers"`
	// BytesPerSecond is that of the zip's first bytes; 0 where they are too few.
	BytesPerSecond int64 `json:"bytesPerSecond,omitempty"`
	// ClockSkewSeconds is how much later it is there than here.
	ClockSkewSeconds *float64 `json:"clockSkewSeconds,omitempty"`
}

type proxyTiming struct {
	Phase  string  `json:"phase"`
	Host   string  `json:"host"`
	Ms     float64 `json:"ms"`
	Failed bool    `json:"failed,omitempty"`
}

type proxyAddressValue struct {
	Address string  `json:"address"`
	Family  string  `json:"family"`
	Ms      float64 `json:"ms"`
	Fault   string  `json:"fault,omitempty"`
}

type proxyTLS struct {
	Version  string    `json:"version"`
	ALPN     string    `json:"alpn,omitempty"`
	Issuer   string    `json:"issuer"`
	Chain    []string  `json:"chain"`
	NotAfter time.Time `json:"notAfter"`
}

type proxyAnswer struct {
	// Text is for people.
	Text   string  `json:"text"`
	Status int     `json:"status,omitempty"`
	Ms     float64 `json:"ms"`
	// FirstByteMs is without what it took to connect.
	FirstByteMs float64  `json:"firstByteMs,omitempty"`
	Phase       string   `json:"phase,omitempty"`
	Kind        string   `json:"kind,omitempty"`
	Attempts    int      `json:"attempts"`
	FirstFault  string   `json:"firstFault,omitempty"`
	Redirects   []string `json:"redirects,omitempty"`
}

// A hostValue is a host that this build needs.
type hostValue struct {
	Host string `json:"host"`
	For  string `json:"for"`
}

func proxyValues(s *Session, probes []proxyProbe, direct []directProbe, private []module.Version) map[string]any {
	values := []proxyValue{}
	var walk, told []string
	for i := range probes {
		p := &probes[i]
		walk = append(walk, p.walkRows()...)
		told = append(told, p.told()...)
		for j := range p.results {
			if p.results[j].Probed {
				values = append(values, entryValue(p, j))
			}
		}
	}
	slices.Sort(told)
	facts := map[string]any{
		"chain": probes[0].chain.String(), "entries": values, "walk": append(walk, privateRows(private)...),
		"told": slices.Compact(told), "hosts": neededHosts(s, probes, direct, private),
	}
	if servers := nameServers(); len(servers) > 0 {
		facts["nameServers"] = servers
	}
	for i := range direct {
		facts["direct"] = append([]string{direct[i].module.String() + ": " + direct[i].why}, direct[i].texts()...)
	}
	return facts
}

func entryValue(p *proxyProbe, i int) proxyValue {
	r := &p.results[i]
	v := proxyValue{
		Entry: r.Entry.String(), Host: r.Entry.Host(), Module: p.module.String(), Outcome: p.outcomeText(i), HTTPProxy: r.HTTPProxy,
		Phases: phaseTexts(r), Timings: []proxyTiming{}, Headers: r.Headers, Answers: map[string]proxyAnswer{}, BytesPerSecond: int64(r.Throughput()),
	}
	for _, t := range r.Timings {
		v.Timings = append(v.Timings, proxyTiming{string(t.Phase), t.Host, inMs(t.Duration), t.Failed})
	}
	for _, a := range r.Addresses {
		family := "IPv4"
		if a.Addr.Is6() {
			family = "IPv6"
		}
		address := proxyAddressValue{Address: a.Addr.String(), Family: family, Ms: inMs(a.Took)}
		if a.Fault != nil {
			address.Fault = string(a.Fault.Kind)
		}
		v.Addresses = append(v.Addresses, address)
	}
	if t := r.TLS; t != nil {
		v.TLS = &proxyTLS{Version: t.Version, ALPN: t.ALPN, Issuer: t.Chain[0].Issuer, NotAfter: t.Chain[0].NotAfter.UTC()}
		for _, c := range t.Chain {
			v.TLS.Chain = append(v.TLS.Chain, c.Subject)
		}
	}
	for _, a := range slices.Concat(r.Answers, r.Extras) {
		v.Answers[string(a.Endpoint)] = answerValue(&a)
	}
	if r.HasDate {
		skew := r.Skew.Round(time.Second).Seconds()
		v.ClockSkewSeconds = &skew
	}
	return v
}

func answerValue(a *goproxy.Answer) proxyAnswer {
	v := proxyAnswer{Text: answerText(a), Status: a.Status, Ms: inMs(a.Duration), FirstByteMs: inMs(a.FirstByte), Attempts: 1}
	if f := a.Fault; f != nil {
		v.Phase, v.Kind = string(f.Phase), string(f.Kind)
	}
	if a.First != nil {
		v.Attempts, v.FirstFault = 2, a.First.Text
	}
	if a.Assumed {
		v.Attempts = 0
	}
	for _, h := range a.Hops {
		v.Redirects = append(v.Redirects, h.To)
	}
	return v
}

// outcomeText is the worst outcome of an entry for what a download needs.
func (p *proxyProbe) outcomeText(i int) string {
	text := "served"
	for _, e := range goproxy.Downloads {
		switch p.outcomes(e)[i] {
		case goproxy.Failed:
			return "failed"
		case goproxy.Bad:
			text = "bad"
		case goproxy.NotExist:
			if text != "bad" {
				text = "not-found"
			}
		case goproxy.Unknown:
			if text == "served" {
				text = "unknown"
			}
		}
	}
	return text
}

// inMs is a duration in milliseconds with a decimal.
func inMs(d time.Duration) float64 {
	return float64(d.Round(100*time.Microsecond)) / float64(time.Millisecond)
}

// neededHosts are the hosts that a firewall has to let this build reach, each with
// what for: the entries of GOPROXY and where they redirect to, the HTTP proxies on
// the way, the checksum database, and the origins of what no proxy serves.
func neededHosts(s *Session, probes []proxyProbe, direct []directProbe, private []module.Version) []hostValue {
	hosts := []hostValue{}
	add := func(host, why string) {
		if host != "" && !slices.ContainsFunc(hosts, func(h hostValue) bool { return h.Host == host }) {
			hosts = append(hosts, hostValue{host, why})
		}
	}
	leads := false
	for i := range probes {
		for j := range probes[i].results {
			r := &probes[i].results[j]
			if !r.Probed || r.Entry.URL.Scheme == "file" {
				continue
			}
			if u, err := url.Parse(r.HTTPProxy); r.HTTPProxy != "" && err == nil {
				add(u.Host, "HTTP proxy")
			}
			add(withPort(r.Entry.URL), "module proxy "+r.Entry.Host())
			for _, a := range slices.Concat(r.Answers, r.Extras) {
				for _, h := range a.Hops {
					if u, err := url.Parse(h.To); err == nil {
						add(withPort(u), r.Entry.Host()+" redirects there")
					}
				}
			}
			if a := r.Answer(goproxy.SumDB); a != nil && a.Fault == nil {
				leads = true
			}
		}
	}
	if name := sumDBName(s.Env); name != "" && !leads {
		host, _, _ := strings.Cut(name, "/")
		add(host+":443", "checksum database: no module proxy leads to it")
	}
	for _, m := range private[:min(len(private), maxPrivateRows)] {
		host, _, _ := strings.Cut(m.Path, "/")
		add(host+":443", "modules that GONOPROXY matches")
	}
	for i := range direct {
		add(direct[i].Host+":443", "direct: "+direct[i].why)
		if u, err := url.Parse(direct[i].Repo); err == nil && u.Host != "" {
			add(withPort(u), "the repository of "+direct[i].Root)
		}
	}
	return hosts
}

// withPort is a URL's host with its port, written or not.
func withPort(u *url.URL) string {
	if u.Host == "" {
		return ""
	}
	port := map[string]string{"http": "80", "ssh": "22", "git": "9418"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port, "443"))
}

// phaseTexts is each phase of the first request with its time.
func phaseTexts(r *goproxy.Result) []string {
	texts := []string{}
	for _, t := range r.Timings {
		text := string(t.Phase) + " " + millis(t.Duration)
		if t.Failed {
			text = string(t.Phase) + " failed after " + millis(t.Duration)
		}
		texts = append(texts, text)
	}
	return texts
}

// answerText is what became of one endpoint.
func answerText(a *goproxy.Answer) string {
	switch {
	case a.Fault == nil:
		return "ok in " + millis(a.Duration)
	case a.Assumed:
		return "not asked"
	}
	return a.Fault.Text
}
