#include "api/http_server.hpp"

namespace narralytica::api {

void ServerConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("serve.address", &address, "address to listen on");
  binder.Field("serve.port", &port, {0, 65'535}, "port to listen on; 0: any free one");
  binder.Field("serve.io_threads", &io_threads, {1, 64}, "threads that read and write");
  binder.Field("serve.worker_threads", &worker_threads, {1, 256}, "threads that answer");
  binder.Field("serve.storage_threads", &storage_threads, {1, 256},
               "threads that write uploads and read recordings");
  binder.Field("serve.connections_max", &connections_max, {1, 100'000}, "open connections");
  binder.Field("serve.waiting_max", &waiting_max, {1, 100'000},
               "requests that may wait for a thread before 503");
  binder.Field("serve.header_timeout_ms", &header_timeout_ms, {100, 600'000},
               "how long a request's header may take");
  binder.Field("serve.body_timeout_ms", &body_timeout_ms, {100, 600'000},
               "how long the whole body of a request may take, uploads apart");
  binder.Field("serve.body_idle_timeout_ms", &body_idle_timeout_ms, {100, 600'000},
               "how long an upload may stand still");
  binder.Field("serve.write_idle_timeout_ms", &write_idle_timeout_ms, {100, 600'000},
               "how long a reader may take no byte");
  binder.Field("serve.keep_alive_ms", &keep_alive_ms, {1, 3'600'000},
               "how long an idle connection is kept");
  binder.Field("serve.drain_timeout_ms", &drain_timeout_ms, {0, 600'000},
               "how long a stop waits for requests in hand");
}

}  // namespace narralytica::api
