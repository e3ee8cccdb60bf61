package hostinfo

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

func TestCores(t *testing.T) {
	t.Parallel()
	if got := Cores(); got < 1 || got > runtime.NumCPU() {
		t.Errorf("got %d, want 1 to %d", got, runtime.NumCPU())
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	const info = "MemFree: 1 kB\nMemTotal:       2048 kB\n"
	for _, test := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing", nil, 0},
		{"no cgroup", map[string]string{"proc/meminfo": info}, 2 << 20},
		{"garbage", map[string]string{"proc/meminfo": "MemTotal: lots kB\n"}, 0},
		{"absurd", map[string]string{"proc/meminfo": "MemTotal: 9223372036854775807 kB\n"}, 0},
		{"version 2, in a container", map[string]string{
			"proc/meminfo": info, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1048576\n",
		}, 1 << 20},
		{"version 2, no limit", map[string]string{
			"proc/meminfo": info, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n",
		}, 2 << 20},
		{"version 2, the parent's limit is lower", map[string]string{
			"proc/meminfo": info, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "1048576\n", "sys/fs/cgroup/a/memory.max": "4096\n",
		}, 4096},
		{"version 1", map[string]string{
			"proc/meminfo": info, "proc/self/cgroup": "3:cpu,memory:/x\n2:cpu:/x\nnonsense\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "8192\n",
		}, 8192},
		{"a path that climbs", map[string]string{
			"proc/meminfo": info, "proc/self/cgroup": "0::/../../../etc\n", "sys/fs/cgroup/etc/memory.max": "512\n",
		}, 512},
	} {
		root := fstest.MapFS{}
		for name, text := range test.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := memory(root); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if got := Memory(); runtime.GOOS == "linux" && got < 16<<20 {
		t.Errorf("this machine: got %d bytes", got)
	}
}

func FuzzMemory(f *testing.F) {
	f.Add([]byte("MemTotal: 1 kB\n"), []byte("0::/a\n"))
	f.Add([]byte("MemTotal: -1 kB\n"), []byte("1:memory:../..\n::\n"))
	f.Fuzz(func(t *testing.T, info, cgroup []byte) {
		if got := meminfo(info); got < 0 {
			t.Errorf("got %d", got)
		}
		for _, name := range limitFiles(cgroup) {
			if !strings.HasPrefix(name, "sys/fs/cgroup/") {
				t.Errorf("%q is outside the control groups", name)
			}
		}
	})
}

func TestLookAt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "gone"), link); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	known := runtime.GOOS == "linux" || runtime.GOOS == "darwin"
	writable := Unknown
	if known {
		writable = Yes
	}
	for _, test := range []struct {
		name, path, nearest string
		exists, dir         bool
		writable            Answer
		why                 string
	}{
		{"a directory", dir, dir, true, true, writable, ""},
		{"a missing directory", filepath.Join(dir, "a", "b"), dir, false, false, writable, ""},
		{"a file", file, file, true, false, No, "not a directory"},
		{"below a file", filepath.Join(file, "a"), file, false, false, No, "not a directory"},
		{"a link to nowhere", filepath.Join(link, "a"), link, false, false, No, "no such file"},
	} {
		p := LookAt(test.path)
		if p.Path != test.path || p.Nearest != test.nearest || p.Exists != test.exists || p.Dir != test.dir || p.Writable != test.writable || !strings.Contains(p.Why, test.why) {
			t.Errorf("%s: got %+v", test.name, p)
		}
	}
	if !known {
		return
	}
	p, q := LookAt(dir), LookAt(file)
	if p.Volume == "" || p.Volume != q.Volume {
		t.Errorf("volumes: got %q and %q, want the same", p.Volume, q.Volume)
	}
	if p.Space == nil || p.Space.Total == 0 || p.Space.Free > p.Space.Total || p.Space.FreeInodes > p.Space.TotalInodes {
		t.Errorf("space: got %+v", p.Space)
	}
	if p.ReadOnly != No || p.NoExec == Unknown {
		t.Errorf("mount: got read-only %v, noexec %v", p.ReadOnly, p.NoExec)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("looking left %v behind", entries)
	}
}
