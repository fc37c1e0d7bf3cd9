/// hypfs_op: the hypervisor's file system, for the privileged domain alone.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/pools.hpp"
#include "conformance/guest/scratch.hpp"
#include "conformance/guest/version_ops.hpp"
#include "sim/abi/xen_services.hpp"

namespace assay {
namespace {

constexpr std::string_view kHeader = "public/hypfs.h";
constexpr uint64_t kPathMax = 1024;  ///< XEN_HYPFS_MAX_PATHLEN

class HypfsOps {
 public:
  explicit HypfsOps(Vcpu& vcpu) : memory_(vcpu, 3) {}

  int64_t get_version(uint64_t a = 0, uint64_t b = 0, uint64_t c = 0, uint64_t d = 0) {
    return raw(XEN_HYPFS_OP_get_version, a, b, c, d);
  }
  /// `claimed`: the length the call passes, the closing zero byte counted; 0 = the true one.
  int64_t on(uint64_t command, std::string_view path, uint64_t bytes, uint64_t claimed = 0) {
    std::string text(path);
    text.push_back('\0');
    if (memory_.vcpu().write_bytes(memory_.va(), std::as_bytes(std::span(text)))) throw HarnessFault("cannot write");
    std::array<uint8_t, kPageSize> fill;
    fill.fill(kUntouchedByte);
    if (memory_.vcpu().write_bytes(buffer(), std::as_bytes(std::span(fill)))) throw HarnessFault("cannot write");
    return raw(command, memory_.va().raw(), claimed != 0 ? claimed : text.size(), buffer().raw(), bytes);
  }
  int64_t read(std::string_view path, uint64_t bytes = kPageSize) { return on(XEN_HYPFS_OP_read, path, bytes); }
  int64_t write(std::string_view path, std::string_view text) {
    std::string name(path);
    name.push_back('\0');
    Vcpu& vcpu = memory_.vcpu();
    if (vcpu.write_bytes(memory_.va(), std::as_bytes(std::span(name)))) throw HarnessFault("cannot write the path");
    if (vcpu.write_bytes(buffer(), std::as_bytes(std::span(text)))) throw HarnessFault("cannot write the text");
    return raw(XEN_HYPFS_OP_write_contents, memory_.va().raw(), name.size(), buffer().raw(), text.size());
  }
  [[nodiscard]] xen_hypfs_direntry_t entry() const { return memory_.get<xen_hypfs_direntry_t>(2 * kPageSize); }
  [[nodiscard]] std::string contents(uint64_t bytes) const {
    std::string text(bytes, '\0');
    const Gva at = buffer() + sizeof(xen_hypfs_direntry_t);
    if (memory_.vcpu().read_bytes(at, std::as_writable_bytes(std::span(text)))) throw HarnessFault("cannot read");
    return text;
  }
  [[nodiscard]] bool written() const { return memory_.get<uint8_t>(2 * kPageSize) != kUntouchedByte; }
  int64_t raw(uint64_t command, uint64_t a, uint64_t b, uint64_t c, uint64_t d) {
    return memory_.vcpu().hypercall(__HYPERVISOR_hypfs_op, {command, a, b, c, d});
  }

 private:
  [[nodiscard]] Gva buffer() const { return memory_.va(2 * kPageSize); }
  Scratch memory_;
};

const Case kUnprivileged{{
    .slug = "hypfs_op.any.unprivileged.eperm",
    .rule = "An unprivileged caller gets EPERM for every operation, known or not.",
    .source = kHeader,
    .requirements = {"HYPFS-001"},
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.vcpu());
          c.check_eq(hypfs.get_version(), -XEN_EPERM, "get_version");
          c.check_eq(hypfs.read("/"), -XEN_EPERM, "read");
          c.check(!hypfs.written(), "nothing was written");
          c.check_eq(hypfs.on(XEN_HYPFS_OP_write_contents, "/", 4), -XEN_EPERM, "write_contents");
          c.check_eq(hypfs.raw(99, 0, 0, 0, 0), -XEN_EPERM, "an unknown operation");
        },
}};

