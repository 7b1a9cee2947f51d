package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPython: huggingface_hub finds what was pulled here, without asking, and what it downloads is found here; files in its store of shared
// blobs too.
func TestPython(t *testing.T) {
	python := os.Getenv("LOUPE_PYTHON")
	if python == "" || exec.Command(python, "-c", "import huggingface_hub").Run() != nil {
		t.Skip("LOUPE_PYTHON names no Python that has huggingface_hub")
	}
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	run := func(dir string, offline bool, code string) string {
		t.Helper()
		cmd := exec.Command(python, "-c", code)
		cmd.Env = append(os.Environ(), "HF_ENDPOINT="+h.hub.URL, "HF_HOME="+dir, "HF_HUB_CACHE="+dir+"/hub", "HF_HUB_DISABLE_XET=1", "HF_HUB_DISABLE_TELEMETRY=1", fmt.Sprintf("HF_HUB_OFFLINE=%d", map[bool]int{true: 1}[offline]))
		out, err := cmd.Output()
		if err != nil {
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				t.Fatalf("%v: %s", err, exit.Stderr)
			}
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	ours := t.TempDir()
	got, err := h.cacheFor(ours).quick(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if dir := run(ours, true, `from huggingface_hub import snapshot_download; print(snapshot_download("owner/model", local_files_only=True))`); dir != got.Dir {
		t.Errorf("Python finds %s, and it is in %s", dir, got.Dir)
	}
	for _, file := range needed {
		path := run(ours, true, fmt.Sprintf(`from huggingface_hub import hf_hub_download; print(hf_hub_download("owner/model", %q, local_files_only=True))`, file))
		if path != filepath.Join(got.Dir, filepath.FromSlash(file)) {
			t.Errorf("Python finds %s at %s", file, path)
		}
	}
	theirs := t.TempDir()
	for _, file := range needed {
		run(theirs, false, fmt.Sprintf(`from huggingface_hub import hf_hub_download; print(hf_hub_download("owner/model", %q))`, file))
	}
	c := h.cacheFor(theirs)
	dir, err := c.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, h, dir)
	before := h.bytes
	if got, err := c.quick(context.Background(), name, nil); err != nil || got.Fetched > 0 || h.bytes != before {
		t.Errorf("what Python fetched is fetched again: %+v, %v", got, err)
	}
	// The store that repositories share: a blob is a link into it.
	store := filepath.Join(c.Dir, "blobs", "aa")
	if err := os.MkdirAll(store, 0o777); err != nil {
		t.Fatal(err)
	}
	blob := filepath.Join(c.repo(name), "blobs", h.etag("model-00001-of-00002.safetensors"))
	shared := filepath.Join(store, strings.Repeat("a", 64))
	if err := errors.Join(os.Rename(blob, shared), os.Symlink(shared, blob)); err != nil {
		t.Fatal(err)
	}
	if got, err := c.quick(context.Background(), name, nil); err != nil || got.Fetched > 0 {
		t.Errorf("with a shared blob: %+v, %v", got, err)
	}
	holds(t, h, dir)
	if _, err := c.Verify(context.Background(), name, nil); err != nil {
		t.Errorf("verify with a shared blob: %v", err)
	}
}
