/* The verbs of hosts: see hosts_words.h. */
#include "hosts_words.h"

#include <string.h>

/* ---- Echoes ---------------------------------------------------------------------------------------------------- */

static bool say_ping(void *context, words_t *words)
{
    hosts_t           *hosts = context;
    cipmux_address_t   at;
    uint64_t           us = 0;
    const words_arg_t *host = words_plain(words, 1, "an address such as 10.0.2.2");
    const words_arg_t *how = host == NULL ? NULL : words_plain(words, 2, "a time such as 12ms, or lost");
    if (how == NULL || !words_host(words, host, &at) || (!words_is(how, "lost") && !words_time(words, how, &us))) {
        return false;
    }
    size_t i = 0;
    while (i < hosts->pings && !hosts_same(&hosts->ping[i].at, &at)) {
        i++;
    }
    if (i == HOSTS_PINGS) {
        return words_fail(words, 1, "more than %d hosts that answer a ping", (int)HOSTS_PINGS);
    }
    hosts->pings += i == hosts->pings ? 1 : 0;
    hosts->ping[i].at = at;
    hosts->ping[i].us = us;
    hosts->ping[i].lost = words_is(how, "lost");
    return true;
}

/* ---- SNTP ------------------------------------------------------------------------------------------------------ */

/* Reads exactly `digits` digits and what follows them. False: something else stands there. */
static bool number(const char **at, size_t digits, char behind, long *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++, ++*at) {
        if (**at < '0' || **at > '9') {
            return false;
        }
        *out = *out * 10 + (**at - '0');
    }
    return *(*at)++ == behind;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static long days_to(long year, long month, long day)
{
    long shifted = month > 2 ? year : year - 1; /* a year that begins in March */
    long march = month > 2 ? month - 3 : month + 9;
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + (153 * march + 2) / 5 + day - 1 - 719468;
}

/* "2020-02-06 14:23:50". */
static bool read_date(const words_arg_t *arg, uint64_t *utc_us)
{
    const char *at = (const char *)arg->text;
    long        year, month, day, hour, minute, second;
    if (!number(&at, 4, '-', &year) || !number(&at, 2, '-', &month) || !number(&at, 2, ' ', &day) ||
        !number(&at, 2, ':', &hour) || !number(&at, 2, ':', &minute) || !number(&at, 2, '\0', &second)) {
        return false;
    }
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    *utc_us = ((uint64_t)days_to(year, month, day) * 86400 + (uint64_t)(hour * 3600 + minute * 60 + second)) * 1000000;
    return true;
}

/* `clock`: this computer's, if whoever runs this world has one. */
static bool read_clock(words_t *words, const words_arg_t *how, const hosts_t *hosts, hosts_time_t *out)
{
    out->utc_us = hosts->clock_us + words->now_us;
    return hosts->clock_us != 0 || words_fail(words, how->column, "this world has no clock");
}

static bool time_kind(words_t *words, const words_arg_t *how, const hosts_t *hosts, hosts_time_t *out)
{
    static const struct {
        const char       *word;
        hosts_time_kind_t kind;
    } kinds[] = { { "silent", HOSTS_TIME_SILENT }, { "unknown", HOSTS_TIME_UNKNOWN } };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (words_is(how, kinds[i].word)) {
            out->kind = kinds[i].kind;
            return true;
        }
    }
    out->kind = HOSTS_TIME_SAID;
    out->said_us = words->now_us;
    if (words_is(how, "clock")) return read_clock(words, how, hosts, out);
    return read_date(how, &out->utc_us) ||
           words_expected(words, how, "clock, silent, unknown or \"2020-02-06 14:23:50\"");
}

