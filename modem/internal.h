/* What the files of the engine share. Private: nothing outside modem/ and its table tests includes it. */
#ifndef CIPMUX_INTERNAL_H
#define CIPMUX_INTERNAL_H

#include "cipmux.h"

/* Tables are constant, except in the test that changes one entry at a time to see whether a transcript notices. */
#ifndef CIPMUX_TABLE
#define CIPMUX_TABLE const
#endif

#if defined __GNUC__
#define MAY_ALIAS __attribute__((may_alias)) /* lives in the caller's cipmux_t */
#else
#define MAY_ALIAS
#endif

typedef struct modem modem_t;

/* ---- dialect.c: what differs between firmwares, as data --------------------------------------------------------- */

typedef enum { FAMILY_NONOS, FAMILY_ESP_AT, FAMILY_COUNT } family_t;

#include "dialects.h" /* CIPMUX_DIALECTS, and what each has other than its family's column */
#include "texts.h"    /* CIPMUX_TEXTS: every reply text */

typedef struct {
    const char *name, *about;
    family_t    family;
} dialect_t;

typedef enum {
#define X(id, name, family, about) DIALECT_##id,
    CIPMUX_DIALECTS(X)
#undef X
        DIALECT_COUNT
} dialect_id_t;

typedef enum {
#define X(name, nonos, esp_at) TEXT_##name,
    CIPMUX_TEXTS(X)
#undef X
        TEXT_COUNT,
    TEXT_NONE = TEXT_COUNT,
} text_t;

/* X(NAME, nonos, esp-at, meaning) */
#define CIPMUX_NUMBERS(X)                                                                                              \
    X(RECEIVE_MEMORY, 2920, 5760, "bytes a link buffers, its TCP window [tcpip 4.10]")                                 \
    X(SEND_MEMORY, 2920, 2880, "bytes of its TCP send buffer [tcpip 4.10]")                                            \
    X(FRAME_MAX, 1460, 1460, "payload of one +IPD [tcpip 4.5]")                                                        \
    X(SEND_MAX, 2048, 2048, "payload of one AT+CIPSEND [tcpip 4.10]")                                                  \
    X(THROUGH_PIECE, 2048, 1460, "what passthrough sends in one piece [tcpip 4.8]")                                    \
    X(SERVER_PORT, 333, 333, "port of a server without one [tcpip 3.14]")                                              \
    X(IDLE_DEFAULT, 180, 0, "AT+CIPSTO at start, s [tcpip 3.16]")                                                      \
    X(IDLE_EXTRA, 1800, 0, "how much later than AT+CIPSTO says the link is dropped, ms [309]")                         \
    X(MODE_DEFAULT, 2, 1, "AT+CWMODE of a new module [wifi 3.1]")                                                      \
    X(HOST_MAX, 63, 64, "longest host name [tcpip 3.5]")                                                               \
    X(COUNTRY_POLICY, 0, 1, "AT+CWCOUNTRY of a new module: 0 follows the access point [wifi 5.5]")                     \
    X(STA_PROTO, 7, 7, "AT+CWSTAPROTO of a new module (GUESS) [wifi 5.6]")                                             \
    X(AP_PROTO, 7, 3, "AT+CWAPPROTO of a new module (GUESS) [wifi 5.6]")                                               \
    X(HEAP, 39000, 45588, "free memory of an idle modem, bytes: AT+SYSRAM? [210]")                                     \
    X(HEAP_LOWEST, 39000, 39128, "the lowest of a start, bytes [210]")                                                 \
    X(SLEEP_DEFAULT, 2, 0, "AT+SLEEP at start [basic 2.10]")                                                           \
    X(SLEEP_2_SHOWN, 2, 3, "AT+SLEEP? after AT+SLEEP=2 [basic 2.10]")                                                  \
    X(RF_POWER_DEFAULT, 82, 82, "AT+RFPOWER at start: the highest [basic 2.12]")                                       \
    X(AP_STORED_MAX, 8, 4, "stations of a soft-AP that was never set, as stored [wifi 4.1]")                           \
    X(LEASE_DEFAULT, 120, 120, "lease of AT+CWDHCPS that was never set, min [712]")                                    \
    X(LEASE_RANGE, 101, 101, "addresses that AT+CWDHCPS may have at most [wifi 4.5]")                                  \
    X(NAME_SERVERS, 2, 3, "name servers of AT+CIPDNS [tcpip 3.24]")                                                    \
    X(SSL_SIZE, 2048, 0, "AT+CIPSSLSIZE at start (GUESS) [services 4.1]")                                              \
    X(FLOW_DEFAULT, 0, 1, "flow control of a new module [basic 2.8]")                                                  \
    X(SCAN_FIELDS, 2047, 2047, "fields of a line of AT+CWLAP, a bit each [wifi 3.6]")                                  \
    X(BOOT_MODE, 7, 7, "<m> of the boot text [conventions 1.9]")                                                       \
    X(UART_BUFFER, 256, 1152, "bytes that wait in front of the AT task: FIFO, ring [tcpip 4.10, conventions 1.2]")     \
    X(RTS_AT, 248, 1144, "of those, when RTS goes high: 120 of the FIFO's 128 [tcpip 4.11]; nonos likewise (GUESS)")   \
    X(BURST_CHARACTERS, 10, 10, "silence that ends a burst of input, character times [conventions 1.2]")

typedef enum {
#define X(name, nonos, esp_at, meaning) NUMBER_##name,
    CIPMUX_NUMBERS(X)
#undef X
        NUMBER_COUNT
} number_t;

typedef enum { DIFFERS_TEXT, DIFFERS_NUMBER, DIFFERS_QUIRK, DIFFERS_COMMAND } difference_kind_t;

/* One thing in which a dialect differs from its family's column. */
typedef struct {
    const char *text;   /* TEXT: what it prints. COMMAND: its name */
    const char *schema; /* COMMAND: its arguments; NULL: the column's */
    const char *says;   /* source */
    int32_t     value;  /* NUMBER, QUIRK; COMMAND: FORM_* */
    uint16_t    index;  /* text_t, number_t or cipmux_quirk_t */
    uint8_t     dialect, kind;
} difference_t;

extern const dialect_t           dialects[DIALECT_COUNT];
extern CIPMUX_TABLE difference_t differences[];
extern const size_t              difference_count;
extern const char *CIPMUX_TABLE  texts[TEXT_COUNT][FAMILY_COUNT];
extern CIPMUX_TABLE int32_t      numbers[NUMBER_COUNT][FAMILY_COUNT];

const char *dialect_text(unsigned dialect, text_t text); /* NULL: it says nothing there */
int32_t     dialect_number(unsigned dialect, number_t number);

/* ---- args.c: "a,b,c" -> values ----------------------------------------------------------------------------------- */

enum { ARG_MAX = 34 }; /* the link, a count, and as many cipher suites as fit into a line */

typedef enum {
    ARG_EMPTY,
    ARG_NUMBER,
    ARG_WIDE, /* a number that only a word of 32 bits holds */
    ARG_TEXT,
    ARG_BAD,
} arg_kind_t;

typedef struct {
    const char *text; /* ARG_TEXT: unescaped; else as typed. Not terminated; lives in the line buffer */
    int32_t     number;
    uint16_t    length;
    uint8_t     kind;
    bool        hex, wide;
} arg_t;

typedef struct {
    arg_t   at[ARG_MAX];
    uint8_t count; /* arguments typed */
} args_t;

/* The sub-codes of esp-at's ERR CODE [conventions 1.11] that an argument can earn. */
typedef enum {
    FAULT_NONE,
    FAULT_LENGTH = 4,
    FAULT_TYPE,
    FAULT_COUNT,
    FAULT_VALUE,
    FAULT_PARSE,
} fault_kind_t;

