#!/bin/sh
# Builds the two libraries that are kept in src/main/resources; x86_64 Linux with gcc, no libc needed.
set -e
cd "$(dirname "$0")"
out=../resources/io/github/evercred/testkit/linux-amd64
for name in aio numa; do
  gcc -Os -fPIC -shared -nostdlib -fno-asynchronous-unwind-tables -fcf-protection=none \
    -Wall -Werror -Wl,--version-script=$name.map -Wl,-soname,lib$name.so.1 -Wl,--build-id=none \
    -Wl,-z,noseparate-code -Wl,-z,max-page-size=4096 -Wl,-s -o $out/lib$name.so.1 $name.c
done
