package toolchain

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// cases are chosen so that the real go command of any release from 1.26 to 1.80
// can be asked as well: LOCAL stands for the installed release.
var cases = []struct {
	setting, goLine, toolchainLine string
	want                           Choice
}{
	// local: only the go line matters
	{"local", "1.20", "", Choice{Version: "LOCAL", By: "the installed release"}},
	{"local", "", "", Choice{Version: "LOCAL", By: "the installed release"}},
	{"local", "1.99", "", Choice{Version: "LOCAL", By: "the installed release", TooOld: true}},
	{"local", "1.99rc1", "", Choice{Version: "LOCAL", By: "the installed release", TooOld: true}},
	{"local", "1.21", "go1.99.0", Choice{Version: "LOCAL", By: "the installed release"}},
	{"", "1.99.0", "", Choice{Version: "LOCAL", By: "the installed release", TooOld: true}},

	// auto: the newest of what is installed and the two lines
	{"auto", "1.20", "", Choice{Version: "LOCAL", By: "the installed release"}},
	{"auto", "", "", Choice{Version: "LOCAL", By: "the installed release"}},
	{"auto", "1.99", "", Choice{Version: "go1.99.0", Switch: true, By: "go line"}},
	{"auto", "1.99.0", "", Choice{Version: "go1.99.0", Switch: true, By: "go line"}},
	{"auto", "1.99.3", "", Choice{Version: "go1.99.3", Switch: true, By: "go line"}},
	{"auto", "1.99rc1", "", Choice{Version: "go1.99rc1", Switch: true, By: "go line"}},
	{"auto", "1.21", "go1.99.1", Choice{Version: "go1.99.1", Switch: true, By: "toolchain line"}},
	{"auto", "1.99.2", "go1.99.1", Choice{Version: "go1.99.2", Switch: true, By: "go line"}},
	{"auto", "1.99", "go1.99.1", Choice{Version: "go1.99.1", Switch: true, By: "toolchain line"}},
	{"auto", "1.99", "go1.99rc1", Choice{Version: "go1.99rc1", Switch: true, By: "toolchain line"}},
	{"auto", "1.99.0", "go1.99rc1", Choice{Version: "go1.99.0", Switch: true, By: "go line"}},
	{"auto", "1.20", "go1.99.0-corp", Choice{Version: "go1.99.0-corp", Switch: true, By: "toolchain line"}},
	{"auto", "1.99.0", "go1.99.0-corp", Choice{Version: "go1.99.0-corp", Switch: true, By: "toolchain line"}},
	{"auto", "1.20", "LOCAL-corp", Choice{Version: "LOCAL", By: "the installed release"}},
	{"auto", "1.20", "go1.21.0", Choice{Version: "LOCAL", By: "the installed release"}},
	{"auto", "1.20", "default", Choice{Version: "LOCAL", By: "the installed release"}},
	{"auto", "1.99", "default", Choice{Version: "LOCAL", By: "the installed release", TooOld: true}},
	{"local+auto", "1.99", "", Choice{Version: "go1.99.0", Switch: true, By: "go line"}},

	// path: the same, from PATH only
	{"path", "1.20", "", Choice{Version: "LOCAL", FromPath: true, By: "the installed release"}},
	{"path", "1.99", "", Choice{Version: "go1.99.0", Switch: true, FromPath: true, By: "go line"}},
	{"local+path", "1.20", "go1.99.0", Choice{Version: "go1.99.0", Switch: true, FromPath: true, By: "toolchain line"}},
	{"go1.98.0+path", "1.20", "default", Choice{Version: "go1.98.0", Switch: true, FromPath: true, By: "GOTOOLCHAIN"}},

	// a release by name: exactly this one, older or newer
	{"go1.24.0", "1.20", "", Choice{Version: "go1.24.0", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.98.0", "", "", Choice{Version: "go1.98.0", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.98.0", "1.20", "go1.99.0", Choice{Version: "go1.98.0", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.98.0", "1.99", "", Choice{Version: "go1.98.0", Switch: true, By: "GOTOOLCHAIN", TooOld: true}},
	{"go1.24.0", "1.24.1", "go1.25.0", Choice{Version: "go1.24.0", Switch: true, By: "GOTOOLCHAIN", TooOld: true}},
	{"LOCAL", "1.20", "", Choice{Version: "LOCAL", By: "GOTOOLCHAIN"}},

	// a release by name, or newer
	{"go1.24.0+auto", "1.20", "", Choice{Version: "go1.24.0", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.24.0+auto", "1.24.1", "", Choice{Version: "go1.24.1", Switch: true, By: "go line"}},
	{"go1.24.0+auto", "1.24", "go1.25.0", Choice{Version: "go1.25.0", Switch: true, By: "toolchain line"}},
	{"go1.98.0+auto", "1.20", "go1.97.0", Choice{Version: "go1.98.0", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.98.0+auto", "1.99", "", Choice{Version: "go1.99.0", Switch: true, By: "go line"}},
	{"go1.98.0+auto", "1.99", "default", Choice{Version: "go1.98.0", Switch: true, By: "GOTOOLCHAIN", TooOld: true}},
	{"go1.98.0-corp+auto", "1.98.0", "go1.98.0", Choice{Version: "go1.98.0-corp", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.98rc1+auto", "1.98", "", Choice{Version: "go1.98rc1", Switch: true, By: "GOTOOLCHAIN"}},
	{"go1.98rc1+auto", "1.98.0", "", Choice{Version: "go1.98.0", Switch: true, By: "go line"}},
}

func TestChoose(t *testing.T) {
	t.Parallel()
	for _, local := range []string{"go1.26.8", "go1.26.8 X:nodwarf5", "go1.27-devel_0123abcd Thu Nov 20 06:54:36 2026 +0000", "devel go1.27-0123abcd Thu Nov 20 06:54:36 2026 +0000"} {
		for _, tt := range cases {
			in := Inputs{Local: local, Setting: tt.setting, GoLine: tt.goLine, ToolchainLine: tt.toolchainLine}
			if in.Setting == "LOCAL" {
				if local != "go1.26.8" {
					continue // no name for GOTOOLCHAIN
				}
				in.Setting = local
			}
			in.ToolchainLine = strings.Replace(in.ToolchainLine, "LOCAL", Base(local), 1)
			want := tt.want
			want.Version = strings.Replace(want.Version, "LOCAL", local, 1)
			got, err := Choose(in)
			if err != nil || got != want {
				t.Errorf("%+v: %+v, %v; want %+v", in, got, err, want)
			}
		}
	}
	// Before Go 1.21 the first release had no ".0".
	if got, err := Choose(Inputs{Local: "go1.19.13", Setting: "auto", GoLine: "1.20"}); err != nil || got.Version != "go1.20" {
		t.Errorf("go line 1.20: %+v, %v; want go1.20", got, err)
	}
	for setting, want := range map[string]string{
		"1.22.12":    `invalid GOTOOLCHAIN "1.22.12"`,
		"latest":     `invalid GOTOOLCHAIN "latest"`,
		"auto ":      `invalid GOTOOLCHAIN "auto "`,
		"foo+auto":   `invalid GOTOOLCHAIN "foo+auto": invalid minimum toolchain "foo"`,
		"go1.22+foo": `invalid GOTOOLCHAIN "go1.22+foo": only version suffixes are +auto and +path`,
	} {
		if got, err := Choose(Inputs{Local: "go1.26.8", Setting: setting, GoLine: "1.20"}); err == nil || err.Error() != want || got != (Choice{}) {
			t.Errorf("%s: %+v, %v; want %s", setting, got, err, want)
		}
	}
}

var (
	usesLocal = regexp.MustCompile(`(?m)^go: using local toolchain (.+)$`)
	downloads = regexp.MustCompile(`(?m)^go: downloading (\S+) \(`)
	inPath    = regexp.MustCompile(`(?m)^go: cannot find "(.+)" in PATH$`)
)

// TestRealGo asks the go command itself, which without a network can only say
// which release it wanted.
func TestRealGo(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command: ", err)
	}
	home := t.TempDir()
	run := func(dir, setting string, args ...string) (string, error) {
		cmd := exec.Command(path, args...)
		cmd.Dir = dir
		cmd.Env = []string{
			"HOME=" + home, "GOENV=off", "GO_TELEMETRY_CHILD=2", "GOPATH=" + home, "GOCACHE=" + home, "GOPROXY=off", "GONOPROXY=none", "GOFLAGS=",
			"GODEBUG=toolchaintrace=1", "GOTOOLCHAIN=" + setting, "PWD=" + dir,
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	version, err := run(home, "local", "env", "GOVERSION")
	if err != nil {
		t.Fatalf("%v: %s", err, version)
	}
	lines := strings.Split(strings.TrimSpace(version), "\n")
	local := lines[len(lines)-1]
	if strings.ContainsAny(local, " -") {
		t.Skip("a go command of somebody's own: ", local)
	}

	for i, tt := range cases {
		if tt.setting == "" {
			continue // an empty variable is one that is not set
		}
		for _, file := range []string{"go.mod", "go.work"} {
			t.Run(fmt.Sprintf("%d %s in %s", i, tt.setting, file), func(t *testing.T) {
				t.Parallel()
				setting := strings.Replace(tt.setting, "LOCAL", local, 1)
				in := Inputs{Local: local, Setting: setting, GoLine: tt.goLine, ToolchainLine: strings.Replace(tt.toolchainLine, "LOCAL", local, 1)}
				got, err := Choose(in)
				if err != nil {
					t.Fatal(err)
				}
				dir := t.TempDir()
				text := ""
				if in.GoLine != "" {
					text += "go " + in.GoLine + "\n"
				}
				if in.ToolchainLine != "" {
					text += "toolchain " + in.ToolchainLine + "\n"
				}
				goMod, goWork := "module example.com/m\n"+text, ""
				if file == "go.work" {
					// The lines of go.mod do not count beside it.
					goMod, goWork = "module example.com/m\ngo 1.20\ntoolchain go1.97.7\n", text+"use .\n"
				}
				for name, data := range map[string]string{"go.mod": goMod, "go.work": goWork} {
					if data == "" {
						continue
					}
					if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
						t.Fatal(err)
					}
				}

				out, _ := run(dir, setting, "version")
				said := Choice{Version: "none"}
				if m := usesLocal.FindStringSubmatch(out); m != nil {
					said = Choice{Version: m[1]}
				} else if m := downloads.FindStringSubmatch(out); m != nil {
					said = Choice{Version: m[1], Switch: true}
				} else if m := inPath.FindStringSubmatch(out); m != nil {
					said = Choice{Version: m[1], Switch: true, FromPath: true}
				}
				if said.Version != got.Version || said.Switch != got.Switch || said.Switch && said.FromPath != got.FromPath {
					t.Errorf("%+v: %+v, but go says\n%s", in, got, out)
				}
				if got.Switch {
					return // too old or not, that release is not here to say so
				}
				out, err = run(dir, setting, "list", "-m")
				if tooOld := err != nil && strings.Contains(out, "requires go >= "); tooOld != got.TooOld {
					t.Errorf("%+v: too old %v, but go says\n%s", in, got.TooOld, out)
				}
			})
		}
	}
}
