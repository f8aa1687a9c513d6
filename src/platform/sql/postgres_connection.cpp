#include "platform/sql/postgres_connection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <array>
#include <charconv>
#include <cstring>

#include "base/hash.hpp"
#include "platform/file.hpp"
#include "platform/secret_file.hpp"

namespace narralytica::platform {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// pg_type.h, which libpq does not install.
enum PgType : Oid {
  kBool = 16,
  kBytea = 17,
  kInt8 = 20,
  kInt2 = 21,
  kInt4 = 23,
  kText = 25,
  kFloat4 = 700,
  kFloat8 = 701,
  kNumeric = 1700,
};

constexpr std::string_view kNoSuchStatement = "26000";
constexpr std::string_view kDuplicateStatement = "42P05";

Error ErrorOfState(const std::string& state, const std::string& cause) {
  const std::string_view kind = std::string_view(state).substr(0, 2);
  if (state == "40001" || state == "40P01" || state == "23505") {
    return {ErrorCode::kConflict,
            state == "23505" ? "this already exists or refers to something that does not"
                             : "another change to the same things came first",
            {},
            cause,
            kTransactionConflict};
  }
  if (kind == "23") {
    return {ErrorCode::kConflict,
            "this already exists or refers to something that does not",
            {},
            cause,
            {}};
  }
  if (state == "42501" || kind == "28") {
    return {ErrorCode::kDenied,
            "the database refuses this to its user",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO its role",
            cause,
            {}};
  }
  if (state == "53100") {
    return {ErrorCode::kUnavailable, "the disk of the database is full",
            "free space on it, then try again", cause, kDiskFull};
  }
  if (state == "55P03" || state == "57014") {
    return {ErrorCode::kUnavailable, "the database is busy", "try again", cause, {}};
  }
  if (state == "25006") {
    return {ErrorCode::kUnavailable,
            "the database takes no writes now",
            "point database.url to the primary server",
            cause,
            {}};
  }
  if (kind == "08" || kind == "53" || kind == "57" || kind == "58" || state == "25P03") {
    return {ErrorCode::kUnavailable, "the database went away", "try again", cause, {}};
  }
  if (kind == "XX" && state != "XX000") {
    return {ErrorCode::kCorrupt, "the database is damaged", "restore it from a backup", cause, {}};
  }
  return {ErrorCode::kInternal, "a database statement failed", {}, cause, {}};
}

Error ErrorOf(const PGresult& answer, const char* name) {
  const char* state = PQresultErrorField(&answer, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(&answer, PG_DIAG_MESSAGE_PRIMARY);
  const std::string code = state == nullptr ? "" : state;
  return ErrorOfState(code,
                      fmt::format("postgres {} in {}: {}", code, name,
                                  message == nullptr ? PQresultErrorMessage(&answer) : message));
}

// libpq's pieces of one parameter; `text` keeps what `values` points to.
struct Bound {
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;
  std::vector<std::string> numbers;

  explicit Bound(const SqlParams& params) {
    numbers.reserve(params.size());
    for (const SqlValue& param : params) {
      std::visit([this](const auto& value) { Add(value); }, param.variant());
    }
  }

 private:
  // A null's type is left to the statement.
  void Add(std::monostate) { Push(0, nullptr, 0, 0); }
  void Add(int64_t value) { AddNumber(kInt8, fmt::format("{}", value)); }
  void Add(double value) { AddNumber(kFloat8, fmt::format("{}", value)); }
  void Add(const std::string& value) { Push(kText, value.data(), value.size(), 1); }
  void Add(const Blob& value) {
    // A null pointer would be a null.
    const void* bytes = value.empty() ? "" : static_cast<const void*>(value.data());
    Push(kBytea, static_cast<const char*>(bytes), value.size(), 1);
  }
  void AddNumber(Oid type, std::string text) {
    numbers.push_back(std::move(text));
    Push(type, numbers.back().c_str(), 0, 0);
  }
  void Push(Oid type, const char* value, size_t bytes, int format) {
    types.push_back(type);
    values.push_back(value);
    lengths.push_back(static_cast<int>(bytes));
    formats.push_back(format);
  }
};

// The same for the same text and types of parameters, in whatever process.
std::string KeptName(std::string_view text, const std::vector<Oid>& types) {
  return "narralytica_" +
         Sha256Hex(fmt::format("{} {}", text, fmt::join(types, " "))).substr(0, 32);
}

SqlValue ReadNumber(std::string_view text, bool whole) {
  if (whole) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
  }
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

SqlValue ReadBytes(const char* text) {
  size_t bytes = 0;
  const std::unique_ptr<unsigned char, decltype(&PQfreemem)> raw(
      PQunescapeBytea(reinterpret_cast<const unsigned char*>(text), &bytes), &PQfreemem);
  NRL_ASSERT(raw != nullptr);
  return Blob(raw.get(), raw.get() + bytes);
}

SqlValue ReadColumn(const PGresult& answer, int row, int column) {
  if (PQgetisnull(&answer, row, column) != 0) return {};
  const char* text = PQgetvalue(&answer, row, column);
  const std::string_view all(text, static_cast<size_t>(PQgetlength(&answer, row, column)));
  switch (PQftype(&answer, column)) {
    case kBool:
      return all == "t";
    case kInt8:
    case kInt4:
    case kInt2:
    case kNumeric:
      return ReadNumber(all, true);
    case kFloat4:
    case kFloat8:
      return ReadNumber(all, false);
    case kBytea:
      return ReadBytes(text);
    default:
      return all;
  }
}

Error ConnectError(PGconn* connection) {
  std::string cause = connection == nullptr ? "out of memory" : PQerrorMessage(connection);
  while (!cause.empty() && cause.back() == '\n') cause.pop_back();
  if (connection != nullptr && PQconnectionNeedsPassword(connection) != 0) {
    return {ErrorCode::kDenied,
            "the database asks for a password",
            "put it into a file of mode 0600 that database.password_file or PGPASSFILE names",
            std::move(cause),
            {}};
  }
  if (connection != nullptr && PQconnectionUsedPassword(connection) != 0) {
    return {ErrorCode::kDenied,
            "the database does not let its user in",
            "check user, password and database name of database.url",
            std::move(cause),
            {}};
  }
  return {ErrorCode::kUnavailable,
          "the database cannot be reached",
          "check that the server of database.url runs and can be reached from here",
          std::move(cause),
          {}};
}

}  // namespace

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(
    const PostgresOptions& options) {
  NRL_CHECK(ParsePostgresUrl(options.url));
  std::string password;
  if (!options.password_file.empty()) {
    NRL_TRY(password, ReadSecretFile(options.password_file, "the password file of the database"));
  }
  // What stands before dbname may be overridden by the URL, what stands after may not.
  const std::array keys{"connect_timeout",
                        "keepalives_idle",
                        "keepalives_interval",
                        "keepalives_count",
                        "tcp_user_timeout",
                        "fallback_application_name",
                        "dbname",
                        "client_encoding",
                        password.empty() ? static_cast<const char*>(nullptr) : "password",
                        static_cast<const char*>(nullptr)};
  const std::array values{"5",
                          "10",
                          "5",
                          "3",
                          "30000",
                          "narralytica",
                          options.url.c_str(),
                          "UTF8",
                          password.c_str(),
                          static_cast<const char*>(nullptr)};
  PGconn* raw = PQconnectdbParams(keys.data(), values.data(), 1);
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(raw));
  if (raw == nullptr || PQstatus(raw) != CONNECTION_OK) return Fail(ConnectError(raw));
  PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
  return connection;
}

