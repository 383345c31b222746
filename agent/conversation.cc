#include "agent/conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "agent/format.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

// Of a reply whose length nothing limits, where a budget has to be divided between requests.
constexpr int64_t kLongestReply = 32768;
// More than any reply has.
constexpr int64_t kMostTokens = int64_t{1} << 40;
// Before there is a reply to judge by.
constexpr double kAssumedReply = 1000;
// Seconds that a model is left alone after its first failure; doubled with each further one.
constexpr double kFirstSuspension = 2;
constexpr double kLongestSuspension = 300;
// Failures in a row after which nobody waits for a model any more, if there is nothing else to do.
constexpr int kHopeless = 5;
// Replies in a row with nothing new in them after which a model is left alone.
constexpr int kFruitless = 8;
// How often a thread without a request looks whether it may ask: a suspension has ended, a budget has room.
constexpr auto kLook = std::chrono::milliseconds(200);

// Asked again, the same request would fail in the same way.
bool IsRefusal(ChatFault fault) {
  return fault == ChatFault::kKeyRefused || fault == ChatFault::kModelUnknown || fault == ChatFault::kCannotConnect ||
         fault == ChatFault::kNotCompatible || fault == ChatFault::kRefusedRequest || fault == ChatFault::kRecording;
}

std::string PromptJson(const std::vector<ChatMessage>& messages) {
  ordered_json json = ordered_json::array();
  for (const ChatMessage& message : messages) json.push_back({{"role", message.role}, {"content", message.content}});
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

Conversation::Conversation(ChatModel* model, Options options, Memory memory, Store& store, Clock& clock)
    : model_(model), options_(std::move(options)), store_(store), clock_(clock), memory_(std::move(memory)) {
  for (const std::string& name : options_.asking.models) models_.push_back({.name = name});
}

Conversation::~Conversation() { Stop(); }

Result<void> Conversation::Recall(const std::vector<ExchangeRow>& exchanges, int unjudged) {
  const std::lock_guard lock(mutex_);
  for (ExchangeRow row : exchanges) {
    if (row.state == "asked" && !options_.asking.external) {
      const ordered_json tokens = row.detail.is_object() ? row.detail.value("prompt_tokens", ordered_json()) : nullptr;
      row.state = "cancelled";
      if (tokens.is_number_integer()) row.prompt_tokens = tokens.get<int64_t>();
      row.usd = Dollars(row.model, {.prompt_tokens = row.prompt_tokens.value_or(0), .known = true});
      row.detail = {{"failure", "the kopt that asked has ended"}, {"estimated", true}};
      KOPT_CHECK(store_.EndExchange(options_.run, row));
    }
    if (row.state == "answered") {
      KOPT_TRY(auto whole, store_.FindExchange(options_.run, row.turn));
      if (whole) inbox_.push_back(*std::move(whole));
    }
    spend_.Add(row);
  }
  waiting_ = static_cast<int>(inbox_.size()) + unjudged;
  return {};
}

void Conversation::Start() {
  if (model_ == nullptr || models_.empty()) return;
  for (int i = 0; i < options_.asking.in_flight; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
  }
}

void Conversation::Stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Conversation::Work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::optional<Request> request;
    {
      std::unique_lock lock(mutex_);
      request = NextRequest();
      if (!request) {
        const uint64_t seen = changes_;
        changed_.wait_for(lock, stop, kLook, [&] { return changes_ != seen; });
        continue;
      }
    }
    const auto answer =
        model_->Ask(request->chat, {.stop = stop, .on_progress = [&](size_t bytes) { request->Arrived(bytes); }});
    const std::lock_guard lock(mutex_);
    --in_flight_;
    reserved_tokens_ -= request->reserved_tokens;
    reserved_usd_ -= request->reserved_usd;
    if (answer) {
      Answered(*request, *answer);
    } else if (answer.error().kind == ChatFault::kCancelled) {
      Cancelled(*request);
    } else {
      Failed(*request, answer.error());
    }
    Changed();
  }
}

void Conversation::Request::Arrived(size_t now) {
  if (now < bytes) {
    lost += bytes;
    ++repeats;
  }
  bytes = now;
}

void Conversation::Changed() {
  ++changes_;
  changed_.notify_all();
}

