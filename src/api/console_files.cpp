#include "api/console_files.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <filesystem>

#include "api/content.hpp"
#include "base/hash.hpp"

namespace narralytica::api {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFolderBytesMax = 64 << 20;
constexpr size_t kFilesMax = 2'000;
constexpr size_t kGzipBytesMin = 1'024;
constexpr int kGzipWindow = 15 + 16;  // zlib: with a gzip header
constexpr size_t kEtagHexDigits = 32;

// Nothing but our own files, no styles or scripts in the page, and no text that becomes one.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

constexpr std::string_view kNoConsole =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Narralytica</title>"
    "<h1>Narralytica is running, without its web application</h1>"
    "<p>The API is at <code>/api/v1</code>. To get the web application: install Node 20.19 or "
    "newer from nodejs.org, run <code>make build</code> in the sources, and start the server "
    "again. One that is built elsewhere is named by <code>--set serve.console_folder=FOLDER</code>."
    "</p></html>\n";

std::string ContentType(const std::string& path) {
  static const std::map<std::string, std::string> types{
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".webmanifest", "application/manifest+json"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".txt", "text/plain; charset=utf-8"}};
  const auto found = types.find(fs::path(path).extension().string());
  return found == types.end() ? "application/octet-stream" : found->second;
}

bool IsText(const std::string& type) {
  return type.starts_with("text/") || type.contains("json") || type.contains("svg");
}

SharedText Gzip(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzipWindow, 9, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return nullptr;
  }
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool done = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return done && out.size() < content.size() ? std::make_shared<const std::string>(std::move(out))
                                             : nullptr;
}

// Headers of everything that a browser shows.
Response Guarded(Response response) {
  response.With("Content-Security-Policy", std::string(kPolicy))
      .With("X-Content-Type-Options", "nosniff")
      .With("Referrer-Policy", "no-referrer")
      .With("Cross-Origin-Opener-Policy", "same-origin")
      .With("Permissions-Policy", "camera=(), geolocation=(), microphone=()");
  return response;
}

}  // namespace

Result<std::unique_ptr<ConsoleFiles>> ConsoleFiles::Load(const std::string& folder) {
  std::unique_ptr<ConsoleFiles> self(new ConsoleFiles());
  std::error_code error;
  if (folder.empty() || !fs::is_regular_file(folder + "/index.html", error)) return self;
  int64_t left = kFolderBytesMax;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (!entry.is_regular_file(error) || entry.is_symlink(error)) continue;
    auto content = platform::ReadFile(entry.path().string(), left);
    if (!content) return Fail(content);
    left -= std::ssize(*content);
    const std::string path = "/" + entry.path().lexically_relative(folder).generic_string();
    File file;
    file.content_type = ContentType(path);
    file.etag = fmt::format("\"{}\"", Sha256Hex(*content).substr(0, kEtagHexDigits));
    if (IsText(file.content_type) && content->size() >= kGzipBytesMin) {
      file.gzipped = Gzip(*content);
    }
    file.content = std::make_shared<const std::string>(std::move(*content));
    self->files_[path] = std::move(file);
    if (self->files_.size() > kFilesMax) {
      return Fail(ErrorCode::kLimited, "serve.console_folder has too many files",
                  "name the folder that the build of console/ made");
    }
  }
  return self;
}

Response ConsoleFiles::Serve(const Request& request, const File& file, bool is_asset) const {
  const bool zipped = file.gzipped && request.Header("accept-encoding").contains("gzip");
  const std::string etag = zipped ? file.etag.substr(0, file.etag.size() - 1) + "-gz\"" : file.etag;
  const bool same = Matches(request.Header("if-none-match"), etag);
  Response response{.status = same ? 304 : 200, .headers = {}, .body = {}};
  response.With("ETag", etag)
      .With("Cache-Control", is_asset ? "public, max-age=31536000, immutable" : "no-cache")
      .With("Vary", "Accept-Encoding");
  if (same) return response;
  response.With("Content-Type", file.content_type);
  if (zipped) response.With("Content-Encoding", "gzip");
  response.body = zipped ? file.gzipped : file.content;
  return Guarded(std::move(response));
}

Response ConsoleFiles::Answer(const Request& request) const {
  const auto file = files_.find(request.path);
  const bool is_asset = request.path.starts_with("/assets/");
  if (file != files_.end()) return Serve(request, file->second, is_asset);
  if (is_asset) {  // never the page: a browser would take it for a script
    return ErrorResponse(
        HttpError{404, "resource_not_found", "there is no such file", "load the page again"},
        request.correlation_id);
  }
  const auto page = files_.find("/index.html");
  if (page != files_.end()) return Serve(request, page->second, false);
  Response response{
      .status = request.path == "/" ? 200 : 404, .headers = {}, .body = std::string(kNoConsole)};
  response.With("Content-Type", "text/html; charset=utf-8").With("Cache-Control", "no-cache");
  return Guarded(std::move(response));
}

}  // namespace narralytica::api
