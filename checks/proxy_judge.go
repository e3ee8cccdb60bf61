package checks

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/gopreflight/gopreflight/internal/goproxy"
)

// A proxyVerdict is what probes come to.
type proxyVerdict struct {
	findings []Finding
	// unknown says why the chain cannot be judged to its end; empty when it can.
	unknown string
}

// add takes another probe's verdict in; what is already said of an entry is
// not said again for another module.
func (v *proxyVerdict) add(w proxyVerdict) {
	for _, f := range w.findings {
		if !slices.ContainsFunc(v.findings, func(o Finding) bool { return o.Rule == f.Rule && o.Key == f.Key }) {
			v.findings = append(v.findings, f)
		}
	}
	if v.unknown == "" {
		v.unknown = w.unknown
	}
}

// forgetFallbacks drops what was said of an entry that falls through for one
// endpoint and then stops the go command for another: the last word counts.
func (v *proxyVerdict) forgetFallbacks(last []Finding) {
	v.findings = slices.DeleteFunc(v.findings, func(f Finding) bool {
		return f.Rule == ruleProxyFallback.ID && slices.ContainsFunc(last, func(l Finding) bool {
			return l.Rule != f.Rule && l.Key == f.Key
		})
	})
}

// outcomes is what each entry answered. Where GOAUTH has credentials that were
// not used, a server that may only want those is not judged.
func (p *proxyProbe) outcomes(e goproxy.Endpoint) []goproxy.Outcome {
	outcomes := goproxy.Outcomes(p.results, e)
	for i := range p.results {
		if p.results[i].Probed && p.wantsOtherAuth(&p.results[i], e) {
			outcomes[i] = goproxy.Unknown
		}
	}
	return outcomes
}

func (p *proxyProbe) wantsOtherAuth(r *goproxy.Result, e goproxy.Endpoint) bool {
	f := r.Answer(e).Fault
	return p.otherAuth && r.Entry.URL.Scheme == "https" && f != nil && slices.Contains([]int{
		http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
	}, f.Status)
}

// judge walks the chain as the go command does, for each thing that a download
// needs, and then looks at what a walk alone does not show.
func (p *proxyProbe) judge() proxyVerdict {
	var v proxyVerdict
	asked, server := -1, -1 // the last entry that was asked, and the one that serves the info
	complete := true
	for _, e := range goproxy.Downloads {
		outcomes := p.outcomes(e)
		d := p.chain.Decide(outcomes)
		asked = max(asked, d.Entry)
		if e == goproxy.Info && d.End == goproxy.Served {
			server = d.Entry
		}
		findings, stops := p.walk(e, outcomes, d)
		v.add(proxyVerdict{findings: findings})
		if d.End == goproxy.Open && p.results[d.Entry].Probed {
			v.unknown, stops = p.whyUnknown(d.Entry, e), true
		}
		if stops {
			complete = false
			v.forgetFallbacks(findings)
			break
		}
	}
	if complete && server >= 0 {
		v.add(proxyVerdict{findings: p.judgeList(server)})
	}
	v.add(proxyVerdict{findings: p.judgeStandby(asked)})
	v.add(proxyVerdict{findings: p.judgeCertificates()})
	v.add(proxyVerdict{findings: p.judgeFlaky(v.findings)})
	v.add(proxyVerdict{findings: p.judgeAddresses()})
	v.add(proxyVerdict{findings: p.judgeUnknownVersion()})
	v.add(proxyVerdict{findings: p.judgeEscaping()})
	v.add(proxyVerdict{findings: p.judgeClock()})
	return v
}

// walk judges the entries that are asked for one endpoint; stops says that the
// go command gets no good answer.
func (p *proxyProbe) walk(e goproxy.Endpoint, outcomes []goproxy.Outcome, d goproxy.Decision) (findings []Finding, stops bool) {
	for i := 0; i <= d.Entry; i++ {
		r := &p.results[i]
		if !r.Probed {
			continue
		}
		a := r.Answer(e)
		switch {
		case i == d.Entry && d.End == goproxy.Served && a.Broken():
			return append(findings, p.stop(i, a, "the go command takes this answer: no other entry is asked, whatever the separator")), true
		case outcomes[i] != goproxy.Failed:
		case i == d.Entry && d.End == goproxy.Stopped:
			return append(findings, p.stop(i, a, p.whyStopped(i))), true
		case d.End == goproxy.Exhausted && i == d.Reported:
			return append(findings, p.stop(i, a, "no later entry serves the module")), true
		default:
			findings = append(findings, p.fallback(i, a))
		}
	}
	if d.End == goproxy.Exhausted {
		findings, stops = append(findings, p.notFound()), true
	}
	return findings, stops
}

// whyStopped says why the go command asks no further.
func (p *proxyProbe) whyStopped(i int) string {
	if i == len(p.chain)-1 {
		return "the go command stops here: it is the last entry"
	}
	return `the go command stops here: only "not found" (404, 410) falls through ","`
}

