#include "agent/turn_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "base/files.h"
#include "llm_client/recording.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

std::string CandidateFile(const Turn& turn, Target target) {
  return fmt::format("{}/turn-{}.{}", kTurnsFolder, turn.number, target == Target::kCuda ? "cu" : "cpp");
}

ordered_json TurnsJson(const Job& job, const OptimizeResult& result) {
  ordered_json turns = ordered_json::array();
  for (const TurnRecord& record : TurnRecordsOf(result.exchanges, TurnVerdictsOf(result), job.asking.reward)) {
    ordered_json entry = Json(record);
    const auto turn = result.turns.find(record.number);
    if (turn != result.turns.end() && !turn->second.source.empty()) {
      entry["file"] = CandidateFile(turn->second, job.target);
    }
    turns.push_back(std::move(entry));
  }
  return {{"kopt", 1}, {"run", result.run.run}, {"turns", turns}};
}

Result<void> WriteCandidates(const Job& job, const OptimizeResult& result) {
  std::error_code error;
  std::filesystem::create_directories(job.out / kTurnsFolder, error);
  if (error) {
    return EnvironmentError(fmt::format("cannot create {}: {}", (job.out / kTurnsFolder).string(), error.message()),
                            "make room there, or remove what stands in its place");
  }
  for (const auto& [number, turn] : result.turns) {
    if (!turn.source.empty()) KOPT_CHECK(WriteFile(job.out / CandidateFile(turn, job.target), turn.source));
  }
  return {};
}

// What is no JSON, or of another form, was written by somebody else: one message of the user's.
std::vector<ChatMessage> MessagesOf(const std::string& prompt) {
  const auto json = nlohmann::json::parse(prompt, nullptr, false);
  std::vector<ChatMessage> messages;
  for (const auto& message : json.is_array() ? json : nlohmann::json::array()) {
    if (!message.is_object() || !message.contains("role") || !message.contains("content")) return {{"user", prompt}};
    if (!message["role"].is_string() || !message["content"].is_string()) return {{"user", prompt}};
    messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  if (messages.empty() && !prompt.empty()) return {{"user", prompt}};
  return messages;
}

std::string ConversationLine(const ExchangeRow& row, const Asking& asking) {
  const ChatRequest request{.model = row.model,
                            .messages = MessagesOf(row.prompt),
                            .max_tokens = asking.max_tokens,
                            .temperature = asking.temperature};
  ChatReply reply{.content = row.reply,
                  .reasoning = DetailText(row, "reasoning"),
                  .finish_reason = DetailText(row, "finish_reason"),
                  .seconds = std::max(0.0, row.answered_at.value_or(row.asked_at) - row.asked_at),
                  .model = row.model};
  const auto seconds = row.detail.is_object() ? row.detail.find("seconds") : row.detail.end();
  if (row.detail.is_object() && seconds != row.detail.end() && seconds->is_number()) reply.seconds = *seconds;
  const bool estimated = row.detail.is_object() && row.detail.value("estimated", ordered_json()) == true;
  if (row.prompt_tokens && row.completion_tokens && !estimated) {
    reply.usage = {.prompt_tokens = *row.prompt_tokens, .completion_tokens = *row.completion_tokens, .known = true};
  }
  return RecordedLine(request, reply, reply.seconds);
}

std::unexpected<Error> CannotWrite(const std::filesystem::path& file, const std::string& why) {
  return std::unexpected(Error{.exit = Exit::kEnvironment,
                               .message = fmt::format("cannot write the conversation: {}", why),
                               .file = file.string(),
                               .hint = "make room on its disk"});
}

Result<void> StreamConversation(const Job& job, const OptimizeResult& result, Store& store,
                                const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  for (const ExchangeRow& exchange : result.exchanges) {
    if (exchange.state != "answered" && exchange.state != "looked_at") continue;
    KOPT_TRY(const auto whole, store.FindExchange(result.run.run, exchange.turn));
    if (whole) out << ConversationLine(*whole, job.asking);
    if (!out) break;
  }
  out.close();
  if (!out) return CannotWrite(file, std::strerror(errno));
  return {};
}

// Under a temporary name until it is whole: it may be too large to be held in memory.
Result<void> WriteConversation(const Job& job, const OptimizeResult& result, Store& store) {
  const std::filesystem::path file = job.out / kConversationFile, part = file.string() + ".part";
  auto written = StreamConversation(job, result, store, part);
  std::error_code error, ignored;
  // As a recording: what was said is its owner's business.
  const auto owner = std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
  if (written) std::filesystem::permissions(part, owner, error);
  if (written && !error) std::filesystem::rename(part, file, error);
  if (error) written = CannotWrite(file, error.message());
  if (!written) std::filesystem::remove(part, ignored);
  return written;
}

}  // namespace

std::vector<TurnVerdict> TurnVerdictsOf(const OptimizeResult& result) {
  std::vector<TurnVerdict> verdicts;
  const auto add = [&](const Judged& judged, bool confirmation) {
    verdicts.push_back({.turn = judged.turn,
                        .configuration = Text(judged.configuration),
                        .confirmation = confirmation,
                        .verdict = &judged.verdict});
  };
  for (const Judged& judged : result.screened) add(judged, false);
  for (const Judged& judged : result.confirmations) add(judged, true);
  return verdicts;
}

Result<void> WriteTurnFiles(const Job& job, const OptimizeResult& result, Store& store) {
  const std::string turns = TurnsJson(job, result).dump(2, ' ', false, ordered_json::error_handler_t::replace);
  KOPT_CHECK(WriteFile(job.out / kTurnsFile, turns + "\n"));
  KOPT_CHECK(WriteCandidates(job, result));
  return WriteConversation(job, result, store);
}

}  // namespace kopt
