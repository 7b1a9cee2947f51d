package peak

// loop is a loop of one instruction over independent accumulators, which nothing but the processor's arithmetic limits.
type loop struct {
	name      string // the instruction
	available bool
	accs      int // accumulators
	width     int // bytes of a register
	ops       int // multiplications and additions of one instruction
	// run adds the dot product of the registers x[:width] and x[width:2*width] to each accumulator n times, from 0, and
	// writes the accumulators to dst.
	run func(n int, x, dst *byte)
}

// machine is the loops of a machine, the preferred ones first.
type machine struct {
	fma, bf16, int8 []loop
	// read joins 32 lanes of n blocks of 256 bytes by exclusive or: dst[i] ^= p[32*j+i] for all j.
	read func(n int, p, dst *byte)
}
