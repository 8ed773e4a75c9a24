/* See find.h. */
#define _GNU_SOURCE /* memmem */
#include "find.h"

#include <stdio.h>
#include <string.h>

enum { KNOCK_MS = 300, QUIET_MS = 30, LISTEN_MS = 250, VERSION_MS = 2000, FEUD = 3 };

static const char *const ok[] = { "OK\r\n" };

static bool answers(module_t *module, const char *line, uint32_t limit_ms)
{
    module->got.n = 0;
    module_type(module, line, strlen(line));
    return module_await(module, ok, 1, limit_ms, NULL) > 0;
}

/* The end of whatever was typed before, then AT. */
static bool knock(module_t *module, find_t *out)
{
    module->got.n = 0;
    module_type(module, "\r\n", 2);
    module_settle(module, QUIET_MS);
    if (find_feud(module)) return false;
    const uint64_t begin_ms = module_now_ms();
    const bool     good = answers(module, "AT\r\n", KNOCK_MS);
    out->answer_ms = (uint32_t)(module_now_ms() - begin_ms);
    return good;
}

bool find_feud(const module_t *module)
{
    static const char *const signs[] = { "ERROR\r\n", "busy p...\r\n" };
    size_t                   n = 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        for (const uint8_t *at = module->got.bytes, *end = at + module->got.n;
             at && (at = memmem(at, (size_t)(end - at), signs[i], strlen(signs[i]))) != NULL; at++)
            n++;
    return n >= FEUD;
}

static bool find_rate(module_t *module, bool fixed, find_t *out)
{
    static const uint32_t rates[] = { 115200, 9600, 57600, 38400, 19200, 74880, 230400, 460800, 921600 };
    if (!module->tty || fixed) return knock(module, out);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        if (module_set_rate(module, rates[i])) {
            out->baud = rates[i];
            if (knock(module, out)) return true;
            if (find_feud(module)) return false;
        }
    return false;
}

bool find_again(module_t *module, find_t *found)
{
    return found->baud && find_rate(module, false, found);
}

static bool takes(module_t *module, const char *line)
{
    const bool good = answers(module, line, KNOCK_MS);
    module_type(module, "\r\n", 2);
    module_settle(module, QUIET_MS);
    return good;
}

static bool read_version(module_t *module, find_t *out)
{
    if (!answers(module, "ATE0\r\n", KNOCK_MS)) return false;
    module_settle(module, QUIET_MS);
    if (!answers(module, "AT+GMR\r\n", VERSION_MS)) return false;
    module_settle(module, QUIET_MS);
    writer_add(&module->got, "", 1);
    char *text = (char *)module->got.bytes, *end = strstr(text, "OK\r\n");
    while (strstr(end + 1, "OK\r\n")) /* it may stand in the text too */
        end = strstr(end + 1, "OK\r\n");
    if (end - text >= 2 && end[-1] == '\n') end -= 2; /* the line end before OK is OK's */
    *end = '\0';
    snprintf(out->gmr, sizeof out->gmr, "%s", text);
    module->got.n = 0;
    const char *version = strstr(out->gmr, "AT version:");
    if (version && sscanf(version, "AT version:%u.%u", &out->major, &out->minor) != 2) out->major = out->minor = 0;
    return true;
}

static bool fails(char *why, size_t size, const char *text)
{
    snprintf(why, size, "%s", text);
    return false;
}

bool find(module_t *module, bool fixed, find_t *out, char *why, size_t size)
{
    static const char feud[] = "it answers what nobody typed: two modems, or a modem and a loop, answer each other. "
                               "Take the other one off the line";
    *out = (find_t){ .baud = 0 };
    if (!find_rate(module, fixed, out)) {
        if (find_feud(module)) return fails(why, size, feud);
        if (module->got.n >= 4 && memmem(module->got.bytes, module->got.n, "AT\r\n", 4))
            return fails(why, size, "only what is typed comes back: it is a loop, or a module in passthrough");
        return fails(why, size, "no OK to AT, at any of the usual rates: is it the right device, and is it powered?");
    }
    module->got.n = 0;
    for (uint64_t until_ms = module_now_ms() + LISTEN_MS; module_hear(module, until_ms);)
        ;
    if (find_feud(module)) return fails(why, size, feud);
    out->takes_lf = takes(module, "AT\n");
    out->takes_cr = takes(module, "AT\r");
    return read_version(module, out) || fails(why, size, "it does not answer ATE0 and AT+GMR");
}

const char *find_dialect(const find_t *found)
{
    if (found->major >= 2) return "esp-at-2.3";
    return found->major == 1 && found->minor >= 6 ? "nonos-1.7.6" : "nonos-1.3";
}
