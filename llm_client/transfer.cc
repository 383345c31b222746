#include "llm_client/transfer.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"

namespace kopt {
namespace {

constexpr double kEndSeconds = 1;  // for the end of an answer whose last event is there

// Not thread-safe in itself; the first caller does it for all.
void InitialiseOnce() {
  static const CURLcode kDone = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(kDone);
}

size_t KeepBytes(char* bytes, size_t, size_t count, void* kept) noexcept {
  static_cast<std::string*>(kept)->append(bytes, count);
  return count;
}

// curl's own sockets would be inherited by compilers and workers.
curl_socket_t OpenSocket(void*, curlsocktype, curl_sockaddr* address) noexcept {
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::string HeaderOf(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return "";
  return header->value;
}

template <class T>
T InfoOf(CURL* easy, CURLINFO info) {
  T value{};
  curl_easy_getinfo(easy, info, &value);
  return value;
}

using End = HttpConnection::End;

End EndOf(CURL* easy, CURLcode code) {
  const auto proxy_status = InfoOf<long>(easy, CURLINFO_HTTP_CONNECTCODE);
  if (code != CURLE_OK && proxy_status != 0 && proxy_status / 100 != 2) return End::kNoProxy;
  switch (code) {
    case CURLE_OK:
      return End::kComplete;
    case CURLE_OPERATION_TIMEDOUT:  // the other timeouts are ours
      return End::kConnectTimeout;
    case CURLE_COULDNT_RESOLVE_HOST:
      return End::kNotResolved;
    case CURLE_COULDNT_CONNECT:
      return End::kNotConnected;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PROXY:
      return End::kNoProxy;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
      return End::kNoTls;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // a reply without a status line
      return End::kNotHttp;
    default:
      return End::kBroken;
  }
}

struct HeaderList {
  explicit HeaderList(const std::vector<std::string>& headers) {
    for (const std::string& header : headers) first = curl_slist_append(first, header.c_str());
  }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  ~HeaderList() { curl_slist_free_all(first); }
  curl_slist* first = nullptr;
};

// A transfer under way: part of its connection while it lives.
class Attached {
 public:
  Attached(CURLM* multi, CURL* easy) : multi_(multi), easy_(easy) { curl_multi_add_handle(multi_, easy_); }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() { curl_multi_remove_handle(multi_, easy_); }

 private:
  CURLM* multi_;
  CURL* easy_;
};

struct PartDeleter {
  void operator()(char* part) const { curl_free(part); }
};

std::string PartOf(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  return std::unique_ptr<char, PartDeleter>(text).get();
}

}  // namespace

struct HttpConnection::Handles {
  CURL* easy = curl_easy_init();
  CURLM* multi = curl_multi_init();
  std::string arrived;  // and not yet passed on
  char detail[CURL_ERROR_SIZE] = {};

  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  void Prepare(const Request& request, const HeaderList& headers);
  // What came to an end by itself.
  std::optional<CURLcode> Finished();
};

void HttpConnection::Handles::Prepare(const Request& request, const HeaderList& headers) {
  arrived.clear();
  detail[0] = '\0';
  curl_easy_reset(easy);  // keeps the connection
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));  // each transfer has a connection of its own
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_HTTPHEADER, headers.first);
  set(CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // a proxy of https does not get the key
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, request.body.data());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  set(CURLOPT_WRITEFUNCTION, &KeepBytes);
  set(CURLOPT_WRITEDATA, &arrived);
  set(CURLOPT_OPENSOCKETFUNCTION, &OpenSocket);
  set(CURLOPT_ERRORBUFFER, &detail[0]);
  set(CURLOPT_CONNECTTIMEOUT_MS, std::max(1L, static_cast<long>(request.connect_seconds * 1e3)));
  set(CURLOPT_NOSIGNAL, 1L);    // signals are the program's
  set(CURLOPT_QUICK_EXIT, 1L);  // cancelling does not wait for a name to be resolved
}

