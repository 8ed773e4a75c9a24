/* Listening, admission and refusal. See publisher.h. */
#include "publisher.h"

#include "board.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Listening --------------------------------------------------------------------------------------------------- */

static void client_knocks(void *owner, int events)
{
    publisher_t *publisher = owner;
    (void)events;
    publisher->knocking = true;
    board_wake(publisher->board);
}

/* A socket bound to an address, or -1 and errno. */
static int bind_at(const cipmux_address_t *where)
{
    struct sockaddr_storage at;
    socklen_t               length = address_to_sockaddr(where, &at);
    int                     fd = socket(at.ss_family, SOCK_STREAM, 0);
    if (fd < 0) return -1;
    fd_prepare(fd);
    fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(fd, (struct sockaddr *)&at, length) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A listening socket at publisher->at, or -1 and errno. A port of the kernel's choice is bound a second time by its
 * number: the kernel takes the port of its choice away from a socket that stops listening, see pause_or_resume(). */
static int listen_at(publisher_t *publisher)
{
    int chosen = -1;
    if (publisher->at.port == 0) {
        chosen = bind_at(&publisher->at);
        publisher->at.port = address_of_socket(chosen).port;
    }
    int fd = bind_at(&publisher->at);
    int error = errno;
    if (chosen >= 0) close(chosen);
    if (fd >= 0) {
        sockets_prepare_tcp(fd); /* the buffers are inherited by every client's socket */
        if (listen(fd, PUBLISHER_BACKLOG) == 0) return fd;
        error = errno;
        close(fd);
    }
    errno = error;
    return -1;
}

static void log_listening(publisher_t *publisher, const board_t *has_it)
{
    char     text[ADDRESS_TEXT_MAX];
    board_t *board = publisher->board;
    board_log(board, &(log_record_t){ .event = "listening", .bytes = 0 }, "port %u is at %s%s%s",
              (unsigned)publisher->port, address_text(&publisher->at, text),
              has_it ? ", its usual place is taken by modem " : "", has_it ? has_it->config->name : "");
    uint8_t any[4] = { 0 };
    if (!radio_joined(board->config->air, &board->station) &&
        !radio_has_member(board->config->air, &board->station, any))
        board_log_reason(board, (log_record_t){ .event = "note" }, HOST_REASON_SERVER_WITHOUT_WIFI);
}

static void listen_to(publisher_t *publisher, uint16_t port, uint8_t family)
{
    board_t              *board = publisher->board;
    const board_config_t *config = board->config;
    publisher->port = port;
    publisher->family = family;
    publisher->at = publish_find(config->publish, config->publish_count, false, port, family);
    publisher->answer_due = true;
    publisher->answer = CIPMUX_CAUSE_NONE;
    if (config->net == SCOPE_NONE) {
        board_log_reason(board, (log_record_t){ .event = "note" }, HOST_REASON_NOT_PUBLISHED);
        return;
    }
    const board_t *has_it = neighbours_publisher(board, &publisher->at, false);
    if (has_it) publisher->at.port = 0;
    int fd = listen_at(publisher);
    publisher->listener = fd < 0 ? NULL : sock_new(board->loop, fd, client_knocks, publisher);
    if (!publisher->listener) {
        char text[ADDRESS_TEXT_MAX];
        board_log(board,
                  &(log_record_t){
                      .event = "failed", .level = LOG_PROBLEM, .reason = host_reason_id(host_reason_of_errno(errno)) },
                  "port %u cannot be published at %s: %s", (unsigned)port, address_text(&publisher->at, text),
                  host_reason_sentence(host_reason_of_errno(errno)));
        if (fd >= 0) close(fd);
        publisher->answer = CIPMUX_CAUSE_LOCAL;
        record_server_fails(board->record);
        return;
    }
    publisher->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sock_want(publisher->listener, UV_READABLE);
    log_listening(publisher, has_it);
}

static void unlisten(publisher_t *publisher)
{
    sock_close(publisher->listener);
    sock_reset(publisher->waiting);
    if (publisher->spare >= 0) close(publisher->spare);
    if (publisher->listener)
        board_log(publisher->board, &(log_record_t){ .event = "listening" }, "no more on port %u",
                  (unsigned)publisher->port);
    publisher->listener = publisher->waiting = NULL;
    publisher->spare = -1;
    publisher->port = 0;
    publisher->answer_due = publisher->knocking = publisher->paused = false;
}

/* A full server of this firmware does not listen: clients are refused. The socket stays bound, so that nobody else can
 * take the port: shutdown() ends the listening of a socket, listen() begins it again. Without SO_REUSEADDR meanwhile,
 * for another program could listen beside a bound socket that has it. */
static void pause_or_resume(publisher_t *publisher, cipmux_admission_t admission)
{
    int  fd = sock_fd(publisher->listener);
    bool full = admission != CIPMUX_ADMIT_OPEN;
    if (!publisher->pauses || full == publisher->paused) return;
    if (full) {
        fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
        if (shutdown(fd, SHUT_RD) != 0) { /* not on this system: clients are reset instead */
            fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
            publisher->pauses = false;
            return;
        }
        sock_want(publisher->listener, 0);
        publisher->knocking = false;
        board_log_reason(publisher->board, (log_record_t){ .event = "note" }, HOST_REASON_SERVER_PAUSED);
    } else {
        fd_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (listen(fd, PUBLISHER_BACKLOG) != 0) return;
        sock_want(publisher->listener, UV_READABLE);
    }
    publisher->paused = full;
}

/* ---- Turning away ------------------------------------------------------------------------------------------------ */

static host_reason_t refusal_reason(cipmux_admission_t admission)
{
    return admission == CIPMUX_ADMIT_FIN      ? HOST_REASON_CLIENT_CLOSED
           : admission == CIPMUX_ADMIT_SILENT ? HOST_REASON_CLIENT_UNANSWERED
                                              : HOST_REASON_CLIENT_RESET;
}

void publisher_turn_away(publisher_t *publisher, uint64_t now_us, sock_t *client, const cipmux_address_t *peer,
                         cipmux_admission_t admission)
{
    board_log_reason(publisher->board, (log_record_t){ .event = "refused", .peer = peer }, refusal_reason(admission));
    board_settle(publisher->board, now_us);
    record_client(publisher->board->record, now_us, NULL, peer, publisher->port);
    if (admission == CIPMUX_ADMIT_FIN)
        sockets_farewell(&publisher->board->sockets, now_us, client);
    else
        sock_reset(client);
}

/* ---- Letting in -------------------------------------------------------------------------------------------------- */

static void nobody_ready(void *owner, int events)
{
    (void)owner;
    (void)events;
}

/* No descriptor is left: the spare one makes room to accept this client and close it. */
static bool accept_and_drop(publisher_t *publisher, uint64_t now_us)
{
    int fd = -1;
    if (publisher->spare >= 0) {
        close(publisher->spare);
        fd = accept(sock_fd(publisher->listener), NULL, NULL);
        if (fd >= 0) close(fd);
        publisher->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        publisher->knocking = false;
        publisher->retry_us = now_us + PUBLISHER_RETRY_US;
        sock_want(publisher->listener, 0);
        return false;
    }
    board_log_reason(publisher->board, (log_record_t){ .event = "refused" }, HOST_REASON_NO_DESCRIPTORS);
    return true;
}

/* The next client of the kernel's queue into publisher->waiting. False: none. */
static bool accept_client(publisher_t *publisher, uint64_t now_us)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t               length = sizeof peer;
    int                     fd = accept(sock_fd(publisher->listener), (struct sockaddr *)&peer, &length);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) return accept_and_drop(publisher, now_us);
    if (fd < 0) {
        publisher->knocking = errno == ECONNABORTED || errno == EINTR;
        return false;
    }
    fd_prepare(fd);
    publisher->waiting = publisher_sock(publisher, fd);
    if (!publisher->waiting) {
        close(fd);
        return false;
    }
    cipmux_address_t real = address_from_sockaddr(&peer);
    cipmux_address_t local = address_of_socket(fd);
    uint8_t          computer[4];
    board_computer(publisher->board, computer);
    publisher->waiting_peer = address_seen(&real, &local, computer);
    return true;
}

