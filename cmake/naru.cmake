# How rooms and their tests become targets. An author only adds files.

# What every target of the project is compiled with; kept off third parties.
add_library(naru_flags INTERFACE)
target_compile_options(naru_flags INTERFACE -Wall -Wextra -Wpedantic)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  # libstdc++ shows std::expected only to a compiler that claims the concepts of
  # 202002; clang before 19 has what <expected> needs and claims 201907.
  target_compile_options(naru_flags INTERFACE -Wno-macro-redefined -D__cpp_concepts=202002L)
endif()

# Link-time optimisation of the programs across the rooms that a packet passes. The
# objects of these then hold both kinds of code: the programs are linked from what the
# optimiser reads, the many tests from what the linker reads, which is quick.
option(NARU_LTO "optimise the programs at link time (preset release)" OFF)
# Under the sanitizers optimising takes twice the time of all other compiling, so that it is
# kept for the rooms in which the tests spend theirs.
set(NARU_PACKET_ROOM_OPTIONS "" CACHE STRING "compiler options of the packet rooms (preset asan)")
set(naru_packet_rooms
  base time random wire config buf trace link ip udp icmp tcp stack socket session posix)

# A packet passes many small functions, which often cost more to enter and to leave than
# what they do; g++ by itself stops merging them early.
set(naru_merged_rooms base time wire config buf trace ip udp tcp stack)
set(naru_inlining "")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(naru_inlining -O3 --param=inline-min-speedup=2 --param=max-inline-insns-auto=100
    --param=max-inline-insns-single=1000 --param=early-inlining-insns=60
    --param=large-function-growth=2000 --param=large-stack-frame-growth=5000
    --param=inline-unit-growth=300)
endif()

function(naru_optimised_room name)
  if(name IN_LIST naru_packet_rooms)
    target_compile_options(naru_${name} PRIVATE ${NARU_PACKET_ROOM_OPTIONS})
  endif()
  if(NARU_LTO AND name IN_LIST naru_packet_rooms)
    target_compile_options(naru_${name} PRIVATE -flto -ffat-lto-objects)
    if(name IN_LIST naru_merged_rooms)
      target_compile_options(naru_${name} PRIVATE ${naru_inlining})
    endif()
  endif()
endfunction()

function(naru_optimised_program target)
  if(NARU_LTO)
    target_link_options(${target} PRIVATE -flto=2)
  endif()
endfunction()

function(naru_plain_program target)
  if(NARU_LTO)
    target_link_options(${target} PRIVATE -fno-lto)
  endif()
endfunction()

# naru_room(NAME [DEPS rooms...] [LIBS libraries...])
#
# Makes the target naru_<NAME> from src/<NAME>/*.cpp and one folder below: a static
# library where there is source, an interface where the room is headers alone or
# still empty. main.cpp is left to naru_program.
function(naru_room name)
  cmake_parse_arguments(PARSE_ARGV 1 room "" "" "DEPS;LIBS")
  naru_room_sources(${name} sources)
  if(sources)
    add_library(naru_${name} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(naru_${name} PRIVATE naru_flags)
    naru_optimised_room(${name})
  else()
    add_library(naru_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  naru_room_uses(naru_${name} ${scope})
endfunction()

# naru_program(NAME ROOM room [LIBS ...]): the program of src/<room>/main.cpp, put at
# the top of the build folder (build/release/naru).
function(naru_program name)
  cmake_parse_arguments(PARSE_ARGV 1 program "" "ROOM" "LIBS")
  file(GLOB main CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${program_ROOM}/main.cpp)
  if(main)
    add_executable(${name} ${main})
    target_link_libraries(${name} PRIVATE naru_flags naru_${program_ROOM} ${program_LIBS})
    naru_optimised_program(${name})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
  endif()
endfunction()

# naru_shared_object(NAME ROOM room EXPORTS map [OPTIMISED] [DEPS rooms...] [LIBS ...])
#
# lib<NAME>.so from the sources of a room, with the target name naru_<room>. Only
# the symbols that the linker map names are visible from outside. OPTIMISED: packets
# pass through it, so it is optimised at link time as the programs are.
function(naru_shared_object name)
  cmake_parse_arguments(PARSE_ARGV 1 room "OPTIMISED" "ROOM;EXPORTS" "DEPS;LIBS")
  naru_room_sources(${room_ROOM} sources)
  if(NOT sources)
    return()
  endif()
  add_library(naru_${room_ROOM} SHARED ${sources})
  set_target_properties(naru_${room_ROOM} PROPERTIES
    OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}
    CXX_VISIBILITY_PRESET default LINK_DEPENDS ${room_EXPORTS})
  target_link_options(naru_${room_ROOM} PRIVATE -Wl,--version-script=${room_EXPORTS})
  target_link_libraries(naru_${room_ROOM} PRIVATE naru_flags)
  if(room_OPTIMISED)
    naru_optimised_program(naru_${room_ROOM})
  else()
    naru_plain_program(naru_${room_ROOM})
  endif()
  naru_room_uses(naru_${room_ROOM} PRIVATE)
endfunction()

# Sets `result` to the source files of a room.
function(naru_room_sources name result)
  set(root ${PROJECT_SOURCE_DIR}/src/${name})
  file(GLOB sources CONFIGURE_DEPENDS ${root}/*.cpp ${root}/*/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  set(${result} ${sources} PARENT_SCOPE)
endfunction()

# Include folders and dependencies; reads room_DEPS and room_LIBS of its caller.
macro(naru_room_uses target scope)
  target_include_directories(${target} ${scope}
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  foreach(dep IN LISTS room_DEPS)
    target_link_libraries(${target} ${scope} naru_${dep})
  endforeach()
  target_link_libraries(${target} ${scope} ${room_LIBS})
endmacro()
