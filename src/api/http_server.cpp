#include "api/http_server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <condition_variable>
#include <mutex>
#include <set>
#include <span>
#include <thread>

#include "base/id.hpp"

namespace narralytica::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr uint32_t kHeaderBytesMax = 16 * 1024;
constexpr size_t kPieceBytes = 256 * 1024;
constexpr size_t kSmallPieceBytes = 16 * 1024;
constexpr size_t kDiscardedBytesMax = 1 << 20;
constexpr milliseconds kLingerTimeout{2'000};
constexpr milliseconds kStreamPause{200};
constexpr milliseconds kStreamKeepAlive{10'000};
constexpr milliseconds kCloseTimeout{2'000};
constexpr size_t kCorrelationIdBytesMax = 64;

using Stream = beast::basic_stream<tcp, asio::any_io_executor>;
using Parser = http::request_parser<http::buffer_body>;

auto Ignoring(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

bool IsGoodCorrelationId(std::string_view text) {
  return !text.empty() && text.size() <= kCorrelationIdBytesMax &&
         std::ranges::all_of(text, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' ||
                  c == '-';
         });
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// Methods are labels of a metric: a closed set.
std::string MethodLabel(const std::string& method) {
  static const std::set<std::string> known{"GET",   "HEAD",   "POST",   "PUT",
                                           "PATCH", "DELETE", "OPTIONS"};
  return known.contains(method) ? method : "other";
}

Response TooMuchToDo(const Request& request) {
  return ErrorResponse(
      HttpError{503, "unavailable", "too much to do", "try again in a few seconds"},
      request.correlation_id);
}

Response BodyTooLarge(const Request& request) {
  return ErrorResponse(HttpError{413, "payload_too_large", "the body is larger than 1 MiB",
                                 "send less; recordings go to /api/v1/uploads"},
                       request.correlation_id);
}

// The header of a response as bytes; `bytes` is the length of its body.
std::string HeaderText(const Response& response, const Request& request, int64_t now_s) {
  std::string header =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nX-Correlation-Id: {}\r\n", response.status,
                  std::string(http::obsolete_reason(http::int_to_status(response.status))),
                  HttpDate(now_s), request.correlation_id);
  for (const auto& [name, value] : response.headers) {
    header += fmt::format("{}: {}\r\n", name, value);
  }
  return header;
}

template <typename Work>
auto Run(Work work) -> asio::awaitable<decltype(work())> {
  co_return work();
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(ServerParts parts, const ServerConfig& config)
      : application_(parts.application),
        environment_(parts.environment),
        log_(std::move(parts.log)),
        config_(config),
        workers_(static_cast<size_t>(config.worker_threads)),
        storage_(static_cast<size_t>(config.storage_threads)),
        loops_(static_cast<size_t>(config.io_threads)),
        acceptor_(loops_.front().io),
        requests_(parts.metrics.Counters("narralytica_http_requests_total",
                                         "requests answered, by method and status class")),
        seconds_(parts.metrics.Histograms("narralytica_http_request_seconds",
                                          "from the header's end to the reply's last byte",
                                          {.001, .003, .01, .03, .1, .3, 1, 3, 10})),
        connections_gauge_(
            parts.metrics.Gauges("narralytica_http_connections", "open connections")) {}

  Status Listen() {
    error_code error;
    const auto address = asio::ip::make_address(config_.address, error);
    if (error) {
      return Fail(ErrorCode::kInvalid, "serve.address is not an IP address",
                  "write 127.0.0.1, or 0.0.0.0 for every interface", error.message());
    }
    const tcp::endpoint endpoint(address, static_cast<uint16_t>(config_.port));
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Fail(ErrorCode::kUnavailable,
                  fmt::format("cannot listen on {}:{}", config_.address, config_.port),
                  "stop what listens there, or set serve.port", error.message());
    }
    port_ = acceptor_.local_endpoint().port();
    return {};
  }

  void Run() {
    asio::co_spawn(acceptor_.get_executor(), Accept(), asio::detached);
    for (Loop& loop : loops_) threads_.emplace_back([&loop] { loop.io.run(); });
  }

  int port() const { return port_; }
  bool draining() const { return draining_; }

  void Stop() {
    if (draining_.exchange(true)) return;
    asio::post(acceptor_.get_executor(), [this] {
      error_code ignored;
      acceptor_.close(ignored);
    });
    {
      std::unique_lock lock(mutex_);
      for (const auto& connection : open_) {
        if (connection->idle) CloseSoon(connection);
      }
      const auto none = [this] { return open_.empty(); };
      if (!all_closed_.wait_for(lock, milliseconds(config_.drain_timeout_ms), none)) {
        log_.Warn("requests were cut off by the stop", {{"connections", open_.size()}});
      }
      for (const auto& connection : open_) CloseSoon(connection);
      all_closed_.wait_for(lock, kCloseTimeout, none);
    }
    workers_.join();
    storage_.join();
    for (Loop& loop : loops_) loop.io.stop();
    threads_.clear();
  }

 private:
  struct Connection {
    explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}
    Stream stream;
    beast::flat_buffer buffer;
    bool idle = true;  // between requests; under mutex_
    std::string remote_address;
  };

  // One I/O thread and its connections, which therefore need no strand.
  struct Loop {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
  };

  // What became of one request.
  struct Exchange {
    Request request;
    Response response;
    bool keep_alive = false;
    bool unread = false;  // a part of the body was not read
    int64_t started_ms = 0;
  };

  static void CloseSoon(const std::shared_ptr<Connection>& connection) {
    asio::post(connection->stream.get_executor(), [connection] {
      error_code ignored;
      connection->stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
    });
  }

  void SetIdle(Connection& connection, bool idle) {
    const std::lock_guard lock(mutex_);
    connection.idle = idle;
  }

  asio::awaitable<void> Accept();
  asio::awaitable<void> Serve(std::shared_ptr<Connection> connection);
  asio::awaitable<void> Linger(Connection& connection);
  asio::awaitable<bool> ServeOne(Connection& connection);
  asio::awaitable<error_code> ReadHeader(Connection& connection, Parser& parser);
  asio::awaitable<void> ReadBody(Connection& connection, Parser& parser, Exchange& exchange);
  asio::awaitable<void> ReceiveBody(Connection& connection, Parser& parser, Exchange& exchange);
  asio::awaitable<void> Continue(Connection& connection, const Request& request);
  asio::awaitable<Result<size_t>> ReadPiece(Connection& connection, Parser& parser,
                                            std::span<uint8_t> piece);
  asio::awaitable<bool> WriteResponse(Connection& connection, Exchange& exchange);
  asio::awaitable<bool> WriteFile(Connection& connection, FileBody& body);
  asio::awaitable<bool> WriteStream(Connection& connection, StreamBody& body);
  asio::awaitable<bool> WriteAll(Connection& connection, std::string_view bytes);
  static Result<Request> MakeRequest(const Parser& parser, const Connection& connection,
                                     std::string correlation_id);
  void Tell(const Exchange& exchange);

  // Runs `work` on a worker thread and comes back; nullopt when too much waits already.
  template <typename Work>
  auto OnWorker(Work work) -> asio::awaitable<std::optional<decltype(work())>> {
    using Outcome = std::optional<decltype(work())>;
    if (waiting_.fetch_add(1) >= config_.waiting_max + config_.worker_threads) {
      --waiting_;
      co_return Outcome{};
    }
    auto counted = [this, work = std::move(work)]() mutable {
      Outcome outcome{work()};
      --waiting_;
      return outcome;
    };
    co_return co_await asio::co_spawn(workers_, api::Run(std::move(counted)), asio::use_awaitable);
  }
  // On a storage thread, however many wait: what has begun is not refused half-way.
  template <typename Work>
  auto OnStorage(Work work) -> asio::awaitable<decltype(work())> {
    co_return co_await asio::co_spawn(storage_, api::Run(std::move(work)), asio::use_awaitable);
  }

  Application& application_;
  const Environment environment_;
  const platform::Logger log_;
  const ServerConfig config_;
  asio::thread_pool workers_;
  asio::thread_pool storage_;
  std::vector<Loop> loops_;
  size_t next_loop_ = 0;
  tcp::acceptor acceptor_;
  int port_ = 0;
  std::vector<std::jthread> threads_;
  std::atomic<bool> draining_ = false;
  std::atomic<int> waiting_ = 0;
  std::mutex mutex_;
  std::condition_variable all_closed_;
  std::vector<std::shared_ptr<Connection>> open_;
  const platform::CounterFamily requests_;
  const platform::HistogramFamily seconds_;
  const platform::GaugeFamily connections_gauge_;
};

asio::awaitable<void> HttpServer::Impl::Accept() {
  while (!draining_) {
    error_code error;
    const asio::any_io_executor executor = loops_[next_loop_++ % loops_.size()].io.get_executor();
    tcp::socket socket = co_await acceptor_.async_accept(executor, Ignoring(error));
    if (draining_) co_return;
    if (error) {  // out of descriptors, most likely: give the others time to end
      asio::steady_timer timer(co_await asio::this_coro::executor, milliseconds(50));
      co_await timer.async_wait(Ignoring(error));
      continue;
    }
    auto connection = std::make_shared<Connection>(std::move(socket));
    {
      const std::lock_guard lock(mutex_);
      if (std::cmp_greater_equal(open_.size(), config_.connections_max)) continue;  // closes it
      open_.push_back(connection);
      connections_gauge_.Set({}, static_cast<double>(open_.size()));
    }
    asio::co_spawn(executor, Serve(std::move(connection)), asio::detached);
  }
}

asio::awaitable<void> HttpServer::Impl::Serve(std::shared_ptr<Connection> connection) {
  error_code error;
  connection->stream.socket().set_option(tcp::no_delay(true), error);
  connection->stream.socket().non_blocking(true, error);
  const tcp::endpoint remote = connection->stream.socket().remote_endpoint(error);
  connection->remote_address = error ? std::string() : remote.address().to_string();
  try {
    bool go_on = true;
    while (go_on && !draining_) go_on = co_await ServeOne(*connection);
  } catch (const std::exception& exception) {
    log_.Error("a connection ended unexpectedly", {{"what", exception.what()}});
  }
  connection->stream.socket().close(error);
  const std::lock_guard lock(mutex_);
  std::erase(open_, connection);
  connections_gauge_.Set({}, static_cast<double>(open_.size()));
  all_closed_.notify_all();
}

// Lets the peer read the reply that ends its request early: closing while its bytes are still
// coming in would reset the connection under it.
asio::awaitable<void> HttpServer::Impl::Linger(Connection& connection) {
  error_code error;
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, error);
  std::vector<uint8_t> piece(kSmallPieceBytes);
  size_t done = 0;
  connection.stream.expires_after(kLingerTimeout);
  while (!error && done < kDiscardedBytesMax) {
    done += co_await connection.stream.async_read_some(asio::buffer(piece), Ignoring(error));
  }
}

