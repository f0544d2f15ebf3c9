#!/bin/bash
# bwrap as a shell starts it, timed by the shell. Reads requests and prints nanoseconds as the floor program does.
# usage: bubblewrap-loop.sh BWRAP_ARGUMENT...
export LC_ALL=C
while read -r _ count; do
  for ((sample = 0; sample < count; sample++)); do
    began=${EPOCHREALTIME/./}
    bwrap "$@" </dev/null >/dev/null || exit 1
    ended=${EPOCHREALTIME/./}
    echo $(((ended - began) * 1000))
  done
  echo done
done
