/* The driver against scripted bytes, in one set of its features at a time. A script is what the modem says (hears),
 * what the driver must write (writes) and what the program must be told (tells), as driver/cipdrv.h promises it. Each
 * script is played for both dialects, and in many manners: input whole, byte by byte and in random cuts, output buffers
 * of all sizes, polled at each tick or only when cipdrv_deadline() says, with the 16-bit clock wrapping at different
 * moments. All manners must give the same bytes and events at the same times. */
#include "cipdrv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- The player ------------------------------------------------------------------------------------------------ */

typedef struct {
    char   text[65536];
    size_t n;
} text_t;

typedef struct {
    enum { WHOLE, BYTES, RANDOM } cut;
    bool     poll_between; /* pieces of one input */
    bool     sleep;        /* by cipdrv_deadline() */
    uint16_t base;         /* of the clock */
    uint32_t seed;
} manner_t;

static const manner_t manners[] = {
    { WHOLE, false, false, 0, 1 },      { WHOLE, false, true, 0, 1 },      { BYTES, false, false, 65500, 1 },
    { BYTES, true, true, 65535, 1 },    { BYTES, true, false, 32760, 1 },  { RANDOM, true, false, 65520, 2 },
    { RANDOM, true, true, 32767, 3 },   { RANDOM, false, true, 64000, 4 }, { RANDOM, true, true, 60000, 5 },
    { RANDOM, true, false, 50000, 6 },  { RANDOM, false, true, 65000, 7 }, { RANDOM, true, true, 40000, 8 },
    { RANDOM, false, false, 30000, 9 }, { RANDOM, true, true, 1, 10 },
};
enum { MANNERS = sizeof manners / sizeof *manners };

static cipdrv_t        driver;
static cipdrv_config_t config;
static const manner_t *manner;
static bool            esp;
static uint32_t        ticks; /* of 4 ms, since the start */
static uint32_t        random_state;
static text_t          events, wire, ring;     /* since they were last looked at; ring: not taken yet */
static text_t          told, first_told;       /* all events, with the milliseconds in which they were told */
static text_t          written, first_written; /* all bytes, likewise */
static uint32_t        written_at;
static size_t          offered;   /* bytes of the ring that were taken */
static size_t          last_link; /* of the last event, if it can go on: RECEIVED and ANSWER */
static uint32_t        allowance; /* payload bytes that the program takes */
static uint16_t        room;      /* what it answers to ROOM */
static uint8_t         filled;    /* next byte for FILL */
static bool            at_once;   /* what is heard arrives in one instant, without a poll in between */
static void (*reaction)(uint8_t event, uint8_t link);

static uint32_t rnd(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % below;
}

static uint16_t now(void)
{
    return (uint16_t)(manner->base + ticks);
}

static void append(text_t *to, const void *bytes, size_t n)
{
    assert_true(to->n + n < sizeof to->text);
    memcpy(to->text + to->n, bytes, n);
    to->n += n;
    to->text[to->n] = '\0';
}

static void clear(text_t *text)
{
    text->n = 0;
    text->text[0] = '\0';
}

static const char *const event_names[] = { "RATE", "UP",   "DOWN",   "OPENED", "RECEIVED", "ROOM",
                                           "FILL", "SENT", "CLOSED", "FAULT",  "ANSWER" };
static const char       *cause_name(unsigned cause)
{
    switch (cause) {
    case CIPDRV_BY_PEER: return "BY_PEER";
    case CIPDRV_BY_US: return "BY_US";
    case CIPDRV_REFUSED: return "REFUSED";
    case CIPDRV_LOST: return "LOST";
    case CIPDRV_DAMAGED: return "DAMAGED";
    case CIPDRV_NOT_SENT: return "NOT_SENT";
    case CIPDRV_RESET: return "RESET";
    case CIPDRV_NO_MODEM: return "NO_MODEM";
    case CIPDRV_NO_NETWORK: return "NO_NETWORK";
    case CIPDRV_NO_SERVER: return "NO_SERVER";
    default: return "?";
    }
}

/* Events are separated by ", "; with their times they are kept, too. */
static void log_event(const char *format, ...)
{
    char    text[128];
    va_list list;
    va_start(list, format);
    int n = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (events.n) append(&events, ", ", 2);
    append(&events, text, (size_t)n);
    if (strncmp(text, "ROOM", 4) == 0) /* asked as often as the slot is free */
        return;
    char timed[160];
    n = snprintf(timed, sizeof timed, "\n%u %s", ticks * 4, text);
    append(&told, timed, (size_t)n);
}

static uint16_t handler(cipdrv_t *of, uint8_t event, uint8_t link, void *data, uint16_t n)
{
    assert_ptr_equal(of, &driver);
    assert_true(event <= CIPDRV_ANSWER);
    const char *name = event_names[event];
    uint16_t    answer = 0;
    size_t      going_on = (size_t)event * 256 + link;
    if (event == CIPDRV_FILL) {
        assert_true(n == 1);
        *(uint8_t *)data = filled++;
        return 0;
    }
    switch (event) {
    case CIPDRV_RECEIVED:
        assert_true(n > 0);
        answer = n < allowance ? n : (uint16_t)allowance;
        allowance -= answer;
        if (!answer) return 0;
        if (last_link != going_on) log_event("RECEIVED %u ", link);
        append(&events, data, answer);
        append(&told, data, answer);
        last_link = going_on;
        break;
    case CIPDRV_ANSWER:
        if (last_link != going_on || !n) log_event(n ? "ANSWER " : link ? "ANSWER ERROR" : "ANSWER OK");
        append(&events, data ? data : "", n);
        last_link = n ? going_on : SIZE_MAX;
        break;
    case CIPDRV_ROOM:
        answer = room;
        if (last_link != going_on * 65536 + n) log_event("ROOM %u %u", link, n);
        last_link = going_on * 65536 + n;
        break;
    default:
        last_link = SIZE_MAX;
        if (event == CIPDRV_RATE)
            log_event("RATE %u", n);
        else if (event == CIPDRV_UP)
            log_event("UP");
        else if (event == CIPDRV_DOWN)
            log_event("DOWN %s", cause_name(n));
        else if (event == CIPDRV_OPENED)
            log_event("OPENED %u %s", link, n ? "client" : "ours");
        else if (event == CIPDRV_SENT)
            log_event("SENT %u", link);
        else if (event == CIPDRV_FAULT && link == CIPDRV_NO_LINK)
            log_event("FAULT");
        else
            log_event("%s %u %s", name, link, cause_name(n));
    }
    if (reaction) reaction(event, link);
    return answer;
}

/* Polls until nothing more comes in this instant. */
static void poll_all(void)
{
    for (unsigned zeros = 0; zeros < 3;) {
        uint8_t  out[100];
        uint16_t capacity = manner->cut == BYTES ? 1 : manner->cut == WHOLE ? 100 : (uint16_t)(1 + rnd(20));
        uint16_t n = cipdrv_poll(&driver, now(), out, capacity);
        assert_true(n <= capacity);
        zeros = n ? 0 : zeros + 1;
        append(&wire, out, n);
        if (n && written_at != ticks) {
            char time[16];
            append(&written, time, (size_t)snprintf(time, sizeof time, "\n%u ", ticks * 4));
            written_at = ticks;
        }
        append(&written, out, n);
    }
}

static void offer(void)
{
    while (offered < ring.n) {
        size_t left = ring.n - offered;
        size_t k = manner->cut == BYTES ? 1 : manner->cut == WHOLE ? left : 1 + rnd(9);
        if (k > left) k = left;
        uint16_t taken = cipdrv_sink(&driver, now(), (const uint8_t *)ring.text + offered, (uint16_t)k);
        offered += taken;
        if (manner->poll_between && !at_once) poll_all();
        if (taken < k) return;
    }
    clear(&ring);
    offered = 0;
}

/* ---- What scripts say ------------------------------------------------------------------------------------------ */

/* Milliseconds go by. */
static void later(unsigned ms)
{
    uint32_t end = ticks + ms / 4;
    poll_all();
    while (ticks < end) {
        uint32_t step = 1, sleep = cipdrv_deadline(&driver);
        if (manner->sleep && ring.n == 0 && sleep > 1) step = sleep < end - ticks ? sleep : end - ticks;
        ticks += step;
        offer();
        poll_all();
    }
}

/* The modem says. */
static void hears_n(const void *bytes, size_t n)
{
    append(&ring, bytes, n);
    offer();
    poll_all();
}

static void hears(const char *text)
{
    hears_n(text, strlen(text));
}

/* What the two dialects say. */
static void hears_either(const char *nonos, const char *esp_at)
{
    hears(esp ? esp_at : nonos);
}

/* The driver writes exactly this, within 60 s, and then nothing in that instant. */
static void writes_n(const void *bytes, size_t n)
{
    poll_all();
    for (unsigned k = 0; k < 15000 && wire.n < n; k++) {
        uint32_t sleep = cipdrv_deadline(&driver);
        ticks += manner->sleep && ring.n == 0 && sleep > 1 ? sleep : 1;
        offer();
        poll_all();
    }
    if (wire.n != n || memcmp(wire.text, bytes, n) != 0)
        fail_msg("expected it to write \"%.*s\", got \"%s\"; events: %s", (int)n, (const char *)bytes, wire.text,
                 events.text);
    clear(&wire);
}

static void writes(const char *text)
{
    writes_n(text, strlen(text));
}

static void writes_either(const char *nonos, const char *esp_at)
{
    writes(esp ? esp_at : nonos);
}

/* The program was told exactly this since the last time. */
static void tells(const char *expected)
{
    if (strcmp(events.text, expected) != 0)
        fail_msg("expected events \"%s\", got \"%s\"; it wrote \"%s\"", expected, events.text, wire.text);
    clear(&events);
    last_link = SIZE_MAX;
}

/* Whatever was told so far is of no interest. */
static void forget(void)
{
    clear(&events);
    last_link = SIZE_MAX;
}

