// Facts of memory: module variables, what one launch leaves for the next, mappings, code, sharing between processes.
#include <elf.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>

#include "bench/device_facts/gpu.h"

namespace kopt::facts {
namespace {

// Names of the variables in a cubin's symbol table, with their sizes.
std::vector<std::pair<std::string, size_t>> VariablesOf(const std::string& cubin) {
  Elf64_Ehdr header;
  std::memcpy(&header, cubin.data(), sizeof(header));
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  std::memcpy(sections.data(), cubin.data() + header.e_shoff, sections.size() * sizeof(Elf64_Shdr));
  std::vector<std::pair<std::string, size_t>> found;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type != SHT_SYMTAB) continue;
    const char* names = cubin.data() + sections[section.sh_link].sh_offset;
    for (size_t i = 0; i < section.sh_size / sizeof(Elf64_Sym); ++i) {
      Elf64_Sym symbol;
      std::memcpy(&symbol, cubin.data() + section.sh_offset + i * sizeof(symbol), sizeof(symbol));
      if (ELF64_ST_TYPE(symbol.st_info) == STT_OBJECT && symbol.st_shndx != SHN_UNDEF)
        found.emplace_back(names + symbol.st_name, symbol.st_size);
    }
  }
  return found;
}

// In a child, so that a fault ends only that: what the driver said after `body`.
std::string Outcome(const std::function<void(Gpu&)>& body) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    std::string words = "no fault";
    try {
      Gpu gpu;
      body(gpu);
      gpu.Synchronise();
    } catch (const std::exception& error) {
      words = error.what();
    }
    _exit(write(ends[1], words.data(), words.size()) < 0);
  }
  close(ends[1]);
  std::string words;
  char buffer[512];
  for (ssize_t n; (n = read(ends[0], buffer, sizeof(buffer))) > 0;) words.append(buffer, static_cast<size_t>(n));
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return words;
}

}  // namespace

void Variables() {
  Gpu gpu;
  const CUdeviceptr out = gpu.Allocate(64);
  struct Place {
    std::string name;
    CUdeviceptr address = 0;
    std::vector<char> image;
  };
  std::vector<Place> places;
  for (const auto& [name, size] : VariablesOf(gpu.cubin())) {
    Place place{.name = name};
    size_t bytes = 0;
    const CUresult result = gpu.driver().cuModuleGetGlobal(&place.address, &bytes, gpu.module(), name.c_str());
    fmt::print(
        "  {:<60.60} {:>3} bytes: {}\n", name, size,
        result == CUDA_SUCCESS ? fmt::format("{:#x}, {} bytes", place.address, bytes) : gpu.driver().Words(result));
    if (result != CUDA_SUCCESS) continue;
    place.image.resize(bytes);
    const CUresult read = gpu.driver().cuMemcpyDtoH(place.image.data(), place.address, bytes);
    if (read != CUDA_SUCCESS) fmt::print("    cannot be read: {}\n", gpu.driver().Words(read));
    if (read == CUDA_SUCCESS) places.push_back(std::move(place));
  }
  const auto show = [&](const char* when) {
    gpu.Launch("count", 1, 1, 0, out);
    gpu.Synchronise();
    struct Out {
      int v[5];
    };
    const Out values = gpu.Read<Out>(out);
    fmt::print("  {}: {} {} {} {} {}\n", when, values.v[0], values.v[1], values.v[2], values.v[3], values.v[4]);
  };
  show("first call");
  show("second call");
  for (const Place& place : places) {
    std::vector<char> now(place.image.size());
    gpu.Check(gpu.driver().cuMemcpyDtoH(now.data(), place.address, now.size()), "read");
    if (now != place.image) fmt::print("  changed: {}\n", place.name);
    gpu.Check(gpu.driver().cuMemcpyHtoD(place.address, place.image.data(), place.image.size()), "write");
  }
  show("after restoring");
  // What the driver keeps around them is as writable, and nobody restores it.
  for (const long long bytes : {4096LL, 65536LL}) {
    gpu.Launch("note_behind", 1, 1, 0, bytes, 77, out);
    gpu.Launch("note_behind", 1, 1, 0, bytes, 0, out);
    gpu.Synchronise();
    fmt::print("  a note {} bytes behind a variable: {}\n", bytes, gpu.Read<int>(out) == 77 ? "still there" : "gone");
  }
}

