/* What the AT+CIPSSL... commands set for the next SSL link: chapter 3.22 of the reference, and services 4. */
#include "internal.h"

#include <string.h>

/* ---- The room of the options ---- */

typedef enum { SSL_CN, SSL_SNI, SSL_ALPN, SSL_PSK, SSL_SUITES } ssl_kind_t;

enum { RECORD_HEAD = 3, ALL_LINKS = (1 << CIPMUX_LINKS) - 1 };

typedef struct {
    const char *bytes;
    uint8_t     length;
} option_t;

/* What `kind` is set to for link `id`; length 0: nothing. */
static option_t find(const modem_t *m, ssl_kind_t kind, size_t id)
{
    const ssl_options_t *const o = &m->ssl_options;
    for (size_t at = 0; at < o->fill; at += RECORD_HEAD + (size_t)o->room[at + 2])
        if (o->room[at] == kind && (o->room[at + 1] & 1u << id) != 0)
            return (option_t){ .bytes = (const char *)o->room + at + RECORD_HEAD, .length = o->room[at + 2] };
    return (option_t){ .bytes = "" };
}

/* Takes `kind` from those links; a record of no link goes. */
static void forget(modem_t *m, ssl_kind_t kind, uint8_t links)
{
    ssl_options_t *const o = &m->ssl_options;
    for (size_t at = 0; at < o->fill;) {
        const size_t size = RECORD_HEAD + (size_t)o->room[at + 2];
        if (o->room[at] == kind) o->room[at + 1] &= (uint8_t)~links;
        if (o->room[at + 1] != 0) {
            at += size;
            continue;
        }
        memmove(o->room + at, o->room + at + size, o->fill - at - size);
        o->fill = (uint16_t)(o->fill - size);
    }
}

/* Sets, or with n 0 clears. */
static verdict_t keep(modem_t *m, ssl_kind_t kind, uint8_t links, const uint8_t *bytes, size_t n)
{
    ssl_options_t *const o = &m->ssl_options;
    forget(m, kind, links);
    if (n == 0) return VERDICT_OK;
    if (n > UINT8_MAX || o->fill + RECORD_HEAD + n > SSL_ROOM) return refuse(m, CIPMUX_REASON_SSL_FULL, TEXT_NONE);
    uint8_t *const record = o->room + o->fill;
    record[0] = (uint8_t)kind;
    record[1] = links;
    record[2] = (uint8_t)n;
    memcpy(record + RECORD_HEAD, bytes, n);
    o->fill = (uint16_t)(o->fill + RECORD_HEAD + n);
    return VERDICT_OK;
}

/* The links that argument 0 names (5: all), or link 0 in single mode. 0: one of them is connected, and the note is made. */
static uint8_t free_links(modem_t *m, const args_t *args)
{
    const int32_t id = m->mux ? args->at[0].number : 0;
    const uint8_t links = (uint8_t)(id == CIPMUX_LINKS ? ALL_LINKS : 1u << id);
    for (uint8_t i = 0; i < CIPMUX_LINKS; i++) {
        if ((links & 1u << i) == 0 || !link_is_open(m, i)) continue;
        note(m, CIPMUX_REASON_LINK_CONNECTED, i, 0);
        return 0;
    }
    return links;
}

/* The end of an SSL link, or of its handshake [services 4.2]. */
void ssl_link_ended(modem_t *m)
{
    if (quirk(m, CIPMUX_QUIRK_SSL_ONE_SHOT) && !sender_is_through(m)) m->ssl_options.fill = 0;
}

/* ---- AT+CIPSSLSIZE ---- */

static bool ssl_is_open(const modem_t *m)
{
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        if (link_is_open(m, id) && m->link[id].type == CIPMUX_SSL) return true;
    return false;
}

verdict_t query_cipsslsize(modem_t *m)
{
    say(m, TEXT_SSL_MODE, m->ssl_size);
    return VERDICT_OK;
}

