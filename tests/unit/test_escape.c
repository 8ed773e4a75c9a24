/* +++ in passthrough, exhaustively: every sequence of plus signs, other bytes and gaps just under, at and over 20
 * ms, up to a length, typed byte by byte and burst by burst. A specification over the times of the bytes says what
 * must happen; the engine, driven through its public calls only, must agree after every step. */
#include "cipmux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { LENGTH = 9, PACKET_MS = 20, MEMORY_MAX = 16384, UNTOUCHED = 0xee };

typedef enum { PLUS, OTHER, GAP_19, GAP_20, GAP_21, SYMBOLS } symbol_t;

static unsigned gap_ms(unsigned symbol)
{
    return symbol == GAP_19 ? 19 : symbol == GAP_20 ? 20 : 21;
}

/* ---- the specification [tcpip 4.8] ---- */

typedef struct {
    char     byte;
    unsigned at_ms;
} typed_t;

typedef struct {
    typed_t  typed[LENGTH];
    size_t   n;
    unsigned now_ms;
} story_t;

static unsigned silence_behind(const story_t *s, size_t i)
{
    return (i + 1 < s->n ? s->typed[i + 1].at_ms : s->now_ms) - s->typed[i].at_ms;
}

/* Exactly three plus signs: less than 20 ms between them, at least 20 ms in front and behind. */
static bool is_escape(const story_t *s, size_t i)
{
    if (i + 3 > s->n) return false;
    for (size_t k = i; k < i + 3; k++)
        if (s->typed[k].byte != '+' || (silence_behind(s, k) >= PACKET_MS) != (k == i + 2)) return false;
    return i == 0 || silence_behind(s, i - 1) >= PACKET_MS;
}

/* How many bytes the peer must have by now: all of the packets that are over, up to an escape. */
static size_t must_have_arrived(const story_t *s, bool *left)
{
    size_t arrived = 0;
    *left = false;
    for (size_t i = 0; i < s->n; i++) {
        if (is_escape(s, i)) {
            *left = true;
            return i;
        }
        if (silence_behind(s, i) >= PACKET_MS) arrived = i + 1;
    }
    return arrived;
}

/* ---- the modem, and a world that takes every byte at once ---- */

static cipmux_config_t config;
static uint8_t         memory[MEMORY_MAX]; /* lent to the one link */
static cipmux_link_t   dialled;

typedef struct {
    cipmux_t modem;
    uint64_t now_us;
    char     arrived[LENGTH + 1]; /* at the peer */
    size_t   arrived_n;
    char     printed[64]; /* by the modem */
    size_t   printed_n;
} board_t;

static void answer(board_t *b, const cipmux_request_t *request)
{
    const cipmux_ap_t ap = { .channel = 6 };
    cipmux_event_t    event = { .ticket = request->ticket, .link = request->link };
    if (request->kind == CIPMUX_REQUEST_JOIN) {
        event.kind = CIPMUX_EVENT_JOINED;
        event.ap = &ap;
        assert_int_equal(cipmux_event(&b->modem, b->now_us, &event, NULL), CIPMUX_TAKEN);
        event.kind = CIPMUX_EVENT_LEASE;
        event.address = (cipmux_address_t){ .family = 4, .bytes = { 10, 0, 2, 15 } };
        assert_int_equal(cipmux_event(&b->modem, b->now_us, &event, NULL), CIPMUX_TAKEN);
    } else if (request->kind == CIPMUX_REQUEST_DIAL) {
        dialled = request->link;
        event.kind = CIPMUX_EVENT_UP;
        event.address = request->dial.to;
        event.memory = memory;
        event.memory_size = cipmux_link_memory(&b->modem);
        assert_true(event.memory_size <= sizeof memory);
        assert_int_equal(cipmux_event(&b->modem, b->now_us, &event, NULL), CIPMUX_TAKEN);
    }
}

static void pump(board_t *b)
{
    cipmux_request_t request;
    const void      *bytes;
    size_t           n;
    while (cipmux_request(&b->modem, b->now_us, &request))
        answer(b, &request);
    while (cipmux_send_peek(&b->modem, dialled, &bytes, &n, NULL)) {
        assert_true(b->arrived_n + n <= sizeof b->arrived);
        memcpy(b->arrived + b->arrived_n, bytes, n);
        b->arrived_n += n;
        cipmux_send_done(&b->modem, b->now_us, dialled, n);
    }
    b->printed_n += cipmux_poll(&b->modem, b->now_us, b->printed + b->printed_n, sizeof b->printed - b->printed_n);
    assert_true(b->printed_n < sizeof b->printed);
}

