//go:build !race

package report

// hostileStep is which strings of the corpus are judged: every one.
const hostileStep = 1
