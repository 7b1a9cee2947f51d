package loupe_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/loupe-vl/loupe/kernels"
	loupe "github.com/loupe-vl/loupe/runtime"
)

// quantizedModel writes the committed golden model, quantized, into a directory of the test.
func quantizedModel(t *testing.T, o loupe.QuantizeOptions) string {
	t.Helper()
	m := goldenModel(t, loupe.Options{})
	dir := filepath.Join(t.TempDir(), "quantized")
	if err := m.Quantize(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

func goldenModel(t *testing.T, o loupe.Options) *loupe.Model {
	t.Helper()
	return loadModel(t, filepath.Join("testdata", "golden", "model"), o)
}

func loadModel(t *testing.T, dir string, o loupe.Options) *loupe.Model {
	t.Helper()
	o.MaxPixels = 28 * 28 * 12
	m, err := loupe.Load(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// TestQuantizedModel: a model that was quantized once gives the bits of one that is quantized at each load, without a flag, and
// its weights are used where they lie, in whole cache lines.
func TestQuantizedModel(t *testing.T) {
	g := loupe.Generation{MaxTokens: 3, IgnoreEOS: true}
	for _, precision := range []string{"int8", "int4"} {
		atLoad := goldenModel(t, loupe.Options{Precision: precision})
		_, want := tokens(t, atLoad, embeddedPrompt(t, atLoad), g)
		once := loadModel(t, quantizedModel(t, loupe.QuantizeOptions{Precision: precision, Group: loupe.DefaultGroup(precision)}), loupe.Options{})
		if p := once.Settings().Precision; p != precision {
			t.Errorf("the settings say %q, not %q", p, precision)
		}
		if _, got := tokens(t, once, embeddedPrompt(t, once), g); got != want {
			t.Errorf("%s: the quantized model gives logits %.8s, quantizing at load %.8s", precision, got, want)
		}
		for _, l := range append(once.Learner().Linears(), once.Decoder.LMHead) {
			if l.Name == "visual.patch_embed.proj" {
				continue
			}
			panels, ok := l.W.Layout.(*kernels.PackedWeights)
			if !ok {
				t.Fatalf("%s is not quantized", l.Name)
			}
			if at := uintptr(unsafe.Pointer(&panels.Weights[0])); at%64 != 0 {
				t.Errorf("%s begins %d bytes into a cache line", l.Name, at%64)
			}
		}
	}
}

// TestQuantizedForms: every form of groups runs, the same bits on every path of kernels, and each of its own.
func TestQuantizedForms(t *testing.T) {
	seen := map[string]string{}
	for _, o := range []loupe.QuantizeOptions{
		{Precision: "int8", Group: 32}, {Precision: "int8", Group: 64}, {Precision: "int8"}, {Precision: "int4", Group: 64}, {Precision: "int4", Group: 128},
		{Precision: "int4", Group: 32, ZeroPoints: true}, {Precision: "int4", Group: 64, ZeroPoints: true}, {Precision: "int4"},
	} {
		dir := quantizedModel(t, o)
		var want string
		for _, path := range []string{"auto", "generic"} {
			m := loadModel(t, dir, loupe.Options{Kernels: path})
			_, got := tokens(t, m, embeddedPrompt(t, m), loupe.Generation{MaxTokens: 2, IgnoreEOS: true})
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%+v: %s gives other bits", o, path)
			}
		}
		form := fmt.Sprintf("%+v", o)
		if other := seen[want]; other != "" && o.Group != 128 && o.Group != 0 { // rows of 128 or fewer have one group either way
			t.Errorf("%s gives the bits of %s: one of them is not in use", form, other)
		}
		seen[want] = form
	}
}

func TestQuantizeRefuses(t *testing.T) {
	m := goldenModel(t, loupe.Options{})
	there := t.TempDir()
	good := loupe.QuantizeOptions{Precision: "int8", Group: 32}
	for _, c := range []struct {
		name string
		m    *loupe.Model
		dir  string
		o    loupe.QuantizeOptions
		want string
	}{
		{"a directory that holds something", m, "testdata", good, "holds"},
		{"a directory that cannot be made", m, filepath.Join("doc.go", "where"), good, "output"},
		{"no precision", m, filepath.Join(there, "a"), loupe.QuantizeOptions{Group: 32}, "QuantizeOptions.Precision"},
		{"bf16", m, filepath.Join(there, "a"), loupe.QuantizeOptions{Precision: "bf16", Group: 32}, "QuantizeOptions.Precision"},
		{"an odd group", m, filepath.Join(there, "a"), loupe.QuantizeOptions{Precision: "int8", Group: 48}, "QuantizeOptions.Group"},
		{"zero points of 8 bits", m, filepath.Join(there, "a"), loupe.QuantizeOptions{Precision: "int8", Group: 32, ZeroPoints: true}, "QuantizeOptions.ZeroPoints"},
		{"a quantized model", goldenModel(t, loupe.Options{Precision: "int8"}), filepath.Join(there, "a"), good, "already"},
	} {
		if err := c.m.Quantize(context.Background(), c.dir, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := good
	o.Progress = func(done, _ int) {
		if done == 3 {
			cancel()
		}
	}
	if err := m.Quantize(ctx, filepath.Join(there, "a"), o); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled run ends with %v", err)
	}
	if left, err := os.ReadDir(there); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestBrokenQuantizedModels: what does not fit in a quantized file is an error that names it.
func TestBrokenQuantizedModels(t *testing.T) {
	dir := quantizedModel(t, loupe.QuantizeOptions{Precision: "int4", Group: 32, ZeroPoints: true})
	file := filepath.Join(dir, "model.safetensors")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const gate = "model.layers.0.mlp.gate_proj.weight"
	metadata := func(tensors map[string]any) map[string]any { return tensors["__metadata__"].(map[string]any) }
	rename := func(from, to string) func(map[string]any) {
		return func(tensors map[string]any) {
			tensors[to] = tensors[from]
			delete(tensors, from)
		}
	}
	for _, c := range []struct {
		name   string
		change func(tensors map[string]any)
		want   string
	}{
		{"no group", func(ts map[string]any) { delete(metadata(ts), "loupe.int4.group") }, "group"},
		{"another group", func(ts map[string]any) { metadata(ts)["loupe.int4.group"] = "64" }, "scales"},
		{"a group of letters", func(ts map[string]any) { metadata(ts)["loupe.int8.group"] = "many" }, "group"},
		{"another precision", func(ts map[string]any) { metadata(ts)["loupe.precision"] = "int3" }, "int3"},
		{"no precision", func(ts map[string]any) { delete(metadata(ts), "loupe.precision") }, "precision"},
		{"no scales", rename(gate+".scales", gate+".scale"), "scales"},
		{"no panels", rename(gate+".panels", gate+".panel"), "gate_proj"},
		{"zero points of another name", rename(gate+".zeros", gate+".zeroes"), gate + ".multiples"},
		{"panels of another shape", func(ts map[string]any) {
			shape := ts[gate+".panels"].(map[string]any)["shape"].([]any)
			shape[0], shape[1] = shape[1], shape[0]
		}, "shape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(file, whole, 0o644); err != nil {
				t.Fatal(err)
			}
			editHeaderOf("model.safetensors", c.change)(t, dir)
			m, err := loupe.Load(dir, loupe.Options{})
			if err == nil {
				m.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
	if err := os.WriteFile(file, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"exact", "int8"} {
		if _, err := loupe.Load(dir, loupe.Options{Precision: p}); err == nil || !strings.Contains(err.Error(), "int4") {
			t.Errorf("QuantizeOptions.Precision %s: error is %v", p, err)
		}
	}
}
