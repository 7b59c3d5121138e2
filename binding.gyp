# The shipping build. native/CMakeLists.txt builds the same sources for
# development; both read native/sources.txt (scripts/sources.mjs).
{
  "target_defaults": {
    "include_dirs": ["native"],
    # Node's own: a single pin is calls of a few instructions each.
    "cflags!": ["-O3", "-fno-omit-frame-pointer"],
    # As native/CMakeLists.txt, which says why. A descriptor's words are read by halves too: that is
    # not what the language's rules of aliasing allow.
    "cflags": ["-O2", "-fno-tree-slp-vectorize", "-fno-strict-aliasing", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra"],
    # Node's headers set these; the core is C++20 and the addon turns
    # exceptions into JavaScript errors.
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
    "cflags_cc": ["-std=c++20", "-fexceptions"],
    "conditions": [
      ["target_arch=='x64'", {"cflags": ["-march=x86-64-v2"]}],
    ],
  },
  "targets": [
    {
      "target_name": "core_host",
      "type": "static_library",
      "sources": ["<!@(node scripts/sources.mjs host)"],
    },
    {
      "target_name": "core_model",
      "type": "static_library",
      "sources": ["<!@(node scripts/sources.mjs model)"],
      # Strings are the library's own code here, as every container is: so `new` in them
      # is the one that wrap_new.ld leads to a RunMemory.
      "defines": ["PAGEBOX_MODEL", "_GLIBCXX_EXTERN_TEMPLATE=0"],
    },
    {
      "target_name": "pagebox",
      "sources": ["<!@(node scripts/sources.mjs addon)"],
      "dependencies": ["core_host", "core_model"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL"],
      # The core's symbols stay inside. libstdc++ is linked dynamically: Node
      # needs it anyway, and a static one asks for the build machine's glibc.
      "ldflags": [
        "-Wl,--exclude-libs,ALL",
        "-Wl,-Bsymbolic",
        "-Wl,@<(module_root_dir)/native/base/model/wrap_new.ld",
      ],
      "libraries": ["-lpthread"],
    },
  ],
}