typedef struct {
    uint8_t kind;  /* fault_kind_t */
    uint8_t index; /* which argument, from 0 */
    uint8_t need, given;
} fault_t;

void    args_split(args_t *args, char *text, size_t length);
fault_t args_check(const modem_t *m, args_t *args, const char *schema);
bool    arg_given(const args_t *args, size_t index);
void    args_refuse_words(const modem_t *m, args_t *args);

bool is_host(const modem_t *m, const arg_t *arg); /* a name or address as they are typed; tcpip.c */

/* ---- text.c: values <-> text ------------------------------------------------------------------------------------- */

size_t text_number(char *out, int64_t value);
size_t text_hex(char *out, uint32_t value, size_t digits);
size_t text_ip(char *out, const cipmux_address_t *address); /* at most TEXT_IP_MAX */
size_t text_mac(char *out, const uint8_t mac[6]);
size_t text_serial(char *out, const uint8_t mac[6]); /* its last three bytes, upper case */
bool   parse_ip4(const char *text, size_t length, uint8_t out[4]);
bool   parse_mac(const char *text, size_t length, uint8_t out[6]);
bool   parse_hex(const char *text, size_t length, uint8_t *out); /* two digits a byte */
bool   same_text(const char *a, size_t length, const char *terminated);
bool   same_address(const cipmux_address_t *a, const cipmux_address_t *b);
enum { TEXT_IP_MAX = 40 };

/* ---- command.c: the table, the dispatcher and the one command slot ------------------------------------------------ */

typedef enum {
    VERDICT_ERROR, /* zero: a missing handler is an ERROR */
    VERDICT_OK,
    VERDICT_FAIL,  /* the third result [conventions 1.5] */
    VERDICT_LATER, /* the command stays open: slot.wait says for what */
    VERDICT_DONE,  /* everything was printed by the handler, e.g. a prompt */
} verdict_t;

typedef enum { VARIANT_PLAIN, VARIANT_CUR, VARIANT_DEF } variant_t;

typedef struct {
    const char *name;     /* behind "AT" */
    uint8_t     forms;    /* FORM_* of nonos in the low half, of esp-at in the high one */
    uint8_t     variant;  /* variant_t */
    uint16_t    words[2]; /* text_t: said when argument 0, or a later one, does not fit the schema; 0: nothing */
    const char *schema[FAMILY_COUNT]; /* of the set form, see args.c; NULL: the handler reads the arguments itself */
    verdict_t (*query)(modem_t *);
    verdict_t (*set)(modem_t *, args_t *);
    verdict_t (*run)(modem_t *);
    verdict_t (*test)(modem_t *); /* NULL with FORM_TEST: plain OK */
} command_t;

enum { FORM_TEST = 1, FORM_QUERY = 2, FORM_SET = 4, FORM_RUN = 8 };

extern const command_t commands[];
extern const size_t    command_count;

unsigned    dialect_forms(unsigned dialect, const command_t *command); /* FORM_*; 0: it has no such command */
const char *dialect_schema(unsigned dialect, const command_t *command);

/* What an open command waits for. */
typedef enum {
    WAIT_NONE,    /* no command is open */
    WAIT_TURN,    /* the time that a real module needs to get at the line */
    WAIT_NAME,    /* RESOLVED, for AT+CIPDOMAIN */
    WAIT_TARGET,  /* RESOLVED, for the datagram's own target of AT+CIPSEND */
    WAIT_LINK,    /* a dial: RESOLVED, UP or FAILED */
    WAIT_CLOSED,  /* links print what they still hold, then end */
    WAIT_SERVER,  /* LISTENING */
    WAIT_JOIN,    /* LEASE or LOST */
    WAIT_SCAN,    /* SCAN_DONE */
    WAIT_LINE,    /* LINE_SET: the answer comes at the new rate */
    WAIT_SAVE,    /* RESOLVED, for AT+SAVETRANSLINK */
    WAIT_THROUGH, /* RESOLVED, for the passthrough of a start */
    WAIT_READ,    /* the data of AT+CIPRECVDATA is on its way to the UART */
    WAIT_STORE,   /* STORED: only then its verdict, slot.verdict */
    WAIT_LIST,    /* its lines find room one after the other */
    WAIT_HOST,    /* RESOLVED, for AT+PING */
    WAIT_ECHO,    /* PONG */
    WAIT_UPDATE,  /* the last UPDATE */
    WAIT_COUNT
} wait_t;

typedef enum { OUTCOME_DONE, OUTCOME_FAILED, OUTCOME_RESTART, OUTCOME_COUNT } outcome_t;

typedef struct {
    uint8_t verdict; /* verdict_t; VERDICT_LATER: the command stays open */
    uint8_t legal;   /* 0: cannot happen */
} slot_cell_t;

extern CIPMUX_TABLE slot_cell_t slot_cells[WAIT_COUNT][OUTCOME_COUNT];

/* What is done right after the verdict was printed. */
typedef enum {
    AFTER_NOTHING,
    AFTER_RESTART,
    AFTER_ERASE,
    AFTER_LEAVE,
    AFTER_AUTOJOIN,
    AFTER_MODE,      /* what AT+CWMODE switched off ends */
    AFTER_MODE_JOIN, /* and the station joins */
    AFTER_REJOIN,
    AFTER_GOT_IP,
    AFTER_SOFT_AP, /* the soft-AP restarts */
    AFTER_SERVER_OFF,
    AFTER_LINE,
    AFTER_SLEEP,
    AFTER_HOST_SLEEPS,
    AFTER_HOST_WAKES
} after_t;

typedef struct {
    const command_t *command; /* NULL: none open and none running */
    uint64_t         since;   /* when it began to wait */
    uint32_t         code;    /* ERR CODE to show, 0: none */
    uint16_t         ticket;  /* of RESOLVE and SCAN */
    uint8_t          wait;    /* wait_t */
    uint8_t          link;
    uint8_t          after;  /* after_t */
    uint8_t          family; /* of the name to resolve */
    const char      *name;   /* host name, in the line buffer while the command is open. WAIT_LIST: what is read */
    uint8_t          name_length;
    uint16_t         n;       /* WAIT_TARGET: bytes announced. WAIT_TURN: length of the line. WAIT_LIST: next entry */
    uint16_t         port;    /* WAIT_TARGET, WAIT_SERVER */
    uint8_t          verdict; /* WAIT_STORE: verdict_t */
    cipmux_line_t    uart;    /* AFTER_LINE: to which the UART switches */
    uint32_t         read_length;    /* WAIT_READ, WAIT_LIST of what `name` points to: bytes asked for */
    bool             filtered;       /* WAIT_SCAN: AT+CWLAP=... */
    bool (*line)(modem_t *, size_t); /* WAIT_LIST: says entry n; false: there is none */
    cipmux_address_t from;           /* WAIT_LINK: local address to bind */
} slot_t;

void      command_line(modem_t *m, char *text, size_t length);  /* what stood between AT and CR LF */
void      slot_end(modem_t *m, wait_t wait, outcome_t outcome); /* COMMAND_DONE / COMMAND_FAILED */
verdict_t slot_wait(modem_t *m, wait_t wait);
verdict_t slot_list(modem_t *m, bool (*line)(modem_t *, size_t));
void      slot_settle(modem_t *m);
verdict_t refuse(modem_t *m, cipmux_reason_t reason, text_t text);
verdict_t refuse_argument(modem_t *m, fault_kind_t kind, size_t index, text_t text);
verdict_t refuse_count(modem_t *m, size_t need, size_t given);
void      command_restart(modem_t *m);
void      command_malformed(modem_t *m, bool overlong);
void      slot_resolved(modem_t *m, const cipmux_address_t *address); /* family 0: not found */
bool      slot_resolves(const modem_t *m);
uint64_t  slot_deadline(const modem_t *m);
void      slot_tick(modem_t *m);

