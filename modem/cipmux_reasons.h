/* Why a command was refused, or a byte dropped: stable ids for logs and scripts. Part of cipmux.h.
 *
 * X(NAME, "id", "sentence", "cure") - %s in a sentence is the note's text, %d its number. */
#ifndef CIPMUX_REASONS_H
#define CIPMUX_REASONS_H

#define CIPMUX_REASONS(X)                                                                                              \
    X(NO_COMMAND, "no-command", "the line is no AT command",                                                           \
      "A command begins with AT and ends in CR LF; an empty line is an error too.")                                    \
    X(LINE_TOO_LONG, "line-too-long", "the line is longer than 256 bytes",                                             \
      "Split it, or send the data by AT+CIPSEND.")                                                                     \
    X(LINE_END, "line-end", "waiting for CR LF: a lone byte %d does not end a line",                                   \
      "Let the terminal send CR LF (picocom: --omap crcrlf; Arduino's monitor: Both NL & CR).")                        \
    X(UNKNOWN_COMMAND, "unknown-command", "%s is no command of this firmware",                                         \
      "Names are upper case, without blanks; some exist in one dialect only.")                                         \
    X(NO_SUCH_FORM, "no-such-form", "%s does not have this form (of =?, ?, =... and the bare name)",                   \
      "See the forms of the command in docs/PROTOCOL.md.")                                                             \
    X(SAVE_FAILED, "save-failed", "the settings could not be stored: the old ones stay",                               \
      "See the log for what went wrong with the file of --flash.")                                                     \
    X(BAD_ARGUMENT, "bad-argument", "%s: argument %d is missing, of the wrong type, or out of its range",              \
      "Texts are quoted, integers are not; one argument too many counts as well.")                                     \
    X(BUSY_COMMAND, "busy-command", "the line was dropped: a command is still open",                                   \
      "Wait for its OK, ERROR or FAIL before sending the next one.")                                                   \
    X(BUSY_SEND, "busy-send", "the line was dropped: payload is still being sent",                                     \
      "Wait for SEND OK or SEND FAIL; do not send more than AT+CIPSEND announced (no CR LF behind it).")               \
    X(FORCED_RESTART, "forced-restart", "AT+RST while busy: the modem restarts", "Nothing to mend.")                   \
    X(NO_IP, "no-ip", "%s: the station has no address",                                                                \
      "Join an access point with AT+CWJAP and wait for WIFI GOT IP.")                                                  \
    X(LINK_OPEN, "link-open", "%s: the mode changes only while no link is open", "Close the links first.")             \
    X(CIPMODE_IS_1, "cipmode-is-1", "%s is not possible while AT+CIPMODE=1", "Send AT+CIPMODE=0 first.")               \
    X(CIPMODE_IS_0, "cipmode-is-0", "AT+CIPSEND without a length enters passthrough, which needs AT+CIPMODE=1",        \
      "Send AT+CIPSEND=<length>, or AT+CIPMODE=1 first.")                                                              \
    X(SERVER_RUNS, "server-runs", "%s is not possible while the server runs", "Send AT+CIPSERVER=0 first.")            \
    X(SERVER_NEEDS_MUX, "server-needs-mux", "AT+CIPSERVER needs AT+CIPMUX=1",                                          \
      "Send AT+CIPMUX=1 first, or use the dialect classic, where a server may run in single mode.")                    \
    X(SINGLE_SERVER, "single-server", "a server runs in single mode: real firmware refuses that",                      \
      "Nothing to mend; --strict behaves as real firmware does.")                                                      \
    X(CANNOT_LISTEN, "cannot-listen", "port %d cannot be listened on", "Choose another port, or end who has it.")      \
    X(NO_SERVER, "no-server", "AT+CIPSTO= needs a running server", "Send AT+CIPSERVER=1 first.")                       \
    X(NO_SSL_SERVER, "no-ssl-server", "an ESP8266 has no SSL server", "Use \"TCP\".")                                  \
    X(MORE_CLIENTS, "more-clients", "more clients than that are connected", "Close some first.")                       \
    X(IDLE_TIMEOUT, "idle-timeout", "the client said nothing for the %d s of AT+CIPSTO and is dropped",                \
      "AT+CIPSTO=0 turns this off; or let the client talk.")                                                           \
    X(SINGLE_IN_USE, "single-in-use", "single mode has one connection, and it is open",                                \
      "AT+CIPCLOSE it first, or use AT+CIPMUX=1 for up to five.")                                                      \
    X(LINK_IN_USE, "link-in-use", "the link id is in use", "Use another id, or AT+CIPCLOSE it first; there are five.") \
    X(LINK_NOT_OPEN, "link-not-open", "%s: that link is not open",                                                     \
      "Look at AT+CIPSTATUS; the peer may have closed it.")                                                            \
    X(ID_NEEDED, "id-needed", "%s: multiple mode (AT+CIPMUX=1) needs a link id first",                                 \
      "Say which of the links 0-4 is meant, e.g. AT+CIPSTART=0,\"TCP\",... or AT+CIPCLOSE=0 (5: all).")                \
    X(ID_IN_SINGLE, "id-in-single", "%s: single mode (AT+CIPMUX=0) takes no link id",                                  \
      "Leave the id out, or send AT+CIPMUX=1 before anything is open.")                                                \
    X(ONE_SSL, "one-ssl", "there is memory for one SSL link only", "Close the other one first.")                       \
    X(V6_OFF, "v6-off", "%s: IPv6 is off", "Send AT+CIPV6=1 first.")                                                   \
    X(DNS_FAIL, "dns-fail", "the name was not found", "Check its spelling, and the name server.")                      \
    X(DIAL_FAILED, "dial-failed", "the connection could not be made (cause %d)",                                       \
      "Check address and port, and that a program listens there.")                                                     \
    X(SEND_FAILED, "send-failed", "%d bytes could not be sent: the link ended, or the peer took nothing",              \
      "Look at the lines before; the link may be closed.")                                                             \
    X(NOT_TCP, "not-tcp", "%s works on TCP links only", "Use AT+CIPSEND.")                                             \
    X(BUFFER_FULL, "buffer-full", "%s: the link still has unacknowledged segments", "Wait for their SEND OK.")         \
    X(SEND_MODE, "send-mode", "%s: segments of AT+CIPSENDBUF are still under way", "Wait for their SEND OK.")          \
    X(SEND_CANCELED, "send-canceled", "+++ ended the data phase; %d bytes were dropped", "Nothing to mend.")           \
    X(THROUGH_NEEDS_SINGLE, "through-needs-single", "passthrough needs AT+CIPMUX=0", "Send AT+CIPMUX=0 first.")        \
    X(THROUGH_NEEDS_UDP_0, "through-needs-udp-0", "passthrough over UDP needs mode 0", "Start the link with mode 0.")  \
    X(THROUGH_NO_SSL, "through-no-ssl", "this firmware has no passthrough over SSL", "Use TCP, or AT+CIPSEND=<n>.")    \
    X(NOT_PASSIVE, "not-passive", "AT+CIPRECVDATA needs passive receive", "Send AT+CIPRECVMODE=1 first.")              \
    X(NOTHING_HELD, "nothing-held", "no received data waits on that link", "Wait for +IPD.")                           \
    X(DATAGRAM_LOST, "datagram-lost", "a datagram of %d bytes found no room and is lost, as on the module",            \
      "Send smaller datagrams, or read faster.")                                                                       \
    X(STATION_OFF, "station-off", "%s needs the station", "Send AT+CWMODE=1 (or 3) first.")                            \
    X(SOFT_AP_OFF, "soft-ap-off", "%s needs the soft-AP", "Send AT+CWMODE=2 (or 3) first.")                            \
    X(SOFT_AP_DHCP_OFF, "soft-ap-dhcp-off", "%s needs the DHCP server of the soft-AP",                                 \
      "Switch it on with AT+CWDHCP first.")                                                                            \
    X(NO_STATION, "no-station", "%s: no station with that MAC is joined to the soft-AP", "AT+CWLIF lists them.")       \
    X(NO_HOST_ADDRESS, "no-host-address", "%s: that is no address and netmask for one interface",                      \
      "Give an address such as 192.168.4.1, and 255.255.255.0 as netmask.")                                            \
    X(INTERFACE_RUNS, "interface-runs", "%s is not possible while that interface is in use",                           \
      "AT+CWQAP first, or wait until no station is joined to the soft-AP.")                                            \
    X(JOIN_FAILED, "join-failed",                                                                                      \
      "the access point was not joined (code %d: 1 time-out, 2 password, 3 not found, 4 refused)",                     \
      "Check name and password; AT+CWLAP lists what is there.")                                                        \
    X(MODE_1, "mode-1", "%s works in station mode only", "Send AT+CWMODE=1 first.")                                    \
    X(SDK_REFUSED, "sdk-refused", "%s: the module's own firmware refused, as the world wants it",                      \
      "Take the word `sdk refuses` out of the world.")                                                                 \
    X(SMART_RUNS, "smart-runs", "%s is not possible while SmartConfig runs", "Send AT+CWSTOPSMART first.")             \
    X(SMART_REFUSED, "smart-refused", "what the phone sent is no name and password of an access point",                \
      "A name has 1 to 32 bytes, a password at most 64.")                                                              \
    X(WPS_FAILED, "wps-failed", "WPS came to nothing (cause %d)",                                                      \
      "Press the button of exactly one access point within two minutes.")                                              \
    X(DISCOVER_SILENT, "discover-silent", "%s is accepted, but nothing is announced: its protocol is not published",   \
      "Let the peer know the address in another way.")                                                                 \
    X(NO_CREDENTIALS, "no-credentials", "no access point was ever given", "Send AT+CWJAP=\"name\",\"password\".")      \
    X(WIFI_LOST, "wifi-lost", "the access point is gone, or not to be had (cause %d)", "The modem tries again.")       \
    X(NO_LEASE, "no-lease", "the access point gave no address", "The modem tries again.")                              \
    X(NOT_GPIO, "not-gpio", "%s: the pin is not in GPIO mode",                                                         \
      "Send AT+SYSIOSETCFG=<pin>,<function>,<pull-up>: function 0 for GPIO0, 2, 4 and 5, 3 for the others.")           \
    X(NOT_OUTPUT, "not-output", "%s: the pin is an input", "Send AT+SYSGPIODIR=<pin>,1 first.")                        \
    X(BAD_ADDRESS, "bad-address", "AT+SYSREG: there is no such register; hardware crashes",                            \
      "Registers are at 0x60000000 to 0x600013fc, at multiples of 4.")                                                 \
    X(NOT_BUILT_IN, "not-built-in", "%s is not built in: there is no MQTT here yet",                                   \
      "The answer is that of a firmware that was built without it.")                                                   \
    X(USER_RAM, "user-ram", "%s: the user memory is not there, or there already",                                      \
      "AT+USERRAM=1,<size> makes it, AT+USERRAM=0 frees it.")                                                          \
    X(NO_MEMORY, "memory-full", "%s: so much memory is not free", "AT+SYSRAM? says how much is.")                      \
    X(BEYOND_END, "beyond-end", "%s: the range reaches beyond the end, or is not aligned",                             \
      "Flash is erased in multiples of 4096 and written in multiples of 4; AT+SYSFLASH? lists the sizes.")             \
    X(NO_PARTITION, "no-partition", "%s: no such partition, or not to be written", "AT+SYSFLASH? lists them.")         \
    X(NO_HTTP_URL, "no-http-url", "AT+USEROTA: that is no URL with http://", "An ESP8266 loads by http only.")         \
    X(WAKE_ON, "wake-on", "%s: how the host is woken is set already", "Send AT+USERWKMCUCFG=0 first.")                 \
    X(WAKE_OFF, "wake-off", "%s: how the host is woken is not set", "Send AT+USERWKMCUCFG=1,... first.")               \
    X(HOST_ASLEEP, "host-asleep", "%s: the host said that it sleeps", "Send AT+USERMCUSLEEP=0 first.")                 \
    X(NO_IMAGE, "no-image", "AT+SYSROLLBACK: the other slot holds no image", "Update the firmware first.")             \
    X(NOT_STATION, "not-station", "%s needs the station alone", "Send AT+CWMODE=1 first.")                             \
    X(WIFI_OFF, "wifi-off", "%s: Wi-Fi is off", "Send AT+CWMODE=1 (or 2, 3) first.")                                   \
    X(PING_FAILED, "ping-failed", "no answer to the ping", "Check the address; a firewall may hold echoes back.")      \
    X(SNTP_FAILED, "sntp-failed", "SNTP server %d does not answer: the clock is not set",                              \
      "Check the servers of AT+CIPSNTPCFG. `sntp any \"2020-02-06 14:23:50\"` in the world file is one that answers.") \
    X(UPDATE_FAILED, "update-failed", "there is no update to be had: it ended in step %d",                             \
      "The world says which update server there is: `update ok` in the world file.")                                   \
    X(UPDATE_RUNS, "update-runs", "an update is being loaded in the background", "Wait for +CIPUPDATE:4 or -1.")       \
    X(SAME_SERVER, "same-server", "%s: the same name server twice", "Give each server once.")                          \
    X(SSL_OPEN, "ssl-open", "%s needs every SSL link closed", "Close it first.")                                       \
    X(LINK_CONNECTED, "link-connected", "%s: that link is connected", "Set it before AT+CIPSTART.")                    \
    X(NO_CERTIFICATE, "no-certificate", "the certificate, key or CA that AT+CIPSSLCCONF names is not in the flash",    \
      "AT+CIPSSLCCONF=0 needs none; --quirk=client-certificates=N and its like say what the flash holds.")             \
    X(SSL_FULL, "ssl-full", "%s: no room left for the options of SSL links",                                           \
      "Shorten them, or set them for all links at once (link 5).")                                                     \
    X(NO_SUITE, "no-suite", "none of these cipher suites is supported", "AT+CIPSSLCCIPHER? lists those that are.")     \
    X(SNTP_OFF, "sntp-off", "SNTP is off", "Send AT+CIPSNTPCFG=1,<zone> first.")                                       \
    X(SCAN_REFUSED, "scan-refused", "the radio refused to scan", "Try again.")

#endif
