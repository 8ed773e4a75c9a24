/* The program's own reasons, in the form of the engine's cipmux_reasons.h: why something that the modem asked for
 * cannot be had on this computer, or differs from hardware. X(NAME, "id", "sentence", "cure") */
#ifndef HOST_REASONS_H
#define HOST_REASONS_H

#include <stddef.h>

/* clang-format off */
#define HOST_REASONS(X)                                                                                                \
    X(LOOPBACK_IS_MODULE, "loopback-is-module", "on hardware 127.0.0.1 is the module itself, here this computer",      \
      "Use 10.0.2.2: that is this computer, as seen from the modem.")                                                  \
    X(NET_LIMIT, "net-limit", "--net does not let the modem reach this address",                                       \
      "Use --net=all, or dial 10.0.2.2, which is this computer.")                                                      \
    X(NOBODY_THERE, "nobody-there", "nobody has this address on the modem's network",                                  \
      "On 10.0.2.0/24 there are only the modem (10.0.2.15; others 10.0.2.16 and on) and this computer (10.0.2.2).")    \
    X(SOFT_AP_ONLY, "soft-ap-only", "the station has no address: only stations of the soft-AP can be reached",                  \
      "Join an access point first, such as AT+CWJAP=\"lab\",\"password\".")                                            \
    X(NO_TLS, "no-tls", "this build has no TLS",                                                                       \
      "Dial \"TCP\", and let another program (socat, stunnel) do the TLS.")                                            \
    X(NAME_UNKNOWN, "name-unknown", "the name has no address, or no name server answered",                             \
      "Check it with `getent hosts NAME`, and the servers of AT+CIPDNS; --net=local keeps to this computer's hosts file.") \
    X(CONNECTION_REFUSED, "connection-refused", "nobody listens at that address",                                      \
      "Start the server first. For one on this computer dial 10.0.2.2 and its port.")                                  \
    X(CONNECTION_RESET, "connection-reset", "the peer reset the connection",                                           \
      "Look at the peer's own log.")                                                                                   \
    X(NO_ANSWER, "no-answer", "the peer does not answer",                                                              \
      "Check the address, and firewalls between.")                                                                     \
    X(NO_ROUTE, "no-route", "this computer has no route to that address",                                              \
      "Check the address, and this computer's own network.")                                                           \
    X(PORT_IN_USE, "port-in-use", "another program uses that port of this computer",                                   \
      "Choose another place: --publish=HOSTPORT:PORT, with HOSTPORT 0 for any.")                                       \
    X(PORT_FORBIDDEN, "port-forbidden", "this computer does not let us use that address or port",                      \
      "Choose another place: --publish=HOSTPORT:PORT, with a HOSTPORT above 1023.")                                    \
    X(NO_DESCRIPTORS, "no-descriptors", "this process has no free file descriptor",                                    \
      "Raise the limit: ulimit -n.")                                                                                   \
    X(NO_MEMORY, "no-memory", "this computer has no memory for it",                                                    \
      "Close other programs.")                                                                                         \
    X(NOT_PUBLISHED, "not-published", "--net=none: the server runs, but nobody can reach it",                          \
      "Use --net=local or --net=all.")                                                                                 \
    X(SERVER_WITHOUT_WIFI, "server-without-wifi",                                                                      \
      "the station has not joined: programs on this computer reach the server, on hardware nobody would",              \
      "Join an access point first, such as AT+CWJAP=\"lab\",\"password\".")                                            \
    X(CLIENT_RESET, "client-reset", "the server takes no further client now: this one was reset",                      \
      "Close a link, or raise AT+CIPSERVERMAXCONN (at most 5; with AT+CIPMUX=0 there is one link).")                   \
    X(CLIENT_CLOSED, "client-closed", "the server takes no further client now: this one was closed, as hardware does", \
      "Close a link, or raise AT+CIPSERVERMAXCONN (at most 5).")                                                       \
    X(CLIENT_UNANSWERED, "client-unanswered",                                                                          \
      "hardware leaves such a client without any answer; a program cannot, so it was reset (known difference)",        \
      "Close a link; five is the most.")                                                                               \
    X(CLIENT_IGNORED, "client-ignored", "the server takes no further client now: this modem gets no answer",            \
      "Close a link; five is the most.")                                                                               \
    X(DATAGRAM_QUEUE, "datagram-queue", "64 KB from other modems wait for this UDP link: one more is lost",            \
      "Read the modem's serial line, or send less.")                                                                   \
    X(NO_SERVICE, "no-service", "that address is another modem's, which is no name or time server",                    \
      "Name a server that the modem reaches, such as 10.0.2.2.")                                                       \
    X(SERVER_PAUSED, "server-paused", "the server takes no further client now: its port refuses until a link ends",    \
      "Close a link, or raise AT+CIPSERVERMAXCONN (at most 5).")                                                       \
    X(SECOND_ON_PORT, "second-on-port", "somebody already uses this serial port: the second one was turned away",      \
      "Close the first connection; a UART has one far side.")                                                          \
    X(NOBODY_LISTENS, "nobody-listens", "nobody has the far side of the serial line open: these bytes are lost",       \
      "Open it before the modem speaks, or use --boot=open, which resets the modem at each opening.")                  \
    X(RATE_DIFFERS, "rate-differs", "the program's rate is not the modem's: on hardware both would read garbage",      \
      "Open the port at the modem's rate; with --pace=real it garbles here too.")                                      \
    X(MODEM_OVERRUN, "modem-overrun", "the modem's receive buffer was full: a byte is lost, as on hardware",            \
      "Wait for the answer before the next command; for streams use flow control, AT+UART_CUR=115200,8,1,0,1.")        \
    X(UART_OVERRUN, "uart-overrun", "the microcontroller read its UART too late: a byte is lost",                      \
      "Read UDR in an interrupt handler, and keep every other handler and cli() shorter than two characters.")         \
    X(NO_ECHOES, "no-echoes", "this computer does not let the program send a ping",                                    \
      "Let your group: sysctl net.ipv4.ping_group_range='0 2147483647'. Or say `ping IP TIME` in the world file.")      \
    X(NO_MULTICAST, "no-multicast", "AT+MDNS is taken, but no query will be answered",                                  \
      "It needs multicast on the interface of --publish, by default the loopback, and --net=local or all.")            \
    X(NOT_THE_TIME, "not-the-time", "this packet is no answer to the question for the time: it is ignored",             \
      "A server answers with mode 4, a stratum of 1 to 15, and our transmit timestamp as its originate timestamp.")     \
    X(TIME_REFUSED, "time-refused", "the SNTP server asks to be left alone (stratum 0): the next one is asked",        \
      "Ask another server, AT+CIPSNTPCFG=1,<zone>,\"<server>\", or say `sntp any clock` in the world file.")           \
    X(DATAGRAM_FAILED, "datagram-failed", "this computer could not send the datagram",                                 \
      "Check its size and its target.")
/* clang-format on */

typedef enum {
    HOST_REASON_NONE,
#define X(name, id, sentence, cure) HOST_REASON_##name,
    HOST_REASONS(X)
#undef X
        HOST_REASON_COUNT
} host_reason_t;

/* Stable id, sentence and cure; NULL for HOST_REASON_NONE and beyond the last. */
const char *host_reason_id(host_reason_t reason);
const char *host_reason_sentence(host_reason_t reason);
const char *host_reason_cure(host_reason_t reason);

/* What an errno of socket(), bind(), connect() or send() means. */
host_reason_t host_reason_of_errno(int error);

#endif
