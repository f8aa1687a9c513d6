#include "media/protocol.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include "media/clean_text.hpp"
#include "media/media_error.hpp"

namespace narralytica::media {
namespace {

MediaInfo FullInfo() {
  MediaInfo info;
  info.container = "matroska,webm";
  info.bytes = 12'345;
  info.declared_duration_ms = 6'000;
  info.streams = {{.index = 0,
                   .kind = StreamKind::kVideo,
                   .codec = "h264",
                   .language = "",
                   .is_default = true,
                   .channels = 0,
                   .sample_rate = 0,
                   .width = 320,
                   .height = 180,
                   .frame_rate = 15,
                   .rotation_degrees = 270},
                  {.index = 1,
                   .kind = StreamKind::kAudio,
                   .codec = "aac",
                   .language = "deu",
                   .is_default = false,
                   .channels = 2,
                   .sample_rate = 44'100,
                   .width = 0,
                   .height = 0,
                   .frame_rate = 0,
                   .rotation_degrees = 0}};
  info.audio_stream = 1;
  info.video_stream = 0;
  info.title = "Größe";
  info.date = "1961-01-20";
  info.chapters = {{{0, 1'000}, "One"}};
  return info;
}

TEST(ProtocolTest, RequestSurvivesTheTrip) {
  MediaRequest request;
  request.op = MediaOp::kPcm;
  request.limits.streams_max = 3;
  request.range = {1'000, 2'000};
  request.own_flac = true;
  request.unshare_network = true;
  const Result<MediaRequest> read = DecodeRequest(Encode(request));
  ASSERT_TRUE(read) << read.error().cause;
  EXPECT_EQ(read->op, request.op);
  EXPECT_EQ(read->limits, request.limits);
  EXPECT_EQ(read->range, request.range);
  EXPECT_TRUE(read->own_flac);
  EXPECT_TRUE(read->unshare_network);
}

TEST(ProtocolTest, AnswersSurviveTheTrip) {
  Prepared prepared;
  prepared.info = FullInfo();
  prepared.samples = 96'000;
  prepared.loudness_lufs = -21.5;
  prepared.channel_correlation = 0.25;
  prepared.warnings = {"truncated"};
  const Result<MediaEvent> event = DecodeEvent(ResultEvent(ToJson(prepared), {1'500, 70'000'000}));
  ASSERT_TRUE(event) << event.error().cause;
  EXPECT_EQ(event->usage.cpu_ms, 1'500);
  const Result<Prepared> read = DecodePrepared(event->result.value(), MediaLimits{});
  ASSERT_TRUE(read) << read.error().cause;
  EXPECT_EQ(read->info, prepared.info);
  EXPECT_EQ(read->samples, 96'000);
  EXPECT_EQ(read->loudness_lufs, prepared.loudness_lufs);
  EXPECT_EQ(read->channel_correlation, prepared.channel_correlation);
  EXPECT_EQ(read->warnings, prepared.warnings);
}

TEST(ProtocolTest, ErrorsKeepOnlyWhatTheTableSays) {
  Error sent = MediaError(MediaReason::kEncrypted, "stream 1");
  sent.message = "visit evil.example";
  const Result<MediaEvent> event = DecodeEvent(ErrorEvent(sent));
  ASSERT_TRUE(event && event->error);
  EXPECT_EQ(event->error->reason, "media_encrypted");
  EXPECT_EQ(event->error->code, ErrorCode::kInvalid);
  EXPECT_EQ(event->error->message, "the recording is encrypted");
  EXPECT_EQ(event->error->cause, "stream 1");
}

TEST(ProtocolTest, RefusesWhatTheChildMayNotSay) {
  for (const char* line :
       {"", "x", "[]", "null", "{}", R"({"event":"shell"})", R"({"event":"progress"})",
        R"({"event":"progress","fraction":2})", R"({"event":"progress","fraction":"1"})",
        R"({"event":"error","reason":"media_empty"})",
        R"({"event":"result","result":{},"cpu_ms":-1,"rss_bytes_max":0})",
        R"({"event":"result","result":{},"cpu_ms":1e99,"rss_bytes_max":0})"}) {
    const Result<MediaEvent> event = DecodeEvent(line);
    ASSERT_FALSE(event) << line;
    EXPECT_EQ(event.error().reason, "media_decode_failed") << line;
  }
}

TEST(ProtocolTest, RefusesAnswersBeyondTheLimits) {
  MediaLimits limits;
  nlohmann::json good = ToJson(FullInfo());
  ASSERT_TRUE(DecodeInfo(good.dump(), limits));
  limits.streams_max = 1;
  EXPECT_FALSE(DecodeInfo(good.dump(), limits));
  limits.streams_max = 64;
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, nlohmann::json>>{
           {"bytes", -5},
           {"title", 7},
           {"streams", "none"},
           {"chapters", {{{"start_ms", 5}, {"end_ms", 1}, {"title", ""}}}}}) {
    nlohmann::json bad = good;
    bad[key] = value;
    EXPECT_FALSE(DecodeInfo(bad.dump(), limits)) << key;
  }
  Prepared prepared;
  prepared.samples = (limits.decoded_duration_ms_max + 2'000) * 16;
  EXPECT_FALSE(DecodePrepared(ToJson(prepared).dump(), limits));
}

TEST(MediaErrorTest, EveryReasonReadsBack) {
  for (int i = 0; i <= static_cast<int>(MediaReason::kTimeout); ++i) {
    const auto reason = static_cast<MediaReason>(i);
    EXPECT_EQ(MediaReasonFromString(ToString(reason)), reason);
    const Error error = MediaError(reason);
    EXPECT_FALSE(error.message.empty());
    EXPECT_FALSE(error.hint.empty());
  }
  EXPECT_FALSE(MediaReasonFromString("media_else"));
}

TEST(MediaLimitsTest, NamesEveryProblem) {
  EXPECT_TRUE(MediaLimits{}.Validate().empty());
  MediaLimits limits;
  limits.streams_max = 0;
  limits.sample_rate_max = 10;
  EXPECT_THAT(limits.Validate(), testing::ElementsAre(testing::HasSubstr("streams_max"),
                                                      testing::HasSubstr("sample_rate_max")));
}

TEST(CleanTextTest, MakesHarmlessText) {
  EXPECT_EQ(CleanText("Größe 東京 🎙", 99), "Größe 東京 🎙");
  EXPECT_EQ(CleanText("a\nb\x1b[31m\x7f", 99), "a b [31m ");
  EXPECT_EQ(CleanText("\xff\xc0\x80", 99), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(CleanText("\xe2\x82", 99), "\uFFFD\uFFFD");
  EXPECT_EQ(CleanText("\xed\xa0\x80", 99), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(CleanText("aé", 2), "a");                              // never half a character
}

}  // namespace
}  // namespace narralytica::media
