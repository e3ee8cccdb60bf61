package checks

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	gomodcache "github.com/gopreflight/gopreflight/internal/modcache"
	"github.com/gopreflight/gopreflight/internal/plain"
)

// finding tells one problem of a module version in the cache.
func (w *wantedModule) finding(p gomodcache.Problem, e gomodcache.Evidence) Finding {
	f := cacheRules[p.Kind].Finding("%s", w.message(p, e))
	f.Module = w.id()
	at := w.zip
	if aboutMod(p, e) {
		f.Key, at = "go.mod", w.mod
	}
	if p.Kind == gomodcache.IrregularEntry {
		f.Key = filepath.Base(p.Path)
	}
	if at == (fileLine{}) {
		at = w.mod
	}
	if f.File = localFile(at.file); f.File != "" {
		f.Line = at.line
	}
	if aboutMod(p, e) {
		f.Evidence = w.modEvidence(p, e)
	} else {
		f.Evidence = w.evidence(p, e)
	}
	f.Fix = w.fix(p, e)
	w.mend(&f.Fix, p, e)
	return f
}

// aboutMod reports whether a problem is the .mod file's, not the content's.
func aboutMod(p gomodcache.Problem, e gomodcache.Evidence) bool { return p.Path == e.Mod.Path }

// message says in one line what is wrong.
func (w *wantedModule) message(p gomodcache.Problem, e gomodcache.Evidence) string {
	names := "what go.sum names"
	if len(w.Zip) == 0 {
		names = "what its recorded hash says (go.sum has no line for it)"
	}
	switch p.Kind {
	case gomodcache.TreeModified:
		if e.Tree.State == gomodcache.Damaged {
			return fmt.Sprintf("the extracted folder of %s is none that the go command wrote: %s", w.id(), e.Tree.Damage)
		}
		if e.Ziphash.State != gomodcache.Sound && len(w.Zip) == 0 {
			names = "what its zip holds (go.sum has no line for it)"
		}
		return fmt.Sprintf("the extracted folder of %s is not %s%s", w.id(), names, diffText(e.Diff))
	case gomodcache.ZipUnreadable:
		return fmt.Sprintf("the zip of %s cannot be read: %s", w.id(), e.Zip.Damage)
	case gomodcache.ZipModified:
		text := fmt.Sprintf("the zip of %s is not %s", w.id(), names)
		if e.Tree.State == gomodcache.Sound && e.Tree.Hash == e.Zip.Hash {
			text += ", nor is the folder that was extracted from it"
		}
		return text
	case gomodcache.SumMismatch:
		if p.GoMod {
			return fmt.Sprintf("the go.mod of %s is the one in its proven zip, but not the one that go.sum names", w.id())
		}
		return fmt.Sprintf("all that the module cache holds of %s agrees with itself, but not with go.sum", w.id())
	case gomodcache.ZiphashWrong:
		if e.Ziphash.State == gomodcache.Damaged {
			return fmt.Sprintf("the recorded hash of %s is garbled, and there is no zip to make it again from", w.id())
		}
		return fmt.Sprintf("the recorded hash of %s is not that of its content", w.id())
	case gomodcache.Interrupted:
		if e.Zip.State == gomodcache.Absent {
			return fmt.Sprintf("the extraction of %s was interrupted, and its zip is gone", w.id())
		}
		return fmt.Sprintf("the extraction of %s was interrupted", w.id())
	case gomodcache.ModModified:
		if e.Mod.State == gomodcache.Damaged {
			return fmt.Sprintf("the cached go.mod of %s is none: %s", w.id(), e.Mod.Damage)
		}
		return fmt.Sprintf("the cached go.mod of %s is not what go.sum names", w.id())
	case gomodcache.IrregularEntry:
		return fmt.Sprintf("the module cache holds something of %s that is neither file nor folder: %s", w.id(), irregularEntry(p, e))
	case gomodcache.ZiphashDamaged:
		return fmt.Sprintf("the recorded hash of %s is garbled (%s); the next build makes it again", w.id(), e.Ziphash.Damage)
	case gomodcache.ZiphashMissing:
		from := ""
		if e.Zip.State == gomodcache.Absent {
			from = ", from a zip that it has to download"
		}
		return fmt.Sprintf("the recorded hash of %s is missing; the next build makes it again%s", w.id(), from)
	}
	return fmt.Sprintf("the .info file of %s is garbled: %s", w.id(), e.Info.Damage)
}

