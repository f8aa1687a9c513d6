// The HTTP/1.1 server: connections, limits and time limits; an Application answers.
//
// I/O runs in coroutines on a few threads, a connection always on the same one; they answer at once
// what needs no waiting. All else runs on a bounded pool of worker threads; files are read and
// uploads written on another. What a peer can make it hold is bounded: connections, header and body
// sizes, requests waiting for a worker (then 503). A peer that sends or reads too slowly is cut
// off. Stop drains: no new connections, requests in hand are finished, streams are ended.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "api/http.hpp"
#include "base/environment.hpp"
#include "platform/config.hpp"
#include "platform/log.hpp"
#include "platform/metrics.hpp"

namespace narralytica::api {

struct ServerConfig {
  std::string address = "127.0.0.1";
  int port = 8080;  // 0: any free one
  int io_threads = 1;
  int worker_threads = 8;
  int storage_threads = 4;  // of their own, so that a slow disk does not hold up answers
  int connections_max = 1'024;
  int waiting_max = 256;  // requests that wait for a worker
  int64_t header_timeout_ms = 10'000;
  int64_t body_timeout_ms = 30'000;       // of a whole body, uploads apart
  int64_t body_idle_timeout_ms = 30'000;  // of an upload
  int64_t write_idle_timeout_ms = 30'000;
  int64_t keep_alive_ms = 60'000;
  int64_t drain_timeout_ms = 20'000;
  void Bind(platform::ConfigBinder& binder);
};

struct ServerParts {
  Application& application;
  Environment environment;
  platform::Logger log;
  platform::Metrics& metrics;
};

class HttpServer {
 public:
  // Listens; kUnavailable when the address cannot be had. Serves from then on.
  static Result<std::unique_ptr<HttpServer>> Start(ServerParts parts, const ServerConfig& config);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  int port() const;
  bool draining() const;
  // Drains for at most drain_timeout_ms, then closes what is left. Returns when all is closed.
  void Stop();

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace narralytica::api
