package report

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gopreflight/gopreflight/internal/plain"
)

// writeJSON writes a value as indented JSON. what names it in an error.
func writeJSON(d Dest, what string, v any) error {
	text, err := encodeJSON(what, v)
	if err != nil {
		return err
	}
	return writeEncoded(d, what, text)
}

// encodeJSON is a value as indented JSON.
func encodeJSON(what string, v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return "", fmt.Errorf("encoding %s: %w", what, err)
	}
	return seen(b.String()), nil
}

// seen is JSON in which characters that act on a terminal without being seen,
// or change how others are shown, are written by their numbers, as JSON itself
// asks it of the first 32. They can only be in a string.
func seen(text string) string {
	var b strings.Builder
	rest := 0
	for i, r := range text {
		if r == '\n' || !unicode.IsControl(r) && !plain.Invisible(r) && r != '\u2028' && r != '\u2029' {
			continue
		}
		b.WriteString(text[rest:i])
		rest = i + utf8.RuneLen(r)
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	if rest == 0 {
		return text
	}
	return b.String() + text[rest:]
}

// writeEncoded writes what encodeJSON made.
func writeEncoded(d Dest, what, text string) error {
	if d.Log {
		// "##[" can only be in a string, where a character may be written by
		// its number; and no line of indented JSON begins with "::".
		text = strings.ReplaceAll(text, "##[", `#\u0023[`)
	}
	return writeText(d, what, text)
}

// writeXML writes a value as an indented XML document. Its text must have been
// through xmlText.
func writeXML(d Dest, what string, v any) error {
	b, err := xml.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding %s: %w", what, err)
	}
	text := xml.Header + string(b) + "\n"
	if d.Log {
		text = guardLog(text)
	}
	return writeText(d, what, text)
}

func writeText(d Dest, what, text string) error {
	if _, err := io.WriteString(d.Out, text); err != nil {
		return fmt.Errorf("writing %s: %w", what, err)
	}
	return nil
}

// xmlText is s with nothing in it that an XML document may not hold, escaped
// or not (XML 1.0, 2.2 Characters), and without control characters, of which
// some may be in one. encoding/xml escapes the rest.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r):
			return -1
		case r == '\uFFFE' || r == '\uFFFF':
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
