#include "board.h"

#include <string.h>

enum {
    MEMORY = 8640,
    PAUSE_US = 19000,
    BURST_US = 1000,
    HIGH = 0x80 /* the bytes that peers send are HIGH + id: no text has such */
};

const char                  *board_wrong;
board_t                      board;
static cipmux_config_t       config;
static uint64_t              memory[CIPMUX_LINKS][2][MEMORY / sizeof(uint64_t)];
static const cipmux_t *const modem = &board.modem;
static modem_t *const        m = (modem_t *)&board.modem;

static void require(bool condition, const char *words)
{
    if (!condition && board_wrong == NULL) board_wrong = words;
}

/* ---- what the modem prints ---- */

static void sending_ended(bool whole)
{
    require(board.prompted || board.queued, "the end of a sending that nobody began");
    require(!whole || board.unsent == 0, "SEND OK before the network has all bytes");
    board.prompted = board.queued = false;
    board.unsent = 0;
}

static void link_said(peer_t *peer, const char *text, size_t n)
{
    if (same_text(text, n, "CONNECT")) {
        require(!peer->open || board.unclear, "CONNECT for a link that is open");
        peer->open = true;
        if (peer->dials > 0) peer->dials--;
    } else if (same_text(text, n, "CLOSED") || same_text(text, n, "CONNECT FAIL")) {
        require(peer->open || peer->dials > 0 || board.unclear, "CLOSED for a link that is not open");
        require(!peer->open || peer->unread == 0 || m->passive || modem_is_off(m), "CLOSED before all received bytes");
        if (!peer->open && peer->dials > 0) peer->dials--;
        peer->open = false;
    }
}

/* "+IPD,0,1:": bytes of payload that it announces */
static unsigned announced(const char *line, size_t n)
{
    unsigned value = 0;
    for (size_t i = 0; i < n; i++)
        value = line[i] >= '0' && line[i] <= '9' ? value * 10 + (unsigned)(line[i] - '0') : 0;
    return value;
}

/* A start forgets what was open, and passthrough says nothing about links. */
static void forget(bool starts)
{
    if (starts) {
        board.owed = board.owed_behind_ready;
        board.owed_behind_ready = 0;
        board.prompted = board.starts = false;
    }
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++) {
        peer_t *const peer = &board.peer[id];
        if (starts) peer->open = false;
        if (board.unclear) peer->open = link_is_open(m, id);
    }
}

static unsigned line_said(const char *line, size_t n)
{
    if (n > 5 && memcmp(line, "+IPD,", 5) == 0 && line[n - 1] == ':') return announced(line, n - 1);
    if (n > 13 && memcmp(line, "+CIPRECVDATA", 12) == 0) return announced(line, n - 1);
    if (same_text(line, n, "OK") || same_text(line, n, "ERROR") || same_text(line, n, "FAIL")) {
        require(board.owed > 0, "a verdict too many");
        board.owed--;
    } else if (same_text(line, n, "SEND OK")) {
        sending_ended(true);
    } else if (same_text(line, n, "SEND FAIL") || same_text(line, n, "SEND Canceled")) {
        sending_ended(false);
    } else if (same_text(line, n, "ready")) {
        forget(true);
    } else if (line[0] == '>') {
        board.prompted = m->sender.state != SENDER_THROUGH && m->sender.target == SEND_TO_LINK;
        board.queued = m->sender.target == SEND_TO_QUEUE;
        board.unsent = 0;
    } else if (n > 2 && line[1] == ',' && line[0] >= '0' && line[0] < '0' + CIPMUX_LINKS) {
        link_said(&board.peer[line[0] - '0'], line + 2, n - 2);
    } else {
        link_said(&board.peer[0], line, n);
    }
    return 0;
}

static void text_said(const char *text, size_t n, bool framed)
{
    char     line[80];
    size_t   length = 0;
    unsigned promised = 0, seen = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t byte = (uint8_t)text[i];
        if (byte == ' ' && length == 0) continue; /* behind a prompt */
        if (byte != '\r' && byte != '\n' && byte < HIGH) {
            if (length < sizeof line) line[length++] = text[i];
            if (byte != '>') continue;
        }
        if (length > 0) promised += line_said(line, length);
        length = 0;
        if (byte < HIGH) continue;
        peer_t *const peer = &board.peer[byte - HIGH];
        require(peer->unread > 0, "a byte that no peer sent");
        peer->unread--;
        seen++;
    }
    require(!framed || promised == seen, "a frame of another length than it says");
}

/* ---- what the modem asks ---- */

