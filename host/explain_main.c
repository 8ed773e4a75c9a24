/* See explain_main.h. */
#include "explain_main.h"

#include "logbook.h"
#include "program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TAG = 24, MARGIN = 18, SHOWN = 3 };

typedef struct {
    unsigned line;
    pain_t   pain;
    char     about[EXPLAIN_TEXT];
} note_t;

typedef struct {
    int            id;
    explain_link_t link;
} life_t;

typedef struct {
    logbook_t book;
    char (*tag)[TAG]; /* of each line */
    note_t *note;
    size_t  notes, notes_size;
    life_t *life;
    size_t  lives, lives_size;
} page_t;

static void *more(void *array, size_t *size, size_t used, size_t width)
{
    if (used < *size) return array;
    *size = *size ? *size * 2 : 32;
    array = realloc(array, *size * width);
    if (!array) abort();
    return array;
}

static void take_note(void *context, unsigned line, pain_t pain, const char *about)
{
    page_t *page = context;
    page->note = more(page->note, &page->notes_size, page->notes, sizeof *page->note);
    note_t *note = &page->note[page->notes++];
    *note = (note_t){ .line = line, .pain = pain };
    snprintf(note->about, sizeof note->about, "%s", about);
}

static void take_tag(void *context, unsigned line, const char *tag)
{
    page_t *page = context;
    if (line > 0 && line <= page->book.lines) snprintf(page->tag[line - 1], TAG, "%s", tag);
}

static void take_link(void *context, int id, const explain_link_t *link)
{
    page_t *page = context;
    page->life = more(page->life, &page->lives_size, page->lives, sizeof *page->life);
    page->life[page->lives++] = (life_t){ .id = id, .link = *link };
}

/* ---- For people -------------------------------------------------------------------------------------------------- */

static void print_clean(FILE *out, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\r')
            continue;
        else if (c >= ' ' || c == '\t')
            fputc(c, out);
        else
            fprintf(out, "\\x%02x", c);
    }
}

void explain_print(FILE *out, pain_t pain, const char *about)
{
    if (pain_scenario(pain)[0]) fprintf(out, "%s", pain_scenario(pain));
    if (pain_number(pain)) fprintf(out, "%s(pain %u)", pain_scenario(pain)[0] ? " " : "", pain_number(pain));
    fprintf(out, "%s%s", pain_number(pain) ? ": " : "", pain_sentence(pain));
    if (about[0]) {
        fprintf(out, " [");
        print_clean(out, about, strlen(about));
        fputc(']', out);
    }
}

static void print_log(const page_t *page)
{
    for (size_t i = 0; i < page->book.lines; i++) {
        printf("%5zu %-*.*s | ", i + 1, MARGIN, MARGIN, page->tag[i]);
        print_clean(stdout, page->book.line[i].text, page->book.line[i].n);
        putchar('\n');
        for (size_t k = 0; k < page->notes; k++) {
            if (page->note[k].line != i + 1) continue;
            printf("      %-*s ^ ", MARGIN, "");
            explain_print(stdout, page->note[k].pain, page->note[k].about);
            putchar('\n');
        }
    }
}

static void print_lives(const page_t *page)
{
    for (size_t i = 0; i < page->lives; i++) {
        const explain_link_t *link = &page->life[i].link;
        printf("link %d: from line %u", page->life[i].id, link->opened);
        if (link->closed)
            printf(" to line %u", link->closed);
        else
            printf(", still open at the end");
        printf("; %llu bytes received, %llu sent\n", (unsigned long long)link->received,
               (unsigned long long)link->sent);
    }
}

static void print_pains(const page_t *page)
{
    for (pain_t pain = 0; pain < PAIN_COUNT; pain++) {
        size_t n = 0;
        for (size_t i = 0; i < page->notes; i++) {
            if (page->note[i].pain != pain) continue;
            if (n++ < SHOWN) printf("%s %u", n == 1 ? "line" : ",", page->note[i].line);
        }
        if (n == 0) continue;
        if (n > SHOWN) printf(" and %zu more", n - SHOWN);
        printf(": ");
        explain_print(stdout, pain, "");
        if (pain_scenario(pain)[0]) printf("; --fault=%s makes it", pain_scenario(pain));
        putchar('\n');
    }
    if (page->notes == 0) printf("nothing is missing, and nothing looks wrong\n");
}

