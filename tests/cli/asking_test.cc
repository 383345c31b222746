// Runs whose candidates come from a model: behind an endpoint, or outside of kopt.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "prompts/knowledge.h"
#include "store/store.h"
#include "tests/cli/kopt_fixture.h"
#include "tests/llm_client/test_server.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;
using Words = std::vector<std::string>;

const std::string kKey = "sk-proj-0123456789/abcdef";

// The task's seed with another number in it: as fast as that says.
std::string Code(int speed) {
  return fmt::format(
      "//@ call normalise args(x, gain, y, R)\n"
      "extern \"C\" void normalise(const float*, const float*, float*, int) {{ int speed = {}; (void)speed; }}\n",
      speed);
}
std::string Fenced(const std::string& code) { return "```cpp\n" + code + "```\n"; }

class AskingTest : public KoptTest {
 protected:
  void SetUp() override {
    KoptTest::SetUp();
    environment_["OPENAI_API_KEY"] = kKey;
    environment_["OPENAI_BASE_URL"] = server_.url();
    verifier_.behave_as = [](const Candidate& candidate, const Configuration&) {
      const size_t at = candidate.source.find("speed = ");
      return Behaviour{.speedup = at == std::string::npos ? 1 : 0.01 * std::stoi(candidate.source.substr(at + 8))};
    };
    server_.SayBy([this](const SentRequest&) { return StreamReply({"Wider.\n", Fenced(Code(110 + asked_++))}); });
    Init();
  }
  ordered_json Document(const Words& words, int exit) {
    EXPECT_EQ(Kopt(words), exit) << out_ << err_;
    return ordered_json::parse(out_, nullptr, false);
  }
  std::string Error(const Words& words, int exit = 2) {
    EXPECT_EQ(Kopt(words), exit) << out_ << err_;
    return err_;
  }
  static bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  TestServer server_;
  std::atomic<int> asked_ = 0;
};

TEST_F(AskingTest, TheModelsBestCandidateIsTheResult) {
  const auto document = Document({"optimize", "norm.spec", "--model", "m", "--budget", "60s", "--json"}, 0);
  EXPECT_EQ(document["outcome"], "improved");
  EXPECT_GT(document["best"]["turn"], 5);
  EXPECT_GT(document["turns"], 10);
  EXPECT_GT(document["spend"]["prompt_tokens"], 11);
  EXPECT_TRUE(document["spend"]["usd"].is_null()) << "no price is known";
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "90s"}), 0) << err_;
  const std::string state = (folder_->path() / "state").string();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_->path())) {
    if (!entry.is_regular_file()) continue;
    EXPECT_FALSE(Has(Read(entry.path()), kKey)) << entry.path();
  }
}

TEST_F(AskingTest, PricesGiveMoney) {
  Write(".config/kopt/config.toml", "[prices.\"m\"]\nprompt = 2\ncompletion = 8\n");
  const auto document =
      Document({"optimize", "norm.spec", "--model", "m", "--budget", "40s", "--budget-usd", "5", "--json"}, 0);
  const double tokens = document["spend"]["prompt_tokens"];
  EXPECT_GT(document["spend"]["usd"], 2e-6 * tokens);
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--model", "m", "--budget-usd", "0.02"}), 0) << "no time limit is needed";
  EXPECT_TRUE(Has(out_, "$")) << out_;
}

TEST_F(AskingTest, AnEndpointThatRefusesIsExit3) {
  server_.Say({ErrorAnswer(401, "no such key")});
  const std::string error = Error({"optimize", "norm.spec", "--model", "m", "--budget", "60s"}, 3);
  EXPECT_TRUE(Has(error, "401")) << error;
  EXPECT_EQ(Document({"runs", "--json"}, 0)["runs"].size(), 0u);
  EXPECT_FALSE(std::filesystem::exists("kopt-out"));
}

TEST_F(AskingTest, AConversationIsRecordedAndPlayedBack) {
  const Words optimize = {"optimize", "norm.spec", "--model", "m", "--budget", "40s", "--parallel", "1", "--json"};
  Words record = optimize, replay = optimize;
  record.insert(record.end(), {"--record", "talk.jsonl"});
  const auto first = Document(record, 0);
  const size_t requests = server_.requests().size();
  replay.insert(replay.end(), {"--replay", "talk.jsonl"});
  const auto second = Document(replay, 0);
  EXPECT_EQ(server_.requests().size(), requests) << "nobody was asked";
  EXPECT_EQ(second["best"]["speedup"], first["best"]["speedup"]);
  EXPECT_FALSE(Has(Read("talk.jsonl"), kKey));
}

