{
  # 1: the tests' own build (native/faults), which is made by `npm run test:faults`.
  'variables': {'faults%': 0},
  'targets': [
    {
      'target_name': 'buildjail',
      'sources': [
        'native/binding/addon.cc',
        'native/binding/envelope_wrap.cc',
        'native/binding/error_to_js.cc',
        'native/binding/open_and_launch.cc',
        'native/binding/pipes_to_js.cc',
        'native/binding/runtime.cc',
        'native/binding/to_js.cc',
        'native/core/captured_stream.cc',
        'native/core/exec_child.cc',
        'native/core/exit_waiter.cc',
        'native/core/launch_request.cc',
        'native/core/output_lease.cc',
        'native/core/plan.cc',
        'native/core/session_directory.cc',
        'native/core/signal_name.cc',
        'native/core/stdio_ends.cc',
        'native/core/sys_error.cc',
        'native/core/vfork_child.cc',
        'native/core/wire_reader.cc',
      ],
      'include_dirs': ['native'],
      'dependencies': ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api_except"],
      'defines': [
        'NAPI_VERSION=9',
        'NODE_ADDON_API_DISABLE_DEPRECATED',
        # A throw while a worker thread is being terminated would end the process otherwise.
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-fno-rtti'],
      'cflags_cc': ['-std=c++20', '-fvisibility=hidden', '-Wall', '-Wextra', '-Wshadow', '-Wconversion'],
      # vfork(2)ed children must find every symbol bound: there is no linker in a child (vfork(2), CAVEATS).
      'ldflags': ['-Wl,-z,now', '-Wl,-z,relro'],
      'conditions': [
        ['faults==1', {
          'sources': [
            'native/faults/controls.cc',
            'native/faults/fault.cc',
            'native/faults/raw_names.cc',
            'native/faults/wrapped_calls.cc',
          ],
          'ldflags': ['<!@(node native/faults/wrap-flags.mjs <(OS))'],
        }],
        ['OS=="freebsd"', {
          'sources': [
            'native/binding/system_calls_freebsd.cc',
            'native/freebsd/child.cc',
            'native/freebsd/devfs_ruleset.cc',
            'native/freebsd/envelope.cc',
            'native/freebsd/event_queue.cc',
            'native/freebsd/iovec_list.cc',
            'native/freebsd/jail.cc',
            'native/freebsd/jail_parameters.cc',
            'native/freebsd/launch.cc',
            'native/freebsd/mounts.cc',
            'native/freebsd/nested_sources.cc',
            'native/freebsd/obstacles.cc',
            'native/freebsd/pinned_source.cc',
            'native/freebsd/processes.cc',
            'native/freebsd/set_groups.cc',
            'native/freebsd/state_file_system.cc',
            'native/freebsd/system.cc',
          ],
        }],
        ['OS=="linux"', {
          'sources': [
            'native/binding/system_calls_none.cc',
            'native/linux/capabilities.cc',
            'native/linux/child.cc',
            'native/linux/clone_child.cc',
            'native/linux/envelope.cc',
            'native/linux/event_queue.cc',
            'native/linux/init_image.cc',
            'native/linux/launch.cc',
            'native/linux/mount_program.cc',
            'native/linux/namespaces.cc',
            'native/linux/obstacles.cc',
            'native/linux/proc_files.cc',
            'native/linux/session_keyring.cc',
            'native/linux/spare_network.cc',
            'native/linux/system.cc',
          ],
          'dependencies': ['buildjail-init'],
          'actions': [{
            'action_name': 'embed-init',
            'inputs': ['native/linux/init/embed.mjs', '<(PRODUCT_DIR)/buildjail-init'],
            'outputs': ['<(SHARED_INTERMEDIATE_DIR)/buildjail-init.cc'],
            'process_outputs_as_sources': 1,
            'action': ['node', 'native/linux/init/embed.mjs', '<(PRODUCT_DIR)/buildjail-init', '<@(_outputs)'],
          }],
        }],
        ['OS!="freebsd" and OS!="linux"', {
          'sources': [
            'native/binding/system_calls_none.cc',
            'native/unsupported/system.cc',
          ],
        }],
      ],
    },
  ],
  'conditions': [
    ['OS=="linux"', {
      'targets': [
        {
          # Pid 1 of a session: no C library, nothing to load. Its bytes become a part of the addon.
          'target_name': 'buildjail-init',
          'type': 'executable',
          'sources': ['native/linux/init/init.c'],
          'cflags!': ['-pthread', '-fPIC'],
          'cflags': ['-Os', '-ffreestanding', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-fno-pie', '-Wall', '-Wextra'],
          'ldflags!': ['-pthread', '-rdynamic'],
          'ldflags': ['-static', '-nostdlib', '-no-pie', '-Wl,--build-id=none', '-Wl,-z,norelro', '-Wl,-z,noseparate-code', '-s'],
        },
      ],
    }],
  ],
}
