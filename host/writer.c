/* Steps into lines. See writer.h. */
#include "writer.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_US = 1000 }; /* shorter ones are no wait */

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

void writer_add(writer_bytes_t *to, const void *bytes, size_t n)
{
    if (to->size - to->n < n) {
        size_t   size = (to->n + n) * 2;
        uint8_t *more = realloc(to->bytes, size);
        if (!more) abort();
        to->bytes = more;
        to->size = size;
    }
    if (n > 0) memcpy(to->bytes + to->n, bytes, n);
    to->n += n;
}

void writer_cut(writer_bytes_t *from, size_t n)
{
    from->n -= n;
    if (from->n > 0) memmove(from->bytes, from->bytes + n, from->n);
}

static void add_text(writer_bytes_t *to, const char *text)
{
    writer_add(to, text, strlen(text));
}

/* Its text, ended; it is empty then. */
static char *take_text(writer_bytes_t *from)
{
    writer_add(from, "", 1);
    char *text = (char *)from->bytes;
    *from = (writer_bytes_t){ 0 };
    return text;
}

static void escape(writer_bytes_t *to, uint8_t byte, bool quoted, bool last)
{
    static const char names[] = "\r\n\t\\", escapes[] = "rnt\\";
    char              text[5] = { (char)byte };
    const char       *name = byte ? strchr(names, byte) : NULL;
    if (name)
        snprintf(text, sizeof text, "\\%c", escapes[name - names]);
    else if (byte == ' ' && last && !quoted)
        memcpy(text, "\\s", 3);
    else if (byte == '"' && quoted)
        memcpy(text, "\\\"", 3);
    else if (byte < ' ' || byte > '~' || byte == '{')
        snprintf(text, sizeof text, "\\x%02x", byte);
    add_text(to, text);
}

void writer_escape(writer_bytes_t *to, const uint8_t *bytes, size_t n, bool quoted)
{
    enum { RUN = 24 };
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && bytes[i + run] == bytes[i];)
            run++;
        char times[16];
        snprintf(times, sizeof times, "*%zu}", run);
        if (run < RUN) run = 1;
        if (run > 1) add_text(to, "{");
        escape(to, bytes[i], quoted, run == 1 && i + 1 == n);
        if (run > 1) add_text(to, times);
    }
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

void writer_init(writer_t *writer, uint64_t now_us)
{
    *writer = (writer_t){ .last_us = now_us };
    writer->end = writer->last_input = &writer->first;
}

void writer_free(writer_t *writer)
{
    for (writer_line_t *line = writer->first, *next; line; line = next) {
        next = line->next;
        free(line->text);
        free(line);
    }
    free(writer->typed.bytes);
    free(writer->printed.bytes);
    free(writer->looks.bytes);
}

static writer_line_t *put_at(writer_t *writer, writer_line_t **place, char *text)
{
    writer_line_t *line = malloc(sizeof *line);
    if (!line) abort();
    *line = (writer_line_t){ .next = *place, .text = text };
    *place = line;
    if (writer->end == place) writer->end = &line->next;
    return line;
}

static void append(writer_t *writer, char *text)
{
    put_at(writer, writer->end, text);
}

static char *formatted(const char *mark, const char *format, va_list arguments)
{
    writer_bytes_t text = { 0 };
    va_list        again;
    va_copy(again, arguments);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *line = malloc((size_t)n + 1);
    if (!line) abort();
    vsnprintf(line, (size_t)n + 1, format, arguments);
    add_text(&text, mark);
    add_text(&text, line);
    free(line);
    return take_text(&text);
}

/* The number at the end of +CIPSTATUS:0,"TCP","10.0.2.2",5000,54930,0 before the last is the computer's choice, where the
 * modem dialled. Where it stands, or 0. */
static size_t own_port(const uint8_t *line, size_t n, size_t *length)
{
    size_t comma[5], commas = 0;
    bool status = n > 11 && memcmp(line, "+CIPSTATUS:", 11) == 0, state = n > 10 && memcmp(line, "+CIPSTATE:", 10) == 0;
    for (size_t i = 0; i < n && commas < 5; i++)
        if (line[i] == ',') comma[commas++] = i;
    if ((!status && !state) || commas < 5 || comma[4] + 1 >= n || line[comma[4] + 1] != '0') return 0;
    *length = comma[4] - comma[3] - 1;
    return comma[3] + 1;
}

