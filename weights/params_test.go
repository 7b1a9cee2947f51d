package weights

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/loupe-vl/loupe/kernels/cpu"
)

// openRaw opens a safetensors file made of a header and its data as a checkpoint.
func openRaw(t *testing.T, header string, data ...byte) *Checkpoint {
	t.Helper()
	c, err := OpenCheckpointFile(put(t, filepath.Join(t.TempDir(), "x.safetensors"), raw(header, data...)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// bothEnds is a header with the bf16 tensors model.embed_tokens.weight and lm_head.weight, (1, 2) each.
var bothEnds = fmt.Sprintf(`{%q:{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]},%q:{"dtype":"BF16","shape":[1,2],"data_offsets":[4,8]}}`,
	"model.embed_tokens.weight", "lm_head.weight")

func TestTied(t *testing.T) {
	for _, c := range []struct {
		name string
		data []byte
		want string // part of the error, "" for none
	}{
		{"equal", []byte{0x80, 0x3f, 0, 0x40, 0x80, 0x3f, 0, 0x40}, ""},
		{"other bits", []byte{0x80, 0x3f, 0, 0x40, 0x80, 0x3f, 1, 0x40}, "tie_word_embeddings"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkpoint := openRaw(t, bothEnds, c.data...)
			p := NewParams(checkpoint, cpu.New(nil))
			p.Matrix("model.embed_tokens.weight", 1, 2)
			p.Tied("lm_head.weight", "model.embed_tokens.weight", 1, 2)
			p.Tied("absent.weight", "model.embed_tokens.weight", 1, 2)
			if c.want != "" {
				wantError(t, p.Err(), c.want, "lm_head.weight")
				return
			}
			if p.Err() != nil {
				t.Fatal(p.Err())
			}
			if err := checkpoint.RequireAllUsed(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestParamsKeepTheFirstError reads on after a missing tensor: what comes later must neither panic nor hide it.
func TestParamsKeepTheFirstError(t *testing.T) {
	p := NewParams(openRaw(t, bothEnds, 0x80, 0x3f, 0, 0x40, 0x80, 0x3f, 0, 0x40), cpu.New(nil))
	p.LinearOf("nowhere", true, 3, 2)
	p.Matrix("lm_head.weight", 7, 7)
	p.RMSNorm("norm", 4, 1e-6)
	wantError(t, p.Err(), "nowhere.weight", "missing")
}

func TestVectorWidens(t *testing.T) {
	p := NewParams(openRaw(t, `{"v":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, 0, 0x3c, 0, 0xc0), cpu.New(nil))
	if got, want := p.Vector("v", 2), []float32{1, -2}; !slices.Equal(got, want) || p.Err() != nil {
		t.Errorf("got %v, %v; want %v", got, p.Err(), want)
	}
}
