//go:build unix

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// releaseRepo is a repository of a test's own with the files that .ci/release
// reads and writes.
type releaseRepo struct {
	*testing.T
	dir string
}

func newReleaseRepo(t *testing.T) *releaseRepo {
	t.Helper()
	r := &releaseRepo{T: t, dir: t.TempDir()}
	for _, name := range []string{".ci/release", "action.yml", "host/action.yml", "go.mod", "Dockerfile"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		r.write(name, string(data))
	}
	r.write("CHANGELOG.md", "# Changes\n\n## Unreleased\n\n## 1.2.3\n\nIt is faster.\n\n- And **smaller**.\n\n## 1.2.2\n\n## 1.0.0\n\nOld.\n")
	r.git("init", "-q", "-b", "main")
	r.commit()
	return r
}

func (r *releaseRepo) write(name, text string) {
	r.Helper()
	name = filepath.Join(r.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o755)); err != nil {
		r.Fatal(err)
	}
}

func (r *releaseRepo) read(name string) string {
	r.Helper()
	data, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		r.Fatal(err)
	}
	return string(data)
}

func (r *releaseRepo) git(args ...string) string {
	r.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return string(out)
}

func (r *releaseRepo) commit() {
	r.Helper()
	r.git("add", ".")
	r.git("commit", "-qm", "all")
}

// run runs .ci/release from somewhere else, as it may be.
func (r *releaseRepo) run(args ...string) (stdout, stderr string, ok bool) {
	r.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(filepath.Join(r.dir, ".ci/release"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = os.TempDir(), &out, &errs
	err := cmd.Run()
	return out.String(), errs.String(), err == nil
}

// checksums is what goreleaser lists for a version, without these archives.
func checksums(version string, without ...string) string {
	var b strings.Builder
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			if system+"/"+arch != strings.Join(without, "") {
				fmt.Fprintf(&b, "%064x  gopreflight_%s_%s_%s.tar.gz\n", b.Len(), version, system, arch)
			}
			fmt.Fprintf(&b, "%064x  gopreflight_%s_%s_%s.tar.gz.spdx.json\n", b.Len(), version, system, arch)
		}
	}
	return b.String()
}

// TestReleaseCheck: what may not be released is refused before anything is built.
func TestReleaseCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, version string
		change        func(*releaseRepo)
		want          string // "" for fine
	}{
		{"fine", "v1.2.3", func(*releaseRepo) {}, ""},
		{"no v", "1.2.3", func(*releaseRepo) {}, "no version like"},
		{"two numbers", "v1.2", func(*releaseRepo) {}, "no version like"},
		{"leading zero", "v1.02.3", func(*releaseRepo) {}, "no version like"},
		{"build metadata", "v1.2.3+x", func(*releaseRepo) {}, "no version like"},
		{"a command", "v1.2.3;x", func(*releaseRepo) {}, "no version like"},
		{"a tag already", "v1.2.3", func(r *releaseRepo) { r.git("tag", "v1.2.3") }, "is a tag already"},
		{"no section", "v1.2.4", func(*releaseRepo) {}, "no section"},
		{"an empty section", "v1.2.2", func(*releaseRepo) {}, "no section"},
		{"another major version", "v2.0.0", func(r *releaseRepo) {
			r.write("CHANGELOG.md", "## 2.0.0\n\nNew.\n")
			r.commit()
		}, "has to end in /v2"},
		{"changed files", "v1.2.3", func(r *releaseRepo) { r.write("x", "x") }, "not clean"},
		{"from a release", "v1.2.3", func(r *releaseRepo) {
			r.write("action.yml", strings.Replace(r.read("action.yml"), "image: Dockerfile", "image: docker://x", 1))
			r.commit()
		}, "does not build the Dockerfile"},
		{"from a release, by its bases", "v1.2.3", func(r *releaseRepo) {
			r.write("Dockerfile", strings.Replace(r.read("Dockerfile"), "-slim\n", "-slim@sha256:"+strings.Repeat("a", 64)+"\n", 1))
			r.commit()
		}, "the Dockerfile names digests"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newReleaseRepo(t)
			test.change(r)
			_, stderr, ok := r.run("check", test.version)
			if ok != (test.want == "") || !strings.Contains(stderr, test.want) {
				t.Errorf("ok %v, %q; want %q", ok, stderr, test.want)
			}
		})
	}
}

