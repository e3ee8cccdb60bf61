package checks

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gopreflight/gopreflight/internal/checksumdb"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// sumdbCheck asks whether the checksum database can be asked from here and believed:
// who serves it, its newest signed tree, one lookup of a public module, and whether
// the go command's own record of the tree is of the same history. Not asked: about
// the lines of go.sum, which is check gosum's. Costs a few small requests; nothing
// of the go command's own state is written.
var sumdbCheck = &Check{
	Name:  "sumdb",
	Stage: StageProxy,
	Title: "the checksum database answers and can be believed",
	Doc: "Finds the database that GOSUMDB names as the go command does: through the first entry of GOPROXY that\n" +
		"passes it on (`/sumdb/NAME/supported`; 404 and 410 go on to the next, any error behind `|`, all else stops),\n" +
		"else at its own host. Then its newest signed tree head is verified with the key, one public module of the\n" +
		"build list is looked up, and the go command's own tree head (`GOPATH/pkg/sumdb/NAME/latest`) is proven to\n" +
		"be of the same history.\n\n" +
		"The database is needed for what go.sum does not name yet: `go get`, `go mod tidy`, a workspace build that\n" +
		"selects another version, another Go release. A build with a complete go.sum never asks it, so a database\n" +
		"that cannot be asked is a warning; what needs it here is an error (`sumdb/needed`). With GOSUMDB=off, or\n" +
		"for modules that GONOSUMDB matches, the check says what becomes unverified.",
	Needs: []*Check{env},
	After: []*Check{proxy},
	Rules: []*Rule{
		ruleSumdbUnreachable, ruleSumdbRefused, ruleSumdbContent, ruleSumdbUntrusted, ruleSumdbForked, ruleSumdbNeeded,
		ruleSumdbLocalMalformed, ruleSumdbLocalForeign, ruleSumdbLocalForked, ruleSumdbLocalUnreadable, ruleSumdbUnverified,
	},
	Run: runSumdb,
}

// maxLocalHead bounds the go command's tree head, in bytes: three lines and a
// signature.
const maxLocalHead = 64 << 10

// sumdbFacts are what is known of the database; judge makes the findings of them.
type sumdbFacts struct {
	name  string
	chain goproxy.Chain
	// off says that GOSUMDB=off.
	off bool
	// endpoint is who serves it; fault is why it cannot be asked or believed, or nil.
	endpoint checksumdb.Endpoint
	fault    *checksumdb.Fault
	// probe is the module version that was looked up, empty where none was.
	probe string
	// local is the go command's own tree head.
	local localHead
	// needs is what go.sum does not name and a build here would have to look up,
	// unverified the same where the go command would not ask.
	needs, unverified []neededSum
}

// localHead is the go command's own record of the tree.
type localHead struct {
	// path is the file; empty where it was not looked at.
	path string
	// known says that the go command has one.
	known bool
	// err is why it could not be read.
	err error
	// fault is why it is not of the database's history, or could not be compared.
	fault *checksumdb.Fault
}

func runSumdb(ctx context.Context, s *Session) (Facts, []Finding, error) {
	if s.Offline {
		return Facts{}, nil, Skip("offline")
	}
	if first, _, _ := strings.Cut(strings.ReplaceAll(s.Env.Get("GOPROXY"), "|", ","), ","); strings.TrimSpace(first) == goproxy.Off {
		return Facts{}, nil, Skip("GOPROXY=off: nothing is downloaded, and so nothing looked up")
	}
	if r := s.Result(env); r != nil {
		for i := range r.Findings {
			if f := &r.Findings[i]; f.Rule == ruleEnvGOSUMDBInvalid.ID && f.Exception == nil {
				return Facts{}, nil, &blockedError{f.Rule, f.Fingerprint}
			}
		}
	}
	client, err := s.checksumDB()
	if err != nil {
		return Facts{}, nil, err
	}
	f := sumdbFacts{name: client.Name()}
	needed, err := s.neededSums()
	if err != nil {
		return Facts{}, nil, err
	}
	for _, n := range needed {
		if client.Asks(n.mod.Path) == nil {
			f.needs = append(f.needs, n)
		} else {
			f.unverified = append(f.unverified, n)
		}
	}
	if errors.Is(client.Asks(checksumdb.Toolchain), checksumdb.ErrOff) {
		f.off = true
		return f.facts(s), f.judgeUnverified(s), Skip("GOSUMDB=off: " + f.unverifiedText())
	}
	if f.chain, err = goproxy.Parse(s.Env.Get("GOPROXY"), privatePatterns(s.Env)); err != nil {
		f.chain = nil // GOSUMDB names a URL; else there would be no client
	}
	if err := f.ask(ctx, s, client); err != nil {
		return Facts{}, nil, err
	}
	if by := f.blockedBy(s.Result(proxy)); by != nil {
		return f.facts(s), nil, by
	}
	return f.facts(s), f.judge(s), nil
}

