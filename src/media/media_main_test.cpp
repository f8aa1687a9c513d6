// The test program is also the media child: `media_test media`, as the real binary does it.
#include <string_view>

#include "gmock/gmock.h"
#include "media/child.hpp"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "media") narralytica::media::MediaChildMain();
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
