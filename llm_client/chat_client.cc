#include "llm_client/chat_client.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "llm_client/back_off.h"
#include "llm_client/failures.h"
#include "llm_client/reply_reader.h"
#include "llm_client/transfer.h"

namespace kopt {
namespace {

constexpr size_t kMostIdle = 8;            // connections
constexpr size_t kMostRefusal = 64 << 10;  // bytes of an answer that is no success
constexpr const char* kUnreached = "check the base URL, and that the server runs and can be reached from here";
constexpr int kParametersToLearn = 3;  // each may cost one refusal

bool IsPositive(double value) { return value > 0 && value < 1e9; }

Result<void> Check(const ChatClientOptions& options) {
  // Nothing of the key is shown.
  if (!std::ranges::all_of(options.key, [](char c) { return c > ' ' && c < 0x7f; })) {
    return UsageError("the API key holds a blank, a line end or a character beyond ASCII",
                      "copy it again; nothing else may stand beside it");
  }
  if (!IsPositive(options.connect_seconds) || !IsPositive(options.idle_seconds) || !IsPositive(options.total_seconds) ||
      !(options.most_wait >= 0) || options.tries < 1) {
    return UsageError("the times and the number of tries for the model must be above 0");
  }
  return {};
}

ChatFailure CannotConnect(const Asked& asked, std::string_view why, const std::string& detail, std::string hint,
                          bool retryable) {
  return MakeFailure(ChatFault::kCannotConnect,
                     fmt::format("cannot connect to {}: {} ({})", asked.base, why, asked.quoter->Quote(detail)),
                     std::move(hint), retryable);
}

ChatFailure TimedOut(std::string message, std::string hint, bool retryable) {
  return MakeFailure(ChatFault::kTimedOut, std::move(message), std::move(hint), retryable);
}

// What the user is told of a transfer that did not end well.
ChatFailure TransferFailure(const Asked& asked, const ChatClientOptions& options, const HttpConnection::Answer& answer,
                            size_t progress) {
  using End = HttpConnection::End;
  switch (answer.end) {
    case End::kCancelled:
      return Cancelled();
    case End::kConnectTimeout:
      return TimedOut(
          fmt::format("no connection to {} within {} s (connect timeout)", asked.base, options.connect_seconds),
          kUnreached, true);
    case End::kIdleTimeout:
      return TimedOut(fmt::format("no byte from {} for {} s (idle timeout)", asked.base, options.idle_seconds),
                      "the server may be overloaded; ask with fewer requests at once, or allow more time", true);
    case End::kDeadline:
      return TimedOut(fmt::format("no complete answer from {} within {} s (total timeout); {} bytes of it came",
                                  asked.base, options.total_seconds, progress),
                      "ask for a shorter reply, or allow more time", false);
    case End::kNotResolved:
      return CannotConnect(asked, "its name is not known", answer.detail, kUnreached, true);
    case End::kNotConnected:
      return CannotConnect(asked, "nothing answers there", answer.detail, kUnreached, true);
    case End::kNoTls:
      return CannotConnect(asked, "TLS failed", answer.detail,
                           "check that the server speaks https, that the system's certificates (package "
                           "ca-certificates) vouch for it, and that the clock is right",
                           false);
    case End::kNoProxy:
      return CannotConnect(asked, "the proxy failed", answer.detail, "check https_proxy, http_proxy and no_proxy",
                           false);
    case End::kNotHttp:
      return NotCompatible(asked, "is not HTTP", "");
    default:
      return MakeFailure(ChatFault::kCutStream,
                         fmt::format("the connection to {} broke after {} bytes of the reply ({})", asked.base,
                                     progress, asked.quoter->Quote(answer.detail)),
                         "", true);
  }
}

}  // namespace

// One call of Ask.
struct ChatClient::Question {
  const ChatRequest& request;
  const AskOptions& options;
  Asked asked;
  HttpConnection& connection;
  double deadline = 0;
  std::string refusal;  // the body of the last answer that was no success
};

// A connection of the client's for one thread; back in its hands afterwards.
class ChatClient::Borrowed {
 public:
  explicit Borrowed(ChatClient& client) : client_(client) {
    const std::scoped_lock lock(client.mutex_);
    if (client.idle_.empty()) {
      connection_ = std::make_unique<HttpConnection>();
    } else {
      connection_ = std::move(client.idle_.back());
      client.idle_.pop_back();
    }
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  ~Borrowed() {
    const std::scoped_lock lock(client_.mutex_);
    if (client_.idle_.size() < kMostIdle) client_.idle_.push_back(std::move(connection_));
  }
  HttpConnection& connection() { return *connection_; }

 private:
  ChatClient& client_;
  std::unique_ptr<HttpConnection> connection_;
};

Result<std::unique_ptr<ChatClient>> ChatClient::Create(const ChatClientOptions& options) {
  KOPT_CHECK(Check(options));
  ChatClientOptions completed = options;
  KOPT_TRY(completed.base_url, CompleteBaseUrl(options.base_url));
  return std::unique_ptr<ChatClient>(new ChatClient(completed));
}

ChatClient::ChatClient(const ChatClientOptions& options)
    : options_(options), quoter_(std::make_unique<Quoter>(options.key)), random_(std::random_device()()) {}

ChatClient::~ChatClient() = default;

std::expected<ChatReply, ChatFailure> ChatClient::Ask(const ChatRequest& request, const AskOptions& options) {
  if (options.stop.stop_requested()) return std::unexpected(Cancelled());
  const double begin = SystemClock().Now();
  Borrowed borrowed(*this);
  Question question{.request = request,
                    .options = options,
                    .asked = {.base = options_.base_url,
                              .url = options_.base_url + "/chat/completions",
                              .model = request.model,
                              .with_key = !options_.key.empty(),
                              .quoter = quoter_.get()},
                    .connection = borrowed.connection(),
                    .deadline = begin + options_.total_seconds};
  auto reply = AskUntilAnswered(question);
  if (reply) {
    reply->seconds = SystemClock().Now() - begin;
    if (reply->model.empty()) reply->model = request.model;
  }
  return reply;
}

std::expected<ChatReply, ChatFailure> ChatClient::AskUntilAnswered(Question& question) {
  for (int attempt = 1;; ++attempt) {
    auto reply = AskInDialect(question);
    if (reply || !reply.error().retryable || attempt == options_.tries) {
      if (!reply && attempt > 1 && reply.error().kind != ChatFault::kCancelled) {
        reply.error().message += fmt::format("; tried {} times", attempt);
      }
      return reply;
    }
    const double wait = BackOff(attempt + 1, reply.error().retry_after, options_.most_wait, Chance());
    if (SystemClock().Now() + wait >= question.deadline) return reply;
    if (!question.connection.Wait(wait, question.options.stop)) return std::unexpected(Cancelled());
  }
}

std::expected<ChatReply, ChatFailure> ChatClient::AskInDialect(Question& question) {
  Dialect dialect;
  {
    const std::scoped_lock lock(mutex_);
    dialect = dialects_[question.request.model];
  }
  for (int learnt = 0;; ++learnt) {
    auto reply = AskOnce(question, dialect);
    if (reply || learnt == kParametersToLearn) return reply;
    if (reply.error().status != 400 && reply.error().status != 422) return reply;
    const auto adapted = Adapted(question.request, dialect, question.refusal);
    if (!adapted) return reply;
    dialect = *adapted;
    const std::scoped_lock lock(mutex_);
    dialects_[question.request.model] = dialect;
  }
}

std::expected<ChatReply, ChatFailure> ChatClient::AskOnce(Question& question, const Dialect& dialect) {
  const bool stream = question.request.stream;
  HttpConnection::Request post{
      .url = question.asked.url,
      .headers = {"Content-Type: application/json", "User-Agent: kopt",
                  "Expect:", stream ? "Accept: text/event-stream, application/json" : "Accept: application/json"},
      .body = RequestBody(question.request, dialect),
      .connect_seconds = options_.connect_seconds,
      .idle_seconds = stream ? options_.idle_seconds : options_.total_seconds,
      .deadline = question.deadline};
  if (!options_.key.empty()) post.headers.push_back("Authorization: Bearer " + options_.key);

  ReplyReader reader(question.asked, options_.most_bytes);
  question.refusal.clear();
  size_t told = 0;
  const auto answer = question.connection.Post(post, question.options.stop, [&](int status, std::string_view bytes) {
    using Want = HttpConnection::Want;
    if (status != 200) {
      question.refusal += bytes.substr(0, kMostRefusal - question.refusal.size());
      return question.refusal.size() < kMostRefusal ? Want::kMore : Want::kNothing;
    }
    reader.Feed(bytes);
    if (reader.progress() > told && question.options.on_progress) question.options.on_progress(reader.progress());
    told = reader.progress();
    return reader.complete() ? Want::kEnd : reader.done() ? Want::kNothing : Want::kMore;
  });
  // The status of a refusal says more than the end of its connection.
  const bool refused = answer.status != 0 && answer.status != 200;
  const bool broken = answer.end == HttpConnection::End::kBroken;
  if (refused && (broken || answer.end == HttpConnection::End::kComplete)) {
    return std::unexpected(StatusFailure(question.asked, {.status = answer.status,
                                                          .location = answer.location,
                                                          .retry_after = RetryAfter(answer.retry_after, EpochSeconds()),
                                                          .body = question.refusal}));
  }
  if (answer.end == HttpConnection::End::kComplete) return reader.Finish();
  const ChatFailure failure = TransferFailure(question.asked, options_, answer, reader.progress());
  if (!broken) return std::unexpected(failure);
  // Only the end of the stream may be missing, after the reply.
  auto reply = reader.Finish();
  return reply ? std::move(reply) : std::unexpected(failure);
}

double ChatClient::Chance() {
  const std::scoped_lock lock(mutex_);
  return std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace kopt