const Case kVersion{{
    .slug = "hypfs_op.get_version.arguments.einval",
    .rule = "get_version gives 1; any argument that is not zero gives EINVAL.",
    .source = "public/hypfs.h, XEN_HYPFS_OP_get_version",
    .requirements = {"HYPFS-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.dom0().vcpu(0));
          c.check_eq(hypfs.get_version(), 1, "without arguments");
          c.check_eq(hypfs.get_version(1), -XEN_EINVAL, "first argument");
          c.check_eq(hypfs.get_version(0, 1), -XEN_EINVAL, "second argument");
          c.check_eq(hypfs.get_version(0, 0, 1), -XEN_EINVAL, "third argument");
          c.check_eq(hypfs.get_version(0, 0, 0, 1), -XEN_EINVAL, "fourth argument");
        },
}};

const Case kPaths{{
    .slug = "hypfs_op.path.malformed_or_unknown.einval_enoent",
    .rule = "A path above 1024 bytes, or not closed by a zero byte exactly at its length, gives EINVAL, an unknown one "
            "ENOENT.",
    .source = "public/hypfs.h, XEN_HYPFS_OP_read",
    .requirements = {"HYPFS-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.dom0().vcpu(0));
          const auto read = [&](std::string_view path, uint64_t claimed) {
            return hypfs.on(XEN_HYPFS_OP_read, path, kPageSize, claimed);
          };
          c.check_eq(hypfs.read("/"), 0, "the root");
          c.check_eq(read("/buildinfo", 5), -XEN_EINVAL, "a length short of the zero byte");
          c.check_eq(read("/buildinfo", 20), -XEN_EINVAL, "a length beyond it");
          c.check_eq(read("/" + std::string(kPathMax, 'x'), 0), -XEN_EINVAL, "1026 bytes");
          c.check_eq(read("/" + std::string(kPathMax - 2, 'x'), 0), -XEN_ENOENT, "1024 bytes, unknown");
          c.check_eq(hypfs.read("/no-such-entry"), -XEN_ENOENT, "an unknown entry");
          c.check_eq(hypfs.read("/buildinfo/no-such-entry"), -XEN_ENOENT, "an unknown entry of a directory");
          c.check_eq(hypfs.read("/buildinfo/changeset/x"), -XEN_ENOENT, "an entry of what is no directory");
          c.check_eq(hypfs.read("buildinfo"), -XEN_EINVAL, "a path that does not start at the root");
          c.check_eq(hypfs.read(""), -XEN_EINVAL, "an empty path");
          c.check(!hypfs.written(), "nothing was written");
          c.check_eq(hypfs.raw(XEN_HYPFS_OP_read, bad_pointer(GuestType::kPv64).raw(), 2, 0, 0), -XEN_EFAULT,
                     "a path that cannot be read");
        },
}};

const Case kRoom{{
    .slug = "hypfs_op.read.small_buffer.einval_enobufs",
    .rule = "A buffer smaller than the header gives EINVAL, one for the header alone ENOBUFS with the header filled.",
    .source = "public/hypfs.h, XEN_HYPFS_OP_read",
    .requirements = {"HYPFS-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.dom0().vcpu(0));
          constexpr uint64_t kHeaderBytes = sizeof(xen_hypfs_direntry_t);
          c.check_eq(hypfs.read("/buildinfo", kHeaderBytes - 1), -XEN_EINVAL, "less than the header");
          c.check(!hypfs.written(), "nothing was written");
          c.check_eq(hypfs.read("/buildinfo", kHeaderBytes), -XEN_ENOBUFS, "the header alone");
          const auto header = hypfs.entry();
          c.check_eq(header.type, XEN_HYPFS_TYPE_DIR, "type");
          c.check_eq(header.pad, 0, "padding");
          c.check_eq(header.max_write_len, 0u, "a directory cannot be written");
          c.require(header.content_len > 0, "it has contents");
          c.check_eq(static_cast<uint8_t>(hypfs.contents(1)[0]), kUntouchedByte, "no contents were written");
          c.check_eq(hypfs.read("/buildinfo", kHeaderBytes + header.content_len - 1), -XEN_ENOBUFS,
                     "a byte too little");
          c.check_eq(hypfs.read("/buildinfo", kHeaderBytes + header.content_len), 0, "just enough");
          c.check_eq(hypfs.entry().content_len, header.content_len, "length then");
        },
}};

