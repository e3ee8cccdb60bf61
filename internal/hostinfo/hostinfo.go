// Package hostinfo reads facts about the machine: processors, memory, and what
// the file system allows at a path.
//
// It only looks: no probe file is ever written, permission is asked of the
// kernel by access(2). What cannot be known on a platform is unknown, never
// guessed. It judges nothing.
package hostinfo

import "runtime"

// Answer is yes, no, or not known.
type Answer int

// The answers. The zero value is Unknown.
const (
	Unknown Answer = iota
	No
	Yes
)

// answer is a known Answer.
func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Cores is how many processors this process may use: its CPU affinity, and on
// Linux its cgroup's limit, rounded up.
func Cores() int { return min(runtime.NumCPU(), runtime.GOMAXPROCS(0)) }
