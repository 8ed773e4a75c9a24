/* What happens to a modem, as steps. See record.h. */
#include "record.h"

#include "address.h"
#include "scene.h"
#include "writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENDPOINTS = 24,
    NAME_MAX_BYTES = 24,
    LOOK_BYTES = 2048, /* a peer's bytes are looked at when there are so many */
    EARLY_US = 5000,   /* before the modem dials by its own clock */
};

/* A UDP endpoint. */
typedef struct {
    cipmux_address_t at;
    char             name[NAME_MAX_BYTES];
} endpoint_t;

typedef struct {
    char           name[NAME_MAX_BYTES];
    bool           udp;
    uint16_t       port; /* UDP: its own, as typed; 0: any */
    bool           dialling;
    char           to[ADDRESS_TEXT_MAX]; /* TCP: what was dialled */
    writer_line_t *dialled, *watched;
    uint64_t       dialled_us;
    unsigned       dial_inputs, watch_inputs;
    writer_bytes_t sent; /* that nobody has looked at */
} link_t;

struct record {
    FILE                  *file;
    cipmux_t              *modem;
    const cipmux_config_t *config;
    writer_t               writer;
    writer_bytes_t         waiting; /* printed, not yet on the wire */
    endpoint_t             endpoint[ENDPOINTS];
    size_t                 endpoints;
    unsigned               peers, clients, last_dial_inputs;
    link_t                 link[CIPMUX_LINKS];
    writer_line_t         *resolved, *echo;
    char                   host[CIPMUX_HOST_MAX + 1];
    uint64_t               resolve_us;
    char                   pinged[ADDRESS_TEXT_MAX];
};

/* ---- Header ------------------------------------------------------------------------------------------------------ */

static void write_timing(FILE *file, const cipmux_config_t *config)
{
    static const char *const names[] = {
#define X(name, nonos, esp_at, fast, meaning) #name,
        CIPMUX_TIMES(X)
#undef X
    };
    cipmux_config_t plain = *config;
    cipmux_config_timing(&plain, true);
    if (memcmp(plain.time_ms, config->time_ms, sizeof plain.time_ms) == 0) {
        fprintf(file, "# timing: real\n");
        return;
    }
    cipmux_config_timing(&plain, false);
    for (size_t i = 0; i < CIPMUX_TIME_COUNT; i++) {
        if (plain.time_ms[i] == config->time_ms[i]) continue;
        fprintf(file, "# timing: ");
        for (const char *at = names[i]; *at; at++)
            fputc(*at == '_' ? '_' : *at - 'A' + 'a', file);
        fprintf(file, "=%lu\n", (unsigned long)config->time_ms[i]);
    }
}

static void write_quirks(FILE *file, const cipmux_config_t *config)
{
    static const char *const ids[] = {
#define X(name, id, nonos, esp_at, max, rows, values) id,
        CIPMUX_QUIRKS(X)
#undef X
    };
    cipmux_config_t plain = *config;
    cipmux_config(&plain, cipmux_dialect_name(config->dialect));
    for (size_t i = 0; i < CIPMUX_QUIRK_COUNT; i++)
        if (plain.quirk[i] != config->quirk[i]) fprintf(file, "# quirk: %s=%u\n", ids[i], (unsigned)config->quirk[i]);
    if (memcmp(plain.mac, config->mac, sizeof plain.mac) != 0)
        fprintf(file, "# It had a MAC address of its own: what shows that will differ.\n");
}

static void write_header(const record_t *record, const uint32_t *noted)
{
    FILE *file = record->file;
    fprintf(file, "# dialect: %s\n# compare: bytes\n", cipmux_dialect_name(record->config->dialect));
    write_timing(file, record->config);
    write_quirks(file, record->config);
    if (record->config->gmr) {
        writer_bytes_t text = { 0 };
        writer_escape(&text, (const uint8_t *)record->config->gmr, strlen(record->config->gmr), false);
        fprintf(file, "# gmr: %.*s\n", (int)text.n, (const char *)text.bytes);
        free(text.bytes);
    }
    fprintf(file, "# start: off\n# source: recorded by cipmux %s\n", CIPMUX_VERSION);
    for (size_t i = 0; i < CIPMUX_REASON_COUNT; i++)
        if (noted[i]) fprintf(file, "# reasons: %s\n", cipmux_reason_id((cipmux_reason_t)i));
}