// ask asks the database, as far as it answers.
func (f *sumdbFacts) ask(ctx context.Context, s *Session, client *checksumdb.Client) error {
	var err error
	if f.endpoint, err = client.Endpoint(ctx); err != nil {
		return f.take(err)
	}
	_, headErr := client.Head(ctx)
	var refused *checksumdb.Fault
	if errors.As(headErr, &refused) && refused.Kind != checksumdb.Refused || headErr != nil && refused == nil {
		return f.take(headErr)
	}
	// The go command learns tree heads from lookups, and a proxy need not serve the
	// newest one by itself.
	probe, ok := publicModule(s.Modules, unverifiedPatterns(s.Env)+","+privatePatterns(s.Env))
	if ok {
		f.probe = probe.String()
		_, err := client.Lookup(ctx, probe)
		var unknown *checksumdb.Fault
		if errors.As(err, &unknown) && unknown.Kind == checksumdb.Unknown {
			err = nil // that is an answer
		}
		if err != nil {
			return f.take(err)
		}
	} else if refused != nil {
		return f.take(headErr)
	}
	f.local = s.readLocalHead(f.name)
	if f.local.err == nil && f.local.known {
		var data []byte
		if data, f.local.err = readLimited(f.local.path, maxLocalHead); f.local.err == nil {
			return f.compareLocal(ctx, client, data)
		}
	}
	return nil
}

// compareLocal has the go command's own tree head proven to be of the database's
// history.
func (f *sumdbFacts) compareLocal(ctx context.Context, client *checksumdb.Client, data []byte) error {
	_, err := client.CheckHead(ctx, data)
	switch {
	case err == nil || errors.As(err, &f.local.fault):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	f.local.fault = &checksumdb.Fault{Kind: checksumdb.Unreachable, Text: err.Error()}
	return nil
}

// take keeps a fault, and returns any other error.
func (f *sumdbFacts) take(err error) error {
	if errors.As(err, &f.fault) {
		return nil
	}
	return err
}

// readLocalHead finds the go command's own tree head, which follows GOPATH and not
// GOMODCACHE.
func (s *Session) readLocalHead(name string) localHead {
	gopath, _, _ := strings.Cut(s.Env.Get("GOPATH"), string(filepath.ListSeparator))
	if !filepath.IsAbs(gopath) || s.Scope == ScopeContainer && !within(s.Root(), gopath) || !filepath.IsLocal(filepath.FromSlash(name)) {
		return localHead{}
	}
	h := localHead{path: filepath.Join(gopath, "pkg", "sumdb", filepath.FromSlash(name), "latest")}
	info, err := os.Stat(h.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h
	case err != nil:
		h.err = err
	case !info.Mode().IsRegular():
		h.err = errors.New("it is not a regular file")
	default:
		f, err := os.Open(h.path)
		if err != nil {
			h.err = err
			break
		}
		h.err = f.Close()
	}
	h.known = true
	return h
}

// readLimited reads a file, and no more than one byte over limit.
func readLimited(name string, limit int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}

// blockedBy is the finding of check proxy on the entry whose fault keeps the
// database from being asked: one cause, told once.
func (f *sumdbFacts) blockedBy(r *Result) error {
	if r == nil || f.fault == nil || f.fault.Kind != checksumdb.Unreachable {
		return nil
	}
	entry := ""
	switch {
	case f.endpoint.Entry >= 0 && f.endpoint.Entry < len(f.chain):
		entry = f.chain[f.endpoint.Entry].String()
	case f.endpoint.URL == "" && len(f.endpoint.Asked) > 0:
		for _, a := range f.endpoint.Asked {
			if a.Fault != nil && a.Fault.URL == f.fault.URL {
				entry = a.Entry.String()
			}
		}
	}
	for i := range r.Findings {
		if b := &r.Findings[i]; entry != "" && b.Key == entry && proxy.blocks(b) {
			return &blockedError{b.Rule, b.Fingerprint}
		}
	}
	return nil
}

// facts are the summary and what is shown of the way to the database.
func (f *sumdbFacts) facts(s *Session) Facts {
	values := map[string]any{"database": f.name}
	var asked []string
	for _, a := range f.endpoint.Asked {
		outcome := "passes it on"
		if a.Fault != nil {
			outcome = a.Fault.Text
		}
		asked = append(asked, a.Entry.String()+": "+outcome)
	}
	if len(asked) > 0 {
		values["asked"] = asked
	}
	if f.endpoint.URL != "" {
		values["endpoint"] = f.endpoint.URL
	}
	if f.probe != "" {
		values["lookup"] = f.probe
	}
	for name, list := range map[string][]neededSum{"needs": f.needs, "unverified": f.unverified} {
		if len(list) > 0 {
			values[name] = neededTexts(list)
		}
	}
	if patterns := unverifiedPatterns(s.Env); patterns != "" {
		values["gonosumdb"] = patterns
	}
	return Facts{Summary: f.summary(), Values: values}
}

// summary is one line for people.
func (f *sumdbFacts) summary() string {
	if f.fault != nil || f.off {
		return ""
	}
	text := f.name + " answers"
	switch {
	case f.endpoint.Entry >= 0:
		text += " through " + f.endpoint.Host
	case f.endpoint.Named:
		text += " at " + f.endpoint.Host
	default:
		text += " at its own host"
	}
	text += ", its signed tree is verified"
	if f.local.known && f.local.fault == nil && f.local.err == nil {
		text += " and goes on from the one that the go command knows"
	}
	switch n := len(f.needs); {
	case n > 0:
		text += "; " + plain.Count(n, "module version") + " not in go.sum can be verified"
	default:
		text += "; no build here needs it"
	}
	return text
}

// unverifiedText says what GOSUMDB=off means here.
func (f *sumdbFacts) unverifiedText() string {
	if n := len(f.unverified); n > 0 {
		return plain.Count(n, "module version") + " not in go.sum would be taken as they are served"
	}
	return "whatever go.sum does not name yet would be taken as it is served"
}
