// The part of the CUDA driver API that loupe calls, with prototypes of its own: no header of NVIDIA's is needed to build, and no library to
// start. Names that end in _v2 are those that the library exports.
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long drv_ptr; // CUdeviceptr

#define DRV_FUNCS(X)                                                                                                                                     \
  X(Init, cuInit, (unsigned))                                                                                                                            \
  X(DriverGetVersion, cuDriverGetVersion, (int *))                                                                                                       \
  X(DeviceGetCount, cuDeviceGetCount, (int *))                                                                                                           \
  X(DeviceGet, cuDeviceGet, (int *, int))                                                                                                                \
  X(DeviceGetName, cuDeviceGetName, (char *, int, int))                                                                                                  \
  X(DeviceGetAttribute, cuDeviceGetAttribute, (int *, int, int))                                                                                         \
  X(PrimaryCtxRetain, cuDevicePrimaryCtxRetain, (void **, int))                                                                                          \
  X(PrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (int))                                                                                              \
  X(CtxSetCurrent, cuCtxSetCurrent, (void *))                                                                                                            \
  X(CtxSynchronize, cuCtxSynchronize, (void))                                                                                                            \
  X(ModuleLoadData, cuModuleLoadData, (void **, const void *))                                                                                           \
  X(ModuleUnload, cuModuleUnload, (void *))                                                                                                              \
  X(ModuleGetFunction, cuModuleGetFunction, (void **, void *, const char *))                                                                             \
  X(FuncGetParamInfo, cuFuncGetParamInfo, (void *, size_t, size_t *, size_t *))                                                                          \
  X(LaunchKernel, cuLaunchKernel, (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **))              \
  X(MemAlloc, cuMemAlloc_v2, (drv_ptr *, size_t))                                                                                                        \
  X(MemFree, cuMemFree_v2, (drv_ptr))                                                                                                                    \
  X(MemGetInfo, cuMemGetInfo_v2, (size_t *, size_t *))                                                                                                   \
  X(MemcpyHtoD, cuMemcpyHtoD_v2, (drv_ptr, const void *, size_t))                                                                                        \
  X(MemcpyDtoH, cuMemcpyDtoH_v2, (void *, drv_ptr, size_t))                                                                                              \
  X(MemcpyDtoD, cuMemcpyDtoD_v2, (drv_ptr, drv_ptr, size_t))                                                                                             \
  X(MemsetD8, cuMemsetD8_v2, (drv_ptr, unsigned char, size_t))                                                                                           \
  X(MemHostAlloc, cuMemHostAlloc, (void **, size_t, unsigned))                                                                                           \
  X(MemFreeHost, cuMemFreeHost, (void *))                                                                                                                \
  X(GetErrorString, cuGetErrorString, (int, const char **))

typedef struct {
#define X(name, symbol, args) int(*name) args;
  DRV_FUNCS(X)
#undef X
} drv_table;

// drv_open loads the library at path. It is 0, or -1 with what is missing in err. The functions below take a context, which they make that
// of their thread: a goroutine may be on another thread at each call.
int drv_open(const char *path, drv_table *drv, char *err, size_t len);
int drv_devices(drv_table *drv, int *count);
int drv_version(drv_table *drv, int *version);
int drv_retain(drv_table *drv, int ordinal, void **ctx, int *device, char *name, int len, int *major, int *minor, int *processors);
int drv_release(drv_table *drv, int device);
int drv_load(drv_table *drv, void *ctx, const void *image, void **module);
int drv_unload(drv_table *drv, void *ctx, void *module);
int drv_function(drv_table *drv, void *ctx, void *module, const char *name, void **function, size_t *bytes);
int drv_launch(drv_table *drv, void *ctx, void *function, unsigned gx, unsigned gy, unsigned gz, unsigned threads, void *args);
int drv_sync(drv_table *drv, void *ctx);
int drv_alloc(drv_table *drv, void *ctx, drv_ptr *p, size_t n);
int drv_free(drv_table *drv, void *ctx, drv_ptr p);
int drv_memory(drv_table *drv, void *ctx, size_t *left, size_t *total);
int drv_up(drv_table *drv, void *ctx, drv_ptr to, const void *from, size_t n);
int drv_down(drv_table *drv, void *ctx, void *to, drv_ptr from, size_t n);
int drv_copy(drv_table *drv, void *ctx, drv_ptr to, drv_ptr from, size_t n);
int drv_fill(drv_table *drv, void *ctx, drv_ptr to, unsigned char value, size_t n);
int drv_pin(drv_table *drv, void *ctx, void **p, size_t n);
int drv_unpin(drv_table *drv, void *ctx, void *p);
const char *drv_text(drv_table *drv, int code);