verdict_t set_cipsslsize(modem_t *m, args_t *args)
{
    if (ssl_is_open(m)) return refuse(m, CIPMUX_REASON_SSL_OPEN, TEXT_SSL_MUST_CLOSE);
    m->ssl_size = (uint16_t)args->at[0].number;
    return VERDICT_OK;
}

/* ---- AT+CIPSSLCCONF ---- */

/* The word for what is missing, or TEXT_NONE. */
static text_t missing(const modem_t *m, certificates_t c)
{
    if ((c.auth & 1) != 0 && c.key >= quirk(m, CIPMUX_QUIRK_CLIENT_CERTIFICATES)) return TEXT_NO_CERT;
    if ((c.auth & 1) != 0 && c.key >= quirk(m, CIPMUX_QUIRK_CLIENT_KEYS)) return TEXT_NO_KEY;
    if ((c.auth & 2) != 0 && c.ca >= quirk(m, CIPMUX_QUIRK_CLIENT_CAS)) return TEXT_NO_CA;
    return TEXT_NONE;
}

bool ssl_has_certificates(const modem_t *m, uint8_t id)
{
    return missing(m, m->certificates[m->family == FAMILY_ESP_AT ? id : 0]) == TEXT_NONE;
}

verdict_t query_cipsslcconf(modem_t *m)
{
    say(m, TEXT_SSL_MODE, m->certificates[0].auth);
    for (int id = 0; id < CIPMUX_LINKS; id++)
        say(m, TEXT_SSL_CONF, id, m->certificates[id].auth, m->certificates[id].key, m->certificates[id].ca);
    return VERDICT_OK;
}

/* nonos: one mode for the one link, and the certificates are looked for by AT+CIPSTART. */
verdict_t set_cipsslcconf(modem_t *m, args_t *args)
{
    const bool     each = m->family == FAMILY_ESP_AT;
    const size_t   at = each && m->mux ? 1 : 0;
    const int      id = at == 1 ? (int)args->at[0].number : CIPMUX_LINKS;
    certificates_t wanted = { .auth = (uint8_t)args->at[at].number };
    if (arg_given(args, at + 1)) wanted.key = (uint8_t)args->at[at + 1].number;
    if (arg_given(args, at + 2)) wanted.ca = (uint8_t)args->at[at + 2].number;
    const text_t word = missing(m, wanted);
    if (each && word != TEXT_NONE) return refuse(m, CIPMUX_REASON_NO_CERTIFICATE, word);
    for (int i = 0; i < CIPMUX_LINKS; i++) {
        if (id != i && id != CIPMUX_LINKS) continue;
        m->certificates[i] = wanted;
        if (each && settings_wanted(m)) m->saved.certificates[i] = wanted;
    }
    return VERDICT_OK;
}

/* ---- AT+CIPSSLCCN, AT+CIPSSLCSNI ---- */

static ssl_kind_t text_kind(const modem_t *m)
{
    const char *const name = m->slot.command->name;
    return same_text(name, strlen(name), "+CIPSSLCCN") ? SSL_CN : SSL_SNI;
}

static bool shown(const modem_t *m, option_t option)
{
    return option.length > 0 || quirk(m, CIPMUX_QUIRK_SSL_UNSET_LINES);
}

verdict_t query_cipsslctext(modem_t *m)
{
    for (size_t id = 0; id < CIPMUX_LINKS; id++) {
        const option_t text = find(m, text_kind(m), id);
        if (shown(m, text)) say(m, TEXT_SSL_TEXT, (int)id, text.bytes, (int)text.length);
    }
    return VERDICT_OK;
}

verdict_t set_cipsslctext(modem_t *m, args_t *args)
{
    const uint8_t      links = free_links(m, args);
    const arg_t *const text = &args->at[m->mux ? 1 : 0];
    if (links == 0) return VERDICT_ERROR;
    return keep(m, text_kind(m), links, (const uint8_t *)text->text, text->length);
}

