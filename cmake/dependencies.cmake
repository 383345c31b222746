# Every dependency, with the reason for it. All come from Debian 12 and Ubuntu 24.04.
#
#   fmt            text formatting (GCC 12 has no <format>)          all of kopt
#   xxHash         content addresses and digests of outputs          base
#   toml++         specs and configuration, with source positions    task
#   nlohmann_json  verdicts, reports, stored evidence, messages      verifier, store, llm_client, cli
#   SQLite         the memory                                        store
#   Eigen          linear algebra of the search's model                agent
#   mustache       the templates of prompts (header only)            prompts
#   libcurl        HTTP and TLS to language models                   llm_client
#   libseccomp     system call filters of the sandbox                verifier/sandbox (static in the worker)
#   CLI11          the command line                                  cli
#   GoogleTest     tests
#   cpp-httplib    the server that tests of llm_client talk to       tests
#   OpenSSL        its certificate; comes with cpp-httplib           tests
#
# Optional, and never linked: CUDA's headers, from NVIDIA's toolkit (12.8 or later) in CUDA_HOME or /usr/local/cuda, for
# kopt-worker-cuda (verifier/cuda), which loads the driver, NVRTC, libnvJitLink (an assembler as a library), CUPTI and
# the driver's management library (libnvidia-ml) when it needs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(GTest REQUIRED)
find_path(MUSTACHE_INCLUDE kainjow/mustache.hpp REQUIRED) # libkainjow-mustache-dev has nothing for CMake
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
if(BUILD_TESTING)
  pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
  find_package(OpenSSL REQUIRED)
endif()
include(GoogleTest)
