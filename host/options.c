/* The table of options. See options.h. */
#include "options.h"

#include "rate.h"
#include "scenarios.h"

#include "help.h"
#include "modem_options.h"
#include "program.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINGER_MS = 500, HELP_COLUMN = 34 };

bool options_wrong(options_t *options, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(options->error, sizeof options->error, format, arguments);
    va_end(arguments);
    return false;
}

bool options_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;
    *out = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && *out <= max;
}

/* ---- The modem --------------------------------------------------------------------------------------------------- */

static bool read_dialect(options_t *options, const char *value)
{
    if (strcmp(value, "list") == 0) {
        help_dialects(stdout);
        options->printed = true;
        return true;
    }
    options->described = NULL;
    if (cipmux_config(&options->board.modem, value)) return true;
    if (access(value, F_OK) != 0)
        return options_wrong(
            options, "--dialect=%s: there is no such dialect, and no such file; --dialect=list names them", value);
    if (!dialect_file_read(&options->dialect_file, value, options->error, sizeof options->error)) {
        options->status = EXIT_FILE;
        return false;
    }
    options->board.modem = options->dialect_file.config;
    options->described = value;
    return true;
}

static bool read_strict(options_t *options, const char *value)
{
    (void)value;
    options->described = NULL;
    return cipmux_config(&options->board.modem, "nonos-1.7.6");
}

static bool read_timing(options_t *options, const char *value)
{
    cipmux_config_t *modem = &options->board.modem;
    const char      *equals = strchr(value, '=');
    char             name[32];
    unsigned long    ms;
    if (strcmp(value, "fast") == 0 || strcmp(value, "real") == 0) {
        cipmux_config_timing(modem, value[0] == 'r');
        return true;
    }
    if (!equals || (size_t)(equals - value) >= sizeof name || !options_number(equals + 1, UINT32_MAX, &ms))
        return options_wrong(options, "--timing=%s: it is fast, real or NAME=MS; `cipmux help timing` lists the names",
                             value);
    snprintf(name, sizeof name, "%.*s", (int)(equals - value), value);
    if (ms == 0 && dialect_pauses(name))
        return options_wrong(
            options, "--timing=%s: this pause is at least 1 ms, or nothing would hold back the next attempt", value);
    return cipmux_config_time(modem, name, (uint32_t)ms) ||
           options_wrong(options, "--timing=%s: there is no such time; `cipmux help timing` lists them", value);
}

static bool read_quirk(options_t *options, const char *value)
{
    const char   *equals = strchr(value, '=');
    char          id[64];
    unsigned long number;
    if (strcmp(value, "list") == 0) {
        help_quirks(stdout);
        options->printed = true;
        return true;
    }
    if (!equals || (size_t)(equals - value) >= sizeof id || !options_number(equals + 1, 255, &number))
        return options_wrong(options, "--quirk=%s: it is ID=VALUE; --quirk=list names them", value);
    snprintf(id, sizeof id, "%.*s", (int)(equals - value), value);
    return cipmux_config_quirk(&options->board.modem, id, (unsigned)number) ||
           options_wrong(options, "--quirk=%s: no such quirk, or no such value; --quirk=list names them", value);
}

static bool read_mac(options_t *options, const char *value)
{
    unsigned octet[6];
    char     rest;
    if (strlen(value) != 17 || sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%c", &octet[0], &octet[1], &octet[2], &octet[3],
                                      &octet[4], &octet[5], &rest) != 6)
        return options_wrong(options, "--mac=%s: it is six hexadecimal octets, such as 5c:cf:7f:00:00:01", value);
    for (size_t i = 0; i < 6; i++)
        options->board.modem.mac[i] = (uint8_t)octet[i];
    options->has_mac = true;
    return true;
}

static bool read_boot(options_t *options, const char *value)
{
    options->board.reset_on_open = strcmp(value, "open") == 0;
    return options->board.reset_on_open || strcmp(value, "start") == 0 ||
           options_wrong(options, "--boot=%s: it is start or open", value);
}

