/* Reading and writing mDNS packets. See mdns_packet.h. */
#include "mdns_packet.h"

#include <string.h>

enum {
    HEADER = 12,
    NAME = 255,
    JUMPS = 32, /* compression pointers in one name */
    FLAG_ANSWER = 0x8000,
    FLAG_AUTHORITATIVE = 0x0400,
    OPCODE_AND_RCODE = 0x780f,
    CLASS_IN = 1,
    CLASS_ANY = 255,
    CLASS_BIT = 0x8000, /* of a question: unicast; of a record: forget others */
    TYPE_A = 1,
    TYPE_PTR = 12,
    TYPE_TXT = 16,
    TYPE_SRV = 33,
    TYPE_ANY = 255,
    TTL_HOST_S = 120, /* of records with the host's name or address in them */
    TTL_OTHER_S = 4500,
    TTL_LEGACY_S = 10,
};

/* ---- Names ------------------------------------------------------------------------------------------------------- */

/* A name as on the wire, without compression. */
typedef struct {
    uint8_t byte[NAME];
    size_t  n;
} name_t;

static void add_label(name_t *name, const void *label, size_t length)
{
    name->byte[name->n++] = (uint8_t)length;
    memcpy(name->byte + name->n, label, length);
    name->n += length;
}

static name_t name_end(name_t name)
{
    name.byte[name.n++] = 0;
    return name;
}

static name_t host_name(const mdns_host_t *host)
{
    name_t name = { .n = 0 };
    add_label(&name, host->host, host->host_length);
    add_label(&name, "local", 5);
    return name_end(name);
}

/* SERVICE._tcp.local, with the host in front: this one's. */
static name_t service_name(const mdns_host_t *host, bool instance)
{
    name_t name = { .n = 0 };
    if (instance) add_label(&name, host->host, host->host_length);
    add_label(&name, host->service, host->service_length);
    add_label(&name, "_tcp", 4);
    add_label(&name, "local", 5);
    return name_end(name);
}

static name_t types_name(void)
{
    name_t name = { .n = 0 };
    add_label(&name, "_services", 9);
    add_label(&name, "_dns-sd", 7);
    add_label(&name, "_udp", 4);
    add_label(&name, "local", 5);
    return name_end(name);
}

static uint8_t lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 'a' - 'A') : byte;
}

/* Names differ neither by case nor in how they are compressed. */
static bool same_name(const name_t *a, const name_t *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (lower(a->byte[i]) != lower(b->byte[i])) return false; /* no length is as large as a letter */
    return true;
}

/* ---- Reading ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const uint8_t *packet;
    size_t         n, at;
    bool           bad;
} reader_t;

static uint16_t read16(reader_t *reader)
{
    if (reader->bad || reader->n - reader->at < 2) {
        reader->bad = true;
        return 0;
    }
    const uint8_t *const at = reader->packet + reader->at;
    reader->at += 2;
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void skip(reader_t *reader, size_t n)
{
    if (reader->bad || reader->n - reader->at < n)
        reader->bad = true;
    else
        reader->at += n;
}

/* A name whose pointers lead backwards only. `reader` stands behind it afterwards. */
static name_t read_name(reader_t *reader)
{
    name_t name = { .n = 0 };
    size_t at = reader->at, floor = reader->at;
    bool   jumped = false;
    for (int jumps = 0; !reader->bad;) {
        const uint8_t length = at < reader->n ? reader->packet[at] : 0xff;
        const size_t  step = length >= 0xc0 ? 2 : 1 + (size_t)length;
        reader->bad = (length > MDNS_LABEL && length < 0xc0) || at + step > reader->n;
        if (reader->bad) break;
        if (length >= 0xc0) {
            const size_t to = (size_t)(length & 0x3f) << 8 | reader->packet[at + 1];
            if (!jumped) reader->at = at + 2;
            reader->bad = to >= floor || to < HEADER || ++jumps > JUMPS;
            jumped = true;
            at = floor = to;
            continue;
        }
        reader->bad = name.n + step > NAME;
        if (reader->bad) break;
        memcpy(name.byte + name.n, reader->packet + at, step);
        name.n += step;
        at += step;
        if (length > 0) continue;
        if (!jumped) reader->at = at;
        break;
    }
    return name;
}

