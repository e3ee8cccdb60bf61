package report

import "github.com/gopreflight/gopreflight/checks"

// Comment is the body of the one comment of a pull or merge request, in at most
// limit bytes, for GitHub, Gitea and GitLab: what is wrong and what to run, the
// checks in one table, the module changes and the findings in folds, and a
// footer. A label tells it from the comments of other jobs; empty for none. The
// least limit is 4 KiB. It has no pictures: those are in the job summary, which the
// footer's link leads to.
func Comment(r *checks.Report, label string, limit int) string {
	return markdown{r: r, comment: true, label: label}.compose(limit)
}

// SomethingToSay reports whether a comment tells its reader more than that all
// is well: the verdict is not pass, an error or a warning stands, a check has no
// answer, or the change alters the build list. For an untrusted report it is
// also what the CI says of its run.
func SomethingToSay(r *checks.Report) bool {
	errors, warnings, _ := r.Counts()
	if r.Verdict != checks.Pass || errors+warnings > 0 || len(r.ModuleChanges) > 0 {
		return true
	}
	for i := range r.Results {
		if len(unanswered(&r.Results[i])) > 0 {
			return true
		}
	}
	return r.Untrusted && r.CI.Conclusion != "" && r.CI.Conclusion != "success"
}