/* ---- Peers ------------------------------------------------------------------------------------------------------- */

static void new_name(record_t *record, char *name)
{
    snprintf(name, NAME_MAX_BYTES, "peer%u", ++record->peers);
}

/* The name of a UDP endpoint, which is made when it is new. */
static const char *name_of(record_t *record, const cipmux_address_t *at)
{
    char text[ADDRESS_TEXT_MAX];
    for (size_t i = 0; i < record->endpoints; i++)
        if (address_same(&record->endpoint[i].at, at)) return record->endpoint[i].name;
    if (record->endpoints == ENDPOINTS) {
        record_remark(record, "More UDP peers than the simulated network has: here it will differ.");
        return record->endpoint[0].name;
    }
    endpoint_t *endpoint = &record->endpoint[record->endpoints++];
    endpoint->at = *at;
    new_name(record, endpoint->name);
    writer_fill(writer_hole(&record->writer), "udp %s %s", endpoint->name, address_text(at, text));
    return endpoint->name;
}

static void look(record_t *record, link_t *link)
{
    if (link->sent.n > 0) writer_look(&record->writer, link->name, link->sent.bytes, link->sent.n);
    link->sent.n = 0;
}

/* Before a step: what has come to peers is looked at before it is more than they can hold. */
static void look_in_time(record_t *record)
{
    for (size_t i = 0; i < CIPMUX_LINKS; i++)
        if (record->link[i].sent.n >= LOOK_BYTES) look(record, &record->link[i]);
}

/* ---- Life -------------------------------------------------------------------------------------------------------- */

record_t *record_open(FILE *file, cipmux_t *modem, const cipmux_config_t *config, uint64_t now_us)
{
    record_t *record = calloc(1, sizeof *record);
    if (!record) return NULL;
    record->file = file;
    record->modem = modem;
    record->config = config;
    writer_init(&record->writer, now_us);
    return record;
}

bool record_close(record_t *record, const uint32_t noted[CIPMUX_REASON_COUNT])
{
    if (!record) return true;
    for (size_t i = 0; i < CIPMUX_LINKS; i++) {
        if (record->link[i].dialling) writer_fill(record->link[i].dialled, "silent %s", record->link[i].to);
        look(record, &record->link[i]);
        free(record->link[i].sent.bytes);
    }
    write_header(record, noted);
    writer_write(&record->writer, record->file);
    writer_free(&record->writer);
    free(record->waiting.bytes);
    bool good = !ferror(record->file);
    good = fclose(record->file) == 0 && good;
    free(record);
    return good;
}

/* ---- The wire ---------------------------------------------------------------------------------------------------- */

void record_settle(record_t *record, uint64_t now_us)
{
    uint8_t bytes[1024];
    size_t  n;
    if (!record) return;
    while ((n = cipmux_poll(record->modem, now_us, bytes, sizeof bytes)) > 0) {
        writer_add(&record->waiting, bytes, n);
        writer_printed(&record->writer, now_us, bytes, n);
    }
}

size_t record_read(record_t *record, uint8_t *out, size_t room)
{
    size_t n = record->waiting.n < room ? record->waiting.n : room;
    if (n > 0) memcpy(out, record->waiting.bytes, n);
    writer_cut(&record->waiting, n);
    return n;
}

bool record_is_full(const record_t *record)
{
    return record && record->waiting.n > RECORD_WAITING;
}

void record_printed(record_t *record, uint64_t now_us, const uint8_t *bytes, size_t n)
{
    if (record) writer_printed(&record->writer, now_us, bytes, n);
}

void record_typed(record_t *record, uint64_t now_us, const uint8_t *bytes, size_t n)
{
    if (!record) return;
    look_in_time(record);
    writer_typed(&record->writer, now_us, bytes, n);
}

void record_words(record_t *record, uint64_t now_us, const char *line)
{
    static words_t words;
    if (!record || !words_parse(&words, line) || words.count == 0) return;
    if (scene_is_of_the_world((const char *)words.arg[0].text)) writer_world(&record->writer, now_us, "%s", line);
}

