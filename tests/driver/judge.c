/* See judge.h. */
#include "judge.h"

#include <stdarg.h>
#include <string.h>

desk_t desk;
conn_t conn[CONNS];
life_t life[LIVES];
int    conns, lives, life_of[CIPDRV_LINKS];
sums_t sums;
bool   failed, up, unreachable, cut_off;
char   failure[400];

static uint32_t seed_key;

/* Where the driver's reader is. */
static struct {
    uint64_t next;     /* index of the byte that it gets next */
    bool     hurt;     /* a fault touched what it has read since the line's begin, or took something there */
    bool     astray;   /* it is out of step */
    bool     frame;    /* it takes the byte for payload */
    bool     hit;      /* the byte that it gets now is touched */
    uint64_t met_us;   /* when it met the last fault: it cannot notice that bytes are lost before the next ones come */
    uint32_t episode;  /* the present one; 0: none */
    uint32_t piece;    /* AT+CIPSEND that waits for its prompt, or did last: its unit */
    uint32_t unit;     /* of the last byte */
    uint32_t header;   /* unit of the last byte that was no payload: the header of the frame that it is in */
    uint64_t read_us;  /* when it got the last byte */
    uint64_t since_us; /* the last fault that it met, or that is on its way */
    uint64_t spelt_us; /* what the frames take whose headers were payload, since then */
    bool     shifted;  /* a touched command got one answer more: later commands have taken the ones before their own */
} reader;

static struct {
    bool told; /* FAULT */
} episode[EPISODES];
static uint32_t episodes;

/* Units, by number, of the last lines that told a link's end and begin and were hit, or not believed. */
static struct {
    uint32_t end, begin;
} unheard[5];
static uint32_t unlisted[5]; /* the same, of a line of AT+CIPSTATUS */

/* ---- Small things ------------------------------------------------------------------------------------------------ */

void fail(const char *format, ...)
{
    va_list list;
    if (failed) return;
    failed = true;
    va_start(list, format);
    size_t at = (size_t)snprintf(failure, sizeof failure, "at %.3f s: ", (double)desk.now_us / 1e6);
    vsnprintf(failure + at, sizeof failure - at, format, list); /* NOLINT(clang-analyzer-valist.Uninitialized) */
    va_end(list);
    if (desk.options.trace) fprintf(desk.options.trace, "FAILED %s\n", failure);
}

static uint32_t hash(uint32_t a, uint32_t b)
{
    uint64_t x = ((uint64_t)a << 32 | b) * UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return (uint32_t)(x >> 32);
}

uint8_t stream(uint32_t key, uint32_t at)
{
    static const char *const words[] = {
        "\r\nOK\r\n",    "\r\n+IPD,0,5:", "\r\n+IPD,4,2000:",     "0,CLOSED\r\n",    "\r\nCLOSED\r\n",
        "\r\nERROR\r\n", "\r\nready\r\n", "\r\n+IPD,3:",          "\r\nSEND OK\r\n", "\r\nSEND FAIL\r\n",
        "4,CONNECT\r\n", "busy p...\r\n", "\r\nRecv 9 bytes\r\n", "\r\n> ",          "WIFI DISCONNECT\r\n"
    };
    uint32_t block = hash(key, at / BLOCK), offset = at % BLOCK;
    if (block % 4 == 0 && at >= BLOCK) {
        const char *word = words[block / 4 % (sizeof words / sizeof *words)];
        if (offset < strlen(word)) return (uint8_t)word[offset];
    }
    return (uint8_t)(hash(key ^ 0x5555, at) >> 24);
}

static desk_unit_t *unit_down(uint32_t number)
{
    return desk_unit(&desk, DESK_TO_DRIVER, number);
}

static desk_unit_t *unit_up(uint32_t number)
{
    return desk_unit(&desk, DESK_TO_MODEM, number);
}

uint64_t longest(uint64_t *most, uint64_t since_us)
{
    uint64_t us = desk.now_us - since_us;
    if (us > *most) *most = us;
    return us;
}

life_t *life_now(uint8_t link)
{
    if (link >= CIPDRV_LINKS) fail("an event for link %u", link);
    int number = link < CIPDRV_LINKS ? life_of[link] : -1;
    return number < 0 ? NULL : &life[number];
}

life_t *new_life(uint8_t link)
{
    if (lives == LIVES) {
        fail("the test has too few lives");
        lives--;
    }
    life_t *l = &life[lives];
    memset(l, 0, offsetof(life_t, bytes));
    l->link = link;
    l->conn = -1;
    l->key = hash(seed_key, 2000000u + (uint32_t)lives);
    life_of[link] = lives++;
    sums.lives++;
    return l;
}

