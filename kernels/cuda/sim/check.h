// What fibers.cc and driver.cc tell check.cc, in a library that is built to check every access of the kernels to memory. In others it is
// nothing.
#pragma once

#include "cusim.h"

#include <string>

namespace cusim::check {

#ifdef CUSIM_CHECKED
void allocated(const void *p, size_t bytes, const std::string &name, bool shared);
void freed(const void *p);
void written(const void *p, size_t bytes);                    // by the host
void launch(const void *args, size_t bytes, const void *stacks, size_t stack_bytes);
void block();
void barrier(const char *where);
void copy_begins(const void *to, const void *from, int bytes, int of);
void copy_ends(const void *to, const void *from, int bytes, int of);
unsigned done(); // what the launch met: bits of Met
#else
inline void allocated(const void *, size_t, const std::string &, bool) {}
inline void freed(const void *) {}
inline void written(const void *, size_t) {}
inline void launch(const void *, size_t, const void *, size_t) {}
inline void block() {}
inline void barrier(const char *) {}
inline void copy_begins(const void *, const void *, int, int) {}
inline void copy_ends(const void *, const void *, int, int) {}
inline unsigned done() { return 0; }
#endif

} // namespace cusim::check