// irregularEntry is the entry that a problem is about.
func irregularEntry(p gomodcache.Problem, e gomodcache.Evidence) string {
	name := fmt.Sprintf("%+q is ", filepath.Base(p.Path))
	for _, entry := range e.Irregular {
		if strings.HasPrefix(entry, name) {
			return entry
		}
	}
	return strings.Join(e.Irregular[:1], "")
}

// diffText sums up where folder and zip differ.
func diffText(d *gomodcache.Diff) string {
	if d == nil {
		return ""
	}
	var parts []string
	for _, part := range []struct {
		names []string
		what  string
	}{{d.Changed, "changed"}, {d.Added, "added"}, {d.Missing, "missing"}} {
		if len(part.names) > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", plain.Line(part.names[0]), part.what))
		}
	}
	text := ": " + strings.Join(parts, ", ")
	if more := d.Count - len(parts); more > 0 {
		text += fmt.Sprintf(" and %s", plain.Count(more, "more file"))
	}
	return text
}

// evidence sets go.sum and what the cache holds of the content side by side.
func (w *wantedModule) evidence(p gomodcache.Problem, e gomodcache.Evidence) []string {
	var lines []string
	if len(w.Zip) == 0 {
		lines = append(lines, "go.sum: no line")
	}
	lines = append(lines, sumLines(w.Zip, w.zip)...)
	folder := e.Tree
	if folder.State == gomodcache.NotAsked {
		folder.Damage = "not hashed, as its extraction has not ended"
	}
	lines = append(lines, "zip: "+contentText(e.Zip), "folder: "+contentText(folder), "recorded hash: "+contentText(e.Ziphash))
	if d := e.Diff; d != nil {
		for _, part := range []struct {
			names []string
			what  string
		}{{d.Changed, "differs from the zip"}, {d.Added, "is not in the zip"}, {d.Missing, "is in the zip only"}} {
			for _, name := range part.names {
				lines = append(lines, plain.Line(name)+" "+part.what)
			}
		}
		if more := d.Count - len(d.Changed) - len(d.Added) - len(d.Missing); more > 0 {
			lines = append(lines, "and "+plain.Count(more, "more file"))
		}
	}
	if p.Kind == gomodcache.IrregularEntry {
		lines = append(lines, e.Irregular...)
		if more := e.IrregularCount - len(e.Irregular); more > 0 {
			lines = append(lines, "and "+plain.Thousands(more)+" more")
		}
	}
	for _, name := range e.Leftovers {
		lines = append(lines, "left behind by an interrupted or refused download: "+name)
	}
	return append(lines, "at: "+p.Path)
}

// modEvidence does the same for the .mod file.
func (w *wantedModule) modEvidence(p gomodcache.Problem, e gomodcache.Evidence) []string {
	lines := append(sumLines(w.Mod, w.mod), ".mod: "+contentText(e.Mod))
	if e.InnerMod.State == gomodcache.Sound {
		lines = append(lines, "go.mod inside the module: "+e.InnerMod.Hash)
	}
	return append(lines, "at: "+p.Path)
}

// sumLines are the hashes that go.sum names, and where it names the first.
func sumLines(hashes []string, first fileLine) []string {
	var lines []string
	for i, h := range hashes {
		line := "go.sum: " + h
		if i == 0 {
			line += fmt.Sprintf(" (%s)", first)
		}
		lines = append(lines, line)
	}
	return lines
}

// contentText is a content's hash, or why there is none.
func contentText(c gomodcache.Content) string {
	switch c.State {
	case gomodcache.Sound:
		return plain.Line(c.Hash)
	case gomodcache.Absent:
		return "none"
	case gomodcache.Unreadable:
		return "cannot be read"
	case gomodcache.Irregular:
		return "not hashed, as it is or holds what is neither file nor folder"
	}
	return plain.Line(c.Damage)
}

// fix says how to mend one module version and no other.
func (w *wantedModule) fix(p gomodcache.Problem, e gomodcache.Evidence) Fix {
	switch p.Kind {
	case gomodcache.SumMismatch:
		return Fix{
			Description: "Find out whether go.sum or the cache is wrong before anything else runs: the command fetches an independent copy and prints its Sum and GoModSum. If go.sum is the odd one, restore its line from version control; if the cache is, remove this version from it. Do not just run again.",
			Command:     independentCopy(w.id()),
		}
	case gomodcache.ZiphashDamaged, gomodcache.ZiphashMissing:
		return Fix{Description: "Let the go command make it again from the zip.", Command: w.download()}
	case gomodcache.InfoDamaged:
		return Fix{Description: "Remove the file and let the go command fetch it again.", Command: "rm -f " + shellQuote(p.Path) + " && " + w.download()}
	}
	command := removeCommand(p.Remove, e)
	if w.ModOnly || e.Zip.State == gomodcache.Absent && e.Tree.State == gomodcache.Absent {
		return Fix{Description: "Remove the file; the go command fetches it again when it needs it.", Command: command}
	}
	description := "Remove what is wrong, and let the go command fetch or extract this version again."
	if p.Kind == gomodcache.TreeModified && slices.Equal(p.Remove, []string{e.Tree.Path}) && e.Zip.State == gomodcache.Sound {
		description = "Remove the folder, and let the go command extract it again from the zip, which is right."
	}
	return Fix{Description: description, Command: command + " && " + w.download()}
}

