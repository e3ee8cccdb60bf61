package repo

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// members is each module's workspace: "dir: go.work".
func members(r *Repo) []string {
	var all []string
	for _, m := range r.Modules {
		name := "none"
		if m.Workspace != nil {
			name = m.Workspace.Work.Name
		}
		all = append(all, m.Dir+": "+name)
	}
	return all
}

func workNames(r *Repo) []string {
	var all []string
	for _, w := range r.Workspaces {
		all = append(all, w.Work.Name)
	}
	return all
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files []string // below the folder TOP, in which TOP/root is the repository
		dir   string
		// GOWORK, with TOP for that folder
		gowork  string
		members []string
		works   []string
	}{
		{
			name:    "at the root, with a module that it does not use",
			files:   []string{"root/go.work=go 1.20\nuse (\n\t.\n\t./a\n)\n", "root/go.mod", "root/a/go.mod", "root/b/go.mod"},
			members: []string{".: go.work", "a: go.work", "b: none"},
			works:   []string{"go.work"},
		},
		{
			name:    "nested",
			files:   []string{"root/go.work=go 1.20\nuse ./a\n", "root/a/go.mod", "root/tools/go.work=go 1.20\nuse ./x/\nuse ../a\n", "root/tools/x/go.mod"},
			members: []string{"a: go.work", "tools/x: tools/go.work"},
			works:   []string{"go.work", "tools/go.work"},
		},
		{
			name:    "off",
			files:   []string{"root/go.work=go 1.20\nuse ./a\n", "root/a/go.mod"},
			gowork:  "off",
			members: []string{"a: none"},
		},
		{
			name:    "auto",
			files:   []string{"root/go.work=go 1.20\nuse ./a\n", "root/a/go.mod"},
			gowork:  "auto",
			members: []string{"a: go.work"},
			works:   []string{"go.work"},
		},
		{
			name:    "GOWORK that the go command refuses",
			files:   []string{"root/go.work=go 1.20\nuse ./a\n", "root/a/go.mod"},
			gowork:  "go.work",
			members: []string{"a: none"},
		},
		{
			name:    "GOWORK outside",
			files:   []string{"root/go.work=go 1.20\nuse ./a\n", "root/a/go.mod", "root/b/go.mod", "w/go.work=go 1.20\nuse ../root/b\n"},
			gowork:  "TOP/w/go.work",
			members: []string{"a: none", "b: ../w/go.work"},
			works:   []string{"../w/go.work"},
		},
		{
			name:    "GOWORK by another name, through a link",
			files:   []string{"root/dev.work=go 1.20\nuse ./a\n", "root/a/go.mod"},
			gowork:  "TOP/link/dev.work",
			members: []string{"a: dev.work"},
			works:   []string{"dev.work"},
		},
		{
			name:    "GOWORK that is not there",
			files:   []string{"root/go.mod"},
			gowork:  "TOP/w/go.work",
			members: []string{".: none"},
			works:   []string{"../w/go.work"},
		},
		{
			name:    "above the root",
			files:   []string{"go.work=go 1.20\nuse (\n\t./root\n\t./root/a\n\t./else\n)\n", "root/go.mod", "root/a/go.mod", "root/b/go.mod", "else/go.mod"},
			members: []string{".: ../go.work", "a: ../go.work", "b: none"},
			works:   []string{"../go.work"},
		},
		{
			name:    "absolute use and a folder outside",
			files:   []string{"root/go.work=go 1.20\nuse TOP/root/a\nuse ../else\nuse TOP/link/b\n", "root/a/go.mod", "root/b/go.mod", "else/go.mod"},
			members: []string{"a: go.work", "b: go.work"},
			works:   []string{"go.work"},
		},
		{
			name:    "found from below only",
			files:   []string{"root/go.work=go 1.20\nuse ./a\n", "root/a/go.mod", "root/a/x/x.go"},
			dir:     "a/x",
			members: []string{"a: go.work"},
			works:   []string{"go.work"},
		},
		{
			name:    "does not parse",
			files:   []string{"root/go.work=go 1.20\nusing ./a\n", "root/a/go.mod"},
			members: []string{"a: none"},
			works:   []string{"go.work"},
		},
		{
			name:    "a folder of that name",
			files:   []string{"go.work=go 1.20\nuse ./root\n", "root/go.work/", "root/go.mod"},
			members: []string{".: ../go.work"},
			works:   []string{"../go.work"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			top := tree(t)
			for i, f := range tt.files {
				tt.files[i] = strings.ReplaceAll(f, "TOP", filepath.ToSlash(top))
			}
			write(t, top, tt.files...)
			root := filepath.Join(top, "root")
			symlink(t, root, filepath.Join(top, "link"))
			o := Options{Dir: filepath.Join(root, tt.dir), GOWORK: filepath.FromSlash(strings.ReplaceAll(tt.gowork, "TOP", filepath.ToSlash(top)))}
			if tt.dir != "" {
				o.Git = openGit(t, root)
			}
			r := load(t, o)
			if got := members(r); !slices.Equal(got, tt.members) {
				t.Errorf("members %q, want %q", got, tt.members)
			}
			if got := workNames(r); !slices.Equal(got, tt.works) {
				t.Errorf("workspaces %q, want %q", got, tt.works)
			}
			sameAsGo(t, r, o.GOWORK)
		})
	}
}

