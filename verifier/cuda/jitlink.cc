#include "verifier/cuda/jitlink.h"

#include <dlfcn.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace kopt {
namespace {

// As in CUDA's nvJitLink.h since 12.0, which is not always installed with the library. 0 is success.
using Handle = void*;
constexpr int kPtx = 2;  // NVJITLINK_INPUT_PTX

struct Functions {
  int (*create)(Handle*, uint32_t, const char**) = nullptr;
  int (*destroy)(Handle*) = nullptr;
  int (*add_data)(Handle, int, const void*, size_t, const char*) = nullptr;
  int (*complete)(Handle) = nullptr;
  int (*cubin_size)(Handle, size_t*) = nullptr;
  int (*cubin)(Handle, void*) = nullptr;
  int (*error_size)(Handle, size_t*) = nullptr;
  int (*error)(Handle, char*) = nullptr;
  int (*info_size)(Handle, size_t*) = nullptr;
  int (*info)(Handle, char*) = nullptr;
};

template <typename F>
Result<void> Find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(dlsym(library, name));
  if (function == nullptr) return EnvironmentError(fmt::format("libnvJitLink lacks {}", name));
  return {};
}

Result<Functions> Load(const std::filesystem::path& path) {
  if (path.empty()) return EnvironmentError("libnvJitLink is not installed", "it is a part of the CUDA toolkit");
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = dlerror();
    return EnvironmentError(fmt::format("libnvJitLink cannot be loaded: {}", why != nullptr ? why : path.string()));
  }
  Functions functions;
  KOPT_CHECK(Find(library, "nvJitLinkCreate", functions.create));
  KOPT_CHECK(Find(library, "nvJitLinkDestroy", functions.destroy));
  KOPT_CHECK(Find(library, "nvJitLinkAddData", functions.add_data));
  KOPT_CHECK(Find(library, "nvJitLinkComplete", functions.complete));
  KOPT_CHECK(Find(library, "nvJitLinkGetLinkedCubinSize", functions.cubin_size));
  KOPT_CHECK(Find(library, "nvJitLinkGetLinkedCubin", functions.cubin));
  KOPT_CHECK(Find(library, "nvJitLinkGetErrorLogSize", functions.error_size));
  KOPT_CHECK(Find(library, "nvJitLinkGetErrorLog", functions.error));
  KOPT_CHECK(Find(library, "nvJitLinkGetInfoLogSize", functions.info_size));
  KOPT_CHECK(Find(library, "nvJitLinkGetInfoLog", functions.info));
  return functions;
}

std::string Text(Handle handle, int (*size_of)(Handle, size_t*), int (*get)(Handle, char*)) {
  size_t size = 0;
  if (size_of(handle, &size) != 0 || size < 2) return "";
  std::string text(size, '\0');
  if (get(handle, text.data()) != 0) return "";
  text.resize(std::strlen(text.c_str()));
  return text;
}

}  // namespace

Result<std::string> Assemble(const std::filesystem::path& library, const std::string& architecture,
                             const std::string& ptx, std::string& log) {
  KOPT_TRY(const Functions link, Load(library));
  const std::string arch = "-arch=" + architecture;
  std::vector<const char*> options = {arch.c_str(), "-verbose"};
  Handle handle = nullptr;
  if (link.create(&handle, static_cast<uint32_t>(options.size()), options.data()) != 0) {
    return EnvironmentError(fmt::format("libnvJitLink does not know {}", architecture));
  }
  std::string cubin;
  size_t size = 0;
  const bool assembled = link.add_data(handle, kPtx, ptx.c_str(), ptx.size() + 1, "candidate") == 0 &&
                         link.complete(handle) == 0 && link.cubin_size(handle, &size) == 0;
  if (assembled) {
    cubin.resize(size);
    log = Text(handle, link.info_size, link.info);
    if (link.cubin(handle, cubin.data()) != 0) cubin.clear();
  }
  const std::string errors = Text(handle, link.error_size, link.error);
  link.destroy(&handle);
  if (!cubin.empty()) return cubin;
  return std::unexpected(Error{.message = "the assembler refuses the text", .log = errors});
}

}  // namespace kopt
