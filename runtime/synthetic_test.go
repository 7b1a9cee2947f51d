package loupe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/loupe-vl/loupe/decoder"
	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/meta"
	"github.com/loupe-vl/loupe/kernels/num"
	"github.com/loupe-vl/loupe/weights"
)

// tiny is a shape that a test can afford, untied as 7b is.
func tiny() *weights.Config {
	c := shapes["7b"]
	c.Text.HiddenSize, c.Text.IntermediateSize, c.Text.NumHiddenLayers, c.Text.VocabSize = 64, 96, 2, 500
	c.Text.NumAttentionHeads, c.Text.NumKeyValueHeads, c.Text.MropeSection = 4, 2, []int{2, 3, 3}
	c.Text.HeadDim, c.Text.MaxPositionEmbeddings = 16, 16
	c.Vision.Depth, c.Vision.EmbedDim, c.Vision.NumHeads, c.Vision.OutHiddenSize = 2, 32, 2, 64
	return &c
}

func textPrompt(t *testing.T, ids ...int) *Prompt {
	t.Helper()
	p := &Prompt{IDs: ids}
	var err error
	if p.Positions, p.RopeDelta, err = decoder.RopeIndex(len(ids), nil, 2); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestShapes holds the table to the published files.
func TestShapes(t *testing.T) {
	shared := os.Getenv("LOUPE_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	for name := range shapes {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(shared, "reference", "qwen2-vl-"+name+"-instruct", "config.json")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Skipf("the published config.json is not here: %v", err)
			}
			want, err := weights.ParseConfig(file, data)
			if err != nil {
				t.Fatal(err)
			}
			want.Transformers, want.Unknown = "", nil // labels
			got := shapes[name]
			if d := cmp.Diff(want, &got); d != "" {
				t.Errorf("the shape differs from %s (-published +table):\n%s", file, d)
			}
		})
	}
}

// TestSyntheticSizes: the tensors of a shape are as many bytes as the published checkpoint's index says.
func TestSyntheticSizes(t *testing.T) {
	for name, want := range map[string]int64{"2b": 4_417_971_200, "7b": 16_582_751_232} {
		cfg := shapes[name]
		var count randomSource
		if _, _, err := assemble(&count, weights.OneDevice(meta.Device{}), &cfg, nil); err != nil {
			t.Fatal(err)
		}
		if count.bytes != want {
			t.Errorf("%s is %d bytes, want %d", name, count.bytes, want)
		}
	}
}

func TestFits(t *testing.T) {
	cfg := shapes["7b"]
	for free, want := range map[int64]bool{0: true, 1: false, 16 << 30: false, 17 << 30: true} {
		err := fits("7b", &cfg, "exact", free)
		if (err == nil) != want {
			t.Errorf("with %d bytes free: %v", free, err)
		}
		if err != nil && !(strings.Contains(err.Error(), "7b") && strings.Contains(err.Error(), "15.4 GiB")) {
			t.Errorf("the error names neither shape nor size: %v", err)
		}
	}
}

// TestSyntheticPrecisions: the bytes of a model in each precision, and tied and not, are those that are counted before it is made.
func TestSyntheticPrecisions(t *testing.T) {
	for _, tied := range []bool{false, true} {
		cfg := tiny()
		cfg.Text.TieWordEmbeddings = tied
		for precision, layout := range map[string]string{"exact": "bf16", "bf16": "bf16 products", "int8": "int8", "int4": "int4"} {
			var count randomSource
			if _, _, err := assemble(&count, weights.OneDevice(meta.Device{}), cfg, count.converter(nil, precision)); err != nil {
				t.Fatal(err)
			}
			m, err := synthetic("tiny", cfg, Options{Precision: precision})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			w := m.Decoder.Layers[0].Gate.W
			got := map[kernels.Layout]string{kernels.BF16: "bf16", kernels.BF16Products: "bf16 products"}[w.Layout]
			if p, packed := w.Layout.(*kernels.PackedWeights); packed {
				got = fmt.Sprintf("int%d", p.Bits)
			}
			if got != layout {
				t.Errorf("%s: the weights are %s, want %s", precision, got, layout)
			}
			if precision != "exact" && precision != "bf16" {
				bytes := int64(m.Decoder.Embed.Bytes() + m.Decoder.LMHead.W.Bytes())
				for _, l := range m.linears() {
					bytes += int64(l.W.Bytes())
				}
				if small := count.bytes - bytes; small < 0 || small > 8<<10 { // norms and biases
					t.Errorf("%s, tied %v: %d bytes are counted, and the matrices alone have %d", precision, tied, count.bytes, bytes)
				}
			}
			a, err := m.Answer(context.Background(), textPrompt(t, 3, 1, 4, 1, 5), Generation{})
			if err != nil {
				t.Fatal(err)
			}
			if num.FirstNonFinite(a.logits) >= 0 || slices.Max(a.logits) == slices.Min(a.logits) {
				t.Errorf("%s: logits are not finite, or all the same: %v", precision, a.logits[:8])
			}
		}
	}
}

