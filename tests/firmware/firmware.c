/* Runs firmware for the ATmega328P against the modem in a simulated world, in virtual time and one thread:
 *
 *   AVR (simavr) <-> its UART <-> the line (world/uart.h) <-> the engine <-> the world
 *
 *   firmware [--dialect=NAME] [--timing=real] [--wire] [--report] ELF SCENARIO
 *
 * The AVR's cycles are the clock. A scenario is a file in the language of words (docs/TRANSCRIPTS.md, "Words"); the
 * table `verbs` has what is added here. Exit status: 0 all is as the scenario says, 1 it is not, 2 a file or option is
 * wrong.
 *
 * simavr's UART is kinder than silicon and slower: see "The UART". This is the only program of the tests that links
 * simavr, so while its source is MIT like the rest, the program as built is under simavr's licence, the GPL, version
 * 3. */
#include "cipmux.h"
#include "console.h"
#include "uart.h"
#include "world.h"

#include <avr_adc.h>
#include <avr_extint.h>
#include <avr_ioport.h>
#include <avr_uart.h>
#include <ctype.h>
#include <sim_avr.h>
#include <sim_core.h>
#include <sim_elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CLOCK_MHZ = 16,
    FLASH_SIZE = 32768,
    VECTORS = 26,
    PAGES = 16,       /* of one fetch */
    PAGE_MAX = 16384, /* bytes */
    FRAMES = 32,
    PENDING = 64,
    SILICON_FIFO = 2, /* characters that the ATmega328P's receiver holds, beside the one in its shift register */
    LATE_US = 10,
    RETRY_US = 100000,
    LOOK_US = 20,        /* how often a waiting character or a stopped modem looks whether it may go on */
    IMPATIENCE_US = 500, /* how often `within` and `fetch` look */
    LINE_TEXT = 1000,
};

/* What is measured of calls: those of two functions of the driver, without interrupts and without the program's
 * handler. */
typedef enum { MARK_NONE, MARK_SINK, MARK_POLL, MARK_APART, MARK_COUNT } mark_t;

typedef struct {
    mark_t   mark;
    uint16_t sp, low; /* at its first instruction; the lowest */
    unsigned n;       /* bytes that were given to it */
    uint64_t start, apart;
} frame_t;

typedef struct {
    avr_t      *avr;
    avr_uart_t *port;
    uart_t      wire;
    cipmux_t    modem;
    world_t     world;

    cipmux_config_t config;
    uint8_t         pending[PENDING]; /* arrived at the modem, not taken yet */
    size_t          pending_n;
    uart_counters_t seen;      /* of the AVR's end */
    uint64_t        delivered; /* bytes to the AVR */
    uint8_t         divisor;   /* of the AVR's rate, low byte */
    unsigned        torn;      /* characters during which the AVR changed its rate */
    uint16_t        stop_at;   /* register of the AVR's RTS; 0: none */
    uint8_t         stop_mask;
    bool            show_wire, shown_modem, ended;
    console_t       console;

    uint8_t  mark[FLASH_SIZE / 2];
    frame_t  frame[FRAMES];
    size_t   frames;
    uint16_t sp_low;
    struct {
        uint64_t cycles;
        unsigned n, stack;
    } longest[MARK_COUNT], longest_of_one;

    const char *scenario;
    unsigned    line;
} lab_t;

static lab_t lab;

/* ---- Time -------------------------------------------------------------------------------------------------------- */

static uint64_t now_us(void)
{
    return lab.avr->cycle / CLOCK_MHZ;
}

/* ---- The UART ---------------------------------------------------------------------------------------------------- */

/* The bytes on the line, for the eye. */
static void show_byte(bool from_modem, uint8_t byte)
{
    if (!lab.show_wire) return;
    if (from_modem != lab.shown_modem)
        fprintf(stderr, "\n%10.3f ms %s ", (double)now_us() / 1000, from_modem ? "<" : ">");
    lab.shown_modem = from_modem;
    if (byte == '\r')
        fputs("\\r", stderr);
    else if (byte == '\n')
        fputs("\\n", stderr);
    else
        fprintf(stderr, isprint(byte) ? "%c" : "\\x%02x", byte);
}