/* For so long nothing is written and nothing told. */
static void quiet(unsigned ms)
{
    later(ms);
    writes("");
    tells("");
}

static void play(void (*script)(void))
{
    for (int dialect = 0; dialect < 2; dialect++)
        for (size_t m = 0; m < MANNERS; m++) {
            manner = &manners[m];
            esp = dialect;
            random_state = manner->seed;
            ticks = 0;
            clear(&events), clear(&wire), clear(&ring), clear(&told), clear(&written);
            offered = 0;
            written_at = UINT32_MAX;
            last_link = SIZE_MAX;
            allowance = UINT32_MAX;
            room = 0;
            filled = 'a';
            at_once = false;
            reaction = NULL;
            memset(&config, 0, sizeof config);
            config.handler = handler;
            config.ssid = "lab";
            config.password = "password";
            config.rate = 1152;
            script();
            if (m == 0) {
                first_told = told;
                first_written = written;
            }
            if (strcmp(first_told.text, told.text) != 0 || strcmp(first_written.text, written.text) != 0)
                fail_msg("manner %zu of %s differs. First:%s\n%s\nnow:%s\n%s", m, esp ? "esp-at" : "nonos",
                         first_told.text, first_written.text, told.text, written.text);
        }
}

#define SCRIPT(name)                                                                                                   \
    static void name##_script(void);                                                                                   \
    static void name(void **state)                                                                                     \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        play(name##_script);                                                                                           \
    }                                                                                                                  \
    static void name##_script(void)

/* ---- Passages that scripts share ------------------------------------------------------------------------------- */

#if CIPDRV_LINKS > 1
#define N      "4" /* the first id that is dialled */
#define ID     "4,"
#define CLOSE  "AT+CIPCLOSE=4\r\n"
#define LISTED "+CIPSTATUS:4,\"TCP\",\"10.0.2.2\",5000,50000,0\r\n"
enum { LINK_ID = 4 };
#else
#define N      "0"
#define ID     ""
#define CLOSE  "AT+CIPCLOSE\r\n"
#define LISTED "+CIPSTATUS:0,\"TCP\",\"10.0.2.2\",5000,50000,0\r\n"
enum { LINK_ID = 0 };
#endif
#if CIPDRV_CUR
#define CUR "_CUR"
#else
#define CUR ""
#endif
#define DIALS "AT+CIPSTART=" ID "\"TCP\",\"10.0.2.2\",5000\r\n"

static uint8_t dial(void)
{
    return cipdrv_dial(&driver, CIPDRV_TYPE_TCP, "10.0.2.2", 5000
#if CIPDRV_UDP
                       ,
                       0
#endif
    );
}

static bool send(uint8_t link, const void *data, size_t n)
{
    return cipdrv_send(&driver, link, data, (uint16_t)n, CIPDRV_FROM_RAM);
}

static void start(void)
{
    cipdrv_start(&driver, &config, now());
    tells("RATE 1152");
}

/* The echo is still on. */
static void answers_probe(void)
{
    writes("AT\r\n");
    hears_either("AT\r\r\n\r\nOK\r\n", "AT\r\n\r\nOK\r\n");
}

static void switches_echo_off(void)
{
    writes("ATE0\r\n");
    hears_either("ATE0\r\r\n\r\nOK\r\n", "ATE0\r\n\r\nOK\r\n");
}

static void answers_reset_again(void)
{
    writes("AT+RST\r\n");
    hears("\r\nOK\r\n");
    static const char boot[] =
        "\r\n ets Jan  8 2013,rst cause:1, boot mode:(3,6)\r\n\xff\x80\x00\x12r\xfc\n\r\nready\r\n";
    hears_n(boot, sizeof boot - 1);
    answers_probe();
    switches_echo_off();
}

static void answers_reset(void)
{
#if CIPDRV_SAVED
    writes("AT+SAVETRANSLINK=0\r\n");
    hears("\r\nOK\r\n");
#endif
    answers_reset_again();
}

static void answers_version(void)
{
#if CIPDRV_CUR
    writes("AT+GMR\r\n");
    hears_either("AT version:1.7.6.0(Jan 24 2022 08:51:40)\r\nSDK version:3.0.6-dev(c24fb1f)\r\n"
                 "compile time:Jan 26 2022 06:34:18\r\nOK\r\n",
                 "AT version:2.3.0.0-dev(s-37b5cf4 - ESP8266 - Jul  6 2021)\r\nSDK version:v3.4-58-g25a02d5\r\n"
                 "compile time(37b5cf4):Aug  1 2021 12:05:47\r\nBin version:2.3.0(WROOM-02)\r\n\r\nOK\r\n");
    writes_either("AT+SYSMSG_CUR=0\r\n", "AT+SYSMSG=0\r\n");
    hears("\r\nOK\r\n");
#endif
}

/* To config.rate, if it was found at another. */
static void switches_rate(void)
{
#if CIPDRV_SWITCH
    writes("AT+UART_CUR=115200,8,1,0,0\r\n");
    hears("\r\nOK\r\n");
    tells("RATE 1152");
#endif
}

/* From behind the version up to the join. */
static void answers_set_up(void)
{
#if CIPDRV_LINKS > 1
    writes("AT+CIPMUX=1\r\n");
    hears("\r\nOK\r\n");
#endif
#if CIPDRV_PASSIVE
    if (config.passive) {
        writes("AT+CIPRECVMODE=1\r\n");
        hears("\r\nOK\r\n");
    }
#endif
    writes_either("AT+CWMODE" CUR "=1\r\n", "AT+CWMODE=1\r\n");
    hears("\r\nOK\r\n");
#if CIPDRV_SERVER
    if (config.server_port) {
        writes("AT+CIPSERVER=1,80\r\n");
        hears("\r\nOK\r\n");
    }
    if (config.server_idle) {
        writes("AT+CIPSTO=60\r\n");
        hears("\r\nOK\r\n");
    }
#endif
}

static void writes_join(void)
{
    writes_either("AT+CWJAP" CUR "=\"lab\",\"password\"\r\n", "AT+CWJAP=\"lab\",\"password\"\r\n");
}

/* The driver looks at the links; `lines` are those that there are. */
static void answers_status(const char *status, const char *lines)
{
    writes("AT+CIPSTATUS\r\n");
    hears("STATUS:");
    hears(status);
    hears("\r\n");
    hears(lines);
    hears("\r\nOK\r\n");
#if CIPDRV_PASSIVE
    if (config.passive) {
        writes("AT+CIPRECVLEN?\r\n");
        if (CIPDRV_LINKS == 1)
            hears_either("+CIPRECVLEN:0,0,0,0,0\r\n\r\nOK\r\n", "+CIPRECVLEN:0\r\n\r\nOK\r\n");
        else
            hears_either("+CIPRECVLEN:0,0,0,0,0\r\n\r\nOK\r\n", lines[0] ? "+CIPRECVLEN:-1,-1,-1,-1,0\r\n\r\nOK\r\n"
                                                                         : "+CIPRECVLEN:-1,-1,-1,-1,-1\r\n\r\nOK\r\n");
    }
#endif
}

static void answers_join(void)
{
    writes_join();
    later(2000);
    hears("WIFI CONNECTED\r\n");
    later(500);
    hears("WIFI GOT IP\r\n\r\nOK\r\n");
    tells("UP");
    answers_status("2", "");
}

static void bring_up(void)
{
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
    quiet(1000);
}

static void open_link(void)
{
    assert_int_equal(dial(), LINK_ID);
    writes(DIALS);
    later(40);
    hears(ID "CONNECT\r\n\r\nOK\r\n");
    tells("OPENED " N " ours");
}

