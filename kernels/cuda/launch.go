//go:build cuda && linux && cgo

package cuda

import (
	"fmt"
	"unsafe"
)

// kernel is one that has been looked up.
type kernel struct {
	f    unsafe.Pointer
	size int // bytes of its argument
}

// most is the most blocks of a grid's second and third dimension.
const most = 65535

// launch queues a kernel with one argument, a struct of numbers and addresses laid out as the C++ one of the same name, which is copied.
// d.mu is held. After an error nothing is launched any more. Nothing is allocated once a kernel has been run.
func launch[A any](d *Device, name string, grid [3]int, threads int, args A) {
	if d.err != nil || d.ctx.dry || grid[0] <= 0 || grid[1] <= 0 || grid[2] <= 0 {
		return
	}
	k, known := d.functions[name]
	if !known {
		f, size, err := d.ctx.function(name)
		if err != nil {
			d.fail(err)
			return
		}
		if size != int(unsafe.Sizeof(args)) {
			d.fail(fmt.Errorf("cuda: the kernel %s takes %d bytes of arguments and is given %d; the compiled kernels are of another version than the program, build it again", name, size, unsafe.Sizeof(args)))
			return
		}
		k = kernel{f, size}
		d.functions[name] = k
	}
	if grid[1] > most || grid[2] > most {
		d.fail(fmt.Errorf("cuda: the kernel %s is asked for %d by %d by %d blocks; there may be %d of the last two", name, grid[0], grid[1], grid[2], most))
		return
	}
	d.left = prepared{}
	d.enqueue(k, grid, threads, unsafe.Pointer(&args), k.size/8) // arguments hold addresses, and so are whole words
}

// blocks is how many blocks of so many things n things are.
func blocks(n, of int) int { return (n + of - 1) / of }

// flat is a grid for a kernel that goes over n numbers in strides: enough blocks to fill a GPU, and no more.
func flat(n int) [3]int { return [3]int{min(blocks(n, flatThreads), 8192), 1, 1} }

const flatThreads = 256
