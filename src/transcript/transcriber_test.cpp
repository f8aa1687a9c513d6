// The course of a transcription, with an engine that spells out what it was given: batches,
// checkpoints, language prior, errors. Real engines are tested through the command line.
#include "transcript/transcriber.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <set>

namespace narralytica::transcript {
namespace {

using testing::Each;
using testing::Ge;
using testing::Le;

// A recording whose sound is loud where somebody speaks: four of every five seconds.
class Sound final : public PcmReader {
 public:
  explicit Sound(int64_t seconds) : seconds_(seconds) {}
  int64_t sample_count() const override { return seconds_ * kSampleRate; }
  Result<std::vector<int16_t>> Read(int64_t start, size_t count) override {
    EXPECT_LE(start + static_cast<int64_t>(count), sample_count());
    std::vector<int16_t> samples(count);
    for (size_t i = 0; i < count; ++i) {
      const int64_t at = start + static_cast<int64_t>(i);
      samples[i] = at / kSampleRate % 5 < 4 ? static_cast<int16_t>(1 + at % 1'000) : int16_t{0};
    }
    return samples;
  }

 private:
  int64_t seconds_;
};

class LoudnessDetector final : public SpeechDetector {
 public:
  Result<std::vector<float>> Detect(std::span<const int16_t> samples, VadState&,
                                    const Deadline&) override {
    std::vector<float> probabilities;
    for (size_t i = 0; i < samples.size(); i += VadModel::kFrameSamples) {
      probabilities.push_back(samples[i] == 0 ? 0.0f : 1.0f);
    }
    return probabilities;
  }
};

class SpellingRecognizer final : public Recognizer {
 public:
  std::atomic<int> batches = 0;
  std::atomic<int> fail_at = -1;
  std::string model_hash = "hash";
  size_t windows_max = 8;  // more are too much for its memory
  std::string reason = "resource";

