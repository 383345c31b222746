// How long to wait before a question is asked again. Private to llm_client/.
#pragma once

#include <optional>
#include <string_view>

namespace kopt {

// Seconds that a Retry-After header asks for: a number, or a date as HTTP writes it ("Sun, 06 Nov 1994 08:49:37 GMT"),
// seen from `now` (seconds since 1970). A date in the past is 0. Nothing if it is neither.
std::optional<double> RetryAfter(std::string_view header, double now);

// Seconds before try `next` (2 for the first repetition): exponential with full jitter, which `chance`, drawn from
// [0, 1), decides (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), but no less than the
// server wants, and never more than `most`.
double BackOff(int next, std::optional<double> retry_after, double most, double chance);

}  // namespace kopt