static void type(board_t *b, const char *bytes, size_t n)
{
    assert_int_equal(cipmux_sink(&b->modem, b->now_us, bytes, n), n);
    pump(b);
}

static void wait_ms(board_t *b, unsigned ms)
{
    const uint64_t end_us = b->now_us + ms * 1000ull;
    unsigned       ticks = 0;
    while (cipmux_deadline(&b->modem) <= end_us) {
        assert_true(ticks++ < 100); /* each tick must move the deadline */
        if (cipmux_deadline(&b->modem) > b->now_us) b->now_us = cipmux_deadline(&b->modem);
        cipmux_tick(&b->modem, b->now_us);
        pump(b);
    }
    b->now_us = end_us;
    cipmux_tick(&b->modem, b->now_us);
    pump(b);
}

static void command(board_t *b, const char *line, const char *ending)
{
    const size_t n = strlen(ending);
    b->printed_n = 0;
    type(b, line, strlen(line));
    wait_ms(b, 1000);
    assert_true(b->printed_n >= n && memcmp(b->printed + b->printed_n - n, ending, n) == 0);
    b->printed_n = 0;
}

static void enter_passthrough(board_t *b, const char *dialect)
{
    *b = (board_t){ 0 };
    memset(memory, UNTOUCHED, sizeof memory);
    assert_true(cipmux_config(&config, dialect));
    cipmux_power_on(&b->modem, &config, b->now_us);
    wait_ms(b, 1000);
    command(b, "ATE0\r\n", "\r\nOK\r\n");
    command(b, "AT+CWMODE=1\r\n", "\r\nOK\r\n");
    command(b, "AT+CWJAP=\"lab\",\"password\"\r\n", "\r\nOK\r\n");
    command(b, "AT+CIPSTART=\"TCP\",\"10.0.2.2\",5000\r\n", "\r\nOK\r\n");
    command(b, "AT+CIPMODE=1\r\n", "\r\nOK\r\n");
    command(b, "AT+CIPSEND\r\n", "\r\nOK\r\n\r\n>");
    assert_int_equal(cipmux_phase(&b->modem), CIPMUX_PHASE_PASSTHROUGH);
}

/* ---- the search ---- */

typedef struct {
    bool   whole; /* bursts in one call, else byte by byte */
    size_t place; /* where in the lent memory the bytes are kept */
    size_t sequences, left, arrived[LENGTH + 1];
} search_t;

/* What a sequence has made so far: the engine's state, the bytes that it holds, and the story told to it. */
typedef struct {
    board_t board;
    uint8_t held[LENGTH];
    story_t story;
    size_t  untold; /* bytes at the end of the story that wait for the end of their burst */
} node_t;

static void tell(node_t *node)
{
    char burst[LENGTH];
    for (size_t i = 0; i < node->untold; i++)
        burst[i] = node->story.typed[node->story.n - node->untold + i].byte;
    if (node->untold > 0) type(&node->board, burst, node->untold);
    node->untold = 0;
}

static void step(const search_t *search, node_t *node, unsigned symbol, size_t depth)
{
    story_t *const s = &node->story;
    if (symbol == PLUS || symbol == OTHER) {
        s->typed[s->n++] = (typed_t){ symbol == PLUS ? '+' : (char)('b' + depth), s->now_ms };
        node->untold++;
        if (!search->whole) tell(node);
        return;
    }
    tell(node);
    s->now_ms += gap_ms(symbol);
    wait_ms(&node->board, gap_ms(symbol));
}

static void compare(search_t *search, const node_t *node)
{
    const board_t *const b = &node->board;
    bool                 left;
    const size_t         n = must_have_arrived(&node->story, &left);
    if (node->untold > 0) return;
    assert_int_equal(cipmux_phase(&b->modem), left ? CIPMUX_PHASE_COMMAND : CIPMUX_PHASE_PASSTHROUGH);
    assert_int_equal(b->arrived_n, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(b->arrived[i], node->story.typed[i].byte);
    assert_int_equal(b->printed_n, 0);
    search->left += left;
    search->arrived[n]++;
}

/* Every sequence that begins as `node` does. */
static void explore(search_t *search, const node_t *node, size_t depth)
{
    for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
        node_t next = *node;
        memcpy(memory + search->place, next.held, LENGTH);
        step(search, &next, symbol, depth);
        search->sequences++;
        compare(search, &next);
        memcpy(next.held, memory + search->place, LENGTH);
        if (depth + 1 < LENGTH) {
            explore(search, &next, depth + 1);
            continue;
        }
        step(search, &next, GAP_20, depth); /* the silence behind the last byte */
        compare(search, &next);
    }
}

