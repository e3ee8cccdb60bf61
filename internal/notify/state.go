package notify

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gopreflight/gopreflight/internal/config"
)

// Limits of the state file. A failure with more causes is compared by the first
// of them in their order: at worst it is told once too often.
const (
	maxState   = 1 << 20 // bytes
	maxEntries = 100     // receivers and series; the oldest are forgotten
	maxCauses  = 200     // of one failure
)

// maxSkew is how far the clock of another machine may be ahead.
const maxSkew = time.Hour

// stateSchema names the format of the state file.
const stateSchema = "gopreflight/notify-state/v1"

// State is what one receiver was last told, or would have been told, of a series
// of runs.
type State struct {
	// Status is Pass, Fail or Inconclusive.
	Status string `json:"status"`
	// Causes tell one failure from another: sorted digests, at most maxCauses.
	Causes []string `json:"causes,omitempty"`
	// StartedAt is when the run began.
	StartedAt time.Time `json:"startedAt"`
}

// Kind is what a notification says.
type Kind string

// The kinds.
const (
	// Failed: it begins to fail, or to fail for a reason that is new.
	Failed Kind = "failed"
	// StillFailing: it fails for no reason that is new.
	StillFailing Kind = "still-failing"
	// Recovered: it passes, and did not before.
	Recovered Kind = "recovered"
	// Passed: it passes, and nothing is known of it not passing before.
	Passed Kind = "passed"
	// Unanswered: it is neither, because a question found no answer.
	Unanswered Kind = "inconclusive"
)

// Decide says what a run is after what was told before (nil: unknown), and
// whether that is news to a receiver with this word at on (empty: OnChange).
//
// A failure whose causes are all known, as one of which a part was mended, is not
// news; nor is a pass after nothing known. An inconclusive run is news as a
// failure is, but not to who only asks for failures.
func Decide(old *State, now State, on string) (kind Kind, send bool) {
	same := old != nil && old.Status == now.Status && contains(old.Causes, now.Causes)
	switch {
	case now.Status == Fail && same:
		kind = StillFailing
	case now.Status == Fail:
		kind, send = Failed, true
	case now.Status == Inconclusive:
		kind, send = Unanswered, !same && on != config.OnFail
	case old == nil || old.Status == Pass:
		kind = Passed
	default:
		kind, send = Recovered, on != config.OnFail
	}
	return kind, send || on == config.OnAlways
}

// contains reports whether all of part are among all.
func contains(all, part []string) bool {
	for _, c := range part {
		if !slices.Contains(all, c) {
			return false
		}
	}
	return true
}

// StateFile is the file below a cache folder that remembers one series of runs,
// so that no two jobs write the same.
func StateFile(cache string, series []string) string {
	return filepath.Join(cache, "gopreflight", "notify", digest(series...)+".json")
}

// identity tells one receiver of one series from all others, by its words in the
// policy and not by what its variables hold.
func identity(t config.Notify, series []string) string {
	t.Line = 0
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts and lists of texts
	}
	return digest(append([]string{string(data)}, series...)...)
}

// messageID is the same for every attempt to tell one receiver of one run.
func messageID(target string, s *State, kind Kind) string {
	return "msg_" + digest(target, string(kind), s.StartedAt.Format(time.RFC3339Nano), strings.Join(s.Causes, ","))
}

// digest is a short hash of texts, none of which can pass for two.
func digest(texts ...string) string {
	h := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// stateFile is the file's content.
type stateFile struct {
	Schema  string            `json:"schema"`
	Entries map[string]*State `json:"entries"`
}

// readStates reads what was told. A file that is not there remembers nothing;
// so does one that is broken, which is an error beside the empty map.
func readStates(name string) (map[string]*State, error) {
	states := map[string]*State{}
	if name == "" {
		return states, nil
	}
	data, err := readRegular(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return states, nil
	case err != nil:
		return states, fmt.Errorf("reading the state: %w", err)
	}
	var file stateFile
	if err := json.Unmarshal(data, &file); err != nil || file.Schema != stateSchema {
		return states, fmt.Errorf("reading the state: %s is not in the format %s", name, stateSchema)
	}
	for id, s := range file.Entries {
		if s != nil && (s.Status == Pass || s.Status == Fail || s.Status == Inconclusive) {
			states[id] = s
		}
	}
	return states, nil
}

// readRegular reads a regular file of at most maxState bytes; another kind could
// keep the run waiting.
func readRegular(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > maxState:
		return nil, fmt.Errorf("%s has more than %d bytes", name, maxState)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxState))
}

// saveStates writes what was told now beside what was told before, read again
// because sending takes its time.
func saveStates(name string, changed map[string]*State) error {
	if name == "" || len(changed) == 0 {
		return nil
	}
	all, _ := readStates(name) // what is broken is replaced
	maps.Copy(all, changed)
	if ids := slices.Collect(maps.Keys(all)); len(ids) > maxEntries {
		slices.SortFunc(ids, func(a, b string) int {
			return cmp.Or(all[b].StartedAt.Compare(all[a].StartedAt), cmp.Compare(a, b))
		})
		for _, id := range ids[maxEntries:] {
			delete(all, id)
		}
	}
	data, err := json.MarshalIndent(stateFile{stateSchema, all}, "", " ")
	if err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	if err := writeWhole(name, append(data, '\n')); err != nil {
		return fmt.Errorf("writing the state: %w", err)
	}
	return nil
}

// writeWhole writes a file that is never seen half written, and that everybody
// can read: on GitHub root writes it, in the action's container, and the runner's
// user keeps it with actions/cache. There is no secret in it.
func writeWhole(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".gopreflight-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = cmp.Or(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.RemoveAll(f.Name())
	}
	return err
}