/* Behind a dial that was refused: the modem may be in single mode. It says `no` when a link is open. */
static void answers_mux_again(bool no)
{
#if CIPDRV_LINKS > 1
    writes("AT+CIPMUX=1\r\n");
    if (no)
        hears_either("link is builded\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    else
        hears("\r\nOK\r\n");
#endif
    (void)no;
}

static void prompts(void)
{
    hears_either("\r\nOK\r\n> ", "\r\nOK\r\n\r\n>");
}

/* A whole send on the dialled link. */
static void sends_hello(void)
{
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n");
    later(12);
    tells("");
    hears("\r\nSEND OK\r\n");
    tells("SENT " N);
}

static void receives_world(void)
{
    hears_either("\r\n+IPD," ID "5:world", "\r\n+IPD," ID "5:world\r\n");
    tells("RECEIVED " N " world");
}

/* It works. */
static void echoes(void)
{
    sends_hello();
    receives_world();
    quiet(500);
}

/* A command is not answered: the driver ends what data phase there may be and looks whether the modem lives. */
static void recovers(void)
{
    writes("+++");
    writes("AT\r\n");
    hears("\r\nOK\r\n");
}

/* ---- Finding the modem ----------------------------------------------------------------------------------------- */

SCRIPT(found_with_echo_on)
{
    bring_up();
    open_link();
    echoes();
}

SCRIPT(found_with_echo_off)
{
    start();
    writes("+++");
    writes("AT\r\n");
    hears("\r\nOK\r\n");
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
}

/* It waits for the payload of an AT+CIPSEND: "+++" ends that. */
SCRIPT(found_in_a_data_phase)
{
    start();
    writes("+++");
    hears("\r\nSEND Canceled\r\n");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
}

/* It wanted three bytes: "+++" was payload. */
SCRIPT(found_at_the_end_of_a_data_phase)
{
    start();
    writes("+++");
    hears("\r\nRecv 3 bytes\r\n");
    later(40);
    hears("\r\nSEND OK\r\n");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
}

/* In passthrough payload arrives; nothing of it is believed, and for a second behind "+++" nothing is written. */
SCRIPT(found_in_passthrough)
{
    start();
    hears("\r\nOK\r\n+IPD,0,5:hello0,CONNECT\r\nSEND OK\r\n");
    tells("");
    writes("+++");
    uint32_t since = ticks;
    hears("some more payload\r\n> \r\n");
    answers_probe();
    assert_true((ticks - since) * 4 >= 1000);
    answers_reset();
    answers_version();
    answers_set_up();
    answers_status("5", ""); /* there was a frame of no link */
    answers_join();
}

/* It has just been reset. But "ready" may also be payload of passthrough: it is reset all the same. */
SCRIPT(found_just_reset)
{
    start();
    later(20);
    static const char boot[] = "\x00\xfe\x8c\r\n\xff~r\n$\x00l\r\nready\r\n";
    hears_n(boot, sizeof boot - 1);
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
    tells("");
}

/* Behind "ready" it enters passthrough by itself, so the probe is not answered: what the reset left is not fresh. */
SCRIPT(found_in_passthrough_after_the_reset)
{
    start();
    writes("+++");
    answers_probe();
#if CIPDRV_SAVED
    writes("AT+SAVETRANSLINK=0\r\n");
    hears("\r\nERROR\r\n");
    for (unsigned k = 1; k < 5; k++) {
        writes("AT+SAVETRANSLINK=0\r\n");
        hears("\r\nERROR\r\n");
    }
#endif
    writes("AT+RST\r\n");
    hears("\r\nOK\r\n\r\nready\r\n");
    writes("AT\r\n");
    writes("+++");
    tells("RATE 1152");
    answers_probe();
    answers_reset();
    answers_version();
    switches_rate();
    answers_set_up();
    answers_join();
}

/* At 9600 baud. */
SCRIPT(found_at_another_rate)
{
    start();
    writes("+++");
    writes("AT\r\n");
    hears_n("\xf8\x1f", 2); /* what the answer looks like at the wrong rate */
    writes("+++");
    tells("RATE 1152"); /* config.rate, then the list */
    writes("AT\r\n");
    writes("+++");
    tells("RATE 96");
    answers_probe();
    answers_reset();
    answers_version();
    tells("");
    switches_rate();
    answers_set_up();
    answers_join();
}

/* There is none: all rates, then the program is told, and it begins again. */
SCRIPT(no_modem)
{
    start();
    static const char *const usual[] = { "RATE 1152, ", "RATE 96, ", "RATE 576, ", "RATE 384, ", "RATE 192, " };
    unsigned                 rounds = 0;
    for (writes("+++"); !strstr(events.text, "DOWN NO_MODEM");) {
        assert_true(rounds++ < 12);
        writes("AT\r\n");
        writes("+++");
    }
    for (size_t k = 0; k < sizeof usual / sizeof *usual; k++)
        assert_non_null(strstr(events.text, usual[k]));
    assert_string_equal(strstr(events.text, "DOWN"), "DOWN NO_MODEM, RATE 1152");
    forget();
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
}

#if CIPDRV_FLOW
SCRIPT(flow_control_is_set)
{
    config.flow = 2;
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
    writes("AT+UART_CUR=115200,8,1,0,2\r\n");
    hears("\r\nOK\r\n");
    tells("RATE 1152");
    answers_set_up();
    answers_join();
}
#endif

/* ---- Set-up ---------------------------------------------------------------------------------------------------- */

SCRIPT(set_up_through_busy)
{
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
    for (unsigned k = 0; k < 20; k++) {
        if (CIPDRV_LINKS > 1)
            writes("AT+CIPMUX=1\r\n");
        else
            writes_either("AT+CWMODE" CUR "=1\r\n", "AT+CWMODE=1\r\n");
        hears("\r\nbusy p...\r\n");
    }
    answers_set_up();
    answers_join();
}

#if CIPDRV_SERVER
SCRIPT(server_and_its_idle_time)
{
    config.server_port = 80;
    config.server_idle = 60;
    bring_up();
}

/* Refused five times: the program is told, and the set-up begins anew. The wire may have made AT+CIPMUX=1 another command. */
SCRIPT(server_refused)
{
    config.server_port = 80;
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
#if CIPDRV_LINKS > 1
    writes("AT+CIPMUX=1\r\n");
    hears("\r\nOK\r\n");
#endif
    writes_either("AT+CWMODE" CUR "=1\r\n", "AT+CWMODE=1\r\n");
    hears("\r\nOK\r\n");
    for (unsigned k = 0; k < 5; k++) {
        tells("");
        writes("AT+CIPSERVER=1,80\r\n");
        hears("\r\nERROR\r\n");
    }
    tells("DOWN NO_SERVER");
    answers_reset_again();
    answers_version();
    answers_set_up();
    answers_join();
    quiet(1000);
}
#endif

SCRIPT(no_network_wanted)
{
    config.ssid = NULL;
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    tells("UP");
    open_link();
    echoes();
}

SCRIPT(join_refused_and_tried_again)
{
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    for (unsigned k = 0; k < 3; k++) {
        writes_join();
        tells("");
        later(15000);
        hears_either("+CWJAP:2\r\n\r\nFAIL\r\n", "+CWJAP:2\r\n\r\nERROR\r\n");
        tells("DOWN REFUSED");
        answers_status("5", "");
    }
    answers_join();
}

/* The network goes and comes: the modem rejoins by itself. */
SCRIPT(network_lost_and_back)
{
    bring_up();
    open_link();
    hears_either(ID "CLOSED\r\nWIFI DISCONNECT\r\n", ID "CLOSED\r\nWIFI DISCONNECT\r\n");
    tells("CLOSED " N " BY_PEER");
    answers_status("5", "");
    tells("DOWN NO_NETWORK");
    hears("WIFI CONNECTED\r\n");
    answers_status("5", "");
    tells("");
    hears("WIFI GOT IP\r\n");
    answers_status("2", "");
    tells("UP");
    open_link();
    echoes();
}

/* It does not come back by itself: the driver joins again. */
SCRIPT(network_joined_again)
{
    bring_up();
    hears("WIFI DISCONNECT\r\n");
    answers_status("5", "");
    tells("DOWN NO_NETWORK");
    answers_status("5", ""); /* the next look, and the join with it */
    tells("");
    answers_join();
}

/* ---- Dialling -------------------------------------------------------------------------------------------------- */

SCRIPT(dial_refused)
{
    bring_up();
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(dial(), LINK_ID);
        writes(DIALS);
        later(3000);
        hears_either("\r\nERROR\r\n" ID "CLOSED\r\n", "\r\nERROR\r\n");
        tells("CLOSED " N " REFUSED");
        answers_mux_again(k == 1);
        answers_status("2", "");
    }
    open_link();
    echoes();
}

/* NonOS says why before it says ERROR. */
SCRIPT(dial_refused_with_a_reason)
{
    static const char        failed[] = ID "CONNECT FAIL\r\n";
    static const char *const reasons[] = { "DNS Fail\r\n",        "no ip\r\n", "ALREADY CONNECTED\r\n",
                                           "Link type ERROR\r\n", failed,      "ID ERROR\r\n" };
    bring_up();
    for (size_t k = 0; k < sizeof reasons / sizeof *reasons; k++) {
        assert_int_equal(dial(), LINK_ID);
        writes(DIALS);
        later(100);
        hears(reasons[k]);
        hears("\r\nERROR\r\n");
        tells("CLOSED " N " REFUSED");
        answers_mux_again(false);
        answers_status("2", "");
        quiet(100);
    }
    open_link();
    echoes();
}

SCRIPT(one_dial_at_a_time)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    assert_int_equal(dial(), CIPDRV_NO_LINK);
    writes(DIALS);
    assert_int_equal(dial(), CIPDRV_NO_LINK);
    assert_false(send(LINK_ID, "x", 1));
    cipdrv_close(&driver, LINK_ID); /* it is not open: nothing */
    hears(ID "CONNECT\r\n\r\nOK\r\n");
    tells("OPENED " N " ours");
    echoes();
}

/* OPENED comes with CONNECT; if that was lost with the OK. */
SCRIPT(dial_with_connect_lost)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    writes(DIALS);
    hears("\r\nOK\r\n");
    tells("OPENED " N " ours");
    echoes();
}

/* Neither came: the modem is asked, and it has the link. */
SCRIPT(dial_not_answered_but_open)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    writes(DIALS);
    recovers();
    tells("");
    answers_status("3", LISTED);
    tells("OPENED " N " ours");
    echoes();
}

SCRIPT(dial_not_answered_and_not_open)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    writes(DIALS);
    recovers();
    tells("");
    answers_status("2", "");
    tells("CLOSED " N " REFUSED");
    open_link();
    echoes();
}

SCRIPT(dial_through_busy)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    for (unsigned k = 0; k < 5; k++) {
        writes(DIALS);
        hears("\r\nbusy p...\r\n");
        answers_status("2", "");
    }
    tells("");
    writes(DIALS);
    hears(ID "CONNECT\r\n\r\nOK\r\n");
    tells("OPENED " N " ours");
    echoes();
}

#if CIPDRV_LINKS > 1
/* Ids from the top; the sixth finds no place. */
SCRIPT(five_links)
{
    bring_up();
    for (unsigned id = 4; id < 5; id--) {
        char text[64];
        assert_int_equal(dial(), id);
        snprintf(text, sizeof text, "AT+CIPSTART=%u,\"TCP\",\"10.0.2.2\",5000\r\n", id);
        writes(text);
        snprintf(text, sizeof text, "%u,CONNECT\r\n\r\nOK\r\n", id);
        hears(text);
        snprintf(text, sizeof text, "OPENED %u ours", id);
        tells(text);
    }
    assert_int_equal(dial(), CIPDRV_NO_LINK);
    hears("2,CLOSED\r\n");
    tells("CLOSED 2 BY_PEER");
    assert_int_equal(dial(), 2);
    writes("AT+CIPSTART=2,\"TCP\",\"10.0.2.2\",5000\r\n");
    hears("2,CONNECT\r\n\r\nOK\r\n");
    tells("OPENED 2 ours");
    hears("\r\n+IPD,0,1:a\r\n+IPD,3,1:b\r\n+IPD,2,1:c\r\n+IPD,4,1:d\r\n+IPD,1,1:e\r\n");
    tells("RECEIVED 0 a, RECEIVED 3 b, RECEIVED 2 c, RECEIVED 4 d, RECEIVED 1 e");
    hears("1,CLOSED\r\n4,CLOSED\r\n0,CLOSED\r\n2,CLOSED\r\n3,CLOSED\r\n");
    tells("CLOSED 1 BY_PEER, CLOSED 4 BY_PEER, CLOSED 0 BY_PEER, CLOSED 2 BY_PEER, CLOSED 3 BY_PEER");
    quiet(1000);
}
#endif

