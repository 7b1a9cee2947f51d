package cuda

import (
	"fmt"
	"os"
	"strings"
)

// Error is what the driver refused, or what it found out about the device.
type Error struct {
	Doing string // "load the kernels"
	Code  int    // the driver's number
	Text  string // the driver's words
}

// Error says what was being done, what the driver says, and what to do.
func (e *Error) Error() string {
	s := fmt.Sprintf("cuda: cannot %s: %s (error %d of the driver)", e.Doing, e.Text, e.Code)
	r := remedies[e.Code]
	if first := starting[e.Code]; first != "" && strings.HasPrefix(e.Doing, startDriver) {
		r = first
		if m := machine(); m != "" {
			r = m
		}
	}
	if r != "" {
		s += "; " + r
	}
	if e.Code == codeNoDevice {
		s += hidden()
	}
	return s
}

const startDriver = "start the driver"

// starting are what to do where the driver does not start, and the system's files do not tell.
var starting = map[int]string{
	codeNotInitialized: suspended,
	34:                 "that library is the stub of the CUDA toolkit, to link with: take its folder (stubs) off LD_LIBRARY_PATH, and install the driver (580 or later)",
	codeNoDevice:       "nvidia-smi lists the GPUs that the driver sees; CUDA_VISIBLE_DEVICES may hide them, a container must be given them, and MIG needs an instance (nvidia-smi -L)",
	304:                "the devices' files (/dev/nvidia*) may not be readable for this user",
	codeUnknown:        suspended,
}

const suspended = "nvidia-smi says whether the driver works at all; after a machine slept, its module must be loaded again (as root: rmmod nvidia_uvm, modprobe nvidia_uvm), and a container be started again"

// hidden says which GPUs the environment shows, where it says so.
func hidden() string {
	if v, set := os.LookupEnv("CUDA_VISIBLE_DEVICES"); set {
		return fmt.Sprintf(" (CUDA_VISIBLE_DEVICES is %q)", v)
	}
	return ""
}

// NoSuchGPU is the error where there are fewer GPUs than would be needed to have the one that was asked for.
type NoSuchGPU struct{ Ordinal, Count int }

// Error says how many there are and how they are numbered.
func (e *NoSuchGPU) Error() string {
	there := "the driver shows one GPU, cuda:0"
	if e.Count > 1 {
		there = fmt.Sprintf("the driver shows %d GPUs, cuda:0 to cuda:%d", e.Count, e.Count-1)
	}
	return fmt.Sprintf("cuda: there is no GPU cuda:%d; %s%s; %s", e.Ordinal, there, hidden(), remedies[codeBadOrdinal])
}

// Lost reports whether nothing can be computed on the device any more: its context is broken until the process ends.
func (e *Error) Lost() bool { return lost[e.Code] }

// The driver's numbers that the package speaks of.
const (
	codeInvalid        = 1
	codeOutOfMemory    = 2
	codeNotInitialized = 3
	codeNoDevice       = 100
	codeBadOrdinal     = 101
	codeNoImage        = 209
	codeECC            = 214
	codePTXTooNew      = 222
	codeNoFunction     = 500
	codeIllegalAccess  = 700
	codeLaunchFailed   = 719
	codeUnknown        = 999
)

const (
	hardware = "the system's log (dmesg, lines with Xid) says more; the process must end, and where it happens again the GPU be reset (nvidia-smi -r) or replaced"
	bug      = "nothing more can be computed in this process; start it again, and where it happens again report it with the lines with Xid of the system's log (dmesg)"
	update   = "update the NVIDIA driver to 580 or later"
	mps      = "the multi-process service of CUDA does not answer, or has too many clients: start it again (nvidia-cuda-mps-control), or unset CUDA_MPS_PIPE_DIRECTORY"
)