static bool read_boot_text(options_t *options, const char *value)
{
    bool rom = strcmp(value, "rom") == 0;
    if (!rom && strcmp(value, "quiet") != 0) return options_wrong(options, "--boot-text=%s: it is rom or quiet", value);
    return cipmux_config_quirk(&options->board.modem, "boot-text", rom);
}

static bool read_world(options_t *options, const char *value)
{
    options->world = value;
    return true;
}

static bool read_fault(options_t *options, const char *value)
{
    if (strcmp(value, "list") == 0) {
        scenarios_print(stdout);
        options->printed = true;
        return true;
    }
    if (options->faults == OPTIONS_FAULTS_MAX)
        return options_wrong(options, "--fault: more than %d of them", (int)OPTIONS_FAULTS_MAX);
    options->fault[options->faults++] = value;
    return true;
}

static bool read_rate(options_t *options, const char *value)
{
    char text[RATE_TEXT];
    options->rate = value;
    return rate_words(value, text, sizeof text) || options_wrong(options, "--faults=%s: %s", value, text);
}

static bool read_seed(options_t *options, const char *value)
{
    unsigned long seed;
    if (!options_number(value, UINT32_MAX, &seed)) return options_wrong(options, "--seed=%s: it is a number", value);
    options->seed = seed;
    return true;
}

static bool read_control(options_t *options, const char *value)
{
    options->control = value;
    return true;
}

static bool read_flash(options_t *options, const char *value)
{
    options->flash = value;
    return true;
}

static bool read_modem(options_t *options, const char *value)
{
    if (options->name[0]) return true; /* read for one of them: it is about all */
    if (options->modems == NEIGHBOURS_MAX)
        return options_wrong(options, "--modem=%s: there can be %d modems", value, NEIGHBOURS_MAX);
    options->modem_text[options->modems++] = value;
    return true;
}

/* ---- The serial side --------------------------------------------------------------------------------------------- */

static bool read_serial(options_t *options, serial_kind_t kind, const char *value)
{
    if (options->serial != SERIAL_STANDARD)
        return options_wrong(options,
                             "a modem has one serial line: give one of --pty, --tcp, --unix, --tcp-connect, --serial "
                             "and --rfc2217, once");
    options->serial = kind;
    options->serial_where = value;
    return true;
}

static bool read_pty(options_t *options, const char *value)
{
    return read_serial(options, SERIAL_PTY, value);
}

/* A place to listen at. */
static bool read_place(options_t *options, serial_kind_t kind, const char *name, const char *value)
{
    port_place_t place;
    return port_place_parse(value, &place)
               ? read_serial(options, kind, value)
               : options_wrong(options, "--%s=%s: it is [HOST:]PORT, HOST an address", name, value);
}

static bool read_tcp(options_t *options, const char *value)
{
    return read_place(options, SERIAL_TCP, "tcp", value);
}

static bool read_unix(options_t *options, const char *value)
{
    return read_serial(options, SERIAL_UNIX, value);
}

static bool read_rfc2217(options_t *options, const char *value)
{
    return read_place(options, SERIAL_RFC2217, "rfc2217", value);
}

static bool read_tcp_connect(options_t *options, const char *value)
{
    port_place_t place;
    return port_place_parse(value, &place) && place.port != 0
               ? read_serial(options, SERIAL_CONNECT, value)
               : options_wrong(options, "--tcp-connect=%s: it is HOST:PORT, HOST an address", value);
}

static bool read_device(options_t *options, const char *value)
{
    size_t   length;
    uint32_t baud;
    return port_device_parse(value, &length, &baud) ? read_serial(options, SERIAL_DEVICE, value)
                                                    : options_wrong(options, "--serial=%s: it is DEVICE[,BAUD]", value);
}

