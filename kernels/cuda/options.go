package cuda

import "fmt"

// Options say which device to open.
type Options struct {
	Ordinal int    // which GPU, as nvidia-smi numbers them; CUDA_VISIBLE_DEVICES counts
	Library string // the driver's library; "": what LibraryVariable names, or else libcuda.so.1, as the system's loader finds it
	// NoGraphs hands launches over one by one, even those of a step that comes again and again. It changes no bit.
	NoGraphs bool
}

// LibraryVariable is the variable of the environment that names another library than the system's for the driver: a fake one, for tests.
const LibraryVariable = "LOUPE_CUDA_LIBRARY"

// Info is what a device is.
type Info struct {
	Name       string
	Major      int // compute capability: 9 and 0 are sm_90
	Minor      int
	Processors int    // multiprocessors
	Driver     int    // the version of CUDA that the driver has: 13000 for 13.0
	Memory     uint64 // bytes
	Library    string // the driver's library, where that is not the system's: what it computes need be no GPU's; "" else
}

// Arch is the device's architecture as compilers name it: "sm_90".
func (i Info) Arch() string { return fmt.Sprintf("sm_%d%d", i.Major, i.Minor) }

// DriverVersion is the version of CUDA that the driver has: "13.0".
func (i Info) DriverVersion() string { return fmt.Sprintf("%d.%d", i.Driver/1000, i.Driver%1000/10) }

// String is one line of it.
func (i Info) String() string {
	s := fmt.Sprintf("%s (%s, %d processors, %s, CUDA %s)", i.Name, i.Arch(), i.Processors, inUnits(i.Memory), i.DriverVersion())
	if i.Library != "" {
		s += ", by the driver library " + i.Library + ", which is not the system's"
	}
	return s
}
