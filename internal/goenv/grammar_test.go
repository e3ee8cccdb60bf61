package goenv

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestParseFile(t *testing.T) {
	t.Parallel()
	got := ParseFile("f", UserFile, []byte("GOPROXY=\"a\"\n\n# GOX=1\n  # b\nexport A=b\nGOFLAGS=\r\nA B=c\n=x\nGOPROXY\nlast=1\nGOVCS=a=b"))
	at := func(line int, name, value string) Setting {
		return Setting{Name: name, Value: value, Source: UserFile, File: "f", Line: line}
	}
	want := []Setting{
		at(1, "GOPROXY", `"a"`), at(5, "", "export A=b"), at(6, "GOFLAGS", "\r"), at(7, "A B", "c"),
		at(8, "", "=x"), at(9, "", "GOPROXY"), at(10, "", "last=1"), at(11, "GOVCS", "a=b"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add([]byte("GOPROXY=off\n"))
	f.Add([]byte("=\n#\nexport X=1\r\nGO"))
	f.Fuzz(func(t *testing.T, data []byte) {
		last := 0
		for _, s := range ParseFile("f", UserFile, data) {
			if s.Line <= last || strings.ContainsAny(s.Name, "=\n") || strings.Contains(s.Value, "\n") {
				t.Errorf("after line %d: %+v", last, s)
			}
			last = s.Line
		}
	})
}

func TestParseGOFLAGS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value, err string
		texts      []string
	}{
		{value: ""},
		{value: " \t\n"},
		{value: "-mod=mod --x\t-v", texts: []string{"-mod=mod", "--x", "-v"}},
		{value: `'-ldflags=-s -w' "-tags=a b"`, texts: []string{"-ldflags=-s -w", "-tags=a b"}},
		{value: `-overlay=C:\x.json '-modfile=C:\Jane Doe\go.mod'`, texts: []string{`-overlay=C:\x.json`, `-modfile=C:\Jane Doe\go.mod`}},
		{value: `-ldflags='-s -w'`, err: "unknown flag -w'"},
		{value: "-ldflags=-s -w", texts: []string{"-ldflags=-s", "-w"}},
		{value: "-mod vendor", err: `non-flag "vendor"`},
		{value: "'-x", err: "unterminated ' string"},
		{value: "-", err: `non-flag "-"`},
		{value: "---x", err: `non-flag "---x"`},
		{value: "-=x", err: `non-flag "-=x"`},
		{value: "--=x", err: `non-flag "--=x"`},
		{value: "-bogus -v", err: "unknown flag -bogus", texts: []string{"-bogus", "-v"}},
		{value: "-bogus x", err: `non-flag "x"`},
		{value: "-test.v -test.bogus", err: "unknown flag -test.bogus"},
	} {
		flags, err := ParseGOFLAGS(test.value)
		if got := message(err); got != test.err {
			t.Errorf("%q: got %q, want %q", test.value, got, test.err)
		}
		if len(test.texts) == 0 {
			continue
		}
		var texts []string
		for _, f := range flags {
			texts = append(texts, f.Text)
		}
		if !reflect.DeepEqual(texts, test.texts) {
			t.Errorf("%q: got %q, want %q", test.value, texts, test.texts)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestGOFLAGSAsGo compares with the go command: each value alone, then the
// whole table of flags.
func TestGOFLAGSAsGo(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	refuse := func(goflags string) string {
		// "go telemetry" has no flags, so it only parses GOFLAGS.
		_, err := m.run(t.Context(), with(m.env, "GOTOOLCHAIN=local", "GOFLAGS="+goflags), "telemetry")
		_, words, _ := strings.Cut(message(err), "parsing $GOFLAGS: ")
		return words
	}
	for _, value := range []string{"-mod=mod", "-mod vendor", "'-x", "-", "---x", "-=", "--=x", "-bogus", "-test.v", "-test.mod", "-x=", "-ldflags='-s -w'", "-ldflags=-s -w", `"-x"'-v'`} {
		_, err := ParseGOFLAGS(value)
		if got, want := message(err), refuse(value); got != want {
			t.Errorf("GOFLAGS=%s: got %q, the go command says %q", value, got, want)
		}
	}
	all := "-" + strings.Join(subcommandFlags, " -") + " -test." + strings.Join(testFlags, " -test.")
	if words := refuse(all); words != "" {
		t.Errorf("the go command knows not all of the table: %s", words)
	}
	for _, name := range buildFlags {
		if !IsFlag(name) {
			t.Errorf("build flag -%s is not in the table", name)
		}
	}
}

// TestFlagTable: every flag that go help names is in the table.
func TestFlagTable(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	env := with(m.env, "GOTOOLCHAIN=local")
	for _, topic := range []string{"build", "testflag", "test", "list", "get", "mod tidy", "mod download", "mod vendor", "mod edit", "mod graph", "mod why", "work use", "work vendor", "clean", "vet", "version", "env"} {
		out, err := m.run(t.Context(), env, append([]string{"help"}, strings.Fields(topic)...)...)
		if err != nil {
			t.Fatal(err)
		}
		usage, _, _ := strings.Cut(string(out), "\n")
		names := 0
		for line := range strings.Lines(string(out)) {
			if strings.HasPrefix(line, "\t-") {
				usage += " " + line
			}
		}
		for word := range strings.FieldsSeq(strings.NewReplacer("[", " ", "]", " ", "|", " ").Replace(usage)) {
			name, ok := strings.CutPrefix(word, "-")
			name, _, _ = strings.Cut(strings.Trim(name, "',.:;"), "=")
			if !ok || name == "" || strings.ContainsAny(name, "(<>/' ") {
				continue
			}
			names++
			if !IsFlag(name) && name != "args" { // -args ends the flags of go test

				t.Errorf("go help %s names -%s, which the table lacks", topic, name)
			}
		}
		if names == 0 && topic != "test" {
			t.Errorf("go help %s names no flag: this test reads it wrongly", topic)
		}
	}
}

func FuzzParseGOFLAGS(f *testing.F) {
	for _, s := range []string{"-mod=mod", "'-ldflags=-s -w' -v", `"-x`, "- --", `-a'b"c -x`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		flags, err := ParseGOFLAGS(s)
		var unknown *UnknownFlagError
		if err != nil && !errors.As(err, &unknown) {
			return
		}
		joined, err := JoinGOFLAGS(flags)
		if err != nil {
			return
		}
		again, err := ParseGOFLAGS(joined)
		if err != nil && !errors.As(err, &unknown) || !reflect.DeepEqual(flags, again) {
			t.Errorf("%q: %+v, written as %q and read as %+v (%v)", s, flags, joined, again, err)
		}
	})
}

func TestParseGOSUMDB(t *testing.T) {
	t.Parallel()
	const key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	for _, test := range []struct{ value, name, url, err string }{
		{value: "sum.golang.org", name: "sum.golang.org"},
		{value: key, name: "sum.golang.org"},
		{value: " sum.golang.org  https://sums.example/x ", name: "sum.golang.org", url: "https://sums.example/x"},
		{value: "sum.golang.google.cn", name: "sum.golang.org", url: "https://sum.golang.google.cn"},
		{value: "off"},
		{value: "", err: "missing GOSUMDB"},
		{value: "OFF", err: "invalid GOSUMDB: malformed verifier id"},
		{value: `"off"`, err: "invalid GOSUMDB: malformed verifier id"},
		{value: "https://sum.golang.org", err: "invalid GOSUMDB: malformed verifier id"},
		{value: "sum.golang.org+local", err: "invalid GOSUMDB: malformed verifier id"},
		{value: "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", err: "invalid GOSUMDB: invalid verifier hash"},
		{value: "sum.golang.org https://a https://b", err: "invalid GOSUMDB: too many fields"},
		{value: "sum.golang.org ://x", err: `invalid GOSUMDB URL: parse "://x": missing protocol scheme`},
	} {
		db, err := ParseGOSUMDB(test.value)
		if got := message(err); got != test.err {
			t.Errorf("%q: got error %q, want %q", test.value, got, test.err)
			continue
		}
		url := ""
		if db.URL != nil {
			url = db.URL.String()
		}
		if db.Name != test.name || url != test.url || db.Off != (test.value == "off") || (db.Name != "" && db.Key != key) {
			t.Errorf("%q: got %+v, want name %q, URL %q", test.value, db, test.name, test.url)
		}
	}
}

func FuzzParseGOSUMDB(f *testing.F) {
	for _, s := range []string{"off", "sum.golang.org", "sum.golang.org https://x", "a+b+c d", "x/+033de0ae+AAAA"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		db, err := ParseGOSUMDB(s)
		if err == nil && !db.Off && (db.Name == "" || db.Key == "") {
			t.Errorf("%q: accepted as %+v", s, db)
		}
	})
}

func TestParseGOVCS(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"":                        "",
		" ":                       "",
		"*:off":                   "",
		"public:git|hg , x.y:all": "",
		"bad":                     `malformed entry in GOVCS (missing colon): "bad"`,
		"a:git,":                  "empty entry in GOVCS",
		":git":                    `empty pattern in GOVCS: ":git"`,
		"a:":                      `empty VCS list in GOVCS: "a:"`,
		"./a:git":                 `relative pattern not allowed in GOVCS: "./a"`,
		"a:git,a:hg":              `unreachable pattern in GOVCS: "a:hg" after "a:git"`,
		"a:git|":                  `empty VCS name in GOVCS: "a:git|"`,
	} {
		if _, err := ParseGOVCS(value); message(err) != want {
			t.Errorf("%q: got %q, want %q", value, message(err), want)
		}
	}
	rules, _ := ParseGOVCS("public:git | hg,example.com:off")
	if want := []VCSRule{{"public", []string{"git", "hg"}}, {"example.com", []string{"off"}}}; !reflect.DeepEqual(rules, want) {
		t.Errorf("got %+v, want %+v", rules, want)
	}
}

