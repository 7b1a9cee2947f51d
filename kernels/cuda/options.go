package cuda

import "fmt"

// Options say which device to open.
type Options struct {
	Ordinal int    // which GPU, as nvidia-smi numbers them; CUDA_VISIBLE_DEVICES counts
	Library string // the driver's library; "" for libcuda.so.1, as the system's loader finds it
}

// Info is what a device is.
type Info struct {
	Name       string
	Major      int // compute capability: 9 and 0 are sm_90
	Minor      int
	Processors int    // multiprocessors
	Driver     int    // the version of CUDA that the driver has: 13000 for 13.0
	Memory     uint64 // bytes
}

// String is one line of it.
func (i Info) String() string {
	return fmt.Sprintf("%s (sm_%d%d, %d processors, %s, CUDA %d.%d)", i.Name, i.Major, i.Minor, i.Processors, inUnits(i.Memory), i.Driver/1000, i.Driver%1000/10)
}