/* ---- Sending --------------------------------------------------------------------------------------------------- */

SCRIPT(send_refused_to_the_program)
{
    bring_up();
    assert_false(send(LINK_ID, "x", 1)); /* free */
    assert_false(send(CIPDRV_LINKS, "x", 1));
    assert_false(send(CIPDRV_NO_LINK, "x", 1));
    open_link();
    assert_false(send(LINK_ID, "x", 0)); /* 1 to 65535 */
    assert_true(send(LINK_ID, "hello", 5));
    assert_false(send(LINK_ID, "again", 5)); /* not written yet */
    writes("AT+CIPSEND=" ID "5\r\n");
    assert_false(send(LINK_ID, "again", 5)); /* waits for the prompt */
    prompts();
    writes("hello");
    assert_false(send(LINK_ID, "again", 5)); /* written */
    hears("\r\nRecv 5 bytes\r\n");
    assert_false(send(LINK_ID, "again", 5)); /* not acknowledged */
    tells("");
    hears("\r\nSEND OK\r\n");
    tells("SENT " N);
    echoes();
    cipdrv_close(&driver, LINK_ID);
    assert_false(send(LINK_ID, "x", 1)); /* about to be closed */
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " BY_US");
    assert_false(send(LINK_ID, "x", 1));
    quiet(1000);
}

/* As many AT+CIPSEND as it takes, one SENT. */
SCRIPT(send_in_pieces)
{
    static uint8_t bytes[2 * CIPDRV_PIECE + 3];
    char           text[64];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    bring_up();
    open_link();
    assert_true(send(LINK_ID, bytes, sizeof bytes));
    for (size_t at = 0; at < sizeof bytes; at += CIPDRV_PIECE) {
        size_t n = sizeof bytes - at < CIPDRV_PIECE ? sizeof bytes - at : CIPDRV_PIECE;
        tells("");
        snprintf(text, sizeof text, "AT+CIPSEND=" ID "%zu\r\n", n);
        writes(text);
        prompts();
        writes_n(bytes + at, n);
        snprintf(text, sizeof text, "\r\nRecv %zu bytes\r\n", n);
        hears(text);
        hears("\r\nSEND OK\r\n");
    }
    tells("SENT " N);
    echoes();
}

#if CIPDRV_FILLS
SCRIPT(send_from_a_generator)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, NULL, 10));
    writes("AT+CIPSEND=" ID "10\r\n");
    prompts();
    writes("abcdefghij");
    hears("\r\nRecv 10 bytes\r\n\r\nSEND OK\r\n");
    tells("SENT " N);
}
#endif
#if CIPDRV_FLASH
SCRIPT(send_from_flash)
{
    static const char page[] = "<html>";
    bring_up();
    open_link();
    assert_true(cipdrv_send(&driver, LINK_ID, page, 6, CIPDRV_FROM_FLASH));
    writes("AT+CIPSEND=" ID "6\r\n");
    prompts();
    writes("<html>");
    hears("\r\nRecv 6 bytes\r\n\r\nSEND OK\r\n");
    tells("SENT " N);
}
#endif

/* The program sends again inside SENT, and each time it gets another. */
static unsigned sends_left;
static void     send_again(uint8_t event, uint8_t link)
{
    if (event == CIPDRV_SENT && sends_left) {
        sends_left--;
        assert_true(send(link, "hello", 5));
    }
}

SCRIPT(send_inside_sent)
{
    bring_up();
    open_link();
    sends_left = 3;
    reaction = send_again;
    assert_true(send(LINK_ID, "hello", 5));
    for (unsigned k = 0; k < 4; k++) {
        writes("AT+CIPSEND=" ID "5\r\n");
        prompts();
        writes("hello");
        hears("\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n");
        tells("SENT " N);
    }
    quiet(1000);
}

SCRIPT(send_ok_twice_and_late)
{
    bring_up();
    open_link();
    sends_hello();
    hears("\r\nSEND OK\r\n");
    tells("");
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    hears("\r\nSEND OK\r\n"); /* of the send before */
    prompts();
    hears("\r\nSEND OK\r\n");
    writes("hello");
    hears("\r\nSEND OK\r\n");
    tells("");
    hears("\r\nRecv 5 bytes\r\n");
    later(20000);
    tells("");
    hears("\r\nSEND OK\r\n");
    tells("SENT " N);
    echoes();
}

SCRIPT(send_fails)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears_either("\r\nRecv 5 bytes\r\nSEND FAIL\r\n", "\r\nRecv 5 bytes\r\n\r\nSEND FAIL\r\n");
    writes(CLOSE);
    hears("\r\nSEND OK\r\n"); /* a firmware bug that was seen: too late to be believed */
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " NOT_SENT");
    open_link();
    echoes();
}

/* NonOS: the peer closes while the modem waits for its ACK. */
SCRIPT(peer_closes_while_sending)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears_either("\r\nRecv 5 bytes\r\n" ID "CLOSED\r\nSEND FAIL\r\n",
                 "\r\nRecv 5 bytes\r\n" ID "CLOSED\r\n\r\nSEND FAIL\r\n");
    tells("CLOSED " N " BY_PEER");
    open_link();
    echoes();
}

/* CLOSED in front of the prompt: the modem refuses. */
SCRIPT(closed_before_the_prompt)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    hears(ID "CLOSED\r\n");
    tells("CLOSED " N " BY_PEER");
    hears_either("link is not valid\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    answers_status("4", "");
    tells("");
    open_link();
    echoes();
}

/* CLOSED behind the prompt: the modem gets the bytes that it counts, and they are not commands. */
SCRIPT(closed_behind_the_prompt)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    hears_either("\r\nOK\r\n", "\r\nOK\r\n");
    hears(ID "CLOSED\r\n");
    hears_either("> ", "\r\n>");
    tells("CLOSED " N " BY_PEER");
    writes("+++"); /* a client may have the id now: it gets nothing */
    hears("\r\nSEND Canceled\r\n");
    writes("AT\r\n");
    hears("\r\nOK\r\n");
    answers_status("4", "");
    tells("");
    open_link();
    echoes();
}

#if CIPDRV_LINKS > 1 && CIPDRV_SERVER
/* The same, and a client has the id before the prompt. Of a send of up to 21 bytes "+++" and the AT that may follow before the
 * modem reads them are the payload, which that client gets: so it is closed. */
SCRIPT(id_taken_before_the_prompt)
{
    static const unsigned sizes[] = { 3, CIPDRV_PIECE < 21 ? CIPDRV_PIECE : 21, 22 };
    for (size_t i = 0; i < (CIPDRV_PIECE < 22 ? 2 : 3); i++) {
        unsigned n = sizes[i];
        char     line[32];
        forget();
        config.server_port = 80;
        bring_up();
        open_link();
        assert_true(send(LINK_ID, "hello hello hello hello", n));
        snprintf(line, sizeof line, "AT+CIPSEND=" ID "%u\r\n", n);
        writes(line);
        hears("4,CLOSED\r\n4,CONNECT\r\n");
        prompts();
        tells("CLOSED 4 BY_PEER, OPENED 4 client");
        writes("+++");
        hears(n == 3 ? "\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n" : "\r\nSEND Canceled\r\n");
        writes("AT\r\n");
        hears("\r\nOK\r\n");
        answers_status("3", LISTED);
        tells("");
        if (n < 22) {
            writes(CLOSE);
            hears("4,CLOSED\r\n\r\nOK\r\n");
            tells("CLOSED 4 NOT_SENT");
            open_link();
        }
        echoes();
    }
}
#endif

/* No prompt, then it is refused again and again: the bytes stay ours, but not for ever. */
SCRIPT(send_refused_by_the_modem)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    for (unsigned k = 0; k < 5; k++) {
        tells("");
        writes("AT+CIPSEND=" ID "5\r\n");
        hears("\r\nERROR\r\n");
        answers_status("3", LISTED);
    }
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " NOT_SENT");
    open_link();
    echoes();
}

/* Refused twice only. */
SCRIPT(send_refused_and_tried_again)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    hears("\r\nERROR\r\n");
    answers_status("3", LISTED);
    writes("AT+CIPSEND=" ID "5\r\n");
    hears("\r\nbusy s...\r\n");
    answers_status("3", LISTED);
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n");
    tells("SENT " N);
    echoes();
}

/* Nothing behind the payload: nobody knows whether it went out, and the link is closed. */
SCRIPT(send_never_acknowledged)
{
    for (int taken = 0; taken < 2; taken++) {
        forget();
        bring_up();
        open_link();
        assert_true(send(LINK_ID, "hello", 5));
        writes("AT+CIPSEND=" ID "5\r\n");
        prompts();
        writes("hello");
        if (taken) hears("\r\nRecv 5 bytes\r\n");
        recovers();
        answers_status("3", LISTED);
        writes(CLOSE);
        hears(ID "CLOSED\r\n\r\nOK\r\n");
        tells("CLOSED " N " NOT_SENT");
        open_link();
        echoes();
    }
}

/* Bytes of the payload are lost on the way: the modem waits for them until "+++". */
SCRIPT(payload_lost_on_the_way)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    writes("+++");
    hears("\r\nSEND Canceled\r\n");
    writes("AT\r\n");
    hears("\r\nOK\r\n");
    forget(); /* it may call "SEND Canceled" a fault */
    answers_status("3", LISTED);
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " NOT_SENT");
    open_link();
    echoes();
}

