/* The driver's decisions: one command slot, the hunt for the modem, the set-up, the links. */
#include "internal.h"

#include <string.h>

enum {
    ESCAPE_GUARD = CIPDRV_TICKS(60),    /* silence around "+++"; 20 ms are asked for [tcpip 4.8] */
    THROUGH_GUARD = CIPDRV_TICKS(200),  /* behind data, of which the UART may still hold some */
    ESCAPE_SETTLE = CIPDRV_TICKS(1020), /* after a "+++" that may have ended passthrough [tcpip 4.8] */
    SETTLE = CIPDRV_TICKS(24),          /* a late answer to an older command is over */
    BUSY_PAUSE = CIPDRV_TICKS(100),
    RETRY_PAUSE = CIPDRV_TICKS(200),
    TAKEN_LIMIT = CIPDRV_TICKS(1000),   /* from the last payload byte to "Recv" */
    SUSPECT_LIMIT = CIPDRV_TICKS(1000), /* for an answer that noise may have eaten */
    GAP = CIPDRV_TICKS(200),            /* a frame's next byte; and so long nothing is believed after noise */
    /* Quarters of a second: */
    RESULT_LIMIT = 137, /* from "Recv" to SEND OK; modems give up at about 30 s */
    BEAT = 39,          /* between two looks at the modem's links */
    RESET_PAUSE = 12,   /* from the OK of AT+RST to "ready" */
    /* Times: */
    REFUSALS = 5,    /* of a command, in a row, until it is given up */
    KNOWN_TRIES = 3, /* to find a modem that was there, until it is looked for at other rates */
    PROBES = 3 * 7,  /* bytes of "+++" and AT, so often */
    BUSY_MOST = 250  /* answers "busy", BUSY_PAUSE apart, until the modem is reset */
};

/* Where to look when the modem does not answer at the wanted rate, in units of 3200 baud: 115200, 9600, 57600, 38400, 19200,
 * 230400, 460800. */
static const uint8_t rates[] FLASH = { 36, 3, 18, 12, 6, 72, 144 };
#define RATES (sizeof rates / sizeof *rates)

/* Events without data; most have no number or a small one. */
static OUTLINE uint16_t call_handler(cipdrv_t *driver, uint8_t event, uint8_t link, uint16_t n)
{
    return driver->config->handler(driver, event, link, NULL, n);
}

static OUTLINE void tell(cipdrv_t *driver, uint8_t event, uint8_t link, uint8_t cause)
{
    call_handler(driver, event, link, cause);
}

/* ---- The command slot ------------------------------------------------------------------------------------------ */

static OUTLINE void wait(cipdrv_t *driver, uint8_t ticks)
{
    driver->deadline = (uint16_t)(driver->now + ticks);
}

/* Silence, then `command` is written. */
static OUTLINE void pause(cipdrv_t *driver, uint8_t command, uint8_t ticks)
{
    driver->command = command;
    driver->stage = STAGE_PAUSE;
    wait(driver, ticks);
}

static OUTLINE void idle(cipdrv_t *driver)
{
    driver->command = COMMAND_NONE;
    driver->stage = STAGE_IDLE;
    cipdrv_wait(driver, BEAT);
    driver->busy = 0;
}

/* The command's link has ended: its answer is for nobody, not for who has the id next. */
static bool link_gone(const cipdrv_t *driver)
{
#if CIPDRV_GONE
    return driver->gone;
#else
    return driver->links[0].state < LINK_ENDED;
#endif
}

#if CIPDRV_LINKS > 1
OUTLINE cipdrv_link_t *cipdrv_link(cipdrv_t *driver, uint8_t id)
{
    return &driver->links[id];
}
#endif

/* The command's link, and the line's or the frame's: where there can be only one the compiler knows it. */
static uint8_t command_link(const cipdrv_t *driver)
{
    return CIPDRV_LINKS > 1 ? driver->link : 0;
}

static uint8_t line_link(const cipdrv_t *driver)
{
    return CIPDRV_LINKS > 1 || CIPDRV_PASSIVE ? driver->id : 0;
}

/* The line or the frame is of a link that there can be. */
static bool link_named(const cipdrv_t *driver)
{
    return line_link(driver) < CIPDRV_LINKS;
}

/* ---- Links ----------------------------------------------------------------------------------------------------- */

/* The link is no more. */
static void free_link(cipdrv_t *driver, uint8_t id, uint8_t cause)
{
    cipdrv_link_t *link = link_at(driver, id);
    uint8_t        state = link->state;
    if (state == LINK_FREE) return;
    if (state == LINK_CLOSING IF_PASSIVE(|| (state == LINK_ENDED && !link->unread))) cause = link->cause;
    link->state = LINK_FREE;
    link->left = 0;
#if CIPDRV_UDP || CIPDRV_SSL
    link->type = CIPDRV_TYPE_TCP;
#endif
#if CIPDRV_PASSIVE
    link->unread = 0;
#endif
#if CIPDRV_GONE
    if (driver->link == id) driver->gone = true;
#endif
    if (cause != CAUSE_UNTOLD) tell(driver, CIPDRV_CLOSED, id, cause);
}

