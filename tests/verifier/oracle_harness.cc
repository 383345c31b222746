#include "tests/verifier/oracle_harness.h"

#include <dlfcn.h>

#include <cstdlib>

namespace kopt {

OracleData::OracleData(BoundTask bound) : task(std::move(bound)), tensors(task.tensors.size()) {
  for (const std::string& dim : task.spec->dims) dims.push_back(task.shape->dims.find(dim)->second);
  for (size_t t = 0; t < tensors.size(); ++t) {
    const BoundTensor& tensor = task.tensors[t];
    const size_t elements = static_cast<size_t>(tensor.elements);
    if (tensor.tensor->IsRead()) tensors[t].storage.resize(tensor.bytes);
    if (tensor.tensor->IsWritten()) tensors[t].got.resize(tensor.bytes);
    if (tensor.tensor->role == Tensor::Role::kInput) continue;
    tensors[t].owner.resize(elements);
    if (tensor.tensor->role == Tensor::Role::kTemp || IsFloating(tensor.tensor->dtype)) {
      tensors[t].value.resize(elements);
      tensors[t].variance.resize(elements);
    } else {
      tensors[t].integer.resize(elements);
    }
  }
}

Truth OracleData::TruthOf(size_t tensor) const {
  const Buffers& b = tensors[tensor];
  return {.value = b.value, .variance = b.variance, .integer = b.integer, .owner = b.owner};
}

Result<Oracle> Oracle::Compile(const Spec& spec, const std::string& more) {
  KOPT_TRY(const std::string text, GenerateOracleSource(spec));
  return CompileText(spec, text, more);
}

Result<Oracle> Oracle::CompileText(const Spec& spec, const std::string& text, const std::string& more) {
  Oracle oracle(spec);
  KOPT_TRY(TemporaryFolder folder, TemporaryFolder::Create("kopt-oracle-test"));
  oracle.folder_ = std::make_unique<TemporaryFolder>(std::move(folder));
  const std::string base = (oracle.folder_->path() / "oracle").string();
  KOPT_CHECK(WriteFile(base + ".cc", text));
  std::string command = "LC_ALL=C g++ -shared";
  for (const std::string& flag : OracleFlags()) command += " " + flag;
  command += fmt::format(" {1} {0}.cc -o {0}.so > {0}.log 2>&1", base, more);
  if (std::system(command.c_str()) != 0) {
    KOPT_TRY(std::string log, ReadFile(base + ".log"));
    return std::unexpected(
        Error{.exit = Exit::kUsage, .message = "the oracle does not compile", .log = std::move(log)});
  }
  void* library = dlopen((base + ".so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return InternalError(dlerror());
  oracle.library_ = library;
  oracle.entry_ = reinterpret_cast<void (*)(int, void* const*)>(dlsym(library, "kopt_entry"));
  return oracle;
}

void* Oracle::Symbol(const char* name) const { return dlsym(library_, name); }

Result<void> Oracle::Fill(OracleData& data, uint64_t seed) const {
  data.scalars.clear();
  for (const Scalar& scalar : spec_->scalars) {
    KOPT_TRY(const uint64_t bits, ScalarBits(*spec_, *data.task.shape, scalar, seed));
    data.scalars.push_back(bits);
  }
  const OracleFunctions functions = FunctionsOf(*spec_);
  size_t code = 0;
  for (size_t t = 0; t < data.tensors.size(); ++t) {
    const Tensor& tensor = spec_->tensors[t];
    if (!tensor.IsRead()) continue;
    if (!tensor.code.empty()) {
      Call(functions.Code(static_cast<int>(code++)), data);
    } else {
      KOPT_CHECK(FillTensor(*spec_, data.task.tensors[t], tensor.fill, seed * 1000 + t, data.tensors[t].storage));
    }
  }
  return {};
}

void Oracle::Run(OracleData& data) const {
  Call(kOracleBegin, data);
  for (int i = 0; i < FunctionsOf(*spec_).references; ++i) Call(FunctionsOf(*spec_).Reference(i), data);
}

void Oracle::Call(int function, OracleData& data) const {
  std::vector<void*> args = {data.dims.data(), data.scalars.data(), &data.control};
  const auto pointer = [](auto& vector) { return static_cast<void*>(vector.empty() ? nullptr : vector.data()); };
  for (OracleData::Buffers& b : data.tensors) {
    args.push_back(pointer(b.storage));
    args.push_back(b.integer.empty() ? pointer(b.value) : pointer(b.integer));
    args.push_back(pointer(b.variance));
    args.push_back(pointer(b.owner));
    args.push_back(pointer(b.got));
  }
  data.control.tuple_count = static_cast<long long>(data.tuples.size());
  args.push_back(pointer(data.tuples));
  entry_(function, args.data());
}

}  // namespace kopt
