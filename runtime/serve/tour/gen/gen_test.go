package main

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// docs is the folder of the committed page.
var docs = filepath.Join("..", "..", "..", "..", "docs")

const again = "run `go run ./runtime/serve/tour/gen` from the module's root and look at what it changed"

// TestPageIsTrue holds the committed page to what the program writes of the embedded model: text to the byte, pictures to the
// pixel, since compression may change with Go.
func TestPageIsTrue(t *testing.T) {
	files, err := build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(docs, filepath.FromSlash(name)))
		if err != nil {
			t.Errorf("%v; %s", err, again)
			continue
		}
		switch {
		case path.Ext(name) == ".png":
			if !samePicture(t, name, got, want) {
				t.Errorf("docs/%s is not what the model gives; %s", name, again)
			}
			if len(got) > 100<<10 {
				t.Errorf("docs/%s has %d bytes; a picture of the page should be small", name, len(got))
			}
		case !bytes.Equal(got, want):
			t.Errorf("docs/%s is not what the model gives; %s (-committed +written):\n%s", name, again, cmp.Diff(strings.Split(string(got), "\n"), strings.Split(string(want), "\n")))
		}
	}
	entries, err := os.ReadDir(filepath.Join(docs, folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[folder+"/"+e.Name()] == nil {
			t.Errorf("docs/%s/%s belongs to no page: remove it", folder, e.Name())
		}
	}
}

// samePicture compares pixels.
func samePicture(t *testing.T, name string, a, b []byte) bool {
	t.Helper()
	x, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatalf("docs/%s: %v", name, err)
	}
	y, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s as written: %v", name, err)
	}
	if x.Bounds() != y.Bounds() {
		return false
	}
	for j := range x.Bounds().Dy() {
		for i := range x.Bounds().Dx() {
			r, g, b, _ := x.At(i, j).RGBA()
			r2, g2, b2, _ := y.At(i, j).RGBA()
			if r != r2 || g != g2 || b != b2 {
				return false
			}
		}
	}
	return true
}

// TestBuildTwice: nothing in the page hangs on chance or on the order of threads.
func TestBuildTwice(t *testing.T) {
	one, err := build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	two, err := build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for name := range one {
		if !bytes.Equal(one[name], two[name]) {
			t.Errorf("%s differs from one run to the next", name)
		}
	}
}

// TestLinks: what the page links to is there.
func TestLinks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(docs, "anatomy.md"))
	if err != nil {
		t.Fatal(err)
	}
	links := 0
	for _, part := range strings.Split(string(text), "](")[1:] {
		to, _, _ := strings.Cut(part, ")")
		if strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "#") {
			continue
		}
		links++
		if _, err := os.Stat(filepath.Join(docs, filepath.FromSlash(to))); err != nil {
			t.Errorf("the page links to %s: %v", to, err)
		}
	}
	if links < 10 {
		t.Errorf("the page has %d links to files", links)
	}
}
