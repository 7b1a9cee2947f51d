package loupe_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/loupe-vl/loupe/decoder"
	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/internal/fixture"
	"github.com/loupe-vl/loupe/weights"
	"github.com/loupe-vl/loupe/weights/reftest"
)

// The golden tests compare every stage of the forward pass with fixtures from the reference implementation: all of
// ../shared/golden where it is there (or the directories in LOUPE_GOLDEN, separated by commas), and always the part of it
// in testdata/golden.

// tolerance is how far an activation may be from the reference, as a part of its tensor's largest value.
const tolerance = 2e-4

var caseNames = []string{"text", "image", "two_images", "odd_images", "video", "image_and_video"}

// goldenCase is one case of one golden directory, and what loupe makes of it.
type goldenCase struct {
	dir, name string
	Prompt    string
	Greedy    struct{ Tokens []int }
	Penalty   struct{ Tokens []int } `json:"greedy_repetition_penalty_1_3"`
	// Digests of the patches, where the case does not hold them.
	ImageDigest string `json:"pixel_values_sha256"`
	VideoDigest string `json:"pixel_values_videos_sha256"`

	want   map[string]weights.Tensor
	model  *loupe.Model
	prompt *loupe.Prompt
	taps   map[string]loupe.Tap
}

var goldenMemory sync.Map // of func() (*goldenCase, error), by directory and name

// eachGolden runs a test for every case of every golden directory that is there.
func eachGolden(t *testing.T, f func(t *testing.T, c *goldenCase)) {
	for _, dir := range goldenDirs(t) {
		for _, name := range caseNames {
			t.Run(filepath.Base(dir)+"/"+name, func(t *testing.T) {
				load, _ := goldenMemory.LoadOrStore(dir+name, sync.OnceValues(func() (*goldenCase, error) { return loadGolden(dir, name) }))
				c, err := load.(func() (*goldenCase, error))()
				if err != nil {
					t.Fatal(err)
				}
				f(t, c)
			})
		}
	}
}

func goldenDirs(t *testing.T) []string {
	if dirs := os.Getenv("LOUPE_GOLDEN"); dirs != "" {
		return strings.Split(dirs, ",")
	}
	dirs := []string{filepath.Join("testdata", "golden")}
	if shared := fixture.SharedDir(); shared != "" {
		dirs = append(dirs, filepath.Join(shared, "golden", "a"), filepath.Join(shared, "golden", "b"))
	} else {
		t.Log("the whole fixtures of ../shared/golden are not here: only the part of them in testdata is compared")
	}
	return dirs
}

// imagesDir is where the pictures of a case lie: beside it, in LOUPE_IMAGES, or in ../shared.
func (c *goldenCase) imagesDir() string {
	own := filepath.Join(c.dir, "pictures")
	if _, err := os.Stat(own); err == nil {
		return own
	}
	if dir := os.Getenv("LOUPE_IMAGES"); dir != "" {
		return dir
	}
	return filepath.Join(fixture.SharedDir(), "reference", "images")
}

func loadGolden(dir, name string) (*goldenCase, error) {
	c := &goldenCase{dir: dir, name: name, taps: map[string]loupe.Tap{}, want: map[string]weights.Tensor{}}
	path := filepath.Join(dir, "cases", name)
	data, err := os.ReadFile(path + ".json")
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, err
	}
	file, err := weights.Open(path + ".safetensors")
	if err != nil {
		return nil, err
	}
	for _, t := range file.Tensors() {
		c.want[t.Name] = t
	}
	if c.model, err = loupe.Load(filepath.Join(dir, "model"), loupe.Options{}); err != nil {
		return nil, err
	}
	in, err := fixture.Input(dir, name, c.imagesDir())
	if err != nil {
		return nil, err
	}
	if c.prompt, err = c.model.Prepare(context.Background(), in); err != nil {
		return nil, err
	}
	_, err = c.model.Trace(context.Background(), c.prompt, loupe.TraceOptions{Taps: []string{"*"}}, func(t loupe.Tap) error {
		c.taps[t.Name] = t
		return nil
	})
	return c, err
}

// compare reports how far a tap is from the reference's tensor of the same name.
func (c *goldenCase) compare(t *testing.T, name string) {
	t.Helper()
	want := c.want[name]
	got, ok := c.taps[name]
	if !ok {
		t.Errorf("no tap %s", name)
		return
	}
	reftest.Compare(t, name, got.Data, want.F32(), tolerance)
}

// whole reports whether the case holds every tap: testdata/golden has a part of them.
func (c *goldenCase) whole() bool {
	_, ok := c.want["lm_head"]
	return ok
}

// partStages are the stages that a case of testdata/golden holds, as patterns of compareAll; some cases hold more.
var partStages = []string{"visual.patch_embed", "visual.blocks.[0-9].out", "visual.merger", "model.layers.[0-9].out", "model.norm"}

// partMore are the stages that single cases of testdata/golden hold beside partStages.
var partMore = map[string]string{"text": "model.layers.*.self_attn.probs", "video": "visual.blocks.*.attn.probs.*"}

// least is how many tensors of a pattern the case must hold: one for each block or layer, and none of the vision tower where there are
// no pictures.
func (c *goldenCase) least(pattern string) int {
	switch {
	case strings.HasPrefix(pattern, "visual") && c.name == "text":
		return 0
	case !c.whole() && !slices.Contains(partStages, pattern) && partMore[c.name] != pattern:
		return 0
	case strings.HasPrefix(pattern, "visual.blocks."):
		return c.model.Config.Vision.Depth
	case strings.HasPrefix(pattern, "model.layers."):
		return c.model.Config.Text.NumHiddenLayers
	}
	return 1
}