/* The one byte of the lent memory that a typed byte changes; a search then keeps nine from there on. */
static size_t place_of_the_first_byte(node_t node)
{
    type(&node.board, "x", 1);
    for (size_t i = 0; i < sizeof memory; i++)
        if (memory[i] != UNTOUCHED) {
            memory[i] = UNTOUCHED;
            return i;
        }
    fail_msg("the byte is nowhere");
    return 0;
}

static void search_all(const char *dialect, bool whole)
{
    static node_t start;
    search_t      search = { .whole = whole };
    memset(&start, 0, sizeof start);
    memset(start.held, UNTOUCHED, sizeof start.held);
    enter_passthrough(&start.board, dialect);
    search.place = place_of_the_first_byte(start);
    explore(&search, &start, 0);
    for (size_t i = 0; i < sizeof memory; i++)
        if (i < search.place || i >= search.place + LENGTH) assert_int_equal(memory[i], UNTOUCHED);
    print_message("# %s, %s: %zu sequences; %zu times in command mode; bytes arrived:", dialect,
                  whole ? "burst by burst" : "byte by byte", search.sequences, search.left);
    for (size_t n = 0; n <= LENGTH; n++) {
        print_message(" %zu", search.arrived[n]);
        assert_true(search.arrived[n] > 0);
    }
    print_message("\n");
    assert_int_equal(search.sequences, 2441405); /* 5 + 25 + ... + 5^9 */
    assert_true(search.left > 0);
}

static void test_nonos_byte_by_byte(void **state)
{
    (void)state;
    search_all("nonos-1.7.6", false);
}

static void test_nonos_burst_by_burst(void **state)
{
    (void)state;
    search_all("nonos-1.7.6", true);
}

static void test_esp_at_byte_by_byte(void **state)
{
    (void)state;
    search_all("esp-at-2.3", false);
}

static void test_esp_at_burst_by_burst(void **state)
{
    (void)state;
    search_all("esp-at-2.3", true);
}

/* ---- both ways at once ---- */

/* In the middle of what goes to a UART that takes nothing more, bytes are taken, sent and end a packet; only behind "+++",
 * which waits for that UART, nothing is. */
static void takes_while_it_prints(const char *dialect)
{
    static board_t b;
    static uint8_t bytes[1000];
    const void    *sent;
    size_t         n, arrived = 0;
    enter_passthrough(&b, dialect);
    assert_int_equal(cipmux_receive(&b.modem, b.now_us, dialled, bytes, sizeof bytes), sizeof bytes);
    assert_int_equal(cipmux_poll(&b.modem, b.now_us, b.printed, 10), 10);
    for (unsigned k = 0; k < 5000; k++) {
        assert_int_equal(cipmux_sink(&b.modem, b.now_us, "x", 1), 1);
        while (cipmux_send_peek(&b.modem, dialled, &sent, &n, NULL)) {
            cipmux_send_done(&b.modem, b.now_us, dialled, n);
            arrived += n;
        }
    }
    assert_int_equal(arrived, 2 * 2048); /* whole packets */
    b.now_us += 20000;
    assert_int_equal(cipmux_sink(&b.modem, b.now_us, "+++", 3), 0); /* silence has ended a packet, which comes first */
    assert_true(cipmux_send_peek(&b.modem, dialled, &sent, &n, NULL));
    assert_int_equal(n, 5000 - 2 * 2048);
    cipmux_send_done(&b.modem, b.now_us, dialled, n);
    assert_int_equal(cipmux_sink(&b.modem, b.now_us, "+++", 3), 3);
    b.now_us += 20000;
    assert_int_equal(cipmux_sink(&b.modem, b.now_us, "AT\r\n", 4), 0);
    for (n = 10; n < sizeof bytes; n++)
        assert_int_equal(cipmux_poll(&b.modem, b.now_us, b.printed, 1), 1);
    cipmux_tick(&b.modem, b.now_us);
    assert_int_equal(cipmux_phase(&b.modem), CIPMUX_PHASE_COMMAND);
}

static void test_takes_while_it_prints(void **state)
{
    (void)state;
    takes_while_it_prints("nonos-1.7.6");
    takes_while_it_prints("esp-at-2.3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_while_it_prints), cmocka_unit_test(test_nonos_byte_by_byte),
        cmocka_unit_test(test_nonos_burst_by_burst),  cmocka_unit_test(test_esp_at_byte_by_byte),
        cmocka_unit_test(test_esp_at_burst_by_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
