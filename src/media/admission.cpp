#include "media/admission.hpp"

#include <fmt/format.h>

#include "platform/file.hpp"

namespace narralytica::media {

void AdmissionConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("jobs.queued_max", &queued_max, {1, 100'000'000},
               "jobs that wait, beyond which nothing more is taken in");
  binder.Field("jobs.tenant_queued_max", &tenant_queued_max, {1, 100'000'000},
               "jobs of one tenant that wait, beyond which it can give no more");
  binder.Field("media.disk_free_bytes_min", &disk_free_bytes_min, {0, int64_t{1} << 50},
               "free space of the store, below which nothing more is taken in");
}

Status CheckRoom(platform::ObjectStore& objects, const AdmissionConfig& config) {
  NRL_TRY(const int64_t free_bytes, objects.FreeBytes());
  if (free_bytes < config.disk_free_bytes_min) {
    return Fail(Error{ErrorCode::kUnavailable, "the store has no room for more recordings",
                      "free space on its disk, or lower media.disk_free_bytes_min; then try again",
                      fmt::format("{} bytes are free", free_bytes), platform::kDiskFull});
  }
  return {};
}

Status CheckAdmission(jobs::Queue& queue, platform::ObjectStore& objects,
                      const AdmissionConfig& config, const TenantId& tenant) {
  NRL_CHECK(CheckRoom(objects, config));
  NRL_TRY(const jobs::QueuedCounts queued,
          queue.CountQueued(tenant, {config.queued_max, config.tenant_queued_max}));
  if (queued.of_tenant >= config.tenant_queued_max) {
    return Fail(Error{ErrorCode::kLimited,
                      fmt::format("{} jobs of this tenant are waiting", queued.of_tenant),
                      "wait until some are done, or raise jobs.tenant_queued_max",
                      {},
                      "tenant_queue_full"});
  }
  if (queued.total >= config.queued_max) {
    return Fail(Error{ErrorCode::kUnavailable,
                      fmt::format("{} jobs are waiting", queued.total),
                      "try again later, add workers, or raise jobs.queued_max",
                      {},
                      "queue_full"});
  }
  return {};
}

}  // namespace narralytica::media
