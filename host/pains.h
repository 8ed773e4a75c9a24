/* What goes wrong on the line of such a module, as `cipmux explain` names it: the fault of examples/scenarios/ that makes it, the
 * number of the pain (0: none of the fifteen), and one sentence. X(NAME, "scenario", pain, "sentence") */
#ifndef HOST_PAINS_H
#define HOST_PAINS_H

/* clang-format off */
#define PAINS(X)                                                                                                       \
    X(BUSY, "busy", 1, "a command came while another one was open: the module drops it, it does not wait in a queue")  \
    X(BUSY_CONNECT, "busy-connect", 1, "a command came while AT+CIPSTART was open: the module drops it")               \
    X(BUSY_SENDING, "busy-sending", 1, "bytes came while the payload before was on its way: the module drops them")    \
    X(IPD_IN_COMMAND, "ipd-in-command", 2, "data arrived between a command and its answer")                            \
    X(IPD_BEFORE_SEND_OK, "ipd-before-send-ok", 2, "data arrived between a payload and its SEND OK")                   \
    X(CONNECT_IN_COMMAND, "connect-in-command", 2, "a link's event stands inside the echo of a command")               \
    X(CLOSED_BEFORE_PROMPT, "closed-before-prompt", 3, "the link was gone before the prompt: no payload may follow")   \
    X(CLOSED_AFTER_PROMPT, "closed-after-prompt", 3, "the link ended behind the prompt: no SEND OK comes")             \
    X(CLOSED_BEHIND_DATA, "closed-behind-data", 4, "CLOSED is glued to the payload: only counting finds it")           \
    X(CLOSED_BEHIND_SEND_OK, "closed-behind-send-ok", 4, "CLOSED came in one piece with SEND OK")                      \
    X(IPD_HEADER_LOST, "ipd-header-lost", 5, "payload without its +IPD header: the host lost bytes")                   \
    X(PRINTED_BYTES_LOST, "printed-bytes-lost", 5, "bytes of what the module printed are missing")                     \
    X(PAYLOAD_SHORT, "payload-short", 6, "the payload was too short: the next command was taken as its rest")          \
    X(TYPED_BYTES_LOST, "typed-bytes-lost", 6, "bytes of the command did not reach the module")                        \
    X(SEND_OK_LATE, "send-ok-late", 7, "SEND OK came when the host had already gone on")                               \
    X(SEND_OK_LOST, "send-ok-lost", 7, "no SEND OK and no SEND FAIL ever came")                                        \
    X(SEND_OK_TWICE, "send-ok-twice", 7, "SEND OK came twice for one payload")                                         \
    X(SEND_FAIL_THEN_OK, "send-fail-then-ok", 7, "SEND OK came behind SEND FAIL")                                      \
    X(ID_COLLISION, "id-collision", 8, "a client got the link id that AT+CIPSTART was dialling with")                  \
    X(ID_REUSED, "id-reused", 8, "the link id was given to another connection before its CLOSED was printed")          \
    X(DATA_AFTER_CLOSED, "data-after-closed", 9, "data of a link came behind its CLOSED")                              \
    X(WIFI_LOST, "wifi-lost", 9, "the network was lost; UDP links get no CLOSED then")                                 \
    X(RESET_AT_CLOSE, "reset-at-close", 10, "the module restarted at AT+CIPCLOSE: links and settings are gone")        \
    X(RESET_IN_SEND, "reset-in-send", 10, "the module restarted in a send: payload, links and settings are gone")       \
    X(RESET, "", 10, "the module restarted, and nobody asked for it on this line: links and settings are gone")         \
    X(GARBAGE, "garbage", 11, "bytes are wrong: the rate does not fit, or the line is too long or too fast")           \
    X(MUX_CONFUSION, "", 12, "that is not possible in this connection mode (AT+CIPMUX)")                               \
    X(CLIENTS_VANISH, "clients-vanish", 12, "five clients hold all links and are silent: until AT+CIPSTO no other gets in")\
    X(ESCAPE_WITH_LINE_END, "escape-with-line-end", 13, "+++ with something behind or before it is data: still passthrough")\
    X(CLOSED_IN_PASSTHROUGH, "closed-in-passthrough", 13, "the peer closed, and passthrough says nothing about it")    \
    X(SSL_FAILS, "ssl-fails", 14, "the SSL handshake failed: no certificate error is ever told")                       \
    X(SSL_RESETS, "ssl-resets", 14, "the module restarted while it dialled with SSL: its memory was too small")        \
    X(DIALECT_DRIFT, "", 15, "only some firmwares have this command")                                                  \
    X(NO_ANSWER, "", 0, "a command without its final answer")                                                          \
    X(NOT_OPEN, "", 0, "that link is not open")                                                                         \
    X(NO_CONNECT, "", 0, "CLOSED of a link that was never seen to be connected")                                       \
    X(SHORT_FRAME, "printed-bytes-lost", 5, "the frame is shorter than its header says")
/* clang-format on */

typedef enum {
#define X(name, scenario, pain, sentence) PAIN_##name,
    PAINS(X)
#undef X
        PAIN_COUNT
} pain_t;

#endif