static bool read_pace(options_t *options, const char *value)
{
    static const char *const names[] = { [WIRE_AT_ONCE] = "max", [WIRE_REAL] = "real", [WIRE_HARDWARE] = "hardware" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        options->board.pace = (wire_pace_t)i;
        if (strcmp(value, names[i]) == 0) return true;
    }
    return options_wrong(options, "--pace=%s: it is max, real or hardware", value);
}

static bool read_fail_on(options_t *options, const char *value)
{
    char name[32];
    for (const char *at = value;; at++) {
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), at);
        unsigned bit = run_fail_named(name);
        if (bit == 0)
            return options_wrong(options, "--fail-on=%s: it is refusal, loss and classic, with commas between", value);
        options->fail_on |= bit;
        at += length;
        if (*at == '\0') return true;
    }
}

static bool read_linger(options_t *options, const char *value)
{
    unsigned long ms;
    if (!options_number(value, UINT32_MAX, &ms))
        return options_wrong(options, "--linger=%s: it is a number of milliseconds", value);
    options->linger_ms = (uint32_t)ms;
    return true;
}

/* ---- The network ------------------------------------------------------------------------------------------------- */

bool options_net(options_t *options, const char *value)
{
    static const char *const scopes[] = { [SCOPE_ALL] = "all", [SCOPE_LOCAL] = "local", [SCOPE_NONE] = "none" };
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++)
        if (strcmp(value, scopes[i]) == 0) {
            options->board.net = (address_scope_t)i;
            return true;
        }
    return options_wrong(options, "--net=%s: it is all, local or none", value);
}

static bool read_publish(options_t *options, const char *value)
{
    if (options->board.publish_count == OPTIONS_PUBLISH_MAX)
        return options_wrong(options, "--publish=%s: at most %d of them", value, OPTIONS_PUBLISH_MAX);
    if (!publish_parse(value, &options->publish[options->board.publish_count]))
        return options_wrong(options, "--publish=%s: it is [ADDRESS:]HOSTPORT:PORT, for UDP with /udp behind", value);
    options->board.publish_count++;
    return true;
}

static bool read_redirect(options_t *options, const char *value)
{
    if (options->board.redirect_count == OPTIONS_REDIRECT_MAX)
        return options_wrong(options, "--redirect=%s: at most %d of them", value, OPTIONS_REDIRECT_MAX);
    if (!redirect_parse(value, &options->redirect[options->board.redirect_count]))
        return options_wrong(options, "--redirect=%s: it is ADDRESS:PORT:HOSTPORT, for UDP with /udp behind", value);
    options->board.redirect_count++;
    return true;
}

/* ---- The log ----------------------------------------------------------------------------------------------------- */

static bool read_log(options_t *options, const char *value)
{
    options->log = value;
    return true;
}

static bool read_trace(options_t *options, const char *value)
{
    options->trace = value;
    return true;
}

static bool read_record(options_t *options, const char *value)
{
    options->record = value;
    return true;
}

static bool read_quiet(options_t *options, const char *value)
{
    (void)value;
    options->volume = LOG_QUIET;
    return true;
}

static bool read_verbose(options_t *options, const char *value)
{
    (void)value;
    options->volume = LOG_VERBOSE;
    return true;
}

static bool read_help(options_t *options, const char *value)
{
    (void)value;
    options_print_for(stdout, options->program);
    options->printed = true;
    return true;
}

static bool read_version(options_t *options, const char *value)
{
    (void)value;
    printf("cipmux %s\n", CIPMUX_VERSION);
    options->printed = true;
    return true;
}

