#include "transcript/captions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace narralytica::transcript {
namespace {

constexpr int64_t kParagraphPauseMs = 2'000;
constexpr int64_t kParagraphMs = 60'000;

bool StartsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

size_t Characters(std::string_view text) {
  return size_t(std::ranges::count_if(text, StartsCharacter));
}

// The first `count` characters of `text`, as bytes.
size_t PrefixBytes(std::string_view text, size_t count) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (StartsCharacter(text[i]) && count-- == 0) return i;
  }
  return text.size();
}

// Collects words into one caption.
class CaptionBuilder {
 public:
  CaptionBuilder(const CaptionRules& rules, bool spaces) : rules_(rules), spaces_(spaces) {}

  bool empty() const { return lines_.empty(); }

  // False when the caption has no room left for the word.
  bool Add(const Word& word, std::string_view text) {
    const bool first = empty();
    if (!first && word.end_ms - start_ms_ > rules_.caption_ms_max) return false;
    const size_t length = Characters(text);
    const size_t gap = spaces_ ? 1 : 0;
    if (!first && Characters(lines_.back()) + gap + length <= rules_.line_characters_max) {
      if (spaces_) lines_.back() += ' ';
      lines_.back() += text;
    } else if (lines_.size() < rules_.lines_max) {
      lines_.emplace_back(text);
    } else {
      return false;
    }
    if (first) start_ms_ = word.start_ms;
    end_ms_ = std::min(word.end_ms, start_ms_ + rules_.caption_ms_max);
    return true;
  }

  void Flush(std::vector<Caption>& captions) {
    if (!empty()) captions.push_back({{start_ms_, end_ms_}, std::move(lines_)});
    lines_.clear();
  }

 private:
  const CaptionRules& rules_;
  const bool spaces_;
  std::vector<std::string> lines_;
  int64_t start_ms_ = 0;
  int64_t end_ms_ = 0;
};

void AppendCaptions(const Segment& segment, const CaptionRules& rules,
                    std::vector<Caption>& captions) {
  CaptionBuilder builder(rules, !WrittenWithoutSpaces(segment.language));
  for (const Word& word : segment.words) {
    // A word longer than a line is cut, its time shared out by length.
    const size_t length = std::max<size_t>(1, Characters(word.text));
    std::string_view rest = word.text;
    size_t done = 0;
    while (!rest.empty()) {
      const std::string_view part = rest.substr(0, PrefixBytes(rest, rules.line_characters_max));
      const size_t characters = Characters(part);
      const int64_t span_ms = word.end_ms - word.start_ms;
      const Word piece{word.start_ms + span_ms * int64_t(done) / int64_t(length),
                       word.start_ms + span_ms * int64_t(done + characters) / int64_t(length),
                       std::string(part), word.confidence};
      if (!builder.Add(piece, part)) {
        builder.Flush(captions);
        builder.Add(piece, part);
      }
      rest.remove_prefix(part.size());
      done += characters;
    }
  }
  builder.Flush(captions);
}

std::string Timestamp(int64_t offset_ms, char separator) {
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", offset_ms / 3'600'000, offset_ms / 60'000 % 60,
                     offset_ms / 1000 % 60, separator, offset_ms % 1000);
}

std::string EscapeVtt(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

}  // namespace

std::vector<Caption> MakeCaptions(std::span<const Segment> segments, const CaptionRules& rules) {
  std::vector<Caption> captions;
  for (const Segment& segment : segments) AppendCaptions(segment, rules, captions);
  return captions;
}

std::string ToSrt(std::span<const Caption> captions) {
  std::string srt;
  for (size_t i = 0; i < captions.size(); ++i) {
    const TimeRange& range = captions[i].range;
    srt += fmt::format("{}\n{} --> {}\n{}\n\n", i + 1, Timestamp(range.start_ms, ','),
                       Timestamp(range.end_ms, ','), fmt::join(captions[i].lines, "\n"));
  }
  return srt;
}

std::string ToVtt(std::span<const Caption> captions) {
  std::string vtt = "WEBVTT\n";
  for (const Caption& caption : captions) {
    vtt += fmt::format("\n{} --> {}\n", Timestamp(caption.range.start_ms, '.'),
                       Timestamp(caption.range.end_ms, '.'));
    for (const std::string& line : caption.lines) vtt += EscapeVtt(line) + "\n";
  }
  return vtt;
}

std::string ToText(std::span<const Segment> segments) {
  std::string text;
  int64_t paragraph_start_ms = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const TimeRange& range = segments[i].range;
    const bool paragraph = i == 0 ||
                           range.start_ms - segments[i - 1].range.end_ms >= kParagraphPauseMs ||
                           range.start_ms - paragraph_start_ms >= kParagraphMs;
    if (paragraph) paragraph_start_ms = range.start_ms;
    if (i > 0) text += paragraph ? "\n\n" : WrittenWithoutSpaces(segments[i].language) ? "" : " ";
    text += segments[i].text;
  }
  if (!segments.empty()) text += '\n';
  return text;
}

}  // namespace narralytica::transcript
