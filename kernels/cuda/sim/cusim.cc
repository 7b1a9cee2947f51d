// The fake driver library with loupe's kernels in it, in one file to compile:
//
//   g++ -std=c++17 -O2 -ffp-contract=off -fno-strict-aliasing -fvisibility=hidden -shared -fPIC -DCUSIM -Isim -o libcudasim.so sim/cusim.cc
#include "../src/attention.cu"
#include "../src/attention_tile.cu"
#include "../src/bench.cu"
#include "../src/copies.cu"
#include "../src/elementwise.cu"
#include "../src/learn.cu"
#include "../src/mma.cu"
#include "../src/norm.cu"
#include "../src/product_rows.cu"
#include "../src/product_tile.cu"
#include "../src/quantized.cu"
#include "../src/rows.cu"
#include "../src/transfer.cu"

#ifndef CUSIM_CHECKED // then these are compiled by themselves: their accesses to memory are not checked
#include "driver.cc"
#include "fibers.cc"
#endif