/* ---- Receiving ------------------------------------------------------------------------------------------------- */

/* Payload that spells the modem's words, in both dialects' frames. */
SCRIPT(payload_is_payload)
{
    static const char *const texts[] = { "\r\nOK\r\n",
                                         "+IPD,0,5:",
                                         "\r\n4,CLOSED\r\n",
                                         "CLOSED\r\n",
                                         "\r\nready\r\n",
                                         "\r\nERROR\r\n",
                                         "> ",
                                         "AT\r\r\n",
                                         "WIFI DISCONNECT\r\n",
                                         "\r\nbusy p...\r\n",
                                         "\r\nSEND OK\r\n",
                                         "+CIPRECVDATA,5:hello",
                                         "4,CONNECT\r\n" };
    char                     line[64], expected[64];
    bring_up();
    open_link();
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        snprintf(line, sizeof line, esp ? "\r\n+IPD," ID "%zu:%s\r\n" : "\r\n+IPD," ID "%zu:%s", strlen(texts[k]),
                 texts[k]);
        hears(line);
        snprintf(expected, sizeof expected, "RECEIVED " N " %s", texts[k]);
        tells(expected);
    }
    quiet(1000);
    echoes();
}

/* A frame at every place of a send and of a dial: between command, OK, prompt, Recv and SEND OK. */
SCRIPT(frame_between_everything)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    receives_world();
    hears("\r\nOK\r\n");
    receives_world();
    hears_either("> ", "\r\n>");
    receives_world();
    writes("hello");
    receives_world();
    hears("\r\nRecv 5 bytes\r\n");
    receives_world();
    hears("\r\nSEND OK\r\n");
    tells("SENT " N);
    cipdrv_close(&driver, LINK_ID);
    writes(CLOSE);
    hears_either("\r\n+IPD," ID "5:world", "\r\n+IPD," ID "5:world\r\n"); /* for a link that we have closed */
    tells("");
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " BY_US");
    answers_status("4", "");
    tells("");
    open_link();
    echoes();
}

/* CLOSED glued to the payload, to SEND OK, and to a frame. */
SCRIPT(closed_glued)
{
    bring_up();
    open_link();
    hears("\r\n+IPD," ID "5:world" ID "CLOSED\r\n");
    tells("RECEIVED " N " world, CLOSED " N " BY_PEER");
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n\r\n+IPD," ID "5:world\r\n" ID "CLOSED\r\n");
    tells("SENT " N ", RECEIVED " N " world, CLOSED " N " BY_PEER");
    quiet(1000);
    open_link();
    echoes();
}

/* The program takes what it can; the rest is offered again, and what is behind it waits. */
SCRIPT(partial_takes)
{
    bring_up();
    open_link();
    allowance = 2;
    hears("\r\n+IPD," ID "5:world" ID "CLOSED\r\n");
    tells("RECEIVED " N " wo");
    later(1000);
    tells("");
    allowance = 1;
    later(8);
    tells("RECEIVED " N " r");
    allowance = 0;
    later(100);
    tells("");
    allowance = 100;
    later(8);
    tells("RECEIVED " N " ld, CLOSED " N " BY_PEER");
    allowance = UINT32_MAX;
    open_link();
    echoes();
}

/* Data for a link that there is not: nobody gets it, and the modem is asked what it has. */
SCRIPT(data_of_an_unknown_link)
{
    bring_up();
    at_once = true;
    hears("\r\n+IPD," ID "5:world");
    tells("");
    answers_status("3", LISTED); /* a link that we know nothing of is closed, untold */
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("");
    open_link();
    echoes();
}

#if CIPDRV_LINKS > 1
SCRIPT(data_of_an_impossible_link)
{
    bring_up();
    open_link();
    hears("\r\n+IPD,7,5:world");
    tells("FAULT");
    answers_status("3", LISTED);
    tells("");
    echoes();
}
#endif

/* ---- Closing --------------------------------------------------------------------------------------------------- */

SCRIPT(close_of_what_is_not_open)
{
    bring_up();
    for (unsigned id = 0; id < 256; id++)
        cipdrv_close(&driver, (uint8_t)id);
    quiet(1000);
    open_link();
    echoes();
}

/* What was given to send goes out first; a second close changes nothing. */
SCRIPT(close_after_the_send)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    cipdrv_close(&driver, LINK_ID);
    cipdrv_close(&driver, LINK_ID);
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n");
    tells("SENT " N);
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " BY_US");
    quiet(1000);
    open_link();
    echoes();
}

/* The peer is faster: the modem says CLOSED and then refuses. One CLOSED for the program. */
SCRIPT(close_of_a_closed_link)
{
    bring_up();
    open_link();
    cipdrv_close(&driver, LINK_ID);
    writes(CLOSE);
    hears(ID "CLOSED\r\n");
    tells("CLOSED " N " BY_US");
    hears_either("UNLINK\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    answers_status("4", "");
    tells("");
    open_link();
    echoes();
}

/* Its CLOSED was lost: the look at the links tells. */
SCRIPT(close_refused)
{
    bring_up();
    open_link();
    cipdrv_close(&driver, LINK_ID);
    writes(CLOSE);
    hears_either("UNLINK\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    tells("");
    answers_status("4", "");
    tells("CLOSED " N " BY_US");
    open_link();
    echoes();
}

/* The command was garbled: the link is there still, and so is the program's wish. */
SCRIPT(close_garbled)
{
    bring_up();
    open_link();
    cipdrv_close(&driver, LINK_ID);
    writes(CLOSE);
    hears("\r\nERROR\r\n");
    answers_status("3", LISTED);
    tells("");
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " BY_US");
    open_link();
    echoes();
}

SCRIPT(close_not_answered)
{
    bring_up();
    open_link();
    cipdrv_close(&driver, LINK_ID);
    writes(CLOSE);
    recovers();
    answers_status("4", "");
    tells("CLOSED " N " BY_US");
    open_link();
    echoes();
}

/* Inside RECEIVED the program closes when it has the frame: of the next one it hears nothing. */
static void close_it(uint8_t event, uint8_t link)
{
    if (event == CIPDRV_RECEIVED && strstr(events.text, "world")) cipdrv_close(&driver, link);
}

SCRIPT(close_inside_received)
{
    bring_up();
    open_link();
    reaction = close_it;
    at_once = true;
    hears("\r\n+IPD," ID "5:world\r\n+IPD," ID "5:again");
    tells("RECEIVED " N " world");
    reaction = NULL;
    answers_status("3", LISTED);
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " BY_US");
    open_link();
    echoes();
}

/* ---- A server -------------------------------------------------------------------------------------------------- */

#if CIPDRV_SERVER
SCRIPT(clients)
{
    config.server_port = 80;
    bring_up();
#if CIPDRV_LINKS > 1
    hears("0,CONNECT\r\n1,CONNECT\r\n");
    tells("OPENED 0 client, OPENED 1 client");
    hears("\r\n+IPD,1,5:world\r\n+IPD,0,5:hello");
    tells("RECEIVED 1 world, RECEIVED 0 hello");
    hears_either("1,CONNECT FAIL\r\n", "1,CLOSED\r\n"); /* reset by the client */
    tells("CLOSED 1 BY_PEER");
    assert_true(send(0, "hello", 5));
    writes("AT+CIPSEND=0,5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n1,CONNECT\r\n\r\nSEND OK\r\n");
    tells("OPENED 1 client, SENT 0");
    open_link();
    echoes();
#else
    hears("CONNECT\r\n");
    tells("OPENED 0 client");
    echoes();
    hears_either("CONNECT FAIL\r\n", "CLOSED\r\n");
    tells("CLOSED 0 BY_PEER");
    assert_int_equal(dial(), 0);
    writes(DIALS);
    hears("CONNECT\r\n\r\nOK\r\n");
    tells("OPENED 0 ours");
    echoes();
#endif
}

#if CIPDRV_LINKS > 1
/* A client whose CLOSED was lost and whose id comes again: the first one's end is told first. */
SCRIPT(id_used_again)
{
    config.server_port = 80;
    bring_up();
    hears("0,CONNECT\r\n");
    tells("OPENED 0 client");
    assert_true(send(0, "hello", 5));
    writes("AT+CIPSEND=0,5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n");
    hears("0,CONNECT\r\n");
    tells("CLOSED 0 LOST, OPENED 0 client");
    hears("\r\nSEND OK\r\n"); /* the first one's: not told to the second */
    tells("");
    assert_true(send(0, "hello", 5));
    writes("AT+CIPSEND=0,5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n\r\nSEND OK\r\n");
    tells("SENT 0");
}

