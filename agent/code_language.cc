#include "agent/code_language.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agent/code_blocks.h"

namespace kopt {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

// What fences call languages.
constexpr auto kByInfo = std::to_array<Pair>({{"c", "C++"},
                                              {"c++", "C++"},
                                              {"cc", "C++"},
                                              {"cpp", "C++"},
                                              {"cxx", "C++"},
                                              {"h", "C++"},
                                              {"hpp", "C++"},
                                              {"cu", "CUDA"},
                                              {"cuda", "CUDA"},
                                              {"cuda-cpp", "CUDA"},
                                              {"cuh", "CUDA"},
                                              {"ptx", "PTX"},
                                              {"diff", "a diff"},
                                              {"patch", "a diff"},
                                              {"py", "Python"},
                                              {"python", "Python"},
                                              {"python3", "Python"},
                                              {"triton", "Triton"},
                                              {"rust", "Rust"},
                                              {"rs", "Rust"},
                                              {"julia", "Julia"},
                                              {"mojo", "Mojo"},
                                              {"go", "Go"},
                                              {"java", "Java"},
                                              {"javascript", "JavaScript"},
                                              {"js", "JavaScript"},
                                              {"typescript", "TypeScript"},
                                              {"fortran", "Fortran"},
                                              {"hip", "HIP"},
                                              {"opencl", "OpenCL"},
                                              {"metal", "Metal"},
                                              {"glsl", "GLSL"},
                                              {"hlsl", "HLSL"},
                                              {"wgsl", "WGSL"},
                                              {"asm", "assembly"}});

// How lines begin that are no C++, the most telling first: Triton and PyTorch are Python, too.
constexpr auto kByLine = std::to_array<Pair>({{"@triton.", "Triton"},
                                              {"import triton", "Triton"},
                                              {"from triton", "Triton"},
                                              {"import torch", "PyTorch"},
                                              {"from torch", "PyTorch"},
                                              {"import numpy", "Python"},
                                              {"import cupy", "Python"},
                                              {"from numba", "Python"},
                                              {"import numba", "Python"},
                                              {"__kernel ", "OpenCL"},
                                              {"use std::", "Rust"},
                                              {"pub fn ", "Rust"},
                                              {"package main", "Go"},
                                              {"#include <hip/", "HIP"},
                                              {"#include <metal_stdlib>", "Metal"}});

constexpr auto kCppLines = std::to_array<std::string_view>(
    {"#include", "#pragma", "#define", "extern \"C\"", "namespace ", "template", "constexpr ", "using ", "typedef "});

bool Holds(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool IsStep(std::string_view line) {
  const std::string_view rest = Trimmed(line.substr(3));
  const std::string_view word = rest.substr(0, rest.find_first_of(" \t(#"));
  return word == "launch" || word == "call";
}

// The rank in kByLine; its size: none.
size_t ForeignRank(std::string_view line) {
  const auto found = std::ranges::find_if(kByLine, [&](const Pair& pair) { return line.starts_with(pair.first); });
  return static_cast<size_t>(found - kByLine.begin());
}

}  // namespace

CodeTraits TraitsOf(std::string_view info, std::string_view code) {
  CodeTraits traits;
  size_t foreign = kByLine.size();
  bool cuda = false, cpp = false, statements = false, python = false;
  while (!code.empty()) {
    const std::string_view line = Trimmed(TakeLine(code));
    if (line.starts_with("//@")) {
      traits.plan = true;
      traits.step = traits.step || IsStep(line);
    } else if (!line.empty() && !line.starts_with("//")) {
      traits.code = true;
      foreign = std::min(foreign, ForeignRank(line));
      python = python || (line.starts_with("def ") && line.ends_with(":"));
      cuda = cuda || Holds(line, "__global__") || Holds(line, "__device__");
      traits.function = traits.function || Holds(line, "extern \"C\"") || Holds(line, "__global__");
      cpp = cpp || std::ranges::any_of(kCppLines, [&](std::string_view begin) { return line.starts_with(begin); });
      statements = statements || line.ends_with(";") || line.ends_with("{");
    }
  }
  const auto named = std::ranges::find(kByInfo, info, &Pair::first);
  if (foreign < kByLine.size()) {
    traits.language = kByLine[foreign].second;
  } else if (python) {
    traits.language = "Python";
  } else if (cuda) {
    traits.language = "CUDA";
  } else if (named != kByInfo.end()) {
    traits.language = named->second;
  } else if (cpp || (info.empty() && statements)) {
    traits.language = "C++";
  }
  return traits;
}

bool BeginsCode(std::string_view line) {
  line = Trimmed(line);
  return line.starts_with("//@") || line.starts_with("#include") || line.starts_with("extern \"C\"") ||
         line.starts_with("extern &quot;C&quot;") || line.starts_with("__global__");
}

bool EndsCode(std::string_view line) {
  line = Trimmed(line);
  return line.starts_with("//") || line.starts_with("#endif") || line.ends_with("}") || line.ends_with(";") ||
         line.ends_with("*/");
}

}  // namespace kopt
