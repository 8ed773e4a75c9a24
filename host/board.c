/* The pump around one cipmux_t. See board.h. */
#include "board.h"

#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOARD_ROUNDS = 64 }; /* of one turn; then the loop's other work gets its chance */

static uint64_t computers_time(void)
{
    return uv_hrtime() / 1000;
}

static uint64_t (*clock_us)(void) = computers_time;

uint64_t board_now(void)
{
    return clock_us();
}

void board_set_clock(uint64_t (*now_us)(void))
{
    clock_us = now_us;
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

void board_log(board_t *board, const log_record_t *record, const char *format, ...)
{
    char    text[LOG_LINE_MAX] = "";
    va_list arguments;
    if (!log_wants(board->log, record->level)) return;
    if (format) {
        va_start(arguments, format);
        vsnprintf(text, sizeof text, format, arguments);
        va_end(arguments);
    }
    log_write(board->log, board_now(), board->config->number, record, text);
}

void board_log_reason(board_t *board, log_record_t record, host_reason_t reason)
{
    record.reason = host_reason_id(reason);
    board_noted(board, reason);
    board_log(board, &record, "%s", host_reason_sentence(reason));
}

void board_noted(board_t *board, host_reason_t reason)
{
    board->host_noted[reason]++;
}

static void log_notes(board_t *board)
{
    cipmux_note_t note;
    char          text[LOG_LINE_MAX];
    while (cipmux_note(&board->modem, &note)) {
        cipmux_link_t link = { .id = (uint8_t)note.link };
        board->noted[note.reason]++;
        log_note_text(text, &note);
        board_log(board,
                  &(log_record_t){
                      .event = "note", .link = note.link >= 0 ? &link : NULL, .reason = cipmux_reason_id(note.reason) },
                  "%s", text);
    }
}

/* ---- The UART ---------------------------------------------------------------------------------------------------- */

/* Who has the modem: the port that has it already, or else the one that somebody opened. */
static void choose_port(board_t *board)
{
    for (size_t i = 0; i < board->port_count && !board->port->open; i++)
        if (board->ports[i]->open) board->port = board->ports[i];
}

bool board_is_taken(const port_t *port)
{
    return port->board->port != port && port->board->port->open;
}

void board_far_side(port_t *port, bool open)
{
    board_t *board = port->board;
    if (port->open == open) return;
    bool had_it = board->port == port && port->open;
    port->open = open;
    port_drop_out(port);
    choose_port(board);
    if (had_it || board->port == port) {
        board_log(board, &(log_record_t){ .event = "serial", .bytes = board->wire.unheard }, "%s",
                  board->port->open ? "somebody is there" : "nobody is there");
        wire_far_side_changed(board);
        if (board->port->open && board->config->reset_on_open) board_reset(board);
    } else if (open) {
        board_log_reason(board, (log_record_t){ .event = "refused" }, HOST_REASON_SECOND_ON_PORT);
    }
    board_wake(board);
}

void board_settle(board_t *board, uint64_t now_us)
{
    if (!board->wire.serial && !board->wire.rom_talks) record_settle(board->record, now_us);
}

/* Resets and levels: what the pins bring to the modem. */
static bool offer_pins(board_t *board, uint64_t now_us)
{
    bool pulled = board->pins.reset;
    if (pulled) board_settle(board, now_us);
    gpio_due_t due = gpio_offer(&board->pins, now_us, &board->modem);
    if (due != GPIO_RESET) return due != GPIO_NOTHING;
    board_log(board, &(log_record_t){ .event = "reset" }, "%s",
              pulled ? "by the reset pin" : "by GPIO16, the sleep is over");
    radio_station_reset(board->config->air, &board->station);
    return true;
}

void board_reset(board_t *board)
{
    board_settle(board, board_now());
    record_words(board->record, board_now(), "reset-pin");
    gpio_reset(&board->pins);
    while (board->pins.reset)
        offer_pins(board, board_now());
    board_wake(board);
}

static void log_pins(board_t *board, gpio_t before)
{
    static const char *const names[] = { [PIN_OPEN] = "open", [PIN_LOW] = "low", [PIN_HIGH] = "high" };
    for (size_t pin = 0; pin < CIPMUX_PINS; pin++) {
        pin_level_t level = gpio_level(&board->pins, pin);
        if (level == gpio_level(&before, pin)) continue;
        board_log(board, &(log_record_t){ .event = "pin" }, "GPIO%zu is %s", pin, names[level]);
    }
}

/* PINS and SLEEP. */
static void set_pins(board_t *board, uint64_t now_us, const cipmux_request_t *request)
{
    gpio_t before = board->pins;
    gpio_request(&board->pins, now_us, request);
    log_pins(board, before);
    if (request->kind != CIPMUX_REQUEST_SLEEP) return;
    radio_station_reset(board->config->air, &board->station);
    if (request->sleep_ms == 0)
        board_log(board, &(log_record_t){ .event = "asleep" }, "until the reset pin");
    else
        board_log(board, &(log_record_t){ .event = "asleep" }, "for %lu ms", (unsigned long)request->sleep_ms);
}

static void store(board_t *board, uint64_t now_us)
{
    flash_t       *flash = board->config->flash;
    cipmux_event_t event = { .kind = CIPMUX_EVENT_STORED, .image = flash->image, .image_size = flash->size };
    if (flash_store(flash, &board->modem)) {
        board_log(board, &(log_record_t){ .event = "stored", .level = LOG_DETAIL }, "%zu bytes in %s", flash->size,
                  flash->path);
    } else {
        event.cause = CIPMUX_CAUSE_LOCAL;
        board_log(board, &(log_record_t){ .event = "flash" }, "%s: %s", flash->path, strerror(errno));
    }
    cipmux_event(&board->modem, now_us, &event, NULL);
}

static void use_flash(board_t *board)
{
    const flash_t *flash = board->config->flash;
    cipmux_use_flash(&board->modem, flash->image, flash->size);
    record_flash(board->record, board_now(), flash->size == 0);
    if (flash->damaged)
        board_log(board, &(log_record_t){ .event = "flash" },
                  "%s was damaged: it is %s.damaged now, and the modem as new", flash->path, flash->path);
    else if (flash->size == 0)
        board_log(board, &(log_record_t){ .event = "flash" }, "%s is not there yet: the modem is as new", flash->path);
}

/* ---- The turn ---------------------------------------------------------------------------------------------------- */

static bool serve(board_t *board, uint64_t now_us)
{
    cipmux_request_t request;
    bool             moved = false;
    while (cipmux_request(&board->modem, now_us, &request)) {
        moved = true;
        if (request.kind == CIPMUX_REQUEST_LINE || request.kind == CIPMUX_REQUEST_ROM_LINE)
            wire_set_line(board, &request);
        else if (request.kind == CIPMUX_REQUEST_STORE)
            store(board, now_us);
        else if (gpio_serves(&request))
            set_pins(board, now_us, &request);
        else if (radio_serves(&request))
            radio_request(board->config->air, &board->station, now_us, &request);
        else if (hosts_request(board->config->hosts, &board->client, now_us, &request))
            continue;
        else if (board->config->simulated)
            net_request(board->config->simulated, now_us, &request);
        else if (!sockets_request(&board->sockets, now_us, &request) &&
                 !publisher_request(&board->publisher, &request) && !ping_request(&board->ping, now_us, &request) &&
                 !sntp_request(&board->sntp, now_us, &request) && !mdns_request(&board->mdns, now_us, &request))
            dns_request(&board->dns, &request);
    }
    return moved;
}

static bool round_of_turn(board_t *board, uint64_t now_us)
{
    bool moved = serve(board, now_us);
    moved |= offer_pins(board, now_us);
    moved |= sockets_look(&board->sockets, now_us);
    moved |= radio_offer(board->config->air, &board->station, now_us, &board->modem);
    moved |= hosts_offer(board->config->hosts, &board->client, now_us, &board->modem);
    if (board->config->simulated) moved |= net_offer(board->config->simulated, now_us, &board->modem);
    moved |= dns_turn(&board->dns, now_us);
    moved |= ping_turn(&board->ping, now_us);
    moved |= sntp_turn(&board->sntp, now_us);
    moved |= mdns_turn(&board->mdns, now_us);
    moved |= call_turn(board, now_us);
    moved |= publisher_turn(&board->publisher, now_us);
    moved |= sockets_turn(&board->sockets, now_us);
    bool wait = board->record && (moved || record_is_full(board->record));
    moved |= wire_turn(board, now_us, wait);
    log_notes(board);
    return moved;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Quiet after the end of the input: nothing left to take, no command open, nothing printed for so long. */
static uint64_t linger_deadline(board_t *board, uint64_t now_us)
{
    cipmux_phase_t phase = cipmux_phase(&board->modem);
    bool           sleeps_on = board->pins.asleep && gpio_deadline(&board->pins) == CIPMUX_NEVER;
    if (board->linger_us == 0 || phase == CIPMUX_PHASE_BUSY || (phase == CIPMUX_PHASE_OFF && !sleeps_on) ||
        !wire_is_quiet(board, now_us))
        return CIPMUX_NEVER;
    uint64_t due = board->wire.last_output_us + board->linger_us;
    if (due <= now_us) board_finish(board);
    return due;
}

uint64_t board_deadline(board_t *board, uint64_t now_us)
{
    if (board->woken) return 0;
    uint64_t due = sooner(cipmux_deadline(&board->modem), sockets_deadline(&board->sockets, now_us));
    due = sooner(due, sooner(publisher_deadline(&board->publisher), dns_deadline(&board->dns, now_us)));
    due = sooner(due, sooner(log_deadline(board->log), radio_deadline(board->config->air, &board->station, now_us)));
    due = sooner(due, gpio_deadline(&board->pins));
    due = sooner(due, mdns_deadline(&board->mdns));
    due = sooner(due, hosts_deadline(&board->client, now_us));
    due = sooner(due, sooner(wire_deadline(board, now_us), linger_deadline(board, now_us)));
    return board->config->simulated ? sooner(due, net_deadline(board->config->simulated, now_us)) : due;
}

void board_computer(const board_t *board, uint8_t ip[4])
{
    static const uint8_t gateway[4] = { 10, 0, 2, 2 };
    const radio_t       *air = board->config->air;
    bool                 joined = radio_joined(air, &board->station) != NULL;
    memset(ip, 0, 4);
    if (!radio_has_guest(air, &board->station, !joined, ip)) memcpy(ip, gateway, 4);
}

address_route_t board_route(const board_t *board, cipmux_type_t type, const cipmux_address_t *to)
{
    static const uint8_t    first[4] = { 192, 168, 4, 2 };
    const board_config_t   *config = board->config;
    const radio_t          *air = config->air;
    cipmux_route_t          by = cipmux_route(&board->modem, to);
    const redirect_t *const rule = redirect_find(config->redirect, config->redirect_count, type == CIPMUX_UDP, to);
    bool                    own = by == CIPMUX_BY_SOFT_AP;
    uint8_t                 any[4] = { 0 }, ip[4];
    board_t                *modems[NEIGHBOURS_MAX];
    if (rule && by != CIPMUX_NO_ROUTE && config->net != SCOPE_NONE)
        return (address_route_t){ .real = redirect_to(rule), .reachable = true, .here = true };
    memcpy(ip, to->bytes, 4);
    bool there = radio_has_guest(air, &board->station, own, any) ? radio_has_guest(air, &board->station, own, ip)
                                                                 : !neighbours_any(board) && memcmp(ip, first, 4) == 0;
    if (by == CIPMUX_BY_STATION && radio_is_guest(air, &board->station) && !address_is_loopback(to))
        by = CIPMUX_BY_SOFT_AP; /* another modem's: there is nothing behind it */
    address_route_t route = address_route(config->net, by, there, to);
    if (neighbours_find(board, to) || (!route.reachable && neighbours_hear(board, to, modems))) {
        route = address_route(SCOPE_LOCAL, CIPMUX_BY_SOFT_AP, true, to);
        route.modems = true;
    }
    return route;
}

bool board_is_online(const board_t *board)
{
    for (size_t i = 0; i < CIPMUX_LINKS; i++)
        if (board->sockets.link[i].state != LINK_IS_FREE) return true;
    return board->publisher.waiting || dns_is_asking(&board->dns) || ping_is_asking(&board->ping) ||
           sntp_is_asking(&board->sntp);
}

static void time_is_over(uv_timer_t *timer)
{
    board_wake(timer->data);
}

static void wait_for_deadline(board_t *board, uint64_t now_us)
{
    if (board->woken) return; /* the next turn comes at once */
    uint64_t due = board_deadline(board, now_us);
    if (due == CIPMUX_NEVER) {
        uv_timer_stop(&board->timer);
        return;
    }
    uv_update_time(board->loop);
    uv_timer_start(&board->timer, time_is_over, due > now_us ? (due - now_us + 999) / 1000 : 1, 0);
}

void board_step(board_t *board)
{
    uint64_t now_us = board_now();
    int      rounds = 0;
    uint32_t changes = board->config->air->changes;
    board->woken = false;
    if (cipmux_deadline(&board->modem) <= now_us) cipmux_tick(&board->modem, now_us);
    log_tick(board->log, now_us);
    while (round_of_turn(board, now_us) && ++rounds < BOARD_ROUNDS)
        now_us = board_now();
    bool was_full = board->port->out_end == PORT_OUT;
    board->port->kind->flush(board->port);
    if (board->config->air->changes != changes) neighbours_wake(board);
    if (rounds == BOARD_ROUNDS || (was_full && board->port->out_end < PORT_OUT)) board_wake(board);
}

static void board_turn(uv_idle_t *turn)
{
    board_t *board = turn->data;
    uv_idle_stop(turn);
    board_step(board);
    wait_for_deadline(board, board_now());
}

void board_wake(board_t *board)
{
    board->woken = true;
    if (!board->config->stepped) uv_idle_start(&board->turn, board_turn);
}

bool board_say_due(board_t *board, uint64_t now_us)
{
    const char *line, *text;
    bool        said = false;
    while ((line = faults_due(board->faults, now_us))) {
        board->config->say(board->config->say_context, board, line);
        said = true;
    }
    for (; (text = faults_told(board->faults)); board->faults_injected++)
        board_log(board, &(log_record_t){ .event = "fault" }, "%s", text);
    return said;
}

void board_linger(board_t *board, uint64_t quiet_us)
{
    board->linger_us = quiet_us ? quiet_us : 1;
    board->wire.last_output_us = board_now();
    board_wake(board);
}

void board_finish(board_t *board)
{
    if (board->finished) board->finished(board->context);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

bool board_open(board_t *board, uv_loop_t *loop, const board_config_t *config, log_t *log)
{
    *board = (board_t){ .config = config, .loop = loop, .log = log };
    int failed = uv_idle_init(loop, &board->turn);
    if (!failed) failed = uv_timer_init(loop, &board->timer);
    if (failed) {
        errno = -failed;
        return false;
    }
    board->turn.data = board->timer.data = board;
    radio_station_init(&board->station, (uint8_t)config->number);
    board->pins = config->pins;
    hosts_client_init(&board->client);
    sockets_open(&board->sockets, board);
    publisher_open(&board->publisher, board);
    dns_open(&board->dns, board);
    ping_open(&board->ping, board);
    sntp_open(&board->sntp, board);
    mdns_open(&board->mdns, board);
    board->modem_config = config->modem;
    board->modem_config.heap = board->heap;
    board->modem_config.heap_size = sizeof board->heap;
    board->modem_config.flash = board->user_flash;
    memset(board->user_flash, 0xff, sizeof board->user_flash); /* a new module's */
    cipmux_power_on(&board->modem, &board->modem_config, board_now());
    if (config->record) {
        board->record = record_open(config->record, &board->modem, &board->modem_config, board_now());
        if (!board->record) return false;
    }
    if (config->flash) use_flash(board);
    if (config->mishaps) board->mishaps = *config->mishaps;
    board->faults = config->faults ? malloc(sizeof *board->faults) : NULL;
    if (board->faults) *board->faults = *config->faults;
    if (wire_open(board, config->pace) && !board->faults == !config->faults) return true;
    errno = ENOMEM;
    return false;
}

void board_plug(board_t *board, port_t *port)
{
    board->ports[board->port_count++] = port;
    if (!board->port) board->port = port;
    port_plugged(port, board);
    board_wake(board);
}

static void log_counters(board_t *board)
{
    cipmux_counters_t counters = cipmux_counters(&board->modem);
    board_log(board, &(log_record_t){ .event = "counters", .level = LOG_DETAIL },
              "%lu bytes while off, %lu lines while busy, %lu surplus bytes, %lu datagrams lost, %lu notes lost, "
              "%lu stale and %lu refused events",
              (unsigned long)counters.bytes_while_off, (unsigned long)counters.busy_lines,
              (unsigned long)counters.surplus_bytes, (unsigned long)counters.datagrams_lost,
              (unsigned long)counters.notes_lost, (unsigned long)counters.stale_events,
              (unsigned long)counters.refused_events);
}

void board_close(board_t *board)
{
    log_counters(board);
    publisher_close(&board->publisher);
    sockets_close(&board->sockets);
    mdns_close(&board->mdns);
    sntp_close(&board->sntp);
    dns_close(&board->dns);
    ping_close(&board->ping);
    for (size_t i = 0; i < board->port_count; i++) {
        port_t *port = board->ports[i];
        if (port->open) port->kind->flush(port);
        port->kind->close(port);
    }
    board->port = NULL;
    board->port_count = 0;
    wire_close(board);
    free(board->faults);
    board->faults = NULL;
    if (!record_close(board->record, board->noted))
        board_log(board, &(log_record_t){ .event = "record", .level = LOG_PROBLEM }, "%s", strerror(errno));
    board->record = NULL;
    uv_close((uv_handle_t *)&board->turn, NULL);
    uv_close((uv_handle_t *)&board->timer, NULL);
}
