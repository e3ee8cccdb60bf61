package report

import (
	"bytes"
	"strings"

	udiff "github.com/sourcegraph/go-diff/diff"

	"github.com/gopreflight/gopreflight/checks"
)

// maxSARIFPatch is the longest patch that is read, in bytes: only a forged report
// has one that comes near.
const maxSARIFPatch = 64 << 10

// sarifFixes is the patch of a finding as SARIF says it (SARIF 2.1.0, 3.55): nil
// where there is none, or where it is not a change of lines in files of the
// repository, as a forged one may not be.
func sarifFixes(f *checks.Finding) []sarifFix {
	if len(f.Fix.Patch) > maxSARIFPatch {
		return nil
	}
	patch := verbatim(f.Fix.Patch)
	if len(patch) == 0 || strings.Join(patch, "\n") != strings.Trim(f.Fix.Patch, "\n") {
		return nil // what is shown in part only does something else
	}
	files, err := udiff.ParseMultiFileDiff([]byte(strings.Join(patch, "\n") + "\n"))
	if err != nil {
		return nil
	}
	fix := sarifFix{Description: sarifText{sarifMessage(oneLine(f.Fix.Description))}}
	for _, file := range files {
		change, ok := sarifChangeOf(file)
		if !ok {
			return nil
		}
		fix.Changes = append(fix.Changes, change)
	}
	if len(fix.Changes) == 0 {
		return nil
	}
	if fix.Description.Text == "" {
		fix.Description.Text = "apply the patch"
	}
	return []sarifFix{fix}
}

// sarifChangeOf is one file's part of a patch: every run of lines that is taken out,
// with what comes in its place.
func sarifChangeOf(file *udiff.FileDiff) (c sarifChange, ok bool) {
	name, isOld := strings.CutPrefix(file.OrigName, "a/")
	now, isNew := strings.CutPrefix(file.NewName, "b/")
	if !isOld || !isNew || name != now || !isRepoFile(name) {
		return c, false
	}
	c.Artifact = sarifArtifact{sarifURI(name), "%SRCROOT%"}
	for _, h := range file.Hunks {
		line := int(h.OrigStartLine)
		if h.OrigLines == 0 {
			line++ // the one before is named
		}
		// Where a last line has no end it cannot be said in whole lines.
		if line < 1 || h.OrigNoNewlineAt != 0 || !bytes.HasSuffix(h.Body, []byte("\n")) {
			return c, false
		}
		var run *sarifReplacement
		for text := range bytes.Lines(h.Body) {
			sign, rest := text[0], string(text[1:])
			if sign != '-' && sign != '+' {
				run = nil
				line++
				continue
			}
			if run == nil {
				c.Replacements = append(c.Replacements, sarifReplacement{Deleted: sarifLines{line, 1, line, 1}})
				run = &c.Replacements[len(c.Replacements)-1]
			}
			if sign == '-' {
				line++
				run.Deleted.EndLine = line
				continue
			}
			if run.Inserted == nil {
				run.Inserted = new(sarifText)
			}
			run.Inserted.Text += rest
		}
	}
	return c, len(c.Replacements) > 0
}