/* The modem has closed it: a line tells so, or none did. */
static OUTLINE void ended(cipdrv_t *driver, uint8_t id, uint8_t cause)
{
    cipdrv_link_t *link = link_at(driver, id);
    link->listed = false;
    if (link->state < LINK_ENDED) return;
#if CIPDRV_PASSIVE
    if (link->state == LINK_ENDED) /* that line was lost, or what it held is read; else what is unread is lost */
        cause = CIPDRV_LOST;
    if (link->state == LINK_OPEN && driver->passive) { /* what it still holds is readable [tcpip 4.5] */
        link->left = 0;
        link->cause = CIPDRV_BY_PEER;
        link->state = LINK_ENDED;
        driver->check = true;
        return;
    }
#endif
    free_link(driver, id, cause);
}

/* We close it. */
static OUTLINE void close_link(cipdrv_t *driver, uint8_t id, uint8_t cause)
{
    cipdrv_link_t *link = link_at(driver, id);
#if CIPDRV_PASSIVE
    link->unread = 0;
    if (link->state == LINK_ENDED) {
        link->cause = cause;
        free_link(driver, id, cause);
    }
#endif
    if (link->state == LINK_OPEN || (link->state == LINK_CLOSING && link->cause == CIPDRV_BY_US)) {
        link->cause = cause;
        link->state = LINK_CLOSING;
    }
}

/* Bytes of its stream are lost, or nobody knows whether they were sent: what goes on in it is worth nothing. Of a datagram
 * the program is told. */
static void give_up(cipdrv_t *driver, uint8_t id, uint8_t cause)
{
    cipdrv_link_t *link = link_at(driver, id);
    /* The piece in the slot is still written: else the rest of it would be made up, or end in "+++". */
    if (driver->command != COMMAND_SEND || driver->stage > STAGE_PAYLOAD) link->left = 0;
#if CIPDRV_UDP
    if (link->type == CIPDRV_TYPE_UDP) {
        tell(driver, CIPDRV_FAULT, id, cause);
        return;
    }
#endif
    close_link(driver, id, cause);
}

/* What the command was for is lost. */
static OUTLINE void give_up_command(cipdrv_t *driver, uint8_t cause)
{
    if (!link_gone(driver)) give_up(driver, command_link(driver), cause);
}

/* The dial has succeeded, or a client has come. */
static void opened(cipdrv_t *driver, uint8_t id)
{
    cipdrv_link_t *link = link_at(driver, id);
    uint8_t        client = link->state != LINK_DIALING;
    if (client) {
        if (!CIPDRV_SERVER) return;
        free_link(driver, id, CIPDRV_LOST); /* of its end we heard nothing */
    }
    link->state = LINK_OPEN;
    link->listed = true;
    tell(driver, CIPDRV_OPENED, id, client);
}

/* The modem's link with this id is not the one that the program knows, or it knows none: its own ends, the modem's is closed
 * unseen. */
static OUTLINE void disown(cipdrv_t *driver, uint8_t id, uint8_t cause)
{
    cipdrv_link_t *link = link_at(driver, id);
    uint8_t        state = link->state;
    if (state == LINK_CLOSING) return; /* as the program knows, or must not */
    link->cause = CAUSE_UNTOLD;
    link->state = LINK_CLOSING;
#if CIPDRV_PASSIVE
    link->unread = 0;
#endif
    if (state != LINK_FREE) tell(driver, CIPDRV_CLOSED, id, cause);
}

/* AT+CIPSTATUS has told which links there are. */
static void compare_links(cipdrv_t *driver)
{
    for (uint8_t id = 0; id < CIPDRV_LINKS; id++) {
        cipdrv_link_t *link = link_at(driver, id);
        if (!link->listed) {
            if (link->state == LINK_DIALING)
                free_link(driver, id, CIPDRV_REFUSED);
            else if (link->state >= LINK_OPEN)
                ended(driver, id, CIPDRV_LOST);
        } else if (link->state == LINK_DIALING)
            opened(driver, id);
        else if (link->state < LINK_OPEN) /* a client's, of which we heard nothing */
            disown(driver, id, CIPDRV_LOST);
    }
}

/* ---- Up and down ----------------------------------------------------------------------------------------------- */

static void up(cipdrv_t *driver)
{
    if (!driver->up && driver->ready) {
        driver->up = true;
        tell(driver, CIPDRV_UP, CIPDRV_NO_LINK, 0);
    }
}