bool PostgresConnection::idle() const {
  return !broken_ && PQstatus(connection_.get()) == CONNECTION_OK &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

Error PostgresConnection::Lost(const char* name) {
  broken_ = true;
  std::string cause = PQerrorMessage(connection_.get());
  while (!cause.empty() && cause.back() == '\n') cause.pop_back();
  return {ErrorCode::kUnavailable,
          "the database went away",
          "try again",
          fmt::format("postgres connection lost in {}: {}", name, cause),
          {}};
}

Status PostgresConnection::WaitReadable(steady_clock::time_point until) {
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
    pollfd waited{PQsocket(connection_.get()), POLLIN, 0};
    const int ready = left.count() <= 0 ? 0 : poll(&waited, 1, static_cast<int>(left.count()));
    if (ready > 0) return {};
    if (ready < 0 && errno == EINTR) continue;
    broken_ = true;
    return Fail(ErrorCode::kUnavailable, "the database does not answer", "try again",
                ready < 0 ? std::strerror(errno) : "timeout");
  }
}

Result<PgResult> PostgresConnection::Answer(const char* name, milliseconds timeout) {
  const auto until = steady_clock::now() + timeout;
  state_.clear();
  PgResult last;
  std::optional<Error> error;
  while (true) {
    while (PQisBusy(connection_.get()) != 0) {
      NRL_CHECK(WaitReadable(until));
      if (PQconsumeInput(connection_.get()) == 0) return Fail(Lost(name));
    }
    PgResult next(PQgetResult(connection_.get()));
    if (next == nullptr) break;
    const ExecStatusType status = PQresultStatus(next.get());
    if (status == PGRES_FATAL_ERROR && !error) {
      error = ErrorOf(*next, name);
      const char* state = PQresultErrorField(next.get(), PG_DIAG_SQLSTATE);
      state_ = state == nullptr ? "" : state;
    }
    last = std::move(next);
  }
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    Error lost = Lost(name);
    if (error) lost.cause = error->cause;
    return Fail(std::move(lost));
  }
  if (error) return Fail(*error);
  return last;
}