std::optional<Conversation::Request> Conversation::NextRequest() {
  const Asking& asking = options_.asking;
  if (failure_ || !over_.empty() || waiting_ >= asking.most_waiting || !TimeLeft()) return std::nullopt;
  if (no_room_at_ == changes_ && in_flight_ > 0) return std::nullopt;
  const auto model = NextModel();
  if (!model) return std::nullopt;
  const auto number = store_.NextTurn(options_.run);
  if (!number) {
    failure_ = number.error();
    return std::nullopt;
  }
  const double active = options_.active();
  const std::optional<double> spent = std::isfinite(options_.budget_seconds) && options_.budget_seconds > 0
                                          ? std::optional(std::clamp(active / options_.budget_seconds, 0.0, 1.0))
                                          : std::nullopt;
  const auto prompt = memory_.Write(*number, spent);
  if (!prompt) {
    failure_ = prompt.error();
    return std::nullopt;
  }
  Request request{.row = {.turn = *number, .model = models_[*model].name, .shown = prompt->shown, .asked_at = active},
                  .chat = {.model = models_[*model].name,
                           .messages = {{"system", prompt->system}, {"user", prompt->user}},
                           .max_tokens = asking.max_tokens,
                           .temperature = asking.temperature},
                  .model = *model};
  request.row.prompt = PromptJson(request.chat.messages);
  request.row.prompt_tokens = prompt->tokens;
  request.row.detail = {{"prompt_tokens", prompt->tokens}};
  request.begun = clock_.Now();
  if (!RoomFor(request)) {
    no_room_at_ = changes_;
    return std::nullopt;
  }
  const auto added = store_.AddExchange(options_.run, request.row, true);
  if (!added) failure_ = added.error();
  if (!added || !*added) return std::nullopt;
  next_model_ = (*model + 1) % models_.size();
  ++in_flight_;
  reserved_tokens_ += request.reserved_tokens;
  reserved_usd_ += request.reserved_usd;
  return request;
}

std::optional<size_t> Conversation::NextModel() {
  for (size_t i = 0; i < models_.size(); ++i) {
    const size_t model = (next_model_ + i) % models_.size();
    if (!models_[model].refused && clock_.Now() >= models_[model].suspended_until) return model;
  }
  return std::nullopt;
}

// Divides what is left of the budgets: a request may use no more than what it is given here.
bool Conversation::RoomFor(Request& request) {
  const Asking& asking = options_.asking;
  if (!asking.budget_tokens && !asking.budget_usd) return true;
  const int64_t prompt = *request.row.prompt_tokens;
  int64_t most = asking.max_tokens > 0 ? asking.max_tokens : kLongestReply;
  const int64_t least = std::min(most, static_cast<int64_t>(ExpectedTokens()));
  const char* budget = "token budget";
  if (asking.budget_tokens) {
    most = std::min(most, *asking.budget_tokens - spend_.tokens() - reserved_tokens_ - prompt);
  }
  const auto price = options_.prices.find(request.row.model);
  if (asking.budget_usd && price != options_.prices.end() && most >= least) {
    const double left =
        *asking.budget_usd - spend_.usd - reserved_usd_ - static_cast<double>(prompt) * price->second.prompt / 1e6;
    if (left <= 0) most = 0;
    if (left > 0 && price->second.completion > 0) {
      most = static_cast<int64_t>(std::min(static_cast<double>(most), left * 1e6 / price->second.completion));
    }
    if (most < least) budget = "money budget";
  }
  if (most < least) {
    if (in_flight_ == 0) over_ = budget;
    return false;
  }
  // A server may refuse a limit above its own: none is sent where none is needed.
  if (asking.max_tokens > 0 || most < kLongestReply) request.chat.max_tokens = static_cast<int>(most);
  request.reserved_tokens = prompt + most;
  request.reserved_usd =
      Dollars(request.row.model, {.prompt_tokens = prompt, .completion_tokens = most, .known = true}).value_or(0);
  return true;
}

double Conversation::ExpectedTokens() const {
  return spend_.replies == 0 ? kAssumedReply : static_cast<double>(spend_.completion_tokens) / spend_.replies;
}

// A reply that cannot arrive while it still helps is not asked for.
bool Conversation::TimeLeft() {
  const double expected = spend_.replies == 0 ? 0 : spend_.reply_seconds / spend_.replies;
  const double left = options_.seconds_left();
  return left > 0 && left >= expected;
}

std::optional<double> Conversation::Dollars(const std::string& model, const Usage& usage) const {
  return kopt::Dollars(options_.prices, model, usage);
}