/* A client takes the id that we dial at that moment. */
SCRIPT(id_taken_while_dialling)
{
    config.server_port = 80;
    bring_up();
    hears("0,CONNECT\r\n1,CONNECT\r\n2,CONNECT\r\n3,CONNECT\r\n");
    tells("OPENED 0 client, OPENED 1 client, OPENED 2 client, OPENED 3 client");
    assert_int_equal(dial(), 4);
    writes(DIALS);
    hears("4,CONNECT\r\n"); /* whose it is the modem says with its verdict */
    tells("OPENED 4 ours");
    hears_either("ALREADY CONNECTED\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    tells("");
    answers_status("3",
                   "+CIPSTATUS:0,\"TCP\",\"10.0.2.2\",50001,80,1\r\n+CIPSTATUS:1,\"TCP\",\"10.0.2.2\",50002,80,1\r\n"
                   "+CIPSTATUS:2,\"TCP\",\"10.0.2.2\",50003,80,1\r\n+CIPSTATUS:3,\"TCP\",\"10.0.2.2\",50004,80,1\r\n"
                   "+CIPSTATUS:4,\"TCP\",\"10.0.2.2\",50005,80,1\r\n");
    writes(CLOSE);
    hears("4,CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED 4 REFUSED");
    quiet(1000);
    hears("\r\n+IPD,3,5:world");
    tells("RECEIVED 3 world");
    open_link();
    echoes();
}
#endif
#else
/* Without a server nobody may come; who does is not told. */
SCRIPT(uninvited_client)
{
    bring_up();
    hears(ID "CONNECT\r\n" ID "CLOSED\r\n");
    quiet(100);
    open_link();
    echoes();
}
#endif

/* ---- Receiving passively --------------------------------------------------------------------------------------- */

#if CIPDRV_PASSIVE
#if CIPDRV_LINKS > 1
#define LENGTHS(n) "+CIPRECVLEN:0,0,0,0," n "\r\n\r\nOK\r\n"
#else
#define LENGTHS(n) "+CIPRECVLEN:" n "\r\n\r\nOK\r\n"
#endif

static void reads(const char *text)
{
    char line[128];
    snprintf(line, sizeof line, "AT+CIPRECVDATA=" ID "%zu\r\n", strlen(text));
    writes(line);
    snprintf(line, sizeof line, esp ? "+CIPRECVDATA:%zu,%s\r\nOK\r\n" : "\r\n+CIPRECVDATA,%zu:%s\r\nOK\r\n",
             strlen(text), text);
    hears(line);
    snprintf(line, sizeof line, "RECEIVED " N " %s", text);
    tells(line);
}

SCRIPT(passive_receiving)
{
    config.passive = true;
    bring_up();
    open_link();
    room = 100;
    hears("\r\n+IPD," ID "5\r\n");
    tells("ROOM " N " 5");
    reads("world");
    quiet(1000);
    hears("\r\n+IPD," ID "19\r\n");
    tells("ROOM " N " 19");
    reads("\r\nOK\r\n+IPD,0,5:xy\r\n");
    sends_hello();
}

/* No room: nothing is read, as long as it lasts, and the rest works. Then a little, then all. */
SCRIPT(passive_no_room)
{
    config.passive = true;
    bring_up();
    open_link();
    room = 0;
    hears("\r\n+IPD," ID "10\r\n");
    tells("ROOM " N " 10");
    later(2000);
    writes("");
    forget();
    room = 3;
    writes("AT+CIPRECVDATA=" ID "3\r\n");
    hears_either("\r\n+CIPRECVDATA,3:abc\r\nOK\r\n", "+CIPRECVDATA:3,abc\r\nOK\r\n");
    tells("ROOM " N " 10, RECEIVED " N " abc, ROOM " N " 7");
    room = 0;
    writes("AT+CIPRECVDATA=" ID "3\r\n");
    hears_either("\r\n+CIPRECVDATA,3:def\r\nOK\r\n", "+CIPRECVDATA:3,def\r\nOK\r\n");
    tells("RECEIVED " N " def, ROOM " N " 4");
    room = 100;
    writes("AT+CIPRECVDATA=" ID "4\r\n");
    hears_either("\r\n+CIPRECVDATA,4:ghij\r\nOK\r\n", "+CIPRECVDATA:4,ghij\r\nOK\r\n");
    forget();
    quiet(1000);
}

/* NonOS closes at once and keeps the bytes, ESP-AT waits with its CLOSED: the program gets them, then CLOSED. */
static void answers_lengths(const char *nonos, const char *esp_at)
{
    writes("AT+CIPSTATUS\r\n");
    hears("STATUS:4\r\n\r\nOK\r\n");
    writes("AT+CIPRECVLEN?\r\n");
    hears_either(nonos, esp_at);
}

SCRIPT(passive_closed_with_unread)
{
    config.passive = true;
    bring_up();
    open_link();
    room = 0;
    hears("\r\n+IPD," ID "5\r\n");
    tells("ROOM " N " 5");
    if (!esp) {
        hears(ID "CLOSED\r\n");
        assert_false(send(LINK_ID, "x", 1));
        answers_lengths(LENGTHS("5"), "");
    }
    forget();
    room = 100;
    writes("AT+CIPRECVDATA=" ID "5\r\n");
    hears_either("\r\n+CIPRECVDATA,5:world\r\nOK\r\n", "+CIPRECVDATA:5,world\r\nOK\r\n" ID "CLOSED\r\n");
    tells("ROOM " N " 5, RECEIVED " N " world");
    answers_lengths(LENGTHS("0"),
                    CIPDRV_LINKS > 1 ? "+CIPRECVLEN:-1,-1,-1,-1,-1\r\n\r\nOK\r\n" : "+CIPRECVLEN:-1\r\n\r\nOK\r\n");
    tells("CLOSED " N " BY_PEER");
    quiet(1000);
    open_link();
    sends_hello();
}

/* The bytes are gone: the modem refuses to give them, which is a loss. */
SCRIPT(passive_read_refused)
{
    config.passive = true;
    bring_up();
    open_link();
    room = 100;
    at_once = true;
    hears("\r\n+IPD," ID "5\r\n");
    writes("AT+CIPRECVDATA=" ID "5\r\n");
    tells("ROOM " N " 5");
    hears("\r\nERROR\r\n" ID "CLOSED\r\n");
    answers_lengths(LENGTHS("0"),
                    CIPDRV_LINKS > 1 ? "+CIPRECVLEN:-1,-1,-1,-1,-1\r\n\r\nOK\r\n" : "+CIPRECVLEN:-1\r\n\r\nOK\r\n");
    assert_non_null(strstr(events.text, "CLOSED " N));
    forget();
    open_link();
    sends_hello();
}

/* An OK before the bytes is an older command's: what comes behind it still goes to the link that was read. */
SCRIPT(passive_read_behind_an_older_ok)
{
    config.passive = true;
    bring_up();
    open_link();
    room = 100;
    at_once = true;
    hears("\r\n+IPD," ID "5\r\n");
    writes("AT+CIPRECVDATA=" ID "5\r\n");
    tells("ROOM " N " 5");
    hears("\r\nOK\r\n");
    writes("");
    hears_either("\r\n+CIPRECVDATA,5:world\r\nOK\r\n", "+CIPRECVDATA:5,world\r\nOK\r\n");
    tells("RECEIVED " N " world");
    sends_hello();
}

/* The notice was lost: the look at the links asks for the lengths. */
SCRIPT(passive_notice_lost)
{
    config.passive = true;
    bring_up();
    open_link();
    room = 100;
    writes("AT+CIPSTATUS\r\n");
    hears("STATUS:3\r\n" LISTED "\r\nOK\r\n");
    writes("AT+CIPRECVLEN?\r\n");
    hears(LENGTHS("5"));
    tells("ROOM " N " 5");
    reads("world");
}

/* The modem does not have it: active then. */
SCRIPT(passive_refused)
{
    config.passive = true;
    start();
    writes("+++");
    answers_probe();
    answers_reset();
    answers_version();
#if CIPDRV_LINKS > 1
    writes("AT+CIPMUX=1\r\n");
    hears("\r\nOK\r\n");
#endif
    for (unsigned k = 0; k < 5; k++) {
        writes("AT+CIPRECVMODE=1\r\n");
        hears("\r\nERROR\r\n");
    }
    config.passive = false; /* for the passages below */
    writes_either("AT+CWMODE" CUR "=1\r\n", "AT+CWMODE=1\r\n");
    hears("\r\nOK\r\n");
    answers_join();
    open_link();
    echoes();
}
#endif

/* ---- UDP ------------------------------------------------------------------------------------------------------- */

#if CIPDRV_UDP
SCRIPT(udp)
{
    bring_up();
    assert_int_equal(cipdrv_dial(&driver, CIPDRV_TYPE_UDP, "10.0.2.2", 123, 5000), LINK_ID);
    writes("AT+CIPSTART=" ID "\"UDP\",\"10.0.2.2\",123,5000,2\r\n");
    hears(ID "CONNECT\r\n\r\nOK\r\n");
    tells("OPENED " N " ours");
    echoes();
    /* a datagram that was not sent ends nothing */
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    prompts();
    writes("hello");
    hears("\r\nRecv 5 bytes\r\n\r\nSEND FAIL\r\n");
    tells("FAULT " N " NOT_SENT");
    echoes();
}
#endif

/* ---- Asking ---------------------------------------------------------------------------------------------------- */

#if CIPDRV_ASK
SCRIPT(ask_for_a_name)
{
    bring_up();
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_NAME, "server.lab"));
    assert_false(cipdrv_ask(&driver, CIPDRV_ASK_PING, "10.0.2.2"));
    assert_int_equal(dial(), CIPDRV_NO_LINK);
    writes("AT+CIPDOMAIN=\"server.lab\"\r\n");
    hears_either("+CIPDOMAIN:10.0.2.2\r\n\r\nOK\r\n", "+CIPDOMAIN:\"10.0.2.2\"\r\n\r\nOK\r\n");
    tells(esp ? "ANSWER \"10.0.2.2\", ANSWER OK" : "ANSWER 10.0.2.2, ANSWER OK");
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_NAME, "nobody.lab"));
    writes("AT+CIPDOMAIN=\"nobody.lab\"\r\n");
    hears_either("DNS Fail\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    tells("ANSWER ERROR");
    answers_status("2", "");
    open_link();
    echoes();
}

SCRIPT(ask_for_a_ping)
{
    bring_up();
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_PING, "10.0.2.2"));
    writes("AT+PING=\"10.0.2.2\"\r\n");
    hears_either("+12\r\n\r\nOK\r\n", "+PING:12\r\n\r\nOK\r\n");
    tells("ANSWER 12, ANSWER OK");
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_PING, "10.0.2.3"));
    writes("AT+PING=\"10.0.2.3\"\r\n");
    hears_either("+timeout\r\n\r\nERROR\r\n", "+PING:TIMEOUT\r\n\r\nERROR\r\n");
    tells(esp ? "ANSWER TIMEOUT, ANSWER ERROR" : "ANSWER timeout, ANSWER ERROR");
    answers_status("2", "");
    open_link();
    echoes();
}

