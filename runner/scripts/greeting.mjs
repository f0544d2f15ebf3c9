// A program in C that farms build.
export const greeting = {
  'greet.h': 'const char* greeting(void);\n',
  'greet.c': '#include "greet.h"\nconst char* greeting(void) { return "hello from a farm"; }\n',
  'main.c': '#include <stdio.h>\n#include "greet.h"\nint main(void) { puts(greeting()); return 0; }\n',
}
