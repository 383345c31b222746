// What is read from a cubin, and what is refused: files made by hand, and by NVRTC where there is one.
#include "verifier/cuda/cubin.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "tests/verifier/nvrtc_test.h"

namespace kopt {
namespace {

constexpr const char kNames[] = "\0counter\0vprintf\0row_sum\0.nv.reservedSmem.offset0\0outside";
constexpr uint32_t kCounter = 1, kPrintf = 9, kRowSum = 17, kReserved = 25, kOutside = 50;

// A file with a table of names, one of symbols, and the sections' headers, in this order.
struct File {
  Elf64_Ehdr header{};
  std::string names{kNames, sizeof(kNames)};
  std::vector<Elf64_Sym> symbols;
  Elf64_Shdr sections[3]{};  // none, names, symbols

  File() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_machine = 190;
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = 3;
    symbols.emplace_back();
  }
  void Add(uint32_t name, int type, uint16_t section) {
    Elf64_Sym symbol{};
    symbol.st_name = name;
    symbol.st_info = static_cast<unsigned char>(ELF64_ST_INFO(STB_LOCAL, type));
    symbol.st_shndx = section;
    symbols.push_back(symbol);
  }
  // `change`: made to the headers at last.
  std::string Text(const std::function<void(File&)>& change = [](File&) {}) {
    const size_t symbol_bytes = symbols.size() * sizeof(Elf64_Sym);
    sections[1].sh_type = SHT_STRTAB;
    sections[1].sh_offset = sizeof(header);
    sections[1].sh_size = names.size();
    sections[2].sh_type = SHT_SYMTAB;
    sections[2].sh_offset = sizeof(header) + names.size();
    sections[2].sh_size = symbol_bytes;
    sections[2].sh_entsize = sizeof(Elf64_Sym);
    sections[2].sh_link = 1;
    header.e_shoff = sizeof(header) + names.size() + symbol_bytes;
    change(*this);
    std::string text(reinterpret_cast<const char*>(&header), sizeof(header));
    text += names;
    text.append(reinterpret_cast<const char*>(symbols.data()), symbol_bytes);
    text.append(reinterpret_cast<const char*>(sections), sizeof(sections));
    return text;
  }
};

using Names = std::vector<std::string>;

TEST(CubinTest, FindsVariablesAndImports) {
  File file;
  file.Add(kCounter, STT_OBJECT, 1);
  file.Add(kRowSum, STT_FUNC, 1);
  file.Add(kPrintf, STT_FUNC, SHN_UNDEF);
  file.Add(kReserved, STT_OBJECT, SHN_UNDEF);
  file.Add(0, STT_NOTYPE, SHN_UNDEF);
  file.Add(kRowSum, STT_SECTION, 1);
  const auto symbols = SymbolsOf(file.Text());
  ASSERT_TRUE(symbols) << symbols.error().Text();
  EXPECT_EQ(symbols->variables, Names{"counter"});
  EXPECT_EQ(symbols->imports, Names{"vprintf"});
}

TEST(CubinTest, WhatIsOfNoKnownKindIsAVariableOrAnImport) {
  for (const int type : {STT_NOTYPE, STT_COMMON, STT_TLS, STT_LOOS, STT_LOPROC, STT_HIPROC}) {
    File file;
    file.Add(kCounter, type, SHN_COMMON);
    file.Add(kPrintf, type, SHN_UNDEF);
    const auto symbols = SymbolsOf(file.Text());
    ASSERT_TRUE(symbols) << symbols.error().Text();
    EXPECT_EQ(symbols->variables, Names{"counter"}) << type;
    EXPECT_EQ(symbols->imports, Names{"vprintf"}) << type;
  }
}

// Each of 4000 symbols has a name of 8000 bytes, in a file of 100 kB.
TEST(CubinTest, NamesThatOverlapAreLimited) {
  File file;
  file.names = std::string(12000, 'a') + '\0';
  for (uint32_t i = 0; i < 4000; ++i) file.Add(i, STT_OBJECT, 1);
  const auto symbols = SymbolsOf(file.Text());
  ASSERT_FALSE(symbols);
  EXPECT_NE(symbols.error().message.find("16 MB of names"), std::string::npos) << symbols.error().message;
}

TEST(CubinTest, RefusesWhatItDoesNotUnderstand) {
  const auto refuses = [](const char* why, const std::function<void(File&)>& change) {
    File file;
    file.Add(kCounter, STT_OBJECT, 1);
    const auto symbols = SymbolsOf(file.Text(change));
    ASSERT_FALSE(symbols) << why;
    EXPECT_NE(symbols.error().message.find(why), std::string::npos) << symbols.error().message;
  };
  refuses("no code for a GPU", [](File& f) { f.header.e_machine = EM_X86_64; });
  refuses("no code for a GPU", [](File& f) { f.header.e_ident[EI_CLASS] = ELFCLASS32; });
  refuses("no table of sections", [](File& f) { f.header.e_shnum = 0; });  // extended numbering
  refuses("no table of sections", [](File& f) { f.header.e_shentsize = 40; });
  refuses("no table of sections", [](File& f) { f.header.e_shoff += 1; });
  refuses("no table of sections", [](File& f) { f.header.e_shoff = ~Elf64_Off{0}; });
  refuses("outside of the file", [](File& f) { f.sections[0] = {.sh_type = SHT_PROGBITS, .sh_size = 100000}; });
  refuses("outside of the file", [](File& f) { f.sections[2].sh_offset = ~Elf64_Off{0} - 8; });
  refuses("ends within a symbol", [](File& f) { f.sections[2].sh_size -= 1; });
  refuses("of another kind", [](File& f) { f.sections[2].sh_entsize = 16; });
  refuses("of another kind", [](File& f) { f.sections[2].sh_link = 7; });
  refuses("of another kind", [](File& f) { f.sections[2].sh_link = 0; });
  refuses("outside of the names", [](File& f) { f.symbols[1].st_name = 100000; });
  refuses("outside of the names", [](File& f) {
    f.symbols[1].st_name = kOutside;
    f.sections[1].sh_size = kOutside + 3;
  });
  refuses("no symbols", [](File& f) { f.sections[2].sh_type = SHT_PROGBITS; });
  EXPECT_FALSE(SymbolsOf(""));
  EXPECT_FALSE(SymbolsOf("\177ELF"));
}

class CompiledCubinTest : public NvrtcTest {
 protected:
  CubinSymbols Symbols(const std::string& text) const {
    const Compiled compiled = CompileWith(text, {"--generate-line-info"});
    EXPECT_TRUE(compiled.good) << text << "\n" << compiled.log;
    const auto symbols = SymbolsOf(compiled.cubin);
    EXPECT_TRUE(symbols) << symbols.error().Text();
    return symbols.value_or(CubinSymbols());
  }
};

TEST_F(CompiledCubinTest, HonestKernelsImportNothing) {
  for (const char* text :
       {R"(extern "C" __global__ void k(float* x) { x[0] = 1; })",
        R"(extern "C" __global__ void k(float* x) { extern __shared__ float s[]; s[threadIdx.x] = x[0];
              __syncthreads(); x[1] = s[3]; })",
        R"(extern "C" __global__ void k(float* x) { __shared__ float s[99]; s[threadIdx.x] = x[0];
              __syncthreads(); x[1] = s[3]; })",
        R"(__device__ __noinline__ int f(int a) { return a + 1; } __device__ __noinline__ int g(int a) { return a; }
              extern "C" __global__ void k(int* x, int n) { int (*h)(int) = n > 3 ? f : g; x[0] = h(n); })",
        R"(extern "C" __global__ void k(float* x, int n) { switch (n) { case 0: x[0] = x[1] / x[2]; break;
              case 1: x[1] = 4; break; case 2: x[3] = 5; break; case 3: x[2] = sqrtf(x[0]); break;
              case 4: x[9] = 9; break; case 5: x[1] = 0; } })"}) {
    const CubinSymbols symbols = Symbols(text);
    EXPECT_EQ(symbols.imports, Names()) << text;
    EXPECT_EQ(symbols.variables, Names()) << text;
  }
}

