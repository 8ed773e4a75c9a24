/* The pump around one cipmux_t. See board.h. */
#include "board.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOARD_ROUNDS = 64 }; /* of one turn; then the loop's other work gets its chance */

uint64_t board_now(void)
{
    return uv_hrtime() / 1000;
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
    board_log(board, &record, "%s", host_reason_sentence(reason));
}

static void log_notes(board_t *board)
{
    cipmux_note_t note;
    char          text[LOG_LINE_MAX];
    while (cipmux_note(&board->modem, &note)) {
        cipmux_link_t link = { .id = (uint8_t)note.link };
        log_note_text(text, &note);
        board_log(board,
                  &(log_record_t){
                      .event = "note", .link = note.link >= 0 ? &link : NULL, .reason = cipmux_reason_id(note.reason) },
                  "%s", text);
    }
}

/* ---- The UART ---------------------------------------------------------------------------------------------------- */

static bool feed(board_t *board, uint64_t now_us)
{
    const uint8_t *bytes;
    cipmux_phase_t phase = cipmux_phase(&board->modem);
    size_t         n = port_peek(board->port, phase, cipmux_collecting(&board->modem), &bytes);
    if (n == 0) return false;
    size_t taken = cipmux_sink(&board->modem, now_us, bytes, n);
    port_taken(board->port, taken);
    return taken > 0;
}

/* Bytes for nobody: on a wire they would be gone too. */
static bool drain_unheard(board_t *board, uint64_t now_us)
{
    uint8_t bytes[1024];
    size_t  n = cipmux_poll(&board->modem, now_us, bytes, sizeof bytes);
    board->unheard += n;
    if (n > 0 && !board->silence_noted) {
        board->silence_noted = true;
        board_log_reason(board, (log_record_t){ .event = "note", .level = LOG_DETAIL }, HOST_REASON_NOBODY_LISTENS);
    }
    return n > 0;
}

static bool drain(board_t *board, uint64_t now_us)
{
    uint8_t *out;
    if (!board->port->open) return drain_unheard(board, now_us);
    size_t room = port_room(board->port, &out);
    size_t n = room ? cipmux_poll(&board->modem, now_us, out, room) : 0;
    port_put(board->port, n);
    if (n > 0) board->last_output_us = now_us;
    return n > 0;
}

void board_far_side(board_t *board, bool open)
{
    port_t *port = board->port;
    if (port->open == open) return;
    port->open = open;
    board_log(board, &(log_record_t){ .event = "serial", .bytes = board->unheard }, "%s",
              open ? "somebody is there" : "nobody is there");
    port_drop_out(port);
    board->unheard = 0;
    board->silence_noted = false;
    if (open && board->config->reset_on_open) board_reset(board);
    board_wake(board);
}

void board_reset(board_t *board)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_RESET_PIN };
    board_log(board, &(log_record_t){ .event = "reset" }, "by the reset pin");
    radio_station_reset(&board->station);
    cipmux_event(&board->modem, board_now(), &event, NULL);
    board_wake(board);
}

/* ---- The turn ---------------------------------------------------------------------------------------------------- */

/* The far side of a pseudo-terminal or socket has no rate of its own: the switch is told and done. */
static void set_line(board_t *board, const cipmux_line_t *line)
{
    cipmux_event_t event = { .kind = CIPMUX_EVENT_LINE_SET };
    board->port->kind->flush(board->port);
    board_log(board, &(log_record_t){ .event = "line" }, "%lu,%u,%u,%u,%u", (unsigned long)line->baud,
              (unsigned)line->data_bits, (unsigned)line->stop_bits, (unsigned)line->parity, (unsigned)line->flow);
    cipmux_event(&board->modem, board_now(), &event, NULL);
}

static bool serve(board_t *board, uint64_t now_us)
{
    cipmux_request_t request;
    bool             moved = false;
    while (cipmux_request(&board->modem, now_us, &request)) {
        moved = true;
        if (request.kind == CIPMUX_REQUEST_LINE)
            set_line(board, &request.line);
        else if (radio_serves(&request))
            radio_request(&board->station, now_us, &request);
        else if (!sockets_request(&board->sockets, now_us, &request) && !publisher_request(&board->publisher, &request))
            dns_request(&board->dns, now_us, &request);
    }
    return moved;
}

static bool round_of_turn(board_t *board, uint64_t now_us)
{
    bool moved = serve(board, now_us);
    moved |= radio_offer(board->config->air, &board->station, now_us, &board->modem);
    moved |= dns_turn(&board->dns, now_us);
    moved |= publisher_turn(&board->publisher, now_us);
    moved |= sockets_turn(&board->sockets, now_us);
    moved |= drain(board, now_us);
    moved |= feed(board, now_us);
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
    const uint8_t *bytes;
    cipmux_phase_t phase = cipmux_phase(&board->modem);
    if (board->linger_us == 0 || phase == CIPMUX_PHASE_BUSY || phase == CIPMUX_PHASE_OFF ||
        board->port->out_first < board->port->out_end ||
        port_peek(board->port, phase, cipmux_collecting(&board->modem), &bytes) > 0)
        return CIPMUX_NEVER;
    uint64_t due = board->last_output_us + board->linger_us;
    if (due <= now_us) board_finish(board);
    return due;
}

static void board_turn(uv_idle_t *turn);

static void time_is_over(uv_timer_t *timer)
{
    board_wake(timer->data);
}

static void wait_for_deadline(board_t *board, uint64_t now_us)
{
    uint64_t due = sooner(cipmux_deadline(&board->modem), sockets_deadline(&board->sockets, now_us));
    due = sooner(due, sooner(publisher_deadline(&board->publisher), dns_deadline(&board->dns, now_us)));
    due = sooner(due, radio_deadline(&board->station, now_us));
    due = sooner(due, linger_deadline(board, now_us));
    if (due == CIPMUX_NEVER) {
        uv_timer_stop(&board->timer);
        return;
    }
    uv_update_time(board->loop);
    uv_timer_start(&board->timer, time_is_over, due > now_us ? (due - now_us + 999) / 1000 : 1, 0);
}

static void board_turn(uv_idle_t *turn)
{
    board_t *board = turn->data;
    uv_idle_stop(turn);
    uint64_t now_us = board_now();
    int      rounds = 0;
    if (cipmux_deadline(&board->modem) <= now_us) cipmux_tick(&board->modem, now_us);
    while (round_of_turn(board, now_us) && ++rounds < BOARD_ROUNDS)
        now_us = board_now();
    bool was_full = board->port->out_end == PORT_OUT;
    board->port->kind->flush(board->port);
    if (rounds == BOARD_ROUNDS || (was_full && board->port->out_end < PORT_OUT)) board_wake(board);
    wait_for_deadline(board, now_us);
}

void board_wake(board_t *board)
{
    uv_idle_start(&board->turn, board_turn);
}

void board_linger(board_t *board, uint64_t quiet_us)
{
    board->linger_us = quiet_us ? quiet_us : 1;
    board->last_output_us = board_now();
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
    sockets_open(&board->sockets, board);
    publisher_open(&board->publisher, board);
    dns_open(&board->dns, board);
    cipmux_power_on(&board->modem, &config->modem, board_now());
    return true;
}

void board_plug(board_t *board, port_t *port)
{
    board->port = port;
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
    dns_close(&board->dns);
    if (board->port) {
        if (board->port->open) board->port->kind->flush(board->port);
        board->port->kind->close(board->port);
    }
    board->port = NULL;
    uv_close((uv_handle_t *)&board->turn, NULL);
    uv_close((uv_handle_t *)&board->timer, NULL);
}
