package checks

import (
	gobuildcache "github.com/gopreflight/gopreflight/internal/buildcache"
)

var (
	ruleObjectModified = &Rule{
		ID:       "buildcache/object-modified",
		Severity: Error,
		Blocks:   true,
		Summary:  "An object of the build cache is not what its name says, and builds use it.",
		Help: "An object is named after the SHA-256 of its content. The go command looks at its size only\n" +
			"(cache.GetFile, GetMmap): a compiled package that was edited to the same length is linked, and a module\n" +
			"index that was edited is believed, without a word and with exit code 0. `go mod verify` does not look\n" +
			"here. Causes are a bad disk, an archive that was restored wrongly, or somebody who can write to a cache\n" +
			"that others build from.\n\n" +
			"`gopreflight fix` moves these objects aside, and the next build makes them again; `go clean -cache` throws\n" +
			"the whole cache away, which costs one cold build. Do the latter if nobody knows who changed it: whoever can\n" +
			"edit an object can also add one with its right name, which no hash shows. Treat the machine, or the\n" +
			"shared cache, as compromised. `GODEBUG=gocacheverify=1` builds everything anew and repairs such an object\n" +
			"silently.",
	}
	ruleIndexMisdirected = &Rule{
		ID:       "buildcache/index-misdirected",
		Severity: Error,
		Blocks:   true,
		Summary:  "An index entry of the build cache leads to the package that another step made, and builds use it.",
		Help: "A compiled package says in its build ID which step made it; the go command keeps it under that step's name\n" +
			"and no other (work/buildid.go, updateBuildID), and does not compare when it takes it from there. Here the\n" +
			"index leads to another one: a package of other sources, of an older version or of another package gets\n" +
			"linked in the place of the right one, with exit code 0. No go command writes such an entry.\n\n" +
			"`gopreflight fix` moves the entry aside, and the next build makes it again; `go clean -cache` throws the\n" +
			"whole cache away. Do the latter if nobody knows who wrote it, and treat the machine, or the shared\n" +
			"cache, as compromised.",
	}
	ruleBuildcacheIrregular = &Rule{
		ID:       "buildcache/irregular",
		Severity: Error,
		Blocks:   true,
		Summary:  "A symbolic link, pipe or device lies in the build cache where a file or folder is due.",
		Help: "No go command makes such a thing, but each would follow or open it: a link leads the build to a file\n" +
			"that can change at any time, and a named pipe makes it wait for ever. What it leads to is not looked at\n" +
			"here.\n\n" +
			"`gopreflight fix` moves the entry aside; `go clean -cache` throws the whole cache away.",
	}
	ruleObjectDamaged = &Rule{
		ID:       "buildcache/object-damaged",
		Severity: Notice,
		Summary:  "An object of the build cache is not what its name says, but no build uses it.",
		Help: "It was cut short, emptied, or is a folder (since Go 1.24 an executable is kept as one) with more or less\n" +
			"than its one file. The go command sees that by the size, makes the object again and says nothing. It\n" +
			"costs time, and tells of a full disk or of an archive of the cache that was not complete; a folder\n" +
			"with too many files is never mended, and what it holds is linked anew each time.\n\n" +
			"Nothing has to be done for a file. `go clean -cache` empties the cache.",
	}
	ruleIndexMalformed = &Rule{
		ID:       "buildcache/index-malformed",
		Severity: Notice,
		Summary:  "An index entry of the build cache cannot be read, or is about another step than its name says.",
		Help: "The go command takes such an entry for none, does the step again, and writes the entry anew: it costs\n" +
			"time and nothing else. Many of them tell of a disk that was full, or of an archive that was cut short.\n\n" +
			"Nothing has to be done; `go clean -cache` empties the cache.",
	}
	ruleIndexDangling = &Rule{
		ID:       "buildcache/index-dangling",
		Severity: Notice,
		Summary:  "An index entry of the build cache names an object that is not there, or has another size.",
		Help: "The go command does the step again, without a word. A few such entries mean nothing. Where most objects\n" +
			"are missing, the cache was restored by halves and is hardly a cache: builds are as slow as without.\n\n" +
			"Nothing has to be done. Look at how the cache is saved and restored if there are many.",
	}
	ruleForeignFile = &Rule{
		ID:       "buildcache/foreign-file",
		Severity: Notice,
		Summary:  "A file in the build cache is none that a go command writes or reads.",
		Help: "Builds do not read it. It takes up room, is saved and restored with the cache, and no trim removes it:\n" +
			"`go clean -cache` removes what lies in the folders 00 to ff, and nothing beside them. An object in the folder\n" +
			"of others comes from a tool that renamed or merged folders.\n\n" +
			"Remove it if nobody misses it.",
	}
	ruleBuildcacheLarge = &Rule{
		ID:       "buildcache/large",
		Severity: Notice,
		Summary:  "The build cache is larger than 10 GB.",
		Help: "GOCACHE has no limit of its size. Once a day a go command that ends removes what was not used for five days,\n" +
			"by the time of change of the files; nothing else ever shrinks it. A cache that a CI saves and restores\n" +
			"keeps growing where restoring makes all files new, or where each job adds to what the last one saved.\n\n" +
			"Save a cache that a build from nothing made, with a key that changes now and then, or run `go clean -cache`\n" +
			"before the build whose cache is saved.",
	}
	ruleBuildcacheUnreadable = &Rule{
		ID:       "buildcache/unreadable",
		Severity: Warning,
		Summary:  "Something in the build cache cannot be read, so nobody knows what it is.",
		Help: "As a rule another user (root in a container, a service account on a shared runner) filled the cache. An\n" +
			"object that cannot be read makes builds fail with \"permission denied\".\n\n" +
			"Give the cache to the user that builds, or set GOCACHE to a folder of its own.",
	}
)

// buildcacheRules are the rules by the engine's kind of problem.
var buildcacheRules = map[gobuildcache.Kind]*Rule{
	gobuildcache.Modified:    ruleObjectModified,
	gobuildcache.Misdirected: ruleIndexMisdirected,
	gobuildcache.Irregular:   ruleBuildcacheIrregular,
	gobuildcache.Damaged:     ruleObjectDamaged,
	gobuildcache.Malformed:   ruleIndexMalformed,
	gobuildcache.Dangling:    ruleIndexDangling,
	gobuildcache.Foreign:     ruleForeignFile,
}