conn_t *conn_of(int16_t peer)
{
    uint32_t age = desk.world.net.peer[peer].age;
    for (int i = conns; i-- > 0;)
        if (conn[i].peer == peer && conn[i].age == age) return &conn[i];
    if (conns == CONNS) {
        fail("the test has too few connections");
        return NULL;
    }
    conn_t *c = &conn[conns++];
    *c = (conn_t){ .peer = peer, .age = age, .life = -1, .clean = true, .key = hash(seed_key, 1000000u + age) };
    c->link = desk.world.net.peer[peer].link;
    return c;
}

/* ---- Episodes ---------------------------------------------------------------------------------------------------- */

/* unit->tag: down, in which it was read, 0: in none; up, whether its prompt was; bytes that have arrived, without CR LF;
 * frames: how it was misread. */
enum { EPISODE = 2, SEEN = 3, MISREAD = 4 };
enum {
    REPLACED = 1,   /* other bytes were counted for its payload */
    SWALLOWED = 2,  /* bytes of it were counted for another's payload */
    LINE = 4,       /* payload of it was taken for a line and looks like text, or an ERROR may explain it */
    NOISE = 8,      /* and does not */
    ELSEWHERE = 16, /* it was counted for another link */
    MISLED = 32     /* a fault touched the AT+CIPRECVDATA that it answers, and the driver awaits that */
};

static void begin_episode(void)
{
    if (reader.episode) return;
    if (++episodes == EPISODES) {
        fail("the test has too few episodes");
        episodes--;
    }
    reader.episode = episodes;
    memset(&episode[episodes], 0, sizeof episode[0]);
    sums.episodes++;
}

static void end_episode(void)
{
    reader.hurt = false;
    reader.episode = 0;
}

/* A unit of which the reader did not get all, or not in step. What it told is unheard. */
static void mark(uint32_t number)
{
    desk_unit_t *unit = unit_down(number);
    const char  *text = unit->text;
    begin_episode();
    unit->tag[EPISODE] = reader.episode;
    if (unit->kind != DESK_TEXT) return; /* its text may not be complete yet, then there will be more bytes of it */
    if (text[0] == '>') unit_up(reader.piece)->tag[EPISODE] = 1;
    if (strncmp(text, "+CIPSTATUS:", 11) == 0 && text[11] >= '0' && text[11] < '5') unlisted[text[11] - '0'] = number;
    uint8_t link = text[0] >= '0' && text[0] < '5' && text[1] == ',' ? (uint8_t)(text[0] - '0') : 0;
    if (text[1] == ',') text += 2;
    if (strcmp(text, "CLOSED") == 0 || strcmp(text, "CONNECT FAIL") == 0) unheard[link].end = number;
    if (strcmp(text, "CONNECT") == 0) unheard[link].begin = number;
}

/* Faults took all up to this byte. */
static void note_losses(uint64_t index)
{
    if (index <= reader.next) return;
    reader.hurt = true;
    reader.met_us = desk.now_us;
    for (; reader.next < index; reader.next++)
        mark(desk_sent(&desk, DESK_TO_DRIVER, reader.next)->unit);
}

/* What was lost is seen by what comes behind it: that may not be read yet, or not have come. */
static void note_losses_at_end(void)
{
    const desk_line_t *line = &desk.line[DESK_TO_DRIVER];
    for (size_t i = desk.ring.at; i < desk.ring.n; i++)
        if (desk.ring.index[i] != DESK_NO_INDEX) {
            note_losses(desk.ring.index[i]);
            return;
        }
    if (desk.ring.at == desk.ring.n && line->straight) note_losses(line->arrived);
}

static bool is_hit(desk_arrival_t arrival)
{
    const desk_byte_t *was = desk_sent(&desk, DESK_TO_DRIVER, arrival.index);
    return !was || was->value != arrival.value || was->strange;
}

static bool at_line_begin(const cipdrv_t *driver)
{
    return driver->reading == READING_LINE && !driver->matched && driver->id == (CIPDRV_LINKS > 1 ? CIPDRV_NO_LINK : 0);
}

static bool is_blank(uint8_t c)
{
    return c == '\r' || c == '\n' || c == ' ';
}

/* A silence, and then the rest of a line: the modem echoes "+++", or a command whose end a fault took. For the driver a new
 * line begins. */
static bool broke_off(const desk_byte_t *was)
{
    const desk_unit_t *unit = unit_down(was->unit);
    if (unit->kind != DESK_TEXT || was->starts || desk.now_us / TICK - reader.read_us / TICK < SILENCE) return false;
    return strncmp(unit->text, "+++", 3) == 0 || desk.heard.hurt || desk.heard.wrong;
}

