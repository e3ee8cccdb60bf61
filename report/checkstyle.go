package report

import (
	"context"
	"encoding/xml"
	"strings"

	"github.com/gopreflight/gopreflight/checks"
)

// Checkstyle is for whatever collects warnings (Jenkins' Warnings plugin,
// reviewdog): the XML that Checkstyle 4.3 wrote, which they all read.
var Checkstyle = &Reporter{
	Name: "checkstyle",
	Doc:  "for Jenkins' Warnings plugin and reviewdog: Checkstyle XML",
	Write: func(_ context.Context, d Dest, r *checks.Report) error {
		return writeXML(d, "the Checkstyle report", checkstyle(r))
	},
}

type checkstyleReport struct {
	XMLName xml.Name          `xml:"checkstyle"`
	Version string            `xml:"version,attr"`
	Files   []*checkstyleFile `xml:"file"`
}

type checkstyleFile struct {
	Name   string            `xml:"name,attr"`
	Errors []checkstyleError `xml:"error"`
}

type checkstyleError struct {
	Line     int    `xml:"line,attr"`
	Column   int    `xml:"column,attr,omitempty"`
	Severity string `xml:"severity,attr"`
	Message  string `xml:"message,attr"`
	Source   string `xml:"source,attr"`
}

// checkstyle has every file once, in the order of its first issue.
func checkstyle(r *checks.Report) checkstyleReport {
	c := checkstyleReport{Version: "4.3"}
	files := map[string]*checkstyleFile{}
	for _, i := range issues(r) {
		f := files[i.file]
		if f == nil {
			f = &checkstyleFile{Name: xmlText(i.file)}
			files[i.file] = f
			c.Files = append(c.Files, f)
		}
		f.Errors = append(f.Errors, checkstyleError{
			Line: i.line, Column: i.column, Severity: checkstyleSeverity(i.severity),
			Message: xmlText(i.oneLine()), Source: xmlText(checkstyleSource(i.rule)),
		})
	}
	return c
}

// checkstyleSource is a rule in the form of a Java class, by which readers take
// it apart: Jenkins makes its last part the type and the one before the
// category (analysis-model, CheckStyleParser).
func checkstyleSource(rule string) string {
	return "gopreflight." + strings.ReplaceAll(rule, "/", ".")
}

// checkstyleSeverity is one of error, warning and info.
func checkstyleSeverity(s checks.Severity) string {
	switch s {
	case checks.Error:
		return "error"
	case checks.Warning:
		return "warning"
	}
	return "info"
}
