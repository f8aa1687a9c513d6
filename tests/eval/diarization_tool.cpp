// Speakers of recordings on a line protocol, for tests/eval/diarization.py and identity.py: one
// path of a 16 kHz mono WAV a line in, one JSON object a line out. Test-only.
//
//     {"rttm": "...", "speakers": n, "audio_ms": n, "cpu_ms": n, "speech_ms": [n], "voices": [[x]]}
//
// Usage: diarization_tool MODELS_FOLDER ONNXRUNTIME_LIBRARY THREADS [SPEAKERS_MAX]
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "speakers/diarizer.hpp"
#include "speakers/voice_model.hpp"

namespace narralytica::speakers {
namespace {

constexpr size_t kWavHeaderBytes = 44;

template <typename T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  std::cerr << result.error().Describe() << " " << result.error().cause << "\n";
  std::exit(1);
}

// A WAV with the shortest header, as the harness writes it.
class WavReader final : public transcript::PcmReader {
 public:
  explicit WavReader(const std::string& path)
      : file_(path, std::ios::binary),
        samples_(int64_t(std::filesystem::file_size(path) - kWavHeaderBytes) / 2) {}
  int64_t sample_count() const override { return samples_; }
  Result<std::vector<int16_t>> Read(int64_t start, size_t count) override {
    std::vector<int16_t> samples(count);
    file_.seekg(std::streamoff(kWavHeaderBytes) + start * 2);
    file_.read(reinterpret_cast<char*>(samples.data()), std::streamsize(count * 2));
    if (!file_) return Fail(ErrorCode::kCorrupt, "the WAV is shorter than it should be");
    return samples;
  }

 private:
  std::ifstream file_;
  const int64_t samples_;
};

class LocalListener final : public VoiceListener {
 public:
  LocalListener(std::unique_ptr<VoiceModel> model, int threads)
      : model_(std::move(model)), slots_(threads) {}
  Result<VoiceModelInfo> Describe(const Deadline&) override { return VoiceModelInfo{}; }
  Result<VoiceChunk> Hear(const VoiceRequest& request, const Deadline& deadline) override {
    const transcript::ComputeSlots::Hold hold(slots_);
    return model_->Hear(request, slots_, deadline);
  }

 private:
  const std::unique_ptr<VoiceModel> model_;
  transcript::ComputeSlots slots_;
};

int64_t CpuMs() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ms = [](const timeval& time) { return time.tv_sec * 1'000 + time.tv_usec / 1'000; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

int Run(const std::string& models, const std::string& library, int threads, size_t speakers_max) {
  auto runtime = Must(platform::Runtime::Load(library));
  LocalListener listener(Must(VoiceModel::Open(runtime, models + "/community-1")), threads);
  for (std::string path; std::getline(std::cin, path);) {
    const int64_t before = CpuMs();
    WavReader reader(path);
    DiarizeOptions options;
    options.count.most = speakers_max;
    const Diarization found = Must(Diarize(reader, listener, options, Deadline::Never()));
    std::vector<std::string> names;
    std::vector<int64_t> speech_ms;
    std::vector<Voice> voices;
    for (const Speaker& speaker : found.speakers) {
      names.push_back("s" + std::to_string(names.size()));
      speech_ms.push_back(speaker.speech_ms);
      voices.push_back(speaker.voice);
    }
    const std::string name = std::filesystem::path(path).stem().string();
    std::cout << nlohmann::json{{"rttm", ToRttm(name, found.turns, names)},
                                {"speakers", names.size()},
                                {"audio_ms", reader.sample_count() * 1'000 / kSampleRate},
                                {"cpu_ms", CpuMs() - before},
                                {"speech_ms", speech_ms},
                                {"voices", voices}}
                     .dump()
              << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace narralytica::speakers

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::cerr
        << "usage: diarization_tool MODELS_FOLDER ONNXRUNTIME_LIBRARY THREADS [SPEAKERS_MAX]\n";
    return 2;
  }
  const size_t speakers_max =
      argc == 5 ? std::stoul(argv[4]) : narralytica::speakers::VoiceCount{}.most;
  return narralytica::speakers::Run(argv[1], argv[2], std::stoi(argv[3]), speakers_max);
}
