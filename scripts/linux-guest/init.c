// The guest's first program. It loads the modules of the initramfs, puts a writable layer over this machine's files,
// which QEMU hands over by 9p, makes that its root directory, and becomes sh(1) with the script that it was given.
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The kernel panics when its first program ends, and QEMU stops.
static void must(int result, const char *what) {
  if (result >= 0) return;
  fprintf(stderr, "init: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void load_modules(void) {
  FILE *order = fopen("/modules.order", "re");
  char file[256];

  must(order == NULL ? -1 : 0, "/modules.order");
  while (fgets(file, sizeof file, order) != NULL) {
    file[strcspn(file, "\n")] = '\0';
    int module = open(file, O_RDONLY | O_CLOEXEC);
    must(module, file);
    must((int)syscall(SYS_finit_module, module, "", 0), file);
    close(module);
  }
  fclose(order);
}

static void mount_root(void) {
  // cache=loose: nobody changes these files while the guest is there, or nobody has to see it.
  const char *shared = "trans=virtio,version=9p2000.L,cache=loose,msize=512000";
  const char *layers = "lowerdir=/host,upperdir=/own/upper,workdir=/own/work";

  mkdir("/host", 0755);
  mkdir("/own", 0755);
  mkdir("/root", 0755);
  must(mount("host", "/host", "9p", MS_RDONLY, shared), "mount this machine's files");
  must(mount("own", "/own", "tmpfs", 0, "mode=755"), "mount tmpfs");
  mkdir("/own/upper", 0755);
  mkdir("/own/work", 0755);
  must(mount("root", "/root", "overlay", 0, layers), "mount overlay");
  must(chdir("/root"), "/root");
  must(mount(".", "/", NULL, MS_MOVE, NULL), "move the root directory");
  must(chroot("."), "chroot");
  must(chdir("/"), "/");
}

// Here, as a machine need not have ip(8).
static void raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  must(any, "socket");
  must(ioctl(any, SIOCSIFFLAGS, &request), "lo");
  close(any);
}

int main(int argc, char **argv) {
  char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", NULL};

  // What stands after `--` on the kernel's command line.
  if (argc < 2) errno = EINVAL;
  must(argc - 2, "the kernel's command line names no script");
  load_modules();
  mount_root();
  raise_loopback();
  char *command[] = {"sh", argv[1], NULL};
  must(execve("/bin/sh", command, environment), "/bin/sh");
}