static bool is_asked(uint16_t type, uint16_t asked)
{
    return asked == type || asked == TYPE_ANY;
}

/* Which records a question of that name and type means. */
static unsigned records_of(const mdns_host_t *host, const name_t *name, uint16_t type)
{
    const name_t own = host_name(host), service = service_name(host, false), instance = service_name(host, true),
                 types = types_name();
    unsigned records = 0;
    if (same_name(name, &own) && is_asked(TYPE_A, type)) records |= MDNS_A;
    if (same_name(name, &service) && is_asked(TYPE_PTR, type)) records |= MDNS_PTR;
    if (same_name(name, &types) && is_asked(TYPE_PTR, type)) records |= MDNS_TYPES;
    if (same_name(name, &instance) && is_asked(TYPE_SRV, type)) records |= MDNS_SRV;
    if (same_name(name, &instance) && is_asked(TYPE_TXT, type)) records |= MDNS_TXT;
    return records;
}

static void read_questions(const mdns_host_t *host, reader_t *reader, uint16_t count, mdns_question_t *out)
{
    out->unicast = true;
    for (uint16_t i = 0; i < count && !reader->bad; i++) {
        const name_t   name = read_name(reader);
        const uint16_t type = read16(reader), class = read16(reader);
        if (reader->bad) return;
        if (i == 0) out->question = reader->at - HEADER;
        if ((class & ~CLASS_BIT) != CLASS_IN && (class & ~CLASS_BIT) != CLASS_ANY) continue;
        const unsigned records = records_of(host, &name, type);
        if (records && !(class & CLASS_BIT)) out->unicast = false;
        out->records |= records;
    }
}

/* The shared records that the asker knows, and will for at least half of their time. */
static unsigned read_known(const mdns_host_t *host, reader_t *reader, uint16_t count)
{
    const name_t instance = service_name(host, true), service = service_name(host, false);
    unsigned     known = 0;
    for (uint16_t i = 0; i < count && !reader->bad; i++) {
        const name_t   name = read_name(reader);
        const uint16_t type = read16(reader);
        read16(reader); /* class */
        const uint32_t ttl_high = read16(reader), ttl = ttl_high << 16 | read16(reader);
        const uint16_t length = read16(reader);
        reader_t       data = *reader;
        skip(reader, length);
        if (reader->bad) return 0;
        if (type != TYPE_PTR || ttl < TTL_OTHER_S / 2) continue;
        const name_t to = read_name(&data);
        if (data.bad || data.at != reader->at) {
            reader->bad = true;
            return 0;
        }
        const unsigned records = records_of(host, &name, type);
        if (same_name(&to, &instance)) known |= records & MDNS_PTR;
        if (same_name(&to, &service)) known |= records & MDNS_TYPES;
    }
    return known;
}

bool mdns_read(const mdns_host_t *host, const uint8_t *packet, size_t n, mdns_question_t *out)
{
    reader_t reader = { .packet = packet, .n = n };
    *out = (mdns_question_t){ .id = read16(&reader) };
    const uint16_t flags = read16(&reader), questions = read16(&reader), answers = read16(&reader);
    skip(&reader, 4);
    if (reader.bad || flags & (FLAG_ANSWER | OPCODE_AND_RCODE)) return false;
    read_questions(host, &reader, questions, out);
    out->records &= ~read_known(host, &reader, answers);
    return !reader.bad;
}

/* ---- Writing ----------------------------------------------------------------------------------------------------- */

typedef struct {
    uint8_t    *out;
    size_t      n;
    mdns_kind_t kind;
    uint16_t    count;
} writer_t;

static void put(writer_t *writer, const void *bytes, size_t n)
{
    memcpy(writer->out + writer->n, bytes, n);
    writer->n += n;
}

