// The threads of a block as fibers on one thread of the processor: barriers, warps, shared memory, copies that arrive late.
#include "fibers.h"

#include "check.h"

#include <cstdio>
#include <cstdlib>
#include <csetjmp>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>
#include <algorithm>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace cusim {

Index thread, block, block_size, grid_size;
Index thread_now() { return thread; }
Index block_now() { return block; }
Index block_size_now() { return block_size; }
Index grid_size_now() { return grid_size; }
Kernel *kernels;
std::string plant;

bool any_planted;

bool is_planted(const char *fault) { return plant == fault; }

namespace {

constexpr size_t page = 4096, stack_bytes = 64 << 10;
constexpr int most_threads = 1024, lanes = 32, most_words = 8;

struct Copy {
  void *to;
  const void *from;
  int bytes, of;
};

enum State { running, at_barrier, at_warp, ended };

struct Fiber {
  State state;
  const char *where;
  std::vector<std::vector<Copy>> groups; // of copies, the last one not yet committed
#if defined(__x86_64__)
  void *sp;
#else
  ucontext_t context;
#endif
};

struct Warp {
  uint32_t words[2][lanes * most_words];
  int turn;
};

struct Array { // shared memory
  const char *function;
  int line;
  size_t bytes;
  char *memory, *end;
};

Fiber fibers[most_threads];
Warp warps[most_threads / lanes];
std::vector<Array> arrays;
char *stacks;
int current;
const Kernel *kernel;
const void *kernel_args;
bool failed;
std::string reason;

#if defined(__x86_64__)
void *scheduler_sp;
extern "C" void cusim_switch(void **from, void *to);
asm(R"(
.text
.globl cusim_switch
.hidden cusim_switch
.type cusim_switch, @function
cusim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cusim_switch, .-cusim_switch
)");
void leave() { cusim_switch(&fibers[current].sp, scheduler_sp); }
void enter(int i) { cusim_switch(&scheduler_sp, fibers[i].sp); }
#else
ucontext_t scheduler;
void leave() { swapcontext(&fibers[current].context, &scheduler); }
void enter(int i) { swapcontext(&scheduler, &fibers[i].context); }
#endif

void fail(const std::string &why) {
  if (!failed) reason = why;
  failed = true;
}

void body() {
  for (;;) {
    kernel->run(kernel_args);
    fibers[current].state = ended;
    leave();
  }
}

char *stack_of(int i) { return stacks + size_t(i) * (stack_bytes + page) + page; }

void prepare(int i) {
  Fiber &f = fibers[i];
  f.state = running;
  f.where = "";
  f.groups.assign(1, {});
#if defined(__x86_64__)
  void **sp = reinterpret_cast<void **>(stack_of(i) + stack_bytes);
  *--sp = nullptr; // so that the stack is aligned as after a call
  *--sp = reinterpret_cast<void *>(body);
  for (int j = 0; j < 6; j++) *--sp = nullptr;
  f.sp = sp;
#else
  getcontext(&f.context);
  f.context.uc_stack.ss_sp = stack_of(i);
  f.context.uc_stack.ss_size = stack_bytes;
  f.context.uc_link = nullptr;
  makecontext(&f.context, body, 0);
#endif
}

// The order of threads and blocks.
enum Order { forward, reverse, shuffled };
Order order;
std::mt19937 dice;

void arrange(std::vector<unsigned> &list) {
  if (order == reverse) std::reverse(list.begin(), list.end());
  if (order == shuffled) std::shuffle(list.begin(), list.end(), dice);
}

void poison() {
  for (Array &a : arrays) memset(a.memory, 0xff, a.end - a.memory);
}

#include "traffic.cc"

// release lets those go on that all have come to one place. It is false where nothing can go on any more.
bool release(int threads) {
  traffic.met(threads);
  bool any = false;
  for (int w = 0; w * lanes < threads; w++) {
    int first = w * lanes, n = std::min(lanes, threads - first), waiting = 0;
    for (int i = first; i < first + n; i++) waiting += fibers[i].state == at_warp;
    if (!waiting) continue;
    if (waiting < lanes) continue;
    for (int i = first; i < first + n; i++) {
      if (strcmp(fibers[i].where, fibers[first].where) != 0) {
        fail("lanes of a warp wait at different places: " + std::string(fibers[i].where) + " and " + fibers[first].where);
        return false;
      }
    }
    warps[w].turn ^= 1;
    for (int i = first; i < first + n; i++) fibers[i].state = running;
    any = true;
  }
  if (any) return true;
  const char *where = nullptr;
  int waiting = 0, over = 0;
  for (int i = 0; i < threads; i++) {
    if (fibers[i].state == ended) {
      over++;
    } else if (fibers[i].state == at_barrier) {
      waiting++;
      if (where && strcmp(where, fibers[i].where) != 0) {
        fail("threads of a block wait at different barriers: " + std::string(where) + " and " + fibers[i].where);
        return false;
      }
      where = fibers[i].where;
    }
  }
  if (over == threads) return false;
  if (waiting != threads) {
    fail("a block cannot go on: of " + std::to_string(threads) + " threads " + std::to_string(waiting) + " wait at a barrier and " + std::to_string(over) + " have ended");
    return false;
  }
  for (int i = 0; i < threads; i++) fibers[i].state = running;
  check::barrier(where);
  return true;
}

void one_block(int threads) {
  poison();
  check::block();
  std::vector<unsigned> list(threads);
  for (int i = 0; i < threads; i++) prepare(i);
  do {
    for (int i = 0; i < threads; i++) list[i] = i;
    arrange(list);
    for (unsigned i : list) {
      if (fibers[i].state != running) continue;
      current = i;
      thread = {i % block_size.x, i / block_size.x % block_size.y, i / (block_size.x * block_size.y)};
      enter(i);
      if (failed) return;
    }
  } while (release(threads));
}

// Faults of memory during a launch come back here.
sigjmp_buf landing;
pthread_t launching;
bool armed;
struct sigaction before[2];

void on_fault(int number, siginfo_t *info, void *context) {
  if (armed && pthread_equal(pthread_self(), launching)) {
    reason = describe_address(info->si_addr);
    failed = true;
    siglongjmp(landing, 1);
  }
  struct sigaction &old = before[number == SIGBUS];
  if (old.sa_flags & SA_SIGINFO) {
    old.sa_sigaction(number, info, context);
  } else {
    sigaction(number, &old, nullptr);
  }
}

} // namespace