/* Is the reader in step with the byte that comes next? */
static void look_at_step(const cipdrv_t *driver, const desk_byte_t *was)
{
    bool payload = was->offset != DESK_NO_OFFSET, before = reader.astray;
    if (driver->reading == READING_FRAME)
        reader.astray = !payload || driver->value != unit_down(was->unit)->n - was->offset;
    else if (payload)
        reader.astray = true;
    else if (at_line_begin(driver) && (was->starts || !is_blank(was->value)))
        reader.astray = !was->starts;
    if (broke_off(was)) reader.hurt = true;
    if (reader.astray && !before && !reader.hurt)
        fail("the driver gets out of step at \"%s\", and no fault touched that", unit_down(was->unit)->text);
}

static bool is_verdict(const char *text)
{
    return strcmp(text, "OK") == 0 || strcmp(text, "ERROR") == 0 || strcmp(text, "FAIL") == 0;
}

/* Does the driver take the answer to an older command for the one that it awaits? A touched command has two, and after a fault
 * an answer may be late. So may all that follow, until it asks nothing and nothing is on its way. */
static void look_at_question(const cipdrv_t *driver, const desk_unit_t *unit)
{
    if (unit->kind != DESK_TEXT || driver->stage != STAGE_AWAIT || !is_verdict(unit->text)) return;
    bool harmed = unit->misled || desk.last_harm_us[DESK_TO_MODEM] || desk.last_harm_us[DESK_TO_DRIVER];
    if (!harmed || unit->answers == desk.line[DESK_TO_MODEM].unit) return;
    reader.shifted = true;
    reader.met_us = desk.now_us;
}

static uint64_t resync_limit(void)
{
    uint32_t baud = uart_line(&desk.uart, UART_FAR).baud;
    return RESYNC_LIMIT + (baud < 115200 ? 10ull * FRAME_MAX * DESK_SECOND / baud : 0);
}

/* The driver begins to count a frame: does it do so because payload spells a header? */
static void look_at_header(const cipdrv_t *driver)
{
    const desk_byte_t *last = reader.next ? desk_sent(&desk, DESK_TO_DRIVER, reader.next - 1) : NULL;
    uint64_t           harm_us = desk.last_harm_us[DESK_TO_DRIVER];
    uint64_t           since_us = reader.met_us > harm_us ? reader.met_us : harm_us;
    if (since_us != reader.since_us) reader.spelt_us = 0;
    reader.since_us = since_us;
    if (reader.frame || driver->reading != READING_FRAME || !last || last->offset == DESK_NO_OFFSET) return;
    reader.spelt_us += 10ull * driver->value * DESK_SECOND / uart_line(&desk.uart, UART_FAR).baud;
}

/* Is it in step again, and without doubt, within the limit? */
static void look_at_time(const cipdrv_t *driver)
{
    bool     slow = resync_limit() > RESYNC_LIMIT;
    uint64_t us = desk.now_us - reader.since_us;
    if (!driver->ready || (!reader.astray && !driver->doubt)) return;
    if (us > resync_limit())
        longest(&sums.spelt_resync_us, reader.since_us);
    else
        longest(&sums.resync_us[slow], reader.since_us);
    if (us > resync_limit() + reader.spelt_us)
        fail("%.3f s after the last fault the driver %s", (double)us / 1e6,
             reader.astray ? "is still out of step" : "still doubts");
}

/* Nothing is on its way, and reader and modem are both at a line's begin. */
static bool is_at_rest(void)
{
    const desk_line_t *line = &desk.line[DESK_TO_DRIVER];
    return reader.next == line->sent && line->straight && !line->printed && !line->payload && !desk.driver.doubt &&
           !desk.driver.odd && at_line_begin(&desk.driver);
}

static bool has_no_question(void)
{
    const desk_line_t *line = &desk.line[DESK_TO_MODEM];
    return desk.driver.stage == STAGE_IDLE && line->arrived == line->sent && !desk.held_n;
}

/* What no modem says to this driver: a fault has touched AT+SYSMSG=0, or the amount in AT+CIPRECVDATA. */
static bool is_foreign(const desk_unit_t *unit)
{
    if (unit->kind == DESK_FRAME) return unit->misled && unit->n > FRAME_MAX;
    return strncmp(unit->text, "+LINK_CONN", 10) == 0;
}

