package hostinfo

import "golang.org/x/sys/unix"

// Flags of statfs(2)'s f_flags.
const (
	readOnlyFlag = unix.MNT_RDONLY
	noExecFlag   = unix.MNT_NOEXEC
)

// blockSize is the unit of the block counts, in bytes.
func blockSize(st *unix.Statfs_t) uint64 { return uint64(st.Bsize) }
