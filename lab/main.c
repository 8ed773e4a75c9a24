/* The program cipmux-lab (`cipmux lab`): firmware for an AVR, run by simavr, with the modem at its UART.
 *
 * This source is MIT like the rest of cipmux. The program links simavr, which is under the GNU GPL version 3; so the
 * program as built may be passed on under that licence only. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

/* ---- Options ----------------------------------------------------------------------------------------------------- */

#define STRING_OPTION(name)                                                                                            \
    static bool read_##name(options_t *options, const char *value)                                                     \
    {                                                                                                                  \
        ((bench_config_t *)options->own)->name = value;                                                                \
        return true;                                                                                                   \
    }
STRING_OPTION(esp)
STRING_OPTION(reset_pin)
STRING_OPTION(enable_pin)
STRING_OPTION(cts_pin)
STRING_OPTION(setup)
STRING_OPTION(watch)
STRING_OPTION(vcd)
STRING_OPTION(report)
STRING_OPTION(expect)
STRING_OPTION(serial_log)

static bool read_mcu(options_t *options, const char *value)
{
    ((bench_config_t *)options->own)->mcu.name = value;
    return true;
}

/* "16000000", "16MHz", "7372.8kHz" */
static bool read_frequency(options_t *options, const char *value)
{
    char  *unit;
    double hz = strtod(value, &unit);
    double factor = strcmp(unit, "MHz") == 0 ? 1e6 : strcmp(unit, "kHz") == 0 ? 1e3 : *unit == '\0' ? 1 : 0;
    if (hz * factor < 1e3 || hz * factor > 64e6)
        return options_wrong(options, "--frequency=%s: it is a clock such as 16MHz or 16000000", value);
    ((bench_config_t *)options->own)->mcu.frequency = (uint32_t)(hz * factor + 0.5);
    return true;
}

static bool read_speed(options_t *options, const char *value)
{
    bool max = strcmp(value, "max") == 0;
    ((bench_config_t *)options->own)->ahead = max;
    return max || strcmp(value, "real") == 0 || options_wrong(options, "--speed=%s: it is real or max", value);
}

static bool read_adc(options_t *options, const char *value)
{
    bench_config_t *config = options->own;
    if (config->analogues == BENCH_ANALOGUE)
        return options_wrong(options, "--adc=%s: at most %d of them", value, BENCH_ANALOGUE);
    config->analogue[config->analogues++] = value;
    return true;
}

static bool read_gdb(options_t *options, const char *value)
{
    unsigned long port;
    if (!options_number(value, 65535, &port) || port == 0)
        return options_wrong(options, "--gdb=%s: it is a port", value);
    ((bench_config_t *)options->own)->mcu.gdb_port = (uint16_t)port;
    return true;
}

static bool read_seed(options_t *options, const char *value)
{
    unsigned long seed;
    if (!options_number(value, UINT32_MAX, &seed)) return options_wrong(options, "--seed=%s: it is a number", value);
    ((bench_config_t *)options->own)->mcu.seed = options->seed = seed;
    return true;
}

static bool read_until(options_t *options, const char *value)
{
    if (*value == '\0' || strlen(value) >= EARS_TEXT_MAX)
        return options_wrong(options, "--until=%s: it is a text of at most %d bytes", value, EARS_TEXT_MAX - 1);
    ((bench_config_t *)options->own)->until = value;
    return true;
}

static bool read_timeout(options_t *options, const char *value)
{
    char  *rest;
    double seconds = strtod(value, &rest);
    if (*rest || rest == value || !(seconds > 0))
        return options_wrong(options, "--timeout=%s: it is a number of seconds", value);
    ((bench_config_t *)options->own)->timeout_s = seconds;
    return true;
}

static bool read_net(options_t *options, const char *value)
{
    bench_config_t *config = options->own;
    config->simulated = strcmp(value, "simulated") == 0;
    return options_net(options, config->simulated ? "none" : value);
}