// One request and its reply; false when the connection is to be closed.
asio::awaitable<bool> HttpServer::Impl::ServeOne(Connection& connection) {
  Parser parser;
  parser.header_limit(kHeaderBytesMax);
  parser.body_limit(boost::none);
  const error_code error = co_await ReadHeader(connection, parser);
  Exchange exchange;
  exchange.started_ms = environment_.clock.BootMs();
  exchange.request.correlation_id = NewUuid(environment_);
  if (error) {
    const bool ours = error.category() == http::make_error_code(http::error::bad_method).category();
    if (!ours || error == http::error::end_of_stream || error == http::error::partial_message) {
      co_return false;
    }
    const bool large = error == http::error::header_limit;
    exchange.response =
        ErrorResponse(HttpError{large ? 431 : 400, "invalid_input",
                                large ? "the header is too large" : "this is not an HTTP request",
                                "send HTTP/1.1"},
                      exchange.request.correlation_id);
    exchange.unread = true;
  } else if (auto request = MakeRequest(parser, connection, exchange.request.correlation_id);
             request) {
    exchange.request = std::move(*request);
    co_await ReadBody(connection, parser, exchange);
  } else {
    exchange.response = ErrorResponse(request.error(), exchange.request.correlation_id);
    exchange.unread = !parser.is_done();
  }
  exchange.keep_alive = !error && !exchange.unread && parser.keep_alive() && !draining_;
  const bool written = co_await WriteResponse(connection, exchange);
  Tell(exchange);
  if (written && exchange.unread) co_await Linger(connection);
  co_return written&& exchange.keep_alive;
}

