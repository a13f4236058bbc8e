#!/bin/sh
# Make the container's cgroup tree usable, then become the worker.
#
# Container engines mount the tree read-only. CAP_SYS_ADMIN allows to mount it anew for writing; it
# is the container's own branch.
set -eu

if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    if [ ! -w /sys/fs/cgroup ] || ! mkdir -p /sys/fs/cgroup/rrtf-supervisors 2>/dev/null; then
        mount -o remount,rw /sys/fs/cgroup
    fi
    # A version 2 group that holds processes cannot limit its children: step aside into a leaf.
    mkdir -p /sys/fs/cgroup/rrtf-supervisors
    echo $$ >/sys/fs/cgroup/rrtf-supervisors/cgroup.procs
else
    # Version 1 mounts each controller by itself. `bind`: this mount changes, and not the file
    # system behind it, which is every container's.
    for controller in memory pids cpuacct; do
        mount -o remount,bind,rw "/sys/fs/cgroup/$controller"
    done
fi
exec "$@"
