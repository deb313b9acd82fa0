set(slots_of_a_core 2)

# naru_test(NAME sources... [ROOMS rooms...] [LIBS ...] [LABEL label] [TIMEOUT seconds])
#
# One program of GoogleTest cases, each of them a test of ctest. ctest starts the
# tests with the highest COST first; it is set so that fast tests run before slow. It is
# given two slots a core (scripts/test), and a test of ours takes a core.
function(naru_test name)
  cmake_parse_arguments(PARSE_ARGV 1 test "" "LABEL;TIMEOUT" "ROOMS;LIBS")
  if(NOT test_LABEL)
    set(test_LABEL unit)
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 120)
  endif()
  set(cost_unit 1000)
  set(cost_conformance 500)
  set(cost_simulation 100)
  add_executable(${name} ${test_UNPARSED_ARGUMENTS})
  target_include_directories(${name} PRIVATE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${name} PRIVATE naru_flags ${test_LIBS})
  foreach(room IN LISTS test_ROOMS)
    target_link_libraries(${name} PRIVATE naru_${room})
  endforeach()
  target_link_libraries(${name} PRIVATE GTest::gmock GTest::gtest_main)
  naru_plain_program(${name})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${test_TIMEOUT} LABELS ${test_LABEL} COST ${cost_${test_LABEL}}
      PROCESSORS ${slots_of_a_core})
endfunction()

# The helper library naru_tests_<name> of tests/<name>/*.cpp; headers "<name>/x.hpp".
function(naru_test_library name)
  cmake_parse_arguments(PARSE_ARGV 1 library "" "" "ROOMS")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  if(sources)
    add_library(naru_tests_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(naru_tests_${name} PRIVATE naru_flags)
  else()
    add_library(naru_tests_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(naru_tests_${name} ${scope} ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(room IN LISTS library_ROOMS)
    target_link_libraries(naru_tests_${name} ${scope} naru_${room})
  endforeach()
  target_link_libraries(naru_tests_${name} ${scope} GTest::gtest)
endfunction()

# test_<room> from tests/unit/<room>/*_test.cpp, where there are any. Other .cpp
# files of the folder are helpers of the tests and are compiled with them.
function(naru_room_tests)
  cmake_parse_arguments(PARSE_ARGV 0 tests "" "" "LIBS")
  foreach(room IN LISTS tests_UNPARSED_ARGUMENTS)
    set(root ${CMAKE_CURRENT_SOURCE_DIR}/unit/${room})
    file(GLOB sources CONFIGURE_DEPENDS ${root}/*_test.cpp)
    file(GLOB helpers CONFIGURE_DEPENDS ${root}/*.cpp)
    if(sources AND TARGET naru_${room})
      list(APPEND sources ${helpers})
      list(REMOVE_DUPLICATES sources)
      naru_test(test_${room} ${sources} ROOMS ${room} LIBS ${tests_LIBS} LABEL unit)
    endif()
  endforeach()
endfunction()

# One program for each tests/<folder>/<area>_test.cpp, named <folder>_<area>. Other
# .cpp files of the folder are helpers of the tests and are compiled with each.
function(naru_area_tests folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*_test.cpp)
  file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  list(FILTER helpers EXCLUDE REGEX "_test\\.cpp$")
  foreach(file IN LISTS files)
    cmake_path(GET file STEM stem)
    string(REGEX REPLACE "_test$" "" area ${stem})
    naru_test(${folder}_${area} ${file} ${helpers}
      ROOMS stack LIBS naru_tests_dsl LABEL ${folder})
  endforeach()
endfunction()

# naru_system_tests([WAITING topics...])
#
# Scripts that need the whole program, and often a network namespace of their own. Each runs
# alone, but those that mostly wait (for a lease's half-time, for silence) run beside others.
function(naru_system_tests)
  cmake_parse_arguments(PARSE_ARGV 0 tests "" "" "WAITING")
  file(GLOB files CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_SOURCE_DIR}/system/*_test.sh ${CMAKE_CURRENT_SOURCE_DIR}/system/*_test.py)
  foreach(file IN LISTS files)
    cmake_path(GET file STEM stem)
    string(REGEX REPLACE "_test$" "" topic ${stem})
    add_test(NAME system.${topic} COMMAND ${file} WORKING_DIRECTORY ${PROJECT_BINARY_DIR})
    set_tests_properties(system.${topic} PROPERTIES LABELS system TIMEOUT 600 SKIP_RETURN_CODE 77
      ENVIRONMENT "NARU_SOURCE=${PROJECT_SOURCE_DIR};NARU_BUILD=${PROJECT_BINARY_DIR}")
    if(topic IN_LIST tests_WAITING)
      set_tests_properties(system.${topic} PROPERTIES COST 2 PROCESSORS 1)
    else()
      set_tests_properties(system.${topic} PROPERTIES COST 1 RUN_SERIAL ON)
    endif()
  endforeach()
endfunction()

# The program `sockets` of tests/sockets/*_test.cpp, which knows nothing of naru. It runs
# twice: on the kernel's sockets, which proves the tests, and under naru run. Not with the
# sanitizers: they stand in front of the same calls, and end a program for bad pointers.
function(naru_socket_tests)
  if(CMAKE_CXX_FLAGS_DEBUG MATCHES "-fsanitize" AND CMAKE_BUILD_TYPE STREQUAL "Debug")
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/sockets/*_test.cpp)
  add_executable(sockets ${sources})
  target_include_directories(sockets PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  target_link_libraries(sockets PRIVATE naru_flags GTest::gtest_main Threads::Threads)
  add_test(NAME sockets.kernel COMMAND sockets)
  add_test(NAME sockets.naru COMMAND naru run -- $<TARGET_FILE:sockets>)
  set_tests_properties(sockets.kernel sockets.naru PROPERTIES LABELS sockets COST 10
    PROCESSORS ${slots_of_a_core} TIMEOUT 300)
endfunction()