static void reads(desk_t *d, const uint8_t *data, size_t n)
{
    desk_arrival_t     arrival = desk_arrival(d, data, 0);
    const desk_byte_t *was = desk_sent(d, DESK_TO_DRIVER, arrival.index);
    const cipdrv_t    *driver = &d->driver;
    (void)n;
    bool lost = was && arrival.index > reader.next;
    if (was) note_losses(arrival.index);
    reader.hit = is_hit(arrival);
    if (reader.hit) reader.met_us = desk.now_us;
    look_at_header(driver);
    reader.frame = driver->reading == READING_FRAME;
    if (!was) return;
    reader.hurt = reader.hurt || was->strange;
    reader.unit = was->unit;
    if (is_foreign(unit_down(was->unit))) {
        reader.hurt = true;
        reader.met_us = desk.now_us;
    }
    look_at_step(driver, was);
    look_at_question(driver, unit_down(was->unit));
    if (!reader.astray && !driver->doubt && !driver->odd && !lost && at_line_begin(driver) && was->starts)
        end_episode();
    look_at_time(driver);
    reader.read_us = d->now_us;
}

static void misread(uint32_t number, uint32_t how)
{
    unit_down(number)->tag[MISREAD] |= how;
}

/* The reader has this byte; one that it delivers is looked at before that, too. */
static void take_in(desk_arrival_t arrival)
{
    if (arrival.index < reader.next) return;
    if (arrival.index != DESK_NO_INDEX) note_losses(arrival.index);
    reader.hurt = reader.hurt || is_hit(arrival);
    if (arrival.index == DESK_NO_INDEX) {
        begin_episode();
        if (reader.frame) misread(reader.header, REPLACED);
        return;
    }
    reader.next = arrival.index + 1;
    const desk_byte_t *was = desk_sent(&desk, DESK_TO_DRIVER, arrival.index);
    bool               payload = was->offset != DESK_NO_OFFSET;
    unit_down(was->unit)->tag[SEEN] += !is_blank(arrival.value);
    if (reader.frame != payload) {
        begin_episode();
        if (!reader.frame) misread(was->unit, arrival.value < 0x80 || desk.driver.odd ? LINE : NOISE);
    }
    if (reader.frame && payload && CIPDRV_LINKS > 1 && desk.driver.id != unit_down(was->unit)->link)
        misread(was->unit, ELSEWHERE);
    if (reader.frame && (!payload || was->unit != reader.header)) {
        misread(reader.header, REPLACED);
        misread(was->unit, SWALLOWED);
    }
    if (!reader.frame && !payload) reader.header = was->unit;
    if (reader.hurt || reader.astray || desk.driver.doubt || desk.driver.odd) mark(was->unit);
}

static void has_read(desk_t *d, const uint8_t *data, size_t n)
{
    reader.hit = false;
    for (size_t i = 0; i < n; i++)
        take_in(desk_arrival(d, data, (uint16_t)i));
}

/* A frame that answers a command which is touched, or whose answer is late, and that the driver does not ask for now. */
static bool is_unasked(void)
{
#if CIPDRV_PASSIVE
    const desk_unit_t *unit = unit_down(reader.unit);
    return unit->kind == DESK_FRAME && (unit->misled || reader.shifted) && desk.driver.command != COMMAND_READ;
#else
    return false;
#endif
}

/* The next byte is not there, or touched: the reader has reason to complain. */
static bool has_reason(void)
{
    note_losses_at_end();
    return reader.shifted || is_unasked() || reader.hurt || reader.astray || reader.hit || reader.episode ||
           desk.line[DESK_TO_DRIVER].strange;
}

void judge_fault(uint8_t link)
{
    sums.faults_told++;
    if (!has_reason()) fail("FAULT, link %u, and no fault touched what the driver reads", link);
    begin_episode();
    if (is_unasked()) mark(reader.unit);
    episode[reader.episode].told = true;
}

/* ---- Down -------------------------------------------------------------------------------------------------------- */

static void begins_down(uint32_t number)
{
    desk_unit_t *unit = unit_down(number);
    conn_t      *c = unit->peer < 0 ? NULL : conn_of(unit->peer);
    for (int i = conns; i-- > 0 && !c;) /* it ended long ago, and the modem holds its bytes */
        if (conn[i].link.id == unit->link && conn[i].link.life == unit->life) c = &conn[i];
    if (!c) {
        fail("a frame of a link that nobody has");
        return;
    }
#if CIPDRV_PASSIVE
    if (desk.driver.command == COMMAND_READ && unit->misled) misread(number, MISLED);
#endif
    if (c->frames == FRAMES) fail("the test has too few frames");
    unit->tag[0] = (uint32_t)(c - conn);
    unit->tag[1] = c->printed;
    c->frame[c->frames % FRAMES].first = c->printed;
    c->frame[c->frames % FRAMES].n = unit->n;
    c->frame[c->frames++ % FRAMES].unit = number;
    c->printed += unit->n;
}

