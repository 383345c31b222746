// The worker process as its user sees it: how batches end, what survives, and that nothing outlives kopt.
#include "verifier/cpu/session.h"

#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/clock.h"
#include "base/guard.h"
#include "base/process.h"
#include "verifier/cpu/compile.h"

namespace kopt {
namespace {

std::string Worker() { return (ProgramFolder() / "kopt-worker-cpu").string(); }

// Objects for the tests, compiled once.
CompileService& Compilers() {
  static CompileService service = *CompileService::Create(Worker(), true, {});
  return service;
}

std::filesystem::path ObjectOf(const std::string& body) {
  const std::string text = "extern \"C\" void kopt_entry(int stub, void* const* a) {\n" + body + "\n}\n";
  auto compiled = Compilers().Compile({.units = {{"object.cpp", text}}, .flags = CandidateFlags()});
  EXPECT_TRUE(compiled) << compiled.error().Text();
  EXPECT_EQ(compiled->kind, CompileResult::Kind::kObject) << compiled->log;
  return compiled->object;
}

std::unique_ptr<Session> Loaded(const std::filesystem::path& object) {
  auto session = Session::Start({.worker = Worker(), .object = object, .threads = 2});
  EXPECT_TRUE(session) << session.error().Text();
  std::string reason;
  EXPECT_EQ((*session)->Load(reason).kind, BatchEnd::Kind::kDone) << reason;
  return std::move(*session);
}

// One call with a read-only buffer of 64 ints and a writable one.
struct Call {
  Arenas arenas = *Arenas::Create();
  Batch batch;
  int from, to;
  Call() {
    batch.BeginCall();
    from = batch.AddBuffer(256, false);
    to = batch.AddBuffer(256, true);
    batch.AddStep(0, {{.buffer = from}, {.buffer = to}, {.value = 41}});
    EXPECT_TRUE(arenas.Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  }
  int* From() { return reinterpret_cast<int*>(batch.Data(arenas, from).data()); }
  int* To() { return reinterpret_cast<int*>(batch.Data(arenas, to).data()); }
  BatchEnd Run(Session& session, const Session::RunOptions& options = {.seconds = 1}) {
    auto end = session.Run(arenas, batch, options, [&] {
      From()[0] = 1;
      To()[0] = 0;
    });
    EXPECT_TRUE(end) << end.error().Text();
    return *end;
  }
};

TEST(SessionTest, CallsSeeTheirArgumentsAndAnswerInSharedMemory) {
  auto session = Loaded(ObjectOf("*(int*)a[1] = *(const int*)a[0] + *(const int*)a[2];"));
  Call call;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(call.Run(*session).kind, BatchEnd::Kind::kDone);
    EXPECT_EQ(call.To()[0], 42);
  }
}

TEST(SessionTest, AnEmptyBatchMakesNoCall) {
  auto session = Loaded(ObjectOf("*(int*)a[1] = 7;"));
  Call call;
  EXPECT_EQ(call.Run(*session, {.empty = true, .seconds = 1}).kind, BatchEnd::Kind::kDone);
  EXPECT_EQ(call.To()[0], 0);
}

// Two calls: what the second one finds is written when the first one has returned.
TEST(SessionTest, OneByOneEachCallWaitsUntilKoptHasLookedAtTheOneBefore) {
  auto session = Loaded(ObjectOf("*(int*)a[1] = *(const int*)a[0] + *(const int*)a[2];"));
  Call call;
  call.batch.BeginCall();
  call.batch.AddStep(0, {{.buffer = call.from}, {.buffer = call.to}, {.value = 100}});
  std::vector<int> seen;
  const auto end = call.Run(*session, {.seconds = 1, .returned = [&](size_t number) {
                                         EXPECT_EQ(number, seen.size());
                                         seen.push_back(call.To()[0]);
                                         call.From()[0] = 7;
                                       }});
  EXPECT_EQ(end.kind, BatchEnd::Kind::kDone);
  EXPECT_EQ(seen, (std::vector<int>{42, 107}));
  EXPECT_EQ(end.call_seconds.size(), 2U);
}

int Cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : -1;
}

// kopt and the child meet on one CPU; calls may use all, and so may kopt afterwards.
TEST(SessionTest, OneByOneOnlyTheWaitIsBoundToOneCpu) {
  auto session =
      Loaded(ObjectOf("int get(int, unsigned long, void*) __asm__(\"sched_getaffinity\");\n"
                      "unsigned long words[16] = {};\n"
                      "get(0, sizeof(words), words);\n"
                      "int count = 0;\n"
                      "for (unsigned long word : words) count += __builtin_popcountl(word);\n"
                      "*(int*)a[1] = count;"));
  Call call;
  call.batch.BeginCall();
  call.batch.AddStep(0, {{.buffer = call.from}, {.buffer = call.to}, {.value = 0}});
  const int before = Cpus();
  std::vector<int> during, in_calls;
  call.Run(*session, {.seconds = 1, .returned = [&](size_t) {
                        during.push_back(Cpus());
                        in_calls.push_back(call.To()[0]);
                      }});
  EXPECT_EQ(during, (std::vector<int>{1, 1}));
  EXPECT_EQ(in_calls, (std::vector<int>{before, before}));
  EXPECT_EQ(Cpus(), before);
}

// The second call says by itself that it has returned, and leaves.
TEST(SessionTest, OneByOneACallThatKoptDidNotLookAtDoesNotCount) {
  auto session =
      Loaded(ObjectOf(fmt::format("long send(int, const void*, unsigned long, int) __asm__(\"send\");\n"
                                  "void leave(int) __asm__(\"_exit\");\n"
                                  "static int calls = 0;\n"
                                  "if (++calls < 2) return;\n"
                                  "int message[{}] = {{{}, 1}};\n"
                                  "send({}, message, sizeof(message), 0);\n"
                                  "leave(0);",
                                  sizeof(Message) / sizeof(int), static_cast<int>(MessageType::kCalled), kControlFd)));
  Call call;
  call.batch.BeginCall();
  call.batch.AddStep(0, {{.buffer = call.from}, {.buffer = call.to}, {.value = 0}});
  size_t looked = 0;
  const auto end = call.Run(*session, {.seconds = 1, .returned = [&](size_t) { ++looked; }});
  EXPECT_NE(end.kind, BatchEnd::Kind::kDone);
  EXPECT_EQ(end.call_seconds.size(), looked);
}

TEST(SessionTest, NothingIsRememberedFromBatchToBatch) {
  auto session = Loaded(ObjectOf("static int calls = 0; *(int*)a[1] = ++calls;"));
  Call call;
  for (int i = 0; i < 3; ++i) {
    call.Run(*session);
    EXPECT_EQ(call.To()[0], 1);
  }
}

TEST(SessionTest, InputsAreNotThereBeforeTheClockStarts) {
  // A constructor takes over as much as it can: every later call of memset and friends is the candidate's own.
  auto session = Loaded(ObjectOf("*(int*)a[1] = *(const int*)a[0];"));
  Call call;
  call.From()[0] = 99;  // what lay there before the batch
  auto end = session->Run(call.arenas, call.batch, {.seconds = 1}, [&] { call.From()[0] = 5; });
  ASSERT_TRUE(end);
  EXPECT_EQ(call.To()[0], 5);
}

TEST(SessionTest, ATimeoutEndsTheSession) {
  auto session = Loaded(ObjectOf("for (volatile int on = 1; on;) {}"));
  Call call;
  const double begin = SystemClock().Now();
  EXPECT_EQ(call.Run(*session, {.seconds = 0.1}).kind, BatchEnd::Kind::kTimeout);
  EXPECT_LT(SystemClock().Now() - begin, 1);
  EXPECT_FALSE(session->Run(call.arenas, call.batch, {.seconds = 1}, [] {}));
}

TEST(SessionTest, AWriteToAnInputIsSeenAsOne) {
  auto session = Loaded(ObjectOf("((volatile int*)a[0])[3] = 1;"));
  Call call;
  const BatchEnd end = call.Run(*session);
  EXPECT_EQ(end.kind, BatchEnd::Kind::kSignal);
  EXPECT_EQ(end.number, SIGSEGV);
  EXPECT_EQ(end.status.fault_write, 1);
  EXPECT_EQ(end.status.fault_buffer, call.from);
  EXPECT_EQ(end.status.fault_offset, 12);
}

TEST(SessionTest, AnEarlyExitIsNotSuccess) {
  auto session = Loaded(ObjectOf("asm volatile(\"syscall\" :: \"a\"(231L), \"D\"(0L));"));
  Call call;
  EXPECT_EQ(call.Run(*session).kind, BatchEnd::Kind::kExited);
}

TEST(SessionTest, AForbiddenCallIsNamed) {
  auto session =
      Loaded(ObjectOf("long r; asm volatile(\"syscall\" : \"=a\"(r) : \"a\"(41L), \"D\"(2L), \"S\"(1L), \"d\"(0L)"
                      " : \"rcx\", \"r11\", \"memory\");"));
  Call call;
  const BatchEnd end = call.Run(*session);
  EXPECT_EQ(end.kind, BatchEnd::Kind::kForbidden);
  EXPECT_EQ(end.number, 41);
}

TEST(BatchTest, BuffersStartWhereTheirAlignmentSays) {
  Batch batch;
  auto arenas = Arenas::Create();
  const int wide = batch.AddBuffer(1000, true);
  const int narrow = batch.AddBuffer(1000, true, 16);
  const int page = batch.AddBuffer(4096, false, 256);
  ASSERT_TRUE(arenas->Reserve(batch.read_only_bytes(), batch.read_write_bytes()));
  const auto offset = [&](int buffer) { return batch.Front(*arenas, buffer).size(); };
  EXPECT_EQ(offset(wide) % 256, 0U);
  EXPECT_EQ(offset(narrow) % 32, 16U);
  EXPECT_EQ(offset(page), 0U);
  EXPECT_LT(batch.Back(*arenas, wide).size(), 256U);
  EXPECT_EQ(batch.Data(*arenas, wide).size(), 1000U);
}

// Command lines of running processes that hold `text`.
int Running(const std::string& text) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    auto line = ReadFile(entry.path() / "cmdline");
    if (line && line->find(text) != std::string::npos) ++count;
  }
  return count;
}

