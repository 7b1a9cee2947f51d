// Measure is what kernels/cuda/measure.sh needs beside the programs that it runs: it collects the parts of a measurement into one file,
// and writes the page that is made from it.
//
//	measure collect DIR           DIR/parts to DIR/measure.json
//	measure page FILE PAGE        the GPU's part of docs/performance.md, from such a file
//	measure pictures DIR          pictures of 4,096 and of 1,024 patches
//
//	main.go       the command line
//	collect.go    what the parts of a measurement left, as one object
//	page.go       the page
//	pictures.go   pictures
//
// build.sh puts the programs of a measurement together, for a machine that has neither compilers nor a network; peer_torch.py is the same
// measurement of PyTorch.
//
// May import: the standard library.
package main