static void down(cipdrv_t *driver, uint8_t cause)
{
    if (driver->up || cause <= CIPDRV_NO_MODEM) {
        driver->up = false;
        tell(driver, CIPDRV_DOWN, CIPDRV_NO_LINK, cause);
    }
}

/* The modem has none of our settings and no links: all is to be done again, from `command` on. */
static void start_anew(cipdrv_t *driver, uint8_t command)
{
    driver->ready = false;
    IF_THROUGH(driver->raw = driver->through = false;)
    driver->tries = 0;
    down(driver, CIPDRV_RESET);
    for (uint8_t id = 0; id < CIPDRV_LINKS; id++)
        free_link(driver, id, CIPDRV_RESET);
    pause(driver, command, SETTLE);
}

/* ---- The hunt: find the modem whatever state it is in ---------------------------------------------------------- */

#if CIPDRV_ASK
static void answered(cipdrv_t *driver, bool error)
{
    driver->question = COMMAND_NONE;
    tell(driver, CIPDRV_ANSWER, error, 0);
}
#endif

/* An answer is overdue: end whatever data phase the modem may be in and see whether it lives. */
static void recover(cipdrv_t *driver)
{
    uint8_t command = driver->command, stage = driver->stage;
    driver->tries = 0;
    pause(driver, COMMAND_ESCAPE, ESCAPE_GUARD);
#if CIPDRV_ASK
    if (command >= COMMAND_ASK_NAME) answered(driver, true);
#endif
    if (command == COMMAND_SEND && (uint16_t)(driver->amount - 1) < PROBES) /* may be payload, of whoever has the id */
        give_up(driver, command_link(driver), CIPDRV_NOT_SENT);
    else if (stage >= STAGE_PAYLOAD)
        give_up_command(driver, CIPDRV_NOT_SENT);
#if CIPDRV_PASSIVE
    if (command == COMMAND_READ) give_up_command(driver, CIPDRV_DAMAGED);
#endif
}

static void tell_rate(cipdrv_t *driver)
{
    uint16_t rate = driver->config->rate;
    if (driver->rate) rate = (uint16_t)(flash_byte(&rates[driver->rate - 1]) * 32);
    call_handler(driver, CIPDRV_RATE, CIPDRV_NO_LINK, rate);
}

/* No answer to a probe: the next rate, but a known modem is asked three times. */
static void hunt_on(cipdrv_t *driver)
{
    driver->fresh = false; /* that "ready" was payload, or the modem is in passthrough from its start */
    if (!driver->ready || ++driver->tries >= KNOWN_TRIES) {
        start_anew(driver, COMMAND_ESCAPE);
        if (++driver->rate > RATES) {
            driver->rate = 0;
            down(driver, CIPDRV_NO_MODEM);
        }
        tell_rate(driver);
    }
    pause(driver, COMMAND_ESCAPE, ESCAPE_GUARD);
}

/* ---- The set-up ------------------------------------------------------------------------------------------------ */

/* The number that a command of the set-up takes; 0: it is not needed. */
static uint16_t setup_amount(const cipdrv_t *driver)
{
    const cipdrv_config_t *config = driver->config;
    (void)config; /* with few features */
    switch (driver->command) {
#if CIPDRV_SWITCH
    case COMMAND_RATE: return driver->rate || IF_FLOW(config->flow, 0) ? config->rate : 0;
#endif
#if CIPDRV_PASSIVE
    case COMMAND_PASSIVE: return config->passive;
#endif
#if CIPDRV_SOFTAP
    case COMMAND_WIFI_MODE: return !config->ap_ssid ? 1 : config->ssid ? 3 : 2;
    case COMMAND_SOFTAP: return config->ap_ssid ? config->ap_channel : 0;
#endif
#if CIPDRV_SERVER
    case COMMAND_SERVER_ON: return config->server_port;
    case COMMAND_SERVER_IDLE: return config->server_idle;
#endif
    default: return 1;
    }
}

static void set_up(cipdrv_t *driver)
{
    idle(driver);
    driver->fresh = false;
    driver->ready = true;
    driver->join = true;
    if (!driver->config->ssid) up(driver);
}

/* From the probe on one command after the other. A modem in an unknown state is reset first: no list of commands undoes all
 * that another program may have done to it. */
