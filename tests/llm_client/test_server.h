// A small OpenAI-compatible server, with scripted answers, for tests of whatever talks to one.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace kopt {

// One answer. Its body goes out piece by piece, each as one chunk of HTTP, so that a client gets it cut there.
struct ScriptedAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::map<std::string, std::string> headers;
  std::vector<std::string> pieces;
  double seconds_before = 0;   // the status line
  double seconds_between = 0;  // two pieces
  std::vector<double> pauses;  // before each piece, in place of seconds_between
  bool cut = false;            // the connection closes after the last piece, in the middle of the body
  bool hang = false;           // nothing comes after the last piece until the client goes or the server stops
};

// What a client sent.
struct SentRequest {
  std::string method;
  std::string path;
  std::multimap<std::string, std::string> headers;
  std::string body;
  int port = 0;  // of the client: equal on the same connection

  std::string Header(const std::string& name) const;  // empty if it is missing
};

// Answers on 127.0.0.1 until it goes: let it outlive the clients, whose open connections it waits for.
class TestServer {
 public:
  TestServer();  // throws std::runtime_error if there is no port
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer();

  // http://127.0.0.1:PORT, without /v1.
  std::string url() const;
  int port() const { return port_; }

  // The answers to the next requests, in order; the last one stays.
  void Say(std::vector<ScriptedAnswer> answers);
  // Answers whatever is asked from now on; called by several threads at once.
  void SayBy(std::function<ScriptedAnswer(const SentRequest&)> answer);

  std::vector<SentRequest> requests() const;
  int in_flight() const;
  int most_in_flight() const;
  // Waits until `count` requests have arrived; false after ten seconds.
  bool AwaitRequests(size_t count) const;
  // Waits until a fifth of a second has passed without any request and none is in flight: what a client has cancelled
  // may still arrive after it. False after ten seconds.
  bool AwaitSilence() const;

 private:
  class Flight;
  ScriptedAnswer Next(const SentRequest& sent);
  void Handle(const httplib::Request& request, httplib::Response& response);
  bool Pause(double seconds);  // false: the server stops

  std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  mutable std::mutex mutex_;  // for what follows
  mutable std::condition_variable changed_;
  std::vector<SentRequest> requests_;
  std::deque<ScriptedAnswer> answers_;
  std::function<ScriptedAnswer(const SentRequest&)> answer_;
  int in_flight_ = 0;
  int most_in_flight_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// A reply in one JSON text. Usage: 11 and 7 tokens.
ScriptedAnswer JsonReply(std::string_view content);
// Any body, in one piece.
ScriptedAnswer Body(int status, std::string body, std::string content_type = "application/json");
// {"error": {"message": message}}.
ScriptedAnswer ErrorAnswer(int status, std::string_view message);
// A stream of these pieces of content: an event each, then finish_reason, usage (11 and 7 tokens) and [DONE].
ScriptedAnswer StreamReply(const std::vector<std::string>& contents);
// Any stream, in these pieces.
ScriptedAnswer Stream(std::vector<std::string> pieces);
// One event with this content.
std::string Event(std::string_view content);

}  // namespace kopt
