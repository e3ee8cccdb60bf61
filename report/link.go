package report

import (
	"html"
	"io/fs"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
)

var (
	commitID = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)
	hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)
)

// fileURL is the address of a finding's place at the report's commit, on the
// site that hosts the repository. It is empty unless the address is https, the
// commit is known, the file is inside the repository, and the site's form of
// such addresses is known.
//
// For a pull request that commit may be a test merge (refs/pull/N/merge), which
// no branch keeps. Nevertheless it is the right one: the line is a line of its
// files, which in the change's own commit may be another or none; and sites show
// a commit by its name also when no branch has it any more, until they collect
// their garbage.
func fileURL(r *checks.Report, f *checks.Finding) string {
	if !commitID.MatchString(r.Repository.Commit) || f.File == "." || !fs.ValidPath(f.File) {
		return ""
	}
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSuffix(r.Repository.URL, "/"), ".git"))
	if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !hostName.MatchString(u.Host) {
		return ""
	}
	view := viewPath(r.CI.Provider, u.Hostname())
	if view == "" {
		return ""
	}
	parts := strings.Split(strings.Trim(u.Path, "/")+view+r.Repository.Commit+"/"+f.File, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	link := "https://" + u.Host + "/" + strings.Join(parts, "/")
	if f.Line > 0 {
		link += "#L" + strconv.Itoa(f.Line)
	}
	return link
}

// maxRunURL bounds the address of a run, in bytes.
const maxRunURL = 500

// runURL is the page of the run, https or http (a Jenkins in a company's network
// often has no other); empty for anything that is no plain address of a page.
func runURL(r *checks.Report) string {
	u, err := url.Parse(r.CI.RunURL)
	if err != nil || len(r.CI.RunURL) > maxRunURL || u.Scheme != "https" && u.Scheme != "http" ||
		u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !hostName.MatchString(u.Host) {
		return ""
	}
	parts := strings.Split(strings.TrimPrefix(u.Path, "/"), "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return u.Scheme + "://" + u.Host + "/" + strings.Join(parts, "/")
}

// viewPath is what stands between a repository and a commit in the address of
// a file: by the CI where that is part of the site, else by the site's name.
func viewPath(provider, host string) string {
	switch {
	case provider == "github" || host == "github.com":
		return "/blob/"
	case provider == "gitlab" || host == "gitlab.com":
		return "/-/blob/"
	case provider == "gitea" || host == "codeberg.org":
		return "/src/commit/"
	}
	return ""
}

// placeLink is a finding's place as code, linked to the commit when it can be.
func placeLink(r *checks.Report, f *checks.Finding) string {
	code := gfmCode(place(f))
	if link := fileURL(r, f); link != "" && code != "" {
		return `<a href="` + html.EscapeString(link) + `">` + code + `</a>`
	}
	return code
}