/* ---- link.c: the life of a link ------------------------------------------------------------------------------------ */

typedef enum {
    LINK_FREE,
    LINK_RESOLVING, /* the slot waits for the address */
    LINK_DIALING,
    LINK_OPEN,
    LINK_DRAINING, /* the peer closed; what it sent is still being printed */
    LINK_DYING,    /* the peer reset a served link; likewise */
    LINK_ENDING,   /* we close; likewise */
    LINK_HELD,     /* passive, peer closed with unread data, CLOSED withheld [tcpip 4.5] */
    LINK_KEPT,     /* passive, CLOSED printed, data still readable [tcpip 4.5] */
    LINK_CLOSING,  /* until HANG_UP and RETURN were fetched */
    LINK_STATE_COUNT
} link_state_t;

typedef enum {
    LINK_START,       /* AT+CIPSTART with an address */
    LINK_START_NAME,  /* AT+CIPSTART with a name */
    LINK_FOUND,       /* its address */
    LINK_NOT_FOUND,   /* no such name */
    LINK_UP,          /* the network connected */
    LINK_REFUSED,     /* the peer refused, reset or did not answer */
    LINK_FAILED,      /* our own stack failed at once */
    LINK_EXPIRED,     /* nobody answered the dial for DIAL_LIMIT */
    LINK_ACCEPT,      /* a client reached our server */
    LINK_FIN,         /* the peer closed */
    LINK_DIED,        /* reset or dead: a link that we dialled */
    LINK_DIED_SERVED, /* reset or dead: a link that the server accepted */
    LINK_DRAINED,     /* all received bytes were printed or read */
    LINK_UNREAD,      /* passive: what is left waits to be read */
    LINK_CLOSE,       /* AT+CIPCLOSE, idle time-out, server off */
    LINK_LEFT,        /* the station left its network: a link that we dialled */
    LINK_LEFT_SERVED, /* likewise: a link that the server accepted */
    LINK_REUSE,       /* its id is wanted again */
    LINK_RESTART,     /* AT+RST, AT+RESTORE */
    LINK_RESET_PIN,
    LINK_FETCHED, /* the last request of this life was fetched */
    LINK_EVENT_COUNT
} link_event_t;

typedef enum {
    DO_NOTHING,
    ASK_DIAL,
    ASK_HANG_UP,
    ASK_RETURN,
    SAY_CONNECT,
    SAY_CLOSED,
    SAY_CONNECT_FAIL,
    SAY_DNS_FAIL,
    FAIL_SEND, /* tells the sender that its link is gone */
    COMMAND_DONE,
    COMMAND_FAILED,
    EFFECT_COUNT
} effect_t;

enum { EFFECT_MAX = 4 };

typedef struct {
    uint8_t next;                /* link_state_t */
    bool    legal;               /* false: cannot happen; refused, counted, nothing changes */
    uint8_t effects[EFFECT_MAX]; /* effect_t, in wire order */
} link_cell_t;

typedef struct {
    uint8_t     family, state, event;
    link_cell_t cell;
} link_patch_t;

extern CIPMUX_TABLE link_cell_t  link_cells[LINK_STATE_COUNT][LINK_EVENT_COUNT];
extern CIPMUX_TABLE link_patch_t link_patches[];
extern const size_t              link_patch_count;

/* AT+CIPSENDBUF: what is queued in the link's send buffer, a ring, and which segments it makes [tcpip 3.12]. */
enum { SEGMENT_QUEUE = 8, SEGMENT_HISTORY = 32 };

typedef struct {
    uint16_t head, fill, unacked;        /* of the ring: first unsent byte, unsent bytes; sent and not acknowledged */
    uint16_t left;                       /* unsent bytes of the segment being sent */
    uint16_t made, sent, acked, watched; /* segment numbers: the last one made, sent, acknowledged, asked about */
    uint16_t length[SEGMENT_QUEUE];      /* of segment n at n % SEGMENT_QUEUE */
} segments_t;

typedef struct {
    uint8_t         *memory;           /* lent; NULL: none. The receive ring, and behind it the send buffer */
    uint64_t         since;            /* DIALING: its begin. OPEN: last activity */
    cipmux_address_t peer;             /* UDP: the current target */
    uint16_t         size, head, fill; /* of the ring: capacity, first byte, bytes held */
    uint16_t         local_port, keepalive_s;
    uint16_t         first_left;               /* UDP: bytes left of the first datagram */
    uint8_t          state, life, return_life; /* return_life: the life whose memory goes back */
    uint8_t          type;                     /* cipmux_type_t */
    uint8_t          asks;                     /* LINK_ASK_* */
    uint8_t          udp_mode;
    bool             served, close_by_reset, target_moved, notice_due, noticed;
    bool             by_soft_ap; /* its peer is in the soft-AP's network */
    segments_t       segments;
} link_t;

enum { LINK_ASK_DIAL = 1, LINK_ASK_HANG_UP = 2, LINK_ASK_RETURN = 4, LINK_ASK_WATCH = 8, LINK_ASK_OPTION = 16 };

const char        *link_type_text(const modem_t *m, const link_t *link);
const link_cell_t *link_cell(family_t family, link_state_t state, link_event_t event);
bool               link_step(modem_t *m, uint8_t id, link_event_t event);
link_t            *link_find(modem_t *m, cipmux_link_t handle); /* NULL: stale */
cipmux_link_t      link_handle(const modem_t *m, uint8_t id);
bool               link_is_open(const modem_t *m, uint8_t id); /* counts as a connection on the wire */
size_t             links_open(const modem_t *m);
int                link_lowest_free(const modem_t *m); /* -1: none */
void               link_return(modem_t *m, uint8_t id);
void               link_begin(modem_t *m, uint8_t id, cipmux_type_t type, bool served); /* a new life */
void               links_forget_kept(modem_t *m);
void               link_remember_host(modem_t *m, const char *host, uint8_t length);
bool               link_lend(modem_t *m, link_t *link, const cipmux_event_t *event);
/* Links by the station, or by the soft-AP; of the latter all, or those of the peer `ip`. */
bool     links_hold_data(const modem_t *m, bool by_soft_ap, const uint8_t *ip);
void     links_leave(modem_t *m, bool by_soft_ap, const uint8_t *ip); /* that network, or that peer, is gone */
void     links_settle(modem_t *m);
bool     link_event(modem_t *m, const cipmux_event_t *event, cipmux_answer_t *answer);
uint64_t links_deadline(const modem_t *m);
void     links_tick(modem_t *m);

/* ---- server.c: who gets in, idle links ------------------------------------------------------------------------------ */

typedef struct {
    uint16_t port; /* 0: off */
    uint16_t idle_s;
    uint8_t  family, max;
} server_t;

size_t          server_links(const modem_t *m);
cipmux_answer_t server_accept(modem_t *m, const cipmux_event_t *event, cipmux_link_t *assigned);
void            server_off(modem_t *m);
uint64_t        server_deadline(const modem_t *m);
void            server_tick(modem_t *m);

/* ---- send.c: AT+CIPSEND and passthrough; one sender per modem -------------------------------------------------------- */

typedef enum {
    SENDER_IDLE,
    SENDER_RESOLVING,  /* the datagram's own target */
    SENDER_COLLECTING, /* behind the prompt */
    SENDER_SETTLING,   /* payload complete, its burst not yet over */
    SENDER_SENDING,    /* the network takes the bytes */
    SENDER_WAITING,    /* for the acknowledgement */
    SENDER_THROUGH,    /* passthrough */
    SENDER_STATE_COUNT
} sender_state_t;

