# What was judged was compiled for the machine that it was judged on. Another value (x86-64-v3; empty: the compiler's
# default) makes a library that runs elsewhere, and that nobody has judged.
set(@NAME@_MARCH "native" CACHE STRING "the instruction set that the kernels of @NAME@ are compiled for: -march=...")
if(NOT CMAKE_OBJCOPY)
  message(FATAL_ERROR "@NAME@ needs objcopy, a part of binutils")
endif()

# The kernels' flags are those that were judged. What follows them undoes flags of a project around this one that would
# change results, and makes every symbol one that can be hidden.
set(flags @FLAGS@)
if(@NAME@_MARCH)
  list(APPEND flags -march=${@NAME@_MARCH})
endif()
list(APPEND flags -fno-fast-math -UNDEBUG -fno-lto -w)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND flags -fno-gnu-unique)
endif()

# Links objects into one and makes all of its symbols local but those that match `keep`: kernels may define what they
# like, and nothing of it meets the other kernels or the program.
function(@NAME@_combine output keep)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_CXX_COMPILER} -r -nostdlib -Wl,-d -Wl,--force-group-allocation -o ${output}.all ${ARGN}
    COMMAND ${CMAKE_OBJCOPY} --wildcard "--keep-global-symbol=${keep}" ${output}.all ${output}
    DEPENDS ${ARGN}
    COMMAND_EXPAND_LISTS VERBATIM)
endfunction()

set(objects)
set(compiled @NAME@_run)
foreach(number RANGE @LAST_KERNEL@)
  set(kernel @NAME@_kernel_${number})
  add_library(${kernel} OBJECT src/kernel_${number}.cpp)
  target_compile_options(${kernel} PRIVATE ${flags})
  set_target_properties(${kernel} PROPERTIES POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF)
  @NAME@_combine(${CMAKE_CURRENT_BINARY_DIR}/${kernel}.o "${kernel}_*" $<TARGET_OBJECTS:${kernel}>)
  list(APPEND objects ${CMAKE_CURRENT_BINARY_DIR}/${kernel}.o)
  list(APPEND compiled ${kernel})
endforeach()

add_library(@NAME@_run OBJECT src/run.cpp)
target_include_directories(@NAME@_run PRIVATE include)
target_link_libraries(@NAME@_run PRIVATE OpenMP::OpenMP_CXX)
target_compile_features(@NAME@_run PRIVATE cxx_std_20)
target_compile_options(@NAME@_run PRIVATE -fno-lto $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>)
set_target_properties(@NAME@_run PROPERTIES POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF)
set(whole ${CMAKE_CURRENT_BINARY_DIR}/@NAME@.o)
@NAME@_combine(${whole} "@MANGLED@*" $<TARGET_OBJECTS:@NAME@_run> ${objects})

add_library(@NAME@ ${whole})
add_dependencies(@NAME@ ${compiled})
set_source_files_properties(${whole} PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
set_target_properties(@NAME@ PROPERTIES LINKER_LANGUAGE CXX)
