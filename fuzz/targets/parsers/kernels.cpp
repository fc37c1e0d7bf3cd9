/// ELF files: guest kernels, and the agent's image with its layout.
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/guest/agent_image.hpp"
#include "sim/guest/elf_file.hpp"
#include "sim/guest/kernel_image.hpp"

namespace assay::fuzz {
namespace {

std::span<const std::byte> bytes_of(std::string_view input) {
  return std::as_bytes(std::span(input));
}

void check(const KernelImage& image) {
  must(!image.segments.empty(), "a kernel has something to load");
  for (const KernelSegment& segment : image.segments) {
    must(segment.file_bytes.size() <= segment.memory_bytes, "a segment has room for its bytes");
    must(segment.physical + segment.memory_bytes <= image.physical_end, "a segment ends where the kernel ends");
  }
  must(!image.hypercall_page || *image.hypercall_page % kPageSize == 0, "the hypercall page is a page");
}

void load_kernel(std::string_view input, std::optional<GuestType> type) {
  try {
    const KernelImage image = KernelImage::parse(bytes_of(input), type);
    must(!type || image.type == *type, "the type that was asked for");
    check(image);
  } catch (const ElfError&) {
  }
}

void load_agent(std::string_view input) {
  try {
    const std::span<const std::byte> bytes = bytes_of(input);
    const AgentImage image = AgentImage::parse({bytes.begin(), bytes.end()});
    must(image.layout.image_start < image.layout.image_end, "an image is somewhere");
  } catch (const ElfError&) {
  }
}

const FuzzTarget kKernel{{
    .name = "kernel",
    .reads = "guest kernels: ELF headers, segments, Xen notes",
    .run =
        [](std::string_view input) {
          load_kernel(input, std::nullopt);
          load_kernel(input, GuestType::kPv64);
          load_kernel(input, GuestType::kPvh);
        },
}};

const FuzzTarget kAgent{{
    .name = "agent_image",
    .reads = "the agent's image and its layout",
    .run = load_agent,
}};

}  // namespace
}  // namespace assay::fuzz
