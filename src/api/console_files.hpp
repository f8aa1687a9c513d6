// The web application's built files, served from memory.
//
// A folder as Vite builds it: index.html, and assets/ with the content's hash in every name. Read
// once when the server starts; text is kept compressed too. What is not a file is answered with
// index.html, since the application has addresses of its own. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "api/http.hpp"

namespace narralytica::api {

class ConsoleFiles {
 public:
  // A folder without index.html, or "", gives a page that says so. kLimited for a folder that is
  // far larger than a web application.
  static Result<std::unique_ptr<ConsoleFiles>> Load(const std::string& folder);

  Response Answer(const Request& request) const;
  bool found() const { return files_.contains("/index.html"); }

 private:
  struct File {
    SharedText content;
    SharedText gzipped;  // null when that is not smaller
    std::string content_type;
    std::string etag;
  };
  ConsoleFiles() = default;
  Response Serve(const Request& request, const File& file, bool is_asset) const;

  std::map<std::string, File> files_;  // by path, "/assets/index-4f3a.js"
};

}  // namespace narralytica::api