/* The rate of the AVR's end as its registers say, and simavr's times from it: simavr counts 11 bits a character. */
static void follow_rate(void)
{
    avr_t        *avr = lab.avr;
    unsigned      divisor = avr_regbit_get(avr, lab.port->ubrrl) | (unsigned)avr_regbit_get(avr, lab.port->ubrrh) << 8;
    unsigned      cycles_per_bit = (divisor + 1) * (avr_regbit_get(avr, lab.port->u2x) ? 8 : 16);
    cipmux_line_t line = { .baud = CLOCK_MHZ * 1000000 / cycles_per_bit, .data_bits = 8, .stop_bits = 1 };
    lab.port->cycles_per_byte = 10 * (avr_cycle_count_t)cycles_per_bit;
    if (line.baud != uart_line(&lab.wire, UART_FAR).baud) uart_set_line(&lab.wire, now_us(), UART_FAR, &line);
}

/* One byte to the AVR. simavr would take 64 and give each a character time late: it gets one only while silicon would
 * have room for it, at once; what the line had to drop is told by DOR, a bad stop bit by FE. */
static bool deliver(void)
{
    avr_uart_t *port = lab.port;
    uint8_t     byte;
    unsigned    held = (unsigned)(port->input.write - port->input.read) & (uart_fifo_fifo_size - 1);
    if (held >= SILICON_FIFO || uart_get(&lab.wire, now_us(), UART_FAR, &byte, 1) == 0) return false;
    uart_counters_t counters = uart_counters(&lab.wire, UART_FAR);
    uint32_t        value = byte;
    if (counters.framing != lab.seen.framing) value |= UART_INPUT_FE;
    bool lost = counters.overruns != lab.seen.overruns;
    lab.seen = counters;
    lab.delivered++;
    show_byte(true, byte);
    port->cycles_per_byte = 1;
    avr_raise_irq(port->io.irq + UART_IRQ_INPUT, value);
    follow_rate();
    if (lost) avr_regbit_set(lab.avr, port->dor);
    return true;
}

static bool modem_is_stopped(void)
{
    return lab.stop_at && lab.world.line.flow & 2 && lab.avr->data[lab.stop_at] & lab.stop_mask;
}

/* May the modem send a character now? */
static bool modem_may_send(void)
{
    const uint64_t character_us = 10000000 / lab.world.line.baud;
    return !modem_is_stopped() && uart_sent_at(&lab.wire, UART_MODEM) <= now_us() + character_us;
}

/* ---- The modem and its world ------------------------------------------------------------------------------------- */

static bool type_to_modem(void)
{
    lab.pending_n += uart_get(&lab.wire, now_us(), UART_MODEM, lab.pending + lab.pending_n, PENDING - lab.pending_n);
    size_t taken = cipmux_sink(&lab.modem, now_us(), lab.pending, lab.pending_n);
    lab.pending_n -= taken;
    memmove(lab.pending, lab.pending + taken, lab.pending_n);
    return taken > 0;
}

static bool serve_requests(void)
{
    cipmux_request_t request;
    cipmux_note_t    note;
    bool             moved = false;
    while (cipmux_request(&lab.modem, now_us(), &request)) {
        world_request(&lab.world, now_us(), &request);
        moved = true;
    }
    while (cipmux_note(&lab.modem, &note))
        if (lab.show_wire) fprintf(stderr, "\n             ! %s ", cipmux_reason_id(note.reason));
    return moved;
}

static bool print_from_modem(void)
{
    uint8_t byte;
    if (!modem_may_send() || cipmux_poll(&lab.modem, now_us(), &byte, 1) == 0) return false;
    uart_put(&lab.wire, now_us(), UART_MODEM, &byte, 1);
    return true;
}

