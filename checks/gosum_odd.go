package checks

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"

	"github.com/gopreflight/gopreflight/internal/gocmd"
	"github.com/gopreflight/gopreflight/internal/goproxy"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// What finding out who is the odd one out may cost.
const (
	// maxOdd is for how many module versions everybody is asked.
	maxOdd = 5
	// maxSources is how many entries of GOPROXY are asked for one.
	maxSources = 4
	// sourceTimeout bounds the download from one of them.
	sourceTimeout = time.Minute
	// maxOddZip and maxOddMod bound what is hashed in the module cache: the go
	// command's own limits of a zip and of a go.mod (x/mod/zip).
	maxOddZip = 500 << 20
	maxOddMod = 16 << 20
)

// sumParties is what everybody holds of the content that one go.sum line is about:
// hashes, empty where there is none.
type sumParties struct {
	sum, database string
	// base is what go.sum said in the base revision.
	base string
	// cache is what the module cache holds.
	cache string
	// source is what the go command would download now, from whom: the host of a
	// proxy, or the tag where direct.
	source, from string
	direct       bool
	// notes are what was not asked or gave no answer, and why.
	notes []string
}

// A sumVerdict says who is the odd one out.
type sumVerdict struct {
	// text goes on after "another hash for M@V: ".
	text string
	// advice is what to do.
	advice string
	// edit says that putting the database's hash into go.sum mends it.
	edit bool
}

// verdict compares the parties. The database's answer is proven, and so it is never
// the odd one; what it has is what the world saw first.
func (p sumParties) verdict() sumVerdict {
	const restore = "Put the database's hash back, and look up in version control how the line came to be."
	switch {
	case p.source != "" && p.source == p.database && p.cache == p.sum:
		return sumVerdict{"go.sum and the module cache differ from what " + p.from + " serves",
			"Put the database's hash back; check modcache then says what to remove from the cache.", true}
	case p.source != "" && p.source == p.sum && p.direct:
		return sumVerdict{"its tag was moved, " + p.from + " is not what was published first",
			"Do not build this version. Ask its authors why the tag moved and for a new version; proxies still serve the first content.", false}
	case p.source != "" && p.source == p.sum:
		return sumVerdict{p.from + " serves other content than was published first",
			"Have " + p.from + " drop its copy of this version: it was changed there, or taken after the tag was moved. Then put the database's hash back.", false}
	case p.source != "" && p.source != p.database:
		return sumVerdict{"go.sum and " + p.from + " differ from it and from each other",
			"Have " + p.from + " drop its copy of this version, and put the database's hash back into go.sum.", false}
	case p.base == p.database:
		return sumVerdict{"this change edited go.sum", restore, true}
	case p.source != "":
		return sumVerdict{"go.sum alone differs, " + p.from + " serves what the database has", restore, true}
	case p.cache == p.database:
		return sumVerdict{"go.sum alone differs, the module cache holds what the database has", restore, true}
	case p.cache == p.sum:
		return sumVerdict{"go.sum and the module cache agree with each other only",
			"Find out where both came from (GOSUMDB=off, GONOSUMDB, another proxy) before anything is built.", false}
	}
	return sumVerdict{"go.sum differs, and nobody else could be asked", "Fetch an independent copy, and compare the printed Sum (GoModSum for a /go.mod line).", false}
}

// mismatches are the findings about lines that differ from the database.
func (a *sumAudit) mismatches(ctx context.Context, lines []auditLine) []Finding {
	var findings []Finding
	asked := map[string]*sumSource{}
	byFile := map[string]int{}
	for _, l := range lines {
		id := l.Path + "@" + l.Version
		if byFile[l.file.file.Name]++; byFile[l.file.file.Name] > maxBadLines {
			continue
		}
		p := sumParties{sum: l.Hash, database: a.answers[l.Mod()].hashes[0], base: l.base}
		if p.cache = a.cached(l); p.cache == "" {
			p.notes = append(p.notes, "the module cache does not hold it, or it was not looked at")
		}
		source := asked[id]
		switch {
		case source == nil && len(asked) < maxOdd:
			source = a.source(ctx, module.Version{Path: l.Path, Version: l.Version})
			asked[id] = source
		case source == nil:
			source = &sumSource{notes: []string{fmt.Sprintf("where it is downloaded from was asked for the first %s only", plain.Count(maxOdd, "module version"))}}
		}
		p.source, p.from, p.direct = source.zip, source.from, source.direct
		if l.GoMod {
			p.source = source.mod
		}
		p.notes = append(p.notes, source.notes...)
		findings = append(findings, a.mismatch(l, p))
	}
	for name, n := range byFile {
		if n <= maxBadLines {
			continue
		}
		if i := slices.IndexFunc(findings, func(f Finding) bool { return f.File == name }); i >= 0 {
			findings[i].Evidence = append(findings[i].Evidence, fmt.Sprintf("so it is with %s of this file", plain.Count(n, "line")))
		}
	}
	return findings
}

