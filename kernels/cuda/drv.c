//go:build cuda && linux

#define _GNU_SOURCE // of dladdr

#include "drv.h"

#include <dlfcn.h>
#include <stdio.h>

int drv_open(const char *path, drv_table *drv, char *err, size_t len) {
  void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!h) {
    snprintf(err, len, "%s", dlerror());
    return -1;
  }
#define X(name, symbol, args)                                   \
  *(void **)(&drv->name) = dlsym(h, #symbol);                   \
  if (!drv->name) {                                             \
    snprintf(err, len, "%s has no function %s", path, #symbol); \
    return -1;                                                  \
  }
  DRV_FUNCS(X)
#undef X
  return drv->Init(0);
}

int drv_older(const char *path, int *version) {
  void *h = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  int (*get)(int *) = NULL;
  if (h) *(void **)(&get) = dlsym(h, "cuDriverGetVersion");
  return get ? get(version) : -1;
}

int drv_file(drv_table *drv, char *file, size_t len) {
  Dl_info info;
  if (!dladdr(*(void **)(&drv->Init), &info) || !info.dli_fname) return 0;
  snprintf(file, len, "%s", info.dli_fname);
  return 1;
}

// WITH runs a call with ctx current on this thread.
#define WITH(ctx, call)                \
  int code = drv->CtxSetCurrent(ctx);  \
  return code ? code : drv->call

int drv_devices(drv_table *drv, int *count) { return drv->DeviceGetCount(count); }
int drv_version(drv_table *drv, int *version) { return drv->DriverGetVersion(version); }

int drv_retain(drv_table *drv, int ordinal, void **ctx, int *device, char *name, int len, int *major, int *minor, int *processors) {
  int code;
  if ((code = drv->DeviceGet(device, ordinal))) return code;
  if ((code = drv->DeviceGetName(name, len, *device))) return code;
  if ((code = drv->DeviceGetAttribute(major, 75, *device))) return code; // the compute capability
  if ((code = drv->DeviceGetAttribute(minor, 76, *device))) return code;
  if ((code = drv->DeviceGetAttribute(processors, 16, *device))) return code;
  return drv->PrimaryCtxRetain(ctx, *device);
}

int drv_release(drv_table *drv, int device) { return drv->PrimaryCtxRelease(device); }
int drv_load(drv_table *drv, void *ctx, const void *image, void **module) { WITH(ctx, ModuleLoadData(module, image)); }
int drv_unload(drv_table *drv, void *ctx, void *module) { WITH(ctx, ModuleUnload(module)); }

int drv_function(drv_table *drv, void *ctx, void *module, const char *name, void **function, size_t *bytes) {
  size_t offset;
  int code = drv->CtxSetCurrent(ctx);
  if (!code) code = drv->ModuleGetFunction(function, module, name);
  return code ? code : drv->FuncGetParamInfo(*function, 0, &offset, bytes);
}

int drv_stream(drv_table *drv, void *ctx, void **stream) { WITH(ctx, StreamCreate(stream, 1)); } // it does not wait for the default one
int drv_stream_wait(drv_table *drv, void *ctx, void *stream) { WITH(ctx, StreamSynchronize(stream)); }
void drv_stream_destroy(drv_table *drv, void *ctx, void *stream) {
  if (!drv->CtxSetCurrent(ctx)) drv->StreamDestroy(stream);
}
int drv_event(drv_table *drv, void *ctx, void **event) { WITH(ctx, EventCreate(event, 2)); } // without a time
int drv_event_record(drv_table *drv, void *ctx, void *event, void *stream) { WITH(ctx, EventRecord(event, stream)); }
int drv_event_wait(drv_table *drv, void *ctx, void *event) { WITH(ctx, EventSynchronize(event)); }
void drv_event_destroy(drv_table *drv, void *ctx, void *event) {
  if (!drv->CtxSetCurrent(ctx)) drv->EventDestroy(event);
}
int drv_alloc(drv_table *drv, void *ctx, drv_ptr *p, size_t n) { WITH(ctx, MemAlloc(p, n)); }
int drv_free(drv_table *drv, void *ctx, drv_ptr p) { WITH(ctx, MemFree(p)); }
int drv_memory(drv_table *drv, void *ctx, size_t *left, size_t *total) { WITH(ctx, MemGetInfo(left, total)); }
int drv_up(drv_table *drv, void *ctx, void *stream, drv_ptr to, const void *from, size_t n) { WITH(ctx, MemcpyHtoDAsync(to, from, n, stream)); }
int drv_down(drv_table *drv, void *ctx, void *stream, void *to, drv_ptr from, size_t n) { WITH(ctx, MemcpyDtoHAsync(to, from, n, stream)); }
int drv_pin(drv_table *drv, void *ctx, void **p, size_t n) { WITH(ctx, MemHostAlloc(p, n, 0)); }
int drv_unpin(drv_table *drv, void *ctx, void *p) { WITH(ctx, MemFreeHost(p)); }

const char *drv_text(drv_table *drv, int code) {
  const char *text = NULL;
  return drv->GetErrorString(code, &text) == 0 && text ? text : "an error that the driver has no text for";
}