typedef enum {
    SEND_START,
    SEND_START_NAME,
    SEND_FOUND,
    SEND_NOT_FOUND,
    SEND_COMPLETE,       /* n bytes, or the end mark */
    SEND_CANCEL,         /* a burst of exactly +++ */
    SEND_QUIET,          /* the burst of the payload is over */
    SEND_QUIET_DEAD,     /* the same, and the link is gone */
    SEND_QUIET_BUFFERED, /* the same, of AT+CIPSENDBUF: the bytes join the link's queue */
    SEND_IN_RAM,         /* n bytes, of AT+USERRAM: what follows is the next command */
    SEND_IN_FLASH,       /* n bytes, of AT+SYSFLASH */
    SEND_QUIET_FLASH,    /* and their burst is over */
    SEND_QUIET_UPDATE,   /* the burst of AT+USEROTA's URL is over */
    SEND_TAKEN,          /* the network has all bytes; that is enough */
    SEND_TAKEN_WATCH,    /* the network has all bytes; their acknowledgement counts */
    SEND_ACKED,
    SEND_REFUSED,    /* the stack refuses the payload */
    SEND_ENDED,      /* the link ended */
    SEND_LATE,       /* SEND_LIMIT is over */
    SEND_ACKED_LATE, /* and then the peer acknowledges after all */
    SEND_THROUGH,    /* AT+CIPSEND in CIPMODE=1 */
    SEND_BOOT,       /* passthrough of a start */
    SEND_LEAVE,      /* +++ in passthrough */
    SEND_RESTART,
    SEND_EVENT_COUNT
} sender_event_t;

typedef enum {
    SENDER_NOTHING,
    SAY_PROMPT,
    SAY_PROMPT_THROUGH,
    SAY_RECV,
    SAY_SEND_OK,
    SAY_SEND_FAIL,
    SAY_CANCELED,
    SAY_QUITT,
    SAY_WRITTEN,
    SAY_STORED,
    SENDER_BEGIN_UPDATE,
    SENDER_ASK_NAME,
    SENDER_ASK_WATCH,
    SENDER_COMMAND_DONE,
    SENDER_COMMAND_FAILED,
    SENDER_EFFECT_COUNT
} sender_effect_t;

typedef struct {
    uint8_t next;
    bool    legal;
    uint8_t effects[EFFECT_MAX];
} sender_cell_t;

typedef struct {
    uint8_t       family, state, event;
    sender_cell_t cell;
} sender_patch_t;

extern CIPMUX_TABLE sender_cell_t  sender_cells[SENDER_STATE_COUNT][SEND_EVENT_COUNT];
extern CIPMUX_TABLE sender_patch_t sender_patches[];
extern const size_t                sender_patch_count;

/* Where the payload of a prompt goes. */
typedef enum {
    SEND_TO_LINK,
    SEND_TO_QUEUE, /* of a link: AT+CIPSENDBUF */
    SEND_TO_RAM,   /* AT+USERRAM */
    SEND_TO_FLASH, /* AT+SYSFLASH */
    SEND_TO_UPDATE /* the URL of AT+USEROTA */
} send_to_t;

typedef struct {
    uint64_t         since;           /* COLLECTING: begin of the burst. SENDING, WAITING: when it began */
    uint64_t         last;            /* time of the last payload byte */
    cipmux_address_t to;              /* UDP: target of this datagram; family 0: the link's */
    uint16_t         expected, taken; /* bytes announced; bytes collected */
    uint16_t         sent;            /* of those, given to the network */
    uint16_t         ready;           /* passthrough: of those, whole packets, which may leave */
    uint8_t          burst, plus;     /* bytes of this burst (saturating), and whether all of them were '+' */
    uint8_t          state;           /* sender_state_t */
    bool             escapes, escape_open;
    uint8_t          target;   /* send_to_t */
    bool             late;     /* SEND FAIL was said, and its acknowledgement may still come */
    bool             announce; /* passthrough of a start: its prompt comes when the link is up */
    cipmux_link_t    link;     /* whose send buffer has the bytes; without meaning if `memory` is set */
    uint8_t         *memory;   /* has the bytes instead; NULL: the link */
} sender_t;

const sender_cell_t *sender_cell(family_t family, sender_state_t state, sender_event_t event);
bool                 sender_step(modem_t *m, sender_event_t event);
void                 sender_hear_silence(modem_t *m);       /* before bytes */
void                 sender_byte(modem_t *m, uint8_t byte); /* in COLLECTING and THROUGH */
bool                 sender_takes_bytes(const modem_t *m);
bool                 sender_has_room(const modem_t *m);
bool                 sender_is_busy(const modem_t *m); /* SETTLING, SENDING, WAITING */
bool                 sender_is_through(const modem_t *m);
bool                 sender_keeps_memory(const modem_t *m, uint8_t id); /* also while the link is down */
void                 sender_acked(modem_t *m, uint8_t id);
void                 sender_link_ended(modem_t *m, uint8_t id);
void                 sender_resolved(modem_t *m, const cipmux_address_t *address);
uint64_t             sender_deadline(const modem_t *m);
void                 sender_tick(modem_t *m);
verdict_t            sender_open(modem_t *m, uint8_t id, uint16_t n, bool escapes);
verdict_t            sender_open_through(modem_t *m);
verdict_t            sender_open_buffered(modem_t *m, uint8_t id, uint16_t n);
verdict_t            sender_open_memory(modem_t *m, send_to_t target, uint8_t *memory, uint16_t n);
bool                 through_takes(const modem_t *m, cipmux_type_t type);
void                 sender_boot(modem_t *m);   /* the saved passthrough begins */
void                 sender_settle(modem_t *m); /* its prompt, when the link is up */
uint8_t             *link_send_buffer(const link_t *link);

/* ---- sendbuf.c: AT+CIPSENDBUF and its family; part of the sender -------------------------------------------------------- */

uint8_t *segments_place(const modem_t *m, const link_t *link,
                        size_t at); /* where byte `at` of the segment being collected goes */
void     segments_add(modem_t *m, uint8_t id, uint16_t n);
bool     segments_peek(const modem_t *m, const link_t *link, const void **out, size_t *n);
void     segments_sent(modem_t *m, uint8_t id, size_t n);
void     segments_acked(modem_t *m, uint8_t id);
void     segments_fail(modem_t *m, uint8_t id, bool at_disconnect);
void     segments_settle(modem_t *m); /* failures for which the reply had no room */
bool     segments_busy(const link_t *link);

/* ---- receive.c: received bytes on their way to the UART --------------------------------------------------------------- */

typedef enum { RECEIVER_ACTIVE, RECEIVER_PASSIVE, RECEIVER_RAW, RECEIVER_COUNT } receiver_mode_t;

typedef enum {
    RECEIVE_ARRIVED, /* bytes came */
    RECEIVE_READ,    /* AT+CIPRECVDATA took some, some are left */
    RECEIVE_ENDED,   /* the peer ended with bytes unread */
    RECEIVE_EVENT_COUNT
} receive_event_t;

typedef enum {
    RECEIVE_NOTHING,
    RECEIVE_FRAME,       /* the bytes leave as they are, or as +IPD */
    RECEIVE_NOTICE,      /* a notice with what is held */
    RECEIVE_NOTICE_ONCE, /* likewise, unless one stands unanswered */
    RECEIVE_HOLD,        /* the bytes wait to be read, and the link with them */
    RECEIVE_EFFECT_COUNT
} receive_effect_t;

extern CIPMUX_TABLE uint8_t receive_cells[FAMILY_COUNT][RECEIVER_COUNT][RECEIVE_EVENT_COUNT]; /* receive_effect_t */

