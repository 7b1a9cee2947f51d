package cuda

import (
	"os"
	"path/filepath"
	"strings"
)

// systemRoot is where the system's files are. Tests have one of their own.
var systemRoot = "/"

func there(path string) bool {
	_, err := os.Stat(filepath.Join(systemRoot, path))
	return err == nil
}

// machine is what the system's files say about why there is no driver or no GPU, "" for nothing.
func machine() string {
	module := there("proc/driver/nvidia/version") || there("sys/module/nvidia")
	capabilities, limited := os.LookupEnv("NVIDIA_DRIVER_CAPABILITIES")
	visible := os.Getenv("NVIDIA_VISIBLE_DEVICES")
	switch {
	case there("dev/dxg"):
		return "this is WSL, where the driver is that of Windows and its library in /usr/lib/wsl/lib: update the driver in Windows, and remove a driver that was installed in Linux"
	case limited && capabilities != "all" && !strings.Contains(capabilities, "compute"):
		return "this container was given no right to compute: NVIDIA_DRIVER_CAPABILITIES is " + quoted(capabilities) + ", and must name compute"
	case visible == "void" || visible == "none":
		return "this container was given no GPU: NVIDIA_VISIBLE_DEVICES is " + quoted(visible)
	case module && !there("dev/nvidiactl"):
		return "the kernel has the driver, but there is no /dev/nvidiactl: a container must be given the GPUs (docker's option gpus, with NVIDIA's container toolkit), and a machine needs nvidia-modprobe"
	case module && !there("dev/nvidia-uvm"):
		return "there is no /dev/nvidia-uvm: load the module (as root, nvidia-modprobe -c 0 -u), or give it to the container"
	case !module && there("sys/module/nouveau"):
		return "the kernel drives the GPU by nouveau, which cannot compute: install NVIDIA's driver and boot again"
	case there("etc/nv_tegra_release") && !module:
		return "this is a Jetson: JetPack 7 or later has the driver that is needed"
	}
	return ""
}

func quoted(s string) string { return `"` + s + `"` }