/* A loss that waits for its report. */
static void await_report(life_t *l, uint32_t number)
{
    if (l->gap_us) return;
    l->gap_us = desk.now_us;
    l->gap_unit = number;
}

/* Can the driver not know that bytes of this frame are missing? Others took their place, or they the place of others, or
 * they look like the rest of a line; or a fault made the length less by as many, and the frame ended where it should. */
static bool shows_nothing(const desk_unit_t *unit)
{
    uint32_t how = unit->tag[MISREAD];
    return how ? !(how & NOISE) : unit->head && unit->lost;
}

/* Bytes [from, to) of its connection do not reach this life. */
static void judge_gap(life_t *l, const conn_t *c, uint32_t from, uint32_t to, bool told)
{
    for (size_t i = 0; i < c->frames; i++) {
        uint32_t first = c->frame[i].first, end = first + c->frame[i].n;
        if (end <= from || first >= to) continue;
        const desk_unit_t *unit = unit_down(c->frame[i].unit);
        uint32_t           n = (end < to ? end : to) - (first > from ? first : from), of = unit->tag[EPISODE];
        if (told || (of && episode[of].told))
            sums.reported += n;
        else if (unit->tag[MISREAD] & MISLED)
            sums.misled += n;
        else if (!of)
            fail("link %u: %u bytes of a frame are lost, and no fault touched it", l->link, n);
        else if (of == reader.episode && unit->tag[SEEN])
            await_report(l, c->frame[i].unit);
        else if (!unit->tag[SEEN])
            sums.vanished += n;
        else if (!shows_nothing(unit))
            fail("link %u: %u bytes of a frame are lost, and that is not reported", l->link, n);
        else if (unit->tag[MISREAD] == ELSEWHERE)
            sums.elsewhere += n;
        else
            *(unit->touched ? &sums.silent : &sums.swallowed) += n;
    }
}

/* The lines that would tell the next connection on this link were hit, since this one was told. While the driver still wants
 * bytes of one that it knows to have ended, the begin of the next is enough if that has ended too, or if AT+CIPSTATUS has
 * not told since then that it is there. */
static bool is_mistaken(const life_t *l, const conn_t *next)
{
    const net_peer_t *peer = &desk.world.net.peer[next->peer];
    uint8_t           link = l->link;
    bool              over = peer->age != next->age || !peer->linked || peer->ending != CIPMUX_CAUSE_NONE;
    if (unheard[link].begin <= l->since) return false;
    if (unheard[link].end > l->since) return true;
    return link_at(&desk.driver, link)->state == LINK_ENDED && (over || unlisted[link] > unheard[link].begin);
}

/* Frames of the connection that were read before the life began, but behind unit `behind`, are not its. True: there were any. */
static bool skip_what_was_before(life_t *l, const conn_t *c, uint32_t behind)
{
    bool any = false;
    for (size_t i = 0; i < c->frames; i++)
        if (c->frame[i].unit > behind && c->frame[i].unit <= l->since) {
            l->got = c->frame[i].first + c->frame[i].n;
            any = true;
        }
    return any;
}

/* The line that told its begin was hit in its link, or the one that would tell that it lives on: it is the connection that
 * another life has had. What was read before it began is not its. */
static void rename_life(life_t *l, int number)
{
    sums.mistaken++;
    l->mistaken = true;
    l->got = life[conn[number].life].got;
    skip_what_was_before(l, &conn[number], 0);
    conn[number].late = true;
    conn[number].life = -1;
}

/* Is it the life's connection? It may not know that one has ended and another has begun. */
static bool belongs(life_t *l, int number)
{
    if (l->conn == number) return true;
    const life_t *before = conn[number].life < 0 ? NULL : &life[conn[number].life];
    if (l->conn < 0 && before && before->ended && (l->renamed || unlisted[before->link] > before->since))
        rename_life(l, number);
    if (conn[number].life >= 0) return false;
    bool first = l->conn < 0;
    if (!first && !is_mistaken(l, &conn[number])) return false;
    if (!first) {
        sums.mistaken++;
        l->mistaken = true;
        l->got = 0;
        conn[l->conn].life = -1;
        conn[number].late = true;
    } else if (l->dialled && unheard[l->link].begin && skip_what_was_before(l, &conn[number], unheard[l->link].begin)) {
        sums.mistaken++; /* a client's, of which the program was told nothing, has the id that it has dialled */
        l->mistaken = true;
    }
    l->conn = number;
    conn[number].life = (int)(l - life);
    return true;
}

static void judge_stray(life_t *l, const desk_unit_t *unit, bool harmed)
{
    sums.strays++;
    if (!harmed)
        fail("link %u gets a byte of \"%s\", link %u, and no fault touched its frame", l->link, unit ? unit->text : "",
             unit ? unit->link : 0);
}