static void setup_verdict(cipdrv_t *driver, bool ok)
{
    if (!ok && ++driver->tries < REFUSALS) {
        pause(driver, driver->command, RETRY_PAUSE);
        return;
    }
    driver->tries = 0;
    switch (driver->command) {
    case COMMAND_PROBE:
        if (driver->ready) { /* it has our settings still */
            driver->check = true;
            pause(driver, IF_THROUGH(driver->raw ? COMMAND_THROUGH_END :) COMMAND_NONE, SETTLE);
            return;
        }
        if (driver->fresh) driver->command = COMMAND_RESET;
        break;
    case COMMAND_RESET:
        driver->fresh = true;
        pause(driver, COMMAND_PROBE, 0);
        cipdrv_wait(driver, RESET_PAUSE);
        return;
#if CIPDRV_SWITCH
    case COMMAND_RATE:
        driver->rate = 0;
        tell_rate(driver);
        break;
#endif
#if CIPDRV_PASSIVE
    case COMMAND_PASSIVE: driver->passive = ok; break;
#endif
#if CIPDRV_SERVER
    case COMMAND_SERVER_ON:
        if (!ok) { /* or the wire garbled AT+CIPMUX=1 */
            tell(driver, CIPDRV_DOWN, CIPDRV_NO_LINK, CIPDRV_NO_SERVER);
            driver->command = COMMAND_RESET - 1;
        }
        break;
#endif
    default: break;
    }
    do
        driver->command++;
    while (!(driver->amount = setup_amount(driver)));
    pause(driver, driver->command, SETTLE);
    if (driver->command == COMMAND_STATUS) set_up(driver);
}

/* ---- Verdicts -------------------------------------------------------------------------------------------------- */

/* Of a command behind the set-up. */
static void command_verdict(cipdrv_t *driver, uint8_t command, bool ok)
{
    uint8_t id = command_link(driver);
    bool    gone = link_gone(driver);
    switch (command) {
    case COMMAND_STATUS:
        if (!driver->check) /* else a line was garbled, or is unknown: the next beat asks again */
            compare_links(driver);
        driver->check = false;
#if CIPDRV_PASSIVE
        if (driver->passive) pause(driver, COMMAND_LENGTHS, 0);
#endif
        break;
    case COMMAND_JOIN:
        driver->join = false;
        if (ok)
            up(driver);
        else {
            down(driver, CIPDRV_REFUSED);
            if (++driver->tries >= REFUSALS) /* or the wire garbled the set-up */
                start_anew(driver, COMMAND_RESET);
        }
        break;
#if CIPDRV_THROUGH
    case COMMAND_THROUGH_MODE:
        driver->raw = ok;
        driver->through = ok;
        if (ok) pause(driver, COMMAND_THROUGH, 0);
        break;
    case COMMAND_THROUGH: /* refused: the link has gone */
        driver->through = false;
        pause(driver, COMMAND_THROUGH_END, 0);
        break;
    case COMMAND_THROUGH_END:
        driver->raw = false;
        driver->check = true;
        break;
#endif
#if CIPDRV_ASK
    case COMMAND_TIME_ZONE: pause(driver, COMMAND_ASK_TIME, 0); break;
    case COMMAND_ASK_NAME:
    case COMMAND_ASK_PING:
    case COMMAND_ASK_TIME: answered(driver, !ok); break;
#endif
    case COMMAND_DIAL:
        if (link_at(driver, id)->state != LINK_DIALING) {
            if (CIPDRV_GONE && !ok && !gone) /* the CONNECT was of a client that took the id */
                close_link(driver, id, CIPDRV_REFUSED);
        } else if (ok)
            opened(driver, id);
        else {
            IF_MULTIPLE(pause(driver, COMMAND_MUX_AGAIN, 0);)
            free_link(driver, id, CIPDRV_REFUSED);
        }
        break;
    case COMMAND_CLOSE:
        if (ok && !gone) /* else the look at the links tells whether it is closed */
            free_link(driver, id, CIPDRV_BY_US);
        break;
#if CIPDRV_PASSIVE
    case COMMAND_READ:
        if (!ok && !gone && link_at(driver, id)->state == LINK_ENDED) free_link(driver, id, CIPDRV_LOST);
        break;
#endif
    case COMMAND_SEND:
        if (++driver->tries >= REFUSALS) give_up_command(driver, CIPDRV_NOT_SENT);
        break;
    default: break;
    }
}

/* OK or not. Of a send it is the refusal. */
static void verdict(cipdrv_t *driver, bool ok)
{
    uint8_t command = driver->command;
    if (driver->stage != STAGE_AWAIT || command == COMMAND_ESCAPE) return; /* of an older command */
    /* So is an OK before the prompt or the bytes. */
    if (ok && (command == COMMAND_SEND IF_PASSIVE(|| command == COMMAND_READ)) IF_PASSIVE(&&driver->amount)) return;
    IF_THROUGH(if (ok && command == COMMAND_THROUGH) return;)
    if (command < COMMAND_STATUS) {
        setup_verdict(driver, ok);
        return;
    }
    idle(driver);
    if (!ok && command != COMMAND_JOIN) driver->check = true;
    command_verdict(driver, command, ok);
}