const Case kUnknownOp{{
    .slug = "hypfs_op.unknown_operation.eopnotsupp",
    .rule = "An unknown operation on a path that exists gives EOPNOTSUPP; writing what is read-only EACCES.",
    .source = kHeader,
    .requirements = {"HYPFS-005"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.dom0().vcpu(0));
          for (const uint64_t op : {3u, 99u}) {
            c.check_eq(hypfs.on(op, "/", kPageSize), -XEN_EOPNOTSUPP, "operation " + std::to_string(op));
            c.check_eq(hypfs.on(op, "/no-such-entry", kPageSize), -XEN_ENOENT, "on an entry that does not exist");
          }
          c.check_eq(hypfs.on(XEN_HYPFS_OP_write_contents, "/buildinfo/changeset", 4), -XEN_EACCES, "writing a text");
          c.check_eq(hypfs.on(XEN_HYPFS_OP_write_contents, "/buildinfo", 4), -XEN_EACCES, "writing a directory");
        },
}};

const Case kContents{{
    .slug = "hypfs_op.read.root_and_changeset.contents",
    .rule = "A directory lists its entries by name; a text reads as xen_version reports it.",
    .source = "public/hypfs.h, struct xen_hypfs_dirlistentry",
    .requirements = {"HYPFS-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.dom0().vcpu(0));
          const auto list = [&](std::string_view path) {
            c.require_eq(hypfs.read(path), 0, "reading a directory");
            const std::string bytes = hypfs.contents(hypfs.entry().content_len);
            std::vector<std::string> names;
            for (size_t at = 0; at < bytes.size();) {
              xen_hypfs_dirlistentry item{};
              std::memcpy(&item, bytes.data() + at, offsetof(xen_hypfs_dirlistentry, name));
              names.emplace_back(bytes.c_str() + at + offsetof(xen_hypfs_dirlistentry, name));
              if (item.off_next == 0) break;
              at += item.off_next;
            }
            return names;
          };
          const auto has = [](const std::vector<std::string>& names, std::string_view name) {
            return std::find(names.begin(), names.end(), name) != names.end();
          };
          const auto root = list("/");
          for (const std::string_view name : {"buildinfo", "cpupool", "params"}) c.check(has(root, name), name);
          c.check(std::is_sorted(root.begin(), root.end()), "the names are in order");
          const auto build = list("/buildinfo");
          for (const std::string_view name : {"changeset", "compileinfo", "version"}) c.check(has(build, name), name);
          c.check(has(list("/cpupool"), "0"), "pool 0");
          c.check_eq(hypfs.read("/buildinfo/changeset"), 0, "changeset");
          VersionOps version(c.dom0().vcpu(0));
          const auto changeset = version.changeset();
          const std::string text = hypfs.contents(hypfs.entry().content_len);
          c.check_eq(std::string(text.c_str()), std::string(changeset.arg.text()), "its text");
          c.require_eq(hypfs.read("/buildinfo/version/major"), 0, "major version");
          c.check_eq(hypfs.entry().type, XEN_HYPFS_TYPE_UINT, "its type");
          c.require_eq(hypfs.entry().content_len, sizeof(uint32_t), "its length");
          uint32_t major = 0;
          const std::string bytes = hypfs.contents(sizeof major);
          std::memcpy(&major, bytes.data(), sizeof major);
          c.check_eq(major, static_cast<uint64_t>(version.version()) >> 16, "the major version");
        },
}};