/* All that happens at this instant. */
static void settle(void)
{
    for (bool moved = true; moved;) {
        const cipmux_line_t line = lab.world.line, set = uart_line(&lab.wire, UART_MODEM);
        if (line.baud != set.baud || line.parity != set.parity || line.data_bits != set.data_bits)
            uart_set_line(&lab.wire, now_us(), UART_MODEM, &line);
        moved = type_to_modem();
        moved = serve_requests() || moved;
        moved = world_offer(&lab.world, now_us()) || moved;
        moved = print_from_modem() || moved;
        moved = deliver() || moved;
        uint64_t due = cipmux_deadline(&lab.modem);
        if (due <= now_us()) {
            cipmux_tick(&lab.modem, now_us());
            moved = moved || cipmux_deadline(&lab.modem) != due;
        }
    }
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_deadline(void)
{
    const uint64_t now = now_us(), sent = uart_sent_at(&lab.wire, UART_MODEM);
    const uint64_t character_us = 10000000 / lab.world.line.baud;
    uint64_t       due = sooner(world_deadline(&lab.world, now), uart_deadline(&lab.wire));
    if (cipmux_deadline(&lab.modem) > now) due = sooner(due, cipmux_deadline(&lab.modem));
    if (sent > now + character_us) due = sooner(due, sent - character_us); /* the transmitter wants the next */
    if (uart_counters(&lab.wire, UART_FAR).bytes != lab.delivered || modem_is_stopped())
        due = sooner(due, now + LOOK_US);
    return due > now ? due : now + 1;
}

/* A timer of simavr: the modem lives whenever something is due. */
static avr_cycle_count_t live(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    (void)when;
    (void)context;
    settle();
    (void)avr;
    return next_deadline() * CLOCK_MHZ;
}

static void live_now(void)
{
    avr_cycle_timer_cancel(lab.avr, live, NULL);
    avr_cycle_timer_register(lab.avr, 1, live, NULL);
}

/* The AVR has written UDR0. */
static void avr_sends(struct avr_irq_t *irq, uint32_t value, void *context)
{
    const uint8_t byte = (uint8_t)value;
    (void)irq;
    (void)context;
    follow_rate();
    show_byte(false, byte);
    uart_put(&lab.wire, now_us(), UART_FAR, &byte, 1);
    live_now();
}

/* ---- Measuring calls --------------------------------------------------------------------------------------------- */

static uint16_t stack_pointer(void)
{
    return (uint16_t)(lab.avr->data[R_SPL] | lab.avr->data[R_SPH] << 8);
}

static void enter(mark_t mark, uint16_t sp)
{
    if (lab.frames == FRAMES) return;
    frame_t *frame = &lab.frame[lab.frames++];
    *frame = (frame_t){ .mark = mark, .sp = sp, .low = sp, .start = lab.avr->cycle };
    frame->n = lab.avr->data[18] | (unsigned)lab.avr->data[19] << 8; /* the fourth argument */
}

static void leave(void)
{
    const frame_t *frame = &lab.frame[--lab.frames];
    uint64_t       whole = lab.avr->cycle - frame->start, own = whole - frame->apart;
    if (lab.frames > 0) lab.frame[lab.frames - 1].apart += frame->mark == MARK_APART ? whole : frame->apart;
    if (frame->mark == MARK_APART) return;
    unsigned stack = (unsigned)(frame->sp - frame->low) + 2; /* its return address */
    if (stack > lab.longest[frame->mark].stack) lab.longest[frame->mark].stack = stack;
    if (own > lab.longest[frame->mark].cycles) {
        lab.longest[frame->mark].cycles = own;
        lab.longest[frame->mark].n = frame->n;
    }
    if (frame->mark == MARK_SINK && frame->n == 1 && own > lab.longest_of_one.cycles) lab.longest_of_one.cycles = own;
}

/* The AVR has changed its rate: in the middle of a character that would tear it. simavr's TXC0 is early by as much as
 * the interrupt that wrote UDR0 was late. */
static void watch_rate(void)
{
    const uint8_t divisor = lab.avr->data[lab.port->ubrrl.reg];
    if (divisor == lab.divisor) return;
    lab.divisor = divisor;
    if (uart_sent_at(&lab.wire, UART_FAR) > now_us() + LATE_US) lab.torn++;
    follow_rate();
}

/* After each instruction. */
static void observe(void)
{
    const uint16_t sp = stack_pointer();
    const mark_t   mark = (mark_t)lab.mark[lab.avr->pc / 2 % (FLASH_SIZE / 2)];
    if (sp >= 0x100 && sp < lab.sp_low) lab.sp_low = sp;
    while (lab.frames > 0 && sp > lab.frame[lab.frames - 1].sp + 1)
        leave();
    if (mark != MARK_NONE) enter(mark, sp);
    watch_rate();
    if (lab.frames > 0 && lab.frame[lab.frames - 1].mark != MARK_APART && sp < lab.frame[lab.frames - 1].low)
        lab.frame[lab.frames - 1].low = sp;
}

static void mark_functions(const elf_firmware_t *elf)
{
    static const struct {
        const char *name;
        mark_t      mark;
    } names[] = { { "cipdrv_sink", MARK_SINK }, { "cipdrv_poll", MARK_POLL }, { "on_event", MARK_APART } };
    for (size_t vector = 1; vector < VECTORS; vector++)
        lab.mark[vector * 2] = MARK_APART;
    for (uint32_t i = 0; i < elf->symbolcount; i++)
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strcmp(elf->symbol[i]->symbol, names[k].name) == 0 && elf->symbol[i]->addr < FLASH_SIZE)
                lab.mark[elf->symbol[i]->addr / 2] = (uint8_t)names[k].mark;
}

