/* What is said on the bench, byte by byte: on the modem's line and on the user's console. Looks for a text, keeps a record,
 * writes it to a file for people. */
#ifndef LAB_EARS_H
#define LAB_EARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum { EARS_TO_MODEM, EARS_FROM_MODEM, EARS_CONSOLE, EARS_SPEAKERS } ears_speaker_t;

enum { EARS_TEXT_MAX = 256, EARS_LINE_MAX = 512, EARS_RECORD_MAX = 1 << 20 };

typedef struct {
    const char *until; /* text to look for, or NULL */
    size_t      until_length;
    bool        console; /* look on the console only, and record it; else the line both ways, and record the MCU's */
    FILE       *file;    /* of --serial-log, or NULL */
    bool        records; /* for --expect */
    bool        heard;   /* the text was there */
    char        last[EARS_SPEAKERS][EARS_TEXT_MAX];
    size_t      last_length[EARS_SPEAKERS];
    uint8_t    *record; /* malloc() */
    size_t      recorded;
    struct { /* a line of the file under construction */
        char     text[EARS_LINE_MAX];
        size_t   length;
        uint64_t from_us, last_us;
    } line[EARS_SPEAKERS];
} ears_t;

/* One byte. True: the text that was looked for is complete now. */
bool ears_hear(ears_t *ears, uint64_t now_us, ears_speaker_t speaker, uint8_t byte);
/* Is the record what the file has? False: *at is where they differ first (SIZE_MAX: the file cannot be read). */
bool ears_compare(const ears_t *ears, const char *file, size_t *at);
void ears_close(ears_t *ears);

#endif
