#include "freebsd/processes.h"

#include <sys/proc.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/stat.h>
#include <sys/sysctl.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/unpcb.h>

#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp_fsm.h>
#include <netinet/tcp_var.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "base/tolerated.h"
#include "base/unique_fd.h"
#include "freebsd/mounts.h"
#include "freebsd/sysctl.h"

namespace buildjail {

namespace {

Result<std::vector<kinfo_proc>> all_processes() {
  const std::array<int, 3> mib{CTL_KERN, KERN_PROC, KERN_PROC_PROC};
  const auto answer = read_sysctl(mib);
  if (!answer) return answer.error();
  return records_of<kinfo_proc, int>(*answer);
}

/**
 * Reads one process into `process`, which is empty. If there are more, the kernel fills in the first and fails with
 * ENOMEM (sysctl(3)).
 */
int read_one(int whose, int number, kinfo_proc& process) {
  const std::array<int, 4> mib{CTL_KERN, KERN_PROC, whose, number};
  std::size_t size = sizeof(process);
  return ::sysctl(mib.data(), mib.size(), &process, &size, nullptr, 0);
}

// Asked again right before a signal: a pid that was listed may belong to a process of the host by now.
bool is_in(int jid, pid_t pid) {
  kinfo_proc process{};
  return read_one(KERN_PROC_PID, pid, process) == 0 && process.ki_pid == pid && process.ki_jid == jid;
}

}  // namespace

Credentials credentials_in(const kinfo_proc& process) {
  const auto count = static_cast<std::size_t>(std::clamp<int>(process.ki_ngroups, 0, KI_NGROUPS));
  return {.pid = process.ki_pid,
          .uid = process.ki_uid,
          .real_uid = process.ki_ruid,
          .saved_uid = process.ki_svuid,
          // The kernel shows the effective gid in front of the supplementary groups (kinfo_proc, ki_groups).
          .gid = process.ki_groups[0],
          .real_gid = process.ki_rgid,
          .saved_gid = process.ki_svgid,
          .groups = {process.ki_groups + std::min<std::size_t>(1, count), process.ki_groups + count},
          .jid = process.ki_jid};
}

Result<bool> has_processes(int jid) {
  const auto processes = all_processes();
  if (!processes) return processes.error();
  return std::any_of(processes->begin(), processes->end(),
                     [jid](const auto& process) { return process.ki_jid == jid; });
}

Result<std::vector<SessionProcess>> processes_in(int jid) {
  constexpr std::int64_t kSecondUs = 1'000'000;
  const auto processes = all_processes();
  if (!processes) return processes.error();
  timeval now{};
  static_cast<void>(::gettimeofday(&now, nullptr));
  const auto page = static_cast<std::uint64_t>(::getpagesize());
  std::vector<SessionProcess> found;
  for (const kinfo_proc& process : *processes) {
    if (process.ki_jid != jid || process.ki_stat == SZOMB) continue;
    const std::int64_t age_us =
        (now.tv_sec - process.ki_start.tv_sec) * kSecondUs + now.tv_usec - process.ki_start.tv_usec;
    const timeval& waited_for = process.ki_childtime;
    found.push_back(
        {.pid = process.ki_pid,
         .parent = process.ki_ppid,
         .program = process.ki_comm,
         .age_us = static_cast<std::uint64_t>(std::max<std::int64_t>(age_us, 0)),
         .cpu_us = process.ki_runtime + static_cast<std::uint64_t>(waited_for.tv_sec * kSecondUs + waited_for.tv_usec),
         .memory = static_cast<std::uint64_t>(process.ki_rssize) * page});
  }
  return found;
}

Result<std::vector<kinfo_proc>> processes_of_user(uid_t uid) {
  std::vector<kinfo_proc> found;
  for (const int whose : {KERN_PROC_UID, KERN_PROC_RUID}) {
    const std::array<int, 4> mib{CTL_KERN, KERN_PROC, whose, static_cast<int>(uid)};
    const auto answer = read_sysctl(mib);
    if (!answer) return last_error("processes", "sysctl", "kern.proc.uid");
    std::ranges::move(records_of<kinfo_proc, int>(*answer), std::back_inserter(found));
  }
  return found;
}

Result<std::size_t> signal_each_in(int jid, int signal, const std::string& login_class, pid_t except) {
  const auto processes = all_processes();
  if (!processes) return processes.error();
  std::size_t found = 0;
  for (const auto& process : *processes) {
    if (process.ki_jid != jid || process.ki_stat == SZOMB || process.ki_pid == except) continue;
    if (!login_class.empty() && login_class != process.ki_loginclass) continue;
    // A process that has ended since may have made another before, which the list lacks.
    found += 1;
    if (is_in(jid, process.ki_pid)) static_cast<void>(::kill(process.ki_pid, signal));
  }
  return found;
}

namespace {

/** Empty if the process has ended. */
template <class Record>
std::vector<Record> records_of_process(int kind, pid_t pid) {
  const std::array<int, 4> name{CTL_KERN, KERN_PROC, kind, pid};
  const auto answer = read_sysctl(name);
  return answer ? records_of<Record, int>(*answer) : std::vector<Record>();
}

/** The first number of `FSID:1:2`, which is the device of its files. */
std::uint32_t file_system_of(std::string_view fsid) {
  std::int32_t number = 0;
  cut(fsid, ':');
  read_number(cut(fsid, ':'), number);
  return static_cast<std::uint32_t>(number);
}

/** Some structures have the device in 32 bits with a sign, some in 64. */
bool is_on(std::uint64_t device, std::uint32_t file_system) {
  return static_cast<std::uint32_t>(device) == file_system;
}

/** The words of fstat(1) for the negative numbers. Other numbers are descriptors. */
const char* kind_of(int descriptor) {
  for (const auto& [number, word] : {std::pair{KF_FD_TYPE_CWD, "cwd"},
                                     {KF_FD_TYPE_ROOT, "root"},
                                     {KF_FD_TYPE_JAIL, "jail"},
                                     {KF_FD_TYPE_TRACE, "trace"},
                                     {KF_FD_TYPE_TEXT, "text"},
                                     {KF_FD_TYPE_CTTY, "ctty"}}) {
    if (descriptor == number) return word;
  }
  return "open-file";
}

/** The path that a Unix socket was bound to, as its owner wrote it. */
std::string bound_path(const kinfo_file& file) {
  sockaddr_un address{};
  static_assert(sizeof(address) <= sizeof(file.kf_un.kf_sock.kf_sa_local));
  std::memcpy(&address, &file.kf_un.kf_sock.kf_sa_local, sizeof(address));
  if (address.sun_family != AF_UNIX) return {};
  return {address.sun_path, ::strnlen(address.sun_path, sizeof(address.sun_path))};
}

class HoldersOfMount {
 public:
  HoldersOfMount(const std::string& fsid, std::string on, const std::string& root)
      : file_system_(file_system_of(fsid)), on_(std::move(on)), root_(root) {}

