/* The small language of words: one line is a verb, then words and key=value arguments.
 *
 *   ap ssid="lab" password="p\"w" channel=6 dhcp=2s silent
 *   server sends "GET / HTTP/1.1\r\n{x*100}"
 *
 * World files, `!` lines of transcripts, fault files and the control socket are lines of it. A table of verbs is the
 * parser and the help. Every error names the column (from 1) and what was expected there.
 *
 * Quoted text knows \r \n \t \0 \\ \" \s (a blank) \xHH, and {x*N}: the byte x (or an escape), N times; any other brace is
 * itself. Outside quotes nothing is an escape. An empty line and one that begins with # are no words at all.
 *
 *   words_t words;
 *   if (!words_parse(&words, line) || !words_run(verbs, VERBS, context, &words)) puts(words.error);
 */
#ifndef WORLD_WORDS_H
#define WORLD_WORDS_H

#include "cipmux.h"

enum {
    WORDS_ARGS = 32,    /* words of one line */
    WORDS_TEXT = 16384, /* all their bytes, unescaped, with one more each */
};

/* One word or key=value. */
typedef struct {
    const char    *key;  /* "" for a plain word */
    const uint8_t *text; /* unescaped; a zero byte follows that does not count */
    size_t         length;
    unsigned       column; /* where the text begins */
    bool           quoted;
    bool           used; /* a function asked for it */
} words_arg_t;

typedef struct {
    uint64_t    now_us; /* when it is said; for the verbs, set by the caller */
    bool        draft;  /* nothing has happened yet, checks of the world hold: only the line can be wrong; likewise */
    const char *line;   /* that was split; the caller's */
    words_arg_t arg[WORDS_ARGS];
    size_t      count;
    size_t      used_text;
    uint8_t     text[WORDS_TEXT];
    char        error[200]; /* "column 12: expected a time such as 20ms, not \"20\""; "" while all is well */
} words_t;

/* A verb. `run` returns false after words_fail(). */
typedef struct {
    const char *name;
    bool (*run)(void *context, words_t *words);
    const char *form; /* "ap ssid=TEXT [password=TEXT] ..." */
    const char *help; /* one line */
} words_verb_t;

/* ---- A line ---------------------------------------------------------------------------------------------------- */

/* Splits a line. words->count 0: nothing on it. False: words->error. Keeps now_us and draft. */
bool words_parse(words_t *words, const char *line);
/* Runs the verb of the line and then checks that every argument was asked for. An empty line is right. */
bool words_run(const words_verb_t *verbs, size_t n, void *context, words_t *words);
/* The verb of that name, or NULL. */
const words_verb_t *words_verb(const words_verb_t *verbs, size_t n, const char *name);
/* Marks what follows `from` as wrong unless each argument was asked for. words_run() does it by itself. */
bool words_complete(words_t *words);
/* Sets the error, unless there is one already: "column N: " and the text. Returns false. */
bool words_fail(words_t *words, unsigned column, const char *format, ...)
#ifdef __GNUC__
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/* The same, about an argument: "column N: expected WHAT, not "TEXT"". */
bool words_expected(words_t *words, const words_arg_t *arg, const char *what);

/* ---- Its arguments --------------------------------------------------------------------------------------------- */

/* The plain word at place `index` (0: the verb), which `what` describes. NULL: there is none, and the error says so. */
const words_arg_t *words_plain(words_t *words, size_t index, const char *what);
/* Are there plain words at this place? */
bool words_has(const words_t *words, size_t index);
/* The value of `key`, or NULL if it is not there. */
const words_arg_t *words_key(words_t *words, const char *key);
bool               words_is(const words_arg_t *arg, const char *text);

/* Each reads an argument; false: the error says what was expected. */
bool words_number(words_t *words, const words_arg_t *arg, long min, long max, long *out);
bool words_time(words_t *words, const words_arg_t *arg, uint64_t *us);          /* 20ms; units us ms s m h */
bool words_ip4(words_t *words, const words_arg_t *arg, uint8_t ip[4]);          /* 10.0.2.2 */
bool words_mac(words_t *words, const words_arg_t *arg, uint8_t mac[6]);         /* 02:00:00:00:00:01 */
bool words_host(words_t *words, const words_arg_t *arg, cipmux_address_t *out); /* 10.0.2.2 or fe80::1; port 0 */
/* An IPv4 or IPv6 address as text, not an argument. */
bool words_read_host(const char *text, size_t length, cipmux_address_t *out);
bool words_address(words_t *words, const words_arg_t *arg, cipmux_address_t *out); /* 10.0.2.2:5000 or [fe80::1]:5000 */
/* The same, or many: port 0 for every port of a host; "any" for every address, family 0. */
bool words_addresses(words_t *words, const words_arg_t *arg, cipmux_address_t *out);

/* Each reads the value of a key that may be absent (true, *out unchanged); false: it is there and wrong. */
bool words_key_number(words_t *words, const char *key, long min, long max, long *out);
bool words_key_time(words_t *words, const char *key, uint64_t *us);
bool words_key_ip4(words_t *words, const char *key, uint8_t ip[4]);
/* `key`, `key=yes` or `key=no`. */
bool words_flag(words_t *words, const char *key, bool *out);

/* ---- Parts for other parsers ----------------------------------------------------------------------------------- */

/* Decodes the escape after a backslash at `*text`, and steps over it. -1: no such escape. */
int words_escape(const char **text);
/* Reads {x*N} at `*text` and steps over it. False: something else stands there. */
bool words_repeat(const char **text, uint8_t *byte, size_t *times);
/* "20ms" to microseconds. `length` bytes of text. */
bool words_duration(const char *text, size_t length, uint64_t *us);

#endif
