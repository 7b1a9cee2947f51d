// COUNTED(T, p) is p as a pointer to a T in shared memory that all lanes of a warp load at once. The fake driver counts by it how many
// accesses a warp's loads are: see ../traffic_test.go.
#pragma once

#include "device.cuh"

#ifdef CUSIM
#define COUNTED(T, p) (static_cast<const T *>(cusim::loaded(__LINE__, (p), sizeof(T))))
#else
#define COUNTED(T, p) (reinterpret_cast<const T *>(p))
#endif
