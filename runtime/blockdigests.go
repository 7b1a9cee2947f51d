package loupe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"strings"

	"github.com/loupe-vl/loupe/kernels/tensor"
)

// BlockDigests are digests of what each block of a run put out, row by row in the order of the sequence, so that they do not
// depend on chunks of the prompt. Two runs that agree in all of them agree in every bit; the first that differs says where they
// part. The zero value is ready for one run.
type BlockDigests struct {
	blocks []*blockSum
	steps  []hash.Hash // of each token that was read after the prompt
	step   hash.Hash   // nil while the prompt is read
	buf    [1 << 14]byte
}

// BlockDigest is the digest of one block's output over the whole prompt.
type BlockDigest struct {
	Name   string `json:"name"` // of the tap: "visual.blocks.0.out"
	SHA256 string `json:"sha256"`
}

type blockSum struct {
	name string
	sum  hash.Hash
}

// Blocks are the digests over the prompt, in the order of the computation: the vision tower's blocks, its merger, the decoder's
// layers. The digested bytes are float32 little-endian, row after row.
func (d *BlockDigests) Blocks() []BlockDigest {
	out := make([]BlockDigest, len(d.blocks))
	for i, b := range d.blocks {
		out[i] = BlockDigest{b.name, hex.EncodeToString(b.sum.Sum(nil))}
	}
	return out
}

// Steps are the digests of each generated token that was read in its turn: over the outputs of all layers, the first one first.
func (d *BlockDigests) Steps() []string {
	out := make([]string, len(d.steps))
	for i, s := range d.steps {
		out[i] = hex.EncodeToString(s.Sum(nil))
	}
	return out
}

// nextStep begins the digest of the next generated token.
func (d *BlockDigests) nextStep() {
	if d != nil {
		d.step = sha256.New()
		d.steps = append(d.steps, d.step)
	}
}

// wants reports whether a point is a block's output.
func (d *BlockDigests) wants(at tensor.Point, name string) bool {
	return d != nil && (name == "visual.merger" || strings.HasPrefix(name, "visual.merger@") || at.Name == "out" && at.Index < 0 && (strings.HasPrefix(at.Module, "visual.blocks.") || strings.HasPrefix(at.Module, "model.layers.")))
}

// see adds rows of a block's output.
func (d *BlockDigests) see(name string, data []float32) {
	to := d.step
	if to == nil {
		to = d.block(name)
	}
	for len(data) > 0 { // through a buffer that stays in the first-level cache
		n := min(len(data), len(d.buf)/4)
		for i, v := range data[:n] {
			binary.LittleEndian.PutUint32(d.buf[4*i:], math.Float32bits(v))
		}
		to.Write(d.buf[:4*n])
		data = data[n:]
	}
}

// block is the digest of a block over the prompt.
func (d *BlockDigests) block(name string) hash.Hash {
	for i := len(d.blocks) - 1; i >= 0; i-- {
		if d.blocks[i].name == name {
			return d.blocks[i].sum
		}
	}
	b := &blockSum{name, sha256.New()}
	d.blocks = append(d.blocks, b)
	return b.sum
}

// hooks look at outputs where they lie, and copy none of them.
func (d *BlockDigests) hooks() *hooks { return &hooks{digests: d, part: func(Part) {}} }

// Answer is Model.Answer that digests what the blocks put out, also of the tokens that follow. It changes no bit.
func (d *BlockDigests) Answer(ctx context.Context, m *Model, p *Prompt, g Generation) (*Answer, error) {
	return m.answer(ctx, p, g, d.hooks(), false)
}

// Score is Model.Score that digests what the blocks put out. It changes no bit.
func (d *BlockDigests) Score(ctx context.Context, m *Model, p *Prompt) (*Score, error) {
	s, _, err := m.scoreWith(ctx, p, d.hooks())
	return s, err
}