void Conversation::Answered(Request& request, const ChatReply& reply) {
  Usage usage = reply.usage;
  ExchangeRow& row = request.row;
  row.state = "answered";
  row.reply = reply.content;
  row.answered_at = options_.active();
  row.detail = {{"finish_reason", reply.finish_reason}, {"seconds", reply.seconds}};
  if (!reply.reasoning.empty()) row.detail["reasoning"] = reply.reasoning;
  // A server that says it took nothing has not counted.
  const auto counted = [](int64_t tokens) { return tokens > 0 && tokens < kMostTokens; };
  if (!usage.known || !counted(usage.prompt_tokens) || !counted(usage.completion_tokens)) {
    usage = {.prompt_tokens = *row.prompt_tokens,
             .completion_tokens = EstimateTokens(reply.content.size() + reply.reasoning.size()),
             .known = true};
    row.detail["estimated"] = true;
  }
  if (request.repeats > 0) {
    usage.completion_tokens += EstimateTokens(request.lost);
    usage.prompt_tokens += request.repeats * *row.prompt_tokens;
    row.detail["estimated"] = true;
  }
  row.prompt_tokens = usage.prompt_tokens;
  row.completion_tokens = usage.completion_tokens;
  row.usd = Dollars(row.model, usage);
  const auto stored = store_.AnswerExchange(options_.run, row);
  if (!stored) {
    failure_ = stored.error();
    return;
  }
  Model& model = models_[request.model];
  if (model.failures > 0) news_.push_back(fmt::format("{} answers again", model.name));
  model.failures = 0;
  any_reply_ = true;
  spend_.Add(row);
  asked_of_[row.turn] = request.model;
  inbox_.push_back(std::move(row));
  ++waiting_;
}

void Conversation::Failed(Request& request, const ChatFailure& failure) {
  ExchangeRow& row = request.row;
  row.state = "failed";
  row.detail = {{"failure", Name(failure.kind)}, {"message", failure.message}};
  if (failure.status > 0) row.detail["status"] = failure.status;
  // What broke off had been worked on; what was refused had not.
  const bool worked = request.bytes + request.lost > 0 || failure.kind == ChatFault::kTimedOut;
  row.prompt_tokens = worked ? *row.prompt_tokens * (1 + request.repeats) : 0;
  if (worked) row.detail["estimated"] = true;
  row.completion_tokens = EstimateTokens(request.bytes + request.lost);
  row.usd = Dollars(row.model,
                    {.prompt_tokens = *row.prompt_tokens, .completion_tokens = *row.completion_tokens, .known = true});
  End(row);
  Suspend(models_[request.model], request.begun, failure);
}

void Conversation::Cancelled(Request& request) {
  ExchangeRow& row = request.row;
  row.state = "cancelled";
  row.detail = {{"failure", "cancelled: the run had ended"}, {"bytes", request.bytes}, {"estimated", true}};
  row.prompt_tokens = *row.prompt_tokens * (1 + request.repeats);
  row.completion_tokens = EstimateTokens(request.bytes + request.lost);
  row.usd = Dollars(row.model,
                    {.prompt_tokens = *row.prompt_tokens, .completion_tokens = *row.completion_tokens, .known = true});
  End(row);
}

void Conversation::Suspend(Model& model, double begun, const ChatFailure& failure) {
  // Requests that were out together and failed are one failure.
  if (begun >= model.failed_at) ++model.failures;
  model.failed_at = clock_.Now();
  if (failure.kind == ChatFault::kRecording && any_reply_) {
    over_ = "recording";
    return;
  }
  model.refused |= !any_reply_ && IsRefusal(failure.kind);
  if (model.refused && std::ranges::all_of(models_, &Model::refused)) {
    refused_ = failure.AsError();
    over_ = "endpoint";
    return;
  }
  if (model.refused) {
    news_.push_back(fmt::format("{} is not asked any more: {}", model.name, failure.message));
    return;
  }
  const double seconds = failure.retry_after.value_or(kFirstSuspension * std::exp2(model.failures - 1));
  LeaveAlone(model, seconds, failure.message);
}

void Conversation::LeaveAlone(Model& model, double seconds, const std::string& why) {
  seconds = std::clamp(seconds, kFirstSuspension, kLongestSuspension);
  model.suspended_until = std::max(model.suspended_until, clock_.Now() + seconds);
  news_.push_back(fmt::format("{} is left alone for {}: {}", model.name, FormatDuration(seconds), why));
}

void Conversation::End(const ExchangeRow& row) {
  const auto ended = store_.EndExchange(options_.run, row);
  if (!ended) failure_ = ended.error();
  spend_.Add(row);
}

