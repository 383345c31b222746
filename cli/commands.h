// The commands of `kopt`. Each adds itself to the command line and, when it was chosen, leaves what it does in
// `action`.
#pragma once

#include "cli/context.h"

namespace kopt {

void AddInit(CLI::App& app, Context& context, Action& action);
void AddCheck(CLI::App& app, Context& context, Action& action);
void AddVerify(CLI::App& app, Context& context, Action& action);
void AddBench(CLI::App& app, Context& context, Action& action);
void AddOptimize(CLI::App& app, Context& context, Action& action);
void AddTune(CLI::App& app, Context& context, Action& action);
void AddResume(CLI::App& app, Context& context, Action& action);
void AddNext(CLI::App& app, Context& context, Action& action);
void AddReply(CLI::App& app, Context& context, Action& action);
void AddWork(CLI::App& app, Context& context, Action& action);
void AddRuns(CLI::App& app, Context& context, Action& action);
void AddShow(CLI::App& app, Context& context, Action& action);
void AddExport(CLI::App& app, Context& context, Action& action);
void AddDoctor(CLI::App& app, Context& context, Action& action);

}  // namespace kopt
