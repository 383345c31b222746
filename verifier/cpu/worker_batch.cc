#include <dlfcn.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <ucontext.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/descriptors.h"
#include "verifier/cpu/first_cpu.h"
#include "verifier/cpu/worker.h"
#include "verifier/sandbox/sandbox.h"

namespace kopt::worker {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMostGapPages = 64;
constexpr uint64_t kLowestTensor = uint64_t{1} << 32;
constexpr uint64_t kTensorPlaces = uint64_t{1} << 38;
constexpr int kPlacesTried = 16;
constexpr size_t kDescriptors = 3;  // descriptor, read-only arena, read-write arena
#ifndef MADV_POPULATE_READ
constexpr int MADV_POPULATE_READ = 22;
constexpr int MADV_POPULATE_WRITE = 23;
#endif

struct Mapping {
  std::byte* begin = nullptr;
  std::byte* data = nullptr;
  size_t bytes = 0;
  bool writable = false;
};

// One prepared call of a stub, or a memset.
struct Step {
  int stub = -1;
  uint32_t call = 0;
  void** args = nullptr;
  void* zero = nullptr;
  size_t zero_bytes = 0;
};

std::vector<Mapping> mappings;  // read by the fault handler
BatchStatus* status = nullptr;

[[noreturn]] void GiveUp(const std::string& what) {
  Message message{.type = MessageType::kReady, .value = errno != 0 ? errno : EINVAL, .text = {}};
  std::snprintf(message.text, sizeof(message.text), "%s: %s", what.c_str(), std::strerror(errno));
  Send(message);
  _exit(96);
}

bool ReceiveBatch(std::vector<int>& descriptors) {
  Message message;
  return ReceiveDescriptors(kControlFd, std::as_writable_bytes(std::span(&message, 1)), descriptors) &&
         message.type == MessageType::kBatch && descriptors.size() == kDescriptors;
}

std::vector<std::byte> ReadDescriptor(int fd) {
  const off_t size = lseek(fd, 0, SEEK_END);
  void* data = mmap(nullptr, static_cast<size_t>(size), PROT_READ, MAP_SHARED, fd, 0);
  if (data == MAP_FAILED) GiveUp("mapping the batch");
  std::vector<std::byte> copy(static_cast<std::byte*>(data), static_cast<std::byte*>(data) + size);
  munmap(data, static_cast<size_t>(size));
  return copy;
}

uint64_t Random() {
  uint64_t value = 0;
  if (getrandom(&value, sizeof(value), 0) != sizeof(value)) GiveUp("getrandom");
  return value;
}

size_t RandomGap() { return (1 + Random() % kMostGapPages) * kPage; }

// Address space at a random place below everything that the loader and allocators map, so that a filter, which compares
// addresses but adds none, can tell the tensors from the rest.
std::byte* ReserveLow(size_t bytes) {
  for (int i = 0; i < kPlacesTried; ++i) {
    auto* place = reinterpret_cast<void*>(kLowestTensor + Random() % kTensorPlaces / kPage * kPage);
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    void* reserved = mmap(place, bytes, PROT_NONE, kFlags, -1, 0);
    if (reserved != MAP_FAILED) return static_cast<std::byte*>(reserved);
  }
  GiveUp("reserving address space for the tensors");
}

void* MapShared(std::byte* at, size_t bytes, bool writable, int fd, uint64_t offset) {
  void* data = mmap(at, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_FIXED, fd,
                    static_cast<off_t>(offset));
  if (data == MAP_FAILED) GiveUp("mapping a tensor");
  return data;
}

// The status page and each buffer in a mapping of its own, at a random place, with unmapped pages on both sides.
// Returns the end of them all.
uint64_t MapBuffers(const BufferEntry* entries, size_t count, int read_only, int read_write) {
  std::vector<size_t> gaps(count + 2);
  size_t total = kStatusBytes;
  for (size_t& gap : gaps) total += gap = RandomGap();
  for (size_t i = 0; i < count; ++i) total += entries[i].map_bytes;
  std::byte* reserved = ReserveLow(total);
  auto* at = reserved + gaps[count];
  status = static_cast<BatchStatus*>(MapShared(at, kStatusBytes, true, read_write, 0));
  at += kStatusBytes + gaps[count + 1];
  mappings.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const bool writable = entries[i].writable != 0;
    MapShared(at, entries[i].map_bytes, writable, writable ? read_write : read_only, entries[i].file_offset);
    mappings.push_back({at, at + entries[i].data_offset, entries[i].map_bytes, writable});
    at += entries[i].map_bytes + gaps[i];
  }
  return reinterpret_cast<uint64_t>(reserved) + total;
}

