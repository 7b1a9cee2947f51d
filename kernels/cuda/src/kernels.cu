// loupe's kernels, one source for the device and for the fake driver of the tests. gen.sh compiles it.
#include "device.cuh"

#include "elements.cuh"

#include "product_tile.cuh"
#include "product_rows.cuh"
#include "rows.cuh"
