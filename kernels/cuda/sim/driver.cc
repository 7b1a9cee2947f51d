// A fake libcuda.so.1: the functions of ../drv.h over the memory of the processor. Each allocation ends at a page that nobody may touch, and
// begins as 0xff. These variables of the environment change what it does:
//
//   CUDASIM_ORDER   forward, reverse or random: the order of blocks and of threads
//   CUDASIM_LAZY    1: what goes to a stream is done only when somebody waits for it
//   CUDASIM_PINNED  bytes of the host's memory that can be pinned
//   CUDASIM_FAIL    NAME:CODE[:N[:M]]: the Nth call of that function from now on (the first), and M-1 after it, return that code
//   CUDASIM_DEVICES, CUDASIM_VERSION, CUDASIM_MEMORY, CUDASIM_ARCH   how many devices there are, the driver's version, bytes, 90 for sm_90
//   CUDASIM_LAUNCHES   a file to write to which kernels were launched, and what they met
//   CUDASIM_PLANT   a fault of the kernels, in a library that was built with CUSIM_PLANTS
#include "check.h"
#include "fibers.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>
#include <mutex>
#include <sys/mman.h>

using namespace cusim;

#define API extern "C" __attribute__((visibility("default"))) int
typedef unsigned long long CUdeviceptr;

namespace {

constexpr size_t page = 4096;
std::recursive_mutex lock;
int sticky;   // after it every call fails
std::string fault; // of a kernel: the driver's text for code 700, and what the kernel did
int retained; // how often the context is held
struct Gpu {
  size_t used; // bytes of its memory
};
Gpu gpus[16];               // a context's handle is the place of its own
thread_local Gpu *on;       // the thread's context; null: none
struct Memory {
  size_t bytes, mapped;
  char *map;
  Gpu *gpu; // no other may touch it
};
std::map<uintptr_t, Memory> memory;
std::map<std::string, int> calls;    // of CUDASIM_FAIL
std::map<std::string, long> counted; // all calls, by name

long number(const char *name, long otherwise) {
  const char *v = getenv(name);
  return v && *v ? atol(v) : otherwise;
}

// enter is the code that a call begins with: that of a fault that was asked for, or of one that has ended all.
int enter(const char *name) {
  counted[name]++;
  if (const char *f = getenv("CUDASIM_FAIL")) {
    char which[64];
    int code = 0, nth = 1, many = 1, call;
    if (sscanf(f, "%63[^:]:%d:%d:%d", which, &code, &nth, &many) >= 2 && !strcmp(which, name) && (call = ++calls[f]) >= nth && call < nth + many) {
      if (code == 214 || code == 220 || code == 700 || code == 702 || code == 719 || (code == 999 && strcmp(name, "cuInit"))) sticky = code;
      return code;
    }
  }
  return sticky;
}

// inside reports whether bytes at p lie in one allocation of a GPU.
bool inside(CUdeviceptr p, size_t bytes, Gpu *gpu) {
  auto m = memory.upper_bound(p);
  if (m == memory.begin()) return false;
  --m;
  return m->second.gpu == gpu && p + bytes <= m->first + m->second.bytes;
}

// Work is what a stream does: a code, 0 if all went well.
typedef std::function<int()> Work;
struct Stream {
  std::deque<Work> work;
};
std::set<Stream *> streams;

// finish does what streams were given, until nothing is left or done says that it is enough.
int finish(Stream *s, const std::function<bool()> &enough = [] { return false; }) {
  while (!s->work.empty() && !enough()) {
    Work next = std::move(s->work.front());
    s->work.pop_front();
    if (int code = sticky ? sticky : next()) return code;
  }
  return sticky;
}
int finish_all() {
  for (Stream *s : streams) {
    if (int code = finish(s)) return code;
  }
  return sticky;
}

// give gives a stream something to do: now, or when somebody waits.
int give(void *stream, Work work) {
  Stream *s = static_cast<Stream *>(stream);
  if (!streams.count(s)) return 400;
  if (!number("CUDASIM_LAZY", 0)) return work();
  s->work.push_back(std::move(work));
  return 0;
}

// Launch is a kernel with a copy of its argument.
struct Launch {
  Kernel *kernel;
  Index grid, block;
  std::vector<char> args;
  Gpu *gpu;