/* SEND OK or SEND FAIL; one that comes when none is due is an older send's, or said twice. */
static void sent(cipdrv_t *driver, bool ok)
{
    cipdrv_link_t *link = link_at(driver, command_link(driver));
    if (driver->stage != STAGE_TAKEN) return;
    idle(driver);
    driver->tries = 0;
    if (!ok)
        give_up_command(driver, CIPDRV_NOT_SENT);
    else if (!link_gone(driver) && !link->left &&
             (link->state == LINK_OPEN || link->cause == CIPDRV_BY_US)) /* else the rest was given up */
        tell(driver, CIPDRV_SENT, command_link(driver), 0);
}

/* ---- What the reader found ------------------------------------------------------------------------------------- */

void cipdrv_noise(cipdrv_t *driver)
{
#if CIPDRV_THROUGH
    if (driver->reading == READING_RAW) { /* it is the end of passthrough too */
        driver->through = false;
        driver->check = true;
        give_up(driver, line_link(driver), CIPDRV_DAMAGED);
        tell(driver, CIPDRV_FAULT, CIPDRV_NO_LINK, CIPDRV_DAMAGED);
        return;
    }
#endif
    bool frame = driver->reading == READING_FRAME && link_named(driver), known = driver->doubt;
    driver->doubt = DOUBT;
    driver->reading = READING_SKIP;
    if (frame)
        give_up(driver, line_link(driver), CIPDRV_DAMAGED);
    else if (known)
        return;
    driver->check = true;
    driver->odd = false;
    if (driver->stage >= STAGE_AWAIT) wait(driver, SUSPECT_LIMIT);
    if (driver->ready) tell(driver, CIPDRV_FAULT, CIPDRV_NO_LINK, CIPDRV_DAMAGED);
}

/* While a verdict is awaited one unknown line may be the cause of an ERROR. At any other time something was garbled, and
 * what follows may be payload without its header. */
void cipdrv_unknown(cipdrv_t *driver)
{
    if (!driver->ready) return;
    if (driver->stage != STAGE_AWAIT || driver->odd || driver->doubt)
        cipdrv_noise(driver);
    else
        driver->odd = true;
}

static void was_busy(cipdrv_t *driver)
{
    uint8_t command = driver->command;
    if (driver->stage != STAGE_AWAIT) return;
    if (command >= COMMAND_STATUS) { /* to be chosen anew */
        driver->check = true;
        cipdrv_link_t *link = link_at(driver, command_link(driver));
        if (command == COMMAND_DIAL && link->state == LINK_DIALING) link->state = LINK_DIAL;
        command = COMMAND_NONE;
    }
    if (++driver->busy == BUSY_MOST) command = COMMAND_RESET;
    pause(driver, command, BUSY_PAUSE);
}

void cipdrv_word(cipdrv_t *driver, uint8_t word)
{
    uint8_t id = line_link(driver);
    if (driver->odd && word != WORD_ERROR && word != WORD_FAIL) { /* it may be a word of payload without its header */
        cipdrv_noise(driver);
        return;
    }
    driver->odd = false;
    switch (word) {
    case WORD_PROMPT:
#if CIPDRV_THROUGH
        if (driver->command == COMMAND_THROUGH && driver->stage == STAGE_AWAIT) {
            driver->stage = STAGE_THROUGH;
            driver->reading = READING_RAW;
        }
#endif
        if (driver->command != COMMAND_SEND || driver->stage != STAGE_AWAIT) break;
        driver->stage = STAGE_PAYLOAD;
        wait(driver, TAKEN_LIMIT);
        /* Nothing to be sent any more: the link was given up, or is gone. */
        if (!link_at(driver, command_link(driver))->left) recover(driver);
        break;
#if CIPDRV_CUR
    case WORD_ESP_AT: driver->esp_at = true; break;
#endif
    case WORD_READY:
        if (driver->ready) /* else it may be payload of passthrough */
            driver->fresh = true;
        start_anew(driver, COMMAND_PROBE);
        break;
    case WORD_ECHO_ESCAPE:
    case WORD_ECHO: /* we had switched it off: the modem was reset */
        if (driver->ready) start_anew(driver, COMMAND_PROBE);
        break;
    case WORD_CLOSED:
#if CIPDRV_SERVER
    case WORD_CONNECT_FAIL:
#endif
        if (link_named(driver)) ended(driver, id, CIPDRV_BY_PEER);
        break;
    case WORD_CONNECT:
        /* before the set-up it may be anything, even payload of passthrough */
        if (link_named(driver) && (driver->ready || driver->command > COMMAND_WIFI_MODE)) opened(driver, id);
        break;
    case WORD_OK:
    case WORD_ERROR:
    case WORD_FAIL: verdict(driver, word == WORD_OK); break;
    case WORD_TAKEN:
        if (driver->stage == STAGE_RESULT) {
            driver->stage = STAGE_TAKEN;
            cipdrv_wait(driver, RESULT_LIMIT);
        }
        break;
    case WORD_SEND_OK:
    case WORD_SEND_FAIL: sent(driver, word == WORD_SEND_OK); break;
    case WORD_WIFI: /* the status tells the rest, also which links of UDP ended without a line [tcpip 4.2] */
        driver->check = true;
        break;
    case WORD_BUSY: was_busy(driver); break;
    default: break;
    }
}

