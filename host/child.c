/* fork, exec, signals, orphans. See child.h. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { STATUS_SIGNAL = 128 };

/* Process id of the command, or of the modem in the process that waits for that; 0: none. A signal handler has no other
 * context. */
static volatile sig_atomic_t command;

static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };
enum { FORWARDED = sizeof forwarded / sizeof *forwarded };

/* What the terminal sends (Ctrl-C) the whole process group gets; what somebody sends to us the command gets from us. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    (void)context;
    bool by_somebody = info->si_code == SI_USER || info->si_code == SI_QUEUE;
    if (command == 0) _exit(STATUS_SIGNAL + number);
    if (by_somebody) kill((pid_t)command, number);
}

static void handle_signals(void)
{
    struct sigaction action = { .sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART };
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FORWARDED; i++)
        sigaction(forwarded[i], &action, NULL);
}

/* The orphans of those below become ours, not init's. */
static void adopt_orphans(void)
{
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
}

/* fork(), and no signal before it is known whom that is for. */
static pid_t fork_command(void)
{
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    command = pid > 0 ? (sig_atomic_t)pid : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static int status_of(int how)
{
    return WIFSIGNALED(how) ? STATUS_SIGNAL + WTERMSIG(how) : WEXITSTATUS(how);
}

/* The process that was started: waits for the modem's, and kills what that could not end. */
static _Noreturn void wait_for_modem(void)
{
    int how = 0;
    while (waitpid((pid_t)command, &how, 0) < 0 && errno == EINTR)
        ;
    command = 0;
    while (child_rest(SIGKILL) > 0 && (wait(NULL) > 0 || errno == EINTR))
        ;
    _exit(status_of(how));
}

int child_split(void)
{
    int alive[2]; /* the process that was started holds the end for writing, as long as it lives */
    handle_signals();
    if (pipe(alive) != 0) return -1;
    fcntl(alive[0], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork_command();
    adopt_orphans();
    if (pid > 0) wait_for_modem();
    close(alive[1]);
    if (pid == 0) return alive[0];
    int failed = errno;
    close(alive[0]);
    errno = failed;
    return -1;
}

/* In the new process: becomes the command, or reports why not. */
static void become(char **argv, pid_t parent, int report)
{
    sigset_t none;
    signal(SIGPIPE, SIG_DFL);
    for (size_t i = 0; i < FORWARDED; i++)
        signal(forwarded[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (getppid() == parent) execvp(argv[0], argv);
    int failed = errno;
    if (write(report, &failed, sizeof failed) < 0) failed = 0;
    _exit(127);
}

bool child_start(char **argv)
{
    int   failed = 0, report[2];
    pid_t parent = getpid();
    if (pipe(report) != 0) return false;
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork_command();
    if (pid == 0) become(argv, parent, report[1]);
    if (pid < 0) failed = errno;
    close(report[1]);
    if (pid > 0 && read(report[0], &failed, sizeof failed) == (ssize_t)sizeof failed) {
        waitpid(pid, NULL, 0);
        command = 0;
    }
    close(report[0]);
    errno = failed;
    return failed == 0;
}

bool child_ended(int *status)
{
    bool  ended = false;
    int   how;
    pid_t pid;
    while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
        if (pid != (pid_t)command) continue;
        ended = true;
        command = 0;
        *status = status_of(how);
    }
    return ended;
}

unsigned child_rest(int number)
{
    char     path[64];
    long     pid;
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    FILE *children = fopen(path, "re");
    if (!children) return command != 0 && kill((pid_t)command, number) == 0;
    for (; fscanf(children, "%ld", &pid) == 1; count++)
        if (number) kill((pid_t)pid, number);
    fclose(children);
    return count;
}
