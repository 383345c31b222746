#include "cli/models.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/cli/kopt_fixture.h"
#include "tests/llm_client/test_server.h"

namespace kopt {
namespace {

const std::string kKey = "sk-proj-0123456789/abcdef";

class ModelsTest : public KoptTest {
 protected:
  std::string File() const { return (folder_->path() / ".config/kopt/config.toml").string(); }

  Result<std::optional<Models>> Open(const ModelFlags& flags = {}, Patience patience = Patience::kRun) {
    std::ostringstream out, err;
    Host host{.out = out,
              .err = err,
              .clock = clock_,
              .interrupts = interrupts_,
              .environment = [&](const char* name) { return Environment(name); },
              .worker = "",
              .backends = {},
              .sandbox = {},
              .compiler = {}};
    Context context(host);
    KOPT_CHECK(context.ReadConfig());
    return OpenModels(flags, context, patience);
  }
  Models Opened(const ModelFlags& flags = {}) {
    auto models = Open(flags);
    EXPECT_TRUE(models && *models) << (models ? "no model" : models.error().Text());
    return models && *models ? **std::move(models) : Models(nullptr, {});
  }
  // Also: exit 2, something to do, and never a key.
  Error Refused(const ModelFlags& flags = {}) {
    const auto models = Open(flags);
    EXPECT_FALSE(models);
    const Error error = models ? Error() : models.error();
    EXPECT_EQ(error.exit, Exit::kUsage) << error.Text();
    EXPECT_NE(error.hint, "") << error.Text();
    EXPECT_EQ(error.Text().find("sk-"), std::string::npos) << error.Text();
    return error;
  }
  std::string KeyFile(const std::string& text, mode_t mode = 0600) {
    const std::string file = (folder_->path() / "key").string();
    Write(file, text);
    chmod(file.c_str(), mode);
    return file;
  }
};

using Names = std::vector<std::string>;

TEST_F(ModelsTest, NobodyIsAskedUnlessNamed) {
  environment_["OPENAI_API_KEY"] = kKey;
  environment_["OPENAI_BASE_URL"] = "http://localhost:1";
  environment_["KOPT_TEMPERATURE"] = "hot";
  const auto models = Open();
  ASSERT_TRUE(models) << models.error().Text();
  EXPECT_FALSE(*models);
  environment_["KOPT_MODEL"] = "m";
  EXPECT_FALSE(*Open({.no_model = true}));
}

TEST_F(ModelsTest, FlagsOverEnvironmentOverFile) {
  Write(File(), "model = \"f\"\nbase_url = \"http://file:1\"\nmax_tokens = 100\ntemperature = 0.5\n");
  Models models = Opened();
  EXPECT_EQ(models.names(), Names{"f"});
  EXPECT_EQ(models.base_url, "http://file:1/v1");
  EXPECT_EQ(models.max_tokens, 100);
  EXPECT_EQ(models.temperature, 0.5);
  EXPECT_EQ(models.key_source, "");
  environment_["OPENAI_BASE_URL"] = "http://shared:1/v1/";
  EXPECT_EQ(Opened().base_url, "http://shared:1/v1");
  environment_["KOPT_BASE_URL"] = "http://ours:1/api";
  environment_["KOPT_MODEL"] = "e, g";
  environment_["KOPT_MAX_TOKENS"] = "200";
  EXPECT_EQ(Opened().base_url, "http://ours:1/api");
  EXPECT_EQ(Opened().names(), (Names{"e", "g"}));
  EXPECT_EQ(Opened().max_tokens, 200);
  models = Opened({.models = {"a,b", "c"}, .base_url = "http://flag", .max_tokens = "300", .temperature = "2"});
  EXPECT_EQ(models.names(), (Names{"a", "b", "c"}));
  EXPECT_EQ(models.base_url, "http://flag/v1");
  EXPECT_EQ(models.max_tokens, 300);
  EXPECT_EQ(models.temperature, 2);
}

TEST_F(ModelsTest, DefaultsLeaveItToTheServer) {
  const Models models = Opened({.models = {"m"}, .base_url = "http://x"});
  EXPECT_EQ(models.max_tokens, 0);
  EXPECT_FALSE(models.temperature);
  EXPECT_TRUE(models.prices.empty());
  EXPECT_FALSE(models.RecordingFailure());
}

TEST_F(ModelsTest, OpenAiIfItsKeyIsSet) {
  environment_["KOPT_MODEL"] = "m";
  const Error error = Refused();
  EXPECT_EQ(error.message, "nothing says where the model `m` is asked");
  EXPECT_NE(error.hint.find("KOPT_BASE_URL"), std::string::npos);
  environment_["OPENAI_API_KEY"] = kKey;
  EXPECT_EQ(Opened().base_url, "https://api.openai.com/v1");
  EXPECT_EQ(Opened().key_source, "OPENAI_API_KEY");
}

TEST_F(ModelsTest, KeysInTheirOrder) {
  environment_["KOPT_MODEL"] = "m";
  environment_["KOPT_BASE_URL"] = "http://x";
  Write(File(), "api_key_file = \"~/key\"\n");
  KeyFile(" " + kKey + "\r\n");
  EXPECT_EQ(Opened().key_source, File() + ":1");
  environment_["OPENAI_API_KEY"] = kKey;
  EXPECT_EQ(Opened().key_source, "OPENAI_API_KEY");
  environment_["KOPT_API_KEY_FILE"] = (folder_->path() / "key").string();
  EXPECT_EQ(Opened().key_source, "KOPT_API_KEY_FILE");
  environment_["KOPT_API_KEY"] = kKey;
  EXPECT_EQ(Opened().key_source, "KOPT_API_KEY");
}

TEST_F(ModelsTest, TheKeyOfAFileIsSent) {
  TestServer server;
  server.Say({StreamReply({"OK"})});
  environment_["KOPT_API_KEY_FILE"] = KeyFile(kKey + "\n");
  Models models = Opened({.models = {"m"}, .base_url = server.url()});
  Models moved = std::move(models);
  ASSERT_TRUE(moved.chat().Ask({.model = "m"}, {}));
  EXPECT_EQ(server.requests().at(0).Header("Authorization"), "Bearer " + kKey);
}

TEST_F(ModelsTest, KeyFilesThatAreNone) {
  environment_["KOPT_MODEL"] = "m";
  environment_["KOPT_BASE_URL"] = "http://x";
  const auto refused = [&](const std::string& file) {
    environment_["KOPT_API_KEY_FILE"] = file;
    const Error error = Refused();
    EXPECT_EQ(error.key, "KOPT_API_KEY_FILE");
    return error;
  };
  EXPECT_EQ(refused(kKey).message, "the file with the API key cannot be read: No such file or directory");
  EXPECT_EQ(refused(kKey).file, "");
  EXPECT_EQ(refused("/dev/null").message, "this is no file that could hold an API key");
  EXPECT_EQ(refused(KeyFile(" \n")).message, "the file holds no API key");
  EXPECT_EQ(refused(KeyFile("# mine\n" + kKey)).message, "the file holds more than an API key");
  EXPECT_EQ(refused(KeyFile(std::string(5000, 'x'))).message, "the file holds more than an API key");
  EXPECT_TRUE(refused(KeyFile("sk- 012345678")).message.starts_with("the API key holds a blank"));
  for (const mode_t mode : {0640, 0604, 0610, 0602}) {
    const std::string file = KeyFile(kKey, mode);
    const Error error = refused(file);
    EXPECT_EQ(error.message, "others than its owner have rights on the file with the API key");
    EXPECT_EQ(error.file, file);
    EXPECT_EQ(error.hint, "chmod 600 " + file);
  }
}

TEST_F(ModelsTest, AKeyThatCannotBeSentNamesItsVariable) {
  environment_["OPENAI_API_KEY"] = "sk-0123 456789";
  EXPECT_EQ(Refused({.models = {"m"}}).key, "OPENAI_API_KEY");
}

TEST_F(ModelsTest, NoKeyInTheFile) {
  for (const std::string name : {"api_key", "openai_api_key", "key"}) {
    Write(File(), name + " = \"" + kKey + "\"\n");
    const Error error = Refused();
    EXPECT_EQ(error.message, "`" + name + "`: a key does not belong into this file, which others may read");
    EXPECT_EQ(error.line, 1);
    EXPECT_NE(error.hint.find("api_key_file"), std::string::npos);
  }
}

TEST_F(ModelsTest, ABaseUrlThatIsNone) {
  environment_["KOPT_MODEL"] = "m";
  environment_["OPENAI_BASE_URL"] = "sk-0123456789";
  EXPECT_EQ(Refused().key, "OPENAI_BASE_URL");
  EXPECT_EQ(Refused({.base_url = "ftp://x"}).key, "--base-url");
  Write(File(), "\nbase_url = \"http://u:p@x\"\n");
  environment_.erase("OPENAI_BASE_URL");
  EXPECT_EQ(Refused().key, File() + ":2");
}

TEST_F(ModelsTest, NumbersThatAreNone) {
  for (const char* text : {"0", "-1", "1.5", "many", "99999999999", "1k"}) {
    const Error error = Refused({.models = {"m"}, .base_url = "http://x", .max_tokens = text});
    EXPECT_EQ(error.message, "`" + std::string(text) + "` is no number of tokens");
    EXPECT_EQ(error.key, "--max-tokens");
  }
  for (const char* text : {"-0.1", "2.1", "nan", "hot", "1,5"}) {
    environment_["KOPT_TEMPERATURE"] = text;
    EXPECT_EQ(Refused({.models = {"m"}, .base_url = "http://x"}).key, "KOPT_TEMPERATURE");
  }
  environment_.erase("KOPT_TEMPERATURE");
  Write(File(), "idle_timeout = \"soon\"\n");
  EXPECT_EQ(Refused({.models = {"m"}, .base_url = "http://x"}).key, File() + ":1");
  environment_["KOPT_IDLE_TIMEOUT"] = "5m";
  environment_["KOPT_TOTAL_TIMEOUT"] = "0";
  EXPECT_EQ(Refused({.models = {"m"}, .base_url = "http://x"}).key, "KOPT_TOTAL_TIMEOUT");
}

TEST_F(ModelsTest, TimeoutsAreKept) {
  TestServer server;
  server.Say({{.hang = true}});
  environment_["KOPT_TOTAL_TIMEOUT"] = "0.1s";
  Models models = Opened({.models = {"m"}, .base_url = server.url()});
  const auto answer = models.chat().Ask({.model = "m"}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ChatFault::kTimedOut);
}

TEST_F(ModelsTest, EmptyNames) {
  for (const char* text : {"a,,b", "a,", ",", " "}) {
    EXPECT_EQ(Refused({.models = {text}, .base_url = "http://x"}).key, "--model");
  }
  environment_["KOPT_MODEL"] = ", a";
  EXPECT_EQ(Refused().key, "KOPT_MODEL");
  environment_.erase("KOPT_MODEL");
  Write(File(), "model = [\"a\", \"b\"]\n");
  EXPECT_EQ(Refused().message, "`model` must be text or a number");
}

TEST_F(ModelsTest, FlagsThatContradict) {
  EXPECT_EQ(Refused({.models = {"m"}, .no_model = true}).message, "--no-model and --model contradict each other");
  EXPECT_EQ(Refused({.replay = "x", .no_model = true}).message, "--no-model and --replay contradict each other");
  EXPECT_EQ(Refused({.record = "x", .replay = "y"}).message, "what is played back is recorded already");
}

TEST_F(ModelsTest, FlagsForAModelWhereNoneIsNamed) {
  EXPECT_EQ(Refused({.base_url = "http://x"}).message, "--base-url is given, but no model is named");
  EXPECT_EQ(Refused({.max_tokens = "1"}).key, "--max-tokens");
  EXPECT_EQ(Refused({.temperature = "1"}).key, "--temperature");
  EXPECT_EQ(Refused({.record = "x"}).key, "--record");
}

TEST_F(ModelsTest, PricesByName) {
  Write(File(), "[prices.\"gpt-4.1\"]\nprompt = 2\ncompletion = 8.5\n[prices.local]\nprompt = 0\ncompletion = 0\n");
  const Prices prices = Opened({.models = {"m"}, .base_url = "http://x"}).prices;
  ASSERT_EQ(prices.size(), 2U);
  EXPECT_EQ(prices.at("gpt-4.1").prompt, 2);
  EXPECT_EQ(prices.at("gpt-4.1").completion, 8.5);
  EXPECT_EQ(prices.at("local").completion, 0);
}

TEST_F(ModelsTest, PricesThatAreNone) {
  const auto refused = [&](const std::string& text, int line, const std::string& message) {
    Write(File(), text);
    const Error error = Refused();
    EXPECT_EQ(error.message, message);
    EXPECT_EQ(error.file, File());
    EXPECT_EQ(error.line, line) << message;
  };
  refused("prices = 3\n", 1, "`prices` must be a table");
  refused("[prices]\nm = 3\n", 2, "the price of `m` must be a table");
  refused("\n[prices.m]\nprompt = 1\n", 2, "the price of `m` lacks `completion`");
  refused("[prices.m]\ncompletion = 1\n", 1, "the price of `m` lacks `prompt`");
  refused("[prices.m]\nprompt = -1\ncompletion = 1\n", 2, "`prompt` of `m` is no price");
  refused("[prices.m]\nprompt = 1\ncompletion = inf\n", 3, "`completion` of `m` is no price");
  refused("[prices.m]\nprompt = \"1\"\ncompletion = 1\n", 2, "`prompt` of `m` is no price");
  refused("[prices.m]\nprompts = 1\ncompletion = 1\n", 2, "unknown key `prompts` in the price of `m`");
  refused("[prices.gpt-4.1]\nprompt = 1\ncompletion = 1\n", 1, "the price of `gpt-4` holds a table");
  Write(File(), "[price.m]\nprompt = 1\n");
  EXPECT_EQ(Refused().hint, "did you mean `prices`?");
}

TEST_F(ModelsTest, RecordsAndPlaysBack) {
  TestServer server;
  server.Say({StreamReply({"O", "K"})});
  environment_["OPENAI_API_KEY"] = kKey;
  {
    Models models = Opened({.models = {"m"}, .base_url = server.url(), .record = "asked.jsonl"});
    ASSERT_TRUE(models.chat().Ask({.model = "m"}, {}));
    EXPECT_FALSE(models.RecordingFailure());
  }
  EXPECT_EQ(Read("asked.jsonl").find(kKey), std::string::npos);
  Models models = Opened({.replay = "asked.jsonl"});
  EXPECT_EQ(models.names(), Names{"replay"});
  EXPECT_EQ(models.base_url, "");
  EXPECT_EQ(models.key_source, "");
  EXPECT_EQ(models.chat().Ask({.model = "replay"}, {})->content, "OK");
  EXPECT_EQ(Opened({.models = {"m"}, .replay = "asked.jsonl"}).names(), Names{"m"});
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(ModelsTest, RecordingsThatCannotBeOpened) {
  const auto replay = Open({.replay = "missing.jsonl"});
  ASSERT_FALSE(replay);
  EXPECT_EQ(replay.error().key, "--replay");
  EXPECT_NE(replay.error().Text().find("missing.jsonl"), std::string::npos);
  const auto record = Open({.models = {"m"}, .base_url = "http://x", .record = "no/folder/x"});
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().exit, Exit::kEnvironment);
  EXPECT_EQ(record.error().key, "--record");
}

TEST_F(ModelsTest, AFullDiskIsToldAfterwards) {
  TestServer server;
  server.Say({StreamReply({"OK"})});
  Models models = Opened({.models = {"m"}, .base_url = server.url(), .record = "/dev/full"});
  EXPECT_TRUE(models.chat().Ask({.model = "m"}, {}));
  EXPECT_TRUE(models.RecordingFailure());
}

TEST_F(ModelsTest, FlagsAreRead) {
  CLI::App app;
  ModelFlags flags;
  std::string spec;
  app.add_option("SPEC", spec);
  AddModelFlags(app, flags);
  app.parse(
      "--model a --model b,c x.spec --base-url u --max-tokens 1 --temperature 0 --record r --replay p --no-model");
  EXPECT_EQ(spec, "x.spec");
  EXPECT_EQ(flags.models, (Names{"a", "b,c"}));
  EXPECT_EQ(flags.base_url + flags.max_tokens + flags.temperature + flags.record + flags.replay, "u10rp");
  EXPECT_TRUE(flags.no_model);
}

}  // namespace
}  // namespace kopt
