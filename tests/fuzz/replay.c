/* Runs a fuzz target without libFuzzer: on the files named, or on seeded random inputs.
 * Usage: replay N (the seeds 1 to N) | replay =SEED (that one) | replay FILE... */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 4096 };

static uint64_t      random_state;
static unsigned long seed; /* which random input runs: a debugger shows it, and so does the message of a crash */

static void on_crash(int number)
{
    fprintf(stderr, "seed %lu ended by signal %d; play it with: replay =%lu\n", seed, number, seed);
    signal(number, SIG_DFL);
    raise(number);
}

static uint64_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void run_seed(uint64_t start)
{
    uint8_t data[LONGEST];
    random_state = start * 0x9E3779B97F4A7C15u + 1;
    for (int i = 0; i < 8; i++)
        random_number();
    size_t size = random_number() % LONGEST;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(random_number() >> 32);
    LLVMFuzzerTestOneInput(data, size);
}

static int run_file(const char *path)
{
    uint8_t data[1 << 16];
    FILE   *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return 1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    return 0;
}

int main(int count, char **words)
{
    signal(SIGABRT, on_crash);
    signal(SIGSEGV, on_crash);
    if (count == 2 && words[1][0] == '=') {
        seed = strtoul(words[1] + 1, NULL, 10);
        run_seed(seed);
        return 0;
    }
    char         *end = NULL;
    unsigned long n = count == 2 ? strtoul(words[1], &end, 10) : 0;
    if (end != NULL && *end == '\0') {
        for (seed = 1; seed <= n; seed++)
            run_seed(seed);
        printf("1..1\nok 1 - %lu random inputs\n", n);
        return 0;
    }
    for (int i = 1; i < count; i++) {
        if (run_file(words[i]) != 0) return 2;
        printf("ok %d - %s\n", i, words[i]);
    }
    return count < 2 ? 2 : 0;
}
