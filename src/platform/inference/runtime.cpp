#include "platform/inference/runtime.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <malloc.h>
#include <onnxruntime_c_api.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <numeric>

namespace narralytica::platform {

Shape::Shape(std::initializer_list<int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}

Shape::Shape(std::span<const int64_t> dims) : rank_(dims.size()) {
  NRL_ASSERT(rank_ <= kRankMax);
  std::ranges::copy(dims, dims_.begin());
}

int64_t Shape::size() const {
  const auto all = dims();
  return std::accumulate(all.begin(), all.end(), int64_t{1}, std::multiplies<>());
}

namespace {

ONNXTensorElementDataType OnnxType(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT;
    case ElementType::kInt64:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64;
    case ElementType::kInt32:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    case ElementType::kUint8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8;
    case ElementType::kInt8:
      return ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8;
  }
  return ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
}

size_t ElementBytes(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kInt64:
      return 8;
    case ElementType::kUint8:
    case ElementType::kInt8:
      return 1;
  }
  return 1;
}

// Turns an OrtStatus into text and frees it; empty for success.
std::string Consume(const OrtApi& api, OrtStatus* status) {
  if (status == nullptr) return {};
  std::string text = api.GetErrorMessage(status);
  api.ReleaseStatus(status);
  return text;
}

// Owns one object of the C API.
template <typename T>
using Owned = std::unique_ptr<T, std::function<void(T*)>>;

// ONNX Runtime has no error code for it; its arena and the C++ library say it in these words.
bool IsOutOfMemory(std::string_view cause) {
  return cause.contains("Failed to allocate memory") || cause.contains("bad_alloc") ||
         cause.contains("bad allocation");
}

Status RuntimeError(const char* doing, const std::string& cause) {
  if (IsOutOfMemory(cause)) {
    Error error = OutOfMemory();
    error.cause = cause;
    return Fail(std::move(error));
  }
  return Fail(ErrorCode::kInternal, fmt::format("the inference runtime failed while {}", doing),
              "see the engine's log for the cause", cause);
}

}  // namespace

Error OutOfMemory() {
  return {ErrorCode::kLimited,
          "the inference engine is at its memory limit",
          "try later with less at once, or raise engine.memory_bytes_max",
          {},
          "resource"};
}

struct Runtime::Impl {
  void* library = nullptr;
  const OrtApi* api = nullptr;
  OrtEnv* env = nullptr;
  OrtMemoryInfo* cpu = nullptr;
  std::string version;
  // Memory has been short: from now on the arena gives back after every run what the run has not
  // left in use, so that others find room.
  std::atomic<bool> thrifty = false;

  ~Impl() {
    if (cpu != nullptr) api->ReleaseMemoryInfo(cpu);
    if (env != nullptr) api->ReleaseEnv(env);
    // The library stays mapped: its thread-local destructors may still run.
  }
};

Runtime::Runtime(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Runtime::~Runtime() = default;
const std::string& Runtime::version() const { return impl_->version; }

namespace {

// One arena for all sessions, which grows by what is asked for: what one model's run has given back
// serves the next one's, and the peak is that of the largest runs at once, not the sum of models.
std::string ShareArena(const OrtApi& api, OrtEnv* env) {
  constexpr int kAsRequested = 1;
  constexpr int kDefault = -1;
  OrtArenaCfg* raw = nullptr;
  std::string cause = Consume(api, api.CreateArenaCfg(0, kAsRequested, kDefault, kDefault, &raw));
  const Owned<OrtArenaCfg> arena(raw, [&](auto* it) { api.ReleaseArenaCfg(it); });
  OrtMemoryInfo* memory = nullptr;
  if (cause.empty()) {
    cause = Consume(api, api.CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
  }
  const Owned<OrtMemoryInfo> held(memory, [&](auto* it) { api.ReleaseMemoryInfo(it); });
  if (cause.empty()) cause = Consume(api, api.CreateAndRegisterAllocator(env, memory, raw));
  return cause;
}

}  // namespace

Result<std::shared_ptr<const Runtime>> Runtime::Load(const std::string& library_path) {
  constexpr const char* kHint = "run `make models` to fetch the inference runtime";
  auto impl = std::make_unique<Impl>();
  impl->library = dlopen(library_path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (impl->library == nullptr) {
    return Fail(ErrorCode::kUnavailable, "the inference runtime cannot be loaded", kHint,
                dlerror());
  }
  using GetApiBase = const OrtApiBase* (*)();
  const auto base = reinterpret_cast<GetApiBase>(dlsym(impl->library, "OrtGetApiBase"));
  if (base == nullptr) {
    return Fail(ErrorCode::kUnavailable, "the inference runtime is not ONNX Runtime", kHint,
                dlerror());
  }
  impl->version = base()->GetVersionString();
  impl->api = base()->GetApi(ORT_API_VERSION);
  if (impl->api == nullptr) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("the inference runtime {} is too old, API {} is needed", impl->version,
                            ORT_API_VERSION),
                kHint);
  }
  const OrtApi& api = *impl->api;
  std::string cause = Consume(api, api.CreateEnv(ORT_LOGGING_LEVEL_ERROR, "engine", &impl->env));
  if (cause.empty()) {
    cause =
        Consume(api, api.CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &impl->cpu));
  }
  if (cause.empty()) cause = ShareArena(api, impl->env);
  if (!cause.empty()) NRL_CHECK(RuntimeError("starting", cause));
  Consume(api, api.DisableTelemetryEvents(impl->env));
  return std::shared_ptr<const Runtime>(new Runtime(std::move(impl)));
}