  bool valid() const {
    return grid.x && grid.y && grid.z && grid.y <= 65535 && grid.z <= 65535 && grid.x <= 0x7fffffff && block.x && block.y && block.z && uint64_t(block.x) * block.y * block.z <= 1024;
  }
  int run() const;
};
Launch launch_of(void *f, const unsigned *grid, const unsigned *block, void **args) {
  Kernel *k = static_cast<Kernel *>(f);
  const char *arg = static_cast<const char *>(args[0]);
  return {k, {grid[0], grid[1], grid[2]}, {block[0], block[1], block[2]}, std::vector<char>(arg, arg + k->bytes), on};
}

// overrun is what a kernel wrote between the end of an allocation and its guard page.
bool overrun() {
  for (auto &m : memory) {
    const unsigned char *at = reinterpret_cast<unsigned char *>(m.first) + m.second.bytes, *end = reinterpret_cast<unsigned char *>(m.second.map) + m.second.mapped - page;
    for (; at < end; at++) {
      if (*at != 0xff) return true;
    }
    for (at = reinterpret_cast<unsigned char *>(m.second.map) + page; at < reinterpret_cast<unsigned char *>(m.first); at++) {
      if (*at != 0xff) return true;
    }
  }
  return false;
}

// note writes to the file of launches what is new of a kernel: its name, what it met (bits of Met), and the steps of a product.
void note(const Kernel *k, unsigned before, const void *args) {
  static std::set<std::pair<const Kernel *, int>> steps;
  const char *file = getenv("CUDASIM_LAUNCHES");
  int n = k->steps(args);
  if (!file || (!steps.insert({k, n}).second && k->met == before)) return;
  if (FILE *f = fopen(file, "a")) {
    fprintf(f, "%s %u %d\n", k->name, k->met, n);
    fclose(f);
  }
}

// close_others lets nobody touch the memory of GPUs other than one, or opens it again.
void close_others(Gpu *than, bool closed) {
  if (number("CUDASIM_DEVICES", 1) < 2) return;
  for (auto &m : memory) {
    if (m.second.gpu != than) mprotect(m.second.map + page, m.second.mapped - 2 * page, closed ? PROT_NONE : PROT_READ | PROT_WRITE);
  }
}

int Launch::run() const {
  std::string why;
  unsigned met = kernel->met;
  close_others(gpu, true);
  bool ran = cusim::run(kernel, args.data(), grid, block, why);
  close_others(gpu, false);
  note(kernel, met, args.data());
  if (!ran) {
    fault = "an illegal memory access was encountered (" + why + ")";
    return sticky = 700;
  }
  if (overrun()) {
    fault = std::string("an illegal memory access was encountered (") + kernel->name + " wrote beyond the end of an allocation)";
    return sticky = 700;
  }
  return 0;
}

} // namespace

// cusim_calls is how often a function of the driver was called.
extern "C" __attribute__((visibility("default"))) long cusim_calls(const char *name) {
  std::lock_guard<std::recursive_mutex> held(lock);
  auto c = counted.find(name);
  return c == counted.end() ? 0 : c->second;
}

std::string cusim::describe_address(const void *p) {
  uintptr_t at = uintptr_t(p);
  for (auto &m : memory) {
    uintptr_t map = uintptr_t(m.second.map);
    if (at >= m.first && at < m.first + m.second.bytes) return "memory of another GPU";
    if (at >= map && at < map + m.second.mapped) {
      return "byte " + std::to_string(long(at - m.first)) + " of an allocation of " + std::to_string(m.second.bytes) + " is not in it";
    }
  }
  return "an address that is in no allocation";
}

#define ENTER(name)                                  \
  std::lock_guard<std::recursive_mutex> held(lock);  \
  if (int code = enter(name)) return code
#define ENTER_CONTEXT(name)          \
  ENTER(name);                       \
  if (!on) return 201