static void put16(writer_t *writer, unsigned value)
{
    const uint8_t bytes[2] = { (uint8_t)(value >> 8), (uint8_t)value };
    put(writer, bytes, sizeof bytes);
}

/* A record up to its data, of n bytes. A unique one takes the place of what others know under that name. */
static void put_record(writer_t *writer, const name_t *name, unsigned type, uint32_t ttl_s, bool unique, size_t n)
{
    if (writer->kind == MDNS_GOODBYE) ttl_s = 0;
    if (writer->kind == MDNS_LEGACY && ttl_s > TTL_LEGACY_S) ttl_s = TTL_LEGACY_S;
    put(writer, name->byte, name->n);
    put16(writer, type);
    put16(writer, unique && writer->kind != MDNS_LEGACY ? CLASS_IN | CLASS_BIT : CLASS_IN);
    put16(writer, ttl_s >> 16);
    put16(writer, ttl_s & 0xffff);
    put16(writer, (unsigned)n);
    writer->count++;
}

static void put_pointer(writer_t *writer, const name_t *from, const name_t *to)
{
    put_record(writer, from, TYPE_PTR, TTL_OTHER_S, false, to->n);
    put(writer, to->byte, to->n);
}

static void put_text(writer_t *writer, const name_t *name, const char *about)
{
    put_record(writer, name, TYPE_TXT, TTL_OTHER_S, true, strlen(about) + 1); /* a length for each '\n', and one more */
    for (;;) {
        const size_t  length = strcspn(about, "\n");
        const uint8_t byte = (uint8_t)length;
        put(writer, &byte, 1);
        put(writer, about, length);
        if (about[length] == '\0') return;
        about += length + 1;
    }
}

static void put_records(writer_t *writer, const mdns_host_t *host, unsigned records, const uint8_t address[4])
{
    const name_t own = host_name(host), service = service_name(host, false), instance = service_name(host, true),
                 types = types_name();
    if (records & MDNS_TYPES) put_pointer(writer, &types, &service);
    if (records & MDNS_PTR) put_pointer(writer, &service, &instance);
    if (records & MDNS_SRV) {
        put_record(writer, &instance, TYPE_SRV, TTL_HOST_S, true, 6 + own.n);
        put16(writer, 0); /* priority, weight */
        put16(writer, 0);
        put16(writer, host->port);
        put(writer, own.byte, own.n);
    }
    if (records & MDNS_TXT) put_text(writer, &instance, host->about);
    if (records & MDNS_A) {
        put_record(writer, &own, TYPE_A, TTL_HOST_S, true, 4);
        put(writer, address, 4);
    }
}

/* What whoever asks for these wants next. */
static unsigned next_of(unsigned records)
{
    unsigned next = 0;
    if (records & MDNS_PTR) next |= MDNS_SRV | MDNS_TXT | MDNS_A;
    if (records & MDNS_SRV) next |= MDNS_A;
    return next & ~records;
}

size_t mdns_write(uint8_t out[MDNS_PACKET], const mdns_host_t *host, unsigned records, mdns_kind_t kind,
                  const uint8_t address[4], const mdns_question_t *question, const uint8_t *packet)
{
    writer_t writer = { .out = out, .kind = kind };
    put16(&writer, question ? question->id : 0);
    put16(&writer, FLAG_ANSWER | FLAG_AUTHORITATIVE);
    put16(&writer, question ? 1 : 0);
    const size_t counts = writer.n;
    writer.n = HEADER;
    if (question) put(&writer, packet + HEADER, question->question);
    put_records(&writer, host, records, address);
    const uint16_t answers = writer.count;
    if (kind != MDNS_GOODBYE) put_records(&writer, host, next_of(records), address);
    const size_t length = writer.n;
    writer.n = counts;
    put16(&writer, answers);
    put16(&writer, 0);
    put16(&writer, writer.count - (unsigned)answers);
    return length;
}
