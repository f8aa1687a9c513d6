#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "media/audio_reader.hpp"
#include "media/media_error.hpp"
#include "media/operations.hpp"
#include "platform/file.hpp"

namespace narralytica::media {
namespace {

constexpr int64_t kRate = 16'000;
constexpr int64_t kSamplesPerMs = kRate / 1'000;
constexpr size_t kWriteSamples = 32 * 1024;
constexpr int64_t kSeekFrom = 5 * kRate;  // reading so much is as quick as seeking

// Hands the samples of [begin, end) on to a pipe.
class PcmPipe {
 public:
  PcmPipe(int fd, int64_t position, int64_t begin, int64_t end)
      : fd_(fd), position_(position), begin_(begin), end_(end) {}

  Status Add(std::span<const float> samples) {
    const int64_t from = std::clamp<int64_t>(begin_ - position_, 0, std::ssize(samples));
    const int64_t to = std::clamp<int64_t>(end_ - position_, from, std::ssize(samples));
    position_ += std::ssize(samples);
    const size_t held = waiting_.size();
    waiting_.resize(held + static_cast<size_t>(to - from));
    Quantize(samples.subspan(from, to - from), waiting_.data() + held);
    return waiting_.size() < kWriteSamples ? Status{} : Flush();
  }

  Status Flush() {
    const auto bytes = std::as_bytes(std::span(waiting_));
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t wrote = write(fd_, bytes.data() + done, bytes.size() - done);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return Fail(ErrorCode::kCanceled, "nobody listens to the audio any more");
      done += static_cast<size_t>(wrote);
    }
    written_ += std::ssize(waiting_);
    waiting_.clear();
    return {};
  }

  bool done() const { return position_ >= end_; }
  int64_t written() const { return written_; }

 private:
  const int fd_;
  int64_t position_;
  const int64_t begin_;
  const int64_t end_;
  int64_t written_ = 0;
  std::vector<int16_t> waiting_;
};

Status CheckWhole(Input& input, const AudioReader& reader, bool at_end) {
  if (reader.corrupt_packets() > 0 || input.damaged() || reader.timeline().jumped_backward() ||
      reader.timeline().silence_samples() > 0) {
    return FailMedia(MediaReason::kDamaged, "a damaged frame");
  }
  const int64_t stated = input.stream(*input.info().audio_stream)->duration;
  if (at_end && stated != reader.position()) {
    return FailMedia(MediaReason::kDamaged, "ends early");
  }
  return {};
}

// What we wrote ourselves and cannot open is damaged, whatever it looks like.
Result<std::unique_ptr<Input>> OpenForPcm(const PcmTask& task, const MediaLimits& limits,
                                          const Budget& budget) {
  auto input = Input::Open(task.input_fd, limits, budget);
  if (!input && task.own_flac && input.error().code == ErrorCode::kInvalid) {
    return FailMedia(MediaReason::kDamaged, input.error().cause);
  }
  return input;
}

}  // namespace

Result<int64_t> DecodePcm(const PcmTask& task, const MediaLimits& limits) {
  Budget budget(limits);
  NRL_TRY(const auto input, OpenForPcm(task, limits, budget));
  NRL_TRY(const auto reader, AudioReader::Open(*input, limits, budget));
  const bool is_ours = input->info().container == "flac" && reader->sample_rate() == kRate &&
                       reader->channels() == 1;
  if (task.own_flac && !is_ours) return FailMedia(MediaReason::kDamaged, "not 16 kHz mono FLAC");
  const int64_t begin = task.range.start_ms * kSamplesPerMs;
  const int64_t end = task.range.end_ms * kSamplesPerMs;
  if (is_ours && begin > kSeekFrom) NRL_CHECK(reader->SeekTo(begin));
  NRL_TRY(Resampler resampler, Resampler::Create(1, reader->sample_rate(), kRate));
  PcmPipe pipe(task.output_fd, is_ours ? reader->position() : 0, begin, end);
  AudioBlock block, mono, converted;
  bool at_end = false;
  while (!pipe.done()) {
    NRL_TRY(const bool got, reader->Next(block));
    if (got) {
      MixToMono(block, mono.planes[0]);
      NRL_CHECK(resampler.Push(mono, converted));
    } else {
      NRL_CHECK(resampler.Flush(converted));
    }
    if (task.own_flac) NRL_CHECK(CheckWhole(*input, *reader, !got));
    NRL_CHECK(pipe.Add(converted.planes[0]));
    at_end = !got;
    if (at_end) break;
  }
  NRL_CHECK(pipe.Flush());
  return pipe.written();
}

}  // namespace narralytica::media