struct Session::Impl {
  std::shared_ptr<const Runtime> runtime;
  const OrtApi* api = nullptr;
  OrtSession* session = nullptr;
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;

  ~Impl() {
    if (session != nullptr) api->ReleaseSession(session);
  }

  Status ReadNames() {
    OrtAllocator* allocator = nullptr;
    std::string cause = Consume(*api, api->GetAllocatorWithDefaultOptions(&allocator));
    size_t inputs = 0;
    size_t outputs = 0;
    if (cause.empty()) cause = Consume(*api, api->SessionGetInputCount(session, &inputs));
    if (cause.empty()) cause = Consume(*api, api->SessionGetOutputCount(session, &outputs));
    const auto read = [&](auto get, size_t count, std::vector<std::string>& names) {
      for (size_t i = 0; i < count && cause.empty(); ++i) {
        char* name = nullptr;
        cause = Consume(*api, get(session, i, allocator, &name));
        if (!cause.empty()) return;
        names.emplace_back(name);
        cause = Consume(*api, api->AllocatorFree(allocator, name));
      }
    };
    read(api->SessionGetInputName, inputs, input_names);
    read(api->SessionGetOutputName, outputs, output_names);
    if (!cause.empty()) return RuntimeError("reading a model's names", cause);
    return {};
  }
};

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;
const std::vector<std::string>& Session::input_names() const { return impl_->input_names; }
const std::vector<std::string>& Session::output_names() const { return impl_->output_names; }

