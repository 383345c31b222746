// What processes in which candidates run may send: frames with descriptors, the way a batch ended with what it printed,
// and the page in which it tells where it faulted. The first byte chooses.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/printable.h"
#include "task/spec.h"
#include "tests/fuzz/fuzz.h"
#include "tests/verifier/spec_builder.h"
#include "verifier/cpu/batch_refusal.h"
#include "verifier/cpu/call_batch.h"
#include "verifier/cuda/frames.h"

namespace kopt {
namespace {

// A head and descriptors that need not belong together. They come back as a frame, or all of them are closed.
void TryFrame(Bytes& bytes) {
  const uint8_t choice = bytes.Byte();
  const bool honest = (choice & 1) != 0, has_memory = (choice & 2) != 0;
  const size_t more = (choice >> 2) & 7;
  FrameHead head;
  if (!honest) head = {.bytes = bytes.Number(8), .descriptors = static_cast<uint32_t>(bytes.Number(4))};
  const std::string_view text = bytes.Rest();
  if (honest) head = {.bytes = text.size(), .descriptors = static_cast<uint32_t>(more)};
  const Fd memory(memfd_create("fuzz", MFD_CLOEXEC));
  Require(write(memory.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()), "memory can be written");
  std::vector<int> sent(more + (has_memory ? 1 : 0), memory.get());
  int ends[2];
  Require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "sockets can be had");
  const Fd own(ends[0]);
  Fd other(ends[1]);
  Require(SendDescriptors(other.get(), std::as_bytes(std::span(&head, 1)), sent), "a message can be sent");
  other.Close();
  const auto frame = ReceiveFrame(own.get());
  if (frame) {
    Require(frame->json.is_object() && frame->descriptors.size() + 1 == sent.size(), "a frame is whole");
    for (const int descriptor : frame->descriptors) close(descriptor);
  }
  const int next = dup(own.get());
  Require(next == own.get() + 1 || next == other.get() || next < own.get() + 4, "no descriptor stays open");
  close(next);
}

void CheckRefusal(const Refusal& refusal) {
  Require(!refusal.reason.empty() && refusal.reason.size() < 70000, "a refusal has a reason");
  Require(refusal.evidence.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).size() < 16384,
          "its evidence is short");
}

void TryEnd(Bytes& bytes) {
  BatchEnd end;
  end.kind = static_cast<BatchEnd::Kind>(bytes.Byte() % (static_cast<int>(BatchEnd::Kind::kNoSetup) + 1));
  end.number = static_cast<int>(bytes.Number(4));
  end.printed = bytes.Rest();
  CheckRefusal(RefusalOf(end, Stage::kCheck, 1));
}

void TryStatus(Bytes& bytes) {
  static const Spec spec = SpecOf({{"N", 7}}, {Input("x", DType::kF32, {"N"}), Output("y", DType::kF32, {"N"})}, {});
  static const BoundTask task = *Bind(spec, spec.shapes[0]);
  static const BoundPlan plan{.scratch = {{.name = "s", .bytes = 64}}, .steps = {}};
  static const InputSet set{.storage = {}, .scalars = {}};
  static const CallBatch calls = LayOut(task, plan, {&set, &set}, false);
  BatchStatus status{};
  const std::string_view text = bytes.Take(sizeof(status));
  std::memcpy(&status, text.data(), text.size());
  const FaultText fault = Explain(status, task, plan, calls);
  Require(!fault.text.empty() && fault.text.size() < 200 && Printable(fault.text) == fault.text, "a fault has a text");
}

}  // namespace
}  // namespace kopt

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kopt::Bytes bytes(data, size);
  constexpr void (*kTries[])(kopt::Bytes&) = {kopt::TryFrame, kopt::TryEnd, kopt::TryStatus};
  kTries[bytes.Byte() % std::size(kTries)](bytes);
  return 0;
}