receiver_mode_t receiver_mode(const modem_t *m, const link_t *link);
void            receive_settle(modem_t *m);
bool            receive_next_frame(modem_t *m); /* composes the next unit into reply.frame; false: nothing waits */
size_t          receive_take(modem_t *m, uint8_t id, uint8_t *out, size_t n);
size_t          receive_held(const modem_t *m, uint8_t id); /* bytes of payload */
void            receive_read_done(modem_t *m, uint8_t id);

/* ---- reply.c: the only place that writes to the UART -------------------------------------------------------------------- */

enum {
    REPLY_RING = 576,    /* text on its way to the UART */
    REPLY_RESERVE = 448, /* no byte, event or deadline is dealt with unless that much is free */
    FRAME_HEAD = 80,
};

typedef struct {
    uint16_t    head, fill;
    bool        frame_open;
    uint8_t     frame_link, frame_tail; /* tail: bytes of TEXT_IPD_TAIL still to come */
    uint8_t     frame_head_at, frame_head_length;
    uint16_t    frame_left; /* payload still to come */
    uint16_t    long_left;
    const char *long_text; /* a long text behind the ring that stays as it is: the boot text, memory that is read */
    char        frame_head[FRAME_HEAD];
    char        ring[REPLY_RING];
} reply_t;

/* Directives: %d int, %x unsigned (hex), %X unsigned (8 hex digits), %s terminated, %b bytes and int length,
 * %a const cipmux_address_t *, %i const uint8_t[4], %m const uint8_t[6] (MAC), %h its last three bytes as six upper-case
 * digits, %n name of the open command. */
void say(modem_t *m, text_t text, ...);
void say_link(modem_t *m, uint8_t id, text_t text); /* with "<id>," in multiple mode; not in passthrough */
void say_event(modem_t *m, text_t text, ...);       /* an event that passthrough suppresses */
void say_byte(modem_t *m, char byte);               /* echo */
/* `text` with n, then those bytes, which must stay until they were polled: only if reply_has_room(), and last. */
void   say_raw(modem_t *m, text_t text, const char *bytes, uint16_t n);
size_t compose(modem_t *m, char *out, size_t capacity, text_t text, ...);
bool   reply_has_room(const modem_t *m);
bool   reply_fits(const modem_t *m, size_t n);
bool   reply_is_idle(const modem_t *m); /* nothing waits to be polled */

/* ---- line.c: bytes -> command lines ---------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t last;   /* when the last byte came */
    uint16_t length; /* of `text` */
    uint16_t echoed; /* bytes of `text` that were echoed */
    uint8_t  before; /* the byte before */
    uint8_t  match;  /* while busy: how much of AT+RST CR LF the line is; MATCH_LOST: something else */
    bool     inside; /* nonos: behind AT */
    uint8_t  chunk;  /* bytes of this burst, modulo CHUNK_BYTES */
    bool     overlong, busy_chunk, cr_noted;
    char     text[CIPMUX_LINE_MAX];
} line_t;

void     line_byte(modem_t *m, uint8_t byte);
void     line_reset(modem_t *m);
uint64_t line_deadline(const modem_t *m);
void     line_tick(modem_t *m);

/* ---- softap.c, address.c: the modem's own network, and what its two interfaces are called ---------------------------------- */

typedef struct {
    uint8_t ip[4], gateway[4], netmask[4];
} network_t;

/* AT+CWSAP [wifi 4.1]. */
typedef struct {
    uint8_t ssid[CIPMUX_SSID_MAX], password[CIPMUX_PASSWORD_MAX];
    uint8_t ssid_length; /* 0: never set */
    uint8_t password_length, channel, security, max, hidden;
} soft_ap_t;

/* AT+CWDHCPS [wifi 4.5]. */
typedef struct {
    uint16_t lease_min; /* 0: never set */
    uint8_t  first[4], last[4];
} lease_range_t;

enum { DHCP_STATION = 1, DHCP_SOFT_AP = 2 };

/* The two interfaces: as they are, and as they are after a restart. */
typedef struct {
    soft_ap_t     soft_ap;
    network_t     station_network; /* static; all 0: none */
    network_t     soft_ap_network;
    lease_range_t range;
    uint8_t       station_mac[6], soft_ap_mac[6]; /* saved: ff:ff:ff:ff:ff:ff, never set */
    uint8_t       dhcp;                           /* DHCP_* */
} interfaces_t;

enum { GUEST_MAX = 8, HOST_NAME_MAX = 32 }; /* stations of the soft-AP: the SDK's limit [wifi 4.1] */

/* A station of the soft-AP. */
typedef struct {
    uint8_t mac[6], ip[4]; /* ip 0.0.0.0: none leased */
    bool    used, kick;
} guest_t;

const interfaces_t *interfaces_shown(const modem_t *m); /* by the open command: _DEF shows what is saved */
void                interfaces_factory(const modem_t *m, interfaces_t *out);
void                interfaces_load(modem_t *m); /* at start: what is saved is in force */
bool                station_uses_dhcp(const modem_t *m);
lease_range_t       soft_ap_range(const modem_t *m, const interfaces_t *of);
bool                same_network(const network_t *network, const uint8_t ip[4]);
bool                soft_ap_reaches(const modem_t *m, const cipmux_address_t *to);
verdict_t           soft_ap_move(modem_t *m, const network_t *to); /* its address, by a command */
void                soft_ap_ask(modem_t *m, bool restart);         /* for its settings to apply */
void                soft_ap_drop(modem_t *m); /* all its stations, and links, with what that prints */
void                soft_ap_stop(modem_t *m); /* at restart: without a word */
void                soft_ap_kick(modem_t *m); /* asks for every station to be thrown out */
bool                soft_ap_has_guests(const modem_t *m);
cipmux_answer_t     soft_ap_event(modem_t *m, const cipmux_event_t *event);
void                soft_ap_fill(const modem_t *m, cipmux_request_t *out);
void                soft_ap_fill_kick(modem_t *m, cipmux_request_t *out);

/* ---- services.c: name servers, ping, SNTP, update -------------------------------------------------------------------------- */

/* AT+CIPDNS [tcpip 3.24]. */
typedef struct {
    cipmux_name_servers_t list; /* in force; not manual: what DHCP gave, or the fallback */
    bool                  manual;
} name_servers_t;

enum { SNTP_SERVERS = 3, SNTP_SERVER_MAX = 64 };

/* AT+CIPSNTPCFG, and where its client is [services 5]. */
typedef struct {
    uint64_t asked, due; /* the last question; the next one, or the end of waiting for its answer */
    int16_t  zone_min;
    uint16_t ticket;
    uint8_t  count, current; /* servers given, 0: the three of the firmware; which one is asked */
    uint8_t  length[SNTP_SERVERS];
    bool     on, asking;
    char     server[SNTP_SERVERS][SNTP_SERVER_MAX];
} sntp_t;

/* The clock: `offset_us` more than the time of the calls is the time since 1970. */
typedef struct {
    int64_t offset_us; /* begins so that the clock begins at 1970 */
    bool    set;       /* by SNTP */
} utc_t;

/* AT+CIUPDATE [tcpip 3.27]. */
typedef struct {
    uint64_t    since;
    uint16_t    ticket;
    int8_t      state; /* 0 idle, 1-4, -1 failed */
    uint8_t     step;  /* the last one that was done, 1-4; 0: none */
    bool        running;
    bool        in_background, data; /* data: no restart follows */
    bool        https;
    uint8_t     version_length, partition_length;
    uint16_t    url_length;
    const char *version, *partition; /* in the line buffer, until the request was fetched */
    const char *url;                 /* AT+USEROTA: likewise, in the caller's memory. It says no steps */
} update_t;

