package modcache

import "os"

// Present reports whether the cache in dir, an absolute path, holds the content
// of a module version, as a zip or as a folder: the go command then does not
// fetch it. What it holds is not looked at. It is false for what is no module
// version.
func Present(dir, path, version string) bool {
	f, err := locate(dir, path, version)
	if err != nil {
		return false
	}
	for _, name := range []string{f.with("zip"), f.dir} {
		if _, err := os.Lstat(name); err == nil {
			return true
		}
	}
	return false
}