const Case kWrite{{
    .slug = "hypfs_op.write.runtime_parameter.takes_effect",
    .rule = "A parameter that can be written takes a text of its length, and has that effect; others are refused.",
    .source = "public/hypfs.h, XEN_HYPFS_OP_write_contents; docs: gnttab_max_frames",
    .method = "The limit of grant frames is lowered; a domain above it cannot be created then.",
    .requirements = {"HYPFS-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          HypfsOps hypfs(c.dom0().vcpu(0));
          DomctlOps control(c.dom0().vcpu(0));
          constexpr std::string_view kLimit = "/params/gnttab_max_frames";
          c.require_eq(hypfs.read(kLimit), 0, "reading the limit");
          const auto header = hypfs.entry();
          c.check_eq(header.type, XEN_HYPFS_TYPE_STRING, "type");
          c.require(header.max_write_len >= 3, "it can be written");
          c.require_eq(hypfs.contents(header.content_len), std::string("64\0", 3), "the limit");
          const auto create_with = [&](int32_t frames) {
            xen_domctl_t request = empty_domain();
            request.u.createdomain.max_grant_frames = frames;
            const auto created = control.call(request);
            if (created.result == 0) remove_domain(c, control, DomId{static_cast<domid_t>(created.arg.domain)});
            return created.result;
          };
          c.check_eq(create_with(40), 0, "a domain of 40 frames");
          c.check_eq(hypfs.write(kLimit, std::string("32\0", 3)), 0, "writing a lower limit");
          c.require_eq(hypfs.read(kLimit), 0, "reading it");
          c.check_eq(hypfs.contents(3), std::string("32\0", 3), "what was written");
          c.check_eq(create_with(40), -XEN_EINVAL, "a domain of 40 frames then");
          c.check_eq(create_with(32), 0, "a domain of 32 frames");
          c.check_eq(hypfs.write(kLimit, "33"), -XEN_EDOM, "a text that is not closed");
          c.check_eq(hypfs.write(kLimit, std::string("x\0", 2)), -XEN_EINVAL, "a text that is no number");
          c.check_eq(hypfs.write(kLimit, std::string(header.max_write_len + 1, '\0')), -XEN_EDOM, "too long a text");
          c.require_eq(hypfs.read(kLimit), 0, "reading it at the end");
          c.check_eq(hypfs.contents(3), std::string("32\0", 3), "the refused texts changed nothing");
          c.check_eq(hypfs.write(kLimit, std::string("64\0", 3)), 0, "the limit it had");
        },
}};

const Case kGranularity{{
    .slug = "hypfs_op.read.cpupool_granularity.every_pool",
    .rule = "Each CPU pool has a directory with its scheduling granularity, cpu unless the boot says otherwise.",
    .source = "docs: hypfs-paths, /cpupool/*/sched-gran",
    .method = "A pool is made: its directory is there, and gone with it. A granularity that there is not is refused.",
    .requirements = {"HYPFS-008"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kPool = 5;
          HypfsOps hypfs(c.dom0().vcpu(0));
          Pools pools(c);
          const auto check_granularity = [&](const std::string& path) {
            c.require_eq(hypfs.read(path), 0, path);
            c.check_eq(hypfs.entry().type, XEN_HYPFS_TYPE_STRING, "type");
            c.require_eq(hypfs.entry().content_len, 4u, "length");
            c.check_eq(hypfs.contents(4), std::string("cpu\0", 4), "granularity");
            c.check(hypfs.entry().max_write_len >= sizeof "socket", "it can be written");
          };
          const std::string own = "/cpupool/5/sched-gran";
          check_granularity("/cpupool/0/sched-gran");
          c.check_eq(hypfs.read(own), -XEN_ENOENT, "before there is such a pool");
          c.require_eq(pools.create(kPool, pools.info(0).scheduler).result, 0, "a pool");
          check_granularity(own);
          c.check_eq(hypfs.write(own, std::string("thread\0", 7)), -XEN_EINVAL, "a granularity that there is not");
          c.check_eq(hypfs.write(own, "cpu"), -XEN_EDOM, "a text that is not closed");
          c.check_eq(hypfs.write(own, std::string("cpu\0", 4)), 0, "the one that it has");
          c.check_eq(hypfs.write("/cpupool/0/sched-gran", std::string("core\0", 5)), -XEN_EBUSY,
                     "of a pool with pCPUs");
          check_granularity("/cpupool/0/sched-gran");
          c.check_eq(pools.destroy(kPool), 0, "the pool goes");
          c.check_eq(hypfs.read(own), -XEN_ENOENT, "after it has gone");
        },
}};

}  // namespace
}  // namespace assay
