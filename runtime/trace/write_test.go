package trace_test

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
	"github.com/loupe-vl/loupe/weights"
)

func embedded(t *testing.T) (*loupe.Model, *loupe.Prompt) {
	t.Helper()
	m, err := loupe.Embedded(loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	p, err := m.Prepare(context.Background(), loupe.Ask("What do you see?"))
	if err != nil {
		t.Fatal(err)
	}
	return m, p
}

// TestToFile writes one trace as each kind of file: all hold what the run shows.
func TestToFile(t *testing.T) {
	m, p := embedded(t)
	o := loupe.TraceOptions{Taps: []string{"model.layers.*.out", "lm_head"}, Steps: 1}
	want := map[string][]byte{}
	if _, err := m.Trace(context.Background(), p, o, func(tap loupe.Tap) error {
		var err error
		want[tap.Name], err = binary.Append(nil, binary.LittleEndian, tap.Data)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	readers := map[string]func(t *testing.T, path string) map[string][]byte{"t.safetensors": readSafetensors, "t.npz": readNpz, "t": readDirectory}
	for name, read := range readers {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if _, err := trace.ToFile(context.Background(), m, p, o, path); err != nil {
				t.Fatal(err)
			}
			got := read(t, path)
			for tap, data := range want {
				if !strings.HasSuffix(string(got[tap]), string(data)) {
					t.Errorf("%s differs", tap)
				}
			}
			for _, input := range []string{"input_ids", "position_ids", "rope_delta"} {
				if _, ok := got[input]; !ok {
					t.Errorf("no %s", input)
				}
			}
			if len(got) != len(want)+3 {
				t.Errorf("%d tensors, want %d", len(got), len(want)+3)
			}
		})
	}
}

func readSafetensors(t *testing.T, path string) map[string][]byte {
	f, err := weights.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]byte{}
	for _, tensor := range f.Tensors() {
		out[tensor.Name] = slices.Clone(tensor.Data)
	}
	return out
}

func readNpz(t *testing.T, path string) map[string][]byte {
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[strings.TrimSuffix(f.Name, ".npy")], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func readDirectory(t *testing.T, path string) map[string][]byte {
	out := map[string][]byte{}
	if err := filepath.WalkDir(path, func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(path, strings.TrimSuffix(file, ".npy"))
		out[filepath.ToSlash(name)], err = os.ReadFile(file)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestNothingIsLeftOfAFailedTrace fails a trace in its middle, and by what it was asked for.
func TestNothingIsLeftOfAFailedTrace(t *testing.T) {
	m, p := embedded(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	zero := loupe.Intervention{Tap: "model.layers.1.out", Head: 7}
	for _, c := range []struct {
		name string
		ctx  context.Context
		o    loupe.TraceOptions
	}{
		{"canceled", gone, loupe.TraceOptions{Taps: []string{"*"}}},
		{"no such tap", context.Background(), loupe.TraceOptions{Taps: []string{"model.layers.99.out"}}},
		{"no such head", context.Background(), loupe.TraceOptions{Taps: []string{"*"}, Interventions: []loupe.Intervention{zero}}},
	} {
		for _, name := range []string{"t.safetensors", "t.npz", "t"} {
			dir := t.TempDir()
			if _, err := trace.ToFile(c.ctx, m, p, c.o, filepath.Join(dir, name)); err == nil {
				t.Errorf("%s to %s: no error", c.name, name)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("%s to %s leaves %v, %v", c.name, name, left, err)
			}
		}
	}
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := trace.Create(filepath.Join(dir, "t.csv")); err == nil || !strings.Contains(err.Error(), ".npz") {
		t.Errorf("an unknown kind: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "old.npy"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := trace.Create(dir); err == nil || !strings.Contains(err.Error(), "holds old.npy already") {
		t.Errorf("a directory that holds something: %v", err)
	}
	if _, err := trace.Create(filepath.Join(dir, "nowhere", "t.npz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a directory that does not exist: %v", err)
	}
}

// TestAnOldFileStaysUntilTheNewOneIsWhole: an aborted trace does not touch the file that it was to replace.
func TestAnOldFileStaysUntilTheNewOneIsWhole(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"t.safetensors", "t.npz"} {
		path := write(t, dir, name, "old")
		w, err := trace.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.AddNamed(weights.FromF32("x", []int{1}, []float32{1})); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		if data, err := os.ReadFile(path); err != nil || string(data) != "old" {
			t.Errorf("%s holds %q, %v", name, data, err)
		}
	}
}