  void look_at(const kinfo_proc& process) {
    for (const auto& file : records_of_process<kinfo_file>(KERN_PROC_FILEDESC, process.ki_pid)) look_at(process, file);
    for (const auto& mapping : records_of_process<kinfo_vmentry>(KERN_PROC_VMMAP, process.ki_pid)) {
      const bool has_file = (mapping.kve_status & KF_ATTR_VALID) != 0 && mapping.kve_vn_type != KF_VTYPE_VNON;
      if (has_file && is_on(mapping.kve_vn_fsid, file_system_)) add("mapping", process, mapping.kve_path);
    }
  }

  void look_at(const MountEntry& mount) {
    if (is_below(mount.on, on_) || mount.from == on_ || is_below(mount.from, on_))
      found_.push_back({.kind = "mount", .pid = 0, .command = {}, .path = mount.on});
  }

  std::vector<Holder> found() && { return std::move(found_); }

 private:
  void look_at(const kinfo_proc& process, const kinfo_file& file) {
    if (file.kf_type == KF_TYPE_SOCKET) {
      const std::string path = path_on_host(bound_path(file));
      if (!path.empty()) add("socket", process, path);
      return;
    }
    const bool is_vnode = file.kf_type == KF_TYPE_VNODE || file.kf_type == KF_TYPE_FIFO;
    if (!is_vnode || (file.kf_status & KF_ATTR_VALID) == 0) return;
    if (is_on(file.kf_un.kf_file.kf_file_fsid, file_system_)) add(kind_of(file.kf_fd), process, file.kf_path);
  }