void record_remark(record_t *record, const char *text)
{
    if (record) writer_remark(&record->writer, text);
}

void record_flash(record_t *record, uint64_t now_us, bool new)
{
    if (!record) return;
    if (!new) writer_remark(&record->writer, "It had saved settings of its own: what shows them will differ.");
    writer_world(&record->writer, now_us, "flash new");
}

/* The time of a turn may be a little behind that of a request. */
static uint64_t since(uint64_t from_us, uint64_t now_us)
{
    return now_us > from_us ? now_us - from_us : 0;
}

/* ---- Links begin ------------------------------------------------------------------------------------------------- */

void record_dial(record_t *record, uint64_t now_us, uint8_t link, const cipmux_request_t *request)
{
    if (!record) return;
    writer_t *writer = &record->writer;
    link_t   *dialled = &record->link[link];
    look(record, dialled);
    *dialled = (link_t){ .sent = dialled->sent,
                         .udp = request->dial.type == CIPMUX_UDP,
                         .port = request->dial.from.port,
                         .dialled_us = now_us };
    if (dialled->udp) {
        memcpy(dialled->name, name_of(record, &request->dial.to), NAME_MAX_BYTES);
        return;
    }
    dialled->dialling = true;
    address_text(&request->dial.to, dialled->to);
    if (record->last_dial_inputs == writer->inputs) { /* nobody asked for this one: by its own clock */
        record_settle(record, now_us);
        dialled->dialled = writer_hole_now(writer, now_us, EARLY_US);
    } else {
        dialled->dialled = writer_hole(writer);
    }
    record->last_dial_inputs = dialled->dial_inputs = writer->inputs;
}

void record_dialled(record_t *record, uint64_t now_us, uint8_t link, cipmux_cause_t cause)
{
    static const char *const words[] = { [CIPMUX_CAUSE_RESET] = "reset",
                                         [CIPMUX_CAUSE_TIMEOUT] = "silent",
                                         [CIPMUX_CAUSE_LOCAL] = "no-memory",
                                         [CIPMUX_CAUSE_TLS] = "no-tls" };
    link_t                  *dialled = record ? &record->link[link] : NULL;
    char                     after[40] = "";
    if (!dialled || !dialled->dialling) return;
    dialled->dialling = false;
    uint64_t us = since(dialled->dialled_us, now_us);
    bool     waits = cause != CIPMUX_CAUSE_TIMEOUT && us > 0;
    if (waits && (us >= 1000 || dialled->dial_inputs != record->writer.inputs))
        snprintf(after, sizeof after, " after=%lluus", (unsigned long long)us);
    if (cause == CIPMUX_CAUSE_NONE) {
        new_name(record, dialled->name);
        writer_fill(dialled->dialled, "listen %s %s%s", dialled->name, dialled->to, after);
        return;
    }
    const char *word = (size_t)cause < sizeof words / sizeof *words ? words[cause] : NULL;
    writer_fill(dialled->dialled, "%s %s%s", word ? word : "refuse", dialled->to, after);
}

void record_client(record_t *record, uint64_t now_us, const cipmux_link_t *link, const cipmux_address_t *from,
                   uint16_t port)
{
    char name[NAME_MAX_BYTES], text[ADDRESS_TEXT_MAX];
    if (!record) return;
    look_in_time(record);
    snprintf(name, sizeof name, "client%u", ++record->clients);
    writer_world(&record->writer, now_us, "client %s to %u from=%s", name, (unsigned)port, address_text(from, text));
    if (!link) return;
    writer_bytes_t sent = record->link[link->id].sent;
    record->link[link->id] = (link_t){ .sent = sent };
    memcpy(record->link[link->id].name, name, sizeof name);
}

void record_server_fails(record_t *record)
{
    if (record) writer_fill(writer_hole(&record->writer), "server fails");
}

/* ---- Bytes ------------------------------------------------------------------------------------------------------- */

