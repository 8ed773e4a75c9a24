/* The bench and its time. See bench.h. */
#include "bench.h"

#include "report.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    NET_EVERY_US = 1000,
    BEHIND_NS = 100000000,   /* a computer that is so much too slow does not try to catch up */
    START_SPREAD_US = 20000, /* --seed: the MCU starts up to so much later than the modem */
};

static mcu_t *clock_of;

static uint64_t bench_now(void)
{
    return mcu_time_us(clock_of);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void end(bench_t *bench, int status)
{
    if (!bench->ended) bench->status = status;
    bench->ended = true;
    mcu_stop(&bench->mcu);
}

/* ---- What is said ------------------------------------------------------------------------------------------------ */

static void hear(bench_t *bench, ears_speaker_t speaker, uint8_t byte)
{
    if (ears_hear(&bench->ears, bench_now(), speaker, byte)) end(bench, EXIT_DONE);
}

static void passed(void *context, bool to_modem, uint8_t byte)
{
    hear(context, to_modem ? EARS_TO_MODEM : EARS_FROM_MODEM, byte);
}

/* The MCU's receiver lost a character. */
static void lost(void *context, uint64_t number)
{
    bench_t *bench = (bench_t *)((char *)context - offsetof(bench_t, port));
    mcu_t   *mcu = &bench->mcu;
    char     place[MCU_PLACE_MAX], off[48] = "";
    if (!mcu->on)
        snprintf(off, sizeof off, ", interrupts off for %llu cycles",
                 (unsigned long long)(mcu->avr->cycle - mcu->off_since));
    board_noted(&bench->program.modem[0].board, HOST_REASON_UART_OVERRUN);
    board_log(
        &bench->program.modem[0].board,
        &(log_record_t){ .event = "overrun", .level = LOG_PROBLEM, .reason = host_reason_id(HOST_REASON_UART_OVERRUN) },
        "byte %llu lost at cycle %llu, in %s%s", (unsigned long long)number, (unsigned long long)mcu->avr->cycle,
        mcu_place(mcu, mcu_pc(mcu), place), off);
}

static void watched_pin_changed(void *context, bool level)
{
    pin_watch_t *watch = context;
    bench_t     *bench = (bench_t *)((char *)clock_of - offsetof(bench_t, mcu));
    board_log(&bench->program.modem[0].board, &(log_record_t){ .event = "pin" }, "%c%u %s", watch->pin.port,
              (unsigned)watch->pin.bit, level ? "high" : "low");
}

/* ---- The user's console ------------------------------------------------------------------------------------------ */

static void console_sends(void *context, uint8_t byte)
{
    bench_t *bench = context;
    putchar(byte);
    if (byte == '\n') fflush(stdout);
    hear(bench, EARS_CONSOLE, byte);
}

/* A typed character has come in. */
static avr_cycle_count_t typed_arrives(struct avr_t *avr, avr_cycle_count_t when, void *context)
{
    bench_t *bench = context;
    (void)avr;
    usart_receive(&bench->console, bench->typed[bench->typed_first++], 0);
    bench->typing = bench->typed_first < bench->typed_end;
    return bench->typing ? when + usart_character(&bench->console) : 0;
}

static void type(bench_t *bench)
{
    if (bench->typing || bench->typed_first == bench->typed_end) return;
    bench->typing = true;
    avr_cycle_timer_register(bench->mcu.avr, usart_character(&bench->console), typed_arrives, bench);
}

static void stdin_readable(void *owner, int events)
{
    bench_t *bench = owner;
    (void)events;
    if (bench->typed_first < bench->typed_end) return;
    ssize_t got = read(STDIN_FILENO, bench->typed, sizeof bench->typed);
    bench->typed_first = 0;
    bench->typed_end = got > 0 ? (size_t)got : 0;
    if (got <= 0) sock_want(bench->typed_on, 0);
    type(bench);
}

/* ---- The module's pins ------------------------------------------------------------------------------------------- */

static void module_pin_changed(void *context, bool level)
{
    bench_t *bench = context;
    (void)level;
    bool held = (bench->reset_pin.changed && !bench->reset_pin.level) ||
                (bench->enable_pin.changed && !bench->enable_pin.level);
    port_mcu_hold(&bench->port, held);
}

static void cts_changed(void *context, bool level)
{
    bench_t *bench = context;
    wire_set_cts(&bench->program.modem[0].board, level);
    mcu_stop(&bench->mcu);
}

static void mcu_was_reset(void *context)
{
    bench_t *bench = context;
    pins_restore(&bench->mcu);
    port_mcu_reset(&bench->port);
    if (bench->has_console) usart_reset(&bench->console);
    bench->typing = false;
    type(bench);
    if (bench->reset_pin.changed) pin_look(&bench->reset_pin);
    if (bench->enable_pin.changed) pin_look(&bench->enable_pin);
    if (bench->cts_pin.changed) pin_look(&bench->cts_pin);
    for (size_t i = 0; i < bench->watches; i++)
        pin_look(&bench->watch[i]);
}

/* ---- Building ---------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int complain(bench_t *bench, int status, const char *format, ...)
{
    char    text[PORT_ERROR_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return program_complain(&bench->program, text, status);
}

/* --esp=UART0 or --esp=D2,D3. */
static int wire_modem(bench_t *bench)
{
    const char *esp = bench->config.esp, *comma = strchr(esp, ',');
    pin_t       receive, transmit;
    if (strlen(esp) == 5 && strncmp(esp, "UART", 4) == 0) {
        if (!usart_open(&bench->usart, &bench->mcu, (unsigned)(esp[4] - '0')))
            return complain(bench, EXIT_USAGE, "--esp=%s: this microcontroller has no %s", esp, esp);
        port_mcu_usart(&bench->port, &bench->mcu, &bench->usart);
        bench->usart.loses = lost;
        bench->program.options.board.pace = WIRE_REAL;
    } else if (comma && pin_parse(&bench->mcu, esp, (size_t)(comma - esp), &receive) &&
               pin_parse(&bench->mcu, comma + 1, strlen(comma + 1), &transmit)) {
        port_mcu_pins(&bench->port, &bench->mcu, receive, transmit);
    } else {
        return complain(bench, EXIT_USAGE,
                        "--esp=%s: it is UART0, or two pins of the microcontroller such as D2,D3: RX,TX", esp);
    }
    bench->port.passed = passed;
    bench->port.context = bench;
    bench->has_console = strcmp(esp, "UART0") != 0 && usart_open(&bench->console, &bench->mcu, 0);
    bench->console.sends = console_sends;
    bench->console.context = bench;
    return EXIT_DONE;
}

static int wire_pin(bench_t *bench, pin_watch_t *watch, const char *name, size_t length, const char *option)
{
    pin_t pin;
    if (!pin_parse(&bench->mcu, name, length, &pin))
        return complain(bench, EXIT_USAGE, "--%s=%s: this microcontroller has no such pin", option, name);
    watch->mcu = &bench->mcu;
    watch->pin = pin;
    pin_watch(watch);
    return EXIT_DONE;
}

static int wire_pins(bench_t *bench)
{
    const bench_config_t *config = &bench->config;
    const struct {
        const char  *name, *option;
        pin_watch_t *watch;
        void (*changed)(void *context, bool level);
    } pins[] = {
        { config->reset_pin, "reset-pin", &bench->reset_pin, module_pin_changed },
        { config->enable_pin, "enable-pin", &bench->enable_pin, module_pin_changed },
        { config->cts_pin, "cts-pin", &bench->cts_pin, cts_changed },
    };
    int failed = EXIT_DONE;
    for (size_t i = 0; i < sizeof pins / sizeof *pins && !failed; i++) {
        if (!pins[i].name) continue;
        *pins[i].watch = (pin_watch_t){ .changed = pins[i].changed, .context = bench };
        failed = wire_pin(bench, pins[i].watch, pins[i].name, strlen(pins[i].name), pins[i].option);
    }
    for (const char *at = config->watch; at && *at && !failed && bench->watches < BENCH_WATCHES;) {
        pin_watch_t *watch = &bench->watch[bench->watches++];
        size_t       length = strcspn(at, ",");
        *watch = (pin_watch_t){ .changed = watched_pin_changed, .context = watch };
        failed = wire_pin(bench, watch, at, length, "watch");
        at += length + (at[length] == ',');
    }
    return failed;
}

static int set_analogue(bench_t *bench)
{
    for (size_t i = 0; i < bench->config.analogues; i++) {
        char        line[64];
        words_t    *words = &bench->script.words;
        const char *text = bench->config.analogue[i], *equals = strchr(text, '=');
        snprintf(line, sizeof line, "adc %.*s %.20s", equals ? (int)(equals - text) : 0, text,
                 equals ? equals + 1 : "");
        if (!words_parse(words, line) || !words_run(script_verbs, SCRIPT_VERBS, &bench->script, words))
            return complain(bench, EXIT_USAGE, "--adc=%s: it is CHANNEL=VALUE, VALUE up to 1023 or such as 2500mV",
                            text);
    }
    return EXIT_DONE;
}

/* GTKWave's file: bytes of the modem's line and the pins. simavr handles 30 signals right. */
static int start_vcd(bench_t *bench)
{
    static const char ports[] = "BCDEFGAHJKL";
    enum { SIGNALS = 30, PERIOD_US = 1000 };
    avr_t *avr = bench->mcu.avr;
    FILE  *there = fopen(bench->config.vcd, "w");
    if (!there) return complain(bench, EXIT_USAGE, "--vcd=%s: %s", bench->config.vcd, strerror(errno));
    fclose(there);
    avr_vcd_init(avr, bench->config.vcd, &bench->vcd, PERIOD_US);
    if (bench->usart.port) {
        avr_vcd_add_signal(&bench->vcd, bench->usart.irq + USART_IRQ_RECEIVED, 8, "from_modem");
        avr_vcd_add_signal(&bench->vcd, bench->usart.irq + USART_IRQ_SENT, 8, "to_modem");
    }
    for (const char *port = ports; *port; port++)
        for (int bit = 0; bit < 8 && bench->vcd.signal_count < SIGNALS; bit++) {
            char       name[8];
            avr_irq_t *irq = avr_io_getirq(avr, (uint32_t)AVR_IOCTL_IOPORT_GETIRQ(*port), bit);
            snprintf(name, sizeof name, "P%c%d", *port, bit);
            if (irq) avr_vcd_add_signal(&bench->vcd, irq, 1, name);
        }
    avr_vcd_start(&bench->vcd);
    avr->vcd = &bench->vcd;
    return EXIT_DONE;
}

static bool say(void *context, words_t *words, const char *line)
{
    return script_read(&((bench_t *)context)->script, words, line);
}

/* All but the modem. */
static int build(bench_t *bench)
{
    bench_config_t *config = &bench->config;
    char            text[MCU_ERROR_MAX];
    if (!mcu_open(&bench->mcu, &config->mcu, text))
        return complain(bench, text[0] == '-' ? EXIT_USAGE : EXIT_FILE, "%s", text);
    clock_of = &bench->mcu;
    board_set_clock(bench_now);
    bench->mcu.on_reset = mcu_was_reset;
    bench->mcu.context = bench;
    if (config->simulated && !(bench->net = malloc(sizeof *bench->net)))
        return complain(bench, EXIT_USAGE, "no memory");
    if (bench->net) net_init(bench->net);
    if (bench->net) bench->net->hosts = &bench->program.hosts;
    bench->script.mcu = &bench->mcu;
    bench->script.air = &bench->program.air;
    bench->script.hosts = &bench->program.hosts;
    bench->script.net = bench->program.options.board.simulated = bench->net;
    bench->script.modem = &bench->program.modem[0].board.modem;
    bench->ears.until = config->until;
    bench->ears.until_length = config->until ? strlen(config->until) : 0;
    bench->ears.records = config->expect != NULL;
    int failed = wire_modem(bench);
    if (!failed) failed = wire_pins(bench);
    if (!failed) failed = set_analogue(bench);
    if (!failed && config->vcd) failed = start_vcd(bench);
    bench->ears.console = bench->has_console;
    if (failed || !config->serial_log) return failed;
    bench->ears.file = fopen(config->serial_log, "w");
    return bench->ears.file ? EXIT_DONE
                            : complain(bench, EXIT_USAGE, "--serial-log=%s: %s", config->serial_log, strerror(errno));
}

/* The module alone, before the microcontroller has power: time passes without it. */
static int set_up_module(bench_t *bench)
{
    enum { PATIENCE_US = 60000000, STEP_US = 1000 };
    board_t    *board = &bench->program.modem[0].board;
    setup_t    *setup = &bench->setup;
    const char *file = bench->config.setup;
    uint64_t    now_us = bench_now(), limit_us = now_us + PATIENCE_US;
    if (!setup_open(setup, file)) return complain(bench, EXIT_FILE, "--setup=%s: %s", file, strerror(errno));
    board_plug(board, &setup->port);
    for (; !setup->over && now_us < limit_us; now_us = bench_now()) {
        board_step(board);
        uv_run(&bench->program.loop, UV_RUN_NOWAIT);
        uint64_t due_us = sooner(board_deadline(board, now_us), now_us + STEP_US);
        if (due_us > now_us) bench->mcu.avr->cycle = mcu_cycle_at(&bench->mcu, due_us);
    }
    if (setup->error[0]) return complain(bench, EXIT_FILE, "--setup=%s: %s", file, setup->error);
    if (!setup->over) return complain(bench, EXIT_FILE, "--setup=%s: line %u: no answer", file, setup->number);
    return EXIT_DONE;
}

/* The module is taken from there to the microcontroller. */
static void wire_module_that_is_set_up(bench_t *bench)
{
    board_t *board = &bench->program.modem[0].board;
    port_t  *port = &bench->port.port;
    if (port->kind->set_line) port->kind->set_line(port, &board->wire.line);
    board_far_side(&bench->setup.port, false);
    board_reset(board);
}

static void finished(void *context)
{
    end(context, EXIT_DONE);
}

static void power_off(bench_t *bench)
{
    sock_release(bench->typed_on);
    program_ignore_signals(&bench->program);
    program_close(&bench->program);
}

static int power_on(bench_t *bench)
{
    program_t *program = &bench->program;
    board_t   *board = &program->modem[0].board;
    program->options.board.stepped = true;
    program->say = say;
    program->context = bench;
    int failed = program_open(program);
    if (failed) return failed;
    if (!program_watch_signals(program)) {
        power_off(bench);
        return program->status;
    }
    for (size_t i = 0; i < PROGRAM_SIGNALS; i++) /* a loop without anything else looks at them, too */
        uv_ref((uv_handle_t *)&program->signal[i]);
    if (board->wire.serial) uart_set_depth(&board->wire.serial->uart, UART_FAR, UART_FIFO_ESP8266);
    board->finished = finished;
    board->context = bench;
    if (bench->config.setup) failed = set_up_module(bench);
    board_plug(board, &bench->port.port);
    if (failed) {
        power_off(bench);
        return failed;
    }
    if (bench->config.setup) wire_module_that_is_set_up(bench);
    if (bench->config.mcu.seed)
        bench->mcu.avr->cycle += mcu_cycle_at(&bench->mcu, bench->config.mcu.seed * 2654435761u % START_SPREAD_US);
    board_log(board, &(log_record_t){ .event = "modem" }, "%s, at %s of a simulated %s at %u Hz",
              cipmux_dialect_name(program->options.board.modem.dialect), bench->config.esp, bench->mcu.name,
              (unsigned)bench->mcu.avr->frequency);
    if (bench->has_console) {
        bench->typed_on = sock_new(&program->loop, STDIN_FILENO, stdin_readable, bench);
        if (bench->typed_on) sock_want(bench->typed_on, UV_READABLE);
    }
    return EXIT_DONE;
}

/* ---- Time -------------------------------------------------------------------------------------------------------- */

/* Does the bench keep pace with the computer's time now? With --speed=max only while what happens next may have to come
 * from the network: something is open there, and the serial line is quiet. */
static bool keeps_pace(bench_t *bench)
{
    board_t *board = &bench->program.modem[0].board;
    if (!bench->config.ahead) return true;
    return !bench->net && board_is_online(board) && wire_is_quiet(board, bench_now());
}

/* Waits until the computer's time has come up with the bench's; what the network has ends the wait. */
static void wait_for_time(bench_t *bench)
{
    uint64_t now_ns = uv_hrtime(), ahead_ns = (bench_now() - bench->pace_us) * 1000;
    uint64_t passed_ns = now_ns - bench->paced_ns;
    if (passed_ns > ahead_ns + BEHIND_NS) {
        bench->pace_us = bench_now();
        bench->paced_ns = now_ns;
    }
    if (passed_ns >= ahead_ns) return;
    uint64_t        left_ns = ahead_ns - passed_ns;
    struct pollfd   loop = { .fd = uv_backend_fd(&bench->program.loop), .events = POLLIN };
    struct timespec left = { .tv_sec = (time_t)(left_ns / 1000000000), .tv_nsec = (long)(left_ns % 1000000000) };
    fflush(stdout);
    ppoll(&loop, 1, &left, NULL);
    bench->slept_ns += uv_hrtime() - now_ns;
}

static void serve_network(bench_t *bench)
{
    uint64_t now_us = bench_now();
    bench->net_us = now_us + NET_EVERY_US;
    if (keeps_pace(bench)) {
        wait_for_time(bench);
    } else {
        bench->pace_us = now_us;
        bench->paced_ns = uv_hrtime();
    }
    uv_run(&bench->program.loop, UV_RUN_NOWAIT);
    if (bench->program.status) end(bench, bench->program.status); /* a signal */
}

/* Everything that is due now; then the time at which something is due next. */
static uint64_t settle(bench_t *bench)
{
    board_t *board = &bench->program.modem[0].board;
    uint64_t now_us = bench_now();
    if (bench->script.due_us <= now_us) {
        board_wake(board); /* the words may be a peer's */
        if (!script_step(&bench->script, now_us))
            end(bench, complain(bench, EXIT_DIFFERS, "%s: %s", bench->program.options.world, bench->script.error));
    }
    if (bench->script.over) end(bench, EXIT_DONE);
    while (board->woken || bench->board_us <= now_us) {
        board_step(board);
        bench->board_us = board_deadline(board, now_us);
    }
    return sooner(sooner(bench->board_us, bench->script.due_us), bench->net_us);
}

static void check_limits(bench_t *bench, mcu_state_t state)
{
    const bench_config_t *config = &bench->config;
    char                  place[MCU_PLACE_MAX];
    if (state == MCU_CRASHED)
        end(bench, complain(bench, EXIT_DIFFERS, "the firmware crashed, in %s",
                            mcu_place(&bench->mcu, mcu_pc(&bench->mcu), place)));
    if (state == MCU_ENDED) end(bench, config->until ? EXIT_DIFFERS : EXIT_DONE);
    if (config->timeout_s > 0 && (double)bench_now() >= config->timeout_s * 1e6)
        end(bench, config->until || bench->script.next < bench->script.count ? EXIT_TIME : EXIT_DONE);
}

static void loop(bench_t *bench)
{
    bench->began_ns = bench->paced_ns = uv_hrtime();
    bench->pace_us = bench_now();
    while (!bench->ended) {
        uint64_t due = settle(bench);
        if (bench->ended) break;
        mcu_state_t state = mcu_run(&bench->mcu, mcu_cycle_at(&bench->mcu, due));
        if (bench_now() >= bench->net_us || bench->mcu.avr->gdb) serve_network(bench);
        if (!bench->ended) check_limits(bench, state);
    }
    bench->ended_ns = uv_hrtime();
}

/* ---- The end ----------------------------------------------------------------------------------------------------- */

static int compare(bench_t *bench)
{
    size_t at;
    if (ears_compare(&bench->ears, bench->config.expect, &at)) return EXIT_DONE;
    if (at == SIZE_MAX) return complain(bench, EXIT_FILE, "--expect=%s: it cannot be read", bench->config.expect);
    return complain(bench, EXIT_DIFFERS, "the firmware printed something else than %s: byte %zu is the first",
                    bench->config.expect, at + 1);
}

/* What build() has made, all of it or a part. */
static void dismantle(bench_t *bench)
{
    fflush(stdout);
    ears_close(&bench->ears);
    script_close(&bench->script);
    setup_close(&bench->setup);
    free(bench->net);
    mcu_close(&bench->mcu);
}

int bench_run(bench_t *bench)
{
    int failed = build(bench);
    if (!failed) failed = power_on(bench);
    if (failed) {
        dismantle(bench);
        return failed;
    }
    loop(bench);
    if (bench->config.expect && bench->status == EXIT_DONE) bench->status = compare(bench);
    int written = report_write(bench);
    if (bench->status == EXIT_DONE) bench->status = written;
    power_off(bench);
    dismantle(bench);
    return bench->status;
}
