#include "verifier/cuda/cubin.h"

#include <elf.h>

#include <cstring>
#include <optional>

namespace kopt {
namespace {

// Entry `index` of a table that begins at `offset`; nothing if it is not inside the text.
template <class T>
std::optional<T> At(std::string_view text, uint64_t offset, uint64_t index = 0) {
  const uint64_t most = text.size();
  if (offset > most || index > most / sizeof(T) ||
      offset + index * sizeof(T) > most - std::min<uint64_t>(sizeof(T), most) || most < sizeof(T)) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, text.data() + offset + index * sizeof(T), sizeof(T));
  return value;
}

std::string NameAt(std::string_view names, uint64_t offset) {
  if (offset >= names.size()) return "";
  const std::string_view rest = names.substr(offset);
  return std::string(rest.substr(0, rest.find('\0')));
}

std::string_view SectionText(std::string_view cubin, const Elf64_Shdr& section) {
  if (section.sh_offset > cubin.size()) return {};
  return cubin.substr(section.sh_offset, section.sh_size);
}

}  // namespace

Result<CubinSymbols> SymbolsOf(std::string_view cubin) {
  const auto broken = [] { return InternalError("the compiler's output is no cubin"); };
  const auto header = At<Elf64_Ehdr>(cubin, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 || header->e_ident[EI_CLASS] != ELFCLASS64) {
    return broken();
  }
  CubinSymbols symbols;
  for (uint64_t s = 0; s < header->e_shnum; ++s) {
    const auto section = At<Elf64_Shdr>(cubin, header->e_shoff, s);
    if (!section) return broken();
    if (section->sh_type != SHT_SYMTAB) continue;
    const auto names_section = At<Elf64_Shdr>(cubin, header->e_shoff, section->sh_link);
    if (!names_section) return broken();
    const std::string_view names = SectionText(cubin, *names_section);
    const std::string_view table = SectionText(cubin, *section);
    for (uint64_t i = 1; i < table.size() / sizeof(Elf64_Sym); ++i) {
      const auto symbol = At<Elf64_Sym>(table, 0, i);
      if (!symbol) return broken();
      const std::string name = NameAt(names, symbol->st_name);
      const bool defined = symbol->st_shndx != SHN_UNDEF;
      const int type = ELF64_ST_TYPE(symbol->st_info);
      if (type == STT_OBJECT && defined) symbols.variables.push_back(name);
      if (type == STT_FUNC && !defined) symbols.imports.push_back(name);
    }
  }
  return symbols;
}

}  // namespace kopt