void     services_start(modem_t *m); /* at power-on and restart */
void     services_leased(modem_t *m, const uint8_t name_server[4]);
void     services_found(modem_t *m, const cipmux_address_t *address); /* AT+PING: family 0: not found */
bool     services_event(modem_t *m, const cipmux_event_t *event, cipmux_answer_t *answer);
void     services_fill(const modem_t *m, uint32_t ask, cipmux_request_t *out); /* PING, TIME, UPDATE */
void     services_update_from(modem_t *m, const char *url, uint16_t length);   /* AT+USEROTA */
uint64_t services_deadline(const modem_t *m);
void     services_tick(modem_t *m);

/* ---- ssl.c: what AT+CIPSSL... set for the next SSL link ----------------------------------------------------------------------- */

enum { SSL_ROOM = 512 };

/* AT+CIPSSLCCONF of one link. */
typedef struct {
    uint8_t auth; /* bit 0: we show a certificate, bit 1: we check the server's */
    uint8_t key, ca;
} certificates_t;

/* The texts and lists of all links, in one room: set for all links at once they stand there once. A record is kind, links
 * (a bit each), length, bytes. */
typedef struct {
    uint16_t fill;
    uint8_t  room[SSL_ROOM];
} ssl_options_t;

bool ssl_has_certificates(const modem_t *m, uint8_t id); /* those that its AT+CIPSSLCCONF names */
void ssl_link_ended(modem_t *m);

/* ---- wifi.c, settings.c -------------------------------------------------------------------------------------------------------- */

typedef struct {
    uint8_t  ssid[CIPMUX_SSID_MAX], password[CIPMUX_PASSWORD_MAX], bssid[6];
    uint8_t  ssid_length, password_length;
    bool     any_bssid, pci_en, strongest;
    uint8_t  listen_interval, pmf;
    uint16_t reconnect_s;
} station_t;

/* AT+CIPTCPOPT of one link [tcpip 3.7]. */
typedef struct {
    int32_t send_timeout_ms; /* 0: none */
    int16_t linger_s;        /* -1: off. 0: RST */
    bool    nodelay;
} tcp_option_t;

/* AT+CWCOUNTRY: the channels that may be used. */
typedef struct {
    char    code[3];
    uint8_t code_length, policy, first, count;
} country_t;

/* AT+CWLAPOPT: what AT+CWLAP shows. */
typedef struct {
    uint16_t fields; /* bit per field of a line, in their order */
    uint16_t auths;  /* bit per value of the first field */
    int8_t   floor;  /* dBm */
    bool     sorted; /* by signal */
} scan_options_t;

typedef enum {
    WIFI_IDLE,    /* no connection started, or left */
    WIFI_JOINING, /* JOIN asked; not associated */
    WIFI_ASSOCIATED,
    WIFI_JOINED, /* has an address */
    WIFI_RETRY,  /* lost or failed in the background; tries again at `due` */
} wifi_state_t;

typedef struct {
    station_t      station; /* what AT+CWJAP set last */
    uint64_t       since, due;
    uint32_t       limit_ms, report_ms; /* of this join: gives up, reports a failure */
    uint16_t       ticket;
    uint8_t        mode;  /* AT+CWMODE: bit 0 station, bit 1 soft-AP */
    uint8_t        state; /* wifi_state_t */
    uint8_t        cause; /* cipmux_cause_t of the last failure */
    uint8_t        scan_channel, scan_bssid[6];
    bool           scan_any_bssid;
    bool           ever_started;                       /* esp-at STATUS 1 or 5 */
    bool           gave_up;                            /* lost, and no attempt is left */
    bool           link_ended;                         /* STATUS 4 */
    uint8_t        sta_proto, ap_proto;                /* bit 0 b, bit 1 g, bit 2 n */
    uint16_t       join_limit_s;                       /* AT+CWJAPTO; 0: never set */
    uint16_t       reconnect_times, reconnect_attempt; /* 0: for ever */
    country_t      country;
    scan_options_t scan_options;
    uint8_t        bssid[6];
    uint8_t        channel;
    int8_t         rssi;
    network_t      network;    /* of the station while it is joined */
    bool           advertised; /* a router told its IPv6 network */
    uint8_t        network6[8];
    uint8_t        auth_floor; /* weaker access points are not joined */
} wifi_t;

/* AT+SAVETRANSLINK: the passthrough that the next start enters [tcpip 3.18]. */
typedef struct {
    char     host[CIPMUX_HOST_MAX];
    uint16_t port, option; /* option: keepalive, s, or the local port */
    uint8_t  host_length, type;
    bool     on, six;
} translink_t;

/* What survives a restart. */
typedef struct {
    station_t      station;
    tcp_option_t   tcp_option[CIPMUX_LINKS];
    cipmux_line_t  uart;
    translink_t    translink;
    interfaces_t   interfaces;
    country_t      country;
    uint16_t       reconnect_100ms, reconnect_times;
    uint8_t        mode, sysmsg, cipv6, sta_proto, ap_proto;
    bool           autoconnect;
    bool           autotrace;
    bool           other_image; /* esp-at: the slot that does not run holds a valid image */
    name_servers_t names;
    certificates_t certificates[CIPMUX_LINKS];
} settings_t;

bool settings_must_be_stored(modem_t *m); /* and asks for it; image.c */
bool settings_stored(modem_t *m, const cipmux_event_t *event);

void settings_take_translink(modem_t *m); /* AT+SAVETRANSLINK was answered OK */

void             settings_factory(modem_t *m);
bool             settings_wanted(const modem_t *m); /* whether the running command saves */
void             wifi_start(modem_t *m);            /* at power-on and restart */
void             wifi_stop(modem_t *m, bool print); /* at restart */
void             wifi_leave(modem_t *m);
void             wifi_join_background(modem_t *m); /* with wifi.station */
void             wifi_autojoin(modem_t *m);
void             wifi_retry(modem_t *m);        /* after a loss in the background, if AT+CWRECONNCFG wants it */
void             wifi_mode_changed(modem_t *m); /* what is switched off ends */
void             wifi_rejoin(modem_t *m);       /* leaves, and comes back */
void             wifi_readdress(modem_t *m);    /* the joined station gets its address in another way */
cipmux_answer_t  wifi_event(modem_t *m, const cipmux_event_t *event);
uint64_t         wifi_deadline(const modem_t *m);
void             wifi_tick(modem_t *m);
bool             wifi_has_address(const modem_t *m);
bool             wifi_station_on(const modem_t *m);
bool             wifi_soft_ap_on(const modem_t *m);
void             wifi_fill_scan(const modem_t *m, cipmux_request_t *out);
void             wifi_fill_join(const modem_t *m, cipmux_request_t *out);
void             wifi_fill_address(const modem_t *m, cipmux_request_t *out);
cipmux_address_t wifi_local_ip6(const uint8_t mac[6]);
cipmux_address_t wifi_global_ip6(const modem_t *m); /* family 0: no router told its network */

/* ---- io.c: pins and registers ------------------------------------------------------------------------------------------------ */

enum { KEPT_REGISTERS = 6 };

typedef struct {
    uint8_t function; /* of the pin's multiplexer */
    bool    pulled_up;
} pin_t;

typedef struct {
    uint32_t address, value;
} kept_t;

typedef struct {
    pin_t    pin[CIPMUX_PINS];
    uint16_t outputs, latches;             /* bit per pin: is an output; its level as one */
    uint16_t outside_driven, outside_high; /* what the caller told */
    uint16_t adc;                          /* 1/1024 V */
    uint16_t supply;                       /* of the chip, mV */
    kept_t   kept[KEPT_REGISTERS];         /* written by AT+SYSREG; address 0: none */
    uint8_t  next_kept;
} pins_t;

