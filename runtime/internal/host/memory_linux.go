package host

import (
	"bytes"
	"os"
	"strconv"
	"strings"
)

// AvailableMemory is how many bytes the program may still use without pushing others out, 0 where that is not known: what
// the kernel estimates, or what the control group of the program leaves, if that is less.
func AvailableMemory() int64 {
	free := field("/proc/meminfo", "MemAvailable:")
	if limit := number("/sys/fs/cgroup/memory.max"); limit > 0 {
		// Pages of files count as used, but give way.
		left := limit - number("/sys/fs/cgroup/memory.current") + field("/sys/fs/cgroup/memory.stat", "file")
		return min(1024*free, max(left, 1))
	}
	return 1024 * free
}

// PeakMemory is the most bytes of memory that the program has had at once, since it began or since ResetPeakMemory; 0 where
// that is not known.
func PeakMemory() int64 { return 1024 * field("/proc/self/status", "VmHWM:") }

// ResetPeakMemory begins PeakMemory anew, where the system allows it.
func ResetPeakMemory() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // else the peak is that of the whole run
}

// field is the number after a name that begins a line, 0 where there is none.
func field(file, name string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 64) // 0 where it is no number
			return n
		}
	}
	return 0
}

// number is the only content of a file, 0 where it is no number: "max" is no limit.
func number(file string) int64 {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(data)), 10, 64)
	return n
}
