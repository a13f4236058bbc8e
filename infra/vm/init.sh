#!/bin/sh
# The first process of the virtual machine that cgroup2.sh starts: prepare, test, report, stop.
#
# The probe runs in each place where a worker may find itself under cgroup version 2, for each is
# found in another way; the attacks run in the commonest one, a service. They are those on what a
# cgroup counts and limits, each on one suite, unless the file `arguments` says otherwise.
set -u
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE=1
groups=/sys/fs/cgroup
results=/results
status=0
# Words in the names of attacks, joined by `or` below.
chosen="append_forever cgroup_files child compression_bomb daemon deep_directories exhaust fill_
    files_without_names flood fork full_pipes huge idle_threads kill_everything map_everything
    memory near_the_limit new_namespace orphans other_processes raise_limits reserve_disk
    sparse_file spin stop thread_bomb threads_with_large worker_processes"

say() { printf '\n== %s, %s s after the start ==\n' "$1" "$(cut -d ' ' -f 1 /proc/uptime)"; }

prepare() {
    mountpoint -q /proc || mount -t proc proc /proc
    mountpoint -q /sys || mount -t sysfs sysfs /sys
    mkdir -p /dev/shm
    mount -t tmpfs shm /dev/shm
    # What the kernel says of every process it kills is no news here.
    dmesg --console-off
    mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 "$groups"
}

# Make the group $1 as systemd makes that of a unit with Delegate=yes.
make_group() {
    mkdir -p "$groups/$1"
    echo "+memory +pids" >"$groups/cgroup.subtree_control"
    echo "+memory +pids" >"$(dirname "$groups/$1")/cgroup.subtree_control"
}

# Run a command in a new group $1.
in_group() {
    make_group "$1"
    # The kernel takes 0 for the process that writes it.
    sh -c 'echo 0 >"/sys/fs/cgroup/$0/cgroup.procs" && exec "$@"' "$@"
}

probe() {
    say "probe $1"
    shift
    "$@" python3 -m executor.worker.probe || status=1
}

# As a container engine does: in namespaces of its own, where the group is the root of a tree that
# is mounted for reading only; then through the entry point of our image.
in_container() {
    make_group containers/one
    unshare --pid --fork --mount --mount-proc sh -c '
        echo 0 >/sys/fs/cgroup/containers/one/cgroup.procs && umount /sys/fs/cgroup || exit 1
        exec unshare --cgroup sh -c "
            mount -t cgroup2 cgroup2 /sys/fs/cgroup && mount -o remount,bind,ro /sys/fs/cgroup &&
                exec sh infra/docker/executor-entrypoint.sh \"\$@\"" sh "$@"' sh "$@"
}

# An ordinary user, to whom root has given the group that the worker is started in.
as_user() {
    in_group users/nobody sh -c '
        chown -R nobody /sys/fs/cgroup/users/nobody
        exec setpriv --reuid=65534 --regid=65534 --clear-groups \
            env RRTF_HOME=/var/tmp/rrtf RRTF_EXECUTOR_REQUIRE_CGROUP=true "$@"' sh "$@"
}

attack() {
    say "attacks in a service"
    set --
    while IFS= read -r argument; do
        set -- "$@" "$argument"
    done <arguments
    if [ $# = 0 ]; then
        # shellcheck disable=SC2086 # Several words.
        words=$(echo $chosen | sed 's/ / or /g')
        set -- -k "($words) and -call] and not forge and not call_"
    fi
    # A processor of one instruction in a nanosecond is slower than those the limits were made for.
    in_group system/attacks env SLOWNESS=2 python3 -m pytest --color=no -p no:cacheprovider \
        --confcutdir=tests/hostile --durations=5 --junit-xml="$results/attacks.xml" \
        tests/hostile "$@" || status=1
}

prepare
cd /project || exit 1
mkdir -p "$groups/named/empty"
uname -r
probe "in the root group" env
probe "in a service" in_group system/probe
probe "in a container" in_container
probe "as an ordinary user" as_user
probe "in a named group, started in it" in_group named/full \
    env RRTF_EXECUTOR_CGROUP="$groups/named/full"
probe "in a named group, started elsewhere" in_group system/elsewhere \
    env RRTF_EXECUTOR_CGROUP="$groups/named/empty"
attack
say "end"

# Every worker has removed what it made; the leaf that it stands in itself is not among that.
find "$groups" -name 'rrtf-held-*' >"$results/left"
if [ -s "$results/left" ]; then
    say "cgroups are left"
    cat "$results/left"
    status=1
fi
dmesg >"$results/kernel.log"
echo "$status" >"$results/status"
tar -cf /dev/vdc -C "$results" .
sync
echo o >/proc/sysrq-trigger
sleep 60
