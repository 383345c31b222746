// What `kopt doctor` says of models, and of servers that fail in each way; and the key, which it never says.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/cli/kopt_fixture.h"
#include "tests/llm_client/silent_port.h"
#include "tests/llm_client/test_server.h"

namespace kopt {
namespace {

const std::string kKey = "sk-proj-0123456789/abcdef";

class DoctorModelsTest : public KoptTest {
 protected:
  void SetUp() override {
    KoptTest::SetUp();
    environment_["OPENAI_API_KEY"] = kKey;
    environment_["KOPT_BASE_URL"] = server_.url();
    environment_["KOPT_MODEL"] = "m";
  }
  // The exit code; text and document agree in it, and neither holds the key.
  int Doctor(const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments = {"doctor"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const int exit = Kopt(arguments);
    EXPECT_EQ((out_ + err_).find(kKey), std::string::npos) << out_;
    text_ = out_ + err_;
    arguments.emplace_back("--json");
    EXPECT_EQ(Kopt(arguments), exit) << out_;
    EXPECT_EQ((out_ + err_).find(kKey), std::string::npos) << out_;
    document_ = nlohmann::json::parse(out_, nullptr, false);
    return exit;
  }
  // The last finding about a model.
  nlohmann::json Model() const {
    nlohmann::json last;
    for (const auto& finding : document_.at("findings")) {
      if (finding.at("name") == "model") last = finding;
    }
    return last;
  }
  void ExpectFailure(const ScriptedAnswer& answer, const std::string& words, const std::string& hint) {
    server_.Say({answer});
    EXPECT_EQ(Doctor({"--endpoint"}), 3) << text_;
    EXPECT_EQ(Model().at("state"), "missing");
    EXPECT_TRUE(Model().at("text").get<std::string>().starts_with("`m` does not answer: " + words)) << Model();
    EXPECT_EQ(Model().at("hint"), hint);
    EXPECT_NE(text_.find("missing  model"), std::string::npos) << text_;
  }

  TestServer server_;
  std::string text_;
  nlohmann::json document_;
};

TEST_F(DoctorModelsTest, ListsWithoutAsking) {
  Write(".config/kopt/config.toml", "[prices.m]\nprompt = 0.5\ncompletion = 2\n");
  EXPECT_EQ(Doctor({"--model", "m, n"}), 0) << text_;
  EXPECT_NE(text_.find(server_.url() + "/v1, with the API key of OPENAI_API_KEY\n"), std::string::npos) << text_;
  EXPECT_NE(text_.find("`m`, 0.5 and 2 US dollars per million tokens of prompts and replies\n"), std::string::npos);
  EXPECT_NE(text_.find("`n`, price not known\n"), std::string::npos);
  EXPECT_EQ(document_.at("settings").at("base_url").at("source"), "KOPT_BASE_URL");
  EXPECT_EQ(document_.at("settings").at("model"), (nlohmann::json{{"value", "m, n"}, {"source", "--model"}}));
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(DoctorModelsTest, AKeyThatOthersCouldSeeOnItsWay) {
  environment_["KOPT_BASE_URL"] = "http://host.example/v1";
  EXPECT_EQ(Doctor(), 0);
  EXPECT_NE(text_.find("note  endpoint"), std::string::npos) << text_;
  EXPECT_NE(text_.find("with the API key of OPENAI_API_KEY, unencrypted\n"), std::string::npos) << text_;
  environment_["KOPT_BASE_URL"] = "https://host.example/v1";
  EXPECT_EQ(Doctor(), 0);
  EXPECT_EQ(text_.find("unencrypted"), std::string::npos) << text_;
}

TEST_F(DoctorModelsTest, NoModelIsNoFaultUnlessAskedFor) {
  environment_.erase("KOPT_MODEL");
  EXPECT_EQ(Doctor(), 0);
  EXPECT_EQ(Model().at("state"), "note");
  EXPECT_EQ(Doctor({"--endpoint"}), 3);
  EXPECT_EQ(Model().at("state"), "missing");
}

TEST_F(DoctorModelsTest, WrongSettingsAreMissing) {
  environment_["KOPT_TEMPERATURE"] = "hot";
  EXPECT_EQ(Doctor(), 3);
  EXPECT_EQ(Model().at("text"), "`hot` is no temperature (at `KOPT_TEMPERATURE`)");
}

TEST_F(DoctorModelsTest, SecretsInTheWrongPlace) {
  environment_["KOPT_API_KEY_FILE"] = kKey;
  EXPECT_EQ(Doctor(), 3);
  environment_.erase("KOPT_API_KEY_FILE");
  environment_["KOPT_BASE_URL"] = "https://user:" + kKey + "@host/v1";
  EXPECT_EQ(Doctor(), 3);
  environment_["KOPT_BASE_URL"] = kKey;
  EXPECT_EQ(Doctor({"--endpoint"}), 3);
}

TEST_F(DoctorModelsTest, AGoodServer) {
  server_.Say({StreamReply({"O", "K"})});
  EXPECT_EQ(Doctor({"--endpoint"}), 0) << text_;
  EXPECT_EQ(Model().at("state"), "ok");
  EXPECT_NE(text_.find(": takes the key, streams, counts tokens (11 and 7), shows no reasoning; price not known"),
            std::string::npos)
      << text_;
  const auto sent = server_.requests();
  ASSERT_EQ(sent.size(), 2U);  // one for the text, one for the document
  EXPECT_EQ(sent[0].Header("Authorization"), "Bearer " + kKey);
  const auto body = nlohmann::json::parse(sent[0].body);
  EXPECT_EQ(body.at("max_tokens"), 64);
  EXPECT_EQ(body.at("stream"), true);
}

TEST_F(DoctorModelsTest, EachModelIsAsked) {
  server_.SayBy([](const SentRequest& sent) {
    return nlohmann::json::parse(sent.body).at("model") == "b" ? ErrorAnswer(404, "no model b") : StreamReply({"OK"});
  });
  EXPECT_EQ(Doctor({"--endpoint", "--model", "a", "--model", "b"}), 3);
  EXPECT_NE(text_.find("`a` answers after"), std::string::npos) << text_;
  EXPECT_NE(text_.find("`b` does not answer: the server does not know the model `b`"), std::string::npos) << text_;
}

TEST_F(DoctorModelsTest, LessThanAllWorks) {
  environment_.erase("OPENAI_API_KEY");
  server_.Say(
      {Body(200, R"({"choices": [{"message": {"content": "OK", "reasoning": "hm"}, "finish_reason": "stop"}]})")});
  EXPECT_EQ(Doctor({"--endpoint"}), 0) << text_;
  EXPECT_EQ(Model().at("state"), "note");
  EXPECT_NE(text_.find(": asks for no key, does not stream, does not count tokens, shows its reasoning"),
            std::string::npos)
      << text_;
  EXPECT_EQ(Model().at("hint"), "what its replies cost will not be known");
}

TEST_F(DoctorModelsTest, AModelThatThinksUntilTheLimitWorks) {
  server_.Say({Stream({"data: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"length\"}]}\n\n",
                       "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 11, \"completion_tokens\": 64}}\n\n",
                       "data: [DONE]\n\n"})});
  EXPECT_EQ(Doctor({"--endpoint"}), 0) << text_;
  EXPECT_EQ(Model().at("state"), "ok");
  EXPECT_NE(text_.find("no text within 64 tokens, counts tokens (11 and 64)"), std::string::npos) << text_;
}

TEST_F(DoctorModelsTest, Refusals) {
  const std::string base = server_.url() + "/v1";
  ExpectFailure(ErrorAnswer(401, "Incorrect API key: " + kKey), "the server refuses the API key (401): ",
                "check the API key of OPENAI_API_KEY, and that it is meant for " + base);
  ExpectFailure(ErrorAnswer(404, "The model `m` does not exist"), "the server does not know the model `m` (404)",
                base + "/models lists what it serves");
  ExpectFailure(Body(200, "<html>hello</html>", "text/html"), base + "/chat/completions answers with a web page",
                "check the base URL; most end in /v1");
  const size_t before = server_.requests().size();
  ExpectFailure(ErrorAnswer(503, "busy"), "the server failed (503): busy",
                "the fault is the server's; try again later");
  EXPECT_EQ(server_.requests().size(), before + 2);  // one try, for the text and for the document
}

TEST_F(DoctorModelsTest, NobodyListens) {
  SilentPort port;
  port.Close();
  environment_["KOPT_BASE_URL"] = fmt::format("http://127.0.0.1:{}", port.port());
  EXPECT_EQ(Doctor({"--endpoint"}), 3);
  EXPECT_NE(text_.find("`m` does not answer: cannot connect to http://127.0.0.1:"), std::string::npos) << text_;
}

TEST_F(DoctorModelsTest, AServerThatHangs) {
  environment_["KOPT_TOTAL_TIMEOUT"] = "0.1s";
  ExpectFailure({.hang = true}, "no complete answer from " + server_.url() + "/v1 within 0.1 s (total timeout)",
                "ask for a shorter reply, or allow more time");
}

TEST_F(DoctorModelsTest, AnInterruptEndsTheWait) {
  server_.Say({{.hang = true}});
  interrupts_.Signal();
  EXPECT_EQ(Kopt({"doctor", "--endpoint"}), 130);
  EXPECT_EQ(err_, "kopt: the question to the model was cancelled\n");
}

}  // namespace
}  // namespace kopt