SCRIPT(ask_for_the_time)
{
    bring_up();
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_TIME, "0"));
    writes("AT+CIPSNTPCFG=1,0\r\n");
    hears("\r\nOK\r\n");
    writes("AT+CIPSNTPTIME?\r\n");
    hears("+CIPSNTPTIME:Thu Aug 04 14:48:05 2016\r\nOK\r\n");
    tells("ANSWER Thu Aug 04 14:48:05 2016, ANSWER OK");
    open_link();
    echoes();
}

/* A question while a dial is under way would take the dial's host away. */
SCRIPT(ask_while_dialling)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    assert_false(cipdrv_ask(&driver, CIPDRV_ASK_NAME, "server.lab"));
    writes(DIALS);
    assert_false(cipdrv_ask(&driver, CIPDRV_ASK_NAME, "server.lab"));
    hears(ID "CONNECT\r\n\r\nOK\r\n");
    tells("OPENED " N " ours");
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_NAME, "server.lab"));
}

/* The modem never answers: the question ends all the same. */
SCRIPT(ask_not_answered)
{
    bring_up();
    assert_true(cipdrv_ask(&driver, CIPDRV_ASK_NAME, "server.lab"));
    writes("AT+CIPDOMAIN=\"server.lab\"\r\n");
    recovers();
    tells("ANSWER ERROR");
    answers_status("2", "");
    open_link();
    echoes();
}
#endif

/* ---- Passthrough ----------------------------------------------------------------------------------------------- */

#if CIPDRV_THROUGH
static void enter_passthrough(void)
{
    cipdrv_through(&driver, true);
    writes("AT+CIPMODE=1\r\n");
    hears("\r\nOK\r\n");
    writes("AT+CIPSEND\r\n");
    hears("\r\nOK\r\n\r\n>");
}

/* Silence, "+++", and a second of silence. */
static void leaves_passthrough(void)
{
    uint32_t since = ticks;
    writes("+++");
    assert_true((ticks - since) * 4 >= 20);
    since = ticks;
    writes("AT+CIPMODE=0\r\n");
    assert_true((ticks - since) * 4 >= 1000);
    hears("\r\nOK\r\n");
}

/* Whatever the payload spells. */
SCRIPT(passthrough)
{
    bring_up();
    open_link();
    enter_passthrough();
    hears("raw\r\nOK\r\n\r\n+IPD,0,5:CLOSED\r\nready\r\n> AT");
    tells("RECEIVED 0 raw\r\nOK\r\n\r\n+IPD,0,5:CLOSED\r\nready\r\n> AT");
    assert_true(send(0, "hello", 5));
    writes("hello");
    tells("SENT 0");
    later(60000);
    writes("");
    hears("and more");
    tells("RECEIVED 0 and more");
    allowance = 2;
    hears("partial");
    tells("RECEIVED 0 pa");
    later(1000);
    allowance = UINT32_MAX;
    later(8);
    tells("RECEIVED 0 rtial");
    assert_true(send(0, "+++AT", 5));
    writes("+++AT");
    tells("SENT 0");
    cipdrv_through(&driver, false);
    leaves_passthrough();
    answers_status("3", LISTED);
    tells("");
    echoes();
}

SCRIPT(passthrough_closed)
{
    bring_up();
    open_link();
    enter_passthrough();
    assert_true(send(0, "hello", 5));
    cipdrv_close(&driver, 0);
    writes("hello");
    tells("SENT 0");
    leaves_passthrough();
    answers_status("3", LISTED);
    writes(CLOSE);
    hears("CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED 0 BY_US");
    open_link();
    echoes();
}

/* Until passthrough is over payload is payload; what comes behind it without a frame is lost, with a FAULT. */
SCRIPT(passthrough_left_late)
{
    bring_up();
    open_link();
    enter_passthrough();
    cipdrv_through(&driver, false);
    later(8);
    hears("\r\nCLOSED\r\n");
    tells("RECEIVED 0 \r\nCLOSED\r\n");
    writes("+++");
    hears("\r\nready\r\n");
    tells("RECEIVED 0 \r\nready\r\n");
    writes("AT+CIPMODE=0\r\n");
    hears("bytes\r\nwithout a frame\r\n\r\nOK\r\n");
    tells("FAULT");
    writes("AT\r\n");
    hears("\r\nOK\r\n");
    writes("AT+CIPMODE=0\r\n");
    hears("\r\nOK\r\n");
    answers_status("3", LISTED);
    echoes();
}

/* The UART lost bytes: the stream is worth nothing any more. */
SCRIPT(passthrough_damaged)
{
    bring_up();
    open_link();
    enter_passthrough();
    hears("raw");
    tells("RECEIVED 0 raw");
    cipdrv_fault(&driver);
    tells("FAULT");
    hears("\r\nCLOSED\r\n");
    tells("");
    leaves_passthrough();
    answers_status("3", LISTED);
    writes(CLOSE);
    hears("CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED 0 DAMAGED");
    open_link();
    echoes();
}

/* The modem refuses: everything goes on with frames. */
SCRIPT(passthrough_refused)
{
    bring_up();
    open_link();
    cipdrv_through(&driver, true);
    writes("AT+CIPMODE=1\r\n");
    hears("\r\nERROR\r\n");
    answers_status("3", LISTED);
    echoes();
    cipdrv_through(&driver, true);
    writes("AT+CIPMODE=1\r\n");
    hears("\r\nOK\r\n");
    writes("AT+CIPSEND\r\n");
    hears("\r\nERROR\r\n");
    writes("AT+CIPMODE=0\r\n");
    hears("\r\nOK\r\n");
    answers_status("3", LISTED);
    echoes();
}
#endif

/* ---- Faults ---------------------------------------------------------------------------------------------------- */

/* Told by the UART while nothing goes on. */
SCRIPT(fault_in_silence)
{
    bring_up();
    open_link();
    cipdrv_fault(&driver);
    tells("FAULT");
    answers_status("3", LISTED);
    later(300);
    tells("");
    echoes();
}

/* Inside a frame: its link is damaged. */
SCRIPT(fault_in_a_frame)
{
    bring_up();
    open_link();
    hears("\r\n+IPD," ID "100:worl");
    cipdrv_fault(&driver);
    tells("RECEIVED " N " worl, FAULT");
    hears("d and so on\r\nOK\r\n" ID "CLOSED\r\n\r\n+IPD," ID "5:world");
    answers_status("3", LISTED);
    tells("");
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " DAMAGED");
    open_link();
    echoes();
}

/* A frame that stops for longer than a frame can: the same. */
SCRIPT(frame_cut_off)
{
    bring_up();
    open_link();
    hears("\r\n+IPD," ID "10:worl");
    tells("RECEIVED " N " worl");
    later(100);
    tells("");
    hears("d");
    later(100);
    tells("RECEIVED " N " d");
    later(300);
    tells("FAULT");
    answers_status("3", LISTED);
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " DAMAGED");
    open_link();
    echoes();
}

/* A garbled header: what is behind it is not believed, whatever it spells. */
SCRIPT(header_garbled)
{
    bring_up();
    open_link();
    hears("\r\n+IQD," ID "21:\r\n" ID "CLOSED\r\n\r\nready\r\n");
    tells("FAULT");
    answers_status("3", LISTED);
    later(300);
    tells("");
    echoes();
}

static void closes_damaged(void)
{
    answers_status("3", LISTED);
    tells("");
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    tells("CLOSED " N " DAMAGED");
    open_link();
    echoes();
}

/* Payload without its header spells a frame, but no line stands behind its bytes: nothing is believed until silence.
 * The link may have lost a frame. */
SCRIPT(doubt_lasts_behind_a_false_frame)
{
    bring_up();
    open_link();
    hears("\r\n+IQD," ID "42:\r\n+IPD," ID "5:hello, and more\r\nready\r\n" ID "CLOSED\r\n");
    tells("FAULT");
    quiet(180);
    hears("\r\nready\r\n"); /* not silent enough */
    quiet(180);
    closes_damaged();
}

/* A frame behind what was garbled is counted and not delivered, and its link is given up; the line behind it is
 * believed, without silence. */
SCRIPT(doubt_ends_behind_a_frame)
{
    bring_up();
    open_link();
    hears("\r\n+IQD," ID "5:hello\r\n");
    tells("FAULT");
    hears("\r\n+IPD," ID "5:world");
    quiet(100);
    hears("\r\n+IPD," ID "5:again"); /* the link is being closed */
    uint32_t since = ticks;
    closes_damaged();
    assert_true((ticks - since) * 4 < 700); /* of which echoes() takes 512, and a dial 40 */
    hears("\r\n+IQD," ID "5:hello\r\n\r\n+IPD," ID "5:world\r\nready\r\n");
    tells("FAULT, DOWN RESET, CLOSED " N " DAMAGED");
}

/* Reset in silence: boot text, echo on, all gone. Set up again without being asked. */
SCRIPT(reset_unasked)
{
    static const char boot[] = "\x00\xfe\x8c\r\n\xff~r\n$\x00l\r\n";
    bring_up();
    open_link();
    hears_n(boot, sizeof boot - 1);
    tells("FAULT");
    writes("AT+CIPSTATUS\r\n");
    hears("\r\nready\r\n");
    tells("DOWN RESET, CLOSED " N " RESET");
    answers_probe();
    switches_echo_off();
    answers_version();
    answers_set_up();
    answers_join();
    open_link();
    echoes();
}

/* "ready" was lost too: the echo of the next command tells it. */
SCRIPT(reset_unheard)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    hears_either("AT+CIPSEND=" ID "5\r\r\n", "AT+CIPSEND=" ID "5\r\n");
    hears_either("link is not valid\r\n\r\nERROR\r\n", "\r\nERROR\r\n");
    tells("DOWN RESET, CLOSED " N " RESET");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
    open_link();
    echoes();
}

