// Between the fibers and the fake driver.
#pragma once

#include "cusim.h"

#include <string>

namespace cusim {

bool run(Kernel *k, const void *args, Index grid, Index block, std::string &why);
// running is the thread of the block that runs; stop ends it, and the launch with it, for a reason.
uint16_t running();
void stop(const std::string &why);
// What launches of a kernel met: bits of Kernel::met.
enum Met { in_forward = 1, in_reverse = 2, in_random = 4, single = 8, blocks = 16, checked = 32, uneven = 64, arithmetic = 128, sums = 256, not_finite = 512, denormal = 1024, canceled = 2048 };
// describe_address says what lies at an address that nobody may touch.
std::string describe_address(const void *p);

} // namespace cusim
