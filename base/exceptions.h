// Exceptions of libraries, as errors.
#pragma once

#include <fmt/format.h>

#include <exception>
#include <new>

#include "base/error.h"

namespace kopt {

// What `work` gives, a Result; an error in place of an exception.
template <class Work>
auto WithoutExceptions(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return EnvironmentError("out of memory");
  } catch (const std::exception& failure) {
    return InternalError(fmt::format("an unexpected failure: {}", failure.what()), "this is a bug in kopt");
  }
}

}  // namespace kopt
