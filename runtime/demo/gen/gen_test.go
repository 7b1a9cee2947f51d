package main

import (
	"bytes"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo"
)

// TestEmbeddedFilesAreThese writes everything again and compares: the committed program makes the committed files. Of the
// picture the pixels are compared, since its compression may change from one Go release to the next.
func TestEmbeddedFilesAreThese(t *testing.T) {
	dir := t.TempDir()
	if err := generate(dir); err != nil {
		t.Fatal(err)
	}
	made := os.DirFS(filepath.Join(dir, "model"))
	names := list(t, made)
	if have := list(t, demo.FS()); !slices.Equal(have, names) {
		t.Fatalf("the generator makes %q, embedded are %q; run go generate ./runtime/demo and embed what it makes", names, have)
	}
	for _, name := range names {
		want, err := fs.ReadFile(made, name)
		if err != nil {
			t.Fatal(err)
		}
		have, err := fs.ReadFile(demo.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("the embedded %s is not what the generator makes; run go generate ./runtime/demo", name)
		}
	}
	img, err := png.Decode(bytes.NewReader(demo.Picture()))
	if err != nil {
		t.Fatal(err)
	}
	want := paint()
	for y := range height {
		for x := range width {
			if img.At(x, y) != want.At(x, y) {
				t.Fatalf("pixel (%d, %d) of the embedded picture is %v, the generator paints %v; run go generate ./runtime/demo", x, y, img.At(x, y), want.At(x, y))
			}
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 2 {
		t.Errorf("the generator leaves %q; it is to leave picture.png and model", left)
	}
}

// list names the files of a model directory.
func list(t *testing.T, files fs.FS) []string {
	t.Helper()
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGenerateNeedsItsFolder(t *testing.T) {
	err := generate(filepath.Join(t.TempDir(), "absent"))
	if err == nil || !strings.Contains(err.Error(), "-out") {
		t.Errorf("error is %v; it is to say what to do", err)
	}
}

func TestNormal(t *testing.T) {
	const n = 100000
	r := newSource("a test")
	var sum, squares float64
	for range n {
		x := normal(r)
		sum += x
		squares += x * x
	}
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.02 || math.Abs(deviation-1) > 0.02 {
		t.Errorf("%d numbers have mean %.4f and deviation %.4f, want about 0 and 1", n, mean, deviation)
	}
}

func TestSourcesDifferByName(t *testing.T) {
	first := newSource("a").Uint64()
	if newSource("b").Uint64() == first {
		t.Error("two names give one stream")
	}
	if newSource("a").Uint64() != first {
		t.Error("one name gives two streams")
	}
}
