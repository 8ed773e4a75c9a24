/* Holds the list of differences to account (modem/dialects.h): a dialect differs from the exact dialect of its family in what
 * that list says, and in nothing else. Each transcript of the exact dialect is played for the other one. It passes, or it
 * passes without the list and fails with a single row of it: then it has met that difference. Each row is met.
 *
 *   differences FOLDER
 *
 * The engine is compiled with tables that can be written (CIPMUX_TABLE). */
#include "folder.h"
#include "names.h"
#include "player.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOBODY = DIALECT_COUNT };

static folder_t  all;
static player_t *player;
static uint8_t  *owner; /* differences[i].dialect, as it was */
static size_t   *met;
static size_t    passed, failed;

static bool plays(const transcript_t *transcript, unsigned dialect)
{
    static play_report_t report;
    return play_whole(player, transcript, dialects[dialect].name, &report);
}

/* The rows of a dialect: all, none, or one. */
static void enable(unsigned dialect, bool on)
{
    for (size_t i = 0; i < difference_count; i++)
        if (owner[i] == dialect) differences[i].dialect = on ? owner[i] : NOBODY;
}

/* How many single rows make the transcript fail. */
static size_t meets(const transcript_t *transcript, unsigned dialect)
{
    size_t sum = 0;
    for (size_t i = 0; i < difference_count; i++) {
        if (owner[i] != dialect) continue;
        differences[i].dialect = owner[i];
        const bool noticed = !plays(transcript, dialect);
        differences[i].dialect = NOBODY;
        met[i] += noticed ? 1 : 0;
        sum += noticed ? 1 : 0;
    }
    return sum;
}

static bool is_for(const transcript_t *transcript, unsigned dialect)
{
    for (size_t i = 0; i < transcript->dialects.n; i++)
        if (strcmp(transcript->dialects.word[i], dialects[dialect].name) == 0) return true;
    return false;
}

static void complain(const char *path, const char *what)
{
    printf("%s: %s\n", path, what);
    failed++;
}

static bool has_rows(unsigned dialect)
{
    for (size_t i = 0; i < difference_count; i++)
        if (owner[i] == dialect) return true;
    return false;
}

/* The exact dialect: the one of that family which is its column, without a difference. */
static unsigned exact(family_t family)
{
    unsigned d = 0;
    while (dialects[d].family != family || has_rows(d))
        d++;
    return d;
}

static void compare(unsigned dialect)
{
    const unsigned base = exact(dialects[dialect].family);
    size_t         played = 0, same = 0;
    for (size_t t = 0; t < all.count; t++) {
        const transcript_t *const transcript = all.transcript[t];
        if (!is_for(transcript, base)) continue;
        played++;
        if (plays(transcript, dialect)) {
            same++;
            continue;
        }
        enable(dialect, false);
        if (!plays(transcript, dialect))
            complain(transcript->path, "fails without the differences too");
        else if (is_for(transcript, dialect))
            complain(transcript->path, "fails");
        else if (meets(transcript, dialect) == 0)
            complain(transcript->path, "fails by no single difference");
        enable(dialect, true);
    }
    printf("%s: %zu of %zu transcripts of %s hold, the others meet a difference\n", dialects[dialect].name, same,
           played, dialects[base].name);
    passed += played;
}

static void check_rows(void)
{
    for (size_t i = 0; i < difference_count; i++) {
        char name[100];
        if (!difference_is_there(&differences[i])) continue;
        difference_name(&differences[i], name, sizeof name);
        printf("%-44s %4zu transcripts meet it\n", name, met[i]);
        passed++;
        if (met[i] == 0) complain(name, "no transcript meets it");
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: differences FOLDER\n");
        return 2;
    }
    owner = calloc(difference_count, sizeof *owner);
    met = calloc(difference_count, sizeof *met);
    player = player_new();
    if (owner == NULL || met == NULL || player == NULL) return 3;
    folder_load(&all, argv[1]);
    for (size_t i = 0; i < difference_count; i++)
        owner[i] = differences[i].dialect;
    for (unsigned d = 0; d < DIALECT_COUNT; d++)
        if (has_rows(d)) compare(d);
    check_rows();
    printf("%zu passed, %zu failed\n", passed - failed, failed);
    player_free(player);
    free(owner);
    free(met);
    return failed > 0;
}
