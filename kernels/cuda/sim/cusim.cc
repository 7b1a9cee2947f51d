// The fake driver library with loupe's kernels in it, in one file to compile:
//
//   g++ -std=c++17 -O2 -ffp-contract=off -fno-strict-aliasing -fvisibility=hidden -shared -fPIC -DCUSIM -Isim -o libcudasim.so sim/cusim.cc
#include "../src/kernels.cu"

#include "driver.cc"
#include "fibers.cc"