/* clang-format off */
static const option_t modem_table[] = {
    {"dialect", "NAME|FILE", "which firmware: classic (default), or another of =list, or your module as\n"
                             "a file describes it: cipmux help dialect", read_dialect, OPTION_EARLY | OPTION_MODEM},
    {"strict", NULL, "exactly the hardware's firmware: --dialect=nonos-1.7.6", read_strict,
     OPTION_EARLY | OPTION_MODEM},
    {"timing", "fast|real|NAME=MS", "times of boot, scan, join ...: as short as can be (default),\n"
                                    "as measured on modules, or one of them", read_timing, OPTION_MODEM},
    {"quirk", "ID=VALUE", "a firmware detail that differs or is a guess; =list", read_quirk, OPTION_MODEM},
    {"mac", "XX:XX:XX:XX:XX:XX", "the station's MAC address", read_mac, OPTION_MODEM | OPTION_OWN},
    {"boot", "start|open", "power on at once (default), or reset at each opening of the serial port", read_boot,
     OPTION_LINE | OPTION_MODEM},
    {"boot-text", "rom|quiet", "what ROM and SDK say at 74880 baud, noise to other rates, or not (default)",
     read_boot_text, OPTION_MODEM},
    {"modem", "NAME[,KEY=VALUE]...", "one of several modems on one air, KEY an option's name:\n"
                                     "--modem=ap,pty=/tmp/ap,dialect=esp-at-2.3; more: cipmux help modems", read_modem,
     OPTION_LINE},
    {"world", "FILE", "access points, stations, and what happens to them: cipmux help world", read_world, 0},
    {"fault", "FILE|NAME", "what goes wrong, in the words of cipmux help world, or one of =list", read_fault, 0},
    {"faults", "rate:mtbf=TIME", "random faults, one in such a time (2h) on average; of all kinds, or of those behind\n"
                                 ",kinds=typed-lost+reset; each is on the log", read_rate, 0},
    {"seed", "N", "of faults that come at random; default 0", read_seed, 0},
    {"control", "PATH", "a Unix socket on which a test says such words while the modem runs: cipmux ctl",
     read_control, OPTION_LINE},
    {"flash", "FILE", "where saved settings outlive the program; without it they last until it ends", read_flash,
     OPTION_MODEM | OPTION_OWN},
    {"pty", "[=LINK]", "the serial line is a pseudo-terminal, LINK a symbolic link to it", read_pty,
     OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"tcp", "[HOST:]PORT", "the serial line is a TCP port, for one client; port 0: any", read_tcp,
     OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"unix", "PATH", "the serial line is a Unix socket", read_unix, OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"tcp-connect", "HOST:PORT", "the serial line is a connection to there: an emulator that listens", read_tcp_connect,
     OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"serial", "DEVICE[,BAUD]", "the serial line is a device, at the modem's rate", read_device,
     OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"rfc2217", "[HOST:]PORT", "the serial line is a TCP port whose client sets rate and reset (DTR)", read_rfc2217,
     OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"pace", "max|real|hardware", "real: bytes take the time that the line's rate gives them; hardware: and those that\n"
                                  "the module's buffer cannot hold are lost; default max", read_pace, OPTION_LINE | OPTION_MODEM},
    {"linger", "MS", "stdin is a pipe: end after the input and so much silence (default 500)", read_linger,
     OPTION_LINE},
    {"net", "all|local|none", "what the modem reaches: everything (default), this computer, nothing", options_net,
     OPTION_MODEM},
    {"publish", "[ADDRESS:]HOSTPORT:PORT[/udp]", "where the modem's PORT is found; default 127.0.0.1, the same\n"
                                                 "port, 8000 higher below 1024; HOSTPORT 0: any", read_publish,
     OPTION_MODEM | OPTION_OWN},
    {"redirect", "ADDRESS:PORT:HOSTPORT[/udp]", "what the modem finds at ADDRESS:PORT is HOSTPORT of this computer:\n"
                                                "a test's own server in place of a real one", read_redirect, OPTION_MODEM},
    {"fail-on", "refusal,loss,classic", "cipmux run: exit status 1 if the modem noted such a thing", read_fail_on,
     OPTION_LINE},
    {"log", "FILE", "the log goes there instead of to stderr", read_log, 0},
    {"trace", "FILE", "write all that happens as JSON lines", read_trace, 0},
    {"record", "FILE", "at the end, write the session there as a transcript; passwords that were typed and\n"
                       "payload stand in it", read_record, OPTION_LINE | OPTION_MODEM | OPTION_OWN},
    {"quiet", NULL, "problems only", read_quiet, 0},
    {"verbose", NULL, "each movement of bytes too", read_verbose, 0},
    {"version", NULL, "print the version", read_version, 0},
    {"help", NULL, "print this; `cipmux help TOPIC` knows more", read_help, 0},
};
/* clang-format on */

