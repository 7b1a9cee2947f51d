//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// met are what launches of a kernel can meet, in the order of their bits: enum Met of sim/fibers.h.
var met = []string{"blocks and threads in order", "in reverse", "at random", "one block", "several blocks", "every access checked", "an edge, where threads of a block write unequal parts", "arithmetic", "sums", "infinity or NaN", "a denormal number", "canceling numbers"}

const (
	metArithmetic = 7 // the kernel computes with float32
	metSums       = 8 // and adds
	metValues     = 9 // the kinds of numbers, from here on
	metCanceling  = metValues + 2
)

// notMet are what some kernels need not meet, and why. A name that ends in * stands for all that begin so.
var notMet = map[string][]string{
	"one block":      {"attend_values_8_wide", "attend_tile_*"}, // are for more than there are processors, and for many queries
	"several blocks": {"put_*"},                                 // carry what one block has
	"infinity or NaN": {
		"gather_int8", "gather_int4", "gather_int4_zeros", // quantized weights are finite
		"quantize_rows", // writes a scale of NaN in place of computing
		"attend_tile_*", // the arithmetic of attend_scores_8 and attend_values_8, which do
		"mma_rows_1",    // that of mma_rows_8
	},
	"a denormal number": {
		"gather_int8", "gather_int4", "gather_int4_zeros", // a half by a byte is none
		"attend_tile_*", "mma_rows_1",
	},
	"canceling numbers": {
		"quantize_rows",                       // adds 1.5 * 2^23 to what is at most 127
		"first_non_finite", "find_non_finite", // subtract each number from itself
		"mma_*",    // adds 16 products at a time, in double precision; TestMMAProducts has such numbers
		"rms_norm", // adds squares
	},
}

// stepsOfProducts are how many steps products must have had, each kernel of them.
var stepsOfProducts = []int{1, 31, 127, 129, 18944}

// gaps are what the tests of the package left out, of what every kernel must have met: the list of compiled kernels is the measure.
func gaps(launches string) (out []string) {
	bits, steps := map[string]int{}, map[string][]int{}
	text, err := os.ReadFile(launches)
	if err != nil {
		return []string{err.Error()}
	}
	for line := range strings.Lines(string(text)) {
		var name string
		var seen, n int
		if _, err := fmt.Sscanf(line, "%s %d %d", &name, &seen, &n); err != nil {
			return []string{fmt.Sprintf("%q: %v", line, err)}
		}
		bits[name] |= seen
		steps[name] = append(steps[name], n)
	}
	names, err := compiled()
	if err != nil {
		return []string{err.Error()}
	}
	for _, name := range names {
		if bits[name] == 0 {
			out = append(out, "no test launches the kernel "+name)
			continue
		}
		for i, what := range met {
			computes, adds := bits[name]>>metArithmetic&1 != 0, bits[name]>>metSums&1 != 0
			if what == "a denormal number" && strings.Contains(name, "bf16_rounded") { // which counts small numbers as 0
				continue
			}
			if i == metArithmetic || i == metSums || i >= metValues && !computes || i == metCanceling && !adds || exempt(what, name) {
				continue
			}
			if bits[name]>>i&1 == 0 {
				out = append(out, fmt.Sprintf("no test launches the kernel %s with: %s", name, what))
			}
		}
		if slices.Max(steps[name]) < 0 {
			continue
		}
		for _, n := range stepsOfProducts {
			if n > 1000 && (strings.HasPrefix(name, "tile_") || strings.HasPrefix(name, "mma_")) && os.Getenv("LOUPE_LONG") != "1" {
				continue // see TestProductSweep
			}
			if !slices.Contains(steps[name], n) {
				out = append(out, fmt.Sprintf("no test launches the kernel %s with %d steps", name, n))
			}
		}
	}
	return out
}

func exempt(what, name string) bool {
	return slices.ContainsFunc(notMet[what], func(n string) bool {
		prefix, some := strings.CutSuffix(n, "*")
		return n == name || some && strings.HasPrefix(name, prefix)
	})
}

// compiled are the names of all kernels.
func compiled() (out []string, err error) {
	files, err := filepath.Glob("fatbin/*.use")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			name, _, _ := strings.Cut(line, " ")
			if strings.HasPrefix(name, "peak_") || name == "free_order" { // nobody uses what they compute
				continue
			}
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out, err
}