  /** The place of a socket that was bound inside, if it lies on the mount. No link of the build leads out. */
  std::string path_on_host(const std::string& bound) const {
    if (is_below(bound, on_)) return bound;
    const std::size_t begin = bound.find_first_not_of('/');
    if (begin == 0 || begin == std::string::npos) return {};
    // Closed at once, or it would be found as a holder of the root itself.
    const UniqueFd root(::open(root_.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root) return {};
    struct stat found{};
    const char* relative = bound.c_str() + begin;
    if (::fstatat(root.get(), relative, &found, AT_SYMLINK_NOFOLLOW | AT_RESOLVE_BENEATH) != 0) return {};
    return S_ISSOCK(found.st_mode) && is_on(found.st_dev, file_system_) ? root_ + bound : std::string();
  }

  void add(const char* kind, const kinfo_proc& process, std::string_view path) {
    // The path of a removed file is empty or a hyphen.
    Holder holder{.kind = kind, .pid = process.ki_pid, .command = process.ki_comm};
    if (path.starts_with('/')) holder.path = path;
    const auto is_same = [&holder](const Holder& other) {
      return other.pid == holder.pid && other.kind == holder.kind && other.path == holder.path;
    };
    // A program has several mappings.
    if (std::none_of(found_.begin(), found_.end(), is_same)) found_.push_back(std::move(holder));
  }

  std::uint32_t file_system_;
  std::string on_;
  std::string root_;
  std::vector<Holder> found_;
};

/** A socket in the list of the kernel, open in a process or in none. */
struct SocketEntry {
  /** Of its protocol control block: what a process that has it open is found by (kinfo_file, kf_sock_pcb). */
  std::uint64_t pcb;
  /** A connection that is being ended. The kernel ends it by itself if no process has the socket open (tcp(4)). */
  bool is_ending;
};

// Before the first record and after the last is a head, which is no socket: in each list of a size of its own.

template <class Record, class Head, class Add>
void each_socket(const char* list, Add add) {
  const auto answer = read_sysctl(list);
  if (!answer) return;
  for (const auto& record : records_of<Record, ksize_t>(*answer)) {
    ksize_t length = 0;
    std::memcpy(&length, &record, sizeof(length));
    if (length > sizeof(Head)) add(record);
  }
}

/** The sockets that a user made, in any jail: the kernel shows only their maker's user. */
std::vector<SocketEntry> sockets_made_by(uid_t uid) {
  std::vector<SocketEntry> sockets;
  const auto add = [&sockets, uid](const xsocket& socket, bool is_ending) {
    if (socket.xso_so != 0 && socket.so_uid == uid) sockets.push_back({.pcb = socket.so_pcb, .is_ending = is_ending});
  };
  const auto add_internet = [&add](const xinpcb& pcb) { add(pcb.xi_socket, false); };
  const auto add_local = [&add](const xunpcb& pcb) { add(pcb.xu_socket, false); };
  each_socket<xtcpcb, xinpgen>("net.inet.tcp.pcblist",
                               [&add](const xtcpcb& pcb) { add(pcb.xt_inp.xi_socket, pcb.t_state > TCPS_CLOSE_WAIT); });
  for (const char* list : {"net.inet.udp.pcblist", "net.inet.udplite.pcblist", "net.inet.raw.pcblist"})
    each_socket<xinpcb, xinpgen>(list, add_internet);
  for (const char* list : {"net.local.stream.pcblist", "net.local.dgram.pcblist", "net.local.seqpacket.pcblist"})
    each_socket<xunpcb, xunpgen>(list, add_local);
  return sockets;
}

}  // namespace

std::vector<Holder> holders_of_mount(const std::string& fsid, const std::string& on, const std::string& root) {
  HoldersOfMount looking(fsid, on, root);
  if (const auto processes = all_processes()) {
    for (const kinfo_proc& process : *processes) looking.look_at(process);
  }
  if (const auto table = mount_table()) {
    for (const MountEntry& mount : *table) looking.look_at(mount);
  }
  return std::move(looking).found();
}

namespace {

/** The names of the functions that the threads of a process are in, the inner first. */
std::vector<std::string> functions_of(pid_t pid) {
  std::vector<std::string> functions;
  const std::array<int, 4> name{CTL_KERN, KERN_PROC, KERN_PROC_KSTACK, pid};
  const auto answer = read_sysctl(name);
  if (!answer) return functions;
  for (std::span<const std::byte> rest = *answer; rest.size() >= sizeof(kinfo_kstack);) {
    kinfo_kstack stack{};
    std::memcpy(&stack, rest.data(), sizeof(stack));
    rest = rest.subspan(sizeof(stack));
    std::string_view lines(stack.kkst_trace, ::strnlen(stack.kkst_trace, sizeof(stack.kkst_trace)));
    while (!lines.empty()) {
      // `#0 0xffffffff80b51e74 at mi_switch+0xbf`
      std::string_view line = cut(lines, '\n');
      const std::size_t at = line.find(" at ");
      if (at == std::string_view::npos) continue;
      line.remove_prefix(at + 4);
      functions.emplace_back(cut(line, '+'));
    }
  }
  return functions;
}

/** The kernel's function for a system call `x` is `sys_x`, or `freebsd32_x` for a program of 32 bits. */
std::string call_of(pid_t pid) {
  for (const std::string& function : functions_of(pid)) {
    for (const std::string_view prefix : {"sys_", "freebsd32_"}) {
      if (function.starts_with(prefix)) return function.substr(prefix.size());
    }
  }
  return {};
}

}  // namespace

namespace {

/** A daemon that reads and writes files for processes of any jail, and is in none (aio(4)). */
bool is_for_every_jail(const kinfo_proc& process) {
  return (process.ki_flag & P_KPROC) != 0 && std::string_view(process.ki_comm).starts_with("aiod");
}

}  // namespace

KernelWork calls_in_jail(int jid) {
  KernelWork work;
  const auto processes = all_processes();
  if (!processes) return work;
  for (const kinfo_proc& process : *processes) {
    // defence: allocation-ends-beside-no-daemon
    if (process.ki_jid != jid && !is_for_every_jail(process)) continue;
    for (const std::string& function : functions_of(process.ki_pid)) {
      work.allocates_file |= function == "vn_fallocate" || function == "kern_posix_fallocate";
      work.moves_file |= function.starts_with("vn_io_fault");
    }
  }
  return work;
}

std::vector<Holder> processes_in_jail(int jid) {
  std::vector<Holder> found;
  const auto processes = all_processes();
  if (!processes) return found;
  for (const kinfo_proc& process : *processes) {
    if (process.ki_jid != jid) continue;
    found.push_back(
        {.kind = "process", .pid = process.ki_pid, .command = process.ki_comm, .call = call_of(process.ki_pid)});
    const auto tracer = std::find_if(processes->begin(), processes->end(),
                                     [&process](const kinfo_proc& other) { return other.ki_pid == process.ki_tracer; });
    if (process.ki_tracer != 0 && tracer != processes->end())
      found.push_back({.kind = "tracer", .pid = tracer->ki_pid, .command = tracer->ki_comm});
  }
  return found;
}

DyingJailHolders holders_of_dying_jail(uid_t user) {
  const Tolerated tolerated("a jail whose holders are unknown is waited for");
  DyingJailHolders holders;
  auto sockets = sockets_made_by(user);
  const auto processes = all_processes();
  if (!processes) return holders;
  for (const kinfo_proc& process : *processes) {
    for (const auto& file : records_of_process<kinfo_file>(KERN_PROC_FILEDESC, process.ki_pid)) {
      if (file.kf_type != KF_TYPE_SOCKET) continue;
      const std::uint64_t pcb = file.kf_un.kf_sock.kf_sock_pcb;
      const auto is_opened = [pcb](const SocketEntry& socket) { return socket.pcb == pcb; };
      if (std::erase_if(sockets, is_opened) == 0) continue;
      // Sockets in other jails belong to other sessions.
      if (process.ki_jid != 0 || user == 0) continue;
      holders.processes.push_back(
          {.kind = "socket", .pid = process.ki_pid, .command = process.ki_comm, .path = bound_path(file)});
    }
  }
  holders.has_ending_connection =
      std::any_of(sockets.begin(), sockets.end(), [](const SocketEntry& socket) { return socket.is_ending; });
  return holders;
}

}  // namespace buildjail