void Touch(const Mapping& mapping) {
  if (madvise(mapping.begin, mapping.bytes, mapping.writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0) return;
  for (size_t i = 0; i < mapping.bytes; i += kPage) {
    auto* byte = reinterpret_cast<volatile unsigned char*>(mapping.begin + i);
    const unsigned char value = *byte;
    if (mapping.writable) *byte = value;
  }
}

void OnFault(int signal, siginfo_t* info, void* context) {
  status->fault_signal = signal;
  status->fault_call = status->calls_done;
  status->fault_address = reinterpret_cast<uint64_t>(info->si_addr);
  status->fault_write = -1;
#if defined(__x86_64__)
  if (signal == SIGSEGV) {
    const auto error = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR];
    status->fault_write = (error & 2) != 0 ? 1 : 0;
  }
#else
  static_cast<void>(context);
#endif
  status->fault_buffer = -1;
  const auto* address = static_cast<const std::byte*>(info->si_addr);
  std::ptrdiff_t nearest = kMostGapPages * kPage;
  for (size_t i = 0; i < mappings.size(); ++i) {
    const Mapping& mapping = mappings[i];
    const std::ptrdiff_t before = mapping.begin - address;
    const std::ptrdiff_t after = address - (mapping.begin + mapping.bytes);
    const std::ptrdiff_t distance = before > 0 ? before : after > 0 ? after : 0;
    if (distance >= nearest) continue;
    nearest = distance;
    status->fault_buffer = static_cast<int32_t>(i);
    status->fault_offset = address - mapping.data;
  }
  // SA_RESETHAND: the access is repeated and ends the process by its own signal.
}

void CatchFaults() {
  static std::byte stack[1 << 16];
  const stack_t alternate{.ss_sp = stack, .ss_flags = 0, .ss_size = sizeof(stack)};
  sigaltstack(&alternate, nullptr);
  struct sigaction action{};
  action.sa_sigaction = OnFault;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal, &action, nullptr);
}

std::vector<int> cpus;
int (*thread_number)() = nullptr;
using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
Parallel parallel = nullptr;

// A new stack is all zeros: what a candidate forgot to set would be right by luck. 0xFF everywhere is NaN and -1.
[[gnu::noinline]] void FillStack() {
  std::array<unsigned char, 1 << 19> stack;
  stack.fill(0xFF);
  asm volatile("" : : "r"(stack.data()) : "memory");
}

// Each of OpenMP's threads on a CPU of its own, or all on one.
void PinThread(void* one_cpu) {
  FillStack();
  cpu_set_t set;
  CPU_ZERO(&set);
  const size_t number = one_cpu != nullptr ? 0 : static_cast<size_t>(thread_number());
  CPU_SET(cpus[number % cpus.size()], &set);
  sched_setaffinity(0, sizeof(set), &set);
}

// A function of the OpenMP library that the candidate brought along; null if it brought none.
void* OpenMpFunction(const char* name) {
  void* library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  return library != nullptr ? dlsym(library, name) : nullptr;
}

// The candidate's OpenMP threads exist, pinned, before the clock starts. On one CPU those that it starts by itself run,
// too: they inherit it.
void StartThreads(unsigned threads, bool one_cpu) {
  FillStack();
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  if (one_cpu) PinThread(&cpus);
  parallel = reinterpret_cast<Parallel>(OpenMpFunction("GOMP_parallel"));
  thread_number = reinterpret_cast<int (*)()>(OpenMpFunction("omp_get_thread_num"));
  if (parallel == nullptr || thread_number == nullptr) return;
  parallel(PinThread, one_cpu ? &cpus : nullptr, threads, 0);
}

// Lets all of OpenMP's threads do nothing together: what it takes to wake them up.
void WakeThreads(unsigned threads) {
  if (parallel != nullptr && thread_number != nullptr) parallel([](void*) {}, nullptr, threads, 0);
}

