#include "agent/report/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "agent/format.h"
#include "agent/report/bars.h"
#include "task/cpp_tokens.h"
#include "verifier/core/roofline.h"

namespace kopt {
namespace {

using nlohmann::ordered_json;

constexpr size_t kMostGroups = 12;

double NumberIn(const ordered_json& row, const char* key) {
  return row.is_object() && row.contains(key) && row[key].is_number() ? row[key].get<double>() : 0;
}

std::string TextIn(const ordered_json& row, const char* key) {
  return row.is_object() && row.contains(key) && row[key].is_string() ? row[key].get<std::string>() : "";
}

std::string BoundText(const ShapeRates& rates) {
  const std::string least = FormatMicroseconds(1e6 * rates.least_seconds);
  const double times = rates.seconds / rates.least_seconds;
  if (rates.arithmetic) {
    if (times < 1) {
      return fmt::format(
          "That is less than the {} that the declared operations take at that peak: it does fewer of "
          "them, or cheaper ones.",
          least);
    }
    return fmt::format(
        "Arithmetic is the bound: at that peak the declared operations take {}, and a call takes {:.2f} "
        "times as long.",
        least, times);
  }
  return times < 1 ? fmt::format("Memory is the bound, and it is reached: at that peak the bytes take {}.", least)
                   : fmt::format(
                         "Memory is the bound: at that peak the bytes take {}, and a call takes {:.2f} times as "
                         "long.",
                         least, times);
}

// "168 Gop/s (f32), 41.7 % of this machine's peak of 404 Gop/s".
std::string RateText(double rate, double peak, const std::string& unit, const std::string& what) {
  std::string text = FormatRate(rate, unit) + what;
  if (peak <= 0) return text;
  return fmt::format("{}, {} of this machine's peak of {}", text, FormatPercent(rate / peak), FormatRate(peak, unit));
}

Bar RateBar(const char* label, double rate, double peak, const char* unit, bool bound) {
  Bar bar{.label = label, .part = rate / peak, .strong = bound};
  bar.words = fmt::format("{} of {}, {}{}", FormatRate(rate, unit), FormatRate(peak, unit), FormatPercent(rate / peak),
                          bound ? ": the bound" : "");
  return bar;
}

}  // namespace

std::vector<ShapeRates> RatesOf(const Spec& spec, Target target, const ordered_json& evidence, const Peaks& peaks) {
  const std::vector<const Shape*> shapes = spec.Scored(target);
  if (!evidence.is_object() || !evidence.contains("shapes")) return {};
  const ordered_json& rows = evidence["shapes"];
  if (!rows.is_array() || rows.size() != shapes.size()) return {};
  std::vector<ShapeRates> all;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const double seconds = 1e-6 * NumberIn(rows[i], "time_us");
    const auto task = Bind(spec, *shapes[i]);
    if (!task || seconds <= 0) return {};
    const Roofline light = RooflineOf(*task, peaks, 0);
    const double bytes = task->read_bytes + task->write_bytes;
    all.push_back({.shape = TextIn(rows[i], "shape"),
                   .seconds = seconds,
                   .operations = task->flops / seconds,
                   .bytes = bytes / seconds,
                   .peak_operations = peaks.Flops(spec.work.unit),
                   .peak_bytes = light.byte_seconds > 0 ? bytes / light.byte_seconds : 0,
                   .least_seconds = light.seconds,
                   .arithmetic = light.flop_seconds >= light.byte_seconds});
  }
  return all;
}

Prose RatesText(const ShapeRates& rates, std::string_view unit) {
  Prose text = "At " + Code(rates.shape) + fmt::format(" a call takes {}: ", FormatMicroseconds(1e6 * rates.seconds));
  if (rates.operations > 0) {
    text += RateText(rates.operations, rates.peak_operations, "op/s", fmt::format(" in {}", unit)) + "; ";
  }
  text += RateText(rates.bytes, rates.peak_bytes, "B/s", "") + ". ";
  if (rates.least_seconds > 0) {
    text += BoundText(rates);
  } else {
    text += "What this machine can reach is not known: " + Code("kopt doctor --calibrate") + " measures it.";
  }
  return text;
}