TEST(SessionTest, NothingOutlivesAKilledKopt) {
  const std::filesystem::path object = ObjectOf("for (volatile int on = 1; on;) {} // outlives");
  const pid_t kopt = fork();
  if (kopt == 0) {
    auto session = Loaded(object);
    Call call;
    call.Run(*session, {.seconds = 60});
    _exit(0);
  }
  const std::string name = object.filename().string();
  const double deadline = SystemClock().Now() + 10;
  while (Running(name) < 2 && SystemClock().Now() < deadline) SystemClock().Sleep(0.01);
  ASSERT_GE(Running(name), 2);  // the template and the child that loops
  kill(kopt, SIGKILL);
  int ignored = 0;
  waitpid(kopt, &ignored, 0);
  while (Running(name) > 0 && SystemClock().Now() < deadline) SystemClock().Sleep(0.01);
  EXPECT_EQ(Running(name), 0);
}

TEST(GuardTest, RemovesTheFoldersOfAKilledKopt) {
  auto folder = TemporaryFolder::Create("kopt-guard-test").value();
  ASSERT_TRUE(WriteFile(folder.path() / "object.so", "x"));
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  auto guard =
      ProcessGroup::Spawn({.command = {(ProgramFolder() / "kopt-worker-cpu").string(), "guard"}, .input = ends[0]});
  ASSERT_TRUE(guard) << guard.error().Text();
  close(ends[0]);
  GuardMessage message;
  std::strncpy(message.folder, folder.path().c_str(), sizeof(message.folder) - 1);
  ASSERT_EQ(write(ends[1], &message, sizeof(message)), static_cast<ssize_t>(sizeof(message)));
  EXPECT_TRUE(std::filesystem::exists(folder.path()));
  close(ends[1]);  // as the kernel does for a killed kopt
  int status = -1;
  ASSERT_TRUE(guard->WaitFor(10, status));
  EXPECT_FALSE(std::filesystem::exists(folder.path()));
}

