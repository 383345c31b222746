// Who answers prompts: from flags and settings to something that can be asked.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/context.h"
#include "llm_client/chat_client.h"
#include "llm_client/prices.h"
#include "llm_client/recording.h"

namespace kopt {

// As given on the command line; empty: not given.
struct ModelFlags {
  std::vector<std::string> models;  // each a name, or several with commas
  std::string base_url;
  std::string max_tokens;
  std::string temperature;
  std::string record, replay;  // files (llm_client/recording.h)
  bool no_model = false;       // ask none although settings name one
};

// Adds --model and --base-url.
void AddEndpointFlags(CLI::App& command, ModelFlags& flags);
// Adds these, --max-tokens, --temperature, --record, --replay and --no-model.
void AddModelFlags(CLI::App& command, ModelFlags& flags);

// One server, or a recording, and the models to ask there.
class Models {
 public:
  Models(std::unique_ptr<ChatModel> answers, std::vector<std::string> names)
      : answers_(std::move(answers)), names_(std::move(names)) {}

  // The client, or the recording that is played back; keeps what it is asked if --record says so. Stays where it is
  // when this object is moved.
  ChatModel& chat() { return recording_ ? *recording_ : *answers_; }
  // To be asked in turn; at least one. "replay" if a recording is played back and nothing names a model.
  const std::vector<std::string>& names() const { return names_; }

  std::string base_url;    // as it is used; empty for a recording that is played back
  std::string key_source;  // where the API key comes from: "OPENAI_API_KEY"; empty: none is sent
  Prices prices;
  int max_tokens = 0;  // of one reply; 0: the server's own limit
  std::optional<double> temperature;

  // Errors (exit 3): the file cannot be opened.
  Result<void> Record(const std::string& file);
  // Why the file of --record is incomplete; nothing as long as it is not.
  std::optional<Error> RecordingFailure() const;

 private:
  std::unique_ptr<ChatModel> answers_;
  std::unique_ptr<RecordingModel> recording_;  // passes on to answers_
  std::vector<std::string> names_;
};

enum class Patience {
  kRun,     // tries again, within idle_timeout and total_timeout
  kOneTry,  // of at most kOneTrySeconds; or total_timeout, if that is less
};
inline constexpr double kOneTrySeconds = 30;
// Unless settings say others.
inline constexpr const char* kIdleTimeout = "5m";
inline constexpr const char* kTotalTimeout = "30m";

// Nothing if no model is named, or --no-model is given. Asks nobody. Errors (exit 2) name the flag, the variable, or
// the file and line: flags that contradict each other, or are for a model where none is named; no base URL; a value
// that is none; a file of the API key that others can read. Exit 3: a recording that cannot be read or written.
//
// The API key is that of KOPT_API_KEY, else in the file that KOPT_API_KEY_FILE names, else of OPENAI_API_KEY, else in
// the file of the setting `api_key_file`. No error shows it.
Result<std::optional<Models>> OpenModels(const ModelFlags& flags, const Context& context,
                                         Patience patience = Patience::kRun);

}  // namespace kopt