std::string RatesPicture(const std::vector<ShapeRates>& rates) {
  std::vector<BarGroup> groups;
  for (const ShapeRates& shape : rates) {
    if (groups.size() == kMostGroups) break;
    BarGroup group{.title = shape.shape};
    if (shape.operations > 0 && shape.peak_operations > 0) {
      group.bars.push_back(RateBar("operations/s", shape.operations, shape.peak_operations, "op/s", shape.arithmetic));
    }
    if (shape.bytes > 0 && shape.peak_bytes > 0) {
      group.bars.push_back(RateBar("bytes/s", shape.bytes, shape.peak_bytes, "B/s", !shape.arithmetic));
    }
    if (!group.bars.empty()) groups.push_back(std::move(group));
  }
  if (groups.empty()) return "";
  std::string words;
  for (const BarGroup& group : groups) {
    words += group.title + ":";
    for (const Bar& bar : group.bars) words += fmt::format(" {} {};", bar.label, bar.words);
    words.back() = '.';
    words += ' ';
  }
  words.pop_back();
  return BarChart({.id = "rates", .title = "What is reached of this machine's peaks", .description = words}, groups);
}

std::string ExplicitVectors(std::string_view source) {
  static constexpr std::string_view kWhole[] = {"vector_size", "__vector_size__", "ext_vector_type", "asm", "__asm__"};
  static constexpr std::string_view kBegin[] = {"_mm_",   "_mm256_",         "_mm512_",   "__m128", "__m256",
                                                "__m512", "__builtin_ia32_", "float32x4", "vld1",   "svld1"};
  for (const CppToken& token : Tokenise(source)) {
    if (token.kind != CppToken::Kind::kName) continue;
    const auto begins = [&](std::string_view begin) { return token.text.starts_with(begin); };
    if (std::ranges::find(kWhole, token.text) != std::end(kWhole) || std::ranges::any_of(kBegin, begins)) {
      return token.text;
    }
  }
  return "";
}

Prose VectorisationText(const ordered_json& vectorised, std::string_view source) {
  const std::string by_hand = ExplicitVectors(source);
  if (!vectorised.is_array()) {
    Prose text = "Which loops of the source the compiler vectorised is not known.";
    if (!by_hand.empty()) text += " The source is vectorised by hand: it uses " + Code(by_hand) + ".";
    return text;
  }
  std::map<int, std::string> loops;  // sizes by line
  for (const ordered_json& loop : vectorised) {
    const auto bytes = static_cast<int>(NumberIn(loop, "bytes"));
    std::string& sizes = loops[static_cast<int>(NumberIn(loop, "line"))];
    sizes = fmt::format("{}{}{}", bytes, sizes.empty() ? "" : " and ", sizes);  // the widest first
  }
  if (loops.empty()) {
    if (by_hand.empty()) return "The compiler vectorised no loop of the source.";
    return "The compiler vectorised no loop of the source, which says little: it is vectorised by hand (" +
           Code(by_hand) + ").";
  }
  std::string list;
  for (const auto& [line, sizes] : loops)
    list += fmt::format("{}line {} ({} bytes)", list.empty() ? "" : ", ", line, sizes);
  Prose text = fmt::format("The compiler vectorised {} of the source, with vectors of the size in brackets: {}.",
                           loops.size() == 1 ? "one loop" : fmt::format("{} loops", loops.size()), list);
  if (!by_hand.empty()) text += " Besides, the source is vectorised by hand (" + Code(by_hand) + ").";
  return text;
}

Prose KernelsText(const ordered_json& kernels) {
  constexpr size_t kKernelsShown = 12;
  Prose text;
  if (!kernels.is_array()) return text;
  size_t shown = 0;
  for (const ordered_json& kernel : kernels) {
    if (++shown > kKernelsShown) {
      return text + fmt::format(" {} more.", kernels.size() - kKernelsShown);
    }
    const double spilt = NumberIn(kernel, "spill_store_bytes");
    if (!text.parts.empty()) text += " ";
    text += Code(kernel.value("kernel", ""));
    if (const std::string shape = kernel.value("shape", ""); !shape.empty()) text += " at " + Code(shape);
    text += fmt::format(": {:.0f} registers a thread, {}{}.", NumberIn(kernel, "registers"),
                        spilt > 0 ? fmt::format("{:.0f} bytes of them spilt", spilt) : "none spilt",
                        NumberIn(kernel, "shared_bytes") > 0
                            ? fmt::format(", {:.0f} bytes of static shared memory", NumberIn(kernel, "shared_bytes"))
                            : "");
  }
  return text;
}

}  // namespace kopt
