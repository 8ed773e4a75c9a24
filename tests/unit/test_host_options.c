/* The option table: what each option does, what is refused, and that --help shows all of it. */
#include "options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 8 };

/* Reads a command line of blank-separated words. */
static bool read_line(options_t *options, const char *line)
{
    static char words[512];
    char       *argv[ARGUMENTS_MAX + 1] = { (char *)(uintptr_t) "cipmux" };
    int         argc = 1;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok(words, " "); word && argc < ARGUMENTS_MAX; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_read(options, argc, argv);
}

static void defaults(void **state)
{
    (void)state;
    options_t options;
    assert_true(read_line(&options, ""));
    assert_string_equal(cipmux_dialect_name(options.board.modem.dialect), "classic");
    assert_int_equal(options.serial, SERIAL_STANDARD);
    assert_int_equal(options.board.net, SCOPE_ALL);
    assert_int_equal(options.linger_ms, 500);
    assert_int_equal(options.volume, LOG_NORMAL);
    assert_int_equal(options.board.publish_count, 0);
    assert_false(options.board.reset_on_open);
    assert_int_equal(options.board.pace, WIRE_AT_ONCE);
    assert_null(options.command);
    assert_int_equal(options.board.modem.time_ms[CIPMUX_TIME_BOOT], 50);
}

static void the_modem(void **state)
{
    (void)state;
    options_t     options;
    const uint8_t mac[6] = { 0x5c, 0xcf, 0x7f, 0x01, 0x02, 0xff };
    assert_true(read_line(&options, "--timing=boot=7 --quirk=single-server=1 --mac=5c:cf:7f:01:02:ff --strict"));
    assert_string_equal(cipmux_dialect_name(options.board.modem.dialect), "nonos-1.7.6");
    assert_int_equal(options.board.modem.time_ms[CIPMUX_TIME_BOOT],
                     7); /* the dialect comes first, wherever it stands */
    assert_int_equal(options.board.modem.quirk[CIPMUX_QUIRK_SINGLE_SERVER], 1);
    assert_memory_equal(options.board.modem.mac, mac, sizeof mac);
    assert_int_equal(options.board.modem.quirk[CIPMUX_QUIRK_BOOT_TEXT], 0);
    assert_true(read_line(&options, "--boot-text=rom"));
    assert_int_equal(options.board.modem.quirk[CIPMUX_QUIRK_BOOT_TEXT], 1);
    assert_true(read_line(&options, "--boot-text=rom --boot-text=quiet"));
    assert_int_equal(options.board.modem.quirk[CIPMUX_QUIRK_BOOT_TEXT], 0);
    assert_true(read_line(&options, "--dialect=esp-at-2.3 --timing=real --timing=boot=0 --timing=reconnect=1"));
    assert_string_equal(cipmux_dialect_name(options.board.modem.dialect), "esp-at-2.3");
    assert_int_equal(options.board.modem.time_ms[CIPMUX_TIME_SCAN], 2004);
    assert_int_equal(options.board.modem.time_ms[CIPMUX_TIME_BOOT], 0);
    assert_int_equal(options.board.modem.time_ms[CIPMUX_TIME_RECONNECT], 1);
}

static void serial_and_network(void **state)
{
    (void)state;
    options_t options;
    assert_true(read_line(&options, "--pty"));
    assert_int_equal(options.serial, SERIAL_PTY);
    assert_null(options.serial_where);
    assert_true(read_line(&options, "--pty=modem0 --boot=open"));
    assert_string_equal(options.serial_where, "modem0");
    assert_true(options.board.reset_on_open);
    assert_true(read_line(&options, "--tcp 127.0.0.1:0 --linger 0 --net=local --quiet"));
    assert_int_equal(options.serial, SERIAL_TCP);
    assert_string_equal(options.serial_where, "127.0.0.1:0");
    assert_int_equal(options.linger_ms, 0);
    assert_int_equal(options.board.net, SCOPE_LOCAL);
    assert_int_equal(options.volume, LOG_QUIET);
    assert_true(read_line(&options, "--publish=8080:80 --publish=0:53/udp --net=none --verbose --trace=t "
                                    "--redirect=10.0.2.2:123:5123/udp --redirect=192.0.2.1:80:8080"));
    assert_int_equal(options.board.redirect_count, 2);
    assert_int_equal(options.board.redirect[0].port, 5123);
    assert_true(options.board.redirect[0].udp && !options.board.redirect[1].udp);
    assert_int_equal(options.board.publish_count, 2);
    assert_true(options.board.publish[1].udp);
    assert_int_equal(options.board.net, SCOPE_NONE);
    assert_int_equal(options.volume, LOG_VERBOSE);
    assert_string_equal(options.trace, "t");
}

