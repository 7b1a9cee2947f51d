// loupe's kernels, one source for the device and for the fake driver of the tests. gen.sh compiles it.
#include "product_tile.cuh"
#include "product_rows.cuh"
#include "quantized.cuh"
#include "rows.cuh"
#include "elementwise.cuh"
#include "norm.cuh"
#include "learn.cuh"
