/* Many runs of this program, some of them at a time, each with a deadline. */
#ifndef HOST_TRIALS_H
#define HOST_TRIALS_H

#include <stddef.h>
#include <stdint.h>

enum { TRIALS_JOBS_MAX = 64, TRIALS_HUNG = -1 };

typedef struct {
    size_t   runs;
    unsigned jobs; /* at a time, up to TRIALS_JOBS_MAX */
    uint64_t deadline_ms;
    void    *context;
    /* What run `i` is called with, and the file for what it prints; valid until the next call. stdin is empty. */
    char *const *(*arguments)(void *context, size_t i);
    const char *(*output)(void *context, size_t i);
    /* It has ended: its status, 128 + n for a signal, or TRIALS_HUNG after its deadline. */
    void (*ended)(void *context, size_t i, int status, uint64_t ms);
} trials_t;

/* Runs them all. 0, or the number of the signal that stopped it (SIGINT, SIGTERM, SIGHUP); -1: errno says why not. Nothing
 * that was started is left running. */
int trials_run(const trials_t *trials);

#endif
