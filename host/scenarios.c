/* The built-in fault files: see scenarios.h. The table is made of the files by the build. */
#include "scenarios.h"

#include <string.h>

static const struct {
    const char *name, *text;
} scenarios[] = {
#include "scenarios.inc"
};

enum { SCENARIOS = sizeof scenarios / sizeof scenarios[0] };

const char *scenarios_find(const char *name)
{
    for (size_t i = 0; i < SCENARIOS; i++)
        if (strcmp(scenarios[i].name, name) == 0) return scenarios[i].text;
    return NULL;
}

void scenarios_print(FILE *out)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        const char *first = scenarios[i].text + strspn(scenarios[i].text, "# ");
        fprintf(out, "%-22s %.*s\n", scenarios[i].name, (int)strcspn(first, "\n"), first);
    }
}
