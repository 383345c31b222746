// What a shared object imports, read from its dynamic symbol table, every offset checked: the object is untrusted.
#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "verifier/cpu/compile.h"

namespace kopt {
namespace {

// Bytes of all names together, one more for each: tables may overlap, and so may names.
constexpr size_t kMostNames = size_t{16} << 20;

// Families, by prefix: the C++ library and its run time, OpenMP.
constexpr std::array kPrefixes = {
    "_ZNSt",   "_ZNKSt",        "_ZSt",   "_ZTVNSt",  "_ZTI",  "_ZTVSt", "_ZTSSt",   "_ZTVN10__cxxabiv1",
    "_Zn",     "_Zd",           "__cxa_", "_Unwind_", "GOMP_", "omp_",   "_ZNSo",    "_ZNSi",
    "_ZTTNSt", "_ZN9__gnu_cxx", "_ZNVSt", "_ZGVZNSt", "_ZN12", "_ZGTt",  "__atomic_"};
// Of those, what reaches files or the loader.
constexpr std::array kForbiddenPrefixes = {"_ZNSt10filesystem",     "_ZNKSt10filesystem",    "_ZNSt13basic_filebuf",
                                           "_ZNSt14basic_ifstream", "_ZNSt14basic_ofstream", "_ZNSt13basic_fstream",
                                           "_ZNSt12__basic_file"};

const std::set<std::string_view>& AllowedNames() {
  static const std::set<std::string_view> names = {
      // memory and strings
      "malloc", "calloc", "realloc", "free", "aligned_alloc", "posix_memalign", "memalign", "memcpy", "memmove",
      "memset", "memcmp", "memchr", "memrchr", "mempcpy", "strlen", "strnlen", "strcmp", "strncmp", "strcpy", "strncpy",
      "strcat", "strchr", "strrchr", "strstr", "bcmp", "__memcpy_chk", "__memset_chk", "__memmove_chk", "bzero",
      // process
      "abort", "exit", "_exit", "_Exit", "quick_exit", "atexit", "__stack_chk_fail", "__assert_fail", "longjmp",
      "_setjmp", "__sigsetjmp", "siglongjmp", "__longjmp_chk", "__gmon_start__", "_ITM_deregisterTMCloneTable",
      "_ITM_registerTMCloneTable", "__tls_get_addr", "__errno_location", "__gxx_personality_v0", "__dso_handle",
      "_dl_find_object", "dl_iterate_phdr", "__gcc_personality_v0", "__dynamic_cast", "__libc_single_threaded",
      "__once_proxy",
      // numbers and sorting
      "qsort", "bsearch", "rand", "srand", "rand_r", "random", "srandom", "drand48", "abs", "labs", "llabs", "div",
      "ldiv", "lldiv", "atoi", "atol", "atof", "strtol", "strtoll", "strtoul", "strtoull", "strtod", "strtof", "getenv",
      // output, which is cut and never believed
      "printf", "fprintf", "puts", "putchar", "fputs", "fputc", "putc", "fwrite", "fflush", "snprintf", "sprintf",
      "vsnprintf", "vprintf", "vfprintf", "perror", "stdout", "stderr", "write", "__printf_chk", "__fprintf_chk",
      "__snprintf_chk", "__sprintf_chk", "__vsnprintf_chk",
      // time: a candidate may ask, it gains nothing
      "clock", "time", "clock_gettime", "gettimeofday", "nanosleep", "usleep", "sleep",
      // threads
      "sched_yield", "sched_getcpu", "sysconf", "getpagesize", "get_nprocs",
      // half precision and 128-bit helpers of libgcc
      "__extendhfsf2", "__truncsfhf2", "__truncdfhf2", "__extendhfdf2", "__truncsfbf2", "__truncdfbf2", "__udivti3",
      "__divti3", "__umodti3", "__modti3", "__floattisf", "__floattidf", "__fixdfti", "__fixsfti", "__multi3",
      "__powidf2", "__powisf2", "__cpu_model", "__cpu_indicator_init", "__popcountdi2", "__muldc3", "__mulsc3",
      "__divdc3", "__divsc3"};
  return names;
}

// libm, without its suffixes for float and long double.
const std::set<std::string_view>& MathNames() {
  static const std::set<std::string_view> names = {
      "acos",      "acosh",   "asin",      "asinh",     "atan",   "atan2",     "atanh",      "cbrt",   "ceil",
      "copysign",  "cos",     "cosh",      "erf",       "erfc",   "exp",       "exp10",      "exp2",   "expm1",
      "fabs",      "fdim",    "floor",     "fma",       "fmax",   "fmin",      "fmod",       "frexp",  "hypot",
      "ilogb",     "isinf",   "isnan",     "j0",        "j1",     "jn",        "ldexp",      "lgamma", "lgamma_r",
      "llrint",    "llround", "log",       "log10",     "log1p",  "log2",      "logb",       "lrint",  "lround",
      "modf",      "nan",     "nearbyint", "nextafter", "pow",    "remainder", "remquo",     "rint",   "round",
      "roundeven", "scalbln", "scalbn",    "sin",       "sincos", "sinh",      "sqrt",       "tan",    "tanh",
      "tgamma",    "trunc",   "y0",        "y1",        "yn",     "finite",    "significand"};
  return names;
}

bool IsMath(std::string_view name) {
  if (name.starts_with("_ZGV")) return true;  // vector variants
  if (name.starts_with("__") && name.ends_with("_finite")) return true;
  if (name.starts_with("__")) name.remove_prefix(2);
  if (MathNames().contains(name)) return true;
  return (name.ends_with("f") || name.ends_with("l")) && MathNames().contains(name.substr(0, name.size() - 1));
}

bool StartsWithAny(std::string_view name, const auto& prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

bool IsPthread(std::string_view name) {
  return name.starts_with("pthread_") && name != "pthread_kill" && name != "pthread_atfork" &&
         name != "pthread_cancel" && name != "pthread_sigqueue" && name != "pthread_setname_np";
}

bool Allowed(std::string_view name) {
  if (StartsWithAny(name, kForbiddenPrefixes)) return false;
  return StartsWithAny(name, kPrefixes) || AllowedNames().contains(name) || IsMath(name) || IsPthread(name);
}

template <class T>
bool ReadAt(std::string_view object, size_t offset, T& value) {
  if (offset > object.size() || object.size() - offset < sizeof(T)) return false;
  std::memcpy(&value, object.data() + offset, sizeof(T));
  return true;
}

std::unexpected<Error> Unreadable(const char* what) {
  return InternalError(fmt::format("the object file cannot be read: {}", what));
}

}  // namespace

Result<std::vector<std::string>> ForbiddenImports(std::string_view object) {
  Elf64_Ehdr header;
  if (!ReadAt(object, 0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
    return Unreadable("no ELF header");
  std::vector<std::string> forbidden;
  bool found = false;
  size_t named = 0;  // bytes
  for (size_t i = 0; i < header.e_shnum; ++i) {
    Elf64_Shdr section;
    if (!ReadAt(object, header.e_shoff + i * sizeof(section), section)) return Unreadable("section table");
    if (section.sh_type != SHT_DYNSYM) continue;
    found = true;
    Elf64_Shdr strings;
    if (section.sh_link >= header.e_shnum ||
        !ReadAt(object, header.e_shoff + section.sh_link * sizeof(strings), strings) ||
        strings.sh_offset > object.size() || object.size() - strings.sh_offset < strings.sh_size) {
      return Unreadable("string table");
    }
    const std::string_view names = object.substr(strings.sh_offset, strings.sh_size);
    for (size_t at = sizeof(Elf64_Sym); at + sizeof(Elf64_Sym) <= section.sh_size; at += sizeof(Elf64_Sym)) {
      Elf64_Sym symbol;
      if (!ReadAt(object, section.sh_offset + at, symbol) || symbol.st_name >= names.size())
        return Unreadable("symbol");
      const std::string_view rest = names.substr(symbol.st_name);
      const std::string name(rest.substr(0, rest.find('\0')));
      named += name.size() + 1;
      if (named > kMostNames) return Unreadable("more than 16 MB of names");
      if (symbol.st_shndx != SHN_UNDEF) continue;
      if (!name.empty() && !Allowed(name)) forbidden.push_back(name);
    }
  }
  if (!found) return Unreadable("no dynamic symbols");
  return forbidden;
}

}  // namespace kopt
