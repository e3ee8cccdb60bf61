//go:build linux || darwin

package hostinfo

import (
	"errors"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// system fills what statfs(2), stat(2) and access(2) say.
func (p *Path) system(info os.FileInfo) {
	err := unix.Access(p.Nearest, unix.W_OK|unix.X_OK)
	p.Writable = answer(err == nil)
	if err != nil {
		p.Why = err.Error()
	}
	// A mount that is read-only says so to root too; nobody can write there.
	p.ReadOnly = answer(errors.Is(err, unix.EROFS))

	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.Volume = strconv.FormatUint(uint64(st.Dev), 16)
	}
	var st unix.Statfs_t
	if unix.Statfs(p.Nearest, &st) != nil {
		return
	}
	p.ReadOnly = answer(uint64(st.Flags)&readOnlyFlag != 0 || p.ReadOnly == Yes)
	p.NoExec = answer(uint64(st.Flags)&noExecFlag != 0)
	if st.Blocks == 0 {
		return // no real file system, or one that does not count
	}
	free := st.Bavail
	if os.Geteuid() == 0 {
		free = st.Bfree // root may use the blocks kept back for it
	}
	size := blockSize(&st)
	p.Space = &Space{
		Free:        free * size,
		Total:       st.Blocks * size,
		FreeInodes:  st.Ffree,
		TotalInodes: st.Files,
	}
}