asio::awaitable<error_code> HttpServer::Impl::ReadHeader(Connection& connection, Parser& parser) {
  error_code error;
  if (connection.buffer.size() == 0) {
    // The next request may be long in coming; once begun it must arrive soon.
    SetIdle(connection, true);
    connection.stream.expires_after(milliseconds(config_.keep_alive_ms));
    const size_t got = co_await connection.stream.async_read_some(
        connection.buffer.prepare(kHeaderBytesMax), Ignoring(error));
    if (error) co_return http::make_error_code(http::error::end_of_stream);
    connection.buffer.commit(got);
  }
  SetIdle(connection, false);
  connection.stream.expires_after(milliseconds(config_.header_timeout_ms));
  co_await http::async_read_header(connection.stream, connection.buffer, parser, Ignoring(error));
  co_return error;
}

// `correlation_id` is the request's when it does not bring a good one.
Result<Request> HttpServer::Impl::MakeRequest(const Parser& parser, const Connection& connection,
                                              std::string correlation_id) {
  const auto& message = parser.get();
  Request request;
  request.method = std::string(message.method_string());
  request.remote_address = connection.remote_address;
  for (const auto& field : message) {
    std::string& value = request.headers[LowerCase(std::string_view(field.name_string()))];
    if (!value.empty()) value += ", ";
    value += std::string(field.value());
  }
  const std::string& wished = request.Header("x-correlation-id");
  request.correlation_id = IsGoodCorrelationId(wished) ? wished : std::move(correlation_id);
  NRL_TRY(Target target, ParseTarget(std::string_view(message.target())));
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  return request;
}