static const size_t modem_rows = sizeof modem_table / sizeof *modem_table;

static bool may_be_left_out(const option_t *option)
{
    return !option->argument || strncmp(option->argument, "[=", 2) == 0;
}

static void print_row(FILE *out, const option_t *option)
{
    char        left[64];
    const char *line = option->help;
    const char *argument = option->argument ? option->argument : "";
    snprintf(left, sizeof left, "--%s%s%s", option->name, may_be_left_out(option) ? "" : "=", argument);
    if (strlen(left) >= HELP_COLUMN)
        fprintf(out, "  %s\n  %*s", left, HELP_COLUMN, "");
    else
        fprintf(out, "  %-*s", HELP_COLUMN, left);
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        fprintf(out, "%.*s\n  %*s", (int)(end - line), line, HELP_COLUMN, "");
    fprintf(out, "%s\n", line);
}

static const option_t *find_in(const option_t *rows, size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0) return &rows[i];
    return NULL;
}

/* A program's own row stands for the one of that name. */
const option_t *options_find(const options_program_t *program, const char *name, size_t length)
{
    const option_t *option = find_in(program->rows, program->count, name, length);
    if (!option) option = find_in(modem_table, modem_rows, name, length);
    return option && option->flags & OPTION_LINE && !program->line ? NULL : option;
}

void options_print_for(FILE *out, const options_program_t *program)
{
    fputs(program->usage, out);
    for (size_t i = 0; i < program->count; i++)
        print_row(out, &program->rows[i]);
    for (size_t i = 0; i < modem_rows; i++)
        if (options_find(program, modem_table[i].name, strlen(modem_table[i].name)) == &modem_table[i])
            print_row(out, &modem_table[i]);
    fprintf(out, "\nThis computer is 10.0.2.2 for the modem. Join with AT+CWJAP=\"lab\",\"password\".\n");
}

static const options_program_t cipmux_program = {
    .name = "cipmux",
    .usage =
        "cipmux: the ESP8266 AT modem as software\n\n"
        "usage: cipmux [OPTION]...     the modem on this terminal, or on stdin and stdout\n"
        "       cipmux run [OPTION]... -- COMMAND [ARGUMENT]...    a command with a modem of its own:\n"
        "                              $CIPMUX_TTY and $CIPMUX_TCP are its serial line, $CIPMUX_HOST its address\n"
        "       cipmux torture [OPTION]... -- COMMAND [ARGUMENT]...    the same again and again, each time with a "
        "fault\n"
        "       cipmux lab [OPTION]... FIRMWARE    a simulated microcontroller at the modem; see cipmux lab --help\n"
        "       cipmux ctl PATH [WORDS]...    says words to a modem with --control=PATH, or asks it\n"
        "       cipmux replay FILE [--module=DEVICE|HOST:PORT] [--allow-flash]    a transcript, and what differs\n"
        "       cipmux check --module=DEVICE    all transcripts that fit any modem, and which quirks it has; help "
        "check\n"
        "       cipmux explain [LOG] [--json]    what a log of the serial line shows; help explain\n"
        "       cipmux tap HOST MODULE    between the two: records, explains, does harm at will; help tap\n"
        "       cipmux help [TOPIC]    what to know: options, world, modems, commands, reasons, dialects, dialect, "
        "quirks,\n"
        "                              timing; or one thing: a command (AT+CIPSTART), a reason's id (link-in-use)\n\n",
    .line = true,
};

