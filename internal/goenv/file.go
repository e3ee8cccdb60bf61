package goenv

import "bytes"

// MaxFile is the largest settings file that is read, in bytes. A file of the
// go command has a few hundred.
const MaxFile = 1 << 20

// ParseFile parses a settings file as cmd/go/internal/cfg's readEnvFile does:
// lines NAME=VALUE, nothing trimmed and nothing unquoted. Lines without "=" and
// lines that do not begin with a capital letter are ignored by the go command;
// they are returned with an empty Name and the whole line as Value, but for
// blank lines and "#" comments, which are left out.
func ParseFile(file string, source Source, data []byte) []Setting {
	var settings []Setting
	number := 0
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		number++
		if text := bytes.TrimSpace(line); len(text) == 0 || text[0] == '#' {
			continue
		}
		s := Setting{Source: source, File: file, Line: number, Value: string(line)}
		if i := bytes.IndexByte(line, '='); i > 0 && line[0] >= 'A' && line[0] <= 'Z' {
			s.Name, s.Value = string(line[:i]), string(line[i+1:])
		}
		settings = append(settings, s)
	}
	return settings
}
