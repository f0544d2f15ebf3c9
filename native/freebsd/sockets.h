#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace buildjail {

/** A socket as the kernel lists it, whoever has it open. */
struct SocketEntry {
  /** Of its protocol control block: what a process that has it open is found by (kinfo_file, kf_sock_pcb). */
  std::uint64_t pcb;
  /** A connection that is being ended, which the kernel does by itself once nobody has the socket open (tcp(4)). */
  bool is_ending;
};

/** The sockets that a user made, in whatever jail: of the maker the kernel tells no more than that. */
std::vector<SocketEntry> sockets_made_by(uid_t uid);

}  // namespace buildjail