TEST_F(AskingTest, SomebodyOutsideIsTheModel) {
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--external", "--budget", "5m"}), 0) << err_;
  EXPECT_TRUE(Has(out_, "waiting for replies")) << out_;
  EXPECT_TRUE(server_.requests().empty());
  EXPECT_FALSE(std::filesystem::exists("kopt-out/report.md")) << "there are no results yet";
  EXPECT_EQ(Kopt({"next", "last"}), 0) << err_;
  EXPECT_TRUE(Has(out_, "name    = \"norm\"") || Has(out_, "norm")) << out_;
  EXPECT_TRUE(Has(err_, "--turn 1")) << err_;
  Write("reply.md", Fenced(Code(150)));
  const auto judged = Document({"reply", "last", "reply.md", "--tune", "2s", "--json"}, 0);
  EXPECT_EQ(judged["state"], "waiting");
  ASSERT_EQ(judged["judged"].size(), 1u) << judged.dump(2);
  EXPECT_EQ(judged["judged"][0]["turn"], 1);
  EXPECT_EQ(judged["judged"][0]["verdict"]["outcome"], "measured");
  // Several prompts are out; replies come in another order, and are judged later.
  EXPECT_EQ(Document({"next", "last", "--json"}, 0)["turn"], 2);
  const auto prompt = Document({"next", "last", "--json"}, 0);
  EXPECT_EQ(prompt["turn"], 3);
  EXPECT_TRUE(Has(prompt["messages"][1]["content"].get<std::string>(), "1.500x")) << "turn 1's verdict";
  Write("later.cpp", Code(180));
  EXPECT_TRUE(Has(Error({"reply", "last", "later.cpp", "--later"}), "turns are out: 2, 3"));
  EXPECT_EQ(Kopt({"reply", "last", "later.cpp", "--later", "--turn", "3"}), 0) << err_;
  EXPECT_TRUE(Has(Error({"reply", "last", "later.cpp", "--turn", "3"}), "no prompt of a turn `3` is out"));
  EXPECT_TRUE(Has(Error({"reply", "last", "later.cpp", "--turn", "x"}), "out are: 2"));
  const auto worked = Document({"work", "--tune", "1s", "--json"}, 0);
  EXPECT_EQ(worked["judged"][0]["turn"], 3);
  EXPECT_EQ(worked["open_prompts"], 1);
  EXPECT_EQ(Kopt({"work"}), 0);
  EXPECT_TRUE(Has(out_, "nothing waits")) << out_;
  // A reply to no prompt, and the end.
  EXPECT_EQ(Kopt({"reply", "last", "later.cpp", "--turn", "2"}), 0) << err_;
  EXPECT_EQ(Kopt({"reply", "last", "reply.md"}), 0) << err_;
  const auto ended = Document({"resume", "last", "--json"}, 0);
  EXPECT_EQ(ended["best"]["turn"], 3);
  EXPECT_EQ(ended["turns"], 5) << "the seed, two candidates, two of the same code";
  EXPECT_TRUE(Has(Error({"reply", "last", "reply.md"}), "has ended"));
}

TEST_F(AskingTest, AnExternalRunEndsWithItsBudget) {
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--external", "--budget", "12s"}), 0) << err_;
  Write("reply.md", Fenced(Code(150)));
  const auto document = Document({"reply", "last", "reply.md", "--tune", "1m", "--json"}, 0);
  EXPECT_EQ(document["outcome"], "improved");
  EXPECT_EQ(document["best"]["turn"], 1);
}

TEST_F(AskingTest, TheStateTravels) {
  verifier_.device_now.facts["architecture"] = "sm_90a";
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--external", "--budget", "5m", "--state", "device"}), 0) << err_;
  std::filesystem::copy("device", "desk", std::filesystem::copy_options::recursive);
  EXPECT_EQ(Kopt({"next", "last", "--state", "desk"}), 0) << err_;
  EXPECT_TRUE(Has(out_, std::string(KnowledgeOf("sm_90a").text))) << "what was found there is known here";
  Write("reply.md", Fenced(Code(150)));
  EXPECT_EQ(Kopt({"reply", "last", "reply.md", "--later", "--state", "desk"}), 0) << err_;
  EXPECT_EQ(Document({"work", "--state", "desk", "--json"}, 0)["judged"][0]["turn"], 1);
}

TEST_F(AskingTest, OnlyExternalRunsHavePromptsToFetch) {
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--budget", "40s"}), 1) << out_ << err_;
  for (const Words& words : {Words{"next", "last"}, Words{"reply", "last", "norm.cpp"}, Words{"work", "last"}}) {
    EXPECT_TRUE(Has(Error(words), "has no model outside of kopt")) << words[0];
  }
}

