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

// Cut to what has room before a line.
std::string ShownName(const std::string& name) {
  if (Characters(name) <= kCaptionNameCharactersMax) return name;
  return name.substr(0, PrefixBytes(name, kCaptionNameCharactersMax - 1)) + "…";
}

std::string NamePrefix(const std::string& name) { return ShownName(name) + ": "; }

// Follows the turns through the segments of a recording.
class Turns {
 public:
  explicit Turns(const SpeakerNames& names) : names_(names) {}

  // Whether another one speaks than before; nobody does where speakers have no names.
  bool Changes(const Segment& segment) const {
    return !names_.empty() && segment.speaker != speaker_;
  }

  // Goes on to the segment: the name of who begins to speak with it; "" for nobody new.
  std::string Enter(const Segment& segment) {
    if (!Changes(segment)) return {};
    speaker_ = segment.speaker;
    const auto name = speaker_ ? names_.find(*speaker_) : names_.end();
    return name == names_.end() ? std::string() : name->second;
  }

 private:
  const SpeakerNames& names_;
  std::optional<SpeakerId> speaker_;
};

// Collects words into one caption.
class CaptionBuilder {
 public:
  CaptionBuilder(const CaptionRules& rules, bool spaces, std::string voice)
      : rules_(rules), spaces_(spaces), voice_(std::move(voice)) {}

  bool empty() const { return lines_.empty(); }

  // Characters that a word at the beginning of the open caption may have; at least one.
  size_t LineCharacters() const {
    const size_t name = voice_.empty() ? 0 : Characters(NamePrefix(voice_));
    return std::max<size_t>(rules_.line_characters_max - std::min(name, rules_.line_characters_max),
                            1);
  }

  // False when the caption has no room left for the word.
  bool Add(const Word& word, std::string_view text) {
    const bool first = empty();
    if (!first && word.end_ms - start_ms_ > rules_.caption_ms_max) return false;
    const size_t length = Characters(text);
    const size_t gap = spaces_ ? 1 : 0;
    const size_t room = lines_.size() < 2 ? LineCharacters() : rules_.line_characters_max;
    if (!first && Characters(lines_.back()) + gap + length <= room) {
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
    if (!empty()) captions.push_back({{start_ms_, end_ms_}, std::move(lines_), std::move(voice_)});
    lines_.clear();
    voice_.clear();
  }

 private:
  const CaptionRules& rules_;
  const bool spaces_;
  std::string voice_;
  std::vector<std::string> lines_;
  int64_t start_ms_ = 0;
  int64_t end_ms_ = 0;
};

// `voice` is who begins to speak with the segment.
void AppendCaptions(const Segment& segment, std::string voice, const CaptionRules& rules,
                    std::vector<Caption>& captions) {
  CaptionBuilder builder(rules, !WrittenWithoutSpaces(segment.language), std::move(voice));
  for (const Word& word : segment.words) {
    // A word longer than a line is cut, its time shared out by length.
    const size_t length = std::max<size_t>(1, Characters(word.text));
    std::string_view rest = word.text;
    size_t done = 0;
    while (!rest.empty()) {
      const size_t room = builder.empty() ? builder.LineCharacters() : rules.line_characters_max;
      const std::string_view part = rest.substr(0, PrefixBytes(rest, room));
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

std::vector<Caption> MakeCaptions(std::span<const Segment> segments, const SpeakerNames& names,
                                  const CaptionRules& rules) {
  std::vector<Caption> captions;
  Turns turns(names);
  for (const Segment& segment : segments) {
    AppendCaptions(segment, turns.Enter(segment), rules, captions);
  }
  return captions;
}

std::string ToSrt(std::span<const Caption> captions) {
  std::string srt;
  for (size_t i = 0; i < captions.size(); ++i) {
    const TimeRange& range = captions[i].range;
    const std::string& voice = captions[i].voice;
    srt += fmt::format("{}\n{} --> {}\n{}{}\n\n", i + 1, Timestamp(range.start_ms, ','),
                       Timestamp(range.end_ms, ','), voice.empty() ? "" : NamePrefix(voice),
                       fmt::join(captions[i].lines, "\n"));
  }
  return srt;
}

std::string ToVtt(std::span<const Caption> captions) {
  std::string vtt = "WEBVTT\n";
  for (const Caption& caption : captions) {
    vtt += fmt::format("\n{} --> {}\n", Timestamp(caption.range.start_ms, '.'),
                       Timestamp(caption.range.end_ms, '.'));
    if (!caption.voice.empty()) vtt += "<v " + EscapeVtt(caption.voice) + ">";
    for (const std::string& line : caption.lines) vtt += EscapeVtt(line) + "\n";
  }
  return vtt;
}

std::string ToText(std::span<const Segment> segments, const SpeakerNames& names) {
  std::string text;
  Turns turns(names);
  int64_t paragraph_start_ms = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const TimeRange& range = segments[i].range;
    const bool paragraph = i == 0 || turns.Changes(segments[i]) ||
                           range.start_ms - segments[i - 1].range.end_ms >= kParagraphPauseMs ||
                           range.start_ms - paragraph_start_ms >= kParagraphMs;
    if (paragraph) paragraph_start_ms = range.start_ms;
    if (i > 0) text += paragraph ? "\n\n" : WrittenWithoutSpaces(segments[i].language) ? "" : " ";
    const std::string voice = turns.Enter(segments[i]);
    if (!voice.empty()) text += voice + ": ";
    text += segments[i].text;
  }
  if (!segments.empty()) text += '\n';
  return text;
}

}  // namespace narralytica::transcript
