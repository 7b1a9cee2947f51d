package disk_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/weights/disk"
)

// names lists a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, s); return err }
}

// TestHelper is no test: TestKilled runs it as a process of its own, which writes what it is told to and waits to be killed.
func TestHelper(t *testing.T) {
	what, path := os.Getenv("LOUPE_TEST_WRITE"), os.Getenv("LOUPE_TEST_PATH")
	if what == "" {
		t.Skip("it is the other process of TestKilled")
	}
	var err error
	switch what {
	case "file":
		err = disk.WriteFile(path, func(w io.Writer) error {
			fmt.Println("ready")
			_, err := io.Copy(io.Discard, os.Stdin)
			return err
		})
	case "directory":
		var d *disk.Dir
		if d, err = disk.CreateDir(path); err == nil {
			err = disk.WriteFile(filepath.Join(d.Temp, "a"), text("a"))
			fmt.Println("ready")
			io.Copy(io.Discard, os.Stdin)
		}
	case "lock":
		if _, err = disk.LockOutput(path); err == nil {
			fmt.Println("ready")
			io.Copy(io.Discard, os.Stdin)
		}
	}
	fmt.Println("ended:", err)
}

// writer starts TestHelper and waits until it writes. kill ends it without letting it clean up.
func writer(t *testing.T, what, path string) (kill func()) {
	t.Helper()
	p := exec.Command(os.Args[0], "-test.run=^TestHelper$")
	p.Env = append(os.Environ(), "LOUPE_TEST_WRITE="+what, "LOUPE_TEST_PATH="+path)
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
		if strings.HasPrefix(lines.Text(), "ended") {
			t.Fatalf("the writer says %q", lines.Text())
		}
	}
	kill = func() {
		_ = p.Process.Kill() // it may be gone
		_ = p.Wait()
		_ = in.Close()
	}
	t.Cleanup(kill)
	return kill
}

// TestKilled: what a killed run left half-written is removed by whoever writes into the same directory next, under any name;
// what a run that lives is writing is not.
func TestKilled(t *testing.T) {
	for _, what := range []string{"file", "directory"} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			kill := writer(t, what, filepath.Join(dir, "a"))
			disk.Sweep(dir)
			held := names(t, dir)
			if !slices.ContainsFunc(held, func(n string) bool { return strings.HasSuffix(n, ".loupe-tmp") }) || slices.Contains(held, "a") {
				t.Fatalf("while it is written there are %q", held)
			}
			kill()
			if err := disk.WriteFile(filepath.Join(dir, "b"), text("b")); err != nil {
				t.Fatal(err)
			}
			if got := names(t, dir); !slices.Equal(got, []string{"b"}) {
				t.Errorf("there are %q; want b alone", got)
			}
		})
	}
}

// TestLockOutput: one run has an output, the other is told who has it; a run that was killed has it no longer.
func TestLockOutput(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "there")
	if err := os.Mkdir(inside, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{inside, filepath.Join(dir, "new"), filepath.Join(dir, "file.npz")} {
		kill := writer(t, "lock", path)
		_, err := disk.LockOutput(path)
		host, _ := os.Hostname()
		if err == nil || !strings.Contains(err.Error(), "output "+path+" is in use by process ") || !strings.Contains(err.Error(), host) || !strings.Contains(err.Error(), "since 2") {
			t.Errorf("%s: the error is %v", path, err)
		}
		kill()
		l, err := disk.LockOutput(path)
		if err != nil {
			t.Fatalf("%s, after its holder was killed: %v", path, err)
		}
		if _, err := disk.LockOutput(path); err == nil && runtime.GOOS != "plan9" {
			t.Errorf("%s is locked twice by one process", path)
		}
		l.Release()
		l.Release() // harmless
	}
	if got := names(t, dir); !slices.Equal(got, []string{"there"}) || len(names(t, inside)) > 0 {
		t.Errorf("locks stay: %q, %q", got, names(t, inside))
	}
	if _, err := disk.LockOutput(filepath.Join(dir, "no", "where")); err == nil || !strings.Contains(err.Error(), "there is no directory") {
		t.Errorf("the error is %v", err)
	}
}

func TestCreateDir(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		make func(path string) error
		says string
	}{
		{"new", func(string) error { return nil }, ""},
		{"empty", func(path string) error { return os.Mkdir(path, 0o755) }, ""},
		{"full", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "x"), nil, 0o644))
		}, "holds x already"},
		{"file", func(path string) error { return os.WriteFile(path, nil, 0o644) }, "is no directory"},
		{"link", func(path string) error { return errors.Join(os.Mkdir(path+"ed", 0o755), os.Symlink(path+"ed", path)) }, ""},
	} {
		path := filepath.Join(dir, c.name)
		if err := c.make(path); err != nil {
			t.Skip(err)
		}
		d, err := disk.CreateDir(path)
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: the error is %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if err := disk.WriteFile(filepath.Join(d.Temp, "a"), text("a")); err != nil {
			t.Fatal(err)
		}
		if c.name == "new" && slices.Contains(names(t, dir), "new") {
			t.Error("it is there before it is whole")
		}
		if _, err := disk.CreateDir(path); err == nil {
			t.Errorf("%s: two write it at once", c.name)
		}
		if err := d.Commit(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		d.Abort()
		if got := names(t, path); !slices.Equal(got, []string{"a"}) {
			t.Errorf("%s holds %q", c.name, got)
		}
	}
	if got := names(t, dir); slices.ContainsFunc(got, func(n string) bool { return strings.HasPrefix(n, ".") }) {
		t.Errorf("temporaries stay: %q", got)
	}
	d, err := disk.CreateDir(filepath.Join(dir, "given up"))
	if err != nil {
		t.Fatal(err)
	}
	d.Abort()
	if got := names(t, dir); slices.Contains(got, "given up") || slices.ContainsFunc(got, func(n string) bool { return strings.HasPrefix(n, ".") }) {
		t.Errorf("what was given up stays: %q", got)
	}
}

// TestWriteFileKeeps: permissions of the file that is replaced, and links to it, stay.
func TestWriteFileKeeps(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "secret"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(path, []byte("old"), 0o600), os.Symlink("secret", link)); err != nil {
		t.Skip(err)
	}
	if err := disk.WriteFile(link, text("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "new" {
		t.Errorf("the file holds %q, %v", data, err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("its permissions are %v", info.Mode())
	}
	if l, err := os.Lstat(link); err != nil || l.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", l, err)
	}
}

// TestRemoveAll: a directory goes whole or, where the process is killed, under a name that the next sweep removes.
func TestRemoveAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "x"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := disk.RemoveAll(path); err != nil || len(names(t, dir)) > 0 {
		t.Errorf("%v; there are %q", err, names(t, dir))
	}
	if err := disk.RemoveAll(path); err != nil {
		t.Errorf("what is not there: %v", err)
	}
}
