#include "app/model_import.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "app/config.hpp"
#include "platform/file.hpp"
#include "platform/process/child_process.hpp"

namespace narralytica::app {
namespace {

constexpr const char* kPython = "/usr/bin/python3";
constexpr size_t kOutputBytesMax = 64 << 10;

Result<std::string> Tool() {
  for (const char* place : {"/tools/tool.py", "/../../tools/tool.py"}) {
    std::error_code error;
    const auto path = std::filesystem::weakly_canonical(platform::ProgramFolder() + place, error);
    if (std::filesystem::is_regular_file(path, error)) return path.string();
  }
  return Fail(ErrorCode::kUnavailable, "the conversion tool is not beside this program",
              "run it from a checkout of the source, or put its tools folder beside the program");
}

// The first kOutputBytesMax bytes.
std::string ReadStart(int fd) {
  std::string text(kOutputBytesMax, '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(0, got)));
  return text;
}

// What stands after `key` in the last line that begins with it.
std::string After(const std::string& output, std::string_view key) {
  std::istringstream lines(output);
  std::string found;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key)) found = line.substr(key.size());
  }
  return found;
}

}  // namespace

Result<std::string> ImportModel(const ModelImport& wanted, const Deadline& deadline) {
  NRL_TRY(const std::string tool, Tool());
  // Into memory: nobody need read while it runs, and so the deadline holds.
  const platform::FileDescriptor output(memfd_create("models-import", MFD_CLOEXEC));
  if (output.get() < 0) {
    return Fail(ErrorCode::kUnavailable, "the conversion cannot be started", "try again",
                std::strerror(errno));
  }
  platform::ChildOptions options;
  options.program = kPython;
  options.arguments = {tool,        "models",
                       "import",    std::filesystem::absolute(wanted.folder).string(),
                       "--models",  std::filesystem::absolute(wanted.models_folder).string(),
                       "--cache",   CacheFolder(),
                       "--name",    wanted.name,
                       "--licence", wanted.licence};
  if (wanted.replace) options.arguments.emplace_back("--replace");
  options.environment_kept.insert(options.environment_kept.end(), {"HOME", "TMPDIR"});
  options.fds = {{output.get(), 1}, {output.get(), 2}};
  NRL_TRY(auto child, platform::ChildProcess::Spawn(options));
  NRL_TRY(const platform::ChildExit ended, child.Wait(deadline));
  const std::string said = ReadStart(output.get());
  const std::string imported = After(said, "imported ");
  if (ended.ok() && !imported.empty()) return imported.substr(0, imported.find(':'));
  const std::string message = After(said, "error: ");
  return Fail(ErrorCode::kInvalid, message.empty() ? "the model could not be imported" : message,
              After(said, "  hint: "), ended.Describe() + ": " + said);
}

}  // namespace narralytica::app
