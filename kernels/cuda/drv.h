// The part of the CUDA driver API that loupe calls, with prototypes of its own: no header of NVIDIA's is needed to build, and no library to
// start. Names that end in _v2 are those that the library exports.
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long drv_ptr; // CUdeviceptr

typedef struct { // CUDA_KERNEL_NODE_PARAMS_v2
  void *function;
  unsigned grid[3], block[3], shared;
  void **args, **extra;
  void *kernel, *context; // unused where there is a function
} drv_kernel;

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
  X(ModuleLoadData, cuModuleLoadData, (void **, const void *))                                                                                           \
  X(ModuleUnload, cuModuleUnload, (void *))                                                                                                              \
  X(ModuleGetFunction, cuModuleGetFunction, (void **, void *, const char *))                                                                             \
  X(FuncGetParamInfo, cuFuncGetParamInfo, (void *, size_t, size_t *, size_t *))                                                                          \
  X(LaunchKernel, cuLaunchKernel, (void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void *, void **, void **))              \
  X(MemAlloc, cuMemAlloc_v2, (drv_ptr *, size_t))                                                                                                        \
  X(MemFree, cuMemFree_v2, (drv_ptr))                                                                                                                    \
  X(MemGetInfo, cuMemGetInfo_v2, (size_t *, size_t *))                                                                                                   \
  X(MemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, (drv_ptr, const void *, size_t, void *))                                                                      \
  X(MemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, (void *, drv_ptr, size_t, void *))                                                                            \
  X(StreamCreate, cuStreamCreate, (void **, unsigned))                                                                                                   \
  X(StreamSynchronize, cuStreamSynchronize, (void *))                                                                                                    \
  X(StreamDestroy, cuStreamDestroy_v2, (void *))                                                                                                         \
  X(EventCreate, cuEventCreate, (void **, unsigned))                                                                                                     \
  X(EventRecord, cuEventRecord, (void *, void *))                                                                                                        \
  X(EventSynchronize, cuEventSynchronize, (void *))                                                                                                      \
  X(EventDestroy, cuEventDestroy_v2, (void *))                                                                                                           \
  X(GraphCreate, cuGraphCreate, (void **, unsigned))                                                                                                     \
  X(GraphAddKernelNode, cuGraphAddKernelNode_v2, (void **, void *, void *const *, size_t, const drv_kernel *))                                           \
  X(GraphInstantiate, cuGraphInstantiateWithFlags, (void **, void *, unsigned long long))                                                                \
  X(GraphExecKernelNodeSetParams, cuGraphExecKernelNodeSetParams_v2, (void *, void *, const drv_kernel *))                                               \
  X(GraphLaunch, cuGraphLaunch, (void *, void *))                                                                                                        \
  X(GraphExecDestroy, cuGraphExecDestroy, (void *))                                                                                                      \
  X(GraphDestroy, cuGraphDestroy, (void *))                                                                                                              \
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
// drv_older asks a library that lacks a function for its version; -1 where it has none. drv_file is the file that a library was loaded from.
int drv_older(const char *path, int *version);
int drv_file(drv_table *drv, char *file, size_t len);
int drv_devices(drv_table *drv, int *count);
int drv_version(drv_table *drv, int *version);
int drv_retain(drv_table *drv, int ordinal, void **ctx, int *device, char *name, int len, int *major, int *minor, int *processors);
int drv_release(drv_table *drv, int device);
int drv_load(drv_table *drv, void *ctx, const void *image, void **module);
int drv_unload(drv_table *drv, void *ctx, void *module);
int drv_function(drv_table *drv, void *ctx, void *module, const char *name, void **function, size_t *bytes);

// A launch of a kernel in a list of them, whose arguments lie one after the other. There are no pointers in it, so that it may be Go's.
typedef struct {
  uintptr_t function;
  unsigned grid[3], threads;
  unsigned at, bytes; // of the argument
} drv_launch;

// drv_launch_all launches a list. It is an error's code, and failed the number of the launch that had it.
int drv_launch_all(drv_table *drv, void *ctx, void *stream, const drv_launch *list, size_t n, char *args, size_t *failed);

// A graph that launches a list, each after the one before it. args is what it was last launched with.
typedef struct {
  void *graph, *exec, **nodes;
  char *args;
} drv_graph;

// drv_graph_make makes a graph of a list, whose arguments are so many bytes; after an error there is none.
int drv_graph_make(drv_table *drv, void *ctx, const drv_launch *list, size_t n, char *args, size_t bytes, drv_graph *graph);
// drv_graph_launch launches a graph with the arguments that the list has now, of which only those that changed are handed on.
int drv_graph_launch(drv_table *drv, void *ctx, void *stream, drv_graph *graph, const drv_launch *list, size_t n, char *args, size_t *failed);
void drv_graph_destroy(drv_table *drv, void *ctx, drv_graph *graph);

int drv_stream(drv_table *drv, void *ctx, void **stream);
int drv_stream_wait(drv_table *drv, void *ctx, void *stream);
void drv_stream_destroy(drv_table *drv, void *ctx, void *stream);
int drv_event(drv_table *drv, void *ctx, void **event);
int drv_event_record(drv_table *drv, void *ctx, void *event, void *stream);
int drv_event_wait(drv_table *drv, void *ctx, void *event);
void drv_event_destroy(drv_table *drv, void *ctx, void *event);
int drv_alloc(drv_table *drv, void *ctx, drv_ptr *p, size_t n);
int drv_free(drv_table *drv, void *ctx, drv_ptr p);
int drv_memory(drv_table *drv, void *ctx, size_t *left, size_t *total);
// drv_up and drv_down copy on the stream; the host's memory must stay until they are done.
int drv_up(drv_table *drv, void *ctx, void *stream, drv_ptr to, const void *from, size_t n);
int drv_down(drv_table *drv, void *ctx, void *stream, void *to, drv_ptr from, size_t n);
int drv_pin(drv_table *drv, void *ctx, void **p, size_t n);
int drv_unpin(drv_table *drv, void *ctx, void *p);
const char *drv_text(drv_table *drv, int code);
