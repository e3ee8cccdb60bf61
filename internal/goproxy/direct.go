package goproxy

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/mod/module"

	"github.com/gopreflight/gopreflight/internal/localnet"
)

// maxPage is what is read of a page with go-import tags, in bytes; they stand in
// its head.
const maxPage = 1 << 20

// A DirectResult is how the origin of a module answers, where the go command
// would go for "direct". No version control program was run.
type DirectResult struct {
	// Module is the module's path, and Host its first element.
	Module, Host string
	// NotAsked says why nobody was asked, for a host that no public name can be,
	// or whose address is one of this machine's or of a private network; empty
	// when it was.
	NotAsked string
	// Known says that the go command knows by the path alone where the
	// repository is, and asks for no tags.
	Known bool
	// VCS and Repo are the version control system and the repository that the
	// path or the tags name; empty where they are not known.
	VCS, Repo string
	// Root is the path's part that is the repository's.
	Root string
	// Status is the HTTP status; 0 for none.
	Status int
	// Timings is the phases of the request, in order.
	Timings []Timing
	// Fault is why the host gave no answer, or none with a tag for the module;
	// nil when all is well.
	Fault *Fault
}

// knownHosts are the paths whose repository the go command knows, and its version
// control system (cmd/go/internal/vcs/vcs.go, vcsPaths, without the hosts that
// have to be asked for theirs).
var knownHosts = []struct {
	vcs  string
	path *regexp.Regexp
}{
	{"git", regexp.MustCompile(`^(?P<root>github\.com/[\w.\-]+/[\w.\-]+)(/[\w.\-]+)*$`)},
	{"git", regexp.MustCompile(`^(?P<root>bitbucket\.org/[\w.\-]+/[\w.\-]+)(/[\w.\-]+)*$`)},
	{"git", regexp.MustCompile(`^(?P<root>hub\.jazz\.net/git/[a-z0-9]+/[\w.\-]+)(/[\w.\-]+)*$`)},
	{"git", regexp.MustCompile(`^(?P<root>git\.apache\.org/[a-z0-9_.\-]+\.git)(/[\w.\-]+)*$`)},
	{"git", regexp.MustCompile(`^(?P<root>git\.openstack\.org/[\w.\-]+/[\w.\-]+)(\.git)?(/[\w.\-]+)*$`)},
	{"fossil", regexp.MustCompile(`^(?P<root>chiselapp\.com/user/[A-Za-z0-9]+/repository/[\w.\-]+)$`)},
	{"", regexp.MustCompile(`^(?P<root>([a-z0-9.\-]+\.)+[a-z0-9.\-]+(:[0-9]+)?(/~?[\w.\-]+)+?\.(?P<vcs>bzr|fossil|git|hg|svn))(/~?[\w.\-]+)*$`)},
}

// Direct asks the host of a module path, over https, what the go command would:
// for the page with go-import tags, or, where the path says all, for the
// repository. It connects to no local address, whoever names one.
func (p *Prober) Direct(ctx context.Context, path string) DirectResult {
	host, _, _ := strings.Cut(path, "/")
	r := DirectResult{Module: path, Host: host}
	switch {
	case module.CheckPath(path) != nil || !strings.Contains(host, "."):
		r.NotAsked = "the path does not begin with a host"
		return r
	case localnet.Host(host):
		r.NotAsked = "its host is an address of this machine or of a private network"
		return r
	}
	target := &url.URL{Scheme: "https", Host: host, Path: strings.TrimPrefix(path, host), RawQuery: "go-get=1"}
	r.VCS, r.Root, r.Known = knownRepo(path)
	if r.Known {
		r.Repo = "https://" + r.Root
		target = &url.URL{Scheme: "https", Host: host, Path: strings.TrimPrefix(r.Root, host)}
		if r.VCS == "git" {
			target.Path, target.RawQuery = target.Path+"/info/refs", "service=git-upload-pack"
		}
	}
	p.askDirect(ctx, target, &r)
	return r
}

