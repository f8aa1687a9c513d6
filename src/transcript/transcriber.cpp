#include "transcript/transcriber.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <map>
#include <utility>

#include "base/hash.hpp"

namespace narralytica::transcript {
namespace {

using Json = nlohmann::json;

// Part of every settings hash: raise it when the algorithm gives other words for the same audio.
constexpr int kAlgorithmVersion = 3;

// Batches recognised at the same time; a batch knows the languages of those before these.
constexpr size_t kBatchesInFlight = 2;
constexpr size_t kBatchWindows = RecognitionBatch::kBatchWindowsMax;
constexpr size_t kDetectFrames = 1875;  // a minute at a time

constexpr double kAlmostDone = 0.999;

// How long a batch that is done may wait to be kept.
constexpr std::chrono::milliseconds kKeepWithin{200};

Json RangesOf(const std::vector<SpeechWindow>& windows) {
  Json ranges = Json::array();
  for (const SpeechWindow& window : windows) {
    ranges.push_back({window.range.start_ms, window.range.end_ms});
  }
  return ranges;
}

// A batch on its way: its windows, and what comes of them.
struct RunningBatch {
  std::vector<SpeechWindow> windows;
  std::shared_future<Result<std::vector<RecognizedWindow>>> result;
  bool kept = false;  // given to batch_done

  bool done() const {
    return result.wait_for(std::chrono::seconds{0}) == std::future_status::ready;
  }
};

class TranscribeRun {
 public:
  struct Parts {
    Recognizer& recognizer;
    SpeechDetector& detector;
    PcmReader& reader;
  };

  TranscribeRun(const Parts& parts, const TranscribeOptions& options, const Deadline& deadline)
      : recognizer_(parts.recognizer),
        detector_(parts.detector),
        reader_(parts.reader),
        options_(options),
        deadline_(deadline) {}

  Result<RawTranscript> Run();

 private:
  Status DetectNext();
  Status StartBatches(bool last);
  Status StartBatch(std::vector<SpeechWindow> windows);
  Result<std::vector<RecognizedWindow>> RecognizeInParts(const RecognitionBatch& batch);
  Status FinishOldest();
  Status Keep(RunningBatch& batch);
  void TakeResult(const std::vector<SpeechWindow>& windows,
                  const std::vector<RecognizedWindow>& results);
  void KeepOwnCheckpoint();
  void Report(double fraction);

  Recognizer& recognizer_;
  SpeechDetector& detector_;
  PcmReader& reader_;
  const TranscribeOptions& options_;
  const Deadline& deadline_;