// remedies are what to do about an error.
var remedies = map[int]string{
	codeOutOfMemory:   "free memory of the GPU (nvidia-smi lists who holds it), or take fewer layers, a shorter context or a smaller precision to it",
	codeNoDevice:      "nvidia-smi lists the GPUs that the driver sees; CUDA_VISIBLE_DEVICES may hide them, and a container must be given them",
	36:                update,
	codeBadOrdinal:    "nvidia-smi lists the GPUs that there are, from 0 on; where CUDA_VISIBLE_DEVICES is set, those it names count from 0",
	46:                "another process uses the GPU alone, it is in prohibited mode (nvidia-smi -q -d COMPUTE), in MIG mode without an instance (nvidia-smi -L), or a virtual one without a license",
	200:               "the program's file is damaged; build or fetch it again",
	codeNoImage:       "the program holds kernels for GPUs of compute capability 8.0 (A100, RTX 30) and later; name another GPU, or compute on the CPU",
	codeECC:           hardware,
	220:               hardware,
	codePTXTooNew:     update,
	221:               "the driver's compiler of PTX is missing, which a GPU that is newer than the program needs: install libnvidia-ptxjitcompiler of the driver's version",
	226:               hardware,
	304:               "the devices' files (/dev/nvidia*) may not be readable for this user",
	codeNoFunction:    "the program was built from kernels of another version; build it again",
	codeIllegalAccess: bug,
	702:               "a kernel took longer than the system lets it (a watchdog of a GPU with a display); use a GPU without one",
	701:               "the kernels were built for other GPUs; build the program again by its gen.sh",
	709:               bug,
	710:               bug,
	714:               hardware,
	715:               bug,
	716:               bug,
	717:               bug,
	718:               bug,
	codeLaunchFailed:  bug,
	800:               "the system forbids it; a profile of the container or a policy of the machine does",
	801:               "a virtual GPU or an instance of MIG may not offer it; take the whole GPU, or compute on the CPU",
	802:               "the fabric manager of the machine's switches does not run, or is of another version than the driver (systemctl status nvidia-fabricmanager)",
	803:               "the driver's library and its kernel module are of different versions, as after an update: boot again; in a container, its own copy of the library may be in the way",
	804:               "the compatibility package of CUDA (cuda-compat) does not fit this GPU: take it off LD_LIBRARY_PATH, and update the NVIDIA driver to 580 or later",
	805:               mps,
	806:               mps,
	807:               mps,
	808:               mps,
	809:               mps,
	codeUnknown:       hardware,
}

// lost are the errors after which the device's context is broken.
var lost = map[int]bool{
	codeECC: true, 220: true, 226: true, codeIllegalAccess: true, 702: true, 709: true, 710: true, 714: true, 715: true, 716: true, 717: true,
	718: true, codeLaunchFailed: true, codeUnknown: true,
}

// MissingDriver is the error where the driver's library is not there.
type MissingDriver struct {
	Library string // what was looked for
	Reason  string // the system's words
}

// Error says what was looked for and what to do.
func (e *MissingDriver) Error() string {
	what := "install the driver (580 or later), or compute on the CPU"
	if m := machine(); m != "" {
		what = m
	}
	return fmt.Sprintf("cuda: cannot load the NVIDIA driver library %s: %s; %s", e.Library, e.Reason, what)
}

// OldDriver is the error where the driver is older than the kernels.
type OldDriver struct{ Version int } // of CUDA, 12040 for 12.4

// Error says both versions and what to do.
func (e *OldDriver) Error() string {
	return fmt.Sprintf("cuda: the NVIDIA driver is of CUDA %d.%d, and the program's kernels need %d.%d; %s", e.Version/1000, e.Version%1000/10, leastVersion/1000, leastVersion%1000/10, update)
}

// leastVersion is the version of CUDA that the kernels were compiled by.
const leastVersion = 13000

// OldGPU is the error where the kernels are for newer GPUs.
type OldGPU struct {
	Ordinal      int
	Name         string
	Major, Minor int // its compute capability
}

// Error says which GPU it is, what is needed and what to do.
func (e *OldGPU) Error() string {
	return fmt.Sprintf("cuda: cuda:%d, %s, has compute capability %d.%d, and %s%s", e.Ordinal, e.Name, e.Major, e.Minor, remedies[codeNoImage], hidden())
}

// OutOfMemory is the error where the device's memory does not suffice.
type OutOfMemory struct {
	Need, Free, Total uint64 // bytes; Need is of what was asked for
}

// Error says what is needed, what is free, and what to do.
func (e *OutOfMemory) Error() string {
	return fmt.Sprintf("cuda: %s of device memory are needed, and of %s there are %s free; %s", inUnits(e.Need), inUnits(e.Total), inUnits(e.Free), remedies[codeOutOfMemory])
}

// inUnits says a size in bytes in the largest unit that leaves digits.
func inUnits(n uint64) string {
	for _, u := range []struct {
		name string
		size uint64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
