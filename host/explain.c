/* See explain.h. */
#include "explain.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *scenario, *sentence;
    unsigned    number;
} pains[PAIN_COUNT] = {
#define X(name, scenario, pain, sentence) { scenario, sentence, pain },
    PAINS(X)
#undef X
};

enum { GLUED_US = 20000, LATE_US = 2000000, FULL = EXPLAIN_LINKS };

const char *pain_scenario(pain_t pain)
{
    return pains[pain].scenario;
}
const char *pain_sentence(pain_t pain)
{
    return pains[pain].sentence;
}
unsigned pain_number(pain_t pain)
{
    return pains[pain].number;
}

static void note_at(explain_t *explain, unsigned line, pain_t pain, const char *about)
{
    if (explain->noted[pain]++ == 0) explain->first[pain] = line;
    explain->out.note(explain->out.context, line, pain, about);
}

static void note(explain_t *explain, pain_t pain, const char *about)
{
    note_at(explain, explain->line, pain, about);
}

static void tag(explain_t *explain, unsigned line, const char *text)
{
    if (explain->out.tag) explain->out.tag(explain->out.context, line, text);
}

static void tag_link(explain_t *explain, unsigned line, int link)
{
    char text[16];
    snprintf(text, sizeof text, "link %d", link < 0 ? 0 : link);
    tag(explain, line, text);
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool is_open(const explain_t *explain, const char *name)
{
    return explain->command.stage == EXPLAIN_OPEN && strcmp(explain->command.name, name) == 0;
}

static bool sends(const explain_command_t *command)
{
    return begins(command->name, "+CIPSEND");
}

/* ---- Texts that are almost right --------------------------------------------------------------------------------- */

typedef enum { NEAR_NOT, NEAR_SAME, NEAR_LOST, NEAR_FLIPPED } near_t;

/* One byte less, or one bit of one byte otherwise. `careful`: not where numbers may simply differ. */
static near_t near(const char *is, const char *right, bool careful)
{
    const size_t n = strlen(is), m = strlen(right);
    size_t       i = 0;
    while (i < n && i < m && is[i] == right[i])
        i++;
    if (i == n && n == m) return NEAR_SAME;
    if (careful && i < m && isxdigit((unsigned char)right[i])) return NEAR_NOT;
    if (n + 1 == m && strcmp(is + i, right + i + 1) == 0) return NEAR_LOST;
    if (n + 2 == m && !careful && strcmp(is + i, right + i + 2) == 0) return NEAR_LOST;
    if (n != m || i == n || strcmp(is + i + 1, right + i + 1) != 0) return NEAR_NOT;
    const unsigned differs = (unsigned char)is[i] ^ (unsigned char)right[i];
    return (differs & (differs - 1)) == 0 ? NEAR_FLIPPED : NEAR_NOT;
}

static void note_near(explain_t *explain, near_t how, const char *right)
{
    char about[EXPLAIN_TEXT];
    if (how != NEAR_LOST && how != NEAR_FLIPPED) return;
    snprintf(about, sizeof about, "this was \"%s\"", right);
    note(explain, how == NEAR_LOST ? PAIN_PRINTED_BYTES_LOST : PAIN_GARBAGE, about);
}

/* ---- Commands ---------------------------------------------------------------------------------------------------- */

static bool has(const char *name, int dialect)
{
    cipmux_command_t command;
    for (size_t i = 0; cipmux_command(i, (size_t)dialect, &command); i++)
        if (strcmp(command.name, name) == 0) return command.forms != 0;
    return false;
}

/* The dialects, of those that it may be, which have the command; *all: those that it may be. */
static unsigned who_has(const explain_t *explain, const char *name, unsigned *all)
{
    unsigned have = 0;
    *all = 0;
    for (int i = 0; cipmux_dialect_name((size_t)i); i++) {
        if (explain->may_be >> i & 1) *all |= 1u << i;
        if ((explain->may_be >> i & 1) && has(name, i)) have |= 1u << i;
    }
    return have;
}

static bool known_command(const char *name)
{
    for (int i = 0; cipmux_dialect_name((size_t)i); i++)
        if (has(name, i)) return true;
    return false;
}

/* A command that it was before a byte or two were lost. */
static bool was_command(const char *name)
{
    cipmux_command_t command;
    for (size_t i = 0; cipmux_command(i, 0, &command); i++)
        if (strlen(command.name) > 2 && near(name, command.name, false) != NEAR_NOT) return true;
    return false;
}

/* "AT+CIPSEND=0,5" */
static void read_command(explain_command_t *out, const char *text, unsigned line)
{
    *out = (explain_command_t){ .line = line, .stage = EXPLAIN_OPEN, .link = -1 };
    snprintf(out->text, sizeof out->text, "%s", text);
    const size_t n = strcspn(text + 2, "=?\r");
    snprintf(out->name, sizeof out->name, "%.*s", (int)(n < 31 ? n : 31), text + 2);
    for (char *c = out->name; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    const char *arguments = strchr(text, '=');
    if (!arguments) return;
    out->ssl = begins(out->name, "+CIPSTART") && strstr(arguments, "\"SSL\"");
    if (!begins(out->name, "+CIP") || !isdigit((unsigned char)arguments[1])) return;
    char *end;
    long  first = strtol(arguments + 1, &end, 10);
    if (sends(out) && !(*end == ',' && isdigit((unsigned char)end[1]))) {
        out->length = (uint32_t)first;
    } else if (first < 5) {
        out->link = (int)first;
        if (sends(out)) out->length = (uint32_t)strtol(end + 1, NULL, 10);
    }
}

static void note_open(explain_t *explain, const explain_command_t *command)
{
    char about[EXPLAIN_TEXT];
    if (command->told || command->stage != EXPLAIN_OPEN || explain->through) return;
    if (explain->escape_line) {
        note_at(explain, explain->escape_line, PAIN_ESCAPE_WITH_LINE_END, "what was typed then has no answer");
        return;
    }
    snprintf(about, sizeof about, "%s has no OK and no ERROR", command->text);
    note_at(explain, command->line, PAIN_NO_ANSWER, about);
}

/* A line that the host typed, or that was echoed in a log of both. */
static void on_command(explain_t *explain, const char *text, unsigned line)
{
    explain_command_t next;
    if (strncasecmp(text, "AT", 2) != 0) {
        if (explain->command.stage != EXPLAIN_IDLE || *text == '\0') return;
        next = (explain_command_t){ .line = line, .stage = EXPLAIN_OPEN, .link = -1 };
        snprintf(next.text, sizeof next.text, "%s", text);
        snprintf(next.name, sizeof next.name, "?");
    } else {
        read_command(&next, text, line);
    }
    explain->ok_link = -2;
    tag(explain, line, next.text);
    if (begins(next.name, "+RST") || begins(next.name, "+RESTORE") || begins(next.name, "+GSLP") ||
        begins(next.name, "+SYSROLLBACK") || begins(next.name, "+CIUPDATE"))
        explain->restart_asked = true;
    explain->leave_asked = begins(next.name, "+CWQAP") || begins(next.name, "+CWJAP") || begins(next.name, "+CWMODE") ||
                           begins(next.name, "+CWDHCP") || begins(next.name, "+CIPSTA");
    if (explain->command.stage == EXPLAIN_OPEN && explain->pushed.stage == EXPLAIN_OPEN) {
        note_open(explain, &explain->command);
        explain->command = explain->pushed;
        explain->pushed.stage = EXPLAIN_IDLE;
    }
    if (explain->command.stage == EXPLAIN_OPEN || explain->command.stage == EXPLAIN_PAYLOAD ||
        explain->command.stage == EXPLAIN_RESULT)
        explain->pushed = next;
    else
        explain->command = next;
}

/* The host went on without the result of its payload. */
static void go_on(explain_t *explain)
{
    explain->missing_line = explain->command.line;
    explain->missing_link = explain->command.link;
    explain->command = explain->pushed;
    explain->pushed.stage = EXPLAIN_IDLE;
}

static void close_missing(explain_t *explain)
{
    if (explain->missing_line) note_at(explain, explain->missing_line, PAIN_SEND_OK_LOST, "");
    explain->missing_line = 0;
}

/* ---- What the host types ----------------------------------------------------------------------------------------- */

static void typed_payload(explain_t *explain, const uint8_t *bytes, size_t n)
{
    explain_command_t *command = &explain->command;
    const uint32_t     before = command->typed;
    command->typed += (uint32_t)n;
    tag_link(explain, explain->line, command->link);
    if (command->length == 0 || command->typed < command->length) return;
    if (before > 0 && before < command->length && n >= 2 && memcmp(bytes, "AT", 2) == 0) {
        note(explain, PAIN_PAYLOAD_SHORT, "the payload's end is \"AT\"");
        command->told = true;
    }
    if (command->link >= 0 && command->link < EXPLAIN_LINKS)
        explain->link[command->link].sent += command->length;
    else if (command->link < 0)
        explain->link[0].sent += command->length;
    command->stage = EXPLAIN_RESULT;
    command->since_us = explain->now_us;
}

/* In passthrough; +++ alone leaves it. */
static void typed_through(explain_t *explain, const uint8_t *bytes, size_t n)
{
    const size_t plus = n >= 3 && memcmp(bytes, "+++", 3) == 0;
    tag(explain, explain->line, "passthrough");
    if (n == 3 && plus) {
        explain->through = false;
        explain->escape_line = explain->line;
    } else if (n > 3 && n <= 5 && plus && (bytes[3] == '\r' || bytes[3] == '\n'))
        note(explain, PAIN_ESCAPE_WITH_LINE_END, "");
}

static void typed_byte(explain_t *explain, uint8_t byte)
{
    if (byte == '\n') {
        while (explain->typed_n > 0 && explain->typed[explain->typed_n - 1] == '\r')
            explain->typed_n--;
        explain->typed[explain->typed_n] = '\0';
        explain->typed_n = 0;
        on_command(explain, explain->typed, explain->line);
        return;
    }
    if (explain->typed_n + 1 < sizeof explain->typed) explain->typed[explain->typed_n++] = (char)byte;
}

static void on_typed(explain_t *explain, const uint8_t *bytes, size_t n)
{
    if (explain->through) {
        typed_through(explain, bytes, n);
        return;
    }
    if (explain->command.stage == EXPLAIN_PAYLOAD && explain->command.length > 0) {
        const uint32_t left = explain->command.length - explain->command.typed;
        const size_t   taken = n < left ? n : left;
        typed_payload(explain, bytes, n);
        bytes += taken;
        n -= taken;
    }
    for (size_t i = 0; i < n; i++)
        typed_byte(explain, bytes[i]);
}

/* ---- Links ------------------------------------------------------------------------------------------------------- */

static void end_link(explain_t *explain, int id)
{
    explain->link[id].open = false;
    if (explain->out.link) explain->out.link(explain->out.context, id, &explain->link[id]);
}

static bool all_silent(const explain_t *explain)
{
    for (int i = 0; i < FULL; i++)
        if (!explain->link[i].open || explain->link[i].dialled || explain->link[i].received || explain->link[i].sent)
            return false;
    return true;
}

static void on_connect(explain_t *explain, int id, unsigned line)
{
    explain_link_t *link = &explain->link[id < 0 ? 0 : id];
    const bool      dials = begins(explain->command.name, "+CIPSTART") && explain->command.stage == EXPLAIN_OPEN &&
                       (explain->command.link < 0 || explain->command.link == id);
    tag_link(explain, line, id);
    if (id >= 0 && explain->mux < 0) explain->mux = 1;
    if (link->open && id >= 0) note_at(explain, line, PAIN_ID_REUSED, "it was connected already, and no CLOSED came");
    if (link->open) end_link(explain, id < 0 ? 0 : id);
    const unsigned times = link->times + 1;
    *link = (explain_link_t){ .open = true, .dialled = dials, .known = true, .opened = line, .times = times };
    if (dials) explain->command.connected = true;
    if (all_silent(explain)) note_at(explain, line, PAIN_CLIENTS_VANISH, "");
}

static void on_closed(explain_t *explain, int id, const printed_t *printed)
{
    explain_command_t *command = &explain->command;
    explain_link_t    *link = &explain->link[id < 0 ? 0 : id];
    const bool         sending = sends(command) && (command->link == id || command->link < 0 || id < 0);
    tag_link(explain, printed->line, id);
    if ((printed->glued || explain->frame_link == id) && !is_open(explain, "+CIPCLOSE") &&
        explain->now_us - explain->event_us < GLUED_US)
        note(explain, PAIN_CLOSED_BEHIND_DATA, "");
    if (sending && command->stage == EXPLAIN_OPEN)
        note(explain, PAIN_CLOSED_BEFORE_PROMPT, "");
    else if (sending && (command->stage == EXPLAIN_PAYLOAD || command->stage == EXPLAIN_RESULT))
        note(explain, PAIN_CLOSED_AFTER_PROMPT, "");
    else if ((explain->ok_link == id || explain->ok_link == -1) && explain->now_us - explain->event_us < GLUED_US)
        note(explain, PAIN_CLOSED_BEHIND_SEND_OK, "");
    if (sending && command->stage == EXPLAIN_OPEN) command->told = true;
    if (!link->open && link->known && link->closed > link->opened && !is_open(explain, "+CIPSTART"))
        note(explain, PAIN_NO_CONNECT, "");
    link->closed = printed->line;
    if (link->open) end_link(explain, id < 0 ? 0 : id);
    link->known = true;
    if (sending && command->stage != EXPLAIN_OPEN && command->stage != EXPLAIN_IDLE) {
        *command = explain->pushed;
        explain->pushed.stage = EXPLAIN_IDLE;
    }
}

static void on_frame(explain_t *explain, const printed_t *printed)
{
    explain_command_t *command = &explain->command;
    const int          id = printed->pulled ? command->link : printed->link;
    explain_link_t    *link = &explain->link[id < 0 ? 0 : id];
    char               about[EXPLAIN_TEXT];
    tag_link(explain, printed->line, id);
    if (printed->kind == PRINTED_SHORT) {
        snprintf(about, sizeof about, "%u of %u bytes are missing", (unsigned)printed->missing,
                 (unsigned)printed->length);
        note_at(explain, printed->line, PAIN_SHORT_FRAME, about);
    }
    if (link->known && !link->open) note_at(explain, printed->line, PAIN_DATA_AFTER_CLOSED, "");
    if (!printed->pulled && command->stage == EXPLAIN_OPEN)
        note_at(explain, printed->line, PAIN_IPD_IN_COMMAND, command->text);
    if (!printed->pulled && (command->stage == EXPLAIN_PAYLOAD || command->stage == EXPLAIN_RESULT))
        note_at(explain, printed->line, PAIN_IPD_BEFORE_SEND_OK, "");
    link->received += printed->length - printed->missing;
    explain->frame_link = id;
    explain->event_us = explain->now_us;
    if (!link->known && !printed->pulled) {
        link->known = link->open = true;
        link->opened = printed->line;
    }
}

/* ---- Answers ----------------------------------------------------------------------------------------------------- */

/* A command that ended: what it changed. */
static void took_effect(explain_t *explain, const explain_command_t *command)
{
    const char    *equals = strchr(command->text, '=');
    unsigned       all;
    const unsigned have = who_has(explain, command->name, &all);
    if (have) explain->may_be = have;
    if (!equals) return;
    if (strcmp(command->name, "+CIPMUX") == 0 && equals[1] != '?') explain->mux = equals[1] == '1';
    if (strcmp(command->name, "+CIPSERVER") == 0 && equals[1] != '?') explain->server = equals[1] == '1';
    if (strcmp(command->name, "+CIPMODE") == 0) explain->through_mode = equals[1] == '1';
}

static void wrong_command(explain_t *explain, const explain_command_t *command)
{
    unsigned       all;
    const unsigned have = who_has(explain, command->name, &all);
    char           about[EXPLAIN_TEXT];
    snprintf(about, sizeof about, "%s", command->text);
    if (strcmp(command->name, "?") == 0 && strstr(command->text, "AT"))
        note_at(explain, command->line, PAIN_GARBAGE, "something stands before AT");
    else if (command->echo_wrong || strcmp(command->name, "?") == 0 ||
             (!known_command(command->name) && was_command(command->name)))
        note_at(explain, command->line, PAIN_TYPED_BYTES_LOST, about);
    else if (strchr(command->text, '\r') || strchr(command->text, '\n'))
        note_at(explain, command->line, PAIN_TYPED_BYTES_LOST, about);
    else if (have != all && known_command(command->name))
        note_at(explain, command->line, PAIN_DIALECT_DRIFT, about);
    else if (strcmp(command->name, "+CIPSERVER") == 0 && explain->mux == 0)
        note_at(explain, command->line, PAIN_MUX_CONFUSION, "a server needs AT+CIPMUX=1");
    else if (command->ssl)
        note(explain, PAIN_SSL_FAILS, "");
}

static void next_command(explain_t *explain)
{
    explain->command = explain->pushed;
    explain->pushed.stage = EXPLAIN_IDLE;
    if (explain->command.stage == EXPLAIN_IDLE) explain->command.name[0] = '\0';
}

/* OK, ERROR, FAIL, SEND Canceled: the open command ends. */
static void on_final(explain_t *explain, bool good, unsigned line)
{
    explain_command_t *command = &explain->command;
    if (command->stage == EXPLAIN_RESULT && explain->pushed.stage == EXPLAIN_OPEN) go_on(explain);
    if (command->stage != EXPLAIN_OPEN) return;
    tag(explain, line, command->text);
    if (good && command->echo_wrong)
        note_at(explain, command->line, PAIN_PRINTED_BYTES_LOST, "its echo is not what was typed");
    if (!good)
        wrong_command(explain, command);
    else
        took_effect(explain, command);
    if (good && sends(command)) {
        command->ok = true; /* the prompt follows */
        return;
    }
    next_command(explain);
}

static void on_prompt(explain_t *explain, unsigned line)
{
    explain_command_t *command = &explain->command;
    if (command->stage == EXPLAIN_RESULT && explain->pushed.stage == EXPLAIN_OPEN) go_on(explain);
    if (command->stage != EXPLAIN_OPEN) return;
    tag(explain, line, command->text);
    if (explain->through_mode && strcmp(command->text + 2, "+CIPSEND") == 0) {
        explain->through = true;
        next_command(explain);
        return;
    }
    command->stage = EXPLAIN_PAYLOAD;
    if (explain->pushed.stage == EXPLAIN_OPEN) explain->pushed.stage = EXPLAIN_IDLE; /* it was the payload */
}

static void on_send_ok(explain_t *explain, unsigned line)
{
    explain_command_t *command = &explain->command;
    const bool waits = command->stage == EXPLAIN_RESULT || (explain->mixed && command->stage == EXPLAIN_PAYLOAD);
    explain->ok_link = waits ? command->link : -2;
    explain->event_us = explain->now_us;
    if (waits) {
        tag_link(explain, line, command->link);
        close_missing(explain);
        explain->sent_failed = false;
        next_command(explain);
        return;
    }
    if (explain->missing_line) {
        tag_link(explain, line, explain->missing_link);
        note(explain, PAIN_SEND_OK_LATE, "");
        explain->missing_line = 0;
    } else if (explain->sent_failed) {
        note(explain, PAIN_SEND_FAIL_THEN_OK, "");
    } else {
        note(explain, PAIN_SEND_OK_TWICE, "");
    }
    explain->sent_failed = false;
}

static void on_send_fail(explain_t *explain, unsigned line)
{
    if (explain->command.stage != EXPLAIN_RESULT && explain->command.stage != EXPLAIN_PAYLOAD) return;
    tag_link(explain, line, explain->command.link);
    explain->sent_failed = true;
    next_command(explain);
}

static void on_busy(explain_t *explain, bool sending)
{
    explain_command_t *command = &explain->command;
    char               about[EXPLAIN_TEXT];
    snprintf(about, sizeof about, "%.120s is dropped, %.120s is still open",
             explain->pushed.text[0] ? explain->pushed.text : "it", command->text);
    if (sends(command) && (command->stage == EXPLAIN_RESULT || command->stage == EXPLAIN_PAYLOAD)) {
        if (command->recv)
            note(explain, PAIN_BUSY_SENDING, "");
        else
            command->busy = true; /* Recv shows what it was */
    } else if (sending)
        note(explain, PAIN_BUSY_SENDING, "");
    else if (!sending && begins(command->name, "+CIPSTART") && command->connected && explain->server)
        note(explain, PAIN_ID_COLLISION, command->text);
    else if (!sending && begins(command->name, "+CIPSTART"))
        note(explain, PAIN_BUSY_CONNECT, about);
    else if (!sending)
        note(explain, PAIN_BUSY, about);
    explain->pushed = (explain_command_t){ .stage = EXPLAIN_IDLE };
}

/* The module has the whole payload. If it was busy before, then with a line that it took for the payload's rest. */
static void on_recv(explain_t *explain, unsigned line)
{
    explain_command_t *command = &explain->command;
    tag_link(explain, line, command->link);
    if (command->stage == EXPLAIN_PAYLOAD) command->stage = EXPLAIN_RESULT;
    if ((command->busy || explain->pushed.stage == EXPLAIN_OPEN) && !command->told)
        note(explain, PAIN_PAYLOAD_SHORT, "");
    command->busy = false;
    command->recv = true;
}

static void on_restart(explain_t *explain, unsigned line)
{
    const explain_command_t *command = &explain->command;
    if (explain->alive && !explain->restart_asked) {
        if (begins(command->name, "+CIPCLOSE") && command->stage == EXPLAIN_OPEN)
            note(explain, PAIN_RESET_AT_CLOSE, "");
        else if (command->ssl && command->stage == EXPLAIN_OPEN)
            note(explain, PAIN_SSL_RESETS, "");
        else
            note(explain, sends(command) && command->stage != EXPLAIN_IDLE ? PAIN_RESET_IN_SEND : PAIN_RESET, "");
    }
    tag(explain, line, "restart");
    for (int i = 0; i < EXPLAIN_LINKS; i++) {
        explain->link[i].closed = line;
        if (explain->link[i].open) end_link(explain, i);
        explain->link[i].known = false;
    }
    explain->command.stage = explain->pushed.stage = EXPLAIN_IDLE;
    explain->mux = 0;
    explain->server = explain->through = explain->through_mode = explain->restart_asked = false;
    explain->missing_line = 0;
    explain->alive = true;
}

/* ---- Lines ------------------------------------------------------------------------------------------------------- */

/* "4,CONNECT FAIL": of a dial, or in place of CLOSED. */
static void on_dial_failed(explain_t *explain, int id, unsigned line)
{
    explain_link_t *link = &explain->link[id < 0 ? 0 : id];
    tag_link(explain, line, id);
    link->closed = line;
    if (link->open) end_link(explain, id < 0 ? 0 : id);
}

/* "0,CONNECT", "CLOSED", also behind other text. The id, -1 without one, -2: it is not that. */
static int event_of(const char *text, const char *word, bool *alone)
{
    const size_t n = strlen(text), m = strlen(word);
    if (n < m || strcmp(text + n - m, word) != 0) return -2;
    const bool id = n >= m + 2 && text[n - m - 1] == ',' && text[n - m - 2] >= '0' && text[n - m - 2] <= '4';
    *alone = n == m + (id ? 2 : 0);
    if (!id && !*alone) return -2;
    return id ? text[n - m - 2] - '0' : -1;
}

static bool on_event(explain_t *explain, const printed_t *printed)
{
    static const char *const words[] = { "CONNECT", "CLOSED", "CONNECT FAIL", "DISCONNECT" };
    for (size_t i = 0; i < 3; i++) {
        bool      alone;
        const int id = event_of(printed->text, words[i], &alone);
        if (id == -2) continue;
        if (!alone && strncasecmp(printed->text, "AT", 2) == 0) note(explain, PAIN_CONNECT_IN_COMMAND, printed->text);
        if (!alone && strncasecmp(printed->text, "AT", 2) != 0 && i == 1) note(explain, PAIN_CLOSED_BEHIND_DATA, "");
        if (i == 0)
            on_connect(explain, id, printed->line);
        else if (i == 1)
            on_closed(explain, id, printed);
        else
            on_dial_failed(explain, id, printed->line);
        return alone || strncasecmp(printed->text, "AT", 2) != 0;
    }
    return false;
}

static void on_information(explain_t *explain, const printed_t *printed)
{
    static const char *const finals[] = { "OK",      "ERROR",  "FAIL",        "SEND OK",   "SEND FAIL",
                                          "CONNECT", "CLOSED", "WIFI GOT IP", "busy p...", "busy s..." };
    const char              *text = printed->text;
    char                    *end;
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        const near_t how = near(text, finals[i], false);
        if (how == NEAR_NOT || strlen(text) < 2 || text[0] == '+') continue;
        note_near(explain, how, finals[i]);
        if (i < 3) on_final(explain, i == 0, printed->line);
        return;
    }
    long id = strtol(text, &end, 10);
    if (end != text && *end == ',' && id < 5) strtol(end + 1, &end, 10);
    if (end != text && *end == ':' && isdigit((unsigned char)*text) && end[1] != '\0' && id < 65536) {
        note(explain, PAIN_IPD_HEADER_LOST, text);
        return;
    }
    if (begins(text, "+IPD,") && strchr(text, ':') == NULL && strspn(text + 5, "0123456789,") < strlen(text + 5)) {
        note(explain, PAIN_PRINTED_BYTES_LOST, "the header of a frame has no colon");
        return;
    }
    if (printed->glued && explain->command.stage == EXPLAIN_IDLE) {
        note(explain, PAIN_PRINTED_BYTES_LOST, "there is more behind the frame than its header says");
        return;
    }
    if (explain->command.stage == EXPLAIN_OPEN) tag(explain, printed->line, explain->command.text);
    if (begins(text, "AT version:") && explain->command.stage == EXPLAIN_OPEN) {
        static const char *const names[] = { "nonos-1.3", "nonos-1.7.6", "esp-at-2.3" };
        const long  major = strtol(text + 11, &end, 10), minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
        const char *name = names[major >= 2 ? 2 : major == 1 && minor >= 6 ? 1 : 0];
        for (int i = 0; cipmux_dialect_name((size_t)i); i++)
            if (strcmp(cipmux_dialect_name((size_t)i), name) == 0) explain->may_be = 1u << i;
    }
    if (printed->n < 8 || printed->n >= sizeof explain->known[0]) return;
    for (size_t i = 0; i < explain->knowns; i++) {
        const near_t how = near(text, explain->known[i], true);
        if (how == NEAR_NOT) continue;
        note_near(explain, how, explain->known[i]);
        return;
    }
    if (explain->knowns < EXPLAIN_KNOWN) memcpy(explain->known[explain->knowns++], text, printed->n + 1);
}

static bool is_garbage(const printed_t *printed)
{
    for (size_t i = 0; i < printed->n; i++)
        if ((unsigned char)printed->text[i] >= 0x80 ||
            ((unsigned char)printed->text[i] < ' ' && printed->text[i] != '\t' && printed->text[i] != '\0'))
            return true;
    return false;
}

/* What the command was, echoed; without it in a log of both. */
static bool on_echo(explain_t *explain, const printed_t *printed)
{
    const char *text = printed->text;
    if (strncasecmp(text, "AT", 2) != 0 || (text[2] != '\0' && text[2] != '+' && strncasecmp(text, "ATE", 3) != 0))
        return false;
    if (explain->mixed)
        on_command(explain, text, printed->line);
    else
        tag(explain, printed->line, "echo");
    const near_t how = near(text, explain->command.text, false);
    if (!explain->mixed && explain->command.stage == EXPLAIN_OPEN &&
        strncmp(explain->command.text, text, strlen(text)) != 0)
        explain->command.echo_wrong = how == NEAR_LOST || how == NEAR_FLIPPED;
    return true;
}

/* "link is not valid", unless its CLOSED was told just before. */
static void note_not_open(explain_t *explain)
{
    const explain_command_t *command = &explain->command;
    if (!command->told) note(explain, PAIN_NOT_OPEN, command->text);
}

/* Something needs the network. */
static bool is_used(const explain_t *explain)
{
    bool used = explain->command.stage != EXPLAIN_IDLE;
    for (int i = 0; i < EXPLAIN_LINKS; i++)
        used = used || explain->link[i].open || (explain->link[i].known && explain->link[i].closed == explain->line);
    return used;
}

static void close_garbage(explain_t *explain)
{
    if (explain->garbage_line) note_at(explain, explain->garbage_line, PAIN_GARBAGE, "");
    explain->garbage_line = 0;
}

static void on_line(explain_t *explain, const printed_t *printed)
{
    const char *text = printed->text;
    if (begins(text, "ets Jan") || begins(text, "rst cause") || begins(text, " ets Jan") ||
        begins(text, "Will force to restart")) {
        if (begins(text, "Will")) explain->restart_asked = true;
        tag(explain, printed->line, "restart");
        return;
    }
    if (strcmp(text, "ready") == 0) {
        explain->garbage_line = 0; /* what the ROM said at its own rate */
        on_restart(explain, printed->line);
        return;
    }
    if (is_garbage(printed)) {
        if (!explain->restart_asked && !explain->garbage_line) explain->garbage_line = printed->line;
        return;
    }
    close_garbage(explain);
    if (on_event(explain, printed)) return;
    if (strcmp(text, "SEND OK") == 0)
        on_send_ok(explain, printed->line);
    else if (strcmp(text, "SEND FAIL") == 0)
        on_send_fail(explain, printed->line);
    else if (strcmp(text, "OK") == 0)
        on_final(explain, true, printed->line);
    else if (strcmp(text, "ERROR") == 0 || strcmp(text, "FAIL") == 0 || strcmp(text, "SEND Canceled") == 0)
        on_final(explain, false, printed->line);
    else if (begins(text, "busy "))
        on_busy(explain, text[5] == 's');
    else if (begins(text, "link is not"))
        note_not_open(explain);
    else if (begins(text, "link typ") || begins(text, "Link typ") || begins(text, "MUX=") ||
             begins(text, "CIPMUX and") || begins(text, "Link is builded") || begins(text, "IP_MUX"))
        note(explain, PAIN_MUX_CONFUSION, text);
    else if (begins(text, "Recv ")) {
        on_recv(explain, printed->line);
    } else if (strcmp(text, "WIFI DISCONNECT") == 0) {
        if (!explain->leave_asked && !explain->restart_asked && is_used(explain)) note(explain, PAIN_WIFI_LOST, "");
    } else if (begins(text, "WIFI ")) {
        tag(explain, printed->line, "station");
    } else if (!on_echo(explain, printed))
        on_information(explain, printed);
}

static void on_printed(void *context, const printed_t *printed)
{
    explain_t     *explain = context;
    const unsigned line = explain->line;
    if (printed->line) explain->line = printed->line;
    if (printed->kind == PRINTED_LINE)
        on_line(explain, printed);
    else if (printed->kind == PRINTED_PROMPT)
        on_prompt(explain, printed->line);
    else
        on_frame(explain, printed);
    explain->alive = true;
    if (printed->kind != PRINTED_LINE || strcmp(printed->text, "SEND OK") != 0) explain->ok_link = -2;
    if (printed->kind == PRINTED_LINE || printed->kind == PRINTED_PROMPT) explain->frame_link = -2;
    explain->escape_line = 0;
    explain->line = line;
}

/* ---- The doors --------------------------------------------------------------------------------------------------- */

void explain_init(explain_t *explain, const explain_out_t *out)
{
    *explain = (explain_t){ .out = *out, .mux = -1, .ok_link = -2, .frame_link = -2, .may_be = ~0u };
    explain->command.link = explain->pushed.link = -1;
    printed_init(&explain->reader, on_printed, explain);
}

void explain_time(explain_t *explain, uint64_t now_us)
{
    explain->now_us = now_us;
}

void explain_bytes(explain_t *explain, explain_lane_t lane, unsigned line, const uint8_t *bytes, size_t n)
{
    explain->line = line;
    explain->mixed = lane == EXPLAIN_MIXED;
    if (lane == EXPLAIN_TYPED) {
        on_typed(explain, bytes, n);
        return;
    }
    if (explain->mixed && explain->through && n >= 3 && memcmp(bytes, "+++", 3) == 0) explain->through = false;
    for (size_t i = 0; i < n; i++) {
        explain->reader.waits = explain->command.stage != EXPLAIN_IDLE;
        if (explain->through)
            tag(explain, line, "passthrough");
        else
            printed_byte(&explain->reader, line, bytes[i]);
    }
}

void explain_world(explain_t *explain, unsigned line, const char *words)
{
    if (!explain->through) return;
    if (strstr(words, " closes") || strstr(words, " resets") || strstr(words, " vanishes"))
        note_at(explain, line, PAIN_CLOSED_IN_PASSTHROUGH, words);
}

void explain_end(explain_t *explain)
{
    printed_end(&explain->reader);
    close_garbage(explain);
    note_open(explain, &explain->command);
    if (explain->pushed.stage == EXPLAIN_OPEN) note_open(explain, &explain->pushed);
    if (explain->command.stage == EXPLAIN_RESULT && explain->now_us - explain->command.since_us > LATE_US)
        note_at(explain, explain->command.line, PAIN_SEND_OK_LOST, "");
    close_missing(explain);
    for (int i = 0; i < EXPLAIN_LINKS; i++) {
        explain->link[i].closed = 0;
        if (explain->link[i].open) end_link(explain, i);
    }
}
