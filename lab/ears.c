/* Listening to the lines. See ears.h. */
#include "ears.h"

#include <stdlib.h>
#include <string.h>

enum { PAUSE_US = 20000 }; /* in the file, what comes so much later is a new line */

static bool counts(const ears_t *ears, ears_speaker_t speaker)
{
    return ears->console == (speaker == EARS_CONSOLE);
}

static bool is_complete(ears_t *ears, ears_speaker_t speaker, uint8_t byte)
{
    char   *last = ears->last[speaker];
    size_t *length = &ears->last_length[speaker];
    if (*length == ears->until_length) memmove(last, last + 1, --*length);
    last[(*length)++] = (char)byte;
    return *length == ears->until_length && memcmp(last, ears->until, *length) == 0;
}

static void record(ears_t *ears, uint8_t byte)
{
    if (!ears->record) ears->record = malloc(EARS_RECORD_MAX);
    if (ears->record && ears->recorded < EARS_RECORD_MAX) ears->record[ears->recorded++] = byte;
}

static void end_line(ears_t *ears, ears_speaker_t speaker)
{
    static const char signs[EARS_SPEAKERS] = { [EARS_TO_MODEM] = '>', [EARS_FROM_MODEM] = '<', [EARS_CONSOLE] = '=' };
    if (ears->line[speaker].length == 0) return;
    fprintf(ears->file, "%12.6f %c %.*s\n", (double)ears->line[speaker].from_us / 1e6, signs[speaker],
            (int)ears->line[speaker].length, ears->line[speaker].text);
    ears->line[speaker].length = 0;
}

/* A line of what each says, with the time of its first byte. */
static void write_down(ears_t *ears, uint64_t now_us, ears_speaker_t speaker, uint8_t byte)
{
    enum { BYTE_MAX = 5 };
    for (ears_speaker_t i = 0; i < EARS_SPEAKERS; i++)
        if (now_us > ears->line[i].last_us + PAUSE_US) end_line(ears, i);
    if (ears->line[speaker].length == 0) ears->line[speaker].from_us = now_us;
    ears->line[speaker].last_us = now_us;
    char *at = ears->line[speaker].text + ears->line[speaker].length;
    if (byte == '\r' || byte == '\n')
        ears->line[speaker].length += (size_t)snprintf(at, BYTE_MAX, byte == '\r' ? "\\r" : "\\n");
    else if (byte == '\\')
        ears->line[speaker].length += (size_t)snprintf(at, BYTE_MAX, "\\\\");
    else
        ears->line[speaker].length +=
            (size_t)snprintf(at, BYTE_MAX, byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x", byte);
    if (byte == '\n' || ears->line[speaker].length + BYTE_MAX > EARS_LINE_MAX) end_line(ears, speaker);
}

bool ears_hear(ears_t *ears, uint64_t now_us, ears_speaker_t speaker, uint8_t byte)
{
    bool complete = false;
    if (ears->until && !ears->heard && counts(ears, speaker)) complete = is_complete(ears, speaker, byte);
    if (ears->records && speaker == (ears->console ? EARS_CONSOLE : EARS_TO_MODEM)) record(ears, byte);
    if (ears->file) write_down(ears, now_us, speaker, byte);
    ears->heard |= complete;
    return complete;
}

bool ears_compare(const ears_t *ears, const char *file, size_t *at)
{
    FILE  *wanted = fopen(file, "rb");
    size_t i = 0;
    int    byte = EOF;
    *at = SIZE_MAX;
    if (!wanted) return false;
    while ((byte = fgetc(wanted)) != EOF && i < ears->recorded && (uint8_t)byte == ears->record[i])
        i++;
    fclose(wanted);
    *at = i;
    return byte == EOF && i == ears->recorded;
}

void ears_close(ears_t *ears)
{
    if (ears->file) {
        for (ears_speaker_t i = 0; i < EARS_SPEAKERS; i++)
            end_line(ears, i);
        fclose(ears->file);
    }
    free(ears->record);
}
