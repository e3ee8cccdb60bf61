package hostinfo

import (
	"os"
	"path/filepath"
)

// Path is what is known of one path, and of the file system that it is on or
// would be made on.
type Path struct {
	// Path is the path asked for, absolute.
	Path string
	// Exists is whether it exists, symbolic links followed.
	Exists bool
	// Dir is whether it is a directory; false when it does not exist.
	Dir bool
	// Nearest is the nearest parent that exists; Path itself when that does.
	// Everything below is about Nearest.
	Nearest string
	// Writable is whether entries can be made there, asked by access(2): on a
	// directory for writing and searching. Unknown on Windows.
	Writable Answer
	// Why is the system's word on a Writable that is No.
	Why string
	// Volume tells file systems apart: two paths with the same one share their
	// space. Empty when unknown.
	Volume string
	// Space is what the file system has; nil when unknown.
	Space *Space
	// ReadOnly and NoExec are flags of the mount.
	ReadOnly, NoExec Answer
}

// Space is room on a file system.
type Space struct {
	// Free is what this user may still write, Total the size, in bytes.
	Free, Total uint64
	// FreeInodes of TotalInodes files can still be made. TotalInodes is 0 on
	// file systems that do not count (btrfs, some network file systems).
	FreeInodes, TotalInodes uint64
}

// LookAt finds out about a path, which must be absolute. It need not exist.
func LookAt(name string) Path {
	p := Path{Path: name, Nearest: filepath.Clean(name)}
	for {
		info, err := os.Stat(p.Nearest)
		if err == nil {
			if p.Nearest == filepath.Clean(name) {
				p.Exists, p.Dir = true, info.IsDir()
			}
			p.fill(info)
			return p
		}
		if _, lerr := os.Lstat(p.Nearest); lerr == nil {
			// The name is taken by a symbolic link that leads nowhere, so
			// nothing can be made here.
			p.Writable, p.Why = No, err.Error()
			return p
		}
		parent := filepath.Dir(p.Nearest)
		if parent == p.Nearest {
			return p
		}
		p.Nearest = parent
	}
}

// fill asks the system about p.Nearest, whose info is given.
func (p *Path) fill(info os.FileInfo) {
	p.system(info)
	if !info.IsDir() {
		p.Writable, p.Why = No, p.Nearest+" is not a directory"
	}
}