// stop is the finding about the entry that ends the download.
func (p *proxyProbe) stop(i int, a *goproxy.Answer, consequence string) Finding {
	r, f := &p.results[i], a.Fault
	finding := proxyRule(r, f).Finding("%s", p.message(r, a))
	finding.Key = r.Entry.String()
	finding.Transient = f.Transient()
	finding.Evidence = slices.Concat(p.evidence(i, a), []string{consequence}, p.walkRows(), background(r, f))
	finding.Fix = p.fix(i, proxyAdvice(r, f))
	return finding
}

// fallback is the finding about an entry that fails and is passed over.
func (p *proxyProbe) fallback(i int, a *goproxy.Answer) Finding {
	r := &p.results[i]
	finding := ruleProxyFallback.Finding("%s; every request pays for it and goes on to the next entry", p.message(r, a))
	finding.Key = r.Entry.String()
	finding.Transient = a.Fault.Transient()
	finding.Evidence = append(p.evidence(i, a), `"|" falls through on any error; nothing remembers a dead proxy: info, mod and zip of every module ask it first`)
	finding.Evidence = slices.Concat(finding.Evidence, p.walkRows(), background(r, a.Fault))
	finding.Fix = p.fix(i, proxyAdvice(r, a.Fault))
	return finding
}

// notFound is the finding about a chain that ends without the module.
func (p *proxyProbe) notFound() Finding {
	finding := ruleProxyNotFound.Finding("no entry of GOPROXY has %s, and the list does not end with direct", p.module)
	finding.Key = p.chain.String()
	finding.Module = p.module.String()
	for i := range p.results {
		if p.results[i].Probed {
			finding.Evidence = append(finding.Evidence, p.entryText(i)+": "+p.answersText(&p.results[i]))
		}
	}
	finding.Fix.Description = "Let the proxy fetch the module from its upstream, or end the list with a proxy that has it or with direct."
	return finding
}

// judgeList looks at the list of versions, which a build with a complete
// go.mod does not need. server is the entry that serves all else.
func (p *proxyProbe) judgeList(server int) []Finding {
	d := p.chain.Decide(p.outcomes(goproxy.List))
	at := -1
	switch {
	case d.End == goproxy.Served && p.results[d.Entry].Answer(goproxy.List).Broken(), d.End == goproxy.Stopped:
		at = d.Entry
	case d.End == goproxy.Exhausted:
		at = server
	}
	if at < 0 {
		return nil
	}
	r := &p.results[at]
	a := r.Answer(goproxy.List)
	finding := ruleProxyListRefused.Finding("%s, but serves the module's info, mod and zip", p.message(r, a))
	if at != server {
		finding = ruleProxyListRefused.Finding("%s, while %s serves the module", p.message(r, a), p.results[server].Entry.Host())
	}
	finding.Key = r.Entry.String()
	finding.Transient = a.Fault.Transient()
	finding.Evidence = append(p.evidence(at, a), "what needs the list fails: go get M@latest, go get -u, go list -m -versions, go mod tidy with a missing module")
	finding.Fix.Description = "Let the proxy answer @v/list, or name exact versions: go get M@v1.2.3."
	return []Finding{finding}
}

// judgeStandby looks at the entries behind the last one that was asked.
func (p *proxyProbe) judgeStandby(asked int) []Finding {
	var findings []Finding
	for i := asked + 1; i < len(p.results); i++ {
		r := &p.results[i]
		if !r.Probed {
			continue
		}
		for _, e := range goproxy.Downloads {
			a := r.Answer(e)
			if p.outcomes(e)[i] != goproxy.Failed && !a.Broken() {
				continue
			}
			finding := ruleProxyStandby.Finding("%s; it is asked only for what the entries before it do not serve", p.message(r, a))
			finding.Key = r.Entry.String()
			finding.Transient = a.Fault.Transient()
			finding.Evidence = p.evidence(i, a)
			finding.Fix = p.fix(i, proxyAdvice(r, a.Fault))
			findings = append(findings, finding)
			break
		}
	}
	return findings
}

// whyUnknown says why an entry that decides cannot be judged.
func (p *proxyProbe) whyUnknown(i int, e goproxy.Endpoint) string {
	r := &p.results[i]
	a := r.Answer(e)
	if p.wantsOtherAuth(r, e) {
		return fmt.Sprintf("%s: GOAUTH has a command for credentials, and gopreflight does not run it", p.message(r, a))
	}
	return fmt.Sprintf("%s was not asked to the end: %s", r.Entry.Host(), a.Fault.Text)
}

// fix gives the advice, and the rest of the chain as a command where the probes
// show that it serves the module.
func (p *proxyProbe) fix(i int, advice string) Fix {
	without := slices.Delete(slices.Clone(p.chain), i, i+1)
	rest := proxyProbe{chain: without, results: slices.Delete(slices.Clone(p.results), i, i+1), otherAuth: p.otherAuth}
	for _, e := range goproxy.Downloads {
		d := without.Decide(rest.outcomes(e))
		if d.End != goproxy.Served || rest.results[d.Entry].Answer(e).Broken() {
			return Fix{Description: advice}
		}
	}
	if slices.ContainsFunc(without, goproxy.Entry.HasSecret) {
		return Fix{Description: advice + " Until then leave this entry out of GOPROXY: the others serve the module."}
	}
	return Fix{
		Description: advice + " Until then the other entries serve the module.",
		Command:     "export GOPROXY=" + shellQuote(without.String()),
	}
}