// ---- the compiler's process ----

CompileResult Compiled(const std::string& text, double seconds = 30) {
  auto result =
      Compilers().Compile({.units = {{"candidate.cpp", text}}, .flags = CandidateFlags(), .seconds = seconds});
  EXPECT_TRUE(result) << result.error().Text();
  return *result;
}

TEST(CompileTest, ErrorsNameTheLine) {
  const CompileResult result = Compiled("int a;\nint a();\n");
  EXPECT_EQ(result.kind, CompileResult::Kind::kErrors);
  EXPECT_NE(result.reason.find("candidate.cpp:2:"), std::string::npos) << result.reason;
}

TEST(CompileTest, FilesOutsideTheToolchainCannotBeRead) {
  for (const char* path : {"/etc/passwd", "/proc/self/environ", "/root/.profile"}) {
    const CompileResult result =
        Compiled(std::string("asm(\".incbin \\\"") + path + "\\\"\");\nextern \"C\" void kopt_entry() {}\n");
    EXPECT_EQ(result.kind, CompileResult::Kind::kErrors) << path;
    const CompileResult included = Compiled(std::string("#include \"") + path + "\"\n");
    EXPECT_EQ(included.kind, CompileResult::Kind::kErrors) << path;
    EXPECT_EQ(included.log.find("root:"), std::string::npos);
  }
}

