# nrl_module(NAME [LIBRARIES ...]): src/NAME/*.cpp becomes the static library nrl_NAME, its
# *_test.cpp the test program NAME_test. Each module links every module declared before it.
set(NRL_MODULES "")

function(nrl_module name)
  cmake_parse_arguments(ARG "" "" "LIBRARIES" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cpp$")
  if(NOT sources)
    set(sources ${CMAKE_SOURCE_DIR}/cmake/empty.cpp)
  endif()
  add_library(nrl_${name} STATIC ${sources})
  target_include_directories(nrl_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(nrl_${name} PUBLIC ${NRL_MODULES} ${ARG_LIBRARIES} Threads::Threads)
  if(tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE nrl_${name} GTest::gmock GTest::gtest_main)
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    # Debian's libxapian deletes some of its own objects by their base class.
    set_tests_properties(${name} PROPERTIES TIMEOUT 120 LABELS unit
                         ENVIRONMENT ASAN_OPTIONS=new_delete_type_mismatch=0)
  endif()
  list(PREPEND NRL_MODULES nrl_${name})
  set(NRL_MODULES ${NRL_MODULES} PARENT_SCOPE)
endfunction()
