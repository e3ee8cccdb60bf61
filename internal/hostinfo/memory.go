package hostinfo

import (
	"bufio"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// maxProcFile bounds what is read of one file of the kernel, in bytes.
const maxProcFile = 64 << 10

// Memory is how many bytes of memory this process may use: the machine's, or
// its control group's limit where that is lower. 0 means unknown, as it is
// outside Linux.
func Memory() int64 { return memory(os.DirFS("/")) }

// memory reads /proc and /sys/fs/cgroup, which hold no number outside Linux.
func memory(root fs.FS) int64 {
	total := meminfo(readProc(root, "proc/meminfo"))
	if total == 0 {
		return 0
	}
	for _, file := range limitFiles(readProc(root, "proc/self/cgroup")) {
		limit, err := strconv.ParseInt(strings.TrimSpace(string(readProc(root, file))), 10, 64)
		// No limit is the word "max" in version 2, an enormous number in version 1.
		if err == nil && limit > 0 {
			total = min(total, limit)
		}
	}
	return total
}

// meminfo is MemTotal of /proc/meminfo (proc_meminfo(5)), which is in KiB.
func meminfo(data []byte) int64 {
	scanner := bufio.NewScanner(bytes.NewReader(data))
	for scanner.Scan() {
		rest, ok := strings.CutPrefix(scanner.Text(), "MemTotal:")
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
		if err != nil || n < 0 || n > 1<<50 {
			return 0
		}
		return n << 10
	}
	return 0
}

// limitFiles are the files with the memory limits of this process's control
// group and of every group around it, from /proc/self/cgroup (cgroups(7)).
func limitFiles(cgroup []byte) []string {
	var files []string
	scanner := bufio.NewScanner(bytes.NewReader(cgroup))
	for scanner.Scan() {
		fields := strings.SplitN(scanner.Text(), ":", 3)
		if len(fields) != 3 {
			continue
		}
		base, name := "sys/fs/cgroup", "memory.max"
		switch {
		case fields[1] == "" && fields[0] == "0": // version 2
		case strings.Contains(","+fields[1]+",", ",memory,"): // version 1
			base, name = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
			files = append(files, path.Join(base, dir, name))
			if dir == "/" {
				break
			}
		}
	}
	return files
}

// readProc is a file's beginning, empty when it cannot be read.
func readProc(root fs.FS, name string) []byte {
	f, err := root.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxProcFile))
	if err != nil {
		return nil
	}
	return data
}