  Result<RecognizerInfo> Describe(const Deadline&) override {
    return RecognizerInfo{"spelling", "spelling-1", model_hash, "aligned"};
  }
  Result<std::vector<RecognizedWindow>> Recognize(const RecognitionBatch& batch,
                                                  const Deadline&) override {
    if (batches++ == fail_at) return Fail(ErrorCode::kUnavailable, "the engine died");
    if (batch.windows.size() > windows_max) {
      return Fail(Error{ErrorCode::kLimited, "the engine is at its limit", "", "", reason});
    }
    double prior_seconds = 0;
    for (const auto& [language, seconds] : batch.prior) prior_seconds += seconds;
    std::vector<RecognizedWindow> results;
    for (size_t i = 0; i < batch.windows.size(); ++i) {
      RecognizedWindow& window = results.emplace_back();
      window.language = "en";
      window.words.push_back({100, 400,
                              fmt::format("{}:{}:{:.1f}", batch.samples[i].size(),
                                          batch.samples[i].front(), prior_seconds),
                              0.5});
    }
    return results;
  }
};

struct Outcome {
  Result<RawTranscript> transcript = Fail(ErrorCode::kInternal, "not run");
  std::vector<nlohmann::json> checkpoint;
  std::vector<double> progress;
};

Outcome Transcribe(SpellingRecognizer& recognizer, int64_t seconds,
                   std::vector<nlohmann::json> checkpoint = {}) {
  Sound sound(seconds);
  LoudnessDetector detector;
  Outcome outcome;
  outcome.checkpoint = checkpoint;
  TranscribeOptions options;
  options.checkpoint = std::move(checkpoint);
  options.batch_done = [&](const nlohmann::json& batch) -> Status {
    outcome.checkpoint.push_back(batch);
    return {};
  };
  options.progress = [&](double fraction) { outcome.progress.push_back(fraction); };
  outcome.transcript = Transcriber(recognizer, detector).Run(sound, options, Deadline::Never());
  return outcome;
}

std::vector<Word> WordsOf(const RawTranscript& transcript) {
  std::vector<Word> words;
  for (const auto& window : transcript.windows) {
    words.insert(words.end(), window.words.begin(), window.words.end());
  }
  return words;
}

constexpr int64_t kSeconds = 1'500;

TEST(Transcriber, CoversAllSpeechInOrder) {
  SpellingRecognizer recognizer;
  const Outcome outcome = Transcribe(recognizer, kSeconds);
  ASSERT_TRUE(outcome.transcript);
  EXPECT_EQ(outcome.transcript->language, "en");
  EXPECT_NEAR(static_cast<double>(outcome.transcript->speech_ms), kSeconds * 800, kSeconds * 60);
  int64_t end_ms = 0;
  for (const TranscribedWindow& window : outcome.transcript->windows) {
    EXPECT_GE(window.range.start_ms, end_ms);
    end_ms = window.range.end_ms;
  }
  EXPECT_GT(recognizer.batches, 5);
  EXPECT_THAT(outcome.progress, Each(testing::AllOf(Ge(0), Le(1))));
  EXPECT_TRUE(std::ranges::is_sorted(outcome.progress));
  EXPECT_EQ(outcome.progress.back(), 1);
}

TEST(Transcriber, ResumedFromAnyBatchItEndsTheSame) {
  SpellingRecognizer undisturbed;
  const Outcome whole = Transcribe(undisturbed, kSeconds);
  ASSERT_TRUE(whole.transcript);
  for (int die_at = 0; die_at < undisturbed.batches; ++die_at) {
    SpellingRecognizer recognizer;
    recognizer.fail_at = die_at;
    const Outcome first = Transcribe(recognizer, kSeconds);
    ASSERT_FALSE(first.transcript);
    EXPECT_EQ(first.transcript.error().code, ErrorCode::kUnavailable);
    const int before = recognizer.batches;
    const Outcome second = Transcribe(recognizer, kSeconds, first.checkpoint);
    ASSERT_TRUE(second.transcript) << second.transcript.error().message;
    EXPECT_EQ(WordsOf(*second.transcript), WordsOf(*whole.transcript)) << die_at;
    EXPECT_EQ(second.checkpoint, whole.checkpoint);
    EXPECT_EQ(recognizer.batches - before + std::ssize(first.checkpoint), undisturbed.batches);
  }
}

// A retry runs with the same model, settings and windows as what it goes on with, or begins anew.
TEST(Transcriber, LeavesOutWhatAnotherModelOrOtherSettingsMade) {
  SpellingRecognizer recognizer;
  const Outcome whole = Transcribe(recognizer, kSeconds);
  const int all = recognizer.batches;
  recognizer.model_hash = "another";
  const Outcome anew = Transcribe(recognizer, kSeconds, whole.checkpoint);
  EXPECT_EQ(recognizer.batches, 2 * all) << "every batch is computed again";
  EXPECT_NE(anew.checkpoint.back().at("made_by"), whole.checkpoint.back().at("made_by"));
  // Both kinds lie in the checkpoint now; each run takes its own.
  recognizer.model_hash = "hash";
  const Outcome back = Transcribe(recognizer, kSeconds, anew.checkpoint);
  EXPECT_EQ(recognizer.batches, 2 * all) << "nothing is left to compute";
  EXPECT_EQ(WordsOf(*back.transcript), WordsOf(*whole.transcript));
  EXPECT_NE(MadeBy({"e", "m", "h", "aligned"}, TranscribeSettingsHash("en")),
            MadeBy({"e", "m", "h", "aligned"}, TranscribeSettingsHash("")));
}

TEST(Transcriber, LeavesOutTheCheckpointOfOtherWindows) {
  SpellingRecognizer recognizer;
  const Outcome whole = Transcribe(recognizer, kSeconds);
  SpellingRecognizer undisturbed;
  const Outcome expected = Transcribe(undisturbed, 30);
  const Outcome other = Transcribe(recognizer, 30, whole.checkpoint);
  ASSERT_TRUE(other.transcript);
  EXPECT_EQ(WordsOf(*other.transcript), WordsOf(*expected.transcript));
  // Of a checkpoint whose second batch is of other windows, the others are taken.
  std::vector<nlohmann::json> mixed = whole.checkpoint;
  mixed[1]["ranges"][0][0] = mixed[1]["ranges"][0][0].get<int64_t>() + 1;
  SpellingRecognizer again;
  const Outcome mended = Transcribe(again, kSeconds, mixed);
  EXPECT_EQ(WordsOf(*mended.transcript), WordsOf(*whole.transcript));
  EXPECT_EQ(again.batches, 1);
}

TEST(Transcriber, HalvesABatchThatIsTooMuchForTheEnginesMemory) {
  SpellingRecognizer undisturbed;
  const Outcome whole = Transcribe(undisturbed, kSeconds);
  EXPECT_EQ(whole.transcript->halved_batches, 0);
  for (const size_t windows_max : {7, 3, 1}) {
    SpellingRecognizer small;
    small.windows_max = windows_max;
    const Outcome outcome = Transcribe(small, kSeconds);
    ASSERT_TRUE(outcome.transcript) << outcome.transcript.error().message;
    EXPECT_GT(outcome.transcript->halved_batches, 0);
    EXPECT_EQ(WordsOf(*outcome.transcript), WordsOf(*whole.transcript));
    EXPECT_EQ(outcome.checkpoint, whole.checkpoint);
  }
}

TEST(Transcriber, FailsWhereEvenOneWindowIsTooMuchOrTheLimitIsAnother) {
  SpellingRecognizer none;
  none.windows_max = 0;
  EXPECT_EQ(Transcribe(none, kSeconds).transcript.error().reason, "resource");
  SpellingRecognizer queue;
  queue.windows_max = 7;
  queue.reason = "queue";
  EXPECT_EQ(Transcribe(queue, kSeconds).transcript.error().reason, "queue");
  EXPECT_LE(queue.batches, 2) << "nothing was tried again";
}

// Holds its first batch until `released`.
class StuckRecognizer final : public Recognizer {
 public:
  std::promise<void> released;