TEST(CompileTest, ACompilerThatDoesNotEndIsStopped) {
  const double begin = SystemClock().Now();
  const CompileResult result = Compiled(
      "template <int N, long long P> struct T { static constexpr long long v = T<N - 1, 2 * P>::v + T<N - 1, 2 * P + "
      "1>::v; };\n"
      "template <long long P> struct T<0, P> { static constexpr long long v = P; };\nconstexpr long long x = T<40, "
      "1>::v;\n",
      1);
  EXPECT_EQ(result.kind, CompileResult::Kind::kTimeout);
  EXPECT_LT(SystemClock().Now() - begin, 3);
}

TEST(CompileTest, TheSameRequestIsNotCompiledTwice) {
  EXPECT_FALSE(Compiled("extern \"C\" void kopt_entry() { /* once */ }").cached);
  EXPECT_TRUE(Compiled("extern \"C\" void kopt_entry() { /* once */ }").cached);
}

TEST(CompileTest, AFailureIsNotTriedAgain) {
  const CompileResult first = Compiled("int a;\nint a(); // twice\n");
  EXPECT_FALSE(first.cached);
  const CompileResult second = Compiled("int a;\nint a(); // twice\n");
  EXPECT_TRUE(second.cached);
  EXPECT_EQ(second.kind, CompileResult::Kind::kErrors);
  EXPECT_EQ(second.reason, first.reason);
}

TEST(CompileTest, ImportsAreReadFromTheObject) {
  const CompileResult good =
      Compiled("#include <cmath>\nextern \"C\" float kopt_entry(float x) { return std::exp(x); }");
  EXPECT_TRUE(ForbiddenImports(*ReadFile(good.object))->empty());
  const CompileResult bad =
      Compiled("extern \"C\" int system(const char*);\nextern \"C\" void kopt_entry() { system(\"\"); }");
  EXPECT_EQ(*ForbiddenImports(*ReadFile(bad.object)), std::vector<std::string>{"system"});
  EXPECT_FALSE(ForbiddenImports("not an object"));
  const std::string whole = *ReadFile(good.object);
  for (size_t size = 0; size < whole.size(); size += 97)
    (void)ForbiddenImports(std::string_view(whole).substr(0, size));
}

// Two hundred tables of symbols that are one: each of 100 symbols has a name of 1900 bytes at least.
TEST(CompileTest, NamesThatOverlapAreLimited) {
  const std::string names = std::string(2000, 'a') + '\0';
  std::vector<Elf64_Sym> symbols(100);
  for (size_t i = 0; i < symbols.size(); ++i) symbols[i].st_name = static_cast<uint32_t>(i);
  const size_t symbol_bytes = symbols.size() * sizeof(Elf64_Sym);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  std::vector<Elf64_Shdr> sections(
      200, {.sh_type = SHT_DYNSYM, .sh_offset = sizeof(header) + names.size(), .sh_size = symbol_bytes, .sh_link = 0});
  sections[0] = {.sh_type = SHT_STRTAB, .sh_offset = sizeof(header), .sh_size = names.size()};
  header.e_shoff = sizeof(header) + names.size() + symbol_bytes;
  header.e_shnum = static_cast<Elf64_Half>(sections.size());
  std::string object(reinterpret_cast<const char*>(&header), sizeof(header));
  object += names;
  object.append(reinterpret_cast<const char*>(symbols.data()), symbol_bytes);
  object.append(reinterpret_cast<const char*>(sections.data()), sections.size() * sizeof(Elf64_Shdr));
  const auto imports = ForbiddenImports(object);
  ASSERT_FALSE(imports);
  EXPECT_NE(imports.error().message.find("16 MB of names"), std::string::npos) << imports.error().message;
}

}  // namespace
}  // namespace kopt