// Ends OpenMP's own threads, so that those which are left are the candidate's.
void EndThreads() {
  using Pause = int (*)(int);
  constexpr int kHard = 2;  // omp_pause_hard
  const auto pause = reinterpret_cast<Pause>(OpenMpFunction("omp_pause_resource_all"));
  if (pause != nullptr) pause(kHard);
}

std::vector<Step> Prepare(const BatchDescriptor& header, const StepEntry* steps, const ArgEntry* args,
                          std::vector<void*>& pointers, std::vector<uint64_t>& values) {
  pointers.resize(header.arg_count);
  values.resize(header.arg_count);
  for (size_t i = 0; i < header.arg_count; ++i) {
    values[i] = args[i].value;
    pointers[i] =
        args[i].buffer >= 0 ? mappings[static_cast<size_t>(args[i].buffer)].data : static_cast<void*>(&values[i]);
    if (args[i].is_null != 0) pointers[i] = nullptr;
  }
  std::vector<Step> prepared(header.step_count);
  for (size_t i = 0; i < header.step_count; ++i) {
    void** first = pointers.data() + steps[i].first_arg;
    prepared[i] = {steps[i].stub, steps[i].call, first, steps[i].stub < 0 ? first[0] : nullptr, steps[i].zero_bytes};
  }
  return prepared;
}

// Tells kopt that a call has returned; the next one may begin when this returns. In between this thread is on the first
// of its CPUs, where kopt is, too.
void AwaitNext(uint32_t call) {
  cpu_set_t before;
  const bool known = sched_getaffinity(0, sizeof(before), &before) == 0;
  if (known) MoveToFirstCpu(before);
  Message message{.type = MessageType::kCalled, .value = static_cast<int32_t>(call), .text = {}};
  Send(message);
  if (!Receive(message) || message.type != MessageType::kGo) _exit(96);
  if (known) sched_setaffinity(0, sizeof(before), &before);
}

}  // namespace

void RunBatch(Entry entry) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a clone does not inherit it
  std::vector<int> descriptors;
  if (!ReceiveBatch(descriptors)) GiveUp("receiving the batch");
  const std::vector<std::byte> text = ReadDescriptor(descriptors[0]);
  BatchDescriptor header;
  std::memcpy(&header, text.data(), sizeof(header));
  const auto* buffers = reinterpret_cast<const BufferEntry*>(text.data() + sizeof(header));
  const auto* steps = reinterpret_cast<const StepEntry*>(buffers + header.buffer_count);
  const auto* args = reinterpret_cast<const ArgEntry*>(steps + header.step_count);

  const uint64_t end = MapBuffers(buffers, header.buffer_count, descriptors[1], descriptors[2]);
  for (const int fd : descriptors) close(fd);

  std::vector<void*> pointers;
  std::vector<uint64_t> values;
  const std::vector<Step> prepared = Prepare(header, steps, args, pointers, values);
  CatchFaults();
  StartThreads(header.threads, header.one_cpu != 0);
  for (const Mapping& mapping : mappings) Touch(mapping);
  if (sandbox_on) {
    if (const std::string error = sandbox::FilterRunning(end); !error.empty()) GiveUp(error);
  }

  Message message{.type = MessageType::kReady, .value = 0, .text = {}};
  Send(message);
  if (!Receive(message) || message.type != MessageType::kGo) _exit(96);
  if (header.empty == 0) {
    for (size_t i = 0; i < prepared.size(); ++i) {
      const Step& step = prepared[i];
      status->calls_done = step.call;
      if (step.stub >= 0) {
        entry(step.stub, step.args);
      } else {
        std::memset(step.zero, 0, step.zero_bytes);
      }
      const bool last = i + 1 == prepared.size() || prepared[i + 1].call != step.call;
      if (header.one_by_one != 0 && last) AwaitNext(step.call);
    }
  } else if (header.one_by_one != 0) {
    for (uint32_t call = 0; call < header.calls; ++call) {
      WakeThreads(header.threads);
      AwaitNext(call);
    }
  }
  status->calls_done = header.calls;
  if (header.linger != 0) {
    EndThreads();
    Send({.type = MessageType::kCalled, .value = 0, .text = {}});
    Receive(message);
  }
  _exit(0);
}

}  // namespace kopt::worker