static void judge_byte(life_t *l, desk_arrival_t arrival, uint16_t left, bool harmed)
{
    const desk_byte_t *was = desk_sent(&desk, DESK_TO_DRIVER, arrival.index);
    const desk_unit_t *unit = was ? unit_down(was->unit) : NULL;
    harmed = harmed || (unit && unit->tag[MISREAD] & MISLED);
    if (!unit || was->offset == DESK_NO_OFFSET) {
        judge_stray(l, unit, harmed);
        return;
    }
    int      from = (int)unit->tag[0];
    uint32_t at = unit->tag[1] + was->offset;
    bool     exact = left == unit->n - was->offset && (unit->link == l->link || CIPDRV_LINKS == 1);
    if (was->value != stream(conn[from].key, at)) fail("the modem prints a byte that no peer has sent");
    if (!exact && (!harmed || l->conn != from || at < l->got)) {
        judge_stray(l, unit, harmed);
        return;
    }
    if (!belongs(l, from)) {
        if (harmed)
            judge_stray(l, unit, harmed);
        else
            fail("link %u gets bytes of connection %d instead of %d, which is of link %u", l->link, from, l->conn,
                 conn[from].life < 0 ? CIPDRV_NO_LINK : life[conn[from].life].link);
        return;
    }
    if (at < l->got) {
        fail("link %u gets byte %u again", l->link, at);
        return;
    }
    if (at > l->got) judge_gap(l, &conn[from], l->got, at, false);
    l->got = at + 1;
    if (arrival.value == was->value)
        sums.down++;
    else
        sums.flips++;
}

void judge_received(life_t *l, const uint8_t *data, uint16_t n)
{
    for (uint16_t i = 0; i < n; i++) {
        desk_arrival_t arrival = desk_arrival(&desk, data, i);
        take_in(arrival);
        judge_byte(l, arrival, (uint16_t)(desk.driver.value - i), reader.hurt || reader.astray);
    }
}

/* ---- Up ---------------------------------------------------------------------------------------------------------- */

static void begins_up(uint32_t number)
{
    desk_unit_t *unit = unit_up(number);
    int          of = life_of[CIPDRV_LINKS > 1 ? unit->link : 0];
    if (of < 0) {
        fail("an AT+CIPSEND of link %u, which is not open", unit->link);
        return;
    }
    life_t              *l = &life[of];
    const cipdrv_link_t *link = link_at(&desk.driver, unit->link);
    if (l->pieces == PIECES) fail("the test has too few pieces");
    l->piece[l->pieces % PIECES].first = l->made - link->left;
    l->piece[l->pieces % PIECES].n = unit->n;
    l->piece[l->pieces++ % PIECES].unit = number;
    unit->tag[0] = (uint32_t)of;
    unit->tag[1] = l->made - link->left;
    unit->tag[EPISODE] = reader.shifted; /* its prompt is another's */
    reader.piece = number;
}

static void begins(desk_t *d, desk_wire_t wire, uint32_t number)
{
    (void)d;
    if (wire == DESK_TO_DRIVER)
        begins_down(number);
    else
        begins_up(number);
}

static void collected(desk_t *d, int16_t peer, const desk_arrival_t *bytes, size_t n)
{
    conn_t *c = peer < 0 ? NULL : conn_of(peer);
    (void)d;
    if (!c) return;
    memcpy(c->origin, bytes, n * sizeof *bytes);
    c->origins = n;
    c->taken = 0;
}

/* Another amount than was meant, or no payload at all: a fault touched the AT+CIPSEND or its prompt, or took payload. */
static bool miscounted(uint32_t number)
{
    const desk_unit_t *unit = unit_up(number);
    return unit->head || unit->lost || unit->tag[EPISODE];
}

/* Byte `offset` of a piece may not reach the peer; the last ones do not when others were put in before them. */
static bool may_be_lost(uint32_t number, uint32_t offset)
{
    const desk_unit_t *unit = unit_up(number);
    return miscounted(number) || offset + unit->added >= unit->n;
}

/* A byte of the driver's "+++" or probe; or of any command, while answers are taken for those of later commands. The driver
 * knows whose peer got it unless a fault touched the AT+CIPSEND that named the link. */
