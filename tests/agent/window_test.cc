#include "agent/window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace kopt {
namespace {

using Numbers = std::vector<int>;

Numbers NumbersOf(const Window::Choice& choice) {
  Numbers numbers;
  for (const TurnSummary& turn : choice.turns) numbers.push_back(turn.number);
  if (choice.failure) numbers.push_back(choice.failure->number);
  return numbers;
}

TurnSummary Correct(int number, double reward, std::string hash) {
  return {.number = number, .reward = reward, .correct = true, .code_hash = std::move(hash), .tokens = 10};
}

TurnSummary Failed(int number, std::string hash) {
  return {.number = number, .code_hash = std::move(hash), .tokens = 10};
}

Window With(const std::vector<TurnSummary>& turns, Strategy strategy = Strategy::kWindow, size_t top = 4) {
  Window window(strategy, top);
  for (const TurnSummary& turn : turns) window.Add(turn);
  return window;
}

TEST(Window, ShowsTheHighestRewardsFirst) {
  const Window window =
      With({Correct(0, 2, "a"), Correct(1, 5, "b"), Correct(2, 1, "c"), Correct(3, 4, "d"), Correct(4, 3, "e")},
           Strategy::kWindow, 3);
  EXPECT_EQ(NumbersOf(window.Choose()), (Numbers{1, 3, 4}));
}

TEST(Window, ShowsNoCodeTwice) {
  EXPECT_EQ(NumbersOf(With({Correct(0, 2, "a"), Correct(1, 3, "a"), Correct(2, 1, "b")}).Choose()), (Numbers{1, 2}));
  EXPECT_EQ(NumbersOf(With({Correct(0, 3, "a"), Correct(1, 2, "a")}).Choose()), (Numbers{0}));
}

TEST(Window, TiesGoToTheNewerTurn) {
  EXPECT_EQ(NumbersOf(With({Correct(0, 2, "a"), Correct(1, 2, "b")}, Strategy::kWindow, 1).Choose()), (Numbers{1}));
  EXPECT_EQ(NumbersOf(With({Correct(1, 2, "a"), Correct(0, 2, "a")}).Choose()), (Numbers{1}));
}

TEST(Window, AddsTheNewestFailureIfItIsNewerThanAll) {
  const std::vector<TurnSummary> turns = {Correct(0, 2, "a"), Correct(1, 3, "b"), Failed(2, "c"), Failed(3, "d")};
  const Window::Choice choice = With(turns, Strategy::kWindow, 2).Choose();
  EXPECT_EQ(NumbersOf(choice), (Numbers{1, 0, 3}));
  ASSERT_TRUE(choice.failure);
  EXPECT_EQ(choice.failure->code_hash, "d");

  Window older = With(turns, Strategy::kWindow, 2);
  older.Add(Correct(4, 4, "e"));
  EXPECT_EQ(NumbersOf(older.Choose()), (Numbers{4, 1}));
}

TEST(Window, AFailureThatIsAmongTheTurnsIsNotShownTwice) {
  EXPECT_EQ(NumbersOf(With({Correct(0, 2, "a"), Failed(1, "b")}).Choose()), (Numbers{0, 1}));
  EXPECT_FALSE(With({Correct(0, 2, "a"), Failed(1, "b")}).Choose().failure);
  EXPECT_EQ(NumbersOf(With({Correct(0, 2, "a"), Failed(1, "a")}).Choose()), (Numbers{0})) << "the same code";
}

TEST(Window, ARewardMayRise) {
  Window window = With({Correct(0, 2, "a"), Correct(1, 3, "b")}, Strategy::kWindow, 2);
  window.Add(Correct(0, 5, "a"));
  EXPECT_EQ(NumbersOf(window.Choose()), (Numbers{0, 1}));
  EXPECT_EQ(window.Choose().turns[0].reward, 5);
}

TEST(Window, AFailureMayBecomeCorrect) {
  Window window = With({Correct(0, 2, "a"), Failed(1, "b")}, Strategy::kWindow, 1);
  EXPECT_EQ(NumbersOf(window.Choose()), (Numbers{0, 1}));
  window.Add(Correct(1, 1, "b"));
  EXPECT_EQ(NumbersOf(window.Choose()), (Numbers{0}));
}

TEST(Window, HistoryShowsAllInOrder) {
  const Window window = With({Correct(0, 2, "a"), Failed(2, "b"), Correct(1, 2, "a")}, Strategy::kHistory);
  EXPECT_EQ(NumbersOf(window.Choose()), (Numbers{0, 1, 2}));
  EXPECT_EQ(NumbersOf(window.Choose(25)), (Numbers{1, 2})) << "two of ten tokens each fit";
  EXPECT_EQ(NumbersOf(window.Choose(0)), (Numbers{}));
}

TEST(Window, BestOfNShowsNothing) {
  EXPECT_EQ(NumbersOf(With({Correct(0, 2, "a"), Failed(1, "b")}, Strategy::kBestOfN).Choose()), (Numbers{}));
}

TEST(Window, NoTurnsGiveNothing) { EXPECT_EQ(NumbersOf(Window(Strategy::kWindow).Choose()), (Numbers{})); }

TEST(Window, NamesAreReadBack) {
  for (const Strategy strategy : {Strategy::kWindow, Strategy::kHistory, Strategy::kBestOfN}) {
    EXPECT_EQ(ParseStrategy(Name(strategy)), strategy);
  }
  EXPECT_EQ(ParseStrategy("best_of_n").error().Text(), "there is no strategy `best_of_n`; did you mean `best-of-n`?");
}

bool Holds(const std::vector<std::string>& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

// The words of the header, taken literally, of the first `count` turns.
Numbers Naive(const std::vector<TurnSummary>& turns, size_t count, size_t top) {
  const auto better = [](const TurnSummary& a, const TurnSummary& b) {
    return a.reward > b.reward || (a.reward == b.reward && a.number > b.number);
  };
  Numbers shown;
  std::vector<std::string> hashes;
  const TurnSummary* failure = nullptr;
  for (size_t i = 0; i < count; ++i) {
    if (!turns[i].correct && (failure == nullptr || turns[i].number > failure->number)) failure = &turns[i];
  }
  while (shown.size() < top) {
    const TurnSummary* best = nullptr;
    for (size_t i = 0; i < count; ++i) {
      const bool improves = best == nullptr || better(turns[i], *best);
      if (improves && !Holds(hashes, turns[i].code_hash)) best = &turns[i];
    }
    if (best == nullptr) break;
    shown.push_back(best->number);
    hashes.push_back(best->code_hash);
  }
  const bool newest = failure != nullptr && std::ranges::all_of(shown, [&](int n) { return n < failure->number; });
  if (newest && !Holds(hashes, failure->code_hash)) shown.push_back(failure->number);
  return shown;
}

// A third fails, codes come again, neighbours change places, rewards are often equal.
TurnSummary Random(int number, std::mt19937& random) {
  const unsigned drawn = random();
  TurnSummary turn = Failed(number, std::to_string(drawn % 100'003));
  turn.correct = drawn % 3 != 0;
  if (turn.correct) turn.reward = 1 + static_cast<double>(drawn % 4001) / 1000;
  return turn;
}

TEST(Window, AgreesWithTheNaiveChoice) {
  std::mt19937 random(1);
  for (int round = 0; round < 40; ++round) {
    const size_t top = random() % 6;
    Window window(Strategy::kWindow, top);
    std::vector<TurnSummary> turns;
    for (int number = 0; number < 30; ++number) turns.push_back(Random(number ^ 1, random));
    for (TurnSummary& turn : turns) turn.code_hash = std::to_string(random() % 12);
    for (size_t i = 0; i < turns.size(); ++i) {
      window.Add(turns[i]);
      ASSERT_EQ(NumbersOf(window.Choose()), Naive(turns, i + 1, top)) << round << " " << i;
    }
  }
}

TEST(Window, AMillionTurns) {
  constexpr int kTurns = 1'000'000;
  std::mt19937 random(2);
  Window window(Strategy::kWindow), history(Strategy::kHistory);
  std::vector<TurnSummary> turns;
  turns.reserve(kTurns);
  for (int number = 0; number < kTurns; ++number) {
    turns.push_back(Random(number, random));
    window.Add(turns.back());
    history.Add(turns.back());
    if (number == 999 || number == 9999) {
      EXPECT_EQ(NumbersOf(window.Choose()), Naive(turns, turns.size(), 4));
    }
  }
  EXPECT_EQ(NumbersOf(window.Choose()), Naive(turns, turns.size(), 4));
  EXPECT_EQ(NumbersOf(history.Choose(20)), (Numbers{kTurns - 2, kTurns - 1}));
  EXPECT_EQ(history.Choose().turns.size(), static_cast<size_t>(kTurns));
}

}  // namespace
}  // namespace kopt