static void report(void)
{
    printf("cycles of the longest cipdrv_sink(): %llu with %u bytes, %llu with one; cipdrv_poll(): %llu with room for "
           "%u\n",
           (unsigned long long)lab.longest[MARK_SINK].cycles, lab.longest[MARK_SINK].n,
           (unsigned long long)lab.longest_of_one.cycles, (unsigned long long)lab.longest[MARK_POLL].cycles,
           lab.longest[MARK_POLL].n);
    printf("bytes of stack: %u in cipdrv_sink(), %u in cipdrv_poll(), %u of the whole program\n",
           lab.longest[MARK_SINK].stack, lab.longest[MARK_POLL].stack, (unsigned)(lab.avr->ramend - lab.sp_low));
}

/* ---- Running ----------------------------------------------------------------------------------------------------- */

static void no_sleep(struct avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles;
}

static void quiet(struct avr_t *avr, const int level, const char *format, va_list arguments)
{
    (void)avr;
    if (level <= LOG_ERROR) vfprintf(stderr, format, arguments);
}

/* Lets virtual time pass. False: the AVR has crashed or stopped. */
static bool run_until(uint64_t until_us)
{
    while (!lab.ended && now_us() < until_us) {
        int state = avr_run(lab.avr);
        lab.ended = state == cpu_Done || state == cpu_Crashed;
        observe();
    }
    return !lab.ended;
}