void            io_start(modem_t *m);
cipmux_answer_t io_told(modem_t *m, const cipmux_event_t *event);
void            io_fill(const modem_t *m, cipmux_request_t *out);
void            io_drive(modem_t *m, size_t pin, bool high);
void            io_release(modem_t *m, size_t pin);
bool            io_is_valid(int32_t pin);

/* ---- system.c ---------------------------------------------------------------------------------------------------------------- */

void clock_set(modem_t *m, uint32_t unix_s);

/* ---- power.c: sleep and the radio's power ------------------------------------------------------------------------------------ */

/* What no restart keeps. */
typedef struct {
    uint32_t sleep_ms;  /* AT+GSLP: for so long, 0: for ever */
    bool     asleep;    /* deep asleep: only the reset pin wakes the chip */
    uint8_t  mode;      /* AT+SLEEP */
    uint8_t  rf_power;  /* AT+RFPOWER, 0.25 dBm */
    uint16_t rf_supply; /* AT+RFVDD */
} power_t;

void power_start(modem_t *m);
void power_sleep(modem_t *m); /* AT+GSLP was answered */

/* ---- user.c: the user memory ------------------------------------------------------------------------------------------------- */

typedef struct {
    uint16_t size, peak; /* of AT+USERRAM, bytes, 0: none; the largest since the start */
} user_t;

/* ---- wake.c: the sleeping host ----------------------------------------------------------------------------------------------- */

typedef enum {
    WAKE_QUIET,
    WAKE_SIGNALLED, /* the signal was given: until `due`, or until the host says that it is awake */
    WAKE_OVER,      /* that time is over: the next writing goes out */
} wake_state_t;

/* AT+USERWKMCUCFG. */
typedef struct {
    uint64_t due;
    uint16_t delay_ms;
    uint8_t  mode; /* 0: off */
    uint8_t  number, signal, check;
    uint8_t  state; /* wake_state_t */
    bool     asleep;
} wake_t;

bool     wake_host(modem_t *m);
bool     wake_holds(modem_t *m, const cipmux_event_t *event);
uint64_t wake_defers(const modem_t *m, uint64_t due);
uint64_t wake_deadline(const modem_t *m);
void     wake_tick(modem_t *m);
void     wake_told(modem_t *m, bool asleep); /* by AT+USERMCUSLEEP */
void     wake_sleep_mode(modem_t *m, int32_t mode);

/* ---- provision.c: SmartConfig, WPS, mDNS ---------------------------------------------------------------------------------------- */

enum { LABEL_MAX = 63 }; /* of a DNS name, bytes */

typedef enum {
    SMART_OFF,
    SMART_LISTENS, /* for a phone */
    SMART_JOINING, /* with what it told */
    SMART_TOLD,    /* over, and not stopped */
} smart_t;

typedef struct {
    uint64_t wps_since;
    uint16_t smart_ticket, wps_ticket, port;
    uint8_t  smart; /* smart_t */
    uint8_t  auth_floor;
    bool     wps, mdns;
    uint8_t  refuses; /* cipmux_refuses_t */
    uint8_t  host_length, service_length;
    char     host[LABEL_MAX], service[LABEL_MAX]; /* AT+MDNS */
} provision_t;

cipmux_answer_t provision_event(modem_t *m, const cipmux_event_t *event);
void            provision_joined(modem_t *m);
bool            provision_failed(modem_t *m);
void            provision_station_off(modem_t *m);
void            provision_stop(modem_t *m); /* at restart */
uint64_t        provision_deadline(const modem_t *m);
void            provision_tick(modem_t *m);
void            provision_fill(const modem_t *m, uint32_t ask, cipmux_request_t *out);

/* ---- the instance ---------------------------------------------------------------------------------------------------------------- */

enum { NOTE_RING = 6, NOTE_TEXT = 18 };

typedef struct {
    int32_t number;
    uint8_t reason;
    int8_t  link;
    char    text[NOTE_TEXT];
} note_t;

/* What is to be asked, a bit each; no enum, for those end at the width of int. */
#define ASK_RESOLVE  ((uint32_t)1 << 0)
#define ASK_LISTEN   ((uint32_t)1 << 1)
#define ASK_UNLISTEN ((uint32_t)1 << 2)
#define ASK_SCAN     ((uint32_t)1 << 3)
#define ASK_JOIN     ((uint32_t)1 << 4)
#define ASK_LEAVE    ((uint32_t)1 << 5)
#define ASK_RADIO    ((uint32_t)1 << 6)
#define ASK_LINE     ((uint32_t)1 << 7)
#define ASK_PINS     ((uint32_t)1 << 8)
#define ASK_SLEEP    ((uint32_t)1 << 9)
#define ASK_SMART    ((uint32_t)1 << 10)
#define ASK_WPS      ((uint32_t)1 << 11)
#define ASK_MDNS     ((uint32_t)1 << 12)
#define ASK_STORE    ((uint32_t)1 << 13)
#define ASK_SOFT_AP  ((uint32_t)1 << 14)
#define ASK_KICK     ((uint32_t)1 << 15)
#define ASK_ADDRESS  ((uint32_t)1 << 16)
#define ASK_PING     ((uint32_t)1 << 17)
#define ASK_TIME     ((uint32_t)1 << 18)
#define ASK_UPDATE   ((uint32_t)1 << 19)

/* What a start says at 74880 baud, whatever the line runs at [conventions 1.2, 1.9]. */
typedef enum { ASIDE_NOTHING, ASIDE_ROM, ASIDE_SDK } aside_t;

struct MAY_ALIAS modem {
    const cipmux_config_t *config;
    uint64_t               now, ready_at; /* ready_at CIPMUX_NEVER: running */
    uint32_t               burst_us;
    uint8_t                family;      /* family_t */
    uint32_t               asks;        /* ASK_* */
    uint8_t                fails_due;   /* bit per link: its segments failed, and that is not printed yet */
    bool                   line_held;   /* LINE was fetched and not answered */
    uint8_t                aside;       /* aside_t: what is to be said at the ROM's rate */
    bool                   rom_rate;    /* the UART runs at it */
    uint8_t                reset_cause; /* of the last hardware reset: 1 power, 2 reset pin [conventions 1.9] */
    bool                   flash;       /* what is saved is to be stored */
    bool                   storing;     /* STORE was fetched and not answered */
    uint32_t               stored;      /* mark of what is */
    cipmux_line_t          uart;
    uint16_t               tickets;
    /* settings of the running modem */
    bool           echo, mux, cipmode, dinfo, passive, sysstore, syslog;
    bool           raw; /* passthrough was entered: link 0 receives without +IPD until AT+CIPMODE=0 [tcpip 4.8] */
    uint8_t        host_length;
    char           host[CIPMUX_HOST_MAX]; /* what was dialled last, as typed: passthrough dials it again */
    uint8_t        sysmsg, cipv6;
    uint16_t       reconnect_100ms;
    tcp_option_t   tcp_option[CIPMUX_LINKS];
    uint16_t       ssl_size;
    certificates_t certificates[CIPMUX_LINKS];
    ssl_options_t  ssl_options;
    name_servers_t names;
    uint8_t        leased_name_server[4]; /* what DHCP gave last; 0.0.0.0: nothing */
    sntp_t         sntp;
    utc_t          utc;
    update_t       update;