uint16_t running() { return uint16_t(current); }

void stop(const std::string &why) {
  fail(why);
  leave();
}

void barrier(const char *where) {
  fibers[current].state = at_barrier;
  fibers[current].where = where;
  leave();
}

const void *loaded(int line, const void *p, int bytes) {
  traffic.add(traffic.loads, line, p, bytes);
  return p;
}

const uint32_t *gather(const char *where, const uint32_t *words, int n) {
  int me = current;
  Warp &w = warps[me / lanes];
  uint32_t *board = w.words[w.turn];
  memcpy(board + me % lanes * n, words, n * sizeof(uint32_t));
  fibers[me].state = at_warp;
  fibers[me].where = where;
  leave();
  return board;
}

void *shared(const char *name, const char *function, int line, size_t bytes) {
  size_t total = 0;
  for (Array &a : arrays) {
    if (a.function == function && a.line == line) return a.memory;
    total += a.bytes;
  }
  if (total + bytes > 48 << 10) {
    stop("a block's shared memory is " + std::to_string(total + bytes) + " bytes, more than 49152");
  }
  size_t rounded = (bytes + 15) / 16 * 16, pages = (rounded + page - 1) / page;
  char *map = static_cast<char *>(mmap(nullptr, (pages + 2) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  mprotect(map, page, PROT_NONE);
  char *end = map + (pages + 1) * page;
  mprotect(end, page, PROT_NONE);
  Array a{function, line, bytes, end - rounded, end};
  memset(map + page, 0xff, pages * page);
  arrays.push_back(a);
  check::allocated(a.memory, bytes, std::string("the shared array ") + name, true);
  return a.memory;
}

void async(void *to, const void *from, int bytes, int of) {
  if ((uintptr_t(to) | (of ? uintptr_t(from) : 0)) % bytes) {
    stop("a copy of " + std::to_string(bytes) + " bytes is not aligned");
  }
  check::copy_begins(to, from, bytes, of);
  traffic.add(traffic.copies, 0, from, of);
  memset(to, 0xff, bytes); // nobody may read it before it has come
  fibers[current].groups.back().push_back({to, from, bytes, of});
}

void commit() { fibers[current].groups.emplace_back(); }

void wait(int pending) {
  if (planted("wait")) return;
  auto &groups = fibers[current].groups; // the last one is open
  while (int(groups.size()) - 1 > pending) {
    for (Copy &c : groups.front()) {
      memcpy(c.to, c.from, c.of);
      memset(static_cast<char *>(c.to) + c.of, 0, c.bytes - c.of);
      check::copy_ends(c.to, c.from, c.bytes, c.of);
    }
    groups.erase(groups.begin());
  }
}

// run runs one launch. It is false, and says why, where a block could not end or touched what is not its own.
bool run(Kernel *k, const void *args, Index grid, Index block_of, std::string &why) {
  if (!stacks) {
    stacks = static_cast<char *>(mmap(nullptr, most_threads * (stack_bytes + page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    for (int i = 0; i < most_threads; i++) mprotect(stacks + size_t(i) * (stack_bytes + page), page, PROT_NONE);
  }
  const char *o = getenv("CUDASIM_ORDER"), *p = getenv("CUDASIM_PLANT");
  order = !o ? forward : !strcmp(o, "reverse") ? reverse : !strcmp(o, "random") ? shuffled : forward;
  plant = p ? p : "";
  any_planted = !plant.empty();
  dice.seed(1);
  kernel = k, kernel_args = args, grid_size = grid, block_size = block_of;
  failed = false;
  reason.clear();
  traffic.begin();
  std::vector<unsigned> list(size_t(grid.x) * grid.y * grid.z);
  for (size_t i = 0; i < list.size(); i++) list[i] = i;
  dice.seed(2);
  arrange(list);
  int threads = block_of.x * block_of.y * block_of.z;

  struct sigaction action = {};
  action.sa_sigaction = on_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigaction(SIGSEGV, &action, &before[0]);
  sigaction(SIGBUS, &action, &before[1]);
  launching = pthread_self();
  check::launch(args, k->bytes, stacks, most_threads * (stack_bytes + page));
  if (sigsetjmp(landing, 1) == 0) {
    armed = true;
    for (unsigned i : list) {
      block = {i % grid.x, i / grid.x % grid.y, i / (grid.x * grid.y)};
      one_block(threads);
      if (failed) break;
    }
  }
  armed = false;
  unsigned order_bit = order == forward ? in_forward : order == reverse ? in_reverse : in_random;
  k->met |= order_bit | (list.size() == 1 ? single : blocks) | check::done();
  traffic.end(k->name);
  sigaction(SIGSEGV, &before[0], nullptr);
  sigaction(SIGBUS, &before[1], nullptr);
  for (Array &a : arrays) {
    check::freed(a.memory);
    size_t pages = (a.end - a.memory + page - 1) / page;
    munmap(a.end - (pages + 1) * page, (pages + 2) * page);
  }
  arrays.clear();
  if (failed) why = std::string(k->name) + ", block (" + std::to_string(block.x) + ", " + std::to_string(block.y) + ", " + std::to_string(block.z) + "), thread " + std::to_string(current) + ": " + reason;
  return !failed;
}

} // namespace cusim
