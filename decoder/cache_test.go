package decoder

import (
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loupe-vl/loupe/kernels"
	"github.com/loupe-vl/loupe/kernels/cpu"
	"github.com/loupe-vl/loupe/kernels/tensor"
	"github.com/loupe-vl/loupe/weights"
)

var oneLayer = weights.TextConfig{HiddenSize: 8, NumAttentionHeads: 2, NumKeyValueHeads: 1, HeadDim: 4, NumHiddenLayers: 1}

// rowsFrom are n keys and values, which tell their position and whose they are.
func rowsFrom(first, n int, of float32) (k, v tensor.Tensor) {
	const width = 4
	k, v = tensor.Of(n, width, make([]float32, n*width)), tensor.Of(n, width, make([]float32, n*width))
	for i := range n {
		k.Row(i)[0], v.Row(i)[0] = float32(first+i)+of, -float32(first+i)-of
	}
	return k, v
}

// grow appends n positions to a cache of one layer.
func grow(t *testing.T, c *Cache, n int, of float32) tensor.KV {
	t.Helper()
	k, v := rowsFrom(c.Len(), n, of)
	kv, err := c.extend(0, k, v)
	if err != nil {
		t.Fatal(err)
	}
	c.Commit(n)
	return kv
}

// holds fails unless the cache holds the positions that rowsFrom makes: those before at of one, the others of another.
func holds(t *testing.T, c *Cache, at int, before, after float32) {
	t.Helper()
	k, v := c.first(0, c.Len(), nil, nil)
	i := 0
	for p := range k {
		for r := range k[p].Rows {
			want := float32(i) + before
			if i >= at {
				want = float32(i) + after
			}
			if k[p].Row(r)[0] != want || v[p].Row(r)[0] != -want {
				t.Fatalf("position %d holds %v and %v, want %v and %v", i, k[p].Row(r)[0], v[p].Row(r)[0], want, -want)
			}
			i++
		}
	}
	if i != c.Len() {
		t.Fatalf("the cache shows %d positions and holds %d", i, c.Len())
	}
}

func TestCacheGrowsWithoutCopying(t *testing.T) {
	c := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, DefaultPageRows).NewCache()
	var first *float32
	n := 0
	for _, step := range []int{1, DefaultPageRows - 2, 1, 3, DefaultPageRows, 1} {
		kv := grow(t, c, step, 0)
		n += step
		if kv.Len() != n || c.Len() != n {
			t.Fatalf("the cache holds %d and %d positions, want %d", kv.Len(), c.Len(), n)
		}
		if first == nil {
			first = &kv.K[0].Row(0)[0]
		}
		if first != &kv.K[0].Row(0)[0] {
			t.Fatal("the past was copied")
		}
		holds(t, c, 0, 0, 0)
	}
}

// TestStepThatFailedIsWrittenOver: what was not committed is no part of the cache.
func TestStepThatFailedIsWrittenOver(t *testing.T) {
	c := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4).NewCache()
	grow(t, c, 3, 0)
	k, v := rowsFrom(3, 6, 0.5)
	if _, err := c.extend(0, k, v); err != nil {
		t.Fatal(err)
	}
	if c.Len() != 3 {
		t.Fatalf("a step that was not committed counts: %d positions", c.Len())
	}
	grow(t, c, 2, 0)
	holds(t, c, 0, 0, 0)
}

// TestForkSharesFullPages: forks share what is full and write none of it; each goes on with what is its own.
func TestForkSharesFullPages(t *testing.T) {
	for _, at := range []int{0, 3, 4, 8, 9, 11} {
		pool := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4)
		c := pool.NewCache()
		grow(t, c, 11, 0)
		before := pageData(c, at/4)
		f, err := c.Fork(at)
		if err != nil {
			t.Fatal(err)
		}
		if f.Len() != at {
			t.Fatalf("a fork at %d holds %d positions", at, f.Len())
		}
		want := PageStats{Rows: 4, Bytes: 4 * 2 * 4 * 4, InUse: 3 + (at+3)/4 - at/4, Shared: at / 4}
		if got := pool.Stats(); got != want {
			t.Errorf("forked at %d the pool has %+v, want %+v", at, got, want)
		}
		if got, want := f.Bytes(), (at+3)/4*want.Bytes; got != want {
			t.Errorf("the fork at %d has %d bytes, want %d", at, got, want)
		}
		grow(t, f, 6, 0.25)
		grow(t, c, 6, 0.5)
		holds(t, f, at, 0, 0.25)
		holds(t, c, 11, 0, 0.5)
		if !sameBits(before, pageData(c, at/4)) || !sameBits(before, pageData(f, at/4)) {
			t.Errorf("forked at %d: a shared page was written", at)
		}
		c.Release()
		holds(t, f, at, 0, 0.25)
		f.Release()
		if got := pool.Stats(); got.InUse != 0 || got.Shared != 0 {
			t.Errorf("after all is released the pool has %+v", got)
		}
	}
	c := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4).NewCache()
	grow(t, c, 2, 0)
	for _, at := range []int{-1, 3} {
		if _, err := c.Fork(at); err == nil {
			t.Errorf("a fork at %d of 2 positions is no error", at)
		}
	}
}