static void asks(const cipmux_request_t *r)
{
    peer_t *const peer = &board.peer[r->link.id];
    switch ((unsigned)r->kind) {
    case CIPMUX_REQUEST_DIAL:
        require(!peer->dialling && !peer->up, "DIAL for a link that is in use");
        peer->dialling = true;
        if (peer->dials < 3) peer->dials++;
        peer->life = r->link.life;
        peer->unread = 0;
        break;
    case CIPMUX_REQUEST_HANG_UP:
        require((peer->dialling || peer->up) && peer->life == r->link.life, "HANG_UP for a link that has no socket");
        peer->dialling = peer->up = peer->ended = peer->watched = false;
        break;
    case CIPMUX_REQUEST_RETURN: {
        const unsigned piece = peer->lent[0] && peer->lent_to[0] == r->link.life ? 0 : 1;
        require(peer->lent[piece] && peer->lent_to[piece] == r->link.life, "RETURN of memory that was not lent");
        require(!peer->up || peer->life != r->link.life, "RETURN of memory in use");
        peer->lent[piece] = false;
        if (peer->life == r->link.life) peer->unread = 0;
        break;
    }
    case CIPMUX_REQUEST_WATCH: peer->watched = peer->up; break;
    case CIPMUX_REQUEST_RESOLVE: board.name_ticket = r->ticket; break;
    case CIPMUX_REQUEST_LISTEN: board.listens = true; break;
    case CIPMUX_REQUEST_JOIN:
        board.join_ticket = r->ticket;
        board.joins = true;
        break;
    case CIPMUX_REQUEST_LEAVE: board.joins = board.joined = false; break;
    default: break;
    }
}

static void settle(void)
{
    cipmux_request_t request;
    cipmux_note_t    note;
    for (unsigned i = 0; cipmux_request(&board.modem, board.now, &request); i++) {
        asks(&request);
        if (i > 40) {
            require(false, "requests without end");
            return;
        }
    }
    while (cipmux_note(&board.modem, &note))
        continue;
}

/* A call of cipmux_poll() ends with a frame, so nothing is cut here. */
static void drain(void)
{
    static char text[8192];
    size_t      n;
    settle();
    for (unsigned i = 0; !board.stalled && (n = cipmux_poll(&board.modem, board.now, text, sizeof text)) > 0; i++) {
        text_said(text, n, !m->raw);
        settle();
        if (i > 40) {
            require(false, "text without end");
            return;
        }
    }
}

/* ---- the letters ---- */

static cipmux_answer_t tell(cipmux_event_t event, cipmux_link_t *assigned)
{
    const cipmux_answer_t answer = cipmux_event(&board.modem, board.now, &event, assigned);
    settle();
    return answer;
}

static void pass(uint64_t us)
{
    const uint64_t end = board.now + us;
    for (unsigned i = 0; cipmux_deadline(modem) <= end; i++) {
        if (cipmux_deadline(modem) > board.now) board.now = cipmux_deadline(modem);
        cipmux_tick(&board.modem, board.now);
        drain();
        if (i > 20) {
            require(false, "a deadline that stands still");
            return;
        }
    }
    board.now = end;
    cipmux_tick(&board.modem, board.now);
}

static void owe(void)
{
    if (board.starts)
        board.owed_behind_ready++;
    else
        board.owed++;
}

/* Offers a line, or what is left of it. */
static void offer(const char *line)
{
    const size_t         left = strlen(line) - board.typed;
    const cipmux_phase_t phase = cipmux_phase(modem);
    const size_t         taken = cipmux_sink(&board.modem, board.now, line + board.typed, left);
    board.typed = (uint8_t)(taken == left ? 0 : board.typed + taken);
    if (taken < left) return;
    if (phase == CIPMUX_PHASE_COLLECTING) board.unsent++;
    if (phase == CIPMUX_PHASE_COMMAND) owe();
    if (phase == CIPMUX_PHASE_BUSY && strcmp(line, "AT+RST\r\n") == 0) owe();
}

/* A line begins with a silence, as a new burst. */
static void type(const char *line)
{
    const bool single = line[1] == '\0';
    if (board.typed > 0 || (board.starts && strcmp(line, "AT+RST\r\n") == 0)) return; /* one start at a time */
    if (!single) pass(BURST_US);
    const cipmux_phase_t phase = cipmux_phase(modem);
    const bool           payload = phase == CIPMUX_PHASE_COLLECTING || phase == CIPMUX_PHASE_PASSTHROUGH;
    if (payload != single) return;
    if (phase == CIPMUX_PHASE_PASSTHROUGH && m->sender.taken >= 4) return;
    offer(line);
}

