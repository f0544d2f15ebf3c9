#include "freebsd/sockets.h"

#include <sys/param.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/socketvar.h>
#include <sys/un.h>
#include <sys/unpcb.h>

#include <netinet/in.h>
#include <netinet/in_pcb.h>
#include <netinet/tcp_fsm.h>
#include <netinet/tcp_var.h>

#include <cstddef>
#include <cstring>
#include <span>

#include "freebsd/sysctl_records.h"

namespace buildjail {

namespace {

// Before the first record and after the last is a head, which is no socket: in each list of a size of its own.

template <class Record, class Head, class Add>
void each_socket(const char* list, Add add) {
  const auto answer = read_sysctl(list);
  if (!answer) return;
  for (const auto& record : records_of<Record, ksize_t>(std::span<const std::byte>(*answer))) {
    ksize_t length = 0;
    std::memcpy(&length, &record, sizeof(length));
    if (length > sizeof(Head)) add(record);
  }
}

}  // namespace

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

}  // namespace buildjail