    slot_t            slot;
    line_t            line;
    reply_t           reply;
    link_t            link[CIPMUX_LINKS];
    uint8_t           next_frame; /* link that gets the next +IPD */
    server_t          server;
    sender_t          sender;
    wifi_t            wifi;
    pins_t            pins;
    power_t           power;
    user_t            user;
    wake_t            wake;
    provision_t       provision;
    interfaces_t      interfaces;
    guest_t           guest[GUEST_MAX];
    uint16_t          soft_ap_ticket;                             /* of this life of the soft-AP */
    uint8_t           host_name[HOST_NAME_MAX], host_name_length; /* AT+CWHOSTNAME; 0: the default */
    settings_t        saved;
    note_t            note[NOTE_RING];
    uint8_t           note_head, note_fill;
    cipmux_counters_t counters;
};

_Static_assert(sizeof(modem_t) <= sizeof(cipmux_t), "cipmux_t holds the whole modem");

static inline int32_t number(const modem_t *m, number_t n)
{
    return dialect_number(m->config->dialect, n);
}
static inline const char *text_of(const modem_t *m, text_t text)
{
    return dialect_text(m->config->dialect, text);
}
static inline uint8_t quirk(const modem_t *m, cipmux_quirk_t q)
{
    return m->config->quirk[q];
}
static inline uint64_t time_us(const modem_t *m, cipmux_time_t t)
{
    return (uint64_t)m->config->time_ms[t] * 1000u;
}
static inline uint64_t earliest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

void note(modem_t *m, cipmux_reason_t reason, int link, int32_t value);
void modem_restart(modem_t *m, bool erase);
void modem_reload(modem_t *m); /* at power-on: other settings are saved than it began with */
bool modem_is_off(const modem_t *m);
bool modem_is_busy(const modem_t *m);
void modem_forget(modem_t *m); /* all that is under way, without a word */
/* The restart that AT+RST asks for, with what it prints first. */
void modem_forced_restart(modem_t *m);

/* Handlers of the command table, by file. */
/* clang-format off */
#define HANDLERS(X)                                                                                                    \
    HANDLERS_SYSTEM(X) HANDLERS_IO(X) HANDLERS_POWER(X)                                                                \
    HANDLERS_TCPIP(X)                                                                                                  \
    HANDLERS_WIFI(X) HANDLERS_WIFI_OPTIONS(X) HANDLERS_PROVISION(X) HANDLERS_SOFTAP(X) HANDLERS_ADDRESS(X)             \
    HANDLERS_SERVICES(X) HANDLERS_SSL(X) HANDLERS_USER(X)
#define HANDLERS_USER(X)                                                                                               \
    X(query, userram) X(set, userram) X(set, userota) X(query, sysflash) X(set, sysflash) X(set, userwkmcucfg)         \
    X(set, usermcusleep)
#define HANDLERS_IO(X)                                                                                                 \
    X(set, sysiosetcfg) X(set, sysiogetcfg) X(set, sysgpiodir) X(set, sysgpiowrite) X(set, sysgpioread)                \
    X(query, sysadc) X(set, sysreg)
#define HANDLERS_POWER(X)                                                                                              \
    X(set, gslp) X(query, sleep) X(set, sleep) X(set, wakeupgpio) X(query, rfpower) X(set, rfpower) \
    X(query, rfvdd) X(set, rfvdd) X(run, rfvdd) X(query, rfautotrace) X(set, rfautotrace)
#define HANDLERS_SYSTEM(X)                                                                                             \
    X(run, at) X(run, echo_off) X(run, echo_on) X(run, rst) X(run, gmr) X(run, restore) X(query, sysmsg)               \
    X(set, sysmsg) X(query, sysstore) X(set, sysstore) X(query, syslog) X(set, syslog) X(query, uart) X(set, uart)     \
    X(set, ipr) X(query, cmd) X(query, systimestamp) X(set, systimestamp) X(query, sysram) X(run, sysrollback)         \
    X(set, accepted) X(test, test) X(query, test) X(set, test) X(run, test)
#define HANDLERS_TCPIP(X)                                                                                              \
    X(query, cipmux) X(set, cipmux) X(set, cipstart) X(set, cipstartex) X(set, cipsend) X(set, cipsendex)              \
    X(run, cipsend) X(set, cipclose) X(run, cipclose) X(set, cipclosemode) X(run, cipstatus) X(query, cipstate)        \
    X(run, cifsr) X(set, cifsr) X(query, cipserver) X(set, cipserver) X(query, cipservermaxconn)                       \
    X(set, cipservermaxconn) X(query, cipsto) X(set, cipsto) X(query, cipdinfo) X(set, cipdinfo) X(set, cipdomain)     \
    X(set, savetranslink) X(query, cipreconnintv) X(set, cipreconnintv) X(set, cipsendbuf) X(set, cipbufreset)         \
    X(run, cipbufreset) X(set, cipbufstatus) X(run, cipbufstatus) X(set, cipcheckseq) X(query, ciptcpopt)              \
    X(set, ciptcpopt) X(query, cipv6) X(set, cipv6) X(query, cipmode) X(set, cipmode) X(query, ciprecvmode)            \
    X(set, ciprecvmode) X(set, ciprecvdata) X(query, ciprecvlen)
#define HANDLERS_WIFI(X)                                                                                               \
    X(test, cwmode) X(query, cwmode) X(set, cwmode) X(query, cwjap) X(set, cwjap) X(run, cwjap) X(run, cwqap)          \
    X(set, cwlap) X(run, cwlap)
#define HANDLERS_WIFI_OPTIONS(X)                                                                                       \
    X(query, cwstate) X(query, cwreconncfg) X(set, cwreconncfg) X(query, cwjapto) X(set, cwjapto) X(set, cwlapopt)     \
    X(query, cwstaproto) X(set, cwstaproto) X(query, cwapproto) X(set, cwapproto) X(query, cwautoconn)                 \
    X(set, cwautoconn) X(query, cwcountry) X(set, cwcountry)
#define HANDLERS_PROVISION(X)                                                                                          \
    X(run, cwstartsmart) X(set, cwstartsmart) X(run, cwstopsmart) X(run, wps) X(set, wps) X(set, cwstartdiscover)      \
    X(run, cwstopdiscover) X(set, mdns)
#define HANDLERS_SOFTAP(X)                                                                                             \
    X(query, cwsap) X(set, cwsap) X(run, cwlif) X(run, cwqif) X(set, cwqif) X(query, cwdhcps) X(set, cwdhcps)
#define HANDLERS_ADDRESS(X)                                                                                            \
    X(query, cwdhcp) X(set, cwdhcp) X(query, cipsta) X(set, cipsta) X(query, cipap) X(set, cipap)                      \
    X(query, cipstamac) X(set, cipstamac) X(query, cipapmac) X(set, cipapmac) X(query, cwhostname) X(set, cwhostname)
#define HANDLERS_SERVICES(X)                                                                                           \
    X(query, cipalive) X(query, cipdns) X(set, cipdns) X(query, cipsntpcfg) X(set, cipsntpcfg) X(query, cipsntptime)   \
    X(set, ping) X(query, ciupdate) X(set, ciupdate) X(run, ciupdate)
#define HANDLERS_SSL(X)                                                                                                \
    X(query, cipsslsize) X(set, cipsslsize) X(query, cipsslcconf) X(set, cipsslcconf) X(query, cipsslctext)            \
    X(set, cipsslctext) X(query, cipsslcalpn) X(set, cipsslcalpn) X(query, cipsslcpsk) X(set, cipsslcpsk)              \
    X(query, cipsslccipher) X(set, cipsslccipher)
/* clang-format on */
#define HANDLER_ARGUMENTS_run   (modem_t * m)
#define HANDLER_ARGUMENTS_query (modem_t * m)
#define HANDLER_ARGUMENTS_test  (modem_t * m)
#define HANDLER_ARGUMENTS_set   (modem_t * m, args_t * args)
#define X(form, name)           verdict_t form##_##name HANDLER_ARGUMENTS_##form;
HANDLERS(X)
#undef X

#endif
