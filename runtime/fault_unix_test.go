//go:build unix

package loupe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/disk"
)

// copied is the committed checkpoint in a directory that a test may spoil.
func copied(t *testing.T) string { return broken(t, func(*testing.T, string) {}) }

// cut makes both shards shorter than their weights begin.
func cut(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{shardName, "model-00002-of-00002.safetensors"} {
		if err := os.Truncate(filepath.Join(dir, name), 4096); err != nil {
			t.Fatal(err)
		}
	}
}

// TestShrinkingMap: weights whose file is cut short in the middle of a run end that run with an error that names the file,
// whichever kernels read them and on whichever worker. The engine goes on.
func TestShrinkingMap(t *testing.T) {
	for _, kernels := range []string{"auto", "avx512", "avx2", "neon", "generic"} {
		for _, threads := range []int{1, 4} {
			for _, precision := range []string{"exact", "bf16"} {
				t.Run(fmt.Sprintf("%s %d %s", kernels, threads, precision), func(t *testing.T) {
					dir := copied(t)
					m, err := loupe.Load(dir, loupe.Options{Kernels: kernels, Threads: threads, Precision: precision, MaxPixels: 28 * 28 * 12})
					if err != nil {
						t.Skip(err)
					}
					defer m.Close()
					p := embeddedPrompt(t, m)
					_, err = m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{"visual.blocks.0.out"}}, func(loupe.Tap) error {
						cut(t, dir)
						return nil
					})
					var fault *weights.FaultError
					if !errors.As(err, &fault) || !strings.Contains(err.Error(), filepath.Join(dir, "model-0000")) || !strings.Contains(err.Error(), "shorter") {
						t.Fatalf("the error is %v; want one of a file that became shorter", err)
					}
					for range 3 { // nothing is computed any more of such weights
						if _, err := m.Answer(context.Background(), p, loupe.Generation{}); err == nil || !strings.Contains(err.Error(), shardName) {
							t.Fatalf("a run after it: the error is %v", err)
						}
					}
					sums := make([]int, 1000)
					m.Engine("a test").For(len(sums), 1, func(lo, hi int) {
						for i := lo; i < hi; i++ {
							sums[i]++
						}
					})
					for i, n := range sums {
						if n != 1 {
							t.Fatalf("the engine runs piece %d %d times", i, n)
						}
					}
				})
			}
		}
	}
}

// TestShrinkingWhileGenerating: the same between two tokens.
func TestShrinkingWhileGenerating(t *testing.T) {
	dir := copied(t)
	m := loadModel(t, dir, loupe.Options{})
	a, err := m.Answer(context.Background(), embeddedPrompt(t, m), loupe.Generation{MaxTokens: 4, IgnoreEOS: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err = range a.Tokens() {
		if n++; n == 2 {
			cut(t, dir)
		}
	}
	if err == nil || n != 3 || !strings.Contains(err.Error(), "shorter while it was in use") {
		t.Errorf("after %d tokens the error is %v", n, err)
	}
}

// TestChangedWeights: a file that is no longer what was loaded is refused by name, before and after a run.
func TestChangedWeights(t *testing.T) {
	for _, c := range []struct {
		name, says string
		change     func(path string) error
	}{
		{"written to", "was written to", func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			if _, err = f.WriteAt([]byte{1, 2, 3, 4}, 300000); err != nil {
				return err
			}
			return os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)) // clocks of file systems are coarse
		}},
		{"longer", "bytes and had", func(path string) error { return os.Truncate(path, 1<<20) }},
		{"replaced", "was replaced", func(path string) error {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return disk.WriteFile(path, func(w io.Writer) error { _, err := w.Write(data); return err })
		}},
		{"removed", "", os.Remove},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := func(what string, err error) {
				t.Helper()
				if c.says == "" {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				} else if err == nil || !strings.Contains(err.Error(), shardName) || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: the error is %v; want %s and %q", what, err, shardName, c.says)
				}
			}
			dir := copied(t)
			m := loadModel(t, dir, loupe.Options{})
			p := embeddedPrompt(t, m)
			_, err := m.Trace(context.Background(), p, loupe.TraceOptions{Taps: []string{"visual.blocks.0.out"}}, func(loupe.Tap) error {
				return c.change(filepath.Join(dir, shardName))
			})
			check("in the middle of a run", err)
			_, err = m.Answer(context.Background(), p, loupe.Generation{})
			check("before one", err)
		})
	}
}