API cuInit(unsigned) {
  ENTER("cuInit");
  return number("CUDASIM_DEVICES", 1) ? 0 : 100;
}
API cuDriverGetVersion(int *v) {
  ENTER("cuDriverGetVersion");
  *v = number("CUDASIM_VERSION", 13000);
  return 0;
}
API cuDeviceGetCount(int *n) {
  ENTER("cuDeviceGetCount");
  *n = number("CUDASIM_DEVICES", 1);
  return 0;
}
API cuDeviceGet(int *d, int i) {
  ENTER("cuDeviceGet");
  if (i < 0 || i >= number("CUDASIM_DEVICES", 1)) return 101;
  *d = i;
  return 0;
}
API cuDeviceGetName(char *s, int n, int) {
  ENTER("cuDeviceGetName");
  snprintf(s, n, "simulated on the processor");
  return 0;
}
API cuDeviceGetAttribute(int *v, int what, int device) {
  ENTER("cuDeviceGetAttribute");
  int arch = number("CUDASIM_ARCH", 90);
  if (const char *list = getenv("CUDASIM_ARCH")) { // of each GPU, between commas
    for (; device > 0 && (list = strchr(list, ',')); device--) list++;
    if (list) arch = atol(list);
  }
  switch (what) {
  case 75: *v = arch / 10; break;
  case 76: *v = arch % 10; break;
  case 16: *v = 4; break; // multiprocessors
  default: return 1;
  }
  return 0;
}
API cuDevicePrimaryCtxRetain(void **c, int i) {
  ENTER("cuDevicePrimaryCtxRetain");
  if (i < 0 || i >= int(sizeof gpus / sizeof *gpus)) return 101;
  *c = &gpus[i];
  retained++;
  return 0;
}
API cuDevicePrimaryCtxRelease_v2(int) {
  std::lock_guard<std::recursive_mutex> held(lock);
  if (--retained > 0) return 0;
  for (auto &m : memory) {
    check::freed(reinterpret_cast<void *>(m.first));
    munmap(m.second.map, m.second.mapped);
  }
  memory.clear();
  for (Stream *stream : streams) delete stream;
  streams.clear();
  for (Gpu &g : gpus) g.used = 0;
  sticky = 0, fault.clear(); // the next one begins anew
  return 0;
}
API cuCtxSetCurrent(void *c) {
  std::lock_guard<std::recursive_mutex> held(lock);
  on = static_cast<Gpu *>(c);
  if (on < gpus || on >= gpus + sizeof gpus / sizeof *gpus) on = nullptr;
  return on || !c ? 0 : 201;
}
API cuModuleLoadData(void **m, const void *image) {
  ENTER_CONTEXT("cuModuleLoadData");
  uint32_t magic;
  memcpy(&magic, image, 4);
  if (magic != 0xba55ed50) return 200; // a fatbin's
  if (number("CUDASIM_ARCH", 90) < 80) return 209;
  *m = &kernels;
  return 0;
}
API cuModuleUnload(void *) {
  std::lock_guard<std::recursive_mutex> held(lock);
  return sticky;
}
API cuModuleGetFunction(void **f, void *, const char *name) {
  ENTER_CONTEXT("cuModuleGetFunction");
  for (Kernel *k = kernels; k; k = k->next) {
    if (!strcmp(k->name, name)) {
      *f = k;
      return 0;
    }
  }
  return 500;
}
API cuFuncGetParamInfo(void *f, size_t i, size_t *offset, size_t *size) {
  ENTER_CONTEXT("cuFuncGetParamInfo");
  if (i) return 1;
  *offset = 0;
  *size = static_cast<Kernel *>(f)->bytes;
  return 0;
}
API cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **args, void **extra) {
  ENTER_CONTEXT("cuLaunchKernel");
  unsigned grid[3] = {gx, gy, gz}, block[3] = {bx, by, bz};
  Launch l = launch_of(f, grid, block, args);
  if (!l.valid() || shared || extra) return 1;
  return give(stream, [l] { return l.run(); });
}
API cuMemAlloc_v2(CUdeviceptr *p, size_t bytes) {
  ENTER_CONTEXT("cuMemAlloc_v2");
  if (!bytes) return 1;
  if (on->used + bytes > size_t(number("CUDASIM_MEMORY", 1L << 32))) return 2;
  size_t rounded = (bytes + 15) / 16 * 16, mapped = (rounded + page - 1) / page * page + 2 * page;
  char *map = static_cast<char *>(mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (map == MAP_FAILED) return 2;
  memset(map + page, 0xff, mapped - 2 * page);
  mprotect(map, page, PROT_NONE);
  mprotect(map + mapped - page, page, PROT_NONE);
  *p = CUdeviceptr(map + mapped - page - rounded);
  memory[*p] = {bytes, mapped, map, on};
  check::allocated(reinterpret_cast<void *>(*p), bytes, "an allocation of " + std::to_string(bytes), false);
  on->used += bytes;
  return 0;
}
API cuMemFree_v2(CUdeviceptr p) {
  ENTER_CONTEXT("cuMemFree_v2");
  if (int code = finish_all()) return code; // it waits
  auto m = memory.find(p);
  if (m == memory.end() || m->second.gpu != on) return 1;
  m->second.gpu->used -= m->second.bytes;
  check::freed(reinterpret_cast<void *>(p));
  munmap(m->second.map, m->second.mapped);
  memory.erase(m);
  return 0;
}
API cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER_CONTEXT("cuMemGetInfo_v2");
  *total = number("CUDASIM_MEMORY", 1L << 32);
  *free = *total - on->used;
  return 0;
}
API cuGetErrorString(int code, const char **s) {
  static const std::map<int, const char *> texts = {{1, "invalid argument"}, {2, "out of memory"}, {3, "initialization error"}, {34, "CUDA driver is a stub library"}, {46, "CUDA-capable device(s) is/are busy or unavailable"}, {304, "OS call failed or operation not supported on this OS"}, {702, "the launch timed out and was terminated"}, {801, "operation not supported"}, {802, "system not yet initialized"}, {803, "system has unsupported display driver / cuda driver combination"}, {804, "forward compatibility was attempted on non supported HW"}, {100, "no CUDA-capable device is detected"}, {101, "invalid device ordinal"}, {200, "device kernel image is invalid"}, {201, "invalid device context"}, {209, "no kernel image is available for execution on the device"}, {214, "uncorrectable ECC error encountered"}, {222, "the provided PTX was compiled with an unsupported toolchain."}, {400, "invalid resource handle"}, {500, "named symbol not found"}, {700, "an illegal memory access was encountered"}, {719, "unspecified launch failure"}, {999, "unknown error"}};
  if (code == 700 && !fault.empty()) {
    *s = fault.c_str();
    return 0;
  }
  auto t = texts.find(code);
  if (t == texts.end()) return 1;
  *s = t->second;
  return 0;
}

#include "stream.cc"

#include "graph.cc"
