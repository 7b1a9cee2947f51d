package hub

import (
	"context"
	"maps"
	"strings"
	"testing"
)

// TestRefusals: what cannot be had is said so that people know what to do.
func TestRefusals(t *testing.T) {
	files, large := modelFiles()
	for _, c := range []struct {
		what, want string
		n          Name
		spoil      func(*fakeHub)
	}{
		{"gated", "accept its license at", name, func(h *fakeHub) { h.gated = true }},
		{"no such model", "no such model", Name{"owner/other", "main"}, func(h *fakeHub) {}},
		{"private", "set HF_TOKEN", name, func(h *fakeHub) { h.token = "hf_x" }},
		{"no such revision", `no revision "v9"`, Name{"owner/model", "v9"}, func(h *fakeHub) {}},
		{"wrong digest", "have not the digest", name, func(h *fakeHub) { h.corrupt = 1000 }},
		{"always busy", "tried 6 times", name, func(h *fakeHub) { h.failures = 1000 }},
		{"a proxy's page", "answers with a web page", name, func(h *fakeHub) { h.page = true }},
		{"metadata elsewhere", "for what it should say itself", name, func(h *fakeHub) { h.sendAnyway = true }},
		{"no weights", "pytorch_model.bin, which loupe does not read", name, func(h *fakeHub) {
			h.files = map[string][]byte{"config.json": []byte("{}"), "pytorch_model.bin": []byte("x")}
		}},
		{"a shard that is not there", "which the repository does not hold", name, func(h *fakeHub) {
			h.files = maps.Clone(files)
			delete(h.files, "model-00002-of-00002.safetensors")
		}},
	} {
		h := newFakeHub(t, "owner/model", files, large...)
		c.spoil(h)
		cache := h.cacheFor(t.TempDir())
		_, err := cache.quick(context.Background(), c.n, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
		if dir, err := cache.Find(c.n); err == nil && c.what != "gated" && c.what != "wrong digest" {
			t.Errorf("%s: %s is in the cache", c.what, dir)
		}
	}
}

// TestRenamedAndMoved: a repository that was renamed is found under its old name, and a branch that moves while it is read is read at one
// commit; the next pull takes the new one and fetches what changed alone.
func TestRenamedAndMoved(t *testing.T) {
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	h.renamed = "new-owner/new-name"
	c := h.cacheFor(t.TempDir())
	got, err := c.quick(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, h, got.Dir)
	first := h.commit
	h.files = maps.Clone(files)
	h.files["config.json"] = []byte(`{"model_type": "qwen2_vl", "new": 1}`)
	h.moveTo = strings.Repeat("cd34", 10)
	if got, err = c.quick(context.Background(), name, nil); err != nil || got.Commit != first {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err = c.quick(context.Background(), name, nil); err != nil || got.Commit != h.commit || got.Fetched > 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	holds(t, h, got.Dir)
}
