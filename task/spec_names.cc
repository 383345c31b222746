#include "task/spec_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "task/nearest.h"

namespace kopt {
namespace {

constexpr size_t kLongestName = 64;

constexpr std::string_view kSuffixes[] = {"", "f", "l", "f128", "f32", "f32x", "f64", "f64x"};

// C++ keywords, alternative tokens and words with a meaning of their own. Sorted.
constexpr std::string_view kKeywords =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class "
    "co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype "
    "default delete do double dynamic_cast else enum explicit export extern false final float for friend goto if "
    "import inline int long module mutable namespace new noexcept not not_eq nullptr operator or or_eq override "
    "private protected public register reinterpret_cast requires restrict return short signed sizeof static "
    "static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename "
    "union unsigned using virtual void volatile wchar_t while xor xor_eq ";

// Words of kopt's expressions, plans and references. Sorted.
constexpr std::string_view kOwn =
    " SMEM_BLOCK SMS THREADS align ceil_div clamp inf max min nan occupancy pi real target ";

// Functions of <math.h>; each also with the suffixes of kSuffixes. Sorted.
constexpr std::string_view kMath =
    " acos acosh asin asinh atan atan2 atanh canonicalize cbrt ceil copysign cos cosh drem erf erfc exp exp10 exp2 "
    "expm1 fabs fdim finite floor fma fmax fmaximum fmaximum_mag fmaximum_mag_num fmaximum_num fmaxmag fmin "
    "fminimum fminimum_mag fminimum_mag_num fminimum_num fminmag fmod frexp fromfp fromfpx gamma getpayload hypot "
    "ilogb isinf isnan j0 j1 jn ldexp lgamma llogb llrint llround log log10 log1p log2 logb lrint lround modf nan "
    "nearbyint nextafter nextdown nexttoward nextup pow remainder remquo rint round roundeven scalb scalbln scalbn "
    "setpayload setpayloadsig significand sin sincos sinh sqrt tan tanh tgamma totalorder totalordermag trunc "
    "ufromfp ufromfpx y0 y1 yn ";

// Other names that the standard headers, <unistd.h> and the CUDA compiler declare or define. Sorted.
constexpr std::string_view kDeclared =
    " BIG_ENDIAN BOOL_MAX BUFSIZ BYTE_ORDER CHAR_BIT CHAR_MAX CHAR_MIN DBL_EPSILON DBL_MAX DBL_MIN DBL_TRUE_MIN EOF "
    "EXIT_FAILURE EXIT_SUCCESS FD_CLR FD_ISSET FD_SET FD_SETSIZE FD_ZERO FILE FILENAME_MAX FLT_EPSILON "
    "FLT_EVAL_METHOD FLT_MAX FLT_MIN FLT_RADIX FLT_ROUNDS FLT_TRUE_MIN FOPEN_MAX F_LOCK F_OK F_TEST F_TLOCK "
    "F_ULOCK HUGE_VAL HUGE_VALF HUGE_VALL INFINITY INT16_MAX INT16_MIN INT32_MAX INT32_MIN INT64_MAX INT64_MIN "
    "INT8_MAX INT8_MIN INTMAX_C INTMAX_MAX INTMAX_MIN INTPTR_MAX INTPTR_MIN INT_MAX INT_MIN LDBL_EPSILON LDBL_MAX "
    "LDBL_MIN LDBL_TRUE_MIN LINE_MAX LITTLE_ENDIAN LLONG_MAX LLONG_MIN LONG_BIT LONG_LONG_MAX LONG_LONG_MIN "
    "LONG_MAX LONG_MIN MAXFLOAT MAX_CANON MAX_INPUT MB_CUR_MAX MB_LEN_MAX M_1_PI M_2_PI M_2_SQRTPI M_E M_LN10 "
    "M_LN2 M_LOG10E M_LOG2E M_PI M_PI_2 M_PI_4 M_SQRT1_2 M_SQRT2 NAME_MAX NAN NFDBITS NULL NZERO PATH_MAX "
    "PDP_ENDIAN PIPE_BUF PTRDIFF_MAX PTRDIFF_MIN P_tmpdir RAND_MAX R_OK SCHAR_MAX SCHAR_MIN SEEK_CUR SEEK_DATA "
    "SEEK_END SEEK_HOLE SEEK_SET SHRT_MAX SHRT_MIN SIG_ATOMIC_MAX SIG_ATOMIC_MIN SIZE_MAX SSIZE_MAX STDERR_FILENO "
    "STDIN_FILENO STDOUT_FILENO TIME_UTC TMP_MAX UCHAR_MAX UINT16_MAX UINT32_MAX UINT64_MAX UINT8_MAX UINTMAX_C "
    "UINTMAX_MAX UINTPTR_MAX UINT_MAX ULLONG_MAX ULONG_LONG_MAX ULONG_MAX USHRT_MAX W_OK X_OK a64l abort abs "
    "access acct alarm aligned_alloc alloca arc4random arc4random_buf arc4random_uniform asctime asprintf assert "
    "at_quick_exit atexit atof atoi atol atoll atomicAdd atomicAnd atomicCAS atomicDec atomicExch atomicInc "
    "atomicMax atomicMin atomicOr atomicSub atomicXor basename bcmp bcopy be16toh be32toh be64toh blkcnt64_t "
    "blkcnt_t blksize_t blockDim blockIdx brk bsearch btowc bzero caddr_t calloc canonicalize_file_name char1 "
    "char2 char3 char4 chdir chown chroot clearenv clearerr clock clock64 clock_t clockid_t close close_range "
    "closefrom confstr cookie_io_functions_t cooperative_groups copy_file_range cospi crypt ctermid ctime cuda "
    "cuserid cyl_bessel_i0 cyl_bessel_i1 daddl daddr_t daemon daylight ddivl dev_t dfmal difftime dim3 div div_t "
    "dmull double1 double2 double3 double4 double_t dprintf drand48 drand48_data dsqrtl dsubl dup dup2 dup3 dysize "
    "eaccess ecvt endusershell environ erand48 erfcinv erfcx erfinv euidaccess execl execle execlp execv execve "
    "execveat execvp execvpe exit explicit_bzero faccessat fadd faddl fchdir fchown fchownat fclose fcloseall fcvt "
    "fd_mask fd_set fdatasync fdiv fdivl fdopen feof ferror fexecve fflush ffma ffmal ffs ffsl ffsll fgetc fgetpos "
    "fgetpos64 fgets fgetwc fgetws fileno float1 float2 float3 float4 float_t flockfile fmemopen fmul fmull fopen "
    "fopen64 fopencookie fork fpathconf fpclassify fpos64_t fpos_t fprintf fputc fputs fputwc fputws fread free "
    "freopen freopen64 fsblkcnt64_t fsblkcnt_t fscanf fseek fseeko fseeko64 fsetpos fsetpos64 fsfilcnt64_t "
    "fsfilcnt_t fsid_t fsqrt fsqrtl fsub fsubl fsync ftell ftello ftello64 ftruncate ftruncate64 ftrylockfile "
    "funlockfile fwide fwprintf fwrite fwscanf gcvt get_current_dir_name getc getchar getcwd getdate getdate_err "
    "getdelim getdomainname getdtablesize getegid getentropy getenv geteuid getgid getgroups gethostid gethostname "
    "getline getloadavg getlogin getopt getpagesize getpass getpgid getpgrp getpid getppid getpt getresgid "
    "getresuid getsid getsubopt gettid getuid getusershell getw getwc getwchar getwd gid_t gmtime grantpt gridDim "
    "group_member half half2 htobe16 htobe32 htobe64 htole16 htole32 htole64 id_t index initstate ino64_t ino_t "
    "int1 int16_t int2 int3 int32_t int4 int64_t int8_t int_fast16_t int_fast32_t int_fast64_t int_fast8_t "
    "int_least16_t int_least32_t int_least64_t int_least8_t intmax_t intptr_t isalnum isalpha isascii isatty "
    "isblank iscanonical iscntrl isctype isdigit iseqsig isfinite isgraph isgreater isgreaterequal isless "
    "islessequal islessgreater islower isnormal isprint ispunct issignaling isspace issubnormal isunordered "
    "isupper isxdigit iszero itimerspec jrand48 key_t l64a labs lchown lcong48 ldiv ldiv_t le16toh le32toh le64toh "
    "lerp link linkat linux llabs lldiv lldiv_t locale_t localtime lockf lockf64 loff_t long1 long2 long3 long4 "
    "longlong1 longlong2 longlong3 longlong4 lrand48 lseek lseek64 malloc math_errhandling max_align_t mblen "
    "mbrlen mbrtowc mbsinit mbsnrtowcs mbsrtowcs mbstate_t mbstowcs mbtowc memccpy memchr memcmp memcpy memfrob "
    "memmem memmove mempcpy memrchr memset mkdtemp mkstemp mkstemp64 mkstemps mkstemps64 mktemp mktime mode_t "
    "mrand48 mul24 mulhi nanosleep nice nlink_t norm norm3d norm4d normcdf normcdfinv nrand48 nullptr_t "
    "nv_bfloat16 nv_bfloat162 nvcuda obstack obstack_printf obstack_vprintf off64_t off_t offsetof on_exit "
    "open_memstream open_wmemstream optarg opterr optind optopt pathconf pause pclose perror pid_t pipe pipe2 "
    "popen posix_memalign posix_openpt pread pread64 printf profil pselect ptrdiff_t ptsname putc putchar putenv "
    "puts putw putwc putwchar pwrite pwrite64 qecvt qfcvt qgcvt qsort quad_t quick_exit rand random random_data "
    "rawmemchr rcbrt read readlink readlinkat realloc reallocarray realpath remove rename renameat renameat2 "
    "revoke rewind rhypot rindex rmdir rnorm rnorm3d rnorm4d rpmatch rsqrt sbrk scanf secure_getenv seed48 select "
    "setbuf setbuffer setdomainname setegid setenv seteuid setgid sethostid sethostname setlinebuf setlogin "
    "setpgid setpgrp setregid setresgid setresuid setreuid setsid setstate setuid setusershell setvbuf short1 "
    "short2 short3 short4 sigevent signbit signgam sigset_t sincospi sinpi size_t sleep snprintf socklen_t sprintf "
    "srand srand48 srandom sscanf ssize_t std stderr stdin stdout stpcpy stpncpy strcasecmp strcasestr strcat "
    "strchr strchrnul strcmp strcoll strcpy strcspn strdup strdupa strfromd strfromf strfromf128 strfromf32 "
    "strfromf32x strfromf64 strfromf64x strfroml strfry strftime strlen strncasecmp strncat strncmp strncpy "
    "strndup strndupa strnlen strpbrk strptime strrchr strsep strsignal strspn strstr strverscmp strxfrm "
    "surfaceReference suseconds_t swab swap swprintf swscanf symlink symlinkat sync syncfs syscall sysconf system "
    "tcgetpgrp tcsetpgrp tempnam textureReference threadIdx time time_t timegm timelocal timespec timespec_get "
    "timespec_getres timeval timex timezone tm tmpfile tmpfile64 tmpnam toascii tolower toupper trap truncate "
    "truncate64 ttyname ttyslot tzname tzset u_char u_int u_int16_t u_int32_t u_int64_t u_int8_t u_long u_quad_t "
    "u_short ualarm uchar1 uchar2 uchar3 uchar4 uid_t uint uint1 uint16_t uint2 uint3 uint32_t uint4 uint64_t "
    "uint8_t uint_fast16_t uint_fast32_t uint_fast64_t uint_fast8_t uint_least16_t uint_least32_t uint_least64_t "
    "uint_least8_t uintmax_t uintptr_t ulong ulong1 ulong2 ulong3 ulong4 ulonglong1 ulonglong2 ulonglong3 "
    "ulonglong4 umul24 umulhi ungetc ungetwc unix unlink unlinkat unlockpt unsetenv useconds_t ushort ushort1 "
    "ushort2 ushort3 ushort4 usleep va_list valloc vasprintf vdprintf vfork vfprintf vfscanf vfwprintf vfwscanf "
    "vhangup vprintf vscanf vsnprintf vsprintf vsscanf vswprintf vswscanf vwprintf vwscanf warpSize wcpcpy wcpncpy "
    "wcrtomb wctob wctomb wcwidth wint_t wprintf write wscanf ";

// `words`: separated by one space, with a space at both ends. `name` is an identifier or empty.
bool Has(std::string_view words, std::string_view name) {
  return words.find(fmt::format(" {} ", name)) != std::string_view::npos;
}

bool IsMathFunction(std::string_view name) {
  return std::any_of(std::begin(kSuffixes), std::end(kSuffixes), [&](std::string_view suffix) {
    return name.ends_with(suffix) && Has(kMath, name.substr(0, name.size() - suffix.size()));
  });
}

bool IsDeclared(std::string_view name) {
  return Has(kDeclared, name) || IsMathFunction(name) || name.starts_with("pthread_") || name.starts_with("omp_");
}

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

bool IsIdentifier(std::string_view text) {
  return !text.empty() && IsLetter(text[0]) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLetter(c) || IsDigit(c); });
}

std::string WhyRefused(std::string_view name) {
  if (!IsIdentifier(name)) {
    return fmt::format("`{}` is not a name: letters, digits and _, no digit first", Shown(name));
  }
  if (name.size() > kLongestName) return fmt::format("`{}` is longer than {} characters", Shown(name), kLongestName);
  if (name.starts_with("kopt_")) return fmt::format("`{}`: names that begin with kopt_ are kopt's own", name);
  if (name[0] == '_' || name.find("__") != std::string_view::npos) {
    return fmt::format("`{}`: names with a leading or double underscore belong to the compiler", name);
  }
  if (Has(kKeywords, name)) return fmt::format("`{}` is a C++ keyword", name);
  if (Has(kOwn, name)) return fmt::format("`{}` has a meaning of its own in specs and plans", name);
  if (IsDeclared(name)) return fmt::format("`{}` is declared by a standard header", name);
  const std::string type = std::string(name) + "_t";
  if (Has(kKeywords, type) || IsDeclared(type)) {
    return fmt::format("`{}` needs the type name `{}`, which a standard header declares", name, type);
  }
  return "";
}

}  // namespace kopt