void Residue() {
  Gpu gpu;
  const CUdeviceptr found = gpu.Allocate(64), first = gpu.Allocate(64), sink = gpu.Allocate(1 << 20);
  const auto grid = static_cast<unsigned>(gpu.sms());
  const int words = 200 * 1024 / 4;
  const auto shared = static_cast<unsigned>(words * 4);
  const auto count = [&](const char* what, double of) {
    gpu.Synchronise();
    fmt::print("  {}: {:.1f} %\n", what, 100.0 * gpu.Read<int>(found) / of);
    gpu.Write(found, 0);
  };
  const double all = static_cast<double>(words) * grid;
  gpu.Launch("fill_shared", grid, 1024, shared, 0xabcd0000U, words);
  gpu.Launch("find_shared", grid, 1024, shared, 0xabcd0000U, words, found);
  count("words of shared memory that the next launch finds", all);
  gpu.Launch("fill_shared", grid, 1024, shared, 0xabcd0000U, words);
  gpu.Launch("fill_shared", grid, 1024, shared, 0x11110000U, words);
  gpu.Launch("find_shared", grid, 1024, shared, 0xabcd0000U, words, found);
  count("after a scrub between them", all);
  gpu.Launch("fill_registers", grid, 256, 0, 0x5eed5eedU, sink, 0);
  gpu.Launch("find_registers", grid, 256, 0, 0x5eed5eedU, found, first);
  count("unwritten registers that hold what the launch before wrote", 160.0 * 256 * grid);
  struct First {
    unsigned v[8];
  };
  const First values = gpu.Read<First>(first);
  fmt::print("  the first of them: {:#x} {:#x} {:#x} {:#x}\n", values.v[0], values.v[1], values.v[2], values.v[3]);
  gpu.Launch("fill_local", grid, 256, 0, 0x10ca110cU, sink, 0);
  gpu.Launch("find_local", grid, 256, 0, 0x10ca110cU, found, 512);
  count("words of local memory that the next launch finds", 512.0 * 256 * grid);
}

void Traps() {
  fmt::print("  write to a read-only mapping: {}\n", Outcome([](Gpu& gpu) {
               const Mapping m = Map(gpu, 4096, CU_MEM_ACCESS_FLAGS_PROT_READ);
               gpu.Launch("store_one", 1, 1, 0, m.address, 1);
             }));
  fmt::print("  read of a read-only mapping: {}\n", Outcome([](Gpu& gpu) {
               const Mapping m = Map(gpu, 4096, CU_MEM_ACCESS_FLAGS_PROT_READ);
               gpu.Launch("load_one", 1, 1, 0, m.address, gpu.Allocate(4));
             }));
  fmt::print("  memcpy to a read-only mapping: {}\n", Outcome([](Gpu& gpu) {
               const Mapping m = Map(gpu, 4096, CU_MEM_ACCESS_FLAGS_PROT_READ);
               gpu.Write(m.address, 1);
             }));
  fmt::print("  memcpy after access is raised and lowered again: {}\n", Outcome([](Gpu& gpu) {
               const Mapping m = Map(gpu, 4096, CU_MEM_ACCESS_FLAGS_PROT_READ);
               CUmemAccessDesc desc{{CU_MEM_LOCATION_TYPE_DEVICE, {0}}, CU_MEM_ACCESS_FLAGS_PROT_READWRITE};
               gpu.Check(gpu.driver().cuMemSetAccess(m.address, m.bytes, &desc, 1), "raise");
               gpu.Write(m.address, 1);
               desc.flags = CU_MEM_ACCESS_FLAGS_PROT_READ;
               gpu.Check(gpu.driver().cuMemSetAccess(m.address, m.bytes, &desc, 1), "lower");
               gpu.Launch("store_one", 1, 1, 0, m.address, 1);
             }));
  fmt::print("  read behind the end of a mapping: {}\n", Outcome([](Gpu& gpu) {
               const Mapping m = Map(gpu, 4096, CU_MEM_ACCESS_FLAGS_PROT_READWRITE);
               gpu.Launch("load_one", 1, 1, 0, m.address + m.bytes, gpu.Allocate(4));
             }));
  fmt::print("  write through a generic address far away: {}\n",
             Outcome([](Gpu& gpu) { gpu.Launch("store_one", 1, 1, 0, CUdeviceptr{0x700000000000}, 1); }));
}

