// Checks of every access of the kernels to memory, as compute-sanitizer makes them on a GPU: that it lies in an allocation (memcheck), that
// somebody wrote there before (initcheck), that it is aligned, and that no other thread may write there at the same time (racecheck).
// What shared memory holds when a block begins counts as written: it is NaN.
//
// The kernels are compiled with -fsanitize=thread, which puts a call before each load and store; these calls are answered here, and not by
// the compiler's library. For each byte is remembered who wrote and who read it last, and in which interval. An interval ends at a barrier of
// the block. Two threads of a block race where one writes what the other touches in the same interval; two blocks where they do so in the
// same launch. Nothing else orders: that lanes of a warp exchange words does not. So a race is found in whatever order threads run.
#include "check.h"

#include "fibers.h"

#include <cstdlib>
#include <map>

namespace cusim::check {
namespace {

constexpr uint16_t many = 0xffff, on_its_way = 0x8000; // readers, and a bit of the writer: a copy that was not waited for

struct Cell { // of a word of 4 bytes, or of a byte; intervals count from 2 on, 1 is the host, 0 never
  uint32_t written, read, first_read; // the interval; the first of this launch
  uint16_t writer, reader;
};

struct Region {
  uintptr_t begin, end;
  Cell *cells;
  int grain; // bytes of a cell: 4, until something reads or writes less
  std::string name;
  bool shared;
};

std::map<uintptr_t, Region> regions;
Region *recent[64]; // by address
uint32_t interval = 2, launch_begins, block_begins;
const char *last_barrier;
uintptr_t args_begin, args_end, stacks_begin, stacks_end;
bool armed;
bool copying; // lines of 16 bytes may bring along what nobody wrote; it is NaN, and seen where somebody computes with it
unsigned meets;
uint32_t stored[1024]; // bytes that the threads of the block have written to allocations
extern "C" __attribute__((visibility("hidden"))) char __ehdr_start, _end; // of this library

Region *find(uintptr_t at, size_t bytes) {
  Region *&r = recent[at >> 8 & 63];
  if (r && at >= r->begin && at + bytes <= r->end) return r;
  auto m = regions.upper_bound(at);
  if (m == regions.begin()) return nullptr;
  --m;
  if (at + bytes > m->second.end) return nullptr;
  return r = &m->second;
}

// cells are those of bytes at an address, and how many.
Cell *cells(Region &r, uintptr_t at, size_t bytes, size_t *n) {
  size_t from = at - r.begin;
  if (r.grain == 4 && (from | bytes) % 4) {
    size_t all = r.end - r.begin;
    Cell *fine = static_cast<Cell *>(calloc(all, sizeof(Cell)));
    for (size_t i = 0; i < all; i++) fine[i] = r.cells[i / 4];
    free(r.cells);
    r.cells = fine, r.grain = 1;
  }
  *n = bytes / r.grain;
  return r.cells + from / r.grain;
}

[[gnu::cold]] void report(const Region &r, const Cell &c, const std::string &what) {
  std::string since = last_barrier ? std::string(", after the barrier at ") + last_barrier : "";
  stop(what + " byte " + std::to_string((&c - r.cells) * r.grain) + " of " + r.name + since);
}

std::string who(uint16_t thread) { return thread == many ? "other threads" : "thread " + std::to_string(thread & ~on_its_way); }

void write(const Region &r, Cell &c, uint16_t me) {
  if (c.written >= launch_begins) {
    if (c.written < block_begins) {
      if (!r.shared) report(r, c, "it writes what another block writes:");
    } else if (c.writer & on_its_way) {
      report(r, c, "it writes where a copy is on its way:");
    } else if (c.written == interval && c.writer != me) {
      report(r, c, "it writes what " + who(c.writer) + " writes at the same time:");
    }
  }
  if (c.read >= launch_begins) {
    if (c.first_read < block_begins && !r.shared) report(r, c, "it writes what another block reads:");
    if (c.read == interval && c.reader != me) report(r, c, "it writes what " + who(c.reader) + " reads at the same time:");
  }
  c.written = interval, c.writer = me;
}

void read(const Region &r, Cell &c, uint16_t me) {
  if (!c.written && !copying) report(r, c, "it reads what nobody wrote:");
  if (c.written >= launch_begins) {
    if (c.written < block_begins) {
      if (!r.shared) report(r, c, "it reads what another block writes:");
    } else if (c.writer & on_its_way) {
      report(r, c, "it reads what a copy brings that was not waited for:");
    } else if (c.written == interval && c.writer != me) {
      report(r, c, "it reads what " + who(c.writer) + " writes at the same time:");
    }
  }
  if (c.read < launch_begins) c.first_read = interval;
  c.reader = c.read == interval && c.reader != me ? many : me;
  c.read = interval;
}

void access(const void *p, size_t bytes, bool writes) {
  uintptr_t at = uintptr_t(p);
  if (!armed || !bytes || (at >= stacks_begin && at < stacks_end) || (at >= uintptr_t(&__ehdr_start) && at < uintptr_t(&_end))) return;
  Region *r = find(at, bytes);
  if (!r) {
    if (at < args_begin || at + bytes > args_end) stop("it " + std::string(writes ? "writes " : "reads ") + std::to_string(bytes) + " bytes: " + describe_address(p));
    return;
  }
  size_t n;
  uint16_t me = running();
  if (writes && !r->shared) stored[me] += bytes;
  for (Cell *c = cells(*r, at, bytes, &n), *end = c + n; c < end; c++) writes ? write(*r, *c, me) : read(*r, *c, me);
}

void aligned_access(const void *p, size_t bytes, bool writes) {
  if (armed && uintptr_t(p) % bytes) stop("an access of " + std::to_string(bytes) + " bytes is not aligned");
  access(p, bytes, writes);
}

// mark sets or clears that a copy is on its way.
void mark(const void *to, size_t bytes, bool coming) {
  size_t n;
  if (Region *r = find(uintptr_t(to), bytes)) {
    for (Cell *c = cells(*r, uintptr_t(to), bytes, &n), *end = c + n; c < end; c++) c->writer = coming ? c->writer | on_its_way : c->writer & ~on_its_way;
  }
}

} // namespace

void allocated(const void *p, size_t bytes, const std::string &name, bool shared) {
  uintptr_t at = uintptr_t(p);
  regions[at] = {at, at + bytes, static_cast<Cell *>(calloc((bytes + 3) / 4, sizeof(Cell))), 4, name, shared};
  if (shared) written(p, bytes); // poison, every time that a block begins
}

void freed(const void *p) {
  auto m = regions.find(uintptr_t(p));
  if (m == regions.end()) return;
  free(m->second.cells);
  regions.erase(m);
  for (Region *&r : recent) r = nullptr;
}

void written(const void *p, size_t bytes) {
  size_t n;
  if (Region *r = find(uintptr_t(p), bytes)) {
    for (Cell *c = cells(*r, uintptr_t(p), bytes, &n), *end = c + n; c < end; c++) c->written = 1;
  }
}

// block_ends notes whether the threads of a block wrote unequal parts: it was at an edge.
void block_ends() {
  for (unsigned i = 1; i < block_size.x; i++) {
    if (stored[i] != stored[0]) meets |= uneven;
  }
  memset(stored, 0, sizeof stored);
}

void launch(const void *args, size_t bytes, const void *stacks, size_t stack_bytes) {
  args_begin = uintptr_t(args), args_end = args_begin + bytes;
  stacks_begin = uintptr_t(stacks), stacks_end = stacks_begin + stack_bytes;
  launch_begins = ++interval;
  armed = true;
  meets = checked;
}

void block() {
  block_ends();
  block_begins = ++interval;
  last_barrier = nullptr;
}

void barrier(const char *where) {
  ++interval;
  last_barrier = where;
}

void copy_begins(const void *to, const void *from, int bytes, int of) {
  copying = true;
  access(from, of, false);
  copying = false;
  access(to, bytes, true);
  mark(to, bytes, true);
}

void copy_ends(const void *to, const void *from, int bytes, int of) {
  mark(to, bytes, false);
  copying = true;
  access(from, of, false);
  copying = false;
  access(to, bytes, true);
}

unsigned done() {
  block_ends();
  armed = false;
  return meets;
}

} // namespace cusim::check

