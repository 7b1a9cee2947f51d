package decoder

import (
	"slices"
	"sync"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

// DefaultPageRows is how many positions a page holds where nobody asks for another number. It changes no bit of a result.
const DefaultPageRows = 256

// keepFree is how many free pages a pool keeps at least, if it ever had as many.
const keepFree = 4

// PagePool makes the pages of caches, and takes back those that no cache holds any more. It keeps no more free pages than
// are in use, or a few, so that its memory follows the load. It is safe for concurrent use.
type PagePool struct {
	rows           int          // positions of a page
	layers         []layerPlace // where each layer's are
	devices        []deviceShare
	kvHeads, width int // width is kv_heads*head_dim

	mu     sync.Mutex
	free   []*page
	inUse  int
	shared int
	onFree func(*page) // tests spoil what is free; nil for nothing
}

// page holds the keys and values of some positions in all layers, on each device those of its own: layer by layer, keys before values,
// each (rows, kv_heads*head_dim). A page that more than one cache holds is full and is not written.
type page struct {
	data []kernels.Buffer // one for each device that has layers
	held int              // by so many caches; the pool's lock guards it
}

// layerPlace is where a page has the keys and values of a layer: in which of its buffers, and after how many layers there.
type layerPlace struct{ device, nth int }

// deviceShare is a device and how many layers lie on it.
type deviceShare struct {
	kernels.Device
	layers int
}

// NewPagePool is an empty pool for a model of this configuration whose layers lie on these devices, with pages of so many positions.
func NewPagePool(on *weights.DeviceMap, cfg weights.TextConfig, rows int) *PagePool {
	p := &PagePool{rows: rows, kvHeads: cfg.NumKeyValueHeads, width: cfg.NumKeyValueHeads * cfg.HeadDim}
	share := map[int]int{}
	for i := range cfg.NumHiddenLayers {
		d, known := share[on.Layer(i)]
		if !known {
			d = len(p.devices)
			share[on.Layer(i)] = d
			p.devices = append(p.devices, deviceShare{Device: on.Devices[on.Layer(i)]})
		}
		p.layers = append(p.layers, layerPlace{d, p.devices[d].layers})
		p.devices[d].layers++
	}
	return p
}

// PageStats counts the pages of a pool.
type PageStats struct {
	Rows   int // positions that a page holds
	Bytes  int // memory of a page
	InUse  int // pages that at least one cache holds, each counted once
	Shared int // of these, pages that more than one cache holds
	Free   int // pages that wait for a cache
}

// Stats counts the pool's pages as they are now.
func (p *PagePool) Stats() PageStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return PageStats{Rows: p.rows, Bytes: 4 * p.floats(), InUse: p.inUse, Shared: p.shared, Free: len(p.free)}
}

// floats is how many numbers a page has.
func (p *PagePool) floats() int { return 2 * len(p.layers) * p.rows * p.width }

// take is a page that one cache holds, contents undefined. It is an error where the device has no memory left.
func (p *PagePool) take() (*page, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		pg := p.free[n-1]
		p.free = p.free[:n-1]
		pg.held = 1
		p.inUse++
		return pg, nil
	}
	pg := &page{held: 1}
	for _, d := range p.devices {
		data, err := d.Alloc(2 * d.layers * p.rows * p.width)
		if err != nil {
			p.drop(pg)
			return nil, err
		}
		pg.data = append(pg.data, data)
	}
	p.inUse++
	return pg, nil
}

// drop gives the memory of a page back.
func (p *PagePool) drop(pg *page) {
	for i, data := range pg.data {
		p.devices[i].Free(data)
	}
}

// share lets one cache more hold pages that are full.
func (p *PagePool) share(pages []*page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pg := range pages {
		if pg.held++; pg.held == 2 {
			p.shared++
		}
	}
}

// release takes pages back from one of the caches that hold them.
func (p *PagePool) release(pages []*page) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pg := range pages {
		switch pg.held--; pg.held {
		case 1:
			p.shared--
		case 0:
			p.inUse--
			p.free = append(p.free, pg)
			if p.onFree != nil {
				p.onFree(pg)
			}
		}
	}
	if most := max(p.inUse, keepFree); len(p.free) > most {
		for _, pg := range p.free[most:] {
			p.drop(pg)
		}
		p.free = slices.Delete(p.free, most, len(p.free))
	}
}

// alone reports whether one cache only holds a page, so that it may be written.
func (p *PagePool) alone(pg *page) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pg.held == 1
}

// keys are those of a layer in a page, (rows, kv_heads*head_dim).
func (p *PagePool) keys(pg *page, layer int) tensor.Tensor { return p.part(pg, layer, 0) }

// values are those of a layer in a page, (rows, kv_heads*head_dim).
func (p *PagePool) values(pg *page, layer int) tensor.Tensor { return p.part(pg, layer, 1) }

func (p *PagePool) part(pg *page, layer, i int) tensor.Tensor {
	n, at := p.rows*p.width, p.layers[layer]
	i += 2 * at.nth
	return tensor.OfBuffer(p.rows, p.width, pg.data[at.device].Slice(i*n, (i+1)*n))
}

// copyAll makes copies of a layer's keys and values, which lie on its device.
func (p *PagePool) copyAll(layer int, copies *tensor.Copies) {
	copies.Do(p.devices[p.layers[layer].device].Device)
}

// copyRows copies rows of a layer's keys or values, which lie on its device.
func (p *PagePool) copyRows(layer int, to, from tensor.Tensor) {
	tensor.CopyRows(p.devices[p.layers[layer].device].Device, to, from)
}