void Code() {
  fmt::print("  {}\n", Outcome([](Gpu& gpu) {
               const CUdeviceptr out = gpu.Allocate(4096);
               gpu.Write(out + 16, 5ULL);
               gpu.Launch("code_address", 1, 1, 0, out);
               gpu.Synchronise();
               fmt::print("  a function's address: {:#x}; victim(5) = {}\n", gpu.Read<unsigned long long>(out),
                          gpu.Read<int>(out + 8));
             }));
  fmt::print("  reading code as data: {}\n", Outcome([](Gpu& gpu) {
               const CUdeviceptr out = gpu.Allocate(4096);
               gpu.Launch("code_address", 1, 1, 0, out);
               const auto at = gpu.Read<unsigned long long>(out);
               gpu.Launch("read_code", 1, 1, 0, at, out, 4);
               gpu.Synchronise();
               fmt::print("  its first words: {:#x} {:#x}\n", gpu.Read<unsigned long long>(out),
                          gpu.Read<unsigned long long>(out + 8));
             }));
  fmt::print("  writing code as data: {}\n", Outcome([](Gpu& gpu) {
               const CUdeviceptr out = gpu.Allocate(4096);
               gpu.Launch("code_address", 1, 1, 0, out);
               const auto at = gpu.Read<unsigned long long>(out);
               gpu.Launch("write_code", 1, 1, 0, at, 0ULL);
               gpu.Synchronise();
               gpu.Launch("read_code", 1, 1, 0, at, out, 4);
               gpu.Synchronise();
               fmt::print("  after the write: {:#x}\n", gpu.Read<unsigned long long>(out));
             }));
}