void record_received(record_t *record, uint64_t now_us, uint8_t link, const cipmux_address_t *from,
                     const uint8_t *bytes, size_t n)
{
    char           to[16] = "";
    writer_bytes_t text = { 0 };
    if (!record) return;
    const char *name = from ? name_of(record, from) : record->link[link].name;
    if (record->link[link].port) snprintf(to, sizeof to, " to=%u", (unsigned)record->link[link].port);
    look_in_time(record);
    writer_escape(&text, bytes, n, true);
    writer_world(&record->writer, now_us, "%s sends \"%.*s\"%s", name, (int)text.n, (const char *)text.bytes, to);
    free(text.bytes);
}

void record_sent(record_t *record, uint8_t link, const cipmux_address_t *to, const uint8_t *bytes, size_t n)
{
    if (!record) return;
    if (to)
        writer_look(&record->writer, name_of(record, to), bytes, n);
    else
        writer_add(&record->link[link].sent, bytes, n);
}

void record_watched(record_t *record, uint8_t link)
{
    if (!record || record->link[link].udp || record->link[link].watched) return;
    record->link[link].watched = writer_hole(&record->writer);
    record->link[link].watch_inputs = record->writer.inputs;
}

/* The acknowledgement came so late that other things happened before: the peer held it back. */
static bool held_back(record_t *record, link_t *link)
{
    bool held = link->watched && link->watch_inputs != record->writer.inputs;
    if (held) writer_fill(link->watched, "%s holds-acks", link->name);
    link->watched = NULL;
    return held;
}

void record_acked(record_t *record, uint64_t now_us, uint8_t link)
{
    if (record && held_back(record, &record->link[link]))
        writer_world(&record->writer, now_us, "%s acks", record->link[link].name);
}

/* ---- Links end --------------------------------------------------------------------------------------------------- */

void record_ended(record_t *record, uint64_t now_us, uint8_t link, cipmux_cause_t cause)
{
    if (!record) return;
    link_t *ended = &record->link[link];
    held_back(record, ended);
    look(record, ended);
    if (cause == CIPMUX_CAUSE_TIMEOUT)
        record_remark(record, "A peer fell silent before this; here the modem gave it up.");
    writer_world(&record->writer, now_us, "%s %s", ended->name, cause == CIPMUX_CAUSE_FIN ? "closes" : "resets");
}

void record_hung_up(record_t *record, uint8_t link)
{
    if (!record) return;
    record_dialled(record, record->link[link].dialled_us, link, CIPMUX_CAUSE_TIMEOUT);
    held_back(record, &record->link[link]);
    look(record, &record->link[link]);
}

/* ---- Names and echoes -------------------------------------------------------------------------------------------- */

void record_resolve(record_t *record, uint64_t now_us, const char *name, size_t length)
{
    if (!record) return;
    record->resolved = writer_hole(&record->writer);
    record->resolve_us = now_us;
    snprintf(record->host, sizeof record->host, "%.*s", (int)length, name);
}

/* The address alone. */
static void ip_text(const cipmux_address_t *address, char *out)
{
    char        text[ADDRESS_TEXT_MAX];
    const char *begin = address_text(address, text), *end = strrchr(text, ':');
    if (*begin == '[') {
        begin++;
        end--;
    }
    snprintf(out, ADDRESS_TEXT_MAX, "%.*s", (int)(end - begin), begin);
}

void record_resolved(record_t *record, uint64_t now_us, const cipmux_address_t *address)
{
    char text[ADDRESS_TEXT_MAX] = "none";
    if (!record || !record->resolved) return;
    if (address->family) ip_text(address, text);
    writer_fill(record->resolved, "name %s %s after=%lluus", record->host, text,
                (unsigned long long)since(record->resolve_us, now_us));
    record->resolved = NULL;
}

void record_ping(record_t *record, const cipmux_address_t *to)
{
    if (!record) return;
    record->echo = writer_hole(&record->writer);
    ip_text(to, record->pinged);
    writer_fill(record->echo, "ping %s lost", record->pinged);
}

void record_echo(record_t *record, uint32_t ms)
{
    if (!record || !record->echo) return;
    writer_fill(record->echo, "ping %s %lums", record->pinged, (unsigned long)ms);
    record->echo = NULL;
}
