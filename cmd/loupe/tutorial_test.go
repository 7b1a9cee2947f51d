//go:build unix

package main

import (
	"fmt"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/runtime/demo/paint"
	"github.com/loupe-vl/loupe/weights/disk"
)

// TestTutorial follows docs/fine-tune.md: it runs every command of the page as it stands there, in a folder with forty
// pictures as a phone names them, a spreadsheet's export and a model, and looks for every file that the page speaks of.
func TestTutorial(t *testing.T) {
	page := readPage(t, "fine-tune.md")
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "Qwen2-VL-2B-Instruct"), os.DirFS(filepath.Join(golden, "model"))); err != nil {
		t.Fatal(err)
	}
	sheet := phonePictures(t, filepath.Join(dir, "pictures"), 0, 40)
	if err := os.WriteFile(filepath.Join(dir, "pictures", "scores.csv"), []byte(sheet), 0o644); err != nil {
		t.Fatal(err)
	}
	phonePictures(t, filepath.Join(dir, "new-pictures"), 40, 3)
	shell := shellOf(t, dir)
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page, -1)
	if len(blocks) < 8 {
		t.Fatalf("the page has %d blocks of commands", len(blocks))
	}
	for _, block := range blocks {
		if out, err := shell(block[1]).CombinedOutput(); err != nil {
			t.Fatalf("%s%v: %s", block[1], err, out)
		} else {
			t.Logf("%s%s", block[1], out)
		}
	}
	for _, name := range regexp.MustCompile("`((?:pictures|head|tuned|merged)/[^`* ]+)`").FindAllStringSubmatch(page, -1) {
		if info, err := os.Stat(filepath.Join(dir, name[1])); err != nil || info.Size() == 0 {
			t.Errorf("the page speaks of %s: %v", name[1], err)
		}
	}
	judged, err := os.ReadFile(filepath.Join(dir, "judged.jsonl"))
	if err != nil || strings.Count(string(judged), "\n") != 3 || strings.Count(string(judged), `"critique"`) != 3 {
		t.Errorf("judged.jsonl: %s, %v", judged, err)
	}
}

// phonePictures writes paintings as a phone would name photographs, JPEG and now and then PNG, and returns the sheet with their
// scores as a spreadsheet exports it.
func phonePictures(t *testing.T, dir string, first, n int) (sheet string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	sheet = "\ufeffImage,Score,Critique,composition,color,\r\n"
	for i := first; i < first+n; i++ {
		p := paint.Paint(11, i)
		name := fmt.Sprintf("IMG_20240312_1015%02d.jpg", i)
		encode := func(w io.Writer) error { return jpeg.Encode(w, p.Image(), &jpeg.Options{Quality: 92}) }
		if i%10 == 9 {
			name = fmt.Sprintf("Screenshot_20240312-1015%02d.png", i)
			encode = func(w io.Writer) error { return png.Encode(w, p.Image()) }
		}
		if err := disk.WriteFile(filepath.Join(dir, name), encode); err != nil {
			t.Fatal(err)
		}
		critique := `"` + strings.ReplaceAll(p.Critique, `"`, `""`) + `"`
		if i%7 == 3 {
			critique = ""
		}
		sheet += fmt.Sprintf("%s,%v,%s,%v,%v,\r\n", name, p.Score, critique, p.Dimensions.Composition, p.Dimensions.Color)
	}
	return sheet + ",,,,,\r\n"
}
