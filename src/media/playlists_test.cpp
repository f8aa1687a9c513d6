// Files that send their reader elsewhere, read in this process: no sandbox holds it back, so that
// it is the reading itself which must not go there.
#include <fcntl.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include "media/av.hpp"
#include "media/media_samples.hpp"
#include "media/operations.hpp"
#include "media/test_listener.hpp"

namespace narralytica::media {
namespace {

using platform::FileDescriptor;

std::string Box(std::string_view name, const std::string& content) {
  const auto size = static_cast<uint32_t>(content.size() + 8);
  std::string box;
  for (int shift = 24; shift >= 0; shift -= 8) box += static_cast<char>(size >> shift);
  return box.append(name) + content;
}

std::vector<std::string> Playlists(uint16_t port, const std::string& file) {
  const std::string host = fmt::format("http://127.0.0.1:{}", port);
  const std::string hls = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n";
  return {fmt::format("{}#EXTINF:4,\n{}/a.ts\n#EXT-X-ENDLIST\n", hls, host),
          fmt::format("{}#EXT-X-KEY:METHOD=AES-128,URI=\"{}/key\"\n#EXTINF:4,\nfile://{}\n", hls,
                      host, file),
          fmt::format("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}/b.m3u8\n", host),
          fmt::format("{}#EXTINF:4,\nconcat:{}|{}/b\n#EXT-X-ENDLIST\n", hls, file, host),
          fmt::format("ffconcat version 1.0\nfile {}/a.wav\n", host),
          fmt::format("ffconcat version 1.0\nfile {}\n", file),
          fmt::format("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                      "m=audio {} RTP/AVP 0\n",
                      port),
          fmt::format("<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
                      "type=\"static\"><BaseURL>{}/</BaseURL><Period/></MPD>",
                      host),
          fmt::format("[Reference]\nRef1={}/a.asf\n", host),
          fmt::format("rtsp://127.0.0.1:{}/a.rm\n", port),
          Box("ftyp", std::string("qt  \0\0\0\0qt  ", 12)) +
              Box("moov",
                  Box("rmra", Box("rmda", Box("rdrf", std::string("\0\0\0\0url ", 8) + host))))};
}

class PlaylistsTest : public testing::Test {
 protected:
  std::string Write(const std::string& content) const {
    const std::string path = folder_.path() + "/playlist";
    WriteAll(path, content);
    return path;
  }
  platform::TemporaryFolder folder_ =
      platform::TemporaryFolder::Create(testing::TempDir(), "playlists").value();
  TestListener listener_;
};

TEST_F(PlaylistsTest, NoneIsFollowed) {
  const std::string speech = folder_.path() + "/speech.wav";
  WriteAll(speech, Wav(Tone(440, 16'000, 16'000)));
  for (const std::string& content : Playlists(listener_.port(), speech)) {
    const FileDescriptor file(open(Write(content).c_str(), O_RDONLY | O_CLOEXEC));
    const Result<MediaInfo> info = ProbeMedia(file.get(), {});
    if (info) {
      EXPECT_TRUE(info->streams.empty()) << content;
    } else {
      EXPECT_EQ(info.error().reason, "media_unreadable") << content;
    }
  }
  EXPECT_EQ(listener_.Connections(), 0);
}

// The twin: libav as it comes follows the first of them.
TEST_F(PlaylistsTest, LibavItselfWouldFollow) {
  const std::string path = Write(Playlists(listener_.port(), "none")[0]);
  AvDictionary options;
  options.Set("protocol_whitelist", "file,http,tcp");
  options.Set("rw_timeout", "100000");
  options.Set("allowed_extensions", "ALL");
  AVFormatContext* format = nullptr;
  const AVInputFormat* hls = av_find_input_format("hls");
  if (avformat_open_input(&format, path.c_str(), hls, options.get()) == 0) {
    avformat_close_input(&format);
  }
  EXPECT_GE(listener_.Connections(), 1);
}

}  // namespace
}  // namespace narralytica::media
