/* Processes, their deadlines, and signals: see trials.h. */
#include "trials.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#ifdef __linux__
#include <sys/prctl.h>
#endif

enum { SIGNALS = 3, STATUS_SIGNAL = 128 };

typedef struct {
    pid_t    pid; /* 0: free */
    size_t   run;
    uint64_t begin_ms;
} job_t;

typedef struct {
    const trials_t *trials;
    uv_loop_t       loop;
    uv_signal_t     ended, stop[SIGNALS];
    uv_timer_t      clock;
    job_t           job[TRIALS_JOBS_MAX];
    size_t          next; /* run to be started */
    unsigned        running;
    int             stopped; /* a signal, or -1 */
} trials_run_t;

/* In the new process. It dies when the program that started it does. */
static _Noreturn void become(char *const *arguments, const char *output, pid_t parent)
{
    sigset_t none;
    int      in = open("/dev/null", O_RDONLY), out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (in >= 0 && out >= 0 && dup2(in, 0) == 0 && dup2(out, 1) == 1 && dup2(out, 2) == 2 && getppid() == parent)
        execv("/proc/self/exe", arguments);
    _exit(STATUS_SIGNAL - 1);
}

static bool start(trials_run_t *all, job_t *job)
{
    const trials_t *trials = all->trials;
    char *const    *arguments = trials->arguments(trials->context, all->next);
    const char     *output = trials->output(trials->context, all->next);
    const pid_t     parent = getpid();
    *job = (job_t){ .run = all->next, .begin_ms = uv_hrtime() / 1000000 };
    job->pid = fork();
    if (job->pid == 0) become(arguments, output, parent);
    if (job->pid < 0) {
        job->pid = 0;
        all->stopped = -1;
        return false;
    }
    all->next++;
    all->running++;
    return true;
}

/* Starts what may be started, and waits for the nearest deadline. */
static void go_on(trials_run_t *all);

static void is_late(uv_timer_t *clock)
{
    trials_run_t  *all = clock->data;
    const uint64_t now_ms = uv_hrtime() / 1000000;
    for (size_t i = 0; i < all->trials->jobs; i++) {
        job_t *job = &all->job[i];
        if (job->pid == 0 || job->begin_ms + all->trials->deadline_ms > now_ms) continue;
        kill(job->pid, SIGKILL);
        waitpid(job->pid, NULL, 0);
        job->pid = 0;
        all->running--;
        all->trials->ended(all->trials->context, job->run, TRIALS_HUNG, now_ms - job->begin_ms);
    }
    go_on(all);
}

static void go_on(trials_run_t *all)
{
    const trials_t *trials = all->trials;
    uint64_t        now_ms = uv_hrtime() / 1000000, due_ms = UINT64_MAX;
    for (size_t i = 0; i < trials->jobs; i++) {
        job_t *job = &all->job[i];
        if (job->pid == 0 && (all->stopped || all->next == trials->runs || !start(all, job))) continue;
        if (job->begin_ms + trials->deadline_ms < due_ms) due_ms = job->begin_ms + trials->deadline_ms;
    }
    if (all->running == 0) {
        uv_stop(&all->loop);
        return;
    }
    uv_update_time(&all->loop);
    uv_timer_start(&all->clock, is_late, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void something_ended(uv_signal_t *handle, int number)
{
    trials_run_t  *all = handle->data;
    const uint64_t now_ms = uv_hrtime() / 1000000;
    (void)number;
    for (size_t i = 0; i < all->trials->jobs; i++) {
        job_t *job = &all->job[i];
        int    how;
        if (job->pid == 0 || waitpid(job->pid, &how, WNOHANG) != job->pid) continue;
        job->pid = 0;
        all->running--;
        all->trials->ended(all->trials->context, job->run,
                           WIFSIGNALED(how) ? STATUS_SIGNAL + WTERMSIG(how) : WEXITSTATUS(how), now_ms - job->begin_ms);
    }
    go_on(all);
}

/* Nothing more is begun, and what runs is over. */
static void is_stopped(uv_signal_t *handle, int number)
{
    trials_run_t *all = handle->data;
    all->stopped = number;
    for (size_t i = 0; i < all->trials->jobs; i++) {
        if (all->job[i].pid == 0) continue;
        kill(all->job[i].pid, SIGKILL);
        waitpid(all->job[i].pid, NULL, 0);
        all->job[i].pid = 0;
    }
    uv_stop(&all->loop);
}

/* 0, or libuv's error: then nothing is watched. */
static int watch(trials_run_t *all, uv_signal_t *handle, uv_signal_cb then, int number)
{
    int failed = uv_signal_init(&all->loop, handle);
    if (failed) return failed;
    handle->data = all;
    failed = uv_signal_start(handle, then, number);
    if (failed) uv_close((uv_handle_t *)handle, NULL);
    return failed;
}

static void run(trials_run_t *all)
{
    static const int numbers[SIGNALS] = { SIGINT, SIGTERM, SIGHUP };
    int              failed = watch(all, &all->ended, something_ended, SIGCHLD);
    size_t           stops = 0;
    if (failed) {
        errno = -failed;
        all->stopped = -1;
        return;
    }
    while (stops < SIGNALS && watch(all, &all->stop[stops], is_stopped, numbers[stops]) == 0)
        stops++;
    uv_timer_init(&all->loop, &all->clock);
    all->clock.data = all;
    go_on(all);
    uv_run(&all->loop, UV_RUN_DEFAULT); /* also where nothing runs: that takes back the wish to stop */
    const int reason = errno;
    uv_close((uv_handle_t *)&all->ended, NULL);
    uv_close((uv_handle_t *)&all->clock, NULL);
    for (size_t i = 0; i < stops; i++)
        uv_close((uv_handle_t *)&all->stop[i], NULL);
    errno = reason;
}

int trials_run(const trials_t *trials)
{
    trials_run_t *all = calloc(1, sizeof *all);
    if (!all) return -1;
    all->trials = trials;
    int       failed = -uv_loop_init(&all->loop);
    const int opened = failed == 0;
    if (opened) {
        run(all);
        failed = errno;
        uv_run(&all->loop, UV_RUN_DEFAULT);
        uv_loop_close(&all->loop);
    }
    const int stopped = opened ? all->stopped : -1;
    free(all);
    errno = failed;
    return stopped;
}