void cusim::meet(float a, float b, float sum, bool adds) {
  auto exponent = [](float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return int(bits >> 23 & 255);
  };
  int x = exponent(a), y = exponent(b), of = exponent(sum);
  check::meets |= adds ? arithmetic | sums : arithmetic;
  if (x == 255 || y == 255) check::meets |= not_finite;
  if ((!x && a != 0) || (!y && b != 0) || (!of && sum != 0)) check::meets |= denormal;
  if (adds && x == y && x != 255 && of + 12 < x && a != b) check::meets |= canceled; // of 24 bits half are left, or none
}

// What the compiler calls.
using namespace cusim;
#define HOOK(n)                                                                                         \
  extern "C" void __tsan_read##n(void *p) { check::aligned_access(p, n, false); }                       \
  extern "C" void __tsan_write##n(void *p) { check::aligned_access(p, n, true); }                       \
  extern "C" void __tsan_unaligned_read##n(void *p) { check::access(p, n, false); }                     \
  extern "C" void __tsan_unaligned_write##n(void *p) { check::access(p, n, true); }
HOOK(1) HOOK(2) HOOK(4) HOOK(8) HOOK(16)
extern "C" void __tsan_read_range(void *p, size_t n) { check::access(p, n, false); }
extern "C" void __tsan_write_range(void *p, size_t n) { check::access(p, n, true); }
extern "C" void __tsan_vptr_update(void **, void *) {}
extern "C" void __tsan_func_entry(void *) {}
extern "C" void __tsan_func_exit() {}
extern "C" void __tsan_init() {}
extern "C" void __ubsan_handle_type_mismatch_v1_abort(void *, void *) { stop("a pointer is not aligned to what it points to"); }
extern "C" void __ubsan_handle_out_of_bounds_abort(void *, void *) { stop("an index is beyond its array"); }
