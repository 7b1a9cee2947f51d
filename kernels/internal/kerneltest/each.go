package kerneltest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Names are the sets of instructions that kernels are written for, and "generic", which is plain Go.
var Names = []string{"avx512", "avx2", "neon", "generic"}

// Required reports whether LOUPE_REQUIRE_KERNELS names the kernels: their tests must run, and a skip is a failure.
func Required(name string) bool {
	return slices.Contains(strings.Split(os.Getenv("LOUPE_REQUIRE_KERNELS"), ","), name)
}

// Each runs a test on the kernels of each set of instructions. own finds those that this machine has. What it lacks runs on an emulated
// processor, where there is one, or is skipped, unless it is required; emulate gives nil, and the reason, where there is none.
func Each[K any](t *testing.T, own func(name string) *K, emulate func(t *testing.T, name string) (k *K, reason string), f func(t *testing.T, name string, k *K, emulated bool)) {
	for _, name := range Names {
		t.Run(name, func(t *testing.T) {
			if k := own(name); k != nil {
				f(t, name, k, false)
				return
			}
			k, reason := emulate(t, name)
			switch {
			case k != nil:
				f(t, name, k, true)
			case Required(name):
				t.Fatalf("this machine has no %s; %s", name, reason)
			default:
				t.Skipf("this machine has no %s; %s", name, reason)
			}
		})
	}
}