static void judge_escape(conn_t *c, const desk_byte_t *was)
{
    uint32_t number = was->unit;
    note_losses_at_end();
    while (number && unit_up(number)->kind != DESK_PIECE)
        number--;
    const life_t *of = &life[unit_up(number)->tag[0]];
    uint8_t       id = desk.world.net.peer[c->peer].link.id;
    int           victim = c->life >= 0 ? c->life : life_of[id < CIPDRV_LINKS ? id : 0];
    bool          raced = of->ended && c->taken <= PROBES;
    sums.escapes++;
    if (reader.shifted) return;
    if (victim >= 0 && (life[victim].link == unit_up(number)->link || !unit_up(number)->head))
        life[victim].spoilt = true;
    if (!number || (!miscounted(number) && !raced)) fail("a peer gets \"%c\" of the driver's commands", was->value);
}

/* Bytes [from, to) of the life's stream do not reach its peer. */
static void judge_up_gap(const life_t *l, uint32_t from, uint32_t to)
{
    for (uint32_t at = from; at < to; at++) {
        bool hit = false;
        for (size_t i = 0; i < l->pieces && !hit; i++)
            hit = at - l->piece[i].first < l->piece[i].n && may_be_lost(l->piece[i].unit, at - l->piece[i].first);
        sums.up_lost++;
        if (!hit) {
            fail("link %u: byte %u does not reach the peer, and no fault touched its send", l->link, at);
            return;
        }
    }
}

static void judge_up_byte(conn_t *c, uint8_t byte, desk_arrival_t arrival)
{
    const desk_byte_t *was = desk_sent(&desk, DESK_TO_MODEM, arrival.index);
    if (byte != arrival.value) fail("the modem sends a byte that it has not got");
    if (!was) { /* put in by a fault */
        sums.up_wrong++;
        return;
    }
    const desk_unit_t *unit = unit_up(was->unit);
    if (was->offset == DESK_NO_OFFSET) {
        if (was->value == '\n' && unit->kind == DESK_PIECE && unit->head)
            sums.up_wrong++;
        else
            judge_escape(c, was);
        return;
    }
    life_t  *l = &life[unit->tag[0]];
    uint32_t at = unit->tag[1] + was->offset;
    if (!belongs(l, (int)(c - conn))) {
        sums.misled++;
        if (!unit->head) fail("link %u: another peer gets its byte %u", l->link, at);
        return;
    }
    if (c->late) c->got = at;
    c->late = false;
    if (at < c->got) fail("link %u: the peer gets byte %u again", l->link, at);
    if (at > c->got) judge_up_gap(l, c->got, at);
    c->got = at + 1;
    if (byte == stream(l->key, at))
        sums.up++;
    else if (byte != was->value)
        sums.up_wrong++;
    else {
        sums.made_up++;
        if (byte || !l->end_episode) fail("link %u: the driver sends %02x for byte %u", l->link, byte, at);
    }
}

void judge_up(conn_t *c, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && !failed; i++) {
        if (c->taken == c->origins) {
            fail("the modem sends more than it has got");
            return;
        }
        judge_up_byte(c, bytes[i], c->origin[c->taken++]);
    }
}

/* ---- Events ------------------------------------------------------------------------------------------------------ */

/* Was that CLOSED or CONNECT payload whose header was hit? Its CR may be of what follows. */
static bool is_spelt(void)
{
    const desk_byte_t *last = desk_sent(&desk, DESK_TO_DRIVER, reader.next);
    if (last->value == '\r' && reader.next) last = desk_sent(&desk, DESK_TO_DRIVER, reader.next - 1);
    return reader.episode && !reader.frame && last->offset != DESK_NO_OFFSET;
}

void judge_opened(uint8_t link, bool client)
{
    bool    spelt = client && is_spelt();
    life_t *l = life_now(link);
    sums.opened++;
    if (client) {
        if (l) fail("link %u opened twice", link);
        l = new_life(link);
    } else if (!l || l->open)
        fail("link %u opened, but was not dialled", link);
    if (!l) return;
    l->open = true;
    l->since = reader.unit;
    if (spelt ||
        unit_down(l->since)->kind == DESK_FRAME) /* the CR of the line is the next unit's, of which nothing is read */
        l->since = desk_sent(&desk, DESK_TO_DRIVER, reader.next - 1)->unit;
    l->renamed = spelt || (client && unit_down(reader.unit)->touched);
    sums.spelt += spelt;
    if (l->asked_us[0]) longest(&sums.operation_us[0], l->asked_us[0]);
    l->asked_us[0] = 0;
}

/* What the connection still owed to the life. */
static void judge_end(life_t *l, uint16_t cause)
{
    if (l->conn < 0) return;
    const conn_t     *c = &conn[l->conn];
    const net_peer_t *peer = &desk.world.net.peer[c->peer];
    bool              by_peer = cause == CIPDRV_BY_PEER;
    if (l->got < c->printed) judge_gap(l, c, l->got, c->printed, !by_peer);
    if (by_peer && c->clean && !cut_off && peer->age == c->age && peer->ending == CIPMUX_CAUSE_FIN &&
        c->printed < c->sent && !desk.last_harm_us[DESK_TO_DRIVER] && !desk.last_harm_us[DESK_TO_MODEM])
        fail("link %u: CLOSED BY_PEER with %u bytes that were never read", l->link, c->sent - c->printed);
}