  Result<RecognizerInfo> Describe(const Deadline& deadline) override {
    return spelling_.Describe(deadline);
  }
  Result<std::vector<RecognizedWindow>> Recognize(const RecognitionBatch& batch,
                                                  const Deadline& deadline) override {
    if (batch.windows.front().range.start_ms == 0 &&
        free_.wait_for(std::chrono::seconds(30)) != std::future_status::ready) {
      return Fail(ErrorCode::kUnavailable, "never released");
    }
    return spelling_.Recognize(batch, deadline);
  }

 private:
  std::future<void> free_ = released.get_future();
  SpellingRecognizer spelling_;
};

TEST(Transcriber, ABatchIsKeptThoughTheOneBeforeItIsInWork) {
  Sound sound(kSeconds);
  LoudnessDetector detector;
  StuckRecognizer recognizer;
  std::vector<int64_t> started, kept;
  TranscribeOptions options;
  options.batch_started = [&](const TimeRange& range) { started.push_back(range.start_ms); };
  options.batch_done = [&](const nlohmann::json& batch) -> Status {
    if (kept.empty()) recognizer.released.set_value();
    kept.push_back(batch.at("ranges").at(0).at(0));
    return {};
  };
  const auto transcript = Transcriber(recognizer, detector).Run(sound, options, Deadline::Never());
  ASSERT_TRUE(transcript) << transcript.error().message;
  ASSERT_GT(kept.size(), 2u);
  EXPECT_GT(kept[0], 0);
  EXPECT_EQ(kept[1], 0);
  EXPECT_TRUE(std::ranges::is_sorted(started));
  EXPECT_EQ(std::set<int64_t>(kept.begin(), kept.end()).size(), started.size());
}

TEST(Transcriber, NothingSaidIsAnEmptyTranscript) {
  SpellingRecognizer recognizer;
  const Outcome outcome = Transcribe(recognizer, 0);
  ASSERT_TRUE(outcome.transcript);
  EXPECT_TRUE(outcome.transcript->windows.empty());
  EXPECT_EQ(outcome.transcript->language, "");
  EXPECT_EQ(recognizer.batches, 0);
}

}  // namespace
}  // namespace narralytica::transcript
