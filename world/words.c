/* The small language of words: see words.h. */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- Errors ---------------------------------------------------------------------------------------------------- */

bool words_fail(words_t *words, unsigned column, const char *format, ...)
{
    if (words->error[0] != '\0') {
        return false;
    }
    int     n = snprintf(words->error, sizeof words->error, "column %u: ", column);
    va_list list;
    va_start(list, format);
    /* clang-tidy loses va_start() in the second file of a run: NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    vsnprintf(words->error + n, sizeof words->error - (size_t)n, format, list);
    va_end(list);
    return false;
}

bool words_expected(words_t *words, const words_arg_t *arg, const char *what)
{
    return words_fail(words, arg->column, "expected %s, not \"%.60s\"", what, (const char *)arg->text);
}

/* ---- Escapes --------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

int words_escape(const char **text)
{
    static const struct {
        char name, byte;
    } escapes[] = { { 'r', '\r' },  { 'n', '\n' }, { 't', '\t' }, { '0', '\0' },
                    { '\\', '\\' }, { '"', '"' },  { 's', ' ' } };
    char c = **text;
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (c == escapes[i].name) {
            (*text)++;
            return (unsigned char)escapes[i].byte;
        }
    }
    if (c != 'x') {
        return -1;
    }
    int high = hex_digit((*text)[1]);
    int low = high < 0 ? -1 : hex_digit((*text)[2]);
    if (low < 0) {
        return -1;
    }
    *text += 3;
    return high * 16 + low;
}

bool words_repeat(const char **text, uint8_t *byte, size_t *times)
{
    const char *at = *text;
    if (*at++ != '{' || *at == '\0') {
        return false;
    }
    int x = (unsigned char)*at++;
    if (x == '\\') {
        x = words_escape(&at);
        if (x < 0) {
            return false;
        }
    }
    if (*at++ != '*' || *at < '0' || *at > '9') {
        return false;
    }
    size_t n = 0;
    while (*at >= '0' && *at <= '9' && n < 1000000) {
        n = n * 10 + (size_t)(*at++ - '0');
    }
    if (*at++ != '}') {
        return false;
    }
    *text = at;
    *byte = (uint8_t)x;
    *times = n;
    return true;
}

/* ---- Splitting a line ------------------------------------------------------------------------------------------ */

static bool put(words_t *words, uint8_t byte, size_t times, unsigned column)
{
    if (times > WORDS_TEXT - words->used_text) {
        return words_fail(words, column, "the line holds more than %d bytes", (int)WORDS_TEXT);
    }
    memset(words->text + words->used_text, byte, times);
    words->used_text += times;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static unsigned column_of(const char *line, const char *at)
{
    return (unsigned)(at - line) + 1;
}

/* Text up to the closing quote; *at stands behind the opening one. */
static bool read_quoted(words_t *words, const char *line, const char **at)
{
    unsigned open = column_of(line, *at) - 1;
    while (**at != '"') {
        unsigned column = column_of(line, *at);
        uint8_t  byte = (uint8_t) * *at;
        size_t   times = 1;
        if (byte == '\0') {
            return words_fail(words, open, "the quote is never closed");
        }
        if (byte == '\\') {
            (*at)++;
            int escaped = words_escape(at);
            if (escaped < 0) {
                return words_fail(words, column, "expected an escape: \\r \\n \\t \\0 \\s \\\\ \\\" or \\xHH");
            }
            byte = (uint8_t)escaped;
        } else if (!words_repeat(at, &byte, &times)) {
            (*at)++;
        }
        if (!put(words, byte, times, column)) {
            return false;
        }
    }
    (*at)++;
    if (**at != '\0' && !is_blank(**at)) {
        return words_fail(words, column_of(line, *at), "expected a blank behind the quote");
    }
    return true;
}

static bool read_plain(words_t *words, const char *line, const char **at)
{
    while (**at != '\0' && !is_blank(**at)) {
        if (**at == '"') {
            return words_fail(words, column_of(line, *at), "expected a blank in front of the quote");
        }
        if (!put(words, (uint8_t) * *at, 1, column_of(line, *at))) {
            return false;
        }
        (*at)++;
    }
    return true;
}

/* One word or key=value; *at stands on its first byte. */
static bool read_word(words_t *words, const char *line, const char **at)
{
    if (words->count == WORDS_ARGS) {
        return words_fail(words, column_of(line, *at), "more than %d words", (int)WORDS_ARGS);
    }
    words_arg_t *arg = &words->arg[words->count++];
    *arg = (words_arg_t){ .key = "" };
    const char *key = *at;
    while (is_key_char(*key)) {
        key++;
    }
    if (*key == '=' && key != *at) {
        arg->key = (const char *)words->text + words->used_text;
        for (; *at != key; (*at)++) {
            if (!put(words, (uint8_t) * *at, 1, column_of(line, *at))) {
                return false;
            }
        }
        if (!put(words, 0, 1, column_of(line, *at))) {
            return false;
        }
        (*at)++;
    }
    arg->column = column_of(line, *at);
    arg->text = words->text + words->used_text;
    arg->quoted = **at == '"';
    if (arg->quoted) {
        (*at)++;
    }
    if (!(arg->quoted ? read_quoted(words, line, at) : read_plain(words, line, at))) {
        return false;
    }
    arg->length = (size_t)(words->text + words->used_text - arg->text);
    return put(words, 0, 1, column_of(line, *at));
}

bool words_parse(words_t *words, const char *line)
{
    words->line = line;
    words->count = words->used_text = 0;
    words->error[0] = '\0';
    const char *at = line;
    for (;;) {
        while (is_blank(*at)) {
            at++;
        }
        if (*at == '\0' || (*at == '#' && words->count == 0)) {
            return true;
        }
        if (!read_word(words, line, &at)) {
            return false;
        }
    }
}

/* ---- Verbs ----------------------------------------------------------------------------------------------------- */

const words_verb_t *words_verb(const words_verb_t *verbs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

bool words_run(const words_verb_t *verbs, size_t n, void *context, words_t *words)
{
    if (words->count == 0) {
        return true;
    }
    const words_arg_t *name = words_plain(words, 0, "a verb");
    if (name == NULL) {
        return false;
    }
    const words_verb_t *verb = words_verb(verbs, n, (const char *)name->text);
    if (verb == NULL) {
        return words_fail(words, name->column, "no verb is called \"%.40s\"", (const char *)name->text);
    }
    return verb->run(context, words) && words_complete(words);
}

bool words_complete(words_t *words)
{
    for (size_t i = 0; i < words->count; i++) {
        const words_arg_t *arg = &words->arg[i];
        if (!arg->used) {
            return words_fail(words, arg->column, "this verb does not know \"%.40s%s%.40s\"", arg->key,
                              arg->key[0] != '\0' ? "=" : "", (const char *)arg->text);
        }
    }
    return true;
}

/* ---- Arguments ------------------------------------------------------------------------------------------------- */

static words_arg_t *find_plain(const words_t *words, size_t index)
{
    for (size_t i = 0; i < words->count; i++) {
        if (words->arg[i].key[0] == '\0' && index-- == 0) {
            return (words_arg_t *)&words->arg[i];
        }
    }
    return NULL;
}

bool words_has(const words_t *words, size_t index)
{
    return find_plain(words, index) != NULL;
}

const words_arg_t *words_plain(words_t *words, size_t index, const char *what)
{
    words_arg_t *arg = find_plain(words, index);
    if (arg == NULL) {
        unsigned end = 1;
        if (words->count > 0) {
            end = words->arg[words->count - 1].column + (unsigned)words->arg[words->count - 1].length;
        }
        words_fail(words, end, "expected %s, not the end of the line", what);
        return NULL;
    }
    arg->used = true;
    return arg;
}

const words_arg_t *words_key(words_t *words, const char *key)
{
    for (size_t i = 0; i < words->count; i++) {
        if (strcmp(words->arg[i].key, key) == 0) {
            words->arg[i].used = true;
            return &words->arg[i];
        }
    }
    return NULL;
}

bool words_is(const words_arg_t *arg, const char *text)
{
    return arg->length == strlen(text) && memcmp(arg->text, text, arg->length) == 0;
}

bool words_number(words_t *words, const words_arg_t *arg, long min, long max, long *out)
{
    const char *at = (const char *)arg->text;
    bool        negative = *at == '-';
    at += negative ? 1 : 0;
    long value = 0;
    bool good = *at != '\0';
    for (; good && *at != '\0'; at++) {
        good = *at >= '0' && *at <= '9' && value < 100000000;
        value = good ? value * 10 + (*at - '0') : value;
    }
    value = negative ? -value : value;
    if (!good || value < min || value > max) {
        char what[60];
        snprintf(what, sizeof what, "a number from %ld to %ld", min, max);
        return words_expected(words, arg, what);
    }
    *out = value;
    return true;
}

bool words_duration(const char *text, size_t length, uint64_t *us)
{
    static const struct {
        const char *name;
        uint64_t    us;
    } units[] = { { "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "m", 60000000 }, { "h", 3600000000u } };
    uint64_t value = 0;
    size_t   i = 0;
    for (; i < length && text[i] >= '0' && text[i] <= '9' && value < 100000000000u; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (size_t u = 0; i > 0 && u < sizeof units / sizeof units[0]; u++) {
        if (strlen(units[u].name) == length - i && memcmp(units[u].name, text + i, length - i) == 0) {
            *us = value * units[u].us;
            return value <= UINT32_MAX; /* no product overflows, and no test waits longer */
        }
    }
    return false;
}

bool words_time(words_t *words, const words_arg_t *arg, uint64_t *us)
{
    return words_duration((const char *)arg->text, arg->length, us) ||
           words_expected(words, arg, "a time such as 20ms (units us ms s m h)");
}

/* Reads "a.b.c.d" of exactly `length` bytes. */
static bool read_ip4(const char *text, size_t length, uint8_t *ip)
{
    size_t at = 0;
    for (size_t octet = 0; octet < 4; octet++) {
        if (octet > 0 && (at >= length || text[at++] != '.')) {
            return false;
        }
        unsigned value = 0;
        size_t   digits = 0;
        for (; at < length && text[at] >= '0' && text[at] <= '9' && digits < 4; at++, digits++) {
            value = value * 10 + (unsigned)(text[at] - '0');
        }
        if (digits == 0 || value > 255) {
            return false;
        }
        ip[octet] = (uint8_t)value;
    }
    return at == length;
}

/* Reads an IPv6 address of exactly `length` bytes; one "::" stands for as many zeros as are missing. */
static bool read_ip6(const char *text, size_t length, uint8_t *ip)
{
    uint8_t part[16] = { 0 };
    size_t  n = 0, gap = SIZE_MAX, at = 0;
    while (at < length) {
        if (length - at >= 2 && text[at] == ':' && text[at + 1] == ':' && gap == SIZE_MAX) {
            gap = n;
            at += 2;
            continue;
        }
        if (n > 0 && n != gap && text[at++] != ':') {
            return false;
        }
        unsigned value = 0;
        size_t   digits = 0;
        for (; at < length && hex_digit(text[at]) >= 0 && digits < 4; at++, digits++) {
            value = value * 16 + (unsigned)hex_digit(text[at]);
        }
        if (digits == 0 || n == 16) {
            return false;
        }
        part[n++] = (uint8_t)(value >> 8);
        part[n++] = (uint8_t)value;
    }
    if (gap == SIZE_MAX ? n != 16 : n == 16) {
        return false;
    }
    size_t head = gap == SIZE_MAX ? n : gap;
    memset(ip, 0, 16);
    memcpy(ip, part, head);
    memcpy(ip + 16 - (n - head), part + head, n - head);
    return true;
}

bool words_read_host(const char *text, size_t length, cipmux_address_t *out)
{
    memset(out, 0, sizeof *out);
    if (read_ip4(text, length, out->bytes)) {
        out->family = 4;
    } else if (read_ip6(text, length, out->bytes)) {
        out->family = 6;
    }
    return out->family != 0;
}

bool words_ip4(words_t *words, const words_arg_t *arg, uint8_t ip[4])
{
    return read_ip4((const char *)arg->text, arg->length, ip) ||
           words_expected(words, arg, "an IPv4 address such as 10.0.2.2");
}

bool words_host(words_t *words, const words_arg_t *arg, cipmux_address_t *out)
{
    return words_read_host((const char *)arg->text, arg->length, out) ||
           words_expected(words, arg, "an address such as 10.0.2.2");
}

static bool read_address(words_t *words, const words_arg_t *arg, unsigned long lowest, cipmux_address_t *out)
{
    const char *text = (const char *)arg->text;
    size_t      colon = arg->length;
    while (colon > 0 && text[colon - 1] != ':') {
        colon--;
    }
    unsigned long port = 0;
    for (size_t i = colon; i < arg->length && port <= 65535; i++) {
        port = text[i] >= '0' && text[i] <= '9' ? port * 10 + (unsigned long)(text[i] - '0') : 65536;
    }
    bool good = colon > 1 && colon < arg->length && port >= lowest && port <= 65535;
    if (good && text[0] == '[') {
        good = colon > 3 && text[colon - 2] == ']' && words_read_host(text + 1, colon - 3, out) && out->family == 6;
    } else if (good) {
        good = words_read_host(text, colon - 1, out) && out->family == 4;
    }
    if (!good) {
        return words_expected(words, arg, "an address and port such as 10.0.2.2:5000");
    }
    out->port = (uint16_t)port;
    return true;
}

bool words_address(words_t *words, const words_arg_t *arg, cipmux_address_t *out)
{
    return read_address(words, arg, 1, out);
}

bool words_addresses(words_t *words, const words_arg_t *arg, cipmux_address_t *out)
{
    const bool any = words_is(arg, "any");
    if (any) *out = (cipmux_address_t){ .family = 0 };
    return any || read_address(words, arg, 0, out);
}

bool words_mac(words_t *words, const words_arg_t *arg, uint8_t mac[6])
{
    const char *text = (const char *)arg->text;
    bool        good = arg->length == 17;
    for (size_t i = 0; good && i < 6; i++) {
        int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);
        good = high >= 0 && low >= 0 && (i == 5 || text[3 * i + 2] == ':');
        mac[i] = good ? (uint8_t)(high * 16 + low) : 0;
    }
    return good || words_expected(words, arg, "a MAC address such as 02:00:00:00:00:01");
}

bool words_key_number(words_t *words, const char *key, long min, long max, long *out)
{
    const words_arg_t *arg = words_key(words, key);
    return arg == NULL || words_number(words, arg, min, max, out);
}

bool words_key_time(words_t *words, const char *key, uint64_t *us)
{
    const words_arg_t *arg = words_key(words, key);
    return arg == NULL || words_time(words, arg, us);
}

bool words_key_ip4(words_t *words, const char *key, uint8_t ip[4])
{
    const words_arg_t *arg = words_key(words, key);
    return arg == NULL || words_ip4(words, arg, ip);
}

bool words_flag(words_t *words, const char *key, bool *out)
{
    const words_arg_t *arg = words_key(words, key);
    for (size_t i = 1; arg == NULL && i < words->count; i++) {
        if (words->arg[i].key[0] == '\0' && !words->arg[i].quoted && words_is(&words->arg[i], key)) {
            words->arg[i].used = true;
            *out = true;
            return true;
        }
    }
    if (arg == NULL) {
        return true;
    }
    *out = words_is(arg, "yes");
    return *out || words_is(arg, "no") || words_expected(words, arg, "yes or no");
}
