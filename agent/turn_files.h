// What a run that asked for candidates leaves in its results folder beside the verdicts:
//
//   turns.json          every turn: who was asked, what its prompt showed, what came of it, what it cost
//   turns/turn-3.cpp    (.cu) each turn's candidate, as it was found in the reply
//   conversation.jsonl  every question that has a reply, in order of the turns, as `--replay` reads it
#pragma once

#include <vector>

#include "agent/optimize.h"
#include "agent/turn_record.h"

namespace kopt {

inline constexpr const char* kTurnsFile = "turns.json";
inline constexpr const char* kTurnsFolder = "turns";
inline constexpr const char* kConversationFile = "conversation.jsonl";

// Every verdict of a run, screenings first. What they name lives in `result`.
std::vector<TurnVerdict> TurnVerdictsOf(const OptimizeResult& result);

// `store` holds the texts of the exchanges; one of them at a time is read.
Result<void> WriteTurnFiles(const Job& job, const OptimizeResult& result, Store& store);

}  // namespace kopt
