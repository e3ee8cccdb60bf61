package checks

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/localnet"
)

// certificateWarning is how long before its end a certificate is warned about,
// but not before the last part of its life in certificateParts: ones that are
// made for hours or days are renewed as late.
const (
	certificateWarning = 14 * 24 * time.Hour
	certificateParts   = 6
)

// clockWarning is how far the clocks may be apart. Certificates are mostly made
// valid from an hour or a day before, signatures of some clouds for 5 minutes.
const clockWarning = 5 * time.Minute

// judgeCertificates looks for certificates that are good, but not for long.
func (p *proxyProbe) judgeCertificates() []Finding {
	var findings []Finding
	for i := range p.results {
		r := &p.results[i]
		c, own := firstToExpire(r, p.now)
		if c == nil {
			continue
		}
		who := r.Entry.Host()
		if !own {
			who = fmt.Sprintf("%s, on which that of %s depends,", c.Subject, r.Entry.Host())
		}
		finding := ruleProxyTLSExpiring.Finding("the certificate of %s expires %s (issuer: %s)", who, inDays(c.NotAfter.Sub(p.now)), c.Issuer)
		finding.Key = r.Entry.String()
		finding.Evidence = []string{p.entryText(i), "valid until " + c.NotAfter.UTC().Format(time.RFC3339)}
		finding.Fix.Description = "Renew the certificate of " + r.Entry.Host() + "."
		findings = append(findings, finding)
	}
	return findings
}

// firstToExpire is the certificate that is about to end, of those that an entry
// was trusted by; own says that it is the entry's. Nil for none.
func firstToExpire(r *goproxy.Result, now time.Time) (c *goproxy.Certificate, own bool) {
	if r.TLS == nil {
		return nil, false
	}
	for i := range r.TLS.Chain {
		n := &r.TLS.Chain[i]
		soon := n.NotAfter.Sub(now) < min(certificateWarning, n.NotAfter.Sub(n.NotBefore)/certificateParts)
		if soon && (c == nil || n.NotAfter.Before(c.NotAfter)) {
			c, own = n, i == 0
		}
	}
	return c, own
}

// judgeFlaky looks for entries that failed once and then answered; not for those
// of which worse is said.
func (p *proxyProbe) judgeFlaky(said []Finding) []Finding {
	var findings []Finding
	for i := range p.results {
		r := &p.results[i]
		if slices.ContainsFunc(said, func(f Finding) bool { return f.Key == r.Entry.String() && f.Rule != ruleProxyTLSExpiring.ID }) {
			continue
		}
		for j := range r.Answers {
			a := &r.Answers[j]
			if a.First == nil || a.Fault != nil {
				continue
			}
			first := *a
			first.Fault, first.First = a.First, nil
			finding := ruleProxyFlaky.Finding("%s at the first attempt, and answered at the second", p.message(r, &first))
			finding.Key = r.Entry.String()
			finding.Evidence = append(p.evidence(i, &first), "the go command makes one attempt and no second one")
			finding.Fix.Description = "Run again; if it comes back, ask who runs " + r.Entry.Host() + "."
			findings = append(findings, finding)
			break
		}
	}
	return findings
}

// judgeAddresses looks for addresses of a name that do not answer where others
// do. localhost is left out: a server listens on one of its two as a rule.
func (p *proxyProbe) judgeAddresses() []Finding {
	var findings []Finding
	for i := range p.results {
		r := &p.results[i]
		var dead []string
		alive := 0
		for _, a := range r.Addresses {
			switch {
			case a.Fault == nil:
				alive++
			case !a.NoRoute && a.Fault.Kind != goproxy.Canceled:
				dead = append(dead, fmt.Sprintf("%s (%s)", a.Addr, a.Fault.Text))
			}
		}
		if alive == 0 || len(dead) == 0 || localnet.Host(r.Entry.URL.Hostname()) {
			continue
		}
		finding := ruleProxyAddress.Finding("%d of the %d addresses of %s do not answer: %s", len(dead), len(r.Addresses), r.Entry.Host(), strings.Join(dead, ", "))
		finding.Key = r.Entry.String()
		finding.Evidence = []string{p.entryText(i), addressesText(r)}
		finding.Fix.Description = "Take the address out of the name, or bring up what should answer there."
		findings = append(findings, finding)
	}
	return findings
}