// knownRepo is what a path alone says of its repository.
func knownRepo(path string) (vcs, root string, known bool) {
	for _, k := range knownHosts {
		match := k.path.FindStringSubmatch(path)
		if match == nil {
			continue
		}
		vcs = k.vcs
		if i := k.path.SubexpIndex("vcs"); i >= 0 {
			vcs = match[i]
		}
		return vcs, match[k.path.SubexpIndex("root")], true
	}
	return "", "", false
}

func (p *Prober) askDirect(ctx context.Context, target *url.URL, r *DirectResult) {
	timeout := p.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	entry := Result{Entry: Entry{URL: &url.URL{Scheme: "https", Host: target.Host}}}
	v := newVisit(p, &entry, timeout)
	v.nobodyLocal = true
	v.ownLocal.Store(false)
	defer v.close()
	v.trace = newTrace(p.Now)
	defer func() { r.Timings = v.trace.timings() }()
	req, err := v.request(ctx, target)
	if err != nil {
		r.Fault = v.fault(ctx, err)
		return
	}
	resp, err := v.client.Do(req)
	if errors.Is(err, errLocal) {
		r.NotAsked = "its host leads to an address of this machine or of a private network"
		return
	}
	if err != nil {
		r.Fault = v.fault(ctx, err)
		return
	}
	defer resp.Body.Close()
	if r.Status = resp.StatusCode; r.Known {
		return // it answers; what it thinks of us is for git and its credentials
	}
	imports, err := parseImports(io.LimitReader(resp.Body, maxPage))
	for _, m := range imports {
		if r.Module == m.Prefix || strings.HasPrefix(r.Module, m.Prefix+"/") {
			r.VCS, r.Root, r.Repo = oneLine(m.VCS, maxText), m.Prefix, v.clean(redactRaw(m.RepoRoot))
			return
		}
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		r.Fault = v.statusFault(resp)
	case err != nil:
		r.Fault = &Fault{Phase: Protocol, Kind: Content, Host: hostPort(resp.Request.URL), Text: v.clean("answers with a page that cannot be read: " + err.Error())}
	default:
		r.Fault = &Fault{Phase: Protocol, Kind: Content, Host: hostPort(resp.Request.URL), Text: "answers with a page without a go-import tag for " + oneLine(r.Module, maxText)}
	}
}

// A metaImport is a go-import tag.
type metaImport struct{ Prefix, VCS, RepoRoot string }

// parseImports reads the go-import tags of a page's head as the go command does
// (cmd/go/internal/vcs/discovery.go, parseMetaGoImports); those for the module
// protocol come first.
func parseImports(r io.Reader) ([]metaImport, error) {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		if c := strings.ToLower(charset); c == "utf-8" || c == "ascii" {
			return input, nil
		}
		return nil, errors.New("charset " + oneLine(charset, maxText))
	}
	var mods, others []metaImport
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if len(mods)+len(others) == 0 {
				return nil, err
			}
			break
		}
		if e, ok := t.(xml.EndElement); ok && strings.EqualFold(e.Name.Local, "head") {
			break
		}
		e, ok := t.(xml.StartElement)
		if ok && strings.EqualFold(e.Name.Local, "body") {
			break
		}
		if !ok || !strings.EqualFold(e.Name.Local, "meta") || attribute(e.Attr, "name") != "go-import" {
			continue
		}
		if f := strings.Fields(attribute(e.Attr, "content")); len(f) == 3 || len(f) == 4 {
			m := metaImport{f[0], f[1], f[2]}
			if m.VCS == "mod" {
				mods = append(mods, m)
			} else {
				others = append(others, m)
			}
		}
	}
	return append(mods, others...), nil
}

func attribute(attrs []xml.Attr, name string) string {
	for _, a := range attrs {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}
