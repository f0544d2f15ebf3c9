/* In a file of its own: the linker wraps what is called from another (ld(1), --wrap). */
#include <unistd.h>

#include "floor.h"

pid_t vfork_child(void (*program)(void *), void *context) {
  const pid_t child = vfork();
  if (child != 0) return child;
  program(context);
  _exit(127);
}