  VadState vad_state_;
  SpeechSegmenter segmenter_;
  WindowPacker packer_;
  int64_t detected_ = 0;               // samples seen by the detector
  std::vector<SpeechWindow> waiting_;  // not yet in a batch
  std::deque<RunningBatch> running_;
  std::atomic<int64_t> halved_ = 0;    // batches, by those that run
  std::vector<LanguagePrior> spoken_;  // seconds by language, after each finished batch
  size_t started_ = 0;                 // batches
  double reported_ = 0;
  RawTranscript transcript_;
  std::string made_by_;
  // Results of batches of this model and these settings, by the ranges of their windows.
  std::map<std::string, std::vector<RecognizedWindow>> checkpoint_;
};

Result<RawTranscript> TranscribeRun::Run() {
  NRL_TRY(transcript_.recognizer, recognizer_.Describe(deadline_));
  transcript_.settings_hash = TranscribeSettingsHash(options_.language);
  made_by_ = MadeBy(transcript_.recognizer, transcript_.settings_hash);
  KeepOwnCheckpoint();
  while (detected_ < reader_.sample_count()) {
    NRL_CHECK(DetectNext());
    NRL_CHECK(StartBatches(false));
  }
  const int64_t end_ms = reader_.sample_count() / kSamplesPerMs;
  auto windows = packer_.Push(segmenter_.Finish(end_ms));
  waiting_.insert(waiting_.end(), windows.begin(), windows.end());
  windows = packer_.Finish();
  waiting_.insert(waiting_.end(), windows.begin(), windows.end());
  NRL_CHECK(StartBatches(true));
  while (!running_.empty()) NRL_CHECK(FinishOldest());
  const LanguagePrior spoken = spoken_.empty() ? LanguagePrior() : spoken_.back();
  const auto dominant = std::ranges::max_element(spoken, {}, [](auto& it) { return it.second; });
  if (dominant != spoken.end()) transcript_.language = dominant->first;
  transcript_.halved_batches = halved_;
  Report(1);
  return std::move(transcript_);
}

Status TranscribeRun::DetectNext() {
  constexpr size_t kFrame = VadModel::kFrameSamples;
  const int64_t left = reader_.sample_count() - detected_;
  const size_t count = size_t(std::min<int64_t>(left, kDetectFrames * kFrame));
  NRL_TRY(std::vector<int16_t> samples, reader_.Read(detected_, count));
  samples.resize((count + kFrame - 1) / kFrame * kFrame, 0);
  NRL_TRY(const auto probabilities, detector_.Detect(samples, vad_state_, deadline_));
  detected_ += int64_t(count);
  const auto windows = packer_.Push(segmenter_.Push(probabilities));
  waiting_.insert(waiting_.end(), windows.begin(), windows.end());
  return {};
}

Status TranscribeRun::StartBatches(bool last) {
  while (waiting_.size() >= kBatchWindows || (last && !waiting_.empty())) {
    const auto end = waiting_.begin() + std::ptrdiff_t(std::min(kBatchWindows, waiting_.size()));
    std::vector<SpeechWindow> windows(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    if (running_.size() == kBatchesInFlight) NRL_CHECK(FinishOldest());
    NRL_CHECK(StartBatch(std::move(windows)));
  }
  return {};
}

Status TranscribeRun::StartBatch(std::vector<SpeechWindow> windows) {
  const size_t index = started_++;
  if (const auto done = checkpoint_.find(RangesOf(windows).dump()); done != checkpoint_.end()) {
    while (!running_.empty()) NRL_CHECK(FinishOldest());
    TakeResult(windows, done->second);
    return {};
  }
  // Equal whether or not the batches before were restored: the last kBatchesInFlight - 1 of them
  // never count.
  const size_t known = index + 1 > kBatchesInFlight ? index + 1 - kBatchesInFlight : 0;
  NRL_ASSERT(known <= spoken_.size());
  std::vector<std::vector<int16_t>> samples;
  for (const SpeechWindow& window : windows) {
    const int64_t start = window.range.start_ms * kSamplesPerMs;
    const int64_t end = std::min(window.range.end_ms * kSamplesPerMs, reader_.sample_count());
    NRL_TRY(auto read, reader_.Read(start, size_t(std::max<int64_t>(0, end - start))));
    samples.push_back(std::move(read));
  }
  if (options_.batch_started) {
    options_.batch_started({windows.front().range.start_ms, windows.back().range.end_ms});
  }
  RunningBatch& running = running_.emplace_back();
  running.windows = std::move(windows);
  running.result =
      std::async(std::launch::async, [this, copy = running.windows, samples = std::move(samples),
                                      prior = known == 0 ? LanguagePrior() : spoken_[known - 1]] {
        return RecognizeInParts({copy, {samples.begin(), samples.end()}, prior});
      });
  return {};
}

// Where the engine has not the memory for a batch, its halves are recognised one after the other.
Result<std::vector<RecognizedWindow>> TranscribeRun::RecognizeInParts(
    const RecognitionBatch& batch) {
  auto whole = recognizer_.Recognize(batch, deadline_);
  const size_t count = batch.windows.size();
  if (whole || whole.error().reason != "resource" || count < 2) return whole;
  ++halved_;
  std::vector<RecognizedWindow> windows;
  for (const auto& [begin, end] : {std::pair(size_t{0}, count / 2), std::pair(count / 2, count)}) {
    const RecognitionBatch half{batch.windows.subspan(begin, end - begin),
                                {batch.samples.begin() + std::ptrdiff_t(begin),
                                 batch.samples.begin() + std::ptrdiff_t(end)},
                                batch.prior};
    NRL_TRY(auto part, RecognizeInParts(half));
    std::ranges::move(part, std::back_inserter(windows));
  }
  return windows;
}

Status TranscribeRun::FinishOldest() {
  while (running_.front().result.wait_for(kKeepWithin) != std::future_status::ready) {
    for (RunningBatch& later : running_) {
      if (later.done() && later.result.get()) NRL_CHECK(Keep(later));
    }
  }
  NRL_CHECK(Keep(running_.front()));
  const RunningBatch batch = std::move(running_.front());
  running_.pop_front();
  TakeResult(batch.windows, *batch.result.get());
  const double end = double(batch.windows.back().range.end_ms * kSamplesPerMs);
  Report(std::min(kAlmostDone, end / double(reader_.sample_count())));
  return {};
}

// A crash costs the batches in work, never one that is done.
Status TranscribeRun::Keep(RunningBatch& batch) {
  if (batch.kept) return {};
  NRL_TRY(const auto results, batch.result.get());
  NRL_ASSERT(results.size() == batch.windows.size());
  batch.kept = true;
  if (!options_.batch_done) return {};
  return options_.batch_done(
      {{"made_by", made_by_}, {"ranges", RangesOf(batch.windows)}, {"results", results}});
}

void TranscribeRun::TakeResult(const std::vector<SpeechWindow>& windows,
                               const std::vector<RecognizedWindow>& results) {
  LanguagePrior spoken = spoken_.empty() ? LanguagePrior() : spoken_.back();
  for (size_t i = 0; i < windows.size(); ++i) {
    int64_t speech_ms = 0;
    for (const TimeRange& range : windows[i].speech) speech_ms += range.duration_ms();
    transcript_.speech_ms += speech_ms;
    if (results[i].words.empty()) continue;
    spoken[results[i].language] += double(speech_ms) / 1000;
    TranscribedWindow window{windows[i].range, results[i].language, results[i].language_probability,
                             results[i].words};
    for (Word& word : window.words) {
      word.start_ms += window.range.start_ms;
      word.end_ms += window.range.start_ms;
    }
    transcript_.windows.push_back(std::move(window));
  }
  spoken_.push_back(std::move(spoken));
}

void TranscribeRun::KeepOwnCheckpoint() {
  for (const Json& batch : options_.checkpoint) {
    try {
      auto results = batch.at("results").get<std::vector<RecognizedWindow>>();
      const bool own = batch.at("made_by") == made_by_;
      if (!own || batch.at("ranges").size() != results.size()) continue;
      checkpoint_.insert_or_assign(batch.at("ranges").dump(), std::move(results));
    } catch (const Json::exception&) {
      continue;  // of another release: computed again like what other settings made
    }
  }
}

void TranscribeRun::Report(double fraction) {
  reported_ = std::max(reported_, fraction);
  if (options_.progress) options_.progress(reported_);
}

}  // namespace

Result<RawTranscript> Transcriber::Run(PcmReader& reader, const TranscribeOptions& options,
                                       const Deadline& deadline) {
  return TranscribeRun({recognizer_, detector_, reader}, options, deadline).Run();
}

std::string TranscribeSettingsHash(const std::string& language) {
  const SpeechRules speech;
  const WindowRules windows;
  const Json settings{
      {"algorithm", kAlgorithmVersion},
      {"batch_windows", kBatchWindows},
      {"batches_in_flight", kBatchesInFlight},
      {"language", language.empty() ? "auto" : language},
      {"speech",
       {speech.enter_probability, speech.leave_probability, speech.speech_ms_min,
        speech.silence_ms_min, speech.pad_ms, speech.speech_ms_max}},
      {"windows", {windows.window_ms_max, windows.gap_ms_max, windows.window_ms_good}}};
  return Sha256Hex(settings.dump());
}

std::string MadeBy(const RecognizerInfo& recognizer, const std::string& settings_hash) {
  return Sha256Hex(
      Json{recognizer.engine, recognizer.model, recognizer.model_hash, settings_hash}.dump());
}

}  // namespace narralytica::transcript