/* clang-format off */
static const option_t table[] = {
    {"mcu", "NAME", "atmega328p (default), atmega1284p, atmega2560, atmega32u4, ...: what simavr knows", read_mcu, 0},
    {"frequency", "HZ", "its clock, such as 16MHz (default) or 7372800", read_frequency, 0},
    {"esp", "UART0|RX,TX", "where the modem is: a UART of the microcontroller (default UART0), or two\n"
                           "pins such as D2,D3, which a program moves by hand (SoftwareSerial);\n"
                           "then UART0 is the console, on stdin and stdout", read_esp, 0},
    {"reset-pin", "PIN", "pin of the microcontroller that is the module's reset, low", read_reset_pin, 0},
    {"enable-pin", "PIN", "pin of the microcontroller that is the module's enable (CH_PD), high", read_enable_pin, 0},
    {"cts-pin", "PIN", "pin of the microcontroller that is the module's CTS: high stops it, where\n"
                       "AT+UART asks for that flow control", read_cts_pin, 0},
    {"setup", "FILE", "AT commands that the module gets before it is wired, for what it keeps: its rate,\n"
                      "an access point; then it starts again, together with the microcontroller", read_setup, 0},
    {"speed", "real|max", "keep pace with the computer's time (default), or run ahead while nothing\n"
                          "waits for the network", read_speed, 0},
    {"until", "TEXT", "end when this was said on the console, or without one on the modem's line", read_until, 0},
    {"timeout", "SECONDS", "end after so much time of the microcontroller; status 4 if --until did not come",
     read_timeout, 0},
    {"expect", "FILE", "status 1 unless what the firmware printed (on the console, or without one to\n"
                       "the modem) is the content of this file", read_expect, 0},
    {"adc", "CHANNEL=VALUE", "an analogue input: 0 to 1023 of AVCC, or millivolts such as 2500mV", read_adc, 0},
    {"watch", "PIN,...", "changes of these pins go to the log", read_watch, 0},
    {"serial-log", "FILE", "both directions of the modem's line and the console, with times", read_serial_log, 0},
    {"vcd", "FILE", "pins and bytes as waveforms, for GTKWave", read_vcd, 0},
    {"gdb", "PORT", "wait for avr-gdb there (target remote 127.0.0.1:PORT); runs at about 1 MHz", read_gdb, 0},
    {"report", "FILE", "the figures of the end, as JSON", read_report, 0},
    {"seed", "NUMBER", "what the RAM holds at power-on, and how much later than the modem the\n"
                       "microcontroller starts (up to 20 ms); 0 (default): zeros, at once; and of faults", read_seed, 0},
    {"net", "all|local|none|simulated", "what the modem reaches: everything (default), this computer, nothing, or\n"
                                        "the peers that the words of --world describe", read_net, 0},
};
/* clang-format on */

static const options_program_t lab_program = {
    .name = "cipmux lab",
    .usage = "cipmux lab: firmware for an AVR in a simulator, with the ESP8266 AT modem at its UART\n\n"
             "usage: cipmux lab [OPTION]... FIRMWARE     an .elf or .hex file\n\n",
    .rows = table,
    .count = sizeof table / sizeof *table,
    .takes_file = true,
};

#ifdef __SANITIZE_ADDRESS__
/* simavr 1.6 does not free all of its interrupts. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libsimavr\n";
}
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

int main(int argc, char **argv)
{
    bench_t *bench = calloc(1, sizeof *bench);
    int      status = EXIT_DONE;
    if (!bench) return EXIT_USAGE;
    options_t *options = &bench->program.options;
    bench->config.esp = "UART0";
    if (!options_read_for(options, &lab_program, &bench->config, argc, argv))
        status = program_complain(&bench->program, options->error, options->status);
    else if (!options->printed && !options->file)
        status = program_complain(&bench->program, "which firmware? cipmux lab [OPTION]... FIRMWARE", EXIT_USAGE);
    else if (!options->printed) {
        bench->config.mcu.file = options->file;
        status = bench_run(bench);
    }
    program_free(&bench->program);
    free(bench);
    return status;
}