void Sharing() {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) != 0) return;
  const pid_t child = fork();
  if (child == 0) {  // imports what the parent exports, read-only
    try {
      Gpu gpu;
      char byte = 0, control[CMSG_SPACE(sizeof(int))];
      iovec io{&byte, 1};
      msghdr message{.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
      if (recvmsg(sockets[1], &message, 0) < 1 || CMSG_FIRSTHDR(&message) == nullptr) _exit(1);
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
      const size_t bytes = size_t{64} << 20;
      const double begin = Now();
      CUmemGenericAllocationHandle handle = 0;
      gpu.Check(gpu.driver().cuMemImportFromShareableHandle(&handle, reinterpret_cast<void*>(static_cast<intptr_t>(fd)),
                                                            CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR),
                "import");
      CUdeviceptr at = 0;
      gpu.Check(gpu.driver().cuMemAddressReserve(&at, bytes, 0, 0, 0), "reserve");
      gpu.Check(gpu.driver().cuMemMap(at, bytes, 0, handle, 0), "map");
      const CUmemAccessDesc desc{{CU_MEM_LOCATION_TYPE_DEVICE, {0}}, CU_MEM_ACCESS_FLAGS_PROT_READ};
      gpu.Check(gpu.driver().cuMemSetAccess(at, bytes, &desc, 1), "access");
      fmt::print("  import, map, read-only: {:.2f} ms; the other process reads {:#x}\n", (Now() - begin) * 1e3,
                 gpu.Read<unsigned>(at + bytes - 4));
      // A round trip: this process launches while the other waits, in turn.
      const CUdeviceptr out = gpu.Allocate(4);
      for (int i = 0; i < 201; ++i) {
        if (read(sockets[1], &byte, 1) < 1) break;
        gpu.Launch("load_one", 1, 1, 0, at, out);
        gpu.Synchronise();
        if (write(sockets[1], &byte, 1) < 1) break;
      }
      gpu.Launch("store_one", 1, 1, 0, at, 1);
      gpu.Synchronise();
      fmt::print("  its write was not refused\n");
    } catch (const std::exception& error) {
      fmt::print("  its write: {}\n", error.what());
    }
    _exit(0);
  }
  Gpu gpu;
  const Mapping m = Map(gpu, size_t{64} << 20, CU_MEM_ACCESS_FLAGS_PROT_READWRITE, true);
  gpu.Check(gpu.driver().cuMemsetD8(m.address, 0x5A, m.bytes), "fill");
  int fd = -1;
  const double begin = Now();
  gpu.Check(gpu.driver().cuMemExportToShareableHandle(&fd, m.handle, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0),
            "export");
  fmt::print("  export: {:.2f} ms\n", (Now() - begin) * 1e3);
  char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
  iovec io{&byte, 1};
  msghdr message{.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
  cmsghdr* head = CMSG_FIRSTHDR(&message);
  *head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
  std::memcpy(CMSG_DATA(head), &fd, sizeof(fd));
  if (sendmsg(sockets[0], &message, 0) < 1) return;
  const CUdeviceptr out = gpu.Allocate(4);
  std::vector<double> trips, own;
  for (int i = 0; i < 201; ++i) {
    const double start = Now();
    gpu.Launch("load_one", 1, 1, 0, m.address, out);
    gpu.Synchronise();
    own.push_back((Now() - start) * 1e6);
    const double turn = Now();
    if (write(sockets[0], &byte, 1) < 1 || read(sockets[0], &byte, 1) < 1) break;
    trips.push_back((Now() - turn) * 1e6);
  }
  const Quartiles mine = QuartilesOf(own), trip = QuartilesOf(trips);
  fmt::print(
      "  launch and wait here: {:.0f} us [{:.0f}, {:.0f}]; asking the other process to: {:.0f} us [{:.0f}, {:.0f}]\n",
      mine.median, mine.low, mine.high, trip.median, trip.low, trip.high);
  waitpid(child, nullptr, 0);
  gpu.Launch("load_one", 1, 1, 0, m.address, out);
  gpu.Synchronise();
  fmt::print("  this process is unharmed by the other's fault\n");
}

// Under compute-sanitizer: is a bulk tensor store behind the end of an allocation reported? The map claims 16 rows, the
// allocation has 8.
void TensorStores() {
  Gpu gpu;
  const CUdeviceptr box = gpu.Allocate(8 * 64 * 4);
  CUtensorMap map;
  const cuuint64_t dims[] = {64, 16}, strides[] = {64 * 4};
  const cuuint32_t extent[] = {64, 8}, step[] = {1, 1};
  gpu.Check(gpu.driver().cuTensorMapEncodeTiled(&map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 2, reinterpret_cast<void*>(box),
                                                dims, strides, extent, step, CU_TENSOR_MAP_INTERLEAVE_NONE,
                                                CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE,
                                                CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
            "tensor map");
  gpu.Launch("store_box", 1, 32, 0, map, 0);
  gpu.Synchronise();
  fmt::print("  inside: done\n");
  gpu.Launch("store_box", 1, 32, 0, map, 8);
  gpu.Synchronise();
  fmt::print("  behind the end: done, no fault\n");
  gpu.Launch("store_one", 1, 1, 0, box + 8 * 64 * 4, 1);
  gpu.Synchronise();
  fmt::print("  an ordinary store behind the end: done, no fault\n");
}

}  // namespace kopt::facts
