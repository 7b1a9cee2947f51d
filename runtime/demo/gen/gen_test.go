package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo"
	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/weights"
)

func embedded(t *testing.T, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(demo.FS(), name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestEmbeddedFilesAreThese writes again what lies beside the weights and compares.
func TestEmbeddedFilesAreThese(t *testing.T) {
	dir := t.TempDir()
	if err := companions(dir); err != nil {
		t.Fatal(err)
	}
	names := list(t, os.DirFS(dir))
	for _, name := range names {
		want, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(embedded(t, name), want) {
			t.Errorf("the embedded %s is not what the generator makes; run runtime/demo/train.sh", name)
		}
	}
	names = append(names, weights.SingleName, weights.ScoreHeadConfigName, weights.ScoreHeadWeightsName)
	slices.Sort(names)
	if have := list(t, demo.FS()); !slices.Equal(have, names) {
		t.Errorf("the generator makes %q, embedded are %q", names, have)
	}
}

// TestEmbeddedPicture compares pixels: the compressed bytes may change from one Go release to the next.
func TestEmbeddedPicture(t *testing.T) {
	img, err := png.Decode(bytes.NewReader(demo.Picture()))
	if err != nil {
		t.Fatal(err)
	}
	want := paint.Paint(pictureSeed, pictureIndex).Image()
	if img.Bounds() != want.Bounds() {
		t.Fatalf("the embedded picture is %v, the painter's %v", img.Bounds(), want.Bounds())
	}
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			if img.At(x, y) != want.At(x, y) {
				t.Fatalf("pixel (%d, %d) of the embedded picture is %v, the painter's is %v; run runtime/demo/train.sh", x, y, img.At(x, y), want.At(x, y))
			}
		}
	}
}

// trained are the files that come out of training, which train.log has the digests of.
var trained = []string{weights.SingleName, weights.ScoreHeadConfigName, weights.ScoreHeadWeightsName}

// TestWeightsAreTheLogs: the log that is committed is that of the run which made the weights that are committed.
func TestWeightsAreTheLogs(t *testing.T) {
	log, err := os.ReadFile(filepath.Join("..", "train.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range trained {
		if want := fmt.Sprintf("%x  %s\n", sha256.Sum256(embedded(t, name)), name); !strings.Contains(string(log), want) {
			t.Errorf("train.log does not hold the line %q", want)
		}
	}
}

// TestTrainingRepeats runs the whole training again, where LOUPE_RETRAIN asks for it, and compares what comes out to the bit.
func TestTrainingRepeats(t *testing.T) {
	if os.Getenv("LOUPE_RETRAIN") == "" {
		t.Skip("trains for about half an hour; set LOUPE_RETRAIN=1 (and -timeout 0)")
	}
	out := t.TempDir()
	cmd := exec.Command("bash", filepath.Join("runtime", "demo", "train.sh"), "-n", t.TempDir(), out)
	cmd.Dir = filepath.Join("..", "..", "..")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("train.sh: %v\n%s", err, text)
	}
	for _, name := range trained {
		got, err := os.ReadFile(filepath.Join(out, "model", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, embedded(t, name)) {
			t.Errorf("training again gives another %s", name)
		}
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

func TestEmbedNeedsItsFolder(t *testing.T) {
	err := embed(t.TempDir(), filepath.Join(t.TempDir(), "absent"))
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
