package shard

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word         string
		index, count int
		err          string
	}{
		{"", 1, 1, ""},
		{"1/1", 1, 1, ""},
		{"2/3", 2, 3, ""},
		{"1000/1000", 1000, 1000, ""},
		{"02/03", 2, 3, ""},
		{"2", 0, 0, "want I/N"},
		{"/", 0, 0, `"" is no number`},
		{"a/3", 0, 0, `"a" is no number`},
		{"1/b", 0, 0, `"b" is no number`},
		{"1/2/3", 0, 0, `"2/3" is no number`},
		{"-1/3", 0, 0, `"-1" is no number`},
		{"+1/3", 0, 0, `"+1" is no number`},
		{" 1/3", 0, 0, `" 1" is no number`},
		{"0/3", 0, 0, "there is no shard 0 of 3"},
		{"4/3", 0, 0, "there is no shard 4 of 3"},
		{"1/0", 0, 0, "from 1 to 1000"},
		{"1/1001", 0, 0, "from 1 to 1000"},
		{"99999999999999999999/3", 0, 0, "there is no shard 99999999999999999999 of 3"},
		{"1/99999999999999999999", 0, 0, "from 1 to 1000"},
	} {
		index, count, err := Parse(tt.word)
		if index != tt.index || count != tt.count || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %d/%d, %v, want %d/%d, %q", tt.word, index, count, err, tt.index, tt.count, tt.err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, word := range []string{"", "1/1", "3/7", "0/1", "9/1", "1/1001", "１/２", "1//2"} {
		f.Add(word)
	}
	f.Fuzz(func(t *testing.T, word string) {
		index, count, err := Parse(word)
		if err == nil && (index < 1 || index > count || count > Max) {
			t.Errorf("%q: %d/%d", word, index, count)
		}
	})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		costs []int64
		n     int
		want  [][]int
	}{
		{"the whole", []int64{3, 1, 2}, 1, [][]int{{0, 1, 2}}},
		{"the largest has a shard of its own", []int64{1, 2, 10, 3}, 2, [][]int{{2}, {0, 1, 3}}},
		{"equals in their order", []int64{5, 5, 5, 5}, 2, [][]int{{0, 2}, {1, 3}}},
		{"costs of nothing are shared, too", []int64{0, 0, 0, 0}, 2, [][]int{{0, 2}, {1, 3}}},
		{"more shards than items", []int64{1, 2}, 4, [][]int{{1}, {0}, nil, nil}},
		{"nothing to do", nil, 2, [][]int{nil, nil}},
		{"no shard", []int64{1, 2}, 0, [][]int{{0, 1}}},
	} {
		if got := Split(tt.costs, tt.n); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestSplitIsAPartition: every item is in one shard, the answer is the same each
// time, and no shard has more to do than Graham's bound allows.
func TestSplitIsAPartition(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		costs := make([]int64, random.IntN(60))
		var sum, largest int64
		for i := range costs {
			costs[i] = 1 + random.Int64N(1000)
			sum, largest = sum+costs[i], max(largest, costs[i])
		}
		n := 1 + random.IntN(12)
		name := fmt.Sprintf("%v in %d", costs, n)
		before := slices.Clone(costs)
		shards := Split(costs, n)
		if !reflect.DeepEqual(shards, Split(costs, n)) || !slices.Equal(costs, before) {
			t.Fatalf("%s: another answer the second time, or the costs are altered", name)
		}
		var all []int
		for _, items := range shards {
			all = append(all, items...)
			var load int64
			for _, i := range items {
				load += costs[i]
			}
			// What the best division reaches is at least the mean, and the largest item.
			if bound := float64(sum)/float64(n) + float64(largest); float64(load) > bound {
				t.Errorf("%s: a shard has %d to do, want at most %.0f", name, load, bound)
			}
		}
		slices.Sort(all)
		for i, item := range all {
			if i != item {
				t.Fatalf("%s: items %v, want each once", name, all)
			}
		}
		if len(shards) != n || len(all) != len(costs) {
			t.Errorf("%s: %d shards of %d items", name, len(shards), len(all))
		}
	}
}
