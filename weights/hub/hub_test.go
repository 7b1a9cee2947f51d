package hub

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func sortedNames(m map[string][]byte) []string { return slices.Sorted(maps.Keys(m)) }

// modelFiles is a repository with a sharded model, and much that a model does not need.
func modelFiles() (map[string][]byte, []string) {
	big := func(n int, seed uint64) []byte {
		r := rand.New(rand.NewPCG(seed, 1))
		out := make([]byte, n)
		for i := range out {
			out[i] = byte(r.Uint32())
		}
		return out
	}
	files := map[string][]byte{
		"config.json": []byte(`{"model_type": "qwen2_vl"}`), "tokenizer.json": []byte("{}"), "additional_chat_templates/tools.jinja": []byte("x"),
		"model.safetensors.index.json":     []byte(`{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`),
		"model-00001-of-00002.safetensors": big(1_000_003, 1), "model-00002-of-00002.safetensors": big(300_001, 2),
		"README.md": []byte("words"), "pytorch_model.bin": big(1000, 3), "onnx/model.onnx": big(1000, 4), "model-fp16.safetensors": big(1000, 5),
	}
	return files, []string{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "pytorch_model.bin", "tokenizer.json"}
}

// needed are those of modelFiles that a model needs.
var needed = []string{"additional_chat_templates/tools.jinja", "config.json", "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json", "tokenizer.json"}

var name = Name{"owner/model", "main"}

// holds checks that a snapshot holds exactly the files that a model needs, with their bytes.
func holds(t *testing.T, h *fakeHub, dir string) {
	t.Helper()
	var got []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		rel = filepath.ToSlash(rel)
		got = append(got, rel)
		data, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(data, h.files[rel]) {
			t.Errorf("%s has other bytes", rel)
		}
		return err
	})
	if err != nil || !slices.Equal(got, needed) {
		t.Errorf("the snapshot holds %v, %v", got, err)
	}
}

// count is a Progress that adds up.
type count struct {
	mu    sync.Mutex
	want  int64
	moved int64
	notes []string
}

func (c *count) Begin(_ int, n int64) { c.want = n }
func (c *count) Moved(n int64)        { c.moved += n }
func (c *count) Note(text string) {
	c.mu.Lock()
	c.notes = append(c.notes, text)
	c.mu.Unlock()
}

func TestPull(t *testing.T) {
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	h.token = "hf_secret"
	c := h.cacheFor(t.TempDir(), "HF_TOKEN", " hf_secret\n")
	var p count
	got, err := c.Pull(context.Background(), name, &p)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, h, got.Dir)
	if got.Files != len(needed) || got.Fetched != len(needed) || p.moved != p.want {
		t.Errorf("%+v, %d of %d bytes told", got, p.moved, p.want)
	}
	if len(h.strangers) > 0 {
		t.Errorf("the token went to another host: %v", h.strangers)
	}
	if dir, err := c.Find(name); err != nil || dir != got.Dir {
		t.Errorf("find: %s, %v", dir, err)
	}
	if dir, err := c.Find(Name{"owner/model", h.commit[:8]}); err != nil || dir != got.Dir {
		t.Errorf("find by the first characters of the commit: %s, %v", dir, err)
	}
	if v, err := c.Verify(context.Background(), name, nil); err != nil || v.Files != len(needed) {
		t.Errorf("verify: %+v, %v", v, err)
	}
	before := h.bytes
	again, err := c.Pull(context.Background(), name, nil)
	if err != nil || again.Fetched != 0 || h.bytes != before {
		t.Errorf("again: %+v, %v, %d bytes more", again, err, h.bytes-before)
	}
	if got, err := c.Pull(context.Background(), Name{"owner/model", "v1/a"}, nil); err != nil || got.Fetched != 0 {
		t.Errorf("a branch whose name has a slash: %+v, %v", got, err)
	}
	offline := h.cacheFor(filepath.Dir(c.Dir), "HF_HUB_OFFLINE", "1")
	if got, err := offline.Pull(context.Background(), Name{"owner/model", "v1/a"}, nil); err != nil || got.Files != len(needed) {
		t.Errorf("offline: %+v, %v", got, err)
	}
	if err := os.Remove(filepath.Join(got.Dir, needed[2])); err != nil {
		t.Fatal(err)
	}
	if _, err := offline.Pull(context.Background(), name, nil); err == nil || !strings.Contains(err.Error(), needed[2]) || !strings.Contains(err.Error(), "HF_HUB_OFFLINE") {
		t.Errorf("offline, a shard is missing: %v", err)
	}
}

// TestBadConnections: whatever a connection does, the files come whole or the pull says why not.
func TestBadConnections(t *testing.T) {
	for what, spoil := range map[string]func(*fakeHub){
		"dropped at 100 places":   func(h *fakeHub) { h.dropEvery = 10_000 },
		"ranges ignored":          func(h *fakeHub) { h.noRanges = true },
		"busy at first":           func(h *fakeHub) { h.failures = 3 },
		"one answer is corrupted": func(h *fakeHub) { h.corrupt = 1 },
	} {
		t.Run(what, func(t *testing.T) {
			files, large := modelFiles()
			h := newFakeHub(t, "owner/model", files, large...)
			spoil(h)
			var p count
			got, err := h.cacheFor(t.TempDir()).quick(context.Background(), name, &p)
			if err != nil {
				t.Fatal(err)
			}
			holds(t, h, got.Dir)
			if p.moved != p.want && h.corrupt == 0 && what != "one answer is corrupted" {
				t.Errorf("%d of %d bytes are told", p.moved, p.want)
			}
			if what == "dropped at 100 places" && h.gets["model-00001-of-00002.safetensors"] < 100 {
				t.Errorf("the connection was made %d times", h.gets["model-00001-of-00002.safetensors"])
			}
		})
	}
}