#if CIPDRV_PASSIVE
/* So many bytes wait in the modem for a link. ESP-AT keeps a closed one, and its id, until they are read. */
static void waits(cipdrv_t *driver, uint8_t id, uint16_t n, bool all)
{
    cipdrv_link_t *link = link_at(driver, id);
    if (n == NOT_OPEN) n = 0;
#if CIPDRV_CUR
    if (link->state == LINK_FREE && all && n && driver->esp_at) disown(driver, id, 0);
#endif
    if (link->state == LINK_ENDED && all && !n) free_link(driver, id, CIPDRV_LOST); /* if there were any */
    if (link->state == LINK_OPEN || link->state == LINK_ENDED) link->unread = n;
}
#endif

void cipdrv_number(cipdrv_t *driver, uint8_t word)
{
    uint16_t value = driver->value;
    if (word == WORD_STATUS) {
        for (uint8_t id = 0; id < CIPDRV_LINKS; id++)
            link_at(driver, id)->listed = false;
        if ((uint16_t)(value - 2) < 3) /* it has an address [tcpip 4.9] */
            up(driver);
        else if (driver->config->ssid)
            down(driver, CIPDRV_NO_NETWORK);
    } else if (word == WORD_LISTED) {
        if (value < CIPDRV_LINKS) link_at(driver, (uint8_t)value)->listed = true;
#if CIPDRV_PASSIVE
    } else if (word != WORD_IPD && word != WORD_READ_LENGTHS) {
        driver->id = driver->command == COMMAND_READ ? command_link(driver) : CIPDRV_NO_LINK;
    } else if (driver->reading != READING_FRAME) {
        if (CIPDRV_LINKS > 1 && word == WORD_READ_LENGTHS) driver->id++;
        if (link_named(driver)) waits(driver, line_link(driver), value, word == WORD_READ_LENGTHS);
#endif
    }
}

uint16_t cipdrv_frame(cipdrv_t *driver, const uint8_t *data, uint16_t n)
{
    uint8_t id = line_link(driver);
    if (link_named(driver)) {
        cipdrv_link_t *link = link_at(driver, id);
        uint8_t        state = link->state;
        if (state == LINK_DIALING) /* of its begin we heard nothing, or it is a client's */
            disown(driver, id, CIPDRV_LOST);
        if ((state == LINK_OPEN IF_PASSIVE(|| state == LINK_ENDED)) && !driver->doubt) {
            uint16_t taken = driver->config->handler(driver, CIPDRV_RECEIVED, id, (void *)(uintptr_t)data, n);
#if CIPDRV_PASSIVE
            if (driver->ordinal != WORD_IPD) link->unread = taken < link->unread ? (uint16_t)(link->unread - taken) : 0;
#endif
            return taken;
        }
    }
    driver->check = true;
    return n;
}

void cipdrv_frame_end(cipdrv_t *driver)
{
    uint8_t id = line_link(driver);
    if (driver->doubt) { /* it was not delivered */
        driver->doubt = DOUBT_CHAIN;
        if (link_named(driver)) give_up(driver, id, CIPDRV_DAMAGED);
        return;
    }
#if CIPDRV_PASSIVE
    if (driver->ordinal == WORD_IPD) return;
    if (driver->command == COMMAND_READ) driver->amount = 0;
    if (id < CIPDRV_LINKS) {
        const cipdrv_link_t *link = link_at(driver, id);
        if (link->state == LINK_ENDED && !link->unread) driver->check = true; /* there may be more */
    } else if (driver->ready) /* the answer to a command that the wire garbled */
        tell(driver, CIPDRV_FAULT, CIPDRV_NO_LINK, CIPDRV_DAMAGED);
#endif
}

#if CIPDRV_ASK
void cipdrv_text(cipdrv_t *driver, uint8_t c)
{
    driver->config->handler(driver, CIPDRV_ANSWER, 0, &c, 1);
}
#endif

/* ---- What to do next ------------------------------------------------------------------------------------------- */