// pageData is a copy of what the first n pages of a cache hold.
func pageData(c *Cache, n int) []float32 {
	var out []float32
	for _, pg := range c.held.pages[:n] {
		out = append(out, pg.data[0].Host()...)
	}
	return out
}

func sameBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

// TestSharedPageIsNotWritten: a cache that would write to a page of another one's says so, and does not.
func TestSharedPageIsNotWritten(t *testing.T) {
	pool := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4)
	a, b := pool.NewCache(), pool.NewCache()
	grow(t, a, 3, 0)
	pool.share(a.held.pages) // the fault: a page that is not full
	b.held.pages, b.n = a.held.pages, 3
	k, v := rowsFrom(3, 1, 0.5)
	if _, err := b.extend(0, k, v); err == nil || !strings.Contains(err.Error(), "position 3") {
		t.Errorf("the error is %v", err)
	}
	holds(t, a, 0, 0, 0)
}

// lending counts what a device lends.
type lending struct {
	kernels.Device
	lent int
}

func (d *lending) Alloc(n int) (kernels.Buffer, error) { d.lent++; return d.Device.Alloc(n) }

func (d *lending) Free(b kernels.Buffer) { d.lent--; d.Device.Free(b) }

// TestPagesComeBack: released pages are used again, no more free ones are kept than are in use or a few, and a cache that is released
// twice or used again after that does no harm.
func TestPagesComeBack(t *testing.T) {
	dev := &lending{Device: cpu.New(nil)}
	pool := NewPagePool(weights.OneDevice(dev), oneLayer, 4)
	var caches []*Cache
	for range 10 {
		c := pool.NewCache()
		grow(t, c, 8, 0)
		caches = append(caches, c)
	}
	if got := pool.Stats(); got.InUse != 20 || got.Free != 0 {
		t.Fatalf("ten caches of two pages: %+v", got)
	}
	last := caches[0].held.pages[1]
	for _, c := range caches[:3] {
		c.Release()
	}
	if got := pool.Stats(); got.InUse != 14 || got.Free != 6 || caches[0].Len() != 0 || caches[0].Bytes() != 0 {
		t.Fatalf("three of them released: %+v", got)
	}
	caches[0].Release()
	grow(t, caches[0], 24, 0)
	if got := pool.Stats(); got.InUse != 20 || got.Free != 0 {
		t.Fatalf("one goes on with their pages: %+v", got)
	}
	found := false
	for _, pg := range caches[0].held.pages {
		found = found || pg == last
	}
	if !found {
		t.Error("a page that came back is not used again")
	}
	holds(t, caches[0], 0, 0, 0)
	for i, c := range caches {
		c.Release()
		if got := pool.Stats(); got.Free > max(got.InUse, keepFree) {
			t.Errorf("after %d releases: %+v", i+1, got)
		} else if dev.lent != got.InUse+got.Free {
			t.Errorf("after %d releases %d pages are taken from the device: %+v", i+1, dev.lent, got)
		}
	}
	if got := pool.Stats(); got.InUse != 0 || got.Free != keepFree {
		t.Errorf("all released: %+v", got)
	}
}

// TestForgottenCache: the pages of a cache that nobody released come back with the garbage collector.
func TestForgottenCache(t *testing.T) {
	pool := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4)
	kept := pool.NewCache()
	grow(t, kept, 9, 0)
	func() {
		c := pool.NewCache()
		grow(t, c, 6, 0)
		f, err := c.Fork(5)
		if err != nil {
			t.Fatal(err)
		}
		grow(t, f, 2, 0)
	}()
	if got := pool.Stats(); got.InUse != 6 || got.Shared != 1 {
		t.Fatalf("the pool has %+v", got)
	}
	for range 1000 {
		if runtime.GC(); pool.Stats().InUse == 3 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if got := pool.Stats(); got.InUse != 3 || got.Shared != 0 || got.Free != 3 {
		t.Errorf("after they are forgotten the pool has %+v", got)
	}
	holds(t, kept, 0, 0, 0)
}

// TestPoolTogether: caches of several goroutines take, share and give back pages of one pool, and none sees another's.
func TestPoolTogether(t *testing.T) {
	pool := NewPagePool(weights.OneDevice(cpu.New(nil)), oneLayer, 4)
	spoilFreePages(pool)
	begin := pool.NewCache()
	grow(t, begin, 10, 0)
	var group sync.WaitGroup
	for g := range 4 {
		forks := make([]*Cache, 20)
		for i := range forks {
			var err error
			if forks[i], err = begin.Fork(10 - i%3); err != nil {
				t.Fatal(err)
			}
		}
		group.Go(func() {
			of := float32(g+1) / 8
			for i, f := range forks {
				at := f.Len()
				grow(t, f, 1+i, of)
				holds(t, f, at, 0, of)
				f.Release()
				c := pool.NewCache()
				grow(t, c, 5+i, of)
				holds(t, c, 0, of, of)
				c.Release()
			}
		})
	}
	group.Wait()
	holds(t, begin, 0, 0, 0)
	begin.Release()
	if got := pool.Stats(); got.InUse != 0 || got.Shared != 0 {
		t.Errorf("after all is released the pool has %+v", got)
	}
}