// compareAll compares every tensor of the reference whose name has the form of one of the patterns. Of each there must be as
// many as least says. A case that holds none of them is skipped, so that it does not pass without a comparison.
func (c *goldenCase) compareAll(t *testing.T, patterns ...string) {
	t.Helper()
	compared := 0
	for _, pattern := range patterns {
		n := 0
		for name := range c.want {
			if ok, _ := filepath.Match(pattern, name); ok {
				c.compare(t, name)
				n++
			}
		}
		if least := c.least(pattern); n < least {
			t.Errorf("the reference has %d tensors %s, fewer than %d", n, pattern, least)
		}
		compared += n
	}
	if compared == 0 && !t.Failed() {
		t.Skipf("this case holds no tensor %s", strings.Join(patterns, " or "))
	}
}

func int64s(x []int) []int64 {
	out := make([]int64, len(x))
	for i, v := range x {
		out[i] = int64(v)
	}
	return out
}

func TestGoldenIDs(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		if c.prompt.Text != c.Prompt {
			t.Errorf("prompt is %q, want %q", c.prompt.Text, c.Prompt)
		}
		if want := c.want["input_ids"].I64(); !slices.Equal(int64s(c.prompt.IDs), want) {
			t.Errorf("ids are %v, want %v", c.prompt.IDs, want)
		}
	})
}

func TestGoldenPositions(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		var got []int64
		for _, axis := range c.prompt.Positions {
			got = append(got, int64s(axis)...)
		}
		if want := c.want["position_ids"].I64(); !slices.Equal(got, want) {
			t.Errorf("positions are %v, want %v", got, want)
		}
		if want := c.want["rope_delta"].I64()[0]; int64(c.prompt.RopeDelta) != want {
			t.Errorf("delta is %d, want %d", c.prompt.RopeDelta, want)
		}
	})
}

func TestGoldenPixels(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		c.comparePixels(t, "pixel_values", c.ImageDigest, c.prompt.Images)
		c.comparePixels(t, "pixel_values_videos", c.VideoDigest, c.prompt.Videos)
	})
}

// comparePixels holds patches against the reference's tensor, or against its digest in a case that does not hold it.
func (c *goldenCase) comparePixels(t *testing.T, name, digest string, v *loupe.Vision) {
	t.Helper()
	want, whole := c.want[name]
	if has := whole || digest != ""; has != (v != nil) {
		t.Errorf("%s: the reference has it: %v; loupe: %v", name, has, v != nil)
		return
	}
	if v == nil {
		return
	}
	if whole && !slices.Equal(v.Pixels.Floats(), want.F32()) {
		t.Errorf("%s differs", name)
	}
	if got := digestOf(v.Pixels.Floats()); digest != "" && got != digest {
		t.Errorf("%s has the digest %s, want %s", name, got, digest)
	}
}

// digestOf is the SHA-256 of float32 numbers, little-endian.
func digestOf(x []float32) string {
	data, _ := binary.Append(nil, binary.LittleEndian, x)
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

func TestGoldenPatchEmbed(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) { c.compareAll(t, "visual.patch_embed") })
}

func TestGoldenBlocks(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		c.compareAll(t, "visual.blocks.[0-9].attn.qkv", "visual.blocks.[0-9].attn.out", "visual.blocks.[0-9].mlp.out", "visual.blocks.[0-9].out")
	})
}

func TestGoldenVisionAttention(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) { c.compareAll(t, "visual.blocks.*.attn.probs.*") })
}

func TestGoldenMerger(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) { c.compareAll(t, "visual.merger") })
}

func TestGoldenLayers(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		c.compareAll(t, "model.layers.[0-9].self_attn.q_proj", "model.layers.[0-9].self_attn.k_proj", "model.layers.[0-9].self_attn.v_proj",
			"model.layers.[0-9].self_attn.out", "model.layers.[0-9].mlp.out", "model.layers.[0-9].out")
	})
}

func TestGoldenDecoderAttention(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) { c.compareAll(t, "model.layers.*.self_attn.probs") })
}

func TestGoldenLogits(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		c.compareAll(t, "model.norm", "lm_head")
		last, ok := c.want["lm_head.last"]
		if !ok && !c.whole() {
			t.Error("the reference has no logits")
		}
		if ok {
			all := c.taps["lm_head"]
			reftest.Compare(t, "lm_head.last", all.Data[len(all.Data)-len(last.F32()):], last.F32(), tolerance)
		}
	})
}

// tokens generates greedily.
func tokens(t *testing.T, m *loupe.Model, p *loupe.Prompt, g loupe.Generation) (ids []int, digest string) {
	t.Helper()
	a, err := m.Answer(context.Background(), p, g)
	if err != nil {
		t.Fatal(err)
	}
	for token, err := range a.Tokens() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, token.ID)
	}
	return ids, a.LogitsDigest()
}

func TestGoldenGreedy(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		if got, _ := tokens(t, c.model, c.prompt, loupe.Generation{MaxTokens: 16}); !slices.Equal(got, c.Greedy.Tokens) {
			t.Errorf("greedy tokens are %v, want %v", got, c.Greedy.Tokens)
		}
	})
}

func TestGoldenRepetitionPenalty(t *testing.T) {
	eachGolden(t, func(t *testing.T, c *goldenCase) {
		g := loupe.Generation{MaxTokens: 16, Sampling: decoder.Sampling{RepetitionPenalty: 1.3}}
		if got, _ := tokens(t, c.model, c.prompt, g); !slices.Equal(got, c.Penalty.Tokens) {
			t.Errorf("tokens with a penalty of 1.3 are %v, want %v", got, c.Penalty.Tokens)
		}
	})
}
