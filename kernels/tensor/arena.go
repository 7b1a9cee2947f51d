package tensor

import "github.com/loupe-vl/loupe/kernels"

// Arena hands out memory of a device that is given back all at once or down to a mark, so that a block's intermediate
// tensors cost no garbage and a decode step can reuse the memory of the step before it. It is not for concurrent use:
// each run has one.
type Arena struct {
	dev     kernels.Device // of the run that began with it last
	chunks  []kernels.Buffer
	chunk   int // the chunk in use
	used    int // floats used in it
	largest int // floats of the largest request
	kept    *Arena
	beside  []*Arena // of the further devices of a run, from the second on
	host    *Arena   // memory of the host, for runs on another device

	searches searches // of the run
}

// hostMemory makes an arena one of the program's own memory.
type hostMemory struct{ kernels.Device }

func (hostMemory) Alloc(n int) (kernels.Buffer, error) {
	return kernels.HostBuffer(make([]float32, n)), nil
}

func (hostMemory) Free(kernels.Buffer) {}

// arenaChunk is the least size of a chunk, in floats (4 MiB): small requests share one.
const arenaChunk = 1 << 20

// on makes a an arena of that device, which forgets the memory of another.
func (a *Arena) on(dev kernels.Device) {
	if a.dev != dev {
		*a = Arena{dev: dev, host: a.host}
	}
}

// Mark is a position to which [Arena.Release] returns.
type Mark struct{ chunk, used, hostChunk, hostUsed int }

// Mark is the present position.
func (a *Arena) Mark() Mark {
	m := Mark{chunk: a.chunk, used: a.used}
	if a.host != nil {
		m.hostChunk, m.hostUsed = a.host.chunk, a.host.used
	}
	return m
}

// Release gives back everything that was taken since m.
func (a *Arena) Release(m Mark) {
	a.chunk, a.used = m.chunk, m.used
	if a.host != nil {
		a.host.chunk, a.host.used = m.hostChunk, m.hostUsed
	}
}

// Reset gives back everything, also of Kept and of other devices, and keeps the memory for the next step.
func (a *Arena) Reset() {
	a.chunk, a.used = 0, 0
	if a.kept != nil {
		a.kept.Reset()
	}
	for _, b := range a.beside {
		b.Reset()
	}
	if a.host != nil {
		a.host.Reset()
	}
}

// On is the arena of a run's device i, of which the first is a's own. Without a device it is that of whichever was there last.
func (a *Arena) On(i int, dev kernels.Device) *Arena {
	if i == 0 {
		return a
	}
	for len(a.beside) < i {
		a.beside = append(a.beside, new(Arena))
	}
	b := a.beside[i-1]
	if dev != nil {
		b.on(dev)
	}
	return b
}

// hostFloats is memory of the host for n floats, on whichever device the arena is.
func (a *Arena) hostFloats(n int) []float32 {
	if a.host == nil {
		a.host = &Arena{dev: hostMemory{}}
	}
	data, _ := a.host.Floats(n) // the host's memory has no errors
	return data.Host()
}

// Kept is an arena beside this one, for what is to outlive a Release.
func (a *Arena) Kept() *Arena {
	if a.kept == nil {
		a.kept = &Arena{dev: a.dev}
	}
	return a.kept
}

// Floats is memory for n floats, whose contents are undefined.
func (a *Arena) Floats(n int) (kernels.Buffer, error) {
	a.largest = max(a.largest, n)
	for a.chunk < len(a.chunks) {
		c := a.chunks[a.chunk]
		if a.used+n <= c.Len() {
			out := c.Slice(a.used, a.used+n)
			a.used += n
			return out, nil
		}
		if a.used == 0 { // an empty chunk that is too small: a bigger one takes its place
			bigger, err := a.dev.Alloc(max(n, arenaChunk))
			if err != nil {
				return bigger, err
			}
			a.dev.Free(c)
			a.chunks[a.chunk] = bigger
			continue
		}
		a.chunk, a.used = a.chunk+1, 0
	}
	c, err := a.dev.Alloc(max(n, arenaChunk))
	if err != nil {
		return c, err
	}
	a.chunks = append(a.chunks, c)
	a.chunk, a.used = len(a.chunks)-1, n
	return c.Slice(0, n), nil
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
		n += 4 * c.Len()
	}
	return n
}

// Drop gives all of the arena's memory back to its device, also of Kept and of other devices: a run that had too little of it keeps none
// from the next.
func (a *Arena) Drop() {
	for _, c := range a.chunks {
		a.dev.Free(c)
	}
	if a.kept != nil {
		a.kept.Drop()
	}
	for _, b := range a.beside {
		b.Drop()
	}
	*a = Arena{dev: a.dev, largest: a.largest}
}