static bool say_sntp(void *context, words_t *words)
{
    hosts_t           *hosts = context;
    hosts_time_t       said = { 0 };
    const words_arg_t *host = words_plain(words, 1, "a server as AT+CIPSNTPCFG names it, or any");
    if (host == NULL || !words_key_time(words, "after", &said.after_us)) {
        return false;
    }
    if (host->length < 1 || host->length > HOSTS_NAME) {
        return words_expected(words, host, "a server of 1 to 64 bytes");
    }
    const words_arg_t *how = words_plain(words, 2, "clock, silent, unknown or a date");
    if (how == NULL || !time_kind(words, how, hosts, &said)) {
        return false;
    }
    memcpy(said.name, host->text, host->length);
    size_t i = 0;
    while (i < hosts->times && strcmp(hosts->time[i].name, said.name) != 0) {
        i++;
    }
    if (i == HOSTS_TIMES) {
        return words_fail(words, 1, "more than %d SNTP servers", (int)HOSTS_TIMES);
    }
    hosts->times += i == hosts->times ? 1 : 0;
    hosts->time[i] = said;
    return true;
}

/* ---- Names ----------------------------------------------------------------------------------------------------- */

/* `dns dead|ok`: all of them. `dns IP dead|ok`: one. */
static bool say_dns(void *context, words_t *words)
{
    hosts_t           *hosts = context;
    cipmux_address_t   at;
    const words_arg_t *first = words_plain(words, 1, "ok, dead or an address");
    if (first == NULL) {
        return false;
    }
    if (words_is(first, "ok") || words_is(first, "dead")) {
        hosts->names_dead = words_is(first, "dead");
        return true;
    }
    if (!words_read_host((const char *)first->text, first->length, &at) || at.family != 4) {
        return words_expected(words, first, "ok, dead or an address");
    }
    const words_arg_t *how = words_plain(words, 2, "ok or dead");
    if (how == NULL || (!words_is(how, "ok") && !words_is(how, "dead"))) {
        return how != NULL && words_expected(words, how, "ok or dead");
    }
    size_t i = 0;
    while (i < hosts->name_servers && memcmp(hosts->name_server[i].ip, at.bytes, 4) != 0) {
        i++;
    }
    if (i == HOSTS_NAMES) {
        return words_fail(words, 1, "more than %d name servers", (int)HOSTS_NAMES);
    }
    hosts->name_servers += i == hosts->name_servers ? 1 : 0;
    memcpy(hosts->name_server[i].ip, at.bytes, 4);
    hosts->name_server[i].dead = words_is(how, "dead");
    return true;
}

/* ---- The update ------------------------------------------------------------------------------------------------ */

static bool say_update(void *context, words_t *words)
{
    hosts_t           *hosts = context;
    long               at = 1;
    uint64_t           after_us = 0;
    const words_arg_t *how = words_plain(words, 1, "ok, fails or hangs");
    if (how == NULL || !words_key_number(words, "at", 1, 5, &at) || !words_key_time(words, "after", &after_us)) {
        return false;
    }
    if (!words_is(how, "ok") && !words_is(how, "fails") && !words_is(how, "hangs")) {
        return words_expected(words, how, "ok, fails or hangs");
    }
    hosts->update_steps = words_is(how, "ok") ? 5 : (uint8_t)(at - 1);
    hosts->update_hangs = words_is(how, "hangs");
    hosts->update_us = after_us;
    return true;
}

const words_verb_t hosts_verbs[HOSTS_VERBS] = {
    { "ping", say_ping, "ping IP TIME|lost", "answers an echo after that time, or never" },
    { "sntp", say_sntp, "sntp HOST|any \"2020-02-06 14:23:50\"|clock|silent|unknown [after=TIME]",
      "an SNTP server: its time (UTC, now), that of this computer's clock, no answer, no such host" },
    { "dns", say_dns, "dns [IP] dead|ok", "no name server answers, or that one does not" },
    { "update", say_update, "update ok|fails|hangs [at=STEP] [after=TIME]",
      "what AT+CIUPDATE and AT+USEROTA meet; each step takes that time; it fails or hangs at step 1 (default) to 5" },
};
