# The compiled kernels in src are parts of run.cpp.
file(GLOB cubins ${CMAKE_CURRENT_SOURCE_DIR}/src/kernel_*.cubin)
add_library(@NAME@ src/run.cpp)
set_source_files_properties(src/run.cpp PROPERTIES OBJECT_DEPENDS "${cubins}")
target_include_directories(@NAME@ PRIVATE include)
target_compile_features(@NAME@ PRIVATE cxx_std_20)
target_compile_definitions(@NAME@ PRIVATE KERNEL_FOLDER="${CMAKE_CURRENT_SOURCE_DIR}/src")
# Link-time optimisation would part the kernels from what refers to them; -ffast-math would change how scalars are rounded.
target_compile_options(@NAME@ PRIVATE -fno-lto -fno-fast-math)
set_target_properties(@NAME@ PROPERTIES POSITION_INDEPENDENT_CODE ON INTERPROCEDURAL_OPTIMIZATION OFF
                                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
