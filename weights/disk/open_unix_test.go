//go:build unix

package disk_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/loupe-vl/loupe/weights/disk"
)

// TestOpenRefuses: what is no regular file is refused at once, also by a link and through a file system.
func TestOpenRefuses(t *testing.T) {
	dir, err := os.MkdirTemp("", "disk") // t.TempDir may be too long a name for a socket
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	fifo, link, socket := filepath.Join(dir, "fifo"), filepath.Join(dir, "link"), filepath.Join(dir, "socket")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Skipf("no named pipe can be made here: %v", err)
	}
	if err := os.Symlink("fifo", link); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, c := range []struct{ path, says string }{
		{fifo, "a named pipe"}, {link, "a named pipe"}, {socket, "a socket"}, {"/dev/zero", "a device"}, {"/dev/null", "a device"}, {dir, "a directory"},
	} {
		for how, open := range map[string]func() error{
			"Open": func() error { _, _, err := disk.Open(c.path, 100); return err },
			"Read": func() error { _, err := disk.Read(c.path, 100); return err },
			"FS": func() error {
				_, err := fs.ReadFile(disk.FS(filepath.Dir(c.path)), filepath.Base(c.path))
				return err
			},
		} {
			err := soon(t, open)
			if err == nil || !strings.Contains(err.Error(), c.path+" is "+c.says) {
				t.Errorf("%s of %s: the error is %v; want one that says it is %s", how, c.path, err, c.says)
			}
		}
	}
}