// mismatch is the finding about one line.
func (a *sumAudit) mismatch(l auditLine, p sumParties) Finding {
	v := p.verdict()
	f := l.file.place(ruleSumDatabaseMismatch.Finding("the checksum database has another hash for %s: %s", lineSubject(l.Line), v.text), l.Num)
	f.Module, f.Key = l.Path+"@"+l.Version, lineKey(l.Line)
	f.Evidence = []string{"go.sum: " + p.sum, a.client.Name() + ": " + p.database + " (proven)"}
	for _, other := range []struct{ who, hash string }{{"base revision", p.base}, {"module cache", p.cache}, {p.from, p.source}} {
		if other.hash != "" {
			f.Evidence = append(f.Evidence, other.who+": "+other.hash)
		}
	}
	f.Evidence = append(f.Evidence, p.notes...)
	f.Fix = Fix{Description: v.advice}
	switch {
	case !v.edit:
		if p.source == "" {
			f.Fix.Command = independentCopy(f.Module)
		}
	case l.file.parsed.CRLF == 0:
		f.Fix.Command = l.file.replaceLine(l, p.database)
	}
	return f
}

// replaceLine is a command that puts another hash into a line, or takes the line
// out where that hash stands in the file already.
func (s sumFile) replaceLine(l auditLine, hash string) string {
	old := sumText(l.Line)
	if slices.Contains(s.parsed.Sums().Hashes(l.Mod()), hash) {
		return s.rewrite("grep -vxF -e "+shellQuote(old)+" ", "")
	}
	right := l.Line
	right.Hash = hash
	return s.rewrite(fmt.Sprintf("awk -v old=%s -v new=%s '{ print ($0 == old ? new : $0) }' ", shellQuote(old), shellQuote(sumText(right))), "")
}

// cacheDiffers tells that the database is on go.sum's side against the module cache,
// of which check modcache alone can only say that the two differ.
func (a *sumAudit) cacheDiffers(l auditLine, doubt *Finding) Finding {
	f := l.file.place(ruleSumCacheDiffers.Finding("the checksum database confirms go.sum: the module cache holds something else of %s than was published", lineSubject(l.Line)), l.Num)
	f.Module, f.Key, f.CausedBy = l.Path+"@"+l.Version, lineKey(l.Line), doubt.Fingerprint
	f.Evidence = []string{"go.sum: " + l.Hash, a.client.Name() + ": " + l.Hash + " (proven)"}
	if hash := a.cached(l); hash != "" {
		f.Evidence = append(f.Evidence, "module cache: "+hash)
	}
	f.Fix.Description = "Remove this version from the module cache, and find out how the other content got there."
	dir := a.s.Env.Get("GOMODCACHE")
	path, pathErr := module.EscapePath(l.Path)
	version, versionErr := module.EscapeVersion(l.Version)
	if pathErr == nil && versionErr == nil {
		f.Fix.Command = "t=" + shellQuote(filepath.Join(dir, filepath.FromSlash(path)+"@"+version)) +
			" v=" + shellQuote(filepath.Join(dir, "cache", "download", filepath.FromSlash(path), "@v", version)) +
			`; { [ ! -d "$t" ] || chmod -R u+w "$t"; } && rm -rf "$t" "$v".zip "$v".ziphash "$v".mod "$v".info && ` +
			inDir(l.file.dir, "go mod download "+shellQuote(f.Module))
	}
	return f
}

