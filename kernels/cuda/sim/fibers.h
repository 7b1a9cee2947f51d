// Between the fibers and the fake driver.
#pragma once

#include "cusim.h"

#include <string>

namespace cusim {

bool run(const Kernel *k, const void *args, Index grid, Index block, std::string &why);
// running is the thread of the block that runs; stop ends it, and the launch with it, for a reason.
uint16_t running();
void stop(const std::string &why);
// describe_address says what lies at an address that nobody may touch.
std::string describe_address(const void *p);

} // namespace cusim
