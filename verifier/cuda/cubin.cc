#include "verifier/cuda/cubin.h"

#include <elf.h>

#include <cstring>
#include <optional>

namespace kopt {
namespace {

constexpr uint16_t kCudaMachine = 190;  // EM_CUDA
// Bytes of all names together, one more for each: tables may overlap, and so may names.
constexpr size_t kMostNames = size_t{16} << 20;

std::unexpected<Error> NotUnderstood(const char* what) {
  return InternalError(fmt::format("the compiler's output is not understood: {}", what));
}

// These bytes; nothing if they are not all inside of the text.
std::optional<std::string_view> Part(std::string_view text, uint64_t offset, uint64_t bytes) {
  if (offset > text.size() || bytes > text.size() - offset) return std::nullopt;
  return text.substr(offset, bytes);
}

// A table as entries; nothing if the last one is not whole.
template <class T>
std::optional<std::vector<T>> Entries(std::string_view table) {
  if (table.size() % sizeof(T) != 0) return std::nullopt;
  std::vector<T> entries(table.size() / sizeof(T));
  if (!entries.empty()) std::memcpy(entries.data(), table.data(), table.size());
  return entries;
}

std::optional<std::string> NameAt(std::string_view names, uint64_t offset) {
  const size_t end = names.find('\0', offset);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(names.substr(offset, end - offset));
}

// What ptxas puts into every cubin for the shared memory that the system reserves. A variable of such a name, which any
// source may have, has a size.
bool IsReservedShared(const Elf64_Sym& symbol, const std::string& name) {
  if (symbol.st_shndx != SHN_UNDEF) {
    return name.starts_with("__nv_reservedSMEM_") && symbol.st_size == 0 && ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE;
  }
  return name.starts_with(".nv.reservedSmem.") || (name.empty() && ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE);
}

// Every symbol is a variable, an import or known to be neither.
Result<void> AddSymbols(std::string_view table, std::string_view names, size_t& named, CubinSymbols& symbols) {
  const auto entries = Entries<Elf64_Sym>(table);
  if (!entries) return NotUnderstood("a symbol table ends within a symbol");
  for (size_t i = 1; i < entries->size(); ++i) {  // the first is none
    const Elf64_Sym& symbol = (*entries)[i];
    const auto name = NameAt(names, symbol.st_name);
    if (!name) return NotUnderstood("a symbol has its name outside of the names");
    named += name->size() + 1;
    if (named > kMostNames) return NotUnderstood("its symbols have more than 16 MB of names");
    const int type = ELF64_ST_TYPE(symbol.st_info);
    if (type == STT_SECTION || type == STT_FILE || IsReservedShared(symbol, *name)) continue;
    if (symbol.st_shndx == SHN_UNDEF) {
      symbols.imports.push_back(*name);
    } else if (type != STT_FUNC) {
      symbols.variables.push_back(*name);
    }
  }
  return {};
}

}  // namespace

Result<CubinSymbols> SymbolsOf(std::string_view cubin) {
  const auto head = Part(cubin, 0, sizeof(Elf64_Ehdr));
  if (!head) return NotUnderstood("it is too short");
  Elf64_Ehdr header;
  std::memcpy(&header, head->data(), sizeof(header));
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_machine != kCudaMachine) {
    return NotUnderstood("it is no code for a GPU");
  }
  // With more sections than fit the header it would have none, and their number elsewhere.
  const auto table = Part(cubin, header.e_shoff, uint64_t{header.e_shnum} * sizeof(Elf64_Shdr));
  if (!table || header.e_shnum == 0 || header.e_shentsize != sizeof(Elf64_Shdr)) {
    return NotUnderstood("it has no table of sections");
  }
  const auto sections = *Entries<Elf64_Shdr>(*table);
  std::vector<std::string_view> contents;
  for (const Elf64_Shdr& section : sections) {
    const auto content = Part(cubin, section.sh_offset, section.sh_type == SHT_NOBITS ? 0 : section.sh_size);
    if (!content) return NotUnderstood("a section lies outside of the file");
    contents.push_back(*content);
  }
  CubinSymbols symbols;
  bool found = false;
  size_t named = 0;  // bytes
  for (size_t s = 0; s < sections.size(); ++s) {
    const Elf64_Shdr& section = sections[s];
    if (section.sh_type != SHT_SYMTAB && section.sh_type != SHT_DYNSYM) continue;
    if (section.sh_entsize != sizeof(Elf64_Sym) || section.sh_link >= sections.size() ||
        sections[section.sh_link].sh_type != SHT_STRTAB) {
      return NotUnderstood("a symbol table of another kind");
    }
    KOPT_CHECK(AddSymbols(contents[s], contents[section.sh_link], named, symbols));
    found = true;
  }
  if (!found) return NotUnderstood("it has no symbols");
  return symbols;
}

}  // namespace kopt
