/* See modem_options.h. */
#include "modem_options.h"

#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 64 };

/* ---- One modem --------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

/* Cuts at the commas, in place. A number alone belongs to what stands before it, as in serial=DEVICE,BAUD. Returns how many
 * pieces; KEYS_MAX: too many. */
static size_t cut(char *text, char **pieces)
{
    size_t n = 0;
    for (char *at = text, *next; at && n < KEYS_MAX; at = next) {
        next = strchr(at, ',');
        if (next) *next++ = '\0';
        if (n > 1 && is_number(at))
            at[-1] = ',';
        else
            pieces[n++] = at;
    }
    return n;
}

static bool is_name(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t            length = strlen(text);
    return length > 0 && length < OPTIONS_NAME_MAX && strspn(text, letters) == length;
}

static bool read_key(options_t *modem, const char *key, bool early)
{
    const char     *equals = strchr(key, '=');
    size_t          length = equals ? (size_t)(equals - key) : strlen(key);
    const option_t *option = options_find(modem->program, key, length);
    if (!option || !(option->flags & OPTION_MODEM))
        return options_wrong(modem, "\"%.*s\" is no key of a modem; see cipmux help modems", (int)length, key);
    return options_set(modem, option, equals ? equals + 1 : NULL, early);
}

static bool read_keys(options_t *modem, char **pieces, size_t n, bool early)
{
    for (size_t i = 1; i < n && !modem->printed; i++)
        if (!read_key(modem, pieces[i], early)) return false;
    return true;
}

/* What stands outside is for all, the modem's own keys come after it. */
static bool read_modem(options_t *modem, const char *text, int first, int argc, char **argv)
{
    char *pieces[KEYS_MAX] = { NULL };
    modem->keys = strdup(text);
    if (!modem->keys) return options_wrong(modem, "no memory");
    size_t n = cut(modem->keys, pieces);
    if (n == KEYS_MAX) return options_wrong(modem, "too many keys");
    if (!is_name(pieces[0]))
        return options_wrong(modem, "a modem's name is up to %d letters, digits, '-' and '_'", OPTIONS_NAME_MAX - 1);
    snprintf(modem->name, sizeof modem->name, "%s", pieces[0]);
    for (int early = 1; early >= 0; early--)
        if (!options_pass(modem, first, argc, argv, early) || !read_keys(modem, pieces, n, early)) return false;
    return true;
}

/* ---- Together ---------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool listens(const options_t *modem)
{
    return modem->serial == SERIAL_TCP || modem->serial == SERIAL_RFC2217;
}

static bool same_serial(const options_t *a, const options_t *b)
{
    port_place_t at, other;
    if (listens(a) && listens(b))
        return port_place_parse(a->serial_where, &at) && port_place_parse(b->serial_where, &other) && at.port != 0 &&
               at.port == other.port && strcmp(at.host, other.host) == 0;
    if (a->serial != b->serial || a->serial == SERIAL_CONNECT) return false;
    return a->serial == SERIAL_STANDARD || same_text(a->serial_where, b->serial_where);
}

static bool same_publication(const options_t *a, const options_t *b)
{
    for (size_t i = 0; i < a->board.publish_count; i++)
        for (size_t k = 0; k < b->board.publish_count; k++)
            if (a->publish[i].udp == b->publish[k].udp && a->publish[i].at.port != 0 &&
                address_same(&a->publish[i].at, &b->publish[k].at))
                return true;
    return false;
}

/* What two modems cannot share, or NULL. */
static const char *shared(const options_t *a, const options_t *b)
{
    if (strcmp(a->name, b->name) == 0) return "name";
    if (same_serial(a, b)) return a->serial == SERIAL_STANDARD ? "terminal (stdin and stdout)" : "serial line";
    if (same_text(a->flash, b->flash)) return "flash file";
    if (memcmp(a->board.modem.mac, b->board.modem.mac, 6) == 0) return "MAC address";
    if (same_publication(a, b)) return "published port";
    return NULL;
}

static bool fit_together(options_t *options)
{
    for (size_t i = 0; i < options->modems; i++)
        for (size_t k = 0; k < i; k++) {
            const char *what = shared(options->modem[i], options->modem[k]);
            if (what)
                return options_wrong(options, "--modem=%s: modem %s has that %s already", options->modem_text[i],
                                     options->modem[k]->name, what);
        }
    return true;
}

static bool nothing_is_for_one(options_t *options)
{
    const char *what = options->serial != SERIAL_STANDARD  ? "a serial line"
                       : options->flash                    ? "--flash"
                       : options->has_mac                  ? "--mac"
                       : options->board.publish_count != 0 ? "--publish"
                                                           : NULL;
    return !what || options_wrong(options, "%s is of one modem: write it as a key, --modem=NAME,KEY=VALUE", what);
}

bool modem_options_read(options_t *options, int first, int argc, char **argv)
{
    if (!nothing_is_for_one(options)) return false;
    for (size_t i = 0; i < options->modems; i++) {
        options_t *modem = options->modem[i] = calloc(1, sizeof *modem);
        if (!modem) return options_wrong(options, "no memory");
        options_begin(modem, options->program);
        if (!read_modem(modem, options->modem_text[i], first, argc, argv)) {
            options->status = modem->status;
            return options_wrong(options, "--modem=%s: %s", options->modem_text[i], modem->error);
        }
        options->printed = modem->printed;
        if (options->printed) return true;
        if (!modem->has_mac) modem->board.modem.mac[5] = (uint8_t)(modem->board.modem.mac[5] + i);
    }
    return fit_together(options);
}

/* ---- Help -------------------------------------------------------------------------------------------------------- */

void modem_options_help(FILE *out)
{
    fputs(
        "--modem=NAME[,KEY=VALUE]..., up to 8 times: so many modems in one program. They share the access points of\n"
        "--world, and hear each other: one joins the other's soft-AP, and they reach each other by their addresses.\n\n"
        "  cipmux --strict --modem=ap,pty=/tmp/ap --modem=sta,pty=/tmp/sta\n\n"
        "  at /tmp/ap     AT+CWMODE=2\n"
        "                 AT+CWSAP=\"mine\",\"12345678\",5,3\n"
        "                 AT+CIPMUX=1\n"
        "                 AT+CIPSERVER=1,80\n"
        "  at /tmp/sta    AT+CWMODE=1\n"
        "                 AT+CWJAP=\"mine\",\"12345678\"\n"
        "                 AT+CIPSTART=\"TCP\",\"192.168.4.1\",80\n\n"
        "Options outside are for all of them, a key goes before. Keys are the names of options:\n\n"
        "  serial line    pty, tcp, unix, tcp-connect, serial, rfc2217; one modem may have this terminal\n"
        "  its own        mac (else 5c:cf:7f:00:00:01, :02, ...), flash, publish\n"
        "  as outside     dialect, strict, timing, quirk, boot, boot-text, pace, net, redirect\n\n"
        "A program on this computer finds a modem's server where it would be alone, and when another of the modems\n"
        "has that place, at any free port: the log says where. publish=8081:80 chooses. What is said of pins in the\n"
        "world file is so for each modem. Each line of the log begins with the modem's name.\n",
        out);
}
