// Texts kept in golden folders.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/files.h"

namespace kopt {

inline std::string TextOf(const std::filesystem::path& path) {
  auto text = ReadFile(path);
  return text ? *text : "cannot read " + path.string();
}

// Compares with the file NAME of the folder; writes it instead when KOPT_UPDATE_GOLDEN is set.
inline void ExpectGolden(const std::string& name, const std::string& text,
                         const std::string& folder = "tests/agent/golden") {
  const std::filesystem::path path = std::filesystem::path(KOPT_SOURCE_DIR) / folder / name;
  if (std::getenv("KOPT_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFile(path, text));
  }
  EXPECT_EQ(text, TextOf(path));
}

}  // namespace kopt
