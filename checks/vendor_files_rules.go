package checks

// whyVendorFiles is why a vendored file matters; the same for all of them.
const whyVendorFiles = `A build from vendor compiles what lies there and compares it with nothing: modules.txt has no hashes, go.sum is not read, and
` + "`go mod verify`" + ` never looks. The files were compared with the module that modules.txt names. `

// mendVendor is how a vendor folder is made anew.
const mendVendor = "`go mod vendor` (in a workspace: `go work vendor`) makes the folder anew."

var (
	ruleVendorFileModified = &Rule{
		ID: "vendor/file-modified", Severity: Error, Blocks: true,
		Summary: "A vendored file that gets built is not the one of its module.",
		Help: whyVendorFiles + `Somebody edited it: for a fix, while debugging, or to slip something in where reviewers do not look.

` + mendVendor + ` A change that is meant belongs into a fork with a replace directive; one that has to stay in vendor for a while
is listed in the policy, with a reason: ` + "`vendor: {patched: [{module: example.com/x, reason: \"...\"}]}`.",
	}
	ruleVendorFileAdded = &Rule{
		ID: "vendor/file-added", Severity: Error, Blocks: true,
		Summary: "A vendored package has a file that gets built and that its module does not have.",
		Help: whyVendorFiles + `Every Go file of the folder is compiled with the package, and its init function runs in every program that imports it.

` + mendVendor + ` It removes the file.`,
	}
	ruleVendorFileMissing = &Rule{
		ID: "vendor/file-missing", Severity: Error, Blocks: true,
		Summary: "A vendored package lacks a file that gets built.",
		Help: whyVendorFiles + `Without the file the package does not compile, here or on another system, or it does and lacks what the file registers.
Usual causes are a merge and a clean-up by hand. What the repository's own .gitignore keeps out is not meant here: see vendor/ignored-by-git.

` + mendVendor,
	}
	ruleVendorForeign = &Rule{
		ID: "vendor/foreign-module", Severity: Error, Blocks: true,
		Summary: "What is vendored under a module's path is not the version that modules.txt names.",
		Help: whyVendorFiles + `At least half of the files that get built differ: it is another version, a fork, or something else altogether. go.mod,
go.sum and every audit of dependencies speak of a version that is not the one that gets built.

` + mendVendor + ` Where the other version is the one that is meant, require it, or replace the module by the fork.`,
	}
	ruleVendorIrregular = &Rule{
		ID: "vendor/irregular", Severity: Error, Blocks: true,
		Summary: "The vendor folder holds a link, pipe or device.",
		Help: `go mod vendor writes regular files and folders only. A symbolic link leads to content that nobody compared, inside the repository or
out of it, and a pipe makes builds hang. It was not followed or opened.

` + mendVendor,
	}
	ruleVendorDataModified = &Rule{
		ID: "vendor/data-modified", Severity: Warning,
		Summary: "A vendored file that no build reads, a licence for example, is not the one of its module.",
		Help: whyVendorFiles + `This one changes no program. For a licence or notice it changes what the program may be used for, or who is named.

` + mendVendor,
	}
	ruleVendorDataMissing = &Rule{
		ID: "vendor/data-missing", Severity: Notice,
		Summary: "The vendor folder lacks files that no build reads: licences, documentation, lists of owners.",
		Help: `go mod vendor copies every file of a package's folder, and the licences of those above. Some projects delete what they do not
need, by a script. Look through the list for licences: most of them ask to be kept.

` + mendVendor,
	}
	ruleVendorDataAdded = &Rule{
		ID: "vendor/data-added", Severity: Notice,
		Summary: "The vendor folder holds files that no module has and no build reads.",
		Help:    "Tests, folders named testdata, notes, what another tool left behind.\n\n" + mendVendor + " It removes them.",
	}
	ruleVendorLineEndings = &Rule{
		ID: "vendor/line-endings", Severity: Warning,
		Summary: "Vendored files have other line endings than their modules have.",
		Help: `Git converted them: by core.autocrlf on this machine, or by a text attribute when they were committed. Go code means the same with
either, but an embedded file is another one, and no comparison of bytes holds.

Keep git from it with a line in .gitattributes, ` + "`**/vendor/** -text`" + `, and make the folder anew.`,
	}
	ruleVendorIgnored = &Rule{
		ID: "vendor/ignored-by-git", Severity: Notice,
		Summary: "Vendored files that get built are kept out of version control by a .gitignore.",
		Help: `Whoever ran go mod vendor had these files and a clone has not, so that both may build something else. The .gitignore can be one that
was vendored itself, in the folder beside the files.

` + "`git add -f vendor`" + ` adds them; a line ` + "`!/vendor/**`" + ` in the repository's .gitignore keeps it so.`,
	}
	ruleVendorPatched = &Rule{
		ID: "vendor/patched", Severity: Notice,
		Summary: "Vendored files differ from their module, as the policy allows.",
		Help:    "The module is listed under `vendor: patched` in the policy, with a reason. What differs is not judged; how much does is said.",
	}
	ruleVendorPatchedUnused = &Rule{
		ID: "vendor/patched-unused", Severity: Notice,
		Summary: "The policy allows a module to be patched in vendor, and none that it means is.",
		Help:    "A permission that nothing needs any more hides the next change. Take the entry out of the policy.",
	}
	ruleVendorNotCompared = &Rule{
		ID: "vendor/not-compared", Severity: Notice,
		Summary: "Vendored files could not be compared with their module.",
		Help: `The module is not in the module cache and was not to be had, or what the cache holds of it is not what go.sum names, or nothing can be
read there. These files are neither fine nor wrong: the link of the chain is unproven.

` + "`go mod download`" + ` fills the cache where there is a network.`,
	}
	ruleVendorGoVersion = &Rule{
		ID: "vendor/go-version-differs", Severity: Error, Blocks: true,
		Summary: "vendor/modules.txt records another go line than the vendored module has.",
		Help: `In a build from vendor this line decides in which version of the language the module is compiled: since Go 1.22, for example, what a
loop variable is. The code is the module's own, and means something else.

` + mendVendor,
	}
	ruleVendorTextDiffers = &Rule{
		ID: "vendor/modules-txt-differs", Severity: Warning,
		Summary: "vendor/modules.txt is not what go mod vendor would write for these packages.",
		Help: `Lines are missing, repeated, in another order, or there for nothing. The go command builds all the same, but what it makes anew will
be another file.

` + mendVendor,
	}
	ruleVendorNotVendored = &Rule{
		ID: "vendor/import-not-vendored", Severity: Error, Blocks: true,
		Summary: "A package is imported that vendor does not have.",
		Help: `Builds from vendor look nowhere else: "cannot find module providing package". Imports of files for other systems and of tests count
too, so that a build on this machine may pass.

` + mendVendor,
	}
	ruleVendorStalePackage = &Rule{
		ID: "vendor/stale-package", Severity: Warning,
		Summary: "Vendored packages that nothing imports any more.",
		Help:    "No package of the main module, no test of it, no tool and no other vendored package leads to them.\n\n" + mendVendor + " It removes them.",
	}
)

// vendorFileRules are all of them, in the order in which they are listed.
var vendorFileRules = []*Rule{
	ruleVendorFileModified, ruleVendorFileAdded, ruleVendorFileMissing, ruleVendorForeign, ruleVendorIrregular,
	ruleVendorGoVersion, ruleVendorNotVendored, ruleVendorDataModified, ruleVendorLineEndings, ruleVendorTextDiffers,
	ruleVendorStalePackage, ruleVendorDataMissing, ruleVendorDataAdded, ruleVendorIgnored, ruleVendorPatched,
	ruleVendorPatchedUnused, ruleVendorNotCompared,
}
