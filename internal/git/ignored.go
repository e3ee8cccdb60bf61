package git

import (
	"context"
	"errors"
	"path"
	"strings"
)

// Ignored are those of some files (slash paths from the top, which need not be
// on disk) that a .gitignore of the work tree keeps out of version control: it
// matches them, and git does not track them. What the user's own exclude files
// say does not count.
func (g *Git) Ignored(ctx context.Context, files []string) (map[string]bool, error) {
	if len(files) == 0 {
		return nil, nil
	}
	// "./" keeps a name that begins with ":" from being a pattern.
	stdin := []byte("./" + strings.Join(files, "\x00./") + "\x00")
	// -v names the pattern, which may say "not ignored" (!).
	out, err := g.feed(ctx, stdin, "-c", "core.excludesFile=", "check-ignore", "-z", "-v", "--stdin")
	var exit *exitError
	if errors.As(err, &exit) && exit.code == 1 {
		return nil, nil // none is
	}
	if err != nil {
		return nil, err
	}
	ignored := map[string]bool{}
	// Source, line, pattern, file; each ends with a NUL.
	for fields := strings.Split(string(out), "\x00"); len(fields) >= 4; fields = fields[4:] {
		source, pattern, file := fields[0], fields[2], fields[3]
		if path.Base(source) == ".gitignore" && !strings.HasPrefix(pattern, "!") {
			ignored[strings.TrimPrefix(file, "./")] = true
		}
	}
	return ignored, nil
}