asio::awaitable<void> HttpServer::Impl::Continue(Connection& connection, const Request& request) {
  if (LowerCase(request.Header("expect")) == "100-continue") {
    co_await WriteAll(connection, "HTTP/1.1 100 Continue\r\n\r\n");
  }
}

// Reads the body and has the request answered.
asio::awaitable<void> HttpServer::Impl::ReadBody(Connection& connection, Parser& parser,
                                                 Exchange& exchange) {
  Request& request = exchange.request;
  if (application_.StreamsBody(request)) {
    co_await ReceiveBody(connection, parser, exchange);
    co_return;
  }
  const auto length = parser.content_length();
  bool too_large = length && std::cmp_greater(*length, kJsonBodyBytesMax);
  if (!too_large && !parser.is_done()) co_await Continue(connection, request);
  std::vector<uint8_t> piece;
  connection.stream.expires_after(milliseconds(config_.body_timeout_ms));
  while (!too_large && !parser.is_done()) {
    piece.resize(kSmallPieceBytes);
    const auto got = co_await ReadPiece(connection, parser, piece);
    if (!got) {
      exchange.response = ErrorResponse(got.error(), request.correlation_id);
      exchange.unread = true;
      co_return;
    }
    request.body.append(reinterpret_cast<const char*>(piece.data()), *got);
    too_large = std::cmp_greater(request.body.size(), kJsonBodyBytesMax);
  }
  if (too_large) {
    exchange.response = BodyTooLarge(request);
    exchange.unread = true;
    co_return;
  }
  if (application_.AnswersAtOnce(request)) {
    exchange.response = application_.Handle(request);
    co_return;
  }
  auto response = co_await OnWorker([&] { return application_.Handle(request); });
  exchange.response = response ? std::move(*response) : TooMuchToDo(request);
}

// Hands the body on as it arrives.
asio::awaitable<void> HttpServer::Impl::ReceiveBody(Connection& connection, Parser& parser,
                                                    Exchange& exchange) {
  Request& request = exchange.request;
  auto begun = co_await OnWorker([&] { return application_.Receive(request); });
  if (!begun || std::holds_alternative<Response>(*begun)) {
    exchange.response = begun ? std::move(std::get<Response>(*begun)) : TooMuchToDo(request);
    exchange.unread = !parser.is_done();
    co_return;
  }
  auto& sink = std::get<std::unique_ptr<BodySink>>(*begun);
  if (!parser.is_done()) co_await Continue(connection, request);
  std::vector<uint8_t> piece(kPieceBytes);
  Status status;
  while (status && !parser.is_done()) {
    size_t filled = 0;
    connection.stream.expires_after(milliseconds(config_.body_idle_timeout_ms));
    while (status && filled < piece.size() && !parser.is_done()) {
      const auto got = co_await ReadPiece(connection, parser, std::span(piece).subspan(filled));
      if (got) filled += *got;
      if (!got) status = Fail(got);
    }
    if (filled == 0) continue;
    const Status wrote =
        co_await OnStorage([&] { return sink->Write(std::span(piece).first(filled)); });
    if (status) status = wrote;
  }
  exchange.response = co_await OnStorage([&] { return sink->Finish(status); });
  exchange.unread = !parser.is_done();
}

// The time limit is the caller's.
asio::awaitable<Result<size_t>> HttpServer::Impl::ReadPiece(Connection& connection, Parser& parser,
                                                            std::span<uint8_t> piece) {
  auto& body = parser.get().body();
  body.data = piece.data();
  body.size = piece.size();
  body.more = true;
  error_code error;
  co_await http::async_read_some(connection.stream, connection.buffer, parser, Ignoring(error));
  if (error && error != http::error::need_buffer) {
    co_return Fail(ErrorCode::kInvalid, "the body ended early", "send it again", error.message());
  }
  co_return piece.size() - body.size;
}