/* What the link in `driver->link` wants of the slot: a command, or COMMAND_NONE. */
static uint8_t serve(cipdrv_t *driver)
{
    cipdrv_link_t *link = link_at(driver, command_link(driver));
    if (link->state == LINK_DIAL) {
        link->state = LINK_DIALING;
        driver->amount = driver->port;
        return COMMAND_DIAL;
    }
#if CIPDRV_PASSIVE
    if (link->unread && !(link->left && driver->read_last)) {
        uint16_t room = call_handler(driver, CIPDRV_ROOM, command_link(driver), link->unread);
        if (room) {
            driver->read_last = true;
            if (room > link->unread) room = link->unread;
            driver->amount = room < FRAME_MAX ? room : FRAME_MAX;
            return COMMAND_READ;
        }
    }
    driver->read_last = false;
#endif
#if CIPDRV_THROUGH
    if (driver->through && link->state == LINK_OPEN) return COMMAND_THROUGH_MODE;
#endif
    if (link->left) {
        driver->amount = link->left < CIPDRV_PIECE ? link->left : CIPDRV_PIECE;
        return COMMAND_SEND;
    }
    return link->state == LINK_CLOSING ? COMMAND_CLOSE : COMMAND_NONE;
}

static uint8_t choose(cipdrv_t *driver)
{
    if (driver->check) {
        driver->check = false;
        return COMMAND_STATUS;
    }
    if (driver->join && !driver->up && driver->config->ssid) return COMMAND_JOIN;
#if CIPDRV_ASK
    if (driver->question) return driver->question;
#endif
    uint8_t command = COMMAND_NONE;
    for (uint8_t k = CIPDRV_LINKS; k && !command; k--) {
#if CIPDRV_LINKS > 1
        if (++driver->link >= CIPDRV_LINKS) driver->link = 0;
#endif
        command = serve(driver);
    }
    return command;
}

/* The deadline of the stage has passed. */
static void overdue(cipdrv_t *driver)
{
    uint8_t command = driver->command;
    if (driver->stage == STAGE_PAUSE) {
        if (command == COMMAND_NONE)
            driver->stage = STAGE_IDLE;
        else
            cipdrv_write_start(driver);
#if CIPDRV_THROUGH
    } else if (command == COMMAND_ESCAPE && driver->raw) { /* blindly: a full stream may bury the answers up to there */
        if (driver->reading == READING_RAW) cipdrv_read_start(driver);
        pause(driver, COMMAND_THROUGH_END, 0);
    } else if (command == COMMAND_THROUGH_END) {
        pause(driver, COMMAND_PROBE, 0);
#endif
    } else if (command == COMMAND_ESCAPE)
        pause(driver, COMMAND_PROBE, 0);
    else if (command == COMMAND_PROBE)
        hunt_on(driver);
    else
        recover(driver);
}

static uint8_t stored_byte(cipdrv_link_t *link)
{
#if CIPDRV_FLASH
    if (link->from) return flash_byte(link->data++);
#endif
    return *link->data++;
}

/* The next byte of the send. What a link that has ended still owes is made up, so that the modem gets its count. */
static uint8_t payload_byte(cipdrv_t *driver)
{
    cipdrv_link_t *link = link_at(driver, command_link(driver));
    uint8_t        c = 0;
    if (link->left) { /* only of the send in the slot: a link that has the id next gets none before that is over */
        link->left--;
#if CIPDRV_FILLS
        if (!link->data)
            driver->config->handler(driver, CIPDRV_FILL, command_link(driver), &c, 1);
        else
#endif
            c = stored_byte(link);
    }
#if CIPDRV_THROUGH
    if (driver->stage == STAGE_THROUGH) {
        if (!link->left) tell(driver, CIPDRV_SENT, command_link(driver), 0);
        return c;
    }
#endif
    if (!--driver->amount) driver->stage = STAGE_RESULT;
    return c;
}

static bool may_pay(cipdrv_t *driver)
{
#if CIPDRV_THROUGH
    if (driver->stage == STAGE_THROUGH) return link_at(driver, command_link(driver))->left;
#endif
    return driver->stage == STAGE_PAYLOAD;
}

static uint16_t write(cipdrv_t *driver, uint8_t *out, uint16_t n)
{
    uint8_t *at = out, *end = out + n;
    while (at != end && (driver->stage == STAGE_WRITE || may_pay(driver))) {
        if (driver->stage != STAGE_WRITE) {
            *at++ = payload_byte(driver);
            wait(driver, TAKEN_LIMIT);
            continue;
        }
        uint8_t c = cipdrv_write_byte(driver);
        if (driver->stage == STAGE_AWAIT && driver->command == COMMAND_ESCAPE) { /* "+++" is sent without a line end */
            wait(driver, driver->ready IF_THROUGH(&&!driver->raw) ? ESCAPE_GUARD : ESCAPE_SETTLE);
            break;
        }
        *at++ = c;
    }
    return (uint16_t)(at - out);
}

/* A frame will not be completed any more, no ERROR follows that unknown line, and neither does the rest of a line: what
 * looks like its begin is the end of a frame that got one byte more. All doubt is over. */
static void listen_to_silence(cipdrv_t *driver)
{
    if ((int16_t)(driver->now - driver->heard) < GAP IF_THROUGH(|| driver->reading == READING_RAW)) return;
    if (driver->reading == READING_FRAME || driver->odd) cipdrv_noise(driver);
    driver->doubt = DOUBT_NONE;
    cipdrv_read_start(driver);
}

