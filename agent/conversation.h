// Asks models for candidates while a run goes on: several requests at a time, each with the prompt that follows from
// the memory at that moment. A reply is stored before anybody hears of it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/asking.h"
#include "agent/memory.h"
#include "agent/spend.h"
#include "base/clock.h"
#include "llm_client/chat.h"
#include "llm_client/prices.h"
#include "store/store.h"

namespace kopt {

class Conversation {
 public:
  struct Options {
    Asking asking;
    Prices prices;
    std::string run;
    std::function<double()> active;        // active time of the run; called by several threads
    std::function<double()> seconds_left;  // in which a reply still helps; likewise
    double budget_seconds = 0;             // of active time, for the position in the budget; infinite: none
  };

  // `model` null: nobody is asked, the memory is kept all the same. Everything must outlive the conversation.
  Conversation(ChatModel* model, Options options, Memory memory, Store& store, Clock& clock);
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation();  // as Stop

  // What the run has behind it, before Start. What was asked by a process that is gone is cancelled; prompts that are
  // out with somebody else stay. What arrived and was not looked at comes from Take.
  // `unjudged`: turns that were looked at and wait to be judged.
  Result<void> Recall(const std::vector<ExchangeRow>& exchanges, int unjudged);
  // Begins to ask.
  void Start();
  // Ends what is in flight; it is accounted for as cancelled. Nothing is asked after this.
  void Stop();

  void Add(const Turn& turn);
  void Learn(const Judged& judged, bool confirmation);
  std::optional<int> SameCode(const std::string& code_hash);
  // A reply that nobody has looked at, the oldest first.
  std::optional<ExchangeRow> Take();
  bool Arrived();  // there is one
  // The reply of `turn`, which was taken, has been dealt with: judged, or it held nothing new to be judged. A model
  // whose replies hold nothing new again and again is left alone for a while.
  void WasJudged(int turn);
  void NothingNew(int turn);
  // Waits until there is a reply to take, at most so long. Real time: this is never done while anything is measured.
  void Wait(double seconds);

  // No reply will come any more: nobody is asked, a budget is spent, or every model has failed too often.
  bool Over();
  // Why: "budget" (of time), "token budget", "money budget", "endpoint", "nothing new", "recording"; empty if nobody is
  // asked.
  std::string WhyOver();
  // What `seconds` of asking may come to, by replies that the models gave in other runs; nothing if there were none.
  std::optional<std::string> FirstForecast(double seconds);
  Spend spend();
  int in_flight();
  // The endpoint refused before it gave any reply: the run cannot begin.
  std::optional<Error> Refused();
  // The store failed: nothing can go on.
  std::optional<Error> Failure();
  // What there is to tell since the last call: a model was suspended, works again.
  std::vector<std::string> News();

 private:
  struct Model {
    std::string name;
    int failures = 0;       // in a row
    int nothing_new = 0;    // replies in a row
    double failed_at = -1;  // by the clock, as is what follows
    double suspended_until = 0;
    bool refused = false;  // its first request was
  };
  struct Request {
    ExchangeRow row;
    ChatRequest chat;
    size_t model = 0;
    int64_t reserved_tokens = 0;
    double reserved_usd = 0;
    double begun = 0;  // by the clock
    // Of the reply so far; of earlier ones that broke off and were asked for again; how many these were.
    size_t bytes = 0, lost = 0;
    int repeats = 0;
    void Arrived(size_t now);
  };

  void Work(const std::stop_token& stop);
  void Changed();
  std::optional<Request> NextRequest();
  std::optional<size_t> NextModel();
  bool RoomFor(Request& request);
  bool TimeLeft();
  void Answered(Request& request, const ChatReply& reply);
  void Failed(Request& request, const ChatFailure& failure);
  void Cancelled(Request& request);
  void Suspend(Model& model, double begun, const ChatFailure& failure);
  // Within the bounds of a suspension.
  void LeaveAlone(Model& model, double seconds, const std::string& why);
  void Dealt();
  Model* ModelOf(int turn);
  void End(const ExchangeRow& row);
  std::optional<double> Dollars(const std::string& model, const Usage& usage) const;
  double ExpectedTokens() const;

  ChatModel* model_;
  const Options options_;
  Store& store_;
  Clock& clock_;

  std::mutex mutex_;  // for what follows
  std::condition_variable_any changed_;
  uint64_t changes_ = 0;
  std::optional<uint64_t> no_room_at_;  // a budget had no room for a request when `changes_` was this
  Memory memory_;
  std::vector<Model> models_;
  size_t next_model_ = 0;
  std::deque<ExchangeRow> inbox_;
  std::map<int, size_t> asked_of_;  // the model of a turn whose reply was not dealt with yet
  int waiting_ = 0;                 // replies that were not dealt with yet
  int in_flight_ = 0;
  int64_t reserved_tokens_ = 0;
  double reserved_usd_ = 0;
  Spend spend_;
  bool any_reply_ = false;
  std::string over_;
  std::optional<Error> refused_, failure_;
  std::vector<std::string> news_;
  std::vector<std::jthread> threads_;
};

}  // namespace kopt