/* ---- AT+CIPSSLCALPN: names, each behind its length ---- */

static bool say_alpn(modem_t *m, size_t id)
{
    if (id == CIPMUX_LINKS) return false;
    const option_t alpn = find(m, SSL_ALPN, id);
    if (!shown(m, alpn)) return true;
    say(m, TEXT_SSL_ALPN, (int)id);
    for (size_t at = 0; at < alpn.length; at += 1u + (uint8_t)alpn.bytes[at])
        say(m, TEXT_SSL_ALPN_NAME, alpn.bytes + at + 1, (int)(uint8_t)alpn.bytes[at]);
    say(m, TEXT_LINE_END);
    return true;
}

verdict_t query_cipsslcalpn(modem_t *m)
{
    return slot_list(m, say_alpn);
}

verdict_t set_cipsslcalpn(modem_t *m, args_t *args)
{
    uint8_t       bytes[CIPMUX_LINE_MAX];
    size_t        n = 0;
    const size_t  at = m->mux ? 1 : 0;
    const uint8_t links = free_links(m, args);
    if (links == 0) return VERDICT_ERROR;
    if (args->at[at].number != args->count - (int32_t)at - 1) return refuse_argument(m, FAULT_COUNT, at, TEXT_NONE);
    for (size_t i = at + 1; i < args->count; i++) {
        const arg_t *const name = &args->at[i];
        if (name->kind != ARG_TEXT) return refuse_argument(m, FAULT_COUNT, i, TEXT_NONE);
        bytes[n++] = (uint8_t)name->length;
        memcpy(bytes + n, name->text, name->length);
        n += name->length;
    }
    return keep(m, SSL_ALPN, links, bytes, n);
}

/* ---- AT+CIPSSLCPSK, AT+CIPSSLCPSKHEX: the key's length, the key, the hint ---- */

enum { PSK_MAX = 32 };

static bool is_hex(const modem_t *m)
{
    const char *const name = m->slot.command->name;
    return same_text(name, strlen(name), "+CIPSSLCPSKHEX");
}

static bool say_psk(modem_t *m, size_t id)
{
    char         digits[2 * PSK_MAX];
    const size_t end = m->mux || !quirk(m, CIPMUX_QUIRK_PSK_LINES_MUX) ? CIPMUX_LINKS : 1;
    if (id == end) return false;
    const option_t psk = find(m, SSL_PSK, id);
    const size_t   length = psk.length > 0 ? (uint8_t)psk.bytes[0] : 0;
    if (!shown(m, psk)) return true;
    const char *const key = psk.bytes + (psk.length > 0);
    for (size_t i = 0; i < length && is_hex(m); i++)
        text_hex(digits + 2 * i, (uint8_t)key[i], 2);
    const char *const hint = key + length;
    const int         hint_length = psk.length > 0 ? (int)(psk.length - length - 1) : 0;
    if (is_hex(m))
        say(m, TEXT_SSL_PSK, (int)id, digits, (int)(2 * length), hint, hint_length);
    else
        say(m, TEXT_SSL_PSK, (int)id, key, (int)length, hint, hint_length);
    return true;
}

verdict_t query_cipsslcpsk(modem_t *m)
{
    return slot_list(m, say_psk);
}

verdict_t set_cipsslcpsk(modem_t *m, args_t *args)
{
    uint8_t            bytes[1 + 2 * PSK_MAX];
    const size_t       at = m->mux ? 1 : 0;
    const arg_t *const key = &args->at[at], *const hint = &args->at[at + 1];
    const uint8_t links = free_links(m, args);
    if (links == 0) return VERDICT_ERROR;
    if (is_hex(m)) {
        if (!parse_hex(key->text, key->length, bytes + 1)) return refuse_argument(m, FAULT_PARSE, at, TEXT_NONE);
        bytes[0] = (uint8_t)(key->length / 2);
    } else {
        bytes[0] = (uint8_t)key->length;
        memcpy(bytes + 1, key->text, key->length);
    }
    memcpy(bytes + 1 + bytes[0], hint->text, hint->length);
    const size_t n = bytes[0] + (size_t)hint->length;
    return keep(m, SSL_PSK, links, bytes, n > 0 ? n + 1 : 0);
}

