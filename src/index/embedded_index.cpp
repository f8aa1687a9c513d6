#include "index/embedded_index.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <tuple>

#include "index/embedded/committed_state.hpp"
#include "index/embedded/embedded_reader.hpp"
#include "index/embedded/embedded_writer.hpp"
#include "index/embedded/generation.hpp"

namespace narralytica::index {
namespace {

constexpr int kReadAttemptsMax = 10;
constexpr size_t kIdleDatabasesMax = 8;

// What changes when somebody commits or switches: two system calls to look at.
struct Mark {
  std::string generation;
  ino_t inode = 0;
  int64_t changed_ns = 0;
  bool operator==(const Mark&) const = default;
};

// A loaded state and the idle databases that were opened at it.
struct Shared {
  Mark mark;
  std::shared_ptr<const CommittedState> state;
  std::mutex mutex;
  std::vector<Xapian::Database> idle;
};

class EmbeddedIndex final : public Index {
 public:
  explicit EmbeddedIndex(EmbeddedIndexOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<Reader>> Read(const TenantId& tenant) override {
    Error last;
    for (int attempt = 0; attempt < kReadAttemptsMax; ++attempt) {
      auto reader = TryRead(tenant);
      if (reader) return reader;
      last = std::move(reader).error();
      // A writer was faster than this reader: look again. Anything else will not pass.
      const bool overtaken = last.reason == kReaderExpired || last.code == ErrorCode::kNotFound;
      if (!overtaken) break;
    }
    return Fail(std::move(last));
  }

  Result<std::unique_ptr<Writer>> Write(const std::string& generation,
                                        const Deadline& deadline) override {
    NRL_TRY(auto lock, LockIndex(options_.folder, deadline));
    NRL_TRY(const auto current, CurrentGeneration(options_.folder));
    std::string name = generation;
    if (name.empty()) name = current.value_or(kFirstGeneration);
    NRL_CHECK(CheckGenerationName(name));
    NRL_TRY(auto writer,
            MakeEmbeddedWriter({options_.folder, name, std::move(lock), options_.after_step}));
    if (!current && generation.empty()) NRL_CHECK(SetCurrentGeneration(options_.folder, name));
    return writer;
  }

  Result<std::vector<std::string>> Generations() override {
    NRL_TRY(const auto current, CurrentGeneration(options_.folder));
    std::vector<std::string> names = ListGenerations(options_.folder);
    std::stable_partition(names.begin(), names.end(),
                          [&](const std::string& name) { return name == current; });
    return names;
  }

  Status Switch(const std::string& generation, const Deadline& deadline) override {
    NRL_CHECK(CheckGenerationName(generation));
    NRL_TRY(const auto lock, LockIndex(options_.folder, deadline));
    const auto names = ListGenerations(options_.folder);
    if (!std::binary_search(names.begin(), names.end(), generation)) {
      return Fail(ErrorCode::kNotFound, "there is no index generation " + generation,
                  "see `narralytica index` for those there are");
    }
    NRL_CHECK(CheckDescription(PathsOf(options_.folder, generation)));
    return SetCurrentGeneration(options_.folder, generation);
  }

  Status Remove(const std::string& generation, const Deadline& deadline) override {
    NRL_CHECK(CheckGenerationName(generation));
    NRL_TRY(const auto lock, LockIndex(options_.folder, deadline));
    NRL_TRY(const auto current, CurrentGeneration(options_.folder));
    if (generation == current) {
      return Fail(ErrorCode::kConflict, "the current generation cannot be removed",
                  "switch to another one first");
    }
    std::error_code error;
    std::filesystem::remove_all(PathsOf(options_.folder, generation).folder, error);
    if (error) return Fail(platform::ErrnoError("the index generation", error.value()));
    return {};
  }

  Status Verify(const Deadline& deadline) override {
    NRL_TRY(const auto generation, CurrentGeneration(options_.folder));
    if (!generation) return {};
    const GenerationPaths paths = PathsOf(options_.folder, *generation);
    NRL_CHECK(CheckDescription(paths));
    return GuardXapian([&]() -> Status {
      const Xapian::Database words(paths.words());
      NRL_TRY(const WordsCommit commit, ReadWordsCommit(words));
      // No previous state: every section's checksum is looked at again.
      NRL_TRY(const auto state,
              CommittedState::Load(options_.folder, *generation, commit, nullptr));
      NRL_CHECK(deadline.Check("the check of the index"));
      return VerifyWords(paths, words, *state);
    });
  }

 private:
  Result<std::unique_ptr<Reader>> TryRead(const TenantId& tenant) {
    NRL_TRY(const Mark mark, LookAtMark());
    std::shared_ptr<Shared> shared = Current();
    if (!shared || shared->mark != mark) {
      NRL_TRY(shared, Refresh(mark));
    }
    ReaderParts parts{
        shared->state, {}, shared->state->tenant(tenant.str()), options_.scan_threads, {}};
    if (mark.inode != 0) {
      NRL_TRY(parts.words, TakeDatabase(*shared));
      parts.give_back = [shared](Xapian::Database words) {
        const std::lock_guard lock(shared->mutex);
        if (shared->idle.size() < kIdleDatabasesMax) shared->idle.push_back(std::move(words));
      };
    }
    return MakeEmbeddedReader(std::move(parts));
  }

  Result<Mark> LookAtMark() const {
    NRL_TRY(const auto generation, CurrentGeneration(options_.folder));
    if (!generation) return Mark{};
    struct stat info{};
    const std::string version = PathsOf(options_.folder, *generation).words() + "/iamglass";
    if (stat(version.c_str(), &info) != 0) {
      return Fail(DamagedPart("words part", "its version file is missing"));
    }
    return Mark{*generation, info.st_ino,
                info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec};
  }

  std::shared_ptr<Shared> Current() {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  Result<std::shared_ptr<Shared>> Refresh(const Mark& mark) {
    const std::lock_guard lock(refresh_mutex_);
    const std::shared_ptr<Shared> previous = Current();
    if (previous && previous->mark == mark) return previous;
    auto fresh = std::make_shared<Shared>();
    fresh->mark = mark;
    WordsCommit commit;
    if (mark.inode != 0) {
      NRL_CHECK(CheckDescription(PathsOf(options_.folder, mark.generation)));
      NRL_CHECK(GuardXapian([&]() -> Status {
        Xapian::Database words(PathsOf(options_.folder, mark.generation).words());
        NRL_TRY(commit, ReadWordsCommit(words));
        fresh->idle.push_back(std::move(words));
        return {};
      }));
    }
    NRL_TRY(fresh->state, CommittedState::Load(options_.folder, mark.generation, commit,
                                               previous ? previous->state.get() : nullptr));
    const std::lock_guard current_lock(mutex_);
    current_ = fresh;
    return fresh;
  }

  // A database at exactly the shared state; kConflict when the words have gone on meanwhile.
  Result<Xapian::Database> TakeDatabase(Shared& shared) const {
    {
      const std::lock_guard lock(shared.mutex);
      if (!shared.idle.empty()) {
        Xapian::Database words = std::move(shared.idle.back());
        shared.idle.pop_back();
        return words;
      }
    }
    return GuardXapian([&]() -> Result<Xapian::Database> {
      Xapian::Database words(PathsOf(options_.folder, shared.mark.generation).words());
      NRL_TRY(const WordsCommit commit, ReadWordsCommit(words));
      if (commit.manifest == shared.state->manifest().number) return words;
      return Fail(FromXapian(Xapian::DatabaseModifiedError("overtaken while opening")));
    });
  }

  static Status VerifyWords(const GenerationPaths& paths, const Xapian::Database& words,
                            const CommittedState& state) {
    uint64_t rows = 0;
    for (const Run& run : state.manifest().runs) rows += run.rows;
    if (words.get_doccount() != rows) {
      return Fail(DamagedPart("words part", "it has another number of documents than recorded"));
    }
    if (Xapian::Database::check(paths.words(), 0, nullptr) != 0) {
      return Fail(DamagedPart("words part", "its own check found errors"));
    }
    return {};
  }

  const EmbeddedIndexOptions options_;
  std::mutex mutex_;          // current_
  std::mutex refresh_mutex_;  // one refresh at a time
  std::shared_ptr<Shared> current_;
};

}  // namespace

Result<std::unique_ptr<Index>> OpenEmbeddedIndex(EmbeddedIndexOptions options) {
  NRL_CHECK(platform::CreateFolders(options.folder));
  return std::make_unique<EmbeddedIndex>(std::move(options));
}

}  // namespace narralytica::index