void Conversation::Add(const Turn& turn) {
  const std::lock_guard lock(mutex_);
  memory_.Add(turn);
}

void Conversation::Learn(const Judged& judged, bool confirmation) {
  const std::lock_guard lock(mutex_);
  memory_.Learn(judged, confirmation);
}

std::optional<int> Conversation::SameCode(const std::string& code_hash) {
  const std::lock_guard lock(mutex_);
  return memory_.SameCode(code_hash);
}

std::optional<ExchangeRow> Conversation::Take() {
  const std::lock_guard lock(mutex_);
  if (inbox_.empty()) return std::nullopt;
  ExchangeRow row = std::move(inbox_.front());
  inbox_.pop_front();
  return row;
}

bool Conversation::Arrived() {
  const std::lock_guard lock(mutex_);
  return !inbox_.empty();
}

void Conversation::WasJudged(int turn) {
  const std::lock_guard lock(mutex_);
  if (Model* model = ModelOf(turn)) model->nothing_new = 0;
  Dealt();
}

void Conversation::NothingNew(int turn) {
  const std::lock_guard lock(mutex_);
  if (Model* model = ModelOf(turn); model != nullptr && ++model->nothing_new >= kFruitless) {
    LeaveAlone(*model, kFirstSuspension * std::exp2(model->nothing_new - kFruitless),
               fmt::format("nothing new in {} replies", model->nothing_new));
  }
  Dealt();
}

Conversation::Model* Conversation::ModelOf(int turn) {
  const auto found = asked_of_.find(turn);
  if (found == asked_of_.end()) return nullptr;
  Model* model = &models_[found->second];
  asked_of_.erase(found);
  return model;
}

void Conversation::Dealt() {
  --waiting_;
  Changed();
}

void Conversation::Wait(double seconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                    [&] { return !inbox_.empty() || failure_ || (!over_.empty() && in_flight_ == 0); });
}

bool Conversation::Over() {
  const std::lock_guard lock(mutex_);
  if (threads_.empty() || failure_ || (!over_.empty() && in_flight_ == 0)) return true;
  // Where there is time, an endpoint that has worked is waited for.
  const bool waits = any_reply_ && std::isfinite(options_.budget_seconds);
  const auto hopeless = [&](const Model& model) {
    return model.refused || model.nothing_new >= kFruitless + kHopeless || (!waits && model.failures >= kHopeless);
  };
  return in_flight_ == 0 && (!TimeLeft() || std::ranges::all_of(models_, hopeless));
}

std::string Conversation::WhyOver() {
  const std::lock_guard lock(mutex_);
  if (!over_.empty() || threads_.empty()) return over_;
  if (!TimeLeft()) return "budget";
  const auto repeats = [](const Model& model) { return model.nothing_new >= kFruitless; };
  return std::ranges::any_of(models_, repeats) ? "nothing new" : "endpoint";
}

std::optional<std::string> Conversation::FirstForecast(double seconds) {
  const std::lock_guard lock(mutex_);
  const auto prompt = memory_.Write(1, std::nullopt);
  if (models_.empty() || !prompt) return std::nullopt;
  const std::string& model = models_.front().name;
  const auto figures = store_.FiguresOf(model);
  std::string text = fmt::format("a first prompt of about {} tokens", FormatCount(static_cast<double>(prompt->tokens)));
  if (!figures || figures->replies == 0 || figures->seconds <= 0) return text;
  const Usage each{.prompt_tokens = prompt->tokens,
                   .completion_tokens = static_cast<int64_t>(figures->completion_tokens),
                   .known = true};
  Spend one{.replies = 1, .prompt_tokens = each.prompt_tokens, .completion_tokens = each.completion_tokens};
  one.reply_seconds = figures->seconds;
  one.usd = Dollars(model, each).value_or(0);
  one.priced = Dollars(model, each).has_value();
  const auto forecast = ForecastOf(one, seconds, options_.asking.in_flight);
  if (forecast) text += fmt::format("; {}, as {} earlier replies of {} were", Text(*forecast), figures->replies, model);
  return text;
}

Spend Conversation::spend() {
  const std::lock_guard lock(mutex_);
  return spend_;
}

int Conversation::in_flight() {
  const std::lock_guard lock(mutex_);
  return in_flight_;
}

std::optional<Error> Conversation::Refused() {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::optional<Error> Conversation::Failure() {
  const std::lock_guard lock(mutex_);
  return failure_;
}

std::vector<std::string> Conversation::News() {
  const std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

}  // namespace kopt