// judgeUnknownVersion looks for entries that do not say "not found" where
// another entry waits behind a comma for just that.
func (p *proxyProbe) judgeUnknownVersion() []Finding {
	var findings []Finding
	for i := range p.results {
		r := &p.results[i]
		a := r.Answer(goproxy.Missing)
		if a == nil || a.Fault == nil || a.Fault.Kind != goproxy.Status || a.Fault.Status == http.StatusTooManyRequests ||
			r.Entry.FallBackOnError || i == len(p.results)-1 || p.chain[i+1].Keyword == goproxy.Off {
			continue
		}
		finding := ruleProxyUnknownVersion.Finding("%s answers with %s for a version that does not exist, so %s is never asked for what it does not have",
			r.Entry.Host(), a.Fault.Text, nameOfEntry(p.chain[i+1]))
		finding.Key = r.Entry.String()
		finding.Transient = a.Fault.Transient()
		finding.Evidence = []string{p.entryText(i), "GET " + a.URL + ": " + a.Fault.Text, `only "not found" (404, 410) falls through ","`}
		finding.Fix.Description = "Have " + r.Entry.Host() + ` answer 404 for what it does not have, or write "|" behind it in GOPROXY.`
		findings = append(findings, finding)
	}
	return findings
}

// judgeEscaping looks for entries that have a module under its path as it is, and
// not under the one that the go command asks for.
func (p *proxyProbe) judgeEscaping() []Finding {
	var findings []Finding
	for i := range p.results {
		r := &p.results[i]
		escaped, plain := r.Answer(goproxy.Escaped), r.Answer(goproxy.Unescaped)
		if escaped == nil || plain == nil || plain.Fault != nil {
			continue
		}
		finding := ruleProxyEscaping.Finding("%s has %s, but not under its escaped path", r.Entry.Host(), p.capital.Path)
		finding.Key = r.Entry.String()
		finding.Module = p.capital.String()
		finding.Evidence = []string{p.entryText(i), "GET " + escaped.URL + ": " + escaped.Fault.Text, "GET " + plain.URL + ": status 200"}
		finding.Fix.Description = "Have " + r.Entry.Host() + ` serve paths in which every capital is "!" and the small letter.`
		findings = append(findings, finding)
	}
	return findings
}

// judgeClock compares this machine's clock with those of the entries. One that
// agrees is enough to believe it.
func (p *proxyProbe) judgeClock() []Finding {
	at := -1
	var evidence []string
	for i := range p.results {
		r := &p.results[i]
		if !r.HasDate {
			continue
		}
		if r.Skew.Abs() <= clockWarning {
			return nil
		}
		if at < 0 {
			at = i
		}
		evidence = append(evidence, p.entryText(i)+": "+skewText(r.Skew))
	}
	if at < 0 {
		return nil
	}
	r := &p.results[at]
	finding := ruleProxyClock.Finding("by the clock of %s it is %s", r.Entry.Host(), skewText(r.Skew))
	finding.Key = r.Entry.String()
	finding.Evidence = evidence
	finding.Fix.Description = "Set this machine's clock (NTP)."
	return []Finding{finding}
}

// skewText says how much later it is elsewhere.
func skewText(d time.Duration) string {
	word := "later"
	if d < 0 {
		d, word = -d, "earlier"
	}
	return fmt.Sprintf("%v %s than here", d.Round(time.Second), word)
}

// nameOfEntry is an entry in a sentence.
func nameOfEntry(e goproxy.Entry) string {
	if e.Keyword != "" {
		return `"` + e.Keyword + `"`
	}
	return e.Host()
}
