// Package shard splits work among the machines of one run: which of N machines
// takes which item, the same answer on every machine, from the costs alone.
//
// It knows nothing of what an item is, and reads and measures nothing itself.
package shard

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Max is the largest number of shards: more machines than any CI gives one run
// (a GitHub matrix makes 256 jobs, GitLab's parallel 200).
const Max = 1000

// Parse reads "I/N", the I-th of N shards: 1 <= I <= N <= Max. The empty word is
// 1/1, the whole.
func Parse(word string) (index, count int, err error) {
	if word == "" {
		return 1, 1, nil
	}
	first, second, ok := strings.Cut(word, "/")
	if !ok {
		return 0, 0, errors.New("want I/N, as 2/3 for the second of three")
	}
	if index, err = number(first); err != nil {
		return 0, 0, err
	}
	if count, err = number(second); err != nil {
		return 0, 0, err
	}
	switch {
	case count < 1 || count > Max:
		return 0, 0, fmt.Errorf("the number of shards goes from 1 to %d", Max)
	case index < 1 || index > count:
		return 0, 0, fmt.Errorf("there is no shard %.20s of %d: they are numbered from 1", first, count)
	}
	return index, count, nil
}

// number reads digits and nothing else: no sign, no spaces.
func number(word string) (int, error) {
	if strings.Trim(word, "0123456789") != "" || word == "" {
		return 0, fmt.Errorf("%.20q is no number; want I/N, as 2/3 for the second of three", word)
	}
	n, err := strconv.Atoi(word)
	if err != nil {
		return Max + 1, nil //nolint:nilerr // digits alone: it is too large, which the caller says
	}
	return n, nil
}

// Split gives each item, named by its place in costs, to one of n shards, and
// returns the items of each, ascending. The items go one by one, the most costly
// first, to the shard with the least to do so far; among equals the first item
// and the first shard come first. No shard then has more to do than 4/3 of what
// the best division could reach (Graham, "Bounds on multiprocessing timing
// anomalies", 1969). Where there are fewer items than shards, the last are empty.
//
// A cost below one counts as one. n below one is one.
func Split(costs []int64, n int) [][]int {
	shards := make([][]int, max(n, 1))
	load := make([]int64, len(shards))
	order := make([]int, len(costs))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(costs[b], costs[a]) })
	for _, item := range order {
		least := 0
		for i := range load {
			if load[i] < load[least] {
				least = i
			}
		}
		shards[least] = append(shards[least], item)
		load[least] += max(costs[item], 1)
	}
	for i := range shards {
		slices.Sort(shards[i])
	}
	return shards
}
