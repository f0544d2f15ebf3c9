#include "freebsd/traced_calls.h"

#include <algorithm>
#include <iterator>

namespace buildjail {

namespace {

using Kind = TracedCall::Kind;
using Folders = std::array<std::int8_t, 2>;

constexpr std::int8_t kNone = TracedCall::kNone;
constexpr Folders in(std::int8_t first, std::int8_t second = kNone) { return {first, second}; }

// Numbers of sys/syscall.h, where newer and older kernels than that of the headers have some more. In their order.
constexpr std::array kCalls = {
    TracedCall{2, Kind::kFork},                           // fork
    TracedCall{5, Kind::kOpen, in(kNone), 1},             // open
    TracedCall{6, Kind::kClose},                          // close
    TracedCall{8, Kind::kChange},                         // creat, of 4.3BSD
    TracedCall{9, Kind::kMakeSecond},                     // link
    TracedCall{10, Kind::kChange},                        // unlink
    TracedCall{12, Kind::kChangeDirectory},               // chdir
    TracedCall{13, Kind::kChangeDirectoryOpen},           // fchdir
    TracedCall{14, Kind::kMake},                          // freebsd11_mknod
    TracedCall{15, Kind::kChange},                        // chmod
    TracedCall{16, Kind::kChange},                        // chown
    TracedCall{34, Kind::kChange},                        // chflags
    TracedCall{41, Kind::kDuplicate},                     // dup
    TracedCall{45, Kind::kTrace},                         // ktrace
    TracedCall{56, Kind::kChange},                        // revoke
    TracedCall{57, Kind::kMake},                          // symlink
    TracedCall{59, Kind::kExecute},                       // execve
    TracedCall{61, Kind::kChangeRoot},                    // chroot
    TracedCall{66, Kind::kFork},                          // vfork
    TracedCall{90, Kind::kDuplicateTo},                   // dup2
    TracedCall{92, Kind::kControl},                       // fcntl
    TracedCall{104, Kind::kMake},                         // bind
    TracedCall{128, Kind::kChange},                       // rename
    TracedCall{132, Kind::kMake},                         // mkfifo
    TracedCall{136, Kind::kMake},                         // mkdir
    TracedCall{137, Kind::kChange},                       // rmdir
    TracedCall{138, Kind::kChange},                       // utimes
    TracedCall{196, Kind::kList},                         // freebsd11_getdirentries
    TracedCall{205, Kind::kChange},                       // undelete
    TracedCall{251, Kind::kForkAsFlagged, in(kNone), 0},  // rfork
    TracedCall{254, Kind::kChange},                       // lchown
    TracedCall{272, Kind::kList},                         // freebsd11_getdents
    TracedCall{274, Kind::kChange},                       // lchmod
    TracedCall{276, Kind::kChange},                       // lutimes
    TracedCall{326, Kind::kTellDirectory},                // __getcwd
    TracedCall{348, Kind::kChange},                       // __acl_set_file
    TracedCall{351, Kind::kChange},                       // __acl_delete_file
    TracedCall{356, Kind::kChange},                       // extattr_set_file
    TracedCall{358, Kind::kChange},                       // extattr_delete_file
    TracedCall{391, Kind::kChange},                       // lchflags
    TracedCall{412, Kind::kChange},                       // extattr_set_link
    TracedCall{414, Kind::kChange},                       // extattr_delete_link
    TracedCall{415, Kind::kExecute},                      // __mac_execve
    TracedCall{426, Kind::kChange},                       // __acl_set_link
    TracedCall{427, Kind::kChange},                       // __acl_delete_link
    TracedCall{431, Kind::kEndThread},                    // thr_exit
    TracedCall{436, Kind::kEnter},                        // jail_attach
    TracedCall{479, Kind::kChange},                       // truncate
    TracedCall{482, Kind::kOfNoFile},                     // freebsd12_shm_open
    TracedCall{483, Kind::kOfNoFile},                     // shm_unlink
    TracedCall{489, Kind::kLook, in(0)},                  // faccessat
    TracedCall{490, Kind::kChange, in(0)},                // fchmodat
    TracedCall{491, Kind::kChange, in(0)},                // fchownat
    TracedCall{492, Kind::kExecuteOpen},                  // fexecve
    TracedCall{493, Kind::kLook, in(0)},                  // freebsd11_fstatat
    TracedCall{494, Kind::kChange, in(0)},                // futimesat
    TracedCall{495, Kind::kMakeSecond, in(0, 2)},         // linkat
    TracedCall{496, Kind::kMake, in(0)},                  // mkdirat
    TracedCall{497, Kind::kMake, in(0)},                  // mkfifoat
    TracedCall{498, Kind::kMake, in(0)},                  // freebsd11_mknodat
    TracedCall{499, Kind::kOpen, in(0), 2},               // openat
    TracedCall{500, Kind::kLook, in(0)},                  // readlinkat
    TracedCall{501, Kind::kChange, in(0, 2)},             // renameat
    TracedCall{502, Kind::kMake, in(1)},                  // symlinkat
    TracedCall{503, Kind::kChange, in(0)},                // unlinkat
    TracedCall{509, Kind::kCloseFrom},                    // freebsd12_closefrom
    TracedCall{513, Kind::kLook},                         // lpathconf
    TracedCall{518, Kind::kFork},                         // pdfork
    TracedCall{538, Kind::kMake, in(0)},                  // bindat
    TracedCall{539, Kind::kLook, in(0)},                  // connectat
    TracedCall{540, Kind::kChange, in(0)},                // chflagsat
    TracedCall{547, Kind::kChange, in(0)},                // utimensat
    TracedCall{552, Kind::kLook, in(0)},                  // fstatat
    TracedCall{554, Kind::kList},                         // getdirentries
    TracedCall{559, Kind::kMake, in(0)},                  // mknodat
    TracedCall{564, Kind::kLook, in(0)},                  // getfhat
    TracedCall{566, Kind::kMake, in(1)},                  // fhlinkat
    TracedCall{568, Kind::kChange, in(0)},                // funlinkat
    TracedCall{571, Kind::kOfNoFile},                     // shm_open2
    TracedCall{572, Kind::kOfNoFile},                     // shm_rename
    TracedCall{574, Kind::kLook, in(0)},                  // __realpathat
    TracedCall{575, Kind::kCloseRange},                   // close_range
    TracedCall{590, Kind::kChangeRootOpen},               // fchroot
    TracedCall{593, Kind::kLook, in(1)},                  // inotify_add_watch_at
    TracedCall{600, Kind::kForkAsFlagged, in(kNone), 2},  // pdrfork
    TracedCall{602, Kind::kChange, in(0, 2)},             // renameat2
};
static_assert(std::ranges::is_sorted(kCalls, {}, &TracedCall::number));

constexpr TracedCall kOther{0};

}  // namespace

const TracedCall& traced_call(int number) {
  const auto found = std::ranges::lower_bound(kCalls, number, {}, &TracedCall::number);
  return found != kCalls.end() && found->number == number ? *found : kOther;
}

}  // namespace buildjail