// cached is the hash of what the module cache holds: of the zip, or of the .mod
// file. Whether the extracted folder equals the zip, check modcache knows.
func (a *sumAudit) cached(l auditLine) string {
	dir := a.s.Env.Get("GOMODCACHE")
	if dir == "" || a.s.Scope == ScopeContainer && !within(a.s.Root(), dir) {
		return ""
	}
	path, err := module.EscapePath(l.Path)
	if err != nil {
		return ""
	}
	version, err := module.EscapeVersion(l.Version)
	if err != nil {
		return ""
	}
	name, limit := filepath.Join(dir, "cache", "download", filepath.FromSlash(path), "@v", version+".zip"), int64(maxOddZip)
	if l.GoMod {
		name, limit = strings.TrimSuffix(name, ".zip")+".mod", maxOddMod
	}
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > limit {
		return ""
	}
	var hash string
	if l.GoMod {
		hash, err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return os.Open(name) })
	} else {
		hash, err = dirhash.HashZip(name, dirhash.Hash1)
	}
	if err != nil {
		return ""
	}
	return hash
}

// sumSource is what the go command would download of a module version.
type sumSource struct {
	zip, mod string
	from     string
	direct   bool
	notes    []string
}

// source downloads a module version as the go command would, entry by entry, into a
// temporary module cache where nothing is built from it.
func (a *sumAudit) source(ctx context.Context, m module.Version) *sumSource {
	out := &sumSource{}
	note := func(format string, args ...any) { out.notes = append(out.notes, fmt.Sprintf(format, args...)) }
	if a.s.Go == nil {
		note("where it is downloaded from was not asked: there is no go command")
		return out
	}
	patterns := privatePatterns(a.s.Env)
	chain, err := goproxy.Parse(a.s.Env.Get("GOPROXY"), patterns)
	if err != nil {
		note("where it is downloaded from was not asked: %v", err)
		return out
	}
	if module.MatchPrefixPatterns(patterns, m.Path) {
		chain = goproxy.Chain{{Keyword: goproxy.Direct}}
	}
	asked := 0
	for _, e := range chain {
		if e.Keyword == goproxy.NoProxy {
			continue
		}
		if e.Keyword == goproxy.Off || asked == maxSources {
			break
		}
		asked++
		setting := e.Keyword
		if e.URL != nil {
			setting = e.URL.String()
		}
		found, failure := a.download(ctx, setting, m)
		if failure == "" {
			out.zip, out.mod = found.Sum, found.GoModSum
			if out.from, out.direct = e.Host(), e.Keyword == goproxy.Direct; out.direct {
				out.from = "the tag"
				if found.Origin != nil && found.Origin.Ref != "" {
					out.from = fmt.Sprintf("%s (now at %.12s)", found.Origin.Ref, found.Origin.Hash)
				}
			}
			return out
		}
		note("%s: %s", e.Host(), failure)
		if !e.FallBackOnError && !strings.Contains(failure, "404 Not Found") && !strings.Contains(failure, "410 Gone") {
			break
		}
	}
	return out
}

// A sourceDownload is what go mod download -json prints.
type sourceDownload struct {
	Sum, GoModSum, Error string
	Origin               *struct{ Ref, Hash string }
}

// download fetches a module version from one place; failure is one line.
func (a *sumAudit) download(ctx context.Context, from string, m module.Version) (_ sourceDownload, failure string) {
	dir, err := a.s.Temp("odd")
	if err != nil {
		return sourceDownload{}, err.Error()
	}
	defer func() { _ = os.RemoveAll(dir) }() // the run's own folder goes as a whole later
	ctx, cancel := context.WithTimeout(ctx, sourceTimeout)
	defer cancel()
	out, err := a.s.Go.Ask(ctx, gocmd.Question{Dir: dir, Args: []string{"mod", "download", "-json", m.String()}, Env: []string{
		"GOMODCACHE=" + filepath.Join(dir, "mod"), "GOFLAGS=-modcacherw", "GOWORK=off", "GOTOOLCHAIN=local",
		"GOPROXY=" + from, "GONOPROXY=none", "GOSUMDB=off",
	}})
	if err != nil {
		return sourceDownload{}, err.Error()
	}
	var d sourceDownload
	if err := json.NewDecoder(bytes.NewReader(out.Stdout)).Decode(&d); err != nil {
		return sourceDownload{}, firstLine(string(out.Stderr))
	}
	if d.Error != "" || d.Sum == "" || d.GoModSum == "" {
		return sourceDownload{}, firstLine(d.Error)
	}
	return d, ""
}
