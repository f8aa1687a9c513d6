#include "speakers/diarizer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"

namespace narralytica::speakers {
namespace {

// Raise it when the algorithm gives other turns for the same sound.
constexpr int kAlgorithmVersion = 2;
constexpr int64_t kMeanFeatures = 6'000;  // a minute at a time
constexpr double kMeanShare = 0.02;       // of the progress
constexpr double kHeardShare = 0.97;

Result<std::array<float, kFeatureBands>> MeanFeatures(transcript::PcmReader& reader,
                                                      const Grid& grid, const Deadline& deadline) {
  FeatureMean mean;
  for (int64_t first = 0; first < grid.features(); first += kMeanFeatures) {
    NRL_CHECK(deadline.Check("hearing voices"));
    const int64_t count = std::min(kMeanFeatures, grid.features() - first);
    NRL_TRY(const auto samples,
            reader.Read(first * kFeatureSamples,
                        size_t((count - 1) * kFeatureSamples + kFeatureWindowSamples)));
    mean.Add(VoiceFeatures(samples));
  }
  return mean.Mean();
}

bool Fits(const VoiceChunk& voices, const ChunkPlan& plan) {
  return std::ssize(voices.windows) == plan.last_window - plan.first_window &&
         std::ssize(voices.sliding) == plan.last_centre - plan.first_centre;
}

// Speakers are numbered as they come; who has no turn is no speaker.
void Order(Diarization& diarization, const std::vector<Voice>& voices) {
  std::vector<size_t> names(voices.size(), voices.size());
  for (Turn& turn : diarization.turns) {
    size_t& name = names[turn.speaker];
    if (name == voices.size()) {
      name = diarization.speakers.size();
      diarization.speakers.push_back({voices[turn.speaker], 0});
    }
    turn.speaker = name;
    diarization.speakers[name].speech_ms += turn.range.end_ms - turn.range.start_ms;
  }
}

}  // namespace

Result<Diarization> Diarize(transcript::PcmReader& reader, VoiceListener& listener,
                            const DiarizeOptions& options, const Deadline& deadline) {
  Diarization diarization;
  NRL_TRY(diarization.model, listener.Describe(deadline));
  diarization.settings_hash = DiarizeSettingsHash(options);
  Heard heard(reader.sample_count());
  const Grid& grid = heard.grid();
  const auto report = [&](double fraction) {
    if (options.progress) options.progress(fraction);
  };
  NRL_TRY(const auto mean, MeanFeatures(reader, grid, deadline));
  report(kMeanShare);
  for (int64_t chunk = 0; chunk < grid.chunks(); ++chunk) {
    const ChunkPlan plan(grid, chunk);
    std::optional<VoiceChunk> voices;
    if (options.heard_before) voices = options.heard_before(chunk);
    if (!voices || !Fits(*voices, plan)) {
      VoiceRequest request{grid.samples(), chunk, mean, heard.Carried(), {}};
      NRL_TRY(request.samples,
              reader.Read(plan.first_sample, size_t(plan.last_sample - plan.first_sample)));
      NRL_TRY(voices, listener.Hear(request, deadline));
      if (!Fits(*voices, plan)) {
        return Fail(ErrorCode::kUnavailable, "the engine answered for another chunk");
      }
      if (options.chunk_done) NRL_CHECK(options.chunk_done(chunk, *voices));
    }
    heard.Append(*voices);
    const double done = double(chunk + 1) / double(grid.chunks());
    report(kMeanShare + (kHeardShare - kMeanShare) * done);
  }
  const std::vector<Voice> voices = FindVoices(heard, options.count);
  diarization.turns = MakeTurns(heard, voices, options.turns);
  Order(diarization, voices);
  report(1);
  return diarization;
}

std::string DiarizeSettingsHash(const DiarizeOptions& options) {
  return Sha256Hex(fmt::format("diarize {} {} {} {} {}", kAlgorithmVersion, options.count.least,
                               options.count.most, options.turns.joined_gap_ms,
                               options.turns.turn_ms_min));
}

}  // namespace narralytica::speakers
