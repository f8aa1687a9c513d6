// Segments -> what people read: SubRip and WebVTT captions, plain text.
//
// A caption is shown for at most 7 s and has at most 2 lines of at most 42 characters; captions do
// not overlap, and none has the words of two speakers. The first caption of a turn says who speaks:
// "Name: " in SubRip, which counts as part of the line, a voice tag in WebVTT.
// WebVTT: W3C Candidate Recommendation 2019; SubRip: as its players read it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "transcript/segmenter.hpp"

namespace narralytica::transcript {

struct Caption {
  TimeRange range;
  std::vector<std::string> lines;  // one or two, not empty, no line breaks inside
  std::string voice = {};          // who begins to speak here; "" for nobody new
};

// What speakers are called, without line breaks; one that is not here is not named.
using SpeakerNames = std::map<SpeakerId, std::string>;

// A longer name is cut where it stands before what is said.
inline constexpr size_t kCaptionNameCharactersMax = 20;

struct CaptionRules {
  int64_t caption_ms_max = 7'000;
  size_t line_characters_max = 42;  // Unicode code points
  size_t lines_max = 2;
};

std::vector<Caption> MakeCaptions(std::span<const Segment> segments, const SpeakerNames& names = {},
                                  const CaptionRules& rules = {});

std::string ToSrt(std::span<const Caption> captions);
std::string ToVtt(std::span<const Caption> captions);

// The text alone, in paragraphs: what one speaker says up to a pause of two seconds, or about a
// minute. The first paragraph of a turn begins with the speaker's name.
std::string ToText(std::span<const Segment> segments, const SpeakerNames& names = {});

}  // namespace narralytica::transcript
