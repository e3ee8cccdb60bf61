package checks

// The rules of what the checksum database says; those of the file itself stand
// beside what reports them.
var (
	ruleSumDatabaseMismatch = &Rule{
		ID:       "gosum/database-mismatch",
		Severity: Error,
		Blocks:   true,
		Summary:  "go.sum names another hash than the checksum database.",
		Help: "The checksum database holds, for every public module version, the content that was first seen, in a\n" +
			"signed log that only grows; its answer is proven. A line that differs is not what the rest of the\n" +
			"world builds with. The finding says what else was asked (the base revision, the module cache, the\n" +
			"proxy or the tag that the go command would ask) and which one is the odd one out:\n\n" +
			"- **go.sum alone**: the line was edited or written by a bad merge. Put the database's hash in.\n" +
			"- **the proxy**: it serves other content than was published. Have it drop its copy.\n" +
			"- **the tag**: it was moved after the version was published. Ask for a new version.\n" +
			"- **go.sum and the cache**: both came from somewhere else, perhaps with GOSUMDB=off or GONOSUMDB.\n\n" +
			"Treat it as an incident until it is explained. Do not just delete go.sum: its other lines are the\n" +
			"record of what was reviewed.",
	}
	ruleSumDatabaseUnknown = &Rule{
		ID:       "gosum/database-unknown",
		Severity: Warning,
		Summary:  "The checksum database does not know a module version of go.sum.",
		Help: "The version is private and no pattern of GOPRIVATE or GONOSUMDB covers it (its name was then sent to a\n" +
			"public server, as the go command itself would), or it was never public, or its repository was gone\n" +
			"before anybody asked the database. Nobody but go.sum vouches for its content, and adding it anew\n" +
			"fails with \"verifying module: ... 404 Not Found\".\n\nName private modules in GOPRIVATE. For others, find out where the version came from.",
	}
	ruleSumDatabaseUntrusted = &Rule{
		ID:       "gosum/database-untrusted",
		Severity: Error,
		Summary:  "What answers for the checksum database serves something that the database did not sign.",
		Help: "A record that is not in the signed tree, a tree head without the database's signature, or two signed\n" +
			"trees that are not of one history. The go command stops with an error, too, when it has to look\n" +
			"something up. Mostly a proxy on the way rewrites answers or mixes up databases; a fork of the tree\n" +
			"is a security incident. Ask the database without that proxy, and report a fork to its operator.",
	}
	ruleSumCacheDiffers = &Rule{
		ID:       "gosum/cache-differs",
		Severity: Notice,
		Summary:  "The checksum database is on go.sum's side, against the module cache.",
		Help: "Check modcache found that what the module cache holds of a version agrees with itself and not with\n" +
			"go.sum, which alone does not tell who is wrong. The checksum database proves that go.sum is right: the\n" +
			"cache was filled from elsewhere. Remove this one version from it, as the finding's command does; treat\n" +
			"a shared cache as compromised until you know how it got there.",
	}
	ruleSumDatabaseUnanswered = &Rule{
		ID:        "gosum/database-unanswered",
		Severity:  Notice,
		Transient: true,
		Summary:   "The checksum database could not be asked about lines of go.sum.",
		Help: "The lines stay unproven: nothing speaks against them. Builds with a complete go.sum do not need the\n" +
			"database. Where the policy wants every line of a change confirmed, set `gosum.database: required`:\n" +
			"the run is then inconclusive (exit code 3) instead.",
	}
)