/* The modem is gone and comes back. */
SCRIPT(modem_lost)
{
    bring_up();
    open_link();
    writes("AT+CIPSTATUS\r\n");
    for (unsigned k = 0; k < 3; k++) {
        tells("");
        writes("+++");
        writes("AT\r\n");
    }
    writes("+++");
    tells("DOWN RESET, CLOSED " N " RESET, RATE 1152");
    answers_probe();
    answers_reset();
    answers_version();
    switches_rate();
    answers_set_up();
    answers_join();
    open_link();
    echoes();
}

/* A modem that answers ERROR, and then no more, is looked for at other rates like one that is only silent. */
SCRIPT(modem_lost_behind_errors)
{
    bring_up();
    open_link();
    writes("AT+CIPSTATUS\r\n");
    writes("+++");
    for (unsigned k = 0; k < 3; k++) {
        writes("AT\r\n");
        hears("\r\nERROR\r\n");
    }
    tells("");
    writes("AT\r\n");
    writes("+++");
    tells("DOWN RESET, CLOSED " N " RESET, RATE 1152");
}

#if CIPDRV_LINKS > 1
/* A frame tells that the id which is dialled is a client's, and "busy" comes after it: the dial is over all the same. */
SCRIPT(busy_behind_a_disowned_dial)
{
    bring_up();
    assert_int_equal(dial(), LINK_ID);
    writes(DIALS);
    hears("\r\n+IPD," ID "5:world");
    tells("CLOSED " N " LOST");
    hears("busy p...\r\n");
    answers_status("3", LISTED);
    tells("");
    writes(CLOSE);
    hears(ID "CLOSED\r\n\r\nOK\r\n");
    quiet(1000);
    open_link();
    echoes();
}
#endif

/* What looks like the begin of a line is the last byte of a frame that got one more: after a silence it is forgotten. */
SCRIPT(rest_of_a_frame)
{
    bring_up();
    open_link();
    hears("\r\n+IPD," ID "5:wo"
          "\xda"
          "rlO"); /* "worlO" was meant */
    forget();
    quiet(400);
    hears(ID "CLOSED\r\n");
    tells("CLOSED " N " BY_PEER");
}

/* The line that told a link's end was lost: the next look finds it. */
SCRIPT(closed_lost)
{
    bring_up();
    open_link();
    uint32_t since = ticks;
    answers_status("4", "");
    assert_true((ticks - since) * 4 <= 10100);
    tells("CLOSED " N " LOST");
    open_link();
    echoes();
}

/* A status that says nothing, or is refused, ends nothing. */
SCRIPT(status_refused)
{
    bring_up();
    open_link();
    writes("AT+CIPSTATUS\r\n");
    hears("\r\nERROR\r\n");
    answers_status("3", LISTED);
    tells("");
    echoes();
}

/* "busy" without end: the modem is stuck and is reset. */
SCRIPT(busy_without_end)
{
    bring_up();
    open_link();
    for (unsigned k = 0; k < 250; k++) {
        writes("AT+CIPSTATUS\r\n");
        tells("");
        hears("\r\nbusy p...\r\n");
    }
    writes("AT+RST\r\n");
    hears("\r\nOK\r\n");
    hears("\r\nready\r\n");
    tells("DOWN RESET, CLOSED " N " RESET");
    answers_probe();
    switches_echo_off();
    answers_version();
    answers_set_up();
    answers_status("5", "");
    answers_join();
    open_link();
    echoes();
}

/* Busy for long, twice, and in between it answers: no reason to reset it. */
SCRIPT(busy_for_long)
{
    bring_up();
    open_link();
    for (unsigned times = 0; times < 2; times++) {
        for (unsigned k = 0; k < 200; k++) {
            writes("AT+CIPSTATUS\r\n");
            hears("\r\nbusy p...\r\n");
        }
        answers_status("3", LISTED);
    }
    tells("");
    echoes();
}

/* cipdrv_start() in the middle of everything: all forgotten, no event but RATE. */
SCRIPT(started_anew)
{
    bring_up();
    open_link();
    assert_true(send(LINK_ID, "hello", 5));
    writes("AT+CIPSEND=" ID "5\r\n");
    start();
    writes("+++");
    hears("\r\nSEND Canceled\r\n");
    answers_probe();
    answers_reset();
    answers_version();
    answers_set_up();
    answers_join();
    open_link();
    echoes();
}

/* Hours of nothing: one look at the links each ten seconds, and the clock wraps each 262 s. */
SCRIPT(an_idle_hour)
{
    bring_up();
    open_link();
    for (unsigned k = 0; k < 360; k++)
        answers_status("3", LISTED);
    tells("");
    echoes();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(found_with_echo_on),
    cmocka_unit_test(found_with_echo_off),
    cmocka_unit_test(found_in_a_data_phase),
    cmocka_unit_test(found_at_the_end_of_a_data_phase),
    cmocka_unit_test(found_in_passthrough),
    cmocka_unit_test(found_just_reset),
    cmocka_unit_test(found_in_passthrough_after_the_reset),
    cmocka_unit_test(found_at_another_rate),
    cmocka_unit_test(no_modem),
#if CIPDRV_FLOW
    cmocka_unit_test(flow_control_is_set),
#endif
    cmocka_unit_test(set_up_through_busy),
#if CIPDRV_SERVER
    cmocka_unit_test(server_and_its_idle_time),
    cmocka_unit_test(server_refused),
#endif
    cmocka_unit_test(no_network_wanted),
    cmocka_unit_test(join_refused_and_tried_again),
    cmocka_unit_test(network_lost_and_back),
    cmocka_unit_test(network_joined_again),
    cmocka_unit_test(dial_refused),
    cmocka_unit_test(dial_refused_with_a_reason),
    cmocka_unit_test(one_dial_at_a_time),
    cmocka_unit_test(dial_with_connect_lost),
    cmocka_unit_test(dial_not_answered_but_open),
    cmocka_unit_test(dial_not_answered_and_not_open),
    cmocka_unit_test(dial_through_busy),
#if CIPDRV_LINKS > 1
    cmocka_unit_test(five_links),
#endif
    cmocka_unit_test(send_refused_to_the_program),
    cmocka_unit_test(send_in_pieces),
#if CIPDRV_FILLS
    cmocka_unit_test(send_from_a_generator),
#endif
#if CIPDRV_FLASH
    cmocka_unit_test(send_from_flash),
#endif
    cmocka_unit_test(send_inside_sent),
    cmocka_unit_test(send_ok_twice_and_late),
    cmocka_unit_test(send_fails),
    cmocka_unit_test(peer_closes_while_sending),
    cmocka_unit_test(closed_before_the_prompt),
    cmocka_unit_test(closed_behind_the_prompt),
#if CIPDRV_LINKS > 1 && CIPDRV_SERVER
    cmocka_unit_test(id_taken_before_the_prompt),
#endif
    cmocka_unit_test(send_refused_by_the_modem),
    cmocka_unit_test(send_refused_and_tried_again),
    cmocka_unit_test(send_never_acknowledged),
    cmocka_unit_test(payload_lost_on_the_way),
    cmocka_unit_test(payload_is_payload),
    cmocka_unit_test(frame_between_everything),
    cmocka_unit_test(closed_glued),
    cmocka_unit_test(partial_takes),
    cmocka_unit_test(data_of_an_unknown_link),
#if CIPDRV_LINKS > 1
    cmocka_unit_test(data_of_an_impossible_link),
#endif
    cmocka_unit_test(close_of_what_is_not_open),
    cmocka_unit_test(close_after_the_send),
    cmocka_unit_test(close_of_a_closed_link),
    cmocka_unit_test(close_refused),
    cmocka_unit_test(close_garbled),
    cmocka_unit_test(close_not_answered),
    cmocka_unit_test(close_inside_received),
#if CIPDRV_SERVER
    cmocka_unit_test(clients),
#if CIPDRV_LINKS > 1
    cmocka_unit_test(id_used_again),
    cmocka_unit_test(id_taken_while_dialling),
#endif
#else
    cmocka_unit_test(uninvited_client),
#endif
#if CIPDRV_PASSIVE
    cmocka_unit_test(passive_receiving),
    cmocka_unit_test(passive_no_room),
    cmocka_unit_test(passive_closed_with_unread),
    cmocka_unit_test(passive_read_refused),
    cmocka_unit_test(passive_read_behind_an_older_ok),
    cmocka_unit_test(passive_notice_lost),
    cmocka_unit_test(passive_refused),
#endif
#if CIPDRV_UDP
    cmocka_unit_test(udp),
#endif
#if CIPDRV_ASK
    cmocka_unit_test(ask_for_a_name),
    cmocka_unit_test(ask_for_a_ping),
    cmocka_unit_test(ask_for_the_time),
    cmocka_unit_test(ask_while_dialling),
    cmocka_unit_test(ask_not_answered),
#endif
#if CIPDRV_THROUGH
    cmocka_unit_test(passthrough),
    cmocka_unit_test(passthrough_closed),
    cmocka_unit_test(passthrough_left_late),
    cmocka_unit_test(passthrough_damaged),
    cmocka_unit_test(passthrough_refused),
#endif
    cmocka_unit_test(fault_in_silence),
    cmocka_unit_test(fault_in_a_frame),
    cmocka_unit_test(frame_cut_off),
    cmocka_unit_test(header_garbled),
    cmocka_unit_test(doubt_lasts_behind_a_false_frame),
    cmocka_unit_test(doubt_ends_behind_a_frame),
    cmocka_unit_test(reset_unasked),
    cmocka_unit_test(reset_unheard),
    cmocka_unit_test(modem_lost),
    cmocka_unit_test(modem_lost_behind_errors),
#if CIPDRV_LINKS > 1
    cmocka_unit_test(busy_behind_a_disowned_dial),
#endif
    cmocka_unit_test(rest_of_a_frame),
    cmocka_unit_test(closed_lost),
    cmocka_unit_test(status_refused),
    cmocka_unit_test(busy_without_end),
    cmocka_unit_test(busy_for_long),
    cmocka_unit_test(started_anew),
    cmocka_unit_test(an_idle_hour),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