// sameAsGo asks the real go command for the workspace of each module, and
// whether it takes the module for a member.
func sameAsGo(t *testing.T, r *Repo, gowork string) {
	t.Helper()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	home := t.TempDir() // without telemetry, whose process outlives the go command and writes here
	for _, m := range r.Modules {
		cmd := exec.Command(path, "list", "-m", "-f", "{{.Dir}}")
		cmd.Dir = r.Abs(m.Dir)
		cmd.Env = []string{"HOME=" + home, "GOENV=off", "GO_TELEMETRY_CHILD=2", "GOPROXY=off", "GOTOOLCHAIN=local", "GOFLAGS=-mod=readonly", "GOWORK=" + gowork, "PWD=" + cmd.Dir, "GOPATH=" + home, "GOCACHE=" + home}
		out, err := cmd.CombinedOutput()
		if err != nil {
			// Whatever is wrong with go.work, nobody is its member.
			if m.Workspace != nil {
				t.Errorf("%s is a member of %s, but go says %s", m.Dir, m.Workspace.Work.Name, out)
			}
			continue
		}
		env := exec.Command(path, "env", "GOWORK")
		env.Dir, env.Env = cmd.Dir, cmd.Env
		work, err := env.Output()
		if err != nil {
			t.Fatal(err)
		}
		used := false
		for dir := range strings.Lines(string(out)) {
			real, err := filepath.EvalSymlinks(strings.TrimSpace(dir))
			if err != nil {
				t.Fatal(err)
			}
			used = used || real == cmd.Dir
		}
		name := strings.TrimSpace(string(work))
		inWorkspace := name != "" && name != "off" && used
		if inWorkspace != (m.Workspace != nil) {
			t.Errorf("%s: member %v, but go's workspace is %q with the modules %q", m.Dir, m.Workspace != nil, work, out)
		}
	}
}

func TestWorkspaceFiles(t *testing.T) {
	t.Parallel()
	top := tree(t,
		"go.work=go 1.20\nuse ./root/a\n", "go.work.sum=above", "vendor/modules.txt=## workspace\n",
		"root/a/go.mod", "root/b/go.work=go 1.20\nuse .\n", "root/b/go.work.sum=inside", "root/b/go.mod", "root/b/vendor/modules.txt=## workspace\n",
		"root/c/go.work=go 1.20\nuse .\n", "root/c/go.mod", "root/c/vendor/modules.txt=# example.com/of/the/module v1.0.0\n",
		"root/d/go.work=go 1.20\nuse .\n", "root/d/go.mod", "root/d/vendor/",
	)
	r := load(t, Options{Dir: filepath.Join(top, "root")})
	if got, want := workNames(r), []string{"../go.work", "b/go.work", "c/go.work", "d/go.work"}; !slices.Equal(got, want) {
		t.Fatalf("workspaces %q, want %q", got, want)
	}
	for i, want := range []struct {
		dir, sum string
		vendor   bool
	}{{"..", "above", true}, {"b", "inside", true}, {"c", "", false}, {"d", "", false}} {
		w := r.Workspaces[i]
		sum := ""
		if w.Sum != nil {
			sum = string(w.Sum.Data)
		}
		if w.Dir != want.dir || sum != want.sum || w.Vendor != want.vendor || w.Syntax == nil || r.Abs(w.Work.Name) == "" {
			t.Errorf("workspace in %q: sum %q, vendor %v; want %+v", w.Dir, sum, w.Vendor, want)
		}
	}
}

// What stands above the root, or in GOWORK, is read with the same care.
func TestWorkspaceUnreadable(t *testing.T) {
	t.Parallel()
	top := tree(t, "root/go.mod", "large.work="+strings.Repeat("// many words\n", MaxFile/14+1))
	if err := mkfifo(filepath.Join(top, "go.work")); err != nil {
		t.Skip("no named pipes: ", err)
	}
	for gowork, want := range map[string]string{
		"":                               "../go.work: not a regular file",
		filepath.Join(top, "large.work"): "../large.work: larger than 32 MiB",
		top:                              "not a regular file",
	} {
		var r *Repo
		var err error
		soon(t, func() { r, err = Load(t.Context(), Options{Dir: filepath.Join(top, "root"), GOWORK: gowork}) })
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		w := r.Workspaces[0]
		if w.Work.Err == nil || !strings.Contains(w.Work.Err.Error(), want) || w.Syntax != nil || r.Modules[0].Workspace != nil {
			t.Errorf("GOWORK=%s: error %v, want %q", gowork, w.Work.Err, want)
		}
	}
}