std::optional<CURLcode> HttpConnection::Handles::Finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) return message->data.result;
  }
  return std::nullopt;
}

HttpConnection::HttpConnection() {
  InitialiseOnce();
  handles_ = std::make_unique<Handles>();
}

HttpConnection::~HttpConnection() = default;

HttpConnection::Answer HttpConnection::Post(const Request& request, const std::stop_token& stop,
                                            const OnBytes& on_bytes) {
  const HeaderList headers(request.headers);
  Handles& own = *handles_;
  own.Prepare(request, headers);
  const Attached attached(own.multi, own.easy);
  const std::stop_callback wake(stop, [&] { curl_multi_wakeup(own.multi); });

  Answer answer;
  Want want = Want::kMore;
  double deadline = request.deadline;
  double heard = SystemClock().Now();
  while (true) {
    int running = 0;
    curl_multi_perform(own.multi, &running);
    const double now = SystemClock().Now();
    answer.status = static_cast<int>(InfoOf<long>(own.easy, CURLINFO_RESPONSE_CODE));
    if (!own.arrived.empty()) {
      heard = now;
      if (want == Want::kMore) want = on_bytes(answer.status, own.arrived);
      if (want == Want::kEnd) deadline = std::min(deadline, now + kEndSeconds);
      own.arrived.clear();
    }
    if (want == Want::kNothing) {
      answer.end = End::kComplete;
      break;
    }
    if (const auto code = own.Finished()) {
      answer.end = want == Want::kEnd ? End::kComplete : EndOf(own.easy, *code);
      answer.detail = own.detail[0] != '\0' ? own.detail : curl_easy_strerror(*code);
      break;
    }
    if (stop.stop_requested()) {
      answer.end = End::kCancelled;
      break;
    }
    if (now >= deadline || now >= heard + request.idle_seconds) {
      answer.end = want == Want::kEnd ? End::kComplete : now >= deadline ? End::kDeadline : End::kIdleTimeout;
      break;
    }
    const double rest = std::min(deadline, heard + request.idle_seconds) - now;
    curl_multi_poll(own.multi, nullptr, 0, static_cast<int>(std::min(rest, 1.0) * 1e3) + 1, nullptr);
  }
  answer.retry_after = HeaderOf(own.easy, "Retry-After");
  answer.location = HeaderOf(own.easy, "Location");
  return answer;
}

bool HttpConnection::Wait(double seconds, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [&] { curl_multi_wakeup(handles_->multi); });
  const double end = SystemClock().Now() + seconds;
  for (double now = SystemClock().Now(); now < end && !stop.stop_requested(); now = SystemClock().Now()) {
    curl_multi_poll(handles_->multi, nullptr, 0, static_cast<int>(std::min(end - now, 1.0) * 1e3) + 1, nullptr);
  }
  return !stop.stop_requested();
}

Result<std::string> CompleteBaseUrl(const std::string& given) {
  InitialiseOnce();
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  const std::string scheme =
      curl_url_set(url.get(), CURLUPART_URL, given.c_str(), 0) == CURLUE_OK ? PartOf(url.get(), CURLUPART_SCHEME) : "";
  if (scheme != "http" && scheme != "https") {
    // The text may hold a secret (a user's password, a key in the wrong place): it is not shown.
    return UsageError("the base URL is no URL of http or https", "write it like https://api.openai.com/v1");
  }
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    if (!PartOf(url.get(), part).empty()) {
      return UsageError("the base URL holds a user, a query or a fragment",
                        "leave it out; the API key belongs into OPENAI_API_KEY");
    }
  }
  std::string base = given;
  const auto cut = [&](std::string_view end) {
    if (base.ends_with(end)) base.resize(base.size() - end.size());
    while (base.ends_with('/')) base.pop_back();
  };
  cut("/");
  cut("/chat/completions");
  return base.find('/', scheme.size() + 3) == std::string::npos ? base + "/v1" : base;
}

}  // namespace kopt
