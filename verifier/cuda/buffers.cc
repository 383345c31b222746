#include "verifier/cuda/buffers.h"

#include <algorithm>

namespace kopt::worker {
namespace {

constexpr size_t kScratchAlign = 256;
constexpr uint64_t kCanarySeed = 0x6b6f7074;  // apart from the seeds of poison

Layout LayoutOf(const nlohmann::json& json) {
  Layout layout{.elements = json.at("elements"), .span = json.at("span"), .width = json.at("width")};
  const std::vector<uint64_t> extents = json.at("extents"), strides = json.at("strides");
  if (extents.size() > Layout::kMostRank || strides.size() != extents.size()) {
    throw std::runtime_error("a tensor of too many dimensions");
  }
  layout.rank = static_cast<uint32_t>(extents.size());
  std::ranges::copy(extents, layout.extent);
  std::ranges::copy(strides, layout.stride);
  return layout;
}

Mapping MapOf(const Device& device, OwnKernels& kernels, const Layout& layout) {
  Mapping map = Mapping::Create(device, layout.span);
  device.Check(device.driver().cuMemsetD8Async(map.address(), 0, layout.span, device.stream()), "a map of elements");
  kernels.MarkElements(layout, map.address());
  device.Synchronise();
  map.Protect(device);
  return map;
}

size_t ScratchOffset(const Place& place, size_t bytes) {
  return (place.mapping_bytes - bytes) / kScratchAlign * kScratchAlign;
}

}  // namespace

Place PlaceOf(const nlohmann::json& json) {
  return {.bytes = json.at("bytes"), .offset = json.at("offset"), .mapping_bytes = json.at("mapping")};
}

CUdeviceptr TensorBuffer::address() const { return (kind == Kind::kInput ? pristine : work).address() + place.offset; }

BufferSet::BufferSet(const Device& device, OwnKernels& kernels, const nlohmann::json& json,
                     std::span<const int> descriptors) {
  size_t next = 0;
  const auto import = [&](const Place& place) {
    return Mapping::Import(device, descriptors[next++], place.mapping_bytes, Mapping::Access::kRead);
  };
  for (const auto& row : json.at("tensors")) {
    TensorBuffer tensor{.place = PlaceOf(row)};
    const std::string kind = row.at("kind");
    tensor.kind = kind == "input"   ? TensorBuffer::Kind::kInput
                  : kind == "inout" ? TensorBuffer::Kind::kInout
                                    : TensorBuffer::Kind::kOutput;
    if (tensor.kind != TensorBuffer::Kind::kOutput) tensor.pristine = import(tensor.place);
    if (tensor.kind != TensorBuffer::Kind::kInput) {
      tensor.nan = row.at("nan");
      tensor.keep = row.at("keep");
      tensor.set = row.at("set");
      if (row.contains("layout")) {
        tensor.layout = LayoutOf(row.at("layout"));
        tensor.element_map = MapOf(device, kernels, *tensor.layout);
      }
      tensor.work = Mapping::Create(device, tensor.place.mapping_bytes);
      ++written_;
    }
    if (tensor.kind == TensorBuffer::Kind::kOutput && row.value("foreign", false))
      tensor.foreign = import(tensor.place);
    tensors_.push_back(std::move(tensor));
  }
  for (const auto& row : json.at("scratch")) {
    ScratchBuffer scratch{.place = PlaceOf(row)};
    scratch.work = Mapping::Create(device, scratch.place.mapping_bytes);
    scratch_.push_back(std::move(scratch));
  }
  scalars_ = json.at("scalars").get<std::vector<uint64_t>>();
}

CUdeviceptr BufferSet::ScratchAt(size_t index, size_t bytes) const {
  const ScratchBuffer& scratch = scratch_.at(index);
  return scratch.work.address() + ScratchOffset(scratch.place, bytes);
}

std::vector<Stretch> BufferSet::Written() const {
  std::vector<Stretch> written;
  for (const TensorBuffer& tensor : tensors_) {
    if (tensor.kind == TensorBuffer::Kind::kInput || tensor.place.bytes == 0) continue;
    written.push_back(StretchOf(tensor.address(), tensor.address() + tensor.place.bytes));
  }
  return written;
}

void BufferSet::Move(const Device& device) {
  for (TensorBuffer& tensor : tensors_) {
    if (tensor.kind != TensorBuffer::Kind::kOutput) tensor.pristine.Move(device);
    if (tensor.kind != TensorBuffer::Kind::kInput) tensor.work.Move(device);
  }
  for (ScratchBuffer& scratch : scratch_) scratch.work.Move(device);
}

void BufferSet::Touch(OwnKernels& kernels) const {
  for (const TensorBuffer& tensor : tensors_) {
    if (tensor.kind == TensorBuffer::Kind::kInput) kernels.Read(tensor.pristine.address(), tensor.pristine.bytes());
  }
}

std::vector<int> BufferSet::Export() const {
  std::vector<int> descriptors;
  for (const TensorBuffer& tensor : tensors_) {
    if (tensor.kind != TensorBuffer::Kind::kInput) descriptors.push_back(tensor.work.Export());
  }
  return descriptors;
}

Pattern BufferSet::Canary(size_t index, const Poison& poison) {
  return {.seed = poison.seed + kCanarySeed * (index + 1), .keep = ~uint64_t{0}};
}

Pattern BufferSet::PatternOf(const TensorBuffer& tensor, size_t index, const Poison& poison) {
  switch (poison.kind) {
    case PoisonKind::kNan:
      return {.set = tensor.nan};
    case PoisonKind::kOnes:
      return {.set = ~uint64_t{0}};
    default:
      return {.seed = poison.seed ^ index, .keep = tensor.keep, .set = tensor.set};
  }
}

void BufferSet::PoisonOutput(OwnKernels& kernels, const TensorBuffer& tensor, size_t index,
                             const Poison& poison) const {
  const Stretch data = StretchOf(tensor.address(), tensor.address() + tensor.place.bytes);
  const bool foreign = poison.kind == PoisonKind::kForeign || poison.kind == PoisonKind::kForeignComplement;
  if (foreign && tensor.foreign.bytes() > 0) {
    // It lies at the same offset, so its words are the same words.
    const CUdeviceptr from = (tensor.foreign.address() + tensor.place.offset) / 8 * 8;
    kernels.Copy(data, from, poison.kind == PoisonKind::kForeignComplement);
  } else {
    kernels.Fill(data, PatternOf(tensor, index, poison));
  }
}

void BufferSet::Prepare(OwnKernels& kernels, const Poison& poison, std::span<const size_t> scratch_bytes) const {
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const TensorBuffer& tensor = tensors_[i];
    if (tensor.kind == TensorBuffer::Kind::kInput) continue;
    const CUdeviceptr base = tensor.work.address();
    kernels.Fill(StretchOf(base, base + tensor.work.bytes()), Canary(i, poison));
    if (tensor.kind == TensorBuffer::Kind::kInout) {
      const CUdeviceptr from = (tensor.pristine.address() + tensor.place.offset) / 8 * 8;
      kernels.Copy(StretchOf(tensor.address(), tensor.address() + tensor.place.bytes), from, false);
    } else {
      PoisonOutput(kernels, tensor, i, poison);
    }
  }
  for (size_t i = 0; i < scratch_.size(); ++i) {
    const ScratchBuffer& scratch = scratch_[i];
    const CUdeviceptr base = scratch.work.address();
    const size_t index = tensors_.size() + i;
    kernels.Fill(StretchOf(base, base + scratch.work.bytes()), Canary(index, poison));
    const size_t bytes = i < scratch_bytes.size() ? scratch_bytes[i] : 0;
    if (bytes == 0) continue;
    const CUdeviceptr data = ScratchAt(i, bytes);
    // All ones are a NaN of every floating type; random bits are anything.
    const bool random = poison.kind == PoisonKind::kRandom;
    kernels.Fill(StretchOf(data, data + bytes),
                 {.seed = poison.seed ^ index, .keep = random ? ~uint64_t{0} : 0, .set = random ? 0 : ~uint64_t{0}});
  }
}

