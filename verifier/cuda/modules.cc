#include "verifier/cuda/modules.h"

#include <algorithm>

#include "verifier/cuda/cubin.h"

namespace kopt::worker {

using nlohmann::json;

namespace {

constexpr uint64_t kPartBytes = 64 << 10;  // of a large variable, so that many blocks work on it

}  // namespace

json Modules::Take(int id, std::string cubin, const std::vector<std::string>& functions) {
  const Driver& driver = device_.driver();
  const auto symbols = SymbolsOf(cubin);
  const auto refuse = [](const std::string& why) -> json { return {{"ok", true}, {"refused", why}}; };
  if (!symbols) return refuse(symbols.error().message);
  json answer{{"ok", true}, {"variables", symbols->variables}, {"imports", symbols->imports}};
  auto loaded = std::make_unique<Loaded>(device_, std::move(cubin));
  for (const std::string& name : symbols->variables) {
    CUdeviceptr at = 0;
    size_t bytes = 0;
    const CUresult found = driver.cuModuleGetGlobal(&at, &bytes, loaded->module.get(), name.c_str());
    if (found != CUDA_SUCCESS) {
      return refuse(fmt::format("its variable `{}` cannot be restored between calls: {}", name, driver.Words(found)));
    }
    loaded->variables.push_back({.at = at, .bytes = bytes});
  }
  for (const std::string& name : functions) {
    const CUfunction function = loaded->module.Function(name);
    const auto attribute = [&](CUfunction_attribute which) {
      int value = 0;
      device_.Check(driver.cuFuncGetAttribute(&value, which, function), name.c_str());
      return value;
    };
    answer["functions"][name] = {attribute(CU_FUNC_ATTRIBUTE_NUM_REGS), attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES),
                                 attribute(CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES),
                                 attribute(CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK)};
  }
  loaded_[id] = std::move(loaded);
  TakeImage();
  return answer;
}

// Copies of all variables of all modules, as they are before anything has run.
void Modules::TakeImage() {
  const Driver& driver = device_.driver();
  std::vector<Variable> variables;
  size_t bytes = 0;
  for (const auto& [id, loaded] : loaded_) {
    for (const Variable& variable : loaded->variables) {
      for (uint64_t done = 0; done < variable.bytes; done += kPartBytes) {
        const uint64_t part = std::min(variable.bytes - done, kPartBytes);
        variables.push_back({.at = variable.at + done, .image = bytes, .bytes = part});
        bytes += (part + 7) / 8 * 8;
      }
    }
  }
  count_ = static_cast<uint32_t>(variables.size());
  if (variables.empty()) return;
  image_ = Mapping::Create(device_, bytes);
  for (Variable& variable : variables) {
    variable.image += image_.address();
    device_.Check(driver.cuMemcpyDtoD(variable.image, variable.at, variable.bytes), "a copy of the module's variables");
  }
  table_ = Mapping::Create(device_, variables.size() * sizeof(Variable));
  device_.Check(driver.cuMemcpyHtoD(table_.address(), variables.data(), variables.size() * sizeof(Variable)),
                "a table of variables");
  image_.Protect(device_);
  table_.Protect(device_);
}

}  // namespace kopt::worker
