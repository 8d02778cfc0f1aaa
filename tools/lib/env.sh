# Sourced by the scripts in tools/: the folders, and a ccache that works with
# precompiled headers and across clones.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$root/build
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$root}
export CCACHE_NOHASHDIR=1

# configure_and_build TARGET...: what is out of date, and nothing else.
configure_and_build() {
  if [ ! -f "$build/build.ninja" ] || [ -z "${quick:-}" ]; then
    (cd "$root" && cmake --preset release) || return 1
  fi
  ninja -C "$build" ${jobs:+-j "$jobs"} "$@"
}