void options_print(FILE *out)
{
    options_print_for(out, &cipmux_program);
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

bool options_set(options_t *options, const option_t *option, const char *value, bool early)
{
    if (value && !option->argument) return options_wrong(options, "--%s takes no argument", option->name);
    if (!value && !may_be_left_out(option))
        return options_wrong(options, "--%s needs its argument: --%s=%s", option->name, option->name, option->argument);
    return !(option->flags & OPTION_EARLY) == early || option->read(options, value);
}

/* Reads one option of argv and, where it stands alone, its value behind it. */
static bool read_one(options_t *options, int argc, char **argv, int *at, bool early)
{
    const char *text = argv[*at], *program = options->program->name;
    if (options->program->takes_file && text[0] != '-') {
        if (options->file && !early) return options_wrong(options, "%s: one file is enough", text);
        if (!early) options->file = text;
        return true;
    }
    if (text[0] != '-' || text[1] != '-' || text[2] == '\0')
        return options_wrong(options, "%s: this is no option; see %s --help", text, program);
    const char     *equals = strchr(text, '=');
    size_t          length = equals ? (size_t)(equals - text) - 2 : strlen(text) - 2;
    const option_t *option = options_find(options->program, text + 2, length);
    const char     *value = equals ? equals + 1 : NULL;
    if (!option)
        return options_wrong(options, "--%.*s: there is no such option; see %s --help", (int)length, text + 2, program);
    if (!value && !may_be_left_out(option) && *at + 1 < argc) value = argv[++*at];
    return options_set(options, option, value, early);
}

/* `run [OPTION]... -- COMMAND [ARGUMENT]...`: where the options end. 0: `error` is set. */
static int find_command(options_t *options, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--") != 0) continue;
        options->command = argv + i + 1;
        if (i + 1 < argc) return i;
    }
    options_wrong(options, "cipmux run: which command? cipmux run [OPTION]... -- COMMAND [ARGUMENT]...");
    return 0;
}

static bool fits_together(options_t *options)
{
    if (options->command && options->serial != SERIAL_STANDARD)
        return options_wrong(options,
                             "cipmux run: the serial line is $CIPMUX_TTY and $CIPMUX_TCP, no option changes that");
    if (options->command && options->modems > 0) return options_wrong(options, "cipmux run has one modem, not --modem");
    if (!options->command && options->fail_on) return options_wrong(options, "--fail-on is an option of cipmux run");
    return true;
}

void options_begin(options_t *options, const options_program_t *program)
{
    *options = (options_t){ .program = program, .linger_ms = LINGER_MS, .volume = LOG_NORMAL, .status = EXIT_USAGE };
    cipmux_config(&options->board.modem, "classic");
}

bool options_pass(options_t *options, int first, int argc, char **argv, bool early)
{
    for (int i = first; i < argc && !options->printed; i++)
        if (!read_one(options, argc, argv, &i, early)) return false;
    options->board.publish = options->publish;
    options->board.redirect = options->redirect;
    return true;
}

static bool read_all(options_t *options, int first, int argc, char **argv)
{
    return options_pass(options, first, argc, argv, true) && options_pass(options, first, argc, argv, false) &&
           (options->modems == 0 || options->printed || modem_options_read(options, first, argc, argv));
}

bool options_read(options_t *options, int argc, char **argv)
{
    options_begin(options, &cipmux_program);
    bool runs = argc >= 2 && strcmp(argv[1], "run") == 0;
    bool asks = runs && argc == 3 && strcmp(argv[2], "--help") == 0;
    if (runs && !asks && (argc = find_command(options, argc, argv)) == 0) return false;
    if (!read_all(options, runs ? 2 : 1, argc, argv)) return false;
    if (options->command) run_publish(options->publish, &options->board.publish_count);
    return fits_together(options);
}

void options_close(options_t *options)
{
    for (size_t i = 0; i < NEIGHBOURS_MAX; i++) {
        if (options->modem[i]) free(options->modem[i]->keys);
        free(options->modem[i]);
        options->modem[i] = NULL;
    }
}

bool options_read_for(options_t *options, const options_program_t *program, void *own, int argc, char **argv)
{
    options_begin(options, program);
    options->own = own;
    return read_all(options, 1, argc, argv);
}
