#include "platform/process/sandbox.hpp"

#include <unistd.h>

#include <filesystem>

namespace narralytica::platform {
namespace {

constexpr const char* kTmpBytes = "16777216";
constexpr std::chrono::seconds kTrialTimeout{10};

std::vector<std::string> BoxArguments() {
  std::vector<std::string> arguments{
      "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop",
      "ALL",           "--ro-bind",         "/usr",          "/usr",
      "--size",        kTmpBytes,           "--tmpfs",       "/tmp"};
  for (const char* name : {"lib", "lib64", "bin"}) {
    const std::string link = std::string("/") + name;
    if (!std::filesystem::exists(link)) continue;
    arguments.insert(arguments.end(), {"--symlink", std::string("usr/") + name, link});
  }
  // Where the dynamic loader looks for shared libraries.
  for (const char* path : {"/etc/alternatives", "/etc/ld.so.cache"}) {
    arguments.insert(arguments.end(), {"--ro-bind-try", path, path});
  }
#ifdef __SANITIZE_ADDRESS__
  arguments.insert(arguments.end(), {"--proc", "/proc"});
#endif
  return arguments;
}

Status TryBubblewrap(const Sandbox& sandbox) {
  ChildOptions trial;
  trial.program = "/usr/bin/true";
  NRL_TRY(ChildProcess child, ChildProcess::Spawn(sandbox.Wrap(trial)));
  NRL_TRY(const ChildExit exit, child.Wait(Deadline::In(kTrialTimeout)));
  if (exit.ok()) return {};
  return Fail(ErrorCode::kUnavailable, "the sandbox could not be made", {},
              "bubblewrap: " + exit.Describe());
}

}  // namespace

std::string_view ToString(SandboxKind kind) {
  return kind == SandboxKind::kBubblewrap ? "bubblewrap" : "seccomp";
}

Result<Sandbox> Sandbox::Create(SandboxPolicy policy, std::string bubblewrap) {
  Sandbox boxed(SandboxKind::kBubblewrap, std::move(bubblewrap));
  const Status tried = TryBubblewrap(boxed);
  if (tried) return boxed;
  std::string cause = tried.error().message + ": " + tried.error().cause;
  if (policy == SandboxPolicy::kRequired) {
    return Fail(ErrorCode::kUnavailable, "the sandbox for reading recordings does not work here",
                "install bubblewrap and allow user namespaces", std::move(cause));
  }
  Sandbox plain(SandboxKind::kSeccomp, {});
  plain.fallback_cause_ = std::move(cause);
  return plain;
}

ChildOptions Sandbox::Wrap(ChildOptions inner) const {
  if (kind_ == SandboxKind::kSeccomp) return inner;
  std::vector<std::string> arguments = BoxArguments();
  const auto bind = [&](const std::string& path, const char* option) {
    if (!path.starts_with("/usr/")) arguments.insert(arguments.end(), {option, path, path});
  };
  const std::filesystem::path folder = std::filesystem::path(inner.program).parent_path();
  bind(inner.program, "--ro-bind");
  bind((folder.parent_path() / "lib").string(), "--ro-bind-try");
  arguments.insert(arguments.end(), {"--chdir", "/", "--", inner.program});
  arguments.insert(arguments.end(), inner.arguments.begin(), inner.arguments.end());
  inner.program = bubblewrap_;
  inner.arguments = std::move(arguments);
  return inner;
}

ChildExit Sandbox::Unwrap(ChildExit exit) const {
  if (kind_ == SandboxKind::kBubblewrap && !exit.signaled && exit.status > 128) {
    exit.signaled = true;
    exit.status -= 128;
  }
  return exit;
}

}  // namespace narralytica::platform
