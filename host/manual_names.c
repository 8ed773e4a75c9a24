/* The names of commands, as people type them. See manual.h. */
#include "manual_parts.h"

#include <ctype.h>
#include <string.h>

int manual_find(const char *text)
{
    char             name[NAME_BYTES] = "";
    size_t           n = 0;
    cipmux_command_t command;
    if (strlen(text) >= sizeof name) return MANUAL_NONE;
    for (const char *at = text; *at && *at != '=' && *at != '?'; at++)
        name[n++] = (char)toupper((unsigned char)*at);
    if (n == 0) return MANUAL_NONE;
    const char *const behind =
        strncmp(name, "AT", 2) == 0 && (name[2] == '+' || name[2] == 'E' || n == 2) ? name + 2 : name;
    for (size_t i = 0; cipmux_command(i, 0, &command); i++)
        if (strcmp(command.name, behind) == 0 || (command.name[0] == '+' && strcmp(command.name + 1, behind) == 0))
            return (int)i;
    return MANUAL_NONE;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters differ, are missing or are too many; at most `far`. */
static unsigned distance(const char *a, const char *b)
{
    unsigned     row[NAME_BYTES + 1];
    const size_t n = strlen(b);
    if (n > NAME_BYTES) return UINT32_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (unsigned i = 1; a[i - 1]; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            const unsigned above = row[j];
            const unsigned other = toupper((unsigned char)a[i - 1]) != b[j - 1];
            row[j] = least(least(row[j - 1], above) + 1, corner + other);
            corner = above;
        }
    }
    return row[n];
}

bool manual_print_near(FILE *out, const char *text)
{
    enum { NEAR = 2 };
    cipmux_command_t command;
    bool             any = false;
    if (strncmp(text, "AT+", 3) == 0 || strncmp(text, "at+", 3) == 0) text += 2;
    text += *text == '+';
    const size_t n = strlen(text);
    for (size_t i = 0; cipmux_command(i, 0, &command); i++) {
        const char *const name = command.name + (command.name[0] == '+');
        if (command.name[0] != '+' || n < 3 || n > NAME_BYTES) continue;
        if (distance(text, name) > NEAR && !(strstr(name, text))) continue;
        fprintf(out, " AT%s", command.name);
        any = true;
    }
    return any;
}