// TestReleasePin: the release's commit differs from main by what it names, and by
// nothing else.
func TestReleasePin(t *testing.T) {
	t.Parallel()
	r := newReleaseRepo(t)
	digest := "sha256:" + strings.Repeat("5e", 32)
	const golang, slim = "GO_IMAGE=golang:1.26-bookworm", "BASE_IMAGE=debian:bookworm-slim"
	bases := golang + "@sha256:" + strings.Repeat("60", 32) + "\n" + slim + "@sha256:" + strings.Repeat("51", 32) + "\n"
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, test := range []struct{ name, digest, list, bases, want string }{
		{"no digest", "latest", checksums("1.2.3"), bases, "no digest"},
		{"another version", digest, checksums("1.2.4"), bases, "lacks gopreflight_1.2.3_linux_amd64"},
		{"one missing", digest, checksums("1.2.3", "windows/arm64"), bases, "lacks gopreflight_1.2.3_windows_arm64"},
		{"a base missing", digest, checksums("1.2.3"), strings.SplitAfter(bases, "\n")[0], "lacks a digest of " + slim},
		{"a base by tag", digest, checksums("1.2.3"), golang + "\n" + slim + "\n", "lacks a digest of " + golang},
		{"another base", digest, checksums("1.2.3"), strings.ReplaceAll(bases, "1.26", "1.25"), "lacks a digest of " + golang},
	} {
		if _, stderr, ok := r.run("pin", "v1.2.3", test.digest, write("checksums", test.list), write("bases", test.bases)); ok || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: ok %v, %q; want %q", test.name, ok, stderr, test.want)
		}
	}
	if changed := r.git("status", "--porcelain"); changed != "" {
		t.Errorf("a refusal left changes:\n%s", changed)
	}

	before, dockerfile := r.read("action.yml"), r.read("Dockerfile")
	if _, stderr, ok := r.run("pin", "v1.2.3", digest, write("checksums", checksums("1.2.3")), write("bases", bases)); !ok {
		t.Fatal(stderr)
	}
	if changed := r.git("status", "--porcelain"); changed != " M Dockerfile\n M action.yml\n?? host/checksums.txt\n" {
		t.Errorf("changed:\n%s", changed)
	}
	if got, want := r.read("action.yml"), strings.Replace(before, "image: Dockerfile\n", "image: docker://ghcr.io/gopreflight/gopreflight@"+digest+"\n", 1); got != want {
		t.Errorf("action.yml is\n%s", got)
	}
	for line := range strings.Lines(bases) {
		tag, _, _ := strings.Cut(line, "@")
		dockerfile = strings.Replace(dockerfile, "ARG "+tag+"\n", "ARG "+line, 1)
	}
	if got := r.read("Dockerfile"); got != dockerfile || strings.Count(got, "@sha256:") != 2 {
		t.Errorf("Dockerfile is\n%s", got)
	}
	pinned := r.read("host/checksums.txt")
	if strings.Count(pinned, "\n") != 6 || strings.Contains(pinned, "spdx") {
		t.Errorf("host/checksums.txt is\n%s", pinned)
	}
	r.commit()
	if _, stderr, ok := r.run("check", "v1.2.3"); ok || !strings.Contains(stderr, "is this a release's commit?") {
		t.Errorf("a release of a release: ok %v, %q", ok, stderr)
	}
}

// TestReleaseBases: the digests of the Dockerfile's base images, each asked for once.
func TestReleaseBases(t *testing.T) {
	r := newReleaseRepo(t)
	bin := t.TempDir()
	docker := func(answer string) {
		script := "#!/bin/sh\necho \"$*\" >>" + bin + "/asked\n" + answer + "\n"
		if err := os.WriteFile(filepath.Join(bin, "docker"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	digest := "sha256:" + strings.Repeat("0d", 32)
	docker("echo " + digest)
	out, stderr, ok := r.run("bases", "v1.2.3")
	if want := "GO_IMAGE=golang:1.26-bookworm@" + digest + "\nBASE_IMAGE=debian:bookworm-slim@" + digest + "\n"; out != want || !ok {
		t.Errorf("bases: %q, want %q; %s", out, want, stderr)
	}
	asked, err := os.ReadFile(filepath.Join(bin, "asked"))
	const inspect = "buildx imagetools inspect "
	if want := inspect + "golang:1.26-bookworm --format {{.Manifest.Digest}}\n" + inspect + "debian:bookworm-slim --format {{.Manifest.Digest}}\n"; err != nil || string(asked) != want {
		t.Errorf("asked %q, %v; want %q", asked, err, want)
	}
	for answer, want := range map[string]string{"exit 1": "no answer about golang:1.26-bookworm", "echo none": `"none" is no digest of golang`} {
		docker(answer)
		if out, stderr, ok := r.run("bases", "v1.2.3"); ok || out != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: ok %v, %q, %q; want %q", answer, ok, out, stderr, want)
		}
	}
}

// TestReleaseTools: the dry run builds a release with what the workflow does.
func TestReleaseTools(t *testing.T) {
	t.Parallel()
	var files []string
	for _, name := range []string{".ci/run", ".github/workflows/release.yml"} {
		data, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(data))
	}
	for _, tool := range []string{`goreleaser/v2@v[0-9.]+`, `anchore/syft/cmd/syft@v[0-9.]+`} {
		dry, real := regexp.MustCompile(tool).FindString(files[0]), regexp.MustCompile(tool).FindString(files[1])
		if dry == "" || dry != real {
			t.Errorf("%s: .ci/run has %q, release.yml %q", tool, dry, real)
		}
	}
}

// TestReleaseNotesAndTags: the notes are the section; the major tag follows the
// newest release of it only.
func TestReleaseNotesAndTags(t *testing.T) {
	t.Parallel()
	r := newReleaseRepo(t)
	if got, _, _ := r.run("notes", "v1.2.3"); got != "It is faster.\n\n- And **smaller**.\n\n" {
		t.Errorf("notes %q", got)
	}
	for _, tag := range []string{"v1.2.10", "v1.3.0-rc.1", "v2.0.0", "v1"} {
		r.git("tag", tag)
	}
	for version, want := range map[string]string{
		"v1.2.11": "v1\n", "v1.2.10": "v1\n", "v1.3.0": "v1\n",
		"v1.2.9":      "", // a fix of an older one
		"v1.3.0-rc.2": "",
		"v3.0.0":      "v3\n",
	} {
		if got, stderr, ok := r.run("majors", version); got != want || !ok {
			t.Errorf("majors %s: %q, want %q; %s", version, got, want, stderr)
		}
	}
}