static int find_peer(bool last)
{
    int found = -1;
    for (int id = 0; id < CIPMUX_LINKS; id++)
        if (board.peer[id].up && !board.peer[id].ended && (last || found < 0)) found = id;
    return found;
}

static cipmux_link_t handle_of(int id)
{
    return (cipmux_link_t){ .id = (uint8_t)id, .life = board.peer[id].life };
}

static void *borrow(cipmux_event_t *event, int id)
{
    event->memory = memory[id][board.peer[id].lent[0] ? 1 : 0];
    event->memory_size = cipmux_link_memory(modem);
    return event->memory;
}

static void lend(peer_t *peer, uint8_t life)
{
    const unsigned piece = peer->lent[0] ? 1 : 0;
    require(!peer->lent[piece], "memory is not returned");
    peer->lent[piece] = true;
    peer->lent_to[piece] = life;
    peer->life = life;
    peer->up = true;
    peer->dialling = peer->ended = peer->watched = false;
    peer->unread = 0;
}

static void dial_ends(bool good)
{
    int id = 0;
    while (id < CIPMUX_LINKS && !board.peer[id].dialling)
        id++;
    if (id == CIPMUX_LINKS) return;
    cipmux_event_t event = {
        .kind = good ? CIPMUX_EVENT_UP : CIPMUX_EVENT_FAILED,
        .link = handle_of(id),
        .cause = good ? CIPMUX_CAUSE_NONE : CIPMUX_CAUSE_REFUSED,
    };
    if (good) borrow(&event, id);
    const cipmux_answer_t answer = cipmux_event(&board.modem, board.now, &event, NULL);
    require(answer != CIPMUX_REFUSED, "the end of a dial that is not expected");
    if (answer == CIPMUX_TAKEN) {
        board.peer[id].dialling = false;
        if (good) lend(&board.peer[id], event.link.life);
    }
    settle();
}

static void knock(void)
{
    cipmux_link_t link;
    if (cipmux_admission(modem) != CIPMUX_ADMIT_OPEN) return;
    const int      id = link_lowest_free(m);
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ACCEPT, .address = { .family = 4, .port = 5 } };
    borrow(&event, id);
    if (cipmux_event(&board.modem, board.now, &event, &link) == CIPMUX_TAKEN) {
        require(link.id == id, "a client got another id than the lowest");
        require(!board.peer[id].up && !board.peer[id].dialling, "a client got the id of another link");
        lend(&board.peer[id], link.life);
    }
    settle();
}

static void receive(bool last)
{
    const int id = find_peer(last);
    if (id < 0 || board.peer[id].unread >= 2 || (last && id == find_peer(false))) return;
    const uint8_t byte = (uint8_t)(HIGH + id);
    if (cipmux_receive(&board.modem, board.now, handle_of(id), &byte, 1) == 1) board.peer[id].unread++;
}

static void peer_ends(bool last, cipmux_cause_t cause)
{
    const int id = find_peer(last);
    if (id < 0) return;
    const cipmux_answer_t answer =
        tell((cipmux_event_t){ .kind = CIPMUX_EVENT_ENDED, .link = handle_of(id), .cause = cause }, NULL);
    if (answer != CIPMUX_LATER) board.peer[id].ended = true;
}

static void network_takes(bool good)
{
    const void *bytes;
    size_t      n;
    for (int id = 0; id < CIPMUX_LINKS; id++) {
        if (!board.peer[id].up || !cipmux_send_peek(modem, handle_of(id), &bytes, &n, NULL)) continue;
        const bool queued = m->link[id].segments.fill > 0;
        if (good) {
            if (!queued && board.prompted) {
                require(board.unsent > 0, "a byte to the network that was not typed");
                board.unsent--;
            }
            cipmux_send_done(&board.modem, board.now, handle_of(id), 1);
        } else {
            cipmux_send_failed(&board.modem, board.now, handle_of(id));
        }
        settle();
    }
}

static void acknowledge(void)
{
    for (int id = 0; id < CIPMUX_LINKS; id++) {
        if (!board.peer[id].watched) continue;
        board.peer[id].watched = false;
        const cipmux_event_t event = { .kind = CIPMUX_EVENT_ACKED, .link = handle_of(id) };
        if (tell(event, NULL) == CIPMUX_LATER) board.peer[id].watched = true;
    }
}