TEST_F(AskingTest, WrongFlagsAreNamed) {
  const std::vector<std::pair<Words, std::string>> cases = {
      {{"--model", "m"}, "no budget was given"},
      {{"--model", "m", "--budget", "1m", "--budget-tokens", "many"},
       "`many` is no number of tokens (at `--budget-tokens`)"},
      {{"--model", "m", "--budget", "1m", "--budget-tokens", "0"}, "a whole number from 1"},
      {{"--model", "m", "--budget", "1m", "--budget-usd", "-1"}, "`-1` is no sum of money"},
      {{"--model", "m", "--budget", "1m", "--budget-usd", "1"}, "needs a price of the model m"},
      {{"--model", "m", "--budget", "1m", "--parallel", "0"}, "`0` is no number of requests"},
      {{"--model", "m", "--budget", "1m", "--strategy", "windows"}, "did you mean `window`?"},
      {{"--model", "m", "--budget", "1m", "--reward", "speed"}, "(at `--reward`)"},
      {{"--model", "m", "--budget", "1m", "--top-w", "1.5"}, "`1.5` is no number of turns"},
      {{"--model", "m", "--budget", "1m", "--prompt-tokens", "10"}, "a whole number from 1000"},
      {{"--model", "m", "--budget", "1m", "--hint", std::string(5000, 'x')}, "the hint has 5000 bytes"},
      {{"--model", "m", "--budget", "1m", "--external"}, "either kopt asks a model or somebody outside does"},
      {{"--record", "file", "--budget", "1m", "--external"}, "either kopt asks a model or somebody outside does"},
  };
  for (const auto& [flags, part] : cases) {
    Words words = {"optimize", "norm.spec"};
    words.insert(words.end(), flags.begin(), flags.end());
    const std::string error = Error(words);
    EXPECT_TRUE(Has(error, part)) << error;
  }
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(AskingTest, TokensThatNobodySpendsAreNoBudget) {
  for (const Words& words : {Words{"--budget-tokens", "1000"}, Words{"--external", "--budget-usd", "1"},
                             Words{"--no-model", "--budget-tokens", "1000"}}) {
    Words all = {"optimize", "norm.spec"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_TRUE(Has(Error(all), "no budget was given")) << err_;
  }
}

TEST_F(AskingTest, AnExternalRunKeepsItsResultsFolder) {
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--external", "--budget", "5m", "--out", "mine"}), 0) << err_;
  Write("reply.md", Fenced(Code(150)));
  EXPECT_EQ(Kopt({"reply", "last", "reply.md"}), 0) << err_;
  EXPECT_EQ(Kopt({"resume", "last"}), 0) << err_;
  EXPECT_TRUE(std::filesystem::exists("mine/best.cpp"));
}

TEST_F(AskingTest, ARunThatAskedAModelCanGoOnWithoutOne) {
  EXPECT_EQ(Kopt({"optimize", "norm.spec", "--model", "m", "--budget", "40s"}), 0) << err_;
  ASSERT_TRUE(server_.AwaitSilence());
  const size_t requests = server_.requests().size();
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "60s", "--no-model"}), 0) << out_ << err_;
  EXPECT_EQ(server_.requests().size(), requests);
  EXPECT_EQ(Kopt({"resume", "last", "--budget", "240s"}), 0) << err_;
  EXPECT_GT(server_.requests().size(), requests) << "it is asked again";
}

TEST_F(AskingTest, ARunGoesOnWithItsModel) {
  verifier_.signals[6] = 2;
  EXPECT_EQ(
      Kopt({"optimize", "norm.spec", "--model", "m", "--budget", "60s", "--strategy", "history", "--hint", "wide"}),
      130)
      << err_;
  verifier_.signals.clear();
  interrupts_.signals = 0;
  interrupts_.work = 0;
  const size_t requests = server_.requests().size();
  EXPECT_EQ(Kopt({"resume", "last"}), 0) << out_ << err_;
  EXPECT_GT(server_.requests().size(), requests);
  EXPECT_TRUE(Has(server_.requests().back().body, "wide"));
  auto store = Store::Open(folder_->path() / "state");
  const auto runs = store->Runs();
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->front().settings["asking"]["strategy"], "history");
  const auto rows = store->Exchanges(runs->front().run);
  ASSERT_TRUE(rows) << rows.error().Text();
  for (const ExchangeRow& row : *rows) EXPECT_NE(row.state, "asked");
  EXPECT_TRUE(Has(runs->front().settings["command"].get<std::string>(), "--model m --base-url " + server_.url()));
}

}  // namespace
}  // namespace kopt
