package weights

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// readBack loads both files with the reference implementations, compares them
// with each other, and has safetensors write the same tensors again, which must
// give the same bytes (without bfloat16, which NumPy lacks).
const readBack = `
import sys, numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
with safe_open(sys.argv[1], "np") as f:
    t = {k: f.get_tensor(k) for k in f.keys()}
    meta = f.metadata()
assert meta == {"k": "v"}, meta
z = np.load(sys.argv[2])
assert set(z.files) == set(t), (z.files, list(t))
for k, v in t.items():
    assert z[k].dtype == v.dtype and z[k].shape == v.shape and z[k].tobytes() == v.tobytes(), k
assert t["ids"].tolist() == [[-1, 1 << 40], [0, 7]] and t["scalar"].shape == () and t["z.weight"][0, 1] == -2
save_file(t, sys.argv[3], metadata=meta)
`

// LOUPE_PYTHON names an interpreter that has numpy and safetensors.
func TestPythonReadsOurFiles(t *testing.T) {
	python := os.Getenv("LOUPE_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import numpy, safetensors.numpy").Run(); err != nil {
		t.Skipf("%s with numpy and safetensors is not here (set LOUPE_PYTHON): %v", python, err)
	}
	var tensors []Named
	for _, x := range samples() {
		if x.DType != BF16 {
			tensors = append(tensors, x)
		}
	}
	dir := t.TempDir()
	st, npz, again := filepath.Join(dir, "x.safetensors"), filepath.Join(dir, "x.npz"), filepath.Join(dir, "again.safetensors")
	if err := Write(st, tensors, map[string]string{"k": "v"}); err != nil {
		t.Fatal(err)
	}
	if err := WriteNpz(npz, tensors); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(python, "-c", readBack, st, npz, again).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ours, _, err := FileSHA256(st)
	if err != nil {
		t.Fatal(err)
	}
	theirs, _, err := FileSHA256(again)
	if err != nil {
		t.Fatal(err)
	}
	if ours != theirs {
		a, _ := os.ReadFile(st)
		b, _ := os.ReadFile(again)
		t.Errorf("bytes differ from the reference's:\n%.900q\n%.900q", a, b)
	}
}
