package cudatest

import (
	"bytes"
	"os"
	"testing"
)

// Library is the driver's library that Variable names, and whether that is a fake one; "" and true where none is named and tests build theirs.
func Library() (name string, fake bool) {
	if name = os.Getenv(Variable); name == "" {
		return "", true
	}
	text, err := os.ReadFile(name)
	return name, err == nil && bytes.Contains(text, []byte("CUDASIM_ORDER"))
}

// FakeOnly skips a test of what the fake driver alone can do: fail where it is told to, be another GPU, hold kernels with faults.
func FakeOnly(t testing.TB) {
	t.Helper()
	if name, fake := Library(); !fake {
		t.Skipf("%s names %s, and this needs the fake driver", Variable, name)
	}
}
