/* The registry of quirks: policies in which firmwares differ, and guesses where no source settles what they do. Part of
 * cipmux.h. Each is one small number; a dialect is a column. A row whose matrix rows are marked GUESS in the reference
 * implements that guess; another value is what else the firmware may do.
 *
 * X(NAME, "id", nonos, esp-at, largest value, "matrix rows", "values")
 * The dialect `classic` is the nonos column with single-server 1. */
#ifndef CIPMUX_QUIRKS_H
#define CIPMUX_QUIRKS_H

#define CIPMUX_QUIRKS(X)                                                                                               \
    X(SINGLE_SERVER, "single-server", 0, 0, 1, "classic.md", "0 a server needs CIPMUX=1; 1 it may run in single mode") \
    X(STRICT_LINE, "strict-line", 0, 1, 1, "conv.model.garbage-before-prefix, conv.model.lone-cr-or-lf",               \
      "0 AT is found anywhere in the line and LF runs it; 1 the line must begin with AT and end in CR LF")             \
    X(MIXED_PREFIX, "mixed-prefix", 0, 1, 1, "conv.model.prefix-mixed-case", "1 At and aT are prefixes too")           \
    X(HEX_NUMBERS, "hex-numbers", 0, 1, 1, "conv.model.number-hex-elsewhere", "1 integers may be written 0x...")       \
    X(ECHO_BUSY, "echo-busy", 1, 0, 1, "conv.model.echo-busy", "1 input is echoed while a command is open")            \
    X(BUSY_PER_BURST, "busy-per-burst", 0, 2, 2,                                                                       \
      "conv.model.busy-trigger, conv.model.busy-stray-byte, conv.model.input-chunk",                                   \
      "0 each line that ends while busy is answered; 1 each burst; 2 each burst, and every 100 bytes of it")           \
    X(FORCED_OK, "forced-ok", 1, 1, 1, "basic.RST.run.while-busy", "1 OK follows `Will force to restart!!!`")          \
    X(MUX_SAME_LINKED, "mux-same-linked", 1, 1, 1, "tcp.CIPMUX.set.link-open-unchanged",                               \
      "1 AT+CIPMUX with the value it has is refused while a link is open")                                             \
    X(CLOSE_NONE_FAILS, "close-none-fails", 0, 1, 1, "tcp.CIPCLOSE.set.all-no-link",                                   \
      "1 AT+CIPCLOSE=5 without any link is an error")                                                                  \
    X(UDP_MODE_NEEDS_PORT, "udp-mode-needs-port", 1, 1, 1, "tcp.CIPSTART.set.udp-mode-without-local-port",             \
      "1 UDP mode 1 or 2 without a local port is an error")                                                            \
    X(UDP_ANY_PEER, "udp-any-peer", 1, 0, 1, "tcp.CIPSTART.set.port-zero",                                             \
      "1 a UDP link with a local port may be made to host 0, port 0: it waits for whoever sends")                      \
    X(UDP_STAYS, "udp-stays", 1, 0, 1, "link.model.wifi-lost-udp", "1 UDP links outlive the loss of Wi-Fi")            \
    X(UDP_STATUS, "udp-status", 3, 4, 5, "link.CIPSTATUS.model.status-3-udp",                                          \
      "esp-at: STATUS while only UDP links exist")                                                                     \
    X(UDP_DROPS, "udp-drops", 0, 0, 1, "link.model.flow-udp",                                                          \
      "1 a datagram that finds no room is lost, as on hardware; 0 it waits in the network")                            \
    X(EMPTY_DATAGRAM, "empty-datagram", 0, 0, 1, "link.model.ipd-udp-empty", "1 an empty datagram is printed as +IPD") \
    X(IPD_TAIL, "ipd-tail", 0, 1, 1, "link.model.ipd-tail", "1 CR LF behind a +IPD payload")                           \
    X(UNUSED_LENGTH, "unused-length", 0, 1, 1, "tcp.CIPRECVLEN.query.unused",                                          \
      "0 AT+CIPRECVLEN? shows 0, 1 it shows -1")                                                                       \
    X(SEND_OK_ON_ACK, "send-ok-on-ack", 1, 0, 1, "link.model.send-ok-means",                                           \
      "1 SEND OK waits for the peer's acknowledgement")                                                                \
    X(LATE_SEND_OK, "late-send-ok", 0, 0, 1, "tcp.CIPSEND.model.no-late-send-ok",                                      \
      "1 SEND FAIL is followed by SEND OK when the peer acknowledges after all")                                       \
    X(FULL_RESET, "full-reset", 0, 1, 1, "link.model.server-full",                                                     \
      "0 a client too many is closed by FIN, or gets no answer when five TCP links are open; 1 it is reset")           \
    X(SERVER_TAKES_LINKS, "server-takes-links", 1, 0, 1, "link.model.server-off, tcp.CIPSERVER.set.stop",              \
      "1 the links that it accepted end with the server")                                                              \
    X(IDLE_NEEDS_SERVER, "idle-needs-server", 1, 0, 1, "tcp.CIPSTO.set.no-server", "1 AT+CIPSTO= needs a server")      \
    X(IDLE_ACK_COUNTS, "idle-ack-counts", 1, 0, 1, "tcp.CIPSTO.model.restarted-by",                                    \
      "1 acknowledgements restart the idle time-out, not only data")                                                   \
    X(LEAVE_BEFORE_OK, "leave-before-ok", 0, 1, 1, "wifi.CWQAP.run.joined, wifi.CWMODE.set.leave-station",             \
      "1 WIFI DISCONNECT stands before the OK of AT+CWQAP and AT+CWMODE")                                              \
    X(JOIN_CODE_FIRST, "join-code-first", 1, 0, 1, "wifi.CWJAP.set.no-dhcp",                                           \
      "1 +CWJAP:<code> and the result stand before WIFI DISCONNECT")                                                   \
    X(JOIN_RETRY_SET, "join-retry-set", 0, 1, 1, "wifi.CWRECONNCFG.set.ok, wifi.model.reconnect-policy",               \
      "0 a station that was lost tries again for ever; 1 as often as AT+CWRECONNCFG says")                             \
    X(COUNTRY_CHECKED, "country-checked", 1, 1, 1, "wifi.CWCOUNTRY.set.bad-count",                                     \
      "1 AT+CWCOUNTRY refuses channels beyond 14")                                                                     \
    X(SMART_MODE_1, "smart-mode-1", 1, 1, 1, "wifi.CWSTARTSMART.run.wrong-mode, wifi.CWSTARTSMART.set.wrong-mode",     \
      "1 AT+CWSTARTSMART needs AT+CWMODE=1, 0 any mode with a station")                                                \
    X(SMART_LOCKS_JOIN, "smart-locks-join", 1, 0, 1, "wifi.CWJAP.set.smartconfig-runs",                                \
      "1 AT+CWJAP is refused until AT+CWSTOPSMART")                                                                    \
    X(WPS_MODE_1, "wps-mode-1", 0, 1, 1, "wifi.WPS.set.wrong-mode",                                                    \
      "1 AT+WPS=1 needs AT+CWMODE=1, 0 any mode with a station")                                                       \
    X(MDNS_MODE, "mdns-mode", 2, 0, 2, "wifi.MDNS.set.softap, wifi.MDNS.set.mode-3",                                   \
      "AT+MDNS=1 works 0 in any mode, 1 with a station, 2 with AT+CWMODE=1 only")                                      \
    X(MDNS_NEEDS_IP, "mdns-needs-ip", 1, 0, 1, "wifi.MDNS.set.no-ip", "1 AT+MDNS=1 needs an address")                  \
    X(SCAN_OFFSETS, "scan-offsets", 1, 0, 1, "wifi.CWLAP.run.freq", "0 AT+CWLAP shows 0,0 as frequency offsets")       \
    X(DROP_LINES, "drop-lines", 1, 1, 1, "wifi.CWMODE.set.leave-softap, wifi.CWSAP.set.stations-dropped",              \
      "1 +STA_DISCONNECTED for each station that loses the soft-AP when it ends or restarts")                          \
    X(DHCPS_KICKS, "dhcps-kicks", 1, 0, 1, "wifi.CWDHCPS_CUR.set.deauth",                                              \
      "1 AT+CWDHCPS throws the joined stations out")                                                                   \
    X(LIF_STATIC, "lif-static", 1, 0, 1, "wifi.CWLIF.run.static-ip",                                                   \
      "1 AT+CWLIF shows stations without an address of ours as 0.0.0.0, 0 it leaves them out")                         \
    X(KICK_UNKNOWN, "kick-unknown", 0, 0, 1, "wifi.CWQIF.set.unknown-mac",                                             \
      "0 AT+CWQIF of a station that is not there is an error")                                                         \
    X(DHCP_BITS, "dhcp-bits", 1, 0, 1, "wifi.CWDHCP.query.value",                                                      \
      "1 AT+CWDHCP? shows the soft-AP in bit 0 and the station in bit 1, 0 the other way")                             \
    X(DHCP_MODE_3, "dhcp-mode-3", 1, 0, 1, "wifi.CWDHCP.set.mode-3",                                                   \
      "nonos: 1 AT+CWDHCP=3,... is taken, without effect; 0 it is an error")                                           \
    X(STATIC_GOT_IP, "static-got-ip", 0, 1, 1, "wifi.CIPSTA.set.joined",                                               \
      "1 AT+CIPSTA= while joined prints WIFI GOT IP behind its OK")                                                    \
    X(GATEWAY_FOLLOWS, "gateway-follows", 1, 0, 1, "wifi.CIPSTA.set.omitted-netmask, wifi.CIPAP.set.omitted-netmask",  \
      "1 the gateway that AT+CIPSTA= or AT+CIPAP= leaves out is the ip with last octet 1, or the ip; 0 it stays")      \
    X(AP_CLASS_C, "ap-class-c", 1, 0, 1, "wifi.md 5.2", "1 AT+CIPAP= takes no netmask but 255.255.255.0")              \
    X(CIPAP_NEEDS_AP, "cipap-needs-ap", 0, 1, 1, "wifi.CIPAP.set.ap-off", "1 AT+CIPAP= needs the soft-AP")             \
    X(MAC_NEEDS_INTERFACE, "mac-needs-interface", 0, 1, 1,                                                             \
      "wifi.CIPSTAMAC.set.interface-off, wifi.CIPAPMAC.set.interface-off",                                             \
      "1 AT+CIPSTAMAC= and AT+CIPAPMAC= need their interface")                                                         \
    X(MAC_WHILE_RUNNING, "mac-while-running", 1, 0, 1, "wifi.CIPSTAMAC.set.running, wifi.CIPAPMAC.set.running",        \
      "0 they are refused while joined, or while stations are joined; 1 the interface restarts")                       \
    X(IPR_FIRST, "ipr-first", 1, 1, 1, "basic.IPR.set.order", "1 AT+IPR switches the rate before its OK, 0 behind it") \
    X(RECONNECT_SET, "reconnect-set", 0, 1, 1, "link.model.pt-link-lost",                                              \
      "1 passthrough's pause before dialling again is AT+CIPRECONNINTV's")                                             \
    X(TRANSLINK_RESOLVES, "translink-resolves", 0, 1, 1, "tcp.SAVETRANSLINK.set.name-unresolved",                      \
      "1 AT+SAVETRANSLINK looks a name up before it saves it")                                                         \
    X(THROUGH_DROPS, "through-drops", 0, 1, 1, "link.model.pt-data-disconnected",                                      \
      "1 passthrough data is dropped while the link is down, 0 it is held")                                            \
    X(RAW_LOCKS_RECVMODE, "raw-locks-recvmode", 0, 1, 1, "tcp.CIPRECVMODE.set.passthrough",                            \
      "1 AT+CIPRECVMODE= is refused once passthrough was entered, until AT+CIPMODE=0")                                 \
    X(BOOT_TEXT, "boot-text", 0, 0, 1, "conv.model.boot-rom-text, conv.model.power-on",                                \
      "1 what the ROM and the SDK say at 74880 baud is sent too; 0 it is left out")                                    \
    X(BOOT_CAUSE, "boot-cause", 0, 0, 6, "conv.model.boot-text-cause",                                                 \
      "the cause in the boot text: 0 that of the last hardware reset, else always this number")                        \
    X(SLEEP_NEEDS_STATION, "sleep-needs-station", 1, 2, 2, "basic.SLEEP.set.not-station",                              \
      "AT+SLEEP= in another mode than AT+CWMODE=1: 0 taken, 1 refused but for 0, 2 refused")                           \
    X(RF_POWER_NEEDS_WIFI, "rf-power-needs-wifi", 0, 1, 1, "basic.RFPOWER.query.before-wifi",                          \
      "1 AT+RFPOWER? is refused while AT+CWMODE is 0")                                                                 \
    X(THROUGH_SSL, "through-ssl", 0, 1, 1, "tcp.CIPMODE.set.ssl-link, link.model.pt-ssl",                              \
      "1 passthrough works on an SSL link, at start too; 0 a saved one is not entered")                                \
    X(DNS_AT_ONCE, "dns-at-once", 1, 0, 1, "tcp.CIPDNS.set.auto",                                                      \
      "1 AT+CIPDNS=0 takes what DHCP gave at once, 0 with the next lease")                                             \
    X(DNS_SECOND, "dns-second", 0, 1, 1, "tcp.CIPDNS.set.manual-no-servers-second",                                    \
      "1 AT+CIPDNS=1 without servers takes 8.8.8.8 as the second one")                                                 \
    X(DNS_EQUAL, "dns-equal", 1, 0, 1, "tcp.CIPDNS.set.equal-servers", "1 AT+CIPDNS takes the same server twice")      \
    X(ALIVE_EACH, "alive-each", 1, 1, 1, "tcp.CIPALIVE.query.set, tcp.CIPALIVE.query.none",                            \
      "1 AT+CIPALIVE? begins with a line of its own")                                                                  \
    X(SNTP_COUNTS, "sntp-counts", 0, 1, 1, "svc.CIPSNTPTIME.query.before-sync",                                        \
      "1 the time counts from the start before SNTP knows it, 0 it stands at 1970")                                    \
    X(SNTP_OFF_FAILS, "sntp-off-fails", 0, 0, 1, "svc.CIPSNTPTIME.query.never-enabled",                                \
      "1 AT+CIPSNTPTIME? is an error while SNTP is off")                                                               \
    X(PSK_LINES_MUX, "psk-lines-mux", 1, 1, 1, "svc.CIPSSLCPSK.query.mux0, svc.CIPSSLCPSKHEX.query.mux0",              \
      "1 AT+CIPSSLCPSK? shows link 0 only when CIPMUX=0")                                                              \
    X(SSL_UNSET_LINES, "ssl-unset-lines", 1, 1, 1,                                                                     \
      "svc.CIPSSLCSNI.query.unset, svc.CIPSSLCCN.query.unset, tcp.CIPSSLCALPN.query.unset",                            \
      "1 AT+CIPSSLC...? has a line for a link with nothing set")                                                       \
    X(SSL_ONE_SHOT, "ssl-one-shot", 0, 1, 1, "svc.CIPSSLCSNI.model.one-shot",                                          \
      "1 the end of an SSL link forgets the options of all links")                                                     \
    X(SSL_SKIPS, "ssl-skips", 0, 1, 1, "svc.CIPSSLCCIPHER.set.unsupported-suite",                                      \
      "1 unsupported cipher suites of a list are skipped, 0 they are an error")                                        \
    X(CLIENT_CERTIFICATES, "client-certificates", 0, 2, 9, "svc.CIPSSLCCONF.set.no-cert, svc.CIPSTART.set.empty-cert", \
      "how many client certificates the flash holds")                                                                  \
    X(CLIENT_KEYS, "client-keys", 0, 2, 9, "svc.CIPSSLCCONF.set.no-key", "how many private keys the flash holds")      \
    X(CLIENT_CAS, "client-cas", 0, 2, 9, "svc.CIPSSLCCONF.set.no-ca", "how many client CAs the flash holds")

#endif