asio::awaitable<bool> HttpServer::Impl::WriteResponse(Connection& connection, Exchange& exchange) {
  Response& response = exchange.response;
  auto* text = std::get_if<std::string>(&response.body);
  auto* shared = std::get_if<SharedText>(&response.body);
  auto* file = std::get_if<FileBody>(&response.body);
  auto* stream = std::get_if<StreamBody>(&response.body);
  if (stream) exchange.keep_alive = false;
  std::string header =
      HeaderText(response, exchange.request, environment_.clock.Now().value / 1'000);
  if (!stream && response.status != 204 && response.status != 304) {
    header += fmt::format("Content-Length: {}\r\n", BodyBytes(response));
  }
  if (!exchange.keep_alive) header += "Connection: close\r\n";
  header += "\r\n";
  const bool head = exchange.request.method == "HEAD";
  if (text && !head) header += *text;
  const bool small = shared && (*shared)->size() <= kSmallPieceBytes;
  if (small && !head) header += **shared;  // a copy is cheaper than another system call
  if (!co_await WriteAll(connection, header)) co_return false;
  if (head || small) co_return true;
  if (shared) co_return co_await WriteAll(connection, **shared);
  if (file) co_return co_await WriteFile(connection, *file);
  if (stream) co_return co_await WriteStream(connection, *stream);
  co_return true;
}

asio::awaitable<bool> HttpServer::Impl::WriteFile(Connection& connection, FileBody& body) {
  std::string piece;
  int64_t done = 0;
  while (done < body.bytes) {
    piece.resize(std::min<size_t>(kPieceBytes, static_cast<size_t>(body.bytes - done)));
    const ssize_t got = co_await OnStorage([&] {
      return pread(body.file.get(), piece.data(), piece.size(), body.offset_bytes + done);
    });
    if (got <= 0) co_return false;  // shorter than promised: the peer must see a broken transfer
    done += got;
    if (!co_await WriteAll(connection, {piece.data(), static_cast<size_t>(got)})) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> HttpServer::Impl::WriteStream(Connection& connection, StreamBody& body) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  milliseconds silent{0};
  error_code error;
  while (!draining_) {
    auto piece = body.next();
    if (!piece) break;
    if (piece->empty() && silent >= kStreamKeepAlive) *piece = ": still here\n\n";
    silent = piece->empty() ? silent + kStreamPause : milliseconds{0};
    if (!piece->empty() && !co_await WriteAll(connection, *piece)) break;
    timer.expires_after(kStreamPause);
    co_await timer.async_wait(Ignoring(error));
  }
  co_return false;
}

asio::awaitable<bool> HttpServer::Impl::WriteAll(Connection& connection, std::string_view bytes) {
  error_code error;
  // Mostly all of it fits into the socket's buffer: no timer and no turn of the loop is needed
  // then.
  const size_t at_once =
      connection.stream.socket().write_some(asio::buffer(bytes.data(), bytes.size()), error);
  if (error && error != asio::error::would_block) co_return false;
  bytes.remove_prefix(at_once);
  while (!bytes.empty()) {
    connection.stream.expires_after(milliseconds(config_.write_idle_timeout_ms));
    const size_t wrote = co_await connection.stream.async_write_some(
        asio::buffer(bytes.data(), bytes.size()), Ignoring(error));
    if (error) co_return false;
    bytes.remove_prefix(wrote);
  }
  co_return true;
}

void HttpServer::Impl::Tell(const Exchange& exchange) {
  const int64_t took_ms = environment_.clock.BootMs() - exchange.started_ms;
  const int status = exchange.response.status;
  requests_.Add({{"method", MethodLabel(exchange.request.method)},
                 {"status", fmt::format("{}xx", status / 100)}});
  seconds_.Observe({}, static_cast<double>(took_ms) / 1'000);
  const platform::Logger::Fields fields{{"method", exchange.request.method},
                                        {"path", exchange.request.path},
                                        {"status", status},
                                        {"took_ms", took_ms},
                                        {"trace", exchange.request.correlation_id}};
  if (status >= 500) {
    log_.Warn("request", fields);
  } else {
    log_.Debug("request", fields);
  }
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->Stop(); }
int HttpServer::port() const { return impl_->port(); }
bool HttpServer::draining() const { return impl_->draining(); }
void HttpServer::Stop() { impl_->Stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::Start(ServerParts parts,
                                                      const ServerConfig& config) {
  auto impl = std::make_unique<Impl>(std::move(parts), config);
  NRL_CHECK(impl->Listen());
  impl->Run();
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

}  // namespace narralytica::api
