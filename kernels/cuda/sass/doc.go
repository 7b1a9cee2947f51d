// Command sass says what the loops of compiled kernels are made of. It reads what nvdisasm -hex prints of one file of kernels (../sass.sh runs
// it) and the file's list of registers, NAME.use. Of each loop, with the loops inside it counted once:
//
//	sum     its instructions
//	math    how many of every hundred are what the kernel is for: fused multiply-adds, integer dot products, tensor cores
//	stalls  clocks from its first instruction to its last as the compiler planned them, for one warp alone and with no wait for memory
//	banks   multiply-adds whose three operands lie in one bank of registers, and take two clocks
//
// and then how many of each kind, loads and stores by how many bits a thread moves. Blocks and warps are what one multiprocessor holds.
//
//	main.go      the command
//	listing.go   what the disassembler prints, and the loops in it
//	count.go     what a loop is made of, and what a block of a kernel takes
//
// May import: the standard library.
package main
