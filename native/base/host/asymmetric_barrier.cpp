#include "base/asymmetric_barrier.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace pagebox::inline PAGEBOX_ENV {
namespace {

bool membarrier(int command) { return syscall(SYS_membarrier, command, 0, 0) == 0; }

}  // namespace

// Again for each who asks: that is cheap, and there is no state of the process to keep.
bool register_system_barrier() { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }
bool system_barrier() { return membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); }

}  // namespace pagebox::inline PAGEBOX_ENV
