// The queue, measured: puts jobs that do nothing into a fresh PostgreSQL database and works them
// off, every claim and every completion fenced, with its attempt and its events.
//
//   queue_bench URL single|batched COUNT SLOTS    jobs a second
//   queue_bench URL pickup COUNT RATE             from the commit of a job to its claim
//
// Says "ready" when the jobs are there, waits for a line, and answers with a line of JSON.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string_view>
#include <thread>

#include "jobs/queue.hpp"
#include "jobs/wake_file.hpp"
#include "platform/sql/migrations.hpp"

namespace narralytica {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

constexpr int kClaimers = 2;
constexpr int kBatch = 500;
constexpr int kEnqueueBatch = 1'000;

template <typename T>
T Must(Result<T> result) {
  if (result) return std::move(*result);
  fmt::print(stderr, "{} {}\n", result.error().message, result.error().cause);
  std::exit(1);
}
void Must(const Status& status) {
  if (status) return;
  fmt::print(stderr, "{} {}\n", status.error().message, status.error().cause);
  std::exit(1);
}

class Bench {
 public:
  explicit Bench(const std::string& url)
      : database_(Must(platform::OpenPostgres({.url = url, .connections_max = 64}))) {
    Must(platform::MigrateUp(*database_, platform::EmbeddedMigrations(), environment_.clock));
    static constexpr platform::Statement kTenant{
        "bench.tenant",
        "INSERT INTO tenants (id, name, created_at_ms) VALUES ($1, 'default', 0)"
        " ON CONFLICT (id) DO NOTHING"};
    Must(access::Write(*database_, scope_,
                       [&](access::Tx& tx) { return tx.Execute(kTenant, scope_.tenant); }));
    queue_.emplace(*database_, environment_, jobs::QueueConfig{});
  }

  void Enqueue(int count) {
    Must(access::Write(*database_, scope_, [&](access::Tx& tx) -> Status {
      for (int i = 0; i < count; ++i) {
        NRL_CHECK(
            queue_->Enqueue(tx, {.stage = {"index", ""}, .video = VideoId::New(environment_)}));
      }
      return {};
    }));
  }
  // The planner knows the tables as a running installation's does.
  void Analyze() {
    auto tx = Must(database_->Begin(platform::SqlAccess::kWrite));
    Must(tx->ExecuteScript("ANALYZE jobs; ANALYZE job_runs; ANALYZE job_events"));
    Must(tx->Commit());
  }

  void WorkOff(int slots, int batch) {
    std::vector<std::jthread> workers;
    for (int i = 0; i < slots; ++i) {
      workers.emplace_back([this, batch] {
        const WorkerId me = WorkerId::New(environment_);
        while (true) {
          const auto claimed = Must(queue_->ClaimMany(me, batch));
          if (claimed.empty()) return;
          std::vector<jobs::Lease> leases;
          for (const jobs::ClaimedJob& job : claimed) leases.push_back(job.lease);
          done_ += std::ssize(Must(queue_->CompleteMany(leases)));
        }
      });
    }
  }

  int Throughput(int count, int slots, int batch) {
    for (int left = count; left > 0; left -= kEnqueueBatch) Enqueue(std::min(left, kEnqueueBatch));
    Analyze();
    WaitForGo();
    const auto start = steady_clock::now();
    WorkOff(slots, batch);
    const double seconds = duration<double>(steady_clock::now() - start).count();
    if (done_ != count) {
      fmt::print(stderr, "{} of {} jobs were done\n", done_.load(), count);
      return 1;
    }
    fmt::print("{{\"jobs\": {}, \"seconds\": {:.4f}}}\n", count, seconds);
    return 0;
  }

  // Whoever measures the server begins now.
  static void WaitForGo() {
    fmt::print("ready\n");
    std::fflush(stdout);
    char line[16];
    Must(std::fgets(line, sizeof(line), stdin) != nullptr
             ? Status{}
             : Fail(ErrorCode::kCanceled, "nobody said go"));
  }

  // Two claimers wait for the hint as a worker's slots do; one enqueuer keeps the rate.
  int Pickup(int count, int rate);

 private:
  Environment environment_ = SystemEnvironment();
  access::Scope scope_{access::DefaultTenant(), "bench", "trace"};
  std::unique_ptr<platform::Database> database_;
  std::optional<jobs::Queue> queue_;
  std::atomic<int64_t> done_ = 0;
};

int Bench::Pickup(int count, int rate) {
  std::mutex mutex;
  std::condition_variable changed;
  int hints = 0, claimed_count = 0;
  std::map<std::string, steady_clock::time_point> committed, claimed;
  const platform::TemporaryFolder folder = Must(platform::TemporaryFolder::Create("/tmp", "wake"));
  const jobs::WakeFile file(folder.path() + "/wake");
  queue_->OnWork([&] { file.Touch(); });
  const jobs::WakeListener listener(file, [&] {
    const std::lock_guard lock(mutex);
    hints = kClaimers;
    changed.notify_all();
  });
  std::vector<std::jthread> claimers;
  for (int i = 0; i < kClaimers; ++i) {
    claimers.emplace_back([&] {
      const WorkerId me = WorkerId::New(environment_);
      while (true) {
        const auto got = Must(queue_->ClaimMany(me, 1));
        const auto now = steady_clock::now();
        if (!got.empty()) Must(queue_->CompleteMany({got[0].lease}));
        std::unique_lock lock(mutex);
        if (claimed_count == count) return;
        if (!got.empty()) {
          claimed[got[0].job.id.str()] = now;
          if (++claimed_count == count) changed.notify_all();
          continue;
        }
        changed.wait_for(lock, std::chrono::milliseconds(500),
                         [&] { return hints > 0 || claimed_count == count; });
        if (hints > 0) --hints;
      }
    });
  }
  WaitForGo();
  const auto start = steady_clock::now();
  for (int i = 0; i < count; ++i) {
    std::this_thread::sleep_until(start + std::chrono::microseconds(1'000'000LL * i / rate));
    const JobId id = Must(access::Write(*database_, scope_, [&](access::Tx& tx) {
      return queue_->Enqueue(tx, {.stage = {"index", ""}, .video = VideoId::New(environment_)});
    }));
    const auto now = steady_clock::now();
    const std::lock_guard lock(mutex);
    committed[id.str()] = now;
  }
  claimers.clear();
  std::vector<double> waits;
  for (const auto& [id, at] : claimed) {
    waits.push_back(duration<double, std::milli>(at - committed.at(id)).count());
  }
  std::ranges::sort(waits);
  fmt::print("{{\"jobs\": {}, \"p50_ms\": {:.3f}, \"p95_ms\": {:.3f}, \"p99_ms\": {:.3f}}}\n",
             count, waits[waits.size() / 2], waits[waits.size() * 95 / 100],
             waits[waits.size() * 99 / 100]);
  return 0;
}

}  // namespace
}  // namespace narralytica

int main(int argc, char** argv) {
  using namespace narralytica;
  if (argc != 5) return 2;
  Bench bench(argv[1]);
  const std::string_view mode = argv[2];
  const int count = std::atoi(argv[3]);
  const int more = std::atoi(argv[4]);
  if (mode == "pickup") return bench.Pickup(count, more);
  return bench.Throughput(count, more, mode == "batched" ? kBatch : 1);
}