// TestSyntheticRuns: the same numbers with any threads, finite, and different from tensor to tensor.
func TestSyntheticRuns(t *testing.T) {
	logits := func(threads int) []float32 {
		m, err := synthetic("tiny", tiny(), Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if k := m.Decoder.Layers[0].Gate.W; slices.Equal(k.Bits, m.Decoder.Layers[1].Gate.W.Bits) || k.Layout != kernels.BF16 {
			t.Error("two layers have the same weights, or not bfloat16")
		}
		a, err := m.Answer(context.Background(), textPrompt(t, 3, 1, 4, 1, 5), Generation{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := a.ForceToken(9)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	one, three := logits(1), logits(3)
	if !slices.Equal(one, three) {
		t.Error("the numbers depend on the threads")
	}
	if num.FirstNonFinite(one) >= 0 || slices.Max(one) == slices.Min(one) {
		t.Errorf("logits are not finite, or all the same: %v", one[:8])
	}
}

func TestSyntheticRefuses(t *testing.T) {
	for _, c := range []struct {
		name, shape, want string
		o                 Options
	}{
		{"shape", "3b", `"3b"`, Options{}},
		{"precision", "2b", "Options.Precision", Options{Precision: "fp8"}},
		{"head", "2b", "Options.Head", Options{Head: "d"}},
		{"threads", "2b", "Options.Threads", Options{Threads: -1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Synthetic(c.shape, c.o)
			if err == nil {
				m.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not speak of %s", err, c.want)
			}
		})
	}
}

// TestSyntheticHasNoText: what needs a tokenizer is an error, not a crash.
func TestSyntheticHasNoText(t *testing.T) {
	m, err := synthetic("tiny", tiny(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if _, err := m.Prepare(context.Background(), Ask("Hello")); err == nil || !strings.Contains(err.Error(), "tokenizer") {
		t.Errorf("Prepare: %v", err)
	}
	for _, err := range m.Generate(context.Background(), textPrompt(t, 1, 2), Generation{MaxTokens: 2}) {
		if err == nil || !strings.Contains(err.Error(), "tokenizer") {
			t.Errorf("Generate: %v", err)
		}
	}
}

// TestStepAllocatesNothing: a step of decoding takes its memory from the steps before it, but for a page of the cache now and
// then.
func TestStepAllocatesNothing(t *testing.T) {
	if racing {
		t.Skip("the race detector makes pools drop what they are given")
	}
	m, err := Embedded(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	a, err := m.Answer(context.Background(), textPrompt(t, 3, 1, 4, 1, 5), Generation{})
	if err != nil {
		t.Fatal(err)
	}
	step := func() {
		if _, err := a.ForceToken(9); err != nil {
			t.Error(err)
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // a collection empties the pools
	step()
	n := testing.AllocsPerRun(20, step)
	for range 4 { // what other goroutines of the test binary allocate counts too, but not every time
		n = min(n, testing.AllocsPerRun(20, step))
	}
	if n > 0 {
		t.Errorf("a step allocates %v times", n)
	}
}

// TestFeed: feeding what a generation chose gives its logits, bit for bit; a token that does not exist and one too many
// are errors.
func TestFeed(t *testing.T) {
	m, err := synthetic("tiny", tiny(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ids := []int{7, 3, 9, 2}
	all, err := m.Answer(context.Background(), textPrompt(t, ids...), Generation{})
	if err != nil {
		t.Fatal(err)
	}
	fed, err := m.Answer(context.Background(), textPrompt(t, ids[:2]...), Generation{})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[2:] {
		if _, err := fed.ForceToken(id); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(fed.logits, all.logits) {
		t.Error("fed tokens give other logits than the same tokens in the prompt")
	}
	for _, id := range []int{-1, m.Config.Text.VocabSize} {
		if _, err := fed.ForceToken(id); err == nil {
			t.Errorf("token %d is no error", id)
		}
	}
	for range m.Config.Text.MaxPositionEmbeddings - len(ids) {
		if _, err := fed.ForceToken(1); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := fed.ForceToken(1); err == nil {
		t.Error("a token beyond the context is no error")
	}
}