TEST_F(CompiledCubinTest, FindsWhateverKeepsState) {
  const CubinSymbols symbols = Symbols(R"(
__device__ int plain;
static __device__ int hidden;
namespace { __device__ int unnamed; }
__constant__ int fixed[4];
__device__ int __nv_reservedSMEM_note;  // called like the assembler's own symbols
template <class T> __device__ T made = T(3);
extern "C" __global__ void k(int* x) {
  static __device__ int local;
  x[0] = ++plain + ++hidden + ++unnamed + ++__nv_reservedSMEM_note + fixed[x[1]] + ++made<int> + ++local;
  asm volatile("{ .global .u32 assembled; st.global.u32 [assembled], 7; }");
  x[2] = sinf(x[3]);
})");
  EXPECT_EQ(symbols.imports, Names());
  for (const char* name :
       {"plain", "hidden", "unnamed", "fixed", "made", "local", "assembled", "__cudart_i2opi_f", "reservedSMEM_note"}) {
    EXPECT_TRUE(std::ranges::any_of(symbols.variables, [&](const std::string& one) {
      return one.find(name) != one.npos;
    })) << name;
  }
}

TEST_F(CompiledCubinTest, FindsWhatIsCalledOfTheRuntime) {
  EXPECT_EQ(Symbols(R"(extern "C" __global__ void k(int n) { printf("%d", n); })").imports, Names{"vprintf"});
  Names heap = Symbols(R"(extern "C" __global__ void k(void** p) { free(p[1]); p[0] = malloc(8); })").imports;
  std::ranges::sort(heap);
  EXPECT_EQ(heap, (Names{"free", "malloc"}));
}

}  // namespace
}  // namespace kopt