static void name_server(bool good)
{
    if (board.name_ticket == 0) return;
    cipmux_event_t event = { .kind = CIPMUX_EVENT_RESOLVED, .ticket = board.name_ticket };
    if (good) event.address = (cipmux_address_t){ .family = 4, .bytes = { 10, 0, 2, 2 } };
    if (tell(event, NULL) != CIPMUX_LATER) board.name_ticket = 0;
}

static void join(void)
{
    static const cipmux_ap_t ap = { .ssid = "lab", .ssid_length = 3, .channel = 6, .security = 3 };
    cipmux_event_t           event = { .kind = CIPMUX_EVENT_JOINED, .ticket = board.join_ticket, .ap = &ap };
    if (!board.joins) return;
    if (!board.joined) {
        const cipmux_answer_t answer = tell(event, NULL);
        if (answer == CIPMUX_REFUSED) board.joins = false;
        if (answer != CIPMUX_TAKEN) return;
        board.joined = true;
    }
    event = (cipmux_event_t){ .kind = CIPMUX_EVENT_LEASE,
                              .ticket = board.join_ticket,
                              .address = { .family = 4, .bytes = { 10, 0, 2, 15 } },
                              .netmask = { 255, 255, 255, 0 } };
    if (tell(event, NULL) != CIPMUX_LATER) board.joins = false;
}

static void vanish(void)
{
    if (!board.joined) return;
    const cipmux_event_t  event = { .kind = CIPMUX_EVENT_LOST,
                                    .ticket = board.join_ticket,
                                    .cause = CIPMUX_CAUSE_AP_LOST };
    const cipmux_answer_t answer = tell(event, NULL);
    if (answer == CIPMUX_LATER) return;
    if (!board.joins || answer == CIPMUX_TAKEN) board.joined = false;
}

static void tick(void)
{
    const uint64_t due = cipmux_deadline(modem);
    if (due != CIPMUX_NEVER) pass(due > board.now ? due - board.now : 0);
}

static void hear_of_listening(void)
{
    const cipmux_event_t event = { .kind = CIPMUX_EVENT_LISTENING };
    if (board.listens && tell(event, NULL) != CIPMUX_LATER) board.listens = false;
}

/* What was printed and not read is gone too. */
static void reset(void)
{
    tell((cipmux_event_t){ .kind = CIPMUX_EVENT_RESET_PIN }, NULL);
    board.owed_behind_ready = board.typed = 0;
    forget(true);
}

typedef enum {
    LETTER_LINE,
    LETTER_NAME_FOUND,
    LETTER_NAME_MISSING,
    LETTER_CONNECTED,
    LETTER_REFUSED,
    LETTER_LISTENS,
    LETTER_KNOCK,
    LETTER_FIRST_RECEIVES,
    LETTER_LAST_RECEIVES,
    LETTER_FIRST_FIN,
    LETTER_LAST_RESET,
    LETTER_TAKES,
    LETTER_TAKES_NOT,
    LETTER_ACKS,
    LETTER_JOINS,
    LETTER_LEAVES,
    LETTER_TIME,
    LETTER_PAUSE,
    LETTER_UART,
    LETTER_PIN,
} letter_t;

static const struct {
    letter_t    letter;
    const char *text;
} letters[] = {
#define X(letter, text) { LETTER_##letter, text },
    LETTERS(X)
#undef X
};

unsigned board_letters(void)
{
    return sizeof letters / sizeof *letters;
}

const char *board_letter(unsigned letter)
{
    return letters[letter].text;
}

static void act(unsigned letter)
{
    const char *const text = letters[letter].text;
    switch (letters[letter].letter) {
    case LETTER_LINE: type(text); break;
    case LETTER_NAME_FOUND: name_server(true); break;
    case LETTER_NAME_MISSING: name_server(false); break;
    case LETTER_CONNECTED: dial_ends(true); break;
    case LETTER_REFUSED: dial_ends(false); break;
    case LETTER_LISTENS: hear_of_listening(); break;
    case LETTER_KNOCK: knock(); break;
    case LETTER_FIRST_RECEIVES: receive(false); break;
    case LETTER_LAST_RECEIVES: receive(true); break;
    case LETTER_FIRST_FIN: peer_ends(false, CIPMUX_CAUSE_FIN); break;
    case LETTER_LAST_RESET: peer_ends(true, CIPMUX_CAUSE_RESET); break;
    case LETTER_TAKES: network_takes(true); break;
    case LETTER_TAKES_NOT: network_takes(false); break;
    case LETTER_ACKS: acknowledge(); break;
    case LETTER_JOINS: join(); break;
    case LETTER_LEAVES: vanish(); break;
    case LETTER_TIME: tick(); break;
    case LETTER_PAUSE: pass(PAUSE_US); break;
    case LETTER_UART: board.stalled = !board.stalled; break;
    case LETTER_PIN: reset(); break;
    }
}

