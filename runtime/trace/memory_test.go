package trace_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/host"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/vit/picture"
)

// TestMemoryIsBounded writes taps of several times the memory that the run may take beyond that of a run without taps.
func TestMemoryIsBounded(t *testing.T) {
	const side, bound = 28 * 15, 100 << 20
	m, err := loupe.Embedded(loupe.Options{MaxPixels: side * side})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := m.Prepare(context.Background(), loupe.Ask("Look.", picture.Image{Width: side, Height: side, Pix: make([]byte, side*side*3)}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, o := context.Background(), loupe.Taps("*")
	size, err := trace.SizeOf(ctx, m, p, o)
	if err != nil {
		t.Fatal(err)
	}
	if size.Bytes < 2*bound {
		t.Fatalf("the taps take %s only", trace.Bytes(size.Bytes))
	}
	host.ResetPeakMemory()
	if _, err := m.Trace(ctx, p, loupe.TraceOptions{}); err != nil {
		t.Fatal(err)
	}
	before := host.PeakMemory()
	if before == 0 {
		t.Skip("this system does not tell how much memory a program takes")
	}
	names := []string{"t.safetensors", "t.npz", "t"}
	if os.Getenv("LOUPE_EXHAUSTIVE") == "" {
		names = names[:1] // each is a few hundred megabytes on the disk
	}
	for _, name := range names {
		debug.FreeOSMemory()
		host.ResetPeakMemory()
		if _, err := trace.ToFile(ctx, m, p, o, filepath.Join(t.TempDir(), name)); err != nil {
			t.Fatal(err)
		}
		if more := host.PeakMemory() - before; more > bound {
			t.Errorf("writing taps of %s to %s takes %s more memory", trace.Bytes(size.Bytes), name, trace.Bytes(more))
		} else {
			t.Logf("taps of %s to %s: %s more memory", trace.Bytes(size.Bytes), name, trace.Bytes(more))
		}
	}
}
