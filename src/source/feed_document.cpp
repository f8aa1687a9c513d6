#include "source/feed_document.hpp"

#include <expat.h>
#include <fmt/format.h>

#include <memory>

#include "base/utf8.hpp"
#include "platform/http/url.hpp"

namespace narralytica::source {
namespace {

constexpr size_t kDepthMax = 64;
constexpr size_t kTextBytesMax = 4'096;
constexpr std::string_view kAtom = "http://www.w3.org/2005/Atom ";
constexpr std::string_view kMedia = "http://search.yahoo.com/mrss/ ";

std::string Attribute(const XML_Char** attributes, std::string_view name) {
  for (; *attributes != nullptr; attributes += 2) {
    if (name == attributes[0]) return attributes[1];
  }
  return {};
}

// White space runs become one space; cut between characters.
std::string Tidy(std::string_view text) {
  std::string tidy;
  for (size_t i = 0; i < text.size();) {
    const size_t bytes = std::max<size_t>(1, Utf8SequenceBytes(text.substr(i)));
    if (tidy.size() + bytes > kTextBytesMax) break;
    const auto c = static_cast<unsigned char>(text[i]);
    if (c > ' ' && c != 0x7F) {
      tidy.append(text.substr(i, bytes));
    } else if (!tidy.empty() && tidy.back() != ' ') {
      tidy += ' ';
    }
    i += bytes;
  }
  if (tidy.ends_with(' ')) tidy.pop_back();
  return tidy;
}

std::optional<UtcMs> ParseDate(const std::string& text) {
  if (const auto time = ParseRfc3339(text)) return *time;
  return platform::ParseInternetDate(text);
}

bool IsRecording(const std::string& type) {
  return type.empty() || type.starts_with("audio/") || type.starts_with("video/") ||
         type == "application/octet-stream" || type == "application/ogg" ||
         type == "application/mp4";
}

class FeedReader {
 public:
  explicit FeedReader(size_t items_max)
      : items_max_(items_max), parser_(XML_ParserCreateNS(nullptr, ' '), XML_ParserFree) {
    NRL_ASSERT(parser_ != nullptr);
    XML_SetUserData(parser_.get(), this);
    XML_SetElementHandler(parser_.get(), OnStart, OnEnd);
    XML_SetCharacterDataHandler(parser_.get(), OnText);
    XML_SetStartDoctypeDeclHandler(parser_.get(), OnDoctype);
  }

  Result<FeedDocument> Read(std::string_view text) {
    const XML_Status status =
        XML_Parse(parser_.get(), text.data(), static_cast<int>(text.size()), XML_TRUE);
    if (enough_) return std::move(document_);
    if (problem_.empty() && status != XML_STATUS_OK) {
      problem_ = fmt::format("line {}: {}", XML_GetCurrentLineNumber(parser_.get()),
                             XML_ErrorString(XML_GetErrorCode(parser_.get())));
    }
    if (problem_.empty()) return std::move(document_);
    return Fail(Error{ErrorCode::kInvalid,
                      "there is no feed that can be read: " + problem_,
                      "give the address of an RSS 2.0 or Atom feed",
                      {},
                      "feed_unreadable"});
  }

 private:
  static FeedReader& Of(void* self) { return *static_cast<FeedReader*>(self); }
  static void OnStart(void* self, const XML_Char* name, const XML_Char** attributes) {
    Of(self).Start(name, attributes);
  }
  static void OnEnd(void* self, const XML_Char*) { Of(self).End(); }
  static void OnText(void* self, const XML_Char* text, int bytes) {
    std::string& kept = Of(self).text_;
    if (kept.size() < kTextBytesMax) kept.append(text, static_cast<size_t>(bytes));
  }
  static void OnDoctype(void* self, const XML_Char*, const XML_Char*, const XML_Char*, int) {
    Of(self).Stop("it has a document type");
  }

  void Stop(std::string problem) {
    problem_ = std::move(problem);
    XML_StopParser(parser_.get(), XML_FALSE);
  }

  void Start(std::string_view name, const XML_Char** attributes) {
    text_.clear();
    if (names_.empty() && name != "rss" && name != std::string(kAtom) + "feed") {
      return Stop("its root is neither rss nor feed");
    }
    if (names_.size() >= kDepthMax) return Stop("it is nested too deep");
    names_.emplace_back(name);
    const bool rss_item = name == "item" && names_.size() == 3;
    const bool entry = name == std::string(kAtom) + "entry" && names_.size() == 2;
    if (rss_item || entry) {
      item_.emplace();
      item_depth_ = names_.size();
    } else if (item_ && names_.size() == item_depth_ + 1) {
      Enclosure(name, attributes);
    }
  }

  void Enclosure(std::string_view name, const XML_Char** attributes) {
    const bool link =
        name == std::string(kAtom) + "link" && Attribute(attributes, "rel") == "enclosure";
    const bool rss = name == "enclosure" || name == std::string(kMedia) + "content";
    if ((!link && !rss) || !item_->enclosure_url.empty()) return;
    const std::string type = Attribute(attributes, "type");
    if (!IsRecording(type)) return;
    item_->enclosure_url = Tidy(Attribute(attributes, link ? "href" : "url"));
    item_->enclosure_type = type;
  }

  void End() {
    if (!problem_.empty()) return;  // expat still ends an element that it was stopped in
    std::string name = names_.back();
    if (name.starts_with(kAtom)) name.erase(0, kAtom.size());
    const std::string text = Tidy(text_);
    text_.clear();
    if (item_ && names_.size() == item_depth_ + 1) {
      if (name == "guid" || name == "id") item_->guid = text;
      if (name == "title") item_->title = text;
      const bool date =
          name == "pubDate" || name == "published" || (name == "updated" && !item_->published_at);
      if (date) item_->published_at = ParseDate(text);
    } else if (item_ && names_.size() == item_depth_) {
      if (!item_->enclosure_url.empty()) document_.items.push_back(std::move(*item_));
      item_.reset();
      if (document_.items.size() >= items_max_) {
        enough_ = true;
        XML_StopParser(parser_.get(), XML_FALSE);
      }
    } else if (!item_ && name == "title" && document_.title.empty() &&
               (names_.size() == 2 || names_.at(names_.size() - 2) == "channel")) {
      document_.title = text;
    }
    names_.pop_back();
  }

  const size_t items_max_;
  std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser_;
  FeedDocument document_;
  std::vector<std::string> names_;  // of the elements that are open
  std::optional<FeedItem> item_;
  size_t item_depth_ = 0;
  std::string text_, problem_;
  bool enough_ = false;
};

}  // namespace

Result<FeedDocument> ParseFeed(std::string_view text, size_t items_max) {
  if (std::cmp_greater(text.size(), INT32_MAX)) {
    return Fail(ErrorCode::kLimited, "the feed is too long");
  }
  return FeedReader(items_max).Read(text);
}

}  // namespace narralytica::source
