/* The kinds of random faults: see rate.h. */
#include "rate.h"

#include "words.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *words;
} kinds[] = {
    { "typed-lost", "typed loses 1 within=200" },
    { "typed-flipped", "typed flips 1 within=200" },
    { "printed-lost", "printed loses 1 within=200" },
    { "printed-flipped", "printed flips 1 within=200" },
    { "typed-burst", "typed loses 20 within=200" },
    { "printed-burst", "printed loses 20 within=200" },
    { "closes", "link any closes" },
    { "resets", "link any resets" },
    { "kicked", "kick" },
    { "reset", "reset-pin" },
};
enum { KINDS = sizeof kinds / sizeof *kinds };
#define MOST_US (UINT64_C(3600000000) * 1000) /* 1000 h */

const char *rate_kind(size_t i, const char **words)
{
    if (i >= KINDS) return NULL;
    *words = kinds[i].words;
    return kinds[i].name;
}

/* Which kinds the names, with + between, mean, as bits; 0: one is unknown. */
static unsigned kinds_of(const char *names)
{
    unsigned all = 0;
    for (const char *at = names; at != NULL; at = strchr(at, '+') != NULL ? strchr(at, '+') + 1 : NULL) {
        const size_t n = strcspn(at, "+");
        size_t       i = 0;
        while (i < KINDS && (strlen(kinds[i].name) != n || memcmp(kinds[i].name, at, n) != 0))
            i++;
        if (i == KINDS) return 0;
        all |= 1u << i;
    }
    return all;
}

bool rate_words(const char *text, char *out, size_t size)
{
    static const char form[] = "it is rate:mtbf=TIME, such as 2h, and behind it ,kinds=KIND+...:";
    uint64_t          us = 0;
    unsigned          wanted = (1u << KINDS) - 1, n = 0;
    const char       *time = strncmp(text, "rate:mtbf=", 10) == 0 ? text + 10 : NULL;
    const char       *rest = time != NULL ? time + strcspn(time, ",") : NULL;
    bool good = time != NULL && words_duration(time, (size_t)(rest - time), &us) && us >= 1000 && us <= MOST_US;
    if (good && *rest != '\0') {
        wanted = strncmp(rest, ",kinds=", 7) == 0 ? kinds_of(rest + 7) : 0;
        good = wanted != 0;
    }
    size_t used = good ? 0 : (size_t)snprintf(out, size, "%s", form);
    for (unsigned i = 0; i < KINDS; i++)
        n += wanted >> i & 1;
    const uint64_t each_ms = us / 1000 * n;
    const bool     long_time = each_ms >= 1000000;
    for (size_t i = 0; i < KINDS && used < size; i++) {
        if (!good)
            used += (size_t)snprintf(out + used, size - used, " %s", kinds[i].name);
        else if (wanted >> i & 1)
            used += (size_t)snprintf(out + used, size - used, "every %llu%s %s\n",
                                     (unsigned long long)(long_time ? each_ms / 1000 : each_ms), long_time ? "s" : "ms",
                                     kinds[i].words);
    }
    return good;
}
