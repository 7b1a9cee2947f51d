package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPage: the page of a sample, in which something failed and something is missing, is the one that lies beside it. LOUPE_UPDATE=1 writes it.
func TestPage(t *testing.T) {
	m, err := readMeasurement(filepath.Join("testdata", "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := pageOf(m)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "sample.md")
	if os.Getenv("LOUPE_UPDATE") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("the page (-%s +now):\n%s", file, d)
	}
}

// TestPageRefuses: what no GPU made, what names none, and what is no measurement gives no page.
func TestPageRefuses(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("testdata", "sample.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"a fake driver": {strings.Replace(string(sample), `"arch": "sm_90"`, `"arch": "sm_90", "library": "/tmp/fake.so"`, 1), "/tmp/fake.so"},
		"no device":     {`{"format":1,"parts":[]}`, "no part says which device"},
		"another form":  {`{"format":2}`, "format is 2"},
		"no JSON":       {`parts`, "no measurement"},
	} {
		dir := t.TempDir()
		file, page := filepath.Join(dir, "m.json"), filepath.Join(dir, "page.md")
		text := "before\n" + pageBegin + "\nold\n" + pageEnd + "\nafter\n"
		for name, text := range map[string]string{file: c.text, page: text} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := writePage(file, page); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if now, _ := os.ReadFile(page); string(now) != text {
			t.Errorf("%s: the page has changed", name)
		}
		if err := writePage("-", page); err != nil {
			t.Error(err)
		}
		if now, _ := os.ReadFile(page); string(now) != "before\n"+pageBegin+"\n\n"+nothing+"\n"+pageEnd+"\nafter\n" {
			t.Errorf("without a measurement the page is %q", now)
		}
		if err := os.WriteFile(page, []byte("no lines"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := writePage("-", page); err == nil || !strings.Contains(err.Error(), pageBegin) {
			t.Errorf("a page without the lines: %v", err)
		}
	}
}

// TestPerformancePage: what docs/performance.md says of a GPU is made from docs/gpu.json, or, where there is none, says that nothing was measured.
func TestPerformancePage(t *testing.T) {
	docs := filepath.Join("..", "..", "..", "docs")
	file := filepath.Join(docs, "gpu.json")
	if _, err := os.Stat(file); err != nil {
		file = "-"
	}
	is, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, is, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePage(file, page); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(page); string(now) != string(is) {
		t.Errorf("docs/performance.md is not what is made from %s: run `go run ./kernels/cuda/measure page %s docs/performance.md`", file, file)
	}
}

func TestTail(t *testing.T) {
	long := strings.Repeat("a line of some length\n", 1000) + "the end"
	if got := tail(long); len(got) > mostOutput || !strings.HasSuffix(got, "the end") || !strings.HasPrefix(got, "a line") {
		t.Errorf("%d bytes, from %q", len(got), got[:20])
	}
	if got := tail("x\xffy"); got != "x?y" {
		t.Errorf("%q", got)
	}
}