Result<PgResult> PostgresConnection::Script(const std::string& script, milliseconds timeout) {
  if (PQsendQuery(connection_.get(), script.c_str()) == 0) return Fail(Lost("script"));
  return Answer("script", timeout);
}

Result<PgResult> PostgresConnection::Run(const Statement& statement, const SqlParams& params,
                                         milliseconds timeout) {
  const Bound bound(params);
  const char* text = statement.postgres != nullptr ? statement.postgres : statement.text;
  const int sent = PQsendQueryParams(connection_.get(), text, static_cast<int>(params.size()),
                                     bound.types.data(), bound.values.data(), bound.lengths.data(),
                                     bound.formats.data(), 0);
  if (sent == 0) return Fail(Lost(statement.name));
  return Answer(statement.name, timeout);
}

Result<PgResult> PostgresConnection::RunKept(const Statement& statement, const SqlParams& params,
                                             milliseconds timeout) {
  if (!keeps_) return Run(statement, params, timeout);
  const Bound bound(params);
  const char* text = statement.postgres != nullptr ? statement.postgres : statement.text;
  const std::string name = KeptName(text, bound.types);
  const int count = static_cast<int>(params.size());
  if (!kept_.contains(name)) {
    if (PQsendPrepare(connection_.get(), name.c_str(), text, count, bound.types.data()) == 0) {
      return Fail(Lost(statement.name));
    }
    auto made = Answer(statement.name, timeout);
    // A client before us left it at this server: the name stands for the same text.
    if (!made && state_ != kDuplicateStatement) return made;
    kept_.insert(name);
  }
  if (PQsendQueryPrepared(connection_.get(), name.c_str(), count, bound.values.data(),
                          bound.lengths.data(), bound.formats.data(), 0) == 0) {
    return Fail(Lost(statement.name));
  }
  auto answer = Answer(statement.name, timeout);
  if (answer || state_ != kNoSuchStatement) return answer;
  keeps_ = false;
  return Run(statement, params, timeout);
}

Rows ReadRows(const PGresult& answer) {
  Rows rows;
  const int count = PQntuples(&answer);
  const int width = PQnfields(&answer);
  rows.reserve(static_cast<size_t>(count));
  for (int row = 0; row < count; ++row) {
    std::vector<SqlValue> columns;
    columns.reserve(static_cast<size_t>(width));
    for (int column = 0; column < width; ++column) {
      columns.push_back(ReadColumn(answer, row, column));
    }
    rows.emplace_back(std::move(columns));
  }
  return rows;
}

}  // namespace narralytica::platform
