//go:build !(cuda && linux && cgo)

package cuda

import (
	"strings"
	"testing"
)

// TestStub: a build without CUDA says so.
func TestStub(t *testing.T) {
	if _, err := Open(Options{}); err == nil || !strings.Contains(err.Error(), "-tags cuda") {
		t.Errorf("%v", err)
	}
}
