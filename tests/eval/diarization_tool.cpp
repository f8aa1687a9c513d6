// Speakers of recordings on a line protocol, for tests/eval and tests/bench: one path of a 16 kHz
// mono WAV a line in, after it perhaps a tab and the greatest number of speakers; one JSON object a
// line out. Test-only.
//
//     {"rttm": "...", "speakers": n, "audio_ms": n, "cpu_ms": n, "voices": [[256 floats]]}
//
// Voices are in the order of the names s0, s1, ... of the RTTM.
//
// Usage: diarization_tool MODELS_FOLDER ONNXRUNTIME_LIBRARY THREADS
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

nlohmann::json Answer(const std::string& line, VoiceListener& listener) {
  const int64_t before = CpuMs();
  const size_t tab = line.find('\t');
  const std::string path = line.substr(0, tab);
  DiarizeOptions options;
  if (tab != std::string::npos) options.count.most = std::stoul(line.substr(tab + 1));
  WavReader reader(path);
  const Diarization found = Must(Diarize(reader, listener, options, Deadline::Never()));
  std::vector<std::string> names;
  nlohmann::json voices = nlohmann::json::array();
  for (size_t i = 0; i < found.speakers.size(); ++i) {
    names.push_back("s" + std::to_string(i));
    voices.push_back(found.speakers[i].voice);
  }
  const std::string name = std::filesystem::path(path).stem().string();
  return {{"rttm", ToRttm(name, found.turns, names)},
          {"speakers", names.size()},
          {"audio_ms", reader.sample_count() * 1'000 / kSampleRate},
          {"cpu_ms", CpuMs() - before},
          {"voices", voices}};
}

int Run(const std::string& models, const std::string& library, int threads) {
  auto runtime = Must(platform::Runtime::Load(library));
  LocalListener listener(Must(VoiceModel::Open(runtime, models + "/community-1")), threads);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << Answer(line, listener).dump() << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace narralytica::speakers

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: diarization_tool MODELS_FOLDER ONNXRUNTIME_LIBRARY THREADS\n";
    return 2;
  }
  return narralytica::speakers::Run(argv[1], argv[2], std::stoi(argv[3]));
}
