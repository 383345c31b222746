// Runs a fuzz target on every file of the folders that are its arguments: in ordinary builds, what was found once stays
// mended.
#include <cstdio>
#include <filesystem>

#include "base/files.h"
#include "tests/fuzz/fuzz.h"

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      const auto text = kopt::ReadFile(entry.path());
      if (!text) return std::fprintf(stderr, "%s\n", text.error().Text().c_str()), 1;
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);  // the last line names the input that ends the program
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(text->data()), text->size());
      ++files;
    }
  }
  std::printf("%d inputs\n", files);
  return files > 0 ? 0 : 1;
}