/* What was printed, a line of the file for each of its lines. */
static void close_printed(writer_t *writer)
{
    writer_bytes_t *printed = &writer->printed;
    for (size_t from = 0, to; from < printed->n; from = to) {
        writer_bytes_t line = { 0 };
        const uint8_t *bytes = printed->bytes + from;
        size_t         left = printed->n - from, blank = 0, length = 0;
        while (blank < left && (bytes[blank] == '\r' || bytes[blank] == '\n'))
            blank++;
        const uint8_t *end = memchr(bytes + blank, '\n', left - blank);
        to = end ? from + (size_t)(end - bytes) + 1 : printed->n;
        size_t port = own_port(bytes + blank, to - from - blank, &length);
        add_text(&line, "< ");
        if (port) {
            writer_escape(&line, bytes, blank + port, false);
            add_text(&line, "{n}");
            writer_escape(&line, bytes + blank + port + length, to - from - blank - port - length, false);
        } else {
            writer_escape(&line, bytes, to - from, false);
        }
        append(writer, take_text(&line));
    }
    printed->n = 0;
}

static void close_typed(writer_t *writer)
{
    writer_bytes_t line = { 0 };
    if (writer->typed.n == 0) return;
    add_text(&line, "> ");
    writer_escape(&line, writer->typed.bytes, writer->typed.n, false);
    append(writer, take_text(&line));
    writer->typed.n = 0;
}

static void wait_until(writer_t *writer, uint64_t now_us)
{
    char text[40];
    if (now_us < writer->last_us + WAIT_US) return;
    uint64_t us = now_us - writer->last_us;
    if (us % 1000 == 0)
        snprintf(text, sizeof text, "@ %llums", (unsigned long long)(us / 1000));
    else
        snprintf(text, sizeof text, "@ %lluus", (unsigned long long)us);
    append(writer, strdup(text));
    writer->last_us = now_us;
}

/* All so far is closed: the next step does something. */
static void begin_input(writer_t *writer, uint64_t now_us)
{
    close_typed(writer);
    close_printed(writer);
    wait_until(writer, now_us);
    if (writer->looks.n > 0) append(writer, take_text(&writer->looks));
    writer->last_input = writer->end;
    writer->inputs++;
    writer->last_us = now_us;
}

/* ---- Steps ------------------------------------------------------------------------------------------------------- */

void writer_printed(writer_t *writer, uint64_t now_us, const uint8_t *bytes, size_t n)
{
    if (n == 0) return;
    close_typed(writer);
    writer_add(&writer->printed, bytes, n);
    writer->last_us = now_us;
}

void writer_typed(writer_t *writer, uint64_t now_us, const uint8_t *bytes, size_t n)
{
    bool goes_on = writer->typed.n > 0 && writer->looks.n == 0 && now_us < writer->last_us + WAIT_US;
    if (n == 0) return;
    if (!goes_on) begin_input(writer, now_us);
    writer_add(&writer->typed, bytes, n);
}

void writer_world(writer_t *writer, uint64_t now_us, const char *format, ...)
{
    va_list arguments;
    begin_input(writer, now_us);
    va_start(arguments, format);
    append(writer, formatted("! ", format, arguments));
    va_end(arguments);
}

writer_line_t *writer_hole(writer_t *writer)
{
    writer_line_t *line = put_at(writer, writer->last_input, NULL);
    writer->last_input = &line->next;
    return line;
}

writer_line_t *writer_hole_now(writer_t *writer, uint64_t now_us, uint64_t early_us)
{
    begin_input(writer, now_us - early_us > writer->last_us ? now_us - early_us : writer->last_us);
    return writer_hole(writer);
}

void writer_fill(writer_line_t *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    free(line->text);
    line->text = formatted("! ", format, arguments);
    va_end(arguments);
}

void writer_look(writer_t *writer, const char *name, const uint8_t *bytes, size_t n)
{
    if (writer->looks.n > 0) add_text(&writer->looks, "\n");
    add_text(&writer->looks, "! ");
    add_text(&writer->looks, name);
    add_text(&writer->looks, " got \"");
    writer_escape(&writer->looks, bytes, n, true);
    add_text(&writer->looks, "\"");
}

void writer_remark(writer_t *writer, const char *text)
{
    writer_bytes_t line = { 0 };
    close_typed(writer);
    close_printed(writer);
    add_text(&line, "# ");
    add_text(&line, text);
    append(writer, take_text(&line));
}

void writer_write(writer_t *writer, FILE *file)
{
    close_typed(writer);
    close_printed(writer);
    if (writer->looks.n > 0) append(writer, take_text(&writer->looks));
    for (const writer_line_t *line = writer->first; line; line = line->next)
        if (line->text) fprintf(file, "%s\n", line->text);
}
