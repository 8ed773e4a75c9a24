#include "names.h"

#include <stdio.h>
#include <string.h>

#define NAMED(prefix, name) [prefix##_##name] = #name
#define LS(name)            NAMED(LINK, name)

const char *const link_state_names[LINK_STATE_COUNT] = {
    LS(FREE),  LS(RESOLVING), LS(DIALING), LS(OPEN), LS(DRAINING),
    LS(DYING), LS(ENDING),    LS(HELD),    LS(KEPT), LS(CLOSING),
};
const char *const link_event_names[LINK_EVENT_COUNT] = {
    LS(START),   LS(START_NAME), LS(FOUND),       LS(NOT_FOUND), LS(UP),          LS(REFUSED),   LS(FAILED),
    LS(EXPIRED), LS(ACCEPT),     LS(FIN),         LS(DIED),      LS(DIED_SERVED), LS(DRAINED),   LS(UNREAD),
    LS(CLOSE),   LS(LEFT),       LS(LEFT_SERVED), LS(REUSE),     LS(RESTART),     LS(RESET_PIN), LS(FETCHED),
};
const char *const link_effect_names[EFFECT_COUNT] = {
    [DO_NOTHING] = "-",
    [ASK_DIAL] = "ask DIAL",
    [ASK_HANG_UP] = "ask HANG_UP",
    [ASK_RETURN] = "ask RETURN",
    [SAY_CONNECT] = "CONNECT",
    [SAY_CLOSED] = "CLOSED",
    [SAY_CONNECT_FAIL] = "CONNECT FAIL",
    [SAY_DNS_FAIL] = "DNS Fail",
    [FAIL_SEND] = "fail the send",
    [COMMAND_DONE] = "command done",
    [COMMAND_FAILED] = "command failed",
};
const char *const sender_state_names[SENDER_STATE_COUNT] = {
    NAMED(SENDER, IDLE),    NAMED(SENDER, RESOLVING), NAMED(SENDER, COLLECTING), NAMED(SENDER, SETTLING),
    NAMED(SENDER, SENDING), NAMED(SENDER, WAITING),   NAMED(SENDER, THROUGH),
};
const char *const sender_event_names[SEND_EVENT_COUNT] = {
    NAMED(SEND, START),          NAMED(SEND, START_NAME),  NAMED(SEND, FOUND),        NAMED(SEND, NOT_FOUND),
    NAMED(SEND, COMPLETE),       NAMED(SEND, CANCEL),      NAMED(SEND, QUIET),        NAMED(SEND, QUIET_DEAD),
    NAMED(SEND, QUIET_BUFFERED), NAMED(SEND, BOOT),        NAMED(SEND, TAKEN),        NAMED(SEND, TAKEN_WATCH),
    NAMED(SEND, ACKED),          NAMED(SEND, REFUSED),     NAMED(SEND, ENDED),        NAMED(SEND, LATE),
    NAMED(SEND, THROUGH),        NAMED(SEND, LEAVE),       NAMED(SEND, RESTART),      NAMED(SEND, IN_RAM),
    NAMED(SEND, IN_FLASH),       NAMED(SEND, QUIET_FLASH), NAMED(SEND, QUIET_UPDATE), NAMED(SEND, ACKED_LATE),
};
const char *const sender_effect_names[SENDER_EFFECT_COUNT] = {
    [SENDER_NOTHING] = "-",
    [SAY_PROMPT] = "prompt",
    [SAY_PROMPT_THROUGH] = "passthrough prompt",
    [SAY_RECV] = "Recv n bytes",
    [SAY_SEND_OK] = "SEND OK",
    [SAY_SEND_FAIL] = "SEND FAIL",
    [SAY_CANCELED] = "SEND Canceled",
    [SAY_QUITT] = "+QUITT if wanted",
    [SAY_WRITTEN] = "WRITE OK",
    [SAY_STORED] = "OK",
    [SENDER_BEGIN_UPDATE] = "begin the update",
    [SENDER_ASK_NAME] = "ask RESOLVE",
    [SENDER_ASK_WATCH] = "ask WATCH",
    [SENDER_COMMAND_DONE] = "command done",
    [SENDER_COMMAND_FAILED] = "command failed",
};
const char *const wait_names[WAIT_COUNT] = {
    NAMED(WAIT, NONE),   NAMED(WAIT, TURN),   NAMED(WAIT, NAME),    NAMED(WAIT, TARGET), NAMED(WAIT, LINK),
    NAMED(WAIT, CLOSED), NAMED(WAIT, SERVER), NAMED(WAIT, JOIN),    NAMED(WAIT, SCAN),   NAMED(WAIT, READ),
    NAMED(WAIT, LINE),   NAMED(WAIT, SAVE),   NAMED(WAIT, THROUGH), NAMED(WAIT, LIST),   NAMED(WAIT, STORE),
    NAMED(WAIT, HOST),   NAMED(WAIT, ECHO),   NAMED(WAIT, UPDATE),
};
const char *const outcome_names[OUTCOME_COUNT] = { "done", "failed", "restart" };
const char *const verdict_names[5] = {
    [VERDICT_ERROR] = "ERROR", [VERDICT_OK] = "OK",        [VERDICT_FAIL] = "FAIL",
    [VERDICT_LATER] = "later", [VERDICT_DONE] = "nothing",
};
const char *const receiver_names[RECEIVER_COUNT] = { "active", "passive", "raw" };
const char *const receive_event_names[RECEIVE_EVENT_COUNT] = { "arrived", "read", "ended" };
const char *const receive_effect_names[RECEIVE_EFFECT_COUNT] = { "-", "frame", "notice", "one notice", "hold" };
const char *const family_names[FAMILY_COUNT] = { "nonos", "esp-at" };
const char *const text_names[TEXT_COUNT] = {
#define X(name, nonos, esp_at) [TEXT_##name] = #name,
    CIPMUX_TEXTS(X)
#undef X
};
const char *const number_names[NUMBER_COUNT] = {
#define X(name, nonos, esp_at, meaning) [NUMBER_##name] = #name,
    CIPMUX_NUMBERS(X)
#undef X
};

static const char *const quirk_ids[CIPMUX_QUIRK_COUNT] = {
#define X(name, id, nonos, esp_at, max, rows, values) [CIPMUX_QUIRK_##name] = (id),
    CIPMUX_QUIRKS(X)
#undef X
};

void difference_name(const difference_t *d, char *out, size_t size)
{
    static const char *const kinds[] = { "text", "number", "quirk", "command" };
    const char *const        what = d->kind == DIFFERS_TEXT     ? text_names[d->index]
                                    : d->kind == DIFFERS_NUMBER ? number_names[d->index]
                                    : d->kind == DIFFERS_QUIRK  ? quirk_ids[d->index]
                                                                : d->text;
    snprintf(out, size, "%s.%s.%s", dialects[d->dialect].name, kinds[d->kind], what);
}

bool difference_is_there(const difference_t *d)
{
    for (size_t i = 0; d->kind == DIFFERS_COMMAND && i < command_count; i++)
        if (strcmp(commands[i].name, d->text) == 0) return true;
    return d->kind != DIFFERS_COMMAND;
}
