package goproxy

import (
	"os/exec"
	"strings"
	"testing"
)

// TestParseAgreesWithGo: what the go command refuses, Parse does, in the same
// words; and what it takes, Parse takes, in the same order. The values are those
// of cmd/go's own scripts (mod_proxy_list, mod_proxy_invalid, mod_gonoproxy,
// mod_file_proxy) and the odd ones.
func TestParseAgreesWithGo(t *testing.T) {
	t.Parallel()
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	missing := plainServer(t, answerStatus(404))
	// Nobody but the servers of this test is reached.
	nobody := plainServer(t, answerStatus(403))
	for _, value := range []string{
		",", " ", "|,|", "goproxy", "Direct", "OFF", "noproxy", "/tmp/x", "ftp://x", "file://host/x", "file:/x", "file:x", "C:/x", `\\host\share`,
		"https://goproxy.example direct", "'http://goproxy.example'", `"http://goproxy.example"`, "http://", "://x", "http://[::1", "http://h:port", "%zz.example",
		"MISSING/404,MISSING/410", "MISSING,goproxy", "MISSING|ftp://x", "MISSING,off,ftp://x", "MISSING|direct,:", " MISSING , off ", "MISSING,,|,off", "off", "direct",
		"file:///nonexistent,off", "MISSING?x=1,off", "MISSING#f,off", "goproxy.example,off", "goproxy.example/a b|off", "127.0.0.1:1|off", "localhost/x|off",
	} {
		value := strings.ReplaceAll(value, "MISSING", missing)
		chain, err := Parse(value, "")
		dir := t.TempDir()
		cmd := exec.CommandContext(t.Context(), goCmd, "mod", "download", "example.com/x@v1.0.0")
		cmd.Dir, cmd.Env = dir, append(goEnviron(t, dir), "GOPROXY="+value, "HTTPS_PROXY="+nobody, "HTTP_PROXY="+nobody)
		out, goErr := cmd.CombinedOutput()
		says := string(out)
		if goErr == nil {
			t.Errorf("%q: the go command found the module: %s", value, says)
		}
		refused := strings.Contains(says, "invalid proxy URL") || strings.Contains(says, "invalid file://") || strings.Contains(says, "contains no entries") || strings.Contains(says, `parse "`)
		switch {
		case err != nil && !strings.Contains(says, err.Error()):
			t.Errorf("%q: Parse says %v, the go command %s", value, err, says)
		case err == nil && refused:
			t.Errorf("%q: Parse takes it (%v), the go command says %s", value, chain, says)
		}
	}
}