// download is the command that fetches what is missing of this version and
// extracts it; go.sum has its lines already, so nothing is written there.
func (w *wantedModule) download() string {
	return inDir(w.dir, "go mod download "+shellQuote(w.id()))
}

// removeCommand is the command that removes files and folders of the cache. Folders
// there are read-only; chmod is not let loose on a link.
func removeCommand(paths []string, e gomodcache.Evidence) string {
	words := make([]string, len(paths))
	command := ""
	for i, path := range paths {
		words[i] = shellQuote(path)
		itself := e.Tree.State == gomodcache.Irregular && e.Tree.Damage != ""
		if path == e.Tree.Path && !itself {
			command = "chmod -R u+w " + words[i] + " && "
		}
	}
	return command + "rm -rf " + strings.Join(words, " ")
}

// missingInfo tells of modules without an .info file where GOPROXY=off keeps
// the go command from fetching it; elsewhere it is nothing to tell.
func (t *cacheTally) missingInfo(goproxy string) *Finding {
	first, _, _ := strings.Cut(strings.ReplaceAll(goproxy, "|", ","), ",")
	if len(t.noInfo) == 0 || strings.TrimSpace(first) != "off" {
		return nil
	}
	f := t.many(ruleInfoDamaged, t.noInfo, "the .info file of %s is missing, and GOPROXY=off keeps the go command from fetching it")
	f.Fix.Description = "Fill the cache with go mod download where there is a network; builds do without the file."
	return &f
}

// leftoversFinding tells of files that interrupted downloads left behind.
func (t *cacheTally) leftoversFinding(dir string) *Finding {
	if len(t.left) == 0 {
		return nil
	}
	f := t.many(ruleLeftovers, t.left, "downloads of %s left "+plain.Count(len(t.leftFiles), "temporary file")+" ("+plain.Bytes(t.leftBytes)+") in the module cache")
	f.Evidence = plain.Lines(t.leftFiles)
	f.Fix.Description = "Remove them while no go command is at work; after a checksum mismatch look at them first."
	f.Fix.Command = "find " + shellQuote(filepath.Join(dir, "cache", "download")) + ` -name '*.tmp' -type f -delete`
	f.Fix.Aside = slices.Clone(t.leftFiles)
	return &f
}

// unwritableFinding tells what has to be extracted where this user may not write.
func (t *cacheTally) unwritableFinding() *Finding {
	if len(t.unwritable) == 0 {
		return nil
	}
	f := t.many(ruleCacheUnwritable, t.unwritable, "%s must be extracted from the zip, and this user may not write there")
	f.Evidence = append([]string{t.whyUnwritable}, plain.Lines(f.Evidence)...)
	f.Fix.Description = "Let a user who may write there run go mod download, or set GOMODCACHE to a folder of one's own."
	return &f
}

// unreadableFinding tells what could not be read; nil when all could.
func (t *cacheTally) unreadableFinding(dir string) *Finding {
	if len(t.unreadable) == 0 {
		return nil
	}
	f := t.many(ruleCacheUnreadable, t.unreadable, "what the module cache holds of %s cannot be read")
	f.Evidence = nil
	for _, err := range t.readErrs[:min(len(t.readErrs), plain.MaxLines)] {
		f.Evidence = append(f.Evidence, err.Error())
	}
	f.Fix.Description = fmt.Sprintf("Give %s to the user that builds, or set GOMODCACHE to a folder of its own.", dir)
	return &f
}

// many is one finding about one or several modules; format takes their name or number.
func (t *cacheTally) many(rule *Rule, modules []*wantedModule, format string) Finding {
	first := modules[0]
	name := plain.Count(len(modules), "module")
	if len(modules) == 1 {
		name = first.id()
	}
	f := rule.Finding(format, name)
	if len(modules) == 1 {
		f.Module = first.id()
	}
	if f.File = localFile(first.zip.file); f.File != "" {
		f.Line = first.zip.line
	}
	for _, w := range modules {
		f.Evidence = append(f.Evidence, w.id())
	}
	return f
}
