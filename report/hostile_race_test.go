//go:build race

package report

// hostileStep is which strings of the corpus are judged: every eighth. The race
// detector makes judging eight times as slow, and what it looks for does not
// depend on the string.
const hostileStep = 8
