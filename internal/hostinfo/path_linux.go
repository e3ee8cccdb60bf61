package hostinfo

import "golang.org/x/sys/unix"

// Flags of statfs(2)'s f_flags.
const (
	readOnlyFlag = unix.ST_RDONLY
	noExecFlag   = unix.ST_NOEXEC
)

// blockSize is the unit of the block counts, in bytes: the fragment size where
// the file system has one.
func blockSize(st *unix.Statfs_t) uint64 {
	if st.Frsize > 0 {
		return uint64(st.Frsize)
	}
	return uint64(st.Bsize)
}
