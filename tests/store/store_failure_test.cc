// What can go wrong with a state file, done for real: each is one clear error, and nothing committed is lost.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/store/sqlite_helpers.h"

namespace kopt {
namespace {

constexpr int kSkip = 77;

// Runs `work` in a forked child; its exit status, or minus the signal that ended it.
int InChild(const std::function<int()>& work) {
  const pid_t pid = fork();
  if (pid == 0) _exit(work());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// True if `error` is the expected one; prints it otherwise (a child has no assertions).
bool Is(const Error& error, std::string_view part) {
  const bool right = error.exit == Exit::kEnvironment && error.message.find(part) != std::string::npos &&
                     !error.file.empty() && !error.hint.empty();
  if (!right) fmt::print(stderr, "unexpected error: {} (exit {})\n", error.Text(), static_cast<int>(error.exit));
  return right;
}

class StoreFailureTest : public testing::Test {
 protected:
  // The text of the error that opening gives; it must be one of the environment that names the file.
  std::string OpenError(double busy_seconds = 10) {
    const auto store = Store::Open(folder_.path(), busy_seconds);
    if (store) return "it opened";
    EXPECT_EQ(store.error().exit, Exit::kEnvironment);
    EXPECT_EQ(store.error().file, file_.string());
    EXPECT_NE(store.error().hint, "");
    return store.error().message;
  }
  void MakeFilled(int verdicts = 1) {
    auto store = Store::Open(folder_.path());
    ASSERT_TRUE(store);
    Fill(*store, "r");
    for (int i = 0; i < verdicts; ++i) ASSERT_TRUE(store->AddVerdict("r", NextVerdict(100)));
  }
  void ExpectVerdicts(size_t count, size_t quads) {
    auto store = Store::Open(folder_.path());
    ASSERT_TRUE(store) << store.error().Text();
    const auto verdicts = store->Verdicts("r", true);
    ASSERT_TRUE(verdicts);
    ASSERT_EQ(verdicts->size(), count);
    for (const VerdictRow& row : *verdicts) EXPECT_EQ(row.verdict.samples[0].quads.size(), quads);
  }
  TemporaryFolder folder_ = NewFolder();
  std::filesystem::path file_ = folder_.path() / "kopt.sqlite";
};

TEST_F(StoreFailureTest, ALaterVersionIsRefusedUntouched) {
  MakeFilled();
  Raw(folder_.path())("PRAGMA user_version = 99");
  EXPECT_EQ(OpenError(), "the state was written by a later kopt (version 99, this kopt knows 3)");
  Raw(folder_.path())("PRAGMA user_version = 3");
  ExpectVerdicts(1, 100);
}

TEST_F(StoreFailureTest, AnotherProgramsDatabaseIsRefusedUntouched) {
  Raw(folder_.path())("CREATE TABLE other (x)");
  EXPECT_EQ(OpenError(), "the database belongs to another program");
  EXPECT_EQ(Raw(folder_.path())("SELECT name FROM sqlite_master"), "other");
  EXPECT_EQ(Raw(folder_.path())("PRAGMA journal_mode"), "delete");
}

TEST_F(StoreFailureTest, AFileThatIsNoDatabaseIsRefusedUntouched) {
  ASSERT_TRUE(WriteFile(file_, std::string(5000, 'x')));
  EXPECT_EQ(OpenError(), "the file is not a database");
  EXPECT_EQ(ReadFile(file_).value(), std::string(5000, 'x'));
}

TEST_F(StoreFailureTest, ADirectoryInPlaceOfTheFileIsRefused) {
  std::filesystem::create_directory(file_);
  EXPECT_EQ(OpenError(), "the state cannot be written: a folder is in its place");
}

TEST_F(StoreFailureTest, ATruncatedFileIsDamaged) {
  MakeFilled(3);
  std::filesystem::resize_file(file_, std::filesystem::file_size(file_) / 2);
  EXPECT_TRUE(OpenError().starts_with("the state file is damaged (")) << OpenError();
}

TEST_F(StoreFailureTest, OverwrittenPagesNeverCrash) {
  MakeFilled(3);
  const std::string good = ReadFile(file_).value();
  const std::string page(4096, '\x5a');
  for (size_t at = 4096; at + page.size() <= good.size(); at += page.size()) {
    ASSERT_TRUE(WriteFile(file_, std::string(good).replace(at, page.size(), page)));
    EXPECT_TRUE(OpenError().starts_with("the state file is damaged (")) << at << ": " << OpenError();
  }
}

TEST_F(StoreFailureTest, DamageIsSeenWhileAnotherStillHasTheFileOpen) {
  auto store = Store::Open(folder_.path());
  ASSERT_TRUE(store);
  Fill(*store, "r");
  ASSERT_TRUE(store->AddVerdict("r", SomeVerdict(2000)));
  Raw(folder_.path())("PRAGMA wal_checkpoint(TRUNCATE)");
  std::filesystem::resize_file(file_, 4096);
  const auto reopened = Store::Open(folder_.path());
  ASSERT_FALSE(reopened);
  EXPECT_TRUE(Is(reopened.error(), "damaged"));
}

TEST_F(StoreFailureTest, AFolderThatCannotBeWrittenIsAnError) {
  const int status = InChild([this] {
    if (geteuid() == 0 && (chown(folder_.path().c_str(), 65534, 65534) != 0 || seteuid(65534) != 0)) return kSkip;
    if (chmod(folder_.path().c_str(), 0500) != 0) return kSkip;
    const auto store = Store::Open(folder_.path());
    const auto below = Store::Open(folder_.path() / "below");
    if (store || below) return 1;
    return Is(store.error(), "the state cannot be written: Permission denied") &&
                   Is(below.error(), "the state folder cannot be made: Permission denied")
               ? 0
               : 1;
  });
  if (status == kSkip) GTEST_SKIP() << "this user cannot give up the right to write";
  EXPECT_EQ(status, 0);
}

TEST_F(StoreFailureTest, AFileThatCannotBeWrittenIsAnError) {
  MakeFilled();
  const int status = InChild([this] {
    if (chmod(folder_.path().c_str(), 0755) != 0 || chmod(file_.c_str(), 0444) != 0) return kSkip;
    if (geteuid() == 0 && seteuid(65534) != 0) return kSkip;
    const auto store = Store::Open(folder_.path());
    return !store && Is(store.error(), "the state cannot be written: it is read-only") ? 0 : 1;
  });
  if (status == kSkip) GTEST_SKIP() << "this user cannot give up the right to write";
  EXPECT_EQ(status, 0);
}

TEST_F(StoreFailureTest, AFileInPlaceOfTheFolderIsAnError) {
  const auto path = folder_.path() / "file";
  ASSERT_TRUE(WriteFile(path, "x"));
  const auto store = Store::Open(path);
  ASSERT_FALSE(store);
  EXPECT_TRUE(Is(store.error(), "the state folder cannot be made"));
}

TEST_F(StoreFailureTest, ALockHeldTooLongIsAnErrorAndThenOverAgain) {
  auto store = Store::Open(folder_.path(), 0.02);
  ASSERT_TRUE(store);
  Fill(*store, "r");
  {
    Raw other(folder_.path());
    other("BEGIN IMMEDIATE");
    const auto verdict = store->AddVerdict("r", NextVerdict());
    ASSERT_FALSE(verdict);
    EXPECT_TRUE(Is(verdict.error(), "the state file is locked by another process"));
    EXPECT_FALSE(store->CheckWritable());
    EXPECT_TRUE(store->Runs()) << "readers do not wait for a writer";
  }
  EXPECT_TRUE(store->CheckWritable());
  EXPECT_TRUE(store->AddVerdict("r", NextVerdict()));
}

TEST_F(StoreFailureTest, ANewFileLockedByAnotherIsAnError) {
  Raw other(folder_.path());
  other("BEGIN EXCLUSIVE");
  EXPECT_EQ(OpenError(0.02), "the state file is locked by another process");
}

TEST_F(StoreFailureTest, ManyProcessesCreateTheSameFile) {
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      auto store = Store::Open(folder_.path());
      if (!store) fmt::print(stderr, "{}\n", store.error().Text());
      _exit(store && store->Put("space", std::to_string(i), "x") ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) {
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(Raw(folder_.path())("SELECT count(*) FROM fact"), "6");
}

TEST_F(StoreFailureTest, TwoWritersAtOnceLoseNothing) {
  MakeFilled(0);
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      auto store = Store::Open(folder_.path());
      bool good = store.has_value();
      for (int j = 0; good && j < 30; ++j) good = store->AddVerdict("r", NextVerdict(20)).has_value();
      _exit(good ? 0 : 1);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) {
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
  }
  ExpectVerdicts(60, 20);
}

// The child says how many verdicts it was told are stored; killed while it writes the next one, whose many samples take
// most of its time.
TEST_F(StoreFailureTest, KillNineLosesNothingCommittedAndLeavesNoHalfVerdict) {
  MakeFilled(0);
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    auto store = Store::Open(folder_.path());
    while (store->AddVerdict("r", NextVerdict(20000))) (void)!write(pipe_ends[1], "x", 1);
    _exit(1);
  }
  close(pipe_ends[1]);
  char acknowledged[64];
  size_t count = 0;
  while (count < 3 && read(pipe_ends[0], acknowledged, 1) == 1) ++count;
  ASSERT_EQ(count, 3u);
  pollfd wait{.fd = pipe_ends[0], .events = POLLIN, .revents = 0};
  poll(&wait, 1, 5);
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  while (read(pipe_ends[0], acknowledged, 1) == 1) ++count;
  close(pipe_ends[0]);
  auto store = Store::Open(folder_.path());
  ASSERT_TRUE(store) << store.error().Text();
  const auto verdicts = store->Verdicts("r", true);
  ASSERT_TRUE(verdicts);
  EXPECT_GE(verdicts->size(), count);
  EXPECT_LE(verdicts->size(), count + 1);  // one may have been stored just before it could say so
  for (const VerdictRow& row : *verdicts) EXPECT_EQ(row.verdict.samples[0].quads.size(), 20000u);
}

// Fills the disk of `folder`, then sees that what was stored is still there. 0: as it should be.
int FillTheDisk(const std::filesystem::path& folder) {
  auto store = Store::Open(folder);
  if (!store) return 2;
  Fill(*store, "r");
  size_t stored = 0;
  auto verdict = store->AddVerdict("r", NextVerdict(2000));
  for (; verdict && stored < 1000; ++stored) verdict = store->AddVerdict("r", NextVerdict(2000));
  if (verdict) return 3;
  if (!Is(verdict.error(), "no space is left to write the state")) return 4;
  const auto kept = store->Verdicts("r", true);
  if (!kept || kept->size() != stored) return 5;
  for (const VerdictRow& row : *kept) {
    if (row.verdict.samples.size() != 2 || row.verdict.samples[0].quads.size() != 2000) return 6;
  }
  return 0;
}

TEST_F(StoreFailureTest, AFileThatMayNotGrowKeepsWhatWasStored) {
  const int status = InChild([this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return kSkip;
    return FillTheDisk(folder_.path());
  });
  if (status == kSkip) GTEST_SKIP() << "no limit on file sizes here";
  EXPECT_EQ(status, 0);
  auto store = Store::Open(folder_.path());
  ASSERT_TRUE(store) << store.error().Text();
  EXPECT_GT(store->Verdicts("r")->size(), 2u);
  EXPECT_TRUE(store->AddVerdict("r", NextVerdict())) << "with space again, it goes on";
}

TEST_F(StoreFailureTest, ADiskWithoutSpaceForAFirstFileIsAnError) {
  const int status = InChild([this] {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{.rlim_cur = 2048, .rlim_max = 2048};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return kSkip;
    const auto store = Store::Open(folder_.path());
    return !store && Is(store.error(), "no space is left to write the state") ? 0 : 1;
  });
  if (status == kSkip) GTEST_SKIP() << "no limit on file sizes here";
  EXPECT_EQ(status, 0);
}

TEST_F(StoreFailureTest, AFullFileSystemKeepsWhatWasStored) {
  const int status = InChild([this] {
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return kSkip;
    if (mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=2m") != 0) return kSkip;
    return FillTheDisk(folder_.path());
  });
  if (status == kSkip) GTEST_SKIP() << "this user cannot mount a small file system";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace kopt
