package trace_test

import (
	"context"
	"path/filepath"
	"testing"

	loupe "github.com/loupe-vl/loupe/runtime"
	"github.com/loupe-vl/loupe/runtime/trace"
)

// TestInspect: the parts of the report add up to its tensors, and only a full one has digests.
func TestInspect(t *testing.T) {
	m, _ := embedded(t)
	for _, full := range []bool{false, true} {
		r, err := trace.Inspect(context.Background(), m, full)
		if err != nil {
			t.Fatal(err)
		}
		parameters, parts := 0, 0
		for _, tensor := range r.Tensors {
			n := 1
			for _, d := range tensor.Shape {
				n *= d
			}
			parameters += n
			if (tensor.SHA256 != "") != full || (tensor.Stats != nil) != full {
				t.Errorf("full %v: %+v", full, tensor)
			}
		}
		for _, p := range r.Parts {
			parts += p.Parameters
		}
		if parameters == 0 || parameters != parts || (r.Digest != "") != full {
			t.Errorf("full %v: %d parameters in tensors, %d in parts, digest %q", full, parameters, parts, r.Digest)
		}
	}
}

// TestInspectQuantized: a quantized model has the parameters of the one that it was made of, but for the embedding that the
// logits are no longer tied to, in fewer bytes.
func TestInspectQuantized(t *testing.T) {
	m, _ := embedded(t)
	dir := filepath.Join(t.TempDir(), "int4")
	if err := m.Quantize(context.Background(), dir, loupe.QuantizeOptions{Precision: "int4", Group: 32, ZeroPoints: true}); err != nil {
		t.Fatal(err)
	}
	q, err := loupe.Load(dir, loupe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	parts := func(m *loupe.Model) map[string]trace.Part {
		r, err := trace.Inspect(context.Background(), m, false)
		if err != nil {
			t.Fatal(err)
		}
		if want := m.Settings().Precision; r.Precision != want {
			t.Errorf("precision %q, want %q", r.Precision, want)
		}
		out := map[string]trace.Part{}
		for _, p := range r.Parts {
			out[p.Name] = p
		}
		return out
	}
	before, after := parts(m), parts(q)
	for _, name := range []string{"decoder", "vision", "merger", "embedding"} {
		if b, a := before[name], after[name]; a.Parameters != b.Parameters || name == "decoder" && a.Bytes >= b.Bytes {
			t.Errorf("%s: %+v, before %+v", name, a, b)
		}
	}
	if n := m.Config.Text.VocabSize * m.Config.Text.HiddenSize; after["lm_head"].Parameters != n {
		t.Errorf("lm_head has %d parameters, want %d", after["lm_head"].Parameters, n)
	}
}
