package disk_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/loupe-vl/loupe/weights/disk"
)

// soon fails the test if f has not ended after a time in which even a busy machine opens a file.
func soon(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("it waits")
	}
	return nil
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sparse := file("sparse", "")
	if err := os.Truncate(sparse, 8<<30); err != nil {
		t.Skipf("no sparse file of 8 GB can be made here: %v", err)
	}
	for _, c := range []struct {
		name, path string
		limit      int64
		text, says string // one of the two
	}{
		{"a file", file("a", "hello"), 100, "hello", ""},
		{"an empty file", file("b", ""), 100, "", ""},
		{"as long as the limit", file("c", "hello"), 5, "hello", ""},
		{"longer than the limit", file("d", "hello!"), 5, "", "6 bytes, more than the limit of 5"},
		{"8 GB of nothing", sparse, disk.PictureLimit, "", "8589934592 bytes, more than the limit"},
		{"a directory", dir, 100, "", "is a directory; give a file"},
		{"no file", filepath.Join(dir, "none"), 100, "", "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := disk.Read(c.path, c.limit)
			if c.says == "" {
				if err != nil || string(data) != c.text {
					t.Errorf("read %q, %v; want %q", data, err, c.text)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.path) || c.name != "no file" && !strings.Contains(err.Error(), c.says) {
				t.Errorf("the error is %v; want the path and %q", err, c.says)
			}
			if c.name == "no file" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v is not fs.ErrNotExist", err)
			}
		})
	}
}

// endless grows as fast as it is read.
type endless struct{ read int64 }

func (e *endless) Read(p []byte) (int, error) {
	e.read += int64(len(p))
	return len(p), nil
}

func TestReadAllOfWhatGrows(t *testing.T) {
	e := new(endless)
	_, err := disk.ReadAll(context.Background(), e, "log", 100, 1000)
	if err == nil || !strings.Contains(err.Error(), "log") || e.read > 1001 {
		t.Errorf("%d bytes are read, and the error is %v", e.read, err)
	}
	data, err := disk.ReadAll(context.Background(), iotest.OneByteReader(strings.NewReader("longer than said")), "x", 3, 1000)
	if err != nil || string(data) != "longer than said" {
		t.Errorf("read %q, %v", data, err)
	}
	broken := errors.New("input/output error")
	if _, err := disk.ReadAll(context.Background(), iotest.ErrReader(broken), "x", 0, 1000); !errors.Is(err, broken) || !strings.Contains(err.Error(), "read x") {
		t.Errorf("the error is %v", err)
	}
}

func TestReadStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe()
	go func() {
		w.Write([]byte("first"))
		cancel()
		w.Write([]byte("second"))
	}()
	if err := soon(t, func() error { _, err := disk.ReadAll(ctx, r, "x", 0, 1000); return err }); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	never := make(chan bool)
	later, stop := context.WithCancel(context.Background())
	if err := soon(t, func() error {
		_, err := disk.Await(later, func() (int, error) { stop(); <-never; return 0, nil })
		return err
	}); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting ends with %v", err)
	}
	if _, err := disk.ReadContext(ctx, os.Args[0], 1<<40); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestFS(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	fsys := disk.FS(dir)
	if data, err := fs.ReadFile(fsys, "a"); err != nil || string(data) != "hello" {
		t.Errorf("read %q, %v", data, err)
	}
	if entries, err := fs.ReadDir(fsys, "."); err != nil || len(entries) != 1 {
		t.Errorf("listed %v, %v", entries, err)
	}
	if _, err := fs.ReadFile(fsys, "b"); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Join(dir, "b")) {
		t.Errorf("the error is %v", err)
	}
	for _, name := range []string{"../a", "/etc/passwd"} {
		if _, err := fs.ReadFile(fsys, name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
}
