#include "api/http_server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

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
constexpr int64_t kDiscardedBodyBytesMax = 256 * 1024;
constexpr milliseconds kStreamPause{200};
constexpr milliseconds kStreamKeepAlive{15'000};
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

}  // namespace

void ServerConfig::Bind(platform::ConfigBinder& binder) {
  binder.Field("serve.address", &address, "address to listen on");
  binder.Field("serve.port", &port, {0, 65'535}, "port to listen on; 0: any free one");
  binder.Field("serve.io_threads", &io_threads, {1, 64}, "threads that read and write");
  binder.Field("serve.worker_threads", &worker_threads, {1, 256}, "threads that answer");
  binder.Field("serve.connections_max", &connections_max, {1, 100'000}, "open connections");
  binder.Field("serve.waiting_max", &waiting_max, {1, 100'000},
               "requests that may wait for a thread before 503");
  binder.Field("serve.header_timeout_ms", &header_timeout_ms, {100, 600'000},
               "how long a request's header may take");
  binder.Field("serve.body_idle_timeout_ms", &body_idle_timeout_ms, {100, 600'000},
               "how long a body may stand still");
  binder.Field("serve.write_idle_timeout_ms", &write_idle_timeout_ms, {100, 600'000},
               "how long a reader may take no byte");
  binder.Field("serve.keep_alive_ms", &keep_alive_ms, {0, 3'600'000},
               "how long an idle connection is kept");
  binder.Field("serve.drain_timeout_ms", &drain_timeout_ms, {0, 600'000},
               "how long a stop waits for requests in hand");
}

class HttpServer::Impl {
 public:
  Impl(ServerParts parts, const ServerConfig& config)
      : application_(parts.application),
        environment_(parts.environment),
        log_(std::move(parts.log)),
        config_(config),
        workers_(static_cast<size_t>(config.worker_threads)),
        acceptor_(io_),
        requests_(parts.metrics.Counters("narralytica_http_requests_total",
                                         "requests answered, by method and status class")),
        seconds_(parts.metrics.Histograms("narralytica_http_request_seconds",
                                          "from the header's end to the reply's first byte",
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
    asio::co_spawn(io_, Accept(), asio::detached);
    for (int i = 0; i < config_.io_threads; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  int port() const { return port_; }
  bool draining() const { return draining_; }

  void Stop() {
    if (draining_.exchange(true)) return;
    streams_stop_.request_stop();
    asio::post(io_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      const std::lock_guard lock(mutex_);
      for (Connection* connection : open_) {
        if (connection->idle) CloseSoon(*connection);
      }
    });
    {
      std::unique_lock lock(mutex_);
      all_closed_.wait_for(lock, milliseconds(config_.drain_timeout_ms),
                           [this] { return open_.empty(); });
      for (Connection* connection : open_) CloseSoon(*connection);
      all_closed_.wait_for(lock, milliseconds(2'000), [this] { return open_.empty(); });
    }
    workers_.join();
    io_.stop();
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

  // What became of one request.
  struct Exchange {
    Request request;
    Response response;
    bool keep_alive = false;
    int64_t started_ms = 0;
  };

  static void CloseSoon(Connection& connection) {
    asio::post(connection.stream.get_executor(), [&stream = connection.stream] {
      error_code ignored;
      stream.socket().shutdown(tcp::socket::shutdown_both, ignored);
    });
  }

  asio::awaitable<void> Accept();
  asio::awaitable<void> Serve(tcp::socket socket);
  asio::awaitable<bool> ServeOne(Connection& connection);
  asio::awaitable<error_code> ReadHeader(Connection& connection, Parser& parser);
  asio::awaitable<bool> ReadBody(Connection& connection, Parser& parser, Exchange& exchange);
  asio::awaitable<bool> ReceiveBody(Connection& connection, Parser& parser, Exchange& exchange);
  asio::awaitable<Result<std::span<const uint8_t>>> ReadPiece(Connection& connection,
                                                              Parser& parser,
                                                              std::vector<uint8_t>& piece);
  asio::awaitable<bool> WriteResponse(Connection& connection, Exchange& exchange);
  asio::awaitable<bool> WriteFile(Connection& connection, FileBody& body);
  asio::awaitable<bool> WriteStream(Connection& connection, StreamBody& body);
  asio::awaitable<bool> WriteAll(Connection& connection, std::string_view bytes);
  Result<Request> MakeRequest(const Parser& parser, const Connection& connection) const;
  void Tell(const Exchange& exchange);

  // Runs `work` on a worker thread and comes back; nullopt when too much waits already.
  template <typename Work>
  auto OnWorker(Work work) -> asio::awaitable<std::optional<decltype(work())>> {
    using Outcome = std::optional<decltype(work())>;
    if (waiting_.fetch_add(1) >= config_.waiting_max + config_.worker_threads) {
      --waiting_;
      co_return Outcome{};
    }
    auto run = [this, work = std::move(work)]() mutable -> asio::awaitable<Outcome> {
      Outcome outcome{work()};
      --waiting_;
      co_return outcome;
    };
    co_return co_await asio::co_spawn(workers_, std::move(run), asio::use_awaitable);
  }

  Application& application_;
  const Environment environment_;
  const platform::Logger log_;
  const ServerConfig config_;
  asio::io_context io_;
  asio::thread_pool workers_;
  tcp::acceptor acceptor_;
  int port_ = 0;
  std::vector<std::jthread> threads_;
  std::atomic<bool> draining_ = false;
  std::atomic<int> waiting_ = 0;
  std::stop_source streams_stop_;
  std::mutex mutex_;
  std::condition_variable all_closed_;
  std::vector<Connection*> open_;
  const platform::CounterFamily requests_;
  const platform::HistogramFamily seconds_;
  const platform::GaugeFamily connections_gauge_;
};

asio::awaitable<void> HttpServer::Impl::Accept() {
  while (!draining_) {
    error_code error;
    auto executor = asio::make_strand(io_);
    tcp::socket socket = co_await acceptor_.async_accept(executor, Ignoring(error));
    if (error == asio::error::operation_aborted || draining_) co_return;
    if (error) {  // out of descriptors, most likely: give the others time to end
      asio::steady_timer timer(io_, milliseconds(50));
      co_await timer.async_wait(asio::use_awaitable);
      continue;
    }
    size_t open = 0;
    {
      const std::lock_guard lock(mutex_);
      open = open_.size();
    }
    if (std::cmp_greater_equal(open, config_.connections_max)) continue;  // closes it
    asio::co_spawn(executor, Serve(std::move(socket)), asio::detached);
  }
}

asio::awaitable<void> HttpServer::Impl::Serve(tcp::socket socket) {
  Connection connection(std::move(socket));
  error_code error;
  connection.stream.socket().set_option(tcp::no_delay(true), error);
  const tcp::endpoint remote = connection.stream.socket().remote_endpoint(error);
  connection.remote_address = error ? std::string() : remote.address().to_string();
  {
    const std::lock_guard lock(mutex_);
    open_.push_back(&connection);
    connections_gauge_.Set({}, static_cast<double>(open_.size()));
  }
  try {
    bool go_on = true;
    while (go_on && !draining_) go_on = co_await ServeOne(connection);
  } catch (const std::exception& exception) {
    log_.Error("a connection ended unexpectedly", {{"what", exception.what()}});
  }
  connection.stream.socket().shutdown(tcp::socket::shutdown_send, error);
  const std::lock_guard lock(mutex_);
  std::erase(open_, &connection);
  connections_gauge_.Set({}, static_cast<double>(open_.size()));
  all_closed_.notify_all();
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
  if (error && error.category() != http::make_error_code(http::error::bad_method).category()) {
    co_return false;
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    co_return false;
  }
  if (error) {
    const bool large = error == http::error::header_limit;
    exchange.response =
        ErrorResponse(HttpError{large ? 431 : 400, "invalid_input",
                                large ? "the header is too large" : "this is not an HTTP request",
                                "send HTTP/1.1"},
                      exchange.request.correlation_id);
    co_await WriteResponse(connection, exchange);
    co_return false;
  }
  auto request = MakeRequest(parser, connection);
  bool whole = true;
  if (!request) {
    exchange.response = ErrorResponse(request.error(), exchange.request.correlation_id);
    whole = parser.is_done();
  } else {
    exchange.request = std::move(*request);
    whole = co_await ReadBody(connection, parser, exchange);
  }
  exchange.keep_alive = whole && parser.keep_alive() && !draining_;
  const bool written = co_await WriteResponse(connection, exchange);
  Tell(exchange);
  co_return written&& exchange.keep_alive;
}

asio::awaitable<error_code> HttpServer::Impl::ReadHeader(Connection& connection, Parser& parser) {
  error_code error;
  const bool waiting = connection.buffer.size() == 0;
  {
    const std::lock_guard lock(mutex_);
    connection.idle = waiting;
  }
  if (waiting) {  // the next request may be long in coming; once begun it must arrive soon
    connection.stream.expires_after(milliseconds(config_.keep_alive_ms));
    const size_t got = co_await connection.stream.async_read_some(
        connection.buffer.prepare(kHeaderBytesMax), Ignoring(error));
    if (error) co_return http::error::end_of_stream;
    connection.buffer.commit(got);
  }
  {
    const std::lock_guard lock(mutex_);
    connection.idle = false;
  }
  connection.stream.expires_after(milliseconds(config_.header_timeout_ms));
  co_await http::async_read_header(connection.stream, connection.buffer, parser, Ignoring(error));
  co_return error;
}

Result<Request> HttpServer::Impl::MakeRequest(const Parser& parser,
                                              const Connection& connection) const {
  const auto& message = parser.get();
  Request request;
  request.method = std::string(message.method_string());
  request.remote_address = connection.remote_address;
  for (const auto& field : message) {
    std::string& value = request.headers[LowerCase(field.name_string())];
    if (!value.empty()) value += ", ";
    value += std::string(field.value());
  }
  const std::string& wished = request.Header("x-correlation-id");
  request.correlation_id = IsGoodCorrelationId(wished) ? wished : NewUuid(environment_);
  NRL_TRY(Target target, ParseTarget(std::string_view(message.target())));
  request.path = std::move(target.path);
  request.query = std::move(target.query);
  return request;
}

// Reads the body, has the request answered; true when the connection stands at the next request.
asio::awaitable<bool> HttpServer::Impl::ReadBody(Connection& connection, Parser& parser,
                                                 Exchange& exchange) {
  Request& request = exchange.request;
  if (http::to_string(http::field::expect) == "Expect" &&
      LowerCase(request.Header("expect")) == "100-continue") {
    co_await WriteAll(connection, "HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (application_.StreamsBody(request)) {
    co_return co_await ReceiveBody(connection, parser, exchange);
  }
  const auto length = parser.content_length();
  std::vector<uint8_t> piece(std::min<size_t>(kPieceBytes, 16 * 1024));
  bool too_large = length && std::cmp_greater(*length, kJsonBodyBytesMax);
  while (!too_large && !parser.is_done()) {
    const auto got = co_await ReadPiece(connection, parser, piece);
    if (!got) {
      exchange.response = ErrorResponse(got.error(), request.correlation_id);
      co_return false;
    }
    request.body.append(reinterpret_cast<const char*>(got->data()), got->size());
    too_large = std::cmp_greater(request.body.size(), kJsonBodyBytesMax);
  }
  if (too_large) {
    exchange.response =
        ErrorResponse(HttpError{413, "payload_too_large", "the body is larger than 1 MiB",
                                "send less; recordings go to /api/v1/uploads"},
                      request.correlation_id);
    co_return false;
  }
  auto response = co_await OnWorker([&] { return application_.Handle(request); });
  exchange.response = response ? std::move(*response)
                               : ErrorResponse(HttpError{503, "unavailable", "too much to do",
                                                         "try again in a few seconds"},
                                               request.correlation_id);
  co_return true;
}

// Hands the body on as it arrives.
asio::awaitable<bool> HttpServer::Impl::ReceiveBody(Connection& connection, Parser& parser,
                                                    Exchange& exchange) {
  Request& request = exchange.request;
  auto begun = co_await OnWorker([&] { return application_.Receive(request); });
  if (!begun) {
    exchange.response = ErrorResponse(
        HttpError{503, "unavailable", "too much to do", "try again in a few seconds"},
        request.correlation_id);
    co_return false;
  }
  if (auto* answer = std::get_if<Response>(&*begun)) {
    exchange.response = std::move(*answer);
    const auto length = parser.content_length();
    const bool small = length && std::cmp_less_equal(*length, kDiscardedBodyBytesMax);
    std::vector<uint8_t> piece(16 * 1024);
    while (small && !parser.is_done()) {
      if (!co_await ReadPiece(connection, parser, piece)) co_return false;
    }
    co_return small;
  }
  auto& sink = std::get<std::unique_ptr<BodySink>>(*begun);
  std::vector<uint8_t> piece(kPieceBytes);
  Status status;
  while (status && !parser.is_done()) {
    const auto got = co_await ReadPiece(connection, parser, piece);
    if (!got) {
      status = Fail(got);
      break;
    }
    // A body that is on its way is worth waiting for: it is not refused half-way.
    auto wrote = co_await asio::co_spawn(
        workers_, [&]() -> asio::awaitable<Status> { co_return sink->Write(*got); },
        asio::use_awaitable);
    status = wrote;
  }
  exchange.response = co_await asio::co_spawn(
      workers_, [&]() -> asio::awaitable<Response> { co_return sink->Finish(status); },
      asio::use_awaitable);
  co_return status.has_value();
}

asio::awaitable<Result<std::span<const uint8_t>>> HttpServer::Impl::ReadPiece(
    Connection& connection, Parser& parser, std::vector<uint8_t>& piece) {
  auto& body = parser.get().body();
  body.data = piece.data();
  body.size = piece.size();
  body.more = true;
  error_code error;
  connection.stream.expires_after(milliseconds(config_.body_idle_timeout_ms));
  co_await http::async_read_some(connection.stream, connection.buffer, parser, Ignoring(error));
  if (error && error != http::error::need_buffer) {
    co_return Fail(ErrorCode::kInvalid, "the body ended early", "send it again", error.message());
  }
  co_return std::span<const uint8_t>(piece.data(), piece.size() - body.size);
}

asio::awaitable<bool> HttpServer::Impl::WriteResponse(Connection& connection, Exchange& exchange) {
  Response& response = exchange.response;
  auto* text = std::get_if<std::string>(&response.body);
  auto* file = std::get_if<FileBody>(&response.body);
  auto* stream = std::get_if<StreamBody>(&response.body);
  const bool head = exchange.request.method == "HEAD";
  std::string header =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nX-Correlation-Id: {}\r\n", response.status,
                  std::string(http::obsolete_reason(http::int_to_status(response.status))),
                  HttpDate(environment_.clock.Now().value / 1'000),
                  exchange.request.correlation_id);
  for (const auto& [name, value] : response.headers) {
    header += fmt::format("{}: {}\r\n", name, value);
  }
  if (stream) {
    exchange.keep_alive = false;
  } else if (response.status != 204 && response.status != 304) {
    header += fmt::format("Content-Length: {}\r\n",
                          file ? file->bytes : static_cast<int64_t>(text->size()));
  }
  if (!exchange.keep_alive) header += "Connection: close\r\n";
  header += "\r\n";
  if (text && !head) header += *text;
  if (!co_await WriteAll(connection, header)) co_return false;
  if (head) co_return true;
  if (file) co_return co_await WriteFile(connection, *file);
  if (stream) co_return co_await WriteStream(connection, *stream);
  co_return true;
}

asio::awaitable<bool> HttpServer::Impl::WriteFile(Connection& connection, FileBody& body) {
  std::string piece;
  int64_t done = 0;
  while (done < body.bytes) {
    piece.resize(std::min<size_t>(kPieceBytes, static_cast<size_t>(body.bytes - done)));
    const ssize_t got =
        pread(body.file.get(), piece.data(), piece.size(), body.offset_bytes + done);
    if (got <= 0) co_return false;  // shorter than promised: the peer must see a broken transfer
    done += got;
    if (!co_await WriteAll(connection, {piece.data(), static_cast<size_t>(got)})) co_return false;
  }
  co_return true;
}

asio::awaitable<bool> HttpServer::Impl::WriteStream(Connection& connection, StreamBody& body) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  milliseconds silent{0};
  while (!draining_) {
    auto piece = co_await asio::co_spawn(
        workers_,
        [&]() -> asio::awaitable<std::optional<std::string>> {
          co_return body.next(streams_stop_.get_token());
        },
        asio::use_awaitable);
    if (!piece) break;
    if (piece->empty() && silent >= kStreamKeepAlive) *piece = ": still here\n\n";
    silent = piece->empty() ? silent + kStreamPause : milliseconds{0};
    if (!piece->empty() && !co_await WriteAll(connection, *piece)) break;
    timer.expires_after(kStreamPause);
    co_await timer.async_wait(asio::use_awaitable);
  }
  co_return false;
}

asio::awaitable<bool> HttpServer::Impl::WriteAll(Connection& connection, std::string_view bytes) {
  while (!bytes.empty()) {
    error_code error;
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
  requests_.Add({{"method", exchange.request.method.size() <= 7 ? exchange.request.method : "other"},
                 {"status", fmt::format("{}xx", status / 100)}});
  seconds_.Observe({}, static_cast<double>(took_ms) / 1'000);
  const platform::Logger::Fields fields{{"method", exchange.request.method},
                                        {"path", exchange.request.path},
                                        {"status", status},
                                        {"took_ms", took_ms},
                                        {"trace", exchange.request.correlation_id}};
  status >= 500 ? log_.Warn("request", fields) : log_.Debug("request", fields);
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
