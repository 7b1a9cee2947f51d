package tensor

import (
	"hash/fnv"

	"github.com/loupe-vl/loupe/kernels/num"
)

// dropped is x with a part p of its elements set to 0 and the others divided by 1-p, as torch.nn.Dropout does while it
// learns. Which ones go depends on the run's seed, the layer's name and the element alone (a counter-based generator): not on
// threads, and not on whether a block is computed again.
func (r *Run) dropped(x Tensor, name string, p float32) Tensor {
	out := r.New(x.Rows, x.Cols)
	if !r.idle() {
		r.dev.Dropout(out.array(), x.array(), r.dropoutKey(name), p)
	}
	return out
}

func (r *Run) dropoutKey(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return num.Mix64(r.DropoutSeed) ^ h.Sum64()
}