/* ---- what must hold after each step ---- */

static void check_bounds(void)
{
    require(m->reply.fill <= REPLY_RING && m->reply.head < REPLY_RING, "the reply ring");
    require(m->reply.frame_head_at <= m->reply.frame_head_length && m->reply.frame_head_length <= FRAME_HEAD,
            "the frame's head");
    require(m->line.length <= CIPMUX_LINE_MAX && m->line.echoed <= CIPMUX_LINE_MAX, "the line");
    require(m->note_fill <= NOTE_RING && m->note_head < NOTE_RING, "the notes");
    require(m->sender.sent <= m->sender.taken && m->sender.taken <= CIPMUX_SEND_MAX, "the sender's counts");
    require(m->sender.state < SENDER_STATE_COUNT && m->slot.wait < WAIT_COUNT, "the sender's or the slot's state");
    require((m->slot.wait == WAIT_NONE) <= (m->slot.command == NULL), "a command that waits for nothing");
    require(m->counters.refused_events == 0, "an event that cannot happen");
    require(m->counters.notes_lost == 0, "a note was lost");
}

static void check_link(uint8_t id)
{
    const link_t *const link = &m->link[id];
    const peer_t *const peer = &board.peer[id];
    require(link->state < LINK_STATE_COUNT && link->fill <= link->size, "a link's state or ring");
    require(link->memory != NULL || (link->state != LINK_OPEN && link->fill == 0), "an open link without memory");
    require(peer->up <= (peer->lent[0] || peer->lent[1]), "a socket without memory");
    require(link->memory == NULL || peer->unread == receive_held(m, id), "received bytes are lost or doubled");
    const bool told = !board.stalled && reply_is_idle(m) && !sender_is_through(m);
    require(!told || peer->open == link_is_open(m, id),
            "the wire does not know that a link is open, or that it is not");
}

/* Somebody must be able to end what is open. */
static bool something_is_coming(void)
{
    const void *bytes;
    size_t      n;
    if (cipmux_deadline(modem) != CIPMUX_NEVER || board.name_ticket != 0 || board.listens || board.joins) return true;
    for (int id = 0; id < CIPMUX_LINKS; id++)
        if (board.peer[id].dialling || board.peer[id].watched ||
            (board.peer[id].up && cipmux_send_peek(modem, handle_of(id), &bytes, &n, NULL)))
            return true;
    return false;
}

static void check(void)
{
    const cipmux_phase_t phase = cipmux_phase(modem);
    check_bounds();
    for (uint8_t id = 0; id < CIPMUX_LINKS; id++)
        check_link(id);
    if (board.stalled || !reply_is_idle(m)) return;
    require(phase != CIPMUX_PHASE_COMMAND || board.owed == 0, "a command without a verdict");
    require(phase != CIPMUX_PHASE_COMMAND || !board.prompted, "a sending without an end");
    require((phase != CIPMUX_PHASE_BUSY && phase != CIPMUX_PHASE_OFF) || something_is_coming(), "nothing can end this");
}

void board_step(unsigned letter)
{
    board.unclear = board.unclear || sender_is_through(m);
    act(letter);
    if (board.typed > 0 && letters[letter].letter != LETTER_LINE) offer(letters[board.line].text);
    if (board.typed > 0 && letters[letter].letter == LETTER_LINE) board.line = (uint8_t)letter;
    drain();
    board.unclear = board.unclear || sender_is_through(m);
    if (modem_is_off(m)) board.starts = true;
    forget(modem_is_off(m) && !board.stalled);
    for (size_t id = 0; id < CIPMUX_LINKS; id++)
        if (!board.stalled && !board.peer[id].dialling) board.peer[id].dials = 0;
    if (!board.stalled && reply_is_idle(m)) board.unclear = sender_is_through(m);
    check();
}

void board_begin(const char *dialect)
{
    static const char *const lines[] = { "ATE0\r\n", "AT+CWMODE=1\r\n", "AT+CWJAP=\"lab\",\"password\"\r\n" };
    board = (board_t){ 0 };
    board_wrong = NULL;
    require(cipmux_config(&config, dialect), "no such dialect");
    cipmux_power_on(&board.modem, &config, board.now);
    pass(1000000);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        type(lines[i]);
        drain();
        pass(1000000);
        join();
        drain();
    }
    check();
}
