package kernels

import "github.com/loupe-vl/loupe/kernels/internal/cpu"

// AdviseLargePages asks the system for large pages under data, which may be a memory map of weights. It is a hint: where the system has
// none, nothing is lost.
func AdviseLargePages(data []byte) { cpu.AdviseLargePages(data) }