Result<std::unique_ptr<Session>> Session::Open(std::shared_ptr<const Runtime> runtime,
                                               const std::string& model_path,
                                               SessionOptions options) {
  const std::string name = std::filesystem::path(model_path).filename().string();
  std::error_code missing;
  if (!std::filesystem::is_regular_file(model_path, missing)) {
    return Fail(ErrorCode::kNotFound, fmt::format("model file '{}' does not exist", name),
                "run `make models` to fetch and convert the models", model_path);
  }
  auto impl = std::make_unique<Impl>();
  impl->runtime = std::move(runtime);
  impl->api = impl->runtime->impl_->api;
  const OrtApi& api = *impl->api;
  OrtSessionOptions* raw = nullptr;
  std::string cause = Consume(api, api.CreateSessionOptions(&raw));
  const Owned<OrtSessionOptions> held(raw, [&](auto* it) { api.ReleaseSessionOptions(it); });
  const auto set = [&](auto call, auto... arguments) {
    if (cause.empty()) cause = Consume(api, call(raw, arguments...));
  };
  set(api.SetIntraOpNumThreads, options.threads);
  set(api.SetInterOpNumThreads, 1);
  set(api.SetSessionExecutionMode, ORT_SEQUENTIAL);
  set(api.SetSessionGraphOptimizationLevel, ORT_ENABLE_ALL);
  set(api.AddSessionConfigEntry, "session.use_env_allocators", "1");
  // Weights as they are read are given back once they are packed: not to the arena, which keeps it.
  set(api.AddSessionConfigEntry, "session.use_device_allocator_for_initializers", "1");
  set(api.AddSessionConfigEntry, "session.intra_op.allow_spinning", "0");
  set(api.AddSessionConfigEntry, "session.inter_op.allow_spinning", "0");
  if (!cause.empty()) NRL_CHECK(RuntimeError("preparing a session", cause));
  cause = Consume(
      api, api.CreateSession(impl->runtime->impl_->env, model_path.c_str(), raw, &impl->session));
  if (IsOutOfMemory(cause)) {
    impl->runtime->impl_->thrifty = true;
    NRL_CHECK(RuntimeError("opening a model", cause));
  }
  if (!cause.empty()) {
    return Fail(ErrorCode::kCorrupt, fmt::format("model file '{}' cannot be opened", name),
                "run `make models` to fetch and convert it again", cause);
  }
  NRL_CHECK(impl->ReadNames());
  malloc_trim(0);  // opening a model takes several times what it keeps
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

namespace {

// The OrtValues and names of one Run; the views' memory stays the caller's.
class Bindings {
 public:
  Bindings(const OrtApi& api, const OrtMemoryInfo* cpu) : api_(api), cpu_(cpu) {}
  ~Bindings() {
    for (OrtValue* value : values_) api_.ReleaseValue(value);
  }
  Bindings(const Bindings&) = delete;
  Bindings& operator=(const Bindings&) = delete;

  std::string Add(std::span<const Tensor> tensors) {
    for (const Tensor& tensor : tensors) {
      OrtValue* value = nullptr;
      const auto dims = tensor.shape.dims();
      const size_t bytes = size_t(tensor.shape.size()) * ElementBytes(tensor.type);
      std::string cause = Consume(
          api_, api_.CreateTensorWithDataAsOrtValue(cpu_, tensor.data, bytes, dims.data(),
                                                    dims.size(), OnnxType(tensor.type), &value));
      if (!cause.empty()) return cause;
      values_.push_back(value);
      names_.push_back(tensor.name);
    }
    return {};
  }

  OrtValue** values() { return values_.data(); }
  const char* const* names() const { return names_.data(); }

 private:
  const OrtApi& api_;
  const OrtMemoryInfo* cpu_;
  std::vector<OrtValue*> values_;
  std::vector<const char*> names_;
};

std::string ShrinkAfter(const OrtApi& api, OrtRunOptions*& options) {
  std::string cause = Consume(api, api.CreateRunOptions(&options));
  if (!cause.empty()) return cause;
  constexpr const char* kShrink = "memory.enable_memory_arena_shrinkage";
  return Consume(api, api.AddRunConfigEntry(options, kShrink, "cpu:0"));
}

}  // namespace

Status Session::Run(std::span<const Tensor> inputs, std::span<const Tensor> outputs) const {
  return Run(inputs, outputs, false);
}

Status Session::RunAndGiveBack(std::span<const Tensor> inputs,
                               std::span<const Tensor> outputs) const {
  return Run(inputs, outputs, true);
}

Status Session::Run(std::span<const Tensor> inputs, std::span<const Tensor> outputs,
                    bool give_back) const {
  const OrtApi& api = *impl_->api;
  Runtime::Impl& runtime = *impl_->runtime->impl_;
  Bindings in(api, runtime.cpu);
  Bindings out(api, runtime.cpu);
  OrtRunOptions* options = nullptr;
  std::string cause = in.Add(inputs);
  if (cause.empty()) cause = out.Add(outputs);
  if (cause.empty() && (give_back || runtime.thrifty)) cause = ShrinkAfter(api, options);
  const Owned<OrtRunOptions> held(options, [&](auto* it) { api.ReleaseRunOptions(it); });
  if (cause.empty()) {
    cause = Consume(api, api.Run(impl_->session, options, in.names(), in.values(), inputs.size(),
                                 out.names(), outputs.size(), out.values()));
  }
  if (IsOutOfMemory(cause)) runtime.thrifty = true;
  if (!cause.empty()) return RuntimeError("running a model", cause);
  return {};
}

}  // namespace narralytica::platform
