package tensor

// Arena hands out float32 memory that is given back all at once or down to a mark, so that a block's intermediate
// tensors cost no garbage and a decode step can reuse the memory of the step before it. It is not for concurrent use:
// each run has one.
type Arena struct {
	chunks [][]float32
	chunk  int // the chunk in use
	used   int // floats used in it
	kept   *Arena

	count   bool      // see CountingArena
	shared  []float32 // what all chunks of a counting arena lie in
	largest int       // floats of the largest request
}

// CountingArena hands out the same memory for everything, as large as the largest request: for a run on an engine that
// computes nothing, whose need of memory is to be known. Bytes is what an arena would hold.
func CountingArena() *Arena { return &Arena{count: true} }

// arenaChunk is the least size of a chunk, in floats (4 MiB): small requests share one.
const arenaChunk = 1 << 20

// Mark is a position to which [Arena.Release] returns.
type Mark struct{ chunk, used int }

// Mark is the present position.
func (a *Arena) Mark() Mark { return Mark{a.chunk, a.used} }

// Release gives back everything that was taken since m.
func (a *Arena) Release(m Mark) { a.chunk, a.used = m.chunk, m.used }

// Reset gives back everything, also of Kept, and keeps the memory for the next step.
func (a *Arena) Reset() {
	a.chunk, a.used = 0, 0
	if a.kept != nil {
		a.kept.Reset()
	}
}

// Kept is an arena beside this one, for what is to outlive a Release.
func (a *Arena) Kept() *Arena {
	if a.kept == nil {
		a.kept = &Arena{count: a.count}
	}
	return a.kept
}

// Floats returns n floats whose contents are undefined.
func (a *Arena) Floats(n int) []float32 {
	a.largest = max(a.largest, n)
	for a.chunk < len(a.chunks) {
		if c := a.chunks[a.chunk]; a.used+n <= len(c) {
			out := c[a.used : a.used+n : a.used+n]
			a.used += n
			return out
		}
		if a.used == 0 { // an empty chunk that is too small: a bigger one takes its place
			a.chunks[a.chunk] = a.memory(max(n, arenaChunk))
			continue
		}
		a.chunk, a.used = a.chunk+1, 0
	}
	a.chunks = append(a.chunks, a.memory(max(n, arenaChunk)))
	a.chunk, a.used = len(a.chunks)-1, n
	return a.chunks[a.chunk][:n:n]
}

// memory is a new chunk.
func (a *Arena) memory(n int) []float32 {
	if !a.count {
		return make([]float32, n)
	}
	if len(a.shared) < n {
		a.shared = make([]float32, n)
	}
	return a.shared[:n:n]
}

// Largest is the bytes of the largest request so far, also of Kept.
func (a *Arena) Largest() int {
	n := 4 * a.largest
	if a.kept != nil {
		n = max(n, a.kept.Largest())
	}
	return n
}

// Bytes is the memory that the arena holds.
func (a *Arena) Bytes() int {
	n := 0
	if a.kept != nil {
		n = a.kept.Bytes()
	}
	for _, c := range a.chunks {
		n += 4 * len(c)
	}
	return n
}