/* ---- For programs ------------------------------------------------------------------------------------------------ */

static void print_json_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < ' ' || c > '~')
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_json(const page_t *page)
{
    for (size_t i = 0; i < page->notes; i++) {
        const note_t *note = &page->note[i];
        printf("{\"line\":%u,\"pain\":%u,\"scenario\":\"%s\",\"says\":", note->line, pain_number(note->pain),
               pain_scenario(note->pain));
        print_json_text(pain_sentence(note->pain));
        printf(",\"about\":");
        print_json_text(note->about);
        printf("}\n");
    }
    for (size_t i = 0; i < page->lives; i++) {
        const explain_link_t *link = &page->life[i].link;
        printf("{\"link\":%d,\"opened\":%u,\"closed\":%u,\"received\":%llu,\"sent\":%llu}\n", page->life[i].id,
               link->opened, link->closed, (unsigned long long)link->received, (unsigned long long)link->sent);
    }
}

/* ---- The command ------------------------------------------------------------------------------------------------- */

static int explain_file(FILE *file, const char *path, bool json)
{
    static explain_t explain;
    page_t           page = { .notes = 0 };
    char             error[512];
    int              status = EXIT_FILE;
    logbook_read(&page.book, file);
    page.tag = calloc(page.book.lines + 1, sizeof *page.tag);
    if (!page.tag) abort();
    const explain_out_t out = { .note = take_note, .tag = take_tag, .link = take_link, .context = &page };
    explain_init(&explain, &out);
    if (!logbook_explain(&page.book, path, &explain, error, sizeof error)) {
        fprintf(stderr, "%s\n", error);
    } else {
        if (json) {
            print_json(&page);
        } else {
            print_log(&page);
            putchar('\n');
            print_lives(&page);
            print_pains(&page);
        }
        status = page.notes > 0 ? EXIT_DIFFERS : EXIT_DONE;
    }
    logbook_free(&page.book);
    free(page.tag);
    free(page.note);
    free(page.life);
    return status;
}

int explain_main(int argc, char **argv)
{
    const char *path = NULL;
    bool        json = false, good = true;
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            json = true;
        else if ((argv[i][0] == '-' && argv[i][1] != '\0') || path)
            good = false;
        else
            path = argv[i];
    }
    if (!good) {
        fprintf(stderr, "usage: cipmux explain [LOG] [--json]    a log of the serial line; without LOG, stdin\n");
        return EXIT_USAGE;
    }
    FILE *file = path && strcmp(path, "-") != 0 ? fopen(path, "rb") : stdin;
    if (!file) {
        fprintf(stderr, "cipmux: %s: %s\n", path, strerror(errno));
        return EXIT_FILE;
    }
    const int status = explain_file(file, path ? path : "stdin", json);
    if (file != stdin) fclose(file);
    return status;
}

void explain_help(FILE *out)
{
    fputs(
        "cipmux explain LOG prints a log of the module's serial line with a margin: to which command or link each "
        "line\n"
        "belongs; and below a line what is wrong there. At the end are the links, from which line to which, and what "
        "the\n"
        "trouble looks like, with the name of a fault that makes it (cipmux --fault=list). Without LOG it reads "
        "stdin.\n\n"
        "A log may be\n"
        "  plain bytes, as picocom --logfile, minicom's capture and screen write them\n"
        "  with time stamps: 10:04:31.118 -> text, [10:04:31.118] text, 2023-02-01 10:04:31.118 text, (1234) text\n"
        "  with directions too: TX and RX, >> and <<, --> and <--, -> and <-; one alone is not taken for a direction\n"
        "  a transcript, as cipmux --record=FILE and cipmux tap --record=FILE write it\n"
        "Without directions commands are known by their echo (ATE1). A payload is counted, never searched.\n\n"
        "What is looked for:\n",
        out);
    for (pain_t pain = 0; pain < PAIN_COUNT; pain++) {
        fprintf(out, "  ");
        explain_print(out, pain, "");
        fputc('\n', out);
    }
    fputs("\n--json prints a line for each note and each link instead. Exit status: 0 nothing was noted, 1 something "
          "was,\n"
          "2 wrong options, 3 no such file.\n",
          out);
}