/* ---- For the program ------------------------------------------------------------------------------------------- */

void cipdrv_start(cipdrv_t *driver, const cipdrv_config_t *config, uint16_t now)
{
    memset(driver, 0, sizeof *driver);
    driver->config = config;
    driver->now = now;
    cipdrv_read_start(driver);
    tell_rate(driver);
    pause(driver, COMMAND_ESCAPE, ESCAPE_GUARD);
}

uint16_t cipdrv_poll(cipdrv_t *driver, uint16_t now, uint8_t *out, uint16_t n)
{
    driver->now = now;
    listen_to_silence(driver);
    bool due = (int16_t)(now - driver->deadline) >= 0;
    if (driver->stage == STAGE_IDLE) {
        if (due) {
            driver->check = true;
            driver->join = true;
        }
        if (!driver->doubt && (driver->command = choose(driver))) { /* in doubt its answer would not be heard */
#if CIPDRV_GONE
            driver->gone = false;
#endif
            cipdrv_write_start(driver);
        }
    }
#if CIPDRV_THROUGH
    else if (driver->stage == STAGE_THROUGH) {
        if (!driver->through && !link_at(driver, command_link(driver))->left)
            pause(driver, COMMAND_ESCAPE, THROUGH_GUARD);
    }
#endif
    else if (due)
        overdue(driver);
    return write(driver, out, n);
}

uint16_t cipdrv_deadline(const cipdrv_t *driver)
{
    int16_t left = (int16_t)(driver->deadline - driver->now);
    int16_t silence = (int16_t)(driver->heard + GAP - driver->now);
    if (silence > 0 && silence < left) left = silence;
    return driver->stage == STAGE_WRITE || driver->stage == STAGE_PAYLOAD || left < 0 ? 0 : (uint16_t)left;
}

void cipdrv_fault(cipdrv_t *driver)
{
    cipdrv_noise(driver);
}

/* The highest free id, CIPDRV_LINKS if there is none; CIPDRV_NO_LINK while a dial or a question goes on: the host's name is
 * its own. */
static uint8_t free_id(const cipdrv_t *driver)
{
    uint8_t found = CIPDRV_LINKS;
#if CIPDRV_ASK
    if (driver->question) return CIPDRV_NO_LINK;
#endif
    for (uint8_t id = 0; id < CIPDRV_LINKS; id++) {
        uint8_t state = driver->links[id].state;
        if (state == LINK_FREE) found = id;
        if ((CIPDRV_LINKS > 1 || CIPDRV_ASK) && (state == LINK_DIAL || state == LINK_DIALING)) return CIPDRV_NO_LINK;
    }
    return found;
}

uint8_t cipdrv_dial(cipdrv_t *driver, uint8_t type, const char *host, uint16_t port IF_UDP(, uint16_t local_port))
{
    uint8_t id = free_id(driver);
    if (id >= CIPDRV_LINKS) return CIPDRV_NO_LINK;
    link_at(driver, id)->state = LINK_DIAL;
    driver->host = host;
    driver->port = port;
#if CIPDRV_UDP || CIPDRV_SSL
    link_at(driver, id)->type = type;
#else
    (void)type;
#endif
#if CIPDRV_UDP
    driver->local_port = type == CIPDRV_TYPE_UDP ? local_port : 0;
#endif
    return id;
}

bool cipdrv_send(cipdrv_t *driver, uint8_t id, const void *data, uint16_t n, uint8_t from)
{
    if (id >= CIPDRV_LINKS || !n || (driver->command == COMMAND_SEND && command_link(driver) == id)) return false;
    cipdrv_link_t *link = link_at(driver, id);
    if (link->state != LINK_OPEN || link->left) return false;
    link->data = data;
    link->left = n;
#if CIPDRV_FLASH
    link->from = from;
#else
    (void)from;
#endif
    return true;
}

void cipdrv_close(cipdrv_t *driver, uint8_t link)
{
#if CIPDRV_THROUGH
    driver->through = false;
#endif
    if (link < CIPDRV_LINKS) close_link(driver, link, CIPDRV_BY_US);
}

#if CIPDRV_ASK
bool cipdrv_ask(cipdrv_t *driver, uint8_t what, const char *name)
{
    if (free_id(driver) == CIPDRV_NO_LINK) return false;
    driver->host = name;
    driver->question = (uint8_t)(what == CIPDRV_ASK_TIME ? COMMAND_TIME_ZONE : COMMAND_ASK_NAME + what);
    return true;
}
#endif

#if CIPDRV_THROUGH
void cipdrv_through(cipdrv_t *driver, bool on)
{
    driver->through = on;
}
#endif
