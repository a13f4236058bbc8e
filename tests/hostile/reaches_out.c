// Tries all that a compiled program can try by itself; prints what was not refused.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char space[256];

static void worked(const char *what, long which) { printf("%s %ld\n", what, which); }

static void attempt(const char *what, long number, long a, long b, long c, long d) {
    if (syscall(number, a, b, c, d, 0) != -1) worked(what, number);
}

static void files(void) {
    struct stat found;
    for (int fd = 3; fd < 4096; fd++)
        if (fstat(fd, &found) == 0) worked("open file", fd);
    const char *folders[] = {"/", "/dev", "/proc", "/proc/self", "/sys", "/etc", "/py", "/py/guest",
                             "/usr/bin", "/usr/lib", "/cache", "/harness", "/bin", "/lib"};
    for (int at = 0; at < 14; at++) {
        char path[64];
        snprintf(path, sizeof path, "%s/left", folders[at]);
        if (open(path, O_CREAT | O_WRONLY, 0666) >= 0) worked(path, 0);
    }
    const char *hidden[] = {"/proc/1", "/proc/self/fd", "/sys/fs", "/etc/passwd", "/root", "/home",
                            "/var", "/run", "/work"};
    for (int at = 0; at < 9; at++)
        if (access(hidden[at], F_OK) == 0) worked(hidden[at], 0);
    const char *shared[] = {"/dev/null", "/dev/zero", "/dev/urandom", "/py/bin/python3"};
    for (int at = 0; at < 4; at++) {
        int fd = open(shared[at], O_RDWR);
        if (fd < 0) fd = open(shared[at], O_RDONLY);
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) worked("flock", at);
        if (fcntl(fd, F_SETLEASE, F_RDLCK) == 0) worked("lease", at);
        if (fchmod(fd, 0777) == 0) worked("fchmod", at);
        struct flock lock = {.l_type = F_WRLCK};
        if (fcntl(fd, F_OFD_SETLK, &lock) == 0) worked("lock", at);
    }
}

static void limits(void) {
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    const int kinds[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_NOFILE,
                         RLIMIT_MEMLOCK, RLIMIT_SIGPENDING, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO};
    for (int at = 0; at < 10; at++)
        if (setrlimit(kinds[at], &all) == 0) worked("limit", kinds[at]);
    struct {uint32_t version; int pid;} header = {0x20080522, 0};
    uint32_t mine[6] = {0}, every[6];
    syscall(SYS_capget, &header, mine);
    for (int at = 0; at < 6; at++) if (mine[at]) worked("capability", at);
    memset(every, 255, sizeof every);
    attempt("capset", SYS_capset, (long)&header, (long)every, 0, 0);
    for (int one = 0; one < 41; one++)
        if (prctl(PR_CAPBSET_READ, one) == 1) worked("bounding set", one);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) worked("new privileges", 0);
    attempt("setuid", SYS_setuid, 0, 0, 0, 0);
    attempt("setgroups", SYS_setgroups, 0, 0, 0, 0);
    attempt("priority", SYS_setpriority, 0, 0, -5, 0);
    attempt("scheduler", SYS_sched_setscheduler, 0, 1, (long)space, 0);
    attempt("affinity", SYS_sched_setaffinity, 0, 128, (long)space, 0);
    attempt("death signal", SYS_prctl, PR_SET_PDEATHSIG, 9, 0, 0);
    attempt("subreaper", SYS_prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0);
    attempt("keep", SYS_prctl, PR_SET_KEEPCAPS, 1, 0, 0);
}

static void namespaces(void) {
    const long flags[] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWIPC, CLONE_NEWNET,
                          CLONE_NEWUTS, CLONE_NEWCGROUP, CLONE_PARENT, CLONE_PTRACE, CLONE_IO, 1L << 63};
    for (int at = 0; at < 11; at++) {
        long child = syscall(SYS_clone, flags[at] | SIGCHLD, 0, 0, 0, 0);
        if (child == 0) _exit(0);
        if (child > 0) worked("clone", at);
        attempt("unshare", SYS_unshare, flags[at], 0, 0, 0);
        attempt("x32 unshare", 0x40000000 | SYS_unshare, flags[at], 0, 0, 0);
    }
    uint64_t words[11] = {CLONE_NEWUSER};
    attempt("clone3", 435, (long)words, sizeof words, 0, 0);
    int first = syscall(434, 1, 0);
    attempt("setns", SYS_setns, first, CLONE_NEWUSER, 0, 0);
    attempt("mount", SYS_mount, (long)"none", (long)"/tmp", (long)"tmpfs", 0);
    attempt("umount", SYS_umount2, (long)"/tmp", 2, 0, 0);
    attempt("bind", SYS_mount, (long)"/", (long)"/tmp", 0, 4096);
    attempt("chroot", SYS_chroot, (long)"/tmp", 0, 0, 0);
    attempt("take a file", 438, first, 0, 0, 0);
}

static void others(void) {
    int first = syscall(434, 1, 0);
    attempt("trace", SYS_ptrace, 16, 1, 0, 0);
    attempt("read memory", SYS_process_vm_readv, 1, 0, 0, 0);
    if (kill(1, 0) == 0) {  // Then it has nothing that we have not.
        puts("process 1 is ours");
    } else {
        attempt("signal by handle", 424, first, 9, 0, 0);
        attempt("signal", SYS_kill, 1, 9, 0, 0);
        attempt("limit of another", SYS_prlimit64, 1, RLIMIT_NOFILE, (long)space, 0);
        attempt("list of another", SYS_get_robust_list, 1, (long)space, (long)space + 8, 0);
    }
    for (int pid = 3; pid < 4096; pid++)
        if (kill(pid, 0) == 0 || errno != ESRCH) worked("process", pid);
    const char *names[] = {"keyctl", "bpf", "perf", "io_uring", "shmget", "msgget", "mq_open", "landlock"};
    const long numbers[] = {SYS_keyctl, SYS_bpf, SYS_perf_event_open, 425, SYS_shmget, SYS_msgget,
                            SYS_mq_open, 444};
    for (int at = 0; at < 8; at++) attempt(names[at], numbers[at], 4711, 4096, 01666, 0);
    for (int family = 2; family < 46; family++)
        for (int type = 1; type < 6; type++)
            if (socket(family, type, 0) >= 0) worked("socket", family);
    struct sockaddr_un name = {AF_UNIX, "\0neighbour"};
    int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(client, (void *)&name, 12) == 0) worked("neighbour", 0);
    if (bind(server, (void *)&name, 12) != 0 || listen(server, 9) != 0) worked("taken name", 0);
}

int main(void) {
    if (getuid() != 65534 || getgroups(0, NULL) != 0) worked("user", getuid());
    files();
    limits();
    namespaces();
    others();
    // What is left to itself: it holds a name that nobody may find later.
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        for (int signal_of = 1; signal_of < 65; signal_of++) signal(signal_of, SIG_IGN);
        for (;;) pause();
    }
    puts("done");
    return 0;
}