// TestResumedAcrossProcesses: what a process that was stopped left is gone on with, and not fetched twice.
func TestResumedAcrossProcesses(t *testing.T) {
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	h.dropEvery = 250_000
	c := h.cacheFor(t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	var p count
	stop := stopAfter{&p, 400_000, cancel}
	if _, err := c.quick(ctx, name, &stop); !errors.Is(err, context.Canceled) {
		t.Fatalf("a pull that was stopped: %v", err)
	}
	h.dropEvery = 0
	got, err := c.quick(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, h, got.Dir)
	var all int64
	for _, n := range needed {
		all += int64(len(files[n]))
	}
	if h.bytes > all+300_000 {
		t.Errorf("%d bytes were sent for %d", h.bytes, all)
	}
	left, _ := filepath.Glob(filepath.Join(c.repo(name), "blobs", "*.incomplete"))
	if len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

type stopAfter struct {
	*count
	n    int64
	stop func()
}

func (s *stopAfter) Moved(n int64) {
	s.count.Moved(n)
	if s.moved > s.n {
		s.stop()
	}
}

// TestTwoAtOnce: two pulls at the same time fetch each file once.
func TestTwoAtOnce(t *testing.T) {
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got, err := h.cacheFor(dir).quick(context.Background(), name, nil); err != nil {
				t.Error(err)
			} else {
				holds(t, h, got.Dir)
			}
		})
	}
	wg.Wait()
	for name, n := range h.gets {
		if n > 1 {
			t.Errorf("%s was fetched %d times", name, n)
		}
	}
}

// TestFullDisk: a disk without room is refused before the first byte of weights, and one that fills up says so.
func TestFullDisk(t *testing.T) {
	at := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=700k", "tmpfs", at).Run(); err != nil {
		t.Skipf("no small file system can be mounted here (%v)", err)
	}
	defer func() { _ = exec.Command("umount", at).Run() }()
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	_, err := h.cacheFor(at).quick(context.Background(), name, nil)
	if err == nil || !strings.Contains(err.Error(), "make room") {
		t.Errorf("%v", err)
	}
	if n := h.gets["model-00001-of-00002.safetensors"]; n > 0 {
		t.Errorf("it was asked for %d times all the same", n)
	}
}

// TestVerifyNamesDamage: a changed byte in a blob is found.
func TestVerifyNamesDamage(t *testing.T) {
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	c := h.cacheFor(t.TempDir())
	got, err := c.quick(context.Background(), name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range needed {
		path := filepath.Join(got.Dir, filepath.FromSlash(file))
		bad := bytes.Clone(h.files[file])
		bad[len(bad)/2] ^= 1
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		if file == indexFile { // it is read before it is digested
			bad = bytes.Replace(h.files[file], []byte(`"a"`), []byte(`"c"`), 1)
			if err := os.WriteFile(path, bad, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.Verify(context.Background(), name, nil); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s was changed: %v", file, err)
		}
		if err := os.WriteFile(path, h.files[file], 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Name{
		"Qwen/Qwen2-VL-2B-Instruct": {"Qwen/Qwen2-VL-2B-Instruct", "main"}, "a/b@v1/x": {"a/b", "v1/x"}, "a/b@" + strings.Repeat("0a", 20): {"a/b", strings.Repeat("0a", 20)},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "a/b/c", "../b", "a/..", "a/b@", "a/b@../x", "a/-b", "a/b--c", "/a/b", "a b/c", "a/b.git", `a\b/c`, "./b", "a/b@x y"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestWhereTheCacheIs(t *testing.T) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{}, filepath.Join(home, ".cache/huggingface/hub")},
		{map[string]string{"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"},
		{map[string]string{"HF_HOME": "~/hf", "XDG_CACHE_HOME": "/x"}, filepath.Join(home, "hf/hub")},
		{map[string]string{"HF_HUB_CACHE": "$BASE/c", "BASE": "/b", "HF_HOME": "/h"}, "/b/c"},
	} {
		got, err := cacheOf(func(n string) string { return c.env[n] })
		if err != nil || filepath.Clean(got.Dir) != filepath.FromSlash(c.want) {
			t.Errorf("%v: %v, %v, want %s", c.env, got, err, c.want)
		}
	}
}

// TestWaitsNoLonger: a pull that waits for another process ends when it is told to.
func TestWaitsNoLonger(t *testing.T) {
	files, large := modelFiles()
	h := newFakeHub(t, "owner/model", files, large...)
	h.dropEvery, h.noRanges = 1000, true // the first never gets on
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := h.cacheFor(dir).Pull(ctx, name, nil); err == nil {
				t.Error("a file came that could not")
			}
		})
	}
	wg.Wait()
}

// FuzzShards: no index makes the reader panic or lead out of the directory.
func FuzzShards(f *testing.F) {
	f.Add([]byte(`{"weight_map": {"a": "model.safetensors"}}`), "model.safetensors")
	f.Add([]byte(`{"weight_map": {"a": "../x"}}`), "../x")
	f.Fuzz(func(t *testing.T, index []byte, file string) {
		got, err := shards(index, []entry{{Path: file, Type: "file"}})
		if err == nil && len(got) > 0 && (strings.Contains(got[0].Path, "..") && filepath.Clean(got[0].Path) != got[0].Path || filepath.IsAbs(got[0].Path)) {
			t.Errorf("%q leads out", got[0].Path)
		}
	})
}
