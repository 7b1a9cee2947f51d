package serve

import (
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
)

// embedded is the embedded model.
func embedded(t testing.TB) *loupe.Model {
	t.Helper()
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}
