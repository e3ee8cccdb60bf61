package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gopreflight/gopreflight/internal/ci"
)

// settle checks the words, and tells the comments of a matrix apart where nobody has
// done so: jobs that shared one comment would hide each other's failures in it. It
// may be called more than once.
func (o *commentOptions) settle(getenv func(string) string, c ci.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.label != "" {
		return nil
	}
	switch {
	case o.id != "":
		o.label = o.id
	case c.Provider == ci.GitLab: // whose jobs have their values in their names
		o.label = gitlabMatrix(c.Job)
	default:
		o.id, o.label = matrixOf(getenv(inputVariable(inputMatrix)))
	}
	return nil
}

// matrixOf reads the values of a job's matrix, as toJSON(matrix) writes them: an ID
// that no other job of the matrix has, and the values as GitHub names the job by
// them ("1.26, ubuntu-latest"). Both are empty where there is no matrix.
func matrixOf(text string) (id, label string) {
	var values map[string]any
	if json.Unmarshal([]byte(text), &values) != nil || len(values) == 0 {
		return "", ""
	}
	var compact bytes.Buffer
	_ = json.Compact(&compact, []byte(text)) // it is valid
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return compact.String(), strings.Join(leaves(d), ", ")
}

// leaves are the values of the next JSON value in which nothing else is, in their
// order. It is valid JSON.
func leaves(d *json.Decoder) []string {
	token, _ := d.Token()
	open, ok := token.(json.Delim)
	switch {
	case token == nil: // null
		return nil
	case !ok:
		return []string{fmt.Sprint(token)}
	}
	var list []string
	for d.More() {
		if open == '{' {
			_, _ = d.Token() // the name
		}
		list = append(list, leaves(d)...)
	}
	_, _ = d.Token() // the other bracket
	return list
}

// gitlabMatrix is the values in the name of a job of parallel:matrix:
// "test: [linux, 1.26]" (docs.gitlab.com, "CI/CD YAML syntax", parallel:matrix).
func gitlabMatrix(job string) string {
	_, values, ok := strings.Cut(job, ": [")
	if !ok || !strings.HasSuffix(values, "]") {
		return ""
	}
	return strings.TrimSuffix(values, "]")
}
