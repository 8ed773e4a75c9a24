/* Plays seeds: judge [--seed=N] [--planted] [COUNT [FIRST]]. The first one that fails is made short and printed. */
#include "sim.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WATCHDOG_S = 60 }; /* a seed takes milliseconds */

static plan_t plan;
static bool   planted;

static char   last_words[80];
static size_t last_words_n;

/* A call of the engine does not return. */
static void bark(int number)
{
    (void)number;
    if (write(STDOUT_FILENO, last_words, last_words_n) < 0) _exit(2);
    _exit(!planted);
}

static void watch(uint64_t seed)
{
    const int n = snprintf(last_words, sizeof last_words, "seed %llu: time, it does not return\n%d passed, %d failed\n",
                           (unsigned long long)seed, planted, !planted);
    last_words_n = (size_t)n;
    alarm(planted ? 5 : WATCHDOG_S);
}

static size_t left(void)
{
    size_t count = 0;
    for (size_t i = 0; i < plan.actions; i++)
        count += !plan.action[i].dropped;
    return count;
}

/* Leaves out as many actions as possible while the same rule still fails. */
static void make_short(void)
{
    char rule[sizeof failed_rule];
    memcpy(rule, failed_rule, sizeof rule);
    for (size_t size = plan.actions; size > 0; size /= 2)
        for (size_t from = 0; from < plan.actions; from += size) {
            action_t kept[ACTIONS];
            memcpy(kept, plan.action, sizeof kept);
            for (size_t i = from; i < from + size && i < plan.actions; i++)
                plan.action[i].dropped = true;
            if (sim_run(&plan) || strcmp(rule, failed_rule) != 0) memcpy(plan.action, kept, sizeof kept);
        }
}

static void explain(void)
{
    const size_t all = plan.actions;
    make_short();
    log_on = true;
    sim_run(&plan);
    log_on = false;
    printf("# seed %llu, %zu of %zu actions: %s\n", (unsigned long long)plan.seed, left(), all, failure);
    printf("# dialect: %s\n# start: off\n", cipmux_dialect_name(plan.node[failed_node].dialect));
    if (plan.node[failed_node].real) printf("# timing: real\n");
    log_print(stdout, failed_node);
}

static void report(void)
{
    printf("%llu seeds, %llu actions (%llu rude), %.0f s of virtual time, %llu steps\n", (unsigned long long)sums.seeds,
           (unsigned long long)sums.actions, (unsigned long long)sums.rude, (double)sums.virtual_us / 1e6,
           (unsigned long long)sums.steps);
    printf("%llu lines, %llu answers, %llu links (%llu from modem to modem), %llu bytes down, %llu up, %llu datagrams, "
           "%llu restarts\n",
           (unsigned long long)sums.lines, (unsigned long long)sums.answers, (unsigned long long)sums.opened,
           (unsigned long long)sums.bridged, (unsigned long long)sums.down, (unsigned long long)sums.up,
           (unsigned long long)sums.datagrams, (unsigned long long)sums.restarts);
    printf("drivers: %llu, UP %llu times, %llu links, %llu bytes delivered, %llu sends\n",
           (unsigned long long)sums.driven, (unsigned long long)sums.driven_up, (unsigned long long)sums.driven_opened,
           (unsigned long long)sums.driven_down, (unsigned long long)sums.driven_sent);
}

int main(int argc, char **argv)
{
    uint64_t count = 100, first = 0, failures = 0;
    int      numbers = 0;
    bool     brief = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--planted") == 0)
            planted = true;
        else if (strcmp(argv[i], "--brief") == 0)
            brief = true;
        else if (strncmp(argv[i], "--seed=", 7) == 0)
            first = strtoull(argv[i] + 7, NULL, 10), count = 1;
        else if (numbers++ == 0)
            count = strtoull(argv[i], NULL, 10);
        else
            first = strtoull(argv[i], NULL, 10);
    }
    signal(SIGALRM, bark);
    for (uint64_t seed = first; seed < first + count && failures < 10; seed++) {
        plan_make(&plan, seed);
        watch(seed);
        if (sim_run(&plan)) continue;
        alarm(0);
        failures++;
        printf("seed %llu: %s\n", (unsigned long long)seed, failure);
        if (planted) break;
        if (failures == 1 && !brief) explain();
    }
    alarm(0);
    report();
    const bool good = planted ? failures != 0 : failures == 0;
    printf("%d passed, %d failed\n", good, !good);
    return !good;
}
