//go:build cuda && linux && cgo

package cuda

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cuda/cudatest"
)

// system makes systemRoot a folder with these files for the rest of the test.
func system(t *testing.T, files ...string) {
	t.Helper()
	before := systemRoot
	t.Cleanup(func() { systemRoot = before })
	systemRoot = t.TempDir()
	for _, f := range files {
		f = filepath.Join(systemRoot, f)
		if err := os.MkdirAll(filepath.Dir(f), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTroubles: what users of CUDA programs meet at start, each said with what to do about it.
func TestTroubles(t *testing.T) {
	cudatest.FakeOnly(t)
	if simulated == "" {
		t.Skip("no g++: the fake driver cannot be built")
	}
	const none = "libnosuchcuda.so.1"
	module := []string{"proc/driver/nvidia/version", "sys/module/nvidia/x"}
	fails := func(what string) map[string]string { return map[string]string{"CUDASIM_FAIL": what} }
	for _, c := range []struct {
		name, library string
		files         []string
		env           map[string]string
		ordinal       int
		want          []string
	}{
		{"WSL without its library", none, []string{"dev/dxg"}, nil, 0, []string{"this is WSL", "/usr/lib/wsl/lib", "update the driver in Windows"}},
		{"WSL with a driver of Linux", simulated, []string{"dev/dxg"}, fails("cuInit:100"), 0, []string{"no CUDA-capable device", "remove a driver that was installed in Linux"}},
		{"container without GPUs", none, module, nil, 0, []string{"docker's option gpus"}},
		{"container that may not compute", none, module, map[string]string{"NVIDIA_DRIVER_CAPABILITIES": "graphics,utility"}, 0, []string{`NVIDIA_DRIVER_CAPABILITIES is "graphics,utility"`, "must name compute"}},
		{"container of no GPU", none, module, map[string]string{"NVIDIA_VISIBLE_DEVICES": "void"}, 0, []string{`NVIDIA_VISIBLE_DEVICES is "void"`}},
		{"nouveau", none, []string{"sys/module/nouveau/x"}, nil, 0, []string{"nouveau", "boot again"}},
		{"Jetson", none, []string{"etc/nv_tegra_release"}, nil, 0, []string{"this is a Jetson", "JetPack 7"}},
		{"no driver at all", none, nil, nil, 0, []string{"install the driver (580 or later)", "compute on the CPU"}},
		{"stub of the toolkit", simulated, nil, fails("cuInit:34"), 0, []string{"start the driver " + simulated, "the stub of the CUDA toolkit", "LD_LIBRARY_PATH"}},
		{"no node of nvidia-uvm", simulated, append(module, "dev/nvidiactl"), fails("cuInit:999"), 0, []string{"/dev/nvidia-uvm", "nvidia-modprobe -c 0 -u"}},
		{"after suspend", simulated, append(module, "dev/nvidiactl", "dev/nvidia-uvm"), fails("cuInit:999"), 0, []string{"rmmod nvidia_uvm, modprobe nvidia_uvm"}},
		{"after suspend, other code", simulated, nil, fails("cuInit:3"), 0, []string{"initialization error", "modprobe nvidia_uvm"}},
		{"files not readable", simulated, nil, fails("cuInit:304"), 0, []string{"/dev/nvidia*", "readable"}},
		{"a virtual GPU", simulated, nil, fails("cuDevicePrimaryCtxRetain:801"), 0, []string{"open the GPU", "a virtual GPU"}},
		{"fabric manager", simulated, nil, fails("cuInit:802"), 0, []string{"nvidia-fabricmanager"}},
		{"library of another version", simulated, nil, fails("cuInit:803"), 0, []string{"different versions", "boot again"}},
		{"forward compatibility", simulated, nil, fails("cuInit:804"), 0, []string{"cuda-compat", "580"}},
		{"multi-process service", simulated, nil, fails("cuDevicePrimaryCtxRetain:807"), 0, []string{"nvidia-cuda-mps-control"}},
		{"exclusive process", simulated, nil, fails("cuDevicePrimaryCtxRetain:46"), 0, []string{"another process uses the GPU alone", "nvidia-smi -q -d COMPUTE", "license"}},
		{"MIG without an instance", simulated, nil, fails("cuInit:100"), 0, []string{"MIG needs an instance"}},
		{"no visible GPU", simulated, nil, map[string]string{"CUDASIM_DEVICES": "0", "CUDA_VISIBLE_DEVICES": ""}, 0, []string{`CUDA_VISIBLE_DEVICES is ""`}},
		{"a UUID of no GPU", simulated, nil, map[string]string{"CUDASIM_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "GPU-1f2e"}, 0, []string{`CUDA_VISIBLE_DEVICES is "GPU-1f2e"`}},
		{"driver 535", simulated, nil, map[string]string{"CUDASIM_VERSION": "12020"}, 0, []string{"CUDA 12.2", "580"}},
		{"Turing", simulated, nil, map[string]string{"CUDASIM_ARCH": "75"}, 0, []string{"cuda:0", "compute capability 7.5", "8.0"}},
		{"one of two too old", simulated, nil, map[string]string{"CUDASIM_DEVICES": "2", "CUDASIM_ARCH": "90,61"}, 1, []string{"cuda:1", "compute capability 6.1", "another GPU"}},
		{"no compiler of PTX", simulated, nil, fails("cuModuleLoadData:221"), 0, []string{"libnvidia-ptxjitcompiler"}},
		{"memory taken by others", simulated, nil, fails("cuDevicePrimaryCtxRetain:2"), 0, []string{"open the GPU", "nvidia-smi lists who holds it"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			system(t, c.files...)
			for k, v := range c.env {
				if k == "CUDASIM_FAIL" {
					v += ":1:" + c.name // counted by itself
				}
				t.Setenv(k, v)
			}
			delete(drivers.open, c.library) // it starts again
			d, err := Open(Options{Library: c.library, Ordinal: c.ordinal})
			if err == nil {
				d.Close()
				t.Fatal("it opens")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), ". ") {
				t.Errorf("%q is more than a sentence", err)
			}
		})
	}
}

// TestOlderDriver: a driver that is so old that functions are missing is called old, and not missing.
func TestOlderDriver(t *testing.T) {
	cudatest.FakeOnly(t)
	dir := t.TempDir()
	source, library := filepath.Join(dir, "old.cc"), filepath.Join(dir, "libold.so")
	text := `extern "C" int cuInit(unsigned) { return 0; } extern "C" int cuDriverGetVersion(int *v) { *v = 12000; return 0; }`
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("g++", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); errors.Is(err, exec.ErrNotFound) {
		t.Skip("no g++")
	} else if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var old *OldDriver
	if _, err := Open(Options{Library: library}); !errors.As(err, &old) || old.Version != 12000 || !strings.Contains(err.Error(), "CUDA 12.0") {
		t.Errorf("%v", err)
	}
}

// TestOtherPlaces: where the loader does not find the driver's library, it is looked for where WSL and others have it.
func TestOtherPlaces(t *testing.T) {
	cudatest.FakeOnly(t)
	if simulated == "" {
		t.Skip("no g++: the fake driver cannot be built")
	}
	if _, err := startLibrary(systemLibrary); err == nil {
		t.Skip("the system has a driver")
	}
	system(t, "usr/lib/wsl/lib/x")
	if err := os.Symlink(simulated, filepath.Join(systemRoot, "usr/lib/wsl/lib", systemLibrary)); err != nil {
		t.Fatal(err)
	}
	t.Setenv(LibraryVariable, "")
	defer delete(drivers.open, systemLibrary)
	d, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	delete(drivers.open, systemLibrary)
	t.Setenv("CUDASIM_FAIL", "cuInit:802:1:other place") // what is wrong there is said, and not that the first place has none
	if d, err := Open(Options{}); err == nil {
		d.Close()
		t.Error("it opens")
	} else if !strings.Contains(err.Error(), "fabric manager") {
		t.Errorf("%v", err)
	}
}

// TestLost: after each error that breaks the context, wherever it shows, every operation and copy gives that error, and nothing is launched
// any more.
func TestLost(t *testing.T) {
	cudatest.FakeOnly(t)
	for _, c := range []struct{ fail, want string }{
		{"cuLaunchKernel:700", "report it"},
		{"cuLaunchKernel:702", "a GPU without one"}, // a watchdog
		{"cuLaunchKernel:719", "report it"},
		{"cuMemAlloc_v2:214", "Xid"}, // ECC
		{"cuMemAlloc_v2:999", "Xid"},
		{"cuMemAlloc_v2:220", "Xid"}, // NVLink
	} {
		d := open(t)
		x := up(t, d, 2, 3, 0, make([]float32, 6))
		t.Setenv("CUDASIM_FAIL", c.fail+":1:lost")
		d.Scale(x, x, 2)
		_, first := d.Alloc(10)
		if first == nil {
			first = d.Err()
		}
		var e *Error
		if !errors.As(first, &e) || !e.Lost() || !strings.Contains(first.Error(), c.want) {
			t.Fatalf("%s: %v", c.fail, first)
		}
		t.Setenv("CUDASIM_FAIL", "")
		launches := filepath.Join(t.TempDir(), "launches")
		t.Setenv("CUDASIM_LAUNCHES", launches)
		d.Clear(x)
		d.RMSNorm(x, x, x.Buffer, 1e-6)
		if row, _ := d.FirstNonFinite(x); row != -1 {
			t.Errorf("%s: a search finds row %d", c.fail, row)
		}
		for what, err := range map[string]error{
			"upload": d.Upload(x, make([]float32, 6)), "download": d.Download(make([]float32, 6), x), "attention": d.Attend(&kernels.Attention{}), "waiting": d.Err(),
		} {
			if !errors.Is(err, first) {
				t.Errorf("%s: %s after it: %v", c.fail, what, err)
			}
		}
		if _, err := d.ArgMax(x); !errors.Is(err, first) {
			t.Errorf("%s: a search after it: %v", c.fail, err)
		}
		if _, err := os.Stat(launches); err == nil {
			t.Errorf("%s: a kernel is launched after it", c.fail)
		}
		d.Close()
		runtime.KeepAlive(x)
	}
}