void judge_closed(uint8_t link, uint16_t cause)
{
    life_t *l = life_now(link);
    if (cause >= 10) fail("link %u closed, cause %u", link, cause);
    if (!l) {
        fail("link %u closed, but was not open", link);
        return;
    }
    sums.causes[cause % 10]++;
    for (int i = 0; i < 3; i++)
        if (l->asked_us[i]) longest(&sums.operation_us[i], l->asked_us[i]);
    if (cause != CIPDRV_BY_PEER && l->gap_us) {
        longest(&sums.report_us, l->gap_us);
        l->gap_us = 0;
    }
    bool by_peer = cause == CIPDRV_BY_PEER;
    if (l->spoilt && cause <= CIPDRV_BY_US) fail("link %u: nobody is told that its peer got commands", link);
    if (by_peer && is_spelt())
        sums.spelt++;
    else
        judge_end(l, cause);
    l->open = false;
    l->ended = true;
    l->end_episode = reader.episode;
    memset(l->asked_us, 0, sizeof l->asked_us);
    life_of[link] = -1;
}

void judge_sent(life_t *l)
{
    if (l->spoilt) fail("link %u: SENT, but its peer got commands", l->link);
    if (!l->sending) fail("link %u: SENT, but nothing was to be sent", l->link);
    if (l->asked_us[1]) longest(&sums.operation_us[1], l->asked_us[1]);
    l->asked_us[1] = 0;
    l->sending = false;
    l->told_sent = l->made;
}

/* ---- At any time, and at the end ----------------------------------------------------------------------------------- */

/* A loss of an episode: was FAULT told? When it is over none will be, and something else must have taken the place of what
 * is lost. */
static void look_for_report(life_t *l)
{
    const desk_unit_t *unit = unit_down(l->gap_unit);
    uint32_t           of = unit->tag[EPISODE];
    if (!episode[of].told && of == reader.episode) return;
    if (episode[of].told)
        longest(&sums.report_us, l->gap_us);
    else if (!shows_nothing(unit))
        fail("link %u: a loss is not reported", l->link);
    l->gap_us = 0;
}

void judge_now(void)
{
    static const char *const operations[] = { "dial", "send", "close" };
    if (is_at_rest()) end_episode();
    if (is_at_rest() && has_no_question()) reader.shifted = false;
    for (int i = 0; i < lives; i++) {
        life_t *l = &life[i];
        if (l->gap_us && desk.line[DESK_TO_DRIVER].losing)
            l->gap_us = desk.now_us; /* the same burst takes the answers, too */
        if (l->gap_us) look_for_report(l);
        if (l->gap_us && desk.now_us - l->gap_us > REPORT_LIMIT) fail("link %u: a loss is not reported", l->link);
        for (int k = 0; k < 3; k++)
            if (l->asked_us[k] && longest(&sums.operation_us[k], l->asked_us[k]) > OPERATION_LIMIT)
                fail("link %u: a %s outlives its deadline", l->link, operations[k]);
    }
    if (desk.error[0]) fail("%s", desk.error);
}

/* What was told SENT has arrived: NonOS says so when the peer has it, ESP-AT when it will have it unless the link
 * breaks. */
void judge_arrived(void)
{
    bool acknowledged = strncmp(desk.options.dialect, "esp", 3) != 0;
    for (int i = 0; i < conns; i++) {
        const conn_t     *c = &conn[i];
        const net_peer_t *peer = &desk.world.net.peer[c->peer];
        if (c->life < 0 || peer->age != c->age) continue;
        const life_t *l = &life[c->life];
        if (l->mistaken || (!acknowledged && !peer->got_fin)) continue;
        if (c->got < l->told_sent) judge_up_gap(l, c->got, l->told_sent);
    }
}

void judge_start(uint32_t key)
{
    seed_key = key;
    conns = lives = 0;
    episodes = 0;
    failed = up = unreachable = cut_off = false;
    memset(&reader, 0, sizeof reader);
    memset(&unheard, 0, sizeof unheard);
    memset(&unlisted, 0, sizeof unlisted);
    memset(life_of, -1, sizeof life_of);
}

void judge_options(desk_options_t *options)
{
    options->begins = begins;
    options->reads = reads;
    options->has_read = has_read;
    options->collected = collected;
}
