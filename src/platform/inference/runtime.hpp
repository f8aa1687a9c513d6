// ONNX Runtime behind a small RAII face: load the library, open a model, run it on memory that the
// caller owns.
//
// The library is loaded with dlopen, so that only the engine process ever maps it. Nothing here
// copies a tensor: inputs and outputs are views, and a caller in a hot loop binds the same memory
// again and again. C API 24 (onnxruntime_c_api.h).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace narralytica::platform {

enum class ElementType : uint8_t { kFloat32, kInt64, kInt32, kUint8, kInt8 };

// At most six dimensions, kept inline.
class Shape {
 public:
  static constexpr size_t kRankMax = 6;
  Shape(std::initializer_list<int64_t> dims);
  explicit Shape(std::span<const int64_t> dims);

  std::span<const int64_t> dims() const { return {dims_.data(), rank_}; }
  int64_t operator[](size_t axis) const { return dims_[axis]; }
  // Number of elements; 1 for a scalar.
  int64_t size() const;

 private:
  std::array<int64_t, kRankMax> dims_{};
  size_t rank_ = 0;
};

// A named input or output (the name NUL-terminated) over memory that the caller owns and keeps
// alive during Run. `elements` is at least shape.size(); an output is written, an input only read.
struct Tensor {
  const char* name;
  ElementType type;
  void* data;
  Shape shape;

  Tensor(const char* tensor_name, const float* elements, Shape tensor_shape)
      : name(tensor_name),
        type(ElementType::kFloat32),
        data(const_cast<float*>(elements)),
        shape(tensor_shape) {}
  Tensor(const char* tensor_name, const int64_t* elements, Shape tensor_shape)
      : name(tensor_name),
        type(ElementType::kInt64),
        data(const_cast<int64_t*>(elements)),
        shape(tensor_shape) {}
  Tensor(const char* tensor_name, const int32_t* elements, Shape tensor_shape)
      : name(tensor_name),
        type(ElementType::kInt32),
        data(const_cast<int32_t*>(elements)),
        shape(tensor_shape) {}
};

// What a caller is told when this process is at its memory ceiling: kLimited, reason "resource".
Error OutOfMemory();

// The loaded library. Immutable, thread-safe; sessions keep it alive.
class Runtime {
 public:
  // `library_path` names libonnxruntime.so. kUnavailable when it cannot be loaded or is too old
  // for the API this program was built for.
  static Result<std::shared_ptr<const Runtime>> Load(const std::string& library_path);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // "1.28.2"
  const std::string& version() const;

 private:
  friend class Session;
  struct Impl;
  explicit Runtime(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

struct SessionOptions {
  // Threads that one Run uses, the caller's included. With 1, concurrent Runs from several threads
  // scale without sharing anything, and the result cannot depend on the machine's core count.
  int threads = 1;
};

// One opened model. Run may be called from several threads at once.
class Session {
 public:
  // kNotFound when the file is missing, kCorrupt when the runtime refuses it.
  static Result<std::unique_ptr<Session>> Open(std::shared_ptr<const Runtime> runtime,
                                               const std::string& model_path,
                                               SessionOptions options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Runs the graph on `inputs` and writes exactly the named `outputs`; outputs of the graph that
  // are not named are not computed where the graph allows it. An output may share memory with an
  // input only where the graph's operator allows it (a key-value cache updated in place).
  // kInternal when names, types or shapes do not fit the graph; OutOfMemory().
  Status Run(std::span<const Tensor> inputs, std::span<const Tensor> outputs) const;
  // The same; after it, memory that no run uses goes back to the kernel. For the last of a series
  // of large runs.
  Status RunAndGiveBack(std::span<const Tensor> inputs, std::span<const Tensor> outputs) const;
  Status Run(std::initializer_list<Tensor> inputs, std::initializer_list<Tensor> outputs) const {
    return Run(std::span(inputs.begin(), inputs.size()),
               std::span(outputs.begin(), outputs.size()));
  }

  const std::vector<std::string>& input_names() const;
  const std::vector<std::string>& output_names() const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  Status Run(std::span<const Tensor> inputs, std::span<const Tensor> outputs, bool give_back) const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace narralytica::platform
