#include "verifier/cuda/snapshots.h"

namespace kopt::worker {
namespace {

constexpr uint64_t kOneIn = 32;

}  // namespace

void Snapshots::Draw(const std::vector<const BufferSet*>& sets) {
  copies_.clear();
  if (sets.size() < 2) return;
  const size_t certain = SecretWord() % (sets.size() - 1);
  for (size_t call = 0; call + 1 < sets.size(); ++call) {
    if (call != certain && SecretWord() % kOneIn != 0) continue;
    for (const Stretch& from : sets[call]->Written()) copies_.push_back({call, from, SecretWord()});
  }
  if (copies_.empty()) return;
  idle_ = sets.back()->Written().front();
  const size_t bytes = copies_.size() * kSnapshotWords * sizeof(uint64_t);
  if (memory_.bytes() < bytes) memory_ = Mapping::Create(device_, bytes);
}

CUdeviceptr Snapshots::PlaceOf(size_t copy) const {
  return memory_.address() + copy * kSnapshotWords * sizeof(uint64_t);
}

void Snapshots::Take(OwnKernels& kernels, BlockedTimer& timer, size_t call) const {
  for (size_t i = 0; i < copies_.size(); ++i) {
    if (copies_[i].call != call) continue;
    timer.CountLaunch();
    kernels.Snapshot(copies_[i].from, copies_[i].seed, PlaceOf(i));
  }
}

void Snapshots::TakeIdle(OwnKernels& kernels, BlockedTimer& timer) const {
  for (size_t i = 0; i < copies_.size(); ++i) {
    timer.CountLaunch();
    kernels.Snapshot(idle_, copies_[i].seed, PlaceOf(i));
  }
}

void Snapshots::Compare(OwnKernels& kernels, CUdeviceptr changed) const {
  for (size_t i = 0; i < copies_.size(); ++i) {
    kernels.CompareSnapshot(copies_[i].from, copies_[i].seed, PlaceOf(i), changed);
  }
}

}  // namespace kopt::worker
