#include "verifier/cuda/blocked_timer.h"

namespace kopt::worker {

BlockedTimer::BlockedTimer(const Device& device) : device_(device) {
  const Driver& driver = device_.driver();
  void* memory = nullptr;
  device_.Check(driver.cuMemAllocHost(&memory, 4096), "pinned memory");
  flag_ = static_cast<volatile uint32_t*>(memory);
  *flag_ = 0;
  device_.Check(driver.cuMemHostGetDevicePointer(&flag_address_, memory, 0), "pinned memory");
  device_.Check(driver.cuEventCreate(&start_, CU_EVENT_DEFAULT), "an event");
  device_.Check(driver.cuEventCreate(&stop_, CU_EVENT_DEFAULT), "an event");
}

void BlockedTimer::Block() {
  launches_ = 0;
  const Driver& driver = device_.driver();
  device_.Check(driver.cuStreamWaitValue32(device_.stream(), flag_address_, ++turn_, CU_STREAM_WAIT_VALUE_EQ),
                "blocking");
  device_.Check(driver.cuEventRecord(start_, device_.stream()), "an event");
}

double BlockedTimer::Unblock(double seconds) {
  const Driver& driver = device_.driver();
  device_.Check(driver.cuEventRecord(stop_, device_.stream()), "an event");
  *flag_ = turn_;
  device_.Await(seconds);
  float milliseconds = 0;
  device_.Check(driver.cuEventElapsedTime(&milliseconds, start_, stop_), "the time between events");
  return milliseconds * 1e3;
}

}  // namespace kopt::worker