static void ways_of_the_serial_line(void **state)
{
    (void)state;
    options_t options;
    size_t    length;
    uint32_t  baud;
    assert_true(read_line(&options, "--serial=/dev/ttyUSB0,74880 --pace=real"));
    assert_int_equal(options.serial, SERIAL_DEVICE);
    assert_int_equal(options.board.pace, WIRE_REAL);
    assert_true(port_device_parse(options.serial_where, &length, &baud));
    assert_int_equal(length, strlen("/dev/ttyUSB0"));
    assert_int_equal(baud, 74880);
    assert_true(port_device_parse("tty", &length, &baud));
    assert_int_equal(baud, 115200);
    assert_true(read_line(&options, "--tcp-connect=[::1]:5 --pace=max"));
    assert_int_equal(options.serial, SERIAL_CONNECT);
    assert_int_equal(options.board.pace, WIRE_AT_ONCE);
    assert_true(read_line(&options, "--rfc2217=0 --log=l"));
    assert_int_equal(options.serial, SERIAL_RFC2217);
    assert_string_equal(options.log, "l");
}

/* Options end at "--"; the user's rules for ports win over those of the run. */
static void a_command_with_a_modem(void **state)
{
    (void)state;
    options_t options;
    assert_true(read_line(&options, "run --fail-on=loss,refusal --publish=0:80 -- test --fail-on=classic"));
    assert_int_equal(options.fail_on, RUN_FAIL_LOSS | RUN_FAIL_REFUSAL);
    assert_string_equal(options.command[0], "test");
    assert_string_equal(options.command[1], "--fail-on=classic");
    assert_null(options.command[2]);
    const board_config_t *board = &options.board;
    cipmux_address_t      at = publish_find(board->publish, board->publish_count, false, 80, 4);
    assert_int_equal(at.port, 0);
    assert_int_equal(at.bytes[1], 0);
    at = publish_find(board->publish, board->publish_count, false, 443, 4);
    assert_int_equal(at.port, 8443);
    at = publish_find(board->publish, board->publish_count, true, 5000, 4);
    assert_int_equal(at.port, 5000);
    assert_int_equal(at.bytes[0], 127);
    assert_int_equal(publish_find(board->publish, board->publish_count, true, 5000, 6).family, 6);
}

