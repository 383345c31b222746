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
    for (const Stretch& from : sets[call]->Written()) copies_.push_back({call, from, SecretWord(), false});
    if (call != certain) continue;
    const size_t later = call + 1 + SecretWord() % (sets.size() - call - 1);
    for (const Stretch& from : sets[later]->Written()) copies_.push_back({call, from, SecretWord(), true});
  }
  if (copies_.empty()) return;
  idle_ = sets.back()->Written().front();
  const size_t bytes = 2 * copies_.size() * kSnapshotWords * sizeof(uint64_t);
  if (memory_.bytes() < bytes) memory_ = Mapping::Create(device_, bytes);
}

CUdeviceptr Snapshots::PlaceOf(size_t copy) const {
  return memory_.address() + copy * kSnapshotWords * sizeof(uint64_t);
}

void Snapshots::TakeBefore(OwnKernels& kernels) const {
  for (size_t i = 0; i < copies_.size(); ++i) {
    if (copies_[i].later) kernels.Snapshot(copies_[i].from, copies_[i].seed, PlaceBefore(i));
  }
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

void Snapshots::Compare(OwnKernels& kernels, CUdeviceptr late, CUdeviceptr early) const {
  for (size_t i = 0; i < copies_.size(); ++i) {
    if (copies_[i].later) {
      kernels.CompareSnapshots(PlaceBefore(i), PlaceOf(i), early);
    } else {
      kernels.CompareSnapshot(copies_[i].from, copies_[i].seed, PlaceOf(i), late);
    }
  }
}

}  // namespace kopt::worker
