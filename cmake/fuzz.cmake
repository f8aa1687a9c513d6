# The fuzz targets, tests/fuzz/NAME_fuzz.cpp, with only the sources they need: in a build of their
# own (preset fuzz), by clang, with libFuzzer and the sanitizers that every other source gets too.
set(fuzzed
  access/page.cpp
  api/content.cpp api/fields.cpp api/http.cpp
  base/*.cpp
  index/embedded/crc32c.cpp index/embedded/manifest.cpp index/embedded/vector_block.cpp
  index/embedded/words.cpp index/index.cpp index/stop_words.cpp index/text_analysis.cpp
  index/vectors.cpp
  media/clean_text.cpp media/media_error.cpp media/media_limits.cpp media/media_warning.cpp
  media/protocol.cpp media/waveform.cpp
  platform/config.cpp platform/file.cpp platform/http/url.cpp platform/inference/engine_wire.cpp
  platform/objects/folder_store.cpp platform/sql/sql.cpp
  search/cursor.cpp search/query.cpp
  source/address_rules.cpp source/feed_document.cpp source/uploads.cpp
  transcript/captions.cpp transcript/recognition_wire.cpp transcript/recognizer.cpp
  transcript/transcript_store.cpp)
list(TRANSFORM fuzzed PREPEND ${CMAKE_SOURCE_DIR}/src/)
file(GLOB fuzzed_sources CONFIGURE_DEPENDS ${fuzzed})
list(FILTER fuzzed_sources EXCLUDE REGEX "_test\\.cpp$")

add_library(nrl_fuzzed STATIC EXCLUDE_FROM_ALL ${fuzzed_sources})
target_include_directories(nrl_fuzzed PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_compile_options(nrl_fuzzed PUBLIC -fsanitize=fuzzer-no-link)
# What other sources would need at run time stays undefined in the parts that no target calls.
target_link_libraries(nrl_fuzzed PUBLIC
  fmt::fmt nlohmann_json::nlohmann_json spdlog::spdlog tomlplusplus::tomlplusplus
  PkgConfig::sodium PkgConfig::sqlite3 PkgConfig::libpq PkgConfig::curl PkgConfig::expat
  PkgConfig::icu PkgConfig::zlib stemmer xapian Threads::Threads)

add_custom_target(fuzz)
file(GLOB targets CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp)
foreach(source IN LISTS targets)
  get_filename_component(name ${source} NAME_WE)
  add_executable(${name} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${name} PRIVATE nrl_fuzzed)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  add_dependencies(fuzz ${name})
endforeach()
