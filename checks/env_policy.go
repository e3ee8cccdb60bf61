package checks

import (
	"net/url"
	"slices"
	"strings"

	"github.com/gopreflight/gopreflight/internal/goenv"
	"github.com/gopreflight/gopreflight/internal/goproxy"
)

var envPolicyRules = []*Rule{ruleEnvRequired, ruleEnvGOPROXYNotAllowed, ruleEnvGOFLAGSForbidden}

var (
	ruleEnvRequired = &Rule{
		ID:       "env/required",
		Severity: Error,
		Summary:  "A setting that the policy requires is not set.",
		Help: "`env.required`" + ` in .gopreflight.yml lists settings that the environment or the user's file must set. What
go.env in GOROOT says does not count: it comes with the Go release and is lost when the go command switches
to another one.

Set it in the environment of the job, or with ` + "`go env -w`" + ` in the image.`,
	}
	ruleEnvGOPROXYNotAllowed = &Rule{
		ID:       "env/goproxy-not-allowed",
		Severity: Error,
		Summary:  "GOPROXY lists something that the policy does not allow.",
		Help: "`env.goproxy.allow`" + ` in .gopreflight.yml lists the proxies that modules may come from. An entry outside
that list, ` + "`direct`" + ` among them, is a way around what the proxy checks and keeps.

Take the entry out of GOPROXY, or have it added to the policy.`,
	}
	ruleEnvGOFLAGSForbidden = &Rule{
		ID:       "env/goflags-forbidden",
		Severity: Error,
		Summary:  "GOFLAGS has a flag that the policy forbids.",
		Help: "`env.forbid-goflags`" + ` in .gopreflight.yml lists flags that may not apply to every go command by way of
GOFLAGS.

Take the flag out of GOFLAGS.`,
	}
)

func judgeEnvPolicy(f *envFacts) []Finding {
	var findings []Finding
	for _, name := range f.Policy.Required {
		if s, ok := f.Env.Lookup(name); ok && (s.Source == goenv.Process || s.Source == goenv.UserFile) && s.Value != "" {
			continue
		}
		finding := ruleEnvRequired.Finding("%s is not set; the policy requires it", name)
		finding.Key = name
		finding.Fix.Description = "set " + name + " in the environment, or with go env -w"
		findings = append(findings, finding)
	}
	return append(append(findings, judgeAllowedProxies(f)...), judgeForbiddenFlags(f)...)
}

func judgeAllowedProxies(f *envFacts) []Finding {
	s, ok := f.sound("GOPROXY")
	chain, err := goproxy.Parse(s.Value, "")
	if !ok || err != nil || len(f.Policy.GOPROXY.Allow) == 0 {
		return nil
	}
	var allowed []string
	for _, entry := range f.Policy.GOPROXY.Allow {
		if u, err := url.Parse(entry); err == nil && u.Host != "" {
			entry = proxyAddress(u)
		}
		allowed = append(allowed, entry)
	}
	var findings []Finding
	for _, e := range chain {
		entry := e.Keyword
		if e.URL != nil {
			entry = proxyAddress(e.URL)
		}
		if entry == goproxy.Off || slices.Contains(allowed, entry) {
			continue
		}
		finding := f.about(ruleEnvGOPROXYNotAllowed, s, "the policy does not allow %s", e)
		finding.Key = "GOPROXY " + entry
		finding.Evidence = []string{"allowed: " + strings.Join(f.Policy.GOPROXY.Allow, ", ")}
		finding.Fix = set(s, strings.Join(f.Policy.GOPROXY.Allow, ","))
		findings = append(findings, finding)
	}
	return findings
}

// proxyAddress is the URL of a proxy as it is compared with the policy's:
// without credentials, query and a slash at the end.
func proxyAddress(u *url.URL) string {
	return u.Scheme + "://" + strings.ToLower(u.Host) + strings.TrimSuffix(u.Path, "/")
}

func judgeForbiddenFlags(f *envFacts) []Finding {
	s, ok := f.Env.Lookup("GOFLAGS")
	if !ok || s.Value == "" {
		return nil
	}
	// The flags before an error are judged too.
	flags, _ := goenv.ParseGOFLAGS(s.Value)
	var findings []Finding
	for _, forbidden := range f.Policy.ForbidGOFLAGS {
		name, value, hasValue := strings.Cut(strings.TrimLeft(forbidden, "-"), "=")
		for _, flag := range flags {
			if flag.Name != name || hasValue && flag.Value != value {
				continue
			}
			finding := f.about(ruleEnvGOFLAGSForbidden, s, "the policy forbids %s", forbidden)
			finding.Key = "GOFLAGS " + forbidden
			finding.Fix = without(s, flags, name)
			findings = append(findings, finding)
		}
	}
	return findings
}
