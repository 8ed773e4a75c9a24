/* Every text that the modem prints, per firmware family. NULL: that family prints nothing there.
 * Directives: see say() in internal.h. Sources: [conventions 1.4-1.9], [tcpip 3-4], [basic 2], [wifi 2-3].
 *
 * X(NAME, nonos, esp-at) */
#ifndef CIPMUX_TEXTS_H
#define CIPMUX_TEXTS_H

#define CIPMUX_TEXTS(X)                                                                                                \
    /* results and prompts */                                                                                          \
    X(OK, "\r\nOK\r\n", "\r\nOK\r\n")                                                                                  \
    X(ERROR, "\r\nERROR\r\n", "\r\nERROR\r\n")                                                                         \
    X(FAIL, "\r\nFAIL\r\n", "\r\nERROR\r\n")                                                                           \
    X(ERR_CODE, NULL, "ERR CODE:0x%X\r\n")                                                                             \
    X(SEND_OK, "\r\nSEND OK\r\n", "\r\nSEND OK\r\n")                                                                   \
    X(SEND_FAIL, "SEND FAIL\r\n", "\r\nSEND FAIL\r\n")                                                                 \
    X(SEND_CANCELED, "\r\nSEND Canceled\r\n", "\r\nSEND Canceled\r\n")                                                 \
    X(RECV, "\r\nRecv %d bytes\r\n", "\r\nRecv %d bytes\r\n")                                                          \
    X(PROMPT, "\r\nOK\r\n> ", "\r\nOK\r\n\r\n>")                                                                       \
    X(PROMPT_THROUGH, "\r\nOK\r\n\r\n>", "\r\nOK\r\n\r\n>")                                                            \
    X(BUSY_COMMAND, "\r\nbusy p...\r\n", "\r\nbusy p...\r\n")                                                          \
    X(BUSY_SEND, "\r\nbusy s...\r\n", "\r\nbusy p...\r\n")                                                             \
    X(FORCE_RESTART, "\r\nWill force to restart!!!\r\n", "\r\nWill force to restart!!!\r\n")                           \
    X(ECHO_END, "\r\n", NULL)                                                                                          \
    /* events */                                                                                                       \
    X(READY, "\r\nready\r\n", "\r\nready\r\n")                                                                         \
    X(BOOT_HEAD, "\r\n ets Jan  8 2013,rst cause:%d, boot mode:(3,%d)\r\n\r\n", NULL)                                  \
    X(BOOT_LOG,                                                                                                        \
      "load 0x40100000, len 2592, room 16 \r\ntail 0\r\nchksum 0xf3\r\nload 0x3ffe8000, len 764, room 8 \r\n"          \
      "tail 4\r\nchksum 0x92\r\nload 0x3ffe82fc, len 676, room 4 \r\ntail 0\r\nchksum 0x22\r\ncsum 0x22\r\n\r\n"       \
      "2nd boot version : 1.7(5d6f877)\r\nSPI Speed : 40MHz\r\nSPI Mode : QIO\r\n"                                     \
      "SPI Flash Size & Map: 16Mbit(1024KB+1024KB)\r\njump to run user1 @ 1000\r\n\r\n",                               \
      NULL)                                                                                                            \
    X(BOOT_SDK, "rf cal sector: 507\r\n", NULL)                                                                        \
    X(WIFI_CONNECTED, "WIFI CONNECTED\r\n", "WIFI CONNECTED\r\n")                                                      \
    X(WIFI_GOT_IP, "WIFI GOT IP\r\n", "WIFI GOT IP\r\n")                                                               \
    X(WIFI_GOT_IP6_LL, NULL, "WIFI GOT IPv6 LL\r\n")                                                                   \
    X(WIFI_GOT_IP6_GL, NULL, "WIFI GOT IPv6 GL\r\n")                                                                   \
    X(WIFI_DISCONNECT, "WIFI DISCONNECT\r\n", "WIFI DISCONNECT\r\n")                                                   \
    X(SMART_TYPE, "smartconfig type:%s\r\n", "smartconfig type:%s\r\n")                                                \
    X(SMART_ESPTOUCH, "ESPTOUCH", "ESPTOUCH")                                                                          \
    X(SMART_AIRKISS, "AIRKISS", "AIRKISS")                                                                             \
    X(SMART_UNKNOWN, "UNKNOWN", "UNKNOWN")                                                                             \
    X(SMART_INFO, "Smart get wifi info\r\n", "Smart get wifi info\r\n")                                                \
    X(SMART_SSID, "ssid:%b\r\n", "ssid:%b\r\n")                                                                        \
    X(SMART_PASSWORD, "password:%b\r\n", "password:%b\r\n")                                                            \
    X(SMART_CONNECTED, "smartconfig connected wifi\r\n", "smartconfig connected wifi\r\n")                             \
    X(SMART_FAIL, "smartconfig connect fail\r\n", NULL)                                                                \
    X(SMART_REFUSED, "smartconfig set config fail\r\n", NULL)                                                          \
    X(WPS_SUCCESS, "wps success,connecting ap ...\r\n", NULL)                                                          \
    X(WPS_FAIL, "wps fail\r\n", NULL)                                                                                  \
    X(STA_CONNECTED, "+STA_CONNECTED:\"%m\"\r\n", "+STA_CONNECTED:\"%m\"\r\n")                                         \
    X(DIST_STA_IP, "+DIST_STA_IP:\"%m\",\"%i\"\r\n", "+DIST_STA_IP:\"%m\",\"%i\"\r\n")                                 \
    X(STA_DISCONNECTED, "+STA_DISCONNECTED:\"%m\"\r\n", "+STA_DISCONNECTED:\"%m\"\r\n")                                \
    X(DHCP_TIMEOUT, "DHCP TIMEOUT\r\n", NULL)                                                                          \
    X(LINK_ID, "%d,", "%d,")                                                                                           \
    X(CONNECT, "CONNECT\r\n", "CONNECT\r\n")                                                                           \
    X(CLOSED, "CLOSED\r\n", "CLOSED\r\n")                                                                              \
    X(CONNECT_FAIL, "CONNECT FAIL\r\n", NULL)                                                                          \
    X(LINK_CONN, "+LINK_CONN:%d,%d,\"%s\",%d,\"%a\",%d,%d\r\n", "+LINK_CONN:%d,%d,\"%s\",%d,\"%a\",%d,%d\r\n")         \
    X(QUITT, "+QUITT\r\n", "\r\n+QUITT\r\n")                                                                           \
    /* received data: n / id, n / n, address, port / id, n, address, port */                                           \
    X(IPD_SINGLE, "\r\n+IPD,%d:", "\r\n+IPD,%d:")                                                                      \
    X(IPD_MULTI, "\r\n+IPD,%d,%d:", "\r\n+IPD,%d,%d:")                                                                 \
    X(IPD_SINGLE_INFO, "\r\n+IPD,%d,%a,%d:", "\r\n+IPD,%d,\"%a\",%d:")                                                 \
    X(IPD_MULTI_INFO, "\r\n+IPD,%d,%d,%a,%d:", "\r\n+IPD,%d,%d,\"%a\",%d:")                                            \
    X(IPD_TAIL, "\r\n", "\r\n")                                                                                        \
    X(NOTICE_SINGLE, "\r\n+IPD,%d\r\n", "\r\n+IPD,%d\r\n")                                                             \
    X(NOTICE_MULTI, "\r\n+IPD,%d,%d\r\n", "\r\n+IPD,%d,%d\r\n")                                                        \
    X(READ, "\r\n+CIPRECVDATA,%d:", "+CIPRECVDATA:%d,")                                                                \
    X(READ_INFO, "\r\n+CIPRECVDATA,%d:", "+CIPRECVDATA:%d,\"%a\",%d,")                                                 \
    /* words before ERROR, and before OK */                                                                            \
    X(NO_IP, "no ip\r\n", NULL)                                                                                        \
    X(ID_ERROR, "ID ERROR\r\n", NULL)                                                                                  \
    X(TYPE_ERROR, "Link type ERROR\r\n", NULL)                                                                         \
    X(IP_ERROR, "IP ERROR\r\n", NULL)                                                                                  \
    X(ENTRY_ERROR, "ENTRY ERROR\r\n", NULL)                                                                            \
    X(MISS_PARAM, "Miss param\r\n", NULL)                                                                              \
    X(ALREADY, "ALREADY CONNECTED\r\n", NULL)                                                                          \
    X(DNS_FAIL, "DNS Fail\r\n", NULL)                                                                                  \
    X(SSL_MAX, "ssl reach max\r\n", NULL)                                                                              \
    X(LINK_BUILDED, "link is builded\r\n", NULL)                                                                       \
    X(IPMODE_MUST, "IPMODE must be 0\r\n", NULL)                                                                       \
    X(SERVER_MUST, "CIPSERVER must be 0\r\n", NULL)                                                                    \
    X(MUX_AND_SERVER, "CIPMUX and CIPSERVER must be 0\r\n", NULL)                                                      \
    X(IPMODE_1, "IPMODE=1\r\n", NULL)                                                                                  \
    X(NOT_VALID, "link is not valid\r\n", NULL)                                                                        \
    X(TOO_LONG, "too long\r\n", NULL)                                                                                  \
    X(UDP_IP, "ip error\r\n", NULL)                                                                                    \
    X(UDP_NO_PORT, "no port\r\n", NULL)                                                                                \
    X(UDP_PORT, "port error\r\n", NULL)                                                                                \
    X(UDP_PORT_RANGE, "port range error\r\n", NULL)                                                                    \
    X(NO_TAIL, "no tail\r\n", NULL)                                                                                    \
    X(MUX_0, "MUX=0\r\n", NULL)                                                                                        \
    X(MUX_1, "MUX=1\r\n", NULL)                                                                                        \
    X(UNLINK, "UNLINK\r\n", NULL)                                                                                      \
    X(NO_CHANGE, "no change\r\n", NULL)                                                                                \
    X(SERVER_FAILURE, "TcpServer Failure\r\n", NULL)                                                                   \
    X(HAVE_CONNECTIONS, NULL, "Have %d Connections\r\n")                                                               \
    X(SMART_STARTED, "Smart started", NULL)                                                                            \
    X(WPS_MODE, "opmode mismatch when wps\r\n", NULL)                                                                  \
    X(WPS_ERROR, "wps command error\r\n", NULL)                                                                        \
    X(STATION_SET_FAIL, "set station config fail\r\n", NULL)                                                           \
    X(STATION_CONNECT_FAIL, "connect station fail\r\n", NULL)                                                          \
    X(WPS_ENABLE_FAIL, "wps ebable fail\r\n", NULL)                                                                    \
    X(WPS_SET_FAIL, "wps set fail\r\n", NULL)                                                                          \
    X(WPS_START_FAIL, "wps start fail\r\n", NULL)                                                                      \
    X(WPS_STOP_FAIL, "wps stop fail\r\n", NULL)                                                                        \
    X(WPS_STARTED, "wps started\r\n", NULL)                                                                            \
    X(WPS_STOPPED, "wps stoped\r\n", NULL)                                                                             \
    X(MDNS_MODE, "opmode mismatch when mdns\r\n", NULL)                                                                \
    X(MDNS_NO_IP, "ip invalid when mdns\r\n", NULL)                                                                    \
    X(MDNS_PARA, "para error when mdns\r\n", NULL)                                                                     \
    X(MDNS_PARA_OFF, "para error when disable mdns\r\n", NULL)                                                         \
    X(MDNS_GET_HOST, "get hostname fail when mdns\r\n", NULL)                                                          \
    X(MDNS_HOST, "hostname error when mdns\r\n", NULL)                                                                 \
    X(MDNS_GET_SERVICE, "get servername fail when mdns\r\n", NULL)                                                     \
    X(MDNS_SERVICE, "servername error when mdns\r\n", NULL)                                                            \
    X(MDNS_PREFIX, "_", NULL)                                                                                          \
    X(MDNS_ABOUT, "vendor = Espressif\nversion = 1.0\nmodule = AT", "vendor=Espressif\nmodule=AT\nversion=1.0")        \
    X(FLAG_ERROR, "flag error\r\n", NULL)                                                                              \
    X(MASK_ERROR, "get mask error\r\n", NULL)                                                                          \
    X(IP1_ERROR, "IP1 ERROR\r\n", NULL)                                                                                \
    X(IP1_INVALID, "IP1 invalid\r\n", NULL)                                                                            \
    X(IP2_ERROR, "IP2 ERROR\r\n", NULL)                                                                                \
    X(IP2_INVALID, "IP2 invalid\r\n", NULL)                                                                            \
    X(SSL_MUST_CLOSE, "must close ssl link\r\n", NULL)                                                                 \
    X(NO_CERT, NULL, "NO CERT FOUND\r\n")                                                                              \
    X(NO_KEY, NULL, "NO PRVT_KEY FOUND\r\n")                                                                           \
    X(NO_CA, NULL, "NO CA FOUND\r\n")                                                                                  \
    X(QAP_FAIL, "QAP fail\r\n", NULL)                                                                                  \
    X(SCAN_FAIL, "scan fail\r\n", NULL)                                                                                \
    X(NOT_GPIO, "NOT GPIO MODE!\r\n", NULL)                                                                            \
    X(NOT_OUTPUT, "NOT OUTPUT!\r\n", NULL)                                                                             \
    X(RFVDD_RANGE, "range:1900~3300\r\n", NULL)                                                                        \
    X(NO_AP, "No AP\r\n", NULL)                                                                                        \
    /* information */                                                                                                  \
    X(GMR,                                                                                                             \
      "AT version:1.7.6.0(Jan 24 2022 08:56:02)\r\nSDK version:3.0.6-dev(072755c)\r\n"                                 \
      "compile time:Jun 17 2024 07:37:40\r\nBin version(Wroom 02):1.7.6",                                              \
      "AT version:2.3.0.0(2522d50 - ESP8266 - Aug 13 2025 08:41:04)\r\nSDK version:v3.4-112-gc965e03d\r\n"             \
      "compile time(2522d50):Aug 13 2025 08:41:04\r\nBin version:2.3.0(WROOM-02)\r\n")                                 \
    X(GMR_OWN, "%b", "%b")                                                                                             \
    X(STATUS, "STATUS:%d\r\n", "STATUS:%d\r\n")                                                                        \
    X(STATUS_LINK, "+CIPSTATUS:%d,\"%s\",\"%a\",%d,%d,%d\r\n", "+CIPSTATUS:%d,\"%s\",\"%a\",%d,%d,%d\r\n")             \
    X(STATE_LINK, NULL, "+CIPSTATE:%d,\"%s\",\"%a\",%d,%d,%d\r\n")                                                     \
    X(AP_IP, "+CIFSR:APIP,\"%i\"\r\n", "+CIFSR:APIP,\"%i\"\r\n")                                                       \
    X(AP_IP6_LL, NULL, "+CIFSR:APIP6LL,\"%a\"\r\n")                                                                    \
    X(AP_MAC, "+CIFSR:APMAC,\"%m\"\r\n", "+CIFSR:APMAC,\"%m\"\r\n")                                                    \
    X(STA_IP, "+CIFSR:STAIP,\"%i\"\r\n", "+CIFSR:STAIP,\"%i\"\r\n")                                                    \
    X(STA_IP6_LL, NULL, "+CIFSR:STAIP6LL,\"%a\"\r\n")                                                                  \
    X(STA_IP6_GL, NULL, "+CIFSR:STAIP6GL,\"%a\"\r\n")                                                                  \
    X(STA_MAC, "+CIFSR:STAMAC,\"%m\"\r\n", "+CIFSR:STAMAC,\"%m\"\r\n")                                                 \
    X(NAME_VALUE, "%n:%d\r\n", "%n:%d\r\n")                                                                            \
    X(MAXCONN, "%n:%d", "%n:%d\r\n")                                                                                   \
    X(COMMAND, NULL, "+CMD:%d,\"AT%s\",%d,%d,%d,%d\r\n")                                                               \
    X(TIMESTAMP, NULL, "%n:%d")                                                                                        \
    X(PARTITION, NULL, "%n:\"%s\",%d,%d,0x%x,0x%x\r\n")                                                                \
    X(USER_BLOCK, NULL, "%n:%d,")                                                                                      \
    X(USER_WRITTEN, NULL, "\r\nWRITE OK\r\n")                                                                          \
    X(FREE_MEMORY, "%n:%d\r\n", "%n:%d,%d")                                                                            \
    X(TEST_TEST, "at_testCmdTest\r\n", NULL)                                                                           \
    X(TEST_QUERY, "at_queryCmdTest\r\n", NULL)                                                                         \
    X(TEST_RUN, "at_exeCmdTest\r\n", NULL)                                                                             \
    X(TEST_FIRST, "the first parameter:%d\r\n", NULL)                                                                  \
    X(TEST_SECOND, "the second parameter:%b\r\n", NULL)                                                                \
    X(TEST_THIRD, "the third parameter:%d\r\n", NULL)                                                                  \
    X(IO_CONFIG, "%n:%d,%d,%d\r\n", NULL)                                                                              \
    X(GPIO, "%n:%d,%d,%d\r\n", NULL)                                                                                   \
    X(REGISTER, NULL, "%n:0x%x\r\n")                                                                                   \
    X(SYSMSG, "%n:0x%x\r\n", "%n:%d")                                                                                  \
    X(DINFO_ON, "+CIPDINFO:TRUE", "+CIPDINFO:true")                                                                    \
    X(DINFO_OFF, "+CIPDINFO:FALSE", "+CIPDINFO:false")                                                                 \
    X(SERVER_OFF, NULL, "+CIPSERVER:0\r\n")                                                                            \
    X(SERVER_ON, NULL, "+CIPSERVER:1,%d,\"%s\"\r\n")                                                                   \
    X(DOMAIN, "+CIPDOMAIN:%a\r\n", "+CIPDOMAIN:\"%a\"\r\n")                                                            \
    X(TCP_OPTION, NULL, "+CIPTCPOPT:%d,%d,%d,%d\r\n")                                                                  \
    X(READ_LENGTHS, "+CIPRECVLEN:%d,%d,%d,%d,%d\r\n", "+CIPRECVLEN:%d,%d,%d,%d,%d\r\n")                                \
    X(READ_LENGTH, NULL, "+CIPRECVLEN:%d\r\n")                                                                         \
    X(MODE_RANGE, "%n:(1-3)\r\n", NULL)                                                                                \
    X(JAP, "%n:\"%b\",\"%m\",%d,%d,%d\r\n", "%n:\"%b\",\"%m\",%d,%d,%d,%d,%d,%d,%d\r\n")                               \
    X(JAP_FAIL, "+CWJAP:%d\r\n", "+CWJAP:%d\r\n")                                                                      \
    X(LAP_BEGIN, "+CWLAP:(", "+CWLAP:(")                                                                               \
    X(LAP_SSID, "\"%b\"", "\"%b\"")                                                                                    \
    X(LAP_BSSID, "\"%m\"", "\"%m\"")                                                                                   \
    X(LAP_NUMBER, "%d", "%d")                                                                                          \
    X(LAP_COMMA, ",", ",")                                                                                             \
    X(LAP_END, ")\r\n", ")\r\n")                                                                                       \
    X(CWSTATE, NULL, "%n:%d,\"%b\"\r\n")                                                                               \
    X(RECONNECT, NULL, "%n:%d,%d\r\n")                                                                                 \
    X(NAME_VALUE_BARE, "%n:%d", "%n:%d")                                                                               \
    X(COUNTRY, "%n:%d,\"%b\",%d,%d\r\n", "%n:%d,\"%b\",%d,%d\r\n")                                                     \
    X(SAP, "%n:\"%b\",\"%b\",%d,%d,%d,%d\r\n", "%n:\"%b\",\"%b\",%d,%d,%d,%d\r\n")                                     \
    X(LIF, "%i,%m\r\n", "+CWLIF:%i,%m\r\n")                                                                            \
    X(DHCPS, "%n:%d,%i,%i", "%n:%d,%i,%i")                                                                             \
    X(NETWORK, "%n:ip:\"%i\"\r\n%n:gateway:\"%i\"\r\n%n:netmask:\"%i\"\r\n",                                           \
      "%n:ip:\"%i\"\r\n%n:gateway:\"%i\"\r\n%n:netmask:\"%i\"\r\n")                                                    \
    X(NETWORK6, NULL, "+CIPSTA:ip6ll:\"%a\"\r\n+CIPSTA:ip6gl:\"%a\"\r\n")                                              \
    X(MAC, "%n:\"%m\"\r\n", "%n:\"%m\"\r\n")                                                                           \
    X(HOST_NAME, "%n:%b\r\n", "%n:%b\r\n")                                                                             \
    X(NO_HOST_NAME, "%n:<null>\r\n", NULL)                                                                             \
    /* names that a module gives itself */                                                                             \
    X(OWN_SSID, "ESP-%h", "ESP_%h")                                                                                    \
    X(OWN_HOST_NAME, "ESP-%h", "espressif")                                                                            \
    X(ALIVE_HEAD, "+CIPALIVE:\r\n", NULL)                                                                              \
    X(ALIVE, "+CIPALIVE:id %d,%d\r\n", NULL)                                                                           \
    X(ALIVE_NONE, "Not set TCP keep alive\r\n", NULL)                                                                  \
    X(DNS_HEAD, NULL, "%n:%d")                                                                                         \
    X(DNS_SERVER, "%n:%i\r\n", ",\"%i\"")                                                                              \
    X(LINE_END, NULL, "\r\n")                                                                                          \
    X(SNTP_OFF, "%n:0\r\n", "%n:0\r\n")                                                                                \
    X(SNTP_ON, "%n:1,%d", "%n:1,%d")                                                                                   \
    X(SNTP_SERVER, ",\"%b\"", ",\"%b\"")                                                                               \
    X(SNTP_END, "\r\n", "\r\n")                                                                                        \
    X(SNTP_TIME, "%n:%s", "%n:%s")                                                                                     \
    X(DAY_PAD, "0", " ")                                                                                               \
    X(PONG, "+%d\r\n", "+PING:%d\r\n")                                                                                 \
    X(PING_TIMEOUT, "+timeout\r\n", "+PING:TIMEOUT\r\n")                                                               \
    X(PING_NO_NAME, NULL, "+PING:TIMEOUT\r\n")                                                                         \
    X(UPDATE_STEP, "+CIPUPDATE:%d\r\n", "+CIPUPDATE:%d\r\n")                                                           \
    X(SSL_MODE, "%n:%d\r\n", NULL)                                                                                     \
    X(SSL_CONF, NULL, "%n:%d,%d,%d,%d\r\n")                                                                            \
    X(SSL_TEXT, NULL, "%n:%d,%b\r\n")                                                                                  \
    X(SSL_ALPN, NULL, "%n:%d")                                                                                         \
    X(SSL_ALPN_NAME, NULL, ",%b")                                                                                      \
    X(SSL_PSK, NULL, "%n:%d,%b,%b\r\n")                                                                                \
    X(SSL_CIPHER, NULL, "%n:%d,0x%s\r\n")                                                                              \
    X(UART, "%n:%d,%d,%d,%d,%d", "%n:%d,%d,%d,%d,%d\r\n")                                                              \
    X(SEGMENT, "%d,%d\r\n", NULL)                                                                                      \
    X(SEGMENT_LATER, "\r\n", NULL)                                                                                     \
    X(SEGMENT_OK, "%d,SEND OK\r\n", NULL)                                                                              \
    X(SEGMENT_FAIL, "%d,SEND FAIL\r\n", NULL)                                                                          \
    X(SEGMENT_TRUE, "%d,TRUE\r\n", NULL)                                                                               \
    X(SEGMENT_FALSE, "%d,FALSE\r\n", NULL)                                                                             \
    X(BUFFER_STATUS, "%d,%d,%d,%d,%d\r\n", NULL)                                                                       \
    X(BUFFER_FULL, "BUFFER FULL\r\n", NULL)                                                                            \
    X(QUEUE_FULL, "QUEUE FULL\r\n", NULL)                                                                              \
    X(SSL_NOT_SUPPORTED, "ssl not supported\r\n", NULL)                                                                \
    X(SEND_MODE, "send mode error\r\n", NULL)                                                                          \
    X(PROMPT_BOOT, "\r\n>", "\r\n>")                                                                                   \
    /* link types, as AT+CIPSTART takes and AT+CIPSTATUS shows them */                                                 \
    X(TCP, "TCP", "TCP")                                                                                               \
    X(UDP, "UDP", "UDP")                                                                                               \
    X(SSL, "SSL", "SSL")                                                                                               \
    X(TCP6, NULL, "TCPv6")                                                                                             \
    X(UDP6, NULL, "UDPv6")                                                                                             \
    X(SSL6, NULL, "SSLv6")

#endif
