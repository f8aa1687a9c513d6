// The one table that decides what an error does to a job.
#pragma once

#include <cstdint>

#include "base/environment.hpp"
#include "base/result.hpp"

namespace narralytica::jobs {

enum class Outcome {
  kDeadLetter,    // the same input will fail again: keep it, say why, wait for a person
  kRetry,         // with backoff, until the attempts are used up
  kRetrySmaller,  // as kRetry; the stage halves its window
  kWait,          // the disk is full: again after a while, and the attempt does not count
  kLeaseLost,     // somebody else works on it: touch nothing
  kStopped,       // canceled, or the worker is going down
};

Outcome OutcomeOf(const Error& error);

// Capped exponential backoff with full jitter: uniform in [0, min(cap, base * 2^(attempt - 1))].
// Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
int64_t BackoffMs(int attempt, int64_t base_ms, int64_t cap_ms, Random& random);

}  // namespace narralytica::jobs
