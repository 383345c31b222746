#include "tests/llm_client/test_server.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/clock.h"

namespace kopt {
namespace {

using nlohmann::json;

constexpr size_t kThreads = 24;  // each open connection holds one

const json kUsage = {{"prompt_tokens", 11}, {"completion_tokens", 7}, {"total_tokens", 18}};

std::string Data(const json& object) {
  return "data: " + object.dump(-1, ' ', false, json::error_handler_t::replace) + "\n\n";
}

json OneChoice(json choice) {
  json object = {{"id", "1"}, {"model", "served-model"}, {"usage", nullptr}};
  object["choices"].push_back(std::move(choice));
  return object;
}

}  // namespace

// A request under way, counted while a copy of it lives.
class TestServer::Flight {
 public:
  explicit Flight(TestServer& server) : server_(server) {
    const std::scoped_lock lock(server_.mutex_);
    server_.most_in_flight_ = std::max(server_.most_in_flight_, ++server_.in_flight_);
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  ~Flight() {
    const std::scoped_lock lock(server_.mutex_);
    --server_.in_flight_;
    server_.changed_.notify_all();
  }

 private:
  TestServer& server_;
};

std::string SentRequest::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

TestServer::TestServer() : server_(std::make_unique<httplib::Server>()) {
  Say({JsonReply("hello")});
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_keep_alive_max_count(100000);
  server_->set_keep_alive_timeout(1);
  server_->set_tcp_nodelay(true);
  const auto handle = [this](const httplib::Request& request, httplib::Response& response) {
    Handle(request, response);
  };
  server_->Post(".*", handle);
  server_->Get(".*", handle);
  port_ = server_->bind_to_any_port("127.0.0.1");
  if (port_ <= 0) throw std::runtime_error("no port is free");
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) SystemClock().Sleep(0.001);
}

TestServer::~TestServer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  server_->stop();
  thread_.join();
}

std::string TestServer::url() const { return fmt::format("http://127.0.0.1:{}", port_); }

void TestServer::Say(std::vector<ScriptedAnswer> answers) {
  const std::scoped_lock lock(mutex_);
  answers_.assign(answers.begin(), answers.end());
  answer_ = nullptr;
}

void TestServer::SayBy(std::function<ScriptedAnswer(const SentRequest&)> answer) {
  const std::scoped_lock lock(mutex_);
  answer_ = std::move(answer);
}

std::vector<SentRequest> TestServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

int TestServer::in_flight() const {
  const std::scoped_lock lock(mutex_);
  return in_flight_;
}

int TestServer::most_in_flight() const {
  const std::scoped_lock lock(mutex_);
  return most_in_flight_;
}

bool TestServer::AwaitRequests(size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return requests_.size() >= count; });
}

bool TestServer::AwaitSilence() const {
  std::unique_lock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    const size_t before = requests_.size();
    const bool stirred = changed_.wait_for(lock, std::chrono::milliseconds(200),
                                           [&] { return requests_.size() != before || in_flight_ > 0; });
    if (!stirred) return true;
    changed_.wait_for(lock, std::chrono::milliseconds(10));
  }
  return false;
}

ScriptedAnswer TestServer::Next(const SentRequest& sent) {
  std::function<ScriptedAnswer(const SentRequest&)> answer;
  {
    const std::scoped_lock lock(mutex_);
    requests_.push_back(sent);
    changed_.notify_all();
    if (!answer_) {
      ScriptedAnswer next = answers_.front();
      if (answers_.size() > 1) answers_.pop_front();
      return next;
    }
    answer = answer_;
  }
  return answer(sent);
}

bool TestServer::Pause(double seconds) {
  std::unique_lock lock(mutex_);
  return !changed_.wait_for(lock, std::chrono::duration<double>(seconds), [&] { return stopping_; });
}

void TestServer::Handle(const httplib::Request& request, httplib::Response& response) {
  // The response holds them until it has gone out.
  const auto flight = std::make_shared<Flight>(*this);
  const auto next = std::make_shared<size_t>(0);
  const ScriptedAnswer answer = Next({.method = request.method,
                                      .path = request.target,
                                      .headers = {request.headers.begin(), request.headers.end()},
                                      .body = request.body,
                                      .port = request.remote_port});
  if (answer.seconds_before > 0) Pause(answer.seconds_before);
  response.status = answer.status;
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  // Called again and again until the body is complete.
  const auto provide = [this, flight, next, answer](size_t, httplib::DataSink& sink) {
    if (*next < answer.pieces.size()) {
      const double pause = *next < answer.pauses.size() ? answer.pauses[*next] : *next > 0 ? answer.seconds_between : 0;
      if (pause > 0 && !Pause(pause)) return false;
      const std::string& piece = answer.pieces[(*next)++];
      return piece.empty() || sink.write(piece.data(), piece.size());
    }
    if (answer.hang) return Pause(0.01) && sink.is_writable();
    if (answer.cut) return false;
    sink.done();
    return true;
  };
  response.set_chunked_content_provider(answer.content_type, provide);
}

ScriptedAnswer Body(int status, std::string body, std::string content_type) {
  return {.status = status, .content_type = std::move(content_type), .pieces = {std::move(body)}};
}

ScriptedAnswer JsonReply(std::string_view content) {
  const json message = {{"role", "assistant"}, {"content", content}};
  json body = OneChoice({{"index", 0}, {"message", message}, {"finish_reason", "stop"}});
  body["usage"] = kUsage;
  return Body(200, body.dump(-1, ' ', false, json::error_handler_t::replace));
}

ScriptedAnswer ErrorAnswer(int status, std::string_view message) {
  return Body(status, json({{"error", {{"message", message}}}}).dump());
}

ScriptedAnswer StreamReply(const std::vector<std::string>& contents) {
  std::vector<std::string> pieces;
  for (const std::string& content : contents) pieces.push_back(Event(content));
  pieces.push_back(Data(OneChoice({{"index", 0}, {"delta", json::object()}, {"finish_reason", "stop"}})));
  pieces.push_back(Data({{"choices", json::array()}, {"usage", kUsage}}));
  pieces.push_back("data: [DONE]\n\n");
  return Stream(std::move(pieces));
}

ScriptedAnswer Stream(std::vector<std::string> pieces) {
  return {.content_type = "text/event-stream", .pieces = std::move(pieces)};
}

std::string Event(std::string_view content) {
  return Data(OneChoice({{"index", 0}, {"delta", {{"content", content}}}, {"finish_reason", nullptr}}));
}

}  // namespace kopt
