/* The dialects, and where one differs from the column of its family: in a text, a number, a quirk or a
 * command's forms and arguments. Everything else is the column's. Sources: the number of a recording, or [libat 1.3]: command table and strings
 * of the published library of NonOS SDK 2.0.0, which is AT 1.3.0.0. */
#ifndef CIPMUX_DIALECTS_H
#define CIPMUX_DIALECTS_H

/* X(NAME, "name", family, "about") */
#define CIPMUX_DIALECTS(X)                                                                                             \
    X(CLASSIC, "classic", NONOS, "nonos-1.7.6, and a server may run in single mode (default)")                         \
    X(NONOS_1_7_6, "nonos-1.7.6", NONOS, "AT 1.7.6 on the NonOS SDK 3.0.6, exact")                                     \
    X(ESP_AT_2_3, "esp-at-2.3", ESP_AT, "ESP-AT 2.3.0.0 for the ESP8266, exact")                                       \
    X(NONOS_1_3, "nonos-1.3", NONOS, "AT 1.3 on the NonOS SDK 2.0, as most ESP-01 modules have it, exact")

/* X(DIALECT, TEXT, "what it prints instead", "source") */
#define CIPMUX_TEXT_DIFFERENCES(X)                                                                                     \
    X(NONOS_1_3, GMR,                                                                                                  \
      "AT version:1.3.0.0(Jul 14 2016 18:54:01)\r\nSDK version:2.0.0(656edbf)\r\ncompile time:Oct 29 2016 22:56:21",   \
      "[002]")                                                                                                         \
    X(NONOS_1_3, BOOT_LOG,                                                                                             \
      "load 0x40100000, len 1856, room 16 \r\ntail 0\r\nchksum 0x63\r\nload 0x3ffe8000, len 776, room 8 \r\n"          \
      "tail 0\r\nchksum 0x02\r\nload 0x3ffe8310, len 552, room 8 \r\ntail 0\r\nchksum 0x79\r\ncsum 0x79\r\n\r\n"       \
      "2nd boot version : 1.5\r\n  SPI Speed      : 40MHz\r\n  SPI Mode       : DIO\r\n"                               \
      "  SPI Flash Size & Map: 8Mbit(512KB+512KB)\r\njump to run user1 @ 1000\r\n\r\n",                                \
      "[709], its first two segments [005]")                                                                           \
    X(NONOS_1_3, JAP, "%n:\"%b\",\"%m\",%d,%d\r\n", "[602, 705], [libat 1.3]")

/* X(DIALECT, NUMBER, value, "source") */
#define CIPMUX_NUMBER_DIFFERENCES(X) X(NONOS_1_3, SCAN_FIELDS, 127, "[111, 707, 709]")

/* X(DIALECT, QUIRK, value, "source") */
#define CIPMUX_QUIRK_DIFFERENCES(X)                                                                                    \
    X(CLASSIC, SINGLE_SERVER, 1, "classic.md")                                                                         \
    X(NONOS_1_3, BOOT_CAUSE, 2, "[005, 709]")

/* X(DIALECT, "command", forms of FORM_*, 0: no such command, "arguments" or NULL: the column's, "source") */
#define CIPMUX_COMMAND_DIFFERENCES(X)                                                                                  \
    X(NONOS_1_3, "+UART", FORM_SET, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+UART_CUR", FORM_SET, NULL, "[libat 1.3]")                                                           \
    X(NONOS_1_3, "+UART_DEF", FORM_SET, NULL, "[libat 1.3]")                                                           \
    X(NONOS_1_3, "+SYSRAM", 0, NULL, "[libat 1.3]")                                                                    \
    X(NONOS_1_3, "+SYSADC", 0, NULL, "[libat 1.3]")                                                                    \
    X(NONOS_1_3, "+SYSIOSETCFG", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+SYSIOGETCFG", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+SYSGPIODIR", 0, NULL, "[libat 1.3]")                                                                \
    X(NONOS_1_3, "+SYSGPIOWRITE", 0, NULL, "[libat 1.3]")                                                              \
    X(NONOS_1_3, "+SYSGPIOREAD", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+SYSMSG_CUR", 0, NULL, "[libat 1.3]")                                                                \
    X(NONOS_1_3, "+SYSMSG_DEF", 0, NULL, "[libat 1.3]")                                                                \
    X(NONOS_1_3, "+RFAUTOTRACE", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+CWJAP", FORM_QUERY | FORM_SET, "s1:32 s0:64 ? s17:17", "[libat 1.3]")                               \
    X(NONOS_1_3, "+CWJAP_CUR", FORM_QUERY | FORM_SET, "s1:32 s0:64 ? s17:17", "[libat 1.3]")                           \
    X(NONOS_1_3, "+CWJAP_DEF", FORM_QUERY | FORM_SET, "s1:32 s0:64 ? s17:17", "[libat 1.3]")                           \
    X(NONOS_1_3, "+CWLAP", FORM_SET | FORM_RUN, "? S0:32 S17:17 I0:14", "[libat 1.3]")                                 \
    X(NONOS_1_3, "+CWSAP", FORM_QUERY | FORM_SET, "s1:32 s0:64 i1:14 i0:4 ? i1:4 i0:1", "[libat 1.3]")                 \
    X(NONOS_1_3, "+CWSAP_CUR", FORM_QUERY | FORM_SET, "s1:32 s0:64 i1:14 i0:4 ? i1:4 i0:1", "[libat 1.3]")             \
    X(NONOS_1_3, "+CWSAP_DEF", FORM_QUERY | FORM_SET, "s1:32 s0:64 i1:14 i0:4 ? i1:4 i0:1", "[libat 1.3]")             \
    X(NONOS_1_3, "+CWJAPTO", 0, NULL, "[libat 1.3]")                                                                   \
    X(NONOS_1_3, "+CWHOSTNAME", 0, NULL, "[libat 1.3]")                                                                \
    X(NONOS_1_3, "+CWCOUNTRY_CUR", 0, NULL, "[libat 1.3]")                                                             \
    X(NONOS_1_3, "+CWCOUNTRY_DEF", 0, NULL, "[libat 1.3]")                                                             \
    X(NONOS_1_3, "+CIPSSLSIZE", FORM_QUERY | FORM_SET, "i2048:4096", "[libat 1.3]")                                    \
    X(NONOS_1_3, "+CIPSSLCCONF", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+CIPCLOSEMODE", 0, NULL, "[libat 1.3]")                                                              \
    X(NONOS_1_3, "+CIPSERVERMAXCONN", 0, NULL, "[libat 1.3]")                                                          \
    X(NONOS_1_3, "+CIPRECVMODE", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+CIPRECVDATA", 0, NULL, "[libat 1.3]")                                                               \
    X(NONOS_1_3, "+CIPRECVLEN", 0, NULL, "[libat 1.3]")                                                                \
    X(NONOS_1_3, "+CIPSNTPCFG", 0, NULL, "[606], [libat 1.3]")                                                         \
    X(NONOS_1_3, "+CIPSNTPTIME", 0, NULL, "[606], [libat 1.3]")                                                        \
    X(NONOS_1_3, "+CIPDNS_CUR", 0, NULL, "[libat 1.3]")                                                                \
    X(NONOS_1_3, "+CIPDNS_DEF", 0, NULL, "[libat 1.3]")

#endif
