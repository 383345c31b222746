// The only place that calls libcurl. Private to llm_client/.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace kopt {

// A connection of HTTP 1.1 that stays open for the next request. For one thread at a time.
class HttpConnection {
 public:
  struct Request {
    std::string url;
    std::vector<std::string> headers;  // "Name: value"
    std::string body;
    double connect_seconds = 0;  // for name, TCP and TLS together
    double idle_seconds = 0;     // without a byte
    double deadline = 0;         // on SystemClock
  };
  enum class Want {
    kMore,
    kEnd,      // nothing but the end of the answer: it is waited for, but not for long
    kNothing,  // the rest is not wanted
  };
  // Takes the next bytes of the answer to a request, and its status.
  using OnBytes = std::function<Want(int status, std::string_view bytes)>;

  enum class End {
    kComplete,  // or as much of it as was wanted
    kCancelled,
    kConnectTimeout,
    kIdleTimeout,
    kDeadline,
    kNotResolved,   // the server's name
    kNotConnected,  // no server at this port
    kNoTls,
    kNoProxy,
    kNotHttp,
    kBroken,  // the connection, before the answer was complete
  };
  struct Answer {
    End end = End::kBroken;
    std::string detail;       // curl's words, for what is neither complete nor cancelled nor too late
    int status = 0;           // 0: none came
    std::string retry_after;  // headers; empty if they are missing
    std::string location;
  };

  HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  // Posts, without following redirects. Certificates are checked; proxies are those of the environment.
  // Returns soon (well under 0.2 s) after `stop` is asked for.
  Answer Post(const Request& request, const std::stop_token& stop, const OnBytes& on_bytes);
  // False, at once, when `stop` is asked for.
  bool Wait(double seconds, const std::stop_token& stop);

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

// Checks and completes what the user gave. Trailing slashes go, and if no path is left, /v1 is added:
//   https://api.openai.com -> https://api.openai.com/v1     http://localhost:8000/v1/ -> http://localhost:8000/v1
// A trailing /chat/completions goes too. Everything else stays.
// Errors (exit 2): no http or https URL; one with a user, a query or a fragment.
Result<std::string> CompleteBaseUrl(const std::string& given);

}  // namespace kopt