void BufferSet::Inspect(OwnKernels& kernels, const Poison& poison, uint64_t key, std::span<const size_t> scratch_bytes,
                        CUdeviceptr counters) const {
  const auto around = [&](CUdeviceptr base, size_t mapping, size_t offset, size_t bytes, size_t index,
                          CUdeviceptr damage) {
    Pattern canary = Canary(index, poison);
    kernels.CheckFill(StretchOf(base, base + offset), canary, damage);
    const Stretch back = StretchOf(base + offset + bytes, base + mapping);
    canary.origin = (back.at - base) / 8;
    if (back.words > 0) kernels.CheckFill(back, canary, damage);
  };
  for (size_t i = 0; i < tensors_.size(); ++i) {
    const TensorBuffer& tensor = tensors_[i];
    if (tensor.kind == TensorBuffer::Kind::kInput) continue;
    const CUdeviceptr digest = counters, damage = counters + 8, gaps = counters + 16;
    counters += 24;
    if (!tensor.layout) {
      kernels.Digest(StretchOf(tensor.address(), tensor.address() + tensor.place.bytes), key, digest);
    } else {
      kernels.DigestElements(tensor.address(), *tensor.layout, key, digest);
      // What lay there before: an inout's own bytes, or the poison. A strided output has no foreign answer.
      const CUdeviceptr map = tensor.element_map.address();
      if (tensor.kind == TensorBuffer::Kind::kInout) {
        const CUdeviceptr original = tensor.pristine.address() + tensor.place.offset;
        kernels.CompareGaps(tensor.address(), original, map, *tensor.layout, gaps);
      } else {
        kernels.CheckGaps(tensor.address(), map, *tensor.layout, static_cast<uint32_t>(tensor.address() % 8),
                          PatternOf(tensor, i, poison), gaps);
      }
    }
    around(tensor.work.address(), tensor.work.bytes(), tensor.place.offset, tensor.place.bytes, i, damage);
  }
  for (size_t i = 0; i < scratch_.size(); ++i) {
    const ScratchBuffer& scratch = scratch_[i];
    const size_t bytes = i < scratch_bytes.size() ? scratch_bytes[i] : 0;
    around(scratch.work.address(), scratch.work.bytes(), ScratchOffset(scratch.place, bytes), bytes,
           tensors_.size() + i, counters);
    counters += 8;
  }
}

}  // namespace kopt::worker