// onVolume makes the paths of a text absolute where that takes a volume.
func onVolume(text string) string {
	if runtime.GOOS == "windows" {
		return strings.ReplaceAll(text, " /", ` C:\`)
	}
	return text
}

func TestParseGOAUTH(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"netrc":             "",
		"off":               "",
		"netrc; /bin/x -y":  "",
		"git /":             "",
		"netrc;":            "GOAUTH encountered an empty command (GOAUTH=netrc;)",
		"off;netrc":         "GOAUTH=off cannot be combined with other authentication commands (GOAUTH=off;netrc)",
		"git":               "GOAUTH=git dir method requires an absolute path to the git working directory",
		"git rel":           "GOAUTH=git dir method requires an absolute path to the git working directory, dir is not absolute",
		"netrc;git /a b":    "GOAUTH=git dir method requires an absolute path to the git working directory",
		"git /a; git /b ; ": "GOAUTH encountered an empty command (GOAUTH=git /a; git /b ; )",
	} {
		value, want = onVolume(value), onVolume(want)
		if _, err := ParseGOAUTH(value); message(err) != want {
			t.Errorf("%q: got %q, want %q", value, message(err), want)
		}
	}
	commands, _ := ParseGOAUTH(onVolume("git /a; x y ;netrc;git /b"))
	if got, want := GitDirs(commands), []string{onVolume(" /a")[1:], onVolume(" /b")[1:]}; !reflect.DeepEqual(got, want) {
		t.Errorf("GitDirs: got %q, want %q", got, want)
	}
}

func TestParseGOTOOLCHAIN(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	for _, test := range []struct {
		value, err string
		want       Toolchain
	}{
		{value: "", want: Toolchain{Min: "local"}},
		{value: "local", want: Toolchain{Min: "local"}},
		{value: "auto", want: Toolchain{Min: "local", Mode: "auto"}},
		{value: "path", want: Toolchain{Min: "local", Mode: "path"}},
		{value: "local+path", want: Toolchain{Min: "local", Mode: "path"}},
		{value: "go1.22.3+auto", want: Toolchain{Min: "go1.22.3", Mode: "auto"}},
		{value: "go1.22.3-corp", want: Toolchain{Min: "go1.22.3-corp"}},
		{value: "1.22.12", err: `invalid GOTOOLCHAIN "1.22.12"`},
		{value: "latest", err: `invalid GOTOOLCHAIN "latest"`},
		{value: "default", err: `invalid GOTOOLCHAIN "default"`},
		{value: "auto ", err: `invalid GOTOOLCHAIN "auto "`},
		{value: "go1.2+foo", err: `invalid GOTOOLCHAIN "go1.2+foo": only version suffixes are +auto and +path`},
		{value: "foo+auto", err: `invalid GOTOOLCHAIN "foo+auto": invalid minimum toolchain "foo"`},
		{value: "go1.22/x", err: `invalid GOTOOLCHAIN "go1.22/x"`},
	} {
		got, err := ParseGOTOOLCHAIN(test.value)
		if message(err) != test.err || got != test.want {
			t.Errorf("%q: got %+v, %q; want %+v, %q", test.value, got, message(err), test.want, test.err)
		}
		if err == nil {
			continue
		}
		if _, err := m.run(t.Context(), with(m.env, "GOTOOLCHAIN="+test.value), "version"); !strings.Contains(message(err), test.err) {
			t.Errorf("%q: the go command says %q, want %q", test.value, message(err), test.err)
		}
	}
}

func TestLintPatterns(t *testing.T) {
	t.Parallel()
	for value, want := range map[string][]BadPattern{
		"":                               nil,
		"none":                           nil,
		"*.corp.example,github.com/acme": nil,
		"example.com/,":                  nil,
		"a.com, b.com":                   {{" b.com", "spaces are not trimmed", "b.com"}},
		"a.com b.com":                    {{"a.com b.com", "entries are separated by commas, and no module path has a space", "a.com,b.com"}},
		"https://example.com/":           {{"https://example.com/", "a pattern is a module path without a scheme", "example.com"}},
		"example.com/a/...":              {{"example.com/a/...", `"..." has no meaning here; a pattern matches everything below it anyway`, "example.com/a"}},
		`"example.com"`:                  {{`"example.com"`, "quotes are part of the pattern", "example.com"}},
		"a.com\r":                        {{"a.com\r", "spaces are not trimmed", "a.com"}},
		"a[":                             {{"a[", "it is not a valid glob", ""}},
		"/a.com":                         {{"/a.com", "no module path begins with a slash", "a.com"}},
		" ":                              {{" ", "it is blank", ""}},
	} {
		if got := LintPatterns(value); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v, want %+v", value, got, want)
		}
	}
}

// TestCheckBuildFlag compares with go build of a package of the standard library.
func TestCheckBuildFlag(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.write("m/go.mod", "module example.com/m\n")
	dir := filepath.Join(m.home, ".config", "go", "m")
	for value, want := range map[string]string{
		"-mod":            "flag needs an argument: -mod (from $GOFLAGS)",
		"-mod=foo":        "-mod=foo not supported (can be '', 'mod', 'readonly', or 'vendor')",
		"-mod=":           "",
		"-mod=readonly":   "",
		"--mod=foo":       "-mod=foo not supported",
		"-race=maybe":     `invalid boolean value "maybe" for flag -race (from $GOFLAGS)`,
		"-trimpath=T":     "",
		"-buildvcs":       "",
		"-buildvcs=auto":  "",
		"-buildvcs=x":     `invalid boolean value "x" for flag -buildvcs (from $GOFLAGS)`,
		"-p=x":            `invalid value "x" for flag -p (from $GOFLAGS): parse error`,
		"-p=0x2":          "",
		"-tags":           "flag needs an argument: -tags (from $GOFLAGS)",
		"-compiler=x":     `invalid value "x" for flag -compiler (from $GOFLAGS): unknown compiler "x"`,
		"-covermode=x":    `invalid value "x" for flag -covermode (from $GOFLAGS): valid modes are "set", "count", or "atomic"`,
		"-modfile=go.txt": "-modfile=go.txt: file does not have .mod extension",
		"-C=/":            `invalid value "/" for flag -C (from $GOFLAGS): -C flag must be first flag on command line`,
		"-insecure=x":     "",
	} {
		flags, err := ParseGOFLAGS(value)
		if err != nil {
			t.Fatal(err)
		}
		if got := message(CheckBuildFlag(flags[0])); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
		_, err = m.runIn(t.Context(), dir, with(m.env, "GOTOOLCHAIN=local", "GOFLAGS="+value), "build", "-n", "-o", os.DevNull, "internal/goos")
		if got := message(err); want != "" && !strings.Contains(got, want) || want == "" && err != nil {
			t.Errorf("%s: go build says %q, want %q", value, got, want)
		}
	}
}
