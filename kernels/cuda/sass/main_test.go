package main

import (
	"strings"
	"testing"
)

// listing is two loops, one in the other, as nvdisasm -hex prints them. Of the multiply-adds the first one reads three registers of one bank,
// the second one keeps one of them from the first.
const listing = `	.section	.nv.info.small,"",@"SHT_CUDA_INFO"
	//----- nvinfo : EIATTR_MAX_THREADS
        /*0038*/ 	.word	0x00000040
        /*003c*/ 	.word	0x00000001
.text.small:
        /*0000*/                   LDC R1, c[0x0][0x28] ;                                     /* 0x00000a00ff017b82 */
                                                                                              /* 0x000ff00000000800 */
.L_x_1:
        /*0010*/                   LDS.128 R4, [R2] ;                                         /* 0x00000a00ff017b82 */
                                                                                              /* 0x000fe20000000800 */
.L_x_2:
        /*0020*/                   FFMA R10, R4, R6, R8 ;                                     /* 0x00000a00ff017b82 */
                                                                                              /* 0x000fc80000000800 */
        /*0030*/                   FFMA R10, R4.reuse, R6, R8 ;                               /* 0x00000a00ff017b82 */
                                                                                              /* 0x040fc80000000800 */
        /*0040*/              @!P0 BRA ` + "`(.L_x_2)" + ` ;                                         /* 0x00000000000c8947 */
                                                                                              /* 0x004fea0003800000 */
        /*0050*/               @P1 BRA ` + "`(.L_x_1)" + ` ;                                         /* 0x00000000000c8947 */
                                                                                              /* 0x004fea0003800000 */
`

func TestLoops(t *testing.T) {
	var out strings.Builder
	if err := run(&out, strings.NewReader(listing), "", 90, ".", 1); err != nil {
		t.Fatal(err)
	}
	const want = `small: 64 threads, 0 registers, 0 bytes shared, 0 spilled: 0 blocks, 0 warps
  sum 5, math 40 %, stalls 19, banks 1: BRA 2 FFMA 2 LDS.128 1
    sum 3, math 67 %, stalls 13, banks 1: FFMA 2 BRA 1
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if err := run(&out, strings.NewReader("no listing"), "", 90, ".", 1); err == nil {
		t.Error("what is no listing was read")
	}
}

func TestBlocks(t *testing.T) {
	for _, c := range []struct{ registers, shared, threads, arch, want int }{
		{128, 40960, 256, 90, 2}, // registers
		{72, 37888, 64, 90, 6},   // shared memory
		{30, 0, 128, 90, 16},     // threads
		{30, 0, 128, 89, 12},
		{30, 0, 32, 80, 32}, // blocks
	} {
		if got := (used{registers: c.registers, shared: c.shared}).blocks(c.arch, c.threads); got != c.want {
			t.Errorf("%+v: %d blocks", c, got)
		}
	}
}
