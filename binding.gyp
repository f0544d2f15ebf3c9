{
  'variables': {
    # 1: the tests' own build (test/faults/native), which is made by `npm run test:faults`.
    'faults%': 0,
    # 1: for other machines (scripts/prebuilds.mjs), with the C++ library inside where a system has no one of its own.
    'portable%': 0,
    # Hidden, so that neither the host program's C++ library nor ours takes the other's place.
    'own_cxx_library': ['-static-libstdc++', '-Wl,--exclude-libs,ALL'],
    # The package has all of them: each function by itself, so that the linker drops those that nobody calls.
    'small': ['-ffunction-sections', '-fdata-sections'],
    'small_linked': ['-Wl,-s', '-Wl,--gc-sections'],
    # What clang makes with -Os is half as large again as what gcc does; its linker makes one of functions that are the same.
    'small_by_clang': ['-Oz'],
    'small_linked_by_lld': ['-Wl,--icf=safe'],
  },
  'targets': [
    {
      'target_name': 'buildjail',
      # One list for this and CMakeLists.txt.
      'sources': ['<!@(node native/sources.mjs addon <(OS))'],
      'include_dirs': ['native'],
      'dependencies': ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except_all"],
      'defines': [
        'NAPI_VERSION=9',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        # A throw while a worker thread is being terminated would end the process otherwise.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-rtti'],
      'cflags_cc': ['-std=c++20', '-Os', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wshadow', '-Wconversion'],
      # vfork(2)ed children must find every symbol bound: there is no linker in a child (vfork(2), CAVEATS).
      # A thread that waits for getaddrinfo(3) outlives the environment that asked (dlclose(3)).
      'ldflags': ['-Wl,-z,now', '-Wl,-z,relro', '-Wl,-z,nodelete'],
      'conditions': [
        ['faults==1', {
          'defines': ['BUILDJAIL_FAULTS'],
          'sources': ['<!@(node native/sources.mjs faults <(OS))'],
          'ldflags': ['<!@(node test/faults/native/wrap-flags.mjs <(OS))'],
        }],
        ['OS=="freebsd" or OS=="linux"', {
          'dependencies': ['buildjail-shared'],
        }],
        ['portable==1', {'cflags_cc': ['<@(small)'], 'ldflags': ['<@(small_linked)']}],
        ['OS=="freebsd" and portable==1', {'cflags_cc': ['<@(small_by_clang)'], 'ldflags': ['<@(small_linked_by_lld)']}],
        ['OS=="linux" and portable==1', {
          'sources': ['<!@(node native/sources.mjs portable <(OS))'],
          'ldflags': ['<@(own_cxx_library)'],
        }],
        ['OS=="linux"', {
          'dependencies': ['buildjail-init'],
          'actions': [{
            'action_name': 'embed-init',
            'inputs': ['native/linux/init/embed.mjs', '<(PRODUCT_DIR)/buildjail-init'],
            'outputs': ['<(SHARED_INTERMEDIATE_DIR)/buildjail-init.cc'],
            'process_outputs_as_sources': 1,
            'action': ['node', 'native/linux/init/embed.mjs', '<(PRODUCT_DIR)/buildjail-init', '<@(_outputs)'],
          }],
        }],
      ],
    },
  ],
  'conditions': [
    ['OS=="freebsd" or OS=="linux"', {
      'targets': [
        {
          # What the addon and buildjail-watch have in common: compiled once.
          'target_name': 'buildjail-shared',
          'type': 'static_library',
          'sources': ['<!@(node native/sources.mjs shared <(OS))'],
          'include_dirs': ['native'],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-rtti', '-fno-exceptions'],
          # The size is what counts, of the package and of the wait for the compiler: the system calls take the time.
          'cflags_cc': ['-std=c++20', '-Os', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wshadow', '-Wconversion'],
          'conditions': [
            ['faults==1', {'defines': ['BUILDJAIL_FAULTS']}],
            ['portable==1', {'cflags_cc': ['<@(small)']}],
            ['OS=="freebsd" and portable==1', {'cflags_cc': ['<@(small_by_clang)']}],
          ],
        },
        {
          # Cleans up after a process that was killed; found beside the addon, by its name.
          'target_name': 'buildjail-watch',
          'type': 'executable',
          'sources': ['<!@(node native/sources.mjs watch <(OS))'],
          'dependencies': ['buildjail-shared'],
          'include_dirs': ['native'],
          'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-rtti', '-fno-exceptions'],
          'cflags_cc': ['-std=c++20', '-Os', '-Wall', '-Wextra', '-Wshadow', '-Wconversion'],
          'ldflags!': ['-rdynamic'],
          'ldflags': ['-Wl,-z,now', '-Wl,-z,relro'],
          'conditions': [
            ['portable==1', {'cflags_cc': ['<@(small)'], 'ldflags': ['<@(small_linked)']}],
            ['OS=="freebsd" and portable==1', {'cflags_cc': ['<@(small_by_clang)'], 'ldflags': ['<@(small_linked_by_lld)']}],
            ['OS=="linux" and portable==1', {
              'sources': ['<!@(node native/sources.mjs portable <(OS))'],
              'ldflags': ['<@(own_cxx_library)'],
            }],
          ],
        },
      ],
    }],
    ['OS=="linux"', {
      'targets': [
        {
          # Pid 1 of a session: no C library, nothing to load. Its bytes become a part of the addon.
          'target_name': 'buildjail-init',
          'type': 'executable',
          'sources': ['native/linux/init/init.c', 'native/linux/init/calls.c'],
          'cflags!': ['-pthread', '-fPIC'],
          'cflags': ['-Os', '-ffreestanding', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-pie', '-Wall', '-Wextra'],
          'ldflags!': ['-pthread', '-rdynamic'],
          'ldflags': ['-static', '-nostdlib', '-no-pie', '-Wl,--build-id=none', '-Wl,-z,norelro', '-Wl,-z,noseparate-code', '-s'],
        },
      ],
    }],
  ],
}
