// Downloads a recording into a file, through the dialer, and goes on where an earlier attempt
// ended.
//
// PATH has the bytes; beside it PATH.state says of which URL they are, how many there will be and
// by which validator (a strong ETag, else Last-Modified) the server can tell that they are still
// the same. The file's length is the checkpoint: there is nothing else that could disagree with it.
// An attempt asks for the rest with Range and If-Range (RFC 9110, sections 13.1.5 and 14.2); a
// server that answers with the whole, or whose file has changed, makes it begin anew. So a worker
// that dies loses at most what the system had not written.
//
// Within one attempt a download that breaks off goes on at once, as long as each try gets further,
// at most fetch.resumes_max times.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "source/dialer.hpp"

namespace narralytica::source {

struct DownloadRequest {
  std::string url;
  std::string path;  // its folder is there
  int64_t bytes_max = 0;
  // Bytes that are there, of how many when the server says so.
  std::function<void(int64_t done, std::optional<int64_t> total)> on_progress;
};

struct Downloaded {
  int64_t bytes = 0;
  std::string content_type;  // lower case, without parameters; may be empty
  // What the server calls the file, else the last part of the URL's path; decoded, may be empty,
  // never with a slash. Not to be trusted.
  std::string file_name;
  int resumes = 0;  // how often it went on within this attempt
};

// The dialer's errors, and
//   url_not_media   invalid   a web page or another text instead of a recording
//   media_empty     invalid   no bytes
//   media_too_large limited   more than bytes_max
// After an error that is not permanent the file stays for the next attempt.
Result<Downloaded> Download(const Dialer& dialer, const DownloadRequest& request,
                            const Deadline& deadline);

// Takes away what Download left at `path`.
void ForgetDownload(const std::string& path);

// `filename` of a Content-Disposition header (RFC 6266), without folders; "" when it has none.
std::string DispositionFileName(std::string_view header);

}  // namespace narralytica::source
