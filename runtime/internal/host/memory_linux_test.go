package host

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

func TestAvailableMemory(t *testing.T) {
	if n := AvailableMemory(); n < 1<<20 || n > 1<<50 {
		t.Errorf("%d bytes available: that is no machine that runs tests", n)
	}
}

// TestPeakMemory: memory that was written to counts, and once it is given back a reset forgets it.
func TestPeakMemory(t *testing.T) {
	const size = 64 << 20
	before := PeakMemory()
	big := make([]byte, size)
	for i := 0; i < len(big); i += 4096 {
		big[i] = byte(i)
	}
	with := PeakMemory()
	if with < size || with < before {
		t.Fatalf("peak is %d bytes after %d before and %d more", with, before, size)
	}
	big = nil
	_ = big
	debug.FreeOSMemory()
	ResetPeakMemory()
	if after := PeakMemory(); after > with-size/2 {
		if f, err := os.OpenFile("/proc/self/clear_refs", os.O_WRONLY, 0); err != nil {
			t.Skipf("this system does not let a peak be reset: %v", err)
		} else {
			f.Close()
		}
		t.Errorf("peak is %d bytes after a reset, %d before", after, with)
	}
}

func TestFields(t *testing.T) {
	name := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(name, []byte("Name:\tx\nVmHWM:\t  1234 kB\nVmRSS:\t-\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, field string
		want        int64
	}{{name, "VmHWM:", 1234}, {name, "VmRSS:", 0}, {name, "Name", 0}, {name + "x", "VmHWM:", 0}} {
		if got := field(c.file, c.field); got != c.want {
			t.Errorf("field %s is %d, want %d", c.field, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"max\n": 0, "1048576\n": 1 << 20, "": 0} {
		name := filepath.Join(t.TempDir(), "memory.max")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := number(name); got != want {
			t.Errorf("number of %q is %d, want %d", text, got, want)
		}
	}
}
