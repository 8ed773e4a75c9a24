/* The text of a transcript under construction: steps in order, lines that are put before the last of them, and what is still
 * to come. Time is only told where a step waits. */
#ifndef HOST_WRITER_H
#define HOST_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Bytes that grow. */
typedef struct {
    uint8_t *bytes;
    size_t   n, size;
} writer_bytes_t;
void writer_add(writer_bytes_t *to, const void *bytes, size_t n);
void writer_cut(writer_bytes_t *from, size_t n); /* the first n go */

/* A line; text NULL: nothing, so far. */
typedef struct writer_line {
    struct writer_line *next;
    char               *text;
} writer_line_t;

typedef struct {
    writer_line_t  *first, **end;
    writer_line_t **last_input;     /* where the last step that does something to the modem stands */
    writer_bytes_t  typed, printed; /* of the step that is not closed yet */
    writer_bytes_t  looks;          /* lines that go before the next such step */
    uint64_t        last_us;        /* when something happened last */
    unsigned        inputs;         /* how many such steps */
} writer_t;

void writer_init(writer_t *writer, uint64_t now_us);
void writer_free(writer_t *writer);

void writer_printed(writer_t *writer, uint64_t now_us, const uint8_t *bytes, size_t n);
void writer_typed(writer_t *writer, uint64_t now_us, const uint8_t *bytes, size_t n);
/* A step of its own: "! ..." without the mark. */
__attribute__((format(printf, 3, 4))) void writer_world(writer_t *writer, uint64_t now_us, const char *format, ...);
/* A place before the last step that does something, to be filled in with writer_fill(). */
writer_line_t                             *writer_hole(writer_t *writer);
__attribute__((format(printf, 2, 3))) void writer_fill(writer_line_t *line, const char *format, ...);
/* The same place, behind all so far, `early_us` before now: for what happens by the modem's own clock. */
writer_line_t *writer_hole_now(writer_t *writer, uint64_t now_us, uint64_t early_us);
/* A line "! ..." before the next step that does something: a check of what the last ones caused. */
void writer_look(writer_t *writer, const char *name, const uint8_t *bytes, size_t n);
void writer_remark(writer_t *writer, const char *text);

/* Bytes as text with escapes; quoted: for between "". */
void writer_escape(writer_bytes_t *to, const uint8_t *bytes, size_t n, bool quoted);
void writer_write(writer_t *writer, FILE *file);

#endif