static bool start_avr(const char *path)
{
    static elf_firmware_t elf;
    uint32_t              flags = 0;
    avr_global_logger_set(quiet);
    if (elf_read_firmware(path, &elf) != 0) return false;
    lab.avr = avr_make_mcu_by_name("atmega328p");
    if (lab.avr == NULL) return false;
    avr_init(lab.avr);
    lab.avr->frequency = CLOCK_MHZ * 1000000;
    avr_load_firmware(lab.avr, &elf);
    lab.avr->frequency = CLOCK_MHZ * 1000000;
    lab.avr->vcc = lab.avr->avcc = lab.avr->aref = 5000;
    lab.avr->sleep = no_sleep;
    lab.sp_low = lab.avr->ramend;
    mark_functions(&elf);
    for (avr_io_t *io = lab.avr->io_port; io != NULL; io = io->next)
        if (strcmp(io->kind, "uart") == 0) lab.port = (avr_uart_t *)io;
    for (uint8_t pin = 0; pin < 2; pin++) /* else a low level at INT0 or INT1 takes nearly all of the computer's time */
        avr_extint_set_strict_lvl_trig(lab.avr, pin, 0);
    avr_ioctl(lab.avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_irq_register_notify(avr_io_getirq(lab.avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), avr_sends, NULL);
    return lab.port != NULL;
}

static void start_modem(void)
{
    cipmux_power_on(&lab.modem, &lab.config, 0);
    world_init(&lab.world, &lab.modem);
    uart_init(&lab.wire, 0);
    uart_set_depth(&lab.wire, UART_FAR, 1); /* the shift register; SILICON_FIFO more are in simavr */
    live_now();
}

/* ---- Verbs ------------------------------------------------------------------------------------------------------- */

static bool say(const char *line, char *error, size_t size);

static bool say_wait(void *context, words_t *words)
{
    const words_arg_t *arg = words_plain(words, 1, "a time");
    uint64_t           us;
    (void)context;
    return arg != NULL && words_time(words, arg, &us) &&
           (run_until(now_us() + us) || words_fail(words, 1, "the AVR ended"));
}

/* "B5" */
static bool read_pin(words_t *words, size_t index, pin_t *pin)
{
    const words_arg_t *arg = words_plain(words, index, "a pin such as B5");
    if (arg == NULL) return false;
    const char *text = (const char *)arg->text;
    if (arg->length != 2 || text[0] < 'B' || text[0] > 'D' || text[1] < '0' || text[1] > '7')
        return words_expected(words, arg, "a pin such as B5");
    *pin = (pin_t){ text[0], (uint8_t)(text[1] - '0') };
    return true;
}

static bool read_level(words_t *words, size_t index, bool *high)
{
    const words_arg_t *level = words_plain(words, index, "high or low");
    if (level == NULL) return false;
    *high = words_is(level, "high");
    return *high || words_is(level, "low") || words_expected(words, level, "high or low");
}

static bool say_pin(void *context, words_t *words)
{
    pin_t pin = { 0 };
    bool  wanted;
    (void)context;
    if (!read_pin(words, 1, &pin) || !read_level(words, 2, &wanted)) return false;
    avr_ioport_state_t state;
    avr_ioctl(lab.avr, AVR_IOCTL_IOPORT_GETSTATE((unsigned)pin.port), &state);
    bool high = state.port >> pin.number & 1;
    return high == wanted || words_fail(words, words->arg[2].column, "it is %s", high ? "high" : "low");
}

static bool say_drive(void *context, words_t *words)
{
    pin_t pin = { 0 };
    bool  high;
    (void)context;
    if (!read_pin(words, 1, &pin) || !read_level(words, 2, &high)) return false;
    pin_drive(lab.avr, pin, high);
    return true;
}

static bool say_port(void *context, words_t *words)
{
    const words_arg_t *name = words_plain(words, 1, "B, C or D"), *value = words_plain(words, 2, "a number");
    long               wanted;
    (void)context;
    if (name == NULL || value == NULL || !words_number(words, value, 0, 255, &wanted)) return false;
    avr_ioport_state_t state;
    if (name->length != 1 || avr_ioctl(lab.avr, AVR_IOCTL_IOPORT_GETSTATE(name->text[0]), &state) != 0)
        return words_expected(words, name, "B, C or D");
    unsigned driven = state.port & state.ddr;
    return driven == (unsigned)wanted || words_fail(words, value->column, "it drives %u", driven);
}

static bool say_adc(void *context, words_t *words)
{
    const words_arg_t *channel = words_plain(words, 1, "a channel"), *volts = words_plain(words, 2, "millivolts");
    long               number, millivolts;
    (void)context;
    if (channel == NULL || volts == NULL || !words_number(words, channel, 0, 7, &number) ||
        !words_number(words, volts, 0, 5000, &millivolts))
        return false;
    avr_raise_irq(avr_io_getirq(lab.avr, AVR_IOCTL_ADC_GETIRQ, (int)(ADC_IRQ_ADC0 + number)), (uint32_t)millivolts);
    return true;
}

static bool say_rts(void *context, words_t *words)
{
    pin_t pin = { 0 };
    (void)context;
    if (!read_pin(words, 1, &pin)) return false;
    lab.stop_at = (uint16_t)(pin.port == 'B' ? 0x25 : pin.port == 'C' ? 0x28 : 0x2b); /* PORTx */
    lab.stop_mask = (uint8_t)(1u << pin.number);
    return true;
}

static bool say_losses(void *context, words_t *words)
{
    const words_arg_t *arg = words_plain(words, 1, "a number");
    long               wanted;
    (void)context;
    if (arg == NULL || !words_number(words, arg, 0, 1000000, &wanted)) return false;
    uart_counters_t counters = uart_counters(&lab.wire, UART_FAR);
    unsigned long   lost = (unsigned long)(counters.overruns + counters.framing);
    return lost == (unsigned long)wanted || words_fail(words, arg->column, "%lu bytes were lost", lost);
}

static bool say_torn(void *context, words_t *words)
{
    const words_arg_t *arg = words_plain(words, 1, "a number");
    long               wanted;
    (void)context;
    if (arg == NULL || !words_number(words, arg, 0, 1000000, &wanted)) return false;
    return lab.torn == (unsigned long)wanted || words_fail(words, arg->column, "it tore %u", lab.torn);
}

/* ---- console: a terminal at two pins ----------------------------------------------------------------------------- */

/* "text", or a number of bytes of the counting pattern that peers send too. */
static bool read_payload(words_t *words, size_t index, const uint8_t **bytes, size_t *n)
{
    static uint8_t     pattern[CONSOLE_BYTES];
    const words_arg_t *arg = words_plain(words, index, "\"text\" or a number of bytes");
    long               count;
    if (arg == NULL) return false;
    *bytes = arg->text;
    *n = arg->length;
    if (arg->quoted) return true;
    if (!words_number(words, arg, 1, CONSOLE_BYTES, &count)) return false;
    *bytes = pattern;
    *n = (size_t)count;
    for (size_t i = 0; i < *n; i++)
        pattern[i] = (uint8_t)(i % NET_PATTERN);
    return true;
}

static bool say_console_got(words_t *words)
{
    const console_t *console = &lab.console;
    const uint8_t   *bytes;
    size_t           n, same = 0;
    if (words_is(words_plain(words, 2, ""), "nothing"))
        return console->in_n == 0 || words_fail(words, 1, "it got %zu bytes", console->in_n);
    if (!read_payload(words, 2, &bytes, &n)) return false;
    while (same < n && same < console->in_n && console->in[same] == bytes[same])
        same++;
    if (same < n || console->in_n != n || console->bad > 0)
        return words_fail(words, 1, "it got %zu bytes, of which the first %zu are right, and %u bad ones",
                          console->in_n, same, console->bad);
    console_clear(&lab.console);
    return true;
}

static bool say_console(void *context, words_t *words)
{
    const words_arg_t *what = words_plain(words, 1, "at, sends, got or forgets");
    pin_t              to = { 0 }, from = { 0 };
    const uint8_t     *bytes;
    size_t             n;
    long               baud = 9600;
    (void)context;
    if (what == NULL) return false;
    if (words_is(what, "at")) {
        if (!read_pin(words, 2, &to) || !read_pin(words, 3, &from) ||
            !words_key_number(words, "baud", 300, 115200, &baud))
            return false;
        console_connect(&lab.console, lab.avr, to, from, (unsigned)baud);
        return true;
    }
    if (lab.console.avr == NULL) return words_fail(words, 1, "say console at first");
    if (words_is(what, "forgets")) {
        console_clear(&lab.console);
        return true;
    }
    if (words_is(what, "got")) return words_has(words, 2) ? say_console_got(words) : words_fail(words, 1, "got what?");
    if (!words_is(what, "sends")) return words_expected(words, what, "at, sends, got or forgets");
    if (!read_payload(words, 2, &bytes, &n)) return false;
    return console_send(&lab.console, bytes, n) || words_fail(words, 1, "it still has too much to send");
}

/* ---- fetch: a browser -------------------------------------------------------------------------------------------- */

typedef struct {
    const char *path;
    net_peer_t *peer; /* NULL: not knocked yet */
    char        name[NET_NAME];
    bool        asked, done;
    unsigned    refusals;
    uint64_t    from_us, retry_us;
} page_t;

typedef struct {
    page_t      page[PAGES];
    size_t      pages, connections, bytes;
    long        port;
    const char *folder;
} browser_t;

static size_t read_file(const char *folder, const char *path, uint8_t *out)
{
    char name[300];
    snprintf(name, sizeof name, "%s%s", folder, strcmp(path, "/") == 0 ? "/index.html" : path);
    FILE  *file = fopen(name, "rb");
    size_t n = file != NULL ? fread(out, 1, PAGE_MAX, file) : SIZE_MAX;
    if (file != NULL) fclose(file);
    return n;
}

/* Is the answer right: status 200, the length that it says, and the file's bytes if there is such a file? */
static bool check_page(words_t *words, const browser_t *browser, const page_t *page, const uint8_t *bytes, size_t n)
{
    static uint8_t wanted[PAGE_MAX];
    static char    text[PAGE_MAX + 1];
    memcpy(text, bytes, n < PAGE_MAX ? n : PAGE_MAX);
    text[n < PAGE_MAX ? n : PAGE_MAX] = '\0';
    const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length:");
    if (end == NULL || length == NULL || strncmp(text, "HTTP/1.0 200 ", 13) != 0)
        return words_fail(words, 1, "%s: no good answer: %.60s", page->path, text);
    size_t body = (size_t)(end - text) + 4;
    if (strtoul(length + 15, NULL, 10) != n - body)
        return words_fail(words, 1, "%s: %zu bytes came, %.21s", page->path, n - body, length);
    size_t file = read_file(browser->folder, page->path, wanted);
    if (file != SIZE_MAX && (file != n - body || memcmp(wanted, bytes + body, file) != 0))
        return words_fail(words, 1, "%s: %zu bytes differ from the file's %zu", page->path, n - body, file);
    return true;
}

/* Has all of the answer come? */
static bool is_whole(const uint8_t *bytes, size_t n)
{
    char   head[512];
    size_t kept = n < sizeof head - 1 ? n : sizeof head - 1;
    memcpy(head, bytes, kept);
    head[kept] = '\0';
    const char *end = strstr(head, "\r\n\r\n"), *length = strstr(head, "Content-Length:");
    return end != NULL && length != NULL && n >= (size_t)(end - head) + 4 + strtoul(length + 15, NULL, 10);
}

static void knock(browser_t *browser, page_t *page, size_t index)
{
    snprintf(page->name, sizeof page->name, "browser%u", (unsigned)(index % 100));
    page->peer = net_client(&lab.world.net, page->name, &(cipmux_address_t){ 0 }, (uint16_t)browser->port);
    page->asked = false;
    live_now();
}

static bool ask(page_t *page)
{
    char text[300];
    int  n = snprintf(text, sizeof text,
                      "GET %s HTTP/1.1\r\nHost: 10.0.2.15\r\nUser-Agent: lab (of words)\r\nAccept: */*\r\n"
                       "Accept-Language: en\r\nConnection: keep-alive\r\n\r\n",
                      page->path);
    page->asked = true;
    live_now();
    return net_send(&lab.world.net, page->peer, text, (size_t)n, 0);
}

/* One page goes on. False: the answer was wrong. */
static bool browse(words_t *words, browser_t *browser, page_t *page)
{
    net_peer_t *peer = page->peer;
    size_t      n;
    if (peer->state == NET_CONNECTED && !page->asked) return ask(page) || words_fail(words, 1, "cannot send");
    if (peer->state == NET_REFUSED || peer->state == NET_UNANSWERED || peer->got_reset ||
        (peer->got_fin && peer->inbox_used == 0)) {
        net_end(peer, CIPMUX_CAUSE_RESET);
        page->peer = NULL;
        page->refusals++;
        page->retry_us = now_us() + RETRY_US;
        return true;
    }
    const uint8_t *bytes = net_received(&lab.world.net, peer, &n);
    if (!peer->got_fin && !is_whole(bytes, n)) return true;
    page->done = true;
    browser->bytes += n;
    printf("  %-14s %5zu bytes %6.1f ms after the start of the page, refused %u times\n", page->path, n,
           (double)(now_us() - page->from_us) / 1000, page->refusals);
    net_end(peer, CIPMUX_CAUSE_FIN);
    bool good = check_page(words, browser, page, bytes, n);
    net_look(&lab.world.net, peer);
    live_now();
    return good;
}

static bool load(words_t *words, browser_t *browser, uint64_t limit_us)
{
    const uint64_t from_us = now_us();
    size_t         done = 0;
    while (done < browser->pages) {
        size_t open = 0;
        done = 0;
        for (size_t i = 0; i < browser->pages; i++) {
            page_t *page = &browser->page[i];
            page->from_us = from_us;
            if (!page->done && page->peer == NULL && page->retry_us <= now_us() && open < browser->connections)
                knock(browser, page, i);
            if (!page->done && page->peer != NULL && !browse(words, browser, page)) return false;
            open += !page->done && page->peer != NULL;
            done += page->done;
        }
        if (now_us() - from_us > limit_us) return words_fail(words, 1, "%zu of %zu pages came", done, browser->pages);
        if (!run_until(now_us() + IMPATIENCE_US)) return words_fail(words, 1, "the AVR ended");
    }
    printf("  together       %5zu bytes %6.1f ms, %zu connections at once\n", browser->bytes,
           (double)(now_us() - from_us) / 1000, browser->connections);
    return true;
}

static bool say_fetch(void *context, words_t *words)
{
    browser_t          browser = { .port = 80 };
    long               connections = 1;
    uint64_t           limit_us = 60000000;
    const words_arg_t *folder = words_key(words, "folder");
    (void)context;
    if (!words_key_number(words, "at-once", 1, 8, &connections) ||
        !words_key_number(words, "port", 1, 65535, &browser.port) || !words_key_time(words, "within", &limit_us))
        return false;
    browser.connections = (size_t)connections;
    browser.folder = folder != NULL ? (const char *)folder->text : ".";
    while (browser.pages < PAGES && words_has(words, browser.pages + 1)) {
        const words_arg_t *path = words_plain(words, browser.pages + 1, "a path");
        browser.page[browser.pages++].path = (const char *)path->text;
    }
    return load(words, &browser, limit_us);
}

/* `context` is unused: there is one lab. */
static const words_verb_t verbs[] = {
    { "wait", say_wait, "wait TIME", "lets virtual time pass" },
    { "pin", say_pin, "pin B5 high|low", "checks what the AVR drives at a pin" },
    { "drive", say_drive, "drive D4 high|low", "the level at a pin, from outside" },
    { "port", say_port, "port B VALUE", "checks what the AVR drives at a port" },
    { "adc", say_adc, "adc CHANNEL MILLIVOLTS", "the voltage at an analogue input" },
    { "rts", say_rts, "rts D2", "the pin that stops the modem when it is high" },
    { "losses", say_losses, "losses COUNT", "checks how many bytes the AVR's UART lost or saw badly framed" },
    { "torn", say_torn, "torn COUNT", "checks how many characters the AVR tore by changing its rate" },
    { "console", say_console,
      "console at D2 D3 [baud=9600] | sends \"TEXT\"|COUNT | got \"TEXT\"|COUNT|nothing | forgets",
      "a terminal at the pins where the AVR receives and transmits; what it got since the last got or forgets" },
    { "fetch", say_fetch, "fetch PATH... [at-once=1] [port=80] [folder=FOLDER] [within=TIME]",
      "loads pages as a browser does, and compares them with files" },
};

/* ---- Scenario ---------------------------------------------------------------------------------------------------- */

/* "within TIME WORDS": says the words until they are true. */
static bool say_within(const char *line, char *error, size_t size)
{
    const char *time = line + strlen("within "), *rest = strchr(time, ' ');
    uint64_t    us;
    if (rest == NULL || !words_duration(time, (size_t)(rest - time), &us)) {
        snprintf(error, size, "expected: within TIME WORDS");
        return false;
    }
    const uint64_t limit = now_us() + us;
    while (!say(rest + 1, error, size)) {
        if (now_us() >= limit || !run_until(now_us() + IMPATIENCE_US)) return false;
    }
    return true;
}

static bool say(const char *line, char *error, size_t size)
{
    static words_t words;
    if (strncmp(line, "within ", 7) == 0) return say_within(line, error, size);
    if (!words_parse(&words, line)) {
        snprintf(error, size, "%s", words.error);
        return false;
    }
    if (words.count > 0 && words_verb(verbs, sizeof verbs / sizeof *verbs, (const char *)words.arg[0].text) != NULL) {
        bool good = words_run(verbs, sizeof verbs / sizeof *verbs, NULL, &words);
        snprintf(error, size, "%s", words.error);
        return good;
    }
    bool good = world_say(&lab.world, now_us(), line, error, size);
    live_now();
    return good;
}

static int play(FILE *scenario)
{
    char text[LINE_TEXT], error[300];
    while (fgets(text, sizeof text, scenario) != NULL) {
        lab.line++;
        text[strcspn(text, "\n")] = '\0';
        bool good = say(text, error, sizeof error);
        if (good && world_fault(&lab.world)[0] != '\0') {
            snprintf(error, sizeof error, "%s", world_fault(&lab.world));
            good = false;
        }
        if (!good) {
            fprintf(stderr, "%s:%u: %s\n  %s\n  at %.3f s\n", lab.scenario, lab.line, error, text,
                    (double)now_us() / 1000000);
            return 1;
        }
    }
    return 0;
}

static int usage(const char *what)
{
    fprintf(stderr,
            "%s\nUsage: firmware [--dialect=NAME] [--timing=real] [--wire] [--report] ELF SCENARIO\nVerbs of a "
            "scenario, beside those of the world:\n  within TIME WORDS   says the words until they are true\n",
            what);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        fprintf(stderr, "  %s   %s\n", verbs[i].form, verbs[i].help);
    return 2;
}

int main(int count, char **arguments)
{
    const char *dialect = "classic", *path[2] = { NULL, NULL };
    bool        real = false, reports = false;
    size_t      paths = 0;
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        if (strncmp(argument, "--dialect=", 10) == 0)
            dialect = argument + 10;
        else if (strcmp(argument, "--timing=real") == 0)
            real = true;
        else if (strcmp(argument, "--wire") == 0)
            lab.show_wire = true;
        else if (strcmp(argument, "--report") == 0)
            reports = true;
        else if (argument[0] == '-' || paths == 2)
            return usage(argument);
        else
            path[paths++] = argument;
    }
    if (paths != 2) return usage("An ELF file and a scenario are needed.");
    FILE *scenario = fopen(path[1], "r");
    if (scenario == NULL) return usage(path[1]);
    if (!cipmux_config(&lab.config, dialect)) return usage(dialect);
    cipmux_config_timing(&lab.config, real);
    if (!start_avr(path[0])) return usage(path[0]);
    start_modem();
    lab.scenario = path[1];
    int status = play(scenario);
    fclose(scenario);
    if (lab.show_wire) fputc('\n', stderr);
    if (reports) report();
    printf("%d passed, %d failed\n", status == 0, status != 0);
    return status;
}
