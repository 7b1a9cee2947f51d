package tensor

import "hash/fnv"

// dropped is x with a part p of its elements set to 0 and the others divided by 1-p, as torch.nn.Dropout does while it
// learns. Which ones go depends on the run's seed, the layer's name and the element alone (a counter-based generator): not on
// threads, and not on whether a block is computed again.
func (r *Run) dropped(x Tensor, name string, p float32) Tensor {
	out := r.New(x.Rows, x.Cols)
	key := r.dropoutKey(name)
	scale, limit := 1/(1-p), uint64(float64(p)*(1<<32))
	r.rows(x.Rows, 4*x.Cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			dst := out.Row(i)
			for c, v := range x.Row(i) {
				dst[c] = 0
				if mix(key+uint64(i*x.Cols+c))>>32 >= limit {
					dst[c] = v * scale
				}
			}
		}
	})
	return out
}

func (r *Run) dropoutKey(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return mix(r.DropoutSeed) ^ h.Sum64()
}

// mix is the finalizer of SplitMix64 (Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