sock_t *publisher_sock(publisher_t *publisher, int fd)
{
    return sock_new(publisher->board->loop, fd, nobody_ready, publisher);
}

cipmux_answer_t publisher_admit(publisher_t *publisher, uint64_t now_us, sock_t *client, const cipmux_address_t *peer,
                                cipmux_link_t *link)
{
    board_t       *board = publisher->board;
    cipmux_event_t event = { .kind = CIPMUX_EVENT_ACCEPT,
                             .address = *peer,
                             .local_port = publisher->port,
                             .memory_size = cipmux_link_memory(&board->modem) };
    event.memory = malloc(event.memory_size);
    board_settle(board, now_us);
    cipmux_answer_t answer = event.memory ? cipmux_event(&board->modem, now_us, &event, link) : CIPMUX_REFUSED;
    if (answer != CIPMUX_TAKEN) {
        free(event.memory);
        return answer;
    }
    board_log(board, &(log_record_t){ .event = "accept", .link = link, .peer = peer }, "%s", "");
    record_client(board->record, now_us, link, peer, publisher->port);
    sockets_adopt(&board->sockets, *link, client, peer, publisher->port, event.memory);
    return answer;
}

/* Offers the waiting client. False: later. */
static bool offer_client(publisher_t *publisher, uint64_t now_us)
{
    cipmux_link_t   link;
    sock_t         *client = publisher->waiting;
    cipmux_answer_t answer = publisher_admit(publisher, now_us, client, &publisher->waiting_peer, &link);
    if (answer == CIPMUX_LATER) return false;
    publisher->waiting = NULL;
    if (answer == CIPMUX_REFUSED)
        publisher_turn_away(publisher, now_us, client, &publisher->waiting_peer, CIPMUX_ADMIT_RESET);
    return true;
}

