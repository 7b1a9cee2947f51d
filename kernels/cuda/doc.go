// Package cuda is an NVIDIA GPU as a [kernels.Device]: the operations that the model is written in, with the bits of the CPU.
//
// It is built with the tag cuda, through cgo and with a C compiler; without the tag [Open] says so and nothing else is there. Nothing is
// linked: the driver's library, libcuda.so.1, is opened when a device is. The kernels were compiled ahead (gen.sh) to fatbin/,
// which is part of the package; a build needs no CUDA.
//
//	device.go, options.go, stub.go   a device; what there is of it in a build without the tag
//	memory.go, collect.go, dry.go    its memory, what nobody holds any more, and a device that only counts what it would take
//	launch.go, queue.go    how a kernel is called (one struct of arguments, of the layout that the C++ has), and when it goes to the GPU
//	staging.go             what goes up and comes down
//	layout*.go, weight.go  a file for each way that weights are stored
//	product.go, prepared.go, quantized.go, mma.go   products, and their left operands
//	attention*.go, norm.go, elementwise.go, rows.go, copies.go, learn.go   the other operations
//	random.go, peaks.go    random weights to measure with, and what a GPU can do at most
//	errors.go, machine.go, recover.go   what the driver says and what to do about it, what the system says, and what goes on after it
//	library.go, drv*       the driver's library and its functions
//	src/                   the kernels: one source for the GPU and for tests
//	fatbin/                what they were compiled to
//	measure/, sass/        programs: what a GPU did, and what the machine code is made of
//	sim/                   a driver library for tests, which runs the kernels on the processor
//
// # What is the same bits
//
// Each output of a product is acc = fma(x[k], w[k], acc) for k ascending, in one register of one thread: law 1, which a GPU computes as any
// other processor does. Products of quantized weights are exact sums of integers, by tensor cores, and then the written multiply-add of each
// span. Norms, softmax and the like add in 16 lanes by index modulo 16, and exp and erf are the polynomials of kernels. There are no
// approximate instructions, no sums by atomics, no sums of floats by shuffles. Tests compare each kernel with the Go loop that it equals;
// see docs/cuda.md for how they do so without a GPU, and for what has not been shown.
//
// May import: kernels, kernels/num.
package cuda