/* ---- AT+CIPSSLCCIPHER: two bytes a suite ---- */

/* What mbedTLS of that SDK lists with the configuration of the default build, in its order (GUESS) [services 4.3]. */
/* clang-format off */
static const uint16_t suites[] = {
    /* ECDHE and DHE: AES-256, AES-128 */
    0xc02c, 0xc030, 0x009f, 0xc0ad, 0xc09f, 0xc024, 0xc028, 0x006b, 0xc00a, 0xc014, 0x0039, 0xc0af, 0xc0a3,
    0xc02b, 0xc02f, 0x009e, 0xc0ac, 0xc09e, 0xc023, 0xc027, 0x0067, 0xc009, 0xc013, 0x0033, 0xc0ae, 0xc0a2,
    /* the same with a pre-shared key */
    0x00ab, 0xc0a7, 0xc038, 0x00b3, 0xc036, 0x0091, 0xc0ab, 0x00aa, 0xc0a6, 0xc037, 0x00b2, 0xc035, 0x0090, 0xc0aa,
    /* RSA and ECDH: AES-256, AES-128 */
    0x009d, 0xc09d, 0x003d, 0x0035, 0xc032, 0xc02a, 0xc00f, 0xc02e, 0xc026, 0xc005, 0xc0a1,
    0x009c, 0xc09c, 0x003c, 0x002f, 0xc031, 0xc029, 0xc00e, 0xc02d, 0xc025, 0xc004, 0xc0a0,
    /* RSA and a pre-shared key, a pre-shared key alone */
    0x00ad, 0x00b7, 0x0095, 0x00ac, 0x00b6, 0x0094,
    0x00a9, 0xc0a5, 0x00af, 0x008d, 0xc0a9, 0x00a8, 0xc0a4, 0x00ae, 0x008c, 0xc0a8,
};
/* clang-format on */
enum { SUITES = sizeof suites / sizeof suites[0] };

static bool say_suite(modem_t *m, size_t index)
{
    static const char digits[] = "0123456789ABCDEF";
    char              text[5] = "";
    if (index == SUITES) return false;
    for (unsigned i = 0; i < 4; i++)
        text[i] = digits[suites[index] >> (12 - 4 * i) & 15];
    say(m, TEXT_SSL_CIPHER, (int)index, text);
    return true;
}

verdict_t query_cipsslccipher(modem_t *m)
{
    return slot_list(m, say_suite);
}

static bool is_supported(int32_t suite)
{
    for (size_t i = 0; i < SUITES; i++)
        if (suites[i] == suite) return true;
    return false;
}

verdict_t set_cipsslccipher(modem_t *m, args_t *args)
{
    uint8_t       bytes[2 * ARG_MAX];
    size_t        n = 0;
    const size_t  at = m->mux ? 1 : 0;
    const uint8_t links = free_links(m, args);
    if (links == 0) return VERDICT_ERROR;
    if (args->at[at].number != args->count - (int32_t)at - 1) return refuse_argument(m, FAULT_COUNT, at, TEXT_NONE);
    for (size_t i = at + 1; i < args->count; i++) {
        const int32_t suite = args->at[i].number;
        if (!is_supported(suite)) {
            if (!quirk(m, CIPMUX_QUIRK_SSL_SKIPS)) return refuse(m, CIPMUX_REASON_NO_SUITE, TEXT_NONE);
            continue;
        }
        bytes[n++] = (uint8_t)(suite >> 8);
        bytes[n++] = (uint8_t)suite;
    }
    if (n == 0 && args->at[at].number > 0) return refuse(m, CIPMUX_REASON_NO_SUITE, TEXT_NONE);
    return keep(m, SSL_SUITES, links, bytes, n);
}