static void refusals_name_the_option(void **state)
{
    (void)state;
    static const struct {
        const char *line, *named;
    } cases[] = {
        { "--bogus", "--bogus" },
        { "--", "--" },
        { "-h", "-h" },
        { "word", "word" },
        { "--dial", "--dial" },
        { "--dialect", "--dialect" },
        { "--dialect=2.0", "2.0" },
        { "--strict=yes", "--strict" },
        { "--timing=slow", "slow" },
        { "--timing=boot=", "boot=" },
        { "--timing=boot=x", "boot=x" },
        { "--timing=nap=1", "nap=1" },
        { "--timing=reconnect=0", "reconnect=0" },
        { "--timing=join_retry=0", "join_retry=0" },
        { "--quirk=ipd-tail", "ipd-tail" },
        { "--quirk=nothing=1", "nothing=1" },
        { "--quirk=ipd-tail=255", "ipd-tail=255" },
        { "--mac=5c:cf:7f:00:00", "5c:cf:7f:00:00" },
        { "--mac=5c:cf:7f:00:00:0g", "5c:cf:7f:00:00:0g" },
        { "--boot=later", "later" },
        { "--boot-text=loud", "loud" },
        { "--net=lan", "lan" },
        { "--publish=80", "80" },
        { "--redirect=80:80", "80:80" },
        { "--tcp=x", "--tcp=x" },
        { "--linger=-1", "-1" },
        { "--pty --tcp=0", "--pty" },
        { "--serial=,9600", ",9600" },
        { "--serial=tty,fast", "fast" },
        { "--serial=tty,49", "49" },
        { "--tcp-connect=127.0.0.1:0", "--tcp-connect" },
        { "--tcp-connect=here:5", "here:5" },
        { "--rfc2217=x", "--rfc2217" },
        { "--pace=fast", "fast" },
        { "--fail-on=loss", "--fail-on" },
        { "run true", "run" },
        { "run --", "run" },
        { "run --pty -- true", "CIPMUX_TTY" },
        { "run --fail-on=loss,luck -- true", "loss,luck" },
        { "run --fail-on= -- true", "--fail-on=" },
        { "run word -- true", "word" },
        { "--modem=a,pty --modem=a,tcp=0", "a,tcp=0" },
        { "--modem=a,dialect=nothing", "nothing" },
        { "--modem=a,world=x", "world" },
        { "--modem=a,9600", "9600" },
        { "--modem=a,", "a," },
        { "--tcp=0 --modem=a", "serial line" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        options_t options;
        assert_false(read_line(&options, cases[i].line));
        assert_non_null(strstr(options.error, cases[i].named));
        assert_null(strchr(options.error, '\n'));
        options_close(&options);
    }
}

/* --help names every option once, at the beginning of a line, and fits a terminal of 120 columns. */
static void help_is_complete(void **state)
{
    (void)state;
    static const char *const names[] = { "dialect",   "strict",  "timing", "quirk",  "mac",    "boot",
                                         "boot-text", "modem",   "world",  "fault",  "faults", "seed",
                                         "control",   "flash",   "pty",    "tcp",    "unix",   "tcp-connect",
                                         "serial",    "rfc2217", "pace",   "linger", "net",    "publish",
                                         "redirect",  "fail-on", "log",    "trace",  "record", "quiet",
                                         "verbose",   "version", "help" };
    char                    *text = NULL;
    size_t                   size = 0, found = 0;
    FILE                    *out = open_memstream(&text, &size);
    options_print(out);
    fclose(out);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 120);
        if (strncmp(line, "  --", 4) == 0) {
            assert_true(found < sizeof names / sizeof *names);
            assert_memory_equal(line + 4, names[found], strlen(names[found]));
            found++;
        }
    }
    assert_int_equal(found, sizeof names / sizeof *names);
    free(text);
}

/* What stands outside is for each modem, wherever it stands; a key is only that modem's, and its dialect comes first. */
static void several_modems(void **state)
{
    (void)state;
    options_t options;
    assert_true(read_line(&options, "--modem=a,pty=x,timing=boot=7 --timing=real --strict --net=none "
                                    "--modem=b-2,timing=scan=1,dialect=esp-at-2.3,serial=/dev/null,9600,publish=5:80"));
    assert_int_equal(options.modems, 2);
    const options_t *a = options.modem[0], *b = options.modem[1];
    assert_string_equal(a->name, "a");
    assert_string_equal(a->serial_where, "x");
    assert_string_equal(cipmux_dialect_name(a->board.modem.dialect), "nonos-1.7.6");
    assert_int_equal(a->board.modem.time_ms[CIPMUX_TIME_BOOT], 7);
    assert_int_equal(a->board.modem.time_ms[CIPMUX_TIME_SCAN], 2140);
    assert_int_equal(a->board.net, SCOPE_NONE);
    assert_int_equal(a->board.modem.mac[5], 1);
    assert_int_equal(a->board.publish_count, 0);
    assert_string_equal(b->name, "b-2");
    assert_int_equal(b->serial, SERIAL_DEVICE);
    assert_string_equal(b->serial_where, "/dev/null,9600");
    assert_string_equal(cipmux_dialect_name(b->board.modem.dialect), "esp-at-2.3");
    assert_int_equal(b->board.modem.time_ms[CIPMUX_TIME_BOOT], 300);
    assert_int_equal(b->board.modem.time_ms[CIPMUX_TIME_SCAN], 1);
    assert_int_equal(b->board.net, SCOPE_NONE);
    assert_int_equal(b->board.modem.mac[5], 2);
    assert_int_equal(b->board.publish_count, 1);
    assert_ptr_equal(b->board.publish, b->publish);
    options_close(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(the_modem),
        cmocka_unit_test(serial_and_network),
        cmocka_unit_test(refusals_name_the_option),
        cmocka_unit_test(help_is_complete),
        cmocka_unit_test(several_modems),
        cmocka_unit_test(ways_of_the_serial_line),
        cmocka_unit_test(a_command_with_a_modem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
