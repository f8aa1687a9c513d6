// Whether more work is taken in at all, asked before anything of it is stored.
//
// Every way in asks here: POST /ingest and /uploads, feeds and watched folders, the command line.
// What was accepted already stands: a repeated request gets its earlier answer, full or not. The
// limits are on what waits, counted as it is at that moment: of requests that come together, each
// may find the last place.
#pragma once

#include "jobs/queue.hpp"
#include "platform/objects/objects.hpp"

namespace narralytica::media {

struct AdmissionConfig {
  int64_t queued_max = 200'000;         // jobs that wait, over all tenants
  int64_t tenant_queued_max = 100'000;  // of one tenant
  int64_t disk_free_bytes_min = int64_t{256} << 20;
  void Bind(platform::ConfigBinder& binder);
};

// kUnavailable, reason "disk_full", when the store's disk is nearly full: workers claim nothing
// then either, for what they make would not find room.
Status CheckRoom(platform::ObjectStore& objects, const AdmissionConfig& config);

// kLimited (429) when the tenant has as much waiting as it may; kUnavailable (503) when the
// installation has, or when the store's disk is nearly full. Reasons "tenant_queue_full",
// "queue_full", "disk_full".
Status CheckAdmission(jobs::Queue& queue, platform::ObjectStore& objects,
                      const AdmissionConfig& config, const TenantId& tenant);

}  // namespace narralytica::media