static bool next_client(publisher_t *publisher, uint64_t now_us)
{
    cipmux_admission_t admission = cipmux_admission(&publisher->board->modem);
    if (!publisher->waiting && !(publisher->knocking && accept_client(publisher, now_us))) return false;
    if (!publisher->waiting) return true;
    if (admission == CIPMUX_ADMIT_OPEN) return offer_client(publisher, now_us);
    publisher_turn_away(publisher, now_us, publisher->waiting, &publisher->waiting_peer, admission);
    publisher->waiting = NULL;
    return true;
}

/* ---- The public face --------------------------------------------------------------------------------------------- */

void publisher_open(publisher_t *publisher, board_t *board)
{
    *publisher = (publisher_t){ .board = board, .spare = -1 };
    publisher->pauses = board->config->modem.quirk[CIPMUX_QUIRK_FULL_RESET] != 0; /* [tcpip 4.4] */
}

void publisher_close(publisher_t *publisher)
{
    if (publisher->port) unlisten(publisher);
}

bool publisher_request(publisher_t *publisher, const cipmux_request_t *request)
{
    if (request->kind != CIPMUX_REQUEST_LISTEN && request->kind != CIPMUX_REQUEST_UNLISTEN) return false;
    if (publisher->port) unlisten(publisher);
    if (request->kind == CIPMUX_REQUEST_LISTEN) listen_to(publisher, request->listen.port, request->listen.family);
    return true;
}

bool publisher_turn(publisher_t *publisher, uint64_t now_us)
{
    bool moved = false;
    if (publisher->answer_due) {
        cipmux_event_t event = { .kind = CIPMUX_EVENT_LISTENING, .cause = publisher->answer };
        if (cipmux_event(&publisher->board->modem, now_us, &event, NULL) != CIPMUX_LATER) {
            publisher->answer_due = false;
            moved = true;
        }
    }
    if (!publisher->listener) return moved;
    pause_or_resume(publisher, cipmux_admission(&publisher->board->modem));
    if (publisher->retry_us && publisher->retry_us <= now_us && !publisher->paused) {
        publisher->retry_us = 0;
        sock_want(publisher->listener, UV_READABLE);
    }
    const int most = publisher->board->record ? 1 : PUBLISHER_REFUSALS; /* recorded, each has a turn to itself */
    for (int i = 0; i < most && next_client(publisher, now_us); i++)
        moved = true;
    return moved;
}

uint64_t publisher_deadline(const publisher_t *publisher)
{
    return publisher->listener && publisher->retry_us ? publisher->retry_us : CIPMUX_NEVER;
}
